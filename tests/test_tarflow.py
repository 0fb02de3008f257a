"""TarFlow: inverses, determinants, causality, guidance, and noise that is removed."""

import pytest
import torch
from torch import nn

from gmcourse import Labels, seeded
from gmcourse.autoregressive_flows import Conditionals
from gmcourse.flows import Flow, Inverse, coupling_flow
from gmcourse.glow import ActNorm
from gmcourse.monotone import Affine, RationalQuadratic
from gmcourse.nets import count_parameters
from gmcourse.tarflow import Guided, Patches, TokenNet, denoise, guide, tarflow

LABELS = Labels(3, required=False)


def flow(transform=None, std=0.2, **how):
    """Of images of 2 channels, 4 by 6, with weights of some size; double precision."""
    sizes = {"side": 2, "layers": 3, "width": 8, "heads": 2}
    with seeded(0):
        made = tarflow((2, 4, 6), transform, **sizes, **how).double().eval()
        for weight in made.parameters():
            nn.init.normal_(weight, std=std)
    return made


def images(n, seed=1):
    with seeded(seed):
        return torch.randn(n, 2, 4, 6, dtype=torch.float64)


def net(tokens=5, values=3, **how):
    with seeded(2):
        made = TokenNet(tokens, values, width=8, heads=2, **how).double()
        for weight in made.parameters():
            nn.init.normal_(weight, std=0.3)
    return made


FLOWS = {
    "affine": lambda: (flow(), None),
    "spline": lambda: (flow(RationalQuadratic(4, bound=3.0)), None),
    "with labels": lambda: (flow(condition=LABELS), torch.arange(20) % 3),
    "of labels, without one": lambda: (flow(condition=LABELS), None),
    "guided": lambda: (guide(flow(condition=LABELS), 1.5), torch.arange(20) % 3),
}


@pytest.fixture(params=FLOWS)
def made(request):
    return FLOWS[request.param]()


def test_the_inverse(made):
    model, c = made
    x = images(20)
    z, _ = model.to_latent(x, c)
    assert (z - x).abs().max() > 0.5
    torch.testing.assert_close(model.from_latent(z, c), x, rtol=0, atol=1e-10)


def test_the_inverse_in_single_precision(made):
    model, c = made
    model, x = model.float(), images(20).float()
    back = model.from_latent(model.to_latent(x, c)[0], c)
    torch.testing.assert_close(back, x, rtol=0, atol=1e-4)


def test_the_log_determinant_is_that_of_the_jacobian(made):
    model, c = made
    x, c = images(3), None if c is None else c[:3]
    _, log_det = model.to_latent(x, c)
    total = lambda x: model.to_latent(x, c)[0].sum(0)  # noqa: E731
    found = torch.autograd.functional.jacobian(total, x)  # (2, 4, 6, b, 2, 4, 6)
    found = found.movedim(3, 0).reshape(3, 48, 48)
    due = torch.linalg.slogdet(found).logabsdet
    assert log_det.abs().max() > 0.1
    torch.testing.assert_close(log_det, due, rtol=0, atol=1e-8)


