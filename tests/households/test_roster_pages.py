"""The pages of rosters and households, as people use them; what they cost; what they must not show."""

from __future__ import annotations

import io
import logging

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from households.models import Household, Pairing, Resident, ResidentChange, RosterImport
from outreach.models import AuditEvent
from tests.households.factory import DATA, id_number, person, roster
from tests.households.test_roster_import import FAMILY, NEIGHBOURS


@pytest.fixture
def admin(cast, login, media):
    """The township's admin at the desk."""
    return login(cast.township_admin)


def send(client, cast, content: bytes, name: str = "花名册.xlsx", unit=None):
    """Upload through the page."""
    file = SimpleUploadedFile(name, content)
    return client.post("/households/imports/", {"unit": (unit or cast.qingxi).pk, "file": file})


def test_roster_goes_from_upload_to_undo_through_the_pages(admin, cast, run_tasks):
    with run_tasks():
        response = send(admin, cast, roster(*FAMILY, *NEIGHBOURS))
    url = response.url
    page = admin.get(url)
    assert page.status_code == 200
    assert [tab["count"] for tab in page.context["tabs"]] == [0, 5, 0, 0, 0]
    assert page.context["tab"] == "new"
    for name in ("张三", "张小三", "王五"):
        assert name in page.content.decode()

    with run_tasks():
        assert admin.post(f"{url}commit/").url == url
    assert Household.objects.count() == 2
    assert admin.get(url).context["import"].state == "committed"

    with run_tasks():
        assert admin.post(f"{url}undo/").url == url
    assert not Household.objects.exists()
    assert admin.get(url).context["import"].state == "undone"
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert [name for name in actions if name.startswith("roster.")] == [
        "roster.upload",
        "roster.commit_requested",
        "roster.commit",
        "roster.undo_requested",
        "roster.undo",
    ]


def test_waiting_page_polls_until_the_work_is_done(admin, cast, run_tasks):
    url = send(admin, cast, roster(*FAMILY)).url  # no worker yet
    poll = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "import-progress"}
    assert 'id="import-progress"' in admin.get(url).content.decode()
    fragment = admin.get(url, **poll)
    assert "<html" not in fragment.content.decode() and "import-progress" in fragment.content.decode()
    RosterImport.objects.update(state="failed", failure="damaged")
    assert admin.get(url, **poll)["HX-Refresh"] == "true"


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.pdf", b"%PDF-1.7"), ("empty.xlsx", b""), ("web.xls", b"<html></html>"), ("x.xlsx", b"PK\x03\x04nonsense")],
)
def test_unusable_upload_is_refused_at_once_with_a_sentence(admin, cast, name, content):
    response = send(admin, cast, content, name)
    assert response.status_code == 400
    assert response.context["form"].errors["file"]
    assert not RosterImport.objects.exists()


def test_upload_for_a_unit_out_of_reach_is_refused(admin, cast):
    response = send(admin, cast, roster(*FAMILY), unit=cast.bailu)
    assert response.status_code == 400
    assert not RosterImport.objects.exists()


def test_upload_for_a_village_takes_that_village_alone(admin, cast, run_tasks):
    with run_tasks():
        send(admin, cast, roster(person(1, "张三"), person(2, "李四", number="2", village="柳塘村")), unit=cast.shiqiao)
    checked = RosterImport.objects.get()
    assert [(error.row, error.code) for error in checked.errors.all()] == [(3, "unknown_village")]


def test_preview_shows_each_changed_field_with_old_and_new(admin, cast, bring_in, upload):
    bring_in(roster(*FAMILY))
    checked = upload(roster(person(9, "张三", phone="13877777777", address="9号", category="低保户"), *FAMILY[1:]))
    page = admin.get(f"/households/imports/{checked.pk}/?tab=changed")
    lines = [(line["label"], line["old"], line["new"]) for row in page.context["rows"] for line in row["lines"]]
    assert ("住址", "1号", "9号") in lines
    assert ("联系电话", "13800000001", "13877777777") in lines or ("电话", "13800000001", "13877777777") in lines
    assert any(old == "" and new == "低保" for _label, old, new in lines)
    assert id_number(9) not in page.content.decode()


def test_preview_shows_who_moved_and_who_is_missing(admin, cast, bring_in, upload):
    bring_in(roster(*FAMILY, *NEIGHBOURS))
    checked = upload(roster(*FAMILY[:1], person(2, "李四", number="7"), person(71, "周九", "夫", number="7")))
    page = admin.get(f"/households/imports/{checked.pk}/?tab=moved")
    assert [(row["resident"].name, row["left"].head_name) for row in page.context["rows"]] == [("李四", "张三")]
    page = admin.get(f"/households/imports/{checked.pk}/?tab=missing")
    shown = [row["resident"].name if "resident" in row else row["household"].head_name for row in page.context["rows"]]
    assert shown == ["王五", "张小三"]


