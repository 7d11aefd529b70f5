"""The pages of indicators: every one in words, what it comes to for a unit, and the rows behind it."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from reports.indicators import INDICATORS
from reports.readings import COUNTED
from reports.tasks import refresh_rollups
from tests.issues.make import issue_at
from tests.reports.rows import make_campaign, make_duty, make_issue


@pytest.fixture
def campaign(cast):
    today = timezone.localdate()
    return make_campaign(cast, starts_on=today - timedelta(days=30), ends_on=today + timedelta(days=30))


def unit_url(campaign, unit, **asked):
    return reverse("reports:unit_indicators", args=[campaign.pk, unit.code]) + (
        f"?{'&'.join(f'{key}={value}' for key, value in asked.items())}" if asked else ""
    )


def test_every_indicator_is_told_in_words(cast, login):
    page = login(cast.leader).get(reverse("reports:indicators")).content.decode()
    for indicator in INDICATORS.values():
        assert str(indicator.name) in page
        assert page.count(f'<tr id="{indicator.key}">') == 1


def test_a_units_indicators_lead_to_their_rows(cast, login, campaign):
    issue = issue_at(cast, "closed", campaign=campaign)
    make_duty(campaign, cast.shiqiao, covered_on=timezone.localdate())
    refresh_rollups()
    client = login(cast.leader)
    page = client.get(unit_url(campaign, cast.roads)).content.decode()
    assert str(INDICATORS["coverage"].name) not in page  # a department has no households
    links = re.findall(r'href="([^"]+/indicators/on_time/[a-z]+/)"', page)
    assert len(links) == 3
    shown = [issue.number in client.get(link).content.decode() for link in links]
    assert shown == [True, True, False]  # what counts for it, all that counts, what fell short
    page = client.get(unit_url(campaign, cast.qingxi)).content.decode()
    rows = client.get(re.search(r'href="([^"]+/indicators/coverage/denominator/)"', page)[1]).content.decode()
    assert "1号" in rows or "户主" in rows


def test_every_part_of_every_indicator_opens(cast, login, campaign):
    make_issue(cast, campaign, cast.shiqiao, state="closed")
    refresh_rollups()
    client = login(cast.supervisor)
    for key in COUNTED:
        for part in ("numerator", "denominator", "missed"):
            url = reverse("reports:indicator_rows", args=[campaign.pk, cast.district.code, key, part])
            assert client.get(url).status_code == 200, url
    assert client.get(url.replace("missed", "nothing")).status_code == 404
    assert client.get(url.replace(key, "spot_check")).status_code == 404


def test_rows_of_neighbours_stay_closed(cast, login, campaign):
    make_issue(cast, campaign, cast.luzhou, state="closed")
    refresh_rollups()
    url = reverse("reports:indicator_rows", args=[campaign.pk, cast.luzhou.code, "solution", "denominator"])
    number = campaign.issues.get().number
    assert number in login(cast.outside_admin).get(url).content.decode()
    page = login(cast.township_admin).get(url)
    assert page.status_code == 200 and number not in page.content.decode()
    assert login(cast.system_admin).get(url).status_code == 403


def test_a_period_narrows_figures_and_rows_and_junk_is_no_period(cast, login, campaign):
    today = timezone.localdate()
    make_duty(campaign, cast.shiqiao, covered_on=today)
    refresh_rollups()
    client = login(cast.leader)
    week_ago = today - timedelta(days=7)
    asked = {"first": week_ago - timedelta(days=7), "last": week_ago}
    response = client.get(unit_url(campaign, cast.shiqiao, **asked))
    assert f"first={asked['first']}" in response.content.decode()
    for first, last in (("junk", "9999-12-31"), ("0001-01-01", "\x00"), ("2026-13-45", "--")):
        assert client.get(unit_url(campaign, cast.shiqiao), {"first": first, "last": last}).status_code == 200
        url = reverse("reports:indicator_rows", args=[campaign.pk, cast.shiqiao.code, "coverage", "numerator"])
        assert client.get(url, {"first": first, "last": last, "after": "x" * 40}).status_code == 200


def test_pages_cost_the_same_queries_for_any_number_of_rows(cast, login, campaign, django_assert_num_queries):
    client = login(cast.leader)
    url = reverse("reports:indicator_rows", args=[campaign.pk, cast.district.code, "coverage", "denominator"])
    make_duty(campaign, cast.shiqiao)
    refresh_rollups()
    client.get(url)

    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for _ in range(20):
        make_duty(campaign, cast.shiqiao)
    refresh_rollups()
    with django_assert_num_queries(len(few)):
        client.get(url)
