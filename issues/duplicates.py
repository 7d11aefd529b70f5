"""Issues that look like one being recorded: of the same household, of the same place and category, or said alike.

Suggestions only: a person decides. Nothing is suggested that the user may not see, and no household but one in reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from households.models import Household
from issues.grams import likeness, shape
from issues.models import Category, Issue, IssueQuerySet
from outreach.models import Unit, User

RECENT_DAYS = 90  # what ended before is another matter
MAX_COMPARED = 1_000  # the latest of the township; comparing one costs some ten microseconds
MAX_SHOWN = 5
ALIKE = 0.45  # wherever in the township
ALIKE_HERE = 0.2  # where place and category are the same
ALIKE_AT_HOME = 0.3  # where the household is the same and the category is not
CERTAIN = 0.3  # from here on a new issue is not saved before somebody has looked


class Reason(models.TextChoices):
    """Why two issues may be one."""

    HOUSEHOLD = "household", _("same household")
    PLACE = "place", _("same place and category")
    TEXT = "text", _("said alike")


@dataclass(frozen=True)
class Lookalike:
    """An issue that may be the same. `must_look`: so alike that a new one is not saved unseen."""

    issue: Issue
    reason: Reason
    score: float
    must_look: bool


# score, reason, must_look: see Lookalike
Likeness = tuple[float, Reason, bool]


def current(issues: IssueQuerySet) -> IssueQuerySet:
    """Narrow to what a new issue may repeat: open, or ended less than RECENT_DAYS ago; nothing merged or refused."""
    since = timezone.now() - timedelta(days=RECENT_DAYS)
    return issues.exclude(state__in=["merged", "refused"]).filter(Q(closed_at=None) | Q(closed_at__gte=since))


def find(
    issues: IssueQuerySet,
    *,
    user: User,
    category: Category | None,
    text: str,
    place: Unit,
    household: Household | None = None,
    leave_out: Iterable[int] = (),
) -> list[Lookalike]:
    """Return the likeliest of `issues`, which are visible to `user`, the likeliest first, MAX_SHOWN at most.

    `household` is one the user may see. Costs three queries, whatever there is; a fourth with a household.
    """
    best = compare(issues, user=user, category=category, text=text, place=place, household=household)
    for pk in leave_out:
        best.pop(pk, None)
    return load(issues, best)


def compare(
    issues: IssueQuerySet,
    *,
    user: User,
    category: Category | None,
    text: str,
    place: Unit,
    household: Household | None = None,
) -> dict[int, Likeness]:
    """Return how alike those of `issues` are that are alike at all, by key, without loading them. See `find`."""
    fields = ("pk", "category_id", "place_id", "household_id", "text")
    rows = list(current(issues).filter(place__in=_nearby(place)).order_by("-pk").values_list(*fields)[:MAX_COMPARED])
    if household is not None:
        at_home = current(issues).resident_known_to(user).filter(household=household)
        rows += at_home.order_by("-pk").values_list(*fields)[: MAX_SHOWN * 4]
    said = shape(text)
    home = household.pk if household else 0
    known = category.pk if category else 0
    best: dict[int, Likeness] = {}
    for pk, category_pk, place_pk, household_pk, its_text in rows:
        alike = likeness(said, shape(its_text))
        is_same_category = category_pk == known
        if home and household_pk == home and (is_same_category or alike >= ALIKE_AT_HOME):
            best[pk] = 2 + alike, Reason.HOUSEHOLD, True
        elif is_same_category and place_pk == place.pk and alike >= ALIKE_HERE:
            best[pk] = 1 + alike, Reason.PLACE, alike >= CERTAIN
        elif alike >= ALIKE:
            best[pk] = alike, Reason.TEXT, False
    return best


def load(issues: IssueQuerySet, best: Mapping[int, Likeness]) -> list[Lookalike]:
    """Return the likeliest of `best`, the likeliest first, MAX_SHOWN at most."""
    if not best:
        return []
    chosen = sorted(best, key=lambda pk: (-best[pk][0], -pk))[:MAX_SHOWN]
    loaded = issues.with_names().in_bulk(chosen)
    return [
        Lookalike(loaded[pk], reason=best[pk][1], score=best[pk][0], must_look=best[pk][2])
        for pk in chosen
        if pk in loaded
    ]


def like(issue: Issue, *, user: User) -> list[Lookalike]:
    """Return what looks like `issue`, which the user sees, among what else the user sees."""
    return find(
        Issue.objects.visible_to(user),
        user=user,
        category=issue.category,
        text=issue.text,
        place=issue.place,
        household=issue.household if issue.shows_resident_to(user) else None,
        leave_out=[issue.pk],
    )


def _nearby(place: Unit) -> list[int]:
    """The keys of the township around `place` and all below it; of a larger place, itself alone."""
    if place.kind == Unit.Kind.VILLAGE:
        return list(Unit.objects.filter(code__startswith=place.code[:9]).values_list("pk", flat=True))
    return list(Unit.objects.within(place).values_list("pk", flat=True)) if len(place.code) >= 9 else [place.pk]
