"""A ledger that comes back as a workbook: read within bounds, compared with what stands now, row by row.

A row is known by the hidden key alone (number/version), wherever it was sorted to. Nothing is written here.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from households.roster.files import decrypt_to
from households.roster.read import open_workbook
from households.roster.reader import Cell
from issues import columns, workflow
from issues.actions import EDITS, MAX_TEXT
from issues.columns import Reading
from issues.exports import FORMULA_START, KEY_TITLE, category_paths
from issues.models import Issue, LedgerUpload, Solvability
from outreach.models import User

MAX_ROWS = 5_000
MAX_FILE = 10 * 1024 * 1024
HEADER_WITHIN = 10
KEY = re.compile(r"(\S{1,20})/([0-9]{1,9})")
# What may come back changed; everything else in the file is for reading only.
FIELDS = ("category", "urgent", "solvability", "progress")
SPACES = re.compile(r"\s+")


class NotALedgerError(Exception):
    """The file is no ledger of ours; the message says what to do."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a cell, as households.exports.marked_workbook writes it into the user's own file."""

    sheet: str
    row: int
    column: str
    message: str
    suggestion: str
    column_index: int = -1


@dataclass(frozen=True)
class Line:
    """A row of the file that names an issue: its key and the cells of FIELDS, by field, with their columns."""

    sheet: str
    row: int
    number: str
    version: int
    cells: dict[str, tuple[int, str]]


