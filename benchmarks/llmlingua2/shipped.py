"""The reference library against the shipped edgelingua-mini, where none of its weights are at hand.

The reference gets a token classifier of mini's shape and tokenizer with random weights: how fast it
is does not depend on them, what it keeps means nothing. ``--before`` is a checkout of an older
version, which takes its turn too. The text is twice examples/data/grant-1872.txt. Writes
``results.jsonl`` and ``table.md`` into ``shipped/`` beside this script.

    python -m venv ref && ref/bin/pip install torch==2.13.0 'transformers<4.47' llmlingua==0.2.2
    python -m benchmarks.llmlingua2.shipped --reference-python ref/bin/python
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from benchmarks.common.side_by_side import REFERENCE, Job, compare, ours, theirs

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DOCUMENT = ROOT / "examples" / "data" / "grant-1872.txt"
MINI = ROOT / "models" / "edgelingua-mini"
FIRST_CHARACTERS = 5800  # some 1,000 tokens

MAKE_WEIGHTS = """
import sys
from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast
folder, tokenizer = sys.argv[1:]
config = BertConfig(
    hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
)
BertForTokenClassification(config).save_pretrained(folder)
BertTokenizerFast(tokenizer_file=tokenizer, model_max_length=512).save_pretrained(folder)
"""


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference-python", required=True, help="where llmlingua is installed")
    parser.add_argument("--before", type=Path, help="a checkout of an older version")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=HERE / "shipped")
    options = parser.parse_args()
    python = options.reference_python
    with tempfile.TemporaryDirectory() as folder:
        # The reference chooses its tokenizer's conventions by the folder's name.
        weights = Path(folder) / "bert-base-multilingual-cased"
        tokenizer = MINI / "tokenizer.json"
        make = [python, "-c", MAKE_WEIGHTS, str(weights), str(tokenizer)]
        subprocess.run(make, check=True)
        text = Path(folder) / "text.txt"
        document = DOCUMENT.read_text(encoding="utf-8") * 2
        text.write_text(document, encoding="utf-8")
        job = Job("llmlingua2", text, FIRST_CHARACTERS, len(document))
        now = ours(job, MINI, "cpu-int8")
        sides = {REFERENCE: theirs(job, weights, python)}
        if options.before:
            before = options.before.resolve()
            path = f"PYTHONPATH={before}:{before / 'runtime'}"
            sides["edgelingua before"] = ["env", "-C", str(before), path, *now]
        options.output.mkdir(exist_ok=True)
        compare(job, sides | {"edgelingua now": now}, options.rounds, options.output)


if __name__ == "__main__":
    main()
