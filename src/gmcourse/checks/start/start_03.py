"""Exercise start-03: Train, and keep a record."""

import torch
from torch import Tensor, nn

from .._exercise import Exercise


class _Line(nn.Module):
    """A loss whose gradient is the mean of the batch, whatever the weights are."""

    def __init__(self, weight: Tensor):
        super().__init__()
        self.weight = nn.Parameter(weight.clone())

    def loss(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        return (x @ self.weight).mean()

    def losses(self, x: Tensor, c: Tensor | None = None):
        yield "model", self.loss(x, c)


class _Stream:
    """Batches for ever, the same ones in turn; counts those that were taken."""

    def __init__(self, x: Tensor):
        self.x, self.taken = x, 0

    def __iter__(self):
        return self

    def __next__(self) -> Tensor:
        self.taken += 1
        return self.x[(self.taken - 1) % len(self.x)].clone()


def _paths(
    x: Tensor,
    weight: Tensor,
    steps: int,
    lr: float,
    memory: int = 10**9,
    cleared: bool = True,
):
    """Losses and weights under Adam, in float64; its averages live ``memory`` steps.

    Kingma and Ba (2015), algorithm 1; of no memory (0), plain gradient descent. Not
    ``cleared``, the gradients of all steps so far are added up.
    """
    w, losses, weights = weight.double(), [], [weight.double()]
    first = second = grad = torch.zeros_like(w)
    for i in range(steps):
        rows = x[i % len(x)].double()
        losses.append((rows * w).sum(1).mean())
        grad = rows.mean(0) + (0 if cleared else grad)
        if memory and i % memory == 0:
            first, second = torch.zeros_like(w), torch.zeros_like(w)
        k = i % memory + 1 if memory else 1
        first, second = 0.9 * first + 0.1 * grad, 0.999 * second + 0.001 * grad**2
        size = (second / (1 - 0.999**k)).sqrt() + 1e-8
        w = w - lr * (first / (1 - 0.9**k) / size if memory else grad)
        weights.append(w)
    return torch.stack(losses), weights


def _others(x: Tensor, weight: Tensor, steps: int, lr: float) -> list[Tensor]:
    """Where other optimizers end: what was meant to be Adam is often one of them."""
    ends = []
    for name, how in (
        ("AdamW", {}),
        ("Adamax", {}),
        ("RMSprop", {}),
        ("Adagrad", {}),
        ("SGD", {"momentum": 0.9}),
    ):
        w = nn.Parameter(weight.double())
        optimizer = getattr(torch.optim, name)([w], lr=lr, **how)
        for i in range(steps):
            w.grad = x[i % len(x)].double().mean(0)
            optimizer.step()
        ends.append(w.detach())
    return ends


@Exercise(
    id="start-03",
    title="Train, and keep a record",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Train a model from the body of a loop, and read off there what is needed.",
    ),
    statement=r"""
`gm.train(model, batches, optimizer, steps=...)` makes one update each time it is asked
for the next `Step`; what is to happen beside the update stands in the body of your
`for` loop. The loss of a single batch jumps; a mean over some steps can be read.

Write `fit(model, batches, steps, every)`: train `model` itself for exactly `steps`
updates on `batches` (an endless iterator; one batch for each update, and no batch for
anything else), with `torch.optim.Adam` over all its parameters at a learning rate of
0.05. Return a list of Python floats: the mean of the losses of the first `every`
steps, of the next `every` steps, and so on; a last block that is not full is left out.
The losses are those that the updates were made from.
""",
    stub='''
import gmcourse as gm


def fit(model, batches, steps, every):
    """Train model; the mean loss of each block of steps."""
    optimizer = ...
    return ...
''',
    answers={"fit": callable},
    hints=(
        "`gm.train(...)` alone does nothing: it is an iterator, and updates happen "
        "while you walk through it.",
        "`step.loss` is a tensor without a graph, on the model's device; "
        "`step.index` counts from 1.",
        "Collect the losses of a block in a list. When `step.index` is a multiple of "
        "`every`, store their mean and start a new list.",
    ),
    misconceptions={
        "iterator never run": "gm.train returns at once; the updates are made by the "
        "loop over what it returns.",
        "every single loss recorded": "One mean for each block is due, not one number "
        "for each step.",
        "last loss in place of the mean": "A single batch's loss is noise; the mean of "
        "the block is due.",
        "sum in place of the mean": "A sum grows with the length of the block.",
        "mean since the start": "Each block is a record of its own: start again.",
        "loss after the update": "The loss is that of the weights before the step, "
        "from which its gradient was taken.",
        "blocks shifted by one": "step.index counts from 1: the first block ends at "
        "step.index = every.",
        "incomplete block recorded": "A mean of fewer steps is noisier than its "
        "neighbors and cannot be compared with them.",
        "tensors in place of numbers": "Floats are due: a list of tensors keeps memory "
        "on the device, and prints and plots badly.",
        "array in place of a list": "A list is due: it can be printed, compared and "
        "written to a file as it is.",
        "batches taken besides": "One batch for each update: a batch that is taken for "
        "a look is missing in the training.",
        "one batch for all": "Every update needs a batch of its own, or the model "
        "learns that single one.",
        "wrong number of updates": "Exactly `steps` updates are due.",
        "another optimizer than Adam": "Adam is due, without decay of the weights.",
        "gradients added up": "backward() adds to what is there: without zero_grad() "
        "each update uses the gradients of all steps so far.",
        "default learning rate": "The learning rate is 0.05; Adam's default is 0.001.",
        "optimizer made anew on the way": "Adam keeps running averages of the "
        "gradients; a new one begins without them.",
        "a copy was trained": "The caller looks at the model that was passed in.",
    },
)
def start_03(t, fit):
    every, blocks = t.integer(3, 5), t.integer(3, 4)
    x, start = t.normal(7, 6, 4, std=2.0), t.away(4, low=0.5, high=2)
    # No gradient near 0: Adam's first step would be the sign of a rounding error.
    x = x - x.mean(1, keepdim=True) + t.away(7, 1, 4, low=0.5, high=1.5)

    t.property("one number for each block of steps")
    steps = every * blocks
    model, stream = _Line(start), _Stream(x)
    out = t.call(fit, model, stream, steps, every)
    end = model.weight.detach().clone()
    count = len(out) if hasattr(out, "__len__") else -1
    names = {0: "iterator never run", steps: "every single loss recorded"}
    t.true(count == blocks, f"{blocks} blocks.", f"{count} entries", names.get(count))
    kind = type(out).__name__
    listed = "array in place of a list"
    plain = isinstance(out, (list, tuple, Tensor))
    t.true(plain, "A list of Python floats.", kind, listed)
    kinds = {type(v).__name__ for v in out}
    floats = all(isinstance(v, float) for v in out)
    got = f"entries of type {', '.join(sorted(kinds))}"
    t.true(floats, "A list of Python floats.", got, "tensors in place of numbers")

    t.property("the model that was passed in is the one that learns")
    same = "a copy was trained"
    t.true(not torch.equal(end, start), "Other weights.", "the same weights", same)

    t.property("one batch for each update")
    taken, why = stream.taken, f"{steps} batches for {steps} updates."
    besides = "batches taken besides" if taken > steps + 1 else None
    besides = besides or ("one batch for all" if taken == 1 else None)
    besides = besides or "wrong number of updates"
    t.true(taken == steps, why, f"{taken} batches were taken", besides)

    t.property("the weights are those of Adam at 0.05")
    losses, weights = _paths(x, start, steps, 0.05)
    forget = [_paths(x, start, steps, 0.05, m)[1][-1] for m in (1, every)]
    ideas = {
        "another optimizer than Adam": [
            _paths(x, start, steps, 0.05, 0)[1][-1],
            *_others(x, start, steps, 0.05),
        ],
        "gradients added up": _paths(x, start, steps, 0.05, cleared=False)[1][-1],
        "default learning rate": _paths(x, start, steps, 0.001)[1][-1],
        "optimizer made anew on the way": forget,
        "wrong number of updates": weights[-2],
    }
    why = "Adam's update (Kingma and Ba, 2015), step by step in float64."
    t.close(end, weights[-1], why, ideas=ideas, tol=1e-4)

    t.property("each number is the mean of its block")
    table = losses.view(blocks, every)
    i = torch.arange(blocks) * every
    since = losses.cumsum(0) / torch.arange(1, steps + 1)
    shifted = [losses[max(0, k - every + 1) : k + 1].mean() for k in i.tolist()]
    moved = [(x[i % 7].double() @ w).mean() for i, w in enumerate(weights[1:])]
    ideas = {
        "last loss in place of the mean": [table[:, -1], table[:, 0]],
        "sum in place of the mean": table.sum(1),
        "mean since the start": since[every - 1 :: every],
        "loss after the update": torch.stack(moved).view(blocks, every).mean(1),
        "blocks shifted by one": torch.stack(shifted),
    }
    why = "The mean of the losses of `every` steps, and of these alone."
    t.close(torch.tensor(out), table.mean(1), why, ideas=ideas, tol=1e-4)

    t.property("a last block that is not full is left out")
    steps += every - 1
    model, stream = _Line(start), _Stream(x)
    out = t.call(fit, model, stream, steps, every)
    rest = "incomplete block recorded" if len(out) == blocks + 1 else None
    why = f"{steps} steps hold {blocks} full blocks."
    t.true(len(out) == blocks, why, f"{len(out)} entries", rest)

    t.property("the updates of that last block are made")
    why = f"{steps} updates in all."
    last = _paths(x, start, steps, 0.05)[1][-1]
    few = "wrong number of updates"
    t.close(model.weight.detach(), last, why, misconception=few, tol=1e-4)
