"""The plane's densities, clouds and energies, against closed forms and brute force.

Statistical tests have fixed seeds; the stated rate is the chance that a correct sampler
fails for a seed drawn at random.
"""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from gmcourse import seeded
from gmcourse.data import densities as D
from gmcourse.data import mixture

FALSE_ALARM = 1e-6
BAD = (ValueError, TypeError)  # annotations, checked under pytest, may come first
F64 = torch.float64

PICTURE = [[0, 1, 2, 3], [4, 0, 6, 0], [1, 9, 0, 2]]
EXACT = {
    "eight_gaussians": D.eight_gaussians,
    "grid25": D.grid25,
    "checkerboard": D.checkerboard,
    "rings": D.rings,
    "banana": D.banana,
    "funnel": D.funnel,
    "pinwheel": D.pinwheel,
    "picture": lambda: D.picture(PICTURE),
}
CLOUDS = [D.moons, D.spirals, D.swiss_roll]
exact = pytest.mark.parametrize("name", EXACT)


def skewed(weights=(0.5, 0.3, 0.2)):
    """Three components of different weights and covariances, none axis-aligned."""
    factors = torch.tensor(
        [[[0.9, 0], [0.4, 0.5]], [[0.5, 0], [-0.3, 0.8]], [[0.6, 0], [0.1, 0.6]]],
        dtype=F64,
    )
    means = [[-1.5, 0.5], [1.0, 1.5], [0.5, -1.5]]
    return D.GaussianMixture(means, covs=factors @ factors.mT, weights=weights)


def chi_square(counts, expected):
    """Fails at the rate FALSE_ALARM; cells expected below 10 are pooled."""
    counts, expected = counts.double(), expected.double()
    small = expected < 10
    counts = torch.cat([counts[~small], counts[small].sum()[None]])
    expected = torch.cat([expected[~small], expected[small].sum()[None]])
    counts, expected = counts[expected > 0], expected[expected > 0]
    statistic = ((counts - expected) ** 2 / expected).sum().item()
    limit = stats.chi2.isf(FALSE_ALARM, len(counts) - 1)
    assert statistic < limit, f"chi-square {statistic:.1f} above {limit:.1f}"


def histogram_test(density, n=40_000, cells=16, fine=25):
    """Samples in cells of the bounds, and outside, against the integrated density."""
    left, right, bottom, top = density.bounds
    points, area = density.grid(cells * fine, dtype=F64)
    p = density.log_prob(points).exp().view(cells, fine, cells, fine).sum((1, 3)) * area
    x = density.sample(n).double()
    column = ((x[:, 0] - left) / (right - left) * cells).floor().long()
    row = ((x[:, 1] - bottom) / (top - bottom) * cells).floor().long()
    inside = (column >= 0) & (column < cells) & (row >= 0) & (row < cells)
    index = torch.where(inside, row * cells + column, cells**2)
    counts = torch.bincount(index, minlength=cells**2 + 1)
    outside = (1 - p.sum()).clamp(min=0)
    assert (counts[:-1][p.flatten() == 0] == 0).all()
    chi_square(counts, n * torch.cat([p.flatten(), outside[None]]))


# The contract


@exact
def test_contract_of_a_density(name):
    density = EXACT[name]()
    assert density.event_shape == (2,) and density.name == name
    with seeded(3):
        x = density.sample(257)
    with seeded(3):
        assert torch.equal(x, density.sample(257))
    assert x.shape == (257, 2) and x.dtype == torch.float32
    log_p = density.log_prob(x)
    assert log_p.shape == (257,) and log_p.dtype == torch.float32
    log_p64 = density.log_prob(x.double())
    assert log_p64.dtype == F64 and log_p64.isfinite().all()
    # float32 against float64 on the same points: cancellation in (x - mean) / std
    assert torch.allclose(log_p.double(), log_p64, atol=1e-3)
    assert density.sample(0).shape == (0, 2)
    assert density.log_prob(torch.empty(0, 2)).shape == (0,)
    assert density.bounds == (-4, 4, -4, 4)
    assert name in repr(density)


@pytest.mark.parametrize("make", CLOUDS)
def test_contract_of_a_cloud(make):
    cloud = make()
    with seeded(0):
        x = cloud.sample(4000)
    assert x.shape == (4000, 2) and x.dtype == torch.float32
    assert x.abs().max() < 4.3 and x.std(0).min() > 0.8  # fills the common window
    assert not hasattr(cloud, "log_prob")
    assert cloud.sample(0).shape == (0, 2)


