"""Versions of exercise diff-03."""

import torch

from .. import build, edits, reference, right, wrong


class Diff03:
    r"""
    Multiply $v = \dot\alpha\, x + \dot\sigma\, \epsilon$ by $\alpha$ and
    $x_t = \alpha x + \sigma \epsilon$ by $\dot\alpha$, both as means given $x_t$, and
    subtract:

    $$
    \mathbb{E}[\epsilon \mid x_t] = \frac{\alpha v - \dot\alpha x_t}
    {\alpha \dot\sigma - \sigma \dot\alpha}, \qquad
    \nabla \log p(x_t) = -\frac1\sigma\, \mathbb{E}[\epsilon \mid x_t] .
    $$

    The second is the mean of $\nabla \log p(x_t \mid x) = -(x_t - \alpha x) / \sigma^2$
    over the data that could be behind $x_t$. Where $\alpha = 0$ the velocity drops out,
    and what remains is $-x_t / \sigma^2$, the score of the noise itself. The divisor is
    $\alpha^2$ times the rate of $\sigma / \alpha$, so that it is positive where
    $\alpha$ is.
    """

    @reference
    def score(v, x_t, alpha, sigma, alpha_rate, sigma_rate):
        axes = (-1, *[1] * (x_t.ndim - 1))
        four = (alpha, sigma, alpha_rate, sigma_rate)
        a, s, da, ds = (u.view(axes) for u in four)
        eps = (a * v - da * x_t) / (a * ds - s * da)
        return -eps / s

    @right
    def through_the_data(v, x_t, alpha, sigma, alpha_rate, sigma_rate):
        lead = lambda u: u.reshape(-1, *[1] * (x_t.dim() - 1))  # noqa: E731
        turn = alpha * sigma_rate - sigma * alpha_rate
        x = lead(sigma_rate / turn) * x_t - lead(sigma / turn) * v
        return (lead(alpha) * x - x_t) / lead(sigma) ** 2

    @right
    def by_a_solver(v, x_t, alpha, sigma, alpha_rate, sigma_rate):
        rows = torch.stack([alpha, sigma], 1), torch.stack([alpha_rate, sigma_rate], 1)
        known = (
            torch.stack([x_t.flatten(1), v.flatten(1)], 1)
            if x_t.dim() > 1
            else (torch.stack([x_t, v], 1)[..., None])
        )
        eps = torch.linalg.solve(torch.stack(rows, 1), known)[:, 1]
        return (-eps / sigma[:, None]).reshape(x_t.shape)

    @right
    def two_factors_each(v, x_t, alpha, sigma, alpha_rate, sigma_rate):
        rows = []
        four = zip(alpha, sigma, alpha_rate, sigma_rate)
        for one, at, (a, s, da, ds) in zip(v, x_t, four):
            below = s * (s * da - a * ds)
            rows.append(a / below * one - da / below * at)
        return torch.stack(rows)

    edited = edits(
        score,
        """
    noise called the score | return -eps / s -> return eps
    noise called the score | return -eps / s -> return -eps * s
    not divided by sigma | return -eps / s -> return -eps
    variance taken for the deviation | return -eps / s -> return -eps / s**2
    sign flipped | return -eps -> return eps
    sign flipped | (a * ds - s * da) -> (s * da - a * ds)
    data called the score | return -eps / s -> return (x_t - s * eps) / a
    data called the score | return -eps / s
        -> return (ds * x_t - s * v) / (ds * a - da * s)
    velocity called the score | return -eps / s -> return -v / s
    velocity called the score | return -eps / s -> return v
    variance preserving path assumed | eps = (a * v - da * x_t) / (a * ds - s * da)
        -> eps = a * v + s * x_t
    variance preserving path assumed | eps = (a * v - da * x_t) / (a * ds - s * da)
        -> eps = a * v * 2 / math.pi + s * x_t
    variance preserving path assumed | eps = (a
        -> s = (1 - a**2).clamp(min=0).sqrt(); eps = (a
    straight path assumed | eps = (a * v - da * x_t) / (a * ds - s * da)
        -> eps = x_t + (1 - s) * v
    straight path assumed | eps = (a -> da, ds = -1, 1; eps = (a
    rates exchanged | four = (alpha, sigma, alpha_rate, sigma_rate)
        -> four = (alpha, sigma, sigma_rate, alpha_rate)
    rates exchanged | (a * v - da * x_t) -> (a * v - ds * x_t)
        | (a * ds - s * da) -> (a * da - s * ds)
    alpha and sigma exchanged | four = (alpha, sigma, -> four = (sigma, alpha,
    divisor left out | / (a * ds - s * da) -> / 1
    inverse of what is due | / (a * ds - s * da) -> * (a * ds - s * da)
    sum in place of a difference | - da * x_t -> + da * x_t | ds - s -> ds + s
    rate of alpha left out | eps = (a -> da = 0 * da; eps = (a
    velocity and noisy example exchanged | (a * v - da * x_t) -> (a * x_t - da * v)
    one path for all examples | u.view(axes) -> u[0]
    numbers along the last axis | axes = (-1, *[1] * (x_t.ndim - 1))
        -> axes = ((-1,) if x_t.ndim > 1 and x_t.shape[-1] == len(x_t)
            else (-1, *[1] * (x_t.ndim - 1)))
    no score without data | return -eps / s
        -> return (a * (x_t / a - s / a * eps) - x_t) / s**2
    off by a factor of two | return -eps / s -> return -eps / s / 2
    wrong dtype | return -eps / s -> return (-eps / s).double()
    not to the digits asked for | return -eps / s -> return (-eps.float() / s).to(x_t)
    not to the digits asked for | return -eps / s -> return -eps / (s + 1e-6)
    cut off from the graph | return -eps / s -> return -eps.detach() / s
    cut off from the graph | (a * v - -> (a * v.detach() -
    wrong shape | (x_t.ndim - 1)) -> x_t.ndim)
    input changed in place | return -eps / s -> return -eps / s + 0 * v.mul_(2)
    estimated from samples | return -eps / s
        -> return -eps / s + 1e-3 * torch.randn_like(x_t)
    global random state reseeded | return -eps / s
        -> torch.manual_seed(1); return -eps / s
    """,
    )

    @wrong("no score without data")
    def by_the_data_alone(v, x_t, alpha, sigma, alpha_rate, sigma_rate):
        """As with f and g: a division by alpha."""
        axes = (-1, *[1] * (x_t.ndim - 1))
        a, s, da, ds = (u.view(axes) for u in (alpha, sigma, alpha_rate, sigma_rate))
        f = da / a
        g2 = 2 * s * (ds - f * s)
        return 2 * (f * x_t - v) / g2

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def score(*args):
            return kept.setdefault(args[1].shape, Diff03.score(*args))

        return score
