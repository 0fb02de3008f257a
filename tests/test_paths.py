"""Paths against finite differences, Bayes' rule and the steps they are the limit of."""

import math

import pytest
import torch

from gmcourse.paths import Cosine, Exploding, LinearBeta, Path, Straight, Table, over

KEPT = [Cosine(), LinearBeta(), LinearBeta(0.5, 8.0), Table.linear()]  # variance of 1
PATHS = [*KEPT, Straight(), Exploding(), Exploding(10.0, 2.0)]
every = pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)


def times(*shape):
    """Within (0, 1), for a table away from the times where its lines meet."""
    k = torch.randint(1, 999, shape)
    return ((k + 0.2 + 0.6 * torch.rand(shape)) / 1000).double()


@every
def test_noise_grows_and_data_go(path: Path):
    t = torch.linspace(0, 1, 201, dtype=torch.float64)
    a, s = path.alpha(t), path.sigma(t)
    assert a.dtype == s.dtype == torch.float64
    assert a[0].item() == pytest.approx(1) and s[0].item() == pytest.approx(0)
    assert (path.ratio(t[:-1]).diff() > 0).all() and (
        path.log_snr(t[1:-1]).diff() < 0
    ).all()
    torch.testing.assert_close(path.ratio(t[1:-1]), s[1:-1] / a[1:-1])
    assert path.alpha(t.view(3, 67)).shape == (3, 67)


@pytest.mark.parametrize("path", KEPT, ids=lambda p: type(p).__name__)
def test_the_variance_of_1_is_kept(path):
    t = torch.linspace(0, 1, 201, dtype=torch.float64)
    one = path.alpha(t) ** 2 + path.sigma(t) ** 2
    torch.testing.assert_close(one, torch.ones_like(t), rtol=0, atol=1e-14)


def test_ends():
    assert Cosine().at(1.0) == (0.0, 1.0) and Straight().at(1.0) == (0.0, 1.0)
    assert Exploding(7.0).at(1.0) == (1.0, 7.0)
    assert Exploding(7.0, 3.0).at(0.5) == (1.0, 7 / 8)
    a, s = LinearBeta(0.1, 20.0).at(1.0)
    assert a**2 == pytest.approx(math.exp(-10.05)) and s == pytest.approx(1, abs=1e-4)
    a, s = LinearBeta(2.0, 4.0).at(0.5)  # the integral of 2 + 2t up to 1/2 is 5/4
    assert a**2 == pytest.approx(math.exp(-1.25))
    assert Cosine().at(1 / 3) == pytest.approx((math.cos(math.pi / 6), 0.5))
    assert Cosine().when(math.inf) == Straight().when(math.inf) == 1


@every
def test_log_snr_is_minus_twice_the_log_of_the_ratio(path):
    t = times(50)
    torch.testing.assert_close(path.log_snr(t), -2 * path.ratio(t).log())


@every
def test_time_is_the_inverse_of_ratio(path):
    t = times(5, 20)
    torch.testing.assert_close(path.time(path.ratio(t)), t, rtol=1e-10, atol=0)
    for ratio in (1e-4, 0.03, 1.0, 7.0):
        a, s = path.at(path.when(ratio))
        assert s / a == pytest.approx(ratio, rel=1e-10)
    ratio = torch.tensor([1e-3, 0.5, 60.0])  # as the bound and the samplers ask
    torch.testing.assert_close(path.ratio(path.time(ratio)), ratio, rtol=2e-4, atol=0)


