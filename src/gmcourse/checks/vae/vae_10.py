"""Exercise vae-10: A width that sets itself."""

import math

import torch

from .._exercise import Exercise


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
