"""Structure that survives: parsed again after any subset of the rest was dropped."""

from __future__ import annotations

import ast
import base64
import json
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.errors import InputError
from edgelingua.text.ranges import Range
from edgelingua.text.structure import Outline, atoms, outline_of
from edgelingua.text.structure.blocks import Block, find
from tests.conftest import TEXTS


def texts_of(text: str) -> list[str]:
    return [text[a:b] for a, b in atoms(text).tolist()]


def survivors(text: str, outline: Outline, choose: random.Random) -> str:
    """Drop at random: what is whole at once, frames with what they frame, else characters."""
    level = choose.random()
    framed = {own for own, _, _ in outline.frames}
    kept = [choose.random() < level for _ in text]
    for start, end in outline.whole:
        stays = choose.random() < level
        if (start, end) in framed and (start, end) not in outline.records:
            stays = False
        kept[start:end] = [stays] * (end - start)
    for start, end in outline.pinned:
        kept[start:end] = [True] * (end - start)
    chosen = list(kept)
    for (start, end), (a, b), (c, d) in outline.frames:
        if any(chosen[a:b]) and any(chosen[c:d]):
            kept[start:end] = [True] * (end - start)
    return "".join(c for c, k in zip(text, kept, strict=True) if k)


def check_outline(text: str, outline: Outline) -> None:
    for name in ("pinned", "records", "noise"):
        check_ranges(text, getattr(outline, name))
    check_ranges(text, tuple(own for own, _, _ in outline.frames))
    whole = set(outline.whole)
    for own, *ranges in outline.frames:
        assert all(0 <= a <= b <= len(text) for a, b in ranges)
        assert own in whole


def check_ranges(text: str, ranges: tuple[Range, ...]) -> None:
    assert all(0 <= a < b <= len(text) for a, b in ranges)
    assert all(b <= c for (_, b), (c, _) in pairwise(ranges)), "nothing overlaps"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See https://x.org/a_(b)?q=1#c, or www.y.de.", ["https://x.org/a_(b)?q=1#c", "www.y.de"]),
        ("(https://x.org/a)", ["https://x.org/a"]),
        ("参见https://x.org/a。然后", ["https://x.org/a"]),
        ("Write to jane.doe+x@mail.example.org.", ["jane.doe+x@mail.example.org"]),
        ("in /usr/lib/x.so, ./a/b or ~/x.", ["/usr/lib/x.so", "./a/b", "~/x"]),
        ("C:\\a\\b and src/mod/file.py:12", ["C:\\a\\b", "src/mod/file.py:12"]),
        ("文件src/main.py很重要", ["src/main.py"]),
        ("use max_tokens, maxTokens, np.linalg.norm() or --max-tokens=512",
         ["max_tokens", "maxTokens", "np.linalg.norm()", "--max-tokens=512"]),
        ("std::vector and __init__ and Dockerfile.prod",
         ["std::vector", "__init__", "Dockerfile.prod"]),
        ("id 123e4567-e89b-12d3-a456-426614174000 at 3f2a9bc",
         ["123e4567-e89b-12d3-a456-426614174000", "3f2a9bc"]),
        ("v1.2.3-rc.1 on 10.0.0.7:5432", ["v1.2.3-rc.1", "10.0.0.7:5432"]),
        ("conn=10.0.0.7:5432 user=some_name", ["10.0.0.7:5432", "some_name"]),
        ("run `pip install x` now", ["`pip install x`"]),
        ('He said "no, never" and left.', ['"no, never"']),
        ("“one” «two» „drei“ 「四」", ["“one”", "«two»", "„drei“", "「四」"]),
        ('他说"你好"了。', ['"你好"']),
        ("the key 'max size' is set", ["'max size'"]),
        ('{"a": "b c"}', ['"a"', '"b c"']),
        ('see "https://x.org/a" now', ['"https://x.org/a"']),
        ('"She said \\"no\\" to it"', ['"She said \\"no\\" to it"']),
    ],
)  # fmt: skip
def test_atoms(text: str, expected: list[str]) -> None:
    assert texts_of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'A 5" disk and a 6" disk, as long as 7" of pipe.',
        "The dogs' tails and the cats' ears; it's Peter's, isn't it?",
        "'Twas the night before the dogs' dinner, in the '80s rock 'n' roll",
        'He said "and then the line ended\nand "so did the next',
        '"' + "word " * 60 + '"',
        "and/or he/she 1/2 km/h",
        "A plain sentence. Another one; McCoy's, say - or not?",
        "Ends here.The next one",
        "` alone",
        "x" * 5000 + "_y",
        "see http://x.org/" + "segment/" * 400,
        "",
    ],
)
def test_what_is_no_atom(text: str) -> None:
    assert all(len(found) < 12 and " " not in found for found in texts_of(text))
    assert max((len(found) for found in texts_of(text)), default=0) < 200


