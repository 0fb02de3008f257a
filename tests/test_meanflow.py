"""The average velocity: of Gaussian data, where it is known, and of nets."""

import inspect
import math

import pytest
import torch
from torch import nn

from gmcourse import coordinates, seeded
from gmcourse.conditions import Labels
from gmcourse.denoisers import PointDenoiser
from gmcourse.diffusion import Diffusion, uniform
from gmcourse.meanflow import AtOneTime, MeanFlow
from gmcourse.paths import Straight, over
from gmcourse.samplers import heun
from gmcourse.transformers import DiTDenoiser
from gmcourse.unet import UNetDenoiser


def flow(x, t, s, mean, var):
    """Where the probability flow of normal data is at s, that is in x at t."""
    size_t, size_s = ((var * (1 - r) ** 2 + r**2).sqrt() for r in (t, s))
    return (1 - s) * mean + size_s / size_t * (x - (1 - t) * mean)


def velocity(x, t, mean, var):
    """Its velocity, by differences."""
    h = 1e-5
    return (flow(x, t, t + h, mean, var) - flow(x, t, t - h, mean, var)) / (2 * h)


class Exact(nn.Module):
    """The average velocity of N(mean, var), times a number that can be learned."""

    def __init__(self, mean=0.0, var=1.0, shift=0.0):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
        self.mean, self.var, self.shift = mean, var, shift
        self.seen = []

    def forward(self, x, times, c=None):
        self.seen.append(times)
        t, span = (over(r, x) for r in times.unbind(1))
        mean = self.mean if c is None else self.mean + self.shift * over(c.to(x), x)
        close = span < 1e-4  # a quotient of two small numbers
        s = torch.where(close, t - 1e-4, t - span)
        u = (x - flow(x, t, s, mean, self.var)) / (t - s)
        u = torch.where(close, velocity(x, t, mean, self.var), u)
        return self.factor * u


def batch(n=6, d=2):
    x = torch.randn(n, d, dtype=torch.float64)
    first, second = (0.05 + 0.9 * torch.rand(2, n, dtype=torch.float64)).sort(0)[0]
    return x, first, second


