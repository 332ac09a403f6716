"""System prompts that were read once, saved, so that they need not be read after a restart."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import StateError
from edgelingua.files.private import private_folder
from edgelingua.kv.session import Session

LEAST = 64
"""Tokens that are worth a file."""
_SUFFIX = ".beginning"


class Beginnings:
    """Sessions that have read the beginning of a chat and nothing else, in a folder.

    Files bear no text in their names; what they hold is the cache and its tokens.

    Parameters
    ----------
    folder
        Made for its owner only.
    restore
        Opens a session where one was saved.
    setting
        What sessions of this server have in common, as cap and policy; others are passed over.
    most_mb
        Size of all files in MB (10^6 bytes), from which on the least recently used goes.

    Raises
    ------
    StateError
        Others can read the folder, or it cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        restore: Callable[[Path], Session],
        *,
        setting: str,
        most_mb: float = 512,
    ) -> None:
        private_folder(folder)
        self._folder = folder
        self._restore = restore
        self._setting = setting
        self._most = int(most_mb * 1e6)

    def has(self, tokens: NDArray[np.int32]) -> bool:
        """Return whether there is a file for these tokens."""
        return len(tokens) >= LEAST and self._path(tokens).is_file()

    def find(self, tokens: NDArray[np.int32]) -> Session | None:
        """Return a session that has read these tokens; ``None`` if there is none that is sound."""
        path = self._path(tokens)
        try:
            session = self._restore(path)
        except StateError:  # damaged, or of another model
            with suppress(OSError):
                path.unlink()
            return None
        if not np.array_equal(session.cells.tokens, tokens):
            return None
        with suppress(OSError):
            os.utime(path)
        return session

    def keep(self, session: Session) -> None:
        """Save a session that has read a beginning; a disk that is full does not end the server."""
        tokens = session.cells.tokens
        if len(tokens) < LEAST or self.has(tokens):
            return
        with suppress(StateError, OSError):
            session.save(self._path(tokens))
            self._trim()

    def _trim(self) -> None:
        files = [(path, path.stat()) for path in self._folder.glob(f"*{_SUFFIX}")]
        files.sort(key=lambda file: file[1].st_mtime)
        size = sum(facts.st_size for _, facts in files)
        for path, facts in files[:-1]:
            if size <= self._most:
                break
            path.unlink(missing_ok=True)
            size -= facts.st_size

    def _path(self, tokens: NDArray[np.int32]) -> Path:
        digest = blake2b(self._setting.encode(), digest_size=16)
        digest.update(b"\0" + np.ascontiguousarray(tokens, dtype="<i4").tobytes())
        return self._folder / f"{digest.hexdigest()}{_SUFFIX}"
