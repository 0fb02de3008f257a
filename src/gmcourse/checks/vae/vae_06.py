"""Exercise vae-06: The other gradient."""

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import wrong_part
from .._relations import relation


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
        "divided by another number of draws": "With the mean of the others as the "
        "baseline the mean over the k draws is due; k - 1 belongs to the mean of all.",
        "one baseline for all draws": "The same number is taken from every f: each has "
        "its own, the mean of the others.",
        "own value left in the sum": "Before the sum of all values is divided by "
        "k - 1, the own value is to be taken out of it.",
        "own value taken from the mean": "It is taken from the sum of all, before "
        "that is divided.",
        "sum of the others divided by another number": "There are k - 1 others.",
        "log q taken into f": "The values of f are multiplied as they are: neither "
        "log q nor a log weight belongs into them or their baseline.",
        "another function of f": "The values themselves are due, not their square, "
        "size, sign, exponential or rank.",
        "weights in place of differences": "f_i - b_i is negative where a value lies "
        "below the others; here no factor is, as of a softmax or of |f - b|.",
        "draws left out": "The scores of some draws have the factor 0.",
        "another factor at each score": "The scores are right. Each is to be "
        "multiplied by f_i minus the mean of the others, and divided by k.",
        "another width in the score": "All is right but for one factor in each "
        "dimension, which log_std alone decides: the score is (z - mean)/s², with s = "
        "exp(log_std), and nothing added to it and no bound.",
        "the score of another density": "The result is no sum of scores (z - mean)/s², "
        "whatever their factors: look at log q of one draw.",
        "f left out": "Each score is multiplied by f_i - b_i.",
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
        "f - b cut off": "Differences from the baseline may be of any size and sign.",
        "sum of densities in place of their product": "The logarithms of independent "
        "dimensions add up, with no exponential between.",
        "square of log q": "Its first power is multiplied by f - b.",
        "product over the dimensions": "Logarithms of independent dimensions add up.",
        "log_std used as the standard deviation": "It is a logarithm, and may be "
        "negative; its exponential is the standard deviation.",
        "baseline from other values": "b_i is the mean of all the others, each with "
        "the same weight: no median, largest, neighbor or part of them.",
        "log q cut off below": "The logarithm of a density in many dimensions is a "
        "large negative number, and its gradient is due all the same.",
        "log_std cut off at a bound": "Widths may be small and large.",
        "log_std cut off from the graph": "q has a width, and its gradient is due.",
    },
)
def vae_06(t, score_surrogate):
    for sizes in ((t.integer(5, 7), 13), (2, 1)):  # a prime, so that no ratio is 2
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
    mean = t.uniform(d, low=-1, high=1) + 0.0031  # so that z - mean adds up to no 0
    log_std = t.uniform(d, low=-1, high=0.5) + 0.005  # none is 0
    z, f = t.uniform(k, d, low=-2, high=2), t.uniform(k, low=-9, high=9)
    # On both sides of the mean in each dimension, or signs alone could add up to 0.
    z[:2] = mean + torch.tensor([[1.0], [-1.0]]) * t.uniform(2, d, low=0.1, high=2)
    while k > 2 and not telling(f):
        f = t.uniform(k, low=-9, high=9)
    for v in (mean, log_std, z, f):
        v.requires_grad_()
    some = f", {k} draws of {d} numbers" if k == 2 else ""
    given = z, mean, log_std, f

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
    def scores(wrt):
        q = torch.distributions.Normal(mean, log_std.exp())
        rows = [q.log_prob(row).sum() for row in z.detach()]
        grad = [torch.autograd.grad(r, wrt, retain_graph=True)[0] for r in rows]
        return torch.stack(grad).double()

    values = f.detach().double()

    def covariance(score):
        return torch.cov(torch.cat([values[None], score.T]))[0, 1:]

    t.property("the same input gives the same gradient" + some)
    again = t.call(score_surrogate, z, mean, log_std, f)
    why, new = "Nothing random is needed.", "another result for the same input"
    t.close(t.grad(again, mean), t.grad(out, mean), why, new, tol=1e-4)

    t.property("the gradient with respect to mean" + some, of=out)
    due = covariance(scores(mean))
    why = "The sample covariance of f and the score, which this estimate is equal to."
    by_mean, cut = t.grad(out, mean), "mean cut off from the graph"
    if reaches(t.tensor(out), mean):
        cut = "score lost"
    t.true(k == 2 or by_mean.any(), why, "a gradient of 0", cut)
    if k > 2 and far(by_mean.double(), due, 1e-3).any():
        name, got = diagnosis(by_mean.double(), *(v.detach().double() for v in given))
        if name is None:  # other draws of the same q tell a wrong width
            z, f = t.uniform(k, d, low=-2, high=2), t.uniform(k, low=-9, high=9)
            other = t.grad(t.call(score_surrogate, z, mean, log_std, f), mean)
            values, ratio = f.double(), by_mean / due
            again = other / covariance(scores(mean))
            name = "the score of another density"
            if not far(again, ratio, 1e-2).any():
                name = "another width in the score"
                numbers = [", ".join(f"{x:.3g}" for x in v) for v in (ratio, log_std)]
                got = "in each dimension {} times what is due; log_std is {}"
                got = got.format(*numbers)
        t.fail(name, why=why, got=got)
    t.close(by_mean, due, why, tol=1e-4)

    t.property("the gradient with respect to log_std" + some, of=out)
    ideas = {"log_std cut off from the graph": 0.0}
    width = t.grad(out, log_std)
    t.close(width, covariance(scores(log_std)), why, ideas=ideas, tol=1e-4)

    t.property("a constant added to f changes nothing" + some)
    more = t.call(score_surrogate, z, mean, log_std, f + 50.0)
    why = "The baseline takes it away again."
    kept = "result of an earlier call"
    t.close(t.grad(more, mean), by_mean, why, kept, tol=1e-3)


