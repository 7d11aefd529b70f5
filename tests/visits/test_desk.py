"""The desk's pages: campaigns, coverage, households, assigning, decisions, history."""

import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import Workbook, load_workbook

from households.models import Household, Pairing
from outreach.access import Role
from outreach.models import AuditEvent, Campaign
from tests.cast import make_user
from tests.visits.conftest import make_campaign, make_household, raw_visit
from visits import actions
from visits.attempts import State
from visits.models import Assignment
from visits.payload import parse


def page(name, campaign, **kwargs) -> str:
    return reverse(f"visits:{name}", kwargs={"pk": campaign.pk, **kwargs})


@pytest.fixture
def wide(cast):
    """A running campaign with six doors in 石桥村, four in 柳塘村, one in 白鹭镇, nobody assigned yet."""
    for number in range(1, 7):
        make_household(cast.shiqiao, number, f"石户{number}", group="一组" if number < 4 else "二组")
    for number in range(1, 5):
        make_household(cast.liutang, number, f"柳户{number}")
    make_household(cast.luzhou, 1, "鹭户1")
    campaign = make_campaign(cast)
    campaign.units.set([])
    actions.refresh_roster(campaign=campaign, by=cast.district_office)
    return campaign


def form_values(**fields):
    today = timezone.localdate()
    values = {
        "name": "春季大走访",
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=30)).isoformat(),
        "roster_states": ["in_residence"],
        "counts_unfinished": "on",
        "makeup_workdays": 5,
        "min_attempts": 3,
        "min_days": 3,
        "min_time_bands": 2,
    }
    return values | fields


def test_office_makes_opens_changes_and_closes_a_campaign(cast, login):
    make_household(cast.shiqiao, 1, categories=["dibao"])
    make_household(cast.shiqiao, 2)
    client = login(cast.district_office)
    values = form_values(units=[cast.qingxi.pk], categories=["dibao"])
    response = client.post(reverse("visits:campaign_new"), values)
    campaign = Campaign.objects.get()
    assert response["Location"] == page("campaign_detail", campaign)
    assert (campaign.state, list(campaign.units.all()), campaign.categories) == ("draft", [cast.qingxi], ["dibao"])
    client.post(page("campaign_open", campaign))
    assert campaign.assignments.count() == 1
    client.post(page("campaign_edit", campaign), form_values(makeup_workdays=3))
    assert campaign.assignments.count() == 2
    assert [standard.makeup_workdays for standard in campaign.standards.all()] == [3, 5]
    client.post(page("campaign_close", campaign))
    assert Campaign.objects.get().state == "closed"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": ""}, "必填"),
        ({"ends_on": "2020-01-01"}, "结束"),
        ({"starts_on": "soon"}, "日期"),
        ({"units": ["999999"]}, ""),
        ({"units": ["9" * 30]}, ""),
        ({"categories": ["nothing"]}, ""),
        ({"makeup_workdays": "0"}, ""),
        ({"min_days": "4"}, "天数"),
        ({"name": "a\x00b"}, ""),
        ({"roster_states": []}, "必填"),
    ],
)
def test_campaign_form_refused_says_why_and_keeps_what_was_typed(cast, login, fields, says):
    response = login(cast.district_office).post(reverse("visits:campaign_new"), form_values(text="先敲门") | fields)
    assert response.status_code == 400
    assert says in response.text and "先敲门" in response.text
    assert Campaign.objects.count() == 0


def test_campaign_name_used_twice_is_refused_on_its_field(round_, cast, login):
    response = login(cast.district_office).post(reverse("visits:campaign_new"), form_values(name=round_.campaign.name))
    assert (response.status_code, Campaign.objects.count()) == (400, 1)
    assert "name" in response.context["form"].errors


def test_coverage_goes_from_the_district_down_to_the_household(wide, cast, login):
    door = Household.objects.get(head_name="石户1")
    actions.record_visit(by=cast.village_clerk, payload=parse(raw_visit(door, wide)))
    client = login(cast.leader)
    rows = client.get(page("campaign_detail", wide)).context["rows"]
    assert [(row["name"], row["counts"]["covered"], row["counts"]["roster"]) for row in rows] == [
        ("青溪镇", 1, 10),
        ("白鹭镇", 0, 1),
    ]
    rows = client.get(rows[0]["url"]).context["rows"]
    assert [(row["name"], row["counts"]["covered"], row["counts"]["roster"]) for row in rows] == [
        ("石桥村", 1, 6),
        ("柳塘村", 0, 4),
    ]
    groups = client.get(rows[0]["url"]).context["rows"]
    assert {row["name"] for row in groups} == {"一组", "二组"}
    group = next(row for row in groups if row["name"] == "二组")
    found = client.get(group["url"]).context["rows"]
    assert [row["duty"].household.head_name for row in found] == ["石户4", "石户5", "石户6"]
    Household.objects.filter(head_name="石户4").update(group="")
    groupless = client.get(rows[0]["url"]).context["rows"][0]
    found = client.get(groupless["todo_url"]).context["rows"]
    assert [row["duty"].household.head_name for row in found] == ["石户4"]
    Household.objects.filter(head_name="石户4").update(group="二组")
    todo = client.get(rows[0]["todo_url"])
    assert [row["duty"].household.head_name for row in todo.context["rows"]] == [f"石户{n}" for n in range(2, 7)]


