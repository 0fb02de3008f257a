"""What chapter 08 builds computes what the library ships."""

import pytest
import torch
from parity import build_namespace, copy_weights, parity, shaken, values
from torch import nn

from gmcourse import seeded
from gmcourse.autoregressive_flows import Conditionals, MaskedNet
from gmcourse.dequantization import Dequantized
from gmcourse.flows import Coupling, Flow, coupling_flow
from gmcourse.glow import ActNorm, Logit, Mix
from gmcourse.monotone import Affine, RationalQuadratic
from gmcourse.planar import Planar
from gmcourse.tarflow import Guided, Patches, TokenNet, denoise

CHAPTER = "08_normalizing_flows"
equal = torch.testing.assert_close


@pytest.fixture(scope="module")
def notebook():
    return build_namespace(CHAPTER)


@parity("08_normalizing_flows", "carried")
def test_the_whole_jacobian(notebook):
    flow, x = shaken(coupling_flow(4, width=8)), values(6, 4)
    equal(
        notebook["carried"](lambda v: flow.to_latent(v[None])[0][0], x),
        flow.to_latent(x),
    )


@parity("08_normalizing_flows", "planar")
@pytest.mark.parametrize("size", [-3.0, 0.5])
def test_planar(notebook, size):
    theirs, x = shaken(Planar(3)), values(5, 3)
    with torch.no_grad():
        theirs.u.copy_(size * theirs.w)  # -3: it would fold the space
    mine = notebook["planar"](x, theirs.u, theirs.w, theirs.b)
    equal(mine, theirs.to_latent(x))


@parity("08_normalizing_flows", "AffineCoupling", "halves", "joined", "limited")
@pytest.mark.parametrize("flip", [False, True])
def test_coupling(notebook, flip):
    net, x = shaken(nn.Linear(2, 4)), values(5, 4)
    mine = notebook["AffineCoupling"](net, flip)
    theirs = Coupling(net, Affine(), flip=flip)
    equal(mine.to_latent(x), theirs.to_latent(x))
    equal(mine.from_latent(x), theirs.from_latent(x))


@parity("08_normalizing_flows", "log_prob", "draw")
def test_chain(notebook):
    theirs = shaken(coupling_flow(4, width=8, layers=3))
    parts, x = list(theirs.chain.parts), values(5, 4)
    equal(notebook["log_prob"](parts, x), theirs.log_prob(x))
    equal(notebook["draw"](parts, x), theirs.from_latent(x))


@parity("08_normalizing_flows", "ActNorm")
def test_actnorm(notebook):
    mine, theirs = notebook["ActNorm"](3).double(), ActNorm(3).double()
    first, x = 2 + 3 * values(6, 3, 4, 4), values(5, 3, 4, 4)
    for batch in first, x:  # set by the first alone
        equal(mine.to_latent(batch), theirs.to_latent(batch))
    equal(mine.from_latent(x), theirs.from_latent(x))


@parity("08_normalizing_flows", "factored", "mixed")
def test_mix(notebook):
    with seeded(3):
        mine = notebook["factored"](4)
    theirs, x = shaken(Mix(4)), values(5, 4, 3, 3)
    parts = [theirs.permutation, theirs.lower, theirs.upper, theirs.sign]
    equal(notebook["mixed"](x, *parts, theirs.log_size), theirs.to_latent(x))
    z, log_det = notebook["mixed"](x, *(part.double() for part in mine))
    equal(z.norm(dim=1), x.norm(dim=1), atol=1e-5, rtol=0)
    assert log_det.abs().max() < 1e-5


@parity("08_normalizing_flows", "Masked", "at_once", "one_by_one")
def test_value_by_value(notebook):
    mine = notebook["Masked"](4, 12).double()
    net, x = shaken(MaskedNet(4, 2, width=12)), values(5, 4)
    mine.masks = [mask.double() for mask in mine.masks]
    copy_weights(net, mine)
    theirs = Conditionals(net, Affine())
    equal(notebook["at_once"](mine, x), theirs.to_latent(x))
    equal(notebook["one_by_one"](mine, x), theirs.from_latent(x))


@parity("08_normalizing_flows", "knots", "bin_of", "spline", "spline_back")
def test_spline(notebook):
    theirs = RationalQuadratic(6, bound=2.5)
    raw, x = 3 * values(40, theirs.per_value), 5 * values(40).sigmoid() - 2.5
    table = notebook["knots"](raw, 6, 2.5)
    z, slope = theirs.to_latent(x[:, None], raw[:, :, None])
    equal(notebook["spline"](x, *table), (z[:, 0], slope[:, 0]))
    back = theirs.from_latent(x[:, None], raw[:, :, None])[:, 0]
    equal(notebook["spline_back"](x, *table), back)


@parity("08_normalizing_flows", "patches", "PatchNet", "guided")
def test_patch_by_patch(notebook):
    cut, images = Patches((2, 6, 6), 3), values(4, 2, 6, 6)
    x = notebook["patches"](images, 3)
    equal(x, cut.to_latent(images)[0])
    net = shaken(TokenNet(4, 18, width=16, depth=2, classes=3))
    told, plain = (notebook["PatchNet"](4, 18, 16, 2).double() for _ in range(2))
    c = torch.tensor([0, 2, 1, 1])
    with torch.no_grad():
        for mine in told, plain:
            copy_weights(without_labels(net), mine)
        told.position = nn.Parameter(net.position + net.label(c)[:, None])
        plain.position = nn.Parameter(net.position + net.label.weight[-1])
    theirs = Conditionals(Guided(net, 1.5), Affine())
    both = notebook["guided"](told, plain, 1.5)
    equal(notebook["at_once"](both, x), theirs.to_latent(x, c))
    equal(notebook["one_by_one"](both, x), theirs.from_latent(x, c))


def without_labels(net):
    plain = TokenNet(4, 18, width=16, depth=2).double()
    plain.load_state_dict(net.state_dict(), strict=False)
    return plain


@parity("08_normalizing_flows", "denoised")
def test_denoised(notebook):
    flow, y = shaken(coupling_flow(4, width=8)), values(5, 4)
    equal(notebook["denoised"](flow.log_prob, y, 0.3), denoise(flow, y, 0.3))


@parity("08_normalizing_flows", "elbo", "logit")
def test_whole_numbers(notebook):
    theirs = Dequantized(Flow(Logit(0.05), event_shape=(4,)).double())
    x = torch.tensor([[0, 3, 200, 255], [1, 77, 128, 9]]).byte()
    with seeded(4):
        due = theirs.elbo(x)
    with seeded(4):
        u, log_q = theirs.cell(x)

    def log_density(y):
        v, log_det = notebook["logit"](y, 0.05)
        return notebook["normal_log_prob"](v) + log_det

    equal(notebook["elbo"](log_density, x, u, log_q), due)
