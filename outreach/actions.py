"""What changes accounts and settings: keyword-only, atomic, by whom."""

from __future__ import annotations

from typing import BinaryIO

from django.db import connection, transaction

from outreach import access, audit, units
from outreach.models import Membership, User


@transaction.atomic
def switch_post(*, post: Membership, by: User) -> None:
    """Let `by` act in `post` from now on. Raises ValueError where the post is somebody else's."""
    if post.user_id != by.pk:
        raise ValueError("not one of the user's own posts")
    by.current_post = post
    by.save(update_fields=["current_post"])
    by.__dict__.pop("post", None)
    audit.record("post.switch", post, by=by)


UNIT_IMPORT_LOCK = 4_399_002


@transaction.atomic
def import_units(*, file: BinaryIO, filename: str, by: User | None) -> units.UnitImport:
    """Create and update the units of a file; `by` is None on the command line, which reaches every district.

    Bad rows are left out and reported in the result. Raises units.UnusableFileError.
    """
    if by:
        access.demand(by, access.Permission.UNIT_EDIT)
    rows = units.read(file, filename)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [UNIT_IMPORT_LOCK])
    result = units.plan(rows, reach=access.reach(by) or "" if by else "")
    if result.created or result.updated or result.reordered:
        units.upsert(result)
        audit.record("unit.import", filename[:100], by=by, **result.counts())
    return result
