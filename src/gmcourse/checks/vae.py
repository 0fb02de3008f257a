"""Exercises of the chapter on variational autoencoders."""

import math
import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._engine import Exercise


def gaussian_kl(mean: Tensor, log_var: Tensor, reverse: bool = False) -> Tensor:
    """KL from N(mean, exp(log_var)) to N(0, 1) of each entry, by quadrature.

    The integral runs over u = (x - mean)/std, on which the integrand is smooth for
    any variance; float64, error below 1e-9. ``reverse`` swaps the two arguments.
    """
    mean, log_var = mean.double()[..., None], log_var.double()[..., None]
    u = torch.linspace(-12, 12, 241, dtype=torch.float64)
    normal = torch.distributions.Normal(0.0, 1.0)
    std = (0.5 * log_var).exp()
    if reverse:
        other = normal.log_prob((u - mean) / std) - 0.5 * log_var
        integrand = normal.log_prob(u).exp() * (normal.log_prob(u) - other)
    else:
        own = normal.log_prob(u) - 0.5 * log_var
        integrand = normal.log_prob(u).exp() * (own - normal.log_prob(mean + std * u))
    return torch.trapezoid(integrand, u, dim=-1)


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


@Exercise(
    id="vae-02",
    title="The likelihood of a binary image",
    difficulty=2,
    minutes=10,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Turn logits into a log-probability that sums over pixels and stays exact "
        "where a sigmoid saturates.",
    ),
    statement=r"""
A decoder puts out one logit $\ell_i$ for each pixel: the pixel is 1 with probability
$\operatorname{sigmoid}(\ell_i) = 1/(1 + e^{-\ell_i})$, independently of the others. For
the importance-weighted bound, each of `b` images is decoded from `k` codes, and each
of these decodings is asked for the log-probability of that image.

Write `bernoulli_log_prob(logits, x)`: `logits` has shape `(k, b, d)`, `x` has shape
`(b, d)` and holds zeros and ones; return $\log p(x \mid z)$ in nats, shape `(k, b)`.
It has to stay exact, with a useful gradient, at logits of $\pm 200$.
""",
    stub='''
def bernoulli_log_prob(logits, x):
    """(k, b, d), (b, d) -> (k, b), in nats."""
    return ...
''',
    answers={"bernoulli_log_prob": callable},
    hints=(
        "Pixels are independent given z: the probability of the image is a product, "
        "its logarithm a sum over the d pixels.",
        "log(sigmoid(l)) is computed as log of a rounded number: at l = -200 the "
        "sigmoid is 0. Write log sigmoid(l) without ever forming sigmoid(l).",
        "log sigmoid(l) = -log(1 + exp(-l)), which PyTorch offers as softplus and "
        "logsigmoid. And 1 - sigmoid(l) = sigmoid(-l).",
    ),
    misconceptions={
        "mean over the pixels": "The log-probability of an image is the sum of those "
        "of its pixels; a mean weakens it against the KL by a factor d.",
        "not summed over the pixels": "One number for each code and image is due.",
        "summed over the images": "One number for each code and image is due; the "
        "mean over the batch comes later.",
        "codes averaged": "The importance-weighted bound needs each of the k values.",
        "negative log-likelihood returned": "A log-probability of a pixel is never "
        "positive: the sign is that of a loss.",
        "zeros and ones swapped": "A large logit makes a 1 likely.",
        "sigmoid applied twice": "A function with 'logits' in its name wants the "
        "logits, not their sigmoid.",
        "logits used as probabilities": "A logit is any real number; its sigmoid is "
        "the probability.",
        "black pixels left out": "A pixel that is 0 has a probability too, that of "
        "not being 1.",
        "codes and images mixed up": "Image j belongs to logits[:, j], for each of the "
        "k codes: repeat() and repeat_interleave() give different orders.",
        "softmax over the pixels": "Pixels are not classes that exclude each other: "
        "each has a probability of its own.",
        "squared error in place of the likelihood": "(x - sigmoid(l))² is no "
        "log-probability of a binary pixel: it does not normalize.",
        "bits in place of nats": "Nats are due: the natural logarithm.",
        "logarithm of a saturated sigmoid": "In float32 the sigmoid is exactly 0 "
        "below about -100 and exactly 1 above about 17: its logarithm is infinite, or "
        "cut off by a clamp, and the gradient is lost just where the model is most "
        "wrong.",
        "limit in place of log(1 + e^l)": "For large l it is nearly l, but not l: at "
        "l = 6 the difference still counts, once for each pixel.",
        "batch axis lost": "squeeze() also removes axes of length one that count.",
    },
)
def vae_02(t, bernoulli_log_prob):
    k, b, d = t.integer(2, 3), t.integer(6, 8), t.integer(4, 5)
    logits = t.away(k, b, d, low=0.4, high=3)
    x = t.integers(b, d, low=0, high=1).float()

    t.property("one number for each code and image")
    out = t.call(bernoulli_log_prob, logits, x)
    ideas = {
        "not summed over the pixels": (k, b, d),
        "summed over the images": (k,),
        "codes averaged": (b,),
    }
    t.shape(out, (k, b), "k log-probabilities for each of the b images.", ideas=ideas)
    why = "Logits are real numbers, and all of them give a probability above 0."
    t.finite(out, why, misconception="logits used as probabilities")

    t.property("no log-probability is positive")
    sign = "negative log-likelihood returned"
    t.at_most(out, 0.0, "A probability is at most 1.", misconception=sign)

    t.property("switching a pixel from 0 to 1 adds its logit")
    pixel = t.integer(0, d - 1)
    on, off = x.clone(), x.clone()
    on[:, pixel], off[:, pixel] = 1.0, 0.0

    def switched(logits):
        return t.call(bernoulli_log_prob, logits, on) - t.call(
            bernoulli_log_prob, logits, off
        )

    due = logits[..., pixel]
    why = "A logit is log p(1) - log p(0), and no other pixel has changed."
    prob = due.sigmoid()
    ideas = {
        "mean over the pixels": due / d,
        "zeros and ones swapped": -due,
        "bits in place of nats": due / math.log(2),
        "sigmoid applied twice": prob,
        "black pixels left out": F.logsigmoid(due),
        "squared error in place of the likelihood": [
            2 * prob - 1,
            prob - 0.5,
            due - 0.5,
        ],
        "softmax over the pixels": logits.log_softmax(-1)[..., pixel],
        "codes and images mixed up": due.T.reshape(k, b),
    }
    t.close(switched(logits), due, why, ideas=ideas, tol=1e-4)

    t.property("each image with its own logits")
    x[0, 0], x[-1, 0] = 0.0, 1.0  # not all images are equal
    side = torch.tensor([1.0, -1.0, 1.0])[:k, None, None]
    sure = 8 * side * (2 * x - 1)
    due = 4.0 * d * (side - 1)[:, :, 0].expand(k, b)
    other = x.repeat_interleave(k, 0)
    against = (sure.flatten(0, 1).gt(0) != other.gt(0)).sum(1)
    ideas = {"codes and images mixed up": -8.0 * against.view(k, b)}
    why = "A pixel costs 8 nats where the logits say the opposite, else next to none."
    t.close(t.call(bernoulli_log_prob, sure, x), due, why, ideas=ideas, tol=3e-3)

    t.property("the probabilities of all 2ᵈ images sum to 1")
    images = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * d)
    same = logits[:, :1].expand(k, 2**d, d).contiguous()
    total = t.call(bernoulli_log_prob, same, images).exp().sum(1)
    t.close(total, 1.0, "One of the images must come out.", tol=1e-4)
    total = t.call(bernoulli_log_prob, 6 * same.sign(), images).exp().sum(1)
    limit = "limit in place of log(1 + e^l)"
    t.close(total, 1.0, "The same at logits of ±6.", limit, tol=1e-4)

    t.property("logits of ±200: still exact")
    extreme = 200.0 * logits.sign()
    due = extreme[..., pixel]
    why = "The same identity: it holds for every logit."
    saturated = "logarithm of a saturated sigmoid"
    t.close(switched(extreme), due, why, misconception=saturated)

    t.property("logits of ±200: a gradient where the model is wrong")
    wrong = (extreme[0] < 0).float()
    extreme = extreme[:1].clone().requires_grad_()
    out = t.call(bernoulli_log_prob, extreme, wrong)
    why = "The slope of log sigmoid: 1 toward the truth for a pixel surely wrong."
    t.close(t.grad(out, extreme), 2 * wrong[None] - 1, why, misconception=saturated)

    t.property("one code, one image, one pixel")
    logit, x = t.uniform(1, 1, 1, low=-2, high=2), torch.ones(1, 1)
    out = t.call(bernoulli_log_prob, logit, x)
    ideas = {"batch axis lost": ()}
    t.shape(out, (1, 1), "axes of length one count.", "batch axis lost", ideas)


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
        "sign flipped": "These are log-densities, not losses.",
        "bits in place of nats": "Nats are due: the natural logarithm.",
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
        "second moment in place of the variance": "Subtract the square of the mean.",
        "deviation in place of the variance": "Asked for is the variance.",
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
        "sigma taken as a variance": "sigma = 0.6 is the standard deviation.",
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
        slope, score = (
            torch.autograd.functional.jvp(torch.square, z, torch.ones_like(z))[1],
            e / std,
        )
        return z**2, slope, score

    f, slope, score = setting(0.6)
    exact, path = moments(slope)
    _, by_score = moments(f * score)
    other_f, other_slope, other_score = setting(0.6**0.5)

    t.property("the exact derivative")
    ideas = {"derivative at the mean of q left out": [1.0, 1.36, 0.0, 2.72, 0.6, 1.2]}
    t.close(grad, exact, "The mean of the slope of f under q.", ideas=ideas, tol=1e-3)

    t.property("variance of the reparameterized gradient")
    why = "The variance of the slope of f under q, by quadrature."
    ideas = {
        "second moment in place of the variance": path + exact**2,
        "deviation in place of the variance": path**0.5,
        "variance of f in place of the gradient's": moments(f)[1],
        "sigma taken as a variance": moments(other_slope)[1],
    }
    t.close(var_path, path, why, ideas=ideas, tol=1e-3)

    t.property("variance of the score-function gradient")
    why = "The variance of f times the score under q, by quadrature."
    ideas = {
        "second moment in place of the variance": by_score + exact**2,
        "deviation in place of the variance": by_score**0.5,
        "score without its denominator": moments(f * score * 0.36)[1],
        "score divided by sigma alone": moments(f * score * 0.6)[1],
        "variance of f in place of the gradient's": moments(f)[1],
        "f and the score taken as independent": [
            moments(f**2)[0] * moments(score**2)[0] - c for c in (0.0, exact**2)
        ],
        "sigma taken as a variance": moments(other_f * other_score)[1],
    }
    t.close(var_score, by_score, why, ideas=ideas, tol=1e-3)

    t.property("the best constant baseline")
    # A variance is a parabola in b: three points fix it.
    left, middle, right = (moments((f - b) * score)[1] for b in (0.0, 1.0, 2.0))
    best = 1 + (left - right) / (2 * (left + right - 2 * middle))
    why = "Where the variance, computed for three constants, has its minimum."
    ideas = {
        "mean of f as the baseline": moments(f)[0],
        "f at the mean of q as the baseline": 1.0,
        "sigma taken as a variance": 1.0 + 3 * 0.6,
    }
    t.close(baseline, best, why, ideas=ideas, tol=1e-3)


