"""Exercise gm-11: How many points does a histogram want?"""

import math

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
the answer has to be exact for up to a million of them.
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
        "For many cells log(1 - 1/cells) loses its digits: `math.log1p`.",
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
        "not an integer": "A number of points is due.",
    },
)
def gm_11(t, points_needed):
    def visited(n, cells):
        return 1 - (1 - 1 / cells) ** n

    def smallest(share, cells):
        low, high = 0, 1
        while visited(high, cells) < share:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            enough = visited(middle, cells) >= share
            low, high = (low, middle) if enough else (middle, high)
        return high

    cases = [(5, 2, 0.99), (3, 2, 0.99), (2, 1, 0.6), (10, 3, 0.3), (10, 6, 0.9)]
    cases.append((2, 1, 0.5))  # reached exactly: all ways to compute it agree
    cases.append((t.integer(3, 9), t.integer(2, 4), t.integer(25, 75) / 100))

    for bins, d, share in cases:
        t.property(f"{bins} cells per axis, {d} axes, a share of {share}")
        cells, out = bins**d, t.call(points_needed, bins, d, share)
        n = t.tensor(out)
        whole = n.dim() == 0 and bool(n == n.round())
        t.true(whole, "One integer.", str(out)[:40], "not an integer")
        due = smallest(share, cells)
        below = visited(due - 0.5, cells) >= share
        ideas = {
            "cells counted as bins · d": smallest(share, bins * d),
            "share of the cells in place of the probability": math.ceil(share * cells),
            "probability of missing in place of hitting": smallest(1 - share, cells),
            "rounded to the nearest": due - 1 if below else due,
            "rounded down": due - 1,
            "one point too many": due + 1,
            "bins and d exchanged": smallest(share, max(d**bins, 2)),
            "exponential in place of the power": math.ceil(-cells * math.log1p(-share)),
        }
        ideas = {name: float(v) for name, v in ideas.items() if v != due}
        why = "Found by trying: one point fewer is not enough."
        other = "not the smallest number"
        t.close(n, float(due), why, other, ideas=ideas, tol=1e-9)
