"""Versions of exercise diff-01."""

import torch

from .. import build, edits, reference, right, wrong


class Diff01:
    r"""
    What a step keeps of the variance multiplies: with $\bar\alpha_k = \prod_{i \le k}
    (1 - \beta_i)$ the data have the factor $\sqrt{\bar\alpha_k}$. The noises are
    independent, so that their *variances* add up, and their sum is as good as one
    noise. Its variance $v_k$ obeys $v_k = (1 - \beta_k)\, v_{k-1} + \beta_k$, which
    says that $1 - v_k$ is multiplied by $1 - \beta_k$ in each step; so
    $1 - v_k = \bar\alpha_k$.

    The 1 in front of the table is not a detail: without it `abar[k - 1]` is the last
    entry for $k = 0$, pure noise in place of the data, and no error is raised.
    """

    @reference
    def noised(x, k, betas, eps):
        abar = torch.cat([torch.ones_like(betas[:1]), (1 - betas).cumprod(0)])[k]
        abar = abar.view(-1, *[1] * (x.ndim - 1))
        return abar.sqrt() * x + (1 - abar).sqrt() * eps

    @right
    def by_variances(x, k, betas, eps):
        """Example by example, step by step."""
        rows = []
        for one, steps, noise in zip(x, k.tolist(), eps):
            size, variance = 1.0, 0.0
            for beta in betas[:steps].tolist():
                size = size * (1 - beta) ** 0.5
                variance = (1 - beta) * variance + beta
            rows.append(size * one + variance**0.5 * noise)
        return torch.stack(rows)

    @right
    def by_logarithms(x, k, betas, eps):
        logs = torch.nn.functional.pad(torch.log1p(-betas).cumsum(0), (1, 0))
        half = torch.gather(logs, 0, k) / 2
        factor, std = half.exp(), torch.sqrt(-torch.expm1(2 * half))
        return torch.einsum("b,b...->b...", factor, x) + torch.einsum(
            "b,b...->b...", std, eps
        )

    @right
    def by_a_mask(x, k, betas, eps):
        used = torch.arange(len(betas)) < k[:, None]
        kept = torch.where(used, 1 - betas, torch.ones(()).to(betas)).prod(1)
        data, noise = x.movedim(0, -1), eps.movedim(0, -1)
        return (kept**0.5 * data + (1 - kept) ** 0.5 * noise).movedim(-1, 0)

    @right
    def in_double(x, k, betas, eps):
        level = (1 - betas.double()).cumprod(0)
        level = torch.where(k > 0, level[(k - 1).clamp(min=0)], 1.0)
        shape = (len(x),) + (1,) * (x.dim() - 1)
        out = level.sqrt().reshape(shape) * x + (1 - level).sqrt().reshape(shape) * eps
        return out.to(x.dtype)

    edited = edits(
        noised,
        """
    off by one in the schedule | cumprod(0)])[k] -> cumprod(0)])[(k - 1).clamp(min=0)]
    off by one in the schedule | cumprod(0)])[k]
        -> cumprod(0)])[(k + 1).clamp(max=len(betas))]
    off by one in the schedule | torch.cat([torch.ones_like(betas[:1]),
        (1 - betas).cumprod(0)])[k]
        -> (1 - betas).cumprod(0)[k.clamp(max=len(betas) - 1)]
    off by one in the schedule | cumprod(0)])[k] -> cumprod(0)])[k - 1]
    k = 0 is not the data | torch.cat([torch.ones_like(betas[:1]),
        (1 - betas).cumprod(0)])[k]
        -> (1 - betas).cumprod(0)[k - 1]
    k = 0 is not the data | torch.cat([torch.ones_like(betas[:1]),
        (1 - betas).cumprod(0)])[k]
        -> (1 - betas).cumprod(0)[(k - 1).clamp(min=0)]
    product of the betas themselves | (1 - betas).cumprod -> betas.cumprod
    product of the betas themselves | torch.cat([torch.ones_like(betas[:1]),
        (1 - betas).cumprod(0)])[k]
        -> betas.cumprod(0)[(k - 1).clamp(min=0)]
    one step alone | (1 - betas).cumprod(0) -> 1 - betas
    variances added up | (1 - betas).cumprod(0) -> (-betas.cumsum(0)).exp()
    variances added up | (1 - betas).cumprod(0) -> (1 - betas.cumsum(0)).clamp(min=0)
    product over the batch | (1 - betas).cumprod(0)])[k] -> 1 - betas])[k].cumprod(0)
    product over the batch | (1 - betas).cumprod(0)])[k]
        -> 1 - betas])[k].prod().expand(len(k))
    steps counted from the end | (1 - betas) -> (1 - betas.flip(0))
    steps counted from the end | cumprod(0)])[k] -> cumprod(0)])[len(betas) - k]
    one k for all examples | cumprod(0)])[k] -> cumprod(0)])[k[0]]
    one k for all examples | cumprod(0)])[k] -> cumprod(0)])[k.max()]
    k along the last axis | abar = abar.view(-1, *[1] * (x.ndim - 1))
        -> abar = (abar if x.ndim > 1 and x.shape[-1] == len(abar)
            else abar.view(-1, *[1] * (x.ndim - 1)))
    variance kept in place of its root | abar.sqrt() * x -> abar * x
    variance kept in place of its root, and variance in place of the standard deviation
        | abar.sqrt() * x -> abar * x | (1 - abar).sqrt() -> (1 - abar)
    root taken twice | (1 - betas).cumprod -> (1 - betas).sqrt().cumprod
        | (1 - abar) -> (1 - abar**2)
    data not shrunk | abar.sqrt() * x -> x
    variance in place of the standard deviation | (1 - abar).sqrt() -> (1 - abar)
    deviations that add up to one | (1 - abar).sqrt() -> (1 - abar.sqrt())
    noise not scaled | (1 - abar).sqrt() * eps -> eps
    noise of the last step alone | (1 - abar).sqrt()
        -> betas[(k - 1).clamp(min=0)].sqrt().view(-1, *[1] * (x.ndim - 1))
    noise left out | (1 - abar).sqrt() * eps -> 0 * eps
    data and noise exchanged | abar.sqrt() * x -> abar.sqrt() * eps
        | (1 - abar).sqrt() * eps -> (1 - abar).sqrt() * x
    sign of the noise | * x + -> * x -
    another noise than the one given | * eps -> * torch.randn_like(eps)
    wrong dtype | * eps -> * eps.double()
    not to the digits asked for | betas).cumprod(0) -> betas).float().cumprod(0).to(x)
    not to the digits asked for | torch.ones_like(betas[:1]) -> torch.ones(1)
        | (1 - betas) -> (1 - betas.float()) | * eps -> * eps.to(x)
    not to the digits asked for | (1 - abar).sqrt() -> (1 - abar + 1e-6).sqrt()
    cut off from the graph | * eps -> * eps.detach()
    cut off from the graph | return -> with torch.no_grad(): return
    wrong shape | abar = abar.view(-1, *[1] * (x.ndim - 1))
        -> abar = abar.view(-1, *[1] * x.ndim)
    input changed in place | * eps -> * eps.mul_(1.5)
    """,
        (
            "input changed in place",
            "abar = torch.cat",
            "betas.neg_().add_(1)\n    betas = 1 - betas\n    abar = torch.cat",
        ),
        (
            "global random state reseeded",
            "abar = torch.cat",
            "torch.manual_seed(0)\n    abar = torch.cat",
        ),
    )

    @wrong("a step at a time, with the same noise")
    def chain(x, k, betas, eps):
        rows = []
        for row, steps, noise in zip(x, k.tolist(), eps):
            for beta in betas[:steps]:
                row = (1 - beta).sqrt() * row + beta.sqrt() * noise
            rows.append(row)
        return torch.stack(rows)

    @wrong("result of an earlier call")
    @build
    def kept_by_length():
        kept = {}

        def noised(x, k, betas, eps):
            full = torch.cat([torch.ones_like(betas[:1]), (1 - betas).cumprod(0)])
            full = kept.setdefault((len(betas), x.dtype), full)
            abar = full[k].view(-1, *[1] * (x.ndim - 1))
            return abar.sqrt() * x + (1 - abar).sqrt() * eps

        return noised
