"""Entry point of ``edgelingua-export``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgelingua.cli.signals import leave_at_once
from edgelingua.errors import MissingExtraError


def _load() -> Callable[[], Any]:
    try:
        from edgelingua_export.cli import app
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "a package", "export") from error
    return app


def main() -> None:
    """Run the command line."""
    leave_at_once()
    from edgelingua.cli.console import run

    run(_load)


if __name__ == "__main__":
    main()
