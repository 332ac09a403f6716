"""What a fifth of the tokens is worth, by method."""  # benchmarks/methods/table.py

from collections.abc import Mapping

KEPT: Mapping[str, tuple[int | None, ...]] = {
    "question_aware": (65, 45, 42),
    "longllmlingua": (52, 42, 38),
    "llmlingua": (30, 38, 32),
    "selective_context": (35, 38, 32),
    "llmlingua2_question": (80, 65, 57),
    "llmlingua2": (100, 92, 95),
    "cpc": (92, 72, 48),
    "ehpc": (55, 50, 75),
    "bm25": (50, 72, 45),
    "random": (12, 12, 28),
    "truncate": (25, 40, 25),
}
"""Answers (%) that survive on NaturalQuestions, HotpotQA and SQuAD."""

F1: Mapping[str, float] = {
    "question_aware": 0.35,
    "longllmlingua": 0.36,
    "llmlingua": 0.24,
    "selective_context": 0.29,
    "llmlingua2_question": 0.51,
    "llmlingua2": 0.75,
    "cpc": 0.51,
    "bm25": 0.45,
    "random": 0.20,
    "truncate": 0.34,
}
"""Of what a reader of 1.5 billion parameters answers on SQuAD."""

F1_WHOLE = 0.79
"""The same from the whole text."""
