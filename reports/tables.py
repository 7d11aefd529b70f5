"""A list that people have as Excel, Word or pasted text, read into rows under known titles. Writes nothing.

A file becomes text first, which goes back into the box of the page: what is wrong with a row is put right there, and
what is imported is what one sees.
"""

from __future__ import annotations

import io
import re
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import docx
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from docx.opc.exceptions import PackageNotFoundError

from households.roster.read import UnusableFile, open_workbook
from households.roster.reader import Cell
from issues import documents
from outreach.models import Membership, Unit

MAX_FILE = 5 * 1024 * 1024
MAX_TEXT = 200_000
MAX_ROWS = 500
MAX_CELL = 2_000
MAX_DOCUMENT = 20 * 1024 * 1024  # word/document.xml, unfolded
HEADER_WITHIN = 10
SEPARATOR = " | "
SPLIT = re.compile(r"\t|[|｜]")
FOOT = ("合计", "总计", "填表人", "审核人", "备注：", "说明：", "注：")
DAY = re.compile(r"(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](?:(\d{1,2})日?号?|底)?(?:之?前)?")


@dataclass
class Row:
    """A row of the list: its number in the text, its cells by column, what is wrong with it, what was filled in."""

    number: int
    cells: dict[str, str]
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def folded(text: str) -> str:
    """Return `text` as titles and names are compared: without blanks, full-width like half-width."""
    return "".join(unicodedata.normalize("NFKC", text).split()).lower()


def text_of_upload(upload: UploadedFile) -> str:
    """Return an .xlsx, .xls, .ods, .csv or .docx as text, a row a line. Raises ValidationError saying what to do."""
    if not upload.size or upload.size > MAX_FILE:
        raise ValidationError(_("The file must not be empty or larger than 5 MB."))
    upload.seek(0)
    content = upload.read()
    name = upload.name or ""
    is_word = content.startswith(documents.ZIP_START) and b"word/" in content
    rows = _word_rows(content, name) if is_word else _sheet_rows(content, name)
    lines = [SEPARATOR.join(_one_line(cell) for cell in row).rstrip(" |") for row in rows[: MAX_ROWS + HEADER_WITHIN]]
    text = "\n".join(line for line in lines if line)
    if not text:
        raise ValidationError(_("There is no table in this file. Copy the list and paste it into the box."))
    return text[:MAX_TEXT]


