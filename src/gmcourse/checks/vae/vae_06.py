"""Exercise vae-06: The other gradient."""

import torch

from .._exercise import Exercise


@Exercise(
    id="vae-06",
    title="The other gradient",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Write a surrogate whose gradient is the score-function estimate with a "
        "leave-one-out baseline.",
    ),
    statement=r"""
Where $f$ cannot be differentiated, autograd needs a **surrogate**: a scalar whose
value is of no interest and whose gradient is the estimate. Given are $k$ draws $z_i$
of $q = \mathcal N(m, \operatorname{diag}(s^2))$, shape `(k, d)` with $k \ge 2$, and
the values $f_i = f(z_i)$, shape `(k,)`.

Write `score_surrogate(z, mean, log_std, f)` with `mean` and `log_std` of shape `(d,)`
(the logarithm of $s$). Its gradient with respect to `mean` and `log_std` must be

$$
\frac1k \sum_{i=1}^k (f_i - b_i)\, \nabla \log q(z_i), \qquad
b_i = \text{mean of the } f_j \text{ with } j \ne i.
$$

The draws and the values of $f$ count as constants, even if they carry a gradient.
""",
    stub='''
def score_surrogate(z, mean, log_std, f):
    """(k, d), (d,), (d,), (k,) -> (): its gradient is the estimate."""
    return ...
''',
    answers={"score_surrogate": callable},
    hints=(
        r"$\nabla \log q$ is what autograd can do. The factor in front of it is a "
        "constant for each draw.",
        r"The mean of the others is $(\sum_j f_j - f_i) / (k - 1)$.",
        "`z` may hang on `mean`, if it was drawn by reparameterization: cut it off.",
    ),
    misconceptions={
        "no scalar": "One number is due, the mean over the k draws.",
        "a gradient through the draws": "z is a constant here; with its graph the "
        "estimate gets a second, wrong part.",
        "a gradient through the values of f": "f is a constant here.",
        "values of f standardized": "Dividing by their spread changes the length of "
        "the gradient, and with it what is estimated.",
        "no baseline": "With f itself, a constant added to f would change the "
        "gradient.",
        "own value in the baseline": "With f_i itself in the mean, the baseline "
        "depends on the draw, and the estimate is too small by (k - 1)/k: biased.",
        "sum over the draws": "The mean over the k draws is due.",
        "divided by k - 1 in place of k": "With the mean of the others as the baseline "
        "the mean over the k draws is due; k - 1 belongs to the mean of all values.",
        "divided by another number of draws": "The mean over the k draws is due, with "
        "the mean of the k - 1 other values as the baseline.",
        "shared among draws and dimensions": "The mean is over the k draws, and the "
        "sum over the dimensions of log q.",
        "best constant as the baseline": "The mean of the other values is asked for; "
        "this one weights all values with the squares of the scores.",
        "mean of the others divided by another number": "There are k - 1 others.",
        "f left out": "Each score is multiplied by f_i - b_i.",
        "f squared": "Each score is multiplied by f_i - b_i itself.",
        "score divided by s, not by s²": "The score is (z - mean)/s², with s = "
        "exp(log_std); the deviation is not exp(log_std / 2), either.",
        "score divided by another power of s": "The score is (z - mean)/s², with s = "
        "exp(log_std): Normal takes s itself, not s².",
        "sign of log_std flipped": "s is exp(log_std): the larger, the wider q.",
        "softplus in place of exp": "The input is a logarithm: its exponential is s.",
        "width left out of the score": "d log q / d mean is (z - mean) / s².",
        "baseline added": "The baseline is subtracted from f_i.",
        "score lost": "Is mean missing in log q or detached, z built anew from mean, "
        "or each f paired with every draw, as (k, 1) times (k,) does? Each gives 0.",
        "values paired with other draws": "f_i belongs to log q(z_i).",
        "another result for the same input": "Are there new draws in place of those "
        "given, or is something kept between calls?",
        "f - b cut off": "Differences from the baseline may be of any size.",
        "log_std used as the standard deviation": "It is a logarithm, and may be "
        "negative; its exponential is the standard deviation.",
        "baseline from other values": "b_i is the mean of all the others, each with "
        "the same weight, and the weights sum to 1.",
        "log q cut off below": "The logarithm of a density in many dimensions is a "
        "large negative number, and its gradient is due all the same.",
        "log_std cut off at a bound": "Widths may be small and large.",
        "log_std cut off from the graph": "q has a width, and its gradient is due.",
    },
)
def vae_06(t, score_surrogate):
    for sizes in ((t.integer(5, 7), t.integer(3, 4)), (2, 1)):
        estimate(t, score_surrogate, *sizes)
    for place, center, reach, d in (
        (", far from 0", 1000.0, 0.5, 3),
        (", in 500 dimensions and with widths from 0.03 to 12", 0.0, 3.0, 500),
    ):
        elsewhere(t, score_surrogate, place, center, reach, d)


