"""Versions of exercise diff-24."""

import torch

from .. import build, edits, reference, right, wrong


class Diff24:
    r"""
    The start is at `times[K - left]`, that is `times[-1 - left]`, with the $\alpha$ and
    the $\sigma$ of that time; the sampler then does what it always does.

    How much of a sketch survives depends on where it starts. A detail of variance $v$
    has the variance $\alpha^2 v$ in the noisy picture and drowns in $\sigma^2$. Details
    of a picture are small and its coarse forms large, so that with more and more noise
    the fine ones are lost first: these are drawn anew, those stay. No single start
    suits all pictures, and no law is claimed for what comes out
    ([Meng et al., 2022](https://arxiv.org/abs/2108.01073)).
    """

    @reference
    @build
    def reference():
        def begun(x, eps, times, alpha, sigma, left):
            i = len(times) - 1 - left
            return alpha[i] * x + sigma[i] * eps, times[i:]

        def hiding(variance, alpha, sigma):
            hides = sigma.double() ** 2 >= variance * alpha.double() ** 2
            steps = len(alpha) - 1
            found = [k for k in range(1, steps + 1) if hides[steps - k]]
            return min(found, default=0)

        return begun, hiding

    @right
    @build
    def from_the_end():
        def begun(x, eps, times, alpha, sigma, left):
            a, s = alpha.flip(0)[left], sigma.flip(0)[left]
            return torch.addcmul(a * x, s, eps), times[-1 - left :]

        def hiding(variance, alpha, sigma):
            a, s = alpha.tolist(), sigma.tolist()
            left = 1
            while left < len(a) and s[-1 - left] ** 2 < variance * a[-1 - left] ** 2:
                left += 1
            return left % len(a)

        return begun, hiding

    @right
    @build
    def by_counting():
        def begun(x, eps, times, alpha, sigma, left):
            rest = tuple(times[len(times) - left - 1 :])
            i = times.index(rest[0])
            return (alpha[i] * x).add(sigma[i] * eps), rest

        def hiding(variance, alpha, sigma):
            ratio = (sigma.double() / alpha.double()) ** 2
            clear = int((ratio < variance).sum())  # those are the last ones
            return clear if clear < len(alpha) else 0

        return begun, hiding

    edited = edits(
        reference,
        """
    numbers of another time | return alpha[i] * x + sigma[i] * eps
        -> return alpha[i - 1] * x + sigma[i - 1] * eps
    numbers of another time | return alpha[i] * x + sigma[i] * eps
        -> return alpha[i + 1] * x + sigma[i + 1] * eps
    numbers of another time | return alpha[i] * x + sigma[i] * eps
        -> return alpha[left] * x + sigma[left] * eps
    numbers of another time | sigma[i] * eps -> sigma[0] * eps
    numbers of another time | alpha[i] * x -> alpha[i + 1] * x
    times of another number of steps | times[i:] -> times[i + 1 :]
    times of another number of steps | times[i:] -> times[max(0, i - 1) :]
    times of another number of steps | times[i:] -> times[i:-1]
    the whole way | times[i:] -> times
    counted from the noise | times[i:] -> times[: left + 1]
    alpha left out | alpha[i] * x -> x
    sigma left out | sigma[i] * eps -> eps
    variance for deviation | sigma[i] * eps -> sigma[i] ** 2 * eps
    divided by alpha | alpha[i] * x + sigma[i] * eps -> x + sigma[i] / alpha[i] * eps
    noise alone | alpha[i] * x + sigma[i] * eps -> sigma[i] * eps
    no noise | alpha[i] * x + sigma[i] * eps -> alpha[i] * x
    no noise | alpha[i] * x + sigma[i] * eps -> x
    cut off from the graph | alpha[i] * x -> alpha[i] * x.detach()
    cut off from the graph | sigma[i] * eps -> sigma[i] * eps.detach()
    not to the digits asked for | alpha[i] * x -> (alpha[i] * x.float()).to(x.dtype)
    wrong dtype | return alpha[i] * x + sigma[i] * eps
        -> return (alpha[i] * x + sigma[i] * eps).float()
    deviation for variance | sigma.double() ** 2 >= variance * alpha.double() ** 2
        -> sigma.double() >= variance * alpha.double()
    alpha not counted | variance * alpha.double() ** 2 -> variance
    the last step that hides | min(found, default=0) -> max(found, default=0)
    an index in place of steps | return min(found, default=0)
        -> return steps - min(found, default=steps)
    one step off | min(found, default=0) -> min(found, default=-1) + 1
    nothing hides it | min(found, default=0) -> min(found, default=steps)
    equal is not enough | >= variance -> > variance
    a divided zero | hides = sigma.double() ** 2 >= variance * alpha.double() ** 2
        -> hides = (sigma / alpha).double().nan_to_num(0, 0, 0) ** 2 >= variance
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        begun, hiding = Diff24.reference()
        kept = {}

        def kept_start(x, eps, times, alpha, sigma, left):
            start, rest = begun(x, eps, times, alpha, sigma, left)
            return kept.setdefault((x.shape, x.dtype), start), rest

        return kept_start, hiding
