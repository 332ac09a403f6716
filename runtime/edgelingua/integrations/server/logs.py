"""Lines of JSON on stderr, without anything of what was said in them."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, TextIO

_FRAMES = 12
"""Places named of a failure, the last of which is where it happened."""


def log(event: str, values: Mapping[str, Any], stream: TextIO | None = None) -> None:
    """Write a line to stderr; where nobody reads it any more, serving goes on."""
    entry = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **values}
    with suppress(OSError):
        print(json.dumps(entry), file=stream or sys.stderr, flush=True)


def failure(error: BaseException) -> dict[str, Any]:
    """Return what a log says of a failure: what it was and where, but not its message.

    That may quote what was being read.
    """
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    at = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__name__, "at": at}


class Lines(logging.Handler):
    """Writes what libraries log as such lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:  # which the message may quote
            log("failure", failure(error))
        else:
            log(record.name, {"message": record.getMessage().strip()})