def test_public_names_exist():
    assert all(hasattr(D, name) for name in D.__all__)
    assert len(set(D.__all__)) == len(D.__all__)


@exact
def test_nan_is_not_hidden(name):
    x = torch.tensor([[0.1, math.nan], [math.nan, 0.1], [0.1, 0.1]])
    log_p = EXACT[name]().log_prob(x)
    assert log_p[:2].isnan().all() and not log_p[2].isnan()


def test_grid_is_the_midpoint_rule_row_by_row():
    density = D.picture([[1, 1]], bounds=(0.0, 4.0, 10.0, 12.0))
    points, area = density.grid(2)
    assert points.tolist() == [[1, 10.5], [3, 10.5], [1, 11.5], [3, 11.5]]
    assert area == 2.0
    assert D.rings().grid(3, dtype=F64)[0].dtype == F64


# Normalization


@pytest.mark.parametrize(
    "name, bounds, k",
    [
        ("eight_gaussians", (-6, 6, -6, 6), 200),
        ("grid25", (-4.2, 4.2, -4.2, 4.2), 240),
        ("rings", (-5, 5, -5, 5), 200),
        ("pinwheel", (-7, 7, -7, 7), 400),
        ("banana", (-9, 9, -4, 34), 600),
        ("checkerboard", (-5, 5, -5, 5), 40),
    ],
)
def test_sums_to_one(name, bounds, k):
    density = EXACT[name]()
    density.bounds = bounds
    points, area = density.grid(k, dtype=F64)
    total = density.log_prob(points).exp().sum() * area
    # the midpoint rule is spectrally accurate; 2e-9 is left for tails and edges
    assert total.item() == pytest.approx(1, abs=2e-9)


def test_funnel_sums_to_one():
    # in coordinates (x1, x2 / exp(x1 / 2)), where it is no longer a funnel
    grid = D.GaussianMixture([[0.0, 0.0]], stds=1.0, bounds=(-10.0, 10.0, -10.0, 10.0))
    points, area = grid.grid(200, dtype=F64)
    stretch = (points[:, 0] / 2).exp()
    x = torch.stack([points[:, 0], points[:, 1] * stretch], -1)
    total = (D.funnel().log_prob(x).exp() * stretch).sum() * area
    assert total.item() == pytest.approx(1, abs=1e-9)


@exact
def test_samples_follow_the_density(name):
    with seeded(0):
        histogram_test(EXACT[name]())


def test_samples_of_a_skewed_mixture_follow_its_density():
    with seeded(0):
        histogram_test(skewed())


def test_the_histogram_test_can_fail():
    wrong = D.GaussianMixture(
        skewed().means, covs=skewed().covs, weights=(0.45, 0.35, 0.2)
    )
    wrong.sample = skewed().sample
    with seeded(0), pytest.raises(AssertionError, match="chi-square"):
        histogram_test(wrong)


# Entropy


@exact
def test_entropy_against_monte_carlo(name):
    density = EXACT[name]()
    with seeded(1):
        nll = -density.log_prob(density.sample(50_000).double())
    error = nll.std().item() / math.sqrt(len(nll))
    # 5 standard errors: false alarm 6e-7
    assert abs(nll.mean().item() - density.entropy) < 5 * error + 1e-6


def test_entropies_in_closed_form():
    assert D.checkerboard().entropy == pytest.approx(math.log(32), abs=1e-12)
    assert D.checkerboard(8).entropy == pytest.approx(math.log(32), abs=1e-12)
    gauss = 1 + math.log(2 * math.pi)
    assert D.banana().entropy == pytest.approx(gauss + math.log(1.2 * 0.3))
    assert D.funnel().entropy == pytest.approx(gauss + math.log(1.25 * 0.5))
    one = D.GaussianMixture([[1.0, 2, 3]], covs=2 * torch.eye(3)[None])
    assert one.entropy == pytest.approx(1.5 * (gauss + math.log(2)))
    # far-apart components: log 2 more than one component
    two = D.GaussianMixture([[-50.0], [50.0]], stds=2.0)
    assert two.entropy == pytest.approx(gauss / 2 + math.log(4), abs=1e-12)


