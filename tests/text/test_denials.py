"""What denies is found with what it is about, in many languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgelingua.text.denials import denials


def whole(text: str) -> list[str]:
    return [text[a:b] for a, b in denials(text).whole.tolist()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("broke the pier, which has not been used since. Repairs cost 2.", ["not been used"]),
        ("The lorry left without a pass.", ["without a pass"]),
        ("Take 500 mg daily. Hold metformin and lisinopril.", ["Hold metformin"]),
        ("They hold metformin in stock.", []),
        ("Denmark, excluding its conflict-of-laws rules.", ["excluding its conflict-of-laws"]),
        ("Denies chest pain, denies hemoptysis.", ["Denies chest", "denies hemoptysis"]),
        ("The board refused to approve it.", ["refused to approve"]),
        ("Pneumonia was ruled out on Monday.", ["ruled out on Monday"]),
        ("It is no longer sold.", ["no longer sold"]),
        ("dont open the vault, and dont share it", ["dont open", "dont share"]),
        ("He did not, however, approve the plan.", ["not, however, approve"]),
        ("Der Antrag wurde abgelehnt.", ["wurde abgelehnt"]),
        ("Er hat das Haus nicht verkauft.", ["nicht verkauft"]),
        ("Il n'est pas venu.", ["n'est pas venu"]),
        ("L'accès est interdit aux mineurs.", ["interdit aux mineurs"]),
        ("Se prohíbe fumar aquí.", ["prohíbe fumar"]),
        ("È vietato fumare qui.", ["vietato fumare"]),
        ("É proibido fumar aqui.", ["proibido fumar"]),
        ("Здесь запрещено курить.", ["запрещено курить"]),
        ("ممنوع التدخين هنا.", ["ممنوع التدخين هنا"]),
        ("双方都不满意，禁止吸烟。", ["不满意", "禁止吸烟"]),
        ("第767号房屋不得出售。他没有签署文件。", ["不得出售", "没有签署"]),
        ("市长不会批准，他也不能参加，没去。", ["不会批准", "不能参加", "没去"]),
        ("Nothing of the sort happened on the 3rd.", ["Nothing of the sort"]),
        ("A knot is tied; another notice follows.", []),
        ("Vietnam in 1973, an exclusive Cessna, interdisciplinary suspense.", []),
        ("No fever, cough, or chills.", ["No fever"]),
        ("Loan approved: no. Contact: Ida Brandt.", ["approved: no"]),
        ("Is the bridge safe? No.", ["safe? No"]),
        ("The drug does not (so they say) cure cancer.", ["not (so they say) cure"]),
        ("Please hold metformin.", ["hold metformin"]),
        ("Patient denies: fever, chills.", ["denies: fever"]),
        ("Er lehnte den Antrag ab.", ["lehnte den Antrag ab"]),
        ("Er lehnte den Antrag des alten Vereins ab.", ["lehnte den Antrag", "Vereins ab"]),
        ("Visitors may not smoke.", ["may not smoke"]),
        ("If the pump stops, wait.", ["If the pump stops, wait"]),
        ("Do not restart until Cr < 100.", ["not restart", "until Cr < 100."]),
        ("All subcontractors other than Brightwater Data.", ["other than Brightwater Data"]),
        ("It ended with 1 failed, 44 passed, 1 skipped.", ["1 failed", "1 skipped"]),
        ("2 rejected, 9 sent; 3 stopped, 4 ran.", ["2 rejected", "3 stopped"]),
        (
            "In no event shall a party's debt exceed EUR 5.",
            ["no event shall a party's debt exceed"],
        ),
        ("It renews unless a Party objects in time.", ["unless a Party objects"]),
        ("It may grow if the tenant agrees to it.", ["if the tenant agrees"]),
        ("It took 12 ms, whereas the old one took 40.", ["whereas the old one took"]),
        ("If K is high, treat, otherwise continue.", ["If K is high", "otherwise continue"]),
        ("it cant open and wont start", ["cant open", "wont start"]),
    ],
)
def test_what_denies_and_what_it_is_about(text: str, expected: list[str]) -> None:
    assert whole(text) == expected


def test_a_row_of_negations_is_about_one_thing() -> None:
    text = "the password " + "not never no none nor nothing without unless " * 8
    found = denials(text)
    assert len(found.whole) == 1
    assert len(found.alone) == 62


@pytest.mark.parametrize("text", ["No.", "not; never", "(no)", ""])
def test_a_negation_that_is_about_nothing_stands_alone(text: str) -> None:
    assert not whole(text)


@given(st.text(alphabet="no t'n.,;: stop不fail 3\n", max_size=80) | st.text(max_size=80))
def test_ranges_of_any_text(text: str) -> None:
    found = denials(text)
    for spans in (found.whole, found.alone):
        flat = spans.ravel().tolist()
        assert flat == sorted(flat)
        assert all(0 <= a < b <= len(text) for a, b in spans.tolist())


@pytest.mark.parametrize(
    "text", ["not " * 50_000, "no, " * 50_000, "a" * 200_000, "stop\n" * 40_000]
)
def test_hostile_texts_end(text: str) -> None:
    denials(text)


def test_what_leaves_open() -> None:
    text = "On 5 May 2031 the pier may open. It was expected to cost 3; Ida allegedly paid."
    found = denials(text)
    opens = [text[a:b] for a, b in found.leave_open.tolist()]
    assert opens == ["may", "was expected to", "allegedly"]
    assert not len(found.whole)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("Patient denies: fever, chills. He walks.", "chills."),
        ("Do not give:\n- sulfa\n- NSAIDs\nGive water.", "- NSAIDs\n"),
    ],
)
def test_a_denial_covers_the_list_that_it_announces(text: str, last: str) -> None:
    first_end = denials(text).clauses[0]
    assert text[:first_end].rstrip(" ").endswith(last)