def telling(f):
    """Whether no mistake with these values of f looks like another."""
    above, k = (f > f.mean()).sum(), len(f)
    spreads = torch.stack([f.std(correction=c) for c in (0, 1)])
    apart = all((c * spreads - k).abs().min() > 0.1 for c in (1, k / (k - 1)))
    return f.min() < -2 and f.max() > 2 and 2 <= above <= k - 2 and apart


def reaches(out, leaf):
    """Whether a path in the graph leads from ``out`` to ``leaf``."""
    if not out.requires_grad:
        return False
    slope = torch.autograd.grad(out, leaf, retain_graph=True, allow_unused=True)
    return slope[0] is not None


def diagnosis(got, z, mean, log_std, f):
    """The name of what is wrong in a gradient by mean, and what to say of it.

    With more dimensions than draws it tells the factor of each draw's score, whatever
    they are, if the scores are right: and if they are wrong in one of these ways.
    """
    k, gap, s = len(z), z - mean, log_std.exp()
    each = torch.distributions.Normal(mean, s).log_prob(z)
    due = f - (f.sum() - f) / (k - 1)
    scores = {
        "": [gap / s**2],
        "width left out of the score": [gap],
        "score divided by s, not by s²": [gap / s],
        "score divided by another power of s": [gap / s**p for p in (3, 4, -1)],
        "log_std used as the standard deviation": [gap / log_std**2, gap / log_std],
        "sign of log_std flipped": [gap * s**2],
        "softplus in place of exp": [gap / s.log1p() ** 2],
        "sum of densities in place of their product": [gap / s**2 * each.softmax(1)],
        "density in place of its logarithm": [gap / s**2 * each.exp()],
        "product over the dimensions": [gap / s**2 / each * each.prod(1, True)],
    }
    best = gap**2 / s**4, (gap**2 / s**2 - 1) ** 2
    for v in (best[0], best[1], best[0] + best[1]):
        if not far(
            got,
            ((f[:, None] - (f[:, None] * v).sum(0) / v.sum(0)) * gap / s**2).mean(0),
            1e-3,
        ).any():
            return "one baseline for all draws", "a baseline for each dimension"
    seen = got != 0
    if not seen.all():
        return "dimensions left out", f"a gradient in {int(seen.sum())} dimensions only"
    tiny = got.abs().max() < 2e-6 * scores[""][0].abs().max()  # rounding, or densities
    for wrong, found in {"": scores[""]}.items() if tiny else scores.items():
        for score in found:
            size = score.norm(dim=0).clamp(min=1e-12)
            score, aim = score / size, got / size
            # Where widths differ by much a factor has few digits: what is due is first.
            factor = k * torch.linalg.lstsq(score.T, aim[:, None]).solution[:, 0]
            off = [(score.T @ v / k - aim).abs().max() for v in (due, factor)]
            if min(off) > 1e-4 * aim.abs().max():
                continue
            factor = due if off[0] <= 1e-4 * aim.abs().max() else factor
            name = wrong_factor(factor, due, f, each.sum(1), z.shape[1])
            numbers = [", ".join(f"{x:.3g}" for x in v) for v in (factor, due)]
            text = "the scores are multiplied by {}, where f - b is {}".format(*numbers)
            bad = far(factor, due, 1e-3)
            same = relation(factor, due, bad) if bad.any() else ""
            text += f": {same}" if same else ""
            return ", and ".join(v for v in (wrong, name) if v), text
    text = f"{got[0]:.6g} at [0], and no sum of scores (z - mean)/s² gives the gradient"
    return ("score lost" if tiny else None), text


