"""Saved chats that were damaged, or forged by somebody who knows how they are made."""

from __future__ import annotations

import hashlib
import io
import json
import random
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from edgelingua.chat import Chat
from edgelingua.errors import EdgeLinguaError, StateError
from edgelingua.kv.storage import SavedSession
from edgelingua.llama.model import LlamaModel, Sampling

_ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 64, 10**6, 2**31, 2**32, 2**63, 2**64, -(2**63), 10**30, 0.5,
    1e308, float("nan"), float("inf"), "", "f16", "q4_0", "x" * 1000, "\ud800", "\0", [], [0], {},
    {"": 0}, [[[]]], [2**70] * 3,
)  # fmt: skip
_INTEGERS = (0, 1, 2, 7, 8, 31, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
_TYPES = ("<f4", "<f8", "<f2", "<i8", "<i4", "|u1", "|b1", ">i4", "<U1", "|S3", "<c8")


def chat(reader: LlamaModel, path: Path) -> bytes:
    """Save a short chat that has evicted something; return the file's bytes."""
    talk = Chat(reader, reader.session(96), "Be brief.", Sampling(seed=1))
    for text in ("My cat is called Tom. " * 3, "What is my cat called?"):
        talk.say(text, limit=12)
    talk.save(path)
    return path.read_bytes()


def mutated(raw: bytes, draw: random.Random) -> tuple[str, bytes]:
    """Return the name of a kind of damage, and the file damaged like that."""
    kind = draw.choice(["bytes", "member", "about", "array", "state", "archive"])
    if kind == "bytes":
        return kind, _bytes(raw, draw)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if kind == "archive":
        return kind, _archive(members, draw)
    if kind == "member":
        name = draw.choice(list(members))
        members[name] = _bytes(members[name], draw)
    elif kind == "state":
        members["state.npy"] = _integers(members["state.npy"], draw)
    else:
        name = "about.npy" if kind == "about" else draw.choice(list(members))
        array = np.load(io.BytesIO(members[name]))
        array = _about(array, draw) if kind == "about" else _array(array, draw)
        file = io.BytesIO()
        np.save(file, array)
        members[name] = file.getvalue()
    return kind, _zip(members.items())


def load(reader: LlamaModel, path: Path) -> bool:
    """Load a chat and go on with it; False: it was refused, with an error of ours."""
    try:
        talk = Chat.load(reader, path)
        talk.say("And my dog?", limit=3)
        talk.save(path)
    except EdgeLinguaError as error:
        assert str(error)
        return False
    return True


def try_many(reader: LlamaModel, folder: Path, seeds: range) -> dict[str, dict[str, int]]:
    """Return how many of each kind were taken and refused; anything else raises."""
    path = folder / "chat.session"
    raw = chat(reader, path)
    said = _said(path)
    assert load(reader, path)
    counts: dict[str, Counter[str]] = {}
    for seed in seeds:
        kind, damaged = mutated(raw, random.Random(seed))
        path.write_bytes(damaged)
        try:
            # Damage by chance, its checksums not put right, may only hit what says nothing.
            assert kind != "bytes" or _said(path) in (said, None)
            taken = load(reader, path)
        except Exception as error:
            raise AssertionError(f"seed {seed}, {kind}: {error!r}") from error
        counts.setdefault(kind, Counter())["taken" if taken else "refused"] += 1
    return {kind: dict(counts[kind]) for kind in sorted(counts)}


def _said(path: Path) -> str | None:
    """All that a file says, as one number; None if it is refused."""
    try:
        saved = SavedSession.read(path)
    except StateError:
        return None
    parts: list[Any] = [saved.identity, saved.policy, saved.counts, saved.notes]
    arrays = [saved.state, saved.logits, saved.queries, *vars(saved.cells).values()]
    parts += [(array.dtype.str, array.shape, array.tobytes()) for array in arrays]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _bytes(raw: bytes, draw: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(draw.choice([1, 1, 1, 3, 20])):
        # Headers stand at the beginning, the archive's directory at the end.
        size = len(changed)
        at = draw.choice([draw.randrange(size), min(draw.randrange(300), size - 1),
                          max(0, size - 1 - draw.randrange(2000))])  # fmt: skip
        what = draw.randrange(6)
        if what == 0:
            changed[at] ^= 1 << draw.randrange(8)
        elif what == 1:
            changed[at] = draw.randrange(256)
        elif what == 2:
            del changed[at : at + draw.choice([1, 8, 1000])]
        elif what == 3:
            changed[at:at] = draw.randbytes(draw.choice([1, 8, 1000]))
        elif what == 4:
            changed[at : at + 4] = draw.choice(_INTEGERS).to_bytes(4, "little")
        else:
            del changed[at:]
        if not changed:
            break
    return bytes(changed)


def _integers(raw: bytes, draw: random.Random) -> bytes:
    """llama.cpp's counts, types and sizes lie behind the array's header, four bytes by four."""
    changed = bytearray(raw)
    for _ in range(draw.choice([1, 1, 2, 5])):
        at = 128 + 4 * draw.choice([draw.randrange(8), draw.randrange(400), draw.randrange(20000)])
        if at + 4 <= len(changed):
            changed[at : at + 4] = draw.choice(_INTEGERS).to_bytes(4, "little")
    return bytes(changed)


def _about(array: np.ndarray[Any, Any], draw: random.Random) -> np.ndarray[Any, Any]:
    about = json.loads(array.tobytes())
    for _ in range(draw.choice([1, 1, 2])):
        holder = about
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = draw.choice(keys)
            if isinstance(holder[key], dict | list) and draw.random() < 0.8:
                holder = holder[key]
                continue
            if draw.random() < 0.2:
                del holder[key]
            else:
                holder[key] = draw.choice(_ODD)
            break
    text = json.dumps(about)
    if draw.random() < 0.1:
        text = draw.choice(["[" * 10**5, "", "null", "1" * 5000, text[:-1], f"{text}x"])
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _array(array: np.ndarray[Any, Any], draw: random.Random) -> np.ndarray[Any, Any]:
    what, flat = draw.randrange(6), array.copy().reshape(-1)
    if what == 0 and len(flat):
        odd = draw.choice([0, 1, -1, 2**31 - 1, 2**62, 2**63 - 1, float("nan"), float("inf")])
        with np.errstate(all="ignore"):
            flat[draw.randrange(len(flat))] = np.array(odd).astype(flat.dtype)
        return flat.reshape(array.shape)
    if what == 1:
        with np.errstate(all="ignore"):
            return array.astype(draw.choice(_TYPES))
    if what == 2:
        return array[: draw.randrange(len(array) + 1)] if array.ndim else array
    if what == 3:
        return np.concatenate([flat, flat])
    if what == 4:
        return array[draw.choice([None, ..., slice(None, None, -1)])]
    draw.shuffle(order := list(range(len(flat))))
    return flat[order].reshape(array.shape)


def _archive(members: dict[str, bytes], draw: random.Random) -> bytes:
    items = list(members.items())
    what = draw.randrange(5)
    at = draw.randrange(len(items))
    if what == 0:
        del items[at]
    elif what == 1:
        items.append((items[at][0], _bytes(items[at][1], draw)))  # a name twice
    elif what == 2:
        items[at] = (draw.choice(["", "../x", "/etc/x", "x" * 60000, "a\0b"]), items[at][1])
    elif what == 3:
        items[at] = (items[at][0], bytes(10**6))
    else:
        draw.shuffle(items)
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    return _zip(items, draw.choice(kinds))


def _zip(items: Any, compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", compression) as archive:
        warnings.simplefilter("ignore")  # a name twice
        for name, content in items:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return file.getvalue()
