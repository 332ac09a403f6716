"""Values are found with their keys, flags, units and bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.text.heads import headed_lines
from edgelingua.text.pairs import pairs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host: db7, port: 5432", ["host: db7", "port: 5432"]),
        ("  image: redis:7\n  replicas: 3\n", ["image: redis:7", "replicas: 3"]),
        ("timeout = 30 and retries=3", ["timeout = 30", "retries=3"]),
        ("run --queue tides --no-retry -n 5 now", ["--queue tides", "-n 5"]),
        ("Repairs cost 2.4 million kroner in 82 ms", ["2.4 million kroner", "82 ms"]),
        ("at least 30 days, up to $5.00", ["at least 30 days", "up to $5.00"]),
        ("seit 1954 etwa 12 %", ["seit 1954", "etwa 12 %"]),
        ("Note: this is a sentence that goes on.", []),
        ("15 members of the board", ["15 members"]),
        (
            "1 failed, 44 passed, 1 skipped in 3 files",
            ["1 failed", "44 passed", "1 skipped", "3 files"],
        ),
        ("in 1954 storms, 2019 and 1872", []),
        ("of 12 the last 3 were sold; 7 from 9", []),
        ("Meds: warfarin 20 mg daily, insulin 6 U.", ["warfarin 20 mg", "insulin 6 U"]),
        ("Pool: depth 3 m, width 12 m", ["Pool: depth 3 m", "width 12 m"]),
        ("within sixty (60) days", ["sixty (60) days"]),
        ("paid on 30 June 2031, or on 1 May", ["30 June 2031", "1 May"]),
        ("exactly 12 tiles, as many as 40", ["exactly 12 tiles", "as many as 40"]),
    ],
)
def test_what_is_one_statement(text: str, expected: list[str]) -> None:
    assert [text[a:b] for a, b in pairs(text).tolist()] == expected


@pytest.mark.parametrize(
    ("line", "head"),
    [
        ("2031-04-05 12:33:01,123 ERROR [main] it failed", "2031-04-05 12:33:01,123 ERROR"),
        ("[18:07] Jo: who brings the tent?", "[18:07] Jo:"),
        ("src/store/cache.py:9:TTL_SECONDS = 900", "src/store/cache.py:9:"),
        ("Jun 14 15:16:01 combo sshd[1]: no key", "Jun 14 15:16:01"),
        ("INFO batch=4005 rows=500", "INFO"),
        ("3.14 is Pi", None),
        ("In 1954 a storm broke the pier.", None),
    ],
)
def test_heads_of_lines(line: str, head: str | None) -> None:
    text = f"one\n{line}\ntwo"
    heads, lines = headed_lines(text)
    assert [text[a:b] for a, b in heads.tolist()] == ([head] if head else [])
    assert [text[a:b] for a, b in lines.tolist()] == ([line] if head else [])


@given(st.text(alphabet='a1 :=-,.\n"$<kgms', max_size=80) | st.text(max_size=80))
def test_ranges_of_any_text(text: str) -> None:
    for spans in (pairs(text), *headed_lines(text)):
        flat = spans.ravel().tolist()
        assert flat == sorted(flat)
        assert all(0 <= a < b <= len(text) for a, b in spans.tolist())


@pytest.mark.parametrize("text", ["1," * 20_000, "5 " * 20_000, "a: " * 20_000, 'x="' * 20_000])
def test_hostile_texts_end(text: str) -> None:
    pairs(text)
    headed_lines(text)
