"""A compressed history that grows, for a reader elsewhere: old turns are never touched again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from edgelingua.budget import Budget, Count
from edgelingua.compressed import Compressed
from edgelingua.compressors import Compressor
from edgelingua.errors import InputError
from edgelingua.prompt import SEPARATOR, Pin, Prompt, Segment, without_question
from edgelingua.scores import Progress

HALF = Budget(rate=0.5)
"""What a turn may keep where nothing else is said."""

_RULES = ("system", "developer")
"""Roles whose turns are instructions, for which no question says what a rule is worth."""


@dataclass(frozen=True, eq=False)
class Turn:
    """A turn: who spoke, what was said, what of it is kept.

    ``tokens_in`` and ``tokens_out`` count ``original`` and ``text``. ``compressed`` tells what
    became of each word, and recovers quotations; it is ``None`` where the turn was kept as it is.
    Its prompt ends with the question that guided the compression, if there was one; `text` does
    not.
    """

    role: str
    original: str
    text: str
    tokens_in: int
    tokens_out: int
    compressed: Compressed | None = None


@dataclass(frozen=True, eq=False)
class History:
    """The history of a talk or of an agent's work, compressed turn by turn.

    No model replies here; `Chat` talks with a reader, in a cache under a cap. A history goes to
    a reader of your own, which may be a server far away.

    It is a value: `add` returns a longer one and leaves this one alone, also when it fails. What a
    turn became never changes, so `text` of the longer one begins with `text` of this one, and a
    reader that has seen this one (its KV cache) only reads what is new. The reader's tokenizer must
    not join what is new to what was there; a turn of its own in a chat template sees to that.

    Threads may share a history; one that grows in several threads becomes as many histories.

    Parameters
    ----------
    compressor
        Compresses each turn by itself, see `load_compressor`.
    budget
        What a turn may keep, half of its tokens by default. Its ``count`` counts all tokens here;
        ``None``: the compressor's.
    keep_up_to
        Turns of at most this many tokens are kept as they are, unless they bring a budget: half of
        a short answer is none.
    turns
        What was said so far.

    Examples
    --------
    >>> history = History(load_compressor("selective_context"))  # doctest: +SKIP
    >>> history = history.add("You maintain a web shop.", role="system", compress=False)
    >>> history = history.add(log, role="tool", budget=Budget(tokens=500), question="Why so slow?")
    >>> answer = client.chat(messages=history.messages())
    """

    compressor: Compressor
    budget: Budget = HALF
    keep_up_to: int = 16
    turns: tuple[Turn, ...] = ()

    def add(
        self,
        text: str,
        role: str = "user",
        *,
        budget: Budget | None = None,
        question: str = "",
        pin: Pin | Iterable[Pin] = (),
        compress: bool = True,
        progress: Progress | None = None,
    ) -> History:
        """Return the history with one turn more.

        Parameters
        ----------
        text
            What was said; blank text is kept as it is.
        role
            Who said it: ``system``, ``user``, ``assistant``, ``tool``, or what else the reader
            knows.
        budget
            For this turn, instead of the history's.
        question
            Guides a compressor that can use one; it is not part of the turn. A system prompt is
            compressed without it.
        pin
            What must survive, as in `Prompt.build`.
        compress
            ``False``: kept byte for byte.
        progress
            Called while the text is scored.

        Raises
        ------
        InputError
            There is no role, the text cannot be worked with (see `Prompt`), or the compressor needs
            a question.
        BudgetError
            What is protected exceeds the budget.
        """
        if not role.strip():
            raise InputError("a turn without a role: expected system, user, assistant, tool, …")
        count = self._count(budget)
        if text.strip():
            Prompt((Segment(text),))  # refuses what is no text, even where it is kept as it is
        tokens = count(text)
        short = budget is None and tokens <= self.keep_up_to
        if not compress or not text.strip() or short:
            return self._with(Turn(role, text, text, tokens, tokens))
        rules = role in _RULES
        said = Segment(text, "instruction" if rules else "context", compress=True)
        asked = "" if rules else question.strip()
        prompt = Prompt.build(said, question=asked, pin=pin)
        # The budget is the turn's: what is counted is without the question.
        own = replace(budget or self.budget, count=without_question(count, asked))
        compressed = self.compressor.compress(prompt, own, progress)
        kept = compressed.segment_texts()[0]
        return self._with(
            Turn(role, text, kept, compressed.tokens_in, compressed.tokens_out, compressed)
        )

    @property
    def text(self) -> str:
        """What is kept of all turns, a blank line between two."""
        return SEPARATOR.join(turn.text for turn in self.turns)

    @property
    def tokens_in(self) -> int:
        """Tokens of all turns as they were said; what a chat template adds is not counted."""
        return sum(turn.tokens_in for turn in self.turns)

    @property
    def tokens_out(self) -> int:
        """Tokens of all turns as they are kept."""
        return sum(turn.tokens_out for turn in self.turns)

    def messages(self) -> list[dict[str, str]]:
        """Return the turns as chat interfaces take them: ``role`` and ``content``."""
        return [{"role": turn.role, "content": turn.text} for turn in self.turns]

    def _with(self, turn: Turn) -> History:
        return replace(self, turns=(*self.turns, turn))

    def _count(self, budget: Budget | None) -> Count:
        of_turn = budget.counter if budget else None
        return of_turn or self.budget.counter or self.compressor.count
