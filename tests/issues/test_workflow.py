"""The moves, generated from the table; and what the table cannot say, written out."""

from __future__ import annotations

import importlib
import itertools
import re
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from issues import actions, workflow
from issues.actions import ConflictError
from issues.models import Issue, IssueEvent
from issues.workflow import BY_NAME, MOVES, State
from outreach import access
from outreach.access import Role
from outreach.models import Membership, Unit
from tests.cast import make_user
from tests.issues.make import issue_at, move

pytestmark = pytest.mark.django_db

# who may make each move on an issue of 石桥村 (青溪镇) held, or done, by the roads department: everybody else may not
WHO = {
    "dispatch": {"township_admin", "district_office"},
    "accept": {"department_handler", "department_head"},
    "finish": {"department_handler", "department_head"},
    "close": {"township_admin", "district_office", "supervisor"},
    "redo": {"township_admin", "district_office", "supervisor"},
}
EDGES = [(step, source) for step in MOVES for source in step.sources]


def fields(step, cast):
    """What the form of a move would send."""
    values = {"note": "情况属实", "outcome": "solved", "unit": cast.water}
    return {name: values[name] for name in step.required}


def snapshot(issue):
    """Everything of an issue, and its history."""
    return Issue.objects.filter(pk=issue.pk).values().get(), list(issue.events.values_list("pk", flat=True))


def somebody(step, cast):
    return getattr(cast, sorted(WHO[step.name])[0])


@pytest.mark.parametrize(("step", "source"), EDGES, ids=[f"{m.name}-{s}" for m, s in EDGES])
def test_a_move_of_the_table_leads_to_its_state_and_leaves_its_mark(cast, step, source):
    issue = issue_at(cast, source)
    before, events = snapshot(issue)
    by = somebody(step, cast)
    moved = move(issue, step.name, by, **fields(step, cast))
    after, events_after = snapshot(issue)
    assert after["state"] == step.target == moved.state
    assert after["version"] == before["version"] + 1
    event = IssueEvent.objects.get(pk__in=set(events_after) - set(events))
    assert (event.move, event.from_state, event.to_state) == (step.name, source, step.target)
    assert (event.by, event.by_unit, event.to_unit_id) == (by, by.post.unit, after["unit_id"])
    assert event.from_unit_id == before["unit_id"]
    assert event.note == ("情况属实" if "note" in step.required else "")


