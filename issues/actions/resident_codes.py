"""Giving out, finding and withdrawing the codes of residents' pages."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from households.models import Household
from issues import codes
from issues.models import Issue, ResidentCode
from outreach import access, audit
from outreach.access import Permission
from outreach.models import User


def new_code(*, issue: Issue | None = None, household: Household | None = None) -> ResidentCode:
    """Return an unsaved code of one of the two."""
    code = codes.make()
    return ResidentCode(issue=issue, household=household, digest=codes.digest(code), sealed=codes.seal(code))


def code_of_issue(issue: Issue) -> ResidentCode:
    """Return the code of `issue`, made where it has none: one is made when it is recorded."""
    return _code(issue=issue)


def _code(*, issue: Issue | None = None, household: Household | None = None) -> ResidentCode:
    live = ResidentCode.objects.filter(issue=issue, household=household, withdrawn_at=None)
    if (found := live.first()) is None:
        # two who print at once: the constraint lets one through, and both read that one
        ResidentCode.objects.bulk_create([new_code(issue=issue, household=household)], ignore_conflicts=True)
        found = live.get()
    return found


def may_print_code(issue: Issue, user: User) -> bool:
    """May the user print the code of an issue he sees? Who recorded it, and who keeps the roster there: but nobody of
    the unit that handles it or reported it done, who could then answer in the resident's place."""
    post = access.post_of(user)
    if post is None or not issue.shows_resident_to(user):
        return False
    if issue.recorded_by_id == user.pk and issue.done_by_id != user.pk:
        return True
    keeps_roster = access.has_permission(user, Permission.HOUSEHOLD_EDIT)
    return keeps_roster and post.unit_id not in (issue.unit_id, issue.done_by_unit_id)


@transaction.atomic
def print_issue_code(*, issue: Issue, by: User) -> ResidentCode:
    """Return the code of `issue` for printing, on record. Raises PermissionDenied unless may_print_code."""
    if not may_print_code(issue, by):
        raise PermissionDenied("the code of this issue")
    code = code_of_issue(issue)
    audit.record("resident_code.print", issue, by=by, count=1)
    return code


@transaction.atomic
def print_household_codes(*, households: Sequence[Household], by: User) -> dict[int, ResidentCode]:
    """Return the codes of `households`, which the caller loaded through visible_to(by), by household, on record."""
    access.demand(by, Permission.VISIT_RECORD)
    wanted = [household.pk for household in households]
    live = ResidentCode.objects.filter(household__in=wanted, withdrawn_at=None)
    known = set(live.values_list("household_id", flat=True))
    made = [new_code(household=household) for household in households if household.pk not in known]
    ResidentCode.objects.bulk_create(made, ignore_conflicts=True)
    found = {code.household_id: code for code in live.all() if code.household_id is not None}
    audit.record("resident_code.print", "households.household", by=by, count=len(found))
    return found


@transaction.atomic
def renew_issue_code(*, issue: Issue, by: User) -> ResidentCode:
    """Withdraw the code of `issue`, because it was lost or seen by others, and return a new one, on record."""
    if not may_print_code(issue, by):
        raise PermissionDenied("the code of this issue")
    ResidentCode.objects.filter(issue=issue, withdrawn_at=None).update(withdrawn_at=timezone.now(), withdrawn_by=by)
    code = code_of_issue(issue)
    audit.record("resident_code.renew", issue, by=by)
    return code


@transaction.atomic
def renew_household_code(*, household: Household, by: User) -> ResidentCode:
    """Withdraw the code of `household`, because the card was lost, and return a new one, on record."""
    access.demand(by, Permission.HOUSEHOLD_EDIT)
    live = ResidentCode.objects.filter(household=household, withdrawn_at=None)
    live.update(withdrawn_at=timezone.now(), withdrawn_by=by)
    code = _code(household=household)
    audit.record("resident_code.renew", household, by=by)
    return code


def find_code(digest: str) -> ResidentCode | None:
    """Return the code in force with this digest, or None."""
    return ResidentCode.objects.filter(digest=digest, withdrawn_at=None).first()
