"""A model that draws pixel by pixel: numbers against torch, pen and keys."""

import base64
import copy
import itertools
import math
import re
import struct

import pytest
import torch
from browser import chromium as chromium
from browser import page as page
from live_pages import PHONE, drawn
from live_pages import show as show
from test_live import read_png

from gmcourse import live, seeded
from gmcourse.autoregressive import NADE

FIGURE = "document.querySelector('.gm-live').gm"
SHAPE = (1, 5, 7)


def asked(page, call):
    return page.evaluate(f"{FIGURE}.{call}")


def nade(shape=SHAPE, hidden=9, scale=1.5, seed=0):
    """Weights that make a pixel depend on those before it, and on which they are."""
    model = NADE(shape, hidden)
    with seeded(seed), torch.no_grad():
        for p in model.parameters():
            p.normal_(0, scale)
    return model


def rounded(model):
    """A copy that computes in double precision with the weights rounded to fp16."""
    return copy.deepcopy(model).half().double()


def figure(model=None, *given, **how):
    how = {"wander": False, "label": "Pixels of a test", **how}
    return live.PixelByPixel(model or nade(), *given, **how)


def binary(n=1, shape=SHAPE, seed=3):
    return torch.randint(2, (n, *shape), generator=torch.Generator().manual_seed(seed))


def logits(model, values):
    """Of all pixels, open ones as 0."""
    x = torch.tensor([v or 0 for v in values], dtype=next(model.parameters()).dtype)
    with torch.no_grad():
        return model.params(x.view(1, *model.event_shape)).flatten()


def shades(page, which):
    """The gray of each pixel of a canvas, None where it is open."""
    rgba = page.evaluate(
        """k => { const c = document.querySelectorAll(".gm-live canvas")[k];
        const { width, height } = c, pen = c.getContext("2d");
        return Array.from(pen.getImageData(0, 0, width, height).data); }""",
        which,
    )
    return [gray if a else None for gray, a in zip(rgba[::4], rgba[3::4], strict=True)]


# ---- numbers -----------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize(
    "shape, hidden", [(SHAPE, 9), ((1, 16, 16), 128), ((1, 1, 1), 1)]
)
def test_logits_equal_torch(show, shape, hidden):
    model = nade(shape, hidden, scale=0.4)
    page = show(figure(model))
    x = binary(shape=shape).flatten().tolist()
    for i, v in enumerate(x):
        asked(page, f"set({i}, {v})")
    found = torch.tensor(asked(page, "logits()"), dtype=torch.float64)
    exact = logits(rounded(model), x)
    torch.testing.assert_close(found, exact, atol=1e-9, rtol=0)
    single = logits(rounded(model).float(), x).double()
    torch.testing.assert_close(found, single, atol=1e-4, rtol=0)
    # With the weights as they were trained the difference is that of half precision.
    torch.testing.assert_close(found, logits(model, x).double(), atol=1e-2, rtol=0)


@pytest.mark.browser
def test_logits_of_weights_as_small_as_trained_ones_are_those_of_torch(show):
    model = nade((1, 16, 16), 128, scale=0.05)
    page = show(figure(model))
    x = asked(page, "draw()")
    found = torch.tensor(asked(page, "logits()"))
    torch.testing.assert_close(found, logits(model, x), atol=1e-3, rtol=0)


@pytest.mark.browser
def test_logits_after_changes_in_any_order(show):
    """Sums that are kept are those of the present values, whatever was read between."""
    model = nade()
    page, reference = show(figure(model)), rounded(model)
    values: list[int | None] = [None] * 35
    dice = torch.Generator().manual_seed(1)

    def roll(n):
        return int(torch.randint(n, (), generator=dice))

    for turn in range(120):
        if roll(4):
            i, v = roll(35), [0, 1, None][roll(3)]
            asked(page, f"set({i}, {'null' if v is None else v})")
            values[i] = v
        elif None in values:
            i = values.index(None)
            assert asked(page, "step()") == i
            values[i] = asked(page, "image()")[i]
            assert values[i] in (0, 1)
        assert asked(page, "image()") == values
        if turn % 3 == 0:
            found = torch.tensor(asked(page, "logits()"), dtype=torch.float64)
            torch.testing.assert_close(
                found, logits(reference, values), atol=1e-9, rtol=0
            )