def test_patches_are_those_of_the_image_by_rows():
    x = images(2)
    z, log_det = Patches((2, 4, 6), 2).to_latent(x)
    assert z.shape == (2, 6, 8) and not log_det.any()
    for i in range(6):
        row, column = divmod(i, 3)
        patch = x[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert torch.equal(z[:, i], patch.flatten(1))
    single = Patches((2, 4, 6), 1)
    assert torch.equal(single.from_latent(single.to_latent(x)[0]), x)


@pytest.mark.parametrize("per_value", [1, 2, 3])
def test_a_token_is_moved_as_those_before_it_say(per_value):
    model = net(per_value=per_value)
    x = torch.randn(1, 5, 3, dtype=torch.float64)
    found = torch.autograd.functional.jacobian(model.params, x)[0, ..., 0, :, :]
    found = found.abs().view(per_value, 5, 3, 5, 3).amax((0, 2, 4))  # of i, by j
    assert not found.triu().any()
    rows, columns = torch.tril_indices(5, 5, -1)
    assert (found[rows, columns] > 0).all()


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("guided", [False, True])
def test_the_steps_of_a_net_are_its_params(classes, guided):
    model = net(classes=classes, per_value=3)
    model = Guided(model, 0.7) if guided else model
    x = torch.randn(4, 5, 3, dtype=torch.float64)
    c = torch.arange(4) % 3 if classes else None
    every = model.params(x, c).unflatten(1, (3, 5))  # (b, per_value, t, values)
    x[:, -1] = torch.nan  # nothing looks at the last token
    places = torch.arange(15)
    for i, (place, params) in enumerate(model.steps(x, c)):
        assert places[place].tolist() == [3 * i, 3 * i + 1, 3 * i + 2]
        torch.testing.assert_close(params.view(4, 3, 3), every[:, :, i])
    assert i == 4


def test_a_draw_carries_the_gradient_of_what_was_drawn_before():
    """By reversing one map, against what the inverse function theorem says."""
    part, z = Conditionals(net(), Affine()), torch.randn(1, 5, 3, dtype=torch.float64)
    found = torch.autograd.functional.jacobian(part.from_latent, z).view(15, 15)
    x = part.from_latent(z).detach()
    due = torch.autograd.functional.jacobian(lambda x: part.to_latent(x)[0], x)
    torch.testing.assert_close(found @ due.view(15, 15), torch.eye(15).double())
    loss = part.from_latent(z).square().sum()
    slopes = torch.autograd.grad(loss, list(part.parameters()))
    mean = torch.zeros(())
    for p, slope in zip(part.parameters(), slopes):
        way = torch.randn_like(p)
        mean = mean + (slope * way).sum()
        p.data.add_(1e-6 * way)
    gap = (part.from_latent(z).square().sum() - loss) / 1e-6
    torch.testing.assert_close(gap.detach(), mean.double(), rtol=1e-3, atol=1e-4)


def test_the_order_turns_round_from_layer_to_layer():
    """The first map sees a patch and those before it, the second those after it."""
    whole = flow()
    patches, first, turn, second, back, *_ = whole.chain.parts
    x = images(1)

    def reach(*parts):
        map_of = Flow(patches, *parts, Inverse(patches), event_shape=(2, 4, 6))
        found = torch.autograd.functional.jacobian(lambda x: map_of.to_latent(x)[0], x)
        found = patches.to_latent(found.view(48, 2, 4, 6))[0].view(2, 4, 6, 6, 8)
        found = patches.to_latent(found.flatten(3).movedim(3, 0))[0]
        return found.view(6, 8, 6, 8).abs().amax((1, 3)).T > 0  # of i, by j

    every = torch.ones(6, 6, dtype=torch.bool)
    assert torch.equal(reach(first), every.tril())
    assert torch.equal(reach(turn, second, back), every.triu())


def test_it_begins_as_the_identity_up_to_the_order():
    x = torch.randn(5, 1, 8, 8)
    z, log_det = tarflow((1, 8, 8), layers=2, width=8).to_latent(x)
    torch.testing.assert_close(z, x)
    assert not log_det.any()


def test_guidance_without_weight_is_none():
    model, c, x = flow(condition=LABELS), torch.arange(6) % 3, images(6)
    torch.testing.assert_close(guide(model, 0.0).log_prob(x, c), model.log_prob(x, c))
    with seeded(3):
        mine = guide(model, 0.0).sample(6, c)
    with seeded(3):
        torch.testing.assert_close(mine, model.sample(6, c))


def test_guidance_pushes_away_from_what_no_label_says():
    model = net(classes=3)
    x, c = torch.randn(4, 5, 3, dtype=torch.float64), torch.arange(4) % 3
    told, plain = model.params(x, c), model.params(x)
    assert not torch.equal(told, plain)
    torch.testing.assert_close(Guided(model, 2.0).params(x, c), 3 * told - 2 * plain)
    # The label of none is one of its own.
    torch.testing.assert_close(plain, model.params(x, torch.full((4,), 3)))


def test_guidance_reaches_all_maps_of_a_flow():
    model, c, x = flow(condition=LABELS), torch.arange(4) % 3, images(4)
    guided = guide(model, 2.0)
    for part, pushed in zip(model.chain.parts[1:-1:2], guided.chain.parts[1:-1:2]):
        x = model.chain.parts[0].to_latent(images(4))[0]
        due = 3 * part.net.params(x, c) - 2 * part.net.params(x)
        torch.testing.assert_close(pushed.net.params(x, c), due)
        assert pushed.transform is part.transform
    assert guided.event_shape == (2, 4, 6) and guided.condition.required


def test_sizes_by_default():
    made = tarflow((1, 8, 8))  # four patches of 16 values, width 64
    block = 4 * 64 * 64 + 4 * 64 + 2 * 64 * 256 + 256 + 64
    one = (16 * 64 + 64) + 4 * 64 + 2 * block + 2 * 64 + (64 * 32 + 32)
    assert count_parameters(made) == 4 * one
    net = TokenNet(4, 16, width=64)
    assert count_parameters(net) == one and net.net.blocks[0].attention.heads == 4
    assert made.chain.parts[1].net.net.blocks[0].attention.heads == 4


def test_guidance_shares_the_weights():
    model = flow(condition=LABELS)
    given = {id(p) for p in model.parameters()}
    assert {id(p) for p in guide(model, 1.0).parameters()} == given


def test_labels_are_dropped_in_training_alone():
    model, x, c = (
        flow(condition=LABELS, dropped=0.25),
        images(400),
        torch.full((400,), 2),
    )
    told, plain = model.log_prob(x, c), model.log_prob(x)
    torch.testing.assert_close(model.loss(x, c), -told.mean())
    model.train()
    with seeded(4):
        dropped = LABELS.drop(c, 0.25) == 3
    with seeded(4):
        loss = model.loss(x, c)
    assert 60 < dropped.sum() < 140
    torch.testing.assert_close(loss, -torch.where(dropped, plain, told).mean())
    torch.testing.assert_close(model.loss(x), -plain.mean())


def test_denoising_gives_the_posterior_mean_of_a_gaussian():
    """Of ``x ~ N(m, s²)`` and ``y = x + sigma eps`` it is known."""
    m, s, sigma = 0.4, 1.3, 0.7
    total = (s**2 + sigma**2) ** 0.5
    model = flow()
    for part in model.chain.parts[3:-1:2]:  # one map alone moves, the same everywhere
        nn.init.zeros_(part.net.head.weight)
        nn.init.zeros_(part.net.head.bias)
    head = model.chain.parts[1].net.head
    nn.init.zeros_(head.weight)
    raw = 3 * torch.atanh(torch.tensor(total).double().log() / 3)
    head.bias.data.copy_(torch.cat([torch.full((8,), m), raw.expand(8)]))
    y = images(50)
    due = (s**2 * y + sigma**2 * m) / (s**2 + sigma**2)
    torch.testing.assert_close(denoise(model.train(), y, sigma), due)
    assert model.training and not denoise(model, y, sigma).requires_grad
    assert torch.equal(denoise(model, y, 0.0), y)


def test_denoising_leaves_the_model_as_it_is():
    model = Flow(ActNorm(2), event_shape=(2,)).train()
    y = denoise(model, torch.full((3, 2), 5.0), 0.5)
    torch.testing.assert_close(y, torch.full((3, 2), 3.75))  # of a normal density
    part = model.chain.parts[0]
    assert model.training and not part.ready
    assert all(p.grad is None for p in model.parameters())


def test_denoising_is_told_the_label():
    model, y, c = flow(condition=LABELS), images(6), torch.arange(6) % 3
    with torch.no_grad():
        found = denoise(model, y, 0.1, c)
    y.requires_grad_()
    (due,) = torch.autograd.grad(model.log_prob(y, c).sum(), y)
    torch.testing.assert_close(found, (y + 0.01 * due).detach())


BAD = {
    "sides": (lambda: Patches((1, 6, 8), 4), ValueError, "multiples of the side"),
    "no image": (lambda: Patches((6, 8), 2), ValueError, "channels, height"),
    "heads": (lambda: TokenNet(4, 2, width=6, heads=4), ValueError, "width is 6"),
    "no layers": (lambda: tarflow((1, 4, 4), layers=0), ValueError, "layers is 0"),
    "a label that is required": (
        lambda: guide(flow(condition=Labels(3)), 1.0),
        ValueError,
        "required=False",
    ),
    "no label": (lambda: guide(flow(), 1.0), ValueError, "not None"),
    "negative": (
        lambda: guide(flow(condition=LABELS), -1.0),
        ValueError,
        "w is -1.0",
    ),
    "dropped, and required": (
        lambda: flow(condition=Labels(3), dropped=0.1),
        ValueError,
        "dropped is 0.1",
    ),
    "nothing to drop": (lambda: flow(dropped=0.1), ValueError, "dropped is 0.1"),
    "sigma": (
        lambda: denoise(coupling_flow(2), torch.zeros(1, 2), -1.0),
        ValueError,
        "sigma is -1.0",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    call, error, text = BAD[name]
    with pytest.raises(error, match=text):
        call()