@pytest.mark.parametrize("name", ["eight_gaussians", "grid25", "rings", "pinwheel"])
def test_entropy_quadrature_has_converged(name, monkeypatch):
    calls, quadrature = [], mixture.quadrature

    def finer(log_prob, low, high, step):
        calls.append(step)
        return quadrature(log_prob, low, high, step / 1.7)

    coarse = EXACT[name]().entropy
    monkeypatch.setattr(mixture, "quadrature", finer)
    monkeypatch.setattr(D, "quadrature", finer)
    assert EXACT[name]().entropy == pytest.approx(coarse, abs=1e-9)
    assert len(calls) == 1


def test_entropy_of_rings_against_the_radial_integral():
    density = D.rings(radii=[0.2, 2.5], std=0.3)  # the small one is no thin ring

    def integrand(r):
        log_p = density.log_prob(torch.tensor([[r, 0.0]], dtype=F64)).item()
        return -2 * math.pi * r * math.exp(log_p) * log_p

    expected = integrate.quad(integrand, 0, 6, epsabs=1e-10, limit=200)[0]
    assert density.entropy == pytest.approx(expected, abs=1e-8)


def test_entropy_is_none_where_it_is_unknown():
    assert D.GaussianMixture(torch.eye(3), stds=1.0).entropy is None
    assert D.GaussianMixture([[0.0, 0], [1e4, 1e4]], stds=0.1).entropy is None


# Single densities


def test_rings_are_blurred_circles():
    # average of Gaussians centered on the circle, by the trapezoid rule over the angle
    angle = torch.arange(400, dtype=F64) * (2 * math.pi / 400)
    circle = 1.3 * torch.stack([angle.cos(), angle.sin()], -1)
    blurred = D.GaussianMixture(circle, stds=0.2)
    x = torch.tensor([[0, 0], [1.3, 0], [-0.7, 0.9], [2, -1]], dtype=F64)
    ring = D.rings(radii=[1.3], std=0.2)
    assert torch.allclose(ring.log_prob(x), blurred.log_prob(x), atol=1e-10)


def test_banana_and_funnel_against_torch_distributions():
    x = torch.randn(50, 2, dtype=F64, generator=torch.Generator().manual_seed(0)) * 2
    x1, x2 = x.unbind(-1)
    normal = torch.distributions.Normal
    banana = normal(0, 1.2).log_prob(x1)
    banana = banana + normal(0.4 * (x1**2 - 1.44), 0.3).log_prob(x2)
    assert torch.allclose(D.banana().log_prob(x), banana, atol=1e-10)
    funnel = normal(0, 1.25).log_prob(x1) + normal(0, 0.5 * (x1 / 2).exp()).log_prob(x2)
    assert torch.allclose(D.funnel().log_prob(x), funnel, atol=1e-10)


def test_where_the_gaussians_stand():
    half = 3 / math.sqrt(2)
    compass = [[3, 0], [half, half], [0, 3], [-half, half]]
    compass = torch.tensor(compass + [[-x, -y] for x, y in compass], dtype=F64)
    assert torch.allclose(D.eight_gaussians().means, compass, atol=1e-12)
    assert D.eight_gaussians().covs[3, 0, 0].item() == pytest.approx(0.25**2)
    grid = D.grid25()
    lines = [-3.0, -1.5, 0.0, 1.5, 3.0]
    assert grid.means.tolist() == [[x, y] for x in lines for y in lines]
    assert grid.covs[7].tolist() == [[pytest.approx(0.01), 0], [0, pytest.approx(0.01)]]


def test_checkerboard_is_uniform_on_every_other_cell():
    points, _ = D.checkerboard().grid(4)
    p = D.checkerboard().log_prob(points).exp().view(4, 4)
    assert torch.allclose(p * 32, torch.tensor([[1.0, 0], [0, 1]]).repeat(2, 2))
    assert (D.checkerboard().log_prob(5 * points) == -math.inf).all()


def test_picture_is_exact_by_pixel():
    density = D.picture(PICTURE, bounds=(0.0, 4.0, 0.0, 3.0))  # pixels of area one
    points = torch.cartesian_prod(torch.arange(4), torch.arange(3)) + 0.5
    total = sum(map(sum, PICTURE))
    for x, y in points.tolist():
        p = density.log_prob(torch.tensor([[x, y]], dtype=F64)).exp().item()
        assert p == pytest.approx(PICTURE[2 - int(y)][int(x)] / total)
    # pixels hold their left and lower edges; the outside has no mass
    edge = torch.tensor([[0.0, 0], [1, 0], [4, 1], [0.5, 3], [-1e-6, 1], [0, 2.9999]])
    p = density.log_prob(edge).exp() * total
    assert torch.allclose(p, torch.tensor([1.0, 9, 0, 0, 0, 0]), atol=1e-5)


