"""Versions of exercise ae-11."""

import numpy as np
import torch

from .. import reference, right, wrong


def _root(z):
    """A root of the covariance that exists whatever its rank."""
    values, vectors = torch.linalg.eigh(torch.cov(z.double().T))
    return (vectors * values.clamp(min=0).sqrt()).float()


class Ae11:
    """The chapter's `GaussianCodes` adds a millionth to the diagonal in place of this.
    That is harmless where the standard deviations are near one, as those of its codes
    are, and another Gaussian where they are near a thousandth."""

    @reference
    def fit_sampler(z):
        mean = z.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov(z.double().T))
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
    def by_symmetric_root(z):
        mean, cov = z.double().mean(0), torch.cov(z.double().T)
        values, v = torch.linalg.eigh(cov)
        root = v @ torch.diag(values.clamp(min=0).sqrt()) @ v.T
        return lambda m: (mean + torch.randn(m, len(mean)).double() @ root).float()

    @right
    def by_loops(z):
        mean, root = z.mean(0), _root(z)
        return lambda m: torch.stack(
            [mean + root @ torch.randn(len(mean)) for _ in range(m)]
        )

    @wrong("standard normal drawn")
    def standard(z):
        return lambda m: torch.randn(m, z.shape[1])

    @wrong("mean left out")
    def centered(z):
        root = _root(z)
        return lambda m: torch.randn(m, z.shape[1]) @ root.T

    @wrong("covariance left out")
    def unit(z):
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1])

    @wrong("each code on its own")
    def diagonal(z):
        return lambda m: z.mean(0) + z.std(0) * torch.randn(m, z.shape[1])

    @wrong("covariance in place of its root")
    def no_root(z):
        cov = torch.cov(z.T)
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ cov

    @wrong("root on the wrong side")
    def transposed(z):
        cov = torch.cov(z.T)
        root = torch.linalg.cholesky(cov)
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ root

    @wrong("training codes drawn again")
    def bootstrap(z):
        return lambda m: z[torch.randint(len(z), (m,))]

    @wrong("noise added to the covariance")
    def jittered(z):
        cov = torch.cov(z.T) + 1e-3 * torch.eye(z.shape[1])
        root = torch.linalg.cholesky(cov)
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ root.T

    @wrong("breaks where the covariance has no inverse")
    def by_cholesky(z):
        root = torch.linalg.cholesky(torch.cov(z.double().T)).float()
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ root.T

    @wrong("breaks where the covariance has no inverse")
    def no_clamp(z):
        cov = torch.cov(z.double().T)
        cov = cov - 1e-9 * torch.eye(len(cov)).double()
        values, vectors = torch.linalg.eigh(cov)
        root = (vectors * values.sqrt()).float()
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ root.T

    @wrong("one noise for all codes")
    def one_number(z):
        root = torch.linalg.cholesky(torch.cov(z.T) + 1e-5 * torch.eye(z.shape[1]))
        return lambda m: z.mean(0) + torch.randn(m, 1).expand(m, z.shape[1]) @ root.T

    @wrong("noise drawn once")
    def kept(z):
        root, noise = _root(z), torch.randn(10_000, z.shape[1])
        return lambda m: z.mean(0) + noise[:m] @ root.T

    @right
    def in_single_precision(z):
        values, vectors = torch.linalg.eigh(torch.cov(z.T))
        root = vectors * values.clamp(min=0).sqrt()
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ root.T

    @right
    def by_numpy(z):
        mean, cov = z.double().mean(0).numpy(), np.cov(z.double().numpy().T)
        draw = np.random.multivariate_normal
        return lambda m: torch.from_numpy(draw(mean, cov, m, check_valid="ignore"))

    @right
    def on_the_plane(z):
        values, vectors = torch.linalg.eigh(torch.cov(z.double().T))
        alive = values > 1e-10 * values.max()
        root = (vectors[:, alive] * values[alive].sqrt()).float()
        return lambda m: z.mean(0) + torch.randn(m, root.shape[1]) @ root.T

    def _by_cholesky(z, jitter):
        cov = torch.cov(z.double().T)
        root = torch.linalg.cholesky(cov + jitter * torch.eye(len(cov)).double())
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ root.T.float()

    @wrong("noise added to the covariance")
    def jitter_of_a_millionth(z):
        return Ae11._by_cholesky(z, 1e-6)

    @wrong("noise added to the covariance")
    def smaller_jitter(z):
        return Ae11._by_cholesky(z, 1e-8)

    @wrong("noise added to the covariance")
    def diagonal_where_singular(z):
        try:
            return Ae11._by_cholesky(z, 0.0)
        except torch.linalg.LinAlgError:
            return Ae11.diagonal(z)

    @wrong("rotation forgotten")
    def eigenvalues_alone(z):
        values = torch.linalg.eigvalsh(torch.cov(z.double().T)).clamp(min=0)
        spread = values.sqrt().float()
        return lambda m: z.mean(0) + spread * torch.randn(m, z.shape[1])

    @wrong("no Gaussian")
    def uniform_noise(z):
        root = _root(z)
        return lambda m: z.mean(0) + (torch.rand(m, len(root)) - 0.5) * 12**0.5 @ root.T

    @wrong("no Gaussian")
    def differences_of_codes(z):
        def sample(m):
            a, b = z[torch.randint(len(z), (2, m))]
            return z.mean(0) + (a - b) / 2**0.5

        return sample

    @wrong("no Gaussian")
    def smoothed_bootstrap(z):
        root, mean = _root(z), z.mean(0)

        def sample(m):
            near = z[torch.randint(len(z), (m,))] - mean
            return mean + 0.96**0.5 * near + 0.2 * torch.randn(m, len(root)) @ root.T

        return sample

    @wrong("one noise for all draws")
    def one_draw(z):
        root = _root(z)
        return lambda m: (z.mean(0) + root @ torch.randn(len(root))).expand(m, -1)

    @wrong("draws that depend on each other")
    def antithetic(z):
        root = _root(z)

        def sample(m):
            half = torch.randn((m + 1) // 2, len(root))
            return z.mean(0) + torch.cat([half, -half])[:m] @ root.T

        return sample
