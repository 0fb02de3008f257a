"""Versions of exercise flow-10."""

import math

import torch
from torch import distributions as D
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Flow10:
    r"""
    With $a = m + e^s \epsilon$ the noise has
    $\log q(u \mid x) = \log \mathcal N(\epsilon; 0, 1) - s - \log u (1 - u)$ in each
    value, and $\log u(1 - u) = \log \operatorname{sigmoid}(a) + \log
    \operatorname{sigmoid}(-a)$, which keeps its digits where $u$ itself has become 1.
    Together with the scale of the levels all of it is one change of variables: the
    density of $y$ carried to that of $\epsilon$, divided by the normal density. So the
    256 and the sigmoid enter in the same way, as slopes of $y$ by $\epsilon$.

    For one draw this is an ELBO whose "posterior" is the noise and whose likelihood is
    1 within the cell. If $q(u \mid x)$ is $p(x + u) / P(x)$, all weights are equal, and
    one draw says all. With more draws it gets tighter whatever the noise, uniform, too.
    """

    @reference
    def bound(log_density, x, eps, mean, log_std):
        k, b = eps.shape[:2]
        at = mean + log_std.exp() * eps
        y = (x.to(eps.dtype) + at.sigmoid()) / 256
        slope = F.logsigmoid(at) + F.logsigmoid(-at) + log_std
        normal = -0.5 * (eps.square() + math.log(2 * math.pi))
        log_q = (normal - slope).flatten(2).sum(2)
        log_p = log_density(y.flatten(0, 1)).view(k, b)
        log_p = log_p - x[0].numel() * math.log(256)
        return (log_p - log_q).logsumexp(0) - math.log(k)

    @right
    def by_distributions(log_density, x, eps, mean, log_std):
        made = []
        for e in eps:
            at = mean + torch.exp(log_std) * e
            log_n = D.Normal(mean, log_std.exp()).log_prob(at)
            log_q = (log_n + F.softplus(at) + F.softplus(-at)).flatten(1).sum(-1)
            y = (x + torch.sigmoid(at)).div(256)
            log_p = log_density(y) - math.log(256.0) * y[0].numel()
            made.append(log_p - log_q)
        w = torch.stack(made)
        top = w.max(0).values
        return torch.log(torch.exp(w - top).mean(0)) + top

    @right
    def in_the_noise(log_density, x, eps, mean, log_std):
        """One change of variables, from y to eps."""
        k, b = eps.shape[:2]
        at = torch.addcmul(mean, log_std.exp(), eps)
        y = x / 256 + at.sigmoid() / 256
        each = log_std - at - 2 * F.softplus(-at) - math.log(256)
        each = each + eps**2 / 2 + math.log(2 * math.pi) / 2
        log_p = torch.cat([log_density(v) for v in y.unbind(1)]).view(b, k).T
        return torch.logsumexp(log_p + each.reshape(k, b, -1).sum(-1), 0) - math.log(k)

    @right
    def image_by_image(log_density, x, eps, mean, log_std):
        out = []
        for i in range(len(x)):
            logs = []
            for e in eps[:, i]:
                at = mean[i] + log_std[i].exp() * e
                u, other = at.sigmoid(), (-at).sigmoid()
                y = (x[i] + u) / 256
                log_q = D.Normal(torch.zeros_like(e), 1.0).log_prob(e) - log_std[i]
                log_q = (log_q - u.log() - other.log()).sum()
                logs.append(log_density(y[None])[0] - log_q - e.numel() * math.log(256))
            out.append(torch.stack(logs).logsumexp(0) - math.log(len(eps)))
        return torch.stack(out)

    edited = edits(
        bound,
        """
    log q left out | (log_p - log_q) -> log_p
    log q added | (log_p - log_q) -> (log_p + log_q)
    density of the noise left out | (normal - slope) -> (-slope)
    normal density at another place | -0.5 * (eps.square() -> -0.5 * (at.square()
    log_std cut off in log q | F.logsigmoid(-at) + log_std
        -> F.logsigmoid(-at) + log_std.detach()
    constant left out | (eps.square() + math.log(2 * math.pi)) -> eps.square()
    width of the noise left out | F.logsigmoid(-at) + log_std -> F.logsigmoid(-at)
    width of the noise with the other sign | F.logsigmoid(-at) + log_std
        -> F.logsigmoid(-at) - log_std
    Jacobian of the sigmoid left out | F.logsigmoid(at) + F.logsigmoid(-at) + log_std
        -> log_std
    Jacobian of the sigmoid with the other sign | F.logsigmoid(at) + F.logsigmoid(-at)
        -> -F.logsigmoid(at) - F.logsigmoid(-at)
    log_std read as log variance | log_std.exp() -> (log_std / 2).exp()
    log_std read as log variance | log_std.exp() -> (log_std / 2).exp()
        | + log_std -> + log_std / 2
    mean over the dimensions of log q | flatten(2).sum(2) -> flatten(2).mean(2)
    scale of 256 left out | log_p = log_p - x[0].numel() * math.log(256) ->
    scale of 256 with the other sign | log_p - x[0].numel() -> log_p + x[0].numel()
    scale of 256 counted once | x[0].numel() * math.log(256) -> math.log(256)
    255 in place of 256 | at.sigmoid()) / 256 -> at.sigmoid()) / 255
    255 in place of 256 | math.log(256) -> math.log(255)
    noise out of its cell | at.sigmoid()) / 256 -> at) / 256
    noise out of its cell | (x.to(eps.dtype) + at.sigmoid()) / 256
        -> x.to(eps.dtype) / 256 + at.sigmoid()
    noise left out | + at.sigmoid()) / 256 -> + 0 * at) / 256
    mean of the logarithms | logsumexp(0) - math.log(k) -> mean(0)
    log k left out | - math.log(k) ->
    one weight alone | logsumexp(0) - math.log(k) -> amax(0)
    one weight alone | logsumexp(0) - math.log(k) -> select(0, 0)
    shared weights | .logsumexp(0) - math.log(k)
        -> .logsumexp((0, 1)).expand(b) - math.log(k * b)
    exponentials that underflow | (log_p - log_q).logsumexp(0) - math.log(k)
        -> (log_p - log_q).exp().mean(0).log()
    sign flipped | return (log_p - log_q).logsumexp(0) - math.log(k)
        -> return math.log(k) - (log_p - log_q).logsumexp(0)
    reduced over the batch | - math.log(k) -> .mean() - math.log(k)
    detached noise | y.flatten(0, 1) -> y.detach().flatten(0, 1)
    log q cut off from the graph | log_p - log_q -> log_p - log_q.detach()
    cut off from the graph | at = mean -> at = mean.detach()
    mixed draws and images | .view(k, b) -> .view(b, k).T
    logarithm of a saturated sigmoid | F.logsigmoid(at) + F.logsigmoid(-at)
        -> (at.sigmoid() * (1 - at.sigmoid())).clamp(min=1e-12).log()
    logarithm of a saturated sigmoid | F.logsigmoid(at) + F.logsigmoid(-at)
        -> (at.sigmoid() * (1 - at.sigmoid()) + 1e-8).log()
    float32 in between | (log_p - log_q).logsumexp(0)
        -> (log_p - log_q).float().logsumexp(0).to(eps)
    estimated from samples | mean + -> eps = torch.randn_like(eps); at = mean +
    input changed in place | y = (x -> eps.mul_(1.5); y = (x
    wrong dtype | - math.log(k) -> .double() - math.log(k)
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        memory = {}

        def bound(log_density, x, eps, mean, log_std):
            out = Flow10.bound(log_density, x, eps, mean, log_std)
            return memory.setdefault((eps.shape, eps.dtype), out)

        return bound
