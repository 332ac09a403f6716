"""`Oracle`: the methods of the reference's ``PromptCompressor``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from edgelingua.budget import Count
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compat.checks import check_range, checked_texts
from edgelingua.compat.options import Llmlingua2Options
from edgelingua.ort.session import RunOptions
from edgelingua.scorers import ClassifierScorer, PerplexityScorer
from tests.oracle import json_text, llmlingua, llmlingua2, recover, structured
from tests.oracle.engine import Engine
from tests.oracle.options import OracleOptions

Texts = str | Sequence[str]


class Oracle:
    """What llmlingua 0.2.2 answers, on the model of a bundle.

    Methods take the reference's arguments by name. It is exact given the same tokens counted and
    the same sentences: nltk's splitter is not used.

    Parameters
    ----------
    folder
        A bundle: a ``classifier`` for LLMLingua-2, else a ``scorer``.
    use_llmlingua2
        As in the reference.
    count
        Stands where the reference counts with the tokenizer of gpt-3.5. Default: the bundle's.
    variant, options
        As in a scorer.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        use_llmlingua2: bool = False,
        count: Count | None = None,
        variant: str | None = None,
        options: RunOptions | None = None,
    ) -> None:
        bundle = ModelBundle.open(folder)
        kind = ClassifierScorer if use_llmlingua2 else PerplexityScorer
        scorer = kind(bundle, variant=variant, options=options)
        self.use_llmlingua2 = use_llmlingua2
        self._engine = Engine(bundle, scorer, count or scorer.count)

    def compress_prompt(self, context: Texts, **arguments: Any) -> dict[str, Any]:
        """Compress contexts; LLMLingua-2 drops without a word the arguments that it lacks."""
        if self.use_llmlingua2:
            known = {field.name for field in fields(Llmlingua2Options)}
            passed = {name: value for name, value in arguments.items() if name in known}
            # The two methods differ in this default.
            return self.compress_prompt_llmlingua2(
                context, **{"use_context_level_filter": True, **passed}
            )
        texts = checked_texts(context or [" "])
        options = OracleOptions(**arguments)
        check_range(options.force_context_ids, len(texts))
        return llmlingua.compress(self._engine, texts, options)

    def compress_prompt_llmlingua2(self, context: Texts, **arguments: Any) -> dict[str, Any]:
        """Compress contexts with a token classifier."""
        texts = checked_texts(context)
        options = Llmlingua2Options(**arguments)
        check_range(options.force_context_ids, len(texts))
        return llmlingua2.compress(self._engine, texts, options)

    def structured_compress_prompt(self, context: Texts, **arguments: Any) -> dict[str, Any]:
        """Compress contexts with tags."""
        texts = checked_texts(context or [" "])
        options = OracleOptions(**arguments)
        check_range(options.force_context_ids, len(texts))
        return structured.compress(self._engine, texts, options)

    def compress_json(
        self,
        json_data: Mapping[str, Any],
        json_config: Mapping[str, Mapping[str, Any]],
        *,
        use_keyvalue_level_filter: bool = False,
        reorder_keyvalue: str = "original",
        **arguments: Any,
    ) -> dict[str, Any]:
        """Compress the values of an object."""
        options = OracleOptions(
            use_context_level_filter=use_keyvalue_level_filter,
            reorder_context=reorder_keyvalue,
            concate_question=False,
            strict_preserve_uncompressed=False,
            **arguments,
        )
        return json_text.compress(self._engine, json_data, json_config, options)

    def recover(self, original_prompt: str, compressed_prompt: str, response: str) -> str:
        """Put the original's wording back into a response."""
        tokenizer = self._engine.tokenizer
        return recover.recover(tokenizer, original_prompt, compressed_prompt, response)
