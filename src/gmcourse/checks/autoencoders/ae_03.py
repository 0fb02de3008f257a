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
with three digits after the point:

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
        "variance read as standard deviation": "The variance is given: σ² = 3.",
        "all directions shrunk alike": "Each direction has a variance of its own.",
        "noise counted once": "Every direction is noisy.",
    },
)
def ae_03(t, one_code, first_only, denoised):
    cov = torch.tensor([[5.0, 2, 0], [2, 2, 0], [0, 0, 3]], dtype=torch.float64)
    # Twelve points whose second moments are exactly these, and exact noise beside.
    half = torch.linalg.cholesky(cov).T
    cross = torch.eye(6, dtype=torch.float64) * 6**0.5
    design = torch.cat([cross, -cross])
    x, eps = design[:, :3] @ half, design[:, 3:]

    t.property("one code: the best of all directions")
    angle = torch.linspace(0, math.pi, 721, dtype=torch.float64)
    polar, around = angle[::4, None], angle[None]
    flat = polar.sin() * around.cos(), polar.sin() * around.sin()
    units = torch.stack([*flat, polar.cos().expand_as(flat[0])], -1).view(-1, 3)
    along = torch.einsum("ni,mi->nm", x, units).pow(2).mean(0)
    due = float(x.pow(2).sum(1).mean() - along.max())
    ideas = {
        "variance kept in place of lost": 6.0,
        "coordinates in place of directions": 5.0,
        "one direction too few lost": [1.0, 3.0],
        "mean over the dimensions": due / 3,
    }
    why = "Twelve points with this covariance, and a search over all directions."
    t.close(one_code, due, why, ideas=ideas, tol=2e-4)

    t.property("the first coordinate: the best linear decoder of it")
    code = x[:, :1]
    fitted = code @ torch.linalg.lstsq(code, x).solution
    due = float((x - fitted).pow(2).sum(1).mean())
    ideas = {
        "decoder that does not predict": 5.0,
        "same as the best code": 4.0,
        "third dimension forgotten": 1.2,
        "variance kept in place of lost": 10 - due,
        "slope divided by the wrong variance": [9.0, 3.0, 1.0],
        "mean over the dimensions": due / 3,
    }
    why = "Least squares from the first coordinate to all three."
    t.close(first_only, due, why, ideas=ideas, tol=2e-4)

    t.property("denoising: the best linear map, which is the best of all here")

    def best(scale: float) -> float:
        noisy = x + scale * eps
        fitted = noisy @ torch.linalg.lstsq(noisy, x).solution
        return float((x - fitted).pow(2).sum(1).mean())

    due = best(3**0.5)
    ideas = {
        "noise left in": 9.0,
        "signal in place of error": 10 - due,
        "variance read as standard deviation": best(3.0),
        "all directions shrunk alike": [3 * 3 * (10 / 3) / (3 + 10 / 3), 30 / 13],
        "noise counted once": [2.0, 1.5, 0.75],
        "third dimension forgotten": 2.75,
        "each coordinate denoised alone": 1.875 + 1.2 + 1.5,
        "mean over the dimensions": due / 3,
    }
    why = "Least squares from the noisy points to the clean ones."
    t.close(denoised, due, why, ideas=ideas, tol=2e-4)
