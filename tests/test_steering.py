"""Steering, where the steered law is known: Gaussians, and mixtures of them."""

import itertools
import math

import pytest
import torch

from gmcourse import seeded
from gmcourse.data.mixture import GaussianMixture
from gmcourse.denoisers import guide
from gmcourse.paths import Cosine, Exploding, LinearBeta, Straight, Table
from gmcourse.samplers import ancestral, ddim, heun, karras
from gmcourse.steering import (
    Seen,
    consistent,
    gray,
    masked,
    measurement,
    pooled,
    replacing,
    tilted,
)

PATHS = [Cosine(), LinearBeta(), Straight(), Exploding(20.0, 2.0), Table.linear()]
every_path = pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)


def exact(mixture, path):
    """The conditional mean of a mixture, by its score."""

    def denoise(x, t):
        alpha, sigma = path.at(t)
        return (x + sigma**2 * mixture.diffused(alpha, sigma).score(x)) / alpha

    return denoise


def last(states):
    return list(states)[-1][1]


KIND = GaussianMixture([[-1.0, 0.3], [0.5, 1.0]], stds=[0.4, 0.3])
ALL = GaussianMixture(
    [[-1.0, 0.3], [0.5, 1.0], [1.2, -0.6]],
    stds=[0.4, 0.3, 0.5],
    weights=[0.3, 0.3, 0.4],
)


@every_path
@pytest.mark.parametrize("weight", [1.0, 2.5])
def test_a_classifier_makes_the_conditional_model(path, weight):
    """Bayes' rule at each time; with a weight, the same as `guide`."""

    def log_kind(x, t):
        at = path.at(t)
        return KIND.diffused(*at).log_prob(x) - ALL.diffused(*at).log_prob(x)

    told, untold = exact(KIND, path), exact(ALL, path)
    x = torch.randn(7, 2, dtype=torch.float64)
    for t in (0.1, 0.5, 0.8):
        found = tilted(untold, path, log_kind, weight)(x, t)
        torch.testing.assert_close(found, guide(told, untold, weight)(x, t))


def test_steering_by_a_classifier_keeps_no_graph_and_needs_none():
    x = torch.randn(3, 2, requires_grad=True)
    asked = []

    def denoise(x, t):
        asked.append(torch.is_grad_enabled())
        return 0.5 * x

    with torch.no_grad():
        found = tilted(denoise, Cosine(), lambda x, t: -x.square().sum(1))(x, 0.5)
    assert not found.requires_grad and x.grad is None
    torch.testing.assert_close(found, 0.5 * x.detach() - 2 * x.detach() / 2**0.5)
    assert asked == [False]


@pytest.mark.parametrize(
    ("seen", "shape"),
    [
        (masked((torch.rand(1, 1, 8, 8) < 0.5).float()), (4, 3, 8, 8)),
        (gray(), (4, 3, 8, 8)),
        (gray(2), (4, 2, 8, 8)),
        (pooled(2), (4, 3, 8, 8)),
        (pooled(4), (4, 3, 8, 8)),
    ],
    ids=["mask", "gray", "two channels", "pairs", "fours"],
)
def test_the_way_back_is_the_smallest_example_that_looks_so(seen: Seen, shape):
    x = torch.randn(shape, dtype=torch.float64).float()
    y, small = seen.look(x), seen.back(seen.look(x))
    torch.testing.assert_close(seen.look(small), y)
    hidden = x - small  # what cannot be seen
    torch.testing.assert_close(
        seen.look(hidden), torch.zeros_like(y), atol=1e-6, rtol=0
    )
    # Smallest: at a right angle to what cannot be seen.
    angle = (small * hidden).flatten(1).sum(1)
    torch.testing.assert_close(angle, torch.zeros(4), atol=1e-5, rtol=0)
    assert small.shape == x.shape


