"""The book's configuration, its table of contents and its bibliography."""

import re
from collections import Counter

import pytest
import yaml
from pages import CHAPTERS, LINK, ROOT, entries, ids, markdown, prose, source

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def test_every_entry_has_its_file():
    assert [entry for entry in entries() if source(entry) is None] == []
    assert [e for e, count in Counter(entries()).items() if count > 1] == []


def test_every_page_is_in_the_table_of_contents():
    files = [
        *ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"),
        *ROOT.glob("book/**/*.md"),
    ]
    names = {path.relative_to(ROOT).with_suffix("").as_posix() for path in files}
    assert names - set(entries()) == set()


def test_chapters_are_in_order():
    names = [path.stem for path in CHAPTERS]
    assert names == sorted(names)


def test_every_module_has_a_page():
    modules = {
        path.stem if path.is_file() else path.name
        for path in (ROOT / "src" / "gmcourse").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    public = {name for name in modules if not name.startswith("_")}
    pages = {entry.removeprefix("book/api/") for entry in entries() if "/api/" in entry}
    assert public == pages - {"index"}
    listed = (ROOT / "book" / "api" / "index.md").read_text(encoding="utf-8")
    assert [name for name in public if f"[{name}]({name}.md)" not in listed] == []


def test_nothing_is_executed_and_texts_are_not_pages():
    assert CONFIG["execute"]["execute_notebooks"] == "off"
    assert "notebooks/**.md" in CONFIG["exclude_patterns"]
    assert CONFIG["only_build_toc_files"] is True


def test_options_reach_the_theme():
    """Jupyter Book merges its options with ours: neither may displace the other."""
    config = pytest.importorskip("jupyter_book.config")
    final, _ = config.get_final_config(
        user_yaml=ROOT / "_config.yml",
        cli_config={"latex_individualpages": False},
        sourcedir=ROOT,
    )
    theme = final["html_theme_options"]
    assert theme["repository_url"] == "https://github.com/gmcourse/gmcourse"
    assert theme["repository_branch"] == "main"
    assert theme["launch_buttons"]["colab_url"] == "https://colab.research.google.com"
    assert theme["navbar_persistent"] == []  # else there is a second search bar
    assert final["html_context"]["default_mode"] == "auto"
    assert "sphinx_thebe" not in final["extensions"]
    assert final["nb_ipywidgets_js"] == {}
    assert "//" not in final["mathjax_path"]


def test_links_to_sources_are_not_looked_for_outside():
    """They are made for the HTML pages, and `make links` would always fail."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    ignored = config["sphinx"]["config"]["linkcheck_ignore"]
    link = "../_sources/notebooks/00_start_here.ipynb"
    assert any(re.match(pattern, link) for pattern in ignored)


# The bibliography -----------------------------------------------------------------


@pytest.fixture(scope="module")
def papers():
    """All entries of the bibliography: a file for each topic, joined."""
    pybtex = pytest.importorskip("pybtex.database")
    found = {}
    for path in sorted((ROOT / "book" / "references").glob("*.bib")):
        entries = pybtex.parse_file(str(path)).entries
        assert list(entries) == sorted(entries), f"{path.name}: in order of the keys"
        again = found.keys() & entries.keys()
        assert not again, f"{path.name}: {again} stands in another file already"
        found |= entries
    return found


def test_references_are_of_chapters_or_of_the_library(papers):
    topics = {path.stem[3:] for path in CHAPTERS} | {"library"}
    files = {path.stem for path in (ROOT / "book" / "references").iterdir()}
    assert papers and files <= topics


def test_entries_are_complete(papers):
    problems = []
    for key, entry in papers.items():
        if not re.fullmatch(r"[a-z]+(19|20)\d\d[a-z]?", key):
            problems.append(f"{key}: keys are first author and year, as kingma2014")
        elif key.rstrip("abcdef")[-4:] != entry.fields.get("year"):
            problems.append(f"{key}: the year is {entry.fields.get('year')}")
        missing = {"title", "year", "url"} - set(entry.fields)
        if missing or not entry.persons.get("author"):
            problems.append(f"{key} lacks {sorted(missing) or 'an author'}")
        url = entry.fields.get("url", "")
        if not url.startswith("https://") or re.search(r"abs/.*v\d+$|/pdf/", url):
            problems.append(f"{key}: {url} is not https, a version or a PDF")
    assert problems == []


def test_each_address_has_one_entry(papers):
    urls = Counter(entry.fields["url"] for entry in papers.values())
    assert [url for url, count in urls.items() if count > 1] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=ids(CHAPTERS))
def test_papers_have_an_entry(path, papers):
    """A link to a paper leads to the bibliography, so the entry must be there."""
    known = {entry.fields["url"] for entry in papers.values()}
    paper = re.compile(r"https?://(www\.)?(arxiv\.org|(dx\.)?doi\.org)/")
    asked = [url for _, url in LINK.findall(prose(markdown(path))) if paper.match(url)]
    assert [url for url in asked if url not in known] == []
