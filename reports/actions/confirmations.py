"""The write door of confirmations: a unit's head says that the week's figures are right, or what is wrong with them."""

from __future__ import annotations

from datetime import date

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from outreach import access, audit
from outreach.access import Permission
from outreach.models import Unit, User
from reports import standing, unit_board
from reports.models import Confirmation
from reports.models.boards import MAX_NOTE


def confirm_week(
    *, shown: standing.Standing, unit: Unit, week_on: date, seen: dict[str, int], note: str, by: User
) -> Confirmation:
    """Keep that `by`, who speaks for `unit`, confirmed the figures `seen` of the week from `week_on`, or `note`, what
    is wrong with them.

    Raises PermissionDenied for anybody else, ValidationError where the figures moved meanwhile, the week is not the
    last one, or it is confirmed already.
    """
    access.demand(by, Permission.TASK_REPORT)
    if not unit_board.may_confirm(by, unit):
        raise PermissionDenied(_("The unit's own head confirms its figures."))
    note = note.strip()
    if len(note) > MAX_NOTE or "\x00" in note:
        raise ValidationError(_("Write at most %(count)d characters.") % {"count": MAX_NOTE})
    week = unit_board.week_of(shown, by, unit)
    if week is None or week.first != week_on:
        raise ValidationError(_("Only the last whole week is confirmed. Look at the page again."))
    if week.done is None and week.values != seen:
        raise ValidationError(_("The figures have changed since you opened the page. Nothing was saved: look again."))
    try:
        with transaction.atomic():
            row = Confirmation.objects.create(
                campaign=shown.campaign,
                unit=unit,
                week_on=week_on,
                figures=seen,
                note=note,
                confirmed_at=timezone.now(),
                confirmed_by=by,
            )
            audit.record("board.confirm", unit, by=by, first=week_on.isoformat(), is_disputed=bool(note))
    except IntegrityError as error:
        raise ValidationError(_("The figures of this week are confirmed already.")) from error
    return row
