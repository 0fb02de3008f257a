"""Exercise vae-07: A VAE of your own."""

import math

import torch

from .._exercise import Exercise
from ._shared import gaussian_kl


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
        "std squared once too often": "std is a standard deviation.",
        "no draw": "z is a draw of q, not its mean.",
        "draw cut off from the graph": "The encoder must learn from the "
        "reconstruction, so z needs a path for the gradient.",
        "standard deviation cut off": "z has to be a function of log_std too: q can "
        "shift, but never learns from the reconstruction how wide to be.",
        "rate cut off": "Its value is right, but its gradient, or a part of it, is "
        "lost: nothing holds q near the prior.",
        "more than one draw": "One draw for each example is asked for.",
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
