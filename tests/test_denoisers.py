"""Denoisers: of a set of points by brute force, guided, along another path."""

import itertools
import math

import pytest
import torch

from gmcourse.denoisers import PointDenoiser, Told, along, guide, optimal, waves
from gmcourse.paths import Cosine, Exploding, LinearBeta, Straight, Table
from gmcourse.transformers import DiTDenoiser
from gmcourse.unet import UNetDenoiser

PATHS = [Cosine(), LinearBeta(), Straight(), Exploding(20.0, 2.0), Table.linear()]
every_path = pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)


@every_path
def test_optimal_by_brute_force(path):
    points = torch.randn(5, 2, 2, dtype=torch.float64)
    x = torch.randn(3, 2, 2, dtype=torch.float64)
    for t in (0.1, 0.5, 0.9):
        a, s = path.at(t)
        found = optimal(points, path)(x, t)
        for one, mine in zip(x, found):
            w = [math.exp(-((one - a * p) ** 2).sum() / (2 * s**2)) for p in points]
            due = sum(k * p for k, p in zip(w, points)) / sum(w)
            torch.testing.assert_close(mine, due)


def test_optimal_with_hardly_any_noise_in_single_precision():
    """Two points a thousandth apart far from 0, and noise of a tenth of that."""
    points = 100 + torch.tensor([[0.0, 0.0], [1e-3, 0.0], [5.0, 5.0]])
    path = Exploding()
    t = path.when(1e-4)
    found = optimal(points, path)(points, t)
    torch.testing.assert_close(found, points, rtol=0, atol=1e-5)
    tiny = optimal(points, path)(points, path.when(1e-12))
    assert torch.equal(tiny, points)


def test_optimal_where_no_data_is_left_is_the_mean():
    points = torch.randn(6, 3)
    found = optimal(points, Cosine())(torch.randn(2, 3), 1.0)
    torch.testing.assert_close(found, points.mean(0).expand(2, 3))


def test_optimal_sees_the_nearest_and_stays_within():
    points = torch.tensor([[0.0], [1.0]])
    found = optimal(points, Straight())(torch.tensor([[0.2], [0.7], [9.0]]), 0.05)
    torch.testing.assert_close(found, torch.tensor([[0.0], [1.0], [1.0]]))


def test_weights_of_guidance():
    asked = []

    def told(x, t):
        asked.append(("told", t))
        return x + 2

    def untold(x, t):
        asked.append(("untold", t))
        return x - 1

    x = torch.randn(4, 2)
    for weight, due in [(0.0, x - 1), (1.0, x + 2), (3.0, x + 8), (0.5, x + 0.5)]:
        torch.testing.assert_close(guide(told, untold, weight)(x, 0.3), due)
    assert set(asked) == {("told", 0.3), ("untold", 0.3)}


def test_a_weight_of_the_time():
    """Where it is 1 the one that is told nothing is not asked."""
    asked = []

    def untold(x, t):
        asked.append(t)
        return x - 1

    found = guide(lambda x, t: x + 2, untold, lambda t: 1.0 if t > 0.5 else 10 * t)
    x = torch.randn(4, 2)
    torch.testing.assert_close(found(x, 0.9), x + 2)
    torch.testing.assert_close(found(x, 0.2), x + 5)
    assert asked == [0.2]


@pytest.mark.parametrize("kind", ["labels", "an encoder", "nothing"])
def test_what_a_net_is_told(kind):
    how = {"labels": {"classes": 3}, "an encoder": {"encoder": torch.nn.Linear(2, 6)}}
    net = Told(6, 4, **how.get(kind, {}))
    t, label = torch.tensor([0.1, 0.8]), torch.tensor([2, 0])
    c = {"labels": label, "an encoder": torch.randn(2, 2)}.get(kind)
    alone = net.time(waves(t, 4))
    due = alone if c is None else alone + net.label(c)
    torch.testing.assert_close(net.told(t, c), due * due.sigmoid())
    nothing = net.label(torch.tensor([3, 3])) if kind == "labels" else 0.0
    due = alone + nothing
    torch.testing.assert_close(net.told(t, None), due * due.sigmoid())


def test_labels_and_an_encoder_are_one_too_many():
    with pytest.raises(ValueError, match="one of them"):
        Told(6, 4, classes=3, encoder=torch.nn.Identity())


@pytest.mark.parametrize("net", [UNetDenoiser, DiTDenoiser])
def test_a_net_that_cannot_be_told_says_so(net, as_users_run_it):
    deaf, x, t = net((1, 4, 4), width=8), torch.randn(2, 1, 4, 4), torch.rand(2)
    assert deaf(x, t).shape == x.shape
    with pytest.raises(ValueError, match="without classes"):
        deaf(x, t, torch.tensor([0, 1]))


