"""The card as tables, in Markdown that reads well in a terminal too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgelingua.planner.card import Card, CompressorCost, ReaderCost
from edgelingua.planner.payoff import break_even, saved

RATE = 0.2
RATES = (0.5, RATE, 0.1)
"""All of them with the first bundle, `RATE` with the others."""
LENGTHS = (1024, 4096, 16384)


def tables(card: Card) -> str:
    """Return all that a card says."""
    parts = [_compressors(card), *(part for cost in card.readers for part in _reader(card, cost))]
    if not card.readers:
        parts.append("No reader was measured, so that nothing is known of what compressing saves.")
    return "\n\n".join(parts) + "\n"


def heading(card: Card) -> str:
    """Return which device this is, and when it was measured."""
    threads = f"{card.machine['threads']} threads"
    return f"{card.machine['cpu']}, {threads}, edgelingua {card.edgelingua}, {card.measured}"


def _compressors(card: Card) -> str:
    per_token = card.readers[0].characters if card.readers else 4.0
    joules = any(cost.joules is not None for cost in card.compressors)
    whose = f"of {card.readers[0].name}" if card.readers else "of four characters"
    head = ["bundle", "method", "question", "tokens/s", "memory", "starts in"]
    rows = [
        [cost.bundle or "–", cost.method, "yes" if cost.question else "no"]
        + [f"{cost.curve.rate / per_token:,.0f}", _megabytes(cost.rss_mb)]
        + [f"{cost.load_seconds:.2f} s"]
        + ([_joules(cost.joules, per_token / cost.curve.rate)] if joules else [])
        for cost in card.compressors
    ]
    head += ["J per 1,000 tokens"] if joules else []
    return f"Compressing a long text, in tokens {whose}:\n\n{_table(head, rows)}"


def _reader(card: Card, cost: ReaderCost) -> Iterator[str]:
    kinds = ", ".join(f"{size:,} in {kind}" for kind, size in sorted(cost.cell_bytes.items()))
    told = (
        f"{cost.name}: {_megabytes(cost.base_mb)} without its cache; bytes a cached token: {kinds}"
    )
    if cost.joules is not None:
        told += f"; {_joules(cost.joules, 1 / cost.prefill.rate)} J for 1,000 tokens read"
    marks = zip(cost.prefill.lengths, cost.prefill.seconds, cost.decode, strict=True)
    rows = [
        [f"{mark:,.0f}", f"{seconds:.1f} s", f"{mark / seconds:,.0f}", f"{written:.1f}"]
        for mark, seconds, written in marks
    ]
    head = ["tokens", "read in", "read/s", "written/s then"]
    yield f"{told}\n\n{_table(head, rows)}"
    head = ["bundle", "method", "question", "rate", "pays from"]
    head += [f"saved at {length // 1024}k" for length in LENGTHS]
    first = card.compressors[0].bundle if card.compressors else ""
    pays = [
        _pay(cost, each, rate)
        for each in card.compressors
        for rate in (RATES if each.bundle == first else (RATE,))
    ]
    yield (
        f"How much sooner {cost.name} writes its first token where the text is compressed before "
        f"(beyond {cost.prefill.lengths[-1]:,.0f} tokens extrapolated; –: longer than what it can "
        f"read whole):\n\n{_table(head, pays)}"
    )


def _pay(reader: ReaderCost, compressor: CompressorCost, rate: float) -> list[str]:
    least = break_even(reader, rate, compressor)
    question = "yes" if compressor.question else "no"
    row = [compressor.bundle or "–", compressor.method, question, f"{rate:g}"]
    row.append("never" if least is None else f"{least:,} tokens")
    for length in LENGTHS:
        readable = length + reader.template <= reader.trained_length
        row.append(f"{saved(reader, length, rate, compressor):.1f} s" if readable else "–")
    return row


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )


def _megabytes(size: float | None) -> str:
    return "unknown" if size is None else f"{size:,.0f} MB"


def _joules(watts: float | None, seconds: float) -> str:
    """Joules for 1,000 tokens, each of which takes so many seconds."""
    return "unknown" if watts is None else f"{1000 * watts * seconds:.1f}"
