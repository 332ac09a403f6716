"""LLMLingua on the same weights: the reference library against ours, in one run.

The causal LM is SmolLM2-135M-Instruct in fp32, as a Hugging Face folder made from the registry's
GGUF file; ours reads the same weights as fp32 and as INT8, and so does the oracle, the reference's
algorithm on our runtime (`tests.oracle`). The text is the beginning of
examples/data/grant-1872.txt as one context. Writes ``results.jsonl`` and ``table.md`` beside this
script.

    python -m venv ref && ref/bin/pip install torch==2.13.0 'transformers<4.47' llmlingua==0.2.2
    python -m benchmarks.llmlingua.run --reference-python ref/bin/python
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks.common.side_by_side import REFERENCE, Job, arguments, compare, ours, theirs

from edgelingua_export.build import BuildOptions, build
from edgelingua_export.sources import find, load

HERE = Path(__file__).parent
DOCUMENT = HERE.parent.parent / "examples" / "data" / "grant-1872.txt"
FIRST_CHARACTERS, CHARACTERS = 1300, 10_400  # some 250 and 2,000 tokens


def main() -> None:
    """Save the weights for both, build the bundle, compare."""
    options = arguments(__doc__.splitlines()[0])
    with tempfile.TemporaryDirectory() as folder:
        weights, bundle = Path(folder) / "smollm2-135m-instruct", Path(folder) / "bundle"
        loaded = load(find("smollm2-135m-instruct"), "scorer")
        loaded.model.save_pretrained(weights)
        loaded.tokenizer.save_pretrained(weights)
        _rename_tokenizer_class(weights)
        build(find(str(weights)), "scorer", bundle, BuildOptions(keep_fp32=True), print)
        job = Job("llmlingua", DOCUMENT, FIRST_CHARACTERS, CHARACTERS)
        sides = {
            REFERENCE: theirs(job, weights, options.reference_python),
            "edgelingua fp32": ours(job, bundle, "cpu-fp32"),
            "edgelingua INT8": ours(job, bundle, "cpu-int8"),
            "oracle, fp32": ours(job, bundle, "cpu-fp32", "llmlingua-oracle"),
            "oracle, INT8": ours(job, bundle, "cpu-int8", "llmlingua-oracle"),
        }
        compare(job, sides, options.rounds, HERE)


def _rename_tokenizer_class(weights: Path) -> None:
    """Older transformers, which the reference needs, do not know every class newer ones write."""
    path = weights / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(settings), encoding="utf-8")


if __name__ == "__main__":
    main()
