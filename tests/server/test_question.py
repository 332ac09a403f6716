"""Ends of long messages, pins in them, and options, without a reader."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgelingua.integrations.server.fields import check
from edgelingua.integrations.server.laid import cells_of
from edgelingua.integrations.server.options import ServerOptions
from edgelingua.integrations.server.problems import ApiError
from edgelingua.integrations.server.question import last_fitting, split
from edgelingua.integrations.server.values import strings

pytestmark = pytest.mark.llama


def test_the_longest_ending_that_fits_begins_at_a_word_that_is_near() -> None:
    assert last_fitting("one two three", 9, len) == 4
    assert last_fitting("字" * 1000 + " 谢谢", 100, len) == 903


def test_a_message_of_one_line_is_split_at_once() -> None:
    # What takes the square of this takes hours.
    assert split(" " * 200_000 + "x" * 200_000, 100, len).before == ""


def test_a_pin_is_found_in_the_tokens_that_say_it() -> None:
    text, pieces = "The code is XK. The end", [b" The", b" code", b" is", b" XK", b".", b" The"]
    reader: Any = SimpleNamespace(pieces=lambda _: [*pieces, b" end"])
    at = text.index("XK")
    mask = cells_of(reader, text, np.arange(7, dtype=np.int32), [(at, at + 2)])
    assert mask.tolist() == [False, False, False, True, False, False, False]


def test_a_key_of_a_file_ends_with_its_last_letter() -> None:
    assert ServerOptions(name="m", api_key="secret\n").api_key == "secret"


def test_names_that_are_no_text_are_told_in_letters() -> None:
    with pytest.raises(ApiError) as caught:
        check({"\ud800": 1}, frozenset({"model"}))
    assert str(caught.value.body()).isascii()


def test_texts_to_look_for_are_short() -> None:
    with pytest.raises(ApiError, match="2000 characters"):
        strings("a" * 2001, "edgelingua.pin", 4)
