"""Exercise vae-03: Samples that a gradient passes through."""

import torch
from torch.nn import functional as F

from .._exercise import Exercise


@Exercise(
    id="vae-03",
    title="Samples that a gradient passes through",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Draw from a Gaussian so that the draw is a differentiable function of its "
        "mean and its log standard deviation.",
    ),
    statement=r"""
To train the encoder, a sample $z \sim \mathcal N(m, \operatorname{diag}(s^2))$ has to
be a differentiable function of $m$ and $\log s$, with all the randomness in an input
that depends on neither. The importance-weighted bound needs not one such sample for
each example but $k$ of them.

Write `reparameterize(mean, log_std, k)`: `mean` and `log_std` have shape `(b, d)`;
return $k$ independent samples for each example, shape `(k, b, d)`, of the dtype of
`mean`, which is float32 or float64. Every entry gets noise of its own, fresh at each
call, and what is passed in stays as it was.
""",
    stub='''
def reparameterize(mean, log_std, k):
    """(b, d), (b, d), int -> (k, b, d)."""
    return ...
''',
    answers={"reparameterize": callable},
    hints=(
        "Start from noise whose distribution is known and holds no parameter. Which "
        "simple operations turn it into a sample with mean m and deviation s?",
        "Count the noise: k · b · d numbers, each drawn on its own. Broadcasting would "
        "accept fewer without a word.",
        "Print z.requires_grad, and the gradient of z.sum() with respect to both "
        "inputs: the one for mean is k everywhere.",
    ),
    misconceptions={
        "noise of the wrong shape": "The noise was broadcast against mean: it has "
        "another number of axes, or another order of them.",
        "samples given to other examples": "Row j of each sample belongs to mean[j]: "
        "repeat() and repeat_interleave() give different orders.",
        "log_std used as the standard deviation": "It is a logarithm, and may be "
        "negative; its exponential is the standard deviation.",
        "sign of log_std flipped": "The larger log_std, the wider q.",
        "softplus in place of exp": "The input is a logarithm; softplus undoes "
        "another map.",
    },
)
def vae_03(t, reparameterize):
    k, b, d = t.integer(5, 6), t.integer(3, 4), 2
    mean = t.uniform(b, d, low=-3, high=3)
    log_std = t.uniform(b, d, low=-2, high=0.5)

    t.property("k samples for each example, of the type of mean")
    z = t.call(reparameterize, mean, log_std, k)
    shape = "noise of the wrong shape"
    t.shape(z, (k, b, d), "k samples for each entry of mean.", misconception=shape)
    t.dtype(z, torch.float32, "mean is float32.")
    z = t.call(reparameterize, mean.double(), log_std.double(), k)
    t.dtype(z, torch.float64, "mean is float64.")
    z = t.call(reparameterize, mean[:1, :1], log_std[:1, :1], 1)
    t.shape(z, (1, 1, 1), "axes of length one count.", misconception=shape)

    t.property("each sample belongs to its example and its dimension")
    far = 100.0 * (torch.randperm(b * d, generator=t.rng) + 1).view(b, d)
    nearest = (t.tensor(t.call(reparameterize, far, log_std, k)) / 100).round()
    why = "Means are 100 apart here, so the nearest one tells where a sample is from."
    due, ideas = (far / 100).expand(k, b, d), {"mean not added": 0.0}
    t.close(nearest, due, why, "samples given to other examples", ideas)

    # Many draws of few entries, none with a deviation near 1.
    mean = t.uniform(2, 3, low=1, high=2) * torch.tensor([1.0, -1.0, 2.0])
    log_std = t.uniform(2, 3, low=-0.1, high=0.1) + torch.tensor([-1.3, -0.6, 0.7])
    row = mean[:1].expand(1000, 3), log_std[:1].expand(1000, 3)
    t.sampler(
        lambda n: t.call(reparameterize, mean, log_std, n),
        mean,
        log_std.exp(),
        few=lambda: t.tensor(t.call(reparameterize, *row, 3))[:, :, 0].T,
        stds={
            "log_std used as the standard deviation": log_std.abs().flatten(),
            "softplus in place of exp": F.softplus(log_std).flatten(),
            "sign of log_std flipped": (-log_std).exp().flatten(),
        },
    )

    t.property("an exp(log_std) of e⁻²⁰ leaves the mean")
    z = t.call(reparameterize, mean, torch.full_like(mean, -20.0), 1)
    floor = "floor under the standard deviation"
    t.close(z, mean[None], "The samples cannot be told from mean.", floor)

    for size, mistake in ((-20.0, floor), (10.0, "ceiling on the variance")):
        t.property(f"the spread at mean 0 and a log_std of {size:g}")
        wide = torch.full_like(mean, size)
        z = t.tensor(t.call(reparameterize, 0 * mean, wide, 1000)).detach()
        spread, why = (z / wide.exp()).std(), "In units of exp(log_std) it is 1."
        t.true(0.9 < spread < 1.1, why, f"{spread:.3g}", mistake)

    mean, log_std = mean.clone().requires_grad_(), log_std.clone().requires_grad_()
    z = t.call(reparameterize, mean, log_std, k)
    slopes = torch.ones_like(t.tensor(z)), t.tensor(z) - mean
    leaves = {"mean": (mean, slopes[0]), "standard deviation": (log_std, slopes[1])}
    t.path(z, leaves)
