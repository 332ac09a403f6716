"""Options that several commands share: their types, bounds and help."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from edgelingua.cli import quantities
from edgelingua.cli.console import usage
from edgelingua.kv.options import CacheType
from edgelingua.ort.devices import DeviceName
from edgelingua.selection.units import Level, Rules
from edgelingua.text.structure import Mode


def text(value: str | None) -> str | None:
    """Refuse a text that was not valid UTF-8 on the command line."""
    if value and any("\ud800" <= character <= "\udfff" for character in value):
        raise typer.BadParameter("not valid UTF-8")
    return value


def name(value: str | None) -> str | None:
    """Refuse a name that is empty."""
    if value is not None and not value.strip():
        raise typer.BadParameter("it is empty: leave it out for the default")
    return value


def mark(value: str | None) -> str | None:
    """Refuse a mark that no compressor takes."""
    if value:
        with usage():
            Rules(gap=value)
    return value


Source = Annotated[str, typer.Argument(metavar="[FILE|-]", help="A UTF-8 text; - is stdin.")]
Tokens = Annotated[int | None, typer.Option(help="Most tokens to keep.")]
Rate = Annotated[float | None, typer.Option(help="Fraction of the tokens to keep.")]


def _rate_or_auto(value: str) -> float | Literal["auto"]:
    """Read a fraction, or the word."""
    if value == "auto":
        return "auto"
    try:
        return float(value)
    except ValueError:
        raise typer.BadParameter("expected a fraction, such as 0.2, or auto") from None


RateOrAuto = Annotated[
    Any,
    typer.Option(
        "--rate",
        parser=_rate_or_auto,
        metavar="X/auto",
        help="Fraction of the tokens to keep; auto: what is read soonest on this device, see "
        "edgelingua bench.",
    ),
]
Floor = Annotated[
    float | None,
    typer.Option(
        metavar="PERCENT",
        help="Chance that the answer survives: keep as few tokens as that takes. Needs a question.",
    ),
]
Escalate = Annotated[
    bool,
    typer.Option(
        "--escalate",
        help="Read more where the reader is unsure; --tokens or --rate says what is read first, "
        "default: a tenth.",
    ),
]
DoubtLimit = Annotated[
    float | None,
    typer.Option(
        "--doubt",
        help="With --escalate: read more above this doubt, 0 to 1; default: 0.3.",
    ),
]
MaxTtft = Annotated[
    float | None,
    typer.Option(
        parser=quantities.seconds, metavar="TIME", help="Longest time to the first token: 2s."
    ),
]
MethodName = Annotated[str | None, typer.Option(help="See: edgelingua methods.")]
Model = Annotated[
    str | None,
    typer.Option(
        help="Bundle that compresses: a folder or a name; default: edgelingua-mini, or "
        "edgelingua-multi for what is not English.",
        callback=name,
    ),
]
Reader = Annotated[
    str,
    typer.Option(
        help="The model that reads: a known name, a .gguf file, or hub:OWNER/NAME/FILE.",
        callback=name,
    ),
]
AnyReader = Annotated[
    str,
    typer.Option(
        "--reader",
        help="The model that answers: a known name, a .gguf file, hub:OWNER/NAME/FILE, or the "
        "address of an OpenAI-compatible endpoint: http://HOST:PORT/v1.",
        callback=name,
    ),
]
CountFile = Annotated[
    str | None,
    typer.Option(
        "--count",
        metavar="FILE",
        help="A tokenizer.json or .gguf whose tokens are counted.",
        callback=name,
    ),
]
Pin = Annotated[
    list[str] | None, typer.Option(help="Text that must survive as it is; may be repeated.")
]
PinPattern = Annotated[
    list[str] | None,
    typer.Option(help=r"Regular expression; what it matches survives. \d keeps all numbers."),
]
AtLevel = Annotated[
    Level | None,
    typer.Option("--level", help="What is kept or dropped whole; default: words, or phrases."),
]
Guard = Annotated[
    bool | None,
    typer.Option(help="Keep negations with their sentence, numbers with the words beside them."),
]
Gap = Annotated[
    str | None,
    typer.Option(
        metavar="MARK",
        help="Mark where words of a sentence were left out, such as …; counted.",
        callback=mark,
    ),
]
Structure = Annotated[
    Mode, typer.Option(help="Machine text: compress by line and element, keep, or read as prose.")
]
RankerName = Annotated[
    str | None,
    typer.Option(
        "--ranker",
        help="Scorer bundle that ranks passages for llmlingua2_question.",
        callback=name,
    ),
]
Heads = Annotated[
    str | None,
    typer.Option(
        "--heads",
        metavar="LAYER.HEAD,…",
        help="ehpc: the --reader's own heads look, in place of a bundle's.",
        callback=name,
    ),
]
IndexFile = Annotated[
    Path | None,
    typer.Option(
        "--index",
        metavar="FILE",
        help="What edgelingua index made of the text; without a FILE, its text is compressed.",
    ),
]
MemoryFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--memory", metavar="FILE", help="What edgelingua remember made; may be repeated."
    ),
]
SecondPass = Annotated[
    bool | None,
    typer.Option(
        "--second-pass/--no-second-pass",
        help="llmlingua2 with a question: score all again with what was found, or nothing. "
        "By default a few passages of several documents.",
    ),
]


def _page_file(name: str) -> Path:
    """Refuse what names a folder, or nothing, before `Path` forgets a slash at the end."""
    if os.path.basename(name) in ("", ".", ".."):  # noqa: PTH119
        raise typer.BadParameter("expected the name of a file, like page.html")
    return Path(name)


Explain = Annotated[
    Path | None,
    typer.Option(
        parser=_page_file,
        metavar="FILE",
        help="Write a page that shows what was kept and left out, and why. It holds the whole "
        "text, what was left out too.",
    ),
]
Cap = Annotated[
    int | None, typer.Option(help="Most tokens in the reader's KV cache; default 1024.", min=2)
]
CapMb = Annotated[float | None, typer.Option(help="The same in MB of cache.")]
PolicyName = Annotated[
    str | None, typer.Option("--policy", help="See: edgelingua policies, the default too.")
]
Block = Annotated[
    int | None, typer.Option(help="Evict so many tokens at a time: the policy is asked less.")
]
Recent = Annotated[int | None, typer.Option(help="Keep so many of the last tokens in any case.")]
Smooth = Annotated[
    int | None, typer.Option(help="Score so many neighbours alike, so that phrases stay.")
]
Phrase = Annotated[
    int | None, typer.Option(help="Keep or evict stretches of so many tokens as a whole.")
]
Window = Annotated[
    int | None, typer.Option(help="Percent of the cache for the most recent tokens.")
]
CacheKeys = Annotated[CacheType, typer.Option(help="Number format of the cached keys.")]
CacheValues = Annotated[CacheType, typer.Option(help="Number format of the cached values.")]
Threads = Annotated[int, typer.Option(help="Threads; 0: one per core.", min=0, max=512)]
DeviceOption = Annotated[
    DeviceName, typer.Option("--device", help="Where the compressor's model runs.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Fail where --device cannot; else the CPU takes over.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