def elsewhere(t, score_surrogate, place, center, reach, d):
    """Draws of q itself, in one place that is not the usual one."""
    k = 3
    mean = (center + t.uniform(d, low=-1, high=1)).requires_grad_()
    log_std = (t.uniform(d, low=-1, high=1) * reach - 0.5).requires_grad_()
    u = t.uniform(k, d, low=-2, high=2)
    z = (mean + log_std.exp() * u).detach()
    f = t.uniform(k, low=-9, high=9)
    t.property("the gradients" + place)
    out = t.call(score_surrogate, z, mean, log_std, f)
    eps = (z.double() - mean.detach().double()) / log_std.detach().double().exp()
    factor = (f - f.mean()).double() / (k - 1)  # as the covariance of f and the score
    due = factor @ (eps.square() - 1)
    why = "The sample covariance of f and the score."
    got = t.grad(out, log_std)
    t.finite(got, why, "underflow to zero")
    t.true(got.any(), why, "a gradient of 0", "log q cut off below")
    wide = (log_std + 0.5).abs() > 0.25 * reach
    inside = ((got - due).abs() < 1e-3 * (1 + due.abs()))[~wide].all()
    name = "difference of large numbers"
    if center == 0.0:
        name = "log_std cut off at a bound" if inside else None
    t.close(got, due, why, name, tol=1e-3)
    by_mean = t.grad(out, mean) * log_std.detach().exp()
    t.close(by_mean, factor @ eps, why, tol=1e-3)


def estimate(t, score_surrogate, k, d):
    mean = t.uniform(d, low=-1, high=1).requires_grad_()
    log_std = t.uniform(d, low=-1, high=0.5).requires_grad_()
    z = t.uniform(k, d, low=-2, high=2).requires_grad_()
    f = t.uniform(k, low=-9, high=9).requires_grad_()
    some = f", {k} draws of {d} numbers" if k == 2 else ""

    t.property("a scalar" + some)
    out = t.call(score_surrogate, z, mean, log_std, f)
    t.shape(out, (), "a surrogate for one estimate.", "no scalar")

    t.property("draws and values of f are constants" + some)
    why = "No gradient flows into z."
    t.close(t.grad(out, z), 0.0, why, "a gradient through the draws")
    why = "No gradient flows into f."
    t.close(t.grad(out, f), 0.0, why, "a gradient through the values of f")

    # With a leave-one-out baseline the estimate is the unbiased sample covariance of
    # f and the score: an identity, and another way to compute it.
    def scores(wrt, log_std=log_std, power=False):
        q = torch.distributions.Normal(mean, log_std.exp())
        rows = [q.log_prob(row).sum() for row in z.detach()]
        rows = [row.exp() for row in rows] if power else rows
        grad = [torch.autograd.grad(r, wrt, retain_graph=True)[0] for r in rows]
        return torch.stack(grad).double()

    values, score = f.detach().double(), scores(mean)
    total = values.sum()

    def covariance(score):
        return torch.cov(torch.cat([values[None], score.T]))[0, 1:]

    t.property("the same input gives the same gradient" + some)
    again = t.call(score_surrogate, z, mean, log_std, f)
    why, new = "Nothing random is needed.", "another result for the same input"
    t.close(t.grad(again, mean), t.grad(out, mean), why, new, tol=1e-4)

    t.property("the gradient with respect to mean" + some, of=out)
    due = covariance(score)
    spreads = [values.std(correction=c) for c in (0, 1)]
    others, width = (total - values) / (k - 1), log_std.detach().double().exp()
    rest = [torch.cat([values[:i], values[i + 1 :]]) for i in range(k)]
    before = torch.cat([values.new_zeros(1), values.cumsum(0)[:-1]])
    means = {  # what may stand in the place of each baseline
        "": [others],
        "no baseline": [0 * others],
        "baseline added": [-others],
        "own value in the baseline": [total / k + 0 * others],
        "best constant as the baseline": [
            values[:, None] - (values[:, None] * v).sum(0) / v.sum(0)
            for v in (score**2, (score**2).sum(1, True), score.sum(1, True) ** 2)
        ],
        "baseline from other values": [
            *(values.roll(1), values.roll(-1), values[0], values[-1]),
            *(rest[0].mean(), rest[-1].mean(), values.flip(0)),
            *(torch.stack([g(r) for r in rest]) for g in (torch.median, middle)),
            *(torch.stack([g(r) for r in rest]) for g in (torch.max, torch.min)),
            *(values.median(), values.min(), values.max(), values.abs().mean()),
            before / torch.arange(1, k + 1).sub(1).clamp(min=1),
        ],
        "mean of the others divided by another number": [
            *((total - values) / k, total - values, total / (k - 1)),
            *((total - values) / (k - 2), total / (k + 1), (total - values) / (k + 1)),
        ],
        "f - b cut off": [
            *(values - (values - others).clamp(-v, v) for v in (1, 2, 3, 5, 10)),
            *(values - (values - others).sign(), values - (values - others).tanh()),
            *(values - (values - others).clamp(min=0), values.clamp(-1, 1)),
            values - (values - others).abs(),
        ],
        "values of f standardized": [
            values - (values - b) / v for v in spreads for b in (others, total / k)
        ],
        "f left out": [values - 1, values - 1 / k, 2 * values],
        "f squared": [values - (values - others) ** 2],
        "sign flipped": [2 * values - others],
    }
    scales = {  # the factor at the score of each dimension
        "": [1 + 0 * width],
        "width left out of the score": [width**2],
        "score divided by s, not by s²": [width],
        "score divided by another power of s": [1 / width, width**-2, width**4],
        "log_std used as the standard deviation": [(width / width.log()) ** 2],
        "sign of log_std flipped": [width**4],
        "softplus in place of exp": [(width / width.log1p()) ** 2],
        "floor under the standard deviation": [
            v
            for eps in (1e-6, 1e-4, 1e-3, 1e-2, 1e-1)
            for v in (width**2 / (width**2 + eps), (width / (width + eps)) ** 2)
        ],
        "dimensions left out": one_or_all_but_one(d),
    }
    sums = {
        "": [1.0],
        "sum over the draws": [k],
        "divided by k - 1 in place of k": [k / (k - 1)],
        "divided by another number of draws": [k / (k + 1), 1 / k],
        "mean over the dimensions": [1 / d],
        "off by a factor of two": [2.0, 0.5],
        "shared among draws and dimensions": [k / d, 1 / (k * d)],
    }
    ideas = {
        **products(t.grad(out, mean), values, score, means, scales, sums),
        "values paired with other draws": [
            # Of rounding alone: a density far out gives little more.
            0 * due if t.grad(out, mean).abs().max() < 2e-6 * score.abs().max() else [],
            *(covariance(score.roll(v, 0)) for v in (1, -1)),
            covariance(score.flip(0)),
        ],
        "density in place of its logarithm": covariance(scores(mean, power=True)),
    }
    why = "The sample covariance of f and the score, which this estimate is equal to."
    by_mean, cut = t.grad(out, mean), "mean cut off from the graph"
    if reaches(t.tensor(out), mean):
        cut = "score lost"
    t.true(k == 2 or by_mean.any(), why, "a gradient of 0", cut)
    t.close(by_mean, due, why, ideas=ideas if k > 2 else None, tol=1e-4)

    t.property("the gradient with respect to log_std" + some, of=out)
    ideas = {"log_std cut off from the graph": 0.0}
    width = t.grad(out, log_std)
    t.close(width, covariance(scores(log_std)), why, ideas=ideas, tol=1e-4)

    t.property("a constant added to f changes nothing" + some)
    more = t.call(score_surrogate, z, mean, log_std, f + 50.0)
    why = "The baseline takes it away again."
    kept = "result of an earlier call"
    t.close(t.grad(more, mean), by_mean, why, kept, tol=1e-3)


