"""What a classifier keeps at rate 0.5: by kind of word, in five languages, logs and code.

    python -m benchmarks.quality.robustness edgelingua-mini --data DIR

Each document is compressed by `llmlingua2` without a question, with and without the guard for
negations and numbers. Languages: Universal Dependencies PUD, the same thousand sentences in each;
agreement with English is the rank correlation, over these sentences, of how much of each is kept.
Writes one JSON line a kind of text to ``robustness.jsonl`` and all of them to ``robustness.md``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.common.machine import noted
from benchmarks.quality.kinds import LANGUAGES, Document, documents
from numpy.typing import NDArray

from edgelingua import Budget, Prompt, load_compressor
from edgelingua.compressors import Compressor
from edgelingua.ort.session import RunOptions

RATE = 0.5
HERE = Path(__file__).parent


def main() -> None:
    """Measure a bundle on all kinds of text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--limit", type=int, help="documents of each kind")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    run = RunOptions(threads=options.threads)
    compressors: dict[str, Compressor] = {
        name: load_compressor("llmlingua2", options.bundle, guard=guard, options=run)
        for name, guard in (("bare", False), ("guarded", True))
    }
    rows: list[dict[str, Any]] = []
    english: dict[str, float] = {}
    for name, texts in documents(options.data, options.limit).items():
        row: dict[str, Any] = {"bundle": Path(options.bundle).name, "text": name, "rate": RATE}
        masks = {which: [kept(c, t) for t in texts] for which, c in compressors.items()}
        row |= {which: shares(texts, found) for which, found in masks.items()}
        if name in LANGUAGES:
            own = by_sentence(texts, masks["bare"])
            english = english or own
            row["agreement"] = round(rank_correlation(english, own), 3)
        row["on"] = noted(HERE)
        rows.append(row)
        print(json.dumps(row), flush=True)
    results = HERE / "robustness.jsonl"
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    others = [row for row in map(json.loads, lines) if row["bundle"] != rows[0]["bundle"]]
    rows = sorted([*others, *rows], key=lambda row: str(row["bundle"]))
    results.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (HERE / "robustness.md").write_text(table(rows), encoding="utf-8")


def kept(compressor: Compressor, document: Document) -> NDArray[np.bool_]:
    """Which words stay whole: ``(n,)``."""
    compressed = compressor.compress(Prompt.build(document.text), Budget(rate=RATE))
    stays = np.zeros(len(document.text) + 1, dtype=np.int64)
    for start, end in compressed.spans.tolist():
        stays[start + 1 : end + 1] = 1
    reach = np.cumsum(stays)
    starts, ends = document.spans.T
    whole: NDArray[np.bool_] = reach[ends] - reach[starts] == ends - starts
    return whole


def shares(texts: Sequence[Document], masks: Sequence[NDArray[np.bool_]]) -> dict[str, list[float]]:
    """Share of the words of each kind that are kept, and how many there are."""
    everything = np.concatenate(masks)
    found = {"all": [round(float(everything.mean()), 3), len(everything)]}
    for kind in texts[0].kinds:
        those = everything[np.concatenate([text.kinds[kind] for text in texts])]
        found[kind] = [round(float(those.mean()), 3), len(those)]
    return found


def by_sentence(texts: Sequence[Document], masks: Sequence[NDArray[np.bool_]]) -> dict[str, float]:
    """Share of each sentence's words that is kept."""
    found: dict[str, list[bool]] = {}
    for text, mask in zip(texts, masks, strict=True):
        for sentence, stays in zip(text.sentences, mask.tolist(), strict=True):
            found.setdefault(sentence, []).append(stays)
    return {sentence: float(np.mean(stays)) for sentence, stays in found.items()}


def rank_correlation(one: dict[str, float], other: dict[str, float]) -> float:
    """Spearman's, over what both have; equal values share their mean rank."""
    both = sorted(one.keys() & other.keys())
    ranks = []
    for shares_of in (one, other):
        _, which, counts = np.unique(
            [shares_of[name] for name in both], return_inverse=True, return_counts=True
        )
        ranks.append((np.cumsum(counts) - counts / 2)[which])
    return float(np.asarray(np.corrcoef(np.stack(ranks)))[0, 1])


_COLUMNS = ("all", "content", "function", "names", "identifiers", "numbers", "negations")


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Shares in per cent without the guard, and with it for numbers and negations."""
    head = ["bundle", "text", *_COLUMNS, "numbers, guarded", "negations, guarded", "as English"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        bare, guarded = row["bare"], row["guarded"]
        cells = [_percent(bare.get(kind)) for kind in _COLUMNS]
        cells += [_percent(guarded.get(kind)) for kind in ("numbers", "negations")]
        lines.append([row["bundle"], row["text"], *cells, str(row.get("agreement", ""))])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _percent(share: list[float] | None) -> str:
    return f"{100 * share[0]:.0f}" if share and share[1] else ""


if __name__ == "__main__":
    main()
