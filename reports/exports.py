"""The ranking as a workbook in the layout townships know: title, date, borders, A4 landscape, 合计."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from issues.exports import neutral
from outreach import audit, workbooks
from outreach.models import Unit, User
from reports.figures import HOUSEHOLDS, ISSUES
from reports.indicators import RANKED
from reports.ranking import Line, Ranking

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
THIN = Side(style="thin")
RATE_FORMAT = "0.00%"
COUNT_FORMAT = "#,##0"
# figure or rate → width of its column, in the order of the page
COLUMNS = {
    "to_visit": 10,
    "covered": 10,
    "coverage": 11,
    "met": 11,
    "raised": 9,
    "solved": 9,
    "explained": 9,
    "not_accepted": 9,
    "otherwise": 9,
    "in_review": 9,
    "set_aside": 9,
    "not_due": 9,
    "overdue": 9,
    "judged": 9,
    "solution": 12,
}
RATES = RANKED.keys()


def headers() -> list[str]:
    """The column titles, in order."""
    return [pgettext("ranking", "Rank"), _("Unit"), *(str(label_of(key)) for key in COLUMNS)]


def label_of(key: str) -> str | Promise:
    """What a figure or rate is called."""
    if key in RATES:
        return RANKED[key].name
    return (HOUSEHOLDS.get(key) or ISSUES[key]).label


def name_of(line: Line) -> str:
    """The unit as the table names it."""
    if line.outside:
        return _("in no unit above")
    if line.township and line.unit != line.township:
        return f"{line.township.name} {line.unit.name}"
    return line.unit.name


def title_of(ranking: Ranking) -> str:
    """What the sheet is called."""
    units = _("villages") if ranking.level == Unit.Kind.VILLAGE else _("townships")
    return _("%(scope)s: ranking of %(units)s by visits and solved issues") % {
        "scope": ranking.scope.name,
        "units": units,
    }


def _values(line: Line, rank: str | int) -> list[Any]:
    values: list[Any] = [rank, neutral(name_of(line))]
    for key in COLUMNS:
        if key in RATES:
            value = getattr(line, key).value
            values.append("—" if value is None else value / Decimal(100))
        else:
            values.append(line.count(key))
    return values


def workbook(ranking: Ranking) -> bytes:
    """Return the .xlsx of `ranking`: rates as numbers, so that a spreadsheet can go on counting with them."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = _("Ranking")
    titles = headers()
    last = get_column_letter(len(titles))
    moment = timezone.localtime(ranking.counted_at) if ranking.counted_at else None
    sheet.append([neutral(title_of(ranking))])
    sheet.append(
        [
            neutral(
                _("Campaign: %(campaign)s    Ranked by: %(indicator)s    As of: %(moment)s")
                % {
                    "campaign": ranking.campaign.name,
                    "indicator": ranking.indicator.name,
                    "moment": moment.strftime("%Y-%m-%d %H:%M") if moment else "—",
                }
            )
        ]
    )
    sheet.append(titles)
    for line in ranking.lines:
        sheet.append(_values(line, line.rank or _("not ranked")))
    if ranking.own:
        sheet.append(_values(ranking.own, "—"))
    sheet.append([_("Total"), "", *_values(ranking.total, "")[2:]])
    foot = sheet.max_row
    for row in sheet.iter_rows(min_row=3, max_row=foot):
        for column, cell in enumerate(row):
            key = list(COLUMNS)[column - 2] if column >= 2 else ""
            cell.border = Border(left=THIN, right=THIN, top=THIN, bottom=THIN)
            is_head = cell.row == 3
            cell.font = Font(name="宋体", size=11, bold=is_head or cell.row == foot)
            cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
            if is_head:
                cell.fill = PatternFill("solid", fgColor="F2F2F2")
            elif column >= 2:
                cell.number_format = RATE_FORMAT if key in RATES else COUNT_FORMAT
    sheet.merge_cells(f"A1:{last}1")
    sheet.merge_cells(f"A2:{last}2")
    sheet.merge_cells(f"A{foot}:B{foot}")
    sheet["A1"].font = Font(name="宋体", size=18, bold=True)
    sheet["A1"].alignment = Alignment(horizontal="center", vertical="center")
    sheet["A2"].font = Font(name="宋体", size=11)
    sheet.row_dimensions[1].height = 34
    sheet.row_dimensions[3].height = 34
    for column, width in enumerate([8, 26 if ranking.level == Unit.Kind.VILLAGE else 16, *COLUMNS.values()], 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "C4"
    workbooks.print_landscape(sheet, head=3)
    sheet.print_options.horizontalCentered = True
    sheet.oddFooter.center.text = "&P / &N"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def export(*, ranking: Ranking, by: User) -> bytes:
    """Return the workbook and note in the audit trail who took it."""
    content = workbook(ranking)
    audit.record(
        "ranking.exported",
        ranking.campaign,
        by=by,
        scope=ranking.scope.code,
        level=ranking.level,
        ranked_by=ranking.indicator.key,
        rows=len(ranking.lines),
    )
    return content
