"""Effort against result: how much units did, and what came of it. Units only, never persons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from outreach.charts import Chart, Series
from outreach.models import Campaign, Unit
from reports import maps, readings
from reports.indicators import INDICATORS, MET, SOLUTION, Facts, Indicator, rate

DEFAULT_RESULT = SOLUTION.key
HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Effort:
    """A way to say how much a unit did: `done` for each `each` of `base`."""

    key: str
    name: str | Promise
    formula: str | Promise
    done: Callable[[Facts], int]
    base: Callable[[Facts], int]
    each: int

    def value(self, counted: Facts) -> Decimal | None:
        """Return the effort with 2 decimals, None without a base."""
        base = self.base(counted)
        if not base:
            return None
        return (Decimal(self.done(counted) * self.each) / base).quantize(HUNDREDTH, ROUND_HALF_UP)


EFFORTS = {
    effort.key: effort
    for effort in (
        Effort(
            "visits",
            gettext_lazy("Visits per household"),
            gettext_lazy("visits made, counted or not ÷ households to visit"),
            lambda f: f.visits,
            lambda f: f.to_visit,
            1,
        ),
        Effort(
            "handled",
            gettext_lazy("Issues ended per 100 households"),
            gettext_lazy(
                "issues that arose in the unit and were ended, whatever the outcome ÷ households to visit × 100"
            ),
            lambda f: f.issues_solved + f.issues_explained + f.issues_not_accepted + f.issues_otherwise,
            lambda f: f.to_visit,
            100,
        ),
    )
}


# what may stand for a result: of what arose at the place and of its households; not the coverage, which is effort too
RESULTS = {key: INDICATORS[key] for key in (SOLUTION.key, "place_content", "place_resident_solved", MET.key)}


@dataclass(frozen=True, slots=True)
class Point:
    """A unit in the chart."""

    unit: Unit
    effort: Decimal
    result: Decimal
    numerator: int | Decimal
    denominator: int


@dataclass(frozen=True)
class Comparison:
    """The chart and what is left out of it."""

    campaign: Campaign
    scope: Unit
    level: str
    effort: Effort
    result: Indicator
    points: Sequence[Point]
    left_out: Sequence[Unit]  # without a base, or with too few cases

    def chart(self) -> Chart:
        """One point for each unit; each opens the unit's page."""
        return Chart(
            title=_("%(result)s against %(effort)s") % {"result": self.result.name, "effort": self.effort.name},
            labels=[point.unit.name for point in self.points],
            series=[
                Series(self.effort.name, [point.effort for point in self.points]),
                Series(self.result.name, [point.result for point in self.points], unit="%"),
                Series(_("of these (numerator)"), [point.numerator for point in self.points], kind="table"),
                Series(_("cases (denominator)"), [point.denominator for point in self.points], kind="table"),
            ],
            kind="scatter",
            label_name=_("Unit"),
            urls=[maps.page_url(self.campaign, point.unit) for point in self.points],
        )


def compare(
    *, campaign: Campaign, units: Sequence[Unit], scope: Unit, level: str, effort: str, result: str, today: date
) -> Comparison:
    """Read the units of `level` inside `scope`. `units`: all of the district in official order."""
    chosen, indicator = EFFORTS[effort], RESULTS[result]
    counted = readings.facts_of(campaign, first=None, last=today, today=today)
    taking_part = set(campaign.units.values_list("code", flat=True))
    points, left_out = [], []
    for unit in units:
        inside = unit.kind == level and unit.is_active and unit.code.startswith(scope.code)
        if not inside or not maps.takes_part(unit, taking_part):
            continue
        own = counted.get(unit, Facts())
        done = chosen.value(own)
        numerator, denominator = indicator.numerator(own), indicator.denominator(own)
        share = rate(numerator, denominator)
        if done is None or share is None or denominator < settings.RANKING_MIN_DENOMINATOR:
            left_out.append(unit)
        else:
            points.append(Point(unit, done, share, numerator, denominator))
    return Comparison(campaign, scope, level, chosen, indicator, points, left_out)
