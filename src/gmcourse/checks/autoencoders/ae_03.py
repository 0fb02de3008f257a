"""Exercise ae-03: Three errors by hand."""

import math

import torch

from .._exercise import Exercise


@Exercise(
    id="ae-03",
    title="Three errors by hand",
    difficulty=3,
    minutes=25,
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
  noise of variance $\sigma^2 = 3$ in each dimension.
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
        "A linear decoder of x1 predicts the other coordinates by regression: the "
        "slope for coordinate j is its covariance with x1, divided by the variance "
        "of x1.",
        "In each principal direction the denoiser faces a problem of one dimension: "
        "prior variance λ, noise variance σ². What is the posterior variance?",
    ),
    misconceptions={
        "variance kept in place of lost": "The error is what the code leaves out: the "
        "other eigenvalues.",
        "coordinates in place of directions": "The best code is no single coordinate; "
        "find the eigenvalues of the block.",
        "one direction too few lost": "One code leaves two directions out.",
        "third dimension forgotten": "The third dimension has a variance, and an "
        "error, too.",
        "decoder that does not predict": "x1 says something about x2: a decoder may "
        "use the correlation.",
        "same as the best code": "The encoder is given; it is not the best one.",
        "slope divided by the wrong variance": "The slope of x2 on x1 is the "
        "covariance divided by the variance of x1.",
        "noise left in": "Returning the noisy point costs three times the variance of "
        "the noise; shrinking it costs less.",
        "each coordinate denoised alone": "x1 and x2 are correlated: the noisy value "
        "of one says something about the other.",
        "signal in place of error": "λ²/(λ + σ²) is the part of the signal that is "
        "recovered; the error is the rest.",
        "one part of the error only": "A denoiser that shrinks loses signal and lets "
        "noise through: both are error.",
        "variance read as standard deviation": "The variance is given: σ² = 3.",
        "all directions shrunk alike": "Each direction has a variance of its own.",
        "noise counted once": "Every direction is noisy.",
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

    digits = 2.5e-4  # of the size: three after the point
    angle = torch.linspace(0, math.pi, 721, dtype=torch.float64)
    polar, around = angle[::4, None], angle[None]
    flat = polar.sin() * around.cos(), polar.sin() * around.sin()
    units = torch.stack([*flat, polar.cos().expand_as(flat[0])], -1).view(-1, 3)
    due = 10 - (x @ units.T).pow(2).mean(0).max()
    ideas = {
        "variance kept in place of lost": 10 - due,
        "coordinates in place of directions": 5.0,
        "one direction too few lost": [1.0, 3.0],
        "mean over the dimensions": due / 3,
    }
    name, why = "one code: the best of all directions", "A search over all directions."
    t.number(name, one_code, due, why, ideas, tol=digits)

    due = left(x[:, :1])
    ideas = {
        "decoder that does not predict": 5.0,
        "same as the best code": 4.0,
        "third dimension forgotten": 1.2,
        "variance kept in place of lost": 10 - due,
        "slope divided by the wrong variance": [9.0, 3.0, 1.0],
        "mean over the dimensions": due / 3,
    }
    name = "the first coordinate: the best linear decoder of it"
    why = "Least squares from the first coordinate to all three."
    t.number(name, first_only, due, why, ideas, tol=digits)

    due = left(x + 3**0.5 * eps)
    ideas = {
        "noise left in": 9.0,
        "signal in place of error": 10 - due,
        "one part of the error only": [6 / 9 + 3 / 4 + 9 / 16, 12 / 9 + 3 / 4 + 3 / 16],
        "variance read as standard deviation": left(x + 3 * eps),
        "all directions shrunk alike": [3 * 3 * (10 / 3) / (3 + 10 / 3), 30 / 13],
        "noise counted once": [2.0, 1.5, 0.75],
        "third dimension forgotten": 2.75,
        "each coordinate denoised alone": 1.875 + 1.2 + 1.5,
        "mean over the dimensions": due / 3,
    }
    name = "denoising: the best linear map, which is the best of all here"
    why = "Least squares from the noisy points to the clean ones."
    t.number(name, denoised, due, why, ideas, tol=digits)
