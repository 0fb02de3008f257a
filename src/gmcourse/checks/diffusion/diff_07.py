"""Exercise diff-07: Sampling with the variances of a chain."""

import torch

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_steps import CALLS, Net, Noise, in_float32, single, walked


@Exercise(
    id="diff-07",
    title="Sampling with the variances of a chain",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Write the sampler of the first diffusion models from the betas of their "
        "chain, with either of the two variances that they had.",
    ),
    statement=r"""
The first diffusion models ([Ho et al., 2020](https://arxiv.org/abs/2006.11239)) know
no time, but a chain of $T$ steps with the variances $\beta_1, \dots, \beta_T$:

$$
x_k = \sqrt{1 - \beta_k}\; x_{k-1} + \sqrt{\beta_k}\; z_k, \qquad k = 1, \dots, T,
$$

from the data $x$, which is before the first step, to $x_T$; the $z_k$ are standard
normal. Sampling goes back, from $x_T$ to the data. A step from $x_k$ to $x_{k-1}$ draws
from a Gaussian. Its mean is that of $q(x_{k-1} \mid x_k, x)$, with the estimate of $x$
in the place of $x$ that $x_k$ and the estimated noise give. Its variance is $\beta_k$
where `large` is true, which is right for data that are standard normal, and that of
$q(x_{k-1} \mid x_k, x)$ where it is false, which is right where the data are one point.
The last step, $k = 1$, returns the mean.

Write `sample(net, betas, x, noise, large)`. `x`, `(b, ...)` with one or more axes after
the first, is $x_T$. `betas` is `(T,)`, of one entry or many, between $10^{-4}$ and 0.99
and in any order. `net(x, k)` takes such an `x` and a Python int `k`, from $T$ to 1, and
gives the estimate of $\varepsilon$ in $x_k = \alpha_k x + \sigma_k \varepsilon$, in the
shape of `x`: call it once for each step. `noise(x)` draws standard normal numbers in
the shape of `x`, whatever its values: call it once for each step but the last, in their
order, and use nothing else that is random.

`x` and `betas` are both float32 or both float64. Return the sample, in the shape and
type of `x`; neither what was given nor what the functions returned is changed. No
gradient is asked for.
""",
    stub='''
def sample(net, betas, x, noise, large):
    """function, (T,), (b, ...), function, bool -> (b, ...)."""
    return ...
''',
    answers={"sample": callable},
    hints=(
        "$\\alpha_k^2$ is the product of the first $k$ factors $1 - \\beta$, and "
        "$\\alpha_0 = 1$. `betas[k - 1]` belongs to step $k$.",
        "$q(x_{k-1} \\mid x_k, x)$ is the product of two Gaussians in $x_{k-1}$: "
        "one from $x$, of the variance $1 - \\alpha_{k-1}^2$, one from $x_k$. "
        "Precisions add up.",
        "Put $x = (x_k - \\sigma_k \\varepsilon) / \\alpha_k$ into its mean: a factor "
        "times ($x_k$ minus a share of $\\varepsilon$) is left.",
    ),
    misconceptions={
        **CALLS,
        "noise at the last step": "The last step returns its mean: noise that nothing "
        "takes away again is seen in the sample, and none is drawn for it.",
        "draws in another order": "The first draw is for the first step, k = T.",
        "estimate of the data cut off": "Data may lie anywhere: bounds such as -1 and "
        "1 are for pictures alone, and are not asked for here.",
        "noise drawn once": "Each step draws anew.",
        "another noise than the one given": "noise(x) draws it, and nothing else.",
        "one step too early or too late": "Step k has the k-th beta, and the net is "
        "told k, from T to 1.",
        "steps in rising order": "Sampling goes back, from k = T to k = 1.",
        "product in place of the factor": "A step undoes one factor "
        "sqrt(1 - beta), not all of them.",
        "factor without its root": "It is the variance that falls by 1 - beta: x "
        "itself shrinks by the root.",
        "factor turned around": "Toward the data what is left of them grows again.",
        "factor left out": "The mean is larger than x_k minus its noise: the factor "
        "1 / sqrt(1 - beta) undoes that of the chain.",
        "share of the noise off": "It is beta over the standard deviation of all the "
        "noise in x_k.",
        "all the noise taken away": "That is the estimate of the data; the step goes "
        "to x_{k-1}, which is noisy.",
        "the other of the two variances": "beta where large is true, that of the "
        "posterior where it is false.",
        "no noise": "Each step but the last adds noise.",
        "variance of another law": "It is beta, or beta times "
        "(1 - alpha²) of the step before over that of this one.",
        "noise with the other factor": "The noise is added to the mean, with the "
        "standard deviation.",
    },
)
def diff_07(t, sample):
    def judged(name, shape, betas, large, kind=torch.float64, size=1.0):
        t.property(name)
        net, noise, T = Net(t, shape[1:]), Noise(t), len(betas)
        x, betas = size * t.normal(*shape).to(kind) / 0.7, betas.to(kind)
        out = t.call(sample, net, betas, x, noise, large)
        asked = list(range(T, 0, -1))
        ideas = {
            "steps in rising order": [asked[::-1]],
            "one step too early or too late": [[k + i for k in asked] for i in (-1, 1)],
        }
        states = walked(t, net, x, out, asked, ideas, past, noise)
        drawn, shapes = noise.said, [tuple(v.shape) for v in noise.said]
        told = f"{T - 1} calls of noise, each with the shape {shape}."
        got = ", ".join(map(str, shapes[:3])) + ", ..." * (T > 4) or "no call"
        eps = torch.stack(net.said)
        still, parts = steps(betas.double(), states[:-1], eps, 0 * eps, large)
        mean = torch.allclose(states[1:], still(*(part[""] for part in parts)))
        none = "no noise" if mean else "another noise than the one given"
        few = {T: "noise at the last step", 0: none}
        few |= {1: "noise drawn once"} if T > 2 else {}
        name = few.get(len(shapes))
        thin = shapes and shapes[0] in ((1, *shape[1:]), shape[1:]) and shape[0] > 1
        name = "one noise for all examples" if thin else name
        t.true(shapes == [shape] * (T - 1), told, f"{len(shapes)} calls: {got}", name)
        z = torch.stack([*drawn, torch.zeros(shape).double()])
        tol = 1e-9 if kind == torch.float64 else 1e-4
        make, parts = steps(betas.double(), states[:-1], eps, z, large)

        def found():
            yield in_float32(states) if kind == torch.float64 else ("", [])
            yield from mistakes(make, *parts, most=1, tol=tol)

        due = make(*(part[""] for part in parts))
        told = "The state after each step, from the one before. Axis 0: the steps."
        t.close(states[1:], due, told, None, found(), tol)

    def any_of(T, low=0.05, high=0.5):
        return t.uniform(T, low=low, high=high).double() / 0.7

    past: list = []
    for large in (True, False):
        which = "beta" if large else "the posterior's"
        for again in ("", ", other numbers"):
            judged(f"four steps, {which}{again}", (3, 5), any_of(4), large)
    for shape, T in (((2, 3, 4, 2), 3), ((1, 4), 2), ((3, 1), 7), ((4, 2), 1)):
        judged(f"{T} steps of {shape}", shape, any_of(T), bool(t.integer(0, 1)))
        judged(f"{T} steps of {shape}, again", shape, any_of(T), T != 2)
    judged("values near 1000", (3, 2), any_of(3), False, size=1e3)
    for large in (True, False):
        wide = torch.linspace(1e-4, 0.99, 30).double().flip(0)
        judged("betas from 0.99 to 0.0001", (2, 3), wide, large)
        judged("float32", (3, 4), any_of(5), large, torch.float32)
    judged("100 steps", (2, 2), torch.linspace(1e-4, 0.05, 100).double(), True)


