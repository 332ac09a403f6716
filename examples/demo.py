"""The main job on a real text, with what it cost: ``make demo`` runs this."""

from __future__ import annotations

import sys
from pathlib import Path

from edgelingua import Assistant, Budget
from edgelingua.system.measure import peak_rss_mb

BUDGET, CAP = 400, 512


def main(path: str, question: str) -> None:
    """Answer ``question`` about the text in ``path`` and show the figures."""
    text = Path(path).read_text(encoding="utf-8")
    assistant = Assistant.load(cap=CAP)
    print(f"text      {path}\nquestion  {question}\nanswer    ", end="", flush=True)
    reply = assistant.ask(
        text,
        question,
        Budget(tokens=BUDGET),
        max_tokens=64,
        on_text=lambda piece: print(piece, end="", flush=True),
    )
    compressed, cache = reply.compressed, reply.cache
    if cache.peak > CAP or compressed.tokens_out > BUDGET:
        sys.exit("the budget or the cap was exceeded: this is a bug")
    stages = ", ".join(f"{name} {ms / 1000:.1f} s" for name, ms in reply.milliseconds.items())
    torch = "was loaded: this is a bug" if "torch" in sys.modules else "not loaded"
    rss = peak_rss_mb()
    print(
        f"\n\ntokens    {compressed.tokens_in:,} before, {compressed.tokens_out:,} after "
        f"(budget {BUDGET}; counted by the reader)"
        f"\nKV cache  {cache.peak} cells used at most (cap {CAP})"
        f"\ntime      {stages}"
        f"\nmemory    {'unknown' if rss is None else f'{rss:.0f} MB'} at most; PyTorch {torch}"
        f"\n\nwhat the reader saw\n\n{compressed.text.strip()}"
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
