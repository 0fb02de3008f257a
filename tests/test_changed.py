"""Which chapters a change concerns, by the graph of imports."""

import subprocess

import changed
import pytest

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
    assert "src/gmcourse/zoo/recipes/vae.py" in used["variational_autoencoders"]
