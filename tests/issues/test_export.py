from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from households.models import Household
from issues import exports
from issues.models import Issue
from outreach.models import AuditEvent
from tests.issues.make import category, issue_at

pytestmark = pytest.mark.django_db


def sheet_of(response):
    assert response.status_code == 200
    assert "spreadsheetml" in response["Content-Type"] and "attachment" in response["Content-Disposition"]
    return load_workbook(io.BytesIO(response.content)).active


def test_the_ledger_leaves_in_the_township_s_layout(cast, login):
    home = Household.objects.create(village=cast.shiqiao, head_name="罗大树")
    issue = issue_at(cast, "closed", household=home, category=category("路灯照明"), text="村口路灯不亮")
    Issue.objects.filter(pk=issue.pk).update(due_on=timezone.localdate() - timedelta(days=2))
    sheet = sheet_of(login(cast.township_admin).post("/issues/export/?state=all"))
    today = timezone.localdate().isoformat()
    assert sheet["A1"].value == "青溪镇问题台账"
    assert sheet["A2"].value == f"单位：青溪镇    填表人：钱镇管    日期：{today}"
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    assert rows[0] == (
        "序号", "问题编号", "登记日期", "地点", "户主", "类别", "性质", "群众反映内容", "承办单位", "交办日期",
        "办理期限", "状态", "是否超期", "办理结果", "办理情况", "办结日期", "销号日期", "校验值", "KEY",
    )  # fmt: skip
    due = (timezone.localdate() - timedelta(days=2)).isoformat()
    assert rows[1] == (
        1, issue.number, today, "石桥村", "罗大树", "交通道路／路灯照明", "诉求", "村口路灯不亮", "区交通运输局", today,
        due, "已销号", "是", "已解决", "已修好", today, today, f"{issue.event_count}-{issue.head_hash[:12]}",
        f"{issue.number}/{issue.version}",
    )  # fmt: skip
    assert rows[2][:2] == ("合计", "共 1 件，其中超期 1 件") and len(rows) == 3
    assert sheet.freeze_panes == "A4"
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet.page_setup.fitToWidth == 1 and sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_title_rows == "$3:$3"
    for cell in [*sheet[3][:-1], *sheet[4][:-1], sheet["A5"], sheet["B5"]]:
        assert cell.border.left.style == cell.border.bottom.style == "thin"
    assert {str(merged) for merged in sheet.merged_cells.ranges} == {"A1:R1", "A2:R2", "B5:R5"}


def test_exactly_what_is_filtered_leaves_in_the_same_order(cast, login):
    for number in range(5):
        issue_at(cast, text=f"路灯{number}", kind="need" if number % 2 else "hazard")
    client = login(cast.district_office)
    query = "?state=assigned&kind=hazard&q=路灯"
    listed = [row["issue"].number for row in client.get(f"/issues/{query}").context["rows"]]
    sheet = sheet_of(client.post(f"/issues/export/{query}"))
    assert [row[1] for row in sheet.iter_rows(min_row=4, values_only=True)][:-1] == listed
    assert len(listed) == 3


def test_an_export_of_nothing_is_an_empty_ledger(cast, login):
    sheet = sheet_of(login(cast.district_office).post("/issues/export/"))
    assert [row[:2] for row in sheet.iter_rows(min_row=4, values_only=True)] == [("合计", "共 0 件，其中超期 0 件")]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "\t=", "\r="])
def test_what_looks_like_a_formula_leaves_as_text(cast, login, start):
    text = f'{start}HYPERLINK("http://evil.example","点我")'
    issue = issue_at(cast, text=f"甲{text}")
    Issue.objects.filter(pk=issue.pk).update(text=text)
    sheet = sheet_of(login(cast.district_office).post("/issues/export/"))
    cell = sheet["H4"]
    assert cell.data_type == "s" and cell.value.startswith("'") and "HYPERLINK" in cell.value


def test_characters_a_workbook_cannot_hold_are_left_out(cast, login):
    issue_at(cast, text="路灯\x07不\x0b亮\x1f")
    assert sheet_of(login(cast.district_office).post("/issues/export/"))["H4"].value == "路灯不亮"


def test_every_export_is_audited_without_what_was_searched_for(cast, login):
    issue_at(cast, text="罗大树家门口路灯不亮")
    login(cast.district_office).post(f"/issues/export/?q=罗大树&unit={cast.roads.pk}")
    event = AuditEvent.objects.get(action="issue.export")
    assert (event.actor_id, event.detail["rows"]) == (cast.district_office.pk, 1)
    assert event.detail["filters"]["unit"] == str(cast.roads.pk) and "罗大树" not in str(event.detail)


def test_an_export_needs_its_right_and_a_post(cast, login):
    for person in (cast.visitor, cast.village_clerk, cast.publicity, cast.system_admin):
        assert login(person).post("/issues/export/").status_code == 403
    assert login(cast.district_office).get("/issues/export/").status_code == 405
    assert not AuditEvent.objects.filter(action="issue.export").exists()


def test_too_many_rows_are_refused_with_what_to_do(cast, login, monkeypatch):
    monkeypatch.setattr(exports, "MAX_ROWS", 1)
    for _number in range(2):
        issue_at(cast)
    response = login(cast.district_office).post("/issues/export/")
    assert response.status_code == 422 and "超过 1 件" in response.content.decode()
    assert not AuditEvent.objects.filter(action="issue.export").exists()


def test_a_department_s_export_names_the_resident_of_what_it_handles_alone(cast, login):
    """The department's head sees what its station holds, but the station handles it."""
    from outreach.models import Unit
    from tests.issues.make import move

    home = Household.objects.create(village=cast.shiqiao, head_name="罗大树")
    mine = issue_at(cast, household=home, by=cast.village_clerk)
    station = Unit.objects.create(code="439900D0801", name="公路站", kind="department", parent=cast.roads)
    other = issue_at(cast, household=home, by=cast.village_clerk)
    move(other, "dispatch", cast.district_office, note="属公路站", unit=station)
    sheet = sheet_of(login(cast.department_head).post("/issues/export/?state=open"))
    heads = {row[1]: row[4] for row in sheet.iter_rows(min_row=4, values_only=True) if isinstance(row[0], int)}
    assert heads == {mine.number: "罗大树", other.number: None}
