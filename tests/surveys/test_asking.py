"""Rounds: what is taken, once, and what of an anonymous answer remains."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from outreach.models import AuditEvent
from surveys.actions import asking, writing
from surveys.actions.asking import TOGETHER, Named, Respondent, Taken
from surveys.actions.writing import ConflictError
from surveys.answers import AnswerErrors
from surveys.models import Receipt, Response, Round, Version, Waiting
from surveys.questionnaire import ContentError
from surveys.tasks import store_waiting_answers
from tests.surveys.make import NOT_SAFE, SAFE, SAFETY, open_round, published, take

pytestmark = pytest.mark.django_db


def test_a_draft_saved_by_somebody_else_meanwhile_is_not_overwritten(cast):
    draft = writing.create_questionnaire(
        district=cast.district, name="安全感", content={"title": "x"}, by=cast.district_office
    )
    writing.save_draft(version=draft, content=SAFETY, saves=1, by=cast.district_office)
    with pytest.raises(ConflictError):
        writing.save_draft(version=draft, content={"title": "y"}, saves=1, by=cast.district_office)
    draft.refresh_from_db()
    assert (draft.content, draft.saves) == (SAFETY, 2)


def test_an_incomplete_draft_is_kept_but_not_published(cast):
    draft = writing.create_questionnaire(
        district=cast.district, name="安全感", content={"title": ""}, by=cast.district_office
    )
    with pytest.raises(ContentError):
        writing.publish(version=draft, saves=1, by=cast.district_office)
    draft.refresh_from_db()
    assert draft.published_at is None
    with pytest.raises(PermissionDenied):
        writing.publish(version=draft, saves=1, by=cast.township_admin)


def test_a_published_version_never_changes_and_the_next_one_begins_from_it(cast):
    version = published(cast)
    assert len(version.digest) == 64
    for change in ({"content": {}}, {"digest": "0" * 64}, {"published_by": None, "published_at": None, "digest": ""}):
        with pytest.raises(DatabaseError, match="is published"), transaction.atomic():
            Version.objects.filter(pk=version.pk).update(**change)
    with pytest.raises(DatabaseError, match="is published"), transaction.atomic():
        version.delete()
    with pytest.raises(ConflictError):
        writing.save_draft(version=version, content={}, saves=version.saves, by=cast.district_office)
    draft = writing.new_draft(version=version, by=cast.district_office)
    assert (draft.number, draft.content, draft.published_at) == (2, version.content, None)
    assert writing.new_draft(version=version, by=cast.district_office) == draft


def test_a_questionnaire_being_asked_is_not_retired(cast):
    survey_round = open_round(cast)
    whole = survey_round.version.questionnaire
    with pytest.raises(ValidationError):
        writing.retire(whole=whole, is_retired=True, by=cast.district_office)
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    writing.retire(whole=whole, is_retired=True, by=cast.district_office)
    whole.refresh_from_db()
    assert whole.is_retired


def test_answers_sent_twice_are_taken_once(cast):
    survey_round = open_round(cast)
    number = uuid.uuid4()
    assert take(survey_round, cast, number=number) == Taken.STORED
    assert take(survey_round, cast, NOT_SAFE, number=number) == Taken.ALREADY
    assert Waiting.objects.get().answers == SAFE
    assert Receipt.objects.count() == 1
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    assert take(survey_round, cast, number=number) == Taken.ALREADY  # also after the end: the phone may forget it
    assert Response.objects.count() == 1


@pytest.mark.parametrize(
    "values",
    [
        {"channel": "pigeon"},
        {"answered_on": timezone.localdate() + timedelta(days=1)},
        {"answered_on": timezone.localdate() - timedelta(days=11)},
        {"given": {"lives_here": "yes"}},
    ],
)
def test_what_does_not_fit_is_refused_and_may_be_sent_again(cast, values):
    survey_round = open_round(cast)
    number = uuid.uuid4()
    with pytest.raises((ValidationError, AnswerErrors)):
        take(survey_round, cast, number=number, **values)
    assert not Waiting.objects.exists() and not Receipt.objects.exists()
    assert take(survey_round, cast, number=number) == Taken.STORED


def test_a_round_not_open_takes_nothing(cast):
    survey_round = open_round(cast)
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    with pytest.raises(ValidationError):
        take(survey_round, cast)
    with pytest.raises(ValidationError):
        asking.open_round(survey_round=survey_round, by=cast.district_office)


def test_anonymous_answers_wait_until_several_have_come(cast):
    survey_round = open_round(cast)
    for number in range(TOGETHER):
        store_waiting_answers()
        assert (Waiting.objects.count(), Response.objects.count()) == (number, 0)
        take(survey_round, cast, SAFE if number % 2 else NOT_SAFE)
    store_waiting_answers()
    assert (Waiting.objects.count(), Response.objects.count()) == (0, TOGETHER)
    assert Response.objects.filter(answers=SAFE).count() == TOGETHER // 2
    store_waiting_answers()
    assert Response.objects.count() == TOGETHER


def test_the_end_of_a_round_stores_what_still_waits(cast):
    survey_round = open_round(cast)
    take(survey_round, cast)
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    assert (Waiting.objects.count(), Response.objects.count()) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_nothing_stored_leads_from_an_anonymous_answer_to_its_sending(cast):
    """An attacker with the whole database: keys, times, order, transactions, hashes and logs."""
    survey_round = open_round(cast)
    audited = AuditEvent.objects.count()
    sendings = []  # what the attacker knows of each sending: its number, its order, its transaction
    for position in range(40):
        number, words = uuid.uuid4(), f"第{position}人"
        take(survey_round, cast, SAFE | {"more": words}, number=number, by=cast.visitor)
        with connection.cursor() as cursor:
            cursor.execute("SELECT xmin::text FROM surveys_waiting ORDER BY xmin::text::bigint DESC LIMIT 1")
            sendings.append((words, number, cursor.fetchone()[0]))
    asking.store_waiting(survey_round=survey_round)

    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text, answers ->> 'more', xmin::text FROM surveys_response ORDER BY ctid")
        kept = cursor.fetchall()
        cursor.execute("SELECT row_to_json(receipt)::text FROM surveys_receipt receipt")
        receipts = "".join(row[0] for row in cursor.fetchall())
    assert len(kept) == 40
    ids = {pk for pk, _words, _xmin in kept}
    assert not ids & {str(number) for _words, number, _xmin in sendings}
    assert {xmin for *_rest, xmin in kept}.isdisjoint(xmin for *_rest, xmin in sendings)
    assert len({xmin for *_rest, xmin in kept}) == 1  # one transaction for all: it tells nothing of any
    assert [words for _pk, words, _xmin in kept] != [words for words, *_rest in sendings]  # 1 in 40! by chance
    assert sorted(kept, key=lambda row: row[0]) != [row for words, *_ in sendings for row in kept if row[1] == words]
    assert not any(pk in receipts or pk.replace("-", "") in receipts for pk in ids)
    assert not Waiting.objects.exists()
    response = Response.objects.first()
    assert (response.household, response.asked_by, response.visit_uuid, response.answered_at) == (None,) * 4
    assert response.week.weekday() == 0
    assert AuditEvent.objects.count() == audited


def test_the_database_refuses_a_name_on_an_anonymous_answer(cast):
    survey_round = open_round(cast)
    take(survey_round, cast)
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    response = Response.objects.get()
    for change in ({"asked_by": cast.visitor}, {"visit_uuid": uuid.uuid4()}, {"answered_at": timezone.now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Response.objects.filter(pk=response.pk).update(**change)
    with pytest.raises(DatabaseError, match="not changed"), transaction.atomic():
        Response.objects.filter(pk=response.pk).update(answers={})


def test_a_round_that_is_not_anonymous_keeps_who_asked_whom(cast):
    survey_round = open_round(cast, is_anonymous=False)
    visit = uuid.uuid4()
    take(survey_round, cast, named=Named(visit_uuid=visit), by=cast.visitor)
    response = Response.objects.get()
    assert (response.is_named, response.visit_uuid, response.asked_by) == (True, visit, cast.visitor)
    assert not Waiting.objects.exists()


def test_places_of_another_district_are_refused_and_reach_narrows_reading(cast):
    survey_round = open_round(cast)
    take(survey_round, cast, respondent=Respondent(unit=cast.luzhou))
    take(survey_round, cast, respondent=Respondent(unit=cast.shiqiao, sex="female", age_band="60+", weight=2.5))
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    assert Response.objects.visible_to(cast.township_admin).get().weight == 2.5
    assert Response.objects.visible_to(cast.district_office).count() == 2
    assert list(Round.objects.visible_to(cast.outside_admin)) == [survey_round]


def test_seconds_that_cannot_be_are_left_out(cast):
    survey_round = open_round(cast)
    take(survey_round, cast, seconds={"safe": 7, "more": -1, "lives_here": 1e9, "strange": 4, "worries": True})
    assert Waiting.objects.get().seconds == {"safe": 7}
