"""Versions of exercise gm-08."""

import numpy as np
import torch
from torch.distributions import (
    Normal,
)

from .. import reference, right, wrong


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
        share = r / r.sum(0)
        new = x @ share
        return r.mean(0), new, (x**2 @ share - new**2).sqrt()

    @right
    def by_probabilities(x, w, means, stds):
        p = w * Normal(means, stds).log_prob(x[:, None]).exp()
        r = p / p.sum(1, keepdim=True)
        new = (r * x[:, None]).sum(0) / r.sum(0)
        var = (r * (x[:, None] - new).square()).sum(0) / r.sum(0)
        return r.sum(0) / r.sum(), new, var**0.5

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

    @wrong("weights not returned as shares")
    def counts(x, w, means, stds):
        w, means, stds = Gm08.em_step(x, w, means, stds)
        return w * len(x), means, stds

    @wrong("responsibilities normalized over the data")
    def wrong_axis(x, w, means, stds):
        gap = (x[:, None] - means) / stds
        r = (w.log() - 0.5 * gap**2 - stds.log()).softmax(0)
        new = (r * x[:, None]).sum(0) / r.sum(0)
        var = (r * (x[:, None] - new) ** 2).sum(0) / r.sum(0)
        return r.sum(0) / len(x), new, var.sqrt()

    @wrong("weights squared")
    def squared(x, w, means, stds):
        return Gm08.em_step(x, w**2, means, stds)

    @wrong("widths left out of the density")
    def without_width(x, w, means, stds):
        gap = (x[:, None] - means) / stds
        r = (w.log() - 0.5 * gap**2).softmax(1)
        new = (r * x[:, None]).sum(0) / r.sum(0)
        var = (r * (x[:, None] - new) ** 2).sum(0) / r.sum(0)
        return r.mean(0), new, var.sqrt()

    @wrong("variance in place of the standard deviation")
    def variance(x, w, means, stds):
        w, means, stds = Gm08.em_step(x, w, means, stds)
        return w, means, stds**2

    @wrong("variance around the old mean")
    def old_mean(x, w, means, stds):
        joint = Normal(means, stds).log_prob(x[:, None]) + w.log()
        r = joint.softmax(1)
        var = (r * (x[:, None] - means) ** 2).sum(0) / r.sum(0)
        return r.mean(0), (r * x[:, None]).sum(0) / r.sum(0), var.sqrt()

    @wrong("parameters not updated")
    def means_kept(x, w, means, stds):
        new_w, _, new_stds = Gm08.em_step(x, w, means, stds)
        return new_w, means.clone(), new_stds

    @wrong("parameters not updated")
    def weights_kept(x, w, means, stds):
        _, new_means, new_stds = Gm08.em_step(x, w, means, stds)
        return w.clone(), new_means, new_stds

    @wrong("not three tensors")
    def forgot_the_widths(x, w, means, stds):
        return Gm08.em_step(x, w, means, stds)[:2]

    @right
    def by_numpy(x, w, means, stds):
        x, w, means, stds = (v.double().numpy() for v in (x, w, means, stds))
        p = w / stds * np.exp(-(((x[:, None] - means) / stds) ** 2) / 2)
        r = p / p.sum(1, keepdims=True)
        new = r.T @ x / r.sum(0)
        var = (r * (x[:, None] - new) ** 2).sum(0) / r.sum(0)
        return [torch.tensor(v) for v in (r.mean(0), new, var**0.5)]

    @wrong("weights added, not their logarithms")
    def plain_weights(x, w, means, stds):
        return Gm08.em_step(x, w.exp(), means, stds)

    @wrong("responsibilities not normalized")
    def weighted_afterward(x, w, means, stds):
        r = w * Normal(means, stds).log_prob(x[:, None]).softmax(1)
        new = (r * x[:, None]).sum(0) / r.sum(0)
        var = (r * (x[:, None] - new) ** 2).sum(0) / r.sum(0)
        return r.mean(0), new, var.sqrt()

    @wrong("responsibilities not normalized")
    def weighted_afterward_shares(x, w, means, stds):
        new_w, new, deviations = Gm08.weighted_afterward(x, w, means, stds)
        return new_w / new_w.sum(), new, deviations

    @wrong("divided by one point less")
    def unbiased(x, w, means, stds):
        new_w, new, deviations = Gm08.em_step(x, w, means, stds)
        n_j = new_w * len(x)
        return new_w, new, deviations * (n_j / (n_j - 1)).sqrt()

    @wrong("not the top of the bound")
    def whole_square(x, w, means, stds):
        gap = (x[:, None] - means) / stds
        r = (w.log() - gap**2 - stds.log()).softmax(1)
        new = (r * x[:, None]).sum(0) / r.sum(0)
        var = (r * (x[:, None] - new) ** 2).sum(0) / r.sum(0)
        return r.mean(0), new, var.sqrt()

    @wrong("not the top of the bound")
    def half_a_step(x, w, means, stds):
        new = Gm08.em_step(x, w, means, stds)
        return [(a + b) / 2 for a, b in zip(new, (w, means, stds))]
