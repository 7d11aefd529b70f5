"""Bulletins and letters as files: read back, and drawn by LibreOffice as an office would see them."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from datetime import date, timedelta
from decimal import Decimal

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Pt
from openpyxl import load_workbook
from PIL import Image

from issues import columns, letters
from issues.models import Issue
from outreach import papers
from outreach.papers import FANGSONG, HEITI, KAITI, XIAOBIAOSONG, Paper
from reports.bulletins import annex, content, paper
from reports.bulletins.content import COLUMNS, Edition, Group, Line, Rules, rate
from reports.bulletins.figures import edition_of
from tests.issues.make import issue_at
from tests.reports.bulletin_scores import LAST, frozen

HOSTILE = '=HYPERLINK("http://evil")\u202e镇\x00\x07\x0b\ud800' + "很长的名字" * 30 + "W" * 200
REQUESTS = "（一）加快入户进度。逐村逐户排出补访计划。\n（二）压实责任。3个工作日内报送整改措施。"


def edition(units: int = 20) -> Edition:
    """A district with so many townships and six departments."""
    townships = tuple(
        Line(
            code=f"4399001{at:02}",
            name=f"第{at}镇",
            rank=at,
            score=Decimal("99.50") - at,
            moved=at % 5 - 2,
            was=at + at % 5 - 2,
            to_visit=3000 + at,
            covered=2990 - 70 * at,
            coverage=rate(2990 - 70 * at, 3000 + at),
            raised=40 + at,
            solved=30,
            overdue=at % 3,
            held_overdue=at % 3,
            solution=rate(30, 40 + at),
            content=Decimal("91.25"),
            overdue_numbers=tuple(f"439900-2026-{at:03}{n:02}" for n in range(at % 3)),
        )
        for at in range(1, units + 1)
    )
    departments = tuple(
        Line(code=f"439900D{at:02}", name=f"区第{at}局", rank=at, score=Decimal("95") - at, raised=9 + at, overdue=0)
        for at in range(1, 7)
    )
    total = Line(
        "439900", "星河区", to_visit=60210, covered=45100, coverage=rate(45100, 60210), raised=1010, overdue=20
    )
    groups = (Group("镇街", townships), Group("区直部门", departments))
    return Edition("星河区", "2026年群众工作·平安建设", None, date(2026, 11, 8), groups, total)


def written(shown: Edition, title: str = "") -> bytes:
    body = content.body(shown, Rules(coverage_floor=Decimal(60)), REQUESTS)
    return paper.document(title or content.title(shown, "circular"), body, shown, kind="circular")


def east_asian_font(run) -> str:
    return run._r.rPr.rFonts.get(qn("w:eastAsia"))


def test_the_paper_keeps_the_layout_of_gb_t_9704():
    document = Document(io.BytesIO(written(edition())))
    section = document.sections[0]
    assert [round(side.mm, 1) for side in (section.page_width, section.page_height)] == [210, 297]
    margins = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(margin.mm, 1) for margin in margins] == [37, 35, 28, 26]
    body = document.styles["Normal"]
    assert body.font.size == Pt(16) and body.element.rPr.rFonts.get(qn("w:eastAsia")) == FANGSONG
    pitch = body.paragraph_format.line_spacing
    # 22 lines stand in the height between the margins, and not 23
    height = section.page_height - section.top_margin - section.bottom_margin
    assert Pt(28.95) <= pitch <= Pt(29) and 22 * pitch <= height < 23 * pitch
    # 28 characters stand in its width, and not 29
    closer = int(body.element.rPr.find(qn("w:spacing")).get(qn("w:val"))) / 20
    width = section.page_width - section.left_margin - section.right_margin
    assert 28 * Pt(16 + closer) <= width < 29 * Pt(16 + closer)


def test_title_headings_and_leads_have_their_fonts():
    document = Document(io.BytesIO(written(edition())))
    by_text = {row.text: row for row in document.paragraphs}
    title = by_text["关于2026年群众工作·平安建设\n走访入户和问题办理情况的通报"]
    assert title.alignment == 1 and title.runs[0].font.size == Pt(22)
    assert east_asian_font(title.runs[0]) == XIAOBIAOSONG
    for heading in content.headings("circular"):
        assert east_asian_font(by_text[heading].runs[0]) == HEITI
    lead = next(row for row in document.paragraphs if row.text.startswith("（一）加快入户进度。"))
    assert [east_asian_font(run) for run in lead.runs] == [KAITI, FANGSONG]
    assert lead.paragraph_format.first_line_indent == Pt(32)
    assert document.paragraphs[0].text == "代拟稿"
    # filled in by hand
    assert any("〔　　　　〕第　　期" in text and "签发人：" in text for text in by_text)
    assert "　　　　年　　月　　日" in by_text


def test_page_numbers_stand_outside_between_dashes():
    section = Document(io.BytesIO(written(edition()))).sections[0]
    for footer, side in ((section.footer, 2), (section.even_page_footer, 0)):
        (number,) = footer.paragraphs
        assert number.alignment == side and number.text == "— 1 —" and "PAGE" in number._p.xml
        assert number.runs[0].font.size == Pt(14)


def test_every_font_has_substitutes():
    part = Document(io.BytesIO(written(edition()))).part.part_related_by(papers.RELATIONSHIP_TYPE.FONT_TABLE)
    table = part.blob.decode()
    for font in (FANGSONG, HEITI, KAITI, XIAOBIAOSONG):
        assert re.search(rf'w:name="{font}"><w:altName w:val="[^"]+,[^"]+"', table)


@pytest.mark.django_db
def test_every_number_of_the_paper_is_the_snapshots(cast):
    scores = {"镇街": [(cast.bailu, 1, "90"), (cast.qingxi, 2, "80")]}
    before = frozen(cast, last=LAST - timedelta(days=7), scores=scores)
    snapshot = frozen(cast, content={cast.qingxi.code: (37, 40), cast.bailu.code: (18, 20)})
    shown = edition_of(snapshot, before)
    document = Document(io.BytesIO(written(shown)))
    rows = [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]
    assert [column.title for column in COLUMNS] == rows[0]
    assert ["1", "青溪镇", "1811", "1404", "77.53%", "118", "83.49%", "92.50%", "93.50", "↑1位"] in rows
    assert ["2", "白鹭镇", "1210", "503", "41.57%", "95", "64.10%", "90.00%", "81.25", "↓1位"] in rows
    assert ["—", "全区合计", "3021", "1907", "63.12%", "213", "75.40%", "91.67%", "—", "—"] in rows
    assert ["2", "区水利局", "—", "—", "—", "33", "65.52%", "—", "90.00", "—"] in rows
    text = "\n".join(row.text for row in document.paragraphs)
    assert "全区应访3021户，已访1907户，入户率63.12%" in text and "超期未办结1件" in text
    assert "区水利局1件（问题编号439900-2026-00017）" in text
    told = text.partition("一、")[2].partition("四、")[0]
    assert content.strange_numbers([told], shown, Rules(coverage_floor=Decimal(60))) == []


def hostile_edition() -> Edition:
    shown = edition(4)
    lines = tuple(
        Line(code=str(at), name=HOSTILE + str(at), rank=at, raised=1, held_overdue=1, overdue_numbers=("=1+1",))
        for at in range(1, 5)
    )
    campaign = "=cmd|'/c calc'!A1\u202e" + "长" * 100
    return Edition("区" * 40, campaign, None, date(2026, 1, 2), (Group("组/:*?" * 9, lines),), shown.total)


def test_hostile_text_leaves_nothing_a_paper_cannot_hold():
    content_ = written(hostile_edition())
    text = "\n".join(cell.text for table in Document(io.BytesIO(content_)).tables for cell in table._cells)
    assert "很长的名字" in text
    assert not set(text) & set("\x00\x07\x0b\u202e\ud800")


def test_the_annex_has_the_layout_of_townships_and_no_formula():
    book = load_workbook(io.BytesIO(annex.workbook("关于\n通报", edition(), on=date(2026, 11, 9))))
    assert book.sheetnames == ["镇街", "区直部门", "超期问题"]
    sheet = book["镇街"]
    assert sheet["A1"].value == "关于通报附表（镇街）"
    assert sheet["A2"].value == "单位：星河区    填表人：          日期：2026-11-09    数据截至：2026-11-08"
    assert sheet.freeze_panes == "C4"
    assert sheet.page_setup.orientation == "landscape" and sheet.page_setup.paperSize == 9
    assert [cell.value for cell in sheet[4]][:5] == [1, "第1镇", 3001, 2920, pytest.approx(0.9730)]
    foot = [cell.value for cell in sheet[sheet.max_row]]
    units = range(1, 21)
    assert foot[:4] == ["合计", "20个单位", sum(3000 + at for at in units), sum(2990 - 70 * at for at in units)]
    assert sheet["B4"].border.left.style == "thin"
    late = book["超期问题"]
    assert late["B4"].value == "439900-2026-00100" and late["A" + str(late.max_row)].value == "合计"
    hostile = load_workbook(io.BytesIO(annex.workbook("=1+1", hostile_edition(), on=date(2026, 11, 9))))
    for sheet in hostile.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert not str(cell.value or "").startswith(("=", "+", "@", "\t"))


def test_a_long_title_breaks_evenly_and_not_inside_a_number():
    lines = papers.title_lines("关于2026年11月份全区群众工作平安建设走访入户情况和问题办理情况的通报")
    assert len(lines) == 2 and abs(len(lines[0]) - len(lines[1])) < 8
    assert not re.search(r"\d$", lines[0]) and lines[1][0] not in "的、）"
    assert papers.title_lines("督办单") == ["督办单"] and papers.title_lines("\x00") == [""]


def test_several_papers_begin_on_pages_of_their_own():
    two = Paper()
    two.mark()
    two.mark(on_new_page=True)
    assert [row.paragraph_format.page_break_before for row in two.document.paragraphs] == [False, True]


@pytest.mark.django_db
def test_libreoffice_draws_the_papers_as_they_should_print(cast, tmp_path):
    """One conversion for all: a district's bulletin, one full of hostile text, and a supervision letter."""
    assert shutil.which("soffice") and shutil.which("pdftoppm"), "LibreOffice and poppler are missing: run make tools"
    issue = issue_at(cast, "accepted", text="村口路灯不亮，夜里老人不敢出门。" * 12)
    rows = columns.load_progress(Issue.objects.filter(pk=issue.pk).with_names())
    papers_ = {
        "bulletin": written(edition()),
        "hostile": written(hostile_edition(), HOSTILE[:120]),
        "letter": letters.supervision_letters(rows, unit=cast.district, today=date(2026, 4, 7)),
        "lines": lines_only(),
    }
    for name, made in papers_.items():
        (tmp_path / f"{name}.docx").write_bytes(made)
    command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", "pdf"]
    files = [str(tmp_path / f"{name}.docx") for name in papers_]
    subprocess.run([*command, "--outdir", str(tmp_path), *files], check=True, capture_output=True, timeout=180)
    pages = {name: text_of(tmp_path / f"{name}.pdf") for name in papers_}
    whole = {name: re.sub(r"\s", "", "".join(texts)) for name, texts in pages.items()}
    assert "第20镇" in whole["bulletin"] and "全区合计" in whole["bulletin"]
    assert len(pages["bulletin"]) <= 4 and len(pages["letter"]) <= 2
    assert all(f"—{at}—" in re.sub(r"\s", "", page) for at, page in enumerate(pages["bulletin"], 1))
    assert "群众反映问题督办单" in pages["letter"][0] and "代拟稿" in pages["letter"][0]
    assert "很长的名字" in whole["hostile"]
    # the seal never stands on a page alone
    for name in ("bulletin", "letter"):
        assert re.sub(r"\s", "", pages[name][-1]).partition("（印章）")[0].strip("—0123456789")
    # 22 lines of 28 characters
    full = [line.strip() for line in pages["lines"][0].splitlines() if line.strip().startswith("字")]
    assert len(full) == 22 and {len(line) for line in full} == {28}
    subprocess.run(["pdftoppm", "-r", "50", "-png", "bulletin.pdf", "bulletin"], check=True, cwd=tmp_path)
    pictures = sorted(tmp_path.glob("bulletin-*.png"))
    assert len(pictures) == len(pages["bulletin"])
    for picture in pictures:
        assert_inside_margins(Image.open(picture).convert("L"))


def lines_only() -> bytes:
    """Pages full of one character."""
    full = Paper()
    full.line("字" * 28 * 30)
    return full.content()


def text_of(pdf) -> list[str]:
    """The text of each page."""
    done = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True)
    return done.stdout.decode().split("\f")[:-1]


def assert_inside_margins(page: Image.Image) -> None:
    """All ink lies between the margins; below the text only the page number."""
    left, top, right, _bottom = page.point(lambda value: 255 if value < 128 else 0).getbbox()
    mm = page.width / 210
    assert left >= 27 * mm and right <= 185 * mm and top >= 36 * mm
    number = page.crop((0, round(263 * mm), page.width, page.height))
    assert number.point(lambda value: 255 if value < 128 else 0).getbbox()[3] < 12 * mm
