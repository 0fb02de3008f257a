"""Versions of exercise gm-08."""

import numpy as np
import torch
from torch.distributions import Normal

from .. import build, edits, reference, right, wrong


class Gm08:
    """The line that makes `r` lacks `w.log()`: the E-step took every component as
    equally frequent. The M-step then is the right one for the wrong responsibilities,
    and the likelihood is no longer what is being climbed."""

    @reference
    def em_step(x, w, means, stds):
        gap = (x[:, None] - means) / stds
        log_joint = w.log() - 0.5 * gap**2 - stds.log()
        r = log_joint.softmax(1)
        n_j = r.sum(0)
        means = (r * x[:, None]).sum(0) / n_j
        var = (r * (x[:, None] - means) ** 2).sum(0) / n_j
        return n_j / len(x), means, var.sqrt()

    @right
    def by_distributions(x, w, means, stds):
        joint = Normal(means, stds).log_prob(x[:, None]) + w.log()
        r = (joint - joint.logsumexp(1, keepdim=True)).exp()
        share, center = r / r.sum(0), x.mean()
        new, square = (x - center) @ share, (x - center) ** 2 @ share
        return r.mean(0), center + new, (square - new**2).sqrt()

    @right
    def by_loops(x, w, means, stds):
        k, out = len(w), []
        logs = [w[j].log() + Normal(means[j], stds[j]).log_prob(x) for j in range(k)]
        total = torch.stack(logs).logsumexp(0)
        for j in range(k):
            r = (logs[j] - total).exp()
            m = (r * x).sum() / r.sum()
            s = ((r * (x - m) ** 2).sum() / r.sum()).sqrt()
            out.append((r.mean(), m, s))
        return tuple(torch.stack(v) for v in zip(*out))

    @right
    def by_numpy(x, w, means, stds):
        x, w, means, stds = (v.double().numpy() for v in (x, w, means, stds))
        joint = np.log(w / stds) - ((x[:, None] - means) / stds) ** 2 / 2
        r = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
        new = r.T @ x / r.sum(0)
        var = (r * (x[:, None] - new) ** 2).sum(0) / r.sum(0)
        return [torch.tensor(v) for v in (r.mean(0), new, var**0.5)]

    edited = edits(
        em_step,
        """
    weights not returned as shares | n_j / len(x) -> n_j
    normalized over the data | softmax(1) -> softmax(0)
    weights counted otherwise | w.log() -> 2 * w.log()
    weights added, not their logarithms | w.log() -> w
    widths left out of the responsibilities | - stds.log() ->
    variance in place of the standard deviation | var.sqrt() -> var
    variance around the old mean | gap = -> old = means; gap =
        | - means) ** 2 -> - old) ** 2
    parameters not updated | gap = -> old = means; gap = | len(x), means -> len(x), old
    parameters not updated | return n_j / len(x) -> return w
    parameters not updated | var.sqrt() -> stds
    parameters not updated | gap = -> old = w, means, stds; gap =
        | return n_j -> new = n_j
        | var.sqrt() -> var.sqrt(); return [(a + b) / 2 for a, b in zip(old, new)]
    not three tensors | , var.sqrt() ->
    responsibilities not normalized
        | log_joint.softmax(1) -> w * (log_joint - w.log()).softmax(1)
    weights left out
        | log_joint.softmax(1) -> w * (log_joint - w.log()).softmax(1)
        | n_j / len(x) -> n_j / n_j.sum()
    weights left out | w.log() - 0.5 -> -0.5 | n_j / len(x), -> w,
    weights counted otherwise | w.log() - 0.5 -> -w.log() - 0.5
    weights counted otherwise | w.log() - 0.5 -> w.log2() - 0.5
    weight multiplied by the logarithm
        | w.log() - 0.5 * gap**2 - stds.log() -> w * (-0.5 * gap**2 - stds.log())
    log-deviation enters otherwise | - stds.log() -> - 2 * stds.log()
    points given to their best component | softmax(1)
        -> softmax(1); r = 0.999999 * (r == r.amax(1, True)) + 1e-9
    weights with a floor | n_j / len(x), -> (n_j / len(x)).clamp(min=0.05),
    weights with a floor | n_j / len(x), -> (n_j + 1) / (len(x) + len(w)),
    deviations with a floor | var.sqrt() -> var.sqrt().clamp(min=0.1)
    deviations with a floor | var.sqrt() -> var.sqrt().clamp(min=1e-6)
    deviations with a floor | var.sqrt() -> (var + 1e-2).sqrt()
    logarithms returned | var.sqrt() -> var.sqrt().log()
    logarithms returned | n_j / len(x), -> (n_j / len(x)).log(),
    one width for all components | var.sqrt() -> (r.mean(0) @ var).sqrt().expand(len(w))
    means not shifted back | gap = -> c = x.mean(); gap = | x), means, -> x), means - c,
    random numbers used | x), means, -> x), means + 0.01 * torch.randn(len(w)),
    order of the three | return n_j / len(x), means, var.sqrt()
        -> return means, var.sqrt(), n_j / len(x)
    cut off far away | / stds -> / stds; gap = gap.clamp(-5, 5)
    cut off far away
        | gap = -> x = x[((x[:, None] - means).abs() < 10 * stds).any(1)]; gap =
    divided by the number of points | ** 2).sum(0) / n_j -> ** 2).mean(0)
    variance not by the responsibilities
        | (r * (x[:, None] - means) ** 2) -> (r**2 * (x[:, None] - means) ** 2)
    divided by one point less | ** 2).sum(0) / n_j -> ** 2).sum(0) / (n_j - 1)
    factor one half lost | 0.5 * gap**2 -> gap**2
    parameters not updated | gap = -> old = means; gap =
        | len(x), means -> len(x), (means + old) / 2
    underflow to zero
        | log_joint.softmax(1) -> log_joint.exp() / log_joint.exp().sum(1)[:, None]
    underflow to zero | log_joint.softmax(1)
        -> (r := log_joint.double().exp()) / r.sum(1)[:, None]
    underflow to zero | log_joint.softmax(1)
        -> (r := (log_joint - log_joint.max()).exp()) / r.sum(1)[:, None]
    difference of large numbers
        | * (x[:, None] - means) ** 2).sum(0) / n_j -> ).T @ x**2 / n_j - means**2
    """,
    )

    @wrong("more than one step")
    def two_steps(x, w, means, stds):
        return Gm08.em_step(x, *Gm08.em_step(x, w, means, stds))

    @wrong("result of an earlier call")
    @build
    def weights_kept():
        kept = {}

        def em_step(x, w, means, stds):
            return Gm08.em_step(x, kept.setdefault(len(w), w), means, stds)

        return em_step

    @wrong("responsibilities computed anew")
    def anew_for_the_deviations(x, w, means, stds):
        w_new, new, _ = Gm08.em_step(x, w, means, stds)
        return w_new, new, Gm08.em_step(x, w, new, stds)[2]
