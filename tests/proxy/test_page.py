"""The proxy's page in a real browser, in front of a server that answers what is written here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browsers import Opens, pages, shown, violations
from tests.proxy.client import CLIENT
from tests.proxy.conftest import LOG, Scripted, completion

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Proxy = Callable[..., str]
QUESTION = "Why did worker-3 fail?"


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opens]:
    with pages(browser) as open_page:
        yield lambda url, part="", **options: open_page(f"{url}/", f"edgelingua{part}", **options)


@pytest.fixture
def writing(upstream: Scripted) -> Scripted:
    """A server with two models, which streams an answer to those who have its key."""
    from starlette.responses import JSONResponse, Response, StreamingResponse

    def chunk(delta: dict[str, Any], **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        data = completion("") | {"object": "chat.completion.chunk", "choices": [choice], **more}
        return f"data: {json.dumps(data)}\n\n".encode()

    async def reply(http: Any, body: bytes) -> Response:
        if http.headers.get("authorization") != "Bearer sk-theirs":
            return JSONResponse({"error": {"message": "Who are you?"}}, 401)
        if http.url.path == "/v1/models":
            return JSONResponse({"object": "list", "data": [{"id": "small"}, {"id": "large"}]})
        usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
        parts = [chunk({"role": "assistant", "content": "It was "}), chunk({"content": "db7."})]
        parts += [chunk({}, choices=[], usage=usage), b"data: [DONE]\n\n"]
        return StreamingResponse(iter(parts), media_type="text/event-stream")

    upstream.reply = reply
    return upstream


def enter(page: Page, key: str) -> None:
    page.get_by_role("dialog").get_by_label("Key").fill(key)
    page.get_by_role("button", name="Use it").click()


def test_a_text_is_asked_through_the_proxy_with_two_keys(
    writing: Scripted, proxy: Proxy, opened: Opens, tmp_path: Path
) -> None:
    url = proxy(api_key="sesame", folder=tmp_path / "state")
    page = opened(url)
    page.get_by_text("This proxy wants a key").wait_for()
    assert violations(page) == []
    enter(page, "sesame")
    page.get_by_text("The server wants a key").wait_for()
    enter(page, "sk-theirs")
    page.get_by_label("Model").select_option("large")
    page.get_by_role("textbox", name="Text").fill(LOG)
    page.get_by_role("textbox", name="Question").fill(QUESTION)
    page.get_by_role("button", name="Compress and ask").click()
    assert shown(page, ".read") == "9 tokens read, 2 written."
    assert shown(page, ".answer") == "It was db7."
    asked = json.loads(writing.sent[-1][2])
    assert asked["model"] == "large"
    assert asked["messages"][0]["content"].endswith(f"\n\n{QUESTION}")
    assert len(asked["messages"][0]["content"]) < 0.5 * len(LOG)
    assert not any("sesame" in str(headers) for _, headers, _ in writing.sent)
    page.get_by_role("link", name="Savings").click()
    shown(page, "#savings .total")
    (row,) = CLIENT.get(url + "/v1/savings", headers={"x-edgelingua-key": "sesame"}).json()["data"]
    assert (row["model"], row["answers"], row["compressions"]) == ("large", 1, 1)
    assert row["tokens_left_out"] > 100
    assert row["seconds_saved"] is None  # how fast others read is not known here
    assert (tmp_path / "state" / "savings.sqlite").exists()


def test_the_upstreams_own_page_stays_and_wants_the_key(upstream: Scripted, proxy: Proxy) -> None:
    assert CLIENT.get(proxy() + "/").json()["object"] == "chat.completion"
    url = proxy(api_key="sesame")
    assert CLIENT.get(url + "/edgelingua/page/api.js").status_code == 200
    for path in ("/", "/page/api.js", "/v1/savings", "/edgelingua/other"):
        response = CLIENT.get(url + path)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "x-edgelingua-key"
    own = {"x-edgelingua-key": "sesame"}
    for origin, status in ((url, 200), ("http://evil.example", 403), ("http://[", 403)):
        asked = {"text": LOG, "question": QUESTION, "rate": 0.5}
        answer = CLIENT.post(url + "/v1/compress", json=asked, headers=own | {"Origin": origin})
        assert answer.status_code == status
