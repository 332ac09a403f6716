"""From a source to a verified bundle: load, convert, quantize, prove, put in place."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from edgelingua import parity
from edgelingua.bundle import ModelBundle, hash_file
from edgelingua.manifest import MANIFEST, TOKENIZER, FileRecord, Manifest, Task, Tokens, Variant
from edgelingua.scorers import PerplexityScorer
from edgelingua.text import TextTokenizer
from edgelingua_export.attention_outputs import Head, add_attention_output
from edgelingua_export.errors import ExportError, ParityError
from edgelingua_export.fuse import fuse
from edgelingua_export.gguf_tokenizer import check_against_llama_cpp
from edgelingua_export.graph import convert, describe, describe_tokens
from edgelingua_export.heads import add_keep_head, add_nll_head
from edgelingua_export.quantization.measure import loss
from edgelingua_export.quantization.options import SearchOptions
from edgelingua_export.quantize import FP32, INT8, quantize
from edgelingua_export.sources import Loaded, Source, load
from edgelingua_export.torch_reference import reference_attention, reference_scores

CALIBRATION_TOKENS = 256

MAX_CONVERSION_ERROR = {"scorer": 1e-2, "classifier": 1e-3}
"""Largest difference allowed between torch and the fp32 graph on any token (nats, P(keep))."""

MAX_ATTENTION_ERROR = 1e-3
"""Largest difference allowed between torch's and the fp32 graph's attention weights."""

UNTRAINED = (
    "The classification head is untrained (random weights, fixed seed): this bundle is for "
    "checking parity and speed, its scores mean nothing."
)

Report = Callable[[str], None]


@dataclass(frozen=True)
class BuildOptions:
    """What to build.

    Parameters
    ----------
    keep_fp32
        Put the fp32 graph into the bundle as a second variant.
    keep_label
        The classifier's label that means "keep".
    reads_question
        The classifier was trained on sentence pairs of a question and a text. So it is, too, if its
        ``config.json`` says ``"reads_question": true``.
    attention
        Heads of a scorer whose attention the graph is to show.
    replace
        Replace a bundle that is already there.
    search
        How to choose the quantization.
    """

    keep_fp32: bool = False
    keep_label: int = 1
    reads_question: bool = False
    attention: tuple[Head, ...] = ()
    replace: bool = False
    search: SearchOptions = field(default_factory=SearchOptions)


def build(
    source: Source, task: Task, output: Path, options: BuildOptions, report: Report
) -> Manifest:
    """Build a bundle in the folder ``output``.

    Everything is made and checked in a folder beside it, which takes its place in one step at the
    end: an export that is killed or refused leaves ``output`` as it was.

    Raises
    ------
    ExportError
        The output exists, or the model cannot be loaded, converted or quantized.
    ParityError
        fp32 differs from torch, or INT8 from fp32, by more than the gates allow.
    """
    output = output.absolute()
    _check_output(output, options)
    partial, old = (output.with_name(f".{output.name}.{what}") for what in ("partial", "old"))
    output.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(output):
        for leftover in (partial, old):  # of an export that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir()
        try:
            manifest = _build_in(partial, source, task, output.name, options, report)
            if output.exists():
                output.rename(old)
            partial.rename(output)
        finally:
            for leftover in (partial, old):
                shutil.rmtree(leftover, ignore_errors=True)
    return manifest


def _search_state(output: Path) -> Path:
    """Where a search keeps what it measured: outside the folder that a new start clears."""
    return output.with_name(f".{output.name}.search.jsonl")


def _only_one(output: Path) -> FileLock:
    """A lock against a second build of the same bundle, out of sight of the user's folder."""
    name = hashlib.sha256(str(output).encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"edgelingua-build-{name}.lock")


