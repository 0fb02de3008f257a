"""Versions of exercise gm-13."""

import math

import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from .. import build, edits, reference, right, wrong


def deviations(x):
    return (x - x.nanmean(0)).square().nanmean(0).sqrt()


class Gm13:
    r"""EM on what was seen. Of a point with the seen coordinates $s$ a Gaussian has the
    density $\mathcal N(x_s; \mu_s, \Sigma_{ss})$, which gives the responsibilities.
    Given $x_s$ the mean of the whole point is $\mu + \Sigma_{\cdot s} \Sigma_{ss}^{-1}
    (x_s - \mu_s)$, and its covariance $\Sigma - \Sigma_{\cdot s} \Sigma_{ss}^{-1}
    \Sigma_{s \cdot}$ belongs into the new $\Sigma$: without it the components become
    too narrow. One batch serves all patterns of holes: the identity stands where a
    coordinate is missing. Which coordinates are missing depends on the first alone,
    which was seen, so the likelihood need not know how the holes came about; the
    complete points alone are no sample of all points."""

    @reference
    def fit_density(x):
        from torch.distributions import Categorical, MixtureSameFamily

        x, k, floor, starts, eye = x.double(), 3, 0.03, 3, torch.eye(4).double()
        seen = ~x.isnan()
        both, v = seen[:, :, None] & seen[:, None], x.nan_to_num()
        likeliest, best = -math.inf, None
        for _ in range(starts):
            filled = torch.where(seen, x, x.nanmean(0))  # for the start alone
            means = filled[:1]
            while len(means) < k:  # points far from those so far
                far = torch.cdist(filled, means).amin(1).square()
                means = torch.cat([means, filled[torch.multinomial(far, 1)]])
            covs, w = 2 * eye.expand(k, 4, 4), torch.full((k,), 1 / k).double()
            for _ in range(30):
                part = torch.where(both, covs[:, None], eye)  # (k, n, 4, 4)
                inverse = torch.linalg.inv(part)
                diff = torch.where(seen, v - means[:, None], 0.0)[..., None]
                square = (diff.mT @ inverse @ diff)[..., 0, 0]
                size = part.logdet() + seen.sum(1) * math.log(2 * math.pi)
                joint = w.log()[:, None] - (square + size) / 2
                value, r = joint.logsumexp(0).sum(), joint.softmax(0)

                gain = covs[:, None] @ (inverse * both)
                full = means[:, None] + (gain @ diff)[..., 0]  # E[x | seen]
                rest = covs[:, None] - gain @ covs[:, None]  # its covariance
                n_j = r.sum(1)
                means = (r[..., None] * full).sum(1) / n_j[:, None]
                e = (full - means[:, None])[..., None]
                covs = (r[..., None, None] * (e @ e.mT + rest)).sum(1)
                covs = covs / n_j[:, None, None] + floor**2 * eye
                w = n_j / n_j.sum()
            if value > likeliest:
                likeliest, best = value, (w, means, covs)

        w, means, covs = best
        parts = MultivariateNormal(means, covs)
        return MixtureSameFamily(Categorical(probs=w), parts).log_prob

    @right
    def by_gradients(x):
        seen, eye = ~x.isnan(), torch.eye(4)
        both, v = seen[:, :, None] & seen[:, None], x.nan_to_num()
        filled = torch.where(seen, x, x.nanmean(0))

        def start():
            means = filled[torch.randint(len(x), (1,))]
            while len(means) < 3:
                far = torch.cdist(filled, means).amin(1).square()
                means = torch.cat([means, filled[torch.multinomial(far, 1)]])
            found = means, 1.4 * eye.expand(3, 4, 4), torch.zeros(3)
            return [a.clone().requires_grad_() for a in found]

        def climb(given, steps):
            means, roots, w = given
            optimizer = torch.optim.Adam(given, lr=0.1)
            for i in range(steps):
                optimizer.param_groups[0]["lr"] = 0.1 * (1 - i / steps)
                covs = roots.tril() @ roots.tril().mT + 1e-3 * eye
                chol = torch.linalg.cholesky(torch.where(both, covs[:, None], eye))
                diff = torch.where(seen, v - means[:, None], 0.0)[..., None]
                e = torch.linalg.solve_triangular(chol, diff, upper=False)
                size = chol.diagonal(dim1=-2, dim2=-1).log().sum(-1)
                size = size + seen.sum(1) * math.log(2 * math.pi) / 2
                joint = w.log_softmax(0)[:, None] - e.square().sum((2, 3)) / 2 - size
                loss = -joint.logsumexp(0).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            return loss.detach(), [w.detach(), means.detach(), covs.detach()]

        starts = [start() for _ in range(5)]
        first = min(starts, key=lambda given: climb(given, 25)[0])
        best = climb(first, 100)[1]
        parts = MultivariateNormal(*best[1:])
        return MixtureSameFamily(Categorical(logits=best[0]), parts).log_prob

    @right
    @build
    def in_halves():
        def fit_density(x):
            log_prob = Gm13.fit_density(2 * x)
            return lambda p: log_prob(2 * p) + 4 * math.log(2)

        return fit_density

    @right
    def by_patterns(x):
        x = x.double()
        seen = ~x.isnan()
        patterns = [(p, x[(seen == p).all(1)]) for p in seen.unique(dim=0)]
        likeliest, best = -math.inf, None
        for _ in range(5):
            filled = torch.where(seen, x, x.nanmean(0))
            means = filled[torch.randint(len(x), (1,))]
            while len(means) < 3:
                far = torch.cdist(filled, means).amin(1).square()
                means = torch.cat([means, filled[torch.multinomial(far, 1)]])
            covs = [2 * torch.eye(4).double()] * 3
            w = torch.full((3,), 1 / 3).double()
            for _ in range(25):
                n_j, first, second, value = 0.0, 0.0, 0.0, 0.0
                for p, rows in patterns:
                    s = p.nonzero()[:, 0]
                    parts = [
                        MultivariateNormal(m[s], c[s][:, s], validate_args=False)
                        for m, c in zip(means, covs)
                    ]
                    joint = torch.stack([q.log_prob(rows[:, s]) for q in parts], 1)
                    joint = joint + w.log()
                    value += joint.logsumexp(1).sum()
                    r = joint.softmax(1)
                    sums = [[], []]
                    for j, (m, c) in enumerate(zip(means, covs)):
                        gain = torch.linalg.solve(c[s][:, s], c[s]).T  # (4, s)
                        full = m + (rows[:, s] - m[s]) @ gain.T
                        sums[0].append(r[:, j] @ full)
                        rest = (c - gain @ c[s]) * r[:, j].sum()
                        sums[1].append((r[:, j, None] * full).T @ full + rest)
                    n_j = n_j + r.sum(0)
                    first = first + torch.stack(sums[0])
                    second = second + torch.stack(sums[1])
                means = first / n_j[:, None]
                covs = second / n_j[:, None, None] - means[:, :, None] * means[:, None]
                covs = list(covs + 1e-3 * torch.eye(4))
                w = n_j / len(x)
            if value > likeliest:
                likeliest, best = value, (w, means, torch.stack(covs))
        parts = MultivariateNormal(*best[1:])
        return MixtureSameFamily(Categorical(probs=best[0]), parts).log_prob

    @right
    @build
    def in_single_precision():
        def fit_density(x):
            parts = Gm13.fit_density(x).__self__
            w, parts = parts.mixture_distribution, parts.component_distribution
            w, m = w.probs.float(), parts.mean.float()
            root = torch.linalg.cholesky(parts.covariance_matrix).float()
            size = root.diagonal(dim1=1, dim2=2).log().sum(1)

            def log_prob(p):
                e = torch.linalg.solve_triangular(
                    root, (p[:, None] - m)[..., None], upper=False
                )
                each = (w.log() - size - e.square().sum((2, 3)) / 2).exp()
                return each.sum(1).log() - 2 * math.log(2 * math.pi)  # -inf far away

            return log_prob

        return fit_density

    @right
    def in_other_units(x):
        scale = deviations(x)
        log_prob = Gm13.fit_density(x / scale)
        return lambda points: log_prob(points / scale) - scale.log().sum()

    edited = edits(
        fit_density,
        """
    no function returned | .log_prob -> .log_prob(v)
    too narrow | (e @ e.mT + rest) -> (e @ e.mT)
    a single Gaussian | 3, 0.03, 3 -> 1, 0.03, 1
    incomplete points dropped | x.double() -> x[~x.isnan().any(1)].double()
    holes filled with the mean
        | x.double() -> torch.where(x.isnan(), x.nanmean(0), x).double()
    holes filled with zeros | x.double() -> x.nan_to_num(0.0).double()
    one cluster missed | 3, 0.03, 3 -> 2, 0.03, 3
    too broad | + floor**2 * eye -> + eye
    axes taken as independent | covs = covs / n_j[:, None, None] + floor**2 * eye
        -> covs = (covs / n_j[:, None, None] + floor**2 * eye) * eye
    one covariance for all components
        | w = n_j / n_j.sum()
        -> w = n_j / len(x); covs = torch.einsum("k,kij->ij", w, covs).expand(k, 4, 4)
    fitted in other coordinates
        | x.double() -> ((x - x.nanmean(0)) / deviations(x)).double()
    """,
    )
    valued = edits(
        fit_density,
        """
    bits in place of nats | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: f(p) / math.log(2)
    mean over the dimensions | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: f(p) / 4
    density in place of its logarithm
        | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: f(p).exp()
    negative log-likelihood returned
        | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: -f(p)
    does not integrate to one | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: f(p) + 0.3
    does not integrate to one
        | return MixtureSameFamily(Categorical(probs=w), parts).log_prob
        -> return lambda p: (parts.log_prob(p[:, None]) + w.log()).amax(1) + 0.1
    a floor under the density | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: (f(p).exp() + 1e-6).log()
    a floor under the density | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: (f(p).exp() + 1e-3).log()
    a floor under the density | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: (f(p).exp() + 1e-30).log()
    a floor under the density | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: f(p).clamp(min=-20)
    random at each call | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: f(p) + 0.1 * torch.randn(len(p))
    depends on its place in the batch
        | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: f(p) + (torch.arange(len(p)) == 0)
    depends on the other points | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: f(p).log_softmax(0) + 5
    change of variables without its determinant
        | x.double() -> (x / deviations(x)).double()
        | x, k, floor -> s = deviations(x); x, k, floor
        | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: f(p / s)
    impossible points | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: f(p).where(p[:, 0] < 1, -math.inf)
    the same density everywhere
        | return MixtureSameFamily -> f = MixtureSameFamily
        | .log_prob -> .log_prob; return lambda p: 0 * f(p) - 9
    """,
    )

    @wrong("holes filled with draws from the column")
    def filled_by_column(x):
        x = x.clone()
        for column in x.T:
            hole = column.isnan()
            known = column[~hole]
            column[hole] = known[torch.randint(len(known), (int(hole.sum()),))]
        return Gm13.fit_density(x)

    @wrong("holes filled with predictions")
    def filled_by_a_line(x):
        x, first = x.clone(), x[:, 0] - x[:, 0].mean()
        for column in x.T[1:]:
            known = ~column.isnan()
            line = torch.stack([torch.ones(len(x)), first], 1)
            slope = torch.linalg.lstsq(line[known], column[known, None]).solution
            column[~known] = (line @ slope)[~known, 0]
        return Gm13.fit_density(x)

    @wrong("result of an earlier call")
    @build
    def kept():
        made = []

        def fit_density(x):
            made.append(made[0] if made else Gm13.fit_density(x))
            return made[0]

        return fit_density

    @wrong("NaN carried along")
    def mean_of_nan(x):
        mean, std = x.mean(0), x.std(0)
        return lambda p: (-((p - mean) / std).square() / 2 - std.log()).sum(1)

    @wrong("x ignored")
    def always_the_same(x):
        return MultivariateNormal(torch.zeros(4), 3 * torch.eye(4)).log_prob
