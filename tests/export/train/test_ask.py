"""Made-up questions: what teaches to ask, what is asked about, and what becomes of the answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from edgelingua_export.cli import app
from edgelingua_export.errors import ExportError
from edgelingua_export.sources import find, load
from edgelingua_export.train import labels
from edgelingua_export.train.ask import (
    LONGEST,
    MOST,
    Asking,
    Subject,
    ask,
    labelled,
    lessons_of,
    parse,
    parse_whole,
    subjects_of,
    whole_of,
)
from edgelingua_export.train.asker import Asker, Lesson
from edgelingua_export.train.labels import Example, Mark
from edgelingua_export.train.readers_qa import two_wiki

pytestmark = pytest.mark.usefixtures("one_thread")

PUMP = (
    "The red pump stands in hall 7, beside the old turbine. It was built in 1907 by the works in "
    "Basel, and it has been loud ever since."
)
HALL = (
    "Hall 7 lies at the canal, behind the gate of the works in Basel. Nobody has painted the hall "
    "since the flood, and the old turbine has not turned for years."
)
SHIP = "A ship came up the canal with coal for the town every other week until the railway did it."
QUESTION = "Where does the red pump stand?"


def _asked(text: str, answer: str = "", group: str = "g") -> Example:
    at = text.find(answer)
    marks = (Mark(at, at + len(answer), 1.0),) if answer else ()
    return Example(text, marks, QUESTION, group, "s")


def test_evidence_answer_and_question_teach_to_ask() -> None:
    found = [_asked(PUMP, "hall 7"), _asked(HALL, "Hall 7"), _asked(SHIP)]
    (lesson,) = lessons_of(found, 1, 0)
    assert set(lesson.about) == {PUMP, HALL}
    assert lesson.said == f" hall 7\nQuestion: {QUESTION}"
    assert len(list(lessons_of(found, 3, 0))) == 3
    long = _asked("so " * LONGEST + "hall 7", "hall 7")
    nothing = [
        [replace(found[0], question="")],  # no question
        [_asked(PUMP)],  # no answer
        [long],
        [_asked(PUMP, "hall 7"), long],
        [_asked(PUMP, "red pump")],  # the question says it
    ]
    assert [list(lessons_of(each, 1, 0)) for each in nothing] == [[], [], [], [], []]
    alone = [_asked(PUMP, "hall 7", group=""), _asked(HALL, "Hall 7", group="")]
    assert [lesson.about for lesson in lessons_of(alone, 1, 0)] == [(PUMP,), (HALL,)]


def test_the_answer_is_the_questions_and_not_one_on_the_way_to_it(tmp_path: Path) -> None:
    row = {
        "question": "When was the director of film Bora Bora born?",
        "answer": "24 August 1886",
        "context": [
            ["Bora Bora", ["Bora Bora is a silent film of 1922 about the sea and its islands.",
                           " It was directed by Arthur Rosson."]],
            ["Arthur Rosson", ["Arthur Rosson was an English film director of many silent films.",
                               " He was born on 24 August 1886 in London."]],
        ],
        "supporting_facts": [["Bora Bora", 1], ["Arthur Rosson", 1]],
        "evidences": [["Bora Bora", "director", "Arthur Rosson"],
                      ["Arthur Rosson", "date of birth", "24 August 1886"]],
    }  # fmt: skip
    (tmp_path / "two.jsonl").write_text(json.dumps(row) + "\n")
    (lesson,) = lessons_of(two_wiki(tmp_path / "two.jsonl"), 1, 0)
    assert len(lesson.about) == 2
    assert lesson.said == f" 24 August 1886\nQuestion: {row['question']}"


def test_each_text_is_asked_about_alone_and_with_its_nearest() -> None:
    group = [_asked(text, group="a") for text in (PUMP, SHIP, HALL)]
    again = [replace(each, question="And when?", group="b") for each in group]
    subjects = list(subjects_of([*group, *again], 2, 0))
    assert len(subjects) == 3 * 2 * 2  # the same texts once, whatever the questions
    alone = [s for s in subjects if len(s.about) == 1]
    assert {s.texts for s in alone} <= {(PUMP,), (HALL,), (SHIP,), (PUMP, SHIP, HALL)}
    pairs = [s for s in subjects if len(s.about) == 2]
    assert all(s.texts == (PUMP, SHIP, HALL) for s in pairs)
    assert {frozenset(s.about) for s in pairs if PUMP in s.about} == {frozenset((PUMP, HALL))}
    (single, _) = subjects_of([Example(PUMP), Example("Too short.")], 2, 0)
    assert single == Subject((PUMP,), (PUMP,))


def test_a_text_is_asked_about_once_titled_or_not_and_of_some_of_many() -> None:
    titled, plain = _asked(f"Pumps\n{PUMP}", group="a"), _asked(PUMP, group="b")
    assert [s.about for s in subjects_of([titled, plain], 1, 0)] == [(titled.text,)]
    many = [_asked(f"{PUMP} Number {i} of many pumps.", group="c") for i in range(MOST + 5)]
    whole = [s for s in subjects_of(many, 1, 0) if len(s.texts) > 1]
    assert {len(s.texts) for s in whole} == {MOST}
    assert all(set(s.about) <= set(s.texts) for s in whole)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (f" hall 7\nQuestion: {QUESTION}", (QUESTION, "hall 7")),
        ("Hall 7 \nQuestion:  Where does the red\n pump stand? ", (QUESTION, "Hall 7")),
        ("hall 8\nQuestion: Where does the red pump stand?", None),  # stands nowhere
        ("hall 7\nQuestion: What stands in hall 7 today?", None),  # the question says it
        ("hall 7\nQuestion: Where?", None),
        ("hall 7 Where does the red pump stand?", None),
        ("\nQuestion: Where does the red pump stand?", None),
        ("", None),
    ],
)
def test_only_questions_with_an_answer_are_used(said: str, found: tuple[str, str] | None) -> None:
    assert parse(Subject((PUMP,), (PUMP, SHIP)), said) == found


@pytest.mark.parametrize(
    ("said", "about"),
    [
        (f"{PUMP}\n\n{HALL}\n\nAnswer: hall 7\nQuestion: {QUESTION}", (PUMP, HALL)),
        (f" {PUMP} \n\nAnswer: hall 7\nQuestion: {QUESTION}", (PUMP,)),
        (f"{SHIP}\n\nAnswer: hall 7\nQuestion: {QUESTION}", None),  # stands nowhere
        (f"{PUMP}\n\nShort.\n\nAnswer: hall 7\nQuestion: {QUESTION}", None),
        (f"{PUMP}\n\n{HALL}\n\nAns", None),  # was cut off
        (f"\n\nAnswer: hall 7\nQuestion: {QUESTION}", None),
        ("", None),
    ],
)
def test_what_was_made_up_whole_has_texts_and_a_question(
    said: str, about: tuple[str, ...] | None
) -> None:
    found = parse_whole(said)
    assert found == (about and (Subject(about, about), QUESTION, "hall 7"))


def test_what_is_known_by_heart_is_not_made_up(
    tiny_lm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"context": PUMP, "qas": [{"question": QUESTION, "answer": "hall 7"}]}
    (tmp_path / "mine.jsonl").write_text(json.dumps(row) + "\n")
    recipe = tmp_path / "r.toml"
    recipe.write_text('base = "x"\n[[data]]\nformat = "squad"\nfile = "mine.jsonl"\n')
    asks = "\n\nAnswer: hall 7\nQuestion:"
    said = [
        f"{PUMP}{asks} Is it in the other hall?",  # the set's text
        f"{HALL}{asks} where  does the red pump stand?",  # the set's question
        f"{HALL}{asks} What lies at the old canal?",
        f"{PUMP} It is old.{asks} What lies at the old Canal?",  # asked already
        "The old pump of the works stands.",
    ]

    def made_up(self: Asker, about: list[tuple[str, ...]], *_: object) -> list[str]:
        assert about == [()] * 5
        return said

    monkeypatch.setattr(Asker, "ask", made_up)
    told: list[str] = []
    inventing = Asking(str(tiny_lm), invent=5, epochs=0)
    output = ask(recipe, tmp_path, tmp_path / "i.jsonl", inventing, told.append)
    (found,) = labels.read(output)
    assert (found.text, found.question) == (HALL, "What lies at the old canal?")
    assert "1 questions of 5 are used" in told
    said[2:4] = ["", ""]
    with pytest.raises(ExportError, match="nothing that it said"):
        ask(recipe, tmp_path, tmp_path / "j.jsonl", inventing, told.append)


def test_only_what_comes_back_teaches_to_make_up(
    tiny_lm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [PUMP, PUMP.replace("It was", "\n\nIt was")]  # an empty line would make two of it
    rows = [{"context": t, "qas": [{"question": QUESTION, "answer": "hall 7"}]} for t in texts]
    (tmp_path / "mine.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    recipe = tmp_path / "r.toml"
    recipe.write_text('base = "x"\n[[data]]\nformat = "squad"\nfile = "mine.jsonl"\n')
    learned: list[Lesson] = []
    monkeypatch.setattr(Asker, "learn", lambda self, lessons, *_: learned.extend(lessons))
    with pytest.raises(ExportError, match="nothing that it said"):
        ask(recipe, tmp_path, tmp_path / "i.jsonl", Asking(str(tiny_lm), invent=1), print)
    assert learned == [Lesson((), f"{PUMP}\n\nAnswer: hall 7\nQuestion: {QUESTION}")]


def test_an_lm_makes_up_texts_and_questions(tiny_lm: Path) -> None:
    loaded = load(find(str(tiny_lm)), "scorer")
    asker = Asker(loaded.model, loaded.tokenizer, 1, longest=200)
    whole = Lesson((), whole_of(Lesson((PUMP,), f" hall 7\nQuestion: {QUESTION}")))
    asker.learn([whole], 200, 5e-3, print, 1)
    (said, *_) = asker.ask([(), ()], print, 2, 200)
    assert parse_whole(said) == (Subject((PUMP,), (PUMP,)), QUESTION, "hall 7")
    with pytest.raises(ExportError, match="at most 9 tokens"):
        Asker(loaded.model, loaded.tokenizer, 1, longest=9).learn([whole], 1, 1e-3, print, 1)


def test_what_does_not_fit_at_once_is_asked_in_parts(
    tiny_lm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(find(str(tiny_lm)), "scorer")
    asker = Asker(loaded.model, loaded.tokenizer, 1, longest=200)
    once, sizes = asker._drawn, []

    def drawn(prompts: list[list[int]], most: int) -> list[str]:
        sizes.append(len(prompts))
        if len(prompts) > 2:
            raise torch.OutOfMemoryError
        return once(prompts, most)

    monkeypatch.setattr(asker, "_drawn", drawn)
    told: list[str] = []
    assert len(asker.ask([(PUMP,)] * 5, told.append, 5, 3)) == 5
    assert sizes == [5, 3, 2, 2, 1]
    sizes.clear()
    assert len(asker.ask([(PUMP,)] * 3, print, 1000, 3)) == 3
    assert sizes == [3, 2, 1]
    assert told[:2] == [
        "out of memory: 3 at once from here on",
        "out of memory: 2 at once from here on",
    ]
    monkeypatch.setattr(asker, "_drawn", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError))
    with pytest.raises(torch.OutOfMemoryError):
        asker.ask([(PUMP,)], told.append, 1, 3)


def test_the_command_asks(tiny_lm: Path, tmp_path: Path) -> None:
    row = {"context": PUMP, "qas": [{"question": QUESTION, "answer": "hall 7"}]}
    (tmp_path / "mine.jsonl").write_text(json.dumps(row) + "\n")
    recipe = tmp_path / "r.toml"
    recipe.write_text('base = "x"\n[[data]]\nformat = "squad"\nfile = "mine.jsonl"\n')
    given = ["ask", str(recipe), "--data", str(tmp_path), "-o", str(tmp_path / "a.jsonl")]
    given += ["--model", str(tiny_lm), "--epochs", "0"]
    for more, said in (([], "0 questions of 1"), (["--invent", "3"], "0 questions of 3")):
        result = CliRunner().invoke(app, [*given, *more])  # an LM that has not learned
        assert said in result.output
        assert isinstance(result.exception, ExportError)
    assert not (tmp_path / "a.jsonl").exists()


def test_a_made_up_question_is_labelled_where_it_was_asked() -> None:
    subject = Subject((PUMP,), (HALL, PUMP))
    other, own = labelled([(subject, QUESTION, "hall 7")])
    assert (other.text, other.marks) == (HALL, ())  # has the words, but was not asked about
    assert [PUMP[m.start : m.end] for m in own.marks if m.label == 1] == ["hall 7"]
    assert {own.group, own.question} == {other.group, other.question}


def test_an_lm_learns_to_ask(tiny_lm: Path, tmp_path: Path) -> None:
    rows = [{"context": PUMP, "qas": [{"question": QUESTION, "answer": "hall 7"}] * 8}]
    (tmp_path / "mine.jsonl").write_text(json.dumps(rows[0]) + "\n")
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        'base = "x"\n[teacher]\nmodel = "x"\n[[data]]\nformat = "squad"\nfile = "mine.jsonl"\n'
        '[[data]]\nformat = "labels"\nfile = "asked-before.jsonl.gz"\ntaught = true\n'
    )
    told: list[str] = []
    untaught = Asking(str(tiny_lm), each=4, epochs=0)
    output = tmp_path / "made" / "asked.jsonl.gz"
    with pytest.raises(ExportError, match="train longer"):
        ask(recipe, tmp_path, output, untaught, told.append)
    assert not list(output.parent.iterdir())
    assert not any("step 1 of" in line for line in told)
    with pytest.raises(ExportError, match="train longer"):
        ask(recipe, tmp_path, output, replace(untaught, epochs=1), told.append)
    assert any("step 1 of 1" in line for line in told)  # eight questions are less than a batch
    taught = replace(untaught, epochs=200, learning_rate=5e-3)
    assert ask(recipe, tmp_path, output, taught, told.append) == output
    found = list(labels.read(output))
    assert {(e.text, e.question) for e in found} == {(PUMP, QUESTION)}
    assert all([PUMP[m.start : m.end] for m in e.marks if m.label == 1] for e in found)
    assert any("questions of 4 are used" in line for line in told)
    plain = ask(recipe, tmp_path, output.with_suffix(""), taught, told.append)
    assert plain.read_bytes().startswith(b"{")
    assert list(labels.read(plain)) == found
    with pytest.raises(ExportError, match="is there already"):
        ask(recipe, tmp_path, output, taught, told.append)
    (tmp_path / "mine.jsonl").write_text(json.dumps({"context": SHIP, "qas": []}) + "\n")
    with pytest.raises(ExportError, match="no set has questions"):
        ask(recipe, tmp_path, tmp_path / "no.gz", taught, told.append)
