"""Moving an issue on: the one door through which its state changes."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from issues import routing, workflow
from issues.actions.history import MAX_TEXT, append_event
from issues.actions.opening import due_day
from issues.models import Issue, Outcome
from issues.workflow import State
from outreach import access
from outreach.models import Unit, User


class ConflictError(Exception):
    """Somebody else changed the issue since the page was loaded; nothing was written. The message is for people."""


@transaction.atomic
def move_issue(
    *, issue: Issue, move: str, by: User, note: str = "", outcome: str = "", unit: Unit | None = None, version: int
) -> Issue:
    """Make one move of workflow.MOVES: the single write door for an issue's state. Returns the issue as it now is.

    `version` is the version the user saw. Raises ConflictError where it is stale, PermissionDenied where the move is
    not for this user, ValidationError where the state does not allow it or a required field is missing.
    """
    step = workflow.BY_NAME.get(move)
    if step is None:
        raise ValidationError(_("There is no such step."))
    locked = (
        Issue.objects.select_for_update(of=("self",))
        .select_related("place", "unit", "done_by_unit", "category__parent")
        .get(pk=issue.pk)
    )
    # The right first: whoever may not take the step learns nothing of versions. The state last: after a stale version
    # "somebody was faster" is the truer answer than "not in this state".
    refusal = locked.refusal(step, by)
    if refusal in (workflow.Refusal.PERMISSION, workflow.Refusal.SIDE):
        raise PermissionDenied(refusal.label)
    if locked.version != version:
        raise ConflictError(
            _("Somebody else changed issue %(number)s in the meantime. Nothing was saved: look at it again.")
            % {"number": locked.number}
        )
    if refusal is not None:
        raise ValidationError(refusal.label)
    note = note.strip()
    check_move(step, locked, note=note, outcome=outcome, unit=unit)
    before, holder, now = locked.state, locked.unit, timezone.now()
    apply_move(step, locked, by=by, at=now, note=note, outcome=outcome, unit=unit)
    locked.version += 1
    locked.save()
    append_event(locked, step.name, by=by, at=now, from_state=before, from_unit=holder, note=note)
    return locked


def apply_move(
    step: workflow.Move, issue: Issue, *, by: User, at: datetime, note: str, outcome: str, unit: Unit | None
) -> None:
    """Set on `issue` (unsaved) what a checked move sets: state, holder, who and when, and the due day where the clock
    starts: at the first dispatch. Dispatching again never gives more time."""
    post = access.post_of(by)
    assert post is not None
    issue.state = step.target
    if step.name == "dispatch" and unit is not None:
        issue.unit = unit
        issue.rule, issue.rule_text = None, routing.by_hand(post.unit, note)
        if issue.dispatched_at is None:
            issue.due_on = due_day(
                category=issue.category,
                kind=issue.kind,
                is_urgent=issue.is_urgent,
                dispatched_on=timezone.localdate(at),
            )
            issue.dispatched_at = at
    elif step.name == "accept":
        issue.accepted_at = at
    elif step.name == "finish":
        issue.outcome, issue.result = outcome, note
        issue.done_at, issue.done_by, issue.done_by_unit = at, by, post.unit
    elif step.name == "close":
        issue.closed_at, issue.closed_by = at, by
    elif step.name == "redo":
        issue.outcome = ""
        issue.done_at = issue.done_by = issue.done_by_unit = None


def check_move(step: workflow.Move, issue: Issue, *, note: str, outcome: str, unit: Unit | None) -> None:
    """Raise ValidationError, keyed by field, for what `step` requires and is missing or wrong."""
    errors: dict[str, str] = {}
    if ("note" in step.required and not note) or len(note) > MAX_TEXT or "\x00" in note:
        errors["note"] = _("Write a note of at most %(count)d characters.") % {"count": MAX_TEXT}
    if "outcome" in step.required and outcome not in Outcome.values:
        errors["outcome"] = _("Choose how it ended.")
    if "unit" in step.required:
        if unit is None or not unit.is_active or unit.district_code != issue.place.district_code:
            errors["unit"] = _("Choose a unit of the district.")
        elif unit.pk == issue.unit_id and issue.state != State.NEW:
            errors["unit"] = _("This unit holds the issue already.")
    if errors:
        raise ValidationError(errors)
