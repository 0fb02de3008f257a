"""Versions of exercise flow-20."""

import math

import torch
from torch.distributions import Normal

from .. import build, edits, reference, right, wrong


class Flow20:
    r"""
    Given the noise, the integrand is a function of $x$ and $t$ like any other: the pair
    follows an ordinary equation, the solver has its order, and two calls with the same
    noise agree. The mean over the noise is the result with exact traces, as each
    evaluation has the trace for its mean.

    A noise that is drawn anew at each evaluation is unbiased, too, at fixed steps, and
    its errors even average out along the path. But then the equation is no ordinary
    one any more: a solver that chooses its steps takes the jumps for its own error, no
    error falls with the order of the method, and the adjoint goes back along another
    equation than the one that was solved.

    The price is one derivative more at each of the $2 \cdot$ `steps` evaluations,
    whatever $d$ is, and a variance that more steps do not lower.
    """

    @reference
    def log_prob_estimate(field, x, steps, noise):
        eps, h = noise(x), 1 / steps
        z = x if x.requires_grad else x.detach().requires_grad_()

        def rates(z, t):
            v = field(z, t)
            (row,) = torch.autograd.grad(v, z, eps, create_graph=True)
            return v, (row * eps).flatten(1).sum(1)

        log_det = 0
        for i in range(steps):
            v, e = rates(z, i * h)
            w, f = rates(z + h * v, (i + 1) * h)
            z = z + h / 2 * (v + w)
            log_det = log_det + h / 2 * (e + f)
        log_n = -0.5 * (z.square() + math.log(2 * math.pi)).flatten(1).sum(1)
        return log_n + log_det

    @right
    def by_forward_mode(field, x, steps, noise):
        eps, h = noise(x), 1 / steps

        def rates(t, z, _):
            v, way = torch.func.jvp(lambda y: field(y, t), (z,), (eps,))
            return v, torch.einsum("bi,bi->b", way.flatten(1), eps.flatten(1))

        pair = x, torch.zeros(len(x), dtype=x.dtype)
        for i in range(steps):
            k = rates(i * h, *pair)
            ends = rates(i * h + h, *(y + h * r for y, r in zip(pair, k)))
            pair = tuple(y + h * (a + b) / 2 for y, a, b in zip(pair, k, ends))
        z, log_det = pair
        return Normal(0.0, 1.0).log_prob(z).flatten(1).sum(1) + log_det

    @right
    def by_jacobians(field, x, steps, noise):
        eps = noise(x).reshape(len(x), -1)
        rows = []
        for one, e in zip(x, eps):
            z, total = one, 0.0

            def rates(z, t):
                f = lambda y: field(y[None], t)[0]  # noqa: E731
                jac = torch.autograd.functional.jacobian(f, z, create_graph=True)
                return f(z), e @ jac.reshape(len(e), len(e)) @ e  # noqa: B023

            for i in range(steps):
                (v, a), t = rates(z, i / steps), (i + 1) / steps
                w, b = rates(z + v / steps, t)
                z, total = z + (v + w) / (2 * steps), total + (a + b) / (2 * steps)
            square = z.pow(2).sum() + z.numel() * math.log(2 * math.pi)
            rows.append(total - square / 2)
        return torch.stack(rows)

    @right
    def sums_at_the_end(field, x, steps, noise):
        eps = noise(x)
        z = x + torch.zeros_like(x).requires_grad_()
        values = []
        for i in range(steps):
            ways, at = [], z
            for t in (i / steps, (i + 1) / steps):
                v = field(at, t)
                (row,) = torch.autograd.grad((v * eps).sum(), at, create_graph=True)
                values.append((row * eps).reshape(len(x), -1).sum(1))
                ways.append(v)
                at = z + v / steps
            z = z + sum(ways) / (2 * steps)
        log_n = -(z**2).reshape(len(x), -1).sum(1) / 2
        const = x[0].numel() / 2 * math.log(2 * math.pi)
        return torch.stack(values).mean(0) + log_n - const

    edited = edits(
        log_prob_estimate,
        """
    noise drawn more than once | v = field(z, t) -> v = field(z, t); eps = noise(z)
    noise drawn more than once | w, f = rates( -> eps = noise(x); w, f = rates(
    noise drawn more than once | eps, h = noise(x) -> eps, h = (noise(x) + noise(x)) / 2
    another noise than the one given | eps, h = noise(x) -> eps, h = torch.randn_like(x)
    another noise than the one given | eps, h = noise(x) -> eps, h = torch.ones_like(x)
    another noise than the one given | eps, h = noise(x) -> eps, h = noise(x).sign()
    another noise than the one given | v = field(z, t)
        -> v = field(z, t); eps = torch.randn_like(z)
        | eps, h = noise(x), 1 / steps -> h, _ = 1 / steps, noise(x)
    one noise for all examples | eps, h = noise(x) -> eps, h = noise(x[:1]).expand_as(x)
    one noise for all examples | eps, h = noise(x),
        -> eps, h = noise(x)[:1].expand_as(x),
    one noise for all examples | eps, h = noise(x) -> eps, h = noise(x[0]).expand_as(x)
    noise on one side only | (row * eps) -> row
    noise on one side only | (v, z, eps, -> (v.sum(), z,
    Euler's steps | (v + w) -> (v + v) | (e + f) -> (e + e)
    Euler's steps | (v + w) -> (v + v)
    another method | h / 2 * (v + w) -> h * w | h / 2 * (e + f) -> h * f
    another method | rates(z + h * v, (i + 1) * h)
        -> rates(z + h / 2 * v, (i + 0.5) * h)
        | h / 2 * (v + w) -> h * w | h / 2 * (e + f) -> h * f
    time runs the other way | h = noise(x), 1 / steps -> h = noise(x), -1 / steps
        | rates(z, i * h) -> rates(z, 1 + i * h) | (i + 1) * h) -> 1 + (i + 1) * h)
    time runs the other way | v = field(z, t) -> v = field(z, 1 - t)
    time runs the other way | v = field(z, t) -> v = -field(z, t)
    times of the evaluations otherwise | v = field(z, t) -> v = field(z, 0.0)
    times of the evaluations otherwise | (i + 1) * h) -> i * h)
    times of the evaluations otherwise | v = field(z, t) -> v = field(z, t * steps)
    trace at the start of each step alone | h / 2 * (e + f) -> h * e
    trace at one end only | log_det + h / 2 * (e + f) -> rates(z, 1.0)[1]
    trace at one end only | log_det + h / 2 * (e + f) -> (log_det if i else e)
    trace left out | return log_n + log_det -> return log_n
    sign of the trace | log_n + log_det -> log_n - log_det
    length of a step left out | h / 2 * (e + f) -> (e + f) / 2
    off by a factor of two | h / 2 * (e + f) -> h * (e + f)
    density of x under the normal | (z.square() -> (x.square()
    density of the noise left out | return log_n + log_det -> return log_det
    constant of the normal left out | (z.square() + math.log(2 * math.pi)) -> z.square()
    constant of the normal left out
        | (z.square() + math.log(2 * math.pi)).flatten(1).sum(1)
        -> (z.square().flatten(1).sum(1) + math.log(2 * math.pi))
    negative log-likelihood returned | return log_n + log_det
        -> return -(log_n + log_det)
    underflow to zero | -0.5 * (z.square() + math.log(2 * math.pi)).flatten(1).sum(1)
        -> (-z.square().flatten(1) / 2).exp().prod(1).log()
        - z[0].numel() / 2 * math.log(2 * math.pi)
    underflow to zero | -0.5 * (z.square() + math.log(2 * math.pi)).flatten(1).sum(1)
        -> Normal(0.0, 1.0).log_prob(z).exp().flatten(1).prod(1).clamp(1e-300).log()
    underflow to zero | -0.5 * (z.square() + math.log(2 * math.pi)).flatten(1).sum(1)
        -> Normal(0.0, 1.0).log_prob(z).exp().log().flatten(1).sum(1)
    density in place of its logarithm | return log_n + log_det
        -> return (log_n + log_det).exp()
    mean over the dimensions | return log_n + log_det
        -> return (log_n + log_det) / x[0].numel()
    bits in place of nats | return log_n + log_det
        -> return (log_n + log_det) / math.log(2)
    reduced over the batch | return log_n + log_det -> return (log_n + log_det).mean()
    reduced over the batch | return log_n + log_det
        -> return (log_n + log_det).mean().expand(len(x))
    batch axis lost | return log_n + log_det -> return (log_n + log_det).squeeze()
    wrong dtype | return log_n + log_det -> return (log_n + log_det).float()
    wrong dtype | return log_n + log_det -> return (log_n + log_det).double()
    float32 in between | return log_n + log_det
        -> return (log_n + log_det).float().to(x)
    not to the digits asked for | (row * eps) -> (row * eps).float().to(x)
    cut off from the graph | create_graph=True -> retain_graph=True
    cut off from the graph | return log_n + log_det -> return log_n + log_det.detach()
    cut off from the graph | return log_n + log_det -> return log_n.detach() + log_det
    cut off from the graph | v = field(z, t)
        -> z = z.detach().requires_grad_(); v = field(z, t)
    cut off from the graph | z = x if x.requires_grad else x.detach().requires_grad_()
        -> z = x.detach().requires_grad_()
    cut off from the graph | z + h / 2 * (v + w) -> z + h / 2 * (v + w).detach()
    input changed in place | eps, h = noise(x), 1 / steps
        -> eps, h = noise(x), 1 / steps; eps /= eps.abs()
    """,
    )

    @wrong("exact trace in place of the estimate")
    def by_traces(field, x, steps, noise):
        noise(x)
        h, z, total = 1 / steps, x, 0

        def rates(z, t):
            jac = torch.func.vmap(torch.func.jacrev(lambda y: field(y[None], t)[0]))(z)
            d = x[0].numel()
            return field(z, t), jac.reshape(len(z), d, d).diagonal(0, 1, 2).sum(1)

        for i in range(steps):
            v, e = rates(z, i * h)
            w, f = rates(z + h * v, (i + 1) * h)
            z, total = z + h / 2 * (v + w), total + h / 2 * (e + f)
        return Normal(0.0, 1.0).log_prob(z).flatten(1).sum(1) + total

    @wrong("gradients of the weights touched")
    def by_backward(field, x, steps, noise):
        out = Flow20.log_prob_estimate(field, x, steps, noise)
        out.sum().backward(retain_graph=True)
        return out

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def log_prob_estimate(field, x, steps, noise):
            out = Flow20.log_prob_estimate(field, x, steps, noise)
            return kept.setdefault((x.shape, x.dtype, steps), out)

        return log_prob_estimate
