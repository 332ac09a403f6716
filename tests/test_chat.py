"""Chats of many turns: the template stays intact, what is cached is not read again."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgelingua.alignment import token_importance
from edgelingua.budget import Budget
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.chat import Chat
from edgelingua.cli.console import printable
from edgelingua.cli.documents import Documents
from edgelingua.cli.terminal import Terminal
from edgelingua.compressors import load_compressor
from edgelingua.errors import CapError, InputError, ReaderError, StateError
from edgelingua.kv.engine import Heard
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import (
    DEFAULT_POLICY,
    POLICIES,
    Chunked,
    Compressor,
    KeyDiff,
    KNorm,
    load_policy,
    name_of,
)
from edgelingua.llama.model import LlamaModel, Sampling
from edgelingua.prompt import Prompt
from tests.conftest import DOCUMENT

SYSTEM = "You are brief."


def seen(chat: Chat) -> str:
    """What the model still sees, control tokens written out."""
    tokens = chat.session.cells.tokens.tolist()
    marks = ("<|im_start|>", "<|im_end|>")
    named = {int(chat.reader.tokenize(mark, special=True)[0]): mark.encode() for mark in marks}
    pieces = [named.get(token) or chat.reader.token_bytes(token) for token in tokens]
    return b"".join(pieces).decode(errors="replace")


def assert_intact(chat: Chat) -> None:
    """Turns of alternating roles behind the system prompt, each opened and closed."""
    turn = r"<\|im_start\|>(system|user|assistant)\n((?:(?!<\|im_)[\s\S])*)"
    text = seen(chat)
    assert re.fullmatch(rf"({turn}<\|im_end\|>\n)*{turn}", text), text
    roles = re.findall(r"<\|im_start\|>(\w+)\n", text)
    assert roles[0] == "system"
    assert roles[1::2] == ["user"] * len(roles[1::2])
    assert roles[2::2] == ["assistant"] * len(roles[2::2])
    assert text.startswith(f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n")


@pytest.mark.parametrize("name", ["streaming", "keydiff", "h2o"])
def test_the_template_stays_intact_over_many_turns(name: str, reader: LlamaModel) -> None:
    chat = Chat(reader, reader.session(110, load_policy(name)), SYSTEM, Sampling(temperature=1.0))
    for number in range(9):
        question = f"Number {number}: what is {number} plus {number + 1}?"
        reply = chat.say(question, limit=8)
        assert chat.session.statistics.peak <= 110
        assert reply.read < 60, "what was cached was read again"
        assert f"user\n{question}<|im_end|>\n<|im_start|>assistant\n" in seen(chat)
        assert_intact(chat)
    assert chat.session.statistics.evicted > 40
    assert chat.turns == 9
    assert 3 <= len(chat.messages) < 19, "what nothing is left of is forgotten"
    assert all(question in seen(chat) for role, question in chat.messages[-2:] if role == "user")


def test_with_room_for_everything_the_cache_is_the_whole_chat(reader: LlamaModel) -> None:
    """As if the template had been applied to all messages at once; replies are what was drawn."""
    chat = Chat(reader, reader.session(512), SYSTEM)
    for question in ("Hello!", "What is 2 plus 2?", "Why?"):
        chat.say(question, limit=12)
    text = seen(chat)
    expected = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n"
    for (_, question), (_, reply) in zip(chat.messages[1::2], chat.messages[2::2], strict=True):
        expected += f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n{reply}"
        expected += "<|im_end|>\n"
    assert text == expected.removesuffix("<|im_end|>\n")
    assert chat.session.statistics.evicted == 0


def test_a_turn_that_does_not_fit_is_refused_and_the_chat_goes_on(reader: LlamaModel) -> None:
    chat = Chat(reader, reader.session(96), SYSTEM)
    chat.say("Hello!", limit=5)
    before = chat.session.cells.tokens.tolist()
    with pytest.raises(CapError, match="this turn does not fit"):
        chat.say("word " * 120)
    assert chat.session.cells.tokens.tolist() == before
    with pytest.raises(InputError, match="nothing was said"):
        chat.say(" \n")
    chat.say("Still there?", limit=5)
    assert [role for role, _ in chat.messages] == ["system", *["user", "assistant"] * 2]
    assert_intact(chat)


def test_a_document_may_be_larger_than_the_cap(reader: LlamaModel) -> None:
    chat = Chat(reader, reader.session(128), SYSTEM)
    document = DOCUMENT.read_text(encoding="utf-8")[:2000]
    reply = chat.say("Who arbitrated?", document, limit=5)
    assert reply.read > 300
    assert "Who arbitrated?<|im_end|>" in seen(chat)
    assert_intact(chat)


def test_the_compressors_scores_decide_what_of_a_document_stays(
    reader: LlamaModel,
) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")[:1500]
    compressed = load_compressor("random").compress(
        Prompt.build(text), Budget(rate=0.9, count=reader.count)
    )
    tokens = reader.tokenize(compressed.text)
    pieces = reader.pieces(tokens)
    importance = token_importance(compressed, pieces)
    at = compressed.text.index("fire") if "fire" in compressed.text else 40
    starts = np.cumsum([0, *map(len, pieces)])
    token = int(np.searchsorted(starts, len(compressed.text[:at].encode()), side="right")) - 1
    origin = np.concatenate([np.arange(a, b) for a, b in compressed.spans.tolist()])[at]
    unit = int(np.searchsorted(compressed.units[:, 0], origin, side="right")) - 1
    assert importance[token] >= compressed.scores[unit]
    chat = Chat(reader, reader.session(160, Compressor()), SYSTEM)
    chat.say("Why?", compressed, limit=3)
    kept = chat.session.cells.importance
    assert np.nanmedian(kept[np.isfinite(kept)]) > np.nanmedian(importance[np.isfinite(importance)])
    assert_intact(chat)


def test_what_is_pinned_stays_until_it_has_been_answered(reader: LlamaModel) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")[:2000]
    name = text[600:640]
    prompt = Prompt.build(text, pin=name)
    compressed = load_compressor("random").compress(prompt, Budget(rate=0.9, count=reader.count))
    chat = Chat(reader, reader.session(160), SYSTEM)
    chat.say("Why?", compressed, limit=3)
    assert name in seen(chat)
    assert chat.session.statistics.evicted > 100
    chat.say("Thanks.", limit=3)
    for number in range(9):
        chat.say(f"And {number}?", limit=3)
    assert name not in seen(chat)
    assert_intact(chat)


def test_a_chat_is_saved_and_taken_up_again(reader: LlamaModel, tmp_path: Path) -> None:
    path = tmp_path / "chat.session"
    chat = Chat(reader, reader.session(128, KeyDiff()), SYSTEM, Sampling(temperature=0.8, seed=4))
    for number in range(4):
        chat.say(f"Tell me about the number {number}.", limit=10)
    chat.save(path)
    again = Chat.load(reader, path)
    assert again.messages == chat.messages
    assert again.sampling == chat.sampling
    assert seen(again) == seen(chat)
    reply = again.say("And then?", limit=6)
    assert reply.tokens
    assert_intact(again)
    session = reader.session(64)
    session.feed(reader.tokenize("no chat at all"))
    session.save(path)
    with pytest.raises(StateError, match="but no chat"):
        Chat.load(reader, path)


def test_an_interrupt_ends_the_reply_and_not_the_chat(reader: LlamaModel) -> None:
    chat = Chat(reader, reader.session(128), SYSTEM)
    pieces: list[str] = []

    def interrupt(piece: str) -> None:
        pieces.append(piece)
        if len(pieces) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        chat.say("Tell me a story.", on_text=interrupt)
    assert chat.messages[-1] == ("assistant", "".join(pieces))
    chat.say("Go on.", limit=5)
    assert_intact(chat)


@pytest.mark.parametrize("turns", [0, 1, 3])
@pytest.mark.parametrize("failure", [KeyboardInterrupt, ReaderError])
def test_a_turn_whose_reading_was_cut_off_was_never_said(
    turns: int, failure: type[BaseException], reader: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = reader.session(128, cache=CacheOptions(chunk=16))
    chat = Chat(reader, session, SYSTEM)
    for number in range(turns):
        chat.say(f"What is {number}?", limit=4)
    before = seen(chat)
    messages = list(chat.messages)
    decode = session.engine.decode
    chunks = []

    def cut_off(*arguments: Any) -> Heard:
        chunks.append(arguments)
        if len(chunks) == 2:
            raise failure("cut off")
        return decode(*arguments)

    monkeypatch.setattr(session.engine, "decode", cut_off)
    with pytest.raises(failure, match="cut off"):
        chat.say("Tell me a long story about a very small dog that could not find its house.")
    assert len(chunks) == 2
    assert (seen(chat), chat.messages) == (before, messages)
    for number in range(3):
        chat.say(f"Go on, {number}.", limit=4)
        assert_intact(chat)
    assert session.statistics.peak <= 128


def test_a_long_system_prompt_leaves_the_turns_before(reader: LlamaModel) -> None:
    chat = Chat(reader, reader.session(200), "Be brief and be kind, always. " * 16)
    assert reader.count(chat.messages[0][1]) > 100
    for number in range(3):
        chat.say(f"My number is {number}.", limit=3)
    assert "My number is 0." in seen(chat)
    assert "My number is 1." in seen(chat)


def test_a_turn_that_cannot_fit_costs_no_other_turn(reader: LlamaModel) -> None:
    chat = Chat(reader, reader.session(128), SYSTEM)
    for number in range(3):
        chat.say(f"My number is {number}.", limit=4)
    before = seen(chat)
    with pytest.raises(CapError, match="this turn does not fit"):
        chat.say("word " * 200)
    assert seen(chat) == before
    chat.say("Which numbers?" + " And why?" * 20, limit=4)  # fits without the oldest
    assert "My number is 0." not in seen(chat)
    assert_intact(chat)


def chat_command(*arguments: str | Path, lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgelingua", "chat", "--threads", "1", *map(str, arguments)],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_chat_in_a_pipe(scorer_bundle: ModelBundle, tmp_path: Path, gguf: Path) -> None:
    document = tmp_path / "document.txt"
    document.write_text(DOCUMENT.read_text(encoding="utf-8")[:1200], encoding="utf-8")
    saved = tmp_path / "chat.session"
    done = chat_command(
        "--cap", "160", "--policy", "compressor", "--block", "8", "--smooth", "4",
        "--max-tokens", "6", "--cache-keys", "q8_0", "--model", scorer_bundle.folder,
        lines=f"""Hello!