@every
def test_rates_against_differences(path):
    t, h = times(40), 1e-7
    due = [(f(t + h) - f(t - h)) / (2 * h) for f in (path.alpha, path.sigma)]
    for rate, slope in zip(path.rates(t), due):
        torch.testing.assert_close(rate, slope, rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        one = t[0].item()
        assert path.rates_at(one) == pytest.approx([r[0].item() for r in due], rel=1e-4)
    with torch.inference_mode():
        assert path.rates_at(one) == pytest.approx([r[0].item() for r in due], rel=1e-4)


def test_linear_beta_adds_noise_at_its_rate():
    """d log(alpha) / dt = -beta / 2, and 2 sigma sigma' = beta alpha²."""
    t, path = times(30), LinearBeta(0.3, 9.0)
    beta = 0.3 + 8.7 * t
    a_rate, s_rate = path.rates(t)
    torch.testing.assert_close(a_rate / path.alpha(t), -beta / 2)
    torch.testing.assert_close(2 * path.sigma(t) * s_rate, beta * path.alpha(t) ** 2)


def test_a_table_is_the_plain_product():
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    squares, left = [], 1.0
    for beta in betas.tolist():
        left *= 1 - beta
        squares.append(left)
    k = torch.arange(1, 1001, dtype=torch.float64)
    found = Table.linear().alpha(k / 1000) ** 2
    torch.testing.assert_close(
        found, torch.tensor(squares, dtype=torch.float64), rtol=1e-11, atol=0
    )
    short = Table.linear(4, 0.1, 0.4).alpha(torch.tensor([0.25, 0.5, 0.75, 1.0])) ** 2
    torch.testing.assert_close(short, torch.tensor([0.9, 0.72, 0.504, 0.3024]))


def test_between_its_numbers_a_table_goes_straight():
    table = Table(torch.tensor([0.8, 0.5, 0.2]))
    for t in (0.1, 0.5, 0.9):  # before the first as well
        i = 1 if t < 2 / 3 else 2
        x = [math.log(k / 3) for k in (i, i + 1)]
        y = [0.5 * math.log(1 / a - 1) for a in (0.8, 0.5, 0.2)[i - 1 : i + 1]]
        line = y[0] + (y[1] - y[0]) * (math.log(t) - x[0]) / (x[1] - x[0])
        a, s = table.at(t)
        assert math.log(s / a) == pytest.approx(line, rel=1e-6)
    assert table.at(0.0) == (1.0, 0.0) and table.when(0.0) == 0
    assert table.rates_at(0.5)[1] > 0 > table.rates_at(0.5)[0]


def test_a_thousand_steps_are_near_their_limit():
    """Ho et al.'s steps against Song et al.'s equation: beta is a thousandfold."""
    t = torch.linspace(0.05, 1, 20, dtype=torch.float64)
    table, limit = Table.linear().alpha(t), LinearBeta().alpha(t)
    assert ((table / limit).log().abs() < 0.06).all()


@every
def test_noised_has_a_time_of_each(path):
    x, eps, t = torch.randn(4, 2, 3), torch.randn(4, 2, 3), torch.rand(4)
    found = path.noised(x, t, eps)
    for i in range(4):
        due = path.alpha(t[i]) * x[i] + path.sigma(t[i]) * eps[i]
        torch.testing.assert_close(found[i], due)
    assert over(t, x).shape == (4, 1, 1) and over(t, t).shape == (4,)


@every
@pytest.mark.parametrize("s,t", [(0.3, 0.4), (0.1, 0.9), (0.7, 0.75)])
def test_posterior_by_bayes_rule(path, s, t):
    """Against N(x_s; a_s x, s_s²) N(x_t; kept x_s, added) on a grid, normalized."""
    (a_s, s_s), (a_t, s_t) = path.at(s), path.at(t)
    x, eps = torch.randn(2, 3, 1, dtype=torch.float64)
    x_t = a_t * x + s_t * eps
    kept, added = a_t / a_s, s_t**2 - (a_t / a_s) ** 2 * s_s**2
    mean, std = path.posterior(x, x_t, s, t)
    grid = mean + std * torch.linspace(-12, 12, 4001, dtype=torch.float64)
    log_p = -((grid - a_s * x) ** 2) / (2 * s_s**2)
    log_p = log_p - (x_t - kept * grid) ** 2 / (2 * added)
    p = log_p.softmax(1)
    found = (p * grid).sum(1, keepdim=True)
    torch.testing.assert_close(found, mean, rtol=1e-8, atol=1e-10)
    var = (p * (grid - found) ** 2).sum(1)
    torch.testing.assert_close(var, torch.full_like(var, std**2), rtol=1e-7, atol=0)


@every
def test_posteriors_compose(path):
    """x_t given the data, then x_s given both, is x_s given the data."""
    for s, t in [(0.2, 0.3), (0.05, 0.8), (0.5, 0.99)]:
        (a_s, s_s), (a_t, s_t) = path.at(s), path.at(t)
        x = torch.tensor([1.7], dtype=torch.float64)
        low, high = (path.posterior(x, a_t * x + e * s_t, s, t)[0] for e in (0, 1))
        std = path.posterior(x, x, s, t)[1]
        assert low.item() == pytest.approx(a_s * 1.7)
        assert (high - low).item() ** 2 + std**2 == pytest.approx(s_s**2)


@every
def test_the_posterior_at_0_is_the_data(path):
    x, x_t = torch.randn(2, 5)
    mean, std = path.posterior(x, x_t, 0.0, 0.4)
    assert std == 0
    torch.testing.assert_close(mean, x)


def test_a_path_says_nothing_by_itself():
    for ask in (Path().alpha, Path().sigma, Path().time):
        with pytest.raises(NotImplementedError):
            ask(torch.zeros(1))


@pytest.mark.parametrize(
    "squares",
    [
        [0.9],
        [0.9, 0.9],
        [0.5, 0.7],
        [1.0, 0.5],
        [0.5, 0.0],
        [[0.9, 0.5]],
        [0.9, math.nan],
    ],
)
def test_a_table_falls_within_0_and_1(squares, as_users_run_it):
    with pytest.raises(ValueError, match="squares: expected"):
        Table(torch.tensor(squares))


def test_bad_numbers_are_refused(as_users_run_it):
    with pytest.raises(ValueError, match="low is 3 and high 2; expected low < high"):
        LinearBeta(3, 2)
    with pytest.raises(ValueError, match="low is 2 and high 2"):
        LinearBeta(2, 2)
    for wrong in ({"low": 0.0}, {"high": math.inf}):
        with pytest.raises(ValueError, match="expected a positive number"):
            LinearBeta(**wrong)
    for wrong in ({"largest": 0.0}, {"rho": -1.0}):
        with pytest.raises(ValueError, match="expected a positive number"):
            Exploding(**wrong)
    with pytest.raises(TypeError, match=r"steps is 2\.5"):
        Table.linear(2.5)
