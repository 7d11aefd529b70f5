"""What leaves the ledger as a file is written down."""

from __future__ import annotations

from django.db import transaction

from outreach import access, audit
from outreach.access import Permission
from outreach.models import User


@transaction.atomic
def log_export(*, by: User, filters: dict[str, str], rows: int) -> None:
    """Write to the audit trail that `by` took `rows` issues out of the program, and by which filters."""
    access.demand(by, Permission.ISSUE_EXPORT)
    audit.record("issue.export", "issues", by=by, filters=filters, rows=rows)


@transaction.atomic
def log_upward_export(*, by: User, tab: str, rows: int) -> None:
    """Write to the audit trail that `by` took a list of `rows` reports upward out of the program."""
    access.demand(by, Permission.ISSUE_EXPORT)
    audit.record("issue.export_upward", "issues", by=by, tab=tab, rows=rows)
