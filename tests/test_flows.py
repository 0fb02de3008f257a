"""Flows against the autograd Jacobian, against integrals, and against zuko."""

import math

import pytest
import torch
from torch import nn

from gmcourse import GenerativeModel, Labels, seeded
from gmcourse.autoregressive_flows import Conditionals, MaskedNet, masked_flow
from gmcourse.dequantization import Dequantized, level
from gmcourse.flows import (
    Bijection,
    Chain,
    Coupling,
    Flow,
    Inverse,
    Permute,
    Told,
    coupling_flow,
)
from gmcourse.glow import (
    ActNorm,
    AtHalfSize,
    CouplingNet,
    Logit,
    Mix,
    OnHalf,
    Probit,
    glow,
)
from gmcourse.likelihoods import Categorical
from gmcourse.monotone import (
    Affine,
    Monotone,
    PiecewiseLinear,
    RationalQuadratic,
    Shift,
)
from gmcourse.multiscale import GridNet, multiscale_flow
from gmcourse.nets import WithLabel, count_parameters, mlp
from gmcourse.pixels import PixelCNN, RowCNN
from gmcourse.planar import Planar

SPLINE = RationalQuadratic(4, bound=3.0)


def coupling(transform, d=5, flip=False):
    half = d // 2
    net = mlp(half, 16, transform.per_value * (d - half))
    return Coupling(net, transform, flip)


def conditionals(transform, d=5):
    return Conditionals(MaskedNet(d, transform.per_value, width=16), transform)


def rowcnn_of_levels():
    how = {"embedding": 3, "levels": 256, "width": 4, "depth": 2, "hidden": 6}
    return Conditionals(RowCNN((1, 4, 4), UNIT, **how), UNIT, seen=level)


def coupling_of_levels(flip=False):
    net = GridNet(1, UNIT.per_value, (4, 4), width=4, depth=2, embedding=3)
    return Coupling(net, UNIT, flip, seen=level)


def multiscale():
    how = {"sizes": 1, "width": 4, "depth": 1, "hidden": 6}
    return multiscale_flow((1, 4, 4), UNIT, **how).chain.parts[0]


def pixelcnn(transform):
    net = PixelCNN((1, 4, 4), transform, width=6, depth=2, reach=1, head=6)
    return Conditionals(net, transform)


VECTORS = {
    "shift": lambda: coupling(Shift()),
    "affine": lambda: coupling(Affine()),
    "affine, the last half stays": lambda: coupling(Affine(), flip=True),
    "spline": lambda: coupling(SPLINE),
    "masked affine": lambda: conditionals(Affine()),
    "masked spline": lambda: conditionals(SPLINE),
    "inverse of a masked map": lambda: Inverse(conditionals(Affine())),
    "permute": lambda: Permute([2, 0, 1, 4, 3]),
    "planar": lambda: Planar(5),
    "actnorm": lambda: ActNorm(5),
    "mix": lambda: Mix(5),
    "chain": lambda: Chain(Mix(5), coupling(Affine()), Permute(range(5)[::-1])),
}
IMAGES = {
    "actnorm of an image": lambda: ActNorm(3),
    "mix of an image": lambda: Mix(3),
    "at half size": lambda: AtHalfSize(Mix(12), coupling_of_images(12)),
    "on half": lambda: OnHalf(Mix(2), ActNorm(2)),
    "logit": lambda: Logit(0.1),
    "probit": Probit,
    "unit spline": lambda: pixelcnn(UNIT),
    "unit lines": lambda: pixelcnn(PiecewiseLinear(5)),
    "row cnn of levels": rowcnn_of_levels,
    "coupling of levels": coupling_of_levels,
    "multiscale": multiscale,
}
UNIT = RationalQuadratic(4, None)
OF_LEVELS = {"row cnn of levels": 1, "coupling of levels": 2, "multiscale": 1}
IN_UNIT = "logit", "probit", "unit spline", "unit lines", *OF_LEVELS


def points_for(name, n, wide):
    """Points that a part takes: some of them far out, or between 0 and 1.

    Where nets see levels, none is at the edge of a cell: it would come back beyond it.
    """
    channels = OF_LEVELS.get(name, 1 if name in ("unit spline", "unit lines") else 3)
    x = wide(n, *((channels, 4, 4) if name in IMAGES else (5,)))
    x = x.sigmoid() if name in IN_UNIT else x
    if name in OF_LEVELS:
        x = ((256 * x).floor().clamp(max=255) + 0.05 + 0.9 * torch.rand_like(x)) / 256
    return x


def coupling_of_images(channels):
    half = channels // 2
    return Coupling(CouplingNet(half, 2 * (channels - half), width=8), Affine())


def shaken(part, std=0.3):
    """The part with weights of some size, in double precision."""
    part = part.double().eval()
    for weight in part.parameters():
        nn.init.normal_(weight, std=std)
    return part


