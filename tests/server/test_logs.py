from __future__ import annotations

import io
import json
import os

from edgelingua.integrations.server.logs import log


def test_a_line_is_json_with_its_time() -> None:
    written = io.StringIO()
    log("request", {"status": 200}, written)
    entry = json.loads(written.getvalue())
    assert (entry.pop("event"), entry.pop("status")) == ("request", 200)
    assert entry.pop("time").endswith("+00:00")
    assert not entry


def test_a_log_that_nobody_reads_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = io.TextIOWrapper(io.FileIO(writing, "w"), write_through=True)
    log("request", {"status": 200}, stream)
    stream.close()
