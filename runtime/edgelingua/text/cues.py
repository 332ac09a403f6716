"""Words that deny and words that leave open, in many languages: what a clause must not lose."""

from __future__ import annotations

import re
from itertools import groupby

# Verbs and nouns that deny, stop, withhold, exclude, forbid, fail or doubt.
_DENY = {
    "English": r"den(?:y|ies|ied|ying|ial)|refus(?:e[sd]?|ing|al)|declin(?:e[sd]?|ing)"
    r"|withh(?:old|olds|eld|olding)|withdr(?:aw|aws|ew|awn|awing)|discontinu(?:e[sd]?|ing)"
    r"|stop(?:s|ped|ping)?|avoid(?:s|ed|ing)?|exclud(?:e[sd]?|ing)|exclusion|omit(?:s|ted|ting)?"
    r"|fail(?:s|ed|ing|ure)?|lack(?:s|ed|ing)?|absen(?:t|ce)|prevent(?:s|ed|ing)?"
    r"|prohibit(?:s|ed|ing)?|forb(?:id|ids|ade|idden|idding)|reject(?:s|ed|ing)?"
    r"|oppos(?:e[sd]?|ing)"
    r"|ban(?:s|ned)?|barred|ceas(?:e[sd]?|ing)|disput(?:e[sd]?|ing)|doubt(?:s|ed|ful|ing)?"
    r"|suspend(?:s|ed|ing)?|waiv(?:e[sd]?|ing)|neglect(?:s|ed)?|unable|unlikely|unwilling"
    r"|contraindicated|rule[sd]? out|ruling out|no longer|no more|instead of|rather than|free of"
    r"|negative for|far from|other than|apart from|d/c(?:'?d)?|halt(?:s|ed|ing)?"
    r"|cancel(?:s|l?ed|l?ing)?|revok(?:e[sd]?|ing)|paus(?:e[sd]?|ing)|skip(?:s|ped|ping)?"
    r"|interrupt(?:s|ed|ing)?|terminat(?:e[sd]?|ing)|quit(?:s|ting)?|on hold",
    "German": r"verweiger\w+|abgelehnt|ablehn\w*|lehnt\w*|ausgeschlossen|ausschließ\w+|verboten"
    r"|verbiete\w*|verbot|untersag\w+|fehl(?:t|en|te|ten)|abgesetzt|absetzen|vermeid\w+|vermied\w*"
    r"|bestreite\w*|bestritt\w*|bestritten|leugne\w*|gestoppt|stopp(?:t|te|ten|en)|unterlass\w*"
    r"|unterließ\w*|eingestellt|aufgehoben|gescheitert|scheiter\w+|bezweifel\w*|verneint\w*|kaum"
    r"|storniert\w*|widerruf\w*|zurückgewiesen|mangels|anstatt|statt|pausier\w*"
    r"|aussetz\w*|ausgesetzt\w*|weglass\w*|weggelassen",
    "French": r"refus\w+|ni(?:e|ent|é|ée|ait|er)|exclu(?:s|e|es|t|re|ant|ent)?|rejet\w+"
    r"|dout(?:e|é|er)"
    r"|interdi(?:t|ts|te|tes|re|sent)|cess(?:e|es|ent|é|er|ait)|manqu(?:e|es|ent|é|er|ait)|absence"
    r"|évit(?:e|es|ent|é|er|ez)|arrêt(?:e|es|é|és|ée|er|ez)|suspend\w*|échou\w+|hormis|excepté"
    r"|annul\w+|au lieu de|plutôt que|interromp\w*",
    "Spanish": r"nieg(?:a|an|o|ue)|neg(?:ó|aron|ado|aba)|rechaz\w+|prohíb\w+|prohib\w+|suspend\w+"
    r"|evit(?:a|an|ar|e|en|ó|ado)|falta|faltan|ausencia|fall(?:ó|aron)|descart\w+|dud(?:a|an|ó)"
    r"|dej(?:ó|aron|a|ar) de|carece\w*|salvo|excepto|cancel(?:ó|ado|ada)|en lugar de"
    r"|interrump\w+|deten(?:er|ga|gan)|detuv\w+|retir(?:ar|e|en|ó|ad[oa])|paus(?:ar|en|ó)",
    "Italian": r"neg(?:a|ano|ato|ò)|rifiut(?:a|ano|are|ato|ò|arono)|esclu(?:s[oaie]|de|dono|dere)"
    r"|viet(?:a|ano|are|at[oaie]|ò)|sospe(?:s[oaie]|nd\w*)|evit(?:are|i|ino|ato)|interrott[oaie]|manca(?:no|va)?|assenza"
    r"|priv[oaie]|fall(?:ì|ito|irono)|dubit\w+|smett\w+|smesso|annullat[oaie]|respint[oaie]"
    r"|tranne|eccetto|invece di",
    "Portuguese": r"neg(?:am|ou|aram)|recus\w+|proíb\w+|proib\w+|suspens[oa]s?|suspendeu|ausência"
    r"|exceto|falhou|falharam|descart\w+|duvid\w+|deix(?:ou|aram|ar) de|cancel(?:ou|ado|ada)"
    r"|rejeit\w+|em vez de",
    "Dutch": r"weiger\w+|geweigerd|ontken\w*|uitgesloten|gestopt|stopt(?:e|en)?"
    r"|vermijd\w*|ontbreekt"
    r"|ontbrak\w*|afwezig|afgewezen|verbo(?:d|den)|verbied\w*|faal\w*|gefaald|mislukt\w*|twijfel\w*"
    r"|geannuleerd|behalve|in plaats van|nauwelijks|pauzeer\w*|gepauzeerd|onderbre(?:ek|k)\w*"
    r"|onderbroken|staak\w*|staken|gestaakt",
    "Russian": r"отказ\w+|отрица\w+|исключ(?:ён|ен[аоы]?|ить|ает|ают|ая|ил[аи]?)|отверг\w*"
    r"|запре[щт]\w+|прекра[щт]\w+|избега\w+|отсутств\w+|отмен\w+|отклон\w+|приостан\w+|сомнева\w+"
    r"|провал\w+|воздерж\w+|вместо|прерв\w+|прерыва\w+",
    "Arabic": r"رفض\w*|يرفض\w*|ينفي|نفى|نفت|أنكر\w*|ينكر\w*|منع\w*|يمنع\w*|ممنوع\w*|يحظر|حظر\w*"
    r"|توقف\w*|أوقف\w*|تجنب\w*|باستثناء|فشل\w*|يفشل\w*|استبعد\w*|يشك\w*|ألغى|ألغت",
}
_DENY_UNSPACED = (
    "拒绝|拒絕|否认|否認|停止|禁止|避免|排除|缺乏|除外|取消|勿|失败|失敗|暂停|暫停|停用|停药|停藥"
    "|中止|怀疑|ไม่|ห้าม"
)

