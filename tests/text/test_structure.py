"""Structure that survives: parsed again after any subset of the rest was dropped."""

from __future__ import annotations

import ast
import json
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.errors import InputError
from edgelingua.text.ranges import Range
from edgelingua.text.structure import atoms, ranges
from edgelingua.text.structure.blocks import Block, by_structure, find, pin
from tests.conftest import TEXTS


def texts_of(text: str) -> list[str]:
    return [text[a:b] for a, b in atoms(text).tolist()]


def survivors(
    text: str, pinned: tuple[Range, ...], whole: tuple[Range, ...], choose: random.Random
) -> str:
    """Drop characters at random, those in ``whole`` together and those in ``pinned`` never."""
    level = choose.random()
    kept = [choose.random() < level for _ in text]
    for start, end in whole:
        kept[start:end] = [choose.random() < level] * (end - start)
    for start, end in pinned:
        kept[start:end] = [True] * (end - start)
    return "".join(c for c, k in zip(text, kept, strict=True) if k)


def check_ranges(text: str, pinned: tuple[Range, ...], whole: tuple[Range, ...]) -> None:
    together = sorted([*pinned, *whole])
    assert all(0 <= a < b <= len(text) for a, b in together)
    assert all(b <= c for (_, b), (c, _) in pairwise(together)), "nothing overlaps"


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
        ("code", fence), ("json", value), ("tool_call", call), ("table", table), ("table", csv)
    ]  # fmt: skip
    for block in find(text):
        ((start, end),) = pin(text, block)
        assert text[start:end].strip("\n") == text[block.start : block.end]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("~~~\na\n```\nb\n~~~~\nc", [("code", "~~~\na\n```\nb\n~~~~")]),
        ("Text\n```js\nopen\n", [("code", "```js\nopen\n")]),
        ("- item\n  ```sh\n  ls\n  ```\n", [("code", "  ```sh\n  ls\n  ```")]),
        ("Inline ```code``` here", []),
        ('{"a": "b"}\n{"a": "c"}\n', [("json", '{"a": "b"}\n{"a": "c"}')]),
        ('log {"a": "b"} done', [("json", '{"a": "b"}')]),
        ("as shown [1, 2] and [link](x) and {} and []", []),
        ('a[0] {"open": ["x", {"y": 1}', [("json", '{"y": 1}')]),
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


def skeleton(value: Any) -> Any:
    """Keys, types, and whatever is no string."""
    if isinstance(value, dict):
        return {key: skeleton(item) for key, item in value.items()}
    if isinstance(value, list):
        return [skeleton(item) for item in value]
    return "" if isinstance(value, str) else value


@given(
    value=st.dictionaries(STRINGS, VALUES, min_size=1, max_size=4),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 2]),
    seed=st.integers(0, 1 << 32),
)
@settings(max_examples=100, deadline=None)
def test_json_parses_whatever_is_dropped(
    value: dict[str, Any], ascii_only: bool, indent: int | None, seed: int
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    pinned, whole = ranges(text, "compress")
    check_ranges(text, pinned, whole)
    parsed = json.loads(survivors(text, pinned, whole, random.Random(seed)))
    assert skeleton(parsed) == skeleton(value)
    json.dumps(parsed, ensure_ascii=False).encode()  # no half of a surrogate pair
    assert json.loads(survivors(text, *ranges(text, "pin"), random.Random(seed))) == value


def test_json_strings_are_compressed_inside_and_short_ones_kept() -> None:
    long = "The tribunal, which had met at Geneva, awarded \\u20ac 5\\nto a_b."
    nested = json.dumps(json.dumps({"q": "one two three four five six"}))
    text = f'{{"id": 7, "short": "one two three", "long": "{long}", "args": {nested}}}'
    (block,) = find(text)
    pinned, whole = by_structure(text, block)
    inside = [(a, b) for (_, a), (b, _) in pairwise(pinned)]
    assert [text[a:b] for a, b in inside] == [long]
    assert [text[a:b] for a, b in whole] == ["\\u20ac", "\\n", "a_b"]


def test_names_of_tools_and_their_arguments_stay() -> None:
    call = {"name": "look up the weather of", "arguments": {"text": "a b c d e f", "n": 1}}
    for text in (json.dumps(call), f"<tool_call>\n{json.dumps(call)}\n</tool_call>"):
        (block,) = find(text)
        assert block.kind == "tool_call"
        pinned, _ = by_structure(text, block)
        kept = "".join(text[a:b] for a, b in pinned)
        assert kept == text.replace("a b c d e f", "")
    opaque = "<invoke name='x'><parameter>many words that are no JSON</parameter></invoke>"
    assert ranges(f"Do {opaque} now", "compress")[0] == ((3, 3 + len(opaque)),)


def test_rows_of_tables_go_whole() -> None:
    table = "| a | b |\r\n|---|---|\r\n| 1 | two words |\r\n| 3 | 4 |"
    text = f"Before\r\n{table}\r\n\r\nAfter"
    pinned, whole = ranges(text, "compress")
    check_ranges(text, pinned, whole)
    assert [text[a:b] for a, b in pinned] == ["\r\n| a | b |\r\n|---|---|", "\r\n"]
    assert [text[a:b] for a, b in whole] == ["\r\n| 1 | two words |", "\r\n| 3 | 4 |"]
    csv = "a;b;c\n1,5;2;3\n4;5;6"
    assert ranges(csv, "compress") == (((0, 5),), ((5, 13), (13, 19)))
    fenced = f"```csv\n{csv}\n```"
    pinned, whole = ranges(fenced, "compress")
    assert [fenced[a:b] for a, b in pinned] == ["```csv\na;b;c", "\n```"]


PYTHON = '''"""What it is for."""
# A comment

import os  # kept, as its line is


class Thing:
    """A thing.

    # no comment
    """

    def only(self):
        """Nothing beside it: it has to stay."""

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
        return f"{x}" + text


def formatted():
    f"{print('not for show')}"
    return 1


def inline(): """One line."""
def after():
    "A docstring." ; x = 1
    # at the end
'''


@given(seed=st.integers(0, 1 << 32), indent=st.sampled_from(["", "   "]))
@settings(deadline=None)
def test_python_parses_whatever_is_dropped(seed: int, indent: str) -> None:
    source = "".join(indent + line if line.strip() else line for line in
                     PYTHON.splitlines(keepends=True))  # fmt: skip
    text = f"Look at this:\n{indent}```python\n{source}{indent}```\nNice."
    pinned, whole = ranges(text, "compress")
    check_ranges(text, pinned, whole)
    code = survivors(text, pinned, whole, random.Random(seed))
    code = code[code.index("```python") + 10 : code.rindex("\n" + indent + "```") + 1]
    if indent:
        code = f"if True:\n{code}"
        expected = ast.parse("if True:\n" + source)
    else:
        expected = ast.parse(source)
    assert ast.dump(without_docstrings(ast.parse(code))) == ast.dump(without_docstrings(expected))


def without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                s for s in body
                if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
            ]  # fmt: skip
    return tree


