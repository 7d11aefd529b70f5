"""Charts: what is drawn, as plain data. The component {% chart %} makes a table of it; static/js/chart.js draws that
table, so that picture and table cannot differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from django.utils.functional import Promise

# lines and bars share axes; in a stack the bars of one label stand on each other; a waterfall leads from its first
# value over changes to its last; a scatter has two series, x and y, and a point for each label
KINDS = ("bar", "line", "stacked", "waterfall", "scatter")
# "table": it stands in the table alone
SERIES_KINDS = ("bar", "line", "table")
# "plain": the next colour of the palette
TONES = ("plain", "accent", "good", "warn", "bad", "neutral")

Value = Decimal | int | None


@dataclass(frozen=True, slots=True)
class Series:
    """A row of values, one for each label; None: nothing to show there. `unit`: where it is not the chart's."""

    name: str | Promise
    values: Sequence[Value]
    kind: str = ""  # "bar", "line" or "table"; "": as the chart
    tone: str = "plain"
    unit: str | Promise = ""

    def __post_init__(self) -> None:
        if self.kind not in ("", *SERIES_KINDS):
            raise ValueError(f"a series is drawn as one of {SERIES_KINDS}, not {self.kind!r}")
        if self.tone not in TONES:
            raise ValueError(f"a series' tone is one of {TONES}, not {self.tone!r}")


class Cell(NamedTuple):
    """A value in the table: as JavaScript reads it ("" for none) and as people do."""

    value: str
    shown: str


class Row(NamedTuple):
    """A label with its values in the table."""

    label: str
    url: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart. Raises ValueError where it would not show what it says.

    `urls`: for each label the page behind it, or "". `lying`: bars lie, one line for each label, for names of units.
    `better`: whether a rise in a waterfall is good ("up"), bad ("down") or neither (""). Values keep the decimals
    they come with: hand over rates rounded as they shall be read.
    """

    title: str | Promise
    labels: Sequence[str | Promise]
    series: Sequence[Series]
    kind: str = "bar"
    unit: str | Promise = ""
    note: str | Promise = ""
    label_name: str | Promise = ""
    urls: Sequence[str] = ()
    lying: bool = False
    better: str = "up"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a chart is one of {KINDS}, not {self.kind!r}")
        if self.better not in ("up", "down", ""):
            raise ValueError('better is "up", "down" or ""')
        if any(len(series.values) != len(self.labels) for series in self.series):
            raise ValueError("a series has one value for each label")
        if self.urls and len(self.urls) != len(self.labels):
            raise ValueError("there is one address for each label, or none at all")
        if self.kind == "scatter" and len(self.drawn) != 2:
            raise ValueError("a scatter has two series: what lies along and what stands up")
        if self.kind == "waterfall":
            self._check_waterfall()

    def _check_waterfall(self) -> None:
        if len(self.series) != 1 or len(self.labels) < 2 or None in self.series[0].values:
            raise ValueError("a waterfall has one series without gaps, from a first value over changes to a last")
        *before, last = (value for value in self.series[0].values if value is not None)
        if sum(before) != last:
            raise ValueError("a waterfall's first value and its changes add up to its last")

    @property
    def drawn(self) -> list[Series]:
        """The series that are drawn."""
        return [series for series in self.series if series.kind != "table"]

    @property
    def rows(self) -> list[Row]:
        """The table: a row for each label."""
        urls = self.urls or [""] * len(self.labels)
        return [
            Row(str(label), url, [_cell(series.values[number]) for series in self.series])
            for number, (label, url) in enumerate(zip(self.labels, urls, strict=True))
        ]

    @property
    def is_empty(self) -> bool:
        """Is there nothing at all to draw?"""
        return not any(value is not None for series in self.drawn for value in series.values)


def _cell(value: Value) -> Cell:
    if value is None:
        return Cell("", "—")
    if isinstance(value, Decimal):
        return Cell(f"{value:f}", f"{value:,f}")
    return Cell(str(value), f"{value:,}")
