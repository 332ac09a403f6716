"""Checks of arguments that come from callers: each names the argument, what it takes, what came."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from edgelingua.compat.tags import Part
from edgelingua.errors import InputError, described
from edgelingua.text.encodings import refuse_surrogates


def check_string(name: str, value: object) -> None:
    """Refuse what is no ``str``, or one that was not valid UTF-8."""
    if not isinstance(value, str):
        raise InputError(f"{name}: expected a str, got {described(value)}")
    refuse_surrogates(value, name)


def check_strings(name: str, values: object) -> None:
    """Refuse what is no list or tuple of ``str``, or one with a text that was not valid UTF-8."""
    # A lone string is a sequence of strings too, but never what was meant.
    if not isinstance(values, (list, tuple)) or not all(isinstance(v, str) for v in values):
        raise InputError(f"{name}: expected a list of str, got {described(values)}")
    for number, value in enumerate(values):
        refuse_surrogates(value, f"{name}[{number}]")


def check_number(name: str, value: object) -> None:
    """Refuse what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise InputError(f"{name}: expected a number, and a finite one, got {described(value)}")


def check_whole(name: str, value: object, least: int | None = 0) -> None:
    """Refuse what is no ``int``, or less than ``least``."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputError(f"{name}: expected an int, got {described(value)}")
    if least is not None and int(value) < least:
        raise InputError(f"{name}: expected {least} or more, got {value}")


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither true nor false: the string "False" would be true."""
    if not isinstance(value, (bool, int)) or value not in (0, 1):
        raise InputError(f"{name}: expected True or False, got {described(value)}")


def check_rate(name: str, value: float) -> float:
    """Return a fraction to keep: above 0, at most 1."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value <= 1:
        raise InputError(
            f"{name}: the fraction to keep, expected above 0 and at most 1, got {described(value)}"
        )
    return value


def check_range(numbers: Sequence[int], contexts: int) -> None:
    """Refuse ``force_context_ids`` that are no contexts'.

    Raises
    ------
    InputError
        A number is negative, or there are not that many contexts.
    """
    if odd := [number for number in numbers if not 0 <= number < contexts]:
        raise InputError(
            f"force_context_ids: expected numbers from 0 to {contexts - 1}, of the {contexts} "
            f"contexts; got {', '.join(map(str, odd))}"
        )


def checked_texts(context: str | Sequence[str]) -> list[str]:
    """Return contexts as a list.

    Raises
    ------
    InputError
        Neither a text nor a sequence of texts.
    """
    if isinstance(context, str):
        check_string("context", context)
        return [context]
    check_strings("context", context)
    return list(context)


def checked_strings(name: str, values: Sequence[str] | None, default: tuple[str, ...] = ()
                    ) -> tuple[str, ...]:  # fmt: skip
    """Return a sequence of strings as a tuple, ``None`` as the default."""
    if values is None:
        return default
    check_strings(name, values)
    return tuple(values)


def checked_ids(values: Sequence[int] | None) -> tuple[int, ...]:
    """Return ``force_context_ids`` as a tuple, ``None`` as an empty one.

    Raises
    ------
    InputError
        It is no list of ``int``.
    """
    if values is None:
        return ()
    name = "force_context_ids"
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
        raise InputError(f"{name}: expected a list of int, got {described(values)}")
    for value in values:
        check_whole(name, value)
    return tuple(values)


def checked_parts(
    texts: Any, rates: Any, compress: Any, contexts: Sequence[str]
) -> list[list[Part]]:
    """Return contexts as the parts that ``context_segs`` and what belongs to it make of them.

    Parameters
    ----------
    texts, rates, compress
        Per context a list: the texts of its parts, the rate of each, whether each is compressed.
        ``None``: every context is one part.
    contexts
        What they are parts of: joined, they must make them.

    Raises
    ------
    InputError
        One is given without the others, they do not fit each other or the contexts, or a value is
        of the wrong type or out of range.
    """
    if texts is None:
        if rates is not None or compress is not None:
            raise InputError("context_segs_rate and context_segs_compress: give context_segs too")
        return [[Part(text)] for text in contexts]
    try:
        found = [
            list(zip(*columns, strict=True))
            for columns in zip(texts, rates or (), compress or (), strict=True)
        ]
    except (TypeError, ValueError):
        raise InputError(
            "context_segs, context_segs_rate and context_segs_compress: expected per context one "
            "list each, all of one length"
        ) from None
    for text, rate, wanted in (part for parts in found for part in parts):
        check_string("context_segs", text)
        check_rate("context_segs_rate", rate)
        check_flag("context_segs_compress", wanted)
    if len(found) != len(contexts):
        raise InputError(
            f"context_segs: expected one list for each of the {len(contexts)} contexts, got "
            f"{len(found)}"
        )
    for number, (parts, context) in enumerate(zip(found, contexts, strict=True)):
        joined = "".join(text for text, _, _ in parts)
        if joined != context:
            raise InputError(
                f"context_segs[{number}]: expected parts that, joined, are context[{number}]; "
                f"got {described(joined)} for {len(context):,}"
            )
    return [[Part(*part) for part in parts] for parts in found]


def check_mapping(name: str, value: object) -> None:
    """Refuse what is no mapping."""
    if not isinstance(value, Mapping):
        raise InputError(f"{name}: expected a dict, got {described(value)}")
