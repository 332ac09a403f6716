"""LaTeX that is found in prose, and prices that are none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua.budget import Budget
from edgelingua.compressors import TokenPruner
from edgelingua.compressors.random import RandomScorer
from edgelingua.prompt import Prompt
from edgelingua.text.boundaries import count_words
from edgelingua.text.formulas import formulas

PAPER = (
    r"FedAvg \cite{mcmahan17} reaches $\|x_t-x^\star\|^2 \le (1-\frac{\eta\mu}{2})^t$, "
    r"see \cite[p. 3]{li20} and \ref{fig:rounds}. With \(\tau \le 16\) $84.7\pm0.3$ holds; "
    r"\begin{equation} f(x) = a x + b \end{equation} does not cost \$5 but $6 or $7 a run."
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"the rate $a + b$ holds", ["$a + b$"]),
        (r"it costs $5 and $6, or $7.50", []),
        (r"between \$5 and \$6", []),
        (r"as \cite{a,b} and \citep[p.~3]{c} say", [r"\cite{a,b}", r"\citep[p.~3]{c}"]),
        (r"with \(x\) and \[ y^2 = z \] too", [r"\(x\)", r"\[ y^2 = z \]"]),
        (r"\frac{a}{b} of \textbf{all {the} runs}", [r"\frac{a}{b}", r"\textbf{all {the} runs}"]),
        (
            r"\begin{align} a &= b \\ c &= d \end{align}.",
            [r"\begin{align} a &= b \\ c &= d \end{align}"],
        ),
        (r"$$x = \frac{1}{2}$$ and so", [r"$$x = \frac{1}{2}$$"]),
        (r"C:\temp\new and \n are none", []),
        (r"US$5 to US$9 and $HOME or $PATH", []),
        (r"$x$-axis, $y$, $z_1$.", ["$x$", "$y$", "$z_1$"]),
    ],
)
def test_what_is_latex(text: str, expected: list[str]) -> None:
    assert [text[a:b] for a, b in formulas(text).tolist()] == expected


@settings(max_examples=40)
@given(seed=st.integers(0, 9999), rate=st.sampled_from([0.2, 0.4, 0.6]))
def test_it_is_whole_or_gone(seed: int, rate: float) -> None:
    pruner = TokenPruner(RandomScorer(seed))
    done = pruner.compress(Prompt.build(PAPER), Budget(rate=rate, count=count_words))
    kept = {i for a, b in done.spans.tolist() for i in range(a, b)}
    for start, end in formulas(PAPER).tolist():
        assert len(kept & set(range(start, end))) in {0, end - start}
