"""Readers of meetings, compressed sentences, disfluencies and dependency trees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgelingua_export.errors import ExportError
from edgelingua_export.train.labels import Example, Mark, open_text, rows
from edgelingua_export.train.readers_qa import ANSWER, EVIDENCE, hash_text

_CHUNK = 900
"""Characters of a chunk of a meeting; chunks end where turns do."""


def ami(path: Path) -> Iterator[Example]:
    """AMI meetings (Carletta et al. 2005) with utterances of the extractive summary labelled 1."""
    for row in rows(path):
        turns = [
            (f"{u['speaker']}: {u['text']}\n", [Mark(0, len(f"{u['speaker']}: {u['text']}"), 0.9)]
             if u["label"] else [])
            for u in row["utterances"]
        ]  # fmt: skip
        for text, marks in _chunks(turns):
            yield Example(text, tuple(marks), "", f"ami:{row['meeting']}", "ami")


def qmsum(path: Path) -> Iterator[Example]:
    """QMSum (Zhong et al. 2021, arXiv:2104.05938) with sentence evidence where the file has it.

    Rows of the summary-evidence annotation name sentences; the transcript is then made of the
    turns that stand in the same folder's ``qmsum_train`` file. A group is one query: the chunks of
    its meeting.
    """
    for row in rows(path):
        if "meeting_transcripts" not in row:
            raise ExportError(f"{path}: rows need meeting_transcripts (QMSum's own files)")
        turns = [f"{t['speaker']}: {t['content']}\n" for t in row["meeting_transcripts"]]
        for query in row["specific_query_list"]:
            wanted = {i for a, b in query["relevant_text_span"] for i in range(int(a), int(b) + 1)}
            marked = [
                (turn, [Mark(0, len(turn) - 1, EVIDENCE)] if index in wanted else [])
                for index, turn in enumerate(turns)
            ]
            group = f"qmsum:{hash_text(turns[0])}:{hash_text(query['query'])}"
            for text, marks in _chunks(marked):
                yield Example(text, tuple(marks), query["query"], group, "qmsum")


def evidence(path: Path) -> Iterator[Example]:
    """Sentence evidence of QMSum's summaries, beside QMSum's transcripts.

    Expects QMSum's own file as ``qmsum_*.jsonl.gz`` with the same rest of the name, in the same
    folder; the turns come from there.
    """
    transcripts = path.with_name(path.name.replace("_summary_evidence", ""))
    turns_of = {
        row["meeting_transcripts"][0]["content"]: [
            (t["speaker"], t["content"]) for t in row["meeting_transcripts"]
        ]
        for row in rows(transcripts)
    }
    by_text = {turn[1]: turns for turns in turns_of.values() for turn in turns if len(turn[1]) > 60}
    for row in rows(path):
        queries = row["qmsum"]["specific_query_list"] + row["qmsum"]["general_query_list"]
        for query in queries:
            facts = [fact for facts in query["evidence"] for fact in facts]
            yield from _with_evidence(query["query"], facts, by_text, row["meeting_id"])


def _with_evidence(
    question: str,
    facts: Sequence[dict[str, Any]],
    by_text: dict[str, list[tuple[str, str]]],
    meeting: str,
) -> Iterator[Example]:
    turns = next(
        (turns for f in facts for text, turns in by_text.items() if f["content"] in text), None
    )
    if turns is None:
        return
    marked = []
    for index, (speaker, content) in enumerate(turns):
        turn, marks = f"{speaker}: {content}\n", list[Mark]()
        for fact in facts:
            if fact["turn_index"] == index and (at := turn.find(fact["content"])) >= 0:
                marks.append(Mark(at, at + len(fact["content"]), ANSWER))
        marked.append((turn, marks))
    group = f"qmsum-evidence:{meeting}:{hash_text(question)}"
    for text, marks in _chunks(marked):
        yield Example(text, tuple(marks), question, group, "qmsum-evidence")


def deletions(path: Path) -> Iterator[Example]:
    """Sentences with a 0/1 label a word (sentence compression, disfluencies): ``words, labels``.

    Rows without ``words`` have them in ``text``, parted by spaces; empty rows are left out.
    """
    for row in rows(path):
        words = row.get("words") or row.get("text", "").split()
        labels = [int(label) for label in row["labels"]]
        if not words:
            continue
        if len(words) != len(labels):
            raise ExportError(f"{path}: {len(words)} words, {len(labels)} labels: {words[:8]}")
        text, marks = "", list[Mark]()
        for word, label in zip(words, labels, strict=True):
            if label:
                marks.append(Mark(len(text), len(text) + len(word), 0.9))
            text += word + " "
        yield Example(text.rstrip(), tuple(marks), "", "", path.name.split(".")[0])


def conllu(path: Path) -> Iterator[Example]:
    """Universal Dependencies (CoNLL-U): content words are kept, what only joins them is not.

    Negations are kept as names and numbers are. Sentences follow each other in documents, cut into
    chunks.
    """
    turns = []
    for words in _sentences_of(path):
        text, marks = "", list[Mark]()
        for form, pos, relation, features, spaced in words:
            label = 0.95 if "Polarity=Neg" in features else _BY_POS.get(pos, 0.05)
            if relation.split(":")[0] in _LOOSE:
                label = min(label, 0.15)
            marks.append(Mark(len(text), len(text) + len(form), label))
            text += form + (" " if spaced else "")
        turns.append((text.rstrip() + " ", marks))
    for text, marks in _chunks(turns):
        yield Example(text, tuple(marks), "", "", "ud")


_BY_POS = {"PROPN": 0.9, "NUM": 0.9, "NOUN": 0.75, "VERB": 0.6, "ADJ": 0.55, "X": 0.6, "SYM": 0.5,
           "ADV": 0.3, "INTJ": 0.1, "PRON": 0.2, "ADP": 0.15, "SCONJ": 0.15}  # fmt: skip
_LOOSE = {"discourse", "reparandum", "expl"}


def _sentences_of(path: Path) -> Iterator[list[tuple[str, str, str, str, bool]]]:
    """Form, part of speech, relation, features, and whether a space follows."""
    words: list[tuple[str, str, str, str, bool]] = []
    with open_text(path) as file:
        for line in file:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 10 and fields[0].isdigit():
                spaced = "SpaceAfter=No" not in fields[9]
                words.append((fields[1], fields[3], fields[7], fields[5], spaced))
            elif not line.strip() and words:
                yield words
                words = []
    if words:
        yield words


def plain(path: Path) -> Iterator[Example]:
    """Plain text, unlabelled: for objectives that make their own labels. Chunks end with lines."""
    with open_text(path) as file:
        for text, _ in _chunks([(line, []) for line in file if line.strip()]):
            yield Example(text, (), "", "", "text")


def _chunks(turns: Sequence[tuple[str, list[Mark]]]) -> Iterator[tuple[str, list[Mark]]]:
    """Join turns to chunks of about `_CHUNK` characters, marks moved along."""
    text, marks = "", list[Mark]()
    for turn, own in turns:
        if text and len(text) + len(turn) > _CHUNK:
            yield text, marks
            text, marks = "", []
        marks += [Mark(len(text) + m.start, len(text) + m.end, m.label) for m in own]
        text += turn
    if text:
        yield text, marks
