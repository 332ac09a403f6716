"""Load saved chats that were damaged or forged; print a line of JSON.

``python -m benchmarks.reliability.mutations 2000 > benchmarks/reliability/mutations.jsonl``
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from tests.mutations import try_many

from edgelingua.llama.model import LlamaModel
from edgelingua.models import registry


def main() -> None:
    """Try as many as the command line says; an error that is not ours raises."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, help="how many states")
    count = parser.parse_args().count
    reader = LlamaModel(registry.fetch(registry.DEFAULT_READER), threads=1)
    with tempfile.TemporaryDirectory() as folder:
        outcome = try_many(reader, Path(folder), range(count))
    print(json.dumps({"mutated_states": count, "foreign_errors": 0, "by_kind": outcome}))


if __name__ == "__main__":
    main()
