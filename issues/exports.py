"""The ledger as townships keep it: title on top, 单位/填表人/日期, frozen header, thin borders, A4 landscape, 合计."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter

from issues.models import Issue
from outreach.models import Unit, User

# openpyxl's write-only sheets and cells get their attributes at run time; no type says which
Sheet = Any
Cell = Any

MAX_ROWS = 50_000
HEADER_ROWS = 3
A4 = 9
# What a spreadsheet would take for a formula (OWASP: CSV injection), and what XML cannot hold.
FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
WIDTHS = (6, 13, 12, 16, 10, 18, 10, 40, 18, 12, 12, 11, 8, 14, 36, 12, 12)
CENTRED = frozenset({0, 1, 2, 4, 6, 9, 10, 11, 12, 13, 15, 16})


def headers() -> list[str]:
    """The column titles, in order."""
    return [
        _("No."),
        _("Issue number"),
        _("Recorded on"),
        _("Place"),
        _("Household head"),
        _("Category"),
        _("Kind of issue"),
        _("What the resident said"),
        _("Responsible unit"),
        _("Dispatched on"),
        _("Due on"),
        _("State"),
        _("Overdue?"),
        _("How it ended"),
        _("What was done"),
        _("Done on"),
        _("Signed off on"),
    ]


def row(number: int, issue: Issue, *, user: User, today: date) -> list[str | int]:
    """One issue as a line of the ledger. The resident stands there only where `user` may know them."""
    knows = issue.household is not None and issue.shows_resident_to(user)
    category = issue.category
    return [
        number,
        issue.number,
        day(issue.recorded_at),
        issue.place.name,
        issue.household.head_name if issue.household and knows else "",
        f"{category.parent.name}／{category.name}" if category.parent else category.name,
        str(issue.get_kind_display()),
        issue.text,
        issue.unit.name,
        day(issue.dispatched_at),
        issue.due_on.isoformat(),
        str(issue.get_state_display()),
        _("yes") if issue.days_late(today) > 0 else "",
        str(issue.get_outcome_display()) if issue.outcome else "",
        issue.result,
        day(issue.done_at),
        day(issue.closed_at),
    ]


def ledger(issues: Iterable[Issue], *, by: User, unit: Unit, today: date) -> tuple[bytes, int]:
    """Return the workbook of `issues`, in their order, and how many they are. Reads them one by one.

    `issues` come with `with_names()`. The caller has seen to it that there are at most MAX_ROWS.
    """
    book = Workbook(write_only=True)
    sheet: Sheet = book.create_sheet(_("Issue ledger"))
    lay_out(sheet)
    width = len(WIDTHS)
    sheet.append([styled(sheet, _("%(unit)s issue ledger") % {"unit": unit.name}, size=18, bold=True)])
    line = _("Unit: %(unit)s    Filled in by: %(name)s    Date: %(date)s")
    values = {"unit": unit.name, "name": by.name, "date": today.isoformat()}
    sheet.append([styled(sheet, line % values, horizontal="left")])
    sheet.append([styled(sheet, title, bold=True, border=True) for title in headers()])
    # one cell for each column, filled anew for each row: making 850 000 styled cells would take a minute
    cells = [
        styled(sheet, "", border=True, horizontal="center" if column in CENTRED else "left") for column in range(width)
    ]
    count = late = 0
    for count, issue in enumerate(issues, 1):
        values_of_row = row(count, issue, user=by, today=today)
        late += bool(values_of_row[12])
        for cell, value in zip(cells, values_of_row, strict=True):
            put(cell, value)
        sheet.append(cells)
    total = _("%(count)d issues, of which overdue: %(late)d") % {"count": count, "late": late}
    foot = [_("Total"), total, *[""] * (width - 2)]
    sheet.append([styled(sheet, text, bold=True, border=True, horizontal="left") for text in foot])
    sheet.merged_cells.add(f"A1:{get_column_letter(width)}1")
    sheet.merged_cells.add(f"A2:{get_column_letter(width)}2")
    sheet.merged_cells.add(f"B{count + 4}:{get_column_letter(width)}{count + 4}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue(), count


def lay_out(sheet: Sheet) -> None:
    """Set widths, the frozen header and the page: A4 landscape, all columns on its width, header on each page."""
    for column, width in enumerate(WIDTHS, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = f"A{HEADER_ROWS + 1}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = A4
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = f"{HEADER_ROWS}:{HEADER_ROWS}"
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


def day(moment: datetime | None) -> str:
    """2026-04-17, or nothing."""
    return timezone.localdate(moment).isoformat() if moment else ""
