"""Exercise gm-01: From counts to a density."""

import math

import torch

from .._exercise import Exercise


@Exercise(
    id="gm-01",
    title="From counts to a density",
    difficulty=1,
    minutes=10,
    compute="cpu-instant",
    points=1,
    objectives=("Turn the counts of a histogram into a density, cell by cell.",),
    statement=r"""
The cells of a histogram need not be equally wide: narrow ones where there are many
points, wide ones in the tails. Maximum likelihood then still gives each cell a
constant density.

Write `histogram_log_prob(x, edges, counts)`: `edges` holds the `m + 1` increasing
borders of `m` cells, `counts` (shape `(m,)`, float) how many points fell into each,
and `x` has shape `(b,)`. Return $\log p(x)$ in nats, shape `(b,)`. A cell holds its
left border, not its right one. In an empty cell, and left and right of all cells, the
density is zero and its logarithm is minus infinity.
""",
    stub='''
def histogram_log_prob(x, edges, counts):
    """(b,), (m + 1,), (m,) -> (b,): the log-density, in nats."""
    return ...
''',
    answers={"histogram_log_prob": callable},
    hints=(
        "Before any code: a cell that is twice as wide and holds as many points has "
        "which density?",
        "What must come out when you multiply each cell's density by its width and "
        "add up?",
        "`torch.bucketize(x, edges, right=True)` counts the borders that are not "
        "above x. Which values does it give left of all cells, and right of them?",
    ),
    misconceptions={
        "probability of the cell in place of a density": "The share of a cell is a "
        "probability; a density is that per unit of length, and may be above one.",
        "multiplied by the width": "A wide cell spreads its share thinly: it is a "
        "low one.",
        "one width for all cells": "Each cell has a width of its own.",
        "does not integrate to one": "Multiply each density by the width of its cell "
        "and add up: a density gives one.",
        "order of the points lost": "Entry i of the result belongs to entry i of x. x "
        "is in any order, and several points may share a cell.",
        "counts not divided by their sum": "The density must integrate to one, "
        "however many points there are.",
        "right border taken in": "A point on a border belongs to the cell that begins "
        "there.",
        "outside taken for the nearest cell": "Where there is no cell there is no "
        "density: a clamp of the index hides that.",
        "zero replaced by a small number": "log 0 is minus infinity; a small constant "
        "makes an impossible point merely unlikely, and the integral wrong.",
        "smoothed": "Maximum likelihood leaves an empty cell empty.",
        "negative logarithm returned": "The sign is that of a loss.",
    },
)
def gm_01(t, histogram_log_prob):
    m = t.integer(4, 6)
    widths = t.uniform(m, low=0.3, high=0.8) * torch.linspace(0.5, 4, m)
    edges = torch.cat([torch.zeros(1), widths.cumsum(0)]) - t.uniform(1, low=1, high=3)
    widths = edges.diff()
    counts = t.integers(m, low=2, high=9).float()
    middles = edges[:-1] + widths / 2

    t.property("one number for each point, for a single one too")
    for b in (3, 1):
        out = t.call(histogram_log_prob, middles[:b], edges, counts)
        t.shape(out, (b,), "one log-density for each of the points.")

    t.property("narrow cells and few points: the logarithm may be negative")
    few = torch.cat([torch.ones(1), torch.full((m - 1,), 99.0)])
    out = t.call(histogram_log_prob, middles[:1], edges, few)
    why = "One of hundreds of points in a cell: a density below one."
    value = float(t.tensor(out))
    if value > 0:
        name = "density in place of its logarithm" if value < 0.5 else None
        if abs(value + math.log(widths[0])) < 1e-3:
            name = "counts not divided by their sum"
        t.at_most(out, 0.0, why, name or "negative logarithm returned")

    t.property("two points of one cell have the same density")
    left, right = (edges[:-1] + f * widths for f in (0.1, 0.9))
    out = t.call(histogram_log_prob, middles, edges, counts)
    t.finite(out, "No cell is empty here.")
    for x in (left, right):
        t.close(t.call(histogram_log_prob, x, edges, counts), out, "The same cells.")
    order = torch.randperm(m, generator=t.rng).repeat(2)
    mixed = t.call(histogram_log_prob, torch.cat([right, left])[order], edges, counts)
    lost = "order of the points lost"
    t.close(mixed, t.tensor(out).detach()[order], "The same cells, shuffled.", lost)

    t.property("a cell of twice the count: log 2 more")
    more = counts.clone()
    more[1] *= 2
    up = t.call(histogram_log_prob, middles, edges, more)
    step = (up - out)[1] - (up - out)[0]
    t.close(
        step,
        math.log(2),
        "Relative to the other cells it is twice as dense.",
        ideas={
            "bits in place of nats": [1.0, math.log10(2)],
        },
        misconception="smoothed",
        tol=1e-4,
    )

    t.property("densities times widths add up to one")
    total = (t.tensor(out).exp() * widths).sum()
    share = counts / counts.sum()
    ideas = {
        "counts not divided by their sum": [
            counts.sum(),
            (counts * widths).sum(),
            counts.sum() / counts.max(),
        ],
        "probability of the cell in place of a density": (share * widths).sum(),
        "multiplied by the width": (share * widths * widths).sum(),
        "one width for all cells": [
            (share * widths).sum() / one for one in (widths.mean(), widths[0])
        ],
    }
    less = "does not integrate to one"
    t.close(total, 1.0, "That is what makes it a density.", less, ideas, tol=1e-4)
    mass = t.tensor(out).exp() * widths
    ideas = {"probability of the cell in place of a density": share * widths}
    wide = "one width for all cells"
    t.close(mass, share, "Each cell has its share.", wide, ideas)

    t.property("a border belongs to the cell on its right")
    out = t.call(histogram_log_prob, edges[1:-1], edges, counts)
    inner = t.call(histogram_log_prob, middles[1:], edges, counts)
    t.close(out, inner, "Left borders are inside.", "right border taken in")
    first = t.call(histogram_log_prob, edges[:1], edges, counts)
    due = t.call(histogram_log_prob, middles[:1], edges, counts)
    t.close(first, due, "The first border too.", "right border taken in")

    t.property("zero density outside and in empty cells")
    ends = torch.stack([edges[0] - 0.5, edges[-1] + 0.5])
    out = t.call(histogram_log_prob, ends, edges, counts)
    outside = "outside taken for the nearest cell"
    small = "zero replaced by a small number"
    name = outside if t.tensor(out).min() > -12 else small
    t.close(out, -math.inf, "There is no cell.", name)
    out = t.call(histogram_log_prob, edges[-1:], edges, counts)
    t.close(out, -math.inf, "The last border has no cell.", "right border taken in")
    empty = counts.clone()
    empty[2] = 0
    out = t.call(histogram_log_prob, middles, edges, empty)
    t.close(out[2], -math.inf, "No point was there.", small)