def jacobian(part, x):
    """``dz/dx`` of each row, ``(b, d, d)``."""
    total = lambda x: part.to_latent(x)[0].flatten(1).sum(0)  # noqa: E731
    found = torch.autograd.functional.jacobian(total, x)  # (d, b, ...)
    return found.flatten(2).transpose(0, 1)


@pytest.fixture(params=[*VECTORS, *IMAGES])
def part(request):
    with seeded(0):
        make = {**VECTORS, **IMAGES}[request.param]
        part = shaken(make())
        return part, points_for(
            request.param, 300, lambda *shape: 2 * torch.randn(*shape).double()
        )


def test_the_log_determinant_is_that_of_the_jacobian(part):
    part, x = part
    due = torch.linalg.slogdet(jacobian(part, x[:20])).logabsdet
    torch.testing.assert_close(part.to_latent(x[:20])[1], due, rtol=0, atol=1e-8)


def test_the_inverse(part):
    part, x = part
    back = part.from_latent(part.to_latent(x)[0])
    torch.testing.assert_close(back, x, rtol=0, atol=1e-10)


def test_the_inverse_the_other_way_round(part):
    part, x = part
    z = part.to_latent(x)[0].detach()
    torch.testing.assert_close(part.to_latent(part.from_latent(z))[0], z)


@pytest.mark.parametrize("name", [*VECTORS, *IMAGES])
def test_the_inverse_in_single_precision_and_far_out(name):
    with seeded(1):
        part = shaken({**VECTORS, **IMAGES}[name](), 0.1).float()
        wide = torch.distributions.StudentT(2.0)
        x = points_for(name, 10_000, lambda *shape: wide.sample(shape).clamp(-10, 10))
    back = part.from_latent(part.to_latent(x)[0])
    scale = x.abs().clamp(min=1)
    assert ((back - x).abs() / scale).max() < 1e-4


