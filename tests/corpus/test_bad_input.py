"""Corpora that are not as they should be, and places that take nothing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from edgelingua.corpus import Columns, Recipe, compress_corpus, open_corpus
from edgelingua.corpus import json_lines as module
from edgelingua.errors import EdgeLinguaError, InputError
from tests.corpus.making import KINDS, contents, make, read, texts

QUICK = Recipe(method="truncate", rate=0.4)

LINES: dict[bytes, str | None] = {
    b'{"text": "One. Two."}': None,
    b'{"text": "One.", "n": 1e999, "big": %s}' % (b"9" * 5000): None,
    b'  {"text": "\xe2\x80\xa8 One."}  \r': None,
    b'{"text": null}': None,
    b'{"text": ""}': None,
    b"": "blank, and no row",
    b'{"text": 5}': "line 7: expected a text, got 5",
    b'{"text": ["a"]}': "line 8: expected a text, got a list of 1",
    b'{"body": "no text"}': "line 9: no column 'text'",
    b"{}": "line 10: no column 'text'",
    b"not json": "line 11: not JSON",
    b'{"text": "cut o': "line 12: not JSON",
    b"[1]": "line 13: expected an object, got a JSON list",
    b'{"text": "\xff"}': "line 14: not valid UTF-8 at byte 10",
    b"[" * 100_000: "line 15: not JSON",
    b'{"text": "a\\u0000b"}': "line 16: binary input",
    b'{"text": "\\ud800"}': "line 17: character 0 is a lone surrogate",
    b'{"text": "%s"}' % (b"long " * 1000): "line 18: longer than 4,096 bytes",
    b'{"text": "The last, without an end."}': None,
}


def test_lines_that_fail_are_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    monkeypatch.setattr(module, "_LONGEST", 4096)
    lines = {line.replace(b"9" * 5000, b"9" * 3900): said for line, said in LINES.items()}
    source.write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines))
    summary = compress_corpus(open_corpus(source), target, QUICK)
    out = target.read_bytes().removesuffix(b"\n").split(b"\n")
    rows = [(line, said) for line, said in lines.items() if line]
    assert len(out) == len(rows)
    for (line, said), new in zip(rows, out, strict=True):
        row = json.loads(new)
        if said is None:
            assert new.startswith(line.strip()[:-1]), "a row keeps its bytes"
            assert row["text_error"] is None
        else:
            assert said.partition(" (")[0] in row["text_error"] or (
                said.startswith("line 15") and "line 15: " in row["text_error"]
            )
            assert row["text_compressed"] is row["text_spans"] is None
    assert summary.failed == sum(said is not None for _, said in rows)
    assert len(summary.errors) == 5


def test_files_that_fail_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    source = make(tmp_path, "in", ["One. Two. Three. Four.", ""])
    (source / "a.txt").write_bytes(b"\xff\xfeO\0n\0e\0")
    (source / "b.txt").write_bytes(b"caf\xe9")
    (source / "c.txt").write_bytes(b"a\0b")
    (source / "d.md").write_text("Not asked for.")
    (source / "e.txt").mkdir()
    (source / "f.txt").symlink_to("none")
    target = tmp_path / "out"
    summary = compress_corpus(open_corpus(source), target, QUICK)
    table = [json.loads(line) for line in (target / "spans.jsonl").open("rb")]
    assert {row["file"]: row["error"] for row in table if row["error"]} == {
        "a.txt": "a.txt: in UTF-16, expected UTF-8",
        "b.txt": "b.txt: not valid UTF-8 at byte 3",
        "c.txt": table[-1]["error"],
    }
    assert set(contents(target)) == {"spans.jsonl", "0/00000.txt", "1/00001.txt"}
    assert (summary.rows, summary.failed) == (5, 3)


def parquet(path: Path, **columns: Any) -> Path:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_of_odd_types_comes_out_as_it_was(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    rows = ["One. Two. Three.", None, "", "Four. Five. Six."] * 40
    odd = {
        "map": pa.array(
            [[("a", 1)], [], None, [("b", None)]] * 40, pa.map_(pa.string(), pa.int8())
        ),
        "struct": pa.array([{"x": [1.5]}, None, {"x": []}, {"x": None}] * 40),
        "kind": pa.array(["a", "b", None, "a"] * 40).dictionary_encode(),
        "when": pa.array([1, None, 3, 4] * 40, pa.timestamp("us", "Europe/Berlin")),
        "half": pa.array([1, 2, None, 4] * 40, pa.float16()),
        "price": pa.array([1, None, 3, 4] * 40, pa.decimal128(30, 3)),
        "raw": pa.array([b"\xff", None, b"", b"\0"] * 40, pa.binary()),
        "none": pa.nulls(160),
        "with.dot": pa.array(range(160), pa.uint64()),
    }
    kinds = {"string": pa.string(), "large": pa.large_string(), "view": pa.string_view()}
    texts = {name: pa.array(rows, kind) for name, kind in kinds.items()}
    texts["dictionary"] = texts["string"].dictionary_encode()
    texts["null"] = pa.nulls(160)
    for name, text in texts.items():
        source, target = tmp_path / f"{name}.parquet", tmp_path / f"{name}-out.parquet"
        table = pa.table({"text": text, **odd}, metadata={"mine": "kept"})
        pq.write_table(table, source, row_group_size=50)
        compress_corpus(open_corpus(source), target, QUICK)
        given, found = pq.read_table(source), pq.read_table(target)
        assert found.select(given.column_names).equals(given)
        assert found.schema.metadata == given.schema.metadata
        nulls = [row["compressed"] is None for row in read(target)]
        assert nulls == [name == "null" or text is None for text in rows]


def test_parquet_of_broken_text_fails_by_row(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    raw = pa.array([b"One. Two.", b"caf\xe9", b"Three."])
    broken = pa.StringArray.from_buffers(3, *raw.buffers()[1:])
    target = tmp_path / "out.parquet"
    compress_corpus(open_corpus(parquet(tmp_path / "in.parquet", text=broken)), target, QUICK)
    import pyarrow.parquet as pq

    errors = pq.read_table(target).column("text_error").to_pylist()
    assert errors == [None, "row 2: not valid UTF-8 at byte 3", None]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"text": [1, 2]}, "of type int64, expected string"),
        ({"text": [["a"], []]}, "of type list<"),
        ({"text": [b"a"]}, "of type binary, expected string"),
        ({"body": ["a"]}, r"no columns 'text'; there are body \(string\)"),
        ({"text": ["a"], "text_spans": [1]}, "a column 'text_spans' already"),
    ],
)
def test_parquet_without_texts_is_refused(columns: Any, said: str, tmp_path: Path) -> None:
    source = parquet(tmp_path / "in.parquet", **columns)
    with pytest.raises(InputError, match=said):
        open_corpus(source)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("in.csv", b"a,b", "expected a folder of texts, or a file whose name ends in"),
        ("in.parquet", b"PAR1 no", "damaged, or not Parquet"),
        ("in.jsonl.gz", b"no gzip", "damaged, or not gzip"),
        ("in.jsonl.gz", gzip.compress(b'{"text": "a"}\n' * 9)[:-9], "damaged, or not gzip"),
        ("in.jsonl", '{"text": "a"}\n'.encode("utf-16"), "in UTF-16"),
        ("in.jsonl", b'{"body": "a", "id": 1}\n', "no column 'text' in the first 100 rows, which"),
        ("in.jsonl", b'{"text": "a", "text_error": 1}\n', "a column 'text_error' already"),
    ],
)
def test_what_is_no_corpus_is_refused(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    if "parquet" in name:
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=said):
        compress_corpus(open_corpus(tmp_path / name), tmp_path / name.replace("in", "out"), QUICK)
    assert not (tmp_path / name.replace("in", "out")).exists()


def test_parquet_that_is_damaged_inside_says_so_and_keeps_what_is_done(tmp_path: Path) -> None:
    source = make(tmp_path, "in.parquet", texts(400))
    data = bytearray(source.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 500] = b"\xa5" * 500
    source.write_bytes(data)
    target = tmp_path / "out.parquet"
    try:
        compress_corpus(open_corpus(source), target, QUICK)
    except InputError as error:
        assert "in.parquet: damaged" in str(error)
        assert not target.exists()


def test_an_empty_corpus_is_one_of_no_rows(tmp_path: Path) -> None:
    for kind in ("in.jsonl", "in.jsonl.gz", "in.parquet"):
        source, target = make(tmp_path, kind, []), tmp_path / kind.replace("in", "out")
        if kind == "in.parquet":
            source = parquet(tmp_path / kind, text=pytest.importorskip("pyarrow").nulls(0))
        assert compress_corpus(open_corpus(source), target, QUICK).rows == 0
        assert read(target) == []
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match=r"no file in it is called \*\.txt"):
        open_corpus(tmp_path / "in")


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("none.jsonl", "out.jsonl", "no such file or folder"),
        ("in.jsonl", "out.parquet", "expected a name that ends in .jsonl"),
        ("in.jsonl", "out", "expected a name that ends in .jsonl"),
        ("in.jsonl", "in.jsonl", "there already"),
        ("in.jsonl", "no/folder/out.jsonl", "cannot be written"),
        ("in", "in/out", "inside the folder"),
        ("in", "in", "inside the folder"),
    ],
)
def test_places_that_do_not_do(source: str, target: str, said: str, tmp_path: Path) -> None:
    for kind in ("in", "in.jsonl"):
        make(tmp_path, kind, texts(3))
    with pytest.raises(InputError, match=said):
        compress_corpus(open_corpus(tmp_path / source), tmp_path / target, QUICK)


@pytest.mark.parametrize("pattern", ["/etc/*", "", "**x"])
def test_a_pattern_that_is_none_is_refused(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pattern|no file in it"):
        open_corpus(make(tmp_path, "in", texts(3)), pattern=pattern)


def test_a_folder_has_no_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no columns"):
        open_corpus(make(tmp_path, "in", texts(3)), Columns("body"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_loses_nothing(kind: str, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    source = make(tmp_path, kind, texts(60))
    whole, target = (tmp_path / kind.replace("in", name) for name in ("whole", "out"))
    compress_corpus(open_corpus(source), whole, QUICK)
    stopped = []
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for most in (600, 2000, 4000, 6000, 8000):  # as if the disk had that many bytes for a file
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        try:
            compress_corpus(open_corpus(source), target, QUICK)
        except EdgeLinguaError as error:
            stopped.append(str(error))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        if target.exists():
            break
    assert any("out" in error and "run the same again" in error for error in stopped)
    if not target.exists():
        compress_corpus(open_corpus(source), target, QUICK)
    assert contents(target) == contents(whole)
    left = {path.name for path in tmp_path.iterdir()} - {source.name, whole.name, target.name}
    assert left == set()
