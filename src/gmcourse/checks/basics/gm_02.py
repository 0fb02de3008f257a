"""Exercise gm-02: The logarithm of a sum of densities."""

import math

import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes
from ._shared import fractions


@Exercise(
    id="gm-02",
    title="The logarithm of a sum of densities",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Compute the log-density of a mixture without ever forming a density.",
    ),
    statement=r"""
A mixture of $k$ Gaussians with diagonal covariances has the density
$p(x) = \sum_j \pi_j\, \mathcal N(x;\, \mu_j, \operatorname{diag}(\sigma_j^2))$.

Write `mixture_log_prob(x, log_w, means, log_stds)`: `x` has shape `(b, d)`, `log_w`
holds the $k$ logarithms $\log \pi_j$ of weights that sum to one, `means` and
`log_stds` (natural logarithms of the standard deviations) have shape `(k, d)`. Return
$\log p(x)$ in nats, shape `(b,)`. It has to be right, and so has its gradient in `x`,
also for points hundreds of standard deviations away from every component, and where all
data lie far from 0.
""",
    stub='''
def mixture_log_prob(x, log_w, means, log_stds):
    """(b, d), (k,), (k, d), (k, d) -> (b,): log p(x) in nats."""
    return ...
''',
    answers={"mixture_log_prob": callable},
    hints=(
        "Make a tensor of shape `(b, k, d)` first: every example against every "
        "component. Which axis is summed, and which is mixed?",
        "Independent dimensions: their log-densities add up. Components: their "
        "densities add up.",
        r"$\exp(-1000)$ is 0 in float32, and $\log 0$ is lost. `torch.logsumexp` takes "
        "logarithms in and gives a logarithm out.",
    ),
    misconceptions={
        "logarithms averaged": "The weighted mean of log-densities is below the "
        "logarithm of the weighted mean density (Jensen).",
        "logarithms added up": "A sum of log-densities is that of a product; the "
        "components' densities are to be added.",
        "log-densities multiplied by weights": "w log N is the logarithm of N to the "
        "power w: a factor of a density is added to its logarithm.",
        "axes exchanged": "Dimensions are independent: their logarithms add up. "
        "Components are mixed: their densities do.",
        "weights used as logarithms": "log_w are logarithms already.",
        "best component only": "A maximum in place of the sum is the density of no "
        "mixture: it integrates to less than one.",
        "one Gaussian in place of the mixture": "A mixture is not the Gaussian of its "
        "mean and variance, nor that of averaged parameters.",
        "divided by the number of components": "The weights sum to one already.",
        "product of hundreds of factors": "It is 0 or infinite as a float, whether of "
        "densities or of deviations: logarithms add up.",
        "shift not put back": "What is subtracted before exp is added again after log.",
        "log_stds wrong in the normalizer": "Each dimension has -log_std in it, once: "
        "a wide component is a low one.",
        "one half lost in the normalizer": "It is log(2 pi sigma^2) / 2: the half "
        "belongs to log(2 pi) and to log sigma^2.",
        "another function than exp": "The deviation is exp(log_std): neither its "
        "square nor its inverse, and no other function of log_std.",
        "another exponent": "It is minus half the square of (x - mean) / deviation.",
        "log(2 pi) left out": "The normalizer holds it, once for each dimension.",
        "divided by the standard deviation once": "The exponent has its square below.",
        "weights counted in each dimension": "The component is chosen once: its weight "
        "is added after the sum over the dimensions.",
        "one width for all components": "Each component has deviations of its own.",
        "components left out": "All of them count, however small their weight.",
        "cut off far away": "A clamp, of a distance or of a logarithm, makes values "
        "flat and takes their gradient.",
        "exponential that overflows": "What is subtracted must be the largest.",
        "root of a squared distance": "A root has no derivative at 0: where a point "
        "lies on a mean the gradient is nan.",
        "constant counted once": "There is one log(2 pi)/2 for each dimension, however "
        "many there are.",
        "one width for all dimensions": "Each dimension has a deviation of its own.",
        "small number added to the density": "log(p + eps), or a clamp, is flat where "
        "p is below a bound: the value is wrong there and the gradient gone.",
    },
)
def gm_02(t, mixture_log_prob):
    b, k, d = t.integer(6, 8), t.integer(3, 4), 5
    log_w = fractions(t, k).log()
    means = t.uniform(k, d, low=-0.7, high=0.7)
    log_stds = t.uniform(k, d, low=-0.6, high=0.4)
    log_stds += 0.005  # none is 0, and the sum over the dimensions no round number
    x = t.uniform(b, d, low=-1.5, high=1.5)

    def parts(x, log_w, means, log_stds):
        """(b, k, d): of each dimension of each component, in float64."""
        law = Normal(means.double(), log_stds.double().exp())
        return law.log_prob(x.double()[:, None])

    def exact(x, log_w, means, log_stds):
        law = Independent(Normal(means.double(), log_stds.double().exp()), 1)
        choice = Categorical(logits=log_w.double())
        return MixtureSameFamily(choice, law).log_prob(x.double())

    t.property("one number for each example")
    out = t.call(mixture_log_prob, x, log_w, means, log_stds)
    t.shape(out, (b,), "log p(x) of each of the b examples.")
    t.property("each example by itself")
    again = t.tensor(t.call(mixture_log_prob, x, log_w, means, log_stds)).detach()
    few = t.call(mixture_log_prob, x[:2], log_w, means, log_stds)
    if again.isfinite().all() and torch.equal(again, t.tensor(out)):
        told = "The same two, without the others.", "statistics of the batch"
        t.close(few, again[:2], *told)

    single = x, torch.zeros(1), means[:1], log_stds[:1]
    state = log_w, means, log_stds
    due = exact(x, *state)
    gap, first = (x - means[0]).double(), parts(*single)[:, 0]
    one = gaussians(gap, log_stds[0].double(), first)
    many = mixtures(x, *state, parts, due)
    t.rowwise(
        "one component: log-densities of the dimensions add up",
        mixture_log_prob,
        single,
        lambda *a: parts(*a)[:, 0],
        "A diagonal Gaussian.",
        one,
        grads=False,  # that in x is asked for alone
    )
    t.property("the density is the weighted mean of the components' densities", of=out)
    t.close(out, due, "Densities are mixed.", None, many)

    t.property("points and components in another order")
    turned = [v.flip(0) for v in (x, log_w, means, log_stds)]
    out = t.call(mixture_log_prob, *turned)
    why = "The same numbers, in that order."
    t.close(out, due.flip(0), why, "result of an earlier call")

    def slopes(name, x, means, mistake, log_w=log_w, log_stds=log_stds):
        """Values and gradients where only one mistake is left for each."""
        t.property(name)
        leaf, same = x.clone().requires_grad_(), x.double().requires_grad_()
        out = t.call(mixture_log_prob, leaf, log_w, means, log_stds)
        due, grad = exact(same, log_w, means, log_stds), t.grad(out, leaf)
        (slope,) = torch.autograd.grad(due.sum(), same)
        why = "That of the same mixture in float64, and its gradient."
        t.finite(out, why, mistake)
        t.close(out, due, why, mistake, tol=1e-4)
        t.finite(grad, why, mistake)
        t.close(grad, slope, why, mistake, {"cut off from the graph": 0.0}, tol=1e-4)

    slopes("the gradient in x is the slope", x, means, "cut off from the graph")
    slopes("points on the means", means, means, "root of a squared distance")
    name = "hundreds of deviations away: value and gradient"
    far_out = x + torch.linspace(300, 600, b)[:, None] * t.away(b, 1, low=1, high=1)
    t.property(name)
    over, low = "exponential that overflows", "underflow to zero"
    lost = {-math.inf: low, math.inf: over}
    last = t.tensor(t.call(mixture_log_prob, far_out[-1:], *state)).detach().double()
    t.finite(last, "A density is never zero here.", lost.get(last.item(), "not finite"))
    told = "one shift for all examples"
    if far(last, exact(far_out[-1:], *state), 1e-4).any():
        told = (
            "small number added to the density" if last > -750 else "cut off far away"
        )
    slopes(name, far_out, means, told)
    name, digits = "all of it around 1,000: the same", "difference of large numbers"
    slopes(f"{name} densities", x + 1000, means + 1000, digits)
    few = torch.tensor([1 - 1e-3 - 1e-9, 1e-3, 1e-9]).log()
    apart, name = means[:3] + torch.tensor([[0.0], [12.0], [-12.0]]), "a rare component"
    rare = apart, few, apart, log_stds[:3]
    low = t.tensor(t.call(mixture_log_prob, *rare)).detach() < exact(*rare) + 1e-3
    told = "components left out" if low.all() else None
    slopes(f"near {name}", apart, apart, told, few, log_stds[:3])

    for times, mistake in (
        (1e-3, "floor under the standard deviation"),
        (1e3, "ceiling on the variance"),
    ):
        t.property(f"all of it {times:g} times as large")
        scaled = x * times, log_w, means * times, log_stds + math.log(times)
        out, due = t.call(mixture_log_prob, *scaled), exact(*scaled)
        ideas = {"cut off far away": due.clamp(max=0)}
        t.close(out, due, "The same mixture in float64.", mistake, ideas, tol=1e-4)
    t.property("1,000 dimensions")
    wide = t.uniform(3, 1000, low=-0.2, high=0.2), t.uniform(3, 1000, low=-3, high=-2)
    wide = wide[0][:2] + 0.01, log_w[:3].log_softmax(0), *wide
    out, name = t.call(mixture_log_prob, *wide), "product of hundreds of factors"
    t.finite(out, "A sum of logarithms is a number.", name)
    t.close(out, exact(*wide), "The same mixture in float64.", name, tol=1e-4)


