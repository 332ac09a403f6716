"""The server's page in a real browser: asking a text, the chat, what was saved, the key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.browsers import Opens, pages, shown, violations
from tests.conftest import DOCUMENT
from tests.server.conftest import NAME, Running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.llama

TEXT = DOCUMENT.read_text(encoding="utf-8")[:6000]
QUESTION = "Which city had a devastating fire?"


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opens]:
    with pages(browser) as open_page:
        yield lambda server, part="", **options: open_page(f"{server.url}/", part, **options)


def ask(page: Page, text: str = TEXT, question: str = QUESTION) -> None:
    page.get_by_role("textbox", name="Text").fill(text)
    page.get_by_role("textbox", name="Question").fill(question)
    page.get_by_role("button", name="Compress and ask").click()


def say(page: Page, line: str) -> str:
    """Say something in the chat; return what is said last, when it has been said."""
    from playwright.sync_api import expect

    page.get_by_role("textbox", name="Message").fill(line)
    page.keyboard.press("Enter")
    expect(page.locator("#chat .log > p").last).not_to_be_empty(timeout=90_000)
    expect(page.locator("#chat .stop")).to_be_hidden(timeout=90_000)
    return page.locator("#chat .log > p").last.inner_text()


def test_a_text_is_compressed_shown_and_asked(server: Running, opened: Opens) -> None:
    page = opened(server)
    ask(page)
    assert re.match(r"[\d,]+ tokens read, \d+ written\.", shown(page, ".read"))  # at the end
    assert "Boston" in shown(page, ".answer")
    saved = re.match(r"([\d,]+) tokens became ([\d,]+) in ", shown(page, ".saved"))
    assert saved
    before, after = (int(number.replace(",", "")) for number in saved.groups())
    assert after <= 0.2 * before
    assert page.locator(".body").text_content() == f"{TEXT}\n\n{QUESTION}"
    kept = "".join(page.locator(".body mark").all_text_contents())
    assert "Boston" in kept
    assert page.locator(".body del").count() > 10
    # Every piece tells its score and its reason, to the keyboard too.
    page.get_by_role("button", name="Go through the pieces").press("Enter")
    page.keyboard.press("ArrowRight")
    told = page.get_by_role("complementary").get_by_role("status").inner_text()
    assert re.fullmatch(r"“.+” scored [\d.]+\. (Kept|Left out): .+\.", told)
    page.keyboard.press("Escape")
    assert page.get_by_role("complementary").count() == 0
    # The slider compresses anew, and the answer that was to another text goes.
    page.get_by_role("slider").press("End")
    from playwright.sync_api import expect

    expect(page.locator(".saved")).to_contain_text("The cap of 512 tokens has room for no more.")
    expect(page.locator(".answer")).to_be_empty()


def test_text_that_means_harm_stays_text(server: Running, opened: Opens) -> None:
    page = opened(server)
    harm = "</div><img src=x onerror=\"document.title='owned'\"><script>alert(1)</script> " * 5
    ask(page, harm, "<b>What?</b>")
    shown(page, ".answer")
    assert page.locator(".body").text_content() == f"{harm}\n\n<b>What?</b>"
    assert page.locator("main img, main script, main b").count() == 0
    assert "owned" not in page.title()


def test_a_file_is_dropped(server: Running, opened: Opens) -> None:
    from playwright.sync_api import expect

    page = opened(server)
    page.locator("input[type=file]").set_input_files(DOCUMENT)
    text = DOCUMENT.read_text(encoding="utf-8")
    expect(page.get_by_role("textbox", name="Text")).to_have_value(text)
    transfer = page.evaluate_handle(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["dropped ☃"], "a.txt", { type: "text/plain" }));
            return data;
        }"""
    )
    page.dispatch_event("#text", "drop", {"dataTransfer": transfer})
    expect(page.get_by_role("textbox", name="Text")).to_have_value("dropped ☃")


def test_a_chat_goes_on_and_says_what_it_used(server: Running, opened: Opens) -> None:
    page = opened(server, "#chat")
    first = say(page, "My name is Ada. Say hello to me.")
    assert first
    assert say(page, "Thanks!")
    told = say(page, "/stats")
    assert re.search(rf"{NAME}, cap 512 tokens\nThis chat: 2 answers; \d+ tokens read in ", told)
    assert re.search(r"Server: memory: \d+ MB", told)
    assert "no such command" in say(page, "/nothing")
    page.get_by_role("button", name="New chat").click()
    assert "This chat: 0 answers" in say(page, "/stats")


def test_an_answer_is_stopped(server: Running, opened: Opens) -> None:
    from playwright.sync_api import expect

    page = opened(server, "#chat")
    page.get_by_role("textbox", name="Message").fill("Write a long story about a ship.")
    page.keyboard.press("Enter")
    shown(page, "#chat .log > p:last-child")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    assert page.get_by_role("alert").count() == 0


