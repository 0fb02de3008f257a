"""Solvers against formulas, continuous flows against the autograd Jacobian."""

import math

import pytest
import torch
from torch import nn

from gmcourse import Labels, continuous, seeded, solvers
from gmcourse.continuous import (
    ContinuousFlow,
    ConvField,
    continuous_flow,
    solve_by_adjoint,
)
from gmcourse.dequantization import Dequantized
from gmcourse.flows import Flow
from gmcourse.glow import Logit, Probit

STEPS = {
    solvers.euler: 1,
    solvers.midpoint: 2,
    solvers.heun: 2,
    solvers.rk4: 4,
}


def values(*shape, seed=0):
    with seeded(seed):
        return torch.randn(*shape, dtype=torch.float64)


def shaken(flow, std=0.5):
    with seeded(1):
        for weight in flow.double().parameters():
            nn.init.normal_(weight, std=std)
    return flow


@pytest.mark.parametrize("step", STEPS)
def test_the_order_of_a_step(step):
    """The error falls by 2^order where the step is halved; dx/dt = x cos t."""

    def error(steps):
        x = torch.ones(1, dtype=torch.float64)
        (end,) = solvers.solve(
            lambda t, x: (x * math.cos(t),), (x,), end=2.0, steps=steps, step=step
        )
        return abs(end.item() - math.exp(math.sin(2.0)))

    order = math.log2(error(64) / error(128))
    assert order == pytest.approx(STEPS[step], abs=0.1)


@pytest.mark.parametrize("step", STEPS)
def test_what_a_step_of_its_order_gets_exactly(step):
    """A rate that is a polynomial of time below its order; two states at once."""
    k = STEPS[step] - 1
    x = torch.tensor([3.0, -1.0], dtype=torch.float64)
    state = solvers.solve(
        lambda t, x, y: (torch.full_like(x, (k + 1) * t**k), x * 0 + 2.0),
        (x, x),
        start=1.0,
        end=-2.0,
        steps=3,
        step=step,
    )
    torch.testing.assert_close(state[0], x + (-2.0) ** (k + 1) - 1)
    torch.testing.assert_close(state[1], x - 6)


def test_a_path_has_all_its_states():
    x = torch.zeros(1)
    way = list(solvers.path(lambda t, x: (torch.ones(1),), (x,), end=2.0, steps=4))
    assert [t for t, _ in way] == [0, 0.5, 1, 1.5, 2]
    torch.testing.assert_close(
        torch.cat([s for _, (s,) in way]), torch.tensor([0, 0.5, 1, 1.5, 2])
    )


def linear(matrix, probe=None, **how):
    """A flow whose velocity is a matrix times x."""
    field = nn.Linear(3, 3, bias=False).double()
    field.weight.data = matrix
    wrapped = nn.Module()
    wrapped.linear = field
    wrapped.forward = lambda x, t, c: field(x)
    return ContinuousFlow(wrapped, (3,), probe=probe, **how)


def test_a_linear_velocity_has_a_matrix_exponential():
    matrix, x = values(3, 3), values(7, 3, seed=1)
    z, log_det = linear(matrix, steps=200).to_latent(x)
    torch.testing.assert_close(z, x @ torch.linalg.matrix_exp(matrix).T)
    torch.testing.assert_close(log_det, matrix.trace().expand(7))


def test_a_field_is_told_the_time_and_has_its_layers():
    x = values(5, 2)
    one, three = (shaken(continuous_flow(2, width=7, depth=k)).field for k in (1, 3))
    sizes = [layer.out_features for layer in three.net if hasattr(layer, "weight")]
    assert sizes == [7, 7, 7, 2]
    assert not torch.allclose(one(x, 0.1), one(x, 0.9))


def test_hutchinson_is_a_form_of_the_jacobian_whose_gradient_flows():
    matrix, x, eps = values(6, 6), values(4, 2, 3).requires_grad_(), values(4, 2, 3)
    matrix.requires_grad_()
    found = continuous.hutchinson((x.flatten(1) @ matrix.T).view_as(x), x, eps)
    due = torch.einsum("bi,ij,bj->b", eps.flatten(1), matrix, eps.flatten(1))
    torch.testing.assert_close(found, due)
    (gradient,) = torch.autograd.grad(found.sum(), matrix)
    torch.testing.assert_close(gradient, eps.flatten(1).T @ eps.flatten(1))


def test_the_loss_without_noise_is_the_mean_of_log_prob():
    flow, x = shaken(continuous_flow(3, steps=6)), values(5, 3)
    torch.testing.assert_close(flow.loss(x), -flow.log_prob(x).mean())


