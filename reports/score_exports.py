"""A ranking of frozen scores as a workbook in the layout townships know, and the template for past scores."""

from __future__ import annotations

import io
from collections.abc import Sequence
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
from outreach.models import User
from reports.models import Snapshot
from reports.past_scores import HEADERS
from reports.scores import Standing, columns_of
from reports.scoring import GroupScore

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
THIN = Side(style="thin")
MARKS = "0.00"
CHANGE = "+0.00;-0.00;0.00"


def title_of(snapshot: Snapshot, group: GroupScore) -> str:
    """What the sheet is called."""
    return _("%(district)s: scores of %(group)s") % {
        "district": snapshot.campaign.district.name,
        "group": group.name,
    }


def moved_text(moved: int | None) -> str:
    """Return a movement as it is read aloud: ↑2, ↓1, unchanged, or — without a base."""
    if moved is None:
        return "—"
    if moved == 0:
        return pgettext("ranking", "unchanged")
    return _("up %(places)d") % {"places": moved} if moved > 0 else _("down %(places)d") % {"places": -moved}


def workbook(*, snapshot: Snapshot, group: GroupScore, rows: Sequence[Standing], before: Snapshot | None) -> bytes:
    """Return the .xlsx: marks as numbers, so that a spreadsheet can go on counting with them."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = _("Scores")
    columns = columns_of(group)
    heads = [pgettext("ranking", "Rank"), _("Unit"), *(label for _key, label in columns), _("Total"), _("Movement")]
    heads += [_("Change of the total"), _("Coverage against elapsed time")]
    sheet.append([neutral(title_of(snapshot, group))])
    sheet.append(
        [
            neutral(
                _("Campaign: %(campaign)s    Days: %(first)s – %(last)s    As of: %(moment)s    %(state)s")
                % {
                    "campaign": snapshot.campaign.name,
                    "first": snapshot.first,
                    "last": snapshot.last,
                    "moment": timezone.localtime(snapshot.as_of).strftime("%Y-%m-%d %H:%M"),
                    "state": snapshot.get_state_display(),
                }
            )
        ]
    )
    sheet.append([neutral(head) for head in heads])
    for row in rows:
        sheet.append(_values(row))
    sheet.append(_average(rows, len(columns)))
    _dress(sheet, len(heads), len(columns))
    if before is not None:
        note = _("Movement and change against: %(name)s. Digest of the snapshot: %(digest)s")
        sheet.append([neutral(note % {"name": before.title, "digest": snapshot.digest})])
    else:
        sheet.append([neutral(_("Digest of the snapshot: %(digest)s") % {"digest": snapshot.digest})])
    sheet.merge_cells(start_row=sheet.max_row, start_column=1, end_row=sheet.max_row, end_column=len(heads))
    sheet.cell(sheet.max_row, 1).font = Font(name="宋体", size=9)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _values(row: Standing) -> list[Any]:
    unit = row.unit
    return [
        unit.rank or _("not ranked"),
        neutral(unit.name),
        *(cell.marks if cell.is_counted else "—" for cell in row.cells),
        "—" if unit.total is None else unit.total,
        moved_text(row.moved),
        "—" if row.change is None else row.change,
        "—" if row.ahead is None else row.ahead,
    ]


def _average(rows: Sequence[Standing], columns: int) -> list[Any]:
    """The foot: a sum of scores says nothing, so it holds how many units there are and their means."""

    def mean(values: list[Decimal]) -> Decimal | str:
        return round(sum(values, Decimal(0)) / len(values), 2) if values else "—"

    means = [
        mean([row.cells[number].marks or Decimal(0) for row in rows if row.cells[number].is_counted])
        for number in range(columns)
    ]
    total = mean([row.unit.total for row in rows if row.unit.total is not None])
    label = _("Total: %(count)d units, mean") % {"count": len(rows)}
    return [label, "", *means, total, "", "", ""]


def _dress(sheet: Any, width: int, columns: int) -> None:
    foot = sheet.max_row
    last = get_column_letter(width)
    for row in sheet.iter_rows(min_row=3, max_row=foot):
        for column, cell in enumerate(row):
            cell.border = Border(left=THIN, right=THIN, top=THIN, bottom=THIN)
            cell.font = Font(name="宋体", size=11, bold=cell.row in (3, foot))
            cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
            if cell.row == 3:
                cell.fill = PatternFill("solid", fgColor="F2F2F2")
            elif 2 <= column <= columns + 2:
                cell.number_format = MARKS
            elif column > columns + 3:
                cell.number_format = CHANGE
    sheet.merge_cells(f"A1:{last}1")
    sheet.merge_cells(f"A2:{last}2")
    sheet.merge_cells(f"A{foot}:B{foot}")
    sheet["A1"].font = Font(name="宋体", size=18, bold=True)
    sheet["A1"].alignment = Alignment(horizontal="center", vertical="center")
    sheet["A2"].font = Font(name="宋体", size=11)
    sheet.row_dimensions[1].height = 34
    sheet.row_dimensions[3].height = 48
    for column, size in enumerate([8, 18, *[11] * (width - 2)], 1):
        sheet.column_dimensions[get_column_letter(column)].width = size
    sheet.freeze_panes = "C4"
    workbooks.print_landscape(sheet, head=3)
    sheet.print_options.horizontalCentered = True
    sheet.oddFooter.center.text = "&P / &N"


def export(
    *, snapshot: Snapshot, group: GroupScore, rows: Sequence[Standing], before: Snapshot | None, by: User
) -> bytes:
    """Return the workbook and note in the audit trail who took it."""
    content = workbook(snapshot=snapshot, group=group, rows=rows, before=before)
    audit.record("score.exported", snapshot, by=by, group=group.key, rows=len(rows))
    return content


def past_template(units: Sequence[tuple[str, str]], year: int) -> bytes:
    """Return the workbook to fill in for past scores: `units` as (code, name), one row each for `year`."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = "往年得分"
    sheet.append(["往年考核得分导入模板"])
    sheet.append(["填写说明：每个单位每个年度一行；“月份”留空表示全年；“得分”“名次”至少填一项。请勿改动表头。"])
    sheet.append(list(HEADERS))
    for code, name in units:
        sheet.append([year, None, code, neutral(name), None, None, None])
    for row in sheet.iter_rows(min_row=3):
        for cell in row:
            cell.border = Border(left=THIN, right=THIN, top=THIN, bottom=THIN)
            cell.font = Font(name="宋体", size=11, bold=cell.row == 3)
            cell.alignment = Alignment(horizontal="center", vertical="center")
            if cell.column == 3:
                cell.number_format = "@"
    width = get_column_letter(len(HEADERS))
    sheet.merge_cells(f"A1:{width}1")
    sheet.merge_cells(f"A2:{width}2")
    sheet["A1"].font = Font(name="宋体", size=18, bold=True)
    sheet["A1"].alignment = Alignment(horizontal="center")
    sheet["A2"].alignment = Alignment(wrap_text=True, vertical="center")
    sheet.row_dimensions[2].height = 32
    for column, size in enumerate([8, 8, 18, 22, 10, 8, 12], 1):
        sheet.column_dimensions[get_column_letter(column)].width = size
    sheet.freeze_panes = "A4"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