def test_guidance_is_that_of_the_paper():
    """Ho & Salimans (2022), eq. 6: of the noise, by ``1 + w``."""
    path, t, w = Cosine(), 0.4, 1.7
    (a, s), x = path.at(t), torch.randn(3, 2, dtype=torch.float64)
    with_c, without = torch.randn(2, 3, 2, dtype=torch.float64)
    data = [(x - s * eps) / a for eps in (with_c, without)]
    found = guide(lambda x, t: data[0], lambda x, t: data[1], 1 + w)(x, t)
    eps = (1 + w) * with_c - w * without
    torch.testing.assert_close(found, (x - s * eps) / a)


@pytest.mark.parametrize(
    "of,to",
    [*itertools.product(PATHS, PATHS)],
    ids=lambda p: type(p).__name__,
)
def test_along_between_all_pairs(of, to):
    """The best estimate is known on both."""
    points = torch.randn(4, 2, dtype=torch.float64)
    other = along(optimal(points, of), of, to)
    for t in (0.05, 0.4, 0.9):
        x = torch.randn(3, 2, dtype=torch.float64)
        torch.testing.assert_close(other(x, t), optimal(points, to)(x, t))


def test_a_point_denoiser_is_told_the_time():
    """Sine and cosine of k π t / 2 beside the point, and the label as one of k."""
    net = PointDenoiser(2, width=8, depth=2, frequencies=3, classes=4)
    seen = []
    net.net.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    x, t, c = torch.randn(3, 2), torch.tensor([0.1, 0.5, 1.0]), torch.tensor([1, 4, 3])
    assert net(x, t, c).shape == (3, 2)
    for i in range(3):
        angles = [math.pi / 2 * k * t[i].item() for k in (1, 2, 3)]
        told = [*map(math.sin, angles), *map(math.cos, angles)]
        label = [float(c[i] == k) for k in range(4)]  # 4: no label, all zeros
        due = torch.tensor([*x[i].tolist(), *told, *label])
        torch.testing.assert_close(seen[0][i], due, rtol=0, atol=1e-6)
    none = torch.full((3,), 4)
    assert torch.equal(net(x, t), net(x, t, none))
    linear = [m for m in net.net.modules() if isinstance(m, torch.nn.Linear)]
    assert [m.out_features for m in linear] == [8, 8, 2]


@pytest.mark.parametrize(
    "net",
    [
        PointDenoiser(2, width=8, depth=1, frequencies=3, times=2),
        Told(5, 3, classes=4, times=2),
    ],
    ids=["points", "Told"],
)
def test_a_net_may_be_told_two_times(net):
    """The waves of the first, and then those of the second."""
    t = torch.tensor([[0.1, 0.7], [0.5, 0.5], [1.0, 0.0]])
    due = torch.cat([waves(t[:, 0], 3), waves(t[:, 1], 3)], 1)
    torch.testing.assert_close(waves(t, 3, 2), due)
    seen, first = [], net.time if isinstance(net, Told) else net.net
    first.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    _ = net.told(t, None) if isinstance(net, Told) else net(torch.zeros(3, 2), t)
    torch.testing.assert_close(seen[0][:, -12:], due)
    for wrong in (t[:, 0], torch.rand(3, 3)):
        with pytest.raises(ValueError, match=r"the net expects \(b, 2\)"):
            net.told(wrong, None) if isinstance(net, Told) else net(t, wrong)
    with pytest.raises(ValueError, match=r"expects \(b,\)"):
        waves(t, 3)
    with pytest.raises(ValueError, match="times is 0"):
        Told(5, 3, times=0) if isinstance(net, Told) else PointDenoiser(2, times=0)


def test_a_point_denoiser_without_labels():
    net = PointDenoiser(3).double()
    x, t = torch.randn(5, 3).double(), torch.rand(5).double()
    assert net(x, t).dtype == torch.float64
    linear = [m for m in net.net.modules() if isinstance(m, torch.nn.Linear)]
    sizes = [(m.in_features, m.out_features) for m in linear]
    assert sizes == [(3 + 8, 128), (128, 128), (128, 128), (128, 3)]


@pytest.mark.parametrize(
    "wrong", [{"d": 0}, {"width": 0}, {"depth": 0}, {"frequencies": 0}, {"classes": -1}]
)
def test_bad_sizes_are_refused(wrong, as_users_run_it):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
        PointDenoiser(**({"d": 2} | wrong))
