"""Texts with words of known kinds: five languages, logs and code."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgelingua.text.boundaries import words

LANGUAGES = ("en", "de", "fr", "es", "zh")

Kinds = dict[str, NDArray[np.bool_]]
"""Which words of a text are of a kind, ``(n,)``, by its name."""


@dataclass(frozen=True, eq=False)
class Document:
    """A text, its words ``(n, 2)`` in characters, their kinds, and the sentence each is in."""

    text: str
    spans: NDArray[np.int64]
    kinds: Kinds
    sentences: list[str]


def pud(path: Path, joint: str) -> Iterator[Document]:
    """Yield the documents of a CoNLL-U file, with the words as they are written."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for part in file.read().split("# newdoc")[1:]:
            text, spans, tags, ids = "", [], [], []
            for sentence in part.split("\n\n"):
                found = dict(re.findall(r"^# (sent_id|text) = (.*)$", sentence, re.MULTILINE))
                if not found:
                    continue
                at = len(text)
                for form, tag in _forms(sentence):
                    at = (text + found["text"]).index(form, at) if form in found["text"] else at
                    spans.append((at, at + len(form)))
                    tags.append(tag)
                    ids.append(found["sent_id"])
                    at += len(form)
                text += found["text"] + joint
            kinds = {kind: np.asarray([test(tag) for tag in tags]) for kind, test in _KINDS.items()}
            yield Document(text, np.asarray(spans), kinds, ids)


def _forms(sentence: str) -> Iterator[tuple[str, str]]:
    """Words as written, with part of speech and features; a contraction has those of its parts."""
    contraction, last = "", 0
    tags: list[str] = []
    for line in sentence.splitlines():
        fields = line.split("\t")
        if len(fields) != 10 or "." in fields[0]:
            continue
        if "-" in fields[0]:
            contraction, last = fields[1], int(fields[0].split("-")[1])
            tags = []
            continue
        tag = f"{fields[3]} {fields[5]}"
        if int(fields[0]) > last:
            yield fields[1], tag
            continue
        tags.append(tag)
        if int(fields[0]) == last:
            yield contraction, " ".join(tags)


def _has(*parts: str) -> Callable[[str], bool]:
    return lambda tag: any(part in tag for part in parts)


_KINDS: dict[str, Callable[[str], bool]] = {
    "content": _has("NOUN", "PROPN", "VERB", "ADJ", "NUM"),
    "function": lambda tag: not _has("NOUN", "PROPN", "VERB", "ADJ", "NUM", "PUNCT")(tag),
    "names": _has("PROPN"),
    "numbers": _has("NUM"),
    "negations": _has("Polarity=Neg"),
}

_IDENTIFIER = re.compile(
    r"""\w*[a-z][A-Z]\w* | \w+_\w* | \w*[a-zA-Z]\w*\d\w* | \w+(?:[./:@-]\w+)+ | 0x[0-9a-f]+""",
    re.VERBOSE,
)


def technical(texts: Iterator[str]) -> Iterator[Document]:
    """Yield documents of code or logs; words that look like identifiers, and numbers."""
    for text in texts:
        spans = words(text)
        found = [text[a:b] for a, b in spans.tolist()]
        kinds = {
            "identifiers": np.asarray([bool(_IDENTIFIER.fullmatch(word)) for word in found]),
            "numbers": np.asarray([word.isdecimal() for word in found]),
        }
        yield Document(text, spans, kinds, [])


def logs(data: Path) -> Iterator[str]:
    """Yield forty lines of each system of loghub."""
    for path in sorted((data / "loghub").glob("*.log.gz")):
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            yield "".join(islice(file, 40))


def code(data: Path) -> Iterator[str]:
    """Yield HumanEval's functions, ten a text."""
    with gzip.open(data / "HumanEval.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    for start in range(0, len(rows), 10):
        part = rows[start : start + 10]
        yield "\n".join(row["prompt"] + row["canonical_solution"] for row in part)


def documents(data: Path, limit: int | None) -> dict[str, list[Document]]:
    """Return the documents of every kind of text, at most ``limit`` of each."""
    found = {
        language: pud(
            data / "languages" / f"{language}_pud.conllu.gz", "" if language == "zh" else " "
        )
        for language in LANGUAGES
    }
    found |= {"logs": technical(logs(data)), "code": technical(code(data))}
    return {name: list(islice(texts, limit)) for name, texts in found.items()}