def wrong_factor(out, due, f, log_q, d):
    """What gives other factors of the scores than f minus the mean of the others."""
    k, total = len(f), f.sum()
    rest = [torch.cat([f[:i], f[i + 1 :]]) for i in range(k)]
    before, after = f.cumsum(0) - f, f.flip(0).cumsum(0).flip(0) - f
    count = torch.arange(k).to(f)

    def centered(v):
        return v - (v.sum() - v) / (k - 1)

    def others(g):
        return f - torch.stack([g(r) for r in rest])

    spreads = [f.std(correction=c) for c in (0, 1)] + [r.std() for r in rest[:1]]
    factors = {
        "": due,
        "no baseline": f,
        "own value in the baseline": f - f.mean(),
        "baseline added": f + (total - f) / (k - 1),
        "own value left in the sum": [f - total / c for c in (k - 1, k + 1, 1)],
        "own value taken from the mean": [
            *(f - (total / k - f) / c for c in (1, k - 1)),
            *(f - (total / (k - 1) - f) / c for c in (1,)),
            *(f - (total - f / c) / (k - 1) for c in (k, k - 1)),
        ],
        "sum of the others divided by another number": [
            f - (total - f) / c for c in (k, 1, k - 2, k + 1, 2)
        ],
        "baseline from other values": [
            *(f - f.roll(c) for c in (1, -1)),
            *(f - f.flip(0), f - rest[0].mean(), f - rest[-1].mean()),
            *map(others, (torch.median, middle, torch.max, torch.min)),
            *(
                f - before / count.clamp(min=1),
                f - after / (k - 1 - count).clamp(min=1),
            ),
            *(f - before / (count + 1), f - (before + f) / (count + 1)),
            f - (total - f).div(k - 1).roll(1),
        ],
        "values of f standardized": [
            v / c for v in (due, f - f.mean()) for c in spreads
        ],
        "f left out": [1 + 0 * f, -(total - f) / (k - 1)],
        "log q taken into f": [
            v
            for c in (1, -1)
            for v in (centered(f + c * log_q), f + c * log_q, due + c * log_q)
        ],
        "another function of f": [
            *(centered(g(f)) for g in (torch.exp, torch.abs, torch.tanh, torch.sign)),
            *(centered(v) for v in (f.argsort().argsort().to(f), f.softmax(0), f**2)),
            *(due**2, (f - f.mean()) ** 2, f**2),
        ],
        "f - b cut off": [
            *(due.clamp(min=0), due.clamp(max=0), due.tanh(), centered(f.clamp(-1, 1))),
        ],
        "square of log q": 2 * due * log_q,
    }
    by_draws = {
        "": 1.0,
        "sum over the draws": k,
        "divided by another number of draws": [
            *(k / (k + c) for c in (-1, 1, -2)),
            1 / k,
        ],
        "off by a factor of two": [2.0, 0.5],
        "sign flipped": -1.0,
    }
    by_dimensions = {"": 1.0, "mean over the dimensions": 1 / d}
    right, bound = not far(out, due, 1e-3).any(), out.abs().max()
    dense = due * (log_q - log_q.max()).exp()
    shares = not far(out.sum(), 1.0, 1e-3).any()  # a softmax, or only one is not 0
    if not shares and not far(out / bound, dense / dense.abs().max(), 1e-3).any():
        return "density in place of its logarithm"
    if bound < 1e-4:
        return "score lost"
    if right or not far(out, due.clamp(-bound, bound), 1e-3).any():
        return "" if right else "f - b cut off"
    parts = by_draws, by_dimensions, factors
    name = wrong_part(out, lambda c, e, v: v * c * e, *parts, tol=2e-4)
    order = not far(out.sort()[0], due.sort()[0], 1e-3).any()
    kinds = {
        "values paired with other draws": order,
        "one baseline for all draws": (f - out).std() < 1e-3,
        "weights in place of differences": (out > -1e-4).all() and f.min() < -1,
        "draws left out": (out.abs() < 1e-4 * bound).any(),
        "another factor at each score": True,
    }
    return name or next(k for k, v in kinds.items() if v)


def middle(x):
    """The median, between two values if their number is even."""
    return x.quantile(0.5)
