"""From a source to a verified bundle: load, convert, quantize, prove, put in place."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import FileLock

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import MANIFEST, TOKENIZER, FileRecord, Manifest, Task
from edgelingua.files.folders import aside, remove, replace_folder, restore
from edgelingua.files.safe import hash_file
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export import npu, texts
from edgelingua_export.attention_outputs import cut_short
from edgelingua_export.card import write_card
from edgelingua_export.conversion import make_fp32
from edgelingua_export.errors import NoCandidateError
from edgelingua_export.options import BuildOptions
from edgelingua_export.places import refuse_existing
from edgelingua_export.proof import prove, write_text
from edgelingua_export.quantization.measure import loss
from edgelingua_export.quantize import FP32, INT8, quantize
from edgelingua_export.reports import Report, timed
from edgelingua_export.sources import Source

__all__ = ["BuildOptions", "build"]

UNTRAINED = (
    "The classification head is untrained (random weights, fixed seed): this bundle is for "
    "checking parity and speed, its scores mean nothing."
)


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
        fp32 differs from torch, or a variant from fp32, by more than the gates allow.
    """
    output = output.absolute()
    partial = output.with_name(f".{output.name}.partial")
    measured = output.with_name(f".{output.name}.search.jsonl")
    output.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(output):
        restore(output)
        for leftover in (partial, aside(output)):  # of an export that was killed
            remove(leftover)
        refuse_existing(output, replace=options.replace)
        new = partial / "bundle"
        new.mkdir(parents=True)
        try:
            with _temporary_files(partial / "tmp"):
                manifest = _build_in(new, output, source, task, options, measured, timed(report))
            measured.unlink(missing_ok=True)
            replace_folder(new, output)
        except NoCandidateError:
            raise  # with more loss allowed, a search goes on with what was measured
        except Exception:
            measured.unlink(missing_ok=True)
            raise
        finally:
            remove(partial)
    return manifest


@contextmanager
def _temporary_files(folder: Path) -> Iterator[None]:
    """Have the tools put theirs into ``folder``: those of a killed build go with the rest of it."""
    folder.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


@contextmanager
def _only_one(output: Path) -> Iterator[None]:
    """Hold a lock against a second build of the same bundle, out of sight of the user's folder."""
    name = hashlib.sha256(str(output).encode()).hexdigest()[:16]
    file = Path(tempfile.gettempdir()) / f"edgelingua-build-{name}.lock"
    with FileLock(file):
        yield
        # While it is held: who waits for it then takes a new one. Windows removes it by itself.
        with suppress(OSError):
            file.unlink()


def _build_in(  # noqa: PLR0917 - a step of `build`, which has all of this
    folder: Path,
    output: Path,
    source: Source,
    task: Task,
    options: BuildOptions,
    measured: Path,
    step: Report,
) -> Manifest:
    """Build in ``folder`` what will stand at ``output``; ``measured``: the search's memory."""
    made = make_fp32(folder, source, task, options, step)
    int8 = replace(made.variant, file="model.int8.onnx", precision="int8")
    recipe: dict[str, Any] = {"fused": made.fused}
    if task == "classifier":
        recipe["keep_label"] = options.keep_label
    manifest = Manifest(
        name=output.name,
        task=task,
        trained=made.trained,
        tokens=made.tokens,
        variants={INT8: int8, FP32: made.variant},
        files={},
        source={k: v for k, v in asdict(source).items() if k != "folder"}
        | {"weights_sha256": made.weights_sha256},
        tools=_tools(),
        notes="" if made.trained else UNTRAINED,
    )
    step(f"searching a quantization for {options.search.target}")
    recipe |= quantize(ModelBundle(folder, manifest), made.feeds, options.search, measured, step)
    tokenizer = TextTokenizer(folder / TOKENIZER, made.tokens.word_boundary)
    variants = {label: cut_short(folder, each) for label, each in manifest.variants.items()}
    used = [
        texts.record(texts.CALIBRATION, "outliers and sensitive layers", len(made.calibration)),
        texts.record(texts.SEARCH, "comparing candidates", recipe["search"]["tokens"]),
        texts.record(texts.PARITY, "parity", tokenizer.count(texts.read(texts.PARITY))),
    ]
    if made.unfused:
        step("quantizing for the NPU")
        ids = tokenizer.encode(texts.read(texts.CALIBRATION)).ids
        fixed, recipe["npu"] = npu.add_variants(folder, made.unfused, made.tokens, ids)
        variants |= fixed
        used.append(texts.record(texts.CALIBRATION, "ranges of the NPU's variants", len(ids)))
    recipe["calibration"] = used
    manifest = replace(manifest, variants=variants, recipe=recipe)
    write_text(folder)
    figures = prove(_write(folder, manifest), made.original, step)
    lost, allowed = loss(task, figures["variants"][INT8]), options.search.max_loss
    step(
        f"loss on this held-out text {lost:.2%}, {'over' if lost > allowed else 'within'} the "
        f"{allowed:.2%} that was asked for on the search text"
    )
    if not options.keep_fp32:
        del variants[FP32]
        shutil.rmtree(folder / "fp32")
    _write(folder, replace(manifest, variants=variants, parity=figures))
    return write_card(folder)


def _write(folder: Path, manifest: Manifest) -> ModelBundle:
    """Write the manifest for the files now in ``folder``; open the result as a user would."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    records = {
        p.relative_to(folder).as_posix(): FileRecord(p.stat().st_size, hash_file(p)) for p in paths
    }
    text = replace(manifest, files=records).dumps()
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return ModelBundle.open(folder)


def _tools() -> dict[str, str]:
    packages = ("edgelingua", "torch", "transformers", "optimum-onnx", "onnx", "onnxruntime")
    return {package: metadata.version(package) for package in packages}
