"""Exercise ae-07: The exact sparse code."""

import torch
from torch import Tensor

from .._exercise import Exercise


def ternary(cost, reach: Tensor) -> Tensor:
    """The minimizer on [-reach, reach] of a convex cost, entry by entry, float64."""
    low, high = -reach, reach.clone()
    for _ in range(80):
        third = (high - low) / 3
        a, b = low + third, high - third
        left = cost(a) < cost(b)
        low, high = torch.where(left, low, a), torch.where(left, b, high)
    return (low + high) / 2


@Exercise(
    id="ae-07",
    title="The exact sparse code",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Derive the code that minimizes a sparse objective, threshold, sign and scale "
        "included.",
    ),
    statement=r"""
For a dictionary $W$ whose columns are orthogonal to each other, but of any length,
the best sparse code has a closed form, also if codes may be negative. Write
`sparse_code(x, w, weight)`: `x` has shape `(b, d)`, `w` has shape `(d, k)` with
`k <= d`, no column zero and `w.T @ w` diagonal; return, for each row of `x`, the
$z \in \mathbb R^k$ that minimizes

$$
\lVert x - W z \rVert^2 + \gamma \sum_{j} \lVert w_j \rVert\, \lvert z_j \rvert ,
$$

shape `(b, k)`, with $\gamma$ given as `weight`, 0 or more. Codes that are zero are
exactly zero.
""",
    stub='''
def sparse_code(x, w, weight):
    """(b, d), (d, k), float -> (b, k)."""
    return ...
''',
    answers={"sparse_code": callable},
    hints=(
        "Because the columns are orthogonal, the objective falls apart into one "
        "problem for each code. Take the case of length one first: equation (2.9) for "
        "both signs.",
        "For a column of length s put u = s z, and the unit column w/s in its place: "
        "what does the problem look like in u?",
        "The code is the projection on the unit column, moved toward zero by half the "
        "weight, but not across zero; then divided by the length.",
    ),
    misconceptions={
        "threshold of the whole weight": "The squared error has no factor 1/2 here, so "
        "its slope is twice the distance: the threshold is half the weight.",
        "negative codes cut off": "These codes may be negative.",
        "length of the columns forgotten": "The equation for unit columns, as "
        "it stands: a column twice as long needs half the code.",
        "divided by the length only once": "The projection on w/s is wᵀx/s, and the "
        "code is that divided by s once more.",
        "penalty without the length": "The penalty counts the length of the column: a "
        "long column has a shorter code, and pays the same.",
        "no threshold": "Without a threshold this is the projection: no code is zero.",
        "cut off without shrinking": "What survives the threshold is moved toward "
        "zero, too.",
        "relative threshold": "All codes are moved by the same amount, not by a share "
        "of their size.",
        "another length": "The length of a column is the root of the sum of its "
        "squares.",
        "centered": "Nothing is subtracted from x: each example is coded by itself.",
        "large codes clipped": "Codes may be of any size.",
        "codes dropped": "With weight 0 no code is dropped.",
        "threshold without a weight": "With weight 0 no code is moved.",
        "stopped before the minimum": "Codes of short columns have not arrived: with "
        "one step for all, short columns take many more steps.",
        "moved the wrong way": "Codes are moved toward zero: positive ones down, "
        "negative ones up.",
        "row moved as a whole": "Each code is moved by itself, whatever the others "
        "are: the penalty is a sum over the codes.",
        "threshold on the wrong scale": "The projection on the unit column is moved; "
        "dividing by the length comes last, and shrinks the move, too.",
        "moved across zero": "A projection smaller than the move ends at zero, not "
        "beyond it.",
        "threshold halved twice": "Set the derivative of the objective to zero once "
        "more: the square brings a factor of two, once.",
        "length of the whole dictionary": "Each column has a length of its own.",
        "axis of the codes lost": "With one column the result still has two axes.",
        "a size taken for granted": "Columns may be short or long, codes large or "
        "small: a constant that is added to a length, or a bound below which codes "
        "are dropped, has a unit.",
        "zero divided by zero": "A projection may be exactly zero; its code is zero.",
        "nearly zero in place of zero": "Iterations or smooth penalties come close to "
        "zero; the minimum is at zero itself.",
    },
)
def ae_07(t, sparse_code):
    b, d, k = t.integer(6, 7), 5, 3
    lengths = torch.tensor([0.5, 2.0, 3.0], dtype=torch.float64)
    raw = torch.randn(d, d, generator=t.rng, dtype=torch.float64)
    unit = torch.linalg.qr(raw)[0][:, :k]
    weight = float(t.uniform(1, low=1.2, high=1.8)[0])
    # Never exactly at the threshold, where rounding decides.
    want = t.away(b, k, low=0.1, high=2.5).double() + 0.0023
    want[0], want[1, 0] = torch.tensor([0.2, -0.3, 0.4]), 2.0
    want[1, 1], want[2, 2] = -2.0, 0.2
    rest = torch.randn(b, d, generator=t.rng).double()
    # The projections on the unit columns are `want`.
    x = (want @ unit.T + rest - rest @ unit @ unit.T).float()
    w = (unit * lengths).float()

    def soft(v, move):
        return v.sign() * (v.abs() - move).clamp(min=0)

    def solve(gamma: float, price: Tensor = lengths) -> Tensor:
        def cost(z):
            rest = x.double()[:, :, None] - z[:, None, :] * w.double()
            return rest.square().sum(1) + gamma * price * z.abs()

        return ternary(cost, torch.full((b, k), 12.0).double())

    t.property("weight 0: the projection")
    free = solve(0.0)
    out, why = t.call(sparse_code, x, w, 0.0), "Least squares, one code at a time."
    t.shape(out, (b, k), "k codes for each example.")
    seen, along = t.tensor(out).detach().double(), free * lengths**2
    once, size = along / lengths, w.double().abs()
    ratio = (seen / free).mean(0)  # of codes that are too small where columns are short
    late = (
        (ratio > -0.01).all()
        and (ratio < 1).any()
        and (ratio[1:] - 1).abs().min() < 0.1
    )
    small = [soft(free, v) for v in (0.5, 1.0)] + [
        soft(once, v) / lengths for v in (0.5, 1)
    ]
    sums = [v.double() for v in (size.sum(0), w.norm(dim=1)[:k], size.amax(0))]
    ideas = {
        "length of the columns forgotten": [along, along.clamp(min=0)],
        "divided by the length only once": once,
        "length of the whole dictionary": [
            v for s in (w.double().norm(), lengths.mean(), lengths.amax(),
                        lengths.square().mean().sqrt())
            for v in (along / s**2, once / s)],
        "another length": [
            v for s in (*sums, lengths / d**0.5) for v in (along / s**2, once / s)],
        "negative codes cut off": free.clamp(min=0),
        "centered": [
            free - v.double() @ w.double() / lengths**2
            for v in (x.mean(0), x.mean().expand(d), x.mean(1, True).expand(b, d))],
        "threshold without a weight": small,
        "large codes clipped": free.clamp(-seen.abs().max(), seen.abs().max()),
        "codes dropped": torch.where(seen == 0, 0.0, free),
        "stopped before the minimum": free * ratio if late else torch.inf,
    }  # fmt: skip
    t.close(out, free, why, ideas=ideas, tol=1e-4)

    t.property("with a weight: a search along each code")
    due = solve(weight)
    alive = due.abs() > 1e-5
    out, move = t.call(sparse_code, x, w, weight), weight / 2 / lengths
    seen = t.tensor(out).detach().double()
    ideas = {
        "threshold of the whole weight": solve(2 * weight),
        "penalty without the length": solve(weight, torch.ones(k).double()),
        "no threshold": free,
        "cut off without shrinking": free * alive,
        "negative codes cut off": due.clamp(min=0),
        "threshold on the wrong scale": [
            soft(free, weight / 2 * v) for v in (torch.ones(k), lengths, lengths**2)
        ],
        "moved across zero": free - move * free.sign(),
        "moved the wrong way": [free + move * free.sign(), free - move, free + move,
                                alive * (free - move),
                                (free - move).clamp(min=0), (free + move).clamp(min=0)],
        "threshold halved twice": solve(weight / 2),
        "mean over the dimensions": solve(weight * d),
        "relative threshold": free * (seen / free).mean(0)
        if (seen / free).abs().amin() > 1e-3 else torch.inf,
        "row moved as a whole": free * (seen / free).mean(1, keepdim=True)
        if (seen != 0).any(1).sum() > 2 else torch.inf,
        "nearly zero in place of zero": torch.where(alive, due, seen)
        if seen[~alive].abs().max() < 0.02 else torch.inf,
    }  # fmt: skip
    why = "The minimum of the objective, found by a search."
    t.close(out, due, why, ideas=ideas, tol=1e-3)

    t.property("one example, and one column")
    one = t.call(sparse_code, x[:1], w, weight)
    t.shape(one, (1, k), "one example.", ideas={"batch axis lost": (k,)})
    one = t.call(sparse_code, x, w[:, :1], weight)
    t.shape(one, (b, 1), "one code for each example.", "axis of the codes lost")

    t.property("codes that are zero are exactly zero")
    exact = "nearly zero in place of zero"
    none = t.tensor(out).detach()[~alive]
    t.equal(none, 0.0, "The minimum lies at the kink.", exact)
    t.property("a dictionary in other units")
    for unit in (1e-3, 1e3):
        scaled = t.call(sparse_code, x, unit * w, weight)
        along, why = free * lengths, "Columns longer by a factor, codes shorter by it."
        kept = along.sign() * (unit * along.abs() - weight / 2).clamp(min=0) * unit
        ideas = {"result of an earlier call": [kept / lengths, unit * due]}
        t.close(scaled * unit, due, why, "a size taken for granted", ideas, tol=1e-3)

    t.property("a weight so large that nothing pays")
    out = t.call(sparse_code, x, w, 1e3)
    t.equal(out, 0.0, "Every code costs more than it saves.", exact)
    t.property("an example of zeros")
    for gamma in (0.0, weight):
        out, why = t.call(sparse_code, 0 * x[:2], w, gamma), "Nothing is to be rebuilt."
        t.finite(out, why, "zero divided by zero")
        t.equal(out, 0.0, why, exact)
