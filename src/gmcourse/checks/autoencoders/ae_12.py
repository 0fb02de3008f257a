"""Exercise ae-12: A helix through the eye of a needle."""

import math

import torch
from torch import Tensor, nn

from .._exercise import Exercise

# 20 seeds of the reference, on 4,000 points: mean 0.0060, deviation 0.0002, largest
# 0.0063. PCA reaches 0.59, the mean alone 1.34.
BOUND = 0.009


def helix(t, n: int) -> Tensor:
    """One turn of a helix with noise 0.05: (n, 3)."""
    s = torch.rand(n, generator=t.rng)
    turn = 2 * math.pi * s
    x = torch.stack([turn.cos(), turn.sin(), 2 * s - 1], 1)
    return x + 0.05 * torch.randn(n, 3, generator=t.rng)


@Exercise(
    id="ae-12",
    title="A helix through the eye of a needle",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Train an autoencoder to a stated error within a stated budget, and know what "
        "a single number can carry.",
    ),
    statement=r"""
`helix(n)` below draws points of three numbers: one turn of a helix with noise of
standard deviation 0.05. Train an autoencoder that describes each point by **one**
number. Hand in the trained model, an `nn.Module` with the methods `encode(x)`,
`(b, 3) -> (b, 1)`, and `decode(z)`, `(b, 1) -> (b, 3)`, and at most 5,000 parameters.

The check puts the model into evaluation mode and measures it on 4,000 fresh points:
the mean over the points of $\lVert x - \hat x \rVert^2$ must be at most **0.009**. So
that the code is an honest single number, each code is first moved by noise of one
hundredth of the codes' standard deviation. The two directions across the helix cannot
be kept; they alone cost 0.005. Budget: one minute on one core.
""",
    stub="""
def helix(n):
    s = torch.rand(n)
    turn = 2 * math.pi * s
    x = torch.stack([turn.cos(), turn.sin(), 2 * s - 1], 1)
    return x + 0.05 * torch.randn(n, 3)


model = ...
""",
    answers={"model": nn.Module},
    hints=(
        "gmcourse.autoencoders.Autoencoder with two small networks has the two "
        "methods. How many parameters has mlp(3, 32, 32, 1)?",
        "Draw fresh points at each step. A learning rate of 0.01 that falls to zero, "
        "1,500 steps of 256 points.",
        "Plot the decoded curve over the data. If it takes a short cut or folds back, "
        "start again from another seed: the loss has local minima, unlike in the "
        "linear case.",
    ),
    misconceptions={
        "too many parameters": "At most 5,000 are allowed.",
        "code of more than one number": "encode gives one number for each point.",
        "constant reconstruction": "All points get the same reconstruction: the code "
        "is not used.",
        "a straight line": "This is about what PCA reaches: one number, linear maps.",
        "decoder remembers its input": "decode must work from the code alone, also for "
        "codes in another order or another number.",
        "numbers packed into digits": "The code holds several numbers in its digits: "
        "moved by a hundredth of its spread, it decodes to something else. "
        "A bottleneck of one real number is no limit by itself.",
        "folded curve": "A part of the helix is not reached: start from another seed, "
        "or train with a larger learning rate at first.",
    },
)
def ae_12(t, model):
    n = 4000
    x = helix(t, n)

    t.trained(model)

    t.property("at most 5,000 parameters")
    kept = [v for part in model.modules() for v in vars(part).values()]
    lists = [v for v in kept if isinstance(v, list | tuple)]
    inside = [v for some in lists for v in some if isinstance(v, torch.nn.Module)]
    every = {id(p): p for part in (model, *inside) for p in part.parameters()}
    count = sum(p.numel() for p in every.values())
    t.at_most(float(count), 5000.0, "The budget.", "too many parameters")

    t.property("a code of one number, and a point from it")
    z = t.call(model.encode, x)
    ideas = {"code of more than one number": [(n, 2), (n, 3)]}
    t.shape(z, (n, 1), "one number for each point.", ideas=ideas)
    z = t.tensor(z).detach()
    x_hat = t.call(model.decode, z)
    t.shape(x_hat, (n, 3), "three numbers for each code.")
    x_hat = t.tensor(x_hat).detach()

    t.property("decode works from the code alone")
    order = torch.randperm(n, generator=t.rng)[: n // 2]
    part = t.call(model.decode, z[order])
    why = "The same codes, half as many and in another order."
    memory = "decoder remembers its input"
    t.shape(part, (n // 2, 3), why, memory)
    t.close(part, x_hat[order], why, memory, tol=1e-3)

    nudge = 0.01 * z.std() * torch.randn(n, 1, generator=t.rng)
    moved = t.tensor(t.call(model.decode, z + nudge)).detach()
    clean = float((x - x_hat).pow(2).sum(1).mean())
    far = (x - moved).pow(2).sum(1)
    error, lost = float(far.mean()), float((far > 0.2).double().mean())
    spread = float((x - x.mean(0)).pow(2).sum(1).mean())
    traps = {
        "numbers packed into digits": clean < BOUND,
        "constant reconstruction": float(x_hat.std(0).max()) < 1e-6,
        "untrained": error > 0.95 * spread,
        "a straight line": error > 0.4 * spread,
        "folded curve": lost > 0.02,
    }
    why = "Across the helix 0.005 is lost in any case."
    name = "an error of at most 0.009, with codes moved by one hundredth"
    t.reached(name, error, BOUND, why, traps, near=BOUND)
