"""What stands side by side in what is kept stood side by side, or says that it did not."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.budget import Budget
from edgelingua.compressed import Compressed
from edgelingua.compressors import TokenPruner
from edgelingua.compressors.random import RandomScorer
from edgelingua.prompt import Prompt
from edgelingua.selection.units import Level, Rules
from edgelingua.text.boundaries import count_words
from edgelingua.text.clauses import statement_ends
from tests.conftest import TEXTS

MACHINE = [
    "INFO batch=4005 rows=500 flushed in 82 ms\nINFO batch=4006 rows=500 flushed in 84 ms\n"
    "ERROR batch=4007 rows=0 flush failed: access denied\n",
    "The pool was made with min_size=4, max_size=32 and timeout=30; the old one had max_size=8.",
    "GET /orders?id=88213&status=open HTTP/1.1 -> 500; upstream=10.0.0.7 took=4512 retry=no",
    "src/net/retry.py:58    raise Gone\nsrc/store/cache.py:9:TTL_SECONDS = 900\n"
    "src/store/cache.py:77    return None\n",
    "HOST=db7 TIMEOUT=30\nHOST=db8 TIMEOUT=60 --no-retry --queue tides\n",
    'level=info msg="batch=4005", host=db7 user="ida" took=4512\n',
    "[18:07] Jo: who brings the tent?\n[18:09] Liv: I paid 2 400 kr, ref. HYTTE-3391\n",
]
UNBROKEN = [
    '{"id":17,"tags":["a","b"],"text":"He said \\"no\\".","ratio":-0.25} {"id":18,"tags":[]}',
    'The reply was {"state":"down","code":503,"since":"06:41"} and then [1,2,3,[4,5]] again.',
    "function f(a,b){return a+b}var x=f(1,2);if(x>2){alert('more');}else{go(x-1)}",
    "<tr><td>42&nbsp;kr</td><td class='p'>75&nbsp;kr</td></tr><a href=\"/x?a=1&b=2\">more</a>",
    "SELECT id,name FROM owls WHERE mass>=480 AND(ring IS NULL OR ring<>'-');",
    "(5,'CA61208',487.00,'2031-04-05','caught at dusk; released unringed, ring lost'),(6,NULL)",
    "Ida;12;4,75\nLiv;3;88,20\nJo;1;15,00\nOle;7;9,90\nTor;2;1,10\nUlf;4;2,20\n",
    "env: {A: 1, B: 2}\nargs: ['--no-retry','-x=3']\nimage: reg.example.org/tide:1.9.3@sha256:ab12",
    "See https://example.org/a/b?c=d&e=f#g, mail ida@example.org or call +47/922-41-880 (home).",
    "id=9f86d081884c7d659a2feaa0c55ad015 path=C:\\Users\\ida\\tide.log 0xDEADBEEF v1.2.3-rc.1",
    "The token is " + "Zm9vYmFy4Pq9" * 30 + " and nobody but Ida knows it.",
]
PROSE = [
    "In 1954 a storm broke the south pier, which has not been used since. Repairs would have cost "
    "2.4 million kroner. Nobody paid (not even half)! The harbour-master wrote: “We wait.”",
    'He said "We wait." Then he left. "They paid!" Ida wrote. Nobody came (why?) at all.',
    *(TEXTS[name] for name in ("english", "german", "french", "arabic", "hindi", "log")),
]
CLOSING = ".,;:!?…'’\"”»)]}*_।،"
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\uffef]")


def compress(text: str, seed: int, rate: float, level: Level, pin: str = "") -> Compressed:
    pruner = TokenPruner(RandomScorer(seed), rules=Rules(level))
    prompt = Prompt.build(text, pin=pin or ())
    return pruner.compress(prompt, Budget(rate=rate, count=count_words))


@pytest.mark.parametrize("text", [*MACHINE, *UNBROKEN, *PROSE, *TEXTS.values()])
@pytest.mark.parametrize("level", get_args(Level))
@settings(max_examples=15)
@given(seed=st.integers(0, 999), rate=st.sampled_from([0.2, 0.33, 0.5, 0.8]))
def test_every_piece_is_one_of_the_text(text: str, level: Level, seed: int, rate: float) -> None:
    """No "=4007" without "batch", no value behind another key."""
    tags = re.compile(r"(?<=>)(?=\S)|(?<=\S)(?=<)")  # elements go whole
    tagged = tags.sub if text.startswith("<") else (lambda _, some: some)
    pieces = {piece.rstrip(CLOSING) for piece in tagged(" ", text).split()} | {
        ""
    }  # marks at its end
    for piece in tagged(" ", compress(text, seed, rate, level).text).split():
        assert piece.rstrip(CLOSING) in pieces or _UNSPACED.search(piece), piece


@settings(max_examples=60)
@given(
    colours=st.lists(
        st.sampled_from(["", "", "\x1b[31m", "\x1b[1m\x1b[31m"]), min_size=12, max_size=12
    ),
    seed=st.integers(0, 999),
    rate=st.sampled_from([0.2, 0.5, 0.8]),
)
def test_what_colours_a_word_parts_it_from_the_one_before(
    colours: list[str], seed: int, rate: float
) -> None:
    words = "The build ran long and then failed because db7 was quite full".split()  # noqa: SIM905
    text = " ".join(
        f"{c}{w}{'' if not c else chr(27) + '[0m'}" for c, w in zip(colours, words, strict=True)
    )
    kept = re.sub("\x1b\\[[0-9;]*m", "", compress(text, seed, rate, "word").text)
    assert set(kept.split()) <= set(words)


HARBOUR = (
    "In the harbour the master wrote a letter home. A storm broke the south pier in two. Repairs "
    "never came to the town."
)


@pytest.mark.parametrize(
    ("text", "pin"), [*((text, "") for text in MACHINE + PROSE), (HARBOUR, "harbour")]
)
@settings(max_examples=40)
@given(seed=st.integers(0, 999), rate=st.sampled_from([0.2, 0.33, 0.5, 0.8]))
def test_words_of_two_statements_never_meet(text: str, pin: str, seed: int, rate: float) -> None:
    """Between what is left of two sentences or lines stands a full stop or a line break."""
    kept = compress(text, seed, rate, "word", pin)
    edges = {0, *kept.units[:, 1].tolist()}
    ends = [end for end in statement_ends(text).tolist() if len(text[:end].rstrip()) in edges]
    for (_, end), (start, _) in pairwise(kept.spans.tolist()):
        crossed = [at for at in ends if end <= at <= start]
        # What ends a statement is no word: it is the last that was kept of it, or goes before.
        if crossed and any(c.isalnum() for c in text[crossed[-1] : start + 1]):
            assert not text[end - 1].isalnum() or "\n" in text[start : start + 2], kept.text


@given(seed=st.integers(0, 999), tokens=st.integers(4, 24))
def test_a_line_keeps_its_head(seed: int, tokens: int) -> None:
    pruner = TokenPruner(RandomScorer(seed))
    budget = Budget(tokens=tokens, count=count_words)
    kept = pruner.compress(Prompt.build(MACHINE[-1]), budget).text
    lines = {"[18:07] Jo:": "who brings the tent", "[18:09] Liv:": "paid ref HYTTE-3391"}
    for head, said in lines.items():
        assert head in kept or not any(word in kept for word in said.split()), kept
