"""Exercise gm-13: A density from data with holes."""

import math
import time
from itertools import product

import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from .._exercise import Exercise


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
        "leave some density everywhere.",
        "incomplete points dropped": "The first coordinate, which was always seen, is "
        "distributed as in the complete points alone. These are few, and most have a "
        "small first coordinate: they are no sample of all points.",
        "holes filled": "A hole counts as a measured value: a mean, a median, zero, a "
        "prediction, a draw or a neighbor's; in EM it may be the component's mean, or "
        "the conditional mean without the conditional covariance. Nobody measured it: "
        "the likelihood of what was seen needs no such value.",
        "second moment of a hole": "In the M step the expected square of a hole is "
        "more than the square of the conditional mean: the conditional covariance, all "
        "of it, belongs into the new one, once.",
        "too narrow": "Its entropy is smaller than that of the truth: a component fell "
        "onto a few points, holes count as values without spread, or covariances are "
        "taken for something smaller.",
        "too broad": "Its entropy is larger than that of the truth: a component covers "
        "two clusters (too few components, a poor start, or the wrong one of several "
        "kept), the training stopped too soon, a floor under the covariance is too "
        "high, or the coordinates lost what they have in common.",
        "fitted to the noise": "Points of x are far likelier than fresh ones: too many "
        "components, some that fell onto a few points, or holes that count as values "
        "without spread.",
        "one cluster missed": "The density is good on one cluster or two, and poor on "
        "another: a poor optimum, or the wrong number of components. Start several "
        "times, and keep the likeliest.",
        "a single Gaussian": "This is one Gaussian: three are due. Components that "
        "start alike stay alike.",
        "logarithms averaged": "The components' densities are weighted and added, and "
        "the logarithm comes last: a mean of log-densities is no mixture.",
        "weights left out": "Each component counts with its weight.",
        "axes taken as independent": "Within a component the coordinates are "
        "correlated: the whole covariance is to be fitted.",
        "coordinates taken as independent": "The log-density is a sum of functions of "
        "one coordinate each: what the four have in common is lost.",
        "one covariance for all components": "Each component has its own.",
        "covariance taken for something else": "A covariance is neither its root, nor "
        "its square, nor its inverse: see what your Gaussian takes (covariance_matrix, "
        "scale_tril or precision_matrix).",
        "fitted in other coordinates": "It is good where the points are not: what was "
        "done to x (centered, scaled) has to be done to the points.",
        "change of variables without its determinant": "The integral is that of a "
        "density of scaled points: subtract the logarithm of each scale.",
        "constant left out": "Right up to a constant: look for the powers of 2π, the "
        "weights, and the logarithms of scales.",
        "terms of the Gaussian": "The log-density of a Gaussian is minus half of: "
        "squared distance, log-determinant of the covariance, 4 log 2π. One of the "
        "three is lost, or has another factor.",
        "maximum in place of the sum": "The densities of all components are added.",
        "cut off from below": "Many far points have the same value: a floor under a "
        "density makes its integral infinite.",
        "a coordinate ignored": "Changing one coordinate changes nothing: this is the "
        "density of fewer than four.",
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
        name = "does not integrate to one"
        for idea, values in ideas.items():
            for v in values if isinstance(values, list) else [values]:
                name = idea if abs(share(v).mean() - 1) < 0.05 else name
        if abs(share(-value).mean() - 1) < 0.1:
            name = "negative log-likelihood returned"
        name = misshapen(truth, x, fresh, out, at) or name
        why = "Over all points, by 12,000 draws of a wide mixture: 0.97 to 1.03."
        t.fail(name, why=why, got=f"{whole:.4g}")

    # Three Gaussians by EM, three starts: 0.033 over 40 seeds, deviation 0.011.
    quick = seconds < 2
    other = t.call(fit, x + 2) if quick else log_prob
    same = quick and torch.allclose(at(some, other), few, rtol=1e-3, atol=1e-3)
    t.property("at most 0.12 nats behind the truth on fresh points", of=log_prob)
    name, scaled = None, "fitted in other coordinates"
    if gap.mean() > 0.12:
        weight = share(value) / share(value).sum()
        one = abs(whole - 1) < 0.1
        name = likely(truth, x, places, weight, value, fresh, gap, at, one)
        name = "x ignored" if same and name != scaled else name
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