def test_coverage_shows_a_township_only_its_own(wide, cast, login):
    response = login(cast.outside_admin).get(page("campaign_detail", wide), {"unit": cast.qingxi.pk})
    assert [row["name"] for row in response.context["rows"]] == ["鹭洲村"]
    assert "石桥村" not in response.text
    rows = login(cast.outside_admin).get(page("campaign_roster", wide), {"unit": cast.qingxi.pk})
    assert [row["duty"].household.head_name for row in rows.context["rows"]] == ["鹭户1"]


@pytest.mark.parametrize(
    "query", ["unit=abc", "unit=" + "9" * 40, "unit=%00", "page=x", "show=zz", "visitor=x", "q=%00"]
)
def test_campaign_pages_answer_junk_in_the_query_string_with_a_page(wide, cast, login, query):
    client = login(cast.township_admin)
    for name in ("campaign_detail", "campaign_roster", "campaign_assign", "campaign_confirm"):
        assert client.get(f"{page(name, wide)}?{query}").status_code == 200


@pytest.mark.parametrize(
    ("show", "found"),
    [("unassigned", 10), ("not_covered", 10), ("make_up_due", 0), ("to_visit", 9), ("make_up", 1), ("met", 0)],
)
def test_households_filter_by_state(wide, cast, login, show, found):
    door = Household.objects.get(head_name="石户1")
    actions.record_visit(by=cast.village_clerk, payload=parse(raw_visit(door, wide, "nobody_home")))
    response = login(cast.township_admin).get(page("campaign_roster", wide), {"show": show})
    assert len(response.context["rows"]) == found


def test_export_holds_the_filtered_rows_and_no_formula_and_is_logged(wide, cast, login):
    Household.objects.filter(head_name="石户1").update(head_name="=cmd|' /C calc'!A0")
    response = login(cast.township_admin).post(f"{page('campaign_export', wide)}?unit={cast.shiqiao.pk}")
    sheet = load_workbook(io.BytesIO(response.content)).active
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    assert len(rows) == 6
    assert rows[0][7].startswith("'=cmd")
    assert [row[4] for row in rows] == [f"{n:03}" for n in range(1, 7)]
    event = AuditEvent.objects.get(action="campaign.export")
    assert (event.detail["rows"], event.actor_id) == (6, cast.township_admin.pk)


def test_export_needs_its_right(wide, cast, login):
    assert login(cast.leader).post(page("campaign_export", wide)).status_code == 403


def assign(client, campaign, method, data, **query):
    query = "&".join(f"{name}={value}" for name, value in {"method": method, **query}.items())
    return client.post(f"{page('campaign_assign', campaign)}?{query}", data)


def holders(campaign) -> list[str]:
    rows = campaign.assignments.order_by("household__village__sort_order", "household__door_key")
    return [row.visitor.staff_number if row.visitor else "-" for row in rows.select_related("visitor")]


def test_assign_page_shares_out_evenly_among_ticked_and_written(wide, cast, login):
    response = assign(login(cast.township_admin), wide, "evenly", {"visitors": ["V001"], "others": "王入户，V101"})
    assert response.status_code == 200
    assert holders(wide) == ["V001"] * 4 + ["V002"] * 3 + ["V101"] * 3 + ["-"]
    assert [(row["visitor__staff_number"], row["assigned"]) for row in response.context["workload"]] == [
        ("V001", 4),
        ("V002", 3),
        ("V101", 3),
    ]


def test_assign_page_by_village_and_by_group(wide, cast, login):
    client = login(cast.township_admin)
    assign(client, wide, "places", {f"v:{cast.liutang.pk}": "V002 王入户"})
    assign(client, wide, "places", {"g:二组": "李走访"}, unit=cast.shiqiao.pk)
    assert holders(wide) == ["-"] * 3 + ["V001"] * 3 + ["V002"] * 4 + ["-"]


