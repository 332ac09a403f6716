"""How near to what this machine can compute edgelingua-mini comes: peaks, the graph, `compress`.

The peaks are the most that onnxruntime's own products of matrices reach in this run, whose sizes
grow: of integers (u8 x s8, with what a dynamically quantized graph does around them) and of fp32.
What a window of the model needs of each is counted from its shapes; at the peaks, and with nothing
else to do, it would take the time of the roofline. One thread a run, so many runs side by side as
there are threads. The table has processor time, which others on the machine change little.
Writes ``roofline.jsonl`` and ``roofline.md``.

    python -m benchmarks.runtime.roofline --threads 2
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from benchmarks.common import single_run
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgelingua import Budget, ModelBundle, Prompt, RunOptions, load_compressor
from edgelingua.models.registry import default_bundle
from edgelingua.ort.session import Graph

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "examples" / "data" / "grant-1872.txt"
CHARACTERS = 104_000  # some 20,000 tokens
SIZES = ((256, 384, 1152), (256, 384, 1536), (256, 1536, 384), (1024, 1024, 1024))
WINDOWS = (64, 128, 192, 256, 512)
LAYERS, WIDTH, INNER = 6, 384, 1536

Feeds = dict[str, NDArray[Any]]


def product(folder: Path, rows: int, depth: int, columns: int, *, integers: bool) -> Path:
    """Write a graph of one product of matrices."""
    rng = np.random.default_rng(0)
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [rows, size])
        for name, size in (("x", depth), ("y", columns))
    ]
    weights: list[NDArray[Any]] = [rng.normal(size=(depth, columns)).astype(np.float32)]
    nodes = [helper.make_node("MatMul", ["x", "w0"], ["y"])]
    if integers:
        steps = rng.integers(-63, 64, (depth, columns)).astype(np.int8)
        weights = [steps, np.full(columns, 0.01, dtype=np.float32)]
        nodes = [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
            helper.make_node("MatMulInteger", ["q", "w0", "zero"], ["sums"]),
            helper.make_node("Cast", ["sums"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["scale", "w1"], ["scales"]),
            helper.make_node("Mul", ["floats", "scales"], ["y"]),
        ]
    held = [numpy_helper.from_array(array, f"w{n}") for n, array in enumerate(weights)]
    graph = helper.make_graph(nodes, "product", ends[:1], ends[1:], held)
    path = folder / f"{rows}-{depth}-{columns}-{integers}.onnx"
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path


def spent(work: Callable[[], object], rounds: int) -> dict[str, float]:
    """Median seconds of processor time and of the clock that some work takes."""
    work()
    times = []
    for _ in range(rounds):
        cpu, clock = time.process_time(), time.perf_counter()
        work()
        times.append((time.process_time() - cpu, time.perf_counter() - clock))
    cpus, clocks = zip(*times, strict=True)
    return {"cpu_s": median(cpus), "clock_s": median(clocks)}


def runs(graph: Graph, feeds: Feeds, output: str, threads: int) -> tuple[Callable[[], object], int]:
    """Return work of some runs of a graph beside each other, and how many."""
    many = 8 * threads
    return lambda: list(graph.each([feeds] * many, output)), many


def peaks(options: RunOptions, rounds: int) -> list[dict[str, Any]]:
    """Operations a second of products of matrices."""
    rows = []
    with TemporaryDirectory() as name:
        for kind in ("int8", "fp32"):
            for size in SIZES:
                path = product(Path(name), *size, integers=kind == "int8")
                graph = Graph(path, options, side_by_side=True)
                feeds: Feeds = {"x": np.random.default_rng(1).normal(size=size[:2])}
                feeds["x"] = feeds["x"].astype(np.float32)
                work, many = runs(graph, feeds, "y", options.thread_count)
                row = {"what": "peak", "kind": kind, "size": size, **spent(work, rounds)}
                rows.append(row | {"operations": 2 * many * int(np.prod(size))})
    return rows


def model(options: RunOptions, rounds: int) -> list[dict[str, Any]]:
    """Windows of the model of several lengths."""
    bundle = ModelBundle.open(default_bundle())
    variant, graph = bundle.load(options=options)
    rows = []
    for length in WINDOWS:
        ids = np.random.default_rng(2).integers(1000, 20_000, (1, length))
        feeds = {name: np.zeros_like(ids) for name in variant.inputs}
        feeds |= {variant.ids: ids, variant.mask: np.ones_like(ids)}
        work, many = runs(graph, feeds, variant.keep or "", options.thread_count)
        integers = 2 * LAYERS * length * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER)
        floats = 2 * LAYERS * 2 * length * length * WIDTH
        rows.append(
            {"what": "window", "length": length, "tokens": many * length, **spent(work, rounds)}
            | {"int8": many * integers, "fp32": many * floats}
        )
    return rows


def compressing(options: RunOptions, rounds: int) -> dict[str, Any]:
    """The whole of `compress` on a long text."""
    compressor = load_compressor(options=options)
    text = DOCUMENT.read_text(encoding="utf-8")
    prompt = Prompt.build((text * (CHARACTERS // len(text) + 1))[:CHARACTERS])
    count = compressor.scorer.count(prompt.text)
    times = spent(lambda: compressor.compress(prompt, Budget(rate=0.25)), rounds)
    return {"what": "compress", "tokens": count, **times}


def table(rows: list[dict[str, Any]]) -> str:
    """Peaks, and each length's share of what they allow, as Markdown."""
    best = {
        kind: max(row["operations"] / row["cpu_s"] for row in rows if row.get("kind") == kind)
        for kind in ("int8", "fp32")
    }
    peak = ", ".join(f"{kind} {value / 1e9:,.0f} G/s" for kind, value in best.items())
    out = [f"Peaks of a core: {peak}.", "", "| | tokens/s of a core | roofline | share |"]
    out.append("|---|---|---|---|")
    for row in rows:
        if row["what"] == "window":
            ideal = sum(row[kind] / best[kind] for kind in best)
            roof, share = f"{row['tokens'] / ideal:,.0f}", f"{ideal / row['cpu_s']:.0%}"
            name = f"windows of {row['length']}"
        elif row["what"] == "compress":
            name, roof, share = f"`compress`, {row['tokens']:,} tokens", "–", "–"
        else:
            continue
        out.append(f"| {name} | {row['tokens'] / row['cpu_s']:,.0f} | {roof} | {share} |")
    return "\n".join(out) + "\n"


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path, default=HERE)
    given = parser.parse_args()
    options = RunOptions(threads=given.threads)
    rows = [*peaks(options, given.rounds), *model(options, given.rounds)]
    rows.append(compressing(options, given.rounds))
    shown = table(rows)
    single_run.write(
        rows,
        given.output / "roofline.jsonl",
        shown,
        given.output / "roofline.md",
        threads=options.thread_count,
    )
    print(shown)


if __name__ == "__main__":
    main()
