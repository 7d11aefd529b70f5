"""Workbooks that leave the program: the household list, the roster template, the user's own file with its errors."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from households.models import Category, Household
from households.roster.errors import CellError
from households.roster.read import open_workbook
from outreach import workbooks

MAX_HOUSEHOLDS = 20_000
# What a spreadsheet would take for a formula (OWASP: CSV injection), and what XML cannot hold.
FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
WRONG = PatternFill("solid", fgColor="FDE2E0")
TITLE = PatternFill("solid", fgColor="E8EEF7")
# openpyxl loads a whole workbook; past this the errors are written into a plain copy instead
MAX_MARKED_BYTES = 8 * 1024 * 1024


def neutral(value: str) -> str:
    """Return a text a spreadsheet will show as text, whatever it begins with."""
    value = NOT_XML.sub("", value)
    return f"'{value}" if value.startswith(FORMULA_START) else value


# --- the household list ----------------------------------------------------------------------------------------------

LIST_WIDTHS = (12, 14, 10, 12, 10, 12, 8, 22, 14, 30, 22, 10, 24)


def household_titles() -> list[str]:
    """The column titles of the household list, in order; the roster import understands them."""
    return [
        _("Township"),
        _("Village or community"),
        _("Group"),
        _("Household number"),
        _("Full name"),
        _("Relation to the head"),
        _("Sex"),
        _("ID number"),
        _("Phone"),
        _("Address"),
        _("Household category"),
        _("State"),
        _("Note"),
    ]


def household_list(households: Iterable[Household], *, title: str) -> bytes:
    """Return an .xlsx with a row for each resident of `households` (residents and village.parent prefetched).

    ID numbers are masked.
    """
    names = dict(Category.objects.values_list("code", "name"))
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(_("Household roster"))
    for column, width in enumerate(LIST_WIDTHS, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "A3"
    workbooks.print_landscape(sheet, head=2)
    sheet.append([_cell(sheet, title, bold=True, size=16)])
    sheet.append([_cell(sheet, text, bold=True, border=True) for text in household_titles()])
    for household in households:
        village = household.village
        for resident in household.residents.all():
            values = [
                village.parent.name if village.parent else "",
                village.name,
                household.group,
                household.number,
                resident.name,
                resident.relation_text or resident.get_relation_display(),
                resident.get_sex_display() if resident.sex else "",
                resident.id_number_masked,
                resident.phone,
                household.address,
                "、".join(names.get(code, code) for code in household.categories),
                household.get_roster_state_display(),
                household.note,
            ]
            sheet.append([_cell(sheet, value, border=True) for value in values])
    sheet.merged_cells.add(f"A1:{get_column_letter(len(LIST_WIDTHS))}1")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


THIN = Side(style="thin")
BORDER = Border(left=THIN, right=THIN, top=THIN, bottom=THIN)
FONTS = {(bold, size): Font(name="宋体", bold=bold, size=size) for bold in (True, False) for size in (11, 16)}
CENTRED = Alignment(horizontal="center", vertical="center", wrap_text=True)


def _cell(sheet: Any, value: str, *, bold: bool = False, size: int = 11, border: bool = False) -> Any:
    cell: Any = WriteOnlyCell(sheet, value=neutral(value))
    cell.font = FONTS[bold, size]
    cell.alignment = CENTRED
    if border:
        cell.border = BORDER
    return cell


# --- the template ----------------------------------------------------------------------------------------------------

# The template is a Chinese form, whatever the language of the screen: rosters are kept in Chinese.
TEMPLATE_COLUMNS = (
    ("镇街", 12),
    ("村（社区）", 14),
    ("组别", 10),
    ("户编号", 10),
    ("姓名", 12),
    ("与户主关系", 12),
    ("身份证号", 24),
    ("联系电话", 16),
    ("家庭住址", 30),
    ("家庭类别", 16),
    ("备注", 24),
)
TEMPLATE_RELATIONS = ("户主", "配偶", "儿子", "女儿", "儿媳", "女婿", "孙子", "孙女", "父亲", "母亲", "兄弟姐妹")
TEMPLATE_NOTES = (
    "一、每人一行，户主排在本户第一行，与户主关系填“户主”；同一户各行的户编号相同。",
    "二、身份证号列已设为文本格式，请勿改成数字格式，否则后三位会变成0；不清楚的可以不填。",
    "三、联系电话填11位手机号，或带区号的座机号；两个号码用“、”隔开。",
    "四、家庭类别可填多项，用“、”隔开；没有的填“一般户”或不填。",
    "五、空着的单元格不会清除系统里已有的内容。",
)


def template() -> bytes:
    """Return the roster template as .xlsx: text columns, a list of relations, and a sheet of notes."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = "花名册"
    for column, (title, width) in enumerate(TEMPLATE_COLUMNS, 1):
        cell = sheet.cell(1, column, title)
        cell.font, cell.alignment, cell.border, cell.fill = FONTS[True, 11], CENTRED, BORDER, TITLE
        letter = get_column_letter(column)
        sheet.column_dimensions[letter].width = width
        sheet.column_dimensions[letter].number_format = "@"
        for row in range(2, 502):
            sheet.cell(row, column).number_format = "@"
    sheet.freeze_panes = "A2"
    relations = DataValidation(type="list", formula1=f'"{",".join(TEMPLATE_RELATIONS)}"', allow_blank=True)
    relations.showErrorMessage = False
    sheet.add_data_validation(relations)
    relations.add("F2:F5000")
    notes: Any = book.create_sheet("填表说明")
    notes.column_dimensions["A"].width = 100
    for row, text in enumerate((*TEMPLATE_NOTES, "可填的家庭类别：" + "、".join(_category_names())), 1):
        notes.cell(row, 1, text).alignment = Alignment(wrap_text=True)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _category_names() -> list[str]:
    return list(Category.objects.values_list("name", flat=True))


