"""What somebody who was asked in a survey wants done, and agreed to have written down: an issue, or a visit.

The text is typed anew; nothing of the answers goes with it. Without consent nothing is recorded here at all.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

import issues.actions
from households.models import Household
from issues.models import Category
from outreach import access, calendar
from outreach.access import Permission
from outreach.models import Unit, User
from surveys.actions import calling
from surveys.models import Drawn
from visits.models import FollowUp, WishReceipt

MAX_TEXT = 500
VISIT_WITHIN_WORKDAYS = 5
VISIT = "visit"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be recorded. `category` is None for a visit."""

    text: str
    category: Category | None


def read(data: Any, *, by: User) -> Wish | None:
    """Read {consent: true, category: code or "visit", text}; None where there is none. Raises ValidationError: without
    consent, without a text, of a kind that does not exist or that `by` may not record."""
    if data is None:
        return None
    if not isinstance(data, dict) or data.get("consent") is not True:
        raise ValidationError(_("Without the respondent's consent nothing is written down."))
    text = data.get("text")
    text = text.strip() if isinstance(text, str) else ""
    if not text or len(text) > MAX_TEXT:
        raise ValidationError(_("Write in one or two sentences what they would like: at most 500 characters."))
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValidationError(_("The text contains a character that cannot be stored."))
    code = data.get("category")
    if code == VISIT:
        return Wish(text, None)
    is_code = isinstance(code, str) and len(code) <= 20 and "\x00" not in code
    category = Category.objects.filter(code=code, is_active=True).first() if is_code else None
    if category is None:
        raise ValidationError(_("Choose what kind of problem it is."))
    if not access.has_permission(by, Permission.ISSUE_OPEN):
        raise ValidationError(_("Your post does not report issues: ask for a visit instead."))
    return Wish(text, category)


def check(*, wish: Wish, household: Household | None) -> None:
    """Raise ValidationError where a visit is asked for that nobody may make."""
    if wish.category is not None:
        return
    if household is None:
        raise ValidationError(_("No household is known here: record it as an issue."))
    if household.is_do_not_visit:
        raise ValidationError(_("This household asked not to be visited. Record what they want as an issue."))


def _record(*, wish: Wish, household: Household | None, unit: Unit, by: User) -> str:
    """Open the issue or ask for the visit; returns the issue's number, "" for a visit. Raises ValidationError."""
    if wish.category is not None:
        issue = issues.actions.open_issue(
            by=by, category=wish.category, kind=wish.category.kind, text=wish.text, place=unit, household=household
        )
        return issue.number
    check(wish=wish, household=household)
    assert household is not None  # just checked
    due_on = calendar.add_workdays(timezone.localdate(), VISIT_WITHIN_WORKDAYS)
    FollowUp.objects.create(household=household, text=wish.text, due_on=due_on, asked_by=by)
    return ""


@transaction.atomic
def record_once(*, wish: Wish, number: uuid.UUID, household: Household, by: User) -> str:
    """Record a wish heard at the door, once for a sending's number; "" the second time. Raises ValidationError."""
    access.demand(by, Permission.SURVEY_ASK)
    digest = hashlib.sha256(b"wish" + number.bytes).hexdigest()
    _kept, is_new = WishReceipt.objects.get_or_create(pk=digest)
    return _record(wish=wish, household=household, unit=household.village, by=by) if is_new else ""


@transaction.atomic
def end_call(*, by: User, wish: Wish | None) -> str:
    """End one's own case at the phone desk after its answers were taken, and record what they want with it, both or
    neither; returns the issue's number, or "". Raises ValidationError."""
    case: Drawn = calling.end_case(by=by)
    return _record(wish=wish, household=case.household, unit=case.unit, by=by) if wish else ""
