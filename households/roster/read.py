"""Open a roster file whatever it is: tell its kind by its content, and have the child process read it within bounds."""

from __future__ import annotations

import marshal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from households.roster.reader import Cell

MAX_FILE = 50 * 1024 * 1024
ACCEPTED = (".xlsx", ".xls", ".csv", ".ods")

MESSAGES: dict[str, str | Promise] = {
    "empty": _("The file is empty. Choose the file that holds the roster."),
    "too_large": _("The file is larger than 50 MB. Split it by township or village, or delete pictures from it."),
    "unknown_format": _("This is not a spreadsheet. Save the roster as .xlsx, .xls, .ods or .csv and upload it again."),
    "html_file": _(
        "This is a web page that only carries a spreadsheet's name. Open it in Excel or WPS, choose “Save as” .xlsx, "
        "and upload that file."
    ),
    "xlsb": _("Binary workbooks (.xlsb) are not read. Save the file as .xlsx and upload it again."),
    "macros": _(
        "The workbook contains macros, which are never run here. Save it as .xlsx (without macros) and upload it again."
    ),
    "encrypted": _("The file is protected by a password. Remove the password, save it, and upload it again."),
    "damaged": _("The file is damaged or incomplete. Open it in Excel or WPS, save it again, and upload the new file."),
    "zip_bomb": _(
        "The file unpacks to an unreasonable size and was not opened. Copy the roster into a new workbook and upload "
        "that."
    ),
    "area_too_large": _(
        "The sheet's used area is too large: something stands far below or far to the right of the roster. Delete the "
        "empty rows and columns around it, save, and upload it again."
    ),
    "too_many_rows": _("The file has more than 200 000 rows. Split it by township or village."),
    "too_many_columns": _(
        "The sheet uses more than 200 columns. Delete what stands to the right of the roster, save, and upload it "
        "again."
    ),
    "unreadable_encoding": _(
        "The text of the .csv file cannot be read. Save it as “CSV UTF-8”, or as .xlsx, and upload it again."
    ),
    "too_slow": _("Reading the file took too long. Copy the roster into a new workbook and upload that."),
    "no_roster": _(
        "No roster was found: within the first 10 rows of a visible sheet there must be a header row with at least a "
        "name column (姓名 or 户主姓名) and one more column such as 与户主关系, 身份证号 or 家庭住址."
    ),
}

# why an import stands where it stands, other than by its file
FAILURES: dict[str, str | Promise] = {
    **MESSAGES,
    "program_error": _(
        "The program failed and nothing was written. Try again; if it fails again, tell the administrator."
    ),
    "roster_changed": _("The roster changed since the check. Look at the new preview and import again."),
}

NOTICES: dict[str, str | Promise] = {
    "external_links": _("The workbook refers to other files. They were not opened; the values saved in it were read."),
    "wrong_extension": _("The file's ending does not match its content. It was read by its content."),
}


class UnusableFile(Exception):
    """The file as a whole cannot be used. `code` is a key of MESSAGES, whose sentence says what to do."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def message(self) -> str:
        """The sentence for people, in the current language."""
        return str(MESSAGES[self.code])


def kind_of(path: Path) -> str:
    """Return "xlsx", "xls", "ods" or "csv" by the file's content. Raises UnusableFile for anything else."""
    size = path.stat().st_size
    if size == 0:
        raise UnusableFile("empty")
    if size > MAX_FILE:
        raise UnusableFile("too_large")
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"PK"):
        return _packed_kind(path)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _compound_kind(path)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<html", b"<!doctype html", b"<table", b"<meta", b"<?xml", b"<style", b"mime-version")):
        raise UnusableFile("html_file")
    binary = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"{\\rtf", b"MZ")
    if head.startswith(binary):
        raise UnusableFile("unknown_format")
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnusableFile("unknown_format")
    return "csv"


def _packed_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                mimetype = archive.read("mimetype")
                if mimetype.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
                    return "ods"
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError):
        raise UnusableFile("damaged") from None
    if any(name.endswith("vbaProject.bin") for name in names):
        raise UnusableFile("macros")
    if "xl/workbook.bin" in names:
        raise UnusableFile("xlsb")
    if "xl/workbook.xml" in names:
        return "xlsx"
    raise UnusableFile("unknown_format")


def _compound_kind(path: Path) -> str:
    """Look for the streams' names, UTF-16, in an OLE file: a password-protected .xlsx is one too."""
    content = path.read_bytes()

    def holds(name: str) -> bool:
        return name.encode("utf-16-le") in content

    if holds("EncryptedPackage"):
        raise UnusableFile("encrypted")
    if holds("_VBA_PROJECT"):
        raise UnusableFile("macros")
    if holds("Workbook") or holds("Book"):
        return "xls"
    raise UnusableFile("unknown_format")


@dataclass
class Sheet:
    """One sheet; `rows` yields (row number from 1, cells) once, blank rows left out, and must be used in order."""

    name: str
    hidden: bool
    merged: list[tuple[int, int, int, int]]
    rows: Iterator[tuple[int, list[Cell]]]


@dataclass
class Workbook:
    """An open file: iterate over it once to get its sheets in order. Use as a context manager."""

    path: Path
    kind: str
    notices: list[str] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None
    _next: tuple[Any, ...] | None = None

    def __enter__(self) -> Workbook:
        reader = Path(__file__).with_name("reader.py")
        # -I: neither the environment nor the working directory may add code; the errors could quote cells
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(reader), str(self.path), self.kind],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process and self._process.stdout
        self._process.kill()
        self._process.stdout.close()
        self._process.wait()

    def __iter__(self) -> Iterator[Sheet]:
        frame = self._read()
        while frame[0] != "end":
            if frame[0] == "sheet":
                _kind, name, hidden, merged = frame
                sheet = Sheet(name, hidden, merged, self._rows())
                yield sheet
                for _unread in sheet.rows:
                    pass
                frame = self._next or self._read()
                self._next = None
            else:
                frame = self._read()

    def _rows(self) -> Iterator[tuple[int, list[Cell]]]:
        while True:
            frame = self._read()
            if frame[0] != "rows":
                self._next = frame
                return
            yield from zip(frame[1], frame[2], strict=True)

    def _read(self) -> tuple[Any, ...]:
        """Return the next frame that is no notice. Raises UnusableFile where the child says so or dies."""
        assert self._process and self._process.stdout
        while True:
            length = self._process.stdout.read(4)
            if len(length) < 4:
                raise UnusableFile(self._cause_of_death())
            frame = marshal.loads(_exactly(self._process.stdout, int.from_bytes(length, "big")))
            if frame[0] == "error":
                raise UnusableFile(frame[1] if frame[1] in MESSAGES else "damaged")
            if frame[0] != "notice":
                return frame
            self.notices.append(frame[1])

    def _cause_of_death(self) -> str:
        assert self._process
        code = self._process.wait()
        if code in (-24, -9):  # SIGXCPU, or SIGKILL at the hard limit
            return "too_slow"
        # Rust ends the process by SIGABRT when memory is refused; a panic leaves by exit code 1
        return "area_too_large" if code == -6 else "damaged"


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise UnusableFile("damaged")
    return data


def open_workbook(path: Path, filename: str = "") -> Workbook:
    """Return the workbook at `path`, to be used in a with statement; `filename` is the name its owner gave it.

    Raises UnusableFile at once where the kind is wrong, and while iterating where the content is.
    """
    kind = kind_of(path)
    book = Workbook(path, kind)
    suffix = Path(filename or path.name).suffix.lower()
    if suffix != f".{kind}":
        book.notices.append("wrong_extension")
    return book
