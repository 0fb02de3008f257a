"""Exercise ar-13: The gradient of a page of logistic regressions."""

import itertools
import math
from functools import partial
from typing import Any

import torch
from torch.nn import functional as F

from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="ar-13",
    title="The gradient of a page of logistic regressions",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Derive the gradient of a likelihood by hand, and read off from it what the "
        "first step of training learns.",
    ),
    statement=r"""
The fully visible network has one logistic regression for each value of
$x \in \{0, 1\}^d$: the logit of $x_i = 1$ given the values before it is
$l_i = b_i + \sum_{j<i} W_{ij} x_j$. For a batch of $n$ examples let

$$
L = \sum_{r=1}^n \log p(x^{(r)})
$$

in nats, a sum over the batch.

Write `gradient(W, b, x)`: it returns the pair $(\partial L / \partial W,\;
\partial L / \partial b)$, of shape `(d, d)` and `(d,)`, computed by formulas: nothing
in it calls automatic differentiation. `W` is `(d, d)`, `b` `(d,)`, `x` `(n, d)` zeros
and ones, all float32 or all float64 as the results, which carry no graph. What `W`
holds on and above the diagonal does not count, and the gradient is 0 there. Logits may
be of any size, and $n$ and $d$ may be 1.

Then two numbers, to four significant digits. Eight images of three pixels are

`1 1 1` · `1 0 1` · `1 1 0` · `0 1 1` · `0 1 0` · `0 1 0` · `0 0 0` · `0 1 1`

With $W = 0$ and each $b_i$ at the logit of the mean of pixel $i$ over the eight,
what is $\partial L / \partial W_{20}$ (of the weight from pixel 0 to pixel 2,
counted from 0)? Call it `first`. Now $W_{20}$ and $b_2$ are chosen together so that
$L$ is largest, while $W_{10} = W_{21} = 0$ stay as they are: which $W_{20}$ is it?
Call it `best`.
""",
    stub='''
def gradient(W, b, x):
    """(d, d), (d,), (n, d) -> (d, d), (d,)."""
    return ..., ...


first = ...
best = ...
''',
    answers={"gradient": callable, "first": float, "best": float},
    hints=(
        r"One logistic regression first: $\log p = x l - \log(1 + e^l)$. Its "
        "derivative by $l$ is a difference of two numbers between 0 and 1.",
        r"$\partial l_i / \partial W_{ij} = x_j$ for $j < i$. The sum over the batch "
        "is a product of two matrices.",
        "For `best`: with one input that is 0 or 1 a logistic regression can give "
        "both groups their own share. Then the logit is $b_2$ in one group and "
        r"$b_2 + W_{20}$ in the other.",
    ),
    misconceptions={
        "upper triangle left in": "Later values are no inputs: their weights have the "
        "gradient 0.",
        "diagonal left in": "A value is no input of its own logit: the diagonal is 0.",
        "weights above the diagonal used": "The logits use what is below the diagonal "
        "of W alone.",
        "transposed": "W[i, j] leads from value j to value i: rows are outputs.",
        "lower triangle left out": "The weights that count are those below the "
        "diagonal.",
        "gradient of the loss": "L is the log-likelihood, which is to be increased: "
        "its derivative by a logit is x - p.",
        "mean in place of the sum": "L is a sum over the batch.",
        "value and its mean exchanged": "The error x - p belongs to the output i, the "
        "value x itself to the input j.",
        "prediction in place of the input": "The derivative of the logit by W[i, j] "
        "is the value x[j], not the prediction of it.",
        "prediction left out": "By a logit the derivative is x minus the probability.",
        "derivative of the squared error": "The factor p(1 - p) belongs to a squared "
        "error; the log-likelihood has none.",
        "logit in place of the probability": "The prediction is the sigmoid of the "
        "logit.",
        "bias left out of the logits": "The bias belongs to the logit.",
        "two results exchanged": "The pair is that by W, then that by b.",
        "no pair": "Two tensors are due.",
        "automatic differentiation used": "The formulas are asked for: nothing in them "
        "needs a graph.",
        "a size of one not met": "An example may be the only one, and a value as well.",
        "a graph is left": "The result is a number, not a node: nothing in it asks "
        "for automatic differentiation.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "covariance with n - 1": "The sum over the eight images is due: 8 times the "
        "mean of the products of deviations.",
        "means not subtracted": "The error is x minus its mean: what is left is a "
        "covariance, not a mean of products.",
        "another weight": "W[2, 0] leads from pixel 0 to pixel 2.",
        "odds in place of their logarithm": "A weight is a difference of logits, which "
        "are logarithms of odds.",
        "bias in place of the weight": "The weight is the difference between the "
        "logits of the two groups.",
        "bias held fixed": "b_2 is chosen together with the weight.",
        "shares in place of their logits": "The logit gives a group its share: a "
        "difference of shares is no difference of logits.",
        "gradient in place of the optimum": "This is the slope where training starts; "
        "the weight at which it has become 0 is due.",
    },
)
def ar_13(t, gradient, first, best):
    kept: list = []

    def earlier(which, *args):
        """All or some of the arguments are those of an earlier call."""
        for old in kept:
            if [v.shape for v in old] == [v.shape for v in args]:
                for use in itertools.product((0, 1), repeat=3):
                    some = [a if u else b for a, b, u in zip(old, args, use)]
                    if any(use):
                        yield "result of an earlier call", exact(*some)[which]

    def pair(W, b, x, edge=None):
        saved: list[bool] = []  # of a graph, where there is one
        graph = torch.autograd.graph.saved_tensors_hooks
        with graph(lambda v: (saved.append(True), v)[1], lambda v: v):
            run = partial(t.edge, edge) if edge else t.call
            made = run(gradient, W, b, x)
        given = W.requires_grad or b.requires_grad
        why, got = "Formulas alone.", "A graph was recorded on the way."
        t.true(given or not saved, why, got, "automatic differentiation used")
        good = isinstance(made, tuple | list) and len(made) == 2
        got = f"an object of type {type(made).__name__}"
        t.true(good, "A pair, by W and by b.", got, "no pair")
        d = len(b)
        ideas = {"two results exchanged": (d,)}
        t.shape(made[0], (d, d), "that of W.", ideas=ideas)
        t.shape(made[1], (d,), "that of b.")
        for part in made:
            t.dtype(part, W.dtype, "that of W.")
            graph = t.tensor(part).requires_grad
            t.true(not graph, "No graph.", "requires_grad is true", "a graph is left")
            t.finite(part, "Finite for finite logits.")
        return made

    def exact(W, b, x):
        """By automatic differentiation, in float64."""
        W, b = (v.detach().double().requires_grad_() for v in (W, b))
        d, x = len(b), x.double()
        before = torch.arange(d) < torch.arange(d)[:, None]
        odds = (b + torch.einsum("ij,nj->ni", W * before, x)) * (2 * x - 1)
        return torch.autograd.grad(F.logsigmoid(odds).sum(), (W, b))

    def held(name, W, b, x, tol=1e-5, told=None, edge=None):
        made, due = pair(W, b, x, edge or told), exact(W, b, x)
        t.property(f"{name}: by b", of=made[1])
        ideas = wrong_parts(W, b, x, False) if told is None else ()
        ideas = itertools.chain(earlier(1, W, b, x), ideas)
        t.close(made[1], due[1], "The derivative by the bias.", told, ideas, tol)
        t.property(f"{name}: by W", of=made[0])
        ideas = wrong_parts(W, b, x, True) if told is None else ()
        ideas = itertools.chain(earlier(0, W, b, x), ideas)
        t.close(made[0], due[0], "The derivative by the weight.", told, ideas, tol)
        kept.append((W, b, x))

    def draw(n, d, kind=torch.float32):
        """Also above the diagonal there is something."""
        W, b = t.away(d, d, low=0.3, high=1.5), t.away(d, low=0.2, high=1.0)
        x = t.integers(n, d, low=0, high=1)
        return W.to(kind), b.to(kind), x.to(kind)

    args = draw(7, 5)
    pair(*args)
    t.steady(gradient, *args)
    held("any weights", *args)
    for use in (1, 1, 1), (1, 1, 0), (0, 0, 1):
        other = [b if u else a for a, b, u in zip(args, draw(7, 5), use)]
        held("others of the same sizes", *other)
    W, b, x = draw(30, 4)
    held("more examples", W, b, x)
    mean = x.mean(0).clamp(0.1, 0.9)
    held("no weights yet", 0 * W, mean.logit(), x)
    one = "a size of one not met"
    held("one example", *draw(1, 6), edge=one)
    held("one value", *draw(4, 1), edge=one)
    held("a single number", *draw(1, 1), edge=one)
    W, b, x = draw(6, 40)
    held("logits in the hundreds", 60 * W, b, x, 1e-4)
    W, b, x = draw(5, 4)
    graph = W.clone().requires_grad_(), b.clone().requires_grad_(), x
    held("weights that require a gradient", *graph)
    W, b, x = draw(9, 6, torch.float64)
    held("float64", W / 3, b / 3, x, 1e-10, "float32 in between")

    rows = (7, 5, 6, 3, 2, 2, 0, 3)
    x = torch.tensor([[v // 4, v // 2 % 2, v % 2] for v in rows]).double()
    g = exact(torch.zeros(3, 3), x.mean(0).logit(), x)[0]
    product, cov = x.T @ x, torch.cov(x.T, correction=0)

    def fitted(i, j, intercept=True):
        """Weight and bias by Newton's method."""
        inputs = torch.stack([x[:, j], torch.full((8,), float(intercept))], 1)
        at = torch.zeros(2).double()
        for _ in range(50):
            p = (inputs @ at.double()).sigmoid()
            bend = inputs.T @ (inputs * (p * (1 - p))[:, None]) + 1e-12 * torch.eye(2)
            at = at + torch.linalg.solve(bend, inputs.T @ (x[:, i] - p))
        return at.tolist()

    slope, (weight, bias) = float(g[2, 0]), fitted(2, 0)
    ideas: dict[str, Any] = {
        "mean in place of the sum": slope / 8,
        "means not subtracted": [product[2, 0], product[2, 0] / 8],
        "covariance with n - 1": [slope / 7, slope * 8 / 7],
        "another weight": [g[1, 0], g[2, 1]],
    }
    why = "By automatic differentiation of L at the start."
    t.number("the gradient at the start", first, slope, why, ideas)
    line = cov[2, 0] / cov[0, 0]
    ideas = {
        "another weight": [fitted(1, 0)[0], fitted(2, 1)[0]],
        "odds in place of their logarithm": [math.exp(weight), math.exp(bias)],
        "bias in place of the weight": bias,
        "bias held fixed": fitted(2, 0, False)[0],
        "shares in place of their logits": [line, 4 * line],
        "gradient in place of the optimum": [slope, slope / 8],
    }
    why = "By Newton's method, on b_2 and W_20."
    t.number("the best weight", best, weight, why, ideas, unit="nats")


def wrong_parts(W, b, x, by_weight):
    """What one or two wrong parts give."""
    W, b, x = (v.detach().double() for v in (W, b, x))
    n, d = x.shape
    low = torch.ones(d, d).tril(-1).bool()
    seen = {
        "": W * low,
        "weights above the diagonal used": [W, W.tril(), W.triu(1)],
        "transposed": (W * low).T,
        "bias left out of the logits": W * low,
    }
    errors: dict[str, Any] = {
        "": lambda u: x - u.sigmoid(),
        "gradient of the loss": lambda u: u.sigmoid() - x,
        "logit in place of the probability": lambda u: x - u,
        "prediction left out": [lambda u: x, lambda u: 0 * x + 1],
        "derivative of the squared error": [
            lambda u, c=c: c * (x - u.sigmoid()) * u.sigmoid() * (1 - u.sigmoid())
            for c in (1, 2)
        ],
    }
    ends: dict[str, Any] = {
        "": 1.0,
        "mean in place of the sum": [1 / n, 1 / (n * d)],
        "off by a factor of two": [2.0, 0.5],
        "bits in place of nats": 1 / math.log(2),
    }

    def logits(w, name):
        return x @ w.T + (0 if name else b)

    choices = {
        name: [logits(w, name == "bias left out of the logits") for w in
               (v if isinstance(v, list) else [v])]
        for name, v in seen.items()
    }  # fmt: skip
    choices[""] = choices[""][0]
    if not by_weight:
        yield from mistakes(lambda u, e, c: c * e(u).sum(0), choices, errors, ends)
        return

    def product(u, e, c, form, kept):
        return c * kept(form(e(u), u))

    forms: dict[str, Any] = {
        "": lambda e, u: e.T @ x,
        "value and its mean exchanged": [
            lambda e, u: x.T @ e,
            lambda e, u: x.T @ u.sigmoid(),
        ],
        "prediction in place of the input": [
            lambda e, u: e.T @ u.sigmoid(),
            lambda e, u: e.T @ e,
        ],
    }
    kept: dict[str, Any] = {
        "": lambda g: g * low,
        "upper triangle left in": lambda g: g,
        "diagonal left in": lambda g: g.tril(),
        "transposed": lambda g: (g * low).T,
        "lower triangle left out": [lambda g: g.triu(1), lambda g: g * 0],
    }
    yield from mistakes(product, choices, errors, ends, forms, kept)
