"""What a scheme judges units by, put together: counted readings, figures entered by hand, approved adjustments.

Trying a scheme and freezing scores both read this. A few queries whatever the number of units.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from outreach.models import Campaign, Unit
from reports import readings, survey_scores
from reports.indicators import HUNDREDTH
from reports.models import AdjustmentEntry, EnteredFigure
from reports.schemes import SchemeContent
from reports.scoring import Adjustment, Reading, UnitReadings

KINDS = (Unit.Kind.TOWNSHIP, Unit.Kind.VILLAGE, Unit.Kind.DEPARTMENT)


def gather(
    campaign: Campaign, content: SchemeContent, *, first: date | None, last: date, today: date
) -> list[UnitReadings]:
    """Return the readings of every unit the scheme judges, in official order, of the days `first` … `last`.

    `first` None: since the campaign began. `today`: what is overdue is overdue as of then. A unit takes part where the
    campaign names it, a unit above it or one below it (or names none); departments always do.
    """
    counted = readings.read(campaign, first=first, last=last, today=today)
    figures = _entered(campaign, first, last)
    adjustments = _adjustments(campaign, content, first, last)
    named = set(campaign.units.values_list("code", flat=True))
    units = list(
        Unit.objects.filter(code__startswith=campaign.district.code, kind__in=KINDS).order_by("sort_order", "code")
    )
    names = {unit.code: unit.name for unit in units}
    asked = survey_scores.read(campaign, first=first, last=last, units=units) if _asks_survey(content) else {}
    found = []
    for order, unit in enumerate(units, 1):
        group = content.group_of(unit.code, unit.kind)
        if group is None or not (unit.is_active and _takes_part(unit, named)):
            continue
        within = unit.township_code if group.within_township and unit.kind == Unit.Kind.VILLAGE else ""
        found.append(
            UnitReadings(
                code=unit.code,
                name=unit.name,
                order=order,
                group=group.key,
                readings={
                    **counted.get(unit.code, {}),
                    **({survey_scores.INDICATOR: asked[unit.code]} if unit.code in asked else {}),
                    **figures.get(unit.code, {}),
                },
                adjustments=tuple(adjustments.get(unit.code, ())),
                difficulty=content.difficulty_of(unit.code),
                within=within,
                within_name=names.get(within, ""),
            )
        )
    return found


def _asks_survey(content: SchemeContent) -> bool:
    return any(line.indicator == survey_scores.INDICATOR for line in content.lines)


def _takes_part(unit: Unit, named: set[str]) -> bool:
    if unit.kind == Unit.Kind.DEPARTMENT or not named:
        return True
    return any(unit.code.startswith(code) or code.startswith(unit.code) for code in named)


def _entered(campaign: Campaign, first: date | None, last: date) -> dict[str, dict[str, Reading]]:
    """Return unit code → indicator key → what was entered and approved for days within the period. Several figures of
    one indicator count together: rates by their cases, points by the number of checks behind each."""
    rows = EnteredFigure.objects.filter(campaign=campaign).approved().in_period(first, last)
    parts: dict[tuple[str, str], list[tuple[Decimal | None, Decimal, Decimal]]] = defaultdict(list)
    for code, key, numerator, denominator, value in rows.order_by("pk").values_list(
        "unit__code", "indicator_key", "numerator", "denominator", "value"
    ):
        parts[code, key].append((numerator, denominator, value))
    found: dict[str, dict[str, Reading]] = {}
    for (code, key), figures in parts.items():
        cases = sum((denominator for _numerator, denominator, _value in figures), Decimal(0))
        if all(numerator is not None for numerator, _denominator, _value in figures):
            total = sum((numerator or Decimal(0) for numerator, _denominator, _value in figures), Decimal(0))
            value = 100 * total / cases
        else:
            total = sum((each * denominator for _numerator, denominator, each in figures), Decimal(0))
            value = total / cases
        reading = Reading(total, cases, value.quantize(HUNDREDTH, ROUND_HALF_UP))
        found.setdefault(code, {})[key] = reading
    return found


def _adjustments(
    campaign: Campaign, content: SchemeContent, first: date | None, last: date
) -> dict[str, list[Adjustment]]:
    known = {item.key for item in content.items}
    rows = AdjustmentEntry.objects.filter(campaign=campaign).approved().in_period(first, last)
    found: dict[str, list[Adjustment]] = {}
    for row in rows.filter(item__in=known).select_related("unit").order_by("pk"):
        found.setdefault(row.unit.code, []).append(
            Adjustment(item=row.item, points=row.points, note=row.reason, id=row.pk, unfixed=row.unfixed)
        )
    return found
