"""Exercise ae-07: The exact sparse code."""

import torch
from torch import Tensor

from .._comparisons import far
from .._exercise import Exercise
from .._parts import wrong_part


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
        "For a column of length $s$ put $u = s z$, and the unit column $w/s$ in its "
        "place: what does the problem look like in $u$?",
        "The code is the projection on the unit column, moved toward zero by half the "
        "weight, but not across zero; then divided by the length.",
    ),
    misconceptions={
        "threshold of the whole weight": "The squared error has no factor 1/2 here, so "
        "its slope is twice the distance: the threshold is half the weight.",
        "negative codes cut off": "These codes may be negative.",
        "not divided by the length": "These are products with the columns: the "
        "equation for unit columns as it stands, or a length multiplied where it "
        "divides. A column twice as long needs half the code.",
        "divided by the length only once": "The projection on w/s is wᵀx/s, and the "
        "code is that divided by s once more.",
        "divided by the length too often": "The projection on the unit column is "
        "wᵀx/s, and the code is that divided by s: twice in all. Here it is "
        "more: was a root lost?",
        "a constant added to the length": "A constant in the length has a unit: it "
        "changes the codes of short columns most.",
        "penalty without the length": "The penalty counts the length of the column: a "
        "long column has a shorter code, and pays the same.",
        "no threshold": "Without a threshold this is the projection: no code is zero.",
        "cut off without shrinking": "What survives the threshold is moved toward "
        "zero, too.",
        "another threshold": "Set the derivative of the objective to zero: the move is "
        "half the weight, whatever b, d and k are.",
        "sign lost": "A code has the sign of its projection.",
        "only one sign moved": "Positive and negative codes are moved alike, both "
        "toward zero.",
        "smoothed at zero": "Small codes are off alone. The objective has a kink at "
        "zero, and its minimizer is exactly zero up to the threshold: nothing smooth "
        "is.",
        "not one code for each column": "k codes are due for each example, in a row.",
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

    def mistake(out, gamma):
        """The part of the formula that is wrong: projection, length, move or sign."""
        if out.shape != (b, k):
            return None
        x64, w64 = x.double(), w.double()
        size, half = w64.abs(), gamma / 2
        centers = x64.mean(0), x64.mean().expand(d), x64.mean(1, True)
        inputs = {"": [x64], "centered": [x64 - v for v in centers]}
        sizes = {
            "": [lengths],
            "length of the whole dictionary": [
                v.expand(k) for v in (w64.norm(), lengths.mean(), lengths.amax(),
                                      lengths.amin(), lengths.square().mean().sqrt())],
            "another length": [
                size.sum(0), size.amax(0), lengths / d**0.5, w64.norm(dim=1)[:k],
                lengths.flip(0), w64.sum(0).abs(), w64.std(0)],
            "a constant added to the length": [
                lengths + v for v in (1.0, 0.1, 0.01, 1e-3, 1e-4)],
        }  # fmt: skip
        # How often the length divides the projection, the move, and what is left.
        powers = {
            "": [(1, 0, 1)],
            "not divided by the length": [
                (0, 0, 0), (1, 0, -1), (0, 0, -1), (-1, 0, 1), (0, -1, -1)],
            "divided by the length only once": [(1, 0, 0), (0, 0, 1)],
            "divided by the length too often": [(1, 0, 2), (2, 0, 1), (2, 0, 2)],
            "penalty without the length": [(1, 1, 1)],
            "threshold on the wrong scale": [
                (1, -1, 1), (2, 0, 0), (1, 2, 1), (1, -2, 1), (2, -1, 0), (0, -2, 1),
                (0, 0, 2), (0, 1, 2), (0, 1, 1), (1, 1, 0), (0, -1, 0), (1, -1, 0)],
        }  # fmt: skip
        moves = {
            "": [half],
            "threshold of the whole weight": [gamma],
            "threshold halved twice": [gamma / 4],
            "another threshold": [
                2 * gamma, half * d, half / k, half / d, half * k, half * b, half / b,
                half**2, gamma**2, half**0.5, gamma**0.5, 0.5, 1.0, 0.1, 0.25],
        }  # fmt: skip

        def left(m, v):  # of a whole row
            return (1 - m / v).clamp(min=0)

        shrinks = {
            "": [soft],
            "no threshold": [lambda v, m: v],
            "cut off without shrinking": [lambda v, m: v * (v.abs() > m)],
            "negative codes cut off": [
                lambda v, m: soft(v, m).clamp(min=0), lambda v, m: v.clamp(min=0)],
            "sign lost": [lambda v, m: soft(v, m).abs(), lambda v, m: -soft(v, m)],
            "only one sign moved": [
                lambda v, m: torch.where(v > 0, soft(v, m), v),
                lambda v, m: torch.where(v > 0, v, soft(v, m))],
            "moved across zero": [lambda v, m: v - m * v.sign()],
            "moved the wrong way": [
                lambda v, m: v + m * v.sign(), lambda v, m: v - m, lambda v, m: v + m,
                lambda v, m: (v.abs() > m) * (v - m), lambda v, m: (v + m).clamp(min=0),
                lambda v, m: (v.abs() > m) * (v + m * v.sign()), lambda v, m: m - v,
                lambda v, m: torch.where(v > 0, (v - m).clamp(min=0), v - m)],
            "relative threshold": [
                *[lambda v, m, e=e, f=f: v / (1 + f * m / lengths**e)
                  for e in (-1, 0, 1, 2) for f in (1, 2)],
                lambda v, m: v * (1 - m), lambda v, m: soft(v, m * v.abs()),
                lambda v, m: soft(v, m * v.abs().amax(1, True))],
            "row moved as a whole": [
                lambda v, m: v * left(m, v.norm(dim=1, keepdim=True)),
                lambda v, m: v * left(m, v.abs().sum(1, True))],
            "smoothed at zero": [
                lambda v, m: v.sign() * torch.nn.functional.softplus(v.abs() - m),
                lambda v, m: torch.nn.functional.softplus(v - m)
                - torch.nn.functional.softplus(-v - m),
                lambda v, m: v * torch.sigmoid(v.abs() - m)],
            "large codes clipped": [lambda v, m: soft(v, m).clamp(-1, 1)],
        }  # fmt: skip
        if gamma == 0:  # nothing moves: how, tells nothing
            moves = {"": [0.0], "threshold without a weight": [0.5, 1.0, 0.1, 0.25]}
            names = "", "negative codes cut off", "sign lost", "smoothed at zero"
            shrinks = {name: shrinks[name] for name in names}

        def value(x, size, power, move, shrink):
            before, lift, after = power
            along, m = x @ w64 / size**before, move / size**lift
            return shrink(along, m) / size**after

        return wrong_part(out, value, inputs, sizes, powers, moves, shrinks, tol=1e-4)

    t.property("weight 0: the projection")
    free = solve(0.0)
    out, why = t.call(sparse_code, x, w, 0.0), "Least squares, one code at a time."
    shapes = {"not one code for each column": [
        (k, b), (b, d), (k,), (1, k), (b,), (b, 1), (b, d, k), (b, k, 1)]}  # fmt: skip
    t.shape(out, (b, k), "k codes for each example.", ideas=shapes)
    seen = t.tensor(out).detach().double()
    ratio = (seen / free).mean(0)  # of codes that are too small where columns are short
    late = ratio[0] == ratio.min() and 0 < ratio[0] < 0.99 and ratio[2] > 0.9
    name = mistake(seen, 0.0) if far(seen, free, 1e-4).any() else None
    bad, size = far(seen, free, 1e-4), (free * lengths).abs()
    if name is None and 0 < bad.sum() < bad.numel() // 2:
        small = size[bad].max() < size[~bad].min()
        name = "smoothed at zero" if small and (seen != 0).all() else None
    ideas = {
        "large codes clipped": free.clamp(-seen.abs().max(), seen.abs().max()),
        "codes dropped": torch.where(seen == 0, 0.0, free),
        "stopped before the minimum": free * ratio if late else torch.inf,
    }
    t.close(out, free, why, name, None if name else ideas, tol=1e-4)

    t.property("with a weight: a search along each code")
    due = solve(weight)
    alive = due.abs() > 1e-5
    due = torch.where(alive, due, 0.0)
    out = t.call(sparse_code, x, w, weight)
    t.shape(out, (b, k), "k codes for each example.", ideas=shapes)
    seen = t.tensor(out).detach().double()
    name = mistake(seen, weight) if far(seen, due, 1e-3).any() else None
    settled = not far(seen[alive], due[alive], 0.02).any()
    near = settled and seen[~alive].abs().max() < 0.15
    rows, each = (seen / free).mean(1, keepdim=True), (seen / free).mean(0)
    ideas = {
        "row moved as a whole": free * rows if (seen != 0).sum() > k else torch.inf,
        "relative threshold": free * each if each.abs().min() > 1e-3 else torch.inf,
        "nearly zero in place of zero": seen if near else torch.inf,
    }
    why = "The minimum of the objective, found by a search."
    t.close(out, due, why, name, None if name else ideas, tol=1e-3)

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
