"""Official papers as .docx in the layout of GB/T 9704-2012: what every paper the program drafts is made with.

Papers are Chinese forms whatever the language of the screen. They are drafts: marked 代拟稿; number, signer, seal and
date are left blank by whoever writes one. Fonts are named with their substitutes and not embedded: an office has them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import nsdecls, qn
from docx.shared import Length, Mm, Pt

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FANGSONG, HEITI, KAITI = "仿宋_GB2312", "黑体", "楷体_GB2312"
XIAOBIAOSONG, SONGTI = "方正小标宋简体", "宋体"
# Where a font is missing, Word and WPS take the first of these there is (w:altName).
SUBSTITUTES = {
    FANGSONG: "仿宋,FangSong,华文仿宋,STFangsong,方正仿宋_GBK,Noto Serif CJK SC",
    HEITI: "SimHei,华文黑体,STHeiti,方正黑体_GBK,Noto Sans CJK SC",
    KAITI: "楷体,KaiTi,华文楷体,STKaiti,方正楷体_GBK,Noto Serif CJK SC",
    XIAOBIAOSONG: "方正小标宋_GBK,FZXiaoBiaoSong-B05S,华文中宋,STZhongsong,宋体,SimSun,Noto Serif CJK SC",
    SONGTI: "SimSun,华文宋体,STSong,Noto Serif CJK SC",
}
WIDTH, HEIGHT = Mm(210), Mm(297)
TOP, BOTTOM, LEFT, RIGHT = Mm(37), Mm(35), Mm(28), Mm(26)
BODY, TITLE, PAGE_NUMBER, TABLE = Pt(16), Pt(22), Pt(14), Pt(10.5)
# 22 lines in 225 mm. At 29 pt the last would miss the page by a fifth of a point.
LINE = Pt(28.95)
LINES, CHARACTERS = 22, 28
# Characters of 16 pt stand a quarter of a point closer, so that 156 mm hold 28; in twentieths of a point. A character
# grid would say the same in Word, but LibreOffice gives each character two cells of a grid narrower than itself.
CHARACTER_SPACE = -5
INDENT = Pt(32)  # two characters of the body
TITLE_WIDTH = 39  # in halves of a character
TEXT_WIDTH = 156  # mm
# What XML cannot hold, and marks that turn the direction of the text or cannot be seen.
NOT_IN_PAPERS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
# Where a title must not be broken: before these, after those, and inside numbers and Latin words.
NOT_AT_START, NOT_AT_END = "的、，。；：）》〉”’·和与及％%年月日期号名", "（《〈“‘·第"
QUOTES = (("“", "”"), ("《", "》"), ("（", "）"))
ALIGNMENTS = {
    "left": WD_ALIGN_PARAGRAPH.LEFT,
    "center": WD_ALIGN_PARAGRAPH.CENTER,
    "right": WD_ALIGN_PARAGRAPH.RIGHT,
}
# A table of no more rows is not torn over two pages; a longer one begins with three rows at least.
KEPT_ROWS = 12
# python-docx builds its classes at run time; no type says which
Paragraph = Any


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, its width in mm, and whether its cells stand to the left."""

    title: str
    width: float
    to_left: bool = False


