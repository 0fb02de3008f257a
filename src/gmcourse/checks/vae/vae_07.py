"""Exercise vae-07: A VAE of your own."""

import math
from itertools import chain

import torch

from .._exercise import Exercise
from .._parts import wrong_part
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
    minutes=25,
    compute="cpu-instant",
    points=5,
    objectives=(
        "Write the whole model, bound and sampling, for real-valued data whose "
        "dimensions are not equally noisy, and learn the noise of each.",
    ),
    statement=r"""
The Gaussian decoders of the chapter have one deviation for all of $x$. But the corner
of a picture may hardly ever change while its middle does, and a table has columns in
different units. Here each dimension of $x$ gets a deviation of its own, $\sigma_i$,
learned like the weights.

Write `GaussianVAE(encoder, decoder, latent_dim, d)`, an `nn.Module` with

- `encoder`: from `x`, shape `(b, d)`, to a pair `(mean, log_std)`, each
  `(b, latent_dim)`: $q(z \mid x)$;
- `decoder`: from `z`, shape `(b, latent_dim)`, to the mean of $x$, shape `(b, d)`;
- `log_sigma`: an `nn.Parameter` of shape `(d,)`, zeros at first:
  $p(x \mid z) = \mathcal N(x;\, \text{decoder}(z), \operatorname{diag}(\sigma^2))$
  with $\sigma$ = `log_sigma.exp()`;
- the prior $p(z) = \mathcal N(0, I)$.

`elbo(x)` returns the evidence lower bound in nats, shape `(b,)`, from **one** draw of
$z$ for each example and with the rate in closed form; with all constants, since it is
to be compared with exact likelihoods. Training maximizes it, so gradients flow to the
encoder, the decoder and `log_sigma`, and where the first two are modules the model's
`parameters()` hold theirs. `sample(n)` draws `n` examples $x$, shape `(n, d)`, from the
model.

Where does the gradient with respect to `log_sigma` vanish? (The check does not ask.)
""",
    stub='''
class GaussianVAE(nn.Module):
    def __init__(self, encoder, decoder, latent_dim, d):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.latent_dim = latent_dim
        self.log_sigma = ...

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
        "Then a log-density summed over `d`, and a rate summed over `latent_dim`.",
        r"$\log \mathcal N(x; m, \sigma^2)$ of one value is "
        r"$-(x - m)^2 / (2 \sigma^2) - \log \sigma - \tfrac12 \log(2 \pi)$; here "
        r"$\sigma$ differs from dimension to dimension.",
        r"A sample of the model is a sample of $p(x \mid z)$, noise included, for a "
        "$z$ from the prior. Draw both on the device of the parameters.",
    ),
    misconceptions={
        "rate estimated from the draw": "The rate is due in closed form; log q(z) - "
        "log p(z) at the draw has its mean, and noise.",
        "sigma not a parameter": "An nn.Parameter named log_sigma, shape (d,), zeros: "
        "only what is one is trained, and moves with the model.",
        "sigma taken as 1": "log_sigma is 0 at first only: training changes it, and "
        "the bound and the samples follow at each call.",
        "log_sigma used as sigma": "It is a logarithm, and may be negative; sigma is "
        "its exponential.",
        "log_sigma read as log variance": "exp(log_sigma) is the standard deviation, "
        "and its square the variance.",
        "sigma squared once too often": "exp(log_sigma) is a standard deviation.",
        "one sigma for all dimensions": "Each dimension has a sigma of its own.",
        "the square in log N": "Half of (x - m)²/sigma² is subtracted, each dimension "
        "with its own sigma.",
        "log sigma in log N": "log sigma_i is subtracted once for each dimension i: "
        "otherwise nothing keeps sigma from growing.",
        "log(2 pi) in log N": "log(2 pi)/2 is subtracted for each of the d dimensions "
        "of x, in each example.",
        "a term of the rate": TERMS,
        "rate weighted": "The rate counts with weight 1.",
        "log_std used as the standard deviation": "It is a logarithm, and may be "
        "negative; its exponential is the standard deviation.",
        "networks not registered": "The networks must be attributes of the module: in "
        "a list, a tuple or a closure no optimizer finds their parameters.",
        "rate added": "The ELBO subtracts the rate.",
        "no draw": "z is a draw of q, not its mean.",
        "more than one draw": "One draw for each example is asked for.",
        "mean of the decoder in place of a draw": "The model's x has noise.",
        "sigma cut off": "log_sigma gets no gradient, or only a part of it: it is in "
        "the square and in the normalizer.",
        "codes from the wrong prior": "The codes of samples come from N(0, I).",
    },
)
def vae_07(t, GaussianVAE):
    b, d, k, seen = t.integer(5, 6), 4, 3, []
    x, slope = t.away(b, d, low=0.2, high=2), t.away(k, d, low=0.3, high=1.2)
    mean, log_std = t.away(b, k, low=0.2, high=1.5), t.uniform(b, k, low=-1, high=-0.4)
    mean, log_std, slope = (v.requires_grad_() for v in (mean, log_std, slope))
    logs = torch.tensor([-1.2, -0.6, 0.5, -0.9]) + t.uniform(d, low=-0.1, high=0.1)
    sigma, normal = logs.double().exp(), torch.distributions.Normal

    def decoder(z):
        seen.append(z)
        return z @ slope.to(z)

    now = [mean, log_std]  # what the encoder gives
    # One model for all calls: what it keeps between them shows.
    model = t.call(GaussianVAE, lambda x: tuple(now), decoder, k, d)

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

    t.property("log_sigma is a parameter")
    set_sigma(t, model, logs)
    t.property("an optimizer finds the networks")
    nets = Pair(d, k), torch.nn.Linear(k, d)
    whole = t.call(GaussianVAE, *nets, k, d)
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
        t.shape(made, (n, d), "n examples of d values.")
        prior = torch.cat(seen)[-n:].detach()
        return code, prior, made - prior @ slope.detach()

    one, two = noise(50), noise(50)
    shared = [
        "one noise for all examples",
        "codes from the wrong prior",
        "mean of the decoder in place of a draw",
    ]
    for part, again, mistake in zip(one, two, shared):
        got = f"the same {len(part)} times"
        t.true(part.std(0).min() > 1e-4, "Each example has its own.", got, mistake)
        got, fixed = "the same as before", "noise fixed across calls"
        t.true(
            (part - again).abs().max() > 1e-4, "A second call gives others.", got, fixed
        )

    center, width = mean[0].detach(), log_std[0].exp().detach()

    def stack(code=width, prior=1.0, rest=sigma):
        return torch.cat(
            [torch.ones(n) * v for n, v in ((k, code), (k, prior), (d, rest))]
        )

    stds = {
        "log_std used as the standard deviation": stack(width.log().abs()),
        "log_std read as log variance": stack(width.sqrt()),
        "standard deviation ignored": stack(1.0),
        "standard deviation squared": stack(width**2),
        "sigma squared once too often": stack(rest=sigma**2),
        "sigma taken as 1": stack(rest=1.0),
        "log_sigma read as log variance": stack(rest=sigma**0.5),
        "log_sigma used as sigma": stack(rest=sigma.log().abs()),
        "one sigma for all dimensions": [
            stack(rest=v) for v in (sigma.mean(), sigma[0])
        ],
        "codes from the wrong prior": [stack(prior=v) for v in (12**-0.5, width)],
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

    t.property("a narrow q: no noise is left in the bound")
    out, z = elbo(x, mean, log_std)
    rate = gaussian_kl(mean, 2 * log_std).sum(1)
    fits = [normal(v @ slope, sigma).log_prob(x).double().sum(1) for v in z.split(b)]
    # Without the -1 in the rate, the bound at z = mean looks like an estimate.
    lost = (out - fits[0] + rate + k / 2).abs().max() < 1e-3
    narrow = torch.full_like(log_std, -30.0)
    value, code = elbo(x, mean, narrow)
    floor = "floor under the standard deviation"
    t.close(code[:b], mean, "The draw cannot be told from mean.", floor)
    again, _ = elbo(x, mean, narrow)
    estimated = "rate estimated from the draw"
    t.close(again, value, "Two calls agree: z is mean.", estimated, tol=1e-4)
    total, ideas = bounds(value, x, mean @ slope, logs, mean, narrow)
    if not lost:  # at z = mean
        ideas = chain({estimated: total - k / 2}.items(), ideas)
    why = "log N(x; decoder(mean), diag(σ²)) minus the rate, by quadrature."
    t.finite(value, why, "underflow to zero")
    t.close(value, total, why, ideas=ideas, tol=1e-4)

    t.property("any q: the bound of the z that was decoded", of=out)
    due, ideas = bounds(out, x, z[:b] @ slope, logs, mean, log_std)
    if len(fits) > 1:
        mean_fit = sum(fits) / len(fits)
        ideas = chain({"more than one draw": mean_fit - rate}.items(), ideas)
    why = "The log-density of x at this z, minus the rate by quadrature."
    t.finite(out, why, "underflow to zero")
    t.close(out, due, why, ideas=ideas, tol=1e-4)

    t.property("a wide q")
    wide = torch.full_like(log_std, 4.0)
    value, code = elbo(x, mean, wide)
    spread, ceiling = ((code[:b] - mean) / wide.exp()).std(), "ceiling on the variance"
    why = "The distance of z from mean, in standard deviations, is of normal size."
    t.true(0.3 < spread < 2, why, f"a spread of {spread:.3g}", ceiling)
    due, _ = bounds(value, x, code[:b] @ slope, logs, mean, wide)
    why = "The log-density of x at this z, minus the rate by quadrature."
    t.finite(value, why, "underflow to zero")
    t.close(value, due, why, ceiling, tol=1e-4)

    for name, shift, size, width, mistake in (
        ("values near 1000", 1000.0, d, 0.6, "difference of large numbers"),
        ("3,000 values, σ = 0.01", 0.0, 3000, 0.01, "floor under the variance"),
    ):
        t.property(name)
        center = shift + t.uniform(b, size, low=-1, high=1)
        data = center + width * t.away(b, size, low=0.5, high=1.5)
        other = t.call(
            GaussianVAE,
            lambda x: (mean, log_std),
            lambda z, center=center: center + 0 * z.sum(1, True),
            *(k, size),
        )
        set_sigma(t, other, torch.full((size,), math.log(width)))
        out_there = t.call(other.elbo, data)
        why = "The log-density of x, minus the rate."
        t.finite(out_there, why, "underflow to zero")
        fit = normal(center.double(), width).log_prob(data.double()).sum(1)
        t.close(out_there, fit - rate, why, mistake, tol=1e-4)

    t.property("encoder, decoder and log_sigma learn from what they are in", of=out)
    leaf = z[:b].clone().requires_grad_()
    fit = normal(leaf @ slope, sigma).log_prob(x).double().sum()
    push, by_slope = torch.autograd.grad(fit, (leaf, slope), retain_graph=True)
    pull = torch.autograd.grad(rate.sum(), (mean, log_std))
    why = "The slope of the log-density of x."
    cut = "cut off from the graph"
    t.close(t.grad(out, slope), by_slope, why, ideas={cut: 0.0}, tol=1e-4)
    square = (((x - leaf @ slope) / sigma) ** 2).detach().sum(0)
    ideas = {"sigma cut off": [0.0, square, torch.full((d,), -float(b))]}
    t.close(t.grad(out, model.log_sigma), square - b, why, ideas=ideas, tol=1e-4)
    why = "The slope of the fit at this z, where dz/dmean = 1, minus that of the rate."
    ideas = {"sampled outside the graph": -pull[0], cut: push}
    t.close(t.grad(out, mean), push - pull[0], why, ideas=ideas, tol=1e-4)
    push = push * (leaf - mean).detach()
    why = "The same, where dz/dlog_std = z - mean."
    ideas = {
        "standard deviation cut off from the graph": -pull[1],
        cut: [push, push + 1, push - pull[1] - 1],
    }
    t.close(t.grad(out, log_std), push - pull[1], why, ideas=ideas, tol=1e-4)


def set_sigma(t, model, logs):
    """Give a model these sigmas, as training might."""
    own = dict(model.named_parameters()).get("log_sigma")
    why, got, name = "nn.Parameter(torch.zeros(d)).", "none", "sigma not a parameter"
    t.true(own is not None, why, got, name)
    assert own is not None
    t.shape(own, logs.shape, "one number for each dimension of x.", name)
    t.equal(own, 0.0, "It begins at zero: σ = 1.", name)
    with torch.no_grad():
        own.copy_(logs)


def bounds(out, x, at, logs, mean, log_std):
    """The bound at these means of x; and what one or two mistakes give."""
    x, at, logs = (v.detach().double() for v in (x, at, logs))
    error, sigma, d = x - at, logs.exp(), len(logs)
    eps, root = error / sigma, 0.5 * math.log(2 * math.pi)
    each = gaussian_kl(mean, 2 * log_std).detach()
    cost, zero = each.sum(1), 0 * x[:, 0]
    other = gaussian_kl(mean, 2 * log_std, reverse=True).detach().sum(1)

    def squares(*sigmas):
        return [-0.5 * ((error / s) ** 2).sum(1) for s in sigmas]

    def normalizers(*values):
        return [zero - v for v in values]

    total, same = logs.sum(), sigma.mean()
    square = {
        "": squares(sigma),
        "sigma taken as 1": squares(1.0),
        "log_sigma read as log variance": squares(sigma**0.5),
        "sigma squared once too often": squares(sigma**2),
        "log_sigma used as sigma": squares(logs),
        "one sigma for all dimensions": squares(same, total.div(d).exp()),
        "mean over the dimensions": [-0.5 * eps.square().mean(1)],
        "the square in log N": [
            *((eps**2).sum(1) * c for c in (-1, 0.5, 0)),
            -error.square().sum(1),
            -0.5 * eps.abs().sum(1),
        ],
    }
    normalizer = {
        "": normalizers(total),
        "log sigma in log N": normalizers(*(c * total for c in (0, -1, 2, 0.5, 1 / d))),
        "one sigma for all dimensions": normalizers(d * same.log()),
        "log_sigma read as log variance": normalizers(total / 2),
        "sigma taken as 1": normalizers(0.0),
    }
    constant = {
        "": normalizers(d * root),
        "log(2 pi) in log N": normalizers(
            *(c * root for c in (0, 1, 2, 2 * d, -d, d / 2, mean.shape[1]))
        ),
    }
    rate = {
        "": [-cost],
        "rate added": [cost],
        "mean over the dimensions": [-cost / each.shape[1]],
        "log_std read as log variance": [-gaussian_kl(mean, log_std).detach().sum(1)],
        "rate weighted": [-c * cost for c in (0, 0.01, 0.1, 0.5, 2, 4, 10, 1 / d)],
        "a term of the rate": [-v.sum(1) for v in wrong_rates(mean, log_std)],
        "floor under the standard deviation": [
            -gaussian_kl(mean, log_std.clamp(min=c) * 2).detach().sum(1)
            for c in (-20, -10, -7, -6, -5, -3)
        ],
    }
    fit = square[""][0] + normalizer[""][0] + constant[""][0]
    due = fit - cost
    whole = {
        "mean over the dimensions": [fit / d - cost, due / d],
        "negative bound": -due,
        "arguments of the KL swapped": fit - other,
        "reduced over the batch": [due.mean().expand_as(due), due / len(due)],
        "bits in place of nats": due / math.log(2),
    }

    def by_parts():
        parts = square, normalizer, constant, rate
        if name := wrong_part(out, lambda *terms: sum(terms), *parts, tol=3e-5):
            yield name, out

    return due, chain(whole.items(), by_parts())
