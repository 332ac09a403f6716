"""What is held, stopped or paused is not left over as if it were to be taken."""

from __future__ import annotations

import pytest

from edgelingua import Budget, Prompt, load_compressor
from edgelingua.compressors import Pruner
from edgelingua.errors import BudgetError
from edgelingua.text.boundaries import count_words

ENGLISH = "Start apixaban 5 mg daily and insulin 10 units. {0} until the kidneys recover. Go on."
PLAN = "Plan: start apixaban 5 mg daily, {0}, continue insulin 10 units, recheck potassium."
GERMAN = "Beginnen Sie Apixaban 5 mg täglich. {0} bis zur Erholung der Niere. Weiter Insulin."
FRENCH = "Commencer apixaban 5 mg par jour. {0} jusqu'à la récupération rénale. Continuer insuline."
SPANISH = "Iniciar apixaban 5 mg al día. {0} hasta la recuperación renal. Continuar insulina."
ITALIAN = "Iniziare apixaban 5 mg al giorno. {0} fino al recupero renale. Continuare insulina."
DUTCH = "Start apixaban 5 mg per dag. {0} tot herstel van de nieren. Ga door met insuline."
TOLD = [
    *[(ENGLISH, f"{verb} metformin", verb) for verb in ("Hold", "Pause", "Skip", "D/c", "Quit")],
    *[(PLAN, f"{verb} warfarin", verb) for verb in ("hold", "suspend", "withhold", "interrupt")],
    *[(ENGLISH, f"Heparin was {verb}", verb) for verb in ("held", "paused", "terminated")],
    (ENGLISH, "Clopidogrel is on hold", "on hold"),
    *[(GERMAN, f"{drug} {verb}", verb) for drug, verb in [
        ("Metformin", "absetzen"), ("Ramipril", "pausieren"), ("Digoxin", "aussetzen"),
        ("Heparin", "weglassen"),
    ]],
    (GERMAN, "Setzen Sie Lisinopril ab", "Setzen Sie"),
    *[(FRENCH, f"{verb} la metformine", verb) for verb in ("Suspendre", "Arrêter", "Interrompre")],
    *[(SPANISH, f"{verb} warfarina", verb) for verb in ("Suspender", "Interrumpir", "Retirar")],
    *[(ITALIAN, f"{verb} furosemide", verb) for verb in ("Sospenda", "Interrompere", "Evitare")],
    *[(DUTCH, f"{verb} digoxine", verb) for verb in ("Pauzeer", "Staak", "Onderbreek")],
]  # fmt: skip


@pytest.fixture(scope="module")
def mini() -> Pruner:
    return load_compressor()


@pytest.mark.parametrize(("text", "told", "verb"), TOLD)
def test_a_drug_stays_with_the_verb_that_withholds_it(
    mini: Pruner, text: str, told: str, verb: str
) -> None:
    drug = next(word for word in told.split() if len(word) > 5 and word not in verb)
    shown = 0
    for question in ("", f"What about {drug}?"):
        prompt = Prompt.build(text.format(told), question=question)
        for tokens in (6, 10, count_words(text.format(told)) - 1):
            budget = Budget(tokens=tokens + count_words(question), count=count_words)
            try:
                left = mini.compress(prompt, budget).segment_texts()[0]
            except BudgetError:
                continue
            shown += drug in left
            assert drug not in left or verb.split(maxsplit=1)[0] in left, left
    assert shown


@pytest.mark.parametrize(
    "text",
    [
        "The clerk did not say that nobody had never paid without a receipt in the summer.",
        "No driver has ever refused to stop without a reason before the gate of the harbour.",
        "Nobody refused to sign without reading the old note about the harbour in the summer.",
    ],
)
def test_denials_of_one_clause_stay_together(mini: Pruner, text: str) -> None:
    """Two of three that cancel each other would say the contrary."""
    denying = {"not", "nobody", "never", "without", "No", "refused", "stop", "Nobody"}
    all_of_it = [word for word in text.rstrip(".").split() if word in denying]
    for tokens in range(3, count_words(text)):
        left = mini.compress(Prompt.build(text), Budget(tokens=tokens, count=count_words)).text
        assert [word for word in left.rstrip(".").split() if word in denying] in ([], all_of_it)
