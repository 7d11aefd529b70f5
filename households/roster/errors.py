"""Every way a row can be wrong: its code, what is wrong, and what to do about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# code → (what is wrong, what to do). Neither may quote an ID number.
TEXTS: dict[str, tuple[str | Promise, str | Promise]] = {
    "id_number_numeric_cell": (
        _("The ID number was stored as a number, so its last digits are lost."),
        _("Format the column as text (请把该列设为文本) and type the number again from the document."),
    ),
    "id_number_truncated": (
        _("The ID number's last digits were lost and replaced by zeros."),
        _("Format the column as text and type the number again from the document."),
    ),
    "id_number_check_digit": (
        _("The ID number's check character is wrong, so at least one character is mistyped."),
        _("Compare the number with the document and correct it."),
    ),
    "id_number_length": (
        _("The ID number does not have 18 characters."),
        _("Type all 18 characters; leave the cell empty if the number is not known."),
    ),
    "id_number_format": (
        _("The ID number holds something that is neither a digit nor a final X."),
        _("Type the 18 characters only; leave the cell empty if the number is not known."),
    ),
    "id_number_birth_date": (
        _("The date of birth within the ID number does not exist."),
        _("Compare the number with the document and correct it."),
    ),
    "birth_in_future": (
        _("The date of birth lies in the future."),
        _("Compare the number or the date with the document and correct it."),
    ),
    "id_number_duplicate_in_file": (
        _("The same ID number stands in this file already (sheet %(at_sheet)s, row %(at_row)s)."),
        _("Find out whose number it is; correct the other row or delete the repeated one."),
    ),
    "id_number_elsewhere": (
        _("This ID number is on the roster of a unit you cannot change."),
        _("Ask the district office: the person must be removed there before being entered here."),
    ),
    "birth_date": (
        _("The date of birth cannot be read."),
        _("Write it like 1990-01-31."),
    ),
    "unknown_village": (
        _("No village or community of this name belongs to your unit."),
        _("Write the name as in the list of units, or move the row to the roster of the unit it belongs to."),
    ),
    "missing_name": (
        _("The resident's name is missing."),
        _("Type the name; delete the row if there is no such person."),
    ),
    "name_invalid": (
        _("This is not a name: it holds digits, signs or a formula."),
        _("Type the name only; put remarks into the note column."),
    ),
    "phone_invalid": (
        _("This is not a phone number."),
        _("Type an 11-digit mobile number, or a landline number with its area code."),
    ),
    "missing_head": (
        _("The household has no head."),
        _("Write 户主 as the relation of exactly one member."),
    ),
    "two_heads": (
        _("The household has more than one head."),
        _("Keep 户主 for one member and correct the relation here; or give this household a number of its own."),
    ),
    "household_duplicate": (
        _("The same household stands in this file already (sheet %(at_sheet)s, row %(at_row)s)."),
        _("Delete the repeated rows, or give the households numbers (户编号) that tell them apart."),
    ),
    "resident_duplicate": (
        _("The household already has a member of this name without an ID number (row %(at_row)s)."),
        _("Delete the repeated row, or enter the ID numbers."),
    ),
    "too_long": (
        _("The text is longer than %(limit)s characters."),
        _("Shorten it."),
    ),
}


class CellError(Protocol):
    """What is needed to mark a cell in somebody's own workbook."""

    @property
    def sheet(self) -> str: ...
    @property
    def row(self) -> int: ...
    @property
    def column(self) -> str: ...
    @property
    def column_index(self) -> int: ...
    @property
    def message(self) -> str: ...
    @property
    def suggestion(self) -> str: ...


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing wrong with one cell. `row` counts from 1; `column` is the title as written in the file."""

    sheet: str
    row: int
    column: str
    code: str
    column_index: int = -1
    detail: dict[str, str | int] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """What is wrong, in the current language."""
        return str(TEXTS[self.code][0]) % self.detail if self.detail else str(TEXTS[self.code][0])

    @property
    def suggestion(self) -> str:
        """What to do about it, in the current language."""
        return str(TEXTS[self.code][1])
