"""Exercise gan-26: A circle that does not close."""

import functools
from typing import Any

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="gan-26",
    title="A circle that does not close",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=4,
    stub_mistake="target of the critic's turn",
    objectives=(
        "Find the mistakes in the loss of two generators that translate both ways, "
        "where each of them still lets the loss fall.",
    ),
    statement=r"""
The function below is meant to be the loss of the two generators of a CycleGAN
([Zhu et al., 2017](https://arxiv.org/abs/1703.10593)). `forth` turns pictures of kind
A into pictures of kind B, `back` those of B into those of A; `critic_a` and `critic_b`
judge pictures of either kind, and give a value for each of many patches. With $G$ for
`forth` and $F$ for `back`, the loss is the sum of

- $\overline{(D_B(G(a)) - 1)^2}$ and $\overline{(D_A(F(b)) - 1)^2}$, both games by least
  squares;
- `cycle` times $\overline{|F(G(a)) - a|}$ and times $\overline{|G(F(b)) - b|}$;
- `identity` times $\overline{|G(b) - b|}$ and times $\overline{|F(a) - a|}$: what is of
  the right kind already is to stay as it is.

A bar is the mean over all values: over the pictures, channels and pixels, or over the
pictures and patches. `a` is $n$ pictures, `(n, c, h, w)`, and `b` is $m$ others,
`(m, c, h, w)`; $n$ and $m$ are any numbers, and need not be equal. The two weights are
floats, 0 or more, and each is the whole weight of its terms. Each of the four networks
treats each picture by itself; a translation has the shape of the picture, and the
values of a critic have one entry for each picture along their first axis.

The result is one number, `()`, in the dtype of the pictures and networks (float32 or
float64). All six terms train each generator that made something in them: in a circle
the gradient goes through both. What reaches the weights of the critics is cleared by
the caller. The function calls no `backward`, and leaves everything as it was: inputs,
weights, their `grad` and `requires_grad`, and the modes of the networks.

It runs, the loss falls, and pictures come back as they went; only what is between has
nothing to do with B. It is wrong in **four places**, one of them two lines. Repair
them, and keep the signature.
""",
    stub='''
def generator_loss(forth, back, critic_a, critic_b, a, b, cycle, identity):
    """(n, c, h, w), (m, c, h, w) -> (): for both generators."""
    made_b, made_a = forth(a), back(b)
    value_b, value_a = critic_b(made_b), critic_a(made_a)
    loss = F.mse_loss(value_b, torch.zeros_like(value_b))
    loss = loss + F.mse_loss(value_a, torch.zeros_like(value_a))
    loss = loss + cycle * F.l1_loss(back(made_b.detach()), a)
    loss = loss + cycle * F.l1_loss(back(made_a), b)
    same = F.l1_loss(forth(a), a) + F.l1_loss(back(b), b)
    return loss + identity * same
''',
    answers={"generator_loss": callable},
    hints=(
        "Set both weights to 0: what do the generators want the critics to say, and "
        "what does the loss ask for?",
        "Write beside each picture in each line of which kind it is, A or B. A "
        "generator takes one kind, and an error compares two of one kind.",
        "A circle trains two generators. Take a loss of one circle alone, call "
        "`backward`, and look at `grad` of the first layer of either.",
    ),
    misconceptions={
        "target of the critic's turn": "0 is what the critic wants to say of them. "
        "This trains the generators to be found out.",
        "another target": "Real is 1, and nothing else.",
        "critics exchanged": "What forth makes is of kind B, and critic_b judges it.",
        "generators exchanged": "forth takes pictures of kind A, back those of B.",
        "real pictures judged": "The critics judge what was made: real pictures teach "
        "the generators nothing.",
        "circle judged": "The critics judge the first translation, not what came back.",
        "loss of another game": "Least squares are asked for.",
        "mean taken before the square": "Each patch has a value of its own, and a "
        "square: the mean comes last.",
        "one direction left out": "Both directions have a part.",
        "one mean over both batches": "Each term is a mean of its own, whatever n and "
        "m are.",
        "not reduced over the batch": "One number is due.",
        "the same generator twice": "A circle goes forth and back: the second step is "
        "made by the other generator.",
        "circle begun with the wrong generator": "From a the first step is forth, from "
        "b it is back.",
        "compared with the wrong picture": "A circle ends where it began: the error is "
        "the distance to that.",
        "half of a circle": "Forth and back again: this compares after one step.",
        "squared error in place of the absolute one": "The mean absolute error is due.",
        "another distance": "The mean absolute error is due, no other distance.",
        "identity of the wrong kind": "forth(a) near a asks for no translation at all. "
        "What is of kind B already is to stay, under forth.",
        "identity of a circle": "The identity terms take one step.",
        "weights exchanged": "cycle belongs to the circles, identity to the other two.",
        "identity weighted by cycle, too": "In the paper's code one weight is given in "
        "units of the other. Here each is whole.",
        "weight left out or another": "Each of the two weights counts once, as it is.",
        "terms left out": "Six terms are due.",
        "circle cut in the middle": "The first generator of a circle learns nothing "
        "from it: the translated picture was detached, or made under no_grad.",
        "circle cut at its end": "The second generator of a circle learns from it, "
        "too.",
        "cut off from the critics": "What the critics say does not reach the "
        "generators.",
        "identity cut off": "Its value is right, and trains nothing.",
        "weights changed": "A loss changes no weight.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def gan_26(t, generator_loss):
    c, h, w = 2, 6, t.integer(7, 8)
    nets = Translator(t, c), Translator(t, c), Critic(t, c), Critic(t, c)
    own = [p for net in nets[:2] for p in net.parameters()]
    weights = [p for net in nets for p in net.parameters()]
    past: list[torch.Tensor] = []

    def pictures(n, scale=1.0, shift=0.0):
        x = shift + scale * t.uniform(n, c, h, w, low=-1.5, high=1.5)
        return x.to(weights[0].dtype)

    def pair(n, m):
        """With no distance near 0, where the derivative of its size jumps."""
        while True:
            a, b = pictures(n), pictures(m, shift=0.3)
            made = Terms(nets, a, b)
            ways = ("fga", "a"), ("gfb", "b"), ("gb", "b"), ("fa", "a")
            gaps = [(made(u) - made(v)).abs().min() for u, v in ways]
            if min(gaps) > 1e-4:
                return a, b

    def loss(*args):
        """The answer's, which leaves the networks as they were."""
        before = [p.detach().clone() for p in weights]
        flags = [p.requires_grad for p in weights]
        mode = nets[0].training
        for p in weights:
            p.grad = torch.full_like(p, 0.5)
        out = t.call(generator_loss, *nets, *args)
        why = "The networks as before."
        modes = all(s.training == mode for net in nets for s in net.modules())
        t.true(modes, why, f"training is not {mode}", "mode changed")
        same = flags == [p.requires_grad for p in weights]
        t.true(same, why, "requires_grad has changed", "weights frozen or thawed")
        kept = all(p.grad is not None and (p.grad == 0.5).all() for p in weights)
        name = "gradients of the weights touched"
        t.true(kept, why, "grad of a weight has changed", name)
        moved = any(not torch.equal(p, q) for p, q in zip(weights, before))
        t.true(not moved, why, "weights have changed", "weights changed")
        return out

    def single(out, due):
        """The mistake, if a result in float64 is near and not exact."""
        near = not far(out, due, 1e-5).any()
        exact = due.dtype != torch.float64
        return "float32 in between" if near and not exact else None

    def slope(value):
        return torch.cat([t.grad(value, p).flatten() for p in own])

    def held(name, many, *parts):
        """Values and gradients; ``parts`` is where the value can be wrong. A mistake
        has to fit in all calls: one number may be anything by chance."""
        outs = [loss(*args) for args in many]
        totals = [sum_of(Terms(nets, *args[:2]), *args[2:]) for args in many]
        usual = [
            part if any(part is v for v in parts) else {"": part[""]} for part in PARTS
        ]
        t.property(f"{name}: the value", of=outs[0])
        for out, (a, *_) in zip(outs, many):
            kind = type(out).__name__
            t.true(isinstance(out, torch.Tensor), "A tensor.", kind, "not a tensor")
            t.shape(out, (), "one number.", "not reduced over the batch")
            t.dtype(out, a.dtype, "that of the pictures.")
            t.finite(out, "Means of finite numbers.")
        rights = [total(*(part[""] for part in (*PARTS, *CUTS))) for total in totals]
        got, due = (torch.stack(v).detach() for v in (outs, rights))
        tol = 1e-10 if got.dtype == torch.float64 else 1e-5
        wrong, told = far(got, due, tol), single(got, due)
        past.extend(got)
        for i in wrong.nonzero().flatten().tolist():
            before = past[: len(past) - len(got) + i]
            again = any(not far(got[i], v, 1e-6).any() for v in before)
            told = "result of an earlier call" if again else told
        uncut = [part[""] for part in CUTS]

        def value(*choices):
            return torch.stack([f(*choices, *uncut) for f in totals]).detach()

        ideas = mistakes(value, *usual, most=1, tol=1e-6)
        why = "The means, with weights of {:g} and {:g}.".format(*many[0][2:])
        t.property(f"{name}: the value", of=outs[int(wrong.int().argmax())])
        t.close(got, due, why, told, None if told else ideas, tol)

        out, total, right = outs[0], totals[0], rights[0]
        t.property(f"{name}: the gradient of both generators", of=out)
        only = [part[""] for part in PARTS]
        ideas = mistakes(lambda *v: slope(total(*only, *v)), *CUTS, most=3, tol=1e-6)
        why, got, due = "The derivative of the same sum.", slope(out), slope(right)
        told = single(got, due)
        judges = [p for net in nets[2:] for p in net.parameters() if p.requires_grad]
        if not got.any() and not any(t.grad(out, p).any() for p in judges):
            told = "cut off from the graph"
        ideas = None if told else ideas
        t.close(got, due, why, told, ideas, 1e-9 if tol < 1e-5 else 2e-5)

    n = t.integer(3, 4)
    lam, mu = (t.integer(*v) / 100 for v in ((160, 290), (310, 480)))
    weighted = MISSING, WEIGHTS
    games, circles = ([(*pair(n, n), c, 0.0) for _ in "12"] for c in (0.0, lam))
    held("both weights 0", games, *GAMES, *weighted)
    held("the circles", circles, *CIRCLES, *weighted)
    same = [(*pair(n, n), lam, mu) for _ in "12"]
    held("identity", same, *SAME, *weighted)
    some = [(*pair(2, 5), 0.0, mu), (*pair(5, 2), mu, lam)]
    ends = GAMES[-1], CIRCLES[-1], SAME[-1]
    held("batches that differ in size", some, *ends, *weighted)
    held("the other way around", some[::-1], *ends, *weighted)
    for net in nets:
        net.double().eval()
    for net in nets[2:]:
        net.requires_grad_(False)
    some = [(*pair(1, 3), lam, mu), (*pair(3, 1), mu, lam)]
    held("float64, evaluation mode, critics frozen", some, *ends)
    some = [(pictures(4, 90.0, 150.0), pictures(1), mu, lam)]
    held("large values in float64", some, *ends)


class Translator(nn.Module):
    """Picture to picture, each by itself, and no two alike."""

    def __init__(self, t, c):
        super().__init__()
        self.w = nn.Parameter(t.away(c, c, 3, 3, low=0.05, high=0.4))
        self.v = nn.Parameter(t.away(c, low=0.3, high=0.9))

    def forward(self, x):
        turned = F.conv2d(x, self.w, padding=1).tanh()
        return 0.6 * x + self.v[:, None, None] * (1 + turned)


class Critic(nn.Module):
    """A value for each of some patches."""

    def __init__(self, t, c):
        super().__init__()
        self.w = nn.Parameter(t.away(1, c, 4, 4, low=0.05, high=0.3))
        self.v = nn.Parameter(t.away(1, low=0.3, high=0.9))

    def forward(self, x):
        return F.conv2d(x, self.w, stride=2) + self.v


class Terms:
    """Pictures and values by the way that they went, from right to left.

    g and f are the generators, x and y the critics of A and B: "fga" is f(g(a)). A bar
    cuts what is to its right, and G and F are generators whose weights are fixed.
    """

    def __init__(self, nets, a, b):
        self.nets, self.made = dict(zip("gfxy", nets)), {"a": a, "b": b}

    def __call__(self, way: str):
        if way not in self.made:
            step, x = way[0], self(way[1:])
            net: Any = self.nets.get(step.lower())
            if step.isupper():
                fixed = {k: v.detach() for k, v in net.named_parameters()}
                self.made[way] = functional_call(net, fixed, (x,))
            else:
                self.made[way] = net(x) if net else x.detach()
        return self.made[way]


def sum_of(made: Terms, cycle: float, identity: float):
    """The loss, of choices that may be wrong."""

    @functools.cache
    def term(ways, sizes, end, cuts):
        values = []
        for one, each, cut in zip(ways, sizes, cuts):
            one = cut(one) if one else None
            if isinstance(one, str):
                values.append(each(made(one)))
            elif one:
                values.append(each(made(one[0]) - made(one[1])))
        return end(values) if values else made("a").new_zeros(())

    def total(*choices) -> Any:
        games, circles, same, (missing, weigh), cuts = (
            choices[i:j] for i, j in ((0, 5), (5, 10), (10, 15), (15, 17), (17, 23))
        )
        terms = [
            term(part[:2], part[2:4], part[4], cuts[2 * i : 2 * i + 2])
            for i, part in enumerate((games, circles, same))
        ]
        kept = zip(terms, (1.0, *weigh(cycle, identity)), missing)
        return sum(v * c for v, c, there in kept if there)

    return total


def plus(f):
    """Something done to the mean of each direction."""
    return lambda values: sum(f(v) for v in values)


ENDS: dict[str, Any] = {
    "": plus(torch.mean),
    "sum over the batch": [
        plus(torch.sum),
        plus(lambda v: v.sum() / len(v)),
        plus(lambda v: v.mean() * len(v)),
    ],
    "off by a factor of two": [
        lambda values: sum(v.mean() for v in values) / 2,
        lambda values: sum(v.mean() for v in values) * 2,
    ],
    "one mean over both batches": [
        lambda values, c=c: c * torch.cat([v.flatten() for v in values]).mean()
        for c in (1, 2)
    ],
    "sign flipped": lambda values: -sum(v.mean() for v in values),
    "another distance": plus(lambda v: v.square().mean().sqrt()),
}
SIZES: dict[str, Any] = {
    "": torch.abs,
    "squared error in place of the absolute one": [torch.square],
    "another distance": [
        lambda v: F.smooth_l1_loss(v, 0 * v, reduction="none"),
        lambda v: v,
        lambda v: (v.square() + 1e-6).sqrt(),
        lambda v: v.flatten(1).norm(dim=1),
        lambda v: v.abs().flatten(1).sum(1),
    ],
}
TARGETS: dict[str, Any] = {
    "": lambda v: (v - 1).square(),
    "target of the critic's turn": torch.square,
    "another target": [lambda v, c=c: (v - c).square() for c in (0.9, 0.95, -1.0)],
    "mean taken before the square": [
        lambda v: (v.flatten(1).mean(1) - 1).square(),
        lambda v: (v.mean() - 1).square(),
    ],
    "loss of another game": [
        lambda v: F.softplus(-v),
        lambda v: F.softplus(v),
        lambda v: -v,
        lambda v: v,
        lambda v: (1 - v).relu(),
        lambda v: (v - 1).abs(),
        lambda v: (v.sigmoid() - 1).square(),
        lambda v: F.softplus(-v.sigmoid()),
    ],
}
# Of each direction by itself: the same mistake in both is one.
GAMES: tuple[dict[str, Any], ...] = (
    {
        "": "yga",
        "critics exchanged": "xga",
        "generators exchanged": ["yfa", "ygb"],
        "real pictures judged": ["yb", "ya"],
        "circle judged": ["xfga", "yfga", "ygfb"],
        "one direction left out": None,
    },
    {
        "": "xfb",
        "critics exchanged": "yfb",
        "generators exchanged": ["xgb", "xfa"],
        "real pictures judged": ["xa", "xb"],
        "circle judged": ["ygfb", "xgfb", "xfga"],
        "one direction left out": None,
    },
    TARGETS,
    dict(TARGETS),
    ENDS,
)
CIRCLES: tuple[dict[str, Any], ...] = (
    {
        "": ("fga", "a"),
        "the same generator twice": [("gga", "a"), ("ffa", "a")],
        "circle begun with the wrong generator": ("gfa", "a"),
        "compared with the wrong picture": [
            *(("fga", v) for v in ("b", "ga", "fb", "gb", "fa")),
            ("gfb", "a"),
        ],
        "half of a circle": [("ga", "a"), ("ga", "b"), ("fa", "a"), ("fb", "a")],
        "one direction left out": None,
    },
    {
        "": ("gfb", "b"),
        "the same generator twice": [("ffb", "b"), ("ggb", "b")],
        "circle begun with the wrong generator": ("fgb", "b"),
        "compared with the wrong picture": [
            *(("gfb", v) for v in ("a", "fb", "ga", "fa", "gb")),
            ("fga", "b"),
        ],
        "half of a circle": [("fb", "b"), ("fb", "a"), ("gb", "b"), ("ga", "b")],
        "one direction left out": None,
    },
    dict(SIZES),
    dict(SIZES),
    dict(ENDS),
)
SAME: tuple[dict[str, Any], ...] = (
    {
        "": ("gb", "b"),
        "identity of the wrong kind": [("ga", "a"), ("fb", "b"), ("ga", "b")],
        "compared with the wrong picture": [("gb", "a"), ("gb", "ga"), ("gb", "fb")],
        "identity of a circle": [("fgb", "b"), ("gfb", "b"), ("ggb", "b")],
        "one direction left out": None,
    },
    {
        "": ("fa", "a"),
        "identity of the wrong kind": [("fb", "b"), ("ga", "a"), ("fb", "a")],
        "compared with the wrong picture": [("fa", "b"), ("fa", "fb"), ("fa", "ga")],
        "identity of a circle": [("gfa", "a"), ("fga", "a"), ("ffa", "a")],
        "one direction left out": None,
    },
    dict(SIZES),
    dict(SIZES),
    dict(ENDS),
)
WEIGHTS: dict[str, Any] = {
    "": lambda c, i: (c, i),
    "identity weighted by cycle, too": [
        lambda c, i: (c, c * i),
        lambda c, i: (c, c * i / 2),
    ],
    "weights exchanged": lambda c, i: (i, c),
    "weight left out or another": [
        *(lambda c, i, v=v: (v, i) for v in (1.0, 10.0)),
        *(lambda c, i, v=v: (c, v) for v in (1.0, 5.0, 0.5)),
        lambda c, i: (1.0, 1.0),
        lambda c, i: (c + i, c + i),
        lambda c, i: (c, c),
        lambda c, i: (i, i),
        lambda c, i: (c * c, i),
        lambda c, i: (c, i * i),
        lambda c, i: (c, i / 2),
        lambda c, i: (c / 2, i),
        lambda c, i: (1 + c, i),
        lambda c, i: (c, 1 + i),
    ],
}
MISSING: dict[str, Any] = {
    "": (1, 1, 1),
    "terms left out": [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 0, 0)],
}
PARTS = *GAMES, *CIRCLES, *SAME, MISSING, WEIGHTS


def cut(at: int, by):
    """A change of the way, ``at`` steps from its left."""

    def change(way):
        one, *rest = (way,) if isinstance(way, str) else way
        one = by(one, at)
        return one if isinstance(way, str) else (one, *rest)

    return change


def barred(way, at):
    return f"{way[:at]}|{way[at:]}"


def fixed(way, at):
    return way[:at] + way[at].upper() + way[at + 1 :]


CRITIC_CUT = {"": lambda v: v, "cut off from the critics": [cut(0, barred)]}
CIRCLE_CUT = {
    "": lambda v: v,
    "circle cut in the middle": [cut(1, barred), cut(1, fixed)],
    "circle cut at its end": [cut(0, fixed), cut(0, barred)],
}
SAME_CUT = {"": lambda v: v, "identity cut off": [cut(0, barred)]}
CUTS = (CRITIC_CUT,) * 2 + (CIRCLE_CUT,) * 2 + (SAME_CUT,) * 2
