"""Versions of exercise diff-18."""

import torch

from .. import build, edits, reference, right, wrong


class Diff18:
    r"""
    The score is $(\alpha \hat x - x_t) / \sigma^2$, so a summand $g$ of the score is a
    summand $\sigma^2 g / \alpha$ of the estimate. The gradient of
    $\log p(c \mid x_t) = z_c - \log \sum_j e^{z_j}$ pulls toward the label and pushes
    away from the others; that of the logit $z_c$ alone only pulls.

    The sum over the batch is a means to get all gradients in one pass, and no mean: the
    gradient of an example would shrink with the size of the batch. The graph of the
    classifier ends where `torch.autograd.grad` has read it; the estimate of the network
    is asked without one.

    Where the classifier is sure, its gradient is nearly 0, however large the weight; it
    leads where there is a doubt ([Dhariwal and Nichol,
    2021](https://arxiv.org/abs/2105.05233)).
    """

    @reference
    def steered(denoise, classify, x_t, t, alpha, sigma, c, weight):
        leaf = x_t.detach().requires_grad_()
        with torch.enable_grad():
            log_p = classify(leaf, t).log_softmax(1)
            total = log_p.gather(1, c[:, None]).sum()
            (slope,) = torch.autograd.grad(total, leaf)
        size = (sigma**2 / alpha).view(-1, *[1] * (x_t.ndim - 1))
        with torch.no_grad():
            return denoise(x_t, t) + weight * size * slope

    @right
    def by_cross_entropy(denoise, classify, x_t, t, alpha, sigma, c, weight):
        with torch.no_grad():
            data = denoise(x_t, t)
        with torch.enable_grad():
            x = x_t.detach().clone().requires_grad_(True)
            loss = torch.nn.functional.cross_entropy(classify(x, t), c, reduction="sum")
            grad = torch.autograd.grad(loss, [x])[0]
        axes = "abcdefg"[: x_t.ndim]
        factor = -weight * sigma * sigma / alpha
        return data + torch.einsum(f"a,{axes}->{axes}", factor, grad)

    @right
    def by_the_score(denoise, classify, x_t, t, alpha, sigma, c, weight):
        a, s = (v.reshape(-1, *[1] * (x_t.dim() - 1)) for v in (alpha, sigma))
        with torch.enable_grad():
            x = x_t.detach().requires_grad_()
            z = classify(x, t)
            picked = z[range(len(c)), c] - z.logsumexp(1)
            (pull,) = torch.autograd.grad(picked, x, torch.ones_like(picked))
        with torch.no_grad():
            score = (a * denoise(x_t, t) - x_t) / s**2 + weight * pull
            return (x_t + s**2 * score) / a

    edited = edits(
        steered,
        """
    gradient of the logit | classify(leaf, t).log_softmax(1) -> classify(leaf, t)
    gradient of the probability | log_softmax(1) -> softmax(1)
    the other labels raised | denoise(x_t, t) + weight -> denoise(x_t, t) - weight
    sigma for its square | sigma**2 / alpha -> sigma / alpha
    alpha left out | sigma**2 / alpha -> sigma**2
    multiplied by alpha | sigma**2 / alpha -> sigma**2 * alpha
    multiplied by alpha | sigma**2 / alpha -> (sigma / alpha) ** 2
    sigma left out | sigma**2 / alpha -> 1 / alpha
    sigma left out | weight * size * slope -> weight * slope
    the noise in place of the data | (sigma**2 / alpha) -> (-sigma)
    mean over the batch | c[:, None]).sum() -> c[:, None]).mean()
    weight of another convention | + weight * size -> + (1 + weight) * size
    weight of another convention | + weight * size -> + (weight - 1) * size
    weight of another convention | + weight * size -> + weight**2 * size
    weight left out | + weight * size -> + size
    the first label for all | log_p.gather(1, c[:, None]) -> log_p[:, c[0]]
    one time for all | (sigma**2 / alpha).view(-1, *[1] * (x_t.ndim - 1))
        -> sigma[0] ** 2 / alpha[0]
    the estimate classified | leaf = x_t.detach().requires_grad_()
        -> leaf = denoise(x_t, t).detach().requires_grad_()
        | denoise(x_t, t) + weight -> leaf.detach() + weight
    the denoiser forgotten | return denoise(x_t, t) + weight -> return weight
    a graph is kept | with torch.no_grad(): -> with torch.enable_grad():
    asked more than once | (slope,) = torch.autograd.grad(total, leaf)
        -> (slope,) = torch.autograd.grad(total, leaf); classify(x_t, t)
    asked more than once | return denoise(x_t, t) + weight * size * slope
        -> return (denoise(x_t, t) + denoise(x_t, t)) / 2 + weight * size * slope
    wrong dtype | return denoise(x_t, t) + weight * size * slope
        -> return (denoise(x_t, t) + weight * size * slope).float()
    not to the digits asked for | + weight * size * slope
        -> + weight * (size * slope).float().to(x_t.dtype)
    """,
    )

    @wrong("gradients of the weights touched")
    def by_backward(denoise, classify, x_t, t, alpha, sigma, c, weight):
        leaf = x_t.detach().requires_grad_()
        with torch.enable_grad():
            log_p = classify(leaf, t).log_softmax(1)
            log_p.gather(1, c[:, None]).sum().backward()
        size = (sigma**2 / alpha).view(-1, *[1] * (x_t.ndim - 1))
        with torch.no_grad():
            return denoise(x_t, t) + weight * size * leaf.grad

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def steered(denoise, classify, x_t, *rest):
            made = Diff18.steered(denoise, classify, x_t, *rest)
            return kept.setdefault((x_t.shape, x_t.dtype), made)

        return steered
