"""The visitor's pages and the sync endpoint."""

import io
import json
import uuid
from base64 import b64encode
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from households.models import Household, Pairing, ResidentChange
from issues.models import Category, Issue
from outreach.models import Campaign
from tests.visits.conftest import make_household
from visits import actions
from visits.attempts import State
from visits.models import Assignment, Topic, Visit, VisitItem, VisitStandard

LIST = reverse("visits:list")
SYNC = reverse("visits:sync")


def page_of(household) -> str:
    return reverse("visits:household", args=[household.pk])


def form(round_, outcome="met", problem="no", **fields):
    return {
        "uuid": str(uuid.uuid4()),
        "campaign": round_.campaign.pk,
        "outcome": outcome,
        "problem": problem,
        "visited_at": timezone.localtime(timezone.now() - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M"),
        **fields,
    }


def names(response) -> list[str]:
    return [row["household"].head_name for row in response.context["rows"]]


def test_list_puts_priority_households_first_then_door_order(round_, cast, login):
    Household.objects.filter(pk=round_.doors[2].pk).update(priority=80, categories=["dibao"])
    response = login(cast.visitor).get(LIST)
    assert names(response) == ["王五", "张三", "李四"]
    assert "低保" in response.text


def test_list_shows_nothing_of_other_visitors_or_closed_campaigns(round_, cast, login):
    assert names(login(cast.second_visitor).get(LIST)) == []
    Campaign.objects.update(state="closed")
    assert names(login(cast.visitor).get(LIST)) == []


def test_list_chips_count_what_they_show(round_, cast, login, days_ago):
    client = login(cast.visitor)
    actions.record_visit(by=cast.visitor, payload=round_.payload("nobody_home", visited_at=days_ago(1)))
    Assignment.objects.filter(household=round_.door).update(due_on=timezone.localdate())
    actions.record_visit(by=cast.visitor, payload=round_.payload(household=round_.doors[1].pk))
    make_household(cast.shiqiao, 50)
    expected = {"todo": ["张三", "王五"], "due": ["张三"], "met": ["李四"], "all": ["张三", "李四", "王五"]}
    for view, rows in expected.items():
        response = client.get(LIST, {"view": view})
        assert names(response) == rows
        assert response.context["counts"][view] == len(rows)


def test_list_leaves_out_of_the_way_who_asked_not_to_be_visited(round_, cast, login):
    Household.objects.filter(pk=round_.door.pk).update(
        do_not_visit_reason="静养", do_not_visit_at=timezone.now(), do_not_visit_by=cast.village_clerk
    )
    client = login(cast.visitor)
    assert names(client.get(LIST)) == ["李四", "王五"]
    assert names(client.get(LIST, {"view": "all"})) == ["张三", "李四", "王五"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("张三", ["张三"]),
        ("zs", ["张三"]),
        ("ZS", ["张三"]),
        ("小妹", ["张三", "李四", "王五"]),
        ("lxm", ["李四"]),
        ("一组2号", ["李四"]),
        ("000003", ["王五"]),
        ("zzz", []),
        ("%", []),
        ("'; DROP TABLE", []),
    ],
)
def test_list_search_finds_by_name_initials_door_and_end_of_phone(round_, cast, login, text, found):
    assert names(login(cast.visitor).get(LIST, {"q": text, "view": "met"})) == found


@pytest.mark.parametrize(
    "query",
    [
        "page=abc",
        "page=-1",
        "page=99999999999999999999",
        "page=0",
        "view=zzz",
        "q=%00%00a",
        "page=%00",
        "q=" + "长" * 5000,
    ],
)
def test_list_answers_junk_in_the_query_string_with_a_page(round_, cast, login, query):
    assert login(cast.visitor).get(f"{LIST}?{query}").status_code == 200


