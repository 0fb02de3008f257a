"""Exercise start-02: A draw that leaves no trace."""

import torch

from .._exercise import Exercise


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
