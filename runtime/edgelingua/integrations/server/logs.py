"""A line of JSON for each request, without anything of what was said in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO


def log(event: str, values: Mapping[str, Any], stream: TextIO | None = None) -> None:
    """Write a line to stderr; where nobody reads it any more, serving goes on."""
    entry = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **values}
    with suppress(OSError):
        print(json.dumps(entry), file=stream or sys.stderr, flush=True)
