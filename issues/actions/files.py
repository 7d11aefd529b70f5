"""Evidence of a step: stored with it, and taken from sight again by marking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from issues import workflow
from issues.actions.history import append_event
from issues.attachments import MAX_OF_ISSUE, CleanFile
from issues.models import Attachment, Issue, IssueEvent
from outreach import access
from outreach.access import Permission
from outreach.models import User

MAX_WHY = 200
# As long as nobody has judged it by them, who added a file may take it back.
OWN_REMOVAL_STATES = workflow.OPEN_STATES


def new_files(issue: Issue, files: Sequence[CleanFile]) -> list[CleanFile]:
    """Return those of `files` the issue does not show yet; ValidationError (evidence) where it would have too many.

    Run under the issue's row lock, before the step is appended: its hash covers what this returns.
    """
    if not files:
        return []
    there = set(issue.attachments.present().values_list("sha256", flat=True))
    added = [file for file in files if file.sha256 not in there]
    if len(there) + len(added) > MAX_OF_ISSUE:
        raise ValidationError({"evidence": _("An issue takes at most %(count)d files.") % {"count": MAX_OF_ISSUE}})
    return added


def files_detail(files: Sequence[CleanFile]) -> dict[str, list[str]]:
    """Return what a step's detail says of the evidence it brings."""
    return {"files": [file.sha256 for file in files]} if files else {}


def store_files(event: IssueEvent, files: Sequence[CleanFile]) -> None:
    """Store `files`, which the detail of `event` names, as the evidence of that step."""
    for file in files:
        Attachment.objects.create(
            issue=event.issue,
            event=event,
            **file.as_fields(),
            added_at=event.at,
            added_by=event.by,
        )


def may_remove(attachment: Attachment, *, issue: Issue, by: User) -> bool:
    """Say whether `by` may take the file from sight: who added it while the issue is open, and who dispatches issues
    above, but never the unit whose work it shows once that was judged. `issue` comes with place and unit."""
    if attachment.added_by_id == by.pk and issue.state in OWN_REMOVAL_STATES:
        return True
    post = access.post_of(by)
    if post is None or not access.has_permission(by, Permission.ISSUE_DISPATCH) or post.unit_id == issue.unit_id:
        return False
    return workflow.stands_on(
        workflow.Side.AREA, post_code=post.unit.code, place_code=issue.place.code, holder_code=issue.unit.code
    )


@transaction.atomic
def remove_file(*, attachment: Attachment, by: User, why: str) -> None:
    """Take a file from sight, with the reason; the row, the bytes and the step that brought it stay.

    Removing one that is removed already changes nothing. Raises PermissionDenied, ValidationError (why).
    """
    issue = Issue.objects.select_for_update(of=("self",)).select_related("place", "unit").get(pk=attachment.issue_id)
    locked = Attachment.objects.select_for_update().get(pk=attachment.pk)
    if not may_remove(locked, issue=issue, by=by):
        raise PermissionDenied(
            _("Only who added a file may remove it while the issue is open, or who dispatches above.")
        )
    why = why.strip()
    if not why or len(why) > MAX_WHY or "\x00" in why:
        raise ValidationError({"why": _("Give the reason in at most %(count)d characters.") % {"count": MAX_WHY}})
    if locked.removed_at is not None:
        return
    now = timezone.now()
    locked.removed_at, locked.removed_by, locked.removed_why = now, by, why
    locked.save(update_fields=["removed_at", "removed_by", "removed_why"])
    record(issue, "remove_file", by=by, at=now, note=why, detail={"removed": [locked.sha256]})


def record(issue: Issue, step: str, *, by: User, at: datetime, note: str, detail: dict[str, object]) -> IssueEvent:
    """Append a step that moves nothing: state and holder stay."""
    return append_event(
        issue, step, by=by, at=at, from_state=issue.state, from_unit=issue.unit, note=note, detail=detail
    )
