"""Versions of exercise ae-13."""

import torch

from .. import edits, reference, right, sums, wrong


def squares(encoder, x):
    """The squared entries of the Jacobian of each row: (b, k, ...)."""
    rows = torch.autograd.functional.jacobian(
        lambda v: encoder(v).sum(0), x, create_graph=True
    )  # (k, b, ...): examples do not mix, so the sum over the batch keeps every row
    return rows.square().transpose(0, 1)


class Ae13:
    @reference
    def contraction(encoder, x):
        x = x.detach().requires_grad_()
        z = encoder(x)
        total = torch.zeros_like(z[:, 0])
        for j in range(z.shape[1]):
            row = torch.autograd.grad(z[:, j].sum(), x, create_graph=True)[0]
            total = total + row.square().flatten(1).sum(1)
        return total

    @right
    def by_jacobian(encoder, x):
        full = torch.autograd.functional.jacobian(encoder, x, create_graph=True)
        own = torch.stack([full[i, :, i] for i in range(len(x))])
        return own.flatten(1).pow(2).sum(1)

    @right
    def by_sum_over_the_batch(encoder, x):
        return squares(encoder, x).flatten(1).sum(1)

    @right
    def in_a_single_precision_sum(encoder, x):
        x = x.detach().requires_grad_()
        z, total = encoder(x), torch.zeros(len(x))
        for j in range(z.shape[1]):
            row = torch.autograd.grad(z[:, j].sum(), x, create_graph=True)[0]
            total += row.square().flatten(1).sum(1)
        return total

    @right
    def by_loops(encoder, x):
        out = []
        for row in x:
            leaf = row[None].clone().requires_grad_()
            rows = [
                torch.autograd.grad(v, leaf, create_graph=True)[0]
                for v in encoder(leaf)[0]
            ]
            out.append(sum(r.pow(2).sum() for r in rows))
        return torch.stack(out)

    @right
    def by_vmap(encoder, x):
        one = torch.func.jacrev(lambda row: encoder(row[None])[0])
        return torch.vmap(one)(x).flatten(1).square().sum(1)

    @right
    def by_forward_mode(encoder, x):
        total = 0
        for step in torch.eye(x[0].numel(), dtype=x.dtype):
            v = step.view(1, *x.shape[1:]).expand_as(x).contiguous()
            total = total + torch.func.jvp(encoder, (x,), (v,))[1].square().sum(1)
        return total

    standard = sums(squares, without=("bits in place of nats",))

    edited = edits(
        contraction,
        """
    rows added before they are squared | z[:, j].sum() -> z.sum()
        | total = total + -> total =
    square root taken | return total -> return total.sqrt()
    absolute values in place of squares | row.square() -> row.abs()
    codes left out | range(z.shape[1]) -> range(1)
    codes left out | range(z.shape[1]) -> range(3)
    squared length of the code | return total -> return z.square().sum(1)
    not summed over the dimensions | .flatten(1).sum(1) -> .sum(1)
        | total = torch.zeros_like(z[:, 0]) -> total = 0
    gradient cut off in part | row.square() -> (row * row.detach())
    gradient cut off in part | total = total + -> total = total.detach() +
    """,
    )

    @wrong("largest singular value")
    def spectral(encoder, x):
        rows = torch.autograd.functional.jacobian(
            lambda v: encoder(v).sum(0), x, create_graph=True
        )
        return torch.linalg.matrix_norm(rows.flatten(2).transpose(0, 1), 2).square()

    @wrong("estimated from samples")
    def probed(encoder, x):
        x = x.detach().requires_grad_()
        z = encoder(x)
        v = torch.randn_like(z).sign()
        slope = torch.autograd.grad(z, x, v, create_graph=True)[0]
        return slope.square().flatten(1).sum(1)

    @wrong("differences in place of derivatives")
    def differences(encoder, x):
        h, total = 0.1 if x.dtype == torch.float32 else 1e-5, 0
        for step in h * torch.eye(x[0].numel(), dtype=x.dtype):
            v = step.view(x.shape[1:])
            slope = (encoder(x + v) - encoder(x - v)) / (2 * h)
            total = total + slope.square().sum(1)
        return total