@pytest.mark.browser
def test_the_log_probability_of_a_finished_image(show):
    model = nade()
    page = show(figure(model))
    for state in range(5):
        asked(page, f"random({state})")
        asked(page, "set(20, 1)")
        image = asked(page, "draw()")
        x = torch.tensor(image, dtype=torch.float64).view(1, *SHAPE)
        due = rounded(model).log_prob(x).item()
        assert asked(page, "logProb()") == pytest.approx(due, abs=1e-9)
        single = rounded(model).float().log_prob(x.float()).item()
        assert asked(page, "logProb()") == pytest.approx(single, abs=1e-4)
        said = page.inner_text(".gm-where")
        assert said == f"log p(x) = \u2212{-due:.2f} nats"
        bits = -due / 35 / math.log(2)
        assert (
            page.get_by_text("bits a pixel").inner_text() == f"{bits:.3f} bits a pixel"
        )
        asked(page, "clear()")


@pytest.mark.browser
def test_the_log_probability_so_far_is_that_of_the_pixels_before_the_first_open(show):
    """The sum of log p(x) over all ways to go on is that of the first pixels."""
    model = nade((1, 2, 3))
    page = show(figure(model))
    every = torch.tensor(list(itertools.product([0.0, 1.0], repeat=6))).double()
    log_p = rounded(model).log_prob(every.view(-1, 1, 2, 3)).detach()
    asked(page, "set(4, 1)")  # ahead: it does not count yet
    assert page.inner_text(".gm-where") == "nothing drawn yet"
    assert asked(page, "logProb()") == 0
    asked(page, "set(1, 1)")
    asked(page, "step()")
    asked(page, "step()")
    image = asked(page, "image()")
    assert image == [image[0], 1, image[2], None, 1, None]
    begun = torch.tensor(image[:3], dtype=torch.float64)
    due = log_p[(every[:, :3] == begun).all(1)].logsumexp(0).item()
    assert asked(page, "logProb()") == pytest.approx(due, abs=1e-9)
    said = page.inner_text(".gm-where")
    assert said == f"log p(x₁…x₃) = \u2212{-due:.2f} nats"
    bits = page.get_by_text("bits a pixel").inner_text()
    assert bits == f"{-due / 3 / math.log(2):.3f} bits a pixel"  # of the three
    drawn_part, by_hand = asked(page, "get()")["log_prob"]
    second = logits(rounded(model), image)[1]
    assert by_hand == pytest.approx(second.sigmoid().log().item(), abs=1e-9)
    assert drawn_part + by_hand == pytest.approx(due, abs=1e-12)
    split = f"drawn: \u2212{-drawn_part:.2f}, by hand: \u2212{-by_hand:.2f} nats"
    assert page.get_by_text(split, exact=True).count() == 1
    assert page.get_by_text("4 of 6 pixels fixed, 2 by hand", exact=True).count() == 1


@pytest.mark.browser
@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_draws_have_their_probabilities(show, temperature):
    """All 64 images of 2 x 3 pixels; chi-squared, and each within five deviations."""
    model = nade((1, 2, 3), 5)
    page = show(figure(model))
    n = 6400
    counts = page.evaluate(
        """([n, temperature]) => { const { gm } = document.querySelector(".gm-live");
        const counts = new Array(64).fill(0);
        gm.random(5);
        gm.temperature(temperature);
        for (let i = 0; i < n; i++) {
          gm.again();
          counts[gm.draw().reduce((sum, v) => 2 * sum + v, 0)] += 1;
        }
        return counts; }""",
        [n, temperature],
    )
    every = torch.tensor(list(itertools.product([0.0, 1.0], repeat=6))).double()
    x = every.view(-1, 1, 2, 3)
    with torch.no_grad():
        each = rounded(model).params(x) / temperature
        p = rounded(model).likelihood.log_prob(each, x).exp()
        if temperature == 1:
            torch.testing.assert_close(p, rounded(model).log_prob(x).exp())
    assert p.sum().item() == pytest.approx(1)
    off = torch.tensor(counts) - n * p
    assert (off.abs() < 5 * (n * p * (1 - p)).sqrt() + 1).all()
    likely = n * p > 5
    rest = n * p[~likely].sum()
    chi = (off[likely] ** 2 / (n * p[likely])).sum() + off[~likely].sum() ** 2 / rest
    assert chi < 64 + 4 * (2 * 64) ** 0.5
    assert likely.sum() > 10


