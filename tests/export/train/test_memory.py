"""Memories: who sees whom, one pass for two, an adapter that trains and comes back as a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache, PreTrainedModel

from edgelingua.selection.cells import chosen
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.errors import ExportError
from edgelingua_export.train.memory import files
from edgelingua_export.train.memory.adapter import Compressor
from edgelingua_export.train.memory.loop import loss
from edgelingua_export.train.memory.measure import nats
from edgelingua_export.train.memory.packing import RECALL, Block, Document, Packed, Packer
from edgelingua_export.train.memory.passages import Passages, gather, nothing
from edgelingua_export.train.memory.recipe import Asking, Memory, load
from edgelingua_export.train.memory.run import train
from edgelingua_export.train.readers_qa import squad
from tests.conftest import BUNDLES

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("one_thread")]

METHODS = {
    "keep": Memory(shortest=8, document=24, segment=24, scorer="some"),
    "every nth": Memory(shortest=8, document=24, segment=24),
    "tail": Memory(shortest=8, document=24, segment=24, learned=4),
    "segments": Memory(shortest=8, document=24, segment=8, learned=3),
    "segments kept": Memory(shortest=8, document=24, segment=8),
}
BEFORE = np.asarray([5, 6, 7], np.int32)


@pytest.fixture
def reader(tiny_lm: Path) -> PreTrainedModel:
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(tiny_lm, dtype=torch.float32)
    return model.eval()


def _compressor(reader: PreTrainedModel, learned: int) -> Compressor:
    """A compressor whose adapter does something."""
    torch.manual_seed(3)
    compressor = Compressor(reader, 4, 8, learned)
    with torch.no_grad():
        for name, value in compressor.trained().items():
            if name.endswith(".up"):
                value.normal_(0, 0.3)
    return compressor


def _case(seed: int = 0, length: int = 20, ratio: float = 4) -> tuple[Document, list[Block]]:
    rng = np.random.default_rng(seed)
    document = Document(rng.integers(10, 200, length), rng.random(length), ratio)
    blocks = [Block(rng.integers(10, 200, n), n - 3) for n in (7, 5)]
    return document, blocks


@given(
    method=st.sampled_from(sorted(METHODS)),
    length=st.integers(1, 24),
    ratio=st.floats(1, 30),
    asked=st.lists(st.integers(2, 6), max_size=4),
    whole=st.booleans(),
)
def test_a_question_sees_the_prefix_the_memory_and_itself(
    method: str, length: int, ratio: float, asked: list[int], whole: bool
) -> None:
    memory = METHODS[method]
    document, _ = _case(1, length, ratio)
    blocks = [Block(np.arange(10, 10 + n), n - 1) for n in asked]
    packer = Packer(memory, BEFORE, 24)
    rows = packer.pack([document], [blocks])
    sees = rows.sees(whole=whole)[0]
    segment, block, cell, real = (t[0] for t in (rows.segment, rows.block, rows.cell, rows.real))
    assert rows.tokens.shape == (1, packer.length)
    assert int(real.sum()) == 3 + length + int(rows.learned.sum()) + sum(asked)
    # Cells: about one for so many tokens of each segment, never none.
    for number in range(int(segment.max()) + 1):
        size = int(((segment == number) & ~rows.learned[0]).sum())
        wanted = max(1, round(size / ratio))
        assert int((cell & (segment == number)).sum()) == min(wanted, memory.learned or size)
    for i in range(packer.length):
        for j in range(packer.length):
            if i == j or not real[i]:
                continue
            prefix = segment[j] < 0 and block[j] < 0
            mine = block[j] >= 0 and block[i] == block[j]
            if whole:
                document_seen = segment[j] >= 0 and not rows.learned[0, j]
            else:
                document_seen = cell[j] or (segment[j] >= 0 and segment[i] == segment[j])
            expected = j < i and bool(real[j]) and bool(prefix or mine or document_seen)
            assert bool(sees[i, j]) == expected, (i, j)


def test_more_than_a_row_holds_is_an_error() -> None:
    document, blocks = _case(length=24)
    with pytest.raises(ExportError, match="39 tokens: expected at most 32"):
        Packer(METHODS["keep"], BEFORE, 5).pack([document], [blocks])


@given(st.integers(1, 40), st.floats(1, 40), st.booleans())
def test_the_best_stay_and_the_last(length: int, ratio: float, scored: bool) -> None:
    scores = np.random.default_rng(length).random(length)
    cells = max(1, round(length / ratio))
    kept = chosen(scores, cells, "some" if scored else "")
    assert kept.sum() == cells
    assert kept[-1]
    if scored and 1 < cells < length:
        others = scores[:-1]
        assert others[kept[:-1]].min() >= others[~kept[:-1]].max()
    if not scored:
        gaps = np.diff(np.flatnonzero(np.append(True, kept)))
        assert gaps.max() - gaps.min() <= 1


@pytest.mark.parametrize("method", sorted(METHODS))
def test_one_pass_is_the_compressor_s_and_then_the_reader_s(
    method: str, reader: PreTrainedModel, tiny_lm: Path
) -> None:
    """As llama.cpp does it: adapter on, document in, cells out, adapter off, question in."""
    memory = METHODS[method]
    document, blocks = _case()
    compressor = _compressor(reader, memory.learned)
    packer = Packer(memory, BEFORE, 24)
    rows = packer.pack([document], [blocks])
    with torch.no_grad():
        together = compressor.said(rows, whole=False)
    apart = [_two_passes(compressor, rows, number) for number in range(len(blocks))]
    assert torch.allclose(together, torch.cat(apart), atol=1e-4)
    # And it is the adapter that is seen, not the reader alone.
    with torch.no_grad():
        assert not torch.allclose(
            together, compressor.said(rows, whole=False, adapted=False), atol=0.1
        )


@torch.no_grad()
def _two_passes(compressor: Compressor, rows: Packed, number: int) -> torch.Tensor:
    reader, cells = compressor.reader, DynamicCache()
    segment, block = rows.segment[0], rows.block[0]
    prefix = rows.real[0] & (segment < 0) & (block < 0)

    def feed(what: torch.Tensor, adapted: bool) -> torch.Tensor:
        tokens = rows.tokens[:, what]
        x = reader.get_input_embeddings()(tokens.clamp(min=0))
        if len(compressor.vectors):
            learned = compressor.vectors[(-1 - tokens).clamp(min=0)]
            x = torch.where(rows.learned[:, what][..., None], learned, x)
        compressor._switch.where = torch.ones(1, 1, 1) if adapted else None
        out = reader(
            inputs_embeds=x, position_ids=rows.positions[:, what], past_key_values=cells,
            use_cache=True,
        )  # fmt: skip
        logits: torch.Tensor = out.logits[0]
        return logits

    def keep(which: torch.Tensor) -> None:
        for layer in cells.layers:
            layer.keys, layer.values = layer.keys[:, :, which], layer.values[:, :, which]

    feed(prefix, adapted=False)
    for part in range(int(segment.max()) + 1):
        feed(segment == part, adapted=True)
        mine = rows.cell[0][segment == part]
        before = torch.ones(cells.get_seq_length() - len(mine), dtype=torch.bool)
        keep(torch.cat([before, mine]))
    logits = feed(block == number, adapted=False).log_softmax(-1)
    return logits[:-1][rows.target[0][block == number][1:] > 0]


def test_the_reader_is_as_it_was_where_the_adapter_is_off(
    reader: PreTrainedModel, tiny_lm: Path
) -> None:
    plain = AutoModelForCausalLM.from_pretrained(tiny_lm, dtype=torch.float32).eval()
    document, blocks = _case()
    compressor = _compressor(reader, 0)
    packer = Packer(METHODS["keep"], BEFORE, 24)
    rows = packer.pack([document], [blocks])
    tokens = np.concatenate([BEFORE, document.tokens, blocks[1].tokens])
    with torch.no_grad():
        whole = compressor.said(rows, whole=True)
        logits = plain(torch.from_numpy(tokens)[None]).logits[0].log_softmax(-1)
    assert torch.allclose(whole[3:], logits[-4:-1], atol=1e-4)
    assert torch.equal(whole, compressor.said(rows, whole=True, adapted=False))


def test_nats_are_those_of_each_question(reader: PreTrainedModel) -> None:
    compressor = _compressor(reader, 0)
    packer = Packer(METHODS["keep"], BEFORE, 24)
    cases = [_case(seed, length) for seed, length in enumerate([20, 9, 24])]
    documents, blocks = [d for d, _ in cases], [b for _, b in cases]
    together = nats(compressor, packer, documents, blocks, whole=False)
    for number, (document, asked) in enumerate(cases):
        for place, block in enumerate(asked):
            [[alone]] = nats(compressor, packer, [document], [[block]], whole=False)
            assert together[number][place] == pytest.approx(alone, abs=1e-4)


def test_a_memory_that_holds_everything_changes_nothing(reader: PreTrainedModel) -> None:
    document, blocks = _case(ratio=1)
    compressor = Compressor(reader, 4, 8, 0)  # as it begins: no change
    rows = Packer(METHODS["keep"], BEFORE, 24).pack([document], [blocks])
    with torch.no_grad():
        parts = loss(compressor, rows, Asking())
    assert float(parts["changed"]) == pytest.approx(0, abs=1e-5)
    assert float(parts["gold"]) > 0
    recalled = [Block(b.tokens, b.said, RECALL) for b in blocks]
    rows = Packer(METHODS["keep"], BEFORE, 24).pack([document], [recalled])
    with torch.no_grad():
        assert float(loss(compressor, rows, Asking())["gold"]) == 0


@pytest.mark.parametrize("learned", [0, 5])
def test_files_give_back_what_was_trained(
    learned: int, reader: PreTrainedModel, tiny_lm: Path, tmp_path: Path
) -> None:
    compressor = _compressor(reader, learned)
    recipe = load(_recipe(tmp_path, tiny_lm, learned=learned))
    about = files.write(compressor, recipe, "abc", tmp_path / "memory")
    found = files.read(tmp_path / "memory", reader.config)
    mine = compressor.trained()
    assert found.keys() == mine.keys()
    assert all(torch.allclose(found[name], mine[name], atol=2e-3) for name in mine)
    assert about["reader"]["sha256"] == "abc"
    compressor.restore(found)
    with pytest.raises(ExportError, match="rank"):
        compressor.restore({name: value[:1] for name, value in found.items()})


def _recipe(
    folder: Path, base: Path, *, learned: int = 0, scorer: str = "", steps: int = 30
) -> Path:
    path = folder / "recipe.toml"
    path.write_text(
        f"""
