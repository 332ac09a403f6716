"""Budgets in a reader's tokens: what counts them, and the estimate where no reader is known."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from edgelingua import Budget, Prompt, load_compressor
from edgelingua.compat import PromptCompressor
from edgelingua.errors import InputError
from edgelingua.text.boundaries import count_words
from edgelingua.text.counting import ESTIMATE, counted_in, counter
from edgelingua.text.estimate import estimated_tokens
from tests.cli.test_cli import edgelingua

FILE = Path(__file__).resolve().parents[1] / "tokenizers" / "byte_level.json"
TEXT = "The pier was built in 1911 and nobody has used it since the storm of 1954."


class Encoding:
    """What tiktoken's encodings are like."""

    name = "cl100k_base"

    def encode(self, text: str) -> list[int]:
        raise ValueError("disallowed special token")

    def encode_ordinary(self, text: str) -> list[int]:
        return list(text.encode())


@pytest.mark.parametrize("kind", ["path", "text", "folder", "tokenizers", "tiktoken", "function"])
def test_what_counts(kind: str, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(FILE))
    (tmp_path / "tokenizer.json").write_bytes(FILE.read_bytes())
    counting, expected = {
        "path": (FILE, len(tokenizer.encode(TEXT, add_special_tokens=False).ids)),
        "text": (str(FILE), len(tokenizer.encode(TEXT, add_special_tokens=False).ids)),
        "folder": (tmp_path, len(tokenizer.encode(TEXT, add_special_tokens=False).ids)),
        "tokenizers": (tokenizer, len(tokenizer.encode(TEXT, add_special_tokens=False).ids)),
        "tiktoken": (Encoding(), len(TEXT)),
        "function": (count_words, count_words(TEXT)),
    }[kind]
    prompt = Prompt.build(TEXT)
    by_budget = load_compressor("truncate").compress(prompt, Budget(rate=0.5, count=counting))
    by_compressor = load_compressor("truncate", count=counting).compress(prompt, Budget(rate=0.5))
    assert by_budget.tokens_in == by_compressor.tokens_in == expected
    assert by_budget.text == by_compressor.text
    named = {"tiktoken": "cl100k_base", "function": "count_words", "tokenizers": "Tokenizer"}
    named["folder"] = str(tmp_path / "tokenizer.json")
    assert counted_in(counter(counting)) == named.get(kind, str(FILE))


def test_what_cannot_count(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{}")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.gguf")
    for counting, message in (
        (7, "expected a function, a tokenizer, or the path"),
        ("nowhere/tokenizer.json", "no such file"),
        (tmp_path / "pipe.gguf", "no such file"),
        (tmp_path / "bad.json", "not a tokenizer.json"),
        (tmp_path, "no such file"),
    ):
        with pytest.raises(InputError, match=message):
            Budget(rate=0.5, count=counting)  # type: ignore[arg-type]
    wrong = Budget(rate=0.5, count=str.split)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="expected a number of tokens, got a list"):
        load_compressor("truncate").compress(Prompt.build(TEXT), wrong)


def test_results_say_what_counted(bert_bundle: SimpleNamespace) -> None:
    compressor = PromptCompressor(str(bert_bundle.folder), use_llmlingua2=True, count=FILE)
    result = compressor.compress_prompt(TEXT, rate=0.5)
    assert result["origin_tokens"] == counter(FILE)(TEXT)
    assert result["counted_in"] == str(FILE)


def test_the_command_counts_with_a_file() -> None:
    done = edgelingua("compress", "--rate", "0.5", "--count", FILE, "--json", stdin=TEXT)
    assert f'"tokens_in": {counter(FILE)(TEXT)}' in done.stdout
    both = edgelingua("compress", "--count", FILE, "--reader", "x.gguf", stdin=TEXT)
    assert both.returncode == 2
    assert "give --count or --reader, not both" in both.stderr


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("The pier was built in 1911.", 11, 12),
        ("deadbeef01" * 400, 2000, 2500),
        ("👍🏽" * 50, 250, 350),
        ("a" * 60_000, 7500, 60_000),
        ("法庭裁定赔偿一千五百五十万美元。", 24, 45),
        ("=" * 80, 1, 30),
        ("", 0, 0),
        ("ok", 1, 1),
    ],
)
def test_the_estimate_is_rather_too_high(text: str, least: int, most: int) -> None:
    """The least: what the most wasteful of four readers counts, as measured."""
    assert least <= estimated_tokens(text) <= most


@given(st.text(max_size=200), st.text(max_size=200))
def test_longer_texts_have_more_tokens(one: str, other: str) -> None:
    alone, both = estimated_tokens(one), estimated_tokens(one + "\n" + other)
    assert 0 <= alone <= both + 2
    assert ESTIMATE(one) == alone