class Paper:
    """A .docx that is written from top to bottom. Texts may be anything: what a paper cannot hold is left out."""

    def __init__(self) -> None:
        self.document: Any = Document()
        self._set_up_page(self.document.sections[0])
        self._set_up_text()
        self._name_fonts()

    def mark(self, *, on_new_page: bool = False) -> None:
        """代拟稿 in the upper corner; with `on_new_page` another paper begins in the same file."""
        paragraph = self.line("代拟稿", font=HEITI)
        paragraph.paragraph_format.page_break_before = on_new_page

    def title(self, text: str) -> None:
        """The title, centred; a long one in lines of about the same length, with a free line above and below."""
        paragraph = self.line("\n".join(title_lines(text)), font=XIAOBIAOSONG, size=TITLE, align="center")
        paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = LINE
        self.document.core_properties.title = clean(text)[:200]

    def heading(self, text: str) -> None:
        """一、 in 黑体; never alone at the foot of a page."""
        self.line(text, font=HEITI, indent=True).paragraph_format.keep_with_next = True

    def subheading(self, text: str) -> None:
        """（一） in 楷体; never alone at the foot of a page."""
        self.line(text, font=KAITI, indent=True).paragraph_format.keep_with_next = True

    def say(self, text: str) -> None:
        """A paragraph of the body, its first line two characters in. Not justified: a long number that does not fit
        would tear the line before it apart."""
        self.line(text, indent=True)

    def lead_in(self, lead: str, text: str) -> None:
        """A paragraph of the body that begins with （一）… in 楷体."""
        paragraph = self.line(lead, font=KAITI, indent=True)
        write(paragraph, text)

    def typed(self, text: str) -> None:
        """What somebody typed, a paragraph for each line that is not empty."""
        for line in text.splitlines():
            if line.strip():
                self.say(line.strip())

    def blank(self) -> None:
        """A free line."""
        self.line("")

    def sign(self, text: str) -> None:
        """A line under the text, two characters from the right edge."""
        self.line(text, align="right").paragraph_format.right_indent = INDENT

    def hold(self) -> None:
        """Keep the last paragraph whole and on a page with the next: a seal never stands on a page alone."""
        held = self.document.paragraphs[-1].paragraph_format
        held.keep_with_next = held.keep_together = True

    def line(
        self, text: str, *, font: str = FANGSONG, size: Length = BODY, align: str = "left", indent: bool = False
    ) -> Paragraph:
        """Add a paragraph and return it; `align`: left, center or right."""
        paragraph = self.document.add_paragraph()
        paragraph.alignment = ALIGNMENTS[align]
        if indent:
            paragraph.paragraph_format.first_line_indent = INDENT
        write(paragraph, text, font=font, size=size)
        return paragraph

    def table(self, caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """A table with thin borders over the whole width; its head is repeated on each page, no row is torn apart."""
        heading = self.line(caption, font=HEITI, size=Pt(12), align="center")
        heading.paragraph_format.keep_with_next = True
        table = self.document.add_table(rows=0, cols=len(columns))
        table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
        set_cell_margins(table)
        for at, texts in enumerate([[column.title for column in columns], *rows]):
            row = table.add_row()
            row.height_rule, row.height = WD_ROW_HEIGHT_RULE.AT_LEAST, Mm(7)
            properties = row._tr.get_or_add_trPr()
            properties.append(OxmlElement("w:cantSplit"))
            if at == 0:
                properties.append(OxmlElement("w:tblHeader"))
            for cell, column, text in zip(row.cells, columns, texts, strict=True):
                cell.width = Mm(column.width)
                cell.vertical_alignment = 1
                fill(cell.paragraphs[0], text, is_head=at == 0, to_left=column.to_left and at > 0)
                cell.paragraphs[0].paragraph_format.keep_with_next = at < (len(rows) if len(rows) <= KEPT_ROWS else 3)
        for grid, column in zip(table.columns, columns, strict=True):
            grid.width = Mm(column.width)

    def content(self) -> bytes:
        """Return the file."""
        out = io.BytesIO()
        self.document.save(out)
        return out.getvalue()

    def _set_up_page(self, section: Any) -> None:
        section.orientation = WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = WIDTH, HEIGHT
        section.top_margin, section.bottom_margin = TOP, BOTTOM
        section.left_margin, section.right_margin = LEFT, RIGHT
        section.header_distance, section.footer_distance = Mm(15), Mm(25)  # the number's dash 7 mm below the text
        grid = section._sectPr.find(qn("w:docGrid"))
        if grid is None:
            grid = OxmlElement("w:docGrid")
            section._sectPr.append(grid)
        grid.set(qn("w:type"), "lines")
        grid.set(qn("w:linePitch"), str(round(LINE.pt * 20)))
        # odd pages number on the right, even ones on the left, one character from the edge
        self.document.settings.odd_and_even_pages_header_footer = True
        number_pages(section.footer, WD_ALIGN_PARAGRAPH.RIGHT)
        number_pages(section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT)

    def _set_up_text(self) -> None:
        style = self.document.styles["Normal"]
        style.font.name, style.font.size = FANGSONG, BODY
        properties = style.element.get_or_add_rPr()
        properties.get_or_add_rFonts().set(qn("w:eastAsia"), FANGSONG)
        closer = OxmlElement("w:spacing")
        closer.set(qn("w:val"), str(CHARACTER_SPACE))
        properties.insert_element_before(closer, "w:sz")
        for language in self.document.styles.element.iter(qn("w:lang")):
            language.set(qn("w:eastAsia"), "zh-CN")
        spacing = style.paragraph_format
        spacing.space_before = spacing.space_after = Pt(0)
        spacing.line_spacing_rule, spacing.line_spacing = WD_LINE_SPACING.EXACTLY, LINE
        spacing.widow_control = False
        # the pitch is exact: on the grid LibreOffice would give a line of the title two lines of the body
        snap = OxmlElement("w:snapToGrid")
        snap.set(qn("w:val"), "0")
        style.element.get_or_add_pPr().insert_element_before(snap, "w:spacing")
        core = self.document.core_properties
        core.author, core.last_modified_by, core.comments, core.language = "", "", "", "zh-CN"

    def _name_fonts(self) -> None:
        fonts = "".join(
            f'<w:font w:name="{name}"><w:altName w:val="{others}"/><w:charset w:val="86"/></w:font>'
            for name, others in SUBSTITUTES.items()
        )
        head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        table = self.document.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE)
        table._blob = f"{head}<w:fonts {nsdecls('w')}>{fonts}</w:fonts>".encode()


