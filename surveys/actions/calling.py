"""The phone desk: who is called next, what came of a call, and the end of a case.

How a case ended is not written to the case: only counted (CallTally), so that nobody can tell who answered. Answers are
taken by take_answers in a transaction of their own; nothing of the case goes with them but how it was drawn.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from households import idnumber
from households.models import Resident
from outreach import access
from outreach.access import Permission
from outreach.models import User
from surveys import sampling
from surveys.actions import asking
from surveys.models import CallAttempt, CallResult, CallTally, Channel, Draw, Drawn, Round

LEASE = timedelta(minutes=30)
MAX_CALLS = 5
MAX_PHONES = 5
ADULT_YEARS = 18
# after which a case stays open, and when it may be called again
AGAIN_AFTER = {
    CallResult.BUSY: timedelta(minutes=30),
    CallResult.NO_ANSWER: timedelta(hours=4),
    CallResult.BROKEN_OFF: timedelta(hours=24),
    CallResult.WRONG_NUMBER: timedelta(0),
}
ENDS = frozenset({CallResult.REFUSED, CallResult.UNABLE, CallResult.NOBODY_FIT})
APPOINTMENT_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call. `person` is the adult chosen by the next birthday, where the roster tells."""

    name: str
    phones: tuple[str, ...]
    person: str = ""


def contact_of(case: Drawn, today: date) -> Contact:
    """Return whom to call, from the roster or the sealed list. Empty where the household has gone."""
    if case.contact:
        kept = json.loads(idnumber.decrypt(case.contact))
        return Contact(kept["name"], tuple(kept["phones"][:MAX_PHONES]))
    if case.household is None:
        return Contact("", ())
    people = list(Resident.objects.filter(household=case.household))
    phones = [case.household.phone, *(phone for one in people for phone in (one.phone, one.second_phone))]
    adults = [(one.name, one.birth_on) for one in people if one.lives_here and _is_adult(one.birth_on, today)]
    # where one adult's birthday is unknown the choice would not be by chance: then the interviewer asks
    is_known = adults and all(born is not None for _name, born in adults)
    person = sampling.next_birthday(adults, today) if is_known else None
    return Contact(case.household.head_name, tuple(dict.fromkeys(filter(None, phones)))[:MAX_PHONES], person or "")


def _is_adult(born: date | None, today: date) -> bool:
    if born is None:
        return True
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day)) >= ADULT_YEARS


@transaction.atomic
def next_case(*, survey_round: Round, by: User) -> Drawn | None:
    """Lease the next case to `by` for LEASE: one's own first, then appointments due, then by turn. None where nobody
    is to be called now. Two callers never get the same one. Raises ValidationError where the round is not being asked.
    """
    access.demand(by, Permission.SURVEY_CALL)
    draw = Draw.objects.visible_to(by).filter(round=survey_round).select_related("round").get()
    _check_running(draw.round)
    now = timezone.now()
    # a lease that ran out is free for everybody; the caller's own row is locked so that two tabs get one case
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    own = Drawn.objects.select_for_update(of=("self",)).filter(leased_by=by).first()
    if own is not None:
        if own.draw_id == draw.pk and own.leased_until is not None and own.leased_until > now:
            return own
        _free(own)
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    due = (
        Drawn.objects.select_for_update(of=("self",), skip_locked=True)
        .open()
        .filter(free, draw=draw, call_after__lte=now)
    )
    case = due.order_by("-has_appointment", "turn").first()
    if case is None:
        return None
    case.leased_by, case.leased_until = by, now + LEASE
    case.save(update_fields=["leased_by", "leased_until"])
    return case


def _check_running(survey_round: Round) -> None:
    if not is_running(survey_round):
        raise ValidationError(_("This survey is not being asked by telephone just now."))


def is_running(survey_round: Round) -> bool:
    """May one call for this round today?"""
    today = timezone.localdate()
    return (
        survey_round.state == Round.State.OPEN
        and Channel.PHONE in survey_round.channels
        and survey_round.starts_on <= today <= survey_round.ends_on
    )


def _free(case: Drawn) -> None:
    case.leased_by, case.leased_until = None, None
    case.save(update_fields=["leased_by", "leased_until"])


def _own(by: User) -> Drawn:
    """Return the caller's case, locked. Raises ValidationError where the lease has run out."""
    access.demand(by, Permission.SURVEY_CALL)
    rows = Drawn.objects.visible_to(by).select_for_update(of=("self",)).select_related("draw__round", "unit")
    case = rows.first()
    if case is None:
        raise ValidationError(_("This call is no longer yours: half an hour has passed. Take the next one."))
    return case


