"""The built book in a real browser, opened from file:// as a reader would.

``GMCOURSE_BOOK`` names the folder of the built book; without it, ``_build/html``.
"""

import functools
import importlib
import os
import re
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

# pytest imports this file without a package: both names end up as fixtures here.
from browser import chromium as chromium
from browser import page as page
from loopback import served

ROOT = Path(__file__).resolve().parent.parent
BOOK = Path(os.environ.get("GMCOURSE_BOOK", ROOT / "_build" / "html")).resolve()
PAGES = sorted(
    path.relative_to(BOOK).as_posix()
    for folder in ("book", "notebooks")
    for path in (BOOK / folder).rglob("*.html")
)
CHAPTERS = [name for name in PAGES if name.startswith("notebooks/")]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not PAGES, reason=f"no book in {BOOK}: run make book first"),
]


def visit(page, name, fragment=""):
    """Open a page of the book and wait until its math is typeset."""
    page.goto((BOOK / name).as_uri() + fragment)  # returns when all is loaded
    page.evaluate(
        """() => window.MathJax?.startup?.promise
               ?? (document.querySelector('.math') && Promise.reject('no MathJax'))"""
    )


def outside(page):
    """What was asked for from elsewhere than the book's folder."""
    return [
        url
        for url in page.requested
        if not url.startswith(("data:", "blob:")) and not inside(url)
    ]


def inside(url):
    parts = urlsplit(url)
    file = Path(unquote(parts.path))
    return parts.scheme == "file" and file.is_relative_to(BOOK) and file.is_file()


def typeset(page):
    """Math that was left raw or is wrong, and Markdown or HTML shown as text."""
    found = page.evaluate(
        """() => {
  const article = document.querySelector('article.bd-article');
  // An unknown command is no error to MathJax: it shows the name in red.
  const wrong = '.math:not(:has(mjx-container)), mjx-merror, mjx-mtext[style*=red]';
  return [...article.querySelectorAll(wrong)]
    .map(node => (node.closest('.math') ?? node).textContent.slice(0, 80));
}"""
    )
    text = page.evaluate(
        """() => {
  const copy = document.querySelector('article.bd-article').cloneNode(true);
  copy.querySelectorAll('pre, code, dt, mjx-container').forEach(node => node.remove());
  return copy.textContent;
}"""
    )
    raw = r"\$\$|\\tag|\\begin\{|\]\(#|(?<!\w)\*\*\w|</?details|<summary"
    return found + re.findall(rf".{{0,20}}(?:{raw}).{{0,20}}", text)


def sideways(page, width):
    """What makes the page wider than the window, or is cut off at its edge."""
    page.set_viewport_size({"width": width, "height": 844})
    wide = page.evaluate("document.documentElement.scrollWidth") > width
    # What is wide must scroll in a box of its own.
    found = page.evaluate(
        """width => {
  const skip = 'mjx-assistive-mml, svg, [aria-hidden=true], .sr-only';
  const scrolls = node => ['auto', 'scroll'].includes(getComputedStyle(node).overflowX);
  const cut = node => {
    if (node.getBoundingClientRect().right <= width + 1) return false;
    if (node.closest(skip)) return false;
    for (; !node.matches('.bd-article'); node = node.parentElement)
      if (scrolls(node)) return false;
    return true;
  };
  return [...document.querySelectorAll('.bd-article *')].filter(cut)
    .map(node => 'cut at the edge: ' + node.outerHTML.slice(0, 100));
}""",
        width,
    )
    return found or ["the page scrolls sideways"] * wide


def wide_tables(page):
    """Tables whose last columns a reader at a desk would have to scroll to."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.bd-article table')]
  .filter(table => table.checkVisibility())
  .filter(table => table.offsetWidth > table.parentElement.clientWidth + 1)
  .map(table => `${table.offsetWidth} px wide: ` + table.innerText.slice(0, 80))"""
    )


def rgb(color):
    return [int(c) / 255 for c in re.findall(r"\d+", color)[:3]]


def blend(front, back, opacity):
    return [opacity * f + (1 - opacity) * b for f, b in zip(front, back)]


