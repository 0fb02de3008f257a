"""Versions of exercise ae-11."""

import numpy as np
import torch

from .. import edits, reference, right


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
    def by_loops(z):
        mean, (values, vectors) = z.mean(0), torch.linalg.eigh(torch.cov(z.T))
        root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
        return lambda m: torch.stack(
            [mean + root @ torch.randn(len(mean)) for _ in range(m)]
        )

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
    rotation forgotten | root.T -> root
    training codes drawn again | return mean + torch.randn(m, len(mean)) @ root.T
        -> return z[torch.randint(len(z), (m,))]
    noise added to the covariance
        | cov(z.double().T) -> cov(z.double().T) + 1e-3 * torch.eye(len(z.T))
    noise added to the covariance
        | cov(z.double().T) -> cov(z.double().T) + 1e-6 * torch.eye(len(z.T))
    noise added to the covariance | values.clamp(min=0) -> values.clamp(min=1e-8)
    breaks where the covariance has no inverse
        | (vectors * values.clamp(min=0).sqrt())
        -> torch.linalg.cholesky(torch.cov(z.double().T))
    breaks where the covariance has no inverse | values.clamp(min=0) -> (values - 1e-9)
    breaks where the covariance has no inverse | z.double().T -> z.T
        | values.clamp(min=0) -> values
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
