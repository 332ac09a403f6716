"""Who does what: the parts of a sentence that each say something, and the words that carry them.

The lead of a part is its subject and its verb, as far as small words and endings show them, else
the words that it begins with. Words of two parts side by side, without their leads, would make one
statement of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.grammar import Class
from edgelingua.text.ranges import Spans, as_spans
from edgelingua.text.sentence_parts import (
    CONJUNCTIONS,
    Token,
    first_verb,
    is_named,
    opens_clause,
    sentence_parts,
)

_MOST = 3
"""Words of a subject, the last ones, that its verb does not stand without."""


@dataclass(frozen=True, eq=False)
class Predicates:
    """Parts of sentences, and what each of them needs.

    ``starts`` ``(n,)``: offsets where parts begin, ascending. ``statement`` ``(n,)``: which
    sentence a part belongs to. ``linked`` ``(n,)`` bool: it has no subject of its own, or is about
    a word of the part before. ``hangs`` ``(n,)`` bool: it needs what the part before needs.
    ``leads`` ``(m, 2)``: words that carry a part, which is ``part`` ``(m,)``.
    """

    starts: NDArray[np.int64]
    statement: NDArray[np.int64]
    linked: NDArray[np.bool_]
    hangs: NDArray[np.bool_]
    leads: Spans
    part: NDArray[np.int64]


class _Lead(NamedTuple):
    """The words that carry a part; those of its subject; whether it says what that does."""

    words: list[Token]
    subject: list[Token]
    acts: bool


def predicates(text: str, ends: NDArray[np.int64]) -> Predicates:
    """Find the parts of sentences that end at ``ends`` ``(s,)``.

    Notes
    -----
    Time grows with the length of the text.
    """
    rows: list[tuple[int, int, bool, bool]] = []
    leads: list[tuple[int, int]] = []
    part: list[int] = []
    begin = 0
    for number, end in enumerate(ends.tolist()):
        before: Token | None = None
        # Who does what the next parts say, if they do not: outside of relative clauses, and in one.
        outer: list[Token] = []
        subject: list[Token] = []
        for tokens, about in sentence_parts(text, begin, end):
            lead = _lead(tokens)
            words = lead.words
            tied = before is not None and (about or tokens[0].kind is Class.RELATIVE)
            hangs = before is not None and (tied or not lead.acts)
            if before and tied:
                words = [*words, before]
                subject = lead.subject or [before]
            elif lead.subject:
                subject = outer = lead.subject
            elif lead.acts:
                subject = subject if tokens[0].kind is Class.COORDINATOR else outer
                words = words + subject
            elif before is None:
                subject = outer = words  # The man, who
            rows.append(
                (tokens[0].start, number, before is not None and (hangs or not lead.subject), hangs)
            )
            leads += [(token.start, token.end) for token in words]
            part += [len(rows) - 1] * len(words)
            before = next((t for t in reversed(tokens) if t.kind is None), before)
        begin = end
    columns = np.asarray(rows, dtype=np.int64).reshape(-1, 4).T
    return Predicates(
        columns[0],
        columns[1],
        columns[2].astype(bool),
        columns[3].astype(bool),
        as_spans(leads),
        np.asarray(part, dtype=np.int64),
    )


def _lead(tokens: list[Token]) -> _Lead:
    at = 0
    while at < len(tokens) and tokens[at].kind in CONJUNCTIONS:
        at += 1
    opened, tokens = tokens[:at], tokens[at:]
    if len(tokens) > 2 and opens_clause(*tokens[:3]):
        return _Lead(opened + tokens[:2], [], acts=False)
    verb = first_verb(tokens)
    if verb is None:
        run = _first_run(tokens)
        if run and (is_named(run) or run[0].kind is Class.PRONOUN):
            return _Lead(opened + run, run[:-1] or run, acts=True)
        behind = tokens[tokens.index(run[-1]) + 1 :] if run else []
        acts = bool(behind) and behind[0].kind is Class.DETERMINER
        return _Lead(opened + run, [], acts)
    subject = _subject(tokens[:verb])
    return _Lead(opened + subject + _group(tokens[verb:]), subject, acts=True)


def _first_run(tokens: list[Token]) -> list[Token]:
    """Return the first words in a row that belong to no closed class, behind a pronoun."""
    run: list[Token] = []
    for token in tokens:
        if token.kind is None or (token.kind is Class.PRONOUN and not run):
            run.append(token)
        elif run and run[-1].kind is None:
            break
    return run[:_MOST]


def _subject(tokens: list[Token]) -> list[Token]:
    """Return the words of the subject, behind what an opening preposition belongs to.

    With what it is of or in, if all that is short: "sales in Sweden".
    """
    found: list[Token] = []
    first = 0  # words before the first small word
    aside = False
    for number, token in enumerate(tokens):
        if token.kind is Class.PRONOUN and not found:
            return [token]
        if token.kind is None:
            if not aside:
                found.append(token)
        elif found:
            first = first or len(found)
        elif token.kind is Class.PREPOSITION:
            aside = True
        elif token.kind is Class.DETERMINER:
            # In 1954 | a storm
            aside = aside and tokens[number - 1].kind is not None
    return found if len(found) <= _MOST else found[: first or len(found)][-_MOST:]


def _group(tokens: list[Token]) -> list[Token]:
    """Return a verb with its auxiliaries, with a verb behind "to", or with what something is."""
    found = [tokens[0]]
    open_ended = tokens[0].kind is Class.AUXILIARY
    at = 1
    while at < min(len(tokens), 6):
        token = tokens[at]
        at += 1
        if open_ended and token.kind in (Class.AUXILIARY, Class.ADVERB):
            found.append(token)
        elif open_ended and token.kind is Class.DETERMINER:
            return found + _first_run(tokens[at:])[-1:]
        elif open_ended and token.kind is None:
            found.append(token)
            open_ended = token.word.endswith("ly")
        elif not open_ended and token.word == "to":
            found.append(token)
            open_ended = True
        else:
            break
    return found
