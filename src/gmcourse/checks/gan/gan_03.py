"""Exercise gan-03: A third loss."""

import itertools

import torch

from .._exercise import Exercise


@Exercise(
    id="gan-03",
    title="A third loss",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Derive the generator's loss whose gradient, with the best critic held fixed, "
        "is that of maximum likelihood.",
    ),
    statement=r"""
By [(4.5)](#eq-nonsaturating) the non-saturating loss follows a *reverse* divergence
when the best critic is held fixed. Maximum likelihood follows the forward one. Find the
function $h$ of the critic's value for which

$$
\nabla_\theta\, \mathbb{E}_{q}\bigl[h(f^*(x))\bigr] \Big|_{f^* \text{ fixed}}
  = \nabla_\theta\, \mathrm{KL}(p \,\|\, q)
$$

for every $p$ and every generator. Derive it as (4.5) was derived: how does
$\mathrm{KL}(p \,\|\, q)$ change with $q$, and of which function is that the mean under
the change of $q$? An additive constant in $h$ changes nothing; choose it so that
$h(f) \to 0$ as $f \to -\infty$. Then $h$ is unique.

Write `likelihood_loss(made)`: the critic's values at the examples that the generator
made, shape `(b,)`, float32 or float64; return the mean of $h$ over the batch, a scalar
tensor from which the gradient flows to `made`. Value and gradient have to be right for
all values from $-1000$ to $80$, in batches of up to 1000 examples: no clamp, and
nothing added to keep a number finite.

And on paper (not checked): what is the value of this loss if the critic is the best
one, where $q > 0$ wherever $p > 0$? What can be read from it while training?
""",
    stub='''
def likelihood_loss(made):
    """(b,) -> (): the mean of h over the batch."""
    return ...
''',
    answers={"likelihood_loss": callable},
    hints=(
        r"Write the expectation as a sum over places: $\sum_x q(x)\, h(f^*(x))$ with "
        r"$h(f^*(x))$ held fixed. Its derivative in $q(x)$ is $h(f^*(x))$.",
        r"$\mathrm{KL}(p \,\|\, q)$ is $\sum_x p(x) \log p(x)$ minus "
        r"$\sum_x p(x) \log q(x)$. "
        "What is its derivative in $q(x)$?",
        r"By (4.2) that derivative is a function of $f^*(x)$ alone. A saturated "
        r"sigmoid is no way to compute it: $D / (1 - D)$ is $1/0$ from $f = 17$ on.",
    ),
    misconceptions={
        "value of the divergence": "E_q[(p/q) log (p/q)] is KL(p || q), but with the "
        "ratio held fixed its gradient is another one: differentiate the divergence "
        "in q first.",
        "logarithm of the ratio": "Its mean under q belongs to the reverse "
        "divergence, KL(q || p).",
        "saturating loss": "The mean of log(1 - D) follows 2 JS.",
        "non-saturating loss": "The mean of -log D follows KL(q || p) - 2 JS.",
        "probability in place of the ratio": "D is bounded by 1; the derivative of "
        "KL(p || q) in q is not.",
        "ratio turned around": "p/q is exp(f), and q/p is exp(-f).",
        "root or square of the ratio": "The derivative of -p log q in q holds 1/q "
        "once.",
        "another constant": "h is 0 where the critic is sure that an example was made.",
        "weights normalized over the batch": "h of an example does not depend on the "
        "others: no softmax and no logarithm of the mean.",
        "not averaged over the batch": "One number is due, the mean.",
        "half of what is due, or twice": "KL(p || q) is to be followed, neither half "
        "of it nor twice.",
        "a bound on the ratio": "A clamp, or a small number beside 1 - D, takes the "
        "gradient of the examples that count most, those that q makes too seldom.",
        "small values lost": "Where the critic is sure that an example was made h is "
        "small, not 0: something took it for 0, or rounded it beside a larger number.",
        "slope of another function": "The value is that of h, the gradient is not: "
        "both have to come from one and the same function.",
        "overflow": "The result is finite, and a number on the way to it, or to its "
        "gradient, is not: a square, a product or exp of a large number.",
        "odds of a saturated sigmoid": "D is exactly 1 in float32 for values above 17: "
        "D/(1 - D) is then infinite, and its gradient no number.",
    },
)
def gan_03(t, likelihood_loss):
    b = t.integer(6, 8)
    made = t.uniform(b, low=-2, high=2.5).requires_grad_()

    def slope_of_kl(f):
        """d KL(p || q) / dq at places where log p - log q is f, by autograd."""
        f = f.double()
        q = torch.full_like(f, 0.1).requires_grad_()
        log_p = f + q.detach().log()
        kl = (log_p.exp() * (log_p - q.log())).sum()
        return torch.autograd.grad(kl, q, create_graph=True)[0]

    t.property("one number")
    batches = [made, t.uniform(5, low=-1, high=2), t.uniform(3, low=-2, high=1)]
    outs = [t.tensor(t.call(likelihood_loss, v)) for v in batches]
    t.shape(outs[0], (), "the mean over the batch.", ideas={UNREDUCED: (b,)})

    # A mistake has to fit in all three: one number may be anything by chance.
    t.property("its value: the mean of dKL(p || q)/dq over the batch", of=outs[0])
    due = torch.stack([slope_of_kl(v).mean() for v in batches]).detach()
    why = "By (4.2) q is p / exp(f): the derivative at these places, by autograd."
    ideas = rivals([v.detach().double() for v in batches])
    t.close(torch.stack(outs), due, why, ideas=ideas)

    t.property("a world of five places: the gradient in q is that of KL(p || q)")
    theta = t.uniform(5, low=-1, high=1).double().requires_grad_()
    p = t.uniform(5, low=-1, high=1).double().softmax(0)
    q = theta.softmax(0)
    f = (p.log() - q.log()).detach()
    each = [t.tensor(t.call(likelihood_loss, v[None].float())).detach() for v in f]
    mean = q @ torch.stack(each).double()
    due = t.grad((p * (p.log() - q.log())).sum(), theta)
    right = abs(float(each[0] - slope_of_kl(f[:1]).detach())) < 1e-4
    kept = (
        "result of an earlier call"
        if right and len(set(map(float, each))) == 1
        else None
    )
    why = "The same for all parameters of q."
    t.close(t.grad(mean, theta), due, why, kept, tol=1e-4)

    out = outs[0]
    t.property("its gradient in the critic's values", of=out)
    weight = t.grad(slope_of_kl(made).mean(), made)
    why = "The derivative of h at each value, divided by the size of the batch."
    found = ((SLOPE, v) for v in slopes(made.detach().double()))
    ideas = itertools.chain([(CUT, 0.0)], found)
    t.close(t.grad(out, made), weight, why, ideas=ideas, tol=1e-4)

    def finite(values):
        values = values.detach().requires_grad_()
        out = t.tensor(t.call(likelihood_loss, values))
        return bool(out.isfinite().all() and t.grad(out, values).isfinite().all())

    def cause(high):
        """Of what is not finite: a sigmoid is 1 from 17 on, or in float64 from 37."""
        shown = t.shown
        helps = finite(torch.full((b,), 42.0)) or finite(high.double())
        t.shown = shown
        return "overflow" if helps else ODDS

    for top in (50.0, 20.0, 80.0):
        name, why = f"values up to {top:g}", "Divided by what is due it is 1."
        t.property(name)
        high = (top - t.uniform(b, low=0, high=3)).requires_grad_()
        out = t.call(likelihood_loss, high)
        due = slope_of_kl(high).mean()
        flat = t.grad(out, high)
        lost = not (t.tensor(out).isfinite().all() and flat.isfinite().all())
        name = cause(high) if lost else ODDS
        t.finite(out, why, name)
        part = t.tensor(out).detach() / due.detach()
        t.close(part, 1.0, why, BOUND if 0 <= part < 1 else None, tol=1e-3)
        t.finite(flat, why, name)
        part = flat / t.grad(due, high)
        small = (part >= 0).all() and (part < 1.001).all()
        t.close(part, torch.ones(b), why, BOUND if small else None, tol=1e-3)

    t.property("values near -20: small, and not 0")
    low = t.uniform(b, low=-23, high=-20).requires_grad_()
    out, due = t.call(likelihood_loss, low), slope_of_kl(low).mean()
    why = "Divided by what is due it is 1."
    t.close(t.tensor(out).detach() / due.detach(), 1.0, why, LITTLE, tol=1e-3)
    part = t.grad(out, low) / t.grad(due, low)
    t.close(part, torch.ones(b), why, LITTLE, tol=1e-3)

    t.property("values near -1000: neither loss nor slope")
    low = (t.uniform(b, low=-1000, high=-990)).requires_grad_()
    out = t.call(likelihood_loss, low)
    why = "The critic is sure: h is 0 there, and so is its slope."
    t.finite(out, why)
    t.close(out, 0.0, why)
    flat = t.grad(out, low)
    t.finite(flat, why)
    t.close(flat, torch.zeros(b), why)


