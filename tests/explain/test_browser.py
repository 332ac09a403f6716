"""The page in a real browser: what eyes, fingers, keys and axe-core find."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edgelingua.explain import page
from edgelingua.explain.reasons import number, reasons_of
from tests.browsers import TELEPHONE, violations
from tests.conftest import TEXTS

from .cases import CASES, HOSTILE, compressed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SEEN = """() => {
    const it = document.activeElement, panel = document.querySelector("aside");
    const { outlineStyle, outlineWidth } = getComputedStyle(it);
    const { top, bottom } = it.getBoundingClientRect();
    const behind = !panel.hidden && !panel.contains(it);
    const floor = behind ? panel.getBoundingClientRect().top : innerHeight;
    return [outlineStyle, outlineWidth, top >= 0 && bottom <= floor];
}"""
"""The outline of what has the focus, and whether it can be seen."""

WHERE = """(word) => {
    const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    while (texts.nextNode() && !texts.currentNode.data.includes(word));
    const range = document.createRange();
    const at = texts.currentNode.data.indexOf(word);
    range.setStart(texts.currentNode, at);
    range.setEnd(texts.currentNode, at + word.length);
    texts.currentNode.parentElement.scrollIntoView({ block: "center" });
    const { x, y, width, height } = range.getClientRects()[0]; // a long one takes several lines
    return [x + width / 2, y + height / 2];
}"""
"""The middle of a word, or of its first line."""

JS_BLANKS = " \t\n\r\u2028\u00a0\ufeff"
"""White space to JavaScript's trim."""


Shows = Callable[..., "Page"]


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Shows]:
    """Shows the page of a case in a narrow window; it asks for nothing and complains of nothing."""
    contexts, asked, opened = [], [], []

    def open_page(case: str, title: str = "A title", **options: Any) -> Page:
        path = tmp_path / f"{case}.html"
        path.write_bytes(page(compressed(case), title).encode())
        contexts.append(browser.new_context(**{"viewport": TELEPHONE, **options}))
        shown = contexts[-1].new_page()
        shown.on("request", lambda request: asked.append(request.url))
        shown.on("console", lambda message: asked.append(message.text))
        shown.on("pageerror", lambda error: asked.append(error.message))
        opened.append(path.as_uri())
        shown.goto(opened[-1])
        return shown

    yield open_page
    for context in contexts:
        context.close()
    assert asked == opened


def focused(shown: Page) -> str:
    return str(shown.evaluate("document.activeElement.textContent.trim()"))


def told(shown: Page) -> str:
    return shown.get_by_role("status").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("case", CASES)
def test_axe_finds_nothing_to_mend(show: Shows, case: str, scheme: str) -> None:
    shown = show(case, color_scheme=scheme)
    assert violations(shown) == []
    shown.get_by_role("button").click()
    assert violations(shown) == []


def test_axe_would_find_it(show: Shows) -> None:
    shown = show("plain", bypass_csp=True)
    shown.add_style_tag(content="del { color: #aaa }")
    assert violations(shown) == ["color-contrast"]


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_wider_than_a_telephone(show: Shows, case: str) -> None:
    shown = show(case, "x" * 300, viewport={"width": 320, "height": 500})
    width = "document.documentElement.scrollWidth"
    assert shown.evaluate(width) == 320
    shown.get_by_role("button").click()
    assert shown.evaluate(width) == 320


def test_keys_reach_every_piece_its_score_and_its_reason(show: Shows) -> None:
    result = compressed("hostile")
    shown = show("hostile")
    shown.keyboard.press("Tab")
    assert focused(shown) == "Go through the pieces"
    shown.keyboard.press("Enter")
    pieces = groupby(
        zip(result.explain(), reasons_of(result), strict=True),
        # Those without a score that follow each other are one.
        lambda both: (
            number(both[0].score) or "none",
            both[1],
            both[0].start * bool(number(both[0].score)),
        ),
    )
    for (score, reason, _), rows in pieces:
        word = re.sub(r"\s+", " ", "".join(row.text for row, _ in rows).strip(JS_BLANKS))
        assert re.sub(r"\s+", " ", focused(shown)) == word
        assert f" scored {score}. " in told(shown) or score == "none"
        assert told(shown).endswith(f": {reason.why}.")
        shown.keyboard.press("ArrowRight")
    shown.keyboard.press("ArrowLeft")
    assert focused(shown) == result.explain()[-2].text.strip()


def test_buttons_do_it_too_and_the_end_is_where_it_began(show: Shows) -> None:
    shown = show("question")
    shown.keyboard.press("Tab")
    shown.keyboard.press("Enter")
    first = told(shown)
    for name in ("Previous", "Next", "Close"):
        shown.keyboard.press("Tab")
        assert focused(shown) == name
    shown.get_by_role("button", name="Next").click()
    assert told(shown) != first
    assert focused(shown) == "Next"
    shown.get_by_role("button", name="Previous").press("Enter")
    assert told(shown) == first
    shown.keyboard.press("Escape")
    assert focused(shown) == "Go through the pieces"
    assert shown.get_by_role("complementary").count() == 0
    assert shown.locator("#here").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_has_the_focus_is_seen(show: Shows, scheme: str) -> None:
    shown = show("plain", color_scheme=scheme)
    shown.keyboard.press("Tab")
    assert shown.evaluate(SEEN) == ["solid", "3px", True]
    shown.keyboard.press("Enter")
    for _ in range(120):  # beyond the end of the window
        shown.keyboard.press("ArrowRight")
    assert shown.evaluate("scrollY") > 0
    assert shown.evaluate(SEEN) == ["solid", "3px", True]
    shown.keyboard.press("Tab")
    assert shown.evaluate(SEEN) == ["solid", "3px", True]


def test_a_finger_reaches_any_piece(show: Shows) -> None:
    result = compressed("languages")
    shown = show("languages", has_touch=True, is_mobile=True)
    rows = [row for row in result.explain() if result.prompt.text.count(row.text.strip()) == 1]
    assert len(rows) > 100
    for row in rows[::9]:
        shown.touchscreen.tap(*shown.evaluate(WHERE, row.text.strip()))
        assert row.text.strip()[:60] in told(shown)


def test_the_arrows_follow_the_direction_of_the_text(show: Shows) -> None:
    shown = show("languages", has_touch=True)
    words = TEXTS["arabic"].split()
    shown.get_by_text(words[1]).last.tap()
    here = shown.locator("#here")
    before = here.bounding_box()
    shown.keyboard.press("ArrowLeft")
    after = here.bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] > before["y"] or after["x"] < before["x"]


def test_it_can_be_read_without_javascript(show: Shows) -> None:
    shown = show("question", java_script_enabled=False)
    assert shown.get_by_text("Where scripts may run").is_visible()
    assert shown.get_by_role("button").count() == 0
    assert shown.get_by_role("listitem").count() == len(set(reasons_of(compressed("question"))))
    assert shown.locator("main").text_content() == compressed("question").prompt.text


def test_text_that_means_harm_stays_text(show: Shows) -> None:
    shown = show("hostile", "a \0 \u202e</title><script>document.title = 'owned'</script>")
    assert shown.locator("main").text_content() == HOSTILE
    assert "owned" in shown.title()
    assert shown.title() != "owned"
    assert shown.locator("script, img").count() == 1
    shown.get_by_role("button").click()
    assert re.fullmatch(r"“.+” scored 0\.\d+\. (Kept|Left out): .+", told(shown))