@transaction.atomic
def give_back(*, by: User) -> None:
    """Let somebody else call: nothing is counted. Raises ValidationError where one holds no case."""
    _free(_own(by))


@transaction.atomic
def record_call(*, result: str, phone_number: int, by: User, call_again_at: datetime | None = None) -> bool:
    """Write down what came of a call to one's own case; returns whether the case is over.

    It is over with a refusal, when nobody there fits, and after MAX_CALLS calls. Raises ValidationError without an own
    case, for a time to call again that lies in the past, and for COMPLETE, which only end_case may say.
    """
    case = _own(by)
    code = CallResult(result)
    if code == CallResult.COMPLETE:
        raise ValidationError(_("An interview is over when its answers have been sent."))
    now = timezone.now()
    if code in ENDS:
        _end(case, code)
        return True
    is_soon = call_again_at is not None and now < call_again_at <= now + APPOINTMENT_WITHIN
    if code == CallResult.APPOINTMENT and not is_soon:
        raise ValidationError({"call_again_at": _("Say when to call again: a time within the next 30 days.")})
    phones = max(1, len(contact_of(case, timezone.localdate()).phones))
    wrong = set(case.attempts.filter(result=CallResult.WRONG_NUMBER).values_list("phone_number", flat=True))
    if code == CallResult.WRONG_NUMBER and len(wrong | {phone_number}) >= phones:
        _end(case, code)
        return True
    if case.calls + 1 >= MAX_CALLS and code != CallResult.APPOINTMENT:
        spoken = case.attempts.filter(result__in=[CallResult.APPOINTMENT, CallResult.BROKEN_OFF]).exists()
        _end(case, CallResult.APPOINTMENT if spoken and code != CallResult.BROKEN_OFF else code)
        return True
    CallAttempt.objects.create(drawn=case, result=code, phone_number=phone_number, by=by)
    case.calls = F("calls") + 1
    case.has_appointment = code == CallResult.APPOINTMENT
    case.call_after = call_again_at if call_again_at and case.has_appointment else now + AGAIN_AFTER[code]
    case.leased_by, case.leased_until = None, None
    case.save(update_fields=["calls", "has_appointment", "call_after", "leased_by", "leased_until"])
    return False


def take_call(
    *,
    number: uuid.UUID,
    given: Any,
    by: User,
    sex: str = "",
    age_band: str = "",
    seconds: Mapping[str, Any] | None = None,
) -> asking.Taken:
    """Take the answers of one's own case, in a transaction of their own; the case is ended by end_case afterwards.

    Of the case goes with them how it was drawn: the place, the design stratum or cluster, the weight. Raises
    ValidationError and AnswerErrors as take_answers, and without an own case.
    """
    with transaction.atomic():
        case = _own(by)
    method = case.draw.method
    return asking.take_answers(
        survey_round=case.draw.round,
        number=number,
        given=given,
        channel=Channel.PHONE,
        respondent=asking.Respondent(
            unit=case.unit,
            sex=sex,
            age_band=age_band,
            stratum=case.stratum if method == Draw.Method.STRATIFIED else "",
            cluster=case.cluster if method == Draw.Method.CLUSTERS else "",
            weight=case.weight,
        ),
        seconds=seconds,
        is_assisted=True,
        named=None if case.draw.round.is_anonymous else asking.Named(case.household),
        by=None if case.draw.round.is_anonymous else by,
    )


@transaction.atomic
def end_case(*, by: User) -> Drawn:
    """Say that one's own case is over because its answers were taken. Raises ValidationError without an own case."""
    case = _own(by)
    _end(case, CallResult.COMPLETE)
    return case


def _end(case: Drawn, result: CallResult) -> None:
    """Close the case without a word on how, and count how among the others of its stratum."""
    case.state, case.has_appointment = Drawn.State.OVER, False
    case.leased_by, case.leased_until, case.contact = None, None, ""
    case.save(update_fields=["state", "has_appointment", "leased_by", "leased_until", "contact"])
    tally, _new = CallTally.objects.select_for_update().get_or_create(
        draw_id=case.draw_id, stratum=case.stratum, result=result
    )
    tally.count += 1
    tally.save(update_fields=["count"])


def counts_by_result(draw: Draw) -> dict[str, int]:
    """Return how many cases ended in what way."""
    counts: dict[str, int] = {}
    for result, count in draw.tallies.values_list("result", "count"):
        counts[result] = counts.get(result, 0) + count
    return counts


def forget_contacts() -> int:
    """Delete the names and numbers of lists whose round has ended; returns of how many. Safe to run twice."""
    ended = Drawn.objects.filter(draw__round__state=Round.State.CLOSED)
    ended.exclude(leased_by=None).update(leased_by=None, leased_until=None)
    return ended.exclude(contact="").update(contact="")
