"""Fields that move draws to data, against loops over pairs, and the net they teach."""

import math

import pytest
import torch
from torch import nn

from gmcourse import seeded
from gmcourse.conditions import Labels, Like
from gmcourse.drifting import Drifting, balanced_drift, drift, gaussian, laplacian
from gmcourse.nets import WithLabel, mlp

FIELDS, KERNELS = [drift, balanced_drift], [laplacian, gaussian]
every_field = pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.__name__)
every_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: k.__name__)


def points(*sizes, d=2):
    return [torch.randn(n, d, dtype=torch.float64) for n in sizes]


def test_kernels():
    far, one = torch.tensor([0.0, 2.0, 6.0]), torch.ones(3)
    torch.testing.assert_close(laplacian(far, 2.0), -torch.tensor([0.0, 1.0, 3.0]))
    torch.testing.assert_close(gaussian(far, 2.0), -torch.tensor([0.0, 0.5, 4.5]))
    # Where both are as far as tau, they differ: exp(-1) and exp(-1/2).
    torch.testing.assert_close(laplacian(one, 1.0), -one)
    torch.testing.assert_close(gaussian(one, 1.0), -one / 2)


def weight(x, y, kernel, tau):
    return math.exp(kernel((x - y).norm(), tau))


def shift(x, others, kernel, tau):
    """The weighted mean of ``y - x``: eq. 8, a loop."""
    weights = [weight(x, y, kernel, tau) for y in others]
    return sum(w * (y - x) for w, y in zip(weights, others)) / sum(weights)


@every_kernel
def test_the_field_is_the_difference_of_two_mean_shifts(kernel):
    x, data, drawn = points(5, 7, 4, d=3)
    due = [
        shift(a, data, kernel, 0.7) - shift(a, drawn, kernel, 0.7)  # eq. 10
        for a in x
    ]
    found = drift(x, data, drawn, tau=0.7, kernel=kernel)
    torch.testing.assert_close(found, torch.stack(due))


@every_kernel
def test_it_is_a_mean_over_pairs_too(kernel):
    """Eq. 11, which has no x but in the weights."""
    x, data, drawn = points(3, 4, 5)
    for row, found in zip(x, drift(x, data, drawn, tau=0.5, kernel=kernel)):
        up, z = 0.0, 0.0
        for y in data:
            for other in drawn:
                w = weight(row, y, kernel, 0.5) * weight(row, other, kernel, 0.5)
                up, z = up + w * (y - other), z + w
        torch.testing.assert_close(found, up / z)


@every_field
def test_no_row_sees_itself(field):
    x, data = points(6, 5)
    if field is drift:
        others = [torch.cat([x[:i], x[i + 1 :]]) for i in range(6)]
        due = [drift(x[i : i + 1], data, others[i], tau=0.6)[0] for i in range(6)]
    else:
        due = [algorithm_2(x, data, x, 0.6, own=True)[i] for i in range(6)]
    torch.testing.assert_close(field(x, data, tau=0.6), torch.stack(due))
    assert (field(x, data, tau=0.6) - field(x, data, x, tau=0.6)).abs().min() > 1e-6


def algorithm_2(x, data, drawn, tau, kernel=laplacian, own=False):
    """Weights one at a time: each normalized in its row and in its column."""
    points = [*data, *drawn]
    raw = [[weight(a, y, kernel, tau) for y in points] for a in x]
    if own:
        for i in range(len(x)):
            raw[i][len(data) + i] = 0.0
    columns = [sum(row[j] for row in raw) for j in range(len(points))]
    field = []
    for row in raw:
        w = [v / math.sqrt(sum(row) * c) for v, c in zip(row, columns)]
        pairs = [
            w[i] * w[len(data) + j] * (data[i] - drawn[j])
            for i in range(len(data))
            for j in range(len(drawn))
        ]
        field.append(sum(pairs))
    return torch.stack(field)


@every_kernel
def test_the_published_weights(kernel):
    x, data, drawn = points(5, 4, 3)
    found = balanced_drift(x, data, drawn, tau=0.8, kernel=kernel)
    torch.testing.assert_close(found, algorithm_2(x, data, drawn, 0.8, kernel))


