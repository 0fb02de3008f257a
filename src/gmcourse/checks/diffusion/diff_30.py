"""Exercise diff-30: Away from a phrase."""

import math

import torch

from .._exercise import Exercise
from ._shared_noised import drawn, held

UNDER = "underflow to zero"
ZERO = "weight counted from another zero"


@Exercise(
    id="diff-30",
    title="Away from a phrase",
    difficulty=5,
    minutes=90,
    compute="cpu-instant",
    points=6,
    objectives=(
        "Steer away from a second phrase, with denoisers that are exact, and predict "
        "where the draws land before you look.",
    ),
    statement=r"""
Guidance goes from what the net says without a phrase toward what it says with one. A
*negative prompt* puts another phrase in the place of none: what is told, minus what is
told of something unwanted. Does it do what its name says? On a mixture whose denoisers
are exact this can be computed.

**The setting.** Data are drawn from $K$ normal components on $d$ dimensions, component
$i$ with the probability $w_i / \sum_j w_j$, the mean $m_i$ and the standard deviation
$s_i$ in every direction. A phrase is a set of components, and *told* it the data are
those of these components alone, with their weights. Noisy data are $x_t = \alpha x +
\sigma \epsilon$; a denoiser says the mean of $x$ given $x_t$, and given the phrase if
one is told.

**First**, write `steered(x_t, alpha, sigma, weights, means, stds, told, against,
weight)`: the denoiser of `against` plus `weight` times what the denoiser of `told` adds
to it, so that weight 1 is `told` alone. `x_t` is `(b, d)`, `means` `(K, d)`, `weights`
and `stds` `(K,)`, positive, the weights with any sum; all are float64. `told` and
`against` are `(K,)`, bool, at least one true in each; they may overlap, and where
`against` is true everywhere this is guidance as always. `alpha`, 0 to 1, `sigma`,
$10^{-3}$ to 100, and `weight`, -5 to 10, are Python floats. Return `(b, d)`, float64,
right within $10^{-8}$ of 1 plus its size, for values up to 1000 in size and deviations
from 0.01 to 10: far from all components, too, where every density is 0 as a float.

**Second, a prediction.** Let `told` be one component and `against` another one. The
draws are made by the deterministic sampler with so many steps that more change nothing,
from noise so large that the data do not show: with $z = x_t / \alpha$ and
$u = \sigma / \alpha$, falling from infinity to 0, they follow
$\mathrm dz / \mathrm du = (z - \hat x) / u$, where $\hat x$ is what `steered` says, and
begin with $z = u \epsilon$. What comes out is one normal distribution. Write
`landing(mean_told, mean_against, std_told, std_against, weight)`, which returns the
pair of its mean, `(d,)`, and its standard deviation, a number or a tensor without axes.
The means are `(d,)`, float64, up to 10 in size; the deviations are Python floats from
0.1 to 3, neither more than three times the other; the weight is a Python float from 0
to 5. Each of the results is right within $10^{-3}$ of 1 plus its size (the deviation,
relative to its own size). By a formula, by quadrature or by small steps: as you like.
No gradient is asked for, in neither function, and nothing that is given is changed.

**Then, not checked:** before you run anything, write down what you expect; then run it,
with five seeds, on three components on the plane, and report.

1. Guided with weight 3 against everything, and against one of the other two: where are
   the draws, in units of the told component's deviation from its mean, and how many
   nats is the mean of $-\log p$ under the told component above its entropy?
2. Move the unwanted component two, four, eight times as far away. Which of the two ways
   of steering notices, and in which direction? Explain it by what the two denoisers
   say near the told component.
3. Make the unwanted component much wider or narrower than the told one.
4. Propose a way to steer away that does nothing where the unwanted is not likely, and
   measure it on 1 to 3.
""",
    stub='''
def steered(
    x_t, alpha, sigma, weights, means, stds, told, against, weight
):
    """(b, d), floats, (K,), (K, d), (K,), two bool (K,), float -> (b, d)."""
    return ...


def landing(mean_told, mean_against, std_told, std_against, weight):
    """Two (d,), three floats -> (d,), a number."""
    return ..., ...
''',
    answers={"steered": callable, "landing": callable},
    hints=(
        "A noisy component is normal around $\\alpha m_i$ with the variance "
        "$\\alpha^2 s_i^2 + \\sigma^2$ in each of $d$ directions. Shares of the "
        "components of a phrase come from a `softmax`; without the others, it is over "
        "those of the phrase alone.",
        "For one component $z - \\hat x = (z - m)\\, u^2 / (s^2 + u^2)$, so that the "
        "equation of `landing` is linear in $z$: of a point that begins at "
        "$u \\epsilon$ it makes a mean plus $\\epsilon$ times a deviation.",
        "The deviation solves the equation without the means, and there it is a "
        "product of powers of $s^2 + u^2$ that grows like $u$. The mean of equal "
        "deviations is a fixed point; else divide by the deviation and integrate.",
    ),
    misconceptions={
        "shares over all components": "Told a phrase, the data come from its "
        "components alone: their shares add up to one.",
        "noise left out of the width": "A noisy component has the variance alpha² s² + "
        "sigma².",
        "alpha left out": "The noisy components lie around alpha m, and are alpha s "
        "wide.",
        "mean of the components alone": "A component is not a point: x_t tells where "
        "in it the data are.",
        "against everything": "What is steered away from is the phrase that is given.",
        "phrases exchanged": "Toward what is told, away from the other.",
        ZERO: "At weight 1 it is what is told, at 0 the other.",
        "steering left out": "The weight says how far beyond what is told.",
        "a tilted density": "The draws of a guided flow are not those of the density "
        "told^w against^(1-w): these two differ where the widths do.",
        "mean as if of equal widths": "Where the widths differ the push is not the "
        "same at all times.",
        "width of the told one": "Where the widths differ the steered flow has another "
        "width than what is told.",
        "no pair": "A mean and a deviation are due.",
    },
)
def diff_30(t, steered, landing):
    past: list = []

    def judged(name, b, K, d, *, alpha=None, sigma=None, change=None, picks=None,
               weight=None, default=None):  # fmt: skip
        t.property(name)
        x, means = drawn(t, b, d), drawn(t, K, d)
        weights = t.uniform(K, low=0.2, high=2).double() / 0.7
        stds = t.uniform(K, low=0.2, high=0.9).double() / 0.7
        x, weights, means, stds = (change or (lambda *v: v))(x, weights, means, stds)
        alpha = float(t.uniform(low=0.4, high=0.9)) if alpha is None else alpha
        sigma = float(t.uniform(low=0.4, high=0.9)) if sigma is None else sigma
        weight = float(t.uniform(low=1.5, high=4)) if weight is None else weight
        told, against = picks or phrases(t, K)
        args = x, alpha, sigma, weights, means, stds, told, against, weight
        out = t.call(steered, *args)
        if default and t.tensor(out).shape == (b, d):
            t.finite(out, "A number everywhere.", default)
        make, parts = formula(*args)
        why = "Of the second phrase, and more or less of what the first adds."
        told = {"kind": torch.float64, "old": past, "tol": 1e-8}
        past.append(held(t, out, make, *parts, why=why, **told))

    def only(K, i):
        return torch.arange(K) == i

    def far(x, weights, means, stds):
        return 400 * x, weights, means, stds / 10

    def narrow(x, weights, means, stds):
        """One example at each component, and some in between."""
        x[: len(means)] = 0.9 * means[: len(x)] + x[: len(means)] / 100
        return x, weights, means, 0.01 + 0 * stds

    def wide(x, weights, means, stds):
        return 300 * x, 1e6 * weights, 300 * means, 10 * stds.clamp(max=1)

    t.steady(steered, drawn(t, 2, 3), 0.6, 0.8, torch.ones(4).double(), drawn(t, 4, 3),
             torch.ones(4).double() / 3, only(4, 1), only(4, 2), 2.0)  # fmt: skip
    for name in ("a few components", "the same sizes, other numbers"):
        judged(name, 5, 4, 2)
    everything = torch.ones(3, dtype=torch.bool)
    judged("guidance as always", 4, 3, 2, picks=(only(3, 1), everything))
    judged("one component against one", 4, 3, 2, picks=(only(3, 2), only(3, 0)))
    judged("everything against one", 4, 3, 2, picks=(everything, only(3, 0)))
    judged("the same phrase twice", 4, 3, 2, picks=(only(3, 1), only(3, 1)))
    judged("one component", 3, 1, 2, picks=(only(1, 0), only(1, 0)))
    judged("many dimensions", 3, 5, 7)
    judged("as many of all", 4, 4, 4)
    judged("one dimension, one example", 1, 6, 1)
    for w in (1.0, 0.0, -5.0, 10.0):
        judged(f"weight {w}", 4, 4, 2, weight=w)
    judged("no data, much noise", 4, 4, 2, alpha=0.0, sigma=1.0)
    judged("a noise of 100", 4, 4, 2, alpha=1.0, sigma=100.0)
    judged("values near 300", 4, 4, 2, change=wide, default=UNDER)
    judged("little noise", 6, 4, 2, alpha=0.9, sigma=1e-3, change=narrow, default=UNDER)
    judged("far from all", 4, 4, 2, alpha=1.0, sigma=0.01, change=far, default=UNDER)

    seen: list = []

    def landed(name, d, told, against, weight):
        t.property(name)
        means = [drawn(t, d, high=4) for _ in range(2)]
        out = t.call(landing, *means, told, against, weight)
        two = isinstance(out, tuple | list) and len(out) == 2
        t.true(two, "A pair.", f"an object of type {type(out).__name__}", "no pair")
        mean, std = out
        t.shape(mean, (d,), "of the mean.")
        t.shape(std, (), "of the deviation: one for all directions.")
        push, due = flown(told, against, weight)
        right = means[0] + push * (means[0] - means[1])
        gap = means[0] - means[1]
        spread, place = landings(told, against, weight, push, due)
        old = [v for v in seen if v[0].shape == right.shape]
        ratio = t.tensor(std).detach().double() / due
        ideas = {n: [v / due for v in vs] for n, vs in spread.items()}
        earlier = "result of an earlier call"
        ideas[earlier] = [v[1] / due for v in old]
        why = "The deviation, relative to what is due."
        t.close(ratio, double(1.0), why, None, apart(ideas, 1.0), 5e-4)
        ideas = {n: [means[0] + v * gap for v in vs] for n, vs in place.items()}
        ideas[earlier] = [v[0] for v in old]
        t.close(mean, right, "The mean.", None, apart(ideas, right), 1e-3)
        seen.append((right, due))

    for name in ("equal widths", "equal widths, other numbers"):
        s = t.integer(40, 90) / 100
        landed(name, 2, s, s, t.integer(15, 40) / 10)
    for told, against in ((0.5, 0.9), (0.9, 0.5), (0.1, 0.3), (3.0, 1.0), (0.4, 0.41)):
        w = t.integer(18, 40) / 10
        landed(f"widths {told} and {against}", 2, told, against, w)
    for w in (0.0, 0.5, 1.0, 5.0):
        landed(f"weight {w}", 3, 0.9, 0.4, w)
        landed(f"weight {w}, a wide one away", 1, 0.4, 1.1, w)


