"""Live figures: their numbers against torch in a real browser, and their behavior."""

import copy
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import torch
from browser import chromium as chromium
from browser import page as page
from live_pages import PHONE, drawn
from live_pages import show as show
from torch import nn

from gmcourse import live
from gmcourse.live._bytes import half, in_base64


def decoder(out: int = 784, act: type[nn.Module] = nn.ReLU, seed: int = 0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Linear(2, 64), act(), nn.Linear(64, 64), act(), nn.Linear(64, out)
        )


def rounded(module: nn.Module) -> nn.Module:
    """A copy that computes in fp32 with the weights rounded to fp16."""
    return copy.deepcopy(module).half().float()


def latents(n: int = 50, seed: int = 1) -> torch.Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))


def plane(net: nn.Module | None = None, **how) -> live.LatentPlane:
    how = {
        "shape": (1, 28, 28),
        "points": latents(),
        "labels": torch.arange(50) % 3,
        "classes": ["cat", "dog", "eel"],
        "title": "A plane & <b>more</b>",
        "label": "Latent plane of a test",
        "start": (0.0, 0.0),
        "wander": False,
        **how,
    }
    return live.LatentPlane(net or decoder(), **how)


def decode(page, z: torch.Tensor, k: int = 0) -> torch.Tensor:
    """Batch z, decoded by the k-th figure of the page."""
    values = page.evaluate(
        "([k, z]) => Array.from(document.querySelectorAll('.gm-live')[k].gm.decode(z))",
        [k, z.flatten().tolist()],
    )
    return torch.tensor(values).reshape(len(z), -1)


def position(page) -> list[float]:
    return page.evaluate("document.querySelector('.gm-live').gm.get()")


def center_of(page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


# ---- numbers ---------------------------------------------------------------------

ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU("tanh"),
    "softplus": lambda: nn.Softplus(beta=2.0, threshold=1.0),
}


@pytest.mark.browser
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_numbers_equal_torch(show, name):
    net = decoder(60, act=ACTIVATIONS[name])
    z = 3 * latents(20)
    page = show(plane(net, shape=(1, 6, 10)))
    got = decode(page, z)
    with torch.no_grad():
        exact, half = net(z).sigmoid(), rounded(net)(z).sigmoid()
    assert exact.std() > 0.01  # something to compare
    torch.testing.assert_close(got, half, atol=1e-5, rtol=0)
    torch.testing.assert_close(got, exact, atol=1e-3, rtol=0)


@pytest.mark.browser
def test_activations_far_out(show):
    # Every activation pointwise on [-30, 30] by a layer that is the identity.
    z = torch.linspace(-30, 30, 200).reshape(-1, 2)
    for act in ACTIVATIONS.values():
        net = nn.Sequential(nn.Linear(2, 2), act())
        with torch.no_grad():
            net[0].weight.copy_(torch.eye(2))
            net[0].bias.zero_()
            want = net(z)
        page = show(live.LatentPlane(net, shape=(1, 1, 2), activation_out=None))
        torch.testing.assert_close(decode(page, z), want, atol=2e-6, rtol=1e-6)


@pytest.mark.browser
def test_nested_shapes_and_no_bias(show):
    net = nn.Sequential(
        nn.Identity(),
        nn.Sequential(nn.Linear(2, 8, bias=False), nn.Tanh()),
        nn.Sequential(nn.Linear(8, 12), nn.Unflatten(1, (1, 3, 4)), nn.Flatten()),
    )
    z = latents(5)
    page = show(live.LatentPlane(net.double(), shape=(1, 3, 4)))
    with torch.no_grad():
        want = rounded(net)(z).sigmoid()
    torch.testing.assert_close(decode(page, z), want, atol=1e-5, rtol=0)


@pytest.mark.browser
def test_half_precision_is_exact(show):
    # All finite fp16 numbers: subnormal, negative zero and the largest among them.
    bits = torch.arange(0, 65536, dtype=torch.int32).to(torch.int16)
    values = bits.view(torch.float16)
    values = values[values.isfinite()]
    page = show(plane())
    got = page.evaluate(
        "text => Array.from(GM.half(GM.bytes(text)))", in_base64(half(values))
    )
    assert torch.equal(torch.tensor(got), values.float())