@given(st.text(alphabet="ab1 .\"'“”„«»`:/\\_-@(){}[],\n你", max_size=120))
def test_atoms_of_any_text(text: str) -> None:
    found = atoms(text).tolist()
    assert all(0 <= a < b <= len(text) for a, b in found)
    assert all(b <= c for (_, b), (c, _) in pairwise(found))
    assert all("\n" not in text[a:b] for a, b in found)


def kinds(text: str) -> list[tuple[str, str]]:
    return [(block.kind, text[block.start : block.end]) for block in find(text)]


def test_blocks_of_every_kind() -> None:
    fence = "```python\nx = {}\n```"
    value = '{"a": [1, 2], "b": "c"}'
    call = '<tool_call>{"name": "f", "arguments": {}}</tool_call>'
    table = "| a | b |\n|---|:-:|\n| 1 | 2 |\n| 3 | 4 |"
    csv = 'id,name,sum\n1,"Lee, Jo",2\n2,Kim,3'
    text = f"Look:\n{fence}\nor {value} or\n{call}\n\n{table}\n\nand\n{csv}\nend, of, it\n"
    assert kinds(text) == [
        ("fence", fence), ("json", value), ("tool_call", call), ("table", table), ("table", csv)
    ]  # fmt: skip
    pinned = outline_of(text, "pin").pinned
    for block in find(text):
        assert any(a <= block.start and block.end <= b for a, b in pinned)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("~~~\na\n```\nb\n~~~~\nc", [("fence", "~~~\na\n```\nb\n~~~~")]),
        ("Text\n```js\nopen\n", [("fence", "```js\nopen\n")]),
        ("- item\n  ```sh\n  ls\n  ```\n", [("fence", "  ```sh\n  ls\n  ```")]),
        ("Inline ```code``` here", []),
        ('{"a": "b"}\n{"a": "c"}\n', [("json", '{"a": "b"}\n{"a": "c"}')]),
        ('log {"a": "b", "cd": 7} done', [("json", '{"a": "b", "cd": 7}')]),
        ('log {"a": "b"} done', []),
        ("as shown [1, 2] and [link](x) and {} and []", []),
        ('a[0] {"open": ["x", {"y": "long enough"}', [("json", '{"y": "long enough"}')]),
        (" " * 50 + '["' + "long " * 30_000 + '"]', [("json", '["' + "long " * 30_000 + '"]')]),
        ('{"n": ' + "9" * 5000 + "}", [("json", '{"n": ' + "9" * 5000 + "}")]),
        ('{"name": "f", "arguments": "{}"}', [("tool_call", '{"name": "f", "arguments": "{}"}')]),
        ('{"tool_calls": [{"id": "x"}]}', [("tool_call", '{"tool_calls": [{"id": "x"}]}')]),
        ('[{"type": "function", "function": {"name": "f", "arguments": "{}"}}]',
         [("tool_call", '[{"type": "function", "function": {"name": "f", "arguments": "{}"}}]')]),
        ("<tool_call> never closed", []),
        ("a\tb\tc\n1\t2\t3\n4\t5\t6", [("table", "a\tb\tc\n1\t2\t3\n4\t5\t6")]),
        ("Ann, Bob, Cy went\nto A, B, and C\nby car, bus, train", []),
        ("f(a,b,c)\ng(a,b,c)\nh(a,b,c)", []),
        ("a | b\n\nc | d", []),
    ],
)  # fmt: skip
def test_where_blocks_are(text: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(text) == expected


WORDS = st.sampled_from(
    ["the", "cause", "of it", "Wasn't", 'said "no"', "a\nb", "é", "😀", "\\", "\t", "C:\\new\\x",
     "https://x.org/a", "a_b", "你好世界", "{", "[1]", "```", "\u2028", "'"]
)  # fmt: skip
STRINGS = st.lists(WORDS, max_size=14).map(" ".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | STRINGS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS, inner, max_size=4),
    max_leaves=12,
)


