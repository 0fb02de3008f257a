"""Exercise flow-23: A step that chooses its size."""

import math

import torch

from .._exercise import Exercise
from ._shared_maps import pair

ACCEPTED = "errors above the tolerance accepted"
ENDS = "end missed or overshot"


@Exercise(
    id="flow-23",
    title="A step that chooses its size",
    difficulty=4,
    minutes=40,
    compute="cpu-instant",
    points=5,
    objectives=(
        "Control the steps of a solver by an estimate of the error of each, and see "
        "what a tolerance costs in evaluations.",
    ),
    statement=r"""
A solver that knows its error can choose its steps: long ones where the velocity hardly
changes, short ones where it does. Two methods of different orders that share their
evaluations, an *embedded pair*, give the estimate: with Euler's and Heun's it is the
difference of the two, and costs nothing.

Write `adaptive(f, x, start, end, tolerance)`, which solves
$\mathrm dx / \mathrm dt = f(x, t)$ from `start` to `end` with a pair of your choice.
`x` is `(b, d)`, float32 or float64, as the result is; `f` takes such a tensor and a
number. Return the pair of $x$ at the time `end` and the number of all evaluations of
`f`, an `int`.

- The error of a step is the *largest* absolute difference of the two solutions, over
  all entries of the batch: entries that do not move change no step, and none counts
  twice. A step is taken if its error is at most `tolerance`, with the better of the two
  solutions; otherwise it is tried again from the same place, shorter. An error that is
  inf or nan is too large.
- After each try the next size follows from the error, `tolerance` and the order, with
  some margin and within limits for one try. An error of 0 is none to divide by.
- The last step ends at `end` exactly, and `f` is asked for no time outside of the
  interval. `end` may be before `start`, or equal to it, where `x` stays as it is.
- First step, margin and limits are yours. Where `f` hardly lets errors grow, the result
  is within 100 times `tolerance`. What the check solves takes the pair of Euler and
  Heun up to about 1,000 evaluations, and may take nobody more than 4,000. A decay at
  the rate 1, $\mathrm dx / \mathrm dt = -x$, over a hundred units of time, most of
  them at rest, may take at most 1,500 at a tolerance of $10^{-4}$.

No gradient is asked for.
""",
    stub='''
def adaptive(f, x, start, end, tolerance):
    """function, (b, d), float, float, float -> (b, d), int."""
    return ..., ...
''',
    answers={"adaptive": callable},
    hints=(
        "A loop while the time is not `end`: cut the step to what is left, try it, and "
        "only if its error is small enough move both the time and $x$.",
        "The difference of a pair of orders 1 and 2 is proportional to $h^2$: by which "
        "factor has $h$ to change for it to become `tolerance`?",
        "Let $h$ carry the sign of the way, compare sizes by `abs`. What becomes of "
        "your factor where the error is 0, inf or nan?",
    ),
    misconceptions={
        "no pair": "Two results are due, x and the number of evaluations.",
        "evaluations miscounted": "Each call of f counts, also in a rejected step.",
        ENDS: "The last step is cut to what is left of the interval.",
        "only forward in time": "Where end is before start the steps are negative.",
        "time not passed on": "f is asked at the time of each stage.",
        ACCEPTED: "A step whose error is too large moves neither x nor the time.",
        "the worse of the two carried on": "Its error is the tolerance in each step, "
        "and adds up over hundreds of them.",
        "error averaged over the entries": "One entry that moves drowns in thousands "
        "that do not: the largest error counts.",
        "error relative to the size of x": "The tolerance is absolute, however large x "
        "is.",
        "errors added up over the entries": "The error is that of the worst entry.",
        "steps never grow": "Where the error is small the next step is longer.",
        "tolerance not used": "A looser tolerance takes fewer evaluations.",
        "division by an error of 0": "A constant velocity is solved without an error.",
        "too many evaluations": "Steps shrink without an end, or never grow again.",
        "an error of inf or nan": "It is too large, and no number to compute with.",
    },
)
def flow_23(t, adaptive):
    class Enough(BaseException):
        """Passes through an answer that catches exceptions."""

    def solved(name, f, x, start, end, tol, limit=4000, told=None, edge=None):
        """What is true of all solves; the state at the end and the evaluations."""
        times = []

        def counted(x, now):
            times.append(float(now))
            if len(times) > limit:
                raise Enough
            return f(x, now)

        t.property(name)
        given = adaptive, counted, x, start, end, tol
        try:
            out = t.edge(edge, *given) if edge else t.call(*given)
        except Enough:
            why = f"At most {limit} evaluations of f."
            t.fail(told or "too many evaluations", why=why, got="More.")
        moved, count = pair(t, out, "(x, evaluations)")
        t.shape(moved, x.shape, "that of x.")
        t.dtype(moved, x.dtype, "that of x.")
        t.finite(moved, "A state.", edge)
        low, high = min(start, end), max(start, end)
        far = max([low - s for s in times] + [s - high for s in times] + [0.0])
        got = f"f was asked {far:.4g} outside of [{low:.4g}, {high:.4g}]"
        t.true(far <= 1e-9 * (1 + high - low), "Times of the interval.", got, ENDS)
        why, got = (
            "All evaluations, an int.",
            f"{count!r}, and f was called {len(times)}",
        )
        same = type(count) is int and count == len(times)
        t.true(same, why, f"{got} times", "evaluations miscounted")
        return moved, len(times)

    def within(out, due, tol, name=None, ideas=None, most=100.0):
        out, ideas = t.tensor(out).detach().double(), ideas or {}
        fits = [k for k, v in ideas.items() if torch.allclose(out, v, 0, 100 * tol)]
        why = f"The error at the end, in units of the tolerance, {tol:g}."
        t.at_most((out - due).abs() / tol, most, why, fits[0] if fits else name)

    def driven(b, d, start, end, kind=torch.float64):
        """Entries that follow a wave, where they are at the end, and at a lost time."""
        size, x = t.away(b, d, low=0.5, high=1.5), t.away(b, d, low=0.3, high=1.5)
        at, wide, y = torch.tensor([start, end]).double(), size.double(), x.double()
        first, last = (at.cos() + at.sin()) / 2
        fade = torch.exp(at[0] - at[1])
        due = wide * last + (y - wide * first) * fade
        stuck = wide * at[0].cos()
        stuck = stuck + (y - stuck) * fade
        size, x = size.to(kind), x.to(kind)

        def f(x, now):
            return size * float(torch.as_tensor(now).double().cos()) - x

        return f, x, due, {"time not passed on": stuck}

    # A velocity that rises within a moment, and stays: no step can miss it.
    c, x = float(t.uniform(low=0.5, high=0.7)), t.normal(2, 2).double()

    def rise(x, now):
        late = (torch.as_tensor(now).double() - c) / 0.05
        return 1 + 40 * float(late.sigmoid()) + 0 * x

    ends = [(torch.tensor(s - c).double() / 0.05).exp().log1p() for s in (0.0, 1.7)]
    due = x + 1.7 + 2 * (ends[1] - ends[0])
    stuck = {"time not passed on": x + 1.7}
    out, _ = solved("a sudden rise", rise, x, 0.0, 1.7, 1e-4)
    within(out, due, 1e-4, ACCEPTED, stuck, most=1000.0)
    within(out, due, 1e-4, "the worse of the two carried on")
    out, _ = solved("a sudden rise far from 0", rise, x + 1e5, 0.0, 1.7, 1e-4)
    within(out, due + 1e5, 1e-4, "error relative to the size of x")

    t.property("one entry that moves among many that do not")
    pull = torch.zeros(300, 100).double()
    pull[t.integer(0, 299), t.integer(0, 99)] = 1.0
    counts = []
    for speed in (torch.ones(1, 1).double(), pull, torch.ones(3, 3).double()):
        wave = lambda x, now, a=speed: -5 * a * x  # noqa: E731
        given = wave, torch.ones_like(speed), 0.0, 1.0, 1e-4
        counts.append(solved("one entry that moves among many", *given)[1])
    why = f"{counts[0]} evaluations, as of the entry alone."
    found = {
        "error averaged over the entries": min(counts) < 0.9 * counts[0],
        "errors added up over the entries": max(counts) > 1.1 * counts[0],
    }
    name = next((k for k, v in found.items() if v), None)
    t.true(name is None, why, f"{counts[1:]} evaluations", name)

    f, x, due, ideas = driven(4, 3, 0.3, 4.0)
    out, many = solved("a driven decay", f, x, 0.3, 4.0, 1e-4)
    within(out, due, 1e-4, None, ideas)
    again, more = solved("the same again", f, x, 0.3, 4.0, 1e-4)
    same = many == more and torch.equal(t.tensor(out), t.tensor(again))
    why, got = "The same state and evaluations.", f"{many} evaluations, then {more}"
    t.true(same, why, got, "result of an earlier call")
    _, few = solved("a looser tolerance", f, x, 0.3, 4.0, 1e-2)
    got = f"{many} evaluations for 1e-4, {few} for 1e-2"
    t.true(1.5 * few <= many, "Fewer evaluations.", got, "tolerance not used")

    slope = t.away(3, 2, low=0.5, high=2).double()
    for c in (slope, 0 * slope):
        start, end = (float(v) for v in t.uniform(2, low=0.1, high=0.9))
        given = (lambda x, now, c=c: c), slope, start, end + 2, 1e-4
        moved, _ = solved("constants", *given, edge="division by an error of 0")
        t.close(moved, slope + c * (end + 2 - start), "All the way.", ENDS, tol=1e-8)

    for now, then, tol in ((0.3, 4.0, 1e-4), (2.0, -1.0, 1e-4), (0.0, 0.01, 1e-3)):
        f, x, due, ideas = driven(3, 5, now, then)
        name = "back in time" if then < now else "a driven decay"
        out, _ = solved(name, f, x, now, then, tol)
        within(out, due, tol, None, {**ideas, "only forward in time": x})
    for b, d in ((1, 1), (1, 3), (3, 1)):
        f, x, due, _ = driven(b, d, -1.0, 1.0, torch.float32)
        within(solved("float32", f, x, -1.0, 1.0, 1e-4)[0], due, 1e-4)
    moved, _ = solved("no way at all", f, x, 0.7, 0.7, 1e-4, edge=ENDS)
    t.close(moved, x, "x as it is.", ENDS, tol=0.0)

    x = t.away(2, 3, low=0.5, high=1).double()
    given = (lambda x, now: -x), x, 0.0, 100.0, 1e-4
    out, _ = solved("a long rest", *given, 1500, "steps never grow")
    within(out, 0 * x, 1e-4)
    x, told = t.away(3, 1, low=18, high=22).double(), "an error of inf or nan"
    steep = lambda x, now: -x.sinh()  # noqa: E731
    out, _ = solved("steps that overflow", steep, x, 0.0, 1.0, 1e-3, 4000, told, told)
    within(out, 2 * ((x / 2).tanh() * torch.tensor(-1.0).exp()).atanh(), 1e-3, told)

    # Rates of 1, until one entry rests before a wall: there is no rate behind it.
    for _ in range(3):
        c, w = float(t.uniform(low=1.5, high=2.5)), 0.05
        wall = torch.arange(4)[:, None] == t.integer(0, 3)

        def walled(x, now, c=c, w=w, wall=wall):
            near = ((c - x) / w).tanh() + 0 * (c + 0.2 - x).log()
            return torch.where(wall, near, 1 + 0 * x)

        x, end = torch.zeros(4, 1).double(), c + 0.5
        given = walled, x, 0.0, end, 1e-4
        out, _ = solved("steps into nan", *given, told=told, edge=told)
        rest = (torch.tensor(c / w).double().sinh() * math.exp(-end / w)).asinh()
        within(out, torch.where(wall, c - w * rest, end), 1e-4, told)
