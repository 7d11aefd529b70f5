"""The child process that opens a workbook: parsing is done where running out of memory costs nothing but the file.

calamine allocates the whole rectangle a sheet claims to use; two cells at opposite corners make it ask for 400 GB, and
Rust answers a refused allocation by ending the process. So nothing but this file, the standard library and calamine
runs here, under limits on memory and time, and the parent reads frames from a pipe:

    4 bytes length, then marshal of one of
    ("sheet", name, hidden, merged ranges as (first row, first column, last row, last column), 0-based)
    ("rows", [row numbers, 1-based], [rows])     a cell is str, float, int or bool; blank rows are left out
    ("notice", code)
    ("error", code)                              the last frame, where the file cannot be used
    ("end",)                                     the last frame of a file read to its end
"""

from __future__ import annotations

import codecs
import csv
import datetime
import gc
import io
import marshal
import re
import resource
import sys
import threading
import zipfile
from collections.abc import Iterable
from typing import Any
from xml.parsers import expat

MAX_MEMORY = 1024 * 1024 * 1024
MAX_SECONDS = 120
MAX_UNPACKED = 512 * 1024 * 1024
MAX_ENTRIES = 2_000
# A roster packs 10 to 30 times; an entry that packs better than this and is big holds nothing but repetition.
MAX_RATIO = 100
RATIO_MATTERS_FROM = 10 * 1024 * 1024
MAX_ROWS = 200_000
MAX_COLUMNS = 200
MAX_MERGED = 500_000
BATCH = 2_000

Cell = str | float | int | bool


class Unusable(Exception):
    """The file cannot be used; the argument is the code the parent has a sentence for."""


def send(*frame: Any) -> None:
    """Write one frame."""
    data = marshal.dumps(frame, 2)
    sys.stdout.buffer.write(len(data).to_bytes(4, "big"))
    sys.stdout.buffer.write(data)


class Rows:
    """Collects a sheet's rows into batches, leaving blank ones out, and counts over all sheets."""

    def __init__(self) -> None:
        self.total = 0
        self.numbers: list[int] = []
        self.rows: list[list[Cell]] = []

    def add(self, number: int, row: list[Cell]) -> None:
        """Take row `number`; raises Unusable past the limits."""
        for cell in row:
            if cell and (cell.__class__ is not str or not cell.isspace()):
                break
        else:
            return
        self.total += 1
        if self.total > MAX_ROWS:
            raise Unusable("too_many_rows")
        self.numbers.append(number)
        self.rows.append(row)
        if len(self.rows) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Send what is waiting."""
        if self.rows:
            send("rows", self.numbers, self.rows)
            self.numbers, self.rows = [], []


def plain(value: object) -> Cell:
    """Turn what marshal cannot carry into text: dates as 1990-01-31."""
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


# --- packed formats: look before parsing -----------------------------------------------------------------------------


def guard_archive(archive: zipfile.ZipFile) -> None:
    """Raise Unusable where what the archive declares is out of all proportion."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Unusable("zip_bomb")
    for entry in entries:
        if entry.flag_bits & 1:
            raise Unusable("encrypted")
        if entry.file_size > RATIO_MATTERS_FROM and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise Unusable("zip_bomb")


def read_through(archive: zipfile.ZipFile) -> set[str]:
    """Unpack every XML part once without keeping it, so that a wrong size or checksum shows before calamine starts.

    Returns the names of the sheets' parts that hold formulas.
    """
    formulas = set()
    total = 0
    for entry in archive.infolist():
        if not entry.filename.endswith((".xml", ".rels")):
            continue
        is_sheet = entry.filename.startswith("xl/worksheets/")
        tail = b""
        with archive.open(entry) as part:
            while chunk := part.read(1 << 18):
                total += len(chunk)
                if total > MAX_UNPACKED:
                    raise Unusable("zip_bomb")
                if is_sheet:
                    if b"<f>" in chunk or b"<f " in chunk or b"<f" in tail + chunk[:3]:
                        formulas.add(entry.filename)
                    tail = chunk[-2:]
    return formulas


