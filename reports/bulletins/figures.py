"""The figures of a bulletin, read from the frozen snapshot and nowhere else: nothing is counted here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from outreach.models import Unit
from reports.bulletins.content import Edition, Group, Line, rate
from reports.models import Snapshot
from reports.scoring import GroupScore, Reading, UnitScore

# The readings a bulletin takes from the snapshot: a department's is by what it held, a place's by what arose there.
CONTENT, CONTENT_OF_PLACE = "content", "place_content"
RATES = (CONTENT, CONTENT_OF_PLACE)
HELD_JUDGED = ("held_ended_solved", "held_ended_explained", "held_ended_not_accepted", "held_overdue")
VILLAGE_DIGITS = 12


def edition_of(snapshot: Snapshot, before: Snapshot | None) -> Edition:
    """Return what a bulletin on `snapshot` shows, compared with `before`. Villages are left to their townships' own
    bulletins: a district's paper names townships and departments."""
    groups = judged(snapshot)
    ranks = {unit.code: unit.rank for group in judged(before) for unit in group.units} if before else {}
    readings = readings_of(snapshot)
    starts_on = date.fromisoformat(snapshot.inputs["campaign"]["starts_on"])
    district = snapshot.campaign.district
    return Edition(
        district=district.name,
        campaign=snapshot.inputs["campaign"]["name"],
        first=None if snapshot.first <= starts_on else snapshot.first,
        last=snapshot.last,
        groups=tuple(
            Group(group.name, tuple(line_of(unit, snapshot, readings, ranks) for unit in group.units))
            for group in groups
        ),
        total=total_of(snapshot, district),
        before=total_of(before, district) if before else None,
        before_last=before.last if before else None,
    )


def judged(snapshot: Snapshot) -> list[GroupScore]:
    """The rankings of townships and departments; where a scheme ranks villages alone, those."""
    raw = snapshot.result["groups"]
    chosen = [group for group in raw if not any(is_village(unit["code"]) for unit in group["units"])]
    return [GroupScore.from_json(group) for group in chosen or raw if group["units"]]


def is_village(code: str) -> bool:
    """A village's code is its township's and three digits more."""
    return len(code) == VILLAGE_DIGITS and "D" not in code


def readings_of(snapshot: Snapshot) -> dict[str, dict[str, Reading]]:
    """Unit code → indicator → reading, of the units that are shown."""
    shown = {unit.code for group in judged(snapshot) for unit in group.units}
    return {
        unit["code"]: {key: Reading.from_json(unit["readings"][key]) for key in RATES if key in unit["readings"]}
        for unit in snapshot.inputs["units"]
        if unit["code"] in shown
    }


def line_of(
    unit: UnitScore,
    snapshot: Snapshot,
    readings: Mapping[str, Mapping[str, Reading]],
    ranks: Mapping[str, int | None],
) -> Line:
    """Return a unit's row."""
    was = ranks.get(unit.code)
    # what its villages hold is the township's to answer for; a department's code begins no other unit's
    numbers = tuple(n for code, held in sorted(snapshot.overdue.items()) if code.startswith(unit.code) for n in held)
    counted = counts_of(snapshot.counts.get(unit.code, {}), has_households="D" not in unit.code)
    if (reading := content_of(unit.code, readings)) is not None:
        counted["content"] = reading.value
    return Line(
        code=unit.code,
        name=unit.name,
        rank=unit.rank,
        score=unit.total,
        moved=was - unit.rank if was is not None and unit.rank is not None else None,
        was=was,
        overdue=overdue_of(unit.code, snapshot),
        held_overdue=len(numbers),
        overdue_numbers=numbers,
        **counted,
    )


def overdue_of(code: str, snapshot: Snapshot) -> int:
    """Return a unit's open issues past their due day: a department's those it holds, a place's those that arose there,
    as the ranking and the solution rate count them."""
    if "D" in code:
        return sum(len(held) for holder, held in snapshot.overdue.items() if holder.startswith(code))
    here: Mapping[str, int] | None = snapshot.inputs.get("overdue_here")
    if here is None:  # frozen before that was kept
        return snapshot.counts.get(code, {}).get("overdue", 0)
    return sum(count for place, count in here.items() if place.startswith(code))


def content_of(code: str, readings: Mapping[str, Mapping[str, Reading]]) -> Reading | None:
    """Return the call-backs' content rate of a unit, where the snapshot has one."""
    found = readings.get(code, {})
    return found.get(CONTENT) if "D" in code else found.get(CONTENT_OF_PLACE) or found.get(CONTENT)


def counts_of(counts: Mapping[str, int], *, has_households: bool) -> dict[str, Any]:
    """Return the counts and rates of a row. A department has no households of its own: dashes, not zeros;
    its issues are those it was sent, a place's those that arose there."""
    if has_households:
        raised, solved, judged = (counts.get(key, 0) for key in ("raised", "solved", "judged"))
    else:
        raised, solved = counts.get("held_received", 0), counts.get("held_ended_solved", 0)
        judged = sum(counts.get(key, 0) for key in HELD_JUDGED)
    found: dict[str, Any] = {"raised": raised, "solved": solved, "solution": rate(solved, judged)}
    if has_households:
        to_visit, covered = counts.get("to_visit", 0), counts.get("covered", 0)
        found |= {"to_visit": to_visit, "covered": covered, "coverage": rate(covered, to_visit)}
    return found


def total_of(snapshot: Snapshot, district: Unit) -> Line:
    """Return the district's own figures."""
    readings = readings_of(snapshot)
    return Line(
        code=district.code,
        name=district.name,
        content=together(
            reading for code in readings if "D" not in code and (reading := content_of(code, readings)) is not None
        ),
        overdue=overdue_of(district.code, snapshot),
        **counts_of(snapshot.counts.get(district.code, {}), has_households=True),
    )


def together(readings: Iterable[Reading]) -> Decimal | None:
    """Return the rate of several units as one; None where none has a base."""
    known = list(readings)
    numerator = sum((Decimal(each.numerator) for each in known), Decimal(0))
    denominator = sum((Decimal(each.denominator) for each in known), Decimal(0))
    return (numerator * 100 / denominator).quantize(Decimal("0.01")) if denominator else None
