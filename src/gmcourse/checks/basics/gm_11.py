"""Exercise gm-11: How many points does a histogram want?"""

import math
from fractions import Fraction

from .._exercise import Exercise


@Exercise(
    id="gm-11",
    title="How many points does a histogram want?",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Put a number to the curse of dimension.",),
    statement=r"""
Data are uniform in $[0, 1]^d$, and a histogram has `bins` equal cells per axis. After
$n$ training points, a fresh point falls into a cell that some training point has
visited with a probability that grows with $n$.

Write `points_needed(bins, d, share)`: the **smallest** integer $n$ for which that
probability is at least `share`, where `0 < share < 1`. There are at least two cells;
the answer has to be exact for up to a million of them, and where the share is reached
exactly: `points_needed(2, 2, 0.578125)` is 3.
""",
    stub='''
def points_needed(bins, d, share):
    """int, int, float -> int: the smallest number of training points."""
    return ...
''',
    answers={"points_needed": callable},
    hints=(
        "How many cells are there? With which probability does one training point "
        "miss the cell of the fresh point, and with which do n of them?",
        "Solve for n. It need not be an integer: which way must you round?",
        "For many cells log(1 - 1/cells) loses its digits: `math.log1p`. And a "
        "quotient of logarithms that should be 3 may come out as 3.0000000000000004.",
    ),
    misconceptions={
        "cells counted as bins · d": "Each axis multiplies the number of cells.",
        "share of the cells in place of the probability": "n = share · cells forgets "
        "that several points fall into one cell.",
        "probability of missing in place of hitting": "The cell is visited unless all "
        "n points miss it.",
        "rounded down": "The smallest n that reaches the share lies above the "
        "solution, not below.",
        "rounded to the nearest": "Below one half the share would not be reached.",
        "one point too many": "The smallest number is due, also where the solution is "
        "an integer.",
        "bins and d exchanged": "Two axes of ten cells make a hundred, not 2 to the "
        "tenth.",
        "not the smallest number": "Compute the probability for your n and for n - 1.",
        "exponential in place of the power": "(1 - 1/m)^n is not exp(-n/m) for few "
        "cells.",
        "rounding error rounded up": "Three points reach the share exactly, and a "
        "quotient of 3.0000000000000004 asks for four.",
        "too few digits": "Right for few cells, and near for many: float32 holds seven "
        "digits, and log(1 - 1/cells) loses as many as the number of cells has.",
        "not an integer": "A number of points is due.",
    },
)
def gm_11(t, points_needed):
    def enough(n, share, cells):
        gap = math.expm1(n * math.log1p(-1 / cells)) + share
        if abs(gap) > 1e-12:
            return gap < 0
        return 1 - (1 - Fraction(1, cells)) ** n >= Fraction(share)

    def smallest(share, cells):
        low, high = 0, 1
        while not enough(high, share, cells):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            fits = enough(middle, share, cells)
            low, high = (low, middle) if fits else (middle, high)
        return high

    def holds(name, bins, d, share, mistake):
        t.property(name)
        cells, out = bins**d, t.call(points_needed, bins, d, share)
        n = t.tensor(out)
        whole = n.dim() == 0 and bool(n == n.round())
        t.true(whole, "One integer.", str(out)[:40], "not an integer")
        due = smallest(share, cells)
        nearest = round(math.log1p(-share) / math.log1p(-1 / cells))
        ideas = {
            "cells counted as bins · d": smallest(share, bins * d),
            "share of the cells in place of the probability": math.ceil(share * cells),
            "probability of missing in place of hitting": smallest(1 - share, cells),
            "rounded to the nearest": nearest,
            "rounded down": due - 1,
            "one point too many": due + 1,
            "bins and d exchanged": smallest(share, min(max(d**bins, 2), 10**6)),
            "exponential in place of the power": math.ceil(-cells * math.log1p(-share)),
        }
        ideas = {k: v for k, v in ideas.items() if v != due and mistake == other}
        why = "Found by trying: one point fewer is not enough."
        t.equal(n, due, why, mistake, ideas)

    other = "not the smallest number"
    cases = [(5, 2, 0.99), (3, 2, 0.99), (2, 1, 0.6), (10, 3, 0.3), (2, 1, 0.5)]
    cases.append((t.integer(3, 9), t.integer(2, 4), t.integer(25, 75) / 100))
    for bins, d, share in cases:
        name = f"{bins} cells per axis, {d} axes, a share of {share}"
        holds(name, bins, d, share, other)
    axes, n = t.integer(2, 4), t.integer(3, 9)
    for bins, d, share in ((2, 2, 0.578125), (2, axes, 1 - (1 - 0.5**axes) ** n)):
        name = "a share that is reached exactly"
        holds(name, bins, d, share, "rounding error rounded up")
    for bins, d, share in ((10, 6, 0.9), (97, 3, 0.9), (999, 2, 0.95), (31, 4, 0.95)):
        holds("up to a million cells", bins, d, share, "too few digits")
