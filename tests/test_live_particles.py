"""A diffusion in the page: its net, training and samplers against torch."""

import base64
import copy
import functools
import math
import re

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


def listed(page, name):
    row = page.locator(".gm-slider", has_text=re.compile(f"^{name}"))
    return row.locator("select")


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


def halves(text):
    raw = bytearray(base64.b64decode(text))
    return torch.frombuffer(raw, dtype=torch.float16).float().view(-1, 2)


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
    near = {"atol": 1e-6, "rtol": 1e-6}
    torch.testing.assert_close(torch.tensor(got).double().view(-1, 2), due, **near)
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
        torch.testing.assert_close(got, due, atol=1e-4, rtol=1e-4)


@pytest.mark.browser
def test_evaluations_are_counted(show):
    page = show(figure(wild("velocity", 2), sets=pair()))
    assert asked(page, "get()")["evaluations"] == 8
    listed(page, "sampler").select_option("Heun")
    assert asked(page, "get()")["evaluations"] == 15
    page.get_by_role("slider", name="steps").press("ArrowRight")
    assert asked(page, "get()")["evaluations"] == 17
    assert not page.get_by_role("slider", name="guidance").is_visible()
    listed(page, "label").select_option("purple")
    assert asked(page, "get()")["evaluations"] == 17  # weight 1: told alone
    page.get_by_role("slider", name="guidance").press("ArrowRight")
    found = asked(page, "get()")
    assert (found["evaluations"], found["weight"], found["asked"]) == (34, 1.5, 1)
    assert page.get_by_text("guidance 1.5").is_visible()


@pytest.mark.browser
def test_arrows_point_where_it_is_said(show):
    """Velocity as time falls, or toward the estimate of the data; the tip after it."""
    page = show(figure(extent=3.0))
    asked(page, "time(0.6)")
    grid = 3.0 * ((2 * torch.arange(15) + 1) / 15 - 1)
    points = torch.cartesian_prod(grid, grid).flip(1).double()  # row after row
    model, inside = exact(wild()), (points - 0.3) / 1.5
    t = torch.full((225,), 0.6, dtype=torch.float64)
    with torch.no_grad():
        due = [-model.net(inside, t), model.denoise(inside, t) - inside]
    for name, to in zip(["velocity", "estimated data"], due):
        listed(page, "arrows").select_option(name)
        path = page.locator(".gm-plane svg > path").nth(1)
        ends = corners(path, 3.0).view(225, 5, 2)[:, :2].double()
        arrow = ends[:, 1] - ends[:, 0]
        size = to.norm(dim=1, keepdim=True)
        cell = 0.4 * torch.tanh(size / 1.5) / size * to
        torch.testing.assert_close(arrow, cell, atol=2e-3, rtol=0)
        torch.testing.assert_close(ends.mean(1), points, atol=2e-3, rtol=0)
    listed(page, "arrows").select_option("none")
    assert path.get_attribute("d") == ""


@pytest.mark.browser
def test_batches_are_of_the_data_and_labels_are_dropped(show):
    """Points that a label tells apart: told, the net learns each by itself."""
    with seeded(0):
        net = PointDenoiser(2, width=32, depth=2, classes=2)
    model = Diffusion(
        net,
        (2,),
        predict=coordinates.velocity,
        condition=Labels(2, required=False),
        spread=1.5,
        drop=0.3,
    )
    page = show(figure(model, sets=pair(), batch=128))
    script = f"() => {{ for (let i = 0; i < 400; i++) {FIGURE}.update(); }}"
    page.evaluate(script)
    for name, middle in ("blue", -2.0), ("purple", 2.0):
        listed(page, "label").select_option(name)
        last = torch.tensor(asked(page, "get()")["last"]).view(-1, 2)
        assert last.mean(0).tolist() == pytest.approx([middle, 0.5], abs=0.3)
    listed(page, "label").select_option("none")
    last = torch.tensor(asked(page, "get()")["last"]).view(-1, 2)
    assert 0.3 < (last[:, 0] > 0).double().mean() < 0.7
    assert last[:, 0].abs().mean() > 1.3


# ---- what the page is told -------------------------------------------------------


def test_what_the_page_is_told():
    points = torch.tensor([[1.0, 2.0], [-1.0, 0.5]])
    told = figure(sets={"mine": points}, rate=0.05, extent=3.0, still_steps=2)
    found = told.data
    assert (found["says"], found["sampler"], found["steps"]) == (2, 1, 8)
    assert (found["center"], found["spread"], found["drop"]) == (0.3, 1.5, 0.1)
    assert (found["rate"], found["batch"], found["extent"]) == (0.05, 16, 3.0)
    assert (found["trains"], found["frequencies"], found["classes"]) == (2, 3, 0)
    again = figure(sets={"mine": points}, rate=0.05, extent=3.0, still_steps=2)
    assert told._repr_html_() == again._repr_html_()
    names = [one["name"] for one in figure().data["sets"]]
    assert names == ["moons", "spiral", "ring of eight", "checkerboard"]
    two = figure(wild("velocity", 2)).data["sets"]
    assert [len(one["groups"]) for one in two] == [2, 2]


