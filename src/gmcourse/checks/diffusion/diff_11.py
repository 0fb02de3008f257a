"""Exercise diff-11: A diffusion to repair."""

import torch
from torch import nn

from .._exercise import Exercise
from .._parts import mistakes, wrong_part

ROOT, UNTOLD = "share of the variance taken for alpha", "labels never left out"
BACK, LAST = "average turned around", "noise in the last step"
ANOTHER = "another label for no label"


@Exercise(
    id="diff-11",
    title="A diffusion to repair",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    stub_mistake=ROOT,
    objectives=(
        "Find the mistakes of a diffusion that runs and trains, by nets that say what "
        "is known.",
    ),
    statement=r"""
The program below is meant to be the diffusion of
[Ho et al. (2020)](https://arxiv.org/abs/2006.11239) for labeled points, in `K` steps
that add noise of the variances `betas`, `(K,)`: step `k`, from 0 on, multiplies what is
there by $\sqrt{1 - \beta_k}$ and adds noise of variance $\beta_k$.

`Diffusion(net, betas, classes, drop)` holds `net`, which is trained, and `average`, a
copy of it with an average of its weights, which is sampled from. `net(x_k, k, c)` takes
noisy points `(b, d)`, step numbers `(b,)` and labels `(b,)`, both int64, and says the
noise, `(b, d)`, that is in the data after the steps 0 to `k`. Labels are 0 to
`classes` - 1; the label `classes` stands for no label.

- `loss(x, c)` draws for each example one step, each as often, and standard normal
  noise; in the share `drop` of the examples, drawn each by itself, it tells the net no
  label. It is the mean of the squared error over examples and values.
- `update(rate)` moves the average toward the net: it keeps the share `rate` of itself.
- `sample(noise, c, weight)` starts from `noise`, `(b, d)`, standard normal, and undoes
  the steps by algorithm 2 of the paper with the variances $\sigma_k^2 = \beta_k$, and
  none in the last. It is guided: the noise said without a label, plus `weight` times
  what the label adds.

It runs, its loss falls, and its samples are poor. It is wrong in **four places**.
Repair them, and keep the interface. All numbers are float32.
""",
    stub='''
import copy


class Diffusion(nn.Module):
    def __init__(self, net, betas, classes, drop=0.1):
        super().__init__()
        self.net, self.average = net, copy.deepcopy(net)
        self.betas, self.kept = betas, (1 - betas).cumprod(0)
        self.classes, self.drop = classes, drop

    def loss(self, x, c):
        """(b, d), (b,) -> a number."""
        k = torch.randint(len(self.betas), (len(x),))
        eps = torch.randn_like(x)
        kept = self.kept[k, None]
        x_k = kept * x + (1 - kept).sqrt() * eps
        return (self.net(x_k, k, c) - eps).square().mean()

    @torch.no_grad()
    def update(self, rate=0.999):
        """One step of the average of the weights."""
        pairs = zip(self.average.parameters(), self.net.parameters())
        for old, new in pairs:
            old.copy_(old + rate * (new - old))

    @torch.no_grad()
    def sample(self, noise, c, weight=1.0):
        """(b, d), (b,) -> (b, d)."""
        x, nothing = noise, torch.full_like(c, self.classes)
        for k in reversed(range(len(self.betas))):
            beta, kept = self.betas[k], self.kept[k]
            step = torch.full_like(c, k)
            eps = self.average(x, step, nothing)
            eps = eps + weight * (self.average(x, step, c) - eps)
            x = (x - beta / (1 - kept).sqrt() * eps) / (1 - beta).sqrt()
            x = x + beta.sqrt() * torch.randn_like(x)
        return x
''',
    answers={"Diffusion": callable},
    hints=(
        "Let `net` say the very noise that is in $x_k$, computed from the data that "
        "you passed in: the loss is then 0, if the noise went in as it should.",
        "What is `drop` for? And with `rate` = 0.999, how far may one update move the "
        "average?",
        "With a net that says 0, sampling only adds noise and rescales. What comes out "
        "of its last step?",
    ),
    misconceptions={
        ROOT: "The product of 1 - beta is the share of the variance that is left; a "
        "value is multiplied by its root.",
        UNTOLD: "A net that has never seen the label for no label cannot be guided by "
        "what a label adds.",
        BACK: "The average keeps the share `rate` of itself: at 0.999 it moves by a "
        "thousandth.",
        LAST: "The data of the last step are the result: noise added to them stays.",
        "variance taken for the deviation": "The noise is multiplied by the root of "
        "its variance.",
        "one step's share for all of them": "After the steps 0 to k the product of all "
        "their shares is left.",
        "another step than the net is told": "The net is told the step whose noise is "
        "in the example.",
        "data asked for": "The net says the noise.",
        "sum in place of the mean": "The mean over examples and values is due.",
        "average trained in place of the net": "The loss is that of `net`; the average "
        "follows.",
        "steps not drawn evenly": "Each of the K steps comes as often, the first and "
        "the last as well.",
        "one step for all examples": "Each example has a step of its own.",
        ANOTHER: "No label is the label `classes`, which no example has.",
        "labels kept and left out exchanged": "`drop` is the share of those that are "
        "told nothing.",
        "one draw for all labels": "Whether its label is left out is drawn for each "
        "example.",
        "average copied": "The average then is the net itself, one step late.",
        "average that stays": "No update reaches it.",
        "weights shared": "The average has weights of its own: a copy.",
        "net moved by the update": "The average follows the net; nothing pulls the "
        "net.",
        "sampled by the net itself": "Samples come from the average of the weights.",
        "steps in the wrong order": "Sampling undoes the last step first, and all.",
        "guided otherwise": "At weight 1 it is the model with the label, at 0 the one "
        "without.",
        "variance of the posterior": "The variance of the step is due here, beta_k; "
        "the paper's other choice is smaller.",
        "noise left out of the steps": "Each step but the last draws noise.",
        "mean of a step otherwise": "Algorithm 2, line 4: one root of a product, and "
        "one of a single step.",
    },
)
def diff_11(t, Diffusion):
    K, classes, d = 6, 3, 2
    betas = t.uniform(K, low=0.12, high=0.4)
    kept, drop = (1 - betas).cumprod(0), float(t.uniform(low=0.25, high=0.4))
    log = []

    class Probe(nn.Module):
        """Says what `say` does, and keeps what it was asked; copies share the log."""

        def __init__(self, say):
            super().__init__()
            self.say, self.scale = say, nn.Parameter(torch.tensor(1.0))

        def forward(self, x, k, c):
            log.append((x.detach().clone(), k.clone(), c.clone()))
            return self.say(x, k, c, self.scale)

    def made(net, share=drop):
        return t.call(Diffusion, net, betas, classes, share)

    # The loss of a net that says the right noise and a known error.
    x, c = t.away(9, d, low=1, high=4), t.integers(9, low=0, high=classes - 1)
    error = t.away(9, d, low=0.3, high=2)

    def noise(x_k, k, x, a=torch.sqrt, s=lambda kept: (1 - kept).sqrt(), share=kept):
        share = share[k][:, None]
        return (x_k - a(share) * x) / s(share)

    net = Probe(lambda x_k, k, c, scale: noise(x_k, k, x) + scale * error)
    model = made(net)
    t.property("the average is a copy")
    told = "A copy.", "the net's own weights", "weights shared"
    t.true(model.average.scale is not model.net.scale, *told)
    with torch.no_grad():
        model.average.scale.mul_(1.7)
    same = lambda v: v  # noqa: E731
    alphas = {"": torch.sqrt, ROOT: same}
    sigmas = {"": lambda v: (1 - v).sqrt(),
              "variance taken for the deviation": lambda v: 1 - v}  # fmt: skip
    shares = {
        "": kept, "one step's share for all of them": 1 - betas,
        "another step than the net is told": [kept.roll(1), kept.roll(-1)],
    }  # fmt: skip
    targets = {"": lambda eps: eps, "data asked for": lambda eps: x}
    ends = {"": torch.mean, "sum in place of the mean": [
        torch.sum, lambda e: e.sum() / len(e)]}  # fmt: skip
    scales = {"": 1.0, "average trained in place of the net": 1.7}

    def value(a, s, share, target, end, scale):  # of the call before
        said = noise(x_k, k, x) + scale * error
        return end((said - target(noise(x_k, k, x, a, s, share))).square())

    why = "The mean of the squares of what the net adds to the noise."
    parts = alphas, sigmas, shares, targets, ends, scales
    due = error.square().mean()
    for _ in range(2):
        t.property("the loss of a net whose error is known")
        log.clear()
        loss = t.call(model.loss, x, c)
        t.shape(loss, (), "a number.")
        once = len(log) == 1 and log[0][0].shape == x.shape
        t.true(once, "One question to the net.", f"{len(log)} questions")
        x_k, k, _ = log[0]
        told = wrong_part(loss, value, *parts, tol=1e-4)
        t.close(loss, due, why, told, None, 1e-4)
    t.property("its gradient", of=loss)
    told = "That of the same mean.", "cut off from the graph"
    t.close(t.grad(loss, net.scale), 2 * due, *told, tol=1e-4)

    # What the loss draws, in 1,500 examples.
    n = 1500
    x, c = t.normal(n, d), t.integers(n, low=0, high=classes - 1)
    net = Probe(lambda x_k, k, c, scale: scale * x_k)
    model = made(net)

    def asked():
        log.clear()
        t.call(model.loss, x, c)
        return log[0]

    seen = [asked() for _ in range(3)]
    t.property("labels that are left out")
    off = torch.stack([told != c for _, _, told in seen])
    ever = off.any() or any((asked()[2] != c).any() for _ in range(50))
    t.true(ever, f"The share {drop:.2g}.", "none", UNTOLD)
    none = all((told[told != c] == classes).all() for _, _, told in seen)
    t.true(none, f"No label is {classes}.", "another number", ANOTHER)
    rows = off.all(1) | ~off.any(1)
    t.true(not rows.all(), "Of some.", "of all or of none", "one draw for all labels")
    counts, share = off.flatten().long().bincount(minlength=2), torch.tensor(drop)
    ideas = {"labels kept and left out exchanged": torch.stack([share, 1 - share])}
    why = "Each example with the same chance."
    t.frequencies(counts, torch.stack([1 - share, share]), why, None, ideas)
    t.property("steps that are drawn")
    steps = torch.stack([k for _, k, _ in seen])
    one = (steps == steps[:, :1]).all()
    t.true(not one, "Several in a call.", "one", "one step for all examples")
    told = "Each as often.", "steps not drawn evenly"
    t.frequencies(steps.flatten().bincount(minlength=K), torch.ones(K) / K, *told)
    t.property("noise that is drawn")
    first, second = (noise(x_k, k, x) for x_k, k, _ in seen[:2])
    told = "Other noise at each call.", "the same", "noise fixed across calls"
    t.true((first - second).abs().max() > 1e-2, *told)
    spread = first.std(0) > 0.01
    t.true(spread.all(), "For each row.", "one", "one noise for all examples")
    t.independent(first, "Of each value.", "one noise for all dimensions")
    t.distribution(first, torch.special.ndtr, "Normal.", "noise that is not normal")

    # The average.
    t.property("one update of the average")
    net = nn.Linear(3, 2)
    weights = [t.normal(*p.shape) for p in net.parameters()]
    model, rate = made(net), float(t.uniform(low=0.6, high=0.9))
    with torch.no_grad():
        for p, new in zip(net.parameters(), weights):
            p.copy_(new)
    before = [p.detach().clone() for p in model.average.parameters()]

    def update(rate):
        return model.update(rate), rate  # what it returns is not looked at

    t.call(update, rate)
    for p, old, new in zip(model.average.parameters(), before, weights):
        ideas = {BACK: (1 - rate) * old + rate * new, "average copied": new,
                 "average that stays": old}  # fmt: skip
        due = rate * old + (1 - rate) * new
        t.close(p.detach(), due, "rate of itself, the rest of the net.", None, ideas)
    for p, new in zip(model.net.parameters(), weights):
        told = "The net as it was.", "net moved by the update"
        t.equal(p.detach(), new, *told)

    # Sampling: the states are what the net is asked about.
    bend, shift = t.away(d, d, low=0.2, high=0.5), t.away(classes + 1, d, low=1, high=2)
    say = lambda x, k, c, scale: scale * (x @ bend + shift[c])  # noqa: E731
    net, n = Probe(say), 2000
    model, weight = made(net), float(t.uniform(low=1.6, high=2.5))
    with torch.no_grad():
        net.scale.mul_(1.6)
    start, c = t.normal(n, d), t.integers(n, low=0, high=classes - 1)
    log.clear()
    out = t.call(model.sample, start, c, weight)
    t.shape(out, (n, d), "that of noise.")
    order, states = [int(k[0]) for _, k, _ in log], {}
    for x, k, _ in log:
        states.setdefault(int(k[0]), x[:n])
    t.property("the last step", of=out)
    told = "From the last to the first.", f"{order[:4]} …", "steps in the wrong order"
    down = order == sorted(order, reverse=True) and set(order) == set(range(K))
    t.true(down, *told)
    guides = {
        "": lambda told, free: free + weight * (told - free),
        "guided otherwise": [
            lambda told, free: told + weight * (told - free),
            lambda told, free: told + weight * (free - told),
            lambda told, free: told, lambda told, free: free,
        ],
    }  # fmt: skip
    nothing = {"": classes, ANOTHER: list(range(classes))}
    scales = {"": 1.0, "sampled by the net itself": 1.6}
    roots = {  # the factors of the state and of the noise said
        "": lambda b, v: ((1 - b) ** -0.5, b * ((1 - b) * (1 - v)) ** -0.5),
        "mean of a step otherwise": [
            lambda b, v: ((1 - b) ** -0.5, b / (1 - v) * (1 - b) ** -0.5),
            lambda b, v: (1 / (1 - b), b / (1 - b) * (1 - v) ** -0.5),
            lambda b, v: ((1 - b) ** -0.5, b / (1 - b)),
            lambda b, v: (v**-0.5, b * (v * (1 - v)) ** -0.5),
            lambda b, v: ((1 - b) ** -0.5, (b / (1 - b)) ** 0.5),
            lambda b, v: (1.0, b * (1 - v) ** -0.5),
        ],
    }  # fmt: skip

    def mean(k, guide, free, scale, root):
        x = states[k]
        said = [say(x, k, label, scale) for label in (c, torch.full_like(c, free))]
        by, less = root(betas[k], kept[k])
        return by * x - less * guide(*said)

    parts = guides, nothing, scales, roots
    right = [part[""] for part in parts]
    due = mean(0, *right)
    left = (out - due).detach()
    random = (left.std(0) / betas[0].sqrt() - 1).abs().max() < 0.15
    centered = left.mean(0).abs().max() < 0.2 * betas[0].sqrt()
    told = LAST if random and centered else None
    ideas = mistakes(lambda *p: mean(0, *p), *parts)
    t.close(out, due, "The mean of the step, and no noise.", told, ideas, 1e-4)

    # The other steps, all at once: what is left of each is noise of its own.
    t.property("the other steps", of=out)

    def noises(root):
        offs = [states[k - 1] - mean(k, *right[:3], root) for k in range(1, K)]
        return torch.cat(offs, 1) / size

    size = betas[1:].sqrt().repeat_interleave(d)
    less = ((1 - kept[:-1]) / (1 - kept[1:])).repeat_interleave(d)
    otherwise = "mean of a step otherwise"
    z, others = noises(right[3]), [noises(root) for root in roots[otherwise]]
    ideas = {
        "variance of the posterior": less.sqrt(),
        "variance taken for the deviation": [size, size * less],
    }
    off = [(v.std(0) - 1).abs().max() for v in (z, *others)]
    name = otherwise if off[0] > 0.1 > min(off) else None
    name = "noise left out of the steps" if z.abs().max() < 1e-3 else name
    t.std(z, 1.0, "Deviation 1.", name, ideas)
    ideas = {otherwise: [(z - v).mean(0) for v in others]}
    t.mean(z, 0.0, 1.0, "Mean 0.", None, ideas)
    told = "Of each step and value.", "draws not independent"
    t.independent(torch.cat([start, z], 1), *told)
    again = t.call(model.sample, start, c, weight)
    told = "Other noise at each call.", "the same", "noise fixed across calls"
    t.true((again - out).abs().max() > 1e-2, *told)
