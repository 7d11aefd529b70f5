"""How units stand: the figures boards show, today's and yesterday's, and the changes. Read once for a whole page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property

from outreach.models import Campaign, Unit
from reports import closing, facts, held
from reports.indicators import COVERAGE, SOLUTION, Facts, Indicator, rate, wilson

HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True)
class Scope:
    """Units whose figures are looked at together. Of nested ones only the upper counts."""

    name: str
    units: Sequence[Unit]

    @cached_property
    def tops(self) -> list[Unit]:
        """The units without those below another of them."""
        return [
            unit
            for unit in self.units
            if not any(unit.code != other.code and unit.code.startswith(other.code) for other in self.units)
        ]

    @property
    def codes(self) -> list[str]:
        return [unit.code for unit in self.tops]

    @property
    def places(self) -> list[Unit]:
        return [unit for unit in self.tops if unit.kind != Unit.Kind.DEPARTMENT]

    @property
    def departments(self) -> list[Unit]:
        return [unit for unit in self.tops if unit.kind == Unit.Kind.DEPARTMENT]


@dataclass(frozen=True)
class Elapsed:
    """How much of the campaign's time has passed (序时进度), today counted as passed."""

    passed: int
    days: int

    @classmethod
    def of(cls, campaign: Campaign, today: date) -> Elapsed:
        days = (campaign.ends_on - campaign.starts_on).days + 1
        return cls(max(0, min(days, (today - campaign.starts_on).days + 1)), days)

    @property
    def percent(self) -> Decimal:
        return rate(self.passed, self.days) or Decimal("0.00")


@dataclass(frozen=True)
class Headline:
    """One of the two figures everything is about, with its change and the time that has passed.

    `closes`: numerator and denominator at the end of the last two days kept, the later first.
    """

    indicator: Indicator
    numerator: int | Decimal
    denominator: int
    closes: Sequence[tuple[date, int | Decimal, int]]
    today: date
    url: str = ""

    @property
    def value(self) -> Decimal | None:
        return rate(self.numerator, self.denominator)

    @property
    def width(self) -> str:
        """The bar's length, 0 … 100, as SVG reads it."""
        return str(self.value or 0)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The Wilson interval in percent, where cases are too few to be ranked by."""
        if not 0 < self.denominator < self.indicator.min_denominator:
            return None
        return wilson(int(self.numerator), self.denominator)

    @property
    def change(self) -> Decimal | None:
        """Percentage points since the last day's end; None without a base."""
        before = rate(*self.closes[0][1:]) if self.closes else None
        return None if before is None or self.value is None else self.value - before

    @property
    def before_on(self) -> date | None:
        """The day `change` is measured from."""
        return self.closes[0][0] if self.closes else None

    @property
    def is_since_yesterday(self) -> bool:
        return self.before_on == self.today - timedelta(days=1)

    @property
    def change_of_last_day(self) -> Decimal | None:
        """What the last whole day brought: in the morning today's own change is still nothing."""
        if len(self.closes) < 2 or not self.is_since_yesterday:
            return None
        last, before = (rate(*close[1:]) for close in self.closes[:2])
        return None if last is None or before is None else last - before


@dataclass(frozen=True)
class Standing:
    """All figures of a campaign's district on a day, by unit code; departments by what they hold."""

    campaign: Campaign
    today: date
    units: Sequence[Unit]  # official order, the district first
    now: dict[str, Facts]
    days: dict[date, dict[str, Facts]]  # what happened on today and yesterday
    closes: list[tuple[date, dict[int, Facts]]]
    counted_at: datetime | None

    @cached_property
    def by_code(self) -> dict[str, Unit]:
        return {unit.code: unit for unit in self.units}

    @property
    def district(self) -> Unit:
        return self.units[0]

    @cached_property
    def elapsed(self) -> Elapsed:
        return Elapsed.of(self.campaign, self.today)

    @property
    def yesterday(self) -> date:
        return self.today - timedelta(days=1)

    def of(self, units: Iterable[Unit]) -> Facts:
        """The sum of the units' figures."""
        return sum((self.now.get(unit.code, Facts()) for unit in units), Facts())

    def on(self, day: date, units: Iterable[Unit]) -> Facts:
        """What happened on `day` (today or yesterday) in the units; its `overdue` are open ones due that day."""
        return sum((self.days[day].get(unit.code, Facts()) for unit in units), Facts())

    def headline(self, indicator: Indicator, units: Sequence[Unit], url: str = "") -> Headline:
        """The indicator over the units together."""
        counted = self.of(units)
        closes = []
        for day, by_unit in self.closes:
            if all(unit.pk in by_unit or unit.code not in self.now for unit in units):
                then = sum((by_unit.get(unit.pk, Facts()) for unit in units), Facts())
                closes.append((day, indicator.numerator(then), indicator.denominator(then)))
        return Headline(
            indicator, indicator.numerator(counted), indicator.denominator(counted), closes, self.today, url
        )

    def ended(self, units: Iterable[Unit]) -> int:
        """Issues of the units that were signed off, whatever came of them."""
        counted = self.of(units)
        explained = counted.issues_explained + counted.issues_not_accepted
        return counted.issues_solved + explained + counted.issues_otherwise

    def coverage(self, units: Sequence[Unit], url: str = "") -> Headline:
        return self.headline(COVERAGE, units, url)

    def solution(self, units: Sequence[Unit], url: str = "") -> Headline:
        return self.headline(SOLUTION, units, url)


def read(campaign: Campaign, today: date) -> Standing:
    """Read the figures of every unit of the campaign's district. The same queries at any size."""
    units = list(Unit.objects.filter(code__startswith=campaign.district.code))
    # the district itself comes first, whatever its number in the official order
    units.sort(key=lambda unit: unit.kind != Unit.Kind.DISTRICT)
    yesterday = today - timedelta(days=1)
    return Standing(
        campaign=campaign,
        today=today,
        units=units,
        now={**facts.read(campaign, units, today), **held.read(campaign, units, today)},
        days={day: facts.read(campaign, units, today, first=day, last=day) for day in (today, yesterday)},
        closes=closing.last_closes(campaign, today, [unit.pk for unit in units]),
        counted_at=facts.counted_at(),
    )
