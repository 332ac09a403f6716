"""One file per method, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from edgelingua.budget import Budget, Count, Counting
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import MANIFEST, Manifest, Task
from edgelingua.compressed import Compressed
from edgelingua.compressors.parts.by_language import EnglishPruner, Opened, multilingual
from edgelingua.compressors.parts.pruner import Pruner
from edgelingua.compressors.parts.token_pruner import TokenPruner
from edgelingua.errors import InputError
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import Prompt
from edgelingua.scores import Progress
from edgelingua.selection.units import Level, Rules

if TYPE_CHECKING:
    from edgelingua.compressors.cpc import with_index
    from edgelingua.compressors.parts.coarse_to_fine import CoarseToFine
    from edgelingua.compressors.parts.document_filter import DocumentFilter
    from edgelingua.compressors.scope import Rewritten, Scope, Writer
    from edgelingua.scorers.heads import Looker

__all__ = [
    "METHODS",
    "REWRITERS",
    "CoarseToFine",
    "Compressor",
    "DocumentFilter",
    "Level",
    "Method",
    "Pruner",
    "Rewritten",
    "Rules",
    "Scope",
    "TokenPruner",
    "load_compressor",
    "load_scope",
    "with_index",
]


class Compressor(Protocol):
    """Compresses prompts."""

    @property
    def count(self) -> Count:
        """Counts tokens for budgets that bring no ``count``."""
        ...

    def compress(
        self, prompt: Prompt, budget: Budget, progress: Progress | None = None
    ) -> Compressed:
        """Return the best slices of ``prompt`` that fit ``budget``."""
        ...


@dataclass(frozen=True)
class Method:
    """A row of the table: what a method does, where it is from, the kind of bundle it runs on.

    ``make`` takes ``(ModelBundle, RunOptions | None)``, or nothing where ``task`` is ``None``; with
    ``has_ranker``, also the scorer bundle that ranks passages, or ``None``. ``with_reader`` takes
    what a reader gives instead of a bundle. ``published``: a figure of the source, in its own
    setting; ``reads_with``: which reader it takes; ``when``: when to use it here, or that it is not
    worth using.
    """

    summary: str
    source: str
    task: Task | None
    make: Callable[..., Pruner]
    needs_question: bool = False
    has_ranker: bool = False
    with_reader: Callable[..., Pruner] | None = None
    reads_with: str = ""
    published: str = "-"
    when: str = ""

    @property
    def needs(self) -> str:
        """What it takes, in words."""
        needs = [f"{self.task} bundle"] if self.task else []
        needs += [self.reads_with] if self.reads_with else []
        needs += ["a question"] if self.needs_question else []
        return ", ".join(needs) or "nothing"


def _make(module: str, name: str = "make") -> Callable[..., Pruner]:
    """Return ``make`` of a method's file, which is imported when it is called: few need many."""

    def make(*arguments: Any) -> Any:
        return getattr(import_module(f"edgelingua.compressors.{module}"), name)(*arguments)

    return make