@given(
    pixels=st.lists(
        st.lists(st.integers(0, 255), min_size=3, max_size=3), min_size=1, max_size=5
    ).filter(lambda rows: sum(map(sum, rows))),
    left=st.floats(-100, 99),
    width=st.floats(0.01, 100),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_picture_properties(pixels, left, width):
    density = D.picture(pixels, bounds=(left, left + width, -1.0, 1.0))
    with seeded(0):
        x = density.sample(200)
    assert density.log_prob(x).isfinite().all()
    assert density.log_prob(x.double()).isfinite().all()
    points, area = density.grid(30, dtype=F64)  # cells divide the pixels, or nearly
    if 30 % len(pixels) == 0:
        total = density.log_prob(points).exp().sum() * area
        assert total.item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("u", [0.0, 1 - 2**-53])
def test_picture_samples_never_leave_their_pixel(u, monkeypatch):
    density = D.picture(torch.eye(7), bounds=(-0.1, 0.7, 3.0, 4.0))
    monkeypatch.setattr(
        torch, "rand", lambda *shape, dtype: torch.full(shape, u, dtype=dtype)
    )
    x = density.sample(5)
    assert density.log_prob(x).isfinite().all()
    assert density.log_prob(x.double()).isfinite().all()


def test_twist_keeps_areas_and_inverts():
    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(40, 2, dtype=F64, generator=generator)
    jacobian = torch.stack(
        [
            torch.autograd.functional.jacobian(
                lambda y: D.twist(y[None], 0.6)[0], point
            )
            for point in x
        ]
    )
    assert (torch.linalg.det(jacobian) - 1).abs().max() < 1e-12
    assert (D.twist(D.twist(x, 0.6), -0.6) - x).abs().max() < 1e-12
    quarter = D.twist(torch.tensor([[2.0, 0]], dtype=F64), math.pi / 4)
    assert torch.allclose(quarter, torch.tensor([[0.0, 2]], dtype=F64), atol=1e-12)


def test_pinwheel_has_five_equal_arms():
    density = D.pinwheel()
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.randn(50, 2, dtype=F64, generator=generator)
    turn = torch.tensor(2 * math.pi / 5, dtype=F64)
    c, s = turn.cos(), turn.sin()
    turned = x @ torch.stack([torch.stack([c, s]), torch.stack([-s, c])])
    assert torch.allclose(density.log_prob(x), density.log_prob(turned), atol=1e-9)
    # the middle of an arm: point (2, 0) of the base, turned by 0.6 * 2
    middle = 2 * torch.tensor([[math.cos(1.2), math.sin(1.2)]], dtype=F64)
    peak = 1 / (5 * 2 * math.pi * 0.6 * 0.2)
    assert density.log_prob(middle).exp().item() == pytest.approx(peak, rel=1e-3)


def test_clouds_lie_on_their_curves():
    with seeded(0):
        moons, roll = (
            D.moons(noise=0.0).sample(500),
            D.swiss_roll(noise=0.0).sample(500),
        )
        arms = D.spirals(noise=0.0).sample(500)
    # Every point of the moons is 2 away from one of two centers, on the right side
    upper = (moons - torch.tensor([-1.0, -0.5])).norm(dim=1)
    lower = (moons - torch.tensor([1.0, 0.5])).norm(dim=1)
    on_upper = ((upper - 2).abs() < 1e-5) & (moons[:, 1] > -0.5 - 1e-5)
    on_lower = ((lower - 2).abs() < 1e-5) & (moons[:, 1] < 0.5 + 1e-5)
    assert (on_upper | on_lower).all() and 200 < on_upper.sum() < 300
    radius = roll.norm(dim=1) / 3.5 * 4.5 * math.pi
    assert 1.5 * math.pi <= radius.min() < 1.6 * math.pi  # from 3/4 of a turn ...
    assert 4.4 * math.pi < radius.max() <= 4.5 * math.pi + 1e-4  # ... to 9/4
    curve = torch.stack([radius.cos(), radius.sin()], -1)
    assert torch.allclose(curve, roll / roll.norm(dim=1, keepdim=True), atol=1e-4)
    radius = arms.norm(dim=1) / 3.5 * 3 * math.pi
    curve = torch.stack([radius.cos(), radius.sin()], -1) * arms.norm(
        dim=1, keepdim=True
    )
    first = (curve - arms).norm(dim=1) < 1e-4
    second = (curve + arms).norm(dim=1) < 1e-4
    assert (first | second).all() and 200 < first.sum() < 300


@pytest.mark.parametrize("name", ["moons", "spirals", "swiss_roll", "double_well"])
def test_what_has_no_density_has_its_name(name):
    assert getattr(D, name)().name == name


@pytest.mark.parametrize(
    ("name", "noise"), [("moons", 0.15), ("spirals", 0.1), ("swiss_roll", 0.1)]
)
def test_noise_of_a_cloud_is_what_is_documented(name, noise):
    """With one seed the same angles are drawn: what differs is the noise alone."""
    clean, noisy = getattr(D, name)(noise=0.0), getattr(D, name)()
    with seeded(0):
        x = clean.sample(4000)
    with seeded(0):
        gap = noisy.sample(4000) - x
    assert gap.std().item() == pytest.approx(noise, rel=0.05)
    assert gap.mean(0).abs().max() < 5 * noise / 4000**0.5


# The Gaussian mixture


@st.composite
def mixtures(draw):
    k, d = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))

    def randn(*shape):
        return torch.randn(*shape, dtype=F64, generator=generator)

    factor = randn(k, d, d).tril()
    factor.diagonal(dim1=-2, dim2=-1).abs_().add_(0.2)
    weights = randn(k).softmax(0)
    means = 2 * randn(k, d)
    gm = D.GaussianMixture(means, covs=factor @ factor.mT, weights=weights)
    return gm, means, factor, weights, 3 * randn(6, d)


