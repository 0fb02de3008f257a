"""Exercise vae-01: The price of a code, in closed form."""

import math

import torch

from .._exercise import Exercise
from ._shared import gaussian_kl


@Exercise(
    id="vae-01",
    title="The price of a code, in closed form",
    difficulty=2,
    minutes=10,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Write the KL divergence of a diagonal Gaussian to the standard normal, "
        "without mistaking a sum for a mean or a variance for a deviation.",
    ),
    statement=r"""
The encoder says $q(z \mid x) = \mathcal N(z;\, m, \operatorname{diag}(v))$, and what
the code costs is its divergence from the prior,
$\mathrm{KL}\big(q(z \mid x) \,\|\, \mathcal N(0, I)\big)$.
Much published code lets the network put out $\log v$, the logarithm of the
**variance**, where this chapter uses the logarithm of the standard deviation.

Write `kl(mean, log_var)` for such a network: `mean` and `log_var` have shape
`(b, d)`; return the divergence of each example in nats, shape `(b,)`, in closed form,
with gradients to both. It has to stay right where a variance is as small as $e^{-60}$
or as large as $e^{10}$.
""",
    stub='''
def kl(mean, log_var):
    """(b, d), (b, d) -> (b,), in nats."""
    return ...
''',
    answers={"kl": callable},
    hints=(
        "Independent dimensions: the divergence of the whole is the sum of those of "
        "the dimensions. So begin with one.",
        "In one dimension it is the mean of log q(z) - log p(z) under q. All you need "
        "of q is the mean of z² and the mean of (z - m)².",
        "Three values to try: it is 0 for m = 0, v = 1; m²/2 for v = 1; and it "
        "grows without bound for v -> 0 as well as for v -> infinity.",
    ),
    misconceptions={
        "mean over the dimensions": "Independent dimensions add up; a mean makes the "
        "price smaller by a factor d, a hidden beta of 1/d.",
        "not summed over the dimensions": "One number for each example is due, the sum "
        "of those of its d dimensions.",
        "reduced over the batch": "One number for each example is due; the loss takes "
        "the mean over the batch later.",
        "log variance read as log standard deviation": "The input is log v, and "
        "v = exp(log_var); the standard deviation is exp(log_var / 2).",
        "standard deviation in place of the variance": "exp(log_var / 2) is the "
        "standard deviation; the mean of (z - m)² is the variance.",
        "arguments of the KL swapped": "This is KL(p || q). The expectation is due "
        "under q, the encoder's distribution.",
        "sign flipped": "The ELBO subtracts the divergence; the divergence itself is "
        "never negative.",
        "sign of the log variance flipped": "A narrow q costs more, not less.",
        "factor one half lost": "The exponent of a Gaussian has a factor 1/2.",
        "constant left out": "At the prior itself, m = 0 and v = 1, the price is 0.",
        "bits in place of nats": "Nats are due: the natural logarithm.",
        "estimated from samples": "The integral has a closed form; an estimate adds "
        "noise to every gradient.",
        "mean not squared": "With v = 1 the price is |m|²/2: equal for m and -m.",
        "floor under the variance": "A constant added inside the logarithm or a clamp "
        "changes the value where q is narrow.",
        "ceiling on the variance": "A clamp changes the value where q is wide, and "
        "takes the gradient that would mend it.",
        "cut off from the graph": "What is detached has the right value and no "
        "gradient: the term then trains nothing, or something else.",
        "dimensions left out": "All d dimensions count.",
        "batch axis lost": "squeeze() also removes a batch axis of length one.",
    },
)
def vae_01(t, kl):
    b, d = t.integer(6, 8), t.integer(3, 5)
    mean = t.away(b, d, low=0.3, high=2.5)
    log_var = t.uniform(b, d, low=-3, high=2)
    mean.requires_grad_()
    log_var.requires_grad_()

    t.property("one number for each example")
    out = t.call(kl, mean, log_var)
    ideas = {
        "not summed over the dimensions": (b, d),
        "reduced over the batch": [(), (d,)],
    }
    t.shape(out, (b,), "one divergence for each of the b examples.", ideas=ideas)

    t.property("the same input gives the same number")
    again = t.call(kl, mean, log_var)
    why = "A closed form draws no samples."
    t.equal(again, out, why, misconception="estimated from samples")

    t.property("with variance 1 the price is |mean|²/2")
    one = torch.zeros_like(log_var)
    each = 0.5 * mean.square()
    half = each.sum(1)
    why = "Between Gaussians of variance 1 it is half their squared distance."
    ideas = {
        "mean over the dimensions": half / d,
        "reduced over the batch": half / b,
        "dimensions left out": [each[:, :2].sum(1), each[:, 0]],
        "sign flipped": -half,
        "factor one half lost": 2 * half,
        "constant left out": [half + d / 2, half - d / 2, half + 0.5],
        "bits in place of nats": half / math.log(2),
        "mean not squared": [0.5 * mean.sum(1), 0.5 * mean.abs().sum(1)],
    }
    t.close(t.call(kl, mean, one), half, why, ideas=ideas)

    t.property("any mean and variance: the value of the integral")
    exact = gaussian_kl(mean, log_var).sum(1)
    why = "The integral of q (log q - log p), by quadrature."
    ideas = {
        "log variance read as log standard deviation": gaussian_kl(mean, 2 * log_var),
        "standard deviation in place of the variance": gaussian_kl(mean, log_var / 2),
        "arguments of the KL swapped": gaussian_kl(mean, log_var, reverse=True),
        "sign of the log variance flipped": gaussian_kl(mean, log_var) + log_var,
    }
    ideas = {name: value.sum(1) for name, value in ideas.items()}
    t.close(out, exact, why, ideas=ideas)

    t.property("its gradient: that of the integral")
    why = "The derivative of the same integral."
    for x in (mean, log_var):
        due = torch.autograd.grad(exact.sum(), x, retain_graph=True)[0]
        cut = "cut off from the graph"
        t.close(t.grad(out, x), due, why, misconception=cut, tol=1e-4)

    t.property("a variance of e⁻⁶⁰")
    mean, log_var = t.uniform(2, 2, low=-1, high=1), torch.full((2, 2), -60.0)
    why = "The integral, by quadrature: the price of a narrow q keeps growing."
    narrow = "floor under the variance"
    exact = gaussian_kl(mean, log_var).sum(1)
    t.close(t.call(kl, mean, log_var), exact, why, misconception=narrow)

    t.property("a variance of e¹⁰")
    why = "The integral, by quadrature: a wide q is expensive as well."
    exact = gaussian_kl(mean, -log_var / 6).sum(1)
    wide = "ceiling on the variance"
    t.close(t.call(kl, mean, -log_var / 6), exact, why, misconception=wide)

    t.property("one example, one dimension")
    mean, log_var = t.uniform(1, 1, low=-2, high=2), t.uniform(1, 1, low=-2, high=1)
    out = t.call(kl, mean, log_var)
    t.shape(out, (1,), "a batch of one is a batch.", ideas={"batch axis lost": ()})
    t.close(out, gaussian_kl(mean, log_var).sum(1), "The integral, by quadrature.")