def nearest(rivals, out, gap, loose=False):
    """The name of the nearest of the log-densities, if one is near."""
    size = gap.abs().median()
    off = [((v - out).abs().median(), k) for k, vs in rivals.items() for v in vs]
    least, name = min(off, key=lambda pair: pair[0])
    others = min((v for v, k in off if k != name), default=size)
    alone = loose and least < 0.6 * size and least < 0.7 * others
    return name if alone or least < min(0.15 * size + 0.02, 0.5 * size) else None


def misshapen(truth, x, fresh, out, at, whole=False):
    """The name of a mistake in the formula of the density, whatever was fitted."""
    v = fresh.double()
    far_off = at(1000 * fresh[:100])
    if far_off.max() - far_off.min() < 1e-2 and far_off.min() > -1e3:
        return "cut off from below"
    for j in range(4):
        moved = fresh[:200].clone()
        moved[:, j] += 1
        if (at(moved) - out[:200]).abs().max() < 1e-4:
            return "a coordinate ignored"
    w, m, c = em(x, *parameters(truth), 12)
    gap, rivals = gaussians(w, m, c).log_prob(v) - out, {}
    e = (v[:, None] - m)[..., None]
    square = (e.mT @ torch.linalg.inv(c) @ e)[..., 0, 0]

    def density(a=0.5, b=0.5, k=2.0):
        return w.log() - a * square - b * c.logdet() - k * math.log(2 * math.pi)

    sums = [
        density(a, b, k).logsumexp(1)
        for a, b, k in product(
            (0.5, 1, 0.25), (0.5, 0, 1, -0.5, 0.25), (2, 0, 0.5, 1, 4)
        )
    ]
    log_n = density() - w.log()
    middle, spreads = x.nanmean(0), (spread_of(x), filled_mean(x).std(0))
    right = sums[0]
    mix = gaussians(w, m, c)
    rivals = {
        "terms of the Gaussian": sums[1:],
        "weights left out": [log_n.logsumexp(1), log_n.logsumexp(1) - math.log(3)],
        "weights added, not their logarithms": [(log_n + w).logsumexp(1)],
        "logarithms averaged": [
            *((log_n * w).sum(1), log_n.mean(1), log_n.sum(1), density().sum(1)),
            density().mean(1),
        ],
        "maximum in place of the sum": [density().amax(1), log_n.amax(1)],
        "covariance taken for something else": [
            gaussians(w, m, u + 1e-6 * torch.eye(4)).log_prob(v)
            for u in (
                *(c @ c, c.tril() @ c.tril().mT, torch.linalg.inv(c)),
                *(torch.linalg.inv(c @ c), roots(c), c.square() * torch.eye(4)),
                c.abs().sqrt() * torch.eye(4),
            )
        ],
        "axes taken as independent": [gaussians(w, m, c * torch.eye(4)).log_prob(v)],
        "change of variables without its determinant": [
            right + k * s.log().sum() for s in spreads for k in (1, 2)
        ],
        "fitted in other coordinates": [
            mix.log_prob(v * s + d) + k * s.log().sum()
            for s in (*spreads, torch.ones(4))
            for d in (middle, 0 * middle)
            for k in (0, 1)
            if (s - 1).abs().max() > 0 or d.abs().max() > 0
        ],
        "bits in place of nats": [right / math.log(2)],
        "logarithm to base 10": [right / math.log(10)],
        "mean over the dimensions": [right / 4],
        "density in place of its logarithm": [right.exp()],
        "negative log-likelihood returned": [-right],
    }
    if whole:  # what does not integrate to one is out of question
        rivals["weights left out"].pop(0)
        kept = ("weights left out", "logarithms averaged", "axes taken as independent")
        kept += "covariance taken for something else", "fitted in other coordinates"
        return nearest({k: rivals[k] for k in kept}, out, gap)
    name = nearest(rivals, out, gap)
    if name is None and (gap - gap.median()).abs().median() < 0.1 * gap.median().abs():
        name = "constant left out"
    return name


