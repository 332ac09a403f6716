"""LLMLingua-2 on the same weights: the reference library against ours, in one run.

The weights are those of ``--weights``, a checkpoint that ``edgelingua-export train`` made, or else
all-MiniLM-L6-v2 with an untrained head (only time and memory are measured). The text is twice
examples/data/grant-1872.txt. Writes ``results.jsonl`` and ``table.md`` beside this script.

    python -m venv ref && ref/bin/pip install torch==2.13.0 'transformers<4.47' llmlingua==0.2.2
    python -m benchmarks.llmlingua2.run --reference-python ref/bin/python --weights OUT/model
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.common.side_by_side import REFERENCE, Job, arguments, compare, ours, theirs

from edgelingua_export.build import BuildOptions, build
from edgelingua_export.quantization.options import SearchOptions
from edgelingua_export.sources import find, load

HERE = Path(__file__).parent
DOCUMENT = HERE.parent.parent / "examples" / "data" / "grant-1872.txt"
FIRST_CHARACTERS = 5800  # some 1,000 tokens


def main() -> None:
    """Build the bundle, compare."""
    options = arguments(__doc__.splitlines()[0], "folder of a trained classifier")
    with tempfile.TemporaryDirectory() as folder:
        # The reference chooses its tokenizer's conventions by the folder's name.
        weights = Path(folder) / "bert-base-multilingual-cased"
        bundle = Path(folder) / "bundle"
        trained = options.weights is not None
        loaded = load(find(str(options.weights) if trained else "all-minilm-l6-v2"), "classifier")
        loaded.model.save_pretrained(weights)
        loaded.tokenizer.save_pretrained(weights)
        # A random head decides by the smallest differences: INT8 that keeps 98 % of its decisions
        # is slower than what a trained one needs.
        search = SearchOptions(max_loss=0.02 if trained else 0.05, objective="first")
        options_of_build = BuildOptions(keep_fp32=True, search=search)
        build(find(str(weights)), "classifier", bundle, options_of_build, print)
        text = Path(folder) / "text.txt"
        document = DOCUMENT.read_text(encoding="utf-8") * 2
        text.write_text(document, encoding="utf-8")
        job = Job("llmlingua2", text, FIRST_CHARACTERS, len(document))
        sides = {
            REFERENCE: theirs(job, weights, options.reference_python),
            "edgelingua fp32": ours(job, bundle, "cpu-fp32"),
            "edgelingua INT8": ours(job, bundle, "cpu-int8"),
        }
        compare(job, sides, options.rounds, HERE)


if __name__ == "__main__":
    main()
