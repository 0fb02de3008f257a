"""Versions of exercise ae-11."""

import numpy as np
import torch

from .. import build, edits, reference, right, wrong


class Ae11:
    """The chapter's `GaussianCodes` adds to each variance a millionth of it in place of
    this. Two equal codes then differ by about a thousandth of their standard deviation,
    whatever the unit. A constant code, whose variance is zero, still stops its
    factorization.

    The data themselves are a root, too, with no factorization at all: with
    `part = (z - z.mean(0)) / (len(z) - 1) ** 0.5`, draws are
    `z.mean(0) + torch.randn(m, len(z)) @ part`. Their covariance is `part.T @ part`,
    which is that of the codes. It takes n random numbers for each draw."""

    @reference
    def fit_sampler(z):
        mean = z.mean(0)
        # For one code torch.cov gives a number.
        cov = torch.atleast_2d(torch.cov(z.double().T))
        values, vectors = torch.linalg.eigh(cov)
        # Rounding makes zeros slightly negative.
        root = (vectors * values.clamp(min=0).sqrt()).to(z.dtype)

        def sample(m):
            return mean + torch.randn(m, len(mean)) @ root.T

        return sample

    @right
    def by_svd(z):
        mean = z.mean(0)
        _, s, vt = torch.linalg.svd(z - mean, full_matrices=False)
        s = s / (len(z) - 1) ** 0.5
        return lambda m: mean + (torch.randn(m, len(s)) * s) @ vt

    @right
    def by_the_data_themselves(z):
        mean = z.mean(0)
        part = (z - mean) / (len(z) - 1) ** 0.5
        return lambda m: mean + torch.randn(m, len(z)) @ part

    @right
    def by_loops(z):
        mean, cov = z.mean(0), torch.cov(z.T).reshape(len(z.T), len(z.T))
        values, vectors = torch.linalg.eigh(cov)
        root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
        return lambda m: torch.stack(
            [mean + root @ torch.randn(len(mean)) for _ in range(m)]
        )

    @right
    def by_numpy(z):
        mean, cov = (
            z.double().mean(0).numpy(),
            np.atleast_2d(np.cov(z.double().numpy().T)),
        )
        draw = np.random.multivariate_normal
        return lambda m: torch.from_numpy(draw(mean, cov, m, check_valid="ignore"))

    @right
    def on_the_plane(z):
        away = (z - z.mean(0)).double()
        values, vectors = torch.linalg.eigh(away.T @ away / len(z))
        alive = values > 1e-10 * values.max()
        root = (vectors[:, alive] * values[alive].sqrt()).float()
        return lambda m: z.mean(0) + torch.randn(m, root.shape[1]) @ root.T

    @wrong("breaks where the covariance has no inverse")
    def constant_codes_apart(z):
        alive, mean = z.std(0) > 0, z.mean(0)
        factor = torch.linalg.cholesky(torch.cov(z[:, alive].double().T).reshape(
            int(alive.sum()), int(alive.sum())))  # fmt: skip

        def sample(m):
            out = mean.repeat(m, 1)
            out[:, alive] += torch.randn(m, len(factor)) @ factor.float().T
            return out

        return sample

    @wrong("each code on its own")
    def independent_if_need_be(z):
        cov, mean = torch.atleast_2d(torch.cov(z.double().T)), z.mean(0)
        factor, failed = torch.linalg.cholesky_ex(cov)
        factor = cov.diagonal().sqrt().diag() if failed else factor
        return lambda m: mean + torch.randn(m, len(mean)) @ factor.float().T

    @wrong("result of an earlier call")
    @build
    def fitted_once():
        fits = {}

        def fit_sampler(z):
            if z.shape not in fits:
                fits[z.shape] = Ae11.by_svd(z)
            return fits[z.shape]

        return fit_sampler

    edited = edits(
        fit_sampler,
        """
    standard normal drawn | mean + torch.randn(m, len(mean)) @ root.T
        -> torch.randn(m, len(mean))
    mean not added | return mean + -> return
    covariance left out | @ root.T ->
    each code on its own | torch.randn(m, len(mean)) @ root.T
        -> torch.randn(m, len(mean)) * z.std(0)
    covariance in place of its root | root.T -> torch.cov(z.T)
    root on the wrong side | root.T -> torch.linalg.cholesky(torch.cov(z.T))
    not rotated, or the wrong way | root.T -> root
    not rotated, or the wrong way | root.T -> values.clamp(min=0).sqrt().diag().float()
    standard deviations off, correlations right | @ root.T
        -> @ root.T * torch.arange(1, len(mean) + 1)
    correlations off, standard deviations right | @ root.T
        -> @ root.T * (1 - 2 * (torch.arange(len(mean)) % 2))
    covariance of the rows | cov(z.double().T)
        -> cov(z.double())[: len(z.T), : len(z.T)]
    root of each entry | root.T -> torch.cov(z.T).abs().sqrt()
    inverse of the covariance | root.T
        -> torch.linalg.pinv(root)
    directions left out | values.clamp(min=0)
        -> (values * (values > 0.05 * values.max()))
    directions left out | values.clamp(min=0) -> (values * (values >= values.max()))
    another center | mean = z.mean(0) -> mean = z.median(0).values
    another center | mean = z.mean(0) -> mean = z[0]
    rows and columns swapped | return mean + torch.randn(m, len(mean)) @ root.T
        -> return (mean + torch.randn(m, len(mean)) @ root.T).T
    n draws in place of m | randn(m, -> randn(len(z),
    noise of another shape and spread | randn(m, len(mean))
        -> randn(m, len(mean)).clamp(-1, 1)
    draws not independent | torch.randn(m, len(mean))
        -> torch.randn(m, len(mean)).cumsum(0)
    training codes drawn again | return mean + torch.randn(m, len(mean)) @ root.T
        -> return z[torch.randint(len(z), (m,))]
    noise added to the covariance
        | cov(z.double().T) -> cov(z.double().T) + 1e-3 * torch.eye(len(z.T))
    noise added to the covariance
        | cov(z.double().T) -> cov(z.double().T) + 1e-6 * torch.eye(len(z.T))
    noise added to the covariance | values.clamp(min=0) -> values.clamp(min=1e-8)
    breaks where the covariance has no inverse
        | (vectors * values.clamp(min=0).sqrt())
        -> torch.linalg.cholesky(cov)
    breaks where the covariance has no inverse | values.clamp(min=0) -> (values - 1e-9)
    breaks where the covariance has no inverse | z.double().T -> z.T
        | values.clamp(min=0) -> values
    draws end where the training codes end
        | return mean + torch.randn(m, len(mean)) @ root.T
        -> return torch.minimum(mean + torch.randn(m, len(mean)) @ root.T, z.amax(0))
    one mean for all codes | mean + torch -> mean.mean() + torch
    uniform noise | randn(m -> rand(m
    correlations in place of the covariance | @ root.T -> @ root.T / z.std(0)
    second moment in place of the variance | torch.cov(z.double().T)
        -> z.double().T @ z.double() / len(z)
    another factor on the covariance
        | values.clamp(min=0) -> (values.clamp(min=0) * 200)
    noise of another shape and spread | mean + torch.randn
        -> z[torch.randint(len(z), (m,))] + torch.randn
    noise added to the covariance
        | cov(z.double().T) -> cov(z.double().T) + 1e-2 * torch.eye(len(z.T))
    noise added to the covariance
        | cov(z.double().T) -> cov(z.double().T) + 1e-20 * torch.eye(len(z.T))
    noise added to the covariance | vectors * values.clamp(min=0).sqrt()
        -> vectors * (0.9 * values + 0.1 * values.mean()).sqrt()
    correlations off, standard deviations right | values, vectors
        -> cov = 0.9 * cov + 0.1 * cov.diagonal().diag(); values, vectors
    correlations off, standard deviations right | values, vectors
        -> cov = 0.5 * cov + 0.5 * cov.diagonal().diag(); values, vectors
    another factor on the covariance | cov(z.double().T) -> cov(z.double().T) * 0.9
    another factor on the covariance | cov(z.double().T) -> cov(z.double().T) * 1.1
    constant codes lost | return mean + -> return mean * (z.std(0) > 0) +
    a size taken for granted | values.clamp(min=0) -> (values * (values > 1e-6))
    a size taken for granted | torch.cov(z.double().T)
        -> torch.cov(z.double().T).round(decimals=4)
    a size taken for granted | values.clamp(min=0) -> (values * (values > 1e-15))
    difference of large numbers | torch.cov(z.double().T)
        -> (z.T @ z / len(z) - mean[:, None] * mean).double()
    an axis of length one lost | return mean + torch.randn(m, len(mean)) @ root.T
        -> return (mean + torch.randn(m, len(mean)) @ root.T).squeeze(0)
    an axis of length one lost | return mean + torch.randn(m, len(mean)) @ root.T
        -> return (mean + torch.randn(m, len(mean)) @ root.T).squeeze(1)
    one noise for all dimensions
        | randn(m, len(mean)) -> randn(m, 1).expand(m, len(mean))
    one noise for all draws | randn(m, len(mean)) -> randn(len(mean)).expand(m, -1)
    noise fixed across calls | torch.randn(m, len(mean))
        -> torch.randn(m, len(mean), generator=torch.Generator().manual_seed(0))
    noise used more than once | torch.randn(m, len(mean))
        -> torch.cat([e := torch.randn((m + 1) // 2, len(mean)), -e])[:m]
    draws not independent | torch.randn(m, len(mean))
        -> torch.randn(m // 2 + 1, len(mean)).repeat_interleave(2, dim=0)[:m]
    noise that is not normal | torch.randn(m, len(mean))
        -> (torch.rand(m, len(mean)) - 0.5) * 12**0.5
    noise that is not normal
        | torch.randn(m, len(mean)) -> torch.randn(m, len(mean)).clamp(-2.7, 2.7)
    noise that is not normal | torch.randn(m, len(mean)) @ root.T
        -> z[torch.randint(len(z), (2, m))].diff(dim=0)[0] / 2**0.5
    noise that is not normal
        | mean + torch.randn
        -> mean / 50 + 0.98 * z[torch.randint(len(z), (m,))] + 0.199 * torch.randn
    """,
    )