@given(mixtures())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_mixture_against_torch_distributions_and_autograd(case):
    gm, means, factor, weights, x = case
    reference = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(weights),
        torch.distributions.MultivariateNormal(means, scale_tril=factor),
    )
    x.requires_grad_()
    log_p = gm.log_prob(x)
    assert torch.allclose(log_p, reference.log_prob(x), atol=1e-8, rtol=1e-8)
    (score,) = torch.autograd.grad(log_p.sum(), x)
    assert torch.allclose(gm.score(x), score, atol=1e-8, rtol=1e-8)
    r = gm.responsibilities(x)
    assert r.shape == (6, len(weights))
    assert torch.allclose(r.sum(1), torch.ones(6, dtype=F64))
    assert torch.allclose(gm.log_prob(x.float()).double(), log_p, rtol=1e-3, atol=1e-2)


@given(mixtures(), st.floats(0, 1), st.floats(0.05, 3))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_diffused_mean_and_covariance(case, alpha, sigma):
    gm, *_ = case
    d = gm.event_shape[0]

    def moments(m):
        mean = m.weights @ m.means
        second = torch.einsum("k,ki,kj->ij", m.weights, m.means, m.means)
        second = second + torch.einsum("k,kij->ij", m.weights, m.covs)
        return mean, second - torch.outer(mean, mean)

    noisy = gm.diffused(alpha, sigma)
    (mean, cov), (mean_t, cov_t) = moments(gm), moments(noisy)
    assert torch.allclose(mean_t, alpha * mean)
    eye = torch.eye(d, dtype=F64)
    assert torch.allclose(cov_t, alpha**2 * cov + sigma**2 * eye)
    assert torch.allclose(noisy.weights, gm.weights) and noisy.event_shape == (d,)


def test_diffused_is_the_convolution():
    gm = D.GaussianMixture([[-1.0], [2.0]], stds=[0.3, 0.7], weights=[0.25, 0.75])
    x = torch.linspace(-8, 10, 8001, dtype=F64)[:, None]
    p = gm.log_prob(x).exp()
    for alpha, sigma in [(0.8, 0.6), (1.0, 0.4), (0.1, 1.0)]:
        noisy = gm.diffused(alpha, sigma)
        for y in (-1.5, 0.2, 2.0):
            kernel = torch.distributions.Normal(alpha * x[:, 0], sigma)
            value = torch.tensor(y, dtype=F64)
            integral = (p * kernel.log_prob(value).exp()).sum() * (18 / 8000)
            point = torch.tensor([[y]], dtype=F64)
            assert noisy.log_prob(point).exp().item() == pytest.approx(
                integral.item(), rel=1e-9
            )


