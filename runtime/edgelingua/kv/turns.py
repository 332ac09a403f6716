"""Turns of a talk in a session: two groups of cells each, of which the oldest go whole.

What stands before the first turn is the group `ALWAYS`. A turn's `content` is what was asked and
replied; its `marks` are what the chat template puts around it, up to the next turn's content: so
when both go, what follows is as if it had always followed the turn before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import CapError
from edgelingua.kv.session import Session

ALWAYS = 0

MOST_TURNS = 2**30 - 1
"""As many as have two groups each."""


def marks(turn: int) -> int:
    """Group of what the template puts around a turn."""
    return 2 * turn + 1


def content(turn: int) -> int:
    """Group of what was asked and replied in a turn."""
    return 2 * turn + 2


def turns_left(session: Session) -> set[int]:
    """Return the turns of which anything is cached."""
    return {(group - 1) // 2 for group in np.unique(session.groups).tolist() if group != ALWAYS}


def make_way(session: Session, pinned: NDArray[np.bool_], turn: int) -> None:
    """Drop the oldest turns until a new one fits; none, if it would not fit without them.

    Parameters
    ----------
    session
        Its cells are of turns up to ``turn - 1``.
    pinned
        Which tokens of the new turn will be pinned: a mask ``(n,)``.
    turn
        The new one's number.

    Raises
    ------
    CapError
        It does not fit.
    """
    session.check_room(pinned, without=_closed(session, turn))
    while True:
        try:
            session.check_room(pinned)
            return
        except CapError:
            if not _drop_oldest(session, turn):
                raise


def release_answered(session: Session, turn: int) -> None:
    """Unpin what was answered before ``turn``, and drop the marks of turns with nothing else left.

    Marks take at most half of what the system prompt leaves of the cap; if need be, the oldest
    turns go whole.
    """
    groups = session.groups
    left = set(np.unique(groups).tolist())
    # The last turn has not been closed yet: nothing can take its place.
    closed = (old for old in turns_left(session) if old < turn - 1)
    _drop(session, np.isin(groups, [marks(old) for old in closed if content(old) not in left]))
    half = (session.statistics.cap - int((groups == ALWAYS).sum())) // 2
    while int((session.groups % 2 == 1).sum()) > half:
        if not _drop_oldest(session, turn):
            break
    if len(session.groups):
        session.pin(standing(session))


def standing(session: Session) -> NDArray[np.bool_]:
    """Cells that stay from turn to turn: what stands before the first one, and marks."""
    groups = session.groups
    return np.equal(groups, ALWAYS) | np.equal(groups % 2, 1)


def take_back(session: Session, turn: int, before: int, kept: int) -> None:
    """Take a turn out again of which a part has been read.

    What it began with belongs to the group ``before``, which had ``kept`` cells without it.
    """
    groups = session.groups
    gone = np.isin(groups, [marks(turn), content(turn)])
    gone[np.flatnonzero(groups == before)[kept:]] = True
    session.take_back(gone)


def _closed(session: Session, turn: int) -> NDArray[np.bool_]:
    """Cells of the turns that have been answered and closed."""
    groups = session.groups
    return np.not_equal(groups, ALWAYS) & np.less((groups - 1) // 2, turn - 1)


def _drop_oldest(session: Session, turn: int) -> bool:
    """Evict the oldest turn that has been answered and closed; return whether there was one."""
    closed = session.groups[_closed(session, turn)]
    if len(closed) == 0:
        return False
    oldest = (int(closed.min()) - 1) // 2
    _drop(session, np.isin(session.groups, [marks(oldest), content(oldest)]))
    return True


def _drop(session: Session, gone: NDArray[np.bool_]) -> None:
    if gone.any():
        session.drop(gone)
