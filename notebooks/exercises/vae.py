"""References, right variants and wrong versions for gmcourse.checks.vae."""

import math

import torch
from torch.distributions import Bernoulli, MultivariateNormal, Normal, kl_divergence
from torch.nn import functional as F

from . import build, reference, right, wrong


class Vae01:
    @reference
    def kl(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)

    @right
    def by_distributions(mean, log_var):
        q = Normal(mean, (log_var / 2).exp())
        return kl_divergence(q, Normal(0.0, 1.0)).sum(-1)

    @right
    def by_multivariate_normal(mean, log_var):
        q = MultivariateNormal(mean, scale_tril=torch.diag_embed((log_var / 2).exp()))
        p = MultivariateNormal(torch.zeros(mean.shape[1]), torch.eye(mean.shape[1]))
        return kl_divergence(q, p)

    @right
    def by_loops(mean, log_var):
        rows = []
        for m, s in zip(mean, log_var):
            total = 0.0
            for i in range(len(m)):
                total = total + (m[i] ** 2 + math.e ** s[i] - 1 - s[i]) / 2
            rows.append(total)
        return torch.stack(rows)

    @right
    def by_einsum(mean, log_var):
        squares = torch.einsum("bd,bd->b", mean, mean)
        return 0.5 * (squares + torch.expm1(log_var).sum(1) - log_var.sum(1))

    @right
    def by_entropies(mean, log_var):
        d = mean.shape[1]
        entropy = 0.5 * d * math.log(2 * math.pi * math.e) + 0.5 * log_var.sum(1)
        energy = 0.5 * (mean.square() + log_var.exp()).sum(1)
        return energy + 0.5 * d * math.log(2 * math.pi) - entropy

    @wrong("mean over the dimensions")
    def mean_over_dimensions(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).mean(1)

    @wrong("not summed over the dimensions")
    def per_dimension(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var)

    @wrong("reduced over the batch")
    def batch_mean(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1).mean()

    @wrong("reduced over the batch")
    def sum_of_all(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum()

    @wrong("reduced over the batch")
    def wrong_axis(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(0)

    @wrong("log variance read as log standard deviation")
    def log_std(mean, log_var):
        return 0.5 * (mean**2 + (2 * log_var).exp() - 1 - 2 * log_var).sum(1)

    @wrong("standard deviation in place of the variance")
    def half_twice(mean, log_var):
        log_var = log_var / 2
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)

    @wrong("arguments of the KL swapped")
    def reverse(mean, log_var):
        q = Normal(mean, (log_var / 2).exp())
        return kl_divergence(Normal(0.0, 1.0), q).sum(1)

    @wrong("sign flipped")
    def negative(mean, log_var):
        return 0.5 * (1 + log_var - mean**2 - log_var.exp()).sum(1)

    @wrong("sign of the log variance flipped")
    def plus_log_var(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 + log_var).sum(1)

    @wrong("factor one half lost")
    def without_half(mean, log_var):
        return (mean**2 + log_var.exp() - 1 - log_var).sum(1)

    @wrong("constant left out")
    def without_one(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - log_var).sum(1)

    @wrong("constant left out")
    def one_for_all_dimensions(mean, log_var):
        return 0.5 * ((mean**2 + log_var.exp() - log_var).sum(1) - mean.shape[1] + 1)

    @wrong("bits in place of nats")
    def bits(mean, log_var):
        nats = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)
        return nats / math.log(2)

    @wrong("estimated from samples")
    def monte_carlo(mean, log_var):
        q = Normal(mean, (log_var / 2).exp())
        z = q.rsample((1000,))
        return (q.log_prob(z) - Normal(0.0, 1.0).log_prob(z)).mean(0).sum(1)

    @wrong("mean not squared")
    def linear_mean(mean, log_var):
        return 0.5 * (mean + log_var.exp() - 1 - log_var).sum(1)

    @wrong("floor under the variance")
    def log_of_variance_plus_eps(mean, log_var):
        var = log_var.exp()
        return 0.5 * (mean**2 + var - 1 - torch.log(var + 1e-8)).sum(1)

    @wrong("floor under the variance")
    def clamped(mean, log_var):
        log_var = log_var.clamp(-20, 20)
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)

    @wrong("cut off from the graph")
    def detached(mean, log_var):
        with torch.no_grad():
            return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)

    @wrong("batch axis lost")
    def squeezed(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1).squeeze()

    @wrong("input changed in place")
    def in_place(mean, log_var):
        return 0.5 * (mean.pow_(2) + log_var.exp() - 1 - log_var).sum(1)


