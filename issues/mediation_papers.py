"""The papers of a mediation as .docx: the agreement (人民调解协议书) and the record of the sessions (调解记录).

Laid out like official documents (GB/T 9704-2012), marked 代拟稿; number, signatures and seal are left blank. Their
words are Chinese whatever the reader's language: they are papers of a Chinese people's mediation committee.
"""

from __future__ import annotations

import io

from django.utils import timezone, translation
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from issues.models import DisputeParty, Issue, Mediation, MediationSession

BODY, TITLE, HEADING = "仿宋_GB2312", "方正小标宋简体", "黑体"
PAPERS = {"agreement": "人民调解协议书", "record": "人民调解记录"}


class Paper:
    """A page of the official layout that paragraphs are added to."""

    def __init__(self, title: str) -> None:
        self.document = Document()
        section = self.document.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.bottom_margin = Mm(37), Mm(35)
        section.left_margin, section.right_margin = Mm(28), Mm(26)
        self.line("代拟稿", font=HEADING)
        self.line(title, font=TITLE, size=22, align=WD_ALIGN_PARAGRAPH.CENTER)
        self.line("编号：＿＿＿＿＿＿＿＿", align=WD_ALIGN_PARAGRAPH.RIGHT)

    def line(
        self,
        text: str,
        *,
        font: str = BODY,
        size: int = 16,
        align: WD_ALIGN_PARAGRAPH = WD_ALIGN_PARAGRAPH.LEFT,
        indent: bool = False,
    ) -> None:
        """Add a paragraph: `size` in points, the line pitch 29 points exact, `indent` by two characters."""
        paragraph = self.document.add_paragraph()
        paragraph.alignment = align
        paragraph.paragraph_format.line_spacing_rule = WD_LINE_SPACING.EXACTLY
        paragraph.paragraph_format.line_spacing = Pt(29)
        paragraph.paragraph_format.space_after = Pt(0)
        if indent:
            paragraph.paragraph_format.first_line_indent = Pt(size * 2)
        run = paragraph.add_run(text)
        run.font.size, run.font.name = Pt(size), font
        run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)

    def heading(self, text: str) -> None:
        """Add a heading of the first rank."""
        self.line(text, font=HEADING, indent=True)

    def text(self, text: str) -> None:
        """Add what somebody typed, a paragraph for each line."""
        for part in text.splitlines():
            if part.strip():
                self.line(part.strip(), indent=True)

    def content(self) -> bytes:
        """Return the file."""
        file = io.BytesIO()
        self.document.save(file)
        return file.getvalue()


def agreement(
    issue: Issue, mediation: Mediation, parties: list[DisputeParty], sessions: list[MediationSession]
) -> bytes:
    """Return the agreement as .docx."""
    with translation.override("zh-hans"):
        paper = Paper(PAPERS["agreement"])
        add_parties(paper, parties)
        paper.heading("纠纷主要事实、争议事项：")
        paper.text(issue.text)
        paper.heading("经调解，自愿达成如下协议：")
        paper.text(mediation.agreement)
        paper.heading("履行期限：")
        paper.text(chinese_day(mediation.perform_by) if mediation.perform_by else "当场履行。")
        paper.line("本协议一式＿＿份，当事人、人民调解委员会各持一份。", indent=True)
        for party in parties:
            paper.line(f"{party.get_side_display()}（签名）：＿＿＿＿＿＿＿＿　{party.name}")
        mediators = sessions[-1].mediators if sessions else ""
        paper.line(f"人民调解员（签名）：＿＿＿＿＿＿＿＿　{mediators}")
        paper.line("人民调解委员会（印章）：", align=WD_ALIGN_PARAGRAPH.RIGHT)
        day = chinese_day(mediation.agreed_on) if mediation.agreed_on else "　　年　月　日"
        paper.line(day, align=WD_ALIGN_PARAGRAPH.RIGHT)
        return paper.content()


def record(issue: Issue, parties: list[DisputeParty], sessions: list[MediationSession]) -> bytes:
    """Return the record of all sessions as .docx."""
    with translation.override("zh-hans"):
        paper = Paper(PAPERS["record"])
        add_parties(paper, parties)
        paper.heading("纠纷简要情况：")
        paper.text(issue.text)
        for number, session in enumerate(sessions, 1):
            held = timezone.localtime(session.held_at)
            paper.heading(f"第{number}次调解")
            paper.line(f"时间：{chinese_day(held)}{held:%H:%M}　地点：{session.place}", indent=True)
            paper.line(f"调解员：{session.mediators}", indent=True)
            paper.line(f"参加人：{session.attended}", indent=True)
            paper.text(session.said)
            paper.line(f"调解结果：{session.get_result_display()}", indent=True)
        for party in parties:
            paper.line(f"{party.get_side_display()}（签名）：＿＿＿＿＿＿＿＿　{party.name}")
        paper.line("调解员（签名）：＿＿＿＿＿＿＿＿　记录人（签名）：＿＿＿＿＿＿＿＿")
        return paper.content()


def add_parties(paper: Paper, parties: list[DisputeParty]) -> None:
    """Add the parties, a line each, the ID number left to be filled in by hand."""
    paper.heading("当事人：")
    for party in parties:
        contact = f"　联系方式：{party.contact}" if party.contact else ""
        paper.line(f"{party.get_side_display()}：{party.name}　身份证号：＿＿＿＿＿＿＿＿＿＿{contact}", indent=True)


def chinese_day(day: object) -> str:
    """Return 2026年4月17日."""
    return f"{day.year}年{day.month}月{day.day}日"  # type: ignore[attr-defined]
