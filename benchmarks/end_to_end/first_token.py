"""Time to the first token of a long text, whole and a quarter of it, beside what is ideal.

A reader answers one token to a question about a text of some 4,000 of its tokens: from the whole,
and from what edgelingua-mini keeps of it for a budget of a quarter. Ideal is a quarter of the time
that the whole takes to read, and the time in which it is compressed. What compressing takes is also
the most that could be saved if all of it were hidden behind reading. Times are those of the
processor, in one thread, so that other work on the machine changes them little. Writes
``first_token.jsonl``, where rows of other readers stay, and ``first_token.md``.

    python -m benchmarks.end_to_end.first_token smollm2-135m-instruct qwen.gguf
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common.machine import machine

from edgelingua import Assistant, Budget, Prompt, RunOptions, load_compressor
from edgelingua.budget import Count

HERE = Path(__file__).parent
TEXT = HERE.parents[1] / "examples" / "data" / "grant-1872.txt"
QUESTION = "How much did the tribunal at Geneva award to the United States?"
TIMES = 4


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Return what some work gives, and the seconds that it takes."""
    cpu, clock = time.process_time(), time.perf_counter()
    done = work()
    spent = {"cpu_s": time.process_time() - cpu, "clock_s": time.perf_counter() - clock}
    return done, spent


def rows_of(reader: str, tokens: int, rounds: int, threads: int) -> Iterator[dict[str, Any]]:
    """Measure one reader: compressing alone, then the first token of a quarter and of the whole."""
    assistant = Assistant.load(reader=reader, threads=threads)
    assistant.cap = tokens + 512
    count = assistant.reader.count
    text = _cut(count, TEXT.read_text(encoding="utf-8"), tokens)
    shipped = load_compressor(count=count, options=RunOptions(threads=threads))
    prompt = Prompt.build(text, question=QUESTION)
    quarter, everything = Budget(rate=1 / TIMES), Budget(rate=1)
    sides = {
        "compressed": (shipped, quarter),
        "whole": (load_compressor("truncate"), Budget(rate=1)),
    }
    shipped.compress(prompt, quarter)
    assistant.ask(text[:500], QUESTION, everything, max_tokens=1)
    row = {"reader": Path(reader).stem, "threads": threads}
    for number in range(rounds):
        row["round"] = number
        compressed, spent = timed(lambda: shipped.compress(prompt, quarter))
        yield row | {"side": "compressing", "tokens": compressed.tokens_in} | spent
        for side, (assistant.compressor, budget) in sides.items():
            ask = partial(assistant.ask, text, QUESTION, budget, max_tokens=1)
            reply, spent = timed(ask)
            yield row | {"side": side, "tokens": reply.compressed.tokens_out} | spent


def _cut(count: Count, text: str, tokens: int) -> str:
    """Return the beginning of a text that has so many tokens, or all of it."""
    return text[: bisect_right(range(len(text)), tokens, key=lambda end: count(text[:end]))]


def table(rows: list[dict[str, Any]]) -> str:
    """Medians per reader, as Markdown."""
    head = ("reader", "tokens", "whole", "compressed", "of that compressing", "ideal", "of ideal")
    out = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for reader in dict.fromkeys(row["reader"] for row in rows):

        def mid(side: str, key: str, reader: str = reader) -> float:
            return median(
                row[key] for row in rows if (row["reader"], row["side"]) == (reader, side)
            )

        whole, taken, compressing = (
            mid(s, "cpu_s") for s in ("whole", "compressed", "compressing")
        )
        ideal = whole / TIMES + compressing
        tokens = f"{mid('whole', 'tokens'):,.0f} → {mid('compressed', 'tokens'):,.0f}"
        part = f"{compressing:.2f} s, {compressing / taken:.1%}"
        cells = [f"{whole:.1f} s", f"{taken:.1f} s", part, f"{ideal:.1f} s", f"{taken / ideal:.2f}"]
        out.append(f"| {reader} | {tokens} | {' | '.join(cells)} |")
    return "\n".join(out) + "\n"


def main() -> None:
    """Measure the readers named; keep the rows of others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("readers", nargs="+")
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    path = HERE / "first_token.jsonl"
    setting, *rows = map(json.loads, path.read_text().splitlines()) if path.exists() else [{}]
    for reader in options.readers:
        rows = [row for row in rows if row["reader"] != Path(reader).stem]
        for row in rows_of(reader, options.tokens, options.rounds, options.threads):
            print(row, file=sys.stderr, flush=True)
            rows.append(row)
        lines = map(json.dumps, [setting | machine(), *rows])
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(table(rows), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
