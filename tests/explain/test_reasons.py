"""Reasons in plain words."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from edgelingua.budget import Budget
from edgelingua.compressed import Compressed, Reason
from edgelingua.compressors import Rules, TokenPruner, load_compressor
from edgelingua.explain.reasons import number, reasons_of
from edgelingua.prompt import Prompt, Segment

from .cases import CASES, SPEECH, compressed


def why(result: Compressed, text: str) -> str:
    """The reason of the unit in which a text begins."""
    at = result.prompt.text.index(text)
    return reasons_of(result)[int(np.searchsorted(result.units[:, 1], at, "right"))].why


@pytest.mark.parametrize("case", [case for case in CASES if case != "languages"])
def test_a_reason_says_how_a_score_stands_to_the_cut(case: str) -> None:
    result = compressed(case)
    kept = result.scores[(result.reasons == Reason.KEPT) & np.isfinite(result.scores)]
    cut = f"the cut at {number(kept.min())}"
    for row, reason in zip(result.explain(), reasons_of(result), strict=True):
        assert (row.reason == "dropped") == (reason.fate == "left out")
        assert (row.reason == "protected") == (reason.fate == "protected")
        if reason.fate != "protected" and np.isfinite(row.score):
            if row.score < kept.min():
                assert reason.why == f"below {cut}"
            elif reason.fate == "kept":
                assert reason.why == f"at or above {cut}"
            else:  # words of one clause may be worth the same
                assert reason.why == f"level with {cut}, where others came first"


def test_what_stays_in_any_case_says_why() -> None:
    text = "No court may ever take these 30 red books. Gold is here."
    prompt = Prompt.build(text, instruction="Be brief.", question="What?", pin="red")
    result = load_compressor("random", guard=True).compress(prompt, Budget(rate=0.9))
    assert why(result, "Be") == "the instruction, which stays as it is"
    assert why(result, "What") == "the question, which stays as it is"
    assert why(result, "red") == "pinned, or in one piece with what is"
    assert why(result, "30") == "a negation or a number beside what stays in any case"


def test_texts_with_a_share_of_their_own_have_a_cut_of_their_own() -> None:
    text = "Some of these words will go."
    segments = [
        Segment(text, rate=0.5),
        Segment("\n\n", "separator", compress=False),
        Segment("As is.", compress=False),
    ]
    result = load_compressor("random").compress(Prompt(tuple(segments)), Budget(rate=0.9))
    assert why(result, "As is") == "in a text that is not to be compressed"
    assert why(result, "\n\n") == "it stands between texts of which something stayed"
    assert {why(result, word) for word in text.split()} == {
        "below the cut of a text with a share of its own",
        "at or above the cut of a text with a share of its own",
    }


def test_a_text_left_out_as_a_whole_says_so() -> None:
    texts = [SPEECH[:400], SPEECH[400:800]]
    random = load_compressor("random")
    assert isinstance(random, TokenPruner)
    result = replace(random, document_rate=0.5).compress(Prompt.build(texts), Budget(rate=0.4))
    assert not any(result.segment_texts()[1:])
    assert {reason.why for reason in reasons_of(result)[-10:]} == {
        "the text that it belongs to was left out as a whole"
    }
    assert why(result, "\n\n") == "there was nothing left for it to separate"


def test_other_reasons_to_go() -> None:
    alike = Prompt.build("One came. Two went. Three slept.", question="Where?")
    result = load_compressor("bm25").compress(alike, Budget(rate=0.7))
    assert why(result, "Three") == "level with the cut at 0, where others came first"

    once = replace(load_compressor("random"), rules=Rules(drop_consecutive=(".",)))
    for pins in ((), "."):
        result = once.compress(Prompt.build("One . . two", pin=pins), Budget(rate=1))
        gone = [row.reason == "dropped" for row in result.explain()]
        assert gone == [False, False, True, False]
        assert reasons_of(result)[2].why == "it repeats what stands before it"


def test_the_scores_are_written_as_people_write_them() -> None:
    scores = [0.12345, 1e-7, -12345.6, 2.0, 0, math.nan, -math.inf]
    written = ["0.123", "0.0000001", "-12346", "2", "0", "", ""]
    assert [number(score) for score in scores] == written
