"""Exercise vae-08: Three mistakes in nine lines."""

import math

import torch

from .._exercise import Exercise
from ._shared import gaussian_kl


@Exercise(
    id="vae-08",
    title="Three mistakes in nine lines",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=4,
    objectives=("Find by measurement why a VAE that runs does not learn.",),
    stub_mistake="mean over the pixels",
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
        "draw cut off from the graph": "The draw needs a path for the gradient.",
        "no draw": "z is a draw of q, not its mean.",
        "cross-entropy cut off": "Its value is right, but no gradient gets from it to "
        "the encoder.",
        "rate cut off": "Its value is right, but its gradient, or a part of it, is "
        "lost: nothing holds q near the prior.",
        "more than one draw": "One draw for each example is asked for.",
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
