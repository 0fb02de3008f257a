"""Exercise gan-09: A GAN that does not learn."""

import copy

import torch
from torch import nn
from torch.distributions import Normal, Uniform

from .._exercise import Exercise
from .._parts import mistakes

D_Z = 3
STALE = "gradients of earlier turns count", "gradients of the generator's turn count"


@Exercise(
    id="gan-09",
    title="A GAN that does not learn",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    stub_mistake="noise drawn once",
    objectives=("Find the mistakes of a training loop that raises no error.",),
    statement=r"""
The program below is meant to train a generator and its critic in turn. In each round it
takes one batch `x`, $b$ examples (any number), from the iterator `batches`. The critic
makes one step on the sum of $-\frac1b \sum_i \log D(x_i)$ and
$-\frac1b \sum_i \log(1 - D(g(z_i)))$;
then the generator makes one on the non-saturating loss
$-\frac1b \sum_i \log D(g(z_i))$. Each turn draws $b$ noises of its own, standard
normal, `(b, d)`.

`critic` gives logits, `(b, 1)`, of moderate size. `optimizer(parameters)` makes an
optimizer; the program makes one for each player, before the first round. The networks
stay in the mode in which they came, and `train` gives back the generator that came. All
is in float32, on the CPU.

It runs, both losses settle, and the generator's draws never look like the data. It is
wrong in **five places**, in one of them in two ways. Repair them, and keep the
signature.
""",
    stub='''
def train(generator, critic, batches, steps, d, optimizer):
    """`steps` rounds, a turn of either player each -> the generator."""
    of_critic = optimizer(critic.parameters())
    of_generator = optimizer(generator.parameters())
    bce = F.binary_cross_entropy_with_logits
    z = torch.randn(1000, d)
    for _ in range(steps):
        # The critic's turn.
        x = next(batches)
        made = generator(z[: len(x)]).detach()
        real, fake = critic(x).sigmoid(), critic(made).sigmoid()
        loss = bce(real, torch.ones_like(real))
        loss = loss + bce(fake, torch.zeros_like(fake))
        loss.backward()
        of_critic.step()
        of_critic.zero_grad()

        # The generator's turn.
        fake = critic(made)
        loss = bce(fake, torch.zeros_like(fake))
        of_generator.zero_grad()
        loss.backward()
        of_generator.step()
    return generator
''',
    answers={"train": callable},
    hints=(
        "Follow one number at a time: which noises does the generator ever see, and "
        "what is the largest and the smallest value that the critic's loss is given?",
        "After `loss.backward()` in the generator's turn print "
        "`generator.weight.grad` and `critic.weight.grad` (of a linear layer). Which "
        "of them should be there, and what becomes of the other one?",
        "What does the generator want its examples to be taken for?",
    ),
    misconceptions={
        "noise drawn once": "The same noises come in each round: the generator learns "
        "what to do with these, and with no others.",
        "noise of the critic's turn used again": "Each turn draws noises of its own.",
        "noise of another mean or spread": "It is standard normal: mean 0, deviation "
        "1.",
        "another number of noises": "As many examples are made as the batch holds, "
        "also where batches differ in size.",
        "generator cut off from its loss": "Its gradient is None or zero: what it made "
        "was detached, or made under no_grad, in its own turn.",
        "label of what was made": "This pays the generator for examples that are taken "
        "for made ones.",
        "saturating loss": "The non-saturating loss is asked for.",
        "gradients of the generator's turn count": "The generator's loss leaves a "
        "gradient in the critic's weights, which trains the critic to be fooled: it "
        "has to be cleared after the generator's turn, before the critic's backward().",
        "gradients of earlier turns count": "backward() adds to what is there.",
        "real and made exchanged": "D is the probability of real.",
        "only half of the loss": "The critic learns from the data and from what was "
        "made.",
        "loss of another game": "The cross-entropy is asked for.",
        "both players in one optimizer": "A step in one player's turn would move the "
        "other.",
        "weights of the wrong player": "Each optimizer holds the weights of one "
        "player, and all of them.",
        "a copy trained": "The networks that came are trained: whoever called train "
        "holds those, and not a copy.",
        "an optimizer anew": "An optimizer has a memory: it is made once, before the "
        "first round.",
        "turns left out or in another order": "In each round the critic makes one "
        "step, then the generator one.",
        "weights changed otherwise": "The weights move by the optimizers' steps alone, "
        "with the optimizers as they were made.",
        "another thing returned": "The generator is due, the one that was given.",
        "more than one batch in a round": "A round takes one batch.",
    },
)
def gan_09(t, train):
    log: list[dict] = []
    taken: list[torch.Tensor] = []

    class Net(nn.Module):
        """A small network that notes what goes in, and its mode."""

        def __init__(self, name, inside, outside):
            super().__init__()
            self.name = name
            self.w = nn.Parameter(t.away(inside, 4, low=0.3, high=0.9))
            self.v = nn.Parameter(t.away(4, outside, low=0.4, high=0.9))

        def forward(self, x):
            log.append({"kind": self.name, "x": x.detach(), "mode": self.training})
            return (x @ self.w).tanh() @ self.v

    class Steps(torch.optim.SGD):
        """Notes the networks and their gradients before each step."""

        def step(self, closure=None):
            slopes = [
                torch.cat([zero_if_none(p).flatten() for p in net.parameters()])
                for net in nets
            ]
            kept = copy.deepcopy(nets)
            log.append({"kind": "step", "who": self, "nets": kept, "slopes": slopes})
            return super().step(closure)

    def optimizer(parameters):
        made.append(Steps(parameters, lr=rate))
        return made[-1]

    def batches(sizes):
        while True:
            for n in sizes:
                taken.append(t.normal(n, 2, mean=1.0, std=1.5))
                yield taken[-1]

    def play(steps, sizes):
        for kept in log, taken, made:
            kept.clear()
        return t.call(train, *nets, batches(sizes), steps, D_Z, optimizer)

    def held_by_critic(optimizer):
        return id(optimizer.param_groups[0]["params"][0]) in ids[1]

    rate, made, rounds = t.integer(8, 15) / 100, [], 3
    nets = Net("generator", D_Z, 2), Net("critic", 2, 1)
    ids = [{id(p) for p in net.parameters()} for net in nets]

    t.property("an optimizer for each player")
    out = play(rounds, (6, 8, 6))
    held = [{id(p) for g in o.param_groups for p in g["params"]} for o in made]
    got = f"{len(made)} were made"
    both = any(v == ids[0] | ids[1] for v in held)
    why = "One holds the weights of the critic, one those of the generator."
    t.true(not both, why, got, "both players in one optimizer")
    t.true(len(made) <= 2, why, got, "an optimizer anew")
    strange = any(not v & (ids[0] | ids[1]) for v in held)
    t.true(not strange, why, "weights of neither", "a copy trained")
    right = sorted(map(sorted, held)) == sorted(map(sorted, ids))
    t.true(right, why, "other weights", "weights of the wrong player")
    t.property("in each round a step of the critic, then one of the generator")
    steps = [i for i, e in enumerate(log) if e["kind"] == "step"]
    players = [held_by_critic(log[i]["who"]) for i in steps]
    got = " ".join("critic" if c else "generator" for c in players) or "no step"
    why = f"Three rounds: critic, generator, {rounds} times."
    name = "turns left out or in another order"
    t.true(players == [True, False] * rounds, why, got, name)
    got, name = f"{len(taken)} were taken", "more than one batch in a round"
    t.true(len(taken) <= rounds + 1, "One batch a round.", got, name)

    def noises(k, steps):
        """What the generator was given before step k, since the last."""
        part = log[(steps[k - 1] if k else 0) : steps[k]]
        given = [e["x"] for e in part if e["kind"] == "generator"]
        return torch.cat(given) if given else torch.zeros(0, D_Z)

    def slope(k, who, loss):
        """The gradient of a loss by a player's weights, as they were at step k."""
        pair = log[steps[k]]["nets"]
        value, own = loss(*pair), list(pair[who].parameters())
        return torch.cat([t.grad(value, p).flatten() for p in own]).double()

    t.property("new noises in each round")
    z, name = [noises(k, steps) for k in range(2 * rounds)], "noise drawn once"
    first = [v[:4] for v in z[::2] if len(v)]
    again = any(torch.equal(first[-1], v) for v in first[:-1])
    t.true(not again, "They differ.", "The first are equal.", name)
    sizes = [len(x) for x in taken[:rounds]]
    got, why = [len(v) for v in z[::2]], f"As many as the batches hold: {sizes}."
    t.true(got == sizes, why, str(got), "another number of noises")

    def stepped(k, who, loss, *parts):
        """Step k is that of the gradient of the loss of its player, ``who``."""
        step = log[steps[k]]["slopes"][who]
        old = {"": 0.0}
        if k:  # what lay there before the last step
            old[STALE[who]] = log[steps[k - 1]]["slopes"][who]

        def make(stale, *choices):
            return stale + slope(k, who, loss(*choices))

        due = make(0.0, *(v[""] for v in parts))
        why = "The gradient of its loss, at these examples."
        t.close(step, due, why, ideas=mistakes(make, old, *parts), tol=2e-5)

    t.property("the weights move by these steps alone")
    for k, step in enumerate(steps):
        e, who = log[step], 1 - k % 2
        later = log[steps[k + 2]]["nets"] if k + 2 < len(steps) else nets
        gone = flat(later[who]) - flat(e["nets"][who])
        why, name = f"By -{rate} times the gradient.", "weights changed otherwise"
        t.close(gone / -rate, e["slopes"][who], why, name, tol=1e-4)
    for k in range(rounds):
        t.property(f"the critic's step in round {k + 1}")
        stepped(2 * k, 1, *critic_losses(taken[k], z[2 * k]))
        t.property(f"the generator's step in round {k + 1}")
        got, name = "It is zero.", "generator cut off from its loss"
        moved = log[steps[2 * k + 1]]["slopes"][0].any()
        t.true(moved, "The generator has a gradient.", got, name)
        mine, name = z[2 * k + 1], "noise of the critic's turn used again"
        fresh = len(mine) and not torch.equal(mine, z[2 * k][: len(mine)])
        t.true(fresh, "Noises of its own.", "those of the turn before", name)
        got, name = f"{len(mine)} for {sizes[k]}", "another number of noises"
        t.true(len(mine) == sizes[k], "One each.", got, name)
        stepped(2 * k + 1, 0, *generator_losses(mine))

    t.property("both networks in the mode in which they came")
    modes = {e["mode"] for e in log if "mode" in e} | {v.training for v in nets}
    t.true(modes == {True}, "Training mode.", "Another one.", "mode changed")
    t.property("the generator comes back")
    got, name = f"an object of type {type(out).__name__}", "another thing returned"
    t.true(out is nets[0], "The module that was given.", got, name)
    nets[0].eval()
    t.property("in evaluation mode, if they came so, and with normal noise")
    sizes = [200, 150, 200, 150, 200, 150, 200, 1003]
    play(8, sizes)
    modes = {e["mode"] for e in log if e["kind"] == "generator"}
    t.true(modes == {False}, "Evaluation mode.", "Another one.", "mode changed")
    turns, steps = ([], []), [i for i, e in enumerate(log) if e["kind"] == "step"]
    players = [held_by_critic(log[i]["who"]) for i in steps]
    got, name = f"{len(steps)} steps", "turns left out or in another order"
    t.true(players == [True, False] * 8, "Eight rounds: 16 steps.", got, name)
    for k in range(len(steps)):
        turns[k % 2].append(noises(k, steps))
        got, name = f"{len(turns[k % 2][-1])} noises", "another number of noises"
        due = sizes[k // 2]
        t.true(len(turns[k % 2][-1]) == due, f"{due} noises.", got, name)
    for z in map(torch.cat, turns):
        same = bool((z == z[:, :1]).all())
        name = "one noise for all dimensions"
        t.true(not same, "They differ.", "equal in a row", name)
        again, name = len(z) - len(z.abs().unique(dim=0)), "noise used more than once"
        t.true(not again, "All are new.", f"{again} come again", name)
        ideas = {"uniform noise": [Uniform(a, 1.0, False).cdf for a in (0.0, -1.0)]}
        mean, std = z.mean(), z.std()
        if mean.abs() > 0.05 or (std - 1).abs() > 0.05:
            ideas["noise of another mean or spread"] = [Normal(mean, std).cdf]
        why, name = "Standard normal.", "noise that is not normal"
        most = z.abs().max()  # below 2.6 in one of 10^16 cases
        t.true(most > 2.6 or std < 0.9, why, f"none is beyond {most:.3g}", name)
        t.distribution(z, Normal(0.0, 1.0).cdf, why, name, ideas)


def flat(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def zero_if_none(p):
    return torch.zeros_like(p) if p.grad is None else p.grad.detach().clone()


# Losses of values v, of examples that are to be taken for real (s = 1) or not (-1).
EACH = {
    "": lambda v, s: -(1 / (1 + (-s * v).exp())).log(),
    "sigmoid applied twice": lambda v, s: -(s * v.sigmoid()).sigmoid().log(),
    "loss of another game": [
        lambda v, s: (1 - s * v).relu(),
        lambda v, s: (v - (1 + s) / 2).square(),
        lambda v, s: -s * v,
    ],
}
SCALES = {"": 1.0, "off by a factor of two": [2.0, 0.5]}


def critic_losses(x, z):
    sides = {
        "": (1, -1),
        "real and made exchanged": (-1, 1),
        "only half of the loss": [(1, 0), (0, -1)],
    }
    signs, ends = {"": 1, "sign flipped": -1}, {"": len(x), "sum over the batch": 1}

    def losses(each, side, sign, scale, end):
        def loss(generator, critic):
            values = critic(x), critic(generator(z).detach())
            terms = [each(v, s).sum() for v, s in zip(values, side) if s]
            return sign * scale * sum(terms) / end

        return loss

    return losses, EACH, sides, signs, SCALES, ends


def generator_losses(z):
    aims = {
        "": (1, 1),
        "label of what was made": (-1, 1),
        "saturating loss": (-1, -1),
        "sign flipped": (1, -1),
    }
    ends = {"": len(z), "sum over the batch": 1}

    def losses(each, aim, scale, end):
        def loss(generator, critic):
            return aim[1] * scale * each(critic(generator(z)), aim[0]).sum() / end

        return loss

    return losses, EACH, aims, SCALES, ends
