"""What cannot work is said before the work, by its name, and without a word of the text."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from edgelingua.cli.app import app
from edgelingua.cli.console import read_text
from edgelingua.compat import PromptCompressor
from edgelingua.compat.tags import parse
from edgelingua.errors import EdgeLinguaError, InputError, described
from edgelingua.files.writable import refuse_unwritable_file, refuse_unwritable_folder
from edgelingua.prompt import Prompt, Segment
from edgelingua.text.encodings import wide_encoding
from edgelingua_export.cli import app as export_app
from tests.cli.test_cli import edgelingua
from tests.conftest import DOCUMENT, TEXTS

COMMAND = [sys.executable, "-m", "edgelingua"]
SECRET = "hunter2 correct horse"


@pytest.mark.parametrize(
    "options",
    [
        *(f"--rate {value}" for value in ("1.5", "0", "-1", "nan", "inf", "abc", "50%")),
        *(f"--tokens {value}" for value in ("0", "-3", "1.5", "abc")),
        *(f"--method {value}" for value in ("nope", "LLMLingua2", "llmlingua3", "bm25")),
        *("--rate 0.5 --tokens 5", "--threads -1", "--threads 9999999999", "--device abacus"),
        *("--structure none", "--level chapter", "--threshold abc", "--threshold nan"),
        *("--method scope", "--method scope --level word", "--method scope --heads 1.2"),
        *("--heads 1.2", "--method ehpc --question why --heads 1", "--method random --heads 0.1"),
        *("--ranker nope", "--second-pass", "--method truncate --second-pass", "--pin-pattern ("),
    ],
)  # fmt: skip
def test_values_that_options_cannot_have_are_wrong_usage(options: str) -> None:
    done = CliRunner().invoke(app, ["compress", str(DOCUMENT), *options.split()])
    assert done.exit_code == 2, done.output
    assert "Usage:" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("command", "option"),
    [
        *(("compress", f"--{name}=") for name in ("model", "reader", "ranker", "pin-pattern")),
        *(("compress", f"--{name}=a\udcff") for name in ("question", "instruction")),
        *(("run", f"--{name}=a\udcff") for name in ("question", "system")),
        *(("run", f"--{name}= ") for name in ("model", "reader")),
        ("chat", "--system=a\udcff"),
    ],
)
def test_so_are_empty_names_and_texts_of_no_encoding(command: str, option: str) -> None:
    rest = {"compress": [str(DOCUMENT)], "run": [str(DOCUMENT), "--question", "Who?"]}
    done = CliRunner().invoke(app, [command, *rest.get(command, []), option], input="")
    assert done.exit_code == 2, done.output
    assert "Usage:" in done.stderr


def test_so_is_a_model_that_nobody_knows() -> None:
    done = CliRunner().invoke(app, ["models", "fetch", "smollm3"])
    assert done.exit_code == 2
    assert "known are" in " ".join(done.stderr.split())


@pytest.mark.llama
@pytest.mark.parametrize(
    "options",
    [
        *("--policy nope", "--recent 5", "--policy lagkv --recent -1", "--policy h2o --block 0"),
        *("--policy lagkv --window 101", "--cap 1", "--cap x", "--cache-keys q3", "--top-p 2"),
        *("--temperature -1", "--temperature nan", "--seed -1", "--max-tokens 0", "--min-p 3"),
    ],
)  # fmt: skip
def test_so_are_those_of_the_reader_before_it_is_loaded(options: str) -> None:
    arguments = ["run", str(DOCUMENT), "--question", "Who?", "--reader", "not-there.gguf"]
    done = CliRunner().invoke(app, [*arguments, *options.split()])
    assert done.exit_code == 2, done.output
    assert "Usage:" in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        *("--cap 99999999", "--cap-mb 0", "--cap-mb inf", "--cap 8 --cap-mb 9"),
        "--policy lagkv --cache-keys q8_0",
        "--policy h2o --cache-values q8_0",
    ],
)  # fmt: skip
def test_and_those_that_depend_on_the_reader(options: str, gguf: Path) -> None:
    arguments = ["run", str(DOCUMENT), "--question", "Who?", "--reader", str(gguf)]
    done = CliRunner().invoke(app, [*arguments, *options.split()])
    assert done.exit_code == 2, done.output


def test_a_blank_question_is_none() -> None:
    done = CliRunner().invoke(app, ["run", str(DOCUMENT), "--question", " "])
    assert done.exit_code == 2
    assert "the question is empty" in done.stderr


@pytest.mark.torch
def test_the_export_too(tmp_path: Path) -> None:
    for option, value in (("--max-loss", "150%"), ("--attention", "x"), ("--keep-label", "-1")):
        arguments = ["build", "nothing", "--task", "classifier", "-o", str(tmp_path / "new")]
        done = CliRunner().invoke(export_app, [*arguments, option, value])
        assert done.exit_code == 2, done.output
    asking = ["ask", "nothing", "--data", ".", "-o", str(tmp_path / "new.jsonl")]
    for option, value in (("--epochs", "inf"), ("--epochs", "nan"), ("--seed", "9" * 20)):
        done = CliRunner().invoke(export_app, [*asking, option, value])
        assert done.exit_code == 2, done.output
    assert list(tmp_path.iterdir()) == []


def _places(folder: Path) -> list[Path]:
    """Where no file can be written."""
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("folder")
    (folder / "file").write_text("old")
    os.mkfifo(folder / "pipe")
    names = ["none/page", "folder", "link", "file/page", "pipe", "x" * 250, "x" * 300, "."]
    return [*(folder / name for name in names), Path("/dev/null"), Path("/proc/page")]


def test_a_page_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    places = _places(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    for place in places:
        with pytest.raises(InputError, match="cannot be written"):
            refuse_unwritable_file(place)
    done = edgelingua(
        *("compress", "-", "--method", "truncate", "--explain", tmp_path / "none" / "page"),
        stdin="Never scored.",
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be written" in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_asking_touches_nothing(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    refuse_unwritable_file(page)
    refuse_unwritable_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "edgelingua").mkdir()  # as beside a clone, and in a cache folder
    refuse_unwritable_folder(tmp_path / "a" / "b")
    page.write_text("old")
    before = page.stat()
    refuse_unwritable_file(page)
    assert page.stat() == before
    assert page.read_text() == "old"
    for place in (page, page / "below"):
        with pytest.raises(InputError, match="cannot be written"):
            refuse_unwritable_folder(place)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"):
        refuse_unwritable_file(tmp_path / "page")
    with pytest.raises(InputError, match="Permission denied"):
        refuse_unwritable_folder(tmp_path / "a" / "b")


def test_the_text_is_not_replaced_by_its_page(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("Some words.")
    done = edgelingua("compress", text, "--method", "truncate", "--explain", text)
    assert done.returncode == 2
    assert text.read_text() == "Some words."
    with text.open() as stdin:
        done = subprocess.run(
            [*COMMAND, "compress", "-", "--method", "truncate", "--explain", text],
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert text.read_text() == "Some words."


def test_an_export_looks_at_its_place_before_it_loads_anything(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    place = str(tmp_path / "file" / "new")
    for command in (
        ["build", "nothing", "--task", "classifier"],
        ["train", "nothing", "--data", "."],
        ["ask", "nothing", "--data", "."],
    ):
        done = CliRunner().invoke(export_app, [*command, "-o", place])
        assert isinstance(done.exception, InputError)
        assert "cannot be written" in str(done.exception)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_16_is_named_and_the_advice_works(name: str, order: str, tmp_path: Path) -> None:
    text = TEXTS[name]
    mark = "\ufeff".encode(f"utf-16-{order}")
    file = tmp_path / "text"
    for begin in (b"", mark):
        file.write_bytes(begin + text.encode(f"utf-16-{order}"))
        expected = "UTF-16" if begin else f"UTF-16{order.upper()}"
        with pytest.raises(InputError, match=rf"in {expected}, expected UTF-8") as caught:
            read_text(str(file))
        advice = str(caught.value).rpartition("for example with: ")[2]
        if shutil.which("iconv"):
            command = [*advice.split(), str(file)]
            file.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
            assert read_text(str(file)) == text
    assert wide_encoding(text.encode("utf-32")) == "UTF-32"


def test_utf_16_through_a_pipe() -> None:
    done = edgelingua("compress", "--method", "truncate", stdin="Zwölf Boxkämpfer".encode("utf-16"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "stdin: in UTF-16, expected UTF-8" in done.stderr


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cn", "Co"))))
def test_utf_8_is_never_taken_for_utf_16(text: str) -> None:
    assert wide_encoding(text.encode()) is None


@pytest.mark.parametrize("text", ["\x1b[31mred\x1b[0m text\x08", "bell\x07", "1\n2\n3\n\x0b"])
def test_nor_is_a_text_with_control_characters(text: str) -> None:
    assert wide_encoding(text.encode()) is None


@pytest.mark.parametrize("encoding", ["latin1", "cp1251", "gb18030", "shift_jis", "big5", "euc-kr"])
def test_nor_is_one_of_another_encoding(encoding: str) -> None:
    for text in TEXTS.values():
        assert wide_encoding(text.encode(encoding, errors="ignore")) is None


def _errors_with(secret: str) -> list[EdgeLinguaError]:
    """What calls say that have a secret where it does not belong."""
    compressor = PromptCompressor(use_llmlingua2=True)
    calls: list[Callable[[], object]] = [
        lambda: Prompt.build("Some text.", pin=secret),
        lambda: Prompt.build("Some text.", pin=["text", secret.encode()]),  # type: ignore[list-item]
        lambda: Segment("context", secret),  # type: ignore[arg-type]
        lambda: parse(f"<llmlingua, rate=0.5 {secret}"),
        lambda: parse(f"<llmlingua, {secret}>x</llmlingua>"),
        lambda: parse(f"<llmlingua, rate={secret}>x</llmlingua>"),
        lambda: compressor.compress_prompt([secret, 1], rate=0.5),  # type: ignore[list-item]
        lambda: compressor.compress_prompt("Text.", rate=secret),  # type: ignore[arg-type]
        lambda: compressor.compress_prompt("Text.", rate=0.5, force_tokens=secret),
        lambda: compressor.compress_json({"a": secret}, {"a": {"value_type": "int"}}),
        lambda: compressor.compress_json({"a": secret}, {"a": {"rate": secret}}),
    ]
    found = []
    for call in calls:
        with pytest.raises(EdgeLinguaError) as caught:
            call()
        found.append(caught.value)
    return found


def test_no_error_repeats_what_it_was_given() -> None:
    for error in _errors_with(SECRET):
        shown = str(error)
        assert not any(word in shown for word in SECRET.split()), shown
        assert error.__suppress_context__ or error.__context__ is None


def test_a_pin_on_the_command_line_is_not_repeated() -> None:
    for option in ("--pin", "--pin-pattern"):
        done = edgelingua(
            *("compress", "-", "--method", "truncate", option, f"({SECRET}"), stdin="Some words."
        )
        assert done.returncode in (1, 2)
        assert "hunter2" not in done.stdout + done.stderr


@given(st.text(min_size=4))
def test_a_text_is_described_by_its_length(text: str) -> None:
    assert described(text) == f"a str of {len(text):,} characters"
    assert text not in described([text]) or text in "a list of 1"


def test_the_page_says_what_it_holds() -> None:
    done = CliRunner().invoke(app, ["compress", "--help"])
    assert "whole text" in " ".join(done.stdout.replace("│", " ").split())
