"""A corpus on more than one machine: the class that Ray Data's actors, Dask and Spark call.

Ray itself is imported by whoever has a dataset of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgelingua.corpus.parquet import added_arrays, added_fields, refuse_other_types
from edgelingua.corpus.recipe import Recipe, RowCompressor
from edgelingua.corpus.rows import Columns, Result
from edgelingua.errors import MissingExtraError

if TYPE_CHECKING:
    from ray.data import Dataset


class CompressBatch:
    """Adds to a batch of rows what a corpus gets: compressed texts, spans, counts, errors.

    A batch is a pyarrow table or a pandas data frame; it comes back with all its columns and those
    of `Columns` behind them. A row that fails says why; the others go on.

    Parameters
    ----------
    recipe
        How. The bundle has to be on each machine, as the one that is shipped is.
    columns
        Where texts and questions are.

    Raises
    ------
    EdgeLinguaError
        As `RowCompressor`.
    """

    def __init__(self, recipe: Recipe | None = None, columns: Columns | None = None) -> None:
        self.columns = columns or Columns()
        self._compress = RowCompressor(recipe or Recipe())

    def __call__(self, batch: Any) -> Any:
        """Compress a batch.

        Raises
        ------
        InputError
            It has no such columns, of no strings, or what is added is there already.
        """
        columns = self.columns
        if hasattr(batch, "append_column"):
            refuse_other_types(batch.schema, columns, "the table")
            texts = batch.column(columns.text).to_pylist()
            questions = columns.question and batch.column(columns.question).to_pylist()
            added = added_arrays(columns, texts, self._results(texts, questions))
            for field, array in zip(added_fields(columns), added, strict=True):
                batch = batch.append_column(field, array)
            return batch
        import pandas as pd

        columns.refuse_added(list(batch.columns), "the data frame")
        texts = _objects(batch[columns.text])
        questions = columns.question and _objects(batch[columns.question])
        added = added_arrays(columns, texts, self._results(texts, questions))
        for name, array in zip(columns.added, added, strict=True):
            nested = hasattr(array.type, "value_type")
            # Integers may be missing, and stay integers; Spark takes lists as objects only.
            values = array.to_pylist() if nested else pd.arrays.ArrowExtensionArray(array)
            dtype = object if nested else None
            batch = batch.assign(**{name: pd.Series(values, index=batch.index, dtype=dtype)})
        return batch

    def _results(self, texts: list[Any], questions: Any) -> list[Result]:
        asked = questions or [None] * len(texts)
        return [self._compress(text, question) for text, question in zip(texts, asked, strict=True)]


def _objects(series: Any) -> list[Any]:
    """Values of a pandas series; what it counts as missing is ``None``."""
    return [None if gone else value for value, gone in zip(series, series.isna(), strict=True)]


def compress(
    dataset: Dataset,
    recipe: Recipe | None = None,
    columns: Columns | None = None,
    *,
    workers: int = 1,
    batch_size: int = 64,
) -> Dataset:
    """Return a Ray dataset with what is added to it; nothing runs before it is used.

    An actor, or the machine that it is on, that dies is replaced, and its batches are done again.

    Parameters
    ----------
    dataset
        Has the texts in a column of strings.
    workers
        Actors, with a thread and a CPU each. Fewer than the cluster has CPUs: reading takes some,
        and Ray waits for them for ever.
    batch_size
        Rows that an actor gets at a time.

    Raises
    ------
    MissingExtraError
        Ray is not installed.
    """
    try:
        from ray.data import ActorPoolStrategy
    except ImportError:
        raise MissingExtraError("ray", "ray") from None
    return dataset.map_batches(
        CompressBatch,
        fn_constructor_args=(recipe, columns),
        compute=ActorPoolStrategy(size=workers),
        batch_size=batch_size,
        batch_format="pyarrow",
        num_cpus=1,
    )
