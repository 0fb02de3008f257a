"""Moving earth on a line: its numbers against quadrature, its drawing and controls."""

import math
import struct
import zlib

import numpy as np
import pytest
import torch
from browser import chromium as chromium
from browser import page as page
from live_pages import PHONE
from live_pages import show as show

from gmcourse import live

FIGURE = "document.querySelector('.gm-live').gm"
TWO = [(-4.0, -2.5, 0.4), (1.5, 3.0, 0.6)]
OVER = [(-2.0, 2.0, 0.5), (0.0, 1.0, 0.3), (3.0, 4.5, 0.2)]
ONE = [(-1.0, 2.0, 1.0)]


def asked(page, call):
    return page.evaluate(f"{FIGURE}.{call}")


def transport(boxes=TWO, **how):
    how = {"start": (-0.8, 1.3), "wander": False, "label": "Earth", **how}
    return live.Transport(boxes, **how)


def density(boxes, x):
    left, right, weight = torch.tensor(boxes, dtype=torch.float64).T
    inside = (left < x[:, None]) & (x[:, None] < right)
    return (inside * weight / (right - left)).sum(1)


def quantiles(boxes, u):
    """The cumulative distribution function, which is linear between ends, inverted."""
    left, right, weight = torch.tensor(boxes, dtype=torch.float64).T
    ends = torch.cat([left, right]).sort().values
    below = (weight * ((ends[:, None] - left) / (right - left)).clamp(0, 1)).sum(1)
    return torch.from_numpy(np.interp(u, below, ends))


def cells(start, end, n):
    """Midpoints of n cells, to which the ends of all boxes here fit."""
    step = (end - start) / n
    return start + step * (torch.arange(n, dtype=torch.float64) + 0.5), step


def by_quadrature(boxes, center, width):
    """W1 from quantiles, JS from densities, on fine grids in double precision."""
    u, _ = cells(0, 1, 200_000)
    q = [(center - width / 2, center + width / 2, 1.0)]
    w1 = (quantiles(boxes, u) - quantiles(q, u)).abs().mean().item()
    x, step = cells(-5, 5, 10_000)
    p, q = density(boxes, x), density(q, x)
    terms = [torch.special.xlogy(d, 2 * d / (p + q)).nan_to_num() / 2 for d in (p, q)]
    return {"w1": w1, "js": (torch.stack(terms).sum() * step).item()}


@pytest.mark.browser
@pytest.mark.parametrize(
    "boxes, places",
    [
        # apart, across a gap, within a box, a box of p, all of the line
        (TWO, [(-0.8, 1.3), (0.9, 3.2), (2.2, 1.25), (-3.25, 1.5), (0, 10)]),
        (TWO, [(1.0, 1.3), (4.2, 1.6)]),  # hardly touching, at the end of the line
        (OVER, [(0.5, 1.0), (-3.2, 1.4), (1.2, 6.0)]),
        (ONE, [(0.5, 3.0), (0.5, 2.0), (0.5, 6.0), (-3.5, 2.4)]),
    ],
)
def test_numbers_equal_quadrature(show, boxes, places):
    page = show(transport(boxes, start=(-0.8, 2.5)))
    for center, width in places:
        assert asked(page, f"set({center}, {width})") == [center, width]
        due, found = by_quadrature(boxes, center, width), asked(page, "values()")
        assert found == pytest.approx(due, abs=1e-9)
        w1, js = page.locator(".gm-value").all_inner_texts()
        assert w1 == f"W₁ = {abs(due['w1']):.3f}"
        assert js == f"JS = {abs(due['js']):.3f} nats (≤ 0.693)"
        apart = found["js"] == pytest.approx(math.log(2), abs=1e-12)
        assert page.inner_text(".gm-near").startswith("No overlap") == apart


@pytest.mark.browser
def test_two_equal_heaps(show):
    page = show(transport(ONE, start=(0.5, 3.0)))
    assert asked(page, "values()") == pytest.approx({"w1": 0, "js": 0}, abs=1e-15)
    assert {f for _, f in asked(page, "critic()")} == {0}
    assert asked(page, "downhill('w1')") == [0.5, 3.0]
    assert asked(page, "downhill('js')") == [0.5, 3.0]
    # Flat where both F are 1 but for rounding: 0.7 + 0.2 + 0.1 > 1.
    page = show(transport([(-4.0, -3.0, 0.7), (-3.0, -2.0, 0.2), (-1.0, 0.0, 0.1)]))
    (a, low), (b, high) = asked(page, "critic()")[-2:]
    assert (a, b) == (0, 5) and low == high


