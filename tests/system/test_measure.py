from __future__ import annotations

import subprocess
import sys

from edgelingua.system.measure import Stopwatch, peak_rss_mb


def test_peak_memory_is_this_processs_own() -> None:
    """A small process started by a large one reports its own peak."""
    ballast = bytearray(400_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    script = "from edgelingua.system.measure import peak_rss_mb; print(peak_rss_mb())"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    mine = peak_rss_mb()
    assert mine is not None
    assert mine > 400
    assert float(done.stdout) < 200


def test_stages_add_up() -> None:
    watch = Stopwatch()
    for _ in range(2):
        with watch.stage("a"):
            pass
    assert list(watch.milliseconds) == ["a"]
