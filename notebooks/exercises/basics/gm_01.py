"""Versions of exercise gm-01."""

import math

import numpy as np
import torch

from .. import build, edits, reference, right, wrong


class Gm01:
    """A border belongs to the cell on its right: `bucketize` with `right=True` counts
    the borders that are not above x, which is one more than the number of the cell.
    The padding on the left shifts the log-densities by one place, too, and the one on
    the right takes what lies beyond the last border."""

    @reference
    def histogram_log_prob(x, edges, counts):
        log_density = counts.log() - counts.sum().log() - edges.diff().log()
        nothing = torch.full((1,), -math.inf)
        padded = torch.cat([nothing, log_density, nothing])
        return padded[torch.bucketize(x, edges, right=True)]

    @right
    def by_loops(x, edges, counts):
        out = torch.full((len(x),), -math.inf)
        for i, value in enumerate(x.tolist()):
            for a in range(len(counts)):
                if edges[a] <= value < edges[a + 1] and counts[a] > 0:
                    share = counts[a] / counts.sum()
                    out[i] = math.log(share / (edges[a + 1] - edges[a]))
        return out

    @right
    def by_masks(x, edges, counts):
        inside = (x[:, None] >= edges[:-1]) & (x[:, None] < edges[1:])  # (b, m)
        height = counts / (edges[1:] - edges[:-1]) / counts.sum()
        return (inside.float() @ height).log()

    @right
    def by_numpy(x, edges, counts):
        heights = counts.numpy() / counts.sum().item() / np.diff(edges.numpy())
        cell = np.searchsorted(edges.numpy(), x.numpy(), side="right")
        with np.errstate(divide="ignore"):
            values = np.log(np.concatenate([[0.0], heights, [0.0]]))[cell]
        return torch.from_numpy(values.astype(np.float32))

    @right
    def by_assignment(x, edges, counts):
        density = counts / (counts.sum() * edges.diff())
        out = torch.zeros_like(x)
        for a in range(len(counts)):
            out[(x >= edges[a]) & (x < edges[a + 1])] = density[a]
        return out.log()

    edited = edits(
        histogram_log_prob,
        """
    probability of the cell in place of a density | - edges.diff().log() ->
    multiplied by the width | - edges -> + edges
    one width for all cells | edges.diff() -> edges.diff().mean()
    one width for all cells | edges.diff() -> edges.diff()[0]
    one width for all cells | edges.diff() -> (edges[-1] - edges[0])
    does not integrate to one | counts.sum().log() -> counts.square().sum().log() / 2
        | counts.log() -> (counts.log() + edges.diff())
    put into another cell | edges.diff() -> edges.diff().roll(1)
    put into another cell | right=True)] -> right=True).clamp(1, len(counts)).sub(1)]
    put into another cell | torch.bucketize(x, edges, right=True)
        -> (x[:, None] - (edges[1:] + edges[:-1]) / 2).abs().argmin(1) + 1
    counts taken for heights | counts.sum() -> (counts * edges.diff()).sum()
        | - edges.diff().log() ->
    counts ignored | log_density = -> counts = torch.ones_like(counts); log_density =
    softmax in place of shares
        | counts.log() - counts.sum().log() -> counts.log_softmax(0)
    a density cut off at one | return padded -> return padded.clamp(max=0)
    near a border | bucketize(x, -> bucketize(x + 1e-4,
    near a border | bucketize(x, edges -> bucketize(x.half(), edges.half()
    divided by another number than their sum | counts.sum() -> counts.mean()
    divided by another number than their sum | counts.sum() -> (counts.sum() - 1)
    width taken as a share of all
        | edges.diff() -> (edges.diff() / (edges[-1] - edges[0]))
    does not integrate to one | edges.diff().log() -> 2 * edges.diff().log()
    does not integrate to one | edges.diff().log() -> edges.diff()
    zero in place of minus infinity | -math.inf -> 0.0
    outside taken for a cell | cat([nothing, -> cat([log_density[-1:],
    smoothed | counts.log() -> counts.log1p()
    counts not divided by their sum | - counts.sum().log() ->
    counts not divided by their sum | counts.sum() -> counts.max()
    smoothed | log_density = -> counts = counts + 1; log_density =
    smoothed | log_density = -> counts = counts + 0.5; log_density =
    smoothed | log_density = -> counts = counts.clamp(min=1); log_density =
    right border taken in | edges, right=True -> edges
    right border taken in | right=True)] -> right=True) - (x == edges[-1]).long()]
    outside taken for a cell
        | right=True) -> right=True).clamp(1, len(counts))
    zero replaced by a small number
        | return padded -> return (padded.exp() + 1e-8).log()
    zero replaced by a small number | -math.inf -> -100.0
    zero replaced by a small number | counts.log() -> (counts + 1e-9).log()
    order of the points lost | bucketize(x, -> bucketize(x.sort().values,
    sign flipped | return -> return -
    density in place of its logarithm | return padded -> return padded.exp()
    bits in place of nats | return padded -> return (padded / math.log(2))
    logarithm to base 10 | return padded -> return (padded / math.log(10))
    border in no cell
        | return padded -> x = x - 1e9 * (x[:, None] == edges).any(1); return padded
    batch axis lost | right=True)] -> right=True)].squeeze()
    """,
    )

    @wrong("depends on the points asked for")
    def of_the_cells_hit(x, edges, counts):
        cell = torch.bucketize(x, edges, right=True)
        hit = (cell[:, None] == torch.arange(1, len(edges))).any(0)
        height = counts / counts[hit].sum() / edges.diff()
        return torch.cat([torch.zeros(1), height, torch.zeros(1)])[cell].log()

    @wrong("right border taken in")
    def in_both_cells(x, edges, counts):
        inside = (x[:, None] >= edges[:-1]) & (x[:, None] <= edges[1:])
        return (inside.float() @ (counts / edges.diff() / counts.sum())).log()

    @wrong("not constant within a cell")
    def between_the_midpoints(x, edges, counts):
        middle, height = (edges[1:] + edges[:-1]) / 2, counts / counts.sum()
        inside = (x >= edges[0]) & (x < edges[-1])
        density = np.interp(x, middle, height / edges.diff())
        return torch.from_numpy(np.where(inside, density, 0.0)).log()

    @wrong("result of an earlier call")
    @build
    def heights_kept():
        kept = {}

        def histogram_log_prob(x, edges, counts):
            if len(counts) not in kept:
                height = counts / edges.diff() / counts.sum()
                kept[len(counts)] = torch.cat([torch.zeros(1), height, torch.zeros(1)])
            return kept[len(counts)][torch.bucketize(x, edges, right=True)].log()

        return histogram_log_prob
