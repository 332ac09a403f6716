"""Rules for JSON, code and pages: they parse, and say a part of what they said."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from benchmarks.faithfulness.line_rules import untagged
from benchmarks.faithfulness.outputs import (
    Finding,
    Output,
    aligned,
    denials,
)


def json_document(output: Output) -> Iterator[Finding]:
    """The document parses; its objects are parts of the text's objects."""
    try:
        left = json.loads(output.text)
    except ValueError as error:
        yield Finding("parse", str(error))
        return
    yield from _part(left, json.loads(output.case.text), "$")


def json_lines(output: Output) -> Iterator[Finding]:
    """Each line parses and is a part of one of the text's lines."""
    rows = [json.loads(line) for line in output.case.text.splitlines()]
    for line in output.text.splitlines():
        if not line.strip():
            continue
        try:
            left = json.loads(line)
        except ValueError as error:
            yield Finding("parse", f"{error}: {line[:80]}")
            continue
        yield from min((list(_part(left, row, "$")) for row in rows), key=len)


def _part(left: Any, whole: Any, place: str) -> Iterator[Finding]:
    """Look for what of a JSON value is no part of another."""
    if isinstance(left, dict) and isinstance(whole, dict):
        for key, value in left.items():
            if key in whole:
                yield from _part(value, whole[key], f"{place}.{key}")
            else:
                yield Finding("key", f"{place}.{key}")
    elif isinstance(left, list) and isinstance(whole, list):
        start = 0  # in the order of the text
        for at, value in enumerate(left):
            found = [list(_part(value, each, f"{place}[{at}]")) for each in whole[start:]]
            if not found:
                yield Finding("key", f"{place}[{at}]: {value}")
                continue
            best = min(range(len(found)), key=lambda i: len(found[i]))
            start += best + 1
            yield from found[best]
    elif isinstance(left, str) and isinstance(whole, str):
        yield from _words(left, whole)
    elif left != whole or type(left) is not type(whole):
        yield Finding("key", f"{place}: {left}")


def _words(left: str, whole: str) -> Iterator[Finding]:
    """A string may have lost words, but none that denies what is left."""
    places = aligned(left.split(), whole.split())
    if places is None or (not left.strip() and whole.strip()):
        yield Finding("key", left)
    else:
        yield from denials(left.split(), whole.split(), places)


def python(output: Output) -> Iterator[Finding]:
    """The module parses, and each function's statements are that function's."""
    try:
        left = ast.parse(output.text)
    except (SyntaxError, ValueError) as error:
        yield Finding("parse", str(error))
        return
    whole = dict(_functions(ast.parse(output.case.text)))
    for name, statements in _functions(left):
        for statement in statements:
            known = whole.get(name, set())
            if statement not in known and not any(_shorter(statement, each) for each in known):
                yield Finding("joined", f"{name}: {statement}")


def _functions(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Give the simple statements of each function, and those of none, by its name."""
    nested = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for name, body in [("", [n for n in tree.body if n not in nested])] + [
        (node.name, node.body) for node in nested
    ]:
        found = {
            ast.unparse(node)
            for statement in body
            for node in ast.walk(statement)
            if isinstance(node, ast.Assign | ast.AugAssign | ast.Return | ast.Expr | ast.Import)
        }
        yield name, found


def _shorter(left: str, whole: str) -> bool:
    """Whether a docstring has only lost words, and no negation."""
    pair = left.split(), whole.split()
    places = aligned(*pair) if whole.startswith(("'", '"')) else None
    return places is not None and not any(True for _ in denials(*pair, places))


def braces(output: Output) -> Iterator[Finding]:
    """Each brace is closed, and none is that was not opened."""
    depth = 0
    for brace in re.findall(r"[{}]", output.text):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            break
    if depth:
        yield Finding("parse", "braces")


def tags(output: Output) -> Iterator[Finding]:
    """Tags and entities are whole or gone; a price stands with whose it is."""
    there = set(re.findall(r"<[^<>]*>|&\w+;", output.case.text))
    for mark in re.findall(r"<[^<>]*>|&\w+;", output.text):
        if mark not in there:
            yield Finding("mark", mark)
    scripts = r"<(style|script)>[^<]*</\1>|(?:window|\.c\{)[^<\n]*"
    rest = re.sub(r"&\w+;", " ", untagged(re.sub(scripts, " ", output.text)))
    for broken in re.findall(r"\S*(?:[<>&]|nbsp|copy;)\S*", rest):
        yield Finding("mark", broken)


def fares(output: Output) -> Iterator[Finding]:
    """A price of the page stands with whose it is."""
    price = re.compile(r"\d+(?=(?:&nbsp;|\s)kr)")
    homes: dict[str, set[str]] = {}
    for line in output.case.text.splitlines():
        if match := re.match(r"<tr><td>(\w+)</td>", line):
            for amount in price.findall(line):
                homes.setdefault(amount, set()).add(match[1])
    names = set().union(*homes.values())
    for line in untagged(output.text).splitlines():
        last = ""
        for match in re.finditer(r"\w+", line):
            if match[0] in names:
                last = match[0]
            elif price.match(line, match.start()) and last not in homes.get(match[0], {last}):
                yield Finding("joined" if last else "head", f"{last}: {match[0]}")