def test_a_hundred_and_twenty_kilobytes():
    with seeded(0):
        net = PointDenoiser(2, width=64)
    model = Diffusion(net, (2,), predict=coordinates.velocity)
    assert len(figure(model)._repr_html_().encode()) < 120_000


def test_the_still_is_a_cloud_on_its_way(tmp_path):
    """A net that knows the one point of the data: the cloud ends there."""
    net = PointDenoiser(2, width=4, depth=1)
    with torch.no_grad():
        for p in net.parameters():
            p.zero_()
        net.net[-1].bias.copy_(torch.tensor([1.0, -2.0]))
    model = Diffusion(net, (2,), predict=coordinates.data)
    made = figure(model, sets={"one": torch.tensor([[-3.0, 3.0]])})
    (tmp_path / "still.png").write_bytes(made.still)
    image = torch.tensor(pictures.imread(tmp_path / "still.png"))  # (rows, columns, 3)
    assert image.shape == (210, 4 * 210 + 3 * 20, 3)
    blue = image[..., 2] - image[..., 0] > 0.3
    spread = []
    for k in range(4):
        rows, columns = blue[:, 230 * k : 230 * k + 210].nonzero().double().T
        spread.append((rows.std() + columns.std()).item())
    assert spread == sorted(spread, reverse=True) and spread[3] < 2 < spread[0]
    x, y = columns.mean() / 210 * 8 - 4, 4 - rows.mean() / 210 * 8
    assert (x.item(), y.item()) == pytest.approx((1, -2), abs=0.1)


def test_the_still_is_trained():
    """As many updates as are said, of both labels, at a rate that falls."""
    plain = figure(wild("velocity", 2), sets=pair())
    long = figure(wild("velocity", 2), sets=pair(), still_steps=20)
    assert plain.still != long.still
    assert "after 20 updates" in long.caption and "after" not in plain.caption
    same = figure(wild("velocity", 2), sets=pair(), still_steps=20)
    assert long.still == same.still


# ---- the reader ------------------------------------------------------------------


@pytest.mark.browser
def test_it_trains_and_then_plays_by_itself(show):
    page = show(figure(still_steps=30, wander=True))
    page.wait_for_function(f"{FIGURE}.get().count == 30 && {FIGURE}.get().t > 0.3")
    page.get_by_role("button", name="Pause").click()
    t = asked(page, "get()")["t"]
    page.wait_for_timeout(200)
    found = asked(page, "get()")
    assert (found["t"], found["count"]) == (t, 30)


@pytest.mark.browser
def test_keyboard(show):
    page = show(figure())
    assert asked(page, "get()")["t"] == pytest.approx(BEGIN)
    page.get_by_role("slider", name="time t").press("ArrowLeft")
    assert asked(page, "get()")["t"] == pytest.approx(0.99 * BEGIN)
    before = asked(page, "get()")["cloud"]
    page.get_by_role("slider", name="time t").press("Home")
    found = asked(page, "get()")
    assert found["t"] == 0 and found["cloud"] == found["last"] != before
    page.get_by_role("button", name="New noise").press("Enter")
    other = asked(page, "get()")
    assert other["last"] != found["last"] and other["weights"] == found["weights"]
    page.get_by_role("button", name="Step").press("Enter")
    assert asked(page, "get()")["count"] == 1
    page.get_by_role("button", name="New start").press("Enter")
    fresh = asked(page, "get()")
    assert fresh["count"] == 0 and fresh["weights"] != found["weights"]
    asked(page, "start(0)")
    assert asked(page, "get()")["weights"] == found["weights"]
    words = page.locator(".gm-plane svg").get_attribute("aria-label")
    assert words.startswith("A cloud: cloud at t = 0.00, DDIM, 8 steps, 8 evaluations")


@pytest.mark.browser
def test_the_pen_by_keyboard(show):
    page = show(figure(wild("velocity", 2), sets=pair()))
    listed(page, "data").select_option("your own drawing")
    assert page.get_by_text("Draw here").is_visible()
    page.get_by_role("button", name="Step").click()
    assert asked(page, "get()")["count"] == 0  # nothing to learn from
    pen = page.get_by_role("application")
    for _ in range(2):
        pen.press("Shift+ArrowRight")
    page.get_by_role("button", name="Pen: blue").click()
    pen.press("Shift+ArrowUp")
    found = asked(page, "get()")
    points = torch.tensor(found["points"]).view(-1, 2)
    assert found["labels"] == [0] * 50 + [1] * 25
    assert points[:, 0].max() == pytest.approx(1, abs=0.4)
    assert points[50:, 1].max() == pytest.approx(0.5, abs=0.4)
    assert pen.get_attribute("aria-label") == "Pen at 1.00, 0.50"
    assert not page.get_by_text("Draw here").is_visible()
    page.get_by_role("button", name="Clear").click()
    assert asked(page, "get()")["points"] == []
    listed(page, "data").select_option("sides")
    assert not pen.is_visible() and len(asked(page, "get()")["points"]) == 1600


