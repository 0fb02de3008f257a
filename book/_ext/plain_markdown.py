"""Equations, exercises, cards, folds and callouts, from a chapter's plain Markdown."""

import ast
import re

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

log = logging.getLogger(__name__)

ANCHOR = re.compile(r"<a id=\"([^\"]+)\">")
TAG = re.compile(r"\\tag\{([^{}]+)\}")
EXERCISE = re.compile(r"^Exercise ([a-z]+-\d+) · .+$")
CARD = re.compile(r"^Difficulty ([1-5])/5 · ")
CALLOUTS = {
    "Key idea": "idea",
    "Definition": "idea",
    "Result": "idea",
    "Note": "note",
    "Code": "note",
    "History": "note",
    "Pitfall": "pitfall",
    "Warning": "pitfall",
    "Common mistake": "pitfall",
}


SET_UP = {"google.colab": "Set-up, on Colab only", "import gmcourse": "Imports"}
DRAWN = {"plots.show": "figure", "plots.play": "figure", "plots.table": "table"}


def html(text):
    return nodes.raw("", text, format="html")


def what_is_drawn(code):
    """ "figure" or "table", where the last line of a cell shows one; or None."""
    try:
        last = ast.parse(code).body[-1]
    except (SyntaxError, IndexError):  # %pip
        return None
    call = getattr(getattr(last, "value", None), "func", None)
    name = ast.unparse(call) if call else ""
    return "figure" if name.startswith("live.") else DRAWN.get(name)


def visible(node):
    return not isinstance(node, (nodes.comment, nodes.raw, nodes.target))


