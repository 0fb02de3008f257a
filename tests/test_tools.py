"""The Makefile, the requirements, and what is built of the sources."""

import shutil
import subprocess
import sys
import tarfile
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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


def test_the_source_distribution_is_the_library_alone(tmp_path):
    """Half of the tests, without what they import, would be no use to anybody."""
    pytest.importorskip("setuptools", minversion="77")
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "LICENSE-TEXT").touch()
    package = tmp_path / "src" / "gmcourse" / "data"
    package.mkdir(parents=True)
    files = [package.parent / "__init__.py", package.parent / "live.js"]
    files += [package / "catalog.json", package / "sample.npz"]
    tests = [tmp_path / "tests" / name for name in ("test_a.py", "conftest.py")]
    tests[0].parent.mkdir()
    for file in (*files, *tests):
        file.touch()
    build = "import setuptools.build_meta as b; b.build_sdist('dist')"
    command = [sys.executable, "-W", "ignore", "-c", build]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=200)
    (archive,) = (tmp_path / "dist").iterdir()
    with tarfile.open(archive) as content:
        names = {name.partition("/")[2] for name in content.getnames()}
    assert {str(file.relative_to(tmp_path)) for file in files} <= names
    assert not [name for name in names if name.startswith("tests")]


def test_a_known_deprecation_does_not_stop_the_tests():
    """torch.func.jvp scripts a function; since torch 2.14 it warns in another way."""
    for kind in (DeprecationWarning, FutureWarning):
        message = "`torch.jit.script` is deprecated. Please use torch.compile"
        warnings.warn(message, kind, stacklevel=1)