@pytest.mark.parametrize(
    "transform", [Shift(), Affine(), SPLINE], ids=["shift", "affine", "spline"]
)
def test_with_parameters_of_zero_nothing_moves(transform):
    x = 3 * torch.randn(50, 4, dtype=torch.float64)
    params = torch.zeros(50, transform.per_value, 4, dtype=torch.float64)
    z, slopes = transform.to_latent(x, params)
    torch.testing.assert_close(z, x, rtol=0, atol=1e-12)
    torch.testing.assert_close(slopes, torch.zeros_like(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [coupling_flow, masked_flow])
def test_a_flow_begins_as_the_identity_up_to_the_order(make):
    x = torch.randn(20, 3)
    z, log_det = make(3, SPLINE, layers=2).to_latent(x)
    torch.testing.assert_close(z, x)
    torch.testing.assert_close(log_det, torch.zeros(20), rtol=0, atol=1e-5)


def test_halves_of_couplings_take_turns():
    with seeded(15):
        flow, x = (
            shaken(coupling_flow(4, layers=2, width=8)),
            torch.randn(6, 4).double(),
        )
    first, both = flow.chain.parts[0].to_latent(x)[0], flow.to_latent(x)[0]
    assert torch.equal(first[:, :2], x[:, :2]) and (first[:, 2:] != x[:, 2:]).all()
    assert torch.equal(both[:, 2:], first[:, 2:]) and (both[:, :2] != x[:, :2]).all()


def test_values_are_turned_round_between_masked_maps():
    """One map is triangular; after two each value has met every other."""
    with seeded(16):
        flows = [shaken(masked_flow(4, layers=n, width=16)) for n in (1, 2)]
        x = torch.randn(3, 4, dtype=torch.float64)
    one, two = (jacobian(flow.chain, x) for flow in flows)
    assert not one.flip(1).triu(1).any() and (one.flip(1).tril() != 0).sum() == 30
    assert (two != 0).all()


def test_an_inverse_masked_flow_draws_as_the_other_measures():
    there, back = masked_flow(4, layers=1), masked_flow(4, layers=1, inverse=True)
    shaken(there)
    shaken(back)
    for mine, theirs in zip(there.parameters(), back.parameters()):
        theirs.data.copy_(mine)
    x = torch.randn(5, 4, dtype=torch.float64)
    z, log_det = there.to_latent(x)
    drawn = back.from_latent(x.flip(1))  # z is turned round, and x is not
    torch.testing.assert_close(drawn.flip(1), z)
    torch.testing.assert_close(back.to_latent(drawn)[1], -log_det)


FLOWS = {
    "coupling, affine": lambda: coupling_flow(2, width=16),
    "coupling, spline": lambda: coupling_flow(2, SPLINE, width=16),
    "masked, affine": lambda: masked_flow(2, width=16),
    "masked, spline": lambda: masked_flow(2, SPLINE, width=16),
    "inverse masked": lambda: masked_flow(2, width=16, inverse=True),
    "planar": lambda: Flow(*[Planar(2) for _ in range(4)], event_shape=(2,)),
    "mixed": lambda: Flow(ActNorm(2), Mix(2), coupling(Affine(), 2), event_shape=(2,)),
}


@pytest.mark.parametrize("name", FLOWS)
def test_a_density_integrates_to_one(name):
    with seeded(2):
        flow = shaken(FLOWS[name](), 0.2)
    n, reach = 1_200, 24.0
    at = (torch.arange(n, dtype=torch.float64) + 0.5) / n * 2 * reach - reach
    with torch.no_grad():
        total = sum(
            flow.log_prob(rows).exp().sum()
            for rows in torch.cartesian_prod(at, at).split(200_000)
        )
    assert abs(float(total) * (2 * reach / n) ** 2 - 1) < 1e-3


def test_pieces_of_the_spline_join_smoothly():
    with seeded(3):
        params = torch.randn(1, SPLINE.per_value, 1, dtype=torch.float64) * 2
    x = torch.linspace(-4, 4, 200_001, dtype=torch.float64)[:, None]
    z, slopes = SPLINE.to_latent(x, params.expand(len(x), -1, -1))
    step = (x[1] - x[0]).item()
    assert (z.diff(dim=0) > 0).all()
    steep = slopes.exp().max()
    assert z.diff(dim=0).max() < 1.01 * step * steep
    # A jump of the slope would stand out: it moves by a step times the curvature.
    assert slopes.exp().diff(dim=0).abs().max() < 0.01 * steep
    outside = x.abs() >= 3
    assert torch.equal(z[outside], x[outside]) and not slopes[outside].any()


def test_beyond_the_ends_a_spline_is_the_identity_to_the_bit():
    """In single precision too, where the last piece ends a little off the bound."""
    with seeded(17):
        params = 2 * torch.randn(1_000, SPLINE.per_value, 2)
    x = torch.tensor([-3.5, 3.0]).expand(1_000, 2)
    z, slopes = SPLINE.to_latent(x, params)
    assert torch.equal(z, x) and not slopes.any()
    assert torch.equal(SPLINE.from_latent(x, params), x)


def test_the_spline_and_its_inverse_where_pieces_meet():
    with seeded(4):
        params = torch.randn(1, SPLINE.per_value, 1, dtype=torch.float64)
    sizes = params[0, :8, 0].view(2, 4).softmax(1)
    ends = 6 * (1e-3 + (1 - 4e-3) * sizes).cumsum(1) - 3  # of x, and of z
    x, z = torch.tensor([[-3.0]]).double(), torch.tensor([[-3.0]]).double()
    x = torch.cat([x, ends[0, :, None]])
    z = torch.cat([z, ends[1, :, None]])
    params = params.expand(5, -1, -1)
    torch.testing.assert_close(SPLINE.to_latent(x, params)[0], z)
    torch.testing.assert_close(SPLINE.from_latent(z, params), x)


def spline_of_zuko(spline, params):
    """Its transform of ``(b, d)`` values, with our parameters ``(b, per_value, d)``."""
    zuko, k = pytest.importorskip("zuko"), spline.bins
    sizes = params[:, : 2 * k].unflatten(1, (2, k)).softmax(2)
    sizes = spline.least + (1 - k * spline.least) * sizes
    slopes = spline.least + nn.functional.softplus(params[:, 2 * k :] + spline._one)
    # It bends what it is given, v to v / (1 + |v| / 690) and sizes twice as much.
    raw = [_unbent(v.log(), r).mT for v, r in ((sizes, 345), (slopes, 690))]
    how = {"bound": spline.high, "slope": math.exp(-690)}
    return zuko.transforms.MonotonicRQSTransform(*raw[0].unbind(1), raw[1], **how)


def affine_of_zuko(_, params):
    """The same, with the limit 3 of ours."""
    zuko = pytest.importorskip("zuko")
    shift, raw = params.unbind(1)
    log_scale = -3 * (raw / 3).tanh()
    how = _unbent(log_scale, 690), math.exp(-690)
    return zuko.transforms.MonotonicAffineTransform(-shift * log_scale.exp(), *how)


def test_the_spline_is_that_of_zuko():
    spline = RationalQuadratic(6, bound=4.0)
    with seeded(5):
        params = torch.randn(100, spline.per_value, 2, dtype=torch.float64)
        x = 3 * torch.randn(100, 2, dtype=torch.float64)
    z, slope = spline_of_zuko(spline, params).call_and_ladj(x)
    mine, log_slope = spline.to_latent(x, params)
    torch.testing.assert_close(mine, z)
    torch.testing.assert_close(log_slope, slope)


@pytest.mark.parametrize("kind", ["couplings", "masked"])
@pytest.mark.parametrize("name", ["affine", "spline"])
def test_a_flow_is_that_of_zuko_with_the_same_weights(kind, name):
    zuko = pytest.importorskip("zuko")
    transform, theirs_of, d, parts = Affine(), affine_of_zuko, 5, []
    if name == "spline":
        transform, theirs_of = SPLINE, spline_of_zuko
    with seeded(19):
        make = coupling_flow if kind == "couplings" else masked_flow
        flow = shaken(make(d, transform, layers=3, width=16))
        x, z = torch.randn(2, 50, d, dtype=torch.float64)

    def moved_by(net):
        """What zuko asks for: a transform of all values, given those that steer."""

        def meta(x):
            params = net(x).unflatten(1, (transform.per_value, -1))
            return zuko.transforms.DependentTransform(theirs_of(transform, params), 1)

        return meta

    for part in flow.chain.parts:
        if isinstance(part, Coupling):
            stay = torch.arange(d) >= 3 if part.flip else torch.arange(d) < 2
            there = zuko.transforms.CouplingTransform(moved_by(part.net), stay)
        elif isinstance(part, Permute):
            there = zuko.transforms.PermutationTransform(part.order)
        else:
            sizes, out = [16, 16], transform.per_value * d
            net = zuko.nn.MLP(d, out, sizes, activation=nn.SiLU).double()
            for i, layer in enumerate(part.net.layers):
                mask = getattr(part.net, f"mask{i}")
                net[2 * i].weight.data = layer.weight.data * mask
                net[2 * i].bias.data = layer.bias.data
            there = zuko.transforms.AutoregressiveTransform(moved_by(net), passes=d)
        parts.append(there)
    whole = zuko.transforms.ComposedTransform(*parts)
    base = zuko.distributions.DiagNormal(torch.zeros(d).double(), torch.ones(d))
    theirs = zuko.distributions.NormalizingFlow(whole, base)
    torch.testing.assert_close(flow.log_prob(x), theirs.log_prob(x))
    torch.testing.assert_close(flow.from_latent(z), whole.inv(z))


def _unbent(y, reach):
    return y / (1 - y.abs() / reach)


def test_a_masked_flow_draws_what_it_measures():
    with seeded(6):
        flow = shaken(masked_flow(4, condition=Labels(3), width=9))
        z = torch.randn(50, 4, dtype=torch.float64)
        c = torch.randint(3, (50,))
    torch.testing.assert_close(flow.to_latent(flow.from_latent(z, c), c)[0], z)


@pytest.mark.parametrize(("d", "width"), [(1, 4), (2, 5), (5, 3), (6, 16)])
def test_the_steps_of_a_masked_net_are_its_params(d, width):
    with seeded(7):
        net = shaken(MaskedNet(d, 3, width=width, depth=3, classes=2), 1.0)
        x, c = torch.randn(8, d, dtype=torch.float64), torch.randint(2, (8,))
    every = net.params(x, c).view(8, 3, d)
    given = x.clone()
    given[:, -1] = torch.nan  # nothing looks at the last value
    seen = []
    for place, params in net.steps(given, c):
        seen.append(place)
        torch.testing.assert_close(params, every[:, :, place])
    assert seen == list(range(d))


def test_an_autoregressive_model_of_images_is_a_flow():
    with seeded(8):
        part = shaken(pixelcnn(SPLINE))
        x = torch.randn(6, 1, 4, 4, dtype=torch.float64)
    z, log_det = part.to_latent(x)
    due = torch.linalg.slogdet(jacobian(part, x)).logabsdet
    torch.testing.assert_close(log_det, due, rtol=0, atol=1e-8)
    torch.testing.assert_close(part.from_latent(z), x, rtol=0, atol=1e-10)


def test_a_planar_map_is_invertible_whatever_its_weights():
    part = Planar(2).double()
    with torch.no_grad():
        part.w.copy_(torch.tensor([3.0, -4.0]))
        part.u.copy_(torch.tensor([-0.6, 0.8]))  # uᵀw = -5
    assert part.push()[1] > -1
    x = torch.randn(1_000, 2, dtype=torch.float64)
    assert part.to_latent(x)[1].isfinite().all()
    torch.testing.assert_close(part.from_latent(part.to_latent(x)[0]), x)


def test_actnorm_sets_itself_by_the_first_batch_in_train_mode():
    part = ActNorm(3)
    x = torch.randn(64, 3, 5, 5) * torch.tensor([1.0, 5.0, 0.1])[:, None, None] + 7
    part.eval().to_latent(x)
    assert not part.ready
    z, _ = part.train().to_latent(x)
    values = z.transpose(0, 1).flatten(1)
    torch.testing.assert_close(values.mean(1), torch.zeros(3), rtol=0, atol=1e-4)
    torch.testing.assert_close(values.std(1, correction=0), torch.ones(3))
    assert part.ready
    assert part.to_latent(x + 100)[0].mean() > 10  # not set by a second one
    torch.testing.assert_close(part.to_latent(x)[0], z)


def test_a_mix_begins_as_a_rotation():
    x = torch.randn(20, 6)
    z, log_det = Mix(6).to_latent(x)
    torch.testing.assert_close(z.norm(dim=1), x.norm(dim=1))
    torch.testing.assert_close(log_det, torch.zeros(20), rtol=0, atol=1e-5)


def test_what_is_done_early_stays():
    x = torch.randn(4, 5, 2, 2)
    z, _ = OnHalf(Mix(3)).to_latent(x)
    assert torch.equal(z[:, :2], x[:, :2]) and not torch.equal(z[:, 2:], x[:, 2:])


def test_a_condition_reaches_every_part():
    net = WithLabel(mlp(2 + 3, 8, 4), 3)
    with seeded(9):
        flow = Flow(Coupling(net, Affine()), event_shape=(4,), condition=Labels(3))
        x, c = torch.randn(30, 4), torch.arange(30) % 3
    other = (c + 1) % 3
    assert not torch.equal(flow.log_prob(x, c), flow.log_prob(x, other))
    z, _ = flow.to_latent(x, c)
    torch.testing.assert_close(flow.from_latent(z, c), x)


def test_a_net_of_couplings_adds_the_label_to_its_first_layer():
    net = shaken(CouplingNet(2, 4, 8, classes=3))
    x, c = torch.randn(3, 2, 4, 4, dtype=torch.float64), torch.arange(3)
    h = nn.functional.silu(net.first(x) + net.label(c)[:, :, None, None])
    torch.testing.assert_close(net(x, c), net.last(nn.functional.silu(net.inner(h))))
    assert not torch.allclose(net(x, c), net(x, c.flip(0)))


def test_a_net_of_couplings_sees_an_image_at_its_own_size():
    """A square of the image becomes the channels of one place."""
    net = shaken(CouplingNet(2, 4, 8, beside=12))
    x = torch.randn(1, 2, 5, 5, dtype=torch.float64)
    image = torch.randn(1, 3, 10, 10, dtype=torch.float64)
    total = lambda image: net(x, image)[0, :, 1, 1].sum()  # noqa: E731
    slope = torch.autograd.functional.jacobian(total, image)[0]
    seen = (slope != 0).all(0)
    # Two 3x3 convolutions reach two places far, which are squares of four pixels.
    assert seen[:8, :8].all() and seen.sum() == 64
    assert net(x, image).shape == (1, 4, 5, 5)


def test_values_are_moved_as_the_condition_says():
    with seeded(12):
        part = shaken(Told(nn.Linear(3, 8), Affine()))
        x, c = torch.randn(2, 4, dtype=torch.float64), torch.randn(2, 3).double()
    z, log_det = part.to_latent(x, c)
    shift, raw = part.net(c).chunk(2, 1)
    log_scale = 3 * (raw / 3).tanh()
    torch.testing.assert_close(z, (x - shift) * (-log_scale).exp())
    torch.testing.assert_close(log_det, -log_scale.sum(1))
    torch.testing.assert_close(part.from_latent(z, c), x)


@pytest.mark.parametrize("transform", [UNIT, PiecewiseLinear(8)])
def test_the_unit_spline_is_a_distribution_function(transform):
    with seeded(13):
        params = torch.randn(1, transform.per_value, 1, dtype=torch.float64)
    x = ((torch.arange(100_000) + 0.5) / 100_000).double()[:, None]
    every = params.expand(len(x), -1, -1)
    z, slopes = transform.to_latent(x, every)
    torch.testing.assert_close(slopes.exp().mean(), torch.tensor(1.0).double())
    ends, both = torch.tensor([[0.0], [1.0]]).double(), params.expand(2, -1, -1)
    torch.testing.assert_close(transform.to_latent(ends, both)[0], ends)
    torch.testing.assert_close(transform.from_latent(ends, both), ends)
    torch.testing.assert_close(transform.from_latent(z, every), x)


def test_a_histogram_is_the_density_of_straight_pieces():
    shares = torch.tensor([0.1, 0.6, 0.3], dtype=torch.float64)
    x = torch.tensor([[0.1, 0.4, 0.5, 0.9]], dtype=torch.float64)
    params = shares.log()[None, :, None].expand(1, 3, 4) + 2.0
    z, slopes = PiecewiseLinear(3).to_latent(x, params)
    due = torch.tensor([[0.03, 0.1 + 0.6 * 0.2, 0.1 + 0.6 * 0.5, 0.7 + 0.3 * 0.7]])
    torch.testing.assert_close(z, due.double())
    torch.testing.assert_close(slopes.exp(), 3 * shares[None, [0, 1, 1, 2]])
    z, slopes = PiecewiseLinear(3).to_latent(x, 0 * params)
    torch.testing.assert_close(z, x)
    torch.testing.assert_close(slopes, 0 * x)


def test_a_pixelcnn_of_levels_is_a_flow_without_a_gap():
    """Whatever the noise within the cell: the bound is the probability itself."""
    with seeded(18):
        how = {"embedding": 3, "width": 4, "depth": 2, "hidden": 6}
        net = shaken(RowCNN((1, 4, 4), Categorical(256), **how), 0.5)
        maps = Conditionals(net, PiecewiseLinear(256), seen=level)
        flow = Dequantized(Flow(maps, Probit(), event_shape=(1, 4, 4))).double()
        x = torch.randint(256, (8, 1, 4, 4), dtype=torch.uint8)
    for _ in range(2):
        torch.testing.assert_close(flow.elbo(x), net.log_prob(x.double() / 255))


def cells(n, channels=1, low=0, high=256):
    """Levels of images, and two dequantizations of them."""
    x = torch.randint(low, high, (n, channels, 4, 4)).double()
    return x, *((x + 0.98 * torch.rand_like(x) + 0.01) / 256 for _ in range(2))


def test_the_level_of_a_value_is_that_of_its_cell():
    x, y, _ = cells(300)
    for values in (y, y.float(), x / 256, (x / 256).float()):
        torch.testing.assert_close(255 * level(values), x.to(values))
    ends = torch.tensor([-0.1, 0.0, 1.0, 1.1])
    assert level(ends).tolist() == [0, 0, 1, 1]
    assert level(torch.tensor([0.2, 0.34, 0.9]), 3).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("name", OF_LEVELS)
def test_what_sees_levels_does_not_see_the_noise_within_them(name):
    with seeded(15):
        part = shaken(IMAGES[name](), 0.5)
        _, y, other = cells(40, OF_LEVELS[name])
    z, _ = part.to_latent(y)
    # One value moves within its cell: its own z moves, and no other.
    one = y.clone()
    one[:, 0, 0, 0] = other[:, 0, 0, 0]
    moved = part.to_latent(one)[0] != z
    own = torch.zeros_like(moved)
    own[:, 0, 0, 0] = True
    assert (moved <= own).all() and moved.any()
    # All others move within theirs: nothing happens to the last.
    every = other.clone()
    every[..., -1, -1] = y[..., -1, -1]
    assert torch.equal(part.to_latent(every)[0][..., -1, -1], z[..., -1, -1])
    one[:, 0, 0, 0] = (y[:, 0, 0, 0] + 0.5) % 1
    assert (part.to_latent(one)[0] != z).flatten(1).sum(1).max() > 1


def test_the_mass_of_a_cell_is_known_where_nets_see_levels():
    """From the two ends of each cell, and by the noise: the bound tightens to it."""
    with seeded(16):
        maps = shaken(multiscale(), 0.3)
        model = Dequantized(Flow(maps, Probit(), event_shape=(1, 4, 4))).double()
        x = torch.randint(256, (3, 1, 4, 4), dtype=torch.uint8)
        tight = model.iw_bound(x, k=3_000)
    low, high = (maps.to_latent((x.double() + u) / 256)[0] for u in (0.0, 1 - 1e-9))
    mass = (high - low).log().flatten(1).sum(1)
    torch.testing.assert_close(tight, mass, rtol=0, atol=0.1)


def test_a_grid_net_sees_neighbors_and_all_places():
    with seeded(19):
        net = GridNet(1, 1, (6, 6), width=8, depth=1, embedding=2)
        x = torch.rand(1, 1, 6, 6, dtype=torch.float64)
        assert not net(x.float()).any()  # 0 at first
        net = shaken(net, 0.5)
    other = x.clone()
    other[..., 0, 0] = (x[..., 0, 0] + 0.5) % 1
    moved = lambda: (net(x) != net(other))[0, 0]  # noqa: E731
    assert moved()[3:, 3:].any()
    nn.init.zeros_(net.far[0].weight)
    assert moved()[2, :3].any() and not moved()[3:].any() and not moved()[:, 3:].any()
    nn.init.zeros_(net.near[0].weight)
    assert moved()[:2, :2].any() and not moved()[2:].any()
    before = net(x)
    with torch.no_grad():
        net.place[:, 4, 3] += 1
    assert (net(x) != before)[0, 0].nonzero().tolist() == [[4, 3]]
    assert net.values.weight.requires_grad


def test_of_several_sizes_the_coarse_ones_go_first():
    """When a pixel changes, only those move whose turn is later, and itself."""
    turns = torch.tensor([[2, 3], [3, 1]]).tile(2, 2)  # the last turn is the finest
    turns[1::2, 1::2] = torch.tensor([[0, 1], [1, -1]])
    with seeded(17):
        how = {"sizes": 2, "width": 4, "depth": 2, "hidden": 6}
        flow = shaken(multiscale_flow((1, 4, 4), UNIT, **how), 0.5)
        _, y, _ = cells(30, low=30, high=200)
    z = flow.to_latent(y)[0]
    for i in range(4):
        for j in range(4):
            other = y.clone()
            other[..., i, j] += 50 / 256
            moved = (flow.to_latent(other)[0] != z).any(0)[0]
            later = turns > turns[i, j]
            later[i, j] = True
            assert torch.equal(moved, later)
            assert (flow.to_latent(other)[0] > z)[..., i, j].all()


def test_colder_draws_are_closer_to_the_middle():
    flow = coupling_flow(2)
    with seeded(0):
        wide = flow.sample(2_000)
    with seeded(0):
        near = flow.sample(2_000, temperature=0.5)
    torch.testing.assert_close(near, wide / 2)


class Squashed(Bijection):
    """A density of one value in [0, 1]: the logistic of a normal value, shifted."""

    def __init__(self, shift):
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(shift))

    def to_latent(self, x, c=None):
        slope = -x.log() - (-x).log1p()
        return x.logit() - self.shift, slope.flatten(1).sum(1)

    def from_latent(self, z, c=None):
        return (z + self.shift).sigmoid()


