"""Exercise gan-14: Eight of eight."""

import torch
from torch import nn

from .._exercise import Exercise

# Over 20 seeds the reference has 0.92 good points (standard deviation 0.004), 0.104 to
# 0.113 in its smallest mode, and there a spread of 0.09 to 0.13.
GOOD, LEAST, SPREAD = 0.8, 0.05, 0.05


@Exercise(
    id="gan-14",
    title="Eight of eight",
    difficulty=4,
    minutes=45,
    compute="cpu-instant",
    points=6,
    objectives=(
        "Train a generator that loses no mode, under a stated budget, and find out "
        "what it owes this to.",
    ),
    statement=r"""
`gmcourse.data.densities.eight_gaussians()` has eight equal modes on a circle of radius
3, each of standard deviation 0.25: `sample(n)` gives `(n, 2)`, and `means` holds the
centers.

Train a GAN on its samples. Eight seconds of one CPU core are enough, and no answer
should need more than 60. The answer is the trained `generator`, an `nn.Module` with

- `latent_dim`, a whole number, and
- a `forward` that makes `(n, 2)` finite points of `(n, latent_dim)` noise, drawn from
  $\mathcal N(0, I)$. In evaluation mode the same noise gives the same points, and each
  row depends on its own noise alone.

The check puts it into evaluation mode and looks at 20,000 points. Each point belongs to
the nearest center, and is good if it lies within 0.75 of it, three standard deviations.
It passes if

- at least 80 % of the points are good,
- the good points of each mode are at least 5 % of all points, and
- the good points of each mode have a standard deviation of at least 0.05 in *every*
  direction: no mode may be a point or a thread.

How the generator was made is not looked at.

When it passes: take parts of your own program away, one at a time (a penalty on the
critic's slope, a learning rate that falls, betas other than Adam's defaults), over five
seeds each. Which of them was needed here? (not checked)
""",
    stub="""
generator = ...  # an nn.Module with latent_dim, trained
""",
    answers={"generator": nn.Module},
    hints=(
        "Both nets with two hidden layers of 64 units and tanh, noise of 2 to 8 "
        "numbers, the non-saturating loss, batches of 256, 2,000 steps of each player.",
        "`torch.optim.Adam(..., lr=1e-3, betas=(0.0, 0.99))` for both. Whether a "
        "learning rate that falls in the second half is needed, find out.",
        "Modes missing: look at the points every 200 steps. Do they wander from mode "
        "to mode? Then try the penalty (4.7) with a weight of 0.1 to 1. Points between "
        "the modes: more steps, or longer ones.",
    ),
    misconceptions={
        "the noise is not used": "All noise gives one point, or nearly.",
        "on another scale": "Scaled to a radius of 3 the points would do: undo "
        "what was done to the data, and end in a linear layer, not in a tanh.",
        "collapsed to one mode": "Nearly all points are in one mode: the generator "
        "follows the critic from mode to mode. Look at the losses' order, at the "
        "learning rates and at the penalty.",
        "modes left out": "Some modes have next to no points.",
        "a mode in short supply": "All eight modes are met, and one or more have less "
        "than 5 % of the points.",
        "points between the modes": "The points gather at the modes, but too many lie "
        "on the way from one to the next: more steps, longer ones, or less of a "
        "penalty.",
        "no modes to be seen": "The points spread over the plane, and do not gather at "
        "the eight centers.",
        "modes without width": "The good points of a mode are nearly one point, or lie "
        "on a line: the noise within a mode is lost.",
        "random in evaluation mode": "The same noise gives other points at the next "
        "call: noise inside, dropout that is always on, or stored examples drawn anew.",
    },
)
def gan_14(t, generator):
    from gmcourse.data.densities import eight_gaussians

    data = eight_gaussians()
    centers, std = data.means.double(), 0.25
    t.trained(generator)

    t.property("a point for each row of noise")
    d = generator.latent_dim
    t.true(
        type(d) is int and d > 0, "latent_dim is a whole number, 1 or more.", repr(d)
    )
    z = torch.randn(20_000, d, generator=t.rng)
    out = t.call(generator, z)
    t.shape(out, (len(z), 2), "a point of the plane for each row.")
    t.finite(out, "Points are finite numbers.", "training diverged")
    x = t.tensor(out).detach()

    t.property("the same noise gives the same points, row by row")
    why, drawn = "The same at each call.", "random in evaluation mode"
    t.close(t.call(generator, z), x, why, drawn, tol=1e-3)
    order = torch.randperm(len(z), generator=t.rng)
    why, place = (
        "Each row comes from its own noise.",
        "depends on its place in the batch",
    )
    t.close(t.call(generator, z[order]), x[order], why, place, tol=1e-3)
    why, part = "The same with fewer rows.", "statistics of the batch"
    t.close(t.call(generator, z[:7]), x[:7], why, part, tol=1e-3)

    def judged(x):
        """The shares of the modes, of good points, and the least spread in each."""
        far, mode = (x.double()[:, None] - centers).norm(dim=2).min(1)
        good = far <= 3 * std
        share = mode[good].bincount(minlength=8).double() / len(x)
        spread = []
        for j in range(8):
            some = x[good & (mode == j)].double()
            wide = len(some) > 9 and torch.linalg.eigvalsh(torch.cov(some.T))[0]
            spread.append(max(float(wide), 0.0) ** 0.5)
        return share, float(share.sum()), min(spread)

    share, good, spread = judged(x)
    radius = x.double().norm(dim=1).median()

    def rescaled():
        """Whether another unit is all that is wrong."""
        again, part, _ = judged(x * (3 / radius.clamp(min=1e-9)).to(x))
        return part >= GOOD > good and again.min() >= LEAST

    covered = int((share >= 0.002).sum())
    seen = " ".join(f"{100 * v:.1f}" for v in share)
    traps = {
        "the noise is not used": bool(x.std(0).max() < 0.01),
        "on another scale": rescaled,
        "untrained": bool(x.std(0).max() < 1) and good < 0.1,
        "collapsed to one mode": good > 0.5 and share.max() > 0.9 * good,
        "modes left out": good > 0.5 and covered < 8,
        "no modes to be seen": good < 0.4,
        "points between the modes": good < GOOD,
        "a mode in short supply": share.min() < LEAST,
        "modes without width": spread < SPREAD,
    }

    def hold(name, held, why, got):
        t.property(name, of=out)
        if not held:
            found = (k for k, v in traps.items() if (v() if callable(v) else v))
            t.fail(next(found, None), why=why, got=got)

    why = "Within 0.75 of a center; of the data 98.9 % are."
    got = f"{100 * good:.1f} %; in percent, by mode: {seen}"
    hold("80 % of the points are good", good >= GOOD, why, got)
    why = "Of the data each mode has 12.4 %, good points."
    hold("each mode has 5 % of the points", share.min() >= LEAST, why, f"{seen} %")
    why = "At least 0.05 in the narrowest direction of each mode."
    name = "the spread of the good points of each mode"
    hold(name, spread >= SPREAD, why, f"{spread:.3g}")
