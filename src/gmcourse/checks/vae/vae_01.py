"""Exercise vae-01: The price of a code, in closed form."""

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
        "sign of the log variance flipped": "A narrow q costs more, not less.",
        "mean not squared": "With v = 1 the price is |m|²/2: equal for m and -m.",
    },
)
def vae_01(t, kl):
    b, d = t.integer(6, 8), t.integer(3, 5)
    mean = t.away(b, d, low=0.3, high=2.5)
    log_var = t.uniform(b, d, low=-3, high=2)

    def half(mean, log_var):
        return 0.5 * mean.square() + 0 * log_var

    t.rowwise(
        "with variance 1 the price is |mean|²/2",
        kl,
        (mean, 0 * log_var),
        half,
        "Between Gaussians of variance 1 it is half their squared distance.",
        {"mean not squared": [lambda m, v: m / 2, lambda m, v: m.abs() / 2]},
        grads=False,  # that of log_var is 0 here whatever becomes of it
    )
    t.rowwise(
        "any mean and variance: the value of the integral",
        kl,
        (mean, log_var),
        gaussian_kl,
        "The integral of q (log q - log p), by quadrature.",
        {
            "log variance read as log standard deviation": lambda m, v: gaussian_kl(
                m, 2 * v
            ),
            "standard deviation in place of the variance": lambda m, v: gaussian_kl(
                m, v / 2
            ),
            "arguments of the KL swapped": lambda m, v: gaussian_kl(m, v, reverse=True),
            "sign of the log variance flipped": lambda m, v: gaussian_kl(m, v) + v,
        },
    )
    for name, low, mistake in (
        ("e⁻⁶⁰", -60.0, "floor under the variance"),
        ("e¹⁰", 10.0, "ceiling on the variance"),
    ):
        t.rowwise(
            f"a variance of {name}",
            kl,
            (mean, torch.full_like(log_var, low)),
            gaussian_kl,
            "The integral, by quadrature: what is far from the prior is expensive.",
            misconception=mistake,
        )