def test_noise_in_the_cell_bounds_its_mass():
    with seeded(10):
        flow = Flow(Squashed(-4.0), event_shape=(1,)).double()
        model = Dequantized(flow).double()
        x = torch.tensor([[0], [3], [40]], dtype=torch.uint8)
        draws = torch.stack([model.elbo(x) for _ in range(4_000)])
        tight = torch.stack([model.iw_bound(x, k=50) for _ in range(200)])
    ends = torch.tensor([[0, 1], [3, 4], [40, 41]]).double() / 256
    mass = torch.special.ndtr(ends.logit() + 4.0).diff(dim=1)[:, 0].log()
    gap = mass - draws.mean(0)
    error = draws.std(0) / 4_000**0.5
    assert (gap > -4 * error).all() and gap[0] > 5 * error[0]
    # Five standard errors of a mean of these; the first cell is steep.
    assert ((tight.mean(0) - mass).abs() < torch.tensor([2e-2, 3e-3, 3e-3])).all()


def test_learned_noise_bounds_the_same_mass():
    """Whatever the noise, its bound tightens to the mass of the cell."""
    with seeded(14):
        noise = shaken(Told(nn.Linear(1, 2), Affine()), 0.2)
        with torch.no_grad():  # wide, so that no part of the cell is seldom met
            noise.net.bias.copy_(torch.tensor([0.2, -1.0]))
        flow = Flow(Squashed(-4.0), event_shape=(1,))
        model = Dequantized(flow, noise).double()
        x = torch.tensor([[0], [40]], dtype=torch.uint8)
        draws = torch.stack([model.elbo(x) for _ in range(2_000)])
        tight = torch.stack([model.iw_bound(x, k=200) for _ in range(100)])
    ends = torch.tensor([[0, 1], [40, 41]]).double() / 256
    mass = torch.special.ndtr(ends.logit() + 4.0).diff(dim=1)[:, 0].log()
    assert (draws.mean(0) < mass).all()
    torch.testing.assert_close(tight.mean(0), mass, rtol=0, atol=5e-3)


