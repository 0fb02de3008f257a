"""Rules for stored outputs: from a chapter to a list of problems, none if kept."""

import re
from html.parser import HTMLParser

import pairs
from outputs import WIDGET, clean_outputs, unstable_outputs

MEGABYTES = 1.0
MEDIA = ("img", "svg", "canvas", "video", "iframe")
VOID = {"img", "br", "hr", "input", "link", "meta", "source", "wbr", "col", "area"}


def paired(chapter):
    """The notebook exists and holds the cells of the text."""
    if chapter.notebook is None:
        return [f"{chapter.name}.ipynb is missing: run make execute"]
    found = pairs.differences(chapter.text, chapter.notebook)
    return [f"{line}; run tools/notebooks.py pair" for line in found]


def current(chapter):
    """Outputs are complete, in order, without errors, and from the present code."""
    if chapter.notebook is None:
        return [f"{chapter.name}.ipynb is missing: run make execute"]
    facts, found = chapter.notebook.metadata.get("gmcourse", {}), []
    if facts.get("code_hash") != pairs.code_hash(chapter.text):
        found.append("the outputs are from older code: run make execute")
    if facts.get("scale") not in ("cpu", "gpu"):
        found.append(f"the outputs are of scale {facts.get('scale')}: run make execute")
    counts = [
        c.execution_count for c in chapter.notebook.cells if c.cell_type == "code"
    ]
    if counts != list(range(1, len(counts) + 1)):
        found.append("code cells were not executed once each, in order")
    for number, output in chapter.outputs():
        if output.output_type == "error":
            found.append(f"cell {number} shows an error: {output.ename}")
    return found


def stable(chapter):
    """Outputs hold nothing that changes with the run or the machine."""
    if chapter.notebook is None:
        return []
    found = unstable_outputs(chapter.notebook)
    for number, cell in enumerate(chapter.notebook.cells):
        if "execution" in cell.metadata:
            found.append(f"cell {number} holds execution times")
        outputs = cell.get("outputs", [])
        if outputs != clean_outputs(outputs):
            found.append(f"cell {number} holds raw progress lines or split streams")
    for number, output in chapter.outputs():
        if output.get("name") == "stderr":
            line = "".join(output.text).strip().splitlines()[0]
            found.append(f"cell {number} shows a warning or log line: {line}")
    return found


def defined(chapter):
    """No output shows a number that is not a number."""
    if chapter.notebook is None:
        return []
    found = []
    for number, output in chapter.outputs():
        shown = output.get("data", {}).get("text/plain", "")
        if re.search(r"\bnan\b", f"{output.get('text', '')} {shown}"):
            found.append(f"cell {number} shows nan")
    return found


def light(chapter):
    """The notebook is small: no widget state, no progress bar, at most 1 MB."""
    found = []
    for number, cell in chapter.code():
        if re.search(r"\btqdm\b", cell.source):
            found.append(f"cell {number} uses tqdm: train(progress=True) is plain text")
    if chapter.notebook is None:
        return found
    if "widgets" in chapter.notebook.metadata:
        found.append("the notebook's metadata hold the state of widgets")
    for number, output in chapter.outputs():
        if WIDGET in output.get("data", {}):
            found.append(f"cell {number} stores a widget, an empty box in the book")
        if re.search(r"\d+%\|.*\|.*\[\d\d:\d\d", str(output.get("text", ""))):
            found.append(f"cell {number} stores a progress bar")
    size = chapter.path.with_suffix(".ipynb").stat().st_size / 1e6
    if size > MEGABYTES:
        found.append(f"the notebook has {size:.2f} MB, above {MEGABYTES} MB")
    return found


class _Media(HTMLParser):
    """The pictures of an HTML output: what each lacks."""

    def __init__(self):
        super().__init__()
        self.stack, self.lacking, self.figures = [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "figure":
            self.figures.append("")
        hidden = any(a.get("aria-hidden") == "true" for _, a in self.stack)
        inside = any(t in MEDIA for t, _ in self.stack)
        if tag in MEDIA and not hidden and not inside:
            self._look(tag, attributes)
        if tag not in VOID:
            self.stack.append((tag, attributes))

    def _look(self, tag, attributes):
        if attributes.get("aria-hidden") == "true":
            return
        spoken = [attributes.get("alt"), attributes.get("aria-label")]
        spoken += [a.get("aria-label") for _, a in self.stack]
        if not any(words and len(words.split()) >= 3 for words in spoken):
            self.lacking.append(f"<{tag}> has no alt text of at least three words")
        # A live figure (gmcourse.live) writes its caption itself.
        live = any("gm-live" in (a.get("class") or "") for _, a in self.stack)
        if not live and "figure" not in [t for t, _ in self.stack]:
            self.lacking.append(f"<{tag}> is not in a <figure> with a caption")

    def handle_endtag(self, tag):
        while self.stack:
            if self.stack.pop()[0] == tag:
                break
        if tag == "figure" and self.figures and not self.figures.pop().strip():
            self.lacking.append("<figure> has no <figcaption>, or an empty one")

    def handle_data(self, data):
        if self.figures and any(t == "figcaption" for t, _ in self.stack):
            self.figures[-1] += data


def figures(chapter):
    """Every figure was shown with alt text and a caption: gmcourse.plots.show."""
    found = []
    for number, output in chapter.outputs():
        data = output.get("data", {})
        if "text/html" not in data:
            if any(kind.startswith("image/") for kind in data):
                found.append(
                    f"cell {number} shows a bare picture: use "
                    "gmcourse.plots.show(fig, caption=..., alt=...)"
                )
            continue
        parser = _Media()
        parser.feed("".join(data["text/html"]))
        parser.close()
        found += [f"cell {number}: {line}" for line in parser.lacking]
    return found


RULES = [paired, current, stable, defined, light, figures]
