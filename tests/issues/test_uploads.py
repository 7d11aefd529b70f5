"""An edited ledger on its way back: what it may change, what is refused and why, all or none."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook, load_workbook

from households.models import Household
from issues import uploads
from issues.models import Category, Issue, LedgerUpload
from outreach.models import AuditEvent
from tests.issues.make import category, issue_at, move

pytestmark = pytest.mark.django_db

UPLOADS = "/issues/uploads/"
CHOSEN = ["number", "head", "category", "urgent", "state", "solvability", "progress"]


@pytest.fixture
def office(cast, login):
    """The district office with a ledger that has the columns one may edit."""
    return ready(login(cast.district_office))


def ready(client):
    client.post("/issues/columns/", {"columns": CHOSEN})
    return client


def exported(client, query="state=all&sort=number"):
    """The ledger as exported, to be edited."""
    response = client.post(f"/issues/export/?{query}&columns=mine")
    assert response.status_code == 200
    return load_workbook(io.BytesIO(response.content))


def upload(client, book, name="台账.xlsx"):
    content = io.BytesIO()
    book.save(content)
    return client.post(UPLOADS, {"file": SimpleUploadedFile(name, content.getvalue())})


def put(book, row, column, value):
    """Write into the row-th issue's cell of a column of CHOSEN."""
    book.active.cell(3 + row, 2 + CHOSEN.index(column), value)


def commit(client):
    return client.post(f"{UPLOADS}commit/", {"upload": LedgerUpload.objects.get(state="checked").pk})


def test_the_exported_workbook_hides_and_locks_its_key_and_nothing_else(cast, office):
    issue = issue_at(cast)
    sheet = exported(office).active
    last = 2 + len(CHOSEN)
    assert sheet.cell(4, last).value == f"{issue.number}/{issue.version}"
    assert sheet.column_dimensions["I"].hidden and sheet.protection.sheet and not sheet.protection.password
    assert sheet.cell(4, last).protection.locked and not sheet.cell(4, 3).protection.locked


def test_an_unchanged_ledger_changes_nothing(cast, office):
    home = Household.objects.create(village=cast.shiqiao, head_name="=罗大树")
    issue_at(cast, household=home, text="=1+1 路灯不亮")
    assert upload(office, exported(office)).status_code == 302
    context = office.get(UPLOADS).context
    assert (context["changed"], context["refused"], context["same"]) == (0, 0, 1)


def test_category_and_urgency_come_back_through_a_preview_and_one_commit(cast, office):
    first, second = issue_at(cast, "accepted"), issue_at(cast, "accepted")
    book = exported(office)
    put(book, 1, "category", "交通道路／路灯照明")
    put(book, 2, "urgent", "是")
    upload(office, book)
    page = office.get(UPLOADS)
    assert (page.context["changed"], page.context["refused"]) == (2, 0)
    assert "交通道路／路灯照明" in page.content.decode()
    assert Issue.objects.get(pk=first.pk).version == first.version  # nothing yet
    assert commit(office).status_code == 302
    first, before = Issue.objects.get(pk=first.pk), first
    assert (first.category, first.version, first.state) == (category("路灯照明"), before.version + 1, "accepted")
    assert Issue.objects.get(pk=second.pk).is_urgent
    kept = LedgerUpload.objects.get()
    assert (kept.state, kept.file.name) == ("committed", "")
    assert AuditEvent.objects.get(action="issue.upload").detail["count"] == 2


def test_the_holder_writes_progress_and_judges_but_may_not_touch_the_category(cast, login):
    issue = issue_at(cast, "accepted")
    handler = ready(login(cast.department_handler))
    book = exported(handler)
    put(book, 1, "progress", "已派人查看")
    put(book, 1, "solvability", label_of("solvable"))
    upload(handler, book)
    commit(handler)
    issue = Issue.objects.get(pk=issue.pk)
    assert issue.solvability == "solvable"
    assert [event.note for event in issue.events.filter(move="progress")] == ["已派人查看"]
    book = exported(handler)
    put(book, 1, "category", "交通道路／路灯照明")
    upload(handler, book)
    (row,) = LedgerUpload.objects.get(state="checked").rows
    assert row["faults"] and row["values"] == {}


def label_of(value):
    """What a value of solvability is called on screen."""
    from django.utils.translation import override

    from issues.models import Solvability

    with override("zh-hans"):
        return str(Solvability(value).label)


