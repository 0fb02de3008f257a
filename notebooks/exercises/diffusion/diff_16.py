"""Versions of exercise diff-16."""

import torch

from .. import build, edits, reference, right, wrong


class Diff16:
    r"""
    In our convention the weight is 1 where the guided estimate is the conditional one.
    `"plus"` has this at $w = 0$: ours is $1 + w$. `"scale"` counts as we do. In
    `"power"` the logarithm is $\log p_t(x_t) + w \log p_t(c \mid x_t)$, with the
    gradient untold + w (told − untold) by Bayes' rule: as we do, again.

    Given $x_t$, $\alpha$ and $\sigma$, each coordinate is a factor times the data plus
    a summand. The two weights add up to 1, so that the summand comes out as it went in:
    guiding and converting commute. From $x_t = \alpha x + \sigma \epsilon$ and
    $v = \alpha' x + \sigma' \epsilon$ follows
    $x = (\sigma' x_t - \sigma v) / (\alpha \sigma' - \sigma \alpha')$.

    A weight of 7.5 in one paper is 6.5 in another. Before numbers are compared, ask
    where the conditional model is.
    """

    @reference
    def guided(told, untold, x_t, alpha, sigma, alpha_rate, sigma_rate, w, paper):
        numbers = alpha, sigma, alpha_rate, sigma_rate
        a, s, da, ds = (v.view(-1, *[1] * (x_t.ndim - 1)) for v in numbers)
        weight = w + 1 if paper == "plus" else w
        said = untold + weight * (told - untold)
        if paper == "scale":
            return (ds * x_t - s * said) / (a * ds - s * da)
        if paper == "power":
            said = -s * said
        return (x_t - s * said) / a

    @right
    def both_converted(told, untold, x_t, alpha, sigma, *rates_w_paper):
        alpha_rate, sigma_rate, w, paper = rates_w_paper
        shape = (-1, *[1] * (x_t.dim() - 1))

        def data(said):
            a, s = alpha.reshape(shape), sigma.reshape(shape)
            if paper == "plus":
                return x_t / a - s / a * said
            if paper == "power":
                return (x_t + s.square() * said) / a
            da, ds = alpha_rate.reshape(shape), sigma_rate.reshape(shape)
            return (x_t * ds - said * s) / (ds * a - da * s)

        k = 1 + w if paper == "plus" else w
        return k * data(told) + (1 - k) * data(untold)

    @right
    def by_solving(told, untold, x_t, alpha, sigma, alpha_rate, sigma_rate, w, paper):
        rows = lambda v: v.reshape(-1, *[1] * (x_t.dim() - 1))  # noqa: E731
        if paper == "plus":
            eps = (1 + w) * told - w * untold
            return (x_t - rows(sigma) * eps) / rows(alpha)
        if paper == "power":
            score = untold + w * (told - untold)
            return (x_t + rows(sigma) ** 2 * score) / rows(alpha)
        v = (1 - w) * untold + w * told
        top = torch.stack([alpha, sigma], 1)
        system = torch.stack([top, torch.stack([alpha_rate, sigma_rate], 1)], 1)
        sides = torch.stack([x_t.flatten(1), v.flatten(1)], 1)
        return torch.linalg.solve(system, sides)[:, 0].view_as(x_t)

    edited = edits(
        guided,
        """
    weight of another convention | weight = w + 1 if paper == "plus" else w
        -> weight = w
    weight of another convention | weight = w + 1 if paper == "plus" else w
        -> weight = w + 1
    weight of another convention | weight = w + 1 if paper == "plus" else w
        -> weight = w + 1 if paper != "scale" else w
    weight of another convention | weight = w + 1 if paper == "plus" else w
        -> weight = w - 1 if paper == "power" else w + (paper == "plus")
    told and untold exchanged | said = untold + weight * (told - untold)
        -> said = told + weight * (untold - told)
    told and untold exchanged | weight * (told - untold) -> weight * (untold - told)
    another coordinate | if paper == "scale": -> if False:
    another coordinate | if paper == "power": -> if False:
    another coordinate | if paper == "power": -> if True:
    what was said in place of the data | return (x_t - s * said) / a -> return said
    sigma for its square | said = -s * said -> said = -said
    sign of the score lost | said = -s * said -> said = s * said
    sign of the score lost | return (x_t - s * said) / a -> return (x_t + s * said) / a
    alpha left out | return (x_t - s * said) / a -> return x_t - s * said
    rates exchanged | ds * x_t - s * said -> da * x_t - s * said
    sign flipped in the velocity | ds * x_t - s * said -> ds * x_t + s * said
    sign flipped in the velocity | a * ds - s * da -> a * ds + s * da
    one alpha and sigma for all examples | v.view(-1, *[1] * (x_t.ndim - 1)) -> v[0]
    guided twice | said = untold + weight * (told - untold)
        -> said = untold + weight * (told - untold)
        + (weight - 1) * (told - untold)
    cut off from the graph | (told - untold) -> (told - untold).detach()
    cut off from the graph | v.view(-1 -> v.detach().view(-1
    wrong dtype | return (x_t - s * said) / a -> return ((x_t - s * said) / a).float()
    not to the digits asked for | said = untold + weight * (told - untold)
        -> said = (untold + weight * (told - untold)).float().to(x_t.dtype)
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def guided(told, untold, x_t, *rest):
            made = Diff16.guided(told, untold, x_t, *rest)
            return kept.setdefault((x_t.shape, x_t.dtype, rest[-2:]), made)

        return guided
