"""The ranking: units with their figures, in order, read from the rollups. Page, export and paragraph show this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from outreach import access
from outreach.access import Permission
from outreach.models import Campaign, Unit
from reports import facts, figures
from reports.indicators import COVERAGE, MET, RANKED, SOLUTION, Facts, Indicator, ranking, rate, wilson

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from outreach.models import User

# Rollups older than this tell that nobody counts any more.
STALE_SECONDS = 600


@dataclass(frozen=True)
class Share:
    """A rate as it is shown: its parts, the percentage (None without a denominator) and the links to its rows."""

    indicator: Indicator
    numerator: int | Decimal
    denominator: int
    url: str

    @property
    def value(self) -> Decimal | None:
        return rate(self.numerator, self.denominator)

    @property
    def width(self) -> str:
        """The bar's length, 0 … 100, as SVG reads it."""
        return str(self.value or 0)

    @property
    def is_few(self) -> bool:
        """Are there cases, but too few to be ranked by?"""
        return 0 < self.denominator < settings.RANKING_MIN_DENOMINATOR

    @property
    def interval(self) -> tuple[float, float] | None:
        """The Wilson interval in percent, for a rate of few cases."""
        return wilson(self.numerator, self.denominator)


@dataclass(frozen=True)
class Reader:
    """What the reader may open. Totals of units are for all who may see rankings, rows for those who reach them."""

    reach: str | None
    households: bool
    issues: bool

    @classmethod
    def of(cls, user: User | AnonymousUser) -> Reader:
        may = access.permissions_of(user)
        return cls(
            reach=access.reach(user),
            households={Permission.HOUSEHOLD_VIEW, Permission.VISIT_VIEW} <= may,
            issues=Permission.ISSUE_VIEW in may,
        )

    def opens_households(self, code: str) -> bool:
        """Do some of the unit's households lie within reach? The list itself asks visible_to."""
        return (
            self.households and self.reach is not None and (code.startswith(self.reach) or self.reach.startswith(code))
        )


# Stand-ins in the patterns of Links, which the URLs take for a unit and a figure.
LINK_CODE, LINK_FIGURE = "000000", "figure"


@dataclass(frozen=True)
class Links:
    """Where rows are, with stand-ins for unit and figure: a district has 5 000 links, and Django's reverse is slow."""

    households: str
    issues: str

    @classmethod
    def of(cls, campaign: Campaign) -> Links:
        args = [campaign.pk, LINK_CODE, LINK_FIGURE]
        return cls(reverse("reports:household_rows", args=args), reverse("reports:issue_rows", args=args))


@dataclass(frozen=True)
class Line:
    """One unit in the ranking. `outside`: the line of what belongs to no unit of that kind, else ""."""

    campaign: Campaign
    unit: Unit
    facts: Facts
    reader: Reader
    links: Links
    rank: int | None = None
    is_few: bool = False  # shown, not ranked
    outside: str = ""
    township: Unit | None = None  # shown beside a village where several townships' villages stand

    def count(self, key: str) -> int:
        """The figure of that key."""
        return (figures.HOUSEHOLDS.get(key) or figures.ISSUES[key]).count(self.facts)

    def url(self, key: str) -> str:
        """Where the rows behind the figure are, or "" where there are none or the reader may not open them."""
        if not self.count(key):
            return ""
        if key in figures.HOUSEHOLDS:
            pattern = self.links.households if self.opens_households and not self.outside else ""
        else:
            pattern = self.links.issues if self.reader.issues else ""
        query = f"?outside={self.outside}" if self.outside and pattern else ""
        return pattern.replace(LINK_CODE, self.unit.code).replace(LINK_FIGURE, key) + query

    @cached_property
    def opens_households(self) -> bool:
        return self.reader.opens_households(self.unit.code)

    def _share(self, indicator: Indicator, key: str) -> Share:
        return Share(indicator, indicator.numerator(self.facts), indicator.denominator(self.facts), self.url(key))

    @cached_property
    def coverage(self) -> Share:
        return self._share(COVERAGE, "to_visit")

    @cached_property
    def met(self) -> Share:
        return self._share(MET, "covered")

    @cached_property
    def solution(self) -> Share:
        return self._share(SOLUTION, "judged")


