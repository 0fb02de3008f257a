"""The loss and the bound of a diffusion against formulas, and what sampling is told."""

import itertools
import math

import pytest
import torch
from torch import nn

from gmcourse import Labels, coordinates, samplers, seeded
from gmcourse.coordinates import data, noise, scaled, score, velocity
from gmcourse.data.mixture import GaussianMixture
from gmcourse.denoisers import PointDenoiser, optimal
from gmcourse.diffusion import Diffusion, lognormal, uniform
from gmcourse.paths import Cosine, Exploding, LinearBeta, Straight, Table, over
from gmcourse.samplers import evenly

PATHS = [Cosine(), LinearBeta(), Straight(), Exploding(20.0, 2.0), Table.linear()]
every_path = pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
ALL = [data, noise, score, velocity, scaled]


class Told(nn.Module):
    """A net that says what a function of ``x_t`` in the coordinate has to be."""

    def __init__(self, estimate, path, coordinate):
        super().__init__()
        self.estimate, self.path, self.coordinate = estimate, path, coordinate
        self.one = nn.Parameter(torch.ones((), dtype=torch.float64))
        self.asked = []

    def forward(self, x, t, c=None):
        self.asked.append((t, c))
        skip, out, scale = (over(k, x) for k in self.coordinate(self.path, t))
        x_t = x / scale
        return self.one * (self.estimate(x_t, t) - skip * x_t) / out


def gaussian(path, mean=0.0, var=1.0):
    """The mean of data ``N(mean, var)`` given the noisy."""

    def estimate(x_t, t):
        a, s = over(path.alpha(t), x_t), over(path.sigma(t), x_t)
        return mean + a * var / (a**2 * var + s**2) * (x_t - a * mean)

    return estimate


def diffusion(estimate, path, predict=noise, shape=(2,), **how):
    net = Told(estimate, path, predict)
    return Diffusion(net, shape, path=path, predict=predict, **how)


@every_path
@pytest.mark.parametrize("predict,loss_in", [*itertools.product(ALL, [*ALL, None])])
def test_the_loss_is_the_mean_squared_error(path, predict, loss_in):
    """In every pair of coordinates: of what the net says, and what it is counted in."""
    wrong = lambda x_t, t: 0.7 * x_t.tanh() + over(t, x_t)  # noqa: E731
    how = {"center": 0.5, "spread": 2.0, "loss_in": loss_in}
    model = diffusion(wrong, path, predict, **how)
    x = torch.randn(40, 2, dtype=torch.float64)
    with seeded(5):
        found = model.loss(x)
    with seeded(5):
        t = 1e-3 + 0.998 * torch.rand(40, dtype=torch.float64)
        eps = torch.randn(40, 2, dtype=torch.float64)
    total, inner = 0.0, (x - 0.5) / 2
    for i in range(40):
        (a, s), rates = path.at(t[i].item()), path.rates(t[i])
        x_t = a * inner[i] + s * eps[i]
        x_hat = wrong(x_t[None], t[i : i + 1])[0]
        eps_hat = (x_t - a * x_hat) / s
        say = {
            data: lambda x, e: x,
            noise: lambda x, e: e,
            score: lambda x, e: -e / s,  # noqa: B023
            velocity: lambda x, e: rates[0] * x + rates[1] * e,  # noqa: B023
            scaled: lambda x, e: (s * x - a * e) / math.sqrt(a * a + s * s),  # noqa: B023
        }[loss_in or predict]
        total += ((say(x_hat, eps_hat) - say(inner[i], eps[i])) ** 2).mean()
    torch.testing.assert_close(found, total / 40, rtol=1e-6, atol=0)


def test_the_default_loss_is_simple():
    """Ho et al. (2020), eq. 14: ``|eps - eps_hat|²``, here its mean over values."""
    net = PointDenoiser(3)
    x = torch.randn(50, 3)
    with seeded(2):
        found = Diffusion(net, (3,)).loss(x)
    with seeded(2):
        t, eps = 1e-3 + 0.998 * torch.rand(50), torch.randn(50, 3)
    a, s = (math.pi / 2 * t).cos()[:, None], (math.pi / 2 * t).sin()[:, None]
    due = (net(a * x + s * eps, t) - eps).square().mean()
    torch.testing.assert_close(found, due)


