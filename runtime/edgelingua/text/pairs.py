"""Values with their keys, flags, units and bounds: one without the other says something else."""

from __future__ import annotations

import re

from edgelingua.text.ranges import Spans, as_spans, merged

_KEY = r"[^\W\d][\w.\-]{0,39}"
_QUOTED = r"\"[^\"\n]{0,60}\"|'[^'\n]{0,60}'"
_VALUE = rf"(?:{_QUOTED}|[^\s,;|{{}}\[\]()\"']{{1,80}})"
_COLON = re.compile(
    # host: db7, port: 5432
    rf"(?:(?<=[,;|{{(\[]\s)|(?<=[,;|{{(\[])"
    rf"|(?m:^)[ \t]*(?:- )?)(?P<pair>\"?{_KEY}\"?:[ \t]+{_VALUE}"
    r"(?:[ \t][^\s,;|{}\[\]()\"':]{1,30}){0,2})(?=[ \t]*(?:[,;|}\])]|\.?\s*$))",
    re.MULTILINE,
)
_EQUALS = re.compile(rf"(?<![\w.])(?P<pair>{_KEY}[ \t]*(?:[:=!<>]=|[=<>])[ \t]*{_VALUE})")
_FLAG = re.compile(
    r"(?<![\w\-])(?P<pair>--[A-Za-z][\w\-]{0,39}[ =](?!-)[^\s;|&]{1,80}|-[A-Za-z] \d\S{0,20})"
)

