"""What units come to in a period: each indicator of each unit, its plain counts, the rows behind it, day by day.

Schemes, snapshots, boards and bulletins read this and nothing below it. A few queries whatever the size: the rollups
are read once, and every unit's sum is made from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import QuerySet

from outreach.models import Campaign, Unit
from reports import facts, figures
from reports.indicators import INDICATORS, Facts, rate
from reports.models import DayCount
from reports.scoring import Reading


def read(campaign: Campaign, *, first: date | None, last: date, today: date) -> dict[str, dict[str, Reading]]:
    """Return unit code → indicator key → its reading in the days `first` … `last` (None: since the campaign began).

    Of every unit of the district, those without any rows included. `today`: what is overdue is overdue as of then.
    """
    return {
        code: {
            key: Reading(
                numerator=indicator.numerator(counted),
                denominator=indicator.denominator(counted),
                value=rate(indicator.numerator(counted), indicator.denominator(counted)),
            )
            for key, indicator in INDICATORS.items()
        }
        for code, counted in _facts(campaign, first=first, last=last, today=today).items()
    }


def counts(campaign: Campaign, *, first: date | None, last: date, today: date) -> dict[str, dict[str, int]]:
    """Return unit code → figure (to_visit, covered, met, raised, solved, overdue, …) → how many; see `read`."""
    table = figures.HOUSEHOLDS | figures.ISSUES
    return {
        code: {key: figure.count(counted) for key, figure in table.items()}
        for code, counted in _facts(campaign, first=first, last=last, today=today).items()
    }


def _facts(campaign: Campaign, *, first: date | None, last: date, today: date) -> dict[str, Facts]:
    units = list(Unit.objects.filter(code__startswith=campaign.district.code))
    found = facts.read(campaign, units, today, first=first, last=last)
    return {unit.code: found.get(unit.code, Facts()) for unit in units}


# indicator → part → the figure whose rows it counts; "missed" are those of the denominator that are not numerator
PARTS = {
    "coverage": {"numerator": "covered", "denominator": "to_visit", "missed": "unvisited"},
    "met": {"numerator": "met", "denominator": "covered", "missed": "not_met"},
    "solution": {"numerator": "solved", "denominator": "judged", "missed": "unsolved"},
}


def rows(
    indicator_key: str, part: str, *, campaign: Campaign, unit: Unit, first: date | None, last: date, today: date
) -> QuerySet[Any]:
    """Return the rows behind an indicator's "numerator", "denominator" or "missed": duties or issues.

    Whoever asks: narrow by visible_to before showing. Raises KeyError for an unknown indicator or part.
    """
    key = PARTS[indicator_key][part]
    if key in figures.HOUSEHOLDS:
        return figures.household_rows(campaign, unit, figures.HOUSEHOLDS[key], today, first=first, last=last)
    return figures.issue_rows(campaign, unit, figures.ISSUES[key], today, first=first, last=last)


def daily(campaign: Campaign, codes: Iterable[str], first: date, last: date) -> dict[str, dict[date, dict[str, int]]]:
    """Return unit code → day → column → count, of the days from `first` to `last` on which anything happened there or
    in a unit below: for charts. A column is a day's own count (covered, visits, issues_raised …), never a sum up to it.
    """
    wanted = set(codes)
    units = Unit.objects.filter(code__startswith=campaign.district.code).values_list("pk", "code")
    above = {pk: facts.levels(code) & wanted for pk, code in units}
    found: dict[str, dict[date, dict[str, int]]] = {code: {} for code in wanted}
    rows = DayCount.objects.filter(
        campaign=campaign, day__range=(first, last), unit__in=[pk for pk in above if above[pk]]
    )
    for unit_id, day, *values in rows.values_list("unit_id", "day", *facts.DAY_COLUMNS).order_by("day"):
        for code in above[unit_id]:
            total = found[code].setdefault(day, dict.fromkeys(facts.DAY_COLUMNS, 0))
            for column, value in zip(facts.DAY_COLUMNS, values, strict=True):
                total[column] += value
    return found