def test_the_best_loss_of_a_gaussian():
    """Of the noise, by its variance given x_t: a² V / (a² V + s²)."""
    path, var = Cosine(), 0.3
    model = diffusion(gaussian(path, 0.0, var), path, shape=(50,))
    x = var**0.5 * torch.randn(20_000, 50, dtype=torch.float64)
    t = torch.linspace(1e-3, 0.999, 2001, dtype=torch.float64)
    a, s = path.alpha(t), path.sigma(t)
    due = (a**2 * var / (a**2 * var + s**2)).mean()
    assert model.loss(x).item() == pytest.approx(due.item(), rel=0.01)


def test_times_of_training():
    u = torch.tensor([0.0, 0.5, 1.0])
    torch.testing.assert_close(uniform(Cosine(), u), torch.tensor([0.001, 0.5, 0.999]))
    u = torch.rand(100_000, dtype=torch.float64)
    for path in PATHS:
        t = lognormal(-0.7, 0.9)(path, u)
        logs = path.ratio(t).log()
        assert logs.mean().item() == pytest.approx(-0.7, abs=0.02)
        assert logs.std().item() == pytest.approx(0.9, rel=0.02)
    t = lognormal()(Exploding(), u)
    assert Exploding().sigma(t).log().mean().item() == pytest.approx(-1.2, abs=0.02)
    model = Diffusion(PointDenoiser(1), (1,), times=lambda path, u: 0 * u + 0.25)
    seen = []
    model.net.register_forward_pre_hook(lambda _, args: seen.append(args[1]))
    model.loss(torch.randn(4, 1))
    assert seen[0].tolist() == [0.25] * 4


@every_path
@pytest.mark.parametrize("predict", ALL)
def test_denoise_asks_in_the_nets_coordinate(path, predict):
    estimate = gaussian(path, 0.4, 0.5)
    model = diffusion(estimate, path, predict)
    x_t = torch.randn(6, 2, dtype=torch.float64)
    t = torch.rand(6, dtype=torch.float64) * 0.9 + 0.05
    torch.testing.assert_close(model.denoise(x_t, t), estimate(x_t, t))


def bound_of(path, x, mean, var, steps, ratios, spread=1.0, center=0.0):
    """The bound of one value in closed form, for the exact denoiser of a Gaussian."""
    x, mean, var = (x - center) / spread, (mean - center) / spread, var / spread**2
    lows = torch.linspace(*map(math.log, ratios), steps, dtype=torch.float64)
    r2 = (2 * lows).exp()
    # x - x_hat = (s² (x - mean) - a V s eps) / (a² V + s²), and its mean square.
    error = (r2**2 * (x - mean) ** 2 + var**2 * r2) / (var + r2) ** 2
    snr = 1 / r2
    way = 0.5 * ((snr[:-1] - snr[1:]) * error[1:]).sum()
    end = x**2 / (2 * ratios[1] ** 2)
    start = -0.5 * math.log(2 * math.pi * math.e * (ratios[0] * spread) ** 2)
    return (start - way - end).item()


@every_path
@pytest.mark.parametrize("predict", ALL)
def test_the_bound_of_a_gaussian_in_closed_form(path, predict):
    how = {"center": 0.3, "spread": 1.5}
    mean, var = 0.8, 0.6
    inner = gaussian(path, (mean - 0.3) / 1.5, var / 1.5**2)
    model = diffusion(inner, path, predict, shape=(1,), **how)
    x = torch.full((40_000, 1), 1.4, dtype=torch.float64)
    found = model.elbo(x, steps=30, ratios=(0.02, 15.0))
    due = bound_of(path, 1.4, mean, var, 30, (0.02, 15.0), 1.5, 0.3)
    error = found.std().item() / math.sqrt(len(x))
    assert found.shape == (40_000,)
    assert abs(found.mean().item() - due) < 5 * error