@pytest.mark.browser
def test_the_same_state_draws_the_same(show):
    page = show(figure(nade(scale=0.1)))

    def image(state):
        asked(page, "again()")
        asked(page, f"random({state})")
        return asked(page, "draw()")

    first, other = image(1), image(2)
    assert image(1) == first != other


@pytest.mark.browser
def test_the_temperature_moves_draws_and_bars_and_nothing_else(show):
    model = nade((1, 2, 3))
    page = show(figure(model))
    asked(page, "set(0, 1)")
    at, total = logits(rounded(model), asked(page, "image()"))[1].item(), None
    bars = page.locator(".gm-bars text")

    def told(logit):
        p = 1 / (1 + math.exp(-logit))
        return [f"{1 - p:.3f}", f"{p:.3f}", "0", "1"]

    assert abs(at) > 0.3
    for t in (1.0, 0.5, 2.0):
        asked(page, f"temperature({t})")
        assert bars.all_text_contents() == told(at / t)
        tall = [
            float(page.locator(".gm-bars rect").nth(v).get_attribute("height"))
            for v in (0, 1)
        ]
        p = 1 / (1 + math.exp(-at / t))
        assert tall == pytest.approx([96 * (1 - p), 96 * p], abs=1e-6)
        ticks = [
            path.get_attribute("d") for path in page.locator(".gm-bars .gm-own").all()
        ]
        own = 1 / (1 + math.exp(-at))
        if t == 1:
            assert ticks == ["", ""]
        else:
            height = [116 - float(d.split()[1].split("h")[0]) for d in ticks]
            assert height == pytest.approx([96 * (1 - own), 96 * own], abs=1e-6)
        total = total or asked(page, "logProb()")
        assert asked(page, "logProb()") == total
        assert page.locator("input").input_value() == f"{t:g}"
        assert page.inner_text(".gm-slider") == f"temperature T = {t:.2f}"
    for wrong in "0.1", "2.5", "NaN", "":
        with pytest.raises(Exception, match=r"expected 0\.2 to 2"):
            asked(page, f"temperature({wrong})")


# ---- what is seen ------------------------------------------------------------------


@pytest.mark.browser
def test_what_is_drawn(show):
    model = nade()
    page = show(figure(model))
    assert shades(page, 0) == shades(page, 1) == [None] * 35
    asked(page, "set(30, 1)")
    asked(page, "set(29, 0)")
    for _ in range(11):
        asked(page, "step()")
    image = asked(page, "image()")
    assert [v is None for v in image] == [
        not (i < 11 or i in (29, 30)) for i in range(35)
    ]
    assert shades(page, 0) == [None if v is None else 255 * v for v in image]
    p = logits(rounded(model), image).sigmoid().tolist()
    gray = shades(page, 1)
    assert gray[:11] == pytest.approx([255 * one for one in p[:11]], abs=1)
    assert gray[11:] == [None] * 24
    frame = page.locator(".gm-plane svg > g").first
    assert frame.get_attribute("transform") == "translate(4 1)"  # pixel 11, of 7 a row
    outline = page.locator(".gm-plane svg > path").last.get_attribute("d")
    sides = set(re.findall(r"M[^M]+", outline))
    assert sides == {"M1 4h1", "M1 5h1", "M1 4v1", "M2 4h1", "M2 5h1", "M3 4v1"}
    asked(page, "draw()")
    assert not frame.is_visible() and page.get_by_text("no pixel is open").is_visible()
    assert None not in shades(page, 1)


@pytest.mark.browser
def test_an_outline_ends_at_the_edge_of_the_grid(show):
    page = show(figure())
    asked(page, "set(6, 1)")  # the end of a row, and the beginning of the next one
    asked(page, "set(7, 1)")
    outline = page.locator(".gm-plane svg > path").last.get_attribute("d")
    assert len(re.findall("M", outline)) == 8


