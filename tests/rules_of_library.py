"""Rules for what a chapter builds, and what it takes from the library."""

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
from functools import cache

from chapters import ROOT, built, parsed, topic

# A method of the contract is everywhere: a notebook's `sample` is no copy of it.
CONTRACT = {"loss", "losses", "sample", "forward", "log_prob", "main"}


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


RULES = [at_home, copies_tested]
