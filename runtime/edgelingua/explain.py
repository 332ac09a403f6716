"""Shows what was kept and dropped, and why: as a page that needs nothing else."""

from __future__ import annotations

import html

import numpy as np

from edgelingua.compressed import Compressed


def page(compressed: Compressed, title: str = "Compressed prompt") -> str:
    """Return a self-contained HTML page: kept words shaded by score, dropped ones struck out.

    It holds the whole prompt, and says so.
    """
    shades = _shades(compressed)
    spans = []
    for row, shade in zip(compressed.explain(), shades, strict=True):
        note = "protected" if np.isnan(row.score) else f"{row.score:.3g} {compressed.score_unit}"
        kind = row.reason
        spans.append(
            f'<span class="{kind}" style="--s:{shade:.2f}" '
            f'title="{kind}, {html.escape(note)}">{html.escape(row.text)}</span>'
        )
    summary = (
        f"{compressed.tokens_in:,} tokens became {compressed.tokens_out:,} "
        f"({compressed.rate:.0%}); the budget was {compressed.limit:,}."
    )
    return _PAGE.format(title=html.escape(title), summary=html.escape(summary), body="".join(spans))


def _shades(compressed: Compressed) -> list[float]:
    """Rank of each unit's score, 0 (worst) to 1 (best); protected units: 1."""
    scores = compressed.scores
    scored = np.flatnonzero(~np.isnan(scores))
    shades = np.ones(len(scores))
    order = np.argsort(np.argsort(scores[scored], kind="stable"))
    shades[scored] = order / max(1, len(scored) - 1)
    return [float(shade) for shade in shades]


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark;
  --paper: #fff; --ink: #1b1b1b; --mark: 30 110 200; --grey: #5f5f5f; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --paper: #16181b; --ink: #eceff1; --mark: 90 165 255; --grey: #a9b0b7; }}
}}
body {{ margin: 0 auto; max-width: 46rem; padding: 1.5rem 1rem 4rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.75 system-ui, sans-serif; }}
h1 {{ font-size: 1.25rem; margin: 0 0 .25rem; }}
header p {{ margin: .25rem 0; }}
main {{ white-space: pre-wrap; overflow-wrap: anywhere; margin-top: 1.5rem; }}
.kept {{ background: rgb(var(--mark) / calc(.10 + .35 * var(--s))); border-radius: .2em; }}
.dropped {{ color: var(--grey); text-decoration: line-through;
  opacity: calc(.7 + .3 * var(--s)); }}
.protected {{ border-bottom: 2px solid rgb(var(--mark)); }}
</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p>{summary}</p>
<p>This page holds the whole text, what was dropped too: it is no less confidential than that.</p>
<p><span class="kept" style="--s:1">kept, high score</span>
<span class="kept" style="--s:0">kept, low score</span>
<span class="dropped" style="--s:1">dropped</span>
<span class="protected">protected</span></p>
</header>
<main>{body}</main>
</body>
</html>
"""
