"""Versions of exercise ae-13."""

import torch

from .. import reference, right, wrong


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
        # Examples do not mix, so the sum over the batch keeps every row.
        rows = torch.autograd.functional.jacobian(
            lambda v: encoder(v).sum(0), x, create_graph=True
        )  # (k, b, ...)
        return rows.square().flatten(2).sum((0, 2))

    @right
    def by_loops(encoder, x):
        out = []
        for row in x:
            leaf = row[None].clone().requires_grad_()
            z = encoder(leaf)[0]
            parts = [
                torch.autograd.grad(v, leaf, create_graph=True)[0].pow(2).sum()
                for v in z
            ]
            out.append(sum(parts))
        return torch.stack(out)

    def _of_sum(encoder, x, **how):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(encoder(x).sum(), x, create_graph=True, **how)[0]

    def _rows(encoder, x):
        rows = torch.autograd.functional.jacobian(
            lambda v: encoder(v).sum(0), x, create_graph=True
        )
        return rows.flatten(2).transpose(0, 1)  # (b, k, d)

    @wrong("rows added before they are squared")
    def added(encoder, x):
        return Ae13._of_sum(encoder, x).square().flatten(1).sum(1)

    @wrong("cut off from the graph")
    def detached(encoder, x):
        return Ae13.contraction(encoder, x).detach()

    @wrong("square root taken")
    def norm(encoder, x):
        return Ae13.contraction(encoder, x).sqrt()

    @wrong("mean over the entries")
    def mean(encoder, x):
        return Ae13._rows(encoder, x).square().mean((1, 2))

    @wrong("summed over the batch")
    def summed(encoder, x):
        return Ae13.contraction(encoder, x).sum()

    @wrong("largest singular value")
    def spectral(encoder, x):
        return torch.linalg.matrix_norm(Ae13._rows(encoder, x), 2).square()

    @wrong("absolute values in place of squares")
    def absolute(encoder, x):
        return Ae13._rows(encoder, x).abs().sum((1, 2))

    @wrong("only the first code")
    def first(encoder, x):
        return Ae13._rows(encoder, x)[:, 0].square().sum(1)

    @wrong("squared length of the code")
    def code(encoder, x):
        return encoder(x).square().sum(1)

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

    @wrong("random probes")
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

    @wrong("gradient cut off in part")
    def one_factor_held(encoder, x):
        rows = Ae13._rows(encoder, x)
        return (rows * rows.detach()).sum((1, 2))

    @wrong("gradient cut off in part")
    def last_row_only(encoder, x):
        squares = Ae13._rows(encoder, x).square().sum(2)
        return squares[:, :-1].detach().sum(1) + squares[:, -1]

    @wrong("only the first code")
    def three_codes(encoder, x):
        return Ae13._rows(encoder, x)[:, :3].square().sum((1, 2))

    @wrong("halved")
    def half(encoder, x):
        return Ae13.contraction(encoder, x) / 2
