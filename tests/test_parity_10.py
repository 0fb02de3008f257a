"""What chapter 10 builds computes what the library ships."""

import pytest
import torch
from parity import build_namespace, parity, shaken, values

from gmcourse import coordinates, denoisers, paths, samplers, seeded
from gmcourse.denoisers import PointDenoiser
from gmcourse.diffusion import Diffusion

CHAPTER = "10_diffusion"
COORDINATES = ["data", "noise", "score", "velocity", "scaled"]
equal = torch.testing.assert_close


@pytest.fixture(scope="module")
def notebook():
    return build_namespace(CHAPTER)


def times(n):
    with seeded(3):
        return 0.02 + 0.9 * torch.rand(n, dtype=torch.float64)


@parity("10_diffusion", "Cosine", "over")
def test_a_path(notebook):
    mine, theirs, t = notebook["Cosine"](), paths.Cosine(), times(7)
    equal(mine.alpha(t), theirs.alpha(t))
    equal(mine.sigma(t), theirs.sigma(t))
    equal(mine.time(10 * t), theirs.time(10 * t))
    assert mine.at(0.3) == pytest.approx(theirs.at(0.3), rel=1e-12)
    equal(notebook["over"](t, values(7, 3, 2)), paths.over(t, values(7, 3, 2)))


@parity("10_diffusion", "data", "noise", "score", "velocity", "scaled", "convert")
@pytest.mark.parametrize("to", COORDINATES)
@pytest.mark.parametrize("of", COORDINATES)
def test_coordinates(notebook, of, to):
    x_t, value, t = values(6, 3), values(6, 3).flip(0), times(6)
    for path in paths.Cosine(), paths.Straight():
        mine = notebook["convert"](
            value, x_t, t, path, of=notebook[of], to=notebook[to]
        )
        due = coordinates.convert(
            value,
            x_t,
            t,
            path,
            of=getattr(coordinates, of),
            to=getattr(coordinates, to),
        )
        equal(mine, due)


@parity("10_diffusion", "Denoiser")
@pytest.mark.parametrize("name", COORDINATES)
def test_the_model(notebook, name):
    net = shaken(PointDenoiser(2, width=8, depth=1))
    theirs = Diffusion(net, (2,), predict=getattr(coordinates, name)).double()
    mine = notebook["Denoiser"](net, notebook["Cosine"](), notebook[name])
    x = values(5, 2)
    equal(mine.denoise(x, times(5)), theirs.denoise(x, times(5)))
    for seed in range(3):
        with seeded(seed):
            loss = mine.loss(x)
        with seeded(seed):
            equal(loss, theirs.loss(x))


@parity("10_diffusion", "posterior", "ancestral", "ddim", "heun", "dpm_solver")
@pytest.mark.parametrize("path", [paths.Cosine(), paths.Straight()])
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("ancestral", {}),
        ("ddim", {}),
        ("ddim", {"eta": 0.7}),
        ("heun", {}),
        ("dpm_solver", {}),
    ],
)
def test_samplers(notebook, path, name, how):
    denoise = denoisers.optimal(values(4, 2), path)
    grid = samplers.karras(path, 7)
    with seeded(0):
        mine = list(notebook[name](denoise, path, values(5, 2), grid, **how))
    with seeded(0):
        due = list(getattr(samplers, name)(denoise, path, values(5, 2), grid, **how))
    assert [t for t, _ in mine] == [t for t, _ in due] == grid[1:]
    equal([x for _, x in mine], [x for _, x in due])


@parity("10_diffusion", "evenly", "karras")
@pytest.mark.parametrize("name", ["evenly", "karras"])
def test_grids(notebook, name):
    for path in paths.Cosine(), paths.Straight():
        for steps in 2, 9:
            mine = notebook[name](path, steps)
            assert mine == pytest.approx(getattr(samplers, name)(path, steps), rel=1e-9)


@parity("10_diffusion", "optimal")
def test_the_ideal_denoiser(notebook):
    points, x = values(6, 3, 2), values(4, 3, 2).flip(0)
    for t in 0.1, 0.5, 0.9:
        mine = notebook["optimal"](points, paths.Cosine())(x, t)
        equal(mine, denoisers.optimal(points, paths.Cosine())(x, t))


@parity("10_diffusion", "elbo")
def test_the_bound_of_a_chain_of_two_steps(notebook):
    """The library draws one step; of two there is one to draw."""
    net = shaken(PointDenoiser(2, width=8, depth=1))
    model, x = Diffusion(net, (2,)).double(), values(5, 2)
    ratios = (0.5, 3.0)
    denoise = lambda x, t: model.denoise(x, x.new_full((len(x),), t))  # noqa: E731
    many = 4_000
    with seeded(0):
        mine = torch.stack(
            [
                notebook["elbo"](denoise, model.path, x, list(ratios))
                for _ in range(many)
            ]
        )
        due = torch.stack([model.elbo(x, steps=2, ratios=ratios) for _ in range(many)])
    gap = mine.mean(0) - due.mean(0)
    error = ((mine.var(0) + due.var(0)) / many).sqrt()
    assert (gap.abs() < 5 * error).all()