class Scan(threading.Thread):
    """`read_through` beside the parsing; nothing is sent before its result is in."""

    def __init__(self, path: str) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.found: set[str] = set()
        self.problem: Exception | None = None

    def run(self) -> None:
        try:
            with zipfile.ZipFile(self.path) as archive:
                self.found = read_through(archive)
        except Exception as problem:  # handed on by result()
            self.problem = problem

    def result(self) -> set[str]:
        """Return the parts with formulas. Raises what `read_through` raised."""
        self.join()
        if self.problem is not None:
            raise self.problem
        return self.found


def sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return sheet name → part name, from the workbook's own list."""
    names: dict[str, str] = {}
    targets: dict[str, str] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rsplit(":", 1)[-1]
        if tag == "sheet":
            relation = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            names[attributes.get("name", "")] = relation
        elif tag == "Relationship":
            target = attributes.get("Target", "")
            targets[attributes.get("Id", "")] = target.lstrip("/") if target.startswith("/") else "xl/" + target

    for part in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
        parser = expat.ParserCreate()
        parser.StartElementHandler = start
        parser.Parse(archive.read(part), True)
    return {name: targets.get(relation, "") for name, relation in names.items()}


def unsaved_formulas(archive: zipfile.ZipFile, part: str) -> dict[int, dict[int, str]]:
    """Return row → column, both 0-based → "=formula" for the cells whose formula was saved without its result.

    calamine reads such a cell as blank; a name or ID number would be silently missing.
    """
    found: dict[int, dict[int, str]] = {}
    state = {"at": "", "formula": "", "inside": "", "has_formula": False, "has_value": False}

    def start(tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rsplit(":", 1)[-1]
        if tag == "c":
            state.update(at=attributes.get("r", ""), formula="", has_formula=False, has_value=False)
        elif tag == "f":
            state.update(has_formula=True, inside="f")
        elif tag == "v":
            state["inside"] = "v"

    def end(tag: str) -> None:
        tag = tag.rsplit(":", 1)[-1]
        if tag in ("f", "v"):
            state["inside"] = ""
        elif tag == "c" and state["has_formula"] and not state["has_value"]:
            position = re.fullmatch(r"([A-Z]{1,3})(\d{1,7})", str(state["at"]))
            if position:
                column = 0
                for letter in position[1]:
                    column = column * 26 + ord(letter) - 64
                if column <= MAX_COLUMNS:
                    found.setdefault(int(position[2]) - 1, {})[column - 1] = "=" + str(state["formula"])[:100]
                if len(found) > MAX_ROWS:
                    raise Unusable("too_many_rows")

    def text(data: str) -> None:
        if state["inside"] == "f":
            state["formula"] = str(state["formula"]) + data[:100]
        elif state["inside"] == "v" and data.strip():
            state["has_value"] = True

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    with archive.open(part) as source:
        while chunk := source.read(1 << 18):
            parser.Parse(chunk)
    parser.Parse(b"", True)
    return found


def guard_ods(archive: zipfile.ZipFile) -> None:
    """Raise Unusable for an encrypted document, or repeats that unfold to a sheet nobody typed.

    A spreadsheet saved by LibreOffice ends in one blank row repeated a million times, which calamine skips; a repeated
    row with content is written out that many times.
    """
    manifest = archive.read("META-INF/manifest.xml") if "META-INF/manifest.xml" in archive.namelist() else b""
    if b"encryption-data" in manifest:
        raise Unusable("encrypted")


# --- the three kinds of source ---------------------------------------------------------------------------------------


def read_workbook(path: str, kind: str) -> None:
    """Send every sheet of an .xlsx, .xls or .ods."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

    archive = None
    with_formulas: set[str] = set()
    parts: dict[str, str] = {}
    if kind in ("xlsx", "ods"):
        archive = zipfile.ZipFile(path)
        guard_archive(archive)
        if kind == "xlsx":
            if any(name.startswith("xl/externalLinks/") for name in archive.namelist()):
                send("notice", "external_links")
        else:
            guard_ods(archive)
        # zlib and calamine both let go of the interpreter: the look at the whole archive costs no time of its own
        scan = Scan(path)
        scan.start()
    try:
        with open(path, "rb") as file:
            book = CalamineWorkbook.from_filelike(file)
        rows = Rows()
        for position, about in enumerate(book.sheets_metadata):
            if about.typ != SheetTypeEnum.WorkSheet:
                continue
            if about.visible != SheetVisibleEnum.Visible:
                send("sheet", about.name, True, [])
                continue
            sheet = book.get_sheet_by_index(position)
            first_column = sheet.start[1] if sheet.start else 0
            if first_column + sheet.width > MAX_COLUMNS:
                raise Unusable("too_many_columns")
            merged = sheet.merged_cell_ranges or []
            if len(merged) > MAX_MERGED:
                raise Unusable("area_too_large")
            if archive is not None and not parts:
                with_formulas = scan.result()
                parts = sheet_parts(archive) if kind == "xlsx" else {"": ""}
            send("sheet", about.name, False, [(*start, *end) for start, end in merged])
            formulas = {}
            part = parts.get(about.name, "")
            if archive is not None and part in with_formulas:
                formulas = unsaved_formulas(archive, part)
            send_sheet(rows, sheet.iter_rows(), first_column, formulas)
            rows.flush()
    except PasswordError:
        raise Unusable("encrypted") from None
    except CalamineError:
        raise Unusable("damaged") from None


def send_sheet(rows: Rows, source: Iterable[list[Any]], first_column: int, formulas: dict[int, dict[int, str]]) -> None:
    """Send one sheet's rows, each padded on the left so that cell i stands in column i.

    calamine begins at the first row of the sheet but at the first column in use.
    """
    padding: list[object] = [""] * first_column
    simple = (str, float, int, bool)
    for number, row in enumerate(source):
        cells = padding + row if padding else row
        for value in cells:
            if value.__class__ not in simple:
                cells = [cell if cell.__class__ in simple else plain(cell) for cell in cells]
                break
        if formulas:
            put_formulas(cells, formulas.pop(number, {}))
        rows.add(number + 1, cells)  # type: ignore[arg-type]
    for number in sorted(formulas):  # below the last cell with a value
        cells = []
        put_formulas(cells, formulas[number])
        rows.add(number + 1, cells)  # type: ignore[arg-type]


def put_formulas(cells: list[object], formulas: dict[int, str]) -> None:
    """Write each formula into its blank cell, as the text somebody would see when editing it."""
    for column, formula in formulas.items():
        cells += [""] * (column + 1 - len(cells))
        cells[column] = cells[column] or formula


def decode(data: bytes) -> str:
    """Return the text of a .csv: UTF-8 with or without mark, UTF-16 with mark, else GB 18030."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif b"\0" in data:
        raise Unusable("unknown_format")
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unusable("unreadable_encoding")


def separator(text: str) -> str:
    """Return the separator that the first lines use most."""
    head = "\n".join(text[:20_000].splitlines()[:20])
    return max(",\t;", key=head.count)


def read_csv(path: str) -> None:
    """Send the one sheet of a .csv."""
    with open(path, "rb") as file:
        text = decode(file.read())
    csv.field_size_limit(20_000)
    rows = Rows()
    send("sheet", "CSV", False, [])
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator(text)), 1):
            if len(row) > MAX_COLUMNS:
                raise Unusable("too_many_columns")
            rows.add(number, row)  # type: ignore[arg-type]
    except csv.Error:
        raise Unusable("damaged") from None
    rows.flush()


def main(path: str, kind: str) -> None:
    """Send the whole file; ends with an "end" or an "error" frame."""
    gc.disable()  # it would look through hundreds of thousands of cells again and again; the process is short
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        if kind == "csv":
            read_csv(path)
        else:
            read_workbook(path, kind)
    except Unusable as problem:
        send("error", str(problem))
    except MemoryError:
        send("error", "area_too_large")
    except (zipfile.BadZipFile, zipfile.LargeZipFile, expat.ExpatError, EOFError, OSError, KeyError, ValueError):
        send("error", "damaged")
    except (NotImplementedError, RuntimeError):  # zipfile: an unknown compression, or a password
        send("error", "damaged")
    else:
        send("end")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