class Vae02:
    @reference
    def bernoulli_log_prob(logits, x):
        return (x * logits - F.softplus(logits)).sum(-1)

    @right
    def by_distributions(logits, x):
        return Bernoulli(logits=logits).log_prob(x.expand_as(logits)).sum(-1)

    @right
    def by_cross_entropy(logits, x):
        loss = F.binary_cross_entropy_with_logits(
            logits, x.expand_as(logits), reduction="none"
        )
        return -loss.sum(-1)

    @right
    def by_sign(logits, x):
        return F.logsigmoid((2 * x - 1) * logits).sum(-1)

    @right
    def by_loops(logits, x):
        k, b, d = logits.shape
        out = torch.zeros(k, b)
        for i in range(k):
            for j in range(b):
                for p in range(d):
                    chosen = logits[i, j, p] if x[j, p] == 1 else -logits[i, j, p]
                    out[i, j] = out[i, j] + F.logsigmoid(chosen)
        return out

    @right
    def by_einsum(logits, x):
        on = torch.einsum("kbd,bd->kb", F.logsigmoid(logits), x)
        return on + torch.einsum("kbd,bd->kb", F.logsigmoid(-logits), 1 - x)

    @right
    def by_log_softmax(logits, x):
        both = torch.stack([torch.zeros_like(logits), logits], -1).log_softmax(-1)
        index = x.long().expand(logits.shape)[..., None]
        return both.gather(-1, index).squeeze(-1).sum(-1)

    @wrong("mean over the pixels")
    def mean_over_pixels(logits, x):
        return F.logsigmoid((2 * x - 1) * logits).mean(-1)

    @wrong("not summed over the pixels")
    def per_pixel(logits, x):
        return F.logsigmoid((2 * x - 1) * logits)

    @wrong("summed over the images")
    def flattened(logits, x):
        return F.logsigmoid((2 * x - 1) * logits).flatten(1).sum(1)

    @wrong("codes averaged")
    def mean_over_codes(logits, x):
        return F.logsigmoid((2 * x - 1) * logits).sum(-1).mean(0)

    @wrong("negative log-likelihood returned")
    def loss(logits, x):
        x = x.expand_as(logits)
        return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)

    @wrong("zeros and ones swapped")
    def swapped(logits, x):
        return F.logsigmoid((1 - 2 * x) * logits).sum(-1)

    @wrong("sigmoid applied twice")
    def sigmoid_twice(logits, x):
        p, x = logits.sigmoid(), x.expand_as(logits)
        return -F.binary_cross_entropy_with_logits(p, x, reduction="none").sum(-1)

    @wrong("logits used as probabilities")
    def as_probabilities(logits, x):
        return (x * logits.log() + (1 - x) * (1 - logits).log()).sum(-1)

    @wrong("black pixels left out")
    def only_white(logits, x):
        return (x * F.logsigmoid(logits)).sum(-1)

    @wrong("squared error in place of the likelihood")
    def squared_error(logits, x):
        return -((x - logits.sigmoid()) ** 2).sum(-1)

    @wrong("squared error in place of the likelihood")
    def half_squared_error(logits, x):
        return -0.5 * ((x - logits.sigmoid()) ** 2).sum(-1)

    @wrong("bits in place of nats")
    def bits(logits, x):
        return F.logsigmoid((2 * x - 1) * logits).sum(-1) / math.log(2)

    @wrong("logarithm of a saturated sigmoid")
    def naive(logits, x):
        p = logits.sigmoid()
        return (x * p.log() + (1 - x) * (1 - p).log()).sum(-1)

    @wrong("logarithm of a saturated sigmoid")
    def naive_with_eps(logits, x):
        p = logits.sigmoid()
        return (x * (p + 1e-8).log() + (1 - x) * (1 - p + 1e-8).log()).sum(-1)

    @wrong("logarithm of a saturated sigmoid")
    def clamped_cross_entropy(logits, x):
        p, x = logits.sigmoid(), x.expand_as(logits)
        return -F.binary_cross_entropy(p, x, reduction="none").sum(-1)

    @wrong("logarithm of a saturated sigmoid")
    def clamped_logits(logits, x):
        logits = logits.clamp(-30, 30)
        return F.logsigmoid((2 * x - 1) * logits).sum(-1)

    @wrong("batch axis lost")
    def squeezed(logits, x):
        return F.logsigmoid((2 * x - 1) * logits).sum(-1).squeeze()

    @wrong("input changed in place")
    def in_place(logits, x):
        return F.logsigmoid(x.mul_(2).sub_(1) * logits).sum(-1)


