"""Exercises of the chapter that opens the course."""

import torch
from torch import Tensor, nn

from ._engine import Exercise


@Exercise(
    id="start-01",
    title="From pixels to a batch",
    difficulty=1,
    minutes=10,
    compute="cpu-instant",
    points=1,
    objectives=(
        "Bring images into the shape, type and range that the models of the course "
        "expect.",
    ),
    statement=r"""
A picture read from a file is usually an array of bytes with the colors last:
`(height, width, 3)`, and `(height, width)` if it is gray. The models of this course
want the colors before the rows: `(b, channels, height, width)`, in float32.

Write `to_batch(pixels)`: `pixels` is a uint8 tensor, `(b, h, w)` for gray pictures or
`(b, h, w, 3)` for color ones. Return a float32 tensor of shape `(b, 1, h, w)` or
`(b, 3, h, w)` in which level 0 has become −1, level 255 has become 1, and the levels
between lie at equal distances. The number of axes alone says which case it is, and
`pixels` stays as it was.
""",
    stub='''
def to_batch(pixels):
    """uint8 (b, h, w) or (b, h, w, 3) -> float32 (b, 1 or 3, h, w)."""
    return ...
''',
    answers={"to_batch": callable},
    hints=(
        "Two things are due that have nothing to do with each other: the order of the "
        "axes, and the values. Look at `pixels.ndim` for the first.",
        "`reshape` keeps the order of the numbers in memory and only cuts them anew; "
        "`permute` and `movedim` move an axis. And a uint8 tensor counts modulo 256: "
        "what is `2 * pixels` for a level of 200?",
        "Make floats first. Then which number must you divide by, and what must you "
        "subtract, so that 0 and 255 come out right?",
    ),
    misconceptions={
        "channels left last": "The second axis is that of the colors, so that a "
        "convolution finds them where it looks.",
        "channels before the batch": "The first axis counts the pictures, whatever "
        "their kind.",
        "channel axis of gray pictures missing": "A gray picture has one channel, and "
        "it has an axis of its own.",
        "height and width swapped": "Moving the colors must not turn the picture: the "
        "rows stay before the columns.",
        "reshaped where an axis was to be moved": "The shape is right and the picture "
        "is scrambled: reshape and view keep the order of the numbers in memory.",
        "colors averaged away": "A color picture keeps its three channels.",
        "order of the colors changed": "Red, green and blue stay in this order.",
        "case told by the size of an axis": "A gray picture may be three pixels wide: "
        "the number of axes decides.",
        "range 0 to 1": "Black is due at -1, not at 0.",
        "divided by 256": "There are 256 levels but 255 steps between them: with 256 "
        "white does not reach 1.",
        "left at 0 to 255": "Networks train badly on inputs of size 255.",
        "bytes that wrap around": "uint8 arithmetic is modulo 256: 2 · 200 is 144, and "
        "100 - 128 is 228. No error is raised.",
        "levels lost": "All 256 levels are due, equally far apart; an integer division "
        "keeps a few, and 16 bits do not hold the steps between them.",
        "scaled by the picture's own statistics": "The same level must mean the same "
        "in every picture, else a dark one and a bright one look alike.",
        "batch axis lost": "A batch of one is a batch: squeeze() removes its axis too.",
    },
)
def start_01(t, to_batch):
    b, h, w = t.integer(4, 5), t.integer(6, 7), t.integer(8, 9)

    def levels(*shape, low=0, high=255):
        return t.integers(*shape, low=low, high=high).to(torch.uint8)

    t.property("color pictures: three channels, before rows and columns")
    color = levels(b, h, w, 3)
    out = t.call(to_batch, color)
    ideas = {
        "channels left last": (b, h, w, 3),
        "channels before the batch": (3, b, h, w),
        "height and width swapped": (b, 3, w, h),
        "colors averaged away": [(b, 1, h, w), (b, h, w)],
    }
    t.shape(out, (b, 3, h, w), "batch, channels, height, width.", ideas=ideas)

    t.property("gray pictures: one channel")
    ideas = {
        "channel axis of gray pictures missing": (b, h, w),
        "channels left last": (b, h, w, 1),
        "channels before the batch": (1, b, h, w),
        "height and width swapped": (b, 1, w, h),
    }
    gray = t.call(to_batch, levels(b, h, w))
    t.shape(gray, (b, 1, h, w), "batch, one channel, height, width.", ideas=ideas)

    t.property("float32")
    t.dtype(out, torch.float32, "the type of the models' weights.")
    t.dtype(gray, torch.float32, "the type of the models' weights.")

    t.property("levels 0 to 255: equal steps from -1 to 1")
    ramp = torch.arange(256)
    table = t.tensor(t.call(to_batch, ramp.to(torch.uint8).view(1, 16, 16))).flatten()
    wrapped = [(2 * ramp) % 256 / 255 - 1, (ramp - 128) % 256 / 127.5]
    wrapped += [(2 * ramp - 255) % 256 / 255, (ramp - 127) % 256 / 128]
    lost = [(2 * ramp).div(255, rounding_mode="floor") - 1.0]
    lost += [ramp.to(short) / 127.5 - 1 for short in (torch.float16, torch.bfloat16)]
    ideas = {
        "range 0 to 1": torch.linspace(0, 1, 256),
        "divided by 256": [(ramp - low) / 128 for low in (127, 127.5, 128)],
        "left at 0 to 255": ramp,
        "bytes that wrap around": wrapped,
        "levels lost": lost,
        "scaled by the picture's own statistics": (ramp - 127.5) / ramp.float().std(),
    }
    t.shape(table, (256,), "one value for each pixel.")
    why = "0 is at -1, 255 is at 1, and 255 equal steps lie between."
    t.close(table, torch.linspace(-1, 1, 256), why, ideas=ideas)

    t.property("a level means the same in every picture")
    dull = levels(b, h, w, low=90, high=160)
    why = "The values that these levels had in the picture of all 256."
    own = "scaled by the picture's own statistics"
    t.close(t.call(to_batch, dull)[:, 0], table[dull.long()], why, misconception=own)

    t.property("every pixel of a color picture stays where it was")
    values = table[color.long()]
    why = "out[i, k, row, column] belongs to pixels[i, row, column, k]."
    scrambled = "reshaped where an axis was to be moved"
    for k in range(3):
        ideas = {"order of the colors changed": values[..., 2 - k]}
        t.close(out[:, k], values[..., k], why, misconception=scrambled, ideas=ideas)

    t.property("a gray picture that is three pixels wide")
    narrow = levels(b, h, 3)
    ideas = {
        "case told by the size of an axis": [(b, 3, h), (b, 3, h, 1), (b, 3, 1, h)]
    }
    out = t.call(to_batch, narrow)
    t.shape(out, (b, 1, h, 3), "three axes: gray.", ideas=ideas)

    t.property("a single picture, a single pixel")
    for shape, due in (((1, 1, 1), (1, 1, 1, 1)), ((1, 1, 1, 3), (1, 3, 1, 1))):
        out = t.call(to_batch, levels(*shape))
        t.shape(out, due, "axes of length one count.", "batch axis lost")


