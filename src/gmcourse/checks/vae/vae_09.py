"""Exercise vae-09: The weight that a width needs."""

import math

import torch
from torch.nn import functional as F

from .._exercise import Exercise
from .._parts import wrong_part


@Exercise(
    id="vae-09",
    title="The weight that a width needs",
    difficulty=2,
    minutes=10,
    compute="cpu-instant",
    points=2,
    objectives=("Choose the weight of the KL by the width of the likelihood.",),
    statement=r"""
The noise in your images has a standard deviation of about $\sigma = 0.07$, and the
likelihood is to be $\mathcal N(\hat x, \sigma^2 I)$. `x` and `x_hat` have the shape
`(b, 3, 32, 32)`, with values in $[0, 1]$, and `kl` the shape `(b, 50)`: the correct
divergence of each image in each of 50 latent dimensions, in nats. Three colleagues
write the loss in three ways:

```python
loss = F.mse_loss(x_hat, x) + w_mean * kl.sum(1).mean()
loss = F.mse_loss(x_hat, x, reduction="sum") / len(x) + w_sum * kl.sum(1).mean()
loss = F.mse_loss(x_hat, x) + w_all * kl.mean()
```

Give to four significant digits the weights with which each of these lines is the
negative ELBO of this likelihood, times a factor and plus a constant.
""",
    stub="""
w_mean = ...  # with the mean over all values
w_sum = ...  # with the sum over the values of an image
w_all = ...  # with the mean over all values, and over the latent dimensions
""",
    answers={"w_mean": float, "w_sum": float, "w_all": float},
    hints=(
        "Which factor does the squared error of one image have in each line, and which "
        "the sum of its 50 divergences? `mse_loss` averages over the batch and over "
        "all values of an image.",
        r"In the negative ELBO these two factors are $1/(2 \sigma^2)$ and 1. Only "
        "their ratio counts.",
        "`kl.mean()` is `kl.sum(1).mean()` divided by 50.",
    ),
    misconceptions={
        "the 1/2 of the exponent": "The squared error has the factor 1/(2 sigma²) in "
        "the negative ELBO: the 2 is there once.",
        "weight turned around": "The narrower the likelihood, the more an error weighs "
        "against the rate: the weight of the rate is small where sigma is.",
        "width left out": "The weight depends on sigma: twice the width is four times "
        "the weight.",
        "another power of sigma": "sigma² is the variance: the weight goes with the "
        "second power of sigma.",
        "one weight for all three lines": "They take means over other numbers of "
        "values: each line needs a weight of its own.",
        "width on another scale": "sigma is 0.07 where values lie in [0, 1]; nothing "
        "is to be converted.",
        "channels forgotten": "An image has 3 · 32 · 32 values.",
        "values of an image counted wrongly": "mse_loss averages over all values of an "
        "image, 3 · 32 · 32.",
        "a mean taken for a sum": "By default mse_loss averages over the values of an "
        "image too: their number belongs into the weight.",
        "values of an image on the wrong side": "The mean makes the squared error "
        "smaller by their number, so the weight of the rate has to be smaller too.",
        "a sum taken for a mean": "reduction='sum' adds up the values of an image: "
        "their number does not enter.",
        "latent dimensions left out": "kl.mean() averages over the 50 dimensions too, "
        "and their rates are to be added.",
        "latent dimensions on the wrong side": "kl.mean() is smaller than the rate of "
        "an image by their number, so its weight has to be larger.",
        "latent dimensions counted twice": "kl.sum(1) adds them up already: 50 does "
        "not enter here.",
        "batch counted": "Both terms are means over the batch, so its size cancels.",
        "values and latent dimensions exchanged": "The squared error is averaged over "
        "3072 values, the rate over 50 dimensions.",
        "the density's constant counted": "log(2 pi) and log sigma are constants that "
        "are added: they do not enter the ratio of the two factors.",
    },
)
def vae_09(t, w_mean, w_sum, w_all):
    # The factors of error and rate, in each line and in the ELBO, read off autograd.
    x = t.uniform(2, 3, 32, 32, low=0, high=1).double()
    x_hat = t.uniform(2, 3, 32, 32, low=0, high=1).double().requires_grad_()
    kl = t.uniform(2, 50, low=0, high=1).double().requires_grad_()

    def ratio(error, rate):
        pairs = (error, x_hat), (rate, kl)
        by_x, by_kl = (torch.autograd.grad(*v, retain_graph=True)[0] for v in pairs)
        return by_x.abs().mean() / by_kl.mean()

    density = torch.distributions.Normal(x_hat, 0.07).log_prob(x)
    rate = kl.sum(1).mean()
    meant = ratio(-density.sum((1, 2, 3)).mean(), rate)
    mean, total = F.mse_loss(x_hat, x), F.mse_loss(x_hat, x, reduction="sum") / 2
    d, k, width, pi2 = x[0].numel(), kl.shape[1], 0.07, 2 * math.pi

    constants = [math.log(pi2) / 2, math.log(width), math.log(width * pi2**0.5)]

    # What each part of a weight may be taken for, as a factor to the right weight.
    common = {
        "the 1/2 of the exponent": [2, 1 / 2, 1 / 4],
        "standard deviation in place of the variance": [1 / width, width, 1 / width**3],
        "weight turned around": [width**-4 / k for k in (1, 2, 4)],
        "width left out": [width**-2, width**-2 / 2],
        "another power of sigma": [width**2, width**6, 1 / width**1.5],
        "width on another scale": [
            v ** (2 * p) for v in (2, 255, 256) for p in (1, -1)
        ],
        "batch counted": [
            v**p for v in (16, 32, 64, 100, 128, 256, 512) for p in (1, -1)
        ],
        "the density's constant counted": [
            *(pi2, 1 / pi2, pi2**0.5, pi2**-0.5),
            *(1 / (1 + 2 * width**2 * v) for c in constants for v in (c, -c)),
        ],
    }
    counts = [n / d for n in (3, 32, 96, 784, 2352, 256)]
    averaged = {
        "channels forgotten": [3, 1 / 3],
        "a mean taken for a sum": d,
        "values of an image on the wrong side": [d**2, d**2 / 9],
        "values of an image counted wrongly": [
            *counts,
            *(1 / v for v in counts),
            d**0.5,
        ],
    }
    added = {"a sum taken for a mean": [d**-1.0, d, 3 / d, d / 3]}
    summed = {"latent dimensions counted twice": [k, 1 / k]}
    parts = {
        "w_mean": averaged | summed,
        "w_sum": added | summed,
        "w_all": averaged
        | {
            "latent dimensions left out": 1 / k,
            "latent dimensions on the wrong side": k**-2.0,
            "values and latent dimensions exchanged": (d / k) ** 2,
        },
    }
    lines = (w_mean, mean, rate), (w_sum, total, rate), (w_all, mean, kl.mean())
    dues = [ratio(error, rate) / meant for _, error, rate in lines]
    given = [float(t.tensor(v).detach()) for v, *_ in lines]
    swapped = all(min(abs(v / w - 1) for w in dues) < 1e-3 for v in given)
    swapped = swapped and len({f"{v:.2g}" for v in given}) == 3
    alike = max(given) - min(given) <= 1e-6 * max(given)
    for (name, found), (given, *_), due in zip(parts.items(), lines, dues):
        by = float(t.tensor(given).detach() / due)
        ideas = {"inverse of what is due": 1 / due}
        if by > 0 and abs(by - 1) > 4e-3 and not swapped:
            kinds = [
                {"": 0.0, kind: [math.log(v) for v in listed(c)]}
                for kind, c in (found | common).items()
            ]
            told = wrong_part(math.log(by), lambda *v: sum(v), *kinds, tol=2e-4)
            told = "one weight for all three lines" if alike else told
            ideas |= {told: by * due} if told else {}
        why = "Error and rate pull on x_hat and kl in the ratio of the negative ELBO."
        t.number(name, given, due, why, ideas, others=dues)


def listed(v):
    return v if isinstance(v, list) else [v]
