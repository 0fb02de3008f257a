"""Exercise gm-13: A density from data with holes."""

import contextlib
import math
import time

import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from .._exercise import Exercise
from .._surroundings import TimeUp, deadline


@Exercise(
    id="gm-13",
    title="A density from data with holes",
    difficulty=4,
    minutes=45,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Fit a density by the likelihood of what was seen, filling nothing in.",
    ),
    statement=r"""
`x` holds 1,500 points, shape `(1500, 4)`, drawn from a mixture of **three** Gaussians
with full covariances; weights, means and covariances are new at each check. NaN stands
where a coordinate was not measured. The first coordinate is never NaN, and chance
decides about the others, by the first alone: of the points where it is below its median
8 % are complete, of those above 2 %. Every other point lacks one of the three
coordinates or, in a fifth of the cases, two of them, each as often as the others.

Write `fit_density(x)`, which returns a function `log_prob`: points without NaN, shape
`(b, 4)`, to log-densities `(b,)` in nats. On 4,000 fresh points the mean of
$\log p_{\text{true}}(x) - \log p(x)$, where your `log_prob` gives the second term, must
be **at most 0.12 nats**. It must be the density of a point with four coordinates: its
integral is one, and the value at a point does not depend on which other points are
asked for.

Any way to get there is allowed. What does not get there: the 75 or so complete points
alone, or holes that are filled, with means, zeros or predictions, as if these had been
measured. Budget: about three seconds on one CPU thread (the check gives up after
twenty, and calls a fast `fit_density` a second time, with `x + 2`).
""",
    stub='''
def fit_density(x):
    """(1500, 4) -> a function: (b, 4) -> (b,) log-densities in nats."""
    return ...
''',
    answers={"fit_density": callable},
    hints=(
        "What is the probability density of what was seen of one point, under a single "
        "Gaussian? Under three with weights? That, summed over the points, is the "
        "likelihood to maximize: no hole needs a value.",
        "By gradients: give each point the covariance of its seen coordinates, and a 1 "
        "on the diagonal for the others, so that one batch of Cholesky factors does. "
        "By EM: the responsibilities come from the seen coordinates; the mean and the "
        r"covariance then need $\mathbb E[x]$ and $\mathbb E[x x^\top]$ of each point "
        "given what was seen of it, and the second is not the square of the first.",
        "Either way may end where one component covers two clusters: start from "
        "points that lie far apart, start several times, and keep the parameters "
        "under which what was seen is likeliest.",
    ),
    misconceptions={
        "no function returned": "fit_density returns log_prob itself.",
        "NaN carried along": "A sum with one NaN in it is NaN, and NaN times 0 is NaN: "
        "choose the seen coordinates, or put any number in place of the others and "
        "keep it out of the sums with torch.where.",
        "the same density everywhere": "A constant has learned nothing from x.",
        "impossible points": "Minus infinity for a single fresh point spoils the mean: "
        "a Gaussian is nowhere zero.",
        "a floor under the density": "A constant under the density, however small, has "
        "an infinite integral: log_prob falls on and on, the farther the point.",
        "incomplete points dropped": "On the complete points the density is too large, "
        "compared with fresh ones, and its first coordinate is distributed as theirs. "
        "They are few, and most have a small first coordinate: they are no sample of "
        "all points.",
        "holes filled with the mean": "Likelier than fresh points are those with the "
        "mean or the median of the column in the holes, which nobody measured.",
        "holes filled with zeros": "Likelier than fresh points are those with 0 in "
        "the holes. A zero is a measurement, a hole is none.",
        "holes filled with predictions": "A guess from the other coordinates (a line, "
        "a Gaussian, a neighbor, an expectation), with noise or without, is no better "
        "than what it was made by, and counts as if it had been measured.",
        "holes filled with draws from the column": "The columns are right by "
        "themselves. A draw that ignores the other coordinates of its point takes "
        "away what they have in common.",
        "too narrow": "Its entropy is smaller than that of the truth, or the best "
        "guesses for the holes are likelier than any fresh point. One value in a hole, "
        "be it the conditional mean, has no spread: the expected square has the "
        "conditional covariance in it, too. Or a component fell onto a few points, as "
        "one of too many does.",
        "too broad": "Its entropy is larger than that of the truth: a component covers "
        "two clusters, or not the whole covariance is fitted, or the training was "
        "stopped too soon.",
        "one covariance for all components": "Each component has its own.",
        "one cluster missed": "The density is good on one cluster or two, and poor on "
        "another: a poor optimum, or the wrong number of components. Start several "
        "times, and keep the likeliest.",
        "a single Gaussian": "This is one Gaussian: three are due. Components that "
        "start alike stay alike; log-densities that are averaged or added make one "
        "Gaussian, too.",
        "axes taken as independent": "Within a component the coordinates are "
        "correlated: the whole covariance is to be fitted, and the density is no "
        "product of four.",
        "fitted in other coordinates": "It is good where the points are not: what was "
        "done to x (centered, scaled) has to be done to the points.",
        "change of variables without its determinant": "The integral is that of a "
        "density of scaled points: subtract the logarithm of each scale.",
        "does not integrate to one": "Then it is no density of four coordinates, "
        "whatever its mean: look for a constant, a maximum in place of a sum, weights "
        "that do not add up, a lost 2π or determinant.",
        "depends on the other points": "A density is a function of one point. What is "
        "fitted or normalized is fixed before log_prob is called.",
        "random at each call": "The same points give other values: nothing random may "
        "be left in log_prob, nor dropout that is on.",
        "x ignored": "Other data give the same density.",
    },
)
def gm_13(t, fit_density):
    truth = mixture(t)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(t.integer(0, 10**9))
        points, fresh = truth.sample((1500,)).float(), truth.sample((4000,)).float()
        x = holes(points)
        wide = around(truth)
        places = wide.sample((12_000,)).float()

    def fit(x):
        with torch.random.fork_rng(devices=[]):  # it may set a seed of its own
            return fit_density(x)

    t.names[id(fit)] = "fit_density"
    t.property("a function from points to log-densities")
    start = time.process_time()
    log_prob = t.call(fit, x)
    seconds = time.process_time() - start
    got = f"an object of type {type(log_prob).__name__}"
    t.true(callable(log_prob), "A function.", got, "no function returned")

    def at(places, log_prob=log_prob):
        return t.tensor(t.call(log_prob, places)).detach().double()

    out = at(fresh)
    t.shape(out, (len(fresh),), "one log-density for each point.")
    got, lost = "all of them are NaN", "NaN carried along"
    t.true(not out.isnan().all(), "Log-densities are numbers.", got, lost)

    t.property("the value at a point is a matter of this point")
    some = fresh[7:47]
    few, again, turned = at(some), at(some), at(some.flip(0)).flip(0)
    t.close(again, few, "The same points again.", "random at each call", tol=1e-2)
    place = "depends on its place in the batch"
    t.close(turned, few, "The same points in another order.", place, tol=1e-2)
    alone = "depends on the other points"
    t.close(few, out[7:47], "The same points, fewer at a time.", alone, tol=1e-2)
    t.close(at(fresh[9:10]), out[9:10], "A single point.", alone, tol=1e-2)

    t.property("it gives density to every fresh point")
    never = int((out == -math.inf).sum())
    why = "No fresh point may be impossible."
    t.true(never == 0, why, f"{never} points at minus infinity", "impossible points")
    t.finite(out, "Log-densities are numbers.")
    flat = "the same density everywhere"
    t.true(out.std() > 1e-6, "Not a constant.", "one value for all points", flat)

    t.property("it integrates to one")
    value, base = at(places), wide.log_prob(places.double())
    share = lambda v: (v - base).exp()  # noqa: E731  its mean is the integral
    off = share(value) - share(truth.log_prob(places.double()))  # of which one is known
    whole, doubt = 1 + off.mean(), 6 * off.std() / len(places) ** 0.5
    gap = truth.log_prob(fresh.double()) - out
    narrow = gap.mean() > 1 and gap.std() > 1  # the draws miss where it is large
    away = truth.variance.sqrt() * t.away(40, 4, low=0.5, high=1)
    near, far = (at((truth.mean + s * away).float()) for s in (25, 100))
    # Below -80 nothing is left of a density in float32.
    level = ((near - far < 0.01) & (far > -80)).any()
    floor = "a floor under the density"
    if not (abs(whole - 1) <= 0.03 + doubt.clamp(max=0.3) or narrow):
        scale = torch.where(x.isnan(), x.nanmean(0), x).std(0).log().sum()
        spread = spread_of(x).log().sum()
        ideas = {
            "bits in place of nats": value * math.log(2),
            "logarithm to base 10": value * math.log(10),
            "mean over the dimensions": 4 * value,
            "density in place of its logarithm": value.clamp(min=1e-300).log(),
            "change of variables without its determinant": [
                value - scale,
                value - spread,
            ],
        }
        name = floor if level else "does not integrate to one"
        for idea, values in ideas.items():
            for v in values if isinstance(values, list) else [values]:
                name = idea if abs(share(v).mean() - 1) < 0.05 else name
        if (gap - gap.median()).abs().median() < 0.1 * gap.median().abs():
            name = "constant left out" if name == "does not integrate to one" else name
        if abs(share(-value).mean() - 1) < 0.1:
            name = "negative log-likelihood returned"
        why = "Over all points, by 12,000 draws of a wide mixture: 0.97 to 1.03."
        t.fail(name, why=why, got=f"{whole:.4g}")
    t.property("and falls on and on far from the points")
    why = "At 100 standard deviations less than at 25."
    t.true(not level, why, f"{far.max():.4g} at both", floor)

    # Three Gaussians by EM, three starts: 0.033 over 40 seeds, deviation 0.011.
    limit = 5.0 if gap.mean() > 0.12 else 0.05  # what was kept comes at once

    def same_for(data):
        """Whether a fit to other data is the same density; one that is slow is not."""
        with contextlib.suppress(TimeUp), deadline(limit):
            other = t.call(fit, data)
            return torch.allclose(at(some, other), few, rtol=1e-3, atol=1e-3)
        return False

    same = seconds < 2 and same_for(x + 2)
    name, scaled = None, "fitted in other coordinates"
    if gap.mean() > 0.12 and same:  # a shift alone, or whatever x is?
        ignored = same_for(x[:, [0, 2, 3, 1]]) or not likes_moved(x, fresh, at)
        name = "x ignored" if ignored else scaled
    elif gap.mean() > 0.12:
        weight = share(value) / share(value).sum()
        name = likely(truth, x, weight, places, value, fresh, gap, at)
    t.property("at most 0.12 nats behind the truth on fresh points", of=log_prob)
    why = "The mean of log p_true - log_prob."
    t.at_most(gap.mean(), 0.12, why, name)
    t.property("other data, another density")
    kept = "result of an earlier call"
    t.true(not same, "Fitted to x + 2.", "the same values as for x", kept)


