"""Versions of exercise diff-13."""

import numpy as np
import torch

from .. import build, edits, reference, right, wrong


class Diff13:
    r"""
    Over a short time $h$ the equation multiplies what is there by $1 + h f$ and adds
    noise of variance $h g^2$. The mean and the variance $v = \sigma^2$ then follow

    $$
    \alpha' = f \alpha, \qquad v' = 2 f v + g^2 ,
    $$

    the 2 because the variance is multiplied by $(1 + h f)^2$. The first gives
    $\alpha = e^F$ with $F(t) = \int_0^t f$. Noise that came at time $u$ is left with
    the share $\alpha(t) / \alpha(u)$ of its size, and so

    $$
    \sigma^2(t) = \alpha^2(t) \Bigl( \sigma^2(0)
    + \int_0^t \frac{g^2(u)}{\alpha^2(u)}\, \mathrm du \Bigr) .
    $$

    The bracket is the square of what the chapter calls the ratio, $\sigma / \alpha$:
    drift changes the size of a noisy example, and only $g$, measured in units of
    $\alpha$, tells one path from another. With $f = -g^2/2$ the sum
    $\alpha^2 + \sigma^2$ stays 1; with $f = 0$ the data stay and noise explodes.
    """

    @reference
    def moments(f, g, times, first):
        from numpy.polynomial.legendre import leggauss

        nodes, weights = leggauss(64)
        x, w = (torch.as_tensor(v) / 2 for v in (nodes + 1, weights))

        def integral(rate, t):
            """From 0 to each of t, a tensor of any shape."""
            return (w * rate(t[..., None] * x)).sum(-1) * t

        def variance_rate(u):
            return g(u) ** 2 * (-2 * integral(f, u)).exp()

        alpha = integral(f, times).exp()
        noise = first**2 + integral(variance_rate, times)  # the ratio, squared
        return alpha, alpha * noise.sqrt()

    @right
    def by_kutta(f, g, times, first):
        """Two equations, solved to each of the times at once."""
        n, whole = 100, torch.zeros_like(times)
        noise, h = whole + first**2, times / n

        def rates(u, whole):
            return f(u), g(u) ** 2 * torch.exp(-2 * whole)

        for i in range(n):
            k1 = rates(i * h, whole)
            k2 = rates(i * h + h / 2, whole + h / 2 * k1[0])
            k3 = rates(i * h + h / 2, whole + h / 2 * k2[0])
            k4 = rates(i * h + h, whole + h * k3[0])
            whole, noise = (
                y + h / 6 * (p + 2 * q + 2 * r + s)
                for y, p, q, r, s in zip((whole, noise), k1, k2, k3, k4)
            )
        return whole.exp(), whole.exp() * noise.sqrt()

    @right
    def one_by_one(f, g, times, first):
        """Running sums of Simpson's rule, for each time by itself."""
        alphas, sigmas = [], []
        for t in times.tolist():
            u = torch.linspace(0, t, 2001, dtype=torch.float64)
            h, rate = t / 1000, f(u)
            pairs = h / 6 * (rate[:-2:2] + 4 * rate[1::2] + rate[2::2])
            whole = torch.cat([torch.zeros(1), pairs.cumsum(0)])  # at every other u
            left = whole[-1] - whole
            new = g(u[::2]) ** 2 * (2 * left).exp()
            gained = h / 3 * (new[:-2:2] + 4 * new[1::2] + new[2::2]).sum()
            alphas.append(whole[-1].exp())
            sigmas.append((gained + first**2 * (2 * whole[-1]).exp()).sqrt())
        return torch.stack(alphas), torch.stack(sigmas)

    @right
    def by_logarithm(f, g, times, first):
        """In numpy, with the rates sampled on one fine grid for all times."""
        n = 256
        u = np.linspace(0, 1, 2 * n + 1)
        fs, gs = (r(torch.tensor(u)).numpy() for r in (f, g))
        a, v, h = [1.0], [first**2], 1 / n
        for i in range(n):
            f0, f1, f2 = fs[2 * i : 2 * i + 3]
            g0, g1, g2 = gs[2 * i : 2 * i + 3] ** 2
            step = h / 6 * (f0 + 4 * f1 + f2)
            half = h / 24 * (-f0 + 8 * f1 + 5 * f2)
            new = g0 * np.exp(2 * step) + 4 * g1 * np.exp(2 * half) + g2
            a.append(a[-1] * np.exp(step))
            v.append(v[-1] * np.exp(2 * step) + h / 6 * new)

        # Between two points of the grid by one short step of its own.
        i = np.minimum((times.numpy() * n).astype(int), n - 1)
        d = torch.tensor(times.numpy() - i / n)
        at, a, v = torch.tensor(i / n), torch.tensor(a)[i], torch.tensor(v)[i]
        f0, f1, f2 = (f(at + k * d) for k in (0, 0.5, 1))
        g0, g1, g2 = (g(at + k * d) ** 2 for k in (0, 0.5, 1))
        step, half = d / 6 * (f0 + 4 * f1 + f2), d / 24 * (-f0 + 8 * f1 + 5 * f2)
        new = g0 * torch.exp(2 * step) + 4 * g1 * torch.exp(2 * half) + g2
        return a * step.exp(), (v * torch.exp(2 * step) + d / 6 * new).sqrt()

    edited = edits(
        moments,
        """
    sign of the drift | alpha = integral(f, times).exp()
        -> alpha = (-integral(f, times)).exp()
    sign of the drift | nodes, weights = -> rate = f; f = lambda u: -rate(u);
        nodes, weights =
    rates held constant | alpha = integral(f, times).exp()
        -> alpha = (f(times) * times).exp()
    rates held constant | alpha = integral(f, times).exp()
        -> alpha = (f(0 * times) * times).exp()
    rates held constant | alpha = integral(f, times).exp() -> alpha = f(times).exp()
    alpha squared | return alpha, -> return alpha**2,
    factor 2 of the variance lost | (-2 * integral(f, u)) -> (-integral(f, u))
        | alpha * noise.sqrt() -> (alpha * noise).sqrt()
    g in place of its square | g(u) ** 2 -> g(u)
    half of g squared | g(u) ** 2 -> g(u) ** 2 / 2
    noise not carried by the drift | g(u) ** 2 * (-2 * integral(f, u)).exp()
        -> g(u) ** 2
        | noise = first**2 -> noise = alpha**2 * first**2
        | alpha * noise.sqrt() -> noise.sqrt()
    noise carried from the wrong time | (-2 * integral(f, u)) -> (2 * integral(f, u))
        | noise = first**2 -> noise = alpha**2 * first**2
        | alpha * noise.sqrt() -> noise.sqrt()
    noise carried from the wrong time | g(u) ** 2 * (-2 * integral(f, u)).exp()
        -> g(u) ** 2
    noise carried from the wrong time | noise = first**2 -> noise = alpha**2 * first**2
        | alpha * noise.sqrt() -> noise.sqrt()
    first noise left out | first**2 + integral -> integral
    first noise not carried by the drift | noise = first**2 + -> noise =
        | alpha * noise.sqrt() -> (first**2 + alpha**2 * noise).sqrt()
    first noise taken as a variance | first**2 -> first
    variance in place of the standard deviation | alpha * noise.sqrt()
        -> alpha**2 * noise
    nothing at time 0 | return alpha, alpha
        -> floor = alpha.where(times > 0, alpha - 1e-3); return floor, alpha
    nothing at time 0 | noise.sqrt() -> noise.clamp(min=1e-4).sqrt()
    nothing at time 0 | alpha = integral(f, times).exp()
        -> alpha = (integral(f, times) * times / times).exp()
    wrong dtype | return alpha, -> return alpha.float(),
    input changed in place | alpha = integral(f, times).exp()
        -> alpha = integral(f, times).exp(); times += 0.1
    """,
    )

    @wrong("times taken as sorted")
    def from_one_to_the_next(f, g, times, first):
        """The state goes on from time to time."""
        nodes, weights = np.polynomial.legendre.leggauss(64)
        x, w = (torch.as_tensor(v) / 2 for v in (nodes + 1, weights))
        a, v, before, found = 1.0, first**2, 0.0, []
        for t in times.tolist():
            d = max(t - before, 0.0)
            u = before + d * x
            inner = u[:, None] + (before + d - u[:, None]) * x
            left = (w * f(inner)).sum(1) * (before + d - u)
            grown = (w * f(u)).sum() * d
            v = v * torch.exp(2 * grown) + (w * g(u) ** 2 * (2 * left).exp()).sum() * d
            a, before = a * grown.exp(), before + d
            found.append(torch.stack([a, v.sqrt()]))
        return tuple(torch.stack(found).T)

    @wrong("times taken as sorted")
    def sorted_first(f, g, times, first):
        return Diff13.moments(f, g, times.sort().values, first)

    @wrong("not to the digits asked for")
    def by_euler(f, g, times, first):
        a, v, h = torch.ones_like(times), first**2, times / 1000
        for i in range(1000):
            drift, noise = f(i * h), g(i * h)
            a, v = a + h * drift * a, v + h * (2 * drift * v + noise**2)
        return a, v.sqrt()

    @wrong("not to the digits asked for")
    def by_a_sum(f, g, times, first):
        u = (torch.arange(500) + 0.5) / 500 * times[:, None]
        drift = f(u).mean(1) * times
        left = f(u).flip(1).cumsum(1).flip(1) * times[:, None] / 500
        gained = (g(u) ** 2 * (2 * left).exp()).mean(1) * times
        return drift.exp(), (first**2 * (2 * drift).exp() + gained).sqrt()

    @wrong("result of an earlier call")
    @build
    def kept_by_times():
        kept = {}

        def moments(f, g, times, first):
            out = Diff13.moments(f, g, times, first)
            return kept.setdefault((*times.tolist(), first), out)

        return moments

    @wrong("estimated from samples")
    def simulated(f, g, times, first):
        a, s = Diff13.moments(f, g, times, first)
        return a, s * (1 + 1e-3 * torch.randn_like(s))
