"""SCOPE: chunks written again by the reader itself, each as long as it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from edgelingua.budget import Budget, Count
from edgelingua.compressed import Compressed
from edgelingua.compressors.parts.chunks import chunks
from edgelingua.compressors.parts.pruner import Pruner
from edgelingua.compressors.parts.summary import SYSTEM, grammar, parse, request
from edgelingua.compressors.parts.verified import unverified
from edgelingua.errors import InputError
from edgelingua.prompt import Prompt
from edgelingua.scores import Progress
from edgelingua.selection.fit import room_for

LEAST_PARAMETERS = 1_000_000_000
"""Of a reader: one of 135 million copies the beginning of what it is to shorten."""

_LEAST_TOKENS = 12
"""Of a chunk's share: in fewer, no sentence is written."""

_NEARLY_ALL = 0.85
"""Share of a chunk beyond which there is nothing to gain by writing it again."""

_CITATION = 5
"""Tokens that a sentence's source takes, beside the sentence."""


class Writer(Protocol):
    """A model that writes: `LlamaModel` is one."""

    @property
    def count(self) -> Count:
        """Counts its tokens."""
        ...

    @property
    def parameters(self) -> int:
        """How many weights it has."""
        ...

    def write(self, messages: Sequence[tuple[str, str]], limit: int, rules: str = "") -> str:
        """Reply to messages in at most ``limit`` tokens, held to a grammar."""
        ...


@dataclass(frozen=True)
class Part:
    """What became of a chunk.

    ``text``: what stands for it; ``source``: its characters in the prompt; ``cited``: those of the
    sentences that were named as sources, if the reader wrote the text. ``refused``: why what it
    wrote was not taken, if it wrote any.
    """

    text: str
    source: tuple[int, int]
    cited: tuple[tuple[int, int], ...] = ()
    refused: str = ""

    @property
    def written(self) -> bool:
        """Whether the reader wrote it; else it is slices of the prompt."""
        return bool(self.cited)


@dataclass(frozen=True, eq=False)
class Rewritten:
    """A prompt of which parts were written anew: no slices of the original, as `Compressed` is.

    Parameters
    ----------
    extracted
        What stands where nothing was written: the same prompt, compressed without writing.
    parts
        Those of the texts that were compressed, in order.
    text
        The whole.
    tokens_out
        Its tokens.
    """

    extracted: Compressed
    parts: tuple[Part, ...]
    text: str
    tokens_out: int

    @property
    def tokens_in(self) -> int:
        """Tokens of the original."""
        return self.extracted.tokens_in

    @property
    def limit(self) -> int:
        """Most tokens that the budget allowed."""
        return self.extracted.limit

    @property
    def model(self) -> str:
        """The bundle that said what each chunk is worth."""
        return self.extracted.model

    @property
    def rate(self) -> float:
        """Tokens of `text` as a fraction of the original's."""
        return self.tokens_out / max(1, self.tokens_in)


