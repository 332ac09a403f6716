"""Does this bundle, on this machine, still score like the full-precision model it was made from?

A bundle carries a real text and the scores that its fp32 graph gave it. Scoring that text again and
comparing needs neither torch nor the fp32 graph, so it can run on the device itself.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import Task, Variant
from edgelingua.bundle.placement import device_for
from edgelingua.errors import BundleError, InferenceError
from edgelingua.files import npy
from edgelingua.ort.devices import DEVICES
from edgelingua.ort.providers import hardware
from edgelingua.ort.session import RunOptions
from edgelingua.scorers.classifier import ClassifierScorer
from edgelingua.scorers.encoder import SentenceEncoder
from edgelingua.scorers.perplexity import PerplexityScorer
from edgelingua.scores import pool

TEXT = "parity/text.txt"
REFERENCE = "parity/reference.npy"

WINDOW = 1024
"""Window of the scorers that are compared; part of what the recorded reference means."""

_MAX_TEXT = 1_000_000  # bytes; ours has some ten thousand
# Figures of a variant of fixed length are for its own windows, and for the text's beginning only.
_FIXED_REFERENCE = "parity/reference-{}.npy"

_GATES: dict[Task, dict[str, tuple[str, float]]] = {
    "scorer": {"perplexity_loss": ("<=", 0.05), "agreement": (">=", 0.90)},
    "classifier": {"mean_difference": ("<=", 0.02), "agreement": (">=", 0.95)},
    "encoder": {"mean_difference": ("<=", 0.02), "agreement": (">=", 0.95)},
}

_SCORERS: dict[Task, type[PerplexityScorer | ClassifierScorer | SentenceEncoder]] = {
    "scorer": PerplexityScorer,
    "classifier": ClassifierScorer,
    "encoder": SentenceEncoder,
}


@dataclass(frozen=True)
class Parity:
    """Figures of a comparison with the fp32 graph, and the gates they failed.

    ``figures`` hold, for scores ``s`` against the reference ``r`` of the same tokens:
    ``mean_difference`` mean ``|s - r|``; ``agreement`` share of tokens on which both agree whether
    to keep them at rate 0.5; for a scorer also ``perplexity``, ``perplexity_fp32`` and
    ``perplexity_loss``, how far their ratio is from one. ``skipped``: why there was no comparison.
    """

    figures: dict[str, float]
    failures: tuple[str, ...] = ()
    skipped: str = ""


def scorer_for(
    bundle: ModelBundle, variant: str | None = None, options: RunOptions | None = None
) -> PerplexityScorer | ClassifierScorer | SentenceEncoder:
    """Return the scorer for a bundle's task, as it is compared here."""
    return _SCORERS[bundle.manifest.task](bundle, variant=variant, options=options, window=WINDOW)


def reference_file(variant: Variant) -> str:
    """Where in the bundle the fp32 scores lie that a variant is compared with."""
    return _FIXED_REFERENCE.format(variant.length) if variant.length else REFERENCE


def word_agreement(
    scores: NDArray[np.float32], reference: NDArray[np.float32], starts: NDArray[np.bool_]
) -> float:
    """Share of words on which two P(keep) ``(T,)`` agree whether to keep them at rate 0.5.

    ``starts`` ``(T,)``: the token begins a word, whose P(keep) is the mean of its tokens'.
    """
    begins = np.union1d(0, np.flatnonzero(starts))
    words, others = (pool(values, begins, "P(keep)") for values in (scores, reference))
    return float((_upper_half(words) == _upper_half(others)).mean())


def compare(task: Task, scores: NDArray[np.float32], reference: NDArray[np.float32]) -> Parity:
    """Compare scores ``(T,)`` with those of the fp32 graph for the same tokens."""
    figures = {
        "mean_difference": float(np.abs(scores - reference).mean()),
        "agreement": float((_upper_half(scores) == _upper_half(reference)).mean()),
    }
    if task == "scorer":
        perplexity, fp32 = (float(np.exp(x.mean(dtype=np.float64))) for x in (scores, reference))
        figures |= {
            "perplexity": perplexity,
            "perplexity_fp32": fp32,
            "perplexity_loss": abs(perplexity / fp32 - 1),
        }
    failures = []
    for name, (relation, bound) in _GATES[task].items():
        value = figures[name]
        # Written so that NaN fails.
        if not (value <= bound if relation == "<=" else value >= bound):
            failures.append(f"{name} {value:.4g}, expected {relation} {bound}")
    return Parity(figures, tuple(failures))


