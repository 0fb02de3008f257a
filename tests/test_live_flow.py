"""The flow of the plane: its numbers, slopes and steps in the page against torch."""

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

from gmcourse import Labels, flows, live
from gmcourse.data import clouds, densities
from gmcourse.data.mixture import GaussianMixture
from gmcourse.monotone import Affine, RationalQuadratic, Shift
from gmcourse.nets import mlp

FIGURE = "document.querySelector('.gm-live').gm"


def asked(page, call):
    return page.evaluate(f"{FIGURE}.{call}")


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@functools.cache
def two_sets():
    """One whose density is known, and one that is known by its points alone."""
    return {"banana": densities.banana(), "moons": clouds.moons()}


def net(out, act=nn.SiLU, width=16):
    return mlp(1, width, width, out, activation=act)


@functools.cache
def mixed(seed=0):
    """No identity, and all that the page knows: both moves, both halves, two limits."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts = [
            flows.Coupling(net(2), Affine()),
            flows.Coupling(net(2, nn.Tanh), Affine(limit=0.4), flip=True),
            flows.Coupling(net(1), Shift()),
            flows.Coupling(net(2, nn.LeakyReLU), Affine(), flip=True),
            flows.Coupling(net(1, nn.ReLU), Shift(), flip=True),
        ]
        flow = flows.Flow(*parts, event_shape=(2,))
        for part in flow.chain.parts:
            nn.init.normal_(part.net[-1].weight, std=0.5)
    return flow


def identity():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return flows.coupling_flow(2, layers=4, width=24)


def figure(flow=None, **how):
    how = {"wander": False, "label": "A flow", "sets": two_sets(), **how}
    return live.FlowPlane(mixed() if flow is None else flow, **how)


def rounded(flow):
    return copy.deepcopy(flow).half().float()


@torch.no_grad()
def by_torch(flow, x):
    """The points after each number of layers, and each layer's terms."""
    states, terms = [x], []
    for part in flow.chain.parts:
        z, log_det = part.to_latent(states[-1])
        states.append(z)
        terms.append(log_det)
    return torch.stack(states), torch.stack(terms)


def held(made, i=0):
    """The points that the page shows and does not learn from."""
    raw = bytearray(base64.b64decode(made.data["sets"][i]["held"]))
    return torch.frombuffer(raw, dtype=torch.float16).float().view(-1, 2)


# ---- numbers ---------------------------------------------------------------------


def test_what_the_page_is_told():
    made = figure(rate=0.002, batch=77)
    layers, sets = made.data["layers"], made.data["sets"]
    assert [layer["flip"] for layer in layers] == [False, True, False, True, True]
    assert [layer["limit"] for layer in layers] == [3.0, 0.4, None, 3.0, None]
    assert (made.data["rate"], made.data["batch"]) == (0.002, 77)
    for i, given in enumerate(sets):
        x, learned = held(made, i), base64.b64decode(given["points"])
        assert len(x) == 600 and len(learned) == 2 * 2 * 3000
        assert base64.b64decode(given["held"])[:40] not in learned
    truth = -densities.banana().log_prob(held(made)).mean().item()
    assert sets[0]["truth"] == pytest.approx(truth, abs=2e-3)  # points in halves
    assert truth == pytest.approx(densities.banana().entropy, abs=0.15)
    assert sets[1]["truth"] is None
    usual = live.FlowPlane(flows.coupling_flow(2)).data["sets"]
    assert [one["name"] for one in usual] == ["moons", "pinwheel", "ring of eight"]
    assert [one["truth"] is None for one in usual] == [True, False, False]


@pytest.mark.browser
def test_points_and_terms_equal_torch(show):
    page, x = show(figure()), 2 * draws(30, 2)
    got = page.evaluate(f"x => {FIGURE}.run(x)", x.flatten().tolist())
    states = torch.tensor(got["states"]).view(6, 30, 2)
    terms = torch.tensor(got["log_dets"])
    for flow, atol in (rounded(mixed()), 2e-5), (mixed(), 5e-3):
        due, due_terms = by_torch(flow, x)
        assert (due_terms[[0, 1, 3]].std(1) > 0.05).all()  # something to compare
        torch.testing.assert_close(states, due, atol=atol, rtol=1e-5)
        torch.testing.assert_close(terms, due_terms, atol=atol, rtol=1e-5)
        log_p = flows.normal_log_prob(states[-1]) + terms.sum(0)
        theirs = flow.log_prob(x).detach()
        torch.testing.assert_close(log_p, theirs, atol=2 * atol, rtol=2 * atol)