@pytest.mark.browser
def test_a_call_takes_under_a_millisecond(show):
    page = show(plane())
    # The least of 21, after warming up: other work on the machine only adds time.
    milliseconds = page.evaluate("""() => {
        const { decode } = document.querySelector(".gm-live").gm, times = [];
        for (let i = 0; i < 300; i++) decode([0.1, i / 100]);
        for (let k = 0; k < 21; k++) {
            const start = performance.now();
            for (let i = 0; i < 20; i++) decode([k / 10, i / 10]);
            times.push((performance.now() - start) / 20);
        }
        return Math.min(...times);
    }""")
    assert milliseconds < 1


@pytest.mark.browser
@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_shows_the_decoded_pixels(show, channels):
    shape = (channels, 6, 5)  # not square: a swap of height and width would show
    net = decoder(channels * 30)
    page = show(plane(net, shape=shape))
    page.evaluate("document.querySelector('.gm-live').gm.set(1.5, -2)")
    width, height, pixels = page.evaluate("""() => {
        const c = document.querySelector(".gm-live canvas");
        const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
        return [c.width, c.height, Array.from(data)];
    }""")
    assert (width, height) == (5, 6)
    rgba = torch.tensor(pixels).reshape(6, 5, 4)
    with torch.no_grad():
        want = net(torch.tensor([[1.5, -2.0]])).sigmoid().reshape(shape) * 255
    got = rgba[..., :3].permute(2, 0, 1).float()
    assert (got - want).abs().max() < 0.5 + 255e-3
    assert (rgba[..., 3] == 255).all()


# ---- behavior --------------------------------------------------------------------


@pytest.mark.browser
def test_keyboard(show):
    page = show(plane())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "gm-handle"
    outline = "getComputedStyle(document.activeElement, '::before').outlineWidth"
    assert page.evaluate(outline) == "3px"  # the focus is to be seen
    for key, want in [
        ("ArrowRight", [0.05, 0]),
        ("ArrowUp", [0.05, 0.05]),
        ("ArrowLeft", [0, 0.05]),
        ("ArrowDown", [0, 0]),
        ("Shift+ArrowRight", [0.5, 0]),
        ("Shift+ArrowDown", [0.5, -0.5]),
        ("ArrowRight", [0.55, -0.5]),
    ]:
        page.keyboard.press(key)
        assert position(page) == pytest.approx(want, abs=1e-9), key
    assert re.sub(r"\s+", " ", page.inner_text(".gm-where")) == "z₁ = 0.55 z₂ = −0.50"
    for _ in range(6):
        page.keyboard.press("Shift+ArrowDown")
    assert position(page) == [0.55, -3]  # the handle stays on the plane
    page.keyboard.press("Home")
    assert position(page) == [0, 0]
    # What the figure uses does not scroll the page; what it does not use goes on.
    goes_on = page.evaluate("""() => ["ArrowDown", "Home", "Tab", "a"].map(key =>
        document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })))""")
    assert goes_on == [False, False, True, True]


@pytest.mark.browser
def test_mouse(show):
    page = show(plane(extent=2.0))
    box = page.locator(".gm-plane").bounding_box()

    def at(z1, z2):
        return (
            box["x"] + box["width"] * (z1 + 2) / 4,
            box["y"] + box["height"] * (2 - z2) / 4,
        )

    pixel = 4 / box["width"]
    page.mouse.move(*at(1, 0.5))
    page.mouse.down()
    assert position(page) == pytest.approx([1, 0.5], abs=pixel)
    page.mouse.move(*at(-1.5, 1.25), steps=5)
    assert position(page) == pytest.approx([-1.5, 1.25], abs=pixel)
    assert center_of(page, ".gm-handle") == pytest.approx(at(-1.5, 1.25), abs=1)
    page.mouse.move(*at(-9, 1.25), steps=3)  # beyond the edge: held, still dragging
    assert position(page) == pytest.approx([-2, 1.25], abs=pixel)
    page.mouse.up()
    page.mouse.move(*at(0, 0))
    assert position(page)[0] == -2  # released
    x, y = center_of(page, ".gm-handle")
    page.mouse.move(x + 7, y)  # gripped off its center, the handle does not jump
    page.mouse.down()
    page.mouse.move(x + 8, y)
    page.mouse.up()
    assert position(page) == pytest.approx([-2 + pixel, 1.25], abs=pixel / 2)
    page.keyboard.press("Home")  # a press of the mouse gives the handle the focus
    assert position(page) == [0, 0]


