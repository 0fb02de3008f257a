"""Exercise vae-01: The price of a code under any prior."""

import math

import torch

from .._exercise import Exercise
from .._parts import mistakes
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
        r"In one dimension it is the mean of $\log q(z) - \log p(z)$ under $q$. All "
        "you need of $q$ is the mean of $(z - m)^2$ and that of $(z - m_0)^2$.",
        "Or shift and scale both until the prior is the standard normal, and use "
        "(3.5): a KL divergence does not change under such a map.",
    ),
    misconceptions={
        "sign of a log variance flipped": "A narrow q costs more, not less, and so "
        "does a wide prior.",
        "mean not squared": "With equal variances the price is half a squared "
        "distance: equal for m - m0 and m0 - m.",
        "distance not divided by the variance of the prior": "How far m is from m0 is "
        "counted in standard deviations of the prior.",
        "distance divided by the variance of q": "The distance is counted in standard "
        "deviations of the prior, not of q.",
        "distance divided by the prior's deviation": "It is squared, so it is divided "
        "by the variance.",
        "distance scaled by another variance": "It is divided by the prior's variance "
        "alone: the wider the prior, the less a distance costs.",
        "means squared one by one": "It is the square of the difference, not a "
        "difference or a sum of squares.",
        "mean of the prior left out": "The distance from m0 counts, not that from 0.",
        "squared after the sum": "The squares of the dimensions are summed: the square "
        "of a sum is another number.",
        "ratio of the variances turned around": "The variance of q is divided by that "
        "of the prior.",
        "deviations in the ratio, not variances": "v/v0 is due: log_var - "
        "prior_log_var is its logarithm already.",
        "variance of q not divided by that of the prior": "v counts in units of v0.",
        "ratio of the variances left out": "A wide q costs more than its logarithm "
        "says: half of v/v0 is missing.",
        "logarithms in place of variances": "Here v/v0 itself is due, not logarithms.",
        "variances combined otherwise": "Their ratio v/v0 is due, once: no difference, "
        "no product and no square.",
        "factor of a term": "Half of the squared distance is added, and half of v/v0.",
        "a log variance left out": "log q - log p holds the logarithms of both widths.",
        "a factor of the logarithms": "Half of prior_log_var - log_var is due: these "
        "are logarithms of variances, and half of one is the logarithm of a deviation.",
        "the -1 of each dimension left out or changed": "Where q is the prior, v/v0 is "
        "1, and the price is 0.",
        "the -1 once, not for each dimension": "Each dimension has its own: the price "
        "is 0 where q is the prior.",
        "variance of the prior taken as 1": "Each dimension of the prior has a "
        "variance of its own.",
        "cross-entropy in place of the divergence": "This is the mean of -log p under "
        "q; that of log q is still to be added.",
        "out of the range of float32": "inf or nan: a product of variances, or an "
        "exponential, is 0 or infinite in float32. Subtract the logarithms first, and "
        "sum over the dimensions rather than multiply.",
        "distance of the means left out": "A code far from the prior costs more.",
        "means added": "The distance of the means is their difference.",
        "one dimension of the prior for all": "Each dimension has a prior of its own.",
        "entropy in place of the divergence": "log q - log p is to be averaged.",
        "prior taken as the standard normal": "The prior has a mean and a variance of "
        "its own.",
        "a floor under the rate": "A code that is distributed as the prior costs "
        "nothing.",
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

    args = mean, log_var, center, width
    t.rowwise(
        "any means and variances: the value of the integral",
        kl,
        args,
        shifted,
        "The integral of q (log q - log p), by quadrature.",
        wrong_terms(shifted, *args),
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
        out = t.call(kl, *args)
        t.finite(out, why, "out of the range of float32")
        t.close(out, due, why, mistake, tol=1e-3)
    for name, low, mistake in (
        ("e⁻⁶⁰", -60.0, "floor under the variance"),
        ("e¹⁰", 10.0, "ceiling on the variance"),
    ):
        args = mean, torch.full_like(log_var, low), center, width
        t.property(f"a variance of {name}")
        why = "What is far from the prior is expensive, but no price is infinite."
        t.finite(t.call(kl, *args), why, "out of the range of float32")
        t.rowwise(
            f"a variance of {name}",
            kl,
            args,
            shifted,
            "The integral, by quadrature: what is far from the prior is expensive.",
            misconception=mistake,
        )


def wrong_terms(shifted, m, v, m0, v0):
    """What one or two wrong terms, or a wrong reading of the arguments, give."""
    gap, half = m - m0, math.log(2 * math.pi) / 2

    def halves(*values):
        return [0.5 * x.double().sum(1) for x in values]

    distance = {
        "": halves(gap**2 * (-v0).exp()),
        "distance not divided by the variance of the prior": halves(gap**2),
        "distance divided by the variance of q": halves(
            gap**2 * (-v).exp(), gap**2 * (-v / 2).exp()
        ),
        "distance divided by the prior's deviation": halves(gap**2 * (-v0 / 2).exp()),
        "distance scaled by another variance": halves(
            *(gap**2 * x.exp() for x in (v0, v, v0 / 2, v - v0, -2 * v0, -v - v0)),
            gap**2 / (v.exp() + v0.exp()),
            *(gap**2 / x for x in (v0, v)),
        ),
        "mean not squared": halves(
            *(x * (-v0 / p).exp() for x in (gap, gap.abs()) for p in (1, 2)),
        ),
        "distance of the means left out": halves(0 * gap),
        "means added": halves((m + m0) ** 2 * (-v0).exp()),
        "means squared one by one": halves(
            (m**2 - m0**2) * (-v0).exp(), (m**2 + m0**2) * (-v0).exp(), m**2
        ),
        "mean of the prior left out": halves(m**2 * (-v0).exp()),
        "squared after the sum": [0.5 * (gap * (-v0 / 2).exp()).double().sum(1) ** 2],
        "one dimension of the prior for all": halves(
            *(gap**2 * (-x).exp() for x in (v0[0], v0.mean())),
            *((m - x) ** 2 * (-v0).exp() for x in (m0[0], m0.mean())),
        ),
        "factor of a term": [c * halves(gap**2 * (-v0).exp())[0] for c in (2, 0.5, -1)],
    }
    ratio = {
        "": halves((v - v0).exp()),
        "ratio of the variances turned around": halves((v0 - v).exp()),
        "deviations in the ratio, not variances": halves(((v - v0) / 2).exp()),
        "variance of q not divided by that of the prior": halves(
            v.exp(), (v / 2).exp()
        ),
        "ratio of the variances left out": halves(0 * gap),
        "logarithms in place of variances": halves(v - v0, v / v0, v),
        "factor of a term": [c * halves((v - v0).exp())[0] for c in (2, 0.5, -1)],
        "variances combined otherwise": halves(
            v.exp() - v0.exp(), (v + v0).exp(), (2 * (v - v0)).exp()
        ),
    }
    logs = {
        "": halves(v0 - v),
        "sign of a log variance flipped": halves(v - v0, v0 + v, -v - v0),
        "a log variance left out": halves(-v, v0 + 0 * v, 0 * gap),
        "a factor of the logarithms": halves(
            *(c * (v0 - v) for c in (2, 0.5, -2, -0.5, 4)),
            *(c * v0 - e * v for c in (1, 2, 0.5) for e in (1, 2, 0.5)),
        ),
    }
    ones = {
        "": halves(0 * gap - 1),
        "the -1 of each dimension left out or changed": halves(
            *(0 * gap + c for c in (0, 1, -2, -0.5, -1 + 2 * half, -1 - 2 * half))
        ),
        "the -1 once, not for each dimension": [0 * logs[""][0] - 0.5],
    }
    kl = lambda *a: [shifted(*a).detach().sum(1)]  # noqa: E731
    floors = 0.05, 0.1, 0.25, 0.5, 1.0, 2.0
    yield from {
        "a floor under the rate": [
            x
            for c in floors
            for rate in [shifted(m, v, m0, v0).detach()]
            for x in (rate.clamp(min=c).sum(1), rate.sum(1).clamp(min=c))
        ],
        "log variance read as log standard deviation": [
            *(kl(m, 2 * v, m0, 2 * v0) + kl(m, 2 * v, m0, v0) + kl(m, v, m0, 2 * v0))
        ],
        "standard deviation in place of the variance": [
            *(kl(m, v / 2, m0, v0 / 2) + kl(m, v / 2, m0, v0) + kl(m, v, m0, v0 / 2))
        ],
        "arguments of the KL swapped": kl(m0, v0, m, v),
        "prior taken as the standard normal": kl(m, v, 0 * m0, 0 * v0),
        "variance of the prior taken as 1": kl(m, v, m0, 0 * v0),
        "one dimension of the prior for all": [
            *(kl(m, v, m0[:1], v0[:1]) + kl(m, v, m0.mean(), v0.mean())),
            *(kl(m, v, m0, v0[:1]) + kl(m, v, m0, v0.mean())),
        ],
        "entropy in place of the divergence": halves(
            -v - 1 - 2 * half, v + 1 + 2 * half
        ),
        "cross-entropy in place of the divergence": [
            distance[""][0] + ratio[""][0] + c
            for c in halves(v0 + 2 * half + 0 * v, v0 + 0 * v)
        ],
    }.items()
    due = shifted(m, v, m0, v0).detach().sum(1)
    for name, value in mistakes(lambda *v: sum(v), distance, ratio, logs, ones):
        # Two that give one amount for all rows may be any amount, by chance.
        if ", and " not in name or float((value - due).std()) > 1e-3:
            yield name, value
