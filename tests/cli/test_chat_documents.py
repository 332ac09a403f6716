"""Documents in the chat of the terminal: they wait for a message, and fit beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgelingua.chat import Chat
from edgelingua.cli import terminal
from edgelingua.cli.terminal import Terminal
from edgelingua.errors import BudgetError, CapError, InputError
from edgelingua.llama.model import LlamaModel
from edgelingua.scores import Progress
from tests.conftest import DOCUMENT

SYSTEM = "You are brief."
QUESTION = "Which city had a devastating fire?"


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def talk(reader: LlamaModel, shown: list[str]) -> Terminal:
    """A chat in 256 cells, whose replies are short."""
    return Terminal(Chat(reader, reader.session(256), SYSTEM), None, 4, shown.append)


@pytest.fixture
def grant(tmp_path: Path) -> Path:
    path = tmp_path / "grant.txt"
    path.write_text(DOCUMENT.read_text(encoding="utf-8")[:6000], encoding="utf-8")
    return path


def asked(talk: Terminal) -> str:
    """What the last turn said, the document in it."""
    role, text = talk.chat.messages[-2]
    assert role == "user"
    return text


def test_a_document_is_compressed_for_its_message_and_both_fit(
    talk: Terminal, grant: Path, shown: list[str]
) -> None:
    for before in range(1, 4):  # the cache fills up
        talk._handle(f"/compress {grant}")
        assert talk.chat.turns == before - 1
        talk._handle(QUESTION)
        text = asked(talk)
        assert text.endswith(f"\n\n{QUESTION}")
        assert text.count(QUESTION) == 1
        assert talk.chat.reader.count(text) + 4 <= 256 - talk.chat.reader.count(SYSTEM)
    assert not any("the cap holds" in line for line in shown)


def test_what_the_cap_leaves_is_never_evicted_for_the_first_document(
    talk: Terminal, grant: Path
) -> None:
    room = talk.chat.room
    talk._handle(f"/compress {grant}")
    talk._handle(QUESTION)
    statistics = talk.chat.session.statistics
    assert statistics.evicted == 0
    # The room was used: what is left of it is the reply's, and what no further unit fits in.
    assert talk.chat.reader.count(asked(talk)) > room - 4 - 20


def test_several_files_stand_in_the_order_they_were_named(
    talk: Terminal, tmp_path: Path, shown: list[str]
) -> None:
    for name in ("the first", "second"):
        (tmp_path / name).write_text(f"This is {name}.")
    talk._handle(f"/compress {tmp_path / 'the first'} {tmp_path / 'second'} 100")
    assert shown[-1].endswith("33 characters: the next message is about them")
    talk._handle("What is this?")
    assert asked(talk) == "This is the first.\n\nThis is second.\n\nWhat is this?"


def test_a_number_beyond_the_cap_is_obeyed_but_not_silently(
    talk: Terminal, grant: Path, shown: list[str]
) -> None:
    talk._handle(f"/compress {grant} 400")
    talk._handle(QUESTION)
    told = next(line for line in shown if "became" in line)
    assert "of which the cap holds" in told
    assert talk.chat.session.statistics.peak <= 256
    assert talk.chat.session.statistics.evicted > 0


def test_an_interrupt_while_compressing_keeps_the_document(
    talk: Terminal, grant: Path, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def interrupted(what: str) -> Iterator[Progress]:
        def progress(done: int, total: int) -> None:
            raise KeyboardInterrupt

        yield progress

    lines = iter([f"/compress {grant}", QUESTION])
    with monkeypatch.context() as patch:
        patch.setattr(terminal, "_lines", lambda: lines)
        patch.setattr(terminal, "progress", interrupted)
        talk.run()
    assert shown[-1] == f"\ninterrupted; {grant} still waits"
    assert talk.chat.turns == 0
    talk._handle(QUESTION)
    assert asked(talk).endswith(QUESTION)
    assert talk.documents is None


def test_errors_come_at_once_and_what_waited_goes_on_waiting(
    talk: Terminal, grant: Path, tmp_path: Path, shown: list[str]
) -> None:
    (tmp_path / "blank").write_text(" \n")
    talk._handle(f"/compress {grant}")
    waiting = talk.documents
    for name, error in ((tmp_path / "blank", InputError), (f"{grant} 0", BudgetError)):
        with pytest.raises(error):
            talk._handle(f"/compress {name}")
    with pytest.raises(InputError, match="stdin"):
        talk._handle("/compress -")
    with pytest.raises(CapError, match=r"no room for .*grant\.txt"):
        talk._handle("word " * 250)
    assert talk.documents is waiting
    talk._handle("/compress")
    assert talk.documents is None
    assert shown[-1] == f"the next message is not about {grant} any more"
