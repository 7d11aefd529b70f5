"""What somebody asked at the door wants done: only with consent, once, and apart from the answers."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from issues.models import Category, Issue
from surveys.models import Waiting
from tests.surveys.make import NOT_SAFE, open_round
from tests.visits.test_sync import send, visit
from visits.models import FollowUp, Visit, WishReceipt

pytestmark = pytest.mark.django_db


@pytest.fixture
def answers(round_, cast) -> dict[str, Any]:
    Category.objects.create(code="lamp", name="路灯")
    return {
        "number": str(uuid.uuid4()),
        "round": open_round(cast).pk,
        "household": round_.door.pk,
        "answers": NOT_SAFE,
        "wish": {"consent": True, "category": "lamp", "text": "门口路灯不亮"},
    }


def test_a_wish_with_consent_opens_an_issue_once_and_the_answers_know_nothing_of_it(round_, cast, login, answers):
    client = login(cast.visitor)
    [first] = send(client, {"kind": "answers", "answers": answers})
    issue = Issue.objects.get()
    assert (first["result"], first["issues"]) == ("stored", [issue.number])
    assert (issue.text, issue.household, issue.place) == ("门口路灯不亮", round_.door, round_.door.village)
    [again] = send(client, {"kind": "answers", "answers": answers})
    assert (again["result"], again["issues"]) == ("already", [])
    assert (Issue.objects.count(), Waiting.objects.count(), WishReceipt.objects.count()) == (1, 1, 1)
    kept = Waiting.objects.get()
    assert kept.answers == NOT_SAFE
    with connection.cursor() as cursor:
        for table in ("surveys_waiting", "surveys_receipt"):
            cursor.execute(f"SELECT t::text FROM {table} t")
            assert "路灯" not in cursor.fetchone()[0]
        for table in ("issues_issue", "visits_wishreceipt"):
            cursor.execute(f"SELECT t::text FROM {table} t")
            text = cursor.fetchone()[0]
            assert str(kept.pk) not in text and answers["number"] not in text


@pytest.mark.parametrize(
    "change", [{"consent": False}, {"consent": 1}, {"text": ""}, {"category": "gone"}, {"category": None}]
)
def test_without_consent_or_a_clear_wish_nothing_is_kept_and_the_phone_hears_why(cast, login, answers, change):
    answers["wish"] |= change
    [receipt] = send(login(cast.visitor), {"kind": "answers", "answers": answers})
    assert (receipt["result"], receipt["field"]) == ("refused", "wish") and receipt["message"]
    assert not Issue.objects.exists() and not Waiting.objects.exists() and not FollowUp.objects.exists()


def test_answers_without_a_wish_leave_only_counts(cast, login, answers):
    del answers["wish"]
    send(login(cast.visitor), {"kind": "answers", "answers": answers})
    assert Waiting.objects.count() == 1
    assert not Issue.objects.exists() and not FollowUp.objects.exists() and not WishReceipt.objects.exists()


def test_a_visit_asked_for_shows_on_the_phone_until_somebody_was_met(round_, cast, login, answers):
    client = login(cast.visitor)
    answers["wish"]["category"] = "visit"
    send(client, {"kind": "answers", "answers": answers})
    asked = FollowUp.objects.get()
    assert (asked.household, asked.text, asked.asked_by) == (round_.door, "门口路灯不亮", cast.visitor)
    url = reverse("visits:phone_data")
    assert client.get(url).json()["households"][0]["follow_up"] == {
        "text": "门口路灯不亮",
        "due_on": asked.due_on.isoformat(),
    }
    FollowUp.objects.update(asked_at=asked.asked_at.replace(year=asked.asked_at.year - 1))
    send(client, visit(round_.raw()))
    asked.refresh_from_db()
    assert asked.visit == Visit.objects.get()
    assert "follow_up" not in client.get(url).json()["households"][0]


def test_a_household_that_asked_not_to_be_visited_gets_no_visit(round_, cast, login, answers):
    round_.door.do_not_visit_at, round_.door.do_not_visit_by = round_.door.created_at, cast.district_office
    round_.door.do_not_visit_reason = "不便"
    round_.door.save()
    answers["wish"]["category"] = "visit"
    [receipt] = send(login(cast.visitor), {"kind": "answers", "answers": answers})
    assert receipt["code"] == "bad_wish" and not FollowUp.objects.exists()
    assert not Waiting.objects.exists()  # all of it can be sent again as an issue
