"""主办/协办 and the line of a department (条线)."""

from __future__ import annotations

import pytest

from households.models import Household
from issues.models import Category, HelpingUnit, Issue, line_categories
from outreach.models import Unit
from tests.issues.make import category, issue_at, move, route

pytestmark = pytest.mark.django_db

LINE = "/issues/line/"


def seen_by(user):
    return set(Issue.objects.visible_to(user).values_list("pk", flat=True))


# ---- helping units ----


def test_a_helping_unit_sees_the_issue_answers_and_the_holder_keeps_it(cast, login):
    home = Household.objects.create(village=cast.shiqiao, head_name="罗大树", phone="13900009999")
    issue = issue_at(cast, "accepted", household=home)
    helper = login(cast.outside_handler)
    assert helper.get(f"/issues/{issue.pk}/").status_code == 404
    issue = move(issue, "ask_help", cast.department_handler, unit=cast.water, note="请查水管图")
    page = helper.get(f"/issues/{issue.pk}/").content.decode()
    assert "请查水管图" in page and "待答复" in page
    assert "罗大树" not in page and "13900009999" not in page
    assert [row["issue"] for row in helper.get("/issues/", {"helper": cast.water.pk}).context["rows"]] == [issue]
    issue = move(issue, "answer_help", cast.outside_handler, note="图已附上")
    page = login(cast.department_handler).get(f"/issues/{issue.pk}/").content.decode()
    assert "已答复" in page and "图已附上" in page
    row = HelpingUnit.objects.get()
    assert (row.answered_by, issue.unit, issue.state) == (cast.outside_handler, cast.roads, "accepted")


def test_the_filter_for_helping_units_leaves_out_what_the_unit_holds(cast, login):
    held = issue_at(cast, "accepted", holder=cast.water)
    helped = move(issue_at(cast, "accepted"), "ask_help", cast.department_handler, unit=cast.water, note="协助")
    client = login(cast.outside_handler)
    assert {row["issue"].pk for row in client.get("/issues/", {"state": "open"}).context["rows"]} == {
        held.pk,
        helped.pk,
    }
    assert [row["issue"].pk for row in client.get("/issues/", {"helper": cast.water.pk}).context["rows"]] == [helped.pk]


# ---- the line ----


def test_the_line_of_a_department_is_what_its_rules_cover_and_all_below(cast):
    route(cast.roads)
    route(cast.water, "饮水安全", keywords=["井"])  # only some of the category: no line
    deep = Category.objects.create(code="x1", name="三级", parent=category("路灯照明"))
    line = line_categories(cast.roads)
    assert {category("交通道路").pk, category("路灯照明").pk, deep.pk} <= set(line)
    assert category("饮水安全").pk not in line
    assert line_categories(cast.water) == line_categories(cast.qingxi) == line_categories(cast.district) == []


def test_a_department_reads_its_line_without_the_resident_and_may_not_touch_what_others_hold(cast, login):
    home = Household.objects.create(village=cast.shiqiao, head_name="罗大树", phone="13900009999")
    issue = issue_at(cast, "accepted", holder=cast.qingxi, category=category("路灯照明"), household=home)
    other = issue_at(cast, "accepted", holder=cast.qingxi, category=category("饮水安全"))
    assert issue.pk not in seen_by(cast.department_handler)
    route(cast.roads)
    assert seen_by(cast.department_handler) == {issue.pk}
    response = login(cast.department_handler).get(f"/issues/{issue.pk}/")
    assert response.status_code == 200
    assert "罗大树" not in response.content.decode() and "13900009999" not in response.content.decode()
    assert Issue.objects.get(pk=issue.pk).allowed_moves(cast.department_handler) == []
    assert login(cast.department_handler).get("/issues/", {"q": "罗大树"}).context["rows"] == []
    assert other.pk not in seen_by(cast.department_handler) and seen_by(cast.outside_handler) == set()