def test_assign_page_takes_back_from_one(wide, cast, login):
    client = login(cast.township_admin)
    assign(client, wide, "evenly", {"visitors": ["V001", "V002"]})
    assign(client, wide, "remove", {"who": "V001"}, assigned="on")
    assert holders(wide) == ["-"] * 5 + ["V002"] * 5 + ["-"]


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("evenly", {}),
        ("evenly", {"visitors": ["nobody"]}),
        ("evenly", {"others": "冯书记"}),
        ("evenly", {"others": "a\x00b"}),
        ("places", {}),
        ("places", {"v:1x": "V001"}),
        ("places", {"v:999999": "V001"}),
        ("table", {}),
        ("remove", {}),
        ("remove", {"who": "nobody"}),
    ],
)
def test_assign_page_refuses_with_a_reason_and_changes_nothing(wide, cast, login, method, data):
    response = assign(login(cast.township_admin), wide, method, data)
    assert response.status_code == 400
    assert response.context["error"] and response.context["error"] in response.text.replace("&quot;", '"')
    assert set(holders(wide)) == {"-"}


def test_assign_page_of_another_township_cannot_be_reached(wide, cast, login):
    response = assign(login(cast.outside_admin), wide, "evenly", {"visitors": ["V101"]}, unit=cast.qingxi.pk)
    assert response.status_code == 400
    assert set(holders(wide)) == {"-"}


def sheet_of(rows) -> SimpleUploadedFile:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return SimpleUploadedFile("表.xlsx", out.getvalue())


GOOD = [["走访分配表"], ["村", "户编号", "走访干部"], ["石桥村", "001", "李走访"], ["柳塘村", "001", "V002"]]


def test_table_assigns_each_household_as_it_says(wide, cast, login):
    assert assign(login(cast.township_admin), wide, "table", {"file": sheet_of(GOOD)}).status_code == 200
    assert holders(wide) == ["V001"] + ["-"] * 5 + ["V002"] + ["-"] * 4


def test_table_with_wrong_rows_names_each_and_assigns_nothing_unless_told(wide, cast, login):
    make_user("V301", "李走访", Role.VISITOR, cast.roads)
    rows = [
        ["村", "户编号", "走访干部"],
        ["石桥村", "001", "V001"],
        ["石桥村", "002", "李走访"],
        ["石桥村", "999", "V001"],
        ["", "003", "V001"],
        ["石桥村", "004", "无此人"],
        ["石桥村", "001", "V002"],
        ["鹭洲村", "001", "V001"],
        ["石桥村", "005", ""],
    ]
    client = login(cast.township_admin)
    response = assign(client, wide, "table", {"file": sheet_of(rows)})
    assert response.status_code == 400
    assert [error.row for error in response.context["table"].errors] == [3, 4, 5, 6, 7, 8]
    assert all(error.message in response.text for error in response.context["table"].errors)
    assert set(holders(wide)) == {"-"}
    assign(client, wide, "table", {"file": sheet_of(rows), "anyway": "on"})
    assert holders(wide) == ["V001"] + ["-"] * 10


def test_exported_table_filled_in_can_be_sent_back(wide, cast, login):
    client = login(cast.township_admin)
    content = client.post(page("campaign_export", wide)).content
    book = load_workbook(io.BytesIO(content))
    for row in range(3, 13):
        book.active.cell(row, 10).value = "V002"
    out = io.BytesIO()
    book.save(out)
    response = assign(client, wide, "table", {"file": SimpleUploadedFile("回传.xlsx", out.getvalue())})
    assert response.status_code == 200
    assert holders(wide) == ["V002"] * 10 + ["-"]


def test_table_whose_name_and_staff_number_disagree_is_refused(wide, cast, login):
    rows = [["村", "户编号", "走访干部", "工号"], ["石桥村", "001", "王入户", "V001"]]
    response = assign(login(cast.township_admin), wide, "table", {"file": sheet_of(rows)})
    assert (response.status_code, len(response.context["table"].errors)) == (400, 1)


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04broken", b"<html></html>", b"a,b\n1,2\n"])
def test_table_that_is_no_table_is_refused(wide, cast, login, content):
    response = assign(login(cast.township_admin), wide, "table", {"file": SimpleUploadedFile("表.xlsx", content)})
    assert response.status_code == 400
    assert response.context["error"]


def test_duty_page_hands_one_household_over_and_takes_it_back(round_, cast, login):
    client = login(cast.township_admin)
    url = page("campaign_duty", round_.campaign, assignment=round_.duty.pk)
    assert client.post(url, {"decision": "assign", "who": "V002 王入户"}).status_code == 302
    assert round_.duty.visitor == cast.second_visitor
    client.post(url, {"decision": "assign", "who": ""})
    assert round_.duty.visitor is None
    response = client.post(url, {"decision": "assign", "who": "冯书记"})
    assert (response.status_code, round_.duty.visitor) == (400, None)


