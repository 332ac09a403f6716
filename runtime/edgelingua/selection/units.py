"""A scored prompt cut into the pieces that are kept or dropped whole."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edgelingua.errors import InputError, described
from edgelingua.prompt import Prompt
from edgelingua.scores import TokenScores, pool
from edgelingua.selection.claims import claimed
from edgelingua.selection.company import Company
from edgelingua.selection.gaps import Gaps
from edgelingua.selection.guard import guarded, parts
from edgelingua.selection.joints import break_edges
from edgelingua.selection.records import (
    dealt,
    framing,
    outline_edges,
    record_units,
    without_noise,
)
from edgelingua.text.boundaries import (
    BLANKS,
    before_blanks,
    blanks,
    cuttable,
    graphemes,
    interior,
    joined,
    sentences,
)
from edgelingua.text.clauses import statement_ends
from edgelingua.text.denials import Denials, denials
from edgelingua.text.encodings import refuse_surrogates
from edgelingua.text.formulas import formulas
from edgelingua.text.heads import headed_lines, heading_marks
from edgelingua.text.names import names
from edgelingua.text.noun_phrases import phrases
from edgelingua.text.pairs import pairs
from edgelingua.text.pieces import uncut
from edgelingua.text.ranges import Spans
from edgelingua.text.structure import atoms

Level = Literal["token", "word", "phrase", "sentence"]

_STOPS = re.compile(r"[.!?…][\"”’»]")
_MARKS = re.compile(r"([^\w\s])\1{1,255}")
"""Runs of one mark (====, ….), of which many make one token."""


@dataclass(frozen=True)
class Rules:
    """What is kept or dropped whole, and what outlives its score.

    Parameters
    ----------
    level
        What a unit is. ``"token"``: without ``guard`` single tokens, as the LLMLingua paper does,
        but for numbers, contractions and letters with their accents; with it, what stands between
        two blanks, and single tokens of scripts without spaces. ``"word"``: also paths with blanks
        and quotations of a line stay whole; URLs, e-mail addresses, paths and identifiers even
        without ``guard``. ``"phrase"``: noun
        phrases, else words (Selective Context, arXiv:2310.06201). ``"sentence"``: sentences.
    guard
        A negation stays with the word it is about, and as long as anything else of its clause
        stays; a number as long as the word before or behind it does (negations do not count),
        where the budget holds them: without them these would say something else. Words of two
        statements do not stand side by side: a full stop or a line break between them stays.
    rank_records
        Lines, rows and elements of machine text are ranked by `worth`, not by their words alone.
    names
        Names of several words stay whole, and are worth the mean of their words; not for tokens.
    drop_consecutive
        Strings (marks, line breaks) of which one goes, pinned or not, when nothing is left between
        it and another of the same (LLMLingua-2).
    gap
        A mark, such as ``"…"``, that stands where words of a sentence were left out between others,
        and where two sentences would meet; its tokens count. Empty: none.
    """

    level: Level = "word"
    guard: bool = True
    rank_records: bool = True
    names: bool = False
    drop_consecutive: tuple[str, ...] = ()
    gap: str = ""

    def __post_init__(self) -> None:
        if self.level not in get_args(Level):
            raise InputError(f"level {self.level!r}: expected one of {', '.join(get_args(Level))}")
        if not isinstance(self.gap, str) or self.gap != self.gap.strip():
            raise InputError(
                f"gap {described(self.gap)}: expected a mark without blanks around it, such as "
                "'…', or an empty text for none"
            )
        refuse_surrogates(self.gap)


@dataclass(frozen=True, eq=False)
class Units:
    """A prompt cut into pieces that are kept or dropped whole.

    ``edges`` ``(U + 1,)`` ascending character offsets that tile the text; ``scores`` ``(U,)``;
    ``protected`` ``(U,)`` bool, to be kept; ``refused`` ``(U,)`` bool, not to be chosen; ``first``
    ``(U,)`` bool, chosen before the others; ``negates`` ``(U,)`` bool, chosen before others of the
    same score.
    ``followers`` ``(n, 5)``: a unit that is kept if any of the units from the second number up to
    the third is, and any from the fourth up to the fifth: separators, and what frames records.
    ``fills`` ``(U,)`` bool: a record, which may take room that a better one is too long for.
    ``frames`` ``(U,)`` bool: brackets, keys, line breaks, which say nothing by themselves.
    ``repeated`` ``(U,)`` int: units of the same number, not negative, do not stand beside each
    other.
    ``company``: what each unit needs beside it.
    ``gap``: the mark where words of a sentence are missing, which ``gaps`` knows; empty: none.
    """

    edges: NDArray[np.int64]
    scores: NDArray[np.float32]
    protected: NDArray[np.bool_]
    refused: NDArray[np.bool_]
    first: NDArray[np.bool_]
    negates: NDArray[np.bool_]
    followers: NDArray[np.int64]
    fills: NDArray[np.bool_]
    frames: NDArray[np.bool_]
    repeated: NDArray[np.int64]
    company: Company
    gap: str = ""
    gaps: Gaps | None = None

    def part(self, start: int, text: str) -> slice:
        """Return which units a piece of the prompt is, from its offset and its text."""
        first, end = np.searchsorted(self.edges, [start, start + len(text)]).tolist()
        return slice(first, end)

    def standing(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return what stands when ``chosen`` ``(U,)`` does: also what follows it."""
        kept = chosen.copy()
        if len(self.followers):
            unit, a, b, c, d = self.followers.T
            many = np.concatenate([[0], np.cumsum(chosen & (self.protected | ~self.frames))])
            kept[unit] |= (many[b] > many[a]) & (many[d] > many[c])
        return kept

    def above(self, threshold: float | None) -> Units:
        """Refuse what scores below ``threshold`` and is not protected."""
        if threshold is None:
            return self
        refused = self.refused | (~self.protected & (self.scores < threshold))
        return replace(self, refused=refused)

    @property
    def ranked(self) -> NDArray[np.float32]:
        """Scores of what may be kept or dropped, the best first; what has none is left out."""
        free = ~self.protected & ~self.refused & np.isfinite(self.scores)
        return np.sort(self.scores[free])[::-1]

    def threshold_for(self, share: float) -> float:
        """Return the score down to which the best units have a share of all their scores.

        ``share``: 0 to 1. Scores must not be negative.
        """
        ranked = self.ranked.astype(np.float64)
        if not len(ranked) or not ranked.sum():
            return -np.inf
        sums = np.cumsum(ranked) / ranked.sum()
        return float(self.ranked[min(len(ranked) - 1, int((sums < share - 1e-9).sum()))])


