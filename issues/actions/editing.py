"""Correcting what an issue is filed under: its category, its urgency, whether it can be solved. Never its state."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues import workflow
from issues.actions.correcting import before_correction, reclassify, store_correction
from issues.actions.moving import demand_right, demand_version, lock
from issues.models import Category, Issue, Solvability
from issues.workflow import Move, Side
from outreach.access import Permission
from outreach.models import User

# Who may correct what, while it is open. Category and urgency decide the limit, so they are for those who dispatch: a
# holder must not loosen his own deadline. Whether it can be solved the holder judges; verification reviews it.
EDITS = {
    "category": Move(
        "edit", gettext_lazy("Category"), workflow.OPEN_STATES, None, Permission.ISSUE_DISPATCH, Side.AREA
    ),
    "is_urgent": Move("edit", gettext_lazy("Urgent"), workflow.OPEN_STATES, None, Permission.ISSUE_DISPATCH, Side.AREA),
    "solvability": Move(
        "edit", gettext_lazy("Can it be solved?"), workflow.OPEN_STATES, None, Permission.ISSUE_HANDLE, Side.HOLDER
    ),
}


@transaction.atomic
def edit_issue(
    *,
    issue: Issue,
    by: User,
    version: int,
    category: Category | None = None,
    is_urgent: bool | None = None,
    solvability: str | None = None,
) -> Issue:
    """Correct what is given and differs; None leaves a field as it is. Returns the issue as it now is.

    The due day follows from the new limit, counted from the same dispatch: re-classifying never starts the clock anew.
    Raises ConflictError where `version` is stale, PermissionDenied where a field is not for this user, ValidationError
    where the state forbids it or a value is none. Where nothing differs nothing is written.
    """
    locked = lock(issue)
    changes: dict[str, tuple[str, str]] = {}
    if category is not None and category.pk != locked.category_id:
        changes["category"] = (locked.category.name, category.name)
    if is_urgent is not None and is_urgent != locked.is_urgent:
        changes["is_urgent"] = (yes_no(locked.is_urgent), yes_no(is_urgent))
    if solvability is not None and solvability != locked.solvability:
        changes["solvability"] = (solvability_label(locked.solvability), solvability_label(solvability))
    refusals = {name: locked.refusal(EDITS[name], by) for name in changes}
    for refusal in refusals.values():
        demand_right(refusal)
    demand_version(locked, version)
    for obstacle in refusals.values():
        if obstacle is not None:
            raise ValidationError(str(obstacle.label))
    if not changes:
        return locked
    if category is not None and not category.is_active:
        raise ValidationError(_("This category is no longer in use. Choose another."))
    before = before_correction(locked)
    if category is not None:
        locked.category = category
    if is_urgent is not None:
        locked.is_urgent = is_urgent
    if solvability is not None:
        locked.solvability = solvability
    if "category" in changes or "is_urgent" in changes:
        reclassify(locked, by=by)
    note = f"{EDITS['solvability'].label}：{' → '.join(changes['solvability'])}" if "solvability" in changes else ""
    store_correction(locked, before, by=by, note=note)
    return locked


def yes_no(value: bool) -> str:
    """是 or 否."""
    return _("yes") if value else _("no")


def solvability_label(value: str) -> str:
    """What a value of Solvability is called. Raises ValidationError where it is none."""
    if value not in Solvability.values:
        raise ValidationError(_("There is no such choice."))
    return str(Solvability(value).label)