@dataclass(frozen=True)
class Scope:
    """Chunks written again by a reader, as long as they are worth (SCOPE, arXiv:2508.15813).

    The text is cut into chunks of sentences that hang together. How many tokens each may have says
    ``extractor``: as many as it would keep of it within the same budget, which is more where the
    question is about it. The reader writes the chunk again in at most that many, held to a grammar,
    and names the source of each sentence. Where anything of that cannot be found in the chunk
    (`parts.verified`), what the extractor kept stands instead; also for machine text, for chunks
    with a pin, and where next to nothing or nearly all of a chunk is kept.

    Parameters
    ----------
    reader
        Writes.
    extractor
        Any other compressor.
    longest
        Most tokens of a chunk.
    least_parameters
        Smaller readers are refused.

    Raises
    ------
    InputError
        The reader is too small.
    """

    reader: Writer
    extractor: Pruner
    longest: int = 160
    least_parameters: int = LEAST_PARAMETERS

    def __post_init__(self) -> None:
        if self.reader.parameters < self.least_parameters:
            raise InputError(
                f"scope writes with a reader of {self.least_parameters / 1e9:g} billion parameters "
                f"or more; this one has {self.reader.parameters / 1e9:.2f} billion, and would make "
                "things up: choose a larger --reader, or llmlingua2, which writes nothing"
            )

    def compress(
        self, prompt: Prompt, budget: Budget, progress: Progress | None = None
    ) -> Rewritten:
        """Write ``prompt`` again in at most ``budget``, counted by the reader unless it says how.

        Raises
        ------
        BudgetError
            The protected text alone exceeds the budget.
        """
        if budget.count is None:
            budget = replace(budget, count=self.reader.count)
        count = room_for(prompt, budget, self.reader.count).count
        extracted = self.extractor.compress(prompt, budget)
        pieces: list[str | int] = []
        parts: list[Part] = []
        whole = extracted.prompt
        for (offset, segment), kept in zip(
            whole.layout.segments, extracted.segment_texts(), strict=True
        ):
            if not segment.compressible:
                pieces.append(kept)
                continue
            for sentences in chunks(segment.text, count, self.longest):
                pieces.append(len(parts))
                ranges = [(offset + start, offset + end) for start, end in sentences]
                parts.append(self._part(extracted, ranges, count))
                if progress:
                    progress(offset + sentences[-1][1], len(whole.text))
        return _fitted(extracted, pieces, parts, count)

    def _part(self, extracted: Compressed, ranges: list[tuple[int, int]], count: Count) -> Part:
        """Write one chunk again, if that is worth trying."""
        prompt, source = extracted.prompt, (ranges[0][0], ranges[-1][1])
        chunk = prompt.text[source[0] : source[1]]
        kept = Part(extracted.between(*source), source)
        tokens = count(kept.text.strip())
        if (
            tokens < _LEAST_TOKENS
            or tokens > _NEARLY_ALL * count(chunk.strip())
            or prompt.layout.protected[source[0] : source[1]].any()
            or _is_machine_text(prompt, source)
        ):
            return kept
        sentences = [prompt.text[start:end] for start, end in ranges]
        limit = tokens + _CITATION * len(sentences)
        messages = [("system", SYSTEM), ("user", request(sentences, prompt.question, tokens))]
        items = parse(self.reader.write(messages, limit, grammar(len(sentences), tokens)))
        while items and count(" ".join(text for text, _ in items)) > tokens:
            items = items[:-1]
        if not items:
            return replace(kept, refused="it wrote no sentence that fits")
        for text, at in items:
            if why := unverified(text, sentences[at], chunk):
                return replace(kept, refused=why)
        blank = chunk[: len(chunk) - len(chunk.lstrip())] or " " * (kept.text[:1] == " ")
        return Part(
            blank + " ".join(text for text, _ in items),
            source,
            tuple(dict.fromkeys(ranges[at] for _, at in items)),
        )


def _is_machine_text(prompt: Prompt, source: tuple[int, int]) -> bool:
    """Whether there are records in a part of the prompt: rows and keys say more than sentences."""
    return any(
        start + offset < source[1] and source[0] < end + offset
        for offset, segment in prompt.layout.segments
        for start, end in segment.outline.records
    )


def _fitted(
    extracted: Compressed, pieces: list[str | int], parts: list[Part], count: Count
) -> Rewritten:
    """Put all together; what joins make too long goes back to what was extracted, the last first.

    With all extracted, it is what the extractor made to fit.
    """
    parts = list(parts)
    for at in (*reversed([at for at, part in enumerate(parts) if part.written]), None):
        text = "".join(parts[one].text if isinstance(one, int) else one for one in pieces)
        tokens = count(text)
        if tokens <= extracted.limit or at is None:
            break
        source = parts[at].source
        kept = extracted.between(*source)
        parts[at] = Part(kept, source, refused="with the others it did not fit")
    return Rewritten(extracted, tuple(parts), text, tokens)
