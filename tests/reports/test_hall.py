"""The large screen: what its panels say when figures are large and small, and who may open it by what."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from outreach.models import AuditEvent, Unit
from reports import hall, screen_actions
from reports.hall import small
from reports.models import HallLink
from reports.tasks import refresh_rollups
from tests.reports.rows import START, make_campaign, make_duty, make_issue

pytestmark = pytest.mark.django_db

SCREEN, PANELS = reverse("reports:screen"), reverse("reports:screen_panels")
LINKS = reverse("reports:hall_links")
HALL, HALL_SCREEN, HALL_PANELS = reverse("reports:hall"), reverse("reports:hall_screen"), reverse("reports:hall_panels")


@pytest.fixture
def campaign(cast):
    """青溪镇 11 of 12 visited with 10 issues solved of 11; 白鹭镇 1 of 3 with an issue overdue."""
    campaign = make_campaign(cast, ends_on=timezone.localdate() + timedelta(days=30))
    for number in range(12):
        make_duty(campaign, cast.shiqiao, covered_on=START if number else None, visitor=cast.visitor)
        make_issue(cast, campaign, cast.shiqiao, state="closed", outcome="solved" if number > 1 else "explained")
    for number in range(3):
        make_duty(campaign, cast.luzhou, covered_on=None if number else START)
    make_issue(cast, campaign, cast.luzhou, state="accepted", due_on=timezone.localdate() - timedelta(days=1))
    refresh_rollups()
    return campaign


def panels(campaign) -> dict[str, hall.Panel]:
    return {panel.key: panel for panel in hall.build(campaign, timezone.localdate()).panels}


def figures(panel) -> dict[str, str]:
    return {figure.label: f"{figure.value}{figure.unit}" for figure in panel.figures}


def test_rates_of_many_cases_are_ranked_and_those_of_few_shown_plainly(cast, campaign):
    shown = panels(campaign)
    assert [(line.rank, line.name, line.shown, line.width) for line in shown["coverage-0"].lines] == [
        ("1", "青溪镇", "91.67%", "91.67"),
        ("—", "白鹭镇", "1 / 3 户", ""),
    ]
    assert [(line.rank, line.name, line.shown) for line in shown["solution-0"].lines] == [
        ("1", "青溪镇", "83.33%"),
        ("—", "白鹭镇", "少于 10 件"),
    ]
    assert shown["coverage-0"].note == ""


def test_headline_says_rates_and_suppresses_few_issues(cast, campaign):
    said = figures(panels(campaign)["headline"])
    assert (said["入户率"], said["问题解决率"], said["超期未结"]) == ("80.00%", "76.92%", "少于 10")
    assert figures(panels(campaign)["issues"])["已解决"] == "10"


def test_units_stand_in_official_order_without_ranks_where_most_have_few_cases(cast):
    campaign = make_campaign(cast)
    make_duty(campaign, cast.shiqiao)
    make_duty(campaign, cast.luzhou, covered_on=START)
    refresh_rollups()
    panel = panels(campaign)["coverage-0"]
    assert [(line.rank, line.name, line.shown) for line in panel.lines] == [
        ("", "青溪镇", "0 / 1 户"),
        ("", "白鹭镇", "1 / 1 户"),
    ]
    assert "建制顺序" in panel.note


def test_equal_rates_share_a_rank_and_the_next_skips(cast, settings):
    settings.RANKING_MIN_DENOMINATOR = 1
    campaign = make_campaign(cast)
    third = Unit.objects.create(code="439900103", name="三岔镇", kind="township", parent=cast.district, sort_order=80)
    village = Unit.objects.create(code="439900103201", name="三岔村", kind="village", parent=third, sort_order=81)
    make_duty(campaign, cast.shiqiao, covered_on=START)
    make_duty(campaign, cast.luzhou, covered_on=START)
    make_duty(campaign, village)
    refresh_rollups()
    lines = panels(campaign)["coverage-0"].lines
    assert [(line.rank, line.name) for line in lines] == [("1", "青溪镇"), ("1", "白鹭镇"), ("3", "三岔镇")]


def test_more_units_than_can_be_read_go_on_further_panels(cast, campaign):
    for number in range(25):
        Unit.objects.create(
            code=f"4399002{number:02}", name=f"镇{number}", kind="township", parent=cast.district, sort_order=99
        )
    shown = panels(campaign)
    assert [len(shown[key].lines) for key in ("coverage-0", "coverage-1")] == [20, 7]


@pytest.mark.parametrize(("count", "said"), [(0, "0"), (1, "少于 10"), (9, "少于 10"), (10, "10"), (1234, "1,234")])
def test_small_counts_of_issues_are_not_told(count, said):
    assert small(count) == said


def test_screen_names_no_person_and_links_to_no_rows(cast, campaign, login):
    page = login(cast.leader).get(SCREEN).content.decode()
    assert "青溪镇" in page
    assert not re.search(r"李走访|孙承办|郑督查|户主\d|冯书记", page)
    assert re.findall(r'href="(/reports/\d[^"]*)"', page) == []


def test_panels_are_sent_once_and_then_only_said_to_be_unchanged(cast, campaign, login):
    client = login(cast.leader)
    first = client.get(PANELS)
    assert first.status_code == 200 and "青溪镇" in first.content.decode()
    again = client.get(PANELS, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert re.fullmatch(r"\d\d:\d\d", again["X-Counted-At"])
    make_duty(campaign, cast.luzhou, covered_on=START)
    refresh_rollups()
    cache.clear()  # what is kept for a few seconds
    assert client.get(PANELS, headers={"if-none-match": first["ETag"]}).status_code == 200


def test_a_further_look_within_seconds_costs_no_figures(cast, campaign, login, django_assert_max_num_queries):
    client = login(cast.leader)
    client.get(PANELS)
    with django_assert_max_num_queries(6):
        client.get(PANELS)


def test_screen_before_any_campaign_says_so(cast, login):
    client = login(cast.leader)
    assert "活动" in client.get(SCREEN).content.decode()
    assert client.get(PANELS).status_code == 200


def make_link(client, **fields) -> str:
    """Make a link on the page, and return its token."""
    page = client.post(LINKS, {"name": "大厅", "days": "30", **fields}).content.decode()
    found = re.search(r"http://testserver/reports/hall/#([\w-]{20,})", page)
    assert found, page
    return found.group(1)


def test_link_opens_the_screen_without_a_login(cast, campaign, login):
    token = make_link(login(cast.district_office))
    link = HallLink.objects.get()
    assert token not in (link.token_hash, link.name)
    hall_computer = Client()
    assert hall_computer.get(HALL_SCREEN).url == HALL
    answer = hall_computer.post(HALL, {"code": token})
    assert answer.url == HALL_SCREEN
    cookie = answer.cookies["hall_link"]
    assert (cookie["httponly"], cookie["path"]) == (True, HALL)
    assert "青溪镇" in hall_computer.get(HALL_SCREEN).content.decode()
    assert hall_computer.get(HALL_PANELS).status_code == 200
    # and nothing else
    for url in (SCREEN, PANELS, reverse("reports:map"), reverse("reports:ranking")):
        assert hall_computer.get(url).status_code == 302


def test_making_opening_and_withdrawing_a_link_is_written_down(cast, campaign, login):
    office = login(cast.district_office)
    token = make_link(office)
    for _time in range(3):
        Client().post(HALL, {"code": token})
    office.post(reverse("reports:hall_link_end", args=[HallLink.objects.get().pk]))
    events = AuditEvent.objects.filter(action__startswith="hall_link").order_by("pk")
    assert [event.action for event in events] == ["hall_link.create", "hall_link.open", "hall_link.end"]
    assert token not in str(list(events.values()))
    assert events[1].detail["ip"] == "127.0.0.1"


@pytest.mark.parametrize("end", ["withdrawn", "run out"])
def test_link_that_has_ended_opens_nothing_any_more(cast, campaign, login, end):
    token = make_link(login(cast.district_office))
    hall_computer = Client()
    hall_computer.post(HALL, {"code": token})
    link = HallLink.objects.get()
    if end == "withdrawn":
        for _time in range(2):
            screen_actions.end_hall_link(link=link, by=cast.district_office)
    else:
        past = timezone.now() - timedelta(days=1)
        HallLink.objects.update(created_at=past - timedelta(days=1), expires_at=past)
    assert hall_computer.get(HALL_PANELS).status_code == 401
    assert hall_computer.get(HALL_SCREEN).url == HALL
    answer = Client().post(HALL, {"code": token})
    assert answer.status_code == 422
    assert "已到期或已停用" in answer.content.decode()


@pytest.mark.parametrize("code", ["", "x", "é" * 50, "😀", "x" * 101, "a\x00b"])
def test_wrong_code_is_refused_with_a_message(cast, code):
    assert Client().post(HALL, {"code": code}).status_code == 422


def test_forged_cookie_opens_nothing(cast, campaign, login):
    make_link(login(cast.district_office))
    stranger = Client()
    stranger.cookies.load({"hall_link": str(HallLink.objects.get().pk)})
    assert stranger.get(HALL_PANELS).status_code == 401


def test_link_needs_a_place_and_a_term_from_the_list(cast, login):
    client = login(cast.district_office)
    assert client.post(LINKS, {"name": "", "days": "30"}).status_code == 422
    assert client.post(LINKS, {"name": "大厅", "days": "9999"}).status_code == 422
    assert not HallLink.objects.exists()


def test_link_of_another_district_can_not_be_withdrawn(cast, campaign, login):
    other = Unit.objects.create(code="439800", name="邻县", kind="district", sort_order=99)
    link, _token = screen_actions.make_hall_link(district=other, name="邻县大厅", days=7, by=cast.leader)
    client = login(cast.district_office)
    assert client.post(reverse("reports:hall_link_end", args=[link.pk])).status_code == 404
    assert "邻县大厅" not in client.get(LINKS).content.decode()
