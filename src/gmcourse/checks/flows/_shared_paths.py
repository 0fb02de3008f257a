"""What several exercises on continuous flows solve an equation by."""


def kutta(rates, state, steps):
    """A tuple of tensors at t = 1, from t = 0, by Kutta's method of order 4.

    ``rates(t, *state)`` gives how fast each of them changes.
    """
    h = 1 / steps

    def moved(dt, by):
        return tuple(x + dt * v for x, v in zip(state, by))

    for i in range(steps):
        a = rates(i * h, *state)
        b = rates((i + 0.5) * h, *moved(h / 2, a))
        c = rates((i + 0.5) * h, *moved(h / 2, b))
        d = rates((i + 1) * h, *moved(h, c))
        state = moved(h / 6, [p + 2 * (q + r) + s for p, q, r, s in zip(a, b, c, d)])
    return state
