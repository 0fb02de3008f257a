"""The rules of a chapter, as functions from a chapter to a list of problems.

Each takes a `Chapter` and returns sentences, none if the rule is kept.
`test_notebooks.py` runs all of them on every chapter, and plants each defect in a
small notebook to see that it is caught.
"""

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import yaml
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).resolve().parent.parent


def _load_tool():
    spec = importlib.util.spec_from_file_location(
        "gmcourse_tools_notebooks", ROOT / "tools" / "notebooks.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _load_tool()

FRONT_MATTER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""

SET_UP = """\
# On Colab only: add gmcourse, and leave its torch, numpy and widgets alone.
import importlib.util
import sys

if "google.colab" in sys.modules and not importlib.util.find_spec("gmcourse"):
    %pip install -q jaxtyping pooch filelock safetensors
    %pip install -q --no-deps git+https://github.com/gmcourse/gmcourse"""

SECTIONS = [
    "The question",
    "A picture first",
    "The mathematics",
    "Build it",
    "Check it",
    "Train it",
    "Look inside",
    "What breaks",
    "How good is it?",
    "In the library",
    "Summary",
    "Exercises",
    "Further reading",
]

TAGS = {
    "setup": "the first code cell",
    "imports": "the chapter's imports",
    "build": "a definition made from scratch",
    "nbval-check-output": "its output is compared at every run",
    "hide-input": "folded in the book",
    "hide-output": "folded in the book",
    "remove-input": "not in the book",
    "remove-output": "not in the book",
    "remove-cell": "not in the book",
}

COLUMNS, LINES, MEGABYTES = 78, 25, 1.0
MEDIA = ("img", "svg", "canvas", "video", "iframe")
VOID = {"img", "br", "hr", "input", "link", "meta", "source", "wbr", "col", "area"}
# A method of the contract is everywhere: a notebook's `sample` is no copy of it.
CONTRACT = {"loss", "losses", "sample", "forward", "log_prob", "main"}


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
        notebook = tool.read_notebook(target) if target.exists() else None
        raw = path.read_text(encoding="utf-8")
        return cls(path, raw, tool.read_text(path), notebook)

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


# ---- pair, outputs ---------------------------------------------------------------


def paired(chapter):
    """The notebook exists and holds the cells of the text."""
    if chapter.notebook is None:
        return [f"{chapter.name}.ipynb is missing: run make execute"]
    found = tool.differences(chapter.text, chapter.notebook)
    return [f"{line}; run tools/notebooks.py pair" for line in found]


def current(chapter):
    """Outputs are complete, in order, without errors, and from the present code."""
    if chapter.notebook is None:
        return [f"{chapter.name}.ipynb is missing: run make execute"]
    facts, found = chapter.notebook.metadata.get("gmcourse", {}), []
    if facts.get("code_hash") != tool.code_hash(chapter.text):
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
    found = tool.unstable_outputs(chapter.notebook)
    for number, cell in enumerate(chapter.notebook.cells):
        if "execution" in cell.metadata:
            found.append(f"cell {number} holds execution times")
        outputs = cell.get("outputs", [])
        if outputs != tool.clean_outputs(outputs):
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
        if tool.WIDGET in output.get("data", {}):
            found.append(f"cell {number} stores a widget, an empty box in the book")
        if re.search(r"\d+%\|.*\|.*\[\d\d:\d\d", str(output.get("text", ""))):
            found.append(f"cell {number} stores a progress bar")
    size = chapter.path.with_suffix(".ipynb").stat().st_size / 1e6
    if size > MEGABYTES:
        found.append(f"the notebook has {size:.2f} MB, above {MEGABYTES} MB")
    return found


# ---- text ------------------------------------------------------------------------


def fits(chapter):
    """Code cells are at most 78 columns wide and 25 lines long, blank ones apart."""
    found = []
    for number, cell in chapter.code():
        lines = cell.source.splitlines()
        wide = [line for line in lines if len(line) > COLUMNS]
        if wide:
            found.append(
                f"cell {number} has a line of {len(wide[0])} columns, above {COLUMNS}: "
                f"{wide[0].strip()[:40]!r}"
            )
        count = sum(bool(line.strip()) for line in lines)
        if count > LINES:
            found.append(f"cell {number} has {count} lines of code, above {LINES}")
    return found


def plain(chapter):
    """Markdown holds nothing that Colab would show as raw text."""
    found = []
    for number, cell in enumerate(chapter.text.cells):
        if cell.cell_type != "markdown":
            continue
        text = without_fences(cell.source)
        rules = {
            "a directive": r"^\s*[`~]{3,}\{.*",
            "a colon fence": r"^\s*:{3,}.*",
            "a target": r"^\([\w:.-]+\)=\s*$",
            "a MyST comment": r"^%.*",
            "attributes": r"(?<=[\])\w`])\{[#.][\w-]+[^}$]*\}",
            "a footnote": r"\[\^[^\]\n]+\]",
        }
        for what, pattern in rules.items():
            match = re.search(pattern, text, re.MULTILINE)
            if match:
                found.append(f"cell {number} holds {what}: {match[0].strip()!r}")
        for span in re.finditer(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", text, re.DOTALL):
            role = re.search(r"\{[a-zA-Z][\w:.+-]*\}$", text[: span.start()])
            if role:
                found.append(f"cell {number} holds a role: {role[0] + span[0]!r}")
        for image in re.finditer(r"!\[\s*\]\([^)]*\)", text):
            found.append(f"cell {number} has a picture without alt text: {image[0]}")
    return found


def set_up(chapter):
    """Front matter, title, budget card and the first code cell are the standard."""
    found = []
    if not chapter.raw.startswith(FRONT_MATTER):
        found.append("the front matter is not the standard one")
    if chapter.code():
        number, first = chapter.code()[0]
        if first.source != SET_UP or "setup" not in tags(first):
            found.append(f"cell {number}, the first code cell, is not the set-up cell")
    titles = [title for _, level, title in headings(chapter) if level == 1]
    if len(titles) != 1 or not chapter.text.cells[0].source.startswith("# "):
        found.append(f"one `# ` title must open the chapter; found {titles}")
    card = tool.CARD.search(chapter.text.cells[0].source)
    if card is None:
        found.append("the first cell has no <!-- budget --><!-- /budget --> card")
    else:
        entries = tool.read_budgets(chapter.path.parent).get(chapter.name, {})
        if chapter.raw != tool.with_card(chapter.raw, entries):
            found.append("the budget card is old: run tools/notebooks.py budget")
    for number, cell in chapter.code():
        unknown = sorted(set(tags(cell)) - set(TAGS))
        if unknown:
            found.append(f"cell {number} has unknown tags {unknown}; known: {[*TAGS]}")
    return found


def sections(chapter):
    """The level-2 headings are those of CHAPTER.md, in order (chapter 00 is free)."""
    if chapter.name.startswith("00_"):
        return []
    have = [title for _, level, title in headings(chapter) if level == 2]
    found = [f"section {title!r} is missing" for title in SECTIONS if title not in have]
    found += [
        f"section {title!r} is not planned" for title in have if title not in SECTIONS
    ]
    if not found and have != SECTIONS:
        found.append(f"sections are out of order or repeated: {have}")
    return found


def checked(chapter):
    """Each section with code, exercises apart, has an output that nbval compares."""
    marks = [(n, title) for n, level, title in headings(chapter) if level == 2]
    edges = [n for n, _ in marks[1:]] + [len(chapter.text.cells)]
    found = []
    for (start, title), stop in zip(marks, edges):
        cells = [c for n, c in chapter.code() if start <= n < stop]
        cells = [
            c for c in cells if "setup" not in tags(c) and "imports" not in tags(c)
        ]
        if title == "Exercises" or not cells:
            continue
        if not any("nbval-check-output" in tags(c) for c in cells):
            found.append(
                f"section {title!r} has code but no cell tagged nbval-check-output: "
                "tag one that prints a shape, an identity or an exact value"
            )
    for number, cell in chapter.code():
        if "nbval-check-output" not in tags(cell):
            continue
        if cell.source.rstrip().endswith(";"):
            found.append(f"cell {number} is compared, and nbval ignores its final `;`")
        same_pair = chapter.notebook and not tool.differences(
            chapter.text, chapter.notebook
        )
        if same_pair and not chapter.notebook.cells[number].outputs:
            found.append(f"cell {number} is to be compared but has no output")
    return found


# ---- figures ---------------------------------------------------------------------


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


# ---- what a chapter defines, imports, and where a name is at home ----------------


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


def home(obj):
    """The topic that a docstring names in `Built in chapter NN_topic`, or None."""
    doc = " ".join((obj.__doc__ or "").split())
    match = re.search(r"Built in chapter `*(\w+)", doc)
    return topic(match[1]) if match else None


@cache
def modules(package="gmcourse"):
    root = importlib.import_module(package)
    names = [m.name for m in pkgutil.walk_packages(root.__path__, f"{package}.")]
    # The checks of the exercises are not what a chapter builds.
    names = [n for n in names if not re.search(r"\._|\.checks\b", n)]
    return [root] + [importlib.import_module(n) for n in names]


def library(package="gmcourse"):
    """Public functions and classes of the library: {name: [objects]}."""
    found = {}
    for module in modules(package):
        public = getattr(module, "__all__", vars(module))
        for name, obj in vars(module).items():
            if name not in public or name.startswith("_"):
                continue
            own = getattr(obj, "__module__", None) == module.__name__
            if own and (inspect.isclass(obj) or inspect.isfunction(obj)):
                found.setdefault(name, []).append(obj)
    return found


def library_names(package="gmcourse"):
    """Names of functions, classes and methods that a notebook might copy."""
    objects = library(package)
    names = set(objects)
    for each in objects.values():
        for obj in each:
            if inspect.isclass(obj):
                names |= {n for n, f in vars(obj).items() if inspect.isfunction(f)}
    return {n for n in names if not n.startswith("_")} - CONTRACT


def _is_in(module, package):
    return module is not None and module.split(".")[0] == package


def used(chapter, package="gmcourse"):
    """(cell number, dotted name) of everything that code takes from the library."""
    aliases, found = {}, []
    trees = [(number, parsed(cell)) for number, cell in chapter.code()]
    rebound = {  # `data = gm.data.load(...)`: from here on `data` is something else
        node.arg if isinstance(node, ast.arg) else node.id
        for _, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.arg)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    }
    for number, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for a in node.names:
                    if _is_in(a.name, package):
                        found.append((number, a.name))
                        aliases[a.asname or package] = a.name if a.asname else package
            elif isinstance(node, ast.ImportFrom):
                for a in node.names if _is_in(node.module, package) else []:
                    dotted = f"{node.module}.{a.name}"
                    found.append((number, dotted))
                    aliases[a.asname or a.name] = dotted
        for node in ast.walk(tree):
            chain, base = [], node
            while isinstance(base, ast.Attribute):
                chain.append(base.attr)
                base = base.value
            if not chain or not isinstance(base, ast.Name) or base.id in rebound:
                continue
            if base.id in aliases:
                found.append((number, ".".join([aliases[base.id], *chain[::-1]])))
    return list(dict.fromkeys(found))


def resolve(dotted):
    """The module, class or function that a dotted name reaches first.

    Raises AttributeError where the library has no such name.
    """
    head, *rest = dotted.split(".")
    obj = importlib.import_module(head)
    for i, part in enumerate(rest):
        if not inspect.ismodule(obj):
            return obj
        if not hasattr(obj, part):
            name = f"{obj.__name__}.{part}"
            if not hasattr(obj, "__path__") or importlib.util.find_spec(name) is None:
                raise AttributeError(
                    f"{'.'.join([head, *rest[: i + 1]])} does not exist"
                )
            importlib.import_module(name)
        obj = getattr(obj, part)
    return obj


def no_forward_imports(chapter, chapters, package="gmcourse"):
    """The chapter takes nothing from the library whose home is a later chapter."""
    if chapter.name not in chapters:
        return [f"{chapter.name} is not in _toc.yml"]
    topics, found = [topic(name) for name in chapters], []
    for number, dotted in used(chapter, package):
        if dotted.endswith(".*"):
            found.append(f"cell {number} imports everything: name what you import")
            continue
        try:
            obj = resolve(dotted)
        except AttributeError as error:
            found.append(f"cell {number}: {error}")
            continue
        where = home(obj) if inspect.isclass(obj) or inspect.isfunction(obj) else None
        if where is None:
            continue
        if where not in topics:
            found.append(
                f"cell {number}: {dotted} is built in {where}, not in _toc.yml"
            )
        elif topics.index(where) > chapters.index(chapter.name):
            found.append(f"cell {number}: {dotted} is built later, in {where}")
    return found


def at_home(chapter, package="gmcourse"):
    """Docstrings and chapters agree on where a name is built."""
    found, names = [], set(built(chapter))
    code = "\n".join(cell.source for _, cell in chapter.code())
    for name, objects in library(package).items():
        homes = {home(obj) for obj in objects} - {None}
        here = topic(chapter.name) in homes
        if name in names and homes and not here:
            found.append(f"{name} is built here, but its docstring says {homes}")
        if here and not re.search(rf"\b{name}\b", code):
            found.append(f"the docstring of {name} names this chapter, which lacks it")
    return found


# ---- parity ----------------------------------------------------------------------


def covered(chapter, tests=ROOT / "tests"):
    """Names with a test `@parity("<chapter>", "name", ...)` in test_parity_*.py."""
    names = set()
    for file in sorted(tests.glob("test_parity_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "parity":
                    words = [a.value for a in call.args if isinstance(a, ast.Constant)]
                    if words[:1] == [chapter.name]:
                        names |= set(words[1:])
    return names


def copies_tested(chapter, tests=ROOT / "tests", package="gmcourse"):
    """What a `build` cell defines and the library also has is under a parity test."""
    copies = set(built(chapter)) & library_names(package)
    missing = sorted(copies - covered(chapter, tests))
    return [
        f"{name} is in a build cell and in the library, without a parity test: add one "
        f'with @parity("{chapter.name}", "{name}") or rename it'
        for name in missing
    ]


RULES = [
    paired,
    current,
    stable,
    defined,
    light,
    fits,
    plain,
    set_up,
    sections,
    checked,
    figures,
    at_home,
    copies_tested,
]
