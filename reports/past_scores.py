"""Scores of earlier years from a workbook: reading it and checking every row. Nothing here writes.

Columns 年度, 月份 (empty: the whole year), 单位代码, 单位名称, 得分, 名次, 参评单位数 (aliases below); the header
stands within the first rows, below a title or a note. A unit is found by its code, else by its name where that is one
alone.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import python_calamine
from django.utils.translation import gettext as _

from outreach import workbooks
from outreach.models import Unit

HEADERS = ("年度", "月份", "单位代码", "单位名称", "得分", "名次", "参评单位数")
ALIASES = {
    "year": ("年度", "年份", "考核年度", "year"),
    "month": ("月份", "月", "期次", "month"),
    "code": ("单位代码", "代码", "编码", "单位编码", "code"),
    "name": ("单位名称", "单位", "名称", "被考核单位", "name"),
    "score": ("得分", "总分", "考核得分", "分数", "score"),
    "rank": ("名次", "排名", "位次", "rank"),
    "ranked": ("参评单位数", "参评数", "单位总数", "ranked"),
}
COLUMN_OF = {alias: column for column, aliases in ALIASES.items() for alias in aliases}
TITLES = {column: aliases[0] for column, aliases in ALIASES.items()}
HEADER_ROWS = 10
MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 5_000
FIRST_YEAR = 1990
MOST_SCORE = Decimal(10_000)
FOOTERS = ("合计", "平均", "填表人", "审核人", "备注", "说明")


class UnusableFileError(Exception):
    """The file cannot be read as past scores at all; the text says what to do."""


@dataclass(frozen=True)
class PastRow:
    """A row that may be taken over."""

    number: int  # the line of the sheet
    unit_id: int
    code: str
    name: str
    year: int
    month: int
    score: Decimal | None
    rank: int | None
    ranked: int | None

    def to_json(self) -> dict[str, Any]:
        """Return it for storing until it is taken over."""
        return {**vars(self), "score": None if self.score is None else str(self.score)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PastRow:
        """Return the row of what to_json wrote."""
        return cls(**{**data, "score": None if data["score"] is None else Decimal(data["score"])})


@dataclass(frozen=True)
class RowError:
    """What is wrong in a row, in which column, and what to do."""

    number: int
    column: str
    message: str


def read_table(content: bytes) -> list[list[str]]:
    """Return the first visible sheet's cells as text. Raises UnusableFileError: no workbook, damaged, too large."""
    if not content:
        raise UnusableFileError(_("The file is empty."))
    if len(content) > MAX_BYTES:
        raise UnusableFileError(_("The file is larger than 5 MB. Copy the scores into a new workbook."))
    if not content.startswith(b"PK"):
        raise UnusableFileError(_("This is not an .xlsx workbook. Save it as .xlsx and upload that."))
    try:
        workbooks.guard(content)
        book = python_calamine.load_workbook(io.BytesIO(content))
        sheet = book.get_sheet_by_index(0)
        if sheet.total_height > MAX_ROWS + HEADER_ROWS:
            raise UnusableFileError(_("The sheet has more than %(count)d rows.") % {"count": MAX_ROWS})
        rows = sheet.to_python(skip_empty_area=False)
    except workbooks.OversizedError as error:
        raise UnusableFileError(
            _("The sheet's used area is too large. Copy the scores into a new workbook and upload that.")
            if error.part
            else _("The file unpacks to an unreasonable size and was not opened.")
        ) from error
    except (zipfile.BadZipFile, python_calamine.CalamineError, OSError, IndexError, ValueError, KeyError) as error:
        raise UnusableFileError(
            _("The file is damaged. Open it in Excel or WPS, save it again, and upload it.")
        ) from error
    return [[_text(cell) for cell in row] for row in rows]


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = unicodedata.normalize("NFKC", str(cell if cell is not None else "")).strip()
    return text.replace("\0", "")


