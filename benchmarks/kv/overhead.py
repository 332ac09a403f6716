"""What each policy costs: tokens/s of reading and writing, and an eviction, in interleaved rounds.

    python benchmarks/kv/overhead.py TEXT

Every round runs all policies one after another, so that drift hits all alike. "h2o's cache without
a hook" is `streaming` with flash attention off: the difference to `h2o` is the hook alone. Writes
``overhead.jsonl`` and ``overhead.md`` beside this script.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelingua import LlamaModel, Sampling, models
from edgelingua.kv.options import CacheOptions
from edgelingua.kv.policies import POLICIES, Policy, Streaming
from edgelingua.measure import available_cpus

HERE = Path(__file__).parent


def main() -> None:
    """Measure all policies, several rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path)
    parser.add_argument("--reader", default=models.DEFAULT_READER)
    parser.add_argument("--cap", type=int, default=512)
    parser.add_argument("--read", type=int, default=1500, help="tokens read in a round")
    parser.add_argument("--write", type=int, default=300, help="tokens written in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--output", type=Path, default=HERE)
    arguments = parser.parse_args()
    reader = LlamaModel(models.find_reader(arguments.reader), threads=arguments.threads)
    text = arguments.text.read_text(encoding="utf-8")
    tokens = reader.tokenize(text, begin=True)[: arguments.read]
    variants: dict[str, tuple[Policy, CacheOptions]] = {
        name: (info.make(), CacheOptions()) for name, info in POLICIES.items()
    }
    variants["h2o's cache without a hook"] = (Streaming(), CacheOptions(flash_attention=False))
    rows = []
    for number in range(arguments.rounds):
        for name, (policy, cache) in variants.items():
            figures = measure(reader, tokens, arguments, policy, cache)
            rows.append({"round": number, "name": name, **figures})
            print(rows[-1])
    setting = {
        "cap": arguments.cap,
        "read": len(tokens),
        "write": arguments.write,
        "reader": reader.path.name,
        "cpus": available_cpus(),
        "machine": platform.machine(),
        "versions": {p: metadata.version(p) for p in ("edgelingua", "llama-cpp-python")},
    }
    lines = [json.dumps(setting), *(json.dumps(row) for row in rows)]
    (arguments.output / "overhead.jsonl").write_text("\n".join(lines) + "\n")
    (arguments.output / "overhead.md").write_text(table(rows, list(variants)))


def measure(
    reader: LlamaModel,
    tokens: NDArray[np.int32],
    arguments: argparse.Namespace,
    policy: Policy,
    cache: CacheOptions,
) -> dict[str, float]:
    """Tokens/s of reading a text beyond the cap and of writing on, both with evictions."""
    session = reader.session(arguments.cap, policy, cache=cache)
    started = time.perf_counter()
    session.feed(tokens)
    read = time.perf_counter()
    sampler = reader.sampler(session, Sampling(temperature=1.0))
    for _ in session.generate(sampler, arguments.write, frozenset()):
        pass
    written = time.perf_counter()
    return {
        "read_per_s": round(len(tokens) / (read - started), 2),
        "write_per_s": round(arguments.write / (written - read), 2),
        "evicted": session.statistics.evicted,
    }


def table(rows: list[dict[str, Any]], names: list[str]) -> str:
    """Medians, and their share of the speed of ``streaming`` in the same round."""
    out = ["| policy | read, tokens/s | write, tokens/s | of streaming's |", "|---|---|---|---|"]
    base = {row["round"]: row for row in rows if row["name"] == "streaming"}
    for name in names:
        mine = [row for row in rows if row["name"] == name]
        shares = [
            " / ".join(
                f"{median(row[key] / base[row['round']][key] for row in mine):.0%}"
                for key in ("read_per_s", "write_per_s")
            )
        ]
        speeds = [f"{median(row[k] for row in mine):.0f}" for k in ("read_per_s", "write_per_s")]
        out.append("| " + " | ".join([name, *speeds, *shares]) + " |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    main()