SLOPE = "slope of another function"
UNREDUCED, CUT = "not averaged over the batch", "cut off from the graph"
LITTLE = "small values lost"
ODDS, BOUND = "odds of a saturated sigmoid", "a bound on the ratio"


def slopes(made):
    """The gradients of the means of other functions of the critic's value."""
    for values in functions().values():
        for h in values:
            f = made.clone().requires_grad_()
            yield torch.autograd.grad(h(f, f.exp()).mean(), f)[0]


def functions():
    return {
        "value of the divergence": [
            *(lambda f, r, c=c: r * f - c * r + c for c in (0, 1)),
            *(lambda f, r, c=c: c * r - r * f for c in (0, 1)),
        ],
        "logarithm of the ratio": [lambda f, r: -f, lambda f, r: f],
        "saturating loss": [lambda f, r: -torch.log1p(r)],
        "non-saturating loss": [lambda f, r: torch.log1p(1 / r)],
        "probability in place of the ratio": [
            *(lambda f, r, c=c: c * f.sigmoid() for c in (-1, -2, 1)),
            *(lambda f, r, c=c: c * (-f).sigmoid() for c in (-1, 1)),
        ],
        "ratio turned around": [lambda f, r: -1 / r, lambda f, r: 1 / r],
        "root or square of the ratio": [
            lambda f, r, c=c, k=k: c * r**k
            for k in (0.5, 2)
            for c in (1, -1, 0.5, -0.5, 2, -2)
        ],
        "another constant": [lambda f, r, c=c: c - r for c in (1, -1)],
        "half of what is due, or twice": [lambda f, r, c=c: c * r for c in (-0.5, -2)],
        "sign flipped": [lambda f, r: r],
        "a bound on the ratio": [lambda f, r, c=c: -r.clamp(max=c) for c in (1, 5, 10)],
    }


def rivals(batches):
    """What other functions of the critic's value, or other sums of them, give."""
    sums = {
        "sum over the batch": [lambda f, r: -r.sum()],
        "weights normalized over the batch": [
            lambda f, r: -r.mean().log(),
            lambda f, r: -r.sum().log(),
            *(lambda f, r, k=k: -(f.softmax(0) ** k * f).sum() for k in (1, 2)),
            lambda f, r: -(f.softmax(0) * f).mean(),
            lambda f, r: -(f.softmax(0) * r).sum(),
            lambda f, r: -f.softmax(0).sum(),
            lambda f, r: -f.softmax(0).mean(),
        ],
    }
    found = {name: [mean(v) for v in values] for name, values in functions().items()}
    found |= {name: [*found.get(name, []), *v] for name, v in sums.items()}
    for name, values in found.items():
        yield name, [torch.stack([v(f, f.exp()) for f in batches]) for v in values]


def mean(h):
    return lambda f, r: h(f, r).mean()
