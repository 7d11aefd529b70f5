"""The pages: they open, filter, move, refuse, and hide what they must."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from households.models import Household
from issues import workflow
from issues.models import Category, Issue, RoutingRule
from outreach.models import AuditEvent
from tests.issues.make import category, issue_at, move, route

pytestmark = pytest.mark.django_db

LIST = "/issues/"


def numbers(response):
    """The numbers of the issues a list shows, in order."""
    return [row["issue"].number for row in response.context["rows"]]


def household(cast, name="罗大树", **fields):
    return Household.objects.create(
        **{"village": cast.shiqiao, "head_name": name, "phone": "13900009999", "address": "石桥村3组12号", **fields}
    )


# ---- the ledger ----


def test_the_ledger_shows_open_issues_by_due_day_and_names_the_overdue(cast, login):
    late, soon, done = issue_at(cast), issue_at(cast, "accepted"), issue_at(cast, "done")
    Issue.objects.filter(pk=late.pk).update(due_on=timezone.localdate() - timedelta(days=3))
    Issue.objects.filter(pk=soon.pk).update(due_on=timezone.localdate() - timedelta(days=5))
    response = login(cast.district_office).get(LIST)
    assert numbers(response) == [soon.number, late.number]
    assert "超期 5 天" in response.content.decode() and done.number not in response.content.decode()


@pytest.mark.parametrize("state", ["new", "assigned", "accepted", "done", "closed"])
def test_each_tab_shows_its_state_and_counts_it(cast, login, state):
    issues = {name: issue_at(cast, name) for name in ("new", "assigned", "accepted", "done", "closed")}
    response = login(cast.district_office).get(LIST, {"state": state})
    assert numbers(response) == [issues[state].number]
    counts = {tab["name"]: tab["count"] for tab in response.context["tabs"]}
    assert {name: counts[name] for name in issues} == dict.fromkeys(issues, 1)
    assert len(numbers(login(cast.district_office).get(LIST, {"state": "all"}))) == 5
    assert len(numbers(login(cast.district_office).get(LIST))) == 3


def test_every_filter_narrows(cast, login):
    home = household(cast)
    wanted = issue_at(
        cast, by=cast.village_clerk, household=home, category=category("路灯照明"), kind="hazard", text="东头路灯坏了"
    )
    other = issue_at(cast, holder=cast.water, place=cast.luzhou, category=category("饮水安全"), text="井水发黄")
    Issue.objects.filter(pk=wanted.pk).update(due_on=timezone.localdate() - timedelta(days=1))
    Issue.objects.filter(pk=other.pk).update(
        recorded_at=timezone.now() - timedelta(days=40), due_on=timezone.localdate() + timedelta(days=40)
    )
    client = login(cast.district_office)
    today = timezone.localdate()
    for query in (
        {"q": "路灯坏"},
        {"q": wanted.number},
        {"q": "罗大树"},
        {"place": cast.shiqiao.pk},
        {"place": cast.qingxi.pk},
        {"unit": cast.roads.pk},
        {"category": category("交通道路").pk},
        {"category": category("路灯照明").pk},
        {"kind": "hazard"},
        {"due": "overdue"},
        {"recorded_from": today.isoformat()},
    ):
        assert numbers(client.get(LIST, query)) == [wanted.number], query
    assert numbers(client.get(LIST, {"recorded_to": (today - timedelta(days=30)).isoformat()})) == [other.number]
    assert numbers(client.get(LIST, {"due": "soon"})) == []
    assert numbers(login(cast.village_clerk).get(LIST, {"mine": "on"})) == [wanted.number]
    done = issue_at(cast, "done")
    assert numbers(client.get(LIST, {"outcome": "solved", "state": "all"})) == [done.number]


@pytest.mark.parametrize(
    "query",
    [
        "page=abc",
        "page=-1",
        "page=99999999999999999999",
        "state=xxx",
        "unit=zzz",
        "unit=999999999999999999999999",
        "unit=%00",
        "place=٣",
        "category=-5",
        "category=99999999999999999999999",
        "kind=%00",
        "q=%00",
        "q=" + "路" * 500,
        "q=%25%27%5C",
        "recorded_from=2026-13-45",
        "recorded_from=0001-01-01&recorded_to=9999-12-31",
        "due=never",
        "campaign=1e9",
        "mine=maybe",
        "state=open&state=closed",
    ],
)
def test_junk_in_the_query_string_is_survived(cast, login, query):
    issue_at(cast)
    client = login(cast.district_office)
    assert client.get(f"{LIST}?{query}").status_code == 200
    assert client.post(f"/issues/export/?{query}").status_code in (200, 422)


def test_a_list_costs_the_same_queries_for_1_and_for_60_rows(
    cast, login, django_assert_num_queries, connection_queries
):
    issue_at(cast, household=household(cast))
    client = login(cast.district_office)
    few = connection_queries(lambda: client.get(LIST))
    for number in range(60):
        issue_at(cast, household=household(cast, name=f"户主{number}", number=str(number)))
    many = connection_queries(lambda: client.get(LIST))
    assert len(client.get(LIST).context["rows"]) == 30
    assert many == few, (few, many)
    assert few <= 22


def test_a_detail_costs_the_same_queries_for_a_long_history(cast, login, connection_queries):
    issue = issue_at(cast, "done", household=household(cast))
    client = login(cast.supervisor)
    url = reverse("issues:detail", args=[issue.pk])
    few = connection_queries(lambda: client.get(url))
    for _round in range(5):
        issue = move(issue, "urge", cast.supervisor, note="请尽快") if issue.is_open else issue
        issue = move(issue, "remark", cast.district_office, note="群众又来电")
    assert connection_queries(lambda: client.get(url)) == few


# ---- an issue ----


def test_the_page_offers_exactly_the_moves_that_are_allowed(cast, login):
    for state in workflow.State.values:
        issue = issue_at(cast, state)
        for name, person in cast.people().items():
            response = login(person).get(reverse("issues:detail", args=[issue.pk]))
            allowed = {step.name for step in issue.allowed_moves(person)}
            if response.status_code != 200:
                assert allowed == set(), name
                continue
            page = response.content.decode()
            offered = {step for step in workflow.BY_NAME if f"/move/{step}/" in page}
            offered |= {"merge"} if reverse("issues:merge_choose", args=[issue.pk]) in page else set()
            assert offered == allowed, (state, name)


def test_an_issue_walks_from_record_to_sign_off_through_the_pages(cast, login):
    route(cast.roads)
    clerk = login(cast.village_clerk)
    response = clerk.post(
        "/issues/new/",
        {"place": cast.shiqiao.pk, "category": category().pk, "kind": "need", "text": "村口路灯不亮"},
    )
    issue = Issue.objects.get()
    assert response.status_code == 302 and response.url == reverse("issues:detail", args=[issue.pk])
    assert (issue.state, issue.unit, issue.recorded_by) == ("assigned", cast.roads, cast.village_clerk)

    def post(person, name, **fields):
        issue.refresh_from_db()
        return login(person).post(
            reverse("issues:move", args=[issue.pk, name]), {"version": issue.version, **fields}, follow=True
        )

    assert post(cast.department_handler, "accept").status_code == 200
    assert post(cast.department_handler, "finish", outcome="solved", note="已换灯泡").status_code == 200
    assert post(cast.department_head, "close").status_code == 403
    assert post(cast.department_head, "verify").status_code == 403
    assert post(cast.supervisor, "verify", note="现场看过").status_code == 200
    assert post(cast.supervisor, "close").status_code == 200
    issue.refresh_from_db()
    assert (issue.state, issue.outcome, issue.result, issue.closed_by) == (
        "closed",
        "solved",
        "已换灯泡",
        cast.supervisor,
    )
    assert [event.move for event in issue.events.all()] == ["open", "accept", "finish", "verify", "close"]


def test_a_move_without_its_fields_keeps_what_was_typed(cast, login):
    issue = issue_at(cast, "accepted")
    response = login(cast.department_handler).post(
        reverse("issues:move", args=[issue.pk, "finish"]), {"version": issue.version, "note": "换了灯泡"}
    )
    assert response.status_code == 422 and "换了灯泡" in response.content.decode()
    issue.refresh_from_db()
    assert issue.state == "accepted"


@pytest.mark.parametrize("version", ["", "abc", "-1", "99999999999999999999", "\x00"])
def test_a_move_with_a_junk_version_is_refused(cast, login, version):
    issue = issue_at(cast, "assigned")
    response = login(cast.department_handler).post(
        reverse("issues:move", args=[issue.pk, "accept"]), {"version": version}
    )
    assert response.status_code == 422
    issue.refresh_from_db()
    assert issue.state == "assigned"


def test_whoever_comes_second_gets_a_page_with_what_they_typed(cast, login):
    issue = issue_at(cast, "accepted")
    url = reverse("issues:move", args=[issue.pk, "finish"])
    values = {"version": issue.version, "outcome": "solved", "note": "先到"}
    assert login(cast.department_handler).post(url, values).status_code == 302
    response = login(cast.department_head).post(url, {**values, "outcome": "explained", "note": "后到的说明"})
    assert response.status_code == 409
    page = response.content.decode()
    assert "后到的说明" in page and issue.number in page and "孙承办" in page
    issue.refresh_from_db()
    assert (issue.outcome, issue.result) == ("solved", "先到")


def test_a_move_the_state_does_not_allow_is_a_conflict(cast, login):
    issue = issue_at(cast, "assigned")
    response = login(cast.department_handler).post(
        reverse("issues:move", args=[issue.pk, "finish"]),
        {"version": issue.version, "outcome": "solved", "note": "还没签收"},
    )
    assert response.status_code == 409 and "还没签收" in response.content.decode()


def test_a_move_that_is_not_for_the_user_is_refused_whatever_was_sent(cast, login):
    issue = issue_at(cast, "accepted")
    for values in ({}, {"version": issue.version}, {"version": issue.version, "outcome": "solved", "note": "好"}):
        assert login(cast.leader).post(f"/issues/{issue.pk}/move/finish/", values).status_code == 403
    issue.refresh_from_db()
    assert issue.state == "accepted"


def test_a_move_nobody_knows_is_not_found(cast, login):
    issue = issue_at(cast)
    assert login(cast.district_office).post(f"/issues/{issue.pk}/move/explode/", {"version": 1}).status_code == 404
    assert login(cast.district_office).get(f"/issues/{issue.pk}/move/accept/").status_code == 405


@pytest.mark.parametrize("pk", ["0", "999999", "99999999999999999999999"])
def test_an_issue_that_is_not_there_is_not_found(cast, login, pk):
    assert login(cast.district_office).get(f"/issues/{pk}/").status_code == 404


def test_text_a_resident_typed_is_shown_and_never_run(cast, login):
    issue = issue_at(cast, text="<script>alert(1)</script>路灯")
    for url in (LIST, reverse("issues:detail", args=[issue.pk])):
        page = login(cast.district_office).get(url).content.decode()
        assert "<script>alert" not in page and "&lt;script&gt;alert" in page


# ---- what must not leak ----


def test_what_lies_outside_is_404_for_page_and_move(cast, login):
    issue = issue_at(cast, "done", household=household(cast))
    for person in (cast.outside_admin, cast.outside_visitor, cast.outside_handler):
        client = login(person)
        assert numbers(client.get(LIST, {"state": "all"})) == []
        assert client.get(reverse("issues:detail", args=[issue.pk])).status_code == 404
        assert client.post(reverse("issues:move", args=[issue.pk, "close"]), {"version": 4}).status_code == 404


def test_the_resident_is_shown_to_those_who_handle_the_issue_alone(cast, login):
    home = household(cast)
    held = issue_at(cast, "accepted", household=home, by=cast.village_clerk)
    url = reverse("issues:detail", args=[held.pk])
    for person in (cast.department_handler, cast.department_head, cast.township_admin, cast.village_clerk):
        page = login(person).get(url).content.decode()
        assert "罗大树" in page and "13900009999" in page
    # the water office held it once: it sees what it recorded or holds, and no resident
    moved = issue_at(cast, "assigned", household=home, holder=cast.water)
    moved = move(moved, "dispatch", cast.district_office, note="属交通", unit=cast.roads)
    assert login(cast.outside_handler).get(reverse("issues:detail", args=[moved.pk])).status_code == 404


def test_a_search_does_not_tell_what_the_page_hides(cast, login):
    """A department's superior post sees an issue held below it, but not whose it is; nor may a search tell."""
    from outreach.access import Role
    from outreach.models import Unit
    from tests.cast import make_user

    station = Unit.objects.create(code="439900D0801", name="公路站", kind="department", parent=cast.roads)
    worker = make_user("H900", "路长工", Role.DEPARTMENT_HANDLER, station)
    issue = issue_at(cast, household=household(cast), by=cast.village_clerk)
    issue = move(issue, "dispatch", cast.district_office, note="属公路站", unit=station)
    head = login(cast.department_head)
    assert numbers(head.get(LIST, {"q": issue.number})) == [issue.number]
    assert "罗大树" not in head.get(reverse("issues:detail", args=[issue.pk])).content.decode()
    assert "罗大树" not in head.get(LIST).content.decode()
    assert numbers(head.get(LIST, {"q": "罗大树"})) == []
    assert numbers(login(worker).get(LIST, {"q": "罗大树"})) == [issue.number]