def test_list_goes_on_page_by_page_as_a_fragment(round_, cast, login):
    for number in range(10, 75):
        household = make_household(cast.shiqiao, number, f"户{number}")
        Assignment.objects.create(campaign=round_.campaign, household=household, visitor=cast.visitor)
    client, seen, page = login(cast.visitor), [], 1
    while True:
        response = client.get(LIST, {"page": page}, headers={"HX-Request": "true"})
        assert "<html" not in response.text
        seen += names(response)
        page += 1
        if not response.context["has_more"]:
            break
    assert (len(seen), len(set(seen)), page) == (68, 68, 4)


def test_list_of_paired_households_outlives_campaigns(round_, cast, login):
    Pairing.objects.create(household=round_.foreign, user=cast.visitor)
    Campaign.objects.update(state="closed")
    client = login(cast.visitor)
    assert names(client.get(LIST, {"view": "paired"})) == ["卫外人"]
    response = client.post(page_of(round_.foreign), form(round_) | {"campaign": ""})
    assert response.status_code == 302
    assert Visit.objects.get().campaign is None


def queries(client, path, data=None) -> int:
    with CaptureQueriesContext(connection) as context:
        response = client.get(path) if data is None else client.post(path, data)
    assert response.status_code in (200, 302), response.text
    return len(context)


def test_list_household_and_save_cost_the_same_queries_at_3_and_300_households(round_, cast, login):
    client = login(cast.visitor)
    first = page_of(round_.door)

    def costs(door) -> list[int]:
        return [queries(client, LIST), queries(client, page_of(door)), queries(client, page_of(door), form(round_))]

    queries(client, first)  # loads what is loaded once a process
    few = costs(round_.doors[0])
    Assignment.objects.bulk_create(
        Assignment(
            campaign=round_.campaign,
            household=make_household(cast.shiqiao, number, categories=["dibao"]),
            visitor=cast.visitor,
        )
        for number in range(100, 400)
    )
    queries(client, LIST)  # shows the message of what was saved, once
    assert costs(round_.doors[1]) == few
    assert few[0] <= 8 and few[1] <= 16 and few[2] <= 28


def test_household_costs_the_same_queries_with_many_visits_issues_and_residents(round_, cast, login, days_ago):
    client = login(cast.visitor)
    queries(client, page_of(round_.door))
    few = queries(client, page_of(round_.door))
    code = Category.objects.filter(parent__isnull=False).first().code
    for hour in range(8, 14):
        problem = [{"kind": "problem", "category": code, "text": "路灯"}]
        actions.record_visit(by=cast.visitor, payload=round_.payload(visited_at=days_ago(1, hour), items=problem))
    for number in range(8):
        round_.door.residents.create(name=f"成员{number}", relation="97")
    assert queries(client, page_of(round_.door)) == few


def test_household_page_shows_what_to_know_before_knocking(round_, cast, login, days_ago):
    Household.objects.filter(pk=round_.door.pk).update(best_time="evening", phone="13800001234", note="狗凶")
    code = Category.objects.filter(parent__isnull=False).first().code
    actions.record_visit(
        by=cast.visitor,
        payload=round_.payload(
            "nobody_home", visited_at=days_ago(1), items=[{"kind": "problem", "category": code, "text": "门口积水"}]
        ),
    )
    response = login(cast.visitor).get(page_of(round_.door))
    for text in ("tel:13800001234", "狗凶", "门口积水", "无人在家", "李走访", Topic.objects.first().name):
        assert text in response.text


@pytest.mark.parametrize("who", ["second_visitor", "outside_visitor", "outside_admin"])
def test_household_of_somebody_else_is_not_found(round_, cast, login, who):
    client = login(getattr(cast, who))
    assert client.get(page_of(round_.door)).status_code == 404
    assert client.post(page_of(round_.door), form(round_)).status_code == 404
    assert Visit.objects.count() == 0


def test_household_number_beyond_any_is_not_found(round_, cast, login):
    assert login(cast.visitor).get(f"/phone/{10**30}/").status_code == 404


