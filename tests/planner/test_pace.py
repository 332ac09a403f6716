"""What a rate of "auto" comes to, beside the costs it goes by."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua import Assistant, Budget, LlamaModel, Segment, load_compressor
from edgelingua.errors import BudgetError, InputError
from edgelingua.planner.pace import RATE, Pace
from edgelingua.planner.payoff import first_token
from tests.planner.cards import card, compressor
from tests.planner.cards import reader as cost

COSTS = st.tuples(st.floats(1e-4, 0.1), st.floats(1e-5, 0.1), st.floats(0, 5))


@given(COSTS, st.integers(1, 20_000), st.integers(0, 200))
def test_it_is_hardly_slower_than_the_better_of_always_and_never(
    costs: tuple[float, float, float], tokens: int, beside: int
) -> None:
    read, press, start = costs
    pace = Pace(cost(read), compressor(press, start))
    rate = pace.rate(tokens, beside=beside)
    never = first_token(pace.reader, tokens, beside=beside)
    always = first_token(pace.reader, tokens, rate=RATE, compressor=pace.compressor, beside=beside)
    assert (never if rate == 1 else always) <= min(never / 0.95, always / 0.95) * (1 + 1e-9)


@given(COSTS, st.integers(1, 20_000), st.floats(0.01, 100))
def test_it_reads_most_of_what_one_can_wait_for(
    costs: tuple[float, float, float], tokens: int, seconds: float
) -> None:
    read, press, start = costs
    pace = Pace(cost(read), compressor(press, start), seconds)

    def after(rate: float) -> float:
        compressing = None if rate == 1 else pace.compressor
        return first_token(pace.reader, tokens, rate=rate, compressor=compressing)

    rate = pace.rate(tokens)
    meeting = [each for each in (1.0, 0.5, 0.33, 0.2, 0.1, 0.05) if after(each) <= seconds]
    if meeting:
        assert rate == max(meeting)
    else:
        assert after(rate) == min(map(after, (1.0, 0.5, 0.33, 0.2, 0.1, 0.05)))


def test_it_is_found_on_the_card() -> None:
    made = card(cost(0.01), compressors=(compressor(0.001),))
    pace = Pace.of(Path("models/small.gguf"), "mini", "llmlingua2", card=made)
    assert pace == Pace(made.readers[0], made.compressors[0])
    with pytest.raises(InputError, match=r"bench --reader other\.gguf"):
        Pace.of(Path("other.gguf"), "mini", "llmlingua2", card=made)
    for seconds in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="more than 0"):
            Pace(made.readers[0], made.compressors[0], seconds)


@pytest.mark.llama
def test_an_assistant_goes_by_it(reader: LlamaModel) -> None:
    text = "The tribunal at Geneva awarded fifteen million dollars in gold. It rained all day. " * 3
    question = "How much was awarded?"
    assistant = Assistant(load_compressor("llmlingua2", count=reader.count), reader, cap=256)
    with pytest.raises(InputError, match="edgelingua bench"):
        assistant.ask(text, question, Budget(rate="auto"))
    assistant.pace = Pace(slow := cost(0.1), compressor(1e-6))
    pressed = assistant.ask(text, question, Budget(rate="auto"), max_tokens=1).compressed
    stays = reader.count(question)
    assert stays < pressed.tokens_out <= stays + 0.2 * pressed.tokens_in + 2
    # Reading is faster: all of it, and nothing is scored.
    assistant.pace = Pace(cost(1e-6), compressor(0.1))
    whole = assistant.ask(text, question, Budget(rate="auto"), max_tokens=1).compressed
    assert whole.text == whole.prompt.text
    # Whatever pays, the cap holds.
    reply = assistant.ask(text * 9, question, Budget(rate="auto"), max_tokens=1)
    assert reply.cache.evicted == 0
    assert reply.compressed.tokens_out < 256
    assistant.pace = Pace(slow, compressor(1e-6), seconds=1e-9)
    pinned = Segment(text, pinned=((0, 62),))
    kept = assistant.ask(pinned, question, Budget(rate="auto"), max_tokens=1).compressed
    assert kept.text.startswith(text[:62])


def test_auto_is_no_budget_by_itself() -> None:
    with pytest.raises(BudgetError, match="Assistant"):
        Budget(rate="auto").limit(100)
    with pytest.raises(BudgetError, match="'auto'"):
        Budget(rate="fast")  # type: ignore[arg-type]
