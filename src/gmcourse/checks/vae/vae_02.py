"""Exercise vae-02: Three starts, three answers."""

import math

import torch

from .._exercise import Exercise
from ._shared import fallback

# Each search begins at (m, s), and ends near another.
STARTS = {"left": (-1.3, 0.1), "wide": (0.0, 0.9), "right": (0.9, 0.1)}
NEAR = {"left": (-1.09, 0.23), "wide": (-0.12, 0.62), "right": (0.71, 0.22)}
# Parts of the line over which somebody might sum, steps there, and numbers of points.
PARTS = [(0, 9), (-9, 0), (-1, 1), (-0.2, 9), (-9, -0.2), (-2, 2), (0, 1), (-1, 0)]
STEPS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02)
COUNTS = (9, 11, 13, 16, 20, 21, 25, 31, 41, 50, 51)


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
        r"Begin with $\log p(z) + \log p(x \mid z)$ on a grid from $-6$ to $6$, made "
        "with `dtype=torch.float64`: one that is made in float32 and widened has "
        "uneven steps. Its `logsumexp`, plus the logarithm of the grid's step, is "
        r"$\log p(x)$.",
        r"For the ELBO of any $m$ and $s$: put a grid on the noise $\epsilon$, from "
        "$-6$ to $6$, with weights of a standard normal, and evaluate at "
        r"$z = m + s \epsilon$. It is then a differentiable function of $m$ and "
        r"$\log s$.",
        r"The gap is $\log p(x)$ minus the ELBO. The three are all between 0.5 and "
        "1.2, and the one of the heavier mode is the smallest.",
    ),
    misconceptions={
        "below the lowest divergence": "No q in this valley is that near to the "
        "posterior, so this is no divergence: log p(x) or the ELBO is off (a term, the "
        "grid's step or its ends, a grid made in float32, draws in place of sums), or "
        "it is another quantity.",
        "above the lowest divergence": "This valley has a q that is nearer to the "
        "posterior: too few steps, m and s found in another way than by the ELBO, or a "
        "term of log p(x) or of the ELBO is off.",
        "bound in place of the gap": "The gap is log p(x) minus the ELBO.",
        "gap at the start": "That is the gap of the first q: the search has not moved.",
        "end of another start": "This is where another of the three searches ends: "
        "look at the order of the answers, at the starts (s, not log s, is given), and "
        "whether a step was so large that it left its valley.",
        "difference from the best gap": "The divergence from the posterior is asked "
        "for, the whole gap of each search.",
        "moments of the posterior": "The Gaussian with the posterior's mean and "
        "spread minimizes the divergence the other way around.",
        "Laplace's approximation": "This q has its mean at the mode and its width by "
        "the curvature there; the best q by the ELBO is another.",
        "only the share of the mode": "This is -log of a share of the mass, or log 2: "
        "what a Gaussian would miss if each mode were a Gaussian itself.",
        "width not fitted": "Both m and s are to be optimized.",
        "prior left out": "p(z) is a part of the joint.",
        "linear term left out or changed": "The mean of x is z² + 0.4 z.",
        "noise with another deviation": "The deviation of x given z is 0.4: no "
        "variance, and not to be squared or rooted.",
        "largest density in place of the integral": "p(x) adds up the joint "
        "over all z.",
        "a density at one z": "p(x) is an integral over z.",
        "a bound in place of log p(x)": "This is an ELBO at the end of a search; "
        "log p(x) is more than each.",
        "averaged over q in place of the prior": "p(x) is the mean of p(x | z) under "
        "the prior.",
        "part of the line alone": "The sum runs over all z: both modes, and as far as "
        "the joint has mass.",
        "steps too wide": "The joint changes within a few tenths: take some thousand "
        "points.",
        "divergence from the prior": "The gap is the divergence from the posterior.",
        "entropy of q left out": "Of the bound, log q is a part.",
        "mean over the grid": "An integral is a sum times the step of the grid.",
        "normalizer left out": "A log-density holds -log std - log(2 pi)/2, of the "
        "prior as of the likelihood, and of q.",
        "more than the largest likelihood": "p(x) is a mean of p(x | z), at most "
        "1/(0.4 sqrt(2 pi)), so log p(x) is below 0: was the step of the grid left "
        "out, or a normalizer?",
        "another joint or another sum": "Look at each factor, p(z), the mean "
        "z² + 0.4 z, the deviation 0.4, x = 1 and both normalizers, and at the grid: "
        "its step, and both of its ends.",
    },
)
def vae_02(t, log_p, gap_left, gap_wide, gap_right):
    # By sums over grids; the optima by a search over a grid that is refined.
    normal = torch.distributions.Normal
    z = torch.linspace(-9, 9, 6001, dtype=torch.float64)
    u = torch.linspace(-7, 7, 141, dtype=torch.float64)
    weight = normal(0.0, 1.0).log_prob(u).softmax(0)
    step, root = (z[1] - z[0]).log(), 0.5 * math.log(2 * math.pi)

    def joint(z, slope=0.4, noise=0.4, prior=1.0):
        fit = normal(z**2 + slope * z, noise).log_prob(torch.tensor(1.0).double())
        return fit + prior * normal(0.0, 1.0).log_prob(z)

    def evidence(**how):
        return joint(z, **how).logsumexp(0) + step

    def summed(a, b, n):
        v = torch.linspace(a, b, n, dtype=torch.float64)
        return joint(v).logsumexp(0) + (v[1] - v[0]).log()

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
        return float(values.min()), m, s

    other = {  # readings of the model, each with one mistake
        "prior left out": [{"prior": 0.0}],
        "linear term left out or changed": [
            {"slope": v} for v in (0.0, 1.0, 0.16, -0.4, 0.8, 0.2)
        ],
        "noise with another deviation": [{"noise": v} for v in (0.4**0.5, 0.16, 1.0)],
    }
    halves = [math.log(0.4) / 2, math.log(0.4), 2 * math.log(0.4), root]
    constants = [*halves, 2 * root, *(k * root + halves[1] for k in (1, 2)), -root]
    constants += [-2 * root, *(-k * root - halves[1] for k in (0, 1, 2))]

    why = "The logarithm of a sum over z, times the step of the grid."
    due, logs, tol = float(evidence()), joint(z), 4e-4
    ends = {k: lowest(*v) for k, v in NEAR.items()}
    dues = due, *(v[0] for v in ends.values())
    points = torch.tensor([0.0, 1.0, -1.3, 0.9, 0.71, -1.09, -0.12, -0.4]).double()
    ideas = {
        **{k: [evidence(**how) for how in v] for k, v in other.items()},
        "normalizer left out": [due + v for v in constants],
        "largest density in place of the integral": logs.max(),
        "a density at one z": [*joint(points), *joint(points, prior=0.0)],
        "a bound in place of log p(x)": [due - v[0] for v in ends.values()],
        "averaged over q in place of the prior": [
            (joint(m + s * u, prior=0.0) + weight.log()).logsumexp(0)
            for m, s in (*STARTS.values(), *(v[1:] for v in ends.values()))
        ],
        "mean over the grid": [due - math.log(n) for n in (6, 8, 10, 12, 16, 20)],
        "part of the line alone": [  # both ends count fully, more so in wide steps
            summed(a, b, 1 + round((b - a) / h)) for a, b in PARTS for h in STEPS
        ],
        "steps too wide": [summed(-6, 6, n) for n in COUNTS],
    }
    ideas = {k: distinct(v, due, tol) for k, v in ideas.items()}
    out = float(t.tensor(log_p).detach())
    name = "another joint or another sum"
    name = "more than the largest likelihood" if out > 0 else name
    common = {"unit": "nats", "others": dues}
    t.number(
        "log p(x)",
        log_p,
        due,
        why,
        fallback(ideas, name, out, due, tol),
        tol=tol,
        **common,
    )

    post = (logs - due + step).exp()
    mean = float((post * z).sum())
    spread = float((post * (z - mean) ** 2).sum() ** 0.5)
    for name, got in zip(STARTS, (gap_left, gap_wide, gap_right)):
        start, near, (mine, m, s) = STARTS[name], NEAR[name], ends[name]
        at = f"the gap from ({start[0]}, {start[1]})"
        out = float(t.tensor(got).detach())
        why = "The lowest divergence in this valley, by sums over a grid of m and s."
        if abs(out - mine) <= 1e-3 * mine:
            t.number(at, got, mine, why)
            continue
        q = normal(m, s)
        log_q, entropy = q.log_prob(z), float(q.entropy())
        ends_of = [
            (evidence(**how), lowest(*near, **how)[0])
            for v in other.values()
            for how in v
        ]
        names = [k for k, v in other.items() for _ in v]
        changed: dict = {}
        for k, (p, low) in zip(names, ends_of):
            changed.setdefault(k, []).extend([low, due - p + low])
        around = [
            z[(z > a) & (z < b)] for a, b in ((-2.0, -0.4), (-0.4, 0.2), (-0.2, 2.0))
        ]
        modes = [newton(joint, v[joint(v).argmax()]) for v in around]
        hessian = torch.autograd.functional.hessian
        bends = [float(torch.as_tensor(hessian(joint, v))) for v in modes]
        ideas = {
            "end of another start": [v[0] for k, v in ends.items() if k != name],
            "bound in place of the gap": [due - mine, mine - due],
            "gap at the start": gap(*start),
            "moments of the posterior": gap(mean, spread),
            "arguments of the KL swapped": (post * (logs - due - log_q)).sum(),
            "divergence from the prior": torch.distributions.kl_divergence(
                q, normal(0.0, 1.0)
            ),
            "entropy of q left out": [mine + v * entropy for v in (1, 2, -1)],
            "width not fitted": lowest(*start, spread_fixed=True)[0],
            **changed,
            "normalizer left out": [mine + v for v in constants],
            "Laplace's approximation": [
                gap(v, abs(h) ** -0.5) for v, h in zip(modes, bends)
            ],
            "only the share of the mode": [
                math.log(2),
                *(
                    -post[v].sum().log()
                    for c in (-0.2, -0.15, 0.0)
                    for v in (z < c, z > c)
                ),
            ],
            "difference from the best gap": [mine - v[0] for v in ends.values()],
        }
        ideas = {k: distinct(v, mine, 1e-3) for k, v in ideas.items()}
        side = f"{'below' if out < mine else 'above'} the lowest divergence"
        rounded = any(out == float(f"{mine:.{n}g}") for n in (1, 2, 3))
        if abs(out - mine) <= 0.02 * mine and not rounded:
            t.property(at)
            t.fail(
                side,
                why=why,
                got=f"{out:.6g}, which is too {'small' if out < mine else 'large'}",
            )
        t.number(at, got, mine, why, fallback(ideas, side, out, mine), **common)


def distinct(values, due, tol):
    """Those that are not what is due, within four tolerances."""
    values = values if isinstance(values, list) else [values]
    return [v for v in values if abs(float(v) - due) > 4 * tol * abs(due)]


def newton(f, v):
    """The nearest place where the slope of ``f`` is 0."""
    for _ in range(5):
        slope = torch.autograd.functional.jacobian(f, v)
        v = v - slope / torch.autograd.functional.hessian(f, v)
    return v
