"""A reader or a compressor that was used before a fork goes on in the child, or says why not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import DOCUMENT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

_COMMON = """
import os, signal, sys, threading, time
import numpy as np

def in_child(work):
    "Say what came of it, or which signal ended a child that hung."
    sys.stdout.flush()
    child = os.fork()
    if not child:
        signal.alarm(60)
        work()
        sys.stdout.flush()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status:
        print("child ended with", status)
"""

_READER = (
    _COMMON
    + """
from edgelingua import LlamaModel
from edgelingua.errors import ReaderError
from edgelingua.llama.library import llama_cpp

def load():
    return LlamaModel(sys.argv[1], threads=2)

def begin(model):
    session = model.session(256)
    session.feed(model.tokenize("The capital of France is"))
    return session

def write(session, count=6):
    for _ in range(count):
        token = int(session.logits().argmax())
        print(token, end=" ")
        session.feed(np.array([token], dtype=np.int32))
    print(session.engine._threads)
"""
)


def run(code: str, *arguments: str | Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout.splitlines()


def test_a_reader_used_before_a_fork(gguf: Path) -> None:
    code = """
model = load()
session, twin = begin(model), begin(model)
in_child(lambda: write(session))
in_child(lambda: write(begin(model)))
in_child(lambda: write(begin(load())))
in_child(lambda: in_child(lambda: write(session)))
write(twin)
"""
    *children, parent = run(_READER + code, gguf)
    written, threads = parent.rsplit(maxsplit=1)
    assert threads == "2"
    assert children == [f"{written} 1"] * 4


def test_a_reader_loaded_before_a_fork_has_all_its_threads(gguf: Path) -> None:
    code = "model = load()\nfor _ in range(2): in_child(lambda: write(begin(model)))\n"
    first, second = run(_READER + code, gguf)
    assert first == second
    assert first.endswith(" 2")


def test_a_fork_in_the_middle_of_reading_is_told(gguf: Path) -> None:
    code = """
model = load()
many = np.tile(model.tokenize("and so on, "), 300)[:1000]
session = model.session(2000)
inside, done = threading.Event(), threading.Event()
decode = llama_cpp.llama_decode

def held(*arguments):  # for as long as it takes to fork; by itself it may end before
    outcome = decode(*arguments)
    inside.set()
    done.wait()
    return outcome

llama_cpp.llama_decode = held
reader = threading.Thread(target=session.feed, args=(many,))
reader.start()
inside.wait()
llama_cpp.llama_decode = decode

def work():
    for step in (lambda: session.feed(many[:1]), lambda: session.engine.decode(many[:1], 0)):
        try:
            step()
        except ReaderError as error:
            print(error)
    write(begin(model), 1)

in_child(work)
done.set()
reader.join()
print(len(session.cells))
"""
    first, second, written, cells = run(_READER + code, gguf)
    assert first == second
    assert "forked meanwhile" in first
    assert written.endswith(" 1")
    assert cells == "1000"


@pytest.mark.long
@pytest.mark.parametrize("spin", [True, False])
def test_a_compressor_used_before_a_fork(spin: bool) -> None:
    code = """
from edgelingua import Budget, Prompt, load_compressor
from edgelingua.ort import RunOptions

with open(sys.argv[1], encoding="utf-8") as file:
    prompt = Prompt.build(file.read(3000))
compressor = load_compressor(options=RunOptions(threads=2, spin=sys.argv[2] == "True"))
before = compressor.compress(prompt, Budget(rate=0.5)).text

def work():
    print(compressor.compress(prompt, Budget(rate=0.5)).text == before)
    print(load_compressor().compress(prompt, Budget(rate=0.5)).text == before)

for _ in range(3):
    in_child(work)
    work()
"""
    assert run(_COMMON + code, DOCUMENT, str(spin)) == ["True"] * 12


def test_a_fork_while_another_thread_runs_a_graph_is_told() -> None:
    code = """
from edgelingua import Budget, Prompt
from edgelingua.bundle import ModelBundle
from edgelingua.compressors import TokenPruner
from edgelingua.errors import InferenceError
from edgelingua.models import find_bundle
from edgelingua.ort import RunOptions
from edgelingua.scorers import ClassifierScorer

def load():
    return ClassifierScorer(bundle, options=RunOptions(threads=2))

def compress(scorer):
    try:
        print(len(TokenPruner(scorer).compress(prompt, Budget(rate=0.5)).text) > 100)
    except InferenceError as error:
        print(error)

with open(sys.argv[1], encoding="utf-8") as file:
    prompt = Prompt.build(file.read(2000))
bundle = ModelBundle.open(find_bundle("edgelingua-mini"))
used, unused = load(), load()
inside, done = threading.Event(), threading.Event()

def hold():  # for as long as it takes to fork; a real run may end before
    with used._graph._failures_named():
        inside.set()
        done.wait()

other = threading.Thread(target=hold)
other.start()
inside.wait()
in_child(lambda: [compress(scorer) for scorer in (used, used, unused, load())])
compress(used)
done.set()
other.join()
in_child(lambda: compress(used))
"""
    first, second, *rest = run(_COMMON + code, DOCUMENT)
    assert first == second
    assert "another thread was running it" in first
    assert rest == ["True"] * 4