def reaches(out, leaf):
    """Whether a path in the graph leads from ``out`` to ``leaf``."""
    if not out.requires_grad:
        return False
    slope = torch.autograd.grad(out, leaf, retain_graph=True, allow_unused=True)
    return slope[0] is not None


def one_or_all_but_one(d):
    """Masks of d entries that keep one entry, or all but one, at either end."""
    one = torch.eye(d, dtype=torch.float64)[[0, -1]]
    return [*one, *(1 - one)]


def middle(x):
    """The median, between two values if their number is even."""
    return x.quantile(0.5)


def products(got, values, score, means, scales, sums):
    """The gradient that came out, by what gives it: one wrong choice, or two.

    ``means`` are baselines, ``scales`` factors of each dimension, ``sums`` of all.
    """
    rows = [[(k, v) for k in part for v in part[k]] for part in (means, scales, sums)]
    column = [values - b if torch.as_tensor(b).dim() < 2 else b for _, b in rows[0]]
    parts = [((v[:, None] if v.dim() < 2 else v) * score).mean(0) for v in column]
    grads = (
        torch.stack(parts)[:, None, None]
        * torch.stack([v for _, v in rows[1]])[:, None]
    )
    grads = grads * torch.tensor([v for _, v in rows[2]]).double()[:, None]
    got = got.cpu().double()
    fits = ((grads - got).abs() <= 1e-4 * got.abs().max()).all(-1).nonzero().tolist()
    names = [[rows[i][j][0] for i, j in enumerate(at) if rows[i][j][0]] for at in fits]
    names = sorted((v for v in names if 0 < len(v) < 3), key=len)
    return {names[0][0]: got} if names else {}