def test_form_without_script_records_and_goes_back_to_the_list(round_, cast, login):
    code = Category.objects.filter(parent__isnull=False).first().code
    resident = round_.door.residents.first()
    fields = {
        "problem_category": code,
        "problem_text": "路灯不亮",
        "problem_urgent": "yes",
        "need_text": "想办残疾证",
        "resident": resident.pk,
        "topics": [Topic.objects.first().pk],
        "note": "老人耳背",
        "change_name": "张新生",
        "change_relation": "20",
    }
    response = login(cast.visitor).post(f"{page_of(round_.door)}?view=all", form(round_, problem="yes", **fields))
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?view=all")
    visit, issue = Visit.objects.get(), Issue.objects.get()
    assert (visit.resident, visit.note, visit.topics.count(), visit.is_counted) == (resident, "老人耳背", 1, True)
    assert (issue.text, issue.is_urgent) == ("路灯不亮", True)
    assert set(visit.items.values_list("kind", flat=True)) == {"problem", "need"}
    assert ResidentChange.objects.get().changes == {"name": "张新生", "relation": "20"}


def test_form_sent_twice_stores_once_and_says_so(round_, cast, login):
    client, fields = login(cast.visitor), form(round_)
    client.post(page_of(round_.door), fields)
    response = client.post(page_of(round_.door), fields, follow=True)
    assert Visit.objects.count() == 1
    assert "没有重复记录" in response.text


def test_form_asked_for_json_gives_a_receipt_with_the_next_page(round_, cast, login):
    response = login(cast.visitor).post(page_of(round_.door), form(round_), headers={"Accept": "application/json"})
    assert (response.json()["result"], response.json()["next"]) == ("stored", f"{LIST}?view=todo")


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"outcome": ""}, 400, "走访结果"),
        ({"outcome": "danced"}, 400, "走访结果"),
        ({"visited_at": "2099-01-01T10:00"}, 422, "晚于现在"),
        ({"visited_at": "2020-01-01T10:00"}, 422, "早于活动"),
        ({"visited_at": "soon"}, 400, "日期时间"),
        ({"note": "长" * 10_000}, 400, "文字太长"),
        ({"note": "a\x00b"}, 400, "无法保存的字符"),
        ({"problem": "yes", "problem_text": ""}, 400, "一句话"),
        ({"problem": "yes", "problem_text": "路灯"}, 400, "哪一类"),
        ({"resident": "9" * 19}, 400, "数字"),
        ({"resident": "99999"}, 422, "不是该户的成员"),
        ({"campaign": "99999"}, 422, "没有这个走访活动"),
        ({"uuid": "1"}, 400, "走访编号"),
        ({"topics": ["a"]}, 400, "数字"),
    ],
)
def test_form_refused_says_why_and_keeps_what_was_written(round_, cast, login, fields, status, says):
    response = login(cast.visitor).post(page_of(round_.door), form(round_, help_given="帮忙挑水") | fields)
    assert response.status_code == status
    assert says in response.text
    assert "帮忙挑水" in response.text
    assert Visit.objects.count() == 0 and Issue.objects.count() == 0


def test_do_not_visit_household_shows_the_reason_and_no_form(round_, cast, login):
    Household.objects.filter(pk=round_.door.pk).update(
        do_not_visit_reason="家有病人", do_not_visit_at=timezone.now(), do_not_visit_by=cast.village_clerk
    )
    response = login(cast.visitor).get(page_of(round_.door))
    assert "家有病人" in response.text
    assert 'name="outcome"' not in response.text


def test_standard_page_says_the_rule_in_words(round_, cast, login):
    VisitStandard.objects.update(makeup_workdays=4, text="先说明来意")
    text = login(cast.visitor).get(reverse("visits:standard")).text
    assert "4个工作日" in text and "先说明来意" in text and "只留资料不算走访" in text
    assert "96110" in text


def post_batch(client, visits):
    return client.post(SYNC, json.dumps({"visits": visits}), content_type="application/json")


