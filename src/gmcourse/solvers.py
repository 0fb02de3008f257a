"""Solvers of ordinary differential equations, with steps of one size.

A state is a tuple of tensors, ``f(t, *state)`` gives the rate of change of each of
them, and a step is a short function: two steps differ in nothing but the algorithm.
Time may go forward or back. Built in chapter 09_continuous_flows.
"""

from collections.abc import Callable, Iterator

from torch import Tensor

from ._arguments import integer

__all__ = ["euler", "heun", "midpoint", "path", "rk4", "solve"]

State = tuple[Tensor, ...]
Rate = Callable[..., State]  # (t, *state) -> the rate of change of each
Step = Callable[[Rate, float, float, State], State]  # (f, t, dt, state) -> the next


def euler(f: Rate, t: float, dt: float, state: State) -> State:
    """Along the rate at the beginning: one evaluation, errors of order ``dt``."""
    return _moved(state, dt, f(t, *state))


def midpoint(f: Rate, t: float, dt: float, state: State) -> State:
    """Along the rate at the middle: two evaluations, order 2."""
    half = euler(f, t, dt / 2, state)
    return _moved(state, dt, f(t + dt / 2, *half))


def heun(f: Rate, t: float, dt: float, state: State) -> State:
    """Along the mean of the rates at both ends: two evaluations, order 2."""
    first = f(t, *state)
    last = f(t + dt, *_moved(state, dt, first))
    return _moved(_moved(state, dt / 2, first), dt / 2, last)


def rk4(f: Rate, t: float, dt: float, state: State) -> State:
    """The classical method of Runge and Kutta: four evaluations, order 4.

    Kutta (1901).
    """
    a = f(t, *state)
    b = f(t + dt / 2, *_moved(state, dt / 2, a))
    c = f(t + dt / 2, *_moved(state, dt / 2, b))
    d = f(t + dt, *_moved(state, dt, c))
    return tuple(
        x + dt / 6 * (p + 2 * q + 2 * r + s)
        for x, p, q, r, s in zip(state, a, b, c, d, strict=True)
    )


def path(
    f: Rate,
    state: State,
    *,
    start: float = 0.0,
    end: float = 1.0,
    steps: int = 16,
    step: Step = rk4,
) -> Iterator[tuple[float, State]]:
    """The states on the way from ``start`` to ``end``, each with its time.

    The first is the one that is given.

    Raises:
        ValueError, TypeError: ``steps`` is not a positive integer.
    """
    dt = (end - start) / integer("steps", steps)
    yield start, state
    for i in range(steps):
        state = step(f, start + i * dt, dt, state)
        yield start + (i + 1) * dt, state


def solve(f: Rate, state: State, **how) -> State:
    """The state at the end of the `path`."""
    for _, last in path(f, state, **how):
        state = last
    return state


def _moved(state: State, dt: float, rates: State) -> State:
    return tuple(x + dt * rate for x, rate in zip(state, rates, strict=True))
