"""Every page of the site, in a real browser: nothing is broken, wide or missing."""

from __future__ import annotations

import pytest

from .browser import CHROMIUM, SITE, browsing

# But the playground, which takes its time and has tests of its own.
PAGES = sorted(
    str(path.relative_to(SITE))
    for path in SITE.rglob("*.html")
    if path.name != "playground.html"
)
# What a reader would see, or trip over.
LOOK = """() => ({
  wide: document.documentElement.scrollWidth > innerWidth,
  heads: document.querySelectorAll("h1").length,
  broken: [...document.images].filter((one) => !one.naturalWidth).map((one) => one.src),
  quoted: document.querySelectorAll("blockquote blockquote").length,
  raised: [...document.querySelectorAll("sup")].map((one) => one.textContent)
    .filter((text) => /^(st|nd|rd|th)$/.test(text)),
  small: [...document.querySelectorAll("picture > img")]
    .filter((one) => one.width < 330).map((one) => one.src),
  nowhere: [...document.querySelectorAll("a[href^='#']")]
    .map((one) => decodeURIComponent(one.hash.slice(1)))
    .filter((name) => name && !document.getElementById(name)),
})"""
FINE = {
    "wide": False,
    "heads": 1,
    "broken": [],
    "quoted": 0,
    "raised": [],
    "small": [],
    "nowhere": [],
}

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(CHROMIUM is None, reason="NOT RUN: install chromium"),
    pytest.mark.skipif(not PAGES, reason="NOT RUN: make docs"),
]


@pytest.fixture(scope="module")
def browser():
    """A browser, and where the site is."""
    with browsing() as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_can_be_read(browser, width, scheme):
    """On a phone and on a desk, light and dark, nothing is amiss or asked elsewhere."""
    chromium, address = browser
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page, said = context.new_page(), []
    page.on("console", lambda told: said.append(told.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))
    odd = {}
    for name in PAGES:
        said.clear()
        page.goto(f"{address}/{name}")
        found = page.evaluate(LOOK)
        elsewhere = [
            told for told in said if not told.startswith((address, "data:", "blob:"))
        ]
        if found != FINE or elsewhere:
            odd[name] = found, elsewhere
    context.close()

    assert odd == {}


def test_a_picture_goes_with_its_page(browser):
    """Who switches the page to dark by hand gets the dark pictures."""
    chromium, address = browser
    page = chromium.new_page(color_scheme="light")
    page.goto(f"{address}/index.html")
    shown = "document.querySelector('picture > img').currentSrc"
    before = page.evaluate(shown)
    page.click("label[title='Switch to dark']")
    page.wait_for_function(f"{shown}.endsWith('front-dark.svg')")
    page.close()

    assert before.endswith("front-light.svg")
