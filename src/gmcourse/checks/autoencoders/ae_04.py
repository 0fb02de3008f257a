"""Exercise ae-04: Principal codes, the same reconstructions."""

import torch
from torch import Tensor, nn

from .._comparisons import far
from .._exercise import Exercise


@Exercise(
    id="ae-04",
    title="Principal codes, the same reconstructions",
    difficulty=4,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Use the freedom of the code space: give codes an order and a unit without "
        "changing the autoencoder.",
    ),
    statement=r"""
In an autoencoder the code stands between two linear layers: `last`, the last layer of
the encoder, and `first`, the first layer of the decoder. By equation (2.4) an
invertible map of the codes can be absorbed into the two. Choose it such that the codes
are ordered and have the unit of what they decode to, as in PCA.

Write `principal(last, first, z)`: `last` is an `nn.Linear(h, k)`, `first` an
`nn.Linear(k, m)` with `m >= k >= 1`, both with biases; the columns of `first.weight`
are linearly independent, and `z` holds the codes that `last` gave for a training set,
shape `(n, k)`, with an invertible covariance. Return two new layers
`(new_last, new_first)` such that

- `new_first(new_last(a))` equals `first(last(a))` for every `a`, up to rounding;
- the columns of the new decoder's weight are orthonormal;
- the codes that `new_last` gives for the same training set have mean zero, are
  uncorrelated, and their variances descend from the first code to the last.

The signs of the codes are free. The given layers stay as they are.
""",
    stub='''
def principal(last, first, z):
    """nn.Linear(h, k), nn.Linear(k, m), (n, k) -> two new layers."""
    return ...
''',
    answers={"principal": callable},
    hints=(
        "The new codes times orthonormal columns are the centered answers of `first`. "
        "Along which directions are the answers uncorrelated?",
        "With $W$ for `first.weight`, apply PCA to the centered answers "
        r"$W (z - \text{mean})$, of which $k$ directions have a variance: they are the "
        "new columns $U$.",
        r"The new code is $U^\top W (z - \text{mean})$. The layer `last` "
        "computes $V a + b$: put that in the place of $z$, and read off weight and "
        "bias. To a code of zeros the new decoder answers what the old one answers to "
        "the mean code.",
    ),
    misconceptions={
        "given layers changed": "The caller still needs the layers it passed in: make "
        "copies.",
        "mean not removed": "The mean of z is to be subtracted before a matrix is "
        "applied.",
        "encoder's bias lost or counted twice": "The new codes are off by the old "
        "bias: it belongs to W a + b, and the mean of z contains it already.",
        "mean or bias not mapped": "The matrix acts on all of W a + b - mean: on the "
        "bias and on the mean, too.",
        "another center than the mean": "Another point than the mean of z was "
        "subtracted.",
        "codes made white": "White codes have no order and no unit: here the columns "
        "of the decoder have length one, and the codes keep the variances.",
        "directions of the codes alone": "The eigenvectors of the covariance of z make "
        "the codes uncorrelated, and leave the decoder's columns oblique: look for "
        "directions among the answers of `first`.",
        "columns only scaled": "Columns of length one may still be oblique.",
        "columns still oblique": "The two layers fit together, but the map between "
        "them is none that makes the columns orthonormal.",
        "a direction outside the answers": "The answers vary along k directions only, "
        "those of the largest variance: a column points along another one.",
        "directions of the weight alone": "How the codes vary counts, too: the factors "
        "of the weight alone (SVD, QR) know nothing of z.",
        "turned the wrong way": "The matrix that turns the orthonormal columns is "
        "transposed: turning back and turning on are two things.",
        "codes still correlated": "Orthonormal columns can be turned among themselves: "
        "turn them until the codes are uncorrelated.",
        "smallest variance first": "eigh gives ascending values; the largest variance "
        "comes first.",
        "mean left in the directions": "The directions are those of the answers minus "
        "their mean; a mean far from zero is no variance.",
        "a direction dropped": "A code may vary little beside the others, and counts "
        "all the same: nothing is small without a unit.",
        "decoder left as it was": "The decoder must undo what the encoder now does.",
        "decoder's bias left as it was": "A code of zeros now stands for the mean "
        "code: the mean has to go into the decoder's bias.",
        "decoder's bias moved wrongly": "The new decoder's answer to a code of zeros "
        "must be the old decoder's answer to the mean code.",
        "decoder does not undo the encoder": "What the encoder now does to the codes, "
        "the decoder must undo: follow one code through both.",
    },
)
def ae_04(t, principal):
    turned(t, principal, 3)
    turned(t, principal, 2, 1e-3, case=" Here the codes are of size 0.001.")
    turned(t, principal, 1, case=" Here there is one code.")
    few = "a direction dropped"
    turned(t, principal, 2, mistake=few, case=" One code varies little.", thin=0.01)
    large = "difference of large numbers"
    turned(t, principal, 4, 1.0, large, " Here the codes lie near 200.")