def test_learned_noise_is_a_density_in_the_cell():
    """The mean of 1 / q over draws is the width of the cell, which is 1."""
    with seeded(11):
        net = WithImage(3)
        noise = Coupling(net, Affine())
        flow = Flow(Logit(), event_shape=(2,))
        model = Dequantized(flow, noise).double()
        nn.init.normal_(net.layer.weight, std=0.3)
        x = torch.randint(256, (1, 2), dtype=torch.uint8).expand(100_000, -1)
        u, log_q = model.cell(x)
    assert (u > 0).all() and (u < 1).all()
    share = (-log_q).exp()
    assert abs(share.mean() - 1) < 6 * share.std() / len(x) ** 0.5
    assert share.std() > 0.01


class WithImage(nn.Module):
    def __init__(self, into):
        super().__init__()
        self.layer = nn.Linear(into, 2)

    def forward(self, x, c):
        return self.layer(torch.cat([x, c], 1))


def test_samples_of_pixels_are_pixels():
    model = Dequantized(glow((1, 8, 8), width=8, steps=1))
    x = model.sample(3)
    assert x.dtype == torch.uint8 and x.shape == (3, 1, 8, 8)
    assert len(x.unique()) > 20


def test_a_draw_becomes_the_level_in_whose_cell_it_lies():
    """What lies beyond 0 to 1 becomes the first level or the last."""
    density = Flow(Permute([1, 0]), event_shape=(2,))
    with seeded(18):
        y = density.sample(1_000)
    with seeded(18):
        x = Dequantized(density).sample(1_000).float()
    inside = (y > 0) & (y < 1)
    assert inside.sum() > 500
    assert ((x <= 256 * y) & (256 * y < x + 1))[inside].all()
    assert not x[y <= 0].any() and (x[y >= 1] == 255).all()


