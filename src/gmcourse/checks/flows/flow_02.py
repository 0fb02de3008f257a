"""Exercise flow-02: A large determinant by a small one."""

import math
from itertools import chain

import torch
from torch.overrides import TorchFunctionMode

from .._exercise import Exercise
from ._shared_maps import in_float32


@Exercise(
    id="flow-02",
    title="A large determinant by a small one",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Compute the log-determinant of a layer of low rank in time and memory that "
        "grow with the number of values, not with its square.",
    ),
    statement=r"""
A planar map adds one direction to the identity; more directions make a layer whose
Jacobian is $I + U V^\top$, with $U$ and $V$ of $d$ rows and few columns, $k$ of them.
Its determinant needs no $d \times d$ matrix: for every $U$ and $V$ of one shape it is
that of a $k \times k$ matrix (the matrix determinant lemma, or Sylvester's identity).

Write `log_det(u, v)`. Both are `(n, d, k)`: one pair for each of $n$ examples. Return
$\log |\det(I + U V^\top)|$ of each, `(n,)`, in nats. All of it is in float32 or in
float64, the result, too, to the digits of the type (a result below 1 to as many places
behind the point). The $k$ singular values of the small matrix lie six powers of ten
apart at most.

- Where $k < d$ nothing of $d^2$ numbers is made: with $d = 100{,}000$ that would be
  40 GB for one matrix. Numbers of the order of $n d k^2$ are allowed.
- Determinants may be negative (the logarithm is of their size), and too large or too
  small for the type where their logarithm is a number like any other. None is 0.
- Gradients flow to `u` and `v`.
- All sizes are 1 or more; $k$ may be larger than $d$.
""",
    stub='''
def log_det(u, v):
    """(n, d, k), (n, d, k) -> (n,) log of the size of det(I + U V^T)."""
    return ...
''',
    answers={"log_det": callable},
    hints=(
        "$\\det(I_d + A B) = \\det(I_k + B A)$, where $A$ is $d \\times k$ and $B$ is "
        "$k \\times d$. The two identities are not of one size.",
        "`det` first and `log` then is right only while the determinant fits into the "
        "type: which function of `torch.linalg` gives the logarithm at once?",
        "Test with small $d$, where the large matrix can be made, and with $n$, $d$ "
        "and $k$ all different.",
    ),
    misconceptions={
        "the large matrix is made": "With d = 100,000 it has ten thousand million "
        "numbers. The small matrix has k rows.",
        "no absolute value": "Half of all determinants are negative, and the logarithm "
        "of their size is due.",
        "determinant made before its logarithm": "It overflows, or is 0, where its "
        "logarithm is a number like any other.",
        "identity left out": "The small matrix begins as the identity, too.",
        "sign of the product": "It is I plus the product.",
        "trace in place of the determinant": "That is right for small U and V only.",
        "columns taken one by one": "The k directions are not orthogonal: what they "
        "have in common counts.",
        "one added to the determinant": "The identity is added to the matrix.",
        "one direction alone": "1 + uᵀv is the case k = 1. With more columns it is a "
        "determinant.",
        "reshape in place of a transposition": "view and reshape do not move an axis.",
        "sign in place of the logarithm": "slogdet gives two things.",
        "sign times the logarithm": "slogdet gives the sign beside the logarithm of "
        "the size, and only the latter is due.",
        "epsilon on the diagonal": "A constant on the diagonal changes the determinant "
        "where it is small.",
        "real parts of eigenvalues": "Eigenvalues may be complex: their sizes count.",
        "columns left out": "All k columns count, also where k is larger than d.",
        "steps without pivoting": "A determinant that is not 0 may have leading ones "
        "that are: rows must be exchanged on the way.",
        "inverse transposed": "The gradient holds the inverse of the small matrix, and "
        "its transposed one is another.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "batch of matrices mixed": "Each example has a pair of its own.",
    },
)
def flow_02(t, log_det):
    def gram(u, v):
        return torch.einsum("ndi,ndj->nji", u, v)

    def log_size(m):
        return torch.linalg.slogdet(m)[1]

    def right(u, v):
        """By the large matrix, in float64."""
        u, v = u.double(), v.double()
        return log_size(torch.einsum("nik,njk->nij", u, v) + torch.eye(u.shape[1]))

    def draw(n, d, k, positive=False):
        """Pairs whose determinants are far from 0, nearly half of them negative."""
        u, v = (t.normal(128, d, k, std=1.5 / d**0.25) for _ in range(2))
        det = torch.linalg.det(gram(u, v) + torch.eye(k))
        up, down = ((s * det > 0.3).nonzero()[:, 0] for s in (1, -1))
        fewer = 0 if positive else n // 2
        at = torch.cat([down[:fewer], up[: n - fewer]])
        return u[at].double(), v[at].double()

    def single(n, d, k, size=1.0):
        """In float32, so that no way to eliminate meets a small pivot."""
        v = t.normal(n, d, k, std=size / d**0.25)
        return v * t.uniform(n, d, 1, low=0.5, high=2), v

    def ideas(u, v):
        """What mistakes give."""
        n, d, k = u.shape
        due, m = right(u, v), gram(u, v).double()
        eye, (a, b) = torch.eye(k).double(), (u.double(), v.double())
        full = m + eye
        turned = a.reshape(n, k, d) @ b, b.reshape(n, k, d) @ a
        trace = m.diagonal(dim1=1, dim2=2).sum(1)
        same = [kept for kept in past if kept.shape == due.shape]
        yield "result of an earlier call", same
        yield "identity left out", log_size(m)
        yield "sign of the product", log_size(eye - m)
        yield "trace in place of the determinant", [trace, trace.abs().log()]
        one_by_one = full.diagonal(dim1=1, dim2=2).abs().log().sum(1)
        yield "columns taken one by one", one_by_one
        yield "one added to the determinant", (1 + m.det()).abs().log()
        yield "one direction alone", (1 + (a * b).sum((1, 2))).abs().log()
        yield "reshape in place of a transposition", [log_size(eye + w) for w in turned]
        yield "sign in place of the logarithm", full.det().sign()
        yield "determinant in place of its logarithm", [full.det(), full.det().abs()]
        det = full.det()
        low = [det.clamp(min=10.0**-c).log() for c in range(3, 31)]
        if (det < 0).any():
            yield "no absolute value", low
            yield "sign times the logarithm", due * det.sign()
        added = [log_size(full + eye * 10.0**-c) for c in range(2, 13)]
        added = [v for v in added if (v - due).abs().max() > 1e-9]
        yield "epsilon on the diagonal", added
        parts = torch.linalg.eigvals(full).real.abs()
        yield "real parts of eigenvalues", [parts.log().sum(1), parts.prod(1).log()]
        yield "columns left out", log_size(full[:, :d, :d]) if k > d else []
        yield "batch of matrices mixed", log_size(full[:1]).expand(n)
        yield "batch of matrices mixed", log_size(eye + m.mean(0)).expand(n)
        yield "batch of matrices mixed", log_size(eye + m.sum(0)).expand(n)
        yield "mean over the dimensions", [due / d, due / k]
        yield "reduced over the batch", [due.mean().expand(n), due.sum().expand(n)]
        yield "reduced over the batch", due / n
        yield "bits in place of nats", due / math.log(2)
        yield "logarithm to base 10", due / math.log(10)
        yield "off by a factor of two", [2 * due, due / 2]
        yield "sign flipped", -due

    def judged(name, u, v, tol=1e-9, told=None):
        t.property(name)
        out = t.call(log_det, u, v)
        lost = {"batch axis lost": [()] * (len(u) == 1), "reduced over the batch": [()]}
        t.shape(out, (len(u),), "one for each example.", ideas=lost)
        t.dtype(out, u.dtype, "that of u and v.")
        negative = torch.linalg.det(gram(u, v) + torch.eye(u.shape[2])) < 0
        lost = ~t.tensor(out).detach().isfinite()
        lost = told or ("no absolute value" if torch.equal(lost, negative) else None)
        t.finite(out, "No determinant is 0.", lost)
        due = right(u, v).detach()
        found = t.tensor(out).detach().double()
        near = (
            "not to the digits asked for" if torch.allclose(found, due, 0.1) else None
        )
        near = near if u.dtype == torch.float64 else None
        names = chain([in_float32(t.tensor(out), due)], ideas(u.detach(), v.detach()))
        t.close(out, due, "By the large matrix.", near, names, tol)
        past.append(due)
        return out

    past: list = []
    n, d, k = 7, t.integer(8, 10), t.integer(3, 4)
    u, v = draw(n, d, k)
    t.steady(log_det, u, v)
    past.append(right(u, v))
    judged("positive determinants", *draw(n, d, k, positive=True))
    judged("determinants of both signs", *draw(n, d, k), told="no absolute value")
    judged("others of the same size", *draw(n, d, k))
    for shape in ((1, 5, 3), (3, 6, 1), (4, 2, 5), (4, 1, 1), (1, 1, 1)):
        judged("(n, d, k) = ({}, {}, {})".format(*shape), *draw(*shape))
    turns = (torch.linalg.qr(t.normal(3, *s).double())[0] for s in ((8, 4), (4, 4)))
    v, turn = turns
    small = turn * torch.logspace(0, -6, 4).double() @ turn[[1, 2, 0]].mT
    judged("sizes that lie six powers of ten apart", v @ (small - torch.eye(4)), v)
    small, told = t.away(4, 3, 3, low=0.5, high=2), "steps without pivoting"
    small[:, 0, 0] = small[:, 1, 1] = 0
    small[:, 0, 1:] = t.uniform(4, 2, low=0.5, high=2) * torch.tensor([1, 4])
    small[:, 2, 0] = t.away(4, low=3, high=4)
    v = torch.eye(5, 3).expand(4, 5, 3).double()
    u = torch.cat([small - torch.eye(3), t.normal(4, 2, 3)], 1).double()
    judged("a leading determinant of 0", u, v, 1e-9, told)

    t.property("4,000 values: no matrix of all their pairs")
    u, v = draw(2, 20, 3)
    many = u.repeat(1, 200, 1), v.repeat(1, 200, 1) / 200
    with NoLargeTensor(4000**2 // 8):
        out = t.edge("the large matrix is made", log_det, *many)
    t.close(out, right(u, v), "That of one of 200 equal parts.", tol=1e-8)

    told = "determinant made before its logarithm"
    judged("float32", *single(4, 9, 3), tol=1e-4)
    judged("determinants too large for float32", *single(3, 12, 6, 3e4), 1e-4, told)
    few = torch.diag_embed(t.away(3, 20, low=0.5, high=2)) + t.normal(3, 20, 20) / 50
    u, v = few / 2**8 - torch.eye(20), torch.eye(20).expand(3, 20, 20)
    judged("determinants too small for float32", u, v, 1e-4, told)
    few = torch.diag_embed(t.away(2, 160, low=0.5, high=2))
    few = (few + t.normal(2, 160, 160) / 400).double()
    eye = torch.eye(160).double().expand(2, 160, 160)
    for way in (-1, 1):
        name = f"determinants too {'large' if way > 0 else 'small'} for float64"
        judged(name, few * 2.0 ** (8 * way) - eye, eye, told=told)
    name = "gradients by u and v, with determinants of both signs"
    u, v = (w.double().requires_grad_() for w in draw(n, d, k))
    out, due = judged(name, u, v), right(u, v)
    weight = t.uniform(n, low=0.5, high=2).double()
    turn = (gram(u, v) + torch.eye(k)).detach().inverse()
    for wrt, other in ((u, v), (v, u)):
        ways = [other.detach() @ m * weight[:, None, None] for m in (turn, turn.mT)]
        names = {"cut off from the graph": 0 * wrt.detach(), "inverse transposed": ways}
        given = t.grad(out, wrt, weight), t.grad(due, wrt, weight)
        t.close(*given, "Those by the large matrix.", None, names, 1e-7)


class NoLargeTensor(TorchFunctionMode):
    """No function of torch gives a tensor that holds more than ``most`` numbers."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for part in out if isinstance(out, tuple | list) else (out,):
            if isinstance(part, torch.Tensor):
                held = part.untyped_storage().nbytes() // part.element_size()
                if held > self.most:
                    raise MemoryError(f"a tensor of {held:,} numbers was made")
        return out
