"""What was sent to the server behind the proxy, so that it is sent again byte for byte."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from edgelingua.errors import StateError
from edgelingua.files.private import private_file, private_folder
from edgelingua.integrations.proxy.cut import Cut, Sent

_FILE = "edgelingua.sqlite"
_VERSION = 1
_AS = ("utf-8", "surrogatepass")
"""JSON may hold halves of surrogate pairs, which are no text to SQLite."""

_AT_ONCE = 500
"""Values in one question to SQLite."""

_TABLES = """
CREATE TABLE secret (bytes BLOB NOT NULL);
CREATE TABLE cuts (
    id TEXT PRIMARY KEY, original BLOB NOT NULL, text BLOB NOT NULL, spans TEXT NOT NULL
);
CREATE TABLE sent (
    mark BLOB PRIMARY KEY, before INTEGER NOT NULL, after INTEGER NOT NULL, cut TEXT,
    hour INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sent_hour ON sent (hour);
CREATE INDEX sent_cut ON sent (cut);
CREATE TABLE lengths (
    start BLOB NOT NULL, length INTEGER NOT NULL, hour INTEGER NOT NULL,
    PRIMARY KEY (start, length)
) WITHOUT ROWID;
"""


class State:
    """What became of each text of a conversation, by its mark (`Trail`); for any threads.

    Keys of clients are not in it; of texts, those that were cut. Several processes may share one.

    Parameters
    ----------
    folder
        Where it is kept; it is made, for its owner only. ``None``: in memory.
    most_mb
        Its size in MB (10^6 bytes), from which on the least recently used goes.

    Raises
    ------
    StateError
        Others can read the folder, or what is in it is no state of this version.
    """

    def __init__(self, folder: Path | None = None, most_mb: float = 512) -> None:
        self.folder = folder
        self._most = int(most_mb * 1e6)
        self._lock = Lock()
        path = ":memory:"
        if folder is not None:
            private_folder(folder)
            private_file(folder / _FILE)
            path = str(folder / _FILE)
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, timeout=10)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self.secret = self._opened(path)
        except sqlite3.Error as error:
            raise StateError(f"{path}: no state of edgelingua ({error}); remove it") from None

    def known(self, marks: Collection[bytes]) -> dict[bytes, Sent]:
        """Return what became of texts that were sent before."""
        found: dict[bytes, Sent] = {}
        with self._lock:
            for some in _batches(list(marks)):
                for mark, before, after, *cut in self._db.execute(
                    "SELECT mark, before, after, id, original, text, spans FROM sent "
                    f"LEFT JOIN cuts ON id = cut WHERE mark IN ({_places(some)})",
                    some,
                ):
                    found[mark] = Sent(before, after, _cut(*cut) if cut[0] else None)
        return found

    def keep(
        self, new: Mapping[bytes, Sent], again: Collection[bytes] = (), *, anew: bool = False
    ) -> dict[bytes, Sent]:
        """Write down what becomes of texts; return what holds: what another one wrote first.

        Parameters
        ----------
        new
            What is to be sent.
        again
            Marks of what is sent again, which keeps it here.
        anew
            Whether ``new`` takes the place of what was written before.
        """
        hour = _hour()
        with self._lock, self._writing():
            for mark, sent in new.items():
                if anew:
                    self._db.execute("DELETE FROM sent WHERE mark = ?", (mark,))
                name = sent.cut.id if sent.cut else None
                written = self._db.execute(
                    "INSERT OR IGNORE INTO sent VALUES (?, ?, ?, ?, ?)",
                    (mark, sent.before, sent.after, name, hour),
                ).rowcount
                if written and sent.cut:
                    self._put(sent.cut)
            for some in _batches(list(again)):
                self._db.execute(
                    f"UPDATE sent SET hour = ? WHERE hour < ? AND mark IN ({_places(some)})",
                    (hour, hour, *some),
                )
            self._shrink()
        return dict(new) | self.known(new)

    def put(self, cut: Cut) -> None:
        """Keep a cut that was not sent from here, so that it can be asked back."""
        with self._lock, self._writing():
            self._put(cut)
            mark = b"cut " + cut.id.encode()
            self._db.execute(
                "INSERT OR IGNORE INTO sent VALUES (?, 0, 0, ?, ?)", (mark, cut.id, _hour())
            )
            self._shrink()

    def cut(self, name: str) -> Cut | None:
        """Return the cut of an id, if it is still there."""
        with self._lock:
            row = self._db.execute("SELECT * FROM cuts WHERE id = ?", (name,)).fetchone()
        return _cut(*row) if row else None

    def lengths(self, start: bytes) -> list[int]:
        """Return the lengths of texts that began so."""
        with self._lock:
            rows = self._db.execute(
                "SELECT length FROM lengths WHERE start = ? ORDER BY length", (start,)
            )
            return [length for (length,) in rows]

    def began(self, start: bytes, length: int) -> None:
        """Write down that a text of this length began so."""
        with self._lock, self._writing():
            self._db.execute(
                "INSERT OR REPLACE INTO lengths VALUES (?, ?, ?)", (start, length, _hour())
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _opened(self, path: str) -> bytes:
        with self._writing():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _TABLES.split(";"):
                    self._db.execute(statement)
                self._db.execute("INSERT INTO secret VALUES (?)", (secrets.token_bytes(32),))
                self._db.execute(f"PRAGMA user_version = {_VERSION}")
            elif version != _VERSION:
                raise StateError(
                    f"{path}: a state of version {version}, expected {_VERSION}, as another "
                    "edgelingua wrote it: name another folder, or remove it"
                )
            (secret,) = self._db.execute("SELECT bytes FROM secret").fetchone()
        return bytes(secret)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """All of it or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:
            yield

    def _put(self, cut: Cut) -> None:
        original, text = (text.encode(*_AS) for text in (cut.original, cut.text))
        row = (cut.id, original, text, json.dumps(cut.spans))
        self._db.execute("INSERT OR IGNORE INTO cuts VALUES (?, ?, ?, ?)", row)

    def _shrink(self) -> None:
        """Let the tenth that was not used for longest go, if there is too much."""
        (pages,), (free,), (size,) = (
            self._db.execute(f"PRAGMA {name}").fetchone()
            for name in ("page_count", "freelist_count", "page_size")
        )
        if (pages - free) * size <= self._most:
            return
        self._db.execute(
            "DELETE FROM sent WHERE mark IN (SELECT mark FROM sent ORDER BY hour LIMIT "
            "(SELECT count(*) / 10 + 1 FROM sent))"
        )
        self._db.execute(
            "DELETE FROM cuts WHERE id NOT IN (SELECT cut FROM sent WHERE cut NOTNULL)"
        )
        self._db.execute(
            "DELETE FROM lengths WHERE hour < (SELECT coalesce(min(hour), 0) FROM sent)"
        )


def _hour() -> int:
    return int(time.time() // 3600)


def _batches(values: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for at in range(0, len(values), _AT_ONCE):
        yield values[at : at + _AT_ONCE]


def _places(values: Sequence[bytes]) -> str:
    return ",".join("?" * len(values))


def _cut(name: str, original: bytes, text: bytes, spans: str) -> Cut:
    kept = tuple((start, end) for start, end in json.loads(spans))
    return Cut(name, original.decode(*_AS), text.decode(*_AS), kept)
