"""Repeated issues: the same category in the same village or township within a period, and households that come again.

Counted over the issues a person sees (`visible_to`), so a neighbour's troubles add nothing to one's own figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q
from django.db.models.functions import Substr

from households.models import Household
from issues.models import Category, IssueQuerySet
from issues.workflow import OPEN_STATES
from outreach.models import Unit, User

LEAST = 3
MAX_ROWS = 50
PERIODS = (30, 90, 365)
CODE_LENGTH = {"village": 12, "township": 9}


@dataclass(frozen=True)
class Cluster:
    """`count` issues of one category in one place, `still_open` of them not claimed done, from `homes` households."""

    category: Category
    place: Unit
    count: int
    still_open: int
    homes: int


@dataclass(frozen=True)
class Returning:
    """A household that brought up `count` issues, `still_open` of them not yet claimed done."""

    household: Household
    count: int
    still_open: int


def period(wanted: str | None) -> int:
    """Return the days of a period as it stands in a query string; 90 where it makes no sense."""
    return next((days for days in PERIODS if str(days) == wanted), 90)


def counted(issues: IssueQuerySet, since: date) -> IssueQuerySet:
    """Narrow to what was recorded from `since` on, without what was merged into another or not taken up."""
    return issues.filter(recorded_at__date__gte=since).exclude(state__in=["merged", "refused"])


def by_place(issues: IssueQuerySet, *, since: date, level: str) -> list[Cluster]:
    """Return the clusters of LEAST issues and more, the largest first; `level` is a key of CODE_LENGTH. Costs three
    queries."""
    rows = (
        counted(issues, since)
        .annotate(place_code=Substr("place__code", 1, CODE_LENGTH[level]))
        .order_by()
        .values("category", "place_code")
        .annotate(
            count=Count("pk"),
            still_open=Count("pk", filter=Q(state__in=OPEN_STATES)),
            homes=Count("household", distinct=True),
        )
        .filter(count__gte=LEAST)
        .order_by("-count", "place_code", "category")[:MAX_ROWS]
    )
    found = list(rows)
    units = {unit.code: unit for unit in Unit.objects.filter(code__in={row["place_code"] for row in found})}
    categories = Category.objects.select_related("parent").in_bulk({row["category"] for row in found})
    return [
        Cluster(categories[row["category"]], units[row["place_code"]], row["count"], row["still_open"], row["homes"])
        for row in found
        if row["place_code"] in units
    ]


def by_household(issues: IssueQuerySet, *, user: User, since: date) -> list[Returning]:
    """Return the households with LEAST issues and more, only of residents `user` may know. Costs two queries."""
    rows = list(
        counted(issues, since)
        .resident_known_to(user)
        .filter(household__isnull=False)
        .order_by()
        .values("household")
        .annotate(count=Count("pk"), still_open=Count("pk", filter=Q(state__in=OPEN_STATES)))
        .filter(count__gte=LEAST)
        .order_by("-count", "household")[:MAX_ROWS]
    )
    homes = Household.objects.select_related("village").in_bulk([row["household"] for row in rows])
    return [Returning(homes[row["household"]], row["count"], row["still_open"]) for row in rows]