def mixture(t):
    """Three clusters that are well apart, in any direction but the first."""

    def turns(*shape):
        return torch.linalg.qr(torch.randn(*shape, generator=t.rng).double())[0]

    def mixed(values):
        values = torch.tensor(values, dtype=torch.float64)
        return values[torch.randperm(len(values), generator=t.rng)]

    corners = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1]]).double()
    corners = 3.5 / 3**0.5 * corners @ turns(3, 3) + t.away(3, low=0.5, high=1)
    means = torch.cat([mixed([-1.2, 0.0, 1.2])[:, None], corners], 1)
    roots = turns(3, 4, 4) * torch.tensor([1.2, 0.8, 0.5, 0.3])
    return gaussians(mixed([0.42, 0.33, 0.25]), means, roots @ roots.mT)


def gaussians(w, means, covs):
    parts = MultivariateNormal(means, covs)
    return MixtureSameFamily(Categorical(probs=w), parts)


def holes(points):
    x, n = points.clone(), len(points)
    low = x[:, 0] < x[:, 0].median()
    rank = torch.rand(n, 3).argsort(1)
    gone = rank < 1 + (torch.rand(n, 1) < 0.2).long()
    gone &= torch.rand(n, 1) >= torch.where(low, 0.08, 0.02)[:, None]
    x[:, 1:][gone] = math.nan
    return x