@every_path
def test_the_bound_term_by_term(path):
    """An estimate that is off by a constant: nothing is random but the step."""
    model = diffusion(lambda x, t: torch.full_like(x, 0.5), path, data)
    x = torch.full((3000, 2), 0.8, dtype=torch.float64)
    ratios = [0.1 * 3**k for k in range(4)]
    found = model.elbo(x, steps=4, ratios=(ratios[0], ratios[-1]))
    ends = -math.log(2 * math.pi * math.e * 0.01) - (0.8 / ratios[-1]) ** 2
    terms = [3 * 0.3**2 * (1 / r**2 - 1 / (3 * r) ** 2) for r in ratios[:3]]
    due = torch.tensor([ends - term for term in terms], dtype=torch.float64)
    off, which = (found[:, None] - due).abs().min(1)
    assert off.max() < 1e-6 and which.bincount(minlength=3).min() > 850
    asked = path.ratio(model.net.asked[-1][0]).log()  # the noisier end of a step
    torch.testing.assert_close(asked, torch.tensor(ratios[1:]).double().log()[which])


def test_the_bound_rises_to_the_likelihood():
    """Below log p(x) with few steps, equal to it with many: the exact denoiser."""
    for x in (-1.0, 0.8, 2.5):
        log_p = torch.distributions.Normal(0.8, 0.6**0.5).log_prob(torch.tensor(x))
        bounds = [
            bound_of(Cosine(), x, 0.8, 0.6, steps, (1e-3, 1e3))
            for steps in (10, 100, 1000, 100_000)
        ]
        assert bounds == sorted(bounds) and bounds[-1] < log_p
        assert bounds[-1] == pytest.approx(log_p.item(), abs=2e-3)


def test_the_bound_of_several_values_is_their_sum():
    path, shape = LinearBeta(), (2, 3)
    model = diffusion(gaussian(path, 0.0, 0.5), path, shape=shape)
    x = torch.linspace(-1, 1, 6, dtype=torch.float64).view(1, 2, 3)
    found = model.elbo(x.expand(20_000, 2, 3), steps=50, ratios=(0.01, 30.0))
    due = sum(bound_of(path, v.item(), 0.0, 0.5, 50, (0.01, 30.0)) for v in x.flatten())
    assert abs(found.mean().item() - due) < 5 * found.std().item() / math.sqrt(20_000)


def test_a_wrong_denoiser_has_a_lower_bound():
    """The bound falls by the weighted square of what the estimate is off."""
    path, x = Cosine(), torch.randn(20_000, 1, dtype=torch.float64)
    exact = gaussian(path)
    right = diffusion(exact, path, shape=(1,))
    wrong = diffusion(lambda x, t: exact(x, t) + 0.3, path, shape=(1,))
    found = (
        right.elbo(x, steps=20, ratios=(0.1, 9.0)),
        wrong.elbo(x, steps=20, ratios=(0.1, 9.0)),
    )
    fall = (found[0].mean() - found[1].mean()).item()
    due = 0.09 / 2 * (1 / 0.1**2 - 1 / 9**2)  # the SNRs of the steps telescope
    error = math.sqrt(sum(v.var().item() for v in found) / 20_000)
    assert abs(fall - due) < 5 * error


def test_probabilities_of_levels_sum_to_at_most_one():
    """All 3² images of 3 levels, the denoiser that knows their law."""
    levels = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    every = torch.cartesian_prod(levels, levels)
    w = torch.tensor([0.3, 0.05, 0.1, 0.02, 0.2, 0.08, 0.05, 0.05, 0.15]).double()
    path = Cosine()
    inner = (every - 0.5) / 0.4

    def estimate(x_t, t):
        a, s = over(path.alpha(t), x_t), over(path.sigma(t), x_t)
        far = ((x_t[:, None] - a[..., None] * inner) ** 2).sum(2)
        return (w.log() - far / (2 * s**2)).softmax(1) @ inner

    model = diffusion(estimate, path, center=0.5, spread=0.4)
    x = every.repeat_interleave(20_000, 0)
    how = {"levels": 3, "ratios": (0.05, 80.0)}
    with torch.no_grad():
        bounds = model.elbo(x, steps=1000, **how).view(9, 20_000)
    mean, error = bounds.mean(1), bounds.std(1) / math.sqrt(20_000)
    assert ((mean - 4 * error) < w.log()).all()  # below the probability
    assert (mean - 4 * error).exp().sum() < 1
    assert (w.log() - mean - 4 * error).max() < 0.1  # and not far
    assert mean.exp().sum() > 0.9