def units_of(prompt: Prompt, scored: dict[int, TokenScores], rules: Rules) -> Units:
    """Cut a prompt into units.

    A unit stands with the white space before it, so that dropping it leaves well-spaced text. One
    that holds a protected character is protected whole: half a word or number beside a pin would
    say something else.

    Parameters
    ----------
    scored
        Scores of parts of ``prompt.text``, by their character offset.
    rules
        How.
    """
    text = prompt.text
    denied = denials(text) if rules.guard else Denials.none()
    finest = _finest(prompt, scored, rules, denied.statements)
    inside = interior(_wholes(prompt, rules, denied), len(text))
    forced = np.concatenate([prompt.layout.edges, outline_edges(prompt)])
    edges = finest[~inside[finest] | np.isin(finest, forced)]
    scores = _scores(finest, scored)
    if rules.rank_records:
        scores = dealt(prompt, finest, scores)
    scores = _merged(finest, scores, edges)
    protected = np.logical_or.reduceat(prompt.layout.protected, edges[:-1])
    negates, company = np.zeros_like(protected), Company.none(len(scores))
    followers, frames = framing(prompt, edges)
    records = record_units(prompt, edges)
    if rules.guard:
        plain = scores
        above, negates, company = guarded(
            text,
            denied,
            prompt.layout.edges,
            edges,
            scores,
            protected,
            asked=bool(prompt.question),
        )
        scores = np.where(records, scores, above)
        negates &= ~records
        company = company.without(records | frames)
        plain = np.where(frames, -np.inf, without_noise(prompt, edges, plain))
        scores = np.where(frames, -np.inf, without_noise(prompt, edges, scores))
        scores = claimed(
            prompt, edges, plain, scores, negates, company=company, followers=followers
        )
    else:
        scores = without_noise(prompt, edges, scores)
    separators = _separators(prompt, edges)
    frames[separators[:, 0]] = True
    scores[frames] = -np.inf
    followers = np.concatenate([separators, followers])
    return Units(
        edges,
        scores,
        protected,
        frames.copy(),
        np.zeros_like(protected),
        negates,
        followers,
        records,
        frames,
        _repeated(text, edges, rules.drop_consecutive),
        company,
        rules.gap,
        _gaps_of(prompt, edges, denied.statements, records | frames) if rules.gap else None,
    )


