"""Exercise vae-11: A gradient that gets better with k."""

import torch

from .._exercise import Exercise


@Exercise(
    id="vae-11",
    title="A gradient that gets better with k",
    difficulty=4,
    minutes=45,
    compute="cpu-instant",
    points=5,
    objectives=(
        "Write a surrogate for the doubly reparameterized gradient of the "
        "importance-weighted bound.",
    ),
    statement=r"""
Differentiate $\mathcal L_k$ of [(3.9)](#eq-iwae) with respect to the encoder's
outputs, reparameterized: the weights depend on $m$ and $\log s$ through the draws
$z_i = m + s\,\epsilon_i$, and through the density $q$ by which they are divided. The
second part has a mean that can be reparameterized once more
([Tucker et al., 2019](https://arxiv.org/abs/1810.04152)), and the sum of both is

$$
\sum_{i=1}^k \tilde w_i^2 \;\nabla_z \log w_i(z_i)^\top\, \nabla_\phi\, z_i,
\qquad \tilde w_i = \frac{w_i}{\sum_j w_j},
$$

where $\nabla_z \log w_i$ is the slope of $\log p(x, z) - \log q(z)$ with respect to
$z$, for a $q$ that is held fixed.

Write `doubly_reparameterized(mean, log_std, eps, log_joint)`: `mean` and `log_std` of
shape `(d,)`, the noise `eps` of shape `(k, d)`, and a function `log_joint` from codes
`(k, d)` to $\log p(x, z_i)$, shape `(k,)`, differentiable in the codes. It returns a
**surrogate**: a scalar whose value is of no interest, and whose gradient with respect
to `mean` and `log_std` is the estimate above. The gradient with respect to what is
inside `log_joint` is not asked for. It has to be right where all $\log w_i$ are near
$-5000$.

Then see what the title says (not checked). Take $p(x, z)$ and
$q = \mathcal N(0.3, 0.4^2)$ of [vae-04](#vae-04), and for $k = 1, 10, 100, 1000$ make
$10^5$ estimates of the gradient with respect to the mean of $q$: of this kind, and of
the plain one of `log_w.logsumexp`. In one batch it takes seconds: `eps` of shape
`(n, k)`, and a copy of the mean for each row, `torch.full((n, 1), 0.3,
requires_grad=True)`, so that one `backward` gives n estimates (n = 2000 at a time for
$k = 1000$). For both kinds divide the mean of the estimates by their standard
deviation; for the mean take that of the new ones, which has far less noise. Which of
the two ratios grows with $k$, and how?
""",
    stub='''
def doubly_reparameterized(mean, log_std, eps, log_joint):
    """(d,), (d,), (k, d), (k, d) -> (k,); returns (): a surrogate."""
    return ...
''',
    answers={"doubly_reparameterized": callable},
    hints=(
        "Two things are constants here although they were computed from `mean` and "
        r"`log_std`: the normalized weights, and the mean and width inside $\log q$.",
        r"The draws are not constants: $\log w$ must keep its path through $z$.",
        r"`softmax` gives the normalized weights from $\log w$ without ever forming a "
        "weight. Look at the exponent of the weight in the formula.",
    ),
    misconceptions={
        "no scalar": "One number is due: the sum over the k draws.",
        "gradient of the bound itself": "This is the plain reparameterized gradient: "
        "q is not held fixed in it, and its weights are not squared.",
        "weights not squared": "Each draw counts with the square of its weight: the "
        "second reparameterization takes one of the two parts away.",
        "q not held fixed": "The mean and width inside log q are constants; only z "
        "moves.",
        "a gradient through the weights": "The normalized weights are constants.",
        "draws cut off from the graph": "z has to hang on mean and log_std.",
        "weights not normalized": "The weights add up to 1.",
        "squares normalized": "The weights add up to 1, and are then squared: their "
        "squares add up to less.",
        "another power of the weights": "Each draw counts with the square of its "
        "normalized weight.",
        "the sum squared": "Each weight is squared, not the sum over the draws.",
        "some draws left out": "All draws count, also the light ones.",
        "slope of log p alone": "log w moves with z through log q as well, and through "
        "log p: the slope of their difference is due.",
        "another result for the same input": "eps is given: nothing else is drawn, and "
        "nothing is kept between calls.",
        "equal weights": "Draws do not count alike: each by its weight.",
        "mean over the draws": "A sum over the draws is due: the weights add up to 1.",
        "q left out": "log w is log p(x, z) minus log q(z).",
        "log_q added": "log p(x, z)/q(z) is a difference of logarithms.",
        "another density in place of q": "log q is a sum over the dimensions, of "
        "-((z - mean)/std)²/2 - log std: look at each part, and at the axis.",
        "another width than exp(log_std)": "The width is exp(log_std), in the draws "
        "and inside log q: its half, its double or itself will not do.",
        "prior counted twice": "log_joint holds the prior already.",
        "log q of shape (k, 1)": "With an axis kept, (k,) and (k, 1) make (k, k).",
        "overflow": "exp of a number above 88 is infinite in float32: subtract the "
        "largest log w first, not their mean, or take softmax.",
        "underflow": "exp of a number below -104 is 0 in float32: stay in the "
        "logarithm.",
        "a bound on the logarithms": "Cut off at a bound, all weights become equal.",
        "log_std cut off from the graph": "q has a width, and its gradient is due.",
    },
)
def vae_11(t, doubly_reparameterized):
    for k, d, some in (
        (t.integer(5, 6), t.integer(3, 4), ""),
        (1, 2, ", one draw"),
        (3, 2, ", a narrow and a wide dimension"),
    ):
        estimate(t, doubly_reparameterized, k, d, some)


