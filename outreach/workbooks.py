"""What workbooks have in common: a look at one before anything parses it, and how one of ours is printed."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

MAX_UNPACKED = 60 * 1024 * 1024
MAX_CELLS = 400_000
# two cells at opposite corners make calamine ask for the whole rectangle between them
CELL_REFERENCE = re.compile(rb'r="([A-Z]{1,3})(\d{1,7})"')


class OversizedError(ValueError):
    """The workbook unfolds out of all proportion. `part`: the sheet whose area is too large, or "" for the whole."""

    def __init__(self, part: str = "") -> None:
        super().__init__(part or "the whole workbook")
        self.part = part


def guard(content: bytes) -> None:
    """Raise OversizedError for a workbook that would take too much to open, zipfile.BadZipFile for no workbook at all.

    For files small enough to be read within a request; rosters are read by a process of their own.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
            raise OversizedError
        for entry in archive.infolist():
            if entry.filename.startswith("xl/worksheets/") and _area(archive.read(entry)) > MAX_CELLS:
                raise OversizedError(entry.filename)


def _area(sheet: bytes) -> int:
    widest = tallest = 0
    for letters, digits in CELL_REFERENCE.findall(sheet):
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        widest, tallest = max(widest, column), max(tallest, int(digits))
    return widest * tallest


def print_landscape(sheet: Any, *, head: int) -> None:
    """Let a sheet (openpyxl) print as townships keep their ledgers: A4 across, as wide as the paper, the row `head`
    again on every page."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = f"{head}:{head}"
