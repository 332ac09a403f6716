"""Templates and tokenizers of others: bounded in time and memory, and no panic reaches a caller."""

from __future__ import annotations

import gc
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.shipped import shipped_bundles
from edgelingua.errors import BundleError, ReaderError
from edgelingua.llama import template
from edgelingua.llama.model import LlamaModel
from edgelingua.system.bounded import Bounded, Bounds, ForeignError, Local, foreign
from edgelingua.text.tokenizer import TextTokenizer
from tests.bundle.test_bundle import Copy, record
from tests.conftest import TEXTS

ROOMY = Bounds(20, 400)
TEMPLATE = "edgelingua.llama.template_engine:Engine"
NANO = shipped_bundles()["edgelingua-nano"]


def ask(template: str, bounds: Bounds = ROOMY) -> str:
    engine = foreign(TEMPLATE, template, "</s>", "<s>", bounds=bounds)
    try:
        text: str = engine.call("render", [("user", "Hi", "null")], bounds=bounds)
    finally:
        engine.close()
    return text


# Templates


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ ('a' * 10000000) | join('b' * 10) }}",
    ],
)
def test_a_template_that_takes_too_long(template: str) -> None:
    with pytest.raises(ForeignError, match=r"more than 1 s|MemoryError"):
        ask(template, Bounds(1, 256))  # it would take days


@pytest.mark.parametrize(
    "template",
    [
        "{% set n = namespace(x='ab') %}"
        "{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{{ 'a' * 10**11 }}",
        "{{ [0] * 10**11 }}",
        "{{ '%1000000000000d' % 1 }}",
        "{{ messages | tojson(indent=10**11) }}",
        "{{ ('a' * 10**6) | replace('a', 'b' * 10**6) }}",
    ],
)
def test_a_template_that_takes_too_much(template: str) -> None:
    with pytest.raises(ForeignError, match=r"MemoryError|takes more than|invalid|ends the process"):
        ask(template, Bounds(20, 256))


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
        ("{{" + "(" * 20000 + "1" + ")" * 20000 + "}}", "recursion"),
        ("{{ 'a' * 2000000 }}", "writes 2000000 characters"),
        ("{% if %}", "Expected an expression"),
        ("{{ raise_exception('no system prompt') }}", "no system prompt"),
    ],
)
def test_what_else_a_template_can_do(template: str, why: str) -> None:
    with pytest.raises(ForeignError, match=why):
        ask(template)


