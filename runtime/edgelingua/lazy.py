"""Packages that show names of their modules, and import a module when one of its names is used."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module

TYPE_CHECKING = False
"""As typing's, whose import takes most of the time to the first line of a command."""

if TYPE_CHECKING:
    from typing import Any


def attach(
    package: str, homes: Mapping[str, str], renamed: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for a package (PEP 562).

    Parameters
    ----------
    package
        Its ``__name__``.
    homes
        Each public name, and the module below the package that it is from.
    renamed
        Names of former releases, and what they are called now: found, with a warning.
    """

    def get(name: str) -> Any:
        if renamed and name in renamed:
            now = renamed[name]
            warnings.warn(f"{package}.{name} is now called {now}", DeprecationWarning, stacklevel=2)
            name = now
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    def names() -> list[str]:
        # Without what the package imported to say all this; completion offers the rest.
        return sorted(homes)

    return get, names
