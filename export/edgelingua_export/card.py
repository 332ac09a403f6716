"""A bundle's README.md: the same manifest, the same page.

For a bundle that is published, what its maker has to say lies beside the manifest: ``about.md``,
which goes into the page as it is, and ``recipe.toml``, whose data sets are listed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.inspection import flatten, short, tables, variant_rows
from edgelingua.bundle.manifest import MANIFEST, FileRecord, Manifest
from edgelingua.compressors import METHODS
from edgelingua.files.atomic import PUBLIC, write_atomically
from edgelingua.files.safe import hash_file
from edgelingua_export import recipe_toml
from edgelingua_export.errors import ExportError

CARD, ABOUT, RECIPE = "README.md", "about.md", "recipe.toml"

_TASKS = {
    "scorer": "a causal language model that gives each token its surprise (negative log-likelihood,"
    " in nats): what surprises is worth keeping",
    "classifier": "a token classifier that gives each token the probability that it is kept",
    "encoder": "an encoder of sentences in their context, and of questions, that lie near what "
    "answers them",
}
_FIGURES = """\
*agreement*, *word agreement*: share of the tokens, of the words, on which a variant and the fp32
graph agree whether to keep them at rate 0.5; *mean difference*: mean absolute difference of their
scores; *perplexity loss*: how far the ratio of their perplexities is from one; *npu share*: share
of the operators that the NPU ran; *tokens*: how many were scored, where not all. Measured where the
bundle was built; kernels differ between processors, so repeat it on yours:
`edgelingua models verify DIR`.
"""


def write_card(folder: Path) -> Manifest:
    """Write README.md into a bundle, and its record into the manifest.

    The bundle is valid at every moment: the old page's record goes before the page, and the new
    one's comes after it. A page that was edited by hand is replaced.

    Raises
    ------
    BundleError
        The folder is not a valid bundle.
    ExportError
        Its recipe cannot be read, or lists no data; or the page cannot be written.
    """
    manifest = Manifest.read(folder / MANIFEST)
    others = {name: record for name, record in manifest.files.items() if name != CARD}
    manifest = replace(manifest, files=others)
    page = render(manifest, folder)
    _put(folder / MANIFEST, manifest.dumps())
    ModelBundle.open(folder)
    _put(folder / CARD, page)
    path = folder / CARD
    record = FileRecord(path.stat().st_size, hash_file(path))
    manifest = replace(manifest, files=dict(sorted({**manifest.files, CARD: record}.items())))
    _put(folder / MANIFEST, manifest.dumps())
    return manifest


def render(manifest: Manifest, folder: Path | None = None) -> str:
    """Return the page for a manifest, with the header that model hubs read.

    ``folder``: where its maker's `ABOUT` and `RECIPE` are looked for.

    Raises
    ------
    ExportError
        The recipe cannot be read, or lists no data.
    """
    source = manifest.source
    about, recipe = (_beside(folder, name) for name in (ABOUT, RECIPE))
    header, rows = variant_rows(manifest)
    sections = [
        _front_matter(manifest),
        f"# {_inline(manifest.name)}\n",
        f"A bundle for edgelingua, which compresses prompts: {_TASKS[manifest.task]}. "
        "It runs on onnxruntime, without PyTorch.\n",
        f"> **{_inline(manifest.notes)}**\n" if manifest.notes else "",
        about.read_text(encoding="utf-8") if about else "",
        _data(recipe_toml.read(recipe).data) if recipe else "",
        "## Source\n",
        _table(
            ["", ""],
            [
                ["model", source.get("location", "unknown")],
                ["from", source.get("kind", "unknown")],
                ["revision", source.get("revision") or "not recorded"],
                ["licence", source.get("licence", "unknown")],
                ["SHA-256 of the weights", source.get("weights_sha256", "not recorded")],
            ],
        ),
        "## Variants\n",
        _table(header, rows),
        _parity(manifest),
        "## Use\n",
        _usage(manifest),
        "## How it was made\n",
        _table(["", ""], flatten(manifest.recipe)),
        f"With {_inline(', '.join(f'{k} {v}' for k, v in manifest.tools.items()))}.\n"
        if manifest.tools
        else "",
        *(f"{_inline(key)}:\n\n{_table(*rows)}" for key, rows in tables(manifest.recipe)),
        "## Limits\n",
        _limits(manifest, described=bool(about)),
    ]
    return "\n".join(section for section in sections if section)


def _beside(folder: Path | None, name: str) -> Path | None:
    path = folder / name if folder else None
    return path if path and path.is_file() else None


def _data(entries: Sequence[Mapping[str, Any]]) -> str:
    """The data sets of a recipe for training, each origin once."""
    # A file that a recipe uses again need not be described again.
    told = {
        e.get("file"): (e["origin"], e.get("licence", "not stated"))
        for e in entries
        if "origin" in e
    }
    sets: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        file = entry.get("file")
        untold = (file or entry["format"], entry.get("licence", "not stated"))
        used = sets.setdefault(told.get(file, untold), [])
        used += [name for name in (entry["format"],) if name not in used]
    rows = [[origin, licence, ", ".join(used)] for (origin, licence), used in sets.items()]
    return f"## Data\n\n{_table(['set', 'licence', 'as'], rows)}"


def _front_matter(manifest: Manifest) -> str:
    source = manifest.source
    tags = ["prompt-compression", "onnx", "edgelingua", manifest.task]
    tags += sorted({variant.precision for variant in manifest.variants.values()})
    lines = {"license": source.get("licence", "unknown"), "library_name": "edgelingua"}
    if source.get("kind") == "hub":
        lines["base_model"] = source.get("location")
    if manifest.task == "classifier":
        lines["pipeline_tag"] = "token-classification"
    # JSON is YAML, and whatever stands in a manifest stays inside its quotes.
    head = [f"{key}: {json.dumps(value)}" for key, value in lines.items()]
    return "\n".join(["---", *head, f"tags: {json.dumps(tags)}", "---\n"])


def _parity(manifest: Manifest) -> str:
    if "text_tokens" not in manifest.parity:
        return ""
    tokens = _inline(short(manifest.parity["text_tokens"]))
    conversion = manifest.parity.get("fp32_vs_torch")
    said = f"Compared with the fp32 graph on {tokens} tokens of held-out text"
    if isinstance(conversion, dict) and "max_difference" in conversion:
        difference = _inline(short(conversion["max_difference"]))
        said += f"; no token of that graph differs from torch by more than {difference}"
    return f"{said}.\n{_FIGURES}"


def _usage(manifest: Manifest) -> str:
    fitting = [name for name, method in METHODS.items() if method.task == manifest.task]
    method = min(fitting, key=lambda name: METHODS[name].has_ranker)  # what needs one model only
    asks = METHODS[method].needs_question
    question = ' --question "What is it about?"' if asks else ""
    argument = ', question="What is it about?"' if asks else ""
    return f"""\
