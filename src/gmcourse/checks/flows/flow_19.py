"""Exercise flow-19: A linear flow by hand."""

import math
from itertools import chain

import torch

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_maps import along, in_float32

PARTS = "mean", "covariance", "log-density"


@Exercise(
    id="flow-19",
    title="A linear flow by hand",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Solve a continuous flow in closed form: where each point goes, and which "
        "density there is at any time in between.",
    ),
    statement=r"""
A solver is tested best on a flow that needs none. Let $x(0)$ be data and $x(1)$ noise,
as in the chapter, and

$$
\frac{dx}{dt} = A\,(x - c), \qquad x(1) \sim \mathcal N(0, I),
$$

with a constant matrix $A$, any at all, and a point $c$. What is $x(t)$ distributed
like, at any $t$ from 0 to 1?

Write `linear_flow(A, c, t, x)` for `A`, `(d, d)`, `c`, `(d,)`, a float `t` and points
`x`, `(b, d)`, all float64, with $b$ and $d$ any from 1. It returns the tuple
`(mean, cov, log_p)`: mean, `(d,)`, and covariance, `(d, d)`, of $x(t)$, and the
log-density of $x(t)$ at each row of `x` in nats, `(b,)`. No steps are taken and
nothing is drawn. The real parts of the eigenvalues of $A$ lie between -4 and 4; there
may be complex ones, equal ones, zeros, and fewer eigenvectors than $d$. All is right to
$10^{-8}$ times 1 plus its size, and gradients flow from each of the three to what it
depends on: to `A` from all, to `c` from the mean and `log_p`, to `x` from `log_p`.

Of `log_p` more is asked: right to $10^{-5}$ times 1 plus its size at $t = 0$ also where
the eigenvalues are spread from -9 to 9. The covariance is singular then, as far as
float64 can tell, and what goes through its inverse or its determinant is lost.
""",
    stub='''
def linear_flow(A, c, t, x):
    """(d, d), (d,), float, (b, d) -> (d,), (d, d), (b,)."""
    return ..., ..., ...
''',
    answers={"linear_flow": callable},
    hints=(
        "$y = x - c$ follows $dy/dt = A\\,y$, which is solved by "
        "$y(t) = e^{(t - s) A}\\, y(s)$ for any two times; `torch.matrix_exp`.",
        "So $x(t)$ is an affine function of $x(1)$, whose mean and covariance are "
        "known. Which way does time run from 1 to $t$?",
        "The log-density is that of the noise to which the point goes, plus the "
        r"integral of the divergence from $t$ to 1. The divergence is "
        r"$\operatorname{tr} A$ everywhere.",
    ),
    misconceptions={
        "no three results": "A tuple (mean, cov, log_p) is due.",
        "sign of the exponent": "From the noise at time 1 back to time t the exponent "
        "has t - 1, and from a point at t to its noise 1 - t.",
        "time from the other end": "At t = 1 the noise itself is there.",
        "time left out": "From t to 1 only 1 - t has to pass.",
        "transposed": "A acts on columns: for points that are rows its transpose "
        "stands on the right.",
        "exponential of each entry": "The exponential of a matrix is that of its power "
        "series: torch.matrix_exp, not exp.",
        "one step in place of the exponential": "I + (t - 1) A is one step of Euler's.",
        "A taken as symmetric": "A and its transpose do not commute: the product of "
        "their exponentials is not that of their sum.",
        "diagonalized what cannot be": "With fewer eigenvectors than d their matrix "
        "has no inverse; torch.matrix_exp needs none.",
        "complex eigenvalues dropped": "A matrix that turns has complex eigenvalues: "
        "their imaginary parts say how fast.",
        "center left out": "The flow turns around c, not around 0.",
        "mean otherwise": "x - c is multiplied by the exponential, and x(1) has the "
        "mean 0.",
        "exponential once": "The covariance of E z is E times its transpose.",
        "precision in place of the covariance": "This is the inverse of the "
        "covariance.",
        "off the diagonal left out": "The exponential mixes the values of the noise: "
        "those of x(t) depend on each other.",
        "sign of the trace": "Where the flow spreads points toward the noise, the data "
        "are denser than the noise.",
        "trace left out": "The density changes along the way, by the divergence.",
        "density of x under the normal": "It is where the point arrives at time 1 that "
        "is standard normal.",
        "constant of the normal left out": "Each value has its log(2 pi) / 2.",
        "covariance inverted": "Eigenvalues apart by 18 are standard deviations apart "
        "by exp(18): go to the noise, and add the trace.",
        "float32 in between": "What comes back has the digits of float32.",
    },
)
def flow_19(t, linear_flow):
    def problem(b, *kinds, low=0.4, high=2.0, rates=None, plain=False):
        """A matrix of known exponential, a center, and points that are not unlikely."""
        rates = t.away(len(kinds), low=low, high=high) if rates is None else rates
        flow = Known(t, kinds, rates, plain)
        c = t.away(len(flow.A), low=0.4, high=1.5).double()
        return flow, c / 0.7, t.away(b, len(c), low=0.3, high=1.6).double()

    def judged(name, flow, c, time, noise, known=None):
        t.property(name)
        there = flow.exp(time - 1.0)
        x = c + torch.einsum("ij,bj->bi", there, noise - c)
        ask = t.call if known is None else lambda *a: t.edge(known, *a)
        out = ask(linear_flow, flow.A, c, time, x)
        three = isinstance(out, tuple | list) and len(out) == 3
        got = f"an object of type {type(out).__name__}"
        t.true(three, "A tuple of three tensors.", got, "no three results")
        (b, d), trace = x.shape, (1 - time) * flow.A.trace()
        wide = {"batch axis lost": [()] * (b == 1)}
        wide["reduced over the batch"] = [(), (1,)]
        wide["not summed over the dimensions"] = (b, d)
        for part, shape, ideas in zip(out, ((d,), (d, d), (b,)), ({}, {}, wide)):
            t.shape(part, shape, "see the statement.", ideas=ideas)
            t.dtype(part, torch.float64, "that of A.")
        square = torch.einsum("bi,bi->b", noise, noise)
        normal = -(square + d * math.log(2 * math.pi)) / 2
        exact = c - there @ c, torch.einsum("ik,jk->ij", there, there), normal + trace
        past = [v for v in kept if v[2].shape == (b,) and v[0].shape == (d,)]
        strong = name.startswith("eigenvalues from")
        for i, (part, due) in enumerate(zip(out, exact)):
            t.property(f"{PARTS[i]}: {name}", of=part)
            if strong and i < 2:  # what is lost in it shows in the log-density alone
                right = torch.allclose(t.tensor(part).detach(), due, 1e-4, 1e-4)
                known = known if right else None
                continue
            got = t.tensor(part).detach()
            near = torch.allclose(got, due, 1e-4, 1e-4)
            first = {
                "result of an earlier call": [v[i] for v in past],
                **dict([in_float32(got, due)]),
                "not to the digits asked for": [got] * near,
            }
            found = chain(first.items(), wrong(i, flow, c, time, x))
            told = "By the solution of the equation.", known, None if known else found
            t.close(part, due, *told, 1e-5 if strong else 1e-8)
        kept.append(exact)

    kept: list = []
    flow, c, noise = problem(5, "turn", "real", "real")
    for name in ("four values", "four others"):
        judged(name, *problem(5, "real", "turn", "real")[:2], 0.35, noise[:, :4])
    t.steady(linear_flow, flow.A, c, 0.3, noise)
    for time in (0.0, 1.0):
        flow, c, noise = problem(4, "real", "real", "real")
        judged(f"t = {time:g}", flow, c, time, noise)
    for b, kinds in (
        (1, ["real"] * 2),
        (3, ["real"]),
        (1, ["real"]),
        (2, ["real"] * 6),
    ):
        flow, c, noise = problem(b, *kinds)
        judged(f"{b} points of {len(kinds)} values", flow, c, told_time(t), noise)
    flow, c, noise = problem(4, "real", "turn", low=3, high=4)
    judged("eigenvalues near -4 and 4", flow, c, 0.1, noise)
    flow, c, noise = problem(4, "turn", rates=[0.3])
    judged("complex eigenvalues", flow, c, 0.2, noise, "complex eigenvalues dropped")
    flow, c, noise = problem(4, "shear", "real", "shear", plain=True)
    told = "diagonalized what cannot be"
    judged("fewer eigenvectors than values", flow, c, 0.25, noise, told)
    flow, c, noise = problem(3, "real", "real", "real", rates=[0.0, 0.0, 0.0])
    judged("A = 0", flow, c, 0.5, noise, told)
    flow, c, noise = problem(3, "real", "real", "real", rates=[-9.0, 0.5, 9.0])
    judged("eigenvalues from -9 to 9", flow, c, 0.0, noise, "covariance inverted")
    flow, c, noise = problem(3, "real", "turn")
    leaves = [v.requires_grad_() for v in (flow.A, c, noise)]
    run = lambda: t.call(linear_flow, flow.A, c, 0.4, noise)  # noqa: E731
    along(t, run, leaves, PARTS)


