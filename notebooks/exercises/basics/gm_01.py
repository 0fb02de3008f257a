"""Versions of exercise gm-01."""

import math

import numpy as np
import torch

from .. import reference, right, wrong


class Gm01:
    """A border belongs to the cell on its right: `bucketize` with `right=True` counts
    the borders that are not above x, so subtract one. Padding the log-densities with
    minus infinity on both sides takes care of everything outside."""

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

    @wrong("probability of the cell in place of a density")
    def share(x, edges, counts):
        cell = torch.bucketize(x, edges, right=True) - 1
        inside = (cell >= 0) & (cell < len(counts))
        log_p = (counts / counts.sum()).log()[cell.clamp(0, len(counts) - 1)]
        return torch.where(inside, log_p, -math.inf)

    @wrong("one width for all cells")
    def mean_width(x, edges, counts):
        log_p = (counts / counts.sum()).log() - edges.diff().mean().log()
        nothing = torch.full((1,), -math.inf)
        return torch.cat([nothing, log_p, nothing])[
            torch.bucketize(x, edges, right=True)
        ]

    @wrong("one width for all cells")
    def first_width(x, edges, counts):
        log_p = (counts / counts.sum()).log() - (edges[1] - edges[0]).log()
        nothing = torch.full((1,), -math.inf)
        return torch.cat([nothing, log_p, nothing])[
            torch.bucketize(x, edges, right=True)
        ]

    @wrong("counts not divided by their sum")
    def per_length(x, edges, counts):
        nothing = torch.full((1,), -math.inf)
        log_p = torch.cat([nothing, (counts / edges.diff()).log(), nothing])
        return log_p[torch.bucketize(x, edges, right=True)]

    @wrong("right border taken in")
    def right_border(x, edges, counts):
        log_density = counts.log() - counts.sum().log() - edges.diff().log()
        nothing = torch.full((1,), -math.inf)
        padded = torch.cat([nothing, log_density, nothing])
        return padded[torch.bucketize(x, edges)]

    @wrong("right border taken in")
    def last_border_too(x, edges, counts):
        log_density = counts.log() - counts.sum().log() - edges.diff().log()
        nothing = torch.full((1,), -math.inf)
        padded = torch.cat([nothing, log_density, nothing])
        i = torch.bucketize(x, edges, right=True)
        return padded[torch.where(x == edges[-1], i - 1, i)]

    @wrong("outside taken for the nearest cell")
    def clamped(x, edges, counts):
        log_density = counts.log() - counts.sum().log() - edges.diff().log()
        cell = torch.bucketize(x, edges, right=True) - 1
        return log_density[cell.clamp(0, len(counts) - 1)]

    @wrong("zero replaced by a small number")
    def with_eps(x, edges, counts):
        height = counts / counts.sum() / edges.diff()
        nothing = torch.zeros(1)
        padded = torch.cat([nothing, height, nothing])
        return (padded[torch.bucketize(x, edges, right=True)] + 1e-8).log()

    @wrong("smoothed")
    def add_one(x, edges, counts):
        counts = counts + 1
        log_density = counts.log() - counts.sum().log() - edges.diff().log()
        nothing = torch.full((1,), -math.inf)
        padded = torch.cat([nothing, log_density, nothing])
        return padded[torch.bucketize(x, edges, right=True)]

    @wrong("negative logarithm returned")
    def loss(x, edges, counts):
        return -Gm01.histogram_log_prob(x, edges, counts)

    @wrong("density in place of its logarithm")
    def density(x, edges, counts):
        return Gm01.histogram_log_prob(x, edges, counts).exp()

    @wrong("bits in place of nats")
    def bits(x, edges, counts):
        return Gm01.histogram_log_prob(x, edges, counts) / math.log(2)

    @right
    def by_assignment(x, edges, counts):
        density = counts / (counts.sum() * edges.diff())
        out = torch.zeros_like(x)
        for a in range(len(counts)):
            out[(x >= edges[a]) & (x < edges[a + 1])] = density[a]
        return out.log()

    @wrong("multiplied by the width")
    def times_width(x, edges, counts):
        log_p = counts.log() - counts.sum().log() + edges.diff().log()
        nothing = torch.full((1,), -math.inf)
        padded = torch.cat([nothing, log_p, nothing])
        return padded[torch.bucketize(x, edges, right=True)]

    @wrong("does not integrate to one")
    def width_of_the_neighbor(x, edges, counts):
        log_p = counts.log() - counts.sum().log() - edges.diff().roll(1).log()
        nothing = torch.full((1,), -math.inf)
        padded = torch.cat([nothing, log_p, nothing])
        return padded[torch.bucketize(x, edges, right=True)]

    @wrong("counts not divided by their sum")
    def over_the_largest(x, edges, counts):
        shift = counts.sum().log() - counts.max().log()
        return Gm01.histogram_log_prob(x, edges, counts) + shift

    @wrong("order of the points lost")
    def sorted_points(x, edges, counts):
        return Gm01.histogram_log_prob(x.sort().values, edges, counts)

    @wrong("bits in place of nats")
    def base_ten(x, edges, counts):
        return Gm01.histogram_log_prob(x, edges, counts) / math.log(10)

    @wrong("wrong shape")
    def squeezed(x, edges, counts):
        return Gm01.histogram_log_prob(x, edges, counts).squeeze()
