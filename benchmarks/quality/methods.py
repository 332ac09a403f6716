"""What is compared: the runtime's methods, made the way a user makes them."""

from __future__ import annotations

import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from benchmarks.common.weights import of_bundle
from benchmarks.quality.baselines import latest, without_function_words
from benchmarks.quality.survival import RATES

from edgelingua import Budget, load_compressor
from edgelingua.budget import Count
from edgelingua.compressed import Compressed
from edgelingua.compressors import Pruner, TokenPruner
from edgelingua.compressors.parts.by_language import EnglishPruner
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import SEPARATOR, Prompt

Needs = Literal["scorer", "mini", "nano", "multi", "sentence"]


@dataclass(frozen=True)
class Contender:
    """A line of the comparison.

    ``method`` is a name of the runtime's table or one of our own baselines; ``needs`` says which
    bundle it runs on; ``asks``: it is shown the question; ``second_pass``, ``document_rate`` and
    ``guard`` as in `TokenPruner` and `load_compressor`. Without a bundle, `llmlingua2` chooses its
    models by the language, as it does for everyone.
    """

    label: str
    method: str
    needs: Needs | None = None
    asks: bool = False
    second_pass: bool | None = None
    document_rate: float | None = None
    guard: bool | None = None

    @property
    def slow(self) -> bool:
        """Whether a causal LM reads the text."""
        return self.needs == "scorer"

    @property
    def ours(self) -> bool:
        """Whether it runs on one of the models of this project."""
        return self.needs in {"mini", "nano", "multi", "sentence"}

    def weights(self, bundles: Mapping[str, str]) -> str:
        """Fingerprint of what it runs on; empty where that is no model."""
        return of_bundle(bundles[self.needs]) if self.needs else ""


def _every_document(label: str, needs: Needs, *, second_pass: bool | None = False) -> Contender:
    """Of every document, whether or not it has something to say."""
    return Contender(
        label, "llmlingua2", needs, asks=True, second_pass=second_pass, document_rate=1
    )


CONTENDERS: Mapping[str, Contender] = {
    "truncate": Contender("truncation", "truncate"),
    "random": Contender("random words", "random"),
    "function-words": Contender("stop words out", "without_function_words"),
    "selective_context": Contender("Selective Context", "selective_context", "scorer"),
    "llmlingua": Contender("LLMLingua", "llmlingua", "scorer"),
    "mini": Contender("edgelingua-mini", "llmlingua2", "mini"),
    "nano": Contender("edgelingua-nano", "llmlingua2", "nano"),
    "bm25": Contender("BM25 sentences", "bm25", asks=True),
    "longllmlingua": Contender("LongLLMLingua", "longllmlingua", "scorer", asks=True),
    "question_aware": Contender("`question_aware`", "question_aware", "scorer", asks=True),
    "mini-question": Contender("edgelingua-mini", "llmlingua2", "mini", asks=True),
    "mini-every-document": _every_document(
        "edgelingua-mini, every document", "mini", second_pass=None
    ),
    "mini-one-pass": _every_document("edgelingua-mini, one pass, every document", "mini"),
    "mini-two-passes": _every_document("edgelingua-mini, second pass", "mini", second_pass=True),
    "mini-unguarded": Contender(
        "edgelingua-mini, no guard", "llmlingua2", "mini", asks=True, guard=False
    ),
    "nano-question": Contender("edgelingua-nano", "llmlingua2", "nano", asks=True),
    "multi-question": Contender("edgelingua-multi", "llmlingua2", "multi", asks=True),
    "cpc": Contender("CPC, edgelingua-sentence", "cpc", "sentence", asks=True),
    "nano-two-passes": _every_document("edgelingua-nano, second pass", "nano", second_pass=True),
}
"""Without the question first, then those that are shown it. Causal LM: SmolLM2-135M-Instruct."""

OWN = {"without_function_words": without_function_words, "latest": latest}


