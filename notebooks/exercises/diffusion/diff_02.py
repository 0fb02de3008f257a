"""Versions of exercise diff-02."""

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Diff02:
    r"""
    Given the data, $x_{k-1}$ has the mean $\sqrt{\bar\alpha_{k-1}}\, x_0$ and the
    variance $v = 1 - \bar\alpha_{k-1}$. Then $x_k$ is a measurement of it with noise of
    variance $\beta_k$. In $x_k$ all of it has the variance
    $(1 - \beta_k)\, v + \beta_k = 1 - \bar\alpha_k$, and conditioning gives

    $$
    \text{mean} = \frac{\sqrt{\bar\alpha_{k-1}}\, \beta_k\, x_0
    + \sqrt{1 - \beta_k}\, v\, x_k}{1 - \bar\alpha_k}, \qquad
    \text{variance} = \frac{v}{1 - \bar\alpha_k}\, \beta_k ,
    $$

    eqs. 6 and 7 of Ho et al. (2020). The variance lies between 0 and $\beta_k$, and is
    near $\beta_k$ after many small steps, which is why both served as the variance of
    samplers; at $k = 1$, where it is 0, they differ most.
    """

    @reference
    def step_back(x, x_k, k, betas):
        abar = torch.cat([torch.ones_like(betas[:1]), (1 - betas).cumprod(0)])
        beta, now, before = betas[k - 1], abar[k], abar[k - 1]
        of_x = before.sqrt() * beta / (1 - now)
        of_x_k = (1 - beta).sqrt() * (1 - before) / (1 - now)
        axes = (-1, *[1] * (x.ndim - 1))
        mean = of_x.view(axes) * x + of_x_k.view(axes) * x_k
        return mean, beta * (1 - before) / (1 - now)

    @right
    def by_a_measurement(x, x_k, k, betas):
        """Prior, innovation and gain, example by example."""
        means, variances = [], []
        for one, noisy, n in zip(x, x_k, k.tolist()):
            left = torch.ones_like(betas[0])
            for beta in betas[: n - 1]:
                left = left * (1 - beta)
            v, step = 1 - left, betas[n - 1]
            c = torch.sqrt(1 - step)
            gain = c * v / (c**2 * v + step)
            prior = torch.sqrt(left) * one
            means.append(prior + gain * (noisy - c * prior))
            variances.append(v - gain * c * v)
        return torch.stack(means), torch.stack(variances).clamp(min=0)

    @right
    def by_the_path_of_noise(x, x_k, k, betas):
        """As DDIM has it: the noise that is in x_k, and how much of it stays."""
        logs = F.pad(torch.log1p(-betas).cumsum(0), (1, 0))
        s_k, s_b = -torch.expm1(logs[k]), -torch.expm1(logs[k - 1])
        var = s_b * betas[k - 1] / s_k

        def wide(v):
            return v.reshape(-1, *[1] * (x.dim() - 1))

        eps = (x_k - wide((logs[k] / 2).exp()) * x) / wide(s_k.sqrt())
        stays = wide((s_b - var).clamp(min=0).sqrt())
        return wide((logs[k - 1] / 2).exp()) * x + stays * eps, var

    @right
    def with_k_1_apart(x, x_k, k, betas):
        """By precisions, which k = 1 has none of."""
        kept = (1 - betas.double()).cumprod(0)
        before = torch.where(k > 1, kept[(k - 2).clamp(min=0)], 0.5)
        beta = betas.double()[k - 1]
        precision = 1 / (1 - before) + (1 - beta) / beta
        first = before.sqrt() / (1 - before)
        second = (1 - beta).sqrt() / beta
        lead = lambda v: v.view(len(x), *(1,) * (x.dim() - 1))  # noqa: E731
        mean = (lead(first) * x + lead(second) * x_k) / lead(precision)
        mean = torch.where(lead(k) == 1, x.double(), mean)
        var = torch.where(k == 1, 0.0, 1 / precision)
        return [mean.to(x.dtype), var.to(x.dtype)]

    edited = edits(
        step_back,
        """
    no pair | return mean, beta * (1 - before) / (1 - now) -> return mean
    off by one in the schedule | beta, now, before = betas[k - 1]
        -> beta, now, before = betas[k.clamp(max=len(betas) - 1)]
    off by one in the schedule | beta, now, before = betas[k - 1], abar[k], abar[k - 1]
        -> k = (k + 1).clamp(max=len(betas));
            beta, now, before = betas[k - 1], abar[k], abar[k - 1]
    off by one in the schedule | beta, now, before = betas[k - 1], abar[k], abar[k - 1]
        -> k = (k - 1).clamp(min=1);
            beta, now, before = betas[k - 1], abar[k], abar[k - 1]
    off by one in the schedule | beta, now, before = betas[k - 1], abar[k], abar[k - 1]
        -> before = abar[(k - 2).clamp(min=0)]; beta = betas[k - 1];
            now = before * (1 - beta)
    k = 1 left out | torch.cat([torch.ones_like(betas[:1]), (1 - betas).cumprod(0)])
        -> (1 - betas).cumprod(0)
        | abar[k], abar[k - 1] -> abar[k - 1], abar[k - 2]
    k = 1 left out | abar = torch.cat -> k = k.clamp(min=2); abar = torch.cat
    one step alone | (1 - betas).cumprod(0) -> 1 - betas
        | abar[k], -> abar[k - 1] * (1 - betas[k - 1]),
    product of the betas themselves | (1 - betas).cumprod(0) -> betas.cumprod(0)
        | abar[k], -> abar[k - 1] * (1 - betas[k - 1]),
    one k for all examples | abar = torch.cat -> k = k[:1].expand(len(k));
        abar = torch.cat
    one k for all examples | abar = torch.cat -> k = k.max().expand(len(k));
        abar = torch.cat
    k along the last axis | axes = (-1, *[1] * (x.ndim - 1))
        -> axes = ((-1, *[1] * (x.ndim - 1))
            if x.ndim == 1 or x.shape[-1] != len(k) else (-1,))
    variance of the step forward | beta * (1 - before) / (1 - now) -> beta
    variance of the noise so far | beta * (1 - before) / (1 - now) -> 1 - before
    variance of the noise so far | beta * (1 - before) / (1 - now) -> 1 - now
    standard deviation in place of the variance | beta * (1 - before) / (1 - now)
        -> (beta * (1 - before) / (1 - now)).sqrt()
    logarithm of what is due | beta * (1 - before) / (1 - now)
        -> (beta * (1 - before) / (1 - now)).log()
    weights exchanged | of_x.view(axes) * x + of_x_k.view(axes) * x_k
        -> of_x_k.view(axes) * x + of_x.view(axes) * x_k
    weights exchanged | before.sqrt() * beta / (1 - now)
        -> before.sqrt() * (1 - before) / (1 - now)
        | (1 - beta).sqrt() * (1 - before) -> (1 - beta).sqrt() * beta
    root of the step left out | (1 - beta).sqrt() -> (1 - beta)
    root of the data's share left out | before.sqrt() -> before
    root of the data's share left out, and root of the step left out
        | before.sqrt() -> before | (1 - beta).sqrt() -> (1 - beta)
    data not shrunk | before.sqrt() * beta -> beta
    weights exchanged | * x + of_x_k.view(axes) * x_k
        -> * x_k + of_x_k.view(axes) * x
    mean of the prior alone | mean = of_x.view(axes) * x + of_x_k.view(axes) * x_k
        -> mean = before.sqrt().view(axes) * x
    the measurement alone | mean = of_x.view(axes) * x + of_x_k.view(axes) * x_k
        -> mean = x_k / (1 - beta).sqrt().view(axes)
    mean without the last division | before.sqrt() * beta / (1 - now)
        -> before.sqrt() * beta
        | (1 - beta).sqrt() * (1 - before) / (1 - now)
        -> (1 - beta).sqrt() * (1 - before)
    wrong sum below the line | beta * (1 - before) / (1 - now)
        -> beta * (1 - before) / (1 - before + beta)
    wrong sum below the line | beta, now, before = betas[k - 1], abar[k], abar[k - 1]
        -> beta, now, before = betas[k - 1], 1 - betas[k - 1], abar[k - 1]
    wrong sum below the line | beta * (1 - before) / (1 - now)
        -> beta * (1 - before) / (1 - now).sqrt()
    batch axis lost | return mean, beta * (1 - before) / (1 - now)
        -> return mean.squeeze(0), beta * (1 - before) / (1 - now)
    wrong shape | return mean, beta * (1 - before) / (1 - now)
        -> return mean, (beta * (1 - before) / (1 - now)).view(axes)
    wrong shape | return mean, beta * (1 - before) / (1 - now)
        -> return mean, (beta * (1 - before) / (1 - now)).view(axes).expand_as(x)
    wrong dtype | return mean, -> return mean.double(),
    not to the digits asked for | betas).cumprod(0) -> betas).float().cumprod(0).to(x)
    cut off from the graph | mean = of_x -> x = x.detach(); mean = of_x
    cut off from the graph | * x + of_x_k.view(axes) * x_k
        -> * x + of_x_k.view(axes) * x_k.detach()
    """,
        (
            "k = 1 left out",
            "return mean, beta * (1 - before) / (1 - now)",
            "return mean, (beta * (1 - before) / (1 - now)).clamp(min=1e-10)",
        ),
        (
            "input changed in place",
            "abar = torch.cat",
            "k -= 1\n    k = k + 1\n    abar = torch.cat",
        ),
        (
            "global random state reseeded",
            "abar = torch.cat",
            "torch.manual_seed(0)\n    abar = torch.cat",
        ),
    )

    @wrong("estimated from samples")
    def drawn(x, x_k, k, betas):
        mean, var = Diff02.step_back(x, x_k, k, betas)
        return mean + 1e-3 * torch.randn_like(mean), var

    @wrong("result of an earlier call")
    @build
    def kept_by_length():
        kept = {}

        def step_back(x, x_k, k, betas):
            mean, var = Diff02.step_back(x, x_k, k, betas)
            return kept.setdefault((x.shape, x.dtype), mean), var

        return step_back
