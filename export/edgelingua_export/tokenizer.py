"""A checkpoint's tokenizer: loaded or converted from slow files, and held against the model."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from edgelingua.errors import MissingExtraError
from edgelingua_export.errors import ExportError, reason

_FILES = (
    "tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "tokenizer.model",
    "spiece.model",
)  # fmt: skip
"""What a tokenizer can be made of, the best first; byte-level BPE also needs ``merges.txt``."""


def load_tokenizer(
    location: str, folder: str, arguments: dict[str, Any]
) -> PreTrainedTokenizerFast:
    """Load a tokenizer; transformers converts it if there is no ``tokenizer.json``.

    Parameters
    ----------
    location
        What to call it in an error.
    folder
        A path or a hub id.
    arguments
        For ``from_pretrained``.

    Raises
    ------
    ExportError
        There is none, or transformers cannot convert it.
    MissingExtraError
        It is SentencePiece's, and that is not installed.
    """
    local = Path(folder).is_dir() and "gguf_file" not in arguments
    found = [name for name in _FILES if (Path(folder) / name).is_file()]
    if local and not found:
        raise ExportError(
            f"{location}: has no tokenizer: expected {', '.join(_FILES[:-1])} or {_FILES[-1]}; "
            "copy the tokenizer's files of the checkpoint beside its weights"
        )
    if local and found[0].endswith(".model") and find_spec("sentencepiece") is None:
        raise MissingExtraError(f"sentencepiece, which reads {found[0]},", "export")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True, **arguments)
    except Exception as error:  # tokenizers raises Exception, transformers what it happens to meet
        raise ExportError(
            f"{location}: transformers cannot load its tokenizer"
            f"{f' ({found[0]})' if found else ''}: {reason(error)}"
        ) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ExportError(
            f"{location}: transformers cannot convert its tokenizer, a "
            f"{type(tokenizer).__name__}, to a tokenizer.json"
        )
    return tokenizer


def tokenizer_json(location: str, tokenizer: PreTrainedTokenizerFast, rows: int) -> str:
    """Return the ``tokenizer.json`` of a bundle, in which every token has its row in the model.

    Special tokens beyond the last row are left out: text never becomes one, so nothing is lost, and
    Gemma 3's text models come with one of the larger models' for images.

    Parameters
    ----------
    rows
        Rows of the model's embedding.

    Raises
    ------
    ExportError
        A token that text can become, or that stands around a text, has no row.
    """
    made = json.loads(tokenizer.backend_tokenizer.to_str())
    added = made["added_tokens"]
    made["added_tokens"] = [t for t in added if t["id"] < rows or not t["special"]]
    unused = {t["content"] for t in added} - {t["content"] for t in made["added_tokens"]}
    beyond = {token: number for token, number in tokenizer.get_vocab().items() if number >= rows}
    around = set(tokenizer.convert_ids_to_tokens(tokenizer("")["input_ids"]))
    missing = [token for token in beyond if token not in unused or token in around]
    if missing:
        raise ExportError(
            f"{location}: its tokenizer has {len(missing)} tokens more than the model's embedding "
            f"has rows ({rows}), the first is {min(missing, key=beyond.__getitem__)!r}: train and "
            "save the model after resize_token_embeddings(len(tokenizer)), or remove the tokens"
        )
    return json.dumps(made, ensure_ascii=False)
