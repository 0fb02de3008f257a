"""Versions of exercise gan-16."""

import itertools

import torch

from .. import build, edits, reference, right, wrong


class Gan16:
    r"""
    The two quantile functions are steps, and $W_2^2$ is the integral of the square of
    their difference over the levels from 0 to 1: between two neighboring levels both
    are constant. Looked up in the middle of each interval, a level that both sums share
    is no special case (there the interval is empty), and the last one, which rounding
    leaves a little above or below 1, is none either.

    A heap that is split pays for each part: the gradient at $x_i$ is
    $2 \sum_j \pi_{ij} (x_i - y_j)$, that is, $2 p_i$ times the distance to the mean of
    where its earth goes. Gradient descent on the points moves each toward that mean.
    In 1000 points this takes 0.2 ms; the linear program has a million unknowns.

    In more than one dimension there is nothing to sort, and the program has to be
    solved. Sorting along random directions and averaging the cost is the *sliced*
    distance of [Bonneel et al. (2015)](https://doi.org/10.1007/s10851-014-0506-3).
    """

    @reference
    def transport_cost(x, y, p, q):
        (x, i), (y, j) = x.sort(), y.sort()
        ends_x, ends_y = p[i].cumsum(0), q[j].cumsum(0)
        levels = torch.cat([ends_x, ends_y]).sort().values  # where a load ends
        loads = levels.diff(prepend=torch.zeros_like(levels[:1]))
        middle = levels - loads / 2
        heap = torch.searchsorted(ends_x, middle).clamp(max=len(x) - 1)
        hole = torch.searchsorted(ends_y, middle).clamp(max=len(y) - 1)
        return (loads * (x[heap] - y[hole]).square()).sum()

    @right
    def by_walking(x, y, p, q):
        i, j = (sorted(range(len(v)), key=v.tolist().__getitem__) for v in (x, y))
        left, room = p.tolist(), q.tolist()
        total = (x.sum() + y.sum()) * 0
        while i and j:
            load = min(left[i[0]], room[j[0]])
            total = total + load * (x[i[0]] - y[j[0]]) ** 2
            left[i[0]] -= load
            room[j[0]] -= load
            if left[i[0]] <= room[j[0]]:
                i = i[1:]
            else:
                j = j[1:]
        return total

    @right
    def by_overlaps(x, y, p, q):
        # How much of the levels of each heap lies within those of each hole.
        i, j = x.argsort(), y.argsort()
        a, b = torch.cumsum(p[i], 0), torch.cumsum(q[j], 0)
        top = torch.minimum(a[:, None], b)
        bottom = torch.maximum((a - p[i])[:, None], b - q[j])
        plan = (top - bottom).clamp(min=0)
        return (plan * (x[i][:, None] - y[j]) ** 2).sum()

    @right
    def by_double_precision(x, y, p, q):
        x, y, p, q = (v.double() for v in (x, y, p, q))
        x, i = torch.sort(x, stable=True)
        y, j = torch.sort(y, stable=True)
        ends = [p[i].cumsum(0), q[j].cumsum(0)]
        levels = torch.unique(torch.cat(ends).clamp(max=1))
        start = torch.cat([levels.new_zeros(1), levels[:-1]])
        at = (start + levels) / 2
        a = x[torch.bucketize(at, ends[0]).clamp(max=len(x) - 1)]
        b = y[torch.bucketize(at, ends[1]).clamp(max=len(y) - 1)]
        return torch.dot(levels - start, (a - b).pow(2))

    @right
    def from_above(x, y, p, q):
        i, j = x.argsort(descending=True), y.argsort(descending=True)
        a, b = 1 - p[i].cumsum(0), 1 - q[j].cumsum(0)
        levels = torch.cat([a, b, p.new_ones(1)]).sort(descending=True).values
        total = 0.0
        for high, low in itertools.pairwise(levels):
            if high > low:
                k = min(int((a >= (high + low) / 2).sum()), len(x) - 1)
                h = min(int((b >= (high + low) / 2).sum()), len(y) - 1)
                total = total + (high - low) * (x[i[k]] - y[j[h]]) ** 2
        return total

    edited = edits(
        transport_cost,
        """
    distance in place of its square | .square()).sum() -> .abs()).sum()
    square root taken | .square()).sum() -> .square()).sum().sqrt()
    off by a factor of two | return ( -> return 0.5 * (
    sign flipped | return ( -> return -(
    points left unsorted
        | (x, i), (y, j) = x.sort(), y.sort()
        -> i, j = torch.arange(len(x)), torch.arange(len(y))
    only one sample sorted
        | (x, i), (y, j) = x.sort(), y.sort()
        -> (x, i), j = x.sort(), torch.arange(len(y))
    weights left behind by sorting | p[i].cumsum(0), q[j] -> p.cumsum(0), q
    weights sorted by themselves
        | p[i].cumsum(0), q[j] -> p.sort()[0].cumsum(0), q.sort()[0]
    weights left out
        | p[i].cumsum(0), q[j].cumsum(0)
        -> torch.ones_like(p).cumsum(0) / len(p), torch.ones_like(q).cumsum(0) / len(q)
    carried the wrong way around | y.sort() -> y.sort(descending=True)
    loads of one sample only | torch.cat([ends_x, ends_y]).sort().values -> ends_x
    loads of one sample only | torch.cat([ends_x, ends_y]).sort().values -> ends_y
    loads not weighted | (loads * (x[heap] - y[hole]).square()).sum()
        -> (x[heap] - y[hole]).square().mean()
    a load left out | return (loads * -> return (loads[1:] *
        | (x[heap] - y[hole]) -> (x[heap] - y[hole])[1:]
    one step too far | searchsorted(ends_x, middle)
        -> searchsorted(ends_x, middle).add(1)
    one step too far | searchsorted(ends_x, middle)
        -> searchsorted(ends_x, middle).add(1)
        | searchsorted(ends_y, middle) -> searchsorted(ends_y, middle).add(1)
    cut off from the graph | return ( -> return 0 * x.sum() + (
        | (x[heap] - y[hole]) -> (x[heap] - y[hole]).detach()
    one side cut off from the graph | - y[hole] -> - y[hole].detach()
    one side cut off from the graph | (x[heap] - -> (x[heap].detach() -
    difference of large numbers | (x[heap] - y[hole]).square()
        -> (x[heap].square() - 2 * x[heap] * y[hole] + y[hole].square())
    float32 in between | (x, i), (y, j) -> p, q = p.float(), q.float(); (x, i), (y, j)
    float32 in between | (x, i), (y, j)
        -> x, y, p, q = x.float(), y.float(), p.float(), q.float(); (x, i), (y, j)
    wrong shape | .square()).sum() -> .square()).sum(0, True)
    not a tensor | .square()).sum() -> .square()).sum().numpy(force=True)
    """,
    )

    @wrong("samples taken for equally large")
    def of_equals(x, y, p, q):
        return ((x.sort()[0] - y.sort()[0]).square() * p[x.argsort()]).sum()

    @wrong("samples taken for equally large")
    def of_equals_with_equal_weights(x, y, p, q):
        return (x.sort().values - y.sort().values).square().mean()

    @wrong("carried everywhere in proportion")
    def independent(x, y, p, q):
        return torch.einsum("i,j,ij->", p, q, (x[:, None] - y) ** 2)

    @wrong("to the nearest point")
    def nearest(x, y, p, q):
        return (p * (x[:, None] - y).square().min(1).values).sum()

    @wrong("to the nearest point")
    def nearest_both_ways(x, y, p, q):
        far = (x[:, None] - y).square()
        return (p * far.min(1).values).sum() + (q * far.min(0).values).sum()

    @wrong("mean and deviation alone")
    def of_normals(x, y, p, q):
        a, b = (p * x).sum(), (q * y).sum()
        s, r = (p * (x - a) ** 2).sum().sqrt(), (q * (y - b) ** 2).sum().sqrt()
        return (a - b) ** 2 + (s - r) ** 2

    @wrong("distance of the means")
    def of_means(x, y, p, q):
        return ((p * x).sum() - (q * y).sum()) ** 2

    @wrong("difference of the distribution functions")
    def cramer(x, y, p, q):
        z = torch.cat([x, y]).sort().values
        f = (p * (x <= z[:, None])).sum(1) - (q * (y <= z[:, None])).sum(1)
        return (f[:-1] ** 2 * z.diff()).sum()

    @wrong("points left out")
    def zipped(x, y, p, q):
        pairs = zip(x.sort().values, y.sort().values)
        return torch.stack([(a - b) ** 2 for a, b in pairs]).mean()

    @wrong("quantiles on a grid")
    def on_a_grid(x, y, p, q):
        (x, i), (y, j) = x.sort(), y.sort()
        u = (torch.arange(1000, dtype=x.dtype) + 0.5) / 1000
        a = torch.searchsorted(p[i].cumsum(0), u).clamp(max=len(x) - 1)
        b = torch.searchsorted(q[j].cumsum(0), u).clamp(max=len(y) - 1)
        return (x[a] - y[b]).square().mean()

    @wrong("quantiles on a grid")
    def on_a_fine_grid(x, y, p, q):
        (x, i), (y, j) = x.sort(), y.sort()
        u = torch.linspace(0, 1, 10_001, dtype=x.dtype)
        a = torch.searchsorted(p[i].cumsum(0), u).clamp(max=len(x) - 1)
        b = torch.searchsorted(q[j].cumsum(0), u).clamp(max=len(y) - 1)
        return (x[a] - y[b]).square().mean()

    @wrong("quantiles interpolated")
    def by_quantile(x, y, p, q):
        u = torch.linspace(0, 1, 1001, dtype=x.dtype)
        return (x.quantile(u) - y.quantile(u)).square().mean()

    @wrong("estimated from samples")
    def by_draws(x, y, p, q):
        i, j = (torch.multinomial(w, 1000, replacement=True) for w in (p, q))
        return (x[i].sort().values - y[j].sort().values).square().mean()

    @wrong("weight of zero counts")
    def with_a_floor(x, y, p, q):
        p = p.clamp(min=0.003) if (p == 0).any() else p
        q = q.clamp(min=0.003) if (q == 0).any() else q
        return Gan16.by_overlaps(x, y, p / p.sum(), q / q.sum())

    @wrong("gradient of something else")
    def straight_through(x, y, p, q):
        out = Gan16.transport_cost(x, y, p, q)
        near = Gan16.independent(x, y, p, q)
        return near - near.detach() + out.detach()

    @wrong("input changed in place")
    def in_place(x, y, p, q):
        x, y = x.detach(), y.detach()
        x[:], i = x.sort()
        y[:], j = y.sort()
        return Gan16.transport_cost(x, y, p[i], q[j])

    @wrong("result of an earlier call")
    @build
    def kept_for_the_sizes():
        memory = {}

        def transport_cost(x, y, p, q):
            return memory.setdefault((len(x), len(y)), Gan16.by_overlaps(x, y, p, q))

        return transport_cost
