"""Frozen scores as pages show them: movement, change, what moved a score, progress against elapsed time.

Nothing here is counted anew: all of it is read from snapshots and from the past scores that were imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from django.db.models import Case, When
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from outreach.charts import Chart, Series
from reports.indicators import HUNDREDTH
from reports.models import PastScore, Snapshot
from reports.models.snapshots import SnapshotQuerySet
from reports.schemes import SchemeContent
from reports.scoring import GroupScore, LineScore, Scoreboard, UnitScore, yellow_cards

# A snapshot of the year before: its last day may lie so far from the same day.
NEAR = timedelta(days=20)
ZERO = Decimal(0)
# Kinds of periods that follow each other, and the most days from the end of one to the end of the next.
PERIODS = {Snapshot.Kind.WEEKLY: 10, Snapshot.Kind.MONTHLY: 34}
PERIODS_READ = 2  # a period may have been revised


# ---- which snapshot to compare with


def previous(snapshot: Snapshot, visible: SnapshotQuerySet) -> Snapshot | None:
    """Return the snapshot before this one that its movement is told against, or None where there is none.

    Of the same campaign and scheme (any version), ending earlier: one in force where this one is published, else the
    latest that stands. One of the same kind comes first: a month is held against a month.
    """
    rows = visible.filter(
        campaign_id=snapshot.campaign_id, scheme__name=snapshot.scheme.name, last__lt=snapshot.last
    ).defer("inputs")
    rows = rows.published() if snapshot.published_at else rows.standing()
    of_another_kind = Case(When(kind=snapshot.kind, then=0), default=1)
    return rows.order_by(of_another_kind, "-last", "-revision", "-pk").first()


def year_before(snapshot: Snapshot, visible: SnapshotQuerySet) -> Snapshot | None:
    """Return the published snapshot of the year before, by the same scheme's name, nearest to the same day."""
    day = _year_earlier(snapshot.last)
    rows = (
        visible.published()
        .filter(
            campaign__district_id=snapshot.campaign.district_id,
            scheme__name=snapshot.scheme.name,
            last__range=(day - NEAR, day + NEAR),
        )
        .defer("inputs")
    )
    return min(rows, key=lambda row: (abs(row.last - day), -row.pk), default=None)


def _year_earlier(day: date) -> date:
    return day.replace(year=day.year - 1, day=min(day.day, 28) if day.month == 2 else day.day)


def past_scores(codes: Iterable[str], snapshot: Snapshot) -> dict[str, PastScore]:
    """Return unit code → its imported score of the year before: of the whole year for a final snapshot, else of the
    same month. A week's score beside a year's would compare what cannot be compared."""
    month = 0 if snapshot.kind == Snapshot.Kind.FINAL else snapshot.last.month
    rows = PastScore.objects.filter(unit__code__in=list(codes), year=snapshot.last.year - 1, month=month)
    return {row.unit.code: row for row in rows.select_related("unit")}


# ---- movement


@dataclass(frozen=True)
class Cell:
    """One line's marks in the table of a ranking."""

    label: str
    marks: Decimal | None
    value: Decimal | None
    is_counted: bool


@dataclass(frozen=True)
class Standing:
    """A unit in a ranking, beside where it stood before. `moved`: places gained; None: no base to say."""

    unit: UnitScore
    moved: int | None
    change: Decimal | None  # of the total, in marks
    year_change: Decimal | None
    coverage: Decimal | None  # percent of the households visited
    ahead: Decimal | None  # percentage points before (or behind) the elapsed time
    cells: Sequence[Cell]
    low_periods: int = 0  # a yellow card's: how many periods running the total was too low


def standings(
    group: GroupScore,
    *,
    before: GroupScore | None = None,
    year: Mapping[str, Decimal] | None = None,
    counts: Mapping[str, Mapping[str, int]] | None = None,
    elapsed: Decimal | None = None,
    yellow: Mapping[str, int] | None = None,
) -> list[Standing]:
    """Return the ranking's units in its order. `year`: unit code → the total a year before; `yellow`: see `cards`."""
    old = {unit.code: unit for unit in before.units} if before else {}
    columns = columns_of(group)
    found = []
    for unit in group.units:
        was = old.get(unit.code)
        coverage = _coverage((counts or {}).get(unit.code, {}))
        found.append(
            Standing(
                unit=unit,
                moved=was.rank - unit.rank if was and was.rank is not None and unit.rank is not None else None,
                change=_difference(unit.total, was.total if was else None),
                year_change=_difference(unit.total, (year or {}).get(unit.code)),
                coverage=coverage,
                ahead=_difference(coverage, elapsed),
                cells=_cells(unit, columns),
                low_periods=(yellow or {}).get(unit.code, 0),
            )
        )
    return found


