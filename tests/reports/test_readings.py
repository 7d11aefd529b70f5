"""Readings: what schemes, boards and bulletins read equals the rows that lie behind it, in any period."""

import math
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports import readings
from reports.indicators import INDICATORS
from reports.readings import COUNTED
from reports.tasks import refresh_rollups
from tests.reports.rows import START, at, make_campaign, make_duty, make_issue, make_visit
from tests.reports.writer import Writer

TODAY = START + timedelta(days=20)


@pytest.fixture
def campaign(cast):
    return make_campaign(cast)


def fill(cast, campaign):
    """Duties, visits and issues of twelve days; every duty covered by a visit that counts was met again later."""
    for n in range(12):
        place = [cast.shiqiao, cast.liutang, cast.luzhou][n % 3]
        day = START + timedelta(days=n)
        covered = n % 4 > 0
        duty = make_duty(
            campaign,
            place,
            covered_on=day if covered else None,
            met=n % 5 > 0,
            attempts=n % 3,
            last_visit_at=at(day),
        )
        duty.household.priority = n % 2
        duty.household.save()
        if covered:
            make_visit(cast, campaign, duty.household, day)
            make_visit(cast, campaign, duty.household, day + timedelta(days=2))
        make_issue(cast, campaign, place, raised_on=day, due_on=START + timedelta(days=n + 5))
        make_issue(
            cast,
            campaign,
            place,
            state="closed",
            outcome=["solved", "explained", "not_accepted", "withdrawn"][n % 4],
            done_on=day,
        )
    make_duty(campaign, cast.shiqiao, state="off_roster")
    make_duty(campaign, cast.shiqiao, state="unreachable")
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
        assert set(read[unit.code]) == {key for key, each in COUNTED.items() if unit.kind in each.applies_to}
        for key, reading in read[unit.code].items():
            parts = {
                part: readings.rows(key, part, campaign=campaign, unit=unit, **period).count()
                for part in ("numerator", "denominator", "missed")
            }
            assert (reading.numerator, reading.denominator) == (parts["numerator"], parts["denominator"]), (unit, key)
            short = parts["denominator"] - parts["numerator"]
            assert parts["missed"] == (short if INDICATORS[key].higher_is_better else parts["numerator"])
    assert read[cast.district.code]["coverage"].denominator == 13


def test_readings_of_a_period_count_each_household_met_in_it_once(cast, campaign):
    duty = make_duty(campaign, cast.shiqiao, covered_on=START)
    other = make_duty(campaign, cast.shiqiao, covered_on=START + timedelta(days=4))
    for day in (0, 3, 5):
        make_visit(cast, campaign, duty.household, START + timedelta(days=day))
    make_visit(cast, campaign, other.household, START + timedelta(days=4))
    refresh_rollups()

    def covered(first, last):
        period = {"first": START + timedelta(days=first), "last": START + timedelta(days=last), "today": TODAY}
        return readings.read(campaign, **period)[cast.qingxi.code]["coverage"].numerator

    assert [covered(0, 0), covered(1, 2), covered(3, 5), covered(4, 5), covered(0, 9)] == [1, 0, 2, 2, 2]


@settings(
    max_examples=6,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(seed=st.integers(0, 10_000), first=st.sampled_from([None, 0, 2]), last=st.integers(2, 12))
def test_readings_have_rows_exactly_where_they_count_something(cast, seed, first, last):
    with transaction.atomic():
        campaign = make_campaign(cast)
        writer = Writer(cast, Random(seed))
        for step in ("do_add_duties", "do_visit_late", "do_raise_issues", "do_raise_issues", *writer.steps() * 2):
            if "delete" not in step:
                getattr(writer, step)()
        refresh_rollups()
        period = {
            "first": None if first is None else START + timedelta(days=first),
            "last": START + timedelta(days=last),
            "today": START + timedelta(days=6),
        }
        read = readings.read(campaign, **period)
        for unit in (cast.district, cast.qingxi, cast.shiqiao, cast.roads):
            for key, reading in read[unit.code].items():
                if key.endswith("three_rates"):
                    continue  # its numerator adds four answers of each call-back
                for part, cases in (("numerator", reading.numerator), ("denominator", reading.denominator)):
                    rows = readings.rows(key, part, campaign=campaign, unit=unit, **period).count()
                    assert rows <= math.ceil(cases / Decimal("0.9")), (unit, key, part)
                    assert (rows > 0) == (cases > 0), (unit, key, part)
                assert 0 <= reading.numerator <= reading.denominator
        transaction.set_rollback(True)


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
    assert sum(day["visits"] for day in days.values()) == 3  # of days 1, 3 and 3 again