def test_diffused_twice_is_diffused_once():
    x = torch.tensor([[0.3, -1.2], [2, 1]], dtype=F64)
    twice = skewed().diffused(0.8, 0.6).diffused(0.5, 0.3)
    once = skewed().diffused(0.4, math.hypot(0.5 * 0.6, 0.3))
    assert torch.allclose(twice.log_prob(x), once.log_prob(x), atol=1e-12)
    same = skewed().diffused(1.0, 0.0)
    assert torch.allclose(same.log_prob(x), skewed().log_prob(x), atol=1e-12)


def test_stds_mean_the_same_in_every_form():
    means, x = [[0.0, 1.0], [2.0, 3.0]], torch.tensor([[0.5, 2.0]], dtype=F64)
    scalar = D.GaussianMixture(means, stds=0.5)
    for stds in ([0.5, 0.5], [[0.5, 0.5]] * 2, torch.tensor(0.5)):
        assert torch.equal(
            D.GaussianMixture(means, stds=stds).log_prob(x), scalar.log_prob(x)
        )
    # one value per component, not per coordinate
    uneven = D.GaussianMixture(means, stds=[0.5, 2.0])
    assert torch.equal(uneven.covs[1], 4 * torch.eye(2, dtype=F64))
    axes = D.GaussianMixture(means, stds=[[0.5, 2.0], [1.0, 3.0]])
    assert axes.covs[0].diag().tolist() == [0.25, 4.0]


# Energies


def energy(number, x1, x2):
    x = torch.tensor([[x1, x2]], dtype=F64)
    return D.rezende_mohamed(number).energy(x).item()


@pytest.mark.parametrize(
    "number, x1, x2, expected",
    [
        (1, 2, 0, -math.log1p(math.exp(-200 / 9))),
        (1, -2, 0, -math.log1p(math.exp(-200 / 9))),
        (1, 0, 0, 12.5 + 50 / 9 - math.log(2)),
        (1, 0, 2, 50 / 9 - math.log(2)),
        (2, 1, 1, 0),
        (2, 0, 0.4, 0.5),
        (2, 3, 0, 3.125),  # the wave is -1 at 3, and its period is 4
        (2, 4, 0, 0),
        (3, 1, -0.5, 450 / 49 - math.log(2)),  # half-way between the two branches
        (3, 1, -2, -math.log1p(math.exp(-0.5 * (3 / 0.35) ** 2))),
        (3, 1.6, 1, None),
        (4, 1, 1, -math.log1p(math.exp(-450 / 49))),
        (4, 1, 0, -math.log(math.exp(-3.125) + math.exp(-50 / 49))),
        (4, 1.3, 0, None),
    ],
)
def test_rezende_mohamed_at_hand_computed_points(number, x1, x2, expected):
    if expected is None and number == 3:  # w2 = 3 exp(-1/2) at one width from 1
        a, b = 1 - math.sin(0.8 * math.pi), 3 * math.exp(-0.5)
        near, far = (math.exp(-0.5 * (c / 0.35) ** 2) for c in (a, a + b))
        expected = -math.log(near + far)
    elif expected is None:  # w3 = 3 e / (1 + e) at one width from 1
        a, b = -math.sin(0.65 * math.pi), 3 * math.e / (1 + math.e)
        near = math.exp(-0.5 * (a / 0.4) ** 2)
        expected = -math.log(near + math.exp(-0.5 * ((a + b) / 0.35) ** 2))
    assert energy(number, x1, x2) == pytest.approx(expected, abs=1e-12)


def box_normalizer(number):
    """Over [-4, 4]^2: the integral over x2 is a normal distribution's, x1's numeric."""

    def slab(center, width):
        a, b = special.ndtr(((-4 - center) / width, (4 - center) / width))
        return width * math.sqrt(2 * math.pi) * (b - a)

    def integrand(x1):
        wave = math.sin(math.pi * x1 / 2)
        if number == 2:
            return slab(wave, 0.4)
        if number == 3:
            dip = 3 * math.exp(-0.5 * ((x1 - 1) / 0.6) ** 2)
            return slab(wave, 0.35) + slab(wave - dip, 0.35)
        dip = 3 * special.expit((x1 - 1) / 0.3)
        return slab(wave, 0.4) + slab(wave - dip, 0.35)

    return integrate.quad(integrand, -4, 4, epsabs=1e-10)[0]


@pytest.mark.parametrize("number", [2, 3, 4])
def test_rezende_mohamed_normalizers_on_the_box(number):
    target = D.rezende_mohamed(number)
    points, area = target.grid(800, dtype=F64)
    total = (-target.energy(points)).exp().sum().item() * area
    assert total == pytest.approx(box_normalizer(number), rel=1e-5)


