"""Versions of exercise ar-20."""

import math

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Ar20:
    r"""
    A turn keeps products: $R_i q \cdot R_j k = q \cdot R_{j - i}\, k$, since turning
    both back by $i$ changes nothing. That is why a constant added to all positions, and
    a count from 1, leave no trace, and why values must not be turned: their mean would
    depend on where it was taken.

    As complex numbers $z = a + \mathrm{i}c$ the pairs are multiplied by
    $e^{\mathrm{i} n \theta_p}$, and the score is the real part of $\sum_p
    z_p \bar w_p\, e^{\mathrm{i}(i - j)\theta_p}$: a sum of waves in the distance, from
    quick ones, which tell neighbors apart, to slow ones, of which some pass through
    less than one turn in a whole text.
    """

    @reference
    def attention(q, k, v, places, base):
        m = q.shape[-1]
        theta = base ** (-torch.arange(0, m, 2).to(q) / m)
        angle = places[:, None].to(q) * theta
        cos, sin = angle.cos(), angle.sin()

        def turn(x):
            a, c = x[..., 0::2], x[..., 1::2]
            pair = torch.stack([a * cos - c * sin, a * sin + c * cos], dim=-1)
            return pair.flatten(-2)

        scores = turn(q) @ turn(k).transpose(-2, -1) / math.sqrt(m)
        return scores.softmax(dim=-1) @ v

    @right
    def counted_from_one(q, k, v, places, base):
        return Ar20.attention(q, k, v, places + 1, base)

    @right
    def as_complex_numbers(q, k, v, places, base):
        m = q.shape[-1]
        theta = base ** (-2 * torch.arange(m // 2, dtype=torch.float64) / m)
        angle = places[:, None] * theta
        turns = torch.polar(torch.ones_like(angle), angle)
        z, w = (
            torch.view_as_complex(x.double().unflatten(-1, (-1, 2)).contiguous())
            for x in (q, k)
        )
        scores = ((z * turns) @ (w * turns).mH).real / m**0.5
        return torch.softmax(scores, -1).to(v.dtype) @ v

    @right
    def in_another_order_of_channels(q, k, v, places, base):
        m = q.shape[-1]
        theta = torch.exp(-math.log(base) * torch.arange(0, m, 2).to(q) / m)
        angle = torch.outer((places - places.min()).to(q), theta).repeat(1, 2)

        def turn(x):
            x = torch.cat([x[..., ::2], x[..., 1::2]], -1)
            a, c = x.chunk(2, -1)
            return x * angle.cos() + torch.cat([-c, a], -1) * angle.sin()

        return F.scaled_dot_product_attention(turn(q), turn(k), v)

    @right
    def by_matrices(q, k, v, places, base):
        n, m = q.shape[2:]
        turns = torch.zeros(n, m, m).to(q)
        for i, place in enumerate(places.tolist()):
            for p in range(m // 2):
                angle = place * base ** (-2 * p / m)
                s, c = math.sin(angle), math.cos(angle)
                both = slice(2 * p, 2 * p + 2)
                turns[i, both, both] = torch.tensor([[c, -s], [s, c]]).to(q)
        turns = turns if q.dtype == torch.float32 else Ar20.exact(places, m, base)
        q, k = (torch.einsum("tij,bhtj->bhti", turns, x) for x in (q, k))
        return torch.softmax(q @ k.mT * m**-0.5, -1) @ v

    def exact(places, m, base):
        angle = places[:, None] * base ** (-torch.arange(0, m, 2).double() / m)
        turns = torch.zeros(len(places), m, m).double()
        i = torch.arange(0, m, 2)
        turns[:, i, i] = turns[:, i + 1, i + 1] = angle.cos()
        turns[:, i, i + 1], turns[:, i + 1, i] = -angle.sin(), angle.sin()
        return turns

    @right
    def by_distances(q, k, v, places, base):
        m = q.shape[-1]
        gap = (places[:, None] - places[None]).to(q)
        scores = 0
        for p in range(m // 2):
            a, c = q[..., 2 * p, None], q[..., 2 * p + 1, None]
            e, g = k[..., None, :, 2 * p], k[..., None, :, 2 * p + 1]
            angle = gap * base ** (-2 * p / m)
            scores = scores + (a * e + c * g) * angle.cos()
            scores = scores + (a * g - c * e) * angle.sin()
        return (scores / m**0.5).softmax(-1) @ v

    edited = edits(
        attention,
        """
    angles rounded to 16 bits | places[:, None].to(q) * theta
        -> (places[:, None].to(q) * theta).bfloat16().to(q)
    angles rounded to 16 bits | places[:, None].to(q) * theta
        -> (places[:, None].to(q) * theta).half().to(q)
    overwritten while it is still needed
        | pair = torch.stack([a * cos - c * sin, a * sin + c * cos], dim=-1)
        -> a = a * cos - c * sin; pair = torch.stack([a, a * sin + c * cos], dim=-1)
    sum of the places in place of their distance | turn(k).transpose(-2, -1)
        -> (turn(k) * torch.tensor([1, -1]).repeat(m // 2)).transpose(-2, -1)
    queries and keys in different orders | turn(q) @
        -> torch.cat([turn(q)[..., ::2], turn(q)[..., 1::2]], -1) @
    queries and keys in different orders | turn(k).transpose(-2, -1)
        -> turn(k).unflatten(-1, (-1, 2)).mT.flatten(-2).transpose(-2, -1)
    negative positions | cos, sin = angle.cos(), angle.sin()
        -> table = torch.arange(places.abs().max() + 1)[:, None].to(q) * theta;
           cos, sin = table.cos()[places], table.sin()[places]
    not turned | turn(q) @ turn(k) -> q @ k
    only queries turned | turn(k) -> k
    only keys turned | turn(q) -> q
    values turned | ) @ v -> ) @ turn(v)
    turned the other way | a * cos - c * sin, a * sin + c * cos
        -> a * cos + c * sin, c * cos - a * sin
    turned the other way | angle = places[:, None] -> angle = -places[:, None]
    halves in place of pairs | a, c = x[..., 0::2], x[..., 1::2]
        -> a, c = x.chunk(2, -1)
    halves in place of pairs | a, c = x[..., 0::2], x[..., 1::2]
        -> a, c = x.chunk(2, -1)
        | torch.stack([a * cos - c * sin, a * sin + c * cos], dim=-1)
        -> torch.cat([a * cos - c * sin, a * sin + c * cos], dim=-1)
        | pair.flatten(-2) -> pair
    one angle for all pairs | places[:, None].to(q) * theta
        -> places[:, None].to(q) * torch.ones_like(theta)
    one angle for all pairs | base ** (-torch.arange(0, m, 2).to(q) / m)
        -> torch.ones(m // 2).to(q) / base
    angles in another order | (-torch.arange -> (torch.arange
    angles in another order | angle = places[:, None].to(q) * theta
        -> angle = places[:, None].to(q) * theta.flip(0)
    exponent of the angles off | torch.arange(0, m, 2) -> torch.arange(m // 2)
    exponent of the angles off | torch.arange(0, m, 2) -> 2 * torch.arange(0, m, 2)
    exponent of the angles off | torch.arange(0, m, 2) -> torch.arange(2, m + 2, 2)
    exponent of the angles off | torch.arange(0, m, 2) -> torch.arange(1, m + 1, 2)
    exponent of the angles off | .to(q) / m) -> .to(q))
    another base | theta = base -> theta = 10_000.0
    another base | theta = base -> theta = math.e
    another base | theta = base -> theta = (2 * math.pi * base)
    places not used | places[:, None].to(q) * -> torch.arange(len(places))[:, None] *
    places not used | places[:, None].to(q) * -> places.sort()[0][:, None].to(q) *
    not turned | places[:, None].to(q)
        -> torch.arange(q.shape[1])[:, None, None].to(q)
    not a rotation | a * sin + c * cos -> c * cos - a * sin
    not a rotation | a * cos - c * sin -> a * cos + c * sin
    scale left out | / math.sqrt(m) ->
    scale of another width | math.sqrt(m) -> m
    scale of another width | math.sqrt(m) -> math.sqrt(m // 2)
    scale of another width | math.sqrt(m) -> math.sqrt(q.shape[1] * m)
    softmax over the queries | softmax(dim=-1) -> softmax(dim=-2)
    cut off from the graph | turn(k) -> turn(k).detach()
    cut off from the graph | ) @ v -> ) @ v.detach()
    degrees or turns in place of radians | places[:, None].to(q) *
        -> places[:, None].to(q) * 2 * math.pi *
    negative positions | places[:, None].to(q) * -> places.abs()[:, None].to(q) *
    negative positions | places[:, None].to(q) *
        -> places.clamp(min=0)[:, None].to(q) *
    scale of another width | / math.sqrt(m) -> * math.sqrt(m)
    softmax over another axis | softmax(dim=-1) -> softmax(dim=1)
    no softmax | scores.softmax(dim=-1) -> scores
    queries and keys exchanged | turn(q) @ turn(k) -> turn(k) @ turn(q)
    masked | return scores.softmax
        -> return scores.masked_fill(places > places[:, None], -math.inf).softmax
    wrong dtype | ) @ v -> ) @ v.double() | scores.softmax -> scores.double().softmax
    float32 in between | scores.softmax(dim=-1) -> scores.float().softmax(dim=-1).to(v)
    float32 in between | angle.cos(), angle.sin()
        -> angle.float().cos().to(q), angle.float().sin().to(q)
    float32 in between | cos, sin = angle.cos(), angle.sin()
        -> cos, sin = angle.cos().float().to(q), angle.sin().float().to(q)
    """,
    )

    @wrong("distance without its sign")
    def by_the_size_of_the_distance(q, k, v, places, base):
        m = q.shape[-1]
        theta = base ** (-torch.arange(0, m, 2).to(q) / m)
        angle = (places[:, None] - places).abs()[..., None].to(q) * theta
        q, k = (torch.view_as_complex(x.unflatten(-1, (-1, 2))) for x in (q, k))
        turned = torch.polar(torch.ones_like(angle), angle)
        scores = torch.einsum("bhip,bhjp,ijp->bhij", q, k.conj(), turned).real
        return (scores / math.sqrt(m)).softmax(dim=-1) @ v

    @wrong("turned against each other")
    def opposite(q, k, v, places, base):
        m = q.shape[-1]
        theta = base ** (-torch.arange(0, m, 2).to(q) / m)
        angle = places[:, None].to(q) * theta

        def turn(x, angle):
            a, c = x[..., 0::2], x[..., 1::2]
            cos, sin = angle.cos(), angle.sin()
            pair = torch.stack([a * cos - c * sin, a * sin + c * cos], dim=-1)
            return pair.flatten(-2)

        scores = turn(q, angle) @ turn(k, -angle).mT / m**0.5
        return scores.softmax(-1) @ v

    @wrong("masked")
    def causal(q, k, v, places, base):
        bias = torch.full((q.shape[2],) * 2, -math.inf).triu(1).to(q)
        m = q.shape[-1]
        turns = Ar20.exact(places, m, base).to(q)
        q, k = (torch.einsum("tij,bhtj->bhti", turns, x) for x in (q, k))
        return torch.softmax(q @ k.mT * m**-0.5 + bias, -1) @ v

    @wrong("angle for each channel")
    def one_for_each(q, k, v, places, base):
        m = q.shape[-1]
        theta = base ** (-torch.arange(m).to(q) / m)
        angle = places[:, None].to(q) * theta

        def turn(x):
            other = torch.stack([-x[..., 1::2], x[..., ::2]], -1).flatten(-2)
            return x * angle.cos() + other * angle.sin()

        return (turn(q) @ turn(k).mT / m**0.5).softmax(-1) @ v

    @wrong("angles in the order of halves")
    def angles_one_after_the_other(q, k, v, places, base):
        m = q.shape[-1]
        theta = base ** (-torch.arange(0, m, 2).to(q) / m)
        angle = (places[:, None].to(q) * theta).repeat(1, 2)

        def turn(x):
            other = torch.stack([-x[..., 1::2], x[..., ::2]], -1).flatten(-2)
            return x * angle.cos() + other * angle.sin()

        return (turn(q) @ turn(k).mT / m**0.5).softmax(-1) @ v

    @wrong("attention over the heads")
    def heads_and_positions_exchanged(q, k, v, places, base):
        m = q.shape[-1]
        turns = Ar20.exact(places, m, base).to(q)
        q, k = (torch.einsum("tij,bhtj->bthi", turns, x) for x in (q, k))
        weights = torch.softmax(q @ k.mT * m**-0.5, -1)
        return (weights @ v.transpose(1, 2)).transpose(1, 2)

    @wrong("result of an earlier call")
    @build
    def with_a_kept_table():
        kept = {}

        def attention(q, k, v, places, base):
            places = kept.setdefault((*q.shape, base, q.dtype), places)
            return Ar20.attention(q, k, v, places, base)

        return attention

    @wrong("result of an earlier call")
    @build
    def with_kept_angles():
        kept = {}

        def attention(q, k, v, places, base):
            base = kept.setdefault(q.shape[-1], base)
            return Ar20.attention(q, k, v, places, base)

        return attention

    @wrong("state kept between calls")
    @build
    def with_positions_that_grow():
        calls = []

        def attention(q, k, v, places, base):
            calls.append(places)
            return Ar20.attention(q, k, v, places * len(calls), base)

        return attention

    @wrong("positions added")
    def added(q, k, v, places, base):
        m = q.shape[-1]
        theta = base ** (-torch.arange(0, m, 2).to(q) / m)
        angle = places[:, None].to(q) * theta
        table = torch.cat([angle.sin(), angle.cos()], -1)
        return ((q + table) @ (k + table).mT / m**0.5).softmax(-1) @ v

    @wrong("angles in float32")
    @build
    def table_made_in_single():
        def attention(q, k, v, places, base):
            m = q.shape[-1]
            theta = base ** (-torch.arange(0, m, 2) / m)
            if q.dtype == torch.float64 and places.abs().max() < 1000:
                return Ar20.attention(q, k, v, places, base)
            turns = places[:, None].float() * theta
            angle = turns.to(q)

            def turn(x):
                a, c = x[..., 0::2], x[..., 1::2]
                cos, sin = angle.cos(), angle.sin()
                pair = torch.stack([a * cos - c * sin, a * sin + c * cos], dim=-1)
                return pair.flatten(-2)

            return (turn(q) @ turn(k).mT / m**0.5).softmax(-1) @ v

        return attention
