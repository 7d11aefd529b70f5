"""Due days against an oracle that shares no code with the program: the State Council's holiday notices, written out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from issues import clock
from issues.models import KindLimit
from outreach import calendar

LIMITS = {"hazard": (3, 1), "consultation": (3, 1), "need": (7, 1), "dispute": (15, 1), "suggestion": (7, 1)}


def span(first, last):
    """The days from one "MMDD" to another of a year, both counted."""
    days = (last - first).days
    return {first + timedelta(days=n) for n in range(days + 1)}


def year_of(year, off, on):
    holidays = set().union(*(span(date(year, a // 100, a % 100), date(year, b // 100, b % 100)) for a, b in off))
    return holidays, {date(year, day // 100, day % 100) for day in on}


# 国务院办公厅关于2024、2025、2026年部分节假日安排的通知: days off, and weekends worked
NOTICES = [
    year_of(
        2024,
        [(101, 101), (210, 217), (404, 406), (501, 505), (610, 610), (915, 917), (1001, 1007)],
        [204, 218, 407, 428, 511, 914, 929, 1012],
    ),
    year_of(
        2025,
        [(101, 101), (128, 131), (201, 204), (404, 406), (501, 505), (531, 531), (601, 602), (1001, 1008)],
        [126, 208, 427, 928, 1011],
    ),
    year_of(
        2026,
        [(101, 103), (215, 223), (404, 406), (501, 505), (619, 621), (925, 927), (1001, 1007)],
        [104, 214, 228, 509, 920, 1010],
    ),
]
OFF = set().union(*(off for off, _on in NOTICES))
ON = set().union(*(on for _off, on in NOTICES))


def oracle(year_first, year_last):
    """All working days, in order."""
    return sorted(
        day
        for day in span(date(year_first, 1, 1), date(year_last, 12, 31))
        if day in ON or (day.weekday() < 5 and day not in OFF)
    )


def test_every_due_day_of_three_years_equals_the_oracle():
    working = oracle(2024, 2026)
    # the published calendar, read once: asking the package for each of 700 000 steps takes half a minute
    table = {day: calendar.is_workday(day, {}) for day in span(date(2024, 1, 1), date(2026, 12, 31))}
    mistakes, checked = [], 0
    for start in sorted(span(date(2024, 1, 1), date(2026, 11, 1))):
        after = next(index for index, day in enumerate(working) if day > start)
        for days in range(1, 31):
            got = clock.due_on(
                dispatched_on=start,
                kind="need",
                category_limits=[days],
                kind_limits=LIMITS,
                is_urgent=False,
                table=table,
            )
            checked += 1
            if got != working[after + days - 1]:
                mistakes.append((start, days, got, working[after + days - 1]))
    assert checked == 31_080 and mistakes == []


@pytest.mark.parametrize(
    ("kind", "own", "is_urgent", "days"),
    [
        ("need", [], False, 7),
        ("consultation", [None, None], False, 3),
        ("dispute", [], False, 15),
        ("suggestion", [], False, 7),
        ("hazard", [], True, 1),
        ("hazard", [], False, 3),
        ("need", [None, 10], False, 10),  # the root's limit, where the category has none
        ("need", [2, 10], False, 2),  # the nearest
        ("dispute", [30], True, 1),  # urgent never has longer than the urgent limit
    ],
)
def test_the_limit_is_that_of_the_nearest_category_else_of_the_kind(kind, own, is_urgent, days):
    assert clock.limit(kind=kind, category_limits=own, kind_limits=LIMITS, is_urgent=is_urgent) == days


def test_a_short_limit_of_a_category_stays_short_when_urgent_is_longer():
    assert clock.limit(kind="need", category_limits=[1], kind_limits={"need": (7, 2)}, is_urgent=True) == 1


def test_the_calendar_table_stands_above_the_published_calendar():
    monday = date(2026, 11, 23)
    due = clock.due_on(
        dispatched_on=monday,
        kind="consultation",
        category_limits=[],
        kind_limits=LIMITS,
        is_urgent=False,
        table={date(2026, 11, 24): False},
    )
    assert due == date(2026, 11, 27)


@pytest.mark.django_db
def test_the_limits_that_are_shipped_are_the_domain_s():
    assert {row.kind: (row.workdays, row.urgent_workdays) for row in KindLimit.objects.all()} == LIMITS