def test_rezende_mohamed_1_has_a_normalizer_on_the_plane():
    def ring(angle, r):
        bumps = (
            math.exp(-0.5 * ((r * math.cos(angle) - m) / 0.6) ** 2) for m in (2, -2)
        )
        return r * math.exp(-0.5 * ((r - 2) / 0.4) ** 2) * sum(bumps)

    expected = integrate.dblquad(ring, 0, 5, 0, 2 * math.pi, epsabs=1e-7)[0]
    target = D.rezende_mohamed(1)
    target.bounds = (-5, 5, -5, 5)
    points, area = target.grid(400, dtype=F64)
    total = (-target.energy(points)).exp().sum().item() * area
    assert total == pytest.approx(expected, rel=1e-6)


def test_double_well():
    target = D.double_well(barrier=3.0, distance=1.5)
    x = torch.tensor([[1.5, 0], [-1.5, 0], [0, 0], [0, 2], [3, 0]], dtype=F64)
    assert target.energy(x).tolist() == pytest.approx([0, 0, 3, 5, 27])
    target.bounds = (-6, 6, -9, 9)
    points, area = target.grid(300, dtype=F64)
    total = (-target.energy(points)).exp().sum().item() * area
    # integral of exp(-a (u^2 - 1)^2) du: modified Bessel functions of order 1/4
    bessel = special.iv(0.25, 1.5) + special.iv(-0.25, 1.5)
    z1 = 1.5 * math.pi / 2 * math.exp(-1.5) * bessel
    assert total == pytest.approx(z1 * math.sqrt(2 * math.pi), rel=1e-10)


@pytest.mark.parametrize("make", [lambda: D.rezende_mohamed(1), D.double_well])
def test_an_energy_is_no_density(make):
    assert not hasattr(make(), "log_prob") and not hasattr(make(), "sample")


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_energies_stay_finite_far_away_and_at_the_origin(number):
    x = torch.tensor([[0.0, 0], [40, 40], [-40, 3]], requires_grad=True)
    value = D.rezende_mohamed(number).energy(x)
    (slope,) = torch.autograd.grad(value.sum(), x)
    assert value.isfinite().all() and slope.isfinite().all()


# Bad input


