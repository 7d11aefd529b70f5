"""One issue above many: setting the parent of an issue, taking it away, opening a parent for a whole cluster."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues import workflow
from issues.actions.history import append_event
from issues.actions.moving import demand_right, demand_version, lock
from issues.actions.opening import open_issue
from issues.models import Category, Issue, IssueEvent
from issues.notices import tell_units
from issues.workflow import Move, Side
from outreach.access import Permission
from outreach.models import Unit, User

MAX_FAMILY = 100
# Who may say what stands above an issue: as with a merger, those who dispatch in its area, while it is under way.
SET_PARENT = Move(
    "set_parent",
    gettext_lazy("Put under another issue"),
    workflow.ALIVE_STATES,
    None,
    Permission.ISSUE_DISPATCH,
    Side.AREA,
)


@transaction.atomic
def set_parent(*, issue: Issue, parent: Issue | None, by: User, version: int) -> Issue:
    """Put `issue` under `parent`, or with None take it out again. Returns the issue as it now is; both histories say
    so. One level deep: a parent has no parent, so that there are no circles.

    The caller has loaded `parent` through `visible_to(by)`. Raises PermissionDenied where this is not for `by`,
    ConflictError where `version` is stale, ValidationError (parent) for a parent that cannot be.
    """
    old = Issue.objects.filter(pk=issue.pk).values_list("parent", flat=True).first()
    keys = {key for key in (issue.pk, old, parent.pk if parent else None) if key is not None}
    # all rows in one order, so that two people who put two issues under each other do not wait for ever
    list(Issue.objects.select_for_update(of=("self",)).filter(pk__in=keys).order_by("pk").values_list("pk"))
    locked = lock(issue)
    refusal = locked.refusal(SET_PARENT, by)
    demand_right(refusal)
    demand_version(locked, version)
    if refusal is not None:
        raise ValidationError({"parent": str(refusal.label)})
    above = lock(parent) if parent else None
    if above is not None:
        check_parent(locked, above)
    before = locked.parent
    if above == before:
        return locked
    locked.parent = above
    locked.version += 1
    locked.save()
    now = timezone.now()
    if before is not None:
        _note(before, "child_left", by=by, at=now, number=locked.number)
    if above is not None:
        _note(above, "child_here", by=by, at=now, number=locked.number)
    event = _note(
        locked,
        "set_parent" if above else "clear_parent",
        by=by,
        at=now,
        number=above.number if above else before.number if before else "",
    )
    _tell(locked, above, by=by, key=f"family:{event.pk}")
    return locked


def _tell(issue: Issue, above: Issue | None, *, by: User, key: str) -> None:
    """Tell the unit that holds `issue` what stands above it now: it cannot end before those below it."""
    with translation.override(settings.LANGUAGE_CODE):
        words = _("Issue %(number)s now stands under %(above)s") if above else _("Issue %(number)s stands for itself")
        title = words % {"number": issue.number, "above": above.number if above else ""}
    units = [issue.unit, *([above.unit] if above else [])]
    tell_units(units, title=title, url=reverse("issues:detail", args=[issue.pk]), key=key, by=by)


def check_parent(issue: Issue, parent: Issue) -> None:
    """Raise ValidationError (parent) where `parent` cannot stand above `issue`."""
    fault = ""
    if parent.pk == issue.pk:
        fault = _("An issue cannot stand above itself.")
    elif parent.place.district_code != issue.place.district_code:
        fault = _("Choose an issue of the district.")
    elif parent.state not in workflow.ALIVE_STATES:
        fault = _("That issue has ended: choose one that is under way.")
    elif parent.parent_id is not None:
        fault = _("That issue stands under another one itself: choose the one above it.")
    elif issue.children.exists():
        fault = _("Other issues stand under this one: put those under the other issue instead.")
    if fault:
        raise ValidationError({"parent": fault})


@transaction.atomic
def open_parent(
    *, by: User, category: Category, place: Unit, text: str, children: Sequence[tuple[Issue, int]]
) -> Issue:
    """Open one issue for many and put `children` (each with the version seen) under it: all of them or none.

    The caller has loaded `place` and the children through `visible_to(by)`. Raises what open_issue and set_parent
    raise, and ValidationError for no children or more than MAX_FAMILY.
    """
    if not 1 <= len(children) <= MAX_FAMILY:
        raise ValidationError(_("Choose 1 to %(count)d issues.") % {"count": MAX_FAMILY})
    parent = open_issue(by=by, category=category, kind=category.kind, text=text, place=place)
    for child, version in sorted(children, key=lambda pair: pair[0].pk):
        set_parent(issue=child, parent=parent, by=by, version=version)
    return parent


def _note(issue: Issue, move: str, *, by: User, at: datetime, number: str) -> IssueEvent:
    """Append a step that names the other issue by its number, and nothing of whose it is."""
    return append_event(issue, move, by=by, at=at, from_state=issue.state, from_unit=issue.unit, note=number)
