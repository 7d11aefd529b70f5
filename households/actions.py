"""What changes households and residents outside of an import: keyword-only, atomic, by whom, recorded."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from households.doors import door_key
from households.idnumber import decrypt
from households.models import Category, Household, Resident, ResidentChange
from households.roster import apply, clean, relations
from outreach import access, audit
from outreach.access import Permission
from outreach.models import User
from outreach.pinyin import initials

# what a correction written down at the door may hold
CORRECTABLE = {
    "name": gettext_lazy("Full name"),
    "relation": gettext_lazy("Relation"),
    "phone": gettext_lazy("Phone"),
    "second_phone": gettext_lazy("Second phone"),
}


@transaction.atomic
def edit_household(*, household: Household, by: User, **values: object) -> None:
    """Set the household's own fields (group, address, number, phone, best_time, note, categories, roster_state)."""
    access.demand(by, Permission.HOUSEHOLD_EDIT)
    household = Household.objects.select_for_update(no_key=True).get(pk=household.pk)
    changed = sorted(name for name, value in values.items() if getattr(household, name) != value)
    if not changed:
        return
    for name in changed:
        setattr(household, name, values[name])
    household.door_key = door_key(household.group, household.address, household.number)
    priorities = Category.objects.filter(code__in=household.categories).values_list("priority", flat=True)
    household.priority = max(priorities, default=0)
    household.updated_at = timezone.now()
    household.save()
    audit.record("household.edit", household, by=by, fields=changed)


@transaction.atomic
def set_do_not_visit(*, household: Household, reason: str, by: User) -> None:
    """Keep the household's wish not to be visited, with the reason it gave."""
    access.demand(by, Permission.HOUSEHOLD_EDIT)
    household.do_not_visit_reason = reason
    household.do_not_visit_at = household.updated_at = timezone.now()
    household.do_not_visit_by = by
    household.save(update_fields=["do_not_visit_reason", "do_not_visit_at", "do_not_visit_by", "updated_at"])
    audit.record("household.do_not_visit", household, by=by)


@transaction.atomic
def withdraw_do_not_visit(*, household: Household, by: User) -> None:
    """The household may be visited again."""
    access.demand(by, Permission.HOUSEHOLD_EDIT)
    household.do_not_visit_reason = ""
    household.do_not_visit_at = household.do_not_visit_by = None
    household.updated_at = timezone.now()
    household.save(update_fields=["do_not_visit_reason", "do_not_visit_at", "do_not_visit_by", "updated_at"])
    audit.record("household.may_visit", household, by=by)


@transaction.atomic
def mark_missing(*, households: list[int], residents: list[int], by: User) -> tuple[int, int]:
    """Mark households that a file lacks as moved away, and residents as no longer living here. Returns both counts.

    Rows out of the user's reach, or already marked, are left alone. Nothing is deleted.
    """
    access.demand(by, Permission.ROSTER_IMPORT)
    apply.take_turn()
    now = timezone.now()
    doors = Household.objects.filter(pk__in=Household.objects.visible_to(by).in_residence().filter(pk__in=households))
    people = Resident.objects.filter(pk__in=Resident.objects.visible_to(by).filter(pk__in=residents, lives_here=True))
    moved = doors.update(roster_state=Household.RosterState.MOVED, updated_at=now)
    left = people.update(lives_here=False, updated_at=now)
    if moved or left:
        audit.record("roster.missing_marked", "households.household", by=by, households=moved, residents=left)
    return moved, left


@transaction.atomic
def reveal_id_number(*, resident: Resident, reason: str, by: User) -> str:
    """Return the resident's whole ID number, and record that and why it was looked at."""
    access.demand(by, Permission.ID_NUMBER_REVEAL)
    audit.record("id_number.reveal", resident, by=by, household=resident.household_id, reason=reason)
    return decrypt(resident.id_number_encrypted)


@transaction.atomic
def decide_change(*, change: ResidentChange, accept: bool, by: User, reason: str = "") -> None:
    """Accept a correction, which writes it to the roster, or refuse it with a reason.

    Raises ValidationError where somebody decided already, or where the roster cannot take what was written down.
    """
    access.demand(by, Permission.RESIDENT_CHANGE_DECIDE)
    change = ResidentChange.objects.select_for_update(of=("self",)).select_related("household").get(pk=change.pk)
    if change.state != ResidentChange.State.WAITING:
        raise ValidationError(_("Somebody decided on this correction already."))
    if accept:
        _write_change(change)
    elif not reason:
        raise ValidationError(_("Say why the correction is refused."))
    change.state = ResidentChange.State.ACCEPTED if accept else ResidentChange.State.REFUSED
    change.decided_at = timezone.now()
    change.decided_by = by
    change.reason = reason
    change.save(update_fields=["state", "decided_at", "decided_by", "reason"])
    audit.record(f"resident_change.{'accept' if accept else 'refuse'}", change, by=by, household=change.household_id)


def _write_change(change: ResidentChange) -> None:
    household = Household.objects.select_for_update(no_key=True).get(pk=change.household_id)
    resident = change.resident or Resident(household=household, relation=Resident.Relation.OTHER)
    was_head = resident.is_head
    for name, value in change.changes.items():
        if name not in CORRECTABLE or not isinstance(value, str):
            raise ValidationError(_("The correction holds something the roster has no place for."))
        setattr(resident, name, _clean_value(name, value))
    if not resident.name:
        raise ValidationError(_("A new resident needs a name."))
    others = household.residents.exclude(pk=resident.pk)
    if resident.is_head and not was_head and others.filter(relation=Resident.Relation.HEAD).exists():
        raise ValidationError(_("The household has a head already. Change the old head's relation first."))
    if was_head and not resident.is_head:
        raise ValidationError(_("A household needs a head. Make another resident the head first."))
    resident.pinyin = initials(resident.name)
    resident.updated_at = household.updated_at = timezone.now()
    resident.save()
    if resident.is_head:
        household.head_name, household.head_pinyin = resident.name, resident.pinyin
        household.phone = resident.phone or household.phone
    household.save(update_fields=["head_name", "head_pinyin", "phone", "updated_at"])


def _clean_value(name: str, value: str) -> str:
    """Return a corrected field's value as the roster keeps it. Raises ValidationError."""
    if name == "name":
        plain, good = clean.name(value)
        if not plain or not good:
            raise ValidationError(_("This is not a name."))
        return plain
    if name in ("phone", "second_phone"):
        numbers, good = clean.phones(value)
        if not good or len(numbers) > 1:
            raise ValidationError(_("This is not a phone number."))
        return numbers[0] if numbers else ""
    if value in Resident.Relation.values:
        return value
    return relations.code_of(clean.text(value)) or relations.OTHER
