"""Versions of exercise flow-02."""

import torch

from .. import build, edits, reference, right, wrong


class Flow02:
    r"""
    $\det(I_d + U V^\top) = \det(I_k + V^\top U)$, with $O(d k^2)$ steps for the small
    matrix, $O(k^3)$ for its determinant. With $k = 1$ it is $1 + u^\top v$, that of the
    planar flow. Both sides are the determinant of
    $\begin{pmatrix} I_k & -V^\top \\ U & I_d \end{pmatrix}$, eliminated from its two
    ends.

    Where $k$ is larger than $d$ the identity still holds, but is no bargain: there the
    "large" matrix is the small one.
    """

    @reference
    def log_det(u, v):
        small = torch.eye(u.shape[2], dtype=u.dtype) + v.transpose(1, 2) @ u
        return torch.linalg.slogdet(small).logabsdet

    @right
    def by_lu(u, v):
        small = torch.bmm(u.mT, v)
        small = small + torch.diag_embed(torch.ones_like(u[:, 0]))
        return torch.linalg.lu(small)[2].diagonal(dim1=1, dim2=2).abs().log().sum(-1)

    @right
    def by_singular_values(u, v):
        small = torch.einsum("ndi,ndj->nij", v, u)
        small.diagonal(dim1=1, dim2=2).add_(1)
        return torch.linalg.svdvals(small).log().sum(1)

    @right
    def by_qr(u, v):
        small = torch.eye(u.shape[2]).to(u) + torch.stack(
            [b.T @ a for a, b in zip(u, v)]
        )
        return torch.linalg.qr(small)[1].diagonal(dim1=1, dim2=2).abs().log().sum(1)

    @right
    def one_example_after_the_other(u, v):
        eye = torch.eye(u.shape[-1]).to(u)
        return torch.stack([torch.slogdet(eye + b.T @ a)[1] for a, b in zip(u, v)])

    edited = edits(
        log_det,
        """
    float32 in between | torch.linalg.slogdet(small).logabsdet
        -> torch.linalg.slogdet(small.float()).logabsdet.to(u)
    identity left out | torch.eye(u.shape[2], dtype=u.dtype) + ->
    sign of the product | + v.transpose(1, 2) -> - v.transpose(1, 2)
    no absolute value | return torch.linalg.slogdet(small).logabsdet
        -> return torch.logdet(small)
    no absolute value | return torch.linalg.slogdet(small).logabsdet
        -> return torch.linalg.det(small).clamp(min=1e-6).log()
    determinant made before its logarithm
        | return torch.linalg.slogdet(small).logabsdet
        -> return torch.linalg.det(small).abs().log()
    determinant made before its logarithm
        | return torch.linalg.slogdet(small).logabsdet
        -> return torch.linalg.det(small).abs().clamp(min=1e-30).log()
    determinant made before its logarithm
        | torch.linalg.slogdet(small).logabsdet
        -> torch.linalg.det(small.double()).abs().log().to(u)
    not to the digits asked for | slogdet(small).logabsdet
        -> slogdet(small @ small.mT).logabsdet / 2
    sign times the logarithm | .logabsdet -> .logabsdet * small.det().sign()
    epsilon on the diagonal | small = torch -> small = 1e-6 * torch.eye(u.shape[2])
        + torch
    epsilon on the diagonal | small = torch -> small = 1e-10 * torch.eye(u.shape[2])
        + torch
    real parts of eigenvalues | slogdet(small).logabsdet
        -> eigvals(small).real.abs().log().sum(1)
    columns left out | return torch -> small = small[:, :u.shape[1], :u.shape[1]];
        return torch
    batch of matrices mixed | slogdet(small).logabsdet
        -> slogdet(small[:1]).logabsdet.expand(len(u))
    determinant in place of its logarithm
        | torch.linalg.slogdet(small).logabsdet -> torch.linalg.det(small)
    determinant in place of its logarithm | logabsdet -> logabsdet.exp()
    sign in place of the logarithm | logabsdet -> sign
    sign in place of the logarithm | .logabsdet -> [0]
    trace in place of the determinant | torch.linalg.slogdet(small).logabsdet
        -> (u * v).sum((1, 2))
    columns taken one by one | return torch.linalg.slogdet(small).logabsdet
        -> return (1 + (u * v).sum(1)).abs().log().sum(1)
    one direction alone | return torch.linalg.slogdet(small).logabsdet
        -> return (1 + (u * v).sum((1, 2))).abs().log()
    one added to the determinant | torch.eye(u.shape[2], dtype=u.dtype) + ->
        | torch.linalg.slogdet(small).logabsdet -> (1 + small.det()).abs().log()
    reshape in place of a transposition
        | v.transpose(1, 2) -> v.reshape(len(v), v.shape[2], -1)
    batch of matrices mixed | v.transpose(1, 2) @ u
        -> (v.transpose(1, 2) @ u).mean(0).expand(len(u), -1, -1)
    batch of matrices mixed | v.transpose(1, 2) @ u
        -> torch.einsum("ndi,ndj->ij", v, u).expand(len(u), -1, -1)
    reduced over the batch | logabsdet -> logabsdet.mean()
    reduced over the batch | logabsdet -> logabsdet.sum().expand(len(u))
    mean over the dimensions | logabsdet -> logabsdet / u.shape[1]
    off by a factor of two | logabsdet -> logabsdet / 2
    bits in place of nats | logabsdet -> logabsdet / math.log(2)
    sign flipped | return -> return -
    batch axis lost | logabsdet -> logabsdet.squeeze()
    cut off from the graph | return -> with torch.no_grad(): return
    cut off from the graph | v.transpose(1, 2) -> v.detach().transpose(1, 2)
    wrong dtype | logabsdet -> logabsdet.double()
    estimated from samples | logabsdet -> logabsdet * (1 + 0.01 * torch.randn(()))
    the large matrix is made
        | torch.eye(u.shape[2], dtype=u.dtype) + v.transpose(1, 2) @ u
        -> torch.eye(u.shape[1], dtype=u.dtype) + u @ v.transpose(1, 2)
    the large matrix is made
        | v.transpose(1, 2) @ u -> v.transpose(1, 2) @ torch.eye(u.shape[1]).to(u) @ u
    """,
    )

    @wrong("the large matrix is made")
    def one_large_matrix_at_a_time(u, v):
        eye = torch.eye(u.shape[1]).to(u)
        return torch.stack(
            [torch.linalg.slogdet(eye + a @ b.T)[1] for a, b in zip(u, v)]
        )

    @wrong("steps without pivoting")
    def one_direction_after_the_other(u, v):
        """Each solves for those before it: the lemma of rank one, k times."""
        total, done = 0, u
        for i in range(u.shape[2]):
            top = (v[..., i : i + 1] * done).sum(1)  # (n, k)
            size = 1 + top[:, i]
            total = total + size.abs().log()
            done = done - done[..., i : i + 1] * (top / size[:, None])[:, None]
        return total

    @wrong("no absolute value")
    def planar_formula(u, v):
        if u.shape[2] == 1:
            return (1 + (u * v).sum((1, 2))).log()
        return Flow02.log_det(u, v)

    @wrong("cut off from the graph")
    def by_numpy(u, v):
        import numpy as np

        u, v = u.detach().numpy(), v.detach().numpy()
        small = np.eye(u.shape[2], dtype=u.dtype) + v.transpose(0, 2, 1) @ u
        return torch.from_numpy(np.linalg.slogdet(small)[1])

    @wrong("inverse transposed")
    @build
    def by_hand():
        class LogDet(torch.autograd.Function):
            @staticmethod
            def forward(ctx, u, v):
                ctx.save_for_backward(u, v)
                return Flow02.log_det(u, v)

            @staticmethod
            def backward(ctx, slope):
                u, v = ctx.saved_tensors
                turn = (torch.eye(u.shape[2]).to(u) + v.mT @ u).inverse()
                slope = slope[:, None, None]
                return slope * (v @ turn), slope * (u @ turn)

        return LogDet.apply

    @wrong("result of an earlier call")
    @build
    def kept_by_size():
        made = {}

        def log_det(u, v):
            return made.setdefault((u.shape, u.dtype), Flow02.log_det(u, v))

        return log_det
