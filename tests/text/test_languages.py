"""English or not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.text.languages import OTHER, language, other_letters
from tests.conftest import DOCUMENT

ENGLISH = DOCUMENT.read_text(encoding="utf-8")

OF = {
    "de": "Der Vertrag wurde im März unterzeichnet, und die Zahlung ist nicht vor Juni fällig.",
    "fr": "Le contrat a été signé en mars, et le paiement n'est pas dû avant la fin du mois.",
    "es": "El contrato se firmó en marzo, y el pago no vence hasta el final de junio.",
    "pt": "O contrato foi assinado em março, e o pagamento não vence antes do final de junho.",
    "it": "Il contratto è stato firmato a marzo, e il pagamento non è dovuto prima della fine.",
    "nl": "Het contract werd in maart getekend, en de betaling is niet voor het einde van juni.",
    "pl": "Umowa została podpisana w marcu, a płatność nie jest wymagana przed końcem czerwca.",
    "cs": "Smlouva byla podepsána v březnu a platba není splatná před koncem června.",
    "sv": "Avtalet skrevs under i mars, och betalningen är inte förfallen före slutet av juni.",
    "ro": "Contractul a fost semnat în martie, iar plata nu este datorată până la sfârșit.",
    "tr": "Sözleşme mart ayında imzalandı ve ödeme haziran sonuna kadar yapılacak değil.",
    "id": "Kontrak itu telah ditandatangani pada bulan Maret, dan pembayaran tidak jatuh tempo.",
    "vi": "Hợp đồng đã được ký vào tháng ba, và khoản thanh toán không đến hạn trước cuối tháng.",
    "sw": "Mkataba ulisainiwa mwezi wa Machi, na malipo ya kwanza ni kabla ya mwisho wa Juni.",
    "hi-Latn": "Yeh samjhauta March mein sign hua tha aur paise June ke end se pehle nahi milenge.",
    "ru-Latn": "Dogovor byl podpisan v marte, i platit nuzhno ne ranshe, chem eto budet gotovo.",
    "ar-Latn": "El 3a2d kan fel mars, bas el fulus mish lazem tidfa3 abl ma ykhallas kol shi.",
    "ru": "Договор был подписан в марте, и оплата не требуется до конца июня.",
    "el": "Η σύμβαση υπογράφηκε τον Μάρτιο και η πληρωμή δεν οφείλεται πριν από το τέλος.",
    "zh": "合同于三月签署，付款在六月底之前不到期。",
    "ja": "契約は三月に署名され、支払いは六月末まで期限になりません。",
    "ko": "계약은 3월에 서명되었으며 지불은 6월 말 이전에 만기가 되지 않습니다.",
    "th": "สัญญาลงนามในเดือนมีนาคม และการชำระเงินยังไม่ถึงกำหนดก่อนสิ้นเดือนมิถุนายน",
    "ar": "تم توقيع العقد في مارس، ولا يستحق الدفع قبل نهاية يونيو.",
    "hi": "अनुबंध पर मार्च में हस्ताक्षर किए गए थे, और भुगतान जून के अंत से पहले देय नहीं है।",
    "bo": "བོད་ཀྱི་སྐད་ཡིག་ནི་གལ་ཆེན་པོ་ཡིན།",
}

PASSES = [
    "",
    "12,345.67 | 89 %",
    "The tribunal at Geneva awarded $15,500,000 in gold; nobody objected.",
    "Björk, Łódź, São Paulo and Nguyễn Văn An were on the list of the year.",
    "The author of El Quijote was not there when Ludwig van Beethoven met the Duc de Guise.",
    "What is the population of Rio de Janeiro?",
    "Tokyo (東京, Tōkyō) is the capital of Japan, and the seat of its government since 1868.",
    "Let α and β be angles with α + β = π; then ℝ is not ℂ, and Σx = Ω.",
    "for i, el in enumerate(items):\n    total += el.value * weights[i]\n    yield el, total\n",
    '{"de": 1, "fr": 2, "en": [3, 4], "it": "The name of the key is not the language of it."}',
    "2024-05-01 06:11:09,123 ERROR [main] com.acme.Bill: retries=92 addr=10.0.0.1 code=E_PER",
    "kubectl get pod net-7f3a | NAME READY STATUS | service mesh law men net pod: 0/1 Pending",
    "Year | Sales per head | Come | Al | Total\n2018 | 1,957 | 3 | 4 | 5\n2019 | 2,957 | 3 | 4 | 5",
]


@pytest.mark.parametrize("code", OF)
def test_other_languages_are_told_from_english(code: str) -> None:
    assert language(OF[code])
    assert (language(OF[code]) == OTHER) == bool(other_letters(OF[code]))


@pytest.mark.parametrize("text", PASSES)
def test_names_numbers_and_code_do_not_make_a_text_foreign(text: str) -> None:
    assert language(text) == ""


def test_the_document_is_english_whatever_part_is_looked_at() -> None:
    for at in range(0, len(ENGLISH) - 500, 500):
        assert language(ENGLISH[at : at + 500]) == ""


@pytest.mark.parametrize("code", [code for code in OF if code not in ("hi-Latn", "bo")])
def test_a_text_that_is_half_english_is_not_english(code: str) -> None:
    half = OF[code] * 3
    assert language(half + "\n" + ENGLISH[: len(half)])


@pytest.mark.parametrize(
    ("latin", "alike"), [("aeopcxy", "аеорсху"), ("oiv", "οιν"), ("sijh", "ѕіјһ")]
)
def test_letters_that_look_like_latin_ones_make_no_other_language(latin: str, alike: str) -> None:
    text = ENGLISH[:2000].translate(str.maketrans(latin, alike))
    assert language(text) == ""
    assert language(OF["ru"]) == OTHER


def test_questions_have_a_language_too() -> None:
    asked = ("Wer hat den Vertrag wann unterzeichnet?", "Quand a-t-il été signé et par qui ?")
    for question in (*asked, "谁签了合同？", "Когда был подписан договор?"):
        assert language(question)
    for question in ("Who signed?", "What was awarded?", "price of ACME-22 in Łódź"):
        assert not language(question)


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    found = language(text)
    assert isinstance(found, str)
    if text.isascii():
        assert found != OTHER
        assert not other_letters(text)


@given(st.sampled_from(sorted(OF)), st.text(alphabet="0123456789.,:;()[]{}%$\n ", max_size=40))
def test_figures_and_marks_change_nothing(code: str, noise: str) -> None:
    assert language(noise + OF[code] + noise) == language(OF[code])
