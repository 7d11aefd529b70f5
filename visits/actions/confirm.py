"""What people above the visitor decide about a door: unreachable, empty, moved, or go once more."""

from __future__ import annotations

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from households.models import Household
from outreach import access, audit, calendar
from outreach.access import Permission
from outreach.models import Campaign, User
from visits.actions.rollup import roll_up_assignment
from visits.attempts import State
from visits.models import Assignment, VisitStandard


def _lock(assignment: Assignment, by: User) -> Assignment:
    access.demand(by, Permission.UNREACHABLE_CONFIRM)
    mine = Assignment.objects.visible_to(by).get(pk=assignment.pk)
    # All duties of the door, in one order, before anything of the household: two people deciding about one household
    # in two campaigns would else each wait for what the other holds.
    _duties_at(mine.household_id)
    return (
        Assignment.objects.visible_to(by)
        .select_for_update(of=("self",))
        .select_related("campaign", "household")
        .get(pk=assignment.pk)
    )


def _duties_at(household: int) -> list[Assignment]:
    """Lock the household's duties in running campaigns and return them."""
    duties = Assignment.objects.select_for_update(of=("self",)).select_related("campaign")
    return list(duties.filter(household=household, campaign__state=Campaign.State.OPEN).order_by("pk"))


@transaction.atomic
def confirm_unreachable(*, assignment: Assignment, by: User) -> None:
    """Call the household unreachable in this campaign. The roster keeps it; a later meeting overrules this.

    Raises ValidationError where the standard's attempts, days and parts of the day are not reached, PermissionDenied
    without UNREACHABLE_CONFIRM, DoesNotExist out of reach.
    """
    locked = _lock(assignment, by)
    standard = VisitStandard.objects.in_force(locked.campaign)
    candidates = Assignment.objects.filter(pk=locked.pk)
    if standard is None or not candidates.unreachable_candidates(standard).exists():
        raise ValidationError(_("The attempts the visit standard asks for have not been made yet."))
    locked.unreachable_at, locked.unreachable_by = timezone.now(), by
    locked.save(update_fields=["unreachable_at", "unreachable_by"])
    roll_up_assignment(locked)
    audit.record("assignment.unreachable", locked, by=by, household=locked.household_id, attempts=locked.attempts)


@transaction.atomic
def confirm_off_roster(*, assignment: Assignment, roster_state: str, by: User) -> None:
    """Take a household that stands empty or has moved off the roster, in every running campaign.

    Raises ValidationError where no visitor reported it or `roster_state` is neither, PermissionDenied without
    UNREACHABLE_CONFIRM, DoesNotExist out of reach.
    """
    locked = _lock(assignment, by)
    if roster_state not in (Household.RosterState.VERIFIED_EMPTY, Household.RosterState.MOVED):
        raise ValidationError(_("Say whether the household is empty or has moved."))
    if locked.state != State.TO_CONFIRM:
        raise ValidationError(_("No visitor reported this household as empty or moved."))
    now = timezone.now()
    Household.objects.filter(pk=locked.household_id).update(roster_state=roster_state, updated_at=now)
    for duty in _duties_at(locked.household_id):
        roll_up_assignment(duty)
    audit.record("assignment.off_roster", locked, by=by, household=locked.household_id, roster_state=str(roster_state))


@transaction.atomic
def ask_recheck(*, assignment: Assignment, by: User) -> date:
    """Send the visitor once more to a household reported as empty or moved; returns the day by which.

    Raises ValidationError where it was not reported so, PermissionDenied without UNREACHABLE_CONFIRM, DoesNotExist
    out of reach.
    """
    locked = _lock(assignment, by)
    if locked.state != State.TO_CONFIRM:
        raise ValidationError(_("No visitor reported this household as empty or moved."))
    standard = VisitStandard.objects.in_force(locked.campaign)
    due_on = calendar.add_workdays(timezone.localdate(), standard.makeup_workdays if standard else 5)
    locked.recheck_at, locked.recheck_by, locked.recheck_due_on = timezone.now(), by, due_on
    locked.save(update_fields=["recheck_at", "recheck_by", "recheck_due_on"])
    roll_up_assignment(locked)
    audit.record("assignment.recheck", locked, by=by, household=locked.household_id, due_on=str(due_on))
    return due_on
