"""Exercise flow-21: A continuous flow to repair."""

import torch
from torch import nn

from .._exercise import Exercise
from .._parts import mistakes

ANEW = "noise drawn anew in a solve"
FORWARD, CLOCK = "sampled forward", "time runs up in sampling"


@Exercise(
    id="flow-21",
    title="A continuous flow to repair",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    stub_mistake=ANEW,
    objectives=(
        "Find the mistakes of a continuous flow that runs and trains, by fields whose "
        "flow is known.",
    ),
    statement=r"""
The program below is meant to be a continuous flow
([Grathwohl et al., 2019](https://arxiv.org/abs/1810.01367)): points follow
$\mathrm dx / \mathrm dt = v(x, t)$ from data at $t = 0$ to noise $\mathcal N(0, I)$ at
$t = 1$, solved by the midpoint rule, which is of order 2, in `steps` steps.

`Flow(field, steps)` is a `nn.Module` around another one, `field(x, t)`, which gives
`(b, d)` for `(b, d)` and a number `t`, each row from its own row. `log_prob(x)` takes
`(b, d)` and gives `(b,)`, an estimate of $\log p(x)$ in nats, in which the divergence
is Hutchinson's estimate by one derivative,
$\epsilon^\top (\partial v / \partial x)\, \epsilon$: the entries of $\epsilon$,
`(b, d)`, are -1 or 1, independent and as often, drawn once for each call and kept for
all of its way. `sample(z)` takes noise, `(b, d)`, and gives the data `(b, d)` whose
noise it is. Both are float32, or float64, as what they are given and `field` are.
Gradients flow to the weights of `field`, and through `sample` to `z`.

It runs, its loss falls, and its samples are nonsense. It is wrong in **four places**.
Repair them, and keep the interface, the rule and the kind of noise. The interface is
`Flow(field, steps)`, `log_prob` and `sample`; `rates` is yours, and may take the noise.
""",
    stub='''
class Flow(nn.Module):
    def __init__(self, field, steps=20):
        super().__init__()
        self.field, self.steps = field, steps

    def rates(self, x, t):
        """The velocity, and an estimate of its divergence."""
        eps = torch.randint_like(x, 2) * 2 - 1
        v = self.field(x, t)
        (row,) = torch.autograd.grad(v, x, eps, create_graph=True)
        return v, (row * eps).sum(1)

    def log_prob(self, x):
        """(b, d) -> (b,), in nats."""
        x, log_det, dt = x.detach().requires_grad_(), 0.0, 1 / self.steps
        for i in range(self.steps):
            t = i * dt
            v, _ = self.rates(x, t)
            v, trace = self.rates(x + dt / 2 * v, t + dt / 2)
            x, log_det = x + dt * v, log_det - dt * trace
        normal = -0.5 * (x.square() + math.log(2 * math.pi)).sum(1)
        return normal + log_det

    def sample(self, z):
        """(b, d) at t = 1 -> (b, d) at t = 0."""
        x, dt = z, 1 / self.steps
        for i in range(self.steps):
            t = i * dt
            half = x + dt / 2 * self.field(x, t)
            x = x + dt * self.field(half, t + dt / 2)
        return x
''',
    answers={"Flow": callable},
    hints=(
        "Take a field whose flow you know, such as $v = a x$: where do points of the "
        "data end, what is their density, and where does noise come from?",
        "What belongs to the whole of a solve, and what to one evaluation of rates?",
        "Sampling starts at $t = 1$. With a field that depends on time as well, the "
        "direction of the steps is one thing and the clock another.",
    ),
    misconceptions={
        ANEW: "With another noise at each evaluation the rates are no function of the "
        "state, and no solver has its order.",
        "sign of the trace": "Where the field spreads points, the density of the data "
        "is higher than that of the noise they become.",
        FORWARD: "Data come from noise by going back: each step against the velocity.",
        CLOCK: "Noise is at t = 1: the clock runs down as the points go back.",
        "clock of log_prob": "Data are at t = 0, and t grows by the length of a step.",
        "size of a step left out": "Each rate is multiplied by the length of a step.",
        "trace left out": "The density changes where points part.",
        "density of the wrong end": "The normal density is that of x(1).",
        "noise of another kind": "The entries are -1 or 1: their squares are 1, so "
        "that the diagonal adds no variance.",
        "noise left out": "One derivative an evaluation, with the noise on both sides.",
        "order of the solver": "The midpoint rule: with twice the steps a quarter of "
        "the error.",
        "field not registered": "The weights of field are among those of the module.",
    },
)
def flow_21(t, Flow):
    class Field(nn.Module):
        """Linear, with a force that grows in time."""

        def __init__(self, matrix, force):
            super().__init__()
            self.matrix, self.force = nn.Parameter(matrix), nn.Parameter(force)

        def forward(self, x, now):
            return x @ self.matrix.T + now * self.force

    class Bent(nn.Module):
        def __init__(self, a):
            super().__init__()
            self.a = nn.Parameter(a)

        def forward(self, x, now):
            return self.a * x.tanh()

    def linear(d, kind=torch.float64):
        """Not symmetric, so that the noise shows; its clock shows by the force."""
        a = torch.diag(t.uniform(d, low=0.3, high=0.7))
        if d > 1:
            a[0, 1] = t.away(low=0.5, high=0.8)
        return Field(a.to(kind), t.away(d, low=0.6, high=1.2).to(kind))

    def moved(field, x, way=1, start=0.0, rate=1.0):
        """After one unit of time, by the exponential of a matrix."""
        a, c = field.matrix, field.force[:, None]
        d = len(a)
        whole = way * torch.cat([torch.cat([a, c, 0 * c], 1), a.new_zeros(2, d + 2)])
        clock = torch.zeros_like(whole)
        clock[d, d + 1] = rate
        rows = torch.linalg.matrix_exp(whole + clock)[:d]
        return x @ rows[:, :d].T + start * rows[:, d] + rows[:, d + 1]

    def made(field, steps):
        flow = t.call(Flow, field, steps)
        due, got = {*map(id, field.parameters())}, {*map(id, flow.parameters())}
        told = "Those of field.", f"{len(got)} weights", "field not registered"
        t.true(due <= got, *told)
        return flow

    def log_prob(flow, x):
        out = t.call(flow.log_prob, x)
        ideas = {"reduced over the batch": [()]}
        ideas["not summed over the dimensions"] = x.shape
        t.shape(out, (len(x),), "one for each row.", ideas=ideas)
        t.dtype(out, x.dtype, "that of x.")
        return t.tensor(out)

    def sample(flow, z):
        out = t.call(flow.sample, z)
        t.shape(out, z.shape, "that of z.")
        t.dtype(out, z.dtype, "that of z.")
        return out

    def normal(x):
        return torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(1)

    # log_prob: what is left over is the noise's part, c or -c in each row.
    name = "log_prob with one noise for the way"
    t.property(name)
    field, steps, x = linear(2), 32, t.normal(48, 2).double()
    flow = made(field, steps)
    matrix = field.matrix.detach()
    c, trace = float(matrix[0, 1].abs()), float(matrix.trace())
    ends = {"": moved(field, x).detach(), "clock of log_prob": [
        moved(field, x, 1, *how).detach() for how in ((1.0, -1.0), (0, 0), (1.0, 0))
    ]}  # fmt: skip
    base = {"": normal, "constant left out": lambda x: -x.square().sum(1) / 2,
            "density of the wrong end": lambda _: normal(x)}  # fmt: skip
    size = {"": 1.0, "sign of the trace": -1.0, "off by a factor of two": [2.0, 0.5],
            "size of a step left out": [float(steps), -float(steps)],
            "mean over the dimensions": 0.5}  # fmt: skip

    def left(out, end, base, size):
        """In units of c."""
        return ((out - base(end)) / size - trace) / c

    def sides(out):
        """+1 or -1 of each row, if nothing is wrong but the noise."""
        rest = left(out, ends[""], normal, 1.0)
        why = "log N(x(1); 0, I), the trace, and c or -c by the noise's two signs."
        if ((rest.abs() - 1).abs() > 0.02).any():
            told = None
            for mistake, value in mistakes(lambda *v: left(out, *v), ends, base, size):
                off = (value.abs() - 1).abs().max()
                both = value.std() > 0.5  # of the signs are there
                told = told or (mistake if both and off < 0.03 else None)
            for sign in (1, -1):
                rest = left(out, ends[""], normal, sign)
                if told is None and rest.abs().max() < 1.02:
                    told = ANEW if rest.abs().max() > 0.05 else "noise left out"
            alone = (out - normal(ends[""])).abs().max() < 0.02
            rest = left(out, ends[""], normal, 1)
            wide = rest.mean().abs() < 1.2 and rest.std() > 0.5
            told = "trace left out" if alone else told
            told = told or ("noise of another kind" if wide else None)
            t.fail(told, why=why, got=f"{float(out[0]):.5g} in the first row")
        return rest.sign()

    def several(n):
        return torch.stack([sides(log_prob(flow, x).detach()) for _ in range(n)])

    signs = several(6)
    if (signs == signs[:, :1]).all():  # whether always the same, is to be seen
        signs = torch.cat([signs, several(24)])
    why = "Each row and each call has noise of its own."
    found = {
        "one noise for all dimensions": bool((signs == signs[0, 0]).all()),
        "noise fixed across calls": bool((signs == signs[0]).all()),
        "one noise for all examples": bool((signs == signs[:, :1]).all()),
    }
    for mistake, holds in found.items():
        t.true(not holds, why, "The same part of the noise again.", mistake)

    t.property("sample: where noise comes from")
    ways = {"": -1, FORWARD: 1}
    clocks = {"": (1.0, -1.0), CLOCK: (0.0, 1.0)}
    for b, d in ((5, 3), (1, 4), (3, 1), (1, 1), (4, 2)):
        field = linear(d)
        z, flow = t.normal(b, d).double(), made(field, 50)
        ideas = mistakes(
            lambda w, k, f=field, z=z: moved(f, z, w, *k).detach(), ways, clocks
        )
        back = moved(field, z, -1, 1.0, -1.0).detach()
        offs = [float((t.tensor(sample(made(field, n), z)) - back).detach().abs().max())
                for n in (8, 16)]  # fmt: skip
        slow = 1.5 < offs[0] / offs[1] < 3
        got = f"The error falls by {offs[0] / offs[1]:.3g}."
        t.true(not slow, "A quarter of the error.", got, "order of the solver")
        t.close(sample(flow, z), back, "By a matrix exponential.", None, ideas, 2e-3)

    double = torch.float64
    for b, d, kind in ((5, 3, double), (1, 4, torch.float32), (3, 1, double)):
        t.property("log_prob of a bent field")
        field, x = Bent(t.away(d, low=0.4, high=0.9).to(kind)), t.normal(b, d).to(kind)
        out = log_prob(flow := made(field, 60), x)
        end = (field.a.exp() * x.sinh()).asinh()
        grow = (field.a + x.cosh().log() - end.cosh().log()).sum(1)
        due, why = normal(end) + grow, "In closed form: the noise plays no part."
        ideas = {"sign of the trace": due.detach() - 2 * grow.detach()}
        t.close(out, due.detach(), why, None, ideas, 1e-3)
        told = "The derivative of the same.", "cut off from the graph"
        share = t.uniform(b, low=0.5, high=2).to(kind)
        slope = t.grad(due, field.a, share)
        t.property("log_prob of a bent field, its gradient", of=out)
        t.close(t.grad(out, field.a, share), slope, *told, tol=5e-3)

    t.property("gradients through sample")
    field, z = linear(3), t.normal(4, 3).double().requires_grad_()
    out, due = sample(made(field, 50), z), moved(field, z, -1, 1.0, -1.0)
    share = t.uniform(4, 3, low=0.5, high=2).double()
    for leaf in (z, field.matrix, field.force):
        t.close(t.grad(out, leaf, share), t.grad(due, leaf, share), *told, tol=1e-2)
    sample(made(linear(2, torch.float32), 8), t.normal(3, 2))
