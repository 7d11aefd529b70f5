"""What is rare but must not look empty in the demo: clues about conduct."""

from __future__ import annotations

from issues import actions, clues
from outreach.models import Unit, User

CLUES = [
    (
        "V101",
        clues.Content(
            text="群众反映村里发放救助金时，有人说要先交一百元“手续费”才给办，已有三户交了钱。",
            about="某村经办人员",
            occurred="上月中旬，村委会",
            source="走访中听到",
        ),
        ("look",),
    ),
    (
        "C101",
        clues.Content(
            text="安置房选房时，有人请客吃饭后提前挑走了朝南的房子，其他住户意见很大。", about="安置办工作人员"
        ),
        (),
    ),
    (
        "H081",
        clues.Content(text="施工队反映，验收人员几次暗示要“意思意思”，不给就一直不签字。", occurred="今年九月，工地"),
        ("look", "conclude"),
    ),
]
NOTES = {"look": "已成立两人核查组，先查发放台账和签字。", "conclude": "核查属实，已对当事人批评教育并责令改正。"}


def add_clues(staff: dict[str, User]) -> None:
    """Hand in a few clues and let the discipline office take first steps on them."""
    district = Unit.objects.districts().get(code="439900")
    for number, content, steps in CLUES:
        clue = actions.report_clue(by=staff[number], district=district, content=content)
        for step in steps:
            clue = actions.step_clue(
                clue=clue, step=step, by=staff["J001"], version=clue.version, said={"note": NOTES[step]}
            )
