"""Figures: one look whatever the reader's own style is."""

import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch

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
    return plots.show(fig, caption="What to see.", alt="Two panels.").png


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
