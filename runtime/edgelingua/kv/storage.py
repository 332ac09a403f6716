"""A session as one file: an uncompressed ``.npz`` of its arrays and of what they belong to.

Cells and their description are one file so that they can be replaced in one step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import StateError
from edgelingua.files import npz
from edgelingua.kv.memory import NO_TOKEN
from edgelingua.kv.options import check_cap
from edgelingua.kv.policy import Policy
from edgelingua.kv.state import Cells

FORMAT = 1
"""Version of the file's layout."""

_MARK = "edgelingua session"
_COLUMNS: Mapping[str, type[np.generic]] = {
    "positions": np.int64,
    "tokens": np.int32,
    "pinned": np.bool_,
    "importance": np.float32,
    "group": np.int32,
    "attention": np.float32,
}


@dataclass(frozen=True, eq=False)
class SavedSession:
    """What a file holds.

    ``identity`` says which model, library and cache the ``state`` belongs to. ``logits`` are those
    after the last token. ``queries`` and ``query_positions`` are empty where no policy listened.
    ``notes`` is the caller's, as JSON takes it.
    """

    identity: Mapping[str, Any]
    policy: str
    counts: Mapping[str, int]
    cells: Cells
    state: NDArray[np.uint8]
    logits: NDArray[np.float32]
    queries: NDArray[np.float32]
    query_positions: NDArray[np.int64]
    notes: Mapping[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the file; whatever happens meanwhile, the old one or the new one is there.

        A new one is readable by its owner only: a conversation lies in it.
        """
        about = {
            "mark": _MARK,
            "format": FORMAT,
            "identity": dict(self.identity),
            "policy": self.policy,
            "counts": dict(self.counts),
            "notes": dict(self.notes),
        }
        arrays: dict[str, NDArray[Any]] = {name: getattr(self.cells, name) for name in _COLUMNS}
        arrays |= {name: getattr(self, name) for name in _ARRAYS}
        npz.save(path, arrays, about)

    @classmethod
    def read(cls, path: Path) -> SavedSession:
        """Read a file whole; what killed saves of it have left beside it goes.

        Raises
        ------
        StateError
            It cannot be read, is damaged, or is no saved session of this version.
        """
        return npz.load(path, cls._checked, "a saved session")

    @classmethod
    def _checked(cls, members: npz.Members) -> SavedSession:
        saved = cls._of(members)
        saved._check()
        return saved

    @classmethod
    def _of(cls, members: npz.Members) -> SavedSession:
        about = members.about()
        if about["mark"] != _MARK or about["format"] != FORMAT:
            raise StateError(
                f"a saved session of format {about['format']}, expected {FORMAT}; save it again "
                "with this version"
            )
        for name, kind in _ABOUT.items():
            if not isinstance(about[name], kind):
                raise ValueError(f"{name} of type {type(about[name]).__name__}")
        if any(type(count) is not int for count in about["counts"].values()):
            raise ValueError("counts that are no whole numbers")
        return cls(
            identity=about["identity"],
            policy=about["policy"],
            counts=about["counts"],
            cells=Cells(**{name: members.read(name, kind) for name, kind in _COLUMNS.items()}),
            notes=about["notes"],
            **{name: members.read(name, kind) for name, kind in _ARRAYS.items()},
        )

    def check(self, identity: Mapping[str, Any], policy: Policy, trained_length: int) -> None:
        """Compare with what is to take it up, before memory is set aside for it.

        Raises
        ------
        StateError, CapError
            Another model, library, cache or policy; or numbers that no session has.
        """
        for name, value in identity.items():
            if self.identity.get(name) != value:
                raise StateError(
                    f"the session was saved with {name} {self.identity.get(name)}, here it is "
                    f"{value}; only the same takes it up again"
                )
        if self.policy != repr(policy):
            raise StateError(f"the session was saved with {self.policy}, here it is {policy}")
        cap, block = self.counts["cap"], self.counts["block"]
        check_cap(cap, trained_length)
        if block < 1:
            raise StateError(f"a block of {block} tokens saved: expected at least 1")
        used, peak, evicted = len(self.cells), self.counts["peak"], self.counts["evicted"]
        if not used <= peak <= cap or evicted < 0:
            raise StateError(
                f"{used} cells, {peak} at most and {evicted} evicted, saved under a cap of {cap}"
            )
        if self.cells.next_position > trained_length:
            raise StateError(
                f"position {self.cells.next_position - 1} saved; the model was trained for "
                f"{trained_length}"
            )
        if len(self.query_positions) > policy.queries:
            raise StateError(
                f"{len(self.query_positions)} queries saved, the policy looks at {policy.queries}"
            )
        if len(self.cells.attention) and "attention" not in policy.signals:
            raise StateError("attention weights saved for a policy that does not ask for them")

    def _check(self) -> None:
        cells = self.cells
        for name in ("positions", "tokens", "pinned", "importance", "group"):
            if getattr(cells, name).shape != (len(cells),):
                raise ValueError(f"{name} {getattr(cells, name).shape} for {len(cells)} cells")
        if cells.attention.ndim != 2 or cells.attention.shape[1] not in (0, len(cells)):
            raise ValueError(f"attention {cells.attention.shape} for {len(cells)} cells")
        if len(cells) == 0 or cells.positions[0] < 0 or (np.diff(cells.positions) < 1).any():
            raise ValueError("positions that do not ascend")
        if self.logits.ndim != 1 or self.state.ndim != 1:
            raise ValueError("logits or cells of a wrong shape")
        if not np.isfinite(self.logits.max()):  # NaN anywhere makes this NaN
            raise ValueError("logits that are not numbers")
        if cells.tokens.min() < NO_TOKEN or cells.tokens.max() >= len(self.logits):
            raise ValueError(f"tokens that are none of {len(self.logits)}")
        if not (cells.attention >= 0).all() or not np.isfinite(cells.attention).all():
            raise ValueError("attention weights that are none")
        if self.queries.ndim != 4 or self.query_positions.shape != self.queries.shape[1:2]:
            raise ValueError(f"queries {self.queries.shape} at {self.query_positions.shape}")
        # They are those of the last tokens, one behind the other.
        last = cells.next_position - len(self.query_positions)
        if not np.array_equal(self.query_positions, np.arange(last, cells.next_position)):
            raise ValueError("queries of other tokens than the last ones")
        if not np.isfinite(self.queries).all():
            raise ValueError("queries that are not numbers")


_ABOUT: Mapping[str, type] = {"identity": dict, "policy": str, "counts": dict, "notes": dict}

_ARRAYS: Mapping[str, type[np.generic]] = {
    "state": np.uint8,
    "logits": np.float32,
    "queries": np.float32,
    "query_positions": np.int64,
}
