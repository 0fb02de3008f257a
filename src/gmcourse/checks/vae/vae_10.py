"""Exercise vae-10: Widths that set themselves."""

import itertools
import math

import torch

from .._exercise import Exercise


@Exercise(
    id="vae-10",
    title="Widths that set themselves",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Write the loss of an optimal sigma-VAE with a width for each channel, and "
        "tell what the widths are worth.",
    ),
    statement=r"""
Let `x` be a batch of images of shape `(b, c, h, w)`, `x_hat` their reconstructions, and
`kl`, shape `(b,)`, their rates in nats. The likelihood is Gaussian with mean
$\hat x$ and **one width for each channel**: $\sigma_j$ for all pixels of channel $j$ in
all images of the batch.

Write `calibrated_loss(x, x_hat, kl)`: the negative ELBO in nats per image, mean over
the batch, at the $\sigma_1, \dots, \sigma_c$ that make it the smallest, with all
constants. A scalar, with gradients to `x_hat` and `kl`.

Then a number. In images of $3 \times 32 \times 32$ values the mean squared errors of the
three channels are 0.01, 0.02 and 0.06. By how many nats per image is the loss with
three best widths smaller than the loss with the best single width for all channels?
Give this `saving` to four significant digits.
""",
    stub='''
def calibrated_loss(x, x_hat, kl):
    """(b, c, h, w), (b, c, h, w), (b,) -> (): nats per image at the best widths."""
    return ...


saving = ...  # nats per image, three widths against one
''',
    answers={"calibrated_loss": callable, "saving": float},
    hints=(
        "The log-likelihood is a sum over channels, so each width can be found alone. "
        "For channel j, with n = h w values: n log sigma + n log(2 pi)/2 + squared "
        "error/(2 sigma²), mean over the batch. Differentiate with respect to sigma.",
        "At the best width the last term is a constant. Which?",
        "With one width the mean squared error of all values takes the place of three. "
        "Only the logarithms differ.",
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
        "logarithm of sigma counted twice": "d log sigma is d/2 times the logarithm of "
        "the mean squared error.",
        "width fixed at one": "sigma is not 1 but the best for this batch.",
        "another width": "sigma² is the mean of the squared errors, of the whole batch "
        "and all values.",
        "bound in place of the loss": "The negative ELBO is due, which training makes "
        "smaller.",
        "rate subtracted": "The negative ELBO is distortion plus rate.",
        "rate divided by the variance": "The rate is in nats already, whatever sigma.",
        "a factor 1/2 lost": "Each value has log sigma + log(2 pi)/2, and half of its "
        "squared error over sigma².",
        "divided by the batch twice": "One mean over the batch is due.",
        "not quite the smallest": "A little above the smallest value: was sigma "
        "searched on a grid, or in too few steps?",
        "values cut off": "x, x_hat and their differences may be any numbers.",
        "floor under the rates": "A rate near 0 counts as it is.",
        "ceiling on the standard deviation": "Errors may be large.",
        "rate left out": "The negative ELBO has the rate in it.",
    },
)
def vae_10(t, calibrated_loss):
    shape = (4, 2, 3, t.integer(5, 6))
    b, d = shape[0], math.prod(shape[1:])
    x = t.uniform(*shape, low=-1, high=1)
    # Errors that are not centered, and of other sizes in each image and channel.
    error = t.away(*shape, low=0.05, high=0.6) + 0.25
    error = error * torch.tensor([0.2, 1.2])[:, None, None]
    size = torch.linspace(0.5, 1.5, b)[torch.randperm(b, generator=t.rng)]
    x_hat = (x + error * size[:, None, None, None]).requires_grad_()
    kl = t.uniform(b, low=20, high=30).requires_grad_()

    def at(width, x=x, x_hat=x_hat):
        fit = torch.distributions.Normal(x_hat.double(), width).log_prob(x.double())
        return -fit.flatten(1).sum(1).mean()

    def best(*data):
        # Brute force: a grid of log sigma, refined three times around its minimum.
        center, reach = torch.tensor(-1.0, dtype=torch.float64), 5.0
        for _ in range(4):
            grid = center + reach * torch.linspace(-1, 1, 81, dtype=torch.float64)
            values = torch.stack([at(s.exp(), *data).detach() for s in grid])
            center, reach = grid[values.argmin()], reach / 30
        return center.exp()

    t.property("a scalar")
    out = t.call(calibrated_loss, x, x_hat, kl)
    t.shape(out, (), "the mean over the batch.", "no scalar")

    t.property("the negative ELBO at the best sigma", of=out)
    width, rate = best(), kl.detach().double().mean()
    fit = at(width).detach()
    errors = (x_hat - x).detach().double()
    square, root = errors.square(), 0.5 * d * math.log(2 * math.pi)
    own = {
        "one width for each example": square.mean((1, 2, 3), keepdim=True),
        "one width for each pixel": square.mean(0),
        "one width for each channel": square.mean((0, 2, 3))[:, None, None],
    }
    parts = *shape, b * d, *(shape[i] * shape[j] for i, j in ((1, 2), (1, 3), (2, 3)))
    half, one = 0.5 * d * width.log(), at(1.0).detach()

    def logarithms(base):
        """With logarithms to this base in all places, or in some."""
        c = 1 / math.log(base) - 1
        some = fit + rate, fit, fit - d / 2, 2 * half
        return [fit + rate + c * v for v in some]

    ideas = {
        **{name: at(v.sqrt()).detach() + rate for name, v in own.items()},
        "spread of the errors in place of their size": [
            at(v.sqrt()).detach() + rate - share * (square.mean() / v - 1)
            for v in (errors.var(), errors.var(correction=0))
            for share in (0.0, d / 2)
        ]
        + [fit + rate + d / 2 * math.log(b * d / (b * d - 1))],
        "mean over the dimensions": [fit / d + rate, (fit + rate) / d],
        "not all axes counted": [fit * n / d + rate for n in (*parts, 784, 3072)],
        "constant left out": [fit + rate - c for c in (root, d / 2, root + d / 2)],
        "logarithm of sigma counted twice": [
            fit + 2 * half + rate - c for c in (0, root, root + d / 2)
        ],
        "standard deviation in place of the variance": fit + rate - half,
        "width fixed at one": [one + rate, one + rate - root],
        "rate left out": fit,
        "sum over the batch": [b * (fit + rate), fit + b * rate, b * fit + rate],
        "bound in place of the loss": -fit - rate,
        "rate subtracted": fit - rate,
        "sign flipped": -fit + rate,
        "rate divided by the variance": [fit + v * rate / width**2 for v in (1.0, 0.5)],
        "a factor 1/2 lost": [fit + rate + v for v in (root, d / 2)],
        "bits in place of nats": logarithms(2),
        "logarithm to base 10": logarithms(10),
        "divided by the batch twice": [
            fit / b + rate,
            (fit + rate) / b,
            fit + rate / b,
        ],
        "absolute error": d * ((2 * errors.abs().mean()).log() + 1) + rate,
        "floor under the standard deviation": [
            fit + rate + d * v.log()
            for eps in (1e-4, 1e-3, 1e-2)
            for v in ((1 + eps / width**2).sqrt(), 1 + eps / width)
        ],
        "another width": [
            fit + rate + d * (w / width).log() + share * ((width / w) ** 2 - 1)
            for w in other_widths(x.double(), errors, width)
            for share in (0.0, d / 2)
        ],
        "values cut off": [
            fit + rate + d / 2 * (v.double().square().mean() / width**2).log()
            for v in (
                *(x_hat.detach().clamp(v, 1) - x for v in (0, -1)),
                *(x_hat.detach().sigmoid() - x, x_hat.detach().tanh() - x),
                errors.clamp(-1, 1),
            )
        ],
        "not quite the smallest": out.detach() if 0 < out - fit - rate < 0.2 else [],
    }
    why = "The smallest value over sigma, found by trying."
    t.close(out, fit + rate, why, ideas=ideas)

    t.property("its gradient: that at the best sigma", of=out)
    due = torch.autograd.grad(at(width), x_hat)[0]
    why = "At the minimum over sigma, moving sigma changes nothing to first order."
    ideas = {"cut off from the graph": 0.0, "gradient counted twice": 2 * due}
    t.close(t.grad(out, x_hat), due, why, ideas=ideas, tol=1e-3)
    ideas = {"cut off from the graph": 0.0}
    t.close(t.grad(out, kl), 1 / b, "The rates enter by their mean.", ideas=ideas)

    t.property("the same values as rows: the same loss")
    value = t.call(calibrated_loss, x.flatten(1), x_hat.detach().flatten(1), kl)
    ideas = {"not all axes counted": [fit * n + rate for n in (b, 1 / d)]}
    why = "The shape of an example does not matter, only its d values."
    t.close(value, fit + rate, why, ideas=ideas, tol=1e-4)

    t.property("values near 1000")
    data = x + 1000, (x_hat + 1000).detach()
    value = t.call(calibrated_loss, *data, kl)
    why = "Only the differences of x and x_hat count."
    due_width = best(*data)
    due = at(due_width, *data) + rate
    t.close(value, due, why, "difference of large numbers", tol=1e-3)

    why = "Images may have thousands of values, and errors of any size."
    for size, mistake in ((0.01, "floor under the standard deviation"), (20.0, None)):
        t.property(f"3,000 values, errors of about {size:g}, small rates")
        x = t.uniform(2, 3000, low=-1, high=1)
        x_hat = x + size * t.away(2, 3000, low=0.5, high=1.5)
        rates = t.uniform(2, low=0.0, high=0.2)
        value = t.call(calibrated_loss, x, x_hat, rates)
        fit, rate = at(best(x, x_hat), x, x_hat), rates.double().mean()
        ideas = {
            "floor under the rates": [fit + c for c in (0.5, 1, 2, 3)],
            "result of an earlier call": [
                v + rate
                for w in (width, due_width)
                for v in (at(w, x, x_hat), 3000 * (w.log() + root / d + 0.5))
            ],
        }
        t.finite(value, why, "underflow to zero")
        ceiling = mistake or "ceiling on the standard deviation"
        t.close(value, fit + rate, why, ceiling, ideas, tol=1e-5)


def other_widths(x, errors, width):
    """What might be taken for the best width, and is not."""
    size, square = errors.abs(), errors.square()
    b, n = len(x), x.numel()
    by_example = square.flatten(1).mean(1)
    return [
        *(width**2, width**0.5, size.mean(), size.median(), size.max()),
        *(
            x.std(),
            x.std(correction=0),
            (x - errors).std(),
            (x + errors).std(),
            square.median().sqrt(),
        ),
        *(width * v**0.5 for v in (n / b, b, n, 1 / b, b / n)),
        *(by_example[0].sqrt(), by_example[-1].sqrt(), by_example.sqrt().mean()),
        *(by_example.min().sqrt(), by_example.max().sqrt()),
    ]
