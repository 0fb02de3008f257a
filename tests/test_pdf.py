"""The book as one PDF: every page of the contents is where they say."""

import pdf
import pytest
from browser import chromium as chromium
from test_book_browser import PAGES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not PAGES, reason="no book: run make book first"),
]


def test_every_chapter_is_in_it():
    chapters = [name for name in pdf.pages() if name.startswith("notebooks/")]
    files = sorted((pdf.ROOT / "notebooks").glob("[0-9][0-9]_*.md"))
    assert chapters == [f"notebooks/{path.stem}" for path in files]
    assert "book/bibliography" in pdf.pages()


def test_contents_outline_and_numbers(chromium, monkeypatch):
    some = ["book/readers", "book/notation"]
    monkeypatch.setattr(pdf, "pages", lambda: some)
    writer = pdf.book(chromium)
    texts = [" ".join(page.extract_text().split()) for page in writer.pages]
    assert texts[0].startswith("Deep generative models")
    for i, text in enumerate(texts[1:], 2):
        assert text.split()[0] == str(i) or text.split()[-1] == str(i)  # its number
    titles = {"For readers": "What you need", "Notation": "Conventions"}
    outline = writer.outline
    assert [entry.title for entry in outline[::2]] == list(titles)
    for entry, sections in zip(outline[::2], outline[1::2]):
        for place in (entry, *sections):
            at = writer.get_destination_page_number(place)
            assert place.title in texts[at]
            assert f"{place.title} {at + 1}" in texts[1]  # the contents
        assert sections[0].title == titles[entry.title]
    links = [link.get_object() for link in writer.pages[1]["/Annots"]]
    count = sum(1 + len(sections) for sections in outline[1::2])
    assert len(links) == count  # a line of the contents leads to its page
