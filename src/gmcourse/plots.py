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
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ._arguments import integer

__all__ = [
    "COLORS",
    "MARKERS",
    "Shown",
    "Table",
    "density",
    "figure",
    "image_grid",
    "images",
    "scatter",
    "show",
    "table",
]

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
YELLOW, SKY, GRAY, BLACK = "#E69F00", "#56B4E9", "#7F7F7F", "#222222"
COLORS = (BLUE, ORANGE, GREEN, PINK, YELLOW, SKY, GRAY, BLACK)
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
    """A finished figure: HTML with caption and alternative text."""

    def __init__(self, png: bytes, caption: str, alt: str, width: int):
        self.png, self.caption, self.alt, self.width = png, caption, alt, width

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png).decode()
        return (
            f'<figure class="gm-figure"><img alt="{html.escape(self.alt)}" '
            f'width="{self.width}" style="max-width:100%;height:auto" '
            f'src="data:image/png;base64,{data}">'
            f"<figcaption>{html.escape(self.caption)}</figcaption></figure>"
        )

    def __repr__(self) -> str:
        return f"[figure: {self.alt}] {self.caption}"


def show(fig: Any, *, caption: str, alt: str, dpi: int = 110) -> Shown:
    """Finish ``fig``: the last line of a cell.

    Args:
        caption: what to see in the figure, in a sentence or two.
        alt: what is drawn, for those who cannot see it.

    Raises:
        ValueError: one of them is empty.
    """
    import matplotlib.pyplot as plt

    if not caption.strip() or not alt.strip():
        raise ValueError("a figure needs a caption (what to see) and an alt text")
    buffer = io.BytesIO()
    # Without the version in the file, the same figure is the same bytes.
    fig.savefig(
        buffer,
        format="png",
        dpi=dpi,
        facecolor="white",
        metadata={"Software": None},
        pil_kwargs={"optimize": True},
    )
    width = round(fig.get_figwidth() * 96)
    plt.close(fig)
    return Shown(buffer.getvalue(), " ".join(caption.split()), alt, width)


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
    """Draw a grid of images in [0, 1] on ``ax``, without axes."""
    grid = image_grid(x, columns)
    ax.imshow(grid.numpy().squeeze(), cmap="gray", vmin=0, vmax=1)
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
    how: dict[str, Any] = {"origin": "lower", "cmap": "Blues", "aspect": "equal"}
    ax.imshow(value.cpu().numpy(), extent=tuple(bounds), **how)


class Table:
    """A small table that reads well in a notebook, in the book and in a terminal."""

    def __init__(
        self, head: Sequence[str], rows: Sequence[Sequence[Any]], caption: str
    ):
        self.head, self.caption = [str(h) for h in head], caption
        self.rows = [[_cell(v) for v in row] for row in rows]

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str) -> str:
            inner = "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells)
            return f"<tr>{inner}</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        return (
            f'<table class="gm-table"><caption>{html.escape(self.caption)}</caption>'
            f"<thead>{line(self.head, 'th')}</thead><tbody>{body}</tbody></table>"
        )

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows)]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip()
            for row in (self.head, *self.rows)
        ]
        return "\n".join([self.caption, *lines])


def _cell(value: Any) -> str:
    if isinstance(value, Tensor):
        value = value.item()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], caption: str) -> Table:
    """A table with a caption; floats are shown with four significant digits.

    Raises:
        ValueError: a row is longer or shorter than the head.
    """
    bad = [row for row in rows if len(row) != len(head)]
    if bad:
        raise ValueError(f"a row has {len(bad[0])} cells; the head has {len(head)}")
    return Table(head, rows, caption)
