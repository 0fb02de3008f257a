"""Samplers with denoisers that are known: of a Gaussian, of a mixture."""

import inspect
import itertools
import math

import pytest
import torch

from gmcourse import samplers, seeded
from gmcourse.data.mixture import GaussianMixture
from gmcourse.denoisers import along
from gmcourse.paths import Cosine, Exploding, LinearBeta, Straight, Table
from gmcourse.samplers import (
    ancestral,
    churned,
    ddim,
    dpm_solver,
    evenly,
    heun,
    karras,
    reverse_sde,
)

PATHS = [Cosine(), LinearBeta(), Straight(), Exploding(20.0, 2.0), Table.linear()]
SAMPLERS = [ancestral, churned, ddim, dpm_solver, heun, reverse_sde]
every_path = pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
every = pytest.mark.parametrize("sampler", SAMPLERS)

MEAN = torch.tensor([1.5, -0.5], dtype=torch.float64)
VAR = torch.tensor([0.25, 2.0], dtype=torch.float64)


def gaussian(path):
    """The exact denoiser of data ``N(MEAN, VAR)``."""

    def denoise(x, t):
        a, s = path.at(t)
        return MEAN + a * VAR / (a**2 * VAR + s**2) * (x - a * MEAN)

    return denoise


def marginal(path, t):
    """Mean and variance of the noisy data."""
    a, s = path.at(t)
    return a * MEAN, a**2 * VAR + s**2


def mixture(path):
    """The exact denoiser of a mixture of two, each with variances of its own."""
    means = torch.tensor([[1.0, 0.5], [-1.0, 0.2]], dtype=torch.float64)
    variances = torch.tensor([[0.1, 0.3], [0.4, 0.2]], dtype=torch.float64)

    def denoise(x, t):
        a, s = path.at(t)
        total, away = a**2 * variances + s**2, x[:, None] - a * means
        log_p = -(away**2 / total + total.log()).sum(2) / 2
        each = means + a * variances / total * away
        return (log_p.softmax(1)[..., None] * each).sum(1)

    return denoise


def test_the_mixtures_denoiser():
    """Which the orders of convergence stand on, by Tweedie's formula."""
    data = GaussianMixture(
        [[1.0, 0.5], [-1.0, 0.2]], covs=[[[0.1, 0], [0, 0.3]], [[0.4, 0], [0, 0.2]]]
    )
    x, (a, s) = torch.randn(9, 2, dtype=torch.float64), Cosine().at(0.4)
    due = (x + s**2 * data.diffused(a, s).score(x)) / a
    torch.testing.assert_close(mixture(Cosine())(x, 0.4), due)


@pytest.fixture
def affine(monkeypatch):
    """``(A, b, std)`` of a step ``A x + b + std noise``, by steps with chosen noise."""

    def step(sampler, path, t, s, **how):
        found = []
        for x, noise in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]:
            with monkeypatch.context() as patch:
                fill = lambda self: self.fill_(noise)  # noqa: B023, E731
                patch.setattr(torch.Tensor, "normal_", fill)
                x = torch.full((1, 2), x, dtype=torch.float64)
                ((at, y),) = sampler(gaussian(path), path, x, [t, s], **how)
            assert at == s
            found.append(y[0])
        b, one, noisy = found
        return one - b, b, noisy - b

    return step


def law(affine, sampler, path, times, **how):
    """Mean and variance after all steps, from those of the noisy data."""
    mean, var = marginal(path, times[0])
    for t, s in itertools.pairwise(times):
        A, b, std = affine(sampler, path, t, s, **how)
        mean, var = A * mean + b, A**2 * var + std**2
    return mean, var


@every_path
def test_ddim_keeps_the_noise(path, affine):
    for t, s in [(0.9, 0.6), (0.5, 0.45), (0.2, 0.0)]:
        (a_t, s_t), (a_s, s_s) = path.at(t), path.at(s)
        A, b, std = affine(ddim, path, t, s)
        share = a_t * VAR / (a_t**2 * VAR + s_t**2)
        kept = s_s / s_t
        torch.testing.assert_close(A, kept + (a_s - kept * a_t) * share)
        torch.testing.assert_close(b, (a_s - kept * a_t) * (MEAN - share * a_t * MEAN))
        assert not std.any()


