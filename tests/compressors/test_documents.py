"""Documents judged one by one in the light of a question, once or twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from edgelingua import Budget, Prompt, Segment
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.cli.app import app
from edgelingua.compressors import TokenPruner, load_compressor
from edgelingua.compressors.parts.second_pass import best_sentence, with_clue
from edgelingua.errors import InputError
from edgelingua.models import registry
from edgelingua.scorers import ClassifierScorer
from edgelingua.scores import TokenScores

QUESTION = "In which city was the director of The Lantern born?"
DOCUMENTS = [
    "Peter Hale\nPeter Hale was born in Leeds in 1949. He directed plays for children.",
    "The Lantern\nThe Lantern is a film of 1987 directed by Maria Olsen. It was a failure.",
    "Anna Wolf\nAnna Wolf was born in Kiel in 1960. She directed The Candle.",
    "Maria Olsen\nMaria Olsen was born in Bergen in 1951. She died in Oslo.",
]


@pytest.fixture(scope="module")
def tiny(question_bundle: ModelBundle) -> TokenPruner:
    """`llmlingua2` on a tiny BERT that says that it reads questions."""
    compressor = load_compressor("llmlingua2", question_bundle.folder)
    assert isinstance(compressor, TokenPruner)
    return compressor


@pytest.fixture(scope="module")
def mini() -> TokenPruner:
    compressor = load_compressor()
    assert isinstance(compressor, TokenPruner)
    return compressor


def word_scores(compressor: TokenPruner, prompt: Prompt, document: str) -> dict[str, float]:
    """Score of each word of one document of a prompt."""
    compressed = compressor.compress(prompt, Budget(rate=1))
    begin = prompt.text.index(document)
    found = {}
    for (start, end), score in zip(
        compressed.units.tolist(), compressed.scores.tolist(), strict=True
    ):
        if begin <= start < begin + len(document):
            found[f"{start - begin} {prompt.text[start:end]}"] = score
    return found


def test_with_a_question_a_document_is_judged_for_itself(tiny: TokenPruner) -> None:
    prompts = [
        Prompt.build(DOCUMENTS, question=QUESTION),
        Prompt.build([DOCUMENTS[1], DOCUMENTS[3] * 9, DOCUMENTS[0]], question=QUESTION),
        Prompt.build(DOCUMENTS[1], question=QUESTION),
    ]
    # What is raised takes its place beside other documents from words of its own.
    unguarded = tiny.with_options(guard=False, second_pass=False)
    found = [word_scores(unguarded, prompt, DOCUMENTS[1]) for prompt in prompts]
    assert found[0] == found[1] == found[2]


def test_without_one_documents_are_one_text(tiny: TokenPruner) -> None:
    alone, among = (word_scores(tiny, Prompt.build(texts), DOCUMENTS[1])
                    for texts in (DOCUMENTS[1], DOCUMENTS))  # fmt: skip
    assert alone != among
    end = tiny.scorer.score("\n\n".join(DOCUMENTS))
    compressed = tiny.compress(Prompt.build(DOCUMENTS), Budget(rate=1))
    assert np.isfinite(compressed.scores).sum() <= len(end.scores)


def test_documents_with_a_rate_a_pin_or_kept_whole(tiny: TokenPruner) -> None:
    parts = [
        Segment(DOCUMENTS[0], rate=0.5),
        Segment(DOCUMENTS[1], compress=False),
        Segment(DOCUMENTS[2]),
        Segment("  \n "),
    ]
    for compressor in (tiny, tiny.with_options(second_pass=True)):
        prompt = Prompt.build(parts, question=QUESTION, pin=["Kiel"])
        compressed = compressor.compress(prompt, Budget(rate=0.8))
        assert DOCUMENTS[1] in compressed.text
        assert "Kiel" in compressed.text
        assert compressed.tokens_out <= compressed.limit


def test_progress_reaches_the_end_once(tiny: TokenPruner) -> None:
    for compressor in [tiny.with_options(second_pass=second) for second in (None, False, True)]:
        seen: list[tuple[int, int]] = []
        compressor.compress(
            Prompt.build([*DOCUMENTS, DOCUMENTS[0] * 20], question=QUESTION),
            Budget(rate=0.5),
            lambda done, total, seen=seen: seen.append((done, total)),  # type: ignore[misc]
        )
        assert seen[-1][0] == seen[-1][1]
        assert len({total for _, total in seen}) == 1
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_second_pass_takes_nothing_away(tiny: TokenPruner) -> None:
    prompt = Prompt.build(DOCUMENTS, question="Born?")  # leaves room for a clue
    both = [tiny.with_options(second_pass=second) for second in (False, True)]
    once, twice = (compressor.compress(prompt, Budget(rate=1)) for compressor in both)
    real = np.isfinite(once.scores)
    assert (twice.scores[real] >= once.scores[real]).all()
    assert (twice.scores[real] > once.scores[real]).any()
    unasked = Prompt.build(DOCUMENTS)
    once, twice = (compressor.compress(unasked, Budget(rate=0.5)) for compressor in both)
    assert once.text == twice.text


def test_the_second_step_is_found_in_the_second_pass(mini: TokenPruner) -> None:
    """The paragraph on Maria Olsen says nothing of The Lantern."""
    prompt = Prompt.build(DOCUMENTS, question=QUESTION)
    ranks = []
    for compressor in [mini.with_options(second_pass=second) for second in (False, True)]:
        scores = {}
        for name, text in (("Leeds", 0), ("Kiel", 2), ("Bergen", 3)):
            found = word_scores(compressor, prompt, DOCUMENTS[text])
            scores[name] = max(score for word, score in found.items() if name in word)
        ranks.append(scores["Bergen"] - max(scores["Leeds"], scores["Kiel"]))
    assert ranks[1] > 0
    assert ranks[1] > ranks[0]


def test_a_clue_fits_beside_the_question(mini: TokenPruner) -> None:
    scorer = mini.scorer
    assert isinstance(scorer, ClassifierScorer)
    for text in (DOCUMENTS[1], "word " * 300, "\n\n  A title\n" + "x. " * 9, "§", "\u200b"):
        clue = best_sentence({0: text}, {0: scorer.score(text, QUESTION)})
        for longest in (20, 64, 1000):
            asked = with_clue(QUESTION, clue, longest, scorer.count)
            assert asked.startswith(QUESTION)
            assert scorer.count(asked) <= min(longest, 64)
    clue = "The Lantern is a film of 1987 directed by Maria Olsen."
    assert best_sentence({0: DOCUMENTS[1]}, {0: peak(DOCUMENTS[1], "Maria")}) == (
        f"The Lantern: {clue}"
    )
    assert with_clue("Why?", clue, 84, scorer.count) == f"Why? {clue}"
    assert with_clue("why " * 80, clue, 84, scorer.count) == "why " * 80
    line = "Casablanca is a film. It was directed by Michael Curtiz."
    assert best_sentence({0: line}, {0: peak(line, "Michael")}) == (
        "It was directed by Michael Curtiz."
    )


def test_a_long_clue_is_not_counted_word_by_word() -> None:
    counted = []

    def count(text: str) -> int:
        counted.append(text)
        return len(text.split())

    assert with_clue("why", "so " * 5000, 64, count) == "why" + " so" * 63
    assert len(counted) < 10


@pytest.mark.parametrize(("times", "passes"), [(3, 2), (70, 1)])
def test_a_question_without_room_for_a_clue_is_asked_once(
    mini: TokenPruner, monkeypatch: pytest.MonkeyPatch, times: int, passes: int
) -> None:
    asked = []
    score = ClassifierScorer.score_each

    def noted(self: ClassifierScorer, *arguments: Any) -> list[TokenScores]:
        asked.append(arguments[1])
        return score(self, *arguments)

    monkeypatch.setattr(ClassifierScorer, "score_each", noted)
    prompt = Prompt.build(DOCUMENTS[0], question="why " * times)
    mini.with_options(second_pass=True).compress(prompt, Budget(rate=0.95))
    assert len(asked) == passes


def test_nano_reads_the_question_whole_in_its_short_windows() -> None:
    compressor = load_compressor("llmlingua2", "edgelingua-nano")
    assert isinstance(compressor, TokenPruner)
    assert isinstance(compressor.scorer, ClassifierScorer)
    room = compressor.scorer.longest_question
    assert room == compressor.longest_question
    asked = with_clue(QUESTION, "A clue. " * 90, room, compressor.scorer.count)
    assert compressor.scorer.count(asked) <= room


def peak(text: str, word: str) -> TokenScores:
    """Scores whose best token is ``word``."""
    scores = ClassifierScorer(ModelBundle.open(registry.default_bundle())).score(text)
    best = [text[a:b] == word for a, b in scores.spans.tolist()]
    return replace(scores, scores=np.asarray(best, dtype=np.float32))


def test_a_second_pass_without_a_reader_of_questions(bert_bundle: ModelBundle) -> None:
    compressor = load_compressor("llmlingua2", bert_bundle.folder)
    assert isinstance(compressor, TokenPruner)
    with pytest.raises(InputError, match="second pass is for llmlingua2 with a classifier that"):
        compressor.with_options(second_pass=True)


def test_a_second_pass_on_the_command_line() -> None:
    text = "\n".join(DOCUMENTS)
    options = ["compress", "-", "--tokens", "40", "--second-pass"]
    done = CliRunner().invoke(app, [*options, "--question", QUESTION], input=text)
    assert done.exit_code == 0, done.output
    assert "Bergen" in done.stdout
    done = CliRunner().invoke(
        app, [*options[:-1], "--no-second-pass", "--question", QUESTION], input=text
    )
    assert done.exit_code == 0, done.output
    for wrong in (options, [*options, "--method", "truncate", "--question", QUESTION]):
        refused = CliRunner().invoke(app, wrong, input=text)
        assert refused.exit_code == 2, refused.output
