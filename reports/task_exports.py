"""Tasks, deductions and shortfalls as workbooks in the layout townships know: title, date, borders, A4 landscape."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from issues.exports import neutral
from outreach import audit, workbooks
from outreach.access import post_of
from outreach.models import User
from reports.task_board import Line

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
THIN = Side(style="thin")


def sheet_of(title: str, headers: Sequence[tuple[str, int]], rows: Sequence[Sequence[Any]], *, by: User) -> bytes:
    """Return the .xlsx: `headers` are (title, width); texts that look like formulas are made plain."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = title[:30]
    last = get_column_letter(len(headers))
    post = post_of(by)
    line = _("Unit: %(unit)s    Filled in by: %(name)s    Date: %(date)s") % {
        "unit": post.unit.name if post else "",
        "name": by.name,
        "date": timezone.localdate().isoformat(),
    }
    sheet.append([neutral(title)])
    sheet.append([neutral(line)])
    sheet.append([header for header, _width in headers])
    for row in rows:
        sheet.append([neutral(cell) if isinstance(cell, str) else cell for cell in row])
    sheet.append([_("Total"), len(rows)])
    for cells in sheet.iter_rows(min_row=3, max_row=sheet.max_row, max_col=len(headers)):
        for cell in cells:
            cell.border = Border(left=THIN, right=THIN, top=THIN, bottom=THIN)
            cell.font = Font(name="宋体", size=11, bold=cell.row in (3, sheet.max_row))
            cell.alignment = Alignment(vertical="center", wrap_text=True)
            if cell.row == 3:
                cell.fill = PatternFill("solid", fgColor="F2F2F2")
            if isinstance(cell.value, date):
                cell.number_format = "yyyy-mm-dd"
            elif isinstance(cell.value, Decimal):
                cell.number_format = "0.##"
    sheet.merge_cells(f"A1:{last}1")
    sheet.merge_cells(f"A2:{last}2")
    sheet["A1"].font = Font(name="宋体", size=18, bold=True)
    sheet["A1"].alignment = Alignment(horizontal="center", vertical="center")
    for column, (_header, width) in enumerate(headers, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "A4"
    workbooks.print_landscape(sheet, head=3)
    sheet.oddFooter.center.text = "&P / &N"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def export(*, lines: Sequence[Line], by: User) -> bytes:
    """Return the ledger of tasks and note in the audit trail who took it."""
    headers = [
        (_("No."), 8),
        (_("Plan"), 20),
        (_("Task"), 36),
        (pgettext("task", "Responsible unit"), 16),
        (_("Person in charge"), 12),
        (_("Starts on"), 12),
        (pgettext("task", "Due on"), 12),
        (_("Target"), 10),
        (_("Reached"), 10),
        (_("Progress in %"), 10),
        (_("Time elapsed in %"), 10),
        (_("State"), 14),
    ]
    rows = [
        [
            line.task.code,
            line.task.plan.title,
            line.task.title,
            line.task.unit.name,
            line.task.person.user.name,
            line.task.starts_on,
            line.task.due_on,
            f"{line.task.target.normalize():f}{line.task.target_unit}" if line.task.target is not None else "—",
            line.value if line.value is not None else "—",
            line.pace.progress if line.pace.progress is not None else "—",
            line.pace.elapsed,
            line.pace.light.word,
        ]
        for line in lines
    ]
    content = sheet_of(_("Task ledger"), headers, rows, by=by)
    audit.record("task.export", "tasks", by=by, rows=len(rows))
    return content


def export_remedies(*, rows: Sequence[dict[str, Any]], by: User) -> bytes:
    """Return the list of shortfalls and note in the audit trail who took it. `rows` as the list shows them."""
    headers = [
        (_("Year"), 8),
        (_("Item"), 26),
        (_("Points lost"), 9),
        (_("Cause"), 30),
        (pgettext("task", "Responsible unit"), 16),
        (_("Person in charge"), 12),
        (_("Measure"), 36),
        (pgettext("task", "Due on"), 12),
        (_("State"), 14),
        (_("Remark"), 22),
    ]
    lines = []
    for line in rows:
        row, flags = line["row"], line["flags"]
        remarks = [_("peers lost nothing here")] if flags.only_we else []
        if flags.again:
            remarks.append(_("lost again: %(years)s") % {"years": "、".join(map(str, flags.years))})
        state = _("overdue") if line["is_late"] else row.get_state_display()
        lines.append(
            [
                row.year,
                row.item,
                row.points,
                row.cause,
                row.unit.name,
                row.person.user.name,
                row.measure,
                row.due_on,
                state,
                "；".join(remarks),
            ]
        )
    content = sheet_of(_("Shortfalls"), headers, lines, by=by)
    audit.record("shortfall.export", "shortfalls", by=by, rows=len(lines))
    return content