def test_a_household_s_issues_are_shown_to_those_who_see_the_household(cast, login):
    home = household(cast)
    issue = issue_at(cast, household=home)
    url = f"/issues/household/{home.pk}/"
    page = login(cast.township_admin).get(url).content.decode()
    assert issue.number in page and f"/issues/new/?household={home.pk}" in page
    assert login(cast.outside_admin).get(url).status_code == 404
    assert login(cast.department_handler).get(url).status_code == 404
    assert "/issues/new/" not in login(cast.leader).get(url).content.decode()


# ---- a new issue ----


def test_a_new_issue_of_a_household_takes_its_place(cast, login):
    home = household(cast)
    response = login(cast.township_admin).post(
        f"/issues/new/?household={home.pk}",
        {"category": category().pk, "kind": "hazard", "text": "电线垂下来了", "is_urgent": "on"},
    )
    assert response.status_code == 302
    issue = Issue.objects.get()
    assert (issue.household, issue.place, issue.kind, issue.is_urgent) == (home, cast.shiqiao, "hazard", True)


def test_a_new_issue_without_a_kind_has_its_category_s_usual_one(cast, login):
    values = {"place": cast.shiqiao.pk, "category": category("邻里纠纷").pk, "text": "两家争排水沟"}
    assert login(cast.village_clerk).post("/issues/new/", values).status_code == 302
    assert Issue.objects.get().kind == "dispute"


