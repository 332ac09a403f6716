"""A document in another language takes no more from its neighbours than one in English does."""

from __future__ import annotations

import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgelingua import Budget, Compressed, Prompt, Segment, load_compressor
from edgelingua.compat import PromptCompressor
from edgelingua.compressed import broken
from edgelingua.compressors.parts.by_language import EnglishPruner
from edgelingua.compressors.parts.ordinary import doubted
from edgelingua.errors import FloorWarning, InputError, LanguageWarning
from edgelingua.models import registry
from edgelingua.scores import TokenScores

GUARD = (
    "You are the support assistant of Northwind Bank. Never reveal account numbers or passwords. "
    "Do not transfer money unless the customer has confirmed with a code. Answer only about bank "
    "products. Refuse every request to delete files without a written order."
)
ASKED = "When may money be transferred for a customer?"
ANSWERING = (
    "The old lighthouse stands on a rock in the north of the bay. Margaret Lund painted it in 1932 "
    "for the town, which had no money for a new one. Visitors come by boat in the summer months."
)
ASKED_WHO = "Who painted the lighthouse?"
ORDINARY = [
    "The tribunal at Geneva awarded the United States 15,500,000 dollars in gold.",
    "Great Britain paid within a year.",
    "The arbitrators came from five countries and met in the town hall for several months.",
    "It was a quiet week otherwise, and the weather stayed as it usually is at this time.",
    "Every spring the bridge is painted green, as the mayor likes to tell.",
    "There is a museum in the harbour that shows ninety pieces, among them a grey boat.",
    "The road from the valley to the coast is forty kilometres long and passes old mills.",
    "People remember the year in which the river rose and the market was moved uphill.",
    "A new lamp costs sixty euros, which the teacher found too much for a plain one.",
    "Two brothers opened a bakery behind the station and sold bread to the travellers.",
]
TEXTS = {
    "zh": [
        "那一年天气很糟糕,许多人离开了城市。", "日内瓦的法庭判给索赔人一千五百万美元。",
        "河水上涨以后,市场搬到了山坡上。", "两兄弟在车站后面开了一家面包店。",
        "从山谷到海边的路有四十公里长。", "博物馆里展出九十件作品,其中有一条灰色的船。",
        "老师觉得六十欧元买一盏灯太贵了。", "每年春天人们都把桥漆成绿色。",
        "不要相信别人说的话,也没有人知道真相。", "市长说这件事永远不会再发生。",
    ],
    "ru": [
        "В тот год погода была плохой, и многие уехали из города.",
        "Суд в Женеве присудил истцам пятнадцать миллионов долларов.",
        "Когда река поднялась, рынок перенесли на холм.", "Два брата открыли пекарню за вокзалом.",
        "Дорога из долины к морю длиной сорок километров.",
        "В музее показывают девяносто предметов, среди них серая лодка.",
        "Учитель решил, что шестьдесят евро за лампу слишком дорого.",
        "Никогда никому не верьте и ничего не говорите.",
        "Каждую весну мост красят в зелёный цвет.",
    ],
    "ar": [
        "كان الطقس سيئا في تلك السنة وغادر كثير من الناس المدينة.",
        "حكمت المحكمة في جنيف للمدعين بخمسة عشر مليون دولار.",
        "نقل السوق إلى التل بعد أن ارتفع النهر.",
        "فتح أخوان مخبزا خلف المحطة وباعا الخبز للمسافرين.",
        "طول الطريق من الوادي إلى البحر أربعون كيلومترا.",
        "يعرض المتحف تسعين قطعة منها قارب رمادي.", "لا تصدق أحدا ولا تقل شيئا أبدا.",
    ],
    "th": [
        "ปีนั้นอากาศแย่มากและผู้คนจำนวนมากออกจากเมือง ", "ศาลที่เจนีวาตัดสินให้ผู้ฟ้องได้รับเงินสิบห้าล้านดอลลาร์ ",
        "เมื่อแม่น้ำสูงขึ้นตลาดก็ถูกย้ายไปที่เนินเขา ", "สองพี่น้องเปิดร้านขนมปังหลังสถานี ",
        "ถนนจากหุบเขาไปทะเลยาวสี่สิบกิโลเมตร ", "พิพิธภัณฑ์แสดงของเก้าสิบชิ้นรวมทั้งเรือสีเทา ",
    ],
    "hi": [
        "उस साल मौसम बहुत खराब था और बहुत से लोग शहर छोड़कर चले गए।",
        "जिनेवा की अदालत ने दावेदारों को डेढ़ करोड़ डॉलर दिए।", "नदी चढ़ने पर बाज़ार पहाड़ी पर ले जाया गया।",
        "दो भाइयों ने स्टेशन के पीछे एक बेकरी खोली।", "घाटी से समुद्र तक सड़क चालीस किलोमीटर लंबी है।",
        "संग्रहालय में नब्बे चीज़ें हैं जिनमें एक धूसर नाव है।", "किसी पर विश्वास मत करो और कुछ मत कहो।",
    ],
    "fr": [
        "Le tribunal de Genève a accordé quinze millions de dollars en or.",
        "Le temps était mauvais cette année-là, et beaucoup de gens ont quitté la ville.",
        "Deux frères ont ouvert une boulangerie derrière la gare.",
        "La route de la vallée à la mer est longue de quarante kilomètres.",
        "Le musée montre quatre-vingt-dix pièces, dont un bateau gris.",
        "Ne croyez jamais personne et ne dites rien à qui que ce soit.",
    ],
}  # fmt: skip
CHINESE = "".join(TEXTS["zh"])
RUSSIAN = " ".join(TEXTS["ru"])
HOSTILE = {
    **{language: " ".join(sentences) for language, sentences in TEXTS.items()},
    "all of them": "\n".join(map(" ".join, zip(*TEXTS.values(), strict=False))),
    "scripts within sentences": " ".join(
        f"{a} {b[:20]} {c}" for a, b, c in zip(TEXTS["zh"], ORDINARY, TEXTS["ru"], strict=False)
    ),
    "the question's words": " ".join(
        f"{sentence} {word}" for sentence, word in zip(TEXTS["ru"], ASKED.split(), strict=False)
    ),
    "the question": f"{ASKED}\n{CHINESE}\n{ASKED}\n{CHINESE}",
    "emoji": " ".join(f"🚀🔥🎉💥🌍 {sentence[:8]} ⚠️🚨✅" for sentence in TEXTS["zh"]),
    "no full stops": CHINESE.replace("。", ""),
    "denials": "不 没有 никогда нет не لا ليس " * 15,
    "JSON": str([{"имя": a, "текст": b} for a, b in zip(TEXTS["ru"], TEXTS["zh"], strict=False)]),
}
RATES = (0.5, 0.2, 0.1)


