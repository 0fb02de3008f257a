"""Exercise ar-12: Several orders, one likelihood."""

import itertools
import math
from functools import partial
from typing import Any

import torch

from .._exercise import Exercise


@Exercise(
    id="ar-12",
    title="Several orders, one likelihood",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Mix models in the probabilities, not in their logarithms, where no "
        "probability can be held in a float.",
    ),
    statement=r"""
The chain rule holds in any order, and a model trained for several orders is a mixture
of as many: nature first draws one of $k$ orders, each equally likely, and then an
example by it. So

$$
p(x) = \frac1k \sum_{j=1}^k p(x \mid o_j) , \qquad
p(o_j \mid x) = \frac{p(x \mid o_j)}{\sum_i p(x \mid o_i)} .
$$

Write `ensemble(log_prob, x, orders)`. `log_prob(x, order)` is given: for examples
`(n, d)` and one order, `(d,)`, it gives $\log p(x \mid o)$ in nats, `(n,)`, in the type
of `x`, float32 or float64. It is expensive: call it once for each order, with all of
`x`, or once for each order and example, then with the example's row as `(1, d)`. `x` is
`(b, d)` and `orders` is `(k, d)`, int64, a permutation in each row.

Return the pair `(log_p, share)`: $\log p(x)$ of each example, `(b,)`, and the posterior
probability $p(o_j \mid x)$ of each order, `(b, k)`, both in the type of `x` (in
float64 to ten digits). In one
batch there are examples with log-probabilities near -600 and near -90,000, and others
with positive ones (densities); what the rounding of such numbers does to `share` is
allowed. An order may give an example the probability 0, `-inf`, but not all
of them do. Gradients flow through both into whatever `log_prob` is made of; they are
not asked for where there is an `-inf`.
""",
    stub='''
def ensemble(log_prob, x, orders):
    """(b, d), (k, d) -> log_p (b,), share (b, k)."""
    return ..., ...
''',
    answers={"ensemble": callable},
    hints=(
        "Stack the $k$ log-probabilities along a new axis. Both answers are functions "
        "of this one table.",
        r"$\log \sum_j e^{a_j} = m + \log \sum_j e^{a_j - m}$ for any $m$. Each "
        "example needs its own.",
        "A model that is equally good in all orders gains nothing: `log_p` is then the "
        "common value. And never is the mixture worse than its best order by more than "
        "log k.",
    ),
    misconceptions={
        "mean of the logarithms": "Probabilities are averaged. The mean of their "
        "logarithms is lower, and belongs to no distribution that sums to one.",
        "sum of the logarithms": "A mixture adds probabilities; this multiplies them.",
        "log k left out": "Each order has the weight 1/k: the sum of k distributions "
        "sums to k.",
        "another weight of the orders": "Each of the k orders has the weight 1/k.",
        "best order alone": "All orders add to the probability.",
        "one order alone": "All rows of orders are used.",
        "log-probabilities cut at 0": "A density may be above 1, and its logarithm "
        "above 0.",
        "sum started at log 1": "A running sum of probabilities starts at 0, whose "
        "logarithm is minus infinity.",
        "orders sorted": "Column j of share belongs to orders[j].",
        "equal orders counted once": "An order that stands twice counts twice.",
        "one order drawn": "All orders count, and nothing is drawn.",
        "an order left out": "All rows of orders are used.",
        "impossible orders not counted": "An order of probability 0 is one of the k.",
        "a floor under the logarithms": "A log-probability may be as low as it is.",
        "log_prob called otherwise": "It takes examples (n, d), n may be 1, and one "
        "row of orders, (d,).",
        "x put in order": "x goes to log_prob as it is, whatever the order.",
        "a size of one not met": "b and k may be 1.",
        "logarithm in place of the probability": "share holds probabilities, between 0 "
        "and 1.",
        "orders and examples exchanged": "A row for each example, a column for each "
        "order.",
        "every order alike": "Before x is seen each order has 1/k; afterward those "
        "under which x was likely have more.",
        "orders turned into places": "An order goes to log_prob as it is.",
        "log_prob called too often": "Once for each order, or once for each example "
        "and order.",
        "two results exchanged": "The pair is (log_p, share).",
        "no pair": "Two tensors are due, (log_p, share).",
        "zero times infinity": "Where an order gives the probability 0 its share is 0 "
        "and the rest stay as they are: -inf minus -inf is nan.",
        "minus infinity replaced": "A large number stands for minus infinity only as "
        "long as the others are larger: beside orders near -90,000 it is not small.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def ar_12(t, ensemble):
    seen: list[Any] = []
    odd: list[str] = []

    def family(d):
        w = t.away(d - 1, low=0.5, high=1.5)

        def log_prob(x, order):
            """The first number of an example is its level."""
            seen.append(len(x))
            good = isinstance(order, torch.Tensor) and order.shape == (d,)
            if not good or order.is_floating_point() or x.dim() != 2:
                shape = getattr(order, "shape", order)
                odd.append(f"log_prob of {tuple(x.shape)} and {shape!s:.60}")
                return x.reshape(-1, d)[:, 0]
            place = order.argsort()[1:] / d
            part = (x[:, 1:] * w.to(x) * place).sum(1)
            return x[:, 0] + 2 * part + 0.3 * order[0]

        return log_prob, w.requires_grad_()

    def orders_of(k, d):
        return torch.stack([torch.randperm(d, generator=t.rng) for _ in range(k)])

    def pair(log_prob, x, orders, edge=None):
        seen.clear()
        run = partial(t.edge, edge) if edge else t.call
        try:
            made = run(ensemble, log_prob, x, orders)
        finally:
            name = "log_prob called otherwise"
            t.true(not odd, "Examples (n, d), one order (d,).", str(odd[:1]), name)
        good = isinstance(made, tuple | list) and len(made) == 2
        got = f"an object of type {type(made).__name__}"
        t.true(good, "A pair (log_p, share).", got, "no pair")
        b, k = len(x), len(orders)
        shapes = {
            "batch axis lost": [()] * (b == 1),
            "two results exchanged": (b, k),
            "reduced over the batch": [(), (1,), (k,)],
        }
        t.shape(made[0], (b,), "log_p, one for each example.", ideas=shapes)
        shapes = {
            "batch axis lost": [(), (k,), (b,)] if 1 in (b, k) else [],
            "orders and examples exchanged": (k, b),
            "reduced over the batch": (k,),
            "equal orders counted once": (b, len(orders.unique(dim=0))),
        }
        t.shape(made[1], (b, k), "share, one for each order.", ideas=shapes)
        for part in made:
            t.dtype(part, x.dtype, "that of x.")
        return made

    def table(log_prob, x, orders):
        return torch.stack([log_prob(x, o) for o in orders], 1)

    def exact(a):
        """Both, in float64, from the table (b, k)."""
        a = a.double()
        top = a.amax(1, keepdim=True)
        parts = (a - top).exp()
        return top[:, 0] + parts.mean(1).log(), parts / parts.sum(1, keepdim=True)

    def earlier(which, log_prob, x, orders):
        """All or some of the arguments are those of an earlier call."""
        for old in kept:
            if old[1].shape == x.shape and old[2].shape == orders.shape:
                now = log_prob, x, orders
                for use in itertools.product((0, 1), repeat=3):
                    args = [a if u else b for a, b, u in zip(old, now, use)]
                    if any(use):
                        found = exact(table(*args).detach())[which]
                        yield "result of an earlier call", found

    def held(name, log_prob, x, orders, told=None, tol=1e-5, rough=None, edge=None):
        """``told``: where only one mistake is left."""
        made = pair(log_prob, x, orders, edge)
        a = table(log_prob, x, orders).detach().double()
        due, share = exact(a)
        t.property(f"{name}: the mixture", of=made[0])
        lost = told or "underflow to zero"
        rows = t.tensor(made[0]).detach().isfinite()
        least = float(t.tensor(made[0]).detach().min())
        if not told and rows.any() and torch.equal(rows, a.amax(1) > a.max() - 90):
            lost = "one shift for all examples"
        lost = "zero times infinity" if a.isinf().any() else lost
        t.finite(made[0], "Logarithms of positive probabilities.", lost)
        why = "The logarithm of the mean of the probabilities."
        ideas = itertools.chain(
            earlier(0, log_prob, x, orders),
            () if told else wrong_mixtures(a, log_prob, x, orders),
            uncounted(a),
            [("one order drawn", nearest(a, t.tensor(made[0]).detach()))],
            [("a floor under the logarithms", exact(a.clamp(min=least))[0])],
        )
        t.close(made[0], due, why, told, ideas, tol)
        t.property(f"{name}: the posterior of the orders", of=made[1])
        t.finite(made[1], "Probabilities.", lost)
        why = "In proportion to the probability of the example under each order."
        sums = t.tensor(made[1]).detach().double().sum(1)
        if told and (sums - 1).abs().max() > 1e-2:
            told = "responsibilities not normalized"
        ideas = itertools.chain(
            earlier(1, log_prob, x, orders),
            () if told else wrong_shares(a, x.shape[1], orders),
        )
        t.close(made[1], share, why, told, ideas, rough or tol)
        kept.append((log_prob, x, orders))
        return made

    kept: list = []

    b, k, d = 5, 4, 7
    log_prob, w = family(d)
    x, orders = t.normal(b, d), orders_of(k, d)
    x[:, 0] = t.uniform(b, low=-4, high=-2)
    held("any examples", log_prob, x, orders)
    t.property("log_prob is called once for each order")
    least = sum(seen[: -k or None]) if seen else 0  # the last k were ours
    got = f"{least} examples for {b} and {k} orders"
    t.true(least <= b * k, "Examples times orders.", got, "log_prob called too often")

    t.steady(ensemble, log_prob, x, orders)
    fresh = x + t.normal(b, d), family(d)[0], orders_of(k, d)
    for use in itertools.product((0, 1), repeat=3):
        if any(use):
            args = [b if u else a for a, b, u in zip((x, log_prob, orders), fresh, use)]
            held("others of the same sizes", args[1], args[0], args[2])

    t.property("the gradient through both")
    made, due = pair(log_prob, x, orders), exact(table(log_prob, x, orders))
    for part, right in zip(made, due):
        weight = t.uniform(*right.shape, low=0.5, high=2)
        slope = t.grad(right, w, weight.double())
        told = "That of the same two functions.", "cut off from the graph"
        t.close(t.grad(part, w, weight), slope, *told, tol=1e-4)

    level = torch.tensor([-600.0, -90_000.0, 5.0, -610.0, 400.0, -89_000.0])
    x = torch.cat([level[:, None], t.normal(6, d - 1)], 1)
    # In float32 a number near 90,000 is known to 0.008.
    name = "levels from -90,000 to 400 in one batch"
    held(name, log_prob, x, orders, rough=3e-2)
    x[:, 0] = -700.0 + t.uniform(6, low=0, high=20)
    told = "underflow to zero"
    held("levels near -700", log_prob, x, orders, told, rough=1e-3)

    def gone(x, order):
        """An order that begins with 0 or 1 may be impossible."""
        a = log_prob(x, order)
        return torch.where((order[0] <= 1) & (x[:, 1] > 0), -torch.inf, a)

    orders = torch.cat([torch.arange(d).roll(-i)[None] for i in (0, 2, 1, 4)])
    x[:, 0], x[:, 1] = -500.0, torch.tensor([1.0, -1, 1, -1, 1, 1])
    name = "orders under which an example is impossible"
    held(name, gone, x, orders, "minus infinity replaced", rough=1e-3)
    x[:, 0] = -90_000.0
    name = "other orders near -90,000 beside an impossible one"
    held(name, gone, x, orders, "minus infinity replaced", rough=3e-2)

    for size in ((1, 1, 3), (1, 3, 2), (3, 1, 5), (2, 40, 6), (4, 2, 9)):
        b, k, d = size
        log_prob, w = family(d)
        x, orders = t.normal(b, d), orders_of(k, d)
        many = f"{k} orders" if k > 1 else "one order"
        name = f"{b} example{'s' * (b > 1)}, {many}"
        edge = "a size of one not met" if 1 in (b, k) else None
        held(name, log_prob, x, orders, edge=edge)

    log_prob, w = family(5)
    x = t.normal(3, 5).double() / 3
    single = "float32 in between"
    held("float64", log_prob, x, orders_of(3, 5), single, 1e-10, edge=single)


def uncounted(a):
    """The mean over the orders that are possible."""
    if a.isinf().any():
        count = a.isfinite().sum(1).log()
        yield "impossible orders not counted", a.logsumexp(1) - count


def wrong_mixtures(a, log_prob, x, orders):
    b, k = a.shape
    # The probability itself, in floats.
    top = a.amax(1, keepdim=True)
    log_sum = top[:, 0] + (a - top).exp().sum(1).log()
    log_k = math.log(k)
    turned = torch.stack([log_prob(x, o.argsort()) for o in orders], 1)
    moved = torch.stack([log_prob(x[:, o], o) for o in orders], 1)
    turned, moved = (v.detach().double().logsumexp(1) - log_k for v in (turned, moved))
    share = a.softmax(1)
    ideas = {
        "mean of the logarithms": [
            *(a.mean(1), (share * a).sum(1), (share * a).sum(1) - log_k),
        ],
        "sum of the logarithms": [a.sum(1), a.sum(1) - log_k],
        "log k left out": log_sum,
        "another weight of the orders": [
            *(log_sum + log_k, log_sum - k, log_sum / k),
            *(log_sum - math.log(b), log_sum - math.log(x.shape[1])),
        ],
        "best order alone": [top[:, 0], top[:, 0] - log_k, a.amin(1)],
        "log-probabilities cut at 0": a.clamp(max=0).logsumexp(1) - log_k,
        "sum started at log 1": torch.logaddexp(log_sum, 0 * log_sum) - log_k,
        "one order alone": [a[:, i] for i in range(k)],
        "reduced over the batch": [(log_sum - log_k).mean().expand(b)],
        "density in place of its logarithm": (log_sum - log_k).exp(),
        "negative log-likelihood returned": log_k - log_sum,
        "bits in place of nats": (log_sum - log_k) / math.log(2),
        "logarithm to base 10": (log_sum - log_k) / math.log(10),
        "mean over the dimensions": (log_sum - log_k) / x.shape[1],
        "orders turned into places": turned,
        "x put in order": moved,
        "an order left out": [
            v.logsumexp(1) - math.log(n)
            for v in (a[:, 1:], *(a[:, :j] for j in range(1, k)))
            for n in (k, v.shape[1])
        ]
        if k > 1
        else [],
    }
    for name, values in ideas.items():
        values = values if isinstance(values, list) else [values]
        yield name, [v for v in values if not same(v, log_sum - log_k)]


def nearest(a, out):
    """Of each example the order whose number is nearest to what came out."""
    at = (a - out[:, None]).abs().argmin(1, keepdim=True)
    return a.gather(1, at)[:, 0]


def wrong_shares(a, d, orders):
    b, k = a.shape
    share = a.softmax(1)
    rank = sorted(range(k), key=lambda i: orders[i].tolist())
    ideas = {
        "orders sorted": share[:, rank],
        "every order alike": torch.full_like(a, 1 / k),
        "normalized over the data": a.softmax(0),
        "responsibilities not normalized": [a.exp(), a.exp() / k, share / k, share * k],
        "logarithm in place of the probability": [
            *(a.log_softmax(1), a.log_softmax(1) - math.log(k)),
        ],
        "points given to their best component": torch.eye(k).double()[a.argmax(1)],
        "another power of the shares": [
            (c * a).softmax(1) for c in (0.5, 2.0, 1 / k, 1 / d, -1.0)
        ],
        "reduced over the batch": share.mean(0).expand(b, k),
        "responsibilities not normalized, or otherwise": [a / a.sum(1, keepdim=True)],
    }
    ideas["responsibilities not normalized"] += ideas.popitem()[1]
    for name, values in ideas.items():
        values = values if isinstance(values, list) else [values]
        yield name, [v for v in values if not same(v, share)]


def same(v, due):
    return v.shape == due.shape and bool(
        ((v - due).abs() <= 1e-4 * (1 + due.abs())).all()
    )