@given(
    value=st.dictionaries(STRINGS, VALUES, min_size=1, max_size=5) | st.lists(VALUES, min_size=3),
    repeats=st.integers(1, 12),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 2]),
    seed=st.integers(0, 1 << 32),
)
@settings(max_examples=100, deadline=None)
def test_json_parses_whatever_is_dropped(
    value: Any, repeats: int, ascii_only: bool, indent: int | None, seed: int
) -> None:
    value = {"rows": [value] * repeats, "n": repeats, "note": "n"}
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    outline = outline_of(text, "compress")
    check_outline(text, outline)
    kept = survivors(text, outline, random.Random(seed))
    if kept:
        part = json.loads(kept)
        assert is_part(part, value)
        json.dumps(part, ensure_ascii=False).encode()  # no half of a surrogate pair
    assert survivors(text, outline_of(text, "pin"), random.Random(seed)) == text


def is_part(part: Any, whole: Any) -> bool:
    """Whether a value says nothing that another does not say."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and is_part(value, whole[key]) for key, value in part.items()
        )
    if isinstance(part, list):
        rest = iter(whole if isinstance(whole, list) else [])
        return all(any(is_part(value, other) for other in rest) for value in part)
    return (isinstance(part, str) and isinstance(whole, str)) or bool(part == whole)


def test_elements_members_and_lines_of_json_go_whole() -> None:
    rows = [{"id": n, "name": f"pump {n}", "note": "seen " * 9} for n in range(9)]
    outline = outline_of(json.dumps(rows), "compress")
    assert [json.loads(json.dumps(rows)[a:b]) for a, b in outline.records] == rows
    lines = "\n".join(map(json.dumps, rows))
    outline = outline_of(lines, "compress")
    assert [json.loads(lines[a:b]) for a, b in outline.records] == rows


def test_what_names_a_long_object_stays_with_its_members() -> None:
    row = {"id": "pump-031", "a": "x" * 200, "b": "y" * 200, "state": "failed"}
    text = json.dumps([row, {**row, "id": "pump-032"}])
    outline = outline_of(text, "compress")
    for seed in range(50):
        kept = survivors(text, outline, random.Random(seed))
        for part in json.loads(kept) if kept else []:
            assert part["id"].startswith("pump-03")


def test_tables_keep_their_header_with_their_rows() -> None:
    table = "| a | b |\r\n|---|---|\r\n| 1 | two words |\r\n| 3 | 4 |"
    for header, text, rows in (
        ("| a |", f"Before\r\n{table}\r\n\r\nAfter", ["| 1 | two words |", "| 3 | 4 |"]),
        ("a;b;c", "a;b;c\n1,5;2;3\n4;5;6", ["1,5;2;3", "4;5;6"]),
        ("a;b;c", "```csv\na;b;c\n1,5;2;3\n4;5;6\n```", ["1,5;2;3", "4;5;6"]),
        (
            "id,",
            '```csv\nid,text,n\n1,"hello\nworld",2\n3,"or",4\n```',
            ['1,"hello\nworld",2', '3,"or",4'],
        ),
    ):
        outline = outline_of(text, "compress")
        check_outline(text, outline)
        assert [text[a:b] for a, b in outline.records] == rows
        for seed in range(30):
            kept = survivors(text, outline, random.Random(seed))
            assert (header in kept) == any(row in kept for row in rows)


PYTHON = '''"""What it is for."""
# A comment

import os  # kept, as its line is


class Thing:
    """A thing.

    # no comment
    """

    def only(self):
        """Nothing beside it: it has to stay."""

    @property
    def both(self, x: int = (
        # between brackets

        3
    )) -> str:
        """Go."""
        text = """

    # in a string
        """
        if x: \\
            pass
        elif text:
            raise ValueError
        else:
            return f"{x}" + "a long line, so that the method is long enough to be cut inside"
        for _ in range(3):
            print("there is something to do", x, text, "again and again until it is long enough")
            print("there is something to do", x, text, "again and again until it is long enough")
            # or not
        return f"{x}" + text


def formatted():
    f"{print('not for show')}"
    return 1


def inline(): """One line."""
def after():
    "A docstring." ; x = 1
    # at the end
'''


@given(
    seed=st.integers(0, 1 << 32),
    indent=st.sampled_from(["", "   "]),
    fenced=st.booleans(),
    ends=st.sampled_from(["\n", "\r\n"]),
)
@settings(deadline=None)
def test_python_parses_whatever_is_dropped(seed: int, indent: str, fenced: bool, ends: str) -> None:
    source = "".join(
        indent + line if line.strip() else line for line in PYTHON.splitlines(keepends=True)
    )
    source = source.replace("\n", ends)
    fence = f"{indent}```python{ends}", f"{indent}```"
    text = f"Look at this:{ends}{fence[0]}{source}{fence[1]}{ends}Nice." if fenced else source
    outline = outline_of(text, "compress")
    check_outline(text, outline)
    code = survivors(text, outline, random.Random(seed))
    if fenced and "```python" in code:
        code = code[code.index("```python") + 9 : code.rindex("```")].rstrip(" ")
    elif fenced:
        return
    ast.parse(f"if True:\n{indent}pass\n{code}" if indent else code)


CODE = """#include <vector>

