"""Versions of exercise gm-13."""

import math

import numpy as np
import torch
from torch.distributions import MultivariateNormal
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Gm13:
    """Twenty Gaussians by EM, with a floor of 0.05 under the deviations. A round
    Gaussian of width 0.15 on each point passes as well, for no fitting at all; what it
    costs is that every later call visits all points."""

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
    def by_kernel(x):
        width = 0.15

        def log_prob(points):
            parts = []
            for some in points.split(2000):
                square = torch.cdist(some, x).square() / (2 * width**2)
                parts.append((-square).logsumexp(1))
            return torch.cat(parts) - math.log(len(x) * 2 * math.pi * width**2)

        return log_prob

    @right
    def by_held_out_width(x):
        fit, held = x[:800], x[800:]

        def log_prob(points, width):
            each = torch.distributions.Normal(fit, width).log_prob(points[:, None])
            return each.sum(2).logsumexp(1) - math.log(len(fit))

        widths = (0.12, 0.15, 0.18, 0.22, 0.3)
        best = max(widths, key=lambda width: log_prob(held, width).mean())
        return lambda points: torch.cat([log_prob(p, best) for p in points.split(2000)])

    @right
    def by_scikit_learn(x):
        from sklearn.mixture import GaussianMixture

        state = np.random.RandomState(int(torch.randint(10**6, ())))
        model = GaussianMixture(
            20, reg_covar=0.003, random_state=state, tol=1e-2, init_params="k-means++"
        ).fit(x.numpy())
        return lambda points: torch.from_numpy(model.score_samples(points.numpy()))

    edited = edits(
        fit_density,
        """
    no function returned | return log_prob -> return log_prob(x)
    too coarse | 20, 0.05 -> 5, 0.05
    a single Gaussian | 20, 0.05 -> 1, 0.05
    random at each call | return joint.logsumexp(1)
        -> return joint.logsumexp(1) + 0.1 * torch.randn(len(points))
    depends on its place in the batch | return joint.logsumexp(1)
        -> return joint.logsumexp(1) + (torch.arange(len(points)) == 0)
    does not integrate to one | logsumexp(1) -> amax(1)
    bits in place of nats | logsumexp(1) -> logsumexp(1) / math.log(2)
    logarithm to base 10 | logsumexp(1) -> logsumexp(1) / math.log(10)
    mean over the dimensions | logsumexp(1) -> logsumexp(1) / 2
    density in place of its logarithm | logsumexp(1) -> logsumexp(1).exp()
    part of the data left out | x.double(), 20, 0.05 -> x[:100].double(), 20, 0.05
    fitted in other coordinates | x.double(), -> x.double().flip(1),
    fitted in other coordinates | x.double(), -> (x - x.mean(0)).double(),
    the same density everywhere
        | joint.logsumexp(1) -> joint[:, 0] * 0 - math.log(196.0)
    does not integrate to one | logsumexp(1) -> logsumexp(1) + 2
    does not integrate to one | logsumexp(1) -> logsumexp(1) + math.log(1000)
    does not integrate to one | logsumexp(1) -> logsumexp(1) + math.log(0.9)
    does not integrate to one | logsumexp(1) -> logsumexp(1) + math.log(1.05)
    does not integrate to one | logsumexp(1) -> logsumexp(1) + math.log(0.09)
    does not integrate to one | joint.logsumexp(1) -> (joint.exp().sum(1) + 1e-3).log()
    does not integrate to one | joint.logsumexp(1) -> (joint.exp().sum(1) + 1e-6).log()
    depends on the other points
        | joint.logsumexp(1) -> joint.logsumexp(1).log_softmax(0) + 5
    negative log-likelihood returned | joint.logsumexp(1) -> -joint.logsumexp(1)
    """,
    )
    widths = edits(
        by_kernel,
        """
    points remembered | 0.15 -> 0.02
    points remembered | 0.15 -> 0.04
    too coarse | 0.15 -> 0.5
    depends on the other points
        | parts = [] -> both = torch.cat([x, points]); parts = []
        | (some, x) -> (some, both) | 0.15 -> 0.05
    """,
    )

    @right
    def by_a_seed_of_its_own(x):
        torch.manual_seed(0)
        return Gm13.fit_density(x)

    @wrong("x ignored")
    def always_the_same(x):
        parts = MultivariateNormal(torch.zeros(2), 3 * torch.eye(2))
        return parts.log_prob

    @wrong("axes taken as independent")
    def along_each_axis(x):
        def log_prob(points):
            each = torch.distributions.Normal(x, 0.2).log_prob(points[:, None])
            return (each.logsumexp(1) - math.log(len(x))).sum(1)

        return lambda points: torch.cat([log_prob(p) for p in points.split(2000)])

    @wrong("result of an earlier call")
    @build
    def kept():
        made = []

        def fit_density(x):
            made.append(made[0] if made else Gm13.fit_density(x))
            return made[0]

        return fit_density

    @wrong("impossible points")
    def raw_histogram(x):
        bins, low, width = 40, -7.0, 14 / 40
        cell = ((x - low) / width).long()
        counts = torch.bincount(cell[:, 0] * bins + cell[:, 1], minlength=bins**2)

        def log_prob(points):
            cell = ((points - low) / width).long().clamp(0, bins - 1)
            return (counts / len(x) / width**2).log()[cell[:, 0] * bins + cell[:, 1]]

        return log_prob

    @wrong("x ignored")
    def untrained(x):
        means = torch.randn(20, 2)
        parts = MultivariateNormal(means, torch.eye(2))
        return lambda p: parts.log_prob(p[:, None]).logsumexp(1) - math.log(20)
