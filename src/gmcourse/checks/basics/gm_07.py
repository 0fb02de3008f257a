"""Exercise gm-07: One Gaussian for two humps."""

import math
from itertools import product

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
        r"Forward: which two properties of $p$ does $\mathbb E_p[\log q]$ contain?",
        "The variance of a mixture is the mean of the variances plus the variance of "
        "the means.",
        r"Reverse: both $\log p$ and $\log q$ on a grid from $-12$ to $12$, the "
        "integral as a sum, and `torch.optim.LBFGS` over the mean and the logarithm "
        "of the standard deviation.",
    ),
    misconceptions={
        "spread between the components forgotten": "The variance of a mixture is more "
        "than the mean of its parts' variances.",
        "standard deviations averaged": "Second moments add up, deviations do not: "
        "0.5 is squared before it is weighted.",
        "spread around another center": "The variance is around the mean of p, 1.1, "
        "not around a mode, 0 or the middle.",
        "spread within the components forgotten": "The variance of a mixture is more "
        "than the variance of its means.",
        "a term of the variance": "The variance of a mixture is the weighted mean of "
        "variance + mean², minus the square of the mean of all.",
        "the mixture misread": "p is the weighted sum of two normalized densities: of "
        "weight 0.3, mean -1, deviation 0.5, and of weight 0.7, mean 2, deviation 1.",
        "logarithm in place of the standard deviation": "Its exponential is due.",
        "one component alone": "Neither optimum is one component: the other one still "
        "counts.",
        "components weighted equally": "The weights are 0.3 and 0.7.",
        "weights exchanged": "The component at -1 has the weight 0.3.",
        "directions exchanged": "Forward is the mean under the truth p.",
        "one answer for both": "The two directions have different minima.",
        "small number added to the density": "log(p + eps) is not log p in the tails, "
        "which q reaches: even 1e-8 moves the third decimal.",
        "entropy of q miscounted": "Under q the mean of log q - log p is due: log q "
        "counts once, with its -log std, and q integrates to one.",
        "grid too short or too coarse": "The sum is no integral: q has tails beyond "
        "the ends, or bends between two points.",
        "another divergence": "KL(q || p) is due, the mean of log q - log p under q.",
        "one of the two held fixed": "Mean and standard deviation move together: this "
        "mean is the best for your standard deviation, or that for your mean.",
        "not the minimum": "KL(q || p) still falls from your numbers on: a search that "
        "stopped too soon, or the minimum of something else: of a sum over points that "
        "are too few or too far apart, or over draws.",
    },
)
def gm_07(t, forward_mean, forward_std, reverse_mean, reverse_std):
    line = torch.linspace(-12, 14, 2601, dtype=torch.float64)

    def humps(w=0.3, m=-1.0, s=0.5, w2=0.7, m2=2.0, s2=1.0):
        """log p on the line, and its mean and standard deviation."""
        table = torch.tensor([[w, w2], [m, m2], [s, s2]])
        log_p = line_mixture(*table).log_prob(line)
        mean = (log_p.softmax(0) * line).sum()
        std = (log_p.softmax(0) * (line - mean) ** 2).sum().sqrt()
        return log_p, mean.item(), std.item()

    def reverse(v):
        log_q = Normal(v[0], v[1].exp()).log_prob(line)
        return (log_q.exp() * (log_q - log_p)).sum() * (line[1] - line[0])

    log_p, mean, std = truth = humps()
    at = torch.tensor([1.0, 0.3], dtype=torch.float64)
    for _ in range(12):  # Newton's method, damped at the start
        slope = torch.autograd.functional.jacobian(reverse, at)
        bend = torch.autograd.functional.hessian(reverse, at)
        step = torch.linalg.solve(bend + 0.01 * torch.eye(2), slope)
        at = at - step.clamp(-0.3, 0.3)
    back = at[0].item(), at[1].exp().item()
    dues = mean, std, *back

    equal, exchanged = humps(w=0.5, w2=0.5), humps(w=0.7, w2=0.3)
    misread = [humps(m=1.0), humps(m2=-2.0), humps(s=0.25), humps(s=0.5**0.5)]
    misread += [humps(s=1.0), humps(s=1.0, s2=0.5), humps(s2=0.5)]
    ideas = {
        "components weighted equally": equal[1],
        "weights exchanged": exchanged[1],
        "the mixture misread": [v[1] for v in misread[:2]],
        "one component alone": [2.0, -1.0],
        "directions exchanged": back[0],
    }
    why = "The mean under p, by quadrature."
    what = "forward: the mean"
    t.number(what, forward_mean, mean, why, ideas, tol=5e-4, others=dues)

    second, within, between = std**2 + mean**2, 0.775, 0.21 * 9
    inner = [0, 0.5, 1, 2, 0.85 / within, 0.5125 / within, 0.625 / within]
    outer = [-1, 0, 0.5, 1, 2, 1 / 3, 1 / 9, 1 / 0.21, 3 / between, 3.1 / between]
    terms = [within * a + between * b for a, b in product(inner, outer)]
    terms += [second - mean, second + mean**2, within + mean**2, within + mean]
    terms = [abs(v) ** k for v in terms for k in (0.5, 1)]
    terms = [v for v in terms if abs(v - std) > 2e-3 * std]
    around = [within + v * 9 for v in (0.3, 0.7, 0.25, 0.5, 0.58)]
    ideas = {
        "variance in place of the standard deviation": std**2,
        "logarithm in place of the standard deviation": math.log(std),
        "spread between the components forgotten": [within**0.5, within],
        "spread within the components forgotten": [between**0.5, between],
        "standard deviations averaged": [
            *(0.85, (0.85**2 + between) ** 0.5, (0.85 + between) ** 0.5),
            0.85 + between**0.5,
        ],
        "spread around another center": [v**k for v in around for k in (0.5, 1)],
        "second moment in place of the variance": [second**0.5, second],
        "components weighted equally": equal[2],
        "weights exchanged": exchanged[2],
        "the mixture misread": [v[2] for v in misread],
        "one component alone": [1.0, 0.5],
        "directions exchanged": back[1],
        "a term of the variance": terms,
    }
    why = "The root of the variance under p."
    what = "forward: the standard deviation"
    t.number(what, forward_std, std, why, ideas, tol=5e-4, others=dues)

    given = [float(t.tensor(v).detach()) for v in (reverse_mean, reverse_std)]
    backs: list[dict] = [{"one answer for both": v} for v in (mean, std)]
    backs[1]["variance in place of the standard deviation"] = back[1] ** 2
    backs[1]["logarithm in place of the standard deviation"] = math.log(back[1])
    if given[1] > 0.3:
        for idea, values in zip(backs, ([2.0, -1.0], [1.0, 0.5])):
            idea["one component alone"] = values
    if given[1] >= 0 and max(abs(a - b) for a, b in zip(given, back)) > 2e-3:
        name = rival(line, given, back, truth, misread, equal, exchanged)
        for v, due, idea in zip(given, back, backs):
            if abs(v - due) > 2e-3 and (name or abs(v - due) > 0.02 * due):
                # A little off, so that any other idea that fits goes first.
                idea[name or "not the minimum"] = v * 1.0007
    why, tol = "The minimum of the integral on a grid.", {"tol": 4.2e-4, "others": dues}
    for i, what in enumerate(("reverse: the mean", "reverse: the standard deviation")):
        t.property(what)
        t.finite(given[i], why)
        t.number(what, given[i], back[i], why, backs[i], **tol)


