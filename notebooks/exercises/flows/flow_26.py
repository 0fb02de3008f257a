"""Versions of exercise flow-26."""

import math

import torch

from .. import build, edits, reference, right, wrong


def spun(x, angle):
    """Each pair of neighbors, turned by an angle and times it."""
    a, c = x[:, 0::2], x[:, 1::2]
    return angle * torch.stack([-c, a], 2).flatten(1)


class Flow26:
    r"""
    The first half of the coordinates and the second make $d/2$ planes, and in each of
    them every point turns about 0 by half a turn in the unit of time. The paths of $x$
    and $-x$ are opposite at every moment and never meet. The Jacobian is $\pi J$ with
    an antisymmetric $J$, whose diagonal is 0: no volume changes, and no distance does.

    The speed may change with time, the sense of the turn from plane to plane, and the
    angle with the distance from 0 as well, as long as it is half a turn in the end.
    What is impossible on a line is easy in a plane; that is why
    [Dupont et al. (2019)](https://arxiv.org/abs/1904.01681) give an equation more
    dimensions than the data have. In an *odd* number of them it is impossible again:
    the end of a flow preserves orientation, that is, its Jacobian has a positive
    determinant, and that of $x \mapsto -x$ is $(-1)^d$.

    Nothing here goes straight, though. In the section on matching, the mean of many
    straight lines between points and noise makes such a bent path: straight lines may
    cross, paths of a velocity may not.
    """

    @reference
    def v(x, t):
        first, second = x.chunk(2, dim=1)
        return math.pi * torch.cat([-second, first], dim=1)

    @right
    def by_a_matrix(x, t):
        plane = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=x.dtype)
        return (
            x @ torch.kron(torch.eye(x.shape[1] // 2, dtype=x.dtype), plane) * math.pi
        )

    @right
    def faster_with_time(x, t):
        return spun(x, 2 * math.pi * t)

    @right
    def around_a_center_that_moves(x, t):
        center = math.sin(2 * math.pi * t)
        return 2 * math.pi * math.cos(2 * math.pi * t) + spun(x - center, -math.pi)

    @right
    def twisted_and_untwisted(x, t):
        more = torch.tanh(x.square().sum(1, keepdim=True) / 4) * math.sin(
            2 * math.pi * t
        )
        return spun(x, math.pi * (1 + more / 2))

    @right
    def one_row_at_a_time(x, t):
        rows = []
        for row in x:
            sense = [(-1) ** (i // 2) for i in range(len(row))]
            rows.append(torch.stack([
                sense[i] * math.pi * (-row[i + 1] if i % 2 == 0 else row[i - 1])
                for i in range(len(row))
            ]))  # fmt: skip
        return torch.stack(rows)

    edited = edits(
        v,
        """
    straight through 0 | torch.cat([-second, first], dim=1) -> -x
    straight through 0 | math.pi * torch.cat([-second, first], dim=1) -> -2 * x
    straight through 0 | math.pi * torch.cat([-second, first], dim=1)
        -> -2 * x / (1.2 - 2 * t if t < 0.5 else 0.2)
    straight through 0 | math.pi * torch.cat([-second, first], dim=1) -> -t * x
    a whole number of turns | math.pi * -> 2 * math.pi *
    a whole number of turns | math.pi * -> 4 * math.pi *
    a whole number of turns | math.pi * -> 0 *
    a whole number of turns | math.pi * -> math.sin(2 * math.pi * t) * 10 *
    a quarter of a turn | math.pi * -> math.pi / 2 *
    a quarter of a turn | math.pi * -> math.pi * t *
    a sign lost in the turn | -second -> second
    a sign lost in the turn | -second, first -> -second, -first
    position in place of the velocity | math.pi * torch.cat([-second, first], dim=1)
        -> math.cos(math.pi * t) * x + math.sin(math.pi * t)
        * torch.cat([-second, first], dim=1)
    degrees in place of radians | math.pi -> 180
    pi rounded | math.pi -> 3.13
    pi rounded | math.pi -> 3.12
    right at some distances from 0 alone | math.pi -> 3.14
    right at some distances from 0 alone
        | math.pi * -> math.pi * (1 - (x.norm(dim=1, keepdim=True) / 20) ** 8).relu() *
    right at some distances from 0 alone
        | math.pi * -> math.pi * (4 * x.norm(dim=1, keepdim=True) - 1).clamp(0, 1) *
    coordinates left where they are | torch.cat([-second, first], dim=1)
        -> torch.cat([-second, 0 * first], dim=1)
    volumes change on the way | math.pi * -> math.sin(2 * math.pi * t) * x + math.pi *
    volumes change on the way
        | math.pi * -> math.sin(2 * math.pi * t) * x / (1 + x.square().sum(1,
        keepdim=True)) + math.pi *
    a jump in the velocity | math.pi * -> math.pi / x.norm(dim=1, keepdim=True) *
    a jump in the velocity | math.pi * -> math.pi * x[:, :1].sign() *
    a jump in the velocity | math.pi * -> math.pi * x[:, 1:2].sign() *
    a jump in the velocity
        | math.pi * -> math.pi * (1 + 2 * (x.norm(dim=1, keepdim=True) > 2.5)) *
    a jump in the velocity | math.pi * -> math.pi * (1 + 2 * (x.abs() > 1.7)) *
    a jump in time | math.pi * -> math.pi * (2 if t < 0.5 else 0) *
    a jump in time | math.pi * -> math.pi * (5 if 0.5 <= t < 0.7 else 0) *
    a quick shiver in time | math.pi * -> (math.pi + math.sin(512 * math.pi * t)) *
    a quick shiver in time | math.pi * -> (math.pi + 0.1 * math.sin(1e4 * t)) *
    a quick shiver in time | math.pi * -> (math.pi + 0.01 * math.cos(1e6 * t)) *
    cut off from the graph | x.chunk -> x.detach().chunk
    cut off from the graph | [-second, first] -> [-second, first.detach()]
    wrong dtype | torch.cat([-second, first], dim=1)
        -> torch.cat([-second, first], dim=1).float()
    wrong shape | torch.cat([-second, first], dim=1) -> first
    not finite | math.pi * -> math.pi / (t + 0 * x) *
    statistics of the batch | math.pi * -> math.pi * x.norm() / len(x) ** 0.5 *
    statistics of the batch | first, second = -> x = x - x.mean(0); first, second =
    estimated from samples | math.pi * -> math.pi * (1 + 0.1 * torch.randn_like(x)) *
    input changed in place | first, second = -> x.mul_(1.01); first, second =
    """,
    )

    @wrong("depends on its place in the batch")
    def by_number(x, t):
        return spun(x, math.pi) + torch.arange(len(x)).to(x)[:, None] / 10

    @wrong("only in some even dimensions")
    def only_the_plane(x, t):
        a, c = x[:, 0], x[:, 1]
        return math.pi * torch.stack([-c, a, *(0 * x[:, 2:]).unbind(1)], 1)

    @wrong("only in some even dimensions")
    def two_numbers(x, t):
        a, c = x.unbind(1)
        return math.pi * torch.stack([-c, a], 1)

    @wrong("only in some even dimensions")
    def four_at_a_time(x, t):
        q = x.unflatten(1, (-1, 4)) if x.shape[1] > 2 else x
        return math.pi * torch.stack([-q[..., 1], q[..., 0], *q[..., 2:].flip(-1).mul(
            torch.tensor([-1.0, 1.0]).to(x)[: q.shape[-1] - 2]).unbind(-1)], -1
        ).flatten(1)  # fmt: skip

    @wrong("only in some even dimensions")
    def rolled(x, t):
        sign = (-1.0) ** torch.arange(x.shape[1]).to(x)
        return -math.pi * sign * x.roll(1, 1)

    @wrong("where the path began")
    @build
    def with_a_memory():
        start = {}

        def v(x, t):
            if t == 0:
                start["x"] = x.detach()
            return -2 * start["x"] + 0 * x

        return v

    @wrong("result of an earlier call")
    @build
    def by_the_number_of_calls():
        calls = []

        def v(x, t):
            calls.append(t)
            return spun(x, math.pi * (1 + len(calls) / 1000))

        return v