METHODS: Mapping[str, Method] = {
    "question_aware": Method(
        "passages ranked by how well they predict the question, then token pruning",
        "after LongLLMLingua, arXiv:2310.06839",
        "scorer",
        _make("question_aware"),
        needs_question=True,
        when=(
            "with a causal LM and no classifier, where bm25 fails; not worth using else: a reader "
            "answers more from bm25's text, made in a hundredth of the time"
        ),
    ),
    "longllmlingua": Method(
        "documents ranked by the question, tokens by contrastive perplexity",
        "arXiv:2310.06839",
        "scorer",
        _make("longllmlingua"),
        needs_question=True,
        published="NaturalQuestions, 20 documents: 71.2 to 75.0 at 4x, whole prompt 54.1 to 75.7",
        when=(
            "to reproduce it; not worth using: a reader answers more from bm25's text, made in a "
            "hundredth of the time, and far more from llmlingua2's"
        ),
    ),
    "llmlingua": Method(
        "documents, then tokens that surprise a causal LM, iteratively",
        "arXiv:2310.05736",
        "scorer",
        _make("llmlingua"),
        published="GSM8K: 77.3 exact at 20x, whole prompt 78.9",
        when=(
            "worked examples at 2x to 5x; not worth using for questions, it does not see them: a "
            "reader answers more from the text's beginning"
        ),
    ),
    "selective_context": Method(
        "drop the phrases a causal LM saw coming",
        "arXiv:2310.06201",
        "scorer",
        _make("selective_context"),
        published="half the context: 0.023 less BERTScore, 0.038 less faithfulness",
        when=(
            "without a question and a classifier; not worth using to keep answers: a reader "
            "answers more from the text's beginning"
        ),
    ),
    "llmlingua2_question": Method(
        "passages ranked by the question, then a token classifier",
        "after arXiv:2310.06839, arXiv:2403.12968",
        "classifier",
        _make("llmlingua2_question"),
        needs_question=True,
        has_ranker=True,
        when="with a classifier of your own that reads no question",
    ),
    "llmlingua2": Method(
        "a token classifier decides what to keep",
        "arXiv:2403.12968",
        "classifier",
        _make("llmlingua2"),
        published="MeetingBank QA: 86.9 exact at 3x, whole 87.8",
        when="nearly always: the default",
    ),
    "cpc": Method(
        "whole sentences whose vectors, made in their context, lie nearest to the question's",
        "arXiv:2409.01227",
        "encoder",
        _make("cpc"),
        needs_question=True,
        published="10.9 times as fast as token pruning",
        when="many questions about one text, or text that people read",
    ),
    "ehpc": Method(
        "tokens that evaluator heads of a causal LM look at while it reads the question",
        "arXiv:2501.12959",
        "scorer",
        _make("ehpc"),
        needs_question=True,
        with_reader=_make("ehpc", "with_reader"),
        reads_with="or a reader",
        published="LongBench: 49.6 at 2,000 tokens",
        when=(
            "where a causal LM has to choose and time matters; more answers survive with llmlingua2"
        ),
    ),
    "bm25": Method(
        "keep the sentences that share words with the question: a baseline",
        "doi:10.1561/1500000019",
        None,
        _make("bm25"),
        needs_question=True,
        when="without any model: one question whose words stand in the text",
    ),
    "random": Method(
        "keep random words: a baseline", "-", None, _make("random"), when="to compare with"
    ),
    "truncate": Method(
        "keep the beginning: a baseline",
        "-",
        None,
        _make("truncate"),
        when="to compare with; for news, whose beginning says most",
    ),
}


REWRITERS: Mapping[str, Method] = {
    "scope": Method(
        "chunks written again by the reader, checked against what it read",
        "after SCOPE, arXiv:2508.15813",
        "classifier",
        _make("scope", "Scope"),
        reads_with="a reader of 1B or more",
        published="GovReport at 5x: ROUGE-1 43.6, LLMLingua-2 40.5",
        when=(
            "for text that people read, with a reader of a billion parameters or more; not "
            "worth using for questions: mini's own words keep more answers"
        ),
    ),
}
"""Methods that write: what comes out is no slices of the prompt. `load_scope` makes them."""


