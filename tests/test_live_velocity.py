"""The velocity of a continuous flow: its numbers in the page against torch."""

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

from gmcourse import Labels, live, seeded, solvers
from gmcourse.continuous import ContinuousFlow, Field, continuous_flow, divergence
from gmcourse.data import clouds
from gmcourse.data.mixture import GaussianMixture
from gmcourse.flows import normal_log_prob
from gmcourse.nets import mlp

FIGURE = "document.querySelector('.gm-live').gm"
STEP = {"Euler": solvers.euler, "RK4": solvers.rk4}


def asked(page, call):
    return page.evaluate(f"{FIGURE}.{call}")


def draws(*shape, seed=0):
    with seeded(seed):
        return torch.randn(*shape)


@functools.cache
def wild():
    """Untrained, with weights that make all paths bend."""
    with seeded(0):
        flow = continuous_flow(2, width=16, depth=2)
        for weight in flow.parameters():
            nn.init.normal_(weight, std=0.6)
    return flow


def figure(flow=None, **how):
    how = {"wander": False, "label": "A velocity", **how}
    return live.VelocityField(wild() if flow is None else flow, **how)


def rounded(name="RK4", steps=16):
    """As the page has it, with a solver."""
    flow = copy.deepcopy(wild()).half().float()
    flow.how = {"steps": steps, "step": STEP[name]}
    return flow


def halves(text):
    raw = bytearray(base64.b64decode(text))
    return torch.frombuffer(raw, dtype=torch.float16).float().view(-1, 2)


@torch.no_grad()
def carried(x, back, name, steps):
    """The points after each number of steps, (steps + 1, n, 2)."""
    flow = rounded()
    way = {"start": 1.0, "end": 0.0} if back else {}
    states = solvers.path(
        lambda t, x: (flow.field(x, t),), (x,), steps=steps, step=STEP[name], **way
    )
    return torch.stack([x for _, (x,) in states])


def counted(x, back, name, steps):
    """The same with the integral of the divergence since the beginning, (..., 3)."""
    flow = rounded()

    def rates(t, x, _):
        x = x.detach().requires_grad_()
        v = flow.field(x, t)
        return v.detach(), divergence(v, x).detach()

    way = {"start": 1.0, "end": 0.0} if back else {}
    states = (x, torch.zeros(len(x)))
    found = solvers.path(rates, states, steps=steps, step=STEP[name], **way)
    return torch.stack([torch.cat([x, s[:, None]], 1) for _, (x, s) in found])


# ---- numbers ---------------------------------------------------------------------


def test_what_the_page_is_told():
    made = figure(start=(-1.0, 2.0), extent=3.0)
    again = figure(start=(-1.0, 2.0), extent=3.0)
    assert made._repr_html_() == again._repr_html_()
    noise, points = halves(made.data["noise"]), halves(made.data["points"])
    assert len(noise) == len(points) == 250
    assert abs(noise.std() - 1) < 0.1 and noise.mean(0).abs().max() < 0.2
    due = rounded(steps=200).from_latent(noise).detach()
    torch.testing.assert_close(points, due, atol=5e-3, rtol=5e-3)
    assert (made.data["start"], made.data["extent"]) == ([-1.0, 2.0], 3.0)
    given = halves(figure(data=clouds.moons()).data["points"])
    assert given[:, 0].abs().max() < 4 and len(given) == 250
    assert not torch.allclose(given, points, atol=0.5)
    assert len(made._repr_html_()) < 70_000


@pytest.mark.browser
def test_velocity_and_divergence_equal_torch(show):
    page, x = show(figure()), 2 * draws(12, 2).requires_grad_()
    for t in 0.0, 0.3, 1.0:
        call = f"x => {FIGURE}.field(x, {t})"
        got = torch.tensor(page.evaluate(call, x.flatten().tolist())).view(-1, 2)
        v = rounded().field(x, t)
        torch.testing.assert_close(got, v, atol=1e-5, rtol=1e-5)
        theirs = wild().field(x, t)  # weights in halves
        torch.testing.assert_close(got, theirs, atol=1e-2, rtol=1e-2)
        due = divergence(v, x).detach()
        assert due.std() > 0.3  # something to compare
        for (x1, x2), trace in zip(x.tolist(), due):
            found = asked(page, f"divergence({x1}, {x2}, {t})")
            assert found == pytest.approx(trace.item(), abs=2e-5)