def estimate(t, doubly_reparameterized, k, d, some):
    mean = t.uniform(d, low=-1, high=1).requires_grad_()
    log_std = t.uniform(d, low=-1, high=-0.2).requires_grad_()
    center, bend = t.away(d, low=0.3, high=1), t.uniform(d, low=0.3, high=0.9)
    if k == 3:
        log_std = torch.tensor([-5.5, 2.5]).requires_grad_()

    def log_joint(z, drop=0.0):
        c, b = center.to(z), bend.to(z)
        return (-0.5 * (z - c) ** 2 - b * torch.sin(2 * z)).sum(-1) - drop

    # No draw may carry most of the weight: mistakes would look alike.
    for _ in range(200):
        eps = t.normal(k, d)
        z = (mean + log_std.exp() * eps).detach()
        share = (log_joint(z) - each(z, mean, log_std).sum(-1)).softmax(0)
        if 0.3 <= share.max() <= 0.6 or k <= 3:
            break
    if k == 3:
        eps[0, 1] = 3.0  # the other weights are e¹⁰⁰ times as large, and more

    def answer(drop=0.0):
        args = mean, log_std, eps, lambda z: log_joint(z, drop)
        return t.call(doubly_reparameterized, *args)

    def grads(out):
        return torch.stack([t.grad(out, v) for v in (mean, log_std)])

    t.property("a scalar" + some)
    out = answer()
    t.shape(out, (), "a surrogate for one estimate.", "no scalar")
    why, name = "A gradient.", "overflow" if k == 3 else "not finite"
    t.finite(grads(out), why, name)
    why, name = "Nothing random is needed.", "another result for the same input"
    t.close(grads(answer()), grads(out), why, name, tol=1e-4)

    due, ideas, equal = rivals(mean, log_std, eps, log_joint)
    if k == 1 and ideas:
        ideas = {n: ideas[n] for n in ("q not held fixed", "slope of log p alone")}
    t.property(f"the gradients with respect to mean and log_std{some}", of=out)
    why = "Slopes of log w at each draw, by the squares of normalized weights; row 0 "
    why += "is that of mean, row 1 that of log_std."
    t.close(grads(out), due, why, ideas=ideas, tol=2e-3 if k == 3 else 1e-4)
    if k < 5:
        return
    t.property("weights as small as e⁻⁵⁰⁰⁰")
    why, low = "A factor on all weights changes no share.", answer(5000.0)
    ideas = {"a bound on the logarithms": equal}
    t.close(grads(low), due, why, "underflow", ideas, tol=2e-3)


def each(z, m, r):
    return torch.distributions.Normal(m, r.exp()).log_prob(z)