def check(
    table: list[list[str]], units: list[Unit], known: Mapping[tuple[int, int, int], str], this_year: int
) -> tuple[list[PastRow], list[RowError]]:
    """Return the rows that may be taken over, and what is wrong with the others.

    `units`: those of the district. `known`: (unit id, year, month) that is stored already → the file it came from.
    Raises UnusableFileError where no header is found.
    """
    start, header = _header(table)
    by_code = {unit.code: unit for unit in units}
    by_name: dict[str, list[Unit]] = {}
    for unit in units:
        by_name.setdefault(unit.name, []).append(unit)
    rows: list[PastRow] = []
    errors: list[RowError] = []
    seen: dict[tuple[int, int, int], int] = {}
    for number, cells in enumerate(table[start:], start + 1):
        values = {column: cells[place] if place < len(cells) else "" for column, place in header.items()}
        if not any(values.values()) or any(str(values.get("name", "")).startswith(word) for word in FOOTERS):
            continue
        if not values.get("score") and not values.get("rank") and (values.get("code") or values.get("name")):
            # a template row nobody filled in
            continue
        problems = _Problems(number)
        row = _row(problems, values, by_code, by_name, this_year)
        if row is not None:
            key = (row.unit_id, row.year, row.month)
            if key in known:
                problems.say(
                    "year",
                    _("This unit's score of that time is stored already, from %(file)s. Undo that import first.")
                    % {"file": known[key]},
                )
            elif key in seen:
                problems.say("year", _("The same unit and time stand in row %(row)d too.") % {"row": seen[key]})
            else:
                seen[key] = number
                if not problems.found:
                    rows.append(row)
        errors += problems.found
    if not rows and not errors:
        raise UnusableFileError(_("There is no row with a score or a rank below the header. Fill in the template."))
    return rows, errors


def _header(table: list[list[str]]) -> tuple[int, dict[str, int]]:
    for number, cells in enumerate(table[:HEADER_ROWS], 1):
        found: dict[str, int] = {}
        for place, cell in enumerate(cells):
            column = COLUMN_OF.get(re.sub(r"\s", "", cell).lower())
            if column is not None:
                found.setdefault(column, place)
        if "year" in found and ({"code", "name"} & found.keys()) and ({"score", "rank"} & found.keys()):
            return number, found
    raise UnusableFileError(
        _(
            "No header was found in the first %(count)d rows. It must name 年度, 单位代码 or 单位名称, and 得分 or "
            "名次: download the template."
        )
        % {"count": HEADER_ROWS}
    )


class _Problems:
    """What is wrong with one row."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.found: list[RowError] = []

    def say(self, column: str, message: str) -> None:
        self.found.append(RowError(self.number, TITLES[column], message))


def _row(
    problems: _Problems,
    values: Mapping[str, str],
    by_code: Mapping[str, Unit],
    by_name: Mapping[str, list[Unit]],
    this_year: int,
) -> PastRow | None:
    unit = _unit(problems, values.get("code", ""), values.get("name", ""), by_code, by_name)
    year = _whole(
        problems, "year", values.get("year", "").removesuffix("年").removesuffix("年度"), FIRST_YEAR, this_year
    )
    month = _whole(problems, "month", values.get("month", "").removesuffix("月"), 1, 12) or 0
    rank = _whole(problems, "rank", values.get("rank", ""), 1, 9_999)
    ranked = _whole(problems, "ranked", values.get("ranked", ""), 1, 9_999)
    score = _score(problems, values.get("score", ""))
    if not values.get("year"):
        problems.say("year", _("Fill in the year."))
    if rank is not None and ranked is not None and rank > ranked:
        problems.say("rank", _("The rank lies beyond the number of units."))
    if unit is None or year is None:
        return None
    return PastRow(problems.number, unit.pk, unit.code, unit.name, year, month, score, rank, ranked)


def _unit(
    problems: _Problems, code: str, name: str, by_code: Mapping[str, Unit], by_name: Mapping[str, list[Unit]]
) -> Unit | None:
    if code:
        unit = by_code.get(code)
        if unit is None:
            problems.say("code", _("No unit of the district has the code %(code)s.") % {"code": code[:20]})
        elif name and name != unit.name:
            problems.say(
                "name", _("The code belongs to %(unit)s, not to %(name)s.") % {"unit": unit.name, "name": name[:30]}
            )
        return unit
    found = by_name.get(name, [])
    if len(found) == 1:
        return found[0]
    problems.say(
        "name",
        _("Several units are called %(name)s: fill in the code.") % {"name": name[:30]}
        if found
        else _("No unit of the district is called %(name)s.") % {"name": name[:30] or "—"},
    )
    return None


def _whole(problems: _Problems, column: str, text: str, least: int, most: int) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) <= 6 and least <= int(text) <= most:
        return int(text)
    problems.say(
        column,
        _("“%(text)s” is no whole number from %(least)d to %(most)d.")
        % {"text": text[:20], "least": least, "most": most},
    )
    return None


def _score(problems: _Problems, text: str) -> Decimal | None:
    if not text:
        return None
    try:
        number = Decimal(text.removesuffix("分"))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > MOST_SCORE:
        problems.say("score", _("“%(text)s” is no score.") % {"text": text[:20]})
        return None
    rounded = round(number, 2)
    if rounded != number and len(text) < 10:
        problems.say("score", _("A score has at most 2 decimals: “%(text)s”.") % {"text": text[:20]})
        return None
    # a longer tail is a spreadsheet's own arithmetic: 87.24999999999999
    return rounded
