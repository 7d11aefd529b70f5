"""Progress against elapsed working time, and the light it gives."""

from datetime import date
from decimal import Decimal

import pytest

from outreach import calendar
from reports.pace import Light, WorkingTime, light_of, progress_of

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 13)  # two weeks of working days, Monday to Friday


@pytest.fixture
def time() -> WorkingTime:
    return WorkingTime({})


@pytest.mark.parametrize(
    ("today", "share"),
    [
        (date(2026, 3, 1), 0),
        (date(2026, 3, 2), 10),
        (date(2026, 3, 6), 50),
        (date(2026, 3, 8), 50),  # a Sunday adds nothing
        (date(2026, 3, 13), 100),
        (date(2027, 1, 1), 100),
    ],
)
def test_elapsed_time_counts_working_days(time, today, share):
    assert time.elapsed(FIRST, LAST, today) == share


def test_a_working_saturday_counts(time):
    moved = WorkingTime({date(2026, 3, 7): True})
    assert moved.elapsed(FIRST, LAST, date(2026, 3, 7)) == Decimal("54.5")


def test_counting_agrees_with_the_calendar_in_any_order_of_questions(time):
    spans = [(date(2026, 5, 1), date(2026, 9, 1)), (date(2024, 1, 1), date(2024, 2, 29)), (FIRST, LAST), (LAST, FIRST)]
    for first, last in spans:
        expected = sum(
            calendar.is_workday(date.fromordinal(day), {}) for day in range(first.toordinal(), last.toordinal() + 1)
        )
        assert time.count(first, last) == expected


@pytest.mark.parametrize(
    ("reached", "target", "up", "progress"),
    [
        (None, Decimal(40), True, 0),
        (Decimal(9), Decimal(40), True, Decimal("22.5")),
        (Decimal(50), Decimal(40), True, 100),
        (Decimal(5), None, True, None),
        (Decimal(4), Decimal(5), False, 100),
        (Decimal(10), Decimal(5), False, 50),
    ],
)
def test_progress_is_the_share_of_the_target(reached, target, up, progress):
    assert progress_of(reached, target, higher_is_better=up) == progress


@pytest.mark.parametrize(
    ("state", "progress", "elapsed", "today", "light"),
    [
        ("running", 50, 50, date(2026, 3, 6), Light.ON_TIME),
        ("running", 40, 50, date(2026, 3, 6), Light.SLOW),
        ("running", 39, 50, date(2026, 3, 6), Light.BEHIND),
        ("running", None, 50, date(2026, 3, 6), Light.WAITING),
        ("running", 0, 0, date(2026, 3, 1), Light.NOT_BEGUN),
        ("running", 99, 100, date(2026, 3, 14), Light.LATE),
        ("running", 100, 100, date(2026, 3, 14), Light.REACHED),
        ("running", 99, 100, LAST, Light.SLOW),  # the due day itself is not late
        ("done", 10, 100, date(2026, 3, 14), Light.DONE),
        ("cancelled", None, 100, date(2026, 3, 14), Light.CANCELLED),
    ],
)
def test_light_follows_state_then_due_day_then_pace(state, progress, elapsed, today, light):
    shown = light_of(
        state=state,
        progress=None if progress is None else Decimal(progress),
        elapsed=Decimal(elapsed),
        starts_on=FIRST,
        due_on=LAST,
        today=today,
    )
    assert shown is light
    assert shown.word and shown.icon
