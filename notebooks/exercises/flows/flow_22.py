"""Versions of exercise flow-22."""

import torch

from .. import build, cases, edits, reference, right, wrong


def weighed(f, x, t, theta, a):
    """f, and its two products with a."""
    with torch.enable_grad():
        x, theta = x.detach().requires_grad_(), theta.detach().requires_grad_()
        v = f(x, t, theta)
        by_x, by_theta = torch.autograd.grad(v, (x, theta), a)
    return v.detach(), by_x, by_theta


def classical(rates, state, way):
    """Runge and Kutta's method over pieces of time."""
    for t, end in way:
        h, ks = end - t, []
        for share in (0, 0.5, 0.5, 1):
            last = ks[-1] if ks else [0.0] * len(state)
            at = [s + share * h * k for s, k in zip(state, last)]
            ks.append(rates(t + share * h, *at))
        state = [
            s + h * (a + 2 * b + 2 * c + d) / 6 for s, a, b, c, d in zip(state, *ks)
        ]
    return state


class Flow22:
    r"""
    The rate of $x$ is $f$, that of $a$ is $-J^\top a$, and that of the gathered
    integral is $-(\partial f / \partial \theta)^\top a$: going down with
    $\mathrm dt < 0$ from 0 at $t = 1$, two signs cancel, and the sum is
    $\int_0^1 (\partial f / \partial \theta)^\top a\, \mathrm dt$.

    What is found is the gradient of the equation. Backpropagation gives that of the
    steps taken, which is the one that the loss as computed has. The two differ by the
    error of the solver, and that of the way back adds to it: where $f$ contracts
    strongly, its reverse blows up small errors, and the state found at $t = 0$ is not
    the one that was there. Storing states along the way mends that, at the price of
    memory.
    """

    @reference
    def adjoint_gradient(f, x1, grad_x1, theta, steps):
        theta, dt = theta.detach().requires_grad_(), -1 / steps

        def rates(t, x, a, _):
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                v = f(x, t, theta)
                by_x, by_theta = torch.autograd.grad(v, (x, theta), a)
            return v.detach(), -by_x, -by_theta

        def moved(state, size, rate):
            return [s + size * r for s, r in zip(state, rate)]

        state = [x1.detach(), grad_x1.detach(), torch.zeros_like(theta)]
        for i in range(steps):
            t = 1 + i * dt
            k1 = rates(t, *state)
            k2 = rates(t + dt / 2, *moved(state, dt / 2, k1))
            k3 = rates(t + dt / 2, *moved(state, dt / 2, k2))
            k4 = rates(t + dt, *moved(state, dt, k3))
            for share, k in ((1, k1), (2, k2), (2, k3), (1, k4)):
                state = moved(state, dt * share / 6, k)
        return state[1], state[2]

    @right
    def three_eighths(f, x1, grad_x1, theta, steps):
        """Kutta's other method, in the time that runs up from the end."""

        def rates(s, x, a, _):
            v, by_x, by_theta = weighed(f, x, 1 - s, theta, a)
            return [-v, by_x, by_theta]

        state = [x1.detach(), grad_x1.detach(), theta.detach() * 0]
        h = 1 / steps

        def add(state, *ks):
            return [v + h * sum(c * k[j] for c, k in ks) for j, v in enumerate(state)]

        for i in range(steps):
            s = i * h
            a = rates(s, *state)
            b = rates(s + h / 3, *add(state, (1 / 3, a)))
            c = rates(s + 2 * h / 3, *add(state, (-1 / 3, a), (1, b)))
            d = rates(s + h, *add(state, (1, a), (-1, b), (1, c)))
            state = add(state, (1 / 8, a), (3 / 8, b), (3 / 8, c), (1 / 8, d))
        return state[1], state[2]

    @right
    def by_vjp(f, x1, grad_x1, theta, steps):
        """One flat vector, and products by torch.func."""
        n, shape = x1.numel(), x1.shape

        def rates(t, flat):
            x, a = flat[:n].view(shape), flat[n : 2 * n].view(shape)
            v, pull = torch.func.vjp(lambda x, w: f(x, t, w), x, theta.detach())
            by_x, by_theta = pull(a)
            return torch.cat([v.flatten(), -by_x.flatten(), -by_theta.flatten()])

        with torch.no_grad():
            parts = x1.flatten(), grad_x1.flatten(), torch.zeros_like(theta).flatten()
            state, h = torch.cat(parts), 1 / steps
            for i in range(steps, 0, -1):
                t = i / steps
                a = rates(t, state)
                b = rates(t - h / 2, state - h / 2 * a)
                c = rates(t - h / 2, state - h / 2 * b)
                d = rates(t - h, state - h * c)
                state = state - h * (a / 6 + b / 3 + c / 3 + d / 6)
        return [state[n : 2 * n].view(shape), state[2 * n :].view(theta.shape)]

    @right
    def twice_evaluated(f, x1, grad_x1, theta, steps):
        """The velocity and the products each by an evaluation of its own."""
        theta = theta.detach()

        def rates(t, x, a, _):
            with torch.no_grad():
                v = f(x, t, theta)
            return v, *(-g for g in weighed(f, x, t, theta, a)[1:])

        way = [(1 - i / steps, 1 - (i + 1) / steps) for i in range(steps)]
        return tuple(classical(rates, (x1.detach(), grad_x1, 0 * theta), way)[1:])

    edited = edits(
        adjoint_gradient,
        """
    adjoint with the other sign | return v.detach(), -by_x, -by_theta
        -> return v.detach(), by_x, -by_theta
    adjoint not moved | v.detach(), -by_x, -by_theta
        -> v.detach(), 0 * by_x, -by_theta
    gradient of theta with the other sign | -by_x, -by_theta -> -by_x, by_theta
    gradient of theta with the other sign | return state[1], state[2]
        -> return state[1], -state[2]
    size of a step left out | return state[1], state[2]
        -> return state[1], state[2] * steps
    size of a step left out | return state[1], state[2]
        -> return state[1], state[2] / dt
    state not solved backward | v.detach(), -by_x -> 0 * v.detach(), -by_x
    state not solved backward | return v.detach(), -by_x -> return -v.detach(), -by_x
    time turned around | t = 1 + i * dt -> t = -i * dt
        | t + dt / 2, *moved(state, dt / 2, k1) -> t - dt / 2, *moved(state, dt / 2, k1)
        | t + dt / 2, *moved(state, dt / 2, k2) -> t - dt / 2, *moved(state, dt / 2, k2)
        | t + dt, * -> t - dt, *
    order of the method | (1, k1), (2, k2), (2, k3), (1, k4) -> (6, k1),
        | k4 = -> _ =
    order of the method | (1, k1), (2, k2), (2, k3), (1, k4) -> (0, k1), (6, k2),
        | k4 = -> _ =
    order of the method | rates(t + dt / 2, *moved(state, dt / 2, k1))
        -> rates(t, *moved(state, dt, k1))
        | (1, k1), (2, k2), (2, k3), (1, k4) -> (3, k1), (3, k2)
    another number of steps | range(steps): -> range(64): | -1 / steps -> -1 / 64
    graph in the result | return state[1], state[2]
        -> return state[1] + 0 * theta.sum(), state[2]
    no pair | return state[1], state[2] -> return state[1]
    wrong dtype | return state[1], state[2]
        -> return state[1].double(), state[2].float()
    float32 in between | return state[1], state[2]
        -> return state[1].float().to(x1), state[2].float().to(x1)
    """,
    )

    def other(rates):
        """Rates of another kind, from f, x, t, theta and a."""

        def adjoint_gradient(f, x1, grad_x1, theta, steps):
            theta, x1 = theta.detach(), x1.detach()

            def told(t, x, a, _):
                return rates(f, x, t, theta, a)

            way = [(1 - i / steps, 1 - (i + 1) / steps) for i in range(steps)]
            return tuple(classical(told, (x1, grad_x1, 0 * theta), way)[1:])

        return adjoint_gradient

    def untransposed(f, x, t, theta, a):
        v, _, by_theta = weighed(f, x, t, theta, a)
        _, along = torch.autograd.functional.jvp(lambda x: f(x, t, theta), x, a)
        return v, -along, -by_theta

    kinds = cases(other, ("adjoint not transposed", {"rates": untransposed}))

    @wrong("graph of the solve kept")
    def there_and_back(f, x1, grad_x1, theta, steps):
        """Back without a graph, and forward with one."""
        theta = theta.detach().requires_grad_()
        way = [(i / steps, (i + 1) / steps) for i in range(steps)]
        back = [(end, start) for start, end in reversed(way)]

        def rates(t, x):
            return (f(x, t, theta),)

        with torch.no_grad():
            (x0,) = classical(rates, (x1.detach(),), back)
        (end,) = classical(rates, (x0.requires_grad_(),), way)
        return torch.autograd.grad(end, (x0, theta), grad_x1)

    @wrong("gradient of theta at one end")
    def at_the_end(f, x1, grad_x1, theta, steps):
        a, _ = Flow22.adjoint_gradient(f, x1, grad_x1, theta, steps)
        with torch.enable_grad():
            w = theta.detach().requires_grad_()
            v = f(x1.detach(), 1.0, w)
        # One evaluation more, in place of none: within the bound.
        return a, torch.autograd.grad(v, w, grad_x1)[0].detach()

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        made = {}

        def adjoint_gradient(f, x1, grad_x1, theta, steps):
            out = Flow22.adjoint_gradient(f, x1, grad_x1, theta, steps)
            return made.setdefault((x1.shape, theta.shape, x1.dtype, steps), out)

        return adjoint_gradient
