"""Exercise vae-03: Samples that a gradient passes through."""

import time

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
`mean`. Every entry gets noise of its own, fresh at each call, and what is passed in
stays as it was.
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
        "sampled outside the graph": "Under no_grad, or after detach(), the encoder "
        "learns nothing from the reconstruction.",
        "a random node without a derivative": "torch.normal(mean, std) keeps a graph, "
        "but its gradient is 0: the draw is no function of mean and std there.",
        "mean cut off from the graph": "The gradient of z with respect to mean is 0.",
        "standard deviation cut off from the graph": "The gradient of z with respect "
        "to log_std is 0: q can shift, but never learns how wide to be.",
        "one noise for all draws": "The k samples of an example are copies of one.",
        "one noise for all examples": "All rows of the batch share their noise.",
        "one noise for all dimensions": "The d entries of a code share their noise, so "
        "the sample moves along one line only.",
        "noise fixed across calls": "The noise was drawn once and kept; each training "
        "step needs new noise.",
        "noise of the wrong shape": "The noise was broadcast against mean: it has "
        "another number of axes, or another order of them.",
        "noise that is not normal": "The noise has the right mean and spread, but "
        "another shape; z is then no sample of q.",
        "samples given to other examples": "Row j of each sample belongs to mean[j]: "
        "repeat() and repeat_interleave() give different orders.",
        "noise used more than once": "Some entries get the same noise as others, or "
        "its mirror image.",
        "noise centered over the draws": "The k samples are not independent: with "
        "their mean taken out, their noise adds up to zero.",
        "uniform noise": "rand draws from [0, 1); a normal is due.",
        "log_std read as log variance": "exp(log_std / 2) would be right for a "
        "logarithm of the variance.",
        "log_std used as the standard deviation": "It is a logarithm, and may be "
        "negative; its exponential is the standard deviation.",
        "standard deviation squared": "The noise is scaled by the standard deviation, "
        "not by the variance.",
        "standard deviation ignored": "The noise goes in unscaled.",
        "softplus in place of exp": "The input is a logarithm; softplus undoes "
        "another map.",
        "mean not added": "The samples are centered at 0.",
        "floor under the standard deviation": "A constant added to the deviation, or "
        "a clamp, keeps q from becoming narrow.",
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
    z = t.call(reparameterize, far, log_std, k)
    why = "Means are 100 apart here, so the nearest one tells where a sample is from."
    other = "samples given to other examples"
    ideas = {"mean not added": 0.0}
    t.close((z / 100).round(), (far / 100).expand(k, b, d), why, other, ideas=ideas)

    # Many draws of few entries, none with a deviation near 1.
    n, half = 1000, 500
    mean = t.uniform(2, 3, low=1, high=2) * torch.tensor([1.0, -1.0, 2.0])
    log_std = t.uniform(2, 3, low=-0.1, high=0.1) + torch.tensor([-1.3, -0.6, 0.7])
    start = time.process_time()
    one = t.call(reparameterize, mean, log_std, n)
    half_way = time.process_time()
    two = t.call(reparameterize, mean, log_std, n)
    seconds = min(half_way - start, time.process_time() - half_way)

    t.property("fresh noise at each call")
    why, got = "A second call gives other samples.", "the same samples as before"
    t.true((one != two).any(), why, got, "noise fixed across calls")

    t.property("independent noise for each draw, example and dimension")
    why = "All k · b · d entries are independent given mean and log_std."
    draws, got = "one noise for all draws", "all k samples are equal"
    t.true((one != one[:1]).any(), why, got, draws)
    t.independent(one[:, 0, :], why, "one noise for all dimensions")
    t.independent(one[:, :, 0], why, "one noise for all examples")
    parts = [one[:half], one[half:], two[:half], two[half:]]
    again = "noise used more than once"
    t.independent(torch.cat([p.flatten(1) for p in parts], 1), why, again)
    many = t.call(reparameterize, mean[:1].expand(n, 3), log_std[:1].expand(n, 3), 3)
    few = t.tensor(many)[:, :, 0].T
    t.independent(few, why, "noise centered over the draws")

    t.property("the standard deviation is exp(log_std)")
    z = torch.cat([one, two]).detach().flatten(1)
    m, s = mean.flatten(), log_std.flatten()
    why = "log_std is the logarithm of the standard deviation."
    ideas = {
        "log_std read as log variance": (s / 2).exp(),
        "log_std used as the standard deviation": s.abs(),
        "standard deviation squared": (2 * s).exp(),
        "standard deviation ignored": torch.ones_like(s),
        "softplus in place of exp": F.softplus(s),
        "uniform noise": [s.exp() / 12**0.5, s.exp() / 3**0.5],
        "noise that is not normal": 0.8796 * s.exp(),  # cut off at two deviations
    }
    t.std(z, s.exp(), why, ideas=ideas)

    t.property("the mean is mean")
    why = "The samples of each entry are centered at its mean."
    t.mean(z, m, s.exp(), why, ideas={"mean not added": 0.0})

    t.property("(z - mean)/exp(log_std) is standard normal")
    eps = (z.double() - m) / s.exp()
    why = "A Gaussian sample, shifted and scaled, is a standard normal one."
    normal = torch.special.ndtr
    other = "noise that is not normal"
    t.distribution(eps, normal, why, misconception=other)
    tail = [2 * normal(torch.tensor(-v).double()).item() for v in (1.0, 2.5, 3.1)]
    probs = [1 - tail[0], tail[0] - tail[1], tail[1] - tail[2], tail[2]]
    size = torch.bucketize(eps.flatten().abs(), torch.tensor([1.0, 2.5, 3.1]).double())
    why = "Sizes up to 1, 2.5, 3.1 and beyond come as often as those of a normal."
    t.frequencies(size.bincount(minlength=4), probs, why, misconception=other)

    # What is nearly normal, such as a sum of uniforms, takes many draws to tell. Code
    # that draws entry by entry is spared most of them.
    rows = 300 if seconds < 0.02 else 10
    zero = torch.zeros(rows, 100)
    eps = t.tensor(t.call(reparameterize, zero, zero, 10)).detach().double().flatten()

    def bend(e):
        return (e**4 - 6 * e**2).clamp(max=17)

    grid = torch.linspace(-12, 12, 4801, dtype=torch.float64)
    weight = torch.distributions.Normal(0.0, 1.0).log_prob(grid).exp()
    weight = weight / weight.sum()
    center = (weight * bend(grid)).sum()
    spread = (weight * (bend(grid) - center) ** 2).sum() ** 0.5
    t.property(f"the same in {len(eps):,} samples: fourth powers and far tails")
    why = "The mean of e⁴ - 6e², cut off at 17, is that of a normal."
    t.mean(bend(eps), center, spread, why, misconception=other)
    beyond = 2 * normal(torch.tensor(-4.0).double()).item()
    out = (eps.abs() > 4).sum()
    why = "Sizes beyond 4 come as often as those of a normal."
    counts = torch.stack([len(eps) - out, out])
    t.frequencies(counts, [1 - beyond, beyond], why, misconception=other)

    t.property("an exp(log_std) of e⁻²⁰ leaves the mean")
    tiny = torch.full_like(mean, -20.0)
    floor = "floor under the standard deviation"
    z = t.call(reparameterize, mean, tiny, 1)
    t.close(z, mean[None], "The samples cannot be told from mean.", floor)

    t.property("dz/dmean = 1")
    mean, log_std = mean.clone().requires_grad_(), log_std.clone().requires_grad_()
    z = t.call(reparameterize, mean, log_std, k)
    weight = t.uniform(k, 2, 3, low=0.5, high=2)
    by_mean, by_log_std = t.grad(z, mean, weight), t.grad(z, log_std, weight)
    flat = "mean cut off from the graph"
    if not by_log_std.any():
        node = "a random node without a derivative"
        flat = node if t.tensor(z).requires_grad else "sampled outside the graph"
    why = "Moving the mean moves each of its samples by as much."
    t.close(by_mean, weight.sum(0), why, ideas={flat: 0.0}, tol=1e-4)

    t.property("dz/dlog_std = z - mean")
    due = (weight * (z - mean).detach().cpu()).sum(0)
    why = "Scaling the deviation by c scales each sample's distance from the mean by c."
    flat = "standard deviation cut off from the graph"
    t.close(by_log_std, due, why, ideas={flat: 0.0}, tol=1e-4)