REFUSED = {
    "std is .*expected a positive number": [
        lambda: D.eight_gaussians(std=0.0),
        lambda: D.grid25(std=math.inf),
        lambda: D.rings(std=0.0),
    ],
    "radius is .*expected a positive number": [
        lambda: D.eight_gaussians(radius=-1.0),
    ],
    "spacing is .*expected a positive number": [
        lambda: D.grid25(spacing=math.nan),
    ],
    "cells is .*expected an even number": [
        lambda: D.checkerboard(3),
    ],
    "cells is .*expected 2 or more": [
        lambda: D.checkerboard(0),
    ],
    "expected a list of positive numbers": [
        lambda: D.rings(radii=[]),
        lambda: D.rings(radii=[1, -2]),
        lambda: D.rings(radii=2.0),
    ],
    "stds is .*expected two positive numbers": [
        lambda: D.banana(stds=(1.0, 0.0)),
    ],
    "curvature: expected finite numbers": [
        lambda: D.banana(curvature=math.inf),
    ],
    "width is .*expected a positive number": [
        lambda: D.funnel(width=-1.0),
    ],
    "arms is .*expected 1 or more": [
        lambda: D.pinwheel(arms=0),
        lambda: D.spirals(arms=0),
    ],
    "stds: expected finite numbers": [
        lambda: D.pinwheel(stds=(0.1, math.nan)),
    ],
    "noise is .*expected a finite number, 0 or more": [
        lambda: D.moons(noise=-0.1),
        lambda: D.swiss_roll(noise=math.nan),
    ],
    "turns is .*expected a positive number": [
        lambda: D.spirals(turns=0.0),
    ],
    "number is .*expected 1 to 4": [
        lambda: D.rezende_mohamed(5),
        lambda: D.rezende_mohamed(0),
    ],
    "barrier is .*expected a positive number": [
        lambda: D.double_well(barrier=0.0),
    ],
    "nonnegative, not all zero": [
        lambda: D.picture([1, 2]),
        lambda: D.picture([[0, 0]]),
        lambda: D.picture([[1, -1]]),
        lambda: D.picture([[]]),
    ],
    "picture: expected finite numbers": [
        lambda: D.picture([[1, math.nan]]),
    ],
    "left < right, bottom < top": [
        lambda: D.picture([[1]], bounds=(1.0, 0.0, 0.0, 1.0)),
    ],
    "bounds: expected finite numbers": [
        lambda: D.picture([[1]], bounds=(0.0, math.inf, 0.0, 1.0)),
    ],
    "pixels too fine for float32": [
        lambda: D.picture([[1, 1, 1]], bounds=(1e8, 1e8 + 1, 0.0, 1.0)),
        lambda: D.picture([[1], [1], [1]], bounds=(0.0, 1.0, 1e8, 1e8 + 1)),
    ],
    r"expected \(k, d\), none empty": [
        lambda: D.GaussianMixture([0.0, 1.0], stds=1.0),
        lambda: D.GaussianMixture([[]], stds=1.0),
    ],
    "either stds or covs": [
        lambda: D.GaussianMixture([[0.0]]),
        lambda: D.GaussianMixture([[0.0]], stds=1.0, covs=[[[1.0]]]),
    ],
    "expected positive values": [
        lambda: D.GaussianMixture([[0.0], [1.0]], stds=[1.0, 2.0, 3.0]),
        lambda: D.GaussianMixture([[0.0, 1.0]], stds=[1.0, 2.0]),
        lambda: D.GaussianMixture([[0.0]], stds=-1.0),
    ],
    "not positive definite": [
        lambda: D.GaussianMixture([[0.0, 0]], covs=[[[1.0, 2], [2, 1]]]),
    ],
    "expected symmetric matrices": [
        lambda: D.GaussianMixture([[0.0, 0]], covs=[[[1.0, 0.5], [0, 1]]]),
        lambda: D.GaussianMixture([[0.0]], covs=[[1.0]]),
    ],
    "numbers that sum to one": [
        lambda: D.GaussianMixture([[0.0], [1]], stds=1.0, weights=[1.0, 1.0]),
        lambda: D.GaussianMixture([[0.0], [1]], stds=1.0, weights=[1.5, -0.5]),
        lambda: D.GaussianMixture([[0.0], [1]], stds=1.0, weights=[1.0]),
    ],
    "expected sigma >= 0, not both zero": [
        lambda: skewed().diffused(0.0, 0.0),
        lambda: skewed().diffused(1.0, -0.1),
    ],
    "alpha, sigma: expected finite numbers": [
        lambda: skewed().diffused(math.nan, 1.0),
    ],
    "n is .*expected 0 or more": [
        lambda: skewed().sample(-1),
        lambda: D.rings().sample(-1),
        lambda: D.moons().sample(-1),
    ],
    "k is .*expected 1 or more": [
        lambda: D.rings().grid(0),
    ],
}


@pytest.mark.parametrize("words", REFUSED)
def test_bad_parameters_are_named(words):
    for call in REFUSED[words]:
        with pytest.raises(ValueError, match=words):
            call()


def test_grid_needs_the_plane():
    with pytest.raises(ValueError, match="not on the plane"):
        D.GaussianMixture([[0.0]], stds=1.0).grid(3)


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(2),
        torch.zeros(3, 3),
        torch.zeros(4, 3, 2),
        torch.zeros(3, 2, dtype=torch.int64),
        torch.zeros(3, 2, dtype=torch.bfloat16),
    ],
)
def test_bad_points_are_refused(x):
    for call in (
        D.rings().log_prob,
        D.checkerboard().log_prob,
        D.double_well().energy,
        skewed().log_prob,
        skewed().score,
    ):
        with pytest.raises(BAD):
            call(x)
    with pytest.raises(BAD, match="expected"):
        mixture.check_points(x, 2)


@pytest.mark.parametrize(
    "make", [*EXACT.values(), *CLOUDS, D.double_well, lambda: D.rezende_mohamed(2)]
)
def test_samples_are_on_the_cpu_whatever_the_default_device(make):
    """As promised. "meta" stands for a GPU: its tensors do not mix with others."""
    with torch.device("meta"):
        toy = make()
        x, _ = toy.grid(3)
        assert x.device.type == "cpu"
        if hasattr(toy, "sample"):
            x = toy.sample(5)
            assert x.device.type == "cpu" and x.isfinite().all()
        for name in ("log_prob", "energy", "score"):
            if hasattr(toy, name):
                assert getattr(toy, name)(x).device.type == "cpu"
        getattr(toy, "entropy", None)
