"""More is read where the reader is unsure: in one session, nothing twice, within the cap."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.assistant import Assistant, Reply
from edgelingua.budget import Budget
from edgelingua.cli.run import run
from edgelingua.compressors import load_compressor
from edgelingua.errors import InputError, ReaderError
from edgelingua.kv.session import Session
from edgelingua.llama.model import LlamaModel
from edgelingua.prompt import SEPARATOR
from edgelingua.readers.escalation import Escalation
from edgelingua.readers.remote import RemoteReader
from edgelingua.selection.rest import LEAD_IN
from tests import tiny_gguf
from tests.conftest import DOCUMENT, TEXTS
from tests.readers.conftest import CELLS, KEY, Broken, events

TEXT = DOCUMENT.read_text(encoding="utf-8")[:1500]
QUESTION = "Which city had a devastating fire?"
HARBOUR = (
    "The harbour of Hull was dug in 1778. Its walls are of stone. Tom has a red boat there, which "
    "lies beside the crane.\n\nThe crane was built by Armstrong. It lifts ten tons. In winter "
    "nobody works it. Mary keeps the keys of the crane in a tin, and the tin in her kitchen."
)
WHOSE = "Whose boat is red?"
ALWAYS = Escalation(doubt=0.0)
NEVER = Escalation(doubt=0.999999)


class Watched:
    """A reader whose last session is there to be looked at."""

    def __init__(self, model: LlamaModel, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sessions: list[Session] = []
        opened = LlamaModel.session

        def session(own: LlamaModel, *arguments: Any, **options: Any) -> Session:
            self.sessions.append(opened(own, *arguments, **options))
            return self.sessions[-1]

        monkeypatch.setattr(LlamaModel, "session", session)
        self.model = model

    def text(self) -> str:
        """What the cells of the last session stand for."""
        tokens = self.sessions[-1].cells.tokens.tolist()
        return b"".join(map(self.model.token_bytes, tokens)).decode(errors="replace")


def ask(
    model: LlamaModel, escalate: Escalation | bool, cap: int, tokens: int, **more: Any
) -> Reply:
    assistant = Assistant(load_compressor("bm25", count=model.count), model, cap=cap)
    budget = Budget(tokens=tokens)
    return assistant.ask(TEXT, QUESTION, budget, escalate=escalate, max_tokens=4, **more)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A tiny reader of bytes, with layers that have a sliding window."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    model = LlamaModel(tiny_gguf.write_gemma(path, chat=True), threads=1)
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Watched(model, monkeypatch)


def harbour(model: LlamaModel, escalation: Escalation, cap: int, tokens: int) -> Reply:
    compressor = load_compressor("bm25", count=model.count)
    assistant = Assistant(compressor, model, cap=cap, system="")
    return assistant.ask(HARBOUR, WHOSE, Budget(tokens=tokens), escalate=escalation, max_tokens=4)


@settings(max_examples=15)
@given(st.integers(230, 500), st.integers(30, 120), st.floats(1.2, 4))
def test_nothing_is_read_twice_and_the_cap_holds(
    watched: Watched, cap: int, tokens: int, growth: float
) -> None:
    reply = harbour(watched.model, Escalation(doubt=0.0, growth=growth), cap, tokens)
    session = watched.sessions[-1]
    assert reply.cache.peak <= cap
    assert reply.cache.evicted == 0
    assert np.array_equal(session.cells.positions, np.arange(len(session.cells)))
    text = watched.text()
    assert text.count(WHOSE) == 1
    first, *steps = text.partition(WHOSE)[0].split(LEAD_IN)
    assert len(steps) == reply.escalations > 0
    read = reply.compressed.text.removesuffix(WHOSE)
    for word in ("Hull", "1778", "walls", "Tom", "Armstrong", "winter", "Mary", "keys", "kitchen"):
        assert (word in first) + sum(word in step for step in steps) == (word in read) <= 1
    in_all = reply.prompt_tokens + reply.answer_tokens
    again = len(WHOSE.encode()) + 40  # the question, the template and the answer
    assert in_all <= len(session.cells) + again * reply.escalations


def test_it_goes_on_as_if_all_had_been_read_at_once(watched: Watched) -> None:
    reply = harbour(watched.model, ALWAYS, 480, 60)
    session = watched.sessions[-1]
    assert reply.escalations > 1
    fresh = watched.model.session(480)
    fresh.feed(session.cells.tokens)
    assert np.abs(session.logits() - fresh.logits()).max() < 0.05 * np.ptp(fresh.logits())


def test_without_doubt_nothing_changes(reader: LlamaModel) -> None:
    pieces: dict[bool, list[str]] = {True: [], False: []}
    sure, plain = (
        ask(reader, NEVER if on else False, 400, 80, on_text=pieces[on].append)
        for on in (True, False)
    )
    assert sure.text == plain.text
    assert pieces[True] == pieces[False]
    assert np.array_equal(sure.compressed.spans, plain.compressed.spans)
    assert sure.compressed.tokens_out == plain.compressed.tokens_out
    assert sure.cache == plain.cache
    assert (sure.prompt_tokens, sure.answer_tokens) == (plain.prompt_tokens, plain.answer_tokens)
    assert sure.escalations == plain.escalations == 0
    assert sure.doubt is not None
    assert plain.doubt is None


def test_only_the_answer_that_stays_is_shown(reader: LlamaModel) -> None:
    pieces: list[str] = []
    reply = ask(reader, ALWAYS, 260, 60, on_text=pieces.append)
    assert "".join(pieces).strip() == reply.text
    assert reply.answer_tokens > 4  # those of all answers
    assert reply.compressed.recover(reply.text)


def test_a_text_that_is_read_to_its_end(reader: LlamaModel) -> None:
    assistant = Assistant(load_compressor("bm25", count=reader.count), reader, cap=400)
    text = TEXTS["english"] + " " + TEXTS["german"]
    reply = assistant.ask(text, "How much?", escalate=ALWAYS, max_tokens=2)
    assert reply.escalations >= 1
    assert reply.compressed.text == text + SEPARATOR + "How much?"
    limited = Escalation(doubt=0.0, tokens=30)
    assert assistant.ask(text, "How much?", escalate=limited).compressed.tokens_out <= 30


def test_what_cannot_work_is_told(reader: LlamaModel) -> None:
    for wrong in ({"doubt": 1.0}, {"doubt": float("nan")}, {"growth": 1.0}, {"tokens": 0}):
        with pytest.raises(InputError, match=r"a doubt of|a growth of|up to 0 tokens"):
            Escalation(**wrong)
    with pytest.raises(InputError, match="nothing more can be: lower the budget"):
        ask(reader, True, 300, 290)
    with pytest.raises(InputError, match="expected True, False or an Escalation"):
        ask(reader, "yes", 300, 50)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="run edgelingua bench"):
        Assistant(load_compressor("bm25"), reader).ask(
            TEXT, QUESTION, Budget(rate="auto"), escalate=True
        )
    # A budget that holds the whole text leaves nothing to read, and that is well.
    assistant = Assistant(load_compressor("bm25", count=reader.count), reader, cap=300)
    assert assistant.ask("One.", "Why?", Budget(tokens=250), escalate=True).escalations == 0


def test_an_endpoint_answers_as_the_model_does(endpoint: str, reader: LlamaModel) -> None:
    remote = RemoteReader(endpoint, api_key=KEY)
    theirs, ours = (
        Assistant(load_compressor("bm25", count=reader.count), one, cap=cap).ask(
            TEXT, QUESTION, Budget(tokens=50), escalate=Escalation(0.0, tokens=120), max_tokens=8
        )
        for one, cap in ((remote, None), (reader, CELLS))
    )
    assert theirs.compressed.text == ours.compressed.text
    assert theirs.escalations == ours.escalations > 0
    assert theirs.text == ours.text
    assert theirs.doubt == pytest.approx(ours.doubt, abs=0.02)


def test_an_endpoint_that_tells_no_likelihoods(broken: Broken) -> None:
    said = {"choices": [{"delta": {"content": "Tom"}}]}
    stop = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    broken.says["/chat/completions"] = events(said, stop)
    assistant = Assistant(load_compressor("truncate"), RemoteReader(broken.url, count=len))
    with pytest.raises(ReaderError, match="does not tell how likely the tokens"):
        assistant.ask(TEXT, "Whose?", Budget(tokens=120), escalate=True, max_tokens=10)
    likely = {"content": [{"token": "Tom", "logprob": -0.1}, {"logprob": "x"}, 7]}
    broken.says["/chat/completions"] = events(
        {"choices": [{"delta": {"content": "Tom"}, "logprobs": likely}]}, stop
    )
    reply = assistant.ask(TEXT, "Whose?", Budget(tokens=120), escalate=True, max_tokens=10)
    assert reply.doubt == pytest.approx(1 - np.exp(-0.1))
    assert reply.escalations == 0
    asked = json.loads(broken.asked[-1].partition(b"\r\n\r\n")[2])
    assert asked["logprobs"] is True


def test_run(gguf: object, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"tokens": 60, "cap": 200, "threads": 1, "max_tokens": 3, "method": "bm25"}
    run(QUESTION, str(DOCUMENT), escalate=True, doubt=0.0, **options)  # type: ignore[arg-type]
    assert "more was read" in capsys.readouterr().err
    run(QUESTION, str(DOCUMENT), escalate=True, doubt=0.99, as_json=True, **options)  # type: ignore[arg-type]
    figures = json.loads(capsys.readouterr().out)["statistics"]
    assert 0 <= figures["doubt"] <= 1
    assert figures["escalations"] >= 0
    for wrong in ({"doubt": 0.5}, {"escalate": True, "doubt": 1.5}):
        with pytest.raises(typer.BadParameter, match=r"for --escalate|expected 0 or more"):
            run(QUESTION, str(DOCUMENT), **wrong, **options)  # type: ignore[arg-type]
