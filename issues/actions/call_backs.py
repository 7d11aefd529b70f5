"""Asking the resident: each attempt is kept; an answer that is not content sends the issue back in the same step."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from issues import workflow
from issues.actions.moving import ConflictError, lock, move_issue
from issues.models import CallBack, Issue
from issues.workflow import State
from outreach import access
from outreach.models import User


@transaction.atomic
def record_call_back(
    *,
    issue: Issue,
    by: User,
    version: int,
    channel: str,
    reached: str,
    contacted: bool | None = None,
    solved: bool | None = None,
    content: str = "",
    words: str = "",
    call_again_at: datetime | None = None,
) -> CallBack:
    """Keep one attempt to ask the resident about an issue that was verified. Where the answer is "not solved" or "not
    content" the issue is redone in the same transaction, or goes one level up.

    Whoever may sign the issue off may ask: never the unit that handled it. Raises PermissionDenied, ConflictError for a
    stale version, ValidationError for answers that do not fit the result or a state in which nobody is asked.
    """
    locked = lock(issue)
    refusal = locked.refusal(workflow.BY_NAME["redo"], by)
    if refusal in (workflow.Refusal.PERMISSION, workflow.Refusal.SIDE):
        raise PermissionDenied(refusal.label)
    if locked.version != version:
        raise ConflictError(_("Somebody else changed the issue in the meantime. Nothing was saved: look at it again."))
    if locked.state != State.VERIFIED:
        raise ValidationError(_("The resident is asked after the result was verified."))
    post = access.post_of(by)
    assert post is not None
    call = CallBack(
        issue=locked,
        round=locked.redos,
        channel=channel,
        reached=reached,
        contacted=contacted,
        solved=solved,
        content=content,
        words=words.strip(),
        call_again_at=call_again_at,
        by=by,
        by_unit=post.unit,
    )
    call.full_clean()
    call.save()
    locked.version += 1
    locked.save(update_fields=["version"])
    is_content = reached != CallBack.Reached.REACHED or call.satisfies(locked.outcome)
    # after that a person decides: once more, or signed off as not accepted
    if not is_content and locked.redos <= workflow.REDOS_BEFORE_GOING_UP:
        send_back(locked, by=by, note=call.words or _("The resident is not content."))
    return call


def send_back(issue: Issue, *, by: User | None, note: str, actor: str = workflow.Actor.STAFF) -> Issue:
    """Have `issue` redone because the resident is not content: by the same unit, or the second time one level up."""
    up = workflow.GOES_UP.holds(issue.facts)
    return move_issue(
        issue=issue,
        move="redo_up" if up else "redo",
        by=by,
        actor=actor,
        version=issue.version,
        reason=workflow.RedoReason.NOT_CONTENT,
        note=note,
    )
