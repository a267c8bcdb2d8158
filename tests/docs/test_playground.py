"""The playground, in a real browser: it says what the command line says."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .browser import CHROMIUM, SITE, browsing

PYTHON = SITE / "docs" / "playground" / "pyodide" / "pyodide.asm.wasm"

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(CHROMIUM is None, reason="NOT RUN: install chromium"),
    pytest.mark.skipif(not PYTHON.exists(), reason="NOT RUN: make docs, with npm"),
]


@pytest.fixture(scope="module")
def page():
    """The playground, loaded, in a browser of its own."""
    with browsing() as (browser, address):
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{address}/docs/playground.html")
        page.wait_for_selector("#play-picture[data-drawn]", timeout=60_000)
        yield page


def drawn(page, change):
    """The numbers on the page, after *change* was drawn."""
    before = int(page.get_attribute("#play-picture", "data-drawn"))
    change()
    page.wait_for_selector(f"#play-picture[data-drawn='{before + 1}']", timeout=20_000)
    rows = page.locator("#play-numbers tr").all()
    return {
        row.locator("th").inner_text(): row.locator("td").inner_text() for row in rows
    }


def simulated(*typed):
    """What the command line finds."""
    command = [sys.executable, "-m", "aiolimiter", "simulate", *typed, "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)[0]


def test_the_page_says_what_the_command_line_says(page):
    """After a change of the limit, the numbers are those of the command line."""
    drawn(page, lambda: page.fill("[name=limit]", "window:100/60"))
    numbers = drawn(page, lambda: page.fill("[name=who]", "poisson:3/s"))
    found = simulated("window:100/60", "--arrivals", "poisson:3/s", "--for", "5m")

    assert numbers["admitted"] == str(found["admitted"])
    assert numbers["longest queue"] == str(found["queue"])
    assert float(numbers["p90"].removesuffix(" s")) == pytest.approx(
        found["p90"], rel=1e-3
    )
    assert page.inner_text("#play-line") == found["limit"]


def test_arrivals_can_be_clicked_in(page):
    """Who is clicked in comes, and goes through the limiter."""
    drawn(page, lambda: page.fill("[name=limit]", "100/60"))
    drawn(page, lambda: page.click("[data-clear]"))

    numbers = drawn(
        page, lambda: page.click("#play-picture", position={"x": 9, "y": 40})
    )
    again = drawn(page, lambda: page.locator("#play-picture").press("Enter"))

    assert (numbers["arrived"], again["arrived"]) == ("1", "2")


def test_what_is_no_limit_is_said(page):
    """A limit that can't be understood is named, and the picture stays."""
    page.fill("[name=limit]", "many")
    page.wait_for_function(
        "document.getElementById('play-status').textContent.startsWith('must be')"
    )

    assert "100/60" in page.inner_text("#play-status")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(page, width):
    """On a phone and on a desk the page does not scroll sideways."""
    page.set_viewport_size({"width": width, "height": 900})

    assert page.evaluate("document.documentElement.scrollWidth") <= width
