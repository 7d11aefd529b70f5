"""The map of units by a figure: classes in words and numbers, outlines where they were imported, else tiles."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.core.cache import cache
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from outreach.models import Campaign, Unit
from reports import facts, figures, map_shapes, readings
from reports.boundaries import Polygon
from reports.indicators import INDICATORS
from reports.map_shapes import Drawing, Shape
from reports.models import Boundary, BoundaryFile
from reports.ranking import LINK_CODE, LINK_FIGURE, Links, Reader
from reports.scoring import Reading

MOST_CLASSES = 5
WORDS: dict[int, tuple[str | Promise, ...]] = {
    1: (pgettext_lazy("map", "equal"),),
    2: (pgettext_lazy("map", "lower"), pgettext_lazy("map", "higher")),
    3: (pgettext_lazy("map", "low"), pgettext_lazy("map", "middling"), pgettext_lazy("map", "high")),
    4: (
        pgettext_lazy("map", "low"),
        pgettext_lazy("map", "lower"),
        pgettext_lazy("map", "higher"),
        pgettext_lazy("map", "high"),
    ),
    5: (
        pgettext_lazy("map", "low"),
        pgettext_lazy("map", "lower"),
        pgettext_lazy("map", "middling"),
        pgettext_lazy("map", "higher"),
        pgettext_lazy("map", "high"),
    ),
}
# which of the five shades so many classes take: far enough apart to be told from each other
SHADES = {1: (3,), 2: (2, 4), 3: (1, 3, 5), 4: (1, 2, 4, 5), 5: (1, 2, 3, 4, 5)}
DRAWING_KEPT_SECONDS = 24 * 3600
TABLE = figures.ISSUES | figures.HOUSEHOLDS
# indicator of places → the figure whose rows are its cases
RATES = {"coverage": "to_visit", "met": "covered", "priority": "priority", "solution": "judged"}
COUNTS = ("overdue", "raised", "unvisited", "make_up_overdue")


@dataclass(frozen=True, slots=True)
class Figure:
    """What a map may show: a rate (an indicator) or a plain count, and the rows that its value counts."""

    key: str
    label: str | Promise
    is_rate: bool
    rows: str
    formula: str | Promise = ""


def choices() -> dict[str, Figure]:
    """The figures a map may show, in their order."""
    rates = {key: Figure(key, INDICATORS[key].name, True, rows, INDICATORS[key].formula) for key, rows in RATES.items()}
    return rates | {key: Figure(key, figure.label, False, key) for key, figure in TABLE.items() if key in COUNTS}


@dataclass(frozen=True)
class Mapped:
    """A unit on the map. `shade` 1 … 5, or 0: no class, since it has no base (`is_few` False) or too few cases."""

    unit: Unit
    number: int
    value: Decimal | None
    reading: Reading | None  # of a rate
    shade: int
    word: str
    is_few: bool
    url: str
    page_url: str
    rows_url: str
    shape: Shape | None

    @property
    def shown(self) -> str:
        """The value as it is read."""
        if self.value is None:
            return "—"
        return f"{self.value}%" if self.reading else f"{self.value:,}"

    @property
    def plain(self) -> str:
        """The value where everybody reads along: none of few cases, whose word says why."""
        return "" if self.is_few else self.shown

    @property
    def parts(self) -> str:
        """Numerator and denominator of a rate."""
        return f"{self.reading.numerator:,}/{self.reading.denominator:,}" if self.reading else ""

    @property
    def says(self) -> str:
        """The unit in one line, for a pointer resting on it and for screen readers."""
        parts = f" ({self.parts})" if self.parts else ""
        return f"{self.unit.name} {self.shown}{parts} {self.word}".strip()

    @property
    def has_name_inside(self) -> bool:
        return self.shape is not None and self.shape.fits(self.unit.name)


@dataclass(frozen=True, slots=True)
class Class:
    """A line of the legend."""

    shade: int
    word: str
    range: str
    units: int


@dataclass(frozen=True)
class Map:
    """The units of `scope` with one figure."""

    campaign: Campaign
    scope: Unit
    figure: Figure
    units: Sequence[Mapped]
    classes: Sequence[Class]
    total: Mapped
    drawing: Drawing | None  # None: tiles
    datum: str
    counted_at: datetime | None

    @property
    def tiles(self) -> list[Mapped]:
        """The units without an outline."""
        return [unit for unit in self.units if unit.shape is None]

    @property
    def drawn(self) -> list[Mapped]:
        return [unit for unit in self.units if unit.shape is not None]


def build(
    *, campaign: Campaign, units: Sequence[Unit], scope: Unit, figure: str, reader: Reader | None, today: date
) -> Map:
    """Read the figure of the units below `scope`: a district's townships, a township's villages.

    `units`: all of the district in official order. `reader` None: nothing opens (a screen without a login).
    """
    chosen = choices()[figure]
    level = Unit.Kind.TOWNSHIP if scope.kind == Unit.Kind.DISTRICT else Unit.Kind.VILLAGE
    taking_part = set(campaign.units.values_list("code", flat=True))
    members = [
        unit
        for unit in units
        if unit.kind == level and unit.is_active and unit.code.startswith(scope.code) and takes_part(unit, taking_part)
    ]
    found = _read(campaign, chosen, today)
    drawing, datum = _drawing(scope, members)
    values = {unit.code: _value(found.get(unit.code)) for unit in members}
    judged = [value for code, value in values.items() if value is not None and not _is_few(found.get(code))]
    bounds = cut(judged)
    links = Links.of(campaign)

    def mapped(unit: Unit, number: int) -> Mapped:
        reading = found.get(unit.code)
        value = _value(reading)
        few = value is not None and _is_few(reading)
        at = bisect_left([high for _low, high in bounds], value) if value is not None and not few else None
        if at is not None and at >= len(bounds):  # the whole may lie beyond its parts
            at = None
        word = _("too few cases") if few else _("no base") if at is None else str(WORDS[len(bounds)][at])
        return Mapped(
            unit=unit,
            number=number,
            value=value,
            reading=reading if isinstance(reading, Reading) else None,
            shade=0 if at is None else SHADES[len(bounds)][at],
            word=word,
            is_few=few,
            url=_url(campaign, unit, chosen) if unit.kind == Unit.Kind.TOWNSHIP else page_url(campaign, unit),
            page_url=page_url(campaign, unit),
            rows_url=_rows_url(reader, links, unit.code, chosen.rows) if value else "",
            shape=drawing.shapes.get(unit.code) if drawing else None,
        )

    lines = [mapped(unit, number) for number, unit in enumerate(members, 1)]
    return Map(
        campaign=campaign,
        scope=scope,
        figure=chosen,
        units=lines,
        classes=_legend(chosen, bounds, lines),
        total=mapped(scope, 0),
        drawing=drawing,
        datum=datum,
        counted_at=facts.counted_at(),
    )


def takes_part(unit: Unit, codes: set[str]) -> bool:
    """Is the unit, a part of it or what it is part of among the campaign's? Without any, all are."""
    return not codes or any(unit.code.startswith(code) or code.startswith(unit.code) for code in codes)


