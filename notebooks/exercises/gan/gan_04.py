"""Versions of exercise gan-04."""

import torch
from torch.distributions import Normal

from .. import RIGHT, build, cases, reference, right

WEIGHT, CARRIED, PULL, STEEPEST = 0.0342987, 0.753, 3.8628052, 1.6362


def four(weight=WEIGHT, carried=CARRIED, pull=PULL, steepest=STEEPEST):
    return weight, carried, pull, steepest


class Gan04:
    r"""
    The critic's value is $d^2/2 - d\,x$, its slope $-d$ everywhere. So the derivatives
    are $d\, \mathbb{E}_q[D^*]$ and $d\, \mathbb{E}_q[1 - D^*]$.

    At $d = 4$ the example in the middle of $q$ has the weight
    $\operatorname{sigmoid}(-8) = 0.00034$, a hundredth of the mean 0.034: three
    quarters of the saturating loss's gradient come from one example in twenty. The pull
    of this loss is 0.40 at $d = 1$, 0.47 at $d = 1.64$, where it is largest, 0.14 at
    $d = 4$ and 0.05 at $d = 5$: from 1.64 on, the farther the generator is away, the
    less it is pulled. That of the other loss is 0.60, 3.86 and 4.95 at $d$ = 1, 4 and
    5, nearly $d$ itself, the derivative of $\mathrm{KL}(q \,\|\, p) = d^2/2$.
    """

    @reference
    @build
    def reference():
        x = torch.linspace(-14, 20, 34_001, dtype=torch.float64)

        def weighed(d):  # q D* on the grid, times its step
            q = torch.distributions.Normal(d, 1.0).log_prob(x).exp()
            return (x[1] - x[0]) * q * torch.sigmoid(d**2 / 2 - d * x)

        d = 4.0
        weight = weighed(d).sum().item()
        carried = weighed(d)[x < d - 1.645].sum().item() / weight
        pull = d * (1 - weight)
        grid = torch.arange(1.5, 1.8, 0.001).tolist()
        steepest = max(grid, key=lambda d: d * weighed(d).sum().item())
        return weight, carried, pull, steepest

    @right
    @build
    def by_autograd():
        z = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
        mass = Normal(0.0, 1.0).log_prob(z).exp() * (z[1] - z[0])

        def slope(d, sign):
            d = torch.tensor(d, dtype=torch.float64, requires_grad=True)
            fixed = d.detach()
            f = fixed**2 / 2 - fixed * (z + d)
            softplus = torch.nn.functional.softplus
            loss = -softplus(f) if sign > 0 else softplus(-f)
            return torch.autograd.grad((mass * loss).sum(), d)[0].item()

        share = mass * torch.sigmoid(8 - 4 * (z + 4))
        weight = share.sum().item()
        low, high = 1.0, 2.5
        for _ in range(40):  # golden section
            a, b = high - 0.618 * (high - low), low + 0.618 * (high - low)
            low, high = (low, b) if slope(a, 1) > slope(b, 1) else (a, high)
        carried = share[z < -1.645].sum().item() / weight
        return weight, carried, slope(4.0, -1), (low + high) / 2

    @right
    @build
    def by_trapezoids_in_float32():
        x = torch.linspace(-8, 14, 2201)
        p, q = (torch.exp(-((x - m) ** 2) / 2) for m in (0.0, 4.0))
        part = torch.where(p > 0, q * p / (p + q), 0.0)
        near = x <= 2.355
        weight = torch.trapezoid(part, x) / (2 * torch.pi) ** 0.5
        carried = torch.trapezoid(part[near], x[near]) / (2 * torch.pi) ** 0.5 / weight
        return weight, carried, 4 - 4 * weight, 1.636

    numbers = cases(
        four,
        (RIGHT, {}),
        (RIGHT, {"weight": 0.0343, "carried": 0.75, "pull": 3.86, "steepest": 1.64}),
        ("D at the middle of the examples", {"weight": 3.3535e-4}),
        ("the other weight", {"weight": 0.9657}),
        ("mean over both heaps", {"weight": 0.5}),
        ("overlap of the two densities", {"weight": 0.0455}),
        ("overlap of the two densities", {"weight": 0.13534}),
        ("share of the examples taken for real", {"weight": 0.02275}),
        ("another critic", {"weight": 0.06767}),
        ("weight and slope confused", {"weight": 0.13719}),
        ("off by a factor of two", {"weight": 0.01715}),
        ("not divided by the whole", {"carried": 0.02584}),
        ("mean weight of the nearest", {"carried": 0.5168}),
        ("the other weight", {"carried": 0.025015}),
        ("another part of the examples", {"carried": 0.24677}),
        ("another part of the examples", {"carried": 0.5314}),
        ("weight and slope confused", {"pull": 0.9657}),
        ("the other weight", {"pull": 0.13719}),
        ("KL alone", {"pull": 4.0}),
        ("critic not held fixed", {"pull": 3.9314}),
        ("JS counted otherwise", {"pull": 4.1372}),
        ("D at the middle of the examples", {"pull": 3.99866}),
        ("value in place of the derivative", {"pull": 8.0604}),
        ("sign flipped", {"pull": -PULL}),
        ("weight of the loss at its steepest", {"steepest": 0.46732}),
        ("D at the middle of the examples", {"steepest": 1.2153}),
        ("steepest of another function", {"steepest": 2.4555}),
        ("another of the answers", {"weight": CARRIED, "carried": WEIGHT}),
        (RIGHT, {"carried": 0.7476}),
        (RIGHT, {"carried": 0.7590}),
        ("percent in place of a share", {"weight": 3.4299}),
        ("percent in place of a share", {"carried": 75.35}),
        ("another weight in place of D", {"weight": 0.06043}),
        ("another weight in place of D", {"carried": 0.9587}),
        ("another weight in place of D", {"carried": 0.4226}),
        ("another weight in place of D", {"carried": 0.85365}),
        ("another weight in place of D", {"pull": 3.7942}),
        ("slope of f left out", {"steepest": 0.0}),
        ("slope of f left out", {"steepest": 1e-9}),
        ("slope of f left out", {"steepest": 0.1}),
        ("the other weight", {"steepest": 6.0}),
        ("inverse of what is due", {"weight": 29.155}),
        ("not finite", {"pull": float("nan")}),
        ("not finite", {"weight": float("inf")}),
        ("not to the digits asked for", {"weight": 0.0174145}),
        ("not to the digits asked for", {"weight": 0.054526}),
        ("not to the digits asked for", {"weight": 0.0357}),
        ("not to the digits asked for", {"carried": 0.765}),
        ("not to the digits asked for", {"weight": 0.034}),
        ("not to the digits asked for", {"steepest": 1.6}),
        ("not to the digits asked for", {"carried": 0.8}),
    )
