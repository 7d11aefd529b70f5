"""Readings: what schemes, boards and bulletins read equals the rows that lie behind it, in any period."""

from datetime import timedelta

import pytest

from reports import readings
from reports.indicators import INDICATORS
from reports.tasks import refresh_rollups
from tests.reports.rows import START, make_campaign, make_duty, make_issue, make_visit

TODAY = START + timedelta(days=20)


@pytest.fixture
def campaign(cast):
    return make_campaign(cast)


def fill(cast, campaign):
    for n in range(12):
        place = [cast.shiqiao, cast.liutang, cast.luzhou][n % 3]
        duty = make_duty(campaign, place, covered_on=[None, START + timedelta(days=n)][n % 4 > 0], met=n % 5 > 0)
        make_visit(cast, campaign, duty.household, START + timedelta(days=n))
        make_issue(cast, campaign, place, raised_on=START + timedelta(days=n), due_on=START + timedelta(days=n + 5))
        make_issue(
            cast,
            campaign,
            place,
            state="closed",
            outcome=["solved", "explained", "not_accepted", "withdrawn"][n % 4],
            done_on=START + timedelta(days=n),
        )
    make_duty(campaign, cast.shiqiao, state="off_roster")
    refresh_rollups()


@pytest.mark.parametrize("first, last", [(None, 20), (None, 5), (3, 8), (8, 8)])
def test_readings_equal_the_rows_behind_them_in_every_period(cast, campaign, first, last):
    fill(cast, campaign)
    period = {
        "first": None if first is None else START + timedelta(days=first),
        "last": START + timedelta(days=last),
        "today": TODAY,
    }
    read = readings.read(campaign, **period)
    for unit in (cast.district, cast.qingxi, cast.shiqiao, cast.luzhou, cast.roads):
        for key in INDICATORS:
            reading = read[unit.code][key]
            parts = {
                part: readings.rows(key, part, campaign=campaign, unit=unit, **period).count()
                for part in ("numerator", "denominator", "missed")
            }
            assert (reading.numerator, reading.denominator) == (parts["numerator"], parts["denominator"]), (unit, key)
            assert parts["missed"] == parts["denominator"] - parts["numerator"]
    assert read[cast.district.code]["coverage"].denominator == 12


def test_readings_of_a_unit_without_rows_have_no_base(cast, campaign):
    read = readings.read(campaign, first=None, last=TODAY, today=TODAY)
    assert {reading.value for reading in read[cast.water.code].values()} == {None}
    assert set(read) >= {cast.district.code, cast.qingxi.code, cast.shiqiao.code, cast.water.code}


def test_readings_cost_the_same_queries_for_any_number_of_units(cast, campaign, django_assert_max_num_queries):
    fill(cast, campaign)
    with django_assert_max_num_queries(8):
        readings.read(campaign, first=None, last=TODAY, today=TODAY)


def test_daily_adds_the_units_below_day_by_day(cast, campaign):
    fill(cast, campaign)
    found = readings.daily(campaign, [cast.qingxi.code, cast.roads.code], START, START + timedelta(days=3))
    assert found[cast.roads.code] == {}
    days = found[cast.qingxi.code]
    assert max(days) <= START + timedelta(days=3)
    assert sum(day["visits"] for day in days.values()) == 3
