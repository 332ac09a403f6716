"""A sequence being read and written under a cap: the sole owner of mutable state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import CapError, EdgeLinguaError, InputError, StateError
from edgelingua.kv.engine import Adapter, Engine, Heard
from edgelingua.kv.interrupts import uninterrupted
from edgelingua.kv.memory import NO_TOKEN, Memory, Portion
from edgelingua.kv.options import check_cap
from edgelingua.kv.overheard import Overheard, Queries
from edgelingua.kv.policies import DEFAULT_POLICY, Policy
from edgelingua.kv.state import Cells, CellView, Signal, runs
from edgelingua.kv.statistics import CacheStatistics, MemoryUse
from edgelingua.kv.storage import SavedSession
from edgelingua.scores import Progress
from edgelingua.system.logs import logger
from edgelingua.text.encodings import refuse_surrogates

_log = logger(__name__)

_FROM_CACHE: frozenset[Signal] = frozenset({"keys", "values"})


class TokenSampler(Protocol):
    """Draws tokens from the engine's current logits."""

    def sample(self) -> int:
        """Draw the next token."""
        ...


class Session:
    """One sequence whose cached tokens never exceed ``cap``, whatever is fed or generated.

    Parameters
    ----------
    engine
        Runs the model; its cache is empty and belongs to this session.
    cap
        Most cells in use, at every step.
    policy
        Decides which tokens go; ``None``: `policies.DEFAULT_POLICY`.
    block
        Tokens evicted at a time once the cache is full. 1 keeps the most; with larger ones the
        engine is asked for a policy's signals less often. ``None``: 1 where nothing is asked, else
        an eighth of the cap, at most 64; a policy in `Blocked` says so itself.

    Raises
    ------
    CapError
        The cap is below 2 or above the length the model was trained for.
    """

    def __init__(
        self,
        engine: Engine,
        cap: int,
        policy: Policy | None = None,
        *,
        block: int | None = None,
    ) -> None:
        check_cap(cap, engine.trained_length)
        self.engine = engine
        self.policy: Policy = policy or DEFAULT_POLICY
        self._cap = cap
        if block is None:
            block = self.policy.block
        if block is None:
            block = min(64, cap // 8) if self.policy.signals else 1
        self._block = max(1, block)
        self._cells = Cells()
        self._queries = Overheard()
        self._peak = 0
        self._evicted = 0
        _log.debug("a session of %d cells, %d evicted at a time: %r", cap, self._block, self.policy)

    @property
    def cells(self) -> CellView:
        """The cached tokens."""
        return self._cells.view()

    @property
    def groups(self) -> NDArray[np.int32]:
        """Group of each cached token ``(n,)``, as given to `feed`."""
        return self._cells.group.copy()

    @property
    def memory(self) -> MemoryUse:
        """Where the memory of this process goes."""
        engine = self.engine
        return MemoryUse.split(engine.weight_bytes, engine.cache_bytes, engine.compute_bytes)

    @property
    def statistics(self) -> CacheStatistics:
        """How full the cache is and was."""
        return CacheStatistics(len(self._cells), self._peak, self._cap, self._evicted)

    def logits(self) -> NDArray[np.float32]:
        """Logits ``(vocabulary,)`` of the token that follows what was fed."""
        return self.engine.logits()

    def feed(
        self,
        tokens: NDArray[np.int32],
        pinned: NDArray[np.bool_] | bool = False,
        *,
        importance: NDArray[np.float32] | float = np.nan,
        group: NDArray[np.int32] | int = 0,
        progress: Progress | None = None,
    ) -> None:
        """Read tokens, of any number.

        Parameters
        ----------
        tokens
            Shape ``(n,)``.
        pinned
            Which of them must never be evicted: a mask ``(n,)``, or one value for all.
        importance
            For policies that use it, as `policies.Compressor`: ``(n,)``, higher = keep, NaN where
            nothing is known.
        group
            Numbers to find these tokens by later, as that of a turn: ``(n,)``, or one for all; see
            `groups`.
        progress
            Called before each step. What it raises ends the reading: the steps before it stay.

        Raises
        ------
        CapError
            What is pinned, and what the policy will protect of the tokens that follow, leaves no
            cell for anything else; nothing has been read then.
        """
        tokens = np.asarray(tokens, dtype=np.int32)
        pinned = np.broadcast_to(np.asarray(pinned, dtype=bool), tokens.shape)
        importance = np.broadcast_to(np.asarray(importance, np.float32), tokens.shape)
        groups = np.broadcast_to(np.asarray(group, np.int32), tokens.shape)
        if pinned.any() or len(self._cells) + len(tokens) > self._cap:
            self.check_room(pinned)
        self._feed(tokens, pinned, importance, groups, progress=progress)

    def _feed(
        self,
        tokens: NDArray[np.int32],
        pinned: NDArray[np.bool_],
        importance: NDArray[np.float32],
        groups: NDArray[np.int32],
        *,
        progress: Progress | None = None,
        adapter: Adapter | None = None,
        vectors: NDArray[np.float32] | None = None,
    ) -> None:
        """Read tokens, or ``vectors`` in place of them, step by step."""
        inputs = tokens if vectors is None else vectors
        at = 0
        while at < len(tokens):
            missing = len(tokens) - at
            if progress:
                progress(at, len(tokens))
            with uninterrupted():
                room = self._make_room(min(self._step(missing), missing))
                step = slice(at, at + room)
                book = self._cells.appended(
                    tokens[step], pinned[step], importance[step], groups[step]
                )
                self._read(book, inputs[step], missing, adapter)
            at += room

    def distil(
        self,
        portions: Sequence[Portion],
        text: str,
        *,
        adapter: Adapter | None = None,
        group: int = 0,
        progress: Progress | None = None,
    ) -> Memory:
        """Read a document and keep a few cells of it, which stay here, pinned; return them.

        Portions are read one after the other. Each sees what was read before and the cells that
        are left of the portions before it; then what does not stay of it goes.

        Parameters
        ----------
        portions
            The document's tokens, and which of their cells stay.
        text
            The document, to tell what the memory stands for.
        adapter
            Works while they are read, and at no other time.
        group, progress
            As in `feed`.

        Raises
        ------
        StateError
            This cache is none that memories can be made of: quantized, or with sliding windows.
        CapError
            A portion does not fit beside what is pinned and the cells of those before it.
        InputError
            There is nothing to read.

        Whatever is raised, Ctrl-C too, the session is as it was before.
        """
        layout = self.engine.layout
        refuse_surrogates(text, "the document")
        if not portions:
            raise InputError("nothing to remember: the document is empty")
        sizes = np.asarray([len(portion.stays) for portion in portions])
        held = np.cumsum([portion.stays.sum() for portion in portions])
        self.check_room(np.ones(int((sizes + np.append(0, held[:-1])).max()), dtype=bool))
        tokens_in = sum(len(portion.tokens) for portion in portions)
        read = 0

        def told(done: int, _: int) -> None:
            if progress:
                progress(read + done, tokens_in)

        with self._unchanged_by_errors():
            for portion in portions:
                learned = np.full(len(portion.vectors), NO_TOKEN, np.int32)
                for tokens, vectors in ((portion.tokens, None), (learned, portion.vectors)):
                    pinned = np.ones(len(tokens), dtype=bool)
                    importance = np.full(len(tokens), np.nan, np.float32)
                    groups = np.full(len(tokens), group, np.int32)
                    self._feed(
                        tokens,
                        pinned,
                        importance,
                        groups,
                        progress=told,
                        adapter=adapter,
                        vectors=vectors,
                    )
                gone = np.zeros(len(self._cells), dtype=bool)
                gone[-len(portion.stays) :] = ~portion.stays
                self.drop(gone)
                read += len(portion.tokens)
            first = len(self._cells) - int(held[-1])
            cells = self._cells
            states = self.engine.states(_FROM_CACHE, cells.positions)
        return Memory(
            text=text,
            tokens_in=tokens_in,
            layout=layout,
            adapter=adapter.digest if adapter else "",
            start=int(cells.positions[first - 1]) + 1 if first else 0,
            positions=cells.positions[first:].copy(),
            tokens=cells.tokens[first:].copy(),
            keys=states["keys"][:, first:].astype(np.float16),
            values=states["values"][:, first:].astype(np.float16),
        )

    def attach(self, memory: Memory, *, pinned: bool = True, group: int = 0) -> None:
        """Put a memory's cells behind what was read, as if its document had been read here.

        Keys are turned to their new positions. `logits` are still those of what was read before, so
        feed something before drawing.

        Parameters
        ----------
        memory
            What `distil` made with this reader.
        pinned
            Whether its cells must never be evicted.
        group
            As in `feed`.

        Raises
        ------
        StateError
            It was made for another reader, or this cache takes none: quantized, or with sliding
            windows.
        CapError
            Its cells do not fit beside what is pinned.
        InputError
            Nothing has been read yet: a memory stands behind something, as a system prompt.
        """
        memory.check(self.engine.layout)
        if not len(self._cells):
            raise InputError(
                "a memory in a session that has read nothing: feed what stands before the "
                "document, as a system prompt, first"
            )
        if memory.tokens.max() >= len(self.engine.logits()):
            raise StateError("the memory has tokens that this reader does not know")
        if memory.positions[-1] >= self.engine.trained_length:
            raise StateError(
                f"the memory has a cell at position {memory.positions[-1]}; the reader was trained "
                f"for {self.engine.trained_length}"
            )
        pins = np.full(len(memory), pinned)
        self.check_room(pins)
        with self._unchanged_by_errors(), uninterrupted():
            missing = len(memory) + 1 - (self._cap - len(self._cells))  # one to go on with
            if missing > 0:
                self._give_up(missing)
            if len(memory) >= self._cap - len(self._cells):
                raise CapError(
                    f"a memory of {len(memory)} cells: a cap of {self._cap} has "
                    f"{self._cap - len(self._cells)} left beside what is pinned or protected"
                )
            limit = self.engine.trained_length - 1
            if self._cells.next_position + memory.length > limit:
                self._compact()
            positions = memory.placed(self._cells.next_position, limit)
            book = self._cells.appended(memory.tokens, pins, group=group, positions=positions)
            self.engine.splice(memory, positions)
            self._cells, self._queries = book, Overheard()
            self._peak = max(self._peak, len(book))
        _log.debug("a memory of %d cells at position %d", len(memory), positions[0])

    @contextmanager
    def _unchanged_by_errors(self) -> Iterator[None]:
        """Whatever is raised inside, the session is as it was before."""
        before = self._cells, self._queries, self._peak, self._evicted
        state = (self.engine.state(), self.engine.logits()) if len(self._cells) else None
        try:
            yield
        except BaseException:
            with uninterrupted():
                if state:
                    self.engine.load(*state)
                else:
                    self.engine.clear()
                self._cells, self._queries, self._peak, self._evicted = before
            raise

    def generate(
        self, sampler: TokenSampler, limit: int, stop: frozenset[int], *, group: int = 0
    ) -> Iterator[int]:
        """Generate tokens until one of ``stop`` is drawn, at most ``limit``.

        ``group``: as in `feed`. Once the iterator has ended, every token it yielded has been fed;
        the stop token has not.
        """
        for _ in range(limit):
            token = sampler.sample()
            if token in stop:
                return
            yield token
            self.feed(np.asarray([token], dtype=np.int32), group=group)

    def pin(self, pinned: NDArray[np.bool_]) -> None:
        """Say anew which cached tokens must never be evicted: a mask ``(n,)``.

        Raises
        ------
        CapError
            That leaves no cell for anything else.
        """
        self._check_mask(pinned)
        cells = replace(self._cells, pinned=pinned.copy())
        if (pinned & ~self._cells.pinned).any():
            self._refuse_if_hopeless(cells)
        self._cells = cells

    def check_room(
        self, pinned: NDArray[np.bool_], *, without: NDArray[np.bool_] | None = None
    ) -> None:
        """Ask whether tokens of which these are pinned can be fed, and any number behind them.

        Parameters
        ----------
        pinned
            Which of the new tokens will be pinned: a mask ``(n,)``.
        without
            Cached tokens to leave out of account, as if dropped: a mask ``(cells,)``.

        Raises
        ------
        CapError
            What is pinned leaves no cell for anything else.
        """
        cells = self._cells
        if without is not None:
            self._check_mask(without)
            cells = cells.without(without)
        self._refuse_if_hopeless(cells.appended(np.zeros(len(pinned), np.int32), pinned))

    def drop(self, gone: NDArray[np.bool_]) -> None:
        """Evict cached tokens, pinned ones too: a mask ``(n,)``. The last one cannot go.

        Raises
        ------
        CapError
            The mask has another length, or takes the last token.
        """
        self._check_mask(gone)
        if len(gone) and gone[-1]:
            raise CapError("the last token read cannot be evicted: the next one follows it")
        with uninterrupted():
            self._evict(gone)

    def take_back(self, gone: NDArray[np.bool_]) -> None:
        """Evict cached tokens, the last ones too, as if they had not been read: a mask ``(n,)``.

        They do not count as evicted, and what went to make room for them does not come back.
        `logits` are still theirs, so feed something before drawing again.

        Raises
        ------
        CapError
            The mask has another length.
        """
        self._check_mask(gone)
        with uninterrupted():
            self._remove(gone)
            self._queries = self._queries.before(self._cells.next_position)

    def fork(self) -> Session:
        """Return a session of its own, with a cache of its own, that goes on from here.

        What a common beginning, as a system prompt, costs to read is paid once.
        """
        twin = Session(self.engine.sibling(), self._cap, self.policy, block=self._block)
        if len(self._cells):
            twin.engine.load(self.engine.state(), self.engine.logits())
        twin._cells, twin._queries = self._cells, self._queries
        twin._peak, twin._evicted = self._peak, self._evicted
        return twin

    def save(self, path: str | Path, notes: Mapping[str, Any] | None = None) -> None:
        """Save cells, book and logits to one file, in one step.

        Parameters
        ----------
        path
            Its file; an old one is replaced, and stays if anything goes wrong.
        notes
            What else is to be found there again, as JSON takes it.

        Raises
        ------
        StateError
            Nothing has been read yet, or the file cannot be written.
        """
        if len(self._cells) == 0:
            raise StateError(f"{path}: nothing to save: this session has read nothing yet")
        queries = self._queries.last(self.policy.queries)
        SavedSession(
            identity=self.engine.identity,
            policy=repr(self.policy),
            counts={
                "cap": self._cap,
                "block": self._block,
                "chunk": self.engine.chunk,
                "peak": self._peak,
                "evicted": self._evicted,
            },
            cells=self._cells,
            state=self.engine.state(),
            logits=self.engine.logits(),
            queries=queries.values,
            query_positions=queries.positions,
            notes=notes or {},
        ).write(Path(path))

    @classmethod
    def restored(cls, saved: SavedSession, engine: Engine, policy: Policy) -> Session:
        """Return a session that goes on where one was saved; it draws the same next token.

        Parameters
        ----------
        saved
            What `save` wrote.
        engine
            Of the same model, library and cache; its cache is empty.
        policy
            The same as then.

        Raises
        ------
        StateError
            Something of this is not the same, or the cells are not those of the book.
        """
        saved.check(engine.identity, policy, engine.trained_length)
        counts, cells = saved.counts, saved.cells
        session = cls(engine, counts["cap"], policy, block=counts["block"])
        engine.load(saved.state, saved.logits)
        # Refuses cells that are others.
        layers, _, heads, size = engine.states(frozenset({"keys"}), cells.positions)["keys"].shape
        for name, rows in (("attention", cells.attention), ("queries", saved.queries)):
            if len(rows) not in (0, layers):
                raise StateError(f"{name} saved of {len(rows)} layers, the cache has {layers}")
        if len(saved.queries) and (
            saved.queries.shape[2] % heads or saved.queries.shape[3] != size
        ):
            raise StateError(f"queries {saved.queries.shape} saved, the cache's keys have {size}")
        session._cells = cells
        session._peak, session._evicted = counts["peak"], counts["evicted"]
        if len(saved.query_positions):
            session._queries = Overheard((Queries(saved.queries, saved.query_positions),))
        return session

    def _check_mask(self, mask: NDArray[np.bool_]) -> None:
        if mask.shape != (len(self._cells),):
            raise CapError(f"a mask {mask.shape}: expected one value for {len(self._cells)} cells")

    def _refuse_if_hopeless(self, cells: Cells) -> None:
        # What a policy protects of the last tokens may now be pinned ones, and will not be once
        # others follow: so look at a cache that goes on with a whole cap of them.
        later = cells.appended(np.zeros(self._cap, np.int32))
        needed = int(self._locked(later).sum()) + 1
        if needed > self._cap:
            locked = int(self._locked(later, last=False).sum())
            window = self.engine.window
            or_seen = f" or in the model's sliding window of {window}" if window else ""
            raise CapError(
                f"a cap of {self._cap} cells is too small: {locked} tokens are pinned or protected "
                f"by the policy{or_seen}, so at least {needed} cells are needed"
            )

    def _step(self, missing: int) -> int:
        """Tokens to read at once, when ``missing`` are still to be read.

        A step evicts as much as it reads, before it reads. A quarter of what can be evicted at a
        time leaves every token three quarters of that to look at.
        """
        if len(self._cells) + missing <= self._cap:
            return self.engine.chunk
        free = self._cap - int(self._locked(self._cells).sum())
        return min(self.engine.chunk, max(1, free // 4))

    def _locked(self, cells: Cells, *, last: bool = True) -> NDArray[np.bool_]:
        """Cells that cannot go: pinned, protected by the policy, in a sliding window, the last one.

        The engine wants the next token right behind the last position, so that one stays.
        """
        locked = cells.pinned | self.policy.protected(cells.view())
        if self.engine.window:
            locked = locked | (cells.positions >= cells.next_position - self.engine.window)
        if last and len(locked):
            locked[-1] = True
        return locked

    def _make_room(self, wanted: int) -> int:
        """Evict until up to ``wanted`` tokens fit; return how many do, at least one."""
        room = self._cap - len(self._cells)
        if "queries" in self.policy.signals and not self._queries and room:
            wanted = min(wanted, room)  # read what fits, and there will be queries to judge by
        missing = wanted - room
        if missing > 0:
            self._give_up(max(missing, self._block))
        room = min(wanted, self._cap - len(self._cells))
        if room < 1:
            raise CapError(
                f"a cap of {self._cap} cells is full of tokens that are pinned or protected"
            )
        if self._cells.next_position + room > self.engine.trained_length:
            self._compact()
        return room

    def _give_up(self, count: int) -> None:
        """Evict so many of the cells that can go, or all of them."""
        free = np.flatnonzero(~self._locked(self._cells))
        order = np.argsort(self._scores()[free], kind="stable")
        evicted = np.zeros(len(self._cells), dtype=bool)
        evicted[free[order[:count]]] = True
        self._evict(evicted)

    def _scores(self) -> NDArray[np.float64]:
        """What the policy makes of the cells, with the signals it declared and no others."""
        wanted = self.policy.signals
        if "queries" in wanted and not self._queries:  # a memory was the last that came
            return self._cells.positions.astype(np.float64)
        signals = dict(self.engine.states(wanted & _FROM_CACHE, self._cells.positions))
        positions = None
        if "attention" in wanted:
            signals["attention"] = self._cells.attention
        if "queries" in wanted and self._queries:
            last = self._queries.last(self.policy.queries)
            signals["queries"], positions = last.values, last.positions
        return self.policy.scores(self._cells.view(signals, positions))

    def _remove(self, gone: NDArray[np.bool_]) -> None:
        for start, end in runs(self._cells.positions[gone]):
            self.engine.remove(start, end)
        self._cells = self._cells.without(gone)

    def _evict(self, gone: NDArray[np.bool_]) -> None:
        self._remove(gone)
        self._evicted += int(gone.sum())
        _log.debug("%d tokens evicted, %d cells in use", int(gone.sum()), len(self._cells))

    def _read(
        self,
        book: Cells,
        tokens: NDArray[np.int32] | NDArray[np.float32],
        missing: int,
        adapter: Adapter | None,
    ) -> None:
        """Have the engine read ``tokens``; the book becomes ``book``."""
        first = self._cells.next_position
        listen = self.policy.signals - _FROM_CACHE
        # Queries matter only if an eviction follows while they are among the last ones.
        if len(self._cells) + missing <= self._cap - self.policy.queries:
            listen -= {"queries"}
        try:
            heard = self.engine.decode(tokens, first, listen, adapter)
        except EdgeLinguaError:
            self.engine.remove(first, first + len(tokens))  # what was read before it failed
            raise
        self._cells = self._remember(book, heard, first + np.arange(len(tokens)))
        self._peak = max(self._peak, len(self._cells))

    def _remember(self, book: Cells, heard: Heard, positions: NDArray[np.int64]) -> Cells:
        if heard.queries is not None:
            queries = Queries(heard.queries, positions[-heard.queries.shape[1] :])
            self._queries = self._queries.heard(queries, self.policy.queries)
        else:
            self._queries = Overheard()  # those overheard before are not the last ones any more
        if heard.attention is None:
            return book
        before = book.attention if len(book.attention) else np.float32(0)
        return replace(book, attention=heard.attention + before)

    def _compact(self) -> None:
        """Close the gaps between positions: the model knows no positions past its length."""
        if not self.engine.can_shift:
            raise CapError(
                f"the text has reached position {self._cells.next_position}, the end of what this "
                "model was trained for, and its cached tokens cannot be moved"
            )
        _log.debug("position %d: gaps are closed up", self._cells.next_position)
        for start, end, delta in self._cells.moves():
            self.engine.shift(start, end, delta)
        self._cells = self._cells.compacted()
        self._queries = Overheard()  # they were turned for the old positions