def rival(line, given, due, truth, misread, equal, exchanged):
    """The mistake in the integral that would be least at the ``given`` numbers, not at
    what is ``due``: its slope there is next to nothing."""
    (log_p, mean, std), w = truth, torch.tensor([0.3, 0.7]).double()
    m, s = torch.tensor([[-1.0, 2.0], [0.5, 1.0]]).double()
    parts, place = Normal(m, s).log_prob(line[:, None]), torch.arange(len(line))
    p = log_p.exp()

    def kl(log_p, own=1.0):
        return lambda q: q.exp() * (own * q - log_p)

    def seen(low, high, every=1):
        there = ((line >= low) & (line <= high) & (place % every == 0)).log()
        yield lambda q: (q + there).exp() * (q - log_p)
        z = lambda q: (q + there).logsumexp(-1, True)  # noqa: E731
        for k in (0, 1):  # q scaled to one there, and its logarithm or not
            yield lambda q, k=k: (q + there - z(q)).exp() * (q - k * z(q) - log_p)

    cuts = [seen(low, high) for low in (-3, -4, -5, -6) for high in (4, 5, 6)]
    cuts += [seen(-12, 14, every) for every in (25, 50, 100)]
    ps = [parts @ w, parts.mean(1), (parts + (w * s).log()).logsumexp(1)]
    ps += [(parts + w.log()).amax(1), parts.amax(1), *(v[0] for v in misread)]
    rivals = {
        "small number added to the density": [
            kl((p + 10.0**-k).log()) for k in range(2, 13)
        ],
        "entropy of q miscounted": [
            *(kl(log_p, own) for own in (0.0, 0.5, 2.0)),
            lambda q: (u := q - q.amax(-1, True)).exp() * (u - log_p),
        ],
        "components weighted equally": [kl(equal[0])],
        "weights exchanged": [kl(exchanged[0])],
        "the mixture misread": [kl(v) for v in ps],
        "another divergence": [
            lambda q: (q.exp() - p) * (q - log_p),
            lambda q: (q.exp() - p) ** 2,
            lambda q: (q.exp() - p).abs(),
            lambda q: -(q / 2).exp() * p.sqrt(),
            lambda q: q.exp() * q - (q.exp() + p) * ((q.exp() + p) / 2).log(),
        ],
        "grid too short or too coarse": [f for three in cuts for f in three],
    }
    near = 1e-4 * torch.eye(2).double()
    if given[1] < 0.1:
        return "entropy of q miscounted"  # nothing else lets q shrink to a point
    at = torch.tensor([[v[0], math.log(v[1])] for v in (given, due)]).double()
    at = at[:, None, None] + torch.stack(
        [near, -near], 1
    )  # (number, coordinate, side, coordinate)
    log_q = Normal(at[..., :1], at[..., 1:].exp()).log_prob(line)

    def slopes(f):
        return f(log_q).mean(-1).diff(dim=2)[..., 0]

    sizes = {k: [slopes(f).norm(dim=1) for f in v] for k, v in rivals.items()}
    found = {k: min(float(a / b) for a, b in v) for k, v in sizes.items()}
    name = min(found, key=lambda name: found[name])
    if found[name] < 0.05:
        return name
    here, known = slopes(kl(log_p))[0].abs(), (mean, std, -1.0, 0.5, 2.0, 1.0)
    fixed = min(abs(v - k) for v in given for k in known) < 2e-3
    held = fixed and here.min() < 0.02 * here.max()
    return "one of the two held fixed" if held else None
