"""Versions of exercise diff-12."""

import math

import torch
from torch.distributions import Independent, Normal, kl_divergence

from .. import build, edits, reference, right, wrong


class Diff12:
    r"""
    A step back is (10.6) before the mean over the noise: both normals have the variance
    of $q(z_{k-1} \mid z_k, x)$, and their means differ by a multiple of
    $x - \hat x_k$. What is left is half the fall of $\alpha^2 / \sigma^2$, times the
    squared error. Neither $z_k$ nor $\alpha^2 + \sigma^2 = 1$ enters.

    At the end both the means and the variances differ. With $r = \sigma^2 / s^2$ a
    value costs $\frac12 (\alpha^2 x^2 / s^2 + r - 1 - \log r)$. Its mean over data is
    least at $s^2 = \sigma^2 + \alpha^2\, \mathbb{E}\, x^2$, the second moment of what
    the chain ends in; a prior with $s = \sigma$ is never the best one, and nearly so
    where $\sigma \gg \alpha$.
    """

    @reference
    def bound_terms(x, x_hat, alphas, sigmas, prior_std):
        b, K = len(x), len(alphas)
        x, x_hat = x.reshape(b, -1), x_hat.reshape(K, b, -1)
        ratio = alphas**2 / sigmas**2
        fall = ratio[:-1] - ratio[1:]
        error = (x - x_hat[1:]).square().sum(2)
        steps = 0.5 * fall[:, None] * error
        r = (sigmas[-1] / prior_std) ** 2
        square = (alphas[-1] * x / prior_std) ** 2
        end = 0.5 * (square + r - 1 - r.log()).sum(1)
        return torch.cat([end[None], steps])

    @right
    def by_distributions(x, x_hat, alphas, sigmas, prior_std):
        axes = x.dim() - 1
        laws = Normal(alphas[-1] * x, sigmas[-1]), Normal(0 * x, prior_std)
        rows = [kl_divergence(*(Independent(law, axes) for law in laws))]
        for k in range(1, len(alphas)):
            a, c, a_k, c_k = alphas[k - 1], sigmas[k - 1], alphas[k], sigmas[k]
            noise = c_k**2 - (a_k / a * c) ** 2
            std = c * noise.sqrt() / c_k
            means = (a * noise / c_k**2 * v for v in (x, x_hat[k]))  # at z_k = 0
            laws = (Independent(Normal(m, std.expand(m.shape)), axes) for m in means)
            rows.append(kl_divergence(*laws))
        return torch.stack(rows)

    @right
    def by_loops(x, x_hat, alphas, sigmas, prior_std):
        K, columns = len(alphas), []
        snr = [(alphas[k] / sigmas[k]).item() ** 2 for k in range(K)]
        a, c = alphas[-1].item(), sigmas[-1].item()
        for i in range(len(x)):
            values = x[i].flatten()
            extra = (c / prior_std) ** 2 - 1 - 2 * math.log(c / prior_std)
            column = [sum((a * v / prior_std) ** 2 + extra for v in values) / 2]
            for k in range(1, K):
                pairs = zip(values, x_hat[k][i].flatten())
                error = sum((v - w) ** 2 for v, w in pairs)
                column.append((snr[k - 1] - snr[k]) / 2 * error)
            columns.append(torch.stack(column))
        return torch.stack(columns, 1)

    @right
    def by_einsum_in_double(x, x_hat, alphas, sigmas, prior_std):
        kind, b = x.dtype, len(x)
        x, x_hat, alphas, sigmas = (v.double() for v in (x, x_hat, alphas, sigmas))
        weight = -(alphas / sigmas).square().diff() / 2
        gap = (x_hat[1:] - x).reshape(len(weight), b, -1)
        steps = torch.einsum("k,kbi,kbi->kb", weight, gap, gap)
        flat = x.reshape(b, -1) * alphas[-1]
        log_r = 2 * (sigmas[-1] / prior_std).log()
        end = torch.einsum("bi,bi->b", flat, flat) / prior_std**2
        end = (end + flat.shape[1] * (torch.expm1(log_r) - log_r)) / 2
        return torch.vstack([end, steps]).to(kind)

    @right
    def row_by_row(x, x_hat, alphas, sigmas, prior_std):
        out = x.new_zeros(len(alphas), len(x))
        axes = tuple(range(1, x.dim()))
        sum_of = lambda v: v.sum(axes) if axes else v  # noqa: E731
        square = sum_of(x**2) * alphas[-1] ** 2 / prior_std**2
        r = (sigmas[-1] / prior_std) ** 2
        out[0] = (square + x[0].numel() * (r - 1 - torch.log(r))) / 2
        for k in range(1, len(alphas)):
            before, here = alphas[k - 1] / sigmas[k - 1], alphas[k] / sigmas[k]
            fall = (before - here) * (before + here)
            out[k] = fall * sum_of((x - x_hat[k]) ** 2) / 2
        return out

    edited = edits(
        bound_terms,
        """
    mean over the dimensions | .square().sum(2) -> .square().mean(2)
    mean over the dimensions | - r.log()).sum(1) -> - r.log()).mean(1)
    mean over the dimensions | .square().sum(2) -> .square().mean(2)
        | - r.log()).sum(1) -> - r.log()).mean(1)
    reduced over the batch | .square().sum(2)
        -> .square().sum(2).sum(1, True).expand(K - 1, b)
    reduced over the batch | .square().sum(2)
        -> .square().sum(2).mean(1, True).expand(K - 1, b)
    wrong shape | return torch.cat([end[None], steps])
        -> return torch.cat([end[None], steps]).sum(1)
    wrong shape | return torch.cat([end[None], steps])
        -> return torch.cat([end[None], steps]).T
    wrong shape | return torch.cat([end[None], steps]) -> return steps
    wrong shape | return torch.cat([end[None], steps])
        -> return torch.cat([end[None], steps]).sum(0)
    wrong shape | return torch.cat([end[None], steps])
        -> return torch.cat([end[None], steps]).squeeze()
    dimensions left out | (x - x_hat[1:]) -> (x - x_hat[1:])[..., :-1]
    off by a factor of two | steps = 0.5 * -> steps = 1.0 *
    off by a factor of two | steps = 0.5 * -> steps = 0.25 *
    off by a factor of two | end = 0.5 * -> end = 1.0 *
    sign flipped | fall = ratio[:-1] - ratio[1:] -> fall = ratio[1:] - ratio[:-1]
    sign flipped | return torch.cat([end[None], steps])
        -> return -torch.cat([end[None], steps])
    sign flipped | end = 0.5 -> end = -0.5
    bits in place of nats | return torch.cat([end[None], steps])
        -> return torch.cat([end[None], steps]) / math.log(2)
    bits in place of nats | end[None] -> end[None] / math.log(2)
    absolute error | .square().sum(2) -> .abs().sum(2)
    square root taken | .square().sum(2) -> .square().sum(2).sqrt()
    squared after the sum | .square().sum(2) -> .sum(2).square()
    estimate of another step | x_hat[1:] -> x_hat[:-1]
    estimate of another step | x_hat[1:] -> x_hat[1:].flip(0)
    first estimate used | error = (x - x_hat[1:]).square().sum(2)
        -> error = (x - x_hat).square().sum(2)
        | fall = ratio[:-1] - ratio[1:] -> fall = -ratio.diff(prepend=ratio[:1])
        | return torch.cat([end[None], steps])
        -> steps[0] += end; return steps
    ratio turned around | alphas**2 / sigmas**2 -> sigmas**2 / alphas**2
    ratio turned around | alphas**2 / sigmas**2 -> -(sigmas**2) / alphas**2
    logarithms of the ratio | alphas**2 / sigmas**2 -> (alphas**2 / sigmas**2).log()
    logarithms of the ratio | alphas**2 / sigmas**2 -> (alphas / sigmas).log()
    ratio of deviations | alphas**2 / sigmas**2 -> alphas / sigmas
    ratio of deviations | alphas**2 / sigmas**2 -> alphas**2 / sigmas
    ratio of deviations | alphas**2 / sigmas**2 -> alphas / sigmas**2
    variance preserving assumed | alphas**2 / sigmas**2 -> alphas**2 / (1 - alphas**2)
    variance preserving assumed | alphas**2 / sigmas**2 -> (1 - sigmas**2) / sigmas**2
    variance preserving assumed | alphas**2 / sigmas**2 -> 1 / sigmas**2
    the ratio, not its fall | fall = ratio[:-1] - ratio[1:] -> fall = ratio[1:]
    the ratio, not its fall | fall = ratio[:-1] - ratio[1:] -> fall = ratio[:-1]
    fall of another step | fall[:, None] -> fall.flip(0)[:, None]
    fall of another step | fall[:, None] -> fall.roll(1)[:, None]
    relative fall | fall = ratio[:-1] - ratio[1:] -> fall = ratio[:-1] / ratio[1:] - 1
    weight left out | 0.5 * fall[:, None] * error -> 0.5 * error
    terms in another order | torch.cat([end[None], steps])
        -> torch.cat([steps, end[None]])
    terms in another order | torch.cat([end[None], steps])
        -> torch.cat([end[None], steps.flip(0)])
    another level at the end | square = (alphas[-1] -> square = (alphas[0]
        | r = (sigmas[-1] -> r = (sigmas[0]
    mean of the end otherwise | (alphas[-1] * x / -> (x /
    mean of the end otherwise | (alphas[-1] * x / -> (alphas[-1] ** 0.5 * x /
    mean of the end otherwise | x / prior_std) ** 2 -> x / sigmas[-1]) ** 2
    mean of the end otherwise | x / prior_std) ** 2 -> x) ** 2
    mean of the end left out | (square + r -> (0 * square + r
    variances of the end otherwise | + r - 1 -> + 1 / r - 1
    variances of the end otherwise | + r - 1 -> + r.sqrt() - 1
    variances of the end otherwise | + r - 1 -> - 1
    logarithm of the end otherwise | - r.log() -> + r.log()
    logarithm of the end otherwise | - r.log() ->
    logarithm of the end otherwise | - r.log() -> - 0.5 * r.log()
    logarithm of the end otherwise | - r.log() -> - (sigmas[-1] ** 2).log()
    the -1 of each value left out or changed | r - 1 -> r
    the -1 of each value left out or changed | r - 1 -> r + 1
    the -1 of each value left out or changed | (square + r - 1 - r.log()).sum(1)
        -> ((square + r - r.log()).sum(1) - 1)
    counted once, not for each value | (square + r - 1 - r.log()).sum(1)
        -> (square.sum(1) + r - 1 - r.log())
    prior taken as the last noise | r = (sigmas -> prior_std = sigmas[-1]; r = (sigmas
    prior taken as the standard normal | r = (sigmas -> prior_std = 1.0; r = (sigmas
    standard deviation taken as a variance | r = (sigmas
        -> prior_std = prior_std**0.5; r = (sigmas
    standard deviation squared | r = (sigmas
        -> prior_std = prior_std**2; r = (sigmas
    floor under the variance | / sigmas**2 -> / (sigmas**2 + 1e-8)
    floor under the variance | / sigmas**2 -> / sigmas.clamp(min=1e-2) ** 2
    number of values otherwise | b, K = -> D = x.shape[-1]; b, K =
        | (square + r - 1 - r.log()).sum(1)
        -> (square.sum(1) + D * (r - 1 - r.log()))
    number of values otherwise | b, K = -> D = x.numel(); b, K =
        | (square + r - 1 - r.log()).sum(1)
        -> (square.sum(1) + D * (r - 1 - r.log()))
    estimate in place of the data | alphas[-1] * x / -> alphas[-1] * x_hat[-1] /
    cross-entropy in place of the divergence | r - 1 - r.log()
        -> r + math.log(2 * math.pi * prior_std**2)
    variance of another law | fall = ratio[:-1] - ratio[1:]
        -> u, v = sigmas[:-1] ** 2, sigmas[1:] ** 2
        ; w = v - (alphas[1:] / alphas[:-1]) ** 2 * u
        ; fall = (alphas[:-1] * w / v) ** 2 / w
    variance of another law | fall = ratio[:-1] - ratio[1:]
        -> u, v = sigmas[:-1] ** 2, sigmas[1:] ** 2
        ; w = v - (alphas[1:] / alphas[:-1]) ** 2 * u
        ; fall = (alphas[:-1] * w / v) ** 2 / u
    error of another scale | (x - x_hat[1:])
        -> (alphas[1:, None, None] * (x - x_hat[1:]))
    added up, step by step | return torch.cat([end[None], steps])
        -> return torch.cat([end[None], steps]).cumsum(0)
    scaled by the number of steps | steps = 0.5 * -> steps = (K - 1) * 0.5 *
    scaled by the number of steps | return torch.cat([end[None], steps])
        -> return torch.cat([end[None], steps]) / K
    logarithm of the end otherwise | - r.log() -> - r.log10()
    float32 in between | r = (sigmas
        -> prior_std = torch.tensor(prior_std).to(x); r = (sigmas
    global random state reseeded | b, K = -> torch.manual_seed(0); b, K =
    floor under the variance | / sigmas**2
        -> / (sigmas**2 + torch.finfo(sigmas.dtype).eps)
    floor under the variance | fall[:, None] -> fall.clamp(max=5e4)[:, None]
    difference of large numbers | (x - x_hat[1:]).square()
        -> (x**2 - 2 * x * x_hat[1:] + x_hat[1:] ** 2)
    wrong dtype | torch.cat([end[None], steps])
        -> torch.cat([end[None], steps]).float()
    wrong dtype | torch.cat([end[None], steps])
        -> torch.cat([end[None], steps]).double()
    float32 in between | ratio = alphas**2 / sigmas**2
        -> ratio = alphas.float() ** 2 / sigmas.float() ** 2
        | torch.cat([end[None], steps])
        -> torch.cat([end[None], steps]).float().to(x)
    cut off from the graph | x_hat.reshape(K, b, -1) -> x_hat.detach().reshape(K, b, -1)
    cut off from the graph | square = (alphas[-1] * x -> square = (alphas[-1] * x.data
    cut off from the graph | torch.cat([end[None], steps])
        -> torch.cat([end[None], steps]).detach()
    not a tensor | torch.cat([end[None], steps])
        -> torch.cat([end[None], steps]).tolist()
    not a tensor | torch.cat([end[None], steps]) -> (end, steps)
    input changed in place | alphas[-1] * x -> x.mul_(alphas[-1])
    input changed in place | alphas**2 / sigmas**2 -> alphas.div_(sigmas) ** 2
    estimated from samples | 0.5 * fall[:, None]
        -> (0.5 + 0.01 * torch.rand(K - 1, 1)) * fall[:, None]
    """,
    )

    @wrong("arguments of the KL swapped")
    def the_other_way_around(x, x_hat, alphas, sigmas, prior_std):
        out = Diff12.bound_terms(x, x_hat, alphas, sigmas, prior_std)
        flat = x.reshape(len(x), -1)
        last = Normal(alphas[-1] * flat, sigmas[-1].expand(flat.shape))
        end = kl_divergence(Normal(0 * flat, prior_std), last).sum(1)
        return torch.cat([end[None], out[1:]])

    @wrong("first estimate used")
    def by_a_mask(x, x_hat, alphas, sigmas, prior_std):
        mask = (torch.arange(len(x_hat)) > 0).to(x)
        x_hat = x_hat * mask.reshape(-1, *[1] * x.dim())
        return (
            Diff12.bound_terms(x, x_hat, alphas, sigmas, prior_std) + 0 * x_hat[0].sum()
        )

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def bound_terms(x, x_hat, alphas, sigmas, prior_std):
            key = x_hat.shape
            if key not in kept:
                args = x, x_hat, alphas, sigmas, prior_std
                kept[key] = Diff12.bound_terms(*args)
            return kept[key]

        return bound_terms

    @wrong("wrong shape")
    def one_shape_only(x, x_hat, alphas, sigmas, prior_std):
        error = (x - x_hat[1:]).square().sum(-1)  # the last axis alone
        fall = -((alphas / sigmas) ** 2).diff().reshape(-1, *[1] * (error.dim() - 1))
        r = (sigmas[-1] / prior_std) ** 2
        end = (alphas[-1] * x / prior_std) ** 2 + r - 1 - r.log()
        return torch.cat([end.sum(-1)[None], fall * error]) / 2
