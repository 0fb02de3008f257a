"""A page with live figures: the fixture `show`; beside `browser`'s of the same kind."""

import re

import pytest
import torch

from gmcourse import live

PHONE = {"width": 390, "height": 844}


def drawn(page):
    """Waits until the page was drawn and its observers were told what is in sight."""
    page.evaluate(
        """() => new Promise(
          done => new IntersectionObserver(done).observe(document.body))"""
    )


def corners(path, extent=4.0):
    """The corners of a path of `plane.js` in the coordinates of the plane, (n, 2)."""
    pairs = re.findall(r"([\d.-]+) ([\d.-]+)", path.get_attribute("d"))
    pairs = [[float(v) for v in pair] for pair in pairs]
    at = torch.tensor(pairs).view(-1, 2) / 400 * 2 * extent - extent
    return at * torch.tensor([1.0, -1.0])


@pytest.fixture
def show(page, tmp_path):
    """Opens a file:// page with the figures and returns it."""

    def show(*figures: live.Live, attributes: str = "", head: str = ""):
        body = "\n".join(figure._repr_html_() for figure in figures)
        path = tmp_path / "page.html"
        path.write_text(
            f"<!doctype html><html {attributes}><head><meta charset='utf-8'>{head}"
            "<meta name='viewport' content='width=device-width'></head>"
            f"<body>{body}</body></html>",
            "utf-8",
        )
        page.goto(path.as_uri())
        assert page.errors == []
        return page

    return show
