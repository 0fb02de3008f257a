"""Versions of exercise diff-10."""

import math

import torch

from .. import build, edits, reference, right, wrong


class Diff10:
    r"""
    With $h$ for the length of this step and $g$ for that of the one before, both with
    their signs, the line has in the middle of the step the value
    $\varepsilon_i + \tfrac{h}{2g} (\varepsilon_i - \varepsilon_{i-1})$. That is the
    method of Adams and Bashforth of order 2 for steps of any lengths; with $h = g$ its
    weights are 3/2 and -1/2.

    The first step is Euler's. Its error, of the order of its length squared, is made
    once, and the whole stays of order 2. But the first step of a sampler is long in
    $u$, from $\sigma / \alpha = 80$ to 60, say: there $\varepsilon$ hardly changes, and
    little is lost.

    Another variable makes another method: DPM-Solver++ (2M) takes the *data* for a
    straight function of $\log (\alpha / \sigma)$. There the last step to $\sigma = 0$
    is infinitely long, and has to be one of order 1; in $u$ it is a step like others.
    """

    @reference
    def two_estimates(predict, x, times, alphas, sigmas):
        ratios = [s / a for a, s in zip(alphas, sigmas)]
        z, before, last = x / alphas[0], None, None
        for i in range(len(times) - 1):
            eps = predict(alphas[i] * z, times[i])
            h = ratios[i + 1] - ratios[i]
            more = h / (2 * last) * (eps - before) if i > 0 else 0.0
            z = z + h * (eps + more)
            before, last = eps, h
        return alphas[-1] * z

    @right
    def by_weights(predict, x, times, alphas, sigmas):
        u = torch.tensor(sigmas, dtype=torch.float64)
        u = (u / torch.tensor(alphas, dtype=torch.float64)).tolist()
        kept = []
        for i, t in enumerate(times[:-1]):
            kept.append(predict(x, t))
            new, old = 1.0, 0.0
            if len(kept) > 1:
                old = -(u[i + 1] - u[i]) / (u[i] - u[i - 1]) / 2
                new = 1 - old
            rate = new * kept[-1] + old * kept[max(i - 1, 0)]
            x = x * (alphas[i + 1] / alphas[i])
            x = x + alphas[i + 1] * (u[i + 1] - u[i]) * rate
        return x

    @right
    def by_the_integral(predict, x, times, alphas, sigmas):
        def area(u, e, v, d, end):
            slope = (e - d) / (u - v)
            return (e - slope * u) * (end - u) + slope * (end**2 - u**2) / 2

        u = [s / a for s, a in zip(sigmas, alphas)]
        y, old = x.double(), None
        for i in range(1, len(u)):
            eps = predict(y.to(x.dtype), times[i - 1]).double()
            y = y.to(x.dtype).double() / alphas[i - 1]
            if old is None:
                y = y + (u[1] - u[0]) * eps
            else:
                y = y + area(u[i - 1], eps, u[i - 2], old, u[i])
            y, old = y * alphas[i], eps
        return y.to(x.dtype)

    @right
    def by_recursion(predict, x, times, alphas, sigmas):
        def go(x, i, old):
            if i == len(times) - 1:
                return x
            eps = predict(x, times[i])
            h = sigmas[i + 1] / alphas[i + 1] - sigmas[i] / alphas[i]
            more = 0 * eps
            if old is not None:
                g = sigmas[i] / alphas[i] - sigmas[i - 1] / alphas[i - 1]
                more = (eps - old) / g
            z = x / alphas[i] + h * eps + h**2 / 2 * more
            return go(alphas[i + 1] * z, i + 1, eps)

        return go(x, 0, None)

    edited = edits(
        two_estimates,
        """
    coefficients of equal steps | h / (2 * last) -> 1 / 2
    ratio of the lengths turned around | h / (2 * last) -> last / (2 * h)
    the two estimates exchanged | (eps + more) -> (before - more if i else eps)
    extrapolated to the end of the step | h / (2 * last) -> h / last
    sign flipped | (eps - before) -> (before - eps)
    sign flipped | h = ratios[i + 1] - ratios[i] -> h = ratios[i] - ratios[i + 1]
    off by a factor of two | h / (2 * last) -> h / (4 * last)
    mean of the two estimates | (eps + more) -> (eps + (before if i else eps)) / 2
    one estimate alone | if i > 0 -> if False
    one estimate alone | (eps + more) -> (before if i else eps)
    first step otherwise | else 0.0 -> else eps / 2
    first step otherwise | else 0.0 -> else -eps
    last step otherwise | if i > 0 -> if 0 < i < len(times) - 2
    an older estimate | before, last = eps, h
        -> before, last = eps if before is None else before, h
    an older estimate | before, last = eps, h -> kept.append(eps); last = h
        | ratios = [ -> kept = []; ratios = [
        | (eps - before) -> (eps - kept[max(i - 2, 0)])
    lengths in another variable | h / (2 * last)
        -> (times[i + 1] - times[i]) / (2 * (times[i] - times[i - 1]))
    lengths in another variable | h / (2 * last)
        -> (sigmas[i + 1] - sigmas[i]) / (2 * (sigmas[i] - sigmas[i - 1]))
    lengths in another variable | ratios = [s / a for a, s in zip(alphas, sigmas)]
        -> ratios = sigmas
    lengths in another variable | ratios = [s / a for a, s in zip(alphas, sigmas)]
        -> ratios = times
    alpha left out | return alphas[-1] * z -> return z
    alpha left out | alphas[i] * z, times -> z, times | z, before, last = x / alphas[0]
        -> z, before, last = x | return alphas[-1] * z -> return z
    begun elsewhere | alphas[i] * z, times -> z, times
    begun elsewhere | z, before, last = x / alphas[0] -> z, before, last = x
    the data in place of the noise | h = ratios[i + 1]
        -> eps = alphas[i] * z - alphas[i] * eps; eps = eps / sigmas[i];
        h = ratios[i + 1]
    two evaluations for one step | z = z + h * (eps + more)
        -> z = z + h / 2 * (eps + predict(alphas[i + 1] * (z + h * eps), times[i + 1]))
    two evaluations for one step | before, last = eps, h
        -> before, last = predict(x, times[i + 1]), h
    asked at the time where the step ends | times[i]) -> times[i + 1])
    calls that are not one for each step | eps = predict(
        -> predict(x, times[i]); eps = predict(
    calls that are not one for each step | range(len(times) - 1)
        -> range(len(times) - 2)
    coefficients rounded to float32 | s / a for
        -> (torch.tensor(s) / torch.tensor(a)).item() for
    float32 in between | alphas[i] * z, times -> (alphas[i] * z).float().to(x), times
        | return alphas[-1] * z -> return (alphas[-1] * z).float().to(x)
    estimated from samples | z = z + h * (eps + more)
        -> z = z + h * (eps + more) + 0.01 * torch.randn_like(x)
    wrong dtype | return alphas[-1] * z -> return (alphas[-1] * z).float()
    wrong dtype | return alphas[-1] * z -> return (alphas[-1] * z).double()
    wrong shape | return alphas[-1] * z -> return (alphas[-1] * z).flatten(1)
    input changed in place | before, last = eps, h -> before, last = eps.mul_(1.5), h
    input changed in place | z, before, last = x / alphas[0], None, None
        -> x /= alphas[0]; z, before, last = x, None, None
    """,
    )

    @wrong("lengths in another variable")
    def in_log_snr(predict, x, times, alphas, sigmas):
        u = [s / a for a, s in zip(alphas, sigmas)]
        log = [math.log(v) if v else -1e9 for v in u]
        z, old = x / alphas[0], None
        for i in range(len(times) - 1):
            eps = predict(alphas[i] * z if i else x, times[i])
            rate = eps
            if i:
                share = (log[i + 1] - log[i]) / (log[i] - log[i - 1])
                rate = eps + share / 2 * (eps - old)
            z, old = z + (u[i + 1] - u[i]) * rate, eps
        return alphas[-1] * z

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def two_estimates(predict, x, times, alphas, sigmas):
            key = tuple(x.shape), len(times)
            if key not in kept:
                kept[key] = Diff10.two_estimates(predict, x, times, alphas, sigmas)
            return kept[key]

        return two_estimates

    @wrong("result of an earlier call")
    @build
    def with_the_estimate_of_the_last_call():
        kept = {}

        def two_estimates(predict, x, times, alphas, sigmas):
            ratios = [s / a for a, s in zip(alphas, sigmas)]
            z, last = x / alphas[0], 1.0
            for i in range(len(times) - 1):
                eps = predict(alphas[i] * z, times[i])
                h = ratios[i + 1] - ratios[i]
                same = "old" in kept and kept["old"].shape == eps.shape
                old = kept["old"] if same else eps
                z = z + h * (eps + h / (2 * last) * (eps - old))
                kept["old"], last = eps, h
            return alphas[-1] * z

        return two_estimates
