"""Mutants that nobody thought of: one changed node of a module's syntax tree.

`sites` finds every node that a mistake could change, each with the texts that could
stand in its place: another operator or comparison, another constant, a condition
turned round, arguments exchanged, an option or a call left out, a statement dropped.
What only people read is left alone: docstrings, annotations, messages, f-strings. So
is what cannot change a result, whatever the tests are: see EITHER_WAY and `_idle`.
"""

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass

OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
ORDERED = (ast.Sub, ast.Div, ast.Pow, ast.MatMult, ast.FloorDiv, ast.Mod)
COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
NAMES = {  # what is easily written in place of something else
    **dict(sum="mean", mean="sum", min="max", max="min", amin="amax", amax="amin"),
    **dict(zeros="ones", ones="zeros", rand="randn", randn="rand", any="all"),
    **dict(all="any", floor="ceil", ceil="floor", exp="expm1", log="log1p"),
    **dict(repeat="repeat_interleave", repeat_interleave="repeat", std="var"),
    **dict(square="abs", logsumexp="sum", zeros_like="ones_like", argmax="argmin"),
}
# Functions of two values that stand in either order: an exchange is no mistake.
EITHER_WAY = {
    *("max", "min", "maximum", "minimum", "gcd", "hypot", "logaddexp", "equal"),
    *("frechet_distance", "kernel_distance"),  # tests/test_metrics.py holds them to it
    "squared_error",  # tests/test_autoencoders.py does
}
CODECS = {"utf-8", "latin1"}  # another character at their end is not read
MODULES = {"torch", "F", "math", "np"}
NO_VALUES = {"self", "cls", "super", "nn", "os", "sys", "json", "io", "zipfile"}
SPOKEN = {"print", "warn", "write", "isinstance"}  # their arguments are no arithmetic


@dataclass(frozen=True)
class Site:
    """A node: where its text stands (in bytes), and what could stand there."""

    start: int
    stop: int
    line: int
    texts: tuple[str, ...]


