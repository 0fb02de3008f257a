"""Exercise vae-02: The likelihood of a binary image."""

import torch
from torch.distributions import Normal

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
        "logarithm of a product": "The product of the probabilities of 784 pixels is "
        "too small for float32, and becomes 0; the sum of logarithms does not.",
    },
)
def vae_02(t, bernoulli_log_prob):
    k, b, d = 3, t.integer(6, 8), t.integer(4, 5)
    x = t.integers(b, d, low=0, high=1).float()
    x[0, 0], x[-1, 0] = 0.0, 1.0  # not all images are equal
    signed = t.away(k, b, d, low=0.4, high=3)

    def log_odds(logits, x):
        odds = logits.double().exp()
        return torch.where(x > 0, odds / (1 + odds), 1 / (1 + odds)).log()

    def repeated(logits, x):
        rows = x.repeat_interleave(k, 0)
        return log_odds(logits.flatten(0, 1), rows).view(k, b, d)

    def tails(logits, x):
        return log_odds(logits.abs(), 1 + 0 * x)

    def product(logits, x):
        return log_odds(logits, x).exp().prod(-1, keepdim=True).log()

    ideas = {
        "logits used as probabilities": lambda v, x: (1 - x - v).abs().log(),
        "zeros and ones swapped": lambda v, x: log_odds(-v, x),
        "sigmoid applied twice": lambda v, x: log_odds(v.sigmoid(), x),
        "black pixels left out": lambda v, x: x * log_odds(v, x),
        "softmax over the pixels": lambda v, x: x * v.log_softmax(-1),
        "squared error in place of the likelihood": [
            lambda v, x: -((x - v.sigmoid()) ** 2),
            lambda v, x: -((x - v.sigmoid()) ** 2) / 2,
            lambda v, x: Normal(v, 1.0).log_prob(x),
        ],
        "codes and images mixed up": [
            repeated,
            lambda v, x: log_odds(v, x).transpose(0, 1).reshape(k, b, d),
        ],
    }
    six = {
        "limit in place of log(1 + e^l)": [
            lambda v, x: log_odds(v, x) - tails(v, x),
            lambda v, x: log_odds(v, x) - (v > 0) * tails(v, x),
        ]
    }
    extreme, saturated = 200 * signed.sign(), "logarithm of a saturated sigmoid"
    large = t.away(1, 4, 784, low=1, high=4), t.integers(4, 784, low=0, high=1).float()
    why = "The logarithm of odds / (1 + odds) or 1 / (1 + odds), in double precision."
    for name, args, more, mistake in (
        ("in (0, 1)", (t.uniform(k, b, d, low=0.1, high=0.9), x), ideas, None),
        ("of any sign", (signed, x), ideas, None),
        ("±6", (6 * signed.sign(), x), six, None),
        ("of 784 pixels", large, {"logarithm of a product": product}, None),
        ("±200: still exact", (extreme, x), None, saturated),
    ):
        told = log_odds, why, more, mistake
        f = bernoulli_log_prob
        t.rowwise(f"logits {name}", f, args, *told, rows=2, grads=False)  # x has none

    for size, logits, mistake in (
        ("up to 3", signed, "cut off from the graph"),
        ("±200", extreme, saturated),
    ):
        t.property(f"logits of {size}: the gradient")
        logits = logits.clone().requires_grad_()
        slope = t.grad(t.call(bernoulli_log_prob, logits, x), logits)
        odds = logits.double().exp()
        why = "That of a logit is x minus the probability of a 1."
        t.close(slope, x - odds / (1 + odds), why, mistake)