@Exercise(
    id="vae-06",
    title="The other gradient",
    difficulty=4,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Write a surrogate whose gradient is the score-function estimate with a "
        "leave-one-out baseline.",
    ),
    statement=r"""
Where $f$ cannot be differentiated, autograd needs a **surrogate**: a scalar whose
value is of no interest and whose gradient is the estimate. Given are $k$ draws $z_i$
of $q = \mathcal N(m, \operatorname{diag}(s^2))$, shape `(k, d)` with $k \ge 2$, and
the values $f_i = f(z_i)$, shape `(k,)`.

Write `score_surrogate(z, mean, log_std, f)` with `mean` and `log_std` of shape `(d,)`
(the logarithm of $s$). Its gradient with respect to `mean` and `log_std` must be

$$
\frac1k \sum_{i=1}^k (f_i - b_i)\, \nabla \log q(z_i), \qquad
b_i = \text{mean of the } f_j \text{ with } j \ne i.
$$

The draws and the values of $f$ count as constants, even if they carry a gradient.
""",
    stub='''
def score_surrogate(z, mean, log_std, f):
    """(k, d), (d,), (d,), (k,) -> (): its gradient is the estimate."""
    return ...
''',
    answers={"score_surrogate": callable},
    hints=(
        "d log q is what autograd can do. The factor in front of it is a constant for "
        "each draw.",
        "The mean of the others is (sum of all - own) / (k - 1).",
        "z may hang on mean, if it was drawn by reparameterization: cut it off.",
    ),
    misconceptions={
        "no scalar": "One number is due, the mean over the k draws.",
        "a gradient through the draws": "z is a constant here; with its graph the "
        "estimate gets a second, wrong part.",
        "a gradient through the values of f": "f is a constant here.",
        "values of f standardized": "Dividing by their spread changes the length of "
        "the gradient, and with it what is estimated.",
        "no baseline": "A constant added to f must not change the gradient.",
        "own value in the baseline": "With f_i itself in the mean, the baseline "
        "depends on the draw, and the estimate is too small by (k - 1)/k: biased.",
        "sum over the draws": "The mean over the k draws is due.",
        "width left out of the score": "d log q / d mean is (z - mean) / s².",
        "density in place of its logarithm": "The gradient of q itself is q times that "
        "of log q.",
        "baseline from other values": "b_i is the mean of all the others, each with "
        "the same weight.",
        "mean over the dimensions": "log q of a vector is the sum over its dimensions.",
        "sign flipped": "The gradient of E[f], not of -E[f], is due.",
        "log_std read as log variance": "log_std is the logarithm of the standard "
        "deviation.",
        "log_std cut off from the graph": "q has a width, and its gradient is due.",
        "mean cut off from the graph": "The gradient with respect to mean is 0.",
    },
)
def vae_06(t, score_surrogate):
    k, d = t.integer(5, 7), t.integer(2, 3)
    mean = t.uniform(d, low=-1, high=1).requires_grad_()
    log_std = t.uniform(d, low=-1, high=0.5)
    log_std = (log_std + 0.05 * log_std.eq(0)).requires_grad_()
    z = t.uniform(k, d, low=-2, high=2).requires_grad_()
    f = t.uniform(k, low=-3, high=3).requires_grad_()

    t.property("a scalar")
    out = t.call(score_surrogate, z, mean, log_std, f)
    t.shape(out, (), "a surrogate for one estimate.", "no scalar")

    t.property("draws and values of f are constants")
    why = "No gradient flows into z."
    t.close(t.grad(out, z), 0.0, why, "a gradient through the draws")
    why = "No gradient flows into f."
    t.close(t.grad(out, f), 0.0, why, "a gradient through the values of f")

    t.property("a constant added to f changes nothing")
    by_mean = t.grad(out, mean)
    more = t.call(score_surrogate, z, mean, log_std, f + 50.0)
    why = "The baseline takes it away again."
    t.close(t.grad(more, mean), by_mean, why, "no baseline", tol=1e-3)

    # With a leave-one-out baseline the estimate is the unbiased sample covariance of
    # f and the score: an identity, and another way to compute it.
    def scores(wrt, log_std=log_std):
        q = torch.distributions.Normal(mean, log_std.exp())
        rows = [q.log_prob(row).sum() for row in z.detach()]
        grad = [torch.autograd.grad(r, wrt, retain_graph=True)[0] for r in rows]
        return torch.stack(grad).double()

    def covariance(score, correction=1):
        both = torch.cat([f.detach().double()[None], score.T])
        return torch.cov(both, correction=correction)[0, 1:]

    t.property("the gradient with respect to mean")
    due = covariance(scores(mean))
    half = covariance(scores(mean, 0.5 * log_std))
    q = torch.distributions.Normal(mean, log_std.exp())
    density = torch.stack([q.log_prob(row).sum().exp() for row in z.detach()])
    density = density.detach()[:, None]
    spreads = [f.detach().double().std(correction=c) for c in (0, 1)]
    ideas = {
        "own value in the baseline": covariance(scores(mean), 0),
        "sum over the draws": [due * k, due * k / (k - 1)],
        "mean over the dimensions": due / d,
        "sign flipped": -due,
        "values of f standardized": [due / s for s in spreads]
        + [due * (k - 1) / k / s for s in spreads],
        "log_std read as log variance": half,
        "width left out of the score": due * (2 * log_std).exp(),
        "density in place of its logarithm": covariance(scores(mean) * density),
        "baseline from other values": [
            ((f - b)[:, None] * scores(mean)).mean(0)
            for b in (f.roll(1), f.roll(-1), f.median())
        ],
    }
    why = "The sample covariance of f and the score, which this estimate is equal to."
    got = "a gradient of 0"
    t.true(by_mean.any(), why, got, "mean cut off from the graph")
    t.close(by_mean, due, why, ideas=ideas, tol=1e-4)

    t.property("the gradient with respect to log_std")
    due = covariance(scores(log_std))
    ideas = {"log_std cut off from the graph": 0.0}
    t.close(t.grad(out, log_std), due, why, ideas=ideas, tol=1e-4)