def gaussians(gap, s, right):
    """What wrong formulas give for one Gaussian, by what is wrong in them."""
    half, d = 0.5 * math.log(2 * math.pi), len(s)
    small, lost = [10.0**-e for e in (1, 2, 3, 4)], "one half lost in the normalizer"
    flat = [s[:1], s[-1:], s.mean(), s.exp().mean().log()]
    scales = {
        "": s,
        "log_std read as log variance": s / 2,
        "another function than exp": [2 * s, -s, s.abs().log()],
        "floor under the standard deviation": [(s.exp() + v).log() for v in small],
        "floor under the variance": [((2 * s).exp() + v).log() / 2 for v in small],
        "one width for all dimensions": [v.expand(d) for v in flat],
    }
    tops = {
        "": -1,
        "log_stds wrong in the normalizer": [0, 1, -0.5, -s.exp() / s],
        lost: -2,
        "one width for all dimensions": [-v / s for v in flat],
    }
    constants = {
        "": -half,
        "log(2 pi) left out": 0.0,
        lost: -2 * half,
        "constant counted once": [-half / d, -2 * half / d],
    }
    # The powers of the distance and of the deviation, and their factor.
    exponents = {
        "": (2, 2, -0.5),
        "factor one half lost": (2, 2, -1),
        "divided by the standard deviation once": (2, 1, -0.5),
        "another exponent": [(2, -2, -0.5), (1, 1, -0.5), (2, 2, 0.5), (2, 2, 0)],
    }

    def value(v, top, constant, how):
        p, q, factor = how
        return (factor * gap.abs() ** p / (q * v).exp() + top * v + constant).sum(1)

    yield from {
        "density in place of its logarithm": [right.sum(1).exp(), right.exp().sum(1)],
        "axes exchanged": right.logsumexp(1),
        "shift not put back": 0 * right[:, 0],
        "weights used as logarithms": [-math.inf, right.sum(1) + 1],
    }.items()
    yield from mistakes(value, scales, tops, constants, exponents)


