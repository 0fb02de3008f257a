"""Versions of exercise ae-05."""

import torch

from .. import reference, right, wrong


class Ae05:
    """Why: the second derivative of log p_σ is the derivative of (r - x̃)/σ². Working
    out the integral gives (Cov[x | x̃]/σ² - I)/σ²; solve for the covariance."""

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
        full = torch.autograd.functional.jacobian(denoise, x_noisy)  # (b, d, b, d)
        own = torch.einsum("bibj->bij", full)
        return std**2 * own.diagonal(dim1=1, dim2=2).sum(1)

    @right
    def by_vmap(denoise, x_noisy, std):
        one = torch.func.jacrev(lambda row: denoise(row[None])[0])
        return std**2 * torch.stack([one(row).trace() for row in x_noisy])

    @right
    def by_forward_mode(denoise, x_noisy, std):
        total = 0
        for i in range(x_noisy.shape[1]):
            v = torch.zeros_like(x_noisy)
            v[:, i] = 1
            total = total + torch.func.jvp(denoise, (x_noisy,), (v,))[1][:, i]
        return total * std * std

    @right
    def by_loops(denoise, x_noisy, std):
        out = []
        for row in x_noisy:
            row = row.clone().requires_grad_()
            r = denoise(row[None])[0]
            parts = [
                torch.autograd.grad(r[i], row, retain_graph=True)[0][i]
                for i in range(len(row))
            ]
            out.append(std**2 * sum(parts))
        return torch.stack(out)

    def _grad_of_sum(denoise, x_noisy):
        x = x_noisy.detach().requires_grad_()
        return torch.autograd.grad(denoise(x).sum(), x)[0]

    @wrong("all entries of the Jacobian summed")
    def whole(denoise, x_noisy, std):
        return std**2 * Ae05._grad_of_sum(denoise, x_noisy).sum(1)

    @wrong("variance factor left out")
    def no_factor(denoise, x_noisy, std):
        return Ae05.doubt(denoise, x_noisy, 1.0)

    @wrong("standard deviation in place of the variance")
    def std_factor(denoise, x_noisy, std):
        return Ae05.doubt(denoise, x_noisy, std) / std

    @wrong("entries of the Jacobian squared")
    def frobenius(denoise, x_noisy, std):
        full = torch.autograd.functional.jacobian(denoise, x_noisy)
        own = torch.einsum("bibj->bij", full)
        return std**2 * own.square().sum((1, 2))

    @wrong("mean over the dimensions")
    def mean(denoise, x_noisy, std):
        return Ae05.doubt(denoise, x_noisy, std) / x_noisy.shape[1]

    @wrong("summed over the rows")
    def summed(denoise, x_noisy, std):
        return Ae05.doubt(denoise, x_noisy, std).sum()

    @wrong("Jacobian of the displacement")
    def displacement(denoise, x_noisy, std):
        return Ae05.doubt(lambda v: denoise(v) - v, x_noisy, std)

    @wrong("squared residual")
    def residual(denoise, x_noisy, std):
        return (denoise(x_noisy) - x_noisy).square().sum(1)

    @wrong("differences in place of derivatives")
    def differences(denoise, x_noisy, std):
        total = 0
        for i in range(x_noisy.shape[1]):
            h = torch.zeros_like(x_noisy)
            h[:, i] = 1e-2 if x_noisy.dtype == torch.float32 else 1e-3
            change = denoise(x_noisy + h) - denoise(x_noisy - h)
            total = total + change[:, i] / (2 * h[0, i])
        return std**2 * total

    @right
    def in_double_precision(denoise, x_noisy, std):
        rows = torch.autograd.functional.jacobian(
            lambda v: denoise(v).sum(0), x_noisy.double(), vectorize=True
        )  # (d, b, d)
        return (std**2 * torch.einsum("ibi->b", rows)).to(x_noisy.dtype)

    @right
    def as_numbers(denoise, x_noisy, std):
        x = x_noisy.clone().requires_grad_()
        r, total = denoise(x), [0.0] * len(x)
        for i in range(len(x)):
            for j in range(x.shape[1]):
                slope = torch.autograd.grad(r[i, j], x, retain_graph=True)[0]
                total[i] += float(slope[i, j])
        return std * std * torch.tensor(total, dtype=x.dtype)

    def _probed(denoise, x_noisy, std, n):
        x = x_noisy.detach().requires_grad_()
        r, total = denoise(x), 0
        for _ in range(n):
            v = torch.randn_like(x).sign()
            total = total + (torch.autograd.grad(r, x, v, retain_graph=True)[0] * v)
        return std**2 * total.sum(1) / n

    @wrong("random probes")
    def one_probe(denoise, x_noisy, std):
        return Ae05._probed(denoise, x_noisy, std, 1)

    @wrong("random probes")
    def many_probes(denoise, x_noisy, std):
        return Ae05._probed(denoise, x_noisy, std, 300)

    @wrong("differences in place of derivatives")
    def fine_differences(denoise, x_noisy, std):
        x, total = x_noisy.double(), 0
        for i in range(x.shape[1]):
            h = torch.zeros_like(x)
            h[:, i] = 1e-5
            total = total + (denoise(x + h) - denoise(x - h))[:, i] / 2e-5
        return (std**2 * total).to(x_noisy.dtype)

    @wrong("absolute values")
    def absolute(denoise, x_noisy, std):
        full = torch.autograd.functional.jacobian(denoise, x_noisy)
        return std**2 * torch.einsum("bibi->bi", full).abs().sum(1)

    @wrong("Jacobian of the first row for all")
    def first_row(denoise, x_noisy, std):
        one = torch.func.jacrev(lambda row: denoise(row[None])[0])(x_noisy[0])
        return std**2 * one.trace().expand(len(x_noisy))

    @wrong("variance factor left out")
    def divided(denoise, x_noisy, std):
        return Ae05.doubt(denoise, x_noisy, 1.0) / std**2
