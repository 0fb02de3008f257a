"""References, right variants and wrong versions for gmcourse.checks.basics."""

import math

import numpy as np
import torch
from torch import nn
from torch.distributions import (
    Bernoulli,
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)
from torch.nn import functional as F

from . import build, reference, right, wrong


class Gm01:
    """A border belongs to the cell on its right: `bucketize` with `right=True` counts
    the borders that are not above x, so subtract one. Padding the log-densities with
    minus infinity on both sides takes care of everything outside."""

    @reference
    def histogram_log_prob(x, edges, counts):
        log_density = counts.log() - counts.sum().log() - edges.diff().log()
        nothing = torch.full((1,), -math.inf)
        padded = torch.cat([nothing, log_density, nothing])
        return padded[torch.bucketize(x, edges, right=True)]

    @right
    def by_loops(x, edges, counts):
        out = torch.full((len(x),), -math.inf)
        for i, value in enumerate(x.tolist()):
            for a in range(len(counts)):
                if edges[a] <= value < edges[a + 1] and counts[a] > 0:
                    share = counts[a] / counts.sum()
                    out[i] = math.log(share / (edges[a + 1] - edges[a]))
        return out

    @right
    def by_masks(x, edges, counts):
        inside = (x[:, None] >= edges[:-1]) & (x[:, None] < edges[1:])  # (b, m)
        height = counts / (edges[1:] - edges[:-1]) / counts.sum()
        return (inside.float() @ height).log()

    @right
    def by_numpy(x, edges, counts):
        heights = counts.numpy() / counts.sum().item() / np.diff(edges.numpy())
        cell = np.searchsorted(edges.numpy(), x.numpy(), side="right")
        with np.errstate(divide="ignore"):
            values = np.log(np.concatenate([[0.0], heights, [0.0]]))[cell]
        return torch.from_numpy(values.astype(np.float32))

    @wrong("probability of the cell in place of a density")
    def share(x, edges, counts):
        cell = torch.bucketize(x, edges, right=True) - 1
        inside = (cell >= 0) & (cell < len(counts))
        log_p = (counts / counts.sum()).log()[cell.clamp(0, len(counts) - 1)]
        return torch.where(inside, log_p, -math.inf)

    @wrong("one width for all cells")
    def mean_width(x, edges, counts):
        log_p = (counts / counts.sum()).log() - edges.diff().mean().log()
        nothing = torch.full((1,), -math.inf)
        return torch.cat([nothing, log_p, nothing])[
            torch.bucketize(x, edges, right=True)
        ]

    @wrong("one width for all cells")
    def first_width(x, edges, counts):
        log_p = (counts / counts.sum()).log() - (edges[1] - edges[0]).log()
        nothing = torch.full((1,), -math.inf)
        return torch.cat([nothing, log_p, nothing])[
            torch.bucketize(x, edges, right=True)
        ]

    @wrong("counts not divided by their sum")
    def per_length(x, edges, counts):
        nothing = torch.full((1,), -math.inf)
        log_p = torch.cat([nothing, (counts / edges.diff()).log(), nothing])
        return log_p[torch.bucketize(x, edges, right=True)]

    @wrong("right border taken in")
    def right_border(x, edges, counts):
        log_density = counts.log() - counts.sum().log() - edges.diff().log()
        nothing = torch.full((1,), -math.inf)
        padded = torch.cat([nothing, log_density, nothing])
        return padded[torch.bucketize(x, edges)]

    @wrong("right border taken in")
    def last_border_too(x, edges, counts):
        log_density = counts.log() - counts.sum().log() - edges.diff().log()
        nothing = torch.full((1,), -math.inf)
        padded = torch.cat([nothing, log_density, nothing])
        i = torch.bucketize(x, edges, right=True)
        return padded[torch.where(x == edges[-1], i - 1, i)]

    @wrong("outside taken for the nearest cell")
    def clamped(x, edges, counts):
        log_density = counts.log() - counts.sum().log() - edges.diff().log()
        cell = torch.bucketize(x, edges, right=True) - 1
        return log_density[cell.clamp(0, len(counts) - 1)]

    @wrong("zero replaced by a small number")
    def with_eps(x, edges, counts):
        height = counts / counts.sum() / edges.diff()
        nothing = torch.zeros(1)
        padded = torch.cat([nothing, height, nothing])
        return (padded[torch.bucketize(x, edges, right=True)] + 1e-8).log()

    @wrong("smoothed")
    def add_one(x, edges, counts):
        counts = counts + 1
        log_density = counts.log() - counts.sum().log() - edges.diff().log()
        nothing = torch.full((1,), -math.inf)
        padded = torch.cat([nothing, log_density, nothing])
        return padded[torch.bucketize(x, edges, right=True)]

    @wrong("negative logarithm returned")
    def loss(x, edges, counts):
        return -Gm01.histogram_log_prob(x, edges, counts)

    @wrong("density in place of its logarithm")
    def density(x, edges, counts):
        return Gm01.histogram_log_prob(x, edges, counts).exp()

    @wrong("bits in place of nats")
    def bits(x, edges, counts):
        return Gm01.histogram_log_prob(x, edges, counts) / math.log(2)

    @right
    def by_assignment(x, edges, counts):
        density = counts / (counts.sum() * edges.diff())
        out = torch.zeros_like(x)
        for a in range(len(counts)):
            out[(x >= edges[a]) & (x < edges[a + 1])] = density[a]
        return out.log()

    @wrong("multiplied by the width")
    def times_width(x, edges, counts):
        log_p = counts.log() - counts.sum().log() + edges.diff().log()
        nothing = torch.full((1,), -math.inf)
        padded = torch.cat([nothing, log_p, nothing])
        return padded[torch.bucketize(x, edges, right=True)]

    @wrong("does not integrate to one")
    def width_of_the_neighbor(x, edges, counts):
        log_p = counts.log() - counts.sum().log() - edges.diff().roll(1).log()
        nothing = torch.full((1,), -math.inf)
        padded = torch.cat([nothing, log_p, nothing])
        return padded[torch.bucketize(x, edges, right=True)]

    @wrong("counts not divided by their sum")
    def over_the_largest(x, edges, counts):
        shift = counts.sum().log() - counts.max().log()
        return Gm01.histogram_log_prob(x, edges, counts) + shift

    @wrong("order of the points lost")
    def sorted_points(x, edges, counts):
        return Gm01.histogram_log_prob(x.sort().values, edges, counts)

    @wrong("bits in place of nats")
    def base_ten(x, edges, counts):
        return Gm01.histogram_log_prob(x, edges, counts) / math.log(10)

    @wrong("wrong shape")
    def squeezed(x, edges, counts):
        return Gm01.histogram_log_prob(x, edges, counts).squeeze()