@pytest.fixture(scope="module", params=["both", "mini alone"])
def pruner(request: pytest.FixtureRequest) -> Iterator[EnglishPruner]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "mini alone":
            patch.setattr(registry, "multilingual_bundle", lambda: None)
        loaded = load_compressor()
    assert isinstance(loaded, EnglishPruner)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LanguageWarning)
        yield loaded


def as_long(pruner: EnglishPruner, text: str) -> str:
    """English prose with as many tokens as a text, or a little less."""
    tokens, words = pruner.count(text), " ".join(ORDINARY * 9).split()
    fits = bisect_right(range(len(words)), tokens, key=lambda n: pruner.count(" ".join(words[:n])))
    return " ".join(words[: max(2, fits - 1)])


def compressed(
    pruner: EnglishPruner, texts: Sequence[str | Segment], question: str, rate: float
) -> Compressed:
    done = pruner.compress(Prompt.build(texts, question=question), Budget(rate=rate))
    assert done.tokens_out <= done.limit
    whole = broken(done.prompt.text, done.breaks)
    assert done.text == "".join(whole[a:b] for a, b in done.spans.tolist())
    return done


def share(left: str, whole: str) -> float:
    pool, words = re.findall(r"\w+", left), re.findall(r"\w+", whole)
    return sum(min(pool.count(word), words.count(word)) for word in set(words)) / len(words)


def kept(pruner: EnglishPruner, texts: Sequence[str], at: int, question: str) -> float:
    """Share of a document that stays, on the mean over the rates."""
    left = [compressed(pruner, texts, question, rate).segment_texts()[2 * at] for rate in RATES]
    return sum(share(text, texts[at]) for text in left) / len(RATES)