@pytest.mark.parametrize("wanted", ["abc", "0", "-1", "9" * 18, "9" * 40, "%00", "1 OR 1=1"])
def test_a_new_issue_of_a_household_that_is_not_there_is_not_found(cast, login, wanted):
    assert login(cast.township_admin).get(f"/issues/new/?household={wanted}").status_code == 404


def test_a_new_issue_of_a_foreign_household_or_place_is_refused(cast, login):
    home = household(cast)
    client = login(cast.outside_admin)
    assert client.get(f"/issues/new/?household={home.pk}").status_code == 404
    values = {"place": cast.shiqiao.pk, "category": category().pk, "kind": "need", "text": "路灯"}
    assert client.post("/issues/new/", values).status_code == 422
    assert not Issue.objects.exists()


@pytest.mark.parametrize(
    "change",
    [{"text": ""}, {"text": "x\x00"}, {"text": "长" * 2001}, {"kind": "xx"}, {"category": "zz"}, {"place": "9" * 30}],
)
def test_a_new_issue_with_bad_input_is_refused_and_kept(cast, login, change):
    values = {"place": cast.shiqiao.pk, "category": category().pk, "kind": "need", "text": "村口路灯不亮", **change}
    response = login(cast.township_admin).post("/issues/new/", values)
    assert response.status_code == 422 and not Issue.objects.exists()
    if "text" not in change:
        assert "村口路灯不亮" in response.content.decode()


