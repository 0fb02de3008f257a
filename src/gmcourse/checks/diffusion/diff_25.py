"""Exercise diff-25: A latent diffusion to repair."""

import math

import torch
from torch import nn

from .._exercise import Exercise
from .._parts import mistakes

LOGS, ALONG = "log of a deviation read as of a variance", "encoder trained along"
BACK, TIME = "units undone in the wrong order", "asked at the time it goes to"
SCALED, NORMAL = "latents in other units", "noise that is not normal"


@Exercise(
    id="diff-25",
    title="A latent diffusion to repair",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    stub_mistake=ALONG,
    objectives=(
        "Find the mistakes of a diffusion of latents that runs and trains, by encoders "
        "and nets that say what is known.",
    ),
    statement=r"""
The program below is meant to be a diffusion of the latents of an autoencoder that was
trained before, with labels. It is given

- `encoder`, an `nn.Module` that makes of examples `(b, n)` the mean and the *log of the
  standard deviation* of $q(z \mid x)$, each `(b, d)`;
- `decode`, a function from latents `(b, d)` to examples `(b, n)`;
- `net(z_t, t, c)`, an `nn.Module` that is told noisy latents `(b, d)`, times `(b,)` and
  labels `(b,)`, int64, and says the *data*, the latents without noise, `(b, d)`. Labels
  are 0 to `classes` - 1; the label `classes` stands for no label;
- `center` and `spread`, two floats: the net sees and says $(z - $ `center` $) / $
  `spread` in place of $z$.

On the path are $\alpha = \cos(\pi t / 2)$ and $\sigma = \sin(\pi t / 2)$.

- `loss(x, c)` draws the latents of each example from $q(z \mid x)$, a time evenly from
  0 to 1 and standard normal noise; in the share `drop` of the examples, drawn each by
  itself, the net is told no label. It is the mean of the squared error over examples
  and values. **Only the net learns from it.**
- `sample(noise, c, weight, steps)` starts at $t = 1$ from `noise`, `(b, d)`, and goes
  to 0 in `steps` equal steps of DDIM without noise. It is guided: the data said without
  a label, plus `weight` times what the label adds. It returns examples.

It runs, its loss falls, and its samples are poor. It is wrong in **four places**.
Repair them, and keep the interface. All numbers are float32.
""",
    stub='''
class LatentDiffusion:
    def __init__(self, encoder, decode, net, center, spread, classes,
                 drop=0.1):
        self.encoder, self.decode, self.net = encoder, decode, net
        self.center, self.spread = center, spread
        self.classes, self.drop = classes, drop

    def loss(self, x, c):
        """(b, n), (b,) -> a number."""
        mean, log_std = self.encoder(x)
        z = mean + (log_std / 2).exp() * torch.randn_like(mean)
        z = (z - self.center) / self.spread
        t, eps = torch.rand(len(x)), torch.randn_like(z)
        turn = (math.pi / 2 * t)[:, None]
        alpha, sigma = turn.cos(), turn.sin()
        z_t = alpha * z + sigma * eps
        out = torch.rand(len(x)) < self.drop
        c = c.masked_fill(out, self.classes)
        return (self.net(z_t, t, c) - z).square().mean()

    @torch.no_grad()
    def sample(self, noise, c, weight=1.0, steps=25):
        """(b, d), (b,) -> (b, n)."""
        z, nothing = noise, torch.full_like(c, self.classes)
        times = torch.linspace(1, 0, steps + 1)
        for t, s in itertools.pairwise(times):
            at = s.expand(len(z))
            data = self.net(z, at, nothing)
            data = data + weight * (self.net(z, at, c) - data)
            angles = math.pi / 2 * t, math.pi / 2 * s
            (a_t, s_t), (a_s, s_s) = [(v.cos(), v.sin()) for v in angles]
            z = a_s * data + s_s * (z - a_t * data) / s_t
        return self.decode((z + self.center) * self.spread)
''',
    answers={"LatentDiffusion": callable},
    hints=(
        "Give it an encoder whose deviation is known, and a net whose answer is a "
        "parameter: the gradient of the loss tells which latents it was compared with.",
        "Which parameters have a gradient after `loss(x, c).backward()`?",
        "Let `decode` return what it is given, and a net say 0. What should come out? "
        "And which times is the net asked about?",
    ),
    misconceptions={
        LOGS: "The encoder says the log of the deviation: its half is that of no "
        "deviation here.",
        ALONG: "A loss of latents is least for an encoder that makes all of them the "
        "same: the encoder must not learn from it.",
        BACK: "First the spread is multiplied, then the center is added: the inverse "
        "of what was done, in the inverse order.",
        TIME: "The net is told how noisy its input is: the time where it comes from.",
        SCALED: "What the net sees is the latents less the center, over the spread.",
        "variance taken for the deviation": "The noise of a draw is multiplied by the "
        "deviation.",
        "mean in place of a draw": "The net is trained on draws of q(z | x).",
        "one time for all examples": "Each example has a time of its own.",
        "times not drawn evenly": "Evenly from 0 to 1.",
        "noise asked for": "The net says the data.",
        "sum in place of the mean": "The mean over examples and values is due.",
        "another path": "alpha and sigma are cosine and sine of a quarter turn.",
        "labels never left out": "A net that has never seen the label for no label "
        "cannot be guided.",
        "another label for no label": "No label is the label `classes`.",
        "one draw for all labels": "Whether its label is left out is drawn for each "
        "example.",
        "labels kept and left out exchanged": "`drop` is the share of those that are "
        "told nothing.",
        "guided otherwise": "At weight 1 it is the model with the label, at 0 the one "
        "without.",
        "latents in the net's units": "The decoder knows the latents as the encoder "
        "said them.",
        "a step otherwise": "DDIM: the data and the noise that both estimates imply, "
        "put together anew for the next time.",
        "steps at other times": "Equal steps from 1 to 0, and no question at 0.",
        NORMAL: "Standard normal noise, of its own in each value.",
        "loss otherwise": "The mean of the squares of what the net says too much.",
        "the net does not learn": "The loss is a function of what the net says.",
    },
)
def diff_25(t, LatentDiffusion):
    classes, n, d = 3, 4, 2
    drop = float(t.uniform(low=0.25, high=0.4))
    center, spread = float(t.away(low=0.5, high=2)), float(t.uniform(low=2, high=3))
    into, log = t.normal(n, d), []

    class Encoder(nn.Module):
        def __init__(self, log_std):
            super().__init__()
            self.way, self.log_std = nn.Parameter(into.clone()), log_std

        def forward(self, x):
            return x @ self.way, self.log_std.expand(len(x), d)

    class Said(nn.Module):
        """Answers with its parameter, and keeps what it was asked."""

        def __init__(self, rows):
            super().__init__()
            self.say = nn.Parameter(t.away(rows, d, low=0.5, high=3))

        def forward(self, z, at, c):
            log.append((z.detach().clone(), at.detach().clone(), c.clone()))
            return self.say + 0 * z

    def asked(rows, log_std):
        """One loss: the latents that it compares with, and what the net was told."""
        log.clear()
        encoder, net = Encoder(log_std), Said(rows)
        x, c = t.normal(rows, n), t.integers(rows, low=0, high=classes - 1)
        how = center, spread, classes, drop
        model = t.call(LatentDiffusion, encoder, lambda z: z, net, *how)
        loss = t.call(model.loss, x, c)
        t.shape(loss, (), "a number.")
        once = len(log) == 1 and log[0][0].shape == (rows, d)
        t.true(once, "One question to the net.", f"{len(log)} questions")
        return loss, encoder, net, x @ into, c, *log[0]

    def compared(loss, net):
        """The latents that an answer is compared with, by the gradient of the loss."""
        (grad,) = torch.autograd.grad(loss, net.say, retain_graph=True)
        return (net.say - grad * net.say.numel() / 2).detach()

    t.property("the loss of sure latents")
    loss, encoder, net, mean, c, z_t, at, told = asked(9, torch.full((d,), -25.0))
    t.true(loss.requires_grad, "It has a gradient.", "none", "the net does not learn")
    z = (mean - center) / spread
    alpha, sigma = (f(math.pi / 2 * at)[:, None] for f in (torch.cos, torch.sin))
    eps = (z_t - alpha * z) / sigma
    others = [mean, mean - center, mean / spread, (mean - center) * spread,
              mean / spread - center, (mean + center) / spread]  # fmt: skip
    say, off = net.say.detach(), net.say.detach() - z
    ideas = {
        SCALED: others,
        "sum in place of the mean": [say - 9 * d * off, say - d * off],
        "noise asked for": eps,
    }
    told = "The latents, by the gradient of the mean.", None, ideas
    t.close(compared(loss, net), z, *told, tol=1e-3)
    due = off.square().mean()
    t.close(loss, due, "The mean of the squared error.", "loss otherwise", tol=1e-3)
    t.property("who learns from it")
    loss.backward()
    learns = lambda w: w.grad is not None and w.grad.any()  # noqa: E731
    told = "The net does.", "it does not", "the net does not learn"
    t.true(learns(net.say), *told)
    t.true(not learns(encoder.way), "The net alone.", "the encoder as well", ALONG)

    # Many latents, by the same gradient.
    rows, log_std = 1_500, t.uniform(d, low=-1.6, high=-0.5)

    def drawn():
        loss, _, net, mean, c, z_t, at, told = asked(rows, log_std)
        return compared(loss, net), mean, z_t, at, told, told != c

    z, mean, z_t, at, told, off = drawn()
    u = (z * spread + center - mean) / log_std.exp()
    t.property("latents that are drawn")
    sure = u.abs().max() < 1e-2
    t.true(not sure, "Drawn from q.", "means", "mean in place of a draw")
    half = (-log_std / 2).exp()
    ideas = {LOGS: half, "variance taken for the deviation": log_std.exp()}
    t.std(u, 1.0, "Deviation 1, in units of the encoder's.", None, ideas)
    t.mean(u, 0.0, 1.0, "Mean 0.", NORMAL)
    t.property("times that are drawn")
    one = (at == at[0]).all()
    t.true(not one, "Several in a call.", "one", "one time for all examples")
    name = "times not drawn evenly"
    t.distribution(at[:, None], lambda v: v.clamp(0, 1), "Evenly.", name)
    t.property("noise that is drawn")
    inside = (at > 0.02) & (at < 0.98)
    alpha, sigma = (f(math.pi / 2 * at)[:, None] for f in (torch.cos, torch.sin))
    eps = (z_t - alpha * z) / sigma
    straight = (z_t - (1 - at[:, None]) * z) / at[:, None]
    swapped = (z_t - sigma * z) / alpha
    wide = [abs(float(v[inside].std()) - 1) for v in (eps, straight, swapped)]
    name = "another path" if wide[0] > 0.1 > min(wide) else NORMAL
    t.std(eps[inside], 1.0, "Deviation 1.", name)
    t.independent(torch.cat([u, eps], 1)[inside], "Of each value.", NORMAL)
    t.distribution(eps[inside], torch.special.ndtr, "Normal.", name)
    z2, mean2, z_t2, at2, *_ = drawn()
    u2 = (z2 * spread + center - mean2) / log_std.exp()
    alpha, sigma = (f(math.pi / 2 * at2)[:, None] for f in (torch.cos, torch.sin))
    eps2 = (z_t2 - alpha * z2) / sigma
    why = "Other noise at each call.", "the same", "noise fixed across calls"
    for old, new in (u, u2), (eps, eps2):
        t.true((old - new).abs().median() > 1e-2, *why)
    t.property("labels that are left out")
    ever = off.any() or any(drawn()[5].any() for _ in range(20))
    t.true(ever, f"The share {drop:.2g}.", "none", "labels never left out")
    none = (told[off] == classes).all()
    t.true(none, f"No label is {classes}.", "another number",
           "another label for no label")  # fmt: skip
    some = off.any() and not off.all()
    t.true(some, "Of some.", "of all or of none", "one draw for all labels")
    counts, share = off.long().bincount(minlength=2), torch.tensor(drop)
    ideas = {"labels kept and left out exchanged": torch.stack([share, 1 - share])}
    due = torch.stack([1 - share, share])
    t.frequencies(counts, due, "Each with the same chance.", None, ideas)

    # Sampling: the states are what the net is asked about.
    bend, shift = t.away(d, d, low=0.2, high=0.5), t.away(classes + 1, d, low=1, high=2)
    out_of, steps, b = t.normal(d, n), 4, 5
    say = lambda z, at, c: z @ bend + shift[c] + at[:, None]  # noqa: E731

    class Known(nn.Module):
        def forward(self, z, at, c):
            log.append((z.detach().clone(), at.detach().clone(), c.clone()))
            return say(z, at, c)

    def decode(z):
        return z @ out_of

    how = center, spread, classes, drop
    model = t.call(LatentDiffusion, Encoder(log_std), decode, Known(), *how)
    noise, c = t.normal(b, d), t.integers(b, low=0, high=classes - 1)
    weight = float(t.uniform(low=1.6, high=2.5))
    log.clear()
    out = t.call(model.sample, noise, c, weight, steps)
    t.shape(out, (b, n), "one example for each row of noise.")
    t.property("the times it asks about")
    seen = sorted({round(float(at[0]), 4) for _, at, _ in log}, reverse=True)
    due = [1 - i / steps for i in range(steps)]
    told = TIME if seen == [1 - (i + 1) / steps for i in range(steps)] else None
    t.true(seen == due, f"{due}.", f"{seen}", told or "steps at other times")
    states = {}
    for z, at, _ in log:
        states.setdefault(round(float(at[0]), 4), z[:b])
    guides = {
        "": lambda told, free: free + weight * (told - free),
        "guided otherwise": [
            lambda told, free: told + weight * (told - free),
            lambda told, free: told + weight * (free - told),
            lambda told, free: told, lambda told, free: free,
        ],
    }  # fmt: skip
    nothing = {"": classes, "another label for no label": list(range(classes))}
    quarter = math.pi / 2

    def ddim(z, data, at, to):
        eps = (z - math.cos(quarter * at) * data) / math.sin(quarter * at)
        return math.cos(quarter * to) * data + math.sin(quarter * to) * eps

    moves = {
        "": ddim,
        "a step otherwise": [
            lambda z, data, at, to: to / at * z + (1 - to / at) * data,
            lambda z, data, at, to: data + math.sin(quarter * to) * z,
            lambda z, data, at, to: (
                math.cos(quarter * to) * data + math.sin(quarter * to) * z
            ),
            lambda z, data, at, to: (
                math.cos(quarter * to) * data + math.sin(quarter * to) * noise
            ),
        ],
    }

    def step(at, to, guide, free, move):
        z = states[at]
        told = torch.full((b,), at)
        said = [say(z, told, label) for label in (c, torch.full_like(c, free))]
        return move(z, guide(*said), at, to)

    parts = guides, nothing, moves
    for i, (at, to) in enumerate(zip(due, [*due[1:], 0.0])):
        t.property(f"step {i + 1} of {steps}")
        right = step(at, to, *[part[""] for part in parts])
        ideas = mistakes(lambda *p: step(at, to, *p), *parts)  # noqa: B023
        if to > 0:
            got = states[to]
            t.close(got, right, "One step of DDIM, guided.", None, ideas, 1e-3)
            continue
        units = "latents in the net's units"
        as_decoded = [
            *((name, decode(center + spread * v)) for name, v in ideas),
            (BACK, decode((right + center) * spread)),
            *((units, decode(v)) for v in (right, right * spread, right + center)),
            (units, decode((right - center) / spread)),
        ]
        why = "The decoder of the latents in their own units."
        t.close(out, decode(center + spread * right), why, None, as_decoded, 1e-3)