def test_ticked_missing_rows_are_marked_and_nothing_else(admin, cast, bring_in, upload):
    bring_in(roster(*FAMILY, *NEIGHBOURS))
    other = Household.objects.create(village=cast.luzhou, head_name="外人", number="1")
    checked = upload(roster(*FAMILY[:2]))
    url = f"/households/imports/{checked.pk}/"
    assert admin.post(f"{url}missing/", {}).status_code == 400
    left = Resident.objects.get(name="张小三")
    data = {"household": [Household.objects.get(number="2").pk, other.pk, "x", "9" * 30], "resident": [left.pk]}
    assert admin.post(f"{url}missing/", data).status_code == 302
    states = dict(Household.objects.values_list("head_name", "roster_state"))
    assert states == {"张三": "in_residence", "王五": "moved", "外人": "in_residence"}
    assert list(Resident.objects.filter(lives_here=False).values_list("name", flat=True)) == ["张小三"]
    assert AuditEvent.objects.get(action="roster.missing_marked").detail == {"households": 1, "residents": 1}


def test_mapping_is_edited_on_the_page_and_checked_again(admin, cast, upload, run_tasks):
    checked = upload(roster(*FAMILY))
    url = f"/households/imports/{checked.pk}/"
    form = admin.get(url).context["mapping_form"]
    data = {name: field.initial for name, field in form.fields.items()}
    phone = next(name for name, key in form.keys.items() if key == "联系电话")
    with run_tasks():
        assert admin.post(f"{url}mapping/", {**data, phone: ""}).status_code == 302
    checked.refresh_from_db()
    assert checked.mapping["联系电话"] == ""
    name = next(name for name, key in form.keys.items() if key == "姓名")
    assert admin.post(f"{url}mapping/", {**data, name: ""}).status_code == 400
    assert admin.post(f"{url}mapping/", {**data, name: "no such field"}).status_code == 400


def test_own_workbook_comes_back_with_errors_and_advice(admin, cast, run_tasks):
    content = (DATA / "roster_bad.xlsx").read_bytes()
    with run_tasks():
        url = send(admin, cast, content).url
    response = admin.post(f"{url}errors/")
    assert response.status_code == 200
    book, original = load_workbook(io.BytesIO(response.content)), load_workbook(io.BytesIO(content))
    sheet, before = book["花名册"], original["花名册"]
    assert [sheet.cell(1, 12).value, sheet.cell(1, 13).value] == ["错误", "建议"]
    errors = RosterImport.objects.get().errors
    for row in range(2, before.max_row + 1):
        wrong = errors.filter(row=row).first()
        assert bool(sheet.cell(row, 12).value) == bool(sheet.cell(row, 13).value) == bool(wrong)
        if wrong:
            assert sheet.cell(row, wrong.column_index + 1).fill.fgColor.rgb == "00FDE2E0"
        assert [sheet.cell(row, column).value for column in range(1, 12)] == [
            before.cell(row, column).value for column in range(1, 12)
        ]
    assert AuditEvent.objects.filter(action="roster.errors_export").count() == 1


def test_csv_comes_back_as_a_workbook_whose_texts_are_no_formulas(admin, cast, run_tasks):
    text = "村,姓名,关系,电话\n石桥村,=cmd|'/c calc'!A1,户主,13800000001\n"
    with run_tasks():
        url = send(admin, cast, text.encode("gb18030"), "花名册.csv").url
    sheet = load_workbook(io.BytesIO(admin.post(f"{url}errors/").content)).worksheets[0]
    assert sheet.cell(2, 2).data_type == "s"
    assert sheet.cell(2, 2).value == "'=cmd|'/c calc'!A1"
    assert sheet.cell(2, 5).value


def test_template_is_read_back_without_an_error(admin, cast, run_tasks):
    book = load_workbook(io.BytesIO(admin.get("/households/imports/template/").content))
    book["花名册"].append(
        ["青溪镇", "石桥村", "1组", "0001", "张三", "户主", id_number(1), "13800000001", "1号", "低保", ""]
    )
    out = io.BytesIO()
    book.save(out)
    with run_tasks():
        send(admin, cast, out.getvalue())
    checked = RosterImport.objects.get()
    assert (checked.state, checked.summary["households"], checked.summary["errors"]) == ("checked", 1, 0)


