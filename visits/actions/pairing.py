"""Lasting pairs of staff and households, across campaigns (结对)."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from households.models import Household, Pairing
from outreach import access, audit
from outreach.access import Permission
from outreach.models import User


@transaction.atomic
def pair_household(*, household: Household, user: User, by: User) -> Pairing:
    """Pair a member of staff with a household from today on; pairing them twice changes nothing.

    The caller has loaded `household` through `visible_to(by)` and `user` among the candidates. Raises PermissionDenied
    without HOUSEHOLD_ASSIGN, ValidationError where the account is switched off.
    """
    access.demand(by, Permission.HOUSEHOLD_ASSIGN)
    if not user.is_active:
        raise ValidationError(_("This account is switched off."))
    pairing, created = Pairing.objects.get_or_create(household=household, user=user, ended_on=None)
    if created:
        audit.record("pairing.start", pairing, by=by, household=household.pk, user=user.pk)
    return pairing


@transaction.atomic
def end_pairing(*, pairing: Pairing, by: User) -> None:
    """End a pairing today; it stays on record. Raises PermissionDenied without HOUSEHOLD_ASSIGN."""
    access.demand(by, Permission.HOUSEHOLD_ASSIGN)
    if Pairing.objects.filter(pk=pairing.pk, ended_on=None).update(ended_on=timezone.localdate()):
        audit.record("pairing.end", pairing, by=by, household=pairing.household_id, user=pairing.user_id)