```sh
edgelingua compress text.txt --model DIR --method {method}{question} --rate 0.3
edgelingua models inspect DIR
```

```python
from edgelingua import Budget, Prompt, load_compressor

compressor = load_compressor("{method}", "DIR")
prompt = Prompt.build(text{argument})
print(compressor.compress(prompt, Budget(rate=0.3)).text)
```

`DIR` is this folder. Methods for it: {", ".join(f"`{name}`" for name in fitting)}.
"""


def _limits(manifest: Manifest, described: bool) -> str:
    tokens = manifest.tokens
    said = [
        f"The model sees at most {tokens.max_length} tokens at once, special tokens included; "
        "longer texts are scored in windows that overlap.",
        "Hashes prove that the files are those the manifest describes, not that the model is good.",
    ]
    if not described:
        said.insert(
            1,
            "It was made for the languages and kinds of text of its source model, and not tested "
            "on others.",
        )
    if not manifest.trained:
        said.insert(0, "**Its head is untrained: its scores are random, and so is what it keeps.**")
    return "".join(f"- {line}\n" for line in said)


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(_inline(str(cell)) for cell in line)} |\n" for line in lines)


def _inline(text: str) -> str:
    """Text as it is, in one line: no markup of its own, no HTML."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{mark}" if mark in "\\|`[]*" else mark for mark in text)


def _put(path: Path, text: str) -> None:
    """Write a whole file or none."""
    try:
        with write_atomically(path, PUBLIC) as file:
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise ExportError(f"{path}: cannot be written ({error.strerror})") from None
