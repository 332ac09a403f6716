"""Notes in short sentences: of a ward, of a contract, and with a picture in base64 in it."""

from __future__ import annotations

import base64
from random import Random

from benchmarks.faithfulness.cases import Case, Clause
from benchmarks.faithfulness.prose import FILLERS, Page
from benchmarks.faithfulness.vocabulary import PEOPLE, PLACES, reference, some

DRUGS = ["metformin", "lisinopril", "warfarin", "ceftriaxone", "furosemide", "atorvastatin"]
DRUGS += ["amlodipine", "digoxin", "heparin", "prednisone", "apixaban", "ramipril"]
SIGNS = ["chest pain", "fever", "hemoptysis", "nausea", "orthopnea", "dizziness", "rash"]
_STOPS = ["Hold", "Stop", "Avoid", "Discontinue", "Do not give", "Withhold"]
_LACKS = ["Denies", "No", "Negative for", "Without"]


def _denied(page: Page, denial: str, between: str, denied: str) -> Clause:
    """Add what denies, which its "not" or first word stands for, and what is denied."""
    start, _ = page.add(denial)
    word = next((w for w in denial.split() if w in {"not", "no"}), denial.split(maxsplit=1)[0])
    at = start + f" {denial} ".index(f" {word} ")
    page.add(between)
    _, end = page.add(denied)
    last = len(denied.rsplit(maxsplit=1)[-1])
    return Clause(0, {"negation": (at, at + len(word)), "verb": (end - last, end)})


def ward(random: Random) -> Case:
    """A ward's note: what is given and in which dose, what is held, what there is and is not."""
    page = Page()
    clauses: list[Clause] = []
    drugs, signs = some(random, DRUGS, 9), some(random, SIGNS, 6)
    page.add(f"HPI: {random.randint(40, 90)} y/o with productive cough. ")
    for sign in signs[:3]:
        clauses.append(_denied(page, random.choice(_LACKS), " ", sign))
        page.add(". ")
    page.add(f"Reports {signs[3]} and {signs[4]}.\nMeds: ")
    doses = []
    for drug in drugs[:5]:
        dose = f"{random.choice([5, 10, 20, 25, 40, 250, 500])} mg"
        doses.append((drug, dose))
        page.add(f"{drug} {dose} {random.choice(['daily', 'BID', 'PRN'])}, ")
    page.add(f"insulin {random.randint(6, 40)} U.\nLabs: K {random.randint(31, 69) / 10}, ")
    page.add(f"WBC {random.randint(40, 199) / 10}, lactate {random.randint(8, 49) / 10}.\nPlan: ")
    page.add(f"Start {drugs[5]} 1 g daily. ")
    for drug in random.sample(drugs[:5], 2) + drugs[6:7]:
        clauses.append(_denied(page, random.choice(_STOPS), " ", drug))
        page.add(". ")
    page.add(f"Recheck K in {random.randint(2, 9)} h.\n")
    held = [page.text[slice(*clause.spans["verb"])] for clause in clauses[3:]]
    stops = [page.text[slice(*clause.spans["negation"])] for clause in clauses[3:]]
    drug, dose = random.choice(doses)
    asked = random.choice(
        [
            ("Which medicines must not be given?", (*held, *stops)),
            (f"What is the dose of {drug}?", (f"{drug} {dose}",)),
        ]
    )
    facts = (*held[:2], *stops[:2], f"{drug} {dose}")
    return Case("ward", page.text, *asked, facts, tuple(clauses))


def contract(random: Random) -> Case:
    """Clauses of a contract with exceptions, conditions and periods."""
    page = Page()
    clauses: list[Clause] = []
    amount = f"EUR {random.randint(100, 900)},000"
    days = random.sample(["thirty (30)", "sixty (60)", "ninety (90)", "fifteen (15)"], 3)
    land, firm = some(random, PLACES, 2)
    parts = [
        ("1.1 Liability. ", "In no event shall", " a party's debt ", "exceed", f" {amount}"),
        ("1.2 Cap. The cap in Section 1.1 ", "does not", " ", "apply", " to Confidentiality"),
        (
            "2.1 Term. It renews ",
            "unless",
            " a Party ",
            "objects",
            f" {days[0]} days before",
        ),
        ("2.2 A Party may terminate if one ", "fails to", " ", "pay", f" within {days[1]} days"),
        (f"3.1 Supplier has {days[2]} days, and may ", "not", " ", "retain", " a copy"),
        (f"4.1 This Agreement is governed by the laws of {land}, ", "excluding", " ", firm, ""),
        ("5.1 Customer may assign this Agreement, ", "except to a", " ", "competitor", ""),
    ]
    random.shuffle(parts)
    for before, denial, between, denied, after in parts:
        page.add(before)
        clauses.append(_denied(page, denial, between, denied))
        page.add(f"{after}.\n")
    asked = random.choice(
        [
            ("How long before the end must notice be given?", (f"{days[0]} days",)),
            ("What is the most that a party is liable for?", (amount, "no event")),
            ("Which law governs the agreement?", (land,)),
        ]
    )
    return Case("contract", page.text, *asked, (amount, f"{days[0]} days", land), tuple(clauses))


def blob(random: Random) -> Case:
    """Sentences around a picture in base64: codes, serial numbers, and who knows."""
    serial, code, old = reference(random), random.randint(1000, 9999), random.randint(1000, 9999)
    who, place = random.choice(PEOPLE), random.choice(PLACES)
    picture = base64.b64encode(random.randbytes(random.randint(500, 900))).decode()
    text = (
        f"The scanner at {place} reads badges at the east gate only. {random.choice(FILLERS)} "
        f"On 12 May the reader with serial {serial} began to send its picture with each event:\n"
        f"data:image/png;base64,{picture}\nAfter an update it no longer sends pictures. The gate "
        f"code was changed from {old} to {code} on the same day. Nobody but the caretaker, {who}, "
        f"has the new code. {random.choice(FILLERS)}\n"
    )
    asked = random.choice(
        [
            ("What is the new gate code?", (f"to {code}",)),
            ("What is the serial of the reader?", (serial,)),
            ("Who has the new code?", (who,)),
        ]
    )
    return Case("blob", text, *asked, (serial, str(code), who))