def test_a_line_ends_at_the_district(cast):
    route(cast.roads)
    county = Unit.objects.create(code="439800", name="邻县", kind="district", sort_order=90)
    place = Unit.objects.create(code="439800101", name="邻镇", kind="township", parent=county, sort_order=91)
    foreign = issue_at(cast, "new", category=category("路灯照明"), place=place)
    assert foreign.pk not in seen_by(cast.department_handler)


def cells_of(response):
    """(township, column) → (number, link)."""
    labels = [str(label) for label in response.context["labels"]]
    return {
        (row["name"], label): (cell["number"], cell["url"])
        for row in response.context["rows"]
        for label, cell in zip(labels, row["cells"], strict=True)
    }


def test_the_page_counts_by_township_and_state_and_each_number_leads_to_its_rows(cast, login):
    lamps = category("路灯照明")
    for _n in range(2):
        issue_at(cast, "accepted", holder=cast.qingxi, category=lamps)
    issue_at(cast, "done", holder=cast.qingxi, category=lamps)
    issue_at(cast, "new", category=lamps, place=cast.luzhou)
    helped = issue_at(cast, "accepted", holder=cast.qingxi, category=category("饮水安全"))
    move(helped, "ask_help", cast.township_admin, unit=cast.roads, note="协助")
    issue_at(cast, "accepted", holder=cast.qingxi, category=category("饮水安全"))
    late = issue_at(cast, "assigned", holder=cast.qingxi, category=lamps)
    Issue.objects.filter(pk=late.pk).update(due_on="2026-01-05")
    route(cast.roads)
    client = login(cast.department_handler)
    cells = cells_of(client.get(LINE))
    numbers = {key: number for key, (number, _url) in cells.items() if number}
    assert numbers == {
        ("青溪镇", "办理中"): 3,
        ("青溪镇", "办结待验"): 1,
        ("青溪镇", "待签收"): 1,
        ("青溪镇", "已超期"): 1,
        ("青溪镇", "合计"): 5,
        ("白鹭镇", "待分派"): 1,
        ("白鹭镇", "合计"): 1,
    }
    for number, url in cells.values():
        if number:
            assert len(client.get(url).context["rows"]) == number
        else:
            assert url == ""
    assert [cell["number"] for cell in client.get(LINE).context["total"]][-1] == 6


def test_others_choose_the_department_and_count_only_what_they_see(cast, login):
    issue_at(cast, "new", category=category("路灯照明"))
    issue_at(cast, "new", category=category("路灯照明"), place=cast.luzhou)
    route(cast.roads)
    leader = login(cast.leader)
    assert leader.get(LINE).context["department"] is None
    assert set(cells_of(leader.get(LINE, {"unit": cast.roads.pk}))) >= {("青溪镇", "合计"), ("白鹭镇", "合计")}
    admin = cells_of(login(cast.township_admin).get(LINE, {"unit": cast.roads.pk}))
    assert {name for name, _label in admin} == {"青溪镇"}
    # a department's own people see theirs, whatever the address says
    assert login(cast.outside_handler).get(LINE, {"unit": cast.roads.pk}).context["department"] == cast.water


@pytest.mark.parametrize("query", ["unit=zzz", "unit=99999999999999999999", "unit=%00", "unit=-1"])
def test_junk_in_the_address_chooses_no_department(cast, login, query):
    response = login(cast.leader).get(f"{LINE}?{query}")
    assert (response.status_code, response.context["department"]) == (200, None)


def test_the_page_costs_the_same_number_of_queries_for_one_and_for_many_issues(cast, login, connection_queries):
    route(cast.roads)
    issue_at(cast, "new", category=category("路灯照明"))
    client = login(cast.department_handler)
    few = connection_queries(lambda: client.get(LINE))
    for state in ("new", "assigned", "done", "closed", "paused"):
        issue_at(cast, state, holder=cast.qingxi, category=category("路灯照明"))
        issue_at(cast, state, holder=cast.water, category=category("路灯照明"), place=cast.luzhou)
    assert connection_queries(lambda: client.get(LINE)) == few