def sites(source: str) -> list[Site]:
    """All places of a module that a mutant may change, in the order of the text."""
    tree, starts = ast.parse(source), [0]
    for line in source.encode().split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)

    spoken = {  # `positive("std", std)`: the first argument is a word of a message
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "_arguments"
        for name in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in spoken:
            node.args[0].spoken = True

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + column

    found = []
    for node, texts in _changes(tree):
        first, last = node, node
        if isinstance(node, ast.With):  # its head only; the body stays
            last = node.items[-1].context_expr
        start = offset(first.lineno, first.col_offset)
        stop = offset(last.end_lineno, last.end_col_offset)
        old = ast.unparse(node).strip("()")  # an exchange of equals is no change
        texts = tuple(t for t in dict.fromkeys(texts) if t.strip("()") != old)
        if texts:
            found.append(Site(start, stop, node.lineno, texts))
    return sorted(found, key=lambda site: (site.start, -site.stop))


def replaced(source: str, site: Site, text: str) -> str:
    raw = source.encode()
    return (raw[: site.start] + text.encode() + raw[site.stop :]).decode()


def _changes(node: ast.AST, tail: bool = True) -> Iterator[tuple[ast.AST, list[str]]]:
    """Nodes below `node` with their alternatives.

    `tail` says whether `node` is the end of its function: a last `return` is not
    dropped, since every test would notice.
    """
    texts = _statement(node, tail) if isinstance(node, ast.stmt) else _expression(node)
    if texts:
        yield node, texts
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params", "decorator_list"):
            continue
        children = value if isinstance(value, list) else [value]
        for i, child in enumerate(children):
            if isinstance(child, ast.AST) and not _silent(node, name, i, child):
                inner = isinstance(node, (ast.FunctionDef, ast.Module, ast.ClassDef))
                yield from _changes(child, inner and i == len(children) - 1)


def _silent(parent: ast.AST, field: str, i: int, child: ast.AST) -> bool:
    """Whether nothing is changed here: words for people, imports, names of exports."""
    if isinstance(parent, ast.Raise) or isinstance(child, ast.JoinedStr):
        return True
    if hasattr(child, "spoken") or _idle(parent, field, child):
        return True
    if isinstance(parent, ast.Call) and field in ("args", "keywords"):
        name = getattr(parent.func, "attr", getattr(parent.func, "id", ""))
        return name in SPOKEN
    if isinstance(child, ast.Assign) and isinstance(child.targets[0], ast.Name):
        return child.targets[0].id.startswith("__")
    if isinstance(child, ast.If):
        return ast.unparse(child.test) == "TYPE_CHECKING"
    documented = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
    return documented or isinstance(child, (ast.Import, ast.ImportFrom))


def _idle(parent: ast.AST, field: str, child: ast.AST) -> bool:
    """Whether a change here is none: no test could notice it."""
    if isinstance(child, ast.Assert):  # told to the type checker, which would notice
        text = ast.unparse(child.test)
        return bool(re.fullmatch(r"isinstance\([^()]*\)|[\w.]+ is not None", text))
    if not isinstance(parent, ast.Call) or field != "args":
        return False
    if ast.unparse(parent.func).startswith("torch.cuda."):  # of a GPU alone
        return True
    name, text = getattr(parent.func, "attr", ""), ast.unparse(child)
    if name == "split":  # how many rows at a time: memory; the parts are joined again
        return bool(re.fullmatch(r"\d+( \*\* \d+)?", text))
    # Of its argument, rand_like takes the shape: a product and a quotient share it.
    return name.endswith("_like") and bool(re.fullmatch(r"[\w.]+ [-+*/] [\w.]+", text))


def _statement(node: ast.stmt, tail: bool) -> list[str]:
    if isinstance(node, ast.Return):
        return [] if tail else ["pass"]
    if isinstance(node, (ast.Expr, ast.Raise, ast.Assert, ast.Break, ast.Continue)):
        return ["pass"]
    if isinstance(node, ast.AugAssign):
        swap = OPERATORS.get(type(node.op))
        return ["pass"] + ([_edited(node, "op", swap())] if swap else [])
    if isinstance(node, ast.Assign):  # a name that is missing would be noticed at once
        kept = isinstance(node.targets[0], (ast.Attribute, ast.Subscript))
        return ["pass"] if kept else []
    if isinstance(node, ast.With) and not any(i.optional_vars for i in node.items):
        return ["if True"]
    return []


def _expression(node: ast.AST) -> list[str]:
    if isinstance(node, ast.BinOp):
        swap = None if _noise(node.right) else OPERATORS.get(type(node.op))
        texts = [_edited(node, "op", swap())] if swap else []
        if isinstance(node.op, ORDERED):
            texts.append(_text(ast.BinOp(node.right, node.op, node.left)))
        return texts
    if isinstance(node, ast.UnaryOp):
        return [] if isinstance(node.op, ast.UAdd) else [_text(node.operand)]
    if isinstance(node, ast.BoolOp):
        other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        less = [node.values[:i] + node.values[i + 1 :] for i in range(len(node.values))]
        kept = [v[0] if len(v) == 1 else ast.BoolOp(node.op, v) for v in less]
        return [_edited(node, "op", other), *map(_text, kept)]
    if isinstance(node, ast.Compare):
        return [
            _edited(node, "ops", [*node.ops[:i], new(), *node.ops[i + 1 :]])
            for i, op in enumerate(node.ops)
            for new in COMPARISONS[type(op)]
        ]
    if isinstance(node, ast.IfExp):
        return [_text(ast.IfExp(node.test, node.orelse, node.body))]
    if isinstance(node, ast.Constant):
        return _constant(node.value)
    if isinstance(node, ast.Call):
        return _call(node)
    return []


def _noise(node: ast.expr) -> bool:
    """Whether it is normal noise, which is as good with the other sign."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _noise(node.left) or _noise(node.right)
    drawn = {"randn", "randn_like", "noise"}
    return isinstance(node, ast.Call) and getattr(node.func, "attr", "") in drawn


def _constant(value: object) -> list[str]:
    if isinstance(value, bool):
        return [str(not value)]
    if isinstance(value, int):
        return [str(value + 1), f"({value - 1})"]
    if isinstance(value, float):
        return [repr(2 * value), repr(value / 2)] if value else ["1.0"]
    # Words, and what is empty, are for people.
    if isinstance(value, str) and value not in {"", *CODECS} and " " not in value:
        return [repr(value + "_")]
    return []


def _call(node: ast.Call) -> list[str]:
    texts, args = [], node.args
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name in SPOKEN:
        return []
    if name in NAMES:
        other = copy.deepcopy(node.func)
        field = "attr" if isinstance(other, ast.Attribute) else "id"
        setattr(other, field, NAMES[name])
        texts.append(_edited(node, "func", other))
    first = hasattr(args[0], "spoken") if args else 0
    for i in range(first, 0 if name in EITHER_WAY else len(args) - 1):
        turned = [*args[:i], args[i + 1], args[i], *args[i + 2 :]]
        texts.append(_edited(node, "args", turned))
    for i in range(len(node.keywords)):
        less = node.keywords[:i] + node.keywords[i + 1 :]
        texts.append(_edited(node, "keywords", less))
    if isinstance(node.func, ast.Attribute):
        root = node.func.value
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name) or root.id not in NO_VALUES | MODULES:
            texts.append(_text(node.func.value))  # x.f(1) -> x
        elif root.id in MODULES and [type(a) for a in args] not in ([], [ast.Starred]):
            texts.append(_text(args[0]))  # torch.f(x, 1) -> x
    return texts


def _edited(node: ast.AST, field: str, value: object) -> str:
    """The text of `node` with another value in one field."""
    other = copy.copy(node)
    setattr(other, field, value)
    return ast.unparse(other) if isinstance(node, ast.stmt) else _text(other)


def _text(node: ast.AST) -> str:
    """An expression's text, in brackets where its neighbors could tear it apart."""
    simple = (ast.Name, ast.Call, ast.Attribute, ast.Subscript)
    text = ast.unparse(node)
    return text if isinstance(node, simple) else f"({text})"