@every_field
@every_kernel
def test_it_changes_its_sign_and_vanishes_at_equilibrium(field, kernel):
    x, data, drawn = points(5, 6, 4)
    how = {"tau": 0.5, "kernel": kernel}
    torch.testing.assert_close(
        field(x, data, drawn, **how), -field(x, drawn, data, **how)
    )
    order = torch.randperm(6)
    still = field(x, data, data[order], **how)
    torch.testing.assert_close(still, torch.zeros_like(x), atol=1e-12, rtol=0)


@every_field
def test_it_does_not_care_where_the_origin_is(field):
    x, data, drawn = points(5, 6, 4)
    a = torch.tensor([3.0, -5.0]).double()
    due = field(x, data, drawn, tau=0.5)
    torch.testing.assert_close(field(x + a, data + a, drawn + a, tau=0.5), due)
    turn = torch.tensor([[0.6, 0.8], [-0.8, 0.6]]).double()
    turned = field(x @ turn, data @ turn, drawn @ turn, tau=0.5)
    torch.testing.assert_close(turned, due @ turn)
    torch.testing.assert_close(field(9 * x, 9 * data, 9 * drawn, tau=4.5), 9 * due)


@every_field
def test_several_reaches_are_summed(field):
    x, data = points(5, 6)
    due = sum(field(x, data, tau=tau) for tau in (0.1, 0.5, 2.0))
    for several in ((0.1, 0.5, 2.0), [0.1, 0.5, 2.0]):
        torch.testing.assert_close(field(x, data, tau=several), due)


def test_the_ends_of_its_reach():
    x, data, drawn = points(5, 6, 4)
    far = drift(x, data, drawn, tau=1e9)
    torch.testing.assert_close(far, (data.mean(0) - drawn.mean(0)).expand(5, 2))
    near = drift(x, data, drawn, tau=1e-4)
    nearest = [torch.cdist(x, y).argmin(1) for y in (data, drawn)]
    torch.testing.assert_close(near, data[nearest[0]] - drawn[nearest[1]])


def log_density(x, points, tau):
    """Of a Gaussian about each point, up to a constant."""
    far = (x[:, None] - points).square().sum(2)
    return (-far / (2 * tau**2)).logsumexp(1)


@pytest.mark.parametrize("tau", [0.3, 1.7])
def test_a_gaussian_kernel_says_the_difference_of_two_scores(tau):
    x, data, drawn = points(5, 6, 4, d=3)
    x.requires_grad_()
    ratio = log_density(x, data, tau) - log_density(x, drawn, tau)
    (scores,) = torch.autograd.grad(ratio.sum(), x)
    found = drift(x, data, drawn, tau=tau, kernel=gaussian)
    torch.testing.assert_close(found, tau**2 * scores)


def curl(kernel, at, data, drawn):
    """How far the field's derivative is from a symmetric matrix."""

    def field(x):
        return drift(x[None], data, drawn, tau=0.7, kernel=kernel)[0]

    slope = torch.autograd.functional.jacobian(field, at)
    return (slope - slope.T).abs().max().item(), slope.abs().max().item()


def test_only_the_gaussian_field_is_a_gradient():
    data, drawn = points(4, 3)
    for x in points(20)[0]:
        turn, size = curl(gaussian, x, data, drawn)
        assert turn < 1e-12 * (1 + size)
    turns = [curl(laplacian, x, data, drawn)[0] for x in points(20)[0]]
    assert sum(turns) / 20 > 0.02  # in 200 seeds at least 0.06


def moved(field, tau, seed=0):
    """Two heaps, 4 apart; all draws begin beside one, and follow the field."""
    with seeded(seed):
        heap = torch.arange(100) % 2
        data = 0.2 * torch.randn(100, 2) + torch.stack([4.0 * heap, 0.0 * heap], 1)
        x = 0.5 * torch.randn(100, 2) + torch.tensor([1.0, 2.0])
    for _ in range(300):
        x = x + field(x, data, tau=tau)
    return x, data


