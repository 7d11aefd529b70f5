"""The official poll's register: what is read from a workbook, and what the figures say beside the other counties'.

Columns: 年度 | 批次 | 层级 | 指标 | 满分 | 本区得分 | 名次 | 参评县数 | 来源, and after them a column for each other
county, headed by its name. Nothing is written by reading.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font
from python_calamine import CalamineError, CalamineWorkbook

from households.exports import neutral
from outreach import workbooks
from outreach.models import Unit, User
from surveys.models import PollResult
from surveys.questionnaire import decimal
from surveys.tallying import item_key

HEADS = {
    "year": ("年度", "年份"),
    "round": ("批次", "轮次"),
    "level": ("层级", "级别"),
    "item": ("指标", "项目", "题目"),
    "full_marks": ("满分", "分值"),
    "score": ("本区得分", "得分"),
    "rank": ("名次", "排名"),
    "counties": ("参评县数", "参评县区数", "县区数"),
    "source": ("来源", "文件"),
}
LEVELS = {"省": "province", "省级": "province", "市": "city", "市级": "city"}
MAX_ROWS, MAX_PEERS = 1000, 150


@dataclass(slots=True)
class Row:
    """A line of the workbook: its number there, what it says, and what is wrong with it."""

    number: int
    result: PollResult
    errors: list[str] = field(default_factory=list)
    is_known: bool = False  # entered already: a second import changes it


@dataclass(frozen=True, slots=True)
class Standing:
    """A result beside the other counties'."""

    result: PollResult
    above: tuple[str, Decimal] | None = None  # the county next above and how much it leads by
    peers_losing: int = 0
    years_lost: tuple[int, ...] = ()  # other years in which the item cost points

    @property
    def lost(self) -> Decimal | None:
        """The points lost, where the full marks are known."""
        full = self.result.full_marks
        return None if full is None else full - self.result.score

    @property
    def only_we(self) -> bool:
        """Did no other county lose here, and we did?"""
        return bool(self.lost and self.result.peers and not self.peers_losing)

    @property
    def again(self) -> bool:
        """Did the item cost points in another year too?"""
        return bool(self.lost and self.years_lost)


def standings(results: Sequence[PollResult]) -> list[Standing]:
    """Return the results, in their order, with the gap to the next above and the two flags. Pure."""
    lost: dict[tuple[str, str], set[int]] = {}
    for result in results:
        if result.full_marks is not None and result.score < result.full_marks:
            lost.setdefault((result.level, result.item_key), set()).add(result.year)
    found = []
    for result in results:
        peers = {name: Decimal(score) for name, score in result.peers.items()}
        ahead = [(score, name) for name, score in peers.items() if score > result.score]
        nearest = min(ahead, default=None)
        full = result.full_marks
        years = lost.get((result.level, result.item_key), set()) - {result.year}
        found.append(
            Standing(
                result,
                (nearest[1], nearest[0] - result.score) if nearest else None,
                sum(full is not None and score < full for score in peers.values()),
                tuple(sorted(years)),
            )
        )
    return found


def read_workbook(content: bytes, district: Unit, by: User) -> list[Row]:
    """Return the rows of a workbook with what is wrong with each. Raises ValidationError where it is no such table."""
    try:
        workbooks.guard(content)
        table = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python(nrows=MAX_ROWS + 20)
    except (zipfile.BadZipFile, CalamineError, ValueError, IndexError, OSError) as error:
        raise ValidationError(_("The workbook cannot be read. Save it again as .xlsx.")) from error
    start, places, peers = _header(table)
    known = set(PollResult.objects.filter(district=district).values_list("year", "round", "level", "item_key"))
    rows: list[Row] = []
    seen: set[tuple[Any, ...]] = set()
    for number, cells in enumerate(table[start:], start + 1):
        texts = {key: _text(cells[place]) for key, place in places.items() if place < len(cells)}
        if not any(texts.values()):
            continue
        row = _row(number, texts, {name: _text(cells[place]) for place, name in peers if place < len(cells)})
        row.result.district, row.result.entered_by = district, by
        key = (row.result.year, row.result.round, row.result.level, row.result.item_key)
        if key in seen:
            row.errors.append(_("This result stands in an earlier row already."))
        seen.add(key)
        row.is_known = key in known
        if not row.errors:
            try:
                row.result.clean_fields(exclude=["district", "entered_by"])
                row.result.validate_constraints(exclude=["district", "year"] if row.is_known else [])
            except ValidationError as error:
                row.errors += [text for text in error.messages if not (row.is_known and "already" in text)]
        rows.append(row)
    if not rows:
        raise ValidationError(_("The table has no rows."))
    if len(rows) > MAX_ROWS:
        raise ValidationError(_("At most %(count)d rows at once.") % {"count": MAX_ROWS})
    return rows


