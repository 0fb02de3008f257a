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

Then a number. In images of $3 \times 32 \times 32$ values the mean squared errors of
the three channels are 0.01, 0.02 and 0.06. By how many nats per image is the loss with
three best widths smaller than the loss with the best single width for all channels?
Give this `saving` to four significant digits.
""",
    stub='''
def calibrated_loss(x, x_hat, kl):
    """(b, c, h, w), (b, c, h, w), (b,) -> (): nats per image."""
    return ...


saving = ...  # nats per image, three widths against one
''',
    answers={"calibrated_loss": callable, "saving": float},
    hints=(
        "The log-likelihood is a sum over channels, so each width can be found alone. "
        r"For channel $j$, with $n = h w$ values and squared error $e$: "
        r"$n \log \sigma_j + \tfrac n2 \log(2 \pi)$ plus $e / (2 \sigma_j^2)$, mean "
        r"over the batch. Differentiate with respect to $\sigma_j$.",
        "At the best width the last term is a constant. Which?",
        "With one width the mean squared error of all values takes the place of three. "
        "Only the logarithms differ.",
    ),
    misconceptions={
        "no scalar": "One number is due: the mean over the batch.",
        "one width for all channels": "Each channel has a width of its own.",
        "another width": "The square of a width is the mean of the squared errors of "
        "its channel over images and pixels, axes 0, 2 and 3; then comes the "
        "logarithm, and the sum over channels.",
        "spread of the errors in place of their size": "std() and var() take the mean "
        "error out first; the square of a width is the mean of the squares.",
        "width fixed": "The loss grows with the square of the errors: sigma does not "
        "follow them.",
        "not all values counted": "The loss of an image is a sum over all its values: "
        "each of the c channels has h w of them.",
        "batch counted into the values": "Nats for each image are due: the number of "
        "images belongs into the mean of the squares, and nowhere else.",
        "logarithm of sigma counted wrongly": "Each value costs log sigma, half of the "
        "logarithm of the mean squared error: look for a root or a square too many.",
        "bound in place of the loss": "The negative ELBO is due, which training makes "
        "smaller.",
        "rate subtracted": "The negative ELBO is distortion plus rate.",
        "a bound on errors or widths": "The loss of errors three times as large is not "
        "larger by d log 3: an error or a width is kept within bounds, has something "
        "added to it, or is searched for on a grid.",
        "values counted wrongly": "Each channel has 32 · 32 values, and the saving is "
        "half of that times a difference of logarithms.",
        "errors averaged wrongly": "The best single width is the root of the mean of "
        "the three errors.",
    },
)
def vae_10(t, calibrated_loss, saving):
    b, c, h, w = 7, 3, 5, t.integer(11, 12)
    d, n, shape = c * h * w, h * w, (b, c, h, w)
    x = t.uniform(*shape, low=-1, high=1)
    # Errors that are not centered, and of other sizes in each image, channel and row.
    error = t.away(*shape, low=0.05, high=0.6) + 0.25
    size = (torch.linspace(0.5, 1.5, b), torch.tensor([0.3, 0.8, 1.3]))
    size = [v[torch.randperm(len(v), generator=t.rng)] for v in size]
    error = error * size[0][:, None, None, None] * size[1][:, None, None]
    error = error * torch.linspace(0.8, 1.2, h)[:, None]
    kl, pi2 = t.uniform(b, low=20, high=30), math.log(2 * math.pi)
    leaf, rates = (x + error).requires_grad_(), kl.clone().requires_grad_()

    def fit(std, x, x_hat):
        density = torch.distributions.Normal(x_hat.double(), std)
        return -density.log_prob(x.double()).flatten(1).sum(1).mean()

    def at(widths, x, x_hat):
        """With each of these widths, also where the quadratic term stays d/2."""
        logs = (s.log().mean() * d + d / 2 * (pi2 + 1) for s in widths)
        return [*(fit(s, x, x_hat).detach() for s in widths), *logs]

    def best(x, x_hat):
        """By brute force for each channel: a grid, refined around its minimum."""
        rows = (x_hat - x).detach().double().square().mean((0, 2, 3))[:, None]
        center, reach = torch.zeros(len(rows), 1, dtype=torch.float64), 8.0
        for _ in range(5):
            grid = center + reach * torch.linspace(-1, 1, 161, dtype=torch.float64)
            values = grid + rows / (2 * (2 * grid).exp())
            center = grid.gather(1, values.argmin(1, keepdim=True))
            reach = reach / 40
        return center.exp()[:, :, None]

    def loss(x_hat, kl=kl, x=x):
        return t.call(calibrated_loss, x, x_hat, kl)

    t.property("a scalar")
    out = loss(leaf, rates)
    t.shape(out, (), "the mean over the batch.", "no scalar")
    value = t.tensor(out).detach().double()

    # The parts one by one: a change of the rates, of the scale of all errors, of what
    # the widths see; then all of it. So one mistake does not hide another.
    t.property("other rates: the loss moves by the change of their mean", of=out)
    std, more = best(x, leaf), t.uniform(b, low=5, high=9)
    change, due = loss(leaf, kl + more) - value, more.double().mean()
    small = t.uniform(b, low=0.0, high=0.2)
    less, lower = loss(leaf, small) - value, small.double().mean() - kl.double().mean()
    errors, one = (leaf - x).detach().double(), d * math.log(3)
    grown, later = (t.tensor(loss((x + k * errors).float())) for k in (3, 9))
    grown, later = (grown - value).double(), (later - grown).double()
    factors = {
        "bound in place of the loss": [-1.0],
        "mean over the dimensions": [1 / d],
        "sum over the batch": [float(b)],
        "batch counted into the values": [1 / b],
        "not all values counted": [1 / c, 1 / n, 1 / h, 1 / w],
    }
    ideas = {  # of the whole loss, and of the rates alone
        name: [k * due for k in ks if abs(grown / one - k) < 1e-3 * abs(k)]
        for name, ks in factors.items()
    }
    alone = {
        "rate subtracted": -due,
        "sum over the batch": b * due,
    }
    ideas |= {k: v for k, v in alone.items() if not ideas.get(k)}
    t.close(change, due, "They enter by their mean.", ideas=ideas, tol=1e-4)
    t.close(less, lower, "So do rates near 0.", tol=1e-4)

    cut = "a bound on errors or widths"
    why = "Each of the d values of an image costs log sigma, and sigma is 3 times it."
    t.property("errors three times as large", of=out)
    ideas = {
        "width fixed": grown.detach() if abs(later / grown - 9) < 0.01 else [],
        "logarithm of sigma counted wrongly": [2 * one, one / 2, -one],
        "bits in place of nats": one / math.log(2),
        "batch counted into the values": [b * one, one / b],
        "mean over the dimensions": math.log(3),
        "not all values counted": [
            k * f * math.log(3)
            for k in (h, w, c, n, c * c, c * w, c * h)
            for f in (1, 2, 0.5)
        ],
        cut: [] if abs(later / grown - 1) < 2e-5 else grown.detach(),
    }
    t.close(grown, one, why, ideas=ideas, tol=1e-5)

    # Errors of one size everywhere, so that all kinds of width agree: the constants.
    t.property("errors of one size everywhere")
    flat = 0.5 * (2 * (t.integers(*shape, low=0, high=1)) - 1)
    flat[:, :, ::2, ::2] = flat[:, :, ::2, ::2].abs()
    value = loss(x + flat)
    rate = kl.double().mean()
    due = fit(0.5, x, x + flat) + rate
    ideas = {
        "constant left out": [due - v for v in (d / 2, d / 2 * pi2, d / 2 * (pi2 + 1))],
        "spread of the errors in place of their size": [
            v + rate for v in at(spreads(flat), x, x + flat)
        ],
        "another width": [  # a sum, in part or whole
            due + d / 2 * math.log(k) for k in (n, b * n, b * n / c)
        ],
        "not all values counted": [
            due - (d - k) / 2 * v for k in (c, n) for v in (1, pi2, pi2 + 1)
        ],
        "logarithm of sigma counted wrongly": due - 2 * d * math.log(0.5),
    }
    told = "The smallest value over the widths, found by trying."
    t.close(value, due, told, ideas=ideas, tol=2e-5)

    t.property("the negative ELBO at the best widths", of=out)
    widths = other_widths(errors).items()
    ideas = {k: [v + rate for v in at(s, x, leaf)] for k, s in widths}
    whole = fit(std, x, leaf).detach()
    t.close(out, whole + rate, told, ideas=ideas)

    t.property("its gradient: that at the best widths", of=out)
    due = torch.autograd.grad(fit(std, x, leaf), leaf)[0]
    why = "At the minimum over sigma, moving sigma changes nothing to first order."
    ideas = {"cut off from the graph": 0.0}
    t.close(t.grad(out, leaf), due, why, ideas=ideas, tol=1e-3)
    t.close(t.grad(out, rates), 1 / b, "The rates enter by their mean.", ideas=ideas)

    t.property("values near 1000")
    far = x + 1000, (leaf + 1000).detach()
    value, due = loss(far[1], x=far[0]), fit(best(*far), *far) + rate
    why = "Only the differences of x and x_hat count."
    ideas = {cut: t.tensor(value).detach() if abs(value - due) > 100 else []}
    t.close(value, due, why, "difference of large numbers", ideas, tol=1e-3)

    why = "Images may have thousands of values, and errors of any size."
    for size in (0.01, 20.0):
        t.property(f"two images of one channel, errors of about {size:g}")
        x1 = t.uniform(2, 1, 30, 40, low=-1, high=1)
        x2 = x1 + size * t.away(2, 1, 30, 40, low=0.5, high=1.5)
        value = loss(x2, small[:2], x1)
        due, rate = fit(best(x1, x2), x1, x2), small[:2].double().mean()
        ideas = {"result of an earlier call": fit(std.mean(), x1, x2) + rate}
        t.finite(value, why, "underflow to zero")
        t.close(value, due + rate, why, cut, ideas, tol=1e-5)
    worth(t, saving)


def worth(t, saving):
    """The number: what three widths are worth, by brute force."""
    errors = torch.tensor([0.01, 0.02, 0.06], dtype=torch.float64)
    grid = torch.linspace(-4, 0, 4001, dtype=torch.float64)
    cost = 1024 * (grid + errors[:, None] / (2 * (2 * grid).exp()))
    due = cost.sum(0).min() - cost.min(1).values.sum()

    def logs(mean):
        return 3 * math.log(mean) - errors.log().sum()

    std, pick = errors.sqrt(), itertools.product((0.5, 1, 1.5, 3), (1024, 3072, 1))
    counts = [k * m for k, m in pick if k * m != 512]
    ideas = {
        "errors averaged wrongly": [
            k * logs(m)
            for m in (std.mean() ** 2, 0.09, 0.02, 0.06, 1.0, std.mean(), errors.var())
            for k in ((512,) if m == 0.02 else (512, 1024))
        ],
        "values counted wrongly": [
            k * logs(0.03) for k in counts if k not in (256, 1024)
        ],
    }
    why = "The difference of the smallest losses, found by trying."
    told = "what three widths are worth", saving, due, why, ideas
    t.number(*told, unit="nats", tol=2e-4)


def spreads(errors):
    """Deviations around the mean error, and with one less in the denominator."""
    axes, n = (0, 2, 3), errors[:, 0].numel()
    rms = errors.square().mean(axes, keepdim=True).sqrt()
    both = (errors.std(axes, correction=k, keepdim=True) for k in (0, 1))
    return [*both, rms * (n / (n - 1)) ** 0.5]


def other_widths(errors):
    """What might be taken for the best widths, and is not."""

    def root(*axes):
        return errors.square().mean(axes, keepdim=True).sqrt()

    each = root(2, 3)  # of each image
    return {
        "one width for all channels": [root(0, 1, 2, 3)],
        "absolute error": [errors.abs().mean((0, 2, 3), keepdim=True)],
        "spread of the errors in place of their size": spreads(errors),
        "another width": [
            *(root(1, 2, 3), each, root(0), root(0, 1), root(0, 1, 3), root(1)),
            *(each[:1], each[-1:], each.mean(0), root(0, 2, 3).mean()),
        ],
    }
