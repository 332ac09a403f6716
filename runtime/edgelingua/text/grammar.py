"""Small words that hold sentences together, in several languages, and English words in the past.

Closed classes: what is in none of them is a noun, a verb, an adjective, a name. The language of a
text is not detected; words that are something else in another of the languages are left out where
that would hurt (Dutch "met" is what somebody did in English).
"""

from __future__ import annotations

from enum import Enum, auto


class Class(Enum):
    """Classes of small words."""

    DETERMINER = auto()
    PREPOSITION = auto()
    PRONOUN = auto()
    AUXILIARY = auto()
    COORDINATOR = auto()
    SUBORDINATOR = auto()
    RELATIVE = auto()
    ADVERB = auto()


_WORDS = {
    Class.DETERMINER: "the a an this these those my your his her its our their some any each every "
    "another no both all "
    "der die das den dem des ein eine einen einem einer eines kein keine keinen seine ihre seinen "
    "le la les un une du ce cette ces ses leur leurs "
    "el los las una unos unas su sus esta este "
    "il lo gli i uno della del dei delle suo sua "
    "os uma umas seu sua de het een zijn haar",
    Class.PREPOSITION: "of in on at to from for with by into onto over under about after before "
    "between through during against among around near behind above below across along beyond "
    "inside outside within without upon via per toward towards as than like off out up down "
    "following including concerning regarding according "
    "von zu zum zur mit nach bei aus für über unter durch gegen um im am vom hinter neben vor "
    "à au aux dans par pour avec sur sous entre vers chez depuis derrière "
    "con por para sobre desde hasta hacia tras al "
    "di da con su per tra fra nel nella sul alla dietro "
    "em no na nos nas pelo pela ao com atrás "
    "van op voor naar uit door tegen bij achter "
    "в на с к у о от до для из по за под над при через между около",
    Class.PRONOUN: "i you he she it we they there me him us them himself herself itself themselves "
    "ich du er sie es wir ihr ihm ihn sich mich mir "
    "je tu il elle on nous vous ils elles se lui "
    "él ella ellos ellas yo nosotros egli lei loro ele ela eles hij zij ze wij hem hen "
    "он она они оно мы вы я ты его её их ему им",
    Class.AUXILIARY: "is are was were be been being am has have had having do does did will would "
    "can could shall should may might must isn't aren't wasn't weren't hasn't haven't hadn't "
    "don't doesn't didn't won't wouldn't can't couldn't cannot "
    "ist sind waren wird werden wurde wurden hat haben hatte hatten kann konnte muss soll "
    "est sont était étaient sera a ont avait avaient fut furent "
    "es eran fue fueron ha han había habían ser sido "
    "è sono erano fu furono hanno aveva avevano foi foram tem têm tinha tinham "
    "heeft hebben waren werd werden wordt worden zal zou был была было были будет",
    Class.COORDINATOR: "and or but nor und oder aber sondern et ou mais y e pero ma mas en maar и "
    "или но",
    Class.SUBORDINATOR: "while whereas because although though since until when where if unless "
    "whether how why weil obwohl während wenn bevor nachdem lorsque puisque quand parce cuando "
    "porque aunque donde quando perché mentre dove enquanto omdat terwijl wanneer toen когда "
    "потому если хотя пока",
    Class.RELATIVE: "which who whom whose that welche welcher welches dass que qui dont où quien "
    "che cui dat что который которая которое которые которого",
    Class.ADVERB: "not never also just only still again then now later soon once even already too "
    "so yet very more most less least often always together however therefore moreover first "
    "nicht nie auch noch dann pas jamais aussi puis no nunca también non mai anche não também niet "
    "nooit ook не никогда тоже",
}

CLASS = {word: kind for kind, words in reversed(_WORDS.items()) for word in words.split()}
"""What a word in small letters is, if it belongs to a closed class."""

_PAST = """
ate awoke bade beat became began bent bet bit bled blew bound bred broke brought built burst bought
came cast caught chose clung cost crept cut dealt drank drew drove dug fed fell felt fled flew
flung forbade forgot forgave fought found froze gave got grew ground went heard hid hit held hung
hurt kept knew knelt laid lay led leant leapt learnt left lent let lit lost made meant met mistook
mowed outdid overcame overtook paid proved put quit read rewrote rid rode rang rose ran said sang
sank sat saw set sewed shed shone shook shot shrank shut slept slid slung sold sought sent sowed
spat sped spelt spent spilt spoke spread sprang spun stank stood stole stole strode strove struck
stuck stung swam swept swore swung taught thought threw took told tore undertook understood upheld
withdrew withheld withstood woke won wore wove wound wrote
"""
_IRREGULAR = frozenset(_PAST.split())


def is_past(word: str) -> bool:
    """Whether an English word in small letters looks like what somebody did."""
    return word in _IRREGULAR or (len(word) > 4 and word.endswith("ed"))
