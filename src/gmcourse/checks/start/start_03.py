"""Exercise start-03: Train, and keep a record."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...core import Model
from .._comparisons import far
from .._exercise import Exercise


class _Line(Model):
    """A loss whose gradient is the mean of the batch, whatever the weights are."""

    event_shape = (4,)

    def __init__(self, weight: Tensor):
        super().__init__()
        self.left, self.right = map(nn.Parameter, weight.clone().chunk(2))

    def loss(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        return (x @ torch.cat([self.left, self.right])).mean()


class _Stream:
    """Batches for ever, the same ones in turn; counts those that were taken."""

    def __init__(self, x: Tensor):
        self.x, self.taken = x, 0

    def __iter__(self):
        return self

    def __next__(self) -> Tensor:
        self.taken += 1
        return self.x[(self.taken - 1) % len(self.x)].clone()


def _path(grads, start, name="Adam", lr=0.05, memory=10**9, added=False, **how):
    """The weights at first and after each update, in float64.

    The optimizer is made anew after ``memory`` steps; ``added``, no gradient is
    cleared.
    """
    w, path = nn.Parameter(start.double()), [start.double()]
    for i, grad in enumerate(grads.double().cumsum(0) if added else grads.double()):
        if i % memory == 0:
            optimizer = getattr(torch.optim, name)([w], lr=lr, **how)
        w.grad = grad
        optimizer.step()
        path.append(w.detach().clone())
    return torch.stack(path)


_SETTINGS: tuple[dict[str, Any], ...] = (
    {"amsgrad": True},
    {"maximize": True},
    *(
        {"betas": betas}
        for betas in ((0.5, 0.999), (0.9, 0.99), (0.9, 0.95), (0.0, 0.9))
    ),
    *({"eps": eps} for eps in (1e-3, 1e-2, 0.1)),
)


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
0.05, its other settings as they are by default. Return a list of Python floats: the
mean of the losses of the first `every` steps, of the next `every` steps, and so on; a
last block that is not full is left out. The losses are those that the updates were
made from.
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
        "a full block left out": "The last block counts where it is full.",
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
        "another learning rate": "The learning rate is 0.05; Adam's default is 0.001.",
        "another setting of Adam": "All but the learning rate (betas, eps, amsgrad) "
        "stays at Adam's defaults.",
        "optimizer made anew on the way": "Adam keeps running averages of the "
        "gradients; a new one begins without them.",
        "a copy was trained": "The caller looks at the model that was passed in.",
        "not all parameters": "An optimizer moves only what it was given.",
        "rest put into the blocks": "Each block has `every` steps, whatever is left.",
    },
)
def start_03(t, fit):
    every, blocks = t.integer(3, 5), t.integer(3, 4)
    x, start = t.normal(7, 6, 4, std=2.0), t.away(4, low=0.5, high=2)
    # No gradient near 0: Adam's first step would be the sign of a rounding error.
    x = x - x.mean(1, keepdim=True) + t.away(7, 1, 4, low=0.5, high=1.5)
    few = "wrong number of updates"

    for rest, steps in (
        ("", every * blocks),
        (", also after the last full block", every * (blocks + 1) - 1),
    ):
        batches = x[torch.arange(steps + 1) % 7].double()
        grads = batches.mean(1)
        path = _path(grads, start)
        losses = (grads * path[:-1]).sum(1)[:steps]  # before each update
        table = losses[: every * blocks].view(blocks, every)

        t.property(f"one batch for each update{rest}")
        model, stream = _Line(start), _Stream(x)
        out = t.call(fit, model, stream, steps, every)
        end, taken = torch.cat([model.left, model.right]).detach(), stream.taken
        name = "batches taken besides" if taken > steps else None
        name = {0: "iterator never run", 1: "one batch for all"}.get(taken, name)
        if 1 < taken <= steps + 1 and (end - path[taken]).abs().max() < 1e-3:
            name = few
        why, got = f"{steps} batches for {steps} updates.", f"{taken} were taken"
        t.true(taken == steps, why, got, name)

        t.property("a list of Python floats")
        name = "array in place of a list" if isinstance(out, np.ndarray) else None
        kinds = {type(v) for v in out} if isinstance(out, list) else {type(out)}
        if any(issubclass(kind, Tensor) for kind in kinds):
            name = "tensors in place of numbers"
        plain = isinstance(out, list) and all(issubclass(v, float) for v in kinds)
        got = ", ".join(sorted(kind.__name__ for kind in kinds))
        got = f"a list of {got}" if isinstance(out, list) else got
        t.true(plain, "A list of floats, nothing else.", got, name)
        record = torch.tensor(out, dtype=torch.float64)

        t.property(f"the weights are those of Adam at 0.05{rest}")
        grads, half = grads[:steps], torch.tensor([1, 1, 0, 0])
        idle = (grads @ start.double())[: every * blocks].view(blocks, every).mean(1)
        still = "a copy was trained" if far(record, idle, 1e-3).any() else few
        others = ("AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "SGD")
        ideas = {
            still: start,
            "another optimizer than Adam": [
                *(_path(grads, start, name)[-1] for name in others),
                _path(grads, start, "SGD", momentum=0.9)[-1],
                _path(grads, start, weight_decay=0.01)[-1],
            ],
            "another setting of Adam": [
                _path(grads, start, **how)[-1] for how in _SETTINGS
            ],
            "gradients added up": _path(grads, start, added=True)[-1],
            "another learning rate": [
                _path(grads, start, lr=lr)[-1]
                for lr in (1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.1, 0.5)
            ],
            "optimizer made anew on the way": [
                _path(grads, start, memory=m)[-1] for m in (1, every)
            ],
            "not all parameters": [
                _path(grads * part, start)[-1] for part in (half, 1 - half)
            ],
        }
        why = "Adam's update (Kingma and Ba, 2015), step by step in float64."
        t.close(end, path[steps], why, ideas=ideas, tol=1e-5)  # float32: 4e-7

        t.property(f"one number for each full block{rest}")
        name = "incomplete block recorded" if rest and len(out) == blocks + 1 else None
        if not far(record, losses, 1e-3).any():
            name = "every single loss recorded"
        if not far(record, table.mean(1)[:-1], 1e-3).any():
            name = "a full block left out"
        t.true(len(out) == blocks, f"{blocks} blocks.", f"{len(out)} entries", name)

        t.property(f"each number is the mean of its block{rest}")
        since = losses.cumsum(0) / torch.arange(1, steps + 1)
        starts = range(0, blocks * every, every)
        after = (grads * path[1 : steps + 1]).sum(1)[: blocks * every]
        last = [*table[:-1].mean(1), losses[blocks * every - every :].mean()]
        ideas = {
            "last loss in place of the mean": [table[:, -1], table[:, 0]],
            "sum in place of the mean": table.sum(1),
            "mean since the start": since[every - 1 : blocks * every : every],
            "loss after the update": after.view(blocks, every).mean(1),
            "blocks shifted by one": torch.stack(
                [losses[max(0, i - every + 1) : i + 1].mean() for i in starts]
            ),
            "rest put into the blocks": [
                torch.stack(last),
                torch.stack([v.mean() for v in losses.tensor_split(blocks)]),
            ],
        }
        why = "The mean of the losses of `every` steps, and of these alone."
        t.close(record, table.mean(1), why, ideas=ideas, tol=1e-4)

    # AMSGrad keeps the largest of Adam's averages of squares, which differs from the
    # last one only after a gradient that was far larger than all that follow.
    t.property("the weights are those of Adam, also after a batch with a huge gradient")
    steps = 80
    many = x[torch.arange(steps) % 7]
    many[t.integer(0, 2)] *= 100
    grads, model = many.double().mean(1), _Line(start)
    path = _path(grads, start)
    t.call(fit, model, _Stream(many), steps, every)
    end = torch.cat([model.left, model.right]).detach()
    largest = _path(grads, start, amsgrad=True)[-1]
    why = "Adam's update (Kingma and Ba, 2015): averages that fade."
    ideas = {"another setting of Adam": largest}  # the others are told apart above
    t.close(end, path[-1], why, ideas=ideas, tol=3e-5)

    t.property("the weights are those of Adam, also where all gradients are tiny")
    few, model, steps = x * 1e-6, _Line(start), 20
    t.call(fit, model, _Stream(few), steps, every)
    end = torch.cat([model.left, model.right]).detach()
    grads = few[torch.arange(steps) % 7].double().mean(1)
    powers = [10.0**-k for k in range(3, 10)]
    ideas = {
        "another optimizer than Adam": [
            _path(grads, start, weight_decay=v)[-1] for v in powers
        ],
        "another setting of Adam": [
            _path(grads, start, eps=v)[-1] for v in powers[1:5]
        ],
    }
    why = "Nothing is added to the gradient, however small it is."
    t.close(end, _path(grads, start)[-1], why, ideas=ideas, tol=3e-5)
