"""The tools' own data: a catalog that no longer fits the code catches nothing."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[1]


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_every_mutant_stands_where_it_says():
    assert tool("mutate").misplaced() == []


def test_the_makefile_names_every_target_in_its_help():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = next(s for s in text.splitlines() if s.startswith(".PHONY")).split()[1:]
    for target in phony:
        line = next(s for s in text.splitlines() if s.startswith(f"{target}:"))
        assert "  ## " in line, f"{target} has no line in make help"


def test_requirements_keep_to_the_cpu_build_of_torch():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "torch>=2.6,<2.14" in text
    package = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '"torch>=2.6",' in package, "the package itself asks for a lower bound only"