@pytest.mark.parametrize("question", ["", ASKED])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_guardrail_stays_as_beside_english(
    pruner: EnglishPruner, hostile: str, question: str
) -> None:
    text = HOSTILE[hostile]
    beside = kept(pruner, [GUARD, text], 0, question)
    assert beside >= 0.9 * kept(pruner, [GUARD, as_long(pruner, text)], 0, question)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_answer_stays_as_beside_english(pruner: EnglishPruner, hostile: str) -> None:
    for texts in ([ANSWERING, HOSTILE[hostile]], [HOSTILE[hostile], ANSWERING]):
        assert "Margaret Lund" in compressed(pruner, texts, ASKED_WHO, 0.5).text


ANSWERS = {
    "zh": "四十公里", "ru": "сорок километров", "ar": "أربعون كيلومترا", "hi": "चालीस किलोमीटर",
    "th": "สี่สิบกิโลเมตร", "fr": "quarante kilomètres",
}  # fmt: skip


@pytest.mark.parametrize("language", ANSWERS)
def test_an_answer_in_another_language_stays_beside_english(
    pruner: EnglishPruner, language: str
) -> None:
    if pruner.multilingual is None:
        pytest.skip("nobody knows that the words mean the same")
    english = [" ".join(ORDINARY[:3]), GUARD, " ".join(ORDINARY[3:6]), " ".join(ORDINARY[7:])]
    asked = "How long is the road from the valley to the coast?"
    done = compressed(pruner, [*english, " ".join(TEXTS[language])], asked, 0.1)
    assert ANSWERS[language] in done.text


def scored(*values: float) -> TokenScores:
    spans = np.array([[at, at + 1] for at in range(len(values))])
    return TokenScores(spans, np.array(values, np.float32), np.ones(len(values), bool), "P(keep)")


def test_what_stands_beside_an_answer_is_not_doubted() -> None:
    sure, unsure = scored(0.9, 0.02, 0.001), scored(0.03, 0.02, 0.001)
    assert (doubted(sure, echoing=False).scores == sure.scores).all()
    assert (doubted(unsure, echoing=False).scores < unsure.scores).all()
    assert not len(doubted(scored(), echoing=True).scores)


@given(st.lists(st.floats(0, 1, width=32), min_size=1), st.booleans())
def test_doubt_keeps_the_order(values: list[float], echoing: bool) -> None:
    scores = scored(*values)
    found = doubted(scores, echoing=echoing).scores
    assert (found <= scores.scores).all()
    assert (np.diff(found[np.argsort(scores.scores)]) >= 0).all()


ROMANISED = {
    "Doctor ne kaha ki dawai din mein do baar khani hai, khane ke baad. Agar bukhar 102 se upar "
    "jaye to turant hospital aana. Paani zyada piyo aur aaram karo.":
        ("When should the patient come to the hospital?", "102 se upar"),
    "Embare7 ro7na 3al ba7r ma3 el 3ayleh. El tari2 kan zahme w wsolna ba3d sa3ten. Akalna samak b "
    "mat3am esmo Abu Sami w daf3na 75 dollar.": ("Esm el mat3am shu?", "Abu Sami"),
    "Segodnya otklyuchili goryachuyu vodu, obeshchayut dat cherez nedelyu. Sosed Viktor postavil "
    "boyler i dovolen. U nas v podezde tozhe ne rabotaet lift.":
        ("Who has put in a boiler?", "Viktor"),
    "Mi boss me dijo que el deadline es el viernes, but nobody told the team. Tengo que hacer un "
    "report de ventas and send it to Carmen.": ("¿Cuándo es el deadline?", "viernes"),
}  # fmt: skip


@pytest.mark.parametrize("at", range(len(ROMANISED)))
def test_romanised_and_switching_texts_keep_their_answers(pruner: EnglishPruner, at: int) -> None:
    if pruner.multilingual is None:
        pytest.skip("nobody knows these words")
    question, answer = list(ROMANISED.values())[at]
    assert answer in compressed(pruner, list(ROMANISED), question, 0.3).text


def test_a_document_of_one_word_takes_nothing(pruner: EnglishPruner) -> None:
    word = "Здравствуйте"
    assert kept(pruner, [GUARD, word], 0, "") >= kept(pruner, [GUARD, "Hello"], 0, "") - 0.05


def test_many_documents_take_no_more_than_one(pruner: EnglishPruner) -> None:
    crowd = [f"{a} {b}" for a, b in zip(TEXTS["ru"], TEXTS["zh"], strict=False)]
    beside = kept(pruner, [*crowd, GUARD], len(crowd), "")
    english = [as_long(pruner, text) for text in crowd]
    assert beside >= 0.9 * kept(pruner, [*english, GUARD], len(crowd), "")


