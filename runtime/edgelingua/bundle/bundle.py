"""ModelBundle: a model folder that has been checked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from edgelingua.bundle import floors
from edgelingua.bundle.floors import Floors
from edgelingua.bundle.manifest import MANIFEST, TOKENIZER, FileRecord, Manifest, Task, Variant
from edgelingua.bundle.onnx_file import summarize
from edgelingua.bundle.placement import place
from edgelingua.bundle.shipped import shipped_bundles
from edgelingua.errors import BundleError
from edgelingua.files.folders import restore
from edgelingua.files.safe import (
    Stamp,
    open_inside,
    stamp_of,
)
from edgelingua.ort.session import DOMAINS, LOADERS, Graph, RunOptions
from edgelingua.system.logs import logger
from edgelingua.text.tokenizer import TextTokenizer

_log = logger(__name__)

_MAX_TOKENIZER = 256_000_000
"""Bytes; vocabularies of 260,000 pieces take some 35 million. It is read whole."""


@dataclass(frozen=True)
class ModelBundle:
    """A bundle whose files are the ones its manifest describes. Make one with `open`.

    What is loaded later is what was checked: a file that was replaced or written to since `open`,
    or while it was being loaded, is refused. That a model is *good* no check can tell: one made to
    waste time or memory when it runs, or to score badly, is as valid as any. The hashes say that it
    is the one the manifest describes; whether to trust the manifest is up to where you got it.
    """

    folder: Path
    manifest: Manifest
    stamps: Mapping[str, Stamp] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def open(cls, folder: str | Path, *, check_hashes: bool = True) -> ModelBundle:
        """Check a bundle; nothing is loaded.

        Checked: the manifest's schema; that every file is a regular one inside the folder (symbolic
        links followed) with the size and SHA-256 recorded; that the graphs are ONNX models with the
        input and output names recorded, made of ONNX's and onnxruntime's own operators, whose
        weights have the size their shapes say and lie in recorded files. Without ``check_hashes``
        the files are not read for their SHA-256, which takes a while if they are large: good enough
        to list bundles, not to run them.

        Raises
        ------
        BundleError
            Any of these does not hold.
        """
        folder = Path(folder)
        restore(folder)
        manifest = Manifest.read(folder / MANIFEST)
        try:
            stamps = {
                name: _check_file(folder, name, record, check_hashes)
                for name, record in manifest.files.items()
            }
            for label, variant in manifest.variants.items():
                _check_graph(folder, label, variant, manifest)
                if variant.early is not variant:
                    _check_graph(folder, label, variant.early, manifest)
        except OSError as error:
            raise BundleError(f"{folder}: cannot be read: {error}") from None
        bundle = cls(folder, manifest, stamps)
        bundle.refuse_changes()  # the graphs were read after their hashes
        checked = "hashed" if check_hashes else "looked at"
        _log.debug("%s: opened, %d files %s", folder.name, len(manifest.files), checked)
        return bundle

    def refuse_changes(self) -> None:
        """Raise `BundleError` if a file is not, or no longer as, the one that `open` checked."""
        for name, stamp in self.stamps.items():
            try:
                now = stamp_of((self.folder / name).stat())
            except OSError as error:
                raise BundleError(f"{self.folder / name}: cannot be read: {error}") from None
            if now != stamp:
                raise BundleError(
                    f"{self.folder / name}: changed since the bundle was checked; open it again"
                )

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Refuse changes before and after files are loaded inside this context."""
        self.refuse_changes()
        yield
        self.refuse_changes()

    def require(self, task: Task) -> None:
        """Raise `BundleError` unless the bundle is for ``task``."""
        if self.manifest.task != task:
            raise BundleError(
                f"{self.folder}: a {self.manifest.task} bundle, but a {task} is needed here"
            )

    def floors(self) -> Floors | None:
        """Return how far down its ranking to go for an answer to survive; ``None``: not known."""
        if floors.FILE not in self.manifest.files:
            return None
        with self.unchanged():
            return Floors.read(self.folder / floors.FILE)

    def tokenizer(self) -> TextTokenizer:
        """Load the tokenizer."""
        with self.unchanged():
            return TextTokenizer(
                self.folder / TOKENIZER, self.manifest.tokens.word_boundary, trusted=self.trusted
            )

    @property
    def trusted(self) -> bool:
        """Whether it came with the package, and may run like the package's own code."""
        return self.folder.resolve() in map(Path.resolve, shipped_bundles().values())

    def variant(self, name: str | None = None) -> Variant:
        """Return a variant by name, by default the first that the manifest lists.

        Raises
        ------
        BundleError
            There is no variant of that name.
        """
        return next(iter(self._variants(name).values()))

    def load(
        self, name: str | None = None, options: RunOptions | None = None
    ) -> tuple[Variant, Graph]:
        """Load a graph: the variant of that name, by default one for the device; see `place`.

        Raises
        ------
        BundleError
            There is no variant of that name.
        InferenceError
            The graph cannot be loaded.
        """
        # What has no cache reads windows of a text, none of which waits for another.
        windows = self.manifest.task != "scorer"
        with self.unchanged():
            return place(self.folder, self._variants(name), options, side_by_side=windows)

    def load_early(
        self, name: str | None = None, options: RunOptions | None = None
    ) -> tuple[Variant, Graph]:
        """Load the graph that shows what heads look at, as `load` does; see `Variant.early`.

        Raises
        ------
        BundleError
            There is no variant of that name, or it shows no attention.
        InferenceError
            The graph cannot be loaded.
        """
        variants = {label: v.early for label, v in self._variants(name).items() if v.attention}
        if not variants:
            raise BundleError(
                f"{self.folder}: names no heads whose attention it shows; find some with "
                "edgelingua-export heads, and build it again with --attention LAYER.HEAD,…"
            )
        with self.unchanged():
            return place(self.folder, variants, options)

    def _variants(self, name: str | None) -> Mapping[str, Variant]:
        variants = self.manifest.variants
        if name is None:
            return variants
        if name not in variants:
            raise BundleError(f"{self.folder}: no variant {name!r}; it has {', '.join(variants)}")
        return {name: variants[name]}


