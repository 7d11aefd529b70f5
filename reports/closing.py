"""The end of a day: every unit's figures are kept as they stood (DayClose)."""

from __future__ import annotations

from datetime import date
from typing import Any

from outreach.models import Campaign, Unit
from reports import facts, held
from reports.indicators import COUNTS, Facts
from reports.models import DayClose


def close_day(day: date) -> int:
    """Keep how each unit of each running campaign stands on `day`; return the number of rows. Run again, it keeps what
    is true by then: the last run of a day counts."""
    count = 0
    for campaign in Campaign.objects.open().select_related("district").order_by("pk"):
        rows = [
            DayClose(campaign=campaign, unit_id=unit_id, day=day, counts=counts_of(counted))
            for unit_id, counted in _counted(campaign, day)
        ]
        DayClose.objects.bulk_create(
            rows,
            batch_size=1000,
            update_conflicts=True,
            unique_fields=["campaign", "day", "unit"],
            update_fields=["counts"],
        )
        count += len(rows)
    return count


def _counted(campaign: Campaign, day: date) -> list[tuple[int, Facts]]:
    units = list(Unit.objects.filter(code__startswith=campaign.district.code))
    now = {**facts.read(campaign, units, day), **held.read(campaign, units, day)}
    return [(unit.pk, now[unit.code]) for unit in units if unit.code in now]


def counts_of(counted: Facts) -> dict[str, int]:
    """Return the counts as they are kept."""
    return {name: getattr(counted, name) for name in COUNTS}


def facts_of(counts: dict[str, Any]) -> Facts:
    """Return kept counts as Facts: a field they lack is 0, one that no longer exists is left out."""
    known: dict[str, Any] = {name: int(counts.get(name, 0)) for name in COUNTS}
    return Facts(**known)


def last_closes(campaign: Campaign, today: date, unit_ids: list[int]) -> list[tuple[date, dict[int, Facts]]]:
    """Return the last two days before `today` that were kept, the later first: day, unit id → figures."""
    days = list(
        DayClose.objects.filter(campaign=campaign, day__lt=today)
        .order_by("-day")
        .values_list("day", flat=True)
        .distinct()[:2]
    )
    found: dict[date, dict[int, Facts]] = {day: {} for day in days}
    rows = DayClose.objects.filter(campaign=campaign, day__in=days, unit__in=unit_ids)
    for unit_id, day, counts in rows.values_list("unit_id", "day", "counts"):
        found[day][unit_id] = facts_of(counts)
    return list(found.items())
