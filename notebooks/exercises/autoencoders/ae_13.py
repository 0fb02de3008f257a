"""Versions of exercise ae-13."""

import torch

from .. import edits, reference, right, sums, wrong


def entries(x, w, a, v):
    """(b, k, d): the squared entries of the Jacobian of each row."""
    slope = 1 - (x @ w.T + a).tanh().square()
    return ((v * slope[:, None]) @ w).square()


class Ae13:
    r"""By the chain rule the Jacobian at $x$ is
    $V \operatorname{diag}(s)\, W$ with $s = 1 - \tanh^2(W x + a)$. The number is
    also $s^\top \bigl[(V^\top V) \odot (W W^\top)\bigr] s$, where $\odot$ multiplies
    entry by entry: the matrix in the middle is the same for all examples, and nothing
    of the size `(b, k, d)` is made.

    Does the penalty keep codes from moving? Divide $V$ by 10 and let the first layer of
    the decoder multiply by 10: the reconstructions are the same, and the penalty is a
    hundred times smaller. As in (2.4), the loss does not forbid it. It helps to tie
    the decoder's weights to the encoder's, so that neither can shrink alone."""

    @reference
    def contraction(x, w, a, v):
        hidden = (x @ w.T + a).tanh()
        slope = 1 - hidden.square()  # (b, h)
        jacobian = (v * slope[:, None]) @ w  # (b, k, d)
        return jacobian.square().flatten(1).sum(1)

    @right
    def by_einsum(x, w, a, v):
        slope = 1 - torch.tanh(torch.einsum("bd,hd->bh", x, w) + a) ** 2
        full = torch.einsum("kh,bh,hd->bkd", v, slope, w)
        return torch.einsum("bkd,bkd->b", full, full)

    @right
    def by_gram_matrices(x, w, a, v):
        # |V S W|² = the sum over pairs of hidden units, with small matrices only.
        s = 1 - (x @ w.T + a).tanh() ** 2
        both = (v.T @ v) * (w @ w.T)  # (h, h)
        return ((s @ both) * s).sum(1)

    @right
    def by_loops(x, w, a, v):
        out = []
        for row in x:
            slope = 1 - (w @ row + a).tanh() ** 2
            out.append((v @ torch.diag(slope) @ w).pow(2).sum())
        return torch.stack(out)

    @right
    def by_autograd(x, w, a, v):
        one = torch.func.jacrev(lambda row: v @ (w @ row + a).tanh())
        return torch.func.vmap(one)(x).square().sum((1, 2))

    @right
    def by_cosh(x, w, a, v):
        slope = (x @ w.T + a).clamp(-40, 40).cosh().pow(-2)
        return torch.linalg.matrix_norm((v * slope[:, None]) @ w) ** 2

    @right
    def in_double_precision(x, w, a, v):
        return entries(x.double(), w.double(), a.double(), v.double()).sum((1, 2))

    @wrong("overflow where tanh is flat")
    def by_cosh_alone(x, w, a, v):
        slope = 1 / (x @ w.T + a).cosh().square()
        return ((v * slope[:, None]) @ w).square().sum((1, 2))

    @wrong("paths squared before they are added")
    def by_paths(x, w, a, v):
        slope = (1 - (x @ w.T + a).tanh() ** 2).square()
        return slope @ (v.square().sum(0) * w.square().sum(1))

    @wrong("largest singular value")
    def spectral(x, w, a, v):
        slope = 1 - (x @ w.T + a).tanh() ** 2
        return torch.linalg.matrix_norm((v * slope[:, None]) @ w, 2) ** 2

    standard = sums(entries, without=("bits in place of nats",))

    edited = edits(
        contraction,
        """
    slope of the activation left out | 1 - hidden.square() -> 1 + 0 * hidden
    another slope | 1 - hidden.square() -> hidden * (1 - hidden)
    another slope | .tanh() -> .sigmoid() | 1 - hidden.square() -> hidden * (1 - hidden)
    another slope | 1 - hidden.square() -> 1 - hidden
    another slope | 1 - hidden.square() -> hidden
    another slope | 1 - hidden.square() -> (1 - hidden.square()).sqrt()
    another slope | 1 - hidden.square() -> (1 - hidden.square()).square()
    rows added before they are squared
        | jacobian.square().flatten(1) -> jacobian.sum(1).square()
    rows added before they are squared
        | jacobian.square().flatten(1) -> jacobian.sum(2).square()
    wrong shape | .flatten(1).sum(1) -> .squeeze().flatten(1).sum(1)
    first layer only | (v * slope[:, None]) @ w -> slope[:, :, None] * w
    another slope | 1 - hidden.square() -> 1 - hidden.tanh().square()
    another slope | 1 - hidden.square() -> 1 - (x @ w.T + a).square()
    offset left out | + a ->
    offset subtracted | + a -> - a
    entries not squared | jacobian.square() -> jacobian
    a part of the Jacobian | jacobian.square() -> jacobian[:, 0].square()
    a part of the Jacobian
        | jacobian.square().flatten(1) -> jacobian.diagonal(0, 1, 2).square()
    product of norms | jacobian.square().flatten(1).sum(1)
        -> v.square().sum() * w.square().sum() * slope.square().sum(1)
    slope once in place of twice | jacobian.square().flatten(1).sum(1)
        -> (slope @ ((v.T @ v) * (w @ w.T))).sum(1)
    a second nonlinearity | (v * slope[:, None]) @ w
        -> (1 - (hidden @ v.T).tanh() ** 2)[:, :, None] * ((v * slope[:, None]) @ w)
    second layer only | (v * slope[:, None]) @ w -> v * slope[:, None]
    another norm | jacobian.square().flatten(1).sum(1)
        -> torch.linalg.svdvals(jacobian).sum(1)
    derivative in one direction | jacobian.square().flatten(1)
        -> (jacobian @ x[:, :, None]).square().flatten(1)
    derivative by the weights | jacobian.square().flatten(1).sum(1)
        -> (v * slope[:, None]).square().sum((1, 2)) * x.square().sum(1)
    one Jacobian for all | # (b, h) -> ; slope = slope.mean(0).expand(len(x), -1)
    one Jacobian for all | # (b, h) -> ; slope = slope[:1].expand(len(x), -1)
    one Jacobian for all | (x @ w.T + a) -> (x.mean(0).expand(len(x), -1) @ w.T + a)
    absolute values in place of squares | jacobian.square() -> jacobian.abs()
    square root taken | sum(1) -> sum(1).sqrt()
    squared length of the code | jacobian.square().flatten(1)
        -> (hidden @ v.T).square()
    cut off from the graph | - hidden.square() -> - hidden.detach().square()
    input changed in place | (x @ w.T + a) -> (x.mul_(1.001) @ w.T + a)
    """,
    )
