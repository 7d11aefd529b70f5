"""Resident ID numbers by GB 11643: told right from wrong, never altered. Pure."""

from __future__ import annotations

import datetime
import re
from operator import mul

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
# sum() over the bytes of ASCII digits is too large by this: "0" is 48
ASCII_EXCESS = 48 * sum(WEIGHTS)
SHAPE = re.compile(r"[0-9]{17}[0-9X]")
SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+?\d+", re.IGNORECASE)
FULL_WIDTH = str.maketrans("０１２３４５６７８９ＸｘⅩ", "0123456789XxX")
# what people, and programs that must keep leading zeros, put around a number
AROUND = re.compile(r"[\s'’‘`\"“”=\u200b\u200e\u200f\u202a\u202c\ufeff-]+")


def check_character(first_17: str) -> str:
    """Return the 18th character for the first 17 digits."""
    return CHECK_CHARACTERS[(sum(map(mul, WEIGHTS, first_17.encode())) - ASCII_EXCESS) % 11]


def clean(text: str) -> str:
    """Return `text` without spaces, quotes and hyphens, half-width, with a large X: the same number written plainly."""
    return AROUND.sub("", text.translate(FULL_WIDTH)).replace("x", "X")


def birth_date(number: str) -> datetime.date | None:
    """Return the date of birth in an 18-character number, or None where there is no such day."""
    try:
        return datetime.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def sex(number: str) -> str:
    """Return "1" for a man, "2" for a woman (GB/T 2261.1)."""
    return "1" if int(number[16]) % 2 else "2"


def check(value: str | float | int | bool, today: datetime.date) -> tuple[str, str]:
    """Return (18-character number, "") or ("", error code) for a cell; ("", "") for a blank one.

    Codes: id_number_numeric_cell, id_number_length, id_number_format, id_number_truncated, id_number_check_digit,
    id_number_birth_date, birth_in_future. A 15-digit number is extended by the standard's rule; a number stored as a
    number of more than 15 digits has lost the last ones, and no one can know them.
    """
    if value.__class__ is not str:
        if isinstance(value, bool):
            return "", "id_number_format"
        # up to 15 digits a float is exact
        if abs(value) >= 1e15 or value != int(value):  # type: ignore[arg-type]
            return "", "id_number_numeric_cell"
        value = str(int(value))
    number = value if SHAPE.fullmatch(value) else clean(value)
    if not number:
        return "", ""
    if SCIENTIFIC.fullmatch(number.replace("X", "x")):
        return "", "id_number_numeric_cell"
    if len(number) == 15 and number.isascii() and number.isdigit():
        number = f"{number[:6]}19{number[6:]}"
        number += check_character(number)
    elif not SHAPE.fullmatch(number):
        plain = number.isascii() and number[:-1].isdigit() and (number[-1].isdigit() or number[-1] == "X")
        return "", "id_number_length" if plain and len(number) != 18 else "id_number_format"
    elif check_character(number[:17]) != number[17]:
        # spreadsheets keep 15 significant digits (some programs 16) and fill up with zeros
        return "", "id_number_truncated" if number.endswith("00") else "id_number_check_digit"
    born = birth_date(number)
    if born is None or born.year < 1880:
        return "", "id_number_birth_date"
    if born > today:
        return "", "birth_in_future"
    return number, ""
