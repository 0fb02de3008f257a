"""Exercise flow-03: Every second value."""

from itertools import chain

import torch
from torch import nn

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_maps import in_float32, pair


@Exercise(
    id="flow-03",
    title="Every second value",
    difficulty=2,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Write both directions of an affine coupling and its log-determinant, for any "
        "net and another mask than halves.",
    ),
    statement=r"""
A coupling need not cut a vector into halves. Here the values at the *odd* positions
stay, counted from 0 ($x_1, x_3, \ldots$), and say how those at the *even* ones
($x_0, x_2, \ldots$) are moved
([Dinh et al., 2017](https://arxiv.org/abs/1605.08803)):

$$
z_\mathrm{odd} = x_\mathrm{odd}, \qquad
z_\mathrm{even} = x_\mathrm{even} \odot e^{s} + t, \qquad
(s, t) = \mathrm{net}(x_\mathrm{odd}) .
$$

Write `forward(net, x)`, which gives the pair `(z, log_det)`, and `inverse(net, z)`,
which gives `x`. `x` and `z` are `(b, d)` with $d \ge 2$, even or odd, and each value
keeps its position. `log_det` is $\log |\det \partial z / \partial x|$ of each row,
`(b,)`. With $m$ even and $p$ odd positions, `net` takes `(b, p)` and gives `(b, 2 m)`:
first all of $s$, then all of $t$, both in the order of the positions, and as they are,
also large ones (as long as $e^s$ and $e^{-s}$ fit into the type). `net` may be any
module and is never inverted. Everything is of one type, float32 or float64, to the
digits of the type (the determinant itself need not fit into it). Gradients flow to
`x`, to `z` and to the weights of `net`, both ways.
""",
    stub='''
def forward(net, x):
    """(b, d) -> (b, d) z, (b,) log |det dz/dx|."""
    return ..., ...


def inverse(net, z):
    """(b, d) -> (b, d) the x whose z this is."""
    return ...
''',
    answers={"forward": callable, "inverse": callable},
    hints=(
        "`x[:, 1::2]` are the values at the odd positions, `x[:, 0::2]` those at the "
        "even ones. Of which does an odd $d$ have more?",
        "Two tensors are laced by assignment into a new one, `z[:, 0::2] = ...`. An "
        "assignment into `x` itself would change what the caller still needs.",
        "The Jacobian of this map, with its rows and columns sorted by parity, is "
        "triangular: what stands on its diagonal?",
    ),
    misconceptions={
        "no pair": "Two tensors are due, (z, log_det).",
        "mask exchanged": "Odd positions stay, and even ones are moved; the first "
        "position is 0.",
        "halves in place of every second value": "It is the parity of its position "
        "that decides on a value.",
        "moved values given to the net": "The way back knows only what has stayed.",
        "scale and shift exchanged": "The first m outputs are s, the last m are t.",
        "outputs of the net laced": "First all of s, then all of t.",
        "shift before the scale": "Forward, a value is scaled and then shifted.",
        "shift subtracted": "Forward, t is added.",
        "sign of the log-scale": "Forward, values are multiplied by exp(s).",
        "scale not exponentiated": "s is the logarithm of the scale.",
        "scale bounded": "s and t are taken as they are, whatever their size.",
        "one the wrong way around": "Forward is from x to z: times exp(s), plus t.",
        "values joined in another order": "Each value keeps its position.",
        "shifts in the log-determinant": "A shift changes no volume.",
        "inverse in the wrong order": "What was done last is undone first.",
        "inverse like forward": "The way back takes t away, and divides by exp(s).",
        "epsilon in the inverse": "exp(s) is never 0, and where it is small a constant "
        "beside it is large.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "determinant made before its logarithm": "It overflows, or is 0, where its "
        "logarithm is a number like any other.",
        "odd number of values": "With an odd d one more is moved than stays.",
    },
)
def flow_03(t, forward, inverse):
    def problem(b, d, size=1.0, kind=torch.float64):
        """A net, and x that is not small."""
        net = Net(t, d // 2, 2 * (d - d // 2), size).to(kind)
        return net, t.away(b, d, low=0.3, high=2.5).to(kind)

    def swaps(net, v, back):
        """What mistakes give for a row of values, one way or the other."""
        d, odd = v.shape[1], torch.arange(v.shape[1]) % 2 == 1
        stays = {"": odd, "halves in place of every second value": at_first(odd)}
        stays |= {"mask exchanged": ~odd} if d % 2 == 0 else {}
        sees = {"": lambda stay, move: stay}
        if d % 2 == 0:
            sees["moved values given to the net"] = lambda stay, move: move
        reads = {
            "": lambda out: out.tensor_split(2, 1),
            "scale and shift exchanged": lambda out: out.tensor_split(2, 1)[::-1],
            "outputs of the net laced": lambda out: (out[:, ::2], out[:, 1::2]),
        }
        scales = {
            "": torch.exp,
            "scale not exponentiated": [lambda s: s, torch.abs, nn.Softplus()],
            "scale bounded": [
                *(lambda s, c=c: (c * (s / c).tanh()).exp() for c in (1, 2, 3, 5)),
                *(lambda s, c=c: s.clamp(-c, c).exp() for c in (1, 2, 3, 5, 7, 10)),
                *(lambda s, c=c: (s + c).sigmoid() for c in (0, 2)),
            ],
        }
        ways = {
            "": lambda v, e, t: torch.addcmul(t, v, e),
            "shift before the scale": lambda v, e, t: v * e + t * e,
            "shift subtracted": lambda v, e, t: v * e - t,
            "sign of the log-scale": lambda v, e, t: v / e + t,
            "one the wrong way around": lambda v, e, t: (v - t) / e,
        }
        if back:
            ways = {
                "": ways["one the wrong way around"],
                "inverse like forward": ways[""],
                "inverse in the wrong order": lambda v, e, t: v / e - t,
                "shift subtracted": lambda v, e, t: (v + t) / e,
                "sign of the log-scale": lambda v, e, t: v * e - t * e,
            }
        joins = {
            "": lambda stay, move, at: lace(stay, move, at),
            "values joined in another order": [
                lambda stay, move, at: torch.cat([stay, move], 1),
                lambda stay, move, at: torch.cat([move, stay], 1),
                lambda stay, move, at: (
                    torch.stack([stay, move], 2).flatten(1)
                    if stay.shape == move.shape
                    else lace(stay, move, at)
                ),
            ],
        }

        def make(at, see, read, scale, way, join):
            stay, move = v[:, at], v[:, ~at]
            s, t = read(net(see(stay, move)))
            return join(stay, way(move, scale(s), t), at)

        return make, (stays, sees, reads, scales, ways, joins)

    def right(net, v, back=False):
        make, parts = swaps(net, v, back)
        return make(*(part[""] for part in parts))

    def of_logs(net, x):
        """The logarithms of the scales, and what mistakes make of the sum."""
        s, shift = net(x[:, 1::2]).tensor_split(2, 1)
        due = torch.einsum("bi->b", s)
        return due, {
            "log-determinant of the inverse": -due,
            "determinant in place of its logarithm": [due.exp(), s.exp().sum(1)],
            "mean over the dimensions": [due / s.shape[1], due / x.shape[1]],
            "shifts in the log-determinant": [due + shift.sum(1), shift.sum(1)],
            "reduced over the batch": [
                *(v.expand_as(due) for v in (due.sum(), due.mean(), due[:1])),
                due / len(due),
            ],
        }

    def digits(out, due):
        return in_float32(t.tensor(out), due)

    @torch.no_grad()
    def nearly(net, v, due, last=None):
        """Mistakes of a few digits; of the way back if forward saw ``last``."""
        stay, move, odd = v[:, 1::2], v[:, 0::2], torch.arange(v.shape[1]) % 2 == 1
        s, shift = net(stay).tensor_split(2, 1)

        def made(e, shift=shift):
            e = e.to(v)
            moved = move * e + shift if last is None else (move - shift) / e
            return lace(stay, moved, odd)

        if v.dtype == torch.float64:
            single = s.float().exp(), s.exp().float(), 1 / (-s).float().exp().double()
            yield "float32 in between", [made(e) for e in single]
        if last is not None:
            added = [made(s.exp() + 10.0**-c) for c in range(2, 14)]
            added = [w for w in added if not torch.allclose(w, due, 1e-8, 1e-8)]
            yield "epsilon in the inverse", added
            s, shift = net(last[:, 1::2]).tensor_split(2, 1)
            yield "result of an earlier call", made(s.exp(), shift)

    def judged(name, net, x, tol=1e-9, edge=None):
        why = "x e^s + t at even positions, x at odd ones."
        t.property(f"forward: {name}")
        call = (
            (lambda *a: t.edge(edge, *a)) if edge == "odd number of values" else t.call
        )
        z, log_det = pair(t, call(forward, net, x), "(z, log_det)")
        b, d = x.shape
        t.shape(z, (b, d), "that of x.")
        t.dtype(z, x.dtype, "that of x.")
        alone = {
            "batch axis lost": [()] * (b == 1),
            "not summed over the dimensions": [(b, d), (b, d - d // 2)],
            "reduced over the batch": [(), (1,)],
        }
        t.shape(log_det, (b,), "one for each row.", ideas=alone)
        given = [] if edge else ideas(net, x, False)
        due = right(net, x).detach()
        given = chain([digits(z, due)], nearly(net, x, due), given)
        t.close(z, due, why, edge, given, tol)
        due, found = of_logs(net, x)
        found = chain([digits(log_det, due.detach())], found.items())
        t.property(f"log-determinant: {name}", of=log_det)
        told = "The sum of the log-slopes.", edge, None if edge else found, tol
        t.close(log_det, due.detach(), *told)
        t.property(f"inverse: {name}")
        back = call(inverse, net, -x)
        t.shape(back, (b, d), "that of z.")
        given = [] if edge else ideas(net, -x, True)
        due = right(net, -x, True).detach()
        given = chain([digits(back, due)], nearly(net, -x, due, x), given)
        t.close(back, due, "x where this is z.", edge, given, tol)
        return z, log_det, back

    def ideas(net, v, back):
        make, choices = swaps(net, v, back)
        yield from mistakes(lambda *c: make(*c).detach(), *choices, most=1, tol=1e-3)

    b = t.integer(3, 5)
    net, x = problem(b, 6)
    judged("six values", net, x)
    judged("other values", net, t.away(b, 6, low=0.3, high=2.5).double())
    judged("another net", problem(b, 6)[0], x)
    for b, d in ((4, 7), (3, 3)):
        judged(f"{d} values", *problem(b, d), edge="odd number of values")
    for b, d in ((1, 4), (3, 2), (1, 2)):
        judged(f"{b} rows of {d} values", *problem(b, d))
    net, x = problem(4, 6, 25.0)
    net.c.data = net.c.detach().abs() * torch.tensor([1, -1, 1, -1, 1, -1])
    net.c.data[:2] = torch.tensor([60, -60])
    judged("large s and t, to ten digits", net, x, 1e-10, "scale bounded")
    for sign in (1, -1):
        net, x = problem(3, 80, 30.0)
        net.c.data = net.c.detach().abs() * sign
        told = "determinant made before its logarithm"
        name = f"a determinant too {'large' if sign > 0 else 'small'} for float64"
        judged(name, net, x, 1e-10, told)
    judged("float32", *problem(4, 6, kind=torch.float32), 1e-4)

    net, x = problem(4, 5)
    x.requires_grad_()
    z, log_det, back = judged("five values", net, x)
    due = right(net, x), of_logs(net, x)[0], right(net, -x, True)
    names = "z", "log_det", "the inverse"
    for out, exact, name in zip((z, log_det, back), due, names):
        t.property(f"gradients of {name}, by the input and the weights", of=out)
        weight = t.uniform(*exact.shape, low=0.5, high=2).double()
        for wrt in (x, net.w, net.c):
            got, told = t.grad(out, wrt, weight), "That of the formula."
            slope = t.grad(exact, wrt, weight)
            t.close(got, slope, told, "cut off from the graph", tol=1e-7)

    odd = torch.arange(5) % 2 == 1
    mask = torch.eye(5).bool() | (~odd[:, None] & odd)
    both = lambda x: forward(net, x), lambda z: inverse(net, z)
    t.layer(*both, x.detach(), mask=mask, tol=1e-8)


class Net(nn.Module):
    """A curve with known weights, whose outputs are far from 0."""

    def __init__(self, t, into, out, size):
        super().__init__()
        self.w = nn.Parameter(t.away(into, out, low=0.3, high=0.9))
        self.c = nn.Parameter(t.away(out, low=0.4, high=1.1) * size)

    def forward(self, x):
        return (x @ self.w).sin() + self.c


def at_first(odd):
    """As many, in front."""
    return torch.arange(len(odd)) < odd.sum()


def lace(stay, move, at):
    """Both at their positions."""
    places = torch.cat([at.nonzero()[:, 0], (~at).nonzero()[:, 0]])
    return torch.cat([stay, move], 1)[:, places.argsort()]