class _Outside(Exception):
    """What the check's own draw raises: no mistake of the learner's."""


@Exercise(
    id="start-02",
    title="A draw that leaves no trace",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Make a draw repeatable without changing any random number that is drawn after "
        "it.",
    ),
    statement=r"""
Every 100 steps you look at 16 samples of a model in training, always from the same
noise, so that only the model differs. If that look uses up random numbers, or sets the
seed, the training after it is another one than the training without it.

Write `repeatable(draw, seed)`: `draw` is a function without arguments that draws from
PyTorch's global stream (so no `generator=` can be passed to it); `seed` is an integer.
Call `draw` once and return what it returns. The numbers depend on `seed` alone:
the same seed gives the same ones wherever the global stream stands, another seed gives
others. Afterward the global stream goes on as if nothing had been drawn, even where
`draw` raised an error; the error itself goes on to the caller.

`with gm.seeded(seed):` does this. Write it without; the CPU's stream is enough here.
""",
    stub='''
def repeatable(draw, seed):
    """What draw() returns, from a stream of its own."""
    return ...
''',
    answers={"repeatable": callable},
    hints=(
        "Setting a seed afterward cannot bring the stream back to where it was: its "
        "position is lost. What would you have to keep beforehand?",
        "`torch.get_rng_state()` returns the whole state as a tensor, and "
        "`torch.set_rng_state(state)` puts it back.",
        "A line that must run whatever happens belongs in `finally`.",
    ),
    misconceptions={
        "seed ignored": "Two calls with the same seed gave different numbers: the "
        "stream that draw uses was not set. torch's stream is neither Python's nor "
        "numpy's, and a new Generator is known only to those who are given it.",
        "one seed for all": "Another seed must give other numbers.",
        "outer stream moved on": "The state was kept too late, or a number was drawn "
        "from the outer stream on the way.",
        "outer stream started again": "A stream that is seeded again begins anew: the "
        "numbers of before come a second time.",
        "outer stream lost after an error": "A line after the call does not run when "
        "the call raises.",
        "error swallowed": "The caller has to learn that draw failed.",
        "result of an earlier call": "The same seed with another draw is another "
        "result: only the stream is to be the same.",
        "drawn more than once": "draw may be slow, or count its calls.",
        "result changed": "What draw returns is returned as it is.",
    },
)
def start_02(t, repeatable):
    seed, n = t.integer(1, 10**6), t.integer(3, 6)
    calls = []

    def draw():
        calls.append("normal")
        return torch.randn(n)

    def other():
        return torch.rand(n, 2)

    def failing():
        torch.rand(3)
        raise _Outside("draw failed")

    def wander():
        """The outer stream, somewhere else than before."""
        torch.rand(t.integer(1, 9))

    t.property("draw is called once, and its result returned")
    wander()
    outer = torch.random.get_rng_state()
    out = t.call(repeatable, draw, seed)
    after, anew = torch.rand(4), torch.Generator().manual_seed(torch.initial_seed())
    times = len(calls)
    more = "drawn more than once"
    t.true(times == 1, "One call of draw.", f"{times} calls", more if times else None)
    t.shape(out, (n,), "The shape of what draw returns.", "result changed")

    t.property("the same seed, the same numbers")
    wander()
    again = t.call(repeatable, draw, seed)
    t.equal(again, out, "The numbers depend on the seed alone.", "seed ignored")

    t.property("another seed, other numbers")
    third = t.call(repeatable, draw, seed + 1)
    same = torch.equal(t.tensor(third), t.tensor(out))
    got = "the same numbers for both"
    t.true(not same, "Two seeds, two streams.", got, "one seed for all")

    t.property("the same seed with another draw")
    mixed = t.call(repeatable, other, seed)
    t.shape(mixed, (n, 2), "What this draw returns.", "result of an earlier call")

    t.property("the outer stream goes on as if nothing had been drawn")
    due = torch.rand(4, generator=torch.Generator().set_state(outer))
    first = torch.rand(4, generator=anew)
    ideas = {"outer stream started again": first}
    why = "The next numbers of the stream, as they were due before the call."
    t.equal(after, due, why, misconception="outer stream moved on", ideas=ideas)

    t.property("so it does where draw raises, and the error goes on")
    wander()
    before = torch.random.get_rng_state()

    def attempt():
        end = "returned"
        try:
            repeatable(failing, seed)
        except _Outside:
            end = "raised"
        after = torch.rand(4)
        torch.random.set_rng_state(before)
        return end, after

    end, after = t.call(attempt)
    why = "The error of draw reaches the caller."
    t.true(end == "raised", why, "no error", "error swallowed")
    due = torch.rand(4, generator=torch.Generator().set_state(before))
    lost = "outer stream lost after an error"
    t.equal(after, due, "The outer stream, as before.", misconception=lost)

    t.property("what draw returns need not be a tensor")
    record = {"mean": 0.5}
    out = t.call(repeatable, lambda: record, seed)
    t.true(out is record, "The very object.", type(out).__name__, "result changed")


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
