"""What the benchmark of kinds of words reads and counts."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from benchmarks.quality.kinds import pud, technical
from benchmarks.quality.robustness import kept, rank_correlation, shares

from edgelingua.compressors import load_compressor

SENTENCES = """# newdoc id = n1
# sent_id = n1001
# text = Paul ne va pas au marché.
1\tPaul\tPaul\tPROPN\t_\t_\t3\tnsubj\t_\t_
2\tne\tne\tADV\t_\tPolarity=Neg\t3\tadvmod\t_\t_
3\tva\taller\tVERB\t_\t_\t0\troot\t_\t_
4\tpas\tpas\tADV\t_\tPolarity=Neg\t3\tadvmod\t_\t_
5-6\tau\t_\t_\t_\t_\t_\t_\t_\t_
5\tà\tà\tADP\t_\t_\t7\tcase\t_\t_
6\tle\tle\tDET\t_\t_\t7\tdet\t_\t_
7\tmarché\tmarché\tNOUN\t_\t_\t3\tobl\t_\tSpaceAfter=No
8\t.\t.\tPUNCT\t_\t_\t3\tpunct\t_\t_

# sent_id = n1002
# text = Trois fois.
1\tTrois\ttrois\tNUM\t_\t_\t2\tnummod\t_\t_
2\tfois\tfois\tNOUN\t_\t_\t0\troot\t_\tSpaceAfter=No
3\t.\t.\tPUNCT\t_\t_\t2\tpunct\t_\t_

"""


def test_words_stand_where_the_treebank_says(tmp_path: Path) -> None:
    path = tmp_path / "fr.conllu.gz"
    path.write_bytes(gzip.compress(SENTENCES.encode()))
    (document,) = pud(path, " ")
    found = [document.text[a:b] for a, b in document.spans.tolist()]
    assert found == ["Paul", "ne", "va", "pas", "au", "marché", ".", "Trois", "fois", "."]
    by_kind = {
        kind: [word for word, is_one in zip(found, mask, strict=True) if is_one]
        for kind, mask in document.kinds.items()
    }
    assert by_kind == {
        "content": ["Paul", "va", "marché", "Trois", "fois"],
        "function": ["ne", "pas", "au"],
        "names": ["Paul"],
        "numbers": ["Trois"],
        "negations": ["ne", "pas"],
    }
    assert document.sentences == ["n1001"] * 7 + ["n1002"] * 3


def test_identifiers_and_shares() -> None:
    text = "def load_model(path): return openFile(path, 17) at 10.0.0.7:80 and db-1 or not"
    (document,) = technical(iter([text]))
    found = {text[a:b] for a, b in document.spans[document.kinds["identifiers"]].tolist()}
    assert found == {"load_model", "openFile", "10.0.0.7:80", "db-1"}
    mask = kept(load_compressor("truncate"), document)
    assert mask[0]
    assert not mask[-1]
    share = shares([document], [np.ones(len(mask), dtype=bool)])
    assert share["numbers"] == [1.0, 1]


def test_rank_correlation() -> None:
    one = {"a": 0.1, "b": 0.5, "c": 0.5, "d": 0.9}
    assert rank_correlation(one, one) == pytest.approx(1)
    assert rank_correlation(one, {k: -v for k, v in one.items()} | {"e": 3}) == pytest.approx(-1)
