"""Taking in what a phone kept while it had no signal: visits and survey answers, each with a receipt of its own."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from households.models import Household
from outreach import access, audit
from outreach.access import Permission
from outreach.models import User
from surveys.actions import asking
from surveys.answers import AnswerErrors
from surveys.models import AgeBand, Channel, Round, Sex
from surveys.questionnaire import iso_date
from visits.actions import wishes
from visits.actions.record import Receipt, Result, record_visit
from visits.payload import PayloadError, parse

MAX_BATCH = 50


def take_item(*, by: User, item: Any, clock_offset: timedelta | None = None) -> Receipt:
    """Take one item of a batch: {"kind": "visit", "visit": …} or {"kind": "answers", "answers": …}.

    Whatever is wrong with it is in the receipt; no item holds up another. Raises PermissionDenied where the post may
    not record visits at all.
    """
    if isinstance(item, Mapping) and item.get("kind") == "answers":
        return take_survey(by=by, data=item.get("answers"))
    if isinstance(item, Mapping) and item.get("kind") == "visit":
        return take_visit(by=by, raw=item.get("visit"), clock_offset=clock_offset)
    return Receipt("", Result.REFUSED, "unknown_kind", _("This entry cannot be read: update the page."), "kind")


def take_visit(*, by: User, raw: Any, clock_offset: timedelta | None = None) -> Receipt:
    """Take one visit as JSON."""
    try:
        return record_visit(by=by, payload=parse(raw), clock_offset=clock_offset)
    except PayloadError as error:
        return Receipt(_name(raw, "uuid"), Result.REFUSED, error.code, str(error.message), error.field)


def take_survey(*, by: User, data: Any) -> Receipt:
    """Take one person's answers, asked at the door. Of an anonymous round neither the household nor the visit is kept.

    The household is named so that the place is known, and is checked like a visit's; only its village goes further. A
    wish, given with the respondent's consent, becomes an issue or a visit asked for; it is no part of the answers.
    """
    access.demand(by, Permission.SURVEY_ASK)
    name = _name(data, "number")
    if not isinstance(data, Mapping):
        return Receipt("", Result.REFUSED, "wrong_type", _("These answers cannot be read."))
    try:
        number = uuid.UUID(name)
    except ValueError:
        return Receipt(name, Result.REFUSED, "bad_number", _("These answers cannot be read."), "number")
    survey_round = _of(Round.objects.visible_to(by).select_related("district"), data.get("round"))
    if survey_round is None:
        return Receipt(name, Result.REFUSED, "unknown_round", _("There is no such survey."), "round")
    household = _of(Household.objects.visible_to(by).select_related("village"), data.get("household"))
    if household is None:
        return Receipt(name, Result.REFUSED, "not_yours", _("This household is not on your list."), "household")
    try:
        wish = wishes.read(data.get("wish"), by=by)
        if wish:
            wishes.check(wish=wish, household=household)
    except ValidationError as error:
        return Receipt(name, Result.REFUSED, "bad_wish", " ".join(error.messages), "wish")
    try:
        taken = asking.take_answers(
            survey_round=survey_round,
            number=number,
            given=data.get("answers"),
            channel=Channel.DOOR,
            respondent=asking.Respondent(
                unit=household.village,
                sex=_one_of(data.get("sex"), Sex.values),
                age_band=_one_of(data.get("age_band"), AgeBand.values),
            ),
            seconds=data.get("seconds") if isinstance(data.get("seconds"), Mapping) else {},
            is_assisted=data.get("assisted") is not False,
            answered_on=_day(data.get("answered_on")),
            named=None if survey_round.is_anonymous else asking.Named(household, _uuid(data.get("visit"))),
            by=None if survey_round.is_anonymous else by,
        )
    except AnswerErrors as error:
        field, message = next(iter(error.problems.items()))
        return Receipt(name, Result.REFUSED, "bad_answers", message, field)
    except ValidationError as error:
        return Receipt(name, Result.REFUSED, "not_taken", " ".join(error.messages))
    try:
        # in a transaction of its own: nothing written beside the answers may name the household
        opened = wishes.record_once(wish=wish, number=number, household=household, by=by) if wish else ""
    except ValidationError as error:
        return Receipt(name, Result.REFUSED, "bad_wish", " ".join(error.messages), "wish")
    result = Result.STORED if taken == asking.Taken.STORED else Result.ALREADY
    return Receipt(name, result, issues=(opened,) if opened else ())


def _name(data: Any, key: str) -> str:
    value = data.get(key) if isinstance(data, Mapping) else None
    return value[:36] if isinstance(value, str) else ""


def _of(rows: Any, pk: Any) -> Any:
    is_number = isinstance(pk, int) and not isinstance(pk, bool) and 0 < pk < 2**63
    return rows.filter(pk=pk).first() if is_number else None


def _one_of(value: Any, values: list[str]) -> str:
    return value if isinstance(value, str) and value in values else ""


def _uuid(value: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _day(value: Any) -> date:
    return iso_date(value) or timezone.localdate()


@transaction.atomic
def note_queue_file(*, author: User, receipts: list[Receipt], by: User) -> None:
    """Write down that an administrator handed in the queue of somebody's phone, with how many of what result."""
    counts = {result.name.lower(): sum(one.result == result for one in receipts) for result in Result}
    audit.record("queue.upload", author, by=by, rows=len(receipts), **counts)
