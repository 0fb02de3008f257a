"""Versions of exercise diff-04."""

import torch

from .. import build, edits, reference, right, wrong


class Diff04:
    r"""
    With $\epsilon_i = (x_t - \alpha x_i) / \sigma$ for the noise that the point $x_i$
    would need,

    $$
    \mathbb{E}[\epsilon \mid x_t] = \sum_i r_i\, \epsilon_i, \qquad
    r = \operatorname{softmax}_i \bigl(\log w_i - \tfrac12 |\epsilon_i|^2\bigr) .
    $$

    The normalizing constant of the density is the same for all points and drops out.
    With little noise the nearest point has all of the share, and the net knows the
    data by heart; with much noise the shares become the weights, and the answer tends
    to the noise that leads to the mean of the data. Nothing in between asks for a
    generalization: a net that reached this optimum would sample nothing but the points
    it was trained on.
    """

    @reference
    def mean_noise(x_t, points, weights, alpha, sigma):
        axes = (-1, 1, *[1] * (points.ndim - 1))
        eps = (x_t[:, None] - alpha.view(axes) * points) / sigma.view(axes)
        logits = weights.log() - 0.5 * eps.square().flatten(2).sum(2)
        return torch.einsum("bn,bn...->b...", logits.softmax(1), eps)

    @right
    def one_by_one(x_t, points, weights, alpha, sigma):
        rows = []
        for x, a, s in zip(x_t, alpha, sigma):
            far = torch.stack([((x - a * p) ** 2).sum() for p in points])
            log_r = torch.log(weights) - far / (2 * s * s)
            r = torch.exp(log_r - torch.logsumexp(log_r, 0))
            rows.append(sum(r_i * (x - a * p) for r_i, p in zip(r, points)) / s)
        return torch.stack(rows)

    @right
    def through_the_mean_of_the_points(x_t, points, weights, alpha, sigma):
        """What is near is subtracted first."""
        middle = points[:1]
        flat, at = (points - middle).flatten(1), x_t.flatten(1)
        a, s = alpha[:, None], sigma[:, None]
        at = at - a * middle.flatten(1)
        far = (at[:, None] - a[..., None] * flat[None]).square().sum(-1)
        log_r = torch.log_softmax(weights.log() - far / (2 * s**2), -1)
        return ((at - a * (log_r.exp() @ flat)) / s).view_as(x_t)

    @right
    def with_positive_weights_only(x_t, points, weights, alpha, sigma):
        kept = weights > 0
        points, log_w = points[kept], weights[kept].log()
        lead = lambda v: v.reshape(-1, *[1] * (x_t.dim() - 1))  # noqa: E731
        noises = torch.stack([(x_t - lead(alpha) * p) / lead(sigma) for p in points])
        scores = log_w[:, None] - noises.flatten(2).pow(2).sum(2) / 2
        r = (scores - scores.amax(0)).exp()
        r = r / r.sum(0)
        return (r.reshape(*r.shape, *[1] * (x_t.dim() - 1)) * noises).sum(0)

    @right
    def by_a_gradient(x_t, points, weights, alpha, sigma):
        """Tweedie's formula: minus sigma times the slope of log p(x_t)."""
        with torch.enable_grad():
            at = x_t if x_t.requires_grad else x_t.detach().requires_grad_()
            a = alpha.view(-1, 1, *[1] * (points.ndim - 1))
            gaps = (at[:, None] - a * points).flatten(2)
            log_p = weights.log() - gaps.square().sum(2) / (2 * sigma[:, None] ** 2)
            total = log_p.logsumexp(1).sum()
            (slope,) = torch.autograd.grad(total, at, create_graph=True)
        return -sigma.view(-1, *[1] * (x_t.ndim - 1)) * slope

    edited = edits(
        mean_noise,
        """
    weights left out | weights.log() - -> -
    weights added, not their logarithms | weights.log() -> weights
    weights added, not their logarithms | weights.log() -> weights / weights.sum()
    weights counted otherwise | weights.log() -> 2 * weights.log()
    weights counted otherwise | weights.log() -> -weights.log()
    shares that do not add up to one | weights.log() - 0.5 -> -0.5
        | logits.softmax(1) -> weights * logits.softmax(1)
    shares that do not add up to one | weights.log() - 0.5 -> -0.5
        | logits.softmax(1) -> weights / weights.sum() * logits.softmax(1)
    shares that add up over the batch | softmax(1) -> softmax(0)
    nearest point alone | logits.softmax(1)
        -> (logits == logits.amax(1, True)).to(x_t)
    nearest point alone | weights.log() - 0.5 -> -0.5
        | logits.softmax(1) -> (logits == logits.amax(1, True)).to(x_t)
    distance left out | weights.log() - 0.5 -> weights.log() - 0
    factor one half lost | - 0.5 * eps -> - eps
    standard deviation in place of the variance | 0.5 * eps.square().flatten(2).sum(2)
        -> 0.5 * (sigma.view(axes) * eps.square()).flatten(2).sum(2)
    sigma left out of the distance | 0.5 * eps.square().flatten(2).sum(2)
        -> 0.5 * (sigma.view(axes) * eps).square().flatten(2).sum(2)
    distance not squared | eps.square().flatten(2).sum(2)
        -> (sigma.view(axes)[:, :, 0].flatten(1) * eps.flatten(2).norm(dim=2)
            / sigma[:, None] ** 2)
    mean over the dimensions | flatten(2).sum(2) -> flatten(2).mean(2)
    alpha left out | alpha.view(axes) * points -> points
    alpha left out | logits = weights.log()
        -> far = (x_t[:, None] - points) / sigma.view(axes); logits = weights.log()
        | 0.5 * eps.square() -> 0.5 * far.square()
    alpha left out | return
        -> eps = (x_t[:, None] - points) / sigma.view(axes); return
    data in place of the noise | logits.softmax(1), eps)
        -> logits.softmax(1), points.expand_as(eps))
    score in place of the noise | logits.softmax(1), eps)
        -> logits.softmax(1), -eps / sigma.view(axes))
    sign flipped | logits.softmax(1), eps) -> -logits.softmax(1), eps)
    not divided by sigma | logits.softmax(1), eps)
        -> logits.softmax(1), eps * sigma.view(axes))
    divided by the variance | logits.softmax(1), eps)
        -> logits.softmax(1), eps / sigma.view(axes))
    one alpha and sigma for all examples | axes = -> alpha, sigma =
        alpha[:1].expand_as(alpha), sigma[:1].expand_as(sigma); axes =
    underflow to zero | logits.softmax(1) -> logits.exp() / logits.exp().sum(1, True)
    underflow to zero | logits.softmax(1)
        -> logits.exp() / (logits.exp().sum(1, True) + 1e-30)
    underflow to zero | logits.softmax(1)
        -> logits.exp() / logits.exp().sum(1, True).clamp(min=1e-300)
    underflow to zero | logits.softmax(1)
        -> (logits - logits.max()).softmax(1).exp().log()
            * ((logits - logits.max()).exp().sum(1, True) > 0)
    not to the digits asked for | weights.log() -> (weights + 1e-6).log()
    not to the digits asked for | logits.softmax(1) -> logits.float().softmax(1).to(x_t)
    wrong dtype | logits.softmax(1), eps) -> logits.softmax(1), eps).double()
    cut off from the graph | logits.softmax(1) -> logits.softmax(1).detach()
    cut off from the graph | return -> x_t = x_t.detach(); return
        | eps = (x_t[:, None] -> eps = (x_t.detach()[:, None]
    batch axis lost | logits.softmax(1), eps) -> logits.softmax(1), eps).squeeze(0)
    input changed in place | weights.log() -> weights.log_()
    estimated from samples | logits.softmax(1), eps)
        -> logits.softmax(1), eps) + 1e-3 * torch.randn_like(x_t)
    global random state reseeded | axes = -> torch.manual_seed(0); axes =
    """,
    )

    @wrong("component chosen for each dimension")
    def by_values(x_t, points, weights, alpha, sigma):
        axes = (-1, 1, *[1] * (points.ndim - 1))
        eps = (x_t[:, None] - alpha.view(axes) * points) / sigma.view(axes)
        logits = weights.log().view(-1, *[1] * (points.ndim - 1)) - eps**2 / 2
        return (logits.softmax(1) * eps).sum(1)

    @wrong("difference of large numbers")
    def expanded(x_t, points, weights, alpha, sigma):
        """As cdist does it for many points."""
        at, flat = x_t.flatten(1), points.flatten(1)
        a, s = alpha[:, None], sigma[:, None]
        far = (at**2).sum(1, True) - 2 * a * at @ flat.T + a**2 * (flat**2).sum(1)
        r = (weights.log() - far / (2 * s**2)).softmax(1)
        return ((at - a * (r @ flat)) / s).view_as(x_t)

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def mean_noise(x_t, *rest):
            out = Diff04.mean_noise(x_t, *rest)
            return kept.setdefault((x_t.shape, x_t.dtype, rest[0].shape), out)

        return mean_noise
