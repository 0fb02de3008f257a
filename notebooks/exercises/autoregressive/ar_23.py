"""Versions of exercise ar-23."""

import torch

from .. import build, edits, reference, right, wrong


class Ar23:
    r"""
    A token $x$ is drawn from the draft and taken with the probability $q(x) \min(1,
    p(x) / q(x)) = \min(p(x), q(x))$. What this leaves of $p(x)$ is $p(x) - \min(p(x),
    q(x)) = \max(0, p(x) - q(x))$, and its sum is $1 - \text{accept}$: just the
    probability of a refusal. So `rest` is this remainder, divided by its own sum. The
    overlap is 1 minus the total variation, half the sum of $|p - q|$: a draft is worth
    as much as it is near, and no token of it is wasted that $p$ would have drawn.

    Token $i$ of a pass, counted from 0, is added if the $i$ before it were taken, with
    the probability $a^i$; the expected number is $1 + a + \dots + a^\gamma =
    (1 - a^{\gamma + 1}) / (1 - a)$, which says nothing where $a = 1$, and little right
    next to it. With $a = 0.8$ a pass of the large model gives 3.36 tokens for four
    proposals, 4.33 for eight, and never more than 5.
    """

    @reference
    @build
    def answers():
        def step(p, q):
            both = torch.minimum(p, q)
            above = p - both
            missing = above.sum(-1, keepdim=True)
            rest = torch.where(missing > 0, above / missing, p)
            return both.sum(-1), rest

        def tokens(a, gamma):
            return sum(a**i for i in range(gamma + 1))

        return step, tokens

    @right
    @build
    def by_the_total_variation():
        def step(p, q):
            accept = 1 - (p - q).abs().sum(dim=-1) / 2
            above = torch.relu(p - q)
            above = torch.where((p == q).all(-1, keepdim=True), p, above)
            return accept, above / above.sum(-1, keepdim=True)

        def tokens(a, gamma):
            out = torch.ones_like(a)
            for _ in range(gamma):
                out = 1 + a * out
            return out

        return step, tokens

    @right
    @build
    def row_by_row():
        def one(p, q):
            share = sum(b * min(1.0, a / b) for a, b in zip(p, q) if b > 0)
            more = [max(a - b, 0.0) for a, b in zip(p, q)]
            return share, p if p == q else [v / sum(more) for v in more]

        def step(p, q):
            n = p.shape[-1]
            pairs = zip(p.reshape(-1, n).tolist(), q.reshape(-1, n).tolist())
            shares, rests = zip(*[one(*pair) for pair in pairs])
            accept = torch.tensor(shares, dtype=torch.float64).view(p.shape[:-1])
            return accept, torch.tensor(rests, dtype=torch.float64).view(p.shape)

        def tokens(a, gamma):
            ends = [(i + 1) * a**i * (1 - a) for i in range(gamma)]
            return sum(ends) + (gamma + 1) * a**gamma

        return step, tokens

    @right
    @build
    def by_the_ratio():
        def step(p, q):
            ratio = torch.where(q > 0, p / q, 0.0).clamp(max=1)
            accept = torch.einsum("...n,...n->...", q, ratio)
            above = torch.where(p > q, p - q, 0.0)
            total = above.sum(-1, keepdim=True)
            rest = torch.where(total == 0, p, above / total.clamp(min=1e-300))
            return [accept, rest]

        def tokens(a, gamma):
            log = a.log()
            closed = -torch.expm1((gamma + 1) * log) / (1 - a)
            return torch.where(a < 1, closed, gamma + 1.0)

        return step, tokens

    @right
    @build
    def as_running_products():
        def step(p, q):
            above = (p - q).clamp(min=0)
            same = above.sum(-1, keepdim=True) == 0
            weight = above.masked_fill(same, 0) + p * same
            return (p - above).sum(-1), weight / weight.sum(-1, keepdim=True)

        def tokens(a, gamma):
            powers = a[..., None].expand(*a.shape, gamma).cumprod(-1)
            return 1 + powers.sum(-1)

        return step, tokens

    edited = edits(
        answers,
        """
    two results exchanged | return both.sum(-1), rest -> return rest, both.sum(-1)
    no pair | return both.sum(-1), rest -> return rest
    probability of refusal | return both.sum(-1), -> return 1 - both.sum(-1),
    probability of refusal | return both.sum(-1), -> return missing[..., 0],
    product of both | return both.sum(-1), -> return (p * q).sum(-1),
    product of both | return both.sum(-1), -> return (p * q).sqrt().sum(-1),
    mean over the tokens | return both.sum(-1),
        -> return torch.where(q > 0, p / q, 1).clamp(max=1).mean(-1),
    weighted by the target | return both.sum(-1),
        -> return (p * torch.where(q > 0, p / q, 1).clamp(max=1)).sum(-1),
    ratio turned around | return both.sum(-1),
        -> return (q * torch.where(p > 0, q / p, 1).clamp(max=1)).sum(-1),
    ratio not cut at one | return both.sum(-1),
        -> return torch.where(q > 0, p, 0).sum(-1),
    all differences counted | return both.sum(-1), -> return 1 - (p - q).abs().sum(-1),
    a divergence in place of the overlap | return both.sum(-1),
        -> return 1 - torch.where(p > 0, p * (p / q).log(), 0).sum(-1),
    of the likeliest token alone | return both.sum(-1),
        -> return (p / q).clamp(max=1).gather(-1, q.argmax(-1, keepdim=True))[..., 0],
    reduced over the batch | return both.sum(-1), -> return both.sum(),
    wrong shape | return both.sum(-1), -> return both.sum(-1, keepdim=True),
    residual not normalized | above / missing -> above
    residual not normalized | above / missing -> above / both.sum(-1, keepdim=True)
    residual of the draft | above = p - both -> above = q - both
    absolute difference | above = p - both -> above = (p - q).abs()
    negative entries | above / missing -> (p - q) / missing
        | return both -> rest = torch.where(rest == rest, p - q, p); return both
    target itself | rest = torch.where(missing > 0, above / missing, p) -> rest = p
    what both have in common | above / missing -> both / both.sum(-1, keepdim=True)
    normalized over the batch | above / missing -> above / missing.sum()
    softmax of the difference | above / missing -> above.softmax(-1)
    softmax of the difference | above / missing -> (p - q).softmax(-1)
    nothing left to draw | torch.where(missing > 0, above / missing, p)
        -> above / missing
    nothing left to draw | torch.where(missing > 0, above / missing, p)
        -> above / missing.clamp(min=1e-12)
    another distribution where both are equal | above / missing, p)
        -> above / missing, 1 / p.shape[-1])
    one decision for all rows | torch.where(missing > 0,
        -> torch.where(missing.min() > 0,
    decided entry by entry | torch.where(missing > 0, above / missing, p)
        -> torch.where(p == q, p, above / missing)
    digits lost | above / missing -> above / (missing + 1e-12)
    digits lost | above / missing -> above / (1 - both.sum(-1, keepdim=True))
    nearly equal taken for equal | missing > 0 -> missing > 1e-8
    nearly equal taken for equal | torch.where(missing > 0,
        -> torch.where(~torch.isclose(p, q).all(-1, keepdim=True),
    0/0 where both are 0 | return both.sum(-1),
        -> return (q * (p / q).clamp(max=1)).sum(-1),
    nan at zero | sum(a**i for i in range(gamma + 1))
        -> sum((i * a.log()).exp() for i in range(gamma + 1))
    wrong dtype | return both.sum(-1), rest -> return both.sum(-1), rest.float()
    refused token's replacement left out | sum(a**i for i in range(gamma + 1))
        -> sum(a**(i + 1) for i in range(gamma)) + 0 * a
    last token left out | range(gamma + 1) -> range(max(gamma, 1))
    one proposal too many | range(gamma + 1) -> range(gamma + 2)
    all proposals judged | sum(a**i for i in range(gamma + 1)) -> 1 + gamma * a
    all proposals judged | sum(a**i for i in range(gamma + 1)) -> gamma * a
    gamma without an end | sum(a**i for i in range(gamma + 1)) -> 1 / (1 - a)
    0/0 at one | sum(a**i for i in range(gamma + 1))
        -> (1 - a**(gamma + 1)) / (1 - a)
    digits lost next to one | sum(a**i for i in range(gamma + 1))
        -> torch.where(a < 1, (1 - a**(gamma + 1)) / (1 - a), gamma + 1.0)
    digits lost next to one | sum(a**i for i in range(gamma + 1))
        -> torch.where(a < 1 - 1e-6, (1 - a**(gamma + 1)) / (1 - a), gamma + 1.0)
    digits lost next to one | sum(a**i for i in range(gamma + 1))
        -> (1 - a**(gamma + 1) + 1e-15 * (gamma + 1)) / (1 - a + 1e-15)
    reduced over the batch | sum(a**i for i in range(gamma + 1))
        -> sum(a**i for i in range(gamma + 1)).mean()
    wrong dtype | sum(a**i for i in range(gamma + 1))
        -> sum(a.float()**i for i in range(gamma + 1))
    """,
    )

    @wrong("input changed in place")
    @build
    def in_place():
        def step(p, q):
            accept = torch.minimum(p, q).sum(-1)
            p -= q
            above = p.clamp_(min=0)
            return accept, above / above.sum(-1, keepdim=True)

        return step, Ar23.answers()[1]
