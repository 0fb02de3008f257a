"""Exercise ar-28: How far a gradient gets."""

import math
from decimal import Decimal
from functools import reduce

import torch

from .._exercise import Exercise, Stop
from .._parts import mistakes


@Exercise(
    id="ar-28",
    title="How far a gradient gets",
    difficulty=4,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Write the derivative of a recurrent net's last state by its first one, and "
        "measure how it grows or decays over a thousand steps.",
    ),
    statement=r"""
What a loss at time $T$ says about time 0 goes through every state between. In an LSTM
the cell is $c_t = f_t \odot c_{t-1} + i_t \odot g_t$: with the gates held fixed,
$\partial c_T / \partial c_0$ is diagonal, with the products of the forget gates. A
plain recurrent net

$$
h_t = \tanh(W h_{t-1} + U x_t + b), \qquad t = 1, \dots, T,
$$

mixes its units at each step
([Bengio et al., 1994](https://doi.org/10.1109/72.279181);
[Pascanu et al., 2013](https://arxiv.org/abs/1211.5063)). Given are `W`, `(n, n)`, `U`,
`(n, m)`, `b`, `(n,)`, the inputs `x`, `(T, m)`, and `h0`, `(n,)`, all in float64; all
sizes are 1 or more.

- `rnn_jacobian(W, U, b, x, h0)` gives $J = \partial h_T / \partial h_0$, `(n, n)`, with
  $J_{ij} = \partial h_{T,i} / \partial h_{0,j}$, to ten digits. Here $T$ is at most 30.
- `log_gain(W, U, b, x, h0)` gives $\frac1T \ln \sigma$, a tensor of no axes, where
  $\sigma$ is the largest singular value of $J$: the most that a change of $h_0$ can
  grow by, in nats for each step. It is due to eight digits for $T$ up to 1,000, also
  where $\sigma$ itself, or that of a part of the steps, is far too small or too large
  for a float. $J$ is never 0.

What goes into a tanh is at most 50 in size. A unit that is saturated, with a state that
is 1 or -1 as a float, still passes a change on, and its tiny share is due to these
digits, too.

Derive it: nothing may be differentiated automatically or by differences. The functions
are also called in `torch.inference_mode()`, where there is no backward pass.
""",
    stub='''
def rnn_jacobian(W, U, b, x, h0):
    """(n, n), (n, m), (n,), (T, m), (n,) -> (n, n)."""
    return ...


def log_gain(W, U, b, x, h0):
    """As rnn_jacobian -> a number, nats for each step."""
    return ...
''',
    answers={"rnn_jacobian": callable, "log_gain": callable},
    hints=(
        "One step first: how does $h_{t,i}$ change with $h_{t-1,j}$? For the slope of "
        "the tanh look for a form without a difference of numbers near 1.",
        "The chain rule multiplies the matrices of the steps. Which of them acts first "
        "on a change of $h_0$, and so stands on the right?",
        "Divide the product by its size after each step, and keep the logarithm of "
        "what you divided by.",
    ),
    misconceptions={
        "digits lost in saturated units": "1 - h² is a difference of numbers that are "
        "nearly equal, or 0 as a float: the slope has to come from what goes in.",
        "one scale for all steps": "A product may shrink for many steps and then "
        "grow: no one number keeps all of its parts within a float.",
        "slope left out": "Each unit passes a change on times the slope of its tanh.",
        "tanh not squared": "The slope of the tanh falls with the square of h.",
        "slope at what goes in": "In 1 - h² stands what comes out of the tanh.",
        "tanh taken twice": "h is the tanh already.",
        "slope of the state before": "The slope belongs to the state that the step "
        "gives.",
        "one slope for all steps": "Each step has the slope of its own state.",
        "slope on the wrong side": "The slope multiplies what comes out, the rows "
        "of W.",
        "W left out": "The units are mixed at each step.",
        "W transposed": "A change of unit j reaches unit i by W[i, j].",
        "order of the steps reversed": "The first step acts first: it stands on the "
        "right.",
        "transposed": "Rows are what comes out, columns what goes in.",
        "first step left out": "T steps are T factors.",
        "last step left out": "T steps are T factors.",
        "W missing for one step": "T steps have T times W.",
        "mean in place of the product": "The chain rule multiplies.",
        "sum in place of the product": "The chain rule multiplies.",
        "product of the entries": "The product is that of matrices.",
        "begins at 0": "The first state is h0.",
        "every step from h0": "Each step goes on from the state before.",
        "bias left out": "The states come from W h + U x + b.",
        "inputs left out": "The states come from W h + U x + b.",
        "last input first": "x[0] is the input of the first step.",
        "Frobenius norm": "The largest singular value alone is due.",
        "largest eigenvalue": "An eigenvalue says nothing of how far a vector can "
        "be stretched in T steps.",
        "largest entry": "The largest singular value is due.",
        "growth of one direction": "The direction that grows most is due.",
        "sizes of the steps multiplied": "The most of a product is less than the "
        "product of the most.",
        "rescaled too seldom": "Within some tens of steps the product can leave what "
        "a float can hold.",
        "largest singular value not reached": "It is a little below: was an iteration "
        "stopped too early?",
        "not divided by T": "For each step.",
        "divided by another number": "By T, the number of steps.",
        "sum of the singular values": "The largest alone is due.",
        "gain in place of its logarithm": "The logarithm is due.",
        "differentiated automatically": "In inference mode the result is another: "
        "something was differentiated by PyTorch.",
    },
)
def ar_28(t, rnn_jacobian, log_gain):
    def made(n, m, steps, size=1.0, drive=0.7):
        w = size / n**0.5 * t.away(n, n, low=0.3, high=1.5)
        parts = w, t.normal(n, m, std=drive), t.normal(n, std=0.3)
        parts = *parts, t.normal(steps, m), t.away(n, low=0.3, high=0.9)
        return [v.double() for v in parts]

    def squash(v):
        """The tanh, as autograd keeps the digits of its derivative."""
        return 1 - 2 / (1 + (2 * v).exp())

    def net(w, u, b, x, h, tanh=torch.tanh):
        """What goes into the tanh and what comes out, at each time."""
        before, after = [], [h]
        for v in x:
            before.append(u @ v + b + (w * after[-1]).sum(-1))
            after.append(tanh(before[-1]))
        return torch.stack(before), torch.stack(after)

    def factors(w, u, b, x, h):
        """The derivatives of all steps by autograd, (T, n, n)."""
        start = net(w, u, b, x, h)[1][:-1].requires_grad_()
        end = (start[:, None] * w).sum(-1) + x @ u.T + b
        parts = squash(end).sum(0)
        return torch.stack([t.grad(v, start) for v in parts], 1)

    def gain(steps):
        """By decimal numbers, whose exponents have no end."""
        rows = [[Decimal(v) for v in row] for row in steps[0].tolist()]
        for step in steps[1:].tolist():
            new = [[Decimal(v) for v in row] for row in step]
            rows = [
                [
                    sum((p * q for p, q in zip(row, col)), Decimal())
                    for col in zip(*rows)
                ]
                for row in new
            ]
        size = max(abs(v) for row in rows for v in row)
        small = [[float(v / size) for v in row] for row in rows]
        last = top(torch.tensor(small, dtype=torch.float64)).log()
        return (float(size.ln()) + last) / len(steps)

    def top(j):
        return torch.linalg.svdvals(j)[0]

    def parts(args):
        """A step's factor, their product and its transpose, right and wrong."""
        w, u, b, x, h = args
        zero, once = torch.zeros_like, x @ u.T + b + w @ h
        states = {
            "": net(*args),
            "begins at 0": net(w, u, b, x, zero(h)),
            "bias left out": net(w, u, zero(b), x, h),
            "inputs left out": net(w, u, b, zero(x), h),
            "every step from h0": (once, torch.cat([h[None], once.tanh()])),
            "last input first": net(w, u, b, x.flip(0), h),
        }
        slopes = {
            "": lambda a, h: 1 - h[1:] ** 2,
            "slope left out": lambda a, h: torch.ones_like(a),
            "tanh not squared": [
                lambda a, h: 1 - h[1:],
                lambda a, h: 1 - h[1:].abs(),
            ],
            "slope at what goes in": lambda a, h: 1 - a**2,
            "tanh taken twice": lambda a, h: 1 - h[1:].tanh() ** 2,
            "slope of the state before": lambda a, h: 1 - h[:-1] ** 2,
            "one slope for all steps": [
                lambda a, h, k=k: (1 - h[k] ** 2).expand_as(a) for k in (-1, 1)
            ],
        }
        sides = {
            "": lambda s: s.diag_embed() @ w,
            "slope on the wrong side": lambda s: w @ s.diag_embed(),
            "W left out": lambda s: s.diag_embed(),
            "W transposed": lambda s: s.diag_embed() @ w.T,
        }
        one, back = torch.eye(len(w)).to(w), torch.linalg.inv_ex(w)[0]

        def product(f):
            return reduce(lambda p, q: q @ p, f, one)

        chains = {
            "": product,
            "order of the steps reversed": lambda f: reduce(torch.matmul, f),
            "first step left out": lambda f: product(f[1:]),
            "last step left out": lambda f: product(f[:-1]),
            "W missing for one step": [
                lambda f: product(f) @ back,
                lambda f: f[-1] @ back @ product(f[:-1]),
            ],
            "mean in place of the product": lambda f: f.mean(0),
            "sum in place of the product": lambda f: f.sum(0),
            "product of the entries": lambda f: f.prod(0),
        }
        return states, slopes, sides, chains

    def jacobians(args, scale):
        ends = {"": lambda j: j / scale, "transposed": lambda j: j.T / scale}

        def value(state, slope, side, chain, end):
            return end(chain(side(slope(*state))))

        yield from mistakes(value, *parts(args), ends)
        moves = torch.eye(len(args[4])).to(args[4])
        for size in (1e-3, 1e-4, 1e-5, 1e-6):
            up, down, at = (
                torch.stack([net(*args[:4], args[4] + c * v)[1][-1] for v in moves], 1)
                for c in (size, -size, 0)
            )
            told = "differences in place of derivatives"
            both = (up - down) / 2 / size, (up - at) / size
            yield told, [v / scale for v in both]

    def gains(args, steps):
        n = len(args[3])
        ends = {
            "": lambda j: top(j).log() / n,
            "Frobenius norm": lambda j: j.norm().log() / n,
            "largest eigenvalue": lambda j: (
                torch.linalg.eigvals(j).abs().max().log() / n
            ),
            "largest entry": lambda j: j.abs().max().log() / n,
            "sum of the singular values": lambda j: j.norm(p="nuc").log() / n,
            "off by a factor of two": [
                lambda j, k=k: k * top(j).log() / n for k in (2, 0.5)
            ],
            "divided by another number": [
                lambda j, k=k: top(j).log() / k for k in (n - 1, n + 1, len(args[4]))
            ],
            "logarithm to base 10": lambda j: top(j).log10() / n,
            "growth of one direction": [
                lambda j, v=v: (j @ v).norm().log() / n - v.norm().log() / n
                for v in (*torch.eye(len(args[4])).to(args[4]), args[4] ** 0, args[4])
            ],
            "not divided by T": lambda j: top(j).log(),
            "bits in place of nats": lambda j: top(j).log2() / n,
            "gain in place of its logarithm": [
                lambda j: top(j) ** (1 / n),
                lambda j: top(j) / n,
                top,
            ],
            "sign flipped": lambda j: -top(j).log() / n,
        }
        yield "sizes of the steps multiplied", sum(top(f).log() for f in steps) / n

        def value(state, slope, side, chain, end):
            return end(chain(side(slope(*state))))

        yield from mistakes(value, *parts(args), ends, tol=1e-9)

    def judged(name, args, told=None):
        """Both answers to a short sequence."""
        t.property(f"the Jacobian: {name}")
        *rest, h = args
        due = torch.autograd.functional.jacobian(
            lambda h: net(*rest, h, squash)[1][-1], h
        )
        out, n = t.call(rnn_jacobian, *args), len(h)
        t.shape(out, (n, n), "what comes out by what goes in.")
        t.dtype(out, torch.float64, "that of the arguments.")
        scale = due.abs().max().clamp(max=1.0)
        why = "The derivative of the last state by the first one."
        ideas = None if told else jacobians(args, scale)
        t.close(out / scale, due / scale, why, told, ideas, tol=2e-11)
        gained(f"the gain: {name}", args, told)

    def gained(name, args, told=None):
        t.property(name)
        steps = factors(*args)
        due = gain(steps)
        try:
            out = t.call(log_gain, *args)
        except Stop as stop:  # by inf or nan, in what has worked so far
            if told and stop.outcome == "error":
                t.fail(told, why="A number.", got=stop.lines["got"])
            raise
        t.shape(out, (), "one number.")
        t.dtype(out, torch.float64, "that of the arguments.")
        lost = [k * math.log(10) / len(steps) for k in range(-400, -5)]
        ideas = {"underflow to zero": [-math.inf, *lost]} if due < 0 else None
        # Of one step the most of a product is the product of the most.
        ideas = gains(args, steps) if 1 < len(steps) < 40 else ideas
        ideas = None if told else ideas
        why = "The logarithm of the largest singular value, by T."
        below = 1e-8 < due - float(t.tensor(out)) < 0.03 * (1 + abs(due))
        near = "largest singular value not reached" if below else None
        t.close(out, due, why, told or near, ideas, tol=1e-8)

    def still(args, call):
        t.property("the same in inference mode")
        due = t.tensor(t.call(call, *args)).detach()
        told, why = "differentiated automatically", "There is no backward pass."
        with torch.inference_mode():
            try:
                out = t.tensor(t.guard(call, *(v.clone() for v in args))) + 0
            except Stop as stop:
                t.fail(told, why=why, got=stop.lines["got"])
        t.close(out, due, why, told, tol=1e-9)

    for n, m, steps in ((4, 3, 5), (3, 2, 8), (3, 2, 2), (4, 1, 1)):
        judged(f"{steps} steps" if steps > 1 else "one step", made(n, m, steps, 1.4))
    for n, m, steps in ((1, 1, 3), (1, 2, 1), (2, 5, 30), (6, 1, 12)):
        judged("other sizes", made(n, m, steps, 1.2, 0.3))
    args = made(4, 2, 5)
    still(args, rnn_jacobian)
    still(args, log_gain)
    w, u, b, x, _ = made(3, 2, 250)
    rest = [0 * u, 0 * b, x, torch.zeros(3).double()]
    turn = torch.linalg.qr(w)[0]
    skew = torch.tensor([[1.0, 2, 0], [0, 0.8, 2], [0, 0, 0.5]]).double()
    skew = turn @ skew @ turn.T
    near = turn @ torch.tensor([1.0, 0.99, 0.9]).double().diag()
    told = "largest singular value not reached"
    gained(
        "two gains that are nearly the same", [near, *rest[:2], x[:1], rest[3]], told
    )
    gained("a gain far below the smallest float", [0.03 * turn, *rest])
    gained("a gain far below the smallest float", [0.03 * skew, *rest])
    gained("a gain far above the largest float", [30 * turn, *rest])
    gained("a gain far above the largest float", [30 * skew, *rest])
    told, rest[2] = "rescaled too seldom", x[:100]
    for size in (1e-7, 1e7):
        gained("100 steps of seven orders each", [size * turn, *rest], told)
    rest[2] = x
    gained("1,000 steps", made(3, 2, 1000, 1.2, 0.2))
    one, two = made(3, 2, 300, 1.2, 0.2), made(2, 2, 300, 0.05, 1.0)
    both = [torch.cat([v, w]) for v, w in zip(one[1:], two[1:])]
    both = [torch.block_diag(one[0], two[0]), both[0], both[1], one[3], both[3]]
    gained("two parts, of which one dies sooner", both)
    w, u, b, x, h = made(3, 2, 3, 1.0, 0.2)
    b = t.away(3, low=14, high=16).double()
    told = "digits lost in saturated units"
    for size in (1, 2.5):
        judged("saturated units", [w, u, size * b, x, h], told)
    x = t.away(400, 1, low=0.8, high=1.6).double()
    x[200:] = 0
    args = 1.2 * turn, t.away(3, 1, low=4, high=6).double(), rest[1], x, rest[3]
    told = "one scale for all steps"
    gained("200 steps of strong inputs, 200 without", args, told)