# --- households ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "heads"),
    [
        ("q=张小", ["张三"]),
        ("q=zs", ["张三"]),
        ("q=0001", ["张三"]),
        ("q=2号", ["王五"]),
        ("category=dibao", ["王五"]),
        ("group=1", ["张三", "王五"]),
        ("state=moved", []),
        ("q=%00&unit=zzz&page=abc&state=x&category=1", ["张三", "王五"]),
        ("unit=99999999999999999999999&page=-1", ["张三", "王五"]),
    ],
)
def test_list_finds_households_by_what_people_type(admin, bring_in, query, heads):
    bring_in(roster(*FAMILY, *[[*row[:8], "低保户"] for row in NEIGHBOURS]))
    response = admin.get(f"/households/?{query}")
    assert response.status_code == 200
    assert [row["household"].head_name for row in response.context["rows"]] == heads


def test_village_clerk_sees_the_own_village_alone(bring_in, cast, login):
    bring_in(roster(*FAMILY, person(50, "孙七", village="柳塘村")))
    response = login(cast.village_clerk).get("/households/")
    assert [row["household"].head_name for row in response.context["rows"]] == ["张三"]


def queries(client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_lists_cost_the_same_queries_for_1_and_28_rows(admin, cast, bring_in, upload):
    bring_in(roster(person(1, "张三")))
    checked = upload(roster(person(1, "张三", phone="13800000009"), person(2, "李四", number="2")))
    tabs = ("new", "changed")
    few = [queries(admin, "/households/")]
    few += [queries(admin, f"/households/imports/{checked.pk}/?tab={tab}") for tab in tabs]
    bring_in(roster(*[person(n, "张三", number=str(n)) for n in range(1, 15)]))
    checked = upload(
        roster(
            *[person(n, "张三", number=str(n), phone="13800000009") for n in range(1, 15)],
            *[person(n, "李四", number=str(n)) for n in range(41, 71)],
        )
    )
    many = [queries(admin, "/households/")]
    many += [queries(admin, f"/households/imports/{checked.pk}/?tab={tab}") for tab in tabs]
    assert many == few


def test_id_numbers_show_nowhere_but_where_they_are_asked_for(admin, cast, bring_in, upload, caplog):
    caplog.set_level(logging.DEBUG)
    bring_in(roster(*FAMILY))
    numbers = {id_number(1), id_number(2), id_number(3, born="20050303"), id_number(88)}
    checked = upload(roster(person(88, "张三"), *FAMILY[1:], person(2, "重复", number="9")))
    household = Household.objects.get()
    pages = [
        "/households/",
        f"/households/{household.pk}/",
        f"/households/{household.pk}/edit/",
        "/households/imports/",
        *[f"/households/imports/{checked.pk}/?tab={tab}" for tab in ("errors", "new", "changed", "moved", "missing")],
    ]
    texts = [admin.get(page).content.decode() for page in pages]
    export = load_workbook(io.BytesIO(admin.post("/households/export/").content)).worksheets[0]
    texts += [str(cell) for row in export.iter_rows(values_only=True) for cell in row]
    texts += [record.getMessage() for record in caplog.records]
    texts += [str(event.detail) for event in AuditEvent.objects.all()]
    texts += [str(values) for values in RosterImport.objects.values()]
    texts += [str(values) for values in Resident.objects.values()]
    assert not [number for number in numbers for text in texts if number in text]


def test_revealed_id_number_is_recorded_with_the_reason(admin, cast, bring_in):
    bring_in(roster(*FAMILY))
    resident = Resident.objects.get(name="李四")
    url = f"/households/residents/{resident.pk}/reveal/"
    assert admin.post(url, {"reason": ""}).status_code == 400
    response = admin.post(url, {"reason": "办理低保核对"})
    assert id_number(2) in response.content.decode()
    assert id_number(1) not in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    event = AuditEvent.objects.get(action="id_number.reveal")
    assert (event.target, event.detail["reason"]) == (f"households.resident:{resident.pk}", "办理低保核对")
    assert id_number(2) not in str(event.detail)


def test_export_is_recorded_and_holds_what_the_filter_shows(admin, bring_in):
    bring_in(roster(*FAMILY, *NEIGHBOURS))
    response = admin.post("/households/export/?q=王五")
    rows = list(load_workbook(io.BytesIO(response.content)).worksheets[0].iter_rows(min_row=3, values_only=True))
    assert [row[4] for row in rows] == ["王五", "赵六"]
    assert rows[0][7] == f"439900********{id_number(11)[-4:]}"
    assert AuditEvent.objects.get(action="household.export").detail["count"] == 1


def test_wish_not_to_be_visited_is_kept_and_withdrawn(admin, bring_in, cast):
    bring_in(roster(*FAMILY))
    household = Household.objects.get()
    url = f"/households/{household.pk}/wish/"
    assert admin.post(url, {"reason": " "}).status_code == 400
    admin.post(url, {"reason": "家中有病人"})
    household.refresh_from_db()
    assert (household.is_do_not_visit, household.do_not_visit_reason, household.do_not_visit_by) == (
        True,
        "家中有病人",
        cast.township_admin,
    )
    admin.post(url, {"withdraw": "1"})
    household.refresh_from_db()
    assert not household.is_do_not_visit


def test_edit_writes_the_households_own_fields(admin, bring_in):
    bring_in(roster(*FAMILY))
    household = Household.objects.get()
    url = f"/households/{household.pk}/edit/"
    data = {"number": "1", "group": "三组", "address": "3号", "phone": "0731-82345678", "best_time": "evening"}
    data |= {"roster_state": "verified_empty", "categories": ["tekun"], "note": "新房"}
    assert admin.post(url, {**data, "phone": "12"}).status_code == 400
    assert admin.post(url, data).status_code == 302
    household.refresh_from_db()
    assert (household.group, household.address, household.phone, household.roster_state) == (
        "3组",
        "3号",
        "073182345678",
        "verified_empty",
    )
    assert (household.categories, household.priority, household.best_time) == (["tekun"], 90, "evening")
    fields = AuditEvent.objects.get(action="household.edit").detail["fields"]
    assert fields == ["address", "best_time", "categories", "group", "note", "phone", "roster_state"]


# --- corrections -----------------------------------------------------------------------------------------------------


@pytest.fixture
def correction(bring_in, cast) -> ResidentChange:
    """A visitor found another name and phone at the door."""
    bring_in(roster(*FAMILY))
    head = Resident.objects.get(relation="01")
    return ResidentChange.objects.create(
        household=head.household,
        resident=head,
        changes={"name": "张 叁", "phone": "138-0000-0009"},
        proposed_by=cast.visitor,
    )


def test_accepted_correction_is_written_to_the_roster(correction, cast, login):
    clerk = login(cast.village_clerk)
    assert "张 叁" in clerk.get("/households/changes/").content.decode()
    assert clerk.post(f"/households/changes/{correction.pk}/", {"decision": "accept"}).status_code == 302
    head = Resident.objects.get(relation="01")
    assert (head.name, head.pinyin, head.phone) == ("张叁", "zs", "13800000009")
    assert (head.household.head_name, head.household.phone) == ("张叁", "13800000009")
    correction.refresh_from_db()
    assert (correction.state, correction.decided_by) == ("accepted", cast.village_clerk)
    assert clerk.post(f"/households/changes/{correction.pk}/", {"decision": "refuse", "reason": "x"}).status_code == 400


def test_refused_correction_needs_a_reason_and_changes_nothing(correction, cast, login):
    clerk = login(cast.village_clerk)
    url = f"/households/changes/{correction.pk}/"
    assert clerk.post(url, {"decision": "refuse"}).status_code == 400
    assert clerk.post(url, {"decision": "maybe"}).status_code == 400
    assert clerk.post(url, {"decision": "refuse", "reason": "户口簿上是张三"}).status_code == 302
    assert Resident.objects.get(relation="01").name == "张三"
    correction.refresh_from_db()
    assert (correction.state, correction.reason) == ("refused", "户口簿上是张三")


@pytest.mark.parametrize(
    "changes",
    [{"name": "=1+1"}, {"phone": "12345"}, {"id_number": "1"}, {"relation": "10"}, {"name": ""}],
)
def test_correction_the_roster_cannot_take_is_answered_with_a_sentence(correction, cast, login, changes):
    ResidentChange.objects.update(changes=changes)
    response = login(cast.village_clerk).post(f"/households/changes/{correction.pk}/", {"decision": "accept"})
    assert response.status_code == 400
    assert response.context["refusal"]
    assert Resident.objects.get(relation="01").name == "张三"


def test_new_resident_from_the_door_joins_the_household(correction, cast, login):
    ResidentChange.objects.update(resident=None, changes={"name": "张小四", "relation": "女儿"})
    login(cast.village_clerk).post(f"/households/changes/{correction.pk}/", {"decision": "accept"})
    new = Resident.objects.get(name="张小四")
    assert (new.household, new.relation) == (correction.household, "30")


def test_visitor_sees_the_page_of_an_own_household_alone(bring_in, cast, login):
    bring_in(roster(*FAMILY, *NEIGHBOURS))
    mine, other = Household.objects.order_by("number")
    Pairing.objects.create(household=mine, user=cast.visitor)
    client = login(cast.visitor)
    assert client.get(f"/households/{mine.pk}/").status_code == 200
    assert client.get(f"/households/{other.pk}/").status_code == 404
    assert client.post(f"/households/residents/{mine.residents.first().pk}/reveal/", {"reason": "x"}).status_code == 403


def test_refusals_say_why_in_words(admin, bring_in, cast):
    done = bring_in(roster(*FAMILY))
    response = admin.post(f"/households/imports/{done.pk}/commit/")
    assert response.status_code == 409
    assert response.context["refusal"]
    assert not list(get_messages(response.wsgi_request))
