"""Exercise ae-04: White codes, the same reconstructions."""

import torch
from torch import nn

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
        "decoder left as it was": "The decoder must undo what the encoder now does.",
        "decoder's bias left as it was": "z = L z' + mean: the mean has to go into the "
        "decoder's bias.",
        "mean not removed": "The codes must have mean zero.",
        "each code scaled alone": "Dividing by standard deviations leaves the "
        "correlations: the covariance has entries off the diagonal.",
        "scaled by the covariance itself": "M must be a root of the inverse: M Σ Mᵀ "
        "is the identity.",
        "root on the wrong side": "L L^T = Σ for a lower triangular L; with L^T in its "
        "place M Σ M^T is no identity.",
        "decoder scaled the same way": "The decoder needs the inverse of what the "
        "encoder got.",
        "decoder does not undo the encoder": "What the encoder now does to the codes, "
        "the decoder must undo: follow one code through both.",
        "decoder's bias moved wrongly": "The new decoder's answer to a code of zeros "
        "must be the old decoder's answer to the mean code.",
        "covariance on another scale": "The covariance due is that of torch.cov, which "
        "divides by n - 1.",
        "only rotated": "Uncorrelated codes still have variances of their own: each "
        "must become one.",
        "encoder's bias left as it was": "M acts on W a + b, on the bias too.",
    },
)
def ae_04(t, whiten):
    h, k, m, n = t.integer(6, 7), 3, t.integer(4, 5), 50
    a = t.normal(n, h, mean=0.5)
    last, first = nn.Linear(h, k), nn.Linear(k, m)
    with torch.no_grad():
        # Far from white: strong correlations, a mean far from zero.
        mix = torch.tensor([[2.0, 0.0, 0.0], [1.5, 0.8, 0.0], [-1.0, 0.7, 0.6]])
        last.weight.copy_(mix @ t.normal(k, h, std=0.6))
        last.bias.copy_(t.away(k, low=1, high=3))
        first.weight.copy_(t.normal(m, k))
        first.bias.copy_(t.normal(m))
        z, due = last(a), first(last(a))
    kept = [p.detach().clone() for p in (*last.parameters(), *first.parameters())]

    t.property("two new layers; the given ones stay as they are")
    out = t.call(whiten, last, first, z)
    told = "a pair (new_last, new_first) of layers"
    pair = isinstance(out, tuple | list) and len(out) == 2
    got = f"an object of type {type(out).__name__}"
    t.true(pair and all(map(callable, out)), told, got)
    now = [*last.parameters(), *first.parameters()]
    same = all(torch.equal(p, q) for p, q in zip(kept, now))
    t.true(same, "The given layers hold their weights.", "Other weights.",
           "given layers changed")  # fmt: skip
    new_last, new_first = out
    new_z = t.tensor(t.call(new_last, a)).detach()
    t.shape(new_z, (n, k), "as many codes as before.")

    t.property("the new codes have mean zero")
    moved = "encoder's bias left as it was"
    shift = float((new_z.mean(0)).abs().max())
    if shift > 1e-3:
        cov = torch.cov(new_z.T)
        white = float((cov - torch.eye(k)).abs().max()) < 1e-2
        if not white:
            moved = None
        elif torch.allclose(new_last(torch.zeros(1, h)), last.bias, atol=1e-5):
            moved = "encoder's bias left as it was"
        else:
            moved = "mean not removed"
    t.close(new_z.mean(0), 0.0, "The mean of z was subtracted.", moved, tol=2e-4)

    t.property("their covariance is the identity")
    cov, old = torch.cov(new_z.double().T), torch.cov(z.double().T)
    stds = old.diagonal().sqrt()
    inverse = torch.linalg.inv(old)
    root = torch.linalg.cholesky(old)
    turned = torch.linalg.solve(root.T, torch.linalg.solve(root.T, old).T)
    ideas = {
        "each code scaled alone": [old / stds[:, None] ** p / stds**p for p in (1, 2)],
        "scaled by the covariance itself": [inverse, inverse @ inverse @ old, old**3],
        "root on the wrong side": turned,
        "covariance on another scale": [
            torch.eye(k) * v for v in (n / (n - 1), 1 / (n - 1), 1 / n, n - 1, n)
        ],
        "only rotated": [
            torch.diag(v) for v in (torch.linalg.eigvalsh(old),
                                    torch.linalg.eigvalsh(old).flip(0))
        ],
    }  # fmt: skip
    why = "Uncorrelated codes of variance one."
    t.close(cov, torch.eye(k).double(), why, ideas=ideas, tol=2e-3)

    t.property("reconstructions are those of the given layers")
    out = t.tensor(t.call(new_first, new_z)).detach()
    center, lower = z.mean(0), root.float()
    ideas = {
        "decoder left as it was": first(new_z),
        "decoder's bias left as it was": due - center @ first.weight.T,
        "root on the wrong side": first(new_z @ lower + center),
        "decoder scaled the same way": [
            first(new_z @ m + center) for m in (torch.linalg.inv(lower).T,
                                                torch.linalg.inv(lower))
        ],
    }  # fmt: skip
    off = out - due
    same = bool((off - off.mean(0)).abs().max() < 1e-2)
    other = "decoder's bias moved wrongly" if same else None
    other = other or "decoder does not undo the encoder"
    t.close(out, due.detach(), "The same function.", other, ideas=ideas, tol=1e-3)
    t.property("also for other inputs")
    a = t.normal(4, h, mean=-1, std=2)
    out = t.call(new_first, t.tensor(t.call(new_last, a)).detach())
    t.close(out, first(last(a)).detach(), "The same function.", tol=2e-3)
