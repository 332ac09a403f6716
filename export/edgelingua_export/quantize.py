"""From an fp32 variant to a quantized one: search, and write the one that was chosen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.files.safe import hash_file
from edgelingua.system.cores import available_cores
from edgelingua_export import texts
from edgelingua_export.errors import ExportError, reason
from edgelingua_export.onnx_graph import Feeds
from edgelingua_export.quantization import report
from edgelingua_export.quantization.measure import Measure
from edgelingua_export.quantization.network import Network
from edgelingua_export.quantization.options import SearchOptions
from edgelingua_export.quantization.search import Search
from edgelingua_export.quantization.state import State
from edgelingua_export.quantization.targets import this_cpu

INT8, FP32 = "cpu-int8", "cpu-fp32"
PLOT = "search.png"


def quantize(
    bundle: ModelBundle,
    feeds: Feeds,
    options: SearchOptions,
    state: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Write the graph of the variant `INT8` of a bundle that is being built, and `PLOT`.

    Parameters
    ----------
    bundle
        Has the graph of the variant `FP32`, and its tokenizer.
    feeds
        Inputs of one run on real text: outliers and sensitive products are found with it.
    options
        What to choose by.
    state
        File for what was measured: a search that was killed goes on from there.
    say
        Told of every step.

    Returns
    -------
    dict
        What the manifest's recipe says of it: the scheme, and the search.

    Raises
    ------
    ExportError
        The graph cannot be quantized, or no candidate keeps within the loss allowed.
    """
    fp32 = bundle.folder / bundle.variant(FP32).file
    text = texts.read(texts.SEARCH)
    ids = bundle.tokenizer().encode(text).ids[: options.tokens]
    key = {
        "fp32": [hash_file(part) for part in sorted(fp32.parent.glob(f"{fp32.name}*"))],
        "tokens": ids.tolist(),
        "feeds": feeds[bundle.variant(FP32).ids].tolist(),
        "target": options.target,
        "versions": [metadata.version(name) for name in ("edgelingua", "numpy", "onnxruntime")],
        "machine": [this_cpu(), available_cores()],
    }
    keep = bundle.variant(FP32).keep
    try:
        network = Network.load(fp32, feeds, keep)
        measured = State(state, key)
        if measured.rows:
            say(f"{len(measured.rows)} candidates were measured before; going on from there")
        measure = Measure(bundle, FP32, INT8, ids)
        with _progress() as bar:
            task = bar.add_task("candidates", total=None)

            def told(line: str) -> None:
                bar.advance(task)
                say(line)

            found = Search(network, fp32, measure, options, measured, told).run()
    except Exception as error:
        if isinstance(error, ExportError):
            raise
        # onnx and onnxruntime raise what they happen to meet.
        name = bundle.manifest.name
        raise ExportError(f"{name}: cannot be quantized: {reason(error)}") from error
    say("the search's table:\n" + report.table(found.rows, found.chosen.scheme))
    report.plot(found.rows, found.chosen, options.max_loss, bundle.folder / PLOT)
    search = found.record | {"text": texts.SEARCH, "tokens": len(ids)}
    return {"scheme": asdict(found.chosen.scheme), "search": search}


def _progress() -> Progress:
    """A bar on a terminal, nothing elsewhere."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