def page_url(campaign: Campaign, unit: Unit) -> str:
    """The unit's own page."""
    return f"{reverse('boards:unit', args=[unit.code])}?{urlencode({'campaign': str(campaign.pk)})}"


def _url(campaign: Campaign, unit: Unit, figure: Figure) -> str:
    asked = {"campaign": str(campaign.pk), "unit": unit.code, "figure": figure.key}
    return reverse("reports:map") + "?" + urlencode(asked)


def _rows_url(reader: Reader | None, links: Links, code: str, key: str) -> str:
    if reader is None:
        return ""
    if key in figures.HOUSEHOLDS:
        pattern = links.households if reader.opens_households(code) else ""
    else:
        pattern = links.issues if reader.issues else ""
    return pattern.replace(LINK_CODE, code).replace(LINK_FIGURE, key)


def _read(campaign: Campaign, figure: Figure, today: date) -> Mapping[str, Reading | int]:
    if figure.is_rate:
        found = readings.read(campaign, first=None, last=today, today=today)
        return {code: each[figure.key] for code, each in found.items() if figure.key in each}
    counted = readings.counts(campaign, first=None, last=today, today=today)
    return {code: each[figure.key] for code, each in counted.items()}


def _value(reading: Reading | int | None) -> Decimal | None:
    if isinstance(reading, Reading):
        return reading.value
    return None if reading is None else Decimal(reading)