class PlainMarkdown(SphinxTransform):
    """Give equations, exercises, cards and callouts their structure."""

    # After parsing, and before ids and references are resolved (260 and up).
    default_priority = 200

    def apply(self, **kwargs):
        if not hasattr(self.document, "myst_slugs"):
            return  # reStructuredText
        self.slugs = self.env.metadata[self.env.docname].setdefault(
            "myst_slugs", self.document.myst_slugs
        )
        self.document.myst_slugs = self.slugs
        for node in list(self.document.findall(nodes.paragraph)):
            self.split(node)
        for node in list(self.document.findall(nodes.raw)):
            for anchor in ANCHOR.findall(node.astext()):
                self.name(anchor, node)
        for node in list(self.document.findall(nodes.math_block)):
            self.number(node)
        for node in list(self.document.findall(nodes.math)):
            self.with_mark(node)
        for node in list(self.document.findall(nodes.section)):
            self.exercise(node)
        for node in list(self.document.findall(nodes.block_quote)):
            self.callout(node)
        for node in list(self.document.findall(nodes.container)):
            if "cell" in node["classes"]:
                self.fold_code(node)
        for node in self.document.findall(nodes.entry):
            if len(node.astext()) <= 16 and any(map(str.isdigit, node.astext())):
                node["classes"].append("number")
        if self.env.docname.startswith("notebooks/"):
            self.top()

    def register(self, anchor, target, text, node):
        if anchor in self.slugs:
            log.warning("the anchor #%s stands twice", anchor, location=node)
        self.slugs[anchor] = (node.line or 0, target, text)

    def with_mark(self, math):
        """A formula and the punctuation behind it are not parted at a line's end.

        But for long formulas, which need the width of a phone for themselves.
        """
        place = math.parent.index(math)
        after = math.parent[place + 1] if place + 1 < len(math.parent) else None
        mark = isinstance(after, nodes.Text) and re.match(r"[.,;:!?)’]+", after)
        if mark and len(math.astext()) <= 30:
            math.parent[place + 1] = nodes.Text(after[mark.end() :])
            whole = nodes.inline(classes=["with-mark"])
            math.parent[place] = whole
            whole += [math, nodes.Text(mark[0])]

    def split(self, paragraph):
        """Display math within a paragraph: text, equation and text of their own."""
        if not any(isinstance(child, nodes.math_block) for child in paragraph):
            return
        pieces = []
        for child in list(paragraph):
            if isinstance(child, nodes.math_block):
                pieces.append(child)
            elif not pieces or isinstance(pieces[-1], nodes.math_block):
                if child.astext().strip():
                    pieces.append(nodes.paragraph("", "", child))
            else:
                pieces[-1] += child
        paragraph.replace_self(pieces)

    def name(self, anchor, raw):
        """Let ``[text](#anchor)`` find a raw ``<a id>``, here and across pages."""
        self.register(anchor, anchor, anchor, raw)
        place = raw.parent.index(raw)
        after = [child.astext().strip() for child in raw.parent[place + 1 :]]
        below = raw.parent.next_node(descend=False, siblings=True)
        if isinstance(below, nodes.math_block) and "".join(after) == "</a>":
            # The equation itself carries the id: its number gets a permalink.
            below["ids"].append(anchor)
            paragraph = raw.parent
            del paragraph[place:]
            if not paragraph.astext().strip():
                paragraph.parent.remove(paragraph)
        elif anchor.startswith("eq-"):
            log.warning("no equation stands below #%s", anchor, location=raw)

    def number(self, node):
        """Move ``\\tag`` into the number that Sphinx prints beside the equation."""
        text = node.astext()
        tags = TAG.findall(text)
        if node.get("label"):
            log.warning(
                "$$ ... $$ (%s) shows its label on Colab: write <a id> and \\tag",
                node["label"],
                location=node,
            )
        elif not tags:
            if node["ids"]:
                log.warning("#%s has no \\tag", node["ids"][0], location=node)
        elif len(tags) > 1 or not node["ids"]:
            log.warning(
                "\\tag{%s}: one \\tag to an equation, and an <a id> line above it",
                tags[0],
                location=node,
            )
        else:
            node.children = [nodes.Text(TAG.sub("", text).strip())]
            node["number"] = tags[0]

    def exercise(self, section):
        match = EXERCISE.match(section[0].astext())
        if not match:
            return
        label = match[1]
        section["classes"].append("exercise")
        self.register(label, section["ids"][0], f"Exercise {label}", section)
        for cell in section.findall(nodes.container):
            if "cell" in cell["classes"]:
                asks = f'check("{label}"' in cell.astext()
                cell["classes"].append("cell-check" if asks else "cell-stub")
        card = next((node for node in section[1:] if visible(node)), None)
        if not (isinstance(card, nodes.block_quote) and CARD.match(card.astext())):
            log.warning(
                "below '%s' a card must stand: > **Difficulty 2/5** · 15 min",
                section[0].astext(),
                location=section,
            )
            return
        quote, card = card, card[0]
        quote.replace_self(quote.children)
        text = card.astext()
        difficulty = CARD.match(text).group(1)
        card["classes"] += ["exercise-card", f"difficulty-{difficulty}"]
        card.children = []
        for badge in text.split(" · "):
            card += nodes.inline(badge, badge, classes=["badge-plain"])
            card += nodes.Text(" ")
        self.hints(section)
        self.fold_exercise(section, section.index(card) + 1)

    def hints(self, section):
        """The hints' folds side by side."""
        folds = [
            i
            for i, node in enumerate(section)
            if isinstance(node, nodes.raw) and "<summary>Hint" in node.astext()
        ]
        if not folds:
            return
        end = next(
            i
            for i in range(folds[-1], len(section))
            if isinstance(section[i], nodes.raw) and "</details>" in section[i].astext()
        )
        section.insert(end + 1, html("</div>"))
        section.insert(folds[0], html('<div class="hints">'))

    def fold_exercise(self, section, start):
        """Title, card and goals are read at a glance; the rest is opened."""
        while section[start].astext().startswith("Goal:"):
            start += 1
        opening = '<details class="exercise-body"><summary>Open the exercise</summary>'
        section.insert(start, html(opening))
        section.append(html("</details>"))

    def fold_code(self, cell):
        """Code that draws a figure or a table stands behind it; `build` stays open."""
        code = next((c for c in cell if "cell_input" in c["classes"]), None)
        if code is None or "tag_build" in cell["classes"]:
            return
        text = code.astext()
        drawn, found = what_is_drawn(text), None
        if drawn and cell.setdefault("hide_mode", "input") == "input":
            found = f"Code of this {drawn}"
        elif cell.get("hide_mode") == "input":
            found = (SET_UP[start] for start in SET_UP if start in text)
            found = next(found, "Code of this experiment")
        if found:
            cell["prompt_show"] = cell["prompt_hide"] = found

    def callout(self, quote):
        words = [child for child in quote[0] if child.astext()]
        if not (words and isinstance(words[0], nodes.strong)):
            return
        kind = CALLOUTS.get(words[0].astext().rstrip("."))
        if kind:
            quote["classes"] += ["callout", f"callout-{kind}"]

    def top(self):
        """Under a chapter's title: the way to Colab and to the file, the budget."""
        section = next(iter(self.document.findall(nodes.section)), None)
        if section is None:
            return
        for node in section:
            if isinstance(node, nodes.table):
                node["classes"].append("budget-card")
        path = f"{self.env.docname}.ipynb"
        options = self.config.html_theme_options
        repository = options["repository_url"].removeprefix("https://github.com/")
        colab = f"{options['launch_buttons']['colab_url']}/github/{repository}"
        links = nodes.paragraph(classes=["chapter-links"])
        for text, uri in {
            "Open in Colab": f"{colab}/blob/{options['repository_branch']}/{path}",
            "Download the notebook": f"../_sources/{path}",
        }.items():
            links += nodes.reference("", text, refuri=uri)
        section.insert(1, links)


def separate(app, docname, source):
    """A blank line between an equation's anchor and the equation, also in a notebook.

    Without it both are one paragraph, in which a line of math that begins with a plus
    or a minus sign starts a list.
    """
    glued = re.compile(r'(<a id=\\?"eq-[^"\\]+\\?"></a>)(\n|\\n)(?="|\$\$)')
    source[0] = glued.sub(r"\1\2\2", source[0])
