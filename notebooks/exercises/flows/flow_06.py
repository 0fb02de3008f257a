"""Versions of exercise flow-06."""

import torch

from .. import build, edits, reference, right, wrong


class Flow06:
    r"""
    $x = (U + \mathrm{diag}(s))^{-1} L^{-1} P^\top z$: two systems of $O(c^2)$ steps for
    each place. The log-determinant is $-h w \sum_k \mathrm{log\_s}_k$, whatever the
    triangles are. The sign of $s$ is not learned, as no gradient leads
    across 0.

    A triangular system does not mind when its rows have very different sizes: each
    step divides by one number. The product $P L (U + \mathrm{diag}(s))$ adds rows of
    all sizes, and what is $10^{16}$ times smaller than its neighbor is lost in
    float64. Trained layers seldom go that far, but it costs nothing to be safe.
    """

    @reference
    def drawn(z, order, lower, upper, sign, log_s):
        b, _, h, w = z.shape
        solve = torch.linalg.solve_triangular
        s = sign * log_s.exp()
        v = z[:, order.argsort()].flatten(2)
        v = solve(lower, v, upper=False, unitriangular=True)
        x = solve(upper.triu(1) + s.diag(), v, upper=True)
        log_det = -h * w * log_s.sum()
        return x.unflatten(2, (h, w)), log_det.expand(b)

    @right
    def by_assignment(z, order, lower, upper, sign, log_s):
        v = torch.zeros_like(z)
        v[:, order] = z
        left = lower.tril(-1) + torch.eye(len(order), dtype=z.dtype)
        columns = v.movedim(1, 0).reshape(len(order), -1)
        y = torch.linalg.solve_triangular(left, columns, upper=False)
        u = upper.triu(1) + torch.diag(sign * torch.exp(log_s))
        x = torch.linalg.solve_triangular(u, y, upper=True)
        x = x.reshape(-1, len(z), *z.shape[2:]).movedim(0, 1)
        logs = u.diagonal().abs().log()
        return x, -logs.sum().repeat(len(z)) * z[0, 0].numel()

    @right
    def by_rows(z, order, lower, upper, sign, log_s):
        """From the right, with transposed triangles, and s divided out first."""
        c, s = len(order), sign * log_s.exp()
        p = torch.eye(c, dtype=z.dtype)[order]
        rows = z.movedim(1, -1) @ p
        eye = torch.eye(c, dtype=z.dtype)
        shape, rows = rows.shape, rows.reshape(-1, c)
        left = (lower.tril(-1) + eye).T
        rows = torch.linalg.solve_triangular(left, rows, upper=True, left=False)
        right = (upper.triu(1) / s[:, None] + eye).T
        x = torch.linalg.solve_triangular(right, rows / s, upper=False, left=False)
        logs = log_s[:, None, None].expand_as(z[0]).sum()
        return [x.reshape(shape).movedim(-1, 1), -logs.expand(len(z))]

    @right
    def channel_by_channel(z, order, lower, upper, sign, log_s):
        v, c = z[:, torch.argsort(order)], len(order)
        y, x = [], []
        for i in range(c):
            known = sum((lower[i, j] * y[j] for j in range(i)), 0)
            y.append(v[:, i] - known)
        for i in range(c - 1, -1, -1):
            known = sum((upper[i, j] * x[c - 1 - j] for j in range(i + 1, c)), 0)
            x.append((y[i] - known) * sign[i] * torch.exp(-log_s[i]))
        total = z.new_zeros(len(z)) - z.size(2) * z.size(3) * log_s.sum()
        return torch.stack(x[::-1], 1), total

    edited = edits(
        drawn,
        """
    permutation the wrong way | order.argsort() -> order
    permutation left out | z[:, order.argsort()] -> z
    permutation at the other end | z[:, order.argsort()] -> z
        | x.unflatten -> x[:, order.argsort()].unflatten
    diagonal of L not one | , unitriangular=True ->
    sign left out | sign * log_s -> log_s
    log_s not exponentiated | log_s.exp() -> log_s
    scale the wrong way | sign * log_s.exp() -> sign * (-log_s).exp()
    diagonal of upper used | upper.triu(1) + s.diag() -> upper.triu()
    diagonal of upper used | upper.triu(1) + s.diag() -> upper + s.diag()
    other triangles used | upper.triu(1) + s.diag() -> upper.mT.triu(1) + s.diag()
    other triangles used | upper.triu(1) + s.diag(), v, upper=True
        -> upper.tril(-1) + s.diag(), v, upper=False
    other triangles used | (lower, v -> (lower.mT, v
    triangles in the wrong order | (lower, v -> (upper.triu(1) + s.diag(), v
        | v, upper=False, unitriangular=True -> v, upper=True
        | x = solve(upper.triu(1) + s.diag(), v, upper=True)
        -> x = solve(lower, v, upper=False, unitriangular=True)
    log-determinant of the inverse | -h * w -> h * w
    float32 in between | x.unflatten -> x.float().to(z).unflatten
    places left out | -h * w * log_s.sum() -> -log_s.sum()
    places left out | -h * w * log_s.sum() -> log_s.sum()
    places counted otherwise | -h * w -> -h
    places counted otherwise | -h * w -> -b * h * w
    mean over the dimensions | log_s.sum() -> log_s.mean()
    not summed over the dimensions | log_s.sum() -> log_s
        | log_det.expand(b) -> log_det.expand(b, -1)
    reduced over the batch | log_det.expand(b) -> log_det
    determinant in place of its logarithm | log_det.expand(b) -> log_det.exp().expand(b)
    determinant in place of its logarithm
        | log_det.expand(b) -> s.prod().abs().pow(-h * w).expand(b)
    batch axis lost | log_det.expand(b) -> log_det.expand(b).squeeze()
    axes mixed by a reshape | x.unflatten(2, (h, w)) -> (x.mT.reshape(z.shape))
    axes mixed by a reshape | z[:, order.argsort()].flatten(2)
        -> z.reshape(-1, len(s))[:, order.argsort()].T
        | x.unflatten(2, (h, w)) -> x.T.reshape(z.shape)
    cut off from the graph | -h * w * log_s -> -h * w * log_s.detach()
    cut off from the graph | sign * log_s.exp() -> sign * log_s.detach().exp()
    cut off from the graph | (lower, v -> (lower.detach(), v
    cut off from the graph | x.unflatten -> x.detach().unflatten
    determinant made before its logarithm | log_s.sum() -> s.prod().abs().log()
    scale bounded | log_s.exp() -> log_s.clamp(-20, 20).exp()
    scale bounded | log_s.exp() -> log_s.clamp(-500, 100).exp()
    scale bounded | log_s.exp() -> log_s.clamp(min=-77).exp()
    scale bounded | log_s.exp() -> log_s.exp() + 1e-8
    scale bounded | log_s.exp() -> (log_s.exp() + 1e-50)
    small sizes taken for 0 | x = solve(upper.triu(1) + s.diag(), v, upper=True)
        -> x = torch.linalg.pinv(upper.triu(1) + s.diag()) @ v
    signs in the log-determinant | log_s.sum() -> (sign * log_s).sum()
    places counted otherwise | -h * w -> -w * w
    axes mixed by a reshape | z[:, order.argsort()].flatten(2)
        -> z.reshape(len(s), -1)[order.argsort()]
        | x.unflatten(2, (h, w)) -> x.reshape(z.shape)
    gradient of unused entries | (lower, v, upper=False, unitriangular=True)
        -> (lower + (lower.tril(-1) + torch.eye(len(s)).to(z) - lower).detach(), v,
        upper=False)
    no pair | , log_det.expand(b) ->
    wrong dtype | log_det.expand(b) -> log_det.expand(b).float()
    input changed in place | s = sign -> lower.tril_(-1); s = sign
    """,
    )

    def whole(z, order, lower, upper, sign, log_s):
        c = len(order)
        eye = torch.eye(c, dtype=z.dtype)
        right = upper.triu(1) + (sign * log_s.exp()).diag()
        w = eye[order] @ (lower.tril(-1) + eye) @ right
        return w, -z[0, 0].numel() * log_s.sum().expand(len(z))

    @wrong("matrix made")
    def by_the_inverse(z, *parts):
        w, log_det = Flow06.whole(z, *parts)
        return torch.einsum("ij,bjhw->bihw", torch.linalg.inv(w), z), log_det

    @wrong("matrix made")
    def by_a_solver(z, *parts):
        w, log_det = Flow06.whole(z, *parts)
        return torch.linalg.solve(w, z.flatten(2)).view(z.shape), log_det

    @wrong("small sizes taken for 0")
    def by_the_pseudo_inverse(z, *parts):
        w, log_det = Flow06.whole(z, *parts)
        return (torch.linalg.pinv(w) @ z.flatten(2)).view(z.shape), log_det

    @wrong("matrix made")
    def its_determinant(z, *parts):
        w, _ = Flow06.whole(z, *parts)
        log_det = -z[0, 0].numel() * torch.linalg.slogdet(w).logabsdet
        return Flow06.drawn(z, *parts)[0], log_det.expand(len(z))

    @wrong("multiplied in place of solved")
    def as_a_convolution(z, *parts):
        w, log_det = Flow06.whole(z, *parts)
        return torch.conv2d(z, w[:, :, None, None]), log_det

    @wrong("transposed")
    def by_the_transposed(z, *parts):
        w, log_det = Flow06.whole(z, *parts)
        return torch.einsum("ji,bjhw->bihw", torch.linalg.inv(w), z), log_det

    @wrong("result of an earlier call")
    @build
    def factors_kept():
        made = {}

        def drawn(z, *parts):
            return Flow06.drawn(z, *made.setdefault((len(parts[0]), z.dtype), parts))

        return drawn

    @wrong("right for few channels alone")
    def by_six_terms(z, order, lower, upper, sign, log_s):
        """Powers of a strict triangle end, but only after c of them."""
        x, log_det = Flow06.drawn(z, order, 0 * lower, 0 * upper, sign, log_s)
        v = term = z[:, order.argsort()]
        for _ in range(5):
            term = -torch.einsum("ij,bjhw->bihw", lower.tril(-1), term)
            v = v + term
        s = (sign * log_s.exp())[:, None, None]
        x = term = v / s
        for _ in range(5):
            term = -torch.einsum("ij,bjhw->bihw", upper.triu(1), term) / s
            x = x + term
        return x, log_det
