"""Exercise ae-05: How unsure is a denoiser?"""

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import wrong_part
from .._relations import relation


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
        "The trace needs $d$ numbers of the Jacobian of each row: the derivative of "
        "output $i$ with respect to input $i$.",
        "Rows do not influence each other, so the gradient of `out[:, i].sum()` with "
        "respect to `x_noisy` holds in each row the derivatives of output $i$ of that "
        "row.",
        "Make a copy of `x_noisy` that requires a gradient, loop over $i$, take column "
        "$i$ of each gradient, add up; multiply with the variance of the noise.",
    ),
    misconceptions={
        "one number for each dimension": "One number for each row is due: the trace of "
        "its own Jacobian.",
        "different at each call": "Nothing here is random: no probes, and no noise, "
        "for x_noisy is noisy already.",
        "all entries of the Jacobian summed": "The gradient of the sum of all outputs "
        "adds the entries off the diagonal: the trace takes the diagonal alone.",
        "gradients of several outputs added": "Of the gradient of output i entry i "
        "alone counts: is .grad cleared before the next output?",
        "a row or column of the Jacobian": "The gradient of one output is one row. "
        "Of each row one entry counts, that on the diagonal.",
        "entries off the diagonal": "It is right where output i depends on input i "
        "alone, and wrong where it depends on others: these derivatives must not get "
        "in.",
        "the diagonal left out": "These are the entries off the diagonal; the trace "
        "takes the diagonal.",
        "entries of the Jacobian squared": "The trace adds the diagonal as it is; the "
        "squares make a Frobenius norm.",
        "a norm, determinant or eigenvalue": "The trace is due: the sum of the "
        "diagonal.",
        "absolute values": "The trace adds the diagonal with its signs.",
        "variance factor left out": "The Jacobian alone has no unit; the variance of "
        "the noise is its scale.",
        "divided by the variance": "The Jacobian is to be multiplied by the variance "
        "of the noise.",
        "another power of the standard deviation": "The factor is its square, the "
        "variance of the noise.",
        "Jacobian of the displacement": "The derivative of r(x) - x, or of x - r(x), "
        "counts the identity, too: r alone is due.",
        "Jacobian at another point": "It is due at the noisy point itself: not at the "
        "denoised one, nor at a mean.",
        "Jacobian of the first row for all": "The denoiser is no linear map: each row "
        "has a Jacobian of its own.",
        "one Jacobian for the batch": "Each row has a Jacobian of its own, at its own "
        "point, not at the mean of the batch.",
        "denoised twice": "The Jacobian of one application is due.",
        "squared residual": "The squared distance between input and output is no "
        "variance: it does not know how far the clean example may lie.",
        "an estimate of the error": "Stein's estimate of the squared error is right on "
        "average over noisy points, not at each of them.",
        "Jacobian times a vector": "A gradient of something like |r|² or x·r is the "
        "Jacobian times a vector. The trace needs its diagonal.",
        "the trace is bounded": "The trace may be negative, and above d σ²: nothing is "
        "to be clamped.",
    },
)
def ae_05(t, doubt):
    b, d, std = t.integer(5, 6), t.integer(3, 4), 0.57
    shift = t.uniform(d, low=0.1, high=0.5)

    def bend(mix):
        """A denoiser, and its Jacobian (n, d, d) at n points, by the chain rule."""

        def r(v):
            return torch.sin(v + shift.to(v)) @ mix.T.to(v)

        return r, lambda v: mix.double() * torch.cos(v.double() + shift)[:, None]

    def mistake(out, r, jac, x, s):
        x = x.double()
        near, eye, r_x = jac(x), torch.eye(d).double(), r(x)

        def only(*parts):  # of the diagonal
            return lambda j: torch.einsum("bii->bi", j)[:, list(parts)].sum(1)

        def at(points):
            return jac(points.expand(len(x), d))

        whole = tuple(range(d))
        left = [whole[:k] for k in range(1, d)] + [whole[k:] for k in range(1, d)]
        reduced = {
            "": [only(*whole)],
            "all entries of the Jacobian summed": [lambda j: j.sum((1, 2))],
            "absolute values": [lambda j: torch.einsum("bii->bi", j).abs().sum(1)],
            "entries of the Jacobian squared": [
                lambda j: j.square().sum((1, 2)),
                lambda j: torch.einsum("bii->bi", j).square().sum(1),
                lambda j: torch.einsum("bij,bji->b", j, j),
            ],
            "mean over the dimensions": [lambda j: only(*whole)(j) / d],
            "dimensions left out": [only(*part) for part in left],
            "gradients of several outputs added": [
                lambda j: j.triu().sum((1, 2)), lambda j: j.tril().sum((1, 2))],
            "a row or column of the Jacobian": [
                lambda j, a=a, i=i: j.select(a, i).sum(1)
                for a in (1, 2) for i in range(d)],
            "the diagonal left out": [lambda j: j.sum((1, 2)) - only(*whole)(j)],
            "a norm, determinant or eigenvalue": [
                torch.linalg.det, torch.linalg.matrix_norm,
                lambda j: torch.linalg.det(s * s * j) / (s * s),
                lambda j: torch.linalg.matrix_norm(j, 2),
                lambda j: torch.linalg.matrix_norm(j, "nuc"),
                lambda j: torch.linalg.eigvalsh((j + j.mT) / 2)[:, -1],
                lambda j: torch.linalg.eigvals(j).abs().amax(1),
                lambda j: torch.einsum("bii->bi", j).prod(1)],
        }  # fmt: skip
        matrices = {
            "": [near],
            "Jacobian of the displacement": [near - eye, eye - near],
            "Jacobian of the first row for all": [at(x[:1])],
            "one Jacobian for the batch": [at(x.mean(0))],
            "Jacobian at another point": [at(v) for v in (r_x, 0 * x, r_x - x, s * x,
                                          x / s, (x + r_x) / 2, 2 * r_x - x)],
            "denoised twice": [at(r_x) @ near],
        }  # fmt: skip
        factors = {
            "": [s**2],
            "standard deviation in place of the variance": [s],
            "variance factor left out": [1.0],
            "divided by the variance": [1 / s**2, 1 / s],
            "another power of the standard deviation": [s**3, s**4],
            "reduced over the batch": [s**2 / len(x)],
        }
        finals = {
            "": [lambda v: v],
            "square root taken": [torch.sqrt],
            "the trace is bounded": [
                lambda v: v.clamp(min=0), lambda v: v.clamp(max=d * s * s),
                lambda v: v.clamp(max=s * s), lambda v: v.clamp(0, s * s),
                lambda v: v.clamp(0, d * s * s), lambda v: v.clamp(0, 1)],
            "reduced over the batch": [
                lambda v: v.mean().expand_as(v), lambda v: v.sum().expand_as(v)],
        }  # fmt: skip
        if out.shape != x[:, 0].shape:
            return None
        residual = (r_x - x).square().sum(1)
        trace = only(*whole)(near)
        along, along_r = (torch.einsum("bij,bj->bi", near, v) for v in (x, r_x))
        back_x, back = (torch.einsum("bij,bi->bj", near, v) for v in (x, r_x))
        values = {
            "": [trace],
            "squared residual": [residual, (x - r_x).norm(dim=1), residual / d],
            "an estimate of the error": [
                residual / s**2 + a * d + 2 * trace for a in (-1, 0, 1)],
            "Jacobian times a vector": [
                f(v) for v in (along, back, along_r, back_x)
                for f in (lambda v: v.sum(1), lambda v: 2 * v.sum(1),
                          lambda v: v.norm(dim=1), lambda v: (v * x).sum(1))],
        }  # fmt: skip
        return wrong_part(
            out, lambda f, m, c, end: end(c * f(m)), reduced, matrices, factors, finals
        ) or wrong_part(out, lambda v, c, end: end(c * v), values, factors, finals)

    def stepped(r, x, s):
        """What differences of several steps give."""
        x, made = x.double(), []
        for h in (1.0, s, s * s, 0.1, 0.01, 1e-3):
            ends = [
                torch.stack(
                    [r(x + c * h * e)[:, i] for i, e in enumerate(torch.eye(d))]
                )
                for c in (1, 0, -1)
            ]
            for a, c in ((0, 1), (1, 2), (0, 2)):
                made.append(s * s * (ends[a] - ends[c]) / (h * (c - a)))
        return made

    def tested(name, r, jac, x, s, why, tol=1e-4, default=None):
        t.property(name)
        out = t.call(doubt, r, x, s)
        due = s**2 * torch.einsum("bii->b", jac(x.double()))
        shapes = {
            "not summed over the dimensions": [(b, d), (b, d, d)],
            "reduced over the batch": [(), (1,)],
            "one number for each dimension": [(d,), (d, d)],
        }
        t.shape(out, (b,), "one number for each row.", ideas=shapes)
        seen = t.tensor(out).detach().double()
        if far(seen, due, tol).any():
            again = t.tensor(t.call(doubt, r, x, s)).detach().double()
            if far(again, seen, 1e-6).any():
                default = "different at each call"
            else:
                default = default or mistake(seen, r, jac, x, s)
        bad = far(seen, due, tol)
        if default is None and bad.any() and not relation(seen, due, bad):
            close = ((seen - due).abs() < 0.02 * due.abs().clamp(min=0.1)).all()
            if close or any(not far(seen, v, 1e-5).any() for v in stepped(r, x, s)):
                default = "differences in place of derivatives"
            else:  # is it right where output i depends on input i alone?
                alone, slopes = bend(2 * torch.eye(d))
                simple = t.tensor(t.call(doubt, alone, x, s)).detach().double()
                plain = s**2 * torch.einsum("bii->b", slopes(x.double()))
                right = not far(simple, plain, 1e-3).any()
                default = "entries off the diagonal" if right else None
        t.close(out, due, why, default, tol=tol)

    why = "The diagonal of its Jacobian by the chain rule, times the variance."
    mix = t.away(d, d, low=0.4, high=1.4)
    mix.diagonal().copy_(t.uniform(d, low=0.5, high=1.2))
    x = t.uniform(b, d, low=-1.2, high=0.6)
    tested("a smooth denoiser, whose Jacobian is known", *bend(mix), x, std, why)
    signs = torch.tensor([-2.0, 0.6, 1.8, -1.5])[:d]
    mix.diagonal().copy_(2 * signs)
    x = t.uniform(b, d, low=-3, high=3)
    x[0], x[1] = -shift + (signs < 0) * 3.0, -shift + (signs > 0) * 3.0
    tested("slopes of both signs", *bend(mix), x, std, why)

    points = t.normal(6, d, std=1.5)

    def weights(v, s):
        apart = (v[:, None] - points.to(v)).pow(2).sum(2)
        return torch.softmax(-apart / (2 * s**2), 1)

    def best(s, far=0.0):
        def jac(x):  # by the covariance of the points that may be behind x
            away = points.double() - (weights(x, s) @ points.double())[:, None]
            return torch.einsum("bm,bmi,bmj->bij", weights(x, s), away, away) / s**2

        return lambda v: weights(v, s) @ points.to(v) + far, jac

    # Narrow noise between two points bends the denoiser. Then a number is added to it,
    # which moves no derivative: differences lose their digits, whatever their step.
    between = (points + points.roll(1, 0))[:b].double() / 2
    between = between + 0.1 * t.normal(b, d).double()
    why = "The spread of the clean points that could be behind the noisy one."
    name = "the best denoiser of a few points: the variance, by enumeration"
    tested(name, *best(std), points[:b] + t.normal(b, d, std=0.6), std, why, 1e-3)
    tested(f"{name}, narrow noise", *best(std / 2), between, std / 2, why, 1e-3)
    told = "differences in place of derivatives"
    name = "moved by 1e9, which changes no derivative"
    tested(name, *best(std / 2, 1e9), between, std / 2, why, 1e-6, told)

    t.property("a batch of one is a batch")
    r, jac = bend(mix)
    out, lost = t.call(doubt, r, x[:1], std), {"batch axis lost": ()}
    t.shape(out, (1,), "one number for the one row.", ideas=lost)
    due = std**2 * torch.einsum("bii->b", jac(x[:1]))
    t.close(out, due, "As in the batch.", tol=1e-4)
