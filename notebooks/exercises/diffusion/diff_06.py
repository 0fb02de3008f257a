"""Versions of exercise diff-06."""

import torch

from .. import build, edits, reference, right, wrong


class Diff06:
    r"""
    The input has the variance $s^2 + \sigma^2$. The output should be
    $(x - \text{skip}\,(x + \sigma \varepsilon)) / \text{out}$, of the variance
    $\bigl((1 - \text{skip})^2 s^2 + \text{skip}^2 \sigma^2\bigr) / \text{out}^2$. For
    this to be 1, out² is the numerator, a parabola in skip, whose lowest point is at
    $s^2 / (s^2 + \sigma^2)$, where out² is $s^2 \sigma^2 / (s^2 + \sigma^2)$.

    This skip is the best straight estimate of a value from its noisy self (Wiener's),
    and out the standard deviation of what it leaves: the net learns the rest alone, in
    units of its size. Where $\sigma \ll s_i$ that is nearly the noise, where
    $\sigma \gg s_i$ the data.

    The weight is large where out is small. So a value that hardly varies counts, in
    $D$'s units, as much as it can be known: a corner of a digit with $s_i = 0.01$ is
    not drowned by the middle. Whether that is wanted is another question: with one
    $\sigma_\text{data}$ for all, an error of 0.01 counts the same in a corner and in
    the middle.
    """

    @reference
    def preconditioning(s, sigma):
        s2, noise2 = s[None] ** 2, sigma[:, None] ** 2
        total = s2 + noise2
        skip = s2 / total
        out = (s2 * noise2 / total).sqrt()
        scale = 1 / total.sqrt()
        weight = 1 / s2 + 1 / noise2
        return skip, out, scale, weight

    @right
    def by_precisions(s, sigma):
        p, q = s.square().reciprocal(), sigma.square().reciprocal()[:, None]
        both = p + q
        scale = torch.rsqrt(s.square() + sigma.square()[:, None])
        return [p * 0 + q / both, both.rsqrt(), scale, both]

    @right
    def by_hypot(s, sigma):
        b, d = len(sigma), len(s)
        s, sigma = s.expand(b, d), sigma.reshape(b, 1).expand(b, d)
        size = torch.hypot(s, sigma)
        out = s * (sigma / size)
        return (s / size) ** 2, out, size**-1.0, out**-2.0

    @right
    def number_by_number(s, sigma):
        rows = [[], [], [], []]
        for noise in sigma.tolist():
            for size in s.tolist():
                v = size**2 + noise**2
                out = size * noise / v**0.5
                found = size**2 / v, out, v**-0.5, 1 / out**2
                for row, value in zip(rows, found):
                    row.append(value)
        shape = len(sigma), len(s)
        return tuple(torch.tensor(r, dtype=s.dtype).reshape(shape) for r in rows)

    edited = edits(
        preconditioning,
        """
    standard deviation taken as a variance | s[None] ** 2 -> s[None]
    standard deviation taken as a variance | sigma[:, None] ** 2 -> sigma[:, None]
    standard deviation squared | s[None] ** 2 -> s[None] ** 4
    deviations added | total = s2 + noise2 -> total = (s[None] + sigma[:, None]) ** 2
    deviations added | total = s2 + noise2 -> total = s[None] + sigma[:, None]
    data that shrink as noise comes | s2 + noise2 -> s2 * (1 - noise2) + noise2
    coefficients of other data | s2, noise2 = s[None] -> s2, noise2 = 0 * s[None] + 0.5
    coefficients of other data | s2, noise2 = s[None] -> s2, noise2 = 0 * s[None] + 1
    coefficients of other data | s[None] ** 2 -> (s[None] ** 2).mean() + 0 * s[None]
    coefficients of other data | s[None] ** 2 -> s.mean() ** 2 + 0 * s[None]
    coefficients of other data | s[None] ** 2 -> s[0] ** 2 + 0 * s[None]
    coefficients of other data | s[None] ** 2 -> 0.25 + 0 * s[None]
    one noise level for all examples | sigma[:, None] ** 2
        -> (sigma[0] ** 2).expand(len(sigma), 1)
    one noise level for all examples | sigma[:, None] ** 2
        -> (sigma.mean() ** 2).expand(len(sigma), 1)
    data and noise exchanged | skip = s2 / total -> skip = noise2 / total
    not the smallest out | skip = s2 / total -> skip = (s2 / total).sqrt()
    not the smallest out | skip = s2 / total -> skip = 1 / total
    not the smallest out | skip = s2 / total -> skip = 0 * total
    not the smallest out | skip = s2 / total -> skip = 0 * total + 1
    variance in place of the standard deviation | (s2 * noise2 / total).sqrt()
        -> s2 * noise2 / total
    variance in place of the standard deviation | scale = 1 / total.sqrt()
        -> scale = 1 / total
    inverse of what is due | scale = 1 / total.sqrt() -> scale = total.sqrt()
    inverse of what is due | (s2 * noise2 / total).sqrt()
        -> (total / (s2 * noise2)).sqrt()
    out for a skip of 0 or 1 | (s2 * noise2 / total).sqrt()
        -> noise2.sqrt() + 0 * total
    out for a skip of 0 or 1 | (s2 * noise2 / total).sqrt() -> s2.sqrt() + 0 * total
    out for a skip of 0 or 1 | (s2 * noise2 / total).sqrt() -> total.sqrt()
    the other sign | out = (s2 * noise2 / total).sqrt()
        -> out = -(s2 * noise2 / total).sqrt()
    the other sign | scale = 1 / total.sqrt() -> scale = -1 / total.sqrt()
    difference of near numbers | (s2 * noise2 / total).sqrt()
        -> (s2 * (1 - skip)).sqrt()
    difference of near numbers | skip = s2 / total -> skip = 1 - noise2 / total
    floor under the variance | total = s2 + noise2 -> total = s2 + noise2 + 1e-8
    floor under the variance | skip = s2 / total -> skip = s2 / (total + 1e-6)
    weight not 1 / out² | 1 / s2 + 1 / noise2 -> 1 + 0 * total
    weight not 1 / out² | 1 / s2 + 1 / noise2 -> 1 / noise2 + 0 * total
    weight not 1 / out² | 1 / s2 + 1 / noise2 -> total / (s2 * noise2).sqrt()
    weight not 1 / out² | 1 / s2 + 1 / noise2 -> total / (s[None] + sigma[:, None]) ** 2
    root of what is due | 1 / s2 + 1 / noise2 -> 1 / out
    inverse of what is due | 1 / s2 + 1 / noise2 -> out ** 2
    weight not 1 / out² | 1 / s2 + 1 / noise2 -> 1 / (s2 * noise2)
    results in another order | return skip, out, scale, weight
        -> return scale, skip, out, weight
    no four results | return skip, out, scale, weight -> return skip, out, scale
    no four results | return skip, out, scale, weight
        -> return torch.stack([skip, out, scale, weight])
    wrong shape | return skip, out, scale, weight
        -> return skip.T, out.T, scale.T, weight.T
    wrong shape | s2, noise2 = s[None] ** 2, sigma[:, None] ** 2
        -> s2, noise2 = s[:, None] ** 2, sigma[None] ** 2
    wrong shape | return skip, out, scale, weight
        -> return skip, out, scale, weight.mean(1)
    wrong shape | 1 / s2 + 1 / noise2 -> 1 / noise2
    wrong dtype | return skip, out, scale, weight
        -> return skip.float(), out, scale, weight
    wrong dtype | return skip, out, scale, weight
        -> return [v.double() for v in (skip, out, scale, weight)]
    float32 in between | s2, noise2
        -> s, sigma = s.float().to(s), sigma.float().to(s); s2, noise2
        | return skip, out, scale, weight
        -> return [v.float().to(s) for v in (skip, out, scale, weight)]
    input changed in place | s[None] ** 2 -> s[None].pow_(2)
    estimated from samples | skip = s2 / total
        -> skip = s2 / total * (1 + 0.01 * torch.randn_like(total))
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def preconditioning(s, sigma):
            key = len(s), len(sigma)
            if key not in kept:
                kept[key] = Diff06.preconditioning(s, sigma)
            return kept[key]

        return preconditioning

    @wrong("wrong shape")
    def without_axes(s, sigma):
        s, sigma = s.expand(len(sigma)) if len(s) == 1 else s, sigma[: len(s)]
        total = s**2 + sigma**2
        out = s * sigma / total.sqrt()
        return s**2 / total, out, total.rsqrt(), out**-2
