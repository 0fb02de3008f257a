"""Exercise start-03: Train, and keep a record."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...core import Model
from .._comparisons import far, first
from .._exercise import Exercise


class _Line(Model):
    """A loss whose gradient is the mean of the batch, whatever the weights are."""

    event_shape = (4,)
    seen: ClassVar[list[Tensor]] = []  # the weights at each loss, also of a copy

    def __init__(self, weight: Tensor):
        super().__init__()
        self.seen.clear()
        self.left, self.right = map(nn.Parameter, weight.clone().chunk(2))

    def weight(self) -> Tensor:
        return torch.cat([self.left, self.right])

    def loss(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        self.seen.append(self.weight().detach())
        return (x @ self.weight()).mean()


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
    *({"betas": (b, 0.999)} for b in (0.0, 0.5, 0.8, 0.95, 0.99)),
    *({"betas": b} for b in ((0.9, 0.99), (0.9, 0.95), (0.0, 0.9), (0.5, 0.9))),
    *({"eps": eps} for eps in (1e-4, 1e-3, 1e-2, 0.1)),
)
_RATES = (1e-4, 3e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.1, 0.2, 0.5)
_OTHERS = ("AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "SGD")


def _ends(grads, start, every):
    """The last weights of other ways to train, by what is other in them."""

    def end(*args, of=grads, **how):
        return _path(of, start, *args, **how)[-1]

    half, norm = torch.tensor([1, 1, 0, 0]), grads.norm(dim=1, keepdim=True)
    blocks = grads[: len(grads) // every * every].view(-1, every, 4).double()
    bounds = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
    return {
        "another setting of Adam": [end(**how) for how in _SETTINGS],
        "another optimizer than Adam": [
            *(end(name) for name in _OTHERS),
            end("SGD", momentum=0.9),
            *(end(weight_decay=v) for v in (0.1, 0.01, 1e-3, 1e-4)),
        ],
        "another learning rate": [end(lr=lr) for lr in _RATES],
        "gradients added up": end(added=True),
        "gradients cut at a largest size": [
            *(end(of=grads * (c / norm).clamp(max=1)) for c in bounds),
            *(end(of=grads.clamp(-c, c)) for c in bounds),
        ],
        "one update for several batches": [
            *(end(of=v) for v in (blocks.sum(1), blocks.mean(1), blocks[:, -1])),
            end(of=blocks[:, 0]),
        ],
        "several updates from one batch": [
            end(of=grads.repeat_interleave(times, 0)) for times in (2, 3)
        ],
        "optimizer made anew on the way": [end(memory=m) for m in (1, every)],
        "not all parameters": [end(of=grads * part) for part in (half, 1 - half)],
    }


def _rates(seen, grads):
    """How long each step was, in steps of Adam, if all went along its directions."""
    path, unit = torch.stack(seen).double(), _path(grads, seen[0], lr=1.0)
    if len(path) < 4:
        return None
    steps, due = path.diff(dim=0), unit.diff(dim=0)[: len(path) - 1]
    rates = (steps * due).sum(1) / due.square().sum(1)
    along = (steps - rates[:, None] * due).abs().max() < 1e-5
    return rates if along and rates.min() > 0 else None


def _records(losses, after, every, blocks):
    """Records of another kind, by what is other in them."""
    full, starts = blocks * every, range(0, blocks * every, every)
    index = torch.arange(1, len(losses) + 1)

    def at_ends(values):
        return values[every - 1 : full : every]

    def of(reduce):
        return [
            torch.stack([reduce(v[i : i + every]) for i in starts])
            for v in (losses, after)
        ]

    def shifted(by):
        parts = [losses[max(0, i + by) : max(1, i + by + every)] for i in starts]
        return [
            torch.stack([v.mean() for v in parts]),
            torch.stack([v.sum() / every for v in parts]),
        ]

    averages = []
    for b in (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.1, 1 / every, 1 - 1 / every):
        for m in (0.0, float(losses[0])):
            run = []
            for v in losses.tolist():
                m = b * m + (1 - b) * v
                run.append(m)
            run = torch.tensor(run, dtype=torch.float64)
            averages += [at_ends(run), at_ends(run / (1 - b**index))]
    table = losses[:full].view(blocks, every)
    rest = len(losses) - full
    return {
        "last loss in place of the mean": [table[:, -1], table[:, 0]],
        "sum in place of the mean": of(torch.sum)[0],
        "mean since the start": at_ends(losses.cumsum(0) / index),
        "total since the start": [
            at_ends(losses.cumsum(0)) / n for n in (every, 1, len(losses), blocks)
        ],
        "loss after the update": of(torch.mean)[1],
        "median in place of the mean": [
            *of(torch.median),
            *of(lambda v: v.quantile(0.5)),
            *of(lambda v: v.sort().values[len(v) // 2]),
        ],
        "blocks shifted by one": [
            torch.stack([losses[max(0, i - every + 1) : i + 1].mean() for i in starts]),
            *(v for by in (-1, 1) for v in shifted(by)),
        ],
        "blocks counted from the end": [
            losses[rest:].view(blocks, every).mean(1),
            table.mean(1).flip(0),
        ],
        "running average in place of a block's mean": averages,
    }


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
        "blocks shifted by one": "step.index counts from 1: the first block ends with "
        "the loss of step.index = every, and holds it.",
        "incomplete block recorded": "A mean of fewer steps is noisier than its "
        "neighbors and cannot be compared with them.",
        "a full block left out": "The last block counts where it is full.",
        "tensors in place of numbers": "Floats are due: a list of tensors keeps memory "
        "on the device, and prints and plots badly.",
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
        "weights never moved": "No update reached them: was step() called, and are the "
        "gradients still there then, not cleared between backward and step?",
        "learning rate that changes": "It is 0.05 in every step: no schedule is due.",
        "gradients cut at a largest size": "Nothing is clipped: Adam gets the "
        "gradients as they are.",
        "one update for several batches": "Each batch makes an update of its own, with "
        "its gradient alone.",
        "several updates from one batch": "One step for each batch.",
        "steps taken for the number of blocks": "`steps` counts the updates, not the "
        "blocks.",
        "a copy was trained": "The caller looks at the model that was passed in.",
        "not all parameters": "An optimizer moves only what it was given.",
        "one number for the whole run": "One mean for each block is due.",
        "every taken for the number of blocks": "`every` is the length of a block.",
        "total since the start": "A total that is not set back to 0 holds the "
        "losses of all blocks so far.",
        "median in place of the mean": "The mean is due.",
        "blocks counted from the end": "The first block begins with the first "
        "step; the steps that are left over are the last ones.",
        "blocks that overlap": "The second block begins where the first one ends.",
        "running average in place of a block's mean": "A moving average remembers "
        "earlier blocks, and does not weigh the steps alike.",
        "rounded": "The mean itself is due, with all of its digits.",
    },
)
def start_03(t, fit):
    blocks = t.integer(4, 5)
    every = blocks + t.integer(1, 2)  # neither can be taken for the other
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
        end, taken = model.weight().detach(), stream.taken
        seen = [v for v in _Line.seen if v.isfinite().all()]
        seen = [v for v, u in zip(seen, [None, *seen]) if u is None or (v != u).any()]
        name = "batches taken besides" if taken > steps else None
        name = {0: "iterator never run", 1: "one batch for all"}.get(taken, name)
        made = _path(x[torch.arange(min(taken, 2000)) % 7].double().mean(1), start)
        if taken > 1 and (end - made[-1]).abs().max() < 1e-3 * made.abs().max():
            name = few
            if taken == steps * every:
                name = "steps taken for the number of blocks"
        why, got = f"{steps} batches for {steps} updates.", f"{taken} were taken"
        t.true(taken == steps, why, got, name)

        t.property("a list of Python floats")
        kinds = {type(v) for v in out} if isinstance(out, list) else {type(out)}
        tensors = any(issubclass(kind, Tensor) for kind in kinds)
        name = "tensors in place of numbers" if tensors else None
        plain = isinstance(out, list) and all(issubclass(v, float) for v in kinds)
        got = ", ".join(sorted(kind.__name__ for kind in kinds))
        got = f"a list of {got}" if isinstance(out, list) else got
        t.true(plain, "A list of floats, nothing else.", got, name)
        record = torch.tensor(out, dtype=torch.float64)

        t.property(f"the weights are those of Adam at 0.05{rest}")
        grads, ideas, name = grads[:steps], {}, None
        if far(end.double(), path[steps], 1e-5).any():
            still = "weights never moved" if len(seen) < 2 else "a copy was trained"
            ideas = {still: start} | _ends(grads, start, every)
            if len(seen) < steps // 2 + 1:
                name = "one update for several batches"
            elif (rates := _rates(seen, grads)) is not None:
                changes = rates.max() > 1.001 * rates.min()
                name = (
                    "learning rate that changes" if changes else "another learning rate"
                )
                name = name if changes or abs(rates.mean() - 0.05) > 1e-5 else few
        why = "Adam's update (Kingma and Ba, 2015), step by step in float64."
        t.close(end, path[steps], why, name, ideas, tol=1e-5)  # float32: 4e-7

        t.property(f"one number for each full block{rest}")
        means = table.mean(1)
        name = "incomplete block recorded" if rest and len(out) == blocks + 1 else None
        known = {
            "every single loss recorded": [losses],
            "a full block left out": [means[1:], means[:-1]],
            "one number for the whole run": [losses.mean()[None], means.mean()[None]],
            "every taken for the number of blocks": [
                torch.stack([v.mean() for v in f(losses, every)])
                for f in (torch.tensor_split, torch.chunk)
            ],
            "blocks that overlap": [
                v.unfold(0, every, 1).mean(1) for v in (losses, losses[:-1], losses[1:])
            ],
        }
        begun = len(out) > blocks and not far(record[:blocks], means, 1e-3).any()
        if begun:  # what follows is too much
            known = {"every single loss recorded": [losses]}
        elif len(out) == every:
            name = "every taken for the number of blocks"
        name = first(known, lambda v, r=record: not far(r, v, 1e-3).any()) or name
        t.true(len(out) == blocks, f"{blocks} blocks.", f"{len(out)} entries", name)

        t.property(f"each number is the mean of its block{rest}")
        why = "The mean of the losses of `every` steps, and of these alone."
        ideas, name = {}, None
        if far(record, means, 1e-4).any():
            after = (grads * path[1 : steps + 1]).sum(1)
            ideas = _records(losses, after, every, blocks)
            digits = [
                k
                for k in range(5)
                if (record - record.mul(10**k).round() / 10**k).abs().max() < 1e-9
            ]
            near = digits and (record - means).abs().max() < 0.51 * 10.0 ** -digits[0]
            name = "rounded" if near else None
        t.close(record, means, why, name, ideas, tol=1e-4)

    def longer(part, x, steps, why, ideas):
        """Other batches, and other ways to train by their settings."""
        t.property(f"the weights are those of Adam, also {part}")
        model = _Line(start)
        t.call(fit, model, _Stream(x), steps, every)
        grads = x[torch.arange(steps) % len(x)].double().mean(1)
        ideas = {
            name: [_path(grads, start, **how)[-1] for how in settings]
            for name, settings in ideas.items()
        }
        end, due = model.weight().detach(), _path(grads, start)[-1]
        t.close(end, due, why, ideas=ideas, tol=3e-5)

    # AMSGrad keeps the largest of Adam's averages of squares, which differs from the
    # last one only after a gradient that was far larger than all that follow.
    many = x[torch.arange(80) % 7]
    many[t.integer(0, 2)] *= 100
    why = "Adam's update (Kingma and Ba, 2015): averages that fade."
    ideas = {"another setting of Adam": [{"amsgrad": True}]}
    longer("after a batch with a huge gradient", many, 80, why, ideas)
    powers = [10.0**-k for k in range(3, 10)]
    ideas = {
        "another optimizer than Adam": [{"weight_decay": v} for v in powers],
        "another setting of Adam": [{"eps": v} for v in powers[1:5]],
    }
    why = "Nothing is added to the gradient, however small it is."
    longer("where all gradients are tiny", x * 1e-6, 20, why, ideas)
