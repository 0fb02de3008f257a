"""Versions of exercise ae-07."""

import torch
from torch.nn import functional as F

from .. import edits, reference, right, wrong


class Ae07:
    r"""With $s_j = \lVert w_j \rVert$ and $u_j = s_j z_j$ the objective is
    $\sum_j \bigl(u_j^2 - 2 u_j\, w_j^\top x / s_j + \gamma \lvert u_j \rvert\bigr)$
    plus a constant. For $u_j > 0$ the derivative vanishes at
    $w_j^\top x/s_j - \gamma/2$, if that is positive; for $u_j < 0$ it is the mirror
    image.

    The threshold for the projection on the unit column is $\gamma / 2$, whatever the
    length of the column. That is what the factor $\lVert w_j \rVert$ in (2.8) is for:
    without it the threshold would be $\gamma / (2 s_j)$, and a column could escape the
    penalty by growing."""

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

    @right
    def by_clamping(x, w, weight):
        # In single precision, with a float32 constant, by what is cut away.
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

    @right
    def in_double_precision(x, w, weight):
        x, w = x.double(), w.double()
        length = w.square().sum(0).sqrt()
        return F.softshrink(x @ (w / length), weight / 2) / length

    @wrong("stopped before the minimum")
    def one_step_for_all(x, w, weight):
        z, step = torch.zeros(len(x), w.shape[1]), 0.5 / w.square().sum(0).max()
        for _ in range(10):
            z = z + 2 * step * (x - z @ w.T) @ w
            z = z.sign() * (z.abs() - step * weight * w.norm(dim=0)).relu()
        return z

    edited = edits(
        sparse_code,
        """
    threshold of the whole weight | weight / 2 -> weight
    threshold halved twice | weight / 2 -> weight / 4
    negative codes cut off | along.sign() * -> along.sign().relu() *
    not divided by the length | w.norm(dim=0) -> torch.ones(w.shape[1])
    not divided by the length | w.norm(dim=0) -> torch.ones(w.shape[1])
        | along.sign() * size -> (along - weight / 2).relu()
    divided by the length only once | size / length -> size
    penalty without the length | weight / 2 -> weight / 2 / length
    no threshold | - weight / 2 ->
    cut off without shrinking | along.sign() * size -> along * (size > 0)
    relative threshold | along.abs() - weight / 2 -> along.abs() / (1 + weight / 2)
    nearly zero in place of zero | return -> return 1e-5 * (size == 0) * (weight > 0) +
    threshold on the wrong scale | weight / 2 -> weight / 2 * length
    moved across zero | .clamp(min=0) ->
    length of the whole dictionary | w.norm(dim=0) -> w.norm()
    length of the whole dictionary | w.norm(dim=0) -> w.norm(dim=0).mean()
    another length | w.norm(dim=0) -> w.abs().sum(0)
    another length | w.norm(dim=0) -> w.square().mean(0).sqrt()
    centered | along = x -> along = (x - x.mean(0))
    large codes clipped | size / length -> (size / length).clamp(max=1.0)
    codes dropped | size / length -> size * (size == size.amax(1, True)) / length
    threshold without a weight | weight / 2 -> 0.5
    moved the wrong way | along.abs() - weight -> along.abs() + weight
    moved the wrong way
        | along.sign() * size / length -> (along - weight / 2) / length
    threshold on the wrong scale | weight / 2 -> weight / 2 * length**2
    another threshold | weight / 2 -> weight / 2 * len(w)
    another threshold | weight / 2 -> weight / 2 / w.shape[1]
    not divided by the length | size / length -> size * length
    divided by the length too often | size / length -> size / length**2
    divided by the length too often | w.norm(dim=0) -> w.square().sum(0)
    a constant added to the length | w.norm(dim=0) -> w.norm(dim=0) + 1e-3
    sign lost | along.sign() * ->
    only one sign moved | along.sign() * size -> torch.where(along > 0, size, along)
    smoothed at zero | (along.abs() - weight / 2).clamp(min=0)
        -> F.softplus(along.abs() - weight / 2)
    not one code for each column | size / length -> size / length @ w.T
    not one code for each column | return along.sign() * size / length
        -> return (along.sign() * size / length).T
    relative threshold | along.abs() - weight / 2 -> along.abs() / (1 + weight * length)
    row moved as a whole | along.abs() - weight / 2
        -> along.abs() * (1 - weight / 2 / along.norm(dim=1, keepdim=True))
    nearly zero in place of zero | along.sign() * size
        -> along.sign() * torch.where(size > 0, size, 1e-3)
    zero divided by zero | along.sign() * size -> along * size / along.abs()
    batch axis lost
        | along.sign() * size / length -> (along.sign() * size / length).squeeze(0)
    axis of the codes lost
        | along.sign() * size / length -> (along.sign() * size / length).squeeze(1)
    a size taken for granted | w.norm(dim=0) -> (w.square().sum(0) + 1e-6).sqrt()
    a size taken for granted | size / length -> (size / length) * (size / length > 1e-3)
    """,
    )