@every_field
def test_draws_that_follow_the_field_come_to_the_data(field):
    x, data = moved(field, 1.0)
    far = torch.cdist(x, data)
    # In 20 seeds at most 0.123, 0.061 and 0.03.
    assert far.min(1).values.mean() < 0.14 and far.min(0).values.mean() < 0.08
    assert abs((x[:, 0] > 2).float().mean().item() - 0.5) < 0.05


def test_a_short_reach_does_not_hear_of_the_other_heap():
    x, _ = moved(drift, 0.3)
    assert (x[:, 0] > 2).float().mean() < 0.1  # in 20 seeds at most 0.07


class Given(nn.Module):
    """A generator whose draws are its weights, whatever the noise."""

    def __init__(self, x):
        super().__init__()
        self.x = nn.Parameter(x)

    def forward(self, z, c=None):
        return self.x[: len(z)]


@every_field
@every_kernel
def test_the_loss_is_the_squared_field_and_its_gradient_the_field(field, kernel):
    x, data = points(6, 6, d=3)
    how = {"tau": (0.4, 1.5), "kernel": kernel}
    model = Drifting(Given(x), (3,), field=field, **how)
    v = field(x, data, **how)
    loss = model.loss(data)
    torch.testing.assert_close(loss, v.square().mean())
    loss.backward()
    torch.testing.assert_close(model.net.x.grad, -2 * v / (6 * 3))


def test_a_step_along_the_gradient_is_the_drift():
    """At the rate b d / 2 one step of gradient descent makes ``x + V(x)`` of x."""
    x, data = points(6, 6)
    model = Drifting(Given(x.clone()), (2,), tau=0.5)
    due = x + drift(x, data, tau=0.5)
    descent = torch.optim.SGD(model.parameters(), lr=6 * 2 / 2)
    model.loss(data).backward()
    descent.step()
    torch.testing.assert_close(model.net.x.detach(), due)


