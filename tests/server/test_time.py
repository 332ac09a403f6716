"""What becomes of answers when the time of a request is over."""

from __future__ import annotations

import pytest

from edgelingua import load_compressor
from edgelingua.integrations.server.answering import Answerer
from edgelingua.integrations.server.patience import Patience
from edgelingua.integrations.server.requests import Request
from edgelingua.integrations.server.written import Finish, Piece
from edgelingua.llama.model import LlamaModel, Sampling

pytestmark = pytest.mark.llama

CAP = 64


def test_what_was_written_in_time_is_not_lost(reader: LlamaModel) -> None:
    """Of several answers, too, those that were not begun are empty."""
    compressor = load_compressor("truncate", count=reader.count)
    answerer = Answerer(reader, compressor, lambda: reader.session(CAP), cap=CAP, sessions=1)
    endless = Sampling(seed=1, bias=((0, -100.0), (2, -100.0)))  # no token that ends an answer
    request = Request("smollm2", "A text to go on with", 10**6, endless, choices=3)
    patience = Patience(1.0)
    laid = answerer.prepare(request, patience)
    written: list[Piece | Finish] = list(answerer.write(request, laid, patience))
    finishes = [one for one in written if isinstance(one, Finish)]
    assert [(one.choice, one.reason) for one in finishes] == [(n, "length") for n in range(3)]
    assert finishes[0].written > finishes[1].written == finishes[2].written == 0
