"""Reading a table of who visits which household, row by row, with what is wrong in each."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from households.roster.read import UnusableFile, open_workbook
from outreach.models import Unit
from visits.actions import Selection
from visits.forms import StaffFinder

MAX_BYTES = 20 * 1024 * 1024
MAX_HEADER_ROW = 10
# The words that head the columns, as townships write them.
ALIASES = {
    "number": ("户编号", "户号", "家庭编号", "household number"),
    "village": ("村", "社区", "村（社区）", "村(社区)", "行政村", "所属村", "village"),
    "visitor": ("走访干部", "走访人", "责任人", "包户干部", "联户干部", "visitor"),
    "staff_number": ("工号", "走访干部工号", "staff number"),
}


@dataclass(frozen=True)
class RowError:
    """What is wrong with a row, in words for who wrote it."""

    row: int
    text: str
    message: str


@dataclass
class Table:
    """The table read: (household id, user id) for each good row, and the errors."""

    rows: list[tuple[int, int]] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def read_table(upload: UploadedFile, selection: Selection) -> Table:
    """Match the upload's rows with the selection's households and the people who may visit them.

    Raises ValidationError where the file as a whole cannot be used. Reads hostile files in the roster's guarded child
    process. Costs the same number of queries whatever the size.
    """
    if upload.size is None or upload.size > MAX_BYTES:
        raise ValidationError(_("The table is larger than 20 MB."))
    with tempfile.NamedTemporaryFile(suffix=Path(upload.name or "").suffix[:10]) as copy:
        for chunk in upload.chunks():
            copy.write(chunk)
        copy.flush()
        try:
            lines = _lines(Path(copy.name), upload.name or "")
        except UnusableFile as error:
            raise ValidationError(error.message) from error
    if not lines:
        raise ValidationError(
            _(
                "No table was found. The first rows must name the columns 户编号 and 走访干部 or 工号 "
                "(and 村 where numbers repeat)."
            )
        )
    return _match(lines, selection)


def _lines(path: Path, filename: str) -> list[tuple[int, dict[str, str]]]:
    """The rows below the header of the first sheet that has one, each as column → text."""
    with open_workbook(path, filename) as book:
        for sheet in book:
            columns: dict[str, int] = {}
            lines = []
            for number, cells in sheet.rows:
                texts = [_text(cell) for cell in cells]
                if not columns:
                    found = _columns(texts) if number <= MAX_HEADER_ROW else {}
                    columns = found if "number" in found and {"visitor", "staff_number"} & found.keys() else {}
                    continue
                line = {name: texts[index] if index < len(texts) else "" for name, index in columns.items()}
                if any(line.values()):
                    lines.append((number, line))
            if lines and not sheet.hidden:
                return lines
    return []


def _columns(texts: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, text in enumerate(texts):
        for name, aliases in ALIASES.items():
            if text.lower() in aliases:
                found.setdefault(name, index)
    return found


def _text(cell: object) -> str:
    """A cell as people see it: 12.0 is the household number 12."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).replace("\x00", "").strip().lstrip("'")


def _match(lines: list[tuple[int, dict[str, str]]], selection: Selection) -> Table:
    """Find the household and the person of each line."""
    reach = Selection(
        campaign=selection.campaign, unit=selection.unit, include_assigned=True, include_visited=True
    ).assignments()
    villages = {unit.pk: unit for unit in Unit.objects.within(selection.unit).villages()}
    by_number: dict[str, list[tuple[int, Unit]]] = {}
    for pk, number, village_pk in reach.values_list("household", "household__number", "household__village"):
        by_number.setdefault(number, []).append((pk, villages[village_pk]))
    finder = StaffFinder(selection.unit)
    table = Table()
    seen: dict[int, int] = {}
    for row, line in lines:
        name, staff_number = line.get("visitor", ""), line.get("staff_number", "")
        if not name and not staff_number:
            continue  # nobody named: the household stays as it is
        shown = " ".join(part for part in (line.get("village", ""), line["number"], name, staff_number) if part)
        doors = [
            (household, village)
            for household, village in by_number.get(line["number"], ())
            if line["number"] and line.get("village", "") in ("", village.name, village.code)
        ]
        try:
            if not doors:
                raise ValidationError(_("No household with this number stands on the campaign's roster here."))
            if len(doors) > 1:
                raise ValidationError(_("Several villages have this household number: fill in the column 村."))
            household, village = doors[0]
            if household in seen:
                raise ValidationError(_("The household stands in row %(row)d already.") % {"row": seen[household]})
            visitor = finder.find(staff_number or name, village)
            if name and name not in (visitor.name, visitor.staff_number):
                raise ValidationError(
                    _("The staff number belongs to %(name)s: correct the name or the number.") % {"name": visitor.name}
                )
        except ValidationError as error:
            table.errors.append(RowError(row, shown[:80], error.messages[0]))
        else:
            seen[household] = row
            table.rows.append((household, visitor.pk))
    return table
