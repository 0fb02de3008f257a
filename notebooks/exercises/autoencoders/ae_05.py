"""Versions of exercise ae-05."""

import torch

from .. import edits, reference, right, sums, wrong


def diagonal(denoise, x_noisy, std):
    """std² times the diagonal of the Jacobian of each row: (b, d)."""
    full = torch.autograd.functional.jacobian(denoise, x_noisy)  # (b, d, b, d)
    return std**2 * torch.einsum("bibi->bi", full)


class Ae05:
    r"""Why the formula holds, in two steps. Differentiate $\nabla p_\sigma$, the
    integral above equation (2.6), once more, and divide by $p_\sigma$:

    $$
    \frac{\nabla \nabla^\top p_\sigma}{p_\sigma}
      = \frac{\mathbb{E}[(x - \tilde x)(x - \tilde x)^\top \mid \tilde x]}{\sigma^4}
      - \frac{I}{\sigma^2} .
    $$

    The second derivative of $\log p_\sigma$ is this minus the score times its
    transpose, $(r^* - \tilde x)(r^* - \tilde x)^\top / \sigma^4$, which turns the
    second moment into the covariance:
    $\operatorname{Cov}[x \mid \tilde x] / \sigma^4 - I / \sigma^2$. By (2.6) it is also
    the derivative of $(r^* - \tilde x) / \sigma^2$, which is
    $(\partial r^* / \partial \tilde x - I) / \sigma^2$. Set them equal.

    The formula is for the best denoiser: of a trained one nothing keeps the trace from
    being negative where data are rare. Try it on the denoiser of this chapter, on a
    grid around the eight blobs: where is it most in doubt?"""

    @reference
    def doubt(denoise, x_noisy, std):
        x = x_noisy.detach().requires_grad_()
        out = denoise(x)
        trace = torch.zeros_like(out[:, 0])
        for i in range(x.shape[1]):
            row = torch.autograd.grad(out[:, i].sum(), x, retain_graph=True)[0]
            trace = trace + row[:, i]
        return std**2 * trace

    @right
    def by_jacobian(denoise, x_noisy, std):
        return diagonal(denoise, x_noisy, std).sum(1)

    @right
    def by_vmap(denoise, x_noisy, std):
        one = torch.func.jacrev(lambda row: denoise(row[None])[0])
        return std**2 * torch.stack([one(row).trace() for row in x_noisy])

    @right
    def by_forward_mode_in_single_precision(denoise, x_noisy, std):
        total = torch.zeros(len(x_noisy))
        for i in range(x_noisy.shape[1]):
            v = torch.zeros_like(x_noisy)
            v[:, i] = 1
            total += std * std * torch.func.jvp(denoise, (x_noisy,), (v,))[1][:, i]
        return total

    @right
    def in_double_precision(denoise, x_noisy, std):
        rows = torch.autograd.functional.jacobian(
            lambda v: denoise(v).sum(0), x_noisy.double(), vectorize=True
        )  # (d, b, d)
        return std**2 * torch.einsum("ibi->b", rows)

    @right
    def as_numbers(denoise, x_noisy, std):
        x = x_noisy.clone().requires_grad_()
        r, total = denoise(x), [0.0] * len(x)
        for i in range(len(x)):
            for j in range(x.shape[1]):
                slope = torch.autograd.grad(r[i, j], x, retain_graph=True)[0]
                total[i] += float(slope[i, j])
        return std * std * torch.tensor(total)

    standard = sums(
        diagonal,
        without=(
            "cut off from the graph",
            "bits in place of nats",
            "reduced over the batch",
            "sign flipped",
            "constant left out",
            "off by a factor of two",
            "estimated from samples",
        ),
    )

    edited = edits(
        doubt,
        """
    all entries of the Jacobian summed | row[:, i] -> row.sum(1)
    variance factor left out | std**2 * ->
    divided by the variance | std**2 * trace -> trace / std**2
    standard deviation in place of the variance | std**2 -> std
    another power of the standard deviation | std**2 -> std**4
    entries of the Jacobian squared | row[:, i] -> row.square().sum(1)
    entries of the Jacobian squared | row[:, i] -> row[:, i].square()
    absolute values | row[:, i] -> row[:, i].abs()
    Jacobian of the displacement | denoise(x) -> denoise(x) - x
    Jacobian of the first row for all | * trace -> * trace[:1].expand(len(x))
    one Jacobian for the batch | x_noisy.detach() -> x_noisy.mean(0, True).detach()
        | std**2 * trace -> std**2 * trace.expand(len(x_noisy))
    Jacobian at another point
        | x_noisy.detach() -> denoise(x_noisy).detach()
    denoised twice | denoise(x) -> denoise(denoise(x))
    squared residual | std**2 * trace -> (out - x).square().sum(1).detach()
    an estimate of the error | std**2 * trace
        -> (out - x).square().sum(1).detach() + std**2 * (2 * trace - x.shape[1])
    gradients of several outputs added | row[:, i] -> row[:, i:].sum(1)
    a row or column of the Jacobian | row[:, i] -> row[:, 0]
    the diagonal left out | row[:, i] -> row.sum(1) - row[:, i]
    Jacobian times a vector | row[:, i] -> (row * out).sum(1).detach()
    the trace is bounded | std**2 * trace -> (std**2 * trace).clamp(min=0)
    the trace is bounded
        | std**2 * trace -> (std**2 * trace).clamp(max=std**2 * x.shape[1])
    square root taken | std**2 * trace -> std * trace.sqrt()
    one number for each dimension
        | trace = trace + row[:, i] -> trace = trace + row[:1, 0]
        | std**2 * trace -> std**2 * row.sum(0)
    reduced over the batch | std**2 * trace -> (std**2 * trace).mean()
    reduced over the batch | std**2 * trace -> (std**2 * trace).mean().expand(len(x))
    different at each call | denoise(x) -> denoise(x + std * torch.randn_like(x))
    """,
    )

    @wrong("a norm, determinant or eigenvalue")
    def determinant(denoise, x_noisy, std):
        one = torch.func.jacrev(lambda row: denoise(row[None])[0])
        return torch.stack([(std**2 * one(row)).det() for row in x_noisy])

    @wrong("entries off the diagonal")
    def one_fixed_probe(denoise, x_noisy, std):
        x = x_noisy.detach().requires_grad_()
        v = torch.ones_like(x)
        v[:, ::2] = -1
        back = torch.autograd.grad(denoise(x), x, v)[0]
        return std**2 * (back * v).sum(1)

    @wrong("different at each call")
    def probed(denoise, x_noisy, std, n=300):
        x = x_noisy.detach().requires_grad_()
        r, total = denoise(x), 0
        for _ in range(n):
            v = torch.randn_like(x).sign()
            total = total + (torch.autograd.grad(r, x, v, retain_graph=True)[0] * v)
        return std**2 * total.sum(1) / n

    @wrong("differences in place of derivatives")
    def differences(denoise, x_noisy, std, step=1e-5):
        x, total = x_noisy.double(), 0
        for i in range(x.shape[1]):
            h = torch.zeros_like(x)
            h[:, i] = step
            total = total + (denoise(x + h) - denoise(x - h))[:, i] / (2 * step)
        return (std**2 * total).to(x_noisy.dtype)

    @wrong("differences in place of derivatives")
    def wide_differences(denoise, x_noisy, std):
        return Ae05.differences(denoise, x_noisy, std, 1e-3)