def load_compressor(  # noqa: PLR0913 - one for each option
    method: str = "llmlingua2",
    model: str | Path | None = None,
    *,
    level: Level | None = None,
    guard: bool | None = None,
    gap: str | None = None,
    count: Counting | None = None,
    options: RunOptions | None = None,
    ranker: str | Path | None = None,
    reader: Looker | None = None,
) -> Pruner:
    """Make the compressor for a method.

    Parameters
    ----------
    method
        A name from `METHODS`.
    model
        The bundle: a folder, or the name of one that was shipped or built into the cache.
        ``None``: the default scorer, which has to be built once, or a classifier, each document's
        own: edgelingua-mini for English, edgelingua-multi for the rest where it is installed, see
        `EnglishPruner`.
    level
        See `Rules`; `Pruner.with_options` changes it and others later. ``None``: the method's own,
        which is words (`selective_context`: phrases).
    guard
        See `Rules`. ``None``: the method's own (all but the baselines guard).
    gap
        A mark, such as ``"…"``, that stands where words of a sentence were left out. ``None``: no
        mark.
    count
        Counts tokens for budgets that bring no ``count``: a function, a tokenizer, or the path of a
        ``tokenizer.json`` or ``.gguf`` file. ``None``: an estimate, rather too high.
    options
        Threads and device.
    ranker
        For `llmlingua2_question`: a scorer bundle that ranks the passages by how well they predict
        the question. ``None``: BM25 ranks them.
    reader
        For `ehpc`: heads of a GGUF model, in place of a bundle's (`llama.heads.ReaderHeads`).

    Raises
    ------
    InputError
        No such method, or it has no use for a ranker or a reader.
    MissingExtraError
        The method needs a package that is not installed.
    ModelNotFoundError, BundleError, InferenceError
        The bundle is not there, damaged, for another task, or does not run.
    """
    chosen = find_method(method, ranker=ranker is not None, reader=reader is not None)
    if reader is not None and chosen.with_reader:
        if model is not None:
            raise InputError(f"{method} takes a bundle or a reader, not both")
        pruner = chosen.with_reader(reader)
    elif chosen.task is None:
        pruner = chosen.make()
    else:
        ranking = () if ranker is None else (ModelBundle.open(registry.find_bundle(ranker)),)

        def made(folder: Path) -> tuple[Pruner, ModelBundle]:
            bundle = ModelBundle.open(folder)
            pruner = chosen.make(bundle, options, *ranking)
            return replace(pruner, model=bundle.manifest.name), bundle

        def opened(folder: Path) -> Opened:
            pruner, bundle = made(folder)
            return cast(TokenPruner, pruner), bundle.tokenizer().unknown

        pruner, _ = made(_folder(model, chosen.task))
        if pruner.model in registry.ENGLISH and isinstance(pruner, TokenPruner):
            own = {field.name: getattr(pruner, field.name) for field in fields(pruner)}
            others = multilingual(opened) if model is None else None
            pruner = EnglishPruner(**own, named=model is not None, multilingual=others)
    pruner = replace(pruner, model=pruner.model or method)
    return pruner.with_options(level=level, guard=guard, gap=gap, count=count)


def load_scope(
    reader: Writer, model: str | Path | None = None, *, options: RunOptions | None = None
) -> Scope:
    """Make a `Scope`, which writes chunks again with a reader of a billion parameters or more.

    Parameters
    ----------
    reader
        Writes: a `LlamaModel`.
    model
        The classifier that says what each chunk is worth, and extracts where nothing is written;
        ``None``: edgelingua-mini.
    options
        The classifier's threads and device.

    Raises
    ------
    InputError
        The reader is too small.
    ModelNotFoundError, BundleError, InferenceError
        As `load_compressor`.
    """
    from edgelingua.compressors.scope import Scope

    method = default_method(model, question=True)
    return Scope(reader, load_compressor(method, model, count=reader.count, options=options))


def find_method(name: str, *, ranker: bool = False, reader: bool = False) -> Method:
    """Return the method of that name.

    Raises
    ------
    InputError
        There is none, or it has no use for a ``ranker`` or a ``reader``.
    """
    if name in REWRITERS:
        raise InputError(
            f"{name} has a reader write the text anew: edgelingua compress --method {name}, or "
            "load_scope(reader)"
        )
    if name not in METHODS:
        raise InputError(f"no method {name!r}; there are {', '.join(METHODS)}")
    if ranker and not METHODS[name].has_ranker:
        fitting = ", ".join(name for name, method in METHODS.items() if method.has_ranker)
        raise InputError(f"{name} takes no ranker; a ranker is for {fitting}")
    if reader and not METHODS[name].with_reader:
        fitting = ", ".join(name for name, method in METHODS.items() if method.with_reader)
        raise InputError(f"{name} takes no reader; a reader is for {fitting}")
    return METHODS[name]


def default_method(model: str | Path | None, *, question: bool) -> str:
    """Return the method for a bundle (default: edgelingua-mini), with or without a question.

    A classifier that reads the question needs nobody else to rank passages.
    """
    manifest = Manifest.read(_folder(model) / MANIFEST)
    if manifest.task == "scorer":
        return "question_aware" if question else "selective_context"
    if manifest.task == "encoder":
        return "cpc"
    return "llmlingua2_question" if question and not manifest.tokens.pair else "llmlingua2"


def _folder(model: str | Path | None, task: Task = "classifier") -> Path:
    return registry.default_bundle(task) if model is None else registry.find_bundle(model)


_HEAVY = {
    "CoarseToFine": "parts.coarse_to_fine",
    "DocumentFilter": "parts.document_filter",
    "Rewritten": "scope",
    "Scope": "scope",
    "with_index": "cpc",
}
"""Names of modules that load more than most methods need."""


def __getattr__(name: str) -> Any:
    if name not in _HEAVY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"edgelingua.compressors.{_HEAVY[name]}"), name)
