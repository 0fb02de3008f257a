"""Exercise ae-04: White codes, the same reconstructions."""

import torch
from torch import Tensor, nn

from .._exercise import Exercise


@Exercise(
    id="ae-04",
    title="White codes, the same reconstructions",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Use the freedom of the code space: change the codes' distribution without "
        "changing the autoencoder.",
    ),
    statement=r"""
In an autoencoder the code stands between two linear layers: `last`, the last layer of
the encoder, and `first`, the first layer of the decoder. By equation (2.4) an
invertible map of the codes can be absorbed into the two.

Write `whiten(last, first, z)`: `last` is an `nn.Linear(h, k)`, `first` an
`nn.Linear(k, m)`, both with biases, and `z` holds the codes that `last` gave for a
training set, shape `(n, k)` with an invertible covariance. Return two new layers
`(new_last, new_first)` such that

- `new_first(new_last(a))` equals `first(last(a))` for every `a`, up to rounding;
- the codes that `new_last` gives for the same training set have mean zero and the
  identity as their covariance (`torch.cov(z.T)`, which divides by `n - 1`).

The given layers stay as they are.
""",
    stub='''
def whiten(last, first, z):
    """nn.Linear(h, k), nn.Linear(k, m), (n, k) -> two new layers."""
    return ...
''',
    answers={"whiten": callable},
    hints=(
        "Write down the new code as z' = M (z - mean). What must M Σ Mᵀ be? What must "
        "the decoder do with z' first?",
        "With Σ = L Lᵀ (Cholesky), try M = L⁻¹. Then z = L z' + mean.",
        "A linear layer computes W a + b. Insert: new W and b of `last` are M W and "
        "M (b - mean); for `first`, put z = L z' + mean into W z + b. Begin with "
        "copy.deepcopy of each layer.",
    ),
    misconceptions={
        "given layers changed": "The caller still needs the layers it passed in: make "
        "copies.",
        "mean not removed": "The mean of z is to be subtracted before M is applied.",
        "encoder's bias not mapped": "M acts on all of W a + b - mean: on the bias and "
        "on the mean, too.",
        "each code scaled alone": "Dividing by standard deviations leaves the "
        "correlations: the covariance has entries off the diagonal.",
        "scaled by the covariance itself": "M must be a root of the inverse: M Σ Mᵀ "
        "is the identity.",
        "root in place of its inverse": "M undoes the root: it divides where the root "
        "multiplies.",
        "root on the wrong side": "L Lᵀ = Σ for a lower triangular L; with Lᵀ in its "
        "place nothing is undone.",
        "covariance on another scale": "The covariance due is that of torch.cov, which "
        "divides by n - 1.",
        "only rotated": "Uncorrelated codes still have variances of their own: each "
        "must become one.",
        "number added to the covariance": "A fixed number on the diagonal is harmless "
        "for variances near one, and too much for small codes.",
        "decoder left as it was": "The decoder must undo what the encoder now does.",
        "decoder scaled the same way": "The decoder needs the inverse of what the "
        "encoder got.",
        "decoder's bias left as it was": "z = L z' + mean: the mean has to go into the "
        "decoder's bias.",
        "decoder's bias moved wrongly": "The new decoder's answer to a code of zeros "
        "must be the old decoder's answer to the mean code.",
        "decoder does not undo the encoder": "What the encoder now does to the codes, "
        "the decoder must undo: follow one code through both.",
    },
)
def ae_04(t, whiten):
    white(t, whiten, 3)
    small, large = "number added to the covariance", "difference of large numbers"
    white(t, whiten, 2, 1e-3, small, " Here the codes are of size 0.001.")
    white(t, whiten, 4, 1.0, large, " Here the codes lie near 200.")