@pytest.mark.browser
@pytest.mark.parametrize("name", STEP)
def test_paths_equal_torch(show, name):
    page, x = show(figure()), draws(9, 2)
    for back in True, False:
        for steps in 1, 4, 32:
            how = f"{str(back).lower()}, '{name}', {steps}"
            call = f"x => {FIGURE}.carry(x, {how})"
            got = torch.tensor(page.evaluate(call, x.flatten().tolist()))
            due = carried(x, back, name, steps)
            torch.testing.assert_close(got.view(due.shape), due, atol=2e-5, rtol=2e-5)
            assert (due[-1] - x).norm(dim=1).mean() > 0.5


@pytest.mark.browser
@pytest.mark.parametrize("name, steps", [("RK4", 8), ("Euler", 4), ("RK4", 32)])
def test_the_density_of_data_equals_torch(show, name, steps):
    page = show(figure())
    asked(page, "turn(false)")
    asked(page, f"solve('{name}', {steps})")
    for x in draws(6, 2).tolist():
        assert asked(page, f"set({x[0]}, {x[1]})") == x
        asked(page, "time(0)")
        normal, rest, log_p = asked(page, "get()")["terms"]
        z, log_det = rounded(name, steps).to_latent(torch.tensor([x]))
        assert normal == pytest.approx(normal_log_prob(z).item(), abs=1e-4)
        assert rest == pytest.approx(log_det.item(), abs=1e-4)
        due = rounded(name, steps).log_prob(torch.tensor([x]))
        assert log_p == pytest.approx(due.item(), abs=1e-4)


@pytest.mark.browser
@pytest.mark.parametrize("back", [True, False])
def test_the_terms_at_any_time(show, back):
    """At the solver's steps by torch; what is shown adds up, and the chart is of it."""
    page = show(figure())
    asked(page, f"turn({str(back).lower()})")
    asked(page, "set(0.7, -1.2)")
    states = counted(torch.tensor([[0.7, -1.2]]), back, "RK4", 8)[:, 0]
    z = states[0 if back else -1]
    normal = normal_log_prob(z[None, :2]).item()
    due = {}
    for i, (*x, sum_) in enumerate(states.tolist()):
        t = 1 - i / 8 if back else i / 8
        rest = -sum_ if back else z[2].item() - sum_
        due[t] = [*x, rest]
    for t, (x1, x2, rest) in due.items():
        asked(page, f"time({t})")
        found = asked(page, "get()")
        terms = [normal, rest, normal + rest]
        assert found["terms"] == pytest.approx(terms, abs=1e-4)
        read = [
            number(v) for v in page.locator(".gm-panel .gm-value").all_inner_texts()
        ]
        assert read == pytest.approx(terms, abs=0.0101)
        assert read[0] + read[1] == pytest.approx(read[2], abs=1e-9)
        told = [number(v) for v in re.findall(r"−?[\d.]+", where(page))]
        assert told == pytest.approx([0.7, -1.2, t, x1, x2], abs=0.0051)
        dot = page.locator(".gm-plane svg > circle")
        at = [float(dot.get_attribute(k)) for k in ("cx", "cy")]
        assert at == pytest.approx([50 * (x1 + 4), 50 * (4 - x2)], abs=0.1)
    asked(page, "time(0.3125)")  # halfway between two steps
    half = (due[0.25][2] + due[0.375][2]) / 2
    assert asked(page, "get()")["terms"][1] == pytest.approx(half, abs=1e-4)
    check_chart(page, normal, due, half)


def number(text):
    return float(text.replace("−", "-"))


def where(page):
    return page.locator(".gm-left > .gm-near").inner_text()


def check_chart(page, normal, due, half):
    """Curves of log p over time, the level of log N, and the integral between them."""
    level, exact, curve, rest = page.locator(".gm-panel svg path").all()

    def pairs(path):
        found = re.findall(r"([\d.-]+)[ V]([\d.-]+)", path.get_attribute("d"))
        return torch.tensor([[float(v) for v in pair] for pair in found])

    at = pairs(curve)
    t = torch.tensor(list(due))
    torch.testing.assert_close(at[:, 0], 26 + 348 * t, atol=0.1, rtol=0)
    rests = torch.tensor([v[2] for v in due.values()])
    base = float(re.findall(r" ([\d.]+)H", level.get_attribute("d"))[0])
    scale = (at[:, 1].max() - at[:, 1].min()) / (rests.max() - rests.min())
    near = {"atol": 0.25, "rtol": 0}
    torch.testing.assert_close(at[:, 1], base - scale * rests, **near)
    assert len(pairs(exact)) == 65
    torch.testing.assert_close(pairs(exact)[::8, 1], at[:, 1], atol=8.0, rtol=0)
    x, low, high = map(float, re.findall(r"[\d.]+", rest.get_attribute("d")))
    assert x == pytest.approx(26 + 348 * 0.3125, abs=0.1)
    assert low == pytest.approx(base, abs=0.1)
    assert high == pytest.approx(base - scale.item() * half, abs=0.25)
    assert normal == pytest.approx(asked(page, "get()")["terms"][0], abs=1e-4)


