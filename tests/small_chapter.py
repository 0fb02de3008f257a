"""A small chapter that keeps the rules, and ways to do it harm.

The fixture `book` is its folder, executed once: see conftest.py.
"""

import nbformat
import pairs
from chapters import Chapter
from rules_of_text import FRONT_MATTER, SECTIONS, SET_UP

import notebooks


def cell(source, *tags):
    head = f":tags: [{', '.join(tags)}]\n\n" if tags else ""
    return f"```{{code-cell}} ipython3\n{head}{source}\n```\n"


FIGURE = """\
from IPython.display import HTML, display

image = '<img src="data:image/png;base64,0xdeadbeef0" alt="A line, rising">'
display(HTML(f"<figure>{image}<figcaption>It rises.</figcaption></figure>"))"""
DOUBLE = """\
class Double:
    def __call__(self, x):
        return half(x) * 4


def half(x):
    return x / SCALE"""
PROGRESS = """\
for i in range(3):
    print(f"\\rstep {i}", end="")
print("\\r      \\r", end="")
print("trained")"""
CODE = {
    "A picture first": [cell(FIGURE), cell("(2, 3)", "nbval-check-output")],
    "Build it": [
        cell(DOUBLE, "build"),
        cell("Double()(1.0)", "nbval-check-output"),
    ],
    "Train it": [cell(PROGRESS), cell("print(2)", "nbval-check-output")],
    "Exercises": [cell("def mine(x):\n    pass")],
}


def chapter_text():
    parts = [
        FRONT_MATTER,
        "\n# Doubling\n\nDouble a number.\n\n<!-- budget -->\n<!-- /budget -->\n",
        cell(SET_UP, "setup", "hide-input"),
        cell("import math\n\nSCALE = 2", "imports"),
    ]
    for title in SECTIONS:
        subject = ": all" if title == "What breaks" else ""
        parts += [
            f"## {title}{subject}\n\nWith $\\mathbf{{x}}$ and `{{x}}`.\n",
            *CODE.get(title, []),
        ]
    parts += ["```python\n## no heading: {role}`x`\n```\n"]
    return "\n".join(parts)


def chapter(book):
    return Chapter.read(book / "01_doubling.md")


def edit(book, old, new, *, repair=True):
    """Replace in the text; with `repair`, pair and pretend that it was executed."""
    path = book / "01_doubling.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    if repair:
        notebooks.pair(path)
    return chapter(book)


def with_output(book, *outputs):
    """The chapter with these outputs in the cell of the figure."""
    path = book / "01_doubling.ipynb"
    notebook = pairs.read_notebook(path)
    where = next(c for c in notebook.cells if "<figure>" in c.source)
    where.outputs = [nbformat.from_dict(o) for o in outputs]
    nbformat.write(notebook, path)
    return chapter(book)


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def display(**data):
    data = {key.replace("__", "/"): value for key, value in data.items()}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def caught(rule, chapter, words):
    found = rule(chapter)
    assert any(words in line for line in found), found
