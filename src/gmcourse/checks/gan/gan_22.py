"""Exercise gan-22: Two styles in one picture."""

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="gan-22",
    title="Two styles in one picture",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Give each layer of a generator a style of its own: of two sources, and drawn "
        "toward the mean where it is wanted.",
    ),
    statement=r"""
A generator with a style for each layer can take the first ones from one source and the
rest from another ([Karras et al., 2019](https://arxiv.org/abs/1812.04948)): pose and
shape of one picture, colors of another one. And truncation may be left to the coarse
layers, where it keeps shapes sound, without making all colors pale.

Write `styles(w1, w2, w_mean, psi, crossover, cutoff, layers)`: two batches of styles
`(b, d)`, their mean `(d,)`, a float and three whole numbers. Return `(b, layers, d)`,
what each layer gets, where the layers count from 0:

- The first `crossover` layers get the style of `w1`, all others that of `w2`.
- In the first `cutoff` layers the style is truncated: $w$ becomes
  $\bar w + \psi\, (w - \bar w)$ with $\bar w$ = `w_mean`. All other layers get their
  style as it is, to the last bit, wherever $\bar w$ lies.
- `crossover` and `cutoff` are any numbers from 0 to `layers`, both included, in any
  order. `psi` is any number: 0 gives the mean, above 1 the styles move away from it,
  and with a negative one they lie on its other side. No clamp.
- All tensors are float32, or all float64, and so is the result: right to 1 in 100,000
  of the largest number that goes in, in float64 to 1 in $10^{12}$. Gradients flow to
  all three, and what is passed in is not changed.
""",
    stub='''
def styles(w1, w2, w_mean, psi, crossover, cutoff, layers):
    """(b, d), (b, d), (d,), ... -> (b, layers, d)."""
    return ...
''',
    answers={"styles": callable},
    hints=(
        "Which layers are they? `torch.arange(layers)` compared with `crossover` is a "
        "mask of `(layers,)`; with a last axis of length one it chooses rows.",
        "Four kinds of vectors are all there are: w1 and w2, truncated and not. Each "
        "layer takes one of them.",
        "To the last bit: no vector that stays as it is may go through a sum or a "
        "product with others. `torch.where` chooses, and computes nothing.",
    ),
    misconceptions={
        "layers in front of the batch": "The result is (b, layers, d).",
        "one layer too many or too few": "The first k layers are those from 0 to "
        "k - 1.",
        "sources exchanged": "w1 is for the layers before the crossover.",
        "crossover and cutoff exchanged": "The crossover tells which source, the "
        "cutoff where truncation ends.",
        "one source alone": "Layers from the crossover on get w2, those before w1.",
        "sources mixed within a layer": "Each layer has one of the two, not a mean of "
        "both.",
        "truncated in all layers": "Only the first layers are truncated.",
        "truncated in no layer": "The first layers are truncated.",
        "truncated from the cutoff on": "It is the layers before the cutoff that are "
        "truncated.",
        "one source truncated": "Truncation does not ask where a style came from.",
        "truncation ends with the crossover": "The two are independent of each other, "
        "and may come in any order.",
        "psi counts the share of the mean": "With psi = 1 the style stays as it is, "
        "with 0 it is the mean.",
        "drawn toward zero": "Styles are drawn toward their mean.",
        "mean not subtracted": "psi multiplies the distance from the mean.",
        "mean not added back": "psi times the distance lies around zero: the mean goes "
        "on top.",
        "another mean": "w_mean is the mean that styles are drawn to.",
        "psi applied more than once": "A style is truncated once.",
        "another psi in each layer": "It is the same number in all layers up to the "
        "cutoff.",
        "psi of 0 taken for none": "With psi = 0 the style is the mean.",
        "layers counted from the end": "The first layers are those from 0 on.",
        "styles normalized": "Styles are taken as they are.",
        "numbers moved between the axes": "reshape and view keep the order of the "
        "numbers in memory: an axis is moved by transpose.",
        "psi kept between 0 and 1": "Any number is allowed.",
        "distance from the other style": "The distance is that from the mean.",
        "not kept to the last bit": "A mean plus the distance from it is not the same "
        "number in floating point. Where the mean is large, nothing is left.",
        "right for some lengths alone": "Each crossover and cutoff from 0 to layers is "
        "allowed.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "examples mixed up": "Each example has styles of its own.",
    },
)
def gan_22(t, styles):
    layers, b, d = 9, t.integer(3, 4), t.integer(5, 6)
    w1, w2 = (t.away(b, d, low=0.3, high=2) for _ in range(2))
    mean = t.away(d, low=0.3, high=1.5)
    psi = t.integer(58, 82) / 100
    crossover, cutoff = 3, 5

    def row(w1, w2, mean, psi, crossover, cutoff, layers):
        """Layer by layer."""
        made = []
        for k in range(layers):
            w = (w2, w1)[k < crossover].double()
            away = w - mean.double()
            made.append(w - (1 - psi) * away if k < cutoff else w)
        return torch.stack(made, 1)

    t.property("a style for each layer")
    args = [x.clone().requires_grad_() for x in (w1, w2, mean)]
    rest = psi, crossover, cutoff, layers
    out = t.call(styles, *args, *rest)
    ideas = {
        "layers in front of the batch": (layers, b, d),
        "one layer too many or too few": [(b, layers + 1, d), (b, layers - 1, d)],
    }
    t.shape(out, (b, layers, d), "(b, layers, d).", ideas=ideas)
    t.dtype(out, torch.float32, "that of what goes in.")

    t.property("a crossover before the cutoff, and one behind it", of=out)
    turned = psi, cutoff, crossover, layers
    outs = t.tensor(out), t.tensor(t.call(styles, w1, w2, mean, *turned))
    t.shape(outs[1], (b, layers, d), "(b, layers, d).")
    due = row(*args, *rest)
    dues = torch.cat([due, row(w1, w2, mean, *turned)]).detach()
    whole = w1.double(), w2.double(), mean.double()
    ideas = rivals([(*whole, *rest), (*whole, *turned)])
    why = "Put together layer by layer; two calls below each other."
    t.close(torch.cat(outs), dues, why, ideas=ideas)

    def again(name, why, *args, ideas=None, blame=None):
        t.property(name)
        out, due = t.call(styles, *args), row(*args)
        lost = {"batch axis lost": [tuple(n for n in due.shape if n > 1)]}
        t.shape(out, due.shape, "(b, layers, d).", ideas=lost)
        t.close(out, due, why, blame, ideas)

    other = t.away(b, d, low=0.3, high=2)
    old = {"result of an earlier call": row(w1, w2, mean, *turned)}
    for name, some in (
        ("another w1", (other, w2, mean)),
        ("another w2", (w1, other, mean)),
        ("another mean", (w1, w2, 1 - mean)),
    ):
        again(name, "As before.", *some, *turned, ideas=old)
    for p in (0.0, 1.0, -0.6, 1.7, -30.0, 40.0):
        name = "psi of 0, of 1, below 0 and above 1"
        changed = (min(max(p, 0), 1), min(p, 1), max(p, 0), abs(p))
        changed = [row(w1, w2, mean, c, *rest[1:]) for c in changed if c != p]
        ideas = {"psi kept between 0 and 1": changed}
        if p == 0:
            ideas = {"psi of 0 taken for none": row(w1, w2, mean, 1.0, *rest[1:])}
        again(name, f"With psi {p:g}.", w1, w2, mean, p, *rest[1:], ideas=ideas)

    name, blame = "lengths from 0 to layers", "right for some lengths alone"
    pairs = [(n, i, j) for n in (1, 2, 4) for i in range(n + 1) for j in range(n + 1)]
    pairs += [(18, i, j) for i, j in ((0, 18), (18, 0), (17, 1), (18, 18), (9, 10))]
    for n, i, j in pairs:
        why = f"A crossover of {i}, a cutoff of {j}, {n} layers."
        again(name, why, w1, w2, mean, psi, i, j, n, blame=blame)

    t.property("gradients to both sources and to the mean")
    out = t.call(styles, *args, *rest)
    pull = t.uniform(b, layers, d, low=0.5, high=2)
    for x, what in zip(args, ("w1", "w2", "the mean")):
        got, slope = t.grad(out, x, pull), t.grad(due, x, pull)
        lost = (got == 0).all()
        name = "cut off from the graph" if lost else None
        t.close(got, slope, f"To {what}.", name, tol=1e-4)

    t.property("from the cutoff on a style is kept, to the last bit")
    far_off = mean * 1e6
    for i, j in ((3, 5), (6, 2), (0, 0), (layers, 0), (2, 7)):
        out = t.call(styles, w1, w2, far_off, psi, i, j, layers)
        kept = t.tensor(out)[:, j:]
        due = torch.stack([(w2, w1)[k < i] for k in range(j, layers)], 1)
        name = "not kept to the last bit" if not far(
            (kept / far_off).detach().double(), (due / far_off).double(), 5e-7
        ).any() else None  # fmt: skip
        why = f"With a mean near a million; crossover {i}, cutoff {j}."
        t.equal(kept, due, why, name)
        front = t.tensor(out)[:, :j]
        ends = row(w1, w2, far_off, psi, i, j, layers)[:, :j]
        if j:
            t.close(front, ends, "The truncated ones.", tol=1e-5)

    def single(out, due):
        out = t.tensor(out).detach()
        near = not far(out.double(), due, 1e-5).any()
        return "float32 in between" if near and (out.float() == out).all() else None

    t.property("in float64")
    more = [(x * (1 + 1e-9)).double() + 1 / 3 for x in (w1, w2, mean)]
    out, due = t.call(styles, *more, *rest), row(*more, *rest)
    t.dtype(out, torch.float64, "that of what goes in.")
    t.close(out, due, "All digits of float64.", single(out, due), tol=1e-12)

    t.property("one example, one dimension")
    for part in ((slice(1), slice(None)), (slice(None), slice(1)), (slice(1),) * 2):
        few = w1[part], w2[part], mean[part[1]]
        out, due = t.call(styles, *few, *rest), row(*few, *rest)
        t.shape(out, due.shape, "axes of length one count.", "batch axis lost")
        t.close(out, due, "The same numbers.")
    t.property("what is passed in stays as it was")
    given = [x.clone() for x in (w1, w2, mean)]
    out = t.guard(styles, *given, *rest)
    kept = all((x == y).all() for x, y in zip(given, (w1, w2, mean)))
    t.true(kept, "The same numbers.", "Others.", "input changed in place")
    asks = any(x.requires_grad for x in given)
    t.true(not asks, "No gradient asked for.", "requires_grad is true.")


