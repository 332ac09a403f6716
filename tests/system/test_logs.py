"""What the logger ``edgelingua`` tells those who listen, and nobody else."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from edgelingua.budget import Budget
from edgelingua.compressors import load_compressor
from edgelingua.errors import EvictionWarning
from edgelingua.prompt import Prompt

SECRET = "Zanzibar"
TEXT = f"The treasure of {SECRET} lies under the old oak. " * 60


def test_nobody_hears_it_who_did_not_ask() -> None:
    script = (
        "from edgelingua import Budget, Prompt, load_compressor\n"
        "load_compressor().compress(Prompt.build('Some words to compress.'), Budget(rate=0.5))\n"
        "import logging\n"
        "assert logging.getLogger('edgelingua').handlers and not logging.getLogger().handlers\n"
        "logging.getLogger('edgelingua').error('not even this')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_loading_and_windows_are_told_without_a_word_of_the_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG, "edgelingua"):
        compressed = load_compressor().compress(
            Prompt.build(TEXT, question=f"Where is {SECRET}?"), Budget(tokens=40)
        )
    told = {(record.name, record.levelname) for record in caplog.records}
    assert {
        ("edgelingua.bundle.bundle", "DEBUG"),
        ("edgelingua.bundle.placement", "INFO"),
        ("edgelingua.scorers.classifier", "DEBUG"),
        ("edgelingua.selection.fit", "INFO"),
    } <= told
    result = f"{compressed.tokens_in} tokens became {compressed.tokens_out}, at most 40"
    assert result in caplog.messages
    assert SECRET not in caplog.text


@pytest.mark.llama
def test_the_reader_is_told_of_too(caplog: pytest.LogCaptureFixture) -> None:
    from edgelingua.assistant import Assistant
    from edgelingua.llama.model import LlamaModel
    from edgelingua.models import registry

    with caplog.at_level(logging.DEBUG, "edgelingua"):
        reader = LlamaModel(registry.DEFAULT_READER, threads=1)
        assistant = Assistant(load_compressor("truncate"), reader, cap=160)
        with pytest.warns(EvictionWarning):
            reply = assistant.ask(TEXT, f"Where is {SECRET}?", Budget(tokens=300), max_tokens=4)
    assert reply.cache.evicted > 0
    names = {record.name.rpartition(".")[2]: record for record in caplog.records}
    assert names.keys() >= {"weights", "session", "assistant", "fit"}
    assert f"{reply.prompt_tokens} tokens read, {reply.answer_tokens} written" in caplog.text
    assert "tokens evicted, " in caplog.text
    assert SECRET not in caplog.text
    assert "treasure" not in caplog.text
