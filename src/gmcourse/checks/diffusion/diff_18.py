"""Exercise diff-18: Led by a classifier."""

import torch

from .._exercise import Exercise
from ._shared_noised import drawn, held, over

GRAPH = "a graph is kept"
CALLS = "asked more than once"


@Exercise(
    id="diff-18",
    title="Led by a classifier",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Turn a model that knows no labels into one that draws of a label, by the "
        "gradient of a classifier.",
    ),
    statement=r"""
A network says the data of noisy examples, a classifier says which of $k$ labels they
have. By Bayes' rule the score of the noisy examples of label $c$ is that of all plus
$\nabla \log p(c \mid x_t)$, with respect to $x_t$; here this term counts `weight`
times.

Write `steered(denoise, classify, x_t, t, alpha, sigma, c, weight)`, the estimate of the
data that belongs to this score.

- `denoise(x_t, t)` gives the network's estimate of the data, in the shape of `x_t`, and
  `classify(x_t, t)` gives *logits*, `(b, k)` for any $k \ge 1$: numbers whose softmax
  are the probabilities. Both treat each example alone, and may be asked once each.
- `x_t` is `(b, ...)`, of any number of axes; `t`, `alpha` and `sigma` are `(b,)`, the
  numbers of each example; `c` is `(b,)`, int64; `weight` is a float, also 0, 1 or
  negative. `alpha` and `sigma` lie between $10^{-3}$ and $10^3$.
- All floats are of one type, float32 or float64, and so is what you return. It is right
  to $10^{-9}$ of the largest in float64, to $10^{-4}$ in float32.

A sampler calls your function under `torch.no_grad()` or outside of it, and gets a
result without a graph. Nothing that is given is changed, also not whether it requires
gradients, or the gradients of weights that the functions may have.
""",
    stub='''
def steered(denoise, classify, x_t, t, alpha, sigma, c, weight):
    """-> the estimate of the data, in the shape of x_t."""
    return ...
''',
    answers={"steered": callable},
    hints=(
        "The estimate of the data is (x_t + sigma² score) / alpha. What does a summand "
        "of the score become?",
        "`torch.autograd.grad` of a sum over the batch gives each example its own "
        "gradient, and `torch.enable_grad` works inside of `torch.no_grad`.",
        "A logit is not a log-probability: the others count, too. A graph that begins "
        "at `x_t.detach().requires_grad_()` touches nobody else's.",
    ),
    misconceptions={
        "gradient of the logit": "Softmax divides by the sum over all labels, which "
        "depends on x_t, too.",
        "gradient of the probability": "The score is the gradient of the logarithm.",
        "the other labels raised": "log p(c | x_t) is to grow.",
        "sigma for its square": "sigma² times the score, over alpha.",
        "alpha left out": "sigma² times the score, over alpha.",
        "multiplied by alpha": "sigma² times the score, over alpha.",
        "sigma left out": "sigma² times the score, over alpha.",
        "the noise in place of the data": "Minus sigma times the score is the noise.",
        "mean over the batch": "Each example has a gradient of its own, whose size "
        "does not depend on how many there are.",
        "weight of another convention": "At weight 0 the classifier does not count, at "
        "1 this is Bayes' rule.",
        "weight left out": "The classifier's term counts weight times.",
        "the first label for all": "Each example has its own label.",
        "one time for all": "Each example has its own t, alpha and sigma.",
        "the estimate classified": "The classifier is one of noisy examples: of x_t.",
        "the denoiser forgotten": "The classifier's term is added to the estimate.",
        GRAPH: "A sampler makes hundreds of steps: a graph through all of them fills "
        "the memory.",
        CALLS: "A call of a network is what a step costs.",
    },
)
def diff_18(t, steered):
    past = []

    def nets(d, k, kind):
        first, second = (drawn(t, *s, kind=kind) for s in ((d, 5), (5, k)))
        last = drawn(t, d, kind=kind).requires_grad_()
        first, second = (v.requires_grad_() for v in (first / d, second / 2))
        asked = {"denoise": 0, "classify": 0}

        def classify(x_t, t):
            asked["classify"] += 1
            h = (x_t.flatten(1) @ first + t[:, None]).tanh()
            return (h @ second) * (1 + t[:, None]) + 3

        def denoise(x_t, t):
            asked["denoise"] += 1
            return (x_t.flatten(1).sin() * last + t[:, None]).view_as(x_t)

        return denoise, classify, asked, (first, second, last)

    def without(*given):
        with torch.no_grad():
            return steered(*given)

    def judged(name, b, shape, k, weight, kind=torch.float64, grads=True):
        t.property(name)
        d = torch.Size(shape).numel()
        denoise, classify, asked, weights = nets(d, k, kind)
        x_t = drawn(t, b, *shape, kind=kind)
        time, alpha = (t.uniform(b, low=0.2, high=0.9).to(kind) / 0.7 for _ in range(2))
        sigma = t.uniform(b, low=1.3, high=2.5).to(kind) / 0.7
        c = t.integers(b, low=0, high=k - 1)
        given = denoise, classify, x_t, time, alpha, sigma, c, weight
        out = t.call(steered if grads else without, *given)
        counts = {name: asked[name] for name in asked}
        graph = t.tensor(out).requires_grad
        t.true(not graph, "A result without a graph.", "one with a graph", GRAPH)
        clean = all(v.grad is None for v in weights)
        told = "The weights' gradients stay.", "weights with gradients"
        t.true(clean, *told, "gradients of the weights touched")
        make, options = choices(*given)
        told = {"why": "(x_t + sigma² score) / alpha, of the label.", "kind": kind}
        past.append(held(t, t.tensor(out).detach(), make, options, **told, old=past))
        t.true(max(counts.values()) <= 1, "Each asked once.", f"{counts}", CALLS)

    for name in ("two labels", "two labels, other numbers"):
        judged(name, 4, (3,), 2, 2.3)
    judged("many labels", 5, (3,), 7, 1.0)
    judged("pictures", 3, (2, 3, 4), 3, 4.0)
    judged("one label", 3, (2,), 1, 3.0)
    judged("one example of one value", 1, (1,), 3, 2.5)
    judged("weight 0", 3, (3,), 3, 0.0)
    judged("a negative weight", 3, (3,), 3, -1.5)
    judged("under no_grad", 4, (3,), 3, 2.0, grads=False)
    judged("as many of all", 4, (4,), 4, 1.7)
    judged("float32", 4, (3,), 3, 2.0, torch.float32)


