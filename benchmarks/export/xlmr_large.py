"""What to expect with the published LLMLingua-2 checkpoints: time and memory at their size.

Makes an XLM-RoBERTa-large token classifier with random weights and a Unigram tokenizer of full
size, exports it as a user would, and scores a document with the INT8 bundle. Each stage runs in a
process of its own, which reports its peak. Writes ``xlmr_large.json`` beside this script. Random
weights say nothing about quality, only about time and memory. Needs 10 GB of disk in the temporary
folder.

    python -m benchmarks.export.xlmr_large
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common.machine import machine

HERE = Path(__file__).parent
ME = (sys.executable, "-m", "benchmarks.export.xlmr_large")
DOCUMENT = HERE.parent.parent / "examples" / "data" / "grant-1872.txt"
VOCABULARY = 250_002
RUNS = 5


def main() -> None:
    """Run the stages one after the other, each in its own process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help="work here, and leave what was made")
    options = parser.parse_args()
    if options.stage:
        print(json.dumps(STAGES[options.stage](options.folder)))
        return
    if options.folder:
        run(options.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder))


def run(folder: Path) -> None:
    """Run every stage and write the results."""
    results: dict[str, Any] = {"machine": machine()}
    for stage in STAGES:
        command = [*ME, "--stage", stage, "--folder", str(folder)]
        started = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        spent = time.perf_counter() - started
        results[stage] = {"process_seconds": round(spent, 1), **json.loads(done.stdout)}
        print(stage, json.dumps(results[stage], indent=2), file=sys.stderr)
    (HERE / "xlmr_large.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def checkpoint(folder: Path) -> dict[str, Any]:
    """Save model and tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram
    from tokenizers.trainers import UnigramTrainer
    from transformers import (
        XLMRobertaConfig,
        XLMRobertaForTokenClassification,
        XLMRobertaTokenizerFast,
    )

    special = ["<s>", "<pad>", "</s>", "<unk>"]
    small = Tokenizer(Unigram())
    small.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = UnigramTrainer(
        vocab_size=8000, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    small.train([str(DOCUMENT)], trainer)
    pieces = json.loads(small.to_str())["model"]["vocab"]
    # The rest is never found in a text, and only takes the room that it takes.
    rare = min(score for _, score in pieces) - 1
    pieces += [[f"\ue000{n}", rare] for n in range(VOCABULARY - 1 - len(pieces))]
    tokenizer = Tokenizer(Unigram([tuple(piece) for piece in pieces], unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    XLMRobertaTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder / "checkpoint")

    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=VOCABULARY,
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        # Half the usual: INT8's errors grow from layer to layer where no training held them down.
        initializer_range=0.01,
    )
    model = XLMRobertaForTokenClassification(config)
    model.save_pretrained(folder / "checkpoint")
    size = sum(path.stat().st_size for path in (folder / "checkpoint").iterdir())
    return {"parameters": model.num_parameters(), "mb": round(size / 1e6)}


def export(folder: Path) -> dict[str, Any]:
    """Build the bundle; say when each step began, and the peak of memory until then."""
    from edgelingua.system.measure import peak_rss_mb
    from edgelingua_export.build import BuildOptions, build
    from edgelingua_export.quantization.options import SearchOptions
    from edgelingua_export.sources import find

    steps = []

    def report(line: str) -> None:
        steps.append({"step": line, "peak_rss_mb_before": round(peak_rss_mb() or 0)})
        print(steps[-1], file=sys.stderr, flush=True)

    started = time.perf_counter()
    source = find(str(folder / "checkpoint"))
    options = BuildOptions(replace=True, search=SearchOptions(objective="first"))
    manifest = build(source, "classifier", folder / "bundle", options, report)
    size = sum(record.size for record in manifest.files.values())
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "peak_rss_mb": round(peak_rss_mb() or 0),
        "bundle_mb": round(size / 1e6),
        "fused": manifest.recipe["fused"],
        "parity": dict(manifest.parity),
        "steps": steps,
    }


def inference(folder: Path) -> dict[str, Any]:
    """Open the bundle and score a document, which is most of what compressing does."""
    from edgelingua.bundle.bundle import ModelBundle
    from edgelingua.scorers.classifier import ClassifierScorer
    from edgelingua.system.measure import peak_rss_mb

    started = time.perf_counter()
    bundle = ModelBundle.open(folder / "bundle")
    opened = time.perf_counter()
    scorer = ClassifierScorer(bundle)
    loaded = time.perf_counter()
    ids = scorer.tokenizer.encode(DOCUMENT.read_text(encoding="utf-8")).ids
    speeds = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        scorer.score_ids(ids)
        speeds.append(len(ids) / (time.perf_counter() - begun))
    return {
        "open_seconds": round(opened - started, 2),
        "load_seconds": round(loaded - opened, 2),
        "tokens": len(ids),
        "tokens_per_second": round(sorted(speeds)[RUNS // 2], 1),
        "runs": RUNS,
        "peak_rss_mb": round(peak_rss_mb() or 0),
    }


STAGES = {"checkpoint": checkpoint, "export": export, "inference": inference}

if __name__ == "__main__":
    main()