@dataclass
class Row:
    """What a line would change, or why it may not; kept as JSON in LedgerUpload.rows."""

    line: Line
    pk: int = 0
    version: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    changes: list[dict[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def kept(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "sheet": self.line.sheet,
            "row": self.line.row,
            "number": self.line.number,
            "pk": self.pk,
            "version": self.version,
            "values": {} if self.faults else self.values,
            "changes": self.changes,
            "faults": [vars(fault) for fault in self.faults],
        }


@contextmanager
def plain_copy(upload: LedgerUpload) -> Iterator[Path]:
    """Give the path of a decrypted copy of the upload's file, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ledger-") as folder:
        path = Path(folder) / ("ledger" + Path(upload.filename).suffix.lower()[:6])
        with upload.file.open("rb") as source, path.open("wb") as target:
            decrypt_to(source, target)
        yield path


def read(path: Path, filename: str) -> tuple[list[Line], dict[str, int]]:
    """Return the file's lines, and sheet name → header row.

    Raises UnusableFile where it cannot be opened, NotALedgerError where no sheet has the hidden key or it is too long.
    """
    lines: list[Line] = []
    headers: dict[str, int] = {}
    titles = known_titles()
    with open_workbook(path, filename) as book:
        for sheet in book:
            if sheet.hidden:
                continue
            at: dict[str, int] = {}
            key_at = -1
            for number, cells in sheet.rows:
                if key_at < 0:
                    if number > HEADER_WITHIN:
                        break
                    texts = [text_of(cell) for cell in cells]
                    if KEY_TITLE in texts:
                        key_at, headers[sheet.name] = texts.index(KEY_TITLE), number
                        at = {titles[text]: index for index, text in enumerate(texts) if text in titles}
                    continue
                key = KEY.fullmatch(text_of(cells[key_at])) if key_at < len(cells) else None
                if key is None:
                    continue
                given = {name: (i, text_of(cells[i]) if i < len(cells) else "") for name, i in at.items()}
                lines.append(Line(sheet.name, number, key[1], int(key[2]), given))
                if len(lines) > MAX_ROWS:
                    raise NotALedgerError(
                        _("More than %(count)d rows: export a narrower ledger and edit that.") % {"count": MAX_ROWS}
                    )
    if not headers:
        raise NotALedgerError(
            _("This is no ledger exported here: the hidden column KEY is missing. Export the ledger and edit that.")
        )
    return lines, headers


def known_titles() -> dict[str, str]:
    """The titles of the columns that may come back changed, in both languages."""
    titles: dict[str, str] = {}
    for language in ("zh-hans", "en"):
        with override(language):
            titles |= {str(columns.BY_KEY[name].label): name for name in FIELDS}
    return titles


def text_of(cell: Cell) -> str:
    """The text of a cell as it was exported: without the sign before what looked like a formula."""
    text = str(cell).replace("\x00", "").strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_START) else text


def compare(lines: list[Line], user: User) -> list[Row]:
    """Return the rows that would change something or are refused. Costs the same queries whatever the number of lines:
    the issues and the categories are loaded at once."""
    numbers = {line.number for line in lines}
    issues = Issue.objects.visible_to(user).filter(number__in=numbers).with_names()
    loaded = columns.load_progress(issues).select_related("done_by_unit")
    found = {issue.number: issue for issue in loaded}
    paths = {SPACES.sub("", path).replace("/", "／"): pk for path, pk in category_paths()}
    reading = Reading(user=user, today=timezone.localdate())
    seen: set[str] = set()
    rows = []
    for line in lines:
        row = Row(line)
        issue = found.get(line.number)
        if line.number in seen:
            refuse(row, "", _("The issue stands in this file twice."), _("Delete one of the two rows."))
        elif issue is None:
            refuse(row, "", _("There is no issue of this number that you may see."), _("Delete the row, or leave it."))
        else:
            judge(row, issue, paths, reading)
        seen.add(line.number)
        if row.changes or row.faults:
            rows.append(row)
    return rows


def judge(row: Row, issue: Issue, paths: Mapping[str, int], reading: Reading) -> None:
    """Fill in what the row changes of `issue`, and what is refused."""
    row.pk, row.version = issue.pk, issue.version
    yes = {SPACES.sub("", word) for word in YES}
    labels = solvability_labels()
    for name, (_index, text) in row.line.cells.items():
        before = columns.BY_KEY[name].value(issue, reading)
        if text == before or SPACES.sub("", text) == SPACES.sub("", before):
            continue
        value: Any = text
        if name == "category":
            if not text:
                continue
            value = paths.get(SPACES.sub("", text).replace("/", "／"))
            if value is None:
                refuse(row, name, _("There is no such category."), _("Choose one from the list in the cell."))
                continue
        elif name == "urgent":
            value = text.lower() in yes
            if not value and text.lower() not in NO:
                refuse(row, name, _("Only yes or no can stand here."), _("Write 是 or leave the cell empty."))
                continue
            if value == issue.is_urgent:
                continue
        elif name == "solvability":
            value = labels.get(text)
            if value is None:
                refuse(row, name, _("There is no such choice."), _("Choose one from the list in the cell."))
                continue
        elif not text:
            continue
        elif len(text) > MAX_TEXT:
            refuse(row, name, _("The text is too long."), _("Shorten it."))
            continue
        step = workflow.BY_NAME["progress"] if name == "progress" else EDITS[FIELD_NAMES[name]]
        if refusal := issue.refusal(step, reading.user):
            refuse(
                row, name, str(refusal.label), _("Put back what stood there: %(before)s") % {"before": before or "—"}
            )
            continue
        row.values[FIELD_NAMES[name]] = value
        row.changes.append({"label": str(columns.BY_KEY[name].label), "before": before, "after": text})
    if row.changes and row.line.version != issue.version:
        refuse(
            row,
            "",
            _("Somebody changed the issue after this ledger was exported."),
            _("Export it again and make the change there."),
        )


# column → field of edit_issue, or the note of a step of progress
FIELD_NAMES = {"category": "category", "urgent": "is_urgent", "solvability": "solvability", "progress": "progress"}
YES = ("是", "yes", "y", "1", "true", "√")
NO = ("", "否", "no", "n", "0", "false", "×")


def solvability_labels() -> dict[str, str]:
    """Label → value, in both languages; an empty cell means not judged."""
    labels = {"": ""}
    for language in ("zh-hans", "en"):
        with override(language):
            labels |= {str(label): value for value, label in Solvability.choices}
    return labels


def refuse(row: Row, name: str, message: str, advice: str) -> None:
    """Write down why a cell, or with an empty name the whole row, is refused."""
    index = row.line.cells[name][0] if name else -1
    label = str(columns.BY_KEY[name].label) if name else ""
    row.faults.append(Fault(row.line.sheet, row.line.row, label, message, advice, index))