def phrases(t, K):
    """Two sets of components that differ, in part."""
    order = torch.randperm(K, generator=t.rng)
    told, against = (torch.zeros(K, dtype=torch.bool) for _ in range(2))
    told[order[: max(1, K // 2)]] = True
    against[order[K // 2 - 1 : K - 1]] = True
    return told, against


def formula(x, alpha, sigma, weights, means, stds, told, against, weight):
    """The steered estimate by parts, and the mistakes in each."""
    a2, s2, d = alpha**2, sigma**2, x.shape[1]
    whole = torch.ones_like(told)

    def estimate(of, width, place, prior, count, share, inner):
        """By each component's two pieces of news: its own law and x_t."""
        noisy = width(stds)
        gap = x[:, None] - place * means
        log = prior - count * noisy.log() / 2 - gap.square().sum(2) / noisy / 2
        parts = share(log, of)
        back = stds.square() / noisy
        return (parts[:, :, None] * (means + inner * back[:, None] * gap)).sum(1)

    def among(log, of):
        return log.masked_fill(~of, -math.inf).softmax(1)

    widths = {
        "": lambda s: a2 * s**2 + s2,
        "noise left out of the width": lambda s: s**2 + 0 * a2,
        "alpha left out": lambda s: s**2 + s2,
        "standard deviation in place of the variance": lambda s: alpha * s + sigma,
    }
    places = {"": alpha, "alpha left out": 1.0}
    priors = {"": weights.log(), "weights left out": 0 * weights,
              "weights added, not their logarithms": weights}  # fmt: skip
    counts = {"": float(d), "widths left out of the responsibilities": 0.0,
              "log-deviation enters otherwise": [1.0, 2.0 * d]}  # fmt: skip
    shares = {
        "": among,
        "shares over all components": lambda log, of: log.softmax(1) * of,
        "points given to their best component": lambda log, of: (
            among(log, of) == among(log, of).amax(1, True)
        ).double(),
    }
    inners = {"": alpha, "mean of the components alone": 0.0, "alpha left out": 1.0}
    ways = {
        "": lambda f: f(against) + weight * (f(told) - f(against)),
        "steering left out": lambda f: f(told),
        ZERO: lambda f: f(told) + weight * (f(told) - f(against)),
        "phrases exchanged": lambda f: f(told) + weight * (f(against) - f(told)),
        "against everything": [
            lambda f: f(whole) + weight * (f(told) - f(whole)),
            lambda f: f(whole) + weight * (f(told) - f(against)),
        ],
        "sign flipped": lambda f: f(against) - weight * (f(told) - f(against)),
    }

    def make(width, place, prior, count, share, inner, way):
        choice = width, place, prior, count, share, inner
        return way(lambda of: estimate(of, *choice))

    return make, (widths, places, priors, counts, shares, inners, ways)


def flown(told, against, weight, steps=600):
    """Where the flow ends: how far beyond the told mean, in gaps, and how wide.

    By the midpoint rule for the logarithm of u, down from where the data do not show.
    """
    low, high = math.log(1e-3 * min(told, against)), math.log(1e6)
    h = (low - high) / steps

    def rates(tau, y, log_std):
        u2 = math.exp(2 * tau)
        near, other = u2 / (told**2 + u2), u2 / (against**2 + u2)
        pull = weight * near + (1 - weight) * other
        return pull * y + (1 - weight) * other, pull

    y, log_std, tau = weight - 1.0, math.log(1e6), high
    for _ in range(steps):
        k1 = rates(tau, y, log_std)
        k2 = rates(tau + h / 2, y + h / 2 * k1[0], 0)
        k3 = rates(tau + h / 2, y + h / 2 * k2[0], 0)
        k4 = rates(tau + h, y + h * k3[0], 0)
        y += h / 6 * (k1[0] + 2 * k2[0] + 2 * k3[0] + k4[0])
        log_std += h / 6 * (k1[1] + 2 * k2[1] + 2 * k3[1] + k4[1])
        tau += h
    return y, math.exp(log_std)


def landings(told, against, weight, push, due):
    """Deviations, and pushes in gaps, that mistakes give."""
    precision = weight / told**2 + (1 - weight) / against**2
    tilted = precision > 1e-6
    more = flown(told, against, weight + 1, 200)
    swapped = flown(against, told, weight, 200)
    spread = {
        "width of the told one": [told],
        "variance in place of the standard deviation": [due**2],
        "a tilted density": [precision**-0.5] * tilted,
        ZERO: [more[1]],
        "phrases exchanged": [swapped[1]],
    }
    place = {
        "steering left out": [0.0],
        "a tilted density": [(weight - 1) / against**2 / abs(precision)] * tilted,
        "mean as if of equal widths": [weight - 1.0],
        ZERO: [more[0], weight],
        "phrases exchanged": [-1 - swapped[0], -weight],
        "sign flipped": [-push],
    }
    return spread, place


def double(v):
    return torch.as_tensor(v, dtype=torch.float64)


def apart(ideas, due):
    """Those that are not due all the same."""
    return {
        name: [v for v in map(double, values) if (v - due).abs().max() > 0.02]
        for name, values in ideas.items()
    }