def around(truth):
    """The truth, itself with twice the deviations, and a wide Gaussian."""
    w, parts = truth.mixture_distribution.probs, truth.component_distribution
    m, c = parts.mean, parts.covariance_matrix
    total = (4 * truth.variance).diag()[None]
    return gaussians(
        torch.cat([0.5 * w, 0.3 * w, torch.tensor([0.2]).double()]),
        torch.cat([m, m, truth.mean[None]]),
        torch.cat([c, 4 * c, total]),
    )


def spread_of(x):
    return ((x - x.nanmean(0)).square().nanmean(0)).sqrt()


def likes_moved(x, fresh, at):
    """Whether the points are likelier when they are centered, or scaled too."""
    moved = [(fresh - x.nanmean(0)) / s for s in (spread_of(x), 1.0)]
    return max(at(p).mean() for p in moved) - at(fresh).mean() > 1


def likely(truth, x, weight, places, value, fresh, gap, at):
    """The name of a mistake, by what the density is near to, and by its spread."""
    w, parts = truth.mixture_distribution.probs, truth.component_distribution
    means, covs = parts.mean, parts.covariance_matrix
    log_p, hole, v = truth.log_prob(fresh.double()), x.isnan(), fresh.double()
    out = log_p - gap
    ones = torch.ones(len(v), 1).double()
    square = (v[:, :, None] * v[:, None]).flatten(1)
    features = torch.cat([ones, v, square], 1)
    rest = out - features @ (torch.linalg.pinv(features) @ out)
    if rest.abs().median() < 1e-2:  # a quadratic function
        return "a single Gaussian"
    a, b = fresh[:500], fresh[500:1000]
    crossed = [torch.cat([p[:, :2], q[:, 2:]], 1) for p, q in ((a, b), (b, a))]
    sums = [at(p) + at(q) for p, q in ((a, b), crossed)]
    if (sums[0] - sums[1]).abs().median() < 1e-2:
        return "axes taken as independent"
    seen = x[~hole.any(1)]
    liked = at(seen).mean() - out.mean()
    liked -= truth.log_prob(seen.double()).mean() - log_p.mean()
    first, shift = weight @ places[:, 0].double(), seen[:, 0].mean()
    if abs(first - shift) < 0.6 * abs(first - x[:, 0].mean()) and liked > 0.25:
        return "incomplete points dropped"

    # A density that was fitted to filled holes likes them as a fit of ours does.
    scores = []
    for name, full in fillings(x, w, means, covs):
        rival, some = refit(full, w, means, covs), full[hole.any(1)]
        better = at(some).mean() - rival.log_prob(some.double()).mean()
        than_fresh = better - (out - rival.log_prob(v)).mean()
        scores.append((min(better, than_fresh), name))
    best, name = max(scores)
    rest = max((score for score, other in scores if other != name), default=best)
    if best > -0.2 or (best > -0.4 and best - rest > 0.3):
        return name
    if likes_moved(x, fresh, at):
        return "fitted in other coordinates"
    flat, same = covs * torch.eye(4), (w[:, None, None] * covs).sum(0)
    rivals = [
        ((gaussians(w, means, c).log_prob(v) - out).abs().median(), name)
        for name, c in (
            ("axes taken as independent", flat),
            ("one covariance for all components", same.expand(3, 4, 4)),
        )
    ]
    if min(rivals)[0] < 0.5 * gap.abs().median():
        return min(rivals)[1]

    entropy = log_p.mean() - (weight * value).sum()
    r = (parts.log_prob(v[:, None]) + w.log()).softmax(1)
    each = (r * gap[:, None]).sum(0) / r.sum(0)
    if each.max() > 0.5 and each.min() < 0.3:
        return "one cluster missed"
    if abs(entropy) > 0.1:
        return "too broad" if entropy > 0 else "too narrow"
    return "not quite" if gap.mean() < 0.25 else None


