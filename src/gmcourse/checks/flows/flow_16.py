"""Exercise flow-16: A step of another kind."""

from itertools import chain

import torch

from .._exercise import Exercise
from .._parts import mistakes
from .._trial import alike
from ._shared_maps import along, in_float32


@Exercise(
    id="flow-16",
    title="A step of another kind",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Read a method of Runge and Kutta from its table, so that any of them is one "
        "function and a few numbers.",
    ),
    statement=r"""
Every explicit method of Runge and Kutta is a table of numbers, after
[Butcher (1964)](https://doi.org/10.1017/S1446788700023387): with $s$ stages it has $A$
($s$ rows of $s$ numbers, 0 on and above the diagonal), $b$ and $c$ ($s$ numbers each).
The rates of the stages and the step from $y$ at time $t$ are

$$
k_i = f\Bigl(t + c_i\, \Delta t,\; y + \Delta t \sum_{j < i} A_{ij}\, k_j\Bigr),
\qquad y' = y + \Delta t \sum_i b_i\, k_i .
$$

Write `step(tableau, f, t, dt, state)`. `tableau` is the tuple `(A, b, c)` of tuples of
Python floats, `A` a tuple of $s$ rows; take all numbers as they are given, also where
$c_i$ is not the sum of row $i$ or $b$ does not sum to 1. `t` and `dt` are floats, `dt`
negative where time runs backward. `state` is a tuple of one or more tensors of any
shapes, also `()`, all float32 or all float64, and `f(t, *state)` gives the tuple of
their rates, of the same shapes and type. Call `f` $s$ times, once for each stage, in
their order, also where $b_i = 0$.

Return the state after the step: a tuple of as many tensors, each of the shape and type
of its own, to the digits of that type. Gradients flow to `state` and through `f`.
Neither `state` nor what `f` returned is changed, and nothing is kept for the next call.
All rates are finite.
""",
    stub='''
def step(tableau, f, t, dt, state):
    """(A, b, c), function, float, float, tuple of tensors -> the same."""
    return ...
''',
    answers={"step": callable},
    hints=(
        "Keep a list of the rates that `f` has given so far, each a tuple. Stage $i$ "
        "needs the first $i$ of them.",
        "All stages start from `state`, and so does the step: only the weights differ, "
        "a row of $A$ or $b$. One small function moves the tuple by weights and rates.",
        "`zip(A[i], rates)` ends with the shorter of the two.",
    ),
    misconceptions={
        "no tuple of the state's length": "A tuple with as many tensors as the state.",
        "a stage left out": "Each stage is one call of f, also where its weight in b "
        "is 0: others may need its rate.",
        "stages computed again": "Each stage costs one call of f; its rate is kept.",
        "times of the stages left out": "Stage i is at t + c_i dt: a rate that depends "
        "on time is another one there.",
        "time of a stage otherwise": "Stage i is at t + c_i dt, whatever row i is.",
        "stages all taken at the start": "The rates of earlier stages move the point "
        "at which f is asked.",
        "only the first tensor moved": "All tensors of the state go along, also inside "
        "the stages.",
        "dt once too often": "A rate is multiplied by dt once.",
        "dt left out": "A rate times dt is a way.",
        "size of dt in place of dt": "dt is negative where time runs backward.",
        "only the stage before": "A stage may need the rates of all stages before it.",
        "row of another stage": "Stage i moves by row i of A.",
        "b in place of a row of A": "b is for the end of the step, the rows of A are "
        "for the stages.",
        "c in place of a row of A": "c holds times, and A says how to get there; with "
        "one number in each row they look alike.",
        "only the change": "The state after the step is due: the start plus the way.",
        "begun at the stage before": "Every stage, and the step, begin at the state "
        "that was given.",
        "last row of A in place of b": "The last stage is no end: the weights of the "
        "step are b.",
        "weights in another order": "b belongs to the stages in their order.",
        "all stages weighted alike": "The weights of the step are b.",
        "one stage alone": "The step is a sum over all stages, with the weights b.",
        "weights scaled to sum to 1": "The numbers are taken as they are given.",
        "coefficients rounded to float32": "A tensor made of Python floats is float32: "
        "its numbers have seven digits.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def flow_16(t, step):
    def judged(name, tableau, shapes=((3, 2), (4,), ()), kind=torch.float64, dt=0.0,
               f=None, begun=None, known=None):  # fmt: skip
        t.property(name)
        f = (f or Rates(t, shapes, kind, len(tables) % 2 == 1)).anew()
        begin = begun[0] if begun else float(t.away(1, low=0.3, high=2)) / 0.7
        dt = dt or float(t.away(1, low=0.3, high=1.5)) / 0.7
        drawn = tuple(t.away(*n, low=0.4, high=2).to(kind) / 0.7 for n in shapes)
        state, (A, b, c), s = begun[1] if begun else drawn, tableau, len(tableau[1])
        before = [v.clone() for v in state]
        out = t.call(step, tableau, f, begin, dt, state)
        for was, now in zip([*before, *f.given], [*state, *f.kept], strict=True):
            if not torch.equal(was, now):
                t.spoiled("input changed in place", "The state or a rate has changed.")
        fits = isinstance(out, tuple | list) and len(out) == len(state)
        got = f"an object of type {type(out).__name__}"
        t.true(fits, f"{len(state)} tensors.", got, "no tuple of the state's length")
        if len(f.times) != s:
            name = "stages computed again" if len(f.times) > s else "a stage left out"
            kept = any(alike(list(out), v) for v in past)
            name = "result of an earlier call" if kept else known or name
            t.fail(name, why=f"{s} calls of f.", got=f"{len(f.times)} calls of f")

        def held(part, n, begun, rows):
            """A tensor of a stage's state, or of the result, by its weights."""
            t.shape(part, shapes[n], "that of its tensor.")
            t.dtype(part, kind, "that of the state.")
            rates = torch.stack([k[n].double() for k in f.stages])
            make = lambda y, h, w: y + h * torch.tensordot(one(w), rates, 1)  # noqa: E731
            start, tol = before[n].double(), 1e-11 if kind == torch.float64 else 1e-5
            rounded = {"coefficients rounded to float32": [single(rows[""])]}
            parts = (
                {
                    "": start,
                    "begun at the stage before": begun,
                    "only the change": 0 * start,
                    "float32 in between": start.float().double(),
                },
                sizes,
                rows | rounded,
            )
            due, others = (
                make(start, dt, rows[""]),
                mistakes(make, *parts, tol=10 * tol),
            )
            still = [("only the first tensor moved", start)] * (n > 0)
            found = chain([in_float32(t.tensor(part), due)], still, others)
            found = None if known else found
            t.close(part, due, "The start plus dt times the sum.", known, found, tol)

        old = [v for v in tables if len(v[1]) == s]
        sizes = {"": dt, "dt once too often": dt * dt, "dt left out": 1.0,
                 "size of dt in place of dt": abs(dt)}  # fmt: skip
        for i in reversed(range(s)):  # of the first stage most mistakes look alike
            t.property(f"the time of each stage: {name}")
            others = c[i], abs(dt) * c[i], sum(A[i]) * dt, dt, c[i] * dt - begin
            ideas = {
                "result of an earlier call": [one(begin + v[2][i] * dt) for v in old],
                "times of the stages left out": one(begin),
                "time of a stage otherwise": [
                    one(begin + v) for v in (*others, *(v * dt for v in c))
                ],
                "coefficients rounded to float32": one(begin + single(c)[i] * dt),
            }
            other = "time of a stage otherwise"
            other = other if abs(f.times[i] - begin - c[i] * dt) > 1e-5 else None
            told = "t + c dt, with the c of the stage.", other, ideas, 1e-11
            t.close(one(f.times[i]), one(begin + c[i] * dt), *told)
            t.property(f"the state of each stage: {name}")
            rows = {
                "": A[i],
                "result of an earlier call": [v[0][i] for v in old],
                "stages all taken at the start": [(0.0,) * s],
                "only the stage before": [unit(s, i - 1, A[i][i - 1])],
                "row of another stage": [v for j, v in enumerate(A) if j != i],
                "b in place of a row of A": [b, b[:i] + (0.0,) * (s - i)],
                "c in place of a row of A": [unit(s, j, c[i]) for j in (i - 1, 0)]
                + [c],
            }
            for n, part in enumerate(f.seen[i]):
                held(part, n, f.seen[max(i - 1, 0)][n].double(), rows)
        t.property(name, of=out[0])
        rows = {
            "": b,
            "result of an earlier call": [v[1] for v in old],
            "last row of A in place of b": [A[-1]],
            "weights in another order": [b[::-1]],
            "all stages weighted alike": [(v,) * s for v in (1 / s, 1.0)],
            "one stage alone": [unit(s, j, v) for j in range(s) for v in (1.0, b[j])],
            "weights scaled to sum to 1": [tuple(v / (sum(b) or 1.0) for v in b)],
            "c in place of a row of A": [c],
        }
        for n, part in enumerate(out):
            held(part, n, f.seen[-1][n].double(), rows)
        past.append([v.detach() for v in out])
        tables.append(tableau)
        return begin + dt, out

    past, tables = [], []
    judged("four stages of any numbers", any_table(t, 4))
    judged("the same shapes again, other numbers", any_table(t, 4))
    judged("Ralston's method", (((0.0, 0.0), (2 / 3, 0.0)), (0.25, 0.75), (0.0, 2 / 3)))
    judged("a stage of weight 0", (((0.0, 0.0), (0.5, 0.0)), (0.0, 1.0), (0.0, 0.5)))
    A, b, c = any_table(t, 4)
    for idle in (1, 3):
        rows = tuple(tuple(v * (j != idle) for j, v in enumerate(row)) for row in A)
        weights = tuple(v * (j != idle) for j, v in enumerate(b))
        judged("a stage whose rate nothing uses", (rows, weights, c))
    for s, shapes in (
        (1, ((2,),)),
        (7, ((1, 1), (5,))),
        (2, ((), (), (2, 1, 3), (1,))),
    ):
        judged(f"{s} stages, {len(shapes)} tensors", any_table(t, s), shapes)
    for dt in (-0.7, 0.013):
        judged(f"dt = {dt}", any_table(t, 3), dt=dt)
    judged("float32", any_table(t, 4), kind=torch.float32)
    judged("rates that are the state itself", any_table(t, 4), f=Rates(t))
    A, b, c = any_table(t, 3)
    table, shapes = ((*A[:2], (*b[:2], 0.0)), (*b[:2], 0.0), (*c[:2], 1.0)), ((2, 3),)
    f, name = Rates(t, shapes), "a step from where the last one ended"
    now, out = judged("a last stage at the end of the step", table, shapes, f=f, dt=0.4)
    begun, known = (now, tuple(out)), "result of an earlier call"
    for rates in (f, Rates(t, shapes)):  # the same, and others
        judged(name, table, shapes, dt=0.4, f=rates, begun=begun, known=known)
    shapes = (), (), (2, 1, 3), (1,)
    f, table = Rates(t, shapes, torch.float64), any_table(t, 4)
    state = tuple(t.away(*n, low=0.4, high=2).double().requires_grad_() for n in shapes)
    run = lambda: t.call(step, table, f, 0.4, -0.6, state)  # noqa: E731
    names = [f"tensor {n}" for n in range(len(shapes))]
    along(t, run, [*state, *f.weights], names, "input changed in place")


def one(number):
    return torch.tensor(number, dtype=torch.float64)


def single(numbers):
    return tuple(torch.tensor(numbers, dtype=torch.float32).tolist())


def unit(s, j, size):
    return tuple(size * (i == j) for i in range(s))


def any_table(t, s):
    """Numbers in thirds, which are no float32; c is not what the rows sum to."""
    rows = t.away(s, s, low=0.5, high=3).double().tril(-1) / 3
    b, c = (t.away(s, low=0.5, high=3).double() / 3 for _ in range(2))
    return tuple(map(tuple, rows.tolist())), tuple(b.tolist()), tuple(c.tolist())


class Rates:
    """Rates of several tensors that depend on each other and on time; it keeps all.

    Gradients need what it was given and what it gave. Without shapes a rate is the
    tensor of the state itself.
    """

    def __init__(self, t, shapes=(), kind=torch.float64, free=True):
        self.weights = [t.away(*n, low=0.5, high=1.5).to(kind) for n in shapes]
        for w in self.weights:
            w.requires_grad_(free)
        self.anew()

    def anew(self):
        self.times, self.seen, self.stages, self.given, self.kept = [], [], [], [], []
        return self

    def __call__(self, time, *state):
        middle = sum(v.mean() for v in state) + 1.3 * float(time)
        both, rates = zip(self.weights, state), state
        if self.weights:
            rates = tuple((w * v + middle * w.sign()).sin().exp() for w, v in both)
        self.times.append(float(time))
        self.seen.append([v.detach().clone() for v in state])
        self.stages.append([v.detach().clone() for v in rates])
        self.given += self.stages[-1]
        self.kept += [v.detach() for v in rates]
        return rates
