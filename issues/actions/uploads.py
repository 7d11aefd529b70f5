"""Taking over a ledger that came back as a workbook: kept, then committed as a whole or thrown away."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from households.roster.files import encrypt_to
from issues.actions.editing import edit_issue
from issues.actions.moving import ConflictError, move_issue
from issues.models import Category, Issue, LedgerUpload
from outreach import access, audit
from outreach.access import Permission
from outreach.models import User

State = LedgerUpload.State


@transaction.atomic
def keep_upload(
    *, by: User, filename: str, chunks: Iterable[bytes], rows: list[dict[str, Any]], rows_read: int
) -> LedgerUpload:
    """Keep a checked file of `by` with what it would change (uploads.Row.kept); one not yet decided gives way to it."""
    access.demand(by, Permission.ISSUE_EXPORT)
    post = access.post_of(by)
    assert post is not None
    User.objects.select_for_update().get(pk=by.pk)  # two at once would leave two open
    for old in LedgerUpload.objects.filter(owner=by, state=State.CHECKED):
        decide(old, State.DISCARDED)
    sealed = io.BytesIO()
    encrypt_to(chunks, sealed)
    return LedgerUpload.objects.create(
        owner=by,
        unit=post.unit,
        filename=filename[:200],
        file=ContentFile(sealed.getvalue(), name="ledger.sealed"),
        rows=rows,
        rows_read=rows_read,
    )


@transaction.atomic
def commit_upload(*, upload: LedgerUpload, by: User) -> int:
    """Take over every row that is not refused, all or none; returns how many issues changed.

    Each issue goes through its ordinary action, with its own right and version. Raises ConflictError where one of them
    no longer allows what the preview showed: then nothing is written.
    """
    locked = LedgerUpload.objects.select_for_update().get(pk=upload.pk, owner=by)
    if locked.state != State.CHECKED:
        raise ConflictError(_("This file is decided already."))
    wanted = {row["pk"]: row for row in locked.rows if row["values"]}
    issues = {issue.pk: issue for issue in Issue.objects.visible_to(by).filter(pk__in=wanted)}
    categories = Category.objects.in_bulk({row["values"].get("category") for row in wanted.values()} - {None})
    for pk in sorted(wanted):  # always in this order, or two files could wait for each other
        row = wanted[pk]
        try:
            take_over(issues.get(pk), row, categories, by=by)
        except (ConflictError, PermissionDenied, ValidationError) as error:
            raise ConflictError(
                _("Issue %(number)s changed since the check. Nothing was taken over: look at the new preview.")
                % {"number": row["number"]}
            ) from error
    decide(locked, State.COMMITTED)
    audit.record("issue.upload", locked, by=by, filename=locked.filename, count=len(wanted))
    return len(wanted)


def take_over(issue: Issue | None, row: dict[str, Any], categories: dict[int, Category], *, by: User) -> None:
    """Change one issue as its row says."""
    if issue is None:
        raise ConflictError
    values, version = row["values"], row["version"]
    if edits := {name: value for name, value in values.items() if name != "progress"}:
        if "category" in edits:
            if edits["category"] not in categories:
                raise ConflictError
            edits["category"] = categories[edits["category"]]
        version = edit_issue(issue=issue, by=by, version=version, **edits).version
    if note := values.get("progress"):
        move_issue(issue=issue, move="progress", by=by, version=version, note=note)


@transaction.atomic
def discard_upload(*, upload: LedgerUpload, by: User) -> None:
    """Throw the file away; nothing was changed by it."""
    locked = LedgerUpload.objects.select_for_update().get(pk=upload.pk, owner=by)
    if locked.state == State.CHECKED:
        decide(locked, State.DISCARDED)


def decide(upload: LedgerUpload, state: str) -> None:
    """Store the decision and delete what the file held: it names residents, and nobody needs it any more."""
    storage, name = upload.file.storage, upload.file.name
    if name:
        transaction.on_commit(lambda: storage.delete(name))
    upload.state, upload.decided_at, upload.file = state, timezone.now(), ""
    if state == State.DISCARDED:
        upload.rows = []
    upload.save()
