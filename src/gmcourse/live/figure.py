"""What every live figure shares: one piece of HTML that needs nothing else."""

import html
import json
import re
from importlib import resources
from typing import ClassVar

from ._bytes import digest, in_base64


class Live:
    """What every live figure shares: data for the browser, a still, and the HTML.

    A kind of figure is a subclass and a script of that name beside it, which adds the
    function ``GM.figures[kind]`` that draws it. Scripts that several kinds share, and
    others do not need, are its ``parts``: ``train.js`` where a network's slopes are
    asked for, ``plane.js`` where points lie on a plane.

    Args:
        data: what the script draws, for JSON.
        still: a PNG, for print and for pages that run no scripts.
        caption: of the still.
        title: a line above the figure.
        label: what the figure shows, in one phrase, for readers who do not see it.
        wander: it moves from when it is seen until the reader touches it; never where
            the reader's system asks for less motion.
    """

    kind: ClassVar[str]
    parts: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        data: dict,
        still: bytes,
        caption: str,
        title: str,
        label: str,
        wander: bool,
    ) -> None:
        self.still, self.caption = still, caption
        self.data = {
            **data,
            "kind": self.kind,
            "title": title,
            "label": label,
            "wander": bool(wander),
        }

    def __repr__(self) -> str:
        return f"[live figure: {self.data['label']}] {self.caption}"

    def _repr_html_(self) -> str:
        runtime = _script("runtime.js")
        runtime = runtime.replace("GM_VERSION", digest(runtime))
        runtime += "".join(map(_script, self.parts))
        # "<" would let a title end the script.
        data = json.dumps(self.data, sort_keys=True).replace("<", "\\u003c")
        name = f"gm-{digest(data)}"  # the same figure has the same id on every run
        label, title = html.escape(self.data["label"]), html.escape(self.data["title"])
        caption = html.escape(self.caption)
        return (
            f'<div class="gm-live" id="{name}" role="group" aria-label="{label}">'
            f'<div class="gm-title">{title}</div>'
            f'<img class="gm-still" alt="{label}. {caption}" '
            'style="width:440px;max-width:100%;image-rendering:pixelated" '
            f'src="data:image/png;base64,{in_base64(self.still)}">'
            f'<div class="gm-still">{caption}</div></div>\n'
            f"<script>\n{runtime}{_script(f'{self.kind}.js')}"
            f"GM.start({json.dumps(name)}, {data});\n</script>"
        )


def _script(name: str) -> str:
    """A script without its indentation and its lines of comment: a fifth less."""
    text = resources.files("gmcourse.live").joinpath(name).read_text("utf-8")
    return re.sub(r"(?m)^[ \t]*//.*\n|^[ \t]+", "", text)
