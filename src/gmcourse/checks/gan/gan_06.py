"""Exercise gan-06: Two turns."""

import copy
from itertools import chain
from typing import Any

import torch
from torch import nn

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes

WAITS = "critic moved in the generator's turn", "generator moved in the critic's turn"


@Exercise(
    id="gan-06",
    title="Two turns",
    difficulty=2,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Let each player of a game move by its own gradient alone, whatever the other "
        "has left behind.",
    ),
    statement=r"""
Some code keeps **one optimizer for both players**: it holds all weights of the
generator and of the critic. Then nothing but the gradients decides who moves, and the
game has the hinge loss here. Write

- `critic_turn(generator, critic, x, z, optimizer)`: one step of the critic on
  $\frac1n \sum_i \max(0, 1 - f(x_i))$ plus
  $\frac1m \sum_j \max(0, 1 + f(g(z_j)))$,
- `generator_turn(generator, critic, z, optimizer)`: one step of the generator on
  $-\frac1m \sum_j f(g(z_j))$.

`x` holds $n$ examples, `z` holds $m$ noises, and $n \ne m$ is allowed. `critic` gives
`(b, 1)`. Both functions return the loss as it was before the step, a number (a float or
a tensor without axes). They make exactly one `optimizer.step()`, with the noise that
they are given, and each call changes the weights of its player only: those of the other
stay *exactly* as they were (buffers such as running statistics may change).

Before a call any weight, also a frozen one, may hold a gradient of an earlier turn: it
must not count. The optimizer may have a momentum. It does not move the player that
waits, and it survives: in its next turn a player goes on from its own last one, as if
the turns of the other had not been. Some weights of a player, never all, may be frozen
(`requires_grad` is false): they stay where they are, and frozen, the others free.
Neither network changes its mode (`train` or `eval`), and both are used in the mode in
which they are. The critic may see `x` and what is made in one pass or in two.
""",
    stub='''
def critic_turn(generator, critic, x, z, optimizer):
    """One step of the critic -> its loss before the step."""
    return ...


def generator_turn(generator, critic, z, optimizer):
    """One step of the generator -> its loss before the step."""
    return ...
''',
    answers={"critic_turn": callable, "generator_turn": callable},
    hints=(
        "An optimizer passes over the weights whose `.grad` is `None`, and moves all "
        "others. So at `optimizer.step()` the weights of the player that waits must "
        "have none.",
        "A gradient of zeros is a gradient: a momentum goes on with it. Look at what "
        "`zero_grad` does by default, and at `set_to_none=False`.",
        "In the generator's turn the critic's weights get gradients on the way. Either "
        "take them away before the step, or ask `torch.autograd.grad` for those of the "
        "generator alone.",
    ),
    misconceptions={
        "generator moved in the critic's turn": "The critic's loss has a gradient for "
        "the generator, too: it would help the critic. Examples are made without a "
        "graph in this turn.",
        "critic moved in the generator's turn": "The generator's gradient goes through "
        "the critic, and leaves one in each of its weights: with this optimizer they "
        "move too.",
        "no step made": "The weights of the player are as they were: step() comes "
        "after backward(), with no zero_grad() between them.",
        "generator cut off from its loss": "The examples were detached in the turn "
        "that is the generator's own.",
        "gradients of earlier turns count": "backward() adds to what is there: a "
        "gradient of another turn is still in the sum.",
        "gradients of zero in place of none": "A momentum moves on where the gradient "
        "is zero, and stops only where there is none.",
        "momentum of the player that waits": "It was stepped and put back: its weights "
        "are the old ones, the optimizer's memory of it is not.",
        "real and made exchanged": "The critic wants f large at the data, and small at "
        "what was made.",
        "frozen weight moved by an old gradient": "A step moves all that holds a "
        "gradient, whether or not it is frozen: wipe those of all weights.",
        "hinge of the mean value": "Each example has a margin of its own: the mean "
        "comes after the maximum.",
        "examples left out": "All n examples and all m noises count, also where the "
        "batches differ in size.",
        "margin left out": "Beyond a margin of 1 an example counts for nothing.",
        "margin of another size": "The margin is 1, on either side.",
        "only half of the loss": "Both the data and what was made count.",
        "one mean over both batches": "Each of the two batches has a mean of its own: "
        "n and m differ.",
        "loss of another game": "The hinge loss is asked for.",
        "margin in the generator's loss": "The generator's loss has none: it always "
        "gains by a larger value.",
        "other noise than what was given": "The noise is an argument: draw none.",
        "more than one step": "One step is due.",
        "loss after the step": "The loss is that of before the step.",
        "memory of the optimizer lost": "A player's momentum goes on from its own last "
        "turn: nothing of the optimizer's state is cleared or switched off.",
        "a step of its own": "The optimizer that is given makes the step, once.",
    },
)
def gan_06(t, critic_turn, generator_turn):
    n, m, rate = 5, 7, t.integer(5, 9) / 100
    modes: list[bool] = []

    class Net(nn.Module):
        """A small network with a frozen weight, which notes its modes."""

        def __init__(self, inside, outside, gain):
            super().__init__()
            self.w = nn.Parameter(t.away(inside, 4, low=0.2, high=0.9))
            self.v = nn.Parameter(gain * t.away(4, outside, low=0.4, high=0.9))
            self.c = nn.Parameter(t.away(outside, low=0.1, high=0.3), False)

        def forward(self, x):
            modes.append(self.training)
            return (x @ self.w).tanh() @ self.v + self.c

    class Steps(torch.optim.SGD):
        """Counts its steps."""

        taken = 0

        def step(self, closure=None):
            self.taken += 1
            return super().step(closure)

    def begin(momentum=0.0):
        nets = Net(2, 3, 1.5), Net(3, 1, 2.2)
        weights = [p for net in nets for p in net.parameters()]
        return nets, Steps(weights, lr=rate, momentum=momentum)

    def flat(net):
        return torch.cat([p.detach().flatten().clone() for p in net.parameters()])

    def slope(nets, loss, who):
        """The gradient of a loss by the weights of one player, 0 for the frozen."""
        value, own = loss(*nets), nets[who]
        by = [t.grad(value, own.w), t.grad(value, own.v), 0 * own.c.detach()]
        return torch.cat([v.flatten() for v in by]).double()

    def play(who, nets, x, z, optimizer):
        """The loss of a turn, and by how much either player's weights moved."""
        before = [flat(net) for net in nets]
        modes.clear()
        turn = (critic_turn, *nets, x, z) if who else (generator_turn, *nets, z)
        out = t.tensor(t.call(*turn, optimizer)).detach()
        t.shape(out, (), "a float, or a tensor without axes.")
        return out, [flat(v) - w for v, w in zip(nets, before)]

    def spread(k, width, net, low=0):
        """Rows whose values lie on both sides of both margins; or the larger ones."""
        rows = t.normal(40, width, std=2.0)
        order = net(rows).detach()[:, 0].sort().indices
        return rows[order[torch.linspace(low, 39, k).long()]]

    def sure(k, net):
        """The same, with a mean beyond the margin: all but one lie far above it."""
        rows = t.normal(80, 3, std=2.0)
        values, order = net(rows).detach()[:, 0].sort()
        for low in range(80):
            picked = torch.linspace(low, 79, k).long()
            picked[0] = (values < 0.5).sum() - 1
            if values[picked].mean() > 1.3:
                break
        return rows[order[picked].flip(0)]  # the last one counts

    def alone(who, player, other):
        t.property(f"the {player}'s turn: one step")
        nets, optimizer = begin()
        x, z = sure(n, nets[1]), spread(m, 2, lambda v: nets[1](nets[0](v)), 15)
        z[0] = spread(2, 2, lambda v: nets[1](nets[0](v)))[0]
        losses, *parts = critic_losses(x, z) if who else generator_losses(z)
        right = losses(*(part[""] for part in parts))
        old, free = copy.deepcopy(nets), flags(nets)
        out, moved = play(who, nets, x, z, optimizer)
        cut = who == 0 and moved[1].any()
        idle = "generator cut off from its loss" if cut else "no step made"
        why, got = f"The {player} moves.", "Its weights are as they were."
        t.true(moved[who].any(), why, got, idle)
        frozen = moved[who][-len(nets[who].c) :]
        why, name = "What was frozen stays where it is.", "weights frozen or thawed"
        t.true(not frozen.any(), why, "It moved.", name)
        taken = optimizer.taken
        name = "more than one step" if taken else "a step of its own"
        t.true(taken == 1, "One call of step().", f"{taken} calls", name)
        t.property(f"the {player}'s turn: the {other} stays as it is")
        got = f"It moved by {moved[1 - who].norm():.3g}."
        t.true(not moved[1 - who].any(), "None of its weights moves.", got, WAITS[who])

        t.property(f"the {player}'s turn: its own gradient, and its loss")
        again = copy.deepcopy(old)
        weights = [p for net in again for p in net.parameters()]
        twice = play(who, again, x, z, Steps(weights, lr=rate))[1][who]
        drawn = None
        if far(twice.double(), moved[who], 1e-4).any():
            drawn = "other noise than what was given"
        ideas = mistakes(lambda *c: slope(old, losses(*c), who), *parts)
        why = f"By how much they moved, divided by -{rate}: the gradient of the loss."
        due = slope(old, right, who)
        t.close(-moved[who] / rate, due, why, drawn, ideas, tol=1e-4)
        ideas = mistakes(lambda *c: losses(*c)(*old).detach(), *parts)
        late = {"loss after the step": right(*nets).detach()}
        told = "The loss before the step.", drawn, chain(late.items(), ideas)
        t.close(out, right(*old).detach(), *told, tol=2e-5)

        t.property(f"the {player}'s turn: what was frozen stays frozen, and the rest")
        t.true(
            flags(nets) == free, "As before.", "Another.", "weights frozen or thawed"
        )
        t.property(f"the {player}'s turn: in the modes of the caller")
        for wanted in (True, False), (False, True), (False, False):
            for net, mode in zip(nets, wanted):
                net.train(mode)
            play(who, nets, x, z, optimizer)
            kept = (nets[0].training, nets[1].training) == wanted
            kept = kept and set(modes) == set(wanted)
            t.true(kept, "They stay as they are.", "Another mode.", "mode changed")

        t.property(f"the {player}'s turn: after other turns")
        nets, optimizer = begin()
        for p in (p for net in nets for p in net.parameters()):
            p.grad = t.away(*p.shape, low=0.5, high=2)
        # Now the data are more than the noises.
        x, z = (
            spread(m, 3, nets[1]).flip(0),
            spread(n, 2, lambda v: nets[1](nets[0](v))),
        )
        losses, *parts = critic_losses(x, z) if who else generator_losses(z)
        right = losses(*(part[""] for part in parts))
        due, value = slope(nets, right, who), right(*nets).detach()
        old = copy.deepcopy(nets)
        ideas = mistakes(lambda *c: losses(*c)(*old).detach(), *parts)
        out, moved = play(who, nets, x, z, optimizer)
        t.close(out, value, f"{m} examples, {n} noises.", ideas=ideas, tol=2e-6)
        name, why = "gradients of earlier turns count", "Gradients that lay there."
        ends = [len(v) - len(net.c) for v, net in zip(moved, nets)]
        free = [v[:k] for v, k in zip(moved, ends)]
        held = [v[k:] for v, k in zip(moved, ends)]
        got = f"The {other} moved by {free[1 - who].norm():.3g}."
        t.true(not free[1 - who].any(), why, got, name)
        t.close(-free[who] / rate, due[: ends[who]], why, name, tol=1e-4)
        name, why = "frozen weight moved by an old gradient", "It stays where it is."
        got = "A frozen weight moved that holds a gradient."
        t.true(not torch.cat(held).any(), why, got, name)

    alone(1, "critic", "generator")
    alone(0, "generator", "critic")

    t.property("turns with a momentum: a player that waits does not move")
    nets, optimizer = begin(momentum=0.9)
    x, z = t.normal(n, 3, std=2.0), spread(m, 2, lambda v: nets[1](nets[0](v)), 30)
    speed: list[Any] = [0.0, 0.0]
    for who in 1, 0, 1, 1, 0, 0, 1:
        losses, *parts = critic_losses(x, z) if who else generator_losses(z)
        loss = losses(*(part[""] for part in parts))
        own = slope(nets, loss, who)
        speed[who] = 0.9 * speed[who] + own
        value = loss(*nets).detach()
        out, moved = play(who, nets, x, z, optimizer)
        got = f"It moved by {moved[1 - who].norm():.3g}."
        name, why = "gradients of zero in place of none", "None of its weights moves."
        t.true(not moved[1 - who].any(), why, got, name)
        why = "Its gradients of this and of its own earlier turns, each times 0.9 more."
        ideas = {"memory of the optimizer lost": own}
        name = "momentum of the player that waits"
        t.close(-moved[who] / rate, speed[who], why, name, ideas, tol=1e-3)
        t.close(out, value, "The loss, where it is negative, too.", "sign flipped")