@pytest.mark.browser
@pytest.mark.parametrize("place", [(-0.8, 1.3), (0.9, 3.2), (4.0, 1.4), (-3.2, 1.25)])
def test_the_critic_attains_w1(show, place):
    """Duality: slope -1, 0 or 1, and E_p f - E_q f = W1."""
    page = show(transport())
    center, width = asked(page, f"set({place[0]}, {place[1]})")
    x, f = torch.tensor(asked(page, "critic()"), dtype=torch.float64).T
    wide = x.diff() > 1e-9
    slopes = f.diff()[wide] / x.diff()[wide]
    torch.testing.assert_close(slopes, slopes.round(), atol=1e-9, rtol=0)
    assert slopes.abs().max() <= 1 + 1e-9 and slopes[-1].abs() < 1e-9  # both F are 1
    grid, step = cells(-5, 5, 100_000)
    q_box = (center - width / 2, center + width / 2, 1.0)
    p, q = density(TWO, grid), density([q_box], grid)
    value = torch.zeros_like(grid)
    for a, b, low, high in zip(x, x[1:], f, f[1:], strict=False):
        here = (a <= grid) & (grid < b)
        value[here] = (low + (high - low) * (grid - a) / (b - a))[here]
    due = asked(page, "values()")["w1"]
    assert ((p - q) * value).sum().item() * step == pytest.approx(due, abs=1e-6)


# ---- downhill ----------------------------------------------------------------------


@pytest.mark.browser
def test_w1_leads_to_p_from_anywhere(show):
    page = show(transport(ONE))
    for start in "-4.2, 1.3", "4, 1.5", "0.2, 9":
        asked(page, f"set({start})")
        assert asked(page, "downhill('w1')") == pytest.approx([0.5, 3.0], abs=1e-4)
    page = show(transport())
    ends = []
    for start in "-4, 1.3", "4, 1.5":
        asked(page, f"set({start})")
        ends.append(asked(page, "downhill('w1')"))
    assert ends[0] == pytest.approx(ends[1], abs=1e-3)  # convex: one end
    # The mean of |P(u) - c - w (u - 1/2)| has no slope there: signs without a mean.
    u, _ = cells(0, 1, 200_000)
    sign = (quantiles(TWO, u) - ends[0][0] - ends[0][1] * (u - 0.5)).sign()
    assert abs(sign.mean()) < 1e-3 and abs((sign * (u - 0.5)).mean()) < 1e-3


@pytest.mark.browser
def test_js_leads_where_the_start_decides_and_nowhere_from_apart(show):
    page = show(transport())
    for start in [-0.8, 1.3], [4.2, 1.5], [-0.5, 3.998]:
        asked(page, f"set({start[0]}, {start[1]})")
        before = asked(page, "values()")
        assert asked(page, "downhill('js')") == start
        assert asked(page, "values()") == before
        assert before["js"] == pytest.approx(math.log(2), abs=1e-12)
        assert before["w1"] > 1
    for start, (left, right) in [
        ("-2, 2", TWO[0][:2]),
        ("2, 1.3", TWO[1][:2]),
        ("-0.5, 4", (-4.0, 3.0)),  # touches both
    ]:
        asked(page, f"set({start})")
        center, width = asked(page, "downhill('js')")
        due = [(left + right) / 2, right - left]
        assert [center, width] == pytest.approx(due, abs=1e-5)
        least = asked(page, "values()")["js"]
        for a, b in (0.01, 0), (-0.01, 0), (0, 0.02), (0.01, 0.02), (-0.01, 0.02):
            q = [(left + a - b, right + a + b, 1.0)]
            nearby = by_quadrature(TWO, (q[0][0] + q[0][1]) / 2, q[0][1] - q[0][0])
            assert nearby["js"] > least