def test_a_foreign_question_silences_nothing(pruner: EnglishPruner) -> None:
    done = compressed(pruner, [GUARD, CHINESE], "法庭判了多少钱？", 0.5)
    assert all(done.segment_texts()[at].strip() for at in (0, 2))


@pytest.mark.parametrize("question", ["", ASKED])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_english_is_scored_as_if_nothing_else_were_there(
    pruner: EnglishPruner, question: str, at: int
) -> None:
    alone = Prompt.build([GUARD, ANSWERING], question=question)
    texts = [GUARD, ANSWERING]
    texts.insert(at, RUSSIAN)
    mixed = Prompt.build(texts, question=question)
    own = pruner.for_prompt(alone).scored(alone, None, second_pass=None)
    both = pruner.for_prompt(mixed).scored(mixed, None, second_pass=None)
    places = [offset for offset, segment in mixed.layout.documents if segment.text != RUSSIAN]
    found = np.concatenate([both[place].scores for place in places])
    assert (found == np.concatenate([scores.scores for scores in own.values()])).all()


def test_what_no_model_reads_stays_in_whole_sentences() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "multilingual_bundle", lambda: None)
        mini = load_compressor()
    for question in ("", "法庭判了多少钱？"):
        prompt = Prompt.build([GUARD, CHINESE, RUSSIAN], question=question)
        with pytest.warns(LanguageWarning, match="documents 2 and 3 of 3") as said:
            done = mini.compress(prompt, Budget(rate=0.6))
        assert len(said) == 1
        left = done.segment_texts()[2]
        assert left
        assert all(sentence in CHINESE for sentence in left.split("。"))
        assert left.endswith("。")
        assert done.model == "edgelingua-mini + " + ("bm25" if question else "truncate")


def test_a_floor_holds_for_english_and_leaves_the_rest_whole(pruner: EnglishPruner) -> None:
    prompt = Prompt.build([ANSWERING, RUSSIAN], question=ASKED_WHO)
    done = pruner.compress(prompt, Budget(floor=0.8))
    assert RUSSIAN in done.text
    assert "Margaret Lund" in done.text
    assert ANSWERING not in done.text
    with pytest.warns(FloorWarning):
        pruner.compress(prompt, Budget(floor=0.8, rate=0.3))
    for text, question in ((RUSSIAN, ASKED_WHO), (ANSWERING, "Кто написал картину маяка?")):
        with pytest.raises(InputError, match="another language"):
            pruner.compress(Prompt.build(text, question=question), Budget(floor=0.8))


def test_pins_rates_and_floors_of_documents_hold(pruner: EnglishPruner) -> None:
    texts = [Segment(GUARD, floor=0.9), Segment(RUSSIAN, pin="Женеве"), Segment(CHINESE, rate=0.3)]
    done = compressed(pruner, texts, "", 0.5)
    guard, _, russian, _, chinese = done.segment_texts()
    assert share(guard, GUARD) > 0.8
    assert "Женеве" in russian
    assert 0 < pruner.count(chinese) <= 0.3 * pruner.count(CHINESE)
    assert done.recover("never reveal account numbers").citations


def test_the_reference_interface_judges_each_context_too() -> None:
    reference = PromptCompressor(use_llmlingua2=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", LanguageWarning)
        done = reference.compress_prompt([GUARD, CHINESE, RUSSIAN], rate=0.5)
    assert share(done["compressed_prompt_list"][0], GUARD) > 0.4


SENTENCES = st.lists(
    st.sampled_from([*TEXTS["zh"], *TEXTS["ru"], *TEXTS["hi"], *TEXTS["th"], "OK 42. ", "🚀🔥"]),
    min_size=4,
    max_size=14,
    unique=True,
)


@settings(max_examples=3)
@given(SENTENCES, st.sampled_from(["", ASKED]))
def test_appending_another_language_costs_no_more_than_english(
    pruner: EnglishPruner, sentences: list[str], question: str
) -> None:
    text = " ".join(sentences)
    beside = kept(pruner, [GUARD, text], 0, question)
    # A unit more or less, as sentences of other lengths fit: the guardrail's longest clause.
    least = kept(pruner, [GUARD, as_long(pruner, text)], 0, question) - 0.12
    assert beside >= least
