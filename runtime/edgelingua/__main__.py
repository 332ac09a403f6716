"""Entry point of ``edgelingua``."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

from edgelingua.cli.signals import leave_at_once
from edgelingua.lazy import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def _load() -> Callable[[], Any]:
    from edgelingua.errors import MissingExtraError

    # Modules stay: looking through them for rubbish takes a tenth of the time of their import.
    gc.disable()
    try:
        if sys.argv[1:2] == ["doctor"]:
            from edgelingua.cli.doctor.command import app
        else:
            from edgelingua.cli.app import app
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "a package", "cli") from error
    finally:
        gc.freeze()
        gc.enable()
    return app


def main() -> None:
    """Run the command line."""
    leave_at_once()
    from edgelingua.cli.console import run

    run(_load)


if __name__ == "__main__":
    main()