def test_uniform_noise_stays_in_its_cell():
    model = Dequantized(Flow(ActNorm(1), event_shape=(1, 100)))
    for kind in torch.float32, torch.float64:
        x = torch.full((1_000, 1, 100), 255, dtype=torch.uint8)
        u, log_q = model.to(kind).cell(x)
        assert u.dtype == kind and not log_q.any()
        assert (u > 0).all() and ((x + u) / 256 < 1).all()
        assert abs(u.mean() - 0.5) < 0.01 and abs(u.std() - 12**-0.5) < 0.01


def test_bits_of_a_uniform_density_are_eight():
    model = Dequantized(Flow(Probit(), event_shape=(1, 4, 4))).double()
    x = torch.randint(256, (5, 1, 4, 4), dtype=torch.uint8)
    bits = -model.elbo(x) / (16 * math.log(2))
    torch.testing.assert_close(bits.float(), torch.full((5,), 8.0))


def test_learned_noise_sees_the_image_from_minus_one_to_one():
    seen = []

    class Seen(Permute):
        def to_latent(self, x, c=None):
            seen.append(c)
            return super().to_latent(x)

    model = Dequantized(Flow(ActNorm(2), event_shape=(2,)), Seen([0, 1]))
    model.cell(torch.tensor([[0, 255]], dtype=torch.uint8))
    assert seen[0].tolist() == [[-1.0, 1.0]]


