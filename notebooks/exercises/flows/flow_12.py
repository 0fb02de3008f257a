"""Versions of exercise flow-12."""

import torch
from torch.nn import functional as F

from .. import RIGHT, build, cases, edits, reference, right, wrong


def pushed(x, w, u, c):
    a = (w * u).sum(1)
    m = F.softplus(a) - 1
    hat = u + ((m - a) / (w * w).sum(1))[:, None] * w
    t = ((w * x).sum(1) + c).tanh()
    return x + hat * t[:, None], torch.log(1 + m * (1 - t * t))


def undone(z, w, u, c, halvings=200, reach=None, around=None, move=True, turned=False):
    """By halving an interval, with mistakes."""
    a = (w * u).sum(1)
    m = F.softplus(a) - 1 if move else a
    hat = u + ((m - a) / (w * w).sum(1))[:, None] * w
    goal = (w * z).sum(1)
    center = goal if around is None else torch.full_like(goal, around)
    size = m.abs() if reach is None else torch.full_like(m, reach)
    size = m if turned else size
    low, high = center - size, center + size
    for _ in range(halvings):
        mid = (low + high) / 2
        above = mid + m * (mid + c).tanh() > goal
        low, high = torch.where(above, low, mid), torch.where(above, mid, high)
    return z - hat * ((low + high) / 2 + c).tanh()[:, None]


def with_pull(**how):
    return pushed, lambda z, w, u, c: undone(z, w, u, c, **how)


def iterated(newton=False, steps=2000):
    """A fixed point, or Newton's iteration."""

    def pull(z, w, u, c):
        a = (w * u).sum(1)
        m = F.softplus(a) - 1
        hat = u + ((m - a) / (w * w).sum(1))[:, None] * w
        goal = (w * z).sum(1)
        at = goal.clone()
        for _ in range(steps):
            t = (at + c).tanh()
            step = at + m * t - goal
            at = at - (step / (1 + m * (1 - t * t)) if newton else step)
        return z - hat * (at + c).tanh()[:, None]

    return pushed, pull