@Exercise(
    id="vae-07",
    title="A VAE of your own",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=5,
    objectives=("Write the whole model: bound and sampling, for real-valued data.",),
    statement=r"""
Write `GaussianVAE(encoder, decoder, latent_dim, std)`, an `nn.Module` with

- `encoder`: from `x`, shape `(b, d)`, to a pair `(mean, log_std)`, each
  `(b, latent_dim)`: $q(z \mid x)$;
- `decoder`: from `z`, shape `(b, latent_dim)`, to the mean of $x$, shape `(b, d)`;
- `std`: a number, the standard deviation of the noise:
  $p(x \mid z) = \mathcal N(x;\, \text{decoder}(z), \texttt{std}^2 I)$;
- the prior $p(z) = \mathcal N(0, I)$.

`elbo(x)` returns the evidence lower bound in nats, shape `(b,)`, from **one** draw of
$z$ for each example and with the rate in closed form; with all constants, since it is
to be compared with exact likelihoods. Training maximizes it, so gradients flow to the
encoder and the decoder. `sample(n)` draws `n` examples $x$, shape
`(n, d)`, from the model.
""",
    stub='''
class GaussianVAE(nn.Module):
    def __init__(self, encoder, decoder, latent_dim, std):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.latent_dim, self.std = latent_dim, std

    def elbo(self, x):
        """(b, d) -> (b,): nats."""
        return ...

    def sample(self, n):
        """int -> (n, d)."""
        return ...
''',
    answers={"GaussianVAE": callable},
    hints=(
        "Three steps for the bound: encode, draw with a path for the gradient, decode. "
        "Then a log-density summed over d, and a rate summed over latent_dim.",
        "log N(x; m, std²) of one value is -(x - m)²/(2 std²) - log std - log(2 pi)/2.",
        "A sample of the model is a sample of p(x | z), noise included, for a z from "
        "the prior.",
    ),
    misconceptions={
        "mean over the pixels": "The log-density of an example is a sum over its d "
        "values.",
        "constants left out": "Without -d (log std + log(2 pi)/2) the bound cannot be "
        "compared with a likelihood.",
        "mean over the latent dimensions": "The rate is a sum over dimensions.",
        "rate estimated from the draw": "The rate is due in closed form; log q(z) - "
        "log p(z) at the draw has its mean, and noise.",
        "rate added": "The ELBO subtracts the rate.",
        "rate left out": "The expected log-likelihood alone is no bound.",
        "log_std read as log variance": "The encoder gives log standard deviations.",
        "std squared once too often": "std is a standard deviation.",
        "no draw": "z is a draw of q, not its mean.",
        "one noise for all examples": "Each example needs a draw of its own.",
        "one noise for all dimensions": "Each entry of a code, and each value of a "
        "sample, needs noise of its own.",
        "draw cut off from the graph": "The encoder must learn from the "
        "reconstruction, so z needs a path for the gradient.",
        "standard deviation cut off": "z has to be a function of log_std too: q can "
        "shift, but never learns from the reconstruction how wide to be.",
        "rate cut off": "Its value is right, but its gradient, or a part of it, is "
        "lost: nothing holds q near the prior.",
        "more than one draw": "One draw for each example is asked for.",
        "noise that is not normal": "The noise has the right mean and spread, but "
        "another shape.",
        "reduced over the batch": "One bound for each example is due.",
        "negative bound": "elbo is a lower bound of log p, not a loss.",
        "mean of the decoder in place of a draw": "The model's x has noise.",
        "std left out of the noise": "The noise of x has standard deviation std.",
        "codes from the wrong prior": "The codes of samples come from N(0, I).",
    },
)
def vae_07(t, GaussianVAE):
    b, d, k = t.integer(5, 6), 3, 2
    x, slope = t.away(b, d, low=0.2, high=2), t.away(k, d, low=0.3, high=1.2)
    mean = t.away(b, k, low=0.2, high=1.5)
    log_std, std, seen = t.uniform(b, k, low=-1, high=-0.4), 0.7, []
    mean.requires_grad_()
    log_std.requires_grad_()

    def decoder(z):
        seen.append(z)
        return z @ slope.to(z)

    def build(log_std, mean=mean):
        return t.call(GaussianVAE, lambda x: (mean, log_std), decoder, k, std)

    normal = torch.distributions.Normal
    t.property("one bound for each example")
    model = build(log_std)
    out = t.call(model.elbo, x)
    ideas = {"reduced over the batch": [(), (d,)]}
    t.shape(out, (b,), "one bound for each of the b examples.", ideas=ideas)

    t.property("a narrow q: no noise is left in the bound")
    narrow = torch.full_like(log_std, -30.0)
    value = t.call(build(narrow).elbo, x)
    again, why = t.call(build(narrow).elbo, x), "Two calls agree: z is mean in both."
    t.close(again, value, why, "rate estimated from the draw", tol=1e-4)
    fit = normal(mean @ slope, std).log_prob(x).double()
    rate = gaussian_kl(mean, 2 * narrow)
    error = (x - mean @ slope).double().square().sum(1)
    total = fit.sum(1) - rate.sum(1)
    constant = d * (math.log(std) + 0.5 * math.log(2 * math.pi))
    squared = normal(mean @ slope, std**2).log_prob(x).double().sum(1)
    ideas = {
        "mean over the pixels": fit.mean(1) - rate.sum(1),
        "constants left out": [
            total + constant,
            total + 0.5 * d * math.log(2 * math.pi),
            total + d * math.log(std),
            total + d * math.log(std) / 2,
            total + constant * (d - 1) / d,
            total + constant + (0.5 / std**2 - 1) * error,
            total + constant + (0.5 / std**2 - 0.5) * error,
        ],
        "log_std read as log variance": fit.sum(1) - gaussian_kl(mean, narrow).sum(1),
        "mean over the latent dimensions": fit.sum(1) - rate.mean(1),
        "rate added": fit.sum(1) + rate.sum(1),
        "rate left out": fit.sum(1),
        "std squared once too often": squared - rate.sum(1),
        "negative bound": -total,
    }
    why = "log N(x; decoder(mean), std²) minus the rate, by quadrature."
    t.close(value, total, why, ideas=ideas, tol=1e-4)

    t.property("any q: the bound of the z that was decoded")
    z = first = t.tensor(seen[0]).detach()
    got = "the decoder was given the mean of q"
    t.true((z != mean).any(), "A draw of q is decoded.", got, "no draw")
    fit = normal(z @ slope, std).log_prob(x).double().sum(1)
    rate = gaussian_kl(mean, 2 * log_std).sum(1)
    ideas = {
        "log_std read as log variance": fit - gaussian_kl(mean, log_std).sum(1),
        "rate left out": fit,
    }
    why = "The log-density of x at this z, minus the rate by quadrature."
    several = "more than one draw" if len(seen) > 3 else None  # three calls so far
    t.close(out, fit - rate, why, several, ideas, tol=1e-4)

    t.property("the draw: its own noise, of the width of q, in each example")
    seen.clear()
    n = 4000
    many, wide = mean[:1].expand(n, k), log_std[:1].expand(n, k)
    t.call(build(wide, many).elbo, x[:1].expand(n, d))
    z = seen[0].detach()
    shared = "one noise for all examples"
    got = "all rows of z are equal"
    t.true((z != z[:1]).any(), "Each example has a draw of its own.", got, shared)
    ideas = {"log_std read as log variance": (0.5 * log_std[0]).exp()}
    why = "The encoder gives log standard deviations."
    t.std(z, log_std[0].exp(), why, ideas=ideas)
    t.mean(z, mean[0], log_std[0].exp(), "The draws are centered at mean.")
    line = "one noise for all dimensions"
    t.independent(z, "The entries of z are independent given x.", line)
    eps = (t.tensor(z) - mean[0]) / log_std[0].exp()
    other = "noise that is not normal"
    t.distribution(eps, torch.special.ndtr, "q is a normal distribution.", other)

    t.property("the encoder learns from the reconstruction and from the rate")
    z = first.requires_grad_()
    fit = normal(z @ slope, std).log_prob(x).double().sum()
    push = torch.autograd.grad(fit, z)[0]
    pull = torch.autograd.grad(rate.sum(), (mean, log_std))
    why = "The slope of the fit at this z, where dz/dmean = 1, minus that of the rate."
    ideas = {"draw cut off from the graph": -pull[0], "rate cut off": push}
    cut = "rate cut off"
    t.close(t.grad(out, mean), push - pull[0], why, cut, ideas, tol=1e-4)
    push = push * (z - mean).detach()
    why = "The same, where dz/dlog_std = z - mean."
    ideas = {"standard deviation cut off": -pull[1], "rate cut off": push}
    t.close(t.grad(out, log_std), push - pull[1], why, cut, ideas, tol=1e-4)

    t.property("samples of the model")
    draws = t.call(model.sample, 3000)
    t.shape(draws, (3000, d), "n examples of d values.")
    due = (slope.square().sum(0) + std**2) ** 0.5
    why = "x is decoder(z) with z from N(0, I), plus noise of std."
    ideas = {
        "one noise for all dimensions": (slope.sum(0) ** 2 + std**2) ** 0.5,
        "mean of the decoder in place of a draw": slope.square().sum(0) ** 0.5,
        "std squared once too often": (slope.square().sum(0) + std**4) ** 0.5,
        "codes from the wrong prior": [
            (slope.square().sum(0) / 12 + std**2) ** 0.5,
            (slope.square().sum(0) / 3 + std**2) ** 0.5,
            std * torch.ones(d),
        ],
        "std left out of the noise": (slope.square().sum(0) + 1) ** 0.5,
    }
    t.std(draws, due, why, ideas=ideas)
    t.mean(draws, 0.0, due, "z is centered at 0.", "codes from the wrong prior")

    t.property("samples of a decoder that ignores z")
    still = t.call(
        GaussianVAE, lambda x: (mean, log_std), lambda z: 0 * z @ slope, k, std
    )
    draws = t.call(still.sample, 3000)
    ideas = {"std squared once too often": std**2, "std left out of the noise": 1.0}
    t.std(draws, torch.full((d,), std), "Only the noise is left.", ideas=ideas)
    t.independent(draws, "Each value has noise of its own.", line)
    why = "The noise of x is normal."
    t.distribution(t.tensor(draws) / std, torch.special.ndtr, why, other)