# What is said with them is not said to be so: possibilities, conditions, hearsay, plans.
_LEAVE_OPEN = {
    "English": r"might|(?:could|would) (?:have|be)|allegedly|alleged|reportedly|apparently"
    r"|supposedly|purportedly|possibly|perhaps|probably|presumably|suspected|rumou?red|maybe"
    r"|(?:(?:is|are|was|were|been) )?(?:expected|believed|thought|said|planned|scheduled"
    r"|supposed|intended|hoped) to",
    "German": r"könnten?|dürften?|angeblich\w*|mutmaßlich\w*|vermutlich|möglicherweise|vielleicht"
    r"|wahrscheinlich|soll(?:te|ten)?",
    "French": r"pourrai\w*|peut-être|prétendument|probablement|serait|seraient|aurait|auraient",
    "Spanish": r"podría\w*|quizás?|tal vez|presunt\w+|supuest\w+|probablemente",
    "Italian": r"potrebbe\w*|forse|presunt\w+|probabilmente|sarebbe\w*|avrebbe\w*",
    "Portuguese": r"poderia\w*|talvez|alegad\w+|supost\w+|provavelmente",
    "Dutch": r"zou(?:den)?|misschien|mogelijk|vermoedelijk|naar verluidt",
    "Russian": r"возможно|вероятно|якобы|может быть|предположительно|бы",
    "Arabic": r"ربما|قد|يزعم\w*",
}
# What holds on a condition, or did before, or of something else; with the word behind it.
_CONDITIONS = (
    r"if|until|otherwise|provided that|whereas|before that|until then|formerly|previously|used to"
    r"|unlike|in contrast to|compared (?:with|to)|wohingegen|zuvor|vorher|früher"
    r"|auparavant|autrefois"
    r"|wenn|sofern|andernfalls|indien|mits|totdat|sinon"
    r"|jusqu'à ce que|hasta que|altrimenti|если|пока|иначе|إذا|لو"
)
_OPEN_UNSPACED = "可能|或许|或許|也许|也許|如果|若|据称|據稱|恐怕"

