"""Versions of exercise ar-28."""

import math

import torch

from .. import build, edits, reference, right, wrong


class Ar28:
    r"""
    Of one step, $\partial h_{t,i} / \partial h_{t-1,j} = (1 - h_{t,i}^2) W_{ij}$, and

    $$
    J = D_T W\, D_{T-1} W \cdots D_1 W, \qquad D_t = \operatorname{diag}(1 - h_t^2) .
    $$

    As a float, $1 - h^2$ has few digits left where $h$ is near 1, and is 0 where more
    than 19.1 goes into the tanh; $1 / \cosh^2$ of what goes in is the same and keeps
    them.

    The slopes are at most 1, so that only $W$ can make a change grow. Means of five
    seeds, seeds 0 to 4, 64 units, 200 steps, `W` normal with the deviation
    $s / \sqrt{64}$, inputs of the deviation $d$ before the tanh, in nats for each step:

    | $s$ | $d = 0$ | $d = 0.3$ | $d = 1$ |
    |---|---|---|---|
    | 0.5 | -0.64 | -0.73 | -1.07 |
    | 1.0 | 0.01 | -0.14 | -0.45 |
    | 1.5 | 0.04 | 0.03 | -0.14 |
    | 2.0 | 0.12 | 0.13 | 0.05 |
    | 3.0 | 0.29 | 0.27 | 0.25 |

    A gain of -0.45 leaves $10^{-39}$ of a change after 200 steps; one of 0.25 makes it
    $10^{21}$ times as large, which is chaos: no step of a gradient is small enough.
    With strong inputs little lies between the two; without any, $s = 1$ and 1.5 are
    both near 0. Strong inputs help in the one case and hurt in the other, by
    saturating the units.

    An LSTM of 64 units as PyTorch makes it, with normal inputs and a bias $\beta$ of
    the forget gates, has the gains -0.68, -0.31, -0.11 and -0.013 with $\beta = 0$, 1,
    2 and 4, of the cell that keeps most: about $\ln \operatorname{sigmoid}(\beta)$, and
    never above 0. The path along the cell cannot explode, and how fast it forgets
    is a matter of one bias for each cell, which can be learned.

    The logarithm of the product has to be gathered on the way. Where the sizes of the
    factors are multiplied in place of the matrices, the result is a bound from above,
    which only a change would reach that the worst direction met at each step.
    """

    @reference
    @build
    def reference():
        def steps(W, U, b, x, h):
            for v in x:
                a = W @ h + U @ v + b
                h = torch.tanh(a)
                yield (1 / torch.cosh(a) ** 2)[:, None] * W

        def rnn_jacobian(W, U, b, x, h0):
            J = torch.eye(len(h0)).to(W)
            for step in steps(W, U, b, x, h0):
                J = step @ J
            return J

        def log_gain(W, U, b, x, h0):
            G, total = torch.eye(len(h0)).to(W), 0.0
            for step in steps(W, U, b, x, h0):
                G = step @ G
                size = G.norm()
                G, total = G / size, total + size.log()
            return (total + torch.linalg.matrix_norm(G, 2).log()) / len(x)

        return rnn_jacobian, log_gain

    @right
    @build
    def from_the_end():
        """The factors from the left, as a backward pass would."""

        def factors(W, U, b, x, h):
            made = []
            for v in x:
                a = W @ h + U @ v + b
                h = a.tanh()
                made.append(torch.diag(4 * (2 * a).sigmoid() * (-2 * a).sigmoid()) @ W)
            return made[::-1]

        def rnn_jacobian(W, U, b, x, h0):
            J = torch.eye(len(W), dtype=W.dtype)
            for f in factors(W, U, b, x, h0):
                J = J @ f
            return J

        def log_gain(W, U, b, x, h0):
            J, logs = torch.eye(len(W), dtype=W.dtype), []
            for f in factors(W, U, b, x, h0):
                J = J @ f
                logs.append(J.abs().max().log())
                J = J / J.abs().max()
            last = torch.linalg.eigvalsh(J @ J.T)[-1].log() / 2
            return (torch.stack(logs).sum() + last) / len(logs)

        return rnn_jacobian, log_gain

    @right
    @build
    def by_sech():
        """The slope from what goes in, by 1 / cosh²; powers of two as scales."""

        def steps(W, U, b, x, h0):
            h = h0
            for i in range(x.shape[0]):
                a = torch.mv(W, h) + torch.mv(U, x[i]) + b
                h = a.tanh()
                e = torch.exp(-2 * a.abs())
                yield torch.einsum("i,ij->ij", 4 * e / (1 + e) ** 2, W)

        def rnn_jacobian(W, U, b, x, h0):
            made = list(steps(W, U, b, x, h0))
            return torch.linalg.multi_dot(made[::-1]) if len(made) > 1 else made[0]

        def log_gain(W, U, b, x, h0):
            P, n, k = None, 0, 0
            for F_t in steps(W, U, b, x, h0):
                P = F_t if P is None else F_t @ P
                e = math.frexp(P.abs().max().item())[1]
                P, n, k = P * 2.0**-e, n + e, k + 1
            s = torch.linalg.svd(P)[1][0]
            return (s.log() + n * math.log(2)) / k

        return rnn_jacobian, log_gain

    @right
    @build
    def as_a_tree():
        """Halves of the sequence multiplied, each with its scale."""

        def factors(W, U, b, x, h):
            out = []
            for v in x:
                a = h @ W.T + v @ U.T + b
                h = torch.tanh(a)
                slope = (2 / (a.exp() + (-a).exp())) ** 2
                out.append(slope[:, None] * W)
            return torch.stack(out)

        def product(F):
            if len(F) == 1:
                s = F[0].abs().max()
                return F[0] / s, s.log()
            half = len(F) // 2
            (P, p), (Q, q) = product(F[:half]), product(F[half:])
            M = Q @ P
            s = M.norm()
            return M / s, p + q + s.log()

        def rnn_jacobian(W, U, b, x, h0):
            M, s = product(factors(W, U, b, x, h0))
            return M * s.exp()

        def log_gain(W, U, b, x, h0):
            M, s = product(factors(W, U, b, x, h0))
            return (torch.linalg.svdvals(M).max().log() + s) / len(x)

        return rnn_jacobian, log_gain

    edited = edits(
        reference,
        """
    bias left out | W @ h + U @ v + b -> W @ h + U @ v
    digits lost in saturated units | 1 / torch.cosh(a) ** 2 -> 1 - h**2
    digits lost in saturated units | 1 / torch.cosh(a) ** 2 -> (1 - h) * (1 + h)
    digits lost in saturated units | 1 / torch.cosh(a) ** 2
        -> (1 - h**2).clamp(min=1e-12)
    digits lost in saturated units | torch.cosh(a) ** 2
        -> (torch.cosh(a) ** 2).clamp(max=1e12)
    inputs left out | W @ h + U @ v + b -> W @ h + b
    last input first | for v in x: -> for v in x.flip(0):
    slope left out | (1 / torch.cosh(a) ** 2)[:, None] * W -> W
    tanh not squared | 1 / torch.cosh(a) ** 2 -> 1 - h
    tanh not squared | 1 / torch.cosh(a) ** 2 -> 1 - h.abs()
    slope at what goes in | 1 / torch.cosh(a) ** 2 -> 1 - a**2
    tanh taken twice | 1 / torch.cosh(a) ** 2 -> 1 - h.tanh() ** 2
    slope of the state before | h = torch.tanh(a) -> last, h = h, torch.tanh(a)
        | 1 / torch.cosh(a) ** 2 -> 1 - last**2
    slope on the wrong side | (1 / torch.cosh(a) ** 2)[:, None]
        -> (1 / torch.cosh(a) ** 2)
    W left out | (1 / torch.cosh(a) ** 2)[:, None] * W
        -> torch.diag(1 / torch.cosh(a) ** 2)
    W transposed | [:, None] * W -> [:, None] * W.T
    order of the steps reversed | J = step @ J -> J = J @ step
    order of the steps reversed | G = step @ G -> G = G @ step
    transposed | return J -> return J.T
    transposed | J = step @ J -> J = J @ step.T
    first step left out | J = step @ J -> J, k = (step @ J, 1) if k else (J, 1)
        | J = torch.eye(len(h0)).to(W) -> J, k = torch.eye(len(h0)).to(W), 0
    last step left out | return J -> return torch.linalg.solve(step, J)
    W missing for one step | J = torch.eye(len(h0)).to(W) -> J = W.inverse()
    W missing for one step | return J
        -> return step @ W.inverse() @ torch.linalg.solve(step, J)
    mean in place of the product | return J
        -> return sum(steps(W, U, b, x, h0)) / len(x)
    sum in place of the product | return J -> return sum(steps(W, U, b, x, h0))
    product of the entries | J = step @ J -> J = step * J
        | J = torch.eye(len(h0)).to(W) -> J = torch.ones_like(W)
    Frobenius norm | torch.linalg.matrix_norm(G, 2).log() -> G.norm().log()
    rescaled too seldom | size = G.norm()
        -> k = k + 1; size = G.norm() if k % 100 == 0 else W.new_ones(())
        | G, total = torch.eye(len(h0)).to(W), 0.0
        -> G, total, k = torch.eye(len(h0)).to(W), 0.0, 0
    growth of one direction | G, total = torch.eye(len(h0)).to(W), 0.0
        -> G, total = torch.ones_like(W[:, :1]) / len(W) ** 0.5, 0.0
    largest singular value not reached | torch.linalg.matrix_norm(G, 2)
        -> (torch.linalg.matrix_power(G.T @ G, 9).sum(0).norm()
           / torch.linalg.matrix_power(G.T @ G, 8).sum(0).norm()).sqrt()
    largest eigenvalue | torch.linalg.matrix_norm(G, 2)
        -> torch.linalg.eigvals(G).abs().max()
    sum of the singular values | torch.linalg.matrix_norm(G, 2)
        -> torch.linalg.matrix_norm(G, "nuc")
    off by a factor of two | .log()) / len(x) -> .log()) / len(x) * 2
    divided by another number | .log()) / len(x) -> .log()) / (len(x) + 1)
    divided by another number | .log()) / len(x) -> .log()) / len(h0)
    logarithm to base 10 | .log()) / len(x) -> .log()) / len(x) / math.log(10)
    largest entry | torch.linalg.matrix_norm(G, 2) -> G.abs().max()
    growth of one direction | torch.linalg.matrix_norm(G, 2) -> G[:, 0].norm()
    not divided by T | .log()) / len(x) -> .log())
    bits in place of nats | .log()) / len(x) -> .log()) / len(x) / math.log(2)
    gain in place of its logarithm | return (total +
        -> return torch.linalg.matrix_norm(rnn_jacobian(W, U, b, x, h0), 2) + 0 * (
    sign flipped | return (total -> return -(total
    underflow to zero | G, total = G / size, total + size.log() -> pass
    underflow to zero | G, total = G / size, total + size.log() -> pass
        | matrix_norm(G, 2) -> matrix_norm(G, 2).clamp(min=1e-30)
    sizes of the steps multiplied | G = step @ G -> G = step
        | size = G.norm() -> size = torch.linalg.matrix_norm(G, 2)
    wrong dtype | return J -> return J.float()
    wrong shape | return J -> return J[None]
    """,
        (
            "one scale for all steps",
            "G, total = torch.eye(len(h0)).to(W), 0.0",
            "G, total, few = torch.eye(len(h0)).to(W), 0.0, x[:20]\n"
            "        size = rnn_jacobian(W, U, b, few, h0).norm() ** (1 / len(few))",
            "size = G.norm()",
            "pass",
        ),
        (
            "every step from h0",
            "for v in x:",
            "start = h\n        for v in x:",
            "a = W @ h + U",
            "a = W @ start + U",
        ),
        (
            "one slope for all steps",
            "yield (1 / torch.cosh(a) ** 2)[:, None] * W",
            "last = (1 / torch.cosh(a) ** 2)[:, None] * W\n"
            "        yield from [last] * len(x)",
        ),
        ("begins at 0", "for v in x:", "h = 0 * h\n        for v in x:"),
    )

    @wrong("differentiated automatically")
    @build
    def by_autograd():
        _, log_gain = Ar28.reference()

        def rnn_jacobian(W, U, b, x, h0):
            def last(h):
                for v in x:
                    h = torch.tanh(W @ h + U @ v + b)
                return h

            return torch.autograd.functional.jacobian(last, h0)

        return rnn_jacobian, log_gain

    @wrong("differences in place of derivatives")
    @build
    def by_differences():
        _, log_gain = Ar28.reference()

        def rnn_jacobian(W, U, b, x, h0, e=1e-4):
            def last(h):
                for v in x:
                    h = torch.tanh(W @ h + U @ v + b)
                return h

            moves = e * torch.eye(len(h0)).to(h0)
            both = [last(h0 + v) - last(h0 - v) for v in moves]
            return torch.stack(both, 1) / (2 * e)

        return rnn_jacobian, log_gain
