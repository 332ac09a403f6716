"""The command ``edgelingua-export``."""

from __future__ import annotations

import json
import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from edgelingua import parity
from edgelingua.bundle import inspection
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.cli.console import usage
from edgelingua.files.writable import refuse_unwritable_folder
from edgelingua.models import registry
from edgelingua_export.places import refuse_existing, short_name

app = typer.Typer(
    help="Turn models into verified INT8 ONNX bundles for edgelingua.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


_SEEDS = 2**63 - 1  # what torch takes


class TaskName(StrEnum):
    """Kinds of bundle."""

    scorer = "scorer"
    classifier = "classifier"
    encoder = "encoder"


class TargetName(StrEnum):
    """What a bundle is made for."""

    cpu = "cpu"
    cpu_avx2 = "cpu-avx2"
    cpu_vnni = "cpu-vnni"
    cpu_arm = "cpu-arm"
    qnn_htp = "qnn-htp"


class ObjectiveName(StrEnum):
    """What a search can make small; or that the first good candidate will do."""

    latency = "latency"
    size = "size"
    first = "first"


def _report(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error.")] = False,
) -> None:
    """Turn models into verified INT8 ONNX bundles for edgelingua."""


@app.command("build")
def build_command(
    source: Annotated[
        str, typer.Argument(help="A known model, a Hugging Face folder, a .gguf file, or a hub id.")
    ],
    task: Annotated[
        TaskName,
        typer.Option(
            help="scorer: a causal LM; classifier: a token classifier; encoder: of sentences."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Bundle folder. Default: NAME-TASK in the cache."),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="The model's licence, if the source does not say.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Revision, for a hub id.")] = None,
    keep_label: Annotated[int, typer.Option(min=0, help="The classifier's label for 'keep'.")] = 1,
    reads_question: Annotated[
        bool,
        typer.Option("--reads-question", help="The classifier was trained on question-text pairs."),
    ] = False,
    target: Annotated[
        TargetName,
        typer.Option(help="CPU to choose for; qnn-htp: any, and variants for Qualcomm's NPU."),
    ] = TargetName.cpu,
    attention: Annotated[
        str | None,
        typer.Option(help="A scorer's heads whose attention it is to show: LAYER.HEAD,…"),
    ] = None,
    objective: Annotated[
        ObjectiveName,
        typer.Option(help="What to make small within the loss allowed; first: what fits first."),
    ] = ObjectiveName.latency,
    max_loss: Annotated[
        str,
        typer.Option(
            help="Loss allowed: how far a scorer's perplexity may be from fp32's; the share of "
            "a classifier's decisions that change, or its mean difference of P(keep)."
        ),
    ] = "2%",
    seed: Annotated[
        int, typer.Option(min=0, max=_SEEDS, help="Draws the text for calibration.")
    ] = 0,
    keep_fp32: Annotated[
        bool, typer.Option("--keep-fp32", help="Put the fp32 graph into the bundle too.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the bundle that is there.")
    ] = False,
) -> None:
    """Convert, quantize, check against the original, and write a bundle.

    How to quantize is searched: candidates are measured on real text and on this machine, the
    table is printed on stderr, and a build that was killed goes on with what it had measured. The
    bundle's folder is printed on stdout. A bundle that does not score like its original is
    refused, with the figures.
    """
    # torch takes seconds to import; --help and verify do without.
    from edgelingua_export.quantization.options import SearchOptions, parse_loss

    with usage("--max-loss"):
        loss = parse_loss(max_loss)
    folder = output or registry.bundle_folder(f"{short_name(source)}-{task.value}")
    refuse_unwritable_folder(folder.absolute().parent)  # where it is made, beside itself
    refuse_existing(folder, replace=replace)
    from edgelingua_export.attention_outputs import parse_heads
    from edgelingua_export.build import BuildOptions, build
    from edgelingua_export.sources import find

    with usage("--attention"):
        heads = parse_heads(attention) if attention else ()
    cpu = "cpu" if target is TargetName.qnn_htp else target.value
    options = BuildOptions(
        keep_fp32=keep_fp32,
        keep_label=keep_label,
        reads_question=reads_question,
        npu=target is TargetName.qnn_htp,
        attention=heads,
        replace=replace,
        search=SearchOptions(cpu, loss, objective.value, seed),
    )
    found = find(source, licence, revision)
    build(found, task.value, folder, options, _report)
    print(folder)


@app.command("card")
def card_command(folder: Annotated[Path, typer.Argument(help="A bundle.")]) -> None:
    """Write the bundle's README.md from its manifest, and record it there; print its path.

    An about.md in the folder goes into it, and the data sets of a recipe.toml.
    """
    from edgelingua_export.card import CARD, write_card

    write_card(folder)
    print(folder / CARD)


@app.command("diff")
def diff_command(
    first: Annotated[Path, typer.Argument(help="A bundle.")],
    second: Annotated[Path, typer.Argument(help="Another.")],
) -> None:
    """Say what differs between two bundles, by their manifests; exit code 1 if anything does.

    Two builds of the same source, options and tools on one machine differ in what the search timed,
    and in what shows that: search.png and README.md.
    """
    manifests = [ModelBundle.open(folder).manifest for folder in (first, second)]
    changes = inspection.differences(*manifests)
    for key, one, other in changes:
        print(f"{key}: {one} -> {other}")
    raise typer.Exit(code=bool(changes))


@app.command("train")
def train_command(
    recipe: Annotated[
        Path, typer.Argument(help="A recipe, as models/edgelingua-mini/recipe.toml.")
    ],
    data: Annotated[Path, typer.Option("--data", help="The folder that holds the recipe's files.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for what comes out.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that the folder holds.")
    ] = False,
) -> None:
    """Train a token classifier: a model folder for ``build``, its log, curves and figures.

    Or, where the recipe has a [memory], what writes a document's memory for a reader; with a
    [sentence], an encoder of sentences.
    The folder of what was trained is printed on stdout.
    """
    refuse_unwritable_folder(output)
    from edgelingua_export.train.memory.recipe import is_memory
    from edgelingua_export.train.recipe import is_sentence

    if is_memory(recipe):
        from edgelingua_export.train.memory.run import train
    elif is_sentence(recipe):
        from edgelingua_export.train.sentence.run import train
    else:
        from edgelingua_export.train.run import train

    print(train(recipe, data, output, resume, _report))


@app.command("mean")
def mean_command(
    models: Annotated[
        list[Path], typer.Argument(help="Folders that `train` printed, of one base.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the model to write.")],
) -> None:
    """Take the mean of several trainings' weights, for ``build``; print its folder.

    Trainings that differ in seed, or a little in what they saw, are better together than alone.
    """
    from edgelingua_export.train.mean import mean

    print(mean(models, output))


@app.command("ask")
def ask_command(
    recipe: Annotated[
        Path, typer.Argument(help="A recipe: its questions teach, its texts are asked about.")
    ],
    data: Annotated[Path, typer.Option("--data", help="The folder that holds the recipe's files.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The label file to write, .jsonl.gz.")
    ],
    model: Annotated[
        str, typer.Option(help="Causal LM that learns to ask: a known name, a folder, a GGUF file.")
    ] = registry.DEFAULT_READER,
    each: Annotated[
        int, typer.Option(min=1, help="Questions about each text, and about two together.")
    ] = 1,
    invent: Annotated[
        int,
        typer.Option(
            min=0, help="Make up so many texts too, in place of asking about the recipe's."
        ),
    ] = 0,
    epochs: Annotated[
        float, typer.Option(min=0, help="How often it reads the recipe's questions.")
    ] = 1,
    batch: Annotated[
        int, typer.Option(min=1, help="Questions in a step; fewer where memory is short.")
    ] = 64,
    seed: Annotated[int, typer.Option(min=0, max=_SEEDS, help="Of what is drawn.")] = 1,
) -> None:
    """Make up questions about a recipe's texts, for a teacher to judge: a label file for ``train``.

    The LM is fine-tuned first. A GPU, used if there is one, takes minutes for tens of thousands of
    questions; two CPU cores take seconds for each.
    The file's name is printed on stdout.
    """
    if not math.isfinite(epochs):
        raise typer.BadParameter("expected a number of times", param_hint="'--epochs'")
    refuse_unwritable_folder(output.absolute().parent)
    from edgelingua_export.train.ask import Asking, ask

    asking = Asking(model, each, invent, epochs, seed, batch=batch)
    print(ask(recipe, data, output, asking, _report))


@app.command("heads")
def heads_command(
    source: Annotated[str, typer.Argument(help="A causal LM, as for build.")],
    data: Annotated[
        Path,
        typer.Option("--data", help="Questions with answers: SQuAD's JSON, or its JSON lines."),
    ],
    layers: Annotated[
        int | None,
        typer.Option(min=1, help="Look in so many of the first layers; default: two thirds."),
    ] = None,
    cases: Annotated[int, typer.Option(min=4, help="How many questions to look at.")] = 200,
    seed: Annotated[int, typer.Option(min=0, max=_SEEDS, help="Draws the questions.")] = 0,
) -> None:
    """Find evaluator heads, which look at what answers a question: for ``build --attention``.

    The heads are printed on stdout, as LAYER.HEAD,…, and on stderr how many answers they keep. On
    two CPU cores a model of 135 million parameters takes some five minutes.
    """
    from edgelingua_export import head_search
    from edgelingua_export.sources import find, load
    from edgelingua_export.train.readers_qa import squad

    chosen = head_search.cases(list(squad(data)), cases, seed)
    found = head_search.search(load(find(source), "scorer"), chosen, layers, _report)
    print(",".join(f"{layer}.{head}" for layer, head in found.heads))


@app.command("verify")
def verify_command(
    folder: Annotated[Path, typer.Argument(help="A bundle.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Repeat the checks that need no torch: files, hashes, graphs, and parity on this machine."""
    results = parity.verify(folder)
    if as_json:
        print(json.dumps({name: result.figures for name, result in results.items()}))
    else:
        print(parity.table(results))
    parity.refuse_failures(folder, results)
