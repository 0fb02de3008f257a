"""Exercise gan-23: How far a picture moves."""

import torch

from .._comparisons import far
from .._exercise import Exercise, Stop
from .._parts import mistakes


@Exercise(
    id="gan-23",
    title="How far a picture moves",
    difficulty=4,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Measure how far a picture moves for a small step of its styles, one of each "
        "layer, without a Jacobian, and let the measure itself be trained.",
    ),
    statement=r"""
In the chapter one $w$ is the style of all layers. Where each layer has its own, the
path length of [Karras et al. (2020)](https://arxiv.org/abs/1912.04958) is a mean over
the layers, taken under the root. For one example, with the picture $g(w)$ of shape
`(c, h, width)`, let

$$
\begin{aligned}
u &= J^\top y \,/ \sqrt{n} \\
a^2 &= \frac{1}{L} \sum_{l} \sum_{j} u_{lj}^2
\end{aligned}
$$

where $J$ is the Jacobian of the picture with respect to $w$, $y$ noise of the shape of
the picture, $n$ = h·width the number of its places (the channels do not count), $l$
counts the $L$ layers, and $j$ the numbers of a style. The length is $a \ge 0$.

Write `path_lengths(synthesis, w, y)`: `synthesis` makes pictures `(b, c, h, width)` of
styles `w`, `(b, L, d)`, each of its own row alone; `y` holds a noise for each. Return
the lengths $a$, `(b,)`, of the dtype of the pictures (float32 or float64; right to 1 in
10,000, in float64 to 1 in $10^9$: by derivatives, not by differences).

- The lengths can be differentiated: with respect to what `synthesis` is made of, its
  weights for instance, and to `w`, and to what `w` was computed from if it comes with a
  graph. `w` may just as well require no gradient.
- Where $J^\top y$ is 0, for instance because the noise is, the length is 0, within
  $10^{-6}$, and its gradients are 0. Everywhere they are finite.
- Nothing else changes: no `.grad` of a weight or of `w`, and not whether `w` requires a
  gradient.
""",
    stub='''
def path_lengths(synthesis, w, y):
    """(b, L, d) and noise (b, c, h, width) -> (b,): lengths."""
    return ...
''',
    answers={"path_lengths": callable},
    hints=(
        r"$J^\top y$ is the gradient of one number, $\sum g(w)\, y$, with respect to "
        "`w`. As each picture depends on its own row alone, the sum over the batch "
        "gives the rows of all examples at once.",
        "`torch.autograd.grad` fills no `.grad`, and with `create_graph=True` what it "
        "returns can be differentiated again. If `w` has a graph, use it as it is; "
        "only one that requires no gradient has to be taken anew.",
        "The derivative of `sqrt` at 0 is infinite, and infinity times zero is nan. "
        "`torch.linalg.vector_norm` has the slope 0 there.",
    ),
    misconceptions={
        "mean over the numbers of a style": "The mean is over the layers alone; over "
        "the d numbers of a style the squares add up.",
        "sum over the layers": "The mean over the layers is under the root: with one "
        "w for all it would be the length for one layer.",
        "roots of the layers averaged": "The mean over the layers is taken of the "
        "squares, before the root.",
        "one layer alone": "All layers have a style, and all of them count.",
        "layers added before they are squared": "This is the length where all layers "
        "move together, as with one w for all.",
        "square of the length": "The root is still to be taken.",
        "absolute values in place of squares": "A length is the root of a sum of "
        "squares.",
        "not divided by the root of the size": "The noise of a larger picture is "
        "longer: it is divided by the root of h·width.",
        "divided by the number of places": "The root of h·width is due.",
        "channels counted in the size": "The size is h·width; the channels are not in "
        "it.",
        "another size": "The size is h·width, of the picture.",
        "noise not used": "y is what the Jacobian is multiplied by.",
        "noise of another kind": "y is used as it is given.",
        "noise drawn inside": "y is the noise, and no other is needed.",
        "picture in place of its derivative": "How the picture moves is asked for, not "
        "what it looks like.",
        "whole Jacobian": "This is its norm: what is due is the length of one vector, "
        "J transposed times the noise.",
        "one number for all examples": "Each example has a length of its own.",
        "divided by the size of the batch": "No mean over the batch is in it: sum "
        "before you ask for the gradient.",
        "no graph of the gradient": "Without create_graph the lengths are right and "
        "train nothing.",
        "cut off from what w came from": "The lengths train the mapping, too: w was "
        "detached.",
        "slope of a root at zero": "Where the length is 0 the slope of sqrt is "
        "infinite, and its product with zero no number.",
        "floor under the root": "A length of 0 is 0.",
        "gradients left behind": "backward() fills the .grad of weights and of w: ask "
        "torch.autograd.grad.",
        "w without a gradient refused": "w may come as plain numbers.",
        "derivatives under no_grad": "Nothing can be differentiated there.",
        "picture in the product": "The noise alone is multiplied with the Jacobian.",
        "sum in place of a length": "Numbers of both signs cancel: squares are added.",
        "mean of the layers subtracted": "The squares are those of the numbers "
        "themselves.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def gan_23(t, path_lengths):
    b, layers, d, shape = 4, 5, 6, (2, 3, 7)
    y = t.away(b, *shape, low=0.3, high=2)

    learning: list[torch.Tensor] = []

    def maker(layers, d, shape, dtype=torch.float32, linear=False):
        """Pictures of styles; its weights are what the lengths train."""
        n = layers * d
        size = torch.Size(shape).numel()
        a = t.away(n, 9, low=0.1, high=0.5).to(dtype).requires_grad_()
        c = t.away(9, size, low=0.1, high=0.8).to(dtype).requires_grad_()
        learning.extend((a, c))

        def synthesis(w):
            x = w.flatten(1) @ a.to(w.dtype)
            x = x if linear else x.tanh() + 0.2 * x.square()
            return (x @ c.to(w.dtype)).view(len(w), *shape)

        return synthesis, (a, c)

    def jacobians(synthesis, w):
        """Of each picture by itself, entry by entry; (b, c·h·width, L, d)."""
        of_one = torch.func.jacrev(lambda v: synthesis(v[None]).flatten())
        return torch.func.vmap(of_one)(w)

    def lengths(synthesis, w, y):
        w = w if w.requires_grad else w.clone().requires_grad_()
        j = jacobians(synthesis, w)
        u = torch.einsum("bnlj,bn->blj", j, y.flatten(1).to(j))
        square = u.square().sum(2).mean(1) / (y.shape[-1] * y.shape[-2])
        flat = square == 0
        return torch.where(flat, 0 * square, (square + flat) ** 0.5)

    def tried(*args):
        """A call; an error that comes of numbers without a graph is told as that."""
        try:
            out = t.call(path_lengths, *args)
        except Stop as stop:
            said = stop.lines.get("got", "")
            if stop.outcome != "error" or "does not require grad" not in said:
                raise
            synthesis, w, y = args
            try:
                path_lengths(synthesis, w.detach().clone().requires_grad_(), y)
                name = "w without a gradient refused"
            except Exception:
                name = "derivatives under no_grad"
            t.fail(
                name, why="Lengths, also of a w that requires no gradient.", got=said
            )
        free, name = all(v.requires_grad for v in learning), "weights frozen or thawed"
        t.true(free, "The weights learn, as before.", "They do not.", name)
        return out

    linear, _ = maker(layers, d, shape, linear=True)
    w = t.away(b, layers, d, low=0.2, high=1)
    t.property("a length for each example")
    out = tried(linear, w, y)
    whole = [(), (1,), (b, layers), (b, d), (b, layers, d)]
    ideas = {
        "one number for all examples": whole[:2],
        "not summed over the dimensions": whole[2:],
    }
    t.shape(out, (b,), "(b,).", ideas=ideas)
    t.dtype(out, torch.float32, "that of the pictures.")
    t.property("the same noise gives the same lengths")
    first = t.tensor(out).detach()
    why = "y is all the noise there is."
    t.close(tried(linear, w, y), first, why, "noise drawn inside", tol=1e-4)

    def compare(name, synthesis, w, y):
        t.property(name)
        out, due = tried(synthesis, w, y), lengths(synthesis, w, y)
        t.shape(out, due.shape, "(b,).")
        why = "By the Jacobian of each picture, entry by entry."
        ideas = rivals(jacobians(synthesis, w.detach()).detach(), synthesis, w, y)
        t.close(out, due.detach(), why, ideas=ideas, tol=3e-5)
        return out, due

    compare("a linear map: the same lengths everywhere", linear, w, y)
    curved, weights = maker(layers, d, shape)
    old = t.tensor(out).detach()
    out, due = compare("a curved map", curved, w, y)
    for name, args in (
        ("another noise", (curved, w, y.flip(0) + 0.25)),
        ("other styles", (curved, w.flip(0) + 0.125, y)),
    ):
        t.property(name)
        kept = {"result of an earlier call": [t.tensor(out).detach(), old]}
        got = tried(*args)
        t.close(got, lengths(*args).detach(), "As before.", ideas=kept, tol=3e-5)

    t.property("lengths can be differentiated with respect to the weights", of=out)
    pull = t.uniform(b, low=0.5, high=2)
    out = tried(curved, w, y)
    graph, why = t.tensor(out).requires_grad, "A graph down to the weights."
    t.true(graph, why, "Lengths without a graph.", "no graph of the gradient")
    for v, what in zip(weights, ("first", "last")):
        got, slope = t.grad(out, v, pull), t.grad(due, v, pull)
        near = not far(got / slope.abs().max(), slope / slope.abs().max(), 1e-2).any()
        name = "differences in place of derivatives" if near else None
        name = "no graph of the gradient" if (got == 0).all() else name
        t.close(got, slope, f"To the {what} weights.", name, tol=1e-4)
    t.property("with respect to w, and to what w was computed from")
    source = w.clone().requires_grad_()
    root = (w * 0.5).requires_grad_()
    for start, given, what in (
        (source, source, "w"),
        (root, root * root + root, "what w was computed from"),
    ):
        out, due = tried(curved, given, y), lengths(curved, given, y)
        t.close(out, due.detach(), "The same lengths.", tol=3e-5)
        got, slope = t.grad(out, start, pull), t.grad(due, start, pull)
        name = "cut off from what w came from" if (got == 0).all() else None
        t.close(got, slope, f"To {what}.", name, tol=2e-4)

    def single(out, due):
        out = t.tensor(out).detach()
        near = not far(out.double(), due.detach(), 1e-5).any()
        return "float32 in between" if near and (out.float() == out).all() else None

    t.property("in float64, to 1 in 1e9")
    wide, weights = maker(layers, d, shape, torch.float64)
    given, noise = w.double().requires_grad_(), y.double() + 1 / 3
    out, due = tried(wide, given, noise), lengths(wide, given, noise)
    t.dtype(out, torch.float64, "that of the pictures.")
    part, why = t.tensor(out) / due.detach(), "By the Jacobian, as a ratio."
    t.close(part, torch.ones(b), why, single(out, due), tol=5e-10)
    for v in (*weights, given):
        got, slope = t.grad(out, v, pull), t.grad(due, v, pull)
        t.close(got, slope, "So are the gradients.", single(got, slope), tol=1e-7)

    for sizes in ((1, 3, 2, 1, 1, 1), (2, 1, 5, 3, 4, 4), (1, 4, 1, 2, 5, 2),
                  (7, 2, 3, 1, 3, 8)):  # fmt: skip
        n, k, m, *rest = sizes
        t.property("one example, one layer, one place, one number")
        some, _ = maker(k, m, rest)
        args = some, t.away(n, k, m, low=0.2, high=1), t.away(n, *rest, low=0.3, high=2)
        out, due = tried(*args), lengths(*args).detach()
        t.shape(out, (n,), "(b,).", "batch axis lost" if n == 1 else "wrong shape")
        ideas = rivals(jacobians(some, args[1]).detach(), *args)
        t.close(out, due, f"With sizes {sizes}.", ideas=ideas, tol=3e-5)

    for scale in 1e-4, 1e4:
        t.property(f"noise {scale:g} times as large")
        out = tried(curved, w, y * scale)
        part = t.tensor(out) / lengths(curved, w, y * scale).detach()
        name = "floor under the root" if scale < 1 and (part > 0.9999).all() else None
        t.close(part, torch.ones(b), "So are the lengths.", name, tol=1e-4)

    t.property("no noise for one example, nor any for another")
    still = y.clone()
    still[1] = 0.0
    curved, weights = maker(layers, d, shape)
    for noise in still, 0 * y:
        given = w.clone().requires_grad_()
        out = tried(curved, given, noise)
        due = lengths(curved, given, noise)
        why = "A length of 0 where the noise is 0."
        t.finite(out, why, "slope of a root at zero")
        floor = (t.tensor(out).detach() - due.detach())[noise.flatten(1).any(1) == 0]
        name = "floor under the root" if (floor > 0).all() else None
        t.close(out, due.detach(), why, name, tol=2e-6)
        for v, what in zip((*weights, given), ("weights", "weights", "w")):
            got, slope = t.grad(out, v, pull), t.grad(due, v, pull)
            why = f"Gradients to the {what}, of these and of the others."
            t.finite(got, why, "slope of a root at zero")
            t.close(got, slope, why, "floor under the root", tol=2e-4)

    t.property("what is passed in stays as it was")
    curved, weights = maker(layers, d, shape)
    for asks in False, True:
        given = w.clone().requires_grad_(asks)
        for v in weights:
            v.grad = torch.full_like(v, 0.5) if asks else None
        t.guard(path_lengths, curved, given, y.clone())
        name = "requires_grad of an input changed"
        t.true(
            given.requires_grad == asks,
            "requires_grad of w as before.",
            "It is not.",
            name,
        )
        held = [v.grad is None or bool((v.grad == 0.5).all()) for v in weights]
        held = all(held) and given.grad is None
        held = held and all((v.grad is None) != asks for v in weights)
        t.true(held, "Each .grad as before.", "Another.", "gradients left behind")
        t.true((given == w).all(), "w as before.", "Another.", "input changed in place")


def rivals(j, synthesis, w, y):
    """What mistakes give, from Jacobians (b, n, L, d)."""
    b, c, h, width = y.shape
    j, flat = j.double(), y.double().flatten(1)

    with torch.no_grad():
        x = synthesis(w).double().flatten(1)

    def by(noise):
        return torch.einsum("bnlj,bn->blj", j, noise)

    noises = {
        "": by(flat),
        "noise not used": by(torch.ones_like(flat)),
        "noise of another kind": [
            *(by(flat / flat.norm(dim=1, keepdim=True)), by(flat / flat.norm())),
            *(by(flat / flat.std()), by(flat - flat.mean()), by(flat.square())),
            *(by(flat.abs()), by(flat.sign()), by(flat.flip(0))),
            *(by(flat[:1].expand_as(flat)), by(flat.mean(0).expand_as(flat))),
            *(by(flat.roll(1, 0)), by(flat.sum(0).expand_as(flat))),
        ],
        "divided by the size of the batch": by(flat) / b,
        "picture in the product": [
            by(v) for v in (x, x * flat, x - flat, 2 * (x - flat), 2 * x)
        ],
    }
    size = h * width
    sizes = {
        "": size**0.5,
        "not divided by the root of the size": 1.0,
        "divided by the number of places": float(size),
        "channels counted in the size": [(c * size) ** 0.5, float(c * size)],
        "another size": [
            *(h**0.5, width**0.5, (h * h) ** 0.5, float(width), c**0.5),
            *((c * h) ** 0.5, (c * width) ** 0.5, size**0.25, 1 / size**0.5),
        ],
    }
    ends = {
        "": lambda u: u.square().sum(2).mean(1).sqrt(),
        "mean over the numbers of a style": [
            *(lambda u: u.square().mean((1, 2)).sqrt(),),
            lambda u: u.square().mean(2).sum(1).sqrt(),
        ],
        "sum over the layers": lambda u: u.square().sum((1, 2)).sqrt(),
        "roots of the layers averaged": [
            lambda u: u.square().sum(2).sqrt().mean(1),
            lambda u: u.square().sum(2).sqrt().sum(1),
            lambda u: u.square().sum((1, 2)).sqrt() / u.shape[1],
        ],
        "one layer alone": [
            *(lambda u, i=i: u[:, i].square().sum(1).sqrt() for i in (0, -1)),
            lambda u: u.square().sum(2).max(1).values.sqrt(),
        ],
        "layers added before they are squared": [
            lambda u: u.sum(1).square().sum(1).sqrt(),
            lambda u: u.mean(1).square().sum(1).sqrt(),
        ],
        "square of the length": lambda u: u.square().sum(2).mean(1),
        "absolute values in place of squares": [
            lambda u: u.abs().sum(2).mean(1),
            lambda u: u.abs().sum((1, 2)),
            lambda u: u.abs().mean((1, 2)),
        ],
        "sum in place of a length": [
            *(lambda u: u.sum(2).mean(1).abs(), lambda u: u.sum((1, 2)).abs()),
            *(lambda u: u.sum(2).mean(1), lambda u: u.sum((1, 2))),
            lambda u: u.mean((1, 2)).abs(),
            lambda u: u.sum((1, 2)).abs() / u.shape[1] ** 0.5,
            lambda u: u.sum(2).square().mean(1).sqrt(),
        ],
        "mean of the layers subtracted": [
            lambda u: (u - u.mean(1, True)).square().sum(2).mean(1).sqrt(),
            lambda u: (u - u.mean(2, True)).square().sum(2).mean(1).sqrt(),
            lambda u: (u - u.mean((1, 2), True)).square().sum(2).mean(1).sqrt(),
        ],
        "one number for all examples": [
            lambda u: u.square().sum(2).mean().sqrt().expand(len(u)),
            lambda u: u.square().sum(2).mean(1).sqrt().mean().expand(len(u)),
            lambda u: u.square().sum((0, 2)).mean().sqrt().expand(len(u)),
        ],
        "off by a factor of two": lambda u: 2 * u.square().sum(2).mean(1).sqrt(),
        "sign flipped": lambda u: -u.square().sum(2).mean(1).sqrt(),
    }
    yield from mistakes(lambda u, n, end: end(u / n), noises, sizes, ends)
    all_of = [(x * flat).sum(1).abs(), (x * flat).sum(1), (x * flat).norm(dim=1)]
    norms = j.square().sum((1, 3)).mean(1).sqrt(), j.square().sum((1, 2, 3)).sqrt()
    for n in (1.0, size**0.5, float(size)):
        yield "picture in place of its derivative", [v / n for v in all_of]
        yield "whole Jacobian", [v / n for v in norms]
