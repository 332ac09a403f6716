"""Damaged bundles and GGUF files: each runs or is refused.

``python -m tests.damaged_models gguf 2000`` (or ``bundle``) tries more than CI does, and prints a
line for ``benchmarks/reliability/damaged_models.jsonl``.

Each case is made from its number alone. They run in a process of their own, which native code may
end: the case that did it is reported, and the next process goes on behind it.
"""

from __future__ import annotations

import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from edgelingua.errors import EdgeLinguaError

STALLED = 120.0


def mutated(raw: bytes, draw: random.Random, places: Callable[[random.Random], int]) -> bytes:
    """Overwrite, insert or drop a few bytes; most often one value of a few bytes."""
    changed = bytearray(raw)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        at = places(draw)
        size = draw.choice((1, 1, 2, 4, 8))
        kind = draw.random()
        if kind < 0.3:
            changed[at] ^= 1 << draw.randrange(8)
        elif kind < 0.8:
            edge = (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1, draw.getrandbits(64))
            value = draw.choice(edge) % 256**size
            changed[at : at + size] = value.to_bytes(size, "little")
        elif kind < 0.9:
            del changed[at : at + size]
        else:
            changed[at:at] = draw.randbytes(size)
    return bytes(changed)


def gguf_case(folder: Path, number: int) -> None:
    """Load a model whose header is damaged, and do all that can be done with it."""
    from edgelingua.llama.model import LlamaModel, Sampling

    original = (folder / f"{number % 2}.gguf").read_bytes()
    end = int((folder / f"{number % 2}.end").read_text())
    path = folder / "case.gguf"
    # Numbers first, tensors last, and between them the vocabulary, which is long.
    spans = ((4, 1000), (4, 1000), (end - 3000, end), (4, end))
    path.write_bytes(
        mutated(original, random.Random(number), lambda draw: draw.randrange(*draw.choice(spans)))
    )
    counter = LlamaModel(path, vocabulary_only=True)
    if counter.has_text:
        counter.count("Hello, wörld! <bos> 你好\n")
    model = LlamaModel(path, threads=1)
    session = model.session(min(64, model.trained_length))
    tokens = model.tokenize("Hi 你", begin=True)
    if model.chat_template:
        model.chat([("user", "Hi!")])
    session.feed(tokens)
    list(
        model.stream_text(
            session.generate(model.sampler(session, Sampling()), 2, model.stop_tokens)
        )
    )


def bundle_case(folder: Path, number: int) -> None:
    """Open a bundle of which one file is damaged, the manifest agreeing, and compress with it."""
    from edgelingua.budget import Budget
    from edgelingua.bundle.bundle import ModelBundle
    from edgelingua.compressors import load_compressor
    from edgelingua.files.safe import hash_file
    from edgelingua.ort.session import RunOptions
    from edgelingua.prompt import Prompt

    name = ("manifest.json", "tokenizer.json", "model")[number % 3]
    bundle = folder / "case"
    shutil.rmtree(bundle, ignore_errors=True)
    shutil.copytree(folder / "bundle", bundle)
    manifest = json.loads((bundle / "manifest.json").read_text())
    if name == "model":
        name = next(iter(manifest["variants"].values()))["file"]
    raw = (bundle / name).read_bytes()
    # Structure comes first, vocabulary and weights after it.
    spans = (min(len(raw), 4000), len(raw))
    (bundle / name).write_bytes(
        mutated(raw, random.Random(number), lambda draw: draw.randrange(draw.choice(spans)))
    )
    if name != "manifest.json":
        size = (bundle / name).stat().st_size
        manifest["files"][name] = {"size": size, "sha256": hash_file(bundle / name)}
        (bundle / "manifest.json").write_text(json.dumps(manifest))
    assert ModelBundle.open(bundle)
    compressor = load_compressor("llmlingua2", bundle, options=RunOptions(threads=1))
    compressor.compress(Prompt.build("The tribunal awarded $15,500,000 in gold."), Budget(rate=0.5))


CASES = {"gguf": gguf_case, "bundle": bundle_case}


def prepare(kind: str, folder: Path) -> None:
    """Write what is damaged."""
    if kind == "bundle":
        from edgelingua.bundle.shipped import shipped_bundles

        shutil.copytree(shipped_bundles()["edgelingua-nano"], folder / "bundle")
        return
    import gguf

    from tests import tiny_gguf

    tiny_gguf.write_gemma(folder / "0.gguf", chat=True)
    tiny_gguf.write_bytes_llama(folder / "1.gguf")
    for name in "01":
        start = gguf.GGUFReader(folder / f"{name}.gguf").data_offset
        (folder / f"{name}.end").write_text(str(start))


def work(kind: str, folder: Path, first: int, last: int) -> None:
    """Try cases, and say after each what came of it."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(first, last):
        print("try", number, flush=True)
        try:
            CASES[kind](folder, number)
            print("ran", flush=True)
        except EdgeLinguaError as error:
            print("refused", type(error).__name__, flush=True)
        except BaseException as error:
            print("fault", f"{type(error).__name__}: {error}".replace("\n", " ")[:300], flush=True)


def run(kind: str, count: int, first: int = 0) -> tuple[collections.Counter[str], list[str]]:
    """Try so many cases; return what came how often, and the faults."""
    found: collections.Counter[str] = collections.Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(kind, folder)
        at, last = first, first + count
        while at < last:
            command = [
                sys.executable,
                "-m",
                "tests.damaged_models",
                "work",
                kind,
                name,
                str(at),
                str(last),
            ]
            with subprocess.Popen(
                command,
                env=os.environ | {"GGML_NO_BACKTRACE": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            ) as process:
                timer = threading.Timer(STALLED + count, process.kill)
                timer.start()
                assert process.stdout is not None
                for line in process.stdout:
                    word, _, rest = line.strip().partition(" ")
                    if word == "try":
                        at = int(rest)
                    elif word in ("ran", "refused", "fault"):
                        found[word] += 1
                        at += 1
                        if word == "fault":
                            faults.append(f"{kind} {at - 1}: {rest}")
                timer.cancel()
            if at < last:
                found["died"] += 1
                faults.append(f"{kind} {at}: the process ended with {process.returncode}")
                at += 1
    return found, faults


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    else:
        kind, count, first = sys.argv[1], int(sys.argv[2]), int((sys.argv[3:] or ["0"])[0])
        counts, wrong = run(kind, count, first)
        print(
            json.dumps({"damaged": kind, "first": first, "cases": count, **counts, "faults": wrong})
        )
        sys.exit(bool(wrong))
