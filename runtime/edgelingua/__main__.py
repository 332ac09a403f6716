"""Entry point of ``edgelingua``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgelingua.console import run
from edgelingua.errors import MissingExtraError


def _load() -> Callable[[], Any]:
    try:
        from edgelingua.cli import app
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "a package", "cli") from error
    return app


def main() -> None:
    """Run the command line."""
    run(_load)


if __name__ == "__main__":
    main()