def fillings(x, w, means, covs):
    """x with its holes filled, in the ways that come to mind."""
    hole, guess = x.isnan(), "holes filled with predictions"
    mean = torch.where(hole, x.nanmean(0), x)
    yield "holes filled with the mean", mean
    middle = torch.where(hole, x.nanmedian(0).values, x)
    yield "holes filled with the mean", middle
    yield "holes filled with zeros", x.nan_to_num(0.0)
    column = x.clone()
    for j in (1, 2, 3):
        known, empty = x[~hole[:, j], j], int(hole[:, j].sum())
        column[hole[:, j], j] = known[torch.arange(empty) * 7 % len(known)]
    yield "holes filled with draws from the column", column
    yield guess, predicted(x, w, means, covs)
    full, one = mean, torch.ones(1).double()
    for _ in range(8):  # by one Gaussian
        given = full.double().mean(0)[None], full.double().T.cov()[None]
        full = predicted(x, one, *given)
    yield guess, full
    middle = (w @ means)[None]
    e = means - middle
    total = (w[:, None, None] * (covs + e[:, :, None] * e[:, None])).sum(0)
    given = middle, total[None]
    full = predicted(x, one, *given)
    yield guess, full
    draw = MultivariateNormal(given[0][0], given[1][0]).sample((len(x),)).float()
    off = draw - predicted(torch.where(hole, math.nan, draw), one, *given)
    yield guess, full + off  # off is 0 where x was seen
    line = mean.clone()
    for j in (1, 2, 3):
        c = x[~hole[:, j]][:, [0, j]]
        slope = c.T.cov()[0, 1] / c[:, 0].var()
        line[:, j] = c[:, 1].mean() + slope * (x[:, 0] - c[:, 0].mean())
    yield guess, torch.where(hole, line, x)
    apart, near = (x[:, None] - x).square().nanmean(2), x.clone()
    for j in (1, 2, 3):
        known = ~hole[:, j]
        best = apart[~known][:, known].topk(5, largest=False).indices
        near[~known, j] = x[known, j][best].mean(1)
    yield guess, near


