"""What people type into a roster's cells, made plain: text, names, phones, groups, dates, flags. Pure."""

from __future__ import annotations

import datetime
import re
import unicodedata
from unicodedata import is_normalized

Cell = str | float | int | bool

CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127, 0x200B, 0x200E, 0x200F, 0xFEFF])
SPACES = re.compile(r"\s+")
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af〇"
NAME = re.compile(rf"[{HAN}]{{2,4}}")
LONG_NAME = re.compile(rf"[{HAN}]+(?:·[{HAN}]+)*|[A-Za-z][A-Za-z.'-]*(?: [A-Za-z.'-]+)*")
DOTS = re.compile(r"[•・‧∙．.。]")
NOTHING = frozenset(
    ("", "无", "没有", "/", "\\", "-", "--", "—", "——", "－", "暂无", "空", "N/A", "n/a", "*", "#N/A", "0")
)
DITTO = frozenset(("同上", "〃", "″", "”", '"', "''", "“", "々", "同前", "上同", "..", "…", "……"))

MOBILE = re.compile(r"1[3-9][0-9]{9}")
LANDLINE = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})[2-9][0-9]{6,7}")
PHONE_SEPARATORS = re.compile(r"[/、,，;；|\n\\]|或|和|以及")
PHONE_NOISE = re.compile(r"[\s()（）\-—–_.·'’`=\"]+")
PHONE_PREFIX = re.compile(r"^(?:\+|00)?86(?=1[3-9][0-9]{9}$|0)")

YES = frozenset(("是", "√", "✓", "✔", "☑", "1", "有", "Y", "y", "YES", "yes", "对", "true", "True", "V", "v", "●", "■"))
NO = frozenset(("否", "×", "✗", "✘", "☐", "0", "N", "n", "NO", "no", "不是", "false", "False", "X", "x", "○", "□"))
CHINESE_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")}
GROUP_NUMBER = re.compile(r"第?([0-9]{1,3})(?:村民小组|村民组|居民小组|居民组|小组|组)?")
GROUP_CHINESE = re.compile(r"第?([一二三四五六七八九十]{1,3})(?:村民小组|村民组|居民小组|居民组|小组|组)")
DATE = re.compile(r"([0-9]{4})[年./\-,，、 ]*([0-9]{1,2})(?:[月./\-,，、 ]+|(?<=[0-9]{2}))([0-9]{1,2})日?号?")


def text(value: Cell) -> str:
    """Return a cell as plain text: half-width, one space where there were several, no control characters, no edges."""
    if value.__class__ is not str:
        if value is True or value is False:
            return "是" if value else "否"
        return str(int(value)) if value == int(value) else repr(value)
    if is_normalized("NFKC", value) and value.isprintable() and "  " not in value:
        return value.strip()
    plain = unicodedata.normalize("NFKC", value).translate(CONTROLS)
    return SPACES.sub(" ", plain).strip()


def name(value: Cell) -> tuple[str, bool]:
    """Return (name, is it a name). Spaces inside a Chinese name are padding and go; "" is blank, not wrong."""
    if value.__class__ is str and NAME.fullmatch(value):
        return value, True
    plain = text(value)
    if plain in NOTHING:
        return "", True
    plain = plain.replace("’", "'")
    if not plain.isascii():
        plain = DOTS.sub("·", plain.replace(" ", ""))
    return plain, len(plain) <= 40 and LONG_NAME.fullmatch(plain) is not None


def phones(value: Cell) -> tuple[list[str], bool]:
    """Return (numbers, are all of them phone numbers): 11-digit mobiles and landlines with their area code.

    Several in a cell may be parted by / 、 , ; 或, a line break or a space. Where one is wrong the list holds the
    good ones only.
    """
    if value.__class__ is str and MOBILE.fullmatch(value):
        return [value], True
    plain = text(value) if value.__class__ is not str else unicodedata.normalize("NFKC", value).translate(CONTROLS)
    if plain.strip() in NOTHING:
        return [], True
    found: list[str] = []
    good = True
    for part in PHONE_SEPARATORS.split(plain):
        number = _phone(part)
        if number:
            found.append(number)
        elif PHONE_NOISE.sub("", part):
            pieces = [_phone(piece) for piece in part.split()]
            if len(pieces) > 1 and all(pieces):
                found.extend(pieces)
            else:
                good = False
    return list(dict.fromkeys(found)), good


def _phone(part: str) -> str:
    number = PHONE_PREFIX.sub("", PHONE_NOISE.sub("", part))
    return number if MOBILE.fullmatch(number) or LANDLINE.fullmatch(number) else ""


def group(value: str) -> str:
    """Return a group's name in one spelling: 10, 第10组, 十组 and 10村民小组 are all 10组; other names stay."""
    value = value.replace(" ", "")
    if value in NOTHING:
        return ""
    if match := GROUP_NUMBER.fullmatch(value):
        return f"{int(match[1])}组"
    if match := GROUP_CHINESE.fullmatch(value):
        return f"{_chinese_number(match[1])}组"
    return value


def _chinese_number(digits: str) -> int:
    """Return 1–99 for 一 … 九十九."""
    tens, ten, ones = digits.partition("十")
    if not ten:
        return int("".join(str(CHINESE_DIGITS[digit]) for digit in digits))
    return (CHINESE_DIGITS[tens] if tens else 1) * 10 + (CHINESE_DIGITS[ones[:1]] if ones else 0)


def date(value: Cell) -> datetime.date | None:
    """Return a date from 1990.1.1, 1990-01-01, 1990年1月1日, 19900101 or Excel's day number; None for anything else."""
    if value.__class__ is not str:
        if isinstance(value, bool) or value != int(value):
            return None
        if 1 <= value <= 80_000:
            return datetime.date(1899, 12, 30) + datetime.timedelta(days=int(value))
        value = str(int(value))
    match = DATE.fullmatch(text(value))
    if match is None:
        return None
    try:
        return datetime.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def flag(value: Cell) -> bool:
    """Say whether a cell of a yes/no column says yes: 是, √, 1, 有 … and any word that is not a no, such as 二级."""
    plain = text(value)
    return plain in YES or (plain not in NO and plain not in NOTHING)
