"""Exercise diff-23: Led by a noisy measurement."""

import torch

from .._exercise import Exercise
from ._shared_noised import drawn, held, over

GRAPH = "a graph is kept"
CALLS = "asked more than once"


@Exercise(
    id="diff-23",
    title="Led by a noisy measurement",
    difficulty=4,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Lead a diffusion by a linear measurement that has noise of its own, by a "
        "gradient through the network.",
    ),
    statement=r"""
Measured was $y = A x + s\, n$, with a known matrix $A$, a known $s$ and standard normal
noise $n$. A network says the data of noisy examples, $\hat x(x_t)$. Take the data given
$x_t$ for normal, with the mean $\hat x(x_t)$ and the covariance $r^2 I$, where
$r^2 = \sigma^2 / (\alpha^2 + \sigma^2)$. Then $y$ given $x_t$ is normal, too. Add the
gradient of its log-density, with respect to $x_t$, to the score.

Write `led(denoise, x_t, alpha, sigma, matrix, y, std)`, the estimate of the data that
belongs to this score.

- `denoise(x_t)` gives $\hat x$, `(b, d)`, treats each example alone and may be asked
  *once*.
- `x_t` is `(b, d)`, `matrix` `(m, d)` with any $m \ge 1$, also larger than $d$ if `std`
  is not 0, `y` is `(b, m)`; `alpha` and `sigma` are `(b,)`, the numbers of each
  example, between $10^{-2}$ and $10^2$; `std` is the float $s \ge 0$. The rows of
  `matrix` are not at right angles and not of length 1; with `std` 0 they are
  independent.
- All tensors are float64 or all float32; so is what you return, right to $10^{-7}$ of
  the largest and to $10^{-3}$.

Your function is called under `torch.no_grad()` or outside of it, and returns a tensor
without a graph. Nothing that is given is changed, nor the gradients of weights.
""",
    stub='''
def led(denoise, x_t, alpha, sigma, matrix, y, std):
    """-> the estimate of the data, (b, d)."""
    return ...
''',
    answers={"led": callable},
    hints=(
        "Which mean and which covariance has A x + s n, if x is normal? The covariance "
        "is another one for each example, and does not depend on x_t through the net.",
        "The log-density is -½ eᵀ C⁻¹ e and constants, with e = y - A x̂(x_t). Solve "
        "with C; do not leave the off-diagonal entries out.",
        "x̂ depends on x_t: let autograd go through the network, and use the value that "
        "it gives on the way, so that one call is enough.",
    ),
    misconceptions={
        "not through the network": "The log-density depends on x_t through x̂: its "
        "gradient goes through the network.",
        "the noise of the measurement left out": "The covariance of y is "
        "r² A Aᵀ + s² I.",
        "deviation for variance": "Covariances add up: s², and r².",
        "what is unknown of the data left out": "Given x_t the data are not yet known: "
        "r² A Aᵀ.",
        "another variance of the data": "r² = sigma² / (alpha² + sigma²).",
        "rows taken for independent": "A Aᵀ is no multiple of the identity.",
        "factor one half lost": "-½ eᵀ C⁻¹ e.",
        "led away": "The density of what was measured is to grow.",
        "sigma for its square": "A summand of the score is one of the estimate by "
        "sigma² / alpha.",
        "alpha left out": "A summand of the score is one of the estimate by sigma² / "
        "alpha.",
        "mean over the batch": "Each example has a gradient of its own.",
        "one alpha and sigma for all examples": "Each example has its own numbers.",
        "the noisy example measured": "y is of data: compare it with A x̂.",
        "the estimate forgotten": "The gradient is added to the network's estimate.",
        GRAPH: "A sampler makes hundreds of steps: a graph through all of them fills "
        "the memory.",
        CALLS: "A call of the network is what a step costs.",
    },
)
def diff_23(t, led):
    past = []

    def network(d, kind):
        weights = [drawn(t, d, d, kind=kind) / d for _ in range(2)]
        first, second = (w.requires_grad_() for w in weights)
        asked = []

        def denoise(x_t):
            asked.append(1)
            return (x_t @ first).tanh() @ second + 0.4 * x_t

        return denoise, asked, weights

    def without(*given):
        with torch.no_grad():
            return led(*given)

    def judged(name, b, d, m, std, kind=torch.float64, grads=True):
        t.property(name)
        denoise, asked, weights = network(d, kind)
        x_t, y = drawn(t, b, d, kind=kind), drawn(t, b, m, kind=kind)
        matrix = drawn(t, m, d, kind=kind)
        matrix = matrix + 2 * torch.eye(m, d).to(kind)
        alpha, sigma = (t.uniform(b, low=0.4, high=1.6).to(kind) / 0.7 for _ in "as")
        given = denoise, x_t, alpha, sigma, matrix, y, std
        out = t.call(led if grads else without, *given)
        count = len(asked)
        graph = t.tensor(out).requires_grad
        t.true(not graph, "A result without a graph.", "one with a graph", GRAPH)
        clean = all(v.grad is None for v in weights)
        told = "The weights' gradients stay.", "weights with gradients"
        t.true(clean, *told, "gradients of the weights touched")
        make, options = choices(*given)
        tol = 1e-7 if kind == torch.float64 else 1e-3
        told = {"why": "By the law of y given x_t.", "kind": kind, "tol": tol}
        past.append(held(t, t.tensor(out).detach(), make, options, old=past, **told))
        t.true(count <= 1, "Asked once.", f"{count} times", CALLS)

    for name in ("two measured of four", "two measured of four, other numbers"):
        judged(name, 3, 4, 2, 0.7)
    judged("one measured", 4, 3, 1, 0.5)
    judged("no noise of its own", 3, 4, 2, 0.0)
    judged("all measured, no noise of its own", 3, 3, 3, 0.0)
    judged("more measured than there is", 3, 2, 5, 0.8)
    judged("much noise of its own", 3, 4, 2, 9.0)
    judged("one example", 1, 4, 3, 0.6)
    judged("one of everything", 1, 1, 1, 0.6)
    judged("as many of all", 3, 3, 3, 0.6)
    judged("under no_grad", 3, 4, 2, 0.7, grads=False)
    judged("float32", 3, 4, 2, 0.7, torch.float32)


