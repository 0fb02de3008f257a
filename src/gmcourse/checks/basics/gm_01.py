"""Exercise gm-01: From counts to a density."""

import math
from itertools import chain

import numpy as np
import torch

from .._exercise import Exercise
from .._parts import mistakes


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
        "above `x`. Which values does it give left of all cells, and right of them?",
    ),
    misconceptions={
        "depends on the points asked for": "Counts and widths of all cells make the "
        "density, whichever points are asked for.",
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
        "border in no cell": "A cell holds its left border: every point between the "
        "first and the last border is in one cell.",
        "outside taken for a cell": "Where there is no cell there is no density: a "
        "clamp of the index gives the nearest cell, and index -1 is the last one.",
        "zero replaced by a small number": "log 0 is minus infinity; a small constant "
        "makes an impossible point merely unlikely, and the integral wrong.",
        "put into another cell": "A point lies in the cell between whose borders it "
        "is; count and width are those of this cell.",
        "not constant within a cell": "Wherever in its cell a point lies, it has the "
        "same density.",
        "counts taken for heights": "A count is an area, not a height: a wide cell "
        "with as many points is a low one.",
        "divided by another number than their sum": "A share is a count divided by the "
        "sum of all counts.",
        "width taken as a share of all": "A density is per unit of length: divide by "
        "the width itself, whatever all cells span together.",
        "zero in place of minus infinity": "The density is zero there; its logarithm "
        "is minus infinity, and 0 is the logarithm of 1.",
        "counts ignored": "`counts` says how many points fell into each cell; x only "
        "asks for densities.",
        "softmax in place of shares": "Twice as many points are twice the probability.",
        "a density cut off at one": "A density may be above one, and its logarithm "
        "above zero: only the integral is one.",
        "near a border": "A point a rounding error left of a border is in the cell "
        "that ends there: half precision or a tolerance moves it.",
        "smoothed": "Maximum likelihood leaves an empty cell empty.",
    },
)
def gm_01(t, histogram_log_prob):
    m = t.integer(4, 6)
    widths = t.uniform(m, low=0.3, high=0.8) * torch.linspace(1.5, 12, m)
    edges = torch.cat([torch.zeros(1), widths.cumsum(0)]) - t.uniform(1, low=1, high=3)
    widths = edges.diff()
    counts = t.integers(m, low=2, high=9).float()
    order = torch.randperm(2 * m, generator=t.rng)
    x = torch.cat([edges[:-1] + f * widths for f in (0.03, 0.97)])[order]

    def due(x, counts=counts):
        """The slope of the share of points left of x, to the right."""
        share = np.append(0.0, counts.double().cumsum(0).numpy()) / float(counts.sum())
        at = x.double().numpy()
        left, right = (np.interp(at + h, edges.numpy(), share) for h in (0, 1e-6))
        return torch.as_tensor((right - left) / 1e-6).log()

    t.property("one number for each point, for a single one too")
    out = t.call(histogram_log_prob, x, edges, counts)
    t.shape(out, (2 * m,), "one log-density for each of the points.")
    one = t.call(histogram_log_prob, x[:1], edges, counts)
    t.shape(one, (1,), "one point.", ideas={"batch axis lost": ()})

    t.property("inside the cells: a density", of=out)
    log_p, w = due(x), widths.repeat(2)[order].double().log()
    c = counts.repeat(2)[order].double()
    ideas = {
        "sign flipped": -log_p,
        "density in place of its logarithm": log_p.exp(),
        "bits in place of nats": log_p / math.log(2),
        "logarithm to base 10": log_p / math.log(10),
        "order of the points lost": due(x.sort().values),
        "a density cut off at one": log_p.clamp(max=0),
    }
    got = t.tensor(out).detach().double()
    cells = got[order.argsort()].view(2, m)
    every = due(edges[:-1] + widths / 2)
    elsewhere = ((got[:, None] - every).abs() < 1e-4).any(1) | (got == -math.inf)
    heights = [every + widths.log() - widths.roll(k).log() for k in (-1, 1)]
    others = [v.repeat(2)[order] for v in heights]
    found = rivals(c, w, counts.double(), widths.double())
    found = chain(ideas.items(), found, [("put into another cell", others)])
    total, name = cells[0].exp() @ widths.double(), None
    if not abs(total - 1) < 1e-3:
        name = "does not integrate to one"
    if elsewhere.all():
        name = "put into another cell"
    elif (cells[0] - cells[1]).abs().max() > 1e-3:
        name = "not constant within a cell"
    why = "The share of its cell, per unit of length."
    t.close(out, log_p, why, name, found)

    t.property("a point asked for alone: the same density")
    told = "As among others.", "depends on the points asked for"
    t.close(one, log_p[:1], *told)

    t.property("the mirror image: other points, borders and counts of the same number")
    out = t.call(histogram_log_prob, -x.flip(0), -edges.flip(0), counts.flip(0))
    kept = "result of an earlier call"
    seen = t.tensor(out).detach().double()
    old = ((seen[:, None] - every).abs() < 1e-4).any(1) | (seen == -math.inf)
    name = kept if old.all() else None  # all of it are earlier densities
    ideas = {kept: [log_p, due(-x.flip(0))]}
    t.close(out, log_p.flip(0), "The same densities, from the right.", name, ideas)
    t.property("cells that are twenty times as narrow")
    out = t.call(histogram_log_prob, x / 20, edges / 20, counts)
    ideas = {"a density cut off at one": (log_p + math.log(20)).clamp(max=0)}
    t.close(out, log_p + math.log(20), "Twenty times as dense.", None, ideas)

    t.property("a border belongs to the cell on its right")
    taken = "right border taken in"
    out = t.call(histogram_log_prob, edges[:-1], edges, counts)
    before = torch.cat([log_p.new_tensor([-math.inf]), due(edges[1:-1] - 1e-3)])
    both = torch.logaddexp(before, due(edges[:-1]))
    ideas = {
        "border in no cell": -math.inf,
        taken: [before, torch.cat([due(edges[:1]), before[1:]]), both],
    }
    t.close(out, due(edges[:-1]), "Left borders are inside.", None, ideas)

    t.property("a rounding error left of a border: still in the cell on its left")
    left = torch.nextafter(edges[1:], edges[:-1])
    out = t.call(histogram_log_prob, left, edges, counts)
    t.close(out, every, "As anywhere in that cell.", "near a border")

    t.property("zero density outside and in empty cells")
    small = "zero replaced by a small number"
    far = edges[[0, -1, 0, -1]] + torch.tensor([-0.5, 0.5, -1e3, 1e3])
    out = t.tensor(t.call(histogram_log_prob, far, edges, counts))
    ends = due(torch.stack([edges[0], edges[-1] - 1e-3])).repeat(2)
    inside = torch.cat([every, ends[:2]])

    def instead(seen):
        """What stands there in place of minus infinity."""
        if not seen.isnan().any() and (seen == 0).all():
            return "zero in place of minus infinity"
        low = seen.isfinite() & (seen < log_p.min() - 3)
        return small if low.all() and len(seen) else None

    seen = out.detach().double()
    seen = seen[seen != -math.inf]
    name = instead(seen)
    if len(seen) and ((seen[:, None] - inside).abs() < 1e-4).any(1).all():
        name = "outside taken for a cell"
    t.close(out, due(far), "There is no cell.", name)
    empty = counts.clone()
    empty[[0, 2]] = 0
    out = t.tensor(t.call(histogram_log_prob, x, edges, empty))
    seen = out.detach().double()[due(x, empty) == -math.inf]
    name = instead(seen[seen != -math.inf])
    ideas = {"smoothed": due(x, empty.clamp(min=1))}
    t.close(out, due(x, empty), "No point was there.", name, ideas)

    t.property("the last border has no cell on its right")
    out = t.call(histogram_log_prob, edges[-1:], edges, counts)
    t.close(out, -math.inf, "It is outside.", None, {taken: ends[1]})


def rivals(c, w, counts, widths):
    """What wrong formulas give, by what is wrong in share or width; w is log width."""
    n, m = counts.sum(), len(counts)
    some = 1, 0.5, 0.1, 0.01
    return mistakes(
        lambda share, width: share + width,
        {
            "": (c / n).log(),
            "counts not divided by their sum": [c.log(), (c / counts.max()).log()],
            "divided by another number than their sum": [
                (c / v).log() for v in (n - 1, m, 2 * m, n / m)
            ],
            "counts ignored": torch.full_like(c, -math.log(m)),
            "softmax in place of shares": c - counts.logsumexp(0),
            "smoothed": [((c + v) / (n + m * v)).log() for v in some]
            + [((c + v) / n).log() for v in some],
            "counts taken for heights": (c / (counts * widths).sum()).log() + w,
        },
        {
            "": -w,
            "probability of the cell in place of a density": 0 * w,
            "multiplied by the width": w,
            "width taken as a share of all": widths.sum().log() - w,
            "one width for all cells": [
                0 * w - v.log() for v in (widths.mean(), widths[0], widths.sum())
            ],
        },
    )