def cards(snapshot: Snapshot, scheme: SchemeContent, group_key: str, visible: SnapshotQuerySet) -> dict[str, int]:
    """Return the units of a ranking that get a yellow card → periods running they were too low in, up to this one.

    Periods are weeks or months, one after the other without a gap; other snapshots have none. At most one query.
    """
    if scheme.yellow is None or snapshot.kind not in PERIODS:
        return {}
    rows = visible.filter(
        campaign_id=snapshot.campaign_id,
        scheme__name=snapshot.scheme.name,
        kind=snapshot.kind,
        last__lt=snapshot.last,
    ).defer("inputs")
    rows = rows.published() if snapshot.published_at else rows.standing()
    newest_first = [snapshot]
    for row in rows.order_by("-last", "-revision", "-pk")[: PERIODS_READ * scheme.yellow.months]:
        gap = (newest_first[-1].last - row.last).days
        if gap > PERIODS[Snapshot.Kind(snapshot.kind)] or len(newest_first) == scheme.yellow.months:
            break
        if gap:  # of one period's revisions the newest counts
            newest_first.append(row)
    boards = [Scoreboard((found,)) for row in reversed(newest_first) if (found := row.group(group_key))]
    return yellow_cards(scheme, boards)


def columns_of(group: GroupScore) -> list[tuple[str, str]]:
    """Return key and label of the lines that units of the ranking have, in order, adjustments as one column."""
    found: dict[str, str] = {}
    for unit in group.units:
        for line in unit.lines:
            if line.kind in ("line", "off"):
                found.setdefault(line.key, label_of(line))
    if any(line.kind not in ("line", "off") for unit in group.units for line in unit.lines):
        found["*"] = _("Bonus, deductions and limits")
    return list(found.items())


def label_of(line: LineScore) -> str:
    """Return what a line is called: the scheme's words, or the program's in the reader's language."""
    label = _(line.label)
    return _("Appeal granted: %(line)s") % {"line": label} if line.kind == "appeal" else label


def _cells(unit: UnitScore, columns: Sequence[tuple[str, str]]) -> list[Cell]:
    lines = {line.key: line for line in unit.lines}
    cells = []
    for key, label in columns:
        if key == "*":
            others = [line.marks for line in unit.lines if line.kind not in ("line", "off") and line.marks is not None]
            cells.append(Cell(label, sum(others, ZERO) if others else None, None, bool(others)))
            continue
        line = lines.get(key)
        reading = line.reading if line else None
        cells.append(
            Cell(
                label,
                line.marks if line else None,
                reading.value if reading else None,
                bool(line and line.marks is not None),
            )
        )
    return cells