# ---- routing rules ----


def test_the_district_office_adds_shifts_and_switches_rules(cast, login):
    client = login(cast.district_office)
    for unit, words in ((cast.roads, "路灯、井盖"), (cast.water, "水")):
        response = client.post(
            "/issues/rules/new/",
            {
                "category": "",
                "area": "",
                "kind": "",
                "keywords": words,
                "target": "unit",
                "unit": unit.pk,
                "is_active": "on",
            },
        )
        assert response.status_code == 302
    first, second = RoutingRule.objects.all()
    assert (first.keywords, first.unit, second.unit) == (["路灯", "井盖"], cast.roads, cast.water)
    trial = {"category": category("其他问题").pk, "place": cast.shiqiao.pk, "text": "路灯下有水"}
    assert client.get("/issues/rules/", trial).context["route"].unit == cast.roads
    client.post(f"/issues/rules/{second.pk}/shift/", {"way": "up"})
    assert client.get("/issues/rules/", trial).context["route"].unit == cast.water
    client.post(f"/issues/rules/{second.pk}/switch/", {"on": "0"})
    assert client.get("/issues/rules/", trial).context["route"].unit == cast.roads
    client.post(f"/issues/rules/{first.pk}/switch/", {"on": "0"})
    response = client.get("/issues/rules/", trial)
    assert (response.context["route"].rule, response.context["route"].unit) == (None, cast.qingxi)
    assert AuditEvent.objects.filter(action__startswith="issue.rule").count() == 5


