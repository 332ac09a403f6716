"""What a bundle's manifest says, as tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from edgelingua.bundle.manifest import FileRecord, Manifest, Variant

_LONGEST_LIST = 16


Rows = tuple[list[str], list[list[str]]]
"""A table: its header, and its rows."""


def flatten(
    tree: Mapping[Any, Any], prefix: str = "", *, whole: bool = False
) -> Iterator[tuple[str, str]]:
    """Leaves of nested dictionaries as (dotted key, text), lists of dictionaries left out.

    ``whole``: those too, and long lists and numbers in full.
    """
    for key, value in tree.items():
        if _is_table(value):
            if whole:
                yield from flatten(dict(enumerate(value)), f"{prefix}{key}.", whole=True)
        elif isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.", whole=whole)
        else:
            yield f"{prefix}{key}", str(value) if whole else short(value)


def tables(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Rows]]:
    """Lists of dictionaries inside dictionaries, as (dotted key, table).

    Dictionaries in their rows are left out: a table of tables is none that anybody reads.
    """
    for key, value in tree.items():
        if _is_table(value):
            cells = [(name, cell) for row in value for name, cell in row.items()]
            header = list(dict.fromkeys(n for n, cell in cells if not isinstance(cell, dict)))
            rows = [[short(row.get(name, "")) for name in header] for row in value]
            yield f"{prefix}{key}", (header, rows)
        elif isinstance(value, dict):
            yield from tables(value, f"{prefix}{key}.")


def facts(manifest: Manifest) -> list[tuple[str, str]]:
    """Everything but what the tables have."""
    tree = json.loads(manifest.dumps())
    del tree["variants"], tree["files"]
    tree["parity"].pop("variants", None)
    return [(key, value) for key, value in flatten(tree) if value]


def variant_rows(manifest: Manifest) -> Rows:
    """Each variant with its size on disk and its parity figures."""
    figures = {label: parity_figures(manifest, label) for label in manifest.variants}
    names = sorted({name for found in figures.values() for name in found})
    rows = [
        [label, variant.precision, f"{variant_size(manifest, variant) / 1e6:.1f}", variant.file]
        + [f"{figures[label][name]:.4g}" if name in figures[label] else "" for name in names]
        for label, variant in manifest.variants.items()
    ]
    return ["variant", "precision", "MB", "file", *(n.replace("_", " ") for n in names)], rows


def file_rows(manifest: Manifest) -> Rows:
    """Every file with its bytes and SHA-256."""
    rows = [[name, f"{r.size:,}", r.sha256] for name, r in sorted(manifest.files.items())]
    return ["file", "bytes", "SHA-256"], rows


def differences(first: Manifest, second: Manifest) -> list[tuple[str, str, str]]:
    """Where two manifests differ: dotted key, what the first says, what the second says."""
    one, other = (dict(flatten(json.loads(m.dumps()), whole=True)) for m in (first, second))
    keys = dict.fromkeys([*one, *other])
    absent = "(nothing)"
    pairs = [(key, one.get(key, absent), other.get(key, absent)) for key in keys]
    return [(key, a, b) for key, a, b in pairs if a != b]


def parity_figures(manifest: Manifest, label: str) -> dict[str, float]:
    """Figures of a variant's comparison with the fp32 graph; none for that graph itself."""
    variants = manifest.parity.get("variants")
    found = variants.get(label) if isinstance(variants, dict) else None
    if not isinstance(found, dict):
        return {}
    return {k: float(v) for k, v in found.items() if isinstance(v, int | float)}


def variant_size(manifest: Manifest, variant: Variant) -> int:
    """Bytes of a graph and of the weights that the export put beside it, under its name."""
    records: list[FileRecord] = [
        record for name, record in manifest.files.items() if name.startswith(variant.file)
    ]
    return sum(record.size for record in records)


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def short(value: Any) -> str:
    """Text of a manifest's value for people: four digits, and of a long list how many."""
    if isinstance(value, list):
        return (
            ", ".join(map(short, value))
            if len(value) <= _LONGEST_LIST
            else (f"{len(value)} entries")
        )
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e15 else f"{value:.4g}"