def told_time(t):
    return float(t.uniform(1, low=0.1, high=0.8))


class Known:
    """A matrix from blocks whose exponentials are known, in a basis that is skew."""

    def __init__(self, t, kinds, rates, plain):
        self.blocks = [
            (k, float(r), float(t.away(1, low=0.8, high=2)))
            for k, r in zip(kinds, rates)
        ]
        self.d = sum(1 + (k != "real") for k in kinds)
        self.basis = torch.eye(self.d).double()
        if self.d > 1 and not plain:
            mixed = t.away(self.d, self.d, low=0.2, high=0.6).double()
            self.basis = torch.linalg.qr(mixed)[0] + 0.25 * mixed / self.d**0.5
        self.A = self.of([self.slope(*v) for v in self.blocks])

    def of(self, blocks):
        middle = torch.block_diag(
            *(torch.tensor(v, dtype=torch.float64) for v in blocks)
        )
        return torch.linalg.solve(self.basis.T, (self.basis @ middle).T).T

    def exp(self, s):
        """The exponential of ``s A``."""
        return self.of([self.grown(s, *v) for v in self.blocks])

    @staticmethod
    def slope(kind, r, w):
        return {"real": [[r]], "turn": [[r, -w], [w, r]], "shear": [[r, w], [0, r]]}[
            kind
        ]

    @staticmethod
    def grown(s, kind, r, w):
        e, a = math.exp(s * r), s * w
        turn = [[e * math.cos(a), -e * math.sin(a)], [e * math.sin(a), e * math.cos(a)]]
        return {"real": [[e]], "turn": turn, "shear": [[e, e * a], [0, e]]}[kind]


