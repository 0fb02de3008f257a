"""Versions of exercise ae-07."""

import torch
from torch.nn import functional as F

from .. import reference, right, wrong


class Ae07:
    r"""With $s_j = \lVert w_j \rVert$ and $u_j = s_j z_j$ the objective is
    $\sum_j \bigl(u_j^2 - 2 u_j\, w_j^\top x / s_j + \gamma \lvert u_j \rvert\bigr)$
    plus a constant. For $u_j > 0$ the derivative vanishes at
    $w_j^\top x/s_j - \gamma/2$, if that is positive; for $u_j < 0$ it is the mirror
    image."""

    @reference
    def sparse_code(x, w, weight):
        length = w.norm(dim=0)
        along = x @ (w / length)  # projections on unit columns
        size = (along.abs() - weight / 2).clamp(min=0)
        return along.sign() * size / length

    @right
    def by_shrink(x, w, weight):
        length = w.norm(dim=0)
        return F.softshrink(x @ w / length, weight / 2) / length

    @right
    def by_two_relus(x, w, weight):
        length = (w * w).sum(0).sqrt()
        a = x @ w / length
        return (F.relu(a - weight / 2) - F.relu(-a - weight / 2)) / length

    @right
    def by_loops(x, w, weight):
        out = torch.zeros(len(x), w.shape[1], dtype=x.dtype)
        for i in range(len(x)):
            for j in range(w.shape[1]):
                s = w[:, j].norm()
                a = x[i] @ w[:, j] / s
                if a > weight / 2:
                    out[i, j] = (a - weight / 2) / s
                elif a < -weight / 2:
                    out[i, j] = (a + weight / 2) / s
        return out

    @right
    def by_proximal_steps(x, w, weight):
        length = w.norm(dim=0)
        u, unit = torch.zeros(len(x), w.shape[1], dtype=x.dtype), w / length
        for _ in range(60):
            u = u + 0.5 * (x - u @ unit.T) @ unit
            u = F.softshrink(u, weight / 4)
        return u / length

    def _any(x, w, threshold, power=1.0):
        length = w.norm(dim=0)
        a = x @ (w / length)
        return a.sign() * (a.abs() - threshold).clamp(min=0) / length**power

    @wrong("threshold of the whole weight")
    def whole(x, w, weight):
        return Ae07._any(x, w, weight)

    @wrong("negative codes cut off")
    def relu(x, w, weight):
        return Ae07._any(x, w, weight / 2).relu()

    @wrong("length of the columns forgotten")
    def as_unit(x, w, weight):
        a = x @ w
        return a.sign() * (a.abs() - weight / 2).clamp(min=0)

    @wrong("divided by the length only once")
    def once(x, w, weight):
        return Ae07._any(x, w, weight / 2, power=0.0)

    @wrong("penalty without the length")
    def bare(x, w, weight):
        return Ae07._any(x, w, weight / 2 / w.norm(dim=0))

    @wrong("no threshold")
    def projection(x, w, weight):
        return x @ w / w.square().sum(0)

    @wrong("cut off without shrinking")
    def hard(x, w, weight):
        length = w.norm(dim=0)
        a = x @ (w / length)
        return a * (a.abs() > weight / 2) / length

    @wrong("relative threshold")
    def ridge(x, w, weight):
        return x @ w / w.square().sum(0) / (1 + weight / 2)

    @wrong("nearly zero in place of zero")
    def leaky(x, w, weight):
        exact = Ae07._any(x, w, weight / 2)
        return exact + 1e-5 * (exact == 0) * (weight > 0)

    @right
    def by_clamping(x, w, weight):
        # In single precision, and by what is cut away.
        x, w = x.float(), w.float()
        scale = torch.einsum("dk,dk->k", w, w).rsqrt()
        a = torch.einsum("bd,dk,k->bk", x, w, scale)
        return (a - a.clamp(-weight / 2, weight / 2)) * scale

    @right
    def by_pseudoinverse(x, w, weight):
        z = x @ torch.linalg.pinv(w).T
        move = weight / 2 / torch.linalg.norm(w, dim=0)
        zero = torch.zeros_like(z)
        return torch.where(z > move, z - move, torch.where(z < -move, z + move, zero))

    @wrong("threshold on the wrong scale")
    def on_the_code(x, w, weight):
        return F.softshrink(x @ w / w.square().sum(0), weight / 2)

    @wrong("moved across zero")
    def across(x, w, weight):
        length = w.norm(dim=0)
        a = x @ w / length
        return (a - weight / 2 * a.sign()) / length

    @wrong("threshold halved twice")
    def quarter(x, w, weight):
        return Ae07._any(x, w, weight / 4)

    @wrong("length of the whole dictionary")
    def one_norm(x, w, weight):
        length = w.norm()
        return F.softshrink(x @ w / length, weight / 2) / length

    @wrong("zero divided by zero")
    def by_a_factor(x, w, weight):
        length = w.norm(dim=0)
        a = x @ w / length
        return (1 - weight / 2 / a.abs()).clamp(min=0) * a / length