def rivals(cases):
    """What mistakes give, of all cases at once."""
    parts = []
    for found in zip(*(choices(*case) for case in cases)):
        lists = [{k: v if isinstance(v, list) else [v] for k, v in x.items()}
                 for x in found]  # fmt: skip
        parts.append({k: list(zip(*(x[k] for x in lists))) for k in lists[0]})

    def make(*chosen):
        made = [torch.where(mask[:, None], way(w, p), w)
                for w, mask, way, p in zip(*chosen)]  # fmt: skip
        return torch.cat(made)

    yield from mistakes(make, *parts)
    n = cases[0][-1]
    rows = make(*(p[""][0] for p in parts)).unflatten(0, (len(cases), -1))
    moved = [v.transpose(0, 1).reshape(v.shape) for v in rows]
    back = [v.reshape(n, len(v), -1).transpose(0, 1) for v in rows]
    yield "numbers moved between the axes", [torch.cat(moved), torch.cat(back)]


def choices(w1, w2, mean, psi, crossover, cutoff, layers):
    """The parts of the rule, and how each can be wrong."""
    k = torch.arange(layers)

    def source(mask):
        return torch.where(mask[:, None], w1[:, None], w2[:, None])

    other = source(k >= crossover)
    ramps = torch.linspace(0, 1, layers).double()[:, None], k[:, None] / layers
    first = k < crossover
    sources = {
        "": source(k < crossover),
        "one layer too many or too few": [
            *(source(k < crossover + n) for n in (1, -1)),
        ],
        "sources exchanged": other,
        "one source alone": [x[:, None].expand_as(other) for x in (w1, w2)],
        "sources mixed within a layer": [
            ((w1 + w2) / 2)[:, None].expand_as(other),
            torch.where(k[:, None] < crossover, ((w1 + w2) / 2)[:, None], w2[:, None]),
            torch.where(k[:, None] < crossover, w1[:, None], ((w1 + w2) / 2)[:, None]),
            *(w1[:, None] * (1 - x) + w2[:, None] * x for x in ramps),
            *(w2[:, None] * (1 - x) + w1[:, None] * x for x in ramps),
        ],
        "crossover and cutoff exchanged": source(k < cutoff),
        "layers counted from the end": [
            *(source(k < layers - crossover), source(k >= layers - crossover)),
        ],
        "styles normalized": [
            torch.where(first[:, None], f(w1)[:, None], f(w2)[:, None])
            for f in (
                lambda w: w / w.norm(dim=1, keepdim=True),
                lambda w: w / w.square().mean(1, True).sqrt(),
            )
        ],
        "examples mixed up": [
            source(k < crossover).flip(0),
            torch.where(k[:, None] < crossover, w1[:, None], w2.flip(0)[:, None]),
        ],
    }
    ends = {
        "": k < cutoff,
        "one layer too many or too few": [k < cutoff + n for n in (1, -1)],
        "truncated in all layers": k < layers,
        "truncated in no layer": k < 0,
        "truncated from the cutoff on": k >= cutoff,
        "crossover and cutoff exchanged": k < crossover,
        "layers counted from the end": [k >= layers - cutoff, k < layers - cutoff],
        "one source truncated": [first & (k < cutoff), ~first & (k < cutoff)],
        "truncation ends with the crossover": [
            *(k < min(cutoff, crossover), k < max(cutoff, crossover)),
            *(k < crossover + cutoff, (k >= crossover) & (k < crossover + cutoff)),
        ],
    }
    ways = {
        "": lambda w, p: mean + p * (w - mean),
        "psi counts the share of the mean": lambda w, p: w + p * (mean - w),
        "drawn toward zero": lambda w, p: p * w,
        "mean not subtracted": lambda w, p: mean + p * w,
        "mean not added back": lambda w, p: p * (w - mean),
        "another mean": [
            *(lambda w, p, m=m: m + p * (w - m) for m in pair_means(w1, w2)),
            lambda w, p: w.mean(2, True) + p * (w - w.mean(2, True)),
            lambda w, p: w.mean(1, True) + p * (w - w.mean(1, True)),
            *(lambda w, p, m=m: m + p * (w - m) for m in batch_means(w1, w2)),
            lambda w, p: w.mean(0) + p * (w - w.mean(0)),
        ],
        "sign flipped": [
            lambda w, p: mean - p * (w - mean),
            lambda w, p: -mean + p * (w + mean),
            lambda w, p: mean + p * (w + mean),
        ],
        "distance from the other style": [
            lambda w, p: other + p * (w - other),
            lambda w, p: mean + p * (w - other),
            lambda w, p: w2[:, None] + p * (w - w2[:, None]),
        ],
    }
    steps = max(cutoff, 1)
    falls = [1 - k / n for n in (steps, max(steps - 1, 1), layers, layers - 1)]
    falls += [k / n for n in (steps, max(steps - 1, 1), layers, layers - 1)]
    falls += [(k + 1) / steps, 1 - (k + 1) / steps]
    numbers = {
        "": torch.full((layers, 1), psi).double(),
        "psi kept between 0 and 1": [
            torch.full((layers, 1), p).double()
            for p in (min(max(psi, 0), 1), min(psi, 1), max(psi, 0), abs(psi))
        ],
        "another psi in each layer": [
            *((psi ** (k + n))[:, None].double() for n in (1.0, 0.0)),
            *((1 - (1 - psi) * x)[:, None].double() for x in falls),
            *((psi * x)[:, None].double() for x in falls),
        ],
        "psi applied more than once": torch.full((layers, 1), psi**2).double(),
    }

    return sources, ends, ways, numbers


def pair_means(w1, w2):
    return ((w1 + w2) / 2)[:, None], ((w1 + w2) / 2).mean()


def batch_means(w1, w2):
    return w1.mean(0), w2.mean(0), (w1.mean(0) + w2.mean(0)) / 2