def likely(truth, x, places, weight, value, fresh, gap, at, whole):
    """The name of a mistake, by its form, by what it was fitted to, by its spread."""
    w, parts = truth.mixture_distribution.probs, truth.component_distribution
    log_p, hole, v = truth.log_prob(fresh.double()), x.isnan(), fresh.double()
    out = log_p - gap
    name = misshapen(truth, x, fresh, out, at, whole)
    if name == "logarithms averaged" or name == "constant left out":
        return name
    ones = torch.ones(len(v), 1).double()
    square = (v[:, :, None] * v[:, None]).flatten(1)
    features = torch.cat([ones, v, square], 1)
    rest = out - features @ (torch.linalg.pinv(features) @ out)
    if rest.abs().median() < 1e-2:  # a quadratic function
        return "a single Gaussian"
    if name:
        return name
    a, b = fresh[:500].clone(), fresh[500:1000].clone()
    before = at(a) + at(b)
    a[:, :2], b[:, :2] = b[:, :2].clone(), a[:, :2].clone()
    if (at(a) + at(b) - before).abs().median() < 1e-2:
        return "coordinates taken as independent"

    seen, middle = x[~hole.any(1)], float(x[:, 0].mean())
    first, shift = float(weight @ places[:, 0].double()), float(seen[:, 0].mean())
    liked = float(at(seen).mean() - out.mean())
    liked -= float(truth.log_prob(seen.double()).mean() - log_p.mean())
    if abs(first - shift) < 0.6 * abs(first - middle) and liked > 0:
        return "incomplete points dropped"

    start = parameters(truth)
    eye, empty = torch.eye(4).double(), hole[:, :, None] & hole[:, None]

    def held(full, rest, means, covs):
        return torch.where(hole, means[:, None], x.double()), 0 * rest

    rivals = {
        "second moment of a hole": [
            fitted(v, x, start, 25, lambda f, r, m, c, k=k: (f, r * k))
            for k in (0 * eye, eye)
        ]
        + [fitted(v, x, start, 25, lambda f, r, m, c: (f, c[:, None] * empty))],
        "holes filled": [fitted(v, x, start, 25, held)],
        "axes taken as independent": [fitted(v, x, start, 12, shape=eye)],
        "one covariance for all components": [fitted(v, x, start, 12, tied=True)],
    }
    name = nearest(rivals, out, gap)
    if name:
        return name
    scores = []
    for full in fillings(x, start):
        rival = gaussians(*em(full, *start, 15))
        some = full[hole.any(1)]
        scores.append(float((at(some) - rival.log_prob(some.double())).mean()))
        rivals["holes filled"].append(rival.log_prob(v))
    if max(scores) > -0.15:
        return "holes filled"
    name = nearest(rivals, out, gap, loose=True)
    if name:
        return name
    entropy = log_p.mean() - (weight * value).sum()
    if liked > (0.25 if entropy < 0 else 0.8):
        return "fitted to the noise"
    r = (parts.log_prob(v[:, None]) + w.log()).softmax(1)
    each = (r * gap[:, None]).sum(0) / r.sum(0)
    if each.max() > 0.5 and each.min() < 0.3:
        return "one cluster missed"
    if abs(entropy) > 0.1:
        return "too broad" if entropy > 0 else "too narrow"
    return "not quite" if gap.mean() < 0.25 else None


def fitted(v, x, start, steps, use=None, shape=None, tied=False):
    return gaussians(*em(x, *start, steps, use, shape, tied)).log_prob(v)


