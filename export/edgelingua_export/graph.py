"""Conversion to ONNX with optimum, and what the runtime must know of the graph that comes out."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import onnx
from optimum.exporters.onnx import onnx_export_from_model

from edgelingua.bundle.manifest import Attention, Cache, Task, Tokens, Variant
from edgelingua.text import WordBoundary
from edgelingua.text.tokenizer import CONTINUATION
from edgelingua_export.attention_outputs import ATTENTION, Head
from edgelingua_export.errors import ExportError, reason
from edgelingua_export.heads import KEEP, LOGITS, NLL, STATES, TARGETS
from edgelingua_export.sources import Loaded

_OPTIMUM_TASK: dict[Task, str] = {
    "scorer": "text-generation-with-past",
    "classifier": "token-classification",
    "encoder": "feature-extraction",
}


def convert(loaded: Loaded, task: Task, folder: Path) -> Path:
    """Write the fp32 graph into ``folder``; return its path.

    Raises
    ------
    ExportError
        optimum cannot convert this architecture.
    """
    logging.getLogger("optimum").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer's warnings; parity is checked on text
            # optimum's own validation uses random ids; ours uses real text. All that it would do
            # afterwards is to let a tied head share the embedding's matrix: quantized for lookups,
            # every run would turn it back into floats; and above 2 GB it fails.
            onnx_export_from_model(
                loaded.model,
                output=folder,
                task=_OPTIMUM_TASK[task],
                no_post_process=True,
                do_validation=False,
            )
    except Exception as error:  # torch's tracer raises what it happens to meet
        raise ExportError(
            f"{loaded.source.location}: optimum cannot convert it "
            f"({type(loaded.model).__name__}): {reason(error)}"
        ) from error
    return folder / "model.onnx"


def describe(path: Path, file: str, precision: str, shown: tuple[Head, ...] = ()) -> Variant:
    """Describe a graph by its input and output names, which are optimum's and those of `heads`.

    Parameters
    ----------
    path
        The graph.
    file
        Its path inside the bundle.
    precision
        What to call it in the manifest.
    shown
        Heads whose attention it shows.
    """
    graph = onnx.load(path, load_external_data=False).graph
    inputs = {i.name: i for i in graph.input}
    outputs = {o.name for o in graph.output}
    past = [name for name in inputs if name.startswith("past_key_values.")]
    cache = None
    if past:
        names = tuple((name, name.replace("past_key_values", "present")) for name in past)
        _, heads, _, head_size = inputs[past[0]].type.tensor_type.shape.dim
        cache = Cache(names, heads.dim_value, head_size.dim_value)
    known = {"input_ids", "attention_mask", "position_ids", "token_type_ids", TARGETS, *past}
    if unknown := set(inputs) - known:
        raise ExportError(f"{path}: the graph wants inputs nobody can give: {sorted(unknown)}")
    if not outputs & {LOGITS, NLL, KEEP, STATES}:
        raise ExportError(f"{path}: the graph has no output {LOGITS!r} but {sorted(outputs)}")
    return Variant(
        file=file,
        precision=precision,
        ids="input_ids",
        mask="attention_mask",
        keep=KEEP if KEEP in outputs else None,
        targets=TARGETS if TARGETS in inputs else None,
        nll=NLL if NLL in outputs else None,
        states=STATES if STATES in outputs else None,
        positions="position_ids" if "position_ids" in inputs else None,
        token_types="token_type_ids" if "token_type_ids" in inputs else None,
        cache=cache,
        attention=Attention(ATTENTION, shown) if shown else None,
    )


def describe_tokens(loaded: Loaded, task: Task, reads_question: bool = False) -> Tokens:
    """Read the tokenizer's and the model's behaviour off themselves, for the manifest.

    Raises
    ------
    ExportError
        The tokenizer has no token a scorer could start from, or marks words in an unknown way.
    """
    tokenizer = loaded.tokenizer
    bare = tokenizer("word", add_special_tokens=False)["input_ids"]
    full = tokenizer("word", add_special_tokens=True)["input_ids"]
    at = next((i for i in range(len(full)) if full[i : i + len(bare)] == bare), None)
    if at is None:
        raise ExportError(
            f"{loaded.source.location}: its tokenizer cuts a word differently with special tokens "
            "around it, so they cannot be told apart"
        )
    prefix, suffix = full[:at], full[at + len(bare) :]
    if task == "scorer":
        suffix = []
        start = (
            tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        )
        if not prefix and start is None:
            raise ExportError(f"{loaded.source.location}: no token to start a text with")
        prefix = prefix or [start]
    wanted = reads_question or bool(getattr(loaded.model.config, "reads_question", False))
    return Tokens(
        max_length=_max_length(loaded),
        word_boundary=_word_boundary(loaded),
        prefix=tuple(prefix),
        suffix=tuple(suffix),
        pair=_pair(loaded, bare, prefix, suffix) if task == "classifier" and wanted else (),
    )


def _pair(loaded: Loaded, bare: list[int], prefix: list[int], suffix: list[int]) -> tuple[int, ...]:
    """Special tokens that the tokenizer puts between the two texts of a sentence pair."""
    both: list[int] = loaded.tokenizer("word", "word")["input_ids"]
    first, last = len(prefix) + len(bare), len(both) - len(suffix) - len(bare)
    if both[:first] != prefix + bare or both[last:] != bare + suffix or last <= first:
        raise ExportError(
            f"{loaded.source.location}: a classifier that reads questions needs a tokenizer that "
            "joins two texts; this one makes "
            f"{loaded.tokenizer.convert_ids_to_tokens(both)} of 'word' and 'word'"
        )
    return tuple(both[first:last])


def _max_length(loaded: Loaded) -> int:
    config = loaded.model.config
    positions: int = getattr(config, "max_position_embeddings", 0) or getattr(
        config, "n_positions", 0
    )
    for name, module in loaded.model.named_modules():
        padding = getattr(module, "padding_idx", None)
        if name.endswith("position_embeddings") and isinstance(padding, int):
            # RoBERTa counts positions from padding_idx + 1: the table has that many unused rows.
            positions -= padding + 1
    if positions < 3:
        raise ExportError(
            f"{loaded.source.location}: its configuration does not say how long texts may be"
        )
    return int(min(positions, loaded.tokenizer.model_max_length))


def _word_boundary(loaded: Loaded) -> WordBoundary:
    model = loaded.tokenizer.backend_tokenizer.model
    if type(model).__name__ != "WordPiece":
        return "space"
    if model.continuing_subword_prefix != CONTINUATION:
        raise ExportError(
            f"{loaded.source.location}: continuation pieces start with "
            f"{model.continuing_subword_prefix!r}, only {CONTINUATION!r} is supported"
        )
    return "wordpiece"