def test_what_is_seen_in_numbers():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert pooled(2).look(x).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert pooled(2).back(torch.tensor([[[[7.0]]]])).tolist() == [[[[7, 7], [7, 7]]]]
    color = torch.tensor([0.0, 3.0, 6.0]).view(1, 3, 1, 1)
    assert gray().look(color).tolist() == [[[[3]]]]
    with pytest.raises(ValueError, match="other values than 0 and 1"):
        masked(torch.tensor([0.0, 0.5]))
    with pytest.raises(ValueError, match="side"):
        pooled(0)
    with pytest.raises(ValueError, match="channels"):
        gray(0)


def test_the_estimate_agrees_with_what_was_seen_and_else_stays():
    estimate = torch.randn(2, 3, 4, 4)
    x, seen = torch.randn(2, 3, 4, 4), pooled(2)
    y = seen.look(torch.randn(2, 3, 4, 4))
    found = consistent(lambda x, t: estimate, seen, y)(x, 0.5)
    torch.testing.assert_close(seen.look(found), y)
    moved = found - estimate
    torch.testing.assert_close(moved, seen.back(seen.look(moved)))


def test_consistent_is_the_posterior_mean_where_pixels_are_independent():
    """Of N(0, I), what is seen of a pixel says nothing of another."""
    path, mask = Cosine(), torch.tensor([1.0, 0.0, 1.0])
    denoise = exact(GaussianMixture([[0.0] * 3], stds=1.0), path)
    x, y = torch.randn(5, 3).double(), torch.randn(5, 3).double() * mask
    found = consistent(denoise, masked(mask), y)(x, 0.6)
    alpha, sigma = path.at(0.6)
    due = torch.where(mask == 1, y, alpha * x / (alpha**2 + sigma**2))
    torch.testing.assert_close(found, due)


@every_path
@pytest.mark.parametrize("t", [0.2, 0.7])
def test_the_likelihood_is_exact_for_standard_normal_data(path, t):
    """p(y | x_t) of a mean of two values, up to what does not depend on x_t."""
    alpha, sigma = path.at(t)
    var = sigma**2 / (alpha**2 + sigma**2)
    seen = pooled(2)
    x = torch.randn(6, 1, 2, 2, dtype=torch.float64)
    y = torch.randn(6, 1, 1, 1, dtype=torch.float64)
    denoise = exact(GaussianMixture([[0.0] * 4], stds=1.0), path)
    flat = lambda x, t: denoise(x.flatten(1), t).view_as(x)  # noqa: E731
    found = measurement(flat, path, seen, y)(x, t)
    mean = alpha * x.flatten(1).mean(1) / (alpha**2 + sigma**2)
    law = torch.distributions.Normal(mean, math.sqrt(var / 4))
    due = law.log_prob(y.flatten())
    torch.testing.assert_close(found - found[0], due - due[0])


def test_draws_given_a_measurement_of_normal_data():
    """The exact law: the mean of two values is known, their difference is not."""
    path, y = Cosine(), 0.8
    denoise = exact(GaussianMixture([[0.0] * 4], stds=1.0), path)
    flat = lambda x, t: denoise(x.flatten(1), t).view_as(x)  # noqa: E731
    seen, n = pooled(2), 4_000
    known = torch.full((n, 1, 1, 1), y, dtype=torch.float64)
    steered = tilted(flat, path, measurement(flat, path, seen, known))
    times = karras(path, 60, largest=20.0)
    with seeded(0):
        z = torch.randn(n, 1, 2, 2, dtype=torch.float64) * path.at(times[0])[1]
        x = last(heun(steered, path, z, times)).flatten(1)
    mean, rest = x.mean(1), x[:, 0] - x[:, 1]
    assert rest.var().item() == pytest.approx(2.0, rel=0.08)
    assert mean.mean().item() == pytest.approx(y, abs=0.02)
    assert mean.std().item() < 0.05