# ---- the reader --------------------------------------------------------------------


@pytest.mark.browser
def test_pixels_set_by_hand_are_kept(show):
    page = show(figure())
    held = {3: 1, 17: 0, 18: 1, 34: 0}
    for i, v in held.items():
        asked(page, f"set({i}, {v})")
    seen = set()
    for _ in range(30):
        image = asked(page, "draw()")
        assert {i: image[i] for i in held} == held
        seen.add(tuple(image))
        page.get_by_role("button", name="Again").click()
        image = asked(page, "image()")
        assert {i: v for i, v in enumerate(image) if v is not None} == held
    assert len(seen) > 1
    asked(page, "draw()")
    asked(page, "set(17, 1)")  # a drawn one as well as one set before
    asked(page, "set(5, 0)")
    asked(page, "set(18, null)")
    page.get_by_role("button", name="Again").click()
    image = asked(page, "image()")
    due = {3: 1, 5: 0, 17: 1, 34: 0}
    assert {i: v for i, v in enumerate(image) if v is not None} == due
    by_hand = asked(page, "get()")["by_hand"]
    assert [i for i, one in enumerate(by_hand) if one] == list(due)
    page.get_by_role("button", name="Clear").click()
    assert asked(page, "image()") == [None] * 35
    assert not any(asked(page, "get()")["by_hand"])


@pytest.mark.browser
def test_a_pixel_set_further_on_does_not_reach_those_before(show):
    model = nade()
    page = show(figure(model))
    before = asked(page, "logits()")
    asked(page, "set(20, 1)")
    after = asked(page, "logits()")
    assert after[:21] == before[:21] and after[21] != before[21]
    assert "reach those after them in the order, not those before" in " ".join(
        page.inner_text(".gm-help").split()
    )


@pytest.mark.browser
def test_set_refuses(show):
    page = show(figure())
    for wrong in "-1, 1", "35, 1", "0.5, 1", "0, 2", "0, 0.5", "0", "null, 1":
        with pytest.raises(Exception, match="expected a pixel from 0 to 34"):
            asked(page, f"set({wrong})")
    assert asked(page, "image()") == [None] * 35


def middle(page, column, row):
    """Where that pixel is on the screen."""
    box = page.locator(".gm-plane").bounding_box()
    return (
        box["x"] + (column + 0.5) / 7 * box["width"],
        box["y"] + (row + 0.5) / 5 * box["height"],
    )


def fixed(page):
    return {i: v for i, v in enumerate(asked(page, "image()")) if v is not None}


@pytest.mark.browser
def test_the_mouse_draws_with_three_pens(show):
    page = show(figure())
    page.mouse.move(*middle(page, 1, 1))
    page.mouse.down()
    page.mouse.move(*middle(page, 5, 1))  # in one jump: the way is drawn too
    page.mouse.up()
    page.mouse.move(*middle(page, 5, 4))  # the button is up
    assert fixed(page) == dict.fromkeys(range(8, 13), 1)
    assert not page.locator(".gm-plane svg > g").last.is_visible()  # the keys' cursor
    page.get_by_role("button", name="zero").click()
    page.mouse.move(*middle(page, 3, 0))
    page.mouse.down()
    page.mouse.move(*middle(page, 3, 2))
    page.mouse.move(*middle(page, 3, 99))  # beyond the grid
    page.mouse.up()
    due = {**dict.fromkeys(range(8, 13), 1), **dict.fromkeys(range(3, 35, 7), 0)}
    assert fixed(page) == due
    page.get_by_role("button", name="open").click()
    page.mouse.click(*middle(page, 3, 1))
    del due[10]
    assert fixed(page) == due
    pens = page.get_by_role("group", name="Pen").get_by_role("button")
    pressed = [pen.get_attribute("aria-pressed") for pen in pens.all()]
    assert pressed == ["false", "false", "true"]
    page.get_by_role("button", name="one", exact=True).click()
    page.mouse.click(*middle(page, 6, 4), button="right")
    assert fixed(page) == due