@pytest.mark.browser
@pytest.mark.parametrize("name, steps", [("Euler", 1), ("Euler", 16), ("RK4", 2)])
def test_what_a_solver_costs_and_how_near_it_comes(show, name, steps):
    made = figure(data=clouds.moons())
    page = show(made)
    for back, kind in (True, "noise"), (False, "points"):
        asked(page, f"turn({str(back).lower()})")
        asked(page, f"solve('{name}', {steps})")
        page.wait_for_function(f"{FIGURE}.gap() !== null")
        x = halves(made.data[kind])
        ends = [carried(x, back, *how)[-1] for how in ((name, steps), ("RK4", 64))]
        due = (ends[0] - ends[1]).norm(dim=1).mean().item()
        assert due > 0.01
        assert asked(page, "gap()") == pytest.approx(due, abs=1e-4)
        cost, mean, mine = page.locator(".gm-side .gm-value").all()[3:]
        assert int(cost.inner_text()) == steps * {"Euler": 1, "RK4": 4}[name]
        assert float(mean.inner_text()) == pytest.approx(due, abs=1.5e-4)
        x = torch.tensor([asked(page, "get()")["start"]])
        ends = [carried(x, back, *how)[-1] for how in ((name, steps), ("RK4", 64))]
        gap = (ends[0] - ends[1]).norm().item()
        assert float(mine.inner_text()) == pytest.approx(gap, abs=1.5e-4)


# ---- the plane -------------------------------------------------------------------


ARROWS, GOAL, DATA, NOISE, EXACT, WAY, STOPS = range(7)


def path(page, k):
    return corners(page.locator(".gm-plane svg > path").nth(k))


def near(got, due, atol=2e-3):  # a tenth of a unit, as paths are written
    torch.testing.assert_close(got, due, atol=atol, rtol=0)


@pytest.mark.browser
def test_the_cloud_moves_on_the_solvers_path(show):
    made = figure(data=clouds.moons())
    page = show(made)
    for back, kind, mine, other in (
        (True, "noise", NOISE, DATA),
        (False, "points", DATA, NOISE),
    ):
        asked(page, f"turn({str(back).lower()})")
        asked(page, "solve('Euler', 4)")
        page.wait_for_function(f"{FIGURE}.gap() !== null")
        x = halves(made.data[kind])
        states = carried(x, back, "Euler", 4)
        for i, due in enumerate(states):
            asked(page, f"time({1 - i / 4 if back else i / 4})")
            near(path(page, mine), due)
            assert len(path(page, other)) == 0
        asked(page, f"time({0.625 if back else 0.375})")  # between two steps
        near(path(page, mine), (states[1] + states[2]) / 2)
        near(path(page, GOAL), carried(x, back, "RK4", 64)[-1])


