"""The density by the equation without noise, where it is known."""

import math

import pytest
import torch
from models import point_diffusion
from test_diffusion import diffusion, gaussian

from gmcourse import samplers, seeded
from gmcourse.coordinates import data, noise, velocity
from gmcourse.data.mixture import GaussianMixture
from gmcourse.paths import Cosine, Exploding, LinearBeta, Straight, Table, over
from gmcourse.probability_flow import probability_flow

PATHS = [Cosine(), LinearBeta(), Straight(), Exploding(40.0, 3.0), Table.linear()]
every_path = pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)


def two():
    return GaussianMixture(
        [[1.0, 0.5], [-1.0, 0.2]], stds=[0.4, 0.6], weights=[0.3, 0.7]
    )


def of_the_mixture(path):
    """The mean of the mixture's data given the noisy, at a time of each."""
    mixture = two()
    means, weights = mixture.means, mixture.weights
    var = mixture.covs.diagonal(dim1=1, dim2=2)

    def estimate(x_t, t):
        a, s = over(path.alpha(t), x_t)[..., None], over(path.sigma(t), x_t)[..., None]
        total, away = a**2 * var + s**2, x_t[:, None] - a * means
        log_p = weights.log() - (away**2 / total + total.log()).sum(2) / 2
        return (log_p.softmax(1)[..., None] * (means + a * var / total * away)).sum(1)

    return estimate


@pytest.mark.parametrize(
    "path,predict",
    [*((path, noise) for path in PATHS), (PATHS[0], data), (PATHS[0], velocity)],
)
def test_the_density_of_a_gaussian(path, predict):
    """Carried along the exact equation to noise that is taken for standard."""
    mean, var = 0.4, 0.5  # of (x - 1) / 2
    model = diffusion(gaussian(path, mean, var), path, predict, center=1.0, spread=2.0)
    flow = probability_flow(model, steps=40, start=0.05)
    x = torch.randn(8, 2, dtype=torch.float64)
    (a, s), (a_t, s_t) = path.at(0.05), path.at(samplers.evenly(path, 1)[0])
    slope = ((a_t**2 * var + s_t**2) / (a**2 * var + s**2)) ** 0.5 / s_t
    z = a_t / s_t * mean + slope * ((x - 1) / 2 - a * mean)
    due = torch.distributions.Normal(0, 1).log_prob(z) + math.log(slope / 2)
    close = {"rtol": 0, "atol": 5e-3}  # corners of the table
    torch.testing.assert_close(flow.log_prob(x).detach(), due.sum(1), **close)
    torch.testing.assert_close(flow.to_latent(x)[0].detach(), z, **close)


@every_path
def test_the_density_of_a_mixture(path):
    """With a twentieth of noise; at its end the path is nearly pure noise."""
    model = diffusion(of_the_mixture(path), path)
    start = path.when(0.05)
    flow = probability_flow(model, steps=40, start=start)
    x = two().sample(20).double()
    due = two().diffused(*path.at(start)).log_prob(x)
    torch.testing.assert_close(flow.log_prob(x).detach(), due, rtol=0, atol=0.04)


def test_from_the_usual_start_it_is_nearly_that_of_the_data():
    path, x = Cosine(), two().sample(20).double()
    model = diffusion(of_the_mixture(path), path)
    found = probability_flow(model, steps=100).log_prob(x).detach()
    torch.testing.assert_close(found, two().log_prob(x), rtol=0, atol=0.04)


@every_path
def test_it_goes_where_the_sampler_goes(path):
    """Back from noise by the same equation that ddim and heun solve."""
    model = diffusion(of_the_mixture(path), path)
    flow = probability_flow(model, steps=40, start=0.05)
    first = samplers.evenly(path, 1)[0]
    z = torch.randn(10, 2, dtype=torch.float64)
    times = [first + i / 100 * (0.05 - first) for i in range(101)]
    *_, (_, due) = samplers.heun(model.denoiser(), path, path.at(first)[1] * z, times)
    found = flow.from_latent(z)
    torch.testing.assert_close(found.detach(), due.detach(), rtol=0, atol=2e-3)


def test_limits_are_not_its_own():
    """A clipped estimate has no slope: the density is that of the net's own."""
    path, x = Cosine(), torch.randn(3, 2, dtype=torch.float64)
    free, limited = (
        probability_flow(diffusion(gaussian(path), path, limits=limits), steps=3)
        for limits in (None, (-0.1, 0.1))
    )
    assert torch.equal(free.log_prob(x), limited.log_prob(x))


@pytest.mark.parametrize("required", [True, False])
def test_labels_reach_the_net(required):
    with seeded(0):
        model = point_diffusion(classes=3, required=required)
    flow = probability_flow(model, steps=2)
    seen, x, c = [], torch.randn(3, 2), torch.tensor([2, 0, 1])
    model.net.register_forward_pre_hook(lambda _, args: seen.append(args[2]))
    flow.log_prob(x, c)
    assert all(torch.equal(one, c) for one in seen)
    seen.clear()
    if required:
        with pytest.raises(ValueError, match="is conditional"):
            flow.log_prob(x)
        return
    flow.log_prob(x)
    assert all(one.tolist() == [3, 3, 3] for one in seen) and seen


def test_the_weights_are_the_models():
    with seeded(0):
        model = point_diffusion()
    flow = probability_flow(model, steps=2)
    assert {id(p) for p in flow.parameters()} == {id(p) for p in model.parameters()}
    assert flow.event_shape == model.event_shape and flow.exact
