"""The charts of the boards: how the last weeks went."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _

from outreach.charts import Chart, Series
from outreach.models import Unit
from reports.closing import facts_of
from reports.indicators import SOLUTION, Facts, rate
from reports.models import DayClose, DayCount
from reports.standing import Elapsed, Standing

DAYS = 28
WEEKS = 6


def trends(standing: Standing, units: list[Unit]) -> list[Chart]:
    """Coverage against the time passed, issues week by week, and the solution rate day by day, of `units` together.
    Two queries. Departments have no coverage."""
    places = [unit for unit in units if unit.kind != Unit.Kind.DEPARTMENT]
    charts = []
    if places:
        by_day = _by_day(standing, places)
        charts += [_coverage(standing, places, by_day), _issues(standing, by_day)]
    charts.append(_solution(standing, units))
    return [chart for chart in charts if not chart.is_empty]


def _days(standing: Standing) -> list[date]:
    """The last days of the campaign up to today, at most DAYS."""
    last = min(standing.today, standing.campaign.ends_on)
    first = max(standing.campaign.starts_on, last - timedelta(days=DAYS - 1))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _by_day(standing: Standing, places: list[Unit]) -> dict[date, tuple[int, int, int]]:
    """Day → households newly covered, issues raised, issues solved (by the day they were reported done)."""
    codes = [unit.code for unit in places]
    inside = [unit.pk for unit in standing.units if any(unit.code.startswith(code) for code in codes)]
    rows = (
        DayCount.objects.filter(campaign=standing.campaign, unit__in=inside, day__lte=standing.today)
        .order_by()
        .values_list("day")
        .annotate(Sum("covered"), Sum("issues_raised"), Sum("issues_solved"))
    )
    return {day: (covered, raised, solved) for day, covered, raised, solved in rows}


def _coverage(standing: Standing, places: list[Unit], by_day: dict[date, tuple[int, int, int]]) -> Chart:
    days = _days(standing)
    to_visit = standing.of(places).to_visit
    covered = [sum(counts[0] for day, counts in by_day.items() if day <= last) for last in days]
    return Chart(
        title=_("Coverage rate against the time passed"),
        labels=[_label(day) for day in days],
        series=[
            Series(_("Coverage rate"), [rate(count, to_visit) for count in covered], tone="accent"),
            Series(_("Time passed"), [Elapsed.of(standing.campaign, day).percent for day in days], tone="neutral"),
        ],
        kind="line",
        unit="%",
        label_name=_("Day"),
        note=_("Of the households to visit as of today."),
    )


def _issues(standing: Standing, by_day: dict[date, tuple[int, int, int]]) -> Chart:
    monday = standing.today - timedelta(days=standing.today.weekday())
    weeks = [monday - timedelta(weeks=n) for n in reversed(range(WEEKS))]
    weeks = [week for week in weeks if week + timedelta(days=6) >= standing.campaign.starts_on]

    def total(week: date, position: int) -> int:
        return sum(counts[position] for day, counts in by_day.items() if week <= day < week + timedelta(days=7))

    return Chart(
        title=_("Issues week by week"),
        labels=[_("week of %(day)s") % {"day": _label(week)} for week in weeks],
        series=[
            Series(_("Raised"), [total(week, 1) for week in weeks], tone="accent"),
            Series(_("Solved"), [total(week, 2) for week in weeks], tone="good"),
        ],
        label_name=_("Week"),
        note=_("Solved issues stand in the week they were reported done."),
    )


def _solution(standing: Standing, units: list[Unit]) -> Chart:
    """As it was shown at the end of each day; today as it stands."""
    days = _days(standing)[:-1]
    pks = [unit.pk for unit in units]
    kept: dict[date, list[Facts]] = {}
    rows = DayClose.objects.filter(campaign=standing.campaign, unit__in=pks, day__in=days)
    for day, counts in rows.values_list("day", "counts"):
        kept.setdefault(day, []).append(facts_of(counts))
    sums = [sum(kept.get(day, []), Facts()) for day in days]
    values: list[Decimal | None] = [rate(SOLUTION.numerator(each), SOLUTION.denominator(each)) for each in sums]
    return Chart(
        title=_("Solution rate day by day"),
        labels=[_label(day) for day in [*days, standing.today]],
        series=[Series(_("Solution rate"), [*values, standing.solution(units).value], tone="good")],
        kind="line",
        unit="%",
        label_name=_("Day"),
        note=_("As it stood at the end of each day."),
    )


def _label(day: date) -> str:
    return f"{day.month}-{day.day}"
