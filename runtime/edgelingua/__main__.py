"""Entry point of ``edgelingua``."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

from edgelingua.cli.console import run
from edgelingua.errors import MissingExtraError


def _load() -> Callable[[], Any]:
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
    run(_load)


if __name__ == "__main__":
    main()
