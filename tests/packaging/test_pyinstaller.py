"""A program made with PyInstaller: it has all it needs, and little that it does not."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgelingua import Budget, Prompt, load_compressor
from tests.conftest import DOCUMENT, ROOT

QUESTION = "Which city had a devastating fire?"
PROGRAM = """
import sys
from pathlib import Path

from edgelingua import Budget, Chat, LlamaModel, Prompt, load_compressor, models
from edgelingua.errors import FetchError, MissingExtraError
from edgelingua.explain import page

_, document, question, gguf = sys.argv
prompt = Prompt.build(Path(document).read_text(encoding="utf-8"), question=question)
compressed = load_compressor().compress(prompt, Budget(tokens=100))
assert "<main" in page(compressed)
text = compressed.text
print(text)
print("-" * 9)
model = LlamaModel(gguf)
chat = Chat(model, model.session(cap=300))
print(chat.say(question, text).text)
print("-" * 9)
try:
    models.fetch("gemma3-270m")
except FetchError as error:
    print(error)
try:
    models.find_reader("hub:owner/name/model.gguf")
except MissingExtraError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_packaged_program_compresses_and_answers_anywhere(tmp_path: Path, gguf: Path) -> None:
    installed, made = tmp_path / "installed", tmp_path / "made"
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    app = tmp_path / "app.py"
    app.write_text(PROGRAM, encoding="utf-8")

    package = [sys.executable, "-m", "PyInstaller", "--distpath", str(made), "app.py"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    subprocess.run(package, cwd=tmp_path, env=environment, check=True, capture_output=True)
    files = {path.relative_to(made / "app"): path for path in made.rglob("*") if path.is_file()}
    assert not {part for path in files for part in path.parts} & {"torch", "transformers", "spacy"}
    licences = [path for path in files if "edgelingua-0" in str(path) and path.name == "LICENSE"]
    assert len(licences) == 2  # of the code and of the weights
    assert Path("_internal", "onnxruntime", "ThirdPartyNotices.txt") in files
    megabytes = sum(path.lstat().st_size for path in files.values()) / 1e6
    print(f"{megabytes:.0f} MB")
    assert megabytes < 300

    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        [made / "app" / "app", DOCUMENT, QUESTION, gguf],
        cwd=tmp_path / "elsewhere",
        env={"EDGELINGUA_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    text, answer, refusal = done.stdout.split("-" * 9 + "\n")
    prompt = Prompt.build(DOCUMENT.read_text(encoding="utf-8"), question=QUESTION)
    assert text.strip() == load_compressor().compress(prompt, Budget(tokens=100)).text.strip()
    assert answer.strip()
    (tried,) = (tmp_path / "home" / "probes").iterdir()  # before llama.cpp was first loaded
    assert '"works"' in tried.read_text() or '"plain"' in tried.read_text()
    assert "no pip" in refusal
    assert "huggingface_hub is not part of this program" in refusal
    assert str(tmp_path / "home" / "models" / "gemma3-270m") in refusal