def _is_few(reading: Reading | int | None) -> bool:
    return isinstance(reading, Reading) and reading.denominator < settings.RANKING_MIN_DENOMINATOR


def cut(values: Sequence[Decimal]) -> list[tuple[Decimal, Decimal]]:
    """Cut values into at most five classes of about as many units each, lowest first: (least, most) of each.

    Equal values are never parted. No values, no classes.
    """
    ordered = sorted(values)
    distinct = sorted(set(values))
    if len(distinct) <= MOST_CLASSES:
        return [(value, value) for value in distinct]
    # a class ends with the value that stands at the end of its fifth
    ends = sorted({ordered[len(ordered) * part // MOST_CLASSES - 1] for part in range(1, MOST_CLASSES)} | {ordered[-1]})
    classes = []
    low = distinct[0]
    for end in ends:
        classes.append((low, end))
        low = next((value for value in distinct if value > end), end)
    return classes


def _legend(figure: Figure, bounds: Sequence[tuple[Decimal, Decimal]], lines: Sequence[Mapped]) -> list[Class]:
    def say(value: Decimal) -> str:
        return f"{value}%" if figure.is_rate else f"{value:,}"

    classes = []
    for at, (low, high) in enumerate(bounds):
        shade = SHADES[len(bounds)][at]
        text = say(low) if low == high else _("%(low)s to %(high)s") % {"low": say(low), "high": say(high)}
        members = sum(line.shade == shade for line in lines)
        classes.append(Class(shade, str(WORDS[len(bounds)][at]), text, members))
    few = sum(line.is_few for line in lines)
    if few:
        text = _("fewer than %(count)d") % {"count": settings.RANKING_MIN_DENOMINATOR}
        classes.append(Class(0, _("too few cases"), text, few))
    none = sum(not line.shade and not line.is_few for line in lines)
    if none:
        classes.append(Class(0, _("no base"), "—", none))
    return classes


def _drawing(scope: Unit, members: Sequence[Unit]) -> tuple[Drawing | None, str]:
    """The outlines of the members, and what their coordinates are. A township without one is its villages.

    Two queries, one where it was drawn before: outlines of a district may be megabytes.
    """
    kept = Boundary.objects.filter(unit__code__startswith=scope.code).order_by("unit__code")
    versions = list(kept.values_list("unit__code", "file_id", "file__datum"))
    if not versions:
        return None, ""
    datum = str(BoundaryFile.Datum(versions[-1][2]).label)
    seed = repr((versions, [unit.code for unit in members])).encode()
    key = f"map-drawing:{scope.code}:{hashlib.sha256(seed).hexdigest()[:32]}"
    drawing: Drawing | None = cache.get(key)
    if drawing is None:
        outlines: dict[str, list[Polygon]] = dict(kept.values_list("unit__code", "polygons"))
        drawing = map_shapes.draw({unit.code: parts for unit in members if (parts := _outline(unit.code, outlines))})
        cache.set(key, drawing, DRAWING_KEPT_SECONDS)
    return (drawing, datum) if drawing.shapes else (None, "")


def _outline(code: str, outlines: Mapping[str, list[Polygon]]) -> list[Polygon]:
    own = outlines.get(code)
    if own is not None:
        return own
    return [part for village, parts in outlines.items() if village.startswith(code) for part in parts]