@pytest.mark.browser
def test_touch(show):
    page = show(plane())
    page.set_viewport_size(PHONE)
    box = page.locator(".gm-plane").bounding_box()
    x, y = box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"]
    page.touchscreen.tap(x, y)  # a tap moves the handle
    page.wait_for_function("document.querySelector('.gm-live').gm.get()[0] != 0")
    assert position(page) == pytest.approx([1.5, 1.5], abs=0.02)
    finger = page.context.new_cdp_session(page)

    def touch(kind, *points):
        finger.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]},
        )

    def drag(x, y, dx, dy):
        touch("touchStart", (x, y))
        for k in range(1, 9):
            touch("touchMove", (x + dx * k / 8, y + dy * k / 8))
        touch("touchEnd")

    drag(x, y, 0, 0.25 * box["height"])  # dragging the handle moves it, not the page
    assert position(page) == pytest.approx([1.5, 0], abs=0.02)
    # A swipe elsewhere on the plane belongs to the page: the handle stays.
    drag(box["x"] + 60, box["y"] + 200, 0, -100)
    assert position(page) == pytest.approx([1.5, 0], abs=0.02)


@pytest.mark.browser
def test_wander_pauses_and_respects_less_motion(page, show):
    page.clock.install()
    show(plane())
    button = page.get_by_role("button", name="Wander")
    button.click()
    page.wait_for_function("document.querySelector('.gm-live').gm.get()[0] > 0.02")
    pause = page.get_by_role("button", name="Pause")
    assert pause.get_attribute("aria-pressed") == "true"
    pause.click()
    stopped = position(page)
    page.clock.run_for(100)
    assert position(page) == stopped
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    page.locator(".gm-handle").press("ArrowUp")  # the reader takes over
    assert button.get_attribute("aria-pressed") == "false"
    page.get_by_role("button", name="Center").click()
    assert position(page) == [0, 0]

    page.emulate_media(reduced_motion="reduce")
    page.evaluate("""() => {
        const root = document.querySelector(".gm-live");
        window.seen = new Set();
        window.start = performance.now();
        function watch() {
            seen.add(root.gm.get().join());
            window.seconds = (performance.now() - start) / 1000;
            requestAnimationFrame(watch);
        }
        root.querySelector(".gm-buttons button").click();
        watch();
    }""")
    page.clock.run_for(3500)
    steps, seconds = page.evaluate("[seen.size - 1, seconds]")
    assert 1 <= steps <= seconds  # one a second, and no motion between


@pytest.mark.browser
def test_legend_makes_a_class_stand_out(show):
    page = show(plane())
    assert page.locator(".gm-legend button").all_inner_texts() == ["cat", "dog", "eel"]
    dog = page.get_by_role("button", name="dog")
    dog.click()
    assert dog.get_attribute("aria-pressed") == "true"
    assert page.locator(".gm-stands-out").count() == 17  # of 50 labels 0, 1, 2, 0, ...
    assert page.locator(".gm-chosen").count() == 1
    dog.click()
    assert page.locator(".gm-stands-out").count() == 0
    assert page.locator(".gm-chosen").count() == 0


