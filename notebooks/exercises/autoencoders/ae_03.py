"""Versions of exercise ae-03."""

import torch

from .. import build, edits, reference, right


class Ae03:
    r"""The upper block has trace 7 and determinant 6, so its eigenvalues are 6 and 1;
    the third is 3. One code keeps 6 and loses $3 + 1 = 4$.

    A linear decoder of $x_1$ predicts $x_2$ with slope $2/5$ and $x_3$ with slope 0.
    What is left of $x_2$ is $2 - 2^2/5 = 1.2$, of $x_3$ all of 3: together 4.2, a
    little more than the best code: the first principal direction is $(2, 1, 0)$ up to
    its length, and not far from $x_1$.

    In a principal direction with variance $\lambda$ the posterior variance under noise
    of variance $\sigma^2$ is $\lambda \sigma^2 / (\lambda + \sigma^2)$, which is the
    error of the posterior mean (2.7):
    $24/10 + 12/7 + 4/5 = 2.4 + 1.714 + 0.8 = 4.914$."""

    @reference
    @build
    def reference():
        one_code = 3 + 1
        first_only = (2 - 2**2 / 5) + 3
        denoised = 24 / 10 + 12 / 7 + 4 / 5
        return one_code, first_only, denoised

    @right
    @build
    def by_matrices():
        cov = torch.tensor([[5.0, 2, 0], [2, 2, 0], [0, 0, 3]], dtype=torch.float64)
        values = torch.linalg.eigvalsh(cov)
        slope = cov[:, 0] / cov[0, 0]
        noise = 4 * torch.eye(3, dtype=torch.float64)
        posterior = cov - cov @ torch.linalg.inv(cov + noise) @ cov
        left = cov.trace() - slope @ cov[:, 0]
        return values[:2].sum(), left, posterior.trace()

    @right
    @build
    def rounded():
        return 4.000, 4.200, 4.914

    @right
    @build
    def by_precision():
        lam = torch.tensor([6.0, 3.0, 1.0])
        return lam[1:].sum(), torch.tensor(4.2), (1 / (1 / lam + 1 / 4)).sum()

    edited = edits(
        reference,
        """
    variance kept in place of lost | 3 + 1 -> 6
    explained part kept or added | 2 - 2**2 / 5) + 3 -> 5 + 2**2 / 5)
    coordinates in place of directions | 3 + 1 -> 3 + 2
    one direction too few lost | 3 + 1 -> 1
    one direction too few lost | 3 + 1 -> 3
    mean over the dimensions | 3 + 1 -> (3 + 1) / 3
    factors in place of errors
        | 24 / 10 + 12 / 7 + 4 / 5 -> 6 / 10 + 3 / 7 + 1 / 5
    mean over the dimensions
        | 24 / 10 + 12 / 7 + 4 / 5 -> (24 / 10 + 12 / 7 + 4 / 5) / 3
    decoder that does not predict | - 2**2 / 5 ->
    same as the best code | (2 - 2**2 / 5) + 3 -> 4
    explained part of another size | 2**2 / 5 -> 2**2 / 2
    third dimension forgotten | 2**2 / 5) + 3 -> 2**2 / 5)
    directions left out | + 12 / 7 ->
    noise left in | 24 / 10 + 12 / 7 + 4 / 5 -> 12
    signal in place of error | 24 / 10 + 12 / 7 + 4 / 5 -> 36 / 10 + 9 / 7 + 1 / 5
    one part of the error only
        | 24 / 10 + 12 / 7 + 4 / 5 -> 6 * 0.4**2 + 3 * (4 / 7) ** 2 + 0.8**2
    one part of the error only
        | 24 / 10 + 12 / 7 + 4 / 5 -> 4 * (0.6**2 + (3 / 7) ** 2 + 0.2**2)
    another variance of the noise
        | 24 / 10 + 12 / 7 + 4 / 5 -> 6 * 16 / 22 + 3 * 16 / 19 + 16 / 17
    all directions shrunk alike | 24 / 10 + 12 / 7 + 4 / 5 -> 40 / (4 + 10 / 3)
    each coordinate denoised alone | 24 / 10 + 12 / 7 + 4 / 5 -> 20 / 9 + 8 / 6 + 12 / 7
    directions left out | 24 / 10 + 12 / 7 + 4 / 5 -> 24 / 10
    off by a factor of two | 24 / 10 + 12 / 7 + 4 / 5 -> (24 / 10 + 12 / 7 + 4 / 5) / 2
    half of it, or its root | 3 + 1 -> (3 + 1) ** 0.5
    largest directions lost | 3 + 1 -> 6 + 3
    coordinates in place of directions | 3 + 1 -> 3 + 1.2
    standard deviations in place of variances | 3 + 1 -> 3**0.5 + 1
    a share in place of the error | 3 + 1 -> 4 / 10
    answers in another order | 3 + 1 -> 4.2 | (2 - 2**2 / 5) + 3 -> 4
    answers in another order | (2 - 2**2 / 5) + 3 -> 4.914286
        | 24 / 10 + 12 / 7 + 4 / 5 -> 4.2
    explained part of another size | 2**2 / 5 -> 2 / 5
    explained part of another size | 2**2 / 5 -> (2 / 5) ** 2
    decoder of another code | (2 - 2**2 / 5) + 3 -> (2 - 2 + 5 / 4) + 3
    square root taken | (2 - 2**2 / 5) + 3 -> ((2 - 2**2 / 5) + 3) ** 0.5
    another variance of the noise
        | 24 / 10 + 12 / 7 + 4 / 5 -> sum(v * 2 / (v + 2) for v in (6, 3, 1))
    directions kept or dropped | 24 / 10 + 12 / 7 + 4 / 5 -> 4 + 3 + 1
    factors in place of errors | 24 / 10 + 12 / 7 + 4 / 5 -> 4 / 10 + 4 / 7 + 4 / 5
    signal and noise swapped | 24 / 10 + 12 / 7 + 4 / 5 -> 16 / 10 + 16 / 7 + 16 / 5
    the whole, or squares of the eigenvalues | 3 + 1 -> 3**2 + 1**2
    a product in place of a sum | 3 + 1 -> 3 * 1 * 6
    another slope than that of the regression | (2 - 2**2 / 5) -> (2 - 8 + 20)
    x1 counted, too | (2 - 2**2 / 5) + 3 -> 5 + (2 - 2**2 / 5) + 3
    a bottleneck added | 24 / 10 + 12 / 7 + 4 / 5 -> 24 / 10 + 3 + 1
    precisions in place of variances
        | 24 / 10 + 12 / 7 + 4 / 5 -> 10 / 24 + 7 / 12 + 5 / 4
    eigenvalues of something else
        | 24 / 10 + 12 / 7 + 4 / 5 -> sum(v * 4 / (v + 4) for v in (36, 9, 1))
    rounded too early | 24 / 10 + 12 / 7 + 4 / 5 -> 4.9
    sign flipped | 3 + 1 -> -(3 + 1)
    """,
    )
