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
        "weight of the KL left out": "The weight 0.03 counts.",
        "pixels not counted": "mse_loss divides by the number of values.",
        "weight turned around": "A small weight on the KL means a narrow likelihood.",
        "ratio turned around": "A likelihood wider than the one meant is a beta above "
        "1.",
        "ratio of deviations": "The squared error is divided by the variance.",
        "the width that was meant left out": "beta compares with the width that was "
        "meant: divide by 0.1².",
        "weight read as beta": "0.03 is a beta only if the error is the exact "
        "log-likelihood at the width that was meant.",
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

    ideas = {
        "channels forgotten": width / 3**0.5,
        "off by a factor of two": [
            width * 2**0.5,
            width / 2**0.5,
            width * 2,
            width / 2,
        ],
        "variance in place of the standard deviation": var,
        "weight of the KL left out": width / 0.03**0.5,
        "pixels not counted": width / values**0.5,
        "weight turned around": width / 0.03,
    }
    why = "Where the gradients of error and rate have the ratio of this code."
    t.number("the width of the likelihood", std, width, why, ideas)

    ratio = slope(distortion(0.1)) / found
    ideas = {
        "ratio turned around": 1 / ratio,
        "ratio of deviations": ratio**0.5,
        "off by a factor of two": [2 * ratio, ratio / 2],
        "channels forgotten": ratio / 3,
        "weight read as beta": 0.03,
        "number of values read as beta": [values, values / 3, values / 2, 2 * values],
        "the width that was meant left out": [var, width],
        "standard deviation in place of the variance": [0.1 * ratio, width / 0.01],
        "weight of the KL left out": ratio / 0.03,
    }
    why = "The rate's weight against the distortion at 0.1, by their gradients."
    t.number("the hidden beta", beta, ratio, why, ideas)
