"""Correcting what an issue says: the one door, with a merge field by field and the difference in the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from households.models import Household
from issues import edits, facts, routing, workflow
from issues.actions.history import MAX_TEXT, append_event
from issues.actions.moving import ConflictError, lock
from issues.actions.opening import active_rules
from issues.actions.timing import limit_of, set_due_day, turn_clock
from issues.models import Category, Issue, IssueSegment, Kind
from issues.workflow import State
from outreach import access
from outreach.models import Unit, User


class EditConflictError(ConflictError):
    """Somebody else changed the same fields since the page was loaded; nothing was written. `clashes` names them."""

    def __init__(self, clashes: list[edits.Clash]) -> None:
        super().__init__(_("Somebody else changed the same fields in the meantime. Nothing was saved."))
        self.clashes = clashes


def editable_fields(issue: Issue, by: User) -> tuple[str, ...]:
    """Return the names of facts.FIELDS that `by` may correct now; `issue` comes with place and unit."""
    post = access.post_of(by)
    if post is None:
        return ()
    return edits.editable(
        state=issue.state,
        permissions=access.permissions_of(by),
        is_recorder=issue.recorded_by_id == by.pk,
        is_above=workflow.stands_on(
            workflow.Side.AREA, post_code=post.unit.code, place_code=issue.place.code, holder_code=issue.unit.code
        ),
        knows_resident=issue.shows_resident_to(by),
    )


@transaction.atomic
def correct_issue(
    *, issue: Issue, by: User, base: Mapping[str, Any], fields: Mapping[str, Any], note: str = ""
) -> Issue:
    """Correct what an issue says; returns it as it now is, unchanged where there is nothing to change.

    `fields` are plain values by the names of facts.FIELDS, `base` the values the person saw: a field that differs from
    neither is left alone, one changed by somebody else meanwhile stays theirs, and where both changed the same one
    EditConflictError is raised. What was there before stays in the history.

    Another category, kind or urgency gives another limit, counted from the same start. The unit that holds the issue
    cannot give itself a longer one. An issue nobody has dispatched yet is routed again by what it now says.

    Raises PermissionDenied for a field that is not this person's to correct, ValidationError (keyed by field).
    """
    locked = lock(issue)
    merged, clashes = edits.merge(base=base, theirs=facts.of(locked), mine=fields)
    if not set(merged) | {clash.name for clash in clashes} <= set(editable_fields(locked, by)):
        raise PermissionDenied(
            _("Only who recorded an issue corrects it until it is accepted, then who dispatches above.")
        )
    if clashes:
        raise EditConflictError(clashes)
    if not merged:
        return locked
    note = note.strip()
    check_values(locked, merged, note=note, by=by)
    before = before_correction(locked)
    set_values(locked, merged)
    if {"category", "kind", "is_urgent"} & set(merged):
        reclassify(locked, by=by)
    if locked.state == State.NEW:
        route_again(locked, at=timezone.now())
    store_correction(locked, before, by=by, note=note)
    return locked


def check_values(issue: Issue, merged: dict[str, Any], *, note: str, by: User) -> None:
    """Raise ValidationError, keyed by field, for every value that does not fit; text is stripped in place."""
    errors: dict[str, str] = {}
    if "text" in merged:
        merged["text"] = str(merged["text"]).strip()
        if not merged["text"] or len(merged["text"]) > MAX_TEXT or "\x00" in merged["text"]:
            errors["text"] = _("Write what the resident said, in at most %(count)d characters.") % {"count": MAX_TEXT}
    if merged.get("kind", issue.kind) not in Kind.values:
        errors["kind"] = _("Choose one of the kinds.")
    if "category" in merged and not Category.objects.filter(pk=merged["category"], is_active=True).exists():
        errors["category"] = _("This category is no longer in use. Choose another.")
    if "place" in merged:
        places = Unit.objects.visible_to(by).active().exclude(kind=Unit.Kind.DEPARTMENT)
        place = places.filter(pk=merged["place"]).first()
        if place is None or place.district_code != issue.place.district_code:
            errors["place"] = _("Choose a place: a village, a township or the district.")
    household = merged.get("household", issue.household_id)
    if household is not None and ("household" in merged or "place" in merged) and "place" not in errors:
        reach = Household.objects.visible_to(by) if "household" in merged else Household.objects.all()
        if not reach.filter(pk=household, village=merged.get("place", issue.place_id)).exists():
            errors["household"] = _("The household does not belong to this place.")
    if len(note) > MAX_TEXT or "\x00" in note:
        errors["note"] = _("Write a note of at most %(count)d characters.") % {"count": MAX_TEXT}
    if errors:
        raise ValidationError(errors)


def set_values(issue: Issue, merged: Mapping[str, Any]) -> None:
    """Set the checked values on `issue` (unsaved)."""
    for name, value in merged.items():
        setattr(issue, facts.FIELDS[name], value)


def reclassify(issue: Issue, *, by: User) -> None:
    """Give `issue` (unsaved) the limit of what it now is; the start of the clock and granted time stay.

    Raises ValidationError (category) where a unit would give itself more time.
    """
    limit = limit_of(category=issue.category, kind=issue.kind, is_urgent=issue.is_urgent)
    post = access.post_of(by)
    if limit > issue.limit_workdays and issue.dispatched_at is not None and post and post.unit_id == issue.unit_id:
        message = _(
            "Your own unit handles this issue: %(days)d working days instead of %(before)d must come from above."
        )
        raise ValidationError({"category": message % {"days": limit, "before": issue.limit_workdays}})
    issue.limit_workdays = limit
    set_due_day(issue, segments=IssueSegment.objects.filter(issue=issue))


def route_again(issue: Issue, *, at: datetime) -> None:
    """Send an issue nobody dispatched yet (unsaved) where the rules send what it now says, as when it was recorded."""
    route = routing.choose(active_rules(), category=issue.category, place=issue.place, kind=issue.kind, text=issue.text)
    issue.unit, issue.rule, issue.rule_text = route.unit, route.rule, route.why
    if route.rule is not None:
        issue.state, issue.dispatched_at = State.ASSIGNED, at
    turn_clock(issue, at=at)


@dataclass(frozen=True)
class Before:
    """An issue as it stood before a correction, as far as the history tells it."""

    facts: facts.Facts
    clock: dict[str, Any]
    state: str
    unit: Unit


def before_correction(issue: Issue) -> Before:
    """Return what `issue`, locked, says now."""
    return Before(facts.of(issue), clock_of(issue), issue.state, issue.unit)


def store_correction(issue: Issue, before: Before, *, by: User, note: str) -> None:
    """Save a corrected issue under its next version, with the difference in its history."""
    issue.version += 1
    issue.save()
    append_event(
        issue,
        "edit",
        by=by,
        at=timezone.now(),
        from_state=before.state,
        from_unit=before.unit,
        note=note,
        detail=change_detail(before, issue),
    )


def clock_of(issue: Issue) -> dict[str, Any]:
    """Return what the history says of the deadline."""
    return {"limit": issue.limit_workdays, "due_on": issue.due_on.isoformat()}


def change_detail(before: Before, issue: Issue) -> dict[str, Any]:
    """Return what a step's detail says of a correction: each changed field and, where it turned, the deadline, as
    [old, new]."""
    after, clock = facts.of(issue), clock_of(issue)
    changes = {name: [before.facts[name], value] for name, value in after.items() if value != before.facts[name]}
    turned = {name: [old, clock[name]] for name, old in before.clock.items() if old != clock[name]}
    return {**({"changes": changes} if changes else {}), **({"clock": turned} if turned else {})}