def test_sync_gives_each_visit_its_own_receipt(round_, cast, login):
    client = login(cast.visitor)
    first, other = round_.raw(), round_.raw(household=round_.doors[1].pk)
    post_batch(client, [first])
    batch = [first, other, first | {"note": "改"}, round_.raw(household=round_.foreign.pk), {"uuid": "x"}, 5]
    receipts = post_batch(client, batch).json()["receipts"]
    assert [receipt["result"] for receipt in receipts] == [
        "already",
        "stored",
        "conflict kept",
        "refused",
        "refused",
        "refused",
    ]
    assert receipts[3]["code"] == "not_yours" and receipts[3]["message"]
    assert [receipt["uuid"] for receipt in receipts[:2]] == [first["uuid"], other["uuid"]]
    assert Visit.objects.count() == 2


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", "5", '{"visits": 5}', '{"visits": {"a": 1}}', '{"x": []}', "[" * 100_000, b"\xff\xfe"],
)
def test_sync_refuses_what_is_no_batch(round_, cast, login, body):
    response = login(cast.visitor).post(SYNC, body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["message"]


def test_sync_refuses_more_than_fifty_whole(round_, cast, login):
    response = post_batch(login(cast.visitor), [round_.raw() for _ in range(51)])
    assert (response.status_code, response.json()["code"], Visit.objects.count()) == (400, "too_many", 0)
    assert post_batch(login(cast.visitor), [round_.raw() for _ in range(50)]).status_code == 200
    assert Visit.objects.count() == 50
    assert Assignment.objects.get(household=round_.door).state == State.MET


def test_sync_refuses_a_body_over_ten_megabytes(round_, cast, login):
    response = login(cast.visitor).post(SYNC, b" " * (11 * 1024 * 1024), content_type="application/json")
    assert 400 <= response.status_code < 500
    assert Visit.objects.count() == 0


def test_sync_takes_a_photo_with_its_problem(round_, cast, login):
    out = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(out, "PNG")
    code = Category.objects.filter(parent__isnull=False).first().code
    item = {"kind": "problem", "category": code, "text": "路灯", "photo": b64encode(out.getvalue()).decode()}
    receipt = post_batch(login(cast.visitor), [round_.raw(items=[item])]).json()["receipts"][0]
    issue = Issue.objects.get()
    assert (receipt["result"], receipt["issues"], issue.attachments.count()) == ("stored", [issue.number], 1)


def test_sync_needs_a_csrf_token_and_the_right(round_, cast, login):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.visitor)
    assert post_batch(client, []).status_code == 403
    assert post_batch(login(cast.leader), []).status_code == 403
    assert login(cast.visitor).get(SYNC).status_code == 405


def test_opinion_with_its_category_is_kept_apart_from_problems(round_, cast, login):
    root = Category.objects.filter(parent=None).first()
    fields = {"opinion_text": "路好走多了", "opinion_category": root.code, "suggestion_text": "多装灯"}
    login(cast.visitor).post(page_of(round_.door), form(round_, **fields))
    assert list(VisitItem.objects.order_by("pk").values_list("kind", "text", "category__code")) == [
        ("opinion", "路好走多了", root.code),
        ("suggestion", "多装灯", None),
    ]
    assert Issue.objects.count() == 0


def test_a_problem_being_written_shows_what_looks_like_it_and_writes_nothing(round_, cast, login):
    client, url = login(cast.visitor), reverse("visits:lookalikes", args=[round_.door.pk])
    category = Category.objects.get(name="路灯照明")
    client.post(
        page_of(round_.door),
        form(round_, problem="yes", problem_category=category.code, problem_text="门前路灯不亮"),
    )
    issue = Issue.objects.get()
    answer = client.post(url, {"problem_category": category.code, "problem_text": "路灯不亮了"})
    assert issue.number in answer.content.decode()
    assert issue.number not in client.post(url, {"problem_text": "井水发黄"}).content.decode()
    assert client.post(url, {}).content.decode().strip() == ""
    assert client.post(url, {"problem_text": "\x00" * 99, "problem_category": "\x00"}).status_code == 200
    assert (Issue.objects.count(), Visit.objects.count()) == (1, 1)


def test_what_looks_alike_is_of_one_s_own_households_alone(round_, cast, login):
    url = reverse("visits:lookalikes", args=[round_.door.pk])
    assert login(cast.outside_visitor).post(url, {"problem_text": "路灯不亮"}).status_code == 404