@Exercise(
    id="vae-08",
    title="Three mistakes in nine lines",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=4,
    objectives=("Find by measurement why a VAE that runs does not learn.",),
    repair=True,
    statement=r"""
The function below is meant to be the loss of a VAE on binary data: the negative ELBO
in nats per example, mean over the batch, with one draw of $z$ for each example and the
rate in closed form. `encoder(x)` gives `(mean, log_std)`, each
`(b, d_z)`, and `decoder(z)` gives logits `(b, d)`; `x` is `(b, d)`. It runs, the loss
falls, and all samples look the same. It holds three mistakes, each of which has been
seen in published code. Repair them, and keep the signature.
""",
    stub='''
def vae_loss(encoder, decoder, x):
    """Negative ELBO, batch mean, nats."""
    mean, log_std = encoder(x)
    z = torch.normal(mean, log_std.exp())
    logits = decoder(z)
    error = F.binary_cross_entropy_with_logits(logits, x)
    per_dim = 0.5 * (mean**2 + log_std.exp() - 1 - log_std)
    rate = per_dim.sum(1).mean()
    return error + rate
''',
    answers={"vae_loss": callable},
    hints=(
        "What does the reduction of each loss function average over? Compare with the "
        "sum over pixels and over latent dimensions.",
        "Set log_std to a few values and compare the rate with the closed form (3.5).",
        "Is mean.grad different when the decoder is replaced by one that ignores z?",
    ),
    misconceptions={
        "mean over the pixels": "The cross-entropy averages over all b · d values; the "
        "ELBO needs the sum over d. The rate weighs d times too much: a hidden beta.",
        "log_std read as log variance": "The encoder gives log standard deviations; "
        "the rate treats them as log variances.",
        "a random node without a derivative": "torch.normal(mean, std) draws, but its "
        "result is no function of mean and std: no gradient gets through.",
        "draw cut off from the graph": "The draw needs a path for the gradient.",
        "standard deviation cut off from the graph": "z has to be a function of "
        "log_std too: q can shift, but never learns how wide to be.",
        "no draw": "z is a draw of q, not its mean.",
        "one noise for all examples": "Each example needs a draw of its own.",
        "one noise for all dimensions": "Each entry of a code needs noise of its own.",
        "cross-entropy cut off": "Its value is right, but no gradient gets from it to "
        "the encoder.",
        "rate cut off": "Its value is right, but its gradient, or a part of it, is "
        "lost: nothing holds q near the prior.",
        "more than one draw": "One draw for each example is asked for.",
        "noise that is not normal": "The noise has the right mean and spread, but "
        "another shape.",
        "squared error in place of the likelihood": "The cross-entropy was right to "
        "use: it is the log-likelihood of binary values.",
        "factor one half lost": "The closed form of the rate has a factor 1/2.",
        "rate estimated from the draw": "The closed form was right to use; an "
        "estimate from the draw adds noise.",
        "sum over the batch": "The loss is the mean over the batch.",
        "not reduced over the batch": "One number is due: the mean over the batch.",
        "mean over the latent dimensions": "The rate is a sum over dimensions.",
        "sign of the rate flipped": "The loss adds the rate.",
        "rate left out": "Without its rate this is an autoencoder.",
        "standard deviation squared": "The noise is scaled by exp(log_std).",
        "sigmoid applied twice": "A function with 'logits' in its name wants logits.",
    },
)
def vae_08(t, vae_loss):
    b, d, k = t.integer(6, 8), t.integer(4, 5), t.integer(2, 3)
    x = t.integers(b, d, low=0, high=1).float()
    slope = t.away(k, d, low=0.5, high=1.5)
    mean = t.away(b, k, low=0.2, high=1.5).requires_grad_()
    log_std, seen = t.uniform(b, k, low=-1, high=-0.3).requires_grad_(), []

    def decoder(z):
        seen.append(z)
        return z @ slope.to(z)

    def cross_entropy(logits):
        # The probability of the value seen, of all values.
        odds = torch.where(x > 0, logits, -logits)
        return -odds.double().sigmoid().log()

    def loss(width, m=mean, data=x, net=decoder):
        return t.call(vae_loss, lambda _: (m, width), net, data)

    t.property("one number")
    out = loss(log_std)
    t.shape(out, (), "the batch mean.", "not reduced over the batch")

    t.property("without a rate: the cross-entropy of an example")
    zero, free = torch.zeros(b, k), torch.zeros(b, k)
    logits = t.uniform(b, d, low=-3, high=3)
    value = loss(free, zero, x, lambda z: logits)
    due = cross_entropy(logits)
    twice = cross_entropy(logits.sigmoid())
    ideas = {
        "mean over the pixels": due.mean(),
        "sum over the batch": due.sum(),
        "sigmoid applied twice": twice.sum(1).mean(),
        "squared error in place of the likelihood": [
            (logits.sigmoid() - x).square().sum(1).mean() * c for c in (1.0, 0.5)
        ],
    }
    why = "With q the prior the rate is 0; what is left is the sum over the d values."
    t.close(value, due.sum(1).mean(), why, ideas=ideas)

    t.property("with a decoder that ignores z: the rate is the rest")
    flat = math.log(2) * d
    value = loss(log_std, mean, x, lambda z: 0 * z @ slope.to(z)) - flat
    again = loss(log_std, mean, x, lambda z: 0 * z @ slope.to(z)) - flat
    why = "Two calls agree: z does not matter, and a closed form draws nothing."
    t.close(again, value, why, "rate estimated from the draw", tol=1e-4)
    rate = gaussian_kl(mean, 2 * log_std)
    half = gaussian_kl(mean, log_std)
    ideas = {
        "log_std read as log variance": half.sum(1).mean(),
        "mean over the latent dimensions": rate.mean(),
        "sum over the batch": [
            rate.sum(),
            (b - 1) * flat + rate.sum(),
            (b - 1) * flat + rate.sum(1).mean(),
        ],
        "sign of the rate flipped": -rate.sum(1).mean(),
        "rate left out": 0.0,
        "factor one half lost": 2 * rate.sum(1).mean(),
    }
    why = "The KL from N(mean, exp(log_std)²) to the prior, by quadrature."
    t.close(value, rate.sum(1).mean(), why, ideas=ideas, tol=1e-4)

    t.property("z is a draw of q")
    n = 4000
    many, wide = mean[:1].expand(n, k), log_std[:1].expand(n, k)
    seen.clear()
    loss(wide, many, x[:1].expand(n, d))
    z = seen[0].detach()
    got = "the decoder was given the mean of q"
    t.true((z != many).any(), "A draw is decoded.", got, "no draw")
    why, got = "Each example has a draw of its own.", "all rows of z are equal"
    t.true((z != z[:1]).any(), why, got, "one noise for all examples")
    ideas = {
        "log_std read as log variance": (0.5 * log_std[0]).exp(),
        "standard deviation squared": (2 * log_std[0]).exp(),
    }
    t.std(z, log_std[0].exp(), "Its width is exp(log_std).", ideas=ideas)
    why = "The entries of z are independent given x."
    t.independent(z, why, "one noise for all dimensions")
    eps = (t.tensor(z) - mean[0]) / log_std[0].exp()
    other = "noise that is not normal"
    t.distribution(eps, torch.special.ndtr, "q is a normal distribution.", other)

    t.property("the encoder learns from the reconstruction")
    seen.clear()
    out = loss(log_std)
    z = seen[0]
    why = "z is a function of mean: moving mean moves z by as much."
    node = "a random node without a derivative"
    name = node if z.requires_grad else "draw cut off from the graph"
    t.close(t.grad(z, mean), 1.0, why, name, tol=1e-4)
    why = "z is a function of log_std: its derivative is z - mean."
    name = "standard deviation cut off from the graph"
    t.close(t.grad(z, log_std), (z - mean).detach(), why, name, tol=1e-4)

    t.property("the loss pulls on the encoder with both of its terms")
    z = t.tensor(z).detach().requires_grad_()
    fit = cross_entropy(z @ slope).sum(1).mean()
    rate = gaussian_kl(mean, 2 * log_std).sum(1).mean()
    several = "more than one draw" if len(seen) > 1 else None
    t.close(out, fit + rate, "The two terms at this z.", several, tol=1e-4)
    push = torch.autograd.grad(fit, z)[0]
    pull = torch.autograd.grad(rate, (mean, log_std))
    why = "The slope of the cross-entropy at this z plus that of the rate."
    cut = "rate cut off"
    ideas = {"cross-entropy cut off": pull[0], cut: push}
    t.close(t.grad(out, mean), push + pull[0], why, cut, ideas, tol=1e-4)
    push = push * (z - mean).detach()
    why = "The same, where dz/dlog_std = z - mean."
    ideas = {"cross-entropy cut off": pull[1], cut: push}
    t.close(t.grad(out, log_std), push + pull[1], why, cut, ideas, tol=1e-4)