def test_a_row_somebody_changed_since_the_export_is_refused(cast, office):
    issue = issue_at(cast)
    book = exported(office)
    move(issue, "accept", cast.department_handler)
    put(book, 1, "urgent", "是")
    upload(office, book)
    page = office.get(UPLOADS)
    assert (page.context["changed"], page.context["refused"]) == (0, 1)
    assert "台账导出后，他人已更新该问题" in page.content.decode()


def test_where_one_issue_changed_between_check_and_commit_nothing_is_written(cast, office):
    first, second = issue_at(cast), issue_at(cast)
    book = exported(office)
    put(book, 1, "urgent", "是")
    put(book, 2, "urgent", "是")
    upload(office, book)
    move(second, "accept", cast.department_handler)
    response = commit(office)
    assert response.status_code == 409
    assert not Issue.objects.filter(is_urgent=True).exists()
    # the preview is made anew: the first may still go, the second is refused
    assert (response.context["changed"], response.context["refused"]) == (1, 1)
    commit(office)
    assert Issue.objects.get(is_urgent=True).pk == first.pk


def test_what_is_wrong_stands_in_the_user_s_own_workbook(cast, office):
    issue_at(cast)
    book = exported(office)
    put(book, 1, "category", "没有的类别")
    put(book, 1, "urgent", "也许")
    book.active.cell(1, 12, "我的批注")
    upload(office, book)
    response = office.post(f"{UPLOADS}faults/")
    sheet = load_workbook(io.BytesIO(response.content)).active
    texts = " ".join(str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value)
    assert "没有这个类别" in texts and "这里只能填是或否" in texts and "我的批注" in texts


def test_state_and_everything_else_that_comes_back_changed_is_not_read(cast, office):
    issue = issue_at(cast)
    book = exported(office)
    put(book, 1, "state", "已销号")
    upload(office, book)
    assert office.get(UPLOADS).context["same"] == 1
    assert Issue.objects.get(pk=issue.pk).state == "assigned"


def test_an_issue_out_of_reach_is_refused_by_number_alone(cast, office, login):
    issue_at(cast)
    book = exported(office)
    put(book, 1, "urgent", "是")
    outside = ready(login(cast.outside_admin))
    upload(outside, book)
    (row,) = LedgerUpload.objects.get().rows
    assert row["faults"] and row["pk"] == 0 and not row["changes"]


def test_a_file_that_is_no_ledger_is_refused_with_what_to_do(cast, office, monkeypatch):
    book = Workbook()
    book.active.append(["姓名", "电话"])
    response = upload(office, book)
    assert response.status_code == 422 and "KEY" in response.content.decode()
    for name, content in (
        ("a.xlsx", b"PK\x03\x04rubbish"),
        ("a.xlsx", b""),
        ("a.pdf", b"%PDF-1.7"),
        ("a.csv", b"\x00"),
    ):
        assert office.post(UPLOADS, {"file": SimpleUploadedFile(name, content)}).status_code == 422, name
    monkeypatch.setattr(uploads, "MAX_ROWS", 1)
    issue_at(cast), issue_at(cast)
    assert upload(office, exported(office)).status_code == 422
    assert not LedgerUpload.objects.exists()


def test_a_second_file_takes_the_place_of_one_not_decided(cast, office):
    issue_at(cast)
    first = exported(office)
    upload(office, first)
    stale = LedgerUpload.objects.get().pk
    upload(office, first)
    assert LedgerUpload.objects.get(pk=stale).state == "discarded"
    assert office.post(f"{UPLOADS}commit/", {"upload": stale}).status_code == 409
    office.post(f"{UPLOADS}discard/")
    assert not LedgerUpload.objects.filter(state="checked").exists()
    assert office.post(f"{UPLOADS}commit/", {"upload": stale}).status_code == 409


def test_the_check_costs_the_same_queries_for_1_and_for_20_rows(cast, office, connection_queries):
    def checked():
        book = exported(office)
        for row in range(1, Issue.objects.count() + 1):
            put(book, row, "urgent", "是")
        content = io.BytesIO()
        book.save(content)
        from issues.upload_views import check

        return connection_queries(lambda: check(content.getvalue(), "台账.xlsx", cast.district_office))

    issue_at(cast)
    few = checked()
    for _number in range(19):
        issue_at(cast)
    assert checked() == few
    assert Category.objects.count() > 5
