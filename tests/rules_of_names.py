"""Rules for names: a cell can be run again, and a cell below still means the same."""

import ast
import symtable

from chapters import parsed

DEFINED = ast.FunctionDef, ast.ClassDef
INNER = ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp


def _in_order(tree):
    """(line, sets, name) in the cell's own scope; within a line, reading first."""
    todo, found = [tree], []
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name):
            found.append((node.lineno, isinstance(node.ctx, ast.Store), node.id))
        if isinstance(node, DEFINED):
            found.append((node.lineno, True, node.name))
        elif not isinstance(node, INNER):
            todo += ast.iter_child_nodes(node)
    return sorted(found)


def names(tree):
    """Names that a cell sets, imports (these are set, too), and takes from above."""
    table = symtable.symtable(ast.unparse(tree), "cell", "exec")
    own = table.get_symbols()
    given = {s.get_name() for s in own if s.is_assigned() or s.is_imported()}
    imported = {s.get_name() for s in own if s.is_imported()}
    taken, todo = set(), table.get_children()
    while todo:
        scope = todo.pop()
        todo += scope.get_children()
        seen = [s for s in scope.get_symbols() if s.is_global() and s.is_referenced()]
        taken |= {s.get_name() for s in seen} - given
    met = set(imported)
    for _, sets, name in _in_order(tree):
        if not sets and name not in met:
            taken.add(name)
        met.add(name)
    return given, imported, taken


def set_once(chapter):
    """A name is set by one cell above its readers, or by the one right above them.

    What was built and is then imported may have been set before.
    """
    found, setters, previous = [], {}, None
    for number, cell in chapter.code():
        given, imported, taken = names(parsed(cell))
        for name in sorted(taken):
            above = setters.get(name, [])
            if len(above) > 1 and above[-1] != previous:
                found.append(f"cell {number} reads {name!r}, set by cells {above}")
        for name in given:
            setters[name] = (
                [number] if name in imported else [*setters.get(name, []), number]
            )
        previous = number
    return found


RULES = [set_once]
