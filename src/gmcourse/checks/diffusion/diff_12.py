"""Exercise diff-12: The bound, term by term."""

import torch
from torch.distributions import Normal, kl_divergence

from .._exercise import Exercise
from ._shared_bound import CROSS, FLOOR, SINGLE, ends, steps
from ._shared_noised import drawn, slopes

UNUSED = "first estimate used"


@Exercise(
    id="diff-12",
    title="The bound, term by term",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Compute what each step of a chain costs, in nats, whatever its path and its "
        "prior, and what it costs that the chain does not end where the prior begins.",
    ),
    statement=r"""
A chain over the noise levels $k = 0, \dots, K - 1$ has
$z_k = \alpha_k x + \sigma_k \epsilon_k$, and its noise grows: $\sigma_k / \alpha_k$ is
larger than $\sigma_{k-1} / \alpha_{k-1}$. Nothing else ties $\alpha$ and $\sigma$ to
each other. The model draws $z_{K-1}$ from the prior $\mathcal N(0, s^2 I)$, and steps
back from $z_k$ to $z_{k-1}$ as if its estimate $\hat x_k$ were the data:
$p(z_{k-1} \mid z_k) = q(z_{k-1} \mid z_k, x = \hat x_k)$. The prior's deviation $s$ is
given, and need not be $\sigma_{K-1}$.

Write `bound_terms(x, x_hat, alphas, sigmas, prior_std)`, which returns a tensor
`(K, b)` of nats, one column for each example:

- row 0 is the end,
  $\mathrm{KL}\bigl(q(z_{K-1} \mid x) \,\|\, \mathcal N(0, s^2 I)\bigr)$;
- row $k$, from 1 to $K - 1$, is the step back from $k$ to $k - 1$,
  $\mathrm{KL}\bigl(q(z_{k-1} \mid z_k, x) \,\|\, p(z_{k-1} \mid z_k)\bigr)$, which is
  the same for all $z_k$ with this estimate.

The term of $x$ given $z_0$ is left out. `x`, the data, has the shape `(b, ...)`, with
no, one or more axes after the first; `x_hat` is `(K, b, ...)`, and `x_hat[k]` is the
estimate at level $k$. No step begins at level 0: `x_hat[0]` is not used, and may hold
anything, nan, too. `alphas` and `sigmas` are `(K,)`, positive, $K \ge 2$, and
`prior_std` is $s$, a positive Python float. All sizes are 1 or more.

The tensors are all float32 or all float64, and so is the result, with the digits of
its type as long as $\sigma / \alpha$ grows by a tenth or more at each step. That holds
for ratios from $10^{-3}$ to 100, and for data in the thousands with an estimate
near them. Gradients flow to `x` and `x_hat`. Nothing that is given is changed.
""",
    stub='''
def bound_terms(x, x_hat, alphas, sigmas, prior_std):
    """(b, ...), (K, b, ...), (K,), (K,), float -> (K, b), in nats."""
    return ...
''',
    answers={"bound_terms": callable},
    hints=(
        "All laws here are normal, and the values of an example are independent: the "
        "divergences of single values add up. Begin with one value.",
        "A step back compares two normals of the same variance, and (10.6) says what "
        "is left of them. Which two levels does row k need, and which estimate?",
        "At the end nothing is equal: the mean is $\\alpha x$ against 0, the variance "
        "$\\sigma^2$ against $s^2$. Where mean and variance agree, 0 must come out.",
    ),
    misconceptions={
        "estimate of another step": "Row k is the step that begins at level k: its "
        "estimate is x_hat[k].",
        UNUSED: "x_hat[0] may be nan, and nan times 0 is nan.",
        "ratio turned around": "The signal-to-noise ratio is alpha² over sigma².",
        "logarithms of the ratio": "The fall of alpha²/sigma² itself is due. Its "
        "logarithm goes with the error of the noise.",
        "ratio of deviations": "Signal and noise are compared by their variances: "
        "alpha² and sigma².",
        "variance preserving assumed": "alpha² and sigma² need not add up to 1.",
        "the ratio, not its fall": "What a step costs depends on both of its levels.",
        "fall of another step": "Row k has the fall from level k - 1 to level k.",
        "relative fall": "The fall is a difference of two ratios.",
        "weight left out": "The squared error is weighed by the fall of the ratio.",
        "squared after the sum": "The squares of the values are summed.",
        "terms in another order": "The end is row 0, and row k the step from level k.",
        "another level at the end": "The chain ends at level K - 1.",
        "mean of the end otherwise": "The mean of the last level is alpha x; it counts "
        "by its square, in units of the prior's variance.",
        "mean of the end left out": "What is left of the data at the end costs, too.",
        "variances of the end otherwise": "Half of sigma²/s² is due for each value.",
        "logarithm of the end otherwise": "Half of the logarithm of s²/sigma² is due "
        "for each value.",
        "the -1 of each value left out or changed": "Where the last level is the "
        "prior, the end costs 0.",
        "counted once, not for each value": "Each value has a variance of its own to "
        "pay for.",
        "prior taken as the last noise": "The prior has the deviation s; that of the "
        "last level is another.",
        "prior taken as the standard normal": "The prior has the deviation s, not 1.",
        SINGLE: "What comes back as float64 has the digits of float32. (torch.tensor "
        "makes float32 of a Python float.)",
        CROSS: "This is the mean of -log p under q; that of log q is still to be "
        "added.",
        "variance of another law": "The distance of the means counts in units of the "
        "variance of q(z_{k-1} | z_k, x).",
        "error of another scale": "The error is that of the data: x_hat - x.",
        "estimate in place of the data": "The end is about q(z | x): no estimate is "
        "made there.",
        "number of values otherwise": "Count the values of one example, along all of "
        "its axes.",
        "added up, step by step": "Each row is one term; nothing is summed over them.",
        "scaled by the number of steps": "Each row is one term, as it stands in the "
        "bound.",
    },
)
def diff_12(t, bound_terms):
    def judged(name, shape, K, *, kind=torch.float64, ratios=None, s=None, far=0.0,
               tol=0.0, default=None):  # fmt: skip
        t.property(name)
        x, x_hat = drawn(t, *shape), drawn(t, K, *shape)
        alphas, sigmas = any_chain(t, K) if ratios is None else (ratios**0, ratios)
        s = t.integer(150, 250) / 100 if s is None else s
        both = x + far, x_hat + far
        tensors = [v.to(kind) for v in (*both, alphas, sigmas)]
        if default == UNUSED:
            tensors[1][0] = torch.nan
        out = t.call(bound_terms, *tensors, s)
        t.shape(out, (K, shape[0]), "a row for each term, a column for each example.")
        t.dtype(out, kind, "that of the tensors.")
        t.finite(out, "Every term is a number.", default or "not finite")
        args = [v.double() for v in tensors]
        due, got = expected(*args, s), t.tensor(out)
        tol = tol or (1e-9 if kind == torch.float64 else 1e-4)
        held = kind == torch.float64 and torch.equal(got, got.float().double())
        near = held and torch.allclose(got, due, 1e-4, 1e-5)

        def ideas(rows, wrong):
            yield SINGLE, [got[rows].detach()] * near
            old = [v for v in past if v.shape == due.shape]
            yield "result of an earlier call", [v[rows] for v in old]
            turned = due.roll(-1, 0), due.flip(0), torch.cat([due[:1], due[1:].flip(0)])
            other = [v[rows] for v in turned if not torch.equal(v[rows], due[rows])]
            yield "terms in another order", other
            if rows != 0:
                yield "added up, step by step", due.cumsum(0)[rows]
            yield (
                "scaled by the number of steps",
                [v[rows] for n in (K, K - 1) if n > 1 for v in (due / n, due * n)],
            )
            yield from wrong

        told = "What a step back costs.", default, ideas(slice(1, None), steps(*args))
        t.close(out[1:], due[1:], *told, tol)
        told = "What the end costs.", default, ideas(0, ends(*args, s))
        t.close(out[0], due[0], *told, tol)
        past.append(due)

    x, x_hat, rest = drawn(t, 4, 3), drawn(t, 5, 4, 3), (*any_chain(t, 5), 1.7)
    past = [expected(x, x_hat, *rest)]
    t.steady(bound_terms, x, x_hat, *rest)
    for name in ("any chain", "the same shapes again, other numbers"):
        judged(name, (4, 3), 5)
    judged("as many examples as values and levels", (3, 3), 3)
    judged("pictures", (3, 2, 5, 6), 4)
    judged("one number each", (5,), 4)
    judged("one example, two levels", (1, 2), 2)
    judged("one of everything, many levels", (1, 1), 15)
    judged("a narrow prior", (2, 3), 4, s=0.11)
    judged("the first estimate is nan", (4, 3), 5, default=UNUSED)
    wide = torch.logspace(-3, 2, 12, dtype=torch.float64)
    judged("ratios from 0.001 to 100", (2, 3), 12, ratios=wide, s=80.0, default=FLOOR)
    judged("float32", (4, 3), 5, kind=torch.float32)
    judged("ratios from 0.001 to 100, float32", (2, 3), 12, ratios=wide, s=80.0,
           kind=torch.float32, default=FLOOR)  # fmt: skip
    judged("data near 3000", (4, 6), 5, kind=torch.float32, far=3000.0, tol=1e-2,
           default="difference of large numbers")  # fmt: skip
    f = lambda x, x_hat: t.call(bound_terms, x, x_hat, *rest)  # noqa: E731
    right = lambda x, x_hat: expected(x, x_hat, *rest)  # noqa: E731
    slopes(t, "gradients", f, right, x, x_hat, why="Of every term.")


def any_chain(t, K):
    """alphas in any order and none of them 1; sigmas such that their ratio grows."""
    alphas, rates = t.uniform(2, K, low=0.3, high=1.0).double() / 0.703
    return alphas, alphas * 0.3 * (1 + rates / 2).cumprod(0)


def expected(x, x_hat, alphas, sigmas, s):
    """By Bayes' rule: z_k measures z_{k-1}, of which the data tell a prior."""
    b, levels = len(x), list(zip(alphas, sigmas))
    x, x_hat = x.reshape(b, -1), x_hat.reshape(len(x_hat), b, -1)
    last = Normal(levels[-1][0] * x, levels[-1][1].expand(x.shape))
    rows = [kl_divergence(last, Normal(torch.zeros_like(x), s))]
    for (a, c), (a_next, c_next), guess in zip(levels, levels[1:], x_hat[1:]):
        step = a_next / a
        here, there = c**-2, step**2 / (c_next**2 - (step * c) ** 2)
        z = a_next * x.detach()  # any will do
        both = [(a * v * here + z / step * there) / (here + there) for v in (x, guess)]
        std = (here + there) ** -0.5
        rows.append(kl_divergence(*(Normal(m, std) for m in both)))
    return torch.stack([row.sum(1) for row in rows])
