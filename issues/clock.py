"""Due days and lateness, in Chinese working days. Pure: limits, segments and the calendar's table are handed in.

The clock of an issue is a ledger of segments: which unit held it from when to when, and whether the time ran, was
paused, or the result was under review. The segments of an issue follow one another; between them there is a gap only
where the issue had ended and was taken up again. All days are days of the district's clock, both ends included, because
a segment ends on the day on which the next one starts.

**A day stands still where nothing of it ran.** A day touched by a running segment, be it for a minute, is a day of
running: pausing and resuming on one day changes nothing, and the day an issue is finished counts for its holder.

**A standstill counts when it is over.** While the clock stands nobody can be late, so the due day stays where it is;
when the time runs again the due day moves by the working days that stood still. What comes after the due day moves
nothing: a late unit does not become punctual because its result was looked at for a week.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from outreach import calendar

ONE_DAY = timedelta(days=1)


class Kind(StrEnum):
    """What the clock of an issue does."""

    RUNNING = "running"  # the holder's time
    PAUSED = "paused"  # approved from above: waiting for papers, for a season, for an answer from above the district
    REVIEWING = "reviewing"  # reported done: others verify and call back


@dataclass(frozen=True)
class Segment:
    """A stretch of an issue: the unit's id, what the clock did, its first and last local day (None: open)."""

    unit: int
    kind: Kind
    start: date
    end: date | None


def limit(
    *, kind: str, category_limits: Sequence[int | None], kind_limits: Mapping[str, tuple[int, int]], is_urgent: bool
) -> int:
    """Return the working days an issue may take.

    `category_limits`: of the category, its parent and so on up to the root; the first that is not None holds.
    `kind_limits`: kind → (limit, limit when urgent), for when no category has one. An urgent issue never has longer
    than its kind's urgent limit. Raises KeyError for an unknown kind.
    """
    ordinary, urgent = kind_limits[kind]
    days = next((own for own in category_limits if own is not None), ordinary)
    return min(days, urgent) if is_urgent else days


def deadline(
    *, dispatched_on: date, limit: int, extended: int, segments: Sequence[Segment], table: calendar.Overrides
) -> date:
    """Return the last day in time: the last working day before the clock has run one day too many.

    It may run on `limit` + `extended` (the time granted on top) working days after the day of dispatch. `segments` are
    the whole ledger in order, of which the units do not matter here: sending an issue on gives no time. Before the
    dispatch, hand in the day it would be dispatched. `table` is `calendar.overrides()`, read once. The result depends
    on nothing else, today included, so computing it again changes nothing; and a longer standstill never makes it
    earlier. Raises ValueError where `limit` + `extended` is less than one day or one of them is negative.
    """
    left = limit + extended
    if left < 1 or limit < 0 or extended < 0:
        raise ValueError("an issue has at least one working day")
    still = standstill(segments)
    day = last = dispatched_on
    while left >= 0:
        day += ONE_DAY
        if calendar.is_workday(day, table):
            left -= day not in still
            last = day if left >= 0 else last
    return last


def standstill(segments: Sequence[Segment]) -> set[date]:
    """Return the days, working or not, on which the clock stood still and after which it ran again."""
    running = [segment for segment in segments if segment.kind == Kind.RUNNING]
    if not running:
        return set()
    first, resumed = running[0].start, max(segment.start for segment in running)
    ran = {day for segment in running for day in days_of(segment, until=resumed)}
    return {day for day in days_between(first, resumed) if day not in ran}


def late_by_unit(*, due: date, segments: Sequence[Segment], today: date, table: calendar.Overrides) -> dict[int, int]:
    """Return unit id → working days of running after the due day charged to it; units without any are left out.

    The values add up to the working days the issue was late in all, as of `today`. See `held_by_unit`.
    """
    return held_by_unit(after=due, segments=segments, today=today, table=table)


def held_by_unit(*, after: date, segments: Sequence[Segment], today: date, table: calendar.Overrides) -> dict[int, int]:
    """Return unit id → working days it held the issue running, of the days after `after` up to and including `today`.

    A day belongs to the unit that held the issue last on it while the clock ran: who hands an issue on gives the day
    away, who finishes it keeps the day. With the day of dispatch as `after`, the values add up to the days of the
    limit used so far. Units without any day are left out.
    """
    holder: dict[date, int] = {}
    for segment in segments:
        if segment.kind == Kind.RUNNING:
            holder.update(dict.fromkeys(days_of(segment, until=today), segment.unit))
    days: dict[int, int] = {}
    for day, unit in holder.items():
        if day > after and calendar.is_workday(day, table):
            days[unit] = days.get(unit, 0) + 1
    return days


def days_of(segment: Segment, *, until: date) -> Iterator[date]:
    """Yield the days of `segment`, its first and last included, none of them after `until`."""
    return days_between(segment.start, until if segment.end is None else min(segment.end, until))


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield the days from `first` to `last`, both included; none where `last` comes first."""
    while first <= last:
        yield first
        first += ONE_DAY


def due_on(
    *,
    dispatched_on: date,
    kind: str,
    category_limits: Sequence[int | None],
    kind_limits: Mapping[str, tuple[int, int]],
    is_urgent: bool,
    table: calendar.Overrides,
) -> date:
    """Return the due day of an issue whose clock never stood still. For the arguments and errors see `limit`."""
    days = limit(kind=kind, category_limits=category_limits, kind_limits=kind_limits, is_urgent=is_urgent)
    return deadline(dispatched_on=dispatched_on, limit=days, extended=0, segments=(), table=table)
