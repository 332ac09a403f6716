"""A chat with a reader under a cap, and what is given to it of a document."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Event

from edgelingua import Budget, Chat, Compressed, LlamaModel, Prompt, load_compressor, models
from edgelingua.assistant import SYSTEM
from edgelingua.chat import ChatReply
from edgelingua.compressors import Compressor
from edgelingua.errors import CapError, ReaderError
from edgelingua.kv.statistics import CacheStatistics
from edgelingua.prompt import SEPARATOR, without_question
from edgelingua.scores import Progress
from edgelingua.stream import Stream

LONGEST = 256
"""Most tokens of an answer."""


def packaged_reader() -> Path | None:
    """The reader in the folder ``models`` beside a packaged program, or none."""
    if not getattr(sys, "frozen", False):
        return None
    return next(iter(sorted(Path(sys.executable).parent.glob("models/*.gguf"))), None)


class Conversation:
    """Loads a reader and a compressor when they are first used, and keeps them.

    It belongs to one thread.
    """

    def __init__(self) -> None:
        self._reader: LlamaModel | None = None
        self._chat: Chat | None = None
        self._compressor: Compressor | None = None

    def loads(self, reader: Path | None) -> bool:
        """Whether a chat with this reader has to load it first."""
        return self._reader is None or (reader is not None and reader != self._reader.path)

    @staticmethod
    def what_loading_is(reader: Path | None) -> str:
        """Loading, or fetching: what a person who waits is told."""
        found = reader or packaged_reader() or models.registry.fetched(models.DEFAULT_READER)
        if found:
            return f"Loading {found.name}"
        return "Fetching the model that answers, 93 MB, once"

    def begin(self, cap: int, reader: Path | None = None) -> str:
        """Begin a chat and forget the last one; return the reader's name.

        Raises
        ------
        ReaderError, ModelNotFoundError, FetchError
            It cannot be loaded, or is not there and cannot be fetched; the last chat stays.
        CapError
            The cap holds not even an empty turn.
        """
        loaded = self._reader
        if loaded is None or self.loads(reader):
            found = reader or packaged_reader() or models.find_reader(models.DEFAULT_READER)
            loaded = LlamaModel(found)
        chat = Chat(loaded, loaded.session(cap), SYSTEM)
        if loaded is not self._reader:
            self._reader, self._compressor = loaded, None  # which counts in its tokens
        self._chat = chat
        return loaded.path.stem

    def compress(
        self, document: str, question: str, tokens: int, progress: Progress | None = None
    ) -> Compressed:
        """Return what is given to the reader of a document; its prompt ends with the question.

        Parameters
        ----------
        document, question
            The text, and what it is compressed for.
        tokens
            Most tokens of the document; 0, or more than fits: what the cap leaves beside the
            question, and the longest answer or half of the cap.
        progress
            Called while it is scored; may raise to end that.

        Raises
        ------
        CapError
            The question leaves no room.
        """
        chat = self._ready()
        asked = chat.reader.count(SEPARATOR + question)
        room = chat.room - asked - min(LONGEST, self.cache.cap // 2)
        if room < 1:
            raise CapError(
                f"a question of {asked} tokens leaves no room for the document in a cache of "
                f"{self.cache.cap}: ask in fewer words, or choose a larger cache"
            )
        if self._compressor is None:
            self._compressor = load_compressor(count=chat.reader.count)
        budget = Budget(
            tokens=min(tokens or room, room), count=without_question(chat.reader.count, question)
        )
        return self._compressor.compress(
            Prompt.build(document, question=question), budget, progress
        )

    def stream(
        self, question: str, document: Compressed | None, cancel: Event
    ) -> Stream[ChatReply]:
        """Return the pieces of an answer, as `Chat.stream` does."""
        return self._ready().stream(question, document or "", limit=LONGEST, cancel=cancel)

    @property
    def cache(self) -> CacheStatistics:
        """How full the chat's cache is."""
        return self._ready().session.statistics

    def _ready(self) -> Chat:
        if self._chat is None:
            raise ReaderError("there is no model yet that could answer: choose a GGUF file")
        return self._chat
