"""Sentences in nine languages that say what is not, did not happen, or was refused."""

from __future__ import annotations

import re
from random import Random

from benchmarks.faithfulness.cases import Case, Clause
from benchmarks.faithfulness.prose import Page
from benchmarks.faithfulness.vocabulary import PEOPLE, some

_SENTENCES = """
de: {p} hat den Brief {n} <nicht> [unterschrieben].
de: Der Rat <verweigerte> {p} die [Genehmigung] für Haus {n}.
de: Es gab <keine> [Einwände] gegen Punkt {n}.
de: Die Brücke {n} ist <nie> [fertig] geworden.
de: {p} hat am Nachmittag den Brief {n} vorgelesen.
fr: {p} n'a <pas> [signé] la lettre {n}.
fr: Le maire a <refusé> la [demande] {n} de {p}.
fr: {p} est venu <sans> [billet] au bureau {n}.
fr: <Aucun> [témoin] n'a vu la voiture {n}.
fr: {p} a lu la lettre {n} pendant la soirée.
es: {p} <no> [firmó] la carta {n}.
es: El alcalde <rechazó> la [petición] {n} de {p}.
es: {p} vino <sin> [permiso] a la sala {n}.
es: El tren {n} <nunca> [llegó] a la ciudad.
es: {p} leyó la carta {n} por la tarde.
it: {p} <non> [firmò] la lettera {n}.
it: Il sindaco <rifiutò> la [richiesta] {n} di {p}.
it: {p} venne <senza> [permesso] nella sala {n}.
it: <Nessun> [testimone] vide la macchina {n}.
it: {p} lesse la lettera {n} nel pomeriggio.
pt: {p} <não> [assinou] a carta {n}.
pt: O prefeito <recusou> o [pedido] {n} de {p}.
pt: {p} veio <sem> [bilhete] à sala {n}.
pt: O comboio {n} <nunca> [chegou] à cidade.
pt: {p} leu a carta {n} durante a tarde.
nl: {p} heeft brief {n} <niet> [ondertekend].
nl: De raad <weigerde> {p} de [vergunning] voor huis {n}.
nl: Er was <geen> [bezwaar] tegen punt {n}.
nl: Trein {n} is <nooit> [aangekomen] in de stad.
nl: {p} heeft brief {n} in de middag gelezen.
ru: {p} <не> [подписал] письмо {n}.
ru: {p} пришёл <без> [билета] в зал {n}.
ru: У жителей <нет> [возражений] против пункта {n}.
ru: Совет <отклонил> [просьбу] {n}, которую написал {p}.
ru: {p} днём прочитал письмо {n} в зале.
zh: {p}<没有>[签署]第{n}号文件。
zh: 市长<拒绝>[批准]{p}的第{n}号申请。
zh: 第{n}号房屋<不得>[出售]。
zh: {p}下午在会上宣读了第{n}号文件。
ar: <لم> [يوقع] {p} الرسالة {n}.
ar: <رفض> المجلس [طلب] {p} رقم {n}.
ar: جاء {p} <بدون> [تذكرة] إلى القاعة {n}.
ar: قرأ {p} الرسالة {n} بعد الظهر.
"""
"""What denies stands in <>, what is denied in []; those without are for company."""

_ASKED = {
    "de": "Was ist mit Nummer {}?",
    "fr": "Que dit-on du numéro {} ?",
    "es": "¿Qué se dice del número {}?",
    "it": "Che cosa si dice del numero {}?",
    "pt": "O que se diz do número {}?",
    "nl": "Wat is er met nummer {}?",
    "ru": "Что сказано о номере {}?",
    "zh": "第{}号怎么样？",
    "ar": "ماذا قيل عن رقم {}؟",
}


def languages(random: Random) -> Case:
    """A report in one of the languages; each sentence has a number of its own."""
    language = random.choice(list(_ASKED))
    known = [line[4:] for line in _SENTENCES.splitlines() if line.startswith(f"{language}: ")]
    forms = random.choices(known, k=random.randint(10, 16))
    numbers, page = random.sample(range(100, 999), len(forms)), Page()
    people = some(random, PEOPLE, len(forms))
    clauses: list[Clause] = []
    needed: list[tuple[str, ...]] = []
    for form, number, person in zip(forms, numbers, people, strict=True):
        spans = {}
        for piece in re.split(r"(<[^>]+>|\[[^]]+\])", form.format(p=person, n=number)):
            span = page.add(piece.strip("<>[]"))
            if piece[:1] in {"<", "["}:
                spans["negation" if piece[0] == "<" else "verb"] = span
        page.add("" if language == "zh" else " ")
        said = [page.text[slice(*span)] for span in spans.values()]
        needed.append((str(number), *said))
        if spans:
            clauses.append(Clause(len(clauses), spans))
    asked = random.randrange(len(forms))
    question = _ASKED[language].format(numbers[asked])
    facts = tuple(map(str, numbers[:3]))
    return Case("languages", page.text, question, needed[asked], facts, tuple(clauses))