/compress {document} 60
What is this about?
/stats
/nonsense
/compress {tmp_path / "none.txt"}
/save
/save {saved}
/help
/exit
never said
""",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 2
    for expected in (
        "document.txt, 1,200 characters: the next message is about it",
        "of 160 cells at most, ",
        "policy  compressor, smooth 4, block 8",
        "memory  weights ",
        "error: no command /nonsense; /help lists them",
        "none.txt: cannot be read",
        "which file?",
        f"saved to {saved}",
        "/compress FILE",
    ):
        assert expected in done.stderr, done.stderr
    became = re.search(r"(\d+) tokens became (\d+)\n", done.stderr)
    assert became, done.stderr
    assert 0 < int(became[2]) <= 60 < int(became[1])
    taken_up = chat_command("--load", saved, "--max-tokens", "4", lines="And?\n/stats\n")
    assert taken_up.returncode == 0, taken_up.stderr
    assert "turns   3\n" in taken_up.stderr
    refused = chat_command("--policy", "lru", lines="")
    assert refused.returncode == 2
    assert "no policy 'lru'" in refused.stderr


def test_what_a_saved_chat_brings_along_cannot_be_given_beside_it(tmp_path: Path) -> None:
    for option in (
        "--cap",
        "--cap-mb",
        "--policy",
        "--recent",
        "--block",
        "--cache-keys",
        "--system",
        "--seed",
    ):
        value = {"--policy": "h2o", "--cache-keys": "f16"}.get(option, "99")
        refused = chat_command("--load", tmp_path / "none", option, value, lines="")
        assert refused.returncode == 2, refused.stderr
        assert f"{option} beside" in refused.stderr


def test_bytes_that_are_no_text_cost_a_line_and_not_the_chat(gguf: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgelingua", "chat", "--threads", "1", "--max-tokens", "3"],
        input=b"caf\xe9\n/stats\n",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"error: what was said: character" in done.stderr
    assert re.search(rb"turns +0\n", done.stderr), done.stderr


@pytest.mark.parametrize("command", ["/save", "/load", "/compress"])
def test_file_names_that_cannot_be_do_not_end_the_chat(
    command: str, reader: LlamaModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain").write_text("a file")
    names = ["~nosuchuser/x", ".", "/", "a\0b", f"{tmp_path}/plain/x", "x" * 300]
    shown: list[str] = []
    chat = Chat(reader, reader.session(128), SYSTEM)
    chat.begin()
    lines = [*(f"{command} {name}" for name in names), f"/compress plain {'9' * 5000}", "/stats"]
    monkeypatch.setattr("edgelingua.cli.terminal._lines", lambda: iter(lines))
    Terminal(chat, None, 3, shown.append).run()
    assert len(shown) == len(lines)
    assert all(line.startswith("error: ") for line in shown[:-1])
    assert shown[-1].startswith("cache ")


def test_a_chat_with_a_policy_of_its_own_options_is_loaded_by_name(
    reader: LlamaModel, tmp_path: Path
) -> None:
    chat = Chat(reader, reader.session(128, Chunked(KNorm(sinks=2, recent=20))), SYSTEM)
    chat.say("Hello?", limit=3)
    chat.save(tmp_path / "chat")
    done = chat_command("--load", str(tmp_path / "chat"), lines="/stats\n")
    assert done.returncode == 0, done.stderr
    assert "policy  knorm, sinks 2, recent 20, smooth 8\nturns   1\n" in done.stderr


def test_a_document_waits_until_its_message_was_said(
    reader: LlamaModel, capsys: pytest.CaptureFixture[str]
) -> None:
    documents = Documents((str(DOCUMENT),), (DOCUMENT.read_text(encoding="utf-8")[:300],))
    terminal = Terminal(Chat(reader, reader.session(128), SYSTEM), None, 3, lambda _: None)
    terminal.documents = documents
    with pytest.raises(CapError):
        terminal._say("word " * 200)
    assert terminal.documents is documents
    terminal._say("Why?")
    assert terminal.documents is None
    assert printable("a\x1b[2Jb\x9b\tc\n") == "a[2Jb\tc\n"


def test_caps_of_the_command_line(gguf: Path) -> None:
    stray = chat_command("--phrase", "8", lines="")
    assert stray.returncode == 2
    assert "--phrase without --policy" in stray.stderr
    both = chat_command("--cap", "99", "--cap-mb", "9", lines="")
    assert both.returncode == 2
    tiny = chat_command("--cap-mb", "1", lines="")
    assert "expected at least 5.9" in tiny.stderr
    listed = subprocess.run(
        [sys.executable, "-m", "edgelingua", "policies"], capture_output=True, text=True, check=True
    )
    options = ("--block N", "--smooth N", "--phrase N", "--window N")
    assert all(name in listed.stdout for name in (*POLICIES, *options))
    assert name_of(DEFAULT_POLICY) in " ".join(listed.stdout.split())