def test_the_exact_average_fulfills_the_identity():
    """Where it is moved by the velocity of the flow itself."""
    net = Exact(0.7, 0.3)
    model = MeanFlow(net, (2,))
    x, s, t = batch(50)
    s = torch.where(t - s < 0.01, t - 0.02, s)
    u, due = model.identity(x, velocity(x, over(t, x), 0.7, 0.3), s, t)
    torch.testing.assert_close(u.detach(), due, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(u, model.average(x, s, t))
    assert u.requires_grad and not due.requires_grad


def test_the_average_is_an_integral():
    """Eq. 3, by the midpoint rule along the flow: what `Exact` says is true."""
    x, s, t = batch(5)
    net, steps = Exact(0.7, 0.3), 2000
    found, t2, s2 = 0.0, over(t, x), over(s, x)
    for i in range(steps):
        r = s2 + (i + 0.5) / steps * (t2 - s2)
        found = found + velocity(flow(x, t2, r, 0.7, 0.3), r, 0.7, 0.3) / steps
    u = MeanFlow(net, (2,)).average(x, s, t).detach()
    torch.testing.assert_close(found, u, atol=1e-6, rtol=1e-5)


def test_the_loss_is_still_at_the_exact_average():
    """In the mean over examples, which have velocities of their own."""
    slopes = []
    for factor in (1.0, 1.1):
        net = Exact(0.7, 0.3)
        model = MeanFlow(net, (1,), apart=0.7)
        with torch.no_grad(), seeded(0):
            net.factor.fill_(factor)
            x = 0.7 + 0.3**0.5 * torch.randn(60, 1000, 1, dtype=torch.float64)
        with seeded(1):
            found = [
                torch.autograd.grad(model.loss(one), net.factor)[0].item() for one in x
            ]
        mean = sum(found) / 60
        error = (sum((g - mean) ** 2 for g in found) / 59 / 60) ** 0.5
        slopes.append(mean / error)
    assert abs(slopes[0]) < 4 and slopes[1] > 6, slopes


def shaken(net):
    """What a net of the library says at first is 0."""
    with torch.no_grad(), seeded(0):
        for p in net.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return net.double()


NETS = {
    "points": lambda: (PointDenoiser(2, width=16, depth=2, times=2), (2,)),
    "u-net": lambda: (UNetDenoiser((1, 8, 8), width=8, times=2), (1, 8, 8)),
    "transformer": lambda: (
        DiTDenoiser((1, 8, 8), width=16, depth=1, times=2),
        (1, 8, 8),
    ),
}
every_net = pytest.mark.parametrize("make", NETS.values(), ids=NETS)


@every_net
def test_the_total_derivative(make):
    """Against differences: x_t moves by v, t by 1, and s not at all."""
    net, shape = make()
    model = MeanFlow(shaken(net), shape)
    x, v = torch.randn(2, 4, *shape, dtype=torch.float64)
    _, s, t = batch(4)
    u, due = model.identity(x, v, s, t)
    h = 1e-5
    with torch.no_grad():
        ahead = model.average(x + h * v, s, t + h)
        rate = (ahead - model.average(x - h * v, s, t - h)) / (2 * h)
    torch.testing.assert_close(due, v - over(t - s, v) * rate, atol=1e-7, rtol=1e-5)
    assert (rate.abs().mean() * (t - s).mean()) > 1e-3
    torch.testing.assert_close(u, model.average(x, s, t))


@every_net
def test_a_gradient_goes_through_the_average_alone(make):
    net, shape = make()
    model = MeanFlow(shaken(net), shape, apart=1.0)
    x = torch.randn(4, *shape, dtype=torch.float64)
    caught = []
    identity = model.identity
    model.identity = lambda *a: caught.append((a, identity(*a))) or caught[0][1]
    model.loss(x).backward()
    found = [p.grad.clone() for p in net.parameters()]
    (x_t, _, s, t, c), (_, due) = caught[0]
    loss = (model.average(x_t, s, t, c) - due.clone()).square().mean()
    again = torch.autograd.grad(loss, list(net.parameters()))
    for one, other in zip(found, again):
        torch.testing.assert_close(one, other)


def test_one_time_is_flow_matching(monkeypatch):
    """The same times and noise give the same loss; and bound, and samples."""
    net, x = PointDenoiser(2, width=16, depth=1, times=2), torch.randn(64, 2)
    how = {"times": lambda path, u: torch.linspace(0.01, 0.99, len(u))}
    how |= {"center": 0.5, "spread": 2.0}
    way = {"path": Straight(), "predict": coordinates.velocity}
    model = MeanFlow(net, (2,), apart=0.0, **how)
    other = Diffusion(AtOneTime(net), (2,), **way, **how)
    eps = torch.randn(64, 2)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "randn_like", lambda x: eps)
        torch.testing.assert_close(model.loss(x), other.loss(x))
    for ask in (
        lambda model: model.elbo(x),
        lambda model: [*model.trajectory(3, sampler=heun, steps=4)][-1][1],
    ):
        with seeded(1):
            mine = ask(model.flow)
        with seeded(1):
            torch.testing.assert_close(mine, ask(other))


def test_at_one_time_no_time_passes():
    x, t, c = torch.randn(3, 2), torch.rand(3), torch.arange(3)
    net = PointDenoiser(2, width=8, depth=1, classes=3, times=2)
    due = net(x, torch.stack([t, 0 * t], 1), c)
    torch.testing.assert_close(AtOneTime(net)(x, t, c), due)


def taught(model, x, c=None):
    """What the loss asks `identity`, what that says, and the loss."""
    caught, identity = [], model.identity

    def spy(*args):
        caught.extend([args, identity(*args)])
        return caught[1]

    model.identity = spy
    loss = model.loss(x, c)
    model.identity = identity
    return *caught, loss