@every_path
@pytest.mark.parametrize("sampler", [ancestral, ddim])
def test_a_step_keeps_the_mean_and_loses_what_the_estimate_hides(path, sampler, affine):
    """The law of total variance: a point takes the place of p(x | x_t)."""
    for t, s in [(0.9, 0.6), (0.5, 0.45), (0.2, 0.1)]:
        (a_t, s_t), (a_s, s_s) = path.at(t), path.at(s)
        for eta in [1.0] if sampler is ancestral else [0.0, 0.3, 1.0]:
            how = {} if sampler is ancestral else {"eta": eta}
            mean, var = law(affine, sampler, path, [t, s], **how)
            due, full = marginal(path, s)
            torch.testing.assert_close(mean, due)
            drawn = eta * path.posterior(MEAN, MEAN, s, t)[1]
            weight = a_s - a_t * math.sqrt(s_s**2 - drawn**2) / s_t
            hidden = VAR * s_t**2 / (a_t**2 * VAR + s_t**2)  # variance given x_t
            torch.testing.assert_close(var, full - weight**2 * hidden)


@every_path
def test_ddim_at_1_is_ancestral(path, affine):
    for t, s in [(0.97, 0.6), (0.5, 0.45), (0.2, 0.01), (0.01, 0.0)]:
        for mine, due in zip(
            affine(ddim, path, t, s, eta=1.0), affine(ancestral, path, t, s)
        ):
            torch.testing.assert_close(mine, due, rtol=1e-8, atol=1e-12)


def test_a_share_of_the_noise_is_drawn_anew(affine):
    """Song et al. (2021), eq. 16, in their letters: alpha is our alpha²."""
    path, eta = Cosine(), 0.4
    for t, s in [(0.9, 0.6), (0.5, 0.45)]:
        alpha_t, alpha_s = (path.at(k)[0] ** 2 for k in (t, s))
        due = eta * math.sqrt((1 - alpha_s) / (1 - alpha_t) * (1 - alpha_t / alpha_s))
        std = affine(ddim, path, t, s, eta=eta)[2]
        torch.testing.assert_close(std, torch.full_like(std, due))


@every_path
def test_a_step_of_heun(path, affine):
    """The mean of two slopes of x / alpha against sigma / alpha."""
    for t, s in [(0.9, 0.6), (0.5, 0.45)]:
        (a_t, s_t), (a_s, s_s) = path.at(t), path.at(s)
        x = torch.tensor([[0.3, -2.0]], dtype=torch.float64)
        y, u, v = x / a_t, s_t / a_t, s_s / a_s
        slope = lambda y, u: (  # noqa: E731
            u * (y - MEAN) / (VAR + u**2)  # of the noise at size u, in closed form
        )
        first = slope(y, u)
        due = a_s * (y + (v - u) * (first + slope(y + (v - u) * first, v)) / 2)
        ((_, found),) = heun(gaussian(path), path, x, [t, s])
        torch.testing.assert_close(found, due)


@every_path
def test_a_step_against_the_drift(path, affine):
    """Euler's step of Song et al. (2021), eq. 6; the score in closed form."""
    for t, s in [(0.9004, 0.85), (0.5004, 0.45)]:
        sigma, h = path.at(t)[1], 1e-6
        ahead, back = path.at(t + h), path.at(t - h)
        f = (math.log(ahead[0]) - math.log(back[0])) / (2 * h)
        g2 = (ahead[1] ** 2 - back[1] ** 2) / (2 * h) - 2 * f * sigma**2
        mean, var = marginal(path, t)
        A, b, std = affine(reverse_sde, path, t, s)
        close = {"rtol": 1e-4, "atol": 1e-7}
        torch.testing.assert_close(A, 1 - (t - s) * (f + g2 / var), **close)
        torch.testing.assert_close(b, (t - s) * g2 * mean / var, **close)
        torch.testing.assert_close(
            std, torch.full_like(std, math.sqrt(g2 * (t - s))), **close
        )


