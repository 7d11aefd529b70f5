"""Opening an issue: checked, numbered, routed, given a due day, and dispatched where a rule says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from households.models import Household
from issues import attachments, facts, routing
from issues.actions.files import files_detail, store_files
from issues.actions.history import MAX_TEXT, append_event
from issues.actions.resident_codes import new_code
from issues.actions.telling import tell_resident
from issues.actions.timing import begin_segment, limit_of, set_due_day
from issues.models import Category, Issue, Kind, RoutingRule
from issues.workflow import State
from outreach import access
from outreach.access import Permission
from outreach.models import Campaign, Unit, User


@transaction.atomic
def open_issue(
    *,
    by: User,
    category: Category,
    kind: str,
    text: str,
    place: Unit,
    household: Household | None = None,
    campaign: Campaign | None = None,
    is_urgent: bool = False,
    photos: Sequence[UploadedFile] = (),
) -> Issue:
    """Record an issue, route it and give it a due day. Where a rule matches it is dispatched at once (assigned);
    else the township of the place holds it (new) until a person dispatches it.

    The caller has loaded `household` and `place` through `visible_to(by)`. Raises PermissionDenied without
    ISSUE_OPEN, ValidationError (keyed by argument) for what does not fit together.
    """
    access.demand(by, Permission.ISSUE_OPEN)
    text = text.strip()
    check_issue(
        category=category, kind=kind, text=text, place=place, household=household, campaign=campaign, photos=photos
    )
    try:
        clean = attachments.clean_photos(photos)
    except ValidationError as error:
        raise ValidationError({"photos": error.messages}) from error
    now = timezone.now()
    route = routing.choose(active_rules(), category=category, place=place, kind=kind, text=text)
    issue = Issue(
        number=next_number(now),
        kind=kind,
        category=category,
        text=text,
        is_urgent=is_urgent,
        place=place,
        household=household,
        campaign=campaign,
        state=State.NEW if route.rule is None else State.ASSIGNED,
        unit=route.unit,
        rule=route.rule,
        rule_text=route.why,
        limit_workdays=limit_of(category=category, kind=kind, is_urgent=is_urgent),
        due_on=timezone.localdate(now),
        recorded_at=now,
        recorded_by=by,
        dispatched_at=None if route.rule is None else now,
    )
    set_due_day(issue, segments=())
    issue.due_version = 1
    issue.save(force_insert=True)
    begin_segment(issue, at=now)
    event = append_event(
        issue,
        "open",
        by=by,
        at=now,
        from_state="",
        from_unit=None,
        note=route.why,
        detail={"facts": facts.of(issue), **files_detail(clean)},
        is_first=True,
    )
    store_files(event, clean)
    new_code(issue=issue).save(force_insert=True)
    tell_resident(issue, event)
    return issue


def take_turn(*, by: User) -> None:
    """Wait until no other request of `by` is recording an issue, and keep others waiting until the transaction ends: so
    the second of two clicks sees what the first recorded. Other people, and visits, wait for nobody."""
    User.objects.select_for_update(no_key=True).values_list("pk").get(pk=by.pk)


def check_issue(
    *,
    category: Category,
    kind: str,
    text: str,
    place: Unit,
    household: Household | None,
    campaign: Campaign | None,
    photos: Sequence[UploadedFile],
) -> None:
    """Raise ValidationError, keyed by argument, for every part of a new issue that does not fit."""
    errors: dict[str, str] = {}
    if not text or len(text) > MAX_TEXT or "\x00" in text:
        errors["text"] = _("Write what the resident said, in at most %(count)d characters.") % {"count": MAX_TEXT}
    if kind not in Kind.values:
        errors["kind"] = _("Choose one of the kinds.")
    if not category.is_active:
        errors["category"] = _("This category is no longer in use. Choose another.")
    if not place.is_active or place.kind == Unit.Kind.DEPARTMENT:
        errors["place"] = _("Choose a place: a village, a township or the district.")
    if household is not None and household.village_id != place.pk:
        errors["household"] = _("The household does not belong to this place.")
    if campaign is not None and not place.code.startswith(campaign.district.code):
        errors["campaign"] = _("The campaign belongs to another district.")
    if errors:
        raise ValidationError(errors)


def active_rules() -> list[RoutingRule]:
    """Load the rules in use, in order, with all that matching needs."""
    return list(RoutingRule.objects.filter(is_active=True).select_related("category", "area", "unit"))


def next_number(now: datetime) -> str:
    """Return the next number: the year and a count that never repeats, 2026000123."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('issues_issue_number')")
        return f"{timezone.localdate(now).year}{cursor.fetchone()[0]:06d}"