def covariance(rows: Tensor) -> Tensor:
    away = rows - rows.mean(0)
    return away.T @ away / (len(rows) - 1)


def turned(t, principal, k: int, size=1.0, mistake="", case="", thin=1.0):
    """The check on ``k`` codes; what it is an edge for has this ``mistake``."""
    h, m, n = k + t.integer(3, 4), k + t.integer(1, 2), 40
    a = t.normal(n, h, mean=0.5)
    last, first = nn.Linear(h, k), nn.Linear(k, m)
    # Strong correlations, oblique columns of several lengths, a mean far from zero.
    mix = torch.eye(k) + torch.tensor([1.5, 1.0, -0.8, 0.6])[:k, None].tril(-1)
    mix[-1] *= thin
    frame = torch.linalg.qr(t.normal(h, k))[0]
    shift = t.away(k, low=1, high=3) + (200 if k == 4 else 0)
    lean = torch.eye(k) + 0.5 * torch.ones(k, k).triu(1)
    long = torch.tensor([0.6, 1.4, 1.0, 0.8])[:k]
    columns = torch.linalg.qr(t.normal(m, k))[0] @ lean * long
    values = size * mix @ frame.T, size * shift, columns / size, t.normal(m)
    layers = (*last.parameters(), *first.parameters())
    with torch.no_grad():
        for p, v in zip(layers, values):
            p.copy_(v)
        z, due = last(a), first(last(a))

    t.property("two new layers; the given ones stay as they are")
    out = t.call(principal, last, first, z)
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
    few = (-2, -1, 0, 1, 2)
    others = z[0], z[-1], z.median(0)[0], z.mean(1).mean(), (z.amax(0) + z.amin(0)) / 2
    ideas = {
        "mean not removed": [made @ v for v in (mean, mean - bias, 2 * mean)],
        "encoder's bias lost or counted twice": [
            made @ (a * mean + b * bias) for a in few for b in (-2, -1, 1, 2)],
        "mean or bias not mapped": [
            made @ (a * mean + b * bias) + c * mean + e * bias for a in few
            for b in few for c in (-1, 0, 1) for e in (-1, 0, 1) if c or e],
        "another center than the mean": [
            made @ (mean - v.double().expand(k)) for v in others],
    }  # fmt: skip
    why = f"The mean of z was subtracted.{case}"
    t.close(codes.mean(0), torch.zeros(k), why, ideas=ideas, tol=1e-3)

    t.property("the columns of the new decoder are orthonormal")
    out = t.call(new_first, torch.cat([torch.eye(k), torch.zeros(1, k)]))
    t.shape(out, (k + 1, m), "as many values as before.")
    answers = t.tensor(out).detach().double()
    new = (answers[:k] - answers[k]).T
    gram, cov, eye = new.T @ new, covariance(codes), torch.eye(k).double()
    w, old = values[2].double(), covariance(z.double())
    axes, roots = torch.linalg.eigh(old)[1], torch.linalg.cholesky(old)
    plain, unit = w.T @ w, (w / w.norm(dim=0)).double()
    level = cov.diagonal().mean()
    white = k > 1 and 0.5 < level < 2 and (cov / level - eye).abs().max() < 0.01
    fits = not far(new @ made, w, 1e-3 * float(w.abs().max())).any()
    apart = "decoder does not undo the encoder"  # or else the two layers fit
    ideas = {
        "decoder left as it was": plain,
        "codes made white": [gram] if white else [roots.T @ plain @ roots],
        "columns only scaled": unit.T @ unit,
        "directions of the codes alone": [
            v.T @ plain @ v for v in (axes, axes.flip(1), axes.T, axes.flip(1).T)
        ],
    }
    # Signs are free, so sizes are compared; of orthonormal columns they are the same.
    ideas = {name: [v.abs() for v in by] if isinstance(by, list) else by.abs()
             for name, by in ideas.items()}  # fmt: skip
    told = f"Length one, at right angles.{case}"
    oblique = "columns still oblique" if fits else apart
    t.close(gram.abs(), eye, told, mistake or oblique, None if mistake else ideas, 1e-3)

    t.property("the new codes are uncorrelated", of=new_z)
    stds = cov.diagonal().clamp(min=1e-30).sqrt()
    correlation = (cov / stds[:, None] / stds).abs()

    def diagonal(matrix, columns=new):
        inside = columns.T @ matrix @ columns
        size = inside.diagonal().abs().max()
        return (inside - inside.diagonal().diag()).abs().max() < 1e-3 * size

    answers, ends = z.double() @ w.T, first(z).detach().double()
    frames = torch.linalg.qr(w)[0], torch.linalg.svd(w, full_matrices=False)[0]
    spread = w @ old @ w.T
    left_in = "mean left in the directions"
    if diagonal(ends.T @ ends):
        other = left_in
    elif (new - w @ torch.linalg.pinv(w) @ new).abs().max() > 1e-3:
        other = "a direction outside the answers"
    elif (stds < 1e-9).any():
        other = "a direction dropped"
    elif not fits:
        other = apart
    elif diagonal(answers.T @ answers):
        other = left_in
    elif any(diagonal(q.T @ spread @ q, new.T @ q) for q in frames):
        other = "turned the wrong way"
    elif diagonal(w @ w.T) or (new.T @ w).tril(-1).abs().max() < 1e-4:
        other = "directions of the weight alone"
    else:
        other = "codes still correlated"
    why = f"Their covariance has nothing off the diagonal.{case}"
    t.close(correlation, eye, why, mistake or other, tol=2e-3)

    t.property("their variances descend", of=new_z)
    down = stds.square().sort(descending=True).values
    ideas = {"smallest variance first": down.flip(0)}
    why = "The first code varies most."
    t.close(stds.square(), down, why, ideas=ideas, tol=1e-3)

    t.property("reconstructions are those of the given layers")

    def read(codes: Tensor) -> Tensor:
        return (codes @ first.weight.T.double() + first.bias).detach()

    out = t.tensor(t.call(new_first, new_z)).detach()
    t.shape(out, (n, m), "as many values as before.")
    ideas = {
        "decoder left as it was": read(codes),
        "decoder's bias left as it was": read(z.double() - mean),
    }
    off = (out - due).detach()
    same = (off - off.mean(0)).abs().max() < 1e-2
    names = "decoder's bias moved wrongly", apart
    why = f"The same function.{case}"
    t.close(out, due, why, names[0 if same else 1], ideas, tol=1e-3)
    a = t.normal(5, h, mean=-1, std=2)
    out = t.call(new_first, t.call(new_last, a))
    t.close(out, first(last(a)), "The same at other inputs.", tol=2e-3)