@Exercise(
    id="vae-09",
    title="The beta that nobody wrote",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Read the width of the likelihood off a line of training code.",),
    statement=r"""
In a repository you find, for color images of shape `(b, 3, 32, 32)` with values in
$[0, 1]$ and `kl` of shape `(b,)`, the correct divergence of each image in nats:

```python
loss = F.mse_loss(x_hat, x) + 0.02 * kl.mean()
```

Give to four significant digits: `std`, the standard deviation $\sigma$ of the Gaussian
likelihood for which this loss is the negative ELBO times a factor (plus a constant);
and `beta`, for a reader who had meant $\sigma_0 = 0.1$: the $\beta$ for which this
loss is proportional to $D + \beta R$ with that width.
""",
    stub="""
std = ...  # the likelihood that this loss stands for
beta = ...  # the weight of the rate, if std 0.1 was meant
""",
    answers={"std": float, "beta": float},
    hints=(
        "mse_loss averages over the batch and over all values of an image. How many "
        "are they?",
        "Divide the loss by 0.02: the KL term then has weight 1. Which factor does "
        "the squared error of an image have now?",
        "That factor must be 1/(2 sigma²). And beta is the ratio of two such factors.",
    ),
    misconceptions={
        "channels forgotten": "An image has 3 · 32 · 32 values.",
        "factor of two lost": "The exponent of a Gaussian has a factor 1/2.",
        "variance in place of the deviation": "Asked for is the standard deviation.",
        "weight of the KL left out": "The weight 0.02 counts.",
        "pixels not counted": "mse_loss divides by the number of values.",
        "weight turned around": "A small weight on the KL means a narrow likelihood.",
        "ratio turned around": "A likelihood wider than the one meant is a beta above "
        "1.",
        "ratio of deviations": "The squared error is divided by the variance.",
        "the width that was meant left out": "beta compares with the width that was "
        "meant: divide by 0.1².",
        "weight read as beta": "0.02 is a beta only if the error is the exact "
        "log-likelihood at the width that was meant.",
    },
)
def vae_09(t, std, beta):
    # The likelihood's width enters the gradient as one factor: read it off autograd.
    x = t.uniform(2, 3, 32, 32, low=0, high=1).double()
    x_hat = t.uniform(2, 3, 32, 32, low=0, high=1).double().requires_grad_()
    shape = x.shape

    def slope(value):
        return torch.autograd.grad(value, x_hat)[0].abs().mean()

    def distortion(width):
        density = torch.distributions.Normal(x_hat, width).log_prob(x)
        return -density.sum((1, 2, 3)).mean()

    found = slope(F.mse_loss(x_hat, x)) / 0.02  # per unit of rate
    one, meant = slope(distortion(1.0)), slope(distortion(0.1))
    width = (one / found) ** 0.5
    values, pixels = math.prod(shape[1:]), shape[2] * shape[3]

    t.property("the width of the likelihood")
    ideas = {
        "channels forgotten": width * (pixels / values) ** 0.5,
        "factor of two lost": [width * 2**0.5, width / 2**0.5, width * 2],
        "variance in place of the deviation": width**2,
        "weight of the KL left out": (one * 0.02 / found) ** 0.5 / 0.02,
        "pixels not counted": width / values**0.5,
        "weight turned around": width / 0.02,
    }
    ideas["weight of the KL left out"] = width / 0.02**0.5
    why = "Where the gradients of error and rate have the ratio of this code."
    t.close(std, width, why, ideas=ideas, tol=1e-3)

    t.property("the hidden beta")
    ratio = meant / found
    ideas = {
        "ratio turned around": 1 / ratio,
        "ratio of deviations": ratio**0.5,
        "factor of two lost": [2 * ratio, ratio / 2],
        "channels forgotten": ratio * pixels / values,
        "weight read as beta": 0.02,
        "the width that was meant left out": [width**2, width],
        "weight of the KL left out": ratio / 0.02,
    }
    why = "The rate's weight against the distortion at 0.1, by their gradients."
    t.close(beta, ratio, why, ideas=ideas, tol=1e-3)


