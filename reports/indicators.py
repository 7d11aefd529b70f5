"""Indicators, rates and ranks: pure functions of counted facts."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal
from math import sqrt
from operator import add, attrgetter, sub
from typing import Generic, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Below so many cases a rate is shown, not ranked; a scheme may say otherwise.
MIN_DENOMINATOR = 10
HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Facts:
    """What was counted for a unit. Households are distinct; issues are those of the campaign, by their place."""

    households: int = 0
    off_roster: int = 0
    covered: int = 0
    met: int = 0
    visits: int = 0
    issues_raised: int = 0
    issues_solved: int = 0
    issues_explained: int = 0
    issues_not_accepted: int = 0
    issues_otherwise: int = 0
    issues_in_review: int = 0
    issues_set_aside: int = 0
    overdue: int = 0
    not_due: int = 0

    def __add__(self, other: Facts) -> Facts:
        return Facts(*map(add, _values(self), _values(other)))

    def __sub__(self, other: Facts) -> Facts:
        return Facts(*map(sub, _values(self), _values(other)))

    @property
    def to_visit(self) -> int:
        """Households on the roster without those verified empty or moved."""
        return self.households - self.off_roster

    @property
    def unvisited(self) -> int:
        """Households on the roster that no counted visit reached."""
        return self.to_visit - self.covered

    @property
    def judged(self) -> int:
        """Issues a solution rate is taken of: ended in the unit's hands, or open past the due day."""
        return self.issues_solved + self.issues_explained + self.issues_not_accepted + self.overdue


# all counts in their order; dataclasses.astuple would copy each of them deeply
_values: Callable[[Facts], tuple[int, ...]] = attrgetter(*(field.name for field in fields(Facts)))


@dataclass(frozen=True, slots=True)
class Indicator:
    """A rate that units are compared by: higher is better unless `higher_is_better` says otherwise."""

    key: str
    name: str | Promise
    formula: str | Promise
    unit: str | Promise  # of the denominator, as it is read aloud: 户, 件
    numerator: Callable[[Facts], int]
    denominator: Callable[[Facts], int]
    higher_is_better: bool = True
    min_denominator: int = MIN_DENOMINATOR


COVERAGE = Indicator(
    key="coverage",
    name=_("Coverage rate"),
    formula=_(
        "households with a counted visit ÷ households to visit (on the campaign's roster, without those verified "
        "empty or moved)"
    ),
    unit=_("households"),
    numerator=lambda facts: facts.covered,
    denominator=lambda facts: facts.to_visit,
)
MET = Indicator(
    key="met",
    name=_("Met rate"),
    formula=_(
        "households where a resident was met and the talk was finished ÷ households with a counted visit (a visit "
        "that was met but not finished counts as a visit, and as met once it is finished)"
    ),
    unit=_("households"),
    numerator=lambda facts: facts.met,
    denominator=lambda facts: facts.covered,
)
SOLUTION = Indicator(
    key="solution",
    name=_("Solution rate"),
    formula=_(
        "issues solved ÷ (solved + explained and understood + explained, not accepted + open past the due day); only "
        "what was verified and signed off counts as ended; issues not yet due, under review, ended otherwise or set "
        "aside are shown beside it"
    ),
    unit=_("issues"),
    numerator=lambda facts: facts.issues_solved,
    denominator=lambda facts: facts.judged,
)
INDICATORS = {indicator.key: indicator for indicator in (COVERAGE, MET, SOLUTION)}


def rate(numerator: int, denominator: int) -> Decimal | None:
    """Return the rate in percent, rounded half up to 2 decimals, or None where there is nothing to divide by.

    Raises ValueError for a negative number.
    """
    if numerator < 0 or denominator < 0:
        raise ValueError("counts are not negative")
    if denominator == 0:
        return None
    return (Decimal(100 * numerator) / Decimal(denominator)).quantize(HUNDREDTH, ROUND_HALF_UP)


def wilson(numerator: int, denominator: int, z: float = 1.959964) -> tuple[float, float] | None:
    """Return the Wilson interval of a proportion in percent, (low, high); None where the denominator is 0.

    `z`: the normal quantile, 1.96 for 95 %. Raises ValueError where numerator is not within 0 … denominator.
    """
    if not 0 <= numerator <= denominator:
        raise ValueError("a proportion's numerator lies between 0 and its denominator")
    if denominator == 0:
        return None
    share = numerator / denominator
    shrink = 1 + z * z / denominator
    centre = (share + z * z / (2 * denominator)) / shrink
    half = z * sqrt(share * (1 - share) / denominator + z * z / (4 * denominator * denominator)) / shrink
    # the formula touches 0 and 1 exactly at the ends, floating point does not
    low = 0.0 if numerator == 0 else max(0.0, centre - half)
    high = 1.0 if numerator == denominator else min(1.0, centre + half)
    return 100 * low, 100 * high


K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Place(Generic[K]):
    """Where a unit stands. `rank` is None where the rate is not ranked; `value` is in percent, None without a rate."""

    key: K
    numerator: int
    denominator: int
    value: Decimal | None
    rank: int | None


def ranking(
    units: Iterable[tuple[K, Facts]], indicator: Indicator, min_denominator: int | None = None
) -> list[Place[K]]:
    """Rank `units`, given in official order, by `indicator`.

    Values equal at 2 decimals share a rank and the next skips (1, 1, 3); inside a tie the official order holds. Then
    follow, in official order, those below the minimum denominator (`min_denominator`, else the indicator's own), and
    those without a denominator.
    """
    least = indicator.min_denominator if min_denominator is None else min_denominator
    places: list[Place[K]] = []
    for key, facts in units:
        numerator, denominator = indicator.numerator(facts), indicator.denominator(facts)
        places.append(Place(key, numerator, denominator, rate(numerator, denominator), None))
    ranked = [place for place in places if place.value is not None and place.denominator >= least]
    # sort is stable, also in reverse: the official order stands inside a tie
    ranked.sort(key=_value, reverse=indicator.higher_is_better)
    few = [place for place in places if place.value is not None and place.denominator < least]
    none = [place for place in places if place.value is None]
    return [*_numbered(ranked), *few, *none]


def _value(place: Place[K]) -> Decimal:
    assert place.value is not None
    return place.value


def _numbered(places: Sequence[Place[K]]) -> Iterable[Place[K]]:
    rank = 0
    before: Decimal | None = None
    for position, place in enumerate(places, 1):
        if place.value != before:
            rank, before = position, place.value
        yield Place(place.key, place.numerator, place.denominator, place.value, rank)