@pytest.mark.browser
def test_the_buttons_run_and_say_what_happened(show):
    page = show(transport())
    page.evaluate("""() => {  // the first frame after a click began before it
        const now = performance.now.bind(performance);
        performance.now = () => now() + 40;
    }""")
    w1, js = page.locator(".gm-head button").all()
    assert page.get_by_role("button", name="Downhill in JS").count() == 1
    js.click()
    page.wait_for_function(
        "document.querySelector('.gm-near').innerText.includes('no slope')"
    )
    assert js.inner_text() == "Downhill" and asked(page, "get()") == [-0.8, 1.3]
    w1.click()
    page.wait_for_function(f"{FIGURE}.get()[0] != -0.8")
    asked(page, "set(-0.5, 4.5)")
    names = page.evaluate("""() => {
        const [w1, js] = document.querySelectorAll(".gm-head button");
        js.click();  // the other stops
        const clicked = [w1.innerText, js.innerText];
        const handle = document.querySelector(".gm-handle");
        handle.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft" }));
        return [clicked, [w1.innerText, js.innerText]];
    }""")
    assert names == [["Downhill", "Pause"], ["Downhill", "Downhill"]]
    asked(page, "downhill('w1')")
    w1.click()
    page.wait_for_function(
        "document.querySelector('.gm-near').innerText.startsWith('Arrived')"
    )
    assert w1.inner_text() == "Downhill"
    page.get_by_role("button", name="Begin anew").click()
    assert asked(page, "get()") == [-0.8, 1.3]


# ---- the drawing and the handle -----------------------------------------------------


def points(path):
    """The corners of each stroke of a path, in the units of the line."""
    strokes = path.rstrip("Z").split("M")[1:]
    corners = [[c.split() for c in stroke.split("L")] for stroke in strokes]
    return [[(float(x) / 40 - 5, float(y)) for x, y in one] for one in corners]


@pytest.mark.browser
def test_what_is_drawn(show):
    page = show(transport())
    center, width = asked(page, "set(0.9, 3.2)")

    def drawn(selector):
        return points(page.locator(selector).first.get_attribute("d"))

    pairs = drawn(".gm-pairs")
    u = torch.arange(0.5, 24, dtype=torch.float64) / 24
    due = torch.stack([quantiles(TWO, u), center + width * (u - 0.5)], 1)
    found = torch.tensor([[a[0], b[0]] for a, b in pairs], dtype=torch.float64)
    torch.testing.assert_close(found, due, atol=2e-4, rtol=0)

    (p,), (q,) = drawn(".gm-panel .gm-stroke0"), drawn(".gm-panel .gm-stroke6")
    assert [x for x, _ in p] == [x for x, _ in q]
    area, edge, tall = 0, 9, 72
    for (x, y), (x2, y2), (_, z), (_, z2) in zip(p, p[1:], q, q[1:], strict=False):
        assert (y - z) * (y2 - z2) >= 0  # the crossing is a corner
        area += (x2 - x) * (abs(y - z) + abs(y2 - z2)) / 2 / tall
    assert area == pytest.approx(asked(page, "values()")["w1"], abs=1e-3)
    assert (p[0][1], p[-1][1]) == (q[0][1], q[-1][1]) == (edge + tall, edge)
    (between,) = drawn(".gm-panel .gm-fill3")
    assert between == [*p, *q[::-1]]

    critic, classifier = page.locator(".gm-stroke4").all()
    (f,) = points(critic.get_attribute("d"))
    due = asked(page, "critic()")
    rise = [(10 / tall) * (f[0][1] - y) for _, y in f]  # upward
    assert rise == pytest.approx([y for _, y in due], abs=5e-3)
    levels = points(classifier.get_attribute("d"))
    assert len({y for (_, y), _ in levels}) == 3  # p alone, q alone, both
    for (x, y), (_, y2) in levels:
        (p_x,), (q_x,) = (
            density(h, torch.tensor([x + 0.01], dtype=torch.float64))
            for h in (TWO, [(-0.7, 2.5, 1.0)])
        )
        share = (p_x / (p_x + q_x)).item()
        assert y == y2 == pytest.approx(edge + tall * (1 - share), abs=0.01)


@pytest.mark.browser
def test_the_box_is_dragged_by_its_tip(show):
    page = show(transport(start=(-0.8, 2.0)))
    box = page.locator(".gm-plane").bounding_box()
    handle = page.locator(".gm-handle").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 0.2 * box["width"], y)
    assert asked(page, "get()") == pytest.approx([1.2, 2.0], abs=0.03)
    page.mouse.move(x, y + 500)  # beyond the end: held at the narrowest
    assert asked(page, "get()") == pytest.approx([-0.8, 1.25], abs=0.03)
    page.mouse.move(x, y - 500)  # as wide as fits there
    assert asked(page, "get()") == pytest.approx([-0.8, 8.4], abs=0.06)
    page.mouse.move(x + 2000, y)  # off the line: held on it
    assert asked(page, "get()") == pytest.approx([4.375, 1.25], abs=0.03)
    page.mouse.up()
    page.keyboard.press("Home")
    assert asked(page, "get()") == [-0.8, 2.0]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    due = [-0.75, 2.0 * math.exp(0.5)]
    assert asked(page, "get()") == pytest.approx(due)
    name = page.get_by_role("application").get_attribute("aria-label")
    assert name.startswith("Earth: center −0.75, width 3.30, W1 ")


