"""Exercise vae-04: One example, by hand."""

import math

import torch

from .._exercise import Exercise


@Exercise(
    id="vae-04",
    title="One example, by hand",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Derive posterior, likelihood and bound of a linear model, and see the gap.",
    ),
    statement=r"""
One latent number, one observed number:
$p(z) = \mathcal N(0, 1)$ and $p(x \mid z) = \mathcal N(2 z + 1,\; 0.5^2)$. Observed is
$x = 2$, and an encoder proposes $q(z \mid x) = \mathcal N(0.3,\; 0.4^2)$.

Derive, on paper, and give to four significant digits: the mean `post_mean` and the
**standard deviation** `post_std` of the exact posterior $p(z \mid x)$; `log_p`
$= \log p(x)$; and `elbo`, the evidence lower bound of this $q$. The last two are in
nats. What should `log_p - elbo` be equal to?
""",
    stub="""
post_mean = ...  # of p(z | x)
post_std = ...  # of p(z | x)
log_p = ...  # log p(x), nats
elbo = ...  # of q = N(0.3, 0.4^2), nats
""",
    answers={"post_mean": float, "post_std": float, "log_p": float, "elbo": float},
    hints=(
        "log p(z) + log p(x | z) is quadratic in z: complete the square. Its curvature "
        "is the posterior's precision, one term from each factor.",
        "x is a linear function of two independent normals, z and the noise, so x is "
        "normal: which mean, which variance?",
        "The ELBO needs the mean of (x - 1 - 2z)² under q: the square of its mean plus "
        "its variance. The rate is the closed form of the chapter.",
    ),
    misconceptions={
        "prior left out of the posterior": "The prior has a precision too, 1, and "
        "pulls the mean toward 0.",
        "slope not squared": "x changes by 2 for each unit of z: precisions and "
        "variances get the square of it.",
        "offset left out": "The decoder's mean is 2z + 1: first take 1 from x.",
        "variance in place of the deviation": "Asked for is the standard deviation, "
        "the root of the variance.",
        "noise left out of the marginal": "x varies by the noise as well as by z; "
        "independent variances add.",
        "deviation taken as a variance": "N(m, 0.5²): the variance is 0.25.",
        "value of p(x given z) at one z": "p(x) averages over the prior; a likelihood "
        "at one code is another number.",
        "spread of q left out": "The expectation of a square is the square of the mean "
        "plus the variance.",
        "rate added in place of subtracted": "The ELBO is log-likelihood minus rate.",
        "rate left out": "The expected log-likelihood alone is no lower bound.",
        "normalizer left out": "A log-density holds -log std - log(2 pi)/2.",
        "log p in place of the bound": "They are equal only where q is the exact "
        "posterior.",
        "the gap in place of the bound": "log p minus ELBO is the gap.",
    },
)
def vae_04(t, post_mean, post_std, log_p, elbo):
    # By sums over a fine grid of z: no closed form is used here.
    z = torch.linspace(-10, 10, 200_001, dtype=torch.float64)
    dz = z[1] - z[0]
    normal = torch.distributions.Normal
    x = torch.tensor(2.0, dtype=torch.float64)
    likelihood = normal(2 * z + 1, 0.5).log_prob(x)
    joint = normal(0.0, 1.0).log_prob(z) + likelihood
    evidence = (joint.exp().sum() * dz).log()
    weight = (joint - evidence).exp() * dz
    alone = likelihood.softmax(0)
    mean = (weight * z).sum()
    var = (weight * (z - mean) ** 2).sum()
    free = (alone * z).sum(), ((alone * (z - (alone * z).sum()) ** 2).sum()) ** 0.5
    log_q = normal(0.3, 0.4).log_prob(z)
    q = log_q.exp() * dz
    fit, rate = (q * likelihood).sum(), (q * (joint - likelihood - log_q)).sum()
    bound = fit + rate
    root = 0.5 * math.log(2 * math.pi)

    t.property("mean of the posterior")
    ideas = {
        "prior left out of the posterior": free[0],
        "slope not squared": 8 / 9,
        "offset left out": 16 / 17,
    }
    why = "The mean of p(z) p(x | z), normalized, by a sum over z."
    t.close(post_mean, mean, why, ideas=ideas, tol=1e-3)

    t.property("standard deviation of the posterior")
    ideas = {
        "prior left out of the posterior": free[1],
        "variance in place of the deviation": var,
        "slope not squared": 1 / 3,
    }
    why = "The spread of p(z) p(x | z), normalized, by a sum over z."
    t.close(post_std, var**0.5, why, ideas=ideas, tol=1e-3)

    t.property("log p(x)")
    off = normal(1.0, 2.0).log_prob(x)
    ideas = {
        "noise left out of the marginal": off,
        "slope not squared": normal(1.0, 2.25**0.5).log_prob(x),
        "offset left out": normal(0.0, 4.25**0.5).log_prob(x),
        "deviation taken as a variance": [
            normal(1.0, 4.5**0.5).log_prob(x),
            normal(1.0, 4.25).log_prob(x),
        ],
        "value of p(x given z) at one z": [
            normal(2 * m + 1, 0.5).log_prob(x) for m in (0.0, 0.3, mean)
        ],
        "normalizer left out": [evidence + root, evidence + root + math.log(4.25) / 2],
        "sign flipped": -evidence,
        "bits in place of nats": evidence / math.log(2),
    }
    why = "The logarithm of the sum of p(z) p(x | z) over z."
    t.close(log_p, evidence, why, ideas=ideas, tol=1e-3)

    t.property("the bound")
    at_mean = normal(1.6, 0.5).log_prob(x)
    ideas = {
        "spread of q left out": [at_mean + rate, at_mean],
        "rate added in place of subtracted": fit - rate,
        "rate left out": fit,
        "normalizer left out": [bound + root, bound + root + math.log(0.5)],
        "the gap in place of the bound": evidence - bound,
        "log p in place of the bound": evidence,
        "sign flipped": -bound,
        "bits in place of nats": bound / math.log(2),
        "variance in place of the deviation": fit
        - 0.5 * (0.09 + 0.16 - 1)
        + math.log(0.16),
    }
    why = "The mean of log p(x, z) - log q(z) under q, by a sum over z."
    t.close(elbo, bound, why, ideas=ideas, tol=1e-3)