def _one_line(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return re.sub(r"[|｜\x00]", "／", " ".join(str(cell).split()))[:MAX_CELL]


def _sheet_rows(content: bytes, name: str) -> list[list[str]]:
    with tempfile.NamedTemporaryFile(prefix="list-", suffix=Path(name).suffix.lower()[:6]) as copy:
        copy.write(content)
        copy.flush()
        try:
            with open_workbook(Path(copy.name), name) as book:
                for sheet in book:
                    rows = (
                        [] if sheet.hidden else [[_one_line(cell) for cell in cells] for _number, cells in sheet.rows]
                    )
                    if rows:
                        return rows
        except UnusableFile as problem:
            raise ValidationError(problem.message) from problem
    return []


def _word_rows(content: bytes, name: str) -> list[list[str]]:
    """The tables of a .docx, one after the other; without a table its paragraphs, each a row of one cell."""
    if documents.content_type_of(content, name) != documents.DOCX:
        raise ValidationError(_("This is neither an Excel nor a Word file."))
    try:
        document = docx.Document(io.BytesIO(content))
        rows = [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]
        return rows or [[paragraph.text] for paragraph in document.paragraphs if paragraph.text.strip()]
    except (PackageNotFoundError, KeyError, ValueError, SyntaxError) as problem:
        raise ValidationError(_("The Word file cannot be read. Copy its table and paste it into the box.")) from problem


def parse(text: str, columns: Mapping[str, Sequence[str]]) -> list[Row]:
    """Return the rows of `text` by column; `columns` is key → titles it may have, in the order used without a header.

    A title row within the first HEADER_WITHIN lines says which column is which; titles above it and foot lines are left
    out. Raises ValidationError where there is nothing to read or too much of it.
    """
    if len(text) > MAX_TEXT:
        raise ValidationError(_("The list is too long: import it in parts."))
    known = {folded(title): key for key, titles in columns.items() for title in titles}
    lines = [(number, _split(line)) for number, line in enumerate(text.replace("\x00", "").splitlines(), 1)]
    lines = [(number, cells) for number, cells in lines if any(cells)]
    order = list(columns)
    for at, (_number, cells) in enumerate(lines[:HEADER_WITHIN]):
        found = [known.get(folded(cell), "") for cell in cells]
        if len([key for key in found if key]) >= 2 and order[0] in found:
            order, lines = found, lines[at + 1 :]
            break
    rows = []
    for number, cells in lines:
        if cells[0].startswith(FOOT) or "".join(cells).startswith(FOOT):
            continue
        values = {key: cell[:MAX_CELL] for key, cell in zip(order, cells, strict=False) if key}
        if any(values.values()):
            rows.append(Row(number, {key: values.get(key, "") for key in columns}))
    if not rows:
        raise ValidationError(_("There is no row in this list."))
    if len(rows) > MAX_ROWS:
        raise ValidationError(_("At most %(count)d rows at a time: import the list in parts.") % {"count": MAX_ROWS})
    return rows


def _split(line: str) -> list[str]:
    return [" ".join(cell.split()) for cell in SPLIT.split(line)]


def day_of(text: str, year: int) -> date | None:
    """Return the day meant by 2026-04-17, 2026年4月17日, 4月17日 or 4月底 (of `year`); None where it is none."""
    match = DAY.fullmatch(folded(text))
    if match is None:
        return None
    given, month, day = match.groups()
    try:
        first = date(int(given or year), int(month), 1)
        if day:
            return first.replace(day=int(day))
        following = date(first.year + 1, 1, 1) if first.month == 12 else first.replace(month=first.month + 1)
        return date.fromordinal(following.toordinal() - 1)
    except ValueError:
        return None


def number_of(text: str) -> Decimal | None:
    """Return a plain decimal number, or None."""
    try:
        value = Decimal(unicodedata.normalize("NFKC", text).replace(",", "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < 10**9 else None


class Owners:
    """Finds units and people of a district by the names lists use. Two queries, then any number of questions."""

    HEADS = ("department_head", "township_admin", "village_clerk", "department_handler")

    def __init__(self, district: Unit, within: str = "") -> None:
        self._units: dict[str, list[Unit]] = {}
        units = Unit.objects.active().filter(code__startswith=within or district.code).exclude(kind=Unit.Kind.DISTRICT)
        for unit in units.select_related("parent"):
            names = {folded(unit.name), folded(unit.code)}
            if unit.kind == Unit.Kind.VILLAGE and unit.parent:
                names.add(folded(unit.parent.name + unit.name))
            for name in names:
                self._units.setdefault(name, []).append(unit)
        self._posts: dict[int, list[Membership]] = {}
        posts = Membership.objects.filter(unit__code__startswith=within or district.code, user__is_active=True)
        for post in posts.select_related("user", "unit").order_by("pk"):
            self._posts.setdefault(post.unit_id, []).append(post)

    def unit(self, name: str, row: Row) -> Unit | None:
        """Return the unit of this name; writes an error into `row` where there is none, or more than one."""
        found = self._units.get(folded(name), [])
        if len(found) == 1:
            return found[0]
        if not name:
            row.errors.append(_("The responsible unit is missing: no task is without an owner."))
        elif found:
            row.errors.append(
                _("“%(name)s” is the name of several units: write the township before it.") % {"name": name}
            )
        else:
            row.errors.append(
                _("There is no unit “%(name)s” here. Write its name as in the list of units.") % {"name": name}
            )
        return None

    def person(self, name: str, unit: Unit, row: Row) -> Membership | None:
        """Return the post of the person of this name or staff number in `unit`; without a name the unit's head, where
        there is exactly one, with a note. Writes an error into `row` otherwise."""
        posts = self._posts.get(unit.pk, [])
        values = {"name": name, "unit": unit.name}
        if name:
            found = [post for post in posts if folded(name) in (folded(post.user.name), folded(post.user.staff_number))]
            people = {post.user_id for post in found}
            if len(people) == 1:
                return found[0]
            text = (
                _("Several people at %(unit)s are called %(name)s: write the staff number.")
                if people
                else _("%(name)s holds no post at %(unit)s.")
            )
            row.errors.append(text % values)
            return None
        for role in self.HEADS:
            found = [post for post in posts if post.role == role]
            if len(found) == 1:
                row.notes.append(_("person in charge: %(name)s") % {"name": found[0].user.name})
                return found[0]
            if found:
                break
        row.errors.append(_("The person in charge is missing: %(unit)s has not exactly one head.") % values)
        return None
