"""Rosters made up for tests: workbooks cell by cell, and files nobody should be able to open."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from households.roster.id_numbers import check_character

DATA = Path(__file__).resolve().parent.parent / "data"
TITLES = ["村（社区）", "组别", "户编号", "姓名", "与户主关系", "身份证号", "联系电话", "家庭住址", "家庭类别"]


def id_number(n: int, *, born: str = "19800101") -> str:
    """The n-th invented ID number (area 439900) for a day of birth; never one that ends in 000."""
    first = f"439900{born}{n % 999 + 1:03}"
    return first + check_character(first)


def person(
    n: int,
    name: str,
    relation: str = "户主",
    *,
    number: str = "1",
    village: str = "石桥村",
    group: str = "1组",
    phone: str = "",
    address: str = "1号",
    category: str = "一般户",
    born: str = "19800101",
) -> list[Any]:
    """One row under TITLES; n = 0 leaves the ID number blank."""
    identity = id_number(n, born=born) if n else ""
    return [village, group, number, name, relation, identity, phone, address, category]


def workbook(
    *sheets: tuple[str, Sequence[Sequence[Any]]], merged: Iterable[str] = (), hidden: Iterable[str] = ()
) -> bytes:
    """An .xlsx with these sheets; `merged` are ranges of the first."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        if name in hidden:
            sheet.sheet_state = "hidden"
    for cells in merged:
        book.worksheets[0].merge_cells(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def roster(*people: Sequence[Any]) -> bytes:
    """An .xlsx with one sheet: TITLES and these rows."""
    return workbook(("花名册", [TITLES, *people]))


CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/%s" Target="%s"/></Relationships>'
)
BOOK = (
    '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    f'xmlns:r="{OFFICE}"><sheets><sheet name="花名册" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
)


def raw_workbook(path: Path, rows: Iterable[str], **more: bytes) -> Path:
    """Write an .xlsx whose sheet is this XML, piece by piece; `more` are further parts, __ for / and _ for dots."""
    start, end = SHEET.split("%s")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("_rels/.rels", RELATIONS % ("officeDocument", "xl/workbook.xml"))
        archive.writestr("xl/workbook.xml", BOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS % ("worksheet", "worksheets/sheet1.xml"))
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            part.write(start.encode())
            for piece in rows:
                part.write(piece.encode())
            part.write(end.encode())
        for name, content in more.items():
            archive.writestr(name.replace("__", "/"), content)
    return path


def cell(at: str, text: str) -> str:
    """One text cell of a raw sheet."""
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'