@every_path
@pytest.mark.parametrize("sampler", [s for s in SAMPLERS if s is not dpm_solver])
def test_the_law_of_the_data_is_reached(path, sampler, affine):
    """Mean and variance of all steps together."""
    times = karras(path, 300, smallest=1e-3, largest=15.0)
    mean, var = law(affine, sampler, path, times)
    torch.testing.assert_close(mean, MEAN, rtol=0, atol=0.03)
    torch.testing.assert_close(var, VAR, rtol=0.05, atol=0)


@pytest.mark.parametrize("sampler,order", [(ddim, 1), (heun, 2), (dpm_solver, 2)])
@pytest.mark.parametrize("path", PATHS[:4], ids=lambda p: type(p).__name__)
def test_the_order_of_convergence(sampler, order, path):
    """The error falls by 2^order where steps are halved; up to where noise is left."""
    first, last = (path.when(ratio) for ratio in (8.0, 0.2))
    x = path.at(first)[1] * torch.randn(20, 2, dtype=torch.float64)

    def end(sampler, steps):
        times = [first + i / steps * (last - first) for i in range(steps + 1)]
        *_, (t, y) = sampler(mixture(path), path, x, times)
        assert t == pytest.approx(last)
        return y

    ends = [end(sampler, steps) for steps in (50, 100, 200)]
    errors = [(one - two).norm() for one, two in itertools.pairwise(ends)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.2)
    assert (end(heun, 100) - ends[2]).norm() < (0.05 if order == 1 else 2e-3)


@every_path
def test_heun_is_exact_where_the_noise_is_known(path):
    """One point for all data: one step of any ODE sampler is exact."""
    point = torch.tensor([0.3, -1.0], dtype=torch.float64)
    x = torch.randn(7, 2, dtype=torch.float64)
    a, s = path.at(0.8)
    eps = (x - a * point) / s
    for sampler in (ddim, heun, dpm_solver):
        for t, y in sampler(
            lambda x, t: point.expand_as(x), path, x, [0.8, 0.5, 0.3, 0.0]
        ):
            a, s = path.at(t)
            torch.testing.assert_close(y, a * point + s * eps)


def test_dpm_solver_is_exact_for_lines():
    """Data that go straight in log(alpha / sigma): order 2 has no error."""
    path, times = Cosine(), [0.9, 0.8, 0.6, 0.5, 0.3]
    half = lambda t: -path.log_snr(torch.tensor(t, dtype=torch.float64)) / 2  # noqa: E731

    def estimate(x, t):
        return (2 - 0.5 * half(t)).expand_as(x)

    x = torch.randn(3, 2, dtype=torch.float64)
    *_, (_, found) = dpm_solver(estimate, path, x, times)
    # dx/dl of x / sigma is exp(l) data, l = log(alpha / sigma): by quadrature, in the
    # steps' own weights. The first step has a constant, all others a line.
    y = x / path.at(times[0])[1]
    for i, (t, s) in enumerate(itertools.pairwise(times)):
        low, high = -half(t).item(), -half(s).item()
        l = torch.linspace(low, high, 20_001, dtype=torch.float64)  # noqa: E741
        if i:  # the line through two estimates, held at the middle: as the paper has it
            before = -half(times[i - 1]).item()
            slope = (0.5 * (low - before)) / (low - before)
            data = 2 + 0.5 * low + slope * (high - low) / 2 + 0 * l
        else:
            data = 2 + 0.5 * low + 0 * l
        y = y + torch.trapezoid(l.exp() * data, l)
    torch.testing.assert_close(found, y * path.at(times[-1])[1], rtol=1e-7, atol=1e-8)


@every_path
def test_churned_without_churn_is_heun(path):
    x, times = torch.randn(5, 2, dtype=torch.float64), evenly(path, 8, largest=10.0)
    for mine, due in zip(
        churned(gaussian(path), path, x, times, churn=0.0),
        heun(gaussian(path), path, x, times),
        strict=True,
    ):
        assert mine[0] == due[0] and torch.equal(mine[1], due[1])


