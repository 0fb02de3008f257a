"""Exercise vae-09: The beta that nobody wrote."""

import torch
from torch.nn import functional as F

from .._exercise import Exercise


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
loss = F.mse_loss(x_hat, x) + 0.03 * kl.mean()
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
        "Divide the loss by 0.03: the KL term then has weight 1. Which factor does "
        "the squared error of an image have now?",
        "That factor must be 1/(2 sigma²). And beta is the ratio of two such factors.",
    ),
    misconceptions={
        "channels forgotten": "An image has 3 · 32 · 32 values.",
        "values of an image counted wrongly": "mse_loss divides by their number: all "
        "3 · 32 · 32, and on which side do they belong?",
        "batch counted": "Both means run over the batch, so its size cancels.",
        "the 1/2 of the exponent": "The squared error has the factor 1/(2 sigma²): the "
        "2 is there once, and under the root.",
        "weight of the KL left out": "The weight 0.03 counts, once.",
        "weight turned around": "A small weight on the KL means a narrow likelihood.",
        "precision in place of the standard deviation": "The precision is 1/sigma².",
        "the width that was meant": "That is the width the reader had in mind, not "
        "that of the code.",
        "gray levels": "Values lie in [0, 1], and so does the width's unit.",
        "ratio turned around": "A likelihood wider than the one meant is a beta above "
        "1.",
        "ratio of deviations": "The squared error is divided by the variance.",
        "the width that was meant left out": "beta compares with the width that was "
        "meant: divide by 0.1².",
        "the width that was meant on the wrong side": "The wider the likelihood that "
        "was meant, the smaller is beta: divide by 0.1².",
        "weight read as beta": "0.03 is a beta only if the error is the exact "
        "log-likelihood at the width that was meant.",
        "beta at the width of the code": "With the std of the code beta is 1; with the "
        "one that was meant it is not.",
        "number of values read as beta": "The mean over the values makes the rate as "
        "many times heavier only against an error of weight 1, without 0.03 and sigma.",
    },
)
def vae_09(t, std, beta):
    # The likelihood's width enters the gradient as one factor: read it off autograd.
    x = t.uniform(2, 3, 32, 32, low=0, high=1).double()
    x_hat = t.uniform(2, 3, 32, 32, low=0, high=1).double().requires_grad_()

    def slope(value):
        return torch.autograd.grad(value, x_hat)[0].abs().mean()

    def distortion(width):
        density = torch.distributions.Normal(x_hat, width).log_prob(x)
        return -density.sum((1, 2, 3)).mean()

    found = slope(F.mse_loss(x_hat, x)) / 0.03  # per unit of rate
    var = slope(distortion(1.0)) / found
    width, values = var**0.5, x[0].numel()
    ratio = slope(distortion(0.1)) / found

    def halves(*due, by=2.0):
        """Each value, and with a factor lost or there twice."""
        return [v * k for k in (1.0, by, 1 / by) for v in due]

    counts = 1, 3, 32, 96, 1 / values
    root = 2**0.5
    ideas = {
        "off by a factor of two": [width * 2, width / 2],
        "the 1/2 of the exponent": [width * root, width / root],
        "channels forgotten": halves(width / 3**0.5, by=root),
        "variance in place of the standard deviation": halves(var),
        "precision in place of the standard deviation": halves(1 / var),
        "weight of the KL left out": halves(
            *(width * 0.03**p for p in (-0.5, 0.5)), values / 2, by=root
        ),
        "weight turned around": halves(width / 0.03, by=root),
        "values of an image counted wrongly": [
            v for n in counts for v in halves(width * (n / values) ** 0.5, by=root)
        ],
        "the width that was meant": [0.1, 0.01],
        "gray levels": [width * 255, width / 255],
        "batch counted": [
            width * b ** (p / 2) for b in (16, 32, 64, 100, 128, 256) for p in (1, -1)
        ],
    }
    why = "Where the gradients of error and rate have the ratio of this code."
    dues = width, ratio
    t.number("the width of the likelihood", std, width, why, ideas, others=dues)

    ideas = {
        "ratio turned around": [*halves(1 / ratio), 1 / var],
        "ratio of deviations": halves(ratio**0.5, by=root),
        "off by a factor of two": [2 * ratio, ratio / 2],
        "channels forgotten": ratio / 3,
        "weight read as beta": 0.03,
        "beta at the width of the code": 1.0,
        "number of values read as beta": [values, values / 3, 2 * values],
        "the width that was meant left out": [*halves(var), width],
        "the width that was meant on the wrong side": halves(
            *(var * v for v in (0.01, 0.04, 0.1))
        ),
        "standard deviation in place of the variance": [
            *halves(0.1 * ratio, width / 0.01),
        ],
        "weight of the KL left out": halves(ratio / 0.03, ratio * 0.03),
        "weight turned around": halves(ratio / 0.03**2),
        "values of an image counted wrongly": [
            v for n in counts for v in halves(ratio * n / values)
        ],
    }
    why = "The rate's weight against the distortion at 0.1, by their gradients."
    t.number("the hidden beta", beta, ratio, why, ideas, others=dues)
