"""Mistakes in solvers.py, and the tests that must notice them."""

TESTS = ("test_continuous.py",)
MUTANTS = [
    (
        "a whole step to the middle",
        "euler(f, t, dt / 2, state)",
        "euler(f, t, dt, state)",
    ),
    ("the middle's rate at the beginning", "f(t + dt / 2, *half)", "f(t, *half)"),
    ("the middle's state not moved", "f(t + dt / 2, *half)", "f(t + dt / 2, *state)"),
    (
        "the end's rate at the beginning",
        "last = f(t + dt, *_moved(state, dt, first))",
        "last = f(t, *_moved(state, dt, first))",
    ),
    (
        "the end's rate at half the way",
        "last = f(t + dt, *_moved(state, dt, first))",
        "last = f(t + dt, *_moved(state, dt / 2, first))",
    ),
    (
        "both rates in full",
        "_moved(state, dt / 2, first), dt / 2, last",
        "_moved(state, dt, first), dt, last",
    ),
    ("the second rate at the beginning", "b = f(t + dt / 2,", "b = f(t,"),
    ("the third by the first", "_moved(state, dt / 2, b)", "_moved(state, dt / 2, a)"),
    ("the last at the middle", "d = f(t + dt, *", "d = f(t + dt / 2, *"),
    ("the last by the second", "_moved(state, dt, c)", "_moved(state, dt, b)"),
    ("all rates alike", "p + 2 * q + 2 * r + s", "1.5 * (p + q + r + s)"),
    ("the middle counted once", "p + 2 * q + 2 * r + s", "p + 2 * q + r + s"),
    ("a sixth of the steps", "dt / 6 *", "dt / 5 *"),
    (
        "from the end to the beginning",
        "(end - start) / integer",
        "(start - end) / integer",
    ),
    ("the time of the start forgotten", "step(f, start + i * dt,", "step(f, i * dt,"),
    (
        "one step for all",
        "state = step(f, start + i * dt, dt, state)",
        "state = step(f, start, dt, state)",
    ),
    (
        "the times late by one",
        "yield start + (i + 1) * dt, state",
        "yield start + i * dt, state",
    ),
    ("the first left out", "    yield start, state\n", ""),
    ("zero steps", 'integer("steps", steps)', 'integer("steps", steps, 0)'),
    (
        "only the first tensor",
        "return tuple(x + dt * rate for x, rate in zip(state, rates, strict=True))",
        "return (state[0] + dt * rates[0], *state[1:])",
    ),
]
