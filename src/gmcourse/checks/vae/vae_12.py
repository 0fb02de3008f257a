"""Exercise vae-12: Bits that cost nothing."""

import math

import torch

from .._exercise import Exercise


@Exercise(
    id="vae-12",
    title="Bits that cost nothing",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Write free bits, and know what its gradient does.",),
    statement=r"""
The rates of the latent dimensions of a batch are `kl`, shape `(b, d)`, in nats: entry
$(i, j)$ belongs to example $i$ and dimension $j$. Free bits, in the version of
[Kingma et al. (2016)](https://arxiv.org/abs/1606.04934), replaces the rate in the loss
by the sum over dimensions of the larger of two numbers: the **batch mean** of the rate
of that dimension, and a floor.

Write `free_bits(kl, floor)`: that sum, a scalar in nats per example; `floor` is a
number at least 0, for each dimension. Dimensions below the floor get no gradient, the
others their usual one.
""",
    stub='''
def free_bits(kl, floor):
    """(b, d), float -> (): nats per example."""
    return ...
''',
    answers={"free_bits": callable},
    hints=(
        "First one number for each dimension, then the larger of it and the floor, "
        "then a sum.",
        "The order matters: the larger of a mean is not the mean of the larger.",
        "clamp(min=...) has gradient 0 below its bound.",
    ),
    misconceptions={
        "no scalar": "One number is due.",
        "floor for each example": "The floor acts on the batch mean of a dimension, "
        "not on each example: single examples may use less.",
        "one floor for the whole rate": "Each dimension has a floor of its own; else "
        "one dimension can use it up, and the others collapse.",
        "sum over the batch": "Nats per example: the batch mean of each dimension.",
        "a smooth floor": "The larger of two numbers has a corner; a softplus is above "
        "it near the floor.",
        "floor subtracted": "The value below the floor is the floor, not 0. (The "
        "gradient is the same, the loss is not.)",
        "smaller in place of larger": "A rate above the floor is paid in full.",
        "no floor": "A dimension below the floor counts with the floor.",
        "a gradient below the floor": "Below the floor nothing may push the rate.",
        "axes exchanged": "Examples are along the first axis, dimensions the second.",
    },
)
def vae_12(t, free_bits):
    b, d = t.integer(5, 6), t.integer(3, 4)
    size = torch.linspace(0.1, 2.0, d)[torch.randperm(d, generator=t.rng)]
    kl = t.uniform(b, d, low=0.1, high=1.9) * size + 0.01
    kl[0] = 0.02  # an example below the floor, also where its dimension is above
    kl.requires_grad_()
    plain = kl.detach().double()
    share = [float(plain[:, j].sum() / b) for j in range(d)]
    rows = [float(plain[i].sum() / d) for i in range(b)]
    floor = round(sorted(share)[1] - 0.02, 4)  # just below the second smallest

    def smooth(floor):
        above = [v - floor for v in share]
        sharp = 1, 10, 20, 50, 100
        bend = [sum(math.log1p(math.exp(c * v)) / c for v in above) for c in sharp]
        return [d * floor + value for value in bend]

    t.property("a scalar")
    t.shape(t.call(free_bits, kl, floor), (), "nats per example.", "no scalar")

    t.property("no floor, no change: the rate of an example")
    due = plain.sum() / b
    ideas = {
        "mean over the dimensions": due / d,
        "sum over the batch": due * b,
        "smaller in place of larger": 0.0,
        "a smooth floor": smooth(0.0),
    }
    why = "With floor 0 it is the mean over the batch of the sum over dimensions."
    t.close(t.call(free_bits, kl, 0.0), due, why, ideas=ideas)

    t.property("a floor above all rates")
    high = 50.0
    ideas = {
        "one floor for the whole rate": high,
        "no floor": sum(share),
        "floor subtracted": 0.0,
        "axes exchanged": b * high,
    }
    why = "Each of the d dimensions counts with the floor."
    t.close(t.call(free_bits, kl, high), d * high, why, ideas=ideas)

    t.property("with a floor: dimension by dimension")
    out = t.call(free_bits, kl, floor)
    due = sum(v if v > floor else floor for v in share)
    ideas = {
        "floor for each example": plain.clamp(min=floor).sum() / b,
        "one floor for the whole rate": [
            max(sum(share), floor),
            max(sum(share), d * floor),
        ],
        "floor subtracted": sum(max(v - floor, 0.0) for v in share),
        "smaller in place of larger": sum(min(v, floor) for v in share),
        "mean over the dimensions": due / d,
        "axes exchanged": sum(max(v, floor) for v in rows),
    }
    ideas["a smooth floor"] = smooth(floor)
    t.close(out, due, "A sum over dimensions of the larger value.", ideas=ideas)

    t.property("its gradient")
    above = torch.tensor([float(v > floor) for v in share])
    due = above.expand(b, d) / b
    why = "1/b above the floor, 0 below."
    ideas = {
        "cut off from the graph": 0.0,
        "a gradient below the floor": torch.ones(b, d) / b,
    }
    t.close(t.grad(out, kl), due, why, ideas=ideas)