class Vae03:
    @reference
    def reparameterize(mean, log_std, k):
        eps = torch.randn(k, *mean.shape, dtype=mean.dtype, device=mean.device)
        return mean + log_std.exp() * eps

    @right
    def by_rsample(mean, log_std, k):
        return Normal(mean, log_std.exp()).rsample((k,))

    @right
    def by_loops(mean, log_std, k):
        draws = []
        for _ in range(k):
            rows = []
            for m, s in zip(mean, log_std):
                entries = [a + b.exp() * torch.randn(()) for a, b in zip(m, s)]
                rows.append(torch.stack(entries))
            draws.append(torch.stack(rows))
        return torch.stack(draws)

    @right
    def by_einsum(mean, log_std, k):
        eps = torch.randn((*mean.shape, k), dtype=mean.dtype)
        return mean + torch.einsum("bd,bdk->kbd", log_std.exp(), eps)

    @right
    def by_addcmul(mean, log_std, k):
        shape = (k, *mean.shape)
        std = log_std.exp().expand(shape)
        return torch.addcmul(mean.expand(shape), std, torch.randn_like(std))

    @right
    def by_normal(mean, log_std, k):
        eps = torch.normal(0.0, 1.0, (k, *mean.shape)).to(mean)
        return (2 * log_std).exp().sqrt() * eps + mean

    @right
    def by_antithetic_sign(mean, log_std, k):
        eps = torch.randn(k, *mean.shape).abs()
        sign = torch.randint(0, 2, eps.shape) * 2 - 1
        return mean + log_std.exp() * eps * sign

    @wrong("sampled outside the graph")
    def under_no_grad(mean, log_std, k):
        with torch.no_grad():
            return mean + log_std.exp() * torch.randn(k, *mean.shape)

    @wrong("sampled outside the graph")
    def by_sample(mean, log_std, k):
        return Normal(mean, log_std.exp()).sample((k,))

    @wrong("a random node without a derivative")
    def torch_normal(mean, log_std, k):
        shape = (k, *mean.shape)
        return torch.normal(mean.expand(shape), log_std.exp().expand(shape))

    @wrong("mean cut off from the graph")
    def detached_mean(mean, log_std, k):
        return mean.detach() + log_std.exp() * torch.randn(k, *mean.shape)

    @wrong("standard deviation cut off from the graph")
    def detached_std(mean, log_std, k):
        return mean + log_std.exp().detach() * torch.randn(k, *mean.shape)

    @wrong("one noise for all draws")
    def shared_by_draws(mean, log_std, k):
        z = mean + log_std.exp() * torch.randn_like(mean)
        return z.expand(k, *mean.shape)

    @wrong("one noise for all draws")
    def scalar_noise(mean, log_std, k):
        return (mean + log_std.exp() * torch.randn(())).repeat(k, 1, 1)

    @wrong("one noise for all examples")
    def shared_by_examples(mean, log_std, k):
        return mean + log_std.exp() * torch.randn(k, 1, mean.shape[1])

    @wrong("one noise for all dimensions")
    def shared_by_dimensions(mean, log_std, k):
        return mean + log_std.exp() * torch.randn(k, mean.shape[0], 1)

    @wrong("one noise for all dimensions")
    def same_size_for_all_dimensions(mean, log_std, k):
        size = torch.randn(k, mean.shape[0], 1).abs()
        sign = torch.randint(0, 2, (k, *mean.shape)) * 2 - 1
        return mean + log_std.exp() * size * sign

    @wrong("noise fixed across calls")
    @build
    def kept_noise():
        kept = {}

        def reparameterize(mean, log_std, k):
            shape = (k, *mean.shape)
            eps = kept.setdefault(shape, torch.randn(shape)).to(mean.dtype)
            return mean + log_std.exp() * eps

        return reparameterize

    @wrong("noise fixed across calls")
    def own_generator(mean, log_std, k):
        g = torch.Generator().manual_seed(0)
        eps = torch.randn(k, *mean.shape, generator=g, dtype=mean.dtype)
        return mean + log_std.exp() * eps

    @wrong("global random state reseeded")
    def reseeded(mean, log_std, k):
        torch.manual_seed(0)
        return mean + log_std.exp() * torch.randn(k, *mean.shape)

    @wrong("noise of the wrong shape")
    def extra_axis(mean, log_std, k):
        eps = torch.randn(k, mean.shape[0], 1, mean.shape[1])
        return mean + log_std.exp() * eps

    @wrong("noise of the wrong shape")
    def axes_swapped(mean, log_std, k):
        eps = torch.randn(mean.shape[0], k, mean.shape[1])
        return mean[:, None] + log_std[:, None].exp() * eps

    @wrong("noise of the wrong shape")
    def one_draw(mean, log_std, k):
        return mean + log_std.exp() * torch.randn_like(mean)

    @wrong("uniform noise")
    def uniform(mean, log_std, k):
        return mean + log_std.exp() * torch.rand(k, *mean.shape)

    @wrong("uniform noise")
    def centered_uniform(mean, log_std, k):
        return mean + log_std.exp() * (2 * torch.rand(k, *mean.shape) - 1)

    @wrong("noise that is not normal")
    def uniform_of_variance_one(mean, log_std, k):
        eps = (torch.rand(k, *mean.shape) - 0.5) * 12**0.5
        return mean + log_std.exp() * eps

    @wrong("noise that is not normal")
    def laplace(mean, log_std, k):
        eps = torch.distributions.Laplace(0.0, 0.5**0.5).sample((k, *mean.shape))
        return mean + log_std.exp() * eps

    @wrong("log_std read as log variance")
    def half(mean, log_std, k):
        return mean + (0.5 * log_std).exp() * torch.randn(k, *mean.shape)

    @wrong("log_std used as the standard deviation")
    def without_exp(mean, log_std, k):
        return mean + log_std * torch.randn(k, *mean.shape)

    @wrong("standard deviation squared")
    def variance(mean, log_std, k):
        return mean + log_std.exp() ** 2 * torch.randn(k, *mean.shape)

    @wrong("standard deviation ignored")
    def unscaled(mean, log_std, k):
        return mean + torch.randn(k, *mean.shape)

    @wrong("softplus in place of exp")
    def softplus(mean, log_std, k):
        return mean + F.softplus(log_std) * torch.randn(k, *mean.shape)

    @wrong("mean not added")
    def centered(mean, log_std, k):
        z = log_std.exp() * torch.randn(k, *mean.shape)
        return z + 0 * mean

    @wrong("floor under the standard deviation")
    def with_floor(mean, log_std, k):
        std = log_std.exp() + 1e-3
        return mean + std * torch.randn(k, *mean.shape)

    @wrong("floor under the standard deviation")
    def clamped(mean, log_std, k):
        return mean + log_std.clamp(min=-6).exp() * torch.randn(k, *mean.shape)

    @wrong("input changed in place")
    def mean_in_place(mean, log_std, k):
        mean += 0.1 * log_std
        return mean + log_std.exp() * torch.randn(k, *mean.shape)

    @wrong("input changed in place")
    def std_in_place(mean, log_std, k):
        return mean + log_std.exp_() * torch.randn(k, *mean.shape)

    @wrong("gradients switched off globally")
    def grad_off(mean, log_std, k):
        torch.set_grad_enabled(False)
        return mean + log_std.exp() * torch.randn(k, *mean.shape)

    @wrong("wrong dtype")
    def to_float32(mean, log_std, k):
        z = mean + log_std.exp() * torch.randn(k, *mean.shape)
        return z.float()