def mixtures(x, log_w, means, log_stds, parts, due):
    """What wrong formulas give for a mixture, by what is wrong in them."""
    log_w, means, log_stds = log_w.double(), means.double(), log_stds.double()
    (k, d), zero = means.shape, torch.zeros_like(log_stds)
    widths = {
        "": log_stds,
        "one width for all components": [zero + log_stds[:1], zero + log_stds.mean(0)],
    }
    weights = {
        "": log_w,
        "weights left out": [0 * log_w, 0 * log_w - math.log(k)],
        "weights used as logarithms": [log_w.exp(), log_w.abs().log()],
        "weights counted in each dimension": d * log_w,
    }
    # Of the terms: of the dimensions, summed and weighted; and of the log-weights.
    ends = {
        "": lambda _, v, u: v.logsumexp(1),
        "logarithms averaged": [
            lambda e, _, u: e.sum(2) @ u.exp(),
            lambda e, _, u: e.sum(2).mean(1),
        ],
        "logarithms added up": lambda _, v, u: v.sum(1),
        "log-densities multiplied by weights": lambda e, _, u: (
            e.sum(2) * u.exp()
        ).logsumexp(1),
        "best component only": lambda _, v, u: v.amax(1),
        "component chosen for each dimension": lambda e, _, u: (
            (e + u[:, None]).logsumexp(1).sum(1)
        ),
        "divided by the number of components": lambda _, v, u: (
            v.logsumexp(1) - math.log(k)
        ),
    }

    def value(width, u, end):
        each = parts(x, log_w, means, width)
        return end(each, each.sum(2) + u, u)

    terms = parts(x, log_w, means, log_stds).sum(2) + log_w
    some, small = (slice(1), slice(2), slice(-1)), (1e-3, 1e-4, 1e-5, 1e-6, 1e-8)
    u = log_w.exp()[:, None]
    m, within = (u * means).sum(0), (u * (2 * log_stds).exp()).sum(0)
    both = within + (u * (means - m) ** 2).sum(0)
    logs = (u * log_stds).sum(0), within.log() / 2, both.log() / 2
    ones = [parts(x, log_w, m[None], v[None])[:, 0].sum(1) for v in logs]
    yield from mistakes(value, widths, weights, ends)
    yield from {
        "components left out": [terms[:, part].logsumexp(1) for part in some],
        "small number added to the density": [(due.exp() + v).log() for v in small],
        "one Gaussian in place of the mixture": ones,
    }.items()
