"""The command as its users type it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgelingua.bundle.bundle import ModelBundle
from edgelingua.kv.policies import Compressor
from tests.conftest import DOCUMENT

if TYPE_CHECKING:
    from edgelingua.llama.model import LlamaModel


def edgelingua(
    *arguments: str | Path, stdin: str | bytes = b"", tool: str = "edgelingua", **env: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", tool, *map(str, arguments)],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        env={**os.environ, **env},
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def test_compress_writes_only_the_result_to_stdout(
    scorer_bundle: ModelBundle, reader: LlamaModel
) -> None:
    done = edgelingua("compress", DOCUMENT, "--model", scorer_bundle.folder, "--tokens", "200")
    assert done.returncode == 0, done.stderr
    assert reader.count(done.stdout) <= 200
    for said in (
        r"tokens +[\d,]+ became \d+ \(\d+\.\d %\), at most 200$",
        r"method +selective_context \(tiny-lm-scorer\)$",
        r"time +load [\d.]+ s, compress [\d.]+ s$",
        r"memory +[\d,]+ MB at the peak$",
    ):
        assert re.search(said, done.stderr, re.MULTILINE), done.stderr
        assert not re.search(said, done.stdout, re.MULTILINE)


def test_compress_as_json(scorer_bundle: ModelBundle, reader: LlamaModel) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    done = edgelingua("compress", "-", "--model", scorer_bundle.folder, "--rate", "0.3", "--json",
                      stdin=document)  # fmt: skip
    result = json.loads(done.stdout)
    assert result["text"] == "".join(document[a:b] for a, b in result["spans"])
    statistics = result["statistics"]
    assert statistics["tokens_in"] == reader.count(document)
    assert statistics["tokens_out"] == reader.count(result["text"]) <= statistics["limit"]
    assert statistics["method"] == "selective_context"
    assert statistics["peak_rss_mb"] > 0


def test_question_instruction_and_pins_survive(scorer_bundle: ModelBundle) -> None:
    done = edgelingua("compress", DOCUMENT, "--model", scorer_bundle.folder, "--tokens", "150",
                      "--question", "How much?", "--instruction", "Read this.",
                      "--pin", "city of Boston")  # fmt: skip
    assert done.stdout.startswith("Read this.\n\n")
    assert done.stdout.endswith("\n\nHow much?")
    assert " city of Boston" in done.stdout


def test_a_pipe_needs_no_model_for_the_baselines(tmp_path: Path) -> None:
    done = edgelingua(
        *("compress", "--method", "truncate", "--tokens", "5"),
        stdin="One two three four five six seven.",
        EDGELINGUA_HOME=str(tmp_path),
        EDGELINGUA_OFFLINE="1",
    )
    assert done.stdout == "One two three four five"
    assert "tokens are estimated, rather too high" in done.stderr


def test_pins_by_pattern_and_a_threshold(bert_bundle: ModelBundle) -> None:
    arguments = ("compress", DOCUMENT, "--model", bert_bundle.folder)
    done = edgelingua(*arguments, "--tokens", "150", "--pin-pattern", r"\d")
    assert "$15,500,000" in done.stdout
    assert "1876" in done.stdout
    done = edgelingua(*arguments, "--threshold", "0.6", "--json")
    statistics = json.loads(done.stdout)["statistics"]
    assert 0 < statistics["tokens_out"] < statistics["tokens_in"] == statistics["limit"]
    assert edgelingua(*arguments, "--pin-pattern", "(").returncode == 2


def test_results_are_utf_8_whatever_the_terminal() -> None:
    done = edgelingua(
        "compress", "--method", "truncate", "--rate", "1",
        stdin="你好 café\r\none", PYTHONIOENCODING="cp1252",
    )  # fmt: skip
    assert done.stdout == "你好 café\r\none"


def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "edgelingua", "methods"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().startswith("error: ")
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="closes streams as a POSIX shell does")
@pytest.mark.parametrize(
    ("closed", "message"),
    [("0<&-", "nothing to compress"), ("1>&-", "stdout is closed"), ("2>&-", "")],
)
def test_a_closed_stream_is_one_line(closed: str, message: str) -> None:
    command = [sys.executable, "-m", "edgelingua", "compress", "--method", "truncate"]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command],
        input=b"A text.",
        capture_output=True,
        check=False,
    )
    assert done.returncode == (1 if message else 0), done.stderr
    assert done.stderr.count(b"\n") == (1 if message else 0)
    assert message.encode() in done.stderr
    assert b"error" not in done.stdout


def test_one_damaged_bundle_does_not_hide_the_others(tmp_path: Path) -> None:
    for name in ("broken", ".half.partial"):
        (tmp_path / "bundles" / name).mkdir(parents=True)
        (tmp_path / "bundles" / name / "manifest.json").write_text("{")
    done = edgelingua("models", "list", EDGELINGUA_HOME=str(tmp_path))
    assert done.returncode == 0
    assert "unusable" in done.stdout
    assert "half" not in done.stdout


def test_a_page_that_explains(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = edgelingua("compress", "--method", "random", "--explain", page, stdin="Some words here.")
    assert done.returncode == 0
    assert "Some" in page.read_text()
    assert list(tmp_path.iterdir()) == [page]


@pytest.mark.parametrize("name", ["", "new/", "new/.", ".."])
def test_a_page_needs_the_name_of_a_file(tmp_path: Path, name: str) -> None:
    place = os.path.join(tmp_path, name) if name else ""  # noqa: PTH118  # keeps the end
    done = edgelingua("compress", "--method", "random", "--explain", place, stdin="Some words.")
    assert done.returncode == 2
    assert "name of a file" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_page_does_not_tell_where_the_text_lies(tmp_path: Path) -> None:
    text, page = tmp_path / "text.txt", tmp_path / "page.html"
    text.write_text("Some words here.")
    done = edgelingua("compress", text, "--method", "random", "--explain", page)
    assert done.returncode == 0
    assert "<title>text.txt, random</title>" in page.read_text()
    assert tmp_path.name not in page.read_text()


@pytest.mark.llama
def test_run_answers_under_the_cap(scorer_bundle: ModelBundle) -> None:
    arguments: list[str | Path] = ["run", DOCUMENT, "--question", "Who?", "--tokens", "150"]
    arguments += ["--model", scorer_bundle.folder, "--cap", "96", "--max-tokens", "30"]
    arguments += ["--policy", "compressor", "--cache-keys", "q8_0", "--threads", "1"]
    done = edgelingua(*arguments, "--json")
    result = json.loads(done.stdout)
    statistics = result["statistics"]
    assert statistics["cells_used"] <= statistics["cap"] == 96
    assert statistics["evicted"] > 0
    assert statistics["tokens_out"] <= 150
    assert (statistics["policy"], statistics["policy_repr"]) == ("compressor", repr(Compressor()))
    assert set(statistics["milliseconds"]) == {"load", "compress", "prefill", "generate"}
    plain = edgelingua(*arguments)
    assert plain.stdout.strip() == result["answer"]
    assert "of 96 cells at most" in plain.stderr
    assert "policy  compressor\n" in plain.stderr


@pytest.mark.llama
def test_run_without_a_budget_fills_the_cap(scorer_bundle: ModelBundle) -> None:
    done = edgelingua("run", DOCUMENT, "--question", "Who?", "--model", scorer_bundle.folder,
                      "--cap", "256", "--max-tokens", "20", "--json")  # fmt: skip
    statistics = json.loads(done.stdout)["statistics"]
    assert statistics["evicted"] == 0
    assert 200 < statistics["cells_used"] <= 256


def test_models_and_methods(scorer_bundle: ModelBundle, gguf: Path) -> None:
    assert "question_aware" in edgelingua("methods").stdout
    listed = edgelingua("models", "list").stdout
    assert "smollm2-135m-instruct" in listed
    assert str(gguf) in listed
    inspected = json.loads(edgelingua("models", "inspect", scorer_bundle.folder, "--json").stdout)
    assert inspected["task"] == "scorer"
    assert "tokens.max_length" in edgelingua("models", "inspect", scorer_bundle.folder).stdout
    verified = edgelingua("models", "verify", scorer_bundle.folder)
    assert verified.returncode == 0
    assert "cpu-int8: ok" in verified.stdout
    exported = edgelingua("verify", scorer_bundle.folder, "--json", tool="edgelingua_export")
    assert json.loads(exported.stdout)["cpu-int8"]["perplexity_loss"] < 0.08


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        (b"", "empty or blank"),
        (b" \n\n ", "empty or blank"),
        (b"caf\xe9", "not valid UTF-8 at byte 3"),
        (b"a\x00b", "binary input: NUL at character 1"),
        (b"\x7fELF\x00\x00\x00", "binary input"),
        (b"x" * 10_000_000, "10,000,000 characters; at most 5,000,000"),
    ],
    ids=lambda value: repr(value[:12]),  # of any length, it would be handed on to subprocesses
)
def test_bad_input_is_one_line_and_exit_code_1(stdin: bytes, message: str) -> None:
    done = edgelingua("compress", "--method", "truncate", "--rate", "0.5", stdin=stdin)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.llama
def test_other_errors_are_one_line_too(
    scorer_bundle: ModelBundle, bert_bundle: ModelBundle, tmp_path: Path
) -> None:
    fake = tmp_path / "fake.gguf"
    fake.write_bytes(b"nonsense")
    for arguments, message in (
        (["compress", tmp_path / "none.txt"], "none.txt: cannot be read"),
        (["compress", tmp_path], "cannot be read"),
        (["compress", DOCUMENT, "--model", tmp_path], "no manifest.json"),
        (["compress", DOCUMENT, "--method", "selective_context", "--model", bert_bundle.folder],
         "a classifier bundle, but a scorer is needed"),
        (["compress", DOCUMENT, "--method", "truncate", "--reader", fake], "not a GGUF file"),
        (["run", DOCUMENT, "--question", "Q?", "--model", scorer_bundle.folder, "--cap", "40"],
         "cap of 40 cells is too small"),
        (["run", DOCUMENT, "--question", "Q?", "--method", "truncate", "--tokens", "60",
          "--cap", "20"], "cap of 20 cells is too small"),
        (["run", DOCUMENT, "--question", "Q?", "--method", "truncate", "--reader", "nowhere"],
         "not a known model"),
        (["compress", DOCUMENT, "--method", "truncate", "--reader", "all-minilm-l6-v2"],
         "not a known model"),
        (["models", "verify", "nowhere"], "no bundle of that name"),
    ):  # fmt: skip
        done = edgelingua(*arguments)
        assert (done.returncode, done.stdout) == (1, ""), arguments
        assert done.stderr.startswith("error: "), done.stderr
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_debug_shows_the_trace() -> None:
    done = edgelingua("compress", "none.txt", "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "InputError" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["compress", DOCUMENT, "--tokens", "5", "--rate", "0.5"],
        ["compress", "--no-such-option"],
        ["run", DOCUMENT],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    done = edgelingua(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage:" in done.stderr


def test_an_untrained_classifier_warns(bert_bundle: ModelBundle, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(bert_bundle.folder, tmp_path / "untrained")
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"trained": true', '"trained": false'))
    done = edgelingua("compress", "--model", folder, stdin="Some text to compress, at length.")
    assert done.returncode == 0
    assert "warning: " in done.stderr
    assert "untrained" in done.stderr
    assert "warning" not in done.stdout
