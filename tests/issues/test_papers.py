"""The ledger on paper: the printed list, the slip of an issue, supervision letters."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.utils import timezone
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Pt

from households.models import Household
from issues.models import Issue
from outreach.models import AuditEvent
from tests.issues.make import issue_at, move

pytestmark = pytest.mark.django_db


def document_of(response):
    assert response.status_code == 200 and "wordprocessingml" in response["Content-Type"]
    return Document(io.BytesIO(response.content))


def test_a_supervision_letter_keeps_the_layout_of_official_papers(cast, login):
    home = Household.objects.create(village=cast.shiqiao, head_name="罗大树", phone="13900009999")
    issue = issue_at(cast, "accepted", household=home, text="村口路灯不亮")
    move(issue, "progress", cast.department_handler, note="已派人查看")
    Issue.objects.filter(pk=issue.pk).update(due_on=timezone.localdate() - timedelta(days=4))
    document = document_of(login(cast.supervisor).post(f"/issues/{issue.pk}/letter/"))
    section = document.sections[0]
    assert [round(side.mm) for side in (section.page_width, section.page_height)] == [210, 297]
    margins = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(margin.mm) for margin in margins] == [37, 35, 28, 26]
    body = document.styles["Normal"]
    assert body.font.size == Pt(16) and body.paragraph_format.line_spacing == Pt(28.95)
    assert body.element.rPr.rFonts.get(qn("w:eastAsia")) == "仿宋_GB2312"
    (title,) = [row for row in document.paragraphs if row.text == "群众反映问题督办单"]
    assert title.runs[0].font.size == Pt(22) and title.alignment == 1
    assert title.runs[0]._r.rPr.rFonts.get(qn("w:eastAsia")) == "方正小标宋简体"
    text = "\n".join(row.text for row in document.paragraphs)
    for wanted in (
        "代拟稿",
        "区交通运输局：",
        issue.number,
        "村口路灯不亮",
        "青溪镇石桥村",
        "已超期4天",
        "已派人查看",
        "星河区（印章）",
    ):
        assert wanted in text, wanted
    # left blank, and nobody named
    assert "督〔　　　　〕　　号" in text and "签发人：　" in text and "　　　　年　　月　　日" in text
    assert "罗大树" not in text and "13900009999" not in text
    assert "PAGE" in section.footer.paragraphs[0]._p.xml


def test_letters_of_several_issues_stand_each_on_a_page_of_its_own_and_are_audited(cast, login):
    issues = [issue_at(cast, "accepted") for _number in range(3)]
    rows = [f"{issue.pk}.{issue.version}" for issue in issues]
    document = document_of(login(cast.district_office).post("/issues/bulk/", {"action": "letters", "rows": rows}))
    breaks = [row for row in document.paragraphs if row.paragraph_format.page_break_before]
    assert len(breaks) == 2
    assert sum(row.text == "群众反映问题督办单" for row in document.paragraphs) == 3
    assert AuditEvent.objects.get(action="issue.export").detail["rows"] == 3


def test_a_handler_drafts_no_supervision_letter(cast, login):
    issue = issue_at(cast, "accepted")
    assert login(cast.department_head).post(f"/issues/{issue.pk}/letter/").status_code == 403


def test_a_letter_holds_no_character_a_document_cannot(cast, login):
    issue = issue_at(cast, text="路灯\x07不\x0b亮\n第二行")
    text = "\n".join(
        row.text for row in document_of(login(cast.supervisor).post(f"/issues/{issue.pk}/letter/")).paragraphs
    )
    assert "反映内容：路灯不" in text and "第二行" in text


def test_the_printed_ledger_is_exactly_what_is_filtered(cast, login):
    wanted, other = issue_at(cast), issue_at(cast, holder=cast.water)
    response = login(cast.district_office).post(f"/issues/print/?unit={cast.roads.pk}&state=open")
    page = response.content.decode()
    assert "星河区问题台账" in page and wanted.number in page and other.number not in page
    assert "承办单位：区交通运输局" in page and "共 1 件，其中超期 0 件" in page
    assert AuditEvent.objects.get(action="issue.export").detail["filters"]["printed"] == "1"


def test_too_many_rows_are_not_printed(cast, login, monkeypatch):
    monkeypatch.setattr("issues.paper_views.MAX_PRINTED", 1)
    issue_at(cast), issue_at(cast)
    assert login(cast.district_office).post("/issues/print/").status_code == 422
    assert not AuditEvent.objects.filter(action="issue.export").exists()


def test_a_slip_names_the_resident_only_to_those_who_may_know(cast, login):
    home = Household.objects.create(village=cast.shiqiao, head_name="罗大树", phone="13900009999")
    issue = issue_at(cast, "accepted", household=home)
    slip = f"/issues/{issue.pk}/slip/"
    assert "罗大树" in login(cast.department_handler).get(slip).content.decode()
    assert login(cast.outside_handler).get(slip).status_code == 404
    rows = [f"{issue.pk}.{issue.version}"]
    page = login(cast.district_office).post("/issues/bulk/", {"action": "slips", "rows": rows}).content.decode()
    assert issue.number in page and "群众反映问题处理单" in page
