"""Reports upward: the list, how long an answer has been waited for, and the list as a file."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone

from issues.models import UpwardReport
from outreach import calendar
from outreach.models import AuditEvent
from tests.issues.make import issue_at, move

pytestmark = pytest.mark.django_db

LIST = reverse("issues:upward")
EXPORT = reverse("issues:upward_export")


def reported(cast, workdays=0, **fields) -> UpwardReport:
    """A report made so many working days ago."""
    report = issue_at(cast, "reported").upward_reports.get()
    at = timezone.now()
    while calendar.workdays_between(timezone.localdate(at), timezone.localdate()) < workdays:
        at -= timedelta(days=1)
    UpwardReport.objects.filter(pk=report.pk).update(**{"reported_at": at, **fields})
    report.refresh_from_db()
    return report


def rows_of(client, tab) -> list[tuple[int, int]]:
    return [(row["report"].pk, row["days"]) for row in client.get(LIST, {"tab": tab}).context["rows"]]


def test_after_more_than_five_working_days_a_report_is_overdue_with_a_word(cast, login):
    client = login(cast.district_office)
    late, nearly, fresh = reported(cast, 6), reported(cast, 5), reported(cast)
    assert rows_of(client, "waiting") == [(late.pk, 6), (nearly.pk, 5), (fresh.pk, 0)]
    assert rows_of(client, "overdue") == [(late.pk, 6)]
    page = client.get(LIST).content.decode()
    # the name of the tab, and one row
    assert (page.count("超期未答复"), "省交通运输厅" in page) == (2, True)
    assert "答复" in page and late.issue.number in page


def test_an_answered_report_stops_waiting(cast, login):
    client = login(cast.district_office)
    report = reported(cast, 8)
    move(report.issue, "answer_up", cast.department_handler, note="省厅已列入明年计划")
    assert (rows_of(client, "waiting"), rows_of(client, "overdue")) == ([], [])
    assert rows_of(client, "answered") == rows_of(client, "all") == [(report.pk, 8)]
    assert "省厅已列入明年计划" in client.get(LIST, {"tab": "answered"}).content.decode()
    UpwardReport.objects.update(answered_at=report.reported_at)
    assert rows_of(client, "answered") == [(report.pk, 0)]


def test_one_sees_the_reports_of_the_issues_one_sees(cast, login):
    report = reported(cast)
    for person in (cast.department_head, cast.township_admin, cast.leader):
        assert rows_of(login(person), "waiting") == [(report.pk, 0)]
    for stranger in (cast.outside_admin, cast.outside_handler):
        assert rows_of(login(stranger), "all") == []


def test_the_file_holds_the_tab_as_text_and_is_written_down(cast, login):
    report = reported(cast, 6, to_whom="=HYPERLINK(1)", document="@文号")
    move(reported(cast).issue, "answer_up", cast.department_handler, note="已答复")
    response = login(cast.district_office).post(f"{EXPORT}?tab=overdue")
    sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
    rows = list(sheet.iter_rows(min_row=4, values_only=True))
    assert [(row[0], row[1], row[4], row[5], row[8], row[9]) for row in rows] == [
        (1, report.issue.number, "'=HYPERLINK(1)", "'@文号", 6, "超期未答复"),
    ]
    assert [cell.data_type for cell in sheet[4] if cell.data_type == "f"] == []
    told = AuditEvent.objects.get(action="issue.export_upward")
    assert (told.detail["rows"], told.detail["tab"]) == (1, "overdue")


def test_who_may_not_export_gets_no_file(cast, login):
    reported(cast)
    client = login(cast.village_clerk)
    assert client.post(EXPORT).status_code == 403
    assert EXPORT not in client.get(LIST).content.decode()
    assert not AuditEvent.objects.filter(action="issue.export_upward").exists()


def test_the_list_costs_the_same_for_one_row_and_for_thirty(cast, login, connection_queries):
    client = login(cast.township_admin)
    reported(cast)
    client.get(LIST)
    one = connection_queries(lambda: client.get(LIST))
    for _n in range(29):
        reported(cast)
    assert connection_queries(lambda: client.get(LIST)) == one
    assert len(rows_of(client, "waiting")) == 30


def test_each_unit_s_figures_stand_below_its_reports(cast, login):
    reported(cast, 6)
    answered = reported(cast)
    move(answered.issue, "answer_up", cast.department_handler, note="已列入计划")
    issue = issue_at(cast, "accepted", cast.water)
    move(issue, "report_up", cast.outside_handler, note="需省里立项", to_whom="省水利厅")
    figures = login(cast.district_office).get(LIST).context["figures"]
    assert [(row.name, row.sent, row.answered, row.overdue) for row in figures] == [
        ("区交通运输局", 2, 1, 1),
        ("区水利局", 1, 0, 0),
    ]
    assert [row.name for row in login(cast.outside_handler).get(LIST).context["figures"]] == ["区水利局"]
