"""What an answer under a cap owes its asker: pins stay, memory is told, no commands come out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from edgelingua.assistant import Assistant
from edgelingua.budget import Budget
from edgelingua.cli.console import _show_warning, printable
from edgelingua.cli.run import run
from edgelingua.compressors import load_compressor
from edgelingua.errors import CapError
from edgelingua.kv.policies import Blocked, Random
from edgelingua.kv.session import Session
from edgelingua.llama.model import LlamaModel
from edgelingua.llama.vocabulary import Vocabulary
from edgelingua.prompt import Prompt
from tests.conftest import DOCUMENT


@pytest.mark.filterwarnings("ignore::edgelingua.errors.EvictionWarning")
def test_what_is_pinned_in_the_text_is_never_evicted(
    reader: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")[:2500]
    name = text[700:760]
    (segment,) = Prompt.build(text, pin=name).segments
    sessions: list[Session] = []
    opened = LlamaModel.session

    def watched(self: LlamaModel, *arguments: object, **options: object) -> Session:
        sessions.append(opened(self, *arguments, **options))  # type: ignore[arg-type]
        return sessions[-1]

    monkeypatch.setattr(LlamaModel, "session", watched)
    policy = Blocked(Random(recent=4), size=8)
    assistant = Assistant(load_compressor("truncate"), reader, cap=160, policy=policy)
    reply = assistant.ask(segment, "Why?", Budget(tokens=400), max_tokens=3)
    cells = sessions[-1].cells
    kept = b"".join(map(reader.token_bytes, cells.tokens.tolist())).decode(errors="replace")
    assert name in kept
    assert "Why?" in kept
    assert reply.cache.evicted > 200
    assert reply.memory.cache == pytest.approx(256 * 23040 / 1e6)
    assert cells.pinned.sum() < 120
    (whole,) = Prompt.build(text, pin=re.compile(r".{1200}", re.DOTALL)).segments
    with pytest.raises(CapError, match="tokens are pinned"):
        assistant.ask(whole, "Why?", Budget(tokens=700))


def test_an_answer_cannot_command_the_terminal(
    gguf: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def commands(_: Vocabulary, tokens: Iterator[int]) -> Iterator[str]:
        next(tokens)
        yield "a\x1b]0;mine\x07b\x1b[2J\x9bc\r\n"

    monkeypatch.setattr(Vocabulary, "stream_text", commands)
    run("Why?", str(DOCUMENT), method="truncate", tokens=60, cap=200, threads=1)
    out, errors = capsys.readouterr()
    assert out == "a]0;mineb[2Jc\n\n"
    assert "Python and the rest" in errors


def test_errors_and_warnings_cannot_either(capsys: pytest.CaptureFixture[str]) -> None:
    _show_warning("a template says \x1b[2J", UserWarning, "", 0)
    assert capsys.readouterr().err == "warning: a template says [2J\n"
    assert printable("é\t日本\x00\x7f\n") == "é\t日本\n"
