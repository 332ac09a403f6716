"""Searches quantizations for both models, and measures what was chosen beside fp32.

Writes, beside this script, ``NAME.json`` (the whole search and the measurements), ``NAME.png`` (its
plot) for each case, and ``table.md``. The bundles stay in the folder given.

    python -m benchmarks.export.run FOLDER            # --case NAME: one of them only
    python -m benchmarks.export.run FOLDER --built    # measure what FOLDER has once more
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common.machine import machine

from edgelingua import parity
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import Task
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.quantization.options import SearchOptions
from edgelingua_export.quantize import PLOT
from edgelingua_export.sources import find

HERE = Path(__file__).parent
ME = (sys.executable, "-m", "benchmarks.export.run")

TOKENS, ROUNDS = 2048, 5


@dataclass(frozen=True)
class Case:
    """A bundle to build; ``name`` is that of its results."""

    name: str
    source: str
    task: Task
    search: SearchOptions


CASES = (
    Case("scorer-latency", "smollm2-135m-instruct", "scorer", SearchOptions(max_loss=0.015)),
    Case(
        "scorer-size",
        "smollm2-135m-instruct",
        "scorer",
        SearchOptions(max_loss=0.04, objective="size"),
    ),
    Case("classifier-latency", "all-minilm-l6-v2", "classifier", SearchOptions()),
    Case("classifier-size", "all-minilm-l6-v2", "classifier", SearchOptions(objective="size")),
)


def main() -> None:
    """Build and measure each case; tables are made from all results that are there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES])
    parser.add_argument("--built", action="store_true", help="take the bundles that are there")
    parser.add_argument("--score", metavar="VARIANT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.score:
        score(options.folder, options.score)
        return
    for case in CASES:
        if options.case and case.name not in options.case:
            continue
        output = options.folder / case.name
        if not options.built:
            what = BuildOptions(keep_fp32=True, replace=True, search=case.search)
            build(find(case.source), case.task, output, what, lambda line: print(line, flush=True))
        result = {"case": asdict(case), "machine": machine(), **facts(ModelBundle.open(output))}
        (HERE / f"{case.name}.json").write_text(json.dumps(result, indent=1) + "\n")
        shutil.copy(output / PLOT, HERE / f"{case.name}.png")
    found = [HERE / f"{case.name}.json" for case in CASES]
    results = [json.loads(path.read_text()) for path in found if path.exists()]
    (HERE / "table.md").write_text(table(results))


def facts(bundle: ModelBundle) -> dict[str, Any]:
    """What the bundle says of itself, and what its variants cost here."""
    manifest = bundle.manifest
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in manifest.variants}
    for _ in range(ROUNDS):  # in turns, so that drift hits all alike
        for name, done in runs.items():
            command = [*ME, str(bundle.folder), "--score", name]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
            done.append(json.loads(answer.stdout))
    costs = {
        name: {figure: median(run[figure] for run in done) for figure in done[0]}
        for name, done in runs.items()
    }
    return {
        "tools": manifest.tools,
        "recipe": manifest.recipe,
        "parity": manifest.parity,
        "megabytes": {name: megabytes(bundle, name) for name in manifest.variants},
        "costs": costs,
    }


def megabytes(bundle: ModelBundle, name: str) -> float:
    """Size of a bundle that has this variant only."""
    others = {Path(v.file).name for n, v in bundle.manifest.variants.items() if n != name}
    mine = Path(bundle.manifest.variants[name].file)
    files = bundle.manifest.files.items()
    return (
        sum(
            record.size
            for path, record in files
            if path.startswith(str(mine)) or not any(Path(path).name.startswith(o) for o in others)
        )
        / 1e6
    )


def score(folder: Path, variant: str) -> None:
    """Score a text in this process; print what it cost."""
    bundle = ModelBundle.open(folder, check_hashes=False)
    scorer = parity.scorer_for(bundle, variant)
    text = (bundle.folder / parity.TEXT).read_text(encoding="utf-8")
    ids = bundle.tokenizer().encode(text).ids[:TOKENS]
    scorer.score_ids(ids[:256])
    started = time.perf_counter()
    scorer.score_ids(ids)
    rate = len(ids) / (time.perf_counter() - started)
    # Not the memory: this file imports torch. scoring_graph.py and ../runtime/run.py measure that.
    print(json.dumps({"tokens_per_second": rate}))


def table(results: list[dict[str, Any]]) -> str:
    """Variants of every case as Markdown: held-out quality, size, speed."""
    out = [
        "| case | variant | MB | held-out loss | tokens/s |",
        "|---|---|---|---|---|",
    ]
    for result in results:
        name = result["case"]["name"]
        for variant, cost in result["costs"].items():
            quality, what = "reference", "fp32"
            if variant in result["parity"]["variants"]:
                quality = held_out(result["case"]["task"], result["parity"]["variants"][variant])
                what = result["recipe"]["search"]["chosen"]
            cells = (
                name,
                what,
                f"{result['megabytes'][variant]:.1f}",
                quality,
                f"{cost['tokens_per_second']:,.0f}",
            )
            out.append(f"| {' | '.join(cells)} |")
    return "\n".join(out) + "\n"


def held_out(task: Task, figures: dict[str, float]) -> str:
    """Quality on the parity text, on which nothing was chosen."""
    if task == "scorer":
        return f"perplexity {figures['perplexity'] / figures['perplexity_fp32'] - 1:+.2%}"
    return f"{figures['agreement']:.1%} same, mean |ΔP| {figures['mean_difference']:.4f}"


if __name__ == "__main__":
    main()
