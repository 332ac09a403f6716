"""From a source to an fp32 graph made for scoring, and what is to be known of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.bundle.manifest import TOKENIZER, Task, Tokens, Variant
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export import npu, texts
from edgelingua_export.attention_outputs import add_attention_output
from edgelingua_export.fingerprint import weights_sha256
from edgelingua_export.fuse import fuse
from edgelingua_export.gguf_tokenizer import check_against_llama_cpp
from edgelingua_export.graph import convert, describe, describe_tokens
from edgelingua_export.heads import add_keep_head, add_nll_head
from edgelingua_export.options import BuildOptions
from edgelingua_export.proof import original_scores
from edgelingua_export.reports import Report
from edgelingua_export.sources import Source, load
from edgelingua_export.tokenizer import tokenizer_json
from edgelingua_export.torch_reference import Original

CALIBRATION_TOKENS = 256


@dataclass(frozen=True)
class Converted:
    """An fp32 graph.

    ``trained``: no weight was made up. ``weights_sha256``: see there. ``original``: torch's scores.
    ``variant`` describes the graph, ``fused`` says what was fused in it. ``feeds`` are the inputs
    of one run over ``calibration`` ``(n,)``, tokens of a real text. ``unfused``: for the NPU.
    """

    tokens: Tokens
    trained: bool
    weights_sha256: str
    original: Original
    variant: Variant
    fused: str
    calibration: NDArray[np.int64]
    feeds: dict[str, NDArray[Any]]
    unfused: npu.Unfused | None


def make_fp32(
    folder: Path, source: Source, task: Task, options: BuildOptions, step: Report
) -> Converted:
    """Write ``fp32/model.onnx`` and ``tokenizer.json`` into ``folder``.

    The graph's attention is fused where that is valid; it answers with NLL, P(keep) or states.

    Raises
    ------
    ExportError
        The model cannot be loaded or converted, or not with these options.
    """
    step(f"loading {source.location}")
    loaded = load(source, task)
    options.check(loaded, task)
    config, trained = loaded.model.config, loaded.trained
    tokens = describe_tokens(loaded, task, options.reads_question)
    rows = loaded.model.get_input_embeddings().num_embeddings
    (folder / TOKENIZER).write_text(
        tokenizer_json(source.location, loaded.tokenizer, rows), encoding="utf-8"
    )
    tokenizer = TextTokenizer(folder / TOKENIZER, tokens.word_boundary)

    step("converting to ONNX (fp32)")
    fp32 = convert(loaded, task, folder / "fp32")
    _keep_only_graph(fp32)
    if source.gguf:
        check_against_llama_cpp(
            loaded.tokenizer.backend_tokenizer, Path(source.folder) / source.gguf, step
        )
    original = original_scores(loaded, task, tokens, tokenizer, options)
    fingerprint = weights_sha256(loaded.model)
    loaded.model.to("meta")  # its weights are in the graph now, and may be gigabytes

    step("fusing")
    room = min(CALIBRATION_TOKENS, tokens.max_length - len(tokens.prefix) - len(tokens.suffix))
    whole = tokenizer.encode(texts.read(texts.CALIBRATION)).ids
    calibration = _excerpt(whole, room, options.search.seed)
    plain = describe(fp32, "fp32/model.onnx", "fp32")
    unfused = npu.set_aside(fp32, options.keep_label) if options.npu else None
    fused = fuse(fp32, task, config, plain, _feeds(plain, tokens, calibration))
    step(f"fused {fused}")
    if task == "scorer":
        if options.attention:
            add_attention_output(fp32, options.attention, config.num_attention_heads)
        add_nll_head(fp32)
    elif task == "classifier":
        add_keep_head(fp32, options.keep_label)
    variant = describe(fp32, "fp32/model.onnx", "fp32", options.attention)
    feeds = _feeds(variant, tokens, calibration)
    return Converted(
        tokens, trained, fingerprint, original, variant, fused, calibration, feeds, unfused
    )


def _keep_only_graph(graph: Path) -> None:
    """Remove what optimum writes besides the graph and its weights."""
    for path in graph.parent.iterdir():
        if not path.name.startswith(graph.name):
            path.unlink()


def _excerpt(ids: NDArray[np.int64], size: int, seed: int) -> NDArray[np.int64]:
    """``size`` tokens from a place drawn with ``seed``."""
    start = np.random.default_rng(seed).integers(max(1, len(ids) - size + 1))
    return ids[start : start + size]


def _feeds(variant: Variant, tokens: Tokens, ids: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Inputs of one run over ``ids`` with the special tokens around them."""
    sequence = np.concatenate([tokens.prefix, ids, tokens.suffix]).astype(np.int64)[None]
    feeds: dict[str, NDArray[Any]] = {
        variant.ids: sequence,
        variant.mask: np.ones_like(sequence),
    }
    if variant.targets:
        feeds[variant.targets] = sequence[:, 1:]
    if variant.positions:
        feeds[variant.positions] = np.arange(sequence.shape[1])[None]
    if variant.token_types:
        feeds[variant.token_types] = np.zeros_like(sequence)
    if variant.cache:
        empty = np.zeros((1, variant.cache.heads, 0, variant.cache.head_size), dtype=np.float32)
        feeds |= {past: empty for past, _ in variant.cache.names}
    return feeds