@pytest.mark.parametrize("apart", [0.0, 0.3, 1.0])
def test_the_times_of_training(apart):
    model = MeanFlow(Exact(), (1,), apart=apart, times=uniform)
    (_, _, s, t, _), _, _ = taught(model, torch.randn(40_000, 1).double())
    differ = s != t
    assert (s <= t).all()
    assert differ.double().mean().item() == pytest.approx(apart, abs=0.01)
    # The larger and the smaller of two: 2/3 and 1/3, independently of the share.
    assert t.mean().item() == pytest.approx(2 / 3, abs=0.01)
    if apart:
        assert s[differ].mean().item() == pytest.approx(1 / 3, abs=0.01)
        assert t[differ].mean().item() == pytest.approx(2 / 3, abs=0.01)
        both = torch.stack([s[differ], t[differ]])
        assert torch.corrcoef(both)[0, 1].item() == pytest.approx(0.5, abs=0.03)


def test_by_default_the_logit_of_a_time_is_normal():
    model = MeanFlow(Exact(), (1,), apart=1.0)
    (_, _, s, t, _), _, _ = taught(model, torch.randn(40_000, 1).double())
    logits = torch.cat([s, t]).logit()
    assert logits.mean().item() == pytest.approx(-0.4, abs=0.02)
    assert logits.std().item() == pytest.approx(1.0, abs=0.02)
    assert MeanFlow(Exact(), (1,)).apart == 0.25


def test_what_is_taught_is_a_point_of_the_straight_path():
    """In the inner units: x_t - t v is the data, x_t + (1 - t) v is noise."""
    model = MeanFlow(Exact(), (1,), center=3.0, spread=2.0)
    x = 5 + torch.rand(40_000, 1).double()
    (x_t, v, _, t, c), _, _ = taught(model, x)
    torch.testing.assert_close(x_t - over(t, v) * v, (x - 3) / 2)
    eps = x_t + over(1 - t, v) * v
    assert abs(eps.mean().item()) < 0.03 and abs(eps.std().item() - 1) < 0.02
    assert c is None


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_each_error_is_over_a_power_of_itself(power):
    """In the gradient too, which sees no weight."""
    net = Exact()
    model = MeanFlow(net, (3,), power=power, apart=0.5)
    x = torch.randn(20, 3).double()
    _, (u, due), loss = taught(model, x)
    errors = (u - due).square().mean(1)
    weights = 1 / (errors.detach() + 1e-3) ** power
    torch.testing.assert_close(loss, (weights * errors).mean())
    (slope,) = torch.autograd.grad(loss, net.factor, retain_graph=True)
    (again,) = torch.autograd.grad((weights * errors).mean(), net.factor)
    torch.testing.assert_close(slope, again)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_one_step_or_many_lead_to_the_same_end(steps):
    net = Exact(0.7, 0.3)
    model = MeanFlow(net, (2,), center=1.0, spread=4.0)
    with seeded(0):
        x = model.sample(7, steps=steps)
    with seeded(0):
        eps = torch.randn(7, 2, dtype=torch.float64)
    torch.testing.assert_close(x, 1 + 4 * (0.7 + 0.3**0.5 * eps))
    ends = [1 - i / steps for i in range(steps + 1)]
    for times, t, s in zip(net.seen, ends, ends[1:]):
        due = torch.tensor([t, t - s], dtype=torch.float64).expand(7, 2)
        torch.testing.assert_close(times, due)
    assert len(net.seen) == steps


def test_what_is_drawn_is_clipped():
    how = {"center": 0.5, "spread": 0.25}
    model = MeanFlow(Exact(0.7, 0.3), (2,), limits=(0.0, 1.0), **how)
    free = MeanFlow(Exact(0.7, 0.3), (2,), **how)
    drawn = []
    for one in (model, free):
        with seeded(0):
            drawn.append(one.sample(500))
    assert drawn[1].max() > 1.02
    assert torch.equal(drawn[0], drawn[1].clamp(0, 1))


