"""Random texts through both shipped bundles, and what holds of every result.

``python -m tests.fuzz 100000`` tries more than CI does, and prints a line for
``benchmarks/reliability/fuzz.jsonl``. A case is made from its number alone.
"""

from __future__ import annotations

import json
import random
import re
import sys
from functools import cache
from typing import Any, get_args

from edgelingua.budget import Budget
from edgelingua.compressed import Compressed
from edgelingua.compressors import TokenPruner, load_compressor
from edgelingua.errors import BudgetError, InputError
from edgelingua.explain import page
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import Prompt
from edgelingua.selection.units import Level
from edgelingua.text.structure import Mode
from tests.compressors.test_compress import check
from tests.conftest import TEXTS

# A stretch of letters of each of many scripts, and what else breaks naive code.
SCRIPTS = (
    (0x20, 0x7E), (0xA1, 0xFF), (0x100, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x531, 0x58F),
    (0x5D0, 0x5EA), (0x600, 0x6FF), (0x700, 0x74F), (0x900, 0x97F), (0x980, 0x9FF), (0xA00, 0xA7F),
    (0xB80, 0xBFF), (0xE01, 0xE5B), (0xE80, 0xEDF), (0xF00, 0xFDA), (0x1000, 0x109F),
    (0x10A0, 0x10FF), (0x1200, 0x137F), (0x13A0, 0x13F5), (0x1780, 0x17F9), (0x1820, 0x18AA),
    (0x2000, 0x206F), (0x2070, 0x209C), (0x20A0, 0x20BF), (0x2190, 0x21FF), (0x2200, 0x22FF),
    (0x300, 0x36F), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFB50, 0xFDFF),
    (0xFF01, 0xFF9F), (0x1F1E6, 0x1F1FF), (0x1F300, 0x1F64F), (0x1F3FB, 0x1F3FF),
    (0x10330, 0x1034A), (0x1D400, 0x1D7FF), (0x20000, 0x2A6DF), (0xE000, 0xE010), (0xFE00, 0xFE0F),
)  # fmt: skip
STRUCTURES = (
    '{"id": 17, "tags": ["a", "b"], "text": "He said no."}',
    "```python\ndef f(x):\n    # twice\n    return 2 * x\n```",
    "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |",
    "<table><tr><td>1</td></tr></table>",
)
JOINTS = (
    " ",
    " ",
    " ",
    "",
    "\n",
    "\n\n",
    ". ",
    ", ",
    "\t",
    " - ",
    "-",
    "'",
    "\u200d",
    "\r\n",
    "?! ",
)
NAMES = ("edgelingua-nano",) * 9 + ("edgelingua-mini",)


@cache
def compressor(name: str) -> TokenPruner:
    """One of the shipped bundles."""
    loaded = load_compressor("llmlingua2", name, options=RunOptions(threads=1))
    assert isinstance(loaded, TokenPruner)
    return loaded


def word(draw: random.Random) -> str:
    """A few characters of one script, a number, a negation, or a stretch of a sample."""
    kind = draw.random()
    if kind < 0.1:
        return draw.choice(
            ("not", "never", "15,500,000", "3.14", "$5", "don't", "<|im_end|>", "[SEP]")
        )
    if kind < 0.3:
        sample = draw.choice(list(TEXTS.values()))
        at = draw.randrange(len(sample))
        return sample[at : at + draw.randrange(1, 30)]
    low, high = draw.choice(SCRIPTS)
    return "".join(chr(draw.randint(low, high)) for _ in range(draw.randint(1, 9)))


def text(draw: random.Random) -> str:
    """A text of up to some thirty words."""
    pieces = [word(draw) + draw.choice(JOINTS) for _ in range(draw.randint(1, 30))]
    if draw.random() < 0.2:
        pieces.insert(draw.randrange(len(pieces) + 1), f"\n\n{draw.choice(STRUCTURES)}\n\n")
    return "".join(pieces)


def case(number: int) -> Compressed | None:
    """Compress a random text in a random way, and check what came out; ``None`` if refused."""
    draw = random.Random(number)
    loaded = compressor(draw.choice(NAMES))
    level = draw.choice(get_args(Level))
    texts = [text(draw) for _ in range(draw.choice((1, 1, 1, 2, 3)))]
    options: dict[str, Any] = {}
    if draw.random() < 0.3:
        source = draw.choice(texts)
        at = draw.randrange(len(source))
        options["pin"] = source[at : at + draw.randint(1, 8)]
    elif draw.random() < 0.2:
        options["pin"] = re.compile(r"\d")
    if draw.random() < 0.3:
        options["question"] = text(draw)
    if draw.random() < 0.2:
        options["instruction"] = text(draw)
    mode = draw.choice((*get_args(Mode), "off"))
    rate = draw.choice((0.1, 0.33, 0.5, 0.8, 1.0, draw.random() or 0.5))
    try:
        prompt = Prompt.build(texts, structure=mode, **options)
        pruner = loaded.with_options(level=level)
        compressed = pruner.compress(prompt, Budget(rate=rate))
    except (BudgetError, InputError):
        return None
    # Slices of the prompt in order; within the budget; what is protected is kept; separators whole;
    # no words run together; units tile the prompt and are kept whole or dropped; no room wasted.
    check(compressed, compressed.prompt, pruner.count)  # which lacks pins that were let go
    if number % 5 == 0:
        again = pruner.compress(prompt, Budget(rate=rate))
        assert again.spans.tolist() == compressed.spans.tolist(), "another result"
        assert "".join(row.text for row in compressed.explain()) == prompt.text
        assert json.dumps(page(compressed))
    return compressed


def run(first: int, count: int) -> tuple[int, list[str]]:
    """Try so many cases; return how many were compressed, and the faults."""
    done, faults = 0, []
    for number in range(first, first + count):
        try:
            done += case(number) is not None
        except Exception as error:
            faults.append(f"{number}: {type(error).__name__}: {error}"[:300])
    return done, faults


if __name__ == "__main__":
    count, first = int(sys.argv[1]), int((sys.argv[2:] or ["0"])[0])
    done, wrong = run(first, count)
    print(json.dumps({"first": first, "texts": count, "compressed": done, "faults": wrong}))
    sys.exit(bool(wrong))
