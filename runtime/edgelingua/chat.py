"""A live chat with a reader, of any length in a cache of fixed size, its template intact."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from edgelingua.alignment import attach, cell_masks, cells_of
from edgelingua.compressed import Compressed
from edgelingua.errors import CapError, InputError, ReaderError, StateError
from edgelingua.kv import turns
from edgelingua.kv.memory import Memory
from edgelingua.kv.policies import Policy
from edgelingua.kv.session import Session
from edgelingua.llama.model import ChatPart, LlamaModel, SamplerState, Sampling
from edgelingua.llama.template import last_message
from edgelingua.llama.writing import Writing
from edgelingua.prompt import SEPARATOR, Segment
from edgelingua.scores import Progress
from edgelingua.stream import Stream, heeding
from edgelingua.text.encodings import refuse_surrogates


@dataclass(frozen=True)
class ChatReply:
    """A reply: its text, its tokens, and how many tokens were read for it.

    ``complete``: the model ended it; otherwise the limit did, or it was cancelled.
    """

    text: str
    tokens: int
    read: int
    complete: bool


class Chat:
    """A live chat with a reader, whose KV cache never exceeds the cap, however long it goes on.

    For turns that are compressed and read elsewhere, see `History`.

    Only what is new is laid out and read: the turns before stay in the cache as they are. What the
    template puts around a turn stays as long as anything of the turn does, then the turn is gone
    whole: the template that the model sees is intact at all times. The system prompt stays for
    ever, and what was asked last until it has been answered. Neither time nor memory of a turn
    depends on how many there have been.

    Parameters
    ----------
    reader
        The model that replies.
    session
        An empty session of it. To go on from what another chat has read, `fork` that chat.
    system
        System prompt; empty: none.
    sampling
        How tokens are drawn.
    memories
        Documents to talk about: they are read now, with the system prompt, and stay as it does.

    Raises
    ------
    StateError
        A memory is none for this reader, or for such a cache.
    InputError
        The session has read something already: that would stand before the template's beginning.
    ReaderError
        The model has no chat template, or none for a talk of several turns with this system prompt.
    CapError
        The cap cannot hold the system prompt, the memories and a turn.
    """

    def __init__(
        self,
        reader: LlamaModel,
        session: Session,
        system: str = "",
        sampling: Sampling | None = None,
        memories: Sequence[Memory] = (),
    ) -> None:
        if len(session.cells):
            raise InputError(
                f"a chat in a session that has read {len(session.cells)} tokens: expected an empty "
                "one; to share a beginning, begin a chat and fork it"
            )
        opening = self._set_up(reader, session, system, sampling or Sampling())
        session.check_room(np.ones(opening + cells_of(reader, memories), dtype=bool))
        if memories:
            self.begin(memories)

    def _set_up(self, reader: LlamaModel, session: Session, system: str, sampling: Sampling) -> int:
        """Set all up for a session, empty or not; return the tokens that an empty turn takes."""
        refuse_surrogates(system, "the system prompt")
        self.reader = reader
        self.session = session
        self.system = system
        self.sampling = sampling
        self._sampler = reader.sampler(session, self.sampling)
        self._said: dict[int, tuple[str, str]] = {}
        self._turn = 0
        self._replying: weakref.ref[Stream[ChatReply]] | None = None
        self._later_parts("")
        return sum(len(part.tokens) for part in self._first_parts(""))

    @property
    def turns(self) -> int:
        """How many turns there were so far."""
        return self._turn

    @property
    def messages(self) -> list[tuple[str, str]]:
        """(role, text) of the system prompt and of the turns of which something is left."""
        said = [("system", self.system)] if self.system else []
        for turn in sorted(self._said):
            question, reply = self._said[turn]
            said += [("user", question), ("assistant", reply)]
        return said

    @property
    def room(self) -> int:
        """Tokens that the next message, its document and the reply may have together.

        Not in it is what stays whatever comes: the system prompt, and what the template puts around
        turns. What was said before makes way, as the policy decides.
        """
        template = sum(len(part.tokens) for part in self._new_parts(""))
        standing = int(turns.standing(self.session).sum())
        return self.session.statistics.cap - standing - template

    def begin(self, memories: Sequence[Memory] = ()) -> None:
        """Read what stands before the first turn now, and not with it: the system prompt.

        Then `fork` makes chats that need not read it again. Memories stand behind it.

        Raises
        ------
        CapError
            The cap cannot hold it.
        StateError
            A memory is none for this reader, or for such a cache.
        InputError
            Memories come too late: something has been read already.
        """
        if len(self.session.cells):
            if memories:
                raise InputError("memories in a chat that has begun: give them when it begins")
            return
        parts = self._first_parts("")
        tokens = np.concatenate([part.tokens for part in parts[: last_message(parts)]])
        try:
            self.session.feed(tokens, pinned=True, group=turns.ALWAYS)
            attach(self.session, self.reader, memories, group=turns.ALWAYS)
        except BaseException:  # half a system prompt is none
            self.session.take_back(np.ones(len(self.session.cells), dtype=bool))
            raise

    def fork(self) -> Chat:
        """Return a chat of its own, with a cache of its own, that goes on from here."""
        self._end_reply()
        twin = copy.copy(self)
        twin.session, twin._said = self.session.fork(), dict(self._said)
        twin._sampler = self.reader.sampler(twin.session, self.sampling, self._sampler.state)
        return twin

    @classmethod
    def load(cls, reader: LlamaModel, path: str | Path, policy: Policy | None = None) -> Chat:
        """Take up a chat that `save` wrote; ``policy`` as in `LlamaModel.restore`.

        Raises
        ------
        StateError
            The file is damaged, no chat, or one of another model, library or policy.
        """
        session, notes = reader.restore(path, policy)
        try:
            _check_types(notes)
            chat = cls.__new__(cls)
            chat._set_up(reader, session, notes["system"], Sampling(**notes["sampling"]))
            chat._said = {turn: (text, reply) for turn, text, reply in notes["said"]}
            chat._turn = count = notes["turns"]
            left = turns.turns_left(session)
            # Something is always left of the last turn: what the template puts around it.
            if count != max(left, default=-1) + 1 or count >= turns.MOST_TURNS:
                raise ValueError(f"{count} turns, of which {sorted(left)} are cached")
            if not all(0 <= turn < count for turn in chat._said.keys() | left):
                raise ValueError(f"turns {sorted(chat._said)} said of {count}")
            state = SamplerState(notes["draws"], tuple(notes["recent"]))
            known = range(reader.vocabulary_size)
            if state.draws < 0 or not all(token in known for token in state.recent):
                raise ValueError(f"{state.draws} draws, the last ones {state.recent}")
        except (KeyError, TypeError, ValueError, OverflowError, InputError, ReaderError) as error:
            raise StateError(f"{path}: a saved session, but no chat ({error})") from None
        chat._sampler = reader.sampler(session, chat.sampling, state)
        return chat

    def save(self, path: str | Path) -> None:
        """Save the chat to one file, in one step; see `Session.save`."""
        self._end_reply()
        notes: Mapping[str, Any] = {
            "system": self.system,
            "said": [(turn, *said) for turn, said in self._said.items()],
            "turns": self._turn,
            "sampling": asdict(self.sampling),
            **asdict(self._sampler.state),
        }
        self.session.save(path, notes)

    def say(
        self,
        text: str,
        context: Compressed | str = "",
        *,
        limit: int = 512,
        on_text: Callable[[str], None] | None = None,
        cancel: Event | None = None,
    ) -> ChatReply:
        """Say something and get a reply; the other parameters are those of `stream`.

        An interrupt while the reply is being written ends the reply, not the chat: what was written
        until then counts as the reply. One while the turn is being read takes the turn back, as if
        it had not been said; so does any error.

        Parameters
        ----------
        on_text
            Called with each piece of the reply as it is written.

        Raises
        ------
        InputError, CapError, CancelledError
            As for `stream`.
        """
        stream = self.stream(text, context, limit=limit, cancel=cancel)
        try:
            for piece in stream:
                if on_text:
                    on_text(piece)
        except BaseException:
            stream.close()
            raise
        return stream.reply

    def stream(
        self,
        text: str,
        context: Compressed | str = "",
        *,
        limit: int = 512,
        cancel: Event | None = None,
    ) -> Stream[ChatReply]:
        """Say something; return an iterator over the pieces of the reply, and then the `ChatReply`.

        The turn is read before the first piece. To go on with the chat, fork it or save it, ends a
        reply that is still being written: what was written until then counts as the reply.

        Parameters
        ----------
        text
            What the user says.
        context
            A document that goes before it, in the same turn. Unlike ``text``, it may be evicted at
            any time, and so be larger than the cap; the policy is told the compressor's scores, and
            what its prompt pins stays until the turn has been answered. One whose prompt has
            ``text`` for its question ends with it already.
        limit
            Longest reply in tokens.
        cancel
            When another thread sets it, the reply ends with what was written until then, or the
            turn is taken back if it was still being read. ``Stream.cancel`` sets it too.

        Raises
        ------
        InputError
            The text is blank, or has halves of surrogate pairs, as bytes that are no UTF-8 leave.
        CapError
            The cap cannot hold this turn beside what must stay; nothing was read or dropped then.
        CancelledError
            The turn was taken back before it was read.
        """
        if not text.strip():
            raise InputError("nothing was said: the text is empty or blank")
        content = _content(text, context)
        refuse_surrogates(content, "what was said")
        self._end_reply()
        cancel = cancel or Event()
        stream = Stream(self._turned(content, text, context, limit, cancel), cancel)
        self._replying = weakref.ref(stream)
        return stream

    def _turned(
        self, content: str, text: str, context: Compressed | str, limit: int, cancel: Event
    ) -> Generator[str, None, ChatReply]:
        """Read a turn, write the reply."""
        turns.release_answered(self.session, self._turn)
        read = self._read(self._new_parts(content), text, context, heeding(cancel))
        turn, self._turn = self._turn, self._turn + 1
        writing = Writing(
            self.reader,
            self.session,
            self._sampler,
            limit=limit,
            cancel=cancel,
            group=turns.content(turn),
        )
        self._said[turn] = (content, "")
        try:
            for piece in writing.pieces():
                self._said[turn] = (content, writing.text)
                yield piece
        finally:
            left = turns.turns_left(self.session)
            self._said = {n: said for n, said in self._said.items() if n in left}
        return ChatReply(writing.text.strip(), len(writing.tokens), read, writing.complete)

    def _end_reply(self) -> None:
        """End the reply that is still being written, if there is one."""
        stream = self._replying and self._replying()
        if stream:
            stream.close()

    def _new_parts(self, content: str) -> list[ChatPart]:
        """What is still to be read up to the next reply."""
        if self._turn:
            return self._later_parts(content)
        parts = self._first_parts(content)
        return parts[last_message(parts) :] if len(self.session.cells) else parts

    def _first_parts(self, content: str) -> list[ChatPart]:
        """The first turn, the system prompt before it."""
        system = [("system", self.system)] if self.system else []
        return self.reader.chat([*system, ("user", content)])

    def _later_parts(self, content: str) -> list[ChatPart]:
        """What the template puts behind a reply: its end, the new turn, and what follows.

        That is the same behind every reply, so that one turn stands for all that were before.
        """
        system = [("system", "")] if self.system else []
        before = [*system, ("user", ""), ("assistant", "")]
        parts = self.reader.chat([*before, ("user", content)])
        reply = max(at for at, part in enumerate(parts) if part.source == len(before) - 1)
        return parts[reply + 1 :]

    def _read(
        self, parts: list[ChatPart], text: str, context: Compressed | str, progress: Progress
    ) -> int:
        """Feed the parts of a new turn; return how many tokens that were.

        What ends the reply before and begins this turn goes when the turn *before* goes: then the
        turn before that, or the system prompt, is followed by this turn as if it had always been.
        """
        user = last_message(parts)
        before = turns.marks(self._turn - 1) if self._turn else turns.ALWAYS
        own = [before] * user + [turns.content(self._turn)]
        own += [turns.marks(self._turn)] * (len(parts) - user - 1)
        groups = np.repeat(np.asarray(own, dtype=np.int32), [len(part.tokens) for part in parts])
        tokens = np.concatenate([part.tokens for part in parts])
        pinned, importance = cell_masks(self.reader, parts, text, context)
        try:
            turns.make_way(self.session, pinned, self._turn)
        except CapError as error:
            raise CapError(
                f"this turn does not fit: {error}; say it in fewer words, raise the cap, or give "
                "what is long as a document that may be evicted"
            ) from None
        had = int(np.equal(self.session.groups, before).sum())
        try:
            self.session.feed(
                tokens, pinned, importance=importance, group=groups, progress=progress
            )
        except BaseException:  # half a turn would break the template of all that follow
            turns.take_back(self.session, self._turn, before, had)
            raise
        return len(tokens)


def _check_types(notes: Mapping[str, Any]) -> None:
    """Raise unless a chat's notes are of the types that `Chat.save` writes."""
    numbers = [notes["turns"], notes["draws"], *notes["recent"]]
    texts = [notes["system"]]
    for turn, *said in notes["said"]:
        numbers.append(turn)
        texts += said
    # By type and not by instance: JSON's true is none of our numbers.
    for expected, values in ((int, numbers), (str, texts)):
        for value in values:
            if type(value) is not expected:
                raise TypeError(f"a {type(value).__name__}: expected {expected.__name__}")


def _content(text: str, context: Compressed | str) -> str:
    """What a user's turn is: the document, if there is one, and behind it what is said."""
    if not context:
        return text
    if isinstance(context, str):
        return context + SEPARATOR + text
    if context.prompt.segments[-1] == Segment(text, "question"):
        return context.text
    return context.text + SEPARATOR + text
