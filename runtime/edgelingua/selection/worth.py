"""What a line, row or element of machine text is worth beside others of its kind."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence, Set
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from edgelingua.selection.extremes import compared
from edgelingua.text.ranges import Spans

_VARIABLE = re.compile(
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b0x[0-9a-f]+\b|"
    r"\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,}\b|\d+",
    re.IGNORECASE,
)
"""What differs between lines of one template: numbers, hashes, UUIDs."""

_FIELD = re.compile(r"(?:'(?:[^'\n]|'')*'|\"[^\"\n]*\"|[^,|\t;()'\"])+")
_COLUMNS = 3
"""Cells of a row, at least."""
_WORD = re.compile(r"[^\W_]+(?:'[a-z])?")
_NAME = re.compile(r"[^\W\d_]\w{2,}")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_A-Za-z]+")
_VALUE = re.compile(r"([\w.\-]+)[\"']?\s?[=:]\s?[\"']?([^\s,;\"'{}\[\]()]+)")
_IDENTIFIER = re.compile(r"[^\s\"'`“”«»(),;?!<>{}\[\]]*[\w#%]")

_ALARMS = [
    (4.0, re.compile(r"(?i)(?<![\w\-./#])(?:fatal|panic(?:ked)?|critical|emerg(?:ency)?|"
                     r"segmentation fault|segfault|core dumped|out of memory|oom[- ]?killed|"
                     r"crash\w*|abort\w*|deadlock\w*)(?![\w\-/=])|OOMKill\w*")),
    (3.0, re.compile(r"(?i)(?<![\w\-./#])(?:errors?|err!|fail(?:ed|ure|s|ing)?|denied|refused|"
                     r"forbidden|unauthori[sz]ed|rejected|invalid|corrupt\w*|conflict\w*|"
                     r"mismatch\w*|violat\w+|exceeded|blocked|killed|unable|cannot|could not|"
                     r"not found|timed? ?out|unreachable|lost|missing|declined|insufficient|"
                     r"expired|must not|do not|not ok|unhealthy|evicted|offline|down)(?![\w\-/=])|"
                     r"\w+(?:Error|Exception|BackOff|Denied|Failed|Failure)\b")),
    (3.0, re.compile(r"\b[A-Z]{2,}-?\d{3,}\b|\bE[A-Z]{4,}\b|\b[A-Z]\d{4}\b|"
                     r"(?i:exit(?:ed)?(?: code| status|code)?|status|code|signal)\W{1,10}"
                     r"(?!0\b|2\d\d\b)\d+|"
                     r"\" [45]\d\d ")),
    (1.5, re.compile(r"(?i)(?<![\w\-./#])(?:warn(?:ing)?|deprecated|retry(?:ing)?|retries|"
                     r"unexpected|skipped|deleted|removed|disabled|pending|closed|never|without|"
                     r"stale|unstaged|not staged|modified|back-off|not)(?![\w\-/=])")),
]  # fmt: skip
"""Words that say that something is wrong, and what they are worth."""

_CAUSE = re.compile(
    r"(?i:\bcaused by:|\broot cause\b)|^\s*(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception)\b"
)
_CHAIN = 60
"""Records between two causes of one chain, at most."""
_FURNITURE = re.compile(r"<(?:nav|footer|header|aside|form|button|select|iframe|link|meta)\b")
_DENSITY = 0.5
_TELLING = 6.0
"""Bits; words of the question that tell less than that, all together, decide little."""
_PLACE = re.compile(r"\s*--> \S+:\d")
_SOON = 4
"""Lines behind a question in which its answer stands."""
_HEADED = 0.7
"""What a word of the question is worth in a heading, of what it is in the record itself."""
_COMPARED = 6.0
"""What the row is worth, at most, that a question of comparison may mean; see `extremes`."""
_SPEAKER = re.compile(r"\s*(?:\[[^\]\n]{1,30}\]|[\d:.,/\-]+)?[ ,\-–]*([^\W\d][\w .'’\-]{0,30}):\s")
"""Who says something, behind the time: ``[18:07] Jo: ``."""
_CALL_FRAME = re.compile(r"\s*(?:at [\w.$<>/]+\s?\(|\.\.\. \d+ |#\d+\s)")
_NOTHING = re.compile(
    r"(?i)\b(?:0|no|without) (?:errors?|fail\w*|warnings?|problems?)|"
    r"\b(?:errors?|fail\w*|warnings?)\W{1,4}(?:0|no|none|null|false)\b"
)
_TROUBLE = re.compile(
    r"(?i)\b(?:why|fail\w*|crash\w*|errors?|wrong|causes?d?|restart\w*|br[eo]a?k\w*|problem\w*|issues?|"
    r"reject\w*|denied|refused|warn\w*|bugs?|stop\w*|die[ds]?|kill\w*|goes|went|happen\w*|"
    r"fehl\w*|warum|weshalb|pourquoi|erreur|por qué|perché|waarom|почему|为什么|原因|لماذا)"
)
"""A question about trouble: what sounds an alarm is what it asks for."""
_QUANTITY = re.compile(r"(?i)\bhow (?:many|much|often|long)\b")
"""A question that a number answers, whatever it is about."""
_COUNTED = ("count", "number", "total")
"""What fields call that of which a question asks how many there are."""
_FACT = re.compile(
    r"[\w.:/\-]*\d[\w.:/\-]*|[\w\-]+/[\w./\-]+|\b[A-Z]\w*[a-z][A-Z]\w*|\b[A-Z]{2,}\b"
)


def worth(
    records: Sequence[str],
    spans: Spans,
    question: str,
    base: NDArray[np.floating],
    favoured: NDArray[np.floating],
    above: Sequence[str] = (),
) -> NDArray[np.float64]:
    """How much each record matters: ``(n,)``, higher = keep.

    Without a question: what is rare among its likes (templates whose numbers are masked; repeats
    count once), and what sounds an alarm. With one, also the words shared with it, rare ones more;
    its identifiers are found exactly and outweigh all else.

    Parameters
    ----------
    records
        Their texts.
    spans
        Where they stand: neighbours lend each other something.
    question
        May be empty.
    base
        What the model thinks of each, ``(n,)``, on any scale.
    favoured
        What its kind adds, ``(n,)``: lines that a diff changes.
    above
        The headings that each stands under: what they say is said of it. Empty: there are none.
    """
    templates = [_template(record) for record in records]
    surprise = _surprise(records)
    alarms = _alarms(records)
    opinion = _standardised(np.asarray(base, dtype=np.float64))
    value = 0.6 * _standardised(_rarity(templates)) + 0.6 * np.minimum(surprise, 5.0)
    value += np.asarray([_kind(record) for record in records]) - np.where(
        surprise < 1, _repeats(templates), 0
    )
    if question:
        shared = _shared(records, question, above or [""] * len(records))
        value = 0.8 * opinion + 0.5 * value + shared + _answering(records, shared)
        value += _COMPARED * compared(records, question, shared)
        trouble = _TROUBLE.search(question) and not _QUANTITY.search(question)
        value += (1.5 if trouble else 0.4) * alarms
    else:
        value += 0.3 * opinion + alarms + np.asarray([_facts(record) for record in records])
    value += favoured
    for index, record in enumerate(records[1:], start=1):
        if _PLACE.match(record):  # where it is matters as much as what it is
            value[index] = max(value[index], value[index - 1])
    value = value + _lent(value, spans)
    # What is dearer has to be worth more; a softplus, so that no worth is negative.
    sizes = spans[:, 1] - spans[:, 0]
    dense: NDArray[np.float64] = np.logaddexp(0, value) / (60.0 + sizes) ** _DENSITY
    return dense


def _lent(value: NDArray[np.float64], spans: Spans) -> NDArray[np.float64]:
    """What neighbours lend each other: the line behind one that matters more than that before."""
    lent = np.zeros(len(value))
    if len(value) > 1:
        near = spans[1:, 0] - spans[:-1, 1] <= 3
        lent[:-1] = np.where(near, 0.1 * value[1:], 0)
        lent[1:] = np.maximum(lent[1:], np.where(near, 0.2 * value[:-1], 0))
    return np.maximum(lent, 0)


def _answering(records: Sequence[str], shared: NDArray[np.float64]) -> NDArray[np.float64]:
    """What records gain behind one that asks the same: in a chat the answer comes a line later.

    Somebody else's, and not the next question; the first most.
    """
    gained = np.zeros(len(records))
    for asking in [index for index, record in enumerate(records) if record.rstrip().endswith("?")]:
        speaker = _SPEAKER.match(records[asking])
        for later in range(asking + 1, min(asking + 1 + _SOON, len(records))):
            answers = _SPEAKER.match(records[later])
            if answers is None or records[later].rstrip().endswith("?"):
                break
            same = speaker is not None and answers[1] == speaker[1]
            part = (0.3 if same else 1.1) * 0.8 ** (later - asking - 1)
            part *= 1.4 if _FACT.search(records[later], answers.end()) else 1.0
            gained[later] = max(gained[later], part * shared[asking])
    return gained


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    real = np.isfinite(values)
    if not real.any():
        return np.zeros(len(values))
    middle, spread = values[real].mean(), values[real].std()
    shown = np.where(real, values, middle)
    return np.clip((shown - middle) / spread, -3, 3) if spread > 0 else np.zeros(len(values))


def _alarms(records: Sequence[str]) -> NDArray[np.float64]:
    """How loud each record is; a word that many of them have says little about one."""
    found: list[dict[str, float]] = []
    for record in records:
        words: dict[str, float] = {}
        if _CALL_FRAME.match(record):
            found.append(words)
            continue
        said = _NOTHING.sub("", record)
        for weight, pattern in _ALARMS:
            for match in pattern.finditer(said):
                words[match.group().casefold()] = weight
        found.append(words)
    many = Counter(word for words in found for word in words)
    loud = np.asarray(
        [
            max((w * (1 - (many[word] - 1) / len(records)) for word, w in words.items()), default=0)
            for words in found
        ]
    )
    causes = [index for index, record in enumerate(records) if _CAUSE.search(record)]
    for index, following in zip_longest(causes, causes[1:], fillvalue=len(records)):
        # The last cause of a chain is the deepest.
        loud[index] += 0.5 if following - index < _CHAIN and following < len(records) else 4.0
    return loud


def _kind(record: str) -> float:
    if record.startswith("<"):
        return -3.0 if _FURNITURE.match(record) else -1.5 * ("<a " in record)
    return -1.5 if _CALL_FRAME.match(record) else 0.0


def _facts(record: str) -> float:
    """Numbers, names and other values in a record, three at most."""
    return 0.5 * min(3, len(set(_FACT.findall(record))))


def _template(record: str) -> str:
    return _VARIABLE.sub("0", record).casefold()


def _repeats(templates: Sequence[str]) -> NDArray[np.float64]:
    """What a record loses for those of its template before it: bits."""
    seen: Counter[str] = Counter()
    lost = np.zeros(len(templates))
    for index, template in enumerate(templates):
        lost[index] = min(4.0, math.log2(1 + seen[template]))
        seen[template] += 1
    return lost


def _rarity(templates: Sequence[str]) -> NDArray[np.float64]:
    """Mean rarity, in bits, of the three rarest words of each record."""
    times = Counter(templates)
    words = {template: set(_WORD.findall(template)) for template in times}
    many: Counter[str] = Counter()
    for template, some in words.items():
        for word in some:
            many[word] += times[template]
    bits = {word: math.log2((len(templates) + 1) / n) for word, n in many.items()}
    best = {t: sum(sorted((bits[w] for w in some), reverse=True)[:3]) for t, some in words.items()}
    return np.asarray([best[template] / 3 for template in templates])


def _surprise(records: Sequence[str]) -> NDArray[np.float64]:
    """By how much the oddest value of a record is rarer than values of its key are: bits.

    Of ``rows=500`` a hundred times and ``rows=0`` once, the latter; of numbers that always differ,
    none.
    """
    pairs = [[(key, value) for key, value in _VALUE.findall(record)] for record in records]
    fields = [_FIELD.findall(record) for record in records]
    usual, times = Counter(map(len, fields)).most_common(1)[0] if records else (0, 0)
    if usual >= _COLUMNS and times >= 0.6 * len(records):  # rows of a table: a key is a column
        for some, cells in zip(pairs, fields, strict=True):
            if len(cells) == usual:
                some += [(str(at), cell.strip()) for at, cell in enumerate(cells)]
    of_key = Counter(key for some in pairs for key, _ in some)
    of_pair = Counter(pair for some in pairs for pair in some)
    entropy: dict[str, float] = {}
    for (key, _), times in of_pair.items():
        share = times / of_key[key]
        entropy[key] = entropy.get(key, 0.0) - share * math.log2(share)
    return np.asarray(
        [
            max(
                (
                    -math.log2(of_pair[pair] / of_key[pair[0]]) - 1.5 * entropy[pair[0]]
                    for pair in some
                    if of_key[pair[0]] > 3
                ),
                default=0.0,
            )
            for some in pairs
        ]
    ).clip(min=0)


def _shared(records: Sequence[str], question: str, above: Sequence[str]) -> NDArray[np.float64]:
    asked = set(_terms(question))
    if _QUANTITY.search(question):
        asked |= {word[:_STEM] for word in _COUNTED}
    words = [set(_terms(record)) & asked for record in records]
    terms = {heading: set(_terms(heading)) & asked for heading in set(above)}
    said = [terms[heading] - own for heading, own in zip(above, words, strict=True)]
    weight = _bits(words)
    value = np.asarray([math.fsum(weight[word] for word in some) for some in words])
    headed = _bits([own | more for own, more in zip(words, said, strict=True)])
    value += _HEADED * np.asarray([math.fsum(headed[word] for word in some) for some in said])
    most = sum(sorted(weight.values(), reverse=True)[:3])
    value = 8.0 * value / max(most, _TELLING)
    count = len(records)
    for name in _identifiers(question):
        inside = _holding(records, rf"(?<!\w){re.escape(name)}(?!\w)")
        for hit in (inside, _exactly(records, name, inside)):
            if 0 < hit.sum() <= max(3, count // 4):
                value = value + 6.0 * hit
    text = "\n".join(records)
    for word in sorted(set(_NAME.findall(question.casefold())) - _STOP):
        # A key prod beside prod-eu is a name, however plain it looks.
        if not re.search(rf"(?<!\w){re.escape(word)}(?:[\-_.:/]\w|\d)", text, re.IGNORECASE):
            continue
        exact = _holding(records, rf"\A\W*{re.escape(word)}[\"'\]]*\s*(?:[:=|,]|\Z)")
        if 0 < exact.sum() <= max(3, count // 4):
            value = value + 4.0 * exact
    return value


def _bits(words: Sequence[Set[str]]) -> dict[str, float]:
    """Bits that a word tells about which record it is in."""
    many = Counter(word for some in words for word in some)
    count = len(words)
    return {word: math.log2(1 + (count - n + 0.5) / (n + 0.5)) for word, n in many.items()}


def _holding(records: Sequence[str], pattern: str) -> NDArray[np.bool_]:
    found = re.compile(pattern, re.IGNORECASE)
    return np.asarray([found.search(record) is not None for record in records], dtype=bool)


def _alone(name: str) -> str:
    return rf"(?<![\w\-.@/]){re.escape(name)}(?![\w@/]|[\-.:]\w)"


def _exactly(records: Sequence[str], name: str, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of some records hold a name that is not a part of a longer one: not prod-eu for prod.

    All of them, if none does.
    """
    whole = _holding(records, _alone(name)) & among
    return whole if whole.any() else among


def _identifiers(question: str) -> list[str]:
    """Names of the question that are no plain words: UUIDs, paths, numbers, snake_case."""
    found = [name.rstrip(".:") for name in _IDENTIFIER.findall(question)]
    return [n for n in dict.fromkeys(found) if len(n) > 1 and (
        any(c.isdigit() for c in n) or re.search(r"[a-z][A-Z]|\w[_/\\.@:\-]\w", n))]  # fmt: skip


_STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "at",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "do",
        "does",
        "did",
        "has",
        "have",
        "had",
        "and",
        "or",
        "which",
        "what",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "how",
        "many",
        "much",
        "it",
        "its",
        "for",
        "from",
        "with",
        "by",
        "this",
        "that",
        "these",
        "those",
        "not",
        "can",
        "may",
        "must",
        "there",
        "any",
    ]
)
_STEM = 5


def _terms(text: str) -> list[str]:
    """Words, also those inside of identifiers, by their first letters: fails and failed are one."""
    found = []
    for part in map(str.casefold, _PART.findall(text)):
        if part not in _STOP and (len(part) > 1 or not part.isascii()):
            found.append(part[:_STEM])
    return found
