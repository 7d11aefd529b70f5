"""The unit tree from a file: reading it, checking every row, and one set-based upsert.

Columns 代码, 名称, 上级代码, 类型 (aliases below), as .csv (UTF-8 or GB18030), .csv.gz or a workbook. A bad row is
reported and left out together with what hangs below it; the others are imported. The file's order is the official
order.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import python_calamine
from django.db import connection
from django.utils.translation import gettext as _

from outreach.models import Unit
from outreach.pinyin import initials

MAX_BYTES = 64 * 1024 * 1024  # unpacked: the units of a whole province take 2 MB
MAX_ROWS = 200_000
HEADER_ROWS = 10
ORDER_STEP = 10

Kind = Unit.Kind
COLUMNS = {
    "code": ("代码", "编码", "单位代码", "单位编码", "区划代码", "行政区划代码", "统计代码", "统计用区划代码", "code"),
    "name": ("名称", "单位名称", "区划名称", "单位", "name"),
    "parent": ("上级代码", "上级编码", "上级单位代码", "上级单位编码", "父级代码", "所属代码", "parent"),
    "kind": ("类型", "单位类型", "类别", "单位类别", "级别", "kind", "type"),
}
KINDS = {
    Kind.DISTRICT: ("区县", "县区", "县市区", "县级", "区", "县", "市", "district"),
    Kind.TOWNSHIP: ("镇街", "乡镇街道", "乡镇", "镇", "乡", "街道", "township"),
    Kind.VILLAGE: ("村社区", "村(社区)", "村", "社区", "行政村", "村委会", "居委会", "village"),
    Kind.DEPARTMENT: ("区直部门", "区直单位", "县直部门", "县直单位", "部门", "department"),
}
PARENT_KIND = {Kind.TOWNSHIP: Kind.DISTRICT, Kind.VILLAGE: Kind.TOWNSHIP, Kind.DEPARTMENT: Kind.DISTRICT}

COLUMN_OF_ALIAS = {alias: column for column, aliases in COLUMNS.items() for alias in aliases}
KIND_OF_ALIAS = {alias: kind for kind, aliases in KINDS.items() for alias in aliases}


class UnusableFileError(Exception):
    """The file cannot be read as a list of units at all; the text says what to do."""


@dataclass(frozen=True)
class RowError:
    """What is wrong with one row. `row` is the line of the file as a spreadsheet numbers it; `code` is for programs."""

    row: int
    column: str
    code: str
    message: str

    def __str__(self) -> str:
        return _("Row %(row)s, %(column)s: %(message)s") % vars(self)


@dataclass(frozen=True)
class Row:
    """One row of the file, cleaned."""

    number: int
    code: str
    name: str
    parent: str
    kind: str


@dataclass
class UnitImport:
    """What a file does to the tree. `reordered` counts units that only change their place in the official order."""

    created: list[Unit] = field(default_factory=list)
    updated: list[Unit] = field(default_factory=list)
    reordered: list[Unit] = field(default_factory=list)
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Return the figures of the report."""
        return {
            "created": len(self.created),
            "updated": len(self.updated),
            "reordered": len(self.reordered),
            "unchanged": self.unchanged,
            "errors": len(self.errors),
        }


def in_memory(content: bytes) -> BinaryIO:
    """Return `content` as the open file `read` takes."""
    return io.BytesIO(content)


def read(file: BinaryIO, filename: str) -> list[Row]:
    """Return the rows below the header. Raises UnusableFileError: not such a file, too large, no header."""
    suffixes = [suffix.lower() for suffix in Path(filename).suffixes]
    try:
        if suffixes[-2:] == [".csv", ".gz"]:
            with gzip.open(file) as unpacked:
                table = _csv_table(unpacked.read(MAX_BYTES + 1))
        elif suffixes[-1:] == [".csv"]:
            table = _csv_table(file.read(MAX_BYTES + 1))
        elif suffixes[-1:] == [".xlsx"]:
            table = _workbook_table(file)
        else:
            raise UnusableFileError(_("Only .csv, .csv.gz and .xlsx files can be read."))
    except (OSError, EOFError, zlib.error) as error:
        raise UnusableFileError(_("The file is damaged or not what its name says. Save it again.")) from error
    header_row, header = _find_header(table)
    rows = []
    for number, cells in enumerate(table[header_row:], header_row + 1):
        if any(cells):
            values = {column: cells[header[column]] if header[column] < len(cells) else "" for column in COLUMNS}
            rows.append(Row(number, **values))
    return rows


