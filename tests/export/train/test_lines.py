"""Training on machine text, and on texts that want to be kept."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from edgelingua_export.train.hostile import with_hostile
from edgelingua_export.train.labels import Example, Mark
from edgelingua_export.train.readers_lines import PIECE, lines, pieces
from edgelingua_export.train.readers_qa import ANSWER, EVIDENCE


def test_needed_lines_are_evidence_and_the_answer_in_them_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = {
        "question": "Which port does db7 listen on?",
        "lines": ["db6 port 5431", "db7 port 5432", "db8 port 5432"],
        "relevant": [1],
        "answer": "5432",
    }
    path.write_text(json.dumps(row), "utf-8")
    (found,) = lines(path)
    kept = [(found.text[m.start : m.end], m.label) for m in found.marks]
    assert kept == [("db7 port 5432", EVIDENCE), ("5432", ANSWER)]


def test_rows_that_need_most_lines_or_none_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"question": "?", "lines": ["a", "b"], "relevant": need} for need in ([], [0, 1])]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert not list(lines(path))


@given(st.lists(st.integers(0, 2 * PIECE).map("x".__mul__), max_size=30))
def test_pieces_hold_every_line_once_and_no_more_than_fits(all_lines: list[str]) -> None:
    found = list(pieces(all_lines))
    assert [i for a, b in found for i in range(a, b)] == list(range(len(all_lines)))
    for first, last in found:
        assert last - first == 1 or len("\n".join(all_lines[first:last])) <= PIECE


def _asked(number: int) -> list[Example]:
    name = f"Harbour {number}"
    text = f"{name} opened in {1900 + number}. It has {number + 3} piers and a lighthouse of stone."
    start = text.index(str(1900 + number))
    mark = Mark(start, start + 4, ANSWER)
    return [
        Example(text, (mark,), f"When did {name} open?", f"g{number}", answer=str(1900 + number)),
        Example(f"{name} is a ship.", (), f"When did {name} open?", f"g{number}"),
    ]


def test_hostile_texts_hold_no_answer_and_nothing_of_them_is_kept() -> None:
    examples = [example for number in range(60) for example in _asked(number)]
    found = list(with_hostile(examples, 1.0, seed=1))
    added = [example for example in found if example not in examples]
    answers = {example.group: example.answer for example in examples if example.answer}
    assert len(added) > 40
    assert [example for example in found if example in examples] == examples
    for example in added:
        assert not example.marks
        assert answers[example.group] not in example.text
    # What they are made of: the question itself, an answer of another, or an order.
    assert any(example.question in example.text for example in added)
    assert any("Answer:" in example.text or "assistant:" in example.text for example in added)
    assert not [e for e in with_hostile(examples, 0.0, seed=1) if e not in examples]
