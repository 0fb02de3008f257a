"""Exercise flow-18: How noisy is a trace by noise?"""

from itertools import chain, permutations, product

import torch

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_maps import in_float32

NOISES = "normal", "signs", "sphere"


@Exercise(
    id="flow-18",
    title="How noisy is a trace by noise?",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Derive the variance of Hutchinson's estimate of a trace for three kinds of "
        "noise, and see which part of a Jacobian each of them leaves quiet.",
    ),
    statement=r"""
Hutchinson's estimate of a trace, $\epsilon^\top A\, \epsilon$, has the mean
$\operatorname{tr} A$ for every noise whose covariance is the identity. Its variance
depends on more: on the noise, and on which part of $A$ is large. The matrix is
the Jacobian of a network, so it is **not** symmetric.

Derive the variance of one estimate for three kinds of noise $\epsilon$ of $d$ values:

1. normal: independent, each $\mathcal N(0, 1)$,
2. signs: independent, each $-1$ or $1$, with probability $1/2$ each,
3. sphere: a point drawn uniformly from the sphere of radius $\sqrt d$ around 0.

Write `variances(A)`. `A` has the shape `(n, d, d)`, with $n$ and $d$ any from 1, and
the result is the tuple `(normal, signs, sphere)` of the three variances of each matrix,
`(n,)` each, of the type of `A`, float32 or float64, with gradients to `A`, also
where entries or variances are 0. Nothing is drawn. In float64 each variance is right to
$10^{-9}$ of itself, whatever the size of the entries, also where the diagonal is near
$10^6$ everywhere and all else near 1, or the antisymmetric part near $10^6$ and the
symmetric part near 1.
""",
    stub='''
def variances(A):
    """(n, d, d) -> three times (n,): normal, signs, sphere."""
    return ..., ..., ...
''',
    answers={"variances": callable},
    hints=(
        r"$\epsilon^\top A\, \epsilon$ is one number, so $A$ may be replaced by its "
        "transpose, and by the mean of both. Now expand the square into products of "
        "four noises.",
        "Independent noises of mean 0: only products in which each index occurs an "
        r"even number of times have a mean, $\epsilon_i^2 \epsilon_j^2$ with 1 and "
        r"$\epsilon_i^4$ with 3 for the normal. Of signs even the square is known.",
        r"A normal vector is a direction times a length, which are independent, and "
        r"$\mathbb{E} \lVert \epsilon \rVert^4 = d\,(d + 2)$. On the sphere a multiple "
        "of the identity is a constant: take it away from $A$ first.",
    ),
    misconceptions={
        "no three results": "Three tensors are due, (normal, signs, sphere).",
        "not symmetrized": "The estimate sees A and its transpose alike, so only their "
        "mean counts: what is antisymmetric gives 0 at every draw.",
        "symmetrized without the half": "It is the mean of A and its transpose.",
        "trace of the square": "The trace of A times A has products of an entry with "
        "its mirror image; squares of the symmetric part are due.",
        "entries not squared": "A variance grows with the square of the matrix.",
        "diagonal left out": "A squared normal number has a variance, 2: the diagonal "
        "counts.",
        "diagonal counted": "The square of a sign is 1 at every draw: the diagonal "
        "adds no noise.",
        "diagonal counted otherwise": "Each squared noise has a variance of its own, "
        "with the fourth moment of the noise.",
        "the trace not taken away": "On the sphere a multiple of the identity gives "
        "the same at every draw.",
        "sphere taken as independent noise": "The values of a point on the sphere "
        "depend on each other: their squares sum to d.",
        "factor of the sphere": "Length and direction of a normal vector are "
        "independent, and the mean fourth power of its length is d(d + 2).",
        "sphere of radius 1": "The radius is the root of d: only then the mean is the "
        "trace.",
        "answers in another order": "The order is normal, signs, sphere.",
        "a root where there is nothing": "The slope of a root at 0 is infinite, and "
        "nan once the root is squared again: add up squares and take no root.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def flow_18(t, variances):
    def judged(name, blocks, mistake=None, scale=1.0, kind=torch.float64, seen=None):
        """Blocks along the diagonal, their rows and columns in a random order."""
        t.property(name)
        turn = t.uniform(sum(v.shape[-1] for v in blocks), low=0, high=1).argsort()
        whole = torch.stack([torch.block_diag(*parts) for parts in zip(*blocks)])
        whole, n = whole[:, turn][:, :, turn], len(whole)
        out = t.call(variances, (whole * scale).to(kind))
        three = isinstance(out, tuple | list) and len(out) == 3
        got = f"an object of type {type(out).__name__}"
        t.true(three, "A tuple of three tensors.", got, "no three results")
        exact, tol = moments(seen or blocks), 1e-9 if kind == torch.float64 else 1e-4
        for part in out:
            lost = {"batch axis lost" if n == 1 else "reduced over the batch": ()}
            t.shape(part, (n,), "one for each matrix.", ideas=lost)
            t.dtype(part, kind, "that of A.")
        got = [t.tensor(v).detach().double() / scale**2 for v in out]
        alike = lambda a, b: all(torch.allclose(*v, 1e-4) for v in zip(a, b))  # noqa: E731
        for turned in permutations(exact):
            same = alike(got, turned) and not alike(exact, turned)
            text = "the same in another order"
            t.true(not same, ", ".join(NOISES), text, "answers in another order")
        for i, (part, due) in enumerate(zip(got, exact)):
            t.property(f"{NOISES[i]}: {name}", of=out[i])
            near = bool((due > 0).all()) and torch.allclose(part, due, 1e-4, 0.0)
            held = in_float32(t.tensor(out[i]), due * scale**2)[1]
            ideas = {
                "float32 in between": [part] * len(held),
                "not to the digits asked for": [part] * near,
                "result of an earlier call": [v[i] for v in past if len(v[i]) == n],
            }
            if i == 2:
                ideas["sphere taken as independent noise"] = exact[:2]
            found = chain(ideas.items(), wrong(i, whole))
            why = "The mean square of what the noise adds to the trace."
            t.close(part, due, why, mistake, None if mistake else found, tol)
        past.append(exact)

    def any_blocks(n, *sizes):
        return [t.away(n, k, k, low=0.3, high=2).double() / 0.7 for k in sizes]

    first = any_blocks(3, 4)
    past = [moments(first)]
    t.steady(variances, *first)
    for _ in range(2):
        judged("matrices of 4 × 4", any_blocks(3, 4))
    for n, sizes in ((3, (2,)), (2, (1,)), (1, (3,)), (1, (1,)), (2, (4, 4, 3, 2))):
        judged(f"{n} of {sum(sizes)} × {sum(sizes)}", any_blocks(n, *sizes))
    (A,) = any_blocks(2, 4)
    judged("antisymmetric matrices", [A - A.mT], "not symmetrized")
    judged("float32", any_blocks(2, 3, 3), kind=torch.float32)
    for scale in (1e-7, 1e7):
        judged(f"entries near {scale:g}", any_blocks(2, 4), scale=scale)
    hard = A + 1e6 * torch.eye(4).double()
    judged("a diagonal near 10⁶", [hard], "difference of large numbers")
    still = t.integers(2, 4, 4, low=300, high=2000).double() / 1024
    far = t.integers(2, 4, 4, low=2, high=9).double().triu(1)
    far = 2.0**17 * (far - far.mT)  # the sum of both is exact
    lost = "difference of large numbers"
    judged("an antisymmetric part near 10⁶", [still + far], lost, seen=[still])
    A, one = any_blocks(3, 3)[0], torch.eye(3).double()
    zeros = torch.stack([0 * one, A[0] - A[0].T, A[1] * one, 1.25 * one])
    for name, x in (("its gradient", A), ("its gradient where much is 0", zeros)):
        leaf = x.clone().requires_grad_()
        out = t.call(variances, leaf)
        for part, due, noise in zip(out, moments([leaf]), NOISES):
            t.property(f"{noise}: {name}", of=part)
            share = t.uniform(len(x), low=0.5, high=2).double()
            got, due = t.grad(part, leaf, share), t.grad(due, leaf, share)
            why = "The derivative of the same."
            t.finite(got, why, "a root where there is nothing" if x is zeros else None)
            t.close(got, due, why, "cut off from the graph", tol=1e-8)


def moments(blocks):
    """The variances by brute force, summed over the blocks of each matrix.

    Signs: all there are. Normal noise: three points in each direction have its moments
    up to the fifth. A point on the sphere is normal noise without its length.
    """
    d = sum(v.shape[-1] for v in blocks)
    level = sum(v.diagonal(0, 1, 2).sum(1) for v in blocks) / d
    far = 3**0.5

    def spread(matrix, noise, weight):
        q = torch.einsum("ei,nij,ej->ne", noise, matrix, noise)
        off = q - (q * weight).sum(1, keepdim=True)
        return torch.einsum("ne,ne,e->n", off, off, weight)

    found = []
    for v in blocks:
        k, one = v.shape[-1], torch.eye(v.shape[-1]).double()
        nodes, share, signs = (
            torch.tensor(list(product(p, repeat=k)), dtype=torch.float64)
            for p in ([-far, 0.0, far], [1 / 6, 2 / 3, 1 / 6], [-1.0, 1.0])
        )
        chance, equal = share.prod(1), torch.ones(2**k).double() / 2**k
        found.append(
            (
                spread(v, nodes, chance),
                spread(v * (1 - one), signs, equal),
                spread(v - level[:, None, None] * one, nodes, chance) * d / (d + 2),
            )
        )
    return [torch.stack(v).sum(0) for v in zip(*found)]


def wrong(i, whole):
    """What mistakes give: squares, their diagonal, a factor, and what is done then."""
    n, d, _ = whole.shape
    even, trace = (whole + whole.mT) / 2, torch.einsum("nii->n", whole)
    squares = {
        "": even**2,
        "not symmetrized": whole**2,
        "symmetrized without the half": 4 * even**2,
        "trace of the square": whole * whole.mT,
        "entries not squared": [even.abs(), even, whole.abs()],
    }
    diagonals = [
        {
            "": 1.0,
            "diagonal left out": 0.0,
            "diagonal counted otherwise": [0.5, 2, 1.5],
        },
        {"": 0.0, "diagonal counted": 1.0, "diagonal counted otherwise": [-1, 0.5]},
        {"": None, "diagonal left out": 0.0, "the trace not taken away": 1.0},
    ][i]
    factors = {"": 2.0, "off by a factor of two": [1.0, 4.0]}
    if i == 2:
        others = 2.0, 1.0, 2 / (d + 2), d / (d + 2), 2 * d / (d + 1), 2 * (d + 2) / d
        factors = {"": 2 * d / (d + 2), "sphere of radius 1": 2 / d / (d + 2),
                   "factor of the sphere": list(others)}  # fmt: skip
    ends = {
        "": lambda v: v,
        "standard deviation in place of the variance": torch.sqrt,
        "second moment in place of the variance": lambda v: v + trace**2,
        "sign flipped": torch.neg,
        "mean over the dimensions": [lambda v: v / d, lambda v: v / d**2],
        "reduced over the batch": [
            lambda v: v.mean().expand(n), lambda v: v.sum().expand(n),
            lambda v: v[:1].expand(n),
        ],
    }  # fmt: skip

    def variance(square, share, factor, end):
        diagonal = torch.einsum("nii->n", square)
        other = square.flatten(1).sum(1) - diagonal
        kept = diagonal - trace**2 / d if share is None else share * diagonal
        return end(factor * (other + kept))

    yield from mistakes(variance, squares, diagonals, factors, ends)