def white(t, whiten, k: int, size: float = 1.0, mistake: str = "", case: str = ""):
    """The check on ``k`` codes; what it is an edge for has this ``mistake``."""
    h, m, n = k + t.integer(3, 4), k + t.integer(1, 2), 40
    a = t.normal(n, h, mean=0.5)
    last, first = nn.Linear(h, k), nn.Linear(k, m)
    # Far from white: strong correlations, a mean far from zero.
    mix = torch.eye(k) + torch.tensor([1.5, 1.0, -0.8, 0.6])[:k, None].tril(-1)
    frame = torch.linalg.qr(t.normal(h, k))[0]
    shift = t.away(k, low=1, high=3) + (200 if k == 4 else 0)
    values = size * mix @ frame.T, size * shift, t.normal(m, k) / size, t.normal(m)
    layers = (*last.parameters(), *first.parameters())
    with torch.no_grad():
        for p, v in zip(layers, values):
            p.copy_(v)
        z, due = last(a), first(last(a))

    t.property("two new layers; the given ones stay as they are")
    out = t.call(whiten, last, first, z)
    pair = isinstance(out, tuple | list) and len(out) == 2
    told, got = "A pair of layers.", f"an object of type {type(out).__name__}"
    t.true(pair and all(map(callable, out)), told, got)
    held = all(map(torch.equal, values, layers))
    t.true(held, "The given layers hold.", "Other weights.", "given layers changed")
    new_last, new_first = out
    new_z = t.call(new_last, a)
    t.shape(new_z, (n, k), "as many codes as before.")
    codes = t.tensor(new_z).detach().double()

    t.property("the new codes have mean zero", of=new_z)
    zero = t.tensor(t.call(new_last, torch.zeros(1, h))).detach()
    slope = t.tensor(t.call(new_last, torch.eye(h))).detach() - zero
    # The matrix that was applied to the codes, whatever became of the bias.
    made = slope.T.double() @ torch.linalg.pinv(values[0].double())
    mean, bias = z.double().mean(0), values[1].double()
    left = made @ (mean - bias)
    ideas = {
        "mean not removed": [made @ mean, left, 2 * made @ mean],
        "encoder's bias not mapped": [left + bias, left + bias - mean,
                                      made @ mean - mean],
    }  # fmt: skip
    why = f"The mean of z was subtracted.{case}"
    t.close(codes.mean(0), torch.zeros(k), why, ideas=ideas, tol=1e-3)

    t.property("their covariance is the identity", of=new_z)
    cov, old = torch.cov(codes.T), torch.cov(z.double().T)
    stds, sizes = old.diagonal().sqrt(), torch.linalg.eigvalsh(old)
    root, eye = torch.linalg.cholesky(old), torch.eye(k).double()
    turned = torch.linalg.solve(root.T, torch.linalg.solve(root.T, old).T)
    added = sizes / torch.linalg.eigvalsh(cov) - sizes
    ideas = {
        "each code scaled alone": [old / stds[:, None] ** p / stds**p for p in (1, 2)],
        "scaled by the covariance itself": [torch.linalg.inv(old), old @ old @ old],
        "root in place of its inverse": [root @ old @ root.T, old @ old],
        "root on the wrong side": turned,
        "covariance on another scale": [eye * v for v in (n / (n - 1), n, n - 1,
                                                          1 / n, 1 / (n - 1))],
        "only rotated": [sizes.diag(), sizes.flip(0).diag()],
    }  # fmt: skip
    alike = added.min() > 0 and added.max() < 1.2 * added.min()
    other = mistake or ("number added to the covariance" if alike else None)
    why, ideas = f"Uncorrelated, of variance one.{case}", None if mistake else ideas
    t.close(cov, eye, why, other, ideas, tol=1e-3)

    t.property("reconstructions are those of the given layers")

    def read(codes: Tensor) -> Tensor:
        return (codes @ first.weight.T.double() + first.bias).detach()

    out = t.tensor(t.call(new_first, new_z)).detach()
    t.shape(out, (n, m), "as many values as before.")
    ideas = {
        "decoder left as it was": read(codes),
        "decoder's bias left as it was": read(z.double() - mean),
        "root on the wrong side": read(codes @ torch.linalg.inv(made) + mean),
        "decoder scaled the same way": [read(codes @ v + mean) for v in (made, made.T)],
    }
    off = (out - due).detach()
    same = (off - off.mean(0)).abs().max() < 1e-2
    names = "decoder's bias moved wrongly", "decoder does not undo the encoder"
    why = f"The same function.{case}"
    t.close(out, due, why, names[0 if same else 1], ideas, tol=1e-3)
    a = t.normal(5, h, mean=-1, std=2)
    out = t.call(new_first, t.call(new_last, a))
    t.close(out, first(last(a)), "The same at other inputs.", tol=2e-3)