def test_what_is_seen_through_noise_of_levels():
    """The first term: the probability of the right level of three, by quadrature."""
    path = Cosine()
    net = diffusion(lambda x, t: torch.full_like(x, 0.5), path, data, shape=(1,))
    x = torch.full((40_000, 1), 0.5, dtype=torch.float64)
    std = 0.4
    found = net.elbo(x, levels=3, ratios=(std, 10.0), steps=5)
    z = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    seen = 0.5 + std * z
    values = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    log_p = (-((seen[:, None] - values) ** 2) / (2 * std**2)).log_softmax(1)[:, 1]
    due = ((-(z**2) / 2).softmax(0) * log_p).sum().item() - 0.5**2 / (2 * 100)
    assert abs(found.mean().item() - due) < 5 * found.std().item() / 200


def labeled(required=False, **how):
    c = Labels(3, required=required)
    net = PointDenoiser(2, width=8, depth=1, classes=3)
    return Diffusion(net, (2,), condition=c, **how)


def told(model):
    """The labels that its net is told, as they come."""
    seen = []
    model.net.register_forward_pre_hook(lambda _, args: seen.append(args[2]))
    return seen


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_is_told_nothing(share):
    model = labeled(drop=share)
    seen, c = told(model), torch.arange(6000) % 3
    model.loss(torch.randn(6000, 2), c)
    lost = seen[0] == 3
    assert abs(lost.float().mean().item() - share) < 0.03
    assert torch.equal(seen[0][~lost], c[~lost])


def test_a_required_condition_is_never_dropped():
    model = labeled(required=True, drop=1.0)
    seen, c = told(model), torch.arange(9) % 3
    model.loss(torch.randn(9, 2), c)
    assert torch.equal(seen[0], c)


def test_no_condition_is_the_null_condition():
    model, x, null = labeled(), torch.randn(4, 2), [3] * 4
    seen = told(model)
    model.loss(x)
    model.elbo(x)
    model.sample(4, steps=1)
    assert [c.tolist() for c in seen] == [null] * 3
    seen.clear()
    c = torch.tensor([0, 1, 2, 0])
    model.elbo(x, c)
    model.sample(4, c, steps=1)
    assert all(torch.equal(one, c) for one in seen) and len(seen) == 2


def test_guidance_asks_twice():
    model, c = labeled(), torch.tensor([0, 1, 2])
    seen = told(model)
    x = torch.randn(3, 2)
    found = model.denoiser(c, guidance=2.5)(x, 0.4)
    assert sorted(one.tolist() for one in seen) == [[0, 1, 2], [3, 3, 3]]
    t = torch.full((3,), 0.4)
    with_c, without = model.denoise(x, t, c), model.denoise(x, t, torch.full((3,), 3))
    torch.testing.assert_close(found, without + 2.5 * (with_c - without))
    seen.clear()
    torch.testing.assert_close(model.denoiser(c)(x, 0.4), with_c)
    assert len(seen) == 1


def test_guidance_may_change_with_time():
    model, c = labeled(), torch.tensor([0, 1, 2])
    x, w = torch.randn(3, 2), lambda t: 3.0 if 0.3 < t < 0.6 else 1.0
    changing = model.denoiser(c, guidance=w)
    torch.testing.assert_close(
        changing(x, 0.4), model.denoiser(c, guidance=3.0)(x, 0.4)
    )
    seen = told(model)
    torch.testing.assert_close(changing(x, 0.9), model.denoiser(c)(x, 0.9))
    assert len(seen) == 2  # nothing else was asked where the weight is 1
    with pytest.raises(ValueError, match="needs a condition"):
        model.denoiser(guidance=w)


def test_a_draw_may_be_steered():
    model = Diffusion(Said(2.0), (2,), center=1.0, spread=3.0, steps=4)
    asked = []

    def steer(denoise):
        def other(x, t):
            asked.append(t)
            return 0 * denoise(x, t) + 0.5  # in inner units

        return other

    x = model.sample(3, steer=steer)
    torch.testing.assert_close(x, torch.full((3, 2), 2.5))
    assert len(asked) == 4


class Said(torch.nn.Module):
    """A net that says one number."""

    def __init__(self, value):
        super().__init__()
        self.value = torch.nn.Parameter(torch.tensor(value))

    def forward(self, x, t, c=None):
        return torch.zeros_like(x) + self.value


