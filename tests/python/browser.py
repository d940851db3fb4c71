"""A page in the Chromium of the machine, for tests that use it as people do."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def opened(html: str, *, is_quiet: bool = True, **context: object) -> Iterator[Any]:
    """Open a text as a page; what a quiet one says in the console, or fetches, fails the test."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is for Python 3.11 and newer")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (make system-tools)")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            page = browser.new_context(**context).new_page()
            complaints: list[str] = []
            page.on("console", lambda said: complaints.append(said.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda asked: complaints.extend(url for url in [asked.url] if url.startswith("http")))
            # As it is opened from a disk or a mail: with no server that could say anything of its policy.
            page.set_content(html, wait_until="load")
            yield page
            assert complaints == [] or not is_quiet
        finally:
            browser.close()
