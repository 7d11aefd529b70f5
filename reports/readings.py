"""What units come to in a period: each indicator of each unit, its plain counts, the rows behind it, day by day.

Schemes, snapshots, boards and bulletins read this and nothing below it. A few queries whatever the size: the rollups
are read once, and every unit's sum is made from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from issues.models import Issue
from outreach.models import Campaign, Unit
from reports import cases, facts, figures
from reports.indicators import INDICATORS, Basis, Facts, Indicator, rate
from reports.models import DayCount
from reports.scoring import Reading
from visits.models import Assignment

COUNTED = {key: indicator for key, indicator in INDICATORS.items() if indicator.kind == "counted"}
# indicator → part ("numerator", "denominator", "missed": what fell short) → the figures whose rows it counts
PARTS = {key: indicator.rows for key, indicator in COUNTED.items()}


def read(campaign: Campaign, *, first: date | None, last: date, today: date) -> dict[str, dict[str, Reading]]:
    """Return unit code → indicator key → its reading in the days `first` … `last` (None: since the campaign began).

    Of every unit of the district, those without any rows included; of each the indicators that apply to its kind, but
    for those entered by hand (gathering.py adds them). `today`: what is overdue is overdue as of then.
    """
    found = {}
    for unit, counted in facts_of(campaign, first=first, last=last, today=today).items():
        found[unit.code] = {
            key: reading_of(indicator, counted)
            for key, indicator in COUNTED.items()
            if unit.kind in indicator.applies_to
        }
    return found


def reading_of(indicator: Indicator, counted: Facts) -> Reading:
    """Return what `indicator` comes to for a unit's facts."""
    numerator, denominator = indicator.numerator(counted), indicator.denominator(counted)
    return Reading(numerator=numerator, denominator=denominator, value=rate(numerator, denominator))


def counts(campaign: Campaign, *, first: date | None, last: date, today: date) -> dict[str, dict[str, int]]:
    """Return unit code → figure → how many; see `read`. Figures: those of the ranking (to_visit, covered, met, raised,
    solved, overdue, …), each sum of cases by holder ("held_received", "held_done", "held_overdue", …) and by place
    ("place_finished", …)."""
    table = figures.HOUSEHOLDS | figures.ISSUES
    return {
        unit.code: {
            **{key: figure.count(counted) for key, figure in table.items()},
            **{f"held_{key}": counted.by_holder.get(key, 0) for key in cases.SUMS},
            **{f"place_{key}": counted.by_place.get(key, 0) for key in cases.SUMS},
        }
        for unit, counted in facts_of(campaign, first=first, last=last, today=today).items()
    }


def facts_of(campaign: Campaign, *, first: date | None, last: date | None, today: date) -> dict[Unit, Facts]:
    """Return everything counted, of every unit of the district, in official order; see `read`. Four queries, five for a
    period."""
    units = list(Unit.objects.filter(code__startswith=campaign.district.code))
    found = facts.read(campaign, units, today, first=first, last=last)
    sums = facts.read_cases(campaign, units, today, first=first, last=last)
    by_place, by_holder = sums[cases.Side.PLACE], sums[cases.Side.HOLDER]
    return {
        unit: replace(
            found.get(unit.code, Facts()),
            by_place=by_place.get(unit.code, {}),
            by_holder=by_holder.get(unit.code, {}),
        )
        for unit in units
    }


def rows(
    indicator_key: str,
    part: str,
    *,
    campaign: Campaign,
    unit: Unit,
    first: date | None,
    last: date | None,
    today: date,
) -> QuerySet[Any]:
    """Return the rows behind an indicator's "numerator", "denominator" or "missed": duties or issues.

    An issue of which several cases count (asked about twice, sent twice) is one row. Whoever asks: narrow by visible_to
    before showing. Raises KeyError for an unknown indicator or part.
    """
    indicator = COUNTED[indicator_key]
    keys = {str(name): keys for name, keys in indicator.rows.items()}[part]
    if indicator.basis == Basis.HOUSEHOLDS:
        period = figures.Period(today, first, last)
        found = Q(pk__in=[])
        for key in keys:
            found |= figures.HOUSEHOLDS[key].rows(period)
        inside = Q(campaign=campaign, household__village__code__startswith=unit.code)
        return Assignment.objects.filter(inside & found)
    side = cases.Side.PLACE if indicator.basis == Basis.PLACE else cases.Side.HOLDER
    units = list(Unit.objects.filter(code__startswith=unit.code).values_list("pk", flat=True))
    sums = [cases.sum_of(key) for key in keys]
    return Issue.objects.filter(
        cases.rows(sums, side, campaign=campaign, units=units, first=first, last=last, today=today)
    )


def daily(campaign: Campaign, codes: Iterable[str], first: date, last: date) -> dict[str, dict[date, dict[str, int]]]:
    """Return unit code → day → column → count, of the days from `first` to `last` on which anything happened there or
    in a unit below: for charts. A column is a day's own count (covered, visits, issues_raised …), never a sum up to it.
    """
    wanted = set(codes)
    units = Unit.objects.filter(code__startswith=campaign.district.code).values_list("pk", "code")
    above = {pk: facts.levels(code) & wanted for pk, code in units}
    found: dict[str, dict[date, dict[str, int]]] = {code: {} for code in wanted}
    below = [pk for pk, covering in above.items() if covering]
    rows = DayCount.objects.filter(campaign=campaign, day__range=(first, last), unit__in=below)
    for unit_id, day, *values in rows.values_list("unit_id", "day", *facts.DAY_COLUMNS).order_by("day"):
        for code in above[unit_id]:
            total = found[code].setdefault(day, dict.fromkeys(facts.DAY_COLUMNS, 0))
            for column, value in zip(facts.DAY_COLUMNS, values, strict=True):
                total[column] += value
    return found
