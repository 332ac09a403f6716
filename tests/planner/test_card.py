"""A card is read as it was written, or refused with what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgelingua.errors import InputError
from edgelingua.planner.card import Card
from edgelingua.planner.tables import heading, tables
from tests.planner.cards import card, compressor, reader


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    made = card(reader(0.01), compressors=(compressor(0.001), compressor(0.01, question=False)))
    assert Card.read(made.write(tmp_path / "folder" / "card.json")) == made


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"version": 2}', '{"version": 1, "compressors": [{}], "readers": []}'],
)
def test_what_is_no_card_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(content)
    with pytest.raises(InputError, match="edgelingua bench"):
        Card.read(path)


def test_a_curve_that_is_none_is_refused(tmp_path: Path) -> None:
    path = card(reader(0.01)).write(tmp_path / "card.json")
    values = json.loads(path.read_text())
    values["readers"][0]["prefill"]["seconds"][0] = -1
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match="not a card"):
        Card.read(path)


def test_without_one_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing was measured .* edgelingua bench"):
        Card.read(tmp_path / "card.json")


def test_readers_of_before_stay_on_the_same_machine() -> None:
    old = card(reader(0.01), reader(0.05, "large"))
    new = card(reader(0.02))
    assert [cost.name for cost in new.merged(old).readers] == ["small", "large"]
    assert new.merged(old).reader("small").prefill == reader(0.02).prefill
    elsewhere = Card(machine={"cpu": "another", "threads": 64}, readers=old.readers)
    assert new.merged(elsewhere) == new


def test_rows_are_found_by_name_or_refused() -> None:
    made = card(reader(0.01, "a"), compressors=(compressor(0.001),))
    assert made.reader("a.gguf") is made.reader("a")
    assert made.compressor("mini", "llmlingua2", question=True).added_mb == 60
    with pytest.raises(InputError, match="--reader other"):
        made.reader("other")
    with pytest.raises(InputError, match="without a question"):
        made.compressor("mini", "llmlingua2", question=False)


def test_tables_tell_of_all_rows() -> None:
    made = card(
        reader(0.01, joules=5.0),
        compressors=(compressor(0.001, joules=4.0), compressor(1.0, bundle="slow")),
    )
    text = tables(made)
    assert made.machine["cpu"] in heading(made)
    assert "| slow   | llmlingua2 | yes      | 0.2  | never" in text
    assert "J per 1,000 tokens" in text
    assert "50.0 J for 1,000 tokens read" in text
    # 0.01 s for a token not read, 0.001 for one compressed.
    assert "| 7.2 s       | 28.7 s      | –" in text
    assert "No reader" in tables(card(compressors=(compressor(0.001),)))