def _find_header(table: list[list[str]]) -> tuple[int, dict[str | None, int]]:
    """Return how many rows to skip and where each column stands."""
    for number, cells in enumerate(table[:HEADER_ROWS], 1):
        header = {COLUMN_OF_ALIAS.get(cell.lower()): index for index, cell in reversed(list(enumerate(cells)))}
        if header.keys() >= COLUMNS.keys():
            return number, header
    raise UnusableFileError(
        _("No header found in the first %(count)s rows. It must name the columns 代码, 名称, 上级代码, 类型.")
        % {"count": HEADER_ROWS}
    )


def _clean(cell: object) -> str:
    """Full width to half, no outer blanks; a spreadsheet's number (430102001201.0) as its digits."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return unicodedata.normalize("NFKC", str(cell)).strip()


def _csv_table(content: bytes) -> list[list[str]]:
    if len(content) > MAX_BYTES:
        raise UnusableFileError(_("The file is too large for a list of units."))
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise UnusableFileError(_("The file's text is neither UTF-8 nor GB18030. Save it as “CSV UTF-8”."))
    first_line = text.partition("\n")[0]
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in first_line else ",")
        return _limited([_clean(cell) for cell in cells] for cells in reader)
    except csv.Error as error:
        raise UnusableFileError(_("The file is not a proper CSV file. Save it again from the spreadsheet.")) from error


def _workbook_table(file: BinaryIO) -> list[list[str]]:
    content = file.read(MAX_BYTES + 1)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if len(content) > MAX_BYTES or unpacked > 4 * MAX_BYTES:
            raise UnusableFileError(_("The file is too large for a list of units."))
        workbook = python_calamine.load_workbook(io.BytesIO(content))
        sheet = workbook.get_sheet_by_index(0)
        if sheet.total_height > MAX_ROWS + HEADER_ROWS or sheet.total_width > 1000:
            raise UnusableFileError(_("The file is too large for a list of units."))
        return _limited([_clean(cell) for cell in cells] for cells in sheet.to_python(skip_empty_area=False))
    except (zipfile.BadZipFile, python_calamine.CalamineError, IndexError, ValueError) as error:
        raise UnusableFileError(_("The workbook cannot be opened: it is damaged, encrypted or no .xlsx.")) from error


def _limited(rows: Iterable[list[str]]) -> list[list[str]]:
    table = []
    for cells in rows:
        table.append(cells)
        if len(table) > MAX_ROWS + HEADER_ROWS:
            raise UnusableFileError(_("The file is too large for a list of units."))
    return table


def check(rows: list[Row], known: dict[str, str], reach: str = "") -> tuple[list[Row], list[RowError]]:
    """Split rows into good ones (kind as in Unit.Kind) and errors.

    `known` maps the codes already in the database to their kinds; only codes beginning with `reach` may be written.
    """
    good: dict[str, Row] = {}
    errors: list[RowError] = []
    first_row: dict[str, int] = {}
    candidates: list[Row] = []
    for row in rows:
        error = _own_error(row, reach)
        if error is None and row.code in first_row:
            message = _("The code %(code)s stands in row %(row)s already.")
            message %= {"code": row.code, "row": first_row[row.code]}
            error = RowError(row.number, "代码", "duplicate_code", message)
        if error:
            errors.append(error)
        else:
            candidates.append(Row(row.number, row.code, row.name, row.parent, KIND_OF_ALIAS[row.kind.lower()]))
        first_row.setdefault(row.code, row.number)
    # Parents before children, wherever they stand in the file: a parent's code is always the shorter one.
    for row in sorted(candidates, key=lambda row: len(row.code)):
        error = _parent_error(row, good, known, first_row)
        if error:
            errors.append(error)
        else:
            good[row.code] = row
    return [row for row in candidates if good.get(row.code) is row], sorted(errors, key=lambda error: error.row)


def _own_error(row: Row, reach: str) -> RowError | None:
    """What is wrong with a row by itself."""
    if not row.code:
        return RowError(row.number, "代码", "no_code", _("The code is missing."))
    if not row.name:
        return RowError(row.number, "名称", "no_name", _("The name is missing."))
    if len(row.name) > 100 or not row.name.isprintable():
        return RowError(row.number, "名称", "bad_name", _("The name is too long or holds unprintable characters."))
    kind = KIND_OF_ALIAS.get(row.kind.lower())
    if kind is None:
        message = _("“%(kind)s” is not a kind of unit. Use 区县, 镇街, 村社区 or 区直部门.") % {"kind": row.kind[:30]}
        return RowError(row.number, "类型", "unknown_kind", message)
    if not re.match(Unit.CODE_PATTERNS[kind], row.code, re.ASCII):
        shape = {
            Kind.DISTRICT: _("6 digits"),
            Kind.TOWNSHIP: _("9 digits"),
            Kind.VILLAGE: _("12 digits"),
            Kind.DEPARTMENT: _("6 digits, a D and two or four digits"),
        }[kind]
        message = _("The code of a unit of the kind “%(kind)s” must be %(shape)s; this is “%(code)s”.")
        message %= {"kind": row.kind, "shape": shape, "code": row.code[:30]}
        return RowError(row.number, "代码", "code_length", message)
    if not row.code.startswith(reach):
        return RowError(row.number, "代码", "outside_reach", _("This unit does not belong to your district."))
    return None


def _parent_error(row: Row, good: dict[str, Row], known: dict[str, str], first_row: dict[str, int]) -> RowError | None:
    """What is wrong between a row and its parent."""
    parent_kind = PARENT_KIND.get(Kind(row.kind))
    if parent_kind is None:
        if row.parent:
            return RowError(
                row.number, "上级代码", "parent_kind", _("A district has no parent unit here. Leave it empty.")
            )
        return None
    if not row.parent:
        return RowError(row.number, "上级代码", "no_parent", _("The parent's code is missing."))
    kind = good[row.parent].kind if row.parent in good else known.get(row.parent)
    if kind is None and row.parent in first_row:
        message = _("The parent %(code)s is itself wrong; see row %(row)s.")
        message %= {"code": row.parent[:30], "row": first_row[row.parent]}
        return RowError(row.number, "上级代码", "parent_wrong", message)
    if kind is None:
        message = _("There is no unit with the code %(code)s, neither here nor in the file.") % {
            "code": row.parent[:30]
        }
        return RowError(row.number, "上级代码", "unknown_parent", message)
    if kind != parent_kind:
        message = _("A unit of this kind belongs under “%(wanted)s”, not under “%(kind)s”.")
        message %= {"wanted": parent_kind.label, "kind": Kind(kind).label}
        return RowError(row.number, "上级代码", "parent_kind", message)
    if not row.code.startswith(row.parent):
        message = _("The code must begin with the parent's code %(code)s.") % {"code": row.parent}
        return RowError(row.number, "上级代码", "parent_prefix", message)
    return None


def plan(rows: list[Row], reach: str = "") -> UnitImport:
    """Compare the rows with the database and say what they would change. Writes nothing."""
    existing = {unit.code: unit for unit in Unit.objects.all()}
    good, errors = check(rows, {code: unit.kind for code, unit in existing.items()}, reach)
    result = UnitImport(errors=errors)
    orders = _orders(
        [existing.get(row.code) for row in good], max((u.sort_order for u in existing.values()), default=0)
    )
    units: dict[str, Unit] = dict(existing)
    for row in good:
        if row.code not in units:
            units[row.code] = Unit(code=row.code, name=row.name, kind=row.kind, pinyin=initials(row.name)[:100])
    for row, order in zip(good, orders, strict=True):
        unit = units[row.code]
        is_new, is_renamed, is_moved = row.code not in existing, unit.name != row.name, unit.sort_order != order
        unit.sort_order = order
        if is_new:
            unit.parent = units.get(row.parent)
            result.created.append(unit)
        elif is_renamed:
            unit.name, unit.pinyin = row.name, initials(row.name)[:100]
            result.updated.append(unit)
        elif is_moved:
            result.reordered.append(unit)
        else:
            result.unchanged += 1
    return result


def _orders(units: list[Unit | None], last: int) -> list[int]:
    """Return the official order of each unit of the file (None: a new one), `last` being the highest in use.

    The numbers the file's units have are dealt out again in the file's order, with fresh ones for the new units: so
    the same file changes nothing, units added at its end disturb nobody, and units not in the file keep their place.
    """
    pool = sorted(unit.sort_order for unit in units if unit)
    if len(set(pool)) < len(pool):  # ties would fall back to the code's order
        pool = []
    fresh = range(last + ORDER_STEP, last + ORDER_STEP * (len(units) - len(pool)) + 1, ORDER_STEP)
    return [*pool, *fresh]


def upsert(result: UnitImport) -> None:
    """Write what `plan` found in one statement. The caller holds the transaction and the lock against a second one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('outreach_unit', 'id')) FROM generate_series(1, %s)",
            [len(result.created)],
        )
        for unit, (pk,) in zip(result.created, cursor.fetchall(), strict=True):
            unit.pk = pk
    for unit in result.created:
        unit.parent = unit.parent  # a parent made in the same file has its id only now
    Unit.objects.bulk_create(
        [*result.created, *result.updated, *result.reordered],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name", "pinyin", "sort_order"],
    )
