"""The large screen in a hall: what its panels show. Units and totals only, no person; plain where figures are small.

A rate is shown from ten cases on. Of fewer households the counts are shown, of fewer issues only that they are fewer
than ten: in a hall everybody reads along, and three issues of a village are three families.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from outreach.charts import Chart, Series
from outreach.models import Campaign, Unit
from reports import facts, maps, readings
from reports import figures as figures_by_place
from reports.indicators import COVERAGE, SOLUTION, Indicator, rate
from reports.maps import Map
from reports.scoring import Reading

# What is read from five metres: more lines would have to be smaller.
LINES = 20
TREND_DAYS = 14
ISSUE_COUNTS = ("raised", "solved", "explained", "not_due", "in_review", "overdue")
ISSUE_TONES = {"solved": "good", "overdue": "bad"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A large figure with what it is."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A unit in a list. `width` of its bar 0 … 100, "" for none."""

    rank: str
    name: str
    shown: str
    width: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the pictures the screen goes through; `key` names it from one refresh to the next."""

    key: str
    title: str
    figures: Sequence[Figure] = ()
    lines: Sequence[Line] = ()
    chart: Chart | None = None
    map: Map | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hall:
    """All panels of a campaign, and the moment they were counted."""

    campaign: Campaign
    panels: Sequence[Panel]
    counted_at: datetime | None


def default_campaign(district: Unit) -> Campaign | None:
    """The campaign a district's screen shows: the running one, else the latest."""
    found = Campaign.objects.filter(district=district).exclude(state=Campaign.State.DRAFT).select_related("district")
    return min(found, key=lambda campaign: campaign.state != Campaign.State.OPEN, default=None)


def build(campaign: Campaign, today: date) -> Hall:
    """Read everything the screen shows; a fixed number of queries."""
    units = list(Unit.objects.filter(code__startswith=campaign.district.code))
    units.sort(key=lambda unit: unit.kind != Unit.Kind.DISTRICT)
    district = units[0]
    found = readings.read(campaign, first=None, last=today, today=today)
    counts = readings.counts(campaign, first=None, last=today, today=today)
    taking_part = set(campaign.units.values_list("code", flat=True))
    townships = [
        unit
        for unit in units
        if unit.kind == Unit.Kind.TOWNSHIP and unit.is_active and maps.takes_part(unit, taking_part)
    ]
    days = readings.daily(campaign, [district.code], today - timedelta(days=TREND_DAYS - 1), today)[district.code]
    panels = [
        _headline(campaign, found[district.code], counts[district.code], days.get(today, {}), today),
        *_standing(COVERAGE, townships, found),
        *_standing(SOLUTION, townships, found),
        _issues(counts[district.code]),
        _trend(days, today),
    ]
    drawn = maps.build(campaign=campaign, units=units, scope=district, figure=COVERAGE.key, reader=None, today=today)
    if drawn.drawing is not None:  # tiles would only say again what the list says
        panels.append(Panel("map", _("%(indicator)s on the map") % {"indicator": COVERAGE.name}, map=drawn))
    return Hall(campaign, panels, facts.counted_at())


def _enough(reading: Reading) -> bool:
    return reading.denominator >= settings.RANKING_MIN_DENOMINATOR


def shown(indicator: Indicator, reading: Reading) -> tuple[str, str]:
    """How a rate is written for everybody to read, and its unit: as a rate, or plainly where the cases are few."""
    if not reading.denominator:
        return "—", ""
    if _enough(reading):
        return str(reading.value), "%"
    if indicator.key == COVERAGE.key:
        return f"{reading.numerator} / {reading.denominator}", _unit(indicator)
    return _fewer(), _unit(indicator)


def _unit(indicator: Indicator) -> str:
    """The word behind a count of the indicator's cases."""
    return (
        pgettext("behind a number", "households")
        if indicator.key == COVERAGE.key
        else pgettext("behind a number", "issues")
    )


def _fewer() -> str:
    return _("fewer than %(count)d") % {"count": settings.RANKING_MIN_DENOMINATOR}


