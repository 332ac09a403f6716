"""``edgelingua run``: compress, then answer under a cap."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from edgelingua.cli import answered
from edgelingua.cli.caching import capped_reader, policy_of
from edgelingua.cli.choices import (
    budget_of,
    check_no_others,
    escalation_of,
    method_for,
    pace_of,
    pins_of,
    with_second_pass,
)
from edgelingua.cli.console import printable, read_text, usage
from edgelingua.cli.options import (
    AnyReader,
    AsJson,
    AtLevel,
    Block,
    CacheKeys,
    CacheValues,
    Cap,
    CapMb,
    CountFile,
    DeviceOption,
    DoubtLimit,
    Escalate,
    Floor,
    Guard,
    MaxTtft,
    MemoryFiles,
    MethodName,
    Model,
    Phrase,
    Pin,
    PinPattern,
    PolicyName,
    RankerName,
    RateOrAuto,
    Recent,
    SecondPass,
    Smooth,
    Source,
    Strict,
    Structure,
    Threads,
    Tokens,
    Window,
    text,
)
from edgelingua.cli.output import print_json, print_lines
from edgelingua.cli.output import progress as progress_bar
from edgelingua.cli.remote import ApiKey, ReaderModel, Seconds, remote_reader
from edgelingua.compressors import load_compressor
from edgelingua.kv.memory import Memory
from edgelingua.kv.options import CacheOptions
from edgelingua.models import registry
from edgelingua.ort.session import RunOptions
from edgelingua.prompt import Prompt, Segment
from edgelingua.system.addresses import is_url
from edgelingua.system.measure import Stopwatch

if TYPE_CHECKING:
    from edgelingua.kv.policies import Policy
    from edgelingua.planner.pace import Pace
    from edgelingua.readers.capped import CappedReader
    from edgelingua.readers.remote import RemoteReader


def run(
    question: Annotated[str, typer.Option(help="What to answer from the text.", callback=text)],
    source: Source = "-",
    reader: AnyReader = registry.DEFAULT_READER,
    reader_model: ReaderModel = None,
    api_key: ApiKey = None,
    seconds: Seconds = None,
    count: CountFile = None,
    memory: MemoryFiles = None,
    tokens: Tokens = None,
    rate: RateOrAuto = None,
    floor: Floor = None,
    max_ttft: MaxTtft = None,
    escalate: Escalate = False,
    doubt: DoubtLimit = None,
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
    system: Annotated[
        str | None, typer.Option(help="System prompt; empty: none.", callback=text)
    ] = None,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token.")] = 0.0,
    top_k: Annotated[int, typer.Option(help="Draw from the K likeliest; 0: all.")] = 40,
    top_p: Annotated[float, typer.Option(help="Draw from this much probability.")] = 0.95,
    min_p: Annotated[float, typer.Option(help="Least probability, relative to the top.")] = 0.05,
    repeat_penalty: Annotated[float, typer.Option(help="1: none.")] = 1.1,
    seed: Annotated[int, typer.Option(help="Makes draws repeatable.")] = 0,
    structure: Structure = "compress",
    level: AtLevel = None,
    guard: Guard = None,
    ranker: RankerName = None,
    second_pass: SecondPass = None,
    threads: Threads = 0,
    device: DeviceOption = "auto",
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Compress a text and answer a question about it, with a KV cache that never exceeds --cap.

    Without --tokens and --rate, the text is compressed to what fits the cap. With --rate auto it is
    read as it is where compressing it does not pay. With --memory and
    without a FILE, the question is about the memories.

    With --escalate more is read where the reader is unsure, up to the cap or the whole text.

    With --reader http://HOST:PORT/v1 an endpoint answers: Ollama, LM Studio, llama-server.
    """
    budget = None
    if tokens is not None or rate is not None or floor is not None:
        budget = budget_of(tokens, rate, floor)
    pins = pins_of(pin, pin_pattern)
    if not question.strip():
        raise typer.BadParameter("the question is empty", param_hint="'--question'")
    method = method_for(method, model, ranker=ranker, question=question)
    if max_ttft is not None and rate != "auto":
        raise typer.BadParameter("it is for --rate auto", param_hint="'--max-ttft'")
    escalation = escalation_of(escalate, doubt)
    memories = [Memory.load(path) for path in memory or ()]
    document: str | Segment = ""
    if not memories or source != "-":
        # The prompt is the assistant's to lay out; here its text gets its pins.
        (document,) = Prompt.build(read_text(source), pin=pins).segments
    elif pins:
        raise typer.BadParameter("--pin without a FILE: there is no text whose words could stay")
    # What answers is loaded where it is needed only: compress can do without.
    from edgelingua.assistant import SYSTEM, Assistant
    from edgelingua.llama.sampling import Sampling

    watch = Stopwatch()
    with usage():
        sampling = Sampling(temperature, top_k, top_p, min_p, repeat_penalty, seed)
    answering: CappedReader | RemoteReader
    pace: Pace | None = None
    ran: Policy | None = None
    with watch.stage("load"):
        if is_url(reader):
            check_no_others(
                {
                    "cap": cap,
                    "cap_mb": cap_mb,
                    "policy": policy,
                    "memory": memory,
                    "rate": rate == "auto",
                    "cache_keys": cache_keys != "f16",
                    "cache_values": cache_values != "f16",
                },
                "is for a reader here; an endpoint keeps its cache itself",
            )
            answering = remote_reader(
                reader, reader_model, api_key=api_key, count=count, seconds=seconds
            )
        else:
            check_no_others(
                {"reader_model": reader_model, "seconds": seconds, "count": count},
                "is for a reader at an address (--reader http://…)",
            )
            answering = capped = capped_reader(
                reader,
                cap=cap,
                megabytes=cap_mb,
                policy=policy_of(
                    policy, recent=recent, smooth=smooth, phrase=phrase, window=window, block=block
                ),
                cache=CacheOptions(keys=cache_keys, values=cache_values),
                threads=threads,
                memories=memories,
            )
            ran = capped.policy
            pace = pace_of(capped.model, method, model, max_ttft) if rate == "auto" else None
        compressor = load_compressor(
            method,
            model,
            level=level,
            guard=guard,
            ranker=ranker,
            count=answering.count,
            options=RunOptions(threads, device, strict),
        )
    compressor = with_second_pass(compressor, second_pass, question)
    assistant = Assistant(
        compressor,
        answering,
        system=SYSTEM if system is None else system,
        sampling=sampling,
        pace=pace,
    )

    def show(piece: str) -> None:
        sys.stdout.write(printable(piece))
        sys.stdout.flush()

    with progress_bar("scoring") as progress:
        reply = assistant.ask(
            document,
            question,
            budget,
            structure=structure,
            max_tokens=max_tokens,
            escalate=escalation,
            on_text=None if as_json else show,
            progress=progress,
        )
    times = watch.milliseconds | reply.milliseconds
    figures = (reply, answering.name, ran, method if document else None, times, memories)
    if as_json:
        print_json({"answer": reply.text, "statistics": answered.statistics(*figures)})
    else:
        sys.stdout.write("\n")
        print_lines(answered.lines(*figures))
