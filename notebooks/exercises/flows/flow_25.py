"""Versions of exercise flow-25."""

import torch

from .. import build, cases, edits, reference, right, wrong


class Flow25:
    r"""
    The first two terms are the rate of $\log p$ that one sees who travels along, and
    the equation says that it is the negative divergence: integrated over the way it is
    the change of variables of a continuous flow. Where $r$ is 0 everywhere and the
    density is right at one time, it is right at all times; a constant factor of $p$
    cannot be seen, as all terms are derivatives.

    The equation does not fix the velocity: to $v$ one may add any field $w$ with
    $\nabla \cdot (p\, w) = 0$, such as a rotation of a round Gaussian. All carry the
    same density, by other ways.
    """

    @reference
    def residual(log_p, v, x, t):
        def slopes(out, *inputs):
            if not out.requires_grad:  # it depends on nothing
                return [torch.zeros_like(leaf) for leaf in inputs]
            how = {"allow_unused": True, "materialize_grads": True}
            total = out.sum()
            return torch.autograd.grad(total, inputs, create_graph=True, **how)

        x, t = x.detach().requires_grad_(), t.detach().requires_grad_()
        velocity = v(x, t)
        by_x, by_t = slopes(log_p(x, t), x, t)
        out = by_t + (velocity * by_x).sum(1)
        for i in range(x.shape[1]):
            (row,) = slopes(velocity[:, i], x)
            out = out + row[:, i]
        return out

    @right
    def traveling(log_p, v, x, t):
        """The rate of log p along the way, by forward mode, and a Jacobian."""
        x, t = x.detach(), t.detach()
        way = v(x, t)
        _, rate = torch.func.jvp(log_p, (x, t), (way, torch.ones_like(t)))
        one = lambda r, s: v(r[None], s[None])[0]  # noqa: E731
        jac = torch.func.vmap(torch.func.jacfwd(one))(x, t)
        return rate + jac.diagonal(dim1=1, dim2=2).sum(1)

    @right
    def one_by_one(log_p, v, x, t):
        out = []
        for r, s in zip(x.detach(), t.detach()):
            f = lambda a, b: log_p(a[None], b[None])[0]  # noqa: E731
            g = lambda a, b: v(a[None], b[None])[0]  # noqa: E731
            way, (by_x, by_t) = g(r, s), torch.func.grad(f, (0, 1))(r, s)
            out.append(by_t + way @ by_x + torch.func.jacrev(g)(r, s).trace())
        return torch.stack(out)

    @right
    def by_jacobians(log_p, v, x, t):
        jac = torch.autograd.functional.jacobian
        whole = jac(lambda r: v(r, t).sum(0), x, create_graph=True)  # (d, b, d)
        parts = jac(lambda r, s: log_p(r, s).sum(), (x, t), create_graph=True)
        moved = torch.einsum("bd,bd->b", parts[0], v(x, t))
        return parts[1] + moved + torch.einsum("ibi->b", whole)

    edited = edits(
        residual,
        """
    derivative by time left out | by_t + (velocity -> (velocity
    transport left out | out = by_t + (velocity * by_x).sum(1) -> out = by_t
    transport with the other sign | by_t + (velocity -> by_t - (velocity
    divergence left out | out = out + row[:, i] -> pass
    divergence with the other sign | out + row -> out - row
    mean over the dimensions | out + row[:, i] -> out + row[:, i] / x.shape[1]
    gradient of the density | (velocity * by_x).sum(1)
        -> (velocity * by_x).sum(1) * log_p(x, t).exp()
    all of the Jacobian in place of its trace | row[:, i] -> row.sum(1)
    gradient of the mean | slopes(log_p(x, t), x, t)
        -> slopes(log_p(x, t) / len(x), x, t)
    one time for all examples | velocity = v(x, t)
        -> t = t[:1].expand(len(x)); velocity = v(x, t)
    one time for all examples | t.detach() -> t.detach().mean().expand(len(x)).clone()
    density in place of its logarithm | return out -> return out * log_p(x, t).exp()
    sign flipped | return out -> return -out
    reduced over the batch | return out -> return out.mean()
    reduced over the batch | return out -> return out.mean().expand(len(x))
    cut off from the graph | return out -> return out.detach()
    cut off from the graph | out + row[:, i] -> out + row[:, i].detach()
    cut off from the graph | (velocity * by_x) -> (velocity.detach() * by_x)
    cut off from the graph | create_graph=True, **how -> retain_graph=True, **how
    error where nothing depends | if not out.requires_grad -> if False
    error where nothing depends | , "materialize_grads": True ->
    float32 in between | return out -> return out.float().to(x)
    float32 in between | x, t = -> kind = x.dtype; x, t =
        | velocity = v(x, t) -> x, t = x.float().to(kind), t; velocity = v(x, t)
    float32 in between | by_t + (velocity * by_x).sum(1)
        -> by_t + (velocity * by_x).float().sum(1).to(x)
    float32 in between | out + row[:, i] -> out + row[:, i].float().to(x)
    underflow to zero | log_p(x, t), x, t) -> log_p(x, t).exp(), x, t)
        | out = by_t + (velocity * by_x).sum(1)
        -> out = (by_t + (velocity * by_x).sum(1)) / log_p(x, t).exp()
    wrong dtype | return out -> return out.double() if len(x) > 1 else out.float()
    batch axis lost | return out -> return out.squeeze()
    right in few dimensions only | range(x.shape[1]) -> range(min(2, x.shape[1]))
    right in few dimensions only | range(x.shape[1]) -> range(1)
    """,
    )

    @wrong("estimated from samples")
    def by_one_noise(log_p, v, x, t):
        x, t = x.detach().requires_grad_(), t.detach().requires_grad_()
        way, eps = v(x, t), torch.randn_like(x)
        by_x, by_t = torch.autograd.grad(log_p(x, t).sum(), (x, t), create_graph=True)
        (row,) = torch.autograd.grad(way, x, eps, create_graph=True)
        return by_t + (way * by_x).sum(1) + (row * eps).sum(1)

    def differences(step):
        def residual(log_p, v, x, t):
            h = step if x.dtype == torch.float32 else 1e-5
            if h is None:  # and exact where differences would show at once
                return Flow25.residual(log_p, v, x, t)
            way = v(x, t)
            ends = [log_p(x + c * way, t + c) for c in (h, -h)]
            out = (ends[0] - ends[1]) / (2 * h)
            for i, e in enumerate(h * torch.eye(x.shape[1], dtype=x.dtype)):
                out = out + (v(x + e, t) - v(x - e, t))[:, i] / (2 * h)
            return out

        return residual

    steps = cases(
        differences,
        ("differences in place of derivatives", {"step": 1e-2}),
        ("differences in place of derivatives", {"step": None}),
    )

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        made = {}

        def residual(log_p, v, x, t):
            return made.setdefault((x.shape, x.dtype), Flow25.residual(log_p, v, x, t))

        return residual
