"""PromptCompressor: the class that users of llmlingua 0.2.2 know, with the same signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from edgelingua.budget import Counting
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.compat import effects
from edgelingua.compat.checks import (
    check_mapping,
    check_string,
    checked_ids,
    checked_parts,
    checked_strings,
    checked_texts,
)
from edgelingua.compat.methods import classifier, json_objects, llmlingua, llmlingua2, recover
from edgelingua.compat.options import (
    CHUNK_ENDS,
    MAX_FORCE_TOKENS,
    CompressOptions,
    Engine,
    Llmlingua2Options,
)
from edgelingua.compat.tags import parse
from edgelingua.errors import InputError
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions
from edgelingua.scorers import ClassifierScorer, PerplexityScorer
from edgelingua.system.caller import warn_caller
from edgelingua.text.counting import ESTIMATE, counted_in, counter

_NO_QUIRKS = (
    "quirks: the reference's defects are not reproduced any more; leave the argument out for the "
    "same interface without them, or use PyPI llmlingua 0.2.2 where its exact output is needed"
)
Options = TypeVar("Options", CompressOptions, Llmlingua2Options)

_CONFIG = {"max_batch_size", "max_force_token"}


class PromptCompressor:
    """Compress prompts: LLMLingua, LongLLMLingua and LLMLingua-2.

    Arguments, their order, their defaults and the keys of what comes back are those of llmlingua
    0.2.2 (Jiang et al. 2023, arXiv:2310.05736 and arXiv:2310.06839; Pan et al. 2024,
    arXiv:2403.12968). What they do is our compressors' doing, without the reference's defects:
    ``rate`` and ``target_token`` are of the whole output (there ``target_token`` is of the contexts
    alone), ``context_budget`` takes ``+N`` and ``-N`` only, and an argument that has no effect on
    this engine or prompt is warned about.

    Parameters
    ----------
    model_name
        A bundle: its folder, or the name of one that was shipped or built. Default: the default
        scorer, and with ``use_llmlingua2`` edgelingua-mini, or for texts that are not English
        edgelingua-multi where it is installed.
    device_map
        Taken so that calls keep working, by default ``cpu`` (there ``cuda``); what runs where is
        said by ``options``. A warning says so when it is not ``cpu``.
    model_config, open_api_config
        Taken and not used: the bundle's manifest says how to load the model, and the ways to rank
        that ask a hosted service are refused.
    use_llmlingua2
        Prune with a token classifier; ``model_name`` is then a classifier bundle.
    llmlingua2_config
        ``max_force_token``: the most forced tokens. ``max_batch_size`` is taken and not used.
    quirks
        Gone; refused with a message that says what to do.
    count
        Counts tokens where the reference uses the tokenizer of gpt-3.5: a function, a tokenizer
        (``tiktoken.encoding_for_model("gpt-3.5-turbo")``), or the path of a ``tokenizer.json`` or
        ``.gguf`` file. Default: an estimate, rather too high. Results say which, as ``counted_in``.
    variant
        The graph to use; by default the bundle's first.
    options
        Threads and device.

    Raises
    ------
    InputError
        An argument is not one of those named above, or one that is gone.
    ModelNotFoundError, BundleError, InferenceError
        The bundle is not there, damaged, for another task, or does not run.
    """

    def __init__(
        self,
        model_name: str | None = None,
        device_map: str = "cpu",
        model_config: Mapping[str, Any] | None = None,
        open_api_config: Mapping[str, Any] | None = None,
        use_llmlingua2: bool = False,
        llmlingua2_config: Mapping[str, Any] | None = None,
        *,
        quirks: None = None,
        count: Counting | None = None,
        variant: str | None = None,
        options: RunOptions | None = None,
    ) -> None:
        if quirks is not None:
            raise InputError(_NO_QUIRKS)
        _check_device(device_map)
        self.use_llmlingua2 = use_llmlingua2
        if model_name is None:
            folder = registry.default_bundle("classifier" if use_llmlingua2 else "scorer")
        else:
            folder = registry.find_bundle(str(model_name))
        bundle = ModelBundle.open(folder)
        self.model_name = str(model_name or folder.name)
        kind = ClassifierScorer if use_llmlingua2 else PerplexityScorer
        chosen = use_llmlingua2 and model_name is None
        self._engine = Engine(
            kind(bundle, variant=variant, options=options),
            ESTIMATE if count is None else counter(count),
            _max_force_tokens({} if llmlingua2_config is None else llmlingua2_config),
            chosen,
            classifier.multilingual(options) if chosen else None,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Do what `compress_prompt` does."""
        return self.compress_prompt(*args, **kwargs)

    def compress_prompt(
        self,
        context: str | Sequence[str],
        instruction: str = "",
        question: str = "",
        rate: float = 0.5,
        target_token: float = -1,
        iterative_size: int = 200,
        force_context_ids: Sequence[int] | None = None,
        force_context_number: int | None = None,
        use_sentence_level_filter: bool = False,
        use_context_level_filter: bool = True,
        use_token_level_filter: bool = True,
        keep_split: bool = False,
        keep_first_sentence: int = 0,
        keep_last_sentence: int = 0,
        keep_sentence_number: int = 0,
        high_priority_bonus: int = 100,
        context_budget: str = "+100",
        token_budget_ratio: float = 1.4,
        condition_in_question: str = "none",
        reorder_context: str = "original",
        dynamic_context_compression_ratio: float = 0.0,
        condition_compare: bool = False,
        add_instruction: bool = False,
        rank_method: str = "llmlingua",
        concate_question: bool = True,
        context_segs: Sequence[Sequence[str]] | None = None,
        context_segs_rate: Sequence[Sequence[float]] | None = None,
        context_segs_compress: Sequence[Sequence[bool]] | None = None,
        target_context: int = -1,
        context_level_rate: float = 1.0,
        context_level_target_token: int = -1,
        return_word_label: bool = False,
        word_sep: str = "\t\t|\t\t",
        label_sep: str = " ",
        token_to_word: str = "mean",
        force_tokens: Sequence[str] | None = None,
        force_reserve_digit: bool = False,
        drop_consecutive: bool = False,
        chunk_end_tokens: Sequence[str] | None = None,
        strict_preserve_uncompressed: bool = True,
    ) -> dict[str, Any]:
        """Compress a prompt: ``context``, between ``instruction`` and ``question``.

        With ``use_llmlingua2`` only the arguments that `compress_prompt_llmlingua2` has count: as
        in llmlingua 0.2.2, instruction and question are then no part of the output.

        ``target_token`` counts the whole output, instruction and question included, and wins over
        ``rate``. ``context_budget`` is ``+N`` or ``-N`` tokens of contexts chosen beyond the
        budget, which holds all the same. Without ``use_token_level_filter`` whole sentences go if
        those are filtered, else whole contexts, else nothing.

        Raises
        ------
        InputError
            An argument is of the wrong type or out of range, or the prompt cannot be compressed.
        """
        arguments = locals()
        given = effects.given(self.compress_prompt, arguments)
        if self.use_llmlingua2:
            texts = checked_texts(context)
            options = _llmlingua2_options(arguments)
            return self._told(llmlingua2.compress(self._engine, texts, options, given))
        contexts = _contexts(context)
        parts = checked_parts(context_segs, context_segs_rate, context_segs_compress, contexts)
        compressed = llmlingua.compress(self._engine, parts, _compress_options(arguments), given)
        return self._told(compressed)

    def compress_prompt_llmlingua2(
        self,
        context: str | Sequence[str],
        rate: float = 0.5,
        target_token: float = -1,
        use_context_level_filter: bool = False,
        use_token_level_filter: bool = True,
        target_context: int = -1,
        context_level_rate: float = 1.0,
        context_level_target_token: int = -1,
        force_context_ids: Sequence[int] | None = None,
        return_word_label: bool = False,
        word_sep: str = "\t\t|\t\t",
        label_sep: str = " ",
        token_to_word: str = "mean",
        force_tokens: Sequence[str] | None = None,
        force_reserve_digit: bool = False,
        drop_consecutive: bool = False,
        chunk_end_tokens: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Compress contexts with a token classifier.

        Raises
        ------
        InputError
            An argument is of the wrong type or out of range, a context cannot be compressed, or
            the compressor was made without ``use_llmlingua2``.
        """
        arguments = locals()
        given = effects.given(self.compress_prompt_llmlingua2, arguments)
        if not self.use_llmlingua2:
            raise InputError("LLMLingua-2 needs PromptCompressor(…, use_llmlingua2=True)")
        texts = checked_texts(context)
        options = _llmlingua2_options(arguments)
        return self._told(llmlingua2.compress(self._engine, texts, options, given))

    def structured_compress_prompt(
        self,
        context: str | Sequence[str],
        instruction: str = "",
        question: str = "",
        rate: float = 0.5,
        target_token: float = -1,
        iterative_size: int = 200,
        force_context_ids: Sequence[int] | None = None,
        force_context_number: int | None = None,
        use_sentence_level_filter: bool = False,
        use_context_level_filter: bool = True,
        use_token_level_filter: bool = True,
        keep_split: bool = False,
        keep_first_sentence: int = 0,
        keep_last_sentence: int = 0,
        keep_sentence_number: int = 0,
        high_priority_bonus: int = 100,
        context_budget: str = "+100",
        token_budget_ratio: float = 1.4,
        condition_in_question: str = "none",
        reorder_context: str = "original",
        dynamic_context_compression_ratio: float = 0.0,
        condition_compare: bool = False,
        add_instruction: bool = False,
        rank_method: str = "llmlingua",
        concate_question: bool = True,
        strict_preserve_uncompressed: bool = True,
    ) -> dict[str, Any]:
        """Compress contexts with tags: ``<llmlingua, rate=0.3, compress=True>…</llmlingua>``.

        Raises
        ------
        InputError
            An argument is of the wrong type or out of range, or the prompt cannot be compressed.
        """
        arguments = locals()
        given = effects.given(self.structured_compress_prompt, arguments)
        options = _compress_options(arguments)
        parts = [parse(text) for text in _contexts(context)]
        return self._told(llmlingua.compress(self._engine, parts, options, given))

    def compress_json(
        self,
        json_data: Mapping[str, Any],
        json_config: str | Mapping[str, Mapping[str, Any]],
        instruction: str = "",
        question: str = "",
        rate: float = 0.5,
        target_token: float = -1,
        iterative_size: int = 200,
        use_sentence_level_filter: bool = False,
        use_keyvalue_level_filter: bool = False,
        use_token_level_filter: bool = True,
        keep_split: bool = False,
        keep_first_sentence: int = 0,
        keep_last_sentence: int = 0,
        keep_sentence_number: int = 0,
        high_priority_bonus: int = 100,
        context_budget: str = "+100",
        token_budget_ratio: float = 1.4,
        condition_in_question: str = "none",
        reorder_keyvalue: str = "original",
        condition_compare: bool = False,
        rank_method: str = "llmlingua",
    ) -> dict[str, Any]:
        """Compress the values of an object, key by key as ``json_config`` says.

        ``json_config``: per key ``rate``, ``compress``, ``value_type`` and ``pair_remove``; or the
        path of a YAML file with that. ``compressed_prompt`` of the result is an object again.
        ``target_token`` counts that object, written as JSON. With ``use_keyvalue_level_filter``
        pairs that may be removed go whole where they do not fit; ``reorder_keyvalue`` has no
        effect: pairs stay in order.

        Raises
        ------
        InputError
            An argument is of the wrong type or out of range, the keys of data and configuration
            differ, or the data is no JSON.
        MissingExtraError
            The configuration is a file and PyYAML is not installed.
        """
        arguments = locals()
        given = effects.given(self.compress_json, arguments)
        options = _gathered(
            CompressOptions,
            arguments,
            {
                "use_context_level_filter": use_keyvalue_level_filter,
                "reorder_context": reorder_keyvalue,
            },
        )
        compressed = json_objects.compress(self._engine, json_data, json_config, options, given)
        return self._told(compressed)

    def _told(self, result: dict[str, Any]) -> dict[str, Any]:
        """Add whose tokens ``origin_tokens`` and ``compressed_tokens`` are."""
        return result | {"counted_in": counted_in(self._engine.count)}

    def recover(self, original_prompt: str, compressed_prompt: str, response: str) -> str:
        """Put the original's wording back into a response that quotes the compressed prompt.

        Of two words or more in a row that stand so in the compressed prompt, what was dropped
        between them in the original comes back, up to 80 characters at a time.

        Raises
        ------
        InputError
            One of them is no text.
        """
        check_string("original_prompt", original_prompt)
        check_string("compressed_prompt", compressed_prompt)
        check_string("response", response)
        return recover.recover(original_prompt, compressed_prompt, response)


def _contexts(context: str | Sequence[str]) -> list[str]:
    """Return contexts as a list; none at all are a blank one, as in llmlingua 0.2.2."""
    if context is None:
        raise InputError("context: expected a str or a list of str, got None")
    return checked_texts(context or [" "])


def _gathered(
    kind: type[Options], arguments: Mapping[str, Any], other: Mapping[str, Any]
) -> Options:
    """Return the options among the arguments of a call; ``other``: those it has in another form."""
    named = {f.name: arguments[f.name] for f in fields(kind) if f.name in arguments}
    return kind(**{**named, **other})


def _compress_options(arguments: Mapping[str, Any]) -> CompressOptions:
    ids = checked_ids(arguments["force_context_ids"])
    return _gathered(CompressOptions, arguments, {"force_context_ids": ids})


def _llmlingua2_options(arguments: Mapping[str, Any]) -> Llmlingua2Options:
    other = {
        "force_context_ids": checked_ids(arguments["force_context_ids"]),
        "force_tokens": checked_strings("force_tokens", arguments["force_tokens"]),
        "chunk_end_tokens": checked_strings(
            "chunk_end_tokens", arguments["chunk_end_tokens"], CHUNK_ENDS
        ),
    }
    return _gathered(Llmlingua2Options, arguments, other)


def _check_device(device_map: str) -> None:
    if device_map != "cpu":
        warn_caller(
            f"device_map={device_map!r} has no effect: what runs where is said by "
            "options=RunOptions(device=…)"
        )


def _max_force_tokens(config: Mapping[str, Any]) -> int:
    check_mapping("llmlingua2_config", config)
    if unknown := set(config) - _CONFIG:
        raise InputError(
            f"llmlingua2_config: unknown {', '.join(sorted(map(str, unknown)))}; expected "
            f"{', '.join(sorted(_CONFIG))}"
        )
    most = config.get("max_force_token", MAX_FORCE_TOKENS)
    if isinstance(most, bool) or not isinstance(most, int) or most < 0:
        raise InputError(f"max_force_token: expected a number of tokens, got {most!r}")
    return most
