"""One look for all figures, and figures that say what they show.

``show(fig, caption=…, alt=…)`` ends a figure: it gives an HTML ``<figure>`` with a
caption and an alternative text, the same in Jupyter, on Colab and in the book.
Six of the colors are those of Okabe & Ito, which color-blind readers can tell apart; in
gray they cannot be trusted, so classes have markers of their own too.
"""

import base64
import html
import io
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ._arguments import integer
from ._sounds import Heard, sounds
from ._tables import Table, table

__all__ = [
    "COLORS",
    "MARKERS",
    "Heard",
    "Shown",
    "Table",
    "density",
    "figure",
    "image_grid",
    "images",
    "play",
    "scatter",
    "show",
    "sounds",
    "table",
]

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
YELLOW, SKY, GRAY, BLACK = "#E69F00", "#56B4E9", "#7F7F7F", "#222222"
COLORS = (BLUE, ORANGE, GREEN, PINK, YELLOW, SKY, GRAY, BLACK)
PIXELS = 96  # of the page in an inch
_BETWEEN = "#777777"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")

_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.labelcolor": BLACK,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "font.size": 10,
    "figure.dpi": 100,
    "image.cmap": "gray",
    "image.interpolation": "nearest",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
}


def figure(
    columns: int = 1, rows: int = 1, *, width: float = 0.0, height: float = 2.8, **how
) -> tuple[Any, Any]:
    """A figure in the course's look: ``(fig, axes)`` as of ``plt.subplots``.

    Args:
        width: inches of one panel; 0 makes the whole about as wide as the text.
        height: inches of one panel.
        how: passed to ``plt.subplots``.

    Raises:
        ValueError, TypeError: ``columns`` or ``rows`` is not a positive integer.
    """
    import matplotlib.pyplot as plt
    from cycler import cycler

    columns, rows = integer("columns", columns), integer("rows", rows)
    width = width or (4.6 if columns == 1 else 8.0 / columns)
    # For the session, not for this figure alone: legends are drawn later. On top of
    # matplotlib's own look: a reader's dark style would write white on our white.
    style: dict[Any, Any] = {**_STYLE, "axes.prop_cycle": cycler(color=COLORS)}
    plt.style.use(["default", style])
    size = (width * columns, height * rows)
    return plt.subplots(rows, columns, figsize=size, layout="constrained", **how)


class Shown:
    """A finished figure: HTML with caption and alternative text.

    Two pixels of the file stand for one of the page, so that it is sharp on a screen of
    a phone too. The ground is transparent: in its dark mode the book inverts a plot
    and shows pictures as they are, whose frame of gray reads on either ground.
    """

    def __init__(self, webp: bytes, caption: str, alt: str, width: int, **facts: bool):
        self.webp, self.caption, self.alt, self.width = webp, caption, alt, width
        self.pictures = facts["pictures"]  # rather than a plot
        self.words = facts["words"]  # axes, titles, a legend

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.webp).decode()
        kind = "gm-pictures" if self.pictures else "gm-plot"
        kind += " gm-words" if self.words else ""  # to be read on a phone too
        ground = "" if self.pictures else ";background:#fff"  # Jupyter's may be dark
        return (
            f'<figure class="gm-figure {kind}"><img alt="{html.escape(self.alt)}" '
            f'width="{self.width}" style="max-width:100%;height:auto{ground}" '
            f'src="data:image/webp;base64,{data}">'
            f"<figcaption>{html.escape(self.caption)}</figcaption></figure>"
        )

    def __repr__(self) -> str:
        return f"[figure: {self.alt}] {self.caption}"


def show(fig: Any, *, caption: str, alt: str) -> Shown:
    """Finish ``fig``: the last line of a cell.

    Args:
        caption: what to see in the figure, in a sentence or two.
        alt: what is drawn, for those who cannot see it.

    Raises:
        ValueError: one of them is empty.
    """
    import matplotlib.pyplot as plt
    from matplotlib.image import AxesImage

    if not caption.strip() or not alt.strip():
        raise ValueError("a figure needs a caption (what to see) and an alt text")
    pictures = any(map(_is_picture, fig.findobj(AxesImage)))
    words = any(ax.axison or ax.get_title() or ax.texts for ax in fig.axes)
    if pictures:
        _gray_frame(fig)
    for ax in fig.axes:
        if len(ax.get_xticks()) == len(ax.get_yticks()) == 0:
            ax.spines[:].set_visible(False)  # without ticks they are half a frame
    buffer = io.BytesIO()
    fig.savefig(
        buffer,
        format="webp",
        dpi=2 * PIXELS,
        transparent=True,
        bbox_inches=_without_blank_rows(fig),
        pil_kwargs={"lossless": True, "quality": 75},
    )
    width = round(fig.get_figwidth() * PIXELS)
    plt.close(fig)
    caption = " ".join(caption.split())
    facts = {"pictures": pictures, "words": words}
    return Shown(buffer.getvalue(), caption, alt, width, **facts)