@every_path
def test_churned_is_algorithm_2(path):
    """Karras et al. (2022), line by line, of y = x / alpha."""
    times = karras(path, 9, smallest=0.02, largest=15.0)
    x = torch.randn(5, 2, dtype=torch.float64)
    how = {"churn": 3.0, "within": (0.1, 6.0), "inflate": 1.1}
    with seeded(3):
        found = list(churned(gaussian(path), path, x, times, **how))
    ratios = [path.at(t)[1] / path.at(t)[0] for t in times]
    slope = lambda y, u: u * (y - MEAN) / (VAR + u**2)  # noqa: E731
    gammas = []
    with seeded(3):
        y = x / path.at(times[0])[0]
        for i, (u, v) in enumerate(itertools.pairwise(ratios)):
            gamma = 3.0 / 9 if 0.1 <= u <= 6.0 else 0.0
            gammas.append(gamma)
            if gamma:
                eps = 1.1 * torch.empty_like(y).normal_()
                y = y + math.sqrt((u + gamma * u) ** 2 - u**2) * eps
            u = u + gamma * u
            d = slope(y, u)
            ahead = y + (v - u) * d
            y = ahead if v == 0 else y + (v - u) * (d + slope(ahead, v)) / 2
            torch.testing.assert_close(found[i][1], y * path.at(times[i + 1])[0])
    assert 0 < sum(g > 0 for g in gammas) < 9


def test_churn_has_a_most():
    """A step back is at most by sqrt(2) of sigma / alpha."""
    path, asked = Exploding(), []

    def denoise(x, t):
        asked.append(path.at(t)[1])
        return 0 * x

    x = torch.randn(1, 2, dtype=torch.float64)
    list(churned(denoise, path, x, [path.when(4.0), 0.0], churn=1e3))
    assert asked == [pytest.approx(4.0 * math.sqrt(2))]
    asked.clear()
    list(churned(denoise, path, x, [path.when(60.0), path.when(0.01), 0.0]))
    assert asked[0] == pytest.approx(60.0) and asked[-1] == pytest.approx(0.01)


@every
def test_no_noise_in_the_last_step(sampler, affine):
    for path in PATHS:
        A, _, std = affine(sampler, path, 0.02, 0.0)
        if sampler is not churned:
            assert not std.any()
        assert A.isfinite().all()
    if sampler in (ancestral, reverse_sde):
        assert affine(sampler, Cosine(), 0.5, 0.4)[2].all()


@every_path
def test_samplers_of_no_noise_agree_along_another_path(path):
    """Where sigma / alpha agrees, x / alpha does: a path is a change of units."""
    other = Exploding(20.0, 3.0)
    times = evenly(path, 7, largest=10.0)
    same = [other.when(path.at(t)[1] / path.at(t)[0]) for t in times]
    x = torch.randn(4, 2, dtype=torch.float64)
    for sampler in (ddim, heun, dpm_solver):
        mine = sampler(gaussian(path), path, x, times)
        y = x / path.at(times[0])[0]
        theirs = sampler(along(gaussian(path), path, other), other, y, same)
        for (t, x_t), (_, y_t) in zip(mine, theirs, strict=True):
            torch.testing.assert_close(x_t / path.at(t)[0], y_t)


@every
def test_one_signature(sampler):
    path, x = Cosine(), torch.randn(3, 1, 2, 2)
    kept, times = x.clone(), [0.9, 0.5, 0.2, 0.0]
    names = list(inspect.signature(sampler).parameters)
    assert names[:4] == ["denoise", "path", "x", "times"]
    states = list(sampler(lambda x, t: x / 2, path, x, times))
    assert [t for t, _ in states] == times[1:]
    assert all(y.shape == x.shape and y.dtype == x.dtype for _, y in states)
    assert torch.equal(x, kept)
    with seeded(0):
        again = [y for _, y in sampler(lambda x, t: x / 2, path, x, times)]
    with seeded(0):
        for (_, y), due in zip(sampler(lambda x, t: x / 2, path, x, times), again):
            assert torch.equal(y, due)