@pytest.mark.browser
def test_the_box_by_touch(show):
    page = show(transport())
    page.set_viewport_size(PHONE)
    page.locator(".gm-plane").scroll_into_view_if_needed()
    box = page.locator(".gm-plane").bounding_box()
    page.touchscreen.tap(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"])
    page.wait_for_function(f"{FIGURE}.get()[0] != -0.8")
    center, width = asked(page, "get()")
    assert center == pytest.approx(1.0, abs=0.05) and width != 1.3


@pytest.mark.browser
def test_set_holds_the_box_on_the_line(show):
    page = show(transport())
    assert asked(page, "set(9, 4)") == [3, 4]
    assert asked(page, "set(1, 99)") == [0, 10]
    assert asked(page, "set(1, 0.1)") == [1, 1.25]
    for wrong in "NaN, 1", "0, 0", "0, NaN":
        with pytest.raises(Exception, match="expected a center and a positive width"):
            asked(page, f"set({wrong})")


# ---- in Python ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "boxes, how, words",
    [
        ([], {}, "of one at least"),
        ([(0.0, 1.0)], {}, r"expected \(left, right, weight\)"),
        ([(1.0, 1.0, 1.0)], {}, "left of its right end"),
        ([(0.0, 1.0, 0.5), (2.0, 3.0, 0.4)], {}, "sum to one"),
        ([(0.0, 1.0, 1.5), (2.0, 3.0, -0.5)], {}, "positive"),
        ([(0.0, math.nan, 1.0)], {}, "finite"),
        ([(-6.0, 1.0, 1.0)], {}, "raise extent"),
        ([(-1.0, 6.0, 1.0)], {}, "raise extent"),
        (TWO, {"start": (0.0, 1.2)}, "a width of 1.25 or more"),
        (TWO, {"start": (4.5, 1.5)}, "within ±5"),
        (TWO, {"start": (-4.5, 1.5)}, "within ±5"),
        (TWO, {"start": (math.inf, 1.5)}, "finite"),
        (TWO, {"extent": 0.0}, "extent"),
    ],
)
def test_transport_refuses(as_users_run_it, boxes, how, words):
    with pytest.raises(ValueError, match=words):
        live.Transport(boxes, **how)


def test_the_data_of_the_page():
    data = transport([(0.0, 1.0, 0.3), (2.0, 4.0, 0.7000004)]).data
    assert sum(box[2] for box in data["boxes"]) == pytest.approx(1, abs=1e-15)
    assert [box[:2] for box in data["boxes"]] == [[0, 1], [2, 4]]
    assert data["narrowest"] == 1 and transport().data["narrowest"] == 1.25


def test_the_still_has_p_above_and_q_below():
    still = transport().still
    size = struct.unpack(">I", still[33:37])[0]
    rows = zlib.decompress(still[41 : 41 + size])
    image = torch.frombuffer(bytearray(rows), dtype=torch.uint8).view(222, 441)[:, 1:]
    at = {x: round((x + 5) / 10 * 439) for x in (-3.2, -0.8, 2.2)}
    tall = {x: (image[:, i] == 200).sum().item() for x, i in at.items()}
    hangs = {x: (image[:, i] == 130).sum().item() for x, i in at.items()}
    assert hangs[-0.8] == pytest.approx(100, abs=1)
    assert hangs[-3.2] == hangs[2.2] == tall[-0.8] == 0
    assert tall[2.2] / tall[-3.2] == pytest.approx(1.5, abs=0.05)  # weights
    assert hangs[-0.8] / tall[2.2] == pytest.approx(1.5 / 0.6 / 1.3, abs=0.05)
    assert image[109, at[2.2]] == 200 and image[112, at[-0.8]] == 130  # at the line
    assert image[0, at[2.2]] == image[-1, at[-0.8]] == 255