@pytest.mark.browser
def test_arrows_point_where_points_go(show):
    page, t = show(figure()), 1.0
    asked(page, f"time({t})")
    cells = 4 * (2 * torch.arange(15) + 1) / 15 - 4
    grid = torch.cartesian_prod(cells, cells).flip(1)
    v = rounded().field(grid, t).detach()
    times = [rounded().field(grid, t).norm(dim=1) for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    speeds = torch.cat(times).sort()[0]
    cell = 8 / 15
    size = cell / speeds[int(0.9 * len(speeds))]
    long = (size * v.norm(dim=1, keepdim=True)).clamp(min=1e-9)
    arrow = size * v * (cell / long).clamp(max=1)
    assert (long > cell).any() and (long < cell).any()
    for back, sign in (True, -1), (False, 1):
        asked(page, f"turn({str(back).lower()})")
        found = path(page, ARROWS).view(-1, 5, 2)  # tail, tip, and the head
        near((found[:, 0] + found[:, 1]) / 2, grid, atol=3e-3)
        near(found[:, 1] - found[:, 0], sign * arrow.detach(), atol=5e-3)
        near(found[:, 3], found[:, 1])
        wings = (found[:, 2] + found[:, 4]) / 2  # behind the tip, on both sides
        near(found[:, 1] - wings, 0.3 * sign * arrow.detach(), atol=5e-3)


@pytest.mark.browser
def test_the_path_of_the_point(show):
    page = show(figure(start=(-0.5, 1.5)))
    for back in True, False:
        asked(page, f"turn({str(back).lower()})")
        asked(page, "set(1.25, -0.5)")
        for name, steps in ("Euler", 2), ("RK4", 4):
            asked(page, f"solve('{name}', {steps})")
            x = torch.tensor([[1.25, -0.5]])
            due = carried(x, back, name, steps)[:, 0]
            near(path(page, WAY), due)
            near(path(page, STOPS), due)
            near(path(page, EXACT), carried(x, back, "RK4", 64)[:, 0])


@pytest.mark.browser
def test_turned_the_point_goes_back_the_same_way(show):
    page = show(figure(start=(-0.5, 1.5)))
    asked(page, "solve('RK4', 32)")
    there = path(page, WAY)
    page.get_by_role("button", name="data to noise").click()
    near(path(page, WAY), there.flip(0), atol=5e-3)
    assert page.get_by_text("data on its way").is_visible()
    asked(page, "solve('Euler', 1)")
    page.get_by_role("button", name="noise to data").click()
    back = torch.tensor(asked(page, "get()")["path"])[-1, :2]
    assert (back - there[-1]).norm() > 0.05  # so crude a solver does not find back
    assert page.get_by_text("normal draws on their way").is_visible()


def test_the_still_shows_four_times(tmp_path):
    """A flow that moves all to the right by 2 from noise to data."""
    flow = continuous_flow(2, width=4)
    for weight in flow.parameters():
        nn.init.zeros_(weight)
    nn.init.constant_(flow.field.net[-1].bias, 0.0)
    flow.field.net[-1].bias.data[0] = -2.0
    made = figure(flow)
    (tmp_path / "still.png").write_bytes(made.still)
    image = torch.tensor(pictures.imread(tmp_path / "still.png"))
    assert image.shape == (210, 900, 3)
    blue = image[:, :, 2] - image[:, :, 0] > 0.3
    middles = []
    for i in range(4):
        rows, columns = blue[:, 230 * i : 230 * i + 210].nonzero().double().T
        assert len(rows) > 300
        middles.append(columns.mean().item() / 210 * 8 - 4)
        assert rows.mean().item() == pytest.approx(105, abs=8)
    assert middles == pytest.approx([0, 2 / 3, 4 / 3, 2], abs=0.2)
    assert middles[3] - middles[0] == pytest.approx(2, abs=0.1)


# ---- the reader ------------------------------------------------------------------


@pytest.mark.browser
def test_the_ring_is_dragged(show):
    page = show(figure(start=(1.0, 0.5)))
    box = page.locator(".gm-plane").bounding_box()
    handle = page.locator(".gm-handle").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 0.1 * box["width"], y - 0.05 * box["height"], steps=3)
    page.mouse.up()
    assert asked(page, "get()")["start"] == pytest.approx([1.8, 0.9], abs=0.03)
    near(path(page, WAY)[0], torch.tensor([1.8, 0.9]), atol=0.03)


@pytest.mark.browser
def test_keyboard(show):
    page = show(figure(start=(1.0, 0.5)))
    ring = page.get_by_role("application")
    ring.press("ArrowRight")
    ring.press("Shift+ArrowDown")
    assert asked(page, "get()")["start"] == pytest.approx([1.05, 0.0])
    words = ring.get_attribute("aria-label")
    assert words.startswith("A velocity: from 1.05, 0.00 at t = 1 to ")
    log_p = page.locator(".gm-panel .gm-value").last.inner_text()
    assert words.endswith(f"log p {log_p}")
    for _ in range(20):
        ring.press("Shift+ArrowUp")
    assert asked(page, "get()")["start"] == pytest.approx([1.05, 4.0])
    ring.press("Home")
    assert asked(page, "get()")["start"] == [1.0, 0.5]
    time, count = page.locator("input").all()
    for _ in range(3):
        time.press("ArrowLeft")
    assert asked(page, "get()")["t"] == pytest.approx(0.97)
    assert time.get_attribute("aria-valuetext") == "time t = 0.97"
    count.press("ArrowLeft")
    assert asked(page, "get()")["solver"] == {"name": "RK4", "steps": 4}
    page.get_by_label("solver").select_option("Euler")
    assert asked(page, "get()")["solver"] == {"name": "Euler", "steps": 4}
    page.get_by_role("button", name="data to noise").press("Enter")
    assert asked(page, "get()")["back"] is False


