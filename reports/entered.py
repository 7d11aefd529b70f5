"""Figures that people enter: which ones a campaign's schemes ask for, and the workbook they may come in."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, Side
from python_calamine import CalamineError, CalamineWorkbook

from issues import documents
from outreach import workbooks
from outreach.models import Campaign, Unit
from reports.indicators import INDICATORS
from reports.models import Scheme
from reports.scheme_forms import number
from reports.schemes import COUNT, POINTS, RATE, SchemeContent, SchemeError

MAX_ROWS = 2000
HUNDREDTH = Decimal("0.01")
MOST = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A figure to be entered: `kinds` of unit it is entered for."""

    key: str
    label: str
    measure: str
    kinds: frozenset[str]


@dataclass(slots=True)
class Typed:
    """What was typed for a unit, and what is wrong with it."""

    unit: Unit
    numerator: str = ""
    denominator: str = ""
    value: str = ""
    error: str = ""
    read: tuple[Decimal | None, Decimal, Decimal] | None = field(default=None)  # numerator, cases, value

    @property
    def is_empty(self) -> bool:
        """Nothing typed at all: the unit has no figure."""
        return not (self.numerator or self.denominator or self.value)


def is_counted(indicator: str) -> bool:
    """Does the program count this indicator itself?"""
    known = INDICATORS.get(indicator)
    return known is not None and getattr(known, "kind", "counted") == "counted"


def wanted(campaign: Campaign) -> dict[str, Wanted]:
    """Return the figures that the campaign's schemes, drafts included, take from what is entered."""
    found: dict[str, Wanted] = {}
    for scheme in Scheme.objects.filter(campaign=campaign).exclude(state=Scheme.State.RETIRED).order_by("pk"):
        try:
            content = SchemeContent.from_json(scheme.content, draft=True)
        except SchemeError:
            continue
        for line in content.lines:
            groups = [group for group in content.groups if not line.groups or group.key in line.groups]
            kinds = frozenset(group.kind for group in groups)
            asked = [] if is_counted(line.indicator) else [(line.indicator, line.label, line.measure)]
            if again := getattr(line.rule, "unfixed", ""):
                asked.append((again, _("%(line)s: not put right at the re-check") % {"line": line.label}, COUNT))
            for key, label, measure in asked:
                before = found.get(key)
                found[key] = Wanted(key, label, measure, kinds | (before.kinds if before else frozenset()))
    return found


def read(typed: Typed, measure: str) -> None:
    """Turn what was typed into numbers, or say what is wrong with it."""
    typed.error, typed.read = "", None
    if typed.is_empty:
        return
    try:
        if measure == RATE:
            hits, cases = _decimal(typed.numerator), _decimal(typed.denominator)
            if cases == 0:
                typed.error = _("Without cases there is no rate: leave the row empty.")
            elif hits > cases:
                typed.error = _("The first number is a part of the second and cannot be larger.")
            else:
                typed.read = (hits, cases, (100 * hits / cases).quantize(HUNDREDTH, ROUND_HALF_UP))
        elif measure == POINTS:
            value = _decimal(typed.value)
            cases = _decimal(typed.denominator) if typed.denominator else Decimal(1)
            if cases == 0:
                typed.error = _("The number of checks is 1 or more.")
            else:
                typed.read = (None, cases, value)
        else:
            value = _decimal(typed.value)
            typed.read = (value, Decimal(1), value)
    except ValueError:
        typed.error = _("A number from 0 to 1000000 with at most 2 decimals is expected here.")


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(number(text))
    except InvalidOperation as error:
        raise ValueError(text) from error
    if not value.is_finite() or not 0 <= value <= MOST or value != value.quantize(HUNDREDTH):
        raise ValueError(text)
    return value


HEADERS = {
    "code": ("单位代码", "代码", "code"),
    "name": ("单位", "单位名称", "unit"),
    "numerator": ("分子", "numerator"),
    "denominator": ("分母", "检查数", "样本数", "denominator"),
    "value": ("得分", "数值", "件数", "value"),
}


def template(units: Sequence[Unit], asked: Wanted) -> bytes:
    """Return the workbook to be filled in: one row a unit, the columns the figure needs."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "数据"
    columns = ["单位代码", "单位", *_columns(asked.measure)]
    sheet.append([asked.label])
    sheet.append(columns)
    for unit in units:
        sheet.append([unit.code, unit.name])
    thin = Side(style="thin")
    for row in sheet.iter_rows(min_row=2, max_col=len(columns)):
        for cell in row:
            cell.border = Border(thin, thin, thin, thin)
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(columns))
    sheet["A1"].font, sheet["A1"].alignment = Font(bold=True, size=16), Alignment(horizontal="center")
    sheet.freeze_panes = "A3"
    for letter, width in (("A", 16), ("B", 26), ("C", 14), ("D", 14)):
        sheet.column_dimensions[letter].width = width
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _columns(measure: str) -> list[str]:
    return {RATE: ["分子", "分母"], POINTS: ["得分", "检查数"]}.get(measure, ["件数"])


def read_workbook(content: bytes, name: str) -> list[dict[str, str]]:
    """Return the rows of a filled-in workbook as text: code, name, numerator, denominator, value.

    Raises ValidationError where it is no .xlsx, holds no such table, or more than MAX_ROWS rows.
    """
    if documents.content_type_of(content, name) != documents.XLSX:
        raise ValidationError(_("Upload the .xlsx workbook that was downloaded here and filled in."))
    try:
        workbooks.guard(content)
        rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python(nrows=MAX_ROWS + 20)
    except (zipfile.BadZipFile, CalamineError, ValueError, IndexError) as error:
        raise ValidationError(_("The workbook cannot be read. Save it again as .xlsx.")) from error
    start, places = _header(rows)
    found = []
    for row in rows[start:]:
        cells = {key: _text(row[place]) if place < len(row) else "" for key, place in places.items()}
        if cells.get("code") or cells.get("name"):
            found.append(cells)
    if len(found) > MAX_ROWS:
        raise ValidationError(_("At most %(count)d rows at once.") % {"count": MAX_ROWS})
    return found


def _header(rows: Sequence[Sequence[object]]) -> tuple[int, dict[str, int]]:
    for index, row in enumerate(rows[:10]):
        texts = [_text(cell).lower() for cell in row]
        places = {
            key: next(place for place, text in enumerate(texts) if text in names)
            for key, names in HEADERS.items()
            if any(text in names for text in texts)
        }
        if ({"code", "name"} & places.keys()) and len(places) > 1:
            return index + 1, places
    raise ValidationError(_("No table with the columns 单位代码 or 单位 was found. Download the workbook again."))


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell).strip().replace("\0", "") if cell is not None else ""
