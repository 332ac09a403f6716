"""A GGUF file's tokenizer as a tokenizer.json that cuts text the way llama.cpp does."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from gguf import GGUFReader
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

from edgelingua.errors import MissingExtraError
from edgelingua_export.errors import ExportError

_DIGIT_SPLITTING = {"smollm", "starcoder", "refact", "command-r"}
"""Values of ``tokenizer.ggml.pre`` for GPT-2's rules with every digit on its own."""


def restore_pre_tokenizer(tokenizer: Tokenizer, path: Path) -> None:
    """Put back the splitting of digits that transformers drops when it reads a GGUF file."""
    field = GGUFReader(path).get_field("tokenizer.ggml.pre")
    if field is not None and field.contents() in _DIGIT_SPLITTING:
        tokenizer.pre_tokenizer = Sequence(
            [Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]
        )


def check_against_llama_cpp(
    tokenizer: Tokenizer, path: Path, report: Callable[[str], None]
) -> None:
    """Tokenize a text in many scripts with both; they must agree.

    Raises
    ------
    ExportError
        They do not: the file's tokenizer is of a kind that transformers does not rebuild.
    """
    try:
        from edgelingua.llama.model import LlamaModel
    except MissingExtraError:
        report("tokenizer not compared with llama.cpp: llama-cpp-python is not installed")
        return
    probe = files("edgelingua_export").joinpath("data", "tokenizer_probe.txt")
    reader = LlamaModel(path, vocabulary_only=True)
    for line in probe.read_text(encoding="utf-8").splitlines():
        ours = tokenizer.encode(line, add_special_tokens=False).ids
        if ours != reader.tokenize(line).tolist():
            raise ExportError(
                f"{path}: the tokenizer rebuilt from this file differs from llama.cpp's on "
                f"{line!r}; build from the model's Hugging Face folder instead"
            )
    report("the tokenizer agrees with llama.cpp's")
