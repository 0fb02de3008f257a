"""Exercise ar-11: Attention that does not look ahead."""

import math
from typing import Any

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="ar-11",
    title="Attention that does not look ahead",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Write causal self-attention with several heads, and prove that no position "
        "sees what comes after it.",
    ),
    statement=r"""
Self-attention lets each position of a sequence take a weighted mean of what all
positions hold; in an autoregressive model a position may look at itself and at those
before it. The library has a module with rotations and a cache; here is the plain
function, without positions and without biases.

Write `attention(x, w_qkv, w_out, heads)`. `x` has the shape `(b, t, d)`, `w_qkv`
`(3 * d, d)` and `w_out` `(d, d)`; matrices act as in `nn.Linear`, `x @ w.T`. Of the
$3d$ numbers that `w_qkv` gives for a position the first $d$ are its query, the next $d$
its key, the last $d$ its value. Head $j$ of $h$ has $m = d/h$ channels of each, in
consecutive blocks: the channels $jm, \dots, jm + m - 1$.

In each head, position $i$ gives position $j \le i$ the score
$q_i \cdot k_j / \sqrt{m}$, a softmax over $j \le i$ turns the scores into weights that
sum to one, and the head's output at $i$ is the mean of the $v_j$ with these weights.
The outputs of the heads, put side by side in their order, go through `w_out`. The
result has the shape `(b, t, d)` and the type of `x`, float32 or float64, as all inputs
have (in float64 to ten digits).

Position $i$ must not depend on later ones *at all*: the derivative is exactly 0, and
nothing changes there, not by the last digit, where `x` is as large as 1000 at later
positions. Scores may be in the thousands. The length `t`, the number of sequences and
`heads`, which divides `d`, are any, also 1; gradients flow to all three tensors.
""",
    stub='''
def attention(x, w_qkv, w_out, heads):
    """(b, t, d), (3d, d), (d, d), h -> (b, t, d)."""
    return ...
''',
    answers={"attention": callable},
    hints=(
        "`unflatten(-1, (heads, -1))` makes an axis for the heads; `transpose(1, 2)` "
        "puts it before that of the positions: queries, keys and values are then "
        "`(b, h, t, m)`, and the scores `(b, h, t, t)`.",
        "Rows are the positions that look, columns those that are seen: what lies "
        "above the diagonal is to get the weight 0. Put -inf there *before* the "
        "softmax.",
        "With `t = 1` there is one weight, 1: the result is the value through "
        "`w_out`. And at position 0 it is so for every `t`.",
    ),
    misconceptions={
        "no mask": "Every position sees all: the weights of later ones are to be 0.",
        "mask off by one": "A position sees itself and those before it: not one more, "
        "not one less.",
        "mask turned around": "Each position sees itself and what comes later. Rows "
        "look, columns are seen.",
        "mask after the softmax": "Weights set to 0 after the softmax leave a sum "
        "below one, and the future in the normalization: the scores are masked.",
        "zero in place of minus infinity": "A score of 0 is a score like others: "
        "exp(0) = 1.",
        "values masked": "The values are not to be changed: their weights are.",
        "large number in place of minus infinity": "A score of -10 or -1000 is not "
        "minus infinity: where scores are large, it may even be the largest.",
        "scale left out": "The scores are divided by the root of a head's channels.",
        "scale of another width": "The root of m, the channels of one head.",
        "softmax over the queries": "The weights of one position that looks sum to one "
        "over what it sees, the last axis of the scores.",
        "heads interleaved": "Head j has the channels jm to jm + m - 1.",
        "queries, keys and values in another order": "The first d rows of w_qkv make "
        "queries, the next keys, the last values.",
        "rows of w_qkv by heads": "The three parts come first: all queries, all keys, "
        "all values, and each is divided into heads.",
        "matrix transposed": "As in nn.Linear: x @ w.T.",
        "output matrix left out": "The heads, side by side, go through w_out.",
        "axes of heads and positions mixed": "Before the heads are put side by side, "
        "their axis goes back behind that of the positions: a reshape alone mixes "
        "them.",
        "one head": "Each head has weights of its own.",
        "softmax left out": "Weights are positive and sum to one.",
        "keys in place of values": "The mean is that of the values.",
        "mean over what is seen": "The weights come from the scores.",
        "something added": "The function is attention alone: no residual, no "
        "normalization, no positions.",
        "depends on the future": "The result at a position has to be the same, to the "
        "last digit, whatever comes later.",
        "softmax without a shift": "The exponential of a score above 88 is infinite in "
        "float32: softmax subtracts the largest first.",
        "sequences mixed": "Each sequence of the batch is one by itself.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def ar_11(t, attention):
    def draw(b, n, d, kind=torch.float32, size=1.0):
        x = t.normal(b, n, d).to(kind)
        both = t.normal(3 * d, d, std=size / d**0.5), t.normal(d, d, std=1 / d**0.5)
        return x, *(w.to(kind) for w in both)

    def called(x, w, v, heads):
        out = t.call(attention, x, w, v, heads)
        t.shape(out, tuple(x.shape), "as x.")
        t.dtype(out, x.dtype, "that of x.")
        return out

    def judged(name, args, heads, tol=2e-5, told=None, ideas: Any = True):
        t.property(name)
        out = called(*args, heads)
        due = made(*args, heads)
        t.finite(out, "Means of finite values.", "softmax without a shift")
        why = "Position by position, head by head, from what lies before."
        found = rivals(*args, heads) if ideas and told is None else None
        t.close(out, due, why, told, found, tol)
        return out, due

    heads, m = t.integer(3, 4), t.integer(5, 6)
    b, n, d = 2, 7, heads * m
    args = draw(b, n, d, size=2.5)
    judged("any sequences", args, heads)
    one = args[0][:, :1], *args[1:]
    judged("one position: its value through w_out", one, heads)

    t.property("derivatives by later positions: exactly 0")
    x = args[0][:1].clone().requires_grad_()
    out = called(x, *args[1:], heads)
    for i in range(n - 1):
        slope = t.grad(out[:, i], x, torch.ones_like(out[:, i]))
        t.equal(slope[:, i + 1 :], 0.0, "No later position.", "depends on the future")

    t.property("later positions may be anything")
    x, at = args[0], t.integer(2, 4)
    before = t.tensor(called(*args, heads)).detach()
    for size in (1.0, 1000.0):
        changed = x.clone()
        changed[:, at:] = size * t.normal(b, n - at, d)
        after = t.tensor(called(changed, *args[1:], heads)).detach()
        told = "The same to the last digit.", "depends on the future"
        t.equal(after[:, :at], before[:, :at], *told)

    big = draw(b, n, d, size=30.0)
    large = "large number in place of minus infinity"
    judged("scores in the thousands", big, heads, 1e-3, large)
    t.property("scores far below 0")
    x = torch.cat(
        [t.uniform(1, n, 1, low=20, high=60), t.uniform(1, n, 3, low=-1, high=1)], 2
    )
    w = torch.zeros(12, 4)
    w[0, 0], w[4, 0], w[8:, :] = -2.0, 2.0, t.normal(4, 4)
    args = x, w, t.normal(4, 4)
    out = called(*args, 1)
    why = "All scores of a position are about -1000 to -7000."
    t.finite(out, why, "softmax without a shift")
    t.close(out, made(*args, 1), why, large, tol=1e-3)

    for h, m, b, n in (
        (1, 4, 3, 5),
        (5, 1, 2, 4),
        (2, 3, 1, 1),
        (2, 4, 1, 33),
        (3, 8, 4, 2),
    ):
        name = f"{b} sequences of {n}, {h} heads of {m} channels"
        judged(name, draw(b, n, h * m), h)

    t.property("gradients to all three")
    args = [v.requires_grad_() for v in draw(2, 4, 6)]
    out, due = called(*args, 2), made(*args, 2)
    weight = t.uniform(*due.shape, low=0.5, high=2)
    for v, name in zip(args, ("x", "w_qkv", "w_out")):
        why = f"The derivative by {name} of the same result."
        slope = t.grad(due, v, weight.double())
        t.close(t.grad(out, v, weight), slope, why, "cut off from the graph", tol=1e-4)

    single = "float32 in between"
    judged("float64", draw(2, 6, 8, torch.float64), 2, 1e-10, single)


def parts(x, w, heads, order=(0, 1, 2), by="parts"):
    """Queries, keys and values, each (b, h, t, m), in float64."""
    b, n, d = x.shape
    y = torch.einsum("bti,oi->bto", x.double(), w.double())
    if by == "heads":
        split = y.view(b, n, heads, 3, d // heads).movedim(3, 0)
    elif by == "last":
        split = y.view(b, n, d, 3).movedim(3, 0).reshape(3, b, n, heads, d // heads)
    elif by == "interleaved":
        split = y.view(b, n, 3, d // heads, heads).movedim(2, 0).transpose(3, 4)
    elif by == "flat":
        return [v.reshape(b, heads, n, d // heads) for v in y.split(d, 2)]
    else:
        split = y.view(b, n, 3, heads, d // heads).movedim(2, 0)
    return [split[i].movedim(2, 1) for i in order]


def seen(scores, values):
    """One position after the other, from nothing but what it may see."""
    rows = []
    for i in range(scores.shape[-2]):
        row = scores[..., i, : i + 1]
        weight = (row - row.amax(-1, keepdim=True)).exp()
        some = torch.einsum("bhs,bhsm->bhm", weight, values[..., : i + 1, :])
        rows.append(some / weight.sum(-1, keepdim=True))
    return torch.stack(rows, 2)


def joined(y, v, how="right"):
    """Of the heads' outputs (b, h, t, m)."""
    b, h, n, m = y.shape
    if how == "interleaved":
        y = y.permute(0, 2, 3, 1).reshape(b, n, h * m)
    elif how == "mixed":
        y = y.reshape(b, n, h * m)
    else:
        y = torch.cat(list(y.unbind(1)), -1)
    if how == "left out":
        return y
    return torch.einsum("bti,oi->bto", y, v.double())


def made(x, w, v, heads):
    q, k, values = parts(x, w, heads)
    scores = torch.einsum("bhim,bhjm->bhij", q, k) / q.shape[-1] ** 0.5
    return joined(seen(scores, values), v)


def rivals(x, w, v, heads):
    """What one or two mistakes give."""
    n, (b, _, d) = x.shape[1], x.shape
    m = d // heads
    below = torch.ones(n, n).tril().bool()
    inf = -math.inf

    def masked(mask, low=inf):
        def result(scores, values):
            held = torch.where(mask, scores, low)
            return held.softmax(-1).nan_to_num(0.0) @ values

        return result

    def queries(scores, values):
        return torch.where(below, scores, inf).softmax(-2) @ values

    def queries_then_mask(scores, values):
        return torch.where(below, scores.softmax(-2), 0.0) @ values

    ways: dict[str, Any] = {
        "": seen,
        "no mask": masked(below | True),
        "mask off by one": [
            masked(torch.ones(n, n).tril(1).bool()),
            masked(torch.ones(n, n).tril(-1).bool()),
            strict_but_first,
        ],
        "mask turned around": [
            masked(torch.ones(n, n).triu().bool()),
            masked(torch.ones(n, n).triu(1).bool()),
        ],
        "mask after the softmax": lambda s, u: s.softmax(-1).tril() @ u,
        "zero in place of minus infinity": masked(below, 0.0),
        "large number in place of minus infinity": [
            masked(below, -c) for c in (1.0, 5.0, 10.0, 100.0)
        ],
        "values masked": [
            lambda s, u: s.softmax(-1) @ torch.cumsum(u, 2),
            lambda s, u: s.softmax(-1) @ (u * below.any(1)[:, None]),
        ],
        "softmax over the queries": [queries, queries_then_mask,
                                     lambda s, u: s.softmax(-2) @ u],
        "softmax left out": [
            lambda s, u: torch.where(below, s, 0.0) @ u,
            lambda s, u: torch.where(below, s, 0.0) @ u / below.sum(1, keepdim=True),
        ],
        "mean over what is seen": lambda s, u: masked(below)(0 * s, u),
    }  # fmt: skip
    scales: dict[str, Any] = {
        "": m**-0.5,
        "scale left out": 1.0,
        "scale of another width": [d**-0.5, 1 / m, 1 / d, n**-0.5, heads**-0.5, m**0.5],
    }
    orders: dict[str, Any] = {"": ((0, 1, 2), "parts")}
    orders["queries, keys and values in another order"] = [
        (o, "parts") for o in ((1, 0, 2), (0, 2, 1), (2, 1, 0), (1, 2, 0), (2, 0, 1))
    ]
    orders["keys in place of values"] = ((0, 1, 1), "parts")
    orders["rows of w_qkv by heads"] = [((0, 1, 2), "heads"), ((0, 1, 2), "last")]
    orders["heads interleaved"] = ((0, 1, 2), "interleaved")
    orders["axes of heads and positions mixed"] = ((0, 1, 2), "flat")
    ends: dict[str, Any] = {
        "": "right",
        "output matrix left out": "left out",
        "axes of heads and positions mixed": "mixed",
        "heads interleaved": "interleaved",
    }
    turned: dict[str, Any] = {
        "": (w, v, heads),
        "matrix transposed": [
            (w, v.T, heads),
            (w.view(3, d, d).mT.reshape(3 * d, d), v, heads),
            (w.view(3, d, d).mT.reshape(3 * d, d), v.T, heads),
            (w.T.reshape(3 * d, d), v, heads),
        ],
        "one head": (w, v, 1),
    }
    both = [(order, how) for order, how in orders.items()]
    layouts = dict(both)

    def value(way, scale, turn, layout, end):
        w, v, h = turn
        q, k, u = parts(x, w, h, *layout)
        scores = scale * torch.einsum("bhim,bhjm->bhij", q, k)
        return joined(way(scores, u), v, end)

    due = made(x, w, v, heads)
    # Interleaved on both sides.
    q, k, u = parts(x, w, heads, by="interleaved")
    scores = torch.einsum("bhim,bhjm->bhij", q, k) * m**-0.5
    extra = {
        "heads interleaved": joined(seen(scores, u), v, "interleaved"),
        "one head": made(x, w, v, 1),
        "something added": [due + x, due + x.double() / 2],
    }
    q, k, u = parts(x, w, heads, by="flat")
    scores = torch.einsum("bhim,bhjm->bhij", q, k) * m**-0.5
    extra["axes of heads and positions mixed"] = [
        joined(seen(scores, u), v, how) for how in ("right", "mixed")
    ]
    if b > 1:
        flat = x.reshape(1, b * n, d)
        extra["sequences mixed"] = made(flat, w, v, heads).view(b, n, d)
    for name, values in extra.items():
        for y in values if isinstance(values, list) else [values]:
            if far(y, due, 1e-4).any():
                yield name, y
    yield from mistakes(value, ways, scales, turned, layouts, ends)


def strict_but_first(scores, values):
    """Each sees what comes before it, and the first one itself."""
    n = scores.shape[-1]
    mask = torch.ones(n, n).tril(-1).bool()
    mask[0, 0] = True
    return torch.where(mask, scores, -math.inf).softmax(-1) @ values