def rivals(mean, log_std, eps, log_joint):
    """What is due, what mistakes give, and what equal weights give, as (2, d).

    The estimate is a sum over draws of a weight times a slope. There are choices for
    log w in the weight, for what is made of it, and for the slope: each mistake is a
    wrong one, alone or with one of another kind.
    """
    (k, d), e = eps.shape, eps.double()
    m, r = (
        v.detach().double().expand(k, d).clone().requires_grad_()
        for v in (mean, log_std)
    )
    fixed_m, fixed_r = m.detach(), r.detach()

    def slopes(loss):
        """The gradient of a loss of (m, r) with respect to those of each draw."""
        by = torch.autograd.grad(
            loss, (m, r), retain_graph=True, materialize_grads=True
        )
        return torch.stack(by, 1)

    z = m + r.exp() * e
    at, noise = z.detach(), (z - fixed_m) / fixed_r.exp()
    joint, q = log_joint(z), each(z, fixed_m, fixed_r).sum(1)
    prior = each(z, torch.zeros(()), torch.zeros(())).sum(1)
    log_w, right = (joint - q).detach(), slopes((joint - q).sum())
    share, w = log_w.softmax(0), log_w.exp()

    def total(weight, by):
        return torch.einsum("k,kxd->xd", weight.double(), by)

    due = total(share**2, right)
    if k == 3:  # an edge, where one mistake is left
        return due, None, None

    def log_of(z):
        return log_joint(z) - each(z, fixed_m, fixed_r).sum(1)

    moving = joint - each(z, m, r).sum(1)
    densities = {  # in place of log p - log q, in the slope and in the weight
        "q left out": [joint],
        "log_q added": [joint + q],
        "prior counted twice": [joint + prior - q],
        "another density in place of q": [
            *(joint - q / d, joint - each(z, fixed_m, fixed_r / 2).sum(1)),
            joint - each(z, fixed_m, 2 * fixed_r).sum(1),
            joint + noise.square().sum(1) + fixed_r.sum(1),
        ],
        "another width than exp(log_std)": [
            log_joint(v) - each(v, fixed_m, s).sum(1)
            for scale in (r / 2, 2 * r)
            for v in (m + scale.exp() * e,)
            for s in (scale.detach(), fixed_r)
        ],
    }
    bent = {
        "q not held fixed": [
            moving,
            joint - each(z, m, fixed_r).sum(1),
            joint - each(z, fixed_m, r).sum(1),
        ],
        "draws cut off from the graph": [
            log_joint(at) - each(at, m, r).sum(1),
            each(at, m, r).sum(1),
        ],
        "slope of log p alone": [joint],
        "log_std cut off from the graph": [log_of(m + fixed_r.exp() * e)],
        "mean cut off from the graph": [log_of(fixed_m + r.exp() * e)],
    }
    top, rest = share == share.max(), torch.eye(k)[[0, -1]].double()
    weights = {
        "weights not squared": [share],
        "mean over the draws": [share**2 / k, share**2 * k],
        "equal weights": [share * 0 + k**-p for p in (0.0, 1.0, 2.0)],
        "squares normalized": [(2 * log_w).softmax(0)],
        "another power of the weights": [
            *(share**p for p in (0.5, 3, 4)),
            *(share * (1 - share), share + share**2),
        ],
        "weights not normalized": [
            *(w, w**2, (share / share.max()) ** 2, share / share.max())
        ],
        "some draws left out": [share**p * v for v in (top, *rest) for p in (0, 1, 2)],
    }
    by = {n: [slopes(v.sum()) for v in vs] for n, vs in (bent | densities).items()}
    ideas = {n: [total(v, right) for v in vs] for n, vs in weights.items()}
    for name in bent:
        ideas[name] = [total(share**2, v) for v in by[name]]
    for name, terms in densities.items():
        ideas[name] = [
            total(v.detach().softmax(0) ** 2, s)
            for v, own in zip(terms, by[name])
            for s in (own, right)
        ]
    held, kept = joint - q, joint - q[:, None]
    more = {
        "gradient of the bound itself": [moving.logsumexp(0)],
        "a gradient through the weights": [
            (v.softmax(0) ** 2 * v).sum() for v in (held, moving)
        ],
        "the sum squared": [(share * held).sum() ** 2],
        "log q of shape (k, 1)": [
            (kept.softmax(axis).detach() ** 2 * kept).sum() for axis in (0, 1)
        ],
    }
    found = {n: [slopes(v).sum(0) for v in losses] for n, losses in more.items()}
    ideas = {
        "cut off from the graph": [0 * due, total(share**2, slopes(-q.sum()))],
        "sign flipped": [-due],
        "mean over the dimensions": [due / d],
        **found,
        **ideas,
    }
    return due, ideas, total(share * 0 + k**-2.0, right)
