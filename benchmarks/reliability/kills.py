"""Kill each work of `tests.kills` at random moments, and print a line of JSON for each.

``python -m benchmarks.reliability.kills 100 > benchmarks/reliability/kills.jsonl``
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.kills import WORKS, kill_often


def main() -> int:
    """Return 1 if something was left; what was damaged raises."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kills", type=int, help="how many of each")
    parser.add_argument("works", nargs="*", default=list(WORKS), help=f"of {', '.join(WORKS)}")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    left = 0
    for name in arguments.works:
        with tempfile.TemporaryDirectory() as folder:
            report = kill_often(name, arguments.kills, Path(folder), arguments.seed)
        print(json.dumps(report), flush=True)
        left += len(report["left"])
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main())
