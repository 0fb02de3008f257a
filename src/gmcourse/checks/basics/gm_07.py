"""Exercise gm-07: One Gaussian for two humps."""

import torch
from torch.distributions import Normal

from .._exercise import Exercise
from ._shared import line_mixture


@Exercise(
    id="gm-07",
    title="One Gaussian for two humps",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Minimize the KL divergence in both directions, one by hand, one by numerics.",
    ),
    statement=r"""
The truth is $p = 0.3\, \mathcal N(-1,\, 0.5^2) + 0.7\, \mathcal N(2,\, 1^2)$, the model
one Gaussian $q = \mathcal N(\mu, \sigma^2)$.

1. Derive the $\mu$ and $\sigma$ that minimize $\mathrm{KL}(p \,\|\, q)$.
2. Find those that minimize $\mathrm{KL}(q \,\|\, p)$, by numerics: a fine grid on the
   line and any optimizer.

Give the four numbers to three decimals.
""",
    stub="""
forward_mean = ...
forward_std = ...
reverse_mean = ...
reverse_std = ...
""",
    answers={
        "forward_mean": float,
        "forward_std": float,
        "reverse_mean": float,
        "reverse_std": float,
    },
    hints=(
        "Forward: which two properties of p does E_p[log q] contain?",
        "The variance of a mixture is the mean of the variances plus the variance of "
        "the means.",
        "Reverse: both log p and log q on a grid from -12 to 12, the integral as a "
        "sum, and torch.optim.LBFGS over the mean and the logarithm of the standard "
        "deviation.",
    ),
    misconceptions={
        "spread between the components forgotten": "The variance of a mixture is more "
        "than the mean of its parts' variances.",
        "standard deviations averaged": "Second moments add up, deviations do not.",
        "the larger component": "The reverse optimum is near it, but the other "
        "component still tilts it.",
        "components weighted equally": "The weights are 0.3 and 0.7.",
        "weights exchanged": "The component at -1 has the weight 0.3.",
        "directions exchanged": "Forward is the mean under the truth p.",
        "one answer for both": "The two directions have different minima.",
        "not the minimum": "Compare your divergence at the answer with its neighbors.",
    },
)
def gm_07(t, forward_mean, forward_std, reverse_mean, reverse_std):
    w, m, s = (torch.tensor(v) for v in ([0.3, 0.7], [-1.0, 2.0], [0.5, 1.0]))
    line = torch.linspace(-12, 14, 2601, dtype=torch.float64)
    log_p = line_mixture(w, m, s).log_prob(line)

    def reverse(v):
        log_q = Normal(v[0], v[1].exp()).log_prob(line)
        return torch.trapezoid(log_q.exp() * (log_q - log_p), line)

    at = torch.tensor([1.0, 0.3], dtype=torch.float64)
    for _ in range(12):  # Newton's method, damped at the start
        slope = torch.autograd.functional.jacobian(reverse, at)
        bend = torch.autograd.functional.hessian(reverse, at)
        step = torch.linalg.solve(bend + 0.01 * torch.eye(2), slope)
        at = at - step.clamp(-0.3, 0.3)
    back = at[0].item(), at[1].exp().item()
    mean = torch.trapezoid(log_p.exp() * line, line).item()
    var = torch.trapezoid(log_p.exp() * (line - mean) ** 2, line).item()

    ideas = {
        "components weighted equally": 0.5,
        "weights exchanged": -0.1,
        "directions exchanged": back[0],
    }
    why = "The mean under p, by quadrature."
    t.number("forward: the mean", forward_mean, mean, why, ideas, tol=5e-4)
    ideas = {
        "variance in place of the standard deviation": var,
        "spread between the components forgotten": [0.775**0.5, 0.775],
        "standard deviations averaged": 0.85,
        "second moment in place of the variance": (var + mean**2) ** 0.5,
        "directions exchanged": back[1],
    }
    name, why = "forward: the standard deviation", "The root of the variance under p."
    t.number(name, forward_std, var**0.5, why, ideas, tol=5e-4)

    why, odd = "The minimum of the integral on a grid.", "not the minimum"
    t.property("reverse: the mean")
    ideas = {"the larger component": 2.0, "one answer for both": mean}
    t.close(reverse_mean, back[0], why, odd, ideas, tol=2.5e-4)
    t.property("reverse: the standard deviation")
    ideas = {
        "the larger component": 1.0,
        "one answer for both": var**0.5,
        "variance in place of the standard deviation": back[1] ** 2,
    }
    t.close(reverse_std, back[1], why, odd, ideas, tol=2.5e-4)
