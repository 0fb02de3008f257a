"""Figures: one look whatever the reader's own style is."""

import base64
import io
import math
import re
import sys
import wave

import ipywidgets
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from browser import chromium as chromium
from browser import page as page
from PIL import Image

from gmcourse import plots


@pytest.fixture(autouse=True)
def own_settings():
    matplotlib.use("agg")
    with plt.rc_context():
        yield


def draw():
    fig, (left, right) = plots.figure(2)
    left.set_title("title")
    left.plot([0, 1], [0, 1], label="line")
    plots.scatter(left, torch.tensor([[0.0, 0.0], [1.0, 0.5]]), torch.tensor([0, 1]))
    plots.images(right, torch.rand(3, 1, 4, 4), title="images")
    return plots.show(fig, caption="What to see.", alt="Two panels.").webp


@pytest.mark.parametrize("style", ["dark_background", "ggplot", "classic", "bmh"])
def test_a_readers_style_does_not_reach_the_figures(style):
    """On a dark style titles and legends were white on the white page."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        usual = draw()
        plt.style.use(style)
        plt.rcParams.update({"savefig.transparent": True, "savefig.bbox": "tight"})
        torch.manual_seed(0)
        assert draw() == usual


def test_matplotlib_gets_arrays(monkeypatch):
    """Since numpy 2.5 a tensor in an array's place is a deprecation warning."""

    def tensor(self, *args, **kwargs):
        raise AssertionError("a tensor was handed to numpy or matplotlib")

    monkeypatch.setattr(torch.Tensor, "__array__", tensor)
    fig, axes = plots.figure(3)
    points = torch.randn(5, 2, requires_grad=True)
    plots.scatter(axes[0], points)
    plots.scatter(axes[0], points, torch.tensor([0, 1, 1, 0, 2]))
    plots.density(axes[1], lambda x: -x.square().sum(1), (-1.0, 1.0, -1.0, 1.0), size=5)
    plots.images(axes[2], torch.rand(2, 3, 4, 4))
    plots.show(fig, caption="What to see.", alt="Three panels.")


def test_images_are_drawn_whatever_the_default_device():
    x = torch.rand(3, 1, 4, 4)
    with torch.device("meta"):
        assert plots.image_grid(x).device.type == "cpu"


def pixels(shown):
    return torch.from_numpy(
        np.array(Image.open(io.BytesIO(shown.webp)).convert("RGBA"))
    )


def test_a_figure_has_two_pixels_for_one_of_the_page():
    fig, ax = plots.figure(width=3.0, height=2.0)
    ax.plot([0, 1])
    shown = plots.show(fig, caption="What to see.", alt="A line.")
    assert pixels(shown).shape == (2 * 192, 2 * 288, 4)
    html = shown._repr_html_()
    assert 'width="288"' in html and "gm-plot" in html and "background:#fff" in html


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_shown_as_they_are_on_any_ground(channels):
    """No white card, no white between them, and text that reads on either ground."""
    fig, ax = plots.figure(width=2.0, height=2.0)
    plots.images(ax, torch.zeros(4, channels, 5, 5), columns=2, title="black")
    ax.set_ylabel("a label")
    shown = plots.show(fig, caption="What to see.", alt="Four black pictures.")
    assert shown.pictures and "background" not in shown._repr_html_()
    image = pixels(shown)
    opaque = image[image[..., 3] == 255][:, :3]
    black = (opaque == 0).all(1).float().mean()
    assert black > 0.9  # and the rest is the title
    assert (opaque.max(1).values <= 0x77).all()
    assert (image[..., 3] == 0).float().mean() > 0.05


def test_a_density_is_ink_on_the_pages_ground():
    fig, ax = plots.figure(width=2.0, height=2.0)
    plots.density(ax, lambda x: -8 * x.square().sum(1), (-2.0, 2.0, -2.0, 2.0), 50)
    shown = plots.show(fig, caption="What to see.", alt="A blob.")
    assert not shown.pictures
    color = np.array([[0.0], [0.5], [1.0]])
    ours, due = plots._blues()(color), matplotlib.colormaps["Blues"](color)
    on_white = ours[..., 3:] * ours[..., :3] + 1 - ours[..., 3:]
    assert np.allclose(on_white, due[..., :3], atol=1e-6) and ours[0, 0, 3] < 0.05


