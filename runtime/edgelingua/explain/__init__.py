"""A page that shows what was kept and left out, and why; it needs nothing else, no network."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files

from edgelingua.compressed import Compressed
from edgelingua.explain.markup import body, escaped, legend
from edgelingua.explain.reasons import reasons_of
from edgelingua.scores import Unit


def page(compressed: Compressed, title: str = "Compressed prompt") -> str:
    """Return a self-contained HTML page: what was kept is marked, what was left out struck out.

    It can be read without JavaScript; with it, every piece tells its score and its reason, to
    mouse, finger and keyboard. It holds the whole prompt, not only what was kept, and says so.

    Parameters
    ----------
    compressed
        What to explain.
    title
        The heading.
    """
    told = explanation(compressed)
    style = asset("marks.css") + asset("page.css")
    script = asset("pieces.js") + asset("page.js")
    return asset("page.html").format(
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}",
        title=escaped(title),
        style=style,
        script=script,
        summary=told.summary,
        reasons=told.reasons,
        meaning=told.meaning,
        body=told.body,
    )


@dataclass(frozen=True)
class Explanation:
    """What a page says of a compression: two texts, and two pieces of HTML.

    ``summary`` and ``meaning`` are texts: how much was kept, and what a score is. ``reasons`` are
    the items of a list; ``body`` is the prompt, whose elements name those by number (`markup`).
    """

    summary: str
    meaning: str
    reasons: str
    body: str


def explanation(compressed: Compressed) -> Explanation:
    """Explain a compression; the texts in the HTML are escaped."""
    reasons = reasons_of(compressed)
    counts = Counter(reasons).most_common()
    return Explanation(
        summary=(
            f"{compressed.tokens_in:,} tokens became {compressed.tokens_out:,} "
            f"({compressed.rate:.0%}); the budget was {compressed.limit:,}."
        ),
        meaning=_MEANING[compressed.score_unit],
        reasons=legend(counts),
        body=body(compressed, reasons, [reason for reason, _ in counts]),
    )


_MEANING: dict[Unit, str] = {
    "P(keep)": "A score is the probability, 0 to 1, that a piece is worth keeping.",
    "nats": "A score is how much a piece surprised a language model, in nats.",
    "rank": "A score only ranks: what has a higher one is kept sooner.",
}


def asset(name: str) -> str:
    """Return a style or script of the page; ``marks.css`` and ``pieces.js`` do for others too."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    """Return what a content security policy calls an inline style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
