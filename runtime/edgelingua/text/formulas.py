"""LaTeX in prose: formulas, commands with arguments, environments. Half of one is none."""

from __future__ import annotations

import re

from edgelingua.text.ranges import Spans, as_spans, outermost

_LONGEST = 400
"""Characters; what is longer may be cut like any text."""

# A dollar sign that opens a formula stands before no blank, one that closes it behind none; and no
# digit follows it: "$5 and $6" are prices.
_DOLLARS = re.compile(
    r"(?<![\\$\w])\$(?=[^\s$])(?:[^$\n\\]|\\.){1,400}?(?<![\s\\])\$(?![\d$])|\$\$[^$]{1,400}\$\$"
)
_BRACKETS = re.compile(r"\\\((?:[^\\\n]|\\(?!\))){1,400}\\\)|\\\[(?:[^\\]|\\(?!\])){1,400}\\\]")
_ARGUMENT = r"\{(?:[^{}\n]|\{[^{}\n]{0,100}\}){0,200}\}"
_COMMAND = re.compile(rf"\\[A-Za-z]{{1,30}}\*?(?:\[[^\]\n]{{0,60}}\]){{0,2}}(?:{_ARGUMENT}){{1,3}}")
_ENVIRONMENT = re.compile(
    r"\\begin\{([A-Za-z*]{1,20})\}(?:[^\\]|\\(?!end\{\1\})){0,400}\\end\{\1\}"
)


def formulas(text: str) -> Spans:
    r"""Find LaTeX: ``$x^2$``, ``\(x\)``, ``\cite[p. 3]{knuth}``, ``\begin{align} … \end{align}``.

    Returns
    -------
    ndarray
        int64 ``(n, 2)``: character ranges, ascending, not overlapping, of 400 characters at most.

    Notes
    -----
    One pass for each kind; time grows with the length of the text.
    """
    found = []
    if "$" in text:
        found += [match.span() for match in _DOLLARS.finditer(text)]
    if "\\" in text:
        for pattern in (_BRACKETS, _COMMAND, _ENVIRONMENT):
            found += [match.span() for match in pattern.finditer(text)]
    return as_spans([(a, b) for a, b in outermost(found) if b - a <= _LONGEST])
