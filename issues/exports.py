"""The ledger as townships keep it: title on top, 单位/填表人/日期, frozen header, thin borders, A4 landscape, 合计."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from issues.columns import NOT_XML, Column, Reading, is_late
from issues.models import Category, Issue, Solvability
from outreach import workbooks
from outreach.models import Unit, User

# openpyxl's write-only sheets and cells get their attributes at run time; no type says which
Sheet = Any
Cell = Any

MAX_ROWS = 50_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADER_ROWS = 3
# What a spreadsheet would take for a formula (OWASP: CSV injection).
FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER_WIDTH = 6
# Over the hidden column by which a row is known when the ledger comes back: number/version, in every language.
KEY_TITLE = "KEY"
UNLOCKED, LOCKED = Protection(locked=False), Protection(locked=True)


def key_of(issue: Issue) -> str:
    """What the hidden column holds: which issue the row is, and how often it had changed when the ledger left."""
    return f"{issue.number}/{issue.version}"


def ledger(
    issues: Iterable[Issue], *, columns: Sequence[Column], by: User, unit: Unit, today: date
) -> tuple[bytes, int]:
    """Return the workbook of `issues`, in their order, and how many they are. Reads them one by one.

    `issues` come with `columns.loaded`. The caller has seen to it that there are at most MAX_ROWS. The sheet is
    protected without a password: everything may be edited but the key.
    """
    reading = Reading(user=by, today=today)
    book = Workbook(write_only=True)
    sheet: Sheet = book.create_sheet(_("Issue ledger"))
    lay_out(sheet, [NUMBER_WIDTH, *(column.width for column in columns)])
    add_choices(book, sheet, columns)
    width = len(columns) + 1
    sheet.append([styled(sheet, _("%(unit)s issue ledger") % {"unit": unit.name}, size=18, bold=True)])
    line = _("Unit: %(unit)s    Filled in by: %(name)s    Date: %(date)s")
    values = {"unit": unit.name, "name": by.name, "date": today.isoformat()}
    sheet.append([styled(sheet, line % values, horizontal="left")])
    titles = [styled(sheet, str(title), bold=True, border=True) for title in (_("No."), *(c.label for c in columns))]
    sheet.append([*titles, key_cell(sheet, KEY_TITLE)])
    # one cell for each column, filled anew for each row: making 850 000 styled cells would take a minute
    centred = [True, *(column.centred for column in columns)]
    cells = [styled(sheet, "", border=True, horizontal="center" if middle else "left") for middle in centred]
    key = key_cell(sheet, "")
    count = late = 0
    for count, issue in enumerate(issues, 1):
        late += is_late(issue, today)
        put(cells[0], count)
        for cell, column in zip(cells[1:], columns, strict=True):
            put(cell, column.value(issue, reading))
        put(key, key_of(issue))
        sheet.append([*cells, key])
    total = _("%(count)d issues, of which overdue: %(late)d") % {"count": count, "late": late}
    foot = [_("Total"), total, *[""] * (width - 2)]
    sheet.append([styled(sheet, text, bold=True, border=True, horizontal="left") for text in foot])
    sheet.merged_cells.add(f"A1:{get_column_letter(width)}1")
    sheet.merged_cells.add(f"A2:{get_column_letter(width)}2")
    if width > 2:
        sheet.merged_cells.add(f"B{count + 4}:{get_column_letter(width)}{count + 4}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue(), count


def add_choices(book: Workbook, sheet: Sheet, columns: Sequence[Column]) -> None:
    """Give the cells people may fill in their list of choices; the categories stand on a hidden sheet."""
    choices = book.create_sheet(_("Choices"))
    choices.sheet_state = "hidden"
    lists = {
        "category": [path for path, _pk in category_paths()],
        "urgent": [_("yes")],
        "solvability": [str(label) for value, label in Solvability.choices if value],
    }
    depth = max(len(rows) for rows in lists.values())
    for at in range(depth):
        choices.append([neutral(rows[at]) if at < len(rows) else None for rows in lists.values()])
    for position, (key, rows) in enumerate(lists.items(), 1):
        letter = get_column_letter(position)
        target = next((at for at, column in enumerate(columns, 2) if column.key == key), None)
        if target is None or not rows:
            continue
        title = choices.title.replace("'", "''")
        rule = DataValidation(type="list", formula1=f"'{title}'!${letter}$1:${letter}${len(rows)}", allow_blank=True)
        rule.showErrorMessage = True
        rule.error = _("Choose from the list.")
        rule.add(f"{get_column_letter(target)}{HEADER_ROWS + 1}:{get_column_letter(target)}{MAX_ROWS + HEADER_ROWS}")
        sheet.data_validations.append(rule)


def category_paths() -> list[tuple[str, int]]:
    """Every category in use as the ledger writes it, with its id; costs one query."""
    rows = Category.objects.filter(is_active=True).select_related("parent")
    return [(f"{row.parent.name}／{row.name}" if row.parent else row.name, row.pk) for row in rows]


def key_cell(sheet: Sheet, value: str) -> Cell:
    """A cell of the hidden column, which alone is locked."""
    cell = styled(sheet, value)
    cell.protection = LOCKED
    return cell


def lay_out(sheet: Sheet, widths: Sequence[int]) -> None:
    """Set widths, the frozen header, the hidden key column and the page: A4 landscape, all columns on its width, header
    on each page."""
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.column_dimensions[get_column_letter(len(widths) + 1)].hidden = True
    sheet.protection.sheet = True
    # what the lock would forbid on top: in this format False means allowed
    for right in ("formatCells", "formatColumns", "formatRows", "insertRows", "deleteRows", "sort", "autoFilter"):
        setattr(sheet.protection, right, False)
    sheet.freeze_panes = f"A{HEADER_ROWS + 1}"
    workbooks.print_landscape(sheet, head=HEADER_ROWS)
    sheet.print_options.horizontalCentered = True
    sheet.oddFooter.center.text = "&P / &N"


def styled(
    sheet: Sheet,
    value: str,
    *,
    size: int = 11,
    bold: bool = False,
    border: bool = False,
    horizontal: str = "center",
) -> Cell:
    """Return a cell of the ledger's looks."""
    cell = WriteOnlyCell(sheet)
    cell.font = Font(name="宋体", size=size, bold=bold)
    cell.alignment = Alignment(horizontal=horizontal, vertical="center", wrap_text=True)
    cell.protection = UNLOCKED
    if border:
        thin = Side(style="thin")
        cell.border = Border(left=thin, right=thin, top=thin, bottom=thin)
    put(cell, value)
    return cell


def put(cell: Cell, value: str | int) -> None:
    """Set the cell's value: text always as text, never as a formula."""
    cell.value = neutral(value) if isinstance(value, str) else value


def neutral(text: str) -> str:
    """Return `text` as a spreadsheet may hold it: no character XML forbids, no beginning that means a formula."""
    text = NOT_XML.sub("", text)
    return f"'{text}" if text.startswith(FORMULA_START) else text
