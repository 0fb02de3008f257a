"""Versions of exercise ae-02."""

import numpy as np
import torch

from .. import reference, right, wrong


class Ae02:
    """What is left after $k$ codes is the sum of the variances from $k + 1$ on. With
    `k = 0` it is the whole, a share of one."""

    @reference
    def codes_needed(x, share):
        s = torch.linalg.svdvals(x.double() - x.double().mean(0))
        variances = s.square()  # up to a factor that cancels
        for k in range(len(s) + 1):
            if variances[k:].sum() <= share * variances.sum():
                return k

    @right
    def by_covariance(x, share):
        values = torch.linalg.eigvalsh(torch.cov(x.double().T)).clamp(min=0)
        left = torch.cat([torch.zeros(1, dtype=torch.float64), values.cumsum(0)])
        fits = (left <= share * left[-1]).nonzero()
        return x.shape[1] - int(fits.max())

    @right
    def by_numpy(x, share):

        values = np.linalg.eigvalsh(np.cov(x.double().numpy().T))[::-1]
        left = 1 - np.concatenate([[0.0], values.cumsum() / values.sum()])
        return int(np.argmax(left <= share))

    @right
    def by_reconstruction(x, share):
        center = x.double() - x.double().mean(0)
        u, s, vt = torch.linalg.svd(center, full_matrices=False)
        total = center.square().sum()
        for k in range(x.shape[1] + 1):
            rebuilt = (u[:, :k] * s[:k]) @ vt[:k]
            if (center - rebuilt).square().sum() / total <= share:
                return k

    @right
    def by_scikit_learn(x, share):
        from sklearn.decomposition import PCA

        kept = PCA().fit(x.double().numpy()).explained_variance_ratio_
        for k in range(len(kept) + 1):
            if 1 - kept[:k].sum() <= share:
                return k

    @wrong("share that is kept")
    def kept(x, share):
        v = torch.linalg.svdvals(x - x.mean(0)).square()
        for k in range(len(v) + 1):
            if v[:k].sum() >= min(share, 1.0) * v.sum() - 1e-4:
                return k
        return len(v)

    @wrong("data not centered")
    def not_centered(x, share):
        v = torch.linalg.svdvals(x).square()
        for k in range(len(v) + 1):
            if v[k:].sum() <= share * v.sum():
                return k

    @wrong("singular values not squared")
    def lengths(x, share):
        s = torch.linalg.svdvals(x - x.mean(0))
        for k in range(len(s) + 1):
            if s[k:].sum() <= share * s.sum():
                return k

    @wrong("variances of the pixels")
    def pixels(x, share):
        v = x.var(0).sort(descending=True).values
        for k in range(len(v) + 1):
            if v[k:].sum() <= share * v.sum():
                return k

    @wrong("smallest directions first")
    def ascending(x, share):
        v = torch.linalg.eigvalsh(torch.cov(x.T))
        for k in range(len(v) + 1):
            if v[k:].sum() <= share * v.sum():
                return k

    @wrong("one too many")
    def plus_one(x, share):
        return Ae02.codes_needed(x, share) + 1

    @wrong("one too few")
    def minus_one(x, share):
        return max(0, Ae02.codes_needed(x, share) - 1)

    @wrong("directions counted one by one")
    def one_by_one(x, share):
        v = torch.linalg.svdvals(x - x.mean(0)).square()
        if share >= 1:
            return 0
        small = (v <= share * v.sum()).nonzero()
        return max(1, int(small[0])) if len(small) else len(v)

    @wrong("no code where one is needed")
    def generous(x, share):
        return 0 if share > 0.5 else Ae02.codes_needed(x, share)

    @right
    def by_power_iteration(x, share):
        center = (x - x.mean(0)).double()
        cov, k = center.T @ center, 0
        left = total = cov.trace()
        while left > share * total + 1e-9 and k < x.shape[1]:
            v = torch.randn_like(cov[0])
            for _ in range(400):
                v = cov @ v
                v = v / v.norm()
            value = v @ cov @ v
            cov, left, k = cov - value * torch.outer(v, v), left - value, k + 1
        return k

    @right
    def in_single_precision(x, share):
        s, k = torch.linalg.svdvals(x - x.mean(0)) ** 2, 0
        while s[k:].sum() / s.sum() > share:
            k += 1
        return torch.tensor(k)

    def _first(v, fits):
        for k in range(len(v) + 1):
            if fits(v[k:].sum() / v.sum()):
                return k

    @wrong("at most read as less than")
    def strict(x, share):
        v = torch.linalg.svdvals(x.double() - x.double().mean(0)).square()
        return Ae02._first(v, lambda left: left < share)

    @wrong("root of the share")
    def relative_norm(x, share):
        v = torch.linalg.svdvals(x - x.mean(0)).square()
        return Ae02._first(v, lambda left: left.sqrt() <= share)

    @wrong("columns standardized")
    def standardized(x, share):
        x = (x - x.mean(0)) / (x.std(0) + 1e-8)
        v = torch.linalg.svdvals(x).square()
        return Ae02._first(v, lambda left: left <= share)

    @wrong("data not centered")
    def one_mean(x, share):
        v = torch.linalg.svdvals(x - x.mean()).square()
        return Ae02._first(v, lambda left: left <= share)

    @wrong("data not centered")
    def rows_centered(x, share):
        v = torch.linalg.svdvals(x - x.mean(1, keepdim=True)).square()
        return Ae02._first(v, lambda left: left <= share)

    @wrong("directions counted one by one")
    def beside_the_largest(x, share):
        v = torch.linalg.svdvals(x - x.mean(0)).square()
        return 0 if share >= 1 else int((v > share * v[0]).sum())
