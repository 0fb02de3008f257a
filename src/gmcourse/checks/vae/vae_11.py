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
        "Two things are constants here although they were computed from mean and "
        "log_std: the normalized weights, and the mean and width inside log q.",
        "The draws are not constants: log w must keep its path through z.",
        "softmax gives the normalized weights from log w without ever forming a "
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
        "another power of the weights": "Each draw counts with the square of its "
        "normalized weight.",
        "some draws left out": "All draws count, also the light ones.",
        "log_joint cut off from the graph": "log w moves with z through log p as well.",
        "log_std cut off at a bound": "Widths may be small and large.",
        "another result for the same input": "eps is given: nothing else is drawn, and "
        "nothing is kept between calls.",
        "equal weights": "Draws do not count alike: each by its weight.",
        "mean over the draws": "A sum over the draws is due: the weights add up to 1.",
        "q left out": "log w is log p(x, z) minus log q(z).",
        "log_q added": "log p(x, z)/q(z) is a difference of logarithms.",
        "underflow": "exp of a number below -104 is 0 in float32: stay in the "
        "logarithm.",
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
    log_std = t.uniform(d, low=-1, high=0.3).requires_grad_()
    center, bend = t.away(d, low=0.3, high=1), t.uniform(d, low=0.3, high=0.9)
    if k == 3:
        log_std = torch.tensor([-5.5, 2.5]).requires_grad_()

    def log_joint(z, drop=0.0):
        c, b = center.to(z), bend.to(z)
        return (-0.5 * (z - c) ** 2 - b * torch.sin(2 * z)).sum(-1) - drop

    def log_q(z, m, r):
        return torch.distributions.Normal(m, r.exp()).log_prob(z).sum(-1)

    # No draw may carry most of the weight: mistakes would look alike.
    for _ in range(200):
        eps = t.normal(k, d)
        z = (mean + log_std.exp() * eps).detach()
        share = (log_joint(z) - log_q(z, mean, log_std)).softmax(0)
        if 0.3 <= share.max() <= 0.6 or k <= 3:
            break

    t.property("a scalar" + some)
    out = t.call(doubly_reparameterized, mean, log_std, eps, log_joint)
    t.shape(out, (), "a surrogate for one estimate.", "no scalar")

    again = t.call(doubly_reparameterized, mean, log_std, eps, log_joint)
    why, name = "Nothing random is needed.", "another result for the same input"
    t.close(t.grad(again, mean), t.grad(out, mean), why, name, tol=1e-4)

    # Slopes draw by draw, in double precision; what is held fixed is another leaf.
    m, r = (v.detach().double().requires_grad_() for v in (mean, log_std))
    e = eps.double()
    z = (m + r.exp() * e).detach().requires_grad_()

    def by(weight, ratio, at=z):
        """The sum of weight times slope at the draws, as gradients of (m, r)."""
        slope = torch.autograd.grad((weight * ratio).sum(), at, retain_graph=True)[0]
        return torch.stack([slope.sum(0), (slope * e * r.exp()).detach().sum(0)])

    ratio = log_joint(z) - log_q(z, m.detach(), r.detach())
    share = ratio.softmax(0).detach()
    due = by(share**2, ratio)

    def whole(loss):
        """The gradient of a loss of (m, r), through all its paths."""
        grads = torch.autograd.grad(
            loss, (m, r), retain_graph=True, materialize_grads=True
        )
        return torch.stack(grads)

    moving = m + r.exp() * e
    full = log_joint(moving) - log_q(moving, m, r)
    held = log_joint(moving) - log_q(moving, m.detach(), r.detach())
    joint, plus = log_joint(z), log_joint(z) + log_q(z, m.detach(), r.detach())
    unmoved = log_joint(z.detach()) - log_q(z.detach(), m, r)
    noise = (z - m.detach()) / r.detach().exp()
    held_back = -log_q(z, m.detach(), r.detach())
    ideas = {
        "gradient of the bound itself": whole(full.logsumexp(0)),
        "weights not squared": by(share, ratio),
        "q not held fixed": whole((share**2 * full).sum()),
        "a gradient through the weights": [
            whole((held.softmax(0) ** 2 * held).sum()),
            whole((full.softmax(0) ** 2 * held).sum()),
            whole((full.softmax(0) ** 2 * full).sum()),
        ],
        "draws cut off from the graph": [
            whole((share**2 * unmoved).sum()),
            torch.zeros_like(due),
        ],
        "weights not normalized": [
            by(ratio.exp().detach() ** 2, ratio),
            by((ratio - ratio.max()).exp().detach() ** 2, ratio),
        ],
        "equal weights": [by(share * 0 + k ** -float(p), ratio) for p in (0, 1, 2)],
        "mean over the draws": [due / k, due / k**2],
        "another power of the weights": [
            by(v, ratio) for v in (share**3, share**0.5, share**4, share * (1 - share))
        ],
        "some draws left out": [
            by(share**p * keep, ratio)
            for p in (0, 1, 2)
            for keep in (*torch.eye(k)[[0, -1]], (share == share.max()).double())
        ],
        "factor one half lost": by(share**2, joint + noise.square().sum(1)),
        "log_joint cut off from the graph": by(share**2, joint * 0 + held_back),
        "q left out": [
            by(share**2, joint),
            by(joint.softmax(0).detach() ** 2, joint),
            by(joint.softmax(0).detach() ** 2, ratio),
        ],
        "log_q added": [
            by(plus.softmax(0).detach() ** 2, plus),
            by(share**2, plus),
            by(plus.softmax(0).detach() ** 2, ratio),
        ],
        "mean over the dimensions": due / d,
        "log_std read as log variance": [
            estimate_at(0.5, m, r, e, log_joint),
            by(share**2, joint + 0.5 * (noise.square() * r.detach().exp()).sum(1)),
        ],
        "sign flipped": -due,
    }
    ideas = ideas if k > 3 else {"q not held fixed": ideas["q not held fixed"]}
    bounded = "log_std cut off at a bound" if k == 3 else None
    for i, name in enumerate(("mean", "log_std")):
        t.property(f"the gradient with respect to {name}{some}", of=out)
        why = "Slopes of log w at each draw, by the squares of normalized weights."
        found = {key: pick(v, i) for key, v in ideas.items()}
        if i:
            found = {"log_std cut off from the graph": 0.0, **found}
        slope = t.grad(out, (mean, log_std)[i])
        t.close(slope, due[i], why, bounded, found, tol=2e-3 if k == 3 else 1e-4)

    if k == 3:
        return
    t.property("weights as small as e⁻⁵⁰⁰⁰" + some)
    low = t.call(
        doubly_reparameterized, mean, log_std, eps, lambda z: log_joint(z, 5000.0)
    )
    why = "A factor on all weights changes no share."
    t.close(t.grad(low, mean), due[0], why, "underflow", tol=2e-3)


def pick(values, i):
    return [v[i] for v in values] if isinstance(values, list) else values[i]


def estimate_at(factor, m, r, e, log_joint):
    """The estimate with the width exp(factor r), as gradients of (m, r)."""
    r = (factor * r).detach()
    z = (m + r.exp() * e).detach().requires_grad_()
    q = torch.distributions.Normal(m.detach(), r.exp())
    ratio = log_joint(z) - q.log_prob(z).sum(-1)
    share = ratio.softmax(0).detach()
    slope = torch.autograd.grad((share**2 * ratio).sum(), z)[0]
    return torch.stack([slope.sum(0), (factor * slope * e * r.exp()).sum(0)])
