"""Versions of exercise flow-07."""

import math

import torch
from torch.distributions import Normal

from .. import build, edits, reference, right, wrong


class Flow07:
    r"""
    Each pass makes one value final, and with it the $s$ and $t$ of the next one. In the
    pass that makes the last value all the $s$ that were used are at hand: they were
    computed from the values before, which have not changed since, so $\log p(x)$ costs
    no further pass.

    Nobody needs the order for that. `x = z * s.exp() + t` for *all* positions, $d$
    times from any start, makes the same $x$: after pass $k$ the first $k$ values are
    final, and what stands elsewhere is overwritten. Where the values depend weakly on
    each other, few such passes come close to the end.

    The direction from data to noise takes one pass, which is why this flow is trained
    by likelihood and drawn from with patience.
    """

    @reference
    def draw(params, order, z):
        at = torch.arange(z.shape[1])
        x, s = torch.zeros_like(z), torch.zeros_like(z)
        for i in order:
            shift, log_scale = params(x)
            x = torch.where(at == i, z * log_scale.exp() + shift, x)
            s = torch.where(at == i, log_scale, s)
        log_n = -0.5 * (z.square() + math.log(2 * math.pi))
        return x, (log_n - s).sum(1)

    @right
    def all_positions_at_once(params, order, z):
        x = z
        for _ in order:
            shift, log_scale = params(x)
            x = shift + z * torch.exp(log_scale)
        return x, Normal(0.0, 1.0).log_prob(z).sum(1) - log_scale.sum(1)

    @right
    def by_columns(params, order, z):
        columns = [torch.zeros_like(v) for v in z.unbind(1)]
        total = 0
        for i in order.tolist():
            shift, log_scale = params(torch.stack(columns, 1))
            columns[i] = torch.addcmul(shift[:, i], z[:, i], log_scale[:, i].exp())
            total = total + log_scale[:, i]
        d = z.shape[1]
        log_p = -z.pow(2).sum(-1) / 2 - d / 2 * math.log(2 * math.pi) - total
        return [torch.stack(columns, 1), log_p]

    @right
    def with_copies(params, order, z):
        x, logs = torch.full_like(z, 7.0), []
        for i in order:
            shift, log_scale = params(x)
            x = x.clone()
            x[:, i] = z[:, i] * log_scale[:, i].exp() + shift[:, i]
            logs.append(log_scale[:, i])
        d = z.shape[1]
        eye = torch.eye(d, dtype=z.dtype)
        normal = torch.distributions.MultivariateNormal(torch.zeros(d).to(z), eye)
        return x, normal.log_prob(z) - torch.stack(logs).sum(0)

    edited = edits(
        draw,
        """
    order ignored | for i in order: -> for i in range(len(order)):
    order the wrong way | in order: -> in order.argsort():
    too few passes | in order: -> in order.flip(0):
    too few passes | in order: -> in order[:1]:
        | torch.where(at == i, z * log_scale.exp() + shift, x)
        -> z * log_scale.exp() + shift
        | torch.where(at == i, log_scale, s) -> log_scale
    too few passes | in order: -> in order[1:]:
        | torch.where(at == i, z * log_scale.exp() + shift, x)
        -> z * log_scale.exp() + shift
        | torch.where(at == i, log_scale, s) -> log_scale
    too few passes | x, s = torch.zeros_like(z), -> x, s = z,
        | in order: -> in order[:3]:
        | torch.where(at == i, z * log_scale.exp() + shift, x)
        -> z * log_scale.exp() + shift
        | torch.where(at == i, log_scale, s) -> log_scale
    one the wrong way around | z * log_scale.exp() + shift
        -> (z - shift) * (-log_scale).exp()
    shift before the scale | z * log_scale.exp() + shift
        -> (z + shift) * log_scale.exp()
    sign of the log-scale | z * log_scale.exp() -> z * (-log_scale).exp()
    standard deviation ignored | z * log_scale.exp() + shift -> z + shift
    mean not added | z * log_scale.exp() + shift -> z * log_scale.exp()
    scale bounded | shift, log_scale = params(x)
        -> shift, log_scale = params(x); log_scale = log_scale.tanh()
    scale bounded | shift, log_scale = params(x)
        -> shift, log_scale = params(x); log_scale = log_scale.clamp(-1, 1)
    scale bounded | shift, log_scale = params(x)
        -> shift, log_scale = params(x); log_scale = log_scale.clamp(-7, 7)
    scale bounded | shift, log_scale = params(x)
        -> shift, log_scale = params(x); log_scale = log_scale.clamp(-20, 20)
    shift and log-scale exchanged | shift, log_scale = params
        -> log_scale, shift = params
    values in drawing order | return x, -> return x[:, order],
    values in drawing order | z * log_scale.exp() + shift
        -> z[:, order.argsort()] * log_scale.exp() + shift
    first value left as its noise | x, s = torch.zeros_like(z), -> x, s = z,
        | for i in order: -> for k, i in enumerate(order):
        | shift, log_scale = params(x)
        -> shift, log_scale = (v * (k > 0) for v in params(x))
    nan or inf given to the net | x, s = torch.zeros_like(z), -> x, s = z * math.nan,
    float32 in between | log_scale.exp() -> log_scale.float().exp().to(z)
    float32 in between | params(x) -> (v.to(z) for v in params(x.float().to(z)))
    float32 in between | return x, (log_n -> return x.float().to(z), (log_n
    more passes than values | log_n = -> s = params(x)[1]; log_n =
    more passes than values | in order: -> in [*order, *order]:
    log-scales added | log_n - s -> log_n + s
    log-determinant left out | (log_n - s) -> log_n
    density of x under the normal | z.square() -> x.square()
    density of x under the normal | z.square() -> x.square() | log_n - s -> log_n
    constant of the normal left out | (z.square() + math.log(2 * math.pi)) -> z.square()
    constant of the normal left out | return x, (log_n - s).sum(1)
        -> return x, -0.5 * (z.square().sum(1) + math.log(2 * math.pi)) - s.sum(1)
    negative log-likelihood returned | return x, (log_n -> return x, -(log_n
    density in place of its logarithm | (log_n - s).sum(1) -> (log_n - s).sum(1).exp()
    mean over the dimensions | .sum(1) -> .mean(1)
    not summed over the dimensions | .sum(1) ->
    reduced over the batch | .sum(1) -> .sum()
    reduced over the batch | .sum(1) -> .sum(1).mean().expand(len(z))
    bits in place of nats | .sum(1) -> .sum(1) / math.log(2)
    factor one half lost | -0.5 * (z.square() -> -(z.square()
        | + math.log(2 * math.pi)) -> + math.log(2 * math.pi) / 2)
    batch axis lost | .sum(1) -> .sum(1).squeeze()
    cut off from the graph | params(x) -> params(x.detach())
    cut off from the graph | torch.where(at == i, log_scale, s)
        -> torch.where(at == i, log_scale.detach(), s)
    no pair | return x, (log_n - s).sum(1) -> return x
    wrong dtype | (log_n - s).sum(1) -> (log_n - s).sum(1).float().half()
    """,
    )

    @wrong("log-scales of another pass")
    def scales_of_the_first(params, order, z):
        kept = []

        def watched(x):
            kept.append(params(x))
            return kept[-1]

        x, log_p = Flow07.draw(watched, order, z)
        s = (-0.5 * (z.square() + math.log(2 * math.pi))).sum(1) - log_p
        return x, log_p + s - kept[0][1].sum(1)

    @wrong("written in place")
    def into_one_tensor(params, order, z):
        x, log_p = torch.zeros_like(z), -0.5 * z.square().sum(1)
        for i in order:
            shift, log_scale = params(x)
            x[:, i] = z[:, i] * log_scale[:, i].exp() + shift[:, i]
            log_p = log_p - log_scale[:, i] - 0.5 * math.log(2 * math.pi)
        return x, log_p

    @wrong("cut off from the graph")
    def without_gradients(params, order, z):
        with torch.no_grad():
            return Flow07.draw(params, order, z)

    @wrong("cut off from the graph")
    def a_last_pass_with_gradients(params, order, z):
        x = z.detach()
        with torch.no_grad():
            for _ in order[1:]:
                shift, s = params(x)
                x = z * s.exp() + shift
        shift, s = params(x)
        log_n = -0.5 * (z.square() + math.log(2 * math.pi))
        return z * s.exp() + shift, (log_n - s).sum(1)

    @wrong("result of an earlier call")
    @build
    def order_kept():
        kept = {}

        def draw(params, order, z):
            return Flow07.draw(params, kept.setdefault(len(order), order), z)

        return draw