def luminance(color):
    """Relative luminance of an sRGB color, as WCAG 2 defines it."""
    linear = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in color
    ]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(*colors):
    bright, dim = sorted((luminance(color) for color in colors), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def faint(page, mode):
    """Text whose contrast is below 4.5 : 1, the AA level of WCAG 2."""
    page.emulate_media(color_scheme=mode)
    page.wait_for_function(
        "mode => document.documentElement.dataset.theme === mode", arg=mode
    )
    pairs = page.evaluate(
        """() => {
  const known = new Map([[null, ['rgb(255, 255, 255)', 1]]]);
  const behind = node => {  // background and opacity, from the root down
    if (!known.has(node)) {
      const [back, opacity] = behind(node.parentElement);
      const style = getComputedStyle(node), color = style.backgroundColor;
      const clear = /^rgba\\(.*, 0\\)$|^transparent$/.test(color);
      known.set(node, [clear ? back : color, opacity * Number(style.opacity)]);
    }
    return known.get(node);
  };
  const seen = new Map();
  const written = new Set();
  for (const root of document.querySelectorAll('.bd-article, .bd-sidebar')) {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode())
      if (texts.currentNode.data.trim()) written.add(texts.currentNode.parentElement);
  }
  for (const node of written) {
    if (node.closest('svg, mjx-assistive-mml, .gm-live')) continue;
    if (!node.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
      continue;
    const pair = [getComputedStyle(node).color, ...behind(node)];
    seen.set(String(pair), [...pair, node.outerHTML.slice(0, 90)]);
  }
  return [...seen.values()];
}"""
    )
    found = []
    for front, back, opacity, where in pairs:
        ratio = contrast(blend(rgb(front), rgb(back), opacity), rgb(back))
        if ratio < 4.5:
            found.append(f"{mode}: {ratio:.2f} for {front} on {back} in {where}")
    return found


def ways_out(page, name):
    """The notebook in Colab and as a file: by the theme, and under the title."""
    stem = Path(name).stem
    colab = (
        "https://colab.research.google.com/github/gmcourse/gmcourse/blob/main/"
        f"notebooks/{stem}.ipynb"
    )
    for place in (".dropdown-launch-buttons", ".chapter-links"):
        assert page.locator(f"{place} a[href='{colab}']").count() == 1
    shown = (ROOT / "notebooks" / f"{stem}.ipynb").read_bytes()
    for place in (".btn-download-source-button", ".chapter-links a[href*='_sources']"):
        url = page.locator(place).first.evaluate("link => link.href")
        assert Path(unquote(urlsplit(url).path)).read_bytes() == shown


def parts_of_a_chapter(page, name):
    assert page.locator("table.budget-card").count() == 1
    boxes = page.locator("section.exercise")
    headings = page.locator("h3", has_text=re.compile(r"^Exercise \w+-\d\d"))
    assert boxes.count() == headings.count() >= (3 if "00_" in name else 12)
    assert page.locator("section.exercise p.exercise-card").count() == boxes.count()
    # An exercise opens at a click, and in it the solution, with math and code in view.
    bodies = boxes.locator("> details.exercise-body")
    assert bodies.count() == boxes.count()
    stub = bodies.first.locator("pre").first
    assert not stub.is_visible()
    bodies.first.locator("> summary").click()
    assert stub.is_visible()
    bodies.evaluate_all("all => all.forEach(body => body.open = true)")
    folded = bodies.locator("> details:not(.hints *)")
    assert set(folded.locator("> summary").all_inner_texts()) <= {
        "Solution",
        "Discussion",
    }
    body = folded.first.locator("pre, p").first
    assert not body.is_visible()
    folded.first.locator("> summary").click()
    assert body.is_visible()
    wrong = folded.evaluate_all(  # the others too; each on its own would take seconds
        """folds => folds.slice(1).filter(fold => {
  const summary = fold.querySelector('summary'), body = fold.querySelector('pre, p');
  const seen = () => body.checkVisibility({ visibilityProperty: true })
    && body.getBoundingClientRect().height > 0;
  const before = seen();
  summary.scrollIntoView({ block: 'center', behavior: 'instant' });
  const box = summary.getBoundingClientRect();
  document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2).click();
  return before || !seen();
}).map(fold => fold.closest('section.exercise').id)"""
    )
    assert wrong == []


STILL = """addEventListener('DOMContentLoaded', () => {
  const style = document.createElement('style');
  style.textContent = '* { transition: none !important; animation: none !important }';
  document.head.append(style);
})"""


@pytest.mark.parametrize("name", PAGES)
def test_page(page, name):
    page.set_viewport_size({"width": 1280, "height": 900})
    page.add_init_script(STILL)  # cells that open fade in
    visit(page, name)  # once for all claims: a chapter loads for seconds
    assert wide_tables(page) == []
    if name in CHAPTERS:
        height = page.evaluate("document.documentElement.scrollHeight")
        assert height < 40_000 * 1.02  # other fonts, other heights
        ways_out(page, name)
        parts_of_a_chapter(page, name)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert outside(page) == []  # from elsewhere, or missing
    assert page.errors == []
    assert page.locator("h1:visible").count() == 1
    assert page.locator("main img:not([alt]), main figure img[alt='']").count() == 0
    assert page.locator("mjx-container[tabindex]").count() == 0  # no stops for Tab
    text = (BOOK / name).read_text(encoding="utf-8")
    assert str(ROOT) not in text  # a page tells nothing of the machine that made it
    assert typeset(page) == []
    assert faint(page, "light") == []
    assert faint(page, "dark") == []
    assert sideways(page, 768) == []
    assert sideways(page, 390) == []


def test_index_on_a_phone(page):
    visit(page, "genindex.html")
    assert sideways(page, 390) == []


def test_names_in_tables_stay_in_one_piece(page):
    """``x_noisy`` in a narrow column: the column widens, the name does not break."""
    visit(page, "book/notation.html")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        broken = page.evaluate(
            """() => [...document.querySelectorAll('td code.literal .pre')]
              .filter(name => name.getClientRects().length > 1)
              .map(name => name.textContent)"""
        )
        assert broken == [], width


MARKED = """() => {
  const links = [...document.querySelectorAll('#pst-page-toc-nav a')];
  const tops = links.map(link => {
    const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    return section.querySelector('h1, h2, h3, h4').getBoundingClientRect().top;
  });
  const read = tops.findLastIndex(top => top < 0.3 * innerHeight);
  const marked = links.findIndex(link => link.matches('.active'));
  const box = links[marked]?.getBoundingClientRect();
  const seen = box && box.top > 0 && box.bottom < innerHeight;
  return scrollY > AT && read > 0 && read === marked && seen;
}"""


def test_the_contents_follow_the_reader(page):
    """The section that is read is marked in the sidebar, and its mark in sight."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.route("**/tex-chtml.js", lambda route: route.abort())  # takes seconds
    page.goto((BOOK / CHAPTERS[-1]).as_uri())
    page.mouse.move(600, 400)
    for _ in range(9):  # as fast as a wheel goes
        page.mouse.wheel(0, 600)
    page.wait_for_function(MARKED.replace("AT", "5000"))
    last = page.locator("section.exercise").last
    last.scroll_into_view_if_needed()
    page.mouse.wheel(0, 60)
    at = last.evaluate("e => scrollY + e.getBoundingClientRect().top - innerHeight")
    page.wait_for_function(MARKED.replace("AT", str(at)))


@pytest.mark.parametrize("name", ["notation", "results", "check_quality"])
def test_tables_are_whole_on_paper(page, name):
    page.set_viewport_size({"width": 672, "height": 900})  # A4 without its margins
    page.emulate_media(media="print")
    visit(page, f"book/{name}.html")
    edge = page.locator(".bd-article").evaluate("e => e.getBoundingClientRect().right")
    cut = page.evaluate(
        """edge => [...document.querySelectorAll('.bd-article td')]
          .filter(cell => cell.getBoundingClientRect().right > edge + 2)
          .map(cell => cell.textContent)""",
        edge,
    )
    assert cut == []


def test_folds_are_open_on_paper(page):
    visit(page, CHAPTERS[0])
    count = "document.querySelectorAll('.bd-article details[open]').length"
    page.locator(".exercise-body").first.evaluate("fold => fold.open = true")
    theme = "document.documentElement.dataset.theme"
    page.evaluate(f"{theme} = 'dark'")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    folds = page.locator(".bd-article details:not(.hide)").count()
    assert page.evaluate(count) == folds > 5  # not the code that draws a figure
    assert page.evaluate(theme) == "light"  # paper is white
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(count) == 1  # the reader's own stays open
    assert page.evaluate(theme) == "dark"


def test_a_link_into_a_fold_opens_it(page):
    visit(page, CHAPTERS[0], "#exercise-start-02-a-draw-that-leaves-no-trace")
    page.wait_for_function(
        "[...document.querySelectorAll('.exercise-body')].map(b => b.open).join() =="
        " 'false,true,false'"
    )


class Anchors(HTMLParser):
    """The ids of a page as it is built, and the addresses its links lead to."""

    def __init__(self, path):
        super().__init__()
        self.address, self.ids, self.links = path.as_uri(), set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id"))
        if tag in ("a", "area") and found.get("href") is not None:
            self.links.append(urljoin(self.address, found["href"]))


@pytest.mark.parametrize("name", [n for n in PAGES if n.startswith("book/api/")])
def test_pages_of_the_library_hold_what_it_exports(name):
    """A page can be empty without a warning: a package exports what others define."""
    module = Path(name).stem
    if module == "index":
        return
    found = importlib.import_module(f"gmcourse.{module}")
    exported = [n for n in getattr(found, "__all__", ()) if callable(getattr(found, n))]
    text = (BOOK / name).read_text("utf-8")
    shown = re.findall(r'id="gmcourse\.(?:[\w.]+\.)?(\w+)"', text)
    missing = [n for n in exported if n not in shown]
    assert not missing


def test_links_within_the_book():
    """Every link between pages leads to a file, and to an id that is in it."""
    pages = [Anchors(BOOK / name) for name in PAGES]
    ids = {page.address: page.ids for page in pages}
    links = [(p.address, url) for p in pages for url in p.links if url[:5] == "file:"]
    assert len(links) > 20 * len(pages)
    missing = []
    for here, url in links:
        address, _, anchor = url.partition("#")
        address = address.partition("?")[0]
        known = ids.get(address, {unquote(anchor), ""})
        if not inside(address) or (anchor and unquote(anchor) not in known):
            missing.append((here, url))
    assert missing == []


def test_search_works_offline(page):
    visit(page, "search.html", "?q=entropy")
    # Results arrive one by one, the best first.
    page.locator("#search-results li a[href*='notation.html']").first.wait_for()
    page.locator("#search-results li a").first.click()
    page.wait_for_load_state("load")
    assert page.locator("h1:visible").count() == 1
    assert outside(page) == []
    assert page.errors == []


def test_search_from_a_page(page):
    """The way a reader does it: the field, a word, Enter."""
    visit(page, "book/notation.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("entropy")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=entropy*")
    page.locator("#search-results li a").first.wait_for()
    assert page.errors == []


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """No line for each file."""


@pytest.fixture
def site():
    """The book at an address of this machine: what a browser keeps, it keeps for it.

    Of pages from a folder a busy Chromium now and then loses what they store: one
    page writes, and the next one, or another window, never reads it.
    """
    with served(functools.partial(Quiet, directory=BOOK)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def test_dark_mode_button(page, site):
    """auto, light, dark: the button goes round, and the choice is kept."""
    html = page.locator("html")
    page.goto(f"{site}/book/check_quality.html")
    seen = {html.get_attribute("data-mode")}
    while "dark" not in seen and len(seen) < 3:
        page.locator(".theme-switch-button").first.click()
        seen.add(html.get_attribute("data-mode"))
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert luminance(rgb(background)) < 0.05
    page.goto(f"{site}/book/bibliography.html")
    assert html.get_attribute("data-theme") == "dark"
    for _ in range(2):
        page.locator(".theme-switch-button").first.click()
        seen.add(html.get_attribute("data-mode"))
    assert seen == {"auto", "light", "dark"}
    assert page.errors == []


def test_front_page(page):
    """The folder's own index leads to the front page."""
    page.goto((BOOK / "index.html").as_uri())
    page.wait_for_url("**/book/index.html")
    assert page.locator("h1:visible").count() == 1
    assert outside(page) == []