@pytest.mark.browser
def test_points_lie_where_they_were_given(show):
    z = torch.tensor([[1.0, 2.0], [-3.0, 0.0], [5.0, 0.0]])
    page = show(plane(points=z, labels=torch.tensor([2, 0, 1])))
    dots = page.evaluate(
        "Array.from(document.querySelectorAll('.gm-dots circle')).map("
        "c => [+c.getAttribute('cx'), +c.getAttribute('cy'), +c.dataset.class])"
    )
    # 400 units for [-3, 3], z2 upward
    assert dots[0] == pytest.approx([400 * 4 / 6, 400 * 1 / 6, 2], abs=0.06)
    assert dots[1] == pytest.approx([0, 200, 0], abs=0.06)
    assert "1 of 3 points lie outside" in page.inner_text(".gm-help")
    page.evaluate("document.querySelector('.gm-live').gm.set(-2, 0)")
    assert page.inner_text(".gm-near") == "nearest point: cat"


@pytest.mark.browser
def test_labels_for_readers_who_do_not_see_it(show):
    page = show(plane())
    group = page.get_by_role("group", name="Latent plane of a test", exact=True)
    assert group.count() == 1
    handle = page.get_by_role("application")
    page.evaluate("document.querySelector('.gm-live').gm.set(1, -2)")
    name = handle.get_attribute("aria-label")
    assert name.startswith("Latent plane of a test: z1 1.00, z2 −2.00, nearest point: ")
    image = page.get_by_role("img", name="Decoded image at z1 1.00, z2 −2.00")
    assert image.count() == 1
    spoken = page.locator("[aria-live=polite]")
    page.wait_for_function(
        "document.querySelector('[aria-live]').textContent.startsWith('z1 1.00')"
    )
    assert spoken.text_content() in name
    assert page.inner_text(".gm-title") == "A plane & <b>more</b>"  # text, not markup


@pytest.mark.browser
def test_set_refuses_what_is_not_a_place(show):
    page = show(plane())
    refused = page.evaluate("""() => [[NaN, 0], [0, Infinity], [1]].map(v => {
        try { document.querySelector(".gm-live").gm.set(...v); return "taken"; }
        catch (error) { return error.name; }
    })""")
    assert refused == ["RangeError"] * 3
    assert position(page) == [0, 0]


@pytest.mark.browser
def test_two_figures_and_one_repeated(show):
    # A cell run twice repeats the id; every copy comes alive, once.
    first, second = plane(decoder(seed=0)), plane(decoder(12, seed=3), shape=(3, 2, 2))
    page = show(first, second, first)
    assert page.locator(".gm-alive .gm-body").count() == 3
    assert page.locator("#gm-live-style").count() == 1
    z = latents(4)
    for k, net in enumerate([decoder(seed=0), decoder(12, seed=3), decoder(seed=0)]):
        with torch.no_grad():
            want = net(z).sigmoid()
        torch.testing.assert_close(decode(page, z, k), want, atol=1e-3, rtol=0)
    page.evaluate("document.querySelectorAll('.gm-live')[1].gm.set(1, 1)")
    assert position(page) == [0, 0]  # each has its own position


@pytest.mark.browser
def test_nothing_is_fetched(show):
    page = show(plane(), plane(decoder(seed=2)))
    page.get_by_role("button", name="Wander").first.click()
    page.wait_for_timeout(100)
    external = [url for url in page.requested if not url.startswith("data:")]
    assert external == [page.url]


