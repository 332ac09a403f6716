"""Answers (%) that survive at a fifth of the tokens."""  # benchmarks/methods/table.py

from collections.abc import Mapping

KEPT: Mapping[str, tuple[int | None, ...]] = {
    "question_aware": (65, 45, 42),
    "longllmlingua": (52, 42, 38),
    "llmlingua": (30, 38, 32),
    "selective_context": (35, 38, 32),
    "llmlingua2_question": (80, 65, 57),
    "llmlingua2": (100, 88, 92),
    "cpc": (92, 72, 48),
    "ehpc": (55, 50, 75),
    "bm25": (50, 72, 45),
    "random": (12, 12, 28),
    "truncate": (25, 40, 25),
}
"""On NaturalQuestions, HotpotQA and SQuAD."""
