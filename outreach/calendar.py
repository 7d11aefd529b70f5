"""Chinese working days, 调休 included: the published calendar of chinesecalendar, and CalendarDay above it.

A year nobody published yet is counted by weekends and raises an alarm (`unknown_years`), never an exception: a
deadline that may move by a day is better than no deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache

import chinese_calendar
from django.utils import timezone

from outreach.models import CalendarDay

# The State Council's notice moves about 30 days of a year; a few entered days are not yet the year's calendar.
PUBLISHED_DAYS = 10

Overrides = Mapping[date, bool]


def overrides() -> dict[date, bool]:
    """Read the table once: day → is it a working day. Hand it to the functions below when asking often."""
    return dict(CalendarDay.objects.values_list("day", "is_workday"))


def is_workday(day: date, table: Overrides | None = None) -> bool:
    """Say whether `day` is a working day."""
    table = overrides() if table is None else table
    if day in table:
        return table[day]
    published = _published(day.year)
    return day.weekday() < 5 if published is None else day in published


def add_workdays(day: date, count: int, table: Overrides | None = None) -> date:
    """Return the `count`-th working day after `day`; 0 gives `day` itself if it is one, else the next.

    Raises ValueError for a negative count.
    """
    if count < 0:
        raise ValueError("count must not be negative")
    table = overrides() if table is None else table
    if count == 0:
        while not is_workday(day, table):
            day += timedelta(days=1)
        return day
    while count:
        day += timedelta(days=1)
        count -= is_workday(day, table)
    return day


def workdays_between(start: date, end: date, table: Overrides | None = None) -> int:
    """Count the working days after `start` up to and including `end`; negative where `end` comes first."""
    table = overrides() if table is None else table
    first, last, sign = (start, end, 1) if start <= end else (end, start, -1)
    days = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
    return sign * sum(is_workday(day, table) for day in days)


def more_than_workdays_ago(today: date, count: int, table: Overrides | None = None) -> date:
    """Return the last day after which, up to and including `today`, lie more than `count` working days: a query asks
    `day <= more_than_workdays_ago(…)` where workdays_between(day, today) > count is meant."""
    table = overrides() if table is None else table
    day, left = today, count + 1
    while left:
        left -= is_workday(day, table)
        day -= timedelta(days=1)
    return day


def unknown_years(today: date | None = None) -> list[int]:
    """Return the years within the next 90 days whose working days nobody published: the alarm for administrators."""
    today = today or timezone.localdate()
    return [year for year in sorted({today.year, (today + timedelta(days=90)).year}) if not _is_published(year)]


def _is_published(year: int) -> bool:
    return _published(year) is not None or CalendarDay.objects.filter(day__year=year).count() >= PUBLISHED_DAYS


@cache
def _published(year: int) -> frozenset[date] | None:
    """The working days of a year, or None where nobody published it: the package takes 40 µs for each question."""
    days = (date(year, 1, 1) + timedelta(days=n) for n in range((date(year, 12, 31) - date(year, 1, 1)).days + 1))
    try:
        return frozenset(day for day in days if chinese_calendar.is_workday(day))
    except NotImplementedError:
        return None
