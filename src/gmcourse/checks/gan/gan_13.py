"""Exercise gan-13: Told half a label."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="gan-13",
    title="Told half a label",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Derive what a critic of examples with labels should say, and write one that "
        "can also be told less than a label.",
    ),
    statement=r"""
Of an example *and its label* the best critic says $\log \frac{p(x, c)}{q(x, c)}$: (4.2)
holds for pairs as well. It splits into what $x$ says and what the label adds,

$$
\log \frac{p(x, c)}{q(x, c)}
  = \log \frac{p(x)}{q(x)} + \log \frac{p(c \mid x)}{q(c \mid x)} ,
$$

and two classifiers of features $h(x)$ can give the second term. Often a label is known
in part: "a shirt or a coat", or not at all. Of $x$ and a set $S$ that holds the label,
the best critic says $\log p(x, c \in S) - \log q(x, c \in S)$.

Write `SetCritic(features, d, classes)`, an `nn.Module`. `features` is a module that
makes $h(x)$, `(b, d)`, of `x`; under whatever name, its weights are the critic's, too.
All others are in

- `value`, an `nn.Linear(d, 1)`, whose output stands for $\log p(x)/q(x)$;
- `real` and `made`, each an `nn.Linear(d, classes)`: the logits of $p(c \mid x)$ and of
  $q(c \mid x)$, both softmaxes over all classes.

