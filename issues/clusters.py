"""Repeated issues: the same category in the same village or township within a period, and households that come again.

Counted over the issues a person sees (`visible_to`), so a neighbour's troubles add nothing to one's own figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q
from django.db.models.functions import Substr

from households.models import Household
from issues.grams import likeness, shape
from issues.models import Category, Issue, IssueQuerySet
from issues.workflow import OPEN_STATES
from outreach.models import Unit, User

LEAST = 3
MAX_ROWS = 50
MAX_TEXTS = 400  # compared with each other: some 40 milliseconds at worst
ALIKE = 0.45  # as for a suggestion across categories, see duplicates.py
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
class Alike:
    """Issues of one township that say alike, the latest first."""

    issues: list[Issue]

    @property
    def still_open(self) -> int:
        """How many of them are not claimed done."""
        return sum(row.is_open for row in self.issues)


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


def by_text(issues: IssueQuerySet, *, since: date) -> list[Alike]:
    """Return the issues of a township that say alike, LEAST and more, the most first: only those which `by_place` does
    not show, because they are sorted under several categories or come from several villages. Of the latest MAX_TEXTS.

    Compared by the pairs of characters, each issue with the first of each group: costs one query.
    """
    rows = counted(issues, since).with_names().order_by("-pk")[:MAX_TEXTS]
    groups: dict[str, list[tuple[frozenset[str], list[Issue]]]] = {}
    for issue in rows:
        said, township = shape(issue.text), groups.setdefault(issue.place.code[:9], [])
        best = max(township, key=lambda group: likeness(said, group[0]), default=None)
        if best is not None and likeness(said, best[0]) >= ALIKE:
            best[1].append(issue)
        else:
            township.append((said, [issue]))
    found = [
        Alike(members)
        for township in groups.values()
        for _said, members in township
        if len(members) >= LEAST and len({(row.category_id, row.place_id) for row in members}) > 1
    ]
    return sorted(found, key=lambda group: -len(group.issues))[:MAX_ROWS]


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
