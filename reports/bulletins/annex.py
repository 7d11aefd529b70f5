"""The annex of a bulletin as .xlsx, in the layout townships know: all figures of each group, and the overdue issues."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from issues.exports import styled
from outreach import workbooks
from reports.bulletins.content import NONE, Edition, Line, movement

# openpyxl's write-only sheets get their attributes at run time; no type says which
Sheet = Any
Value = str | int | Decimal | None
HEADER_ROWS = 3
COUNT_FORMAT, RATE_FORMAT, SCORE_FORMAT = "0", "0.00%", "0.00"


@dataclass(frozen=True)
class Field:
    """A column: its title, its width in digits, the value of a unit's row, how a number is shown, and whether the last
    row adds the counts above it up."""

    title: str
    width: int
    value: Callable[[Line], Value]
    form: str = ""


FIELDS = (
    Field("排名", 7, lambda line: line.rank, COUNT_FORMAT),
    Field("单位", 26, lambda line: line.name),
    Field("应访户", 10, lambda line: line.to_visit, COUNT_FORMAT),
    Field("已访户", 10, lambda line: line.covered, COUNT_FORMAT),
    Field("入户率", 11, lambda line: line.coverage, RATE_FORMAT),
    Field("问题数", 9, lambda line: line.raised, COUNT_FORMAT),
    Field("已解决", 9, lambda line: line.solved, COUNT_FORMAT),
    Field("超期", 8, lambda line: line.overdue, COUNT_FORMAT),
    Field("解决率", 11, lambda line: line.solution, RATE_FORMAT),
    Field("满意率", 11, lambda line: line.content, RATE_FORMAT),
    Field("得分", 10, lambda line: line.score, SCORE_FORMAT),
    Field("较上期", 10, movement),
)
SUMMED = ("应访户", "已访户", "问题数", "已解决", "超期")


def workbook(title: str, edition: Edition, *, on: date) -> bytes:
    """Return the annex: a sheet for each group and one of the overdue issues by number; `on` is the day it is made."""
    book = Workbook(write_only=True)
    heading = "".join(title.splitlines())
    for group in edition.groups:
        rows = [[field.value(line) for field in FIELDS] for line in group.lines]
        total = Line(
            code="",
            name="",
            to_visit=added(group.lines, "to_visit"),
            covered=added(group.lines, "covered"),
            raised=added(group.lines, "raised"),
            solved=added(group.lines, "solved"),
            overdue=added(group.lines, "overdue"),
        )
        foot: list[Value] = ["合计", f"{len(rows)}个单位"]
        foot += [field.value(total) if field.title in SUMMED else "" for field in FIELDS[2:]]
        write(book, group.name, f"{heading}附表（{group.name}）", edition, on, FIELDS, rows, foot)
    late = [(number, line.name) for group in edition.groups for line in group.lines for number in line.overdue_numbers]
    fields = (
        Field("序号", 8, lambda line: None, COUNT_FORMAT),
        Field("问题编号", 26, lambda line: None),
        Field("承办单位", 40, lambda line: None),
        Field("备注", 40, lambda line: None),
    )
    listed: list[list[Value]] = [[at, number, name, ""] for at, (number, name) in enumerate(late, 1)]
    write(
        book,
        "超期问题",
        f"{heading}附表（超期未办结问题）",
        edition,
        on,
        fields,
        listed,
        ["合计", f"{len(late)}件", "", ""],
    )
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def added(lines: Sequence[Line], name: str) -> int | None:
    """The sum over those who have such a count; None where nobody has."""
    values = [value for line in lines if (value := getattr(line, name)) is not None]
    return sum(values) if values else None


def write(
    book: Workbook,
    name: str,
    title: str,
    edition: Edition,
    on: date,
    fields: Sequence[Field],
    rows: Sequence[Sequence[Value]],
    foot: Sequence[Value],
) -> None:
    """Add a sheet: title, 单位/填表人/日期, frozen header, thin borders, A4 landscape, 合计."""
    sheet: Sheet = book.create_sheet(sheet_name(book, name))
    last = get_column_letter(len(fields))
    for column, field in enumerate(fields, 1):
        sheet.column_dimensions[get_column_letter(column)].width = field.width
    sheet.freeze_panes = f"C{HEADER_ROWS + 1}"
    workbooks.print_landscape(sheet, head=HEADER_ROWS)
    sheet.print_options.horizontalCentered = True
    sheet.oddFooter.center.text = "&P / &N"
    sheet.append([styled(sheet, title, size=16, bold=True)])
    line = (
        f"单位：{edition.district}    填表人：          日期：{on.isoformat()}    数据截至：{edition.last.isoformat()}"
    )
    sheet.append([styled(sheet, line, horizontal="left")])
    sheet.append([styled(sheet, field.title, bold=True, border=True) for field in fields])
    for row in rows:
        sheet.append([cell(sheet, value, field) for value, field in zip(row, fields, strict=True)])
    sheet.append([cell(sheet, value, field, bold=True) for value, field in zip(foot, fields, strict=True)])
    sheet.merged_cells.add(f"A1:{last}1")
    sheet.merged_cells.add(f"A2:{last}2")


def cell(sheet: Sheet, value: Value, field: Field, *, bold: bool = False) -> Any:
    """A cell with a border: numbers as numbers, rates as shares of one, text never as a formula."""
    if isinstance(value, str):
        is_left = field.title in ("单位", "承办单位") and not bold
        return styled(sheet, value, bold=bold, border=True, horizontal="left" if is_left else "center")
    made = styled(sheet, "", bold=bold, border=True)
    made.value = NONE if value is None else value / 100 if field.form == RATE_FORMAT else value
    if value is not None:
        made.number_format = field.form
    return made


def sheet_name(book: Workbook, name: str) -> str:
    """A name a workbook takes: 31 characters, none of those it forbids, once."""
    wanted = "".join(" " if sign in r"[]:*?/\'" else sign for sign in name if sign.isprintable()).strip()[:28] or "表"
    taken = {sheet.title.casefold() for sheet in book.worksheets}
    return next(found for at in range(100) if (found := wanted + (str(at + 1) if at else "")).casefold() not in taken)
