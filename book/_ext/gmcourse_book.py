"""Make the chapters' plain Markdown rich in the book.

A chapter is a notebook that must read well in Colab and JupyterLab, where MyST
roles and directives show as raw text. So it is written in plain Markdown, and
the book adds what plain Markdown cannot say:

- ``<a id="eq-elbo"></a>`` directly above ``$$ ... \\tag{3.2} $$`` names and
  numbers an equation; ``[(3.2)](#eq-elbo)`` links to it, and from another
  chapter ``[(3.2)](03_variational_autoencoders.ipynb#eq-elbo)``;
- ``### Exercise vae-03 · Title`` and all that follows, up to the next heading of
  the same or a higher level, becomes a box; its first paragraph
  (``*Difficulty 2/5 · 15 min · cpu-instant*``) becomes a line of badges;
- the table directly below a chapter's title becomes its budget card;
- ``> **Key idea.** ...`` becomes a callout;
- ``Built in chapter NN_name`` in a docstring becomes a link to that chapter;
- a link to a paper that is in references.bib leads to its entry on the
  bibliography page, which holds the link outward and works offline.

Only public docutils and Sphinx calls are used, so that the same file serves
Sphinx 7 (Jupyter Book 1) and Sphinx 9.
"""

import importlib.util
import re
import shutil
import sys
from pathlib import Path

from docutils import nodes
from pybtex.database import parse_file
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

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
BIBLIOGRAPHY = "book/bibliography"


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
        for node in list(self.document.findall(nodes.section)):
            self.exercise(node)
        for node in list(self.document.findall(nodes.block_quote)):
            self.callout(node)
        for node in self.document.findall(nodes.entry):
            if len(node.astext()) <= 16 and any(map(str.isdigit, node.astext())):
                node["classes"].append("number")
        if self.env.docname.startswith("notebooks/"):
            self.top()

    def register(self, anchor, target, text, node):
        if anchor in self.slugs:
            log.warning("the anchor #%s stands twice", anchor, location=node)
        self.slugs[anchor] = (node.line or 0, target, text)

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
        if not (isinstance(card, nodes.paragraph) and CARD.match(card.astext())):
            log.warning(
                "below '%s' a card must stand: *Difficulty 2/5 · 15 min · cpu-instant*",
                section[0].astext(),
                location=section,
            )
            return
        text = card.astext()
        difficulty = CARD.match(text).group(1)
        card["classes"] += ["exercise-card", f"difficulty-{difficulty}"]
        card.children = []
        for badge in text.split(" · "):
            card += nodes.inline(badge, badge, classes=["badge-plain"])
            card += nodes.Text(" ")

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


def papers(app):
    """Map each paper's URL in references.bib to its key and a short reference."""
    found = {}
    for name in app.config.bibtex_bibfiles:
        entries = parse_file(str(Path(app.srcdir) / name)).entries
        for key, entry in entries.items():
            if "url" in entry.fields:
                names = entry.persons.get("author", [])
                who = " ".join(names[0].last_names) if names else key
                more = " et al." if len(names) > 1 else ""
                title = entry.fields["title"].replace("{", "").replace("}", "")
                hint = f"{who}{more}, {entry.fields['year']}: {title}"
                found[entry.fields["url"]] = key, hint
    return found


def cite(app, doctree, docname):
    """Lead links to known papers to the bibliography page."""
    if docname == BIBLIOGRAPHY or BIBLIOGRAPHY not in app.env.all_docs:
        return
    if app.builder.format != "html":
        return
    for link in doctree.findall(nodes.reference):
        found = app.gmcourse_papers.get(link.get("refuri", ""))
        if found:
            key, hint = found
            page = app.builder.get_relative_uri(docname, BIBLIOGRAPHY)
            link["refuri"] = f"{page}#{key}"
            link["internal"] = True
            link["reftitle"] = hint
            link["classes"].append("paper")


def docstring(app, what, name, obj, options, lines):
    """Link ``Built in chapter NN_name``; let a star in a docstring be a star."""

    def link(found):
        page = found["page"]
        return f"Built in :doc:`/notebooks/{page}`" if page in chapters else found[0]

    chapters = {Path(doc).name for doc in app.env.found_docs}
    text = re.sub(r"Built in chapter\s+(?P<page>\d\d_\w+)", link, "\n".join(lines))
    lines[:] = [
        line
        if line.lstrip().startswith((">>>", "..."))
        else re.sub(r"(`+.*?`+)|\*", lambda m: m[1] or r"\*", line)
        for line in text.split("\n")
    ]
    if what in ("attribute", "data", "property"):
        lines.insert(0, "\\ ")  # napoleon reads a first line "a: b" as "type: text"


def signature(app, what, name, obj, options, signature, returns):
    """A default made by a factory prints as ``<factory>``, which is no Python.

    Sphinx would then show the whole signature as it is, in one line, with its types
    spelled out.
    """
    return (signature or "").replace("<factory>", "...") or signature, returns


def bases(app, doctree):
    """That a class is an object says nothing."""
    for node in list(doctree.findall(nodes.paragraph)):
        if node.astext() == "Bases: object":
            node.parent.remove(node)


def exported(app, env, node, contnode):
    """A signature names ``gmcourse.data.sets.Split``; the docs ``gmcourse.data.Split``.

    The link leads to the only documented object of that name. What exists and is not
    documented, such as an internal base class, stays plain text; what does not exist
    is a broken reference.
    """
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target.startswith("gmcourse."):
        return None
    objects = env.get_domain("py").objects
    module, _, last = target.rpartition(".")
    found = [name for name in objects if name.rpartition(".")[2] == last]
    if len(found) == 1:
        to, at = objects[found[0]].docname, objects[found[0]].node_id
        return make_refnode(app.builder, node["refdoc"], to, at, contnode, found[0])
    known = module in sys.modules and hasattr(sys.modules[module], last)
    return contnode if known else None


def registered(app, uri):
    """Whether a DOI exists is asked of the registry: publishers refuse programs."""
    doi = "https://doi.org/"
    return uri.replace(doi, f"{doi}api/handles/") if uri.startswith(doi) else None


def read_papers(app):
    app.gmcourse_papers = papers(app)


def copy_mathjax(app, exception):
    """Ship MathJax and its fonts with the book: only the parts that TeX needs."""
    if exception or app.builder.format != "html":
        return
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    source = Path(package.submodule_search_locations[0], "static", "mathjax")
    target = Path(app.outdir, "_static", "mathjax")
    for part in ("input/tex/extensions", "output/chtml", "a11y", "sre"):
        shutil.copytree(source / part, target / part, dirs_exist_ok=True)
    shutil.copy(source / "tex-chtml.js", target)


def setup(app):
    app.setup_extension("sphinx.ext.autodoc")
    app.add_transform(PlainMarkdown)
    app.connect("builder-inited", read_papers)
    app.connect("source-read", separate)
    app.connect("autodoc-process-docstring", docstring, priority=400)  # first
    app.connect("autodoc-process-signature", signature)
    app.connect("doctree-read", bases)
    app.connect("missing-reference", exported)
    app.setup_extension("sphinx.builders.linkcheck")
    app.connect("linkcheck-process-uri", registered)
    app.connect("doctree-resolved", cite)
    app.connect("build-finished", copy_mathjax)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
