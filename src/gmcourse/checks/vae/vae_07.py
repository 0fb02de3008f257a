"""Exercise vae-07: A VAE of your own."""

import math

import torch

from .._exercise import Exercise
from ._shared import TERMS, gaussian_kl, wrong_rates


class Pair(torch.nn.Module):
    """An encoder with parameters."""

    def __init__(self, d, k):
        super().__init__()
        self.net = torch.nn.Linear(d, 2 * k)

    def forward(self, x):
        return self.net(x).chunk(2, 1)


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
encoder and the decoder, and where these are modules the model's `parameters()` hold
theirs. `sample(n)` draws `n` examples $x$, shape `(n, d)`, from the model.
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
        "squared error in place of the log-density": "It is divided by 2 std², and the "
        "logarithm of the normalizer counts.",
        "rate estimated from the draw": "The rate is due in closed form; log q(z) - "
        "log p(z) at the draw has its mean, and noise.",
        "a term of log N": "Compare with the log-density of a normal, term by term: "
        "the square over 2 std², log std, and half of log(2 pi).",
        "a term of the rate": TERMS,
        "floor under the rate": "A code that is distributed as the prior costs "
        "nothing.",
        "rate weighted": "The rate counts with weight 1.",
        "codes returned": "Examples are asked for: decode the codes.",
        "log_std used as the standard deviation": "It is a logarithm, and may be "
        "negative; its exponential is the standard deviation.",
        "networks not registered": "The networks must be attributes of the module: in "
        "a list, a tuple or a closure no optimizer finds their parameters.",
        "rate added": "The ELBO subtracts the rate.",
        "rate left out": "The expected log-likelihood alone is no bound.",
        "std squared once too often": "std is a standard deviation.",
        "no draw": "z is a draw of q, not its mean.",
        "rate cut off": "Its value is right, but its gradient, or a part of it, is "
        "lost: nothing holds q near the prior.",
        "decoder cut off": "What the decoder gives is part of the graph.",
        "more than one draw": "One draw for each example is asked for.",
        "mean of the decoder in place of a draw": "The model's x has noise.",
        "std left out of the noise": "The noise of x has standard deviation std.",
        "codes from the wrong prior": "The codes of samples come from N(0, I).",
    },
)
def vae_07(t, GaussianVAE):
    b, d, k, std, seen = t.integer(5, 6), 4, 3, 0.6, []
    x, slope = t.away(b, d, low=0.2, high=2), t.away(k, d, low=0.3, high=1.2)
    mean, log_std = t.away(b, k, low=0.2, high=1.5), t.uniform(b, k, low=-1, high=-0.4)
    mean, log_std, slope = (v.requires_grad_() for v in (mean, log_std, slope))
    normal = torch.distributions.Normal

    def decoder(z):
        seen.append(z)
        return z @ slope.to(z)

    now = [mean, log_std]  # what the encoder gives
    # One model for all calls: what it keeps between them shows.
    model = t.call(GaussianVAE, lambda x: tuple(now), decoder, k, std)

    def elbo(x, *given):
        """The bound, and all codes that were decoded for it."""
        seen.clear()
        now[:] = given
        out = t.call(model.elbo, x)
        return out, torch.cat(seen).detach()

    t.property("one bound for each example, from one draw")
    out, z = elbo(x, mean, log_std)
    ideas = {"reduced over the batch": [(), (1,), (d,)]}
    t.shape(out, (b,), "one bound for each of the b examples.", ideas=ideas)
    got = "the decoder was given the mean of q"
    t.true((z[:b] != mean).any(), "A draw of q is decoded.", got, "no draw")

    t.property("an optimizer finds the networks")
    nets = Pair(d, k), torch.nn.Linear(k, d)
    whole = t.call(GaussianVAE, *nets, k, std)
    inside = {id(p) for p in whole.parameters()}
    found = all(id(p) in inside for net in nets for p in net.parameters())
    why, got = "Parameters of both among the model's.", "not all of them"
    t.true(found, why, got, "networks not registered")

    t.property("the draw of q, the code and the noise of a sample")

    def noise(n):
        few = mean[:1].expand(n, k), log_std[:1].expand(n, k)
        code = elbo(x[:1].expand(n, d), *few)[1][-n:]
        seen.clear()
        made = t.tensor(t.call(model.sample, n)).detach()
        codes = {"codes returned": (n, k)}
        t.shape(made, (n, d), "n examples of d values.", ideas=codes)
        prior = torch.cat(seen)[-n:].detach()
        return code, prior, made - prior @ slope.detach()

    one, two = noise(50), noise(50)
    for part, again, mistake in zip(
        one,
        two,
        (
            "one noise for all examples",
            "codes from the wrong prior",
            "mean of the decoder in place of a draw",
        ),
    ):
        got = f"the same {len(part)} times"
        t.true(part.std(0).min() > 1e-4, "Each example has its own.", got, mistake)
        got, fixed = "the same as before", "noise fixed across calls"
        t.true(
            (part - again).abs().max() > 1e-4, "A second call gives others.", got, fixed
        )

    center, width = mean[0].detach(), log_std[0].exp().detach()

    def stack(code=width, prior=1.0, rest=std):
        return torch.cat(
            [torch.ones(n) * v for n, v in ((k, code), (k, prior), (d, rest))]
        )

    stds = {
        "log_std read as log variance": stack(width.sqrt()),
        "log_std used as the standard deviation": stack(width.log().abs()),
        "standard deviation ignored": stack(1.0),
        "standard deviation squared": stack(width**2),
        "std squared once too often": stack(rest=std**2),
        "std left out of the noise": stack(rest=1.0),
        "codes from the wrong prior": [
            stack(prior=v) for v in (12**-0.5, 3**-0.5, std, width)
        ],
    }
    means = {
        "mean not added": stack(0.0, 0.0, 0.0),
        "codes from the wrong prior": stack(center, 0.5, 0.0),
    }
    at, spread = stack(center, 0.0, 0.0), stack()
    draw = lambda n: torch.cat(noise(n), 1)[:, None]  # noqa: E731
    t.sampler(draw, at[None], spread[None], stds=stds, means=means)

    # In the above, a tail that is missing in one of the three hides behind the others.
    t.property("the sizes of the noise in each of the three")
    size = ((draw(3000)[:, 0] - at) / spread).abs()
    edges = torch.tensor([1, 2.5, 3.1], dtype=torch.float64)
    tail = 2 * torch.special.ndtr(-edges)
    each = torch.stack([1 - tail[0], tail[0] - tail[1], tail[1] - tail[2], tail[2]])
    part = torch.tensor([0] * k + [1] * k + [2] * d)
    counts = (4 * part + torch.bucketize(size, edges)).flatten().bincount(minlength=12)
    probs = torch.cat([n / len(part) * each for n in (k, k, d)])
    why = "Sizes up to 1, 2.5, 3.1 and beyond come as often as those of a normal."
    t.frequencies(counts, probs, why, "noise that is not normal")

    def rates(fit, log_std):
        """The bound with a wrong rate, by the mistake."""
        each = gaussian_kl(mean, 2 * log_std)
        total, wrong = each.sum(1), wrong_rates(mean, log_std)
        return {
            "a term of the rate": [fit - v.sum(1) for v in wrong],
            "rate weighted": [
                fit - c * total for c in (0.01, 0.1, 0.25, 0.5, 2, 4, 5, 10, 1 / d, d)
            ],
            "arguments of the KL swapped": fit
            - gaussian_kl(mean, 2 * log_std, reverse=True).sum(1),
            "floor under the rate": [
                fit - each.clamp(min=c).sum(1) for c in (0.1, 0.25, 0.5, 1, 2)
            ],
        }

    rate = gaussian_kl(mean, 2 * log_std).sum(1)
    fits = [normal(v @ slope, std).log_prob(x).double().sum(1) for v in z.split(b)]
    # Without the -1 in the rate, the bound at z = mean looks like an estimate.
    lost = (out - fits[0] + rate + k / 2).abs().max() < 1e-3

    t.property("a narrow q: no noise is left in the bound")
    narrow = torch.full_like(log_std, -30.0)
    value, code = elbo(x, mean, narrow)
    floor = "floor under the standard deviation"
    t.close(code[:b], mean, "The draw cannot be told from mean.", floor)
    again, _ = elbo(x, mean, narrow)
    estimated = "rate estimated from the draw"
    t.close(again, value, "Two calls agree: z is mean.", estimated, tol=1e-4)
    fit = normal(mean @ slope, std).log_prob(x).double()
    cost = gaussian_kl(mean, 2 * narrow)
    total, root = fit.sum(1) - cost.sum(1), 0.5 * math.log(2 * math.pi)
    error, constant = (x - mean @ slope).double().square().sum(1), math.log(std) + root
    squared = normal(mean @ slope, std**2).log_prob(x).double().sum(1)
    ideas = {
        "mean over the dimensions": [
            fit.mean(1) - cost.sum(1),
            fit.sum(1) - cost.mean(1),
        ],
        estimated: [] if lost else total - k / 2,  # at z = mean
        "constant left out": [
            total + d * c for c in (constant, root, math.log(std), math.log(std) / 2)
        ]
        + [total + (d - 1) * constant],
        "squared error in place of the log-density": [
            total + d * constant + (0.5 / std**2 - c) * error for c in (1.0, 0.5)
        ],
        "log_std read as log variance": fit.sum(1) - gaussian_kl(mean, narrow).sum(1),
        "rate added": fit.sum(1) + cost.sum(1),
        "rate left out": fit.sum(1),
        "std squared once too often": squared - cost.sum(1),
        "negative bound": -total,
        "a term of log N": [
            total + v
            for v in (
                *(c * error / std**2 for c in (-0.5, 1.0, 0.25)),
                *(d * c * math.log(std) for c in (-1, 0.5, 2)),
                *(d * c * root for c in (-1, 2, 0.5)),
                *(d * c * constant for c in (-1, 2)),
                *((0.5 / std**2 - 0.5 / std) * error, (0.5 - 0.5 / std) * error),
            )
        ],
        "bits in place of nats": total / math.log(2),
        "floor under the standard deviation": [
            fit.sum(1) - gaussian_kl(mean, 0 * narrow + 2 * c).sum(1)
            for c in (-20, -15, -10, -8, -7, -6, -5, -4, -3, -2, -1)
        ],
        **rates(fit.sum(1), narrow),
    }
    why = "log N(x; decoder(mean), std²) minus the rate, by quadrature."
    t.close(value, total, why, ideas=ideas, tol=1e-4)

    t.property("any q: the bound of the z that was decoded", of=out)
    ideas = {
        "rate left out": fits[0],
        "log_std read as log variance": fits[0] - gaussian_kl(mean, log_std).sum(1),
        **rates(fits[0], log_std),
    }
    if len(fits) > 1:
        ideas = {"more than one draw": sum(fits) / len(fits) - rate, **ideas}
    why = "The log-density of x at this z, minus the rate by quadrature."
    t.close(out, fits[0] - rate, why, ideas=ideas, tol=1e-4)

    t.property("a wide q")
    wide = torch.full_like(log_std, 4.0)
    value, code = elbo(x, mean, wide)
    spread, ceiling = ((code[:b] - mean) / wide.exp()).std(), "ceiling on the variance"
    why = "The distance of z from mean, in standard deviations, is of normal size."
    t.true(0.3 < spread < 2, why, f"a spread of {spread:.3g}", ceiling)
    price = gaussian_kl(mean, 2 * wide).sum(1)
    due = normal(code[:b] @ slope, std).log_prob(x).double().sum(1) - price
    why = "The log-density of x at this z, minus the rate by quadrature."
    t.finite(value, why, "underflow to zero")
    t.close(value, due, why, ceiling, tol=1e-4)

    for name, shift, size, width, mistake in (
        ("values near 1000", 1000.0, d, std, "difference of large numbers"),
        ("3,000 values and a std of 0.01", 0.0, 3000, 0.01, "floor under the variance"),
    ):
        t.property(name)
        center = shift + t.uniform(b, size, low=-1, high=1)
        data = center + width * t.away(b, size, low=0.5, high=1.5)
        other = t.call(
            GaussianVAE,
            lambda x: (mean, log_std),
            lambda z, center=center: center + 0 * z.sum(1, True),
            *(k, width),
        )
        out_there = t.call(other.elbo, data)
        why = "The log-density of x, minus the rate."
        t.finite(out_there, why, "underflow to zero")
        fit = normal(center.double(), width).log_prob(data.double()).sum(1)
        t.close(out_there, fit - rate, why, mistake, tol=1e-4)

    t.property("encoder and decoder learn from the reconstruction and the rate", of=out)
    leaf = z[:b].clone().requires_grad_()
    fit = normal(leaf @ slope, std).log_prob(x).double().sum()
    push, by_slope = torch.autograd.grad(fit, (leaf, slope))
    pull = torch.autograd.grad(rate.sum(), (mean, log_std))
    why = "The slope of the log-density of x."
    ideas = {"decoder cut off": 0.0}
    t.close(t.grad(out, slope), by_slope, why, ideas=ideas, tol=1e-4)
    why = "The slope of the fit at this z, where dz/dmean = 1, minus that of the rate."
    ideas = {"sampled outside the graph": -pull[0], "rate cut off": push}
    t.close(t.grad(out, mean), push - pull[0], why, ideas=ideas, tol=1e-4)
    push = push * (leaf - mean).detach()
    why = "The same, where dz/dlog_std = z - mean."
    ideas = {
        "standard deviation cut off from the graph": -pull[1],
        "rate cut off": [push, push + 1, push - pull[1] - 1],
    }
    t.close(t.grad(out, log_std), push - pull[1], why, ideas=ideas, tol=1e-4)
