"""A diffusion in the page: its net, training and samplers against torch."""

import copy
import functools
import math

import pytest
import torch
from browser import chromium as chromium
from browser import page as page
from live_pages import PHONE, corners
from live_pages import show as show
from matplotlib import image as pictures
from torch import nn

from gmcourse import Labels, Like, coordinates, live, samplers, seeded
from gmcourse.data import densities
from gmcourse.data.mixture import GaussianMixture
from gmcourse.denoisers import PointDenoiser
from gmcourse.diffusion import Diffusion, lognormal
from gmcourse.nets import mlp
from gmcourse.paths import Straight

FIGURE = "document.querySelector('.gm-live').gm"
SPEAKS = ["data", "noise", "velocity"]
SAMPLERS = [samplers.ancestral, samplers.ddim, samplers.heun, samplers.dpm_solver]
BEGIN = 2 / math.pi * math.atan(80)


def asked(page, call):
    return page.evaluate(f"{FIGURE}.{call}")


def draws(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@functools.cache
def wild(says="velocity", classes=0):
    """Untrained, with weights that make the net say something."""
    with seeded(0):
        net = PointDenoiser(2, width=12, depth=2, frequencies=3, classes=classes)
        for weight in net.parameters():
            nn.init.normal_(weight, std=0.4)
    return Diffusion(
        net,
        (2,),
        predict=getattr(coordinates, says),
        condition=Labels(2, required=False) if classes else None,
        center=0.3,
        spread=1.5,
        steps=8,
    )


@functools.cache
def pair():
    sides = [GaussianMixture([[x, 0.5]], stds=0.3) for x in (-2.0, 2.0)]
    return {"sides": sides}


def figure(model=None, **how):
    how = {"wander": False, "still_steps": 0, "label": "A cloud", "batch": 16, **how}
    return live.ParticleCloud(wild() if model is None else model, **how)


def exact(model):
    """The page's weights, in its precision."""
    return copy.deepcopy(model).half().double()


def given(n, classes):
    with seeded(1):
        c = torch.randint(0, classes + 1, (n,))
        t = 1e-3 + (1 - 2e-3) * torch.rand(n, dtype=torch.float64)
    return 2 * draws(n, 2), c, t, draws(n, 2, seed=1)


# ---- numbers ---------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize("classes", [0, 2])
def test_the_net_equals_torch(show, classes):
    page = show(figure(wild("velocity", classes)))
    x, c, t, _ = given(9, classes)
    due = exact(wild("velocity", classes)).net(x, t, c).detach()
    rows = [x.flatten().tolist(), t.tolist(), c.tolist()]
    got = page.evaluate(f"([x, t, c]) => {FIGURE}.net(x, t, c)", rows)
    near = {"atol": 1e-9, "rtol": 1e-9}
    torch.testing.assert_close(torch.tensor(got).double().view(-1, 2), due, atol=1e-6, rtol=1e-6)
    one = page.evaluate(f"x => {FIGURE}.net(x, 0.3, {classes})", rows[0])
    same = torch.full((9,), 0.3, dtype=torch.float64)
    due = exact(wild("velocity", classes)).net(x, same, torch.full((9,), classes))
    one = torch.tensor(one, dtype=torch.float64).view(-1, 2)
    torch.testing.assert_close(one, due.detach(), **near)


@pytest.mark.browser
@pytest.mark.parametrize("classes", [0, 2])
@pytest.mark.parametrize("says", SPEAKS)
def test_five_updates_equal_torch(show, says, classes):
    page = show(figure(wild(says, classes), rate=0.02))
    model = exact(wild(says, classes))
    optimizer = torch.optim.Adam(model.parameters())
    x, c, t, eps = given(16, classes)
    told = {
        "x": x.flatten().tolist(),
        "c": c.tolist(),
        "t": t.tolist(),
        "eps": eps.flatten().tolist(),
    }
    for i in range(5):
        inside = (x - 0.3) / 1.5
        alpha, sigma = model.path.alpha(t)[:, None], model.path.sigma(t)[:, None]
        x_t = alpha * inside + sigma * eps
        target = {
            "data": inside,
            "noise": eps,
            "velocity": math.pi / 2 * (alpha * eps - sigma * inside),
        }[says]
        loss = (model.net(x_t, t, c) - target).square().mean()
        optimizer.param_groups[0]["lr"] = 0.02 / math.sqrt(1 + i / 200)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        page.evaluate(f"given => {FIGURE}.update(given)", told)
        found = asked(page, "get()")
        assert found["count"] == i + 1
        assert found["loss"] == pytest.approx(loss.item(), rel=1e-6)
        due = torch.cat([p.detach().flatten() for p in model.parameters()])
        got = torch.tensor(found["weights"], dtype=torch.float64)
        torch.testing.assert_close(got, due, atol=1e-6, rtol=1e-6)


@pytest.mark.browser
@pytest.mark.parametrize("says", SPEAKS)
@pytest.mark.parametrize("index", range(4), ids=lambda i: SAMPLERS[i].__name__)
def test_ways_equal_torch(show, monkeypatch, says, index):
    page, x, steps = show(figure(wild(says, 2), sets=pair())), draws(7, 2), 9
    model = exact(wild(says, 2))
    noise = draws(steps, 7, 2, seed=2)
    times = samplers.evenly(model.path, steps)
    for asks, weight in (2, 1.0), (1, 1.0), (0, 2.5), (1, 0.0):
        left = iter(noise)
        drawn = lambda self: self.copy_(next(left))  # noqa: B023, E731
        monkeypatch.setattr(torch.Tensor, "normal_", drawn)
        c = None if asks == 2 else torch.full((7,), asks)
        denoise = model.denoiser(c, guidance=weight)
        with torch.no_grad():
            states = SAMPLERS[index](denoise, model.path, x, times)
            due = torch.stack([x, *(state for _, state in states)])
        monkeypatch.undo()
        how = {"sampler": index, "steps": steps, "asked": asks, "weight": weight}
        how["draws"] = noise.flatten().tolist()
        got = page.evaluate(
            f"([x, how]) => {FIGURE}.carry(x, how)", [x.flatten().tolist(), how]
        )
        got = torch.tensor(got, dtype=torch.float64).view(steps + 1, 7, 2)
        torch.testing.assert_close(got, due, atol=1e-6, rtol=1e-6)


@pytest.mark.browser
def test_evaluations_are_counted(show):
    page = show(figure(wild("velocity", 2), sets=pair()))
    assert asked(page, "get()")["evaluations"] == 8
    page.get_by_label("sampler").select_option("Heun")
    assert asked(page, "get()")["evaluations"] == 15
    page.get_by_label("steps").press("ArrowRight")
    assert asked(page, "get()")["evaluations"] == 17
    assert not page.get_by_label("guidance").is_visible()
    page.get_by_label("label").select_option("purple")
    assert asked(page, "get()")["evaluations"] == 17  # weight 1: told alone
    page.get_by_label("guidance").press("ArrowRight")
    found = asked(page, "get()")
    assert (found["evaluations"], found["weight"], found["asked"]) == (34, 1.5, 1)
    assert page.get_by_text("guidance 1.5").is_visible()