def flags(nets):
    return [p.requires_grad for net in nets for p in net.parameters()]


def critic_losses(x, z):
    """The critic's loss of two networks, as parts that can be wrong."""
    n, m, k = len(x), len(z), min(len(x), len(z))

    def short(values, margin=1.0):
        """What is missing to a margin, summed."""
        return (margin - values)[values < margin].sum()

    shapes = {
        "": short,
        "hinge of the mean value": lambda v: (1 - v.mean()).relu() * len(v),
        "margin left out": [lambda v: -v.sum(), lambda v: (1 - v).sum()],
        "margin of another size": [lambda v, c=c: short(v, c) for c in (0.0, 0.5, 2.0)],
        "loss of another game": [
            lambda v: -v.sigmoid().log().sum(),
            lambda v: (1 - v).square().sum(),
            lambda v: (1 - v).square().sum() / 2,
        ],
    }
    turns = {"": 1, "real and made exchanged": -1}
    shares = {
        "": (1, 1),
        "only half of the loss": [(1, 0), (0, 1)],
        "sign flipped": (-1, -1),
        "off by a factor of two": [(2, 2), (0.5, 0.5)],
    }
    ends = {
        "": lambda n, m: (n, m),
        "sum over the batch": lambda n, m: (1, 1),
        "one mean over both batches": [
            lambda n, m: (n + m, n + m),
            lambda n, m: ((n + m) / 2, (n + m) / 2),
            lambda n, m: (n, n),
            lambda n, m: (m, m),
        ],
    }
    cuts = {"": (n, m), "examples left out": [(k, k), (n - 1, m), (n, m - 1)]}

    def losses(shape, turn, share, end, cut):
        def loss(generator, critic):
            end_x, end_z = end(*cut)
            ours = shape(turn * critic(x[: cut[0]])) * share[0] / end_x
            values = critic(generator(z[: cut[1]]))
            return ours + shape(-turn * values) * share[1] / end_z

        return loss

    return losses, shapes, turns, shares, ends, cuts


def generator_losses(z):
    """That of the generator."""
    shapes = {
        "": lambda v: -v.sum(),
        "sign flipped": lambda v: v.sum(),
        "margin in the generator's loss": [
            lambda v: (1 - v)[v < 1].sum(),
            lambda v: (1 + v)[v > -1].sum(),
            lambda v: (1 - v).sum(),
            lambda v: -v[v < 0].sum(),
            lambda v: (1 - v.mean()).relu() * len(v),
        ],
        "loss of another game": [
            lambda v: -v.sigmoid().log().sum(),
            lambda v: (1 - v.sigmoid()).log().sum(),
            lambda v: (1 - v).square().sum(),
            lambda v: (1 - v).square().sum() / 2,
        ],
    }
    ends = {
        "": lambda m: m,
        "sum over the batch": lambda m: 1,
        "off by a factor of two": [lambda m: m / 2, lambda m: 2 * m],
    }
    cuts = {"": len(z), "examples left out": [len(z) - 1, 5]}

    def losses(shape, end, cut):
        def loss(generator, critic):
            return shape(critic(generator(z[:cut]))) / end(len(z[:cut]))

        return loss

    return losses, shapes, ends, cuts
