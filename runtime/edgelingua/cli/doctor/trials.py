"""What `doctor` tries in a process that may die: native libraries, a compression, an answer."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from edgelingua.bundle.shipped import shipped_bundles
from edgelingua.cli.doctor.findings import PREFIX, Finding
from edgelingua.errors import EdgeLinguaError, MissingExtraError
from edgelingua.models import registry
from edgelingua.system.measure import Stopwatch, peak_rss_mb

TEXT = (
    "The lighthouse keeper wrote down the weather every evening: wind from the north-west, rain. "
    "When the new lamp was delivered in 1911, he asked his daughter to count the steps of the "
    "tower again; there were 167, one more than the builders had promised."
)
QUESTION = "How many days has a week?"


def compressor() -> None:
    """Bundles by their hashes, and a compression with the default one."""
    from edgelingua.budget import Budget
    from edgelingua.bundle.bundle import ModelBundle
    from edgelingua.compressors import default_method, load_compressor
    from edgelingua.ort.providers import available
    from edgelingua.prompt import Prompt

    say(Finding("onnxruntime's providers", ", ".join(available())))
    shipped, built = shipped_bundles(), {}
    with contextlib.suppress(MissingExtraError, RuntimeError):  # nobody knows where they are kept
        built = {name: registry.bundle_folder(name) for name in registry.built_bundles()}
    for name, folder in (built | shipped).items():
        cure = "install edgelingua again" if folder in shipped.values() else "build it again"
        try:
            manifest = ModelBundle.open(folder).manifest
        except EdgeLinguaError as error:
            say(Finding(name, f"damaged: {error}", "fault", cure))
            continue
        size = sum(record.size for record in manifest.files.values()) / 1e6
        say(Finding(name, f"{len(manifest.files)} files, {size:.0f} MB, as its manifest says"))
    watch = Stopwatch()
    try:
        with watch.stage("load"):
            tool = load_compressor(default_method(None, question=False))
        with watch.stage("compress"):
            compressed = tool.compress(Prompt.build(TEXT), Budget(rate=0.5))
    except EdgeLinguaError as error:
        say(Finding("compression", "failed", "fault", str(error)))
        return
    counts = f"{compressed.tokens_in} tokens to {compressed.tokens_out}"
    say(Finding("compression", f"{counts}; {_cost(watch)}"))


def reader(path: str | None = None) -> None:
    """llama.cpp's build, and a short answer."""
    from edgelingua.llama.library import may_rearrange, system_info
    from edgelingua.llama.model import LlamaModel, Sampling

    say(Finding("llama.cpp's flags", system_info()))
    say(Finding("weights", f"{'may be' if may_rearrange() else 'never'} rearranged for this CPU"))
    if path is None:
        return
    watch = Stopwatch()
    try:
        with watch.stage("load"):
            model = LlamaModel(Path(path))
            session = model.session(min(256, model.trained_length))
        say(Finding("weights in memory", model.how_loaded))
        with watch.stage("read"):
            session.feed(np.concatenate([part.tokens for part in model.chat([("user", QUESTION)])]))
        with watch.stage("write"):
            sampler = model.sampler(session, Sampling(temperature=0))
            tokens = list(session.generate(sampler, 12, model.stop_tokens))
    except EdgeLinguaError as error:
        say(Finding("answer", "failed", "fault", str(error)))
        return
    answer = " ".join("".join(model.stream_text(iter(tokens))).split())
    say(Finding("answer", f"{answer!r}, {len(tokens)} tokens; {_cost(watch)}"))


def say(finding: Finding) -> None:
    """Hand a finding to the process that asked."""
    print(PREFIX + json.dumps(asdict(finding)), flush=True)


def _cost(watch: Stopwatch) -> str:
    parts = [f"{stage} {spent:.0f} ms" for stage, spent in watch.milliseconds.items()]
    peak = peak_rss_mb()
    return ", ".join(parts + ([f"at most {peak:.0f} MB"] if peak else []))


if __name__ == "__main__":
    {"compressor": compressor, "reader": reader}[sys.argv[1]](*sys.argv[2:])
