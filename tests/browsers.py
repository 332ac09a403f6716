"""The browser in which pages are tested, and what axe-core finds in them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

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


def violations(shown: Page) -> list[str]:
    """Return what axe-core finds to mend in a page as it is now."""
    from axe_playwright_python.sync_playwright import Axe

    return [found["id"] for found in Axe().run(shown).response["violations"]]
