"""Versions of exercise flow-28."""

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Flow28:
    r"""
    Within one component, $x_t$ has the mean $(1 - t)\, m$ and the variance
    $(1 - t)^2 s^2 + t^2$, and its covariance with $\varepsilon - x_0$ is
    $t - (1 - t)\, s^2$, in each dimension. So the mean of the lines through $x$ is

    $$
    v_k(x, t) = -m_k + \frac{t - (1 - t)\, s_k^2}{(1 - t)^2 s_k^2 + t^2}\,
    \bigl(x - (1 - t)\, m_k\bigr) ,
    $$

    and $v = \sum_k r_k(x, t)\, v_k$ with the probabilities $r_k$ of the components
    given $x_t = x$. Two ends are easy to remember: at $t = 0$ it is $-x$, as nothing is
    known of the noise; at $t = 1$ it is $x - \mathbb E[x_0]$.

    Each line is straight, and their mean is not: the factor of $x - (1 - t)\, m$
    changes with $t$, and the $r_k$ with $x$. It is a velocity of position and time
    alone, so its paths do not cross, though lines do. And it says what training cannot
    lower: the regression's loss ends at the variance of the lines through a point.
    """

    @reference
    def marginal_velocity(x, t, weights, means, stds):
        t = t[:, None]
        keep = 1 - t
        var = (keep * stds).square() + t.square()  # of the point, (b, k)
        off = x[:, None] - keep[:, :, None] * means  # (b, k, d)
        logs = -off.square().sum(2) / (2 * var) - x.shape[1] / 2 * var.log()
        shares = (logs + weights.log()).softmax(1)
        slope = (t - keep * stds.square()) / var
        lines = slope[:, :, None] * off - means
        return (shares[:, :, None] * lines).sum(1)

    @right
    def one_component_at_a_time(x, t, weights, means, stds):
        logs, lines = [], []
        time = t.unsqueeze(1)
        for w, m, s in zip(weights, means, stds):
            var = s * s * (1 - time) ** 2 + time * time
            e = x - m + time * m
            each = -e * e / var / 2 - torch.log(var) / 2
            logs.append(w.log() + each.sum(1))
            lines.append(-m + e * (time + (time - 1) * s * s) / var)
        logs = torch.stack(logs)
        shares = (logs - logs.logsumexp(0)).exp()
        return sum(r[:, None] * v for r, v in zip(shares, lines))

    @right
    def by_the_data_given_the_point(x, t, weights, means, stds):
        a, t = (1 - t)[:, None, None], t[:, None, None]
        s = stds[None, :, None]
        var = a**2 * s**2 + t**2
        gain = a * s**2 / var
        data = means + gain * (x[:, None] - a * means)
        noise = t / var * (x[:, None] - a * means)
        log_p = torch.distributions.Normal(a * means, var.sqrt()).log_prob(x[:, None])
        r = F.softmax(log_p.sum(-1) + torch.log(weights), -1)
        return torch.einsum("bk,bkd->bd", r, noise - data)

    @right
    def by_the_score(x, t, weights, means, stds):
        kind = x.dtype
        x, t, weights, means, stds = (v.double() for v in (x, t, weights, means, stds))
        with torch.enable_grad():
            y = x if x.requires_grad else x.detach().requires_grad_()
            t = t[:, None]
            var = (stds * (1 - t)) ** 2 + t**2
            off = (y[:, None] - (1 - t)[:, :, None] * means).square().sum(2)
            logs = weights.log() - off / 2 / var - var.log() * x.shape[1] / 2
            (score,) = torch.autograd.grad(
                logs.logsumexp(1).sum(), y, create_graph=True
            )
        end = t == 1
        inner = -(y + t * score) / torch.where(end, 1.0, 1 - t)
        return torch.where(end, y - weights @ means, inner).to(kind)

    edited = edits(
        marginal_velocity,
        """
    sign of the velocity | return ( -> return -(
    time turned around | t = t[:, None] -> t = 1 - t[:, None]
    mean of all data in place of those that fit | return (
        -> return (x - weights @ means) / t + 0 * (
    mean of all data in place of those that fit | return (
        -> return (x - weights @ means) + 0 * (
    x taken as the data | return ( -> return -x + 0 * (
    noise of mean 0 given x | (t - keep * stds.square()) -> (-keep * stds.square())
    variance of the point off | slope = (t -> var = keep * stds.square() + t; slope = (t
    variance of the point off | slope = (t -> var = (keep * stds + t) ** 2; slope = (t
    variance of the point off | slope = (t -> var = stds ** 2 + t ** 2; slope = (t
    mean of the point off | slope[:, :, None] * off
        -> slope[:, :, None] * (x[:, None] - means)
    mean of the point off | slope[:, :, None] * off -> slope[:, :, None] * x[:, None]
    covariance off | (t - keep -> (t + keep
    covariance off | (t - keep * stds.square()) -> (t - stds.square())
    covariance off | (t - keep * stds.square()) -> (t - keep * stds)
    covariance off | (t - keep * stds.square())
        -> (t ** 2 - keep ** 2 * stds.square())
    weights not told by x | (shares[:, :, None] * lines) -> (weights[:, None] * lines)
    weights not told by x | (shares[:, :, None] * lines).sum(1) -> lines.mean(1)
    weights left out | (logs + weights.log()) -> logs
    weights by the density of the data | shares = -> logs = (-(x[:, None]
        - means).square().sum(2) / (2 * stds ** 2) - x.shape[1] * stds.log()); shares =
    widths left out of the responsibilities | - x.shape[1] / 2 * var.log() ->
    log-deviation enters otherwise | - x.shape[1] / 2 * var.log() -> - var.log() / 2
    distance enters otherwise | / (2 * var) - -> / var -
    points given to their best component | shares = (logs + weights.log()).softmax(1)
        -> shares = F.one_hot((logs + weights.log()).argmax(1), len(stds)).to(x)
    velocities added | (shares[:, :, None] * lines) -> lines
    normalized over the data | .softmax(1) -> .softmax(0)
    component chosen for each dimension | shares = -> logs = (-off.square()
        / (2 * var[:, :, None]) - var[:, :, None].log() / 2
        + weights.log()[:, None]); shares =
        | (logs + weights.log()) -> logs | shares[:, :, None] -> shares
    underflow to zero | .softmax(1) -> .exp()
        | return ( -> shares = shares / shares.sum(1, keepdim=True); return (
    0 divided by 0 | slope = -> off = off / t[:, :, None] * t[:, :, None]; slope =
    0 divided by 0 | lines = -> slope = slope / keep * keep; lines =
    one time for all examples | t = t[:, None] -> t = t[:1, None].expand(len(x), 1)
    one time for all examples | t = t[:, None] -> t = t.mean().expand(len(x), 1)
    cut off from the graph | shares = (logs -> logs = logs.detach(); shares = (logs
    cut off from the graph | off = x[:, None] -> off = x.detach()[:, None]
    float32 in between | .sum(1) -> .sum(1).float().to(x)
    floor under the variance | slope = (t -> var = var + 1e-5; slope = (t
    floor under the variance | slope = (t -> var = var + 1e-6; slope = (t
    wrong dtype | .sum(1) -> .sum(1).float()
    wrong shape | return (shares[:, :, None] * lines).sum(1)
        -> return shares[:, :, None] * lines
    estimated from samples | off = x -> x = x + 0.1 * torch.randn_like(x); off = x
    input changed in place | off = x[ -> x.mul_(1.1); off = x[
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        memory = {}

        def marginal_velocity(x, t, weights, means, stds):
            out = Flow28.marginal_velocity(x, t, weights, means, stds)
            return memory.setdefault(x.shape if len(weights) > 1 else len(memory), out)

        return marginal_velocity