@pytest.mark.parametrize(
    ("step", "state"),
    [(step, state) for step in MOVES for state in State if state not in step.sources],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_move_from_any_other_state_is_refused_and_changes_nothing(cast, step, state):
    issue = issue_at(cast, state)
    before = snapshot(issue)
    for by in [getattr(cast, who) for who in WHO[step.name]]:
        with pytest.raises((ValidationError, PermissionDenied)):
            move(issue, step.name, by, **fields(step, cast))
        assert step not in issue.allowed_moves(by)
    assert snapshot(issue) == before


@pytest.mark.parametrize(("step", "source"), EDGES, ids=[f"{m.name}-{s}" for m, s in EDGES])
def test_a_move_is_for_exactly_those_the_table_names(cast, step, source):
    issue = issue_at(cast, source)
    before = snapshot(issue)
    # nobody has accepted a new issue yet, and the township holds it
    may = WHO[step.name]
    for name, person in cast.people().items():
        assert (step in issue.allowed_moves(person)) == (name in may), name
        if name not in may:
            with pytest.raises(PermissionDenied):
                move(issue, step.name, person, **fields(step, cast))
    assert snapshot(issue) == before


@pytest.mark.parametrize(
    ("step", "missing"),
    [(step, name) for step in MOVES for name in step.required],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_move_without_what_it_requires_is_refused(cast, step, missing):
    issue = issue_at(cast, step.sources[0])
    before = snapshot(issue)
    given_fields = fields(step, cast)
    del given_fields[missing]
    with pytest.raises(ValidationError) as error:
        move(issue, step.name, somebody(step, cast), **given_fields)
    assert list(error.value.message_dict) == [missing]
    assert snapshot(issue) == before


def test_a_move_nobody_knows_is_refused(cast):
    with pytest.raises(ValidationError):
        move(issue_at(cast), "explode", cast.district_office)


@pytest.mark.parametrize(("note", "outcome"), [("\x00", "solved"), ("长" * 2001, "solved"), ("好", "perfect")])
def test_junk_in_a_move_is_refused(cast, note, outcome):
    issue = issue_at(cast, "accepted")
    before = snapshot(issue)
    with pytest.raises(ValidationError):
        move(issue, "finish", cast.department_handler, note=note, outcome=outcome)
    assert snapshot(issue) == before


def test_a_stale_version_is_a_conflict_and_changes_nothing(cast):
    issue = issue_at(cast, "assigned")
    move(issue, "accept", cast.department_handler)
    before = snapshot(issue)
    with pytest.raises(ConflictError, match=issue.number):
        move(issue, "accept", cast.department_head)  # `issue` still has the version from before
    assert snapshot(issue) == before


def test_the_township_that_did_the_work_does_not_sign_it_off(cast):
    issue = issue_at(cast, "done", holder=cast.qingxi)
    assert [step.name for step in issue.allowed_moves(cast.township_admin)] == []
    with pytest.raises(PermissionDenied):
        move(issue, "close", cast.township_admin)
    assert move(issue, "close", cast.supervisor).state == "closed"


def test_a_person_does_not_sign_off_their_own_work_from_another_post(cast):
    issue = issue_at(cast, "done")
    handler = cast.department_handler
    handler.current_post = Membership.objects.create(user=handler, unit=cast.district, role=Role.SUPERVISOR)
    handler.__dict__.pop("post", None)
    handler.__dict__.pop("posts", None)
    assert handler.post.role == Role.SUPERVISOR
    assert issue.allowed_moves(handler) == []
    with pytest.raises(PermissionDenied):
        move(issue, "close", handler)
    assert move(issue, "close", cast.supervisor).closed_by == cast.supervisor


def test_nobody_moves_what_lies_in_another_township(cast):
    issue = issue_at(cast, "done")
    for step in MOVES:
        with pytest.raises(PermissionDenied):
            move(issue, step.name, cast.outside_admin, **fields(step, cast))


def test_a_unit_of_another_district_cannot_be_dispatched_to(cast):
    far = Unit.objects.create(code="439901", name="外区", kind="district")
    gone = Unit.objects.create(
        code="439900D77", name="撤并局", kind="department", parent=cast.district, is_active=False
    )
    issue = issue_at(cast, "assigned")
    for unit in (far, gone, cast.roads):  # the last holds it already
        with pytest.raises(ValidationError) as error:
            move(issue, "dispatch", cast.district_office, note="转办", unit=unit)
        assert list(error.value.message_dict) == ["unit"]


def test_dispatching_again_never_gives_more_time(cast):
    issue = issue_at(cast, "assigned")
    Issue.objects.filter(pk=issue.pk).update(
        due_on=timezone.localdate() - timedelta(days=3), dispatched_at=timezone.now() - timedelta(days=9)
    )
    issue.refresh_from_db()
    moved = move(issue, "dispatch", cast.district_office, note="属水利", unit=cast.water)
    assert (moved.due_on, moved.dispatched_at) == (issue.due_on, issue.dispatched_at)
    assert moved.unit == cast.water and "属水利" in moved.rule_text and moved.rule is None


def test_an_issue_sent_back_is_open_again_with_the_same_due_day(cast):
    issue = issue_at(cast, "done")
    redone = move(issue, "redo", cast.supervisor, note="群众反映未修好")
    redone.refresh_from_db()
    assert (redone.state, redone.outcome, redone.done_at, redone.done_by, redone.done_by_unit) == (
        "accepted",
        "",
        None,
        None,
        None,
    )
    assert redone.due_on == issue.due_on and redone.unit == cast.roads
    again = move(redone, "finish", cast.department_head, note="重新修好", outcome="solved")
    assert again.result == "重新修好" and again.done_by == cast.department_head


# ---- the database refuses on its own ----


def trigger_pairs():
    module = importlib.import_module("issues.migrations.0003_number_and_guards")
    return set(re.findall(r"\('(\w+)', '(\w+)'\)", module.CREATE))


def test_the_database_knows_the_same_moves_as_the_table():
    assert trigger_pairs() == {(s.value, m.target.value) for m in MOVES for s in m.sources if s != m.target}


@pytest.mark.parametrize("source", State)
@pytest.mark.parametrize("target", State)
def test_the_database_refuses_a_state_no_move_leads_to(cast, source, target):
    if source == target or (source, target) in trigger_pairs():
        return
    issue = issue_at(cast, source)
    with pytest.raises(IntegrityError), transaction.atomic():
        Issue.objects.filter(pk=issue.pk).update(state=target)
    issue.refresh_from_db()
    assert issue.state == source


@pytest.mark.parametrize(
    "broken",
    [
        {"dispatched_at": None},
        {"accepted_at": None},
        {"done_at": None},
        {"done_by": None},
        {"done_by_unit": None},
        {"outcome": ""},
        {"closed_by": None},
        {"closed_at": None},
        {"due_on": None},
        {"unit": None},
    ],
)
def test_the_database_refuses_a_closed_issue_that_lacks_a_mark(cast, broken):
    issue = issue_at(cast, "closed")
    with pytest.raises(IntegrityError), transaction.atomic():
        Issue.objects.filter(pk=issue.pk).update(**broken)


def test_the_database_refuses_a_changed_history(cast):
    issue = issue_at(cast)
    for change in (lambda: issue.events.update(note="改"), lambda: issue.events.all().delete()):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    assert issue.events.count() == 2


# ---- any sequence ----

STEPS = st.lists(
    st.tuples(
        st.sampled_from([*BY_NAME, "nonsense"]),
        st.sampled_from(["township_admin", "department_handler", "outside_handler", "district_office", "supervisor"]),
        st.sampled_from(["roads", "water", "qingxi", "shiqiao", "none"]),
        st.sampled_from(["solved", "explained", "", "junk"]),
        st.sampled_from(["说明", ""]),
        st.booleans(),
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_after_any_sequence_of_moves_an_issue_is_whole(cast, steps):
    with transaction.atomic():
        issue = issue_at(cast, "new")
        for name, who, unit, outcome, note, is_stale in steps:
            before = snapshot(issue)
            try:
                actions.move_issue(
                    issue=issue,
                    move=name,
                    by=getattr(cast, who),
                    note=note,
                    outcome=outcome,
                    unit=getattr(cast, unit, None),
                    version=issue.version - is_stale,
                )
            except (ValidationError, PermissionDenied, ConflictError):
                assert snapshot(issue) == before
            else:
                assert not is_stale
                assert (before[0]["state"], BY_NAME[name].target) in {(s, m.target) for m in MOVES for s in m.sources}
            issue.refresh_from_db()
            check_whole(issue)
        transaction.set_rollback(True)


def check_whole(issue):
    order = list(State).index(State(issue.state))
    assert issue.unit_id and issue.due_on
    assert (issue.dispatched_at is not None) == (order >= 1)
    assert (issue.accepted_at is not None) == (order >= 2)
    assert (issue.done_at is not None) == (issue.done_by is not None) == (issue.outcome != "") == (order >= 3)
    assert (issue.closed_at is not None) == (issue.closed_by is not None) == (order >= 4)
    times = [issue.recorded_at, issue.dispatched_at, issue.done_at, issue.closed_at]
    known = [time for time in times if time]
    assert known == sorted(known)
    if issue.closed_by:
        assert issue.closed_by_id != issue.done_by_id
    states = list(issue.events.values_list("from_state", "to_state"))
    assert states[0][0] == "" and states[-1][1] == issue.state
    assert all(earlier[1] == later[0] for earlier, later in itertools.pairwise(states))
    assert issue.events.aggregate(last=Max("pk"))["last"] == issue.events.last().pk
    assert issue.version == len(states)


def test_sides_are_told_apart():
    def side(which, post, **other):
        values = {"place_code": "439900101201", "holder_code": "439900D08", "done_by_code": "", "is_doer": False}
        return workflow.stands_on(which, post_code=post, **{**values, **other})

    assert side(workflow.Side.AREA, "439900101") and side(workflow.Side.AREA, "439900")
    assert not side(workflow.Side.AREA, "439900102") and not side(workflow.Side.AREA, "439900D08")
    assert side(workflow.Side.HOLDER, "439900D08") and not side(workflow.Side.HOLDER, "439900")
    assert side(workflow.Side.NOT_HOLDER, "439900101") and not side(workflow.Side.NOT_HOLDER, "439900D08")
    assert not side(workflow.Side.NOT_HOLDER, "439900101", done_by_code="439900101")
    assert not side(workflow.Side.NOT_HOLDER, "439900", is_doer=True)
    assert not side(workflow.Side.NOT_HOLDER, "439901")


def test_a_person_without_a_post_may_do_nothing(cast):
    person = make_user("N001", "无岗位", Role.VISITOR, cast.qingxi)
    person.memberships.all().delete()
    person.__dict__.pop("post", None)
    person.__dict__.pop("posts", None)
    assert access.post_of(person) is None
    assert all(issue_at(cast, state).allowed_moves(person) == [] for state in State)
