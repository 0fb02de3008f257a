"""Exercise vae-12: Bits that cost nothing."""

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
    share = torch.tensor([sum(column) / b for column in plain.T.tolist()]).double()
    just_below = round(float(share.sort().values[1]) - 0.02, 4)  # the second smallest

    t.property("a scalar")
    out = t.call(free_bits, kl, just_below)
    t.shape(out, (), "nats per example.", "no scalar")

    def paid(floor):
        return sum(v if v > floor else floor for v in share.tolist())

    def ideas(floor):
        above, due = share - floor, paid(floor)
        return {
            "a smooth floor": [
                d * floor + (c * above).exp().log1p().sum() / c
                for c in (1, 10, 20, 50, 100)
            ],
            "no floor": [share.sum()] if floor > share.max() else [],
            "floor for each example": plain.clamp(min=floor).sum() / b,
            "one floor for the whole rate": [
                max(share.sum(), floor),
                max(share.sum(), d * floor),
                share.clamp(min=floor / d).sum(),
            ],
            "floor subtracted": above.clamp(min=0).sum(),
            "smaller in place of larger": share.clamp(max=floor).sum(),
            "mean over the dimensions": due / d,
            "sum over the batch": [due * b, (b * share).clamp(min=floor).sum()],
            "axes exchanged": [
                plain.mean(1).clamp(min=floor).sum(),
                plain.mean(1).clamp(min=floor).mean(),
            ],
            "sign flipped": -due,
        }

    for name, floor, why in (
        ("no floor, no change: the rate of an example", 0.0, "The rate itself."),
        ("a floor above all rates", 50.0, "Each dimension counts with the floor."),
        ("a floor between the rates", just_below, "The larger, in each dimension."),
    ):
        t.property(name)
        value = t.call(free_bits, kl, floor)
        t.close(value, paid(floor), why, ideas=ideas(floor))

    t.property("its gradient", of=out)
    due = (share > just_below).double().expand(b, d) / b
    why = "1/b above the floor, 0 below."
    slopes = {
        "cut off from the graph": 0.0,
        "a gradient below the floor": torch.ones(b, d) / b,
    }
    t.close(t.grad(out, kl), due, why, ideas=slopes)