@dataclass(frozen=True, eq=False)
class Outcome:
    """A compression, and the seconds it took: of the clock, and of the processor."""

    compressed: Compressed
    seconds: float
    cpu_seconds: float


class Runner:
    """Compresses cases with one contender, one thread.

    A text is scored once and its scores serve all rates; the time that it took is added to each.

    Parameters
    ----------
    contender
        Which.
    bundle
        The folder or name of its bundle.
    count
        Counts tokens as the reader does.
    """

    def __init__(self, contender: Contender, bundle: str | Path | None, count: Count) -> None:
        self._contender, self._count = contender, count
        self._contexts: tuple[str, ...] = ()
        made: Pruner
        if contender.method in OWN:
            made = OWN[contender.method]()
        else:
            made = load_compressor(
                contender.method, bundle, guard=contender.guard, options=RunOptions(threads=1)
            )
        if isinstance(made, TokenPruner):
            passes, share = contender.second_pass, contender.document_rate
            made = replace(made, second_pass=passes, document_rate=share)
        self._memories = [Remembering(made.scorer)]
        if isinstance(made, EnglishPruner) and made.multilingual:
            pruner, unknown = made.multilingual()
            self._memories.append(Remembering(pruner.scorer))
            many = replace(pruner, scorer=cast(Any, self._memories[-1]))
            made = replace(made, multilingual=lambda: (many, unknown))
        # Some compressors name the kind of their scorer; this one answers as it does.
        self._compressor = replace(made, scorer=cast(Any, self._memories[0]))

    def compress(self, contexts: tuple[str, ...], question: str, rate: float) -> Outcome:
        """Keep ``rate`` of the contexts' tokens; a question that is shown comes on top of that."""
        asked = question if self._contender.asks else ""
        prompt = Prompt.build(contexts, question=asked)
        inside = prompt.text[: prompt.layout.compressible[1]]
        tokens = max(1, Budget(rate=rate).limit(self._count(inside)))
        tokens += self._count(SEPARATOR + asked) if asked else 0
        budget = Budget(tokens=tokens, count=self._count)
        for memory in self._memories:
            memory.saved = memory.saved_cpu = 0.0
        clock, cpu = time.perf_counter(), time.process_time()
        compressed = self._compressor.compress(prompt, budget)
        return Outcome(
            compressed,
            time.perf_counter() - clock + sum(memory.saved for memory in self._memories),
            time.process_time() - cpu + sum(memory.saved_cpu for memory in self._memories),
        )

    def outcomes(
        self, contexts: tuple[str, ...], question: str, rates: Sequence[float] = RATES
    ) -> list[Outcome]:
        """Compress at each of the rates.

        What was scored is remembered from rate to rate, and as long as the contexts are the same
        from question to question.
        """
        if contexts != self._contexts:
            for memory in self._memories:
                memory.forget()
            self._contexts = contexts
        return [self.compress(contexts, question, rate) for rate in rates]


class Remembering:
    """Stands in front of a scorer: what was scored before comes from memory.

    Only whole texts are remembered; what iterative methods read behind what they kept is not the
    same at two rates. ``saved`` and ``saved_cpu`` add up the seconds that the memory saved.
    """

    def __init__(self, scorer: Any) -> None:
        self._scorer = scorer
        self._known: dict[bytes, tuple[Any, float, float]] = {}
        self.saved = self.saved_cpu = 0.0

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._scorer, name)
        if name not in {"score", "score_each", "score_ids"}:
            return value

        def remembering(*arguments: Any) -> Any:
            key = pickle.dumps((name, arguments))
            if key in self._known:
                result, seconds, cpu = self._known[key]
                self.saved += seconds
                self.saved_cpu += cpu
                return result
            clock, spent = time.perf_counter(), time.process_time()
            result = value(*arguments)
            self._known[key] = (
                result,
                time.perf_counter() - clock,
                time.process_time() - spent,
            )
            return result

        return remembering

    def forget(self) -> None:
        """Forget everything."""
        self._known.clear()
