"""Make the chapters' plain Markdown rich in the book.

A chapter is a notebook that must read well in Colab and JupyterLab, where MyST
roles and directives show as raw text. So it is written in plain Markdown, and
the book adds what plain Markdown cannot say:

- ``<a id="eq-elbo"></a>`` directly above ``$$ ... \\tag{3.2} $$`` names and
  numbers an equation; ``[(3.2)](#eq-elbo)`` links to it, and from another
  chapter ``[(3.2)](03_variational_autoencoders.ipynb#eq-elbo)``;
- ``### Exercise vae-03 · Title`` and all that follows, up to the next heading of
  the same or a higher level, becomes a box; its first paragraph
  (``> **Difficulty 2/5** · 15 min · runs in a second``) becomes a line of badges;
- the table directly below a chapter's title becomes its budget card;
- ``> **Key idea.** ...`` becomes a callout;
- ``Built in chapter NN_name`` in a docstring becomes a link to that chapter;
- a link to a paper that is in book/references leads to its entry on the
  bibliography page, which holds the link outward and works offline.

Only public docutils and Sphinx calls are used, so that the same file serves
Sphinx 7 (Jupyter Book 1) and Sphinx 9.
"""

import importlib.util
import shutil
from pathlib import Path

import docstrings
import lean
import papers
from plain_markdown import PlainMarkdown, separate


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
    app.setup_extension("sphinx.builders.linkcheck")
    app.add_transform(PlainMarkdown)
    app.connect("config-inited", papers.bibliography)
    app.connect("builder-inited", papers.read_papers)
    app.connect("source-read", separate)
    app.connect("autodoc-process-docstring", docstrings.docstring, priority=400)
    app.connect("autodoc-process-signature", docstrings.signature)
    app.connect("doctree-read", docstrings.bases)
    app.connect("missing-reference", docstrings.exported)
    app.connect("linkcheck-process-uri", papers.registered)
    app.connect("doctree-resolved", papers.cite)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", lean.strip)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