def _gaps_of(
    prompt: Prompt,
    edges: NDArray[np.int64],
    statements: NDArray[np.int64],
    whole: NDArray[np.bool_],
) -> Gaps:
    segment = np.searchsorted(prompt.layout.edges, edges[:-1], "right")
    ends = statements if len(statements) else statement_ends(prompt.text)
    return Gaps.of(prompt.text, edges, parts(ends, prompt.text, edges, segment), whole)


def _finest(
    prompt: Prompt,
    scored: dict[int, TokenScores],
    rules: Rules,
    statements: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Every place where this prompt may be cut into words, or into tokens."""
    text = prompt.text
    ends = [np.zeros(1, dtype=np.int64)]
    for offset, token_scores in scored.items():
        whole = rules.level != "token"
        starts = token_scores.starts if whole else np.ones_like(token_scores.starts)
        # Cut behind a token, not before the next one: the gap between goes with what follows it.
        ends.append(token_scores.spans[:-1, 1][starts[1:]] + offset)
    cuts = [
        _snap(np.concatenate(ends), text, whole_pieces=rules.guard),
        prompt.layout.edges,
        _pin_edges(prompt),
        outline_edges(prompt),
    ]
    if rules.guard:
        cuts.append(break_edges(text, statements, prompt.layout.protected))
    return np.unique(np.concatenate(cuts)).astype(np.int64)


def _pin_edges(prompt: Prompt) -> NDArray[np.int64]:
    """Cuts beside pinned marks: a pinned line break or full stop does not protect the next word."""
    text, found = prompt.text, []
    for start, end in prompt.layout.pinned.tolist():
        if end == start:
            continue
        if not text[end - 1].isalnum():
            found.append(end)
        if not text[start].isalnum() and text[start] not in BLANKS:
            found.append(before_blanks(text, start))
    edges = np.asarray(found, dtype=np.int64)
    # A pin inside a number or a contraction protects it whole.
    return edges[np.isin(edges, graphemes(text)) & ~joined(text)[edges]] if found else edges


def _wholes(prompt: Prompt, rules: Rules, denied: Denials) -> Spans:
    """Character ranges that are not to be cut: ``(n, 2)``."""
    text, found = prompt.text, [prompt.layout.whole, prompt.layout.separators]
    if rules.level == "sentence":
        # From the end of one to the end of the next: white space goes with what follows it.
        ends = [start + len(text[start:end].rstrip()) for start, end in sentences(text).tolist()]
        ends = sorted({0, *ends})
        found.append(np.stack([ends[:-1], ends[1:]], axis=1))
        return np.concatenate(found).astype(np.int64)
    spans = [
        denied.whole,
        denied.leave_open,
        *(
            [headed_lines(text)[0], heading_marks(text), pairs(text), formulas(text)]
            if rules.guard
            else []
        ),
    ]
    if rules.level != "token":
        marks = np.asarray([m.span() for m in _MARKS.finditer(text)], dtype=np.int64)
        spans += [
            _without_stops(text, atoms(text)),
            marks.reshape(-1, 2),
            *([names(text)] if rules.names else []),
        ]
    # One that holds pinned text may be cut around it: the quotes of a JSON string, say.
    pinned = np.concatenate([[0], np.cumsum(prompt.layout.protected)])
    found += [some[pinned[some[:, 1]] == pinned[some[:, 0]]] for some in spans]
    if rules.level == "phrase":
        found.append(phrases(text))
    return np.concatenate(found).astype(np.int64)


def _without_stops(text: str, quoted: Spans) -> Spans:
    """Leave what ends a sentence at the end of a quotation out of it: that parts statements."""
    ends = [end - 2 if _STOPS.search(text, end - 2, end) else end for end in quoted[:, 1].tolist()]
    return np.stack([quoted[:, 0], np.asarray(ends, dtype=np.int64)], axis=1)


def _scores(edges: NDArray[np.int64], scored: dict[int, TokenScores]) -> NDArray[np.float32]:
    # No token of its own: white space beside a border, or what the tokenizer ignores. Goes first.
    scores = np.full(len(edges) - 1, -np.inf, dtype=np.float32)
    for offset, token_scores in scored.items():
        if len(token_scores.spans):
            unit_of_token = np.searchsorted(edges, token_scores.spans[:, 0] + offset, "right") - 1
            begins = np.flatnonzero(np.diff(unit_of_token, prepend=-1))
            pooled = pool(token_scores.scores, begins, token_scores.unit)
            scores[unit_of_token[begins]] = pooled
    return scores


def _merged(
    finest: NDArray[np.int64], scores: NDArray[np.float32], edges: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Scores of coarser units: the mean over their words.

    A mean and not a sum, as in Selective Context: a sentence is not worth more for being long.
    """
    if len(edges) == len(finest):
        return scores
    begins = np.searchsorted(finest, edges[:-1])
    real = np.isfinite(scores)
    totals = np.add.reduceat(np.where(real, scores, 0).astype(np.float64), begins)
    counts = np.add.reduceat(real.astype(np.int64), begins)
    means = np.where(counts > 0, totals / np.maximum(counts, 1), -np.inf)
    return means.astype(np.float32)


def _separators(prompt: Prompt, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    found = [
        np.searchsorted(edges, prompt.layout.edges[index : index + 3])
        for index, segment in enumerate(prompt.segments[:-1])
        if segment.role == "separator" and segment.text
    ]
    return np.asarray(
        [(unit, 0, unit, start, end) for unit, start, end in found], dtype=np.int64
    ).reshape(-1, 5)


def _repeated(text: str, edges: NDArray[np.int64], strings: tuple[str, ...]) -> NDArray[np.int64]:
    numbers = np.full(len(edges) - 1, -1, dtype=np.int64)
    if strings:
        number_of = {string.strip(BLANKS): number for number, string in enumerate(strings)}
        for index, (start, end) in enumerate(pairwise(edges.tolist())):
            numbers[index] = number_of.get(text[start:end].strip(BLANKS), -1)
    return numbers


def _snap(edges: NDArray[np.int64], text: str, *, whole_pieces: bool) -> NDArray[np.int64]:
    """Move cuts before blanks and out of graphemes; leave out those that `cuttable` forbids.

    With ``whole_pieces``, those that `uncut` forbids too.
    """
    solid = np.flatnonzero(~np.append(blanks(text), False))
    # The solid character before each edge; a cut goes right behind it.
    before = np.searchsorted(solid, edges) - 1
    moved = np.where(before >= 0, solid[before] + 1, 0)
    whole = graphemes(text)
    snapped = whole[np.searchsorted(whole, moved)]
    allowed = cuttable(text)
    if whole_pieces:
        allowed &= ~uncut(text)
    return snapped[allowed[snapped]]
