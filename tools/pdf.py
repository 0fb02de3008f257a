"""Print the built book as one PDF: make pdf.

    python tools/pdf.py [OUT]       _build/html/gmcourse.pdf

Every page of the book but those of the library is printed by a headless Chromium, its
folds open. In front come a title and the contents with page numbers; the viewer's
sidebar lists chapters and sections.
"""

import contextlib
import html
import io
import sys
from pathlib import Path
from typing import Any

import yaml
from common import find_chromium, launch
from playwright.sync_api import Browser, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import Link
from pypdf.generic import Fit

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "_build" / "html"
SIZE: dict[str, Any] = {"format": "A4", "print_background": True}
MARGIN: Any = {"top": "18mm", "bottom": "20mm", "left": "16mm", "right": "16mm"}
LOOK = """
body{font-family:system-ui,"DejaVu Sans",sans-serif;color:#1f2830;margin:0}
h1{font-size:30pt;margin:70mm 0 6mm} h2{font-size:16pt;margin:0 0 5mm}
p{font-size:11pt;line-height:1.5} section{break-before:page}
.line{display:flex;font-size:9.5pt;line-height:1.55;text-decoration:none;color:inherit}
.line.chapter{font-weight:650;margin-top:2.2mm}
.line.section{padding-left:6mm}
.line i{flex:1;border-bottom:1px dotted #9aa4af;margin:0 2mm 1.2mm}
"""
NUMBERS = """
@page{size:A4;margin:0} body{margin:0;font:9pt system-ui,"DejaVu Sans",sans-serif;
color:#55606c} div{height:297mm;position:relative;break-after:page;overflow:hidden}
div:last-child{break-after:auto} span{position:absolute;bottom:9mm;width:100%;
text-align:center}
"""


def pages(toc: Path = ROOT / "_toc.yml") -> list[str]:
    """The documents of the book in their order, without those of the library."""
    parts = yaml.safe_load(toc.read_text(encoding="utf-8"))["parts"]
    files = [chapter["file"] for part in parts for chapter in part["chapters"]]
    return [file for file in files if not file.startswith("book/api/")]


# Each heading gets a link to itself, unseen: what is linked to has a place in the PDF.
HEADINGS = """() => [
  ...document.querySelectorAll('article.bd-article :is(h1, h2)')
].map(h => {
  const { id } = h.closest('section'), link = document.createElement('a');
  link.href = '#' + id;
  link.textContent = '.';
  link.style = 'position: absolute; font-size: 1px; color: transparent';
  const text = [...h.childNodes].filter(n => !n.classList?.contains('headerlink'));
  h.append(link);
  return [h.tagName === 'H1' ? 0 : 1, text.map(n => n.textContent).join(''), id];
})"""
# The theme prints a title and contents of its own; ours stand in front of all.
THEIRS = """#jb-print-toc { display: none !important }
#jb-print-docs-body h1 { text-align: left !important; font-weight: 650 !important }"""
Heading = tuple[int, str, int]  # level, text, page from 0


def printed(browser: Browser, name: str) -> tuple[PdfReader, list[Heading]]:
    """One page of the book, light, its folds open; and its title and sections."""
    page = browser.new_page(
        color_scheme="light", viewport={"width": 900, "height": 1200}
    )
    page.goto((BOOK / f"{name}.html").as_uri())
    page.evaluate("window.MathJax?.startup?.promise")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.add_style_tag(content=THEIRS)
    headings = page.evaluate(HEADINGS)
    reader = PdfReader(io.BytesIO(page.pdf(**SIZE, margin=MARGIN)))
    page.close()
    places = reader.named_destinations
    found = []
    for level, text, id in headings:
        at = reader.get_destination_page_number(places[f"/{id}"]) if level else 0
        found.append((level, " ".join(text.split()), at))
    return reader, found


def drawn(browser: Browser, style: str, body: str, **how: Any) -> PdfReader:
    """HTML of ours, as a PDF."""
    page = browser.new_page()
    page.set_content(f"<meta charset=utf-8><style>{style}</style>{body}")
    data = page.pdf(**SIZE, **how)
    page.close()
    return PdfReader(io.BytesIO(data))


def contents(entries: list[Heading]) -> str:
    """Title page and contents; the page numbers count from the first page."""
    lines = "".join(
        f'<div class="line {"section" if level else "chapter"}">'
        f"<span>{html.escape(text)}</span><i></i><span>{at + 1}</span></div>"
        for level, text, at in entries
    )
    return (
        "<h1>Deep generative models</h1><p>A course to read, to run and to rebuild: "
        "from probability to models that draw.</p><p>Text CC BY 4.0, code MIT.</p>"
        f"<section><h2>Contents</h2>{lines}</section>"
    )


def book(browser: Browser) -> PdfWriter:
    """All of it: title, contents, pages, numbers, outline."""
    parts = [printed(browser, name) for name in pages()]

    def placed(front: int) -> list[Heading]:
        """The headings at their pages of the whole."""
        out, start = [], front
        for reader, headings in parts:
            out += [(level, text, at + start) for level, text, at in headings]
            start += len(reader.pages)
        return out

    front = drawn(browser, LOOK, contents(placed(2)), margin=MARGIN)
    entries = placed(len(front.pages))
    front = drawn(browser, LOOK, contents(entries), margin=MARGIN)
    writer, chapter = PdfWriter(), None
    for reader in (front, *(reader for reader, _ in parts)):
        writer.append(reader, import_outline=False)
    for level, text, at in entries:
        if level:
            writer.add_outline_item(title=text, page_number=at, parent=chapter)
        else:
            chapter = writer.add_outline_item(title=text, page_number=at)
    count = len(writer.pages)
    stamps = "".join(f"<div><span>{i + 1}</span></div>" for i in range(count))
    numbers = drawn(browser, NUMBERS, stamps)
    if len(numbers.pages) != count:
        raise RuntimeError(f"{len(numbers.pages)} page numbers for {count} pages")
    for i, page in enumerate(writer.pages):
        if i:  # none on the title
            page.merge_page(numbers.pages[i])
    link(writer, len(front.pages), entries)
    writer.add_metadata({"/Title": "Deep generative models", "/Author": "gmcourse"})
    return writer


def link(writer: PdfWriter, front: int, entries: list[Heading]) -> None:
    """Each line of the contents leads to its page: lines are found by their numbers."""
    rows: list[tuple[int, float]] = []
    for i in range(1, front):
        heights: set[float] = set()

        def note(text, cm, tm, font, size, heights=heights) -> None:
            if text.strip().isdigit():
                heights.add(round(tm[5] * cm[3] + cm[5], 1))

        writer.pages[i].extract_text(visitor_text=note)
        rows += [(i, y) for y in sorted(heights, reverse=True) if y > 50]
    for (i, y), (_, _, at) in zip(rows, entries):
        width = float(writer.pages[i].mediabox.width)
        area = (40, y - 3, width - 40, y + 10)
        writer.add_annotation(i, Link(rect=area, target_page_index=at, fit=Fit.fit()))


def main(words: list[str]) -> int:
    out = Path(words[0]) if words else BOOK / "gmcourse.pdf"
    path = find_chromium()
    if path is None:
        print("make pdf needs Chromium or Chrome")
        return 2
    if not (BOOK / "book" / "index.html").exists():
        print("there is no book to print: make book first")
        return 2
    with sync_playwright() as playwright, contextlib.ExitStack() as stack:
        browser = launch(playwright, path)
        stack.callback(browser.close)
        writer = book(browser)
    writer.write(out)
    print(f"{out}: {len(writer.pages)} pages, {out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
