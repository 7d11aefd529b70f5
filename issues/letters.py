"""The supervision letter (督办单) as .docx, in the layout of official papers (GB/T 9704-2012).

A Chinese form whatever the language of the screen, drafted by the program: it is marked 代拟稿, and number, signer,
seal and date are left blank. It names no resident. Fonts are named with what every office has, and not embedded.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import override
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from issues.columns import NOT_XML
from issues.models import Issue
from outreach.models import Unit

FANGSONG, HEITI, XIAOBIAOSONG = "仿宋_GB2312", "黑体", "方正小标宋简体"
BODY, TITLE, PAGE_NUMBER = Pt(16), Pt(22), Pt(14)
LINE = Pt(29)
INDENT = Pt(32)  # two characters of the body
# python-docx builds its classes at run time; no type says which
Paragraph = Any


def supervision_letters(issues: Iterable[Issue], *, unit: Unit, today: date) -> bytes:
    """Return a .docx with a letter of `unit` for each of `issues` (`columns.load_progress` applied), each on a page of
    its own."""
    document: Any = Document()
    lay_out(document)
    with override("zh-hans"):
        for position, issue in enumerate(issues):
            letter(document, issue, unit=unit, today=today, on_new_page=position > 0)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def lay_out(document: Any) -> None:
    """A4 with the margins of official papers, 仿宋 16 pt on a pitch of 29 pt, pages numbered — 1 —."""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(25)
    style = document.styles["Normal"]
    style.font.name, style.font.size = FANGSONG, BODY
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FANGSONG)
    spacing = style.paragraph_format
    spacing.space_before = spacing.space_after = Pt(0)
    spacing.line_spacing_rule, spacing.line_spacing = WD_LINE_SPACING.EXACTLY, LINE
    footer = section.footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    write(footer, "— ", font="宋体", size=PAGE_NUMBER)
    number = write(footer, "", font="宋体", size=PAGE_NUMBER)
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        else:
            element.text = text
        number._r.append(element)
    write(footer, " —", font="宋体", size=PAGE_NUMBER)


def letter(document: Any, issue: Issue, *, unit: Unit, today: date, on_new_page: bool) -> None:
    """Add the letter of one issue."""
    mark = document.add_paragraph()
    mark.paragraph_format.page_break_before = on_new_page
    mark.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    write(mark, "代拟稿", font=HEITI)
    title = document.add_paragraph()
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.paragraph_format.space_before = title.paragraph_format.space_after = LINE
    write(title, "群众反映问题督办单", font=XIAOBIAOSONG, size=TITLE)
    number = document.add_paragraph()
    number.alignment = WD_ALIGN_PARAGRAPH.CENTER
    write(number, "督〔　　　　〕　　号")
    document.add_paragraph()
    write(document.add_paragraph(), f"{issue.unit.name}：")
    say(document, "群众反映的下列问题由你单位承办，现予督办，请抓紧办理。")
    heading(document, "一、问题情况")
    category = issue.category
    path = f"{category.parent.name}／{category.name}" if category.parent else category.name
    place = f"{issue.place.parent.name}{issue.place.name}" if len(issue.place.code) > 9 and issue.place.parent else ""
    say(document, f"问题编号：{issue.number}")
    say(document, f"登记日期：{chinese_day(timezone.localdate(issue.recorded_at))}")
    say(document, f"发生地点：{place or issue.place.name}")
    say(document, f"问题类别：{path}（{issue.get_kind_display()}{'，紧急' if issue.is_urgent else ''}）")
    for at, line in enumerate(issue.text.splitlines() or [""]):
        say(document, f"反映内容：{line}" if at == 0 else line)
    heading(document, "二、办理情况")
    for line in standing(issue, today):
        say(document, line)
    heading(document, "三、督办要求")
    say(document, "请于　　　　年　　月　　日前办结，并将办理结果书面报告；确不能按期办结的，说明原因和下步措施。")
    document.add_paragraph()
    for line in ("签发人：　　　　　　　　", f"{unit.name}（印章）", "　　　　年　　月　　日"):
        sign = document.add_paragraph()
        sign.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        sign.paragraph_format.right_indent = INDENT
        write(sign, line)


def standing(issue: Issue, today: date) -> list[str]:
    """Where the issue stands, in sentences."""
    lines = []
    if issue.dispatched_at:
        lines.append(f"交办日期：{chinese_day(timezone.localdate(issue.dispatched_at))}")
    late = issue.days_late(today)
    overdue = f"，截至{chinese_day(today)}已超期{late}天" if late > 0 and issue.is_running else ""
    lines.append(f"办理期限：{chinese_day(issue.due_on)}{overdue}")
    lines.append(f"当前状态：{issue.get_state_display()}")
    if issue.redos or issue.returns:
        lines.append(f"退回重办{issue.redos}次，退单{issue.returns}次。")
    progress = getattr(issue, "latest_progress", None) or issue.result
    lines.append(f"已报进展：{progress}" if progress else "承办单位尚未报告进展。")
    return lines


def chinese_day(day: date) -> str:
    """2026年4月7日: Arabic figures without zeros."""
    return f"{day.year}年{day.month}月{day.day}日"


def heading(document: Any, text: str) -> None:
    """一、 in 黑体."""
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.first_line_indent = INDENT
    paragraph.paragraph_format.keep_with_next = True
    write(paragraph, text, font=HEITI)


def say(document: Any, text: str) -> None:
    """A paragraph of the body, its first line two characters in."""
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.first_line_indent = INDENT
    write(paragraph, text)


def write(paragraph: Paragraph, text: str, *, font: str = FANGSONG, size: Any = BODY) -> Any:
    """Append a run in a Chinese font; what XML cannot hold is left out."""
    run = paragraph.add_run(NOT_XML.sub("", text))
    run.font.name, run.font.size = font, size
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
    return run
