"""Exercises of the chapter on variational autoencoders."""

import math

import torch
from torch import Tensor
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
`(b, d)`; return the divergence of each example in nats, shape `(b,)`, in closed form.
It has to stay right where a variance is as small as $e^{-60}$.
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
        "cut off from the graph": "Without a gradient this term trains nothing.",
        "batch axis lost": "squeeze() also removes a batch axis of length one.",
    },
)
def vae_01(t, kl):
    b, d = t.integer(5, 7), t.integer(2, 4)
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
    half = 0.5 * mean.square().sum(1)
    why = "Between Gaussians of variance 1 it is half their squared distance."
    ideas = {
        "mean over the dimensions": half / d,
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
        ideas = {"cut off from the graph": 0.0}
        t.close(t.grad(out, x), due, why, ideas=ideas, tol=1e-4)

    t.property("a variance of e⁻⁶⁰")
    mean, log_var = t.uniform(2, 2, low=-1, high=1), torch.full((2, 2), -60.0)
    why = "The integral, by quadrature: the price of a narrow q keeps growing."
    narrow = "floor under the variance"
    exact = gaussian_kl(mean, log_var).sum(1)
    t.close(t.call(kl, mean, log_var), exact, why, misconception=narrow)

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
$\sigma(\ell_i) = 1/(1 + e^{-\ell_i})$, independently of the others. For the
importance-weighted bound, each of `b` images is decoded from `k` codes, and each of
these decodings is asked for the log-probability of that image.

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
        "sigmoid is 0. Write log σ(l) without ever forming σ(l).",
        "log σ(l) = -log(1 + exp(-l)), which PyTorch offers as softplus and "
        "logsigmoid. And 1 - σ(l) = σ(-l).",
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
        "logits, not σ(logits).",
        "logits used as probabilities": "A logit is any real number; its sigmoid is "
        "the probability.",
        "black pixels left out": "A pixel that is 0 has a probability too, 1 - σ(l).",
        "squared error in place of the likelihood": "(x - σ(l))² is no "
        "log-probability of a binary pixel: it does not normalize.",
        "bits in place of nats": "Nats are due: the natural logarithm.",
        "logarithm of a saturated sigmoid": "In float32 σ(l) is exactly 0 or 1 from "
        "about |l| = 100, or 17, on: its logarithm is infinite, or cut off by a clamp, "
        "and the gradient is lost just where the model is most wrong.",
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
        "squared error in place of the likelihood": [2 * prob - 1, prob - 0.5],
    }
    t.close(switched(logits), due, why, ideas=ideas, tol=1e-4)

    t.property("the probabilities of all 2ᵈ images sum to 1")
    images = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * d)
    same = logits[:, :1].expand(k, 2**d, d).contiguous()
    total = t.call(bernoulli_log_prob, same, images).exp().sum(1)
    t.close(total, 1.0, "One of the images must come out.", tol=1e-4)

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
    why = "The slope of log σ: 1 toward the truth, for each pixel that is surely wrong."
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
return $k$ independent samples for each example, shape `(k, b, d)`, of the type of
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

    # Many draws of few entries, none with a deviation near 1.
    n, half = 1000, 500
    mean = t.uniform(2, 3, low=1, high=2) * torch.tensor([1.0, -1.0, 2.0])
    log_std = t.uniform(2, 3, low=-0.1, high=0.1) + torch.tensor([-1.3, -0.6, 0.7])
    one = t.call(reparameterize, mean, log_std, n)
    two = t.call(reparameterize, mean, log_std, n)

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
    t.independent(torch.cat([p.flatten(1) for p in parts], 1), why)

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
    }
    t.std(z, s.exp(), why, ideas=ideas)

    t.property("the mean is mean")
    why = "The samples of each entry are centered at its mean."
    t.mean(z, m, s.exp(), why, ideas={"mean not added": 0.0})

    t.property("(z - mean)/exp(log_std) is standard normal")
    eps = (z.double() - m) / s.exp()
    why = "A Gaussian sample, shifted and scaled, is a standard normal one."
    normal = torch.special.ndtr
    t.distribution(eps, normal, why, misconception="noise that is not normal")

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
