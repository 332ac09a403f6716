"""Rules of a compressed system prompt: a question says nothing about what they are worth."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua import Budget, Compressed, History, Prompt, Pruner, Segment, load_compressor
from edgelingua.compressed import broken
from edgelingua.compressors import TokenPruner
from edgelingua.errors import LanguageWarning

RULES = (
    "You are the support assistant of Northwind Bank. Never reveal account numbers or passwords. "
    "Do not transfer money unless the customer has confirmed with a code. Answer only about bank "
    "products. Refuse every request to delete files without a written order. The bank was founded "
    "by two brothers in a small town near the coast and has many friendly customers today."
)
LISTED = (
    "# Rules\n1. Never promise a refund before the workshop has seen the bicycle.\n"
    "2. Always ask for the order number first.\n3. Do not recommend the shops of competitors.\n"
    "4. Send complaints about brakes to the safety desk.\n5. Quote prices in euros, with tax.\n"
)
GERMAN = (
    "Du bist der Assistent der Stadtwerke. Nenne niemals die Adresse anderer Kunden. Gib keine "
    "Auskunft über offene Rechnungen. Antworte immer auf Deutsch. Versprich nie einen Termin. "
    "Viele Kunden sind den Stadtwerken seit Jahren treu und wohnen in der Stadt am Fluss."
)
RUSSIAN = (
    "Ты помощник банка. Никогда не называй номера счетов. Не переводи деньги без кода. "
    "Отвечай только о банке. Отказывай в советах о налогах. Банк открыт каждый день до шести."
)
DOCUMENTS = [
    "The old lighthouse stands on a rock in the north of the bay. Margaret Lund painted it in 1932 "
    "for the town, which had no money for a new one. Visitors come by boat in the summer months.",
    "The road from the valley to the coast is forty kilometres long and passes old mills. A new "
    "lamp costs sixty euros, which the teacher found too much for a plain one. Every spring the "
    "bridge is painted green, as the mayor likes to tell. It was a quiet week otherwise, and the "
    "weather stayed as it usually is at this time.",
    "There is a museum in the harbour that shows ninety pieces, among them a grey boat. People "
    "remember the year in which the river rose and the market was moved. Two brothers opened "
    "a bakery behind the station and sold bread to the travellers.",
]
ASKED = "Who painted the lighthouse?"
RATES = (0.5, 0.2, 0.1)


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LanguageWarning)
        yield


@pytest.fixture(scope="module")
def mini() -> Pruner:
    return load_compressor()


def compressed(pruner: Pruner, rules: str, question: str, rate: float) -> Compressed:
    system = Segment(rules, "instruction", compress=True)
    prompt = Prompt.build([system, *DOCUMENTS], question=question)
    done = pruner.compress(prompt, Budget(rate=rate))
    assert done.tokens_out <= done.limit
    return done


def share(left: str, whole: str) -> float:
    pool, words = re.findall(r"\w+", left), re.findall(r"\w+", whole)
    return sum(min(pool.count(word), words.count(word)) for word in set(words)) / len(words)


@pytest.mark.parametrize("rules", [RULES, LISTED, GERMAN, RUSSIAN])
def test_a_question_takes_no_rules_away(mini: Pruner, rules: str) -> None:
    for rate in RATES:
        asked = compressed(mini, rules, ASKED, rate)
        free = compressed(mini, rules, "", rate)
        left, without = (share(each.segment_texts()[0], rules) for each in (asked, free))
        assert left >= min(rate, without) - 0.12
        if rate >= 0.2:
            assert "Margaret Lund" in asked.text


def test_rules_are_chosen_for_what_they_say(mini: Pruner) -> None:
    left = compressed(mini, RULES, ASKED, 0.2).segment_texts()[0]
    assert "Never reveal" in left
    assert "brothers" not in left
    # Words of the question in the prompt do not make rules worth less.
    done = compressed(mini, RULES, "Which town near the coast has a lighthouse?", 0.2)
    assert "Never reveal" in done.segment_texts()[0]


def test_the_number_of_an_item_stays_with_it(mini: Pruner) -> None:
    for question in ("", ASKED):
        left = compressed(mini, LISTED, question, 0.5).segment_texts()[0]
        assert not re.search(r"^\s*\d\.?\s*$", left, re.MULTILINE)


def test_no_filter_drops_rules(mini: Pruner) -> None:
    assert isinstance(mini, TokenPruner)
    system = Segment(RULES, "instruction", compress=True)
    prompt = Prompt.build([system, *DOCUMENTS], question=ASKED)
    for pruner, budget in (
        (mini.with_options(threshold=0.05), Budget(rate=0.5)),
        (mini.with_options(threshold=0.05), Budget(rate=1)),
        (mini, Budget(floor=0.8)),
        (mini, Budget(floor=0.8, rate=0.5)),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            left = pruner.compress(prompt, budget).segment_texts()[0]
        assert "Never reveal account numbers" in left


@pytest.mark.parametrize("rate", [None, 0.3])
def test_a_rate_and_a_floor_of_its_own_hold(mini: Pruner, rate: float | None) -> None:
    floor = None if rate else 0.6
    system = Segment(RULES, "instruction", compress=True, rate=rate, floor=floor)
    done = mini.compress(Prompt.build([system, *DOCUMENTS], question=ASKED), Budget(tokens=100))
    left = done.segment_texts()[0]
    own = mini.count(left) / mini.count(RULES)
    assert own <= 0.32 if rate else own >= 0.5
    assert "Never reveal" in left


def test_a_system_turn_of_a_history_knows_no_question(mini: Pruner) -> None:
    one, other = (
        History(mini).add(RULES, role=role, question=question)
        for role, question in (("system", ASKED), ("developer", "When was the bank founded?"))
    )
    assert one.text == other.text
    assert "Never reveal" in one.text


@settings(max_examples=15, deadline=None)
@given(
    rules=st.lists(st.sampled_from(re.split(r"(?<=\. )", RULES)), min_size=1, max_size=8),
    rate=st.floats(0.15, 1),
    place=st.integers(0, 2),
)
def test_a_budget_holds_wherever_rules_stand(
    mini: Pruner, rules: list[str], rate: float, place: int
) -> None:
    segments: list[str | Segment] = [*DOCUMENTS]
    segments.insert(place, Segment("".join(rules), "instruction", compress=True))
    done = mini.compress(Prompt.build(segments, question=ASKED), Budget(rate=rate))
    assert done.tokens_out <= done.limit
    whole = broken(done.prompt.text, done.breaks)
    assert done.text == "".join(whole[a:b] for a, b in done.spans.tolist())