@pytest.mark.browser
def test_it_plays_both_ways_over_and_over(page, show):
    page.clock.install()
    show(figure())
    play = page.get_by_role("button", name="Play")
    assert asked(page, "get()")["t"] == 1
    play.click()
    page.clock.run_for(2000)  # and as long as the test takes
    page.get_by_role("button", name="data to noise").click()  # and plays on
    t = asked(page, "get()")["t"]
    assert 0.3 < t < 0.65
    page.clock.run_for(1000)
    assert t + 0.15 < asked(page, "get()")["t"] < t + 0.35
    page.wait_for_function(f"{FIGURE}.get().t === 1")
    page.clock.run_for(2000)
    assert 0 < asked(page, "get()")["t"] < 0.6  # rested, and begun anew
    asked(page, "time(1)")
    assert play.is_visible()  # who sets the time takes over
    play.click()
    page.clock.run_for(200)
    assert asked(page, "get()")["t"] < 0.5  # from the end at once


@pytest.mark.browser
def test_what_moves_by_itself_ends_when_the_ring_is_moved(page, show):
    page.clock.install()
    show(figure(wander=True))
    page.clock.run_for(2000)
    page.get_by_role("application").press("ArrowLeft")
    t = asked(page, "get()")["t"]
    assert 0.3 < t < 0.9
    page.clock.run_for(1000)
    assert asked(page, "get()")["t"] == t
    assert page.get_by_role("button", name="Play").is_visible()
    page.get_by_role("button", name="Play").click()
    page.get_by_role("application").press("ArrowLeft")
    page.clock.run_for(1000)
    assert asked(page, "get()")["t"] < t - 0.1  # asked for: it goes on


@pytest.mark.browser
def test_touch(show):
    page = show(figure())
    page.set_viewport_size(PHONE)
    box = page.locator(".gm-plane").bounding_box()
    page.touchscreen.tap(
        box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"]
    )
    page.wait_for_function(f"{FIGURE}.get().start[0] < 0")
    assert asked(page, "get()")["start"] == pytest.approx([-2, 2], abs=0.05)
    for width in 390, 360:
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


# ---- what it refuses -------------------------------------------------------------


@pytest.mark.parametrize(
    "how, words",
    [
        ({"data": GaussianMixture([[0.0]], stds=1.0)}, "no plane"),
        ({"start": (5.0, 0.0)}, "within ±4"),
        ({"start": (1.0,)}, "two numbers"),
        ({"start": (math.nan, 0.0)}, "finite"),
        ({"extent": -1.0}, "extent"),
    ],
)
def test_refuses(as_users_run_it, how, words):
    with pytest.raises(ValueError, match=words):
        figure(**how)


def of(field):
    return ContinuousFlow(field, (2,))


def with_net(net):
    field = Field(2)
    field.net = net
    return of(field)


class OtherField(Field):
    pass


@pytest.mark.parametrize(
    "flow, words",
    [
        (continuous_flow(3), r"event_shape \(3,\)"),
        (continuous_flow(2, condition=Labels(3)), "condition"),
        (of(nn.Linear(2, 2)), "the field is Linear"),
        (of(OtherField(2)), "the field is OtherField"),
        (of(Field(2, classes=3)), "without classes"),
        (with_net(mlp(3, 8, 2, activation=nn.SiLU)), "linear, silu, linear"),
        (with_net(nn.Sequential(mlp(3, 2), nn.Tanh())), "linear, tanh; expected"),
        (with_net(mlp(4, 8, 2, activation=nn.Tanh)), "takes 4 numbers and gives 2"),
        (with_net(nn.Bilinear(3, 3, 2)), "Bilinear"),
    ],
)
def test_refuses_flows(as_users_run_it, flow, words):
    with pytest.raises(ValueError, match=words):
        figure(flow)


def test_refuses_what_is_no_continuous_flow(as_users_run_it):
    class Own(ContinuousFlow):
        pass

    for given in nn.Linear(2, 2), Own(Field(2), (2,)):
        with pytest.raises(TypeError, match="expected gmcourse's ContinuousFlow"):
            figure(given)
    broken = copy.deepcopy(wild())
    nn.init.constant_(broken.field.net[0].bias, math.inf)
    with pytest.raises(ValueError, match="did training diverge"):
        figure(broken)