def test_a_message_ends_the_answer_before_it(server: Running, opened: Opens) -> None:
    from playwright.sync_api import expect

    page = opened(server, "#chat")
    asked: list[Any] = []
    page.on("request", lambda request: asked.append((request.post_data_json or {}).get("messages")))
    page.get_by_role("textbox", name="Message").fill("Write a long story about a ship.")
    page.keyboard.press("Enter")
    shown(page, "#chat .log > p:last-child")
    page.get_by_role("textbox", name="Message").fill("Write another one about a whale.")
    page.keyboard.press("Enter")
    expect(page.locator("#chat .log > p")).to_have_count(4)
    shown(page, "#chat .log > p:last-child")
    page.get_by_role("button", name="Stop").click()
    first = page.locator("#chat .log > p").nth(1).inner_text()
    last = [messages for messages in asked if messages][-1]
    assert [message["role"] for message in last] == ["user", "assistant", "user"]
    assert last[1]["content"].split() == first.split()


def test_the_slider_ends_the_answer(server: Running, opened: Opens) -> None:
    from playwright.sync_api import expect

    page = opened(server)
    ask(page, TEXT[:1500], "Write a long story about Boston.")
    shown(page, ".answer")
    page.get_by_role("slider").press("ArrowLeft")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    expect(page.locator(".answer")).to_be_empty()


def test_savings_are_the_servers(server: Running, opened: Opens) -> None:
    page = opened(server)
    ask(page, TEXT[:1500], "What happened in Boston?")
    shown(page, ".read")
    page.get_by_role("link", name="Savings").click()
    shown(page, "#savings .total")
    rows = httpx.get(f"{server.url}/v1/savings").json()["data"]
    assert [row["model"] for row in rows] == [NAME]
    assert rows[0]["compressions"] > 0
    saved = rows[0]["tokens_left_out"] + rows[0]["tokens_cached"]
    assert f"{saved:,} tokens did not have to be read" in shown(page, "#savings .total")
    cells = page.get_by_role("table").get_by_role("cell").all_inner_texts()
    assert cells[:4] == [
        NAME,
        *(f"{rows[0][n]:,}" for n in ("answers", "compressions", "tokens_left_out")),
    ]


def test_the_key_is_asked_for_and_kept_in_this_tab(
    started: Callable[..., Running], opened: Opens
) -> None:
    from playwright.sync_api import expect

    server = started("--cap", "256", "--api-key", "sesame")
    page = opened(server)
    for key in ("wrong", "sesame"):
        page.get_by_role("dialog").get_by_label("Key").fill(key)
        page.get_by_role("button", name="Use it").click()
    expect(page.get_by_label("Model")).to_have_value(NAME)
    assert page.evaluate("Object.entries({...sessionStorage})") == [["Authorization", "sesame"]]
    assert page.evaluate("localStorage.length + document.cookie.length") == 0
    page.reload()
    expect(page.get_by_label("Model")).to_have_value(NAME)
    page = opened(server)  # another tab
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert "Incorrect API key" in shown(page, "#error")


def test_what_goes_wrong_is_said(server: Running, opened: Opens) -> None:
    page = opened(server)
    page.route("**/v1/compress", lambda route: route.abort())
    ask(page)
    assert shown(page, "#error") == "The server cannot be reached."
    page.unroute("**/v1/compress")
    ask(page, "   ", QUESTION)
    from playwright.sync_api import expect

    expect(page.get_by_role("alert")).to_contain_text("nothing to compress")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_telephone(
    server: Running, opened: Opens, scheme: str
) -> None:
    width = "document.documentElement.scrollWidth"
    page = opened(server, color_scheme=scheme)
    ask(page, f"{TEXT[:900]} {'x' * 300}")
    shown(page, ".saved")
    page.get_by_text("Why", exact=True).click()
    page.get_by_role("button", name="Go through the pieces").click()
    assert (violations(page), page.evaluate(width)) == ([], 360)
    page.get_by_role("link", name="Chat").click()
    say(page, "/help")
    assert (violations(page), page.evaluate(width)) == ([], 360)
    page.get_by_role("link", name="Savings").click()
    shown(page, "#savings .total")
    assert (violations(page), page.evaluate(width)) == ([], 360)


def test_axe_would_find_it(server: Running, opened: Opens) -> None:
    page = opened(server, bypass_csp=True)
    page.add_style_tag(content="small { color: #aaa !important }")
    assert violations(page) == ["color-contrast"]


def test_keys_reach_all_of_it_and_are_seen(server: Running, opened: Opens) -> None:
    page = opened(server)
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
                const it = document.activeElement;
                const { outlineStyle, outlineWidth } = getComputedStyle(it);
                return [it.id || it.textContent.trim(), [outlineStyle, outlineWidth].join(" ")];
            }"""
        )
        reached.append(name)
        assert outline == "solid 3px"
    assert reached == [
        *("Ask a text", "Chat", "Savings", "model", "text", "Open a file…", "question", "rate"),
        "Compress and ask",
    ]


def test_files_forbid_what_they_do_not_need(server: Running) -> None:
    response = httpx.get(f"{server.url}/")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    files = set(re.findall(r'(?:href|src)="(/[^"]+)"', response.text))
    files |= {f"/page/{name}" for name in ("api.js", "ask.js", "chat.js", "pieces.js")}
    for file in files:
        response = httpx.get(server.url + file)
        assert response.status_code == 200
        assert not re.search(r"https?://(?!www\.w3\.org/)", response.text)
    for path in ("/page/", "/page/../__init__.py", "/page/__init__.py", "/page/%2e%2e/app.py"):
        assert httpx.get(server.url + path).status_code == 404
