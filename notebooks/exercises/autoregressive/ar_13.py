"""Versions of exercise ar-13."""

import math

import torch

from .. import build, cases, edits, reference, right, wrong

NUMBERS = 0.5, math.log(3)


class Ar13:
    r"""
    By a logit the derivative of $x l - \log(1 + e^l)$ is $x - \sigma(l)$, and the logit
    is linear in weights and bias. So the gradient by $b$ is the sum of the errors, and
    that by $W$ a sum of outer products, of the errors (rows) and the values
    (columns), of which only what is below the diagonal belongs to a weight.

    At $W = 0$ with each bias at the logit of its mean, the predictions are the means,
    and $\sum_r (x_i - \bar x_i) x_j$ is $n$ times the covariance of two pixels: the
    first step of training writes the covariance matrix into the weights. Here pixels 0
    and 2 are both on in two of eight images, with means 3/8 and 1/2:
    $2 - 8 \cdot \tfrac38 \cdot \tfrac12 = 0.5$.

    The best weight is a difference of two logits. Where pixel 0 is on, pixel 2 is on
    in 2 of 3 images, odds 2; where it is off, in 2 of 5, odds 2/3: $b_2 =
    \log \tfrac23$ and $W_{20} = \log 3 = 1.0986$, the logarithm of the odds ratio. It
    would be the same for the weight from pixel 2 to pixel 0 in the reversed order:
    between two values an order makes no difference.
    """

    @reference
    @build
    def reference():
        def gradient(W, b, x):
            logits = b + x @ W.tril(-1).T
            error = x - logits.sigmoid()
            by_weight = (error.T @ x).tril(-1)
            return by_weight.detach(), error.sum(0).detach()

        first = 2 - 8 * (3 / 8) * (1 / 2)
        best = math.log(2) - math.log(2 / 3)
        return gradient, first, best

    @right
    @build
    def value_by_value():
        @torch.no_grad()
        def gradient(W, b, x):
            n, d = x.shape
            by_w, by_b = torch.zeros_like(W), torch.zeros_like(b)
            for r in range(n):
                for i in range(d):
                    logit = b[i] + (W[i, :i] * x[r, :i]).sum()
                    e = x[r, i] - 1 / (1 + torch.exp(-logit))
                    by_b[i] += e
                    by_w[i, :i] += e * x[r, :i]
            return by_w, by_b

        return gradient, 0.5, 1.099

    @right
    @build
    def by_einsum():
        def gradient(W, b, x):
            W, b = W.detach(), b.detach()
            below = torch.ones_like(W).tril(diagonal=-1)
            logits = torch.einsum("ij,nj->ni", W * below, x) + b
            e = torch.where(x > 0, torch.sigmoid(-logits), -torch.sigmoid(logits))
            return [torch.einsum("ni,nj->ij", e, x) * below, e.sum(dim=0)]

        return gradient, torch.tensor(0.5), torch.tensor(3.0).log()

    @right
    @build
    def row_by_row():
        def gradient(W, b, x):
            rows, errors = [], []
            for i in range(len(b)):
                p = torch.special.expit(x[:, :i] @ W[i, :i] + b[i])
                e = (x[:, i] - p).detach()
                rows.append(torch.cat([e @ x[:, :i], e.new_zeros(len(b) - i)]))
                errors.append(e.sum())
            return torch.stack(rows), torch.stack(errors)

        x = torch.tensor(
            [[1.0, 1], [1, 1], [1, 0], [0, 1], [0, 0], [0, 0], [0, 0], [0, 1]]
        )
        return gradient, 8 * torch.cov(x.T, correction=0)[0, 1].item(), 1.0986

    edited = edits(
        reference,
        """
    upper triangle left in | (error.T @ x).tril(-1) -> error.T @ x
    diagonal left in | (error.T @ x).tril(-1) -> (error.T @ x).tril()
    lower triangle left out | (error.T @ x).tril(-1) -> (error.T @ x).triu(1)
    transposed | (error.T @ x).tril(-1) -> (error.T @ x).tril(-1).T
    value and its mean exchanged | error.T @ x -> x.T @ error
    value and its mean exchanged | error.T @ x -> x.T @ logits.sigmoid()
    prediction in place of the input | error.T @ x -> error.T @ logits.sigmoid()
    prediction in place of the input | error.T @ x -> error.T @ error
    weights above the diagonal used | W.tril(-1) -> W
    weights above the diagonal used | W.tril(-1) -> W.tril()
    transposed | W.tril(-1).T -> W.tril(-1)
    bias left out of the logits | logits = b + x -> logits = x
    gradient of the loss | x - logits.sigmoid() -> logits.sigmoid() - x
    logit in place of the probability | x - logits.sigmoid() -> x - logits
    prediction left out | x - logits.sigmoid() -> x
    derivative of the squared error | x - logits.sigmoid()
        -> (x - logits.sigmoid()) * logits.sigmoid() * (1 - logits.sigmoid())
    mean in place of the sum | error = x - logits.sigmoid()
        -> error = (x - logits.sigmoid()) / len(x)
    mean in place of the sum | by_weight = -> by_weight = 1 / len(x) *
    mean in place of the sum | error.sum(0) -> error.mean(0)
    a graph is left | return by_weight.detach() -> return by_weight
    two results exchanged | return by_weight.detach(), error.sum(0).detach()
        -> return error.sum(0).detach(), by_weight.detach()
    no pair | return by_weight.detach(), error.sum(0).detach()
        -> return by_weight.detach()
    wrong shape | error.sum(0) -> error
    not finite | logits.sigmoid() -> (logits.exp() / (1 + logits.exp()))
    float32 in between | logits = b + x @ W.tril(-1).T
        -> logits = (b + x @ W.tril(-1).T).float().to(x)
    wrong dtype | error.sum(0).detach() -> error.sum(0).detach().float()
        | return by_weight.detach() -> return by_weight.detach().float()
    input changed in place | W.tril(-1).T -> W.data.tril_(-1).T
    bits in place of nats | by_weight = -> error = error / math.log(2); by_weight =
    estimated from samples | by_weight = -> by_weight = torch.rand(()) *
    mean in place of the sum | first = 2 - 8 * (3 / 8) -> first = 2 / 8 - (3 / 8)
    means not subtracted | first = 2 - 8 * (3 / 8) * (1 / 2) -> first = 2
    means not subtracted | first = 2 - 8 * (3 / 8) * (1 / 2) -> first = 2 / 8
    covariance with n - 1 | first = 2 - 8 * (3 / 8) * (1 / 2) -> first = 4 / 7
    another weight | first = 2 - 8 * (3 / 8) * (1 / 2)
        -> first = 2 - 8 * (3 / 8) * (6 / 8)
    sign flipped | first = 2 - 8 * (3 / 8) * (1 / 2) -> first = -0.5
    odds in place of their logarithm | math.log(2) - math.log(2 / 3) -> 3
    bias in place of the weight | math.log(2) - math.log(2 / 3) -> math.log(2 / 3)
    bias held fixed | math.log(2) - math.log(2 / 3) -> math.log(2)
    shares in place of their logits | math.log(2) - math.log(2 / 3) -> 2 / 3 - 2 / 5
    shares in place of their logits | math.log(2) - math.log(2 / 3) -> 16 / 15
    gradient in place of the optimum | math.log(2) - math.log(2 / 3) -> 0.5
    another weight | math.log(2) - math.log(2 / 3) -> math.log(2 / 4)
    not to the digits asked for | math.log(2) - math.log(2 / 3) -> 1.1
    """,
    )

    @wrong("automatic differentiation used")
    @build
    def by_automatic_differentiation():
        def gradient(W, b, x):
            W = W.detach().requires_grad_()
            b = b.detach().requires_grad_()
            u = b + x @ W.tril(-1).T
            total = (x * u - torch.nn.functional.softplus(u)).sum()
            return torch.autograd.grad(total, (W, b))

        return gradient, *NUMBERS

    def kept(which):
        """Some of the arguments are those of the first call of these sizes."""
        gradient, first, best = Ar13.reference()
        memory = {}

        def keep(*args):
            old = memory.setdefault(tuple(v.shape for v in args), args)
            return gradient(*(old[i] if i in which else args[i] for i in range(3)))

        return keep, first, best

    old = "result of an earlier call"
    of_arguments = cases(
        kept,
        (old, {"which": (0, 1, 2)}),
        (old, {"which": (2,)}),
        (old, {"which": (0,)}),
    )

    @wrong("a size of one not met")
    @build
    def squeezed():
        gradient, first, best = Ar13.reference()
        return lambda W, b, x: (x.squeeze()[1:2, 0], gradient(W, b, x))[1], first, best
