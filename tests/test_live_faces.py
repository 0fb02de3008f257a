"""Faces by phrases in the page: numbers against torch, lists, sliders, keys."""

import pytest
import torch
from browser import chromium as chromium
from browser import page as page
from live_pages import PHONE
from live_pages import show as show
from torch import nn

from gmcourse import Like, live, samplers, seeded
from gmcourse.coordinates import noise, scaled
from gmcourse.diffusion import Diffusion
from gmcourse.live.face_by_phrase import _rounded
from gmcourse.paths import Straight
from gmcourse.phrases import LENGTH, TRAITS, WORDS, PhraseEncoder, phrase
from gmcourse.transformers import DiTDenoiser
from gmcourse.unet import UNetDenoiser

FIGURE = "document.querySelector('.gm-live').gm"


def asked(page, call):
    return page.evaluate(f"{FIGURE}.{call}")


def faces(**how):
    """A small model with weights that are not silent, as the page will have them."""
    told = {"width": how.pop("words", 12), "heads": 3, "depth": how.pop("blocks", 1)}
    with seeded(0):
        reader = PhraseEncoder(24, **told)
        net = DiTDenoiser((3, 8, 8), width=24, depth=2, side=4, encoder=reader)
        for weight in net.parameters():
            nn.init.normal_(weight, std=0.25)
    condition = Like((LENGTH,), torch.int64, levels=len(WORDS), required=False)
    units = {"center": 0.6, "spread": 0.3, "limits": (0.0, 1.0)}
    kind = {"predict": scaled, "grid": samplers.karras, "steps": 5} | units | how
    model = Diffusion(net, (3, 8, 8), condition=condition, **kind)
    model.load_state_dict(_rounded(model))
    return model.eval()


def figure(model=None, **how):
    how = {"wander": False, "label": "Faces of a test", "steps": (3, 6), **how}
    return live.FaceByPhrase(model or faces(), **how)


def tokens(n=1, **wish):
    text = phrase(
        [wish.get(name, 0) for name in TRAITS], [k for k in TRAITS if k in wish]
    )
    return WORDS.encode_all([text] * n, LENGTH)


WISHES = [{}, {"hair": 5, "glasses": 1}, {"hat": 0, "beard": 0}, {"hat": 2, "hair": 1}]


@pytest.mark.parametrize("weight", [0.0, 1.0, 3.5])
@pytest.mark.parametrize("wish", WISHES)
def test_estimates_equal_torch(show, wish, weight):
    model = faces(blocks=2)
    page = show(figure(model, guidance=weight))
    asked(page, f"set({wish})")
    times = model.grid(model.path, 6)
    asked(page, "steps(1)")
    with seeded(1):
        x = torch.randn(1, 3, 8, 8)
    denoise = model.denoiser(tokens(**wish), guidance=weight)
    for k in (0, 3, 5):
        found = asked(page, f"estimate({x.flatten().tolist()}, {k})")
        with torch.no_grad():
            due = denoise(x, times[k]).flatten()
        torch.testing.assert_close(torch.tensor(found), due, rtol=0, atol=1e-3)
    assert due.std() > 0.1


@pytest.mark.parametrize("how", [{}, {"predict": noise, "path": Straight()}])
def test_faces_equal_torch(show, how):
    model = faces(**how)
    page = show(figure(model, guidance=2.0))
    wish = {"hair": 2, "beard": 1}
    asked(page, f"set({wish})")
    with seeded(2):
        z = torch.randn(4, 3, 8, 8)
    denoise = model.denoiser(tokens(4, **wish), guidance=2.0)
    for i, steps in enumerate((3, 6)):
        asked(page, f"steps({i})")
        found = asked(page, f"draw({z.flatten(1).tolist()})")
        times = model.grid(model.path, steps)
        x = model.path.at(times[0])[1] * z
        with torch.no_grad():
            states = list(samplers.dpm_solver(denoise, model.path, x, times))
        due = states[-1][1].flatten(1)
        torch.testing.assert_close(torch.tensor(found), due, rtol=0, atol=1e-3)


