"""Versions of exercise vae-05."""

import torch

from .. import build, edits, reference, right


class Vae05:
    r"""
    With $z = \mu + \sigma\epsilon$: the slope $2z$ has variance $4\sigma^2$. The score
    is $\epsilon/\sigma$, and $f^2 = (\mu + \sigma\epsilon)^4$, so the mean of the
    square of the estimate is
    $(\mu^4 + 6\mu^2\sigma^2 \cdot 3 + \sigma^4 \cdot 15)/\sigma^2$, odd moments being
    zero. With a baseline $b$ the mean of $(f - b)^2 \epsilon^2$ is smallest at
    $b = \mathbb{E}[f \epsilon^2]/\mathbb{E}[\epsilon^2] = \mu^2 + 3\sigma^2$, which is
    more than the mean of $f$, $\mu^2 + \sigma^2$.

    Here $22.18/1.44 = 15.4$ draws of the score function are worth one reparameterized
    draw, and 7.1 with the best baseline, which leaves a variance of 10.16. In $n$
    independent dimensions with $f$ the sum of $n$ such terms, the derivative with
    respect to one mean keeps the variance $4\sigma^2$ by the first way. By the second,
    the noise of all other terms is multiplied by that one score: the variance grows in
    proportion to $n$ with the best baseline, and as $n^2$ with none.
    """

    @reference
    @build
    def by_moments():
        mu, sigma = 1.0, 0.6
        grad = 2 * mu
        var_path = 4 * sigma**2
        fourth = mu**4 + 18 * mu**2 * sigma**2 + 15 * sigma**4
        var_score = fourth / sigma**2 - grad**2
        baseline = mu**2 + 3 * sigma**2
        return grad, var_path, var_score, baseline

    @right
    @build
    def rounded_to_four_digits():
        return 2.0, 1.440, 22.18, 2.080

    @right
    @build
    def by_gauss_hermite():
        import numpy as np

        e, w = np.polynomial.hermite_e.hermegauss(20)
        w, z = w / w.sum(), 1 + 0.6 * e
        grad = (w * 2 * z).sum()
        var_path = (w * (2 * z) ** 2).sum() - grad**2
        var_score = (w * (z**2 * e / 0.6) ** 2).sum() - grad**2
        baseline = (w * z**2 * e**2).sum() / (w * e**2).sum()
        return grad, var_path, var_score, baseline

    @right
    @build
    def by_regression():
        e = torch.linspace(-9, 9, 20_001, dtype=torch.float64)
        w = (-0.5 * e**2).exp()
        w, f, s = w / w.sum(), (1 + 0.6 * e) ** 2, e / 0.6
        grad = (w * f * s).sum()
        var_path = (w * (2 + 1.2 * e - grad) ** 2).sum()
        var_score = (w * (f * s - grad) ** 2).sum()
        baseline = (w * f * s * s).sum() / (w * s * s).sum()
        return grad, var_path, var_score, baseline

    edited = edits(
        by_moments,
        """
    value in place of the derivative | grad = 2 * mu -> grad = mu**2 + sigma**2
    another derivative | grad = 2 * mu -> grad = 2 * mu / sigma**2
    second moment in place of the variance | 4 * sigma**2 -> 4 * sigma**2 + grad**2
    second moment in place of the variance | / sigma**2 - grad**2 -> / sigma**2
    standard deviation in place of the variance | 4 * sigma**2 -> 2 * sigma
    score divided by another power of sigma
        | / sigma**2 - grad**2 -> * sigma**2 - (grad * sigma**2) ** 2
    score divided by another power of sigma
        | / sigma**2 - grad**2 -> - (grad * sigma) ** 2
    variance of f in place of the gradient's
        | 4 * sigma**2 -> 4 * sigma**2 + 2 * sigma**4
    mean of f as the baseline | 3 * sigma**2 -> sigma**2
    f at the mean of q as the baseline | mu**2 + 3 * sigma**2 -> mu**2
    standard deviation taken as a variance | = 1.0, 0.6 -> = 1.0, 0.6**0.5
    f and the score taken as independent | 18 * -> 6 * | 15 * -> 3 *
    moments of the noise left out | 18 * -> 6 * | 15 * ->
    derivative as the baseline | mu**2 + 3 * sigma**2 -> grad
    weight squared, or sigma not | mu**2 + 3 * sigma**2 -> mu**2 + 5 * sigma**2
    weight squared, or sigma not | mu**2 + 3 * sigma**2 -> mu**2 + 3 * sigma
    logarithm of what is due | 4 * sigma**2 -> math.log(4 * sigma**2)
    spread or size of f as the baseline | mu**2 + 3 * sigma**2
        -> (mu**4 + 6 * mu**2 * sigma**2 + 3 * sigma**4) ** 0.5
    spread or size of f as the baseline | mu**2 + 3 * sigma**2
        -> (4 * mu**2 * sigma**2 + 2 * sigma**4) ** 0.5
    another baseline | mu**2 + 3 * sigma**2 -> 3.3
    another baseline | mu**2 + 3 * sigma**2 -> mu**2 + 15 * sigma**2
    off by a factor of two | mu**2 + 3 * sigma**2 -> 2 * (mu**2 + 3 * sigma**2)
    the variance at the best constant | baseline = mu**2 + 3 * sigma**2
        -> baseline = (fourth - (mu**2 + 3 * sigma**2) ** 2) / sigma**2 - grad**2
    another variance | fourth / sigma**2 - grad**2 -> 33.7
    another variance | fourth / sigma**2 - grad**2 -> 22.68
    another variance | fourth / sigma**2 - grad**2 -> 21.5
    another variance | fourth / sigma**2 - grad**2 -> 20.18
    another spread | 4 * sigma**2 -> grad**2
    off by a factor of two | grad = 2 * mu -> grad = mu
    another spread | 4 * sigma**2 -> 16 * sigma**2
    slope of f not squared | 4 * sigma**2 -> 2 * sigma**2
    slope taken as a constant | 4 * sigma**2 -> 0.0
    derivative with respect to sigma | grad = 2 * mu -> grad = 2 * sigma
    derivative with respect to sigma
        | 4 * sigma**2 -> 4 * mu**2 + 8 * sigma**2
    mu taken as zero | = 1.0, 0.6 -> = 0.0, 0.6
    the term of eps² | fourth = mu**4 + -> fourth =
    the term of eps⁴ | 18 * -> 6 *
    the term of eps⁶ | 15 * -> 3 *
    a baseline subtracted | fourth / sigma**2 - grad**2 -> 11.6
    another number in place of the squared mean
        | / sigma**2 - grad**2 -> / sigma**2 - grad
    no baseline | mu**2 + 3 * sigma**2 -> 0.0
    another weighted mean
        | mu**2 + 3 * sigma**2 -> (mu**2 + 3 * sigma**2) / sigma**2
    another of the answers | var_path, var_score, -> var_score, var_path,
    not to the digits asked for | return grad, var_path -> return grad, 1.4
    sign flipped | 2 * mu -> -2 * mu
    """,
    )