@pytest.mark.parametrize(("share", "left"), [(1.0, 10), (0.5, 5), (0.26, 3), (1e-9, 1)])
def test_a_draw_may_start_on_the_way(share, left):
    how = {"center": 1.0, "spread": 2.0, "steps": 10, "grid": evenly}
    model = Diffusion(Said(0.0), (2,), path=Straight(), **how)
    x = torch.tensor([[5.0, -3.0]]).expand(4_000, 2)
    with seeded(0):
        states = list(model.trajectory(4_000, start=(x, share)))
    times = evenly(model.path, 10)[-left - 1 :]
    assert [t for t, _ in states] == times
    (t, first), alpha, sigma = states[0], *model.path.at(times[0])
    inner = (first - 1) / 2
    for value, column in zip((2.0, -2.0), inner.T):
        assert column.mean().item() == pytest.approx(alpha * value, abs=0.06 * sigma)
        assert column.std().item() == pytest.approx(sigma, rel=0.05)
    assert t == times[0]


@pytest.mark.parametrize(
    ("n", "share", "error"),
    [(3, 0.0, "share"), (3, 1.5, "share"), (2, 0.5, "expected 2"), (3, -1.0, "share")],
)
def test_a_start_that_does_not_fit(n, share, error):
    model = Diffusion(Said(0.0), (2,), steps=3)
    with pytest.raises(ValueError, match=error):
        model.sample(n, start=(torch.zeros(3, 2), share))


def test_estimates_are_clipped():
    """To the limits of data, in the inner units; after guidance."""
    path = Cosine()
    how = {"center": 0.5, "spread": 0.25}
    far = diffusion(lambda x, t: 100 * x, path, limits=(0.0, 1.0), **how)
    x = torch.randn(50, 2, dtype=torch.float64)
    found = far.denoiser()(x, 0.5)
    torch.testing.assert_close(found, (100 * x).clamp(-2, 2))
    for sampler in (samplers.ddim, samplers.ancestral, samplers.heun):
        drawn = far.sample(50, sampler=sampler, steps=4)
        assert drawn.min() >= 0 and drawn.max() <= 1
    free = diffusion(lambda x, t: 100 * x, path, **how)
    assert free.denoiser()(x, 0.5).abs().max() > 2
    model, c, x = labeled(limits=(-0.1, 0.1)), torch.arange(60) % 3, torch.randn(60, 2)
    guided = model.denoiser(c, guidance=9.0)(x, 0.5)
    model.limits = None
    free = model.denoiser(c, guidance=9.0)(x, 0.5)
    assert free.abs().max() > 0.1
    assert guided.abs().max() <= 0.1 + 1e-6
    torch.testing.assert_close(guided, free.clamp(-0.1, 0.1))


def test_samples_follow_the_data():
    """A Gaussian with its exact denoiser: every sampler, center and spread."""
    path, how = LinearBeta(), {"center": -1.0, "spread": 3.0}
    model = diffusion(gaussian(path, 0.4, 0.2), path, shape=(1,), **how)
    for name in ("ancestral", "churned", "ddim", "dpm_solver", "heun", "reverse_sde"):
        kind = getattr(samplers, name)
        x = model.sample(20_000, sampler=kind, grid=samplers.karras, steps=100)
        assert x.mean().item() == pytest.approx(-1 + 3 * 0.4, abs=0.06)
        assert x.std().item() == pytest.approx(3 * 0.2**0.5, rel=0.06)


def test_the_data_themselves_are_drawn():
    points = torch.randn(4, 2, dtype=torch.float64)
    path = Cosine()
    best = optimal(points, path)
    model = diffusion(lambda x, t: best(x, t[0].item()), path)
    near = torch.cdist(model.sample(200, steps=50), points)
    assert near.min(1).values.max() < 1e-6
    assert near.argmin(1).bincount(minlength=4).min() > 20


def test_a_trajectory():
    path, how = Straight(), {"center": 2.0, "spread": 0.5}
    model = diffusion(gaussian(path), path, steps=7, **how)
    with seeded(0):
        states = list(model.trajectory(5))
    times = samplers.evenly(path, 7)
    assert [t for t, _ in states] == times
    with seeded(0):
        eps = torch.randn(5, 2, dtype=torch.float64)
    first = path.at(times[0])[1] * eps
    torch.testing.assert_close(states[0][1], 2 + 0.5 * first)
    inner = list(samplers.ddim(model.denoiser(), path, first, times))
    torch.testing.assert_close(states[-1][1], 2 + 0.5 * inner[-1][1])
    with seeded(0):
        assert torch.equal(model.sample(5), states[-1][1])
    grid = lambda path, steps: samplers.karras(path, steps, smallest=0.1)  # noqa: E731
    other = list(model.trajectory(2, sampler=samplers.heun, grid=grid, steps=3))
    assert [t for t, _ in other] == grid(path, 3)