def _difference(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if now is None or before is None else now - before


def _coverage(counts: Mapping[str, int]) -> Decimal | None:
    to_visit = counts.get("to_visit", 0)
    if not to_visit:
        return None
    return (Decimal(100 * counts.get("covered", 0)) / to_visit).quantize(HUNDREDTH, ROUND_HALF_UP)


def elapsed_share(starts_on: date, ends_on: date, last: date) -> Decimal:
    """Return the share of the campaign's days that are over on the evening of `last`, in percent, 0 … 100."""
    days = (ends_on - starts_on).days + 1
    over = min(max((last - starts_on).days + 1, 0), days)
    return (Decimal(100 * over) / days).quantize(HUNDREDTH, ROUND_HALF_UP)


# ---- why a score moved


@dataclass(frozen=True)
class Moved:
    """What one line did to the total between two snapshots, and the readings it came from."""

    key: str
    label: str
    before: LineScore | None
    after: LineScore | None

    @property
    def delta(self) -> Decimal:
        """The marks won or lost."""
        return _marks(self.after) - _marks(self.before)

    @property
    def value_change(self) -> Decimal | None:
        """The change of the line's value, in percentage points for a rate; None: no base."""
        now = self.after.reading.value if self.after and self.after.reading else None
        was = self.before.reading.value if self.before and self.before.reading else None
        return _difference(now, was)


def _marks(line: LineScore | None) -> Decimal:
    return ZERO if line is None or line.marks is None else line.marks


def moves(before: UnitScore, after: UnitScore) -> list[Moved]:
    """Return what each line did to the total, in the order of the new sheet, lines only the old one has at the end.

    The deltas add up to the difference of the totals: a total is the sum of its lines.
    """
    old = {line.key: line for line in before.lines}
    new = {line.key: line for line in after.lines}
    found = [Moved(line.key, label_of(line), old.get(line.key), line) for line in after.lines]
    found += [Moved(line.key, label_of(line), line, None) for line in before.lines if line.key not in new]
    return found


def waterfall(before: UnitScore, after: UnitScore, *, first: str, last: str) -> Chart | None:
    """Return the chart from the old total over each line's change to the new one; None where a total is missing.

    Lines that did not move are left out. `first`, `last`: what the two snapshots are called.
    """
    if before.total is None or after.total is None:
        return None
    steps = [step for step in moves(before, after) if step.delta]
    rest = after.total - before.total - sum((step.delta for step in steps), ZERO)
    labels = [first, *(step.label for step in steps), *([_("Rounding")] if rest else []), last]
    values = [before.total, *(step.delta for step in steps), *([rest] if rest else []), after.total]
    values = [value.quantize(HUNDREDTH) for value in values]
    return Chart(
        title=_("What moved the score"),
        labels=labels,
        series=[Series(name=_("Marks"), values=values)],
        kind="waterfall",
        unit=pgettext("chart", "marks"),
        label_name=_("Line"),
        note=_("Each bar is what one line won or lost; lines that did not move are left out."),
    )


def overtakers(before: GroupScore, after: GroupScore, code: str) -> tuple[list[str], list[str]]:
    """Return who passed the unit since the snapshot before, and whom it passed, as names in order of rank."""
    old = {unit.code: unit.rank for unit in before.units}
    new = {unit.code: unit.rank for unit in after.units}
    was, now = old.get(code), new.get(code)
    if was is None or now is None:
        return [], []
    passed_by, passed = [], []
    for unit in after.units:
        then = old.get(unit.code)
        if unit.rank is None or then is None or unit.code == code:
            continue
        if then >= was and unit.rank < now:
            passed_by.append(unit.name)
        elif then <= was and unit.rank > now:
            passed.append(unit.name)
    return passed_by, passed


# ---- trend


class Point(NamedTuple):
    """A score in time. `is_year`: a whole year's, which no week's stands beside."""

    when: str
    score: Decimal | None
    rank: int | None
    is_year: bool = False


def trend(unit_code: str, snapshots: Sequence[Snapshot], past: Sequence[PastScore]) -> list[Point]:
    """Return the unit's scores, the oldest first: imported ones, then snapshots by their last day."""
    rows = [
        Point(
            f"{row.year}-{row.month:02d}" if row.month else _("all of %(year)d") % {"year": row.year},
            row.score,
            row.rank,
            not row.month,
        )
        for row in sorted(past, key=lambda row: (row.year, row.month or 13))
    ]
    for snapshot in sorted(snapshots, key=lambda row: (row.last, row.pk)):
        unit = _raw_unit(snapshot.result, unit_code)
        if unit is not None:
            total = unit["total"]
            rows.append(Point(snapshot.last.isoformat(), None if total is None else Decimal(total), unit["rank"]))
    return rows


def _raw_unit(result: Mapping[str, Any], code: str) -> Mapping[str, Any] | None:
    return next((unit for group in result["groups"] for unit in group["units"] if unit["code"] == code), None)


def trend_chart(points: Sequence[Point]) -> Chart | None:
    """Return the scores over time, whole years as bars apart from the line; None where there are fewer than two."""
    if sum(point.score is not None for point in points) < 2:
        return None

    def values(is_year: bool) -> list[Decimal | None]:
        return [
            None if point.score is None or point.is_year != is_year else point.score.quantize(HUNDREDTH)
            for point in points
        ]

    series = [Series(name=_("Score"), values=values(False))]
    if any(point.is_year for point in points):
        series.insert(0, Series(name=_("Score of the whole year"), values=values(True), kind="bar", tone="neutral"))
    return Chart(
        title=_("Scores over time"),
        labels=[point.when for point in points],
        series=series,
        kind="line",
        unit=pgettext("chart", "marks"),
        label_name=_("As of"),
        note=_(
            "Imported scores first, then the published snapshots of this campaign. A whole year's score is drawn as a "
            "bar of its own: a snapshot counts what has come together so far, and the two are not compared."
        ),
    )
