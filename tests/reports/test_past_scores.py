"""Scores of earlier years from Excel: what is read, what is refused and why, taken over whole, undone whole."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from outreach.models import AuditEvent, Unit
from reports import past_scores
from reports.actions import past_scores as actions
from reports.models import PastImport, PastScore

D = Decimal
SAMPLE = Path(__file__).parent.parent / "data/past_scores.xlsx"
HEAD = ["年度", "月份", "单位代码", "单位名称", "得分", "名次", "参评单位数"]
pytestmark = pytest.mark.django_db


def book(*rows, head=HEAD) -> bytes:
    made = Workbook()
    made.active.append(["往年得分"])
    made.active.append(head)
    for row in rows:
        made.active.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def check(*rows, known=None, **other):
    return past_scores.check(past_scores.read_table(book(*rows, **other)), list(Unit.objects.all()), known or {}, 2026)


def take_in(cast, content: bytes) -> PastImport:
    return actions.check_file(
        district=cast.district, content=content, filename="往年.xlsx", by=cast.district_office, this_year=2026
    )


def test_sample_is_read_by_code_and_by_name_and_its_footer_left_out(cast):
    rows, errors = past_scores.check(past_scores.read_table(SAMPLE.read_bytes()), list(Unit.objects.all()), {}, 2026)
    assert errors == []
    assert [(row.name, row.year, row.month, row.score, row.rank, row.ranked) for row in rows] == [
        ("青溪镇", 2025, 0, D("87.45"), 1, 2),
        ("白鹭镇", 2025, 0, D("82.90"), 2, 2),
        ("青溪镇", 2025, 11, D("86.10"), None, None),
        ("区水利局", 2024, 0, None, 3, 28),
    ]


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ([2025, None, "439900999", "", 80, 1, 2], "单位代码", "没有代码为"),
        ([2025, None, "439900101", "白鹭镇", 80, 1, 2], "单位名称", "不是白鹭镇"),
        ([2025, None, "", "无名镇", 80, 1, 2], "单位名称", "没有名为"),
        ([2027, None, "439900101", "", 80, 1, 2], "年度", "整数"),
        (["去年", None, "439900101", "", 80, 1, 2], "年度", "整数"),
        ([None, None, "439900101", "", 80, 1, 2], "年度", "请填写"),
        ([2025, 13, "439900101", "", 80, 1, 2], "月份", "整数"),
        ([2025, None, "439900101", "", "优秀", 1, 2], "得分", "不是有效"),
        ([2025, None, "439900101", "", "87.456", 1, 2], "得分", "两位小数"),
        ([2025, None, "439900101", "", 80, 3, 2], "名次", "大于"),
        ([2025, None, "439900101", "", 80, 1.5, 2], "名次", "整数"),
    ],
)
def test_wrong_row_is_named_with_its_column_and_what_to_do(cast, row, column, words):
    rows, errors = check(row, [2024, None, "439900101", "", 80, 1, 2])
    assert [each.year for each in rows] == [2024]
    assert [(error.number, error.column) for error in errors] == [(3, column)]
    assert words in errors[0].message


def test_repeated_and_stored_scores_are_refused(cast):
    row = [2025, None, "439900101", "", 80, 1, 2]
    rows, errors = check(row, row)
    assert len(rows) == 1 and [error.number for error in errors] == [4] and "第 3 行" in errors[0].message
    rows, errors = check(row, known={(cast.qingxi.pk, 2025, 0): "旧.xlsx"})
    assert rows == [] and "旧.xlsx" in errors[0].message


def test_two_units_of_one_name_need_the_code(cast):
    Unit.objects.create(code="439900103", name="青溪镇", kind="township", parent=cast.district, sort_order=50)
    _rows, errors = check([2025, None, "", "青溪镇", 80, 1, 2])
    assert "单位代码" in errors[0].message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x" * 100,
        b"PK\x03\x04broken",
        book(),
        book([None, None, "439900101", "青溪镇", None, None, None]),
        book([1], head=["甲", "乙"]),
        b"PK" + b"0" * (past_scores.MAX_BYTES + 1),
    ],
    ids=["empty", "text", "broken", "no rows", "nothing filled in", "no header", "too large"],
)
def test_unusable_file_says_what_to_do_and_stores_nothing(cast, login, content):
    upload = SimpleUploadedFile("往年.xlsx", content)
    response = login(cast.district_office).post(reverse("reports:past_import_list"), {"file": upload})
    assert response.status_code == 422
    assert response.context["form"].errors["file"]
    assert not PastImport.objects.exists()


def test_two_cells_at_opposite_corners_are_refused_before_they_are_read(cast):
    made = Workbook()
    made.active["A1"] = "年度"
    made.active["XFD900000"] = "得分"
    out = io.BytesIO()
    made.save(out)
    with pytest.raises(past_scores.UnusableFileError):
        past_scores.read_table(out.getvalue())


def test_import_counts_only_once_it_is_taken_over_and_is_undone_whole(cast, login):
    client = login(cast.district_office)
    upload = SimpleUploadedFile("往年.xlsx", SAMPLE.read_bytes())
    response = client.post(reverse("reports:past_import_list"), {"file": upload})
    record = PastImport.objects.get()
    assert response["Location"] == reverse("reports:past_import_detail", args=[record.pk])
    assert "87.45" in client.get(response["Location"]).content.decode()
    assert not PastScore.objects.exists()
    assert client.post(reverse("reports:past_import_commit", args=[record.pk])).status_code == 302
    assert PastScore.objects.count() == 4
    assert PastScore.objects.get(unit=cast.qingxi, year=2025, month=0).score == D("87.45")
    assert client.post(reverse("reports:past_import_commit", args=[record.pk])).status_code == 409
    assert client.post(reverse("reports:past_import_undo", args=[record.pk])).status_code == 302
    record.refresh_from_db()
    assert (record.state, PastScore.objects.count()) == ("undone", 0)
    assert client.post(reverse("reports:past_import_undo", args=[record.pk])).status_code == 409
    actions_done = AuditEvent.objects.filter(action__startswith="past_scores.").order_by("pk")
    assert [event.action for event in actions_done] == [
        "past_scores.check",
        "past_scores.commit",
        "past_scores.undo",
    ]


def test_file_with_errors_is_not_taken_over(cast, login):
    record = take_in(cast, book([2025, None, "439900101", "", 80, 1, 2], [2025, 13, "439900102", "", 70, 2, 2]))
    with pytest.raises(ValidationError):
        actions.commit(record=record, by=cast.district_office)
    page = login(cast.district_office).get(reverse("reports:past_import_detail", args=[record.pk])).content.decode()
    assert "月份" in page and reverse("reports:past_import_commit", args=[record.pk]) not in page
    assert not PastScore.objects.exists()


def test_second_import_of_the_same_scores_is_refused_whole_when_both_were_checked_before(cast):
    first, second = (take_in(cast, SAMPLE.read_bytes()) for _time in range(2))
    actions.commit(record=first, by=cast.district_office)
    with pytest.raises(ValidationError):
        actions.commit(record=second, by=cast.district_office)
    second.refresh_from_db()
    assert (second.state, PastScore.objects.count()) == ("checked", 4)


def test_template_lists_the_townships_and_departments_and_reads_back(cast, login):
    content = login(cast.district_office).get(reverse("reports:past_import_template")).content
    sheet = load_workbook(io.BytesIO(content)).active
    assert [cell.value for cell in sheet[3]] == HEAD
    assert [sheet.cell(row, 4).value for row in range(4, 8)] == ["青溪镇", "白鹭镇", "区交通运输局", "区水利局"]
    with pytest.raises(past_scores.UnusableFileError):
        past_scores.check(past_scores.read_table(content), list(Unit.objects.all()), {}, 2026)
    sheet.cell(4, 5).value = 88.5
    out = io.BytesIO()
    sheet.parent.save(out)
    rows, errors = past_scores.check(past_scores.read_table(out.getvalue()), list(Unit.objects.all()), {}, 2026)
    assert errors == [] and [(row.name, row.score) for row in rows] == [("青溪镇", D("88.50"))]