@Exercise(
    id="vae-10",
    title="A width that sets itself",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=("Write the loss of the optimal sigma-VAE, with all its constants.",),
    statement=r"""
Given a batch `x`, its reconstructions `x_hat` (both of shape `(b, ...)`, with any
number of further axes) and the rates `kl`, shape `(b,)`, in nats. Let
$p(x \mid z) = \mathcal N(x;\, \hat x, \sigma^2 I)$ with **one** $\sigma$ for the whole
batch, all pixels and channels.

Write `calibrated_loss(x, x_hat, kl)`: the negative ELBO in nats per example, mean over
the batch, at the $\sigma$ that makes it the smallest, with all constants. A scalar,
with gradients to `x_hat` and `kl`.
""",
    stub='''
def calibrated_loss(x, x_hat, kl):
    """(b, ...), (b, ...), (b,) -> (): nats per example at the best sigma."""
    return ...
''',
    answers={"calibrated_loss": callable},
    hints=(
        "For fixed sigma: d log sigma + d log(2 pi)/2 + squared error/(2 sigma²), mean "
        "over the batch. Differentiate with respect to sigma.",
        "At the best sigma the last term is a constant. Which?",
        "d is the number of values of one example: x[0].numel().",
    ),
    misconceptions={
        "no scalar": "One number is due: the mean over the batch.",
        "one width for each example": "One sigma for the whole batch is asked for.",
        "one width for each pixel": "One sigma for all pixels is asked for.",
        "one width for each channel": "One sigma for all channels is asked for.",
        "spread of the errors in place of their size": "std() and var() take the mean "
        "error out first, and divide by one less; sigma² is the mean of the squares.",
        "not all axes counted": "d is the number of all values of one example, "
        "whatever the number of its axes.",
        "gradient counted twice": "At the best sigma one of the two terms moves with "
        "the error, not both: detach sigma in both places or in none.",
        "constants left out": "A density has its normalizer, and the quadratic term is "
        "d/2 at the best sigma.",
        "mean over the pixels": "The log-density of an example is a sum over its d "
        "values.",
        "logarithm of sigma counted twice": "d log sigma is d/2 times the logarithm of "
        "the mean squared error.",
        "width fixed at one": "sigma is not 1 but the best for this batch.",
        "rate left out": "The negative ELBO has the rate in it.",
        "sum over the batch": "The mean over the batch is due.",
        "cut off from the graph": "With sigma² detached, the error itself must stay in "
        "the loss, or no gradient reaches x_hat.",
        "negative bound": "A loss is due: the negative of the bound.",
    },
)
def vae_10(t, calibrated_loss):
    shape = (t.integer(3, 4), 2, 3, t.integer(4, 5))
    b, d = shape[0], math.prod(shape[1:])
    x = t.uniform(*shape, low=-1, high=1)
    # Errors that are not centered, and of other sizes in each image and channel.
    error = t.away(*shape, low=0.05, high=0.6) + 0.25
    error = error * torch.tensor([0.2, 1.2])[:, None, None]
    size = torch.linspace(0.5, 1.5, b)[torch.randperm(b, generator=t.rng)]
    x_hat = (x + error * size[:, None, None, None]).requires_grad_()
    kl = t.uniform(b, low=20, high=30).requires_grad_()
    normal = torch.distributions.Normal

    def at(width, dims=None):
        value = -normal(x_hat.double(), width).log_prob(x.double())
        return value.flatten(1).sum(1).mean() if dims is None else value

    def best():
        # Brute force: a grid of log sigma, refined three times around its minimum.
        center, reach = torch.tensor(-1.0, dtype=torch.float64), 4.0
        for _ in range(4):
            grid = center + reach * torch.linspace(-1, 1, 81, dtype=torch.float64)
            values = torch.stack([at(s.exp()).detach() for s in grid])
            center, reach = grid[values.argmin()], reach / 30
        return center.exp()

    t.property("a scalar")
    out = t.call(calibrated_loss, x, x_hat, kl)
    t.shape(out, (), "the mean over the batch.", "no scalar")

    t.property("the negative ELBO at the best sigma")
    width = best()
    due = (at(width) + kl.double().mean()).detach()
    square = (x_hat - x).detach().double().square()
    root = 0.5 * d * math.log(2 * math.pi)
    own = square.flatten(1).mean(1)[:, None].sqrt()
    each = -normal(0.0, own).log_prob((x_hat - x).detach().double().flatten(1))
    pixel = square.mean(0).sqrt()
    by_pixel = -normal(0.0, pixel).log_prob((x_hat - x).detach().double())
    channel = square.mean((0, 2, 3)).sqrt()[:, None, None]
    by_channel = -normal(0.0, channel).log_prob((x_hat - x).detach().double())
    spreads = [(x_hat - x).detach().double().var(correction=c) for c in (0, 1)]
    rate = kl.detach().double().mean()
    log_width = d * width.log()
    ideas = {
        "one width for each example": each.sum(1).mean() + rate,
        "one width for each pixel": by_pixel.flatten(1).sum(1).mean() + rate,
        "one width for each channel": by_channel.flatten(1).sum(1).mean() + rate,
        "spread of the errors in place of their size": [
            at(v.sqrt()).detach() + rate - share * (square.mean() / v - 1)
            for v in spreads
            for share in (0.0, d / 2)
        ],
        "not all axes counted": [
            (due - rate) * math.prod(shape[i:]) / d + rate for i in (2, 3)
        ],
        "constants left out": [due - root, due - d / 2, due - root - d / 2],
        "mean over the pixels": [(due - rate) / d + rate, due / d],
        "logarithm of sigma counted twice": [
            due + log_width,
            due + log_width - root,
            due + log_width - root - d / 2,
        ],
        "width fixed at one": [
            (at(1.0) + rate).detach(),
            (at(1.0) + rate).detach() - root,
        ],
        "rate left out": due - rate,
        "sum over the batch": [b * due, due - rate + b * rate, b * (due - rate) + rate],
        "negative bound": [-due, -(due - rate) + rate],
    }
    why = "The smallest value over sigma, found by trying."
    t.close(out, due, why, ideas=ideas, tol=1e-4)

    t.property("its gradient: that at the best sigma")
    due = torch.autograd.grad(at(width), x_hat)[0]
    why = "At the minimum over sigma, moving sigma changes nothing to first order."
    ideas = {"cut off from the graph": 0.0, "gradient counted twice": 2 * due}
    t.close(t.grad(out, x_hat), due, why, ideas=ideas, tol=1e-3)
    ideas = {"cut off from the graph": 0.0, "sum over the batch": 1.0}
    t.close(t.grad(out, kl), 1 / b, "The rates enter by their mean.", ideas=ideas)

    t.property("the same values as rows: the same loss")
    value = t.call(calibrated_loss, x.flatten(1), x_hat.detach().flatten(1), kl)
    why = "The shape of an example does not matter, only its d values."
    t.close(value, t.tensor(out).detach(), why, "not all axes counted", tol=1e-4)


