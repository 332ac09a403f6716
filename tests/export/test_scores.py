"""Scores of the runtime are those of the checkpoint in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.scorers import ClassifierScorer, PerplexityScorer
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.sources import find
from tests.conftest import DOCUMENT


def test_nll_is_that_of_the_token_itself(scorer_bundle: ModelBundle, tiny_lm: Path) -> None:
    """Aligned to the token, across the borders of the chunks it is computed in."""
    perplexity = PerplexityScorer(scorer_bundle, variant="cpu-fp32")
    ids = perplexity.tokenizer.encode(DOCUMENT.read_text(encoding="utf-8")).ids[:300]
    model = AutoModelForCausalLM.from_pretrained(tiny_lm)
    with torch.inference_mode():
        logits = model(torch.as_tensor(np.concatenate([[0], ids])[None])).logits[0]
    expected = -logits.log_softmax(-1)[:-1].gather(1, torch.as_tensor(ids)[:, None])[:, 0]
    np.testing.assert_allclose(perplexity.score_ids(ids), expected, atol=2e-3)


def test_the_keep_label_is_the_one_asked_for(
    tiny_bert: Path, bert_bundle: ModelBundle, tmp_path: Path
) -> None:
    options = BuildOptions(keep_fp32=True, keep_label=0)
    build(find(str(tiny_bert)), "classifier", tmp_path / "zero", options, lambda _: None)
    zero = ClassifierScorer(ModelBundle.open(tmp_path / "zero"), variant="cpu-fp32")
    one = ClassifierScorer(bert_bundle, variant="cpu-fp32")
    ids = one.tokenizer.encode(DOCUMENT.read_text(encoding="utf-8")).ids[:200]
    np.testing.assert_allclose(zero.score_ids(ids) + one.score_ids(ids), 1.0, atol=1e-5)