@pytest.mark.browser
def test_fingers(show):
    """A swipe scrolls the page until a tap has set a pixel; then a finger draws."""
    page = show(figure())
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    touch = "getComputedStyle(document.querySelector('.gm-plane')).touchAction"
    assert page.evaluate(touch) == "manipulation"
    finger = page.context.new_cdp_session(page)

    def swipe(*cells):
        for k, (x, y) in enumerate(middle(page, *cell) for cell in cells):
            kind = "touchMove" if k else "touchStart"
            points = {"touchPoints": [{"x": x, "y": y}]}
            finger.send("Input.dispatchTouchEvent", {"type": kind, **points})
        end = {"type": "touchEnd", "touchPoints": []}
        finger.send("Input.dispatchTouchEvent", end)

    swipe((2, 1), (2, 2), (2, 3))
    assert fixed(page) == {}
    page.evaluate("scrollTo(0, 0)")
    page.touchscreen.tap(*middle(page, 2, 2))
    page.wait_for_function(f"{FIGURE}.image()[16] === 1")
    assert page.evaluate(touch) == "none"
    swipe((4, 1), (4, 2), (4, 3))
    assert fixed(page) == dict.fromkeys([11, 16, 18, 25], 1)
    page.get_by_role("button", name="Clear").tap()
    page.wait_for_function(f"{FIGURE}.image()[16] === null")
    assert page.evaluate(touch) == "none"
    page.evaluate("document.body.style.paddingBottom = '900px'")
    page.evaluate("scrollTo(0, 1e6)")
    page.touchscreen.tap(200, 400)  # elsewhere on the page
    page.wait_for_function(f"{touch} === 'manipulation'")


@pytest.mark.browser
def test_the_keyboard(show):
    page = show(figure())
    page.keyboard.press("Tab")
    plane, cursor = (
        page.get_by_role("application"),
        page.locator(".gm-plane svg > g").last,
    )
    assert cursor.is_visible()
    name = plane.get_attribute("aria-label")
    assert name == "Pixels of a test: row 1, column 1, open"
    for key in "ArrowRight", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowUp", "1":
        page.keyboard.press(key)  # the second step up ends at the edge
    assert cursor.get_attribute("transform") == "translate(2 0)"
    assert fixed(page) == {2: 1}
    name = plane.get_attribute("aria-label")
    assert name == "Pixels of a test: row 1, column 3, one, set by hand"
    page.wait_for_function(
        "document.querySelector('[aria-live]').textContent"
        " === 'row 1, column 3, one, set by hand'"
    )
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("0")
    page.keyboard.press("Shift+ArrowDown")  # with the pen, from here to there
    assert fixed(page) == {1: 1, 2: 1, 8: 1}
    page.keyboard.press("Delete")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("0")
    assert fixed(page) == {1: 0, 2: 1}
    page.keyboard.press("Backspace")
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    assert fixed(page) == {0: 1, 2: 1}
    page.keyboard.press("Control+0")  # the browser's
    assert fixed(page) == {0: 1, 2: 1}
    page.keyboard.press("Tab")
    assert not cursor.is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator(".gm-buttons [aria-pressed=true]").inner_text() == "zero"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press(" ")  # with that pen
    assert fixed(page) == {0: 0, 2: 1}
    page.locator("input").press("ArrowRight")
    assert asked(page, "get()")["temperature"] == pytest.approx(1.05)


@pytest.mark.browser
def test_the_buttons(page, show):
    page.clock.install()
    show(figure(nade((1, 16, 16), 8, scale=0.1)))
    drawn(page)
    step = page.get_by_role("button", name="Step")
    step.click()
    step.click()
    assert list(fixed(page)) == [0, 1]
    button = page.get_by_role("button", name="Draw")
    begin = button.evaluate("e => { e.click(); return performance.now(); }")
    page.clock.run_for(1000)
    image, end = page.evaluate(f"[{FIGURE}.image(), performance.now()]")
    done = 256 - image.count(None)
    assert 30 <= done <= 40 * (end - begin) / 1000 + 4  # some forty a second
    page.get_by_role("button", name="Pause").click()
    far = len(fixed(page))
    page.clock.run_for(1000)
    assert len(fixed(page)) == far
    button.click()
    page.clock.run_for(300)
    asked(page, "set(255, 1)")
    assert page.get_by_role("button", name="Pause").count() == 1
    page.locator(".gm-plane").click(position={"x": 5, "y": 5})  # the pen: it rests
    assert button.count() == 1
    button.click()
    page.clock.run_for(8000)
    assert len(fixed(page)) == 256 and button.count() == 1  # it stopped by itself
    before = asked(page, "image()")
    page.clock.run_for(3000)
    assert asked(page, "image()") == before
    step.click()  # nothing is open
    assert asked(page, "step()") is None
    button.click()  # anew, around what was set by hand
    page.wait_for_function(f"{FIGURE}.image()[0] !== null")
    assert len(fixed(page)) < 250 and fixed(page)[255] == 1
    page.clock.run_for(8000)
    assert asked(page, "image()") != before


