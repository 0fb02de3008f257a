"""Exercise vae-05: How noisy is a gradient?"""

import torch

from .._exercise import Exercise


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
smallest. (The even moments of $\epsilon \sim \mathcal N(0, 1)$: 1, 3, 15.)
""",
    stub="""
grad = ...  # d E[f(z)] / d mu
var_path = ...  # variance of f'(z)
var_score = ...  # variance of f(z) d log q / d mu
baseline = ...  # the constant that makes the variance smallest
""",
    answers={"grad": float, "var_path": float, "var_score": float, "baseline": float},
    hints=(
        "Write z = mu + sigma eps. The score with respect to mu is eps / sigma.",
        "A variance is the mean of the square minus the square of the mean, and the "
        "mean of both estimates is known.",
        "With a baseline the mean does not change, so minimize the mean of "
        "(f - b)² eps² over b: set the derivative to zero. It is not the mean of f.",
    ),
    misconceptions={
        "derivative at the mean of q left out": "E[z²] = mu² + sigma²; differentiate "
        "with respect to mu.",
        "score without its denominator": "d log q / d mu = (z - mu) / sigma².",
        "score divided by sigma alone": "d log q / d mu = (z - mu) / sigma², which is "
        "eps / sigma.",
        "variance of f in place of the gradient's": "The estimate is f times the "
        "score, not f.",
        "f and the score taken as independent": "Both are functions of one z: the mean "
        "of a product is not the product of the means.",
        "mean of f as the baseline": "A common choice, but not the best: large scores "
        "count more, so f has to be weighted by the squared score.",
        "f at the mean of q as the baseline": "The best constant is a weighted mean.",
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
    _, by_f = moments(f)
    other_f, other_slope, other_score = setting(0.6**0.5)

    why = "The mean of the slope of f under q."
    ideas = {"derivative at the mean of q left out": [1.0, 1.36, 0.0, 2.72, 0.6, 1.2]}
    t.number("the exact derivative", grad, exact, why, ideas)

    why = "The variance of the slope of f under q, by quadrature."
    ideas = {
        "second moment in place of the variance": path + exact**2,
        "standard deviation in place of the variance": path**0.5,
        "variance of f in place of the gradient's": by_f,
        "standard deviation taken as a variance": moments(other_slope)[1],
    }
    t.number("variance of the reparameterized gradient", var_path, path, why, ideas)

    why = "The variance of f times the score under q, by quadrature."
    ideas = {
        "second moment in place of the variance": by_score + exact**2,
        "standard deviation in place of the variance": by_score**0.5,
        "score without its denominator": moments(f * score * 0.36)[1],
        "score divided by sigma alone": moments(f * score * 0.6)[1],
        "variance of f in place of the gradient's": by_f,
        "f and the score taken as independent": [
            moments(f**2)[0] * moments(score**2)[0] - c for c in (0.0, exact**2)
        ],
        "standard deviation taken as a variance": moments(other_f * other_score)[1],
    }
    t.number("variance of the score-function gradient", var_score, by_score, why, ideas)

    # A variance is a parabola in b: three points fix it.
    left, middle, right = (moments((f - b) * score)[1] for b in (0.0, 1.0, 2.0))
    best = 1 + (left - right) / (2 * (left + right - 2 * middle))
    why = "Where the variance, computed for three constants, has its minimum."
    ideas = {
        "mean of f as the baseline": moments(f)[0],
        "f at the mean of q as the baseline": 1.0,
        "standard deviation taken as a variance": 1.0 + 3 * 0.6,
    }
    t.number("the best constant baseline", baseline, best, why, ideas)
