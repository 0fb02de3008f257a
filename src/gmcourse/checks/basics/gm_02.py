"""Exercise gm-02: The logarithm of a sum of densities."""

import math

import torch
from torch.distributions import Normal

from .._exercise import Exercise
from ._shared import fractions, line_mixture


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
also for points hundreds of standard deviations away from every component.
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
        "weights left out": "Each component counts with its weight.",
        "weights used as logarithms": "log_w are logarithms already.",
        "best component only": "A maximum in place of the sum is the density of no "
        "mixture: it integrates to less than one.",
        "standard deviations read as variances": "log_stds are logarithms of standard "
        "deviations: the square of their exponential divides the squared distance.",
        "log_stds left out of the normalizer": "A wide component is a low one.",
        "constant counted once": "There is one log(2 pi)/2 for each dimension, however "
        "many there are.",
        "factor one half lost": "The exponent of a normal density is half a squared "
        "distance.",
        "not the density of a Gaussian": "Take one component and one dimension, and "
        "compare term by term with torch.distributions.Normal.",
        "densities not mixed by their weights": "Compute two components by hand, and "
        "add up weight times density.",
        "gradient cut off": "The value is right, its slope is not: something on the "
        "way from x to the result was detached.",
        "logarithm of an underflown density": "Far from all components the densities "
        "are below what float32 holds, and their sum is 0.",
        "small number added to the density": "log(p + eps) is flat where p is below "
        "eps: the value is wrong there and the gradient gone.",
        "components not summed": "One number for each example is due.",
        "component chosen for each dimension": "The component is chosen once for the "
        "whole point. Mixing each dimension on its own and adding the logarithms "
        "makes the dimensions independent.",
    },
)
def gm_02(t, mixture_log_prob):
    b, k, d = 5, t.integer(3, 4), 2
    log_w = fractions(t, k).log()
    means, log_stds = t.uniform(k, d, low=-2, high=2), t.uniform(k, d, low=-1, high=0.4)
    x = t.uniform(b, d, low=-3, high=3)

    t.property("one number for each example")
    out = t.call(mixture_log_prob, x, log_w, means, log_stds)
    ideas = {"components not summed": [(b, k)]}
    t.shape(out, (b,), "log p(x) of each of the b examples.", ideas=ideas)
    out = t.call(mixture_log_prob, x[:1], log_w, means, log_stds)
    t.shape(out, (1,), "one example is a batch too.")

    t.property("one component: log-densities of the dimensions add up")
    one, mean = torch.zeros(1), t.uniform(1, 3, low=-2, high=2)
    log_std = t.uniform(1, 3, low=-0.1, high=0.1) + torch.tensor([-1.0, -0.2, 0.5])
    eps = t.uniform(b, 3, low=-2, high=2)
    x = mean + log_std.exp() * eps
    each = Normal(mean.double(), log_std.double().exp()).log_prob(x.double())
    half = 0.5 * math.log(2 * math.pi)
    narrow = Normal(mean.double(), (log_std.double() / 2).exp()).log_prob(x.double())
    ideas = {
        "negative log-likelihood returned": -each.sum(1),
        "mean over the dimensions": each.mean(1),
        "constant left out": (each + half).sum(1),
        "constant counted once": [(each + half).sum(1) - n * half for n in (1, 2)],
        "factor one half lost": (each - 0.5 * eps.double() ** 2).sum(1),
        "standard deviations read as variances": narrow.sum(1),
        "log_stds left out of the normalizer": (each + log_std).sum(1),
        "weights used as logarithms": [-math.inf, each.sum(1) + 1],
    }
    out = t.call(mixture_log_prob, x, one, mean, log_std)
    other = "not the density of a Gaussian"
    t.close(out, each.sum(1), "A diagonal Gaussian.", other, ideas, tol=1e-4)

    t.property("the density is the weighted mean of the components' densities")
    line = torch.linspace(-14, 14, 1401)[:, None]
    state = log_w, means[:, :1], log_stds[:, :1]
    parts = [
        t.call(mixture_log_prob, line, one, state[1][j : j + 1], state[2][j : j + 1])
        for j in range(k)
    ]
    parts = torch.stack([t.tensor(p).detach().double() for p in parts], 1)
    near = parts.amax(1) > -50  # where float32 holds the densities too
    parts, weight = parts[near], log_w.double().exp()
    density = torch.stack([weight[j] * parts[:, j].exp() for j in range(k)]).sum(0)
    ideas = {
        "weights left out": [parts.exp().sum(1).log(), parts.exp().mean(1).log()],
        "logarithms averaged": parts @ weight,
        "best component only": (parts + log_w).amax(1),
        "small number added to the density": [
            (density + eps).log() for eps in (1e-6, 1e-8, 1e-10, 1e-12)
        ],
    }
    out = t.call(mixture_log_prob, line[near], *state)
    blend = "densities not mixed by their weights"
    t.close(out, density.log(), "Densities are mixed.", blend, ideas, tol=1e-3)

    t.property("on the line it integrates to one")
    out = t.call(mixture_log_prob, line, *state)
    total = t.tensor(out).exp().sum() * 0.02
    why = "A mixture of densities is one."
    t.close(total, 1.0, why, "constant counted once", tol=1e-3)

    t.property("in the plane too: one component for the whole point")
    corners = t.away(k, d, low=1, high=2)
    state = log_w, corners, log_stds / 2  # where float32 holds the densities
    x = t.uniform(b, d, low=-2, high=2)
    parts = [
        t.call(mixture_log_prob, x, one, *(v[j : j + 1] for v in state[1:]))
        for j in range(k)
    ]
    parts = torch.stack([t.tensor(p).detach().double() for p in parts], 1)
    apart = [
        t.call(
            mixture_log_prob, x[:, i, None], log_w, *(v[:, i, None] for v in state[1:])
        )
        for i in range(d)
    ]
    ideas = {"component chosen for each dimension": t.tensor(sum(apart)).detach()}
    out = t.call(mixture_log_prob, x, *state)
    t.close(out, (parts.exp() @ weight).log(), "Mixed.", blend, ideas, tol=1e-3)

    t.property("the gradient in x is the slope")
    x = t.uniform(b, 1, low=-3, high=3).requires_grad_()
    out = t.call(mixture_log_prob, x, log_w, means[:, :1], log_stds[:, :1])
    exact = x.detach().double().requires_grad_()
    law = line_mixture(log_w.exp(), means[:, 0], log_stds[:, 0].exp())
    slope = torch.autograd.grad(law.log_prob(exact[:, 0]).sum(), exact)[0]
    cut = "gradient cut off"
    t.close(t.grad(out, x), slope, "Of a mixture on the line.", cut, tol=1e-3)

    t.property("far away: the nearest component's value and gradient")
    means = torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])[:k]
    far = torch.full((2, d), 300.0) * torch.tensor([[1.0], [-0.7]])
    far = far.requires_grad_()
    same = log_stds[:1].expand(k, d).contiguous()
    out = t.call(mixture_log_prob, far, log_w, means, same)
    gone = "small number added to the density"
    name = "logarithm of an underflown density"
    t.finite(out, "A density is never zero here.", name)
    each = Normal(means.double(), log_stds[0].double().exp())
    exact = far.detach().double().requires_grad_()
    nearest = each.log_prob(exact[:, None]).sum(2).amax(1)
    t.close(out, nearest.detach(), "It outweighs all others.", gone, tol=1e-3)
    pull = torch.autograd.grad(nearest.sum(), exact)[0]
    t.finite(t.grad(out, far), "The pull toward the components.", name)
    t.close(t.grad(out, far), pull, "The pull of the nearest one.", cut, tol=1e-3)
