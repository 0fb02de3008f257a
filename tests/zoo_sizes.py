"""What the weights that ship may weigh, and which of them each chapter needs."""

import ast
import re
from pathlib import Path

from gmcourse import zoo

ROOT = Path(__file__).parents[1]

# In bytes. An entry counts for the first chapter that loads it.
ENTRY, CHAPTER, PACKAGE = 600_000, 2_500_000, 30_000_000


def loads(text: str) -> set[str]:
    """The entries that a chapter's code loads.

    Raises:
        ValueError: it loads by an expression whose value the text does not show.
    """
    cells = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```", text, re.M | re.S)
    lines = [
        re.sub(r"^:.*", "", re.sub(r"^(\s*)[%!].*", r"\1pass", line))
        for cell in cells
        for line in cell.splitlines()
    ]
    code = ast.parse("\n".join(lines))
    named: dict[str, set[str]] = {}
    for node in ast.walk(code):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.For | ast.comprehension):
            targets, value = [node.target], node.iter
        for target in targets:
            for name in getattr(target, "elts", [target]):  # a, b = …, too
                if isinstance(name, ast.Name):
                    named.setdefault(name.id, set()).update(_entries(value))
    found = set()
    for node in ast.walk(code):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "zoo.load":
            given = node.args[0]
            names = named.get(given.id) if isinstance(given, ast.Name) else None
            names = names or _entries(given)
            if not names or isinstance(given, ast.Subscript):
                raise ValueError(
                    f"{ast.unparse(node)}: write the names out, so that what a chapter "
                    "needs can be read from its text"
                )
            found |= names
    return found


def _entries(value: ast.expr) -> set[str]:
    words = {c.value for c in ast.walk(value) if isinstance(c, ast.Constant)}
    return {word for word in words if word in zoo.RECIPES}


def chapters() -> dict[Path, set[str]]:
    """What each chapter loads, in their order."""
    paths = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.md"))
    return {path: loads(path.read_text(encoding="utf-8")) for path in paths}


def too_heavy(cards: list[dict]) -> list[str]:
    """Which limit the weights that ship do not keep to, each in a sentence."""
    found, seen = [], set()
    ships = {c["name"]: c["bytes"] for c in cards if c["ships"]}
    for card in cards:
        if ships.get(card["name"], 0) > ENTRY and not card.get("bytes_note"):
            found.append(
                f"{card['name']}: {card['bytes']:,} bytes; more than {ENTRY:,} need a "
                "reason, the recipe's bytes_note"
            )
    for path, names in chapters().items():
        for name in sorted(names - set(ships)):
            found.append(f"{path.stem} loads {name}, which does not ship")
        added = sum(ships.get(name, 0) for name in names - seen)
        seen |= names
        if added > CHAPTER:
            found.append(f"{path.stem} adds {added:,} bytes; at most {CHAPTER:,} may")
    if sum(ships.values()) > PACKAGE:
        found.append(
            f"{sum(ships.values()):,} bytes of weights ship; at most {PACKAGE:,} may"
        )
    return found
