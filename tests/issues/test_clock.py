"""Due days and lateness against oracles that share no code with the program: the State Council's holiday notices
written out day by day, and histories replayed as events where the program reads segments."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from issues import clock
from issues.clock import Kind, Segment
from issues.models import KindLimit
from outreach import calendar

LIMITS = {"hazard": (3, 1), "consultation": (3, 1), "need": (7, 1), "dispute": (15, 1), "suggestion": (7, 1)}
NOTICES = Path(__file__).parents[1] / "data" / "state_council_days.csv"
HISTORIES = 12_000
DAY = timedelta(days=1)


def oracle_workdays():
    """All working days of 2024–2027 in order, by the notices; nobody published 2027, which is counted by weekends."""
    with NOTICES.open(encoding="utf-8") as lines:
        notices = {row["day"]: row["what"] for row in csv.DictReader(line for line in lines if line[0] != "#")}
    days = [date(2024, 1, 1) + n * DAY for n in range((date(2027, 12, 31) - date(2024, 1, 1)).days + 1)]
    return [day for day in days if notices.get(str(day), "work" if day.weekday() < 5 else "off") == "work"]


WORKDAYS = oracle_workdays()
IS_WORKDAY = frozenset(WORKDAYS)


def due(start, days, table=None, segments=(), extended=0):
    return clock.deadline(
        dispatched_on=start, limit=days, extended=extended, segments=segments, table={} if table is None else table
    )


def test_every_due_day_of_three_years_equals_the_oracle():
    mistakes, checked, start = [], 0, date(2024, 1, 1)
    while start <= date(2026, 12, 31):
        after = next(index for index, day in enumerate(WORKDAYS) if day > start)
        for days in range(1, 31):
            got, expected = due(start, days), WORKDAYS[after + days - 1]
            checked += 1
            if got != expected:
                mistakes.append((start, days, got, expected))
        start += DAY
    assert checked == 1096 * 30 and mistakes == []


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
    assert due(date(2026, 11, 23), 3, table={date(2026, 11, 24): False}) == date(2026, 11, 27)
    assert due(date(2026, 11, 27), 1, table={date(2026, 11, 28): True}) == date(2026, 11, 28)


@pytest.mark.parametrize(("days", "extended"), [(0, 0), (-1, 5), (3, -1)])
def test_a_deadline_without_a_single_day_is_refused(days, extended):
    with pytest.raises(ValueError, match="at least one"):
        due(date(2026, 11, 23), days, extended=extended)


# One story by hand. Monday 2026-11-02 is the day of dispatch; the week has no holiday.
def november(day):
    return date(2026, 11, day)


def story(*parts):
    """Segments from (unit, kind, first day) in order; the last stays open."""
    ends = [start for _unit, _kind, start in parts[1:]] + [None]
    return [Segment(unit, kind, november(s), e and november(e)) for (unit, kind, s), e in zip(parts, ends, strict=True)]


def test_a_pause_gives_back_the_whole_days_it_took_once_it_is_over():
    paused = story((1, Kind.RUNNING, 2), (1, Kind.PAUSED, 4))
    assert due(november(2), 5, segments=paused) == november(9)
    resumed = story((1, Kind.RUNNING, 2), (1, Kind.PAUSED, 4), (1, Kind.RUNNING, 9))
    # 5, 6 stood still; 4 and 9 ran for a while; 7 and 8 are a weekend
    assert due(november(2), 5, segments=resumed) == november(11)


def test_a_pause_that_ends_on_its_day_changes_nothing():
    segments = story((1, Kind.RUNNING, 2), (1, Kind.PAUSED, 4), (1, Kind.RUNNING, 4))
    assert due(november(2), 5, segments=segments) == november(9)


def test_a_review_after_the_due_day_does_not_make_a_late_unit_punctual():
    segments = story((1, Kind.RUNNING, 2), (1, Kind.REVIEWING, 12), (1, Kind.RUNNING, 20))
    assert due(november(2), 5, segments=segments) == november(9)
    late = clock.late_by_unit(due=november(9), segments=segments, today=november(23), table={})
    assert late == {1: 5}  # 10, 11, 12, then 20 and 23; the week of the review is nobody's


def test_an_issue_done_on_its_last_day_has_no_time_left_when_it_must_be_redone_and_is_late_from_then_only():
    segments = story((1, Kind.RUNNING, 2), (1, Kind.REVIEWING, 9), (1, Kind.RUNNING, 20))
    assert due(november(2), 5, segments=segments) == november(19)
    assert clock.late_by_unit(due=november(19), segments=segments, today=november(20), table={}) == {1: 1}


def test_the_time_between_the_end_of_an_issue_and_taking_it_up_again_stands_still():
    segments = [Segment(1, Kind.RUNNING, november(2), november(4)), Segment(1, Kind.RUNNING, november(19), None)]
    assert due(november(2), 5, segments=segments) == november(23)  # two days were used; 19, 20 and 23 are left


def test_lateness_is_charged_to_the_unit_that_held_the_issue_at_the_end_of_the_day():
    segments = story((1, Kind.RUNNING, 2), (2, Kind.RUNNING, 11), (3, Kind.RUNNING, 13))
    asked = {"segments": segments, "today": november(16), "table": {}}
    assert clock.late_by_unit(due=november(9), **asked) == {1: 1, 2: 2, 3: 2}
    assert clock.held_by_unit(after=november(2), **asked) == {1: 6, 2: 2, 3: 2}


# Random histories: what happened, as (days since the event before, what the clock does then, unit). Where the issue
# ENDED and another event follows, it was taken up again.
ENDED = "ended"
WHAT = [*Kind, ENDED]
steps = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(WHAT), st.integers(1, 4)), min_size=0, max_size=12)


def segments_of(start, unit, events, ended=None):
    """The ledger the program would keep of `events`."""
    segments, day = [Segment(unit, Kind.RUNNING, start, None)], start
    for gap, kind, holder in events:
        day += gap * DAY
        if segments[-1].end is None:
            segments[-1] = replace(segments[-1], end=day)
        if kind != ENDED:
            segments.append(Segment(holder, kind, day, None))
    if ended is not None and segments[-1].end is None:
        segments[-1] = replace(segments[-1], end=day + ended * DAY)
    return segments


class Oracle:
    """Replays the events day by day and writes a diary: for each day the holders whose time ran on it, in order."""

    def __init__(self, start, unit, events, ended, today):
        waiting, now = [(start, Kind.RUNNING, unit)], start
        for gap, kind, holder in events:
            now += gap * DAY
            waiting.append((now, kind, holder))
        self.end = None if ended is None else now + ended * DAY
        last = waiting[-1][0]
        self.diary, state, day = {}, (None, None), start
        while day <= max(today, last):
            if self.end is not None and day > self.end:
                break
            seen = [state] + [(kind, holder) for when, kind, holder in waiting if when == day]
            self.diary[day] = [holder for kind, holder in seen if kind == Kind.RUNNING]
            state, day = seen[-1], day + DAY
        self.start, self.today = start, today
        runs = [when for when, kind, _holder in waiting if kind == Kind.RUNNING]
        self.last_start = max(runs)

    def due(self, budget):
        """Lay out the working days after the start; those of a standstill that is over cost nothing. The budget is
        overdrawn on the first that costs more than is left: the one before it is the last in time."""
        later = [day for day in WORKDAYS if day > self.start]
        costs = [0 if day < self.last_start and not self.diary[day] else 1 for day in later]
        spent = list(accumulate(costs))
        return later[spent.index(budget + 1) - 1]

    def charged(self, after):
        days = [day for day in WORKDAYS if after < day <= self.today and self.diary.get(day)]
        holders = [self.diary[day][-1] for day in days]
        return {unit: holders.count(unit) for unit in holders}


def test_twelve_thousand_random_histories_agree_with_the_oracle():
    chance, mistakes = random.Random(20261124), []
    for _number in range(HISTORIES):
        start = date(2024, 1, 1) + chance.randrange(800) * DAY
        events = [
            (chance.choice((0, 0, 1, 1, 2, 3, 5, 12)), chance.choice(WHAT), chance.randint(1, 4))
            for _step in range(chance.randrange(13))
        ]
        ended = chance.choice((None, None, 0, 1, 6))
        today = start + chance.randrange(60) * DAY
        budget, extended = chance.randint(1, 30), chance.choice((0, 0, 5))
        oracle = Oracle(start, 1, events, ended, today)
        segments = segments_of(start, 1, events, ended)
        got = due(start, budget, segments=segments, extended=extended)
        late = clock.late_by_unit(due=got, segments=segments, today=today, table={})
        held = clock.held_by_unit(after=start, segments=segments, today=today, table={})
        expected = (oracle.due(budget + extended), oracle.charged(got), oracle.charged(start))
        if (got, late, held) != expected:
            mistakes.append((start, events, ended, today, (got, late, held), expected))
    assert mistakes == []


starts = st.dates(date(2024, 1, 1), date(2026, 6, 30))
limits = st.integers(1, 30)


@settings(max_examples=500, deadline=None)
@given(starts, limits, steps, st.integers(0, 4), st.integers(0, 12))
def test_the_due_day_never_moves_back_while_the_ledger_grows(start, days, events, extended, ended):
    before = due(start, days)
    for count in range(len(events) + 1):
        now = due(start, days, segments=segments_of(start, 1, events[:count]))
        assert now >= before
        if count and events[count - 1][1] != Kind.RUNNING:
            assert now == before  # it moves when the time runs again, never while it stands
        before = now
    assert due(start, days, segments=segments_of(start, 1, events, ended)) == before
    assert due(start, days, segments=segments_of(start, 1, events), extended=extended) >= before


@settings(max_examples=500, deadline=None)
@given(starts, limits, steps, st.data())
def test_one_more_pause_never_makes_the_due_day_earlier(start, days, events, data):
    segments = segments_of(start, 1, events, ended=3)
    at = data.draw(st.sampled_from([n for n, segment in enumerate(segments) if segment.kind == Kind.RUNNING]))
    ran = segments[at]
    length = (ran.end - ran.start).days
    first, last = sorted(data.draw(st.tuples(st.integers(0, length), st.integers(0, length))))
    pause = Segment(ran.unit, Kind.PAUSED, ran.start + first * DAY, ran.start + last * DAY)
    cut = [replace(ran, end=pause.start), pause, replace(ran, start=pause.end)]
    paused = [*segments[:at], *cut, *segments[at + 1 :]]
    assert due(start, days, segments=paused) >= due(start, days, segments=segments)
    if first == last:
        assert due(start, days, segments=paused) == due(start, days, segments=segments)


@settings(max_examples=300, deadline=None)
@given(starts, limits, steps, st.lists(st.integers(1, 9), min_size=13, max_size=13), st.integers(0, 90))
def test_sending_an_issue_on_neither_moves_the_due_day_nor_the_days_late_in_all(start, days, events, units, passed):
    segments = segments_of(start, 1, events)
    rerouted = [replace(segment, unit=unit) for segment, unit in zip(segments, units, strict=False)]
    assert due(start, days, segments=rerouted) == due(start, days, segments=segments)
    asked = {"due": due(start, days, segments=segments), "today": start + passed * DAY, "table": {}}
    late = [sum(clock.late_by_unit(segments=ledger, **asked).values()) for ledger in (segments, rerouted)]
    assert late[0] == late[1]


@settings(max_examples=300, deadline=None)
@given(starts, limits, st.integers(0, 90))
def test_an_issue_that_never_stood_still_is_late_by_the_working_days_since_its_due_day(start, days, passed):
    segments, today = [Segment(1, Kind.RUNNING, start, None)], start + passed * DAY
    on = due(start, days)
    late = clock.late_by_unit(due=on, segments=segments, today=today, table={})
    assert sum(late.values()) == max(0, calendar.workdays_between(on, today, {}))


@settings(max_examples=300, deadline=None)
@given(starts, limits, steps, st.integers(0, 90))
def test_the_days_held_and_the_days_late_are_parts_of_the_same_count(start, days, events, passed):
    segments, today = segments_of(start, 1, events), start + passed * DAY
    asked = {"segments": segments, "today": today, "table": {}}
    held, on = clock.held_by_unit(after=start, **asked), due(start, days, segments=segments)
    late = clock.late_by_unit(due=on, **asked)
    assert all(late[unit] <= held[unit] for unit in late)
    assert set(held) <= {segment.unit for segment in segments if segment.kind == Kind.RUNNING}


@pytest.mark.django_db
def test_the_limits_that_are_shipped_are_the_domain_s():
    assert {row.kind: (row.workdays, row.urgent_workdays) for row in KindLimit.objects.all()} == LIMITS
