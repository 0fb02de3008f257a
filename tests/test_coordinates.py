"""Coordinates against a mixture whose score is known, and against one another."""

import itertools
import math

import pytest
import torch

from gmcourse import coordinates
from gmcourse.coordinates import convert, data, noise, scaled, score, velocity
from gmcourse.data.mixture import GaussianMixture
from gmcourse.paths import Cosine, Exploding, LinearBeta, Straight, Table, over

PATHS = [Cosine(), LinearBeta(), Straight(), Exploding(20.0, 2.0), Table.linear()]
every = pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
ALL = [data, noise, score, velocity, scaled]


def mixture():
    covs = [[[0.5, 0.2], [0.2, 0.3]], [[0.1, 0.0], [0.0, 0.4]]]
    return GaussianMixture([[1.0, 0.5], [-1.0, 0.2]], covs=covs, weights=[0.3, 0.7])


def truth(path, x_t, t):
    """What each net should say, all from the score of the noisy mixture."""
    values = []
    for one, when in zip(x_t, t.tolist()):
        a, s = path.at(when)
        a_rate, s_rate = path.rates_at(when)
        slope = mixture().diffused(a, s).score(one[None])[0]
        eps = -s * slope
        x = (one + s**2 * slope) / a  # Tweedie's formula
        say = s * x - a * eps
        values.append(
            {
                data: x,
                noise: eps,
                score: slope,
                velocity: a_rate * x + s_rate * eps,
                scaled: say / math.sqrt(a**2 + s**2),
            }
        )
    return {k: torch.stack([value[k] for value in values]) for k in ALL}


@every
@pytest.mark.parametrize("of,to", [*itertools.product(ALL, ALL)])
def test_all_pairs_on_a_mixture(path, of, to):
    t = torch.tensor([0.03, 0.2, 0.5, 0.81, 0.97], dtype=torch.float64)
    x_t = torch.randn(5, 2, dtype=torch.float64) * 2
    say = truth(path, x_t, t)
    found = convert(say[of], x_t, t, path, of=of, to=to)
    torch.testing.assert_close(found, say[to], rtol=1e-8, atol=1e-9)


def test_the_mixtures_data_are_its_mean_given_the_noisy():
    """Tweedie's formula, on which the other tests stand, by quadrature."""
    path, points = Cosine(), mixture().grid(400, torch.float64)[0]
    x_t = torch.tensor([[0.4, -0.1]], dtype=torch.float64)
    a, s = path.at(0.4)
    log_p = mixture().log_prob(points) - (x_t - a * points).square().sum(1) / 2 / s**2
    mean = log_p.softmax(0) @ points
    found = truth(path, x_t, torch.tensor([0.4]))[data]
    torch.testing.assert_close(found[0], mean, rtol=1e-6, atol=1e-7)


@every
@pytest.mark.parametrize("coordinate", ALL)
def test_the_target_of_an_example(path, coordinate):
    """What data and noise say together, by the definition of each."""
    t = torch.rand(50, dtype=torch.float64) * 0.98 + 0.01
    x, eps = torch.randn(2, 50, 3, dtype=torch.float64)
    x_t = path.noised(x, t, eps)
    a, s = (over(k, x) for k in (path.alpha(t), path.sigma(t)))
    a_rate, s_rate = (over(k, x) for k in path.rates(t))
    due = {
        data: x,
        noise: eps,
        score: -eps / s,
        velocity: a_rate * x + s_rate * eps,
        scaled: (s * x - a * eps) / (a**2 + s**2).sqrt(),
    }[coordinate]
    skip, out, _ = (over(k, x) for k in coordinate(path, t))
    torch.testing.assert_close((x - skip * x_t) / out, due, rtol=1e-7, atol=1e-8)


@every
def test_scaled_has_variance_1_on_both_sides(path):
    x, eps = torch.randn(2, 200_000, dtype=torch.float64)
    for when in (0.02, 0.3, 0.7, 0.99):
        t = torch.tensor(when, dtype=torch.float64)
        a, s = path.at(when)
        skip, out, scale = scaled(path, t)
        x_t = a * x + s * eps
        assert (scale * x_t).std().item() == pytest.approx(1, abs=0.01)
        assert ((x - skip * x_t) / out).std().item() == pytest.approx(1, abs=0.01)
        # Of all that do so, the one in which errors weigh least.
        skips = skip + torch.tensor([0.0, -1e-3, 1e-3], dtype=torch.float64)
        least, *more = ((1 - skips * a) ** 2 + (skips * s) ** 2).tolist()
        assert out.item() ** 2 == pytest.approx(least) and min(more) > least


def test_scaled_is_karras_preconditioning():
    """Table 1 of the paper, for data of deviation 1."""
    path, t = Exploding(), torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    sigma = 80 * t**7
    skip, out, scale = scaled(path, t)
    torch.testing.assert_close(skip, 1 / (sigma**2 + 1))
    torch.testing.assert_close(out, sigma / (1 + sigma**2).sqrt())
    torch.testing.assert_close(scale, 1 / (1 + sigma**2).sqrt())


def test_velocity_on_the_cosine_path_is_v():
    t = torch.rand(20, dtype=torch.float64)
    x, eps = torch.randn(2, 20, 2, dtype=torch.float64)
    x_t = Cosine().noised(x, t, eps)
    found = convert(eps, x_t, t, Cosine(), of=noise, to=velocity)
    a, s = (over(k, x) for k in (Cosine().alpha(t), Cosine().sigma(t)))
    torch.testing.assert_close(found, math.pi / 2 * (a * eps - s * x))


def test_the_velocity_moves_the_example():
    t = torch.tensor([0.3004, 0.6004], dtype=torch.float64)  # no corner of a table
    x, eps = torch.randn(2, 2, 4, dtype=torch.float64)
    for path in PATHS:
        ahead, back = (path.noised(x, t + h, eps) for h in (1e-6, -1e-6))
        x_t = path.noised(x, t, eps)
        v = convert(x, x_t, t, path, of=data, to=velocity)
        torch.testing.assert_close(v, (ahead - back) / 2e-6, rtol=1e-5, atol=1e-6)


@every
@pytest.mark.parametrize("coordinate", ALL)
def test_only_scaled_changes_the_input(path, coordinate):
    t = torch.rand(6) * 0.9 + 0.05
    size = (path.alpha(t) ** 2 + path.sigma(t) ** 2).rsqrt()
    due = size if coordinate is scaled else torch.ones(6)
    torch.testing.assert_close(coordinate(path, t)[2], due)


# The times of training (a thousandth at both ends is left out): rounding of a target,
# in units of its size.
@pytest.mark.parametrize("coordinate", ALL)
@pytest.mark.parametrize("path", PATHS[:3], ids=lambda p: type(p).__name__)
def test_targets_in_single_precision(path, coordinate):
    for when in (1e-3, 0.1, 0.5, 0.9, 0.999):
        x, eps = torch.randn(2, 1000, 1, dtype=torch.float64)
        x, eps = x.float().double(), eps.float().double()
        t = torch.full((1000,), when, dtype=torch.float32)

        def target(x, eps, t):
            x_t = path.noised(x, t, eps)
            skip, out, _ = (over(k, x) for k in coordinate(path, t))
            return (x - skip * x_t) / out

        exact = target(x, eps, t.double())
        error = target(x.float(), eps.float(), t).double() - exact
        assert error.square().mean().sqrt() < 3e-4 * exact.square().mean().sqrt()


def test_all_of_them_are_exported():
    assert set(coordinates.__all__) == {"convert", *(k.__name__ for k in ALL)}
