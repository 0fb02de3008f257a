"""Exercise gan-21: Demodulate what is not white."""

import torch

from .._comparisons import far, first
from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="gan-21",
    title="Demodulate what is not white",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Derive by which factor a modulated convolution changes the variance of what "
        "goes through it, channel by channel.",
    ),
    statement=r"""
A style multiplies the channels that go into a convolution, and with them the spread of
what comes out. Demodulation divides that spread out again, so that no style can drown
the others. [Karras et al. (2020)](https://arxiv.org/abs/1912.04958) compute it from the
kernel alone, as if what goes in had variance 1 everywhere. After a nonlinearity it does
not.

The convolution of example $b$ has the kernel $w_{oik}\, s_{bi}$, where $o$ is a channel
that comes out, $i$ one that goes in, and $k$ a position of the kernel. Let the numbers
that go in be independent of each other, in all channels and places, with mean 0 and
variance $v_i$ in channel $i$. Find the factors $d_{bo}$ by which what comes out has to
be multiplied so that it has variance 1 in every channel, far from the picture's border.

Write `demodulation(weight, s, variance)`: the kernels `(o, i, kh, kw)`, where `kh` and
`kw` are any sizes; the styles `(b, i)`, of any sign; and the variances `(i,)`, zero or
positive. Any of these sizes may be 1. Return the factors, `(b, o)`.

- So that nothing is divided by zero, $10^{-8}$ is added to the variance of each channel
  that comes out, once, under the root: a channel without any weight has the factor
  $10^4$.
- All three are float32, or all three float64: the result has their dtype. It is right
  to 1 in 10,000 of itself, in float64 to 1 in $10^{9}$, for kernels and styles up to
  $\pm 1000$ and variances up to $10^6$.
- Gradients flow to all three, and are finite: also to a kernel that is zero, to a style
  that is zero and to a variance that is zero.
""",
    stub='''
def demodulation(weight, s, variance):
    """(o, i, kh, kw), (b, i), (i,) -> (b, o): factors."""
    return ...
''',
    answers={"demodulation": callable},
    hints=(
        "What comes out at one place is a sum of numbers that went in, each times one "
        "of the kernel and a style. What is the variance of a sum of independent "
        "numbers, and that of a number times a constant?",
        "In that sum the kernel's positions stand apart from style and variance, which "
        "have none. Sum over the positions first: what is left over the channels is a "
        "product of two matrices.",
        "The factor is 1 divided by a standard deviation. That is the one "
        "root which is needed.",
    ),
    misconceptions={
        "summed over the channels that come out": "Each channel that comes out is a "
        "sum over those that go in.",
        "kernel not squared": "A number times a constant has the variance times the "
        "square of the constant.",
        "style not squared": "The style multiplies the numbers: their variance is "
        "multiplied by its square.",
        "style left out": "The kernel of an example is w times its style.",
        "one added to the style": "s is the factor itself.",
        "variance left out": "This is the case of Karras et al., where all v are 1.",
        "one variance for all channels": "Each channel that goes in has its own.",
        "variances of other channels": "v_i belongs to the channel i.",
        "variance squared": "Variances are given, not deviations: they enter once.",
        "inverse of the variance": "Where more goes in, more comes out.",
        "variance added": "It is multiplied by the squares of kernel and style.",
        "positions left out": "All positions of the kernel add to the variance.",
        "positions averaged": "Independent numbers at kh·kw places add up.",
        "positions added before they are squared": "This would be right if all places "
        "held the same number. They are independent: squares are added.",
        "channels averaged": "What comes out is a sum over the channels that go in.",
        "channels added before they are squared": "This would be right if all channels "
        "held the same number. They are independent: squares are added.",
        "root lost": "The variance is to become 1, and a factor enters it by its "
        "square.",
        "multiplied in place of divided": "Where much comes out the factor is small.",
        "batch mixed up": "Each example has its own style.",
        "channels that come out mixed up": "Each of them has its own factor.",
        "1e-8 outside the root": "It is added to the variance, not to the deviation.",
        "1e-8 added more than once": "Once for each channel that comes out.",
        "1e-8 added within the sum": "It is added to the variance of what comes out, "
        "not to a part of it.",
        "a floor in place of what is added": "A clamp adds nothing where the variance "
        "is larger.",
        "styles or variances normalized": "Style and variance count as they are.",
        "kernel centered": "The square of the kernel counts, whatever its mean.",
        "deviations added": "Variances of independent numbers add up, deviations do "
        "not.",
        "negative numbers left out": "Styles and kernels have any sign.",
        "fewer digits than float32": "The result is near, and rounded on the way.",
        "another number than 1e-8": "For small kernels it counts.",
        "nothing added": "A channel without weight has the factor 1/sqrt(1e-8).",
        "a bound on what goes in": "A clamp changes the result where numbers are large "
        "or small.",
        "root of what can be zero": "The slope of a root at zero is infinite: times "
        "zero it is no number.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def gan_21(t, demodulation):
    b, o, i, kh, kw = t.integer(3, 4), 6, 5, 2, t.integer(7, 8)
    # One kernel position carries much, and the middle is not the first.
    weight = t.away(o, i, kh, kw, low=0.1, high=0.9)
    s, v = t.away(b, i, low=0.3, high=2), t.uniform(i, low=0.2, high=3)
    v[:2] = torch.tensor([0.25, 2.5])

    def factors(weight, s, v, extra=EPS):
        """By the covariance of what comes out, a matrix for each example."""
        rows = torch.einsum("oikl,bi->boikl", weight.double(), s.double()).flatten(2)
        given = v.double().repeat_interleave(weight[0, 0].numel())
        out = torch.einsum("bon,n,bpn->bop", rows, given, rows)
        return (out.diagonal(dim1=1, dim2=2) + extra) ** -0.5

    def value(name, args, why, ideas=(), blame=lambda out, due: None, tol=1e-4):
        """Compared as a ratio to what is due: the factors may be of any size."""
        t.property(name)
        out, due = t.call(demodulation, *args), factors(*args).detach()
        lost = {"batch axis lost": [tuple(n for n in due.shape if n > 1)]}
        t.shape(out, due.shape, "a factor for each example and channel.", ideas=lost)
        t.dtype(out, args[0].dtype, "that of what goes in.")
        name = blame(t.tensor(out).detach().double(), due)
        t.finite(out, why, name or "not finite")
        found = ((k, [x / due for x in (v if isinstance(v, list) else [v])])
                 for k, v in ideas)  # fmt: skip
        t.close(t.tensor(out) / due, torch.ones_like(due), why, name, found, tol=tol)
        return out

    t.property("a factor for each example and each channel that comes out")
    args = [x.clone().requires_grad_() for x in (weight, s, v)]
    out = t.call(demodulation, *args)
    ideas = {
        "summed over the channels that come out": [(b, i), (i,), (b, i, 1, 1)],
        "not summed over the dimensions": [
            *((b, o, i, kh, kw), (b, o, i), (b, o, kh, kw), (b, o, i, 1, 1)),
        ],
        "batch mixed up": [(o,), (1, o), (o, b)],
        "channels that come out mixed up": [(b,), (b, 1), ()],
    }
    t.shape(out, (b, o), "(b, o).", ideas=ideas)
    t.dtype(out, torch.float32, "that of what goes in.")

    t.property("each is 1 by the standard deviation of what comes out", of=out)
    due = factors(*args)
    why = "The root of the diagonal of its covariance, for one example at a time."
    whole = weight.double(), s.double(), v.double()
    seen = t.tensor(out).detach().double()
    again = t.tensor(t.call(demodulation, *args)).detach().double()
    told = "Nothing random is needed.", "estimated from samples"
    t.close(again.nan_to_num(-1.0), seen.nan_to_num(-1.0), *told, tol=1e-4)
    t.property("each is 1 by the standard deviation of what comes out", of=out)
    if not seen.isfinite().all():  # a root of what is negative
        gaps = seen.nan_to_num(-1.0)
        fits = lambda x: not far(gaps, x.nan_to_num(-1.0), 1e-3).any()  # noqa: E731
        t.finite(out, why, first(rivals(*whole), fits))
    near = not far(seen / due.detach(), torch.ones_like(seen), 3e-3).any()
    name = "fewer digits than float32" if near else None
    t.close(out, due.detach(), why, name, rivals(*whole), tol=3e-6)

    t.property("the gradient to the kernels, the styles and the variances", of=out)
    pull = t.uniform(b, o, low=0.5, high=2)
    for x, what in zip(args, ("kernels", "styles", "variances")):
        slope, why = t.grad(due, x, pull), f"To the {what}: of the same formula."
        t.close(t.grad(out, x, pull), slope, why, "cut off from the graph", tol=1e-4)

    other = t.away(b, i, low=0.3, high=2)
    old, why = t.tensor(out).detach().double(), "As before."
    args = weight, other, v
    again = [("result of an earlier call", old)]
    value("the same kernels with other styles", args, why, again)
    value("other kernels", (weight.flip(1), s, v), why, again)
    value("other variances", (weight, s, v.flip(0)), why, again)

    for sizes in ((1, 3, 4, 3, 3), (3, 1, 4, 1, 1), (2, 3, 1, 5, 3), (1, 1, 1, 1, 1)):
        n, p, q, h, w = sizes
        few = t.away(p, q, h, w, low=0.2, high=2), t.away(n, q, low=0.2, high=2)
        few = *few, t.uniform(q, low=0.2, high=3)
        text = f"{n} example(s), a kernel of shape {(p, q, h, w)}"
        value(
            text, few, "Any of the sizes may be 1.", rivals(*(x.double() for x in few))
        )

    def single(out, due):
        near = not far(out / due, torch.ones_like(due), 1e-4).any()
        return "float32 in between" if near and (out.float() == out).all() else None

    small = [weight.double() * 0.02, s.double() / 10, v.double() / 10_000]
    small[0][0] /= 10
    why = "The variance of what comes out is near 1e-8 here."
    plain, numbers = factors(*small, extra=0.0), (i, i * kh * kw, kh * kw, 2)
    a, c = small[1].square(), small[2]  # what the kernels' squares are multiplied by
    each = [(a @ c)[:, None], c.sum(), a.sum(1, keepdim=True)]
    squares = small[0].square().sum((2, 3))
    each += [a @ squares.T, squares @ c]
    ideas = {
        "nothing added": plain,
        "1e-8 outside the root": [1 / (1 / plain + EPS), plain + EPS],
        "1e-8 added more than once": [
            *(factors(*small, extra=EPS * n) for n in numbers),
            1 / (1 / factors(*small) + EPS),
        ],
        "1e-8 added within the sum": [
            *(
                factors(*small, extra=EPS * n * more)
                for n in (1, *numbers)
                for more in each
            ),
        ],
        "a floor in place of what is added": plain.clamp(max=1e4),
        "another number than 1e-8": [
            *(factors(*small, extra=10.0**-n) for n in (3, 4, 5, 6, 7, 9, 10, 12, 16)),
            *(
                factors(*small, extra=e).clamp(max=10.0**n)
                for n in (2, 3, 4, 5, 6)
                for e in (0.0, 1e-12, 1e-16)
            ),
        ],
    }
    name = "small kernels: 1e-8 is added once, under the root"
    value(name, small, why, ideas.items(), single, tol=1e-9)
    args = [x.double().requires_grad_() for x in (weight, s, v)]
    name, why = "in float64", "Right to 1 in 1e9 of itself."
    value(name, args, why, blame=single, tol=1e-9)

    none, mute, still = weight.clone(), s.clone(), v.clone()
    none[2], mute[:, 1], still[3:] = 0.0, 0.0, 0.0
    args = [x.requires_grad_() for x in (none, mute, still)]
    bare = factors(*args).detach()
    zero = {  # what a channel without weight gets
        "1e-8 outside the root": [1e8],
        "1e-8 added more than once": [(n * EPS) ** -0.5 for n in numbers],
        "another number than 1e-8": [10.0**n for n in (0, 1.5, 2, 2.5, 3, 3.5, 5, 6)],
        "nothing added": [0.0],
    }
    ideas = (
        (k, [torch.where(bare > 9e3, x, bare) for x in v]) for k, v in zero.items()
    )
    name = "channels without weight, without style and without variance"
    why = "What has no weight has the factor 1e4."
    lost = lambda out, due: None if out.isfinite().all() else "nothing added"  # noqa: E731
    out = value(name, args, why, ideas, lost)
    due = factors(*args)
    t.property("finite gradients there, too", of=out)
    for x, what in zip(args, ("kernels", "styles", "variances")):
        got, slope = t.grad(out, x, pull), t.grad(due, x, pull)
        t.finite(got, f"Those to the {what}.", "root of what can be zero")
        why = f"The slope to the {what} there, as elsewhere."
        size = slope.abs().max().clamp(min=1.0)
        t.close(got / size, slope / size, why, tol=1e-4)

    bound = lambda out, due: "a bound on what goes in"  # noqa: E731
    big = t.away(o, i, kh, kw, low=100, high=1000), t.away(b, i, low=100, high=1000)
    big = *big, 1000 * t.uniform(i, low=100, high=1000)
    for name, args in (
        ("kernels and styles of 1000, variances of a million", big),
        ("large kernels, small styles", (big[0], s / 500, v)),
        ("small kernels, large styles", (weight / 500, big[1], v)),
        ("large kernels, small variances", (big[0], s, v / 1e6)),
    ):
        value(name, args, "To 1 in 10,000 of itself.", blame=bound)


EPS = 1e-8


def rivals(weight, s, v):
    """What mistakes give, from the parts of the formula."""
    kh, kw = weight.shape[2:]
    middle = weight[:, :, kh // 2, kw // 2]
    kernels = {
        "": weight.square().sum((-1, -2)),
        "kernel not squared": [weight.abs().sum((-1, -2)), weight.sum((-1, -2))],
        "kernel centered": [
            (weight - weight.mean((-1, -2), True)).square().sum((-1, -2)),
            (weight - weight.mean((1, 2, 3), True)).square().sum((-1, -2)),
            weight.flatten(2).var(2) * kh * kw,
        ],
        "negative numbers left out": weight.clamp(min=0).square().sum((-1, -2)),
        "positions left out": [
            *(weight[:, :, 0, 0].square(), middle.square()),
            *(weight[..., 0].square().sum(2), weight[:, :, 0].square().sum(2)),
        ],
        "positions averaged": [
            *(weight.square().mean((-1, -2)), weight.square().sum(2).mean(2)),
            weight.square().mean(2).sum(2),
        ],
        "positions added before they are squared": [
            *(weight.sum((-1, -2)).square(), weight.sum(2).square().sum(2)),
            *(weight.sum(3).square().sum(2), weight.mean((-1, -2)).square()),
        ],
    }
    styles = {
        "": s.square(),
        "style not squared": [s.abs(), s],
        "style left out": torch.ones_like(s),
        "one added to the style": (1 + s).square(),
        "styles or variances normalized": [
            *((s / s.square().mean(1, True).sqrt()).square(),),
            *((s / s.norm(dim=1, keepdim=True)).square(), (s / s.norm()).square()),
            *((s / s.mean(1, True)).square(), s.softmax(1).square()),
            *(
                (s / s.abs().amax(1, True)).square(),
                (s / s.abs().sum(1, True)).square(),
            ),
        ],
        "negative numbers left out": s.clamp(min=0).square(),
        "batch mixed up": [
            *(s.flip(0).square(), s[:1].square().expand_as(s)),
            *(s.square().mean(0).expand_as(s), s.mean(0).square().expand_as(s)),
            s.square().sum(0).expand_as(s),
        ],
        "inverse of what is due": s**-2,
    }
    inputs = {
        "": v,
        "variance left out": torch.ones_like(v),
        "standard deviation in place of the variance": v.sqrt(),
        "variance squared": v.square(),
        "inverse of the variance": [1 / v, v**-0.5],
        "one variance for all channels": [x.expand_as(v) for x in (v.mean(), v.sum())]
        + [v[:1].expand_as(v), v.max().expand_as(v), v.sqrt().mean() ** 2 + 0 * v],
        "variances of other channels": v.flip(0),
        "styles or variances normalized": [v / v.mean(), v / v.sum(), v / v.max()],
    }
    sums = {
        "": lambda a, b, c: (b[:, None] * a * c).sum(2),
        "channels averaged": lambda a, b, c: (b[:, None] * a * c).mean(2),
        "channels added before they are squared": lambda a, b, c: torch.einsum(
            "bi,oi,i->bo", s, weight.sum((-1, -2)), v.sqrt()
        ).square(),
        "deviations added": [
            lambda a, b, c: (b[:, None] * a * c).sqrt().sum(2).square(),
            lambda a, b, c: torch.einsum(
                "bi,oik,i->bo", s.abs(), weight.abs().flatten(2), v.sqrt()
            ).square(),
        ],
        "variance added": [
            lambda a, b, c: (b[:, None] * a + c).sum(2),
            lambda a, b, c: (b[:, None] * a).sum(2) + c.sum(),
            lambda a, b, c: (b[:, None] * a).sum(2) + c.mean(),
        ],
    }
    ends = {
        "": lambda x: x**-0.5,
        "root lost": lambda x: 1 / x,
        "multiplied in place of divided": [torch.sqrt, lambda x: x],
        "off by a factor of two": [lambda x: 2 * x**-0.5, lambda x: x**-0.5 / 2],
        "sign flipped": lambda x: -(x**-0.5),
        "channels that come out mixed up": [
            lambda x: x.mean(1, keepdim=True).expand_as(x) ** -0.5,
            lambda x: x.sum(1, keepdim=True).expand_as(x) ** -0.5,
            lambda x: x.flip(1) ** -0.5,
        ],
    }

    def make(kernel, style, given, add, end):
        return end(add(kernel, style, given) + EPS)

    yield from mistakes(make, kernels, styles, inputs, sums, ends)
