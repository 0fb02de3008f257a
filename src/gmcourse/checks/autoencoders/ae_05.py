"""Exercise ae-05: How unsure is a denoiser?"""

import torch

from .._exercise import Exercise


@Exercise(
    id="ae-05",
    title="How unsure is a denoiser?",
    difficulty=3,
    minutes=15,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Read the posterior variance off the Jacobian of a denoiser, row by row.",
    ),
    statement=r"""
The best denoiser $r^*(\tilde x) = \mathbb{E}[x \mid \tilde x]$ knows more than the
mean: differentiating Tweedie's formula once more shows that the covariance of the
clean example given the noisy one is its Jacobian, times the variance of the noise,

$$
\operatorname{Cov}[x \mid \tilde x] = \sigma^2\, \frac{\partial r^*}{\partial \tilde x}.
$$

Its trace is the expected squared error of the denoiser *at this point*: how unsure it
is. Write `doubt(denoise, x_noisy, std)`: `denoise` maps `(b, d)` to `(b, d)`, each row
for itself, and is differentiable; return for each row of `x_noisy` the trace of
$\sigma^2\, \partial r / \partial \tilde x$, shape `(b,)`, exactly (by automatic
differentiation, no differences and no random probes).
""",
    stub='''
def doubt(denoise, x_noisy, std):
    """callable, (b, d), float -> (b,)."""
    return ...
''',
    answers={"doubt": callable},
    hints=(
        "The trace needs d numbers of the Jacobian of each row: the derivative of "
        "output i with respect to input i.",
        "Rows do not influence each other, so the gradient of out[:, i].sum() with "
        "respect to x_noisy holds, in row b, the derivatives of output i of row b.",
        "Make a copy of x_noisy that requires a gradient, loop over i, take column i "
        "of each gradient, add up; multiply with the variance of the noise.",
    ),
    misconceptions={
        "all entries of the Jacobian summed": "The gradient of the sum of all outputs "
        "adds the entries off the diagonal: the trace takes the diagonal alone.",
        "variance factor left out": "The Jacobian alone has no unit; the variance of "
        "the noise is its scale.",
        "entries of the Jacobian squared": "That is the squared Frobenius norm; the "
        "trace adds the diagonal as it is.",
        "Jacobian of the displacement": "The derivative of r(x) - x lacks the "
        "identity: d is missing from the trace.",
        "squared residual": "The squared distance between input and output is no "
        "variance: it does not know how far the clean example may lie.",
        "absolute values": "The trace adds the diagonal with its signs.",
        "Jacobian of the first row for all": "The denoiser is no linear map: each row "
        "has a Jacobian of its own.",
    },
)
def ae_05(t, doubt):
    b, d, std = t.integer(5, 6), t.integer(3, 4), 0.6
    # Fixed, so that no two mistakes look alike. A negative entry is of no best
    # denoiser, but a trace has signs.
    matrix = torch.linspace(0.5, 0.74, d * d).view(d, d)
    matrix.diagonal().copy_(torch.tensor([-0.15, 0.55, 0.9, 0.4][:d]))
    shift = t.normal(d)

    def line(v):
        return v @ matrix.T.to(v) + shift.to(v)

    diagonal, why = matrix.diagonal(), "The Jacobian is the matrix itself."
    t.rowwise(
        "a linear denoiser: the trace of its matrix, times the variance",
        doubt,
        (line, t.normal(b, d), std),
        lambda r, x, s: (s * s * diagonal).double().expand(b, d)[: len(x)],
        why,
        {
            "all entries of the Jacobian summed": std**2 * matrix.sum(),
            "variance factor left out": [diagonal.sum(), diagonal.sum() / std**2],
            "standard deviation in place of the variance": std * diagonal.sum(),
            "entries of the Jacobian squared": std**2 * matrix.square().sum(),
            "Jacobian of the displacement": std**2 * (diagonal.sum() - d),
            "squared residual": lambda r, x, s: (r(x) - x).square(),
            "absolute values": std**2 * diagonal.abs().sum(),
        },
        grads=False,
        tol=1e-4,
    )

    points = t.normal(6, d, std=1.5)

    def weights(v, s):
        apart = (v[:, None] - points.to(v)).pow(2).sum(2)
        return torch.softmax(-apart / (2 * s**2), 1)

    def variance(r, x, s):  # of the points that may be behind x
        mean = weights(x.double(), s) @ points.double()
        apart = (points.double() - mean[:, None]).square()
        return torch.einsum("bm,bmd->bd", weights(x.double(), s), apart)

    def best(s, far=0.0):
        return lambda v: weights(v, s) @ points.to(v) + far

    # Narrow noise between two points bends the denoiser. Then a number is added to it,
    # which moves no derivative: differences lose their digits, whatever their step.
    between = (points + points.roll(1, 0))[:b].double() / 2
    between = between + 0.1 * t.normal(b, d).double()
    one_row = "Jacobian of the first row for all"
    for name, r, x, s, tol, mistake in (
        ("", best(std), points[:b] + t.normal(b, d, std=0.6), std, 1e-3, None),
        (", narrow noise", best(std / 2), between, std / 2, 1e-3, None),
        (", all of it moved by 1e9", best(std / 2, 1e9), between, std / 2, 1e-6,
         "differences in place of derivatives"),
    ):  # fmt: skip
        t.rowwise(
            f"the best denoiser of a few points: the variance, by enumeration{name}",
            doubt,
            (r, x, s),
            variance,
            "The spread of the clean points that could be behind the noisy one.",
            {one_row: variance(r, x[:1], s).sum(1).expand(b)},
            mistake,
            grads=False,
            tol=tol,
        )
