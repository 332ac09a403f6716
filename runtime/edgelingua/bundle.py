"""ModelBundle: a model folder that has been checked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgelingua.errors import BundleError
from edgelingua.manifest import MANIFEST, TOKENIZER, FileRecord, Manifest, Task, Variant
from edgelingua.onnx_file import summarize
from edgelingua.ort import Graph, RunOptions
from edgelingua.placement import place
from edgelingua.text import TextTokenizer


@dataclass(frozen=True)
class ModelBundle:
    """A bundle whose files are the ones its manifest describes. Make one with `open`."""

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: str | Path, *, check_hashes: bool = True) -> ModelBundle:
        """Check a bundle; nothing is loaded.

        Checked: the manifest's schema; that every file lies inside the folder (symbolic links
        followed) with the size and SHA-256 recorded; that the graphs are ONNX models with the input
        and output names recorded, and refer to no weights outside the recorded files. Without
        ``check_hashes`` the files are not read for their SHA-256, which takes a while if they are
        large: good enough to list bundles, not to run them.

        Raises
        ------
        BundleError
            Any of these does not hold.
        """
        folder = Path(folder)
        manifest = Manifest.read(folder / MANIFEST)
        try:
            for name, record in manifest.files.items():
                _check_file(folder, name, record, check_hashes)
            for label, variant in manifest.variants.items():
                _check_graph(folder, label, variant, manifest)
        except OSError as error:
            raise BundleError(f"{folder}: cannot be read: {error}") from None
        return cls(folder, manifest)

    def require(self, task: Task) -> None:
        """Raise `BundleError` unless the bundle is for ``task``."""
        if self.manifest.task != task:
            raise BundleError(
                f"{self.folder}: a {self.manifest.task} bundle, but a {task} is needed here"
            )

    def tokenizer(self) -> TextTokenizer:
        """Load the tokenizer."""
        return TextTokenizer(self.folder / TOKENIZER, self.manifest.tokens.word_boundary)

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
        return place(self.folder, self._variants(name), options)

    def _variants(self, name: str | None) -> Mapping[str, Variant]:
        variants = self.manifest.variants
        if name is None:
            return variants
        if name not in variants:
            raise BundleError(f"{self.folder}: no variant {name!r}; it has {', '.join(variants)}")
        return {name: variants[name]}


def hash_file(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_file(folder: Path, name: str, record: FileRecord, check_hash: bool) -> None:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleError(f"{path}: leads out of the bundle's folder")
    if not path.is_file():
        raise BundleError(f"{path}: missing; rebuild the bundle or copy it again")
    size = path.stat().st_size
    if size != record.size:
        raise BundleError(
            f"{path}: {size} bytes, the manifest says {record.size}: truncated or replaced; "
            "rebuild the bundle or copy it again"
        )
    if not check_hash:
        return
    digest = hash_file(path)
    if digest != record.sha256:
        raise BundleError(
            f"{path}: SHA-256 {digest[:12]}…, the manifest says {record.sha256[:12]}…: "
            "damaged or tampered with; rebuild the bundle or copy it again"
        )


def _check_graph(folder: Path, label: str, variant: Variant, manifest: Manifest) -> None:
    path = folder / variant.file
    summary = summarize(path)
    for location in sorted(summary.external_data):
        # ONNX resolves a location against the folder of the .onnx file.
        target = (path.parent / location).resolve()
        root = folder.resolve()
        inside = target.is_relative_to(root) and "\\" not in location
        if not inside or target.relative_to(root).as_posix() not in manifest.files:
            raise BundleError(
                f"{path}: its weights refer to {location!r}, which is not a file of the bundle"
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
