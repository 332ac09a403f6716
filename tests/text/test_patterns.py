from __future__ import annotations

import contextlib
import importlib
import pkgutil

import pytest

from edgelingua.errors import MissingExtraError
from edgelingua.text.names import names
from edgelingua.text.negations import numbers
from edgelingua.text.structure import atoms
from tests.patterns import misread

QUOTED = r"['’]\w++"


@pytest.mark.parametrize(
    "pattern",
    [
        r"\w++(?:[.,]\w++)*+",
        r"(?:ab)?+",
        r"(ab)++",
        r"a|(?:b(?:cd){1,3}+)*",
        r"(?<=a)b(?=(?:cd)*+)",
        rf"\w(?:{QUOTED})*+",
        rb"(?:ab)*+",
        r"(?x) (?: a  b ) *+",
        r"(?>(a)|b)",
        r"(?>(?:(?P<name>a)|b)*)",
    ],
)
def test_what_older_pythons_misread_is_seen(pattern: str | bytes) -> None:
    assert misread(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"[^\W_]\w*+(?:[.,]\w++)*",
        r"(?>(?:ab)*)",
        r"\)*+\]{1,3}+[)]?+",
        r"(?:a)*+",
        r'"([^"\\]*+(?:\\.[^"\\]*+)*)"',
        r"((?>ab|c))",
    ],
)
def test_what_all_pythons_read_alike_is_left_alone(pattern: str) -> None:
    assert not misread(pattern)


def test_all_that_our_modules_compile_is_looked_at() -> None:
    source = "import re\nre.compile('(?:' + 'ab' + ')' + quantifier, re.DOTALL)"
    for name in ("edgelingua.anything", "edgelingua_export"):
        exec(source, {"__name__": name, "quantifier": "*"})
        with pytest.raises(AssertionError, match=r"3\.11\.5"):
            exec(source, {"__name__": name, "quantifier": "*+"})
    exec(source, {"__name__": "somebody", "quantifier": "*+"})


@pytest.mark.parametrize("package", ["edgelingua", "edgelingua_export"])
def test_every_module_is_imported_under_that_look(package: str) -> None:
    """Patterns of a module are compiled when it is imported."""
    folder = importlib.import_module(package).__path__
    names = [module.name for module in pkgutil.walk_packages(folder, f"{package}.")]
    assert len(names) > 30
    for name in names:
        if not name.endswith("__main__"):
            with contextlib.suppress(MissingExtraError, ModuleNotFoundError):
                importlib.import_module(name)


def test_names_numbers_and_paths_end_where_they_end() -> None:
    text = "Ida Brandt, of Basel, paid 15 500 000 francs (see /usr/lib//x and a.b. of 'old. x')."
    assert [text[a:b] for a, b in names(text).tolist()] == ["Ida Brandt"]
    assert [text[a:b] for a, b in numbers(text).tolist()] == ["15 500 000"]
    assert [text[a:b] for a, b in atoms(text).tolist()] == ["a.b", "'old. x'"]
