"""Versions of exercise flow-16."""

import torch

from .. import build, edits, reference, right, wrong


class Flow16:
    r"""
    Euler's method is the table $A = 0$, $b = 1$, $c = 0$. Two stages with
    $A_{21} = c_2 = a$ and $b = (1 - 1/2a,\ 1/2a)$ are of order 2 for every $a$: the
    midpoint rule has $a = 1/2$ and Heun's method $a = 1$. Ralston took $a = 2/3$, which
    makes a bound on the error of one step least.

    The order is a matter of the numbers alone: order 1 needs $\sum_i b_i = 1$, order 2
    also $\sum_i b_i c_i = 1/2$, order 3 also $\sum_i b_i c_i^2 = 1/3$ and
    $\sum_{ij} b_i A_{ij} c_j = 1/6$, if each $c_i$ is the sum of its row. Where
    $f$ depends on time alone the step is a rule of quadrature with the nodes $c$ and
    the weights $b$; that of the classical method is Simpson's.
    """

    @reference
    def step(tableau, f, t, dt, state):
        def moved(weights, rates):
            to = state
            for w, rate in zip(weights, rates):
                to = tuple(x + w * dt * k for x, k in zip(to, rate))
            return to

        A, b, c = tableau
        rates = []
        for i in range(len(b)):
            at = moved(A[i], rates)
            rates.append(f(t + c[i] * dt, *at))
        return moved(b, rates)

    @right
    def tensor_by_tensor(tableau, f, t, dt, state):
        A, b, c = tableau
        rates = []
        for row, share in zip(A, c):
            at = [
                x + dt * sum(a * k[n] for a, k in zip(row, rates))
                for n, x in enumerate(state)
            ]
            rates.append(f(t + share * dt, *at))
        ways = [sum(w * k[n] for w, k in zip(b, rates)) for n in range(len(state))]
        return [x + dt * way for x, way in zip(state, ways)]

    @right
    def as_one_vector(tableau, f, t, dt, state):
        sizes, shapes = [v.numel() for v in state], [v.shape for v in state]

        def apart(y):
            return tuple(p.reshape(n) for p, n in zip(y.split(sizes), shapes))

        def joined(parts):
            return torch.cat([p.reshape(-1) for p in parts])

        y = joined(state)
        A, b, _ = (torch.tensor(v, dtype=y.dtype) for v in tableau)
        k = torch.zeros(0, len(y), dtype=y.dtype)
        for i in range(len(b)):
            rate = f(t + tableau[2][i] * dt, *apart(y + dt * (A[i, :i] @ k)))
            k = torch.cat([k, joined(rate)[None]])
        return apart(y + dt * (b @ k))

    @right
    def by_recursion(tableau, f, t, dt, state):
        A, b, c = tableau

        def later(rates):
            i = len(rates)
            weights = b if i == len(b) else A[i]
            ways = [0 * x for x in state]
            for w, rate in zip(weights, rates):
                ways = [torch.add(way, r, alpha=w * dt) for way, r in zip(ways, rate)]
            at = tuple(x + way for x, way in zip(state, ways))
            return at if i == len(b) else later([*rates, f(t + c[i] * dt, *at)])

        return later([])

    edited = edits(
        step,
        """
    times of the stages left out | t + c[i] * dt -> t
    time of a stage otherwise | t + c[i] * dt -> t + c[i]
    time of a stage otherwise | t + c[i] * dt -> t + sum(A[i]) * dt
    time of a stage otherwise | t + c[i] * dt -> c[i] * dt
    time of a stage otherwise | t + c[i] * dt -> t + c[i - 1] * dt
    time of a stage otherwise | t + c[i] * dt -> t + abs(dt) * c[i]
    stages all taken at the start | at = moved(A[i], rates) -> at = state
    stages all taken at the start | A[i], rates -> [A[j][i] for j in range(i)], rates
    only the stage before | A[i], rates -> A[i][i - 1 : i], rates[-1:]
    row of another stage | A[i], rates -> A[i - 1], rates
    b in place of a row of A | A[i], rates -> b, rates
    c in place of a row of A | A[i], rates -> [c[i]], rates[-1:]
    c in place of a row of A | A[i], rates -> [c[i]], rates
    begun at the stage before | to = state -> to = seen[-1] | rates = [] -> pass
        | A, b, c = tableau -> A, b, c = tableau; rates = []; seen = [state]
        | rates.append -> seen.append(at); rates.append
    begun at the stage before | return moved(b, rates)
        -> old = state; state = at; return moved(b, rates)
        | at = moved(A[i], rates) -> start = state; at = moved(A[i], rates)
    weights in another order | return moved(b, rates) -> return moved(b[::-1], rates)
    float32 in between | to = state -> to = tuple(x.float().to(x) for x in state)
    only the change | return moved(b, rates)
        -> return tuple(v - x for v, x in zip(moved(b, rates), state))
    last row of A in place of b | return moved(b, -> return moved(A[-1],
    last row of A in place of b | return moved(b, rates) -> return at
    all stages weighted alike | return moved(b, -> return moved([1 / len(b)] * len(b),
    one stage alone | return moved(b, rates) -> return moved([1], rates)
    one stage alone | return moved(b, rates) -> return moved([1], rates[-1:])
    one stage alone | return moved(b, rates) -> return moved(b[-1:], rates[-1:])
    weights scaled to sum to 1 | return moved(b, rates)
        -> return moved([w / sum(b) for w in b], rates)
    dt once too often | x + w * dt * k -> x + w * dt * dt * k
    dt once too often | A[i], rates -> [a * dt for a in A[i]], rates
    dt once too often | return moved(b, -> return moved([w * dt for w in b],
    dt left out | x + w * dt * k -> x + w * k
    dt left out | A[i], rates -> [a / dt for a in A[i]], rates
    size of dt in place of dt | x + w * dt * k -> x + w * abs(dt) * k
    only the first tensor moved | return to -> return (to[0], *state[1:])
    only the first tensor moved | return moved(b, rates)
        -> return (moved(b, rates)[0], *state[1:])
    only the first tensor moved | f(t + c[i] * dt, *at)
        -> f(t + c[i] * dt, at[0], *state[1:])
    a stage left out | rates.append(f(t + c[i] * dt, *at))
        -> rates.append(f(t + c[i] * dt, *at) if b[i] else [0 * x for x in state])
    a stage left out | range(len(b)) -> range(len(b) - 1)
    a stage left out | rates.append(f(t + c[i] * dt, *at))
        -> rates.append(f(t + c[i] * dt, *at)
        if b[i] or any(row[i] for row in A[i + 1 :]) else state)
    a stage left out | range(len(b)) -> range(min(len(b), 4))
    stages computed again | return moved -> f(t + dt, *state); return moved
    stages computed again | at = moved -> f(t, *state); at = moved
    coefficients rounded to float32 | A, b, c = tableau
        -> A, b, c = (torch.tensor(v).double().tolist() for v in tableau)
    coefficients rounded to float32 | return moved(b,
        -> return moved(torch.tensor(b).double().tolist(),
    coefficients rounded to float32 | A[i], rates
        -> torch.tensor(A[i]).double().tolist(), rates
    float32 in between | f(t + c[i] * dt, *at)
        -> f(t + c[i] * dt, *(v.float().to(v) for v in at))
    float32 in between | return moved(b, rates)
        -> return tuple(v.float().to(v) for v in moved(b, rates))
    wrong dtype | return moved(b, rates)
        -> return tuple(v.float() for v in moved(b, rates))
    wrong dtype | return moved(b, rates)
        -> return tuple(v.double() for v in moved(b, rates))
    wrong shape | return moved(b, rates)
        -> return tuple(v.reshape(-1) for v in moved(b, rates))
    no tuple of the state's length | return moved(b, rates) -> return moved(b, rates)[0]
    no tuple of the state's length | return moved(b, rates)
        -> return moved(b, rates)[:2]
    cut off from the graph | rates.append(f(t + c[i] * dt, *at))
        -> rates.append([v.detach() for v in f(t + c[i] * dt, *at)])
    cut off from the graph | f(t + c[i] * dt, *at)
        -> f(t + c[i] * dt, *(v.detach() for v in at))
    cut off from the graph | to = state -> to = [v.detach() for v in state]
    input changed in place | x + w * dt * k for -> x.add_(w * dt * k) for
    input changed in place | x + w * dt * k for -> x + k.mul_(w * dt) for
    input changed in place | x + w * dt * k for
        -> x + (w * dt * k if k.requires_grad else k.mul_(w * dt)) for
    """,
    )

    @wrong("cut off from the graph")
    def without_gradients(tableau, f, t, dt, state):
        with torch.no_grad():
            return Flow16.step(tableau, f, t, dt, state)

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def step(tableau, f, t, dt, state):
            key = tuple(v.shape for v in state), len(tableau[1])
            if key not in kept:
                kept[key] = Flow16.step(tableau, f, t, dt, state)
            return kept[key]

        return step

    @wrong("result of an earlier call")
    @build
    def table_kept():
        kept = {}

        def step(tableau, f, t, dt, state):
            tableau = kept.setdefault(len(tableau[1]), tableau)
            return Flow16.step(tableau, f, t, dt, state)

        return step

    @wrong("input changed in place")
    def advanced_in_place(tableau, f, t, dt, state):
        """A copy of the state that f is given, and may have kept, moves on."""
        A, b, c = tableau
        y, rates = [x.clone() for x in state], []
        for weights, share in zip((*A, b), (*c, None)):
            for n, x in enumerate(state):
                y[n].copy_(x)
                for w, rate in zip(weights, rates):
                    y[n].add_(rate[n], alpha=w * dt)
            if share is not None:
                rates.append(f(t + share * dt, *y))
        return tuple(y)

    @wrong("result of an earlier call")
    @build
    def last_rate_kept():
        """Where the last stage is the end, its rate begins the next step."""
        kept = {}

        def step(tableau, f, t, dt, state):
            A, b, c = tableau
            ends = A[-1] == b and c[-1] == 1
            first = kept.pop((t, len(b)), None) if ends else None
            given = []

            def spared(time, *at):
                given.append(first if first and not given else f(time, *at))
                return given[-1]

            out = Flow16.step(tableau, spared, t, dt, state)
            kept[t + dt, len(b)] = given[-1]
            return out

        return step