def test_what_of_python_may_go() -> None:
    text = f"```python\n{PYTHON}```"
    _, whole = ranges(text, "compress")
    loose = [text[a:b].strip() for a, b in whole if text[a:b].strip()]
    assert loose == ['"""What it is for."""', "# A comment",
                     '"""A thing.\n\n    # no comment\n    """', "# between brackets",
                     '"""Go."""', "# at the end"]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "code", "loose"),
    [
        ("rust", "// a\nfn main() {}\n\n#[test]\n/// b", ["// a", "", "/// b"]),
        ("sh", "#!/bin/sh\n# a\nls # b\n", ["# a"]),
        ("sql", "-- a\nselect 1;", ["-- a"]),
        ("", "# a\n// b\n\nc", [""]),
        ("python", "def broken(:\n# a\n'''open", ["# a"]),
        ("c", "#include <x.h>\n  // a\n", ["// a"]),
    ],
)
def test_comments_by_language(language: str, code: str, loose: list[str]) -> None:
    text = f"```{language}\n{code}\n```\nText follows."
    pinned, whole = ranges(text, "compress")
    found = [text[a:b].strip() for a, b in whole]
    assert found == loose + ([""] if code.endswith("\n") else [])
    assert pinned[-1][1] == text.index("Text"), "the closing fence keeps its line"


def test_fenced_json_is_json() -> None:
    value = {"text": "one two three four five six", "n": [1, 2]}
    text = f"```json\n{json.dumps(value)}\n```"
    pinned, _ = ranges(text, "compress")
    assert "".join(text[a:b] for a, b in pinned) == text.replace(str(value["text"]), "")


@pytest.mark.parametrize("mode", ["pin", "compress"])
@given(text=st.text(alphabet='ab {}[]":,\\`~|-\n\t<>/#;_.', max_size=200))
@settings(deadline=None)
def test_ranges_of_any_text(mode: Any, text: str) -> None:
    check_ranges(text, *ranges(text, mode))


@pytest.mark.parametrize("language", TEXTS)
def test_ranges_of_texts_in_every_language(language: str) -> None:
    check_ranges(TEXTS[language], *ranges(TEXTS[language], "pin"))
    check_ranges(TEXTS[language], *ranges(TEXTS[language], "compress"))


def test_modes() -> None:
    text = 'See {"a": "b"} in a_b.'
    assert ranges(text, "off") == ((), ())
    assert ranges(text, "pin") == (((4, 14),), ())
    with pytest.raises(InputError, match="expected one of pin, compress, off"):
        ranges(text, "on")  # type: ignore[arg-type]
    assert find("Plain prose, no more.") == []
    assert Block("json", 4, 14) in find(text)


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
    check_ranges(text, *ranges(text, "compress"))