def test_the_noise_is_normal_and_the_same_until_another_is_asked_for(show):
    page = show(figure())
    first = torch.tensor(asked(page, "draw()"))
    assert torch.equal(first, torch.tensor(asked(page, "draw()")))
    page.get_by_role("button", name="Other faces").click()
    other = torch.tensor(asked(page, "draw()"))
    assert (first - other).abs().max() > 1e-2
    assert len({tuple(face.tolist()) for face in first}) == 4


def test_lists_and_sliders(show):
    page = show(figure())
    page.get_by_label("hair").select_option("red")
    page.get_by_label("hat").select_option("no")
    page.get_by_label("glasses").select_option("yes")
    got = asked(page, "get()")
    assert got["wish"] == {"hair": 5, "hat": 0, "glasses": 1, "beard": -1}
    assert got["text"] == "red hair, no hat, glasses"
    sliders = page.locator("input[type=range]")
    sliders.nth(0).fill("4.5")
    sliders.nth(1).fill("0")
    got = asked(page, "get()")
    assert (got["weight"], got["walk"]) == (4.5, 0)
    page.wait_for_function(f"{FIGURE}.get().steps.every((k) => k === 3)")
    words = page.locator(".gm-faces + .gm-near").inner_text()
    assert "red hair, no hat, glasses" in words and "4.5" in words and "done" in words
    assert "red hair" in page.locator(".gm-faces").get_attribute("aria-label")


def test_by_keyboard(show):
    page = show(figure())
    page.get_by_label("beard").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert asked(page, "get()")["wish"]["beard"] == 1
    page.locator("input[type=range]").nth(0).focus()
    page.keyboard.press("ArrowRight")
    assert asked(page, "get()")["weight"] == 2.5


def test_a_change_starts_from_the_same_noise(show):
    """Told nothing and told something at weight 0 end in the same faces."""
    page = show(figure(guidance=0.0))
    first = torch.tensor(asked(page, "draw()"))
    page.get_by_label("hair").select_option("blue")
    assert asked(page, "get()")["text"] == "blue hair"
    torch.testing.assert_close(torch.tensor(asked(page, "draw()")), first)


def test_what_is_painted_is_the_face(show):
    page = show(figure())
    x = torch.tensor(asked(page, "draw()"))[1]
    pixels = page.evaluate(
        """() => Array.from(document.querySelectorAll('.gm-faces canvas')[1]
           .getContext('2d').getImageData(0, 0, 8, 8).data)"""
    )
    found = torch.tensor(pixels).view(64, 4)[:, :3].T.float() / 255
    due = (0.6 + 0.3 * x.view(3, 64)).clamp(0, 1)
    torch.testing.assert_close(found, due, rtol=0, atol=1 / 250)


def test_untouched_it_draws_one_wish_after_the_other(page, show):
    show(figure(wander=True, steps=(3,)))
    page.wait_for_function(f"{FIGURE}.get().seed > 1", timeout=20_000)
    page.get_by_role("button", name="Pause").click()
    seed = asked(page, "get()")["seed"]
    page.wait_for_timeout(500)
    assert asked(page, "get()")["seed"] == seed


DONE = f"{FIGURE}.get().steps.every((k) => k === 3)"


@pytest.mark.parametrize("press", ["at once", "slowly", "by keyboard"])
def test_pausing_at_rest_keeps_the_faces(page, show, press):
    show(figure(wander=True, steps=(3,)))
    page.wait_for_function(DONE, timeout=20_000)
    button = page.get_by_role("button", name="Pause")
    if press == "by keyboard":
        button.focus()
        page.wait_for_timeout(150)
        page.keyboard.press("Enter")
    else:
        button.click(delay=150 if press == "slowly" else 0)  # ms
    assert page.evaluate(DONE)
    assert "done" in page.locator(".gm-faces + .gm-near").inner_text()
    page.get_by_role("button", name="Draw").click()
    page.wait_for_function(f"{DONE} && {FIGURE}.get().seed === 2")


