"""The browser in which pages are tested, and what axe-core finds in them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium or Chrome of this machine, else that of ``playwright install chromium``."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        _no_browser("playwright is not installed; the extra 'dev' brings it")
    names = ("chromium", "chromium-browser", "google-chrome")
    installed = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=installed)
        except Error:
            _no_browser("no Chromium or Chrome starts; Debian has one in its package chromium")
        yield started
        started.close()


def _no_browser(reason: str) -> NoReturn:
    if os.environ.get("EDGELINGUA_BROWSER") == "required":  # as in CI
        pytest.fail(reason)
    pytest.skip(reason)


Opens = Callable[..., "Page"]

TELEPHONE = {"width": 360, "height": 640}

_KNOWN = (
    "requires 'TrustedScript'",  # what tests evaluate
    *("401 (Unauthorized)", "400 (Bad Request)", "ERR_FAILED"),  # errors that are meant
)


@contextmanager
def pages(browser: Browser) -> Iterator[Opens]:
    """Open pages of servers; they ask nobody else for anything and complain of nothing."""
    contexts, urls, asked, complaints = [], [], [], []

    def open_page(url: str, part: str = "", **options: Any) -> Page:
        contexts.append(browser.new_context(**{"viewport": TELEPHONE, **options}))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(error.message))
        urls.append(url)
        page.goto(url + part)
        return page

    try:
        yield open_page
    finally:
        for context in contexts:
            context.close()
    assert [c for c in complaints if not any(known in c for known in _KNOWN)] == []
    assert [url for url in asked if not url.startswith(tuple(urls))] == []


def shown(page: Page, selector: str) -> str:
    """Return the text of an element, when it has one."""
    from playwright.sync_api import expect

    expect(page.locator(selector)).not_to_be_empty(timeout=90_000)
    return page.locator(selector).inner_text()


def violations(shown: Page) -> list[str]:
    """Return what axe-core finds to mend in a page as it is now."""
    from axe_playwright_python.sync_playwright import Axe

    return [found["id"] for found in Axe().run(shown).response["violations"]]