@pytest.mark.browser
def test_what_is_drawn_is_learned(show):
    page = show(figure())
    page.set_viewport_size(PHONE)
    listed(page, "data").select_option("your own drawing")
    page.locator(".gm-plane").scroll_into_view_if_needed()
    box = page.locator(".gm-plane").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.up()
    points = torch.tensor(asked(page, "get()")["points"]).view(-1, 2)
    assert points.mean(0).tolist() == pytest.approx([1, 2], abs=0.2)
    page.wait_for_function(f"{FIGURE}.get().count > 5")  # it trains at once
    page.get_by_role("button", name="Pause").click()


# ---- what does not fit -----------------------------------------------------------


def model(net=None, **how):
    net = PointDenoiser(2, width=4) if net is None else net
    return Diffusion(net, **{"event_shape": (2,), **how})


two = functools.partial(PointDenoiser, 2, width=4, classes=2)


class Other(Diffusion):
    pass


@pytest.mark.parametrize(
    "made, words",
    [
        (lambda: model(mlp(2, 4, 2)), "the net is a Sequential"),
        (lambda: model(event_shape=(3,)), "event_shape is"),
        (lambda: model(path=Straight()), "path is"),
        (lambda: model(predict=coordinates.score), "predict is"),
        (lambda: model(loss_in=coordinates.data), "loss_in is"),
        (lambda: model(times=lognormal()), "times is"),
        (lambda: model(limits=(-1.0, 1.0)), "limits is"),
        (lambda: model(sampler=samplers.churned), "sampler is"),
        (lambda: model(grid=samplers.karras), "grid is"),
        (lambda: model(steps=51), "steps is 51"),
        (lambda: model(two()), "the net has 2 classes"),
        (lambda: model(two(), condition=Labels(2)), "the condition is"),
        (lambda: model(condition=Labels(2, required=False)), "has 0 classes"),
        (lambda: model(two(), condition=Like((2,))), "the condition is"),
        (
            lambda: model(
                PointDenoiser(2, width=4, classes=3),
                condition=Labels(3, required=False),
            ),
            "has 3 classes",
        ),
        (lambda: model(PointDenoiser(3, width=4)), "takes 11 numbers and gives 3"),
    ],
)
def test_refuses_models(as_users_run_it, made, words):
    with pytest.raises(ValueError, match=words):
        figure(made())


def test_refuses_other_kinds(as_users_run_it):
    with pytest.raises(TypeError, match="the model is a Other"):
        figure(Other(PointDenoiser(2, width=4), (2,)))
    with pytest.raises(TypeError, match="the model is a Sequential"):
        figure(mlp(2, 2))


@pytest.mark.parametrize(
    "how, words",
    [
        ({"sets": {}}, "no sets"),
        ({"sets": pair()}, "a distribution or points"),
        ({"sets": {"a": torch.zeros(3, 3)}}, r"are \(3, 3\)"),
        ({"sets": {"a": torch.zeros(0, 2)}}, r"are \(0, 2\)"),
        ({"sets": {"a": torch.zeros(3001, 2)}}, "at most 3,000"),
        ({"sets": {"a": torch.full((2, 2), math.nan)}}, "points of 'a'"),
        ({"sets": {"a": GaussianMixture([[0.0]], stds=1.0)}}, "no plane"),
        ({"rate": 0.0}, "rate"),
        ({"batch": 513}, "batch"),
        ({"extent": math.inf}, "extent"),
        ({"still_steps": -1}, "still_steps"),
    ],
)
def test_refuses(as_users_run_it, how, words):
    with pytest.raises(ValueError, match=words):
        figure(**how)


def test_refuses_sets_without_pairs(as_users_run_it):
    for one in densities.eight_gaussians(), [torch.zeros(2, 2)] * 3:
        with pytest.raises(ValueError, match="a pair, one of each label"):
            figure(wild("velocity", 2), sets={"a": one})


def test_refuses_sets_of_other_kinds(as_users_run_it):
    with pytest.raises(TypeError, match="the set 'a' is a str"):
        figure(sets={"a": "moons"})


def test_labels_have_draws_of_their_own():
    data = figure(wild("velocity", 2), sets=pair()).data["sets"][0]["groups"]
    blue, purple = (halves(group) for group in data)
    assert len(blue) == len(purple) == 400
    assert not torch.allclose(blue + torch.tensor([4.0, 0.0]), purple, atol=0.1)