def _without_blank_rows(fig: Any, margin: float = 0.06) -> Any:
    """The figure's area without what is blank above and below, in inches.

    A grid of images is as wide as it may be, and seldom as high as its panel.
    """
    from matplotlib.transforms import Bbox

    fig.draw_without_rendering()  # the layout is made as it is drawn
    width, height = fig.get_size_inches()
    inked = fig.get_tightbbox()
    low, high = max(0.0, inked.y0 - margin), min(height, inked.y1 + margin)
    return Bbox.from_extents(0, low, width, high)


def _is_picture(artist: Any) -> bool:
    """A photo or a drawing rather than a map of numbers: gray, or RGB."""
    array = artist.get_array()
    return array is not None and (array.ndim == 3 or artist.get_cmap().name == "gray")


def _gray_frame(fig: Any) -> None:
    """Text, axes and ticks in a gray that reads on white and on black."""
    from matplotlib.spines import Spine
    from matplotlib.text import Text

    ours = {BLACK, "black", _STYLE["axes.edgecolor"]}
    for text in fig.findobj(Text):
        if text.get_color() in ours:
            text.set_color(_BETWEEN)
    for spine in fig.findobj(Spine):
        spine.set_edgecolor(_BETWEEN)
    for ax in fig.axes:
        ax.tick_params(color=_BETWEEN, labelcolor=_BETWEEN)


class Played:
    """Controls and a picture that follows them; in a page without a kernel, a still."""

    def __init__(self, draw: Callable[..., Shown], controls: dict[str, Any]):
        import ipywidgets

        self.draw, self.controls = draw, controls
        self.shown = draw(**self.values())
        self.picture = ipywidgets.Image(format="webp", value=self.shown.webp)
        self.picture.layout.max_width, self.picture.width = "100%", self.shown.width
        for name, control in controls.items():
            control.description = control.description or name
            control.observe(self.follow, names="value")
        longest = max(len(control.description) for control in controls.values())
        for control in controls.values():
            style = getattr(control, "style", None)
            if style is not None and hasattr(style, "description_width"):
                style.description_width = f"{longest + 2}ch"
        caption = ipywidgets.HTML(html.escape(self.shown.caption))
        self.box = ipywidgets.VBox([self.picture, *controls.values(), caption])

    def values(self) -> dict[str, Any]:
        return {name: control.value for name, control in self.controls.items()}

    def follow(self, change: Any) -> None:
        self.picture.value = self.draw(**self.values()).webp

    def _repr_mimebundle_(self, **how: Any) -> dict[str, Any]:
        alive = self.box._repr_mimebundle_(**how) or {}
        still = {"text/html": self.shown._repr_html_(), "text/plain": repr(self.shown)}
        if "google.colab" in sys.modules:  # it would show the still in place of them
            del still["text/html"]
        return {**alive, **still}


def play(
    draw: Callable[..., Any], *, caption: str, alt: str, **controls: Any
) -> Played:
    """A figure with ipywidgets under it, drawn anew whenever one of them is moved.

    The published page, which has no kernel, shows the figure of the first values.

    Args:
        draw: takes the controls' values by name and gives a figure of `figure`.
        caption, alt: of that figure, as of `show`.
        controls: widgets that have a value, such as ``ipywidgets.IntSlider``.

    Raises:
        ValueError: no control, or no caption or alternative text.
        TypeError: a control that is no widget with a value.
    """
    if not controls:
        raise ValueError("a figure to play with needs a control: digit=IntSlider(...)")
    for name, control in controls.items():
        if not hasattr(control, "value") or not hasattr(control, "observe"):
            kind = type(control).__name__
            raise TypeError(f"{name} is a {kind}; expected a widget that has a value")

    def shown(**values: Any) -> Shown:
        return show(draw(**values), caption=caption, alt=alt)

    return Played(shown, controls)