def test_a_temperature_is_a_standard_deviation():
    still = linear(torch.zeros(3, 3, dtype=torch.float64), steps=1)
    with seeded(0):
        found = still.sample(20_000, temperature=2.0).std()
    assert found.item() == pytest.approx(2.0, rel=0.02)


def test_a_path_of_no_steps_is_refused():
    with pytest.raises(ValueError, match="steps is 0"):
        solvers.solve(lambda t, x: (x,), (torch.ones(1),), steps=0)


def test_the_divergence_is_the_trace_of_the_jacobian():
    flow, x = shaken(continuous_flow(4, width=9)), values(5, 4)
    x.requires_grad_()
    v = flow.field(x, 0.3)
    each = [
        torch.autograd.functional.jacobian(lambda r: flow.field(r[None], 0.3)[0], row)
        for row in x
    ]
    due = torch.stack([jac.trace() for jac in each])
    torch.testing.assert_close(continuous.divergence(v, x), due)


@pytest.mark.parametrize("shape", [(2,), (1, 2, 3)])
def test_log_det_inverse_and_estimate(shape):
    """Against slogdet of the Jacobian of the whole map."""
    d = math.prod(shape)
    inner = shaken(continuous_flow(d, width=8)).field

    class Field(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def forward(self, x, t, c):
            return self.inner(x.flatten(1), t).view_as(x)

    flow, x = ContinuousFlow(Field(), shape, steps=40), values(3, *shape)
    z, log_det = flow.to_latent(x)
    torch.testing.assert_close(flow.from_latent(z), x, atol=1e-6, rtol=0)
    for row, one in zip(x, log_det):
        jac = torch.autograd.functional.jacobian(
            lambda v: flow.to_latent(v[None])[0].flatten(), row
        )
        due = torch.linalg.slogdet(jac.view(d, d)).logabsdet
        torch.testing.assert_close(one, due, atol=1e-6, rtol=0)


def test_a_density_has_the_mass_one():
    flow = shaken(continuous_flow(2, width=8, steps=8))
    side = torch.linspace(-12, 12, 241, dtype=torch.float64)
    with torch.no_grad():
        mass = flow.log_prob(torch.cartesian_prod(side, side)).exp().sum()
    assert (mass * 0.1**2).item() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("probe", [continuous.normal, continuous.signs])
def test_the_estimate_is_unbiased_with_the_variance_of_its_noise(probe):
    """2 |S|² for normal noise, less twice the diagonal for signs, S symmetric."""
    matrix, n = values(3, 3), 40_000
    flow = linear(matrix, probe, steps=1, step=solvers.euler)
    x = torch.zeros(n, 3, dtype=torch.float64)
    with seeded(3):
        found = flow.estimate(x)
    normal = -1.5 * math.log(2 * math.pi)
    square = ((matrix + matrix.T) / 2).square()
    due = 2 * (square.sum() - (square.trace() if probe is continuous.signs else 0))
    error = (found.var() / n).sqrt()
    assert abs(found.mean() - normal - matrix.trace()) < 5 * error
    assert found.var().item() == pytest.approx(due.item(), rel=0.1)


def test_the_noise_given_is_the_noise_of_every_evaluation():
    matrix, x, eps = values(3, 3), values(5, 3), values(5, 3, seed=2)
    flow = linear(matrix, lambda x: eps, steps=3)
    z = flow.to_latent(x)[0]
    due = continuous.normal_log_prob(z) + torch.einsum("bi,ij,bj->b", eps, matrix, eps)
    torch.testing.assert_close(flow.estimate(x), due)


def test_one_noise_for_the_whole_path():
    calls = []

    def probe(x):
        calls.append(x)
        return continuous.signs(x)

    flow = shaken(continuous_flow(3, steps=5, probe=probe))
    flow.loss(values(4, 3))
    assert len(calls) == 1


def test_in_one_dimension_signs_are_exact():
    flow = shaken(continuous_flow(1, steps=6))
    x = values(9, 1)
    torch.testing.assert_close(flow.estimate(x), flow.log_prob(x))


def test_the_penalties_of_a_constant_and_of_a_linear_velocity():
    matrix, x = values(3, 3), values(6, 3, seed=1)
    plain = linear(matrix, continuous.signs, steps=1, step=solvers.euler)
    for name, due in {
        "kinetic": (x @ matrix.T).square().sum(1).mean(),
        "jacobian": None,
    }.items():
        more = linear(
            matrix, continuous.signs, steps=1, step=solvers.euler, **{name: 0.5}
        )
        with seeded(4):
            base = plain.loss(x)
        with seeded(4):
            added = more.loss(x) - base
        if due is None:
            with seeded(4):
                due = (continuous.signs(x) @ matrix).square().sum(1).mean()
        torch.testing.assert_close(added, 0.5 * due)


def test_the_loss_may_take_fewer_steps_than_the_density():
    fine, coarse = (shaken(continuous_flow(2, steps=n)) for n in (9, 2))
    both, x = shaken(continuous_flow(2, steps=9, loss_steps=2)), values(4, 2)
    torch.testing.assert_close(both.loss(x), coarse.loss(x), rtol=0, atol=0)
    torch.testing.assert_close(both.log_prob(x), fine.log_prob(x), rtol=0, atol=0)
    torch.testing.assert_close(fine.loss(x), -fine.log_prob(x).mean())
    assert abs(both.loss(x) - fine.loss(x)) > 1e-6
    with pytest.raises(TypeError, match="loss_steps"):
        continuous_flow(2, loss_steps=2.5)


def test_a_jacobian_without_noise_is_refused():
    with pytest.raises(ValueError, match="give a probe"):
        continuous_flow(2, jacobian=0.1)


def test_the_trajectory_goes_from_noise_to_data():
    flow, z = shaken(continuous_flow(2, steps=6)), values(3, 2)
    way = list(flow.trajectory(z))
    assert way[0][0] == 1 and way[-1][0] == pytest.approx(0)
    assert torch.equal(way[0][1], z)
    torch.testing.assert_close(way[-1][1], flow.from_latent(z))


def test_a_label_changes_the_velocity():
    flow = shaken(continuous_flow(2, condition=Labels(3)))
    x, c = values(4, 2), torch.tensor([0, 1, 2, 0])
    one = flow.log_prob(x[:1].expand(3, 2), torch.arange(3))
    assert len(one.unique()) == 3
    assert flow.log_prob(x, c).shape == (4,)


def rate(matrix):
    return lambda t, x, y: ((x @ matrix.T + t).tanh(), (x * y[:, None]).sum(1).sin())


def test_the_adjoint_gives_the_gradients_of_all_that_is_asked():
    matrix = values(2, 2, seed=2).requires_grad_()
    x, y = values(5, 2).requires_grad_(), values(5, seed=1).requires_grad_()
    weigh = values(5, 2, seed=3), values(5, seed=4)

    def gradients(out):
        total = sum((a * w).sum() for a, w in zip(out, weigh))
        return torch.autograd.grad(total, (x, y, matrix))

    how = {"start": 0.2, "end": 1.0, "steps": 60}
    through = gradients(solvers.solve(rate(matrix), (x, y), **how))
    adjoint = gradients(solve_by_adjoint(rate(matrix), (x, y), (matrix,), **how))
    torch.testing.assert_close(adjoint, through, atol=1e-6, rtol=1e-6)


def test_the_adjoint_keeps_nothing_of_the_way():
    matrix = values(2, 2, seed=2).requires_grad_()
    x, y = values(5, 2), values(5, seed=1)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda v: kept.append(v.numel()) or v, lambda v: v
    ):
        solve_by_adjoint(rate(matrix), (x, y), (matrix,), steps=50)
    assert sum(kept) == x.numel() + y.numel() + matrix.numel()


