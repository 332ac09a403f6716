"""Questions of several steps, each made of two: one stands in place of its answer in the other.

As MuSiQue's are made (Trivedi et al. 2022, arXiv:2108.00573), but put together by rules in place of
people: "Who founded Apple?" and "Where was Steve Jobs born?" become "Where was the person who
founded Apple born?".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from edgelingua_export.train.labels import Example, groups
from edgelingua_export.train.negatives import BLOCK, Nearest
from edgelingua_export.train.readers_qa import ANSWER, BRIDGE, occurrences

_STEPS = 3
_OF_ONE, _OF_A_NAME = 3, 40
"""Questions that one is put into; questions that are about the same name."""


@dataclass(frozen=True)
class _Asked:
    """A question, its answer, the texts it needs, the answer's own the last, and answers before."""

    question: str
    answer: str
    evidence: tuple[Example, ...]
    before: tuple[str, ...] = ()


def composed(examples: Iterable[Example], count: int, seed: int) -> Iterator[Example]:
    """Yield questions of two and three steps with the texts they need, ``count`` texts a question.

    The others are the BM25-nearest without the answer, of a few thousand of the set's texts. The
    answer on the way is marked as one (`edgelingua_export.train.readers_qa.BRIDGE`).
    """
    found = list(examples)
    rng = np.random.default_rng(seed)
    single = [asked for group in groups(found) if (asked := _asked(group))]
    if not single:
        return
    texts = list(dict.fromkeys(e.text for e in found if e.question))
    near = Nearest(texts[i] for i in rng.permutation(len(texts))[:BLOCK])
    firsts, number = single, 0
    for _ in range(_STEPS - 1):
        firsts = list(_joined(firsts, single, rng))
        for asked in firsts:
            yield from _with_others(asked, near, count, f"composed:{number}")
            number += 1


def described(question: str) -> str | None:
    """Say what answers a question in place of the question, if it is one of a plain form."""
    plain = question.strip().rstrip("?").strip()
    plain = plain[:1].lower() + plain[1:]
    for pattern, put in _FORMS:
        if match := pattern.fullmatch(plain):
            return match.expand(put)
    return None


_HELPS = "is|was|are|were|did|does|do|has|have|had|can|could|will|would|should|may|might"
_NOUN = rf"(?!(?:{_HELPS}|year|date|day|kind|type|sort|\w+ed)\b)\w+(?: \w+)?"
_FORMS = [
    (re.compile(pattern, re.IGNORECASE), put)
    for pattern, put in (
        (r"what (?:is|was|are|were) the (?:name|title)s? of ([^?,]+)", r"\1"),
        (r"(?:who|what) (?:is|was|are|were) (the [^?,]+)", r"\1"),
        (rf"who (?!(?:{_HELPS})\b)([^?,]+)", r"the person who \1"),
        (rf"(?:which|what) ({_NOUN}) (?:did|does|do) ([^?,]+)", r"the \1 that \2"),
        (
            rf"(in|at|on|for|by|from|to|with) (?:which|what) ({_NOUN}) (?:did|does|do) ([^?,]+)",
            r"the \2 \1 which \3",
        ),
        (rf"(?:which|what) ({_NOUN}?) ((?:{_HELPS}|\w+ed|\w{{3,}}s)\b [^?,]+)", r"the \1 that \2"),
    )
]
_BEHIND = re.compile(
    rf"\s*(?:$|[?,;]|['’]s\b|(?:{_HELPS}|in|on|at|of|for|by|from|to|with|that|which|who|when|where|"
    r"and|or|as|after|before|during|under|against|between|"
    r"\w+ed|born|built|come|found|go|held|known|live|made|sung|won|written)\b)"
)
"""What may follow a name that stands for itself: *Apple released*, not *Apple Records*."""

_NAME = re.compile(r"[A-Z][^\W\d]{2,}(?: \w[\w.'-]*){0,4}")


def _asked(group: list[Example]) -> _Asked | None:
    evidence = [example for example in group if example.marks]
    if len(evidence) != 1 or not evidence[0].question:
        return None
    one = evidence[0]
    marked = (one.text[m.start : m.end] for m in one.marks if m.label == ANSWER)
    answer = one.answer or next(marked, "")
    return _Asked(one.question, answer, (one,)) if answer else None


def _joined(
    firsts: list[_Asked], seconds: list[_Asked], rng: np.random.Generator
) -> Iterator[_Asked]:
    """Yield questions whose first steps are ``firsts`` and whose last step is of ``seconds``."""
    named: dict[str, list[tuple[_Asked, str]]] = defaultdict(list)
    for first in firsts:
        if _NAME.fullmatch(first.answer) and (put := described(first.question)):
            named[first.answer].append((first, put))
    begins: dict[str, list[str]] = defaultdict(list)
    for name in named:
        begins[name.split()[0]].append(name)
    often: Counter[str] = Counter()
    for place in rng.permutation(len(seconds)).tolist():
        second = seconds[place]
        for start, name in _names(second, begins):
            head, tail = second.question[:start], second.question[start + len(name) :]
            able = [each for each in named[name] if _fit(each[0], second, head + tail)]
            left = min(_OF_ONE, _OF_A_NAME - often[name])
            for chosen in rng.permutation(len(able))[:left].tolist():
                first, put = able[chosen]
                often[name] += 1
                question = f"{re.sub(r'(?i)the $', '', head)}{put}{tail}"
                evidence = (*map(_bridge, first.evidence), *second.evidence)
                yield _Asked(question, second.answer, evidence, (*first.before, name))
            if able:
                break


def _names(second: _Asked, begins: dict[str, list[str]]) -> Iterator[tuple[int, str]]:
    """Where names that are known answers stand in a question and in its text, each by itself."""
    for word in re.finditer(r"\b[a-z]\w* ([A-Z]\w+)", second.question):
        for name in sorted(begins.get(word[1], ()), key=len, reverse=True):
            rest = second.question[word.start(1) :]
            alone = rest.startswith(name) and _BEHIND.match(rest[len(name) :])
            if alone and occurrences(second.evidence[-1].text, [name]):
                yield word.start(1), name


def _fit(first: _Asked, second: _Asked, rest: str) -> bool:
    """Whether two steps need different texts, and neither says what the other asks for.

    ``rest``: what stays of the second's question.
    """
    texts = {example.text for example in first.evidence}
    before = (*first.before, first.answer)
    said = f"{first.question}\n{rest}"
    return not (
        texts & {example.text for example in second.evidence}
        or occurrences(said, [*before, second.answer])
        or any(occurrences(text, [second.answer]) for text in (*texts, *before))
    )


def _bridge(example: Example) -> Example:
    """The example as one that is on the way: what was the answer is one no more."""
    marks = (replace(m, label=BRIDGE) if m.label == ANSWER else m for m in example.marks)
    return replace(example, marks=tuple(marks))


def _with_others(asked: _Asked, near: Nearest, count: int, group: str) -> Iterator[Example]:
    texts = {example.text for example in asked.evidence}
    for example in asked.evidence:
        yield replace(example, question=asked.question, group=group, answer=asked.answer)
    others = near.without(asked.question, texts, [asked.answer.lower()])
    for text in islice(others, max(0, count - len(texts))):
        yield Example(text, (), asked.question, group, asked.evidence[0].source)
