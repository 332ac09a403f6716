"""What failed in a build outlives the many lines that say what went well."""

from __future__ import annotations

from random import Random

import pytest

from edgelingua import Budget, Prompt, load_compressor
from edgelingua.text.structure import outline_of

_DRAW = Random(5)
_WORDS = [
    "anchor",
    "barrel",
    "compass",
    "dynamo",
    "engine",
    "filter",
    "gasket",
    "hammer",
    "inverter",
    "jack",
    "kettle",
]


def _many(shape: str) -> list[str]:
    """Lines that begin alike: ``{a}`` and ``{b}`` are words, ``{v}`` a version, ``{n}`` counts."""
    return [
        shape.format(
            a=_DRAW.choice(_WORDS),
            b=_DRAW.choice(_WORDS),
            v=f"{_DRAW.randint(0, 9)}.{_DRAW.randint(0, 30)}.{_DRAW.randint(0, 9)}",
            n=n,
        )
        for n in range(30)
    ]


BUILDS = {
    "cargo": ("   Compiling {a}-{b} v{v}", "error[E0433]: use of undeclared crate `quarry`"),
    "linker": ("   Compiling {a}-{b} v{v}", "error: linking with `cc` failed: exit status: 1"),
    "fetch": (" Downloading {a}-{b}-{v}.tar.gz", "error: checksum of valve-0.3.1 does not match"),
    "make": ("  CC      drivers/{a}/{b}.o", "drivers/oar.c:88:9: error: no member named 'grip'"),
    "cmake": ("[ {n}%] Building CXX object src/{a}_{b}.cpp.o", "/src/v.cpp:1:5: fatal error: g.h"),
    "go": ("ok  \texample.com/{a}/{b}\t0.{n}s", "--- FAIL: TestNozzleFlow (0.02s)"),
    "install": ("Installing {a}-{b} ({v})", "warning: lantern 0.2.1 has been yanked"),
    "bundler": ("Using {a}-{b} {v}", "An error occurred while installing nokogiri (1.15.4)."),
    "yocto": ("NOTE: recipe {a}-{b}-{v}: task do_compile: Succeeded", "ERROR: k-2 do_x: failed"),
    "gradle": ("> Task :{a}:compile{b} UP-TO-DATE", "> Task :winch:compileJava FAILED"),
    "swift": ("[{n}/30] Compiling {a} {b}{n}.swift", "/src/Oar.swift:4:11: error: no 'Rowlock'"),
    "tap": ("ok {n} - {a} {b} works", "not ok 61 - radiator holds its pressure"),
}


@pytest.mark.parametrize("question", ["", "Why did the build fail?"])
@pytest.mark.parametrize("kind", BUILDS)
def test_what_failed_stays(kind: str, question: str) -> None:
    shape, failed = BUILDS[kind]
    lines = _many(shape)
    prompt = Prompt.build("\n".join([*lines[:21], failed, *lines[21:]]) + "\n", question=question)
    compressor = load_compressor()
    for rate in (0.5, 0.15):
        assert failed in compressor.compress(prompt, Budget(rate=rate)).text.splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "The rain came early that year.\nThe men went home.\nThe boats stayed.\nThe town slept.\n"
        * 3,
        "And a new tide came\nand the old men slept\nAnd a new day came\nand the boats went\n" * 3,
        "".join(f"Chapter {n} {'.' * 30} {n * 7}\n" for n in range(8)),
        "- Buy oars\n- Buy sails\n- Buy rope\n- Buy paint\n",
    ],
)
def test_prose_that_begins_alike_is_prose(text: str) -> None:
    assert not outline_of(text, "compress").records