def test_the_velocity_of_an_image_is_convolved_and_told_the_time():
    """Against the same sums with the planes and squares written out."""
    field = shaken(ConvField((2, 4, 6), width=3, depth=2, classes=2))
    x = values(5, 2, 4, 6)
    c = torch.tensor([0, 1, 1, 0, 1])
    squares = x.view(5, 2, 2, 2, 3, 2).permute(0, 1, 3, 5, 2, 4).flatten(1, 3)
    planes = torch.zeros(5, 3, 2, 3, dtype=torch.float64)
    planes[:, 0] = 0.7
    planes[[0, 3], 1] = planes[[1, 2, 4], 2] = 1.0

    def layer(i, h):
        w = field.layers[i]
        return nn.functional.conv2d(torch.cat([h, planes], 1), w.weight, w.bias, 1, 1)

    h = (1 + (layer(0, squares) + field.place).exp()).log()
    h = layer(2, (1 + layer(1, h).exp()).log())
    due = h.view(5, 2, 2, 2, 2, 3).permute(0, 1, 4, 2, 5, 3).reshape(5, 2, 4, 6)
    torch.testing.assert_close(field(x, 0.7, c), due)


def test_a_field_of_images_is_still_at_first_and_smooth():
    assert not ConvField((1, 4, 4))(torch.randn(2, 1, 4, 4), 0.5).any()
    field, x = shaken(ConvField((1, 2, 2), width=4, side=1)), values(1, 1, 2, 2)
    assert torch.autograd.gradcheck(lambda x: field(x, 0.1), x.requires_grad_())
    assert torch.autograd.gradgradcheck(lambda x: field(x, 0.1), x)


