"""Exercise flow-07: One value after the other."""

import math

import torch

from .._exercise import Exercise
from ._shared_maps import along, in_float32, pair

DRAWN = "values in drawing order"


@Exercise(
    id="flow-07",
    title="One value after the other",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Draw from a masked autoregressive flow in as many passes as there are values, "
        "and get the density of the draws for nothing.",
    ),
    statement=r"""
A masked autoregressive flow ([Papamakarios et al.,
2017](https://arxiv.org/abs/1705.07057)) goes from data to noise in one pass, and back
value by value, for what a value is made of depends on those before it:

$$
x_i = z_i \, e^{s_i} + t_i , \qquad
(s_i, t_i) \text{ from the values that come before } x_i .
$$

Which come before is said by `order`, int64 `(d,)`: `order[0]` is the position of the
first value, whose $s$ and $t$ depend on nothing; those of the value at `order[k]`
depend on the values at `order[0]`, ..., `order[k - 1]`, and on no others. The net is
any function `params`: of `x`, `(b, d)`, whatever finite numbers stand where they do not
matter, it gives the pair `(shift, log_scale)`, $t$ and $s$ of all positions, `(b, d)`
each, and for every such `x` all $s$ lie between -30 and 30. Rows do not depend on each
other.

Write `draw(params, order, z)`, which gives the pair `(x, log_p)`: the `x` that belongs
to the noise `z`, `(b, d)`, and its log-density $\log p(x)$, `(b,)`, where $z$ is
standard normal. `params` may be called $d$ times at most, for both together. All is of
the type of `z`, float32 or float64, and gradients flow to `z` and, through all passes,
to the weights of `params`. All sizes are 1 or more.
""",
    stub='''
def draw(params, order, z):
    """function, (d,) int64, (b, d) -> (b, d) x, (b,) log-density of x."""
    return ..., ...
''',
    answers={"draw": callable},
    hints=(
        "Begin with zeros. After the first pass one value is known, after the second "
        "two: which ones?",
        "A tensor that `params` has seen must stay as it is, or the way back through "
        "it is lost: make a new one at each pass (`torch.where`, or a list of columns "
        "that is stacked).",
        "$\\log p(x)$ is $\\log \\mathcal N(z; 0, I)$ plus "
        "$\\log |\\det \\partial z / \\partial x|$. In the pass "
        "that makes a value, its $s$ is already the right one.",
    ),
    misconceptions={
        "no pair": "Two tensors are due, (x, log_p).",
        "too few passes": "After k passes, k values are right, and no more.",
        "order ignored": "The first value is at order[0], not at 0.",
        "order the wrong way": "order[k] is the position of the k-th value; its "
        "inverse is the turn of a position.",
        "one the wrong way around": "From z to x: times the scale, plus the shift.",
        "shift before the scale": "z is scaled first, then shifted.",
        "sign of the log-scale": "z is multiplied by exp(s).",
        "more passes than values": "The last pass of the drawing has all that the "
        "density needs.",
        "density of x under the normal": "It is z that is standard normal.",
        "log-determinant left out": "The density of x is that of z divided by the "
        "scales.",
        "log-scales added": "Where the map stretches, the density gets smaller.",
        "constant of the normal left out": "Each value has its log(2 pi) / 2.",
        "log-scales of another pass": "The s of each value are those that it was made "
        "with.",
        "shift and log-scale exchanged": "params gives the shift first.",
        "values in drawing order": "z and x stand at their positions, not in the order "
        "of drawing.",
        "first value left as its noise": "The first value has a scale and shift, too.",
        "nan or inf given to the net": "Times a mask of 0 they are nan, not 0.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "scale bounded": "s is taken as it is, whatever its size.",
        "written in place": "A tensor that params has seen was changed afterward: make "
        "a new one at each pass.",
    },
)
def flow_07(t, draw):
    def problem(b, d, kind=torch.float64):
        """A net, an order that is neither its inverse nor from 0 upward, noise."""
        while True:
            order = t.uniform(d, low=0, high=1).argsort()
            inverse, up = order.argsort(), torch.arange(d)
            others = (inverse, up, order.flip(0), up.flip(0))
            if d < 4 or not any(torch.equal(order, v) for v in others):
                break
        return Masked(t, order, kind), order, t.away(b, d, low=0.3, high=2).to(kind)

    def agrees(x, params, z, turn, way):
        """Whether x is what comes of this order and this formula."""
        for k in range(len(turn)):
            before = torch.zeros_like(x)
            before[:, turn[:k]] = x[:, turn[:k]]
            shift, log_scale = params.of(before)
            i = turn[k]
            due = way(z[:, i], shift[:, i], log_scale[:, i])
            if not torch.allclose(x[:, i], due, 1e-4, 1e-4):
                return False
        return True

    ways = {
        "": lambda z, t, s: t + s.exp() * z,
        "one the wrong way around": lambda z, t, s: (z - t) / s.exp(),
        "shift before the scale": lambda z, t, s: (z + t) * s.exp(),
        "sign of the log-scale": lambda z, t, s: t + z / s.exp(),
        "standard deviation ignored": lambda z, t, s: z + t,
        "mean not added": lambda z, t, s: z * s.exp(),
        "shift and log-scale exchanged": lambda z, t, s: s + z * t.exp(),
    }
    for i, c in enumerate((0.5, 1, 2, 3, 5, 7, 10, 15, 20)):
        hard = lambda z, t, s, c=c: t + z * s.clamp(-c, c).exp()  # noqa: E731
        soft = lambda z, t, s, c=c: t + z * (c * (s / c).tanh()).exp()  # noqa: E731
        ways |= {f"scale bounded {2 * i}": hard, f"scale bounded {2 * i + 1}": soft}

    def named(x, params, order, z):
        """What is wrong with x."""
        turns = [("", order), ("order ignored", torch.arange(len(order)))]
        turns += [("order the wrong way", order.argsort())]
        kept = [v for v in past if len(v) == len(order)]
        turns += [("result of an earlier call", v) for v in kept]
        for start in (torch.zeros_like(z), z):
            for _ in range(len(order) - 1):
                shift, log_scale = params.of(start)
                start = torch.addcmul(shift, z, torch.exp(log_scale))
                if torch.allclose(x, start, 1e-4, 1e-4):
                    return "too few passes"
        first, right = torch.arange(len(order)) == order[0], None
        for fixed, noise, turn in (
            (None, z, order),
            (None, z, order.argsort()),
            (None, z[:, order.argsort()], order.sort()[0]),
            (first, z, order.sort()[0]),
        ):
            due = z
            for _ in order:
                shift, log_scale = params.of(due)
                due = torch.addcmul(shift, noise, log_scale.exp())
                due = due if fixed is None else torch.where(fixed, z, due)
            right = due if right is None else right
            near = [torch.allclose(v, due[:, turn], 1e-4, 1e-4) for v in (x, right)]
            if near == [True, False]:
                left = fixed is not None
                return "first value left as its noise" if left else DRAWN
        for way, f in ways.items():
            for turn, o in turns:
                if not (way and turn) and agrees(x, params, z, o, f):
                    return (way or turn).rstrip("0123456789 ") or None
        return None

    def judged(name, params, order, z, tol=1e-9):
        t.property(name)
        params.calls, params.lost = 0, False
        x, log_p = pair(t, t.call(draw, params, order, z), "(x, log_p)")
        (b, d), text = z.shape, f"{params.calls} calls"
        t.shape(x, (b, d), "that of z.")
        alone = {
            "batch axis lost": [()] * (b == 1),
            "not summed over the dimensions": (b, d),
            "reduced over the batch": [(), (1,)],
        }
        t.shape(log_p, (b,), "one for each row.", ideas=alone)
        for out in (x, log_p):
            t.dtype(out, z.dtype, "that of z.")
        got = t.tensor(x).detach()
        shift, s = params.of(got)
        due = shift + z * torch.exp(s)
        off = not torch.allclose(got, due, tol, tol)
        name = named(got.double(), params, order, z.double()) if off else None
        name = "nan or inf given to the net" if off and params.lost else name
        ideas = dict([in_float32(got, due.double())])
        if off and z.dtype == torch.float64:
            near, logs = params.of(got.float())
            ideas["float32 in between"] += [
                *(shift + z * e for e in (s.float().exp().double(), s.exp().float())),
                near + z * logs.exp(),
            ]
        why = "x = z e^s + t, with the s and t of x itself."
        t.close(got, due, why, name, ideas, tol)
        t.property("no more calls of params than values", of=x)
        t.true(params.calls <= d, f"{d} at most.", text, "more passes than values")
        t.property(f"log-density: {t.properties[-2]}", of=log_p)
        normal = -(z.double().square() + math.log(2 * math.pi)).sum(1) / 2
        total = s.double().sum(1)
        due = normal - total
        ideas = {
            "log-scales added": normal + total,
            "log-determinant left out": normal,
            "density of x under the normal": [
                normal + (z.double().square() - got.double().square()).sum(1) / 2 - v
                for v in (total, 0 * total, -total)
            ],
            "constant of the normal left out": [
                due + c * math.log(2 * math.pi) for c in (d / 2, d / 2 - 0.5, d)
            ],
            "log-scales of another pass": [
                normal - params.of(v)[1].double().sum(1) for v in (z, 0 * z)
            ],
            "negative log-likelihood returned": -due,
            "density in place of its logarithm": due.exp(),
            "mean over the dimensions": [
                due / d,
                normal - total / d,
                normal / d - total,
            ],
            "reduced over the batch": [due.mean().expand(b), due.sum().expand(b)],
            "bits in place of nats": due / math.log(2),
            "factor one half lost": due - z.double().square().sum(1) / 2,
        }
        why = "log N(z; 0, I) minus the log-scales."
        t.close(log_p, due, why, None, ideas, 10 * tol)
        past.append(order)
        return x, log_p

    past: list = []
    b, d = t.integer(3, 5), 6
    params, order, z = problem(b, d)
    judged("six values", params, order, z)
    judged("other noise", params, order, t.away(b, d, low=0.3, high=2).double())
    judged("another net in another order", *problem(b, d))
    for b, d in ((1, 4), (4, 1), (1, 1), (3, 2)):
        judged(f"{b} rows of {d} values", *problem(b, d))
    judged("float32", *problem(4, 5, torch.float32), tol=1e-4)
    params, order, z = problem(3, 5)
    params.weights[3].data[order[[0, -1]]] = torch.tensor([-45.0, 45]).double()
    judged("log-scales near 27 and -27", params, order, z)
    params, order, z = problem(3, 5)
    leaves = [*params.weights, z.requires_grad_()]
    run = lambda: pair(t, t.call(draw, params, order, z), "(x, log_p)")  # noqa: E731
    along(t, run, leaves, ("x", "log_p"), broken="written in place")


class Masked:
    """Shifts and log-scales of a known order; counts its calls."""

    def __init__(self, t, order, kind):
        d, turn = len(order), order.argsort()
        self.mask = (turn[:, None] < turn).to(kind)  # (from, to)
        sizes = (d, d), (d, d), (d,), (d,)
        found = [t.away(*n, low=0.4, high=1.2).to(kind) for n in sizes]
        self.weights = [v.requires_grad_() for v in found]
        self.calls, self.lost = 0, False

    def of(self, x):
        with torch.no_grad():
            return self.both(x.to(self.mask))

    def both(self, x):
        a, b, c, e = self.weights
        shift = (x @ (a * self.mask)).sin() * 1.5 + c
        return shift, ((x @ (b * self.mask)).cos() + e) * 0.6

    def __call__(self, x):
        self.calls += 1
        self.lost |= not bool(x.isfinite().all())
        return self.both(x)
