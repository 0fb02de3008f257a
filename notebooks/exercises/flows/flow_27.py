"""Versions of exercise flow-27."""

import torch

from .. import build, edits, reference, right, wrong


def on_a_line(x, eps, t, sigma):
    t = t.reshape(-1, *[1] * (x.dim() - 1))
    return x + sigma * eps + t * ((1 - sigma) * eps - x), (1 - sigma) * eps - x


def to_ends(x_t, u, t, sigma):
    t = t.reshape(-1, *[1] * (u.dim() - 1))
    eps = x_t + u - t * u
    return x_t - t * u - sigma * eps, eps


class Flow27:
    r"""
    The factor of $x$ falls from 1 to 0 in the unit of time, that of the noise rises
    from $\sigma$ to 1: $u = (1 - \sigma)\, \varepsilon - x$, the same at every $t$.
    Followed from $x_t$ to $t = 1$ it reaches $x_t + (1 - t)\, u = \varepsilon$. Back at
    $t = 0$ it began at $x_t - t\, u = x + \sigma \varepsilon$, from which
    $\sigma \varepsilon$ is taken away.

    The quotient $(\varepsilon - x_t)/(1 - t)$ is the same velocity, and 0/0 in the end.
    A small $\sigma$ turns the data's points into a density. For a single point $x$, the
    velocity with $\sigma = 0$ gathers all noise in it, with a divergence of $d/t$ that
    grows without bound toward $t = 0$. With $\sigma$ it is
    $(1 - \sigma)\, d / (\sigma + (1 - \sigma)\, t)$, at most $d/\sigma$.
    """

    @reference
    @build
    def reference():
        def target(x, eps, t, sigma):
            t = t.view(-1, *[1] * (x.dim() - 1))
            x_t = (1 - t) * x + (sigma + (1 - sigma) * t) * eps
            return x_t, (1 - sigma) * eps - x

        def ends(x_t, u, t, sigma):
            t = t.view(-1, *[1] * (x_t.dim() - 1))
            x = (1 - sigma) * x_t - (sigma + (1 - sigma) * t) * u
            return x, x_t + (1 - t) * u

        return target, ends

    @right
    @build
    def by_the_two_ends():
        return on_a_line, lambda *args: list(to_ends(*args))

    @right
    @build
    def by_automatic_differentiation():
        def target(x, eps, t, sigma):
            def at(t):
                t = t.reshape(-1, *[1] * (x.dim() - 1))
                return (1 - t) * x + (sigma + (1 - sigma) * t) * eps

            return torch.func.jvp(at, (t,), (torch.ones_like(t),))

        return target, to_ends

    @right
    @build
    def by_a_linear_system():
        def ends(x_t, u, t, sigma):
            one, scale = torch.ones_like(t), sigma + (1 - sigma) * t
            rows = [[1 - t, scale], [-one, (1 - sigma) * one]]
            a = torch.stack([torch.stack(row, 1) for row in rows], 1)
            both = torch.stack([x_t.reshape(len(t), -1), u.reshape(len(t), -1)], 1)
            x, eps = torch.linalg.solve(a, both).unbind(1)
            return x.reshape(u.shape), eps.reshape(u.shape)

        return on_a_line, ends

    @right
    @build
    def one_example_at_a_time():
        def target(x, eps, t, sigma):
            both = [(a * (1 - s) + e * (s + sigma - s * sigma), e - sigma * e - a)
                    for a, e, s in zip(x, eps, t)]  # fmt: skip
            return torch.stack([p for p, _ in both]), torch.stack([u for _, u in both])

        return target, to_ends

    edited = edits(
        reference,
        """
    target without 1 - sigma | return x_t, (1 - sigma) * eps - x
        -> return x_t, eps - x
    velocity of the reverse time | return x_t, (1 - sigma) * eps - x
        -> return x_t, x - (1 - sigma) * eps
    time turned around | x_t = -> t = 1 - t; x_t =
    sigma left out of the point | (sigma + (1 - sigma) * t) * eps -> t * eps
    sigma added on top | (sigma + (1 - sigma) * t) * eps -> (sigma + t) * eps
    another path | x_t = (1 - t) * x + (sigma + (1 - sigma) * t) * eps
        -> x_t = (torch.pi / 2 * t).cos() * x + (torch.pi / 2 * t).sin() * eps
    another path | x_t = (1 - t) * x + (sigma + (1 - sigma) * t) * eps
        -> x_t = (1 - t ** 2) ** 0.5 * x + t * eps
    time along another axis | t = t.view(-1, *[1] * (x.dim() - 1))
        -> t = t if x.shape[-1] == len(t) else t.view(-1, *[1] * (x.dim() - 1))
    one time for all examples | t = t.view(-1, *[1] * (x.dim() - 1)) -> t = t[0]
    one time for all examples | t = t.view(-1, *[1] * (x.dim() - 1)) -> t = t.mean()
    divided by 0 at one end | return x_t, (1 - sigma) * eps - x
        -> return x_t, (eps - x_t) / (1 - t)
    divided by 0 at one end | return x, x_t + (1 - t) * u
        -> return x, (x_t - (1 - t) * x) / (sigma + (1 - sigma) * t)
    ends of the path without sigma | x = (1 - sigma) * x_t -> x = x_t - t * u; y = x_t
    velocity of the reverse time | x_t + (1 - t) * u -> x_t - (1 - t) * u
    velocity of the reverse time | x = (1 - sigma) * x_t - -> x = (1 - sigma) * x_t +
    time turned around | x_t + (1 - t) * u -> x_t + t * u
    sign flipped | x = (1 - sigma) * x_t - (sigma + (1 - sigma) * t) * u
        -> x = x_t - t * u + sigma * (x_t + (1 - t) * u)
    results exchanged | return x_t, (1 - sigma) * eps - x
        -> return (1 - sigma) * eps - x, x_t
    results exchanged | return x, x_t + (1 - t) * u -> return x_t + (1 - t) * u, x
    no pair | return x_t, (1 - sigma) * eps - x -> return x_t
    no pair | return x, x_t + (1 - t) * u -> return x
    estimated from samples | x_t = -> eps = torch.randn_like(x); x_t =
    cut off from the graph | return x_t, (1 - sigma) * eps - x
        -> return x_t, ((1 - sigma) * eps - x).detach()
    cut off from the graph | return x, x_t + (1 - t) * u
        -> return x.detach(), x_t + (1 - t) * u
    cut off from the graph | x_t = (1 - t) -> t = t.detach(); x_t = (1 - t)
    float32 in between | return x_t, (1 - sigma) * eps - x
        -> return x_t, ((1 - sigma) * eps.float() - x.float()).to(x)
    float32 in between | return x, x_t + (1 - t) * u
        -> return x, (x_t + (1 - t) * u).float().to(u)
    wrong dtype | return x_t, -> return x_t.float(),
    wrong shape | return x, x_t + -> return x.flatten(), x_t +
    input changed in place | x_t = (1 - t) * x -> x_t = x.mul_(1 - t)
    input changed in place | x = (1 - sigma) * x_t -> x = x_t.mul_(1 - sigma)
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        memory = {}

        def target(x, eps, t, sigma):
            return memory.setdefault((x.shape, x.dtype), on_a_line(x, eps, t, sigma))

        return target, to_ends