def verify(folder: str | Path, options: RunOptions | None = None) -> dict[str, Parity]:
    """Check a bundle's files, load each variant, and repeat its parity check.

    Returns
    -------
    dict
        Variant name → its figures; check ``failures``. Variants made for a device that is not here
        are ``skipped``.

    Raises
    ------
    BundleError, InferenceError
        As `ModelBundle.open` and the scorers; or the bundle carries no reference.
    """
    bundle = ModelBundle.open(folder)
    if TEXT not in bundle.manifest.files:
        raise BundleError(f"{bundle.folder}: has no {TEXT}: it cannot be verified; rebuild it")
    with bundle.unchanged():
        text = _text(bundle)
    ids = bundle.tokenizer().encode(text).ids
    options = options or RunOptions()
    return {name: _verify(bundle, name, ids, options) for name in bundle.manifest.variants}


def _verify(bundle: ModelBundle, name: str, ids: NDArray[np.int64], options: RunOptions) -> Parity:
    variant = bundle.manifest.variants[name]
    if variant.target != "cpu":
        try:
            device = device_for(variant.target)
            hardware(DEVICES[device])
        except InferenceError as error:
            return Parity({}, skipped=str(error))
        options = replace(options, device=device, strict=True)
    file = reference_file(variant)
    if file not in bundle.manifest.files:
        raise BundleError(f"{bundle.folder}: has no {file}: it cannot be verified; rebuild it")
    with bundle.unchanged():
        reference = _reference(bundle.folder / file)
    partial = variant.length is not None and 0 < len(reference) <= len(ids)
    ids = ids[: len(reference)] if partial else ids
    if reference.shape != ids.shape:
        raise BundleError(
            f"{bundle.folder / file}: {reference.shape} scores for {ids.shape} tokens"
        )
    scores = scorer_for(bundle, name, options).score_ids(ids)
    return compare(bundle.manifest.task, scores, reference)


def _text(bundle: ModelBundle) -> str:
    path = bundle.folder / TEXT
    size = bundle.manifest.files[TEXT].size
    if size > _MAX_TEXT:
        raise BundleError(f"{path}: {size} bytes, expected at most {_MAX_TEXT}")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{path}: not UTF-8 ({error})") from None


def _reference(path: Path) -> NDArray[np.float32]:
    """Scores of the fp32 graph. Mapped, not read: the file may be of any size."""
    try:
        with path.open("rb") as file:
            scores = npy.parse(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: not an array that numpy can read ({error})") from None
    if scores.dtype != np.float32 or scores.ndim != 1 or not np.isfinite(scores).all():
        raise BundleError(
            f"{path}: {scores.dtype} of shape {scores.shape}, or not finite; expected one finite "
            "float32 per token"
        )
    return scores


def table(results: dict[str, Parity]) -> str:
    """One line per variant, for people."""
    return "\n".join(
        f"{name}: not checked: {result.skipped}"
        if result.skipped
        else f"{name}: {'FAILED' if result.failures else 'ok'}; "
        + ", ".join(f"{figure} {value:.4g}" for figure, value in result.figures.items())
        for name, result in results.items()
    )


def refuse_failures(folder: str | Path, results: dict[str, Parity]) -> None:
    """Raise `BundleError` with the figures of every variant that failed a gate."""
    failed = [f"{name}: {'; '.join(r.failures)}" for name, r in results.items() if r.failures]
    if failed:
        raise BundleError(
            f"{folder}: does not score like its original on this machine: {'; '.join(failed)}"
        )


def _upper_half(scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    keep = np.zeros(len(scores), dtype=bool)
    keep[np.argsort(-scores, kind="stable")[: len(scores) // 2]] = True
    return keep
