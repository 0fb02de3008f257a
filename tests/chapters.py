"""A chapter as tests see it: its text, its notebook, its cells and headings."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pairs
import yaml
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Chapter:
    """A text, its notebook (None if missing) and where both lie."""

    path: Path
    raw: str
    text: nbformat.NotebookNode
    notebook: nbformat.NotebookNode | None

    @classmethod
    def read(cls, path):
        target = path.with_suffix(".ipynb")
        notebook = pairs.read_notebook(target) if target.exists() else None
        raw = path.read_text(encoding="utf-8")
        return cls(path, raw, pairs.read_text(path), notebook)

    @property
    def name(self):
        return self.path.stem

    def code(self):
        """(number, cell) of the code cells of the text."""
        cells = enumerate(self.text.cells)
        return [(i, cell) for i, cell in cells if cell.cell_type == "code"]

    def outputs(self):
        """(number, output) of the notebook."""
        if self.notebook is None:
            return []
        cells = enumerate(self.notebook.cells)
        return [(i, output) for i, c in cells for output in c.get("outputs", [])]


def tags(cell):
    return cell.metadata.get("tags", [])


def without_fences(source):
    """Markdown without its fenced code blocks; the fences' first lines stay."""
    kept, fence = [], None
    for line in source.split("\n"):
        match = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if fence is None and match:
            fence = match[1]
            kept.append(line)
        elif fence is not None:
            if match and match[1].startswith(fence) and not line.strip(" `~"):
                fence = None
        else:
            kept.append(line)
    return "\n".join(kept)


def headings(chapter):
    """(number of the cell, level, title) of every heading, in order."""
    return [
        (number, len(match[1]), match[2].strip())
        for number, cell in enumerate(chapter.text.cells)
        if cell.cell_type == "markdown"
        for match in re.finditer(
            r"^(#{1,6}) +(.+?)#*$", without_fences(cell.source), re.MULTILINE
        )
    ]


def parsed(cell):
    """A code cell's syntax tree; IPython's magics count as calls."""
    return ast.parse(TransformerManager().transform_cell(cell.source))


def built(chapter):
    """Names of the functions and classes that `build` cells define."""
    return [
        node.name
        for _, cell in chapter.code()
        if "build" in tags(cell)
        for node in parsed(cell).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    ]


def order(toc=ROOT / "_toc.yml"):
    """Names of the chapters in the order of the book."""

    def walk(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key in ("file", "root"):
                    yield value
                else:
                    yield from walk(value)
        elif isinstance(node, list):
            for item in node:
                yield from walk(item)

    files = walk(yaml.safe_load(toc.read_text(encoding="utf-8")))
    return [Path(f).stem for f in files if re.match(r"notebooks/\d\d_", f)]


def topic(name):
    """A chapter's name without its number, which the library need not know."""
    return re.sub(r"^\d\d_", "", name)