def test_a_column_has_one_number_of_decimals():
    rows = [
        ["-ELBO", 12.5, 0.0364, -1, "-3.1 ± 0.2", "[-1, 2]", True],
        ["L", -0.00738, 0.9, 12345, "93.3 ± 1.1 %", "x-1", torch.tensor(2)],
        ["", 106.25, 0.1029, 7, "", "-", None],
        ["none", math.inf, 1e-9, 0, "\u2013", "a", ""],
    ]
    table = plots.table(["", "a", "b", "c", "d", "e", "f"], rows, "What.")
    assert [row[1] for row in table.rows] == ["12.500", "\u22120.007", "106.250", "inf"]
    assert [row[2] for row in table.rows] == ["0.0364", "0.9000", "0.1029", "0.0000"]
    assert [row[3] for row in table.rows] == ["\u22121", "12,345", "7", "0"]
    assert table.rows[0][4] == "\u22123.1 ± 0.2"
    assert [row[5] for row in table.rows] == ["[\u22121, 2]", "x-1", "-", "a"]
    assert [row[6] for row in table.rows] == ["True", "2", "None", ""]
    assert table.numbers == [False, True, True, True, True, False, False]
    lines = repr(table).splitlines()
    assert lines[2].index("12.500") == lines[4].index("106.250") + 1
    html = table._repr_html_()
    assert html.count("<th") - html.count("<thead") == 6  # an empty head is none
    assert html.count('class="number"') == 4 * 5
    few = plots.table(["a"], [[35.47], [8.0]], "What.").rows
    assert few == [["35.47"], ["8.00"]]
    assert plots.table(["a"], [[math.nan], [0.0]], "What.").rows == [["nan"], ["0"]]


def test_an_axis_without_ticks_has_no_half_frame():
    fig, axes = plots.figure(2)
    axes[0].set(xticks=[], yticks=[])
    plots.show(fig, caption="Two.", alt="Two axes.")
    seen = [[s.get_visible() for s in ax.spines.values()] for ax in axes]
    assert seen == [[False] * 4, [True, False, True, False]]


# A figure to play with.


def bar(height, color="gray"):
    fig, ax = plots.figure(width=2.0, height=1.0)
    ax.bar([0], [height], color=color)
    ax.set_ylim(0, 10)
    return fig


def red(webp):
    """How many pixels of a picture are red."""
    r, g, b = np.asarray(Image.open(io.BytesIO(webp)).convert("RGB")).T.astype(int)
    return int(((r > 200) & (g < 60) & (b < 60)).sum())


def test_a_figure_follows_its_controls():
    played = plots.play(
        bar,
        caption="A bar.",
        alt="One bar.",
        height=ipywidgets.IntSlider(2, 0, 10, description="how high"),
        color=ipywidgets.Dropdown(options=["red", "blue"], value="red"),
    )
    low = red(played.picture.value)
    played.controls["height"].value = 8
    assert red(played.picture.value) == pytest.approx(4 * low, rel=0.1)
    played.controls["color"].value = "blue"
    assert red(played.picture.value) == 0
    described = [c.description for c in played.controls.values()]
    assert described == ["how high", "color"]  # by itself, or the argument's name
    widths = {c.style.description_width for c in played.controls.values()}
    assert widths == {"10ch"}  # whole words, one below the other


def test_a_page_without_a_kernel_has_the_first_figure():
    slider = ipywidgets.IntSlider(2, 0, 10)
    played = plots.play(bar, caption="A bar.", alt="One bar.", height=slider)
    first = plots.show(bar(2), caption="A bar.", alt="One bar.")._repr_html_()
    slider.value = 9
    bundle = played._repr_mimebundle_()
    assert bundle["text/html"] == first
    assert bundle["text/plain"] == "[figure: One bar.] A bar."
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == played.box.model_id


def test_colab_is_given_the_controls_alone(monkeypatch):
    """It would show the page's form of two."""
    monkeypatch.setitem(sys.modules, "google.colab", io)
    slider = ipywidgets.IntSlider(2, 0, 10)
    played = plots.play(bar, caption="A bar.", alt="One bar.", height=slider)
    assert "text/html" not in played._repr_mimebundle_()


def test_play_refuses():
    with pytest.raises(ValueError, match="needs a control"):
        plots.play(bar, caption="A bar.", alt="One bar.")
    with pytest.raises(TypeError, match="height is a int; expected a widget"):
        plots.play(bar, caption="A bar.", alt="One bar.", height=3)
    with pytest.raises(ValueError, match="caption"):
        plots.play(bar, caption="", alt="x", height=ipywidgets.IntSlider(2, 0, 10))


def test_a_picture_has_no_blank_rows_and_its_full_width():
    fig, ax = plots.figure(width=4.0, height=4.0)
    plots.images(ax, torch.rand(8, 1, 28, 28), 8)
    shown = plots.show(fig, caption="Eight images.", alt="Noise.")
    alpha = np.asarray(Image.open(io.BytesIO(shown.webp)))[..., 3]
    rows = (alpha > 0).any(1).nonzero()[0]
    assert rows[0] < 20 and rows[-1] > len(alpha) - 20
    assert len(alpha) < 2 * shown.width / 4 and alpha.shape[1] == 2 * shown.width


# Sounds to listen to.


def some_sounds():
    """A tone, a click, and one that is shorter than its picture is wide."""
    tone = 0.7 * torch.sin(torch.arange(800.0))
    click = torch.zeros(500)
    click[300] = -1.5
    return [tone, click, torch.tensor([0.5, -0.25])]


