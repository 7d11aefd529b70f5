"""What a second report of the same problem does: it is added to the issue there is."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from issues.actions.history import append_event
from issues.actions.opening import MAX_TEXT
from issues.models import Issue
from outreach import access
from outreach.access import Permission
from outreach.models import User


@transaction.atomic
def add_said(*, issue: Issue, by: User, text: str) -> Issue:
    """Append what a resident said to the history of `issue`, which the caller loaded through `visible_to(by)`, instead
    of opening another. Nothing else changes but the version.

    Raises PermissionDenied without ISSUE_OPEN, ValidationError (keyed by text) where the text does not fit or the issue
    has ended.
    """
    access.demand(by, Permission.ISSUE_OPEN)
    text = text.strip()
    if not text or len(text) > MAX_TEXT or "\x00" in text:
        raise ValidationError(
            {"text": _("Write what the resident said, in at most %(count)d characters.") % {"count": MAX_TEXT}}
        )
    locked = Issue.objects.select_for_update(of=("self",)).select_related("unit").get(pk=issue.pk)
    if locked.closed_at is not None:
        raise ValidationError({"text": _("That issue has ended: record a new one.")})
    locked.version += 1
    locked.save(update_fields=["version"])
    append_event(locked, "remark", by=by, at=timezone.now(), from_state=locked.state, from_unit=locked.unit, note=text)
    return locked
