"""What changes accounts and settings: keyword-only, atomic, by whom."""

from __future__ import annotations

import secrets
from typing import BinaryIO

from django.db import connection, transaction

from outreach import access, audit, units
from outreach.models import Membership, Unit, User


@transaction.atomic
def switch_post(*, post: Membership, by: User) -> None:
    """Let `by` act in `post` from now on. Raises ValueError where the post is somebody else's."""
    if post.user_id != by.pk:
        raise ValueError("not one of the user's own posts")
    by.current_post = post
    by.save(update_fields=["current_post"])
    by.__dict__.pop("post", None)
    audit.record("post.switch", post, by=by)


# No 0, O, 1, l, I: the password is read off a slip of paper.
PASSWORD_LETTERS = "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXYZ2346789"
PASSWORD_LENGTH = 12


@transaction.atomic
def reset_password(*, user: User, by: User) -> str:
    """Give `user` a one-time password, which must be changed at the next login, and return it: it is kept nowhere.

    Raises PermissionDenied.
    """
    access.demand(by, access.Permission.USER_EDIT)
    password = _set_one_time_password(user)
    audit.record("password.reset", user, by=by)
    return password


@transaction.atomic
def create_admin(*, unit: Unit, staff_number: str, name: str) -> str:
    """Make a district's system administrator from the command line, where nobody has logged in yet; returns the
    one-time password.

    A person who has the account already gets the post and a new password: the way back in where the last
    administrator is gone. Raises ValidationError for a bad number or name.
    """
    user = User.objects.filter(staff_number=staff_number).first() or User(staff_number=staff_number, name=name)
    user.is_active = True
    user.full_clean(exclude=["password"])
    password = _set_one_time_password(user)
    Membership.objects.get_or_create(user=user, unit=unit, role=access.Role.SYSTEM_ADMIN)
    audit.record("account.admin", user, by=None, unit=unit.code)
    return password


def _set_one_time_password(user: User) -> str:
    password = "".join(secrets.choice(PASSWORD_LETTERS) for _letter in range(PASSWORD_LENGTH))
    user.set_password(password)
    user.must_change_password = True
    user.save()
    return password


@transaction.atomic
def switch_accounts(*, people: list[User], is_active: bool, by: User) -> None:
    """Let people log in or no longer. Raises PermissionDenied."""
    access.demand(by, access.Permission.USER_EDIT)
    for user in people:
        user.is_active = is_active
        user.save(update_fields=["is_active"])
        audit.record("account.on" if is_active else "account.off", user, by=by)


UNIT_IMPORT_LOCK = 4_399_011


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
