"""Versions of exercise gm-13."""

import math

import numpy as np
import torch
from torch.distributions import MultivariateNormal
from torch.nn import functional as F

from .. import RIGHT, cases, reference, right, wrong


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


def by_mixture(k=20, steps=30, floor=0.05):
    return lambda x: mixture(x, k, steps, floor)


def by_kernel(width=0.15, change=lambda v: v):
    def fit(x):
        inner = kernel(x, width)
        return lambda points: change(inner(points))

    return fit


def added(nats):
    return {"change": lambda v: v + nats}


def floor(density):
    return {"change": lambda v: (v.exp() + density).log()}


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

    mixtures = cases(
        by_mixture,
        (RIGHT, {"k": 30, "floor": 0.08}),
        ("too coarse", {"k": 1, "steps": 0}),
        ("too coarse", {"k": 5}),
    )
    kernels = cases(
        by_kernel,
        (RIGHT, {}),
        ("points remembered", {"width": 0.02}),
        ("points remembered", {"width": 0.04}),
        ("too coarse", {"width": 0.5}),
        ("does not integrate to one", added(2.0)),
        ("does not integrate to one", added(math.log(1000))),
        ("does not integrate to one", added(math.log(0.9))),
        ("does not integrate to one", added(math.log(1.05))),
        ("does not integrate to one", added(math.log(0.09))),
        ("does not integrate to one", floor(1e-3)),
        ("does not integrate to one", floor(1e-6)),
        ("depends on the other points", {"change": lambda v: v.log_softmax(0) + 5}),
        ("negative log-likelihood returned", {"change": lambda v: -v}),
    )

    @wrong("too coarse")
    def untrained(x):
        means = torch.randn(20, 2)
        parts = MultivariateNormal(means, torch.eye(2))
        return lambda p: parts.log_prob(p[:, None]).logsumexp(1) - math.log(20)

    @wrong("depends on the other points")
    def fitted_when_asked(x):
        return lambda points: kernel(torch.cat([x, points]), 0.05)(points)
