"""Versions of exercise ae-03."""

import torch

from .. import build, edits, reference, right


class Ae03:
    r"""The upper block has trace 7 and determinant 6, so its eigenvalues are 6 and 1;
    the third is 3. One code keeps 6 and loses $3 + 1 = 4$.

    A linear decoder of $x_1$ predicts $x_2$ with slope $2/5$ and $x_3$ with slope 0.
    What is left of $x_2$ is $2 - 2^2/5 = 1.2$, of $x_3$ all of 3: together 4.2, a
    little more than the best code.

    In a principal direction with variance $\lambda$ the posterior variance under noise
    of variance $\sigma^2$ is $\lambda \sigma^2 / (\lambda + \sigma^2)$, which is the
    error of the posterior mean (2.7): $18/9 + 9/6 + 3/4 = 2 + 1.5 + 0.75 = 4.25$."""

    @reference
    @build
    def reference():
        one_code = 3 + 1
        first_only = (2 - 2**2 / 5) + 3
        denoised = 18 / 9 + 9 / 6 + 3 / 4
        return one_code, first_only, denoised

    @right
    @build
    def by_matrices():
        cov = torch.tensor([[5.0, 2, 0], [2, 2, 0], [0, 0, 3]], dtype=torch.float64)
        values = torch.linalg.eigvalsh(cov)
        slope = cov[:, 0] / cov[0, 0]
        noise = 3 * torch.eye(3, dtype=torch.float64)
        posterior = cov - cov @ torch.linalg.inv(cov + noise) @ cov
        left = cov.trace() - slope @ cov[:, 0]
        return values[:2].sum(), left, posterior.trace()

    @right
    @build
    def rounded():
        return 4.000, 4.200, 4.250

    @right
    @build
    def by_precision():
        lam = torch.tensor([6.0, 3.0, 1.0])
        return lam[1:].sum(), torch.tensor(4.2), (1 / (1 / lam + 1 / 3)).sum()

    edited = edits(
        reference,
        """
    variance kept in place of lost | 3 + 1 -> 6
    explained part kept or added | 2 - 2**2 / 5) + 3 -> 5 + 2**2 / 5)
    coordinates in place of directions | 3 + 1 -> 3 + 2
    one direction too few lost | 3 + 1 -> 1
    one direction too few lost | 3 + 1 -> 3
    mean over the dimensions | 3 + 1 -> (3 + 1) / 3
    mean over dimensions, or a variance lost
        | 18 / 9 + 9 / 6 + 3 / 4 -> 6 / 9 + 3 / 6 + 1 / 4
    decoder that does not predict | - 2**2 / 5 ->
    same as the best code | (2 - 2**2 / 5) + 3 -> 4
    explained part of another size | 2**2 / 5 -> 2**2 / 2
    third dimension forgotten | 2**2 / 5) + 3 -> 2**2 / 5)
    directions left out | + 9 / 6 ->
    noise left in | 18 / 9 + 9 / 6 + 3 / 4 -> 9
    signal in place of error | 18 / 9 + 9 / 6 + 3 / 4 -> 36 / 9 + 9 / 6 + 1 / 4
    one part of the error only
        | 18 / 9 + 9 / 6 + 3 / 4 -> 6 * (3 / 9) ** 2 + 3 * (3 / 6) ** 2 + (3 / 4) ** 2
    one part of the error only
        | 18 / 9 + 9 / 6 + 3 / 4 -> 3 * ((6 / 9) ** 2 + (3 / 6) ** 2 + (1 / 4) ** 2)
    another variance of the noise
        | 18 / 9 + 9 / 6 + 3 / 4 -> 54 / 15 + 27 / 12 + 9 / 10
    all directions shrunk alike | 18 / 9 + 9 / 6 + 3 / 4 -> 30 / (3 + 10 / 3)
    each coordinate denoised alone | 18 / 9 + 9 / 6 + 3 / 4 -> 15 / 8 + 6 / 5 + 9 / 6
    directions left out | 18 / 9 + 9 / 6 + 3 / 4 -> 18 / 9
    off by a factor of two | 18 / 9 + 9 / 6 + 3 / 4 -> (18 / 9 + 9 / 6 + 3 / 4) / 2
    half of it, or its root | 3 + 1 -> (3 + 1) ** 0.5
    largest directions lost | 3 + 1 -> 6 + 3
    coordinates in place of directions | 3 + 1 -> 3 + 1.2
    standard deviations in place of variances | 3 + 1 -> 3**0.5 + 1
    a share in place of the error | 3 + 1 -> 4 / 10
    answers in another order | 3 + 1 -> 4.2 | (2 - 2**2 / 5) + 3 -> 4
    answers in another order | (2 - 2**2 / 5) + 3 -> 4.25
        | 18 / 9 + 9 / 6 + 3 / 4 -> 4.2
    explained part of another size | 2**2 / 5 -> 2 / 5
    explained part of another size | 2**2 / 5 -> (2 / 5) ** 2
    decoder of another code | (2 - 2**2 / 5) + 3 -> (2 - 2 + 5 / 4) + 3
    square root taken | (2 - 2**2 / 5) + 3 -> ((2 - 2**2 / 5) + 3) ** 0.5
    another variance of the noise
        | 18 / 9 + 9 / 6 + 3 / 4 -> sum(v * 3**0.5 / (v + 3**0.5) for v in (6, 3, 1))
    directions kept or dropped | 18 / 9 + 9 / 6 + 3 / 4 -> 3 + 3 + 1
    factors in place of errors | 18 / 9 + 9 / 6 + 3 / 4 -> 3 / 9 + 3 / 6 + 3 / 4
    signal and noise swapped | 18 / 9 + 9 / 6 + 3 / 4 -> 9 / 9 + 9 / 6 + 9 / 4
    rounded too early | 18 / 9 + 9 / 6 + 3 / 4 -> 4.3
    sign flipped | 3 + 1 -> -(3 + 1)
    """,
    )
