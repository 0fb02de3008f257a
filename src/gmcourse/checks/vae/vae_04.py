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
nats. What should `log_p - elbo` be equal to? (The check does not ask.)
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
        "noise left out of the marginal": "x varies by the noise as well as by z; "
        "independent variances add.",
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
    z = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
    normal, x = torch.distributions.Normal, torch.tensor(2.0, dtype=torch.float64)

    def evidence(slope=2.0, offset=1.0, std=0.5, prior=1.0):
        """log p(x), and mean and deviation of the posterior."""
        joint = normal(slope * z + offset, std).log_prob(x) - prior * z**2 / 2
        mean = (joint.softmax(0) * z).sum()
        std = (joint.softmax(0) * (z - mean) ** 2).sum() ** 0.5
        return joint.logsumexp(0) + (z[1] - z[0]).log() - root, mean, std

    def bound(slope=2.0, offset=1.0, std=0.5, wide=0.4):
        """Expected log-likelihood and rate of q = N(0.3, wide²)."""
        log_q = normal(0.3, wide).log_prob(z)
        q, fit = log_q.softmax(0), normal(slope * z + offset, std).log_prob(x)
        return (q * fit).sum(), (q * (log_q - normal(0.0, 1.0).log_prob(z))).sum()

    root = 0.5 * math.log(2 * math.pi)
    log_due, mean, std = evidence()
    fit, rate = bound()
    # With 2 in place of 2² before the variance of q:
    once = fit + 2 * 0.4**2 / (2 * 0.5**2) - rate

    why = "The mean of p(z) p(x | z), normalized, by a sum over z."
    ideas = {
        "prior left out of the posterior": evidence(prior=0.0)[1],
        "slope not squared": [8 / 9, evidence(2**0.5)[1]],
        "offset left out": evidence(offset=0.0)[1],
        "standard deviation taken as a variance": evidence(std=0.5**0.5)[1],
    }
    t.number("mean of the posterior", post_mean, mean, why, ideas)

    why = "The spread of p(z) p(x | z), normalized, by a sum over z."
    ideas = {
        "prior left out of the posterior": evidence(prior=0.0)[2],
        "variance in place of the standard deviation": std**2,
        "slope not squared": evidence(2**0.5)[2],
        "standard deviation taken as a variance": evidence(std=0.5**0.5)[2],
    }
    t.number("standard deviation of the posterior", post_std, std, why, ideas)

    why = "The logarithm of the sum of p(z) p(x | z) over z."
    at_one = [normal(2 * m + 1, 0.5).log_prob(x) for m in (0.0, 0.3, mean)]
    ideas = {
        "noise left out of the marginal": normal(1.0, 2.0).log_prob(x),
        "slope not squared": evidence(2**0.5)[0],
        "offset left out": evidence(offset=0.0)[0],
        "standard deviation taken as a variance": [
            evidence(std=0.5**0.5)[0],
            normal(1.0, 4.25).log_prob(x),
        ],
        "value of p(x given z) at one z": at_one,
        "normalizer left out": [log_due + root, log_due + root + math.log(4.25) / 2],
    }
    t.number("log p(x)", log_p, log_due, why, ideas, unit="nats")

    why = "The mean of log p(x, z) - log q(z) under q, by a sum over z."
    shift, narrow = 0.5 * math.log(0.4), bound(std=0.5**0.5)
    ideas = {
        "spread of q left out": [at_one[1] - rate, at_one[1]],
        "rate added in place of subtracted": fit + rate,
        "rate left out": fit,
        "normalizer left out": [fit - rate + root, fit - rate + root + math.log(0.5)],
        "the gap in place of the bound": log_due - fit + rate,
        "log p in place of the bound": log_due,
        "slope not squared": once,
        "offset left out": bound(offset=0.0)[0] - rate,
        "variance in place of the standard deviation": fit - rate + 2 * shift,
        "standard deviation in place of the variance": fit - rate - shift,
        "standard deviation taken as a variance": [
            fit - bound(wide=0.4**0.5)[1],
            bound(wide=0.4**0.5)[0] - bound(wide=0.4**0.5)[1],
            narrow[0] - rate,
        ],
    }
    t.number("the bound", elbo, fit - rate, why, ideas, unit="nats")
