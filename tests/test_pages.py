"""Front page, README, citation, licenses and the tables of exercises are in order."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

import gmcourse

ROOT = Path(__file__).resolve().parent.parent
EMBEDDED = ROOT / "src" / "gmcourse" / "data" / "embedded"


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_table_of_exercises_is_current():
    tool = [sys.executable, str(ROOT / "tools" / "exercise_table.py"), "--check"]
    done = subprocess.run(tool, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_front_pictures():
    """Each has its alt text, and together they stay light."""
    page = read("book/index.md")
    used = re.findall(r"_static/(front_\w+\.png)", page)
    hero = re.findall(r"!\[(.+?)\]\(book/_static/(front_\w+\.png)\)", read("README.md"))
    alts = re.findall(r":(?:img-)?alt: (.+)", page)
    files = {path.name: path for path in (ROOT / "book/_static").glob("front_*.png")}
    assert sorted([*used, *(name for _, name in hero)]) == sorted(files)
    assert len(alts) == len(used)
    assert all(len(alt.split()) >= 5 for alt in [*alts, *(alt for alt, _ in hero)])
    assert sum(path.stat().st_size for path in files.values()) < 300_000
    for path in files.values():  # a card is 366 px wide; a sharp screen has two for one
        with Image.open(path) as picture:
            assert picture.width >= 732, path.name


@pytest.mark.parametrize("page", ["README.md", "book/index.md", "book/instructors.md"])
def test_every_chapter_is_named(page):
    chapters = [path.stem for path in ROOT.glob("notebooks/[0-9][0-9]_*.md")]
    assert [name for name in chapters if name not in read(page)] == []


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "DATA-LICENSES.md", "CHANGELOG.md"]
)
def test_links_of_the_repository_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`]*`", "", text)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}
    for address in re.findall(r"\]\(([^)\s]+)\)", text):
        if not address.startswith("https://"):
            file, _, anchor = address.partition("#")
            assert not file or (ROOT / file).exists(), address
            assert not anchor or anchor in anchors, address


def test_links_to_notebooks_on_colab():
    place = r"colab\.research\.google\.com/github/gmcourse/gmcourse/blob/main/([^\s)]+)"
    found = re.findall(place, read("README.md") + read("book/index.md"))
    assert found and [name for name in found if not (ROOT / name).exists()] == []


def test_citation_names_this_version():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert str(citation["version"]) == gmcourse.__version__
    assert f'version = "{gmcourse.__version__}"' in read("pyproject.toml")
    assert re.search(r"^## Errata$", read("CHANGELOG.md"), re.MULTILINE)


def test_every_set_that_ships_has_its_license():
    files = [p for p in EMBEDDED.iterdir() if not p.name.endswith("LICENSE.txt")]
    assert files
    for file in files:
        stem = file.name.split(".")[0]
        assert (EMBEDDED / f"{stem}.LICENSE.txt").stat().st_size > 100
        assert file.name in read("DATA-LICENSES.md")
        assert f"{stem}.LICENSE.txt" in read("DATA-LICENSES.md")


def test_license_of_a_set_is_that_of_the_catalog():
    catalog = json.loads(read("src/gmcourse/data/catalog.json"))
    text = read("DATA-LICENSES.md")
    for name, file in {"mnist": "mnist_small", "moses": "moses_50k"}.items():
        row = next(line for line in text.splitlines() if f"{file}." in line)
        assert catalog[name]["license"] in row


def test_full_text_of_the_licenses():
    assert read("LICENSE").startswith("MIT License")
    text = read("LICENSE-TEXT")
    for n in range(1, 9):
        assert f"\nSection {n} -- " in text
