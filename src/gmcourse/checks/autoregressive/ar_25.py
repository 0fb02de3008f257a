"""Exercise ar-25: Attention without positions is a bag."""

import math

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes

LOST = "logarithm of the sum subtracted"


@Exercise(
    id="ar-25",
    title="Attention without positions is a bag",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Write attention over bags of different sizes in one padded batch, which knows "
        "no order.",
    ),
    statement=r"""
Without a mask and without positions attention
([Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)) treats a sequence as a bag:
if its positions are permuted, so are the results, and nothing else happens. Bags of
different sizes share a batch if the smaller ones are padded, and padding must leave no
trace.

Write `attention(x, keep, wq, wk, wv)`. `x` is `(b, t, c)`, and `keep`, bool `(b, t)`,
is true at the positions that count and false at the padded ones, which may be any, in
the middle, too. Queries, keys and values are `x @ wq`, `x @ wk` and `x @ wv`, with `wq`
and `wk` `(c, d)` and `wv` `(c, m)`. The score of a query for a key is their product
divided by $\sqrt d$; the softmax of a query's scores over the keys that count, and over
no others, gives the weights with which their values are added up. The result is
`(b, t, m)`, and 0 at padded positions, also where a whole sequence is padded.

What stands in `x` at padded positions may be anything, nan and infinity among it: the
result and all gradients are the same as with zeros there, and the gradient of `x` is 0
at these positions. Gradients flow to `x`, `wq`, `wk` and `wv` and are always finite.
All tensors but `keep` are float32 or all are float64, and so is the result; in float64
it has ten digits wherever the scores can be computed without rounding. There they may
be as large as $10^{13}$, of either sign. All sizes are 1 or more.
""",
    stub='''
def attention(x, keep, wq, wk, wv):
    """(b, t, c), bool (b, t), twice (c, d), (c, m) -> (b, t, m)."""
    return ...
''',
    answers={"attention": callable},
    hints=(
        "A nan times 0 is a nan: clear the padded positions before anything is "
        "multiplied, with `torch.where` or `masked_fill`.",
        "A key whose score is `-inf` has the weight 0, and the others share the whole: "
        "mask the scores, not the weights.",
        "A row in which all scores are `-inf` becomes nan. Which value and which "
        "gradient come out of `masked_fill` after that?",
    ),
    misconceptions={
        "depends on the order": "Permuted positions permute the results: no mask but "
        "keep, and nothing that knows of places.",
        "softmax over the queries": "The weights of one query sum to one over keys.",
        "softmax over the batch": "The weights of one query sum to one over keys.",
        "no softmax": "Weights are a softmax of the scores.",
        "scale left out": "The products are divided by the root of d.",
        "scale of another width": "The root of d, the width of queries and keys.",
        "multiplied by the root of d": "The products are divided by it.",
        "mask of another sequence": "Each sequence has a row of keep.",
        "all keys weighed alike": "The weights are a softmax of the scores.",
        "values left as they are": "What is added up is x @ wv.",
        "queries and keys exchanged": "A query asks for keys: rows are queries.",
        "weights transposed": "Row i of the weights are those of query i.",
        "one matrix in place of another": "Queries, keys and values each have a matrix "
        "of their own.",
        "padded keys counted": "A padded key gets no weight, whoever asks; a score of "
        "0 is no way to that, as exp(0) is 1.",
        "keep turned around": "keep is true where a position counts.",
        "mask after the softmax": "The keys that count share the whole: their weights "
        "sum to one.",
        "finite number in place of minus infinity": "The other scores may be lower "
        "still: only -inf has no weight whatever they are.",
        "exponential without a shift": "exp() overflows, or is 0 everywhere: subtract "
        "the largest of the scores that count, or leave it to softmax.",
        LOST: "Of score - logsumexp only the digits before the point are left where "
        "both are large; of score - largest score none are lost.",
        "root left out": "The products are divided by the root of d, not by d.",
        "one maximum for all rows": "Where one row's scores lie far below another's, "
        "all their exponentials are 0: each row needs its own maximum.",
        "small constant added to the sum": "Something was added below the line, and "
        "the weights no longer sum to one.",
        "padded results not zero": "Padded positions get 0.",
        "nan of a row without keys": "A softmax of nothing but -inf is 0/0.",
        "zero times nan": "What stands at padded positions must not take part: 0 times "
        "nan is nan.",
        "nan in the gradient": "where() after a nan mends the value, but the gradient "
        "comes back through the nan all the same.",
        "sequences mixed": "Each sequence of the batch is one by itself.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def ar_25(t, attention):
    def made(b, n, c, d, m, kind=torch.float32):
        x = t.normal(b, n, c).to(kind)
        return (
            x,
            padding(b, n),
            *(t.away(c, k, low=0.3, high=1.3).to(kind) for k in (d, d, m)),
        )

    def padding(b, n):
        """Some padded and some not, in each sequence that is long enough."""
        order = (t.uniform(b, n, low=0, high=1) + torch.arange(n) / 1e3).argsort(-1)
        return order.argsort(-1) >= (1 if n < 5 else 2) if n > 1 else order == 0

    def due(x, keep, wq, wk, wv):
        """One query after the other, over the keys that count alone."""
        rows = []
        for bag, real in zip(x.double(), keep):
            few = bag[real]
            q, k, v = (few @ w.double() for w in (wq, wk, wv))
            some = [(k @ one / wq.shape[1] ** 0.5).softmax(0) @ v for one in q]
            row = torch.zeros(len(bag), wv.shape[1]).double()
            rows.append(row.index_put((real,), torch.stack(some)) if some else row)
        return torch.stack(rows)

    def rivals(x, keep, wq, wk, wv):
        x, wq, wk, wv = (v.double() for v in (x, wq, wk, wv))
        (_, n, c), d, m = x.shape, wq.shape[1], wv.shape[1]
        key, ask, inf = keep[:, None], keep[..., None], -math.inf
        s, v = (x @ wq) @ (x @ wk).mT * d**-0.5, x @ wv
        for z in (ask, 1):
            yield (
                "padded keys counted",
                [s.softmax(-1) @ v * z, (s * key).softmax(-1) @ v * z],
            )
            yield "mask after the softmax", (s.softmax(-1) * key) @ v * z
        x = x * ask
        matrices = {
            "": (wq, wk, wv),
            "queries and keys exchanged": (wk, wq, wv),
            "one matrix in place of another": [(wq, wq, wv), (wk, wk, wv)],
        }
        if d == m:
            matrices["one matrix in place of another"] += [(wq, wk, wk), (wq, wk, wq)]
        scales = {
            "": d**-0.5,
            "scale left out": 1.0,
            "root left out": 1 / d,
            "scale of another width": [c**-0.5, m**-0.5, n**-0.5],
            "multiplied by the root of d": d**0.5,
        }
        finite = [lambda s, v=v: s.masked_fill(~key, v) for v in (-10, -100, -1000)]
        masks = {
            "": lambda s: s.masked_fill(~key, inf),
            "keep turned around": lambda s: s.masked_fill(key, inf),
            "padded keys counted": lambda s: s,
            "mask of another sequence": [
                lambda s, k=k: s.masked_fill(~k, inf) for k in (key[:1], key.roll(1, 0))
            ],
            "finite number in place of minus infinity": finite,
        }
        sums = {
            "": lambda s: s.softmax(-1),
            "softmax over the queries": [
                lambda s, z=z: s.masked_fill(z, inf).softmax(-2).nan_to_num()
                for z in (key & False, ~ask)
            ],
            "softmax over the batch": lambda s: s.softmax(0).nan_to_num(),
            "no softmax": lambda s: s.nan_to_num(neginf=0.0),
            "all keys weighed alike": lambda s: (0 * s).nan_to_num(nan=inf).softmax(-1),
        }
        turns = {"": lambda w: w, "weights transposed": lambda w: w.mT}
        mixed = {"": lambda v: v, "sequences mixed": lambda v: v.roll(1, 0)}
        ends = {"": ask, "padded results not zero": 1.0}

        def value(ws, scale, mask, soft, turn, mix, end):
            q, k, v = (x @ w for w in ws)
            weight = soft(mask(q @ mix(k).mT * scale))
            return turn(weight) @ mix(v) * end

        yield from mistakes(value, matrices, scales, masks, sums, turns, mixed, ends)

    def called(args):
        out = t.call(attention, *args)
        shape = *args[0].shape[:2], args[4].shape[1]
        ideas = {"values left as they are": tuple(args[0].shape)}
        t.shape(out, shape, "a value for each position.", ideas=ideas)
        t.dtype(out, args[0].dtype, "that of x.")
        return t.tensor(out)

    def judged(name, args, tol=1e-5, told=None):
        t.property(name)
        out = called(args)
        told = told(out.detach()) if told else None
        ideas = None if told else rivals(*args)
        t.close(out, due(*args), "Over the keys that count.", told, ideas, tol)

    def empty(out):
        return "nan of a row without keys" if out.isnan().any() else None

    args = made(3, 5, 4, 3, 2)
    t.property("permuted positions permute the results")
    x, keep, *w = args
    order = torch.arange(5).roll(t.integer(1, 4)).flip(0)
    out, again = called(args), called((x[:, order], keep[:, order], *w))
    if out.isfinite().all() and again.isfinite().all():
        told = "In the permuted order.", "depends on the order"
        t.close(again, out[:, order].detach(), *told, tol=1e-4)
    judged("some padded", args)
    judged("nothing padded", (x, torch.ones(3, 5) > 0, *w))
    for sizes in ((2, 6, 3, 3, 3), (1, 2, 1, 1, 1), (4, 1, 2, 5, 3), (2, 9, 5, 16, 1)):
        judged("other sizes", made(*sizes))
    x, keep, *w = made(3, 4, 4, 3, 2)
    keep[1] = False
    judged("a whole sequence padded", (x, keep, *w), told=empty)
    for odd in (math.nan, math.inf, -1e30):
        filled = torch.where(keep[..., None], x, odd)
        t.property("anything at padded positions")
        out, right = called((filled, keep, *w)), due(x * keep[..., None], keep, *w)
        told = None if out.isfinite().all() else "zero times nan"
        ideas = None if told else rivals(x * keep[..., None], keep, *w)
        t.close(out, right, "As with zeros there.", told, ideas)

    def single(out):
        right = due(*args)
        share = (out / right)[args[1]]
        if far(share, share[:, :1].expand_as(share), 1e-12).any():
            off = (out - right).abs().max()
            return "float32 in between" if 1e-8 < off < 1e-4 else None
        less = share.min() > 0.99 and share.max() <= 1
        return "small constant added to the sum" if less else None

    args = made(3, 5, 4, 3, 2, torch.float64)
    judged("float64", args, 1e-10, single)

    t.property("scores of any size")
    for sign in (1, -1):
        x = t.integers(2, 5, 3, low=90_000, high=110_000).double()
        wq, wk = (t.integers(3, 4, low=1, high=3).double() for _ in "12")
        args = x, padding(2, 5), wq, sign * wk, t.normal(3, 2).double()
        out, right, known = called(args), due(*args), None
        lost = far(out, right, 1e-10).any(-1)
        none = (out.nan_to_num() == 0).all(-1) & args[1]
        if (lost == none).all() and none.any() and not none[args[1]].all():
            known = "one maximum for all rows"
        elif not out.isfinite().all():
            known = "exponential without a shift"
        elif sign < 0 and (out - right).abs().max() > right.abs().max() / 100:
            known = "finite number in place of minus infinity"
        t.close(out, right, "Over the keys that count.", known, tol=1e-10)

    t.property("large scores that differ by little")
    for sign in (1, -1):  # 2**33 and a few units, without rounding
        small = t.integers(2, 5, 1, low=-300, high=300).double() / 128
        wq, wk = torch.zeros(2, 16).double(), torch.zeros(2, 16).double()
        wq[0, 0], wk[0, 0], wk[1, 0] = sign, 2.0**3, 2.0**-14
        x = torch.cat([2.0**16 + 0 * small, small], -1)
        wv = torch.cat([torch.zeros(1, 3), t.away(1, 3, low=0.5, high=2)]).double()
        args = x, padding(2, 5), wq, wk, wv
        keys = ((x @ wq) @ (x @ wk).mT / 4).masked_fill(~args[1][:, None], -math.inf)
        rough = (keys - keys.logsumexp(-1, True)).exp() @ (x @ wv) * args[1][..., None]
        why = "Weights to ten digits."
        t.close(called(args), due(*args), why, ideas={LOST: rough}, tol=1e-10)

    def slopes(name, args, known):
        """``args`` against the same with zeros in their places."""
        t.property(name)
        x, keep, *w = args
        leaves = [v.clone().requires_grad_() for v in (x, *w)]
        clean = torch.where(keep[..., None], leaves[0], 0)
        out, right = (
            called((leaves[0], keep, *leaves[1:])),
            due(clean, keep, *leaves[1:]),
        )
        share = t.uniform(*right.shape, low=0.5, high=2)
        got = [t.grad(out, v, share) for v in leaves]
        slope = [t.grad(right, v, share.double()) for v in leaves]
        if all(v.isfinite().all() for v in got):
            cut = any(not v.any() and w.any() for v, w in zip(got, slope))
            known = "cut off from the graph" if cut else None
        for v, w in zip(got, slope):
            t.close(v, w, "The derivative of the same sum.", known, tol=1e-4)

    args = made(3, 5, 4, 3, 2)
    slopes("gradients", args, "nan in the gradient")
    args[1][1] = False
    slopes("gradients, with a sequence padded", args, "nan in the gradient")
    x = torch.where(args[1][..., None], args[0], math.nan)
    slopes("gradients, with nan at padded positions", (x, *args[1:]), "zero times nan")
