"""Exercise start-02: A draw that leaves no trace."""

import torch

from .._exercise import Exercise, Stop


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

`with gm.seeded(seed):` does this. Write it without. The CPU's stream is enough here;
what becomes of a GPU's is not asked.
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
        "seed ignored": "The numbers are the next ones of the outer stream: torch's "
        "stream is neither Python's nor numpy's, and a new Generator is known only to "
        "those who are given it.",
        "one seed for all": "Another seed must give other numbers.",
        "depends on the outer stream": "The same seed gave other numbers where the "
        "outer stream was another one.",
        "outer stream moved on": "The state was kept too late, or a number was drawn "
        "from the outer stream on the way.",
        "outer stream started again": "A stream that is seeded again begins anew: the "
        "numbers of before come a second time.",
        "outer stream not put back": "The stream goes on from the seed: keep its state "
        "before the seed is set, and put it back after draw.",
        "put back to one place each time": "An old state, or one seed, whatever the "
        "stream was before: its state is to be kept anew in each call.",
        "outer stream seeded anew": "A new seed is not the place where the stream "
        "stood: keep its state before anything else, and put that back.",
        "outer stream at another place": "It stands elsewhere than before the call.",
        "other numbers at each call": "The same seed in the same outer stream gave "
        "other numbers: they come from a clock, a counter, or what is kept.",
        "draw never called": "The result of draw() is due, not draw nor a function "
        "that calls it.",
        "outer stream lost after an error": "A line after the call does not run when "
        "the call raises.",
        "error swallowed": "The caller has to learn that draw failed.",
        "error replaced": "The error of draw itself goes on, as it is.",
        "drawn more than once": "draw may be slow, or count its calls.",
        "result changed": "What draw returns is returned as it is.",
    },
)
def start_02(t, repeatable):
    # A small seed: what takes it for a number of calls is not called a million times.
    seed, n, here, there = t.integer(2, 99), t.integer(3, 6), 1_234, 5_678
    moved, drawn = t.integer(1, 9), []

    def draw():
        drawn.append(torch.randn(n))
        return drawn[-1]

    def wander(start):
        """The outer stream, on its way; a function that gives what is due from it."""
        torch.manual_seed(start)
        torch.rand(moved)
        state = torch.get_rng_state()
        return lambda f, n: f(n, generator=torch.Generator().set_state(state))

    def left(seed):
        """Why the outer stream is another one after a call."""
        now = torch.get_rng_state()
        torch.manual_seed(seed)
        for _ in range(3):  # draws of the seed, none to two
            if torch.equal(torch.get_rng_state(), now):
                return "outer stream not put back"
            torch.randn(n)
        wander(there + 1)
        t.guard(repeatable, draw, seed + 1)
        same = torch.equal(torch.get_rng_state(), now)
        return "put back to one place each time" if same else "outer stream seeded anew"

    def look(seed, start):
        """A call in some outer stream."""
        t.property("draw is called once, and its result returned")
        due, count = wander(start), len(drawn)
        try:
            out = t.call(repeatable, draw, seed)
        except Stop as stop:  # if the stream is another one: which, and why
            if stop.misconception == "global random state reseeded":
                stop.misconception = left(seed)
            raise
        after, times = torch.rand(4), len(drawn) - count
        kept = "result of an earlier call" if count else "draw never called"
        more = "drawn more than once" if times else kept
        t.true(times == 1, "One call of draw each time.", f"{times} calls", more)
        same = isinstance(out, torch.Tensor) and torch.equal(out, drawn[-1])
        got = f"another object, of type {type(out).__name__}"
        if isinstance(out, torch.Tensor):
            got = "other numbers than draw returned"
        t.true(same, "What draw returns.", got, "result changed")
        late = torch.equal(drawn[-1], due(torch.randn, n))
        why, got = "The numbers of the seed.", "the next ones of the outer stream"
        t.true(not late, why, got, "seed ignored")

        t.property("the outer stream goes on as if nothing had been drawn", of=out)
        stream = due(torch.rand, 500)
        anew = torch.rand(4, generator=torch.Generator().manual_seed(start))
        ideas = {
            "outer stream started again": anew,
            "outer stream moved on": list(stream.unfold(0, 4, 1)),
        }
        away = "outer stream at another place"
        t.equal(after, stream[:4], "Its next numbers, as before.", away, ideas)
        return out

    for own in (seed, 0):
        first, second, third = (look(own, start) for start in (here, there, here))
        t.property("the same seed, the same numbers" + (own == 0) * "; of seed 0 too")
        outer = "depends on the outer stream"
        outer = outer if torch.equal(first, third) else "other numbers at each call"
        t.equal(second, first, "The numbers depend on the seed alone.", outer)

    t.property("another seed, other numbers")
    why, got = "Two seeds, two streams.", "the same numbers for both"
    one = look(seed, here)
    for more in (1, 2, 10, 64, 100, 256, 1000, 2**16, 10**6):
        two = t.tensor(look(seed + more, here))
        t.true(not torch.equal(t.tensor(one), two), why, got, "one seed for all")

    t.property("where draw raises, the error goes on, and so does the outer stream")

    def attempt(failure):
        tries = []

        def failing():
            tries.append(torch.rand(3))
            raise failure

        due, end = wander(here), None
        before = torch.get_rng_state()
        try:
            repeatable(failing, seed)
        except Exception as error:
            end = error
        after = torch.rand(4)
        torch.set_rng_state(before)
        return (end, len(tries)), after, due(torch.rand, 4)

    for failure in (ValueError("draw failed"), KeyError("nothing to draw")):
        (end, tries), after, due = t.call(attempt, failure)
        t.true(
            tries == 1, "One call of draw.", f"{tries} calls", "drawn more than once"
        )
        why, got = "The error of draw reaches the caller.", f"{end!r}"
        name = "error replaced" if end else "error swallowed"
        t.true(end is failure, why, got, name)
        lost = "outer stream lost after an error"
        t.equal(after, due, "The outer stream, as before.", lost)

    t.property("what draw returns need not be a tensor")
    record = {"mean": 0.5}
    out = t.call(repeatable, lambda: record, seed)
    t.true(out is record, "The very object.", type(out).__name__, "result changed")
