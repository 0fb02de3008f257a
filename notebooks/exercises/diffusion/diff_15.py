"""Versions of exercise diff-15."""


class Diff15:
    r"""
    What five seeds of ours gave, from the least to the largest, for the mixture of this
    chapter. The wrong denoiser is that of twice the widths, and of the weights 0.2, 0.2
    and 0.6 in place of 0.3, 0.5 and 0.2. Cosine path, 100 steps of `karras`, 4,000
    draws. "Shares" is half the sum of the absolute differences.

    | wrong for $\sigma / \alpha$ | DDIM: nats | shares | ancestral: nats | shares |
    |---|---|---|---|---|
    | nowhere | 0.00–0.03 | 0.00–0.02 | −0.10–−0.07 | 0.01–0.02 |
    | 0.002 to 0.03 | 0.01–0.05 | 0.00–0.02 | −0.07–−0.05 | 0.01–0.02 |
    | 0.03 to 0.1 | 0.12–0.15 | 0.00–0.02 | 0.10–0.12 | 0.01–0.02 |
    | 0.1 to 0.3 | 0.74–0.78 | 0.00–0.02 | 0.82–0.88 | 0.01–0.02 |
    | 0.3 to 1 | 0.68–0.74 | 0.12–0.14 | 0.25–0.27 | 0.17–0.19 |
    | 1 to 3 | 0.11–0.16 | 0.11–0.13 | −0.04–−0.03 | 0.10–0.11 |
    | 3 to 80 | 0.01–0.06 | 0.05–0.06 | −0.09–−0.06 | 0.01–0.02 |
    | everywhere | 2.56–2.67 | 0.33–0.35 | 2.35–2.44 | 0.35–0.37 |

    **Coarse before fine.** The shares are decided where the noise is about as large as
    the distances of the components, 1 to 2: from 0.3 to 3, and with DDIM a little
    above. The widths, 0.15 to 0.3, are decided from 0.03 to 1. Below 0.03, half a
    factor of ten under the smallest width, the error does next to nothing: there both
    denoisers hardly differ from $x_t / \alpha$.

    **What noise mends.** With ancestral steps errors above 3 leave nothing behind, and
    those from 0.3 to 1 cost 0.26 nats in place of 0.71, once the 0.08 are counted that
    the sampler has below the entropy by itself, 0.34. What is thrown away is the noise
    that an error put into $x_t$. The shares from 0.3 to 1 are not mended, they are
    worse: which component a point is near is not noise. And from 0.1 to 0.3 no steps
    are left that could forget: the harm is as large, or a little larger.

    What our run does not show: items 4 and 5 are missing, and there is one mixture.
    With components much farther apart than 3 the shares should be decided above 3, and
    the row that says "ancestral steps leave nothing behind" would fall first.
    """
