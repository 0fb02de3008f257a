"""Versions of exercise gm-03."""

import numpy as np
import torch
from torch.nn import functional as F

from .. import reference, right, wrong


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
