"""Taking answers: opening and ending a round, receiving a sending once, storing anonymous ones among others."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from households.models import Household
from outreach import access, audit
from outreach.access import Permission
from outreach.models import Unit, User
from surveys import answers, quality, tallying
from surveys.models import Receipt, Response, Round, Waiting
from surveys.questionnaire import Content

# So many anonymous answers are stored together at least, so that none can be told by when it came.
TOGETHER = 5
MAX_SECONDS = 3600


class Taken(StrEnum):
    """What became of a sending."""

    STORED = "stored"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class Respondent:
    """What is known of who answered: nothing that leads to the person."""

    unit: Unit  # the village or township lived in
    sex: str = ""
    age_band: str = ""
    stratum: str = ""
    cluster: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Named:
    """For a round that is not anonymous: whose answers these are, and the visit they were given at."""

    household: Household | None = None
    visit_uuid: uuid.UUID | None = None


@transaction.atomic
def save_round(*, values: Round, by: User) -> Round:
    """Store a new round, or one in preparation. Raises ValidationError."""
    access.demand(by, Permission.SURVEY_EDIT)
    if values.pk:
        kept = Round.objects.visible_to(by).select_for_update().get(pk=values.pk)
        if kept.state != Round.State.DRAFT:
            raise ValidationError(_("This round has begun: only its last day may be changed."))
    if values.version.published_at is None:
        raise ValidationError({"version": _("Publish the questionnaire first.")})
    values.created_by = values.created_by or by
    values.full_clean(exclude=["created_by", "district"])
    values.save()
    audit.record("round.save", values, by=by)
    return values


@transaction.atomic
def open_round(*, survey_round: Round, by: User) -> Round:
    """Let answers in. Raises ValidationError where the round has been open already."""
    locked = _lock(survey_round, by)
    if locked.state != Round.State.DRAFT:
        raise ValidationError(_("This round has begun already."))
    locked.state = Round.State.OPEN
    locked.save(update_fields=["state"])
    audit.record("round.open", locked, by=by)
    return locked


@transaction.atomic
def extend_round(*, survey_round: Round, ends_on: date, by: User) -> Round:
    """Set another last day for a round that is being asked. Raises ValidationError."""
    locked = _lock(survey_round, by)
    if locked.state != Round.State.OPEN:
        raise ValidationError(_("Only a round that is being asked can be prolonged."))
    locked.ends_on = ends_on
    locked.full_clean(exclude=["created_by", "district"])
    locked.save(update_fields=["ends_on"])
    audit.record("round.extend", locked, by=by, ends_on=ends_on)
    return locked


@transaction.atomic
def close_round(*, survey_round: Round, by: User) -> Round:
    """End a round: nothing more is taken, and what still waits is stored. Raises ValidationError."""
    locked = _lock(survey_round, by)
    if locked.state != Round.State.OPEN:
        raise ValidationError(_("Only a round that is being asked can end."))
    locked.state = Round.State.CLOSED
    locked.save(update_fields=["state"])
    _store(locked)
    audit.record("round.close", locked, by=by)
    return locked


def _lock(survey_round: Round, by: User) -> Round:
    access.demand(by, Permission.SURVEY_EDIT)
    return Round.objects.visible_to(by).select_for_update(of=("self",)).get(pk=survey_round.pk)


def monday(day: date) -> date:
    """Return the Monday of the day's week."""
    return day - timedelta(days=day.weekday())


def receipt_digest(number: uuid.UUID) -> str:
    """Return what a receipt keeps of a sending's random number."""
    return hashlib.sha256(number.bytes).hexdigest()