@pytest.mark.browser
def test_untouched_it_draws_one_image_after_the_other(page, show):
    page.clock.install()
    show(figure(nade(scale=0.1), wander=True))
    drawn(page)
    page.wait_for_function(f"{FIGURE}.image()[0] !== null")
    page.clock.run_for(1100)
    first = asked(page, "image()")
    assert None not in first
    page.clock.run_for(400)
    assert asked(page, "image()") == first  # time to look at it
    page.wait_for_function(
        f"""first => {{ const image = {FIGURE}.image();
        return !image.includes(null) && String(image) !== String(first); }}""",
        arg=first,
    )
    page.get_by_role("application").press("ArrowRight")
    touched = asked(page, "image()")
    page.clock.run_for(5000)
    assert asked(page, "image()") == touched

    page.emulate_media(reduced_motion="reduce")
    page.reload()
    drawn(page)
    page.clock.run_for(3000)
    assert fixed(page) == {}


@pytest.mark.browser
@pytest.mark.parametrize("shape", [(1, 32, 32), (1, 3, 32), (1, 32, 3)])
def test_nothing_is_fetched_and_a_phone_is_wide_enough(show, shape):
    page = show(figure(nade(shape, 4)))
    asked(page, "draw()")
    assert [u for u in page.requested if not u.startswith("data:")] == [page.url]
    for size in PHONE, {"width": 1000, "height": 800}:
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        box = page.locator(".gm-plane").bounding_box()
        assert box["width"] / box["height"] == pytest.approx(
            shape[2] / shape[1], rel=0.02
        )
        assert box["height"] < 450
    canvas = page.locator(".gm-plane canvas").bounding_box()
    box = page.locator(".gm-plane").bounding_box()
    assert canvas == pytest.approx(box, abs=1)


# ---- in Python ---------------------------------------------------------------------


@pytest.mark.browser
def test_an_image_to_start_with(show):
    x = binary()[0]
    page = show(figure(None, x))
    assert asked(page, "image()") == x.flatten().tolist()
    assert not any(asked(page, "get()")["by_hand"])  # as if drawn
    due = rounded(nade()).log_prob(x[None].double()).item()
    assert asked(page, "logProb()") == pytest.approx(due, abs=1e-9)
    asked(page, "again()")
    assert fixed(page) == {}

    known = torch.zeros(SHAPE, dtype=torch.bool)
    known[0, 1:3, 2] = True
    page = show(figure(None, x.float(), known))
    due = {9: int(x[0, 1, 2]), 16: int(x[0, 2, 2])}
    assert fixed(page) == due
    asked(page, "draw()")
    asked(page, "again()")
    assert fixed(page) == due


def test_the_weights_in_half_precision():
    model = nade((1, 2, 3), 4)
    data = figure(model).data
    due = torch.cat(
        [p.flatten() for p in (model.into, model.out, model.hidden_bias, model.bias)]
    ).half()
    packed = base64.b64decode(data["weights"])
    assert packed == struct.pack(f"<{len(due)}e", *due.tolist())
    assert data["shape"] == [2, 3] and data["hidden"] == 4
    big = base64.b64decode(figure(nade((1, 16, 16), 128, 0.1)).data["weights"])
    assert len(big) == 2 * (2 * 256 * 128 + 128 + 256)