# --- the user's own file, with what is wrong -------------------------------------------------------------------------


def marked_workbook(path: Path, filename: str, errors: Iterable[CellError], headers: dict[str, int]) -> bytes:
    """Return the file at `path` with columns 错误 and 建议 filled and the wrong cells marked, as .xlsx.

    `headers` is sheet name → last header row. An .xlsx of reasonable size keeps everything else as it was; other kinds
    are copied cell by cell into a new workbook with the same sheets and rows.
    """
    by_sheet: dict[str, dict[int, list[CellError]]] = {}
    for error in errors:
        by_sheet.setdefault(error.sheet, {}).setdefault(error.row, []).append(error)
    with open_workbook(path, filename) as source:
        kind = source.kind
    book = load_workbook(path) if kind == "xlsx" and path.stat().st_size <= MAX_MARKED_BYTES else _copy(path, filename)
    for sheet in book.worksheets:
        rows = by_sheet.get(sheet.title, {})
        if rows:
            _mark(sheet, rows, headers.get(sheet.title, 1))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _copy(path: Path, filename: str) -> Workbook:
    """Return a new workbook with the same sheets, and every cell's value as text."""
    book = Workbook()
    book.remove(book.worksheets[0])
    with open_workbook(path, filename) as source:
        for sheet in source:
            if sheet.hidden:
                continue
            copy = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", sheet.name)[:31])
            for number, row in sheet.rows:
                for column, value in enumerate(row, 1):
                    if value == "":
                        continue
                    cell = copy.cell(number, column)
                    if isinstance(value, str):
                        cell.value = neutral(value)[:32_000]
                        cell.number_format = "@"
                    else:
                        cell.value = value
            for first_row, first_column, last_row, last_column in sheet.merged:
                copy.merge_cells(
                    start_row=first_row + 1,
                    start_column=first_column + 1,
                    end_row=last_row + 1,
                    end_column=last_column + 1,
                )
    if not book.worksheets:
        book.create_sheet("花名册")
    return book


def _mark(sheet: Any, rows: dict[int, list[CellError]], header_row: int) -> None:
    """Fill the two columns right of what the sheet uses, and colour the wrong cells. A second check fills them anew."""
    width = sheet.max_column
    titles = {str(sheet.cell(header_row, column).value or ""): column for column in range(1, width + 1)}
    errors_column = titles.get("错误", width + 1)
    advice_column = titles.get("建议", max(width + 2, errors_column + 1) if "错误" not in titles else errors_column + 1)
    for column, title in ((errors_column, "错误"), (advice_column, "建议")):
        cell = sheet.cell(header_row, column, title)
        cell.font, cell.fill, cell.border, cell.alignment = FONTS[True, 11], TITLE, BORDER, CENTRED
        sheet.column_dimensions[get_column_letter(column)].width = 42
    for row, found in rows.items():
        wrong = [f"{error.column}：{error.message}" if error.column else error.message for error in found]
        texts = (
            (errors_column, "\n".join(wrong)),
            (advice_column, "\n".join(dict.fromkeys(error.suggestion for error in found))),
        )
        for column, text in texts:
            cell = sheet.cell(row, column)
            cell.value = neutral(text)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.fill = WRONG
        for error in found:
            if error.column_index >= 0:
                cell = sheet.cell(row, error.column_index + 1)
                cell.fill = WRONG
                if type(cell).__name__ != "MergedCell":
                    cell.comment = Comment(error.message, "")


def stamped(name: str, ending: str = "xlsx") -> str:
    """Return a file name with today's date."""
    return f"{name}_{timezone.localdate():%Y%m%d}.{ending}"
