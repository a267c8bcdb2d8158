"""A real browser that reads the site as it was built, and asks nobody but us."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

SITE = Path(__file__).parents[2] / "site"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """A test run needs no access log."""


@contextmanager
def browsing() -> Generator[tuple[Browser, str]]:
    """Serve the site; give a browser, and where the site is."""
    handler = functools.partial(_Handler, directory=SITE)
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        sync_playwright() as playwright,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)
        try:
            yield browser, f"http://127.0.0.1:{server.server_port}"
        finally:
            browser.close()
            server.shutdown()
