"""Exercise vae-08: Three mistakes in nine lines."""

import math

import torch
from torch.nn import functional as F

from .._exercise import Exercise
from ._shared import TERMS, gaussian_kl, wrong_rates


@Exercise(
    id="vae-08",
    title="Three mistakes in nine lines",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=4,
    objectives=("Find by measurement why a VAE that runs does not learn.",),
    stub_mistake="mean over the dimensions",
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
        "Set `log_std` to a few values and compare the rate with the closed form "
        "(3.5).",
        "Let the encoder give a leaf, or call `mean.retain_grad()`: is `mean.grad` "
        "different when the decoder is replaced by one that ignores "
        "$z$?",
    ),
    misconceptions={
        "no draw": "z is a draw of q, not its mean.",
        "cross-entropy cut off": "Its value is right, but no gradient gets from it to "
        "the encoder or the decoder.",
        "rate cut off": "Its value is right, but its gradient, or a part of it, is "
        "lost: nothing holds q near the prior.",
        "more than one draw": "One draw for each example is asked for.",
        "logits taken as probabilities": "The decoder gives logits, any real numbers: "
        "their sigmoid is the probability.",
        "squared error in place of the likelihood": "The cross-entropy was right to "
        "use: it is the log-likelihood of binary values.",
        "rate estimated from the draw": "The closed form was right to use; an "
        "estimate from the draw adds noise.",
        "not reduced over the batch": "One number is due: the mean over the batch.",
        "sign of the rate flipped": "The loss adds the rate.",
        "a term of the rate": TERMS,
        "rate weighted": "The rate counts with weight 1.",
        "floor under the rate": "A code that is distributed as the prior costs "
        "nothing.",
        "another number in place of d": "The sum over the values of an example is d "
        "times their mean, whatever d is.",
        "zeros or ones left out": "Both values of x have a likelihood.",
        "logits and values exchanged": "Logits come first, then the values.",
        "values of x changed": "x is 0 or 1, and counts as it is.",
        "noise after the decoder": "The draw is z; what is decoded from it has no "
        "noise.",
        "not for extreme logits": "exp of a large number is infinite, and a sigmoid "
        "far out is exactly 0 or 1: the logarithm has to be computed in one step.",
        "log_std used as the standard deviation": "It is a logarithm, and may be "
        "negative; its exponential is the standard deviation.",
        "rate left out": "Without its rate this is an autoencoder.",
    },
)
def vae_08(t, vae_loss):
    b, d, k, seen = t.integer(7, 8), 5, 3, []
    x = t.integers(b, d, low=0, high=1).float()
    mean, log_std = t.away(b, k, low=0.2, high=1.5), t.uniform(b, k, low=-1, high=-0.3)
    slope = t.away(k, d, low=0.5, high=1.5)
    mean, log_std, slope = (v.requires_grad_() for v in (mean, log_std, slope))

    def decoder(z):
        seen.append(z)
        return z @ slope.to(z)

    def cross_entropy(logits):
        # Of the probability of the value seen, of all values.
        odds = torch.where(x > 0, logits, -logits).double().exp()
        return -(odds / (1 + odds)).log()

    def loss(width, m=mean, data=x, net=decoder):
        seen.clear()
        return t.call(vae_loss, lambda _: (m, width), net, data)

    t.property("one number")
    out = loss(log_std)
    t.shape(out, (), "the batch mean.", "not reduced over the batch")

    t.property("without a rate: the cross-entropy of an example")
    zero, logits = torch.zeros(b, k), t.uniform(b, d, low=-3, high=3)

    def fixed(_):
        return logits

    value, due = loss(zero, zero, x, fixed), cross_entropy(logits)
    again = loss(zero, zero, x, fixed)
    why = "Two calls agree: the logits are always the same here."
    t.close(again, value, why, "noise after the decoder")
    p, total = logits.sigmoid().double(), due.sum(1).mean()
    entries = {  # in place of the cross-entropy
        "sigmoid applied twice": [cross_entropy(logits.sigmoid())],
        "logits taken as probabilities": [
            F.binary_cross_entropy(logits.clamp(e, 1 - e), x, reduction="none").double()
            for e in (0, 1e-8, 1e-7, 1e-6, 1e-4, 0.01)
        ],
        "squared error in place of the likelihood": [
            *((p - x) ** 2, (p - x) ** 2 / 2, (logits - x).double() ** 2)
        ],
        "zeros or ones left out": [due * x, due * (1 - x)],
        "logits and values exchanged": [
            F.softplus(x.double()) - x.double() * logits.double()
        ],
        "values of x changed": [
            due + c * (x.double() - 0.5) * logits for c in (0.1, 0.2, 0.02)
        ],
    }
    ideas = {
        **reduced(due, b, k),
        **{name: [v.sum(1).mean() for v in values] for name, values in entries.items()},
        "floor under the rate": [
            total + v * c for v in (1, k) for c in (0.1, 0.25, 0.5, 1, 2, 3)
        ],
    }
    why = "With q the prior the rate is 0; what is left is the sum over the d values."
    t.close(value, total, why, ideas=ideas)
    t.property("the same at logits of ±200")
    logits = 200 * logits.add(0.001).sign()
    value, due = loss(zero, zero, x, fixed), cross_entropy(logits)
    t.close(value, due.sum(1).mean(), why, "not for extreme logits")

    t.property("with a decoder that ignores z: the rate is the rest")
    flat = math.log(2) * d
    value, again = (
        loss(log_std, mean, x, lambda z: 0 * z @ slope.to(z)) - flat for _ in range(2)
    )
    why = "Two calls agree: z does not matter, and a closed form draws nothing."
    t.close(again, value, why, "rate estimated from the draw", tol=1e-4)
    rate = gaussian_kl(mean, 2 * log_std)
    due = rate.sum(1).mean()
    ideas = {
        **reduced(rate, b, k),
        "sign of the rate flipped": -due,
        "rate left out": 0.0,
        "sum over the batch": [
            *(rate.sum(), rate.sum(0).mean()),
            *((b - 1) * flat + v for v in (b * due, due)),
        ],
        "rate weighted": [
            due * c for c in (0.001, 0.01, 0.1, 0.2, 0.25, 4, 5, 10, 1 / d, d, k, k / d)
        ],
    }
    del ideas["sign flipped"], ideas["another number in place of d"]
    entries = {
        "log_std read as log variance": [gaussian_kl(mean, log_std)],
        "arguments of the KL swapped": [gaussian_kl(mean, 2 * log_std, reverse=True)],
        "a term of the rate": wrong_rates(mean, log_std),
    }
    ideas |= {
        name: [v.sum(1).mean() for v in values] for name, values in entries.items()
    }
    why = "The KL from N(mean, exp(log_std)²) to the prior, by quadrature."
    t.close(value, due, why, ideas=ideas, tol=2e-5)
    for size, mistake in (
        (-6.0, "floor under the standard deviation"),
        (4.0, "ceiling on the variance"),
    ):
        t.property(f"the same at a log_std of {size:g}")
        far = torch.full_like(log_std, size)
        value = loss(far, mean, x, lambda z: 0 * z @ slope.to(z)) - flat
        price = gaussian_kl(mean, 2 * far).sum(1).mean()
        t.close(value, price, why, mistake, tol=1e-4)

    def draw(n):
        loss(log_std[:1].expand(n, k), mean[:1].expand(n, k), x[:1].expand(n, d))
        return torch.cat(seen)[-n:, None]

    t.property("each example has a draw of its own")
    z = draw(50).detach()
    got = "the decoder was given the mean of q"
    t.true((z != mean[0]).any(), "A draw is decoded.", got, "no draw")
    got = "all rows of z are equal"
    t.true(
        (z != z[:1]).any(), "Their noise differs.", got, "one noise for all examples"
    )
    width = log_std[:1].detach()
    stds = {"log_std used as the standard deviation": width.abs().flatten()}
    t.sampler(draw, mean[:1].detach(), width.exp(), stds=stds)
    t.property("the draw at a log_std of -6 and of 4")
    why = "The distance of z from mean, in standard deviations, is of normal size."
    for size, mistake in (
        (-6.0, "floor under the standard deviation"),
        (4.0, "ceiling on the variance"),
    ):
        far = torch.full((200, k), size)
        seen.clear()
        loss(far, mean[:1].expand(200, k), x[:1].expand(200, d))
        spread = ((torch.cat(seen)[-200:].detach() - mean[0]) / far.exp()).std()
        t.true(0.7 < spread < 1.3, why, f"a spread of {spread:.3g}", mistake)

    out = loss(log_std)
    codes = torch.cat(seen)
    z = codes[:b]
    slopes = torch.ones_like(z), z - mean
    t.path(z, {"mean": (mean, slopes[0]), "standard deviation": (log_std, slopes[1])})

    t.property("the loss at the z that was decoded", of=out)
    fits = [cross_entropy(v @ slope).sum(1).mean() for v in codes.detach().split(b)]
    several = {"more than one draw": sum(fits) / len(fits) + due} if fits[1:] else None
    t.close(out, fits[0] + due, "The two terms at this z.", ideas=several, tol=1e-4)

    t.property("both terms pull on the encoder, and one on the decoder", of=out)
    leaf = z.detach().requires_grad_()
    fit = cross_entropy(leaf @ slope).sum(1).mean()
    push, by_slope = torch.autograd.grad(fit, (leaf, slope))
    pull = torch.autograd.grad(due, (mean, log_std))
    cut, why = "cross-entropy cut off", "The slope of the cross-entropy at this z."
    t.close(t.grad(out, slope), by_slope, why, ideas={cut: 0.0}, tol=1e-4)
    why = "The slope of the cross-entropy at this z plus that of the rate."
    ideas = {cut: pull[0], "rate cut off": push}
    t.close(t.grad(out, mean), push + pull[0], why, ideas=ideas, tol=1e-4)
    push = push * (leaf - mean).detach()
    why = "The same, where dz/dlog_std = z - mean."
    rest = [push, push - 1 / b, push + pull[1] + 1 / b]  # the rate, or one part of it
    ideas = {cut: pull[1], "rate cut off": rest}
    t.close(t.grad(out, log_std), push + pull[1], why, ideas=ideas, tol=1e-4)


def reduced(v, b, k):
    """What the entries (b, d) of a loss give with a wrong reduction, sign or base."""
    due, v = v.sum(1).mean().detach(), v.detach()
    d = v.shape[1]
    return {
        "mean over the dimensions": [v.mean()],
        "sum over the batch": [v.sum(), v.sum(0).mean()],
        "sign flipped": [-due],
        "off by a factor of two": [2 * due, due / 2],
        "bits in place of nats": [due / math.log(2)],
        "another number in place of d": [
            v.mean() * n for n in (k, b, k * d, b * k, 28 * 28, d - 1)
        ],
    }
