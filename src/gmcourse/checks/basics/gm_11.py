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
probability is at least `share`, for shares from 0.001 to 0.9999 and from two to a
million cells. Where the share is reached so nearly that rounding decides, two
neighboring numbers both pass.
""",
    stub='''
def points_needed(bins, d, share):
    """int, int, float -> int: the smallest number of training points."""
    return ...
''',
    answers={"points_needed": callable},
    hints=(
        "How many cells are there? With which probability does one training point "
        "miss the cell of the fresh point, and with which do $n$ of them?",
        "Solve for $n$. It need not be an integer: which way must you round?",
        "For a million cells `log(1 - 1/cells)` has lost digits, and they count: "
        "`math.log1p`.",
    ),
    misconceptions={
        "cells counted as bins · d": "Each axis multiplies the number of cells.",
        "cells miscounted": "There are bins**d cells, all of them possible.",
        "share of the cells in place of the probability": "n = share · cells forgets "
        "that several points fall into one cell.",
        "probability of missing in place of hitting": "The cell is visited unless all "
        "n points miss it.",
        "each axis by itself": "A point has to fall into the very cell: on all axes at "
        "once.",
        "another question": "One fresh point and its cell are asked about: not whether "
        "all cells are visited, or how many are, or whether any two points meet.",
        "birthday problem": "Not any two points have to meet: the fresh point has to "
        "meet one of the others.",
        "logarithms of two bases": "In a quotient both need the same base.",
        "share taken for a percentage": "A share of 0.83 is 83 percent.",
        "rounded down": "One too few: the smallest n that reaches the share lies above "
        "the solution, nothing is added inside a logarithm, and the fresh point is "
        "none of the n.",
        "whatever the share": "A number for one half, or one that does not depend on "
        "the share at all: the share is in the formula.",
        "log1p misread": "log1p(v) is the logarithm of 1 + v: it takes -1/cells and "
        "-share.",
        "small number in the logarithm": "Nothing is added inside a logarithm or kept "
        "away from 0: for shares near 1 even 1e-4 changes the number.",
        "the axes put together wrongly": "The number for one axis, multiplied or "
        "raised to the power d, is not that for all: the cells multiply, the numbers "
        "of points do not.",
        "mean in place of a probability": "One point for each cell, or the mean number "
        "of points until a hit, is another question: a probability is asked for.",
        "probability of the wrong event": "A point misses the cell with the "
        "probability 1 - 1/cells: the powers of that are due, not those of 1/cells.",
        "rounded to the nearest": "Below one half the share would not be reached.",
        "one point too many": "The smallest number is due, also where the solution is "
        "an integer.",
        "bins and d exchanged": "Two axes of ten cells make a hundred, not 2 to the "
        "tenth.",
        "near, not exact": "A draw, a search in steps, an approximation, a tolerance "
        "or a rounding on the way gives a number near the right one.",
        "not the smallest number": "Compute the probability for your n and for n - 1.",
        "logarithm expanded": "log(1 - 1/m) is not -1/m, nor the first terms of a "
        "series.",
        "search that ends too soon": "However many points are needed, a search has to "
        "get there.",
        "share not taken as it is": "0.9999 is less than 1: the share may not be "
        "rounded, nor kept away from 0 or 1.",
        "too few digits": "Right for few cells, and near for many: float32 holds seven "
        "digits, and log(1 - 1/cells) loses as many as the number of cells has. "
        "A tolerance, or a rounded 1 - 1/cells, shows there, too.",
        "not an integer": "A number of points is due.",
    },
)
def gm_11(t, points_needed):
    def real(share, cells):
        hit = 1 / cells
        return math.log1p(-share) / math.log1p(-hit)

    def smallest(share, cells):
        return max(1, math.ceil(real(share, cells)))

    def holds(bins, d, share, mistake, ideas):
        out, due = t.call(points_needed, bins, d, share), smallest(share, bins**d)
        n = t.tensor(out)
        whole = n.dim() == 0 and bool(n == n.round())
        t.true(whole, "One integer.", str(out)[:40], "not an integer")
        exact = real(share, bins**d)
        if abs(exact - round(exact)) < 1e-6 and abs(n - exact) < 1.1:
            return  # rounding decides
        found = {k: v if isinstance(v, list) else [v] for k, v in ideas.items()}
        found = {k: [u for u in v if u != due] for k, v in found.items()}
        if mistake == other and due > 20 and abs(n - due) < 0.1 * due:
            found |= {"rounded down": [due - 1], "one point too many": [due + 1]}
            mistake = "near, not exact"
        why = "Found by trying: one point fewer is not enough."
        t.equal(n, due, why, mistake, found)

    def birthday(share, cells):
        n, apart = 0, 1.0
        while 1 - apart < share:
            apart, n = apart * (1 - n / cells), n + 1
        return n

    def fit(*values):
        return [f(v) for v in values for f in (math.ceil, round, math.floor)]

    def derivations(bins, d, share):
        """What other formulas give, in lists that are as long for any input."""
        cells, rest, step = bins**d, math.log1p(-share), math.log1p(-(bins**-d))
        log, visited = math.log, range(math.ceil(share * cells))
        counts = bins, bins**2, bins ** (d - 1), bins ** (d + 1), 2**d, d
        counts += cells - 1, (bins + 1) ** d, (bins - 1) ** d, cells * d
        pair = math.sqrt(-2 * cells * rest)
        half = [log(2) * cells, log(0.5) / step, 1 + math.sqrt(2 * cells * log(2))]
        ones = log(2 - share), log(2 - 1 / cells), log(1 + share), log(1 + 1 / cells)
        misread = [u / v for u in (rest, *ones[::2]) for v in (step, *ones[1::2])]
        misread += [rest / cells, rest * step, step / rest]
        unseen = 1 - share ** (1 / cells)  # of one cell, where all are to be visited
        all_of_them = [cells * sum(1 / i for i in range(1, cells + 1))]
        all_of_them += [cells * log(cells)]
        asked = [sum(cells / (cells - i) for i in visited), log(unseen) / step]
        asked += [(rest - log(cells)) / step, cells * (log(cells) - rest)]
        asked += [k * u for u in all_of_them for k in (1, share)]
        axis = smallest(share, bins), smallest(share ** (1 / d), bins)
        each = [*axis, *(smallest(share**p, cells) for p in (d, 1 / d))]
        put = [real(share, bins), -rest * bins, *axis]
        power = [-log(v) / log(cells) for v in (share, 1 - share)]
        bases = [log(b) ** k for b in (2, 10) for k in (1, -1)]
        return {
            "cells counted as bins · d": [smallest(share, bins * d)],
            "bins and d exchanged": [smallest(share, d**bins)],
            "cells miscounted": [smallest(share, c) for c in counts],
            "share of the cells in place of the probability": [
                k * v for v in fit(share * cells) for k in (1, d)
            ],
            "probability of missing in place of hitting": [smallest(1 - share, cells)],
            "share taken for a percentage": [smallest(share / 100, cells)],
            "the axes put together wrongly": fit(*(f(u, d) for u in put for f in ways)),
            "each axis by itself": each,
            "mean in place of a probability": fit(
                cells, cells * share / (1 - share), 1 / (1 - share)
            ),
            "whatever the share": fit(*half),
            "probability of the wrong event": fit(*power),
            "log1p misread": fit(*misread[1:], *(-u for u in misread[1:])),
            "birthday problem": fit(pair, pair + 1)
            + [birthday(share, cells) + k for k in (-1, 0, 1)],
            "another question": fit(*asked),
            "logarithms of two bases": fit(*(rest / step * v for v in bases)),
            "sign flipped": [-smallest(share, cells)],
        }

    ways, other = (lambda u, d: d * u, pow), "not the smallest number"
    cases = [(6, 3, 0.976), (6, 3, 0.3), (5, 2, 0.3), (2, 1, 0.999)]
    cases += [(3, 2, 0.99), (2, 1, 0.6), (10, 3, 0.3), (2, 1, 0.4)]
    cases.append((t.integer(3, 9), t.integer(2, 4), t.integer(25, 75) / 100))

    def number(*where):
        n = t.tensor(t.call(points_needed, *where))
        return n.item() if n.dim() == 0 else math.nan

    # What has a name for case 0 fits here, too.
    place, (*axes, share) = (3, 2, 0.96), cases[0]
    t.property(f"{axes[0]} cells per axis, {axes[1]} axes, a share of {share}")
    near, far = number(*place), number(*axes, 0.3)
    both = zip(derivations(*cases[0]).items(), derivations(*place).values())
    ideas = {"result of an earlier call": [smallest(0.96, 9), smallest(0.3, 216)]}
    ideas |= {
        k: [u for u, v in zip(us, vs) if v == near and max(abs(u), abs(v)) > 1]
        for (k, us), vs in both
    }
    ideas |= {
        "whatever the share": [*ideas.pop("whatever the share"), *[far] * (far > 20)]
    }
    clipped = [u for k in range(1, 6) for u in (1 - 10.0**-k, 1 - 5 * 10.0**-k)]

    def edges(share, cells):
        """What a share that is kept away from 0 and 1, or a number added, gives."""
        tiny = [10.0**-k for k in range(2, 13)]
        due = smallest(share, cells)
        found = {
            "share not taken as it is": [
                smallest(v, cells)
                for u in clipped
                for v in (min(share, u), max(share, 1 - u))
            ],
            "small number in the logarithm": [
                math.ceil(math.log(1 - share + k * e) / math.log1p(f - 1 / cells))
                for e in tiny
                for k, f in ((1, 0), (1, e), (0, e))
                if e < share and f < 1 / cells
            ],
        }
        return {k: [u for u in v if abs(u - due) > 1] for k, v in found.items()}

    for i, (bins, d, share) in enumerate(cases):
        t.property(f"{bins} cells per axis, {d} axes, a share of {share}")
        part, due = 1 / bins**d, smallest(share, bins**d)
        terms = [part, part + part**2 / 2, part + part**2 / 2 + part**3 / 3]
        expanded = [
            v
            for u in {0: terms[:1], 3: terms, 8: terms[:1]}.get(i, [])
            for v in fit(-math.log1p(-share) / u)[:2]
        ]
        ideas |= {"logarithm expanded": expanded}
        if share > 0.97:
            ideas |= edges(share, bins**d)
        ideas |= {"rounded to the nearest": round(real(share, bins**d))}
        ideas |= {"rounded down": due - 1, "one point too many": due + 1}
        holds(bins, d, share, other, ideas)
        ideas = {"result of an earlier call": due} if i < 2 else {}

    large = [(10, 6, 0.9), (97, 3, 0.9), (999, 2, 0.95), (31, 4, 0.95)]
    fine = [(10, 2, 0.9999), (3, 1, 0.9995), (10, 4, 0.1234), (7, 2, 0.001)]
    cut = "share not taken as it is"
    for name, group, mistake in (
        ("up to a million cells", large, "too few digits"),
        ("a share of four digits", fine, cut),
    ):
        t.property(name)
        for bins, d, share in group:
            cells = bins**d
            tens, parts = [10**k for k in range(2, 7)], (1, 2, 5, 10, 20)
            ideas = {
                "search that ends too soon": tens + [k * cells for k in parts],
                cut: [
                    smallest(round(share, k), cells)
                    for k in (1, 2, 3)
                    if 0 < round(share, k) < 1
                ],
                "logarithm expanded": math.ceil(-cells * math.log1p(-share)),
            }
            clip = edges(share, cells)
            ideas[cut] += clip[cut]
            ideas["small number in the logarithm"] = clip.popitem()[1]
            holds(bins, d, share, mistake, ideas)
