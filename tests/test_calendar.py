"""Working days: what chinesecalendar publishes, our table above it, and the alarm for a year nobody knows."""

import logging
from datetime import date, timedelta

import chinese_calendar
import pytest
from django.urls import reverse

from outreach import calendar
from outreach.models import CalendarDay
from outreach.tasks import report_unknown_years

pytestmark = pytest.mark.django_db

IN_2026 = date(2026, 11, 24)


def days(year):
    return [date(year, 1, 1) + timedelta(days=n) for n in range(366) if (date(year, 1, 1) + timedelta(n)).year == year]


def enter_year(year, count=calendar.PUBLISHED_DAYS):
    CalendarDay.objects.bulk_create(
        CalendarDay(day=date(year, 10, n), is_workday=False, name="国庆节") for n in range(1, count + 1)
    )


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_workdays_are_those_of_the_published_calendar(year):
    ours = [calendar.is_workday(day, {}) for day in days(year)]
    assert ours == [chinese_calendar.is_workday(day) for day in days(year)]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2024, 2, 18), True),  # a Sunday worked for the Spring Festival
        (date(2024, 10, 7), False),  # a Monday off
        (date(2025, 1, 26), True),
        (date(2025, 5, 5), False),
        (date(2026, 2, 14), True),
        (date(2026, 2, 16), False),
    ],
)
def test_workday_follows_shifted_days(day, expected):
    assert calendar.is_workday(day) is expected


@pytest.mark.parametrize(("day", "is_workday"), [(date(2026, 11, 25), False), (date(2026, 11, 28), True)])
def test_entered_day_wins_over_the_published_calendar(day, is_workday):
    assert calendar.is_workday(day) is not is_workday
    CalendarDay.objects.create(day=day, is_workday=is_workday)
    assert calendar.is_workday(day) is is_workday


def test_day_of_an_unpublished_year_counts_by_weekends_and_entered_days():
    assert [calendar.is_workday(date(2030, 10, n)) for n in (4, 5, 7)] == [True, False, True]
    CalendarDay.objects.create(day=date(2030, 10, 7), is_workday=False)
    assert calendar.is_workday(date(2030, 10, 7)) is False


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 9, 30), 1, date(2026, 10, 8)),  # over the National Day holiday
        (date(2026, 11, 27), 1, date(2026, 11, 30)),
        (date(2026, 11, 24), 0, date(2026, 11, 24)),
        (date(2026, 11, 28), 0, date(2026, 11, 30)),
        (date(2026, 11, 24), 7, date(2026, 12, 3)),
    ],
)
def test_add_workdays(day, count, expected):
    assert calendar.add_workdays(day, count) == expected


def test_add_workdays_refuses_a_negative_count():
    with pytest.raises(ValueError, match="negative"):
        calendar.add_workdays(IN_2026, -1)


@pytest.mark.parametrize("count", [1, 5, 30])
def test_workdays_between_undoes_add_workdays(count):
    end = calendar.add_workdays(IN_2026, count)
    assert calendar.workdays_between(IN_2026, end) == count
    assert calendar.workdays_between(end, IN_2026) == -count


def test_year_within_ninety_days_that_nobody_published_raises_the_alarm():
    assert calendar.unknown_years(IN_2026) == [2027]
    assert calendar.unknown_years(date(2026, 9, 1)) == []
    assert calendar.unknown_years(date(2027, 1, 5)) == [2027]


def test_alarm_ends_when_the_year_has_been_entered_and_not_with_a_single_day():
    enter_year(2027, 1)
    assert calendar.unknown_years(IN_2026) == [2027]
    CalendarDay.objects.all().delete()
    enter_year(2027)
    assert calendar.unknown_years(IN_2026) == []


@pytest.fixture
def in_november(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda: IN_2026)


@pytest.mark.parametrize(
    ("name", "text"),
    [("system_admin", "导入工作日历"), ("district_office", "此项由系统管理员办理"), ("leader", ""), ("visitor", "")],
)
def test_alarm_shows_on_the_pages_of_those_in_charge_and_says_what_to_do(cast, login, in_november, name, text):
    client = login(getattr(cast, name))
    page = client.get(reverse("account_change_password")).content.decode()
    assert ("2027年的工作日安排尚未录入" in page) == bool(text)
    assert text in page
    enter_year(2027)
    assert "2027" not in client.get(reverse("account_change_password")).content.decode()


def test_daily_task_writes_one_error_for_the_log(in_november, caplog):
    with caplog.at_level(logging.ERROR, "outreach.tasks"):
        report_unknown_years()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "2027" in caplog.text
    caplog.clear()
    enter_year(2027)
    report_unknown_years()
    assert caplog.records == []