@Exercise(
    id="vae-11",
    title="A bound from k draws",
    difficulty=3,
    minutes=15,
    compute="cpu-instant",
    points=3,
    objectives=("Write the importance-weighted bound so that it never underflows.",),
    statement=r"""
Each of `b` examples has `k` draws $z_i \sim q(z \mid x)$. Given are
`log_joint` $= \log p(x, z_i)$ and `log_q` $= \log q(z_i \mid x)$, both of shape
`(b, k)`, draws last. Write `iw_bound(log_joint, log_q)`: the estimate of
$\mathcal L_k$ of [(3.13)](#eq-iwae) in nats, shape `(b,)`.

It has to be exact for a `log_joint` of $-5000$, and where a draw has
probability zero (`log_joint` $= -\infty$) while others have not. Gradients flow to both
arguments.
""",
    stub='''
def iw_bound(log_joint, log_q):
    """(b, k), (b, k) -> (b,): log of the mean weight, in nats."""
    return ...
''',
    answers={"iw_bound": callable},
    hints=(
        "The logarithm of the mean of the k weights: which function of PyTorch is the "
        "logarithm of a sum of exponentials?",
        "The mean of k weights is their sum divided by k.",
        "With all log weights equal to a, the bound is a.",
    ),
    misconceptions={
        "mean of the logarithms": "That is the ELBO with k draws: the logarithm has to "
        "come after the mean.",
        "log k left out": "The mean of the weights is due, not their sum.",
        "log k added": "Divide by k: subtract log k.",
        "wrong axis": "The draws are along the last axis.",
        "batch size in place of k": "The mean over the k draws is due: subtract log k.",
        "ratio of the means": "Each draw has a weight of its own, and the mean is over "
        "the weights.",
        "reduced over the batch": "One bound for each example is due.",
        "underflow": "exp of a number below -104 is 0 in float32. Stay in the "
        "logarithm.",
        "floor under the weights": "A constant added inside the logarithm is a bound "
        "on nothing.",
        "largest weight only": "The maximum is no mean of the weights.",
        "ratio turned around": "The weight is p(x, z)/q(z given x).",
        "q left out": "The draws come from q, so each is weighted by 1/q.",
        "negative bound": "The bound itself is due, not a loss.",
        "a zero weight spoils the mean": "A weight of 0 is a weight: the others count.",
        "bits in place of nats": "Nats are due: the natural logarithm.",
        "log_q cut off from the graph": "The weight is a ratio of both; some training "
        "schemes drop this gradient on purpose, but here it is due.",
        "axes of length one lost": "squeeze() also removes axes that count.",
    },
)
def vae_11(t, iw_bound):
    b, k = t.integer(4, 5), t.integer(2, 3)
    log_joint = t.uniform(b, k, low=-4, high=-1).requires_grad_()
    log_q = t.uniform(b, k, low=-2, high=1).requires_grad_()
    t.property("one bound for each example")
    out = t.call(iw_bound, log_joint, log_q)
    ideas = {"wrong axis": (k,), "reduced over the batch": ()}
    t.shape(out, (b,), "k draws give one bound.", ideas=ideas)

    t.property("any weights: the logarithm of their mean")
    ratio = (log_joint.detach().double() - log_q.detach().double()).exp()
    total = sum(ratio[:, i] for i in range(k)) / k
    due = torch.tensor([math.log(v) for v in total.tolist()])
    logs, more = (log_joint - log_q).detach(), math.log(k)
    ideas = {
        "log k left out": due + more,
        "log k added": due + 2 * more,
        "negative bound": -due,
        "bits in place of nats": due / math.log(2),
        "q left out": log_joint.detach().exp().mean(1).log(),
        "mean of the logarithms": logs.mean(1),
        "largest weight only": [logs.amax(1), logs.amax(1) - more],
        "ratio turned around": (1 / ratio).mean(1).log(),
        "batch size in place of k": due + more - math.log(b),
        "ratio of the means": log_joint.detach().exp().mean(1).log()
        - log_q.detach().exp().mean(1).log(),
    }
    why = "Computed with the weights themselves, which are not small here."
    t.close(out, due, why, ideas=ideas, tol=1e-5)

    t.property("weights as small as e⁻⁵⁰⁰⁰")
    low = t.call(iw_bound, log_joint - 5000.0, log_q)
    why = "A factor of e⁻⁵⁰⁰⁰ on all weights takes 5000 from the bound."
    t.close(low + 5000.0, due, why, "underflow", tol=2e-3)

    t.property("weights as small as e⁻⁵⁰⁰⁰ beside examples of large ones")
    drop = 5000.0 * (torch.arange(b) % 2)
    mixed = t.call(iw_bound, log_joint - drop[:, None], log_q)
    why = "Each example has its own bound, whatever the others are."
    t.close(mixed + drop, due, why, misconception="underflow", tol=2e-3)

    t.property("weights as small as e⁻⁹⁰: no floor")
    low = t.call(iw_bound, log_joint - 60.0, log_q)
    why = "A factor of e⁻⁶⁰ on all weights takes 60 from the bound."
    t.close(low + 60.0, due, why, "floor under the weights", tol=1e-4)

    t.property("a draw of probability zero")
    some = log_joint.detach().clone()
    some[:, 0] = -math.inf
    rest = ratio[:, 1:].sum(1) / k
    why = "The mean of the weights, one of which is 0."
    zero = "a zero weight spoils the mean"
    t.close(t.call(iw_bound, some, log_q), rest.log(), why, zero, tol=1e-5)

    t.property("its gradient: each draw by its share of the weights")
    due = ratio / ratio.sum(1, keepdim=True)
    why = "A draw with a large weight moves the bound the most."
    t.close(t.grad(out, log_joint), due, why, "mean of the logarithms", tol=1e-4)
    why, cut = "Where log_joint rises, log_q falls.", "log_q cut off from the graph"
    t.close(t.grad(out, log_q), -due, why, ideas={cut: 0.0}, tol=1e-4)

    t.property("one example, one draw")
    one = t.uniform(1, 1, low=-4, high=-1)
    out = t.call(iw_bound, one, torch.zeros(1, 1))
    lost = "axes of length one lost"
    t.shape(out, (1,), "a batch of one is a batch.", lost, {lost: ()})
    t.close(out, one[0], "With k = 1 it is the logarithm of the only weight.")


@Exercise(
    id="vae-12",
    title="Bits that cost nothing",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Write free bits, and know what its gradient does.",),
    statement=r"""
The rates of the latent dimensions of a batch are `kl`, shape `(b, d)`, in nats: entry
$(i, j)$ belongs to example $i$ and dimension $j$. Free bits, in the version of
[Kingma et al. (2016)](https://arxiv.org/abs/1606.04934), replaces the rate in the loss
by the sum over dimensions of the larger of two numbers: the **batch mean** of the rate
of that dimension, and a floor.

Write `free_bits(kl, floor)`: that sum, a scalar in nats per example; `floor` is a
number at least 0, for each dimension. Dimensions below the floor get no gradient, the
others their usual one.
""",
    stub='''
def free_bits(kl, floor):
    """(b, d), float -> (): nats per example."""
    return ...
''',
    answers={"free_bits": callable},
    hints=(
        "First one number for each dimension, then the larger of it and the floor, "
        "then a sum.",
        "The order matters: the larger of a mean is not the mean of the larger.",
        "clamp(min=...) has gradient 0 below its bound.",
    ),
    misconceptions={
        "no scalar": "One number is due.",
        "floor for each example": "The floor acts on the batch mean of a dimension, "
        "not on each example: single examples may use less.",
        "one floor for the whole rate": "Each dimension has a floor of its own; else "
        "one dimension can use it up, and the others collapse.",
        "mean over the dimensions": "The rates of dimensions add up.",
        "sum over the batch": "Nats per example: the batch mean of each dimension.",
        "a smooth floor": "The larger of two numbers has a corner; a softplus is above "
        "it near the floor.",
        "floor subtracted": "The value below the floor is the floor, not 0. (The "
        "gradient is the same, the loss is not.)",
        "smaller in place of larger": "A rate above the floor is paid in full.",
        "no floor": "A dimension below the floor counts with the floor.",
        "a gradient below the floor": "Below the floor nothing may push the rate.",
        "cut off from the graph": "Above the floor the rate has its usual gradient.",
        "axes exchanged": "Examples are along the first axis, dimensions the second.",
    },
)
def vae_12(t, free_bits):
    b, d = t.integer(5, 6), t.integer(3, 4)
    size = torch.linspace(0.1, 2.0, d)[torch.randperm(d, generator=t.rng)]
    kl = t.uniform(b, d, low=0.1, high=1.9) * size + 0.01
    kl[0] = 0.02  # an example below the floor, also where its dimension is above
    kl.requires_grad_()
    plain = kl.detach().double()
    share = [float(plain[:, j].sum() / b) for j in range(d)]
    rows = [float(plain[i].sum() / d) for i in range(b)]
    floor = round(sorted(share)[1] - 0.02, 4)  # just below the second smallest

    def smooth(floor):
        above = [v - floor for v in share]
        sharp = 1, 10, 20, 50, 100
        bend = [sum(math.log1p(math.exp(c * v)) / c for v in above) for c in sharp]
        return [d * floor + value for value in bend]

    t.property("a scalar")
    t.shape(t.call(free_bits, kl, floor), (), "nats per example.", "no scalar")

    t.property("no floor, no change: the rate of an example")
    due = plain.sum() / b
    ideas = {
        "mean over the dimensions": due / d,
        "sum over the batch": due * b,
        "smaller in place of larger": 0.0,
        "a smooth floor": smooth(0.0),
    }
    why = "With floor 0 it is the mean over the batch of the sum over dimensions."
    t.close(t.call(free_bits, kl, 0.0), due, why, ideas=ideas)

    t.property("a floor above all rates")
    high = 50.0
    ideas = {
        "one floor for the whole rate": high,
        "no floor": sum(share),
        "floor subtracted": 0.0,
        "axes exchanged": b * high,
    }
    why = "Each of the d dimensions counts with the floor."
    t.close(t.call(free_bits, kl, high), d * high, why, ideas=ideas)

    t.property("with a floor: dimension by dimension")
    out = t.call(free_bits, kl, floor)
    due = sum(v if v > floor else floor for v in share)
    ideas = {
        "floor for each example": plain.clamp(min=floor).sum() / b,
        "one floor for the whole rate": [
            max(sum(share), floor),
            max(sum(share), d * floor),
        ],
        "floor subtracted": sum(max(v - floor, 0.0) for v in share),
        "smaller in place of larger": sum(min(v, floor) for v in share),
        "mean over the dimensions": due / d,
        "axes exchanged": sum(max(v, floor) for v in rows),
    }
    ideas["a smooth floor"] = smooth(floor)
    t.close(out, due, "A sum over dimensions of the larger value.", ideas=ideas)

    t.property("its gradient")
    above = torch.tensor([float(v > floor) for v in share])
    due = above.expand(b, d) / b
    why = "1/b above the floor, 0 below."
    ideas = {
        "cut off from the graph": 0.0,
        "a gradient below the floor": torch.ones(b, d) / b,
    }
    t.close(t.grad(out, kl), due, why, ideas=ideas)