class Gm02:
    @reference
    def mixture_log_prob(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()  # (b, k, d)
        constant = 0.5 * math.log(2 * math.pi)
        each = (-0.5 * eps**2 - log_stds - constant).sum(-1)  # (b, k)
        return (log_w + each).logsumexp(-1)

    @right
    def by_distributions(x, log_w, means, log_stds):
        parts = Independent(Normal(means, log_stds.exp()), 1)
        return MixtureSameFamily(Categorical(logits=log_w), parts).log_prob(x)

    @right
    def by_multivariate_normal(x, log_w, means, log_stds):
        factor = torch.diag_embed(log_stds.exp())
        parts = MultivariateNormal(means, scale_tril=factor)
        return torch.logsumexp(parts.log_prob(x[:, None]) + log_w, 1)

    @right
    def by_loops(x, log_w, means, log_stds):
        out = None
        for j in range(len(log_w)):
            total = log_w[j]
            for i in range(x.shape[1]):
                z = (x[:, i] - means[j, i]) * (-log_stds[j, i]).exp()
                total = total - 0.5 * z * z - log_stds[j, i]
                total = total - 0.5 * math.log(2 * math.pi)
            out = total if out is None else torch.logaddexp(out, total)
        return out

    @right
    def by_hand(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2) + log_w
        top = each.amax(1, keepdim=True).detach()
        return (each - top).exp().sum(1).log() + top[:, 0]

    @wrong("logarithms averaged")
    def averaged(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return each @ log_w.exp()

    @wrong("weights left out")
    def unweighted(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return each.logsumexp(1)

    @wrong("weights left out")
    def equal_weights(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return each.logsumexp(1) - math.log(len(log_w))

    @wrong("weights used as logarithms")
    def log_of_log(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return (each + log_w.abs().log()).logsumexp(1)

    @wrong("best component only")
    def maximum(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return (each + log_w).amax(1)

    @wrong("standard deviations read as variances")
    def half(x, log_w, means, log_stds):
        each = Normal(means, (log_stds / 2).exp()).log_prob(x[:, None]).sum(2)
        return (each + log_w).logsumexp(1)

    @wrong("log_stds left out of the normalizer")
    def without_log_std(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()
        each = (-0.5 * eps**2 - 0.5 * math.log(2 * math.pi)).sum(-1)
        return (log_w + each).logsumexp(-1)

    @wrong("mean over the dimensions")
    def mean(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).mean(2)
        return (each + log_w).logsumexp(1)

    @wrong("constant left out")
    def without_constant(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()
        return (log_w + (-0.5 * eps**2 - log_stds).sum(-1)).logsumexp(-1)

    @wrong("constant counted once")
    def one_constant(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()
        each = (-0.5 * eps**2 - log_stds).sum(-1) - 0.5 * math.log(2 * math.pi)
        return (log_w + each).logsumexp(-1)

    @wrong("negative log-likelihood returned")
    def loss(x, log_w, means, log_stds):
        return -Gm02.mixture_log_prob(x, log_w, means, log_stds)

    @wrong("logarithm of an underflown density")
    def naive(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return (each.exp() @ log_w.exp()).log()

    @wrong("small number added to the density")
    def with_eps(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return (each.exp() @ log_w.exp() + 1e-12).log()

    @wrong("component chosen for each dimension")
    def product_of_mixtures(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None])
        return (each + log_w[:, None]).logsumexp(1).sum(1)

    @wrong("small number added to the density")
    def clamped(x, log_w, means, log_stds):
        return Gm02.mixture_log_prob(x, log_w, means, log_stds).clamp(min=-2e4)

    @wrong("components not summed")
    def per_component(x, log_w, means, log_stds):
        return Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2) + log_w

    @right
    def by_expanded_squares(x, log_w, means, log_stds):
        x, m, inverse = x.double(), means.double(), (-2 * log_stds).double().exp()
        square = x**2 @ inverse.T - 2 * x @ (m * inverse).T + (m**2 * inverse).sum(1)
        norm = log_stds.sum(1) + 0.5 * x.shape[1] * math.log(2 * math.pi)
        return torch.logsumexp(log_w - 0.5 * square - norm, 1).float()

    @wrong("gradient cut off")
    @torch.no_grad()
    def without_gradient(x, log_w, means, log_stds):
        return Gm02.mixture_log_prob(x, log_w, means, log_stds)

    @wrong("gradient cut off")
    def shift_detached_once(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2) + log_w
        top = each.amax(1, keepdim=True)
        return (each - top).exp().sum(1).log() + top[:, 0].detach()

    @wrong("logarithm of an underflown density")
    def one_shift_for_all(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2) + log_w
        top = each.max()
        return (each - top).exp().sum(1).log() + top

    @wrong("constant counted once")
    def constant_of_the_plane(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()
        each = (-0.5 * eps**2 - log_stds).sum(-1) - math.log(2 * math.pi)
        return (log_w + each).logsumexp(-1)

    @wrong("factor one half lost")
    def whole_square(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()
        each = (-(eps**2) - log_stds - 0.5 * math.log(2 * math.pi)).sum(-1)
        return (log_w + each).logsumexp(-1)

    @wrong("not the density of a Gaussian")
    def width_of_one_axis(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()
        each = (-0.5 * eps**2 - log_stds[:, :1] - 0.5 * math.log(2 * math.pi)).sum(-1)
        return (log_w + each).logsumexp(-1)

    @wrong("densities not mixed by their weights")
    def mean_over_components(x, log_w, means, log_stds):
        out = Gm02.mixture_log_prob(x, log_w, means, log_stds)
        return out - math.log(len(log_w))

    @wrong("weights used as logarithms")
    def plain_weights(x, log_w, means, log_stds):
        return Gm02.mixture_log_prob(x, log_w.exp(), means, log_stds)

    @wrong("wrong shape")
    def squeezed(x, log_w, means, log_stds):
        return Gm02.mixture_log_prob(x, log_w, means, log_stds).squeeze()


class Gm03:
    @reference
    def m_step(x, r):
        n_j = r.sum(0)
        w, means = n_j / len(x), (r.T @ x) / n_j[:, None]
        diff = x[:, None] - means  # (n, k, d)
        covs = torch.einsum("nk,nki,nkj->kij", r, diff, diff) / n_j[:, None, None]
        return w, means, covs

    @right
    def by_loops(x, r):
        n, k = r.shape
        w, means, covs = [], [], []
        for j in range(k):
            own = sum(r[i, j] for i in range(n))
            m = sum(r[i, j] * x[i] for i in range(n)) / own
            c = sum(r[i, j] * torch.outer(x[i] - m, x[i] - m) for i in range(n)) / own
            w.append(own / n), means.append(m), covs.append(c)
        return torch.stack(w), torch.stack(means), torch.stack(covs)

    @right
    def by_second_moments(x, r):
        share = (r / r.sum(0)).double()  # (n, k)
        means = share.T @ x.double()
        second = torch.einsum("nk,ni,nj->kij", share, x.double(), x.double())
        covs = second - means[:, :, None] * means[:, None, :]
        return r.mean(0), means.to(x), covs.to(x)

    @right
    def by_cov(x, r):
        covs = [x.T.cov(aweights=r[:, j], correction=0) for j in range(r.shape[1])]
        means = [(x * r[:, j, None]).sum(0) / r[:, j].sum() for j in range(r.shape[1])]
        return r.mean(0), torch.stack(means), torch.stack(covs)

    @right
    def as_list(x, r):
        share = r / r.sum(0)
        means = share.T @ x
        root = share.T.sqrt()[:, :, None] * (x - means[:, None])  # (k, n, d)
        return [r.sum(0) / r.sum(), means, root.mT @ root]

    @wrong("divided by all points")
    def mean_over_n(x, r):
        means = (r.T @ x) / len(x)
        diff = x[:, None] - means
        covs = torch.einsum("nk,nki,nkj->kij", r, diff, diff) / len(x)
        return r.mean(0), means, covs

    @wrong("divided by all points")
    def cov_over_n(x, r):
        w, means, covs = Gm03.m_step(x, r)
        return w, means, covs * w[:, None, None]

    @wrong("centered at the mean of all points")
    def global_center(x, r):
        w, means, _ = Gm03.m_step(x, r)
        diff = x - x.mean(0)
        covs = torch.einsum("nk,ni,nj->kij", r, diff, diff) / r.sum(0)[:, None, None]
        return w, means, covs

    @wrong("not centered")
    def raw_moments(x, r):
        w, means, _ = Gm03.m_step(x, r)
        covs = torch.einsum("nk,ni,nj->kij", r, x, x) / r.sum(0)[:, None, None]
        return w, means, covs

    @wrong("divided by one point less")
    def unbiased(x, r):
        w, means, covs = Gm03.m_step(x, r)
        n_j = r.sum(0)[:, None, None]
        return w, means, covs * n_j / (n_j - 1)

    @wrong("only the diagonal")
    def diagonal(x, r):
        w, means, covs = Gm03.m_step(x, r)
        return w, means, covs * torch.eye(x.shape[1])

    @wrong("only the diagonal")
    def variances(x, r):
        w, means, covs = Gm03.m_step(x, r)
        return w, means, covs.diagonal(dim1=1, dim2=2)

    @wrong("weights not normalized")
    def counts(x, r):
        _, means, covs = Gm03.m_step(x, r)
        return r.sum(0), means, covs

    @wrong("weights all equal")
    def equal(x, r):
        w, means, covs = Gm03.m_step(x, r)
        return torch.full_like(w, 1 / len(w)), means, covs

    @wrong("each point to its best component")
    def k_means(x, r):
        return Gm03.m_step(x, F.one_hot(r.argmax(1), r.shape[1]).to(x))

    @wrong("variance with a floor")
    def jitter(x, r):
        w, means, covs = Gm03.m_step(x, r)
        return w, means, covs + 1e-2 * torch.eye(x.shape[1])

    @wrong("responsibilities squared")
    def squared(x, r):
        w, means, _ = Gm03.m_step(x, r)
        diff = r[:, :, None] * (x[:, None] - means)
        covs = torch.einsum("nki,nkj->kij", diff, diff) / r.sum(0)[:, None, None]
        return w, means, covs

    @wrong("responsibilities squared")
    def squared_shares(x, r):
        w, means, _ = Gm03.m_step(x, r)
        share = r**2 / (r**2).sum(0)
        diff = x[:, None] - means
        return w, means, torch.einsum("nk,nki,nkj->kij", share, diff, diff)

    @wrong("not three tensors")
    def only_two(x, r):
        return Gm03.m_step(x, r)[1:]

    @right
    def by_numpy(x, r):
        x, r = x.double().numpy(), r.double().numpy()
        means = [np.average(x, axis=0, weights=own) for own in r.T]
        covs = [np.cov(x.T, aweights=own, bias=True) for own in r.T]
        out = r.mean(0), np.array(means), np.array(covs)
        return tuple(torch.tensor(v, dtype=torch.float32) for v in out)

    @wrong("variance with a floor")
    def a_millionth(x, r):
        w, means, covs = Gm03.m_step(x, r)
        return w, means, covs + 1e-6 * torch.eye(x.shape[1])

    @wrong("another matrix than the covariance")
    def spherical(x, r):
        w, means, covs = Gm03.m_step(x, r)
        size = covs.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
        return w, means, size * torch.eye(x.shape[1])

    @wrong("another matrix than the covariance")
    def shared(x, r):
        w, means, covs = Gm03.m_step(x, r)
        return w, means, (w[:, None, None] * covs).sum(0).expand_as(covs)

    @wrong("weights not normalized")
    def by_softmax(x, r):
        _, means, covs = Gm03.m_step(x, r)
        return r.sum(0).softmax(0), means, covs


class Gm04:
    @reference
    def posterior(log_lik, counts):
        log_prior = counts.log() - counts.sum().log()
        return (log_lik + log_prior).softmax(1)

    @right
    def by_logsumexp(log_lik, counts):
        joint = log_lik + (counts / counts.sum()).log()
        return (joint - joint.logsumexp(1, keepdim=True)).exp()

    @right
    def by_loops(log_lik, counts):
        rows = []
        for row in log_lik:
            top = row.max()
            terms = [int(m) * (v - top).exp() for v, m in zip(row, counts)]
            rows.append(torch.stack(terms) / sum(terms))
        return torch.stack(rows)

    @right
    def counts_suffice(log_lik, counts):
        shifted = (log_lik - log_lik.amax(1, keepdim=True)).exp() * counts
        return shifted / shifted.sum(1, keepdim=True)

    @right
    def by_categorical(log_lik, counts):
        return Categorical(logits=log_lik + counts.double().log()).probs.float()

    @wrong("prior left out")
    def no_prior(log_lik, counts):
        return log_lik.softmax(1)

    @wrong("prior added, not multiplied")
    def added(log_lik, counts):
        return (log_lik + counts / counts.sum()).softmax(1)

    @wrong("prior added, not multiplied")
    def added_counts(log_lik, counts):
        return (log_lik + counts).softmax(1)

    @wrong("prior counted twice")
    def twice(log_lik, counts):
        return (log_lik + 2 * counts.log()).softmax(1)

    @wrong("normalized over the examples")
    def wrong_axis(log_lik, counts):
        return (log_lik + counts.log()).softmax(0)

    @wrong("not normalized")
    def joint(log_lik, counts):
        return (log_lik + (counts / counts.sum()).log()).exp()

    @wrong("prior applied after normalizing")
    def after(log_lik, counts):
        return log_lik.softmax(1) * counts / counts.sum()

    @wrong("log posterior returned")
    def logarithms(log_lik, counts):
        return (log_lik + counts.log()).log_softmax(1)

    @wrong("only the winner")
    def winner(log_lik, counts):
        best = (log_lik + counts.log()).argmax(1)
        return F.one_hot(best, len(counts)).float()

    @wrong("exponential that underflows")
    def naive(log_lik, counts):
        joint = log_lik.exp() * counts
        return joint / joint.sum(1, keepdim=True)

    @wrong("one shift for all examples")
    def shifted_together(log_lik, counts):
        joint = (log_lik - log_lik.max()).exp() * counts
        return joint / joint.sum(1, keepdim=True)

    @wrong("exponential that overflows")
    def shifted_by_mean(log_lik, counts):
        joint = (log_lik - log_lik.mean(1, keepdim=True)).exp() * counts
        return joint / joint.sum(1, keepdim=True)

    @wrong("exponential that underflows")
    def clamped(log_lik, counts):
        joint = log_lik.clamp(min=-80).exp() * counts
        return joint / joint.sum(1, keepdim=True)

    @wrong("empty class smoothed")
    def laplace(log_lik, counts):
        return (log_lik + (counts + 1).log()).softmax(1)

    @right
    def by_numpy(log_lik, counts):
        log_lik, prior = log_lik.double().numpy(), (counts / counts.sum()).numpy()
        rows = []
        for row in log_lik:
            row = prior * np.exp(row - row[prior > 0].max())
            rows.append(np.where(prior > 0, row, 0.0) / row[prior > 0].sum())
        return torch.tensor(np.array(rows))

    @wrong("empty class cut out afterward")
    def zeroed(log_lik, counts):
        p = (log_lik + counts.clamp(min=1).log()).softmax(1)
        return torch.where(counts > 0, p, 0.0)

    @wrong("log-likelihoods rescaled")
    def in_bits(log_lik, counts):
        return (log_lik / math.log(2) + counts.log()).softmax(1)

    @wrong("exponential that overflows")
    def mean_in_double(log_lik, counts):
        log_lik = log_lik.double()
        joint = (log_lik - log_lik.mean(1, keepdim=True)).exp() * counts
        return joint / joint.sum(1, keepdim=True)

    @wrong("wrong shape")
    def squeezed(log_lik, counts):
        return (log_lik + counts.log()).softmax(1).squeeze()


def naive_bayes(fit=None, score=None, draw=None):
    """A class with some of the parts replaced."""

    class NaiveBayes:
        def __init__(self, x, c, classes, smoothing):
            one_hot = F.one_hot(c, classes).float()
            n_y = one_hot.sum(0)
            lit = one_hot.T @ x
            self.prior = n_y / len(x)
            self.probs = (lit + smoothing) / (n_y + 2 * smoothing)[:, None]
            if fit is not None:
                fit(self, x, c, classes, smoothing, lit, n_y)

        def log_joint(self, x):
            if score is not None:
                return score(self, x)
            each = Bernoulli(self.probs).log_prob(x[:, None])
            return each.sum(2) + self.prior.log()

        def sample(self, c):
            if draw is not None:
                return draw(self, c)
            return torch.bernoulli(self.probs[c])

    return NaiveBayes


class Gm05:
    @reference
    @build
    def reference():
        class NaiveBayes:
            def __init__(self, x, c, classes, smoothing):
                self.log_prior, self.logits = [], []
                for y in range(classes):
                    own = x[c == y]
                    lit = own.sum(0) + smoothing
                    dark = (1 - own).sum(0) + smoothing
                    self.log_prior.append(math.log(len(own) / len(x)))
                    self.logits.append(lit.log() - dark.log())
                self.log_prior = torch.tensor(self.log_prior)
                self.logits = torch.stack(self.logits)  # (classes, d)

            def log_joint(self, x):
                evidence = x @ self.logits.T - F.softplus(self.logits).sum(1)
                return self.log_prior + evidence

            def sample(self, c):
                return torch.bernoulli(self.logits[c].sigmoid())

        return NaiveBayes

    @right
    @build
    def by_distributions():
        return naive_bayes()

    @right
    @build
    def by_two_products():
        def score(self, x):
            lit, dark = self.probs.log(), (1 - self.probs).log()
            return x @ lit.T + (1 - x) @ dark.T + self.prior.log()

        return naive_bayes(score=score)

    @right
    @build
    def as_module_by_uniform_draws():
        base = naive_bayes()

        class NaiveBayes(nn.Module):
            def __init__(self, *args):
                super().__init__()
                self.inner = base(*args)

            def log_joint(self, x):
                return self.inner.log_joint(x)

            def sample(self, c):
                p = self.inner.probs[c]
                return (torch.rand_like(p) < p).long()

        return NaiveBayes

    @right
    @build
    def sampled_by_loops():
        def draw(self, c):
            p = self.probs.clamp(0, 1)
            noise = torch.rand(len(c), p.shape[1])
            return torch.stack([(u < p[y]).float() for u, y in zip(noise, c)])

        return naive_bayes(draw=draw)

    @wrong("dark pixels left out")
    @build
    def only_lit():
        def score(self, x):
            return x @ self.probs.log().T + self.prior.log()

        return naive_bayes(score=score)

    @wrong("prior left out")
    @build
    def no_prior():
        def score(self, x):
            return Bernoulli(self.probs).log_prob(x[:, None]).sum(2)

        return naive_bayes(score=score)

    @wrong("prior uniform")
    @build
    def uniform_prior():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.prior = torch.full((classes,), 1 / classes)

        return naive_bayes(fit)

    @wrong("prior smoothed")
    @build
    def smoothed_prior():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.prior = (n_y + smoothing) / (len(x) + classes * smoothing)

        return naive_bayes(fit)

    @wrong("not smoothed")
    @build
    def maximum_likelihood():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = lit / n_y[:, None]

        def score(self, x):
            lit, dark = self.probs.log(), (1 - self.probs).log()
            return x @ lit.T + (1 - x) @ dark.T + self.prior.log()

        return naive_bayes(fit, score)

    @wrong("not smoothed")
    @build
    def clamped():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = (lit / n_y[:, None]).clamp(1e-4, 1 - 1e-4)

        return naive_bayes(fit)

    @wrong("pseudo-count in the numerator alone")
    @build
    def numerator_only():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = (lit + smoothing) / n_y[:, None]

        def score(self, x):
            lit, dark = self.probs.log(), torch.log1p(-self.probs)
            return x @ lit.T + (1 - x) @ dark.T + self.prior.log()

        return naive_bayes(fit, score)

    @wrong("pseudo-counts that add up to smoothing")
    @build
    def half_each():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = (lit + smoothing / 2) / (n_y + smoothing)[:, None]

        return naive_bayes(fit)

    @wrong("pixels pooled over the classes")
    @build
    def pooled():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            p = (lit.sum(0) + smoothing) / (len(x) + 2 * smoothing)
            self.probs = p.expand(classes, -1)

        return naive_bayes(fit)

    @wrong("posterior in place of the joint")
    @build
    def conditional():
        def score(self, x):
            each = Bernoulli(self.probs).log_prob(x[:, None])
            return (each.sum(2) + self.prior.log()).log_softmax(1)

        return naive_bayes(score=score)

    @wrong("mean over the pixels")
    @build
    def averaged():
        def score(self, x):
            each = Bernoulli(self.probs).log_prob(x[:, None])
            return each.mean(2) + self.prior.log()

        return naive_bayes(score=score)

    @wrong("probabilities in place of draws")
    @build
    def gray():
        return naive_bayes(draw=lambda self, c: self.probs[c])

    @wrong("most likely image in place of a draw")
    @build
    def rounded():
        return naive_bayes(draw=lambda self, c: (self.probs[c] > 0.5).float())

    @wrong("one draw for all of a class")
    @build
    def copied():
        return naive_bayes(draw=lambda self, c: torch.bernoulli(self.probs)[c])

    @wrong("pseudo-count of one outcome alone")
    @build
    def lit_alone():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = (lit + smoothing) / (n_y[:, None] + smoothing)

        return naive_bayes(fit)

    @wrong("one noise for all pixels")
    @build
    def one_threshold():
        def draw(self, c):
            return (torch.rand(len(c), 1) < self.probs[c]).float()

        return naive_bayes(draw=draw)

    @wrong("label ignored")
    @build
    def any_class():
        def draw(self, c):
            y = torch.multinomial(self.prior, len(c), replacement=True)
            return torch.bernoulli(self.probs[y])

        return naive_bayes(draw=draw)

    @right
    @build
    def drawn_by_numpy():
        def draw(self, c):
            p = self.probs[c].double().numpy()
            return torch.from_numpy(np.random.binomial(1, p))  # noqa: NPY002

        return naive_bayes(draw=draw)

    @wrong("smoothing fixed at one")
    @build
    def laplace():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = (lit + 1) / (n_y + 2)[:, None]

        return naive_bayes(fit)

    @wrong("another rule of smoothing")
    @build
    def classes_below():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = (lit + smoothing) / (n_y + classes * smoothing)[:, None]

        return naive_bayes(fit)

    @wrong("not smoothed")
    @build
    def zeros_alone():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = torch.where(lit == 0, self.probs, lit / n_y[:, None])

        def score(self, x):
            p = self.probs.clamp(max=1 - 1e-6)
            return x @ p.log().T + (1 - x) @ (1 - p).log().T + self.prior.log()

        return naive_bayes(fit, score)

    @wrong("not smoothed")
    @build
    def drawn_from_the_counts():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.raw = lit / n_y[:, None]

        return naive_bayes(fit, draw=lambda self, c: torch.bernoulli(self.raw[c]))

    @wrong("training examples in place of draws")
    @build
    def remembered():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.own = [x[c == y] for y in range(classes)]

        def draw(self, c):
            out = torch.zeros(len(c), self.own[0].shape[1])
            for y, own in enumerate(self.own):
                here = (c == y).nonzero()[:, 0]
                out[here] = own[torch.randint(len(own), (len(here),))]
            return out

        return naive_bayes(fit, draw=draw)

    @wrong("drawn with other probabilities")
    @build
    def dark_for_lit():
        return naive_bayes(draw=lambda self, c: torch.bernoulli(1 - self.probs[c]))

    @wrong("one draw for several labels")
    @build
    def noise_for_two():
        def draw(self, c):
            u = torch.rand((len(c) + 1) // 2, self.probs.shape[1])
            return (u.repeat_interleave(2, 0)[: len(c)] < self.probs[c]).float()

        return naive_bayes(draw=draw)

    @wrong("one draw for several labels")
    @build
    def noise_twice():
        def draw(self, c):
            u = torch.rand((len(c) + 1) // 2, self.probs.shape[1])
            return (u.repeat(2, 1)[: len(c)] < self.probs[c]).float()

        return naive_bayes(draw=draw)

    @wrong("prior without a logarithm")
    @build
    def plain_prior():
        def score(self, x):
            return Bernoulli(self.probs).log_prob(x[:, None]).sum(2) + self.prior

        return naive_bayes(score=score)

    @wrong("not the logarithm of a probability")
    @build
    def probabilities():
        def score(self, x):
            each = Bernoulli(self.probs).log_prob(x[:, None]).sum(2)
            return (each + self.prior.log()).exp()

        return naive_bayes(score=score)

    @wrong("not the logarithm of a probability")
    @build
    def loss():
        def score(self, x):
            each = Bernoulli(self.probs).log_prob(x[:, None]).sum(2)
            return -each - self.prior.log()

        return naive_bayes(score=score)

    @wrong("bits in place of nats")
    @build
    def bits():
        def score(self, x):
            lit, dark = self.probs.log2(), (1 - self.probs).log2()
            return x @ lit.T + (1 - x) @ dark.T + self.prior.log2()

        return naive_bayes(score=score)


class Gm06:
    r"""With $r_{ij}$ the responsibilities,

    $$
    \frac{\partial}{\partial \mu_j} \log \sum_l \pi_l\, \mathcal N(x; \mu_l, \sigma_l^2)
      = \frac{\pi_j\, \mathcal N(x; \mu_j, \sigma_j^2)}{p(x)} \cdot
        \frac{x - \mu_j}{\sigma_j^2} = r_j\, \frac{x - \mu_j}{\sigma_j^2} .
    $$

    Set the sum over the data to zero with $r$ held fixed, and the M-step's mean comes
    out: EM jumps to where this gradient would vanish if the responsibilities stayed as
    they are."""

    @reference
    def mean_gradient(x, w, means, stds):
        gap = (x[:, None] - means) / stds  # (n, k)
        r = (w.log() - stds.log() - 0.5 * gap**2).softmax(1)
        return (r * gap / stds).sum(0)

    @right
    def by_autograd(x, w, means, stds):
        with torch.enable_grad():
            m = means.detach().clone().requires_grad_()
            parts = MixtureSameFamily(Categorical(w), Normal(m, stds))
            return torch.autograd.grad(parts.log_prob(x).sum(), m)[0]

    @right
    def by_loops(x, w, means, stds):
        out = torch.zeros(len(w))
        for value in x:
            logs = [
                math.log(a)
                - math.log(s)
                - float((value - m) ** 2) / (2 * float(s) ** 2)
                for a, m, s in zip(w, means, stds)
            ]
            top = max(logs)
            total = sum(math.exp(v - top) for v in logs)
            for j, v in enumerate(logs):
                share = math.exp(v - top) / total
                out[j] += share * float(value - means[j]) / float(stds[j]) ** 2
        return out

    @right
    def by_normal(x, w, means, stds):
        each = Normal(means, stds).log_prob(x[:, None]) + w.log()
        r = (each - each.logsumexp(1, keepdim=True)).exp()
        return torch.einsum("nk,nk->k", r, x[:, None] - means) / stds**2

    @wrong("weights left out of the responsibilities")
    def unweighted(x, w, means, stds):
        r = Normal(means, stds).log_prob(x[:, None]).softmax(1)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("divided by the standard deviation once")
    def by_std(x, w, means, stds):
        return Gm06.mean_gradient(x, w, means, stds) * stds

    @wrong("not divided by the variance")
    def undivided(x, w, means, stds):
        return Gm06.mean_gradient(x, w, means, stds) * stds**2

    @wrong("sign flipped")
    def negative(x, w, means, stds):
        return -Gm06.mean_gradient(x, w, means, stds)

    @wrong("mean over the data")
    def averaged(x, w, means, stds):
        return Gm06.mean_gradient(x, w, means, stds) / len(x)

    @wrong("points given to their best component")
    def hard(x, w, means, stds):
        each = Normal(means, stds).log_prob(x[:, None]) + w.log()
        r = F.one_hot(each.argmax(1), len(w)).to(x)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("every point pulls with full force")
    def all_points(x, w, means, stds):
        return ((x[:, None] - means) / stds**2).sum(0)

    @wrong("every point pulls with full force")
    def prior_weights(x, w, means, stds):
        return (w * (x[:, None] - means) / stds**2).sum(0)

    @wrong("normalized over the data")
    def wrong_axis(x, w, means, stds):
        r = (Normal(means, stds).log_prob(x[:, None]) + w.log()).softmax(0)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("widths left out of the responsibilities")
    def without_widths(x, w, means, stds):
        eps = (x[:, None] - means) / stds
        r = (w.log() - 0.5 * eps**2).softmax(1)
        return (r * eps / stds).sum(0)

    @wrong("densities that underflow")
    def naive(x, w, means, stds):
        p = Normal(means, stds).log_prob(x[:, None]).exp() * w
        r = p / p.sum(1, keepdim=True)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("densities that underflow")
    def with_eps(x, w, means, stds):
        p = Normal(means, stds).log_prob(x[:, None]).exp() * w
        r = p / (p.sum(1, keepdim=True) + 1e-30)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @right
    def by_numpy(x, w, means, stds):
        x, w, means, stds = (v.double().numpy() for v in (x, w, means, stds))
        logs = np.log(w / stds) - ((x[:, None] - means) / stds) ** 2 / 2
        r = np.exp(logs - np.logaddexp.reduce(logs, axis=1)[:, None])
        return torch.tensor((r * (x[:, None] - means) / stds**2).sum(0))

    @wrong("densities that underflow")
    def eps_above_and_below(x, w, means, stds):
        p = Normal(means, stds).log_prob(x[:, None]).exp() * w
        r = (p + 1e-30) / (p.sum(1, keepdim=True) + 1e-30)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("densities that underflow")
    def nearest_mean_where_zero(x, w, means, stds):
        p = Normal(means, stds).log_prob(x[:, None]).exp() * w
        near = F.one_hot((x[:, None] - means).abs().argmin(1), len(w)).to(x)
        total = p.sum(1, keepdim=True)
        r = torch.where(total > 0, p / total, near)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("weights added, not their logarithms")
    def plain_weights(x, w, means, stds):
        r = (Normal(means, stds).log_prob(x[:, None]) + w).softmax(1)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("not the derivative")
    def weighted_again(x, w, means, stds):
        return w * Gm06.mean_gradient(x, w, means, stds)

    @wrong("not the derivative")
    def new_means(x, w, means, stds):
        r = (Normal(means, stds).log_prob(x[:, None]) + w.log()).softmax(1)
        return r.T @ x / r.sum(0)


FORWARD, REVERSE = (1.1, 2.665**0.5), (1.35234, 1.45146)


def four(forward=FORWARD, reverse=REVERSE):
    return (*forward, *reverse)


class Gm07:
    """Forward, the moments: the mean is 0.3 · (-1) + 0.7 · 2 = 1.1, the second moment
    0.3 · (0.25 + 1) + 0.7 · (1 + 4) = 3.875, the variance 3.875 - 1.21 = 2.665.

    Reverse, the minimum is found in a few dozen steps of any optimizer. It lies nearer
    to the larger component and is narrower, but it has not let go of the smaller one:
    the two overlap. Move them apart and watch the reverse optimum split."""

    @reference
    @build
    def reference():
        forward_mean = 0.3 * -1 + 0.7 * 2
        second = 0.3 * (0.5**2 + 1**2) + 0.7 * (1**2 + 2**2)
        forward_std = math.sqrt(second - forward_mean**2)

        u = torch.linspace(-12, 14, 2601, dtype=torch.float64)
        humps = [(0.3, -1.0, 0.5), (0.7, 2.0, 1.0)]
        log_p = [math.log(w) + Normal(m, s).log_prob(u) for w, m, s in humps]
        log_p = torch.stack(log_p).logsumexp(0)
        at = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
        adam = torch.optim.Adam([at], lr=0.05)
        for _ in range(500):
            mean, log_std = at
            log_q = Normal(mean, log_std.exp()).log_prob(u)
            kl = torch.trapezoid(log_q.exp() * (log_q - log_p), u)
            adam.zero_grad()
            kl.backward()
            adam.step()
        reverse_mean, reverse_std = at[0].item(), at[1].exp().item()
        return forward_mean, forward_std, reverse_mean, reverse_std

    @right
    @build
    def rounded_to_three_decimals():
        return 1.1, 1.632, 1.352, 1.451

    @right
    @build
    def by_grid_search():
        u = torch.linspace(-12, 14, 1301, dtype=torch.float64)
        p = 0.3 * Normal(-1.0, 0.5).log_prob(u).exp()
        p = p + 0.7 * Normal(2.0, 1.0).log_prob(u).exp()
        means = torch.linspace(1.345, 1.36, 16, dtype=torch.float64)[:, None, None]
        stds = torch.linspace(1.44, 1.46, 21, dtype=torch.float64)[:, None]
        log_q = Normal(means, stds).log_prob(u)
        kl = (log_q.exp() * (log_q - p.log())).sum(-1)
        best = int(kl.argmin())
        back = means.flatten()[best // 21].item(), stds.flatten()[best % 21].item()
        return four(reverse=back)

    @right
    @build
    def tensors():
        return tuple(torch.tensor(v) for v in four())

    @wrong("spread between the components forgotten")
    @build
    def mean_variance():
        return four((1.1, math.sqrt(0.3 * 0.25 + 0.7)))

    @wrong("variance in place of the standard deviation")
    @build
    def variance():
        return four((1.1, 2.665))

    @wrong("variance in place of the standard deviation")
    @build
    def reverse_variance():
        return four(reverse=(REVERSE[0], REVERSE[1] ** 2))

    @wrong("standard deviations averaged")
    @build
    def mean_std():
        return four((1.1, 0.3 * 0.5 + 0.7 * 1.0))

    @wrong("the larger component")
    @build
    def larger():
        return four(reverse=(2.0, 1.0))

    @wrong("components weighted equally")
    @build
    def equal():
        return four((0.5, 1.6956))

    @wrong("directions exchanged")
    @build
    def exchanged():
        return four(REVERSE, FORWARD)

    @wrong("one answer for both")
    @build
    def same():
        return four(reverse=FORWARD)

    @wrong("not the minimum")
    @build
    def stopped_early():
        return four(reverse=(1.30, 1.50))

    @wrong("not the minimum")
    @build
    def two_decimals():
        return four(reverse=(1.35, 1.45))

    @wrong("mean not subtracted")
    @build
    def second_moment():
        return four((1.1, math.sqrt(3.875)))

    @wrong("weights exchanged")
    @build
    def other_weights():
        return four((0.7 * -1 + 0.3 * 2, math.sqrt(0.7 * 0.25 + 0.3 + 0.21 * 9)))


class Gm08:
    """The line that makes `r` lacks `w.log()`: the E-step took every component as
    equally frequent. The M-step then is the right one for the wrong responsibilities,
    and the likelihood is no longer what is being climbed."""

    @reference
    def em_step(x, w, means, stds):
        gap = (x[:, None] - means) / stds
        log_joint = w.log() - 0.5 * gap**2 - stds.log()
        r = log_joint.softmax(1)
        n_j = r.sum(0)
        means = (r * x[:, None]).sum(0) / n_j
        var = (r * (x[:, None] - means) ** 2).sum(0) / n_j
        return n_j / len(x), means, var.sqrt()

    @right
    def by_distributions(x, w, means, stds):
        joint = Normal(means, stds).log_prob(x[:, None]) + w.log()
        r = (joint - joint.logsumexp(1, keepdim=True)).exp()
        share = r / r.sum(0)
        new = x @ share
        return r.mean(0), new, (x**2 @ share - new**2).sqrt()

    @right
    def by_probabilities(x, w, means, stds):
        p = w * Normal(means, stds).log_prob(x[:, None]).exp()
        r = p / p.sum(1, keepdim=True)
        new = (r * x[:, None]).sum(0) / r.sum(0)
        var = (r * (x[:, None] - new).square()).sum(0) / r.sum(0)
        return r.sum(0) / r.sum(), new, var**0.5

    @right
    def by_loops(x, w, means, stds):
        k, out = len(w), []
        logs = [w[j].log() + Normal(means[j], stds[j]).log_prob(x) for j in range(k)]
        total = torch.stack(logs).logsumexp(0)
        for j in range(k):
            r = (logs[j] - total).exp()
            m = (r * x).sum() / r.sum()
            s = ((r * (x - m) ** 2).sum() / r.sum()).sqrt()
            out.append((r.mean(), m, s))
        return tuple(torch.stack(v) for v in zip(*out))

    @wrong("weights left out of the E-step")
    def as_given(x, w, means, stds):
        gap = (x[:, None] - means) / stds
        log_density = -0.5 * gap**2 - stds.log()
        r = log_density.softmax(1)
        n_j = r.sum(0)
        means = (r * x[:, None]).sum(0) / n_j
        var = (r * (x[:, None] - means) ** 2).sum(0) / n_j
        return n_j / len(x), means, var.sqrt()

    @wrong("weights not returned as shares")
    def counts(x, w, means, stds):
        w, means, stds = Gm08.em_step(x, w, means, stds)
        return w * len(x), means, stds

    @wrong("responsibilities normalized over the data")
    def wrong_axis(x, w, means, stds):
        gap = (x[:, None] - means) / stds
        r = (w.log() - 0.5 * gap**2 - stds.log()).softmax(0)
        new = (r * x[:, None]).sum(0) / r.sum(0)
        var = (r * (x[:, None] - new) ** 2).sum(0) / r.sum(0)
        return r.sum(0) / len(x), new, var.sqrt()

    @wrong("weights squared")
    def squared(x, w, means, stds):
        return Gm08.em_step(x, w**2, means, stds)

    @wrong("widths left out of the density")
    def without_width(x, w, means, stds):
        gap = (x[:, None] - means) / stds
        r = (w.log() - 0.5 * gap**2).softmax(1)
        new = (r * x[:, None]).sum(0) / r.sum(0)
        var = (r * (x[:, None] - new) ** 2).sum(0) / r.sum(0)
        return r.mean(0), new, var.sqrt()

    @wrong("variance in place of the standard deviation")
    def variance(x, w, means, stds):
        w, means, stds = Gm08.em_step(x, w, means, stds)
        return w, means, stds**2

    @wrong("variance around the old mean")
    def old_mean(x, w, means, stds):
        joint = Normal(means, stds).log_prob(x[:, None]) + w.log()
        r = joint.softmax(1)
        var = (r * (x[:, None] - means) ** 2).sum(0) / r.sum(0)
        return r.mean(0), (r * x[:, None]).sum(0) / r.sum(0), var.sqrt()

    @wrong("parameters not updated")
    def means_kept(x, w, means, stds):
        new_w, _, new_stds = Gm08.em_step(x, w, means, stds)
        return new_w, means.clone(), new_stds

    @wrong("parameters not updated")
    def weights_kept(x, w, means, stds):
        _, new_means, new_stds = Gm08.em_step(x, w, means, stds)
        return w.clone(), new_means, new_stds

    @wrong("not three tensors")
    def forgot_the_widths(x, w, means, stds):
        return Gm08.em_step(x, w, means, stds)[:2]

    @right
    def by_numpy(x, w, means, stds):
        x, w, means, stds = (v.double().numpy() for v in (x, w, means, stds))
        p = w / stds * np.exp(-(((x[:, None] - means) / stds) ** 2) / 2)
        r = p / p.sum(1, keepdims=True)
        new = r.T @ x / r.sum(0)
        var = (r * (x[:, None] - new) ** 2).sum(0) / r.sum(0)
        return [torch.tensor(v) for v in (r.mean(0), new, var**0.5)]

    @wrong("weights added, not their logarithms")
    def plain_weights(x, w, means, stds):
        return Gm08.em_step(x, w.exp(), means, stds)

    @wrong("responsibilities not normalized")
    def weighted_afterward(x, w, means, stds):
        r = w * Normal(means, stds).log_prob(x[:, None]).softmax(1)
        new = (r * x[:, None]).sum(0) / r.sum(0)
        var = (r * (x[:, None] - new) ** 2).sum(0) / r.sum(0)
        return r.mean(0), new, var.sqrt()

    @wrong("responsibilities not normalized")
    def weighted_afterward_shares(x, w, means, stds):
        new_w, new, deviations = Gm08.weighted_afterward(x, w, means, stds)
        return new_w / new_w.sum(), new, deviations

    @wrong("divided by one point less")
    def unbiased(x, w, means, stds):
        new_w, new, deviations = Gm08.em_step(x, w, means, stds)
        n_j = new_w * len(x)
        return new_w, new, deviations * (n_j / (n_j - 1)).sqrt()

    @wrong("not the top of the bound")
    def whole_square(x, w, means, stds):
        gap = (x[:, None] - means) / stds
        r = (w.log() - gap**2 - stds.log()).softmax(1)
        new = (r * x[:, None]).sum(0) / r.sum(0)
        var = (r * (x[:, None] - new) ** 2).sum(0) / r.sum(0)
        return r.mean(0), new, var.sqrt()

    @wrong("not the top of the bound")
    def half_a_step(x, w, means, stds):
        new = Gm08.em_step(x, w, means, stds)
        return [(a + b) / 2 for a, b in zip(new, (w, means, stds))]


class Gm09:
    """1. The second term is e⁻⁴⁵⁰ of the first: the loss is log 50 = 3.912 nats.
    2. 3.912 / (784 log 2) = 0.0072 bits per pixel: less than one in the second
    decimal, where results are usually cut off. 3. e¹⁰, about 22,000: a model ten nats
    ahead may draw noise in all but one of 22,000 cases and still break even."""

    @reference
    @build
    def reference():
        lost_nats = -math.log(0.02)
        lost_bits_per_dim = lost_nats / (28 * 28 * math.log(2))
        one_in = math.exp(100 - 90)
        return lost_nats, lost_bits_per_dim, one_in

    @right
    @build
    def in_float64():
        coins = -784 * math.log(2)
        mixed = np.logaddexp(math.log(0.02) - 90, math.log(0.98) + coins)
        return -90 - mixed, (-90 - mixed) / 784 / math.log(2), 22026.47

    @right
    @build
    def rounded():
        return 3.912, 0.0071987, 22026

    @right
    @build
    def by_bits():
        bits = math.log2(50)
        return bits * math.log(2), bits / 784, torch.tensor(10.0).exp()

    @wrong("bits in place of nats")
    @build
    def log2():
        return math.log2(50), math.log2(50) / 784, math.exp(10)

    @wrong("sign flipped")
    @build
    def negative():
        return math.log(0.02), math.log(0.02) / 784 / math.log(2), math.exp(10)

    @wrong("sign flipped")
    @build
    def negative_bits():
        return math.log(50), math.log(0.02) / 784 / math.log(2), math.exp(10)

    @wrong("the share of noise in place of that of the model")
    @build
    def noise_share():
        return -math.log(0.98), -math.log2(0.98) / 784, math.exp(10)

    @wrong("log-likelihoods averaged")
    @build
    def averaged():
        lost = 0.98 * (784 * math.log(2) - 90)
        return lost, lost / 784 / math.log(2), math.exp(10)

    @wrong("nats in place of bits")
    @build
    def nats_per_dim():
        return math.log(50), math.log(50) / 784, math.exp(10)

    @wrong("not divided by the number of pixels")
    @build
    def whole_image():
        return math.log(50), math.log2(50), math.exp(10)

    @wrong("divided by one side of the image")
    @build
    def one_side():
        return math.log(50), math.log2(50) / 28, math.exp(10)

    @wrong("logarithm in place of the number")
    @build
    def logarithm():
        return math.log(50), math.log2(50) / 784, 10.0

    @wrong("power of two")
    @build
    def binary():
        return math.log(50), math.log2(50) / 784, 2.0**10

    @wrong("share in place of one in how many")
    @build
    def share():
        return math.log(50), math.log2(50) / 784, math.exp(-10)

    @wrong("log-likelihood in place of the loss")
    @build
    def what_is_left():
        return -90 - math.log(50), math.log2(50) / 784, math.exp(10)

    @wrong("log-likelihood in place of the loss")
    @build
    def bits_of_all():
        return math.log(50), (90 + math.log(50)) / 784 / math.log(2), math.exp(10)

    @wrong("number in place of its logarithm")
    @build
    def fifty():
        return 50.0, math.log2(50) / 784, math.exp(10)

    @wrong("not the loss of the dilution")
    @build
    def share_of_the_nats():
        return 0.02 * 90, 0.02 * 90 / 784 / math.log(2), math.exp(10)

    @wrong("nats in place of bits")
    @build
    def times_log_two():
        return math.log(50), math.log(50) * math.log(2) / 784, math.exp(10)

    @wrong("ratio of the log-likelihoods")
    @build
    def ratio():
        return math.log(50), math.log2(50) / 784, 100 / 90

    @wrong("not where the two are equal")
    @build
    def power_of_ten():
        return math.log(50), math.log2(50) / 784, 10.0**10

    @wrong("bits in place of nats")
    @build
    def log10():
        return math.log10(50), math.log2(50) / 784, math.exp(10)


class Gm10:
    @reference
    def log_prob_seen(x, seen, log_w, logits):
        x = torch.where(seen, x, 0.0)  # NaN times 0 would be NaN
        log_on, log_off = F.logsigmoid(logits), F.logsigmoid(-logits)
        lit, dark = x, seen.to(x) - x  # each 1 only where it was seen
        each = lit @ log_on.T + dark @ log_off.T  # (b, k)
        return (log_w + each).logsumexp(1)

    @right
    def by_softplus(x, seen, log_w, logits):
        on = seen.float()
        x = torch.nan_to_num(x) * on
        return (log_w + x @ logits.T - on @ F.softplus(logits).T).logsumexp(1)

    @right
    def by_distributions(x, seen, log_w, logits):
        x = torch.where(seen, x, torch.zeros_like(x))
        each = Bernoulli(logits=logits).log_prob(x[:, None])  # (b, k, d)
        each = torch.where(seen[:, None], each, 0.0).sum(2)
        return torch.logsumexp(each + log_w, dim=1)

    @right
    def by_loops(x, seen, log_w, logits):
        rows = []
        for image, mask in zip(x, seen):
            parts = []
            for j in range(len(log_w)):
                total = log_w[j]
                for i in range(len(image)):
                    if mask[i]:
                        sign = 1.0 if image[i] == 1 else -1.0
                        total = total + F.logsigmoid(sign * logits[j, i])
                parts.append(total)
            rows.append(torch.stack(parts).logsumexp(0))
        return torch.stack(rows)

    @right
    def by_selection(x, seen, log_w, logits):
        rows = []
        for image, mask in zip(x, seen):
            sign = 2 * image[mask] - 1
            rows.append(F.logsigmoid(sign * logits[:, mask]).sum(1) + log_w)
        return torch.stack(rows).logsumexp(1)

    @wrong("one mask for all images")
    def seen_in_all(x, seen, log_w, logits):
        return Gm10.log_prob_seen(x, seen.all(0).expand_as(seen), log_w, logits)

    @wrong("one mask for all images")
    def first_mask(x, seen, log_w, logits):
        return Gm10.log_prob_seen(x, seen[:1].expand_as(seen), log_w, logits)

    @wrong("unseen pixels taken as dark")
    def as_dark(x, seen, log_w, logits):
        x = torch.where(seen, x, 0.0)
        return Gm10.log_prob_seen(x, torch.ones_like(seen), log_w, logits)

    @wrong("unseen pixels taken as half lit")
    def as_half(x, seen, log_w, logits):
        x = torch.where(seen, x, 0.5)
        return (log_w + x @ logits.T - F.softplus(logits).sum(1)).logsumexp(1)

    @wrong("unseen values leak in")
    def multiplied(x, seen, log_w, logits):
        on = seen.float()
        return (log_w + (x * on) @ logits.T - on @ F.softplus(logits).T).logsumexp(1)

    @wrong("unseen values leak in")
    def half_masked(x, seen, log_w, logits):
        on, x = seen.float(), torch.nan_to_num(x, nan=1.0)
        return (log_w + x @ logits.T - on @ F.softplus(logits).T).logsumexp(1)

    @wrong("scaled up to all pixels")
    def scaled(x, seen, log_w, logits):
        out = Gm10.log_prob_seen(x, seen, log_w, logits)
        return out * x.shape[1] / seen.sum(1).clamp(min=1)

    @wrong("scaled up to all pixels")
    def scaled_inside(x, seen, log_w, logits):
        on = seen.float()
        x = torch.where(seen, x, 0.0)
        each = x @ logits.T - on @ F.softplus(logits).T
        each = each * x.shape[1] / seen.sum(1, keepdim=True).clamp(min=1)
        return (log_w + each).logsumexp(1)

    @wrong("weights left out")
    def unweighted(x, seen, log_w, logits):
        same = torch.full_like(log_w, -math.log(len(log_w)))
        return Gm10.log_prob_seen(x, seen, same, logits)

    @wrong("logarithms averaged over the components")
    def averaged(x, seen, log_w, logits):
        on, x = seen.float(), torch.where(seen, x, 0.0)
        each = x @ logits.T - on @ F.softplus(logits).T
        return each @ log_w.exp()

    @wrong("best component only")
    def best(x, seen, log_w, logits):
        on, x = seen.float(), torch.where(seen, x, 0.0)
        return (log_w + x @ logits.T - on @ F.softplus(logits).T).amax(1)

    @wrong("pixels mixed one by one")
    def pixelwise(x, seen, log_w, logits):
        p = log_w.exp() @ logits.sigmoid()
        x = torch.where(seen, x, 0.0)
        each = torch.where(x == 1, p, 1 - p).log()
        return torch.where(seen, each, 0.0).sum(1)

    @wrong("logarithm of a saturated sigmoid")
    def naive(x, seen, log_w, logits):
        p = logits.sigmoid()
        x = torch.where(seen, x, 0.0)[:, None]
        each = (torch.where(x == 1, p, 1 - p)).log()
        each = torch.where(seen[:, None], each, 0.0).sum(2)
        return (each + log_w).logsumexp(1)

    @wrong("logarithm of a saturated sigmoid")
    def clamped(x, seen, log_w, logits):
        return Gm10.log_prob_seen(x, seen, log_w, logits.clamp(-20, 20))

    @wrong("negative log-likelihood returned")
    def loss(x, seen, log_w, logits):
        return -Gm10.log_prob_seen(x, seen, log_w, logits)

    @right
    def by_cross_entropy(x, seen, log_w, logits):
        x = x.masked_fill(~seen, 0.0)[:, None].expand(-1, len(log_w), -1)
        each = logits.expand(len(x), -1, -1)
        each = -F.binary_cross_entropy_with_logits(each, x, reduction="none")
        return (each.masked_fill(~seen[:, None], 0.0).sum(2) + log_w).logsumexp(1)

    @wrong("unseen values leak in")
    def only_nan_replaced(x, seen, log_w, logits):
        on, x = seen.float(), torch.where(x.isnan(), 0.0, x)
        return (log_w + (x * on) @ logits.T - on @ F.softplus(logits).T).logsumexp(1)

    @wrong("one shift for all images")
    def one_shift(x, seen, log_w, logits):
        on, x = seen.float(), torch.where(seen, x, 0.0)
        each = log_w + x @ logits.T - on @ F.softplus(logits).T
        return (each - each.max()).exp().sum(1).log() + each.max()

    @wrong("logarithm of a saturated sigmoid")
    def in_double(x, seen, log_w, logits):
        p, x = logits.double().sigmoid(), torch.where(seen, x, 0.0)[:, None]
        each = torch.where(x == 1, p, 1 - p).log()
        return (torch.where(seen[:, None], each, 0.0).sum(2) + log_w).logsumexp(1)

    @wrong("logarithm of a saturated sigmoid")
    def exponential_first(x, seen, log_w, logits):
        on, x = seen.float(), torch.where(seen, x, 0.0)
        return (log_w + x @ logits.T - on @ logits.exp().log1p().T).logsumexp(1)

    @wrong("mean over the pixels")
    def per_pixel(x, seen, log_w, logits):
        out = Gm10.log_prob_seen(x, seen, log_w, logits)
        return out / seen.sum(1).clamp(min=1)

    @wrong("dark pixels left out")
    def lit_alone(x, seen, log_w, logits):
        x = torch.where(seen, x, 0.0)
        return (log_w + x @ F.logsigmoid(logits).T).logsumexp(1)

    @wrong("not the probability of the image")
    def plain_weights(x, seen, log_w, logits):
        return Gm10.log_prob_seen(x, seen, log_w.exp(), logits)


class Gm11:
    r"""One point misses a given cell with probability $1 - 1/m$, where $m$ is
    `bins**d`; $n$ of them with $(1 - 1/m)^n$. The fresh point's cell has been visited
    with probability $1 - (1 - 1/m)^n \ge s$ exactly if
    $n \ge \log(1 - s) / \log(1 - 1/m)$, which is about $-m \log(1 - s)$: the number of
    points grows like the number of cells, exponentially in $d$."""

    @reference
    def points_needed(bins, d, share):
        cells = bins**d
        return math.ceil(math.log1p(-share) / math.log1p(-1 / cells))

    @right
    def by_bisection(bins, d, share):
        def enough(n):
            return -math.expm1(n * math.log1p(-1 / bins**d)) >= share

        low, high = 0, 1
        while not enough(high):
            high *= 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high

    @right
    def by_counting(bins, d, share):
        miss, n = 1.0, 0
        factor = 1 - bins**-d
        if bins**d > 10_000:  # too many to count one by one
            return Gm11.points_needed(bins, d, share)
        while 1 - miss < share:
            miss, n = miss * factor, n + 1
        return n

    @right
    def as_tensor(bins, d, share):
        m = torch.tensor(float(bins), dtype=torch.float64) ** d
        share = torch.tensor(share, dtype=torch.float64)
        return (torch.log1p(-share) / torch.log1p(-1 / m)).ceil().long()

    @wrong("cells counted as bins · d")
    def product(bins, d, share):
        return math.ceil(math.log1p(-share) / math.log1p(-1 / (bins * d)))

    @wrong("share of the cells in place of the probability")
    def linear(bins, d, share):
        return math.ceil(share * bins**d)

    @wrong("probability of missing in place of hitting")
    def missing(bins, d, share):
        return math.ceil(math.log(share) / math.log1p(-1 / bins**d))

    @wrong("rounded down")
    def floor(bins, d, share):
        return math.floor(math.log1p(-share) / math.log1p(-1 / bins**d))

    @wrong("rounded to the nearest")
    def nearest(bins, d, share):
        return round(math.log1p(-share) / math.log1p(-1 / bins**d))

    @wrong("one point too many")
    def plus_one(bins, d, share):
        return math.floor(math.log1p(-share) / math.log1p(-1 / bins**d)) + 2

    @wrong("exponential in place of the power")
    def poisson(bins, d, share):
        return math.ceil(-(bins**d) * math.log1p(-share))

    @wrong("not an integer")
    def real(bins, d, share):
        return math.log1p(-share) / math.log1p(-1 / bins**d)

    @right
    def by_trying(bins, d, share):
        m = bins**d
        n = max(0, int(-(m - 1) * math.log1p(-share)) - 2)
        while 1 - (1 - 1 / m) ** n < share:
            n += 1
        return n

    @wrong("one point too many")
    def floor_plus_one(bins, d, share):
        return math.floor(math.log1p(-share) / math.log1p(-1 / bins**d)) + 1

    @wrong("bins and d exchanged")
    def exchanged(bins, d, share):
        cells = max(d**bins, 2)
        return math.ceil(math.log1p(-share) / math.log1p(-1 / cells))

    @wrong("not the smallest number")
    def all_cells(bins, d, share):
        return math.ceil(share * bins**d * math.log(bins**d))

    @wrong("not the smallest number")
    def each_axis(bins, d, share):
        return math.ceil(math.log1p(-(share ** (1 / d))) / math.log1p(-1 / bins))


class Gm12:
    @reference
    def sample_mixture(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @right
    def by_distributions(n, w, means, stds):
        parts = Independent(Normal(means, stds), 1)
        return MixtureSameFamily(Categorical(w), parts).sample((n,))

    @right
    def by_uniform_numbers(n, w, means, stds):
        u = torch.rand(n)
        j = torch.searchsorted(w.cumsum(0), u).clamp(max=len(w) - 1)
        return torch.normal(means[j], stds[j])

    @right
    def by_loops(n, w, means, stds):
        rows = []
        noise = torch.randn(n, means.shape[1])
        for i, u in enumerate(torch.rand(n).tolist()):
            j, total = 0, float(w[0])
            while u > total and j < len(w) - 1:
                j += 1
                total += float(w[j])
            rows.append(means[j] + stds[j] * noise[i])
        return torch.stack(rows)

    @right
    def shuffled_counts(n, w, means, stds):
        counts = torch.bincount(torch.multinomial(w, n, True), minlength=len(w))
        rows = [
            m + s * torch.randn(int(c), means.shape[1])
            for c, m, s in zip(counts, means, stds)
        ]
        return torch.cat(rows)[torch.randperm(n)]

    @wrong("components averaged")
    def averaged(n, w, means, stds):
        draws = means + stds * torch.randn(n, *means.shape)
        return (w[:, None] * draws).sum(1)

    @wrong("components averaged")
    def moments(n, w, means, stds):
        mean = w @ means
        var = w @ (stds**2 + means**2) - mean**2
        return mean + var.sqrt() * torch.randn(n, means.shape[1])

    @wrong("one component for all draws")
    def one_choice(n, w, means, stds):
        j = torch.multinomial(w, 1)
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("components in fixed numbers, sorted")
    def sorted_blocks(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True).sort().values
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("components in fixed numbers, sorted")
    def exact_shares(n, w, means, stds):
        borders = (w.cumsum(0) * n).round()
        j = torch.bucketize(torch.arange(n), borders, right=True)
        j = j.clamp(max=len(w) - 1)
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("the same shares at each call")
    def shuffled_shares(n, w, means, stds):
        borders = (w.cumsum(0) * n).round()
        j = torch.bucketize(torch.arange(n), borders, right=True)
        j = j.clamp(max=len(w) - 1)[torch.randperm(n)]
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("weights left out")
    def equal(n, w, means, stds):
        j = torch.randint(len(w), (n,))
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("variances used as deviations")
    def squared(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j] ** 2 * torch.randn(n, means.shape[1])

    @wrong("variances used as deviations")
    def rooted(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j].sqrt() * torch.randn(n, means.shape[1])

    @wrong("one noise for all dimensions")
    def shared(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j] * torch.randn(n, 1)

    @wrong("component chosen for each dimension")
    def each_axis(n, w, means, stds):
        out = []
        for i in range(means.shape[1]):
            j = torch.multinomial(w, n, replacement=True)
            out.append(means[j, i] + stds[j, i] * torch.randn(n))
        return torch.stack(out, 1)

    @wrong("noise left out")
    def only_means(n, w, means, stds):
        return means[torch.multinomial(w, n, replacement=True)]

    @wrong("fixed across calls")
    def own_generator(n, w, means, stds):
        g = torch.Generator().manual_seed(0)
        j = torch.multinomial(w, n, replacement=True, generator=g)
        return means[j] + stds[j] * torch.randn(n, means.shape[1], generator=g)

    @right
    def by_largest_of_gumbels(n, w, means, stds):
        noise = -torch.log(-torch.log(torch.rand(n, len(w))))
        j = (w.log() + noise).argmax(1)
        return means[j] + stds[j] * torch.randn_like(means[j])

    @right
    def one_of_k_draws(n, w, means, stds):
        every = means + stds * torch.randn(n, *means.shape)
        return every[torch.arange(n), Categorical(w).sample((n,))]

    @wrong("deviations of another component or axis")
    def axes_exchanged(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j].flip(1) * torch.randn(n, means.shape[1])

    @wrong("deviations of another component or axis")
    def second_choice(n, w, means, stds):
        i, j = (torch.multinomial(w, n, replacement=True) for _ in range(2))
        return means[j] + stds[i] * torch.randn(n, means.shape[1])

    @wrong("noise not Gaussian")
    def uniform_noise(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        noise = math.sqrt(12) * (torch.rand(n, means.shape[1]) - 0.5)
        return means[j] + stds[j] * noise

    @wrong("noise not Gaussian")
    def clipped_noise(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j] * torch.randn(n, means.shape[1]).clamp(-2.5, 2.5)

    @wrong("number of dimensions fixed")
    def in_the_plane(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j] * torch.randn(n, 2)

    @wrong("weights changed")
    def as_logits(n, w, means, stds):
        j = Categorical(logits=w).sample((n,))
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("draws not independent of each other")
    def mirrored(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        noise = torch.randn((n + 1) // 2, means.shape[1])
        return means[j] + stds[j] * torch.cat([noise, -noise])[:n]

    @wrong("draws not independent of each other")
    def component_for_two(n, w, means, stds):
        j = torch.multinomial(w, (n + 1) // 2, replacement=True)
        j = j.repeat_interleave(2)[:n]
        return means[j] + stds[j] * torch.randn(n, means.shape[1])


def mixture(x, k, steps, floor):
    """EM, compact: a function from points to log-densities."""
    x = x.double()
    seeds = x[torch.randperm(len(x))[:1]]
    for _ in range(k - 1):
        far = torch.cdist(x, seeds).amin(1).square()
        seeds = torch.cat([seeds, x[torch.multinomial(far, 1)]])
    r = F.one_hot(torch.cdist(x, seeds).argmin(1), k).double()
    for step in range(steps + 1):
        n_j = r.sum(0)
        means = (r.T @ x) / n_j[:, None]
        diff = x[:, None] - means
        covs = torch.einsum("nk,nki,nkj->kij", r, diff, diff) / n_j[:, None, None]
        covs = covs + floor**2 * torch.eye(2)
        parts, log_w = MultivariateNormal(means, covs), (n_j / len(x)).log()
        if step < steps:
            r = (parts.log_prob(x[:, None]) + log_w).softmax(1)

    def log_prob(points):
        return (parts.log_prob(points.double()[:, None]) + log_w).logsumexp(1)

    return log_prob


def kernel(x, width):
    """One round Gaussian on each point."""

    def log_prob(points):
        parts = []
        for some in points.split(2000):
            square = torch.cdist(some, x).square() / (2 * width**2)
            parts.append((-square).logsumexp(1))
        return torch.cat(parts) - math.log(len(x) * 2 * math.pi * width**2)

    return log_prob


class Gm13:
    """Twenty Gaussians by EM, with a floor of 0.05 under the deviations: about 2.5
    nats. A kernel on each point comes close at a width of 0.15, for no fitting at all;
    what it costs is that every later call visits all points."""

    @reference
    def fit_density(x):
        x, k, floor = x.double(), 20, 0.05
        seeds = x[:1]
        while len(seeds) < k:  # points far from the seeds so far
            far = torch.cdist(x, seeds).amin(1).square()
            seeds = torch.cat([seeds, x[torch.multinomial(far, 1)]])
        r = F.one_hot(torch.cdist(x, seeds).argmin(1), k).double()
        for _ in range(60):
            n_j = r.sum(0)
            means = (r.T @ x) / n_j[:, None]
            diff = (x[:, None] - means).transpose(0, 1)  # (k, n, d)
            covs = (r.T[:, :, None] * diff).mT @ diff
            covs = covs / n_j[:, None, None] + floor**2 * torch.eye(2)
            parts, log_w = MultivariateNormal(means, covs), (n_j / len(x)).log()
            r = (parts.log_prob(x[:, None]) + log_w).softmax(1)

        def log_prob(points):
            joint = parts.log_prob(points.double()[:, None]) + log_w
            return joint.logsumexp(1)

        return log_prob

    @right
    def more_components(x):
        return mixture(x, 30, 40, 0.08)

    @right
    def kernel_density(x):
        return kernel(x, 0.15)

    @right
    def by_held_out_width(x):
        fit, held = x[:800], x[800:]
        widths = (0.12, 0.15, 0.18, 0.22, 0.3)
        best = max(widths, key=lambda h: kernel(fit, h)(held).mean())
        return kernel(x, best)

    @right
    def by_scikit_learn(x):
        from sklearn.mixture import GaussianMixture

        state = np.random.RandomState(int(torch.randint(10**6, ())))
        model = GaussianMixture(
            20, reg_covar=0.003, random_state=state, tol=1e-2, init_params="k-means++"
        ).fit(x.numpy())
        return lambda points: torch.from_numpy(model.score_samples(points.numpy()))

    @wrong("no function returned")
    def values(x):
        return mixture(x, 5, 2, 0.1)(x)

    @wrong("the same density everywhere")
    def uniform(x):
        return lambda points: torch.full((len(points),), -math.log(196.0))

    @wrong("impossible points")
    def raw_histogram(x):
        bins, low, width = 40, -7.0, 14 / 40
        cell = ((x - low) / width).long()
        counts = torch.bincount(cell[:, 0] * bins + cell[:, 1], minlength=bins**2)

        def log_prob(points):
            cell = ((points - low) / width).long().clamp(0, bins - 1)
            return (counts / len(x) / width**2).log()[cell[:, 0] * bins + cell[:, 1]]

        return log_prob

    @wrong("points remembered")
    def needles(x):
        return kernel(x, 0.02)

    @wrong("points remembered")
    def pins(x):
        return kernel(x, 0.04)

    @wrong("too coarse")
    def one_gaussian(x):
        return mixture(x, 1, 0, 0.0)

    @wrong("too coarse")
    def five_components(x):
        return mixture(x, 5, 60, 0.05)

    @wrong("too coarse")
    def untrained(x):
        means = torch.randn(20, 2)
        parts = MultivariateNormal(means, torch.eye(2))
        return lambda p: parts.log_prob(p[:, None]).logsumexp(1) - math.log(20)

    @wrong("too coarse")
    def wide_kernel(x):
        return kernel(x, 0.5)

    @wrong("too coarse")
    def collapsed(x):
        rough = mixture(x[:200] * 0 + x.mean(0) + 0.5 * torch.randn(200, 2), 3, 5, 0.5)
        return lambda points: rough(points)

    @wrong("does not integrate to one")
    def shifted(x):
        inner = mixture(x, 20, 30, 0.05)
        return lambda points: inner(points) + 2.0

    @wrong("does not integrate to one")
    def sum_of_components(x):
        inner = kernel(x, 0.15)
        return lambda points: inner(points) + math.log(len(x))

    @wrong("negative logarithm returned")
    def loss(x):
        inner = mixture(x, 10, 20, 0.1)
        return lambda points: -inner(points)

    @wrong("depends on the other points")
    def fitted_when_asked(x):
        return lambda points: kernel(torch.cat([x, points]), 0.05)(points)

    @wrong("depends on the other points")
    def normalized_when_asked(x):
        inner = kernel(x, 0.15)
        return lambda points: inner(points).log_softmax(0) + 5.0


class Gm14:
    """There is no single answer; these are the questions to put to one.

    - *Does the number look at what the use needs?* To augment data, coverage: a model
      that draws one patient perfectly has precision 1 and is useless. To flag
      anomalies, the order of likelihoods between normal and abnormal cases, which no
      likelihood of normal cases alone can show.
    - *Does it have a floor?* The score of fresh real data, in the same features, with
      as many examples. Without it a number cannot be called good or bad.
    - *Would a copy pass?* If the training set itself, handed in as draws, scores
      well, compare distances from draws to the nearest training example with
      those from held-out examples.
    - *Would a mixture with noise pass?* Likelihood lets 99 % of it pass; a picture of
      twenty samples does not.
    - *Does an average hide a group?* Compute the number for each class, site or
      decade, and look at the worst.
    """
