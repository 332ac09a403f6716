"""``rate="auto"`` beside always and never compressing, over texts of mixed lengths.

Two readers: SmolLM2-135M, and its first layer alone, which reads so fast that short texts are not
worth compressing (what it says is of no use; how long it takes is all that counts here). Their
costs are measured first, as ``edgelingua bench`` does, then each length is read in each way, in
turns, until the first token is there. One thread, and processor time beside the clock's: that of
other programs is not in it. Writes ``auto.jsonl`` (a line for each) and ``auto.md``.

    python -m benchmarks.end_to_end.auto
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import gguf
from benchmarks.common import single_run

from edgelingua import Assistant, Budget, LlamaModel, load_compressor
from edgelingua.cli.bench import trials
from edgelingua.cli.bench.text import QUESTION, characters
from edgelingua.models.registry import DEFAULT_CLASSIFIER, DEFAULT_READER, find_reader
from edgelingua.ort.session import RunOptions
from edgelingua.planner.pace import RATE, Pace

HERE = Path(__file__).parent
LENGTHS = (60, 250, 1_000, 2_500, 5_000, 10_000)
"""Characters of text; some five of them are a token."""
WAYS = {"never": 1.0, "always": RATE, "auto": "auto"}


def main() -> None:
    """Measure the costs, then every way in turn, several rounds, so that drift hits all alike."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--longest", type=int, default=LENGTHS[-1], help="characters")
    options = parser.parse_args()
    lengths = [length for length in LENGTHS if length <= options.longest]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        whole = find_reader(DEFAULT_READER)
        first = first_layer(whole, Path(folder) / "first-layer.gguf")
        for name, path in (("SmolLM2-135M", whole), ("its first layer", first)):
            rows += timed(name, path, lengths, options.rounds)
    single_run.write(rows, HERE / "auto.jsonl", table(rows), HERE / "auto.md")


def timed(name: str, path: Path, lengths: Sequence[int], rounds: int) -> list[dict[str, object]]:
    """Seconds to the first token of one reader, in every way."""
    costs = trials.compressor(DEFAULT_CLASSIFIER, "llmlingua2", True, str(path), 20)
    pace = Pace(trials.reader(name, str(path), 40), costs)
    llama = LlamaModel(path, threads=1)
    one = RunOptions(threads=1)
    shipped = load_compressor("llmlingua2", count=llama.count, options=one)
    plain = load_compressor("truncate", count=llama.count)
    assistant = Assistant(shipped, llama, cap=4096, pace=pace)
    rows: list[dict[str, object]] = []
    for turn in range(-1, rounds):  # the first is not counted: it warms up
        for length in lengths if turn >= 0 else lengths[:1]:
            for way, rate in WAYS.items():
                # As one would who never compresses: without scores.
                assistant.compressor = plain if way == "never" else shipped
                budget = Budget(rate=rate)
                if way == "always":  # of the text; the question comes on top
                    text, asked = llama.count(characters(length)), llama.count(QUESTION) + 2
                    budget = Budget(tokens=asked + max(1, round(RATE * text)))
                spent = time.process_time()
                reply = assistant.ask(characters(length), QUESTION, budget, max_tokens=1)
                spent = time.process_time() - spent
                seconds = sum(reply.milliseconds[s] for s in ("compress", "prefill")) / 1000
                row = {"reader": name, "length": length, "way": way, "round": turn}
                row |= {"tokens": reply.compressed.tokens_in, "read": reply.prompt_tokens}
                if turn >= 0:
                    rows.append({**row, "seconds": round(seconds, 4), "cpu": round(spent, 4)})
    return rows


def first_layer(path: Path, out: Path) -> Path:
    """Write a model of which only the first layer is left."""
    model = gguf.GGUFReader(path)
    architecture = model.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(out, architecture)
    for field in model.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        value = 1 if field.name == f"{architecture}.block_count" else field.contents()
        kinds = [*field.types, None][:2]
        writer.add_key_value(field.name, value, *kinds)
    for tensor in model.tensors:
        if not tensor.name.startswith("blk.") or tensor.name.startswith("blk.0."):
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


def table(rows: Sequence[dict[str, object]]) -> str:
    """Medians of processor seconds by length, and what they come to together, as Markdown."""
    out = ["| reader | tokens | never | always | auto | auto reads |", "|---|---|---|---|---|---|"]
    for reader in dict.fromkeys(row["reader"] for row in rows):
        total = dict.fromkeys(WAYS, 0.0)
        best = 0.0
        for length in dict.fromkeys(row["length"] for row in rows if row["reader"] == reader):
            mine = [r for r in rows if (r["reader"], r["length"]) == (reader, length)]
            times = {
                way: median(float(str(r["cpu"])) for r in mine if r["way"] == way) for way in WAYS
            }
            best += min(times["never"], times["always"])
            total = {way: total[way] + seconds for way, seconds in times.items()}
            read = next(r["read"] for r in mine if r["way"] == "auto")
            shown = " | ".join(f"{times[way]:.3f} s" for way in WAYS)
            out.append(f"| {reader} | {mine[0]['tokens']} | {shown} | {read} |")
        shown = " | ".join(f"{seconds:.3f} s" for seconds in total.values())
        fixed = min(total["never"], total["always"])
        told = f"{100 * total['auto'] / fixed:.0f} % of the better fixed choice, "
        told += f"{100 * total['auto'] / best:.0f} % of the better one at each length"
        out.append(f"| {reader} | all | {shown} | {told} |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    main()