def wrong(i, flow, c, time, x):
    """What mistakes give for the mean, the covariance or the log-density."""
    d, one = len(c), torch.eye(len(c)).double()
    s = (1 - time) if i == 2 else (time - 1)
    A, exp = flow.A.detach(), flow.exp
    exps = {
        "": exp(s),
        "sign of the exponent": exp(-s),
        "time from the other end": [exp(time), exp(-time)],
        "time left out": [exp(math.copysign(1, s)), exp(-math.copysign(1, s))],
        "transposed": exp(s).T,
        "exponential of each entry": [(s * A).exp(), (s * A.T).exp()],
        "one step in place of the exponential": one + s * A,
        "A taken as symmetric": torch.matrix_exp(s * (A + A.T) / 2),
        "complex eigenvalues dropped": real_parts(s, A),
    }
    ends = {
        "": lambda v: v,
        "sign flipped": lambda v: -v,
        "off by a factor of two": [lambda v: 2 * v, lambda v: v / 2],
    }
    if i == 0:
        ways = {
            "": lambda e: c - e @ c,
            "center left out": lambda e: 0 * c,
            "mean otherwise": [
                *(lambda e: c + e @ c, lambda e: c, lambda e: e @ c, lambda e: -e @ c),
                *(lambda e: x.mean(0), lambda e: c + e @ (x.mean(0) - c)),
            ],
        }
        yield from mistakes(lambda e, way, end: end(way(e)), exps, ways, ends)
    if i == 1:
        ways = {
            "": lambda e: e @ e.T,
            "transposed": lambda e: e.T @ e,
            "exponential once": lambda e: e,
            "A taken as symmetric": lambda e: e @ e,
            "standard deviation in place of the variance": [
                lambda e: torch.linalg.cholesky_ex(e @ e.T)[0],
                lambda e: (e @ e.T).diagonal().sqrt().diag(),
            ],
            "off the diagonal left out": lambda e: (e @ e.T).diagonal().diag(),
            "precision in place of the covariance": lambda e: torch.linalg.pinv(
                e @ e.T
            ),
        }
        yield from mistakes(lambda e, way, end: end(way(e)), exps, ways, ends)
    if i < 2:
        return
    log2 = math.log(2 * math.pi)
    places = {
        "": lambda e: c + (x - c) @ e.T,
        "center left out": [lambda e: x @ e.T, lambda e: (x - c) @ e.T],
        "density of x under the normal": lambda e: x,
    }
    halves = {
        "": -(d / 2) * log2,
        "constant of the normal left out": [0.0, -log2 / 2, -d / 4 * log2, -d * log2],
    }
    traces = {
        "": (1 - time) * A.trace(),
        "sign of the trace": (time - 1) * A.trace(),
        "trace left out": 0.0,
        "time left out": [A.trace(), -A.trace()],
        "time from the other end": [time * A.trace(), -time * A.trace()],
        "off by a factor of two": [2 * s * A.trace(), s * A.trace() / 2],
    }
    lasts = {
        "": lambda v: v,
        "negative log-likelihood returned": lambda v: -v,
        "density in place of its logarithm": torch.exp,
        "mean over the dimensions": lambda v: v / d,
        "reduced over the batch": [
            lambda v: v.mean().expand(len(x)), lambda v: v.sum().expand(len(x))
        ],
        "bits in place of nats": lambda v: v / math.log(2),
    }  # fmt: skip

    def log_p(e, place, half, trace, last):
        return last(half - torch.sum(place(e) ** 2, 1) / 2 + trace)

    yield "density of x under the normal", halves[""] - (x * x).sum(1) / 2
    yield from mistakes(log_p, exps, places, halves, traces, lasts)
    squares = -torch.sum(places[""](exps[""]) ** 2, 1)
    yield "factor one half lost", squares + halves[""] + traces[""]


def real_parts(s, A):
    values, vectors = torch.linalg.eig(A)
    return (vectors * (s * values.real).exp() @ torch.linalg.pinv(vectors)).real
