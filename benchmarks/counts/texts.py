"""Texts of many kinds, to count tokens of: prose of many languages, machine text, noise."""

from __future__ import annotations

import base64
import gzip
import json
import random
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

Sources = dict[str, list[str]]
"""Kind → texts of it."""


def texts(data: Path, size: int = 15) -> Sources:
    """Return ``size`` texts a kind: of the development data, of this repository, and made here."""
    found: Sources = {}
    for path in sorted((data / "multi").glob("*.jsonl.gz")):
        rows = list(islice(_rows(path), 400))
        whole = [r.get("context") or "\n".join(r.get("lines", ())) for r in rows]
        found[path.name.removesuffix(".jsonl.gz")] = whole
    for path in sorted((data / "loghub").glob("*.gz")):
        lines = gzip.decompress(path.read_bytes()).decode("utf-8", "replace").splitlines()
        found[path.stem] = ["\n".join(lines[at : at + 12]) for at in range(0, 2000, 12)]
    lines = [
        line
        for path in (data / "languages").glob("parallel.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    for row in map(json.loads, lines):
        for key, value in row.items():
            if isinstance(value, str) and len(value) > 40:
                found.setdefault(f"parallel {key}", []).append(value)
    for suffix in ("py", "md", "json", "toml", "yml", "html"):
        found[f"files {suffix}"] = list(_files(suffix))
    found |= _made(random.Random(0))
    found = {kind: [t for t in known if t.strip()] for kind, known in found.items()}
    chosen = random.Random(1)
    return {
        kind: [text[:3000] for text in chosen.sample(known, min(size, len(known)))]
        for kind, known in sorted(found.items())
    }


def _files(suffix: str) -> Iterator[str]:
    for path in sorted(ROOT.rglob(f"*.{suffix}")):
        if (
            not {".venv", ".git", "node_modules"} & set(path.parts)
            and path.stat().st_size < 200_000
        ):
            text = path.read_text(encoding="utf-8")
            yield from (text[at : at + 3000] for at in range(0, min(len(text), 9000), 3000))


def _made(rng: random.Random) -> Sources:
    """What no data set has: hex, base64, emoji, long runs, tables, escapes."""
    emoji = "😀👍🏽🎉❤️🔥👨‍👩‍👧‍👦🇩🇪🇫🇷☕1️⃣🚀🙈🧪⚠️✅❌🏳️‍🌈"
    marks = "=-_*#~.|+/\\<>^"

    def numbers() -> str:
        return "\n".join(
            "\t".join(
                f"{rng.uniform(0, 10 ** rng.randrange(1, 7)):.{rng.randrange(4)}f}"
                for _ in "1234567"
            )
            for _ in range(30)
        )

    makers = {
        "hex": lambda: " ".join(rng.randbytes(rng.choice((8, 16, 32))).hex() for _ in range(40)),
        "hex run": lambda: "The signing key is " + "deadbeef01" * rng.randrange(5, 300) + " .",
        "base64": lambda: "data:image/png;base64," + base64.b64encode(rng.randbytes(1500)).decode(),
        "uuid": lambda: "\n".join(
            f'"{uuid.UUID(bytes=rng.randbytes(16))}": {i},' for i in range(40)
        ),
        "emoji": lambda: "".join(rng.choices(emoji, k=60)),
        "emoji in text": lambda: " ".join(f"great {rng.choice(emoji)} news" for _ in range(60)),
        "one letter": lambda: rng.choice("abxyzAQ") * rng.randrange(10, 3000),
        "one mark": lambda: "\n".join(rng.choice(marks) * rng.randrange(4, 90) for _ in range(30)),
        "marks": lambda: "".join(rng.choices(marks + "(){}[]!?:;,'\"$%&@`", k=400)),
        "digits": lambda: "".join(rng.choices("0123456789", k=500)),
        "numbers": numbers,
        "random letters": lambda: " ".join(
            "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randrange(2, 14)))
            for _ in range(80)
        ),
        "capitals": lambda: " ".join(
            "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=rng.randrange(2, 10)))
            for _ in range(80)
        ),
        "identifiers": lambda: " ".join(
            "".join(rng.choice(("get", "User", "Id", "HTTP", "_v2", "tmp", "Cfg")) for _ in "1234")
            for _ in range(60)
        ),
        "escapes": lambda: "".join(
            f"\x1b[{rng.randrange(30, 48)}m{rng.choice(('PASS', 'FAIL'))}\x1b[0m src/{i}.test.ts\n"
            for i in range(40)
        ),
        "blanks": lambda: "\n".join(
            " " * rng.randrange(30) + "x" + "\t" * rng.randrange(6) for _ in range(60)
        ),
        "entities": lambda: "".join(f"<td>{rng.randrange(99)}&nbsp;kr</td>\n" for _ in range(60)),
        "unicode escapes": lambda: "".join(
            f"\\u{rng.randrange(0x400, 0x9000):04x}" for _ in range(80)
        ),
    }
    return {name: [make() for _ in range(20)] for name, make in makers.items()}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)