def image_grid(
    x: Float[Tensor, "n c h w"], columns: int = 8, pad: int = 1
) -> Float[Tensor, "rows cols channels"]:
    """Lay images out in a grid ``(H, W, 1 or 3)``, values clipped to [0, 1] for show.

    Example:
        >>> image_grid(torch.zeros(5, 1, 4, 4), columns=3).shape
        torch.Size([11, 16, 1])

    Raises:
        TypeError: ``x`` is no float tensor: pixels of 0 to 255 would all be white.
        ValueError: another shape, no image, or no column.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"images are {kind}; expected floats in [0, 1]: use to_unit")
    if x.ndim != 4 or x.shape[1] not in (1, 3) or not len(x):
        raise ValueError(
            f"images have shape {tuple(x.shape)}; expected (n, 1 or 3, h, w), n above 0"
        )
    n, c, h, w = x.shape
    columns, pad = min(integer("columns", columns), n), integer("pad", pad, 0)
    rows = math.ceil(n / columns)
    size = c, rows * (h + pad) + pad, columns * (w + pad) + pad
    grid = torch.ones(size, device="cpu")
    for i, image in enumerate(x.detach().float().cpu().clamp(0, 1)):
        top = pad + (i // columns) * (h + pad)
        left = pad + (i % columns) * (w + pad)
        grid[:, top : top + h, left : left + w] = image
    return grid.permute(1, 2, 0)


def images(
    ax: Any, x: Float[Tensor, "n c h w"], columns: int = 8, title: str = ""
) -> None:
    """Draw a grid of images in [0, 1] on ``ax``; between them is the page's ground."""
    grid, gaps = image_grid(x, columns), image_grid(torch.zeros_like(x), columns)
    seen = 1 - gaps[..., 0]
    if grid.shape[2] == 1:
        ax.imshow(grid[..., 0].numpy(), cmap="gray", vmin=0, vmax=1, alpha=seen.numpy())
    else:
        ax.imshow(torch.cat([grid, seen[..., None]], 2).numpy())
    ax.set_title(title)
    ax.set_axis_off()


def scatter(
    ax: Any,
    points: Float[Tensor, "n 2"],
    labels: Int[Tensor, " n"] | None = None,
    names: Sequence[str] | None = None,
    size: float = 6.0,
) -> None:
    """Draw points; each label has a color and a marker of its own, with a legend.

    Raises:
        ValueError: points that are not ``(n, 2)``, or not one label for each.
    """
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points have shape {tuple(points.shape)}; expected (n, 2)")
    if labels is not None and labels.shape != points.shape[:1]:
        raise ValueError(
            f"labels have shape {tuple(labels.shape)}; expected ({len(points)},)"
        )
    xy = points.detach().cpu().numpy()
    if labels is None:
        ax.scatter(xy[:, 0], xy[:, 1], s=size, color=BLUE, alpha=0.6, linewidths=0)
        return
    for k in sorted(set(labels.tolist())):
        part = xy[(labels == k).cpu().numpy()]
        name = str(k) if names is None else names[k]
        # Colors repeat after eight; the markers then tell the classes apart.
        color, marker = COLORS[k % len(COLORS)], MARKERS[k % len(MARKERS)]
        look = {"color": color, "marker": marker, "alpha": 0.7, "linewidths": 0}
        ax.scatter(part[:, 0], part[:, 1], s=size, label=name, **look)
    ax.legend(markerscale=2, loc="center left", bbox_to_anchor=(1.0, 0.5))


def density(ax: Any, log_prob: Any, bounds: Sequence[float], size: int = 200) -> None:
    """Draw a 2-D density on ``bounds``: (xmin, xmax, ymin, ymax)."""
    xmin, xmax, ymin, ymax = bounds
    u, v = torch.linspace(xmin, xmax, size), torch.linspace(ymin, ymax, size)
    grid = torch.cartesian_prod(u, v)
    with torch.no_grad():
        value = log_prob(grid).exp().view(size, size).T
    how: dict[str, Any] = {"origin": "lower", "cmap": _blues(), "aspect": "equal"}
    ax.imshow(value.cpu().numpy(), extent=tuple(bounds), **how)


def _blues() -> Any:
    """matplotlib's Blues as an ink on the page's ground, not on white."""
    import matplotlib
    from matplotlib.colors import ListedColormap

    color = matplotlib.colormaps["Blues"](range(256))
    share = 1 - color[:, :3].min(1)  # of ink: color = share ink + (1 - share) white
    color[:, :3] = 1 - (1 - color[:, :3]) / share[:, None]
    color[:, 3] = share
    return ListedColormap(color, "Blues on any ground")
