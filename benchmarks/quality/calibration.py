"""Is P(keep) a probability? A classifier bundle on development sets that training did not see.

    python -m benchmarks.quality.calibration models/edgelingua-mini --data DIR

The labels are those of training: with a question, SQuAD 2.0 paragraphs and the ten paragraphs of
HotpotQA questions; without one, what SQuAD's questions ask for and the words of Universal
Dependencies PUD (English). Writes ``calibration.png`` and ``calibration.json`` into the folder.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.ort.session import RunOptions
from edgelingua.scorers import ClassifierScorer
from edgelingua_export.train.calibrate import HeldOut, calibration_error, reliability
from edgelingua_export.train.curves import draw_reliability
from edgelingua_export.train.labels import Example
from edgelingua_export.train.readers_qa import hotpot, squad, squad_answers
from edgelingua_export.train.readers_text import conllu


def main() -> None:
    """Score, compare with the labels, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder of the development sets")
    parser.add_argument("--limit", type=int, default=400, help="texts of each set")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    run = RunOptions(threads=options.threads)
    scorer = ClassifierScorer(ModelBundle.open(options.bundle), options=run)
    sets = {
        "question": {
            "SQuAD": spread(squad(options.data / "squad2_dev_first_half.json.gz"), options.limit),
            "HotpotQA": list(islice(hotpot(options.data / "hotpotqa_389.jsonl.gz"), options.limit)),
        },
        "text": {
            "SQuAD": spread(
                squad_answers(options.data / "squad2_dev_first_half.json.gz"), options.limit
            ),
            "UD PUD": spread(
                conllu(options.data / "languages" / "en_pud.conllu.gz"), options.limit
            ),
        },
    }
    parts, figures = dict[str, HeldOut](), dict[str, object]()
    for mode, examples in sets.items():
        scored = {f"{mode}: {name}": judged(scorer, found) for name, found in examples.items()}
        scored[mode] = HeldOut(
            np.concatenate([part.log_odds for part in scored.values()]),
            np.concatenate([part.labels for part in scored.values()]),
        )
        for name, part in scored.items():
            parts[name] = part
            figures[name] = {
                "tokens": len(part.labels),
                "error": round(calibration_error(part), 4),
                "mean_keep": round(float(_probability(part.log_odds).mean()), 4),
                "mean_label": round(float(part.labels.mean()), 4),
                "bins": [[round(p, 3), round(y, 3), n] for p, y, n in reliability(part)],
            }
    (options.bundle / "calibration.json").write_text(
        json.dumps(figures, indent=1) + "\n", encoding="utf-8"
    )
    draw(parts, options.bundle / "calibration.png")
    for name, row in figures.items():
        print(name, row)


def spread(examples: Iterable[Example], limit: int) -> Sequence[Example]:
    """Return ``limit`` examples from all over a set."""
    found = list(examples)
    return found[:: max(1, len(found) // limit)][:limit]


def judged(scorer: ClassifierScorer, examples: Sequence[Example]) -> HeldOut:
    """Score examples; return the log-odds of all their tokens and the labels."""
    pairs = [(scorer.score(e.text, e.question), e) for e in examples]
    keep = np.concatenate([scores.scores for scores, _ in pairs]).clip(1e-6, 1 - 1e-6)
    labels = np.concatenate([example.labels(scores.spans) for scores, example in pairs])
    return HeldOut(np.log(keep / (1 - keep)), labels)


def _probability(log_odds: NDArray[np.float32]) -> NDArray[np.float32]:
    return 1 / (1 + np.exp(-log_odds))


def draw(parts: dict[str, HeldOut], picture: Path) -> None:
    """Draw the reliability of each set."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    draw_reliability(figure.subplots(), parts)
    figure.savefig(picture, dpi=100)


if __name__ == "__main__":
    main()
