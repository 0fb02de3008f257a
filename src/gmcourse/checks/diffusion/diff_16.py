"""Exercise diff-16: One guidance, three papers."""

import torch

from .._exercise import Exercise
from ._shared_noised import drawn, held, over

CONVENTION = "weight of another convention"
COORDINATE = "another coordinate"


@Exercise(
    id="diff-16",
    title="One guidance, three papers",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Read guidance from papers that say another quantity and count the weight in "
        "another way, and get the same estimate of the data.",
    ),
    statement=r"""
Three papers guide a network, each in its own way. `told` and `untold` are what the
network says with the condition and without it.

- `"plus"`: the network says the *noise*, and the guided noise is
  $(1 + w)\, \hat\epsilon_{\text{told}} - w\, \hat\epsilon_{\text{untold}}$.
- `"scale"`: the network says the *velocity*
  $\hat v = \alpha' \hat x + \sigma' \hat\epsilon$, and the guided velocity is
  $\hat v_{\text{untold}} + w\, (\hat v_{\text{told}} - \hat v_{\text{untold}})$.
- `"power"`: the network says the *score* of the noisy examples, and the guided score is
  the one of $p_t(x_t)\, p_t(c \mid x_t)^{w}$, where `untold` is the score of $p_t(x_t)$
  and `told` that of $p_t(x_t \mid c)$.

Write `guided(told, untold, x_t, alpha, sigma, alpha_rate, sigma_rate, w, paper)`, which
returns the guided estimate of the *data*. `told`, `untold` and `x_t` are `(b, ...)`,
`alpha`, `sigma` and their derivatives $\alpha'$ and $\sigma'$ are `(b,)`, the numbers
of each example; `w` is any float, `paper` one of the three strings.

$\alpha$ and $\sigma$ lie between $10^{-3}$ and $10^3$;
$\alpha \sigma' - \sigma \alpha'$ is above $10^{-3}$. All tensors are float64 or all
float32; so is what you return, right to $10^{-9}$ of the largest and to $10^{-3}$.
Gradients flow to all tensors, which are not changed.
""",
    stub='''
def guided(told, untold, x_t, alpha, sigma, alpha_rate, sigma_rate, w, paper):
    """-> the guided estimate of the data, in the shape of x_t."""
    return ...
''',
    answers={"guided": callable},
    hints=(
        "By Bayes' rule the gradient of log p(c | x_t) is a difference of two scores. "
        "At which w is each paper's guidance the conditional model itself?",
        "Guide first, as the paper does, and convert the one result to the data; or "
        "convert both and guide then. Why is that the same?",
        "x_t = alpha x + sigma eps, and the score is -eps / sigma. With the velocity "
        "there are two equations for two unknowns.",
    ),
    misconceptions={
        CONVENTION: "Is it the conditional model at w = 0 or at w = 1? Try both.",
        "told and untold exchanged": "More weight leads toward the condition.",
        COORDINATE: "Each paper's network says something else.",
        "what was said in place of the data": "An estimate of the data is due.",
        "sigma for its square": "The score is -eps / sigma: sigma² of it is sigma eps.",
        "sign of the score lost": "The score points toward the data, the noise away.",
        "alpha left out": "x_t holds alpha times the data.",
        "rates exchanged": "v = alpha' x + sigma' eps.",
        "sign flipped in the velocity": "Solve both equations for x: eliminate eps.",
        "one alpha and sigma for all examples": "Each example has its own numbers.",
        "guided twice": "One guidance, in whichever coordinate.",
    },
)
def diff_16(t, guided):
    past = []

    def judged(name, b, shape, w, paper, kind=torch.float64):
        t.property(f"{paper}, {name}")
        given = [drawn(t, b, *shape, kind=kind) for _ in range(3)]
        alpha, sigma = (t.uniform(b, low=0.4, high=1.8).to(kind) / 0.7 for _ in "as")
        a_rate = -t.uniform(b, low=0.5, high=1.5).to(kind) / 0.7
        s_rate = t.uniform(b, low=0.5, high=1.5).to(kind) / 0.7
        given += [alpha, sigma, a_rate, s_rate]
        out = t.call(guided, *given, w, paper)
        make, options = choices(*given, w, paper)
        told = {"why": "The guided estimate of the data.", "old": past}
        tol = 1e-3 if kind == torch.float32 else 0.0
        past.append(held(t, out, make, options, kind=kind, tol=tol, **told))
        return given

    for paper in PAPERS:
        judged("w = 2.3", 4, (3,), 2.3, paper)
        judged("w = 2.3, other numbers", 4, (3,), 2.3, paper)
        judged("w = 0", 3, (2,), 0.0, paper)
        judged("w = 1", 3, (2,), 1.0, paper)
        judged("a negative w", 3, (4,), -1.4, paper)
        judged("pictures", 2, (3, 2, 4), 4.0, paper)
        judged("one example of one value", 1, (1,), 1.7, paper)
        judged("as many of all", 3, (3, 3), 0.6, paper)
        judged("float32", 3, (4,), 2.0, paper, torch.float32)
    for paper in PAPERS:
        given = [v.double() for v in judged("once more", 3, (2,), 1.6, paper)]
        t.property(f"{paper}, gradients")
        leaves = [v.clone().requires_grad_() for v in given]
        out = t.call(guided, *leaves, 1.6, paper)
        due = estimate(*leaves, 1.6, paper)
        weight = drawn(t, 3, 2)
        asked = {"allow_unused": True, "retain_graph": True}
        slopes = torch.autograd.grad(due, leaves, weight, **asked)
        for mine, leaf in zip(slopes, leaves):
            if mine is not None:
                why = "Those of the guided estimate.", "cut off from the graph"
                t.close(t.grad(out, leaf, weight), mine, *why, tol=1e-8)


