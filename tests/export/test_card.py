"""A bundle's page, its tables, and bundles that are built twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from edgelingua.bundle import inspection
from edgelingua.bundle.bundle import ModelBundle
from edgelingua.bundle.manifest import MANIFEST, Manifest, Task
from edgelingua.cli.app import app as edgelingua_app
from edgelingua.files.safe import hash_file
from edgelingua_export import card
from edgelingua_export.build import BuildOptions, build
from edgelingua_export.card import CARD, render, write_card
from edgelingua_export.cli import app
from edgelingua_export.errors import ExportError
from edgelingua_export.quantization.options import SearchOptions
from edgelingua_export.sources import find
from tests.bundle.test_bundle import Copy, edit

BUNDLES = ["scorer_bundle", "bert_bundle"]


@pytest.fixture(params=BUNDLES)
def bundle(request: pytest.FixtureRequest) -> ModelBundle:
    found: ModelBundle = request.getfixturevalue(request.param)
    return found


def test_a_build_writes_the_page_of_its_manifest(bundle: ModelBundle) -> None:
    page = (bundle.folder / CARD).read_text(encoding="utf-8")
    assert CARD in bundle.manifest.files
    assert page == render(bundle.manifest)
    for label, variant in bundle.manifest.variants.items():
        assert f"| {label} | {variant.precision} |" in page
    for name, value in bundle.manifest.parity["variants"]["cpu-int8"].items():
        assert name.replace("_", " ") in page
        assert f"{value:.4g}" in page
    assert bundle.manifest.source["weights_sha256"] in page
    assert "public domain" in page
    method = "question_aware" if bundle.manifest.task == "scorer" else "llmlingua2"
    assert f'load_compressor("{method}", "DIR")' in page


def test_the_header_is_what_hubs_read(bundle: ModelBundle) -> None:
    page = (bundle.folder / CARD).read_text(encoding="utf-8")
    _, header, _ = page.split("---\n", 2)
    found = yaml.safe_load(header)
    assert found["license"] == bundle.manifest.source["licence"]
    assert {"prompt-compression", "onnx", bundle.manifest.task} <= set(found["tags"])


def test_writing_the_page_again_changes_nothing(bundle: ModelBundle, copy_of: Copy) -> None:
    folder = copy_of(bundle)
    before = {path.name: hash_file(path) for path in folder.iterdir() if path.is_file()}
    (folder / CARD).write_text("edited by hand")
    write_card(folder)
    assert {path.name: hash_file(path) for path in folder.iterdir() if path.is_file()} == before


def test_a_page_for_a_bundle_that_has_none(bert_bundle: ModelBundle, copy_of: Copy) -> None:
    folder = copy_of(bert_bundle)
    (folder / CARD).unlink()
    edit(folder, lambda m: m["files"].pop(CARD))
    edit(folder, lambda m: m.update(notes="Mind the <b>gap</b> | `here`."))
    write_card(folder)
    bundle = ModelBundle.open(folder)
    assert CARD in bundle.manifest.files
    page = (folder / CARD).read_text(encoding="utf-8")
    assert r"Mind the &lt;b>gap&lt;/b> \| \`here\`." in page


def test_the_data_of_a_recipe_are_listed_once(bert_bundle: ModelBundle, copy_of: Copy) -> None:
    folder = copy_of(bert_bundle)
    (folder / "recipe.toml").write_text(
        '[[data]]\nformat = "squad"\nfile = "a"\norigin = "SQuAD"\nlicence = "CC-BY-SA-4.0"\n'
        '[[data]]\nformat = "squad-answers"\nfile = "a"\n'
        '[[data]]\nformat = "labels"\nfile = "mine.jsonl"\n[[data]]\nformat = "records"\n'
    )
    page = render(bert_bundle.manifest, folder)
    (folder / "recipe.toml").rename(folder / "first.toml")
    (folder / "recipe.toml").write_text('data = "first.toml"\n')
    assert render(bert_bundle.manifest, folder) == page
    table = page.split("## Data\n\n")[1].split("\n\n")[0].splitlines()[2:]
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in table] == [
        ["SQuAD", "CC-BY-SA-4.0", "squad, squad-answers"],
        ["mine.jsonl", "not stated", "labels"],
        ["records", "not stated", "records"],
    ]


@pytest.mark.parametrize("stop_at", [1, 2, 3])
def test_a_kill_while_the_page_is_written_leaves_a_valid_bundle(
    bert_bundle: ModelBundle, copy_of: Copy, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    folder = copy_of(bert_bundle)
    edit(folder, lambda m: m.update(notes="Another page."))
    put, calls = card._put, iter(range(1, 10))

    def killed(path: Path, text: str) -> None:
        if next(calls) == stop_at:
            raise KeyboardInterrupt
        put(path, text)

    monkeypatch.setattr(card, "_put", killed)
    with pytest.raises(KeyboardInterrupt):
        write_card(folder)
    ModelBundle.open(folder)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("data = ", "not a recipe"),
        ("data = 'none.toml'", "none.toml: not a recipe"),
        ("base = 'x'", "has no \\[\\[data\\]\\]"),
        ("[[data]]\nfile = 'a'", "has no format"),
        ("[[data]]\nformat = 'text'\norigin = 3", "origin = 3: expected str"),
    ],
)
def test_a_faulty_recipe_leaves_the_bundle_as_it_is(
    bert_bundle: ModelBundle, copy_of: Copy, recipe: str, message: str
) -> None:
    folder = copy_of(bert_bundle)
    write_card(folder)
    before = (folder / MANIFEST).read_bytes()
    (folder / "recipe.toml").write_text(recipe)
    with pytest.raises(ExportError, match=message):
        write_card(folder)
    assert (folder / MANIFEST).read_bytes() == before


def test_untrained_bundles_say_so_and_odd_records_do_no_harm(bert_bundle: ModelBundle) -> None:
    tree = json.loads(bert_bundle.manifest.dumps()) | {"trained": False}
    tree["parity"] = {"text_tokens": [], "fp32_vs_torch": {"max_difference": "x"}, "variants": 7}
    tree["recipe"] = {"search": {"rows": [{"a": 1.23456, "b": None}, {"c": [{}]}]}, "x": {}}
    tree["source"] = {"kind": "hub", "location": "owner/name", "licence": "a: [b"}
    path = bert_bundle.folder.with_name("odd.json")
    path.write_text(json.dumps(tree), encoding="utf-8")
    manifest = Manifest.read(path)
    page = render(manifest)
    assert "head is untrained" in page
    header = yaml.safe_load(page.split("---\n", 2)[1])
    assert (header["license"], header["base_model"]) == ("a: [b", "owner/name")
    assert "| 1.235 | None |  |" in page
    shown = dict(inspection.tables(manifest.recipe))
    assert shown["search.rows"] == (["a", "b", "c"], [["1.235", "None", ""], ["", "", "{}"]])


@pytest.mark.parametrize("task", ["scorer", "classifier"])
def test_two_builds_of_the_same_inputs_differ_in_timings_only(
    task: Task, tiny_lm: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    """In a row, in one process; tools that count their calls would show."""
    source = find(str(tiny_lm if task == "scorer" else tiny_bert))
    options = BuildOptions(keep_fp32=True, search=SearchOptions(objective="size", max_loss=0.05))
    one, two = (
        build(source, task, tmp_path / number / "bundle", options, lambda _: None)
        for number in ("1", "2")
    )
    shows_timings = {"README.md", "search.png"}
    for key, *_ in inspection.differences(one, two):
        named = key.startswith("files.") and any(name in key for name in shows_timings)
        assert named or key.endswith("milliseconds"), key
    for name in {*one.files, *two.files} - shows_timings:
        assert hash_file(tmp_path / "1" / "bundle" / name) == hash_file(
            tmp_path / "2" / "bundle" / name
        )
    assert "milliseconds" in one.recipe["search"]["differs_between_builds"]


def test_other_weights_are_told_apart(
    bert_bundle: ModelBundle, tiny_bert: Path, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    model = AutoModelForTokenClassification.from_pretrained(tiny_bert)
    with torch.no_grad():
        model.classifier.bias[0] += 1
    source = tmp_path / tiny_bert.name
    model.save_pretrained(source)
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(source)
    output = tmp_path / bert_bundle.folder.name
    options = BuildOptions(keep_fp32=True)
    other = build(find(str(source)), "classifier", output, options, lambda _: None)
    changed = {key for key, _, _ in inspection.differences(bert_bundle.manifest, other)}
    changed -= {"tools.edgelingua"}  # the bundle was built by the version that was
    assert {"source.weights_sha256", "files.model.int8.onnx.sha256"} <= changed
    assert not any(key.startswith(("tokens.", "tools.", "recipe.calibration")) for key in changed)


def test_the_commands(bert_bundle: ModelBundle, scorer_bundle: ModelBundle, copy_of: Copy) -> None:
    folder = copy_of(bert_bundle)
    runner = CliRunner()
    done = runner.invoke(app, ["card", str(folder)])
    assert (done.exit_code, done.stdout) == (0, f"{folder / CARD}\n")
    done = runner.invoke(app, ["diff", str(folder), str(bert_bundle.folder)])
    assert (done.exit_code, done.stdout) == (0, "")
    done = runner.invoke(app, ["diff", str(folder), str(scorer_bundle.folder)])
    assert done.exit_code == 1
    assert "task: classifier -> scorer\n" in done.stdout
    shown = runner.invoke(edgelingua_app, ["models", "inspect", str(folder)]).stdout
    for said in ("cpu-int8", "calibration.txt", bert_bundle.manifest.files[CARD].sha256):
        assert said in shown
