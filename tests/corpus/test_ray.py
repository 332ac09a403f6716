"""The class that Ray, Dask and Spark call; on a real cluster of one machine, where Ray is.

Ray is in no environment of ours, for it takes CI more than a minute: ``make test-ray``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.corpus import Columns, Recipe, Result, RowCompressor
from edgelingua.corpus.ray import CompressBatch, compress
from edgelingua.errors import InputError
from tests.corpus.making import texts

pa = pytest.importorskip("pyarrow")
QUICK = Recipe(method="truncate", rate=0.4)


def test_a_table_gets_what_each_of_its_rows_gets_alone() -> None:
    rows: list[Any] = [*texts(30), None]
    table = pa.table({"n": range(31), "text": rows})
    out = CompressBatch(QUICK)(table)
    alone = RowCompressor(QUICK)
    assert out.column_names == ["n", *["text", *Columns().added]]
    assert out.select(["n", "text"]).equals(table)
    for text, row in zip(rows, out.to_pylist(), strict=True):
        result: Result = alone(text)
        assert row["text_compressed"] == (None if text is None else result.text(text))
        assert row["text_tokens_in"] == result.tokens_in
    assert CompressBatch(QUICK)(table.slice(0, 0)).schema == out.schema


def test_a_data_frame_gets_the_same() -> None:
    pd = pytest.importorskip("pandas")
    rows: list[Any] = [*texts(30), None, float("nan")]
    frame = pd.DataFrame({"text": rows, "q": None}, index=range(100, 132))
    out = CompressBatch(QUICK, Columns("text", "q"))(frame)
    expected = CompressBatch(QUICK)(pa.table({"text": [*rows[:-1], None]}))
    assert list(out.index) == list(frame.index)
    for name in Columns().added:
        values = [None if value is pd.NA else value for value in out[name]]
        assert values == expected.column(name).to_pylist(), name
    assert (CompressBatch(QUICK)(frame.head(0)[["text"]]).dtypes == out.drop(columns="q").dtypes)[
        1:
    ].all()


def test_a_batch_without_such_columns_is_refused() -> None:
    with pytest.raises(InputError, match="no columns 'body'"):
        CompressBatch(QUICK, Columns("body"))(pa.table({"text": ["a"]}))
    with pytest.raises(InputError, match="already"):
        CompressBatch(QUICK)(pa.table({"text": ["a"], "text_error": ["b"]}))


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    found = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    found.init(num_cpus=3, include_dashboard=False, log_to_driver=False)
    yield found
    found.shutdown()


def actors() -> list[int]:
    """Processes in which a batch is compressed."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::MapWorker"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_an_actor_that_is_killed_costs_no_row(ray: Any, bert_bundle: ModelBundle) -> None:
    recipe, rows = Recipe(rate=0.4, model=str(bert_bundle.folder)), texts(1200)
    dataset = ray.data.from_items(
        [{"id": n, "text": text * 5} for n, text in enumerate(rows)], override_num_blocks=60
    )
    found: list[dict[str, Any]] = []
    first: list[int] = []
    replaced: set[int] = set()
    for batch in compress(dataset, recipe, workers=2, batch_size=10).iter_batches(
        batch_size=20, batch_format="pyarrow", prefetch_batches=0
    ):
        found += batch.to_pylist()
        replaced |= set(actors()) - set(first)
        if not first:
            first, replaced = actors(), set()
            assert len(first) == 2
            os.kill(first[0], signal.SIGKILL)
    assert replaced, "it was killed in the middle, so that another took its place"
    assert sorted(row["id"] for row in found) == list(range(1200))
    alone = RowCompressor(recipe)
    for row in found[::10]:
        assert row["text_compressed"] == alone(row["text"]).text(row["text"])
        assert row["text_error"] is None
