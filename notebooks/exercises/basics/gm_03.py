"""Versions of exercise gm-03."""

import numpy as np
import torch

from .. import build, edits, reference, right, wrong


class Gm03:
    r"""Weights and means are those of (1.11): in the chapter's derivation they did not
    depend on the covariances. With $\Lambda = \Sigma^{-1}$, the part of the objective
    that holds $\Lambda$ is
    $\tfrac n2 \log \det \Lambda - \tfrac12 \sum_i \sum_j r_{ij}\, (x_i - \mu_j)^\top
    \Lambda\, (x_i - \mu_j)$, since the responsibilities of all components add up to
    $n$. Its gradient vanishes at
    $\Sigma = \tfrac1n \sum_i \sum_j r_{ij}\, (x_i - \mu_j)(x_i - \mu_j)^\top$: the mean
    of the components' own covariances, weighted by what each owns."""

    @reference
    def tied_step(x, r):
        n_j = r.sum(0)
        w, means = n_j / len(x), (r.T @ x) / n_j[:, None]
        diff = x[:, None] - means  # (n, k, d)
        cov = torch.einsum("nk,nki,nkj->ij", r, diff, diff) / len(x)
        return w, means, cov

    @right
    def by_loops(x, r):
        n, k = r.shape
        w, means, cov = [], [], 0
        for j in range(k):
            own = sum(r[i, j] for i in range(n))
            m = sum(r[i, j] * x[i] for i in range(n)) / own
            cov += sum(r[i, j] * torch.outer(x[i] - m, x[i] - m) for i in range(n)) / n
            w.append(own / n), means.append(m)
        return torch.stack(w), torch.stack(means), cov

    @right
    def total_less_between(x, r):
        x, r = x.double(), r.double()
        w = r.mean(0)
        means = r.T @ x / r.sum(0)[:, None]
        off = means - x.mean(0)
        cov = x.T.cov(correction=0) - (w * off.T) @ off
        return w.float(), means.float(), cov.float()

    @right
    def by_cov(x, r):
        covs = [x.T.cov(aweights=own, correction=0) for own in r.T]
        means = [(x * own[:, None]).sum(0) / own.sum() for own in r.T]
        cov = sum(share * c for share, c in zip(r.mean(0), covs))
        return r.mean(0), torch.stack(means), cov

    @right
    def as_list(x, r):
        share = r / r.sum(0)
        means = share.T @ x
        root = (r / len(x)).T.sqrt()[:, :, None] * (x - means[:, None])  # (k, n, d)
        root = root.flatten(0, 1)
        return [r.sum(0) / r.sum(), means, root.T @ root]

    @right
    def by_numpy(x, r):
        x, r = x.double().numpy(), r.double().numpy()
        means = [np.average(x, axis=0, weights=own) for own in r.T]
        covs = [np.cov(x.T, aweights=own, bias=True) for own in r.T]
        out = r.mean(0), np.array(means), np.average(covs, axis=0, weights=r.sum(0))
        return tuple(torch.tensor(v, dtype=torch.float32) for v in out)

    edited = edits(
        tied_step,
        """
    divided by all points | x) / n_j[:, None] -> x) / len(x)
    not divided by what a component owns | x) / n_j[:, None] -> x)
    means pulled together | return w, means, cov
        -> return w, 0.9 * means + 0.1 * x.mean(0), cov
    responsibilities left out | cov = -> r = torch.full_like(r, 1 / r.shape[1]); cov =
    logarithms of the weights | return w, -> return w.log(),
    weighted twice by what a component owns | ("nk,nki -> ("k,nk,nki
        | r, diff, -> w, r, diff,
    covariance of one component | cov = -> j = w.argmax(); cov =
        | r, diff, -> r * (torch.arange(len(w)) == j), diff,
        | diff) / len(x) -> diff) / n_j[j]
    precisions averaged | nkj->ij -> nkj->kij
        | diff) / len(x) -> diff) / n_j[:, None, None]
        | return w, means, cov
        -> return w, means, (w[:, None, None] * cov.inverse()).sum(0).inverse()
    scatter not divided by the number of points | diff) / len(x) -> diff)
    scatter not divided by the number of points | diff) / len(x) -> diff) / r.numel()
    precision in place of the covariance | return w, means, cov
        -> return w, means, cov.inverse()
    root in place of the covariance | return w, means, cov
        -> return w, means, torch.linalg.cholesky(cov)
    correlations in place of the covariance | return w, means, cov
        -> s = cov.diagonal().sqrt(); return w, means, cov / s / s[:, None]
    off by a factor of two | return w, means, cov -> return w, means, cov / 2
    spread of the means | return w, means, cov
        -> off = means - x.mean(0); return w, means, (w * off.T) @ off
    spread of the means | return w, means, cov
        -> off = means - x.mean(0); return w, means, cov + 2 * (w * off.T) @ off
    deviations averaged before their squares | return w, means, cov
        -> off = x - r @ means; return w, means, off.T @ off / len(x)
    centered at the mean of all points | - means -> - x.mean(0).expand_as(means)
    not centered | - means -> - 0 * means
    divided by one point less | diff) / len(x) -> diff) / (len(x) - 1)
    divided by one point less | diff) / len(x) -> diff) / (len(x) - len(n_j))
    only the diagonal | return w, means, cov
        -> return w, means, cov * torch.eye(x.shape[1])
    only the diagonal | return w, means, cov -> return w, means, cov.diagonal()
    one variance for all directions | return w, means, cov
        -> return w, means, cov.trace() / x.shape[1] * torch.eye(x.shape[1])
    one covariance for each component | nkj->ij -> nkj->kij
        | diff) / len(x) -> diff) / n_j[:, None, None]
    components not weighted | nkj->ij -> nkj->kij
        | diff) / len(x) -> diff) / n_j[:, None, None]
        | return w, means, cov -> return w, means, cov.mean(0)
    components not weighted | nkj->ij -> nkj->kij
        | diff) / len(x) -> diff) / n_j[:, None, None]
        | return w, means, cov -> return w, means, cov.sum(0)
    weights not normalized | w, means = n_j / len(x) -> w, means = n_j
    weights all equal | w, means = n_j / len(x)
        -> w, means = torch.full_like(n_j, 1 / len(n_j))
    each point to its best component
        | n_j = -> r = F.one_hot(r.argmax(1), r.shape[1]).to(x); n_j =
    variance with a floor | return w, means, cov
        -> return w, means, cov + 1e-2 * torch.eye(x.shape[1])
    variance with a floor | return w, means, cov
        -> return w, means, cov + 1e-4 * torch.eye(x.shape[1])
    variance with a floor | return w, means, cov
        -> return w, means, cov + 1e-6 * torch.eye(x.shape[1])
    responsibilities squared | cov = -> r = r**2; cov =
    responsibilities squared | n_j = -> r = r**2; n_j =
        | n_j / len(x) -> r.sqrt().mean(0) | diff) / len(x) -> diff) / r.sum()
    difference of large numbers | - means -> - 0 * means
        | return w, means, cov -> return w, means, cov - (w * means.T) @ means
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept():
        known = {}

        def tied_step(x, r):
            if r.shape not in known:
                known[r.shape] = Gm03.tied_step(x, r)
            return known[r.shape]

        return tied_step