base = '{base}'
[memory]
shortest = 16
document = 32
segment = 32
learned = {learned}
scorer = '{scorer}'
lowest = 2
highest = 8
[adapter]
rank = 4
alpha = 8
[asking]
before = 'Read:'
after = ' Answer:'
room = 64
[schedule]
steps = {steps}
documents = 8
learning_rate = 3e-3
checkpoint_every = 10
[[data]]
format = "squad"
file = "some.jsonl"
"""
    )
    return path


def _data(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    colours, things = ["red", "green", "blue", "grey"], ["pump", "door", "engine", "valve"]
    with (folder / "some.jsonl").open("w") as file:
        for _ in range(40):
            colour, thing, hall = rng.choice(colours), rng.choice(things), int(rng.integers(2, 9))
            row = {
                "context": f"The {colour} {thing} stands in hall {hall}.",
                "qas": [
                    {"question": f"Which colour is the {thing}?", "answer": str(colour)},
                    {"question": f"Where is the {thing}?", "answer": f"hall {hall}"},
                ],
            }
            file.write(json.dumps(row) + "\n")
    return folder


def _log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("learned", [0, 6])
def test_training_brings_the_memory_nearer_to_the_text(
    learned: int, tiny_lm: Path, tmp_path: Path
) -> None:
    scorer = "" if learned else str(BUNDLES / "tiny-bert-classifier")
    recipe = _recipe(tmp_path, tiny_lm, learned=learned, scorer=scorer, steps=60)
    memory = train(recipe, _data(tmp_path), tmp_path / "out", False, print)
    first, *_, last = _log(tmp_path / "out")
    assert last["loss"] < first["loss"] * 0.97
    about = json.loads((memory / files.ABOUT).read_text())
    assert about["memory"]["learned"] == learned
    assert set(about["files"]) == {p.name for p in memory.iterdir()} - {files.ABOUT}
    with pytest.raises(ExportError, match="holds a run"):
        train(recipe, tmp_path, tmp_path / "out", False, print)


def test_training_goes_on_from_another_memory(tiny_lm: Path, tmp_path: Path) -> None:
    data = _data(tmp_path)
    start = train(_recipe(tmp_path, tiny_lm, learned=6), data, tmp_path / "tail", False, print)
    recipe = _recipe(tmp_path, tiny_lm, learned=4, steps=1)
    recipe.write_text(recipe.read_text().replace("[adapter]", "[adapter]\nstart = 'tail/memory'"))
    on = train(recipe, data, tmp_path / "on", False, print)
    config = AutoConfig.from_pretrained(tiny_lm)
    before, after = files.read(start, config), files.read(on, config)
    for name, value in before.items():
        assert torch.allclose(value[: len(after[name])], after[name], atol=2e-2)
    recipe.write_text(recipe.read_text().replace("tail/memory", "nothing"))
    with pytest.raises(ExportError, match=r"nothing: expected the folder of a memory"):
        train(recipe, data, tmp_path / "none", False, print)


def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(tiny_lm: Path, tmp_path: Path) -> None:
    data = _data(tmp_path)
    recipe = _recipe(tmp_path, tiny_lm, steps=40)
    whole = train(recipe, data, tmp_path / "whole", False, print)

    class KilledError(Exception):
        pass

    def kill(message: str) -> None:
        if message.startswith("step 20 "):
            raise KilledError

    with pytest.raises(KilledError):
        train(recipe, data, tmp_path / "cut", False, kill)
    cut = train(recipe, data, tmp_path / "cut", True, print)
    for name in (files.ADAPTER, files.ABOUT):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()


def test_questions_belong_to_the_passages_that_answer_them(tiny_lm: Path, tmp_path: Path) -> None:
    tokenizer = TextTokenizer(tiny_lm / "tokenizer.json", "space")
    examples = list(squad(_data(tmp_path) / "some.jsonl"))
    passages = gather(examples, tokenizer, nothing)
    assert passages.count == len({e.text for e in examples})
    assert len(passages.scores) == passages.edges[passages.count]
    texts = [_text(tokenizer, passages, n) for n in range(passages.count)]
    for first, last, question, answer in passages.questions.tolist():
        assert first == last
        assert _text(tokenizer, passages, answer) in texts[first]
        assert _text(tokenizer, passages, question).split()[-1][:-1] in texts[first]
    inside = passages.asked(2, 5)
    assert ((inside[:, 0] >= 2) & (inside[:, 1] <= 5)).all()
    passages.save(tmp_path / "p.npz")
    assert np.array_equal(Passages.load(tmp_path / "p.npz").questions, passages.questions)
    with pytest.raises(ExportError, match="no texts"):
        gather([], tokenizer, nothing)


def _text(tokenizer: TextTokenizer, passages: Passages, number: int) -> str:
    from tokenizers import Tokenizer

    engine = Tokenizer.from_file(str(tokenizer._path))
    return str(engine.decode(passages.tokens(number).tolist()))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("shortest = 16", "shortest = 64", "shortest <= document"),
        ("learned = 0", "learned = -1", "learned >= 0"),
        ("lowest = 2", "lowest = 9", "lowest <= highest"),
        ("scorer = ''", "scorer = 'some'\nlearnt = 3", "no such key 'learnt'"),
        ("room = 64", "room = 'large'", "expected int"),
        ("[adapter]", "[adaptor]", "adaptor"),
        ("steps = 30", "steps = 0", "steps >= 1"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(
    old: str, new: str, what: str, tiny_lm: Path, tmp_path: Path
) -> None:
    path = _recipe(tmp_path, tiny_lm)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ExportError, match=what):
        load(path)