# "Hold metformin" withholds it; who holds a share has one.
_HOLD = (
    r"(?:(?<![a-z,;] )|(?<=please )|(?<=and )|(?<=then ))hold(?:ing)?"
    r"|(?<=[,;] )hold(?! (?:an?|the|its?|his|her|their|my|your|our|th[ae]t|this|them|him|on|up)\b)"
    r"|(?:(?<=was )|(?<=were )|(?<=is )|(?<=are )|(?<=be )|(?<=been ))"
    r"held(?! (?:in|at|by|between|every|annually|up|back)\b)"
)
# "may" is a month before or behind a number.
_MAY = r"(?<!\d )(?-i:may)(?! \d)"
# The verb and its other part at the end: "lehnte den Antrag ab", "sloot het lek uit".
_SEPARATED = re.compile(
    r"(?<!\w)(lehn(?:e|t|te|en|ten)|sag(?:e|t|te|en|ten)|setz(?:e|t|te|en|ten)|wie?s(?:en)?"
    r"|weis(?:e|t|en)|brach(?:en)?|brech(?:e|en)|bricht|schloss(?:en)?|schließ(?:e|t|en)|hob(?:en)?"
    r"|heb(?:e|t|en)|stell(?:e|t|te|en|ten)|wees|wezen|wijs(?:t)?|wijzen|sloot|sloten|sluit(?:en)?"
    r"|zeg(?:t|de)?|zeggen|lass(?:e|en|t)?|lässt|ließ(?:en)?)\b[^.;:!?\n]{1,160}?\b(ab|zurück|aus"
    r"|auf|ein|weg|af|uit)"
    r"(?=\s*(?:[.,;:!?\n]|(?:und|en|oder|bis|wegen|vor|nach|wenn|sobald|solange|tot)\b|$))",
    re.IGNORECASE,
)


def _compiled(words: dict[str, str], *others: str) -> re.Pattern[str]:
    ways = _by_first_letter("|".join([*words.values(), *others]))
    return re.compile(rf"(?<!\w)(?:{ways})(?!\w)", re.IGNORECASE)


def _by_first_letter(pattern: str) -> str:
    """Return a pattern that matches the same, and tries its ways by their first letters.

    Few of some two hundred ways begin as a word does: one letter tells for all of them. Ways of one
    letter keep their order, and of two letters one matches at most; what begins otherwise stays
    where it is.
    """
    found: list[str] = []
    for lettered, run in groupby(_ways(pattern), lambda way: way[0].isalpha()):
        if not lettered:
            found += run
            continue
        tails: dict[str, list[str]] = {}
        for way in run:
            tails.setdefault(way[0], []).append(way[1:])
        found += [f"{letter}(?:{'|'.join(some)})" for letter, some in tails.items()]
    return "|".join(found)


def _ways(pattern: str) -> list[str]:
    """Cut a pattern at the bars that stand in no parentheses."""
    return re.findall(r"(?:[^()|\[]|\[[^\]]*\]|\((?:[^()]|\([^()]*\))*\))+", pattern)


DENYING = _compiled(_DENY, _HOLD)
"""Matches what denies beside `negations`, in languages with spaces."""

DENYING_UNSPACED = re.compile(_DENY_UNSPACED)
"""The same in languages without."""

OPEN = _compiled(_LEAVE_OPEN, _MAY)
"""Matches what leaves open whether something is so, in languages with spaces."""

CONDITION = re.compile(rf"(?<!\w)(?:{_CONDITIONS})(?!\w)", re.IGNORECASE)
"""Matches what begins a condition, or a contrast."""

OPEN_UNSPACED = re.compile(_OPEN_UNSPACED)
"""The same in languages without."""

SEPARATED = _SEPARATED
"""Matches German and Dutch verbs in two parts that deny; groups are the parts."""
