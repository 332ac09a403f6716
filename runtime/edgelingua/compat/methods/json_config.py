"""What becomes of each key of an object: a mapping, or a YAML file with one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgelingua.compat.checks import check_flag, check_mapping, check_rate
from edgelingua.errors import InputError, MissingExtraError, described

_KINDS: dict[str, type | tuple[type, ...]] = {
    "str": object,
    "string": object,
    "int": int,
    "integer": int,
    "float": (int, float),
    "number": (int, float),
    "bool": bool,
    "boolean": bool,
    "list": list,
    "List": list,
    "tuple": list,
    "dict": dict,
    "dictionary": dict,
}
"""Of a value once it was JSON: a tuple is a list then."""


@dataclass(frozen=True)
class Entry:
    """What becomes of a pair: the rate of its strings, whether they are compressed, may it go."""

    rate: float
    compress: bool
    removable: bool


def read_config(config: str | Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """Return a configuration, read from a YAML file where it is the name of one.

    Raises
    ------
    InputError
        It is neither, or the file cannot be read.
    MissingExtraError
        It is a file and PyYAML is not installed.
    """
    if isinstance(config, Mapping):
        return config
    if not isinstance(config, str):
        raise InputError(f"json_config: expected an object or a YAML file, got {described(config)}")
    try:
        import yaml
    except ImportError:
        raise MissingExtraError("PyYAML", "yaml") from None
    try:
        loaded = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{config}: not a readable YAML file ({error.strerror})") from None
    except (ValueError, yaml.YAMLError) as error:  # which may quote the file
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise InputError(f"{config}: not a readable YAML file{where}") from None
    if not isinstance(loaded, Mapping):
        raise InputError(f"{config}: expected an object, got {type(loaded).__name__}")
    return loaded


def checked(
    data: Mapping[str, Any], config: str | Mapping[str, Mapping[str, Any]], rate: float
) -> tuple[dict[str, Any], dict[str, Entry]]:
    """Return a copy of an object, and what becomes of each of its pairs.

    Parameters
    ----------
    data, config
        See `PromptCompressor.compress_json`.
    rate
        Where the configuration gives none.

    Raises
    ------
    InputError
        The data is no JSON object, its keys are not those of the configuration, an entry is none,
        or a value is not of the type that it says.
    MissingExtraError
        See `read_config`.
    """
    entries = read_config(config)
    if not isinstance(data, Mapping):
        raise InputError(f"json_data: expected an object, got {described(data)}")
    _check_keys(data)
    if set(data) != set(entries):
        odd = sorted(str(key) for key in set(data) ^ set(entries))
        raise InputError(
            f"json_data and json_config: expected the same keys; only one has {', '.join(odd)}"
        )
    try:
        copied: dict[str, Any] = json.loads(json.dumps(dict(data), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"json_data is not JSON: {error}") from None
    pairs = {k: _checked_pair(k, value, entries[k], rate) for k, value in copied.items()}
    return {k: value for k, (value, _) in pairs.items()}, {k: e for k, (_, e) in pairs.items()}


def _checked_pair(key: str, value: Any, entry: Any, rate: float) -> tuple[Any, Entry]:
    name = f"json_config[{key!r}]"
    check_mapping(name, entry)
    for flag in ("compress", "pair_remove"):
        check_flag(f"{name}: {flag}", entry.get(flag, False))
    kind = entry.get("value_type", "str")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InputError(f"{name}: value_type {kind!r}; expected one of {', '.join(_KINDS)}")
    if kind in ("str", "string") and isinstance(value, bool | int | float):
        value = str(value)
    if not isinstance(value, _KINDS[kind]):
        came = type(value).__name__
        raise InputError(f"json_data[{key!r}]: a {came} is no {kind}, as configured")
    own = check_rate(f"{name}: rate", entry.get("rate", rate))
    compress = bool(entry.get("compress", True)) and own < 1
    return value, Entry(float(own), compress, bool(entry.get("pair_remove", False)))


def _check_keys(value: Any) -> None:
    """Refuse keys that JSON would make strings of: they would not come back as they were."""
    if isinstance(value, Mapping):
        if odd := [key for key in value if not isinstance(key, str)]:
            raise InputError(f"json_data: expected keys of type str, got {type(odd[0]).__name__}")
        for inner in value.values():
            _check_keys(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_keys(inner)
