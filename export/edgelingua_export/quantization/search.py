"""Tries schemes, from cheap to careful, and chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from edgelingua_export.errors import NoCandidateError
from edgelingua_export.quantization import report
from edgelingua_export.quantization.measure import Measure, Row
from edgelingua_export.quantization.network import Network
from edgelingua_export.quantization.options import MARGIN, SearchOptions
from edgelingua_export.quantization.outliers import Sensitivity, sensitivity
from edgelingua_export.quantization.scheme import Format, Scheme, Weights
from edgelingua_export.quantization.smoothing import smooth
from edgelingua_export.quantization.state import State
from edgelingua_export.quantization.targets import Target, target, this_cpu
from edgelingua_export.quantization.writer import write

_APART = (0, 4, 8, 16)
_SMOOTHING = 0.5
_STEPS = 32
"""How finely the number of products treated otherwise is searched: to a 32nd of them."""

_TIE = 0.05
"""Figures nearer to each other than this share count as equal: timings scatter by about as much."""


NOISY = (
    "the candidates' milliseconds, and search.png and README.md, which show them; the model only "
    "where speed decided and other candidates were about as fast"
)
"""What two builds from the same inputs need not have in common."""


@dataclass(frozen=True)
class Found:
    """What a search chose, and everything that it measured."""

    chosen: Row
    rows: tuple[Row, ...]
    record: dict[str, Any]


class Search:
    """A search over the candidates for one graph.

    Parameters
    ----------
    network
        The fp32 graph.
    fp32
        Its path.
    measure
        Compares a candidate with it.
    options
        What to choose by.
    state
        What was measured already.
    say
        Told of every candidate.
    """

    def __init__(
        self,
        network: Network,
        fp32: Path,
        measure: Measure,
        options: SearchOptions,
        state: State,
        say: Callable[[str], None],
    ) -> None:
        self._fp32, self._measure, self._state, self._say = fp32, measure, state, say
        self._options, self._target = options, target(options.target)
        self._bound = MARGIN * options.max_loss
        self._count = len(network.products)
        self._tied = network.tied is not None
        self._rows: dict[Scheme, Row] = {}

        # Both are used again and again: a search changes one thing at a time.
        @cache
        def smoothed(strength: float) -> Network:
            return smooth(network, strength) if strength else network

        @cache
        def seen(strength: float, weights: Weights, apart: int) -> Sensitivity:
            return sensitivity(smoothed(strength), weights, apart)

        self._smoothed, self._seen = smoothed, seen

    def run(self) -> Found:
        """Search, and leave the chosen candidate where `Measure` looks for one.

        Raises
        ------
        NoCandidateError
            No candidate keeps within the loss allowed; the message has the best and the table.
        """
        safe: list[Row] = []
        base = self._base()
        for weights in self._target.weights:
            for shared in (False, True) if self._tied else (False,):
                if self._done():
                    break
                row = self._protect(replace(base, weights=weights, shared=shared), safe)
                if row is not None:
                    safe.append(row)
        if not any(map(self._fits, self._rows.values())):
            self._refuse()
        if self._options.objective == "size":
            self._shrink(choose(list(self._rows.values()), self._options, self._bound)[0].scheme)
        chosen, decided_by = choose(list(self._rows.values()), self._options, self._bound)
        self._write(chosen.scheme)
        return Found(chosen, tuple(self._rows.values()), self._record(chosen, decided_by))

    def _base(self) -> Scheme:
        """The best treatment of outlying activations: it costs next to nothing."""
        first = Scheme(weights=self._target.weights[0])
        rows = []
        for apart in _APART:
            if self._done():
                break
            channels = self._seen(0.0, first.weights, apart).apart.values()
            if not apart or any(len(found) for found in channels):
                rows.append(self._try(replace(first, apart=apart)))
        best = _least_different(rows)
        if self._done() or self._smoothed(_SMOOTHING) is self._smoothed(0.0):
            return best.scheme  # enough, or nothing to smooth
        rows = [best, self._try(replace(best.scheme, smoothing=_SMOOTHING))]
        return _least_different(rows).scheme

    def _protect(self, start: Scheme, safe: list[Row]) -> Row | None:
        """Find how few products need a finer format, the most sensitive first.

        Finer formats are slower and larger: where even without them a candidate is worse than one
        of the ``safe`` ones, nothing is to be found.
        """
        row = self._try(start)
        if self._fits(row):
            return row
        if self._options.objective == "size":
            if any(other.megabytes <= row.megabytes for other in safe):
                return None
        elif any(other.speed * (1 - _TIE) > row.speed for other in safe):
            return None
        protections: tuple[Format, ...] = ("blocks8", "half")
        for protection in protections:
            finer = replace(start, protection=protection)
            if self._fits(self._try(replace(finer, protected=self._count))):
                return self._bisect(partial(_with_protected, finer), good=self._count, bad=0)
        return None

    def _shrink(self, start: Scheme) -> None:
        """Find how many products bear 4 bits, the least sensitive first."""
        most = self._count - start.protected
        self._bisect(partial(_with_blocks4, start), good=0, bad=most + 1)

    def _bisect(self, scheme: Callable[[int], Scheme], good: int, bad: int) -> Row:
        while not self._done() and abs(good - bad) > max(1, self._count // _STEPS):
            middle = (good + bad) // 2
            if self._fits(self._try(scheme(middle))):
                good = middle
            else:
                bad = middle
        return self._try(scheme(good))

    def _done(self) -> bool:
        wanted = self._options.objective == "first"
        return wanted and any(map(self._fits, self._rows.values()))

    def _fits(self, row: Row) -> bool:
        return _fits(row, self._bound)

    def _try(self, scheme: Scheme) -> Row:
        row = self._rows.get(scheme) or self._state.rows.get(scheme)
        if row is None:
            self._write(scheme)
            row = self._measure(scheme)
            self._state.add(row)
        if scheme not in self._rows:
            self._rows[scheme] = row
            self._say(
                f"{len(self._rows):3d}. {scheme.label}: {row.megabytes:.1f} MB, loss "
                f"{row.loss:.2%}, {row.speed:.2f}x fp32"
            )
        return row

    def _write(self, scheme: Scheme) -> None:
        write(
            self._smoothed(scheme.smoothing),
            self._seen(scheme.smoothing, scheme.weights, scheme.apart),
            scheme,
            self._target.weights[-1],
            (self._measure.path, self._fp32),
        )

    def _refuse(self) -> None:
        rows = list(self._rows.values())
        best = min(rows, key=lambda row: (row.loss, row.scheme.label))
        raise NoCandidateError(
            f"no candidate keeps within {self._bound:.2%} on the search text ({MARGIN:.0%} of "
            f"--max-loss {self._options.max_loss:.2%}); the best is {best.scheme.label} with "
            f"{best.loss:.2%}. Allow more, and the search goes on from "
            f"here; or keep fp32. Tried:\n{report.table(rows, None)}"
        )

    def _record(self, chosen: Row, decided_by: str) -> dict[str, Any]:
        goal: Target = self._target
        return {
            "target": goal.name,
            "rule": goal.rule,
            "latency": goal.timed_on(this_cpu()),
            "objective": self._options.objective,
            "max_loss": self._options.max_loss,
            "margin": MARGIN,
            "seed": self._options.seed,
            "key": self._state.key,
            "chosen": chosen.scheme.label,
            "decided_by": decided_by,
            "differs_between_builds": NOISY,
            "candidates": [row.record() for row in self._rows.values()],
        }


def _least_different(rows: list[Row]) -> Row:
    """The smallest of those whose scores are nearest to fp32's.

    A loss as large as here can be small by luck, as tokens that got worse and better cancel; the
    mean difference of scores cannot.
    """
    least = min(row.difference for row in rows)
    near = [row for row in rows if row.difference <= least * (1 + _TIE)]
    return min(near, key=lambda row: (row.megabytes, row.difference, row.scheme.label))


def _with_protected(scheme: Scheme, count: int) -> Scheme:
    return replace(scheme, protected=count)


def _with_blocks4(scheme: Scheme, count: int) -> Scheme:
    return replace(scheme, blocks4=count)


def choose(rows: list[Row], options: SearchOptions, bound: float) -> tuple[Row, str]:
    """Choose among the rows within the bound; also say what decided.

    Ties break by size, then loss, then label, so that noise in timings matters only where speeds
    differ by more than `_TIE`.
    """
    fitting = [row for row in rows if _fits(row, bound)]

    def small(row: Row) -> tuple[float, float, str]:
        return row.megabytes, row.loss, row.scheme.label

    if options.objective == "first":
        return fitting[0], "the first that kept within the loss; no timing took part"
    if options.objective == "size":
        return min(fitting, key=small), "size; no timing took part"
    fastest = max(row.speed for row in fitting)
    tied = [row for row in fitting if row.speed >= fastest * (1 - _TIE)]
    return min(tied, key=small), (
        "measured speed, which is noisy and decided what was tried too: "
        f"{len(tied)} of {len(fitting)} candidates within {_TIE:.0%} of the fastest count as "
        "equal; among them the smallest"
    )


def _fits(row: Row, bound: float) -> bool:
    """Whether the loss is allowed, and the bundle's parity gates let it through. NaN does not."""
    return row.loss <= bound and not row.missed