@pytest.mark.browser
def test_still_picture_in_print_and_without_scripts(show, chromium, tmp_path):
    page = show(plane())
    still, body = page.locator("img.gm-still"), page.locator(".gm-body")
    assert body.is_visible() and not still.is_visible()
    page.emulate_media(media="print")
    assert still.is_visible() and not body.is_visible()
    assert "Latent plane of a test" in still.get_attribute("alt")
    context = chromium.new_context(java_script_enabled=False)
    quiet = context.new_page()
    quiet.goto(page.url)
    assert quiet.locator("img.gm-still").is_visible()
    assert quiet.get_by_text("Images decoded over the plane").is_visible()
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    "attributes, scheme, dark",
    [
        ("data-theme='light'", "light", False),
        ("data-theme='dark'", "light", True),
        ("data-theme='light'", "dark", False),
        ("", "dark", True),
        ("", "light", False),
    ],
)
def test_light_and_dark(show, attributes, scheme, dark):
    page = show(plane(), attributes=attributes)
    page.emulate_media(color_scheme=scheme)
    ink, ground = page.evaluate("""() => {
        const style = getComputedStyle(document.querySelector(".gm-live"));
        return [style.color, style.backgroundColor].map(
            c => c.match(/[0-9]+/g).slice(0, 3).reduce((a, b) => a + +b, 0));
    }""")
    assert (ink > ground) == dark
    assert abs(ink - ground) > 400  # of 765: text that can be read


@pytest.mark.browser
def test_phone_width(show):
    page = show(plane())
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    image = page.locator(".gm-live canvas").bounding_box()
    box = page.locator(".gm-plane").bounding_box()
    # The image above the plane, where the hand does not hide it; both in view.
    assert image["y"] + image["height"] <= box["y"]
    assert box["y"] + box["height"] <= PHONE["height"]
    assert box["width"] > 340


@pytest.mark.browser
def test_it_wanders_when_it_is_seen_until_it_is_touched(page, show):
    page.clock.install()
    show(
        plane(wander=True, start=(1.0, 0.0)),
        head="<style>body{padding-top:3000px}</style>",
    )
    drawn(page)
    page.clock.run_for(150)
    assert position(page) == [1, 0]  # out of sight
    page.locator(".gm-live").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.gm-live').gm.get()[0] != 1")
    page.locator(".gm-handle").press("ArrowUp")
    touched = position(page)
    page.evaluate("scrollTo(0, 0)")
    page.locator(".gm-live").scroll_into_view_if_needed()
    drawn(page)
    page.clock.run_for(150)
    assert position(page) == touched

    page.emulate_media(reduced_motion="reduce")
    page.reload()
    page.locator(".gm-live").scroll_into_view_if_needed()
    drawn(page)
    page.clock.run_for(1200)
    assert position(page) == [1, 0]


@pytest.mark.browser
def test_the_pictures_lie_under_the_handle(show):
    page = show(plane())
    under, dots = page.locator(".gm-plane > img"), page.locator(".gm-dots")
    assert not under.is_visible() and dots.is_visible()
    button = page.get_by_role("button", name="Pictures")
    button.click()
    assert under.is_visible() and not dots.is_visible()
    assert button.get_attribute("aria-pressed") == "true"
    assert under.get_attribute("src") == page.locator("img.gm-still").get_attribute(
        "src"
    )
    assert under.bounding_box() == page.locator(".gm-plane").bounding_box()
    page.locator(".gm-handle").press("ArrowRight")  # it lies above them
    assert position(page) == [0.05, 0]
    button.click()
    assert not under.is_visible()


def test_it_opens_where_a_class_is_densest():
    cluster = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    mixed = torch.tensor([[2.0, 2.0]]) + 1e-3 * cluster  # dense, but of all classes
    pure = torch.tensor([[-1.0, 1.0]]) + 1e-2 * cluster
    points = torch.cat([mixed, pure])
    labels = torch.cat([torch.arange(30) % 3, torch.full((30,), 1)])
    start = plane(points=points, labels=labels, start=None).data["start"]
    assert start == pytest.approx([-1, 1], abs=0.05)
    unnamed = plane(points=points, labels=None, classes=None, start=None)
    assert unnamed.data["start"] == pytest.approx([2, 2], abs=0.01)
    none = plane(points=None, labels=None, classes=None, start=None)
    assert none.data["start"] == [0, 0]


# ---- the HTML --------------------------------------------------------------------


def test_same_figure_same_bytes():
    one, two = plane()._repr_html_(), plane()._repr_html_()
    assert one == two
    ids = {re.search(r'id="(gm-[0-9a-f]{12})"', h)[1] for h in (one, two)}
    other = plane(decoder(seed=1))._repr_html_()
    ids.add(re.search(r'id="(gm-[0-9a-f]{12})"', other)[1])
    assert len(ids) == 2
    assert "GM_VERSION" not in one