def choices(denoise, x_t, alpha, sigma, matrix, y, std):
    """What is due and what mistakes give, as `held` takes them; float64."""
    leaf = x_t.detach().clone().requires_grad_()
    with torch.enable_grad():
        data = denoise(leaf)
    estimate, m = data.detach().double(), len(matrix)
    a, s = (over(v.double(), estimate) for v in (alpha, sigma))
    rows, y = matrix.double(), y.double()
    gram, eye = rows @ rows.T, torch.eye(m).double()

    def pulled(known, own, square=gram, e=None, at=(a, s)):
        """Aᵀ C⁻¹ (y - A x̂), the gradient with respect to x̂."""
        r2 = known(*at)[..., None]
        cov = r2 * square + own * eye
        if torch.linalg.det(cov).abs().min() < 1e-12:
            return torch.full_like(estimate, torch.nan)
        e = y - estimate @ rows.T if e is None else e
        return torch.linalg.solve(cov, e[..., None])[..., 0] @ rows

    def through(v):
        back = v.nan_to_num(0.0).to(x_t)
        (slope,) = torch.autograd.grad(data, leaf, back, retain_graph=True)
        return slope.double() + 0 * v

    def r2(a, s):
        return s**2 / (a**2 + s**2)

    def by(v, size=s**2 / a):
        return estimate + size * v

    own = pulled(r2, std**2)
    slope, right = through(own), by(through(own))
    first = a[:1].expand_as(a), s[:1].expand_as(s)
    diagonal = torch.diag(gram.diagonal())
    ways = {
        "not through the network": [by(own)],
        "the noise of the measurement left out": [by(through(pulled(r2, 0.0)))],
        "deviation for variance": [
            by(through(pulled(r2, std))),
            by(through(pulled(lambda a, s: r2(a, s).sqrt(), std**2))),
        ],
        "what is unknown of the data left out": [
            by(through(pulled(lambda a, s: 0 * s, std**2)))
        ],
        "another variance of the data": [
            by(through(pulled(f, std**2)))
            for f in (
                lambda a, s: s**2,
                lambda a, s: s**2 / a**2,
                lambda a, s: 1 + 0 * s,
                lambda a, s: a**2 / (a**2 + s**2),
            )
        ],
        "rows taken for independent": [
            by(through(pulled(r2, std**2, square))) for square in (eye, diagonal)
        ],
        "factor one half lost": [by(2 * slope)],
        "led away": [by(-slope)],
        "sigma for its square": [by(slope, s / a)],
        "alpha left out": [by(slope, s**2), by(slope, s**2 * a), by(slope, 1.0)],
        "mean over the batch": [by(slope / len(y)), by(slope / y.numel())],
        "one alpha and sigma for all examples": [
            by(slope, first[1] ** 2 / first[0]),
            by(through(pulled(r2, std**2, at=first))),
            by(through(pulled(r2, std**2, at=first)), first[1] ** 2 / first[0]),
        ],
        "the noisy example measured": [
            by(pulled(r2, std**2, e=y - x_t.double() @ rows.T)),
            by(through(pulled(r2, std**2, e=y - x_t.double() @ rows.T))),
        ],
        "the estimate forgotten": [right - estimate, right - estimate + x_t / a],
    }
    kept = {"": right}
    for name, made in ways.items():
        off = [v for v in made if not torch.allclose(v, right, 1e-5, 1e-8)]
        if off:
            kept[name] = off
    return lambda v: v, kept
