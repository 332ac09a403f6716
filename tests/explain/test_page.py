"""The page as text."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from edgelingua.budget import Budget
from edgelingua.compressors import load_compressor
from edgelingua.explain import page
from edgelingua.prompt import Prompt

from .cases import CASES, SPEECH, compressed


class Shown(HTMLParser):
    """The text of a page, all of it and only what is marked as kept."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.text = self.kept = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not {name for name, _ in attrs} & {"src", "href", "style", "onclick", "title"}
        if tag in ("main", "mark", "del"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("main", "mark", "del"):
            assert self.inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if "main" in self.inside:
            self.text += data
            self.kept += data if "mark" in self.inside else ""


@pytest.mark.parametrize("case", CASES)
def test_the_page_shows_the_whole_text_and_marks_what_was_kept(case: str) -> None:
    shown = Shown(page(compressed(case)))
    assert shown.text == compressed(case).prompt.text
    assert "".join(shown.kept.split()) == "".join(compressed(case).text.split())


def test_the_page_needs_nothing_else() -> None:
    html = page(compressed("plain"), "a <title>")
    assert '<h1 dir="auto">a &lt;title&gt;</h1>' in html
    assert "://" not in html
    assert html.count("<script") == html.count("<style") == 1


def test_a_long_prompt_makes_no_huge_page() -> None:
    prompt = Prompt.build("\n\n".join([SPEECH] * 2))
    html = page(load_compressor("random").compress(prompt, Budget(rate=0.5)))
    assert len(html) < 45 * len(prompt.text.split())