@transaction.atomic
def take_answers(
    *,
    survey_round: Round,
    number: uuid.UUID,
    given: Any,
    channel: str,
    respondent: Respondent,
    seconds: Mapping[str, Any] | None = None,
    is_assisted: bool = False,
    answered_on: date | None = None,
    named: Named | None = None,
    by: User | None = None,
) -> Taken:
    """Take one person's answers, once: a sending whose random number has a receipt is `already` here.

    `answered_on`: the day of answering, which may lie before today where the phone had no signal. Raises AnswerErrors
    item by item, and ValidationError where the round does not take them (closed, another channel, not its days).
    Whoever may ask is the caller's to check: a resident has no account.
    """
    # the row lock makes an ending round wait, so that nothing is taken after it ended
    kept = Round.objects.select_for_update(of=("self",), no_key=True).select_related("version").get(pk=survey_round.pk)
    digest = receipt_digest(number)
    if Receipt.objects.filter(pk=digest).exists():
        return Taken.ALREADY
    day = answered_on or timezone.localdate()
    if kept.state != Round.State.OPEN or not kept.starts_on <= day <= kept.ends_on or day > timezone.localdate():
        raise ValidationError(_("This survey is not being asked on that day."))
    if channel not in kept.channels:
        raise ValidationError(_("This survey is not asked in this way."))
    if not respondent.unit.code.startswith(kept.district.code):
        raise ValidationError(_("This place is not in the survey's district."))
    content = kept.version.parsed
    fields: dict[str, Any] = {
        "round": kept,
        "unit": respondent.unit,
        "channel": channel,
        "week": monday(day),
        "sex": respondent.sex,
        "age_band": respondent.age_band,
        "is_assisted": is_assisted,
        "answers": answers.clean(content, given),
        "seconds": clean_seconds(content, seconds or {}),
        "stratum": respondent.stratum,
        "cluster": respondent.cluster,
        "weight": respondent.weight,
    }
    Receipt.objects.create(digest=digest, round=kept)
    if kept.is_anonymous:
        waiting = Waiting(**fields)
        waiting.full_clean(validate_unique=False)
        waiting.save(force_insert=True)
    else:
        whose = named or Named()
        stored = Response.objects.create(
            **fields,
            flags=quality.flags(content, fields["answers"], fields["seconds"]),
            is_named=True,
            household=whose.household,
            visit_uuid=whose.visit_uuid,
            asked_by=by,
            answered_at=timezone.now(),
        )
        tallying.add(kept, [stored.pk])
    return Taken.STORED


def clean_seconds(content: Content, seconds: Mapping[str, Any]) -> dict[str, int]:
    """Return whole seconds by item, without what cannot be: times are a hint for checks, never a reason to refuse."""
    return {
        key: value
        for key, value in seconds.items()
        if key in content.by_key and type(value) is int and 0 <= value <= MAX_SECONDS
    }


@transaction.atomic
def store_waiting(*, survey_round: Round) -> int:
    """Store the anonymous answers that wait, where enough have come; returns how many. Safe to run twice at once."""
    locked = Round.objects.select_for_update(of=("self",), no_key=True).get(pk=survey_round.pk)
    if locked.state == Round.State.OPEN and Waiting.objects.filter(round=locked).count() < TOGETHER:
        return 0
    return _store(locked)


def store_all_waiting() -> int:
    """Store what waits in every round where enough have come, a transaction each; returns how many."""
    rounds = Round.objects.filter(pk__in=Waiting.objects.values("round"))
    return sum(store_waiting(survey_round=survey_round) for survey_round in rounds)


@transaction.atomic
def recount(*, survey_round: Round) -> None:
    """Count a round's answers anew, where the counts are not what the responses come to."""
    locked = (
        Round.objects.select_for_update(of=("self",), no_key=True).select_related("version").get(pk=survey_round.pk)
    )
    tallying.rebuild(locked)


COLUMNS = [field.name for field in Waiting._meta.get_fields() if field.name != "id"]


def _store(survey_round: Round) -> int:
    """Move all that waits to the responses: in random order, under new keys, so that neither tells which was which."""
    waiting = list(Waiting.objects.select_for_update(of=("self",)).filter(round=survey_round))
    random.SystemRandom().shuffle(waiting)
    content = survey_round.version.parsed
    same = quality.same([one.answers for one in waiting])
    stored = Response.objects.bulk_create(
        [
            Response(
                **{name: getattr(one, name) for name in COLUMNS},
                flags=quality.flags(content, one.answers, one.seconds) + [quality.Flag.SAME.value] * is_same,
            )
            for one, is_same in zip(waiting, same, strict=True)
        ],
        batch_size=500,
    )
    tallying.add(survey_round, [response.pk for response in stored])
    Waiting.objects.filter(pk__in=[one.pk for one in waiting]).delete()
    return len(waiting)