namespace gauge {

/* A ring,
   for one producer. */
template <typename T>
class Ring {
 public:
  bool push(const T& item) {
    if (full(item)) {
      return false;
    } else {
      head_ = next(head_);
    }
    return true;
  }

  bool pop(T& item) {
    while (empty()) {
      wait_for_something_to_come_in(std::chrono::milliseconds(20), item);
    }
    call(item,
         other);
    return true;
  }
};

}  // namespace gauge
"""


@given(seed=st.integers(0, 1 << 32))
@settings(deadline=None)
def test_brackets_of_code_match_whatever_is_dropped(seed: int) -> None:
    outline = outline_of(CODE, "compress")
    check_outline(CODE, outline)
    kept = survivors(CODE, outline, random.Random(seed))
    for opening, closing in ("()", "{}"):
        assert kept.count(opening) == kept.count(closing)
    assert set(kept.split("\n")) <= set(CODE.split("\n"))


SHORT = """def second_greater(nums):
    ans = [-1] * len(nums)
    s, ss = [], []
    for i, x in enumerate(nums):
        while ss and nums[ss[-1]] < x:
            ans[ss.pop()] = x
        buff = []
        while s and nums[s[-1]] < x:
            buff.append(s.pop())
        s.append(i)
    return ans
"""


@pytest.mark.parametrize("code", [SHORT, SHORT.replace("buff = []", "buff = [")])
def test_lines_of_a_short_program_go_one_by_one(code: str) -> None:
    """Else a loop is longer than a fifth of it, and no budget that small keeps a line of it."""
    fenced = f"```python\n{code}```"
    assert max(end - start for start, end in outline_of(fenced, "compress").records) < 80


@pytest.mark.parametrize("mode", ["pin", "compress"])
@given(text=st.text(alphabet='ab {}[]":,\\`~|-\n\t<>/#;_.', max_size=200))
@settings(deadline=None)
def test_ranges_of_any_text(mode: Any, text: str) -> None:
    check_outline(text, outline_of(text, mode))


@pytest.mark.parametrize("language", TEXTS)
def test_ranges_of_texts_in_every_language(language: str) -> None:
    check_outline(TEXTS[language], outline_of(TEXTS[language], "pin"))
    check_outline(TEXTS[language], outline_of(TEXTS[language], "compress"))


def test_modes() -> None:
    text = 'See {"a": "b", "c": 1} in a_b.'
    assert outline_of(text, "off") == Outline()
    assert outline_of(text, "pin") == Outline(pinned=((4, 22),))
    with pytest.raises(InputError, match="expected one of compress, pin, off"):
        outline_of(text, "on")  # type: ignore[arg-type]
    assert find("Plain prose, no more.") == []
    assert Block("json", 4, 22) in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000, '{"a":' * 30_000, "[1, " * 30_000, '["' * 50_000, '[["' + "x" * 100_000,
        "[" * 900 + "1," * 50_000, "{ " * 50_000, '"' * 100_000, "'a " * 40_000, "`" * 100_000,
        "```\n" * 25_001, "~~~a\n" * 20_000, "|-" * 50_000, "|-|\n" * 25_000, " " * 100_000 + "|-",
        "<tool_call>" * 9_000, "a,b,c\nd,e\n" * 10_000, "a/" * 50_000, "a_" * 50_000, "a." * 50_000,
        ("a_" * 1000 + "! ") * 50, ("a" + "_" * 2000 + ". ") * 50, "http://" + ")" * 100_000,
        "a://" * 25_000, "\\" * 100_000, "x@" * 50_000, "--a" * 30_000, "“" * 100_000,
        ("\\u00e9" * 1_000 + '"') * 16, "1." * 50_000, "a:" * 50_000, "[" + '{"a": 1}, ' * 10_000,
        "[2026-11-21 said]\n" * 6_000,
    ],
    ids=lambda text: text[:6],
)  # fmt: skip
def test_hostile_texts_end(text: str) -> None:
    """Each makes a pattern that backtracks, or a parser that starts anew, read it many times."""
    check_outline(text, outline_of(text, "compress"))


def test_reports_of_pytest_are_lines() -> None:
    report = (
        "================ FAILURES ================\n"
        "______________ test_rounding ______________\n\n"
        "    def test_rounding():\n"
        ">       assert total(0.1) == 6.0\n"
        "E       AssertionError: assert 6.01 == 6.0\n\n"
        "tests/test_cart.py:58: AssertionError\n"
        "_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _\n"
        "FAILED tests/test_cart.py::test_rounding - AssertionError: assert 6.01 == 6.0\n"
        "======= 1 failed, 44 passed in 3.82s =======\n"
    )
    records = outline_of(report, "compress").records
    assert "E       AssertionError: assert 6.01 == 6.0" in [report[a:b] for a, b in records]
    assert all("\n" not in report[a:b].strip() for a, b in records)


STAMPED = {
    "HDFS": "081109 2035{n:02d} {n}48 INFO dfs.DataNode$PacketResponder: Received block blk_{n}388",
    "BGL": "- 11178385{n:02d} 2005.06.03 R02-M1-N{n}-C:J12-U11 RAS KERNEL INFO cache parity error",
    "BGL alerts": "APPREAD 11178385{n:02d} 2005.06.03 R0{n}-M1 RAS APP FATAL ciod: failed to read",
    "HPC": "1346{n:02d} node-2{n} unix.hw state_change.unavailable 10778047{n} 1 Component state",
    "Apache": "[Sun Dec 04 04:47:{n:02d} 2005] [notice] workerEnv.init() ok for child {n}",
    "Android": "03-17 16:13:{n:02d}.811  1702  2395 D WindowManager: printFreezingDisplayLogs {n}",
    "ours": "#{n} 17.{n} pump {n} reported a pressure that the valve did not expect at all",
}


@pytest.mark.parametrize("name", STAMPED)
def test_lines_that_begin_with_numbers_alike_are_a_log(name: str) -> None:
    text = "\n".join(STAMPED[name].format(n=n) for n in range(3, 13))
    (block,) = find(text)
    assert (block.kind, block.start, block.end) == ("log", 0, len(text))
    records = outline_of(text, "compress").records
    assert [text[a:b] for a, b in records] == text.splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "In 1998 2 people came.\nIn 1999 there were 30.\nThen nobody came for a long time.\nIn 2003"
        " they closed.",
        "1. The first point of the list is about harbours.\n2. The second one is about piers.\n"
        "3. The third one is about ships.\n4. The last one says nothing.",
    ],
)
def test_sentences_with_numbers_are_no_log(text: str) -> None:
    assert not [block for block in find(text) if block.kind == "log"]


RULED = (
    "Station   | Opened | Output\n----------+--------+-------\n"
    "Thornby   | 1934   | 4059\nPenrose   | 2016   | 2298\nStenvik   | 1951   | 1100"
)


@pytest.mark.parametrize("text", [RULED, RULED.replace("+", "|"), RULED.replace("-", "=")])
def test_a_rule_below_the_header_of_a_table_stays_with_it(text: str) -> None:
    (block,) = find(text)
    assert (block.kind, block.start, block.end) == ("table", 0, len(text))
    lines = text.splitlines()
    outline = outline_of(text, "compress")
    assert [text[a:b] for a, b in outline.records] == lines[2:]
    assert text[slice(*outline.frames[0][0])] == "\n".join(lines[:2])


def test_columns_apart_are_no_log_though_numbers_stand_in_them() -> None:
    rows = [f"Yarm{n}      19{n}     {n}52         Zelda      running" for n in range(60, 70)]
    text = "\n".join(["Station     Opened   Output_MWh   Operator   Status", *rows])
    (block,) = find(text)
    assert (block.kind, block.start) == ("output", 0)


def test_rows_of_cells_between_bars_are_a_table_with_their_header() -> None:
    text = "Year | Wins | Coach\n1910 | 11 | Earl Ball\n1911 | 7 | Earl Ball\n1912 | 6 | Cooney\n"
    (block,) = find(text)
    assert block.kind == "table"
    assert not find("cat a | sort | uniq\nif (a || b || c) {\nx = y | z;\n")


@pytest.mark.parametrize("size", [4, 5, 8])
def test_letters_without_sense_in_groups_are_noise(size: int) -> None:
    made = random.Random(size).randbytes(200)
    for blob in (base64.b32encode(made).decode().rstrip("="), made.hex(), made.hex().upper()):
        groups = " ".join(blob[at : at + size] for at in range(0, len(blob), size))
        text = f"The key of the backup is {groups} and nobody knows it."
        ((start, end),) = outline_of(text, "compress").noise
        assert text[start:end].strip() == groups


@pytest.mark.parametrize(
    "text",
    [
        "THE NAMES OF ALL MEN WHO CAME HERE AFTER DARK WERE LOST BEFORE THEY COULD TELL " * 4,
        " ".join(map(str, range(4000, 4060))),
        "we added a decade of faded facade and beaded lace " * 6,
        "A320 B737 AIRBUS " * 3,
    ],
)
def test_capitals_and_numbers_are_no_noise(text: str) -> None:
    assert not outline_of(text, "compress").noise


@pytest.mark.parametrize(
    "text",
    [
        "[server]\nhost = db.example.net\nport = 8080\n\n[client]\nport = 9090\nretries = 3",
        'title = "x"\n\n[owner]\nname = "Tom"\n\n[database]\nports = [80, 81]\nenabled = true',
        "# memory\nwork_mem = 4MB\nwal_mem = 64MB\nlevel = replica\nmax = 1GB\nmin = 8MB\nport = 5",
        "app.name = shop\napp.port = 80\ndb.url = jdbc:x\ndb.user = ida\ndb.pool = 5\nlog = warn",
    ],
)
def test_settings_with_blanks_around_their_sign_are_lines(text: str) -> None:
    assert [(block.kind, block.end) for block in find(text)] == [("settings", len(text))]
    said = [line for line in text.split("\n") if " = " in line]
    assert [
        text[a:b] for a, b in outline_of(text, "compress").records if " = " in text[a:b]
    ] == said


@pytest.mark.parametrize(
    "text",
    [
        "a = 3;\nb = 4;\nc = a + b;\nd = c;\ne = d;\nf = e;",
        "Take x and y as they are in the first part of this text.\nx = 3\ny = 4\nThen the sum of "
        "both is as large as it was said to be.\nz = 7",
    ],
)
def test_statements_and_formulas_are_no_settings(text: str) -> None:
    assert not [block for block in find(text) if block.kind == "settings"]
