"""Perplexity of a long text under a cap, by position: every policy, the full cache, truncation.

    python benchmarks/kv/perplexity.py TEXT --tokens 8000 --caps 256 512 1024

The text is read token by token as it would be written: each token is predicted from what is cached.
Policies, the full cache, and caches in q8_0 and q4_0 that take as many bytes as ``cap`` cells in
f16; "truncation" keeps a plain window and no sinks. Writes ``perplexity.jsonl``, a line for each
run with sums per bucket, and ``perplexity.md`` beside this script.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua import LlamaModel, models
from edgelingua.kv.options import CacheOptions, CacheType
from edgelingua.kv.policies import POLICIES, Policy, Streaming
from edgelingua.measure import available_cpus, peak_rss_mb

HERE = Path(__file__).parent
BUCKET = 1000
"""Positions whose losses are summed together."""


def main() -> None:
    """Run what the command line asks for; append nothing, write anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path)
    parser.add_argument("--reader", default=models.DEFAULT_READER)
    parser.add_argument("--tokens", type=int, default=8000)
    parser.add_argument("--caps", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--policies", nargs="+", default=[n for n in POLICIES if n != "compressor"])
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--output", type=Path, default=HERE)
    arguments = parser.parse_args()
    reader = LlamaModel(models.find_reader(arguments.reader), threads=arguments.threads)
    text = arguments.text.read_text(encoding="utf-8")
    tokens = reader.tokenize(text, begin=True)[: arguments.tokens]
    setting = {
        "text": arguments.text.name,
        "tokens": len(tokens),
        "reader": reader.path.name,
        "cpus": available_cpus(),
        "machine": platform.machine(),
        "versions": {p: metadata.version(p) for p in ("edgelingua", "llama-cpp-python")},
    }
    lines, rows = [json.dumps(setting)], []
    for name, cap, policy, cache in runs(reader, arguments.caps, arguments.policies, len(tokens)):
        row = {"name": name, "cap": cap, **measure(reader, tokens, cap, policy, cache)}
        print(row)
        rows.append(row)
        lines.append(json.dumps(row))
        (arguments.output / "perplexity.jsonl").write_text("\n".join(lines) + "\n")
    (arguments.output / "perplexity.md").write_text(table(rows))


def runs(
    reader: LlamaModel, caps: list[int], names: list[str], length: int
) -> Iterator[tuple[str, int, Policy, CacheOptions]]:
    """Name, cap, policy and cache of each run."""
    plain = CacheOptions()
    if length <= reader.trained_length:
        yield "full cache", max(2, length), Streaming(), plain
    for cap in caps:
        for name in names:
            yield name, cap, POLICIES[name].make(), plain
        yield "truncation", cap, Streaming(sinks=0), plain
        kinds: tuple[CacheType, ...] = ("q8_0", "q4_0")
        for kind in kinds:
            cache = CacheOptions(keys=kind, values=kind)
            cells = cap * reader.cell_bytes(plain) // reader.cell_bytes(cache)
            yield f"streaming {kind}, equal bytes", cells, Streaming(), cache


def measure(
    reader: LlamaModel, tokens: NDArray[np.int32], cap: int, policy: Policy, cache: CacheOptions
) -> dict[str, Any]:
    """Read a text token by token; sum the losses per bucket of positions."""
    session = reader.session(cap, policy, cache=cache)
    losses = np.zeros(len(tokens) - 1)
    started = time.perf_counter()
    for at in range(len(tokens) - 1):
        session.feed(tokens[at : at + 1])
        logits = session.logits().astype(np.float64)
        top = logits.max()
        losses[at] = np.log(np.exp(logits - top).sum()) + top - logits[tokens[at + 1]]
    seconds = time.perf_counter() - started
    buckets = [losses[start : start + BUCKET] for start in range(0, len(losses), BUCKET)]
    return {
        "perplexity": round(float(np.exp(losses.mean())), 3),
        "nats": [round(float(bucket.sum()), 3) for bucket in buckets],
        "tokens_per_second": round(len(losses) / seconds, 1),
        "peak_cells": session.statistics.peak,
        "peak_rss_mb": peak_rss_mb(),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Perplexity per policy and cap, as Markdown."""
    out = ["| policy | cap | perplexity | tokens/s |", "|---|---|---|---|"]
    for row in rows:
        cells = (row["name"], row["cap"], row["perplexity"], row["tokens_per_second"])
        out.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    main()
