"""Does this bundle, on this machine, still score like the full-precision model it was made from?

A bundle carries a real text and the scores that its fp32 graph gave it. Scoring that text again and
comparing needs neither torch nor the fp32 graph, so it can run on the device itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgelingua.bundle import ModelBundle
from edgelingua.errors import BundleError
from edgelingua.manifest import Task
from edgelingua.ort import RunOptions
from edgelingua.scorers.classifier import ClassifierScorer
from edgelingua.scorers.perplexity import PerplexityScorer

TEXT = "parity/text.txt"
REFERENCE = "parity/reference.npy"

WINDOW = 1024
"""Window of the scorers that are compared; part of what the recorded reference means."""

_GATES: dict[Task, dict[str, tuple[str, float]]] = {
    "scorer": {"perplexity_loss": ("<=", 0.05), "agreement": (">=", 0.90)},
    "classifier": {"mean_difference": ("<=", 0.02), "agreement": (">=", 0.95)},
}


@dataclass(frozen=True)
class Parity:
    """Figures of a comparison with the fp32 graph, and the gates they failed.

    ``figures`` hold, for scores ``s`` against the reference ``r`` of the same tokens:
    ``mean_difference`` mean ``|s - r|``; ``agreement`` share of tokens on which both agree whether
    to keep them at rate 0.5; for a scorer also ``perplexity``, ``perplexity_fp32`` and
    ``perplexity_loss``, how far their ratio is from one.
    """

    figures: dict[str, float]
    failures: tuple[str, ...]


def scorer_for(
    bundle: ModelBundle, variant: str | None = None, options: RunOptions | None = None
) -> PerplexityScorer | ClassifierScorer:
    """Return the scorer for a bundle's task, as it is compared here."""
    if bundle.manifest.task == "scorer":
        return PerplexityScorer(bundle, variant=variant, options=options, window=WINDOW)
    return ClassifierScorer(bundle, variant=variant, options=options, window=WINDOW)


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
        Variant name → its figures; check ``failures``.

    Raises
    ------
    BundleError, InferenceError
        As `ModelBundle.open` and the scorers; or the bundle carries no reference.
    """
    bundle = ModelBundle.open(folder)
    for name in (TEXT, REFERENCE):
        if name not in bundle.manifest.files:
            raise BundleError(f"{bundle.folder}: has no {name}: it cannot be verified; rebuild it")
    text = (bundle.folder / TEXT).read_text(encoding="utf-8")
    reference = np.load(bundle.folder / REFERENCE, allow_pickle=False)
    ids = bundle.tokenizer().encode(text).ids
    if reference.shape != ids.shape:
        raise BundleError(
            f"{bundle.folder / REFERENCE}: {reference.shape} scores for {ids.shape} tokens"
        )
    return {
        name: compare(
            bundle.manifest.task, scorer_for(bundle, name, options).score_ids(ids), reference
        )
        for name in bundle.manifest.variants
    }


def table(results: dict[str, Parity]) -> str:
    """One line per variant, for people."""
    return "\n".join(
        f"{name}: {'FAILED' if result.failures else 'ok'}; "
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