def fillings(x, start):
    """x with its holes filled, in the ways that come to mind."""
    hole, place = x.isnan(), torch.arange(len(x))
    yield filled_mean(x)
    yield torch.where(hole, x.nanmedian(0).values, x)
    for v in (0.0, -1.0, 1.0):
        yield x.nan_to_num(v)
    column = x.clone()
    for j in (1, 2, 3):
        known, empty = x[~hole[:, j], j], int(hole[:, j].sum())
        column[hole[:, j], j] = known[torch.arange(empty) * 7 % len(known)]
    yield column
    line = column.clone()
    for j in (1, 2, 3):
        known = ~hole[:, j]
        c = torch.cov(x[known][:, [0, j]].T)
        slope = c[0, 1] / c[0, 0]
        guess = x[known, j].mean() + slope * (x[:, 0] - x[known, 0].mean())
        line[:, j] = torch.where(known, x[:, j], guess)
    yield line
    middle, cov = filled_mean(x).double().mean(0)[None], torch.eye(4).double()[None]
    one = em(x, torch.ones(1).double(), middle, cov, 10)
    for given in (one, start):
        r, full, rest = expected(x, *given)
        mean = (r[..., None] * full).sum(0)
        yield torch.where(hole, mean.float(), x)
        which = r.argmax(0)
        yield torch.where(hole, given[1][which].float(), x)
        if given is start:  # draws that are as good as measured
            continue
        root = torch.linalg.cholesky(rest[which, place] + 1e-6 * torch.eye(4))
        noise = (root @ torch.randn(len(x), 4, 1).double())[..., 0]
        yield torch.where(hole, (full[which, place] + noise).float(), x)
    seen = x[~hole.any(1)]
    for k in (1, 4):  # the nearest complete point
        apart = (x[:, None, :k] - seen[:, :k]).nan_to_num(0.0).square().sum(-1)
        yield torch.where(hole, seen[apart.argmin(1)], x)


def filled_mean(x):
    return torch.where(x.isnan(), x.nanmean(0), x)


def roots(c):
    size, turn = torch.linalg.eigh(c)
    return (turn * size.sqrt()[:, None]) @ turn.mT


def parameters(truth):
    parts = truth.component_distribution
    return truth.mixture_distribution.probs, parts.mean, parts.covariance_matrix


def expected(x, w, means, covs):
    """Of each point under each component, given what was seen of it: the share, the
    mean and the covariance."""
    seen, eye = ~x.isnan(), torch.eye(4).double()
    seen = seen[:1] if seen.all() else seen
    both = seen[:, :, None] & seen[:, None]
    diff = torch.where(seen, x.double() - means[:, None], 0.0)[..., None]
    part = torch.where(both, covs[:, None], eye)
    inverse = torch.linalg.inv(part)
    joint = -((diff.mT @ inverse @ diff)[..., 0, 0] + part.logdet()) / 2
    gain = covs[:, None] @ (inverse * both)
    full = means[:, None] + (gain @ diff)[..., 0]
    share = (joint + w.log()[:, None]).softmax(0)
    return share, full, covs[:, None] - gain @ covs[:, None]


def em(x, w, means, covs, steps, use=None, shape=None, tied=False):
    """Steps of EM; ``use`` changes what is expected, ``shape`` the covariances."""
    eye = torch.eye(4).double()
    for _ in range(steps):
        r, full, rest = expected(x, w, means, covs)
        if use:
            full, rest = use(full, rest, means, covs)
        n = r.sum(1)
        means = (r[..., None] * full).sum(1) / n[:, None]
        e = (full - means[:, None])[..., None]
        covs = (r[..., None, None] * (e @ e.mT + rest)).sum(1) / n[:, None, None]
        covs = covs + 1e-3 * eye
        w = n / n.sum()
        covs = covs if shape is None else covs * shape
        covs = (w[:, None, None] * covs).sum(0).expand_as(covs) if tied else covs
    return w, means, covs
