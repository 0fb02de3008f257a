"""Exercise vae-02: The likelihood of a binary image."""

import math

import torch
from torch.nn import functional as F

from .._exercise import Exercise


@Exercise(
    id="vae-02",
    title="The likelihood of a binary image",
    difficulty=2,
    minutes=10,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Turn logits into a log-probability that sums over pixels and stays exact "
        "where a sigmoid saturates.",
    ),
    statement=r"""
A decoder puts out one logit $\ell_i$ for each pixel: the pixel is 1 with probability
$\operatorname{sigmoid}(\ell_i) = 1/(1 + e^{-\ell_i})$, independently of the others. For
the importance-weighted bound, each of `b` images is decoded from `k` codes, and each
of these decodings is asked for the log-probability of that image.

Write `bernoulli_log_prob(logits, x)`: `logits` has shape `(k, b, d)`, `x` has shape
`(b, d)` and holds zeros and ones; return $\log p(x \mid z)$ in nats, shape `(k, b)`.
It has to stay exact, with a useful gradient, at logits of $\pm 200$.
""",
    stub='''
def bernoulli_log_prob(logits, x):
    """(k, b, d), (b, d) -> (k, b), in nats."""
    return ...
''',
    answers={"bernoulli_log_prob": callable},
    hints=(
        "Pixels are independent given z: the probability of the image is a product, "
        "its logarithm a sum over the d pixels.",
        "log(sigmoid(l)) is computed as log of a rounded number: at l = -200 the "
        "sigmoid is 0. Write log sigmoid(l) without ever forming sigmoid(l).",
        "log sigmoid(l) = -log(1 + exp(-l)), which PyTorch offers as softplus and "
        "logsigmoid. And 1 - sigmoid(l) = sigmoid(-l).",
    ),
    misconceptions={
        "mean over the pixels": "The log-probability of an image is the sum of those "
        "of its pixels; a mean weakens it against the KL by a factor d.",
        "not summed over the pixels": "One number for each code and image is due.",
        "summed over the images": "One number for each code and image is due; the "
        "mean over the batch comes later.",
        "codes averaged": "The importance-weighted bound needs each of the k values.",
        "zeros and ones swapped": "A large logit makes a 1 likely.",
        "logits used as probabilities": "A logit is any real number; its sigmoid is "
        "the probability.",
        "black pixels left out": "A pixel that is 0 has a probability too, that of "
        "not being 1.",
        "codes and images mixed up": "Image j belongs to logits[:, j], for each of the "
        "k codes: repeat() and repeat_interleave() give different orders.",
        "softmax over the pixels": "Pixels are not classes that exclude each other: "
        "each has a probability of its own.",
        "squared error in place of the likelihood": "(x - sigmoid(l))² is no "
        "log-probability of a binary pixel: it does not normalize.",
        "limit in place of log(1 + e^l)": "For large l it is nearly l, but not l: at "
        "l = 6 the difference still counts, once for each pixel.",
    },
)
def vae_02(t, bernoulli_log_prob):
    k, b, d = t.integer(2, 3), t.integer(6, 8), t.integer(4, 5)
    logits = t.away(k, b, d, low=0.4, high=3)
    x = t.integers(b, d, low=0, high=1).float()

    t.property("one number for each code and image")
    out = t.call(bernoulli_log_prob, logits, x)
    ideas = {
        "not summed over the pixels": (k, b, d),
        "summed over the images": (k,),
        "codes averaged": (b,),
    }
    t.shape(out, (k, b), "k log-probabilities for each of the b images.", ideas=ideas)
    why = "Logits are real numbers, and all of them give a probability above 0."
    t.finite(out, why, misconception="logits used as probabilities")

    t.property("no log-probability is positive")
    sign = "negative log-likelihood returned"
    t.at_most(out, 0.0, "A probability is at most 1.", misconception=sign)

    t.property("switching a pixel from 0 to 1 adds its logit")
    pixel = t.integer(0, d - 1)
    on, off = x.clone(), x.clone()
    on[:, pixel], off[:, pixel] = 1.0, 0.0

    def switched(logits):
        return t.call(bernoulli_log_prob, logits, on) - t.call(
            bernoulli_log_prob, logits, off
        )

    due = logits[..., pixel]
    why = "A logit is log p(1) - log p(0), and no other pixel has changed."
    prob = due.sigmoid()
    ideas = {
        "mean over the pixels": due / d,
        "zeros and ones swapped": -due,
        "bits in place of nats": due / math.log(2),
        "sigmoid applied twice": prob,
        "black pixels left out": F.logsigmoid(due),
        "squared error in place of the likelihood": [
            2 * prob - 1,
            prob - 0.5,
            due - 0.5,
        ],
        "softmax over the pixels": logits.log_softmax(-1)[..., pixel],
        "codes and images mixed up": due.T.reshape(k, b),
    }
    t.close(switched(logits), due, why, ideas=ideas, tol=1e-4)

    t.property("each image with its own logits")
    x[0, 0], x[-1, 0] = 0.0, 1.0  # not all images are equal
    side = torch.tensor([1.0, -1.0, 1.0])[:k, None, None]
    sure = 8 * side * (2 * x - 1)
    due = 4.0 * d * (side - 1)[:, :, 0].expand(k, b)
    other = x.repeat_interleave(k, 0)
    against = (sure.flatten(0, 1).gt(0) != other.gt(0)).sum(1)
    ideas = {"codes and images mixed up": -8.0 * against.view(k, b)}
    why = "A pixel costs 8 nats where the logits say the opposite, else next to none."
    t.close(t.call(bernoulli_log_prob, sure, x), due, why, ideas=ideas, tol=3e-3)

    t.property("the probabilities of all 2ᵈ images sum to 1")
    images = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * d)
    same = logits[:, :1].expand(k, 2**d, d).contiguous()
    total = t.call(bernoulli_log_prob, same, images).exp().sum(1)
    t.close(total, 1.0, "One of the images must come out.", tol=1e-4)
    total = t.call(bernoulli_log_prob, 6 * same.sign(), images).exp().sum(1)
    limit = "limit in place of log(1 + e^l)"
    t.close(total, 1.0, "The same at logits of ±6.", limit, tol=1e-4)

    t.property("logits of ±200: still exact")
    extreme = 200.0 * logits.sign()
    due = extreme[..., pixel]
    why = "The same identity: it holds for every logit."
    saturated = "logarithm of a saturated sigmoid"
    t.close(switched(extreme), due, why, misconception=saturated)

    t.property("logits of ±200: a gradient where the model is wrong")
    wrong = (extreme[0] < 0).float()
    extreme = extreme[:1].clone().requires_grad_()
    out = t.call(bernoulli_log_prob, extreme, wrong)
    why = "The slope of log sigmoid: 1 toward the truth for a pixel surely wrong."
    t.close(t.grad(out, extreme), 2 * wrong[None] - 1, why, misconception=saturated)

    t.property("one code, one image, one pixel")
    logit, x = t.uniform(1, 1, 1, low=-2, high=2), torch.ones(1, 1)
    out = t.call(bernoulli_log_prob, logit, x)
    ideas = {"batch axis lost": ()}
    t.shape(out, (1, 1), "axes of length one count.", "batch axis lost", ideas)
