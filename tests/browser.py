"""A headless Chromium for tests of pages: how it is found, and the `page` fixture.

A test module imports both fixtures, ``from browser import chromium, page``; the tests
that use them carry ``@pytest.mark.browser`` and skip, with one line, where there is no
browser.
"""

import pytest
from common import find_chromium, launch

HOW_TO_GET_ONE = (
    "no Chromium found: apt-get install chromium (or set GMCOURSE_CHROMIUM to the "
    "path of Chromium or Chrome)"
)


# One browser a module, and closed with it: playwright's event loop would otherwise
# stay open in this thread and break other modules that start one.
@pytest.fixture(scope="module")
def chromium():
    path = find_chromium()
    if path is None:
        pytest.skip(HOW_TO_GET_ONE)
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: pip install playwright"
    )
    with sync_api.sync_playwright() as playwright:
        browser = launch(playwright, path)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A fresh page of 1000 x 800 pixels, in light mode.

    `page.requested` lists every address that was asked for, and `page.errors` every
    uncaught error and console error.
    """
    context = chromium.new_context(
        viewport={"width": 1000, "height": 800}, has_touch=True, color_scheme="light"
    )
    page = context.new_page()
    page.requested, page.errors = [], []
    page.on("request", lambda request: page.requested.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            page.errors.append(message.text) if message.type == "error" else None
        ),
    )
    yield page
    context.close()
