"""Versions of exercise flow-18."""

import torch

from .. import build, edits, reference, right, wrong


def spread(A):
    """The sum of the squares off the diagonal, and the diagonal."""
    S = (A + A.transpose(1, 2)) / 2
    diagonal = torch.diagonal(S, dim1=1, dim2=2)
    return 2 * S.tril(-1).square().sum((1, 2)), diagonal


class Flow18:
    r"""
    With $S = (A + A^\top)/2$ the estimate is
    $\sum_i S_{ii}\, \epsilon_i^2 + 2 \sum_{i < j} S_{ij}\, \epsilon_i \epsilon_j$. For
    independent noise all these terms are uncorrelated: $\epsilon_i \epsilon_j$ has the
    variance 1, which makes $2 \sum_{i \ne j} S_{ij}^2$, and $\epsilon_i^2$ has
    $\mathbb{E}\,\epsilon_i^4 - 1$: 2 for the normal, 0 for signs. So signs are never
    worse than normal noise, and no other independent noise is better, for a fourth
    moment is at least 1.

    On the sphere $\epsilon = \sqrt d\, g / \lVert g \rVert$ with a normal $g$. A
    multiple of the identity adds a constant there, so let the trace be 0; then
    $\mathbb{E}\,(g^\top S g)^2 = 2 \lVert S \rVert^2$ is
    $\mathbb{E}\lVert g \rVert^4 / d^2 = (d + 2)/d$ times what is due. The sphere is
    quiet where $S$ is near a multiple of the identity, in any basis; signs are where
    $S$ is near a diagonal matrix, in this basis only.

    The digits: where the diagonal is large, $\lVert S \rVert^2$ minus the squares of
    the diagonal has lost what is asked for. What must not count is left out of the sum.
    """

    @reference
    def variances(A):
        d = A.shape[-1]
        S = (A + A.mT) / 2
        diagonal = S.diagonal(dim1=1, dim2=2)
        off = (S - torch.diag_embed(diagonal)).square().sum((1, 2))
        centered = diagonal - diagonal.mean(1, keepdim=True)
        normal = 2 * (off + diagonal.square().sum(1))
        signs = 2 * off
        sphere = 2 * d / (d + 2) * (off + centered.square().sum(1))
        return normal, signs, sphere

    @right
    def by_triangles(A):
        off, diagonal = spread(A)
        d = len(A[0])
        normal = 2 * off + 2 * (diagonal**2).sum(1)
        about = d * torch.var(diagonal, dim=1, correction=0)
        return [normal, 2 * off, (off + about) * (2 / (1 + 2 / d))]

    @right
    def by_loops(A):
        rows = []
        for M in A:
            d, off, mean = len(M), 0, M.trace() / len(M)
            for i in range(d):
                for j in range(i):
                    off = off + (M[i, j] + M[j, i]) ** 2
            squares = sum(M[i, i] ** 2 for i in range(d))
            about = sum((M[i, i] - mean) ** 2 for i in range(d))
            rows.append((off + 2 * squares, off + 0 * squares, off + 2 * about))
        normal, signs, sphere = (torch.stack(v) for v in zip(*rows))
        return normal, signs, sphere * d / (d + 2)

    @right
    def by_eigenvalues_and_a_mask(A):
        d = A.shape[2]
        eye = torch.eye(d, dtype=A.dtype)
        S = 0.5 * A + 0.5 * A.mT
        hollow = torch.where(eye > 0, 0.0, S)
        flat = S - torch.einsum("nii->n", S)[:, None, None] * eye / d
        normal = 2 * torch.linalg.eigvalsh(S).square().sum(1)
        signs = 2 * torch.einsum("nij,nij->n", hollow, hollow)
        return normal, signs, 2 * d * flat.pow(2).sum((1, 2)) / (d + 2)

    edited = edits(
        variances,
        """
    not symmetrized | S = (A + A.mT) / 2 -> S = A
    not symmetrized | (S - torch.diag_embed(diagonal))
        -> (A - torch.diag_embed(diagonal))
    symmetrized without the half | (A + A.mT) / 2 -> A + A.mT
    trace of the square | (S - torch.diag_embed(diagonal)).square()
        -> ((A - torch.diag_embed(diagonal)) * (A - torch.diag_embed(diagonal)).mT)
    entries not squared | (S - torch.diag_embed(diagonal)).square()
        -> (S - torch.diag_embed(diagonal)).abs()
        | diagonal.square() -> diagonal.abs()
    off by a factor of two | normal = 2 * -> normal =
    off by a factor of two | normal = 2 * -> normal = 4 *
    off by a factor of two | signs = 2 * off -> signs = off
    off by a factor of two | signs = 2 * off -> signs = 4 * off
    diagonal left out | normal = 2 * (off + diagonal.square().sum(1))
        -> normal = 2 * off
    diagonal left out | (off + centered.square().sum(1)) -> off
    diagonal counted | signs = 2 * off -> signs = normal
    diagonal counted otherwise | signs = 2 * off
        -> signs = 2 * (off - diagonal.square().sum(1))
    diagonal counted otherwise | (off + diagonal.square().sum(1))
        -> (off + diagonal.square().sum(1) / 2)
    the trace not taken away | centered.square() -> diagonal.square()
    sphere taken as independent noise | return normal, signs, sphere
        -> return normal, signs, normal
    sphere taken as independent noise | return normal, signs, sphere
        -> return normal, signs, signs
    factor of the sphere | 2 * d / (d + 2) -> 2
    factor of the sphere | 2 * d / (d + 2) -> d / (d + 2)
    factor of the sphere | 2 * d / (d + 2) -> 2 * d / (d + 1)
    sphere of radius 1 | 2 * d / (d + 2) -> 2 / d / (d + 2)
    answers in another order | return normal, signs, sphere
        -> return signs, normal, sphere
    answers in another order | return normal, signs, sphere
        -> return normal, sphere, signs
    standard deviation in place of the variance | return normal, signs, sphere
        -> return normal.sqrt(), signs.sqrt(), sphere.sqrt()
    second moment in place of the variance | return normal, signs, sphere
        -> return tuple(v + diagonal.sum(1) ** 2 for v in (normal, signs, sphere))
    sign flipped | return normal, signs, sphere -> return -normal, -signs, -sphere
    mean over the dimensions | return normal, signs, sphere
        -> return normal / d, signs / d, sphere / d
    mean over the dimensions | .sum((1, 2)) -> .mean((1, 2))
        | diagonal.square().sum(1) -> diagonal.square().sum(1) / d**2
        | centered.square().sum(1) -> centered.square().sum(1) / d**2
    reduced over the batch | .sum((1, 2)) -> .sum()
        | diagonal.square().sum(1) -> diagonal.square().sum()
        | centered.square().sum(1) -> centered.square().sum()
    reduced over the batch | return normal, signs, sphere
        -> return tuple(v.mean().expand(len(A)) for v in (normal, signs, sphere))
    difference of large numbers
        | (S - torch.diag_embed(diagonal)).square().sum((1, 2))
        -> S.square().sum((1, 2)) - diagonal.square().sum(1)
    difference of large numbers | centered.square().sum(1)
        -> diagonal.square().sum(1) - diagonal.sum(1).square() / d
    difference of large numbers | (S - torch.diag_embed(diagonal)).square()
        -> ((A * A + A * A.mT) / 2 * (1 - torch.eye(d)).to(A))
    a root where there is nothing | signs = 2 * off -> signs = 2 * off.sqrt() ** 2
    a root where there is nothing | centered.square().sum(1)
        -> (centered.square().sum(1) / d).sqrt() ** 2 * d
    not to the digits asked for | S = (A + A.mT) / 2
        -> S = ((A + A.mT) / 2).float().to(A)
    float32 in between | return normal, signs, sphere
        -> return normal.float().to(A), signs, sphere
    wrong dtype | return normal, signs, sphere -> return normal.float(), signs, sphere
    wrong dtype | return normal, signs, sphere
        -> return normal, signs, sphere.double()
    batch axis lost | return normal, signs, sphere
        -> return normal.squeeze(), signs.squeeze(), sphere.squeeze()
    no three results | return normal, signs, sphere -> return normal
    no three results | return normal, signs, sphere -> return normal, signs
    cut off from the graph | return normal, signs, sphere
        -> return normal, signs, sphere.detach()
    cut off from the graph | (A + A.mT) / 2 -> (A + A.mT.detach()) / 2
    cut off from the graph | diagonal.mean(1, keepdim=True)
        -> diagonal.mean(1, keepdim=True).detach() + 0 * diagonal.sum(1, True) ** 2
        | S = -> A = A.detach(); S =
    input changed in place | S = (A + A.mT) / 2 -> S = A.add_(A.mT.clone()).div_(2)
    """,
    )

    @wrong("estimated from samples")
    def by_draws(A):
        noise = torch.randn(20_000, A.shape[1], dtype=A.dtype)
        sphere = noise * (A.shape[1] ** 0.5 / noise.norm(dim=1, keepdim=True))
        found = []
        for e in (noise, noise.sign(), sphere):
            found.append(torch.einsum("ei,nij,ej->ne", e, A, e).var(1))
        return tuple(found)

    @wrong("cut off from the graph")
    def through_numpy(A):
        made = Flow18.variances(A)
        return tuple(torch.from_numpy(v.detach().numpy()) for v in made)

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def variances(A):
            return kept.setdefault((A.shape, A.dtype), Flow18.variances(A))

        return variances
