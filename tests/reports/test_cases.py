"""What units are judged by of the issues they held: through the write door, and lateness as the clock has it."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from households.models import Household
from issues import actions, clock
from issues.actions.timing import stretches_of
from issues.models import IssueSegment, LookBack
from outreach import calendar
from outreach.models import CalendarDay
from reports import facts, readings
from reports.tasks import refresh_rollups
from tests.issues.make import answer, issue_at, move
from tests.reports.rows import START, at, issue_fields, make_campaign, make_issue


@pytest.fixture
def campaign(cast):
    today = timezone.localdate()
    return make_campaign(cast, starts_on=today - timedelta(days=30), ends_on=today + timedelta(days=30))


def life(cast, campaign):
    """Sent, sent back, sent again, helped with, done, not content, redone, mostly content, closed, held up."""
    household = Household.objects.create(village=cast.shiqiao, number="1", head_name="户主", address="1号")
    issue = issue_at(cast, "assigned", household=household, campaign=campaign)
    issue = move(issue, "return", cast.department_handler, note="不属本单位职责", reason="not_mine")
    issue = move(issue, "dispatch", cast.district_office, note="属其职责", unit=cast.roads)
    issue = move(issue, "accept", cast.department_handler)
    issue = move(issue, "ask_help", cast.department_handler, note="请协助", unit=cast.water)
    issue = move(issue, "answer_help", cast.outside_handler, note="已协助")
    for content in ("not_content", "mostly"):
        issue = move(issue, "finish", cast.department_handler, note="已修好", outcome="solved")
        issue = move(issue, "verify", cast.supervisor)
        answer(issue, cast.supervisor, solved=content == "mostly", content=content, words="还是不亮")
        issue.refresh_from_db()
    issue = move(issue, "close", cast.supervisor)
    look = LookBack.objects.create(issue=issue, closed_at=issue.closed_at, months=1)
    actions.record_look_back(look_back=look, result="holds", words="", by=cast.supervisor)
    return issue


def read(campaign, **fields):
    today = timezone.localdate()
    return readings.read(campaign, **{"first": None, "last": today, "today": today, **fields})


def test_a_holder_is_judged_by_every_step_of_an_issue(cast, campaign):
    issue = life(cast, campaign)
    refresh_rollups()
    assert facts.differences() == []
    roads = read(campaign)[cast.roads.code]
    found = {key: (reading.numerator, reading.denominator, reading.value) for key, reading in roads.items()}
    assert found == {
        "signed": (2, 2, Decimal("100.00")),
        "on_time": (1, 1, Decimal("100.00")),
        "closing": (1, 1, Decimal("100.00")),
        "held_solution": (1, 1, Decimal("100.00")),
        "returned_wrongly": (1, 1, Decimal("100.00")),
        "helping": (0, 0, None),
        "solvable": (1, 1, Decimal("100.00")),
        "response": (2, 2, Decimal("100.00")),
        "resident_solved": (1, 2, Decimal("50.00")),
        "content": (Decimal("0.9"), 2, Decimal("45.00")),
        "three_rates": (Decimal("1.06"), 2, Decimal("53.00")),  # 0.1 × 2 + 0.5 × 1 + 0.4 × 0.9
        "redo": (1, 2, Decimal("50.00")),
        "answers": (0, 0, None),  # the news is still to be told, but not for three working days
        "look_back": (1, 1, Decimal("100.00")),
    }
    water = read(campaign)[cast.water.code]
    assert (water["helping"].numerator, water["helping"].denominator) == (1, 1)
    place = read(campaign)[cast.shiqiao.code]
    assert place["place_content"].value == Decimal("45.00")
    assert place["content"].denominator == 0  # the village held nothing
    assert place["solution"].numerator == 1
    call_command("recount", "--check")
    assert actions.mark_told(issue=issue, by=cast.district_office) == 1
    refresh_rollups()
    told = read(campaign)[cast.shiqiao.code]["place_answers"]
    assert (told.numerator, told.denominator) == (1, 1)


def test_what_is_not_yet_due_counts_against_nobody_and_falls_due_without_a_write(cast, campaign):
    issue = issue_at(cast, "assigned", campaign=campaign)
    refresh_rollups()
    today = timezone.localdate()
    next_day, later = (calendar.add_workdays(today, days) for days in (1, 2))
    assert [
        read(campaign, today=day, last=day)[cast.roads.code]["signed"].denominator for day in (today, next_day, later)
    ] == [0, 0, 1]
    assert read(campaign, today=issue.due_on)[cast.roads.code]["on_time"].denominator == 0
    after = issue.due_on + timedelta(days=1)
    assert read(campaign, today=after, last=after)[cast.roads.code]["on_time"].denominator == 1


def test_a_place_that_is_corrected_takes_its_cases_along(cast, campaign):
    issue = life(cast, campaign)
    refresh_rollups()
    type(issue).objects.filter(pk=issue.pk).update(place=cast.luzhou)
    assert facts.differences() == []
    refresh_rollups()
    assert facts.differences() == []
    found = read(campaign)
    assert found[cast.shiqiao.code]["place_response"].denominator == 0
    assert found[cast.luzhou.code]["place_response"].denominator == 2


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 100_000))
def test_a_unit_is_late_exactly_where_the_clock_charges_it(cast, seed):
    random = Random(seed)
    with transaction.atomic():
        campaign = make_campaign(cast)
        for _ in range(3):
            CalendarDay.objects.get_or_create(
                day=START + timedelta(days=random.randrange(20)), defaults={"is_workday": random.random() < 0.5}
            )
        holders = [cast.roads, cast.water, cast.qingxi]
        issue = make_issue(cast, campaign, cast.shiqiao, state="accepted", due_on=START + timedelta(days=5))
        moment, unit = at(START), cast.roads
        for _ in range(random.randrange(1, 7)):
            end = moment + timedelta(hours=random.choice([2, 10, 24, 50, 100]))
            unit = random.choice(holders)
            kind = random.choice(["running", "running", "paused", "reviewing"])
            IssueSegment.objects.create(issue=issue, unit=unit, kind=kind, started_at=moment, ended_at=end)
            moment = end
        last = IssueSegment.objects.filter(kind="running").order_by("-ended_at").first()
        if last and random.random() < 0.7:
            fields = {**issue_fields("done", cast, START), "done_at": last.ended_at, "done_by_unit": last.unit}
            type(issue).objects.filter(pk=issue.pk).update(**fields)
        issue.refresh_from_db()
        late = clock.late_by_unit(
            due=issue.due_on,
            segments=stretches_of(IssueSegment.objects.filter(issue=issue)),
            today=START + timedelta(days=60),
            table=calendar.overrides(),
        )
        refresh_rollups()
        day = issue.due_on  # not overdue on it
        found = readings.facts_of(campaign, first=None, last=None, today=day)
        held = {each.pk: counted.by_holder for each, counted in found.items()}
        charged = {
            each.pk
            for each in holders
            if held[each.pk].get("passed_late", 0)
            or held[each.pk].get("done", 0) > held[each.pk].get("done_on_time", 0)
        }
        holding = set() if issue.done_at else {issue.unit_id}  # it is overdue there, which is counted by the due day
        assert charged == set(late) - holding
        transaction.set_rollback(True)
