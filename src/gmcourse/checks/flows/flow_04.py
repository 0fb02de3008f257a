"""Exercise flow-04: Half of it never moves."""

import torch
from torch import nn

from .._exercise import Exercise
from ._shared_maps import along, pair

NEVER = "halves never take turns"
KEPT = "numbers kept from the last forward call"


@Exercise(
    id="flow-04",
    title="Half of it never moves",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=4,
    stub_mistake=NEVER,
    objectives=(
        "Find the mistakes of a stack of couplings that raise no error, by asking "
        "which outputs depend on which inputs.",
    ),
    statement=r"""
The program below is meant to be a stack of affine couplings for vectors of $d$ values
([Dinh et al., 2017](https://arxiv.org/abs/1605.08803)). The first layer keeps the first
$\lfloor d/2 \rfloor$ values and moves the others; each later one keeps what the layer
before it has moved, and moves what that one kept, all values staying at their
positions. A layer moves its values $v$ to $v \odot e^s + t$, where $s$ and $t$ are what
its own net makes of the values that it keeps: `s` is the first half of the net's
outputs, `t` the second. All $e^s$ and $e^{-s}$ fit into the type (their products need
not).

`Stack(d, layers, width)` is a `nn.Module`, with $d \ge 2$, even or odd, and one layer
or more. `forward(x)` takes `(b, d)` and gives the pair `(z, log_det)`, in which
`log_det`, `(b,)`, is $\log |\det \partial z / \partial x|$ of each row. `inverse(z)`
gives the `x` whose `z` this is, whatever was called before. The weights of all nets are
among the module's parameters, each net has its own, and each is a `nn.Sequential` with
one hidden layer of `width` units, as it stands there. Gradients flow through both
directions.

It runs, and what it trains never looks like the data. It is wrong in **three places**.
Repair them, and keep the interface.
""",
    stub='''
class Stack(nn.Module):
    def __init__(self, d, layers, width=32):
        super().__init__()
        self.half = d // 2
        self.nets = nn.ModuleList()
        for _ in range(layers):
            keep, move = self.half, d - self.half
            hidden, out = nn.Linear(keep, width), nn.Linear(width, 2 * move)
            self.nets.append(nn.Sequential(hidden, nn.Tanh(), out))

    def forward(self, x):
        """(b, d) -> (b, d) z, (b,) log |det dz/dx|."""
        for net in self.nets:
            keep, move = x[:, : self.half], x[:, self.half :]
            s, t = net(keep).chunk(2, dim=1)
            x = torch.cat([keep, move * s.exp() + t], dim=1)
            log_det = s.sum(1)
        return x, log_det

    def inverse(self, z):
        """(b, d) -> (b, d) the x whose z this is."""
        for net in self.nets:
            keep, move = z[:, : self.half], z[:, self.half :]
            s, t = net(keep).chunk(2, dim=1)
            z = torch.cat([keep, (move - t) * (-s).exp()], dim=1)
        return z
''',
    answers={"Stack": callable},
    hints=(
        "Give one row to `forward` and print it beside its `z`. Then the same with "
        "`torch.autograd.functional.jacobian`: which entries are 0, and which should "
        "be?",
        "With one layer everything is right but for the first mistake. What is right "
        "with one layer and wrong with two?",
        "Once the halves take turns, the nets of an odd $d$ are no longer of one size, "
        "and the way back has to know whose turn it was.",
    ),
    misconceptions={
        "no pair": "Two tensors are due, (z, log_det).",
        NEVER: "What every layer keeps is never moved: the model of these values is "
        "the normal density itself.",
        "halves turned around": "The first layer keeps the first values.",
        "larger part first": "The first layer keeps the smaller part of an odd number.",
        "log-determinants not added up": "The determinant of a product is the product "
        "of the determinants: the logarithms of all layers add up.",
        "layers undone in the wrong order": "What was done last is undone first.",
        "inverse of one layer wrong": "One layer alone is not undone by its inverse.",
        "positions exchanged": "Values stay at their positions, whoever's turn it is.",
        "odd number of values": "With an odd d the two halves are not equally long, "
        "and the nets of every second layer have other sizes.",
        "nets of another kind": "Each net is a nn.Sequential whose one hidden layer "
        "has `width` units.",
        KEPT: "The way back makes s and t anew, from what each layer keeps: its z "
        "need not come from the last call of forward, or from this module.",
        "scale and shift exchanged": "The first half of the outputs is s.",
        "scale bounded": "s is taken as it is, whatever its size.",
        "determinant made before its logarithm": "The product of the e^s leaves the "
        "type, where the sum of the s is a number like any other.",
        "scale left out": "Values are scaled and shifted.",
        "shift before the scale": "A value is scaled, then shifted.",
        "later layers do nothing": "All layers count, not the first ones alone.",
        "nets shared or not registered": "Each layer has a net of its own, and its "
        "weights are among the module's parameters.",
    },
)
def flow_04(t, Stack):
    def made(d, layers, edge=None):
        """A stack in float64 whose weights and biases are all away from 0."""
        how = (lambda *a: t.edge(edge, *a)) if edge else t.call
        stack = how(Stack, d, layers, 4).double()
        name, got = "nets shared or not registered", "The module has no parameters."
        t.true(list(stack.parameters()), "Those of all nets.", got, name)
        with torch.no_grad():
            for p in stack.parameters():
                p.copy_(t.away(*p.shape, low=0.1, high=0.4))
        return stack

    def run(stack, x, edge=None):
        out = t.edge(edge, stack.forward, x) if edge else t.call(stack.forward, x)
        z, log_det = pair(t, out, "(z, log_det)")
        t.shape(z, x.shape, "that of x.")
        alone = {
            "not summed over the dimensions": (len(x), x.shape[1] - x.shape[1] // 2),
            "batch axis lost": [()] * (len(x) == 1),
            "reduced over the batch": [()],
        }
        t.shape(log_det, (len(x),), "one for each row.", ideas=alone)
        return z, log_det

    def slopes(stack, x):
        """The Jacobian of each row."""

        def columns(x):
            return t.tensor(t.call(stack.forward, x)[0]).sum(0)

        return torch.autograd.functional.jacobian(columns, x).movedim(1, 0)

    def expected(d, layers, turned=False, more=0):
        """Which outputs depend on which inputs."""
        first = (torch.arange(d) < d // 2 + more) ^ turned
        seen = torch.eye(d).bool()
        for i in range(layers):
            keep = first ^ bool(i % 2)
            seen = seen | (~keep[:, None] & (seen & keep[:, None]).any(0))
        return seen

    def one_layer(stack, x, z):
        """z by the net itself, where there is but one."""
        t.property("one layer moves the last values to v e^s + t", of=z)
        nets = [m for m in stack.modules() if isinstance(m, nn.Sequential)]
        wide = [m[0].out_features for m in nets if isinstance(m[0], nn.Linear)]
        got = f"{len(nets)} nn.Sequential, hidden units {wide}"
        t.true(wide == [4], "One, with 4 units.", got, "nets of another kind")
        half = x.shape[1] // 2
        s, shift = nets[0](x[:, :half]).detach().tensor_split(2, 1)
        v, e = x[:, half:], s.exp()
        bounds = [
            (c * (s / c).tanh()).exp() for c in (0.5, 1, 2, 3, 5, 10, 20, 50, 100)
        ]
        bounds += [s.sigmoid(), (s + 2).sigmoid()]
        bounds += [s.clamp(-c, c).exp() for c in (0.5, 1, 2)]
        ideas = {
            "scale and shift exchanged": torch.addcmul(s, v, shift.exp()),
            "scale left out": v + shift,
            "shift before the scale": (v + shift) * e,
            "scale bounded": [torch.addcmul(shift, v, c) for c in bounds],
        }
        due = torch.addcmul(shift, v, e)
        t.close(z[:, half:], due, "By the net itself.", None, ideas, 1e-9)

    def judged(d, layers, told, edge=None):
        """All that is asked of a stack; ``told`` are names of what can be wrong."""
        x = t.away(4, d, low=0.3, high=1.5).double()
        size = f"{d} values, {layers} layer{'s' * (layers > 1)}"
        t.property(f"who depends on whom: {size}")
        stack = made(d, layers, edge)
        z, log_det = run(stack, x, edge)
        jac, due = slopes(stack, x), expected(d, layers)
        got = (jac.abs() > 1e-12).any(0)
        lines = {
            NEVER: layers > 1 and torch.equal(got, expected(d, 1)),
            "halves turned around": torch.equal(got, expected(d, layers, True)),
            "larger part first": torch.equal(got, expected(d, layers, more=d % 2)),
            "later layers do nothing": torch.equal(
                got, expected(d, min(layers, 3) - 1)
            ),
            "positions exchanged": not got.diagonal().all(),
        }
        name = next((k for k, v in lines.items() if v), edge)
        text = f"{int((got != due).sum())} of {d * d} pairs of values are other ones"
        t.property(f"who depends on whom: {size}", of=z)
        t.true(torch.equal(got, due), "As the layers take turns.", text, name)
        if layers == 1:
            one_layer(stack, x, z)
        t.property(f"log-determinant of the Jacobian: {size}", of=log_det)
        due = torch.linalg.slogdet(jac).logabsdet
        ideas = {
            "log-determinant of the inverse": -due,
            "mean over the dimensions": [due / d, due / (d - d // 2)][: 3 - layers],
            "determinant in place of its logarithm": due.exp(),
            "reduced over the batch": [due.sum().expand(4), due.mean().expand(4)],
        }
        t.close(log_det, due, "By automatic differentiation.", told[0], ideas, 1e-9)
        t.property(f"there and back again: {size}")
        back = t.call(stack.inverse, t.tensor(z).detach())
        t.close(back, x, "inverse undoes forward.", told[1], tol=1e-7)

    def extreme(way):
        """One layer whose s are ``way``, nearly, and a batch of one."""
        stack, x = made(4, 1), t.away(1, 4, low=0.3, high=1.5).double()
        net = next(m for m in stack.modules() if isinstance(m, nn.Sequential))
        with torch.no_grad():
            net[-1].bias[:2] += way
            s, shift = net(x[:, :2]).tensor_split(2, 1)
        name = f"one layer whose s are near {way}"
        t.property(name)
        z, log_det = run(stack, x)
        due = torch.addcmul(shift, x[:, 2:], s.exp())
        t.close(z[:, 2:], due, "By the net itself.", "scale bounded", tol=1e-9)
        t.property(f"log-determinant: {name}", of=log_det)
        told = "determinant made before its logarithm"
        t.finite(log_det, "The sum of two numbers.", told)
        t.close(log_det, s.sum(1), "The sum of the s.", None, tol=1e-9)
        t.property(f"inverse: {name}")
        y = t.tensor(z).detach() if way > 0 else x
        back = t.tensor(t.call(stack.inverse, y))
        due = (y[:, 2:] - shift) * (-s).exp()
        t.close(back[:, 2:], due, "By the net itself.", "scale bounded", tol=1e-9)

    judged(6, 1, (None, "inverse of one layer wrong"))
    told = "log-determinants not added up", "layers undone in the wrong order"
    for layers in (2, 3, 4):
        judged(4, layers, told)
    odd = "odd number of values"
    judged(5, 1, (None, "inverse of one layer wrong"), odd)
    for d, layers in ((3, 2), (5, 3), (3, 3), (2, 3)):
        judged(d, layers, told, odd if d % 2 else None)

    t.property("the inverse of a z that another call gave")
    x, other = (t.away(4, 5, low=0.3, high=1.5).double() for _ in range(2))
    first, second = made(5, 3), made(5, 3)
    second.load_state_dict(first.state_dict())
    z = t.tensor(run(first, x)[0]).detach()
    run(first, other)
    for stack in (first, second):
        back = t.edge(KEPT, stack.inverse, z)
        t.close(back, x, "inverse undoes forward.", KEPT, tol=1e-7)
    extreme(500)
    extreme(-500)
    t.property("each layer has a net of its own, among the parameters")
    counts = [sum(p.numel() for p in made(4, n).parameters()) for n in (2, 6)]
    why = "Three times the layers have three times the numbers."
    text = f"{counts[0]} numbers with 2 layers, {counts[1]} with 6"
    same = counts[1] == 3 * counts[0]
    t.true(same, why, text, "nets shared or not registered")

    def both(stack, x):
        return *run(stack, x), t.tensor(t.call(stack.inverse, x))

    stack, x = made(5, 4), t.away(4, 5, low=0.3, high=1.5).double()
    leaves = [*stack.parameters(), x.requires_grad_()]
    along(t, lambda: both(stack, x), leaves, ("z", "log_det", "the inverse"))
