"""Tags in a prompt: ``<llmlingua, rate=0.3, compress=True>…</llmlingua>``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgelingua.errors import InputError

_TAG = re.compile(
    r"(?:(?P<close></llmlingua(?![\w-])\s*)|<llmlingua(?![\w-])(?P<options>[^<>]*))(?P<end>>?)"
)


@dataclass(frozen=True)
class Part:
    """A part of a tagged text; ``rate`` is ``None`` where no tag gives one."""

    text: str
    rate: float | None = None
    compress: bool = True


def parse(text: str) -> list[Part]:
    """Split a tagged text into its parts; what stands outside of tags is a part too.

    Joined, the parts are the text without its tags: nothing goes, a ``<`` inside of tags included.

    Raises
    ------
    InputError
        A tag is not closed, is inside another one, closes none, lacks its ``>``, or has options
        that are none or repeated.
    """
    parts: list[Part] = []
    opened: tuple[re.Match[str], float | None, bool] | None = None
    done = 0
    for match in _TAG.finditer(text):
        before = text[done : match.start()]
        done = match.end()
        if not match["end"]:
            raise InputError(f"{_shown(match)}: a tag without its '>'")
        if match["close"]:
            if opened is None:
                raise InputError(f"{_shown(match)}: closes a tag that was not opened")
            _, rate, compress = opened
            parts.append(Part(before, rate, compress))
            opened = None
            continue
        if opened is not None:
            raise InputError(
                f"{_shown(match)}: inside of {_shown(opened[0])}; tags cannot be nested, close "
                "that one first with </llmlingua>"
            )
        parts.append(Part(before))
        opened = (match, *_options(match))
    if opened is not None:
        raise InputError(f"{_shown(opened[0])}: never closed; expected </llmlingua>")
    return [part for part in [*parts, Part(text[done:])] if part.text]


def _options(match: re.Match[str]) -> tuple[float | None, bool]:
    rate, compress = None, True
    named: set[str] = set()
    options = filter(None, (part.strip() for part in match["options"].split(",")))
    for number, option in enumerate(options, start=1):
        name, _, value = (piece.strip() for piece in option.partition("="))
        if name in named:
            raise InputError(f"{_shown(match)}: {name} is there twice; expected it once")
        named.add(name)
        if name == "rate":
            rate = _rate(match, value)
        elif name == "compress" and value in ("True", "False"):
            compress = value == "True"
        else:
            raise InputError(
                f"{_shown(match)}: number {number} is no option of a tag; expected rate=0.3 or "
                "compress=True or compress=False"
            )
    return rate, compress


def _rate(match: re.Match[str], value: str) -> float:
    try:
        rate = float(value)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 1:
        raise InputError(
            f"{_shown(match)}: its rate: expected the fraction to keep, a number above 0 and at "
            "most 1; compress=False keeps everything"
        )
    return rate


def _shown(match: re.Match[str]) -> str:
    # Without its options: where the '>' is missing, they are the text.
    return f"{'</llmlingua' if match['close'] else '<llmlingua'} at character {match.start()}"