PAPERS = ("plus", "scale", "power")
SAYS = {"plus": "noise", "scale": "velocity", "power": "score"}


def data(said, x_t, alpha, sigma, a_rate, s_rate, coordinate):
    """What was said, as an estimate of the data."""
    a, s, da, ds = (over(v, x_t) for v in (alpha, sigma, a_rate, s_rate))
    if coordinate == "velocity":
        return (ds * x_t - s * said) / (a * ds - s * da)
    eps = said if coordinate == "noise" else -s * said
    return (x_t - s * eps) / a


def estimate(told, untold, *numbers_w_paper):
    """Both converted, and guided then."""
    *numbers, w, paper = numbers_w_paper
    one, two = (data(v, *numbers, SAYS[paper]) for v in (told, untold))
    return two + (w + (paper == "plus")) * (one - two)


def choices(told, untold, x_t, alpha, sigma, a_rate, s_rate, w, paper):
    """What is due and what mistakes give, as `held` takes them; float64."""
    told, untold, x_t = (v.double() for v in (told, untold, x_t))
    numbers = [v.double() for v in (alpha, sigma, a_rate, s_rate)]
    a, s, da, ds = (over(v, x_t) for v in numbers)
    right = estimate(told, untold, x_t, *numbers, w, paper)
    ours = w + (paper == "plus")
    said = untold + ours * (told - untold)

    def weighed(k, one=told, two=untold, coordinate=SAYS[paper], at=numbers):
        return data(two + k * (one - two), x_t, *at, coordinate)

    first = [v[:1].expand_as(v) for v in numbers]
    det = a * ds - s * da
    ways = {
        "told and untold exchanged": [weighed(ours, untold, told), weighed(-ours)],
        CONVENTION: [weighed(ours + k) for k in (1, -1)],
        COORDINATE: [
            weighed(k, coordinate=c)
            for c in ("noise", "velocity", "score")
            for k in (ours, ours + 1, ours - 1)
            if c != SAYS[paper]
        ],
        "what was said in place of the data": [said, -s * said],
        "one alpha and sigma for all examples": [weighed(ours, at=first)],
        "guided twice": [weighed(ours**2), weighed(2 * ours - 1)],
    }
    if paper == "scale":
        ways["rates exchanged"] = [
            (da * x_t - s * said) / det,
            (da * x_t - s * said) / (a * da - s * ds),
            data(said, x_t, *numbers[:2], *numbers[:1:-1], "velocity"),
        ]
        ways["sign flipped in the velocity"] = [
            (ds * x_t + s * said) / det,
            (ds * x_t - s * said) / (a * ds + s * da),
            (s * said - ds * x_t) / det,
        ]
        ways["alpha left out"] = [(ds * x_t - s * said) / (ds - s * da), x_t - s * said]
    else:
        size = s if paper == "plus" else -(s**2)
        ways["alpha left out"] = [x_t - size * said]
        ways["sign of the score lost"] = [(x_t + size * said) / a]
        ways["sigma for its square"] = [
            (x_t - size * said * k) / a for k in (s, 1 / s, 1 / s**2)
        ]
    kept = {"": right}
    for name, made in ways.items():
        off = [v for v in made if not torch.allclose(v, right, 1e-6, 1e-9)]
        if off:
            kept[name] = off
    return lambda v: v, kept
