"""Versions of exercise ae-03."""

import torch

from .. import build, reference, right, wrong


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

    @wrong("variance kept in place of lost")
    @build
    def kept():
        return 6, 4.2, 4.25

    @wrong("coordinates in place of directions")
    @build
    def coordinate():
        return 2 + 3, 4.2, 4.25

    @wrong("one direction too few lost")
    @build
    def one_lost():
        return 1, 4.2, 4.25

    @wrong("mean over the dimensions")
    @build
    def per_dimension():
        return 4 / 3, 4.2 / 3, 4.25 / 3

    @wrong("decoder that does not predict")
    @build
    def silent():
        return 4, 2 + 3, 4.25

    @wrong("same as the best code")
    @build
    def same():
        return 4, 4, 4.25

    @wrong("slope divided by the wrong variance")
    @build
    def slope():
        return 4, (2 - 2**2 / 2) + 3, 4.25

    @wrong("noise left in")
    @build
    def noise():
        return 4, 4.2, 9

    @wrong("signal in place of error")
    @build
    def signal():
        return 4, 4.2, 36 / 9 + 9 / 6 + 1 / 4

    @wrong("variance read as standard deviation")
    @build
    def squared():
        return 4, 4.2, 54 / 15 + 27 / 12 + 9 / 10

    @wrong("all directions shrunk alike")
    @build
    def average():
        lam = 10 / 3
        return 4, 4.2, 3 * 3 * lam / (3 + lam)

    @wrong("each coordinate denoised alone")
    @build
    def alone():
        return 4, 4.2, 15 / 8 + 6 / 5 + 9 / 6

    @wrong("noise counted once")
    @build
    def once():
        return 4, 4.2, 18 / 9

    @wrong("third dimension forgotten")
    @build
    def block_only():
        return 4, 2 - 2**2 / 5, 4.25

    @wrong("third dimension forgotten")
    @build
    def block_denoised():
        return 4, 4.2, 18 / 9 + 3 / 4

    @wrong("variance kept in place of lost")
    @build
    def predicted():
        return 4, 5 + 2**2 / 5, 4.25

    @wrong("mean over the dimensions")
    @build
    def shares():
        return 4, 4.2, 6 / 9 + 3 / 6 + 1 / 4
