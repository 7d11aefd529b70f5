from __future__ import annotations

import re
from datetime import date

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from households.models import Household
from issues import actions
from issues.defaults import create_default_rules
from issues.models import Category, Issue, IssueEvent, RoutingRule
from outreach import calendar
from outreach.models import Campaign, Notification, Unit
from tests.issues.make import category, issue_at, route

pytestmark = pytest.mark.django_db


def open_issue(cast, **fields):
    values = {"by": cast.visitor, "category": category(), "kind": "need", "text": "路灯坏了", "place": cast.shiqiao}
    return actions.open_issue(**{**values, **fields})


def test_an_issue_a_rule_knows_is_dispatched_at_once(cast):
    rule = route(cast.roads)
    issue = open_issue(cast, text="  路灯坏了 ")
    issue.refresh_from_db()
    assert (issue.state, issue.unit, issue.rule, issue.text) == ("assigned", cast.roads, rule, "路灯坏了")
    assert "区交通运输局" in issue.rule_text and "交通道路" in issue.rule_text
    assert issue.dispatched_at == issue.recorded_at and issue.accepted_at is None and issue.done_at is None
    # the category 路灯照明 has 5 working days, whatever its kind
    assert issue.due_on == calendar.add_workdays(timezone.localdate(), 5)
    assert re.fullmatch(rf"{timezone.localdate().year}\d{{6}}", issue.number)
    event = IssueEvent.objects.get(issue=issue)
    assert (event.move, event.from_state, event.to_state) == ("open", "", "assigned")
    assert (event.by, event.by_unit, event.from_unit, event.to_unit) == (cast.visitor, cast.qingxi, None, cast.roads)
    assert event.note == issue.rule_text


def test_an_issue_no_rule_knows_waits_at_its_township(cast):
    issue = open_issue(cast)
    assert (issue.state, issue.unit, issue.rule, issue.dispatched_at) == ("new", cast.qingxi, None, None)
    assert "青溪镇" in issue.rule_text
    assert issue.due_on == calendar.add_workdays(timezone.localdate(), 5)


def test_numbers_never_repeat(cast):
    numbers = [open_issue(cast).number for _ in range(3)]
    assert len(set(numbers)) == 3 and numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": " \n "}, "text"),
        ({"text": "路" * 2001}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"kind": "anything"}, "kind"),
        ({"place": "roads"}, "place"),
    ],
)
def test_an_issue_that_does_not_fit_is_refused_and_nothing_is_written(cast, change, field):
    if field == "place":
        change = {"place": cast.roads}
    with pytest.raises(ValidationError) as error:
        open_issue(cast, **change)
    assert list(error.value.message_dict) == [field]
    assert not Issue.objects.exists() and not IssueEvent.objects.exists()


def test_a_category_out_of_use_is_refused(cast):
    Category.objects.filter(name="路灯照明").update(is_active=False)
    with pytest.raises(ValidationError) as error:
        open_issue(cast)
    assert list(error.value.message_dict) == ["category"]


def test_a_household_of_another_village_is_refused(cast):
    household = Household.objects.create(village=cast.liutang, head_name="张三")
    with pytest.raises(ValidationError) as error:
        open_issue(cast, household=household)
    assert list(error.value.message_dict) == ["household"]


def test_a_campaign_of_another_district_is_refused(cast):
    other = Unit.objects.create(code="439901", name="外区", kind="district")
    campaign = Campaign.objects.create(
        name="外区走访", district=other, starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31)
    )
    with pytest.raises(ValidationError) as error:
        open_issue(cast, campaign=campaign)
    assert list(error.value.message_dict) == ["campaign"]


@pytest.mark.parametrize("who", ["department_handler", "supervisor", "leader", "publicity", "system_admin"])
def test_only_those_who_may_open_issues_do(cast, who):
    with pytest.raises(PermissionDenied):
        open_issue(cast, by=getattr(cast, who))
    assert not Issue.objects.exists()


def test_default_rules_name_the_departments_that_exist_once(cast):
    assert create_default_rules(cast.district) == 3  # roads, water, and disputes for the townships
    before = list(RoutingRule.objects.values_list("pk", "category__name", "unit__name", "target"))
    assert {row[1:] for row in before} == {
        ("交通道路", "区交通运输局", "unit"),
        ("水利饮水", "区水利局", "unit"),
        ("矛盾纠纷", None, "township"),
    }
    assert create_default_rules(cast.district) == 0
    assert list(RoutingRule.objects.values_list("pk", "category__name", "unit__name", "target")) == before
    assert open_issue(cast, category=category("邻里纠纷"), kind="dispute").unit == cast.qingxi


def test_recording_costs_few_queries_however_many_issues_there_are(cast, login, django_assert_max_num_queries):
    route(cast.roads)
    client = login(cast.township_admin)
    fields = {"place": cast.shiqiao.pk, "category": category().pk, "kind": "need"}
    client.post(reverse("issues:new"), {**fields, "text": "河堤垮了一段"})
    for number in range(20):
        issue_at(cast, "new", text=f"桥面塌陷{number}")
    with django_assert_max_num_queries(30):
        assert client.post(reverse("issues:new"), {**fields, "text": "村小操场积水"}).status_code == 302
    issue = Issue.objects.get(text="村小操场积水")
    assert (issue.event_count, issue.segments.count(), issue.resident_codes.count()) == (1, 1, 1)
    assert Notification.objects.filter(user=cast.department_handler, url__endswith=f"/{issue.pk}/").count() == 1