def test_a_chat_with_such_a_template_is_refused(
    gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = LlamaModel(gguf, vocabulary_only=True)
    monkeypatch.setattr(template, "_BOUNDS", Bounds(1, 256))
    model.chat_template = (
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    )
    with pytest.raises(ReaderError, match="its chat template fails: it takes more than 1 s"):
        model.chat([("user", "Hi")])


def test_here_and_in_a_worker_a_template_says_the_same(
    reader: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SmolLM2's own is known, and rendered here."""
    talk = [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Why?")]
    started: list[object] = []
    starts = Bounded.__init__

    def watched(self: Bounded, *arguments: Any, **options: Any) -> None:
        started.append(self)
        starts(self, *arguments, **options)

    monkeypatch.setattr(Bounded, "__init__", watched)
    layouts = []
    for known in (template._KNOWN, frozenset[str]()):
        monkeypatch.setattr(template, "_KNOWN", known)
        template._rendered.cache_clear()
        layouts.append([part.tokens.tolist() for part in reader.chat(talk)])
        assert len(started) == (0 if known else 1)
    assert layouts[0] == layouts[1]


# Tokenizers


@pytest.fixture
def changed(copy_of: Copy) -> Callable[..., Path]:
    """Makes a copy of nano with a changed tokenizer; the manifest agrees."""

    def change(**parts: Any) -> Path:
        folder = copy_of(ModelBundle.open(NANO))
        path = folder / "tokenizer.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | parts))
        record(folder, "tokenizer.json")
        return folder

    return change


def split(pattern: str) -> dict[str, Any]:
    """A pre-tokenizer that cuts by a regular expression."""
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


GROWING = {"type": "Replace", "pattern": {"String": "e"}, "content": "e" * 50}
EVIL = [
    {"normalizer": {"type": "Sequence", "normalizers": [GROWING] * 6}},
    {"pre_tokenizer": split("(a+)+$")},
    {"pre_tokenizer": split("(a+)+b|(a*)*c")},
]


@pytest.mark.parametrize("parts", EVIL)
def test_a_tokenizer_made_to_harm(changed: Callable[..., Path], parts: dict[str, Any]) -> None:
    text = "The tribunal aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"
    tokenizer = ModelBundle.open(changed(**parts)).tokenizer()
    for use in (tokenizer.encode, tokenizer.count):
        with pytest.raises(BundleError, match=r"tokenizer\.json: it fails on a text of 48 bytes"):
            use(text)


def test_the_panic_of_a_trusted_one(changed: Callable[..., Path]) -> None:
    path = changed(**EVIL[1]) / "tokenizer.json"
    tokenizer = TextTokenizer(path, "wordpiece", trusted=True)
    for use in (tokenizer.encode, tokenizer.count):
        with pytest.raises(BundleError, match="retry-limit"):
            use("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")


def test_a_tokenizer_nested_too_deeply(changed: Callable[..., Path]) -> None:
    nested: dict[str, Any] = {"type": "Lowercase"}
    for _ in range(300):
        nested = {"type": "Sequence", "normalizers": [nested]}
    with pytest.raises(BundleError, match=r"not a tokenizer\.json that tokenizers can read"):
        ModelBundle.open(changed(normalizer=nested)).tokenizer()


def test_in_a_worker_tokens_are_the_same(copy_of: Copy) -> None:
    ours = ModelBundle.open(NANO)
    foreign_one = ModelBundle.open(copy_of(ours))
    assert ours.trusted
    assert not foreign_one.trusted
    here, there = ours.tokenizer(), foreign_one.tokenizer()
    for text in (*TEXTS.values(), "", " "):
        assert here.count(text) == there.count(text)
        for name in ("ids", "spans", "starts"):
            columns = [getattr(one.encode(text), name).tolist() for one in (here, there)]
            assert columns[0] == columns[1]


# Workers


def running(worker: Bounded) -> int:
    assert worker._process is not None
    return worker._process.pid


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def worker() -> Bounded:
    return Bounded(TEMPLATE, "{{ messages[0].content }}", "", "", bounds=ROOMY)


def echo(worker: Bounded, text: str) -> Any:
    return worker.call("render", [("user", text, "null")], bounds=ROOMY)


def test_a_worker_goes_with_what_asked_it(worker: Bounded) -> None:
    assert echo(worker, "é\n") == "é\n"
    pid = running(worker)
    assert alive(pid)
    worker.close()
    assert not alive(pid)
    assert echo(worker, "again") == "again"


def test_a_worker_that_nobody_needs_ends() -> None:
    gone = Bounded(TEMPLATE, "x", "", "", bounds=ROOMY)
    pid = running(gone)
    del gone
    gc.collect()
    assert not alive(pid)


def test_a_killed_worker_is_replaced(worker: Bounded) -> None:
    os.kill(running(worker), signal.SIGKILL)
    with pytest.raises(ForeignError, match="ends the process"):
        echo(worker, "one")
    assert echo(worker, "two") == "two"


def test_a_worker_that_cannot_be_made_says_why_every_time(tmp_path: Path) -> None:
    with pytest.raises(ForeignError, match="No module named 'edgelingua"):
        Bounded("edgelingua.nowhere:Engine", bounds=ROOMY)
    path = tmp_path / "tokenizer.json"
    path.write_bytes((NANO / "tokenizer.json").read_bytes())
    engine = Bounded("edgelingua.text.tokenizer_engine:Engine", str(path), {}, bounds=ROOMY)
    engine.close()
    path.unlink()
    for _ in range(2):
        with pytest.raises(ForeignError, match="No such file"):
            engine.call("count", "Hi", bounds=ROOMY)


def test_a_new_worker_does_not_take_another_file(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes((NANO / "tokenizer.json").read_bytes())
    before = path.stat()
    tokenizer = TextTokenizer(path, "wordpiece")
    count = tokenizer.count("The tribunal sat.")
    assert isinstance(tokenizer._engine, Bounded)
    os.kill(running(tokenizer._engine), signal.SIGKILL)
    with pytest.raises(BundleError, match="ends the process"):
        tokenizer.count("Hi")
    assert tokenizer.count("The tribunal sat.") == count
    path.write_bytes(path.read_bytes().replace(b"tribunal", b"lanubirt"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    tokenizer._engine.close()
    for _ in range(2):
        with pytest.raises(BundleError, match="changed since"):
            tokenizer.count("The tribunal sat.")


def test_threads_get_their_own_answers(worker: Bounded) -> None:
    wrong: list[str] = []

    def work(name: str) -> None:
        wrong.extend(f"{name}{n}" for n in range(50) if echo(worker, f"{name}{n}") != f"{name}{n}")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_forked_process_has_a_worker_of_its_own(worker: Bounded) -> None:
    pid = running(worker)
    if not (child := os.fork()):
        fine = echo(worker, "child") == "child" and running(worker) != pid
        worker.close()
        os._exit(0 if fine else 1)
    assert echo(worker, "parent") == "parent"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert running(worker) == pid
    assert alive(pid)


def test_an_interrupt_leaves_no_answer_behind() -> None:
    slow = (
        "{% if messages[0].content == 'slow' %}{% for a in range(99999) %}{% for b in range(999) %}"
    )
    slow += "{% endfor %}{% endfor %}{% endif %}{{ messages[0].content }}"
    worker = Bounded(TEMPLATE, slow, "", "", bounds=ROOMY)
    timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        echo(worker, "slow")
    timer.join()
    assert echo(worker, "next") == "next"


def test_an_answer_of_any_size_or_an_error(worker: Bounded) -> None:
    text = "x" * 900_000
    assert echo(worker, text) == text
    with pytest.raises(ForeignError, match="writes 1100000 characters"):
        echo(worker, "x" * 1_100_000)


def test_without_a_python_to_start_it_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.frozen", True, raising=False)
    engine = foreign(TEMPLATE, "{{ messages[0].content }}", "", "", bounds=ROOMY)
    assert isinstance(engine, Local)
    assert engine.call("render", [("user", "Hi", "null")], bounds=ROOMY) == "Hi"


def test_nothing_else_is_swallowed() -> None:
    from edgelingua.system.bounded_worker import attempt

    for error in (KeyboardInterrupt, SystemExit):

        def raises(error: type[BaseException] = error) -> None:
            raise error

        with pytest.raises(error):
            attempt(raises)
