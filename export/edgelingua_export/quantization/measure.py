"""Measures a candidate as a user would run it: through the runtime's scorers, on real text."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua import parity
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import Task
from edgelingua_export.quantization.scheme import Scheme

_TIMED_TOKENS = 256
_ROUNDS = 5

_HOPELESS = 1e9


@dataclass(frozen=True)
class Row:
    """What was measured of one candidate.

    Parameters
    ----------
    scheme
        The candidate.
    megabytes
        Size of the graph and its weights.
    loss
        What ``--max-loss`` bounds: of a scorer, how far its perplexity is from fp32's, as a share;
        of a classifier, the share of tokens on which keeping half is decided otherwise, or the mean
        difference of P(keep), whichever is larger.
    figures
        Those of `edgelingua.parity`, on the search text.
    missed
        Parity gates that it misses on the search text.
    milliseconds, fp32_milliseconds
        For 256 tokens, or as many as fit: medians of five runs each, in turns.
    """

    scheme: Scheme
    megabytes: float
    loss: float
    figures: dict[str, float]
    missed: tuple[str, ...]
    milliseconds: float
    fp32_milliseconds: float

    @property
    def difference(self) -> float:
        """Mean difference of scores: what noise of single tokens cannot cancel."""
        return self.figures["mean_difference"]

    @property
    def speed(self) -> float:
        """Speed as a multiple of fp32's."""
        return self.fp32_milliseconds / self.milliseconds

    def record(self) -> dict[str, Any]:
        """Return the row as JSON has it."""
        return {"label": self.scheme.label, **asdict(self)}

    @classmethod
    def parse(cls, record: dict[str, Any]) -> Row:
        """Read what `record` returned."""
        fields = {k: v for k, v in record.items() if k not in ("label", "scheme", "missed")}
        return cls(scheme=Scheme(**record["scheme"]), missed=tuple(record["missed"]), **fields)


def loss(task: Task, figures: dict[str, float]) -> float:
    """Return what ``--max-loss`` bounds; see `Row`."""
    if task == "scorer":
        return figures["perplexity_loss"]
    return max(1 - figures["agreement"], figures["mean_difference"])


class Measure:
    """Compares candidates with the fp32 variant of a bundle that is being built.

    Parameters
    ----------
    bundle
        Has the fp32 graph and, as ``candidate``, a variant whose file is written anew for each.
    fp32, candidate
        Names of the two variants.
    ids
        Tokens of the search text.
    """

    def __init__(
        self, bundle: ModelBundle, fp32: str, candidate: str, ids: NDArray[np.int64]
    ) -> None:
        self._bundle, self._candidate, self._ids = bundle, candidate, ids
        self._fp32 = parity.scorer_for(bundle, fp32)
        self._reference = self._fp32.score_ids(ids)

    @property
    def path(self) -> Path:
        """Where a candidate's graph is to be written."""
        return self._bundle.folder / self._bundle.variant(self._candidate).file

    def __call__(self, scheme: Scheme) -> Row:
        """Measure the candidate that is there now."""
        scorer = parity.scorer_for(self._bundle, self._candidate)
        task = self._bundle.manifest.task
        compared = parity.compare(task, scorer.score_ids(self._ids), self._reference)
        timed = self._ids[:_TIMED_TOKENS]
        runs = [
            (_milliseconds(lambda: scorer.score_ids(timed)), self._time_fp32(timed))
            for _ in range(_ROUNDS)
        ]
        mine, fp32 = (median(times) for times in zip(*runs, strict=True))
        # JSON knows no NaN; what is not finite counts as this, which no bound allows.
        figures = {k: v if math.isfinite(v) else _HOPELESS for k, v in compared.figures.items()}
        return Row(
            scheme,
            size_mb(self.path),
            loss(task, figures),
            figures,
            compared.failures,
            mine,
            fp32,
        )

    def _time_fp32(self, ids: NDArray[np.int64]) -> float:
        return _milliseconds(lambda: self._fp32.score_ids(ids))


def size_mb(path: Path) -> float:
    """Size of a graph and the weights beside it."""
    return sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*")) / 1e6


def _milliseconds(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return 1000 * (time.perf_counter() - started)