def test_what_a_model_samples_with():
    how = {"sampler": samplers.heun, "grid": samplers.karras, "steps": 3}
    model = diffusion(gaussian(Cosine()), Cosine(), **how)
    with seeded(0):
        mine = model.sample(4)
    with seeded(0):
        due = diffusion(gaussian(Cosine()), Cosine()).sample(4, **how)
    assert torch.equal(mine, due)


def test_defaults():
    model = Diffusion(PointDenoiser(2), (2,))
    assert isinstance(model.path, Cosine) and model.predict is noise
    assert model.sampler is samplers.ddim and model.grid is samplers.evenly
    assert len(list(model.trajectory(1))) == 26
    assert (model.center, model.spread, model.drop) == (0.0, 1.0, 0.1)
    assert not model.exact and not model.surrogate and not hasattr(model, "log_prob")


def test_bad_input_is_refused(as_users_run_it):
    net = PointDenoiser(2, classes=3)
    for wrong, text in [
        ({"spread": 0.0}, "spread is"),
        ({"drop": 1.5}, r"drop is 1\.5"),
        ({"steps": 0}, "steps is 0"),
        ({"event_shape": (0,)}, "a size of event_shape is 0"),
    ]:
        with pytest.raises(ValueError, match=text):
            Diffusion(net, **({"event_shape": (2,)} | wrong))
    with pytest.raises(ValueError, match="std is 0"):
        lognormal(std=0)
    model, x = labeled(), torch.rand(3, 2)
    for c, model in [
        (None, labeled()),
        (torch.zeros(3).long(), labeled(required=True)),
    ]:
        with pytest.raises(ValueError, match=r"guidance is 2\.0, which needs"):
            model.sample(3, c, guidance=2.0)
    with pytest.raises(ValueError, match=r"guidance is 2\.0, which needs"):
        Diffusion(PointDenoiser(2), (2,)).sample(3, guidance=2.0)
    with pytest.raises(ValueError, match="is conditional: pass c"):
        next(labeled(required=True).trajectory(3))
    model = labeled()
    for how, text in [
        ({"steps": 1}, "steps is 1; expected 2 or more"),
        ({"ratios": (0.0, 80.0)}, "ratios is 0"),
        ({"ratios": (2.0, 2.0)}, "expected the smaller one first"),
        ({"levels": 1}, "levels is 1; expected 2 or more"),
        ({"levels": 256}, "between the 256 levels"),
    ]:
        with pytest.raises(ValueError, match=text):
            model.elbo(x, **how)
    with pytest.raises(ValueError, match="expected 0 to 1"):
        model.elbo(x + 1, levels=256)
    with pytest.raises(ValueError, match="expects"):
        model.elbo(torch.rand(3, 3))


def test_limits_are_only_of_sampling():
    """The bound is that of the net's own estimate."""
    x = torch.randn(5, 2)
    with seeded(0):
        net = PointDenoiser(2)
    for ask in ("loss", "elbo"):
        with seeded(1):
            free = getattr(Diffusion(net, (2,)), ask)(x)
        with seeded(1):
            model = Diffusion(net, (2,), limits=(-0.01, 0.01))
            assert torch.equal(getattr(model, ask)(x), free)


def test_a_mixture_is_learned_in_no_coordinate_but_its_own():
    """The best net of each coordinate has the same estimate: a check of `Told`."""
    data_set = GaussianMixture([[1.0, 0.5]], stds=0.3)
    path = Cosine()
    exact = gaussian(path, torch.tensor([1.0, 0.5]).double(), 0.09)
    x = data_set.sample(2000).double()
    for predict in coordinates.__all__:
        if predict == "convert":
            continue
        model = diffusion(exact, path, getattr(coordinates, predict))
        with seeded(0):
            right = model.elbo(x).mean()
        assert right.item() == pytest.approx(-data_set.entropy, abs=0.3)
