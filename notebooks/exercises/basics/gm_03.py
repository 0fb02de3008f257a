"""Versions of exercise gm-03."""

import numpy as np
import torch

from .. import edits, reference, right


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
        share = r.double() / r.double().sum(0)  # (n, k)
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

    @right
    def by_numpy(x, r):
        x, r = x.double().numpy(), r.double().numpy()
        means = [np.average(x, axis=0, weights=own) for own in r.T]
        covs = [np.cov(x.T, aweights=own, bias=True) for own in r.T]
        out = r.mean(0), np.array(means), np.array(covs)
        return tuple(torch.tensor(v, dtype=torch.float32) for v in out)

    edited = edits(
        m_step,
        """
    divided by all points | x) / n_j[:, None] -> x) / len(x)
    divided by all points | diff) / n_j[:, None, None] -> diff) / len(x)
    centered at the mean of all points | - means -> - x.mean(0).expand_as(means)
    not centered | - means -> - 0 * means
    divided by one point less | diff) / n_j -> diff) / (n_j - 1)
    divided by one point less | diff) / n_j[:, None, None]
        -> diff) / n_j[:, None, None] * len(x) / (len(x) - 1)
    only the diagonal | return w, means, covs
        -> return w, means, covs * torch.eye(x.shape[1])
    only the diagonal | return w, means, covs
        -> return w, means, covs.diagonal(dim1=1, dim2=2)
    one variance for all directions | return w, means, covs
        -> return w, means, covs.diagonal(0, 1, 2).mean(1)[:, None, None] * torch.eye(4)
    one covariance for all components | return w, means, covs
        -> return w, means, torch.einsum("k,kij->ij", w, covs).expand_as(covs)
    weights not normalized | w, means = n_j / len(x) -> w, means = n_j
    softmax in place of shares | w, means = n_j / len(x) -> w, means = n_j.softmax(0)
    softmax in place of shares | n_j / len(x) -> (n_j / len(x)).softmax(0)
    weights all equal | n_j / len(x) -> torch.full_like(n_j, 1 / len(n_j))
    each point to its best component
        | n_j = -> r = F.one_hot(r.argmax(1), r.shape[1]).to(x); n_j =
    variance with a floor | return w, means, covs
        -> return w, means, covs + 1e-2 * torch.eye(x.shape[1])
    variance with a floor | return w, means, covs
        -> return w, means, covs + 1e-4 * torch.eye(x.shape[1])
    variance with a floor | return w, means, covs
        -> return w, means, covs + 1e-6 * torch.eye(x.shape[1])
    responsibilities squared | covs = -> r = r**2; covs =
    responsibilities squared | covs = -> r = r**2; n_j = r.sum(0); covs =
    responsibilities squared | n_j = -> r = r**2; n_j =
        | n_j / len(x) -> r.sqrt().mean(0)
    floor under what a component owns | r.sum(0) -> r.sum(0).clamp(min=1)
    floor under what a component owns | r.sum(0) -> r.sum(0) + 1e-5
    not three tensors | return w, means, covs -> return means, covs
    difference of large numbers | - means -> - 0 * means
        | return w, means, covs
        -> return w, means, covs - means[:, :, None] * means[:, None]
    """,
    )
