"""Reading an Excel list to draw a sample from: a name or none, up to five numbers, and the place. Pure.

What is wrong is told by row and names neither a person nor a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from households.roster import clean
from households.roster.reader import Cell
from outreach.models import Unit

HEADER_ROWS = 10
MAX_ROWS = 200_000
MAX_FAULTS = 500
MAX_PHONES = 5
TITLES: Mapping[str, frozenset[str]] = {
    "name": frozenset({"姓名", "户主", "户主姓名", "居民姓名", "联系人"}),
    "township": frozenset({"镇街", "乡镇", "街道", "镇", "所属镇街", "乡镇街道"}),
    "village": frozenset({"村", "社区", "行政村", "村社区", "居委会", "所属村"}),
}
PHONE_WORDS = ("电话", "手机", "联系方式")


@dataclass(slots=True)
class ListRead:
    """The usable rows (number, name, phones, unit id, code) and what is wrong with the others."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)

    def fault(self, number: int, text: str) -> None:
        """Note what is wrong with a row, up to MAX_FAULTS."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append((number, text))


@dataclass(slots=True)
class Columns:
    """Which column holds what."""

    places: dict[str, int]
    phones: list[int]


def read(rows: Iterable[tuple[int, list[Cell]]], units: Iterable[Unit]) -> ListRead:
    """Read the sheet's rows. `units`: the district's townships and villages."""
    found = ListRead()
    by_name = _by_name(units)
    columns: Columns | None = None
    seen: set[str] = set()
    for number, cells in rows:
        if number > MAX_ROWS:
            found.fault(number, _("The list has too many rows: the rest was not read."))
            break
        texts = [clean.text(cell) for cell in cells]
        if columns is None:
            columns = _columns(texts) if number <= HEADER_ROWS else None
            if columns is None and number >= HEADER_ROWS:
                break
            continue
        if any(texts):
            _row(found, number, texts, columns, by_name, seen)
    if columns is None:
        found.fault(1, _("No heading was found: a column 电话 and a column 镇街 or 村 are needed."))
    return found


def _columns(texts: list[str]) -> Columns | None:
    plain = [text.replace(" ", "").replace("（", "(").split("(")[0] for text in texts]
    places = {name: plain.index(title) for name, titles in TITLES.items() for title in plain if title in titles}
    phones = [index for index, title in enumerate(plain) if any(word in title for word in PHONE_WORDS)]
    if not phones or not places.keys() & {"township", "village"}:
        return None
    return Columns(places, phones[:MAX_PHONES])


def _by_name(units: Iterable[Unit]) -> dict[str, list[Unit]]:
    names: dict[str, list[Unit]] = {}
    for unit in units:
        names.setdefault(unit.name, []).append(unit)
    return names


def _row(
    found: ListRead, number: int, texts: list[str], columns: Columns, units: Mapping[str, list[Unit]], seen: set[str]
) -> None:
    def cell(index: int | None) -> str:
        return texts[index] if index is not None and index < len(texts) else ""

    unit = _place(cell(columns.places.get("township")), cell(columns.places.get("village")), units)
    if isinstance(unit, str):
        return found.fault(number, unit)
    phones: list[str] = []
    for index in columns.phones:
        good, _all_good = clean.phones(cell(index))
        phones += [phone for phone in good if phone not in phones]
    if not phones:
        return found.fault(number, _("There is no telephone number that can be read."))
    if phones[0] in seen:
        return found.fault(number, _("The first number stands in the list already: nobody is drawn twice."))
    seen.add(phones[0])
    found.rows.append(
        {
            "number": number,
            "name": clean.name(cell(columns.places.get("name")))[0][:40],
            "phones": phones[:MAX_PHONES],
            "unit": unit.pk,
            "code": unit.code,
        }
    )
    return None


def _place(township: str, village: str, units: Mapping[str, list[Unit]]) -> Unit | str:
    """Return the unit a row names, the village before the township; or what is wrong."""
    townships = [unit for unit in units.get(township, []) if unit.kind == Unit.Kind.TOWNSHIP]
    if township and not townships:
        return _("There is no such township.")
    if not village:
        return townships[0] if townships else _("The place is missing.")
    villages = [unit for unit in units.get(village, []) if unit.kind == Unit.Kind.VILLAGE]
    if townships:
        villages = [unit for unit in villages if unit.code.startswith(townships[0].code)]
    if not villages:
        return _("There is no such village.")
    if len(villages) > 1:
        return _("Several villages have this name: write the township beside it.")
    return villages[0]
