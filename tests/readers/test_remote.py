"""Answers of our own server in another process: as those of the model here."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
import typer

from edgelingua.assistant import Assistant
from edgelingua.budget import Budget
from edgelingua.cli.run import run
from edgelingua.compressors import load_compressor
from edgelingua.errors import InputError, ModelNotFoundError, ReaderError
from edgelingua.llama.model import LlamaModel
from edgelingua.models import registry
from edgelingua.readers.remote import RemoteReader
from tests.conftest import DOCUMENT, TEXTS
from tests.other_server import other_server
from tests.readers.conftest import CELLS, KEY
from tests.server.conftest import NAME

TEXT = DOCUMENT.read_text(encoding="utf-8")[:3000]
QUESTION = "Which city had a devastating fire?"


@pytest.fixture(scope="module")
def remote(endpoint: str) -> RemoteReader:
    return RemoteReader(endpoint, api_key=KEY)


@pytest.fixture(scope="module")
def assistant(remote: RemoteReader) -> Assistant:
    return Assistant(load_compressor(count=remote.count), remote)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("EDGELINGUA_READER_KEY", KEY)
    return KEY


def test_it_counts_as_the_model_does(remote: RemoteReader, reader: LlamaModel) -> None:
    assert remote.model == NAME
    assert remote.window == CELLS
    assert remote.counted_in.endswith("/tokenize")
    for text in TEXTS.values():
        assert remote.count(text) == reader.count(text)


def test_it_answers_as_the_model_does(assistant: Assistant, reader: LlamaModel) -> None:
    budget = Budget(tokens=100)
    here = Assistant(load_compressor(count=reader.count), reader, cap=CELLS)
    ours = here.ask(TEXT, QUESTION, budget, max_tokens=12)
    pieces: list[str] = []
    theirs = assistant.ask(TEXT, QUESTION, budget, max_tokens=12, on_text=pieces.append)
    assert theirs.compressed.text == ours.compressed.text
    assert theirs.text == ours.text == "".join(pieces).strip()
    assert len(pieces) > 1
    assert theirs.prompt_tokens == ours.prompt_tokens
    assert theirs.answer_tokens == ours.answer_tokens
    assert theirs.complete == ours.complete
    assert list(theirs.milliseconds) == ["compress", "prefill", "generate"]
    with pytest.raises(InputError, match="its cache is not known here"):
        _ = theirs.cache


def test_without_a_budget_it_fills_the_context(assistant: Assistant) -> None:
    reply = assistant.ask(TEXT, QUESTION, max_tokens=4)
    assert CELLS - 64 - 60 < reply.prompt_tokens <= CELLS - 4


def test_cancelled_it_ends_and_the_next_is_answered(assistant: Assistant) -> None:
    text, budget = TEXTS["english"] * 3, Budget(tokens=100)
    stream = assistant.stream(text, "Tell a long story of it.", budget, max_tokens=100)
    next(stream)
    threading.Thread(target=stream.cancel).start()
    assert len(list(stream)) < 90
    assert not stream.reply.complete
    assert assistant.ask(text, "How much?", budget, max_tokens=3).answer_tokens == 3


def test_it_answers_where_an_event_loop_runs(assistant: Assistant) -> None:
    async def main() -> str:  # as in a notebook
        return assistant.ask(TEXTS["english"], "How much?", Budget(tokens=60), max_tokens=3).text

    assert asyncio.run(main())


def test_wrong_keys_and_models_are_told(endpoint: str) -> None:
    with pytest.raises(ReaderError, match="it wants a key"):
        RemoteReader(endpoint)
    with pytest.raises(ReaderError, match="it wants another key") as failed:
        RemoteReader(endpoint, api_key="wrong-key")
    assert "wrong-key" not in str(failed.value)
    wrong = RemoteReader(endpoint, "gpt-9", api_key=KEY)
    with pytest.raises(ReaderError, match=f"no model 'gpt-9' there; it has {NAME}"):
        Assistant(load_compressor("truncate"), wrong).ask("One two.", "Why?", Budget(tokens=9))


def test_run(endpoint: str, key: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    address, file = endpoint.removesuffix("/v1"), tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    run(QUESTION, str(file), reader=address, api_key=key, tokens=100, threads=1, max_tokens=12)
    out, errors = capsys.readouterr()
    assert out.strip()
    assert f"{NAME} at {endpoint}" in errors
    assert "cache" not in errors
    run(QUESTION, str(file), reader=address, api_key=key, tokens=60, threads=1, as_json=True,
        max_tokens=2)  # fmt: skip
    figures = json.loads(capsys.readouterr().out)["statistics"]
    assert figures["tokens_out"] <= 60
    assert figures["answer_tokens"] == 2
    assert "cap" not in figures
    for options in ({"cap": 100}, {"policy": "h2o"}, {"cache_keys": "q8_0"}, {"cap_mb": 9.0}):
        with pytest.raises(typer.BadParameter, match="an endpoint keeps its cache itself"):
            run(QUESTION, str(file), reader=address, **options)
    for options in ({"count": "x.json"}, {"seconds": 3.0}, {"reader_model": "x"}):
        with pytest.raises(typer.BadParameter, match="is for a reader at an address"):
            run(QUESTION, str(file), **options)


def test_the_key_is_in_no_output(endpoint: str, key: str) -> None:
    command = [sys.executable, "-m", "edgelingua", "--debug", "run", str(DOCUMENT)]
    options = ["--question", "Why?", "--reader", endpoint, "--reader-model", "x", "--tokens", "20"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no model 'x' there" in done.stderr
    assert key not in done.stderr + done.stdout


def test_what_needs_a_cache_of_ours_wants_a_reader_here() -> None:
    with pytest.raises(ModelNotFoundError, match="only `edgelingua run` and Assistant"):
        registry.find_reader("http://127.0.0.1:11434/v1")


@pytest.mark.long
def test_a_server_that_counts_nothing_and_does_not_say_its_context(
    gguf: Path, reader: LlamaModel
) -> None:
    """llama-cpp-python's own, with a named tokenizer, as Ollama and LM Studio are used."""
    with other_server(gguf) as url:
        remote = RemoteReader(url)
        assert remote.counted_in == "common readers, estimated"
        remote = RemoteReader(url, count=gguf)
        assert remote.window is None
        compressor = load_compressor(count=remote.count)
        stream = Assistant(compressor, remote).stream(TEXT, QUESTION, Budget(tokens=100))
        assert len(list(stream)) > 2
        assert stream.reply.text
        assert stream.reply.compressed.tokens_out == reader.count(stream.reply.compressed.text)


def test_the_endpoint_refuses_to_count_what_is_no_text(endpoint: str) -> None:
    def tokenize(body: object) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {KEY}"}
        url = endpoint.removesuffix("/v1") + "/tokenize"
        return httpx.post(url, json=body, headers=bearer, trust_env=False)

    assert len(tokenize({"content": "One two"}).json()["tokens"]) == 2
    for body in ({}, {"content": 3}, {"content": "a\0"}, {"content": "a", "special": True}, [1]):
        refused = tokenize(body)
        assert refused.status_code == 400
        assert "error" in refused.json()