def small(count: int) -> str:
    """A count of issues for everybody to read: nought and ten or more as they are."""
    return f"{count:,}" if count == 0 or count >= settings.RANKING_MIN_DENOMINATOR else _fewer()


def _headline(
    campaign: Campaign, found: Mapping[str, Reading], counts: Mapping[str, int], day: Mapping[str, int], today: date
) -> Panel:
    figures = []
    for indicator in (COVERAGE, SOLUTION):
        reading = found[indicator.key]
        value, unit = shown(indicator, reading)
        note = f"{reading.numerator:,} / {reading.denominator:,} {_unit(indicator)}" if _enough(reading) else ""
        figures.append(Figure(str(indicator.name), value, unit, note))
    length = (campaign.ends_on - campaign.starts_on).days + 1
    gone = min(max((today - campaign.starts_on).days + 1, 0), length)
    left = _("%(count)d days left") % {"count": length - gone}
    figures += [
        Figure(_("Time elapsed"), str(rate(gone, length)), "%", left),
        Figure(_("Visits today"), f"{day.get('visits', 0):,}"),
        Figure(_("Households not visited"), f"{counts['unvisited']:,}"),
        Figure(_("Overdue, open"), small(counts["overdue"]), tone="bad" if counts["overdue"] else ""),
    ]
    return Panel("headline", _("The district at a glance"), figures=figures)


def _standing(indicator: Indicator, units: Sequence[Unit], found: Mapping[str, Mapping[str, Reading]]) -> list[Panel]:
    """The units by a rate, twenty a panel. Where most have few cases nothing is ranked: the official order stands."""
    rows = [(unit, found[unit.code][indicator.key]) for unit in units]
    enough = [row for row in rows if _enough(row[1])]
    plain = len(enough) * 2 < len(rows)
    if plain:
        lines = [_line("", unit, reading, indicator) for unit, reading in rows]
        note = _("Too few cases to rank by: units stand in the official order.")
    else:
        # sort is stable: the official order stands inside a tie
        enough.sort(key=lambda row: row[1].value or Decimal(0), reverse=indicator.higher_is_better)
        ranks: list[int] = []
        for position, (_unit, reading) in enumerate(enough):
            tie = position > 0 and reading.value == enough[position - 1][1].value
            ranks.append(ranks[-1] if tie else position + 1)
        lines = [
            _line(str(rank), unit, reading, indicator) for rank, (unit, reading) in zip(ranks, enough, strict=True)
        ]
        lines += [_line("—", unit, reading, indicator) for unit, reading in rows if not _enough(reading)]
        note = ""
    title = _("%(indicator)s by township") % {"indicator": indicator.name}
    pages = [lines[at : at + LINES] for at in range(0, len(lines), LINES)] or [[]]
    return [Panel(f"{indicator.key}-{number}", title, lines=page, note=note) for number, page in enumerate(pages)]


def _line(rank: str, unit: Unit, reading: Reading, indicator: Indicator) -> Line:
    value, mark = shown(indicator, reading)
    space = "" if mark == "%" else " "
    return Line(rank, unit.name, f"{value}{space}{mark}".strip(), str(reading.value) if _enough(reading) else "")


def _issues(counts: Mapping[str, int]) -> Panel:
    labels: dict[str, str | Promise] = {key: figure.label for key, figure in figures_by_place.ISSUES.items()}
    figures = [
        Figure(str(labels[key]), small(counts[key]), tone=ISSUE_TONES.get(key, "") if counts[key] else "")
        for key in ISSUE_COUNTS
    ]
    return Panel("issues", _("Issues: where they stand"), figures=figures)


def _trend(days: Mapping[date, Mapping[str, int]], today: date) -> Panel:
    shown_days = [today - timedelta(days=back) for back in range(TREND_DAYS - 1, -1, -1)]
    chart = Chart(
        title=_("Visits a day, last %(count)d days") % {"count": TREND_DAYS},
        labels=[f"{day.month}-{day.day}" for day in shown_days],
        series=[Series(_("Number of visits"), [days.get(day, {}).get("visits", 0) for day in shown_days])],
        label_name=_("Day"),
    )
    return Panel("trend", str(chart.title), chart=chart)
