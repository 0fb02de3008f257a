"""What a change concerns: files, modules and chapters, by the graph of imports.

    python tools/changed.py chapters             the notebooks of all chapters
    python tools/changed.py chapters origin/main     those that a change since concerns
    python tools/changed.py files origin/main        the files that changed since

A chapter is concerned where its own file or a module of the library that it imports,
directly or not, has changed. A file that is no module (weights, data, live.js) counts
as the module of its name, or else as its package. Recipes of the zoo are found by being
there, so all of them count as imported. Exercises do not: they are proven, not run.
"""

import argparse
import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = "src"
PACKAGE = "gmcourse"
# A change here concerns everything that can be run.
EVERYTHING = {"pyproject.toml", "requirements.txt", "Makefile", "tests/conftest.py"}
FOUND_BY_BEING_THERE = "zoo/recipes/__init__.py"


def files(since: str, root: Path = ROOT) -> set[str]:
    """Paths that differ from where this branch left `since`, committed or not."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(root), *words]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    base = git("merge-base", since, "HEAD").strip()
    new = git("ls-files", "--others", "--exclude-standard")
    return {*git("diff", "--name-only", base).split("\n"), *new.split("\n")} - {""}


def _file(dotted: str, root: Path) -> str | None:
    """The module behind a dotted name, which may go on to names within it."""
    words = dotted.split(".")
    while words:
        path = Path(SOURCES, *words)
        for name in (path.with_suffix(".py"), path / "__init__.py"):
            if (root / name).is_file():
                return name.as_posix()
        words.pop()
    return None


def imported(tree: ast.AST, within: str = "") -> Iterator[str]:
    """Dotted names of all that a syntax tree takes from the library.

    `within` is the package that the code is part of, for its relative imports.
    """
    aliases = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.split(".")[0] == PACKAGE:
                    yield name.name
                    aliases[name.asname or PACKAGE] = name.name
        elif isinstance(node, ast.ImportFrom):
            above = within.split(".")[: within.count(".") + 2 - node.level]
            words = [*(above if node.level else []), *(node.module or "").split(".")]
            base = ".".join(filter(None, words))
            if base.split(".")[0] == PACKAGE:
                yield from (f"{base}.{name.name}" for name in node.names)
    for node in ast.walk(tree):  # `gm.plots.show` reaches the module gmcourse.plots
        words = ast.unparse(node).split(".") if isinstance(node, ast.Attribute) else []
        if words and words[0] in aliases:
            yield ".".join([aliases[words[0]], *words[1:]])


@cache
def graph(root: Path = ROOT) -> dict[str, set[str]]:
    """Each module of the library with the modules that it imports."""
    found = {}
    for path in sorted((root / SOURCES / PACKAGE).rglob("*.py")):
        name = path.relative_to(root).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        within = ".".join(Path(name).parent.parts[1:])
        found[name] = _modules(imported(tree, within), root) - {name}
        if name.endswith(FOUND_BY_BEING_THERE):
            beside = path.parent.glob("*.py")
            found[name] |= {p.relative_to(root).as_posix() for p in beside} - {name}
    return found


def _modules(dotted: Iterable[str], root: Path) -> set[str]:
    """Their files, and those of the packages around them, which are run as well."""
    found = set()
    for name in dotted:
        words = name.split(".")
        found |= {_file(".".join(words[: i + 1]), root) for i in range(len(words))}
    return found - {None}


def reached(names: set[str], root: Path = ROOT) -> set[str]:
    """These modules and all that they import, directly or not."""
    found, rest = set(), set(names)
    while rest:
        name = rest.pop()
        found.add(name)
        rest |= graph(root).get(name, set()) - found
    return found


def module_of(path: str, root: Path = ROOT) -> str | None:
    """The module of the library that a changed file belongs to."""
    if not path.startswith(f"{SOURCES}/{PACKAGE}/"):
        return None
    here = Path(path)
    if here.suffix == ".py":
        return path
    twin = here.with_suffix(".py")
    if (root / twin).is_file():
        return twin.as_posix()
    return _file(".".join(here.parent.parts[1:]), root)


def chapters(since: str = "", root: Path = ROOT) -> list[Path]:
    """The texts of the chapters that a change since then concerns; of all, if empty."""
    every = sorted((root / "notebooks").glob("[0-9][0-9]_*.md"))
    if not since:
        return every
    changed = files(since, root)
    if changed & EVERYTHING:
        return every
    modules = {module_of(path, root) for path in changed} - {None}
    return [
        path
        for path in every
        if {f"notebooks/{path.stem}{end}" for end in (".md", ".ipynb")} & changed
        or uses(path, root) & modules
    ]


def uses(path: Path, root: Path = ROOT) -> set[str]:
    """The modules of the library that a chapter runs."""
    import jupytext
    from IPython.core.inputtransformer2 import TransformerManager

    text = jupytext.reads(path.read_text(encoding="utf-8"), fmt="md:myst")
    code = "\n".join(c.source for c in text.cells if c.cell_type == "code")
    tree = ast.parse(TransformerManager().transform_cell(code))
    return reached(_modules(imported(tree), root), root)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("chapters", "files"))
    parser.add_argument("since", nargs="?", default="", help="a commit, as origin/main")
    options = parser.parse_args()
    if options.what == "files":
        print("\n".join(sorted(files(options.since or "HEAD"))))
    else:
        for path in chapters(options.since):
            print(path.with_suffix(".ipynb").relative_to(ROOT).as_posix())


if __name__ == "__main__":
    main()