def test_duty_page_decides_on_a_household_reported_as_moved(round_, cast, login):
    actions.record_visit(by=cast.visitor, payload=round_.payload("moved"))
    client = login(cast.supervisor)
    response = client.get(page("campaign_confirm", round_.campaign))
    assert [duty.household for duty in response.context["gone"]] == [round_.door]
    url = page("campaign_duty", round_.campaign, assignment=round_.duty.pk)
    back = page("campaign_confirm", round_.campaign)
    response = client.post(url, {"decision": "moved", "next": back})
    assert (response["Location"], round_.duty.state) == (back, State.OFF_ROSTER)


def test_duty_page_goes_on_to_no_foreign_site(round_, cast, login):
    actions.record_visit(by=cast.visitor, payload=round_.payload("moved"))
    url = page("campaign_duty", round_.campaign, assignment=round_.duty.pk)
    response = login(cast.supervisor).post(url, {"decision": "recheck", "next": "https://evil.example/"})
    assert response["Location"] == url


def test_confirm_page_lists_doors_tried_in_vain_often_enough(round_, cast, login, days_ago):
    for days, hour in ((5, 10), (4, 15), (3, 19)):
        actions.record_visit(by=cast.visitor, payload=round_.payload("nobody_home", visited_at=days_ago(days, hour)))
    client = login(cast.township_admin)
    found = list(client.get(page("campaign_confirm", round_.campaign)).context["candidates"])
    assert [(duty.household, duty.tries, duty.days, duty.bands) for duty in found] == [(round_.door, 3, 3, 3)]
    client.post(page("campaign_duty", round_.campaign, assignment=round_.duty.pk), {"decision": "unreachable"})
    assert round_.duty.state == State.UNREACHABLE


@pytest.mark.parametrize("who", ["visitor", "outside_admin"])
def test_duty_of_others_is_closed(round_, cast, login, who):
    response = login(getattr(cast, who)).get(page("campaign_duty", round_.campaign, assignment=round_.duty.pk))
    assert response.status_code in (403, 404)


def test_leader_may_look_but_not_decide(round_, cast, login):
    client = login(cast.leader)
    url = page("campaign_duty", round_.campaign, assignment=round_.duty.pk)
    assert client.get(url).status_code == 200
    assert client.post(url, {"decision": "assign", "who": "V002"}).status_code == 403
    assert round_.duty.visitor == cast.visitor


def test_history_is_a_fragment_with_what_was_heard(round_, cast, login):
    actions.record_visit(
        by=cast.visitor,
        payload=round_.payload(note="老人耳背", items=[{"kind": "opinion", "text": "路好走"}], help_given="挑水"),
    )
    url = page("household_history", round_.door)
    response = login(cast.township_admin).get(url, headers={"HX-Request": "true"})
    assert "<html" not in response.text
    for text in ("老人耳背", "路好走", "挑水", "李走访"):
        assert text in response.text
    assert login(cast.outside_admin).get(url).status_code == 404


def test_history_pairs_and_ends_a_pairing(round_, cast, login):
    client, url = login(cast.township_admin), page("household_history", round_.door)
    response = client.post(url, {"who": "V002 王入户"}, headers={"HX-Request": "true"})
    assert "王入户" in response.text
    pairing = Pairing.objects.get()
    assert (pairing.user, pairing.ended_on) == (cast.second_visitor, None)
    client.post(url, {"end": pairing.pk})
    assert Pairing.objects.get().ended_on == timezone.localdate()
    assert client.post(url, {"who": "无此人"}).status_code == 400
    assert client.post(url, {"end": "9" * 30}).status_code == 404
    assert login(cast.leader).post(url, {"who": "V002"}).status_code == 403


def test_desk_pages_cost_the_same_queries_for_few_and_many_households(wide, cast, login):
    client = login(cast.township_admin)
    doors = Household.objects.filter(village=cast.shiqiao)

    def costs() -> list[int]:
        counts = []
        for name in ("campaign_detail", "campaign_roster", "campaign_assign", "campaign_confirm"):
            with CaptureQueriesContext(connection) as context:
                assert client.get(page(name, wide)).status_code == 200
            counts.append(len(context))
        with CaptureQueriesContext(connection) as context:
            client.get(reverse("visits:campaigns"))
        return [*counts, len(context)]

    actions.record_visit(by=cast.village_clerk, payload=parse(raw_visit(doors[0], wide, "moved")))
    assign(client, wide, "evenly", {"visitors": ["V001"]}, unit=cast.shiqiao.pk)
    client.get(reverse("visits:campaigns"))
    few = costs()
    for number in range(100, 160):
        door = make_household(cast.shiqiao, number, categories=["dibao"])
        actions.record_visit(by=cast.village_clerk, payload=parse(raw_visit(door, wide, "moved")))
    assign(client, wide, "evenly", {"visitors": ["V001", "V002", "V101"]}, visited="on")
    client.get(reverse("visits:campaigns"))
    assert costs() == few
    assert Assignment.objects.filter(campaign=wide).count() == 71