def test_a_player_holds_the_samples_themselves():
    waves = some_sounds()
    heard = plots.sounds(waves, 4000, ["one", "<two>", 3], caption="Listen  to this.")
    html = heard._repr_html_()
    files = re.findall(r'src="data:audio/wav;base64,([^"]+)"', html)
    assert len(files) == 3
    for file, due in zip(files, waves):
        with wave.open(io.BytesIO(base64.b64decode(file))) as sound:
            params = sound.getparams()
            frames = sound.readframes(params.nframes)
        assert (params.nchannels, params.sampwidth, params.framerate) == (1, 2, 4000)
        found = torch.from_numpy(np.frombuffer(frames, "<i2").astype(np.float64))
        due = due.clamp(-1, 1).double() * 32767
        assert found.shape == due.shape and (found - due).abs().max() <= 0.501
    assert html.count("<audio controls") == 3 and "<figcaption>Listen to this." in html
    assert 'aria-label="Waveform of one, 0.20 seconds"' in html
    assert "&lt;two&gt;" in html and "<two>" not in html
    assert repr(heard) == "[sounds: one, <two>, 3] Listen to this."
    again = plots.sounds(waves, 4000, heard.labels, caption=heard.caption)
    assert html == again._repr_html_()


def test_the_picture_of_a_sound_goes_around_it():
    """Its columns reach from the lowest sample to the highest, up is positive."""
    for sound in some_sounds():
        (picture,) = plots.sounds([sound], 8000, caption="What.").pictures
        points = re.findall(r"[ML]([\d.]+) ([\d.]+)", picture)
        x, y = torch.tensor([[float(a), float(b)] for a, b in points]).T
        n = len(x) // 2
        assert n == 120 and torch.equal(x[:n], x[n:].flip(0))
        high, low = y[:n], y[n:].flip(0)
        assert (high < low).all() and y.min() >= 0 and y.max() <= 40
        for i, (a, b) in enumerate(zip(high.tolist(), low.tolist())):
            first = i * len(sound) // n
            part = sound[first : max((i + 1) * len(sound) // n, first + 1)]
            part = 20 * (1 - part.clamp(-1, 1))
            assert abs(a - part.min()) <= 0.36 and abs(b - part.max()) <= 0.36


def test_sounds_without_labels_are_numbered_and_a_batch_is_taken():
    heard = plots.sounds(torch.rand(3, 10).double(), 8000, caption="What.")
    assert heard.labels == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"waves": []}, ValueError, "there is no sound"),
        ({"caption": " "}, ValueError, "need a caption"),
        ({"labels": ["a", "b"]}, ValueError, "2 labels for 1 sounds"),
        ({"rate": 0}, ValueError, "rate"),
        ({"rate": 8000.0}, TypeError, "rate"),
        ({"waves": torch.zeros(1, 5).long()}, TypeError, "sound is torch.int64"),
        ({"waves": torch.zeros(1, 1, 5)}, ValueError, r"shape \(1, 5\)"),
        ({"waves": torch.zeros(1, 0)}, ValueError, r"shape \(0,\)"),
        ({"waves": torch.tensor([[math.nan]])}, ValueError, "all finite"),
    ],
)
def test_sounds_that_cannot_be_played_are_refused(
    change, error, message, as_users_run_it
):
    good = {"waves": torch.zeros(1, 5), "rate": 8000, "caption": "What."}
    with pytest.raises(error, match=message):
        plots.sounds(**good | change)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_sounds_play_from_a_file_and_wrap(page, tmp_path, scheme):
    path = tmp_path / "page.html"
    waves = [torch.sin(k * torch.arange(2000.0) / 4) for k in range(1, 5)]
    heard = plots.sounds(waves, 4000, caption="Four tones.")
    style = "html{color-scheme:light dark}body{margin:1rem}figure{margin:0}"
    path.write_text(f"<style>{style}</style>{heard._repr_html_()}", encoding="utf-8")
    page.emulate_media(color_scheme=scheme)
    page.goto(path.as_uri())
    players = page.locator("audio")
    ready = (
        "a => a.duration > 0 || new Promise(r => a.onloadedmetadata = () => r(true))"
    )
    for k in range(4):
        assert players.nth(k).evaluate(ready)
        assert abs(players.nth(k).evaluate("a => a.duration") - 0.5) < 0.001
    assert len({players.nth(k).bounding_box()["y"] for k in range(4)}) == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "AUDIO"
    color = page.evaluate("getComputedStyle(document.querySelector('path')).fill")
    assert color == {"light": "rgb(0, 0, 0)", "dark": "rgb(255, 255, 255)"}[scheme]
    page.set_viewport_size({"width": 360, "height": 800})
    assert len({players.nth(k).bounding_box()["y"] for k in range(4)}) > 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.errors == []