def test_sizes_of_a_field_of_points():
    field = continuous_flow(2, width=5, depth=3, condition=Labels(4)).field
    sizes = [tuple(w.shape) for w in field.parameters() if w.ndim > 1]
    assert sizes == [(5, 7), (5, 5), (5, 5), (2, 5)]


def test_sizes_of_a_field_of_images():
    field = ConvField((3, 8, 4), width=5, depth=4, side=4)
    assert [layer.weight.shape[:2] for layer in field.layers] == [
        (5, 49),
        *[(5, 6)] * 3,
        (48, 6),
    ]
    assert field.place.shape == (5, 2, 1)
    for shape, side in (((1, 6, 4), 4), ((1, 4, 6), 4), ((4, 4), 2)):
        with pytest.raises(ValueError, match="multiples of side"):
            ConvField(shape, side=side)


def images(before=None, **how):
    field = shaken(ConvField((1, 4, 4), width=4, depth=1), 0.2)
    how = {"steps": 30, "probe": continuous.signs} | how
    return ContinuousFlow(field, (1, 4, 4), before=before, **how).double()


@pytest.mark.parametrize("before", [Logit(), Probit()])
def test_what_data_go_through_first_has_its_part_in_the_density(before):
    with seeded(2):
        x = torch.rand(3, 1, 4, 4, dtype=torch.float64)
    flow, plain = images(before), images()
    y, slope = before.to_latent(x)
    z, log_det = flow.to_latent(x)
    due, rest = plain.to_latent(y)
    torch.testing.assert_close((z, log_det), (due, rest + slope))
    torch.testing.assert_close(flow.log_prob(x), plain.log_prob(y) + slope)
    torch.testing.assert_close(flow.from_latent(z), x, atol=1e-5, rtol=0)
    *_, (_, last) = flow.trajectory(z)
    torch.testing.assert_close(last, flow.from_latent(z))
    for name in ("estimate", "loss"):
        with seeded(4):
            found = getattr(flow, name)(x)
        with seeded(4):
            due = getattr(plain, name)(y)
        more = slope if found.ndim else -slope.mean()
        torch.testing.assert_close(found, due + more)
    with seeded(5):
        drawn = flow.sample(2)
    with seeded(5):
        torch.testing.assert_close(drawn, before.from_latent(plain.sample(2)))


def test_the_bits_of_an_image_by_estimate_are_those_of_the_exact_bound():
    """In the mean over signs, where the noise in the cells is the same."""
    model = Dequantized(images(Logit(), steps=2))
    x = torch.arange(800 * 16).view(800, 1, 4, 4).remainder(256).to(torch.uint8)
    with seeded(6), torch.no_grad():
        exact = model.elbo(x)
    with seeded(6), torch.no_grad():
        off = model.estimate(x) - exact
    error = off.std() / len(x) ** 0.5
    assert abs(off.mean()) < 5 * error < 0.3 < off.std()
    # The same draws of the cells and of the signs: the loss is minus the estimate.
    with seeded(7):
        loss = model.loss(x[:9])
    with seeded(7):
        torch.testing.assert_close(loss, -model.estimate(x[:9]).mean())


def test_the_penalties_are_in_the_loss_of_pixels_as_well():
    x = torch.arange(32, dtype=torch.uint8).view(2, 1, 4, 4)
    found = []
    for weight in (0.0, 0.5):
        model = Dequantized(images(Logit(), steps=2, kinetic=weight))
        with seeded(8):
            found.append(model.loss(x))
    with seeded(8):
        u, _ = model.cell(x)
        eps = continuous.signs((x + u) / 256)
    energy = model.flow._carried((x + u) / 256, None, eps)[2]
    torch.testing.assert_close(found[1] - found[0], 0.5 * energy.mean())


def test_the_loss_of_pixels_by_a_flow_of_layers_is_minus_its_bound():
    model = Dequantized(Flow(Logit(), event_shape=(2,))).double()
    x = torch.tensor([[3, 200]], dtype=torch.uint8)
    with seeded(9):
        loss = model.loss(x)
    with seeded(9):
        torch.testing.assert_close(loss, -model.elbo(x).mean())