# Nats. Over 20 seeds the reference reaches 4.31 with a standard deviation of 0.02.
BARS_BOUND = 4.6


@Exercise(
    id="vae-13",
    title="Bars and stripes, to a threshold",
    difficulty=4,
    minutes=45,
    compute="cpu-instant",
    points=6,
    objectives=(
        "Train a VAE to a stated likelihood under a stated budget, and find out what "
        "holds it back.",
    ),
    statement=r"""
`gmcourse.data.structured.BarsAndStripes(4)` draws binary images of 4 × 4 pixels in
which all rows or all columns are constant: `sample(n)` gives `(n, 1, 4, 4)`. Its
entropy is known, 3.38 nats; a model of independent pixels needs 11.09.

Train a VAE on its samples, within **60 seconds of one CPU core** (the reference takes
a few). The answer is the trained `model`, an `nn.Module` with

- `encode(x)`: `(b, 16)` zeros and ones to `(mean, log_std)`, each `(b, d_z)`, and
- `decode(z)`: `(b, d_z)` to `(b, 16)` logits, each row from its own code; the prior is
  $\mathcal N(0, I)$.

The check computes the importance-weighted bound with 500 draws from your `q`, averaged
over the true distribution; your model passes at 4.6 nats or less. Nothing but the
model counts, and a bound that is too good to be true cannot be had: it is a bound.
""",
    stub='''
class BarsVAE(nn.Module):
    def __init__(self):
        super().__init__()
        ...

    def encode(self, x):
        """(b, 16) -> mean, log_std, each (b, d_z)."""
        return ...

    def decode(self, z):
        """(b, d_z) -> (b, 16) logits."""
        return ...


model = ...  # BarsVAE(), trained
''',
    answers={"model": nn.Module},
    hints=(
        "The loss of the chapter, fresh samples at each step, Adam at 2e-3 to 5e-3, "
        "networks of one or two hidden layers of 64 to 128 units, a few latents.",
        "Print rate and distortion apart. A distortion well above zero at the end says "
        "that images are confused; a rate far above 4 nats, that codes are too narrow.",
        "A learning rate that falls to zero toward the end is worth some tenths of a "
        "nat.",
    ),
    misconceptions={
        "not trained for long enough": "The bound is far from what these few lines can "
        "reach: train longer, or with a higher learning rate.",
        "no code in use": "The decoder gives the same for all codes, so pixels are as "
        "good as independent: the model is untrained, or its posterior has collapsed.",
        "an autoencoder without a rate": "The codes lie where the prior never goes: "
        "draws from the prior do not decode to these images.",
        "probabilities in place of logits": "decode must return logits, any real "
        "numbers; these all lie between 0 and 1.",
        "log_std read as log variance": "encode must return the logarithm of the "
        "standard deviation; the check draws with exp(log_std).",
        "an image decoded from its place in the batch": "decode must be a function of "
        "each z alone: the same codes in another order give the same logits.",
        "decoded with statistics of the batch": "Each row of decode(z) is to come from "
        "its own code: put batch normalization in eval mode, or leave it out.",
        "not quite": "Near, but above the threshold.",
    },
)
def vae_13(t, model):
    from gmcourse.data.structured import BarsAndStripes

    bars = BarsAndStripes(4)
    images = bars.support()
    chance = bars.log_prob(images).exp().double()
    x = images.flatten(1)

    t.property("encode gives mean and log_std, decode gives logits")
    made = t.call(model.encode, x)
    pair = isinstance(made, tuple | list) and len(made) == 2
    why, got = "A pair (mean, log_std).", f"an object of type {type(made).__name__}"
    t.true(pair, why, got)
    mean, log_std = (t.tensor(v).detach() for v in made)
    t.true(mean.dim() == 2, "Of shape (b, d_z).", str(tuple(mean.shape)))
    t.shape(log_std, tuple(mean.shape), "one for each mean.")
    d = mean.shape[1]
    eps = torch.randn(500, len(x), d, generator=t.rng)

    def bound(log_std):
        """The negative importance-weighted bound in nats, and the logits."""
        z = mean + log_std.exp() * eps
        logits = t.tensor(t.call(model.decode, z.flatten(0, 1))).detach()
        t.shape(logits, (500 * len(x), 16), "16 logits for each code.")
        t.finite(logits, "Logits are real numbers.")
        odds = logits.double().view(500, len(x), 16) * (2 * x - 1)
        normal = torch.distributions.Normal
        ratio = normal(0.0, 1.0).log_prob(z) - normal(mean, log_std.exp()).log_prob(z)
        total = F.logsigmoid(odds).sum(2) + ratio.double().sum(2)
        return -(chance * (total.exp().mean(0) + 1e-300).log()).sum(), logits

    value, logits = bound(log_std)
    inside = bool((logits >= 0).all() and (logits <= 1).all() and logits.std() > 0)
    why, got = "Logits take any value.", "values between 0 and 1 only"
    t.true(not inside, why, got, "probabilities in place of logits")

    t.property("the same codes in another order: the same logits")
    z, order = mean + log_std.exp() * eps[0], torch.randperm(len(x), generator=t.rng)
    rows = t.tensor(t.call(model.decode, z)).detach()
    again = t.call(model.decode, z[order])
    place = "an image decoded from its place in the batch"
    t.close(again, rows[order], "Each row belongs to its own code.", place, tol=1e-3)
    few, part = t.call(model.decode, z[:7]), "decoded with statistics of the batch"
    t.close(few, rows[:7], "The same with fewer codes.", part, tol=1e-3)

    t.property(f"the bound is at most {BARS_BOUND} nats")
    spread = logits.view(500, len(x), 16).std((0, 1)).max()
    if spread < 0.5:
        name = "no code in use"
    elif value > 12:  # worse than independent pixels
        name = "an autoencoder without a rate"
    elif value > BARS_BOUND and bound(0.5 * log_std)[0] <= BARS_BOUND:
        name = "log_std read as log variance"
    else:
        name = "not quite" if value < 6 else "not trained for long enough"
    why = f"the entropy of the data is {bars.entropy:.2f} nats."
    t.at_most(value, BARS_BOUND, why, name)


Exercise(
    id="vae-14",
    title="A direction that fails",
    difficulty=4,
    minutes=60,
    compute="cpu-10min",
    points=6,
    objectives=("Test a claim about a latent space with a measurement of one's own.",),
    statement=r"""
The chapter added one direction to the codes of faces and counted what happened.
Choose another attribute of `pixelfaces` (`info.columns` lists seventeen: hair, skin
color, eyes, clothing, background ...) and find out whether a direction for it exists
in the codes of `zoo.load("vae-pixelfaces")`. Report on one page:

1. how the direction was found (difference of means, a linear classifier, a regression)
   and on which faces it was tested;
2. how often the attribute appears at each dose, judged by something other than your
   eyes, with the judge's own error rate;
3. what else changed, and the same numbers for a random direction of the same length;
4. one attribute for which it fails, with a hypothesis and an experiment that could
   prove the hypothesis wrong.
""",
    stub="",
    hints=(
        "Begin with how well a linear classifier reads the attribute from the codes: "
        "what is not in the code cannot be moved in it.",
        "A judge is needed that was not used to find the direction: train a small "
        "classifier on the pixels of the training faces.",
    ),
)
