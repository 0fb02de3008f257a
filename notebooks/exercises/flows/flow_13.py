"""Versions of exercise flow-13."""

import torch

from .. import build, edits, reference, right, wrong


def jacobians(f, x):
    x = x.detach().requires_grad_()
    z = f(x)
    rows = [torch.autograd.grad(v.sum(), x, retain_graph=True)[0] for v in z.unbind(1)]
    return torch.stack(rows, 1)


class Flow13:
    r"""
    $J_{f^{-1}}(f(x)) = J_f(x)^{-1}$, and the singular values of an inverse matrix are
    the inverses: its largest is $1/\sigma_{\min}$. No inverse has to be computed, and
    none of `f` either.

    What a log-determinant says is another thing: it is the sum of the logarithms of all
    singular values, and may be 0 where the condition number is $10^{10}$. A flow that
    is trained by likelihood makes such places where the data lie near a surface: it
    has to squeeze one direction to fill a Gaussian with it. An affine coupling whose
    log-scale is limited to $\pm 3$ costs up to 1.3 digits in one direction and as much
    again in the other, before its net is counted. Condition numbers of a chain are at
    most multiplied, so their digits at most add up.
    """

    @reference
    def price(f, x):
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            rows = [
                torch.autograd.grad(out.sum(), x, retain_graph=True)[0]
                for out in f(x).unbind(1)
            ]
        sizes = torch.linalg.svdvals(torch.stack(rows, dim=1))
        largest, smallest = sizes[:, 0], sizes[:, -1]
        return 1 / smallest, (largest / smallest).log10()

    @right
    def row_by_row(f, x):
        made = []
        for r in x.detach():
            j = torch.autograd.functional.jacobian(lambda v: f(v[None])[0], r)
            s = torch.linalg.svdvals(j)
            made.append(torch.stack([1 / s.min(), torch.log10(s.max() / s.min())]))
        return list(torch.stack(made).unbind(1))

    @right
    def by_vmap(f, x):
        j = torch.func.vmap(torch.func.jacrev(lambda r: f(r[None])[0]))(x.detach())
        inverse = torch.linalg.inv(j)
        stretch = torch.linalg.matrix_norm(inverse, 2)
        return stretch, torch.log10(stretch * torch.linalg.matrix_norm(j, 2))

    @right
    def by_cond(f, x):
        n, d = x.shape
        whole = torch.autograd.functional.jacobian(lambda v: f(v).sum(0), x.detach())
        j = whole.permute(1, 0, 2)
        assert j.shape == (n, d, d)
        return 1 / torch.linalg.matrix_norm(j, -2), torch.linalg.cond(j).log10()

    edited = edits(
        price,
        """
    condition number in place of the stretch | return 1 / smallest
        -> return largest / smallest
    diagonal of the Jacobian alone | svdvals(torch.stack(rows, dim=1))
        -> svdvals(torch.stack(rows, dim=1).diagonal(dim1=1, dim2=2).diag_embed())
    stretch of f itself | return 1 / smallest -> return largest
    smallest singular value | return 1 / smallest -> return smallest
    squared singular values | return 1 / smallest -> return smallest**-2
    squared singular values | .log10() -> .square().log10()
    Frobenius norm | return 1 / smallest -> return (1 / sizes).norm(dim=1)
    Frobenius norm | = sizes[:, 0] -> = sizes.norm(dim=1)
    determinant | return 1 / smallest -> return 1 / sizes.prod(1)
    determinant | (largest / smallest).log10() -> sizes.prod(1).log10()
    natural logarithm | .log10() -> .log()
    logarithm to base 2 | .log10() -> .log2()
    condition number in place of digits | .log10() ->
    digits of the stretch alone | (largest / smallest).log10() -> (1 / smallest).log10()
    sign of the digits | (largest / smallest) -> (smallest / largest)
    one Jacobian for the batch | torch.stack(rows, dim=1)
        -> torch.stack(rows, dim=1).mean(0, keepdim=True).expand(len(x), -1, -1)
    one Jacobian for the batch | torch.stack(rows, dim=1)
        -> torch.stack(rows, dim=1)[:1].expand(len(x), -1, -1)
    Jacobian at another place | x = x.detach() -> x = f(x.detach()).detach()
    Jacobian at another place | x = x.detach() -> x = torch.zeros_like(x)
    float32 in between | torch.stack(rows, dim=1) -> torch.stack(rows, dim=1).float()
        | sizes[:, 0], sizes[:, -1] -> sizes[:, 0].double(), sizes[:, -1].double()
    wrong dtype | return 1 / smallest -> return (1 / smallest).float()
    reduced over the batch | return 1 / smallest -> return (1 / smallest).max()
    not summed over the dimensions | return 1 / smallest -> return 1 / sizes
    no pair | return 1 / smallest, (largest / smallest).log10() -> return 1 / smallest
    input changed in place | sizes = -> x.data.mul_(2); sizes =
    estimated from samples | torch.stack(rows, dim=1)
        -> torch.stack(rows, dim=1) + 0.01 * torch.randn(len(x), len(rows), 1)
    """,
    )

    @wrong("smallest singular value lost")
    def by_squares(f, x):
        j = jacobians(f, x)
        squares = torch.linalg.eigvalsh(j.mT @ j).clamp(min=1e-30)
        return squares[:, 0] ** -0.5, (squares[:, -1] / squares[:, 0]).log10() / 2

    @wrong("eigenvalues")
    def by_eigenvalues(f, x):
        sizes = torch.linalg.eigvals(jacobians(f, x)).abs()
        return 1 / sizes.amin(1), (sizes.amax(1) / sizes.amin(1)).log10()

    @wrong("iteration stopped too soon")
    def by_power_iteration(f, x):
        j = jacobians(f, x)

        def norm(m):
            v = torch.ones(len(m), m.shape[1], 1).to(m)
            for _ in range(30):
                v = m.mT @ (m @ v)
                v = v / v.norm(dim=1, keepdim=True)
            return (m @ v).norm(dim=(1, 2))

        stretch = norm(torch.linalg.inv(j))
        return stretch, (stretch * norm(j)).log10()

    @wrong("smallest singular value lost")
    def by_a_cut(f, x):
        inverse = torch.linalg.pinv(jacobians(f, x), rtol=1e-6)
        return torch.linalg.matrix_norm(inverse, 2), Flow13.price(f, x)[1]

    @wrong("largest entry of the inverse")
    def by_entries(f, x):
        inverse = torch.linalg.inv(jacobians(f, x))
        return inverse.abs().amax((1, 2)), Flow13.price(f, x)[1]

    @wrong("norm by rows or columns")
    def by_sums(f, x):
        j = jacobians(f, x)
        norm = torch.linalg.matrix_norm(torch.linalg.inv(j), 1)
        return norm, (norm * torch.linalg.matrix_norm(j, 1)).log10()

    @wrong("one Jacobian for the batch")
    def of_the_sum(f, x):
        """The gradients of all rows, added up by autograd."""
        j = jacobians(f, x).sum(0).expand(len(x), -1, -1)
        s = torch.linalg.svdvals(j)
        return 1 / s[:, -1], (s[:, 0] / s[:, -1]).log10()

    @wrong("step of a difference")
    def by_differences(f, x):
        x = x.detach()
        step = 1e-5 * torch.eye(x.shape[1], dtype=x.dtype)
        j = torch.stack([(f(x + e) - f(x)) / 1e-5 for e in step], 2)
        s = torch.linalg.svdvals(j)
        return 1 / s[:, -1], (s[:, 0] / s[:, -1]).log10()

    @wrong("step of a difference")
    def by_central_differences(f, x):
        x = x.detach()
        step = 1e-4 * torch.eye(x.shape[1], dtype=x.dtype)
        j = torch.stack([(f(x + e) - f(x - e)) / 2e-4 for e in step], 2)
        s = torch.linalg.svdvals(j)
        return 1 / s[:, -1], (s[:, 0] / s[:, -1]).log10()

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        memory = {}

        def price(f, x):
            return memory.setdefault(x.shape, Flow13.price(f, x))

        return price
