"""What a reader needs whole or not at all: addresses, paths, identifiers, short quotations."""

from __future__ import annotations

import re

import numpy as np

from edgelingua.text.ranges import Range, Spans, outermost

LONGEST_ATOM = 256
"""Characters; what is longer (a data URL, noise) may be cut like any text: it would outweigh most
budgets."""

LONGEST_QUOTATION = 120
"""Characters between quotation marks; what is longer is read as text."""

# Letters of identifiers and paths. Not \w: names stand without a space in Chinese or Japanese text.
_L = r"A-Za-z0-9_À-ÖØ-öø-ɏ"
_URL_HEAD = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{0,15}$")
_URL_TAIL = re.compile(r"[^\s\"“”«»„「」\[\]`<>|\\^{}\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")
_URL_MARK = re.compile(r"://|\bwww\.")

# A letter of a script with spaces: in the others quotation marks touch the words around them.
_LETTER = r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_OPENS, _CLOSES = rf"(?<!{_LETTER})(?<![\"'”’])", rf"(?!{_LETTER}|[\"'“‘])"
_INSIDE = rf"{{1,{LONGEST_QUOTATION}}}"
_QUOTATIONS = re.compile(
    "|".join(
        [
            r"`` ?[^`\n]{1,200}+ ?``|(?<!`)`[^`\n]{1,200}+`(?!`)",
            # Five inches (5") open nothing, and what closes stands behind something.
            rf'{_OPENS}"(?=\S)(?:[^"\\\n]|\\.){_INSIDE}(?<=\S)"{_CLOSES}',
            rf"“[^“”\n]{_INSIDE}+”",
            rf"„[^„“”\n]{_INSIDE}+[“”]",
            rf"«[^«»\n]{_INSIDE}+»",
            rf"「[^「」\n]{_INSIDE}+」",
            rf"『[^『』\n]{_INSIDE}+』",
            # A single mark is an apostrophe more often than not: four words at most, and never
            # one that stands for letters left out ('tis, the '80s).
            rf"{_OPENS}['‘](?!(?:tis|twas|em|til|cause|n|round|bout)\b|\d\ds?\b)"
            r"[^\s'‘’]{1,40}+(?:[^\S\n][^\s'‘’]{1,40}+){0,3}['’]" + _CLOSES,
        ]
    )
)

_FLAG = re.compile(r"(?<![\w\-])(?:--[A-Za-z][\w\-]*+(?:=[^\s\"'`,;)\]]++)?|-[A-Za-z]\b(?!-))")

_RUN = re.compile(rf"[{_L}./\\:@~+#%*\-]++")
_PART = rf"[{_L}.+@~%#*\-]++"
_NAME = r"[A-Za-z_$][A-Za-z0-9_]*+"
_ATOM = re.compile(
    "|".join(
        [
            rf"[{_L}.+%\-]++@[{_L}\-]++(?:\.[{_L}\-]++)+",  # mail
            rf"[A-Za-z]:[\\/]{{1,2}}(?:{_PART}[\\/]{{0,2}})*",  # C:\a\b, C:\\a\\b
            rf"\\\\{_PART}(?:\\{_PART})+\\?",  # \\server\share
            rf"(?:~|\.\.?)?/{_PART}(?:/{_PART})*/?(?::\d++)*",  # /usr/lib, ./a, ~/x, with a line
            rf"(?:{_PART}/)+[{_L}\-]*\.[A-Za-z][A-Za-z0-9]{{0,9}}(?::\d++)*",  # src/mod/file.py
            rf"(?:{_PART}\\)+{_PART}",  # src\mod
            rf"{_NAME}(?:\.{_NAME})+",  # dotted.names
            rf"[{_L}\-]++(?:\.[A-Za-z0-9]++)*\.[A-Za-z]\w{{0,5}}(?::\d++)*",  # my-file.tar.gz:12
            rf"{_NAME}(?:::{_NAME})+",  # std::vector
            r"(?=\w*_)(?=\w*[A-Za-z0-9])\w++",  # snake_case, __init__
            r"[a-z]++[0-9]*+[A-Z]\w*+|[A-Z]++[a-z0-9]++[A-Z]\w*+",  # camelCase
            r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}",
            r"(?:[a-z]+\d*:)?(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,128}|0x[0-9A-Fa-f]++",  # hashes
            r"v?\d++\.\d++(?:[.+\-]?\w++)*",  # 1.2.3-rc.1
            r"(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2}|:\d{1,5})?",
            r"(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}",  # IPv6, MAC; 21:13:43 too
            r"\d{4}-\d\d-\d\d[T_]\d\d:?\d\d(?::?\d\d(?:\.\d++)?)?(?:Z|[+\-]\d\d:?\d\d)?",
            r"[A-Za-z0-9\-]++(?:\.[A-Za-z0-9\-]++)*:\d{2,5}",  # host:port
        ]
    )
)