def labeled(**how):
    c = Labels(3, required=False)
    return MeanFlow(Exact(shift=0.5).double(), (2,), condition=c, **how)


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_guidance_changes_the_velocity(weight):
    """``w v + (1 - w) v(x_t)``, told nothing; the same draws without guidance."""
    model, c = labeled(guidance=weight, drop=0.0), torch.arange(30) % 3
    x = torch.randn(30, 2).double()
    with seeded(0):
        (x_t, v, _, t, told), _, _ = taught(model, x, c)
    with seeded(0):
        (plain_x, plain_v, _, _, _), _, _ = taught(labeled(drop=0.0), x, c)
    assert torch.equal(x_t, plain_x) and torch.equal(told, c)
    none = model.average(x_t, t, t, torch.full((30,), 3)).detach()
    torch.testing.assert_close(v, weight * plain_v + (1 - weight) * none)
    assert not v.requires_grad


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_share_is_told_nothing(share):
    model, c = labeled(drop=share), torch.arange(6000) % 3
    (x_t, _, s, t, told), (u, _), _ = taught(model, torch.randn(6000, 2).double(), c)
    torch.testing.assert_close(u, model.average(x_t, s, t, told))
    lost = told == 3
    assert lost.double().mean().item() == pytest.approx(share, abs=0.03)
    assert torch.equal(told[~lost], c[~lost])


def test_samples_are_of_their_label():
    model = labeled()
    with seeded(0):
        zero = model.sample(4, torch.zeros(4).long())
    with seeded(0):
        mixed = model.sample(4, torch.tensor([0, 1, 2, 1]))
    torch.testing.assert_close(
        (mixed - zero)[:, 0], torch.tensor([0, 0.5, 1, 0.5]).double()
    )
    with seeded(0):
        torch.testing.assert_close(model.sample(4), zero + 0.5 * 3)  # the null label


def test_bad_input_is_refused(as_users_run_it):
    net = PointDenoiser(2, times=2)
    for wrong, text in [
        ({"apart": 1.5}, r"apart is 1\.5"),
        ({"power": -1.0}, r"power is -1\.0"),
        ({"guidance": 0.0}, r"guidance is 0\.0; expected a positive"),
        ({"guidance": 2.0}, r"guidance is 2\.0, which needs"),
        ({"guidance": 2.0, "condition": Labels(3)}, "needs a condition that may"),
        ({"spread": 0.0}, "spread is"),
        ({"drop": 2.0}, "drop is"),
    ]:
        with pytest.raises(ValueError, match=text):
            MeanFlow(net, (2,), **wrong)
    model = MeanFlow(net, (2,))
    with pytest.raises(ValueError, match="steps is 0"):
        model.sample(3, steps=0)
    with pytest.raises(ValueError, match="expects"):
        model.loss(torch.zeros(3, 3))
    with pytest.raises(ValueError, match=r"the net expects \(b,\)"):
        MeanFlow(PointDenoiser(2), (2,)).sample(3)
    assert model.surrogate and not model.exact and model.power == 0
    assert (model.flow.center, model.flow.spread, model.guidance) == (0.0, 1.0, 1.0)
    assert model.flow.drop == 0.1 and model.flow.limits is None
    assert "path" not in inspect.signature(MeanFlow.__init__).parameters
    assert isinstance(model.flow.path, Straight) and math.isclose(model.apart, 0.25)


def test_two_heaps_in_one_step():
    """Thresholds from 20 seeds. Of the data the spreads are 1.04 and 0.3."""
    with seeded(0):
        net = PointDenoiser(2, width=64, depth=2, times=2)
        model = MeanFlow(net, (2,), apart=0.5)
        adam = torch.optim.Adam(net.parameters(), 3e-3)
        for _ in range(400):
            heap = torch.where(torch.rand(256) < 0.5, -1.0, 1.0)[:, None]
            adam.zero_grad()
            model.loss(heap + 0.3 * torch.randn(256, 2)).backward()
            adam.step()
        one, four = (model.sample(2_000, steps=steps) for steps in (1, 4))
        euler = [*model.flow.trajectory(2_000, steps=1)][-1][1]
    spreads = []
    for x in (one, four, euler):
        heap = torch.where(x.sum(1) > 0, 1.0, -1.0)[:, None]
        within = (x - heap).square().mean().sqrt().item()
        spreads.append((x.std().item(), within, abs(heap.mean().item())))
    (all_1, within_1, odds_1), (all_4, within_4, odds_4), (all_e, within_e, _) = spreads
    assert all_1 > 0.55 and within_1 < 0.56 and odds_1 < 0.15
    assert 0.9 < all_4 < 1.1 and within_4 < 0.37 and odds_4 < 0.2
    # One step by the velocity at noise ends at the mean of all data.
    assert all_e < 0.52 and within_e > 0.65