@pytest.mark.browser
def test_back_is_the_inverse(show):
    page, x = show(figure()), 2 * draws(20, 2)
    states, _ = by_torch(rounded(mixed()), x)
    for k, h in enumerate(states):
        script = f"h => {FIGURE}.back(h, {k})"
        got = torch.tensor(page.evaluate(script, h.flatten().tolist())).view(-1, 2)
        torch.testing.assert_close(got, x, atol=1e-4, rtol=1e-4)


@pytest.mark.browser
@pytest.mark.parametrize("at", [(1.0, 0.5), (-2.13, 3.0), (0.02, -3.96)])
def test_the_terms_that_are_shown_add_up(show, at):
    page = show(figure())
    assert asked(page, f"set({at[0]}, {at[1]})") == pytest.approx(at)
    x, flow = torch.tensor([at]), rounded(mixed())
    states, terms = by_torch(flow, x)
    due = [flows.normal_log_prob(states[-1]).item(), *terms[:, 0].tolist()]
    names, shown = read(page)
    layers = [f"layer {i}" for i in range(1, 6)]
    assert names == ["log N(z)", *layers, "log p(x)"]
    assert shown[:-1] == pytest.approx(due, abs=0.0101)
    assert shown[-1] == pytest.approx(flow.log_prob(x).item(), abs=0.0051)
    assert sum(shown[:-1]) == pytest.approx(shown[-1], abs=1e-9)
    z = states[-1, 0].tolist()
    told = re.findall(r"−?[\d.]+", page.inner_text(".gm-where"))
    told = [float(v.replace("−", "-")) for v in told]
    assert told == pytest.approx([*at, *z], abs=0.0051)
    bars = page.locator(".gm-panel rect").all()
    ends = [[float(b.get_attribute(a)) for a in ("x", "width")] for b in bars]
    x0, scale = sum(ends[0]), ends[0][1] / abs(due[0])  # the first ends at zero
    total = 0.0
    for (left, width), term in zip(ends, due):
        low = min(total, total + term)  # a bar begins where the one before ends
        assert left == pytest.approx(x0 + scale * low, abs=0.2)
        assert width == pytest.approx(max(1, scale * abs(term)), abs=0.2)
        total += term
    assert ends[-1][1] == pytest.approx(scale * abs(total), abs=0.2)


def read(page):
    """The lines of the sum: names and numbers."""
    texts = page.locator(".gm-panel g[fill] text").all_text_contents()
    n = len(texts) // 3
    return texts[:n], [float(v.replace("−", "-")) for v in texts[n : 2 * n]]


@pytest.mark.browser
def test_the_loss_is_that_of_points_held_back(show):
    made = figure()
    page = show(made)
    for i, name in enumerate(two_sets()):
        asked(page, f"choose({i})")
        asked(page, "start(0)")
        x, found = held(made, i), asked(page, "get()")
        due = rounded(mixed()).loss(x).item()
        assert found["losses"] == pytest.approx([due], abs=1e-4)
        if name == "moons":
            assert found["truth"] is None
            assert "true density" not in page.locator(".gm-losses").inner_text()
            continue
        truth = -densities.banana().log_prob(x.double()).mean().item()
        assert found["truth"] == pytest.approx(truth, abs=2e-3)
        words = page.locator(".gm-losses .gm-near").inner_text()
        assert words == f"step 0: loss {due:.3f} nats; the true density {truth:.3f}"