def atoms(text: str) -> Spans:
    r"""Find what a reader needs whole or not at all.

    URLs, mail addresses, file paths (``/usr/lib/x.so``, ``./a``, ``C:\a\b``, ``src/mod/file.py``),
    identifiers (snake_case, camelCase, dotted.names(), ``--flags``, UUIDs, hashes, versions,
    addresses with ports), code between backticks in a line and quotations in one line. Half of one
    is worse than nothing: a path that leads elsewhere, a quotation that nobody wrote.

    Returns
    -------
    ndarray
        int64 ``(n, 2)``: character ranges, ascending, not overlapping; of two, one in the other,
        the outer one. A mark that nothing closes in its line quotes nothing.

    Notes
    -----
    One pass for each kind of atom; time grows with the length of the text.
    """
    found = outermost([*_urls(text), *_marked(text), *_runs(text)])
    return np.asarray([(a, b) for a, b in found if b - a <= LONGEST_ATOM], dtype=np.int64).reshape(
        -1, 2
    )


def _urls(text: str) -> list[Range]:
    found: list[Range] = []
    for mark in _URL_MARK.finditer(text):
        start = mark.start()
        if found and start < found[-1][1]:
            continue
        if mark.group() == "://":
            head = _URL_HEAD.search(text, max(0, start - 16), start)
            if head is None:
                continue
            start = head.start()
        tail = _URL_TAIL.match(text, mark.end())
        if tail is not None:
            found.append(_trimmed(text, start, tail.end()))
    return found


def _marked(text: str) -> list[Range]:
    return [match.span() for pattern in (_QUOTATIONS, _FLAG) for match in pattern.finditer(text)]


def _runs(text: str) -> list[Range]:
    found = []
    known: dict[str, bool] = {}
    for match in _RUN.finditer(text):
        run = match.group()
        if run.isalpha() and (run.islower() or run[1:].islower() or run.isupper()):
            continue  # a plain word: most are
        start, end = match.span()
        while start < end and text[start] in ":@+#%*-":
            start += 1
        if end - start > LONGEST_ATOM:
            continue
        _, end = _trimmed(text, start, end)
        if _is_atom(text[start:end], known):
            found.append((start, end + 2 if text.startswith("()", end) else end))
            continue
        for part in re.finditer(r"[^:/\\]+", text[start:end]):  # key:some_name, or/and_then
            a, b = _trimmed(text, start + part.start(), start + part.end())
            if _is_atom(text[a:b], known):
                found.append((a, b))
    return found


def _is_atom(run: str, known: dict[str, bool]) -> bool:
    if run not in known:
        known[run] = _ATOM.fullmatch(run) is not None
    return known[run]


def _trimmed(text: str, start: int, end: int) -> Range:
    """Leave off the punctuation of the sentence, and a bracket that was opened before."""
    while end - start <= LONGEST_ATOM and end > start:
        last = text[end - 1]
        unopened = last == ")" and text.count(")", start, end) > text.count("(", start, end)
        if last not in ".,;:!?'*…" and not unopened:
            break
        end -= 1
    return start, end
