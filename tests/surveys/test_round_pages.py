"""Rounds in the browser: from preparing to the end, what progress shows, and the posters."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from surveys import progress
from surveys.actions import asking
from surveys.models import Round
from tests.surveys.make import open_round, published, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(cast, login):
    return login(cast.district_office)


def values(version, **more):
    today = timezone.localdate()
    data = {"name": "春季", "version": version.pk, "starts_on": today, "ends_on": today + timedelta(days=9)}
    return data | {"channels": ["qr", "phone"], "target": 100, "is_anonymous": "on"} | more


def test_a_round_goes_from_preparing_to_its_end(office, cast):
    office.post("/surveys/rounds/new/", values(published(cast)))
    survey_round = Round.objects.get()
    assert (survey_round.state, survey_round.channels, survey_round.is_anonymous) == ("draft", ["qr", "phone"], True)
    url = f"/surveys/rounds/{survey_round.pk}/"
    office.post(f"{url}edit/", values(survey_round.version, name="夏季"))
    office.post(f"{url}open/")
    survey_round.refresh_from_db()
    assert (survey_round.name, survey_round.state) == ("夏季", "open")
    assert office.get(f"{url}edit/").status_code == 302
    later = timezone.localdate() + timedelta(days=30)
    office.post(f"{url}extend/", {"ends_on": later.isoformat()})
    office.post(f"{url}close/")
    survey_round.refresh_from_db()
    assert (survey_round.ends_on, survey_round.state) == (later, "closed")


@pytest.mark.parametrize(
    "wrong", [{"channels": []}, {"ends_on": "2020-01-01"}, {"version": 10**30}, {"target": 0}, {"name": ""}]
)
def test_a_round_that_cannot_be_is_refused_and_what_was_typed_stays(office, cast, wrong):
    version = published(cast)
    response = office.post("/surveys/rounds/new/", values(version, name="留下的字") | wrong)
    assert response.status_code == 422
    assert wrong == {"name": ""} or "留下的字" in response.content.decode()
    assert not Round.objects.exists()


def test_an_earlier_last_day_than_the_first_is_refused(office, cast):
    survey_round = open_round(cast)
    for day in ("2020-01-01", "abc", ""):
        office.post(f"/surveys/rounds/{survey_round.pk}/extend/", {"ends_on": day})
    assert Round.objects.get().ends_on == survey_round.ends_on


def test_progress_shows_counts_of_ten_and_more_alone(office, cast):
    survey_round = open_round(cast, target=40)
    for _number in range(23):
        take(survey_round, cast)
    outside = asking.Respondent(unit=cast.luzhou)
    for _number in range(4):
        take(survey_round, cast, respondent=outside)
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    counts = progress.count_by_township(survey_round)
    assert counts == {cast.qingxi.code: 23, cast.bailu.code: 4}
    rows = progress.progress([cast.qingxi, cast.bailu], counts, 40)
    # shown, the 23 would tell the 4 from the total
    assert [(row.count, row.wanted) for row in rows] == [(None, 20), (None, 20)]
    page = office.get(f"/surveys/rounds/{survey_round.pk}/").content.decode()
    assert ">27<" in page
    table = page[page.index("<tbody") : page.index("</tbody>")]
    assert ">23<" not in table and ">4<" not in table


def test_counts_hide_what_could_be_worked_out():
    assert progress.hidden({"a": 30, "b": 12, "c": 50}) == set()
    assert progress.hidden({"a": 3, "b": 12, "c": 50}) == {"a", "b"}
    assert progress.hidden({"a": 0, "b": 0, "c": 50, "d": 11}) == {"a", "b", "d"}
    assert progress.hidden({"a": 6, "b": 7, "c": 50}) == {"a", "b"}


def test_posters_name_their_place_and_lead_to_its_page(office, cast, client, settings):
    survey_round = open_round(cast)
    url = f"/surveys/rounds/{survey_round.pk}/posters/"
    assert office.get(url).content.decode().count("<svg") >= 1
    page = office.get(f"{url}?unit={cast.qingxi.code}").content.decode()
    for village in (cast.shiqiao, cast.liutang):
        assert f"{settings.SITE_URL}/s/{survey_round.code}/{village.code}/" in page
        assert client.get(f"/s/{survey_round.code}/{village.code}/").status_code == 200
    assert cast.luzhou.code not in page


def test_a_round_that_is_not_asked_by_qr_has_no_posters(office, cast):
    survey_round = open_round(cast, channels=["phone"])
    page = office.get(f"/surveys/rounds/{survey_round.pk}/posters/").content.decode()
    assert survey_round.code not in page


def test_the_list_of_rounds_costs_the_same_for_one_and_for_many(office, cast, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    survey_round = open_round(cast)
    with CaptureQueriesContext(connection) as one:
        office.get("/surveys/")
    for number in range(5):
        open_round(cast, survey_round.version, name=f"第{number}次")
    with django_assert_num_queries(len(one)):
        office.get("/surveys/")
