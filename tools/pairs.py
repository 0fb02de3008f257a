"""A chapter's text and its notebook: the same cells, and whose outputs are kept."""

import copy
import hashlib

import jupytext
import nbformat
from common import write_atomically

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    # Without it `jupyter nbconvert --to script` leaves %pip as it is, in Python.
    "nbconvert_exporter": "python",
}


def read_text(path):
    """A chapter's text as a notebook without outputs."""
    return jupytext.reads(path.read_text(encoding="utf-8"), fmt="md:myst")


def read_notebook(path):
    return nbformat.read(path, as_version=4)


def write_notebook(notebook, path):
    nbformat.validate(notebook)
    return write_atomically(path, nbformat.writes(notebook, version=4) + "\n")


def normalized(source):
    """A cell's source without trailing spaces and outer blank lines."""
    return "\n".join(line.rstrip() for line in source.strip("\n").split("\n"))


def code_hash(notebook):
    """SHA-256 of the code cells in order: two notebooks that agree run the same."""
    code = [normalized(c.source) for c in notebook.cells if c.cell_type == "code"]
    return hashlib.sha256("\x00".join(code).encode()).hexdigest()


def cell_ids(notebook):
    """One id for each cell, made from its kind and source (and a count for repeats).

    jupytext draws new ids at random. These depend on the text alone, so pairing again
    changes nothing and an edit changes the id of the edited cell only.
    """
    seen, ids = {}, []
    for cell in notebook.cells:
        key = f"{cell.cell_type}\n{normalized(cell.source)}"
        seen[key] = seen.get(key, 0) + 1
        ids.append(hashlib.sha256(f"{key}\n{seen[key]}".encode()).hexdigest()[:12])
    return ids


def combine(text, old=None):
    """The notebook of a text, with the outputs of `old` where the code is the same.

    What `jupytext --update --to ipynb` does, but stricter: that command also keeps
    the outputs of an edited cell, and takes two cells for equal that differ in
    commas, quotes or spaces.
    """
    new = nbformat.v4.new_notebook()
    new.metadata["kernelspec"] = dict(KERNEL)
    new.metadata["language_info"] = dict(LANGUAGE)
    kept = {}
    if old is not None:
        if "gmcourse" in old.metadata:
            new.metadata["gmcourse"] = old.metadata["gmcourse"]
        kept = dict(zip(cell_ids(old), old.cells))
    for cell, name in zip(text.cells, cell_ids(text)):
        cell = copy.deepcopy(cell)
        cell["id"] = name
        if cell.cell_type == "code" and name in kept:
            cell.outputs = kept[name].outputs
            cell.execution_count = kept[name].execution_count
        new.cells.append(cell)
    return new


def differences(text, notebook):
    """Where a notebook's cells (kinds, sources, tags) differ from the text's."""

    def view(cell):
        tags = tuple(cell.metadata.get("tags", []))
        return cell.cell_type, normalized(cell.source), tags

    left, right = ([view(c) for c in nb.cells] for nb in (text, notebook))
    found = [
        f"cell {i} of the notebook is not cell {i} of the text, which begins "
        f"{a[1].splitlines()[0] if a[1] else ''!r}"
        for i, (a, b) in enumerate(zip(left, right))
        if a != b
    ]
    if len(left) != len(right):
        found.append(f"the text has {len(left)} cells, the notebook {len(right)}")
    return found[:3]