def test_the_data_of_a_start():
    x, known = torch.tensor([[[0, 1, 1], [0, 0, 1]]]), torch.zeros(1, 2, 3).bool()
    known[0, 1, 1:] = True
    model = nade((1, 2, 3))
    for given, start, by_hand in ([], "", False), ([x], "011001", False):
        data = figure(model, *given).data
        assert (data["start"], data["by_hand"]) == (start, by_hand)
    data = figure(model, x, known).data
    assert (data["start"], data["by_hand"]) == ("....01", True)


def test_the_size_of_the_scripts():
    html = figure(title="</script><b>")._repr_html_()
    assert html.count("</script>") == 1
    script = html[html.index("<script>") : html.index("GM.start(")]
    assert len(script.encode()) < 60_000
    assert "GM.train =" not in script
    assert set(re.findall(r"https?://[^\s\"'`]+", html)) == {
        "http://www.w3.org/2000/svg"
    }
    assert html == figure(title="</script><b>")._repr_html_()


def test_the_still_has_nine_draws_of_the_rounded_model():
    model = nade(scale=3.0)
    state = torch.random.get_rng_state()
    still = read_png(figure(model).still)[0]
    assert torch.equal(state, torch.random.get_rng_state())
    zoom, gap = 144 // 7, 4
    high, wide = 5 * zoom + gap, 7 * zoom + gap
    assert still.shape == (3 * high - gap, 3 * wide - gap)
    with seeded(0):
        due = copy.deepcopy(model).half().float().sample(9)
    for k in range(9):
        i, j = divmod(k, 3)
        part = still[i * high :, j * wide :][: 5 * zoom, : 7 * zoom]
        found = part.view(5, zoom, 7, zoom).float() / 255
        assert torch.equal(found[:, zoom // 2, :, zoom // 2], due[k, 0])
        assert (found.std((1, 3)) == 0).all()
    assert (still[high - gap : high] == 255).all()
    assert len({tuple(x.flatten().tolist()) for x in due}) > 1
    assert model.training  # it is left as it was
    for kept, made in zip(
        model.parameters(), nade(scale=3.0).parameters(), strict=True
    ):
        assert torch.equal(kept, made)

    # In half precision 65,490 is 65,504: ones in the page, zeros in the model.
    with torch.no_grad():
        model = NADE(SHAPE, 8)
        for p in model.parameters():
            p.zero_()
        model.out[:, :4], model.out[:, 4:] = 65_490, -65_504
        model.bias.add_(14)
    still = read_png(figure(model).still)[0]
    assert (still == 255).all()


def with_weight(value):
    model = nade()
    with torch.no_grad():
        model.out[3, 2] = value
    return model


class Other(NADE):
    pass


@pytest.mark.parametrize(
    "given, kind, words",
    [
        ([torch.nn.Linear(2, 2)], TypeError, "the model is a Linear; expected a NADE"),
        ([Other(SHAPE, 3)], TypeError, "Other"),
        ([nade((5, 7))], ValueError, r"event_shape is \(5, 7\)"),
        ([nade((2, 5, 7))], ValueError, r"expected \(1, h, w\)"),
        ([nade((1, 33, 7), 2)], ValueError, "at most 32"),
        ([nade((1, 7, 33), 2)], ValueError, "at most 32"),
        ([with_weight(math.nan)], ValueError, "out holds NaN"),
        ([with_weight(1e6)], ValueError, "65,504"),
        ([nade(), binary()], ValueError, r"start has shape \(1, 1, 5, 7\)"),
        ([nade(), binary()[0] * 2], ValueError, "other values than 0 and 1"),
        ([nade(), torch.full(SHAPE, math.nan)], ValueError, "start: expected finite"),
        ([nade(), binary()[0] / 2], ValueError, "binarize"),
        ([nade(), None, binary()[0] > 0], ValueError, "give start too"),
        ([nade(), binary()[0], binary()[0]], ValueError, "known is torch.int64"),
        ([nade(), binary()[0], binary() > 0], ValueError, r"of shape \(1, 1, 5, 7\)"),
    ],
)
def test_it_refuses(as_users_run_it, given, kind, words):
    with pytest.raises(kind, match=words):
        live.PixelByPixel(*given)