def predicted(x, w, means, covs):
    """The mean of each hole given what was seen of its point."""
    seen, means, covs = ~x.isnan(), means[:, None], covs[:, None]
    kinds, which = seen.unique(dim=0, return_inverse=True)
    both = kinds.unsqueeze(2) & kinds.unsqueeze(1)
    part = torch.where(both, covs, torch.eye(4).double())
    inverse = torch.linalg.inv(part)
    diff = torch.where(seen, x.double() - means, 0.0)[..., None]  # (k, n, 4, 1)
    square = (diff.mT @ inverse[:, which] @ diff)[..., 0, 0]
    joint = w.log()[:, None] - (square + part.logdet()[:, which]) / 2
    full = means + ((covs @ (inverse * both))[:, which] @ diff)[..., 0]
    full = (joint.softmax(0)[..., None] * full).sum(0)
    return torch.where(seen, x, full.float())


def refit(x, w, means, covs):
    """Gaussians for points without holes."""
    x = x.double()
    for _ in range(8):
        r = (MultivariateNormal(means, covs).log_prob(x[:, None]) + w.log()).softmax(1)
        n = r.sum(0)
        w, means = n / len(x), (r / n).mT @ x
        e = x - means[:, None]
        covs = torch.einsum("nk,kni,knj->kij", r, e, e) / n[:, None, None]
        covs = covs + 1e-3 * torch.eye(4)
    return gaussians(w, means, covs)
