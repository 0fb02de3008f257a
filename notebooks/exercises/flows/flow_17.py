"""Versions of exercise flow-17."""

import torch

from .. import build, edits, reference, right, wrong


class Flow17:
    r"""
    Examples do not mix, so the derivative of one value of the velocity, summed over the
    batch, has a row of each example's Jacobian. With `is_grads_batched` all $d$ of them
    come in one call; the price is still that of $d$ derivatives, and memory for $d$
    batches. For a picture of $3 \times 32 \times 32$ values that is 3,072 derivatives
    at each evaluation of the velocity, which is why pictures are trained with
    Hutchinson's estimate, and the exact trace is kept for the last report.

    Where the velocity is made by convolutions that reach $r$ pixels far, values more
    than $r$ apart do not see each other: a 1 in one channel, at all places of a grid
    whose lines are $r + 1$ apart, gives all their diagonal entries by one derivative.
    Then $c\,(r + 1)^2$ derivatives give the whole trace, however large the picture is;
    the idea is that of [Curtis, Powell and Reid
    (1974)](https://doi.org/10.1093/imamat/13.1.117) for sparse Jacobians.
    """

    @reference
    def divergence(field, x, t):
        x = x if x.requires_grad else x.detach().requires_grad_()
        v = field(x, t)
        d = v[0].numel()
        each = torch.eye(d).to(v).view(d, 1, *v.shape[1:])
        each = each.expand(d, *v.shape)
        (rows,) = torch.autograd.grad(
            v, x, each, create_graph=True, is_grads_batched=True
        )  # (d, b, c, h, w)
        return v, (rows * each).sum((0, 2, 3, 4))

    @right
    def by_torch_func(field, x, t):
        def alone(one):
            return field(one[None], t)[0].flatten()

        jac = torch.func.vmap(torch.func.jacrev(alone))(x)
        return field(x, t), jac.flatten(2).diagonal(dim1=1, dim2=2).sum(1)

    @right
    def by_loops(field, x, t):
        x = x if x.requires_grad else x.clone().requires_grad_()
        v, total = field(x, t), 0
        for place in torch.cartesian_prod(*map(torch.arange, v.shape[1:])).tolist():
            at = (slice(None), *place)
            (row,) = torch.autograd.grad(v[at].sum(), x, create_graph=True)
            total = total + row[at]
        return v, total

    @right
    def by_forward_mode(field, x, t):
        d = x[0].numel()
        each = (
            torch.eye(d, dtype=x.dtype).reshape(d, 1, *x.shape[1:]).expand(d, *x.shape)
        )

        def column(way):
            return (torch.func.jvp(lambda y: field(y, t), (x,), (way,))[1] * way).sum(
                (1, 2, 3)
            )

        return [field(x, t), torch.func.vmap(column)(each).sum(0)]

    @right
    def example_by_example(field, x, t):
        found = []
        for one in x:
            f = lambda y: field(y[None], t)[0]  # noqa: E731
            jac = torch.autograd.functional.jacobian(f, one, create_graph=True)
            d = one.numel()
            found.append(jac.reshape(d, d).trace())
        return field(x, t), torch.stack(found)

    edited = edits(
        divergence,
        """
    sum of the whole Jacobian | (rows * each).sum -> rows.sum
    entries squared | (rows * each).sum -> (rows * each).square().sum
    sizes of the entries | (rows * each).sum -> (rows * each).abs().sum
    trace of the product with its transpose | (rows * each).sum -> rows.square().sum
    matched in another order | (rows * each) -> (rows * each.flip(2))
    matched in another order | (rows * each) -> (rows * each.flip(3, 4))
    matched in another order | (rows * each) -> (rows * each.flip(4))
    one channel alone | (rows * each) -> (rows * each)[:, :, :1]
    one channel alone | (rows * each) -> (rows * each)[:, :, -1:]
    another time | v = field(x, t) -> v = field(x, 0.0)
    another time | d = v[0].numel() -> d = v[0].numel(); u = field(x, 1.0)
        | v, x, each -> u, x, each
    mean over the dimensions | .sum((0, 2, 3, 4)) -> .sum((0, 2, 3, 4)) / d
    mean over the dimensions | .sum((0, 2, 3, 4)) -> .sum((0, 2)).mean((1, 2))
    mean over the dimensions | .sum((0, 2, 3, 4)) -> .mean(2).sum((0, 2, 3))
    sign flipped | return v, ( -> return v, -(
    off by a factor of two | return v, ( -> return v, 2 * (
    not summed over the dimensions | .sum((0, 2, 3, 4)) -> .sum(0)
    not summed over the dimensions | .sum((0, 2, 3, 4)) -> .sum((0, 3, 4))
    not summed over the dimensions | .sum((0, 2, 3, 4)) -> .sum((0, 2))
    reduced over the batch | .sum((0, 2, 3, 4)) -> .sum()
    reduced over the batch | .sum((0, 2, 3, 4))
        -> .sum((0, 2, 3, 4)).mean().expand(len(x))
    reduced over the batch | .sum((0, 2, 3, 4)) -> .sum((0, 2, 3, 4)) / len(x)
    reduced over the batch | .sum((0, 2, 3, 4)) -> .sum().expand(len(x))
    examples averaged or mixed | (rows * each) -> (rows * each)[:, :1].expand_as(rows)
    dimensions left out | .sum((0, 2, 3, 4)) -> [: d - 1].sum((0, 2, 3, 4))
    dimensions left out | .sum((0, 2, 3, 4)) -> [:64].sum((0, 2, 3, 4))
    right for few values alone | each = torch.eye(d).to(v)
        -> each = torch.eye(d)[:, torch.arange(d) % 80].to(v)
    right for few values alone | (rows * each)
        -> (rows * each)[:, torch.arange(len(x)) % 64]
    batch axis lost | .sum((0, 2, 3, 4)) -> .sum((0, 2, 3, 4)).squeeze()
    cut off from the graph | create_graph=True -> retain_graph=True
    cut off from the graph | return v, (rows * each) -> return v, (rows.detach() * each)
    cut off from the graph | return v, -> return v.detach(),
    cut off from the graph | x if x.requires_grad else x.detach().requires_grad_()
        -> x.detach().requires_grad_()
    float32 in between | rows * each -> rows.float() * each
    float32 in between | rows * each -> rows.float().to(v) * each
    float32 in between | .sum((0, 2, 3, 4)) -> .sum((0, 2, 3, 4)).float().to(v)
    wrong dtype | .sum((0, 2, 3, 4)) -> .sum((0, 2, 3, 4)).float()
    wrong dtype | .sum((0, 2, 3, 4)) -> .sum((0, 2, 3, 4)).double()
    no pair | return v, (rows * each) -> return (rows * each)
    results exchanged | return v, (rows * each).sum((0, 2, 3, 4))
        -> return (rows * each).sum((0, 2, 3, 4)), v
    view of what is not contiguous | d = v[0].numel() -> d = v.view(len(v), -1).shape[1]
    view of what is not contiguous | d = v[0].numel() -> d = x.view(len(v), -1).shape[1]
    input changed in place | v = field(x, t) -> v = field(x, t); x.data.add_(1)
    """,
    )

    @wrong("estimated from samples")
    def estimated(field, x, t):
        x = x if x.requires_grad else x.detach().requires_grad_()
        v = field(x, t)
        eps = torch.randn_like(v)
        (row,) = torch.autograd.grad(v, x, eps, create_graph=True)
        return v, (row * eps).flatten(1).sum(1)

    @wrong("differences in place of derivatives")
    def by_differences(field, x, t, h=1e-5):
        total = 0
        for way in torch.eye(x[0].numel()).to(x).view(-1, *x.shape[1:]):
            rate = (field(x + h * way, t) - field(x - h * way, t)) / (2 * h)
            total = total + (rate * way).flatten(1).sum(1)
        return field(x, t), total

    @wrong("divergence of a field in the plane")
    def of_the_plane(field, x, t):
        v = field(x, t)
        along = v[:, 0].diff(dim=-1).flatten(1).sum(1)
        return v, along + v[:, -1].diff(dim=-2).flatten(1).sum(1)

    @wrong("log-determinant in place of the trace")
    def log_determinant(field, x, t):
        jac = torch.func.vmap(
            torch.func.jacrev(lambda y: field(y[None], t)[0].flatten())
        )
        return field(x, t), torch.linalg.slogdet(jac(x).flatten(2)).logabsdet

    @wrong("gradients of the weights touched")
    def by_backward(field, x, t):
        made = Flow17.divergence(field, x, t)
        if not x.requires_grad:
            made[1].sum().backward(retain_graph=True)
        return made

    @wrong("sum of the whole Jacobian")
    def gradient_of_the_sum(field, x, t):
        x = x if x.requires_grad else x.detach().requires_grad_()
        v = field(x, t)
        (rate,) = torch.autograd.grad(v.sum(), x, create_graph=True)
        return v, rate.sum((1, 2, 3))

    @wrong("cut off from the graph")
    def without_weights(field, x, t):
        with torch.enable_grad():
            v, div = Flow17.divergence(field, x, t)
        return v, div.detach() + 0 * v.sum()

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def divergence(field, x, t):
            v, div = Flow17.divergence(field, x, t)
            return v, kept.setdefault((x.shape, x.dtype), div)

        return divergence
