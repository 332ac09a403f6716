"""Heads of a reader: the attention of a whole pass, without the layers behind them."""

from __future__ import annotations

import numpy as np
import pytest

from edgelingua.budget import Budget
from edgelingua.compressors import load_compressor
from edgelingua.errors import InputError, ReaderError
from edgelingua.kv.options import CacheOptions
from edgelingua.llama.engine import LlamaEngine
from edgelingua.llama.heads import ReaderHeads
from edgelingua.llama.model import LlamaModel
from edgelingua.prompt import Prompt
from edgelingua.scorers.heads import HeadScorer
from tests.conftest import DOCUMENT, TEXTS

HEADS = ((0, 3), (1, 0), (1, 2))


@pytest.mark.parametrize("queries", [1, 16])
@pytest.mark.parametrize("size", [20, 200])
def test_attention_is_that_of_a_whole_pass(
    tiny_reader: LlamaModel, size: int, queries: int
) -> None:
    """Also when texts were read before, and in several chunks."""
    ids = np.random.default_rng(size).integers(3, 300, size)
    looker = ReaderHeads(tiny_reader, HEADS, 256)
    looker.attention(ids[::-1].copy(), 3)
    got = looker.attention(ids, queries)
    options = CacheOptions(chunk=256, hooks=frozenset({"attention"}))
    engine = LlamaEngine(tiny_reader, 256, options, probe=True)
    start = [tiny_reader.first if tiny_reader.first >= 0 else tiny_reader.end]
    sequence = np.concatenate([[at for at in start if at >= 0], ids]).astype(np.int32)
    engine.decode(sequence, 0, frozenset({"attention"}))
    weights = engine.overheard_weights(np.arange(len(sequence)))[:, :, -queries:, -size:]
    expected = np.stack([weights[layer, head] for layer, head in HEADS])
    np.testing.assert_allclose(got, expected, atol=2e-3)  # keys are kept in half precision


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_tokens_spell_the_text(reader: LlamaModel, text: str) -> None:
    encoding = ReaderHeads(reader, [(0, 0)], 64).encode(text)
    spelt = np.zeros(len(text), dtype=bool)
    for start, end in encoding.spans.tolist():
        assert 0 <= start < end <= len(text)
        spelt[start:end] = True
    assert spelt.all()
    assert len(encoding.ids) == len(encoding.starts) == reader.count(text)


def test_compress_with_a_readers_heads(reader: LlamaModel) -> None:
    compressor = load_compressor("ehpc", reader=ReaderHeads(reader, [(15, 6)], 512))
    text = DOCUMENT.read_text(encoding="utf-8")[:4000]
    prompt = Prompt.build(text, question="Which city had a devastating fire?")
    compressed = compressor.compress(prompt, Budget(rate=0.3, count=reader.count))
    assert compressed.tokens_out <= compressed.limit
    assert "Boston" in compressed.text


def test_what_is_no_head(tiny_reader: LlamaModel) -> None:
    for heads in ([], [(3, 0)], [(0, 4)], [(-1, 0)]):
        with pytest.raises(ReaderError, match="3 layers of 4"):
            ReaderHeads(tiny_reader, heads)
    looker = ReaderHeads(tiny_reader, HEADS, 64)
    with pytest.raises(InputError, match="a reader is for ehpc"):
        load_compressor("llmlingua2", reader=looker)
    with pytest.raises(InputError, match="not both"):
        load_compressor("ehpc", "edgelingua-mini", reader=looker)
    with pytest.raises(InputError, match="needs a question"):
        HeadScorer(looker).score("text")
