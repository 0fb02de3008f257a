"""Exercise ae-03: Three errors by hand."""

import itertools
import math

import torch

from .._exercise import Exercise


@Exercise(
    id="ae-03",
    title="Three errors by hand",
    difficulty=3,
    minutes=15,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Compute the least error of a linear autoencoder, of a decoder for a given "
        "encoder, and of a denoiser, from a covariance.",
    ),
    statement=r"""
Centered Gaussian data in three dimensions have the covariance

$$
\Sigma = \begin{pmatrix} 5 & 2 & 0 \\ 2 & 2 & 0 \\ 0 & 0 & 3 \end{pmatrix} .
$$

Give three numbers, each an expected squared error summed over the three dimensions,
right to three digits after the point (zeros at the end may go):

- `one_code`: the least error of a linear autoencoder with one code;
- `first_only`: the least error of a linear decoder if the encoder passes on the first
  coordinate, $z = x_1$, and nothing else;
- `denoised`: the least error of any denoiser, if $\tilde x = x + \sigma \epsilon$ with
  noise of variance $\sigma^2 = 4$ in each dimension.
""",
    stub="""
one_code = ...
first_only = ...
denoised = ...
""",
    answers={"one_code": float, "first_only": float, "denoised": float},
    hints=(
        "The third dimension is on its own; the upper block has trace 7 and "
        "determinant 6.",
        "A linear decoder of $x_1$ predicts the other coordinates by regression: the "
        "slope for coordinate $j$ is its covariance with $x_1$, divided by the "
        "variance of $x_1$.",
        "In each principal direction the denoiser faces a problem of one dimension: "
        r"prior variance $\lambda$, noise variance $\sigma^2$. What is the posterior "
        "variance?",
    ),
    misconceptions={
        "variance kept in place of lost": "The error is what the code leaves out: the "
        "other eigenvalues.",
        "largest directions lost": "One code keeps the largest of the three "
        "variances, not one of the others.",
        "coordinates in place of directions": "The best code is no single coordinate; "
        "find the eigenvalues of the block.",
        "one direction too few lost": "One code leaves two directions out.",
        "half of it, or its root": "This is half of what is due and its root, too. A "
        "squared error is due, without a factor of 1/2.",
        "standard deviations in place of variances": "Squared errors add up: an "
        "eigenvalue is a variance as it is.",
        "a share in place of the error": "The error itself is due, not divided by the "
        "whole variance.",
        "answers in another order": "These numbers are due, each in another place.",
        "third dimension forgotten": "The third dimension has a variance, and an "
        "error, too.",
        "decoder that does not predict": "x1 says something about x2: a decoder may "
        "use the correlation.",
        "same as the best code": "The encoder is given; it is not the best one.",
        "explained part kept or added": "What x1 explains is taken off the variances: "
        "the error is what is left.",
        "explained part of another size": "The part of x2 that x1 explains is slope "
        "times covariance, with the slope of the regression on x1.",
        "decoder of another code": "The encoder is given, and the decoder fits it by "
        "regression: the direction of the best code is not that of its decoder.",
        "noise left in": "Returning the noisy point costs three times the variance of "
        "the noise; shrinking it costs less.",
        "each coordinate denoised alone": "x1 and x2 are correlated: the noisy value "
        "of one says something about the other.",
        "signal in place of error": "λ²/(λ + σ²) is the part of the signal that is "
        "recovered; the error is the rest.",
        "signal and noise swapped": "σ⁴/(λ + σ²) treats the noise as the signal.",
        "one part of the error only": "A denoiser that shrinks loses signal and lets "
        "noise through: both are error.",
        "another variance of the noise": "The variance is given: σ² = 4. It is neither "
        "squared nor rooted.",
        "all directions shrunk alike": "Each direction has a variance of its own.",
        "directions kept or dropped": "A direction is neither kept as it is nor "
        "dropped: it is shrunk.",
        "directions left out": "Every direction is noisy, and has an error.",
        "factors in place of errors": "A factor has no unit: an error is a factor "
        "times a variance.",
        "the whole, or squares of the eigenvalues": "10 is the whole variance, and "
        "also 3² + 1²: the sum of the eigenvalues that are left out is due.",
        "a product in place of a sum": "Errors of several directions add up.",
        "another slope than that of the regression": "The slope of the best linear "
        "decoder is the covariance with x1 divided by the variance of x1.",
        "x1 counted, too": "x1 is passed on, and has no error.",
        "a bottleneck added": "The denoiser has no bottleneck: no direction is "
        "dropped.",
        "precisions in place of variances": "1/λ + 1/σ² is the posterior precision; "
        "its inverse is the variance, direction by direction.",
        "eigenvalues of something else": "An eigenvalue of the covariance is a "
        "variance as it is: neither squared nor rooted.",
        "rounded too early": "Three digits after the point are due.",
    },
)
def ae_03(t, one_code, first_only, denoised):
    cov = torch.tensor([[5.0, 2, 0], [2, 2, 0], [0, 0, 3]], dtype=torch.float64)
    # Twelve points whose second moments are exactly these, and exact noise beside.
    cross = torch.eye(6, dtype=torch.float64) * 6**0.5
    design = torch.cat([cross, -cross])
    x, eps = design[:, :3] @ torch.linalg.cholesky(cov).T, design[:, 3:]

    def left(given) -> float:
        """The error of the best linear map from ``given`` to x."""
        fitted = given @ torch.linalg.lstsq(given, x).solution
        return float((x - fitted).pow(2).sum(1).mean())

    angle = torch.linspace(0, math.pi, 721, dtype=torch.float64)
    polar, around = angle[::4, None], angle[None]
    flat = polar.sin() * around.cos(), polar.sin() * around.sin()
    units = torch.stack([*flat, polar.cos().expand_as(flat[0])], -1).view(-1, 3)
    best = float(10 - (x @ units.T).pow(2).mean(0).max())
    dues = best, left(x[:, :1]), left(x + 2 * eps)

    digits = 2.5e-4  # of the size: three after the point
    given = [float(t.tensor(v)) for v in (one_code, first_only, denoised)]
    swapped = any(
        all(abs(a - b) <= 1e-3 for a, b in zip(given, order)) and order != dues
        for order in itertools.permutations(dues)
    )
    order = "answers in another order"

    def number(name, got, due, why, ideas):
        found = {order: float(got)} if swapped and abs(got - due) > 0.01 else {}
        shares = {"a share in place of the error": [due / 10, 1 - due / 10]}
        t.number(name, got, due, why, found | ideas | shares, tol=digits)

    ideas = {
        "half of it, or its root": best / 2,
        "variance kept in place of lost": 6.0,
        "largest directions lost": [9.0, 7.0],
        "the whole, or squares of the eigenvalues": [10.0, 3**2 + 1**2, 6**2],
        "a product in place of a sum": [3.0 * 1.0 * 6.0, 6.0 * 3.0, 6.0 * 1.0],
        "coordinates in place of directions": [5.0, 8.0, 4.2],
        "one direction too few lost": [1.0, 3.0],
        "standard deviations in place of variances": 1 + 3**0.5,
        "mean over the dimensions": best / 3,
    }
    name, why = "one code: the best of all directions", "A search over all directions."
    number(name, given[0], best, why, ideas)

    due = dues[1]
    parts = 2 / 5, 4 / 25, 0.4**0.5, 2 * 0.4**0.5, 2 / 2, 4 / 2, 4.0, 29**0.5 - 5
    ideas = {
        "decoder that does not predict": 5.0,
        "same as the best code": 4.0,
        "third dimension forgotten": [1.2, 2.0],
        "explained part kept or added": 10 - due,
        "explained part of another size": [*(5 - v for v in parts), 6.0, 9.0],
        "decoder of another code": [
            float((x - x[:, :1] * torch.tensor(v)).pow(2).sum(1).mean())
            for v in ([2 / 5**0.5, 1 / 5**0.5, 0.0], [1.0, 0.5, 0.0], [0.8, 0.4, 0.0])
        ],
        "standard deviations in place of variances": 1.2**0.5 + 3**0.5,
        "square root taken": due**0.5,
        "mean over the dimensions": due / 3,
        "another slope than that of the regression": [
            5 - 4 * b + 5 * b * b for b in (2, 1, 5 / 2, 1 / 2, -2 / 5, 4 / 5, 1 / 5,
                                            0.4**0.5, 2 / 10**0.5, 2 / 7)],
        "x1 counted, too": [5 + v for v in (due, 5.0, 2 - 0.8)],
    }  # fmt: skip
    name = "the first coordinate: the best linear decoder of it"
    why = "Least squares from the first coordinate to all three."
    number(name, given[1], due, why, ideas)

    due, lam, v = dues[2], (6.0, 3.0, 1.0), 4.0
    formulas = {
        "": lambda e, v: e * v / (e + v),
        "signal in place of error": lambda e, v: e * e / (e + v),
        "signal and noise swapped": lambda e, v: v * v / (e + v),
        "bias alone": lambda e, v: e * (v / (e + v)) ** 2,
        "noise alone": lambda e, v: v * (e / (e + v)) ** 2,
        "factors in place of errors": lambda e, v: e / (e + v),
        "other factors": lambda e, v: v / (e + v),
        "kept or dropped": min,
        "precisions in place of variances": lambda e, v: (e + v) / (e * v),
        "inverse of the sum": lambda e, v: 1 / (e + v),
        "a product": lambda e, v: e * v,
        "standard deviations": lambda e, v: (e * v / (e + v)) ** 0.5,
    }

    def total(name, given=lam, v=v):
        return sum(formulas[name](e, v) for e in given)

    each = [formulas[""](e, v) for e in lam]
    noises = 16.0, 2.0, 1.0, 8.0, 4 / 3, 12.0, 0.5, 3.0
    ideas = {
        "noise left in": [3 * v, 10 + 3 * v, v],
        "signal in place of error": [total("signal in place of error"), 10 - due],
        "signal and noise swapped": total("signal and noise swapped"),
        "one part of the error only": [total("bias alone"), total("noise alone")],
        "another variance of the noise": [total("", v=n) for n in noises],
        "all directions shrunk alike": [total("", [10 / 3] * 3), 10 * v / (10 + v),
                                        10 / 4, 10 * (v / 14) ** 2],
        "directions kept or dropped": [total("kept or dropped"), 10.0],
        "directions left out": [due - e for e in each] + each,
        "a bottleneck added": [each[0] + 4, each[0] + each[1] + 1, v + 4, 2 * v + 1],
        "factors in place of errors": [total("factors in place of errors"),
                                       total("other factors"),
                                       total("inverse of the sum")],
        "precisions in place of variances": [
            total("precisions in place of variances"), sum(1 / e for e in each),
            3 / total("precisions in place of variances")],
        "each coordinate denoised alone": total("", (5.0, 2.0, 3.0)),
        "eigenvalues of something else": [
            total("", [e**2 for e in lam]), total("", [e**0.5 for e in lam])],
        "standard deviations in place of variances": total("standard deviations"),
        "a product in place of a sum": [total("a product"), math.prod(each)],
        "square root taken": due**0.5,
        "mean over the dimensions": due / 3,
        "rounded too early": [4.9, 5.0],
    }  # fmt: skip
    told = 3 * digits * due
    for name, values in ideas.items():
        some = values if isinstance(values, list) else [values]
        ideas[name] = [e for e in some if abs(e - due) > told]
    name = "denoising: the best linear map, which is the best of all here"
    why = "Least squares from the noisy points to the clean ones."
    number(name, given[2], due, why, ideas)