@pytest.mark.parametrize(
    "values",
    [
        {"target": "unit", "unit": ""},
        {"target": "township", "unit": "roads"},
        {"target": "moon"},
        {"target": "unit", "unit": "999999"},
        {"target": "township", "keywords": "长" * 21},
        {"target": "township", "category": "\x00"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(cast, login, values):
    if values.get("unit") == "roads":
        values = {**values, "unit": cast.roads.pk}
    assert login(cast.district_office).post("/issues/rules/new/", values).status_code == 422
    assert not RoutingRule.objects.exists()


def test_rules_are_the_district_office_s(cast, login):
    rule = route(cast.roads)
    for person in (cast.township_admin, cast.department_head, cast.leader, cast.system_admin):
        client = login(person)
        for url in ("/issues/rules/", "/issues/rules/new/", f"/issues/rules/{rule.pk}/"):
            assert client.get(url).status_code == 403
        assert client.post(f"/issues/rules/{rule.pk}/switch/", {"on": "0"}).status_code == 403
    rule.refresh_from_db()
    assert rule.is_active


def test_the_try_out_survives_junk(cast, login):
    client = login(cast.district_office)
    for query in (
        "category=x",
        "category=1&place=zz",
        "category=%00&kind=%00&text=%00",
        "category=9999999999999999999",
    ):
        response = client.get(f"/issues/rules/?{query}")
        assert response.status_code == 200 and response.context["route"] is None


def test_the_category_tree_is_shipped_whole():
    roots = Category.objects.filter(parent=None)
    assert roots.count() == 13
    assert all(3 <= root.children.count() <= 6 for root in roots)


def test_the_household_is_linked_for_those_who_may_open_it(cast, login):
    from households.models import Pairing

    home = household(cast)
    Pairing.objects.create(household=home, user=cast.visitor)
    issue = issue_at(cast, household=home, by=cast.village_clerk)
    url = f"/issues/{issue.pk}/"
    assert f'href="/households/{home.pk}/"' in login(cast.township_admin).get(url).content.decode()
    assert f'href="/phone/{home.pk}/"' in login(cast.visitor).get(url).content.decode()
    page = login(cast.department_handler).get(url).content.decode()
    assert "罗大树" in page and f"/households/{home.pk}/" not in page
