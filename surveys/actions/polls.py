"""Keeping the official poll's register."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from outreach import access, audit
from outreach.access import Permission
from outreach.models import Unit, User
from surveys.models import PollResult
from surveys.polls import Row


@transaction.atomic
def take_over(*, district: Unit, rows: Sequence[Row], by: User) -> int:
    """Store the rows of a workbook; those entered before are changed. Raises ValidationError where a row is wrong."""
    access.demand(by, Permission.POLL_EDIT)
    if any(row.errors for row in rows):
        raise ValidationError(_("Nothing was taken over: put the marked rows right first."))
    for row in rows:
        result = row.result
        values = {
            name: getattr(result, name)
            for name in ("item", "score", "full_marks", "rank", "counties", "peers", "source")
        }
        PollResult.objects.update_or_create(
            district=district,
            year=result.year,
            round=result.round,
            level=result.level,
            item_key=result.item_key,
            defaults=values | {"entered_by": by},
        )
    audit.record("poll.import", district, by=by, rows=len(rows))
    return len(rows)


@transaction.atomic
def delete(*, result: PollResult, by: User) -> None:
    """Take a result out of the register."""
    access.demand(by, Permission.POLL_EDIT)
    locked = PollResult.objects.visible_to(by).select_for_update(of=("self",)).get(pk=result.pk)
    audit.record("poll.delete", str(locked), by=by)
    locked.delete()