def _check_file(folder: Path, name: str, record: FileRecord, check_hash: bool) -> Stamp:
    path = folder / name
    if name == TOKENIZER and record.size > _MAX_TOKENIZER:
        raise BundleError(f"{path}: {record.size} bytes, expected at most {_MAX_TOKENIZER}")
    try:
        file = open_inside(folder, name)
    except FileNotFoundError:
        raise BundleError(f"{path}: missing; rebuild the bundle or copy it again") from None
    with file:
        status = os.fstat(file.fileno())
        if status.st_size != record.size:
            raise BundleError(
                f"{path}: {status.st_size} bytes, the manifest says {record.size}: truncated or "
                "replaced; rebuild the bundle or copy it again"
            )
        digest = hashlib.file_digest(file, "sha256").hexdigest() if check_hash else record.sha256
    if digest != record.sha256:
        raise BundleError(
            f"{path}: SHA-256 {digest[:12]}…, the manifest says {record.sha256[:12]}…: "
            "damaged or tampered with; rebuild the bundle or copy it again"
        )
    # Of the moment before its content was read: whatever is written from then on shows.
    return stamp_of(status)


def _check_graph(folder: Path, label: str, variant: Variant, manifest: Manifest) -> None:
    path = folder / variant.file
    summary = summarize(path)
    if foreign := summary.domains - DOMAINS:
        raise BundleError(
            f"{path}: uses operators of {', '.join(sorted(foreign))}; expected none but ONNX's and "
            "onnxruntime's own"
        )
    if bad := summary.operators & LOADERS:
        raise BundleError(f"{path}: has {', '.join(bad)}, which loads files of its own")
    if summary.sparse:  # a few bytes of them can stand for any amount of memory
        raise BundleError(f"{path}: has sparse weights; expected dense ones")
    for tensor in sorted(summary.external, key=lambda tensor: tensor.location):
        # ONNX resolves a location against the folder of the .onnx file.
        target = (PurePosixPath(variant.file).parent / tensor.location).as_posix()
        if target not in manifest.files:
            raise BundleError(
                f"{path}: its weights refer to {tensor.location!r}, which is not a file of the "
                "bundle"
            )
        if not tensor.fits(manifest.files[target].size):
            raise BundleError(
                f"{path}: {tensor.elements} weights in {tensor.location} at byte {tensor.offset} "
                "are more than the file holds"
            )
    for kind, wanted, has in (
        ("inputs", variant.inputs, summary.inputs),
        ("outputs", variant.outputs, summary.outputs),
    ):
        if wanted - has or (kind == "inputs" and has - wanted):
            raise BundleError(
                f"{path}: variant {label} should have the {kind} {', '.join(sorted(wanted))}; "
                f"the graph has {', '.join(sorted(has))}"
            )
