"""Memory of a whole ``edgelingua compress`` with each method, on a document of 4,483 tokens.

    python -m benchmarks.methods.memory --scorer BUNDLE --heads BUNDLE

One process each, one thread. Adds to ``memory.jsonl`` what ``--json`` says, and leaves out what is
there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.common.machine import machine
from benchmarks.quality.rows import Rows
from benchmarks.quality.run import SCORER

from edgelingua.compressors import METHODS

HERE = Path(__file__).parent
TEXT = "examples/data/grant-1872.txt"
QUESTION = "Which city had a devastating fire?"


def main() -> None:
    """Run each method once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scorer", default=SCORER, help="bundle of the causal LM")
    parser.add_argument("--heads", default="", help="scorer bundle that names its heads, for ehpc")
    parser.add_argument("--methods", default=",".join(METHODS))
    options = parser.parse_args()
    rows = Rows(HERE / "memory.jsonl", ("method",))
    for name in options.methods.split(","):
        method = METHODS[name]
        if rows.has(name):
            continue
        bundles = {"scorer": options.heads if name == "ehpc" else options.scorer}
        model = ["--model", bundles[method.task]] if method.task in bundles else []
        command = ["compress", TEXT, "--method", name, *model, "--question", QUESTION]
        command += ["--rate", "0.2", "--threads", "1", "--json"]
        run = [sys.executable, "-m", "edgelingua", *command]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
        said = json.loads(done.stdout)["statistics"]
        rows.add({"method": name, "peak_mb": said["peak_rss_mb"], "machine": machine()["cpu"]})
        print(name, said["peak_rss_mb"], flush=True)


if __name__ == "__main__":
    main()
