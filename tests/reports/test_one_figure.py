"""One moment, one number: a figure on boards, ranking, map, in readings, a snapshot, a bulletin."""

from datetime import timedelta

import pytest
from django.utils import timezone

from reports import closing, leader_board, maps, office_board, ranking, readings, standing, unit_board
from reports.actions import snapshots
from reports.bulletins.figures import edition_of
from reports.indicators import rate
from reports.models import DayClose
from reports.tasks import refresh_rollups
from tests.reports.frozen import make_scheme
from tests.reports.rows import make_campaign, make_duty, make_issue

DAY = timedelta(days=1)


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def campaign(cast, today):
    """Issues of every kind; one was done by the roads department and went on to the water department."""
    campaign = make_campaign(cast, starts_on=today - 30 * DAY, ends_on=today + 30 * DAY)
    make_duty(campaign, cast.shiqiao, covered_on=today - 9 * DAY)
    make_duty(campaign, cast.luzhou)
    for place in (cast.shiqiao, cast.liutang, cast.luzhou):
        for outcome in ("solved", "solved", "explained", "not_accepted"):
            make_issue(cast, campaign, place, state="closed", outcome=outcome, raised_on=today - 20 * DAY)
        make_issue(cast, campaign, place, state="accepted", raised_on=today - 20 * DAY, due_on=today - 5 * DAY)
        make_issue(cast, campaign, place, state="accepted", raised_on=today - 2 * DAY, due_on=today + 5 * DAY)
    moved = make_issue(cast, campaign, cast.luzhou, state="closed", raised_on=today - 20 * DAY)
    type(moved).objects.filter(pk=moved.pk).update(unit=cast.water)
    late = make_issue(cast, campaign, cast.qingxi, state="accepted", raised_on=today - 20 * DAY, due_on=today - DAY)
    type(late).objects.filter(pk=late.pk).update(unit=cast.water)
    refresh_rollups()
    return campaign


def doors(cast, campaign, today):
    """Door → unit code → (solved, judged, overdue)."""
    units = [cast.district, cast.qingxi, cast.bailu, cast.roads, cast.water]
    places = units[:3]
    shown = standing.read(campaign, today)
    read = readings.read(campaign, first=None, last=today, today=today)
    found = {"boards": {}, "readings": {}}
    for unit in units:
        page = unit_board.build(shown, cast.district_office, unit)
        now = shown.of([unit])
        found["boards"][unit.code] = (page.solution.numerator, page.solution.denominator, now.overdue)
        reading = read[unit.code]["held_solution" if "D" in unit.code else "solution"]
        found["readings"][unit.code] = (reading.numerator, reading.denominator, now.overdue)
    office = office_board.build(shown, cast.district_office, cast.district, period="today", quiet_days=3)
    lines = [*((line.unit, line.solution, line.overdue) for line in office.departments)]
    leader = leader_board.build(shown, cast.leader, whole=True)
    lines += [(line.unit, line.solution, line.overdue) for line in leader.lines]
    found["lists on boards"] = {
        unit.code: (solution.numerator, solution.denominator, overdue.value) for unit, solution, overdue in lines
    }
    table = ranking.build(
        campaign=campaign,
        units=list(shown.units),
        scope=cast.district,
        level="township",
        indicator="solution",
        reader=ranking.Reader.of(cast.district_office),
        today=today,
    )
    found["ranking"] = {
        line.unit.code: tuple(line.count(key) for key in ("solved", "judged", "overdue"))
        for line in (*table.lines, table.total)
        if line.unit.code in {unit.code for unit in places}
    }
    kept = {row.unit.code: closing.facts_of(row.counts) for row in DayClose.objects.select_related("unit")}
    found["end of day"] = {
        unit.code: (kept[unit.code].issues_solved, kept[unit.code].judged, kept[unit.code].overdue) for unit in units
    }
    drawn = {
        key: maps.build(
            campaign=campaign,
            units=list(shown.units),
            scope=cast.district,
            figure=key,
            reader=None,
            today=today,
        )
        for key in ("solution", "overdue")
    }
    late = {each.unit.code: int(each.value or 0) for each in (*drawn["overdue"].units, drawn["overdue"].total)}
    found["map"] = {
        each.unit.code: (each.reading.numerator, each.reading.denominator, late[each.unit.code])
        for each in (*drawn["solution"].units, drawn["solution"].total)
    }
    return found


def test_a_figure_is_the_same_number_on_every_page(cast, campaign, today):
    closing.close_day(today)
    found = doors(cast, campaign, today)
    known = found["boards"]
    assert known[cast.district.code] == (7, 17, 4)
    assert known[cast.roads.code] == (7, 16, 3)  # of what it reported done, also where another unit has it since
    assert known[cast.water.code] == (0, 1, 1)
    for door, by_unit in found.items():
        assert by_unit == {code: known[code] for code in by_unit}, door
        assert len(by_unit) >= 3, door


def test_a_snapshot_and_its_bulletin_take_the_figures_of_the_boards(cast, campaign, today):
    scheme = make_scheme(cast, campaign)
    snapshot = snapshots.take(
        campaign=campaign, scheme=scheme, kind="daily", first=campaign.starts_on, last=today, by=None, today=today
    )
    shown = standing.read(campaign, today)
    edition = edition_of(snapshot, None)
    lines = {line.code: line for group in edition.groups for line in group.lines} | {edition.total.code: edition.total}
    for unit in (cast.district, cast.qingxi, cast.bailu, cast.roads, cast.water):
        solution = shown.solution([unit])
        line = lines[unit.code]
        assert (line.solved, line.solution) == (solution.numerator, rate(solution.numerator, solution.denominator))
        assert line.overdue == shown.of([unit]).overdue, unit
    assert snapshot.counts[cast.qingxi.code]["overdue"] == shown.of([cast.qingxi]).overdue
    assert lines[cast.qingxi.code].held_overdue == 0  # departments hold them


def test_overdue_of_a_week_is_what_is_overdue_now_not_what_fell_due_in_it(cast, campaign, today):
    scheme = make_scheme(cast, campaign)
    snapshot = take_snapshot_of(cast, scheme, first=today - DAY, last=today)
    lines = {line.code: line for group in edition_of(snapshot, None).groups for line in group.lines}
    assert snapshot.counts[cast.bailu.code]["overdue"] == 0
    assert lines[cast.bailu.code].overdue == standing.read(campaign, today).of([cast.bailu]).overdue == 1


def take_snapshot_of(cast, scheme, *, first, last):
    return snapshots.take(
        campaign=scheme.campaign,
        scheme=scheme,
        kind="weekly",
        first=first,
        last=last,
        by=cast.district_office,
        today=timezone.localdate(),
    )
