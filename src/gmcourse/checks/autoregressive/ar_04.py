"""Exercise ar-04: One sum, grown."""

import contextlib
import itertools
import math

import torch
from torch.nn import functional as F

from .._comparisons import far, first
from .._exercise import Exercise, Stop


@Exercise(
    id="ar-04",
    title="One sum, grown",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Compute all conditionals of a neural autoregressive estimator at the cost of "
        "one, by a sum that grows.",
    ),
    statement=r"""
The neural autoregressive distribution estimator
([Larochelle and Murray, 2011](https://proceedings.mlr.press/v15/larochelle11a.html))
has one hidden layer, whose weights all conditionals of the values $x_i \in \{0, 1\}$
share. With $\sigma$ the logistic sigmoid,

$$
h_i = \sigma\Bigl(c + \sum_{j < i} x_j\, W_{:, j}\Bigr), \qquad
p(x_i = 1 \mid x_1, \dots, x_{i-1}) = \sigma\bigl(b_i + V_{i, :} \cdot h_i\bigr) .
$$

The sum for $i + 1$ is that for $i$ and one more term, so that an example costs as many
multiplications as $W$ and $V$ have entries, and not $d$ times as many.

Write `nade(x, W, c, V, b)`, which gives $\log p(x_1, \dots, x_d)$ in nats for each of
$n$ examples. The shapes are: `x` $(n, d)$, `W` $(k, d)$, `c` $(k,)$, `V` $(d, k)$,
`b` $(d,)$; the result has the shape $(n,)$. All five are in float32 or all in float64,
and so is the result; `x` holds 0 and 1 as numbers of that type.

Logits $b_i + V_{i, :} \cdot h_i$ of a size up to 1,000 are tried, and their
log-probabilities are right there. The gradients by `W`, `c`, `V` and `b` are those of
the formula, and finite. An example of $d = 2000$ values with $k = 50$ hidden units,
four of them at once, takes no more than some seconds, with its gradient.
""",
    stub='''
def nade(x, W, c, V, b):
    """(n, d), (k, d), (k,), (d, k), (d,) -> (n,): log p of each example."""
    return ...
''',
    answers={"nade": callable},
    hints=(
        "A loop over the values: keep the argument of the first sigmoid, of the shape "
        "$(n, k)$, from one to the next.",
        "The order of the two steps matters: first the conditional of $x_i$, then the "
        "term of $x_i$ is added. The hidden layer of the first value is "
        r"$\sigma(c)$.",
        r"With the logit $a$ the log-probability is $\log \sigma(a)$ for a 1 and "
        r"$\log \sigma(-a)$ for a 0: `F.logsigmoid` of a signed logit, or minus "
        "`F.binary_cross_entropy_with_logits`, keeps its digits where a sigmoid is 0 "
        "or 1.",
    ),
    misconceptions={
        "a value sees itself": "The hidden layer of x_i holds the terms of those "
        "before it: its own comes after.",
        "the value right before not seen": "The sum for x_i goes up to x_{i-1}.",
        "all other values seen": "A conditional knows what comes before, and nothing "
        "of what comes after.",
        "previous value alone": "The sum for x_i holds the terms of all before it.",
        "examples mixed": "Each example has a sum of its own.",
        "rows and columns of a weight exchanged": "Column j of W belongs to x_j, and "
        "row i of V.",
        "d and k confused": "There are d values and k hidden units.",
        "input weights of another value": "x_j is multiplied by column j of W.",
        "order turned around": "The first value is the one that has no past.",
        "sum taken after the sigmoid": "The terms are added inside the sigmoid.",
        "sigmoid carried along": "The sum grows, not its sigmoid: that is taken anew "
        "for each value.",
        "hidden layer without its sigmoid": "The hidden layer is sigma of the sum.",
        "another function of the hidden layer": "It is the logistic sigmoid.",
        "hidden bias left out": "c is in the sum from the beginning.",
        "hidden bias added after the sigmoid": "c belongs to the sum.",
        "hidden bias added at each step": "c is in the sum once.",
        "output bias left out": "Each logit has its b_i.",
        "output weights of another value": "Logit i has row i of V, and b_i.",
        "zeros not counted": "A 0 has a probability, too: 1 - p.",
        "0 and 1 exchanged": "The sigmoid is the probability of a 1.",
        "probability of a 1 in place of that of the value": "What is due is the "
        "probability of the value that is there.",
        "values taken as -1 and 1": "A 0 adds nothing to the sum.",
        "a sum that is not the past's": "Where the values before x_i are 0 alone, the "
        "hidden layer is that of the beginning.",
        "a tensor of the graph changed in place": "An operation whose name ends in _, "
        "or +=, has overwritten what the gradient needs.",
        "a size of one not met": "n, d and k may each be 1.",
        "early values forgotten": "The sum for x_i goes back to the first value, "
        "however long ago that was.",
        "nan in the gradient": "The value is right. In torch.where the branch that is "
        "not taken has a gradient, too, and 0 times infinity is nan.",
        "fails with many values": "2,000 values are to be no trouble.",
        "float32 in between": "What comes back as float64 has the digits of float32: "
        "look for a cast on the way.",
    },
)
def ar_04(t, nade):
    n, d, k = 3, 6, 4

    def weights(d, k, size=1.0):
        w = size * t.away(k, d, low=0.4, high=1.6), t.away(k, low=0.3, high=1.2)
        return *w, size * t.away(d, k, low=0.4, high=1.6), t.away(d, low=0.3, high=1.2)

    def bits(n, d):
        """Binary; no two examples are alike, and none begins or ends with zeros."""
        x = t.integers(n, d, low=0, high=1).float()
        x[0, 0], x[-1, -2:] = 1, 1
        return x

    def logits(x, W, c, V, b, see=None, act=torch.sigmoid):
        """By a matrix of who sees whom, in float64; (n, d)."""
        x, W, c, V, b = (v.double() for v in (x, W, c, V, b))
        m = x.shape[1]
        see = torch.ones(m, m).tril(-1) if see is None else see
        past = x[:, None] * see.double()
        return torch.einsum("nik,ik->ni", act(past @ W.T + c), V) + b

    def entries(a, x):
        """log p of each value, of its logit."""
        s = 2 * x.double() - 1
        return F.logsigmoid(s * a)

    def each(x, W, c, V, b, **how):
        return entries(logits(x, W, c, V, b, **how), x)

    def seen(offset=-1, turned=False):
        def idea(x, *w):
            m = torch.ones(d, d).tril(offset)
            return each(x, *w, see=m.T if turned else m)

        return idea

    def all_others(x, *w):
        return each(x, *w, see=1 - torch.eye(d))

    def everything(x, *w):
        return each(x, *w, see=torch.ones(d, d))

    def after(x, W, c, V, b, act=torch.sigmoid, start=None):
        """Sums of sigmoids."""
        x, W, c, V, b = (v.double() for v in (x, W, c, V, b))
        terms = act(x[:, :, None] * W.T)  # (n, d, k)
        past = terms.cumsum(1) - terms
        return entries((((past + c) * V).sum(-1)) + b, x)

    def after_with_bias(x, W, c, V, b):
        x, W, c, V, b = (v.double() for v in (x, W, c, V, b))
        terms = (x[:, :, None] * W.T + c).sigmoid()
        first = c.sigmoid().expand_as(terms[:, :1])
        return entries(((first + terms.cumsum(1) - terms) * V).sum(-1) + b, x)

    def biased(x, W, c, V, b, extra=0):
        x, W, c, V, b = (v.double() for v in (x, W, c, V, b))
        steps = torch.arange(d)[:, None] + extra
        see = torch.ones(d, d).double().tril(-1)
        inner = (x[:, None] * see) @ W.T + c * steps
        return entries((inner.sigmoid() * V).sum(-1) + b, x)

    def shifted(x, W, c, V, b):
        moved = [[V.roll(s, 0), b.roll(r)] for s in (0, 1, -1) for r in (0, 1, -1)]
        moved += [[V[:1].expand(d, k), b], [V, b[:1]], [V[:1].expand(d, k), b[:1]]]
        return [each(x, W, c, *v) for v in moved[1:]]

    def turned(x, W, c, V, b):
        """Rows for columns: of a square the transpose, else by a reshape."""
        ways = [[w, w.reshape(w.shape[::-1]).T] for w in (W, V)]
        return [each(x, w, c, v, b).sum(1) for w in ways[0] for v in ways[1]][1:]

    def carried(x, W, c, V, b):
        h, found = c.double().expand(len(x), -1), []
        for term, row, bias in zip((x[:, :, None] * W.T).unbind(1), V.double(), b):
            h = h.sigmoid()
            found.append(h @ row + bias)
            h = h + term
        return entries(torch.stack(found, 1), x)

    def mixed(x, *w):
        ways = x[:1].expand_as(x), x.mean(0).expand_as(x), x.sum(0).expand_as(x)
        return [entries(logits(v, *w), x).sum(1) for v in ways]

    def value(f):
        """The sum of what depends on the logit and on x."""
        return lambda x, *w: f(logits(x, *w), x.double())

    def centered(x, W, c, V, b):
        y = 2 * x - 1
        return entries(logits(y, W, c, V, b), x)

    def odds(x, W, c, V, b):
        return entries(logits(1 - x, W, c, V, b), x)

    ideas = {
        "a value sees itself": seen(0),
        "the value right before not seen": seen(-2),
        "all other values seen": [all_others, everything],
        "order turned around": [seen(-1, True), seen(0, True)],
        "previous value alone": lambda *v: each(
            *v, see=torch.ones(d, d).tril(-1).triu(-1)
        ),
        "sigmoid carried along": carried,
        "hidden bias added after the sigmoid": lambda x, W, c, V, b: each(
            x, W, 0 * c, V, b, act=lambda s: s.sigmoid() + c
        ),
        "sigmoid applied twice": value(lambda a, x: entries(a.sigmoid(), x)),
        "sum taken after the sigmoid": [
            *(after, after_with_bias),
            lambda *v: after(*v, act=lambda s: s.sigmoid() - 0.5),
        ],
        "hidden layer without its sigmoid": lambda *v: each(*v, act=lambda s: s),
        "another function of the hidden layer": [
            lambda *v, f=f: each(*v, act=f)
            for f in (
                *(torch.tanh, torch.relu, torch.exp, F.logsigmoid, F.softplus, F.silu),
                *(lambda s: s.sigmoid() ** 2, lambda s: s.softmax(-1)),
            )
        ],
        "hidden bias left out": lambda x, W, c, V, b: each(x, W, 0 * c, V, b),
        "hidden bias added at each step": [
            *(biased, lambda *v: biased(*v, extra=1)),
        ],
        "output bias left out": lambda x, W, c, V, b: each(x, W, c, V, 0 * b),
        "zeros not counted": value(lambda a, x: x * entries(a, 0 * x + 1)),
        "0 and 1 exchanged": value(lambda a, x: entries(a, 1 - x)),
        "probability of a 1 in place of that of the value": [
            value(lambda a, x: entries(a, 0 * x + 1)),
            value(lambda a, x: entries(a, 0 * x)),
        ],
        "values taken as -1 and 1": centered,
        "a sum that is not the past's": odds,
    }

    def rivals(args):
        """As `ideas`, and what is no sum of entries."""
        yield from ideas.items()
        yield "output weights of another value", [v.sum(1) for v in shifted(*args)]
        x, W, *rest = args
        rolled = [each(x, W.roll(s, 1), *rest).sum(1) for s in (1, -1)]
        yield "input weights of another value", rolled
        yield "examples mixed", mixed(*args)
        yield "rows and columns of a weight exchanged", turned(*args)
        yield "d and k confused", each(*args)[:, :k].sum(1)
        total = each(*args).sum(1)
        yield "density in place of its logarithm", total.exp()
        yield "logarithm to base 10", total / math.log(10)

    def judged(args, why, name=None, tol=1e-5, edge=None):
        out = t.edge(edge, nade, *args) if edge else t.call(nade, *args)
        lost = {"batch axis lost": ()}
        t.shape(out, args[0].shape[:1], "one number for each example.", ideas=lost)
        t.dtype(out, args[0].dtype, "that of the arguments.")
        t.close(out, each(*args).sum(1), why, name, earlier(args), tol)
        kept.append([v.detach() for v in args])
        return out

    def begun(args):
        """The first call. An error may come of sizes that are taken for each other."""
        try:
            return t.steady(nade, *args)
        except Stop as stop:
            if stop.outcome != "error":
                raise
            error, shown, square = stop, t.shown, (bits(3, 5), *weights(5, 5))
        found, name = {"rows and columns of a weight exchanged": turned(*square)}, None
        found["d and k confused"] = [each(*square).sum(1)]
        with contextlib.suppress(Stop, TypeError):
            out = t.tensor(t.call(nade, *square)).detach().double()
            name = first(found, lambda v: not far(out, v, 1e-4).any())
        t.shown = shown
        t.true(not name, "A result where d and k differ.", error.lines["got"], name)
        raise error

    def earlier(args):
        """All or some of the arguments are those of an earlier call."""
        yield "underflow to zero", -math.inf
        m = args[0].shape[1]
        for k in (16, 32, 50, 64, 100, 128, 200, 256) if m >= 400 else ():
            few = torch.ones(m, m).tril(-1).triu(-k)
            yield "early values forgotten", each(*args, see=few).sum(1)
        for old in kept:
            if [v.shape for v in old] == [v.shape for v in args]:
                for which in itertools.product((0, 1), repeat=5):
                    some = [b if w else a for a, b, w in zip(args, old, which)]
                    if any(which):
                        yield "result of an earlier call", each(*some).sum(1)

    def slope(out, v, *weight):
        """A gradient, where the value was right."""
        try:
            return t.grad(out, v, *weight)
        except RuntimeError as error:
            if "inplace" not in str(error):
                raise
            name, got = "a tensor of the graph changed in place", str(error)[:200]
            t.fail(name, why="The derivative of the same sum.", got=got)

    kept: list = []
    args = bits(n, d), *weights(d, k)
    why = "The sum of the logarithms of all conditionals."
    what = "the sum of the conditionals' logarithms"
    begun(args)
    t.rowwise(what, nade, args, each, why, rivals(args), grads=False)
    kept.append(args)

    t.property("the gradients by all weights")
    args = bits(n, d), *(v.requires_grad_() for v in weights(d, k))
    out = judged(args, why)
    share = t.uniform(n, low=0.5, high=2)
    for v in args[1:]:
        due = t.grad(each(*args).sum(1), v, share.double())
        told = "The derivative of the same sum.", "cut off from the graph"
        t.close(slope(out, v, share), due, *told, tol=1e-4)

    t.property("other examples and weights of the same shapes")
    judged((bits(n, d), *weights(d, k)), why)
    x, W, c, V, b = kept[-1]
    judged((x, *weights(d, k)), why)
    judged((bits(n, d), W, c, V, b), why)

    t.property("examples of zeros and of ones; one value, one hidden unit")
    for x in (torch.zeros(2, 5), torch.ones(2, 5)):
        judged((x, *weights(5, 3)), why)
    small = "a size of one not met"
    for m, p, q in ((1, 1, 1), (4, 1, 3), (1, 5, 1), (5, 2, 1), (2, 3, 7), (7, 7, 7)):
        w = weights(p, q)
        edge = small if 1 in (m, p, q) else None
        judged((t.integers(m, p, low=0, high=1).float(), *w), why, edge=edge)

    t.property("400 values")
    judged((bits(2, 400), *weights(400, 3)), why)

    t.property("logits far from 0")
    for size in (20.0, 100.0, 900.0):
        W, c, V, b = weights(d, k)
        V = V / k
        b = size * (2 * t.integers(d, low=0, high=1) - 1) + b
        args = bits(n, d), *(v.requires_grad_() for v in (W, c, V, b))
        out = t.call(nade, *args)
        due, name = each(*args).sum(1), "logarithm of a saturated sigmoid"
        t.close(out, due, "log σ(a) is about a where a is far below 0.", name)
        for v in args[1:]:
            got = slope(out, v)
            assert got is not None
            name = "nan in the gradient" if got.isnan().any() else name
            t.close(got, t.grad(due, v), "Its derivative.", name, tol=1e-4)
    t.property("sums far from 0 in the hidden layer")
    args = bits(n, d), *(v.requires_grad_() for v in weights(d, k, size=40.0))
    out, due = t.call(nade, *args), each(*args).sum(1)
    t.finite(out, "The sigmoids are 0 or 1 there.")
    t.close(out, due, why)
    for v in args[1:]:
        t.finite(slope(out, v), "Derivatives are small there, and finite.")

    t.property("ten digits in float64")
    args = tuple(v.double() for v in (bits(n, d), *weights(d, k)))
    out, due = t.edge("float32 in between", nade, *args), each(*args).sum(1)
    t.dtype(out, torch.float64, "that of the arguments.")
    near = not far(t.tensor(out).detach().double(), due, 1e-5).any()
    name = "float32 in between" if near else None
    t.close(out, due, why, name, tol=1e-10)

    t.property("2,000 values, 50 hidden units, four examples")
    x = bits(4, 2000)
    W, c, V, b = (0.1 * v for v in weights(2000, 50))
    args = x, W.requires_grad_(), c, V, b
    out = t.edge("fails with many values", nade, *args)
    sums = (x[..., None] * W.T).double().cumsum(1)[:, :-1]
    sums = torch.cat([torch.zeros_like(sums[:, :1]), sums], 1)
    due = entries(torch.einsum("nik,ik->ni", (sums + c).sigmoid(), V.double()) + b, x)
    due = due.sum(1)
    t.close(out, due, why, tol=1e-4)
    got, exact = slope(out, W), t.grad(due, W)
    size = exact.abs().max()
    t.close(got / size, exact / size, "The derivative of the same sum.", tol=1e-3)