def test_the_gradient_of_a_likelihood_goes_through_the_net():
    matrix = torch.randn(3, 3)
    seen, y = masked(torch.tensor([1.0, 0.0, 1.0])), torch.tensor([[1.0, 0.0, -1.0]])
    x = torch.randn(1, 3, requires_grad=True)
    log_prob = measurement(lambda x, t: x @ matrix.T, Cosine(), seen, y)
    (slope,) = torch.autograd.grad(log_prob(x, 0.5).sum(), x)
    off = y - seen.look(x @ matrix.T)
    torch.testing.assert_close(slope, off @ matrix / 0.5)


MASK = torch.tensor([1.0, 0.0])


@every_path
def test_known_values_have_the_noise_of_their_time(path):
    n = 4_000
    known = torch.tensor([[2.0, 9.0]]).expand(n, 2)
    sampler = replacing(ddim, MASK, known)
    times = karras(path, 6, smallest=0.1, largest=5.0)
    with seeded(0):
        z = torch.randn(n, 2)
        states = list(sampler(lambda x, t: 0 * x, path, z, times))
    assert [t for t, _ in states] == times[1:]
    for t, x in states:
        alpha, sigma = path.at(t)
        assert x[:, 0].mean().item() == pytest.approx(2 * alpha, abs=0.05 * (1 + sigma))
        assert x[:, 0].std().item() == pytest.approx(sigma, rel=0.05)
    assert (states[-1][1][:, 0] == 2).all() and (states[-1][1][:, 1] == 0).all()


def test_the_noise_of_known_values_is_drawn_anew():
    known = torch.zeros(500, 2)
    sampler = replacing(ddim, MASK, known)
    path = Straight()
    (_, a), (_, b), _ = sampler(lambda x, t: x, path, known, [0.9, 0.6, 0.5, 0.0])
    both = torch.stack([a[:, 0], b[:, 0]])
    assert torch.corrcoef(both)[0, 1].abs().item() < 0.2


def test_one_known_example_has_other_noise_in_each_draw():
    n, times = 500, [0.9, 0.6]
    sampler = replacing(ddim, MASK, torch.tensor([[2.0, 9.0]]))
    x = last(sampler(lambda x, t: x, Straight(), torch.randn(n, 2), times))
    assert x[:, 0].std().item() == pytest.approx(0.6, rel=0.15)
    assert x[:, 0].mean().item() == pytest.approx(0.4 * 2, abs=0.15)


@pytest.mark.parametrize("again", [1, 3])
def test_each_step_is_made_again(again):
    asked = []

    def denoise(x, t):
        asked.append(t)
        return 0 * x

    sampler = replacing(ddim, MASK, torch.ones(1, 2), again=again)
    ends = list(
        sampler(denoise, Straight(), torch.randn(1, 2), [0.9, 0.5, 0.0], eta=1.0)
    )
    assert asked == [0.9] * again + [0.5] * again
    assert [t for t, _ in ends] == [0.5, 0.0]


@every_path
def test_what_is_made_again_starts_from_the_noise_of_its_time(path):
    """A step that moves nothing, made twice: the second is asked at x_t."""
    seen, n = [], 4_000

    def denoise(x, t):
        seen.append(x)
        return torch.full_like(x, 3.0)

    t, s = path.when(2.0), path.when(0.5)
    sampler = replacing(ddim, torch.zeros(2), torch.zeros(n, 2), again=2)
    alpha, sigma = path.at(t)
    with seeded(0):
        x = alpha * 3 + sigma * torch.randn(n, 2)
        list(sampler(denoise, path, x, [t, s]))
    first, second = seen
    for x in (first, second):
        assert x.mean().item() == pytest.approx(3 * alpha, abs=0.06 * sigma)
        assert x.std().item() == pytest.approx(sigma, rel=0.04)
    both = torch.stack([first[:, 0], second[:, 0]])
    # What of the noise was left at s: a part, neither all nor none.
    (a_s, s_s), share = path.at(s), torch.corrcoef(both)[0, 1].item()
    assert share == pytest.approx(alpha / a_s * s_s / sigma, abs=0.06)