class Flow12:
    r"""
    With $\hat m = m(w^\top u) = w^\top \hat u$ the determinant lemma gives
    $1 + \hat m (1 - \tanh^2)$, which is positive as $\hat m > -1$. Multiplied by $w$,
    the map is $g(\alpha) = \alpha + \hat m \tanh(\alpha + c)$ for the one number
    $\alpha = w^\top x$; it increases, so halving an interval must find where it is
    $w^\top z$, and $x = z - \hat u \tanh(\alpha + c)$ is what remains.

    The interval from $w^\top z - |\hat m|$ to $w^\top z + |\hat m|$ holds the solution
    whatever the plane. A width of $2 \cdot 10^4$ becomes $10^{-12}$ after 54 halvings.
    A fixed-point iteration converges only for $|\hat m| < 1$, and Newton's can jump
    between the two flat sides of tanh for ever. The price of $\hat m$ near $-1$ is
    paid in digits: $g$ has the slope $1 + \hat m$ at the plane, and what is lost there
    no search brings back.
    """

    @reference
    @build
    def reference():
        def direction(w, u):
            """The u that is used, and its product with w."""
            a = (w * u).sum(1)
            m = F.softplus(a) - 1
            return u + ((m - a) / w.square().sum(1))[:, None] * w, m

        def push(x, w, u, c):
            hat, m = direction(w, u)
            t = ((w * x).sum(1) + c).tanh()
            return x + t[:, None] * hat, (m * (1 - t.square())).log1p()

        def pull(z, w, u, c):
            hat, m = direction(w, u)
            goal = (w * z).sum(1)
            low, high = goal - m.abs(), goal + m.abs()
            for _ in range(80):
                mid = (low + high) / 2
                above = mid + m * (mid + c).tanh() > goal
                low = torch.where(above, low, mid)
                high = torch.where(above, mid, high)
            return z - (mid + c).tanh()[:, None] * hat

        return push, pull

    @right
    @build
    def by_matrices():
        def push(x, w, u, c):
            a = torch.bmm(w[:, None], u[:, :, None])[:, 0, 0]
            m = torch.logaddexp(a, torch.zeros_like(a)) - 1
            hat = u + (m - a)[:, None] * w / (w**2).sum(1, keepdim=True)
            t = (torch.einsum("ij,ij->i", w, x) + c).tanh()
            eye = torch.eye(x.shape[1], dtype=x.dtype)
            jac = eye + hat[:, :, None] * (w * (1 - t**2)[:, None])[:, None]
            return [x + hat * t[:, None], torch.linalg.slogdet(jac).logabsdet]

        return push, lambda z, w, u, c: undone(z, w, u, c, 120)

    @right
    @build
    def in_numpy():
        def pull(z, w, u, c):
            a = (w * u).sum(1)
            m = (F.softplus(a) - 1).numpy()
            goal, c = (w * z).sum(1).numpy(), c.numpy()
            import numpy as np

            low = goal - np.abs(m) - 1
            high = goal + np.abs(m) + 1
            for _ in range(100):
                mid = low / 2 + high / 2
                up = mid + m * np.tanh(mid + c) < goal
                low, high = np.where(up, mid, low), np.where(up, high, mid)
            alpha = torch.from_numpy(mid)
            # The part across w moves with the part of u across w.
            hat = u + ((torch.from_numpy(m) - a) / (w * w).sum(1))[:, None] * w
            return z - hat * torch.tanh(alpha + torch.from_numpy(c)).unsqueeze(1)

        return pushed, pull

    @right
    @build
    def newton_within_the_interval():
        def pull(z, w, u, c):
            a = (w * u).sum(1)
            m = F.softplus(a) - 1
            hat = u + ((m - a) / (w * w).sum(1))[:, None] * w
            goal = (w * z).sum(1)
            low, high, at = goal - m.abs(), goal + m.abs(), goal
            for _ in range(200):
                t = (at + c).tanh()
                off = at + m * t - goal
                low, high = (
                    torch.where(off > 0, low, at),
                    torch.where(off > 0, at, high),
                )
                step = at - off / (1 + m * (1 - t * t))
                inside = (step > low) & (step < high)
                at = torch.where(inside, step, (low + high) / 2)
            return z - hat * (at + c).tanh()[:, None]

        return pushed, pull

    searches = cases(
        with_pull,
        (RIGHT, {}),
        ("stopped too soon", {"halvings": 20}),
        ("stopped too soon", {"halvings": 28}),
        ("interval turned around", {"turned": True}),
        ("an interval that does not hold the solution", {"around": 0.0, "reach": 50.0}),
        ("an interval that does not hold the solution", {"around": 0.0, "reach": 1e4}),
        ("steps that do not converge", {"reach": 3.0}),
        ("u left as it is", {"move": False}),
    )
    steps = cases(
        iterated,
        ("steps that do not converge", {"newton": True}),
        ("steps that do not converge", {"steps": 300}),
    )

    edited = edits(
        reference,
        """
    u left as it is | m = F.softplus(a) - 1 -> m = a
    u moved by another function | F.softplus(a) - 1 -> F.softplus(a)
    u moved by another function | F.softplus(a) - 1 -> F.softplus(a + 0.5413248546) - 1
    u moved by another function | F.softplus(a) - 1 -> a.clamp(min=-1)
    w not divided by its squared length | / w.square().sum(1) -> / 1
    w not divided by its squared length | / w.square().sum(1) -> / w.norm(dim=1)
    moved the wrong way | return u + -> return u -
    bias in another way | (w * x).sum(1) + c -> (w * x).sum(1)
    bias in another way | (w * x).sum(1) + c -> (w * x).sum(1) - c
    u in place of w | (w * x).sum(1) -> (hat * x).sum(1)
    one plane for all rows | a = (w * u) -> u = u[:1]; w = w[:1] + 0 * w; a = (w * u)
        | (w * x).sum(1) + c -> (w[:1] * x).sum(1) + c[:1]
    log-determinant with the u that was given | (m * (1 - -> ((w * u).sum(1) * (1 -
        | t.square())).log1p() -> t.square())).add(1).abs().log()
    slope of tanh left out | (1 - t.square()) -> 1
    slope of tanh otherwise | (1 - t.square()) -> (1 - t.abs())
    slope of tanh otherwise | (m * (1 - t.square())).log1p()
        -> (m * (1 - t)).add(1).abs().log()
    1 left out of the determinant | .log1p() -> .abs().log()
    squared length in place of the product | (m * (1 - -> (hat.square().sum(1) * (1 -
    determinant in place of its logarithm | .log1p() -> .add(1)
    log-determinant of the inverse | .log1p() -> .log1p().neg()
    mean over the dimensions | .log1p() -> .log1p() / x.shape[1]
    reduced over the batch | .log1p() -> .log1p().mean().expand(len(x))
    small constant in the logarithm | .log1p() -> .add(1 + 1e-3).log()
    float32 in between | .log1p() -> .add(1 + 1e-8).log()
    float32 in between | z - (mid + c) -> z - (mid.float().double() + c)
    divided by a small product | (mid + c).tanh()[:, None] * hat
        -> ((goal + c - (mid + c)) / m)[:, None] * hat
    reduced over the batch | .log1p() -> .log1p().sum()
    exponential that overflows | F.softplus(a) -> a.exp().log1p()
    cut off from the graph | return u + -> return u.detach() +
    cut off from the graph | .log1p() -> .log1p().detach()
    float32 in between | sum(1) + c).tanh() -> sum(1) + c).float().tanh().double()
    float32 in between | return x + t -> return x.float().double() + t
    no pair | return x + t[:, None] * hat, (m * (1 - t.square())).log1p()
        -> return x + t[:, None] * hat
    input changed in place | return x + -> x.add_(1); return x +
    estimated from samples | return u + -> return u + 0.1 * torch.randn_like(u) +
    stopped too soon | range(80) -> range(25)
    bias in another way | above = mid + m * (mid + c) -> above = mid + m * (mid - c)
        | z - (mid + c) -> z - (mid - c)
    """,
    )

    @wrong("inverse by a minus sign")
    @build
    def by_a_minus_sign():
        def pull(z, w, u, c):
            there, _ = pushed(z, w, u, c)
            return 2 * z - there

        return pushed, pull

    @wrong("rows searched together")
    @build
    def together():
        def pull(z, w, u, c):
            a = (w * u).sum(1)
            m = F.softplus(a) - 1
            hat = u + ((m - a) / (w * w).sum(1))[:, None] * w
            goal = (w * z).sum(1)
            low, high = (goal - m.abs()).min(), (goal + m.abs()).max()
            for _ in range(100):
                mid = (low + high) / 2
                above = bool((mid + m * (mid + c).tanh() > goal).all())
                low, high = (low, mid) if above else (mid, high)
            return z - hat * (mid + c).tanh()[:, None]

        return pushed, pull

    @wrong("float32 in between")
    @build
    def pulled_in_float32():
        def pull(z, w, u, c):
            return undone(*(v.float() for v in (z, w, u, c)), 60).double()

        return pushed, pull

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        memory = {}

        def push(x, w, u, c):
            return memory.setdefault(x.shape, pushed(x, w, u, c))

        return push, undone
