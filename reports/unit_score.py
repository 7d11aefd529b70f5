"""What a unit reads of its last published score: rank, movement, and the lines that cost it the most marks."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from outreach.models import Campaign, Unit, User
from reports.models import Snapshot
from reports.scoring import GroupScore, LineScore, UnitScore

LINES_SHOWN = 3


@dataclass(frozen=True)
class Lost:
    """A line and the marks it cost."""

    line: LineScore
    marks: Decimal
    number: int = 0  # the line's place on the score's page, from 1


@dataclass(frozen=True)
class ScoreCard:
    """A unit in a published snapshot."""

    snapshot: Snapshot
    score: UnitScore
    of: int  # units ranked beside it
    moved: int | None  # ranks gained since the published snapshot before; None: no base
    lost: list[Lost]


def score_card(campaign: Campaign, user: User, unit: Unit) -> ScoreCard | None:
    """Return the unit's last published score, or None where it has none. One query."""
    published = list(Snapshot.objects.visible_to(user).published().filter(campaign=campaign)[:2])
    if not published:
        return None
    snapshot, *earlier = published
    group = snapshot.group_of(unit.code)
    score = _score_in(group, unit)
    if group is None or score is None:
        return None
    moved = None
    if earlier and earlier[0].scheme_id == snapshot.scheme_id:
        before = _score_in(earlier[0].group_of(unit.code), unit)
        if before and before.rank is not None and score.rank is not None:
            moved = before.rank - score.rank
    ranked = sum(each.rank is not None for each in group.units)
    return ScoreCard(snapshot=snapshot, score=score, of=ranked, moved=moved, lost=lost_marks(score))


def _score_in(group: GroupScore | None, unit: Unit) -> UnitScore | None:
    return None if group is None else next((each for each in group.units if each.code == unit.code), None)


def lost_marks(score: UnitScore) -> list[Lost]:
    """The lines that cost the most: what their full marks lack, and deductions; the dearest first."""
    lost = []
    for number, line in enumerate(score.lines, 1):
        if line.marks is None:
            continue
        missing = line.effective_weight - line.marks if line.kind == "line" else -line.marks
        if missing > 0:
            lost.append(Lost(line, missing, number))
    return sorted(lost, key=lambda each: -each.marks)[:LINES_SHOWN]
