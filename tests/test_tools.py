"""The Makefile, the requirements, and what a change concerns."""

import shutil
import subprocess
import sys
import tarfile
import warnings
from pathlib import Path

import changed
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


# ---- what a change concerns ------------------------------------------------------

LIBRARY = {
    "__init__.py": "from .core import train\n",
    "core.py": "",
    "_own.py": "",
    "vae.py": "from . import _own\n",
    "live.py": "",
    "live.js": "",
    "data/__init__.py": "",
    "data/sets.py": "from ..core import train\n\ndef f():\n    from .forms import g\n",
    "data/forms.py": "",
    "data/digits.npz": "",
}
CHAPTERS = {
    "00_start": "import gmcourse as gm\ngm.train",
    "01_data": "%matplotlib inline\nimport gmcourse as gm\nx = gm.data.sets.f()",
    "02_vae": "from gmcourse import vae, live",
}


@pytest.fixture
def repository(tmp_path):
    """A small course under git; a function that says what an edit concerns."""
    for name, text in LIBRARY.items():
        path = tmp_path / "src" / "gmcourse" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "notebooks").mkdir()
    for name, code in CHAPTERS.items():
        text = "---\njupytext:\n  text_representation:\n    format_name: myst\n---\n"
        text += f"# Title\n\n```{{code-cell}} ipython3\n{code}\n```\n"
        (tmp_path / "notebooks" / f"{name}.md").write_text(text)
    (tmp_path / "pyproject.toml").write_text("")

    def git(*words):
        me = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *me, *words], cwd=tmp_path, check=True)

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "all")

    def concerned(*names):
        for name in names:
            with (tmp_path / name).open("a") as file:
                file.write("\n")
        return [path.stem for path in changed.chapters("main", tmp_path)]

    concerned.root = tmp_path
    concerned.git = git
    return concerned


@pytest.mark.parametrize(
    ("name", "due"),
    [
        ("src/gmcourse/core.py", ["00_start", "01_data", "02_vae"]),
        ("src/gmcourse/vae.py", ["02_vae"]),
        ("src/gmcourse/_own.py", ["02_vae"]),
        ("src/gmcourse/data/forms.py", ["01_data"]),
        ("src/gmcourse/data/digits.npz", ["01_data"]),
        ("src/gmcourse/live.js", ["02_vae"]),
        ("notebooks/00_start.md", ["00_start"]),
        ("pyproject.toml", ["00_start", "01_data", "02_vae"]),
        ("README.md", []),
    ],
)
def test_chapters_that_a_change_concerns(repository, name, due):
    assert repository(name) == due


def test_changes_count_committed_or_not(repository):
    assert repository() == []
    repository.git("checkout", "-q", "-b", "mine")
    repository("src/gmcourse/vae.py")
    repository.git("commit", "-q", "-a", "-m", "vae")
    assert repository("notebooks/00_start.md") == ["00_start", "02_vae"]
    assert len(changed.chapters("", repository.root)) == 3
    with pytest.raises(SystemExit, match="nowhere"):
        changed.chapters("nowhere", repository.root)


def test_the_chapters_use_what_they_teach():
    used = {path.stem[3:]: changed.uses(path) for path in changed.chapters()}
    assert "src/gmcourse/vae.py" in used["variational_autoencoders"]
    assert "src/gmcourse/core.py" in used["variational_autoencoders"]