`forward(x, sets)` returns the critic's value of each row, `(b,)`. `sets` is `(b,
classes)` of bools, true where the label may be that class, at least once in each row.
Each `forward` calls `features` once, and changes no input. Values and gradients $v$
have to be right to $10^{-4}\,(1 + |v|)$, also where logits are as large as 300 or as
small as -300.
""",
    stub='''
class SetCritic(nn.Module):
    def __init__(self, features, d, classes):
        super().__init__()
        ...

    def forward(self, x, sets):
        """(b, ...), (b, classes) of bools -> (b,)."""
        return ...
''',
    answers={"SetCritic": callable},
    hints=(
        r"The label is in $S$ with the probability $\sum_{c \in S} p(c \mid x)$. What "
        "is it where $S$ holds all classes? Then the critic says what `value` says.",
        "A softmax that is 0 in float32 has no logarithm: stay with logarithms from "
        "the logits to the end. `torch.logsumexp` sums what they are logarithms of.",
        "A class outside of $S$ adds nothing to the sum: the logarithm of nothing is "
        "`-torch.inf`, and `masked_fill` puts it in place.",
    ),
    misconceptions={
        "normalizers left out": "Of one label that is the projection critic, whose "
        "value absorbs them. Here value says log p(x)/q(x) itself, and what each "
        "softmax is divided by stays.",
        "mean of the logarithms": "The probability of a set is the sum of those of its "
        "classes: the mean or the sum of logarithms is not that of any event.",
        "labels outside the set count": "A class outside of S has no part: a logit of "
        "0 is a probability, too. Did the mask keep the others?",
        "softmax over the set alone": "Each softmax is over all classes; what the set "
        "has of it is summed.",
        "sigmoids in place of softmaxes": "An example has one label: the classes "
        "share the probability of 1.",
        "mean over the set": "The probability of a set is the sum of those of its "
        "classes; a mean cancels only where both have it.",
        "half a label taken for none": "A set of some classes tells something, too.",
        "sign of one term": "value and the term of real count up, that of made down.",
        "a bias left out": "Each of the three layers has a bias.",
        "parameters beyond those asked for": "The critic's parameters are those of "
        "features, value, real and made.",
        "one label of the set": "All labels of the set may be the right one.",
        "probabilities not summed before the quotient": "log p(c in S | x) - log "
        "q(c in S | x): sums first, then their quotient.",
        "softmax over the wrong axis": "Over the classes of each row.",
        "real and made exchanged": "The critic's value is larger where x looks real: "
        "p is above, q below.",
        "the data's classifier alone": "How likely the label is among what was made "
        "belongs to it: the quotient of two conditionals is due.",
        "the label left out": "The value has to change with what is told: each softmax "
        "adds up to 1 over all classes, and over the set to less.",
        "what x says left out": "log p(x)/q(x) is the first term of the sum.",
        "once for each label": "value(h) counts once.",
        "features not part of the critic": "Its weights have to be found by "
        "parameters(): assign it in __init__.",
        "features called more than once": "h(x) is needed once. Each call costs, and a "
        "net with dropout gives another h each time.",
        "another layer than asked for": "value, real and made are nn.Linear with a "
        "bias, of d inputs and 1 and classes outputs.",
        "one classifier for both": "p(c | x) and q(c | x) would be equal, and a label "
        "would add nothing.",
        "part of the features cut off": "All three terms train the features.",
    },
)
def gan_13(t, SetCritic):
    b, d, k = 9, t.integer(4, 5), t.integer(6, 7)
    features = Features(d)
    x, sets = t.uniform(b, 3, low=-2, high=2), torch.zeros(b, k, dtype=torch.bool)
    for i, size in enumerate((k, 1, 2, 3, 2, 1, k - 1, 3, k - 2)):
        sets[i, torch.randperm(k, generator=t.rng)[:size]] = True

    t.property("one value for each row")
    model = t.call(SetCritic, features, d, k)
    out = t.call(model, x, sets)
    ideas = {"not summed over the dimensions": (b, k)}
    t.shape(out, (b,), "one number for each example.", ideas=ideas)
    t.property("features called once", of=out)
    calls = features.calls
    t.true(calls == 1, "One h(x).", f"{calls} calls", "features called more than once")

    t.property("features, value, real and made")
    found = any(m is features for m in model.modules())
    why, got = "modules() finds features.", "no such module"
    t.true(found, why, got, "features not part of the critic")
    for name, n in ("value", 1), ("real", k), ("made", k):
        layer = getattr(model, name)
        fits = isinstance(layer, nn.Linear) and layer.bias is not None
        fits = fits and tuple(layer.weight.shape) == (n, d)
        why = f"{name} is an nn.Linear of {d} inputs and {n} outputs."
        t.true(fits, why, repr(layer), "another layer than asked for")
    apart = model.real.weight is not model.made.weight
    why, got = "Two classifiers, each with weights of its own.", "the same weights"
    t.true(apart, why, got, "one classifier for both")
    asked = [*features.parameters()]
    asked += [v for f in (model.value, model.real, model.made) for v in f.parameters()]
    for name, p in model.named_parameters():
        held = any(p is v for v in asked)
        why = "All parameters are those of features, value, real and made."
        t.true(held, why, f"{name}, too", "parameters beyond those asked for")
    model = t.call(SetCritic, features, d, k)
    with torch.no_grad():  # no two terms are alike
        for p in model.parameters():
            p.copy_(t.uniform(*p.shape, low=-1.2, high=1.2))

    t.property("the critic of x and of what is told")
    out = t.call(model, x, sets)
    due, terms = summed(model, features, x, sets)
    why = "Class by class, in float64. The first row is told nothing."
    layers = model.value, model.real, model.made
    biases = [f.bias.detach().double() for f in layers]
    t.close(out, due.detach(), why, ideas=rivals(*terms, sets, biases), tol=1e-4)

    t.property("another batch, by the same module: fewer rows, in another order")
    part = torch.randperm(b, generator=t.rng)[:4]
    old = (x[:4], sets[:4]), (x[:4], sets[part]), (x[part], sets[:4])
    old = [summed(model, features, *v)[0].detach() for v in old]
    kept = {"result of an earlier call": old}
    why, asked = "Each row is judged by itself.", features.calls
    out = t.call(model, x[part], sets[part])
    t.close(out, due[part].detach(), why, ideas=kept, tol=1e-4)
    calls, why = features.calls - asked, "One h(x) in each forward."
    t.true(calls > 0, why, "none here", "result of an earlier call")
    t.true(calls == 1, why, f"{calls} calls", "features called more than once")

    t.property("the same x told otherwise, and other x told the same")
    kept = {"result of an earlier call": due.detach()}
    for more in (x, sets.roll(1, 0)), (x.roll(1, 0), sets):
        whole = summed(model, features, *more)[0].detach()
        t.close(t.call(model, *more), whole, "As before.", ideas=kept, tol=1e-4)

    t.property("its gradient, by all weights and by x")
    weight = t.uniform(b, low=0.5, high=2)
    for name, p in model.named_parameters():
        why, got = "All weights learn.", f"requires_grad is False of {name}"
        t.true(p.requires_grad, why, got, "cut off from the graph")
    leaf = x.clone().requires_grad_()
    out, (due, _) = t.call(model, leaf, sets), summed(model, features, leaf, sets)
    for name, p in *model.named_parameters(), ("x", leaf):
        slope, why = (
            t.grad(due, p, weight),
            f"The derivative of the same sum, by {name}.",
        )
        inner = p is leaf or any(p is q for q in features.parameters())
        cut = "part of the features cut off" if inner else "cut off from the graph"
        if not t.tensor(out).requires_grad:
            cut = "cut off from the graph"
        t.close(t.grad(out, p, weight), slope, why, cut, tol=1e-3)

    t.property("logits of 300 and -300")
    with torch.no_grad():
        for layer in model.real, model.made:
            layer.bias.copy_(300 * (2 * t.integers(k, low=0, high=1) - 1))
            layer.bias[:2] = torch.tensor([300.0, -300.0])
    sets = torch.zeros(b, k, dtype=torch.bool)
    sets[: b - 1] = torch.arange(k) == torch.arange(b - 1)[:, None] % k
    sets[:2, 1], sets[:2, 0], sets[-1] = True, False, True
    out, why = t.call(model, x, sets), "No logarithm of a vanished probability."
    t.finite(out, why, "underflow to zero")
    due, _ = summed(model, features, x, sets)
    t.close(out, due.detach(), why, "underflow to zero", tol=1e-3)
    for p in model.real.bias, features.net.weight:
        slope = t.grad(due, p, weight)
        t.finite(t.grad(out, p, weight), "Finite gradients, too.", "underflow to zero")
        t.close(t.grad(out, p, weight), slope, why, "underflow to zero", tol=1e-3)

    t.property("one row, in float64")
    model.double()
    out = t.call(model, x[:1].double(), sets[:1])
    t.shape(out, (1,), "a batch of one.", "batch axis lost")
    t.dtype(out, torch.float64, "All weights are float64.")


class Features(nn.Module):
    """A net that counts how often it is asked."""

    def __init__(self, d: int):
        super().__init__()
        self.net, self.calls = nn.Linear(3, d), 0

    def forward(self, x):
        self.calls += 1
        return self.net(x).tanh()


def summed(model, features, x, sets):
    """The value in float64, with gradients, and value, real and made before it."""
    h = (
        x.double() @ features.net.weight.double().T + features.net.bias.double()
    ).tanh()
    layers = [model.value, model.real, model.made]
    u, p, q = (h @ v.weight.double().T + v.bias.double() for v in layers)
    total = u[:, 0]
    for sign, logits in (1, p), (-1, q):
        for way, inside in (sign, sets), (-sign, torch.ones_like(sets)):
            top = (logits.detach() - 1e6 * ~inside).amax(1)  # of those that count
            rest = [torch.where(inside[:, c], logits[:, c] - top, -1e6) for c in range(
                sets.shape[1])]  # fmt: skip
            total = total + way * (top + torch.stack(rest).logsumexp(0))
    return total, (u.detach()[:, 0], p.detach(), q.detach())


def rivals(u: Tensor, p: Tensor, q: Tensor, sets: Tensor, biases: list[Tensor]):
    """What mistakes give: of the logarithm of a set's probability, and of the sum."""
    inf, size, whole = torch.inf, sets.sum(1), sets.all(1)

    def part(v, mask=sets):
        return v.masked_fill(~mask, -inf).logsumexp(1)

    def log_p(v):
        return v.log_softmax(1)

    def inside(v):
        return v.masked_fill(~sets, -inf)

    def one(v, mask):
        """Of one label, and of one unless nothing is told."""
        some = part(log_p(v), mask)
        return [some, torch.where(whole, 0.0, some)]

    first = torch.arange(sets.shape[1]) == sets.int().argmax(1)[:, None]
    last = first.new_zeros(first.shape)
    last[torch.arange(len(sets)), sets.shape[1] - 1 - sets.flip(1).int().argmax(1)] = 1
    logs = {
        "": lambda v: part(v) - v.logsumexp(1),
        "normalizers left out": [
            part,
            lambda v: (v * sets).sum(1),
            lambda v: (v * sets).sum(1) / size,
        ],
        "mean of the logarithms": [
            lambda v: (log_p(v) * sets).sum(1) / size,
            lambda v: (log_p(v) * sets).sum(1),
            lambda v: (log_p(v) * sets).mean(1),
        ],
        "labels outside the set count": [
            lambda v: (v * sets).logsumexp(1) - v.logsumexp(1),
            lambda v: (log_p(v) * sets).logsumexp(1),
            lambda v: (v * sets).logsumexp(1),
            lambda v: part(v, ~sets) - v.logsumexp(1),
            lambda v: (v.softmax(1) * ~sets).sum(1).clamp(min=1e-9).log(),
        ],
        "one label of the set": [
            lambda v: inside(log_p(v)).amax(1),
            lambda v: torch.where(whole, 0.0, inside(log_p(v)).amax(1)),
            *(lambda v, m=m, i=i: one(v, m)[i] for m in (first, last) for i in (0, 1)),
        ],
        "softmax over the set alone": [
            lambda v: torch.where(sets, log_p(inside(v)), 0).sum(1),
            lambda v: torch.where(sets, log_p(inside(v)), 0).sum(1) / size,
            lambda v: log_p(inside(v)).amax(1),
        ],
        "sigmoids in place of softmaxes": [
            lambda v: part(F.logsigmoid(v)),
            lambda v: (F.logsigmoid(v) * sets).sum(1),
            lambda v: (F.logsigmoid(v) * sets).sum(1) / size,
            lambda v: F.logsigmoid(part(v)),
            lambda v: (F.logsigmoid(v) * sets + F.logsigmoid(-v) * ~sets).sum(1),
            lambda v: torch.log1p(-(torch.sigmoid(-v).masked_fill(~sets, 1)).prod(1)),
        ],
        "mean over the set": lambda v: part(log_p(v)) - size.log(),
        "density in place of its logarithm": [
            lambda v: (v.softmax(1) * sets).sum(1),
            lambda v: (v.softmax(1) * sets).sum(1) / size,
        ],
        "softmax over the wrong axis": [
            lambda v: part(v - v.logsumexp(0)),
            lambda v: part(v - v.flatten().logsumexp(0)),
        ],
    }
    values = {
        "": lambda a, b: u + a - b,
        "sign of one term": [
            lambda a, b: u + a + b,
            lambda a, b: u - a - b,
            lambda a, b: a - b - u,
            lambda a, b: a + b - u,
        ],
        "half a label taken for none": [
            lambda a, b: u + torch.where(size == 1, a - b, 0.0),
            lambda a, b: torch.where(size == 1, u + a - b, 0.0),
        ],
        "real and made exchanged": lambda a, b: u - a + b,
        "the data's classifier alone": [lambda a, b: u + a, lambda a, b: u - b],
        "the label left out": lambda a, b: u + 0 * a.nan_to_num(0, 0, 0),
        "what x says left out": [lambda a, b: a - b, lambda a, b: a],
        "once for each label": [
            lambda a, b: size * u + a - b,
            lambda a, b: size * (u + a - b),
        ],
        "sign flipped": lambda a, b: b - a - u,
    }
    for kind in range(1, 8):  # which biases
        some = [b * (kind >> i & 1) for i, b in enumerate(biases)]
        a, c = (logs[""](v - w) for v, w in zip((p, q), some[1:]))
        yield "a bias left out", u - some[0] + a - c
    yield from mistakes(lambda f, g: g(f(p), f(q)), logs, values, tol=1e-3)
    # One mistake with one classifier alone.
    for name, found in logs.items():
        for f in found if isinstance(found, list) else [found]:
            if name:
                yield name, [u + f(p) - logs[""](q), u + logs[""](p) - f(q)]
    # Each quotient by itself.
    ratio = log_p(p) - log_p(q)
    shares = [log_p(v) - part(log_p(v))[:, None] for v in (p, q)]
    yield (
        "probabilities not summed before the quotient",
        [
            u + part(ratio),
            u + part(ratio) - size.log(),
            u + part(p - q),
            u + part(p - q) - size.log(),
            u + part(p - q) - (p - q).logsumexp(1),
            u + (ratio.exp() * sets).sum(1),
            *(u + (s.exp() * ratio * sets).sum(1) for s in shares),
        ],
    )
