"""Pages without what they do not use, and with names for what has none.

The theme puts a library of thousands of icons, 1.5 MB, on every page; a dozen are seen.
These are drawn here, in lines, and stand in the page itself. MathJax stays on pages
with formulas, and the styles of cards, tabs and cells on pages that have some.
"""

import re
from pathlib import Path

# On a ground of 24 by 24, strokes two wide.
ICONS = {
    "magnifying-glass": '<circle cx="10" cy="10" r="6.5"/><path d="m15 15 6 6"/>',
    "bars": '<path d="M3 6h18M3 12h18M3 18h18"/>',
    "list": '<path d="M8 6h13M8 12h13M8 18h13M3.5 6h.01M3.5 12h.01M3.5 18h.01"/>',
    "chevron-down": '<path d="m5 9 7 7 7-7"/>',
    "angle-right": '<path d="m9 5 7 7-7 7"/>',
    "angle-left": '<path d="m15 5-7 7 7 7"/>',
    "download": '<path d="M12 3v12M6.5 10 12 15.5 17.5 10M4 20.5h16"/>',
    "file": '<path d="M6 2.5h8l4.5 4.5v14.5H6zM14 2.5V7h4.5"/>',
    "file-pdf": '<path d="M6 2.5h8l4.5 4.5v14.5H6zM14 2.5V7h4.5M9 12h6.5M9 16h6.5"/>',
    "rocket": '<path d="M7 4.5 19 12 7 19.5z"/>',
    "lightbulb": '<path d="M9 17.5a6.5 6.5 0 1 1 6 0V19H9zM10 22h4"/>',
    # A branch, for the repository.
    "github": '<circle cx="7" cy="5" r="2.2"/><circle cx="7" cy="19" r="2.2"/>'
    '<circle cx="17" cy="8" r="2.2"/><path d="M7 7.2v9.6M17 10.2c0 4-10 2-10 6.6"/>',
}
ICON = re.compile(r'<i class="fa(?:\w|-\w+) fa-([\w-]+)[^"]*"(?: [^>]*)?></i>')
SCRIPT = "<script[^>]*{}[^>]*></script>"
STYLE = "<link[^>]*{}[^>]*/>"

# What is left out, and the sign in a page that it is wanted.
UNUSED = {
    SCRIPT.format(r"scripts/fontawesome\.js"): None,
    SCRIPT.format(r"mathjax/tex-chtml\.js"): 'class="math',
    r"<script>window\.MathJax = .*?</script>": 'class="math',
    SCRIPT.format(r"design-tabs\.js"): 'class="sd-tab',
    STYLE.format(r"sphinx-design\.min\.css"): 'class="sd-',
    STYLE.format(r"mystnb\.\w+\.css"): "cell_input",
}

# Where the theme's names are missing, or hide the words that are seen.
NAMES = {
    '<summary aria-label="Toggle hidden content">': "<summary>",
    '<summary><span class="toctree-toggle" role="presentation">': (
        '<summary aria-label="Pages of this part"><span class="toctree-toggle">'
    ),
}
SEARCH = re.compile(r'(<button[^>]*search-button-field[^>]*?) aria-label="[^"]*"')


def svg(match: re.Match) -> str:
    return (
        '<svg class="gm-icon" viewBox="0 0 24 24" aria-hidden="true">'
        f"{ICONS[match[1]]}</svg>"
    )


def lean(page: str) -> str:
    """The page without what it does not use, and with names.

    Raises:
        KeyError: it shows an icon that is not drawn here.
    """
    for pattern, sign in UNUSED.items():
        if sign is None or sign not in page:
            page = re.sub(pattern + r"\s*", "", page)
    for theirs, ours in NAMES.items():
        page = page.replace(theirs, ours)
    return ICON.sub(svg, SEARCH.sub(r"\1", page))


def strip(app, exception):
    if exception or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        if "_static" not in path.parts:
            page = path.read_text("utf-8")
            path.write_text(lean(page), "utf-8")
