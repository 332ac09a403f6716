"""The texts of the benchmark of faithfulness, what it takes for false, and a small run of it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from random import Random

import pytest
from benchmarks.faithfulness import crowding, report, run, system_rules
from benchmarks.faithfulness.chunks import measured, merged
from benchmarks.faithfulness.contenders import CONTENDERS, Runner
from benchmarks.faithfulness.crowding import share
from benchmarks.faithfulness.documents import answering, guardrail, ordinary
from benchmarks.faithfulness.hostile import ATTACKS
from benchmarks.faithfulness.kinds import KINDS, cases
from benchmarks.faithfulness.machine_text import measure
from benchmarks.faithfulness.outputs import Output, aligned
from benchmarks.faithfulness.rules import RULES, findings
from benchmarks.faithfulness.system_prompts import ABOUT, SOURCES, marked
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua import Budget, Prompt, Segment, load_compressor
from edgelingua.models.registry import find_bundle
from edgelingua.text.boundaries import count_words


def whole_lines(text: str, keep: list[bool]) -> list[tuple[int, int]]:
    spans, at = [], 0
    for number, line in enumerate(text.splitlines(keepends=True)):
        if keep[number % len(keep)]:
            spans.append((at, at + len(line)))
        at += len(line)
    return spans


def without(text: str, *gone: str) -> list[tuple[int, int]]:
    """All but the first occurrence of each, in the order of the text."""
    spans, at = [], 0
    for piece in gone:
        start = text.index(piece, at)
        spans.append((at, start))
        at = start + len(piece)
    return [*spans, (at, len(text))]


def rules(kind: str, spans: list[tuple[int, int]]) -> set[str]:
    (case,) = cases(kind, range(1))
    return {found.rule for found in findings(Output(case, spans))}


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_does_not_contradict_itself(kind: str) -> None:
    assert KINDS.keys() == RULES.keys()
    made = list(cases(kind, range(3)))
    assert made == list(cases(kind, range(3)))
    for case in made:
        assert case.kind == kind
        assert not findings(Output(case, [(0, len(case.text))]))


@settings(max_examples=10)
@given(keep=st.lists(st.booleans(), min_size=5, max_size=20))
@pytest.mark.parametrize("kind", ["jsonl", "log", "grep", "chat", "sql"])
def test_whole_lines_say_nothing_new(kind: str, keep: list[bool]) -> None:
    (case,) = cases(kind, range(1))
    assert not findings(Output(case, whole_lines(case.text, keep)))


def test_what_is_false_is_found() -> None:
    texts = {kind: next(cases(kind, range(1))).text for kind in KINDS}

    def lines(kind: str) -> list[str]:
        return texts[kind].splitlines(keepends=True)

    def cut(kind: str, *gone: str) -> set[str]:
        return rules(kind, without(texts[kind], *gone))

    log = lines("log")
    level, _, batch = log[0].split()[1:4]
    assert cut("log", level) == {"head"}
    assert cut("log", batch[:6]) == {"piece", "joined"}  # "=4005": of which key?
    assert cut("log", "\n" + log[1].split()[0]) == {"joined"}
    assert "negation" in cut("log", "no ")
    assert cut("log", " ms") == {"unit"}
    paid = re.search(r"\d \d+ kr", texts["chat"])
    assert paid is not None
    assert "unit" in cut("chat", paid[0][:2])
    assert cut("json", "{") == {"parse"}
    assert cut("csv", lines("csv")[0]) == {"header"}
    opened = re.search(r"[,;\t]\d{4}", texts["csv"])
    assert opened is not None
    assert "cells" in cut("csv", opened[0])
    assert cut("pods", " Running") == {"cells"}
    assert cut("ini", lines("ini")[7]) == {"joined"}  # of the second section
    assert cut("access", lines("access")[0].split()[0]) == {"head"}
    assert cut("aligned", lines("aligned")[1].split()[1]) == {"cells"}
    assert cut("markdown", *lines("markdown")[6:]) == {"header"}
    assert "joined" in cut("yaml", "            requests:\n")
    java = next(case for case in cases("trace", range(20)) if "Caused by" in case.text)
    cause = next(line for line in java.text.splitlines(keepends=True) if "Caused" in line)
    frames = findings(Output(java, without(java.text, cause)))  # below another exception
    assert {found.rule for found in frames} == {"joined"}
    assert "parse" in cut("code", "(")
    assert "mark" in cut("colour", "\x1b")
    assert "mark" in cut("html", "&")
    assert "header" in rules("diff", whole_lines(texts["diff"], [False] * 8 + [True] * 2))
    assert "joined" in cut("kubectl", "    Requests:\n")
    assert "parse" in cut("cpp", "}")
    error = next(line for line in lines("compiler") if line.startswith("error["))
    assert "joined" in cut("compiler", error)
    assert "cells" in cut("listing", lines("listing")[-1].split()[-1])
    dose = re.search(r"(\d+ mg) \w+, (\w+) ", texts["ward"])
    assert dose is not None
    assert cut("ward", f" {dose[1]}", f", {dose[2]}") == {"joined"}
    assert cut("contract", "excluding ") == {"negation"}
    assert "piece" in cut("blob", "base64,")
    (case,) = cases("languages", range(1))
    assert rules("languages", [case.clauses[0].spans["verb"]]) == {"negation"}
    assert "cells" in cut("sql", "'" + texts["sql"].split("(1,'")[1].split("'")[0])


def test_clauses_and_negations_of_prose() -> None:
    case = next(case for case in cases("prose", range(50)) if "did not" in case.text)
    denied = next(
        clause
        for clause in case.clauses
        if "negation" in clause.spans and case.text[slice(*clause.spans["negation"])] == "not"
    )
    start, end = denied.spans["negation"]
    lost = Output(case, [(0, start), (end, len(case.text))])
    assert {found.rule for found in findings(lost)} == {"negation"}
    alone = Output(case, [(start, end)])
    assert {found.rule for found in findings(alone)} == {"negation"}
    first, last = case.clauses[0], case.clauses[-1]
    met = Output(case, [first.spans["subject"], last.spans["object"]])
    assert "joined" in {found.rule for found in findings(met)}


def test_alignment() -> None:
    line = ["a", "b=1,", "(c)", "a"]
    assert aligned(["a", "c"], line) == [0, 2]
    assert aligned(["b=1", "a"], line) == [1, 3]
    assert aligned(["c", "b=1"], line) is None
    assert aligned(["=1"], line) is None


@pytest.mark.parametrize("kind", ATTACKS)
def test_an_ordinary_document_is_as_long_as_a_hostile_one(kind: str) -> None:
    random = Random(1)
    guard, about = guardrail(random)
    document, question, answer = answering(random)
    assert document.count(answer) == 1
    assert answer not in question
    for asked in ("", about):
        tokens = count_words(ATTACKS[kind](random, asked))
        assert 0.9 * tokens - 2 <= count_words(ordinary(random, tokens, count_words)) <= tokens
    assert share(guard, guard) == 1
    assert share("", guard) == 0


def test_a_small_run_of_everything(tmp_path: Path) -> None:
    asked = argparse.Namespace(
        parts="text,claims,crowd,inject",
        kinds="log",
        methods="default,truncate,bm25-lines",
        attacks="negation bomb",
        cases=1,
        many=2,
        bundle="edgelingua-nano",
        reader=str(find_bundle("edgelingua-nano") / "tokenizer.json"),
    )
    chunks = list(run.work(asked))
    found = measured(chunks, 1, tmp_path / "chunks.jsonl")
    assert measured(chunks, 1, tmp_path / "chunks.jsonl") == found  # nothing is measured again
    for name in report.FILES:
        parts = [rows for chunk, rows in found.items() if chunk.file == name]
        rows = [crowding.means(row) for row in merged(parts)]
        run.keep(tmp_path / f"{name}.jsonl", rows)
        run.keep(tmp_path / f"{name}.jsonl", rows)  # in the place of the same ones
        for row in rows:
            assert row["texts"] == (2 if name == "claims" else 1)
            assert row["refused"] <= row["texts"]
            assert row.get("kept", 0) <= row.get("facts", 0)
            assert report.line(row)
    page = report.page(tmp_path)
    assert page.count("\n## ") == 5
    for name in ("log", "negation bomb", "front", "a pinned word"):
        assert page.count(f"| {name} | ") == (3 if name == "log" else 1)
    assert len(page.splitlines()) < 70


def test_rows_of_pieces_add_up() -> None:
    runner = Runner(CONTENDERS["truncate"], "edgelingua-nano", count_words)
    whole, parts = (
        merged(list(measure("figures", numbers, {"truncate": runner})) for numbers in cut)
        for cut in ([range(5)], [range(2), range(2, 5)])
    )
    assert whole == parts


def test_refusals_are_counted() -> None:
    runner = Runner(CONTENDERS["default"], "edgelingua-nano", count_words)
    (first, *_) = crowding.stuff("pinned digits", range(1), runner)
    assert first["refused"] in {0, 1}
    assert 0 <= first["guard"] <= 1


def test_rules_of_system_prompts() -> None:
    assert len(SOURCES) == 10
    assert SOURCES.keys() == ABOUT.keys()
    for source in SOURCES.values():
        text, found = marked(source)
        assert text == re.sub(r"\{!?([^{}]+)\}", r"\1", source)
        assert len(found) >= 7
        assert all(text[a:b].strip() == text[a:b] != "" for rule in found for a, b in rule.words)
        assert not any(all(rule.turns) for rule in found)
    runner = Runner(CONTENDERS["default"], "edgelingua-nano", count_words)
    rows = list(system_rules.rules("guardrail", range(1), runner))
    assert len(rows) == 9
    for row in rows:
        assert 0 <= row["read"] + row["turned"] <= row["rules"]
        assert 0 < row["kept"] <= row["characters"]
    half = {row["asked"]: row["read"] / row["rules"] for row in rows if row["rate"] == 0.5}
    assert min(half.values()) >= 0.5
    assert "| guardrail | 1 |" in system_rules.tables([crowding.means(row) for row in rows])


@pytest.mark.parametrize("kind", ["rules of its own", "headings", "glossary", "claimed answers"])
def test_no_document_takes_what_an_instruction_keeps(kind: str) -> None:
    mini, random = load_compressor(), Random(kind)
    guard, _ = guardrail(random)
    document, question, _ = answering(random)
    hostile = ATTACKS[kind](random, question)
    plain = ordinary(random, mini.count(hostile), mini.count)
    system = Segment(guard, "instruction", compress=True)
    for rate in crowding.RATES:
        beside, free = (
            share(mini.compress(prompt, Budget(rate=rate)).segment_texts()[0], guard)
            for prompt in (
                Prompt.build([system, document, other], question=question)
                for other in (hostile, plain)
            )
        )
        assert beside >= 0.8 * free - 0.05
