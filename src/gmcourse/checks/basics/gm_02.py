"""Exercise gm-02: The logarithm of a sum of densities."""

import math

import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from .._exercise import Exercise
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
        "Make a tensor of shape (b, k, d) first: every example against every "
        "component. Which axis is summed, and which is mixed?",
        "Independent dimensions: their log-densities add up. Components: their "
        "densities add up.",
        "exp(-1000) is 0 in float32, and log(0) is lost. `torch.logsumexp` takes "
        "logarithms in and gives a logarithm out.",
    ),
    misconceptions={
        "logarithms averaged": "The weighted mean of log-densities is below the "
        "logarithm of the weighted mean density (Jensen).",
        "weights used as logarithms": "log_w are logarithms already.",
        "best component only": "A maximum in place of the sum is the density of no "
        "mixture: it integrates to less than one.",
        "divided by the number of components": "The weights sum to one already.",
        "log_stds wrong in the normalizer": "Each dimension has -log_std in it, once: "
        "a wide component is a low one.",
        "log_stds not exponentiated": "They are logarithms: the deviation is exp.",
        "divided by the standard deviation once": "The exponent has its square below.",
        "weights counted in each dimension": "The component is chosen once: its weight "
        "is added after the sum over the dimensions.",
        "one width for all components": "Each component has deviations of its own.",
        "components left out": "All of them count, however small their weight.",
        "cut off far away": "Flat values, and no gradient: a clamp, of "
        "a distance or of a logarithm.",
        "exponential that overflows": "What is subtracted must be the largest.",
        "root of a squared distance": "A root has no derivative at 0: where a point "
        "lies on a mean the gradient is nan.",
        "constant counted once": "There is one log(2 pi)/2 for each dimension, however "
        "many there are.",
        "one width for all dimensions": "Each dimension has a deviation of its own.",
        "small number added to the density": "log(p + eps) is flat where p is below "
        "eps: the value is wrong there and the gradient gone.",
        "components not summed": "One number for each example is due.",
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
    ideas = {"components not summed": [(b, k), (k, b)]}
    t.shape(out, (b,), "log p(x) of each of the b examples.", ideas=ideas)
    t.property("each example by itself")
    again = t.tensor(t.call(mixture_log_prob, x, log_w, means, log_stds)).detach()
    few = t.call(mixture_log_prob, x[:2], log_w, means, log_stds)
    if again.isfinite().all() and torch.equal(again, t.tensor(out)):
        told = "The same two, without the others.", "statistics of the batch"
        t.close(few, again[:2], *told)

    half = 0.5 * math.log(2 * math.pi)
    single = x, torch.zeros(1), means[:1], log_stds[:1]
    t.rowwise(
        "one component: log-densities of the dimensions add up",
        mixture_log_prob,
        single,
        lambda *a: parts(*a)[:, 0],
        "A diagonal Gaussian.",
        {
            "constant counted once": [
                lambda *a: parts(*a) + half * (d - 1) / d,
                lambda *a: parts(*a) + half * (d - 2) / d,
            ],
            "factor one half lost": lambda *a: (
                2 * (parts(*a) + half + a[3]) - a[3] - half
            ),
            "log_std read as log variance": lambda x, w, m, s: parts(x, w, m, s / 2),
            "log_stds wrong in the normalizer": [
                lambda *a: parts(*a) + a[3],
                lambda *a: parts(*a) + 2 * a[3],
                lambda *a: parts(*a) - a[3],
            ],
            "log_stds not exponentiated": [
                lambda x, w, m, s: parts(x, w, m, s.abs().log()),
                lambda x, w, m, s: parts(x, w, m, s.abs().log()) + s.abs().log() - s,
            ],
            "divided by the standard deviation once": lambda x, w, m, s: (
                parts(x, w, m, s / 2) - s / 2
            ),
            "density in place of its logarithm": parts(*single)[:, 0].sum(1).exp(),
            "floor under the standard deviation": [
                lambda x, w, m, s, v=v: parts(x, w, m, (s.exp() + v).log())
                for v in (0.1, 1e-2, 1e-3)
            ],
            "one width for all dimensions": [
                lambda *a: parts(*a) + a[3] - a[3][:, :1],
                lambda x, w, m, s: parts(x, w, m, s[:, :1]),
            ],
            "weights used as logarithms": [-math.inf, lambda *a: parts(*a) + 1 / d],
        },
        grads=False,  # that in x is asked for alone
    )

    state = log_w, means, log_stds
    t.property("the density is the weighted mean of the components' densities", of=out)
    each, due = parts(x, *state), exact(x, *state)
    total, w = each.sum(2), log_w.double().exp()
    ideas = {
        "weights left out": [total.logsumexp(1), total.exp().mean(1).log()],
        "weights used as logarithms": [
            (total + v).logsumexp(1) for v in (w, log_w.abs().log())
        ],
        "logarithms averaged": [total @ w, total.mean(1)],
        "weights counted in each dimension": (total + d * log_w).logsumexp(1),
        "one width for all components": [
            (parts(x, log_w, means, v).sum(2) + log_w).logsumexp(1)
            for v in (log_stds[:1], log_stds[-1:], log_stds.mean(0, True))
        ],
        "components left out": [
            (total + log_w)[:, part].logsumexp(1)
            for part in (slice(1), slice(2), slice(-1), slice(1, None), slice(-1, None))
        ],
        "best component only": [(total + log_w).amax(1), total.amax(1)],
        "divided by the number of components": due - math.log(k),
        "component chosen for each dimension": (
            (each + log_w[:, None]).logsumexp(1).sum(1)
        ),
        "small number added to the density": [
            (due.exp() + eps).log() for eps in (1e-3, 1e-6, 1e-8)
        ],
    }
    t.close(out, due, "Densities are mixed.", None, ideas)

    t.property("points and components in another order")
    turned = [v.flip(0) for v in (x, log_w, means, log_stds)]
    out = t.call(mixture_log_prob, *turned)
    why = "The same numbers, in that order."
    t.close(out, due.flip(0), why, "result of an earlier call")

    def slopes(name, x, means, mistake, ideas=None, log_w=log_w, log_stds=log_stds):
        """Values and gradients where only one mistake is left for each."""
        t.property(name)
        leaf, same = x.clone().requires_grad_(), x.double().requires_grad_()
        out = t.call(mixture_log_prob, leaf, log_w, means, log_stds)
        due, grad = exact(same, log_w, means, log_stds), t.grad(out, leaf)
        (slope,) = torch.autograd.grad(due.sum(), same)
        why = "That of the same mixture in float64, and its gradient."
        t.finite(out, why, mistake)
        name = None if ideas else mistake
        t.close(out, due, why, name, ideas, tol=1e-4)
        t.finite(grad, why, mistake)
        t.close(grad, slope, why, name, {"cut off from the graph": 0.0}, tol=1e-4)

    slopes("the gradient in x is the slope", x, means, "cut off from the graph")
    slopes("points on the means", means, means, "root of a squared distance")
    name = "hundreds of deviations away: value and gradient"
    far = x + torch.linspace(300, 600, b)[:, None] * t.away(b, 1, low=1, high=1)
    t.property(name)
    out = t.tensor(t.call(mixture_log_prob, far[:1], *state)).detach()
    over = "exponential that overflows"
    low = {-math.inf: "underflow to zero", math.inf: over}.get(out.max().item())
    t.finite(out, "A density is never zero here.", low)
    out = t.tensor(t.call(mixture_log_prob, far, *state)).detach()
    small = "small number added to the density" if out[0] > -750 else "cut off far away"
    slopes(name, far, means, "one shift for all examples", {small: out[0].expand(b)})
    name, lost = (
        "all of it around 1,000: the same densities",
        "difference of large numbers",
    )
    slopes(name, x + 1000, means + 1000, lost)
    few = torch.tensor([1 - 1e-3 - 1e-9, 1e-3, 1e-9]).log()
    apart, name = means[:3] + torch.tensor([[0.0], [12.0], [-12.0]]), "a rare component"
    how = {"log_w": few, "log_stds": log_stds[:3]}
    slopes(f"near {name}", apart, apart, "components left out", **how)

    for times, mistake in (
        (1e-3, "floor under the standard deviation"),
        (1e3, "ceiling on the variance"),
    ):
        t.property(f"all of it {times:g} times as large")
        scaled = x * times, log_w, means * times, log_stds + math.log(times)
        out = t.call(mixture_log_prob, *scaled)
        why = "The same mixture in float64."
        t.close(out, exact(*scaled), why, mistake, tol=1e-4)
    t.property("1,000 dimensions")
    wide = t.uniform(3, 1000, low=-0.2, high=0.2), t.uniform(3, 1000, low=-3, high=-2)
    wide = wide[0][:2] + 0.01, log_w[:3].log_softmax(0), *wide
    out, low = t.call(mixture_log_prob, *wide), "underflow to zero"
    t.finite(out, "A sum of logarithms is a number.", low)
    t.close(out, exact(*wide), "The same mixture in float64.", low, tol=1e-4)
