"""What was saved, for each day and model: what a server counts for its page."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from edgelingua.errors import StateError
from edgelingua.files.private import private_file
from edgelingua.integrations.server.logs import log

if TYPE_CHECKING:
    from edgelingua.integrations.server.compressing import Done
    from edgelingua.integrations.server.laid import Laid
    from edgelingua.integrations.server.written import Finish

SOME = 64
"""Tokens read at once that tell how fast a model reads: fewer take longer each."""

MOST = 1000
"""Rows that are kept, a day and model each; the oldest go."""

_LONGEST = 200
"""Characters of a model's name, which clients choose where others answer them."""


@dataclass(frozen=True)
class Saved:
    """What is counted of a day and model, or of one request.

    ``tokens_left_out`` were not read because something was compressed, ``tokens_cached`` not
    because they had been read before; ``tokens_read`` were. ``tokens_timed`` of these were read in
    ``seconds_timed``, which says how fast the model reads.
    """

    answers: int = 0
    compressions: int = 0
    tokens_left_out: int = 0
    tokens_cached: int = 0
    tokens_read: int = 0
    tokens_written: int = 0
    seconds_compressing: float = 0.0
    tokens_timed: int = 0
    seconds_timed: float = 0.0

    @property
    def seconds_saved(self) -> float | None:
        """What reading the rest would have taken at that speed, less the time of compressing.

        An estimate; ``None`` where the speed is not known.
        """
        if not self.seconds_timed:
            return None
        each = self.seconds_timed / self.tokens_timed
        return (self.tokens_left_out + self.tokens_cached) * each - self.seconds_compressing


_NAMES = [field.name for field in fields(Saved)]


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


class Savings:
    """Counts what was saved; for one thread. Several processes may share a file.

    Parameters
    ----------
    folder
        Where it is kept, as a file of SQLite. ``None``: in memory.
    today
        Returns the date, in UTC as it is.

    Raises
    ------
    StateError
        The file cannot be opened.
    """

    def __init__(self, folder: Path | None = None, today: Callable[[], str] = _today) -> None:
        self._today = today
        path = ":memory:"
        if folder is not None:
            private_file(folder / "savings.sqlite")
            path = str(folder / "savings.sqlite")
        columns = ", ".join(f"{name} NUMERIC NOT NULL" for name in _NAMES)
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(
                f"CREATE TABLE IF NOT EXISTS saved (day TEXT, model TEXT, {columns}, "
                "PRIMARY KEY (day, model)) WITHOUT ROWID"
            )
        except sqlite3.Error as error:
            raise StateError(f"{path}: no savings of edgelingua ({error}); remove it") from None

    def add(self, model: str, saved: Saved) -> None:
        """Add to the sums of today and a model; that it fails is logged, and serving goes on."""
        # JSON may hold halves of surrogate pairs, which are no text to SQLite.
        name = model[:_LONGEST].encode(errors="replace").decode()
        row = (self._today(), name, *astuple(saved))
        sums = ", ".join(f"{column} = {column} + excluded.{column}" for column in _NAMES)
        try:
            self._db.execute(
                f"INSERT INTO saved VALUES ({', '.join('?' * len(row))}) "
                f"ON CONFLICT (day, model) DO UPDATE SET {sums}",
                row,
            )
            self._db.execute(
                "DELETE FROM saved WHERE (day, model) IN (SELECT day, model FROM saved "
                f"ORDER BY day DESC, model LIMIT -1 OFFSET {MOST})"
            )
        except sqlite3.Error as error:
            log("savings failed", {"error": type(error).__name__})

    def answered(self, model: str, laid: Laid, finishes: Sequence[Finish]) -> None:
        """Add an answer of a reader here."""
        finish = finishes[0]  # the one for which the prompt was read
        read = len(laid.tokens) - finish.cached
        timed = read >= SOME
        saved = Saved(
            answers=1,
            tokens_left_out=max(0, laid.before - len(laid.tokens)),
            tokens_cached=finish.cached,
            tokens_read=read,
            tokens_written=sum(one.written for one in finishes),
            seconds_compressing=laid.seconds,
            tokens_timed=read if timed else 0,
            seconds_timed=finish.seconds_reading if timed else 0.0,
        )
        self.add(model, saved)

    def compressed(self, model: str, done: Done) -> None:
        """Add a text that was compressed, but for previews."""
        if done.preview:
            return
        seconds = done.reply["seconds_compressing"]
        self.add(
            model,
            Saved(compressions=1, tokens_left_out=done.left_out, seconds_compressing=seconds),
        )

    def listed(self) -> list[dict[str, Any]]:
        """Return all rows, the newest day first, as JSON has them."""
        rows = self._db.execute(f"SELECT day, model, {', '.join(_NAMES)} FROM saved")
        found = [(day, model, Saved(*sums)) for day, model, *sums in rows]
        found.sort(key=lambda row: row[1])
        found.sort(key=lambda row: row[0], reverse=True)
        return [
            {"day": day, "model": model, **asdict(saved), "seconds_saved": saved.seconds_saved}
            for day, model, saved in found
        ]

    async def reply(self, _: Request) -> JSONResponse:
        """Serve `listed`."""
        return JSONResponse({"object": "list", "data": self.listed()})

    def close(self) -> None:
        """Close the file."""
        self._db.close()
