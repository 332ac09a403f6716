"""What PyInstaller cannot see in edgelingua: names imported when first used, and the bundles."""

from contextlib import suppress
from importlib.metadata import PackageNotFoundError

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

from edgelingua.bundle.shipped import shipped_bundles

# These come along where a program imports them, and adapters to frameworks with their frameworks.
_ASIDE = ("cli", "corpus", "__main__", "packaged")
_SERVERS = ("proxy", "server")


def _in_programs(module: str) -> bool:
    match module.split(".")[1:]:
        case ["integrations", adapter, *_]:
            return adapter in _SERVERS
        case [room, *_]:
            return room not in _ASIDE
    return True


hiddenimports = collect_submodules("edgelingua", _in_programs, on_error="ignore")
datas = [(str(path), f"edgelingua/bundles/{name}") for name, path in shipped_bundles().items()]
datas += collect_data_files("edgelingua.explain")
datas += collect_data_files("edgelingua.integrations.server.page")
datas += collect_data_files("edgelingua.text")
datas += copy_metadata("edgelingua")  # with the licences of the code and of the weights
with suppress(PackageNotFoundError):  # a wheel of its own, or none
    datas += copy_metadata("edgelingua-multi")
datas += copy_metadata("tokenizers")
# Large, and seldom used: whoever does imports them in the program itself.
excludedimports = ["huggingface_hub", "spacy"]
