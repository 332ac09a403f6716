"""A text without end as a bounded number of cells: new memories are made, old ones are merged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import CapError, InputError
from edgelingua.kv.memory import Portion
from edgelingua.kv.policies import Streaming
from edgelingua.kv.session import Session
from edgelingua.llama.memory_adapter import MemoryAdapter
from edgelingua.llama.model import LlamaModel
from edgelingua.llama.sampling import Sampling
from edgelingua.models import registry
from edgelingua.prompt import SEPARATOR
from edgelingua.remembering import closing, opening, scores_of, spans_of
from edgelingua.scores import Progress
from edgelingua.selection.cells import chosen
from edgelingua.text.encodings import refuse_surrogates


@dataclass(frozen=True, eq=False)
class Part:
    """A part of what was read: ``tokens`` of text, and what its cells are worth ``(n,)``."""

    tokens: int
    worth: NDArray[np.float32]


class RecursiveMemory:
    """Reads text without end and keeps what is recent word for word, the rest as cells.

    When enough has come, the oldest segment of the text that is still there becomes a memory, with
    those before it in sight. When there are more cells than may be, two memories that follow each
    other become one of half as many: those for which there are the fewest tokens of text, for how
    long ago they were. So what is twice as long ago has half as many cells.

    Neither cells nor text grow: of what was distilled, the words are gone.

    Parameters
    ----------
    reader
        Writes the memories, and reads them.
    cap
        Most cells in use, at every step.
    cells
        Most cells of memories.
    adapter
        Trained to write memories for this reader; without one the cells of the words that
        edgelingua-mini scores highest are kept as the reader wrote them.
    segment
        Tokens that become a memory at once.
    ratio
        Tokens of text for each cell of a memory that is new.
    recent
        So many tokens, and up to a segment more, stand behind the memories as they are.

    Raises
    ------
    InputError
        Not enough cells for two memories, or more than the adapter writes.
    CapError
        Memories, a segment and what is recent do not fit into the cap.
    """

    def __init__(
        self,
        reader: LlamaModel,
        cap: int,
        cells: int,
        *,
        adapter: MemoryAdapter | None = None,
        segment: int = 256,
        ratio: int = 8,
        recent: int = 128,
    ) -> None:
        self.reader, self.adapter = reader, adapter
        self._segment, self._share, self._recent = segment, max(1, segment // ratio), recent
        self._scorer = adapter.scorer if adapter else registry.DEFAULT_CLASSIFIER
        self._vectors = adapter.vectors if adapter else None
        most = segment - 1 if self._vectors is None else len(self._vectors)
        if not self._share <= most or cells < 2 * self._share or recent < 0:
            raise InputError(
                f"{cells} cells for memories of {self._share}, made of {segment} tokens: expected "
                f"memories of at most {most} cells, and room for two of them"
            )
        self._cells, self._parts = cells, list[Part]()
        self._waiting = ""
        before = opening(reader, adapter)
        written = segment + (0 if self._vectors is None else self._share)
        needed = len(before) + cells + max(written, recent + segment) + 1
        if cap < needed:
            raise CapError(
                f"a cap of {cap}: {cells} cells of memories beside a segment of {segment} tokens "
                f"and {recent} recent ones need {needed}; take a larger cap, or less of these"
            )
        self._session = reader.session(cap, Streaming(sinks=0, recent=0))
        self._session.feed(before, pinned=True)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The memories, in the order of the text."""
        return tuple(self._parts)

    @property
    def waiting(self) -> str:
        """What is recent, word for word."""
        return self._waiting

    def read(self, text: str, progress: Progress | None = None) -> None:
        """Read on; whatever is raised, Ctrl-C too, what was read until then is there.

        Raises
        ------
        InputError
            The text has lone surrogates.
        """
        refuse_surrogates(text, "the text")
        waiting = self._waiting + text
        tokens = self.reader.tokenize_part(waiting)
        spans = spans_of(self.reader, waiting, tokens)
        at = 0
        self._waiting = waiting
        while len(tokens) - at >= self._recent + self._segment:
            if progress:
                progress(at, len(tokens))
            start, end = at, at + self._segment
            # No character is cut.
            while start + 1 < end < len(tokens) and spans[end, 0] < spans[end - 1, 1]:
                end -= 1
            first, last = spans[start, 0], spans[end - 1, 1]
            worth = scores_of(self._scorer, waiting[first:last], spans[start:end] - first)
            self._distil(tokens[start:end], worth)
            at = end
            self._waiting = waiting[last:]

    def ask(self, question: str, *, max_tokens: int = 256, sampling: Sampling | None = None) -> str:
        """Answer a question about what was read; the memory stays as it is.

        Raises
        ------
        InputError
            The question has lone surrogates.
        CapError
            It is longer than what the cap has room for.
        """
        refuse_surrogates(question, "the question")
        session = self.session()
        words = self.reader.tokenize_part(SEPARATOR + question)
        session.feed(np.concatenate([words, closing(self.reader)]), pinned=True)
        sampler = self.reader.sampler(session, sampling or Sampling())
        tokens = session.generate(sampler, max_tokens, self.reader.stop_tokens)
        return "".join(self.reader.stream_text(tokens)).strip()

    def session(self) -> Session:
        """Return a session of its own that has the memories, and behind them what is recent.

        Where an answer is long, what is recent makes room for it, the oldest first.
        """
        session = self._session.fork()
        session.feed(self.reader.tokenize_part(self._waiting))
        return session

    def _distil(self, tokens: NDArray[np.int32], worth: NDArray[np.float32]) -> None:
        share = min(self._share, len(tokens) - 1) or 1
        while sum(len(part.worth) for part in self._parts) + share > self._cells:
            self._merge()
        if self._vectors is None:
            portion = Portion(tokens, chosen(worth, share, self._scorer))
            worth = worth[portion.kept]
        else:
            nothing = np.zeros(len(tokens), dtype=bool)
            portion = Portion(tokens, nothing, self._vectors[:share])
            worth = -np.arange(share, dtype=np.float32)  # the first were trained to say the most
        self._session.distil([portion], "", adapter=self.adapter.lora if self.adapter else None)
        self._parts.append(Part(len(tokens), worth))

    def _merge(self) -> None:
        """Make one memory of two."""
        parts = self._parts
        ago = np.cumsum([part.tokens for part in reversed(parts)])[::-1]
        coarse = [
            (first.tokens + second.tokens) / since
            for first, second, since in zip(parts, parts[1:], ago, strict=False)
        ]
        at = int(np.argmin(coarse))
        both = np.concatenate([part.worth for part in parts[at : at + 2]])
        how = self._scorer if self._vectors is None else "learned"
        kept = chosen(both, min(self._share, len(both) - 1), how)
        cells = len(self._session.cells)
        sizes = [len(part.worth) for part in parts]
        start = cells - sum(sizes[at:])
        gone = np.zeros(cells, dtype=bool)
        gone[start : start + len(both)] = ~kept
        self._session.drop(gone)
        parts[at : at + 2] = [Part(parts[at].tokens + parts[at + 1].tokens, both[kept])]