def write(paragraph: Paragraph, text: str, *, font: str = FANGSONG, size: Length = BODY) -> Any:
    """Append a run in a Chinese font."""
    run = paragraph.add_run(clean(text))
    run.font.name, run.font.size = font, size
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
    return run


def fill(paragraph: Paragraph, text: str, *, is_head: bool, to_left: bool) -> None:
    """Write a cell, small."""
    paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if to_left else WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.line_spacing_rule = WD_LINE_SPACING.EXACTLY
    paragraph.paragraph_format.line_spacing = Pt(14)
    write(paragraph, text, font=HEITI if is_head else FANGSONG, size=TABLE)


def set_cell_margins(table: Any) -> None:
    """Half a millimetre beside the text of a cell: ten columns stand in 156 mm."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        element = OxmlElement(f"w:{side}")
        element.set(qn("w:w"), "28")
        element.set(qn("w:type"), "dxa")
        margins.append(element)
    table._tbl.tblPr.append(margins)


def number_pages(footer: Any, side: WD_ALIGN_PARAGRAPH) -> None:
    """— 1 —, by a field."""
    footer.is_linked_to_previous = False
    paragraph = footer.paragraphs[0]
    paragraph.alignment = side
    spacing = paragraph.paragraph_format
    spacing.line_spacing_rule, spacing.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(18)
    spacing.left_indent = spacing.right_indent = PAGE_NUMBER
    write(paragraph, "— ", font=SONGTI, size=PAGE_NUMBER)
    for kind, text in (("begin", ""), ("", "PAGE"), ("separate", ""), ("", "1"), ("end", "")):
        run = write(paragraph, "", font=SONGTI, size=PAGE_NUMBER)
        if text == "1":
            run.text = text
            continue
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        else:
            element.text = text
        run._r.append(element)
    write(paragraph, " —", font=SONGTI, size=PAGE_NUMBER)


def clean(text: str) -> str:
    """Return `text` without what a paper cannot hold."""
    return NOT_IN_PAPERS.sub("", text)


def title_lines(text: str) -> list[str]:
    """Break a title into as few lines as hold it, of about the same length, where a reader would break it. Breaks that
    somebody typed stay."""
    return [line for part in clean(text).splitlines() if part.strip() for line in balanced(part.strip())] or [""]


def balanced(text: str) -> list[str]:
    """Break one line of a title."""
    count = -(-width_of(text) // TITLE_WIDTH)
    if count < 2:
        return [text]
    wanted = width_of(text) / count
    places = [at for at in range(1, len(text)) if width_of(text[:at]) <= TITLE_WIDTH and may_break(text, at)]
    at = min(places, key=lambda place: abs(width_of(text[:place]) - wanted), default=TITLE_WIDTH // 2)
    return [text[:at], *balanced(text[at:].lstrip())]


def width_of(text: str) -> int:
    """The width of a line of a title in halves of a character: figures and Latin letters take one, others two."""
    return sum(1 if sign.isascii() else 2 for sign in text)


def may_break(text: str, at: int) -> bool:
    """Say whether a line may end before text[at]."""
    before, after = text[at - 1], text[at]
    inside_word = before.isascii() and before.isalnum() and after.isascii() and after.isalnum()
    inside_quotes = any(text.count(first, 0, at) > text.count(last, 0, at) for first, last in QUOTES)
    if inside_word or inside_quotes or before.isdigit():
        return False
    return after not in NOT_AT_START and before not in NOT_AT_END


def chinese_day(day: date) -> str:
    """2026年4月7日: Arabic figures without zeros."""
    return f"{day.year}年{day.month}月{day.day}日"