def steps(betas, x, eps, z, large):
    """A step as a function of its parts, and these; all steps at once."""

    def made(schedule, said, scale, share, std, noise):
        beta = schedule[(..., *[None] * (x.dim() - 1))].flip(0)
        keep = 1 - beta
        bar = keep.flip(0).cumprod(0).flip(0)
        old = (bar / keep).clamp(max=1.0)
        c = beta, keep, bar, old
        return scale(*c) * (x - share(*c) * said) + std(*c) * noise

    posterior = lambda b, k, bar, old: ((1 - old) * (b / (1 - bar))).sqrt()  # noqa: E731
    root = lambda b, k, bar, old: b.sqrt()  # noqa: E731
    schedules = {
        "": betas,
        "coefficients rounded to float32": single(betas),
        "one step too early or too late": [betas.roll(1), betas.roll(-1),
            torch.cat([betas[:1], betas[:-1]]), torch.cat([betas[1:], betas[-1:]])],
        "steps in rising order": betas.flip(0),
    }  # fmt: skip
    bar = (1 - betas).cumprod(0).flip(0)[(..., *[None] * (x.dim() - 1))]
    data = (x - (1 - bar).sqrt() * eps) / bar.sqrt()
    saids = {
        "": eps,
        "estimate of the data cut off": [
            (x - bar.sqrt() * data.clamp(-v, v)) / (1 - bar).sqrt() for v in (1, 3)
        ],
    }
    scales = {
        "": lambda b, k, bar, old: k**-0.5,
        "product in place of the factor": lambda b, k, bar, old: bar**-0.5,
        "factor without its root": lambda b, k, bar, old: 1 / k,
        "factor turned around": lambda b, k, bar, old: k**0.5,
        "factor left out": lambda b, k, bar, old: 1 + 0 * k,
    }
    shares = {
        "": lambda b, k, bar, old: b * (1 - bar) ** -0.5,
        "all the noise taken away": lambda b, k, bar, old: (1 - bar) ** 0.5,
        "share of the noise off": [
            lambda b, k, bar, old: b / (1 - bar), lambda b, k, bar, old: b,
            lambda b, k, bar, old: b**0.5, lambda b, k, bar, old: 1 + 0 * b,
            lambda b, k, bar, old: b * (1 - old).clamp(min=1e-30) ** -0.5,
            lambda b, k, bar, old: (b / (1 - bar)) ** 0.5,
            lambda b, k, bar, old: b * bar**-0.5,
            lambda b, k, bar, old: k * (1 - bar) ** -0.5,
            lambda b, k, bar, old: (1 - k**0.5) * (1 - bar) ** -0.5,
            lambda b, k, bar, old: -b * (1 - bar) ** -0.5,
            lambda b, k, bar, old: b**0.5 * (1 - bar) ** -0.5,
        ],
    }  # fmt: skip
    right, other = (root, posterior) if large else (posterior, root)
    stds = {
        "": right,
        "the other of the two variances": other,
        "no noise": lambda b, k, bar, old: 0 * b,
        "variance in place of the standard deviation": (
            lambda b, k, bar, old: right(b, k, bar, old) ** 2
        ),
        "root of what is due": lambda b, k, bar, old: right(b, k, bar, old) ** 0.5,
        "standard deviation ignored": lambda b, k, bar, old: 1 + 0 * b,
        "variance of another law": [
            lambda b, k, bar, old: (1 - old) ** 0.5,
            lambda b, k, bar, old: (1 - bar) ** 0.5,
            lambda b, k, bar, old: k**0.5,
            lambda b, k, bar, old: b**0.5 * (1 - old) / (1 - bar),
            lambda b, k, bar, old: (b * bar / old) ** 0.5,
            lambda b, k, bar, old: ((1 - old) / (1 - bar)) ** 0.5,
            lambda b, k, bar, old: (b * (1 - bar) / (1 - old).clamp(min=1e-30)) ** 0.5,
        ],
        "noise with the other factor": [
            lambda b, k, bar, old: right(b, k, bar, old) * k**-0.5,
            lambda b, k, bar, old: right(b, k, bar, old) * k**0.5,
            lambda b, k, bar, old: -right(b, k, bar, old),
        ],
    }  # fmt: skip
    noises = {
        "": z,
        "noise drawn once": z[:1].expand_as(z),
        "one noise for all examples": z[:, :1].expand_as(z),
        "draws in another order": torch.cat([z[:-1].flip(0), z[-1:]]),
    }
    return made, (schedules, saids, scales, shares, stds, noises)
