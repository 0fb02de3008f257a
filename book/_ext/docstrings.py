"""Docstrings and signatures of the library, as its pages show them."""

import re
import sys
from pathlib import Path

from docutils import nodes
from sphinx.util.nodes import make_refnode


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
