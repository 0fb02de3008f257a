"""Versions of exercise ae-02."""

import numpy as np
import torch

from .. import edits, reference, right, wrong


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
        values = torch.linalg.eigvalsh(torch.atleast_2d(torch.cov(x.double().T))).clamp(
            min=0
        )
        left = torch.cat([torch.zeros(1, dtype=torch.float64), values.cumsum(0)])
        fits = (left <= share * left[-1]).nonzero()
        return x.shape[1] - int(fits.max())

    @right
    def by_numpy(x, share):
        values = np.linalg.eigvalsh(np.atleast_2d(np.cov(x.double().numpy().T)))[::-1]
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

    @right
    def by_power_iteration(x, share):
        center = (x - x.mean(0)).double()
        cov, k = center.T @ center, 0
        left = total = cov.trace()
        while left > share * total + 1e-9 and k < x.shape[1]:
            v = torch.randn_like(cov[0])
            for _ in range(200):
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

    @right
    def by_cumulative_sums(x, share):
        s = torch.linalg.svdvals(x.double() - x.double().mean(0))
        left = s.square().flip(0).cumsum(0).flip(0) / s.square().sum()
        return int((left > share).sum())

    @wrong("rounded in place of up")
    def by_interpolation(x, share):
        k = Ae02.codes_needed(x, share)
        s = torch.linalg.svdvals(x.double() - x.double().mean(0)) ** 2
        beyond = share - s[k:].sum() / s.sum()  # as a part of the k-th direction
        part = float(beyond * s.sum() / s[k - 1])
        return k and round(k - part)

    @wrong("1 - what is kept")
    def one_minus_cumulative_sums(x, share):
        values = torch.linalg.svdvals(x - x.mean(0)) ** 2
        kept = torch.cat([torch.zeros(1), (values / values.sum()).cumsum(0)])
        return int((1 - kept <= share).int().argmax())

    edited = edits(
        codes_needed,
        """
    data not centered | x.double() - x.double().mean(0) -> x.double()
    a tolerance in the unit of the data
        | s.square() -> torch.where(s.square() > 1e-3, s.square(), 0)
    data not centered | .mean(0) -> .mean()
    data not centered | .mean(0) -> .mean(1, keepdim=True)
    another center than the mean | x.double().mean(0) -> x.double().median(0).values
    another center than the mean | x.double().mean(0) -> x[0].double()
    share ignored | share * -> 0.1 *
    codes dropped in place of codes kept | return k -> return len(s) - k
    not the first k that fits | return k -> return len(s) if k else k
    singular values not squared | s.square() -> s
    smallest directions first | s.square() -> s.square().flip(0)
    variances of the pixels | s.square() -> x.var(0).sort(descending=True).values
    columns standardized
        | s = torch -> x = (x - x.mean(0)) / (x.std(0) + 1e-8); s = torch
    difference of large numbers | s.square()
        -> torch.linalg.eigvalsh(x.T @ x / len(x) - x.mean(0).outer(x.mean(0))).flip(0)
    eigenvalues squared | s.square() -> s.square().square()
    share of another whole | share * variances.sum() -> share * variances[0]
    share of another whole | share * variances.sum() -> share * len(x)
    a mean of what is left
        | variances[k:].sum() -> variances[k:].sum() / max(len(s) - k, 1)
    always a code | return k -> return max(k, 1)
    never all codes | return k -> return min(k, len(s) - 1)
    all directions taken as alike
        | return k -> return max(math.ceil(len(s) * (1 - share)), 0)
    share read as a percentage | share * -> share / 100 *
    spectrum cut off | s.square() -> s[:6].square()
    one too many | return k -> return k + 1
    a float in place of an int | return k -> return float(k)
    the first examples alone | s = torch -> x = x[:100]; s = torch
    the first examples alone | s = torch -> x = x[-100:]; s = torch
    one too few | return k -> return max(0, k - 1)
    no code where one is needed | return k -> return 0 if share > 0.5 else k
    at most read as less than | <= share -> < share
    root of the share | [k:].sum() <= -> [k:].sum().sqrt() * variances.sum().sqrt() <=
    share that is kept | variances[k:].sum() <= share * variances.sum()
        -> variances[:k].sum() >= min(share, 1.0) * variances.sum() - 1e-4
    directions counted one by one | variances[k:].sum() <= share * variances.sum()
        -> share >= 1 or k and variances[k : k + 1].sum() <= share * variances.sum()
    directions counted one by one | variances[k:].sum() <= share * variances.sum()
        -> share >= 1 or variances[k : k + 1].sum() <= share * variances[0]
    """,
    )
