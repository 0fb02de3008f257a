"""What every live figure shares: one piece of HTML that needs nothing else."""

import html
import json
from importlib import resources
from typing import ClassVar

from ._bytes import digest, in_base64


class Live:
    """What every live figure shares: data for the browser, a still, and the HTML.

    A kind of figure is a subclass and a file ``script`` beside it, which adds the
    function ``GM.figures[data["kind"]]`` that draws it.
    """

    script: ClassVar[str]

    def __init__(self, data: dict, still: bytes, caption: str) -> None:
        self.data, self.still, self.caption = data, still, caption

    def __repr__(self) -> str:
        return f"[live figure: {self.data['label']}] {self.caption}"

    def _repr_html_(self) -> str:
        runtime = _script("runtime.js")
        runtime = runtime.replace("GM_VERSION", digest(runtime))
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
            f"<script>\n{runtime}{_script(self.script)}"
            f"GM.start({json.dumps(name)}, {data});\n</script>"
        )


def _script(name: str) -> str:
    return resources.files("gmcourse.live").joinpath(name).read_text("utf-8")
