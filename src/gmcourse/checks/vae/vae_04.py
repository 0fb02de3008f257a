"""Exercise vae-04: One example, by hand."""

import math

import torch

from .._exercise import Exercise
from ._shared import TERMS, by_terms, wrong_rates


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
        r"$\log p(z) + \log p(x \mid z)$ is quadratic in $z$: complete the square. Its "
        "curvature is the posterior's precision, one term from each factor.",
        "$x$ is a linear function of two independent normals, $z$ and the noise, so "
        "$x$ is normal: which mean, which variance?",
        "The ELBO needs the mean of $(x - 1 - 2z)^2$ under $q$: the squared mean of "
        "$x - 1 - 2z$ plus its variance. The rate is the closed form of the chapter.",
    ),
    misconceptions={
        "prior left out of the posterior": "The prior has a precision too, 1, and "
        "pulls the mean toward 0.",
        "q in place of the posterior": "q is only a proposal; the posterior follows "
        "from p(z) and p(x given z).",
        "precisions not added": "The precisions of the two factors add up, and weigh "
        "their means.",
        "precision in place of the standard deviation": "The precision is 1 over the "
        "variance.",
        "spread of x in place of that of z": "The posterior is a distribution of z.",
        "slope left out or not squared": "x changes by 2 for each unit of z: "
        "means get this factor, precisions and variances its square.",
        "slope left out of the mean's numerator": "The mean is the slope times (x - 1) "
        "over the variance of the noise, divided by the precision: one factor 2.",
        "offset not taken away": "The decoder's mean is 2z + 1: take 1 from x first.",
        "noise left out of the marginal": "x varies by the noise as well as by z; "
        "independent variances add.",
        "standard deviations added": "Variances of independent terms add up, standard "
        "deviations do not.",
        "a density at one z": "p(x) is an integral over z; a density at one code is "
        "another number.",
        "averaged over q in place of the prior": "p(x) does not depend on q.",
        "a factor 1/2 lost": "In log N both terms have it, the logarithm of the "
        "variance and the square; the rate has it too.",
        "a sign inside log N": "A density falls with the distance and with the width: "
        "both terms are subtracted.",
        "spread of q left out": "The expectation of a square is the square of the mean "
        "plus the variance.",
        "rate added in place of subtracted": "The ELBO is log-likelihood minus rate.",
        "rate left out": "The expected log-likelihood alone is no lower bound.",
        "a term of the rate": TERMS,
        "entropy of q wrong": "The bound is the mean of log p(x, z) plus the entropy.",
        "divergence to the wrong one": "log p(x) goes with the divergence to the "
        "posterior, the expected log-likelihood with that to the prior.",
        "gap added in place of subtracted": "A lower bound lies below log p(x).",
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
    due, gap = fit - rate, log_due - fit + rate
    dues = mean, std, log_due, due
    slopes = [evidence(v) for v in (1.0, 2**0.5)]
    as_var = evidence(std=0.5**0.5)

    why = "The mean of p(z) p(x | z), normalized, by a sum over z."
    ideas = {
        "prior left out of the posterior": evidence(prior=0.0)[1],
        "slope left out or not squared": [8 / 9, *(v[1] for v in slopes)],
        "offset not taken away": [evidence(offset=v)[1] for v in (0.0, -1.0)],
        "standard deviation taken as a variance": as_var[1],
        "q in place of the posterior": [0.3, 0.3 * 2 + 1, 0.5 * (0.3 + 8 / 17)],
        "precisions not added": [0.5 / 2, 0.5 / 17, 8.0, 8 / 5, 4 / 5, 1 / 17, 2 / 17],
        "slope left out of the mean's numerator": 4 / 17,
        "a factor 1/2 lost": 16 / 33,
    }
    t.number("mean of the posterior", post_mean, mean, why, ideas, others=dues)

    why = "The spread of p(z) p(x | z), normalized, by a sum over z."
    ideas = {
        "prior left out of the posterior": [evidence(prior=0.0)[2], 1 / 16],
        "variance in place of the standard deviation": std**2,
        "precision in place of the standard deviation": [1 / std**2, 1 / std],
        "slope left out or not squared": [k for v in slopes for k in (v[2], v[2] ** 2)],
        "standard deviation taken as a variance": as_var[2],
        "q in place of the posterior": [0.4, 0.16],
        "spread of x in place of that of z": [4.25, 4.25**0.5],
        "precisions not added": [k**p for k in (17 / 16, 5 / 4) for p in (0.5, 1)],
    }
    what = "standard deviation of the posterior"
    t.number(what, post_std, std, why, ideas, others=dues)

    why = "The logarithm of the sum of p(z) p(x | z) over z."
    likelihoods = [normal(2 * m + 1, 0.5).log_prob(x) for m in (0.0, 0.3, mean, 1.0)]
    priors = [normal(0.0, 1.0).log_prob(m) for m in (z[10_000], mean * 0 + 0.3, mean)]
    width, square = 0.5 * math.log(4.25), 0.5 / 4.25
    ideas = {
        "noise left out of the marginal": normal(1.0, 2.0).log_prob(x),
        "slope left out or not squared": [v[0] for v in slopes],
        "offset not taken away": [evidence(offset=v)[0] for v in (0.0, -1.0)],
        "standard deviation taken as a variance": [
            *(as_var[0], evidence(2**0.5, std=0.5**0.5)[0]),
            *(normal(1.0, 4.25).log_prob(x), log_due - width),
        ],
        "standard deviation in place of the variance": [
            normal(1.0, 4.25**0.25).log_prob(x),
            log_due + width / 2,
            log_due + square - square * 4.25**0.5,
        ],
        "standard deviations added": normal(1.0, 2.5).log_prob(x),
        "a density at one z": [
            *likelihoods,
            *(a + b for a, b in zip(likelihoods, priors)),
        ],
        "averaged over q in place of the prior": [
            *(fit, normal(1.6, 0.89**0.5).log_prob(x)),
        ],
        "normalizer left out": [log_due + root, log_due + root + width],
        "a factor 1/2 lost": [log_due - v for v in (root + width, root, width, square)],
        "a sign inside log N": [
            log_due + 2 * v for v in (square, width, root, root + width)
        ],
    }
    t.number("log p(x)", log_p, log_due, why, ideas, unit="nats", others=dues)

    why = "The mean of log p(x, z) - log q(z) under q, by a sum over z."
    shift, narrow, half = math.log(0.4), bound(std=0.5**0.5), math.log(0.5)
    posterior, q = normal(mean, std), normal(0.3, 0.4)
    kl = torch.distributions.kl_divergence
    entropy = q.entropy()
    wide = bound(wide=0.4**0.5)
    # What is wrong in one or two of the parts.
    terms = (
        {
            "": [-1.6],
            "spread of q left out": [-0.32],
            "slope left out or not squared": [
                -2 * v for v in (0.16 + 0.16, 0.16 + 0.32, 0.7**2 + 0.64)
            ],
            "offset not taken away": [-2 * ((2 - 0.6) ** 2 + 0.64)],
            "a factor 1/2 lost": [-3.2],
            "a sign inside log N": [1.6],
            "standard deviation in place of the variance": [-0.8],
            "standard deviation taken as a variance": [-2 * (0.16 + 1.6), -0.8],
        },
        {
            "": [-half],
            "normalizer left out": [0.0],
            "a sign inside log N": [half],
            "a factor 1/2 lost": [-2 * half, -half / 2],
        },
        {"": [-root], "normalizer left out": [0.0], "a factor 1/2 lost": [-2 * root]},
        {
            "": [-rate],
            "rate left out": [0.0],
            "rate added in place of subtracted": [rate],
            "a term of the rate": [-v for v in wrong_rates(q.loc, q.scale.log())],
            "standard deviation taken as a variance": [-wide[1]],
            "a factor 1/2 lost": [-2 * rate],
            "entropy of q wrong": [-rate - entropy],
        },
    )
    ideas = {
        "spread of q left out": [likelihoods[1] - rate, likelihoods[1]],
        "rate added in place of subtracted": fit + rate,
        "rate left out": fit,
        "normalizer left out": [due + root, due + root + half],
        "the gap in place of the bound": gap,
        "log p in place of the bound": log_due,
        "gap added in place of subtracted": log_due + gap,
        # 1.6 is the squared distance in the likelihood; here 2² before q's variance:
        "slope left out or not squared": [
            *(due + v * 0.4**2 / (2 * 0.5**2) for v in (2, 3)),
            *(bound(slope=v)[0] - rate for v in (1.0, 2**0.5)),
        ],
        "offset not taken away": [bound(offset=v)[0] - rate for v in (0.0, -1.0)],
        "variance in place of the standard deviation": due + shift,
        "standard deviation in place of the variance": [
            *(due - shift / 2, due + half / 2, due + 1.6 - 0.8),
            due - 4 * (0.4 - 0.16) / 0.5,
        ],
        "standard deviation taken as a variance": [
            *(fit - wide[1], wide[0] - wide[1], wide[0] - rate),
            *(narrow[0] - v for v in (rate, wide[1])),
            *(due - half, due + 1.6 - 6.4, due - half + 1.6 - 6.4),
        ],
        "arguments of the KL swapped": [
            fit - kl(normal(0.0, 1.0), q),
            log_due - kl(posterior, q),
        ],
        "divergence to the wrong one": [log_due - rate, fit - gap],
        "a factor 1/2 lost": [
            *(due - v for v in (rate, 1.6, rate + 1.6, root + half, root)),
        ],
        "a sign inside log N": [due + 2 * v for v in (1.6, root + half, root)],
        "a term of the rate": [fit - v for v in wrong_rates(q.loc, q.scale.log())],
        "entropy of q wrong": [due - v * entropy for v in (1, 2)],
        **by_terms(t.tensor(elbo), *terms),
    }
    t.number("the bound", elbo, due, why, ideas, unit="nats", others=dues)