def _build_in(
    folder: Path, source: Source, task: Task, name: str, options: BuildOptions, report: Report
) -> Manifest:
    started = time.monotonic()

    def step(message: str) -> None:
        report(f"[{time.monotonic() - started:5.0f} s] {message}")

    step(f"loading {source.location}")
    loaded = load(source, task)
    tokens = describe_tokens(loaded, task, options.reads_question)
    _check_options(loaded, task, options)

    step("converting to ONNX (fp32)")
    fp32 = convert(loaded, task, folder / "fp32")
    _keep_only_graph(fp32)
    if source.gguf:
        check_against_llama_cpp(
            loaded.tokenizer.backend_tokenizer, Path(source.folder) / source.gguf, step
        )
    loaded.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER), pretty=False)
    tokenizer = TextTokenizer(folder / TOKENIZER, tokens.word_boundary)
    calibration = _excerpt(tokenizer.encode(_text("calibration.txt")).ids, options.search.seed)

    step("fusing")
    plain = describe(fp32, "fp32/model.onnx", "fp32")
    fused = fuse(fp32, task, loaded.model.config, plain, _feeds(plain, tokens, calibration))
    step(f"fused {fused}")
    if task == "scorer":
        if options.attention:
            add_attention_output(fp32, options.attention, loaded.model.config.num_attention_heads)
        add_nll_head(fp32)
    else:
        add_keep_head(fp32, options.keep_label)
    fp32_variant = describe(fp32, "fp32/model.onnx", "fp32", options.attention)

    int8_variant = replace(fp32_variant, file="model.int8.onnx", precision="int8")
    labels = {"keep_label": options.keep_label} if task == "classifier" else {}
    manifest = Manifest(
        name=name,
        task=task,
        trained=loaded.trained,
        tokens=tokens,
        variants={INT8: int8_variant, FP32: fp32_variant},
        files={},
        source={k: v for k, v in asdict(source).items() if k != "folder"},
        recipe=labels | {"fused": fused},
        tools=_tools(),
        notes="" if loaded.trained else UNTRAINED,
    )
    step(f"searching a quantization for {options.search.target}")
    feeds = _feeds(fp32_variant, tokens, calibration)
    state = _search_state(folder.with_name(name))
    recipe = quantize(ModelBundle(folder, manifest), feeds, options.search, state, step)
    manifest = replace(manifest, recipe={**manifest.recipe, **recipe})
    return _prove(folder, manifest, loaded, options, step)


def _prove(
    folder: Path, manifest: Manifest, loaded: Loaded, options: BuildOptions, step: Report
) -> Manifest:
    """Score a real text with torch, fp32 and INT8 through the runtime; write the final manifest."""
    step("parity on real text: torch, fp32, INT8")
    (folder / parity.TEXT).parent.mkdir()
    (folder / parity.TEXT).write_text(_text("parity.txt"), encoding="utf-8")
    bundle = _write(folder, manifest)
    ids = bundle.tokenizer().encode(_text("parity.txt")).ids
    scores = {name: parity.scorer_for(bundle, name).score_ids(ids) for name in (FP32, INT8)}
    # As many tokens as fit the model at once: how windows are cut is not what is compared here.
    tokens = manifest.tokens
    room = min(parity.WINDOW, tokens.max_length) - len(tokens.prefix) - len(tokens.suffix)
    once = ids[:room]
    original = reference_scores(loaded, manifest.task, tokens, once, options.keep_label)
    exported = parity.scorer_for(bundle, FP32).score_ids(once)
    conversion = float(np.abs(exported - original).max())
    bound = MAX_CONVERSION_ERROR[manifest.task]
    int8 = parity.compare(manifest.task, scores[INT8], scores[FP32])
    failures = list(int8.failures)
    if not conversion <= bound:
        failures.insert(0, f"fp32 differs from torch by {conversion:.2g}, expected <= {bound:g}")
    figures: dict[str, Any] = {
        "text_tokens": len(ids),
        "fp32_vs_torch": {"max_difference": conversion},
        "variants": {INT8: int8.figures},
    }
    if options.attention:
        difference = _attention_difference(bundle, loaded, once, options.attention)
        figures["attention_vs_torch"] = {"max_difference": difference}
        if not difference <= MAX_ATTENTION_ERROR:
            failures.append(f"attention differs from torch by {difference:.2g}")
    step(f"fp32 vs torch: max |Δ| {conversion:.2g}")
    step("INT8 vs fp32: " + ", ".join(f"{k} {v:.4g}" for k, v in int8.figures.items()))
    lost, allowed = loss(manifest.task, int8.figures), options.search.max_loss
    step(f"loss on this held-out text {lost:.2%}, {'over' if lost > allowed else 'within'} the "
         f"{allowed:.2%} that was asked for on the search text")  # fmt: skip
    if failures:
        raise ParityError(
            f"{loaded.source.location}: parity failed, no bundle written: {'; '.join(failures)}"
        )

    np.save(folder / parity.REFERENCE, scores[FP32])
    variants = dict(manifest.variants)
    if not options.keep_fp32:
        del variants[FP32]
        shutil.rmtree(folder / "fp32")
    final = replace(manifest, variants=variants, parity=figures)
    return _write(folder, final).manifest


