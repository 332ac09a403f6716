"""Write ``docs/cli.md`` from what ``--help`` says; ``make cli-page`` runs this."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import typer

from edgelingua.cli.app import app
from edgelingua_export.cli import app as export_app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"

_HEAD = """\
# Command line

<!-- Written by scripts/cli_page.py from the commands' help: change that, then `make cli-page`. -->

`--help` behind any command says the same.
"""
_TABLE = ("| argument or option | what it is | default |", "|---|---|---|")
_WORDS = {int: "N", float: "X", str: "TEXT", Path: "PATH"}


def page() -> str:
    """Return the page, in Markdown."""
    parts = [_HEAD]
    for name, commands in (("edgelingua", app), ("edgelingua-export", export_app)):
        parts += _sections(name, typer.main.get_command(commands))
    return "\n".join(parts)


def _sections(name: str, command: Any) -> Iterator[str]:
    """Yield a section for a command and for each below it."""
    yield f"## {name}\n\n{inspect.cleandoc(command.help)}\n"
    shown = [parameter for parameter in command.params if parameter.name != "help"]
    if shown:
        hints = get_type_hints(command.callback, include_extras=True)
        rows = [_row(parameter, hints[parameter.name]) for parameter in shown]
        yield "\n".join([*_TABLE, *rows, ""])
    for below, other in getattr(command, "commands", {}).items():
        yield from _sections(f"{name} {below}", other)


def _row(parameter: Any, hint: Any) -> str:
    """Return a row of the table: an argument or option, its help, its default.

    The help is that of the annotation: an older typer's arguments do not have it.
    """
    kind, option = _plain(get_args(hint)[0]), hint.__metadata__[0]
    told = option.help
    if parameter.opts[0].startswith("-"):
        spelled = [f"`{each}`" for each in (*parameter.opts, *parameter.secondary_opts)]
        name = " / ".join(spelled)
        if choices := _choices(kind):
            told += f" One of {', '.join(f'`{choice}`' for choice in choices)}."
        elif kind is not bool:
            name += f" `{option.metavar or _WORDS[kind]}`"
    else:
        name = f"`{(parameter.metavar or parameter.name).strip('[]').upper()}`"
    default = parameter.default.value if isinstance(parameter.default, Enum) else parameter.default
    none = default is None or default is False or default == ""
    shown = "required" if parameter.required else "" if none else f"`{default}`"
    return f"| {name.replace('|-', '` or `-')} | {told} | {shown} |"


def _choices(kind: Any) -> tuple[str, ...]:
    """Return the values that a type allows, where they are named."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if inspect.isclass(kind) and issubclass(kind, Enum):
        return tuple(str(member.value) for member in kind)
    return ()


def _plain(hint: Any) -> Any:
    """Return the type of one value: of ``list[X] | None`` it is ``X``."""
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = [part for part in get_args(hint) if part is not type(None)]
    return get_args(hint)[0] if get_origin(hint) is list else hint


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/cli.md is not what --help says: run `make cli-page`")
