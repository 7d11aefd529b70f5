"""The survey anyone may answer: what it shows, what it takes, how it is kept from being filled by a script."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from surveys import public_views
from surveys.actions import asking
from surveys.models import Round, Waiting
from tests.surveys.make import SAFE, open_round

pytestmark = pytest.mark.django_db


def send(client: Client, survey_round: Round, place: str = "", **values: Any):
    body = {"number": str(uuid.uuid4()), "answers": SAFE} | values
    return client.post(f"/s/{survey_round.code}/{place}answer/", json.dumps(body), content_type="application/json")


def test_the_page_carries_the_questions_and_places_and_nothing_of_the_staff(cast, client):
    survey_round = open_round(cast)
    response = client.get(f"/s/{survey_round.code}/")
    page = response.content.decode()
    assert response.status_code == 200
    assert "您觉得所在地安全吗？" in page or "\\u60a8\\u89c9\\u5f97" in page
    assert "青溪镇" in page or "\\u9752\\u6eaa\\u9547" in page
    assert all(person.name not in page for person in cast.people().values())


def test_answers_arrive_with_the_place_sex_and_age_that_were_told(cast, client):
    survey_round = open_round(cast)
    response = send(client, survey_round, unit=cast.shiqiao.code, sex="female", age_band="60+", seconds={"safe": 4})
    assert response.status_code == 200
    kept = Waiting.objects.get()
    assert (kept.unit, kept.sex, kept.age_band, kept.channel) == (cast.shiqiao, "female", "60+", "qr")
    assert (kept.answers, kept.seconds, kept.is_assisted) == (SAFE, {"safe": 4}, False)


def test_a_poster_of_a_village_tells_the_place_itself(cast, client):
    survey_round = open_round(cast)
    page = client.get(f"/s/{survey_round.code}/{cast.liutang.code}/").content.decode()
    assert "柳塘村" in page
    send(client, survey_round, f"{cast.liutang.code}/", unit=cast.shiqiao.code)
    assert Waiting.objects.get().unit == cast.liutang


def test_a_place_not_told_is_the_district(cast, client):
    send(client, open_round(cast), unit="439900D08")
    assert Waiting.objects.get().unit == cast.district


def test_a_device_that_has_answered_is_thanked_and_not_asked_again(cast, client):
    survey_round = open_round(cast)
    send(client, survey_round)
    page = client.get(f"/s/{survey_round.code}/").content.decode()
    assert 'id="survey"' not in page
    assert 'id="survey"' in Client().get(f"/s/{survey_round.code}/").content.decode()
    assert str(Waiting.objects.get().pk) not in client.cookies[public_views.COOKIE].value


def test_the_same_sending_twice_is_thanked_twice_and_kept_once(cast, client):
    survey_round, number = open_round(cast), str(uuid.uuid4())
    assert [send(client, survey_round, number=number).status_code for _time in range(2)] == [200, 200]
    assert Waiting.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"answers": {"lives_here": "yes"}}, 422),
        ({"answers": []}, 422),
        ({"answers": None}, 422),
        ({"answers": {"safe\x00": "5"}}, 422),
        ({"number": "1"}, 400),
        ({"number": None}, 400),
        ({"number": ["x"]}, 400),
        ({"unit": "\x00"}, 200),
        ({"unit": {"a": 1}, "sex": ["male"], "age_band": 7, "seconds": "long"}, 200),
        ({"answers": SAFE | {"more": "x" * 70_000}}, 400),
    ],
)
def test_what_does_not_fit_is_refused_with_a_message(cast, client, values, status):
    response = send(client, open_round(cast), **values)
    assert response.status_code == status
    assert response.json()["message"]
    assert Waiting.objects.count() == (status == 200)


@pytest.mark.parametrize("body", ["", "[]", "5", "null", '"x"', "{", "[" * 5000, b"\xff\xfe"])
def test_junk_is_refused(cast, client, body):
    survey_round = open_round(cast)
    response = client.post(f"/s/{survey_round.code}/answer/", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["message"]


def test_rounds_not_for_all_or_not_now_are_not_shown(cast, client):
    today = timezone.localdate()
    version = open_round(cast).version
    for name, values in {
        "named": {"is_anonymous": False},
        "by phone": {"channels": ["phone"]},
    }.items():
        hidden = open_round(cast, version=version, name=name, **values)
        assert client.get(f"/s/{hidden.code}/").status_code == 404
        assert send(client, hidden).status_code == 404
    later = open_round(cast, version=version, name="later", starts_on=today + timedelta(days=2))
    assert client.get(f"/s/{later.code}/").status_code == 200
    assert 'id="survey"' not in client.get(f"/s/{later.code}/").content.decode()
    assert send(client, later).status_code == 422
    asking.close_round(survey_round=later, by=cast.district_office)
    assert client.get(f"/s/{later.code}/").status_code == 404
    assert client.get(f"/s/{later.code}/{cast.shiqiao.code}/").status_code == 404
    assert client.get("/s/0123456789abcdef/").status_code == 404


def test_a_script_is_stopped_and_told_when_to_try_again(cast, client, monkeypatch):
    monkeypatch.setattr(public_views, "MOST_AN_HOUR", 2)
    survey_round = open_round(cast)
    statuses = [send(Client(), survey_round).status_code for _time in range(3)]
    assert statuses == [200, 200, 429]
    assert Waiting.objects.count() == 2
