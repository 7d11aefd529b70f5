"""Every issue has a holder and a due day at every moment (deliverable 14): random lives through all moves of the table,
looked at after each step, and what the database itself refuses."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from households.models import Household
from issues import actions, workflow
from issues.actions.timing import due_day_of
from issues.models import CallBack, Issue, IssueSegment, Outcome, Solvability
from issues.workflow import CLOCK, ENDED_STATES, Actor, State
from outreach import calendar
from outreach.models import Unit
from tests.issues.make import category, issue_at, route

pytestmark = pytest.mark.django_db

LIVES, STEPS = 25, 30
START = datetime(2026, 3, 2, 1, tzinfo=UTC)
# The straight way, taken at once in every second life: what lies behind three rounds of it is reached too.
STRAIGHT = ("dispatch", "arbitrate", "accept", "finish", "verify")
STRETCHES = ("running", "paused", "reviewing")


class World:
    """The cast, a clock of its own, and a dice; it takes one random allowed step after another."""

    def __init__(self, cast, monkeypatch, seed):
        self.cast, self.chance, self.taken = cast, random.Random(seed), dict.fromkeys(workflow.BY_NAME, 0)
        self.people = [user for name, user in cast.people().items() if name not in ("publicity", "system_admin")]
        self.units = list(Unit.objects.exclude(kind=Unit.Kind.DISTRICT))
        self.home = Household.objects.create(village=cast.shiqiao, head_name="罗大树")
        self.others = []
        self.now = START
        monkeypatch.setattr("django.utils.timezone.now", lambda: self.now)

    def pass_time(self):
        """Minutes, hours or days, holidays of the spring included."""
        self.now += self.chance.choice([timedelta(minutes=5), timedelta(hours=5), timedelta(days=1), timedelta(days=6)])

    def open(self, is_hasty):
        self.is_hasty = is_hasty
        place = (
            self.cast.shiqiao
            if is_hasty
            else self.chance.choice([self.cast.shiqiao, self.cast.qingxi, self.cast.luzhou, self.cast.district])
        )
        return actions.open_issue(
            by=self.cast.district_office,
            category=category(self.chance.choice(["路灯照明", "其他问题"])),
            kind=self.chance.choice(["need", "dispute", "hazard"]),
            text="某处有某事",
            place=place,
            household=self.home if place == self.cast.shiqiao else None,
            is_urgent=self.chance.random() < 0.2,
        )

    def choices(self, issue):
        """All that somebody may do now: (move, who, actor)."""
        found = [(step, user, Actor.STAFF) for user in self.people for step in issue.allowed_moves(user)]
        for step in workflow.MOVES:
            found += [(step, None, actor) for actor in step.actors if issue.obstacle(step) is None]
        return found

    def given(self, step, issue):
        """Something for every field the step asks for."""
        values = {
            "note": "说明",
            "unit": self.chance.choice([unit for unit in self.units if unit.pk != issue.unit_id]),
            "workdays": self.chance.randint(1, 10),
            "until": timezone.localdate() + timedelta(days=self.chance.randint(1, 30)),
            "to_whom": "市交通运输局",
            "outcome": self.chance.choice(actions.FINISH_OUTCOMES),
            "main": self.chance.choice(self.others) if self.others else None,
        }
        given = {name: values[name] for name in step.required if name in values}
        if step.reasons is not None:
            given["reason"] = self.chance.choice(step.reasons.values)
        if step.name == "finish":
            given["solvability"] = Solvability.SOLVABLE
        return {"note": "说明", **given}

    def step(self, issue):
        """Take one step, the rarer the likelier, and return the issue as it now is."""
        if issue.state == State.VERIFIED and issue.household_id and self.chance.random() < 0.7:
            return self.call(issue)
        choices = self.choices(issue)
        weights = [
            1 if self.is_hasty and step.name in STRAIGHT else 1 / (1 + self.taken[step.name])
            for step, _who, _actor in choices
        ]
        step, who, actor = self.chance.choices(choices, weights)[0]
        try:
            issue = actions.move_issue(
                issue=issue, move=step.name, by=who, actor=actor, version=issue.version, **self.given(step, issue)
            )
        except ValidationError as refused:  # the field was wrong, as fields are: nothing may have been written
            assert hasattr(refused, "error_dict"), refused
            return Issue.objects.get(pk=issue.pk)
        self.taken[step.name] += 1
        return Issue.objects.get(pk=issue.pk)

    def call(self, issue):
        """Ask the resident, who may be content, or not, or out."""
        answers = {"contacted": True, "solved": True, "content": self.chance.choice(CallBack.Content.values)}
        is_reached = self.chance.random() < 0.6
        asked = {"reached": "reached", **answers} if is_reached else {"reached": "no_answer"}
        before = issue.redos
        actions.record_call_back(issue=issue, by=self.cast.supervisor, version=issue.version, channel="phone", **asked)
        issue = Issue.objects.get(pk=issue.pk)
        if issue.redos > before:
            self.taken["redo" if issue.state == State.ACCEPTED else "redo_up"] += 1
        return issue


def check(issue, due_before):
    """Assert all that must hold of an issue at every moment."""
    unit = Unit.objects.get(pk=issue.unit_id)
    assert unit.is_active and unit.district_code == issue.place.district_code
    assert issue.due_on is not None and issue.due_on >= due_before
    rows = list(IssueSegment.objects.filter(issue=issue))
    ledger = [row for row in rows if row.ended_at is None]
    if CLOCK[State(issue.state)] in STRETCHES:
        (last,) = ledger
        assert last == rows[-1] and (last.unit_id, last.kind) == (issue.unit_id, CLOCK[State(issue.state)])
    else:
        assert ledger == [] and issue.state in (*ENDED_STATES, State.NEW)
    gaps = set(issue.events.filter(to_state__in=ENDED_STATES).values_list("at", flat=True))
    for earlier, later in pairwise(rows):
        assert earlier.ended_at >= earlier.started_at
        assert later.started_at == earlier.ended_at or (
            later.started_at > earlier.ended_at and earlier.ended_at in gaps
        )
    assert due_day_of(issue, segments=rows, table=calendar.overrides()) == issue.due_on


def test_random_lives_through_all_moves_keep_a_holder_a_due_day_and_an_unbroken_clock(cast, monkeypatch):
    world, steps = World(cast, monkeypatch, seed=14), 0
    route(cast.roads)
    for life in range(LIVES):
        issue = world.open(is_hasty=life % 2 == 1)
        world.others.append(issue)
        check(issue, issue.due_on)
        for _step in range(STEPS):
            world.pass_time()
            due_before = issue.due_on
            issue = world.step(issue)
            check(issue, due_before)
            steps += 1
    assert steps == LIVES * STEPS
    assert {name for name, count in world.taken.items() if count == 0} == set()
    assert list(actions.deadline_differences()) == []
    assert {issue.outcome for issue in Issue.objects.filter(state=State.CLOSED)} <= set(Outcome.values)


def refused_by_the_database(statement, *values):
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.mark.parametrize("column", ["unit_id", "due_on", "limit_workdays", "state", "place_id"])
def test_the_database_refuses_an_issue_without_holder_or_due_day(cast, column):
    issue = issue_at(cast)
    refused_by_the_database(f"UPDATE issues_issue SET {column} = NULL WHERE id = %s", issue.pk)
    assert Issue.objects.get(pk=issue.pk).unit == cast.roads


def test_the_database_refuses_to_delete_a_unit_that_holds_an_issue(cast):
    issue_at(cast)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM outreach_unit WHERE id = %s", [cast.roads.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_refuses_a_second_open_stretch_and_one_that_ends_before_it_starts(cast):
    issue = issue_at(cast)
    insert = (
        "INSERT INTO issues_issuesegment (issue_id, unit_id, kind, started_at, ended_at) VALUES (%s, %s, %s, %s, %s)"
    )
    now = timezone.now()
    refused_by_the_database(insert, issue.pk, cast.roads.pk, "running", now, None)
    refused_by_the_database(insert, issue.pk, cast.roads.pk, "running", now, now - timedelta(days=1))
    refused_by_the_database(insert, issue.pk, cast.roads.pk, "waiting", now, now)
    assert IssueSegment.objects.filter(issue=issue).count() == 1
