"""Makes the golden files: what llmlingua 0.2.2 answers to the cases, on weights both sides share.

Two environments: this script runs in ours, with the ``[dev]`` extra; the reference in its own::

    python -m venv ref
    ref/bin/pip install torch==2.13.0 'transformers==4.46.3' accelerate llmlingua==0.2.2 rank-bm25
    python -m tests.golden.make --reference-python ref/bin/python
    python -m tests.golden.make --reference-python ref/bin/python --check

``--check`` makes everything again in a temporary place and compares it with the files here; it
names the cases that differ and ends with status 1 if any do. ``--only NAME`` makes one file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.golden import cases, weights
from tests.golden.cases import Case
from tests.oracle.sentences import bare_sentences

HERE = Path(__file__).parent
WORKER = HERE / "reference_worker.py"


@dataclass(frozen=True)
class Golden:
    """A golden file: the weights' folder, the cases, whether they are for LLMLingua-2."""

    name: str
    folder: str
    cases: Callable[[], list[Case]]
    use_llmlingua2: bool

    @property
    def path(self) -> Path:
        """Where it is committed."""
        return HERE / f"{self.name}.json"


GOLDENS = (
    Golden("llmlingua2-bert", weights.BERT, lambda: cases.llmlingua2("bert"), True),
    Golden("llmlingua2-xlmr", weights.XLMR, lambda: cases.llmlingua2("xlmr"), True),
    Golden("llmlingua", weights.SCORER, cases.llmlingua, False),
    Golden("llmlingua-short", weights.SHORT_SCORER, cases.llmlingua_short, False),
)


def make_weights(root: Path, name: str) -> Path:
    """Make a folder of weights below ``root``, or return the one that is there."""
    folder = root / name
    if folder.exists():
        return folder
    if name == weights.SHORT_SCORER:
        return weights.shorten(make_weights(root, weights.SCORER), folder)
    make = {
        weights.BERT: weights.make_bert,
        weights.XLMR: weights.make_xlmr,
        weights.SCORER: weights.make_scorer,
    }
    return make[name](folder)


def generate(golden: Golden, python: str, root: Path) -> str:
    """Run the reference on a golden's cases; return the file's text."""
    todo = golden.cases()
    contexts = {text for case in todo for text in case.sentence_sources()}
    request = {
        "folder": str(make_weights(root, golden.folder)),
        "use_llmlingua2": golden.use_llmlingua2,
        "cases": [{"method": case.method, "call": case.call()} for case in todo],
        "sentences": {text: bare_sentences(text) for text in contexts},
    }
    asked, answered = root / f"{golden.name}-request.json", root / f"{golden.name}-response.json"
    asked.write_text(json.dumps(request), encoding="utf-8")
    subprocess.run([python, str(WORKER), str(asked), str(answered)], check=True)
    answers = json.loads(answered.read_text(encoding="utf-8"))
    entries = [{**case.record(), **answer} for case, answer in zip(todo, answers, strict=True)]
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    return f"[\n{lines}\n]\n"


def differences(golden: Golden, made: str) -> list[str]:
    """Names of the cases that differ from the committed file."""
    old = by_name(golden.path.read_text(encoding="utf-8")) if golden.path.exists() else {}
    new = by_name(made)
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def by_name(content: str) -> dict[str, dict[str, Any]]:
    """Entries of a golden file."""
    return {entry["name"]: entry for entry in json.loads(content)}


def main() -> None:
    """Make or check the golden files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reference-python", required=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", choices=[golden.name for golden in GOLDENS])
    parser.add_argument("--weights", type=Path, help="keep the weights here, and use what is there")
    arguments = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        root = arguments.weights or Path(temporary)
        root.mkdir(parents=True, exist_ok=True)
        for golden in GOLDENS:
            if arguments.only not in (None, golden.name):
                continue
            made = generate(golden, arguments.reference_python, root)
            changed = differences(golden, made)
            print(f"{golden.name}: {len(by_name(made))} cases, {len(changed)} differ",
                  *changed, sep="\n  ")  # fmt: skip
            failed |= bool(changed)
            if not arguments.check:
                golden.path.write_text(made, encoding="utf-8")
    sys.exit(int(arguments.check and failed))


if __name__ == "__main__":
    main()