def test_figure_is_a_snapshot():
    net = decoder()
    figure = plane(net)
    before = figure._repr_html_()
    with torch.no_grad():
        net[0].weight.mul_(2)
    assert figure._repr_html_() == before


def test_size():
    points = latents(500)
    figure = plane(points=points, labels=torch.arange(500) % 10, classes=None)
    assert len(figure._repr_html_().encode()) <= 250_000


def test_text_cannot_end_the_script():
    html = plane(title="</script><script>alert(1)</script>")._repr_html_()
    assert html.count("</script>") == 1
    assert "<script>alert" not in html


def test_names_no_address():
    # What the page might fetch: only data URIs, and the name of the SVG namespace.
    html = plane()._repr_html_()
    urls = set(re.findall(r"https?://[^\s\"'`]+", html))
    assert urls == {"http://www.w3.org/2000/svg"}
    assert all(v.startswith("data:") for v in re.findall(r'src="([^"]*)', html))


def test_still_shows_the_manifold():
    # A decoder whose image is white exactly where z1 > 0 and z2 > 0.
    net = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1))
    with torch.no_grad():
        net[0].weight.copy_(torch.eye(2) * 100)
        net[0].bias.zero_()
        net[2].weight.fill_(100)
        net[2].bias.fill_(-160)
    still = read_png(live.LatentPlane(net, shape=(1, 1, 1)).still)
    assert still.shape == (1, 15, 15)
    want = torch.zeros(15, 15)
    want[:7, 8:] = 255  # z2 upward, z1 to the right; 0 is the middle row and column
    assert torch.equal(still[0].float(), want)


