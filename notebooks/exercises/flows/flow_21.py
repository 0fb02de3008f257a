"""Versions of exercise flow-21."""

import math

import torch
from torch import nn
from torch.autograd import forward_ad

from .. import build, edits, reference, right, wrong


class Flow21:
    r"""
    The four: the noise was drawn in `rates`, at each evaluation, where it belongs to
    the whole of a solve; the trace was subtracted; `sample` went on along the velocity,
    where data come from noise by going against it; and its clock ran from 0 to 1.

    The first is the one that no average shows: with noise drawn anew the estimate has
    the same mean, and less variance. But its rates are then no function of the state,
    and a solver that estimates its error from several evaluations takes the noise for
    an error, and its steps shrink without end. With the second, the loss rewards a
    field that gathers points and reports a density as if it spread them. The last two
    need a field that knows the time: without one the clock does not matter, and a test
    with such a field passes.
    """

    @reference
    class Flow(nn.Module):
        def __init__(self, field, steps=20):
            super().__init__()
            self.field, self.steps = field, steps

        def rates(self, x, t, eps):
            """The velocity, and an estimate of its divergence."""
            v = self.field(x, t)
            (row,) = torch.autograd.grad(v, x, eps, create_graph=True)
            return v, (row * eps).sum(1)

        def log_prob(self, x):
            """(b, d) -> (b,), in nats."""
            x, log_det, dt = x.detach().requires_grad_(), 0.0, 1 / self.steps
            eps = torch.randint_like(x, 2) * 2 - 1
            for i in range(self.steps):
                t = i * dt
                v, _ = self.rates(x, t, eps)
                v, trace = self.rates(x + dt / 2 * v, t + dt / 2, eps)
                x, log_det = x + dt * v, log_det + dt * trace
            normal = -0.5 * (x.square() + math.log(2 * math.pi)).sum(1)
            return normal + log_det

        def sample(self, z):
            """(b, d) at t = 1 -> (b, d) at t = 0."""
            x, dt = z, 1 / self.steps
            for i in range(self.steps):
                t = 1 - i * dt
                half = x - dt / 2 * self.field(x, t)
                x = x - dt * self.field(half, t - dt / 2)
            return x

    @right
    @build
    def by_one_solver():
        """One loop for both ways, on a pair of tensors."""

        class Flow(nn.Module):
            def __init__(self, field, steps=20):
                super().__init__()
                self.field, self.n = field, steps

            def solve(self, f, state, start, end):
                h = (end - start) / self.n
                for i in range(self.n):
                    t = start + i * h
                    half = [s + h / 2 * r for s, r in zip(state, f(t, *state))]
                    rate = f(t + h / 2, *half)
                    state = [s + h * r for s, r in zip(state, rate)]
                return state

            def log_prob(self, x):
                eps = torch.where(torch.rand_like(x) < 0.5, -1.0, 1.0).to(x)

                def rates(t, x, _):
                    x = x if x.requires_grad else x.requires_grad_()
                    v = self.field(x, t)
                    (row,) = torch.autograd.grad((v * eps).sum(), x, create_graph=True)
                    return v, torch.einsum("bd,bd->b", row, eps)

                state = [x.clone(), torch.zeros_like(x[:, 0])]
                z, log_det = self.solve(rates, state, 0.0, 1.0)
                return torch.distributions.Normal(0, 1).log_prob(z).sum(-1) + log_det

            def sample(self, z):
                (x,) = self.solve(lambda t, x: (self.field(x, t),), [z], 1.0, 0.0)
                return x

        return Flow

    @right
    @build
    def by_forward_mode():
        """The derivative along the noise in place of that against it."""

        class Flow(Flow21.Flow):
            def rates(self, x, t, eps):
                with forward_ad.dual_level():
                    out = self.field(forward_ad.make_dual(x, eps), t)
                    v, along = forward_ad.unpack_dual(out)
                return v, (along * eps).sum(1)

        return Flow

    @right
    @build
    def by_double_backward():
        class Flow(nn.Module):
            def __init__(self, field, steps=20):
                super().__init__()
                self.add_module("velocity", field)
                self.times = [i / steps for i in range(steps + 1)]

            def pieces(self):
                return list(zip(self.times, self.times[1:]))

            def log_prob(self, x):
                eps = torch.randn_like(x).sign()
                z, total = x.clone().requires_grad_(), torch.zeros_like(x).sum(1)
                for t, end in self.pieces():
                    h = end - t
                    z = z + h * self.velocity(half := z + h / 2 * self.velocity(z, t),
                                              (t + end) / 2)  # fmt: skip
                    one = lambda r, m=(t + end) / 2: self.velocity(r, m)  # noqa: E731
                    _, row = torch.autograd.functional.vjp(
                        one, half, eps, create_graph=True)  # fmt: skip
                    total = total + h * (row * eps).sum(1)
                d = x.shape[1]
                return total - z.norm(dim=1) ** 2 / 2 - d * math.log(2 * math.pi) / 2

            def sample(self, z):
                for end, t in reversed(self.pieces()):
                    h = t - end
                    half = z - h * self.velocity(z, t) / 2
                    z = z - h * self.velocity(half, (t + end) / 2)
                return z

        return Flow

    edited = edits(
        Flow,
        """
    noise drawn anew in a solve | v = self.field(x, t)
        -> eps = torch.randint_like(x, 2) * 2 - 1; v = self.field(x, t)
    noise drawn anew in a solve | t = i * dt
        -> t = i * dt; eps = torch.randint_like(x, 2) * 2 - 1
    noise drawn anew in a solve | v = self.field(x, t)
        -> eps = torch.randint_like(x, 2) * 2 - 1; v = self.field(x, t)
        | log_det + dt * trace -> log_det - dt * trace
    sign of the trace | log_det + dt * trace -> log_det - dt * trace
    sign of the trace | normal + log_det -> normal - log_det
    sampled forward | half = x - dt / 2 -> half = x + dt / 2 | x = x - dt -> x = x + dt
    time runs up in sampling | t = 1 - i * dt -> t = i * dt | t - dt / 2 -> t + dt / 2
    sampled forward, and time runs up in sampling | t = 1 - i * dt -> t = i * dt
        | t - dt / 2 -> t + dt / 2
        | half = x - dt / 2 -> half = x + dt / 2 | x = x - dt -> x = x + dt
    clock of log_prob | t = i * dt -> t = 1 - i * dt
        | t + dt / 2, eps -> t - dt / 2, eps
    size of a step left out | log_det + dt * trace -> log_det + trace
    trace left out | normal + log_det -> normal
    density of the wrong end | log_det, dt = x.detach()
        -> log_det, dt = (data := x).detach()
        | (x.square() + -> (data.square() +
    constant left out | (x.square() + math.log(2 * math.pi)) -> x.square()
    off by a factor of two | log_det + dt * trace -> log_det + dt / 2 * trace
    noise of another kind | torch.randint_like(x, 2) * 2 - 1 -> torch.randn_like(x)
    one noise for all examples | torch.randint_like(x, 2)
        -> torch.randint_like(x[:1], 2)
        | * 2 - 1 -> .expand_as(x) * 2 - 1
    one noise for all dimensions | torch.randint_like(x, 2)
        -> torch.randint_like(x[:, :1], 2)
        | * 2 - 1 -> .expand_as(x) * 2 - 1
    order of the solver | half = x - dt / 2 * self.field(x, t) -> half = x
    order of the solver | self.field(half, t - dt / 2) -> self.field(x, t)
    cut off from the graph | return x -> return x.detach()
    cut off from the graph | return normal + log_det
        -> return (normal + log_det).detach()
    cut off from the graph | , create_graph=True -> , retain_graph=True
    cut off from the graph | x, dt = z, 1 -> x, dt = z.detach(), 1
    reduced over the batch | return normal + log_det -> return (normal + log_det).mean()
    not summed over the dimensions | (row * eps).sum(1) -> row * eps
        | math.log(2 * math.pi)).sum(1) -> math.log(2 * math.pi))
    """,
    )

    @wrong("noise left out")
    @build
    def exact():
        class Flow(Flow21.Flow):
            def rates(self, x, t, eps):
                v = self.field(x, t)
                how = {"create_graph": True}
                rows = [torch.autograd.grad(v[:, i].sum(), x, **how)[0][:, i]
                        for i in range(x.shape[1])]  # fmt: skip
                return v, sum(rows)

        return Flow

    @wrong("noise fixed across calls")
    @build
    def drawn_once():
        class Flow(Flow21.Flow):
            def log_prob(self, x):
                kept = self.__dict__.setdefault("kept_noise", {})
                eps = kept.setdefault(x.shape, torch.randint_like(x, 2) * 2 - 1)
                rates = Flow21.Flow.rates
                self.rates = lambda x, t, _: rates(self, x, t, eps)
                return super().log_prob(x)

        return Flow

    @wrong("field not registered")
    @build
    def in_a_list():
        class Flow(Flow21.Flow):
            def __init__(self, field, steps=20):
                super().__init__(None, steps)
                del self.field
                self.hidden = [field]

            def __getattr__(self, name):
                return self.hidden[0] if name == "field" else super().__getattr__(name)

        return Flow
