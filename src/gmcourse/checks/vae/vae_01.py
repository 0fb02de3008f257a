"""Exercise vae-01: The price of a code under any prior."""

import math

import torch

from .._exercise import Exercise
from ._shared import gaussian_kl


@Exercise(
    id="vae-01",
    title="The price of a code under any prior",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Write the KL divergence of two diagonal Gaussians, without mistaking a sum "
        "for a mean or a variance for a deviation.",
    ),
    statement=r"""
The prior of the chapter is the standard normal. Other models learn theirs: then a
code costs
$\mathrm{KL}\big(\mathcal N(m, \operatorname{diag}(v)) \,\|\,
\mathcal N(m_0, \operatorname{diag}(v_0))\big)$. And much published code lets networks
put out $\log v$, the logarithm of the **variance**, where this chapter uses that of the
standard deviation.

Write `kl(mean, log_var, prior_mean, prior_log_var)`: the first two have shape
`(b, d)`, those of the prior shape `(d,)`; return the divergence of each example in
nats, shape `(b,)`, in closed form, with gradients to all four. It has to stay right
where $v$ is as small as $e^{-60}$ or as large as $e^{10}$.
""",
    stub='''
def kl(mean, log_var, prior_mean, prior_log_var):
    """(b, d), (b, d), (d,), (d,) -> (b,), in nats."""
    return ...
''',
    answers={"kl": callable},
    hints=(
        "Independent dimensions: the divergence of the whole is the sum of those of "
        "the dimensions. So begin with one.",
        "In one dimension it is the mean of log q(z) - log p(z) under q. All you need "
        "of q is the mean of (z - m)² and that of (z - m0)².",
        "Or shift and scale both until the prior is the standard normal, and use "
        "(3.5): a KL divergence does not change under such a map.",
    ),
    misconceptions={
        "sign of the log variance flipped": "A narrow q costs more, not less.",
        "mean not squared": "With equal variances the price is half a squared "
        "distance: equal for m - m0 and m0 - m.",
        "distance not divided by the variance of the prior": "How far m is from m0 is "
        "counted in standard deviations of the prior.",
        "distance divided by the variance of q": "The distance is counted in standard "
        "deviations of the prior, not of q.",
        "one term wrong": "Set m to m0, or v to v0, and see which term is off.",
        "distance of the means left out": "A code far from the prior costs more.",
        "means added": "The distance of the means is their difference.",
        "one dimension of the prior for all": "Each dimension has a prior of its own.",
        "entropy in place of the divergence": "log q - log p is to be averaged.",
        "prior taken as the standard normal": "The prior has a mean and a variance of "
        "its own.",
        "a floor under the rate": "A code that is distributed as the prior costs "
        "nothing.",
        "log variance of the prior left out": "log q - log p holds the logarithms of "
        "both widths.",
    },
)
def vae_01(t, kl):
    b, d = t.integer(6, 8), t.integer(3, 5)
    mean = t.away(b, d, low=0.3, high=2.5)
    log_var = t.uniform(b, d, low=-3, high=2)
    center = t.away(d, low=0.3, high=1.5)
    width = t.away(d, low=0.4, high=1.2)

    def shifted(m, v, m0, v0):
        return gaussian_kl((m - m0) * (-0.5 * v0).exp(), v - v0)

    def half(m, v, m0, v0):
        return 0.5 * (m - m0).square() + 0 * v + 0 * v0

    zero = 0 * log_var, center, 0 * width
    t.rowwise(
        "with all variances 1 the price is |m - m0|²/2",
        kl,
        (mean, *zero),
        half,
        "Between Gaussians of variance 1 it is half their squared distance.",
        {
            "mean not squared": [
                lambda m, v, m0, v0: (m - m0) / 2,
                lambda m, v, m0, v0: (m - m0).abs() / 2,
            ],
            "prior taken as the standard normal": lambda m, v, m0, v0: m**2 / 2,
            "distance of the means left out": lambda m, v, m0, v0: 0 * m,
            "means added": lambda m, v, m0, v0: (m + m0) ** 2 / 2,
            "one dimension of the prior for all": [
                lambda m, v, m0, v0: (m - m0[0]) ** 2 / 2,
                lambda m, v, m0, v0: (m - m0.mean()) ** 2 / 2,
            ],
            "entropy in place of the divergence": [
                lambda m, v, m0, v0: 0 * m + 0.5 * math.log(2 * math.pi * math.e),
                lambda m, v, m0, v0: 0 * m - 0.5 * math.log(2 * math.pi * math.e),
            ],
            "a floor under the rate": [
                lambda m, v, m0, v0, c=c: ((m - m0) ** 2 / 2).clamp(min=c)
                for c in (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
            ],
        },
        grads=False,  # that of log_var is 0 here whatever becomes of it
    )
    t.rowwise(
        "any means and variances: the value of the integral",
        kl,
        (mean, log_var, center, width),
        shifted,
        "The integral of q (log q - log p), by quadrature.",
        {
            "log variance read as log standard deviation": [
                lambda m, v, m0, v0: shifted(m, 2 * v, m0, 2 * v0),
                lambda m, v, m0, v0: shifted(m, 2 * v, m0, v0),
                lambda m, v, m0, v0: shifted(m, v, m0, 2 * v0),
            ],
            "standard deviation in place of the variance": lambda m, v, m0, v0: shifted(
                m, v / 2, m0, v0 / 2
            ),
            "arguments of the KL swapped": lambda m, v, m0, v0: shifted(m0, v0, m, v),
            "sign of the log variance flipped": lambda m, v, m0, v0: (
                shifted(m, v, m0, v0) + v - v0
            ),
            "distance not divided by the variance of the prior": [
                lambda m, v, m0, v0: (
                    shifted(m, v, m0, v0) + (m - m0) ** 2 * (1 - (-v0).exp()) / 2
                )
            ],
            "distance divided by the variance of q": lambda m, v, m0, v0: (
                shifted(m, v, m0, v0) + (m - m0) ** 2 * ((-v).exp() - (-v0).exp()) / 2
            ),
            "prior taken as the standard normal": lambda m, v, m0, v0: gaussian_kl(
                m, v
            ),
            "one term wrong": [
                lambda m, v, m0, v0, c=c: shifted(m, v, m0, v0) + c(m - m0, v, v0)
                for c in (
                    lambda d, v, v0: (v0 - v) / 2,
                    lambda d, v, v0: (v - v0) / 2,
                    lambda d, v, v0: (v0 - v) / 2 * (math.log10(math.e) - 1),
                    lambda d, v, v0: (v0 - v) / 2 * (math.log2(math.e) - 1),
                    lambda d, v, v0: (v - v0) / 4,
                    lambda d, v, v0: (v.exp() - (v - v0).exp()) / 2,
                    lambda d, v, v0: ((v0 - v).exp() - (v - v0).exp()) / 2,
                    lambda d, v, v0: ((v - v0) / 2).exp() / 2 - (v - v0).exp() / 2,
                    lambda d, v, v0: (v - v0).exp() / 2,
                    lambda d, v, v0: -(v - v0).exp() / 2,
                    lambda d, v, v0: d**2 / 2 * ((-v0 / 2).exp() - (-v0).exp()),
                    lambda d, v, v0: d**2 / 2 * (v0.exp() - (-v0).exp()),
                    lambda d, v, v0: d**2 / 2 * (v.exp() - (-v0).exp()),
                )
            ],
            "log variance of the prior left out": lambda m, v, m0, v0: (
                shifted(m, v, m0, v0) - v0 / 2
            ),
        },
    )
    t.property("a q equal to the prior costs nothing")
    equal = t.call(kl, center.expand(b, d), width.expand(b, d), center, width)
    t.close(equal, 0.0, "It is 0 where both are equal.", "a floor under the rate")
    for name, shift, low, mistake in (
        ("means near 1000", 1000.0, 0.0, "difference of large numbers"),
        ("all variances near e⁻⁹", 0.0, -9.0, "floor under the variance"),
        ("all variances near e⁹", 0.0, 9.0, "ceiling on the variance"),
    ):
        t.property(name)
        args = mean + shift, log_var + low, center + shift, width + low
        why = "The integral: only differences, in standard deviations, count."
        due = shifted(*(v.double() for v in args)).sum(1)
        t.close(t.call(kl, *args), due, why, mistake, tol=1e-3)
    for name, low, mistake in (
        ("e⁻⁶⁰", -60.0, "floor under the variance"),
        ("e¹⁰", 10.0, "ceiling on the variance"),
    ):
        t.rowwise(
            f"a variance of {name}",
            kl,
            (mean, torch.full_like(log_var, low), center, width),
            shifted,
            "The integral, by quadrature: what is far from the prior is expensive.",
            misconception=mistake,
        )