@dataclass(frozen=True)
class Ranking:
    """A ranking of the units of `level` inside `scope` by `indicator`; level None: the scope is a village."""

    campaign: Campaign
    scope: Unit
    parent: Unit | None
    level: str | None
    indicator: Indicator
    lines: Sequence[Line]
    own: Line | None  # what belongs to none of the lines, where there is anything
    total: Line
    counted_at: datetime | None
    townships: Sequence[Unit]

    @property
    def is_stale(self) -> bool:
        """Has nobody counted for a while?"""
        return self.counted_at is not None and (timezone.now() - self.counted_at).total_seconds() > STALE_SECONDS

    @property
    def is_within_township(self) -> bool:
        return self.scope.kind == Unit.Kind.TOWNSHIP

    @property
    def min_denominator(self) -> int:
        return settings.RANKING_MIN_DENOMINATOR

    def paragraph(self) -> str:
        """The sentences people paste into a group: totals and the first three; nothing that names a household."""
        moment = timezone.localtime(self.counted_at or timezone.now())
        total = self.total
        text = _(
            "As of %(hour)s:00 on %(month)s-%(day)s, %(unit)s: %(to_visit)s households to visit, %(covered)s visited, "
            "coverage rate %(coverage)s, met rate %(met)s; %(raised)s issues raised, %(solved)s solved, solution rate "
            "%(solution)s, %(overdue)s overdue."
        ) % {
            "hour": moment.hour,
            "month": moment.month,
            "day": moment.day,
            "unit": _("whole district") if self.scope.kind == Unit.Kind.DISTRICT else self.scope.name,
            "to_visit": total.count("to_visit"),
            "covered": total.count("covered"),
            "coverage": percent(total.coverage.value),
            "met": percent(total.met.value),
            "raised": total.count("raised"),
            "solved": total.count("solved"),
            "solution": percent(total.solution.value),
            "overdue": total.count("overdue"),
        }
        best = [line for line in self.lines if line.rank is not None and line.rank <= 3]
        if best:
            share: Callable[[Line], Share] = SHARES[self.indicator.key]
            names = [
                _("%(unit)s (%(rate)s)") % {"unit": line.unit.name, "rate": percent(share(line).value)} for line in best
            ]
            text += _(" First three by %(indicator)s: %(units)s.") % {
                "indicator": self.indicator.name,
                "units": _(", ").join(names),
            }
        return text


SHARES: dict[str, Callable[[Line], Share]] = {
    COVERAGE.key: lambda line: line.coverage,
    MET.key: lambda line: line.met,
    SOLUTION.key: lambda line: line.solution,
}


def percent(value: Decimal | None) -> str:
    """86.72%, or — where there is no rate."""
    return "—" if value is None else f"{value}%"


def build(
    *,
    campaign: Campaign,
    units: Sequence[Unit],
    scope: Unit,
    level: str,
    indicator: str,
    reader: Reader,
    today: date | None = None,
) -> Ranking:
    """Read the rollups and rank. `units`: all of the campaign's district, in official order, `scope` among them.

    `level`: the kind of unit ranked inside a district; inside a township it is villages, inside a village nothing.
    """
    counts = facts.read(campaign, units, today or timezone.localdate())
    by_code = {unit.code: unit for unit in units}
    if scope.kind != Unit.Kind.DISTRICT:
        level = Unit.Kind.VILLAGE
    chosen = RANKED[indicator]
    taking_part = set(campaign.units.values_list("code", flat=True))
    members = [
        unit
        for unit in units
        if unit.kind == level
        and unit != scope
        and unit.code.startswith(scope.code)
        and (unit.code in counts or (unit.is_active and _takes_part(unit, taking_part)))
    ]
    if level == Unit.Kind.VILLAGE and scope.kind == Unit.Kind.DISTRICT:
        position = {unit.code: number for number, unit in enumerate(units)}
        members.sort(key=lambda unit: (position.get(unit.township_code, -1), position[unit.code]))
    places = ranking(
        [(unit.code, counts.get(unit.code, Facts())) for unit in members], chosen, settings.RANKING_MIN_DENOMINATOR
    )
    links = Links.of(campaign)
    lines = [
        Line(
            campaign=campaign,
            unit=by_code[place.key],
            facts=counts.get(place.key, Facts()),
            reader=reader,
            links=links,
            rank=place.rank,
            is_few=place.rank is None and place.value is not None,
            township=by_code.get(place.key[:9]) if level == Unit.Kind.VILLAGE else None,
        )
        for place in places
    ]
    total = Line(campaign, scope, counts.get(scope.code, Facts()), reader, links)
    rest = total.facts
    for line in lines:
        rest = rest - line.facts
    own = None
    if scope.kind != Unit.Kind.VILLAGE and rest != Facts():
        own = Line(campaign, scope, rest, reader, links, outside=level)
    return Ranking(
        campaign=campaign,
        scope=scope,
        parent=by_code.get(scope.code[:9] if scope.kind == Unit.Kind.VILLAGE else scope.district_code),
        level=None if scope.kind == Unit.Kind.VILLAGE else level,
        indicator=chosen,
        lines=lines,
        own=own,
        total=total,
        counted_at=facts.counted_at(),
        townships=[unit for unit in units if unit.kind == Unit.Kind.TOWNSHIP],
    )


def _takes_part(unit: Unit, codes: set[str]) -> bool:
    return not codes or any(unit.code.startswith(code) or code.startswith(unit.code) for code in codes)