_DIGITS = r"\d[\d.,'’]{0,20}(?:[ \u00a0\u202f]\d{3}(?!\d)){0,6}(?:[–-]\d[\d.,]{0,20})?"
_CURRENCY = (
    r"dollars?|euros?|pounds?|kroner|kronor|francs?|marks?|yen|yuan|rupees?|rubles?|roubles?|pesos?"
    r"|USD|EUR|GBP|CHF|SEK|NOK|DKK|JPY|CNY|INR|kr\.?|Euro|рублей|руб\.?|долларов"
)
_SCALE = (
    r"hundred|thousand|million|billion|trillion|mn|bn|Tausend|Millionen|Million|Milliarden|Mio\.?"
    r"|Mrd\.?|millions?|milliards?|mille|millones|mil|milioni|miliardi|milhões|miljoen|miljard"
    r"|тыс\.?|млн\.?|млрд\.?|dozen|lakh|crore"
)
_UNIT = (
    r"[kKMGTP]i?[Bb](?:it|ps|yte)?s?|bytes?|bits?|[munµ]?s|sec(?:ond)?s?|min(?:ute)?s?"
    r"|hours?|hrs?|h"
    r"|days?|weeks?|months?|years?|yrs?|Tagen?|Wochen?|Monaten?|Jahren?|Stunden?|Minuten?|Sekunden?"
    r"|jours?|semaines?|mois|ans?|heures?|minutes?|secondes?|días?|semanas?|meses|años?|horas?"
    r"|giorni|settimane|mesi|anni|ore|dagen|weken|maanden|jaar|uur|дн(?:я|ей)|лет|года?|час(?:а|ов)"
    r"|percent|per cent|Prozent|pour cent|por ciento|per cento|процентов"
    r"|[kcmµn]?m[²³23]?|km/h|mph|miles?|mi|feet|foot|ft|inch(?:es)?|yards?|acres?|ha|hectares?"
    r"|[kmµ]?g|mcg|kg|tonnes?|tons?|t|lbs?|oz|pounds?|[mcdµ]?[lL]|lit(?:er|re)s?|gal(?:lons?)?"
    r"|[kMGT]?Hz|[kM]?Wh?|[mk]?V|[mk]?A|mmol(?:/[lL])?|m?mol|IU|U|mmHg|bar|k?Pa|kcal|cal|°?[CFK]|px"
    r"|times|tablets?|units?|doses?|x"
)
_FIGURE = (
    rf"[$€£¥]?{_DIGITS}[ \u00a0\u202f-]?"
    rf"(?:(?:{_SCALE})(?:[ \u00a0\u202f](?:{_CURRENCY}))?|(?:{_CURRENCY})"
    rf"|(?:{_UNIT})(?:/\w{{1,6}}| (?:a|per) \w{{1,8}})?)(?!\w)"
)
_MEASURE = re.compile(rf"(?<![\w.]){_FIGURE}")
_NO_NOUN = (
    "of|in|on|at|to|by|for|from|with|and|or|but|as|than|that|which|who|whose|when|where|while|after"
    "|before|until|since|because|if|then|was|were|is|are|be|been|has|have|had|may|can|will|would"
    "|should|could|must|not|the|this|these|those|their|its|his|her|they|she|it|he|we|you|into|near"
    "|behind|under|over|through|during|between|against|and|und|oder|der|die|das|den|dem|im|am|bis"
    "|aus|mit|von|als|wurde|war|ist|sind|des|les|est|dans|pour|sur|que|qui|del|los|las|con|por|para"
    "|che|per|nel|het|een|van|met|voor|werd|naar"
)
_COUNTED = re.compile(
    # 44 passed, 3 apples: what a number counts; years count nothing.
    r"(?<![\w.,:/=\-#§])(?<!-\w )(?!(?:1[5-9]|20)\d\d\b)\d[\d.,]{0,12}[ \u00a0]"
    rf"(?!(?:{_NO_NOUN})\b)[a-zß-öø-ÿ]{{3,24}}(?![\w'’])"
)
_MONTH = (
    "January|February|March|April|May|June|July|August|September|October|November|December|Januar"
    "|Februar|März|Mai|Juni|Juli|Oktober|Dezember|janvier|février|mars|avril|mai|juin|juillet|août"
    "|septembre|octobre|novembre|décembre"
)
_DAY = re.compile(rf"(?<![\w.])\d{{1,2}}\.? (?:{_MONTH})\b(?:,? \d{{4}}\b)?")
_SPELLED = re.compile(
    # sixty (60) days
    r"(?<![\w\-])[a-z][a-z\-]{1,20} \(\d[\d.,]{0,12}\)"
    r"(?:[ \u00a0](?!(?:and|or)\b)[a-z]{3,20}(?!\w))?"
)
_BOUND = (
    r"up to|at least|at most|exactly|precisely|as many as|as much as|in excess of|no more than"
    r"|no less than|not more than|more than|less than|fewer than"
    r"|greater than|about|approximately|approx\.|around|roughly|nearly|almost|over|under"
    r"|above|below"
    r"|within|until|before|after|since|only|circa|ca\.|c\."
    r"|bis zu|mindestens|höchstens|maximal|etwa|ungefähr|rund|fast|knapp|über|unter|mehr als"
    r"|weniger als|vor|nach|seit|jusqu'à|au moins|au plus|environ|plus de|moins de|près de|avant"
    r"|après|depuis|hasta|al menos|como máximo|unos|unas|más de|menos de|cerca de|casi|antes de"
    r"|fino a|almeno|al massimo|più di|meno di|quasi|pelo menos|no máximo|até|mais de|minstens"
    r"|hoogstens|ongeveer|meer dan|minder dan|bijna|tot|до|не менее|не более|более|менее"
    r"|около|почти"
    r"|свыше|после|с|约|大约|至少|至多|最多|超过|不到|不超过|أكثر من|أقل من|حوالي|على الأقل|حتى"
)
_BOUNDED = re.compile(
    rf"(?<!\w)(?:(?:{_BOUND})[ \u00a0]?|[<>≤≥~≈±]=? ?)(?:[$€£¥] ?)?"
    r"\d[\d.,]{0,20}(?:[ \u00a0\u202f]?[%€$£°])?",
    re.IGNORECASE,
)
_ITEM = re.compile(
    # warfarin 20 mg, between marks: whose the figure is
    rf"(?:(?<=[,;:] )|(?<=[,;:\n]))(?P<pair>[^\W\d][\w\-]{{2,30}}"
    rf"(?:[ \u00a0][^\W\d][\w\-]{{2,30}})?[ \u00a0]{_FIGURE})"
)


def pairs(text: str) -> Spans:
    """Find what is one statement in two words or three.

    ``key: value`` between marks or in a line, ``key = value``, ``--flag value``, numbers with their
    unit (``2.4 million kroner``, ``82 ms``) or with what they count (``44 passed``), with what
    bounds them (``at least 30``), and in a list with whose they are (``warfarin 20 mg``).

    Returns
    -------
    ndarray
        int64 ``(n, 2)``: character ranges, ascending, not overlapping.

    Notes
    -----
    One pass for each kind; time grows with the length of the text.
    """
    if not _LIKELY.search(text):
        return as_spans([])
    found = [
        match.span("pair")
        for rule in (_COLON, _EQUALS, _FLAG, _ITEM)
        for match in rule.finditer(text)
    ]
    found += [
        match.span()
        for rule in (_MEASURE, _BOUNDED, _COUNTED, _SPELLED, _DAY)
        for match in rule.finditer(text)
    ]
    return as_spans(merged(found))


_LIKELY = re.compile(r"[\d:=<>]|--")
