"""Versions of exercise diff-21."""

import itertools

import torch

from .. import build, edits, reference, right, wrong


class Diff21:
    r"""
    Going from $s$ back to $t$ is a step of the forward chain: with
    $\alpha_{ts} = \alpha_t / \alpha_s$ the picture becomes
    $\alpha_{ts}\, x_s$ plus noise of the variance
    $\sigma_t^2 - \alpha_{ts}^2 \sigma_s^2$. The known values get new noise each time,
    so that the chain of repetitions sees many versions of what is known, at one level
    of noise, before the next level settles what this one has found.

    Without repetitions each step sees the known values only through the noise of its
    time, and what has been decided stays decided. With them the unknown can still
    change its mind. The price is `again` times the evaluations.
    """

    @reference
    def inpainted(step, fresh, x, known, mask, alpha, sigma, again):
        for k in range(len(alpha) - 1):
            for left in reversed(range(again)):
                x = step(x, k)
                seen = alpha[k + 1] * known + sigma[k + 1] * fresh()
                x = mask * seen + (1 - mask) * x
                if left:
                    share = alpha[k] / alpha[k + 1]
                    rest = (share * sigma[k + 1]) ** 2
                    added = (sigma[k] ** 2 - rest).clamp(min=0).sqrt()
                    x = share * x + added * fresh()
        return x

    @right
    def by_where(step, fresh, x, known, mask, alpha, sigma, again):
        clear = mask.expand_as(x) > 0.5
        for k, i in itertools.product(range(len(alpha) - 1), range(again)):
            if i:
                gap = sigma[k] ** 2 - (alpha[k] * sigma[k + 1] / alpha[k + 1]) ** 2
                x = alpha[k] / alpha[k + 1] * x + gap.abs() ** 0.5 * fresh()
            x = step(x, k)
            x = torch.where(clear, alpha[k + 1] * known + sigma[k + 1] * fresh(), x)
        return x

    @right
    def in_units_of_the_data(step, fresh, x, known, mask, alpha, sigma, again):
        ratio = (sigma / alpha).tolist()
        a = alpha.tolist()
        for k in range(len(a) - 1):
            for i in range(again):
                x = step(x, k)
                x = x + mask * (a[k + 1] * (known + ratio[k + 1] * fresh()) - x)
                if i + 1 < again:
                    more = max(0.0, ratio[k] ** 2 - ratio[k + 1] ** 2) ** 0.5
                    x = a[k] * (x / a[k + 1] + more * fresh())
        return x

    edited = edits(
        inpainted,
        """
    noise of the time before | alpha[k + 1] * known + sigma[k + 1] * fresh()
        -> alpha[k] * known + sigma[k] * fresh()
    the known without noise | known + sigma[k + 1] * fresh() -> known + 0 * fresh()
    alpha left out | alpha[k + 1] * known -> known
    the mask turned | mask * seen + (1 - mask) * x -> (1 - mask) * seen + mask * x
    put in at the end alone | x = mask * seen + (1 - mask) * x
        -> x = mask * seen + (1 - mask) * x if k == len(alpha) - 2 else x
    the last time left out | x = mask * seen + (1 - mask) * x
        -> x = mask * seen + (1 - mask) * x if k < len(alpha) - 2 else x
    the way back forgotten | if left: -> if False:
    a way back after the last repetition | if left: -> if True:
    the way back not scaled | share = alpha[k] / alpha[k + 1] -> share = 1.0
    all the noise of t put on | (sigma[k] ** 2 - rest).clamp(min=0).sqrt() -> sigma[k]
    deviations subtracted | (sigma[k] ** 2 - rest).clamp(min=0).sqrt()
        -> (sigma[k] - rest**0.5).abs()
    the noise of s not scaled | (share * sigma[k + 1]) ** 2 -> sigma[k + 1] ** 2
        | .clamp(min=0) -> .abs()
    noise on the unknown alone | x = share * x + added * fresh()
        -> x = mask * x + (1 - mask) * (share * x + added * fresh())
    a way back from the data | x = share * x + added * fresh()
        -> x = alpha[k] * x + sigma[k] * fresh()
    repeated once more | range(again) -> range(again + 1)
    noise is asked for at other places | + sigma[k + 1] * fresh()
        -> + (sigma[k + 1] * fresh() if sigma[k + 1] > 0 else 0)
    wrong dtype | return x -> return x.float()
    input changed in place | return x -> known.mul_(0); return x
    not to the digits asked for | return x -> return x.float().to(x.dtype)
    """,
    )

    @wrong("put in before the step")
    def known_first(step, fresh, x, known, mask, alpha, sigma, again):
        for k in range(len(alpha) - 1):
            for left in reversed(range(again)):
                seen = alpha[k] * known + sigma[k] * fresh()
                x = step(mask * seen + (1 - mask) * x, k)
                if left:
                    share = alpha[k] / alpha[k + 1]
                    added = (sigma[k] ** 2 - (share * sigma[k + 1]) ** 2).sqrt()
                    x = share * x + added * fresh()
        return x

    @wrong("the whole way repeated")
    def all_steps_again(step, fresh, x, known, mask, alpha, sigma, again):
        for _ in range(again):
            for k in range(len(alpha) - 1):
                seen = alpha[k + 1] * known + sigma[k + 1] * fresh()
                x = mask * seen + (1 - mask) * step(x, k)
        return x

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def inpainted(step, fresh, x, known, mask, alpha, sigma, again):
            made = Diff21.inpainted(step, fresh, x, known, mask, alpha, sigma, again)
            return kept.setdefault((x.shape, x.dtype, len(alpha), again), made)

        return inpainted
