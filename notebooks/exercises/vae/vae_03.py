"""Versions of exercise vae-03."""

import math

import torch
from torch.distributions import (
    MultivariateNormal,
    Normal,
)

from .. import build, edits, reference, right, wrong


def factor_of(raw):
    """L by loops."""
    rows = []
    for one in raw:
        d, row = len(one), []
        for i in range(d):
            left = [one[i, j] for j in range(i)]
            zeros = [one.new_zeros(())] * (d - i - 1)
            row.append(torch.stack([*left, one[i, i].exp(), *zeros]))
        rows.append(torch.stack(row))
    return torch.stack(rows)


class Vae03:
    r"""
    One matrix for each example and one vector of noise for each example and draw:
    `factor @ eps[..., None]` multiplies them all, `(b, d, d)` by `(k, b, d, 1)`. The
    logarithms keep the diagonal positive, so every `raw` is a valid covariance, and
    each covariance has one `raw`, up to what stands above the diagonal, whose gradient
    is 0. The density at such a draw is cheap, too:
    $\log q(z) = -\tfrac12 |\epsilon|^2 - \sum_i \log L_{ii} - \tfrac d2 \log 2\pi$,
    where the sum is that of the given logarithms: no determinant is computed.
    """

    @reference
    def reparameterize(mean, raw, k):
        log_diagonal = raw.diagonal(dim1=1, dim2=2)
        factor = raw.tril(-1) + torch.diag_embed(log_diagonal.exp())
        eps = torch.randn(k, *mean.shape, dtype=mean.dtype, device=mean.device)
        return mean + (factor @ eps[..., None])[..., 0]

    @right
    def by_rsample(mean, raw, k):
        lower = raw.tril(-1) + raw.diagonal(dim1=-2, dim2=-1).exp().diag_embed()
        return MultivariateNormal(mean, scale_tril=lower).rsample((k,))

    @right
    def by_loops(mean, raw, k):
        lower, draws = factor_of(raw), []
        for _ in range(k):
            rows = [
                m + f @ torch.randn(len(m), dtype=m.dtype) for m, f in zip(mean, lower)
            ]
            draws.append(torch.stack(rows))
        return torch.stack(draws)

    @right
    def by_einsum(mean, raw, k):
        i = torch.arange(mean.shape[1])
        on = i[:, None] == i
        lower = torch.where(on, torch.where(on, raw, 0.0).exp(), raw.tril())
        eps = torch.randn((*mean.shape, k), dtype=mean.dtype)
        return mean + torch.einsum("bij,bjk->kbi", lower, eps)

    @right
    def by_assignment(mean, raw, k):
        lower, i = raw.clone(), torch.arange(mean.shape[1])
        lower[:, i, i] = raw[:, i, i].exp()
        eps = torch.normal(0.0, 1.0, (k, *mean.shape)).to(mean)
        return (lower.tril() * eps.unsqueeze(-2)).sum(-1) + mean

    @right
    def by_rows_and_transpose(mean, raw, k):
        lower = raw.tril(-1) + raw.diagonal(dim1=-2, dim2=-1).exp().diag_embed()
        eps = torch.randn(len(mean), k, mean.shape[1], dtype=mean.dtype)
        return (mean[:, None] + eps @ lower.mT).transpose(0, 1)

    @right
    def by_baddbmm(mean, raw, k):
        lower = raw.tril(-1) + raw.diagonal(dim1=-2, dim2=-1).exp().diag_embed()
        eps = Normal(0.0, 1.0).sample((len(mean), mean.shape[1], k)).to(mean)
        return torch.baddbmm(mean[:, :, None], lower, eps).permute(2, 0, 1)

    @right
    def by_numpy_noise(mean, raw, k):
        import numpy as np

        eps = np.random.standard_normal((k, *mean.shape))  # noqa: NPY002
        eps = torch.from_numpy(eps).to(mean.dtype)
        own = raw.diagonal(dim1=1, dim2=2).exp() * eps
        rest = [
            sum((raw[:, i, j] * eps[..., j] for j in range(i)), 0 * eps[..., 0])
            for i in range(mean.shape[1])
        ]
        return mean + own + torch.stack(rest, -1)

    @right
    def by_polar_coordinates(mean, raw, k):
        u, v = torch.rand(2, k, *mean.shape, dtype=torch.float64)
        eps = (-2 * torch.log1p(-u)).sqrt() * torch.cos(2 * math.pi * v)
        return mean + torch.einsum("bij,kbj->kbi", factor_of(raw), eps.to(mean.dtype))

    edited = edits(
        reparameterize,
        """
    sampled outside the graph | return -> with torch.no_grad(): return
    mean cut off from the graph | mean + -> mean.detach() +
    diagonal cut off from the graph | .exp() -> .exp().detach()
    entries below the diagonal cut off from the graph | tril(-1) -> tril(-1).detach()
    standard deviation cut off from the graph | (factor @ -> (factor.detach() @
    another path | log_diagonal.exp()
        -> log_diagonal - log_diagonal.detach() + log_diagonal.exp().detach()
    another path | raw.tril(-1) -> raw + (raw.tril(-1) - raw).detach()
    one noise for all draws | (k, * -> (1, *
        | eps[..., None] -> eps.repeat(k, 1, 1)[..., None]
    one noise for all examples
        | eps[..., None] -> eps[:, :1].expand_as(eps)[..., None]
    one noise for all dimensions
        | eps[..., None] -> eps[..., :1].expand_as(eps)[..., None]
    noise fixed across calls
        | dtype= -> generator=torch.Generator().manual_seed(0), dtype=
    global random state reseeded | eps = -> torch.manual_seed(0); eps =
    noise of the wrong shape | return mean + -> return mean[:, None] +
        | [..., 0] -> [..., 0].transpose(0, 1)
    noise of the wrong shape | [..., 0] -> [..., 0].mean(0)
    uniform noise | randn -> rand
    uniform noise | randn -> rand | @ eps -> @ (2 * eps - 1)
    noise that is not normal | randn -> rand | @ eps -> @ (12**0.5 * (eps - 0.5))
    noise that is not normal
        | @ eps -> @ D.Laplace(0, 0.5**0.5).sample(eps.shape).to(mean)
    noise that is not normal
        | @ eps -> @ (D.StudentT(30.0).sample(eps.shape).to(mean) * (28 / 30) ** 0.5)
    noise that is not normal | @ eps -> @ eps.clamp(-3, 3)
    noise that is not normal | @ eps -> @ eps.clamp(-2, 2)
    noise that is not normal | @ eps -> @ eps.clamp(-4, 4)
    noise that is not normal | @ eps -> @ nn.init.trunc_normal_(eps)
    draws not independent | @ eps
        -> @ ((eps - (k > 1) * eps.mean(0)) * (k / max(k - 1, 1)) ** 0.5)
    draws not independent
        | @ eps -> @ torch.stack([eps, -eps], 1).flatten(0, 1)[:k]
    noise used more than once | @ eps -> @ torch.cat([eps[: (k + 1) // 2], -eps])[:k]
    diagonal read as log variance | diagonal.exp() -> diagonal.mul(0.5).exp()
    diagonal taken as it is | log_diagonal.exp() -> log_diagonal
    diagonal squared | log_diagonal.exp() -> log_diagonal.exp() ** 2
    diagonal added twice | tril(-1) -> tril()
    diagonal added twice | factor = -> factor = torch.eye(mean.shape[1]).to(raw) +
    diagonal of L left out | .exp() -> .exp() * 0
    diagonal of L left out | log_diagonal.exp() -> 0 * log_diagonal + 1
    diagonal of L alone | raw.tril(-1) -> 0 * raw
    sign of the diagonal flipped | log_diagonal.exp() -> (-log_diagonal).exp()
    softplus in place of exp | log_diagonal.exp() -> F.softplus(log_diagonal)
    exponential of all entries
        | factor = raw.tril(-1) + torch.diag_embed(log_diagonal.exp())
        -> factor = raw.exp().tril()
    exponential of all entries
        | factor = raw.tril(-1) + torch.diag_embed(log_diagonal.exp())
        -> factor = raw.tril().exp()
    numbers above the diagonal used | raw.tril(-1) -> raw.tril(-1) + raw.triu(1)
    numbers above the diagonal used | raw.tril(-1) -> raw.triu(1)
    L symmetric | raw.tril(-1) -> raw.tril(-1) + raw.tril(-1).mT
    L transposed | (factor @ -> (factor.mT @
    L transposed | (factor @ eps[..., None])[..., 0]
        -> torch.einsum("bij,kbi->kbj", factor, eps)
    covariance in place of its factor | (factor @ -> (factor @ factor.mT @
    factor inverted | (factor @ -> (torch.linalg.inv(factor) @
    entries of L summed before the noise | (factor @ eps[..., None])[..., 0]
        -> (factor * eps[..., None]).sum(-1)
    samples given to other examples | (factor @ -> (factor.mean(0) @
    samples given to other examples | (factor @ -> (factor.flip(0) @
    standard deviation ignored | (factor @ eps[..., None])[..., 0]
        -> (eps + 0 * raw.sum())
    mean not added | mean + -> 0 * mean +
    ceiling on the variance | diagonal.exp() -> diagonal.clamp(max=4).exp()
    floor under the standard deviation | diagonal.exp() -> diagonal.exp().add(1e-6)
    floor under the standard deviation | diagonal.exp() -> diagonal.clamp(min=-6).exp()
    input changed in place | return -> mean += 0.1; return
    input changed in place | log_diagonal.exp() -> log_diagonal.exp_()
    gradients switched off globally | return -> torch.set_grad_enabled(False); return
    wrong dtype | mean + -> mean.float() +
        | [..., None])[..., 0] -> [..., None])[..., 0].float()
    """,
    )

    @wrong("noise of the wrong shape")
    def examples_first(mean, raw, k):
        eps = torch.randn(len(mean), k, mean.shape[1], dtype=mean.dtype)
        return mean[:, None] + eps @ factor_of(raw).mT

    @wrong("L factored again")
    def from_the_covariance(mean, raw, k):
        factor, _ = torch.linalg.cholesky_ex(factor_of(raw) @ factor_of(raw).mT)
        return (
            mean + (factor @ torch.randn(k, *mean.shape, 1, dtype=mean.dtype))[..., 0]
        )

    @wrong("exponential of all entries")
    def exp_first(mean, raw, k):
        factor = raw.tril(-1) + raw.exp() * torch.eye(len(raw[0]), dtype=raw.dtype)
        return (
            mean + (factor @ torch.randn(k, *mean.shape, 1, dtype=mean.dtype))[..., 0]
        )

    @wrong("noise fixed across calls")
    @build
    def kept_noise():
        kept = {}

        def reparameterize(mean, raw, k):
            shape = (k, *mean.shape)
            eps = kept.setdefault(shape, torch.randn(shape)).to(mean.dtype)
            return mean + (factor_of(raw) @ eps[..., None])[..., 0]

        return reparameterize

    @wrong("sampled outside the graph")
    def by_sample(mean, raw, k):
        return MultivariateNormal(mean, scale_tril=factor_of(raw)).sample((k,))

    @wrong("samples given to other examples")
    def viewed(mean, raw, k):
        q = MultivariateNormal(mean, scale_tril=factor_of(raw))
        return q.rsample((k,)).transpose(0, 1).reshape(k, *mean.shape)
