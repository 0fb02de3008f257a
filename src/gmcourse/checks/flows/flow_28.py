"""Exercise flow-28: What the regression learns."""

import torch

from .._exercise import Exercise
from ._shared_maps import in_float32


@Exercise(
    id="flow-28",
    title="What the regression learns",
    difficulty=4,
    minutes=40,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Derive the velocity that conditional flow matching converges to, the mean of "
        "all lines through a point, for data whose density is known.",
    ),
    statement=r"""
Many straight lines $x_t = (1 - t)\, x_0 + t\, \varepsilon$ pass through one point at
one time, each with a velocity $\varepsilon - x_0$ of its own. A regression on
these, with unlimited capacity and data, learns their mean, the *marginal velocity*

$$
v(x, t) = \mathbb{E}\,[\,\varepsilon - x_0 \mid x_t = x\,] .
$$

Compute it where the data are a mixture: with the probability $w_k$,
$x_0 \sim \mathcal N(m_k, s_k^2 I)$, in $d$ dimensions, and
$\varepsilon \sim \mathcal N(0, I)$ is independent of $x_0$. A deviation $s_k = 0$ is
allowed: a component is a single point then.

Write `marginal_velocity(x, t, weights, means, stds)` for `x` `(b, d)`, `t` `(b,)` with
a time from 0 to 1 for each row, `weights` `(k,)`, positive and with a sum of 1, `means`
`(k, d)` and `stds` `(k,)`. The result is `(b, d)`. There may be one component or many,
and hundreds of dimensions. `x` may lie thousands away from all data. $t = 1$ is
allowed always, $t = 0$ where no $s_k$ is 0; with points, $t$ is $0.001$ or more.

All are float32 or all float64, and so is the result; in float64 it is right to
$10^{-8}$ times 1 plus its size, in float32 to $10^{-3}$ of the largest entry. Gradients
flow to `x` (a log-density needs the divergence) and to the other four.
""",
    stub='''
def marginal_velocity(x, t, weights, means, stds):
    """(b, d), (b,), (k,), (k, d), (k,) -> (b, d)."""
    return ...
''',
    answers={"marginal_velocity": callable},
    hints=(
        "First one component and one dimension. $x_t$ and $\\varepsilon - x_0$ are "
        "jointly Gaussian: what is the mean of one, given the other? You need a "
        "covariance and a variance.",
        "With several components: the mean of all lines is a mean of the components' "
        "means. Its weights are the probabilities of the components *given* "
        "$x_t = x$, by Bayes' rule with the densities of $x_t$, not those of $x_0$.",
        "In hundreds of dimensions such a density is 0 as a float. Weights are a "
        "softmax of log-densities.",
    ),
    misconceptions={
        "sign of the velocity": "Time runs from data to noise: noise minus data.",
        "time turned around": "At t = 0 the point is data, at t = 1 it is noise.",
        "mean of all data in place of those that fit": "x says something about the "
        "data it came from: their mean given x is due, not that of all.",
        "x taken as the data": "At t, x is a mixture of data and noise.",
        "noise of mean 0 given x": "Given x, the noise has a mean, too: what of x the "
        "data do not explain.",
        "variance of the point off": "That of x_t is the sum of those of its two "
        "independent parts, each with its factor squared.",
        "mean of the point off": "The mean of x_t is (1 - t) times that of the data.",
        "covariance off": "Of x_t with noise minus data: the noise has a part t, the "
        "data one of -(1 - t) times their variance.",
        "weights not told by x": "The weights of the components are those given x.",
        "weights by the density of the data": "Where x is judged, x_t has its density: "
        "by a mean and a variance that change with t.",
        "velocities added": "A mean over the components: the weights sum to one.",
        "0 divided by 0": "It is not finite at one end: is a 1 - t or a t divided by?",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "one time for all examples": "Each row has its own time.",
    },
)
def flow_28(t, marginal_velocity):
    def draw(b, d, k, kind=torch.float64, points=False, times=None, far=1.0):
        means, stds = t.normal(k, d, std=1.2), t.uniform(k, low=0.3, high=1.5)
        weights = t.uniform(k, low=0.2, high=1).double()
        x = t.normal(b, d, std=1.3) * far
        time = t.uniform(b, low=0.15, high=0.8) if times is None else times
        stds = stds * (torch.arange(k) % 2 == 1) if points else stds
        data = x, time, weights / weights.sum(), means, stds
        return tuple(v.to(kind) for v in data)

    def log_parts(x, time, weights, means, stds, of=lambda q: (1 - q, q)):
        """log w and the log-density of the point, for each component: (b, k)."""
        keep, noise = (v[:, None] for v in of(time))
        scale = torch.hypot(keep * stds, noise.expand(-1, len(stds)))[:, :, None]
        center = keep[:, :, None] * means
        parts = torch.distributions.Normal(center, scale).log_prob(x[:, None])
        return weights.log() + parts.sum(2)

    def oracle(x, time, *data, log=None):
        """By the gradient of the log-density (Tweedie); at t = 1 by the mean alone."""
        x, time, *data = (v.double() for v in (x, time, *data))
        with torch.enable_grad():
            y = x if x.requires_grad else x.detach().requires_grad_()
            logs = (log or log_parts)(y, time, *data)
            total = logs.logsumexp(1).sum()
            (score,) = torch.autograd.grad(total, y, create_graph=True)
        last = (time == 1)[:, None]
        early = torch.where(last, 0.5, time[:, None])
        inside = -(y + early * score) / (1 - early)
        return torch.where(last, y - data[0] @ data[1], inside)

    def rivals(x, time, weights, means, stds):
        """What mistakes give: each line through x by the shares r of the components."""
        x, time, *data = (v.detach().double() for v in (x, time, weights, means, stds))
        weights, means, stds = data
        right = log_parts(x, time, *data).softmax(1)
        q, y, s = time[:, None, None], x[:, None], stds[:, None] ** 2

        def mixed(r=right, q=q, var=None, center=None, cov=None, noise=1.0):
            var = (1 - q) ** 2 * s + q**2 if var is None else var
            cov = q * noise - (1 - q) * s if cov is None else cov
            center = (1 - q) * means if center is None else center
            return (r[:, :, None] * (cov / var * (y - center) - means)).sum(1)

        due = mixed()
        yield "sign of the velocity", -due
        yield (
            "time turned around",
            mixed(log_parts(x, 1 - time, *data).softmax(1), 1 - q),
        )
        yield "time turned around", mixed(q=1 - q)
        for v in (time[:1], time.mean()[None]) if len(x) > 1 else ():
            part = log_parts(x, v.expand_as(time), *data).softmax(1)
            yield "one time for all examples", mixed(part, v[:, None, None] + 0 * q)
        mean = weights @ means
        yield "mean of all data in place of those that fit", (x - mean) / time[:, None]
        yield "mean of all data in place of those that fit", x - mean
        yield "x taken as the data", -x
        yield "noise of mean 0 given x", mixed(noise=0.0)
        wide = [
            (1 - q) * s + q,
            ((1 - q) * s**0.5 + q) ** 2,
            (1 - q) ** 2 * s,
            s + q**2,
        ]
        wide += [(1 - q) ** 2 * s**0.5 + q**2, s, s + 1, 1 + 0 * q]
        yield from (("variance of the point off", mixed(var=v)) for v in wide)
        yield "mean of the point off", mixed(center=means)
        yield "mean of the point off", mixed(center=0 * means)
        covs = [q + (1 - q) * s, (1 - q) * s - q, q - s, 1 - s, q**2 - (1 - q) ** 2 * s]
        covs += [q - (1 - q) * s**0.5, 0 * q]
        yield from (("covariance off", mixed(cov=v)) for v in covs)
        var, logs = (1 - q) ** 2 * s + q**2, log_parts(x, time, *data)
        for e in (10.0**-i for i in range(2, 13)):
            yield (
                "floor under the variance",
                [mixed(var=var + e), mixed(cov=q - (1 - q) * (s + e))],
            )
        yield "normalized over the data", mixed(logs.softmax(0))
        if len(weights) == 1:
            return
        yield "weights not told by x", mixed(weights.expand_as(right))
        flat = torch.ones_like(right) / len(weights)
        yield "weights not told by x", mixed(flat)
        yield (
            "weights left out",
            mixed(log_parts(x, time, flat[0], *data[1:]).softmax(1)),
        )
        if (stds > 0).all():
            of = lambda q: (1 + 0 * q, 0 * q)  # noqa: E731
            first = log_parts(x, time, *data, of=of).softmax(1)
            yield "weights by the density of the data", mixed(first)
        extra = var[:, :, 0].log() * x.shape[1] / 2
        yield (
            "widths left out of the responsibilities",
            mixed((logs + extra).softmax(1)),
        )
        part = logs + extra - extra / x.shape[1]
        yield "log-deviation enters otherwise", mixed(part.softmax(1))
        own = weights.log() - extra
        yield "distance enters otherwise", mixed((2 * logs - own).softmax(1))
        yield (
            "points given to their best component",
            mixed(torch.nn.functional.one_hot(logs.argmax(1), logs.shape[1]).double()),
        )
        yield "velocities added", mixed(torch.ones_like(right))
        rows = [oracle(x[:, i : i + 1], time, weights, means[:, i : i + 1], stds)
                for i in range(x.shape[1])]  # fmt: skip
        yield "component chosen for each dimension", torch.cat(rows, 1)

    def judged(name, args, tol=1e-8, told=None):
        t.property(name)
        out = t.call(marginal_velocity, *args)
        t.shape(out, tuple(args[0].shape), "one velocity for each row.")
        t.dtype(out, args[0].dtype, "that of x.")
        small = args[0].shape[1] < 9 and args[0].abs().max() < 50
        nan = "0 divided by 0" if small else "underflow to zero"
        t.finite(out, "A finite velocity.", told or nan)
        due = oracle(*args).detach()
        single = [in_float32(t.tensor(out), due)] if tol < 1e-6 else []
        old = [v for v in kept if v.shape == due.shape]
        ideas = ("result of an earlier call", old), *single
        found = None if told else (p for part in (ideas, rivals(*args)) for p in part)
        size = 1 if tol < 1e-6 else float(due.abs().max())
        t.close(out, due, "By the gradient of the log-density of x_t.", told, found,
                tol * max(size, 1.0))  # fmt: skip
        kept.append(due)
        return out

    kept: list = []
    args = draw(5, 3, 1)
    t.steady(marginal_velocity, *args)
    judged("one Gaussian", args)
    judged("a mixture", draw(7, 3, 4))
    judged("other sizes", draw(3, 1, 2))
    judged("a batch of one", draw(1, 4, 3))
    judged("points", draw(6, 2, 3, points=True))
    edge = torch.tensor([0.0, 1.0, 0.4, 1.0, 0.0])
    judged("at t = 0 and 1", draw(5, 2, 3, times=edge))
    low = torch.tensor([0.001, 1.0, 0.004, 0.02])
    x, time, weights, means, stds = draw(4, 2, 3, points=True, times=low)
    x = (1 - time[:, None]) * means[[0, 1, 2, 0]] + time[:, None] * x
    judged("points, soon after they are left", (x, time, weights, means, stds))
    judged("far from all data", draw(4, 2, 3, far=300.0))
    x, time, weights, means, stds = draw(4, 400, 3)
    x = (1 - time[:, None]) * means[[0, 1, 2, 0]] + x
    judged("400 dimensions", (x, time, weights, means, stds))
    judged("float32", draw(5, 3, 3, torch.float32), 1e-3)
    judged("float32, 60 dimensions", draw(5, 60, 3, torch.float32), 1e-3)

    t.property("gradients to all five")
    args = tuple(v.requires_grad_() for v in draw(4, 3, 3))
    out, due = t.call(marginal_velocity, *args), oracle(*args)
    share = t.uniform(*due.shape, low=0.5, high=2).double()
    for leaf in args:
        slope = t.grad(due, leaf, share)
        slope = slope - slope.mean() if leaf is args[2] else slope
        got = t.grad(out, leaf, share)
        got = got - got.mean() if leaf is args[2] else got
        t.close(got, slope, "Its derivative.", "cut off from the graph", tol=1e-6)
