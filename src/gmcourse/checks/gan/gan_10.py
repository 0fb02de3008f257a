"""Exercise gan-10: A look ahead."""

from itertools import chain
from typing import Any

import torch

from .._exercise import Exercise, Stop
from .._parts import mistakes


@Exercise(
    id="gan-10",
    title="A look ahead",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Write a step that brings a game to rest without a brake, and derive how fast.",
    ),
    statement=r"""
In the first line of (4.6) the players answer where the other *was*. An older idea
(Korpelevich, 1976; for GANs [Gidel et al., 2019](https://arxiv.org/abs/1802.10551))
lets both look one step ahead first: both make their step of size $\eta$ at the same
time, on trial, to a point $(a', b')$. Then they go back to where they were, and make
from there the step of size $\eta$ of which the gradients are those at $(a', b')$.

Write `look_ahead(value, a, b, eta)`, one step of this kind. `value(a, b)` gives the
number $V$, which depends on both: the player with `a` lowers it, the one with `b`
raises it; `a` and `b` are tensors of any two shapes. Return the new `(a, b)`, without a
graph; what is passed in stays as it was, with its `.grad`, whether or not it requires
one.

Then take two numbers and $V(a, b) = 2 a b$, and give to four significant digits or more

- `factor`: by what $a^2 + b^2$ is multiplied in one such step with $\eta = 0.2$,
- `best`: the $\eta$ for which this factor is the smallest,
- `limit`: the $\eta > 0$ up to which the game comes to rest; beyond it, it runs away.
""",
    stub='''
def look_ahead(value, a, b, eta):
    """One step from (a, b), by the gradients at the point ahead."""
    return ...


factor = ...  # of a² + b², for V = 2 a b and eta = 0.2
best = ...  # the eta that makes it smallest
limit = ...  # the eta up to which it is below 1
''',
    answers={
        "look_ahead": callable,
        "factor": float,
        "best": float,
        "limit": float,
    },
    hints=(
        "Write a function first that gives both gradients at a point: detached copies "
        "that require a gradient, and `torch.autograd.grad`. It is needed twice.",
        r"For $V = 2ab$ the gradients at $(a', b')$ are $2b'$ and $2a'$. Put in what "
        r"$a'$ and $b'$ are: the step is a matrix of two numbers, on the diagonal and "
        "beside it.",
        r"A matrix $\begin{pmatrix} u & -v \\ v & u \end{pmatrix}$ turns the plane and "
        r"stretches it: it multiplies $a^2 + b^2$ by $u^2 + v^2$.",
    ),
    misconceptions={
        "no look ahead": "This is the point ahead itself, the plain step of (4.6).",
        "gradients at two points": "Both gradients are those at one point, (a', b'): "
        "there the other has moved, and so has the player itself.",
        "differentiated through the trial": "The gradients are those of V at the point "
        "ahead, by its own coordinates: the trial step is not differentiated.",
        "slopes summed over the entries": "Each entry moves by its own slope: a sum is "
        "right for one entry only.",
        "shapes taken for equal": "a and b have shapes of their own: do not stack "
        "them.",
        "gradients left at the input": "backward() fills the .grad of what was passed "
        "in: ask torch.autograd.grad, or take detached copies.",
        "look-ahead of one player only": "Both gradients are those at (a', b'), where "
        "both have moved.",
        "look-ahead in turn": "Both trial steps are made from (a, b) at the same time.",
        "second step in turn": "Both gradients of the step itself are those at "
        "(a', b'): neither sees where the other goes.",
        "step from the point ahead": "The trial is taken back: the step starts from "
        "(a, b).",
        "look-ahead of another length": "The trial step has the size eta.",
        "step of another length": "The step itself has the size eta.",
        "looked behind": "The trial is a step that the player would make: a goes down, "
        "b goes up.",
        "one player alone moves": "Both make a step.",
        "gradients averaged": "The gradients at (a', b') alone make the step.",
        "both players down": "b is the player that raises V.",
        "both players up": "a is the player that lowers V.",
        "players exchanged": "a goes down, b goes up.",
        "result hangs in a graph": "The next step would carry the graph of all steps "
        "before it: return tensors without one.",
        "not two tensors": "Return (a, b).",
        "length in place of its square": "a² + b² is asked for: the square of the "
        "factor of the distance.",
        "the 2 of the game left out": "V = 2ab: its slopes are 2b and 2a, and each of "
        "the two gradients brings the 2 in once.",
        "plain step in place of the look ahead": "Without a look ahead the factor is "
        "above 1 for any eta.",
        "a term of the factor": "Write the step as a matrix: u on the diagonal, v "
        "beside it. u and v both enter by their squares.",
        "eta squared": "Its root is asked for.",
        "half of the limit": "The factor is no parabola in eta: its minimum does not "
        "lie in the middle.",
        "the best eta in place of the limit": "At the best eta the factor is below 1: "
        "it goes on to be for a while.",
    },
)
def gan_10(t, look_ahead, factor, best, limit):
    def problem(*shapes):
        """A game with known slopes; float64, so that no two mistakes look alike."""
        a, b = (t.away(*shape, low=0.3, high=1.2).double() for shape in shapes)
        n, m = a.numel(), b.numel()
        q = t.away(n, m, low=0.3, high=1.2).double()
        c, e = (t.away(low=0.2, high=0.6).double() for _ in range(2))
        u, v = t.away(n, low=0.2, high=1).double(), t.away(m, low=0.2, high=1).double()

        def value(a, b):
            a, b = a.flatten(), b.flatten()
            return (
                a @ q @ b + c / 3 * (a**3).sum() - e / 3 * (b**3).sum() + a @ u + b @ v
            )

        def slopes(a, b):
            x, y = a.flatten(), b.flatten()
            return (q @ y + c * x * x + u).view_as(a), (x @ q - e * y * y + v).view_as(
                b
            )

        return value, slopes, a, b

    def rivals(slopes, a, b, eta):
        """The step as parts that can be wrong; a goes down, b goes up."""
        signs = {
            "": (-1, 1),
            "both players down": (-1, -1),
            "both players up": (1, 1),
            "players exchanged": (1, -1),
        }
        trials = {
            "": (1, 1),
            "no look ahead": (0, 0),
            "look-ahead of one player only": [(1, 0), (0, 1)],
            "looked behind": (-1, -1),
            "look-ahead of another length": [(0.5, 0.5), (2, 2)],
        }
        orders = {"": 0, "look-ahead in turn": [1, 2]}
        starts = {"": 0, "step from the point ahead": 1}
        mixes = {"": (0, 1), "gradients averaged": [(0.5, 0.5), (-1, 2), (1, 1)]}
        lengths = {"": (1, 1), "step of another length": [(0.5, 0.5), (2, 2)],
                   "one player alone moves": [(1, 0), (0, 1)]}  # fmt: skip
        lasts = {"": 0, "second step in turn": [1, 2]}
        points = {"": 0, "gradients at two points": [1, 2]}
        same, total = (lambda v: v), (lambda v: v.sum())
        sums = {
            "": (same, same),
            "slopes summed over the entries": [
                *((total, same), (same, total), (total, total)),
            ],
        }

        def make(sign, trial, order, start, mean, length, last, point, sums):
            (s, r), (i, j) = sign, trial
            old = slopes(a, b)
            x, y = (
                a + s * i * eta * sums[0](old[0]),
                b + r * j * eta * sums[0](old[1]),
            )
            if order == 1:
                y = b + r * j * eta * slopes(x, b)[1]
            if order == 2:
                x = a + s * i * eta * slopes(a, y)[0]
            new = slopes(x, y)
            if point:  # of a where b alone has moved, or of a where a alone has
                new = [slopes(a, y), slopes(x, b)][:: 3 - 2 * point]
                new = new[0][0], new[1][1]
            new = [sums[1](g) for g in new]
            by = [mean[0] * g + mean[1] * h for g, h in zip(old, new)]
            from_a, from_b = (x, y) if start else (a, b)
            end_a = from_a + s * length[0] * eta * by[0]
            if last == 1:
                by[1] = slopes(end_a, y)[1]
            end_b = from_b + r * length[1] * eta * by[1]
            if last == 2:
                end_a = from_a + s * eta * slopes(x, end_b)[0]
            return torch.cat([end_a.flatten(), end_b.flatten()])

        return make, signs, trials, orders, starts, mixes, lengths, lasts, points, sums

    def unrolled(value, a, b, eta):
        """The step, differentiated through the trial; through the other's, its own."""
        a, b = (v.detach().clone().requires_grad_() for v in (a, b))
        by: Any = {"create_graph": True}
        down, up = torch.autograd.grad(value(a, b), (a, b), **by)
        x, y = a - eta * down, b + eta * up
        fixed = a - eta * down.detach(), b + eta * up.detach()
        for ends in [(x, y)] * 2, [(a, y), (x, b)], [(fixed[0], y), (x, fixed[1])]:
            pairs = zip(ends, (a, b))
            g = [torch.autograd.grad(value(*e), v, **by)[0] for e, v in pairs]
            yield torch.cat([(a - eta * g[0]).flatten(), (b + eta * g[1]).flatten()])

    def step(value, a, b, eta):
        out = t.call(look_ahead, value, a, b, eta)
        two = isinstance(out, tuple | list) and len(out) == 2
        got = f"an object of type {type(out).__name__}"
        t.true(two, "(a, b).", got, "not two tensors")
        for new, old, name in zip(out, (a, b), "ab"):
            t.shape(new, old.shape, f"that of {name}.")
            got, why = "It requires a gradient.", "Tensors without a graph."
            hangs = "result hangs in a graph"
            t.true(not t.tensor(new).requires_grad, why, got, hangs)
        return torch.cat([t.tensor(v).flatten() for v in out])

    def works_for_equal_shapes():
        value, _, a, b = problem((3,), (3,))
        try:
            return bool(look_ahead(value, a, b, 0.1))
        except Exception:
            return False

    for shapes, name in (((3,), (4,)), "two vectors"), (((2, 3), (2, 1, 2)), "arrays"):
        t.property(f"a step from {name}, in a game whose slopes are known")
        (value, slopes, a, b), eta = problem(*shapes), t.integer(15, 35) / 100
        make, *parts = rivals(slopes, a, b, eta)
        due = make(*(v[""] for v in parts))
        why = "From (a, b) by the slopes at the point that both step to."
        through = [v.detach() for v in unrolled(value, a, b, eta)]
        through = {"differentiated through the trial": through}
        ideas = chain(through.items(), mistakes(make, *parts))
        try:
            out = step(value, a, b, eta)
        except Stop as stop:
            if stop.outcome == "error" and works_for_equal_shapes():
                told = {"why": "Any two shapes.", "got": stop.lines["got"]}
                t.fail("shapes taken for equal", **told)
            raise
        t.close(out, due, why, ideas=ideas, tol=1e-8)
    t.property("the same where a and b require a gradient")
    out = step(value, a.requires_grad_(), b.requires_grad_(), eta)
    t.close(out, due, "The same numbers.", tol=1e-8)
    given = a.detach().clone(), b.detach().clone()
    t.guard(look_ahead, value, *given, eta)
    left, name = (
        any(v.requires_grad for v in given),
        "requires_grad of an input changed",
    )
    t.true(not left, "requires_grad as before: false.", "It is true.", name)
    for filled in False, True:
        given = [v.detach().clone().requires_grad_() for v in (a, b)]
        for v in given:
            v.grad = torch.full_like(v, 0.5) if filled else None
        t.guard(look_ahead, value, *given, eta)
        kept = [
            v.grad is None
            if not filled
            else v.grad is not None and (v.grad == 0.5).all()
            for v in given
        ]
        got, name = "Another.", "gradients left at the input"
        t.true(all(kept), "Its .grad as before.", got, name)

    # From here on the step is right: the numbers are those of the game that it plays.
    def stretch(eta, ratio=2.0):
        start = torch.tensor(0.6).double(), torch.tensor(-0.8).double()
        new = look_ahead(lambda a, b: ratio * a * b, *start, eta)
        return float(sum(v * v for v in new))

    low, high = 0.0, 1.0
    for _ in range(40):  # of a function with one minimum
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if stretch(left) < stretch(right) else (left, high)
    lowest, low, high = low, low, 4.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if stretch(middle) < 1 else (low, middle)
    dues, x = (stretch(0.2), lowest, low), 0.4
    ideas = {
        "length in place of its square": dues[0] ** 0.5,
        "the 2 of the game left out": [stretch(0.2, 1.0), stretch(0.2, 2**0.5)],
        "plain step in place of the look ahead": [1 + x * x, (1 + x * x) ** 0.5],
        "a term of the factor": [
            *(1 - x * x, 1 + x * x + x**4, 1 - 2 * x * x + x**4, 1 - x**4, 1 + x**4),
            *(1 - x + x * x, (1 - x) ** 2, 1 - x * x - x**4, 1 - x * x + x**3),
        ],
    }
    why = "Simulated: one step from a point on the unit circle."
    t.number("the factor at 0.2", factor, dues[0], why, ideas, others=dues)
    ideas = {
        "the 2 of the game left out": 2 * dues[1],
        "eta squared": [dues[1] ** 2, 4 * dues[1] ** 2],
        "half of the limit": dues[2] / 2,
    }
    why = "Simulated: where the factor is smallest."
    t.number("the best step size", best, dues[1], why, ideas, others=dues)
    ideas = {
        "the 2 of the game left out": [2 * dues[2]],
        "the best eta in place of the limit": dues[1],
        "eta squared": dues[2] ** 2,
    }
    why = "Simulated: from there on one step no longer lowers a² + b²."
    t.number("the largest step size", limit, dues[2], why, ideas, others=dues[:1])