class Twice(nn.Module):
    """Features, with a weight that must not learn, and a mode that must not change."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 1.0]]).double())
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(x @ self.w).tanh()


def test_what_is_compared_may_be_features():
    x, data = points(5, 5)
    features = Twice()
    model = Drifting(Given(x), (2,), tau=0.5, features=features).train()
    assert [p is model.net.x for p in model.players()["model"]] == [True]
    told = (x @ features.w).tanh().detach()
    v = drift(told, (data @ features.w).tanh(), tau=0.5)
    loss = model.loss(data)
    torch.testing.assert_close(loss, v.square().mean())
    loss.backward()
    # By hand: through tanh and the weights to the draws.
    due = (-2 * v / 15 * (1 - told**2)) @ features.w.T
    torch.testing.assert_close(model.net.x.grad, due)
    assert features.w.grad is None and features.drop.training


def test_the_field_is_never_computed_in_bfloat16():
    seen = []

    def field(x, data, **how):
        seen.extend([x.dtype, data.dtype, (x @ data.T).dtype])
        return drift(x, data, **how)

    model = Drifting(nn.Linear(3, 3), (3,), tau=1.0, field=field, features=mlp(3, 2))
    with torch.autocast("cpu", torch.bfloat16):
        loss = model.loss(torch.randn(4, 3))
    assert seen == [torch.float32] * 3 and loss.dtype == torch.float32


def test_images_are_vectors_of_their_values():
    x = torch.randn(4, 1, 2, 3)
    data = torch.randn(4, 1, 2, 3)
    model = Drifting(Given(x), (1, 2, 3), tau=1.0)
    v = drift(x.flatten(1), data.flatten(1), tau=1.0)
    torch.testing.assert_close(model.loss(data), v.square().mean())


@every_field
def test_each_label_has_a_field_of_its_own(field):
    x, data = points(9, 9)
    c = torch.tensor([0, 2, 0, 1, 2, 2, 0, 3, 3])  # the label 1 comes once
    model = Drifting(Given(x), (2,), tau=0.7, field=field, condition=Labels(5))
    model.loss(data, c).backward()
    found = -model.net.x.grad * 18 / 2
    for label in (0, 2, 3):
        rows = c == label
        due = field(x[rows], data[rows], tau=0.7)
        torch.testing.assert_close(found[rows], due)
    assert torch.equal(found[3], torch.zeros(2).double())


def test_draws_are_told_their_labels():
    model = Drifting(
        WithLabel(nn.Linear(5, 2, bias=False), 3),
        (2,),
        tau=1.0,
        noise_shape=(2,),
        condition=Labels(3),
    )
    c = torch.tensor([0, 2, 1, 1])
    with seeded(0):
        x = model.sample(4, c)
    with seeded(0):
        z = torch.randn(4, 2)
    w = model.net.net.weight
    due = torch.cat([z, nn.functional.one_hot(c, 3)], 1) @ w.T
    torch.testing.assert_close(x, due.detach())


def test_noise_has_a_shape_of_its_own():
    model = Drifting(mlp(5, 8, 2), (2,), tau=0.3, noise_shape=(5,))
    assert model.sample(3).shape == (3, 2)
    assert model.loss(torch.randn(4, 2)).isfinite()
    assert Drifting(nn.Identity(), (1, 2, 2), tau=0.3).noise_shape == (1, 2, 2)
    x = Drifting(nn.Identity(), (2,), tau=0.3).sample(4_000)
    assert abs(x.mean().item()) < 0.05 and abs(x.std().item() - 1) < 0.05


def test_a_net_learns_two_heaps():
    """Thresholds from 20 seeds."""
    with seeded(0):
        net = mlp(2, 32, 32, 2)
        model = Drifting(net, (2,), tau=1.0)
        adam = torch.optim.Adam(net.parameters(), 5e-3)
        for _ in range(400):
            heap = torch.where(torch.rand(128) < 0.5, -1.0, 1.0)[:, None]
            adam.zero_grad()
            model.loss(heap + 0.3 * torch.randn(128, 2)).backward()
            adam.step()
        x = model.sample(2_000)
    heap = torch.where(x.sum(1) > 0, 1.0, -1.0)[:, None]
    assert abs(heap.mean().item()) < 0.12
    assert (x - heap).square().mean().sqrt() < 0.47  # of the data 0.3
    assert 0.94 < x.std().item() < 1.11  # of the data 1.04


def test_bad_input_is_refused(as_users_run_it):
    x, data = points(3, 3)
    for field in FIELDS:
        for tau in (0.0, -1.0, float("nan"), (0.5, 0.0)):
            with pytest.raises(ValueError, match="tau is"):
                field(x, data, tau=tau)
        with pytest.raises(ValueError, match="one tau or more"):
            field(x, data, tau=())
        with pytest.raises(ValueError, match="x has 1 rows"):
            field(x[:1], data, tau=1.0)
        assert field(x[:1], data, x, tau=1.0).shape == (1, 2)
        assert field(x[:2], data, tau=1.0).shape == (2, 2)
    net = nn.Identity()
    for wrong, text in [
        ({"tau": ()}, "tau is empty"),
        ({"tau": 0}, "tau is 0"),
        ({"tau": (1.0, -1.0)}, r"tau is -1\.0"),
        ({"event_shape": (0,)}, "a size of event_shape is 0"),
        ({"noise_shape": (0,)}, "a size of noise_shape is 0"),
        ({"condition": Labels(3, required=False)}, "may be left out"),
    ]:
        with pytest.raises(ValueError, match=text):
            Drifting(net, **({"event_shape": (2,), "tau": 1.0} | wrong))
    with pytest.raises(TypeError, match="condition is Like; expected Labels"):
        Drifting(net, (2,), tau=1.0, condition=Like((2,)))
    model = Drifting(net, (2,), tau=1.0)
    with pytest.raises(ValueError, match="at least 2 in train mode"):
        model.loss(torch.zeros(1, 2))
    with pytest.raises(ValueError, match="x has 1 rows"):
        model.eval().loss(torch.zeros(1, 2))
    assert model.surrogate and not model.exact and not hasattr(model, "log_prob")
