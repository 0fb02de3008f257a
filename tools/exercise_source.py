"""The two halves of an exercise's source, put together.

A declaration in `gmcourse.checks`, and beside the notebooks its class of versions.
"""

import ast
import importlib.util
import inspect
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

from gmcourse.checks import Exercise

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ROOT / "notebooks" / "exercises"
IMPORTS = """\
import math

import torch
from torch import nn
from torch.nn import functional as F

from gmcourse import check, hint"""
SLOW = 0.5  # CPU seconds: an answer that takes longer to make is made a few times only


def versions() -> dict[str, type]:
    """Exercise id to its class of versions: vae-03 to Vae03 of vae/vae_03.py."""
    package = "exercise_versions"  # a name of its own: nothing on sys.path has it
    if package not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            package,
            VERSIONS / "__init__.py",
            submodule_search_locations=[str(VERSIONS)],
        )
        sys.modules[package] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[package])
    found = {}
    for path in sorted(VERSIONS.glob("*/[!_]*.py")):
        module = importlib.import_module(f"{package}.{path.parent.name}.{path.stem}")
        name = path.stem.title().replace("_", "")
        found[path.stem.replace("_", "-")] = getattr(module, name)
    return found


def roles(cls: type | None, role: str) -> dict:
    """The versions of one role by name, with those made by `edits` and `sums`."""
    found = {}
    for name, value in vars(cls).items() if cls else ():
        made = value if isinstance(value, dict) else {name: value}
        found |= {n: f for n, f in made.items() if getattr(f, "role", None) == role}
    return found


def answers(version) -> tuple:
    """What a learner would pass to check."""
    made = version() if hasattr(version, "build") else version
    return made if isinstance(made, tuple) else (made,)


class Answers:
    """The answers that ``make`` gives; slow ones are made ``times`` times.

    The check draws anew with each seed, a trained model need not be trained anew.
    """

    def __init__(self, make: Callable[[], tuple], times: int = 1):
        self.make, self.times = make, times
        self.kept: list[tuple] = []

    def __call__(self, seed: int) -> tuple:
        if len(self.kept) == self.times:
            return self.kept[seed % self.times]
        start = time.process_time()
        made = self.make()
        if time.process_time() - start > SLOW:
            self.kept.append(made)
        return made


def stub_answers(exercise: Exercise) -> tuple:
    """The answers as the stub leaves them."""
    space: dict = {}
    exec(f"{IMPORTS.rsplit('from gmcourse', 1)[0]}\n{exercise.stub}", space)
    return tuple(space[name] for name in exercise.answers)


def solution(cls: type, exercise: Exercise) -> str:
    """The reference's code as a learner would write it."""
    (version,) = roles(cls, "reference").values()
    source = textwrap.dedent(inspect.getsource(version))
    (node,) = ast.parse(source).body
    lines = source.splitlines()
    if hasattr(version, "build"):
        last = node.body[-1]
        if not isinstance(last, ast.Return):
            raise ValueError(f"{exercise.id}: the reference must end in a return")
        returned = getattr(last.value, "elts", [last.value])
        names = [name.id for name in returned]
        kept = lines[node.lineno : last.lineno - 1]
        code = textwrap.dedent("\n".join(kept)).strip()
    else:
        names, code = [node.name], "\n".join(lines[node.lineno - 1 :])
    if names != list(exercise.answers):
        raise ValueError(
            f"{exercise.id}: the reference gives {names}; "
            f"expected {list(exercise.answers)}"
        )
    return code