# ---- training --------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize("flow", [mixed, identity])
def test_ten_steps_equal_torch(show, flow):
    """Losses, slopes in the weights and the weights after Adam, in single precision."""
    page = show(figure(flow(), rate=0.01))
    model, x = rounded(flow()), 2 * draws(10, 33, 2)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for i in range(10):
        optimizer.param_groups[0]["lr"] = 0.01 / (1 + i / 200) ** 0.5
        loss = model.loss(x[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        got = page.evaluate(f"x => {FIGURE}.update(x)", x[i].flatten().tolist())
        assert got == pytest.approx(loss.item(), rel=1e-4)
        found = asked(page, "get()")
        assert found["count"] == i + 1
        for part, slopes, weights in zip(
            model.chain.parts, found["gradients"], found["weights"]
        ):
            due = [torch.cat([p.grad.flatten() for p in part.parameters()])]
            due += [torch.cat([p.detach().flatten() for p in part.parameters()])]
            near = {"atol": 2e-4, "rtol": 1e-3}
            torch.testing.assert_close(torch.tensor(slopes), due[0], **near)
            # Adam's first steps are of the rate's size where a slope is nearly 0.
            far = (torch.tensor(weights) - due[1]).abs()
            assert (far < 1e-3).double().mean() > 0.99 and far.max() < 0.05


@pytest.mark.browser
def test_training_from_the_identity_comes_near_the_true_density(show):
    made = figure(identity(), sets={"banana": densities.banana()}, batch=64)
    page = show(made)
    asked(page, "start(3)")
    found = asked(page, "get()")
    x = held(made)
    at_first = flows.normal_log_prob(x).mean().neg().item()
    assert found["losses"] == pytest.approx([at_first], abs=1e-4)
    page.evaluate(f"() => {{ for (let i = 0; i < 300; i++) {FIGURE}.update(); }}")
    losses = asked(page, "get()")["losses"]
    # Of 20 seeds the worst was 0.075 nats above; the identity is 1.08 above.
    assert len(losses) == 16 and -0.05 < losses[-1] - found["truth"] < 0.12


# ---- the planes ------------------------------------------------------------------


def path(page, plane, k):
    """The corners of a path of a plane: 0 and 1 are the upright and the level lines, 2
    the data, 3 draws, 4 the way of the point."""
    return corners(page.locator(".gm-plane").nth(plane).locator("path").nth(k))


def near(got, due, atol=2e-3):  # a tenth of a unit, as paths are written
    torch.testing.assert_close(got, due, atol=atol, rtol=0)


def square(reach):
    """Thirteen upright lines and thirteen level ones."""
    lines, along = torch.linspace(-reach, reach, 13), torch.linspace(-reach, reach, 97)
    upright = torch.cartesian_prod(lines, along)
    return upright, upright.flip(1)


@pytest.mark.browser
def test_grid_and_data_are_carried_to_z(show):
    made = figure()
    page, flow, x = show(made), rounded(mixed()), held(made)
    near(path(page, 0, 2), x)
    for k in (5, 0, 2):
        asked(page, f"layer({k})")
        for i, lines in enumerate(square(4.0)):
            near(path(page, 0, i), lines)
            near(path(page, 1, i), by_torch(flow, lines)[0][k])
        near(path(page, 1, 2), by_torch(flow, x)[0][k])
        near(
            path(page, 1, 4)[:-1],
            by_torch(flow, torch.tensor([[1.0, 0.5]]))[0][: k + 1, 0],
        )
        assert len(path(page, 1, 3)) == len(path(page, 0, 3)) == 0
    assert not page.get_by_text("draws of the flow").is_visible()


@pytest.mark.browser
def test_grid_and_draws_are_carried_back(show):
    page, flow = show(figure()), rounded(mixed())
    page.get_by_role("button", name="z to x").click()
    assert page.get_by_text("draws of the flow").is_visible()
    z = path(page, 1, 3)
    assert len(z) == 600 and z.mean(0).abs().max() < 0.15 and abs(z.std() - 1) < 0.1
    near(path(page, 0, 3), flow.from_latent(z).detach(), atol=0.01)
    for k in (5, 1):
        asked(page, f"layer({k})")
        for i, lines in enumerate(square(3.0)):
            x = flow.from_latent(lines).detach()
            near(path(page, 0, i), x)
            near(path(page, 1, i), by_torch(flow, x)[0][k])
    assert len(path(page, 1, 2)) == 0
    page.get_by_role("button", name="x to z").click()
    near(path(page, 0, 0), square(4.0)[0])
    assert len(path(page, 0, 3)) == 0


def test_the_still_shows_both_planes(tmp_path):
    """A flow that moves all to the right by 2, and a set of one spot."""
    part = flows.Coupling(mlp(1, 1), Shift(), flip=True)
    nn.init.zeros_(part.net[0].weight)
    nn.init.constant_(part.net[0].bias, -2.0)
    spot = GaussianMixture([[-1.0, 2.5]], stds=1e-4)
    made = figure(flows.Flow(part, event_shape=(2,)), sets={"spot": spot})
    (tmp_path / "still.png").write_bytes(made.still)
    image = torch.tensor(pictures.imread(tmp_path / "still.png"))  # (rows, columns, 3)
    assert image.shape == (210, 440, 3)
    blue = image[:, :, 2] - image[:, :, 0] > 0.3
    for start, x in (0, -1.0), (230, 1.0):
        row, column = int(210 * (4 - 2.5) / 8), start + int(210 * (x + 4) / 8)
        around = slice(row - 4, row + 5), slice(column - 4, column + 5)
        assert blue[around].sum() == 4  # one dot of two pixels by two
        blue[around] = False
    assert not blue.any()
    gray = image.mean(2)[5, :] < 0.9  # between the level lines: upright ones alone
    assert 14 <= gray[:210].sum() <= 20 and not gray[210:230].any()
    assert 10 <= gray[230:].sum() < gray[:210].sum()  # some have left to the right
    assert not gray[230:270].any()


# ---- the reader ------------------------------------------------------------------


@pytest.mark.browser
def test_a_point_is_dragged_on_either_plane(show):
    page, flow = show(figure()), rounded(mixed())
    for plane in (0, 1):
        box = page.locator(".gm-plane").nth(plane).bounding_box()
        handle = page.locator(".gm-handle").nth(plane).bounding_box()
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        dx = -0.1 if plane else 0.1
        page.mouse.move(x + dx * box["width"], y - 0.05 * box["height"], steps=3)
        page.mouse.up()
        got = torch.tensor([asked(page, "get()")["x"]])
        if plane == 0:
            first = got
            assert got[0].tolist() == pytest.approx([1.8, 0.9], abs=0.03)
        else:
            z = flow.to_latent(first)[0] + torch.tensor([[-0.8, 0.4]])
            torch.testing.assert_close(flow.to_latent(got)[0], z, atol=0.03, rtol=0)


@pytest.mark.browser
def test_keyboard(show):
    page, flow = show(figure()), rounded(mixed())
    left, right = page.get_by_role("application").all()
    left.press("ArrowRight")
    left.press("Shift+ArrowDown")
    assert asked(page, "get()")["x"] == pytest.approx([1.05, 0.0])
    words = left.get_attribute("aria-label")
    assert words.startswith("A flow: x 1.05, 0.00, log N(z) −") and "layer 5 " in words
    for _ in range(20):
        left.press("Shift+ArrowUp")
    assert asked(page, "get()")["x"] == pytest.approx([1.05, 4.0])  # stays on the plane
    left.press("Home")
    assert asked(page, "get()")["x"] == [1.0, 0.5]
    slider = page.locator("input")
    for key in "ArrowLeft", "ArrowLeft":
        slider.press(key)
    assert page.inner_text(".gm-slider:has(input)") == "layers 3 of 5"
    assert page.get_by_text("after 3 of 5 layers").is_visible()
    h = by_torch(flow, torch.tensor([[1.0, 0.5]]))[0][3, 0]
    right.press("Shift+ArrowLeft")
    got = by_torch(flow, torch.tensor([asked(page, "get()")["x"]]))[0][3, 0]
    due = h - torch.tensor([0.5, 0.0])
    torch.testing.assert_close(got, due, atol=1e-3, rtol=0)
    assert "after 3 layers" in right.get_attribute("aria-label")
    slider.press("Home")
    assert page.get_by_text("x, before the layers").is_visible()
    page.get_by_role("button", name="z to x").press("Enter")
    assert asked(page, "get()")["backward"] is True


@pytest.mark.browser
def test_it_is_trained_begun_anew_and_given_back(show):
    page = show(figure())
    given = asked(page, "get()")["weights"]
    due = [
        torch.cat([p.flatten() for p in q.parameters()])
        for q in rounded(mixed()).chain.parts
    ]
    assert all(torch.equal(torch.tensor(a), b) for a, b in zip(given, due))
    asked(page, "layer(0)")
    train = page.get_by_role("button", name="Train")
    train.click()
    page.wait_for_function(f"{FIGURE}.get().count > 20")
    page.get_by_role("button", name="Pause").click()
    assert asked(page, "get()")["k"] == 5  # where training is seen
    assert page.locator(".gm-losses path").last.get_attribute("d").startswith("M8.0 ")
    asked(page, "layer(5)")
    page.get_by_role("button", name="Begin anew").click()
    first = asked(page, "get()")
    assert first["count"] == 0 and first["weights"] != given
    near(path(page, 1, 2), path(page, 0, 2))  # the identity
    page.get_by_role("button", name="Begin anew").click()
    assert asked(page, "get()")["weights"] != first["weights"]
    page.get_by_label("data").select_option("moons")
    assert asked(page, "get()")["weights"] != given
    page.get_by_role("button", name="Given weights").click()
    assert asked(page, "get()")["weights"] == given
    assert page.get_by_label("data").input_value() == "banana"


@pytest.mark.browser
def test_an_identity_is_trained_when_it_is_seen(page, show):
    page.clock.install()
    show(figure(identity(), wander=True))
    assert page.get_by_role("button", name="Given weights").count() == 0
    page.clock.run_for(1000)
    assert asked(page, "get()")["count"] > 20
    page.get_by_role("button", name="Play").click()  # both at once
    assert page.get_by_role("button", name="Pause").count() == 2
    page.clock.run_for(2500)
    found = asked(page, "get()")
    assert found["k"] < 4 and found["count"] > 100
    page.get_by_role("application").first.press("ArrowLeft")
    assert page.get_by_role("button", name="Train").is_visible()  # touched: it ends
    assert (
        page.get_by_role("button", name="Pause").count() == 1
    )  # asked for: it goes on


@pytest.mark.browser
def test_what_moves_by_itself_ends_when_the_point_is_moved(page, show):
    page.clock.install()
    show(figure(wander=True))
    page.clock.run_for(2000)
    assert 1 < asked(page, "get()")["k"] < 5
    page.get_by_role("application").first.press("ArrowLeft")
    k = asked(page, "get()")["k"]
    page.clock.run_for(1000)
    assert asked(page, "get()")["k"] == k == round(k)
    play = page.get_by_role("button", name="Play")
    play.click()
    page.get_by_role("application").first.press("ArrowLeft")
    page.clock.run_for(1000)
    assert asked(page, "get()")["k"] != k


@pytest.mark.browser
def test_touch(show):
    page = show(figure())
    page.set_viewport_size(PHONE)
    box = page.locator(".gm-plane").first.bounding_box()
    page.touchscreen.tap(
        box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"]
    )
    page.wait_for_function(f"{FIGURE}.get().x[0] != 1")
    assert asked(page, "get()")["x"] == pytest.approx([-2, 2], abs=0.05)
    page.locator(".gm-plane").nth(1).scroll_into_view_if_needed()
    finger = page.context.new_cdp_session(page)
    handle = page.locator(".gm-handle").nth(1).bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    before = page.evaluate("scrollY")
    for kind, dy in ("touchStart", 0), ("touchMove", 30), ("touchMove", 60):
        at = {"type": kind, "touchPoints": [{"x": x, "y": y + dy}]}
        finger.send("Input.dispatchTouchEvent", at)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    moved = page.locator(".gm-handle").nth(1).bounding_box()
    assert moved["y"] + moved["height"] / 2 == pytest.approx(y + 60, abs=3)
    assert page.evaluate("scrollY") == before
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


# ---- what it refuses -------------------------------------------------------------


@pytest.mark.parametrize(
    "how, words",
    [
        ({"sets": {}}, "no sets"),
        ({"sets": {"line": GaussianMixture([[0.0]], stds=1.0)}}, "no plane"),
        ({"start": (5.0, 0.0)}, "within ±4"),
        ({"start": (1.0,)}, "two numbers"),
        ({"start": (math.nan, 0.0)}, "finite"),
        ({"rate": 0.0}, "rate"),
        ({"extent": -1.0}, "extent"),
        ({"batch": 0}, "batch"),
        ({"batch": 513}, "1 to 512"),
    ],
)
def test_refuses(as_users_run_it, how, words):
    with pytest.raises(ValueError, match=words):
        figure(**how)


def flow_of(*parts):
    return flows.Flow(*parts, event_shape=(2,))


@pytest.mark.parametrize(
    "flow, words",
    [
        (flows.coupling_flow(3), r"expected \(2,\)"),
        (flows.coupling_flow(2, condition=Labels(3)), "condition"),
        (flow_of(), "0 parts; expected 1 to 12"),
        (flows.coupling_flow(2, layers=13, width=2), "13 parts"),
        (flow_of(flows.Permute([1, 0])), "part 0 of the flow is a Permute"),
        (flows.coupling_flow(2, RationalQuadratic()), "by RationalQuadratic"),
        (
            flow_of(flows.Coupling(net(3), Affine())),
            "net of part 0 takes 1 numbers and",
        ),
        (flow_of(flows.Coupling(net(2, nn.GELU), Affine())), "cannot train"),
        (
            flow_of(flows.Coupling(nn.Sequential(net(2), nn.Tanh()), Affine())),
            "ends in tanh",
        ),
    ],
)
def test_refuses_flows(as_users_run_it, flow, words):
    with pytest.raises(ValueError, match=words):
        figure(flow)


def test_refuses_what_is_no_flow(as_users_run_it):
    class Own(flows.Flow):
        pass

    for given in nn.Linear(2, 2), Own(*mixed().chain.parts, event_shape=(2,)):
        with pytest.raises(TypeError, match="expected a Flow"):
            figure(given)
    broken = copy.deepcopy(mixed())
    nn.init.constant_(broken.chain.parts[1].net[0].bias, math.inf)
    with pytest.raises(ValueError, match="did training diverge"):
        figure(broken)
