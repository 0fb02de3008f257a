"""Exercise gm-09: The price of noise."""

import math

import torch

from .._exercise import Exercise


@Exercise(
    id="gm-09",
    title="The price of noise",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Derive what a share of noise costs in nats, bits and ranks.",),
    statement=r"""
A model assigns $\log p(x) = -90$ nats to an image of 28 × 28 binary pixels. It is
diluted: with probability $\lambda$ the sampler asks the model, else it flips 784 fair
coins. The dilution gives $x$ the probability
$\lambda\, p(x) + (1 - \lambda)\, 2^{-784}$.

1. `lost_nats`: how many nats does the image lose for $\lambda = 0.02$?
2. `lost_bits_per_dim`: the same in bits per pixel.
3. `one_in`: another model, undiluted, gives the image $-100$ nats. Only one of how many
   draws may come from the good model before the dilution is the worse of the two?
   (That is $1/\lambda$ where they are equal.)

Give numbers with a relative error below one in a thousand.
""",
    stub="""
lost_nats = ...
lost_bits_per_dim = ...
one_in = ...
""",
    answers={"lost_nats": float, "lost_bits_per_dim": float, "one_in": float},
    hints=(
        r"Which of the two terms matters? Compare $-90 + \log 0.02$ with "
        r"$-784 \log 2$.",
        r"Nats to bits: divide by $\log 2$. Per pixel: divide by the number of pixels.",
        "For 3 the loss has to be the difference of the two models.",
    ),
    misconceptions={
        "the share of noise in place of that of the model": "The model's density is "
        "multiplied by 0.02; the noise's share hardly matters.",
        "log-likelihoods averaged": "Densities are mixed, not their logarithms.",
        "log-likelihood in place of the loss": "What is lost is the difference of two "
        "log-likelihoods.",
        "number in place of its logarithm": "The loss is a difference of logarithms.",
        "share of the log-likelihood": "The share multiplies the probability, not its "
        "logarithm.",
        "ratio of the log-likelihoods": "Not how many times as large: how much larger.",
        "noise given another probability": "The coins give the image 2^-784, and with "
        "it a term that is nothing beside the model's.",
        "small number added to the density": "Beside e^-90 no constant is small: the "
        "logarithm of the sum is that of the constant.",
        "no loss at all": "That the noise adds nothing is no comfort: the model's own "
        "term is multiplied by its share.",
        "another factor than log 2": "One nat is 1 / log 2 bits, log to base e: divide "
        "by log 2, once.",
        "the noise's probability alone": "The image has the sum of both terms, of "
        "which the model's is the larger by far.",
        "another share": "λ is 0.02, two in a hundred.",
        "another logarithm or factor": "The probability falls to 0.02 of what it was: "
        "the loss is the logarithm of that ratio, and nothing more.",
        "another factor than the exponential": "The probability may fall by the factor "
        "exp of the difference in nats: that is 1/λ, and nothing more.",
        "the first share once more": "Part 3 has a share of its own: 0.02, and what it "
        "cost, do not enter.",
        "difference for each pixel": "The whole image counts, all of its 784 pixels.",
        "compared with the noise": "Two models are compared; the coins add nothing.",
        "not divided by the number of pixels": "Per dimension: of 784 pixels.",
        "divided by another number": "There are 28 · 28 pixels, one bit each.",
        "logarithm in place of the number": "One in how many: the exponential of the "
        "difference.",
        "power of another base": "The base is e, and the exponent in nats.",
        "share in place of one in how many": "The reciprocal is asked for.",
    },
)
def gm_09(t, lost_nats, lost_bits_per_dim, one_in):
    coins = torch.tensor(0.5, dtype=torch.float64).log() * 784

    def diluted(share, log_p=-90.0, noise=float(coins)):
        parts = torch.tensor([share, 1 - share], dtype=torch.float64).log()
        return torch.logaddexp(parts[0] + log_p, parts[1] + noise).item()

    lost = -90.0 - diluted(0.02)
    mixed = -90.0 - (0.02 * -90.0 + 0.98 * coins.item())
    ideas = {
        "log-likelihood in place of the loss": [-90 - lost, 90 + lost],
        "number in place of its logarithm": [math.exp(lost), math.exp(-lost)],
        "the share of noise in place of that of the model": [
            -math.log(0.98),
            math.log(0.98),
        ],
        "share of the log-likelihood": [0.02 * 90, 0.98 * 90],
        "ratio of the log-likelihoods": [lost / 90, (90 + lost) / 90, 90 / (90 + lost)],
        "no loss at all": 0.0,
        "noise given another probability": [
            sign * (90 + diluted(0.02, noise=math.log(v)))
            for v in (0.5, 1 / 784, 0.5**28, 1.0, 1 / 256)
            for sign in (1, -1)
        ],
        "small number added to the density": [
            sign * (90 + math.log(10.0**-k)) for k in range(5, 38) for sign in (1, -1)
        ],
        "log-likelihoods averaged": [mixed, -mixed],
        "the noise's probability alone": [
            *(-coins - 90, coins + 90, -coins, lost - coins - 90),
            -coins - 90 - math.log(0.98),
            -coins - 90 + math.log(0.98),
        ],
        "another share": [
            -k * math.log(v)
            for v in (0.01, 2e-4, 0.2, 0.1, 0.002, 0.05, 0.5, 0.03, 1 / 51, 1 / 49)
            for k in (1, -1)
        ],
        "another logarithm or factor": [
            *(lost * 90, lost / 784, lost + math.log(0.98), lost - math.log(0.98)),
            *(lost + math.log(2), lost - math.log(2), 1 / 0.02 - 1, 0.02, lost + 90),
        ],
    }
    why = "From the logarithm of the diluted probability."
    bits = lost / math.log(2)
    dues = lost, bits / 784
    what, how = "the loss in nats", {"unit": "nats", "others": dues}
    t.number(what, lost_nats, lost, why, ideas, **how)

    ideas = {
        "nats in place of bits": lost / 784,
        "log-likelihood in place of the loss": [
            v / 784 / unit for v in (90, 90 + lost) for unit in (1, math.log(2))
        ],
        "another factor than log 2": [
            lost / 784 / v
            for u in (math.log(2),)
            for v in (math.log(10), 2, 8 * u, math.e, 1 / u, u**2, 1, 1 / u**2)
            if v != 1
        ],
        "ratio of the log-likelihoods": [lost / 90, lost / 90 / 784],
        "not divided by the number of pixels": [bits, lost],
        "divided by another number": [
            v / k
            for v in (bits, lost)
            for k in (28, 56, 3 * 784, 1024, 196, 256, 90, 100, 784**2)
        ],
        "the noise's probability alone": [
            (-coins - 90) / 784 / unit for unit in (1, math.log(2))
        ],
        "another share": [
            -math.log(v) / 784 / math.log(2) for v in (0.01, 2e-4, 0.2, 0.1, 0.002)
        ],
        "the share of noise in place of that of the model": -math.log(0.98)
        / (784 * math.log(2)),
        "number in place of its logarithm": [50 / 784, 0.02 / 784],
    }
    name, why = "the loss in bits per pixel", "The same loss, in another unit."
    t.number(name, lost_bits_per_dim, bits / 784, why, ideas, others=dues)

    low, high = 0.0, 30.0  # bisection for the logarithm
    for _ in range(60):
        middle = (low + high) / 2
        worse = diluted(math.exp(-middle)) < -100.0
        low, high = (low, middle) if worse else (middle, high)
    e = math.exp
    ideas = {
        "logarithm in place of the number": [
            low,
            low / math.log(10),
            low / math.log(2),
        ],
        "power of another base": [2**low, 10**low, e(low / math.log(2))],
        "share in place of one in how many": e(-low),
        "ratio of the log-likelihoods": [100 / 90, 90 / 100],
        "log-likelihood in place of the loss": [
            v for k in (90, 100) for v in (k, e(k))
        ],
        "the share of noise in place of that of the model": [
            1 - e(-low),
            1 / (1 - e(-low)),
        ],
        "the first share once more": [
            *(50, low / lost, lost / low, low - lost, low + lost),
            *(e(low - lost), e(low + lost), e(low) * 0.98, e(low) / 0.98),
        ],
        "difference for each pixel": [e(low / k) for k in (784, 28)],
        "compared with the noise": [e(-k - coins.item()) for k in (90, 100)],
        "another factor than the exponential": [
            *(e(low) / low, e(low) * low, e(low) / 2, e(low) * 2, e(low / 2)),
            *(e(low) / 100, 100 * e(low), e(2 * low), e(low) / 784, e(low) * 784),
            *(e(low) * math.log(2), e(low) / math.log(2), low**2, e(-low) * 100),
            *(e(low + 1), e(low - 1), low * 784, low / 784),
        ],
    }
    why = "Put it into the dilution: the image gets -100 nats too."
    t.number("one in how many", one_in, e(low), why, ideas, others=dues)