def _header(table: Sequence[Sequence[object]]) -> tuple[int, dict[str, int], list[tuple[int, str]]]:
    for index, cells in enumerate(table[:10]):
        texts = [_text(cell) for cell in cells]
        places = {
            key: next(place for place, text in enumerate(texts) if text in names)
            for key, names in HEADS.items()
            if any(text in names for text in texts)
        }
        if {"year", "level", "item", "score"} <= places.keys():
            peers = [(place, text[:50]) for place, text in enumerate(texts) if text and place not in places.values()]
            return index + 1, places, peers[:MAX_PEERS]
    raise ValidationError(
        _("No table with the columns 年度, 层级, 指标 and 本区得分 was found: download the template.")
    )


def _row(number: int, texts: dict[str, str], peers: dict[str, str]) -> Row:
    errors = []

    def num(key: str, label: str, *, needed: bool = False) -> Decimal | None:
        value = decimal(texts.get(key, "")) if texts.get(key) else None
        if value is None and (needed or texts.get(key)):
            errors.append(_("%(column)s is not a number.") % {"column": label})
        return None if value is None or abs(value) > 99999 else round(value, 3)

    year, score = num("year", "年度", needed=True), num("score", "本区得分", needed=True)
    rank, counties = num("rank", "名次"), num("counties", "参评县数")
    level = LEVELS.get(texts.get("level", ""), "")
    item = texts.get("item", "")
    if not level:
        errors.append(_("层级 is 省 or 市."))
    if not item:
        errors.append(_("指标 is empty."))
    if year is not None and not 2000 <= year <= 2100:
        errors.append(_("年度 lies between 2000 and 2100."))
        year = None
    if any(value is not None and not 1 <= value <= 30000 for value in (rank, counties)):
        errors.append(_("名次 and 参评县数 are whole numbers from 1."))
        rank = counties = None
    scores = {}
    for name, text in peers.items():
        value = decimal(text) if text else None
        if value is not None and abs(value) <= 99999:
            scores[name] = format(round(value, 3).normalize(), "f")
        elif text:
            errors.append(_("%(column)s is not a number.") % {"column": name})
    result = PollResult(
        year=int(year or 0),
        round=texts.get("round", "")[:30],
        level=level,
        item=item[:100],
        item_key=item_key(item[:100]),
        score=score if score is not None else Decimal(0),
        full_marks=num("full_marks", "满分"),
        rank=None if rank is None else int(rank),
        counties=None if counties is None else int(counties),
        peers=scores,
        source=texts.get("source", "")[:200],
    )
    return Row(number, result, errors)


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return "".join(letter for letter in str(cell) if letter.isprintable()).strip() if cell is not None else ""


def template(peers: Sequence[str]) -> bytes:
    """Return the workbook to fill in, with a column for each county entered before."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = "民调结果"
    sheet.append(["年度", "批次", "层级", "指标", "满分", "本区得分", "名次", "参评县数", "来源", *map(neutral, peers)])
    for cell in sheet[1]:
        cell.font = Font(name="宋体", bold=True)
        sheet.column_dimensions[cell.column_letter].width = 14
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
