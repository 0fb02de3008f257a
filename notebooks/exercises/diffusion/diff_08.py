"""Versions of exercise diff-08."""

import itertools

import torch

from .. import build, edits, reference, right, wrong


class Diff08:
    r"""
    The step follows $\mathrm d (x_t / \alpha) / \mathrm d (\sigma / \alpha) =
    \varepsilon$ by Euler's rule, and an ordinary equation can be followed either way.
    With short steps the two ways see nearly the same estimates, and the error of the
    round trip falls in proportion to their length.

    Exactly one inverse of a step exists, too, if it is short: $x_s$ is given, and
    $x_t$ solves an equation in which `denoise` is asked at $x_t$ itself. What is done
    here takes the estimate at $x_s$ in its place; iterating that to a fixed point
    inverts the sampler to all digits, at the price of some evaluations more.

    A code is that of one net and one guidance weight: with another of either the way
    back is along another equation, and ends elsewhere.
    """

    @reference
    def there_and_back(denoise, x, times, alphas, sigmas):
        def step(x, i, j):
            data = denoise(x, times[i])
            eps = (x - alphas[i] * data) / sigmas[i]
            return alphas[j] * data + sigmas[j] * eps

        last = len(times) - 1
        code = x
        for i in range(last):
            code = step(code, i, i + 1)
        back = code
        for i in range(last, 0, -1):
            back = step(back, i, i - 1)
        return code, back

    @right
    def by_weights(denoise, x, times, alphas, sigmas):
        marks = list(zip(times, alphas, sigmas))
        route = marks + marks[-2::-1]
        found = [x]
        for (t, a, s), (_, b, r) in itertools.pairwise(route):
            y = found[-1]
            found.append(r / s * y + (b - a * r / s) * denoise(y, t))
        return [found[len(marks) - 1], found[-1]]

    @right
    def by_recursion(denoise, x, times, alphas, sigmas):
        def go(x, path):
            if len(path) == 1:
                return x
            (t, a, s), (_, b, r) = path[:2]
            data = denoise(x, t)
            y = torch.add(b * data, (x - a * data).div(s), alpha=r)
            return go(y, path[1:])

        path = tuple(zip(times, alphas, sigmas))
        code = go(x, path)
        return code, go(code, path[::-1])

    @right
    def with_tensors(denoise, x, times, alphas, sigmas):
        double = {"dtype": torch.float64}
        a, s = torch.tensor(alphas, **double), torch.tensor(sigmas, **double)
        n, y, code = len(times), x.double(), None
        order = [*range(n), *range(n - 2, -1, -1)]
        for k in range(len(order) - 1):
            i, j = order[k], order[k + 1]
            data = denoise(y.to(x.dtype), times[i]).double()
            noise = y.to(x.dtype).double() - a[i] * data
            y = a[j] * data + noise * s[j] / s[i]
            code = y.to(x.dtype) if j == n - 1 else code
        return code, y.to(x.dtype)

    edited = edits(
        there_and_back,
        """
    no pair | return code, back -> return back
    no pair | return code, back -> return torch.stack([code, back])
    asked at the time where the step ends | times[i] -> times[j]
    the way back left out | back = step(back, i, i - 1) -> back = x
    the two times exchanged | / sigmas[i] -> / sigmas[j]
    the two times exchanged | - alphas[i] * data -> - alphas[j] * data
    the two times exchanged | return alphas[j] * data -> return alphas[i] * data
    the two times exchanged | + sigmas[j] * eps -> + sigmas[i] * eps
    the two times exchanged | data = denoise(x, times[i])
        -> data = denoise(x, times[i]); i, j = j, i
    alpha left out of the noise | x - alphas[i] * data -> x - data
    floor under the standard deviation | / sigmas[i] -> / (sigmas[i] + 1e-8)
    floor under the standard deviation | / sigmas[i] -> / max(sigmas[i], 1e-3)
    sigma left out of the noise | / sigmas[i] -> / 1
    sigma left out of the noise | sigmas[j] * eps -> eps
    data left as they are | return alphas[j] * data -> return data
    sigma computed from alpha | sigmas[j] * eps -> abs(1 - alphas[j] ** 2) ** 0.5 * eps
    sigma computed from alpha | / sigmas[i] -> / abs(1 - alphas[i] ** 2) ** 0.5
    squares in place of alpha and sigma | last = len(times) - 1
        -> last = len(times) - 1; alphas = [a**0.5 for a in alphas];
        sigmas = [a**0.5 for a in sigmas]
    squares in place of alpha and sigma | last = len(times) - 1
        -> last = len(times) - 1; alphas = [a**2 for a in alphas];
        sigmas = [a**2 for a in sigmas]
    coefficients rounded to float32 | last = len(times) - 1
        -> last = len(times) - 1; alphas = torch.tensor(alphas);
        sigmas = torch.tensor(sigmas)
    the estimate in place of the step | return alphas[j] * data + sigmas[j] * eps
        -> return data
    the estimate in place of the step | return alphas[j] * data + sigmas[j] * eps
        -> return alphas[j] * data
    sign of the noise | data + sigmas -> data - sigmas
    sign of the noise | x - alphas[i] * data -> alphas[i] * data - x
    the two times exchanged | return alphas[j] * data + sigmas[j] * eps
        -> return x + (sigmas[j] - sigmas[i]) * eps
    another step | + sigmas[j] * eps
        -> + abs(sigmas[j] ** 2 - sigmas[i] ** 2) ** 0.5 * eps
    wrong on the way back alone | step(back, i, i - 1) -> 1.1 * step(back, i, i - 1)
    begun elsewhere | code = x -> code = alphas[0] * x
    estimated from samples | code = x
        -> code = alphas[0] * x + sigmas[0] * torch.randn_like(x)
    another code | return code, back -> return x, back
    another code | return code, back -> return code / sigmas[-1], back
    calls that are not one for each step | data = denoise(x, times[i])
        -> data = (denoise(x, times[i]) + denoise(x, times[i])) / 2
    calls that are not one for each step | last = len(times) - 1
        -> last = len(times) - 2
    calls that are not one for each step | back = code -> back = step(code, last, last)
    estimated from samples | return alphas[j] * data + sigmas[j] * eps
        -> return alphas[j] * data + sigmas[j] * (0.9 * eps + 0.1 * torch.randn_like(x))
    float32 in between | return alphas[j] * data + sigmas[j] * eps
        -> return (alphas[j] * data + sigmas[j] * eps).float().to(x)
    wrong dtype | return code, back -> return code.float(), back.float()
    wrong dtype | return code, back -> return code.double(), back.double()
    wrong shape | return code, back -> return code.flatten(1), back.flatten(1)
    input changed in place | x - alphas[i] * data -> x - data.mul_(alphas[i])
    input changed in place | code = x -> code = x.mul_(1.5)
    """,
    )

    @wrong("estimates kept from an earlier step")
    def straight(denoise, x, times, alphas, sigmas):
        def moved(x, i, j):
            data = denoise(x, times[i])
            eps = (x - alphas[i] * data) / sigmas[i]
            return alphas[j] * data + sigmas[j] * eps

        code = moved(x, 0, -1)
        return code, moved(code, -1, 0)

    @wrong("estimates kept from an earlier step")
    def first_estimate(denoise, x, times, alphas, sigmas):
        last, kept = len(times) - 1, []

        def step(x, i, j):
            kept.append(denoise(x, times[i]))
            eps = (x - alphas[i] * kept[0]) / sigmas[i]
            return alphas[j] * kept[0] + sigmas[j] * eps

        code = x
        for i in range(last):
            code = step(code, i, i + 1)
        back = code
        for i in range(last, 0, -1):
            back = step(back, i, i - 1)
        return code, back

    @wrong("not finite")
    def over_alpha(denoise, x, times, alphas, sigmas):
        alphas, sigmas = (
            torch.tensor(v, dtype=torch.float64) for v in (alphas, sigmas)
        )
        ratio, last = sigmas / alphas, len(times) - 1

        def step(x, i, j):
            eps = (x - alphas[i] * denoise(x, times[i])) / sigmas[i]
            return alphas[j] * (x / alphas[i] + (ratio[j] - ratio[i]) * eps)

        code = x
        for i in range(last):
            code = step(code, i, i + 1)
        back = code
        for i in range(last, 0, -1):
            back = step(back, i, i - 1)
        return code, back

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def there_and_back(denoise, x, times, alphas, sigmas):
            key = tuple(x.shape), len(times)
            if key not in kept:
                args = denoise, x, times, alphas, sigmas
                kept[key] = Diff08.there_and_back(*args)
            return kept[key]

        return there_and_back
