"""Exercise vae-02: Three starts, three answers."""

import math

import torch

from .._exercise import Exercise

# Each search begins at (m, s), and ends near another.
STARTS = {"left": (-1.3, 0.1), "wide": (0.0, 0.9), "right": (0.9, 0.1)}
NEAR = {"left": (-1.09, 0.23), "wide": (-0.12, 0.62), "right": (0.71, 0.22)}


@Exercise(
    id="vae-02",
    title="Three starts, three answers",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Fit the Gaussian of one example by optimization, and see that the best one "
        "found depends on where the search began.",
    ),
    statement=r"""
One latent number, one observed number: $p(z) = \mathcal N(0, 1)$ and
$p(x \mid z) = \mathcal N(z^2 + 0.4\, z,\; 0.4^2)$, where $0.4$ is the standard
deviation of the noise. Observed is $x = 1$. The posterior has two modes of unequal
mass.

Compute the ELBO of $q = \mathcal N(m, s^2)$ as a sum over a grid, in float64 from the
start (`dtype=torch.float64`), and maximize it over $m$ and $\log s$ by gradient
steps (`torch.optim.Adam`, a few hundred steps, until nothing changes), from three
starts: $(m, s) = (-1.3, 0.1)$, $(0, 0.9)$ and $(0.9, 0.1)$. Each ends in an optimum of
its own.

Give to four significant digits, in nats: `log_p` $= \log p(x)$, and
`gap_left`, `gap_wide`, `gap_right`, the divergence
$\mathrm{KL}(q \,\|\, p(z \mid x))$ at the end of each search, in the order of the
starts. Which of them is the approximation gap of [(3.11)](#eq-amortization)?
""",
    stub="""
log_p = ...  # log p(x), nats
gap_left = ...  # where the search from (-1.3, 0.1) ends
gap_wide = ...  # where the search from (0, 0.9) ends
gap_right = ...  # where the search from (0.9, 0.1) ends
""",
    answers={"log_p": float, "gap_left": float, "gap_wide": float, "gap_right": float},
    hints=(
        "Begin with log p(z) + log p(x | z) on a grid from -6 to 6, made with "
        "dtype=torch.float64: one that is made in float32 and widened has uneven "
        "steps. The logarithm of its sum, times the grid's step, is log p(x).",
        "For the ELBO of any m and s: put a grid on the noise u, from -6 to 6, with "
        "weights of a standard normal, and evaluate at z = m + s u. It is then a "
        "differentiable function of m and log s.",
        "The gap is log p(x) minus the ELBO. The three are all between 0.5 and 1.2, "
        "and the one of the heavier mode is the smallest.",
    ),
    misconceptions={
        "bound in place of the gap": "The gap is log p(x) minus the ELBO.",
        "between the start and the end": "A gap that this search passes on its way: "
        "were there enough steps, and do both m and s move?",
        "gap at the start": "That is the gap of the first q: the search has not moved.",
        "end of another start": "This is where another of the three searches ends: "
        "look at the order, and whether a step was so large that it left its valley.",
        "moments of the posterior": "The Gaussian with the posterior's mean and "
        "spread minimizes the divergence the other way around.",
        "width not fitted": "Both m and s are to be optimized.",
        "prior left out": "p(z) is a part of the joint.",
        "linear term left out": "The mean of x is z² + 0.4 z.",
        "largest density in place of the integral": "p(x) adds up the joint "
        "over all z.",
        "linear term with another factor": "The mean of x is z² + 0.4 z.",
        "a density at one z": "p(x) is an integral over z.",
        "divergence from the prior": "The gap is the divergence from the posterior.",
        "entropy of q left out": "Of the bound, log q is a part.",
        "mean over the grid": "An integral is a sum times the step of the grid.",
        "normalizer left out": "A log-density holds -log std - log(2 pi)/2.",
        "grid's step left out": "An integral is a sum times the step of the grid.",
    },
)
def vae_02(t, log_p, gap_left, gap_wide, gap_right):
    # By sums over grids; the optima by a search over a grid that is refined.
    normal = torch.distributions.Normal
    z = torch.linspace(-9, 9, 6001, dtype=torch.float64)
    u = torch.linspace(-7, 7, 141, dtype=torch.float64)
    weight = normal(0.0, 1.0).log_prob(u).softmax(0)
    seen, step = torch.tensor(1.0, dtype=torch.float64), (z[1] - z[0]).log()

    def joint(z, slope=0.4, noise=0.4, prior=1.0):
        fit = normal(z**2 + slope * z, noise).log_prob(seen)
        return fit + prior * normal(0.0, 1.0).log_prob(z)

    def evidence(**how):
        return joint(z, **how).logsumexp(0) + step

    def gap(m, s, **how):
        """Of all pairs of means, (a,), and deviations, (b,): (a, b)."""
        m, s = (torch.as_tensor(v, dtype=torch.float64).reshape(-1) for v in (m, s))
        points = m[:, None, None] + s[:, None] * u
        log_q = normal(0.0, 1.0).log_prob(u) - s.log()[:, None]
        return evidence(**how) - (weight * (joint(points, **how) - log_q)).sum(2)

    def lowest(m, s, spread_fixed=False, **how):
        """The nearest optimum, by a window that moves and shrinks."""
        reach = 0.1
        for _ in range(9):
            side = torch.linspace(-1, 1, 9, dtype=torch.float64) * reach
            width = s * (0 * side[:1] if spread_fixed else side).exp()
            values = gap(m + side, width, **how)
            i, j = divmod(int(values.argmin()), len(width))
            m, s, reach = float(m + side[i]), float(width[j]), reach / 2
        self = torch.distributions.kl_divergence(normal(m, s), normal(0.0, 1.0))
        return values.min(), self, math.log(s)

    why = "The logarithm of a sum over z, times the step of the grid."
    due = evidence()
    root = 0.5 * math.log(2 * math.pi)
    logs = joint(z)
    at = [
        joint(torch.tensor(v).double())
        for v in (0.0, 1.0, -1.3, 0.9, 0.71, -1.09, -0.12)
    ]
    ideas = {
        "prior left out": evidence(prior=0.0),
        "linear term left out": evidence(slope=0.0),
        "linear term with another factor": [evidence(slope=v) for v in (1.0, 0.16)],
        "standard deviation taken as a variance": evidence(noise=0.4**0.5),
        "standard deviation squared": evidence(noise=0.4**2),
        "normalizer left out": [
            due + v for v in (root, 2 * root, math.log(0.4), 2 * root + math.log(0.4))
        ],
        "largest density in place of the integral": logs.max(),
        "a density at one z": at,
        "grid's step left out": [
            due + math.log(n) for n in (10, 20, 50, 100, 200, 500, 1000, 2000)
        ],
        "mean over the grid": [due - math.log(n) for n in (6, 8, 10, 12, 16, 20)],
    }
    ends = {k: lowest(*v) for k, v in NEAR.items()}
    dues = due, *(v[0] for v in ends.values())
    t.number("log p(x)", log_p, due, why, ideas, unit="nats", others=dues)

    post = (logs - due + step).exp()
    mean = float((post * z).sum())
    spread = float((post * (z - mean) ** 2).sum() ** 0.5)
    moments = normal(mean, spread)
    other_way = (post * ((logs - due) - moments.log_prob(z))).sum()
    for name, got in zip(STARTS, (gap_left, gap_wide, gap_right)):
        start, near, (mine, rate, log_s) = STARTS[name], NEAR[name], ends[name]
        entropy = log_s + root + 0.5
        ideas = {
            "end of another start": [v[0] for k, v in ends.items() if k != name],
            "bound in place of the gap": [due - mine, mine - due],
            "gap at the start": gap(*start),
            "moments of the posterior": gap(mean, spread),
            "arguments of the KL swapped": other_way,
            "divergence from the prior": rate,
            "entropy of q left out": [mine + entropy, mine + 2 * entropy],
            "width not fitted": lowest(*start, spread_fixed=True)[0],
            "prior left out": lowest(*near, prior=0.0)[0],
            "linear term left out": lowest(*near, slope=0.0)[0],
            "normalizer left out": [
                mine + v for k in (root, math.log(0.4)) for v in (k, -k)
            ],
        }
        out = float(t.tensor(got).detach())
        if 1.01 * mine < out < gap(*start):
            # Off by a little, so that every other idea is nearer.
            ideas["between the start and the end"] = out * (1 + 1.5e-3)
        why = "The lowest divergence in this valley, by sums over a grid of m and s."
        at = f"the gap from ({start[0]}, {start[1]})"
        t.number(at, got, mine, why, ideas, unit="nats", others=dues)
