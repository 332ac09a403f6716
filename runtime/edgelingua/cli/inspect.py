"""``edgelingua models inspect``: what a bundle, a known model or a GGUF file is."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import FileRecord, Manifest
from edgelingua.cli.console import printable
from edgelingua.cli.options import AsJson
from edgelingua.cli.output import print_json, stdout
from edgelingua.files.safe import hash_file
from edgelingua.llama.gguf_facts import GgufFacts
from edgelingua.models import registry


def inspect(
    model: Annotated[
        str,
        typer.Argument(help="A name from the list, a bundle's folder, or what --reader can be."),
    ],
    as_json: AsJson = False,
) -> None:
    """Show what a model is, by its manifest or its header, with its licence, files and hashes.

    A bundle's files are checked first, a known model's if they have changed since they last were.
    """
    if model in registry.REGISTRY:
        facts = _known(model)
    elif model.startswith(registry.HUB_PREFIX) or Path(model).expanduser().is_file():
        path = registry.find_reader(model)
        record = FileRecord(path.stat().st_size, hash_file(path))
        facts = _facts(path, {path.name: record}) | asdict(GgufFacts.read(path))
    else:
        manifest = ModelBundle.open(registry.find_bundle(model)).manifest
        if as_json:
            sys.stdout.write(manifest.dumps())
        else:
            _print_bundle(manifest)
        return
    if as_json:
        print_json(facts)
    else:
        _print_facts(facts)


def _known(name: str) -> dict[str, Any]:
    """What is recorded of a known model, and what its header says if it was fetched."""
    model, place = registry.REGISTRY[name], registry.fetched(name)
    header = asdict(GgufFacts.read(place)) if place and place.is_file() else {}
    recorded = {"summary": model.summary, "licence": model.licence, "terms": model.terms}
    return header | {"name": name} | recorded | _facts(place, model.files)


def _facts(place: Path | None, files: Any) -> dict[str, Any]:
    where = None if place is None else str(place)
    return {"where": where, "files": {name: asdict(record) for name, record in files.items()}}


def _print_facts(facts: dict[str, Any]) -> None:
    from rich.table import Column, Table

    told = {name: facts.get(name) for name in ("name", "summary", "licence", "terms")}
    told["where"] = facts["where"] or f"not fetched: edgelingua models fetch {facts['name']}"
    if "architecture" in facts:
        told |= _told(facts)
    console = stdout()
    table = Table("field", Column("value", overflow="fold"), box=None, show_header=False)
    for name, value in told.items():
        if value:
            table.add_row(name, printable(str(value)))
    console.print(table)
    table = Table("file", "bytes", Column("SHA-256", overflow="fold"), box=None)
    for name, record in facts["files"].items():
        table.add_row(name, f"{record['size']:,}", record["sha256"])
    console.print("", table, sep="\n")


def _told(facts: dict[str, Any]) -> dict[str, str]:
    """A header's facts as a person reads them."""
    size, parameters = facts["size_bytes"], facts["parameters"]
    bits = f", {8 * size / parameters:.1f} bits a parameter" if parameters else ""
    heads, key_heads = facts["heads"], facts["key_heads"]
    shared = f", {key_heads} of keys and values" if key_heads not in (None, heads) else ""
    of_heads = f" of {heads} heads{shared}" if heads else ""
    window = f", some layers look back {facts['window']:,}" if facts["window"] else ""
    return {
        "architecture": facts["architecture"],
        "parameters": f"{parameters / 1e6:,.1f} million",
        "size": f"{size / 1e6:,.1f} MB{bits}",
        "context": f"{facts['context_tokens']:,} tokens{window}",
        "layers": f"{facts['layers']}{of_heads}",
        "vocabulary": f"{facts['vocabulary']:,} tokens",
        "chat template": "yes" if facts["chat_template"] else "none: it does not answer",
    }


def _print_bundle(manifest: Manifest) -> None:
    from rich.table import Column, Table

    from edgelingua.bundle import inspection

    console = stdout()
    table = Table("field", "value", box=None, show_header=False)
    for key, value in inspection.facts(manifest):
        table.add_row(key, value)
    console.print(table)
    shown = [("variants", inspection.variant_rows(manifest))]
    shown += [*inspection.tables(manifest.recipe), ("files", inspection.file_rows(manifest))]
    for title, (header, rows) in shown:
        table = Table(*(Column(name, overflow="fold") for name in header), box=None)
        for row in rows:
            table.add_row(*row)
        console.print("", title, table, sep="\n")
