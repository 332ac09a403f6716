"""manifest.json: everything a runtime must know of a bundle, checked on the way in.

Behaviour comes from here and from tokenizer.json, never from a name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path, PurePosixPath
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from edgelingua.bundle import strict_json
from edgelingua.errors import BundleError
from edgelingua.files.safe import open_inside
from edgelingua.text import WordBoundary

SCHEMA_VERSION = 3
# Plain names: the same file on every system, however it writes paths, accents or capitals.
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}(?<!\.)", re.ASCII)
_LARGE = 1 << 16  # more than any model's heads, or values of a head

MANIFEST = "manifest.json"
TOKENIZER = "tokenizer.json"

Task = Literal["scorer", "classifier", "encoder"]


@dataclass(frozen=True)
class Tokens:
    """How text becomes the model's input.

    ``max_length`` counts special tokens too; ``prefix`` and ``suffix`` are the ids of the special
    tokens around a text. ``pair``: those between a question and a text, for a classifier that was
    trained to read both; empty for one that knows no question. The token type of the question and
    what precedes it is 0, that of the text and what follows it 1.
    """

    max_length: int
    word_boundary: WordBoundary
    prefix: tuple[int, ...]
    suffix: tuple[int, ...] = ()
    pair: tuple[int, ...] = ()


@dataclass(frozen=True)
class Cache:
    """KV cache of a causal LM: per layer, two inputs and the outputs that feed them next time.

    ``names`` are (past input, present output) pairs of tensors
    ``(1, heads, past tokens, head_size)``, float32.
    """

    names: tuple[tuple[str, str], ...]
    heads: int
    head_size: int


@dataclass(frozen=True)
class Attention:
    """What chosen heads of a causal LM look at.

    ``output`` is a tensor ``(1, heads, n, total)``, float32: the weights, after the softmax, that
    each of the ``n`` new tokens gives to all of ``total``. ``heads`` are (layer, query head),
    counted from 0. ``file`` is the same graph cut behind the last of their layers, if there is one.
    """

    output: str
    heads: tuple[tuple[int, int], ...]
    file: str | None = None

    @property
    def layers(self) -> int:
        """Layers up to the last that has one of the heads."""
        return 1 + max(layer for layer, _ in self.heads)


@dataclass(frozen=True)
class Variant:
    """One graph of the bundle. Names are those of its inputs and outputs.

    A classifier gives ``keep`` ``(batch, n)``, P(keep) of each token. A scorer gives ``nll``
    ``(1, n)``, in nats, of the ``targets`` ``(1, n)`` that follow the last ``n`` positions. An
    encoder gives ``states`` ``(batch, n, width)``.

    ``target`` is what the graph is made for: ``cpu``, or ``qnn-htp`` (Qualcomm's NPU). A classifier
    with a ``length`` takes one sequence of just so many tokens; shorter ones are padded and masked.
    """

    file: str
    precision: str
    ids: str
    mask: str
    keep: str | None = None
    targets: str | None = None
    nll: str | None = None
    states: str | None = None
    positions: str | None = None
    token_types: str | None = None
    cache: Cache | None = None
    attention: Attention | None = None
    target: str = "cpu"
    length: int | None = None

    @property
    def early(self) -> Variant:
        """The graph that answers with `attention` and nothing else, in as few layers as it takes.

        The whole one, if there is no other.
        """
        shown, cache = self.attention, self.cache
        if shown is None or shown.file is None or cache is None:
            return self
        names = cache.names[: 2 * shown.layers]
        return replace(
            self, file=shown.file, targets=None, nll=None, cache=replace(cache, names=names)
        )

    @property
    def inputs(self) -> frozenset[str]:
        """Names of all inputs."""
        named = (self.ids, self.mask, self.targets, self.positions, self.token_types)
        past = [past for past, _ in self.cache.names] if self.cache else []
        return frozenset([name for name in named if name is not None] + past)

    @property
    def outputs(self) -> frozenset[str]:
        """Names of all outputs used."""
        present = [present for _, present in self.cache.names] if self.cache else []
        attention = self.attention.output if self.attention else None
        named = (self.keep, self.nll, self.states, attention)
        return frozenset([name for name in named if name is not None] + present)


@dataclass(frozen=True)
class FileRecord:
    """Size in bytes and SHA-256 (hex) of a file of the bundle."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The content of manifest.json, schema version 3.

    ``files`` names every file of the bundle but the manifest itself, as POSIX paths inside the
    folder. ``source`` (kind, location, revision, licence), ``recipe``, ``tools`` and ``parity`` are
    the export's record; ``parity`` has the figures of each variant.
    """

    name: str
    task: Task
    trained: bool
    tokens: Tokens
    variants: Mapping[str, Variant]
    files: Mapping[str, FileRecord]
    source: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    parity: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""

    def dumps(self) -> str:
        """Return the JSON text, with the schema version in front."""
        fields_of = asdict(self)
        for variant in fields_of["variants"].values():
            # Version 0.2.0 knows neither encoders nor graphs cut short, and reads the others.
            if variant["states"] is None:
                del variant["states"]
            if variant["attention"] and variant["attention"]["file"] is None:
                del variant["attention"]["file"]
        return json.dumps({"schema_version": SCHEMA_VERSION, **fields_of}, indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read and check a manifest.

        Raises
        ------
        BundleError
            Missing, a link out of the folder, not JSON that `strict_json` takes, another schema
            version, a field missing, of the wrong type or unknown, or file names that leave the
            folder, are not plain, or could be the same file.
        """
        try:
            with open_inside(path.parent, path.name) as file:
                raw = strict_json.parse(file.read(strict_json.MAX_BYTES + 1))
        except FileNotFoundError:
            raise BundleError(
                f"{path.parent}: not a model bundle: it has no {MANIFEST}. "
                "Build one with: edgelingua-export build SOURCE --task scorer -o DIR"
            ) from None
        except (OSError, ValueError) as error:
            raise BundleError(f"{path}: not a readable JSON file ({error})") from None
        if not isinstance(raw, dict):
            raise BundleError(f"{path}: expected a JSON object, got {type(raw).__name__}")
        version = raw.pop("schema_version", None)
        if version != SCHEMA_VERSION:
            raise BundleError(
                f"{path}: schema version {version!r}, this edgelingua reads {SCHEMA_VERSION}: "
                "rebuild the bundle or install the edgelingua that made it"
            )
        try:
            manifest: Manifest = _parse(raw, cls, "manifest")
            manifest._check()
        except ValueError as error:
            raise BundleError(f"{path}: malformed manifest: {error}") from None
        return manifest

    def _check(self) -> None:
        self._check_files()
        self._check_tokens()
        if not self.variants:
            raise ValueError("variants: expected at least one")
        for label, variant in self.variants.items():
            cache = variant.cache
            if cache and not (0 < cache.heads < _LARGE and 0 < cache.head_size < _LARGE):
                raise ValueError(f"variant {label}: heads or head_size out of range")
            if self.task == "scorer" and (cache is None or not cache.names):
                raise ValueError(f"variant {label}: a scorer's variants need a KV cache")
            if self.task == "scorer" and (variant.targets is None or variant.nll is None):
                raise ValueError(f"variant {label}: a scorer's variants need targets and nll")
            if self.task == "classifier" and variant.keep is None:
                raise ValueError(f"variant {label}: a classifier's variants need keep")
            if self.task == "encoder" and variant.states is None:
                raise ValueError(f"variant {label}: an encoder's variants need states")
            self._check_length(label, variant)
            _check_heads(label, variant)

    def _check_length(self, label: str, variant: Variant) -> None:
        if variant.length is None:
            return
        if self.task != "classifier":
            raise ValueError(f"variant {label}: only a classifier's variants have a fixed length")
        special = len(self.tokens.prefix) + len(self.tokens.suffix)
        if not special + 2 <= variant.length <= self.tokens.max_length:
            raise ValueError(f"variant {label}: length {variant.length} out of range")

    def _check_files(self) -> None:
        for name in self.files:
            relative = PurePosixPath(name)
            if relative.is_absolute() or ".." in relative.parts or "\\" in name or ":" in name:
                raise ValueError(f"files: {name!r} leaves the bundle's folder")
            if len(name) > 255 or not all(map(_FILE_NAME.fullmatch, name.split("/"))):
                raise ValueError(
                    f"files: {name!r:.60}: expected names of letters, digits and _.+- (ASCII)"
                )
        # On a file system that ignores case, one file could be checked and the other one used.
        if len({name.casefold() for name in (*self.files, MANIFEST)}) <= len(self.files):
            raise ValueError(f"files: two names differ in case only, or one is {MANIFEST}")
        for label, variant in self.variants.items():
            for file in dict.fromkeys((variant.file, variant.early.file)):
                if file not in self.files:
                    raise ValueError(f"variant {label}: its file {file!r} is not listed")
        if TOKENIZER not in self.files:
            raise ValueError(f"files: {TOKENIZER} is not listed")

    def _check_tokens(self) -> None:
        special = (*self.tokens.prefix, *self.tokens.suffix, *self.tokens.pair)
        if any(not 0 <= token < 2**31 for token in special):
            raise ValueError("tokens.prefix, tokens.suffix, tokens.pair: a token id out of range")
        if self.tokens.max_length - len(special) < 2:
            raise ValueError(f"tokens.max_length {self.tokens.max_length} leaves no room for text")
        if self.task == "scorer" and not self.tokens.prefix:
            raise ValueError("tokens.prefix: a scorer needs a token to start from")


def _check_heads(label: str, variant: Variant) -> None:
    """Refuse heads that no layer of the graph has."""
    if variant.attention is None:
        return
    heads = variant.attention.heads
    layers = len(variant.cache.names) // 2 if variant.cache else 0
    if not heads or not all(0 <= at < layers and 0 <= head < _LARGE for at, head in heads):
        raise ValueError(f"variant {label}: attention.heads: expected heads of its {layers} layers")


def _parse(value: Any, wanted: Any, where: str) -> Any:
    """Turn parsed JSON into ``wanted``: a dataclass, or one of the types that ours are made of."""
    if is_dataclass(wanted):
        return _parse_dataclass(value, wanted, where)
    origin, args = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return value
    if origin is Literal:
        if value not in args:
            raise ValueError(f"{where}: expected one of {', '.join(map(str, args))}, got {value!r}")
        return value
    if origin in (Union, UnionType):
        if value is None and NoneType in args:
            return None
        return _parse(value, next(a for a in args if a is not NoneType), where)
    if origin is tuple:
        if not isinstance(value, list) or (args[-1] is not ... and len(value) != len(args)):
            raise ValueError(f"{where}: expected a list, got {value!r:.60}")
        inner = [args[0]] * len(value) if args[-1] is ... else args
        items = zip(value, inner, strict=True)
        return tuple(_parse(v, a, f"{where}[{i}]") for i, (v, a) in enumerate(items))
    if origin is Mapping:
        if not isinstance(value, dict):
            raise ValueError(f"{where}: expected an object, got {value!r:.60}")
        return {key: _parse(v, args[1], f"{where}.{key}") for key, v in value.items()}
    if type(value) is not wanted:  # bool is not an int here
        raise ValueError(f"{where}: expected {wanted.__name__}, got {value!r:.60}")
    return value


def _parse_dataclass(value: Any, wanted: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected an object, got {value!r:.60}")
    hints = get_type_hints(wanted)
    if unknown := set(value) - set(hints):
        raise ValueError(f"{where}: unknown field {', '.join(sorted(unknown))}")
    required = {
        f.name for f in fields(wanted) if f.default is MISSING and f.default_factory is MISSING
    }
    if missing := required - set(value):
        raise ValueError(f"{where}: missing field {', '.join(sorted(missing))}")
    return wanted(**{k: _parse(v, hints[k], f"{where}.{k}") for k, v in value.items()})