def test_repeated_steps_come_nearer_to_the_law_given_what_is_known():
    """Slanted heaps, the first value known: which heap, the second must find out."""
    heaps = GaussianMixture(
        [[-1.0, -1.0], [1.0, 1.0]], stds=0.4, weights=[0.5, 0.5], name="heaps"
    )
    path, n = Cosine(), 1_000
    denoise, known = exact(heaps, path), torch.tensor([[0.25, 0.0]]).double()
    log_odds = (1.25**2 - 0.75**2) / (2 * 0.16)
    due = 1 / (1 + math.exp(-log_odds))
    times, off = karras(path, 40, largest=20.0), {}
    for again in (1, 10):
        sampler = replacing(ancestral, MASK.double(), known.expand(n, 2), again=again)
        with seeded(0):
            z = torch.randn(n, 2).double() * path.at(times[0])[1]
            x = last(sampler(denoise, path, z, times))
        off[again] = abs((x[:, 1] > 0).double().mean().item() - due)
    assert off[10] < off[1] / 2 and off[1] > 0.2, off


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.float64])
def test_a_mask_of_any_type(dtype):
    x, mask = torch.randn(3, 4), torch.tensor([1.0, 0.0, 0.0, 1.0])
    found = masked(mask.to(dtype)).look(x)
    assert torch.equal(found, mask * x) and found.dtype == x.dtype
    ends = []
    for one in (mask, mask.to(dtype)):
        with seeded(0):
            sampler = replacing(ddim, one, 2 + x)
            ends.append(last(sampler(lambda x, t: x.tanh(), Cosine(), x, [0.8, 0.3])))
    assert torch.equal(*ends) and ends[1].dtype == x.dtype
    assert (ends[0] - x).abs().min() > 1e-3


def test_known_values_are_known_or_not():
    with pytest.raises(ValueError, match="other values than 0 and 1"):
        replacing(ddim, torch.tensor([0.5, 1.0]), torch.zeros(1, 2))


@pytest.mark.parametrize("again", [0, 1.5])
def test_how_often_is_a_positive_integer(again):
    with pytest.raises((ValueError, TypeError), match="again"):
        replacing(ddim, MASK, torch.zeros(1, 2), again=again)


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.0, 3.0])
def test_the_variance_of_guided_draws(weight):
    """v1^w v0^(1 - w) without noise on the way; with it an integral; no tilted law."""
    v1, v0, path, n = 0.25, 1.0, Cosine(), 4_000
    one, zero = (GaussianMixture([[0.0]], stds=v**0.5) for v in (v1, v0))
    denoise = guide(exact(one, path), exact(zero, path), weight)
    times = karras(path, 120)
    with seeded(0):
        z = torch.randn(n, 1).double()
        z = (z - z.mean()) / z.std() * path.at(times[0])[1]
        x = last(heun(denoise, path, z, times))
    assert x.var().item() == pytest.approx(v1**weight * v0 ** (1 - weight), rel=0.02)


def test_a_sampler_is_asked_for_one_step_at_a_time():
    pairs = []

    def spy(denoise, path, x, times, **how):
        pairs.append((*times, how))
        yield times[1], x

    times, x = [0.9, 0.4, 0.0], torch.ones(1, 2)
    list(replacing(spy, MASK, 0 * x)(lambda x, t: x, Cosine(), x, times, eta=0.5))
    assert pairs == [(*pair, {"eta": 0.5}) for pair in itertools.pairwise(times)]


@pytest.mark.parametrize(
    ("seen", "shape"),
    [
        (gray(), (2, 1, 4, 4)),
        (gray(1), (2, 3, 4, 4)),
        (pooled(3), (2, 3, 4, 6)),
        (pooled(3), (2, 3, 6, 4)),
    ],
)
def test_what_does_not_fit_is_not_looked_at(seen, shape):
    with pytest.raises(ValueError, match=r"channels|squares"):
        seen.look(torch.zeros(shape))
