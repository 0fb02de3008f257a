"""Versions of exercise flow-19."""

import math

import torch
from torch.distributions import MultivariateNormal, Normal

from .. import build, edits, reference, right, wrong


class Flow19:
    r"""
    With $E = e^{(t-1)A}$ the solution is $x(t) = c + E\,(x(1) - c)$: an affine function
    of a standard normal, so $x(t)$ is normal with the mean $c - E\,c$ and the
    covariance $E E^\top$. Read the other way, a point at time $t$ goes to
    $z = c + E^{-1}(x - c)$, and $E^{-1} = e^{(1-t)A}$ needs no inverse: it is the same
    solution with time reversed.

    The divergence of $A(x - c)$ is $\operatorname{tr} A$ at every point and every time,
    so (9.3) adds $(1 - t) \operatorname{tr} A$. It is Liouville's formula,
    $\det e^{M} = e^{\operatorname{tr} M}$, read along the way. The log-density survives
    where the covariance does not: what a flow knows of each path is well conditioned,
    and what it makes of a whole density need not be.
    """

    @reference
    def linear_flow(A, c, t, x):
        E = torch.matrix_exp((t - 1) * A)  # from x(1) to x(t)
        mean = c - E @ c
        z = c + (x - c) @ torch.matrix_exp((1 - t) * A).mT
        log_n = -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)
        return mean, E @ E.mT, log_n + (1 - t) * A.trace()

    @right
    def by_one_affine_map(A, c, t, x):
        d = len(c)
        top = torch.cat([A, -(A @ c)[:, None]], 1)
        whole = torch.cat([top, torch.zeros(1, d + 1, dtype=A.dtype)])
        to, back = torch.matrix_exp(torch.stack([(1 - t) * whole, (t - 1) * whole]))
        ones = torch.ones(len(x), 1, dtype=x.dtype)
        z = (torch.cat([x, ones], 1) @ to.T)[:, :d]
        log_p = Normal(0.0, 1.0).log_prob(z).sum(-1) + torch.einsum("ii", A) * (1 - t)
        E = back[:d, :d]
        return [back[:d, d], torch.einsum("ik,jk->ij", E, E), log_p]

    @right
    def by_squaring_a_series(A, c, t, x):
        def exp(M, halvings=12):
            M, term = M / 2**halvings, torch.eye(len(M), dtype=M.dtype)
            total = term
            for k in range(1, 12):
                term = term @ M / k
                total = total + term
            for _ in range(halvings):
                total = total @ total
            return total

        E, F = exp(A * (t - 1)), exp(A * (1 - t))
        z = torch.stack([c + F @ (row - c) for row in x])
        unit = torch.eye(len(c), dtype=A.dtype)
        normal = MultivariateNormal(torch.zeros_like(c), unit)
        return (
            c - E.mv(c),
            E.mm(E.t()),
            normal.log_prob(z) + (1 - t) * A.diagonal().sum(),
        )

    @right
    def by_solving(A, c, t, x):
        F = torch.matrix_exp(A - t * A)
        E = torch.linalg.inv(F)
        z = c + torch.einsum("ij,bj->bi", F, x - c)
        d = len(c)
        log_p = -(z * z).sum(1) / 2 - d * math.log(2 * math.pi) / 2
        return c - torch.linalg.solve(F, c), E @ E.T, log_p + A.trace() * (1 - t)

    edited = edits(
        linear_flow,
        """
    sign of the exponent | E = torch.matrix_exp((t - 1) * A)
        -> E = torch.matrix_exp((1 - t) * A)
    sign of the exponent | z = c + (x - c) @ torch.matrix_exp((1 - t) * A).mT
        -> z = c + (x - c) @ E.mT
    time from the other end | (t - 1) * A) -> t * A)
    time from the other end | (t - 1) * A) -> -t * A)
    time from the other end | torch.matrix_exp((1 - t) * A).mT
        -> torch.matrix_exp(t * A).mT
    time from the other end | log_n + (1 - t) * A.trace() -> log_n + t * A.trace()
    time left out | (t - 1) * A) -> -A)
    time left out | torch.matrix_exp((1 - t) * A).mT -> torch.matrix_exp(A).mT
    time left out | log_n + (1 - t) * A.trace() -> log_n + A.trace()
    transposed | E = torch.matrix_exp((t - 1) * A)
        -> E = torch.matrix_exp((t - 1) * A.mT)
    transposed | E @ E.mT -> E.mT @ E
    transposed | mean = c - E @ c -> mean = c - c @ E
    transposed | torch.matrix_exp((1 - t) * A).mT -> torch.matrix_exp((1 - t) * A)
    exponential of each entry | E = torch.matrix_exp( -> E = torch.exp(
    exponential of each entry | torch.matrix_exp((1 - t) * A).mT
        -> torch.exp((1 - t) * A).mT
    one step in place of the exponential | E = torch.matrix_exp((t - 1) * A)
        -> E = torch.eye(len(c)).to(A) + (t - 1) * A
    A taken as symmetric | E @ E.mT -> torch.matrix_exp((t - 1) * (A + A.mT))
    center left out | mean = c - E @ c -> mean = torch.zeros_like(c) + 0 * E @ c
    center left out | z = c + (x - c) @ -> z = x @
    center left out | z = c + (x - c) @ -> z = (x - c) @
    mean otherwise | mean = c - E @ c -> mean = c + E @ c
    mean otherwise | mean = c - E @ c -> mean = E @ c
    mean otherwise | mean = c - E @ c -> mean = c
    exponential once | E @ E.mT -> E
    A taken as symmetric | E @ E.mT -> E @ E
    standard deviation in place of the variance | E @ E.mT
        -> torch.linalg.cholesky(E @ E.mT)
    off the diagonal left out | E @ E.mT -> (E @ E.mT).diagonal().diag()
    precision in place of the covariance | E @ E.mT -> torch.linalg.inv(E @ E.mT)
    sign of the trace | log_n + (1 - t) -> log_n - (1 - t)
    trace left out | log_n + (1 - t) * A.trace() -> log_n
    off by a factor of two | (1 - t) * A.trace() -> 2 * (1 - t) * A.trace()
    density of x under the normal | (z.square() -> (x.square()
    density of x under the normal | (z.square() -> (x.square()
        | log_n + (1 - t) * A.trace() -> log_n
    constant of the normal left out | (z.square() + math.log(2 * math.pi)) -> z.square()
    constant of the normal left out | (z.square() + math.log(2 * math.pi)).sum(1)
        -> (z.square().sum(1) + math.log(2 * math.pi))
    factor one half lost | -0.5 * (z.square() -> -0.5 * (2 * z.square()
    negative log-likelihood returned | log_n + (1 - t) * A.trace()
        -> -(log_n + (1 - t) * A.trace())
    density in place of its logarithm | log_n + (1 - t) * A.trace()
        -> (log_n + (1 - t) * A.trace()).exp()
    mean over the dimensions | log_n + (1 - t) * A.trace()
        -> (log_n + (1 - t) * A.trace()) / len(c)
    bits in place of nats | log_n + (1 - t) * A.trace()
        -> (log_n + (1 - t) * A.trace()) / math.log(2)
    not summed over the dimensions | .sum(1) ->
    reduced over the batch | .sum(1) -> .sum()
    reduced over the batch | .sum(1) -> .sum(1).mean().expand(len(x))
        | (z.square() + -> (z.square() + 0 * x +
    batch axis lost | .sum(1) -> .sum(1).squeeze()
    no three results | return mean, E @ E.mT, -> return
    no three results | return mean, E @ E.mT, log_n -> return mean, log_n
    float32 in between | return mean, -> return mean.float().double(),
    float32 in between | log_n + (1 - t) * A.trace()
        -> (log_n + (1 - t) * A.trace()).float().double()
    not to the digits asked for | E = torch.matrix_exp((t - 1) * A)
        -> E = torch.matrix_exp((t - 1) * A.float()).double()
    not to the digits asked for | torch.matrix_exp((1 - t) * A).mT
        -> torch.matrix_exp((1 - t) * A.float()).double().mT
    wrong dtype | return mean -> return mean.float()
    covariance inverted | log_n + (1 - t) * A.trace()
        -> torch.distributions.MultivariateNormal(mean, E @ E.mT).log_prob(x)
    covariance inverted | log_n + (1 - t) * A.trace()
        -> log_n - 0.5 * torch.linalg.slogdet(E @ E.mT).logabsdet
    cut off from the graph | return mean -> return mean.detach()
    cut off from the graph | return mean, E @ E.mT -> return mean, (E @ E.mT).detach()
    cut off from the graph | (1 - t) * A.trace() -> (1 - t) * A.trace().item()
    cut off from the graph | E @ c -> E @ c.detach()
    cut off from the graph | (x - c) @ -> (x - c.detach()) @
    input changed in place | z = c + (x - c) @ -> z = c + x.sub_(c) @
    """,
    )

    @wrong("diagonalized what cannot be")
    def by_eigenvectors(A, c, t, x):
        values, V = torch.linalg.eig(A)

        def exp(s):
            return (V * torch.exp(s * values) @ torch.linalg.inv(V)).real

        E = exp(t - 1)
        z = c + (x - c) @ exp(1 - t).T
        log_n = -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)
        return c - E @ c, E @ E.T, log_n + (1 - t) * values.sum().real

    @wrong("complex eigenvalues dropped")
    def by_real_eigenvalues(A, c, t, x):
        values, V = torch.linalg.eig(A)

        def exp(s):
            return (V * torch.exp(s * values.real) @ torch.linalg.inv(V)).real

        E = exp(t - 1)
        z = c + (x - c) @ exp(1 - t).T
        log_n = -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)
        return c - E @ c, E @ E.T, log_n + (1 - t) * values.sum().real

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def linear_flow(A, c, t, x):
            return kept.setdefault(x.shape, Flow19.linear_flow(A, c, t, x))

        return linear_flow
