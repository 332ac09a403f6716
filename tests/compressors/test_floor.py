"""A floor instead of a rate: more for more, never over a limit, refused where it means nothing."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from edgelingua import Budget, Prompt, Pruner, load_compressor
from edgelingua.cli.app import app
from edgelingua.compressors import TokenPruner
from edgelingua.errors import BudgetError, FloorWarning, InputError, NoAnswerWarning
from edgelingua.scores import TokenScores
from edgelingua.selection.units import Rules, units_of
from edgelingua.text.boundaries import words
from tests.conftest import DOCUMENT

QUESTION = "Which city had a devastating fire?"


@pytest.fixture(scope="module")
def mini() -> Pruner:
    return load_compressor()


@pytest.fixture(scope="module")
def text() -> str:
    whole = DOCUMENT.read_text(encoding="utf-8")
    at = whole.index("devastating fire")
    return whole[max(0, at - 1500) : at + 1500]


def test_a_higher_floor_keeps_no_less(mini: Pruner, text: str) -> None:
    prompt = Prompt.build(text, question=QUESTION)
    made = [mini.compress(prompt, Budget(floor=p)) for p in (0.5, 0.8, 0.9, 0.95, 0.99)]
    sizes = [each.tokens_out for each in made]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] <= made[-1].limit == made[-1].tokens_in
    assert all("Boston" in each.text for each in made)
    # As the calibration reads it: the best units have that share of the scores, and no fewer do.
    assert isinstance(mini, TokenPruner)
    assert mini.floors
    one = made[2]
    scores = one.scores[np.isfinite(one.scores)]
    kept = scores[scores >= scores[np.isin(scores, one.scores[one.reasons == 1])].min()]
    assert kept.sum() >= mini.floors.share(0.9) * scores.sum() * 0.99


def test_a_limit_holds_and_says_what_it_costs(mini: Pruner, text: str) -> None:
    prompt = Prompt.build(text, question=QUESTION)
    free = mini.compress(prompt, Budget(floor=0.9))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ample = mini.compress(prompt, Budget(tokens=free.tokens_out + 40, floor=0.9))
    assert ample.text == free.text
    with pytest.warns(FloorWarning, match="40 tokens do not hold"):
        tight = mini.compress(prompt, Budget(tokens=40, floor=0.99))
    assert tight.tokens_out <= 40
    with pytest.warns(FloorWarning):
        assert mini.compress(prompt, Budget(rate=0.05, floor=0.99)).rate <= 0.05


def test_it_says_when_no_answer_seems_to_be_there(mini: Pruner) -> None:
    text = "Add the flour, stir, and let the dough rest for an hour in a warm place. " * 3
    with pytest.warns(NoAnswerWarning, match="19 of 20"):
        mini.compress(
            Prompt.build(text, question="Who was the king of Norway in 1030?"), Budget(floor=0.8)
        )


def test_it_is_refused_where_it_means_nothing(mini: Pruner, text: str) -> None:
    asked, alone = Prompt.build(text, question=QUESTION), Prompt.build(text)
    with pytest.raises(InputError, match="needs a question"):
        mini.compress(alone, Budget(floor=0.9))
    with pytest.raises(InputError, match="second pass"):
        mini.with_options(second_pass=True).compress(asked, Budget(floor=0.9))
    with pytest.raises(InputError, match="a floor is for llmlingua2"):
        load_compressor("bm25").compress(asked, Budget(floor=0.9))
    with pytest.raises(BudgetError, match="calibrated up to"):
        mini.compress(asked, Budget(floor=0.9999))
    for floor in (0, 1, -0.5, 95, float("nan")):
        with pytest.raises(BudgetError, match=r"such as 0\.95"):
            Budget(floor=floor)
    with pytest.raises(BudgetError, match="exactly one"):
        Budget(tokens=10, rate=0.5, floor=0.9)


def test_the_command_line_takes_percent(text: str) -> None:
    run = CliRunner().invoke
    done = run(app, ["compress", "--question", QUESTION, "--floor", "90"], input=text)
    assert done.exit_code == 0
    assert "Boston" in done.stdout
    assert len(done.stdout) < len(text) / 2
    assert run(app, ["compress", "--question", "Who?", "--floor", "100"], input=text).exit_code == 2
    assert run(app, ["compress", "--floor", "90"], input=text).exit_code == 1


@given(st.lists(st.floats(0, 1, width=16), min_size=1, max_size=40), st.floats(0, 1, width=16))
def test_the_threshold_is_the_highest_that_has_the_share(scores: list[float], share: float) -> None:
    prompt = Prompt.build(" ".join(f"w{n}" for n in range(len(scores))))
    spans = words(prompt.text)
    values = np.asarray(scores, np.float32)
    made = TokenScores(spans, values, np.ones(len(spans), dtype=bool), "P(keep)")
    units = units_of(prompt, {0: made}, Rules(guard=False))
    threshold = units.threshold_for(share)
    ranked = units.ranked.astype(float)
    total = ranked.sum()
    assert ranked[ranked >= threshold].sum() >= share * total - 1e-6
    higher = ranked[ranked > threshold]
    assert not total or not len(higher) or higher.sum() < share * total + 1e-6
