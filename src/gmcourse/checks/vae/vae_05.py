"""Exercise vae-05: How noisy is a gradient?"""

import math

import torch

from .._exercise import Exercise
from ._shared import fallback


@Exercise(
    id="vae-05",
    title="How noisy is a gradient?",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Compute the variance of the reparameterized and of the score-function "
        "gradient, and find the best constant baseline.",
    ),
    statement=r"""
Let $q = \mathcal N(\mu, \sigma^2)$ with $\mu = 1$, $\sigma = 0.6$, and $f(z) = z^2$.
Wanted is $\partial\, \mathbb{E}_q[f(z)] / \partial \mu$. Each draw $z$ gives an
unbiased estimate by either way:

- reparameterization: $f'(z)$,
- score function: $f(z)\, \partial \log q(z) / \partial \mu$.

Give to four significant digits: `grad`, the exact derivative; `var_path` and
`var_score`, the variance of one estimate of either kind; and `baseline`, the constant
$b$ for which the variance of $(f(z) - b)\, \partial \log q(z) / \partial \mu$ is the
smallest. (The moments of order 2, 4 and 6 of $\epsilon \sim \mathcal N(0, 1)$ are 1, 3
and 15.)
""",
    stub="""
grad = ...  # d E[f(z)] / d mu
var_path = ...  # variance of f'(z)
var_score = ...  # variance of f(z) d log q / d mu
baseline = ...  # the constant that makes the variance smallest
""",
    answers={"grad": float, "var_path": float, "var_score": float, "baseline": float},
    hints=(
        r"Write $z = \mu + \sigma \epsilon$. The score with respect to $\mu$ is "
        r"$\epsilon / \sigma$.",
        "A variance is the mean of the square minus the square of the mean, and the "
        "mean of both estimates is known.",
        "With a baseline the mean does not change, so minimize the mean of "
        r"$(f - b)^2 \epsilon^2$ over $b$: set the derivative to zero. It is not the "
        "mean of $f$.",
    ),
    misconceptions={
        "value in place of the derivative": "E[z²] = mu² + sigma²; differentiate with "
        "respect to mu.",
        "derivative with respect to sigma": "All gradients here are with respect to "
        "mu: dz/dmu = 1, and the score is (z - mu)/sigma².",
        "mu taken as zero": "q lies around 1, not 0.",
        "slope of f not squared": "f'(z) = 2z: a factor enters a variance by its "
        "square.",
        "slope taken as a constant": "f'(z) depends on z.",
        "score divided by another power of sigma": "d log q / d mu = (z - mu)/sigma², "
        "which is eps/sigma, and its square is in the variance.",
        "variance of f in place of the gradient's": "The estimate is f times the "
        "score, not f.",
        "the term of eps²": "The square of f times the score is eps²/sigma² times "
        "(mu + sigma eps)⁴; its first term is mu⁴ eps²/sigma², of mean 1/sigma².",
        "the term of eps⁴": "(mu + sigma eps)⁴ holds 6 mu² sigma² eps². Times "
        "eps²/sigma² it is 6 eps⁴, and the mean of eps⁴ is 3: 18 in all.",
        "the term of eps⁶": "(mu + sigma eps)⁴ holds sigma⁴ eps⁴. Times eps²/sigma² "
        "it is sigma² eps⁶, and the mean of eps⁶ is 15.",
        "moments of the noise left out": "The means of eps⁴ and eps⁶ are 3 and 15, not "
        "1, nor powers of the mean of eps².",
        "logarithm of what is due": "The number itself is due.",
        "derivative as the baseline": "The mean of the estimate is not subtracted from "
        "f: the best constant is a weighted mean of f.",
        "spread or size of f as the baseline": "The best constant is a weighted mean "
        "of f itself, not of its square.",
        "weight squared, or sigma not": "1 + 5 sigma² and 1 + 3 sigma are equal here. "
        "The weight of f is the square of the score, eps², and no higher power; and f "
        "holds sigma² eps².",
        "the variance at the best constant": "The constant is asked for, not the "
        "variance that is left with it.",
        "another baseline": "The best constant is the mean of f weighted by the "
        "square of the score: E[f eps²] divided by E[eps²].",
        "another variance": "The mean of the square of f times the score, minus the "
        "square of its mean: compare each.",
        "another spread": "f'(z) = 2 z: its variance is that of z times 4.",
        "another derivative": "E[z²] = mu² + sigma²; differentiate with respect to mu.",
        "another number in place of the squared mean": "A variance is the mean of the "
        "square minus the square of the mean, which is the derivative.",
        "a baseline subtracted": "The variance without a baseline is asked for.",
        "f and the score taken as independent": "Both are functions of one z: the mean "
        "of a product is not the product of the means.",
        "no baseline": "Some constant is better than none.",
        "mean of f as the baseline": "A common choice, but not the best: large scores "
        "count more, so f has to be weighted by the squared score.",
        "f at the mean of q as the baseline": "The best constant is a weighted mean.",
        "another weighted mean": "f itself has to be weighted by the square of the "
        "score, and the sum by the sum of the weights.",
    },
)
def vae_05(t, grad, var_path, var_score, baseline):
    # Moments by quadrature over eps: exact to 1e-10, and no formula of the answer.
    e = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
    density = torch.distributions.Normal(0.0, 1.0).log_prob(e).exp() * (e[1] - e[0])

    def moments(values):
        mean = (density * values).sum()
        return mean, (density * (values - mean) ** 2).sum()

    def setting(std):
        z = 1.0 + std * e
        slope = torch.autograd.functional.jvp(torch.square, z, torch.ones_like(z))[1]
        return z**2, slope, e / std

    f, slope, score = setting(0.6)
    exact, path = moments(slope)
    _, by_score = moments(f * score)
    second = by_score + exact**2
    mean_f, by_f = moments(f)
    other_f, other_slope, other_score = setting(0.6**0.5)
    wide = e * score - 1 / 0.6  # the score with respect to sigma

    # A variance is a parabola in b: three points fix it.
    left, middle, right = (moments((f - b) * score)[1] for b in (0.0, 1.0, 2.0))
    best = 1 + (left - right) / (2 * (left + right - 2 * middle))
    dues = exact, path, by_score, best

    def told(name, got, due, ideas, default):
        out = float(t.tensor(got).detach())
        ideas["logarithm of what is due"] = [math.log(due), math.log10(due)]
        for mistake, values in ideas.items():  # those that fit to four digits
            values = values if isinstance(values, list) else [values]
            ideas[mistake] = [v for v in values if f"{float(v):.4g}" == f"{out:.4g}"]
        t.number(name, got, due, why, fallback(ideas, default, out, due), others=dues)

    why = "The mean of the slope of f under q."
    ideas = {
        "value in place of the derivative": [mean_f, 2 * mean_f, 1.0 + 1.2],
        "derivative with respect to sigma": [1.2, 3.2, 0.36, 0.6],
        "mu taken as zero": 0.0,
    }
    told("the exact derivative", grad, exact, ideas, "another derivative")

    why = "The variance of the slope of f under q, by quadrature."
    ideas = {
        "slope of f not squared": [path / 4, path / 2],
        "slope taken as a constant": 0.0,
        "second moment in place of the variance": path + exact**2,
        "another number in place of the squared mean": [
            path + exact**2 - c for c in (exact, mean_f, mean_f**2, 1.0)
        ],
        "standard deviation in place of the variance": path**0.5,
        "variance of f in place of the gradient's": [by_f, by_f / 0.36],
        "standard deviation taken as a variance": moments(other_slope)[1],
        "score divided by another power of sigma": [4 * 0.36**2, 4 / 0.36],
        "derivative with respect to sigma": [
            *moments(slope * e),
            moments(slope * e)[1] + moments(slope * e)[0] ** 2,
        ],
    }
    what = "variance of the reparameterized gradient"
    told(what, var_path, path, ideas, "another spread")

    why = "The variance of f times the score under q, by quadrature."
    product, square = moments(f**2)[0] * moments(score**2)[0], exact**2
    squared, sixth = 1 / 0.36, 15 * 0.36  # two of the terms; the third is 18
    first = squared + 6 + 0.36
    ideas = {
        "standard deviation in place of the variance": [by_score**0.5, second**0.5],
        "moments of the noise left out": [first, first - square],
        "score divided by another power of sigma": [
            v - c
            for power in (0.36, 0.6, 0.36**-1, 0.36**2)
            for v, c in ((second * power, square), (by_score * power, 0.0))
        ],
        "variance of f in place of the gradient's": [by_f, by_f + mean_f**2],
        "f and the score taken as independent": [
            *(product, product - square, by_f * moments(score**2)[0]),
            mean_f**2 * moments(score**2)[0],
        ],
        "standard deviation taken as a variance": moments(other_f * other_score)[1],
        "mu taken as zero": [sixth, sixth - square],
        "a baseline subtracted": [
            moments((f - b) * score)[1] for b in (best, mean_f, 1.0)
        ],
        "derivative with respect to sigma": moments(f * wide)[1],
        "the term of eps²": [by_score + (c - 1) * squared for c in (0, 3)],
        "the term of eps⁴": [by_score + c - 18 for c in (0, 3, 6, 12, 18 * 0.36)],
        "the term of eps⁶": [
            by_score + c - sixth
            for c in (
                *(0.36 * c for c in (0, 1, 3, 9, 105)),
                15,
                15 * 0.6,
                15 * 0.36**2,
            )
        ],
        "second moment in place of the variance": second,
        "another number in place of the squared mean": [
            second - c for c in (exact, mean_f, mean_f**2, -square)
        ],
    }
    what = "variance of the score-function gradient"
    told(what, var_score, by_score, ideas, "another variance")

    why = "Where the variance, computed for three constants, has its minimum."
    weighted = moments(f * score**2)[0]
    by_wide = moments(f * wide**2)[0] / moments(wide**2)[0]
    ideas = {
        "no baseline": 0.0,
        "mean of f as the baseline": mean_f,
        "f at the mean of q as the baseline": 1.0,
        "derivative as the baseline": [exact, exact / 0.6, exact * 0.6, exact * 0.36],
        "spread or size of f as the baseline": [
            *(moments(f**2)[0] ** 0.5, by_f**0.5, by_f),
        ],
        "weight squared, or sigma not": 2.8,
        "mu taken as zero": 3 * 0.36,
        "derivative with respect to sigma": by_wide,
        "another weighted mean": [
            *(weighted * v for v in (1.0, 0.6, 0.36**2)),
            *(moments(f**2 * score**2)[0] / v for v in (1 / 0.36, weighted, exact)),
            moments(f * score.abs())[0] / moments(score.abs())[0],
        ],
        "the variance at the best constant": moments((f - best) * score)[1],
    }
    told("the best constant baseline", baseline, best, ideas, "another baseline")