def read_png(data: bytes) -> torch.Tensor:
    """(c, h, w), of PNGs without filters; checks every chunk's sum."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, parts = 8, {}
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        tag, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == (
            zlib.crc32(tag + body)
        )
        parts[tag] = body
        at += 12 + size
    w, h, depth, color = struct.unpack(">IIBB", parts[b"IHDR"][:10])
    c = {0: 1, 2: 3}[color]
    assert depth == 8 and b"IEND" in parts
    raw = torch.tensor(list(zlib.decompress(parts[b"IDAT"]))).reshape(h, 1 + w * c)
    assert (raw[:, 0] == 0).all()
    return raw[:, 1:].reshape(h, w, c).permute(2, 0, 1).to(torch.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_png_round_trip(channels, tmp_path):
    image = torch.randint(0, 256, (channels, 5, 7), dtype=torch.uint8)
    data = live.png(image)
    assert torch.equal(read_png(data), image)
    # and by a reader that is not ours
    from matplotlib import image as mpimg

    path = tmp_path / "x.png"
    path.write_bytes(data)
    pixels = torch.tensor(mpimg.imread(path)).reshape(5, 7, -1)[..., :channels]
    assert torch.equal((pixels.permute(2, 0, 1) * 255).round().to(torch.uint8), image)


def test_import_loads_no_plotting():
    code = (
        "import sys, torch, gmcourse; before = set(sys.modules);"
        "import gmcourse.live; new = set(sys.modules) - before;"
        "new = {name.split('.')[0] for name in new};"
        "assert not new & {'matplotlib', 'IPython', 'PIL', 'pandas'}, new"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


# ---- bad input -------------------------------------------------------------------


class MyReLU(nn.ReLU):
    pass


def with_weight(value: float) -> nn.Module:
    net = decoder()
    with torch.no_grad():
        net[2].weight[3, 4] = value
    return net


BAD_NETS = {
    "Conv2d": nn.Sequential(nn.Linear(2, 784), nn.Conv2d(1, 1, 3)),
    "MyReLU": nn.Sequential(nn.Linear(2, 784), MyReLU()),
    "8 latent numbers": nn.Sequential(nn.Linear(8, 784)),
    "gives 100 numbers": nn.Sequential(nn.Linear(2, 100)),
    "before it give 16": nn.Sequential(nn.Linear(2, 16), nn.Linear(32, 784)),
    "no Linear": nn.Sequential(nn.ReLU()),
    "weight of layer '0.2' holds NaN": with_weight(float("nan")),
    "65,504": with_weight(1e6),
    "batch first": nn.Sequential(nn.Linear(2, 784), nn.Flatten(0)),
    "ends in a Sigmoid": nn.Sequential(nn.Linear(2, 784), nn.Sigmoid()),
}


@pytest.mark.parametrize("words", BAD_NETS)
def test_bad_networks(words):
    with pytest.raises(ValueError, match=re.escape(words)):
        live.LatentPlane(BAD_NETS[words], shape=(1, 28, 28))


NAN = latents().index_fill(0, torch.tensor([7]), float("nan"))
BAD_INPUTS = [
    ({"points": torch.zeros(50, 3)}, "(50, 3)"),
    ({"points": torch.zeros(0, 2)}, "(0, 2)"),
    ({"points": torch.zeros(10_001, 2)}, "10,000"),
    ({"points": NAN}, "NaN"),
    ({"labels": torch.zeros(49, dtype=torch.long)}, "(49,)"),
    ({"labels": torch.full((50,), 3)}, "3 to 3"),
    ({"labels": torch.full((50,), -1)}, "-1 to -1"),
    ({"labels": torch.full((50,), 12), "classes": None}, "13 classes"),
    ({"labels": None}, "give those too"),
    ({"points": None}, "give those too"),
    ({"extent": 0.0}, "extent is 0.0"),
    ({"extent": float("nan")}, "extent is nan"),
    ({"shape": (2, 14, 28)}, "c = 1 or 3"),
    ({"activation_out": "softmax"}, "softmax"),
]


@pytest.mark.parametrize("how, words", BAD_INPUTS, ids=[w for _, w in BAD_INPUTS])
def test_bad_inputs(how, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        plane(**how)


def test_other_types_are_refused(as_users_run_it):
    with pytest.raises(TypeError, match="points is a list; expected a tensor"):
        plane(points=[[0.0, 1.0]])
    with pytest.raises(TypeError, match="labels is a ndarray"):
        plane(labels=(torch.arange(50) % 3).numpy())
    with pytest.raises(
        TypeError, match=r"expected an nn\.Sequential, given a function"
    ):
        live.pack(lambda z: z)
    with pytest.raises(ValueError, match=re.escape("(50, 2, 1)")):
        plane(points=latents()[..., None])
    with pytest.raises(ValueError, match=re.escape("float32 of shape (50,)")):
        plane(labels=torch.zeros(50))


def test_png_refuses():
    with pytest.raises(ValueError, match=re.escape("(2, 4, 4)")):
        live.png(torch.zeros(2, 4, 4, dtype=torch.uint8))


def test_the_weights_row_by_row_and_then_the_bias():
    layer = nn.Linear(3, 2)
    _, weights = live.pack(layer)
    due = torch.cat([layer.weight.flatten(), layer.bias]).half()
    assert weights == struct.pack("<8e", *due.tolist())


def test_a_figure_brings_the_runtime_and_the_drawing_of_its_kind():
    page, kind = plane()._repr_html_(), plane().data["kind"]
    assert page.count("window.GM = {") == 1
    assert page.index("window.GM = {") < page.index(f"GM.figures.{kind} = ")
    assert page.index(f"GM.figures.{kind} = ") < page.index("GM.start(")


def test_the_front_page_has_the_scripts_of_today():
    """It was written by tools/front_pictures.py; so is it after a change of these."""
    root = Path(__file__).resolve().parents[1]
    front = (root / "book/_static/front_live.html").read_text(encoding="utf-8")
    html = plane()._repr_html_()
    scripts = html[html.index("<script>") : html.index("GM.start(")]
    assert scripts in front, "run tools/front_pictures.py live"