def test_sizes_by_default():
    """Two hidden layers of 64 in each of four maps; two sizes of four steps."""
    inner = 64 * 64 + 64
    assert count_parameters(coupling_flow(4)) == 4 * (2 * 64 + 64 + inner + 65 * 4)
    assert count_parameters(masked_flow(3)) == 4 * (3 * 64 + 64 + inner + 65 * 6)
    assert count_parameters(MaskedNet(3, 2)) == 3 * 64 + 64 + inner + 65 * 6
    steps = []
    for d in (4, 8):
        net = (d // 2 * 9 + 1) * 64 + inner + (64 * 9 + 1) * d
        steps.append(2 * d + d + 2 * d * d + net)
    made = glow((1, 8, 8))
    assert count_parameters(made) == 4 * sum(steps)
    assert made.chain.parts[0].margin == Logit().margin == 0.05


def test_the_transform_of_a_glow_is_the_one_given():
    parts = glow((1, 8, 8), SPLINE, width=4, steps=1).modules()
    found = [part.transform for part in parts if isinstance(part, Coupling)]
    assert found == [SPLINE, SPLINE]


def test_masks_are_no_weights():
    assert not [name for name in MaskedNet(3, 2).state_dict() if "mask" in name]


def test_a_planar_map_begins_as_the_identity():
    x = torch.randn(20, 3)
    z, log_det = Planar(3).to_latent(x)
    torch.testing.assert_close(z, x)
    torch.testing.assert_close(log_det, torch.zeros(20), rtol=0, atol=1e-6)


def test_quantiles_are_exact_up_to_the_last_number_below_one():
    tiny = 2.0**-24
    x = torch.tensor([[0.0, tiny, 1 - tiny, 1.0]])
    z, _ = Probit().to_latent(x)
    assert torch.equal(z[0, 1:3], torch.special.ndtri(x[0, 1:3]))
    assert torch.equal(z[0, [0, 3]], z[0, 1:3])


@pytest.mark.parametrize("kind", [Bijection, Monotone])
@pytest.mark.parametrize("way", ["to_latent", "from_latent"])
def test_a_map_has_both_directions(kind, way):
    x = torch.zeros(1, 1)
    given = (x,) if kind is Bijection else (x, x[:, None])
    with pytest.raises(NotImplementedError, match=f"{kind.__name__}.*{way}"):
        getattr(kind(), way)(*given)


class TinyVAE(GenerativeModel):
    event_shape = (2,)


BAD = {
    "order": (lambda: Permute([0, 2]), ValueError, "each of 0 to 1"),
    "bins": (lambda: RationalQuadratic(2_000), ValueError, "do not fit"),
    "bound": (lambda: RationalQuadratic(8, bound=0.0), ValueError, "bound is 0.0"),
    "limit": (lambda: Affine(-1.0), ValueError, "limit is -1.0"),
    "margin": (lambda: Logit(0.5), ValueError, "less than one half"),
    "one value": (lambda: coupling_flow(1), ValueError, "d is 1"),
    "no layers": (lambda: coupling_flow(2, layers=0), ValueError, "layers is 0"),
    "sides": (lambda: glow((1, 6, 8)), ValueError, "multiples of 4"),
    "an odd side": (
        lambda: AtHalfSize().to_latent(torch.zeros(1, 1, 3, 4)),
        ValueError,
        "3 by 4",
    ),
    "several channels": (lambda: multiscale_flow((3, 8, 8)), ValueError, "1, height"),
    "sides of scales": (lambda: multiscale_flow((1, 8, 6)), ValueError, "halved 2"),
    "a spline with ends": (
        lambda: multiscale_flow((1, 8, 8), SPLINE),
        ValueError,
        "beyond 0 to 1",
    ),
    "no density": (lambda: Dequantized(TinyVAE()), ValueError, "no exact log_prob"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    call, error, text = BAD[name]
    with pytest.raises(error, match=text):
        call()