def test_how_often_a_net_is_asked():
    due = {ancestral: 4, ddim: 4, dpm_solver: 4, reverse_sde: 4, heun: 7, churned: 7}
    for sampler, count in due.items():
        asked = []

        def denoise(x, t, asked=asked):
            asked.append(t)
            return x / 2

        path = Cosine()
        list(sampler(denoise, path, torch.randn(2, 2), [0.9, 0.5, 0.2, 0.1, 0.0]))
        assert len(asked) == count, sampler


@every_path
def test_even_times(path):
    times = evenly(path, 5, largest=12.0)
    assert len(times) == 6 and times[-1] == 0
    a, s = path.at(times[0])
    assert s / a == pytest.approx(12.0, rel=1e-9)
    assert [t - s for t, s in itertools.pairwise(times)] == pytest.approx(
        [times[0] / 5] * 5
    )
    a, s = path.at(evenly(path, 1)[0])
    assert s / a == pytest.approx(min(80.0, 20.0 if a == 1 else 80.0), rel=1e-9)


@every_path
def test_karras_times(path):
    times = karras(path, 6, smallest=0.01, largest=12.0, rho=3.0)
    assert len(times) == 7 and times[-1] == 0
    ratios = [path.at(t)[1] / path.at(t)[0] for t in times[:-1]]
    assert ratios[0] == pytest.approx(12.0) and ratios[-1] == pytest.approx(0.01)
    roots = [ratio ** (1 / 3) for ratio in ratios]
    step = (0.01 ** (1 / 3) - 12.0 ** (1 / 3)) / 5
    assert [b - a for a, b in itertools.pairwise(roots)] == pytest.approx([step] * 5)
    assert karras(path, 1, largest=12.0) == [pytest.approx(path.when(12.0)), 0.0]


def test_karras_defaults_are_the_papers():
    times = karras(Exploding(), 18)
    i = torch.arange(18, dtype=torch.float64)
    due = (80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    assert [Exploding().at(t)[1] for t in times[:-1]] == pytest.approx(due.tolist())


@pytest.mark.parametrize("grid", [evenly, karras])
def test_a_grid_keeps_to_a_path_that_ends_before(grid):
    path = Exploding(10.0)
    times = grid(path, 20)
    assert times[0] == pytest.approx(1) and max(times) <= 1
    assert all(t > s for t, s in itertools.pairwise(times))
    list(dpm_solver(lambda x, t: x / 2, path, torch.randn(2, 2), times))


def test_bad_numbers_are_refused(as_users_run_it):
    x = torch.zeros(1, 1)
    half = lambda x, t: x / 2  # noqa: E731
    for grid in (evenly, karras):
        with pytest.raises(ValueError, match="steps is 0; expected 1 or more"):
            grid(Cosine(), 0)
        with pytest.raises(TypeError, match=r"steps is 2\.0"):
            grid(Cosine(), 2.0)
        with pytest.raises(ValueError, match="largest is -1; expected a positive"):
            grid(Cosine(), 3, largest=-1)
    with pytest.raises(ValueError, match="rho is 0; expected a positive"):
        karras(Cosine(), 3, rho=0)
    with pytest.raises(ValueError, match="smallest is 90; expected less than 80"):
        karras(Straight(), 3, smallest=90)
    with pytest.raises(ValueError, match="smallest is 0; expected a positive"):
        karras(Cosine(), 3, smallest=0)
    with pytest.raises(ValueError, match=r"eta is -0\.1; expected"):
        next(ddim(half, Cosine(), x, [0.5, 0.0], eta=-0.1))
    with pytest.raises(ValueError, match="churn is -1; expected"):
        next(churned(half, Cosine(), x, [0.5, 0.0], churn=-1))


def test_all_of_them_are_exported():
    assert set(samplers.__all__) == {f.__name__ for f in [*SAMPLERS, evenly, karras]}