def choices(denoise, classify, x_t, t, alpha, sigma, c, weight):
    """What is due, and what mistakes give, as `held` takes them; float64."""
    a, s = (over(v.double(), x_t) for v in (alpha, sigma))

    def slope(f, at=x_t, t=t):
        leaf = at.detach().clone().requires_grad_()
        with torch.enable_grad():
            return torch.autograd.grad(f(classify(leaf, t)), leaf)[0].double()

    rows = torch.arange(len(c))
    log_p = lambda logits: logits.log_softmax(1)  # noqa: E731
    own = slope(lambda z: log_p(z)[rows, c].sum())
    data = denoise(x_t, t).detach().double()
    right = data + weight * s**2 / a * own

    def by(g, w=weight, size=s**2 / a):
        return data + w * size * g

    first = slope(lambda z: log_p(z)[:, c[0]].sum())
    others = slope(lambda z: log_p(z).sum() - log_p(z)[rows, c].sum())
    at_data = slope(lambda z: log_p(z)[rows, c].sum(), data.to(x_t))
    one = slice(0, 1)
    ways = {
        "gradient of the logit": [by(slope(lambda z: z[rows, c].sum()))],
        "gradient of the probability": [
            by(slope(lambda z: z.softmax(1)[rows, c].sum()))
        ],
        "the other labels raised": [by(-own), by(others)],
        "sigma for its square": [by(own, size=s / a)],
        "alpha left out": [by(own, size=s**2)],
        "multiplied by alpha": [by(own, size=s**2 * a), by(own, size=s**2 / a**2)],
        "sigma left out": [by(own, size=1 / a), by(own, size=1.0)],
        "the noise in place of the data": [
            (x_t - a * right) / s,
            data - weight * s * own,
            by(own, size=-s),
        ],
        "mean over the batch": [by(own / len(c))],
        "weight of another convention": [
            by(own, weight + 1),
            by(own, weight - 1),
            by(own, weight**2),
        ],
        "weight left out": [by(own, 1.0)],
        "the first label for all": [by(first)],
        "one time for all": [
            by(own, size=s[one] ** 2 / a[one]),
            by(own, size=s**2 / a[one]),
            by(own, size=s[one] ** 2 / a),
        ],
        "the estimate classified": [by(at_data)],
        "the denoiser forgotten": [right - data, right - data + x_t / a],
    }
    kept = {"": right}
    for name, made in ways.items():
        off = [v for v in made if not torch.allclose(v, right, 1e-6, 1e-9)]
        if off:
            kept[name] = off
    return lambda v: v, kept