def _attention_difference(
    bundle: ModelBundle, loaded: Loaded, ids: NDArray[np.int64], heads: tuple[Head, ...]
) -> float:
    scorer = PerplexityScorer(bundle, variant=FP32, window=parity.WINDOW)
    exported = scorer.attention(ids, len(ids) // 2)
    original = reference_attention(loaded, bundle.manifest.tokens, ids, heads)
    return float(np.abs(exported - original[:, -exported.shape[1] :]).max())


def _write(folder: Path, manifest: Manifest) -> ModelBundle:
    """Write the manifest for the files now in ``folder``; open the result as a user would."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    records = {
        p.relative_to(folder).as_posix(): FileRecord(p.stat().st_size, hash_file(p)) for p in paths
    }
    text = replace(manifest, files=records).dumps()
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return ModelBundle.open(folder)


def _check_output(output: Path, options: BuildOptions) -> None:
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if not (output / MANIFEST).is_file():
        raise ExportError(f"{output}: exists and is not a bundle; choose another folder")
    if not options.replace:
        raise ExportError(f"{output}: there is a bundle already; --replace replaces it")


def _check_options(loaded: Loaded, task: Task, options: BuildOptions) -> None:
    if task == "classifier" and options.attention:
        raise ExportError("attention: only a scorer's graph can show what its heads look at")
    labels = loaded.model.config.num_labels
    if task == "classifier" and not 0 <= options.keep_label < labels:
        raise ExportError(
            f"{loaded.source.location}: keep label {options.keep_label}, but the classifier has "
            f"{labels} labels; say which with --keep-label"
        )


def _keep_only_graph(graph: Path) -> None:
    """Remove what optimum writes besides the graph and its weights."""
    for path in graph.parent.iterdir():
        if not path.name.startswith(graph.name):
            path.unlink()


def _feeds(variant: Variant, tokens: Tokens, ids: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Inputs of one run over ``ids`` with the special tokens around them."""
    ids = ids[: tokens.max_length - len(tokens.prefix) - len(tokens.suffix)]
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


def _excerpt(ids: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Tokens of the calibration text from a place drawn with ``seed``."""
    start = np.random.default_rng(seed).integers(max(1, len(ids) - CALIBRATION_TOKENS + 1))
    return ids[start : start + CALIBRATION_TOKENS]


def _tools() -> dict[str, str]:
    packages = ("edgelingua", "torch", "transformers", "optimum-onnx", "onnx", "onnxruntime")
    return {package: metadata.version(package) for package in packages}


def _text(name: str) -> str:
    return files("edgelingua_export").joinpath("data", name).read_text(encoding="utf-8")