@pytest.mark.parametrize("touch", ["focus", "pointer"])
def test_it_changes_nothing_that_a_reader_has_come_to(page, show, touch):
    show(figure(wander=True, steps=(3,)))
    page.wait_for_function(DONE, timeout=20_000)
    if touch == "focus":
        page.get_by_label("hair").focus()
    else:
        page.locator(".gm-faces").click()
    before = asked(page, "get()")
    page.wait_for_timeout(3_500)  # it rests for less
    assert asked(page, "get()") == before


def test_it_speaks_when_it_was_asked(page, show):
    show(figure(wander=True, steps=(3,)))
    page.wait_for_function(f"{FIGURE}.get().seed > 1 && {DONE}", timeout=20_000)
    page.wait_for_timeout(800)  # words are said after half a second
    spoken = page.locator(".gm-spoken")
    assert spoken.inner_text() == ""
    page.locator("select").first.select_option("red")
    page.wait_for_function(
        "document.querySelector('.gm-spoken').textContent.includes('red hair')"
    )
    assert "done" in spoken.inner_text()


COUNT = """() => {
    window.painted = 0;
    const put = CanvasRenderingContext2D.prototype.putImageData;
    CanvasRenderingContext2D.prototype.putImageData = function (...how) {
        window.painted++;
        return put.apply(this, how);
    };
}"""


def test_with_reduced_motion_only_finished_faces_are_shown(page, show):
    page.emulate_media(reduced_motion="reduce")
    show(figure(steps=(6,)))
    page.evaluate(COUNT)
    page.locator("select").first.select_option("red")
    page.wait_for_function(
        f"{FIGURE}.get().steps.every((k) => k === 6)", timeout=10_000
    )
    page.wait_for_function("window.painted > 0")
    assert page.evaluate("window.painted") == 4
    page.emulate_media(reduced_motion="no-preference")
    page.locator("select").first.select_option("blue")
    page.wait_for_function("window.painted > 40")


def test_a_phone_is_wide_enough(page, show):
    page.set_viewport_size(PHONE)
    show(figure())
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_traits_that_are_none_are_refused(show):
    page = show(figure())
    for wrong in ("{hair: 6}", "{hair: -2}", "{nose: 0}"):
        with pytest.raises(Exception, match="no trait"):
            asked(page, f"set({wrong})")


def test_the_size():
    """1.4 bytes of the page for a weight, beside the scripts."""
    model = faces()
    html, weights = (
        figure(model)._repr_html_(),
        sum(w.numel() for w in model.parameters()),
    )
    assert len(html) < 1.6 * weights + 60_000


@pytest.mark.parametrize(
    ("model", "kind", "words"),
    [
        (
            lambda: Diffusion(UNetDenoiser((3, 8, 8), width=8), (3, 8, 8)),
            TypeError,
            "DiT",
        ),
        (
            lambda: Diffusion(DiTDenoiser((3, 8, 8), width=8, depth=1), (3, 8, 8)),
            TypeError,
            "the net is told by a NoneType",
        ),
        (
            lambda: Diffusion(
                DiTDenoiser((1, 8, 8), width=8, depth=1, encoder=PhraseEncoder(8)),
                (1, 8, 8),
            ),
            ValueError,
            "three channels",
        ),
    ],
    ids=["a U-Net", "no phrases", "gray"],
)
def test_it_refuses(model, kind, words):
    with pytest.raises(kind, match=words):
        figure(model())


def test_it_refuses_weights_that_are_not_finite():
    model = faces()
    with torch.no_grad():
        model.net.head.bias[0] = float("nan")
    with pytest.raises(ValueError, match="did training diverge"):
        figure(model)
    with pytest.raises(ValueError, match="steps is empty"):
        figure(steps=())
