"""Messages for a model elsewhere, compressed in your own program: each text once, for all time.

The proxy without HTTP: what stays and what is cut is the same (docs/proxy.md). The frameworks'
integrations stand on it; with a client like PyPI's ``openai`` it is used as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from edgelingua.budget import Budget
from edgelingua.compressors import Compressor, load_compressor
from edgelingua.errors import CancelledError, InputError
from edgelingua.integrations.proxy.choosing import Wishes
from edgelingua.integrations.proxy.entries import Entries
from edgelingua.integrations.proxy.judging import Judge, put
from edgelingua.integrations.proxy.options import OnFailure
from edgelingua.integrations.proxy.squeezed import Squeezed
from edgelingua.integrations.proxy.state import State
from edgelingua.integrations.proxy.trail import Trail
from edgelingua.scores import Progress
from edgelingua.segments import pins_of
from edgelingua.system.in_thread import in_thread
from edgelingua.system.logs import logger

_log = logger(__name__)


class MessageCompressor:
    """Compresses the messages of chats and agents, so that prompt caches stay valid.

    Tool outputs and documents are compressed wherever they stand, in the light of the question that
    was asked last when they came; what users and assistants said, before the last question but one.
    A text is judged when it is first sent, and is sent the same ever after. Instructions, calls of
    tools, images and the last turn stay as they are. Any number of threads may use one.

    Parameters
    ----------
    compressor
        See `load_compressor`, whose default it is.
    rate
        The fraction of its tokens that a text may keep.
    keep_up_to
        Texts of at most this many tokens stay as they are.
    documents
        Whether a long last turn of the user is compressed too, but for its first line and its end.
    pin
        Texts that survive wherever they stand.
    on_failure
        ``"open"``: where the compressor fails, a text stays as it is, and the log says why;
        ``"closed"``: the error is raised.
    state
        A folder in which to keep what was sent, over restarts, for its owner only; of 512 MB, the
        least recently used goes. ``None``: in memory.

    Raises
    ------
    InputError, BudgetError
        An option has no such value.
    StateError
        Others can read the folder, or what is in it is no state.
    """

    def __init__(
        self,
        compressor: Compressor | None = None,
        *,
        rate: float = 0.5,
        keep_up_to: int = 256,
        documents: bool = False,
        pin: str | Sequence[str] = (),
        on_failure: OnFailure = "open",
        state: Path | None = None,
    ) -> None:
        if on_failure not in get_args(OnFailure):
            raise InputError(f"on_failure: expected open or closed, got {on_failure!r}")
        Budget(rate=rate)  # refuses what is none
        pins = tuple(one for one in pins_of(pin) if isinstance(one, str))
        if len(pins) < len(pins_of(pin)):
            raise InputError("a pin of messages: expected a text, got a compiled pattern")
        self._compressor = load_compressor() if compressor is None else compressor
        self._closed = on_failure == "closed"
        self._pins = pins
        self._state = State(state)
        self._entries = Entries(self._compressor, Wishes(rate, documents, pins))
        self._judge = Judge(self._compressor, self._state, keep_up_to, self._refuse)

    def compress(self, messages: Sequence[Any], progress: Progress | None = None) -> list[Any]:
        """Return messages as they are to be sent; see `squeeze`."""
        return self.squeeze(messages, progress)[0]

    async def acompress(self, messages: Sequence[Any]) -> list[Any]:
        """`compress` in a thread, which ends when the task that waits for it is cancelled."""
        return await in_thread(lambda check: self.compress(messages, check))

    def squeeze(
        self, messages: Sequence[Any], progress: Progress | None = None
    ) -> tuple[list[Any], Squeezed]:
        """Return messages as they are to be sent, and what became of them.

        Parameters
        ----------
        messages
            All of a conversation, from its first message on, in OpenAI's, Anthropic's or Ollama's
            form; nothing of them is changed. Replies of a client, which are no dictionaries, may
            stand among them.
        progress
            Called while texts are scored.

        Raises
        ------
        CancelledError
            Raised by ``progress``.
        EdgeLinguaError
            The compressor failed, and ``on_failure`` is ``"closed"``.
        """
        try:
            sent = [_dictionary(message) for message in messages]
            trail = Trail(self._state.secret, b"")
            entries = self._entries.of_messages({"messages": sent}, trail)
            recalled = self._judge.recall(entries, self._pins)
            done, failed = self._judge.judge(recalled, progress or _nothing)
        except CancelledError:
            raise
        except Exception as error:  # a full disk, a value that is no JSON
            self._refuse(error)
            return list(messages), Squeezed(failed=1)
        squeezed = put(entries, done, failed)
        changed = {change.message for change in squeezed.changes}
        return [
            sent[number] if number in changed else message
            for number, message in enumerate(messages)
        ], squeezed

    def original(self, name: str) -> str | None:
        """Return the whole of a text that was cut, by the id that `squeeze` names."""
        found = self._state.cut(name)
        return found.original if found else None

    def _refuse(self, error: Exception) -> None:
        if self._closed:
            raise error
        _log.warning("not compressed: %s: %s", type(error).__name__, error)


def _dictionary(message: Any) -> Any:
    """Return a message as a dictionary of its own; clients' replies are objects (pydantic)."""
    dump = getattr(message, "model_dump", None)
    return copy.deepcopy(message) if dump is None else dump(mode="json", exclude_none=True)


def _nothing(done: int, total: int) -> None:
    """Go on."""
