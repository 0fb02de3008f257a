"""Exercise ae-05: How unsure is a denoiser?"""

import torch

from .._exercise import Exercise


@Exercise(
    id="ae-05",
    title="How unsure is a denoiser?",
    difficulty=4,
    minutes=25,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Read the posterior variance off the Jacobian of a denoiser, without forming "
        "entries that are not needed.",
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
        "summed over the rows": "One number for each row is due.",
        "Jacobian of the displacement": "The derivative of r(x) - x lacks the "
        "identity: d is missing from the trace.",
        "differences in place of derivatives": "A difference quotient is right only up "
        "to its step and its rounding; automatic differentiation is exact.",
        "squared residual": "The squared distance between input and output is no "
        "variance: it does not know how far the clean example may lie.",
        "random probes": "Random probes give the trace on average only; it takes d "
        "entries of the Jacobian, each exact.",
        "absolute values": "The trace adds the diagonal with its signs.",
        "Jacobian of the first row for all": "The denoiser is no linear map: each row "
        "has a Jacobian of its own.",
    },
)
def ae_05(t, doubt):
    b, d = t.integer(5, 6), t.integer(3, 4)
    std = float(t.uniform(1, low=0.5, high=0.8)[0])
    x = t.normal(b, d)

    t.property("a linear denoiser: the trace of its matrix, times the variance")
    matrix = t.uniform(d, d, low=0.2, high=0.9)
    matrix[0, 0] = -0.15  # of no best denoiser, but a trace has signs
    shift = t.normal(d)

    def denoise(v):
        return v @ matrix.T.to(v) + shift.to(v)

    out = t.call(doubt, denoise, x, std)
    ideas = {"summed over the rows": [(), (d,), (1,)]}
    t.shape(out, (b,), "one number for each row.", ideas=ideas)
    again = t.tensor(t.call(doubt, denoise, x, std)).detach()
    t.close(out, again, "The same number at each call.", "random probes")
    trace = float(matrix.diagonal().sum())
    due = std * std * trace
    every = float(matrix.sum())
    ideas = {
        "all entries of the Jacobian summed": std * std * every,
        "variance factor left out": [trace, trace / std**2],
        "standard deviation in place of the variance": std * trace,
        "entries of the Jacobian squared": std * std * float(matrix.pow(2).sum()),
        "mean over the dimensions": [due / d, std * std * every / d],
        "Jacobian of the displacement": std * std * (trace - d),
        "squared residual": (denoise(x) - x).pow(2).sum(1),
        "absolute values": std * std * float(matrix.diagonal().abs().sum()),
    }
    t.close(out, due, "The Jacobian is the matrix itself.", ideas=ideas, tol=1e-4)

    t.property("the best denoiser of a few points: the variance, by enumeration")
    points = t.normal(6, d, std=1.5)

    def weights(v):
        apart = (v[:, None] - points.to(v)).pow(2).sum(2)
        return torch.softmax(-apart / (2 * std**2), 1)

    def best(v):
        return torch.einsum("bm,md->bd", weights(v), points.to(v))

    x = points[:b] + t.normal(b, d, std=0.6)
    apart = (points - best(x)[:, None]).pow(2).sum(2)
    due = torch.einsum("bm,bm->b", weights(x), apart)
    why = "The spread of the clean points that could be behind the noisy one."
    ideas = {"Jacobian of the first row for all": due[:1].expand(b)}
    t.close(t.call(doubt, best, x, std), due, why, ideas=ideas, tol=1e-3)

    t.property("one row alone, and in double precision")
    out = t.call(doubt, best, x[:1], std)
    t.shape(out, (1,), "a batch of one is a batch.")
    t.close(out, due[:1], why, tol=1e-3)
    # Narrow noise between two points bends the denoiser, and far from zero digits are
    # scarce: differences show, whatever their step. A constant moves no derivative.
    std = std / 2
    x = (points + points.roll(1, 0))[:b].double() / 2 + 0.1 * t.normal(b, d).double()
    apart = (points.double() - best(x)[:, None]).pow(2).sum(2)
    due = torch.einsum("bm,bm->b", weights(x), apart)
    out = t.call(doubt, lambda v: best(v) + 1e9, x, std)
    t.dtype(out, torch.float64, "x_noisy is float64.")
    t.close(out, due, why, "differences in place of derivatives", tol=1e-6)
