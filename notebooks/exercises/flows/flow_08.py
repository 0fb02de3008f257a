"""Versions of exercise flow-08."""

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Flow08:
    r"""
    The $k$ smallest bins take the share `floor` of the interval, so $1 -$ `floor` of it
    is left for the softmax: with `floor` at 0 this is the softmax alone, and as it goes
    to 1 all bins become equal and the spline a straight line. In units of the mean bin
    the smallest size means the same for 4 bins and for 64. A share of the whole
    interval, as most programs have it, must be below $1/k$.

    No bin of $z$ is then lower than `floor` mean bins, and none of $x$ is wider than
    $k - (k - 1)$ `floor` of them: both bound the slope, and so what the map may cost
    in digits when it is inverted.
    """

    @reference
    def knots(raw_x, raw_z, x_range, z_range, floor):
        def side(raw, low, high):
            k = raw.shape[1]
            sizes = floor / k + (1 - floor) * raw.softmax(dim=1)
            inner = low + (high - low) * sizes[:, :-1].cumsum(dim=1)
            ends = torch.ones_like(raw[:, :1])
            knots = torch.cat([low * ends, inner, high * ends], dim=1)
            return knots, sizes * (high - low)

        (x, width), (z, height) = side(raw_x, *x_range), side(raw_z, *z_range)
        return x, z, height / width

    @right
    def by_logsumexp(raw_x, raw_z, x_range, z_range, floor):
        made, sizes = [], []
        for raw, (low, high) in ((raw_x, x_range), (raw_z, z_range)):
            share = (raw - raw.logsumexp(1, keepdim=True)).exp()
            mean = (high - low) / raw.shape[1]
            size = mean * (floor + (1 - floor) * raw.shape[1] * share)
            knots = F.pad(size.cumsum(1), (1, 0)) + low
            knots = torch.cat([knots[:, :-1], knots.new_full((len(raw), 1), high)], 1)
            made.append(knots)
            sizes.append(size)
        return [*made, sizes[1] / sizes[0]]

    @right
    def row_by_row(raw_x, raw_z, x_range, z_range, floor):
        def of(raw, low, high):
            rows = []
            for row in raw:
                at, sizes = [row.new_tensor(low)], []
                for s in torch.softmax(row, 0):
                    room = (1 - floor) * (high - low) * s
                    sizes.append(floor * (high - low) / len(row) + room)
                    at.append(at[-1] + sizes[-1])
                knots = torch.stack([*at[:-1], row.new_tensor(high)])
                rows.append((knots, torch.stack(sizes)))
            return [torch.stack(v) for v in zip(*rows)]

        (x, width), (z, height) = of(raw_x, *x_range), of(raw_z, *z_range)
        return x, z, height / width

    @right
    def by_a_matrix(raw_x, raw_z, x_range, z_range, floor):
        def of(raw, low, high):
            k = raw.shape[1]
            share = torch.lerp(raw.softmax(-1), torch.full_like(raw, 1 / k), floor)
            sizes = share * (high - low)
            before = torch.ones(k, k + 1, dtype=raw.dtype).triu(1)
            t = share @ before
            t = torch.where(torch.arange(k + 1) == k, 1.0, t)
            t = torch.where(t == 1, high, low + t * (high - low))
            return t.to(raw.dtype), sizes

        (x, width), (z, height) = of(raw_x, *x_range), of(raw_z, *z_range)
        return x, z, torch.exp(height.log() - width.log())

    edited = edits(
        knots,
        """
    no room made for the smallest size | (1 - floor) * raw -> raw
    floor of the interval, not of the mean bin | floor / k + (1 - floor)
        -> floor + (1 - k * floor)
    floor of the interval, not of the mean bin | floor / k -> floor
    floor left out | floor / k + (1 - floor) * ->
    small bins lifted, the others left | floor / k + (1 - floor) * raw.softmax(dim=1)
        -> raw.softmax(dim=1).clamp(min=floor / k)
    softmax over the rows | softmax(dim=1) -> softmax(dim=0)
    no softmax | raw.softmax(dim=1) -> raw
    another function than a softmax | raw.softmax(dim=1)
        -> F.normalize(F.softplus(raw), p=1, dim=1)
    another function than a softmax | raw.softmax(dim=1)
        -> F.normalize(raw.sigmoid(), p=1, dim=1)
    interval taken for one of length 1 | low + (high - low) * -> low +
    end in place of the length | (high - low) * sizes -> high * sizes
    start left out | inner = low + -> inner =
    order of the bins turned around | sizes = -> raw = raw.flip(1); sizes =
    first knot left out | [low * ends, inner, -> [inner,
    sizes in place of knots | sizes[:, :-1].cumsum(dim=1) -> sizes[:, :-1]
    x and z exchanged | return x, z, -> return z, x,
    floor taken as a length | floor / k + (1 - floor) *
        -> floor / (high - low) + (1 - k * floor / (high - low)) *
    floor mixed in otherwise | floor / k + (1 - floor) * raw.softmax(dim=1)
        -> (raw.softmax(dim=1) + floor) / (1 + k * floor)
    floor mixed in otherwise | floor / k + (1 - floor) * raw.softmax(dim=1)
        -> F.normalize(raw.softmax(dim=1).clamp(min=floor / k), p=1, dim=1)
    slope of rounded knots | height / width -> z.diff(dim=1) / x.diff(dim=1)
    small constant in the slope | height / width -> height / (width + 1e-8)
    small constant in the slope | height / width -> height / (width + 1e-6)
    one interval for both | side(raw_z, *z_range) -> side(raw_z, *x_range)
    one interval for both | side(raw_x, *x_range) -> side(raw_x, *z_range)
    x and z exchanged | side(raw_x, *x_range), side(raw_z, *z_range)
        -> side(raw_z, *z_range), side(raw_x, *x_range)
    slope upside down | height / width -> width / height
    slope of the whole | height / width
        -> (z[:, -1:] - z[:, :1]) / (x[:, -1:] - x[:, :1]).expand_as(raw_x)
    slope of knots, not of bins | height / width
        -> z[:, 1:] / x[:, 1:]
    cut off from the graph | raw.softmax(dim=1) -> raw.detach().softmax(dim=1)
    cut off from the graph | return x, z, height / width
        -> return x, z, (height / width).detach()
    exponential without a shift | raw.softmax(dim=1)
        -> raw.exp() / raw.exp().sum(1, keepdim=True)
    float32 in between | raw.softmax(dim=1) -> raw.float().softmax(1).to(raw)
    float32 in between | raw.softmax(dim=1) -> raw.float().softmax(dim=1).to(raw)
        | return x, z, -> x, z = x.float().to(x), z.float().to(z); return x, z,
    input changed in place | k = raw.shape[1] -> k = raw.sub_(0.5).shape[1]
    no triple | return x, z, height / width -> return x, z
    wrong dtype | return x, z, height / width
        -> return x, z, (height / width).double()
    """,
    )

    @wrong("ends not exact")
    def by_running_sums(raw_x, raw_z, x_range, z_range, floor):
        made = []
        for raw, (low, high) in ((raw_x, x_range), (raw_z, z_range)):
            sizes = floor / raw.shape[1] + (1 - floor) * raw.softmax(1)
            made.append(low + (high - low) * F.pad(sizes.cumsum(1), (1, 0)))
        return (*made, made[1].diff(dim=1) / made[0].diff(dim=1))

    @wrong("slope of shares")
    def by_shares(raw_x, raw_z, x_range, z_range, floor):
        x, z, _ = Flow08.knots(raw_x, raw_z, x_range, z_range, floor)
        of = Flow08.knots(raw_x, raw_z, (0.0, 1.0), (0.0, 1.0), floor)
        return x, z, of[2]

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        memory = {}

        def knots(raw_x, raw_z, x_range, z_range, floor):
            key = raw_x.shape, raw_x.dtype
            return memory.setdefault(
                key, Flow08.knots(raw_x, raw_z, x_range, z_range, floor)
            )

        return knots
