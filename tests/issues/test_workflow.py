"""The moves, generated from the table; and what the table cannot say, written out."""

from __future__ import annotations

import importlib
import itertools
import re
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from households.models import Household
from issues import actions, looks, workflow
from issues.actions import ConflictError
from issues.models import CallBack, HelpingUnit, Issue, IssueEvent
from issues.workflow import BY_NAME, MOVES, State
from outreach import access
from outreach.access import Role
from outreach.models import Membership, Unit
from tests.cast import make_user
from tests.issues.make import answer, issue_at, move

pytestmark = pytest.mark.django_db

JUDGES = {"township_admin", "district_office", "supervisor"}
HOLDER = {"department_handler", "department_head"}
# Who may make each move on an issue of 石桥村 (青溪镇) held, or done, by the roads department: everybody else may not.
WHO = {
    "dispatch": {"township_admin", "district_office"},
    "accept": HOLDER,
    "return": HOLDER,
    "appeal": HOLDER,
    "arbitrate": {"district_office"},
    "refuse": {"township_admin", "district_office"},
    "restore": JUDGES,
    "progress": HOLDER,
    "remark": {"village_clerk", "township_admin", "district_office"},
    "urge": JUDGES,
    "ask_help": HOLDER,
    "answer_help": {"outside_handler"},
    "ask_time": HOLDER,
    "grant": {"district_office"},
    "ask_pause": HOLDER,
    "pause": {"district_office"},
    "deny": {"district_office"},
    "resume": HOLDER,
    "report_up": HOLDER,
    "answer_up": HOLDER,
    "finish": HOLDER,
    "verify": JUDGES,
    "redo": JUDGES,
    "redo_up": JUDGES,
    "close": JUDGES,
    "close_not_content": {"district_office", "supervisor"},
    "merge": {"township_admin", "district_office"},
    "unmerge": {"township_admin", "district_office"},
    "supervise": {"district_office", "supervisor"},
    "release": {"district_office", "supervisor"},
}
# Where somebody else holds the issue: a new one lies with the township, a returned or disputed one with the district,
# which decides and works on nothing.
WHO_IN = {
    ("progress", "new"): {"township_admin"},
    ("progress", "returned"): set(),
    ("progress", "arbitration"): set(),
}
EDGES = [(step, source) for step in MOVES for source in step.sources]
IDS = [f"{step.name}-{source}" for step, source in EDGES]


def who(step, source):
    return WHO_IN.get((step.name, source.value), WHO[step.name])


def ready(cast, step, source):
    """An issue in `source` on which the guards of `step` hold."""
    issue = issue_at(cast, source)
    changes = {
        "appeal": {"returns": 2},
        "grant": {"request": "time", "requested_workdays": 5},
        "deny": {"request": "time", "requested_workdays": 5},
        "pause": {"request": "pause", "requested_until": timezone.localdate() + timedelta(days=9)},
        "redo_up": {"redos": 1},
        "close_not_content": {"redos": 2},
        "release": {"supervised_at": timezone.now(), "supervised_by": cast.supervisor},
    }.get(step.name, {})
    Issue.objects.filter(pk=issue.pk).update(**changes)
    if step.name == "answer_help":
        HelpingUnit.objects.create(issue=issue, unit=cast.water, asked_by=cast.department_handler, question="请协助")
    if step.name == "close_not_content":
        CallBack.objects.create(
            issue=issue,
            round=2,
            channel="phone",
            reached="reached",
            contacted=True,
            solved=False,
            content="not_content",
            by=cast.supervisor,
            by_unit=cast.district,
        )
    return fresh(issue)


def fresh(issue):
    return Issue.objects.select_related("place", "unit", "done_by_unit").get(pk=issue.pk)


def fields(step, cast):
    """What the form of a move would send."""
    values = {
        "note": "情况属实",
        "outcome": "solved",
        "unit": cast.water,
        "reason": step.reasons.values[0] if step.reasons else "",
        "workdays": 5,
        "until": timezone.localdate() + timedelta(days=20),
        "to_whom": "省交通运输厅",
    }
    if "main" in step.required:
        values["main"] = issue_at(cast, "assigned", text="同一盏路灯")
    return {name: values[name] for name in step.required}


def snapshot(issue):
    """Everything of an issue, its history, and what stands beside it."""
    beside = (issue.events, issue.segments, issue.helping_units, issue.upward_reports, issue.call_backs)
    return Issue.objects.filter(pk=issue.pk).values().get(), [list(rows.order_by("pk").values()) for rows in beside]


def somebody(step, source, cast):
    names = sorted(who(step, source))
    return getattr(cast, names[0]) if names else None


@pytest.mark.parametrize(("step", "source"), EDGES, ids=IDS)
def test_a_move_of_the_table_leads_to_its_state_and_leaves_its_mark(cast, step, source):
    issue = ready(cast, step, source)
    by = somebody(step, source, cast)
    if by is None:
        return
    given_fields = fields(step, cast)
    before, (events, *_beside) = snapshot(issue)
    moved = move(issue, step.name, by, **given_fields)
    after, (events_after, *_beside) = snapshot(issue)
    came_from = {"merged": "new", "refused": "new"}
    expected = came_from[source] if step.back else step.target or source
    assert after["state"] == expected == moved.state
    assert after["version"] == before["version"] + 1
    assert events_after[:-1] == events
    event = IssueEvent.objects.get(pk=events_after[-1]["id"])
    assert (event.move, event.from_state, event.to_state) == (step.name, source, expected)
    assert (event.actor, event.by, event.by_unit) == ("staff", by, by.post.unit)
    assert (event.from_unit_id, event.to_unit_id) == (before["unit_id"], after["unit_id"])
    assert event.reason == given_fields.get("reason", "")
    assert "情况属实" in event.note if "note" in step.required else event.note == ""
    check_whole(fresh(issue))


def test_every_move_of_the_table_is_made_by_somebody_in_these_tests():
    assert set(WHO) == set(BY_NAME) <= set(looks.MOVE_LOOKS)
    assert all(WHO.values()) and set(looks.STATE_TONES) == set(State.values)


@pytest.mark.parametrize(
    ("step", "state"),
    [(step, state) for step in MOVES for state in State if state not in step.sources],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_move_from_any_other_state_is_refused_and_changes_nothing(cast, step, state):
    issue = issue_at(cast, state)
    given_fields = fields(step, cast)
    before = snapshot(issue)
    for by in [getattr(cast, name) for name in WHO[step.name]]:
        with pytest.raises((ValidationError, PermissionDenied)):
            move(issue, step.name, by, **given_fields)
        assert step not in fresh(issue).allowed_moves(by)
    assert snapshot(issue) == before


@pytest.mark.parametrize(("step", "source"), EDGES, ids=IDS)
def test_a_move_is_for_exactly_those_the_table_names(cast, step, source):
    issue = ready(cast, step, source)
    given_fields = fields(step, cast)
    before = snapshot(issue)
    for name, person in cast.people().items():
        assert (step in issue.allowed_moves(person)) == (name in who(step, source)), name
        if name not in who(step, source):
            with pytest.raises(PermissionDenied):
                move(issue, step.name, person, **given_fields)
    assert snapshot(issue) == before


@pytest.mark.parametrize("actor", ["resident", "system"])
@pytest.mark.parametrize("step", MOVES, ids=lambda step: step.name)
def test_the_resident_and_the_program_take_only_the_steps_the_table_gives_them(cast, step, actor):
    source = next(source for source in step.sources if source != "done" or len(step.sources) == 1)
    issue = ready(cast, step, source)
    given_fields = fields(step, cast)
    before = snapshot(issue)
    if actor in step.actors:
        move(issue, step.name, None, actor=actor, **given_fields)
        event = issue.events.order_by("-pk").first()
        assert (event.move, event.actor, event.by, event.by_unit) == (step.name, actor, None, None)
    else:
        with pytest.raises(PermissionDenied):
            move(issue, step.name, None, actor=actor, **given_fields)
        assert snapshot(issue) == before
    with pytest.raises(PermissionDenied):  # a person's step needs a person
        move(fresh(issue), step.name, None, **given_fields)


GUARDED = [(step, guard) for step in MOVES for guard in step.guards]
BREAK = {
    "not_bound": {"is_bound": True},
    "returns_left": {"returns": 2},
    "no_return_left": {"returns": 1},
    "nothing_asked": {"request": "time", "requested_workdays": 3},
    "no_request": {"request": "time", "requested_workdays": 3},
    "time_asked": {"request": "pause", "requested_workdays": None, "requested_until": date(2027, 3, 1)},
    "pause_asked": {"request": "time", "requested_workdays": 3, "requested_until": None},
    "something_asked": {"request": "", "requested_workdays": None},
    "extension_left": {"extended_workdays": 3},
    "not_late": {"due_on": date(2026, 1, 5)},
    "not_content_twice": {"redos": 1},
    "stays_down": {"redos": 1},
    "goes_up": {"redos": 0},
    "supervised": {"supervised_at": None, "supervised_by": None},
}


@pytest.mark.parametrize(("step", "guard"), GUARDED, ids=[f"{step.name}-{guard.name}" for step, guard in GUARDED])
def test_a_move_whose_guard_does_not_hold_is_refused_with_the_reason(cast, step, guard):
    source = State.ACCEPTED if State.ACCEPTED in step.sources else step.sources[-1]
    issue = ready(cast, step, source)
    by = somebody(step, source, cast)
    given_fields = fields(step, cast)
    match guard.name:
        case "no_open_child":
            Issue.objects.filter(pk=issue_at(cast, "new", text="井盖缺失").pk).update(parent=issue)
        case "called_back":
            Issue.objects.filter(pk=issue.pk).update(household=make_household(cast))
        case "not_supervised":
            Issue.objects.filter(pk=issue.pk).update(supervised_at=timezone.now(), supervised_by=cast.supervisor)
        case "no_request" if source != State.ACCEPTED:
            return
        case name:
            Issue.objects.filter(pk=issue.pk).update(**BREAK[name])
    issue = fresh(issue)
    before = snapshot(issue)
    with pytest.raises(ValidationError, match=re.escape(str(guard.label))):
        move(issue, step.name, by, **given_fields)
    assert snapshot(issue) == before
    assert step not in issue.allowed_moves(by)
    assert ((step, guard) in issue.blocked_moves(by)) == guard.hint


def make_household(cast):
    return Household.objects.create(
        village=cast.shiqiao, number="77", head_name="张三", address="石桥村一组7号", phone="13900009999"
    )


REQUIRED = [(step, name) for step in MOVES for name in step.required]


@pytest.mark.parametrize(("step", "missing"), REQUIRED, ids=[f"{step.name}-{name}" for step, name in REQUIRED])
def test_a_move_without_what_it_requires_is_refused(cast, step, missing):
    source = State.ACCEPTED if State.ACCEPTED in step.sources else step.sources[-1]
    issue = ready(cast, step, source)
    given_fields = fields(step, cast)
    before = snapshot(issue)
    del given_fields[missing]
    with pytest.raises(ValidationError) as error:
        move(issue, step.name, somebody(step, source, cast), **given_fields)
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


JUDGING = {"verify", "close", "close_not_content", "redo", "redo_up"}


def judging(issue, person):
    return {step.name for step in issue.allowed_moves(person)} & JUDGING


def test_the_township_that_did_the_work_neither_verifies_nor_signs_it_off(cast):
    issue = issue_at(cast, "done", holder=cast.qingxi)
    assert judging(issue, cast.township_admin) == set()
    with pytest.raises(PermissionDenied):
        move(issue, "verify", cast.township_admin)
    issue = move(issue, "verify", cast.supervisor)
    assert judging(issue, cast.township_admin) == set()
    with pytest.raises(PermissionDenied):
        move(issue, "close", cast.township_admin)
    assert move(issue, "close", cast.supervisor).state == "closed"


def test_a_person_does_not_judge_their_own_work_from_another_post(cast):
    issue = issue_at(cast, "done")
    handler = cast.department_handler
    handler.current_post = Membership.objects.create(user=handler, unit=cast.district, role=Role.SUPERVISOR)
    handler.__dict__.pop("post", None)
    handler.__dict__.pop("posts", None)
    assert handler.post.role == Role.SUPERVISOR
    assert judging(issue, handler) == set()
    with pytest.raises(PermissionDenied):
        move(issue, "verify", handler)
    with pytest.raises(PermissionDenied):
        answer(issue_at(cast, "verified"), handler)
    verified = move(issue, "verify", cast.supervisor)
    assert move(verified, "close", cast.supervisor).closed_by == cast.supervisor


def test_nobody_moves_what_lies_in_another_township(cast):
    issue = issue_at(cast, "done")
    for step in MOVES:
        with pytest.raises(PermissionDenied):
            move(issue, step.name, cast.outside_admin, **fields(step, cast))


def test_the_third_return_goes_to_the_district_whose_decision_binds(cast):
    issue = issue_at(cast, "accepted")
    for time in (1, 2):
        issue = move(issue, "return", cast.department_handler, note="不属本局职责", reason="not_mine")
        assert (issue.state, issue.returns, issue.unit) == ("returned", time, cast.district)
        issue = move(issue, "dispatch", cast.district_office, note="三定方案属其职责", unit=cast.roads)
    assert "return" not in names(issue, cast.department_handler)
    issue = move(issue, "appeal", cast.department_handler, note="仍不属本局", reason="not_mine")
    assert (issue.state, issue.unit) == ("arbitration", cast.district)
    issue = move(issue, "arbitrate", cast.district_office, note="终审：由交通局办理", unit=cast.roads)
    assert (issue.state, issue.unit, issue.is_bound) == ("assigned", cast.roads, True)
    assert not {"return", "appeal"} & names(issue, cast.department_handler)
    assert "dispatch" not in names(issue, cast.township_admin)


def names(issue, person):
    return {step.name for step in fresh(issue).allowed_moves(person)}


def test_the_resident_not_content_sends_it_back_and_the_second_time_one_level_up(cast):
    issue = issue_at(cast, "verified", household=make_household(cast))
    assert "close" not in names(issue, cast.supervisor)
    answer(issue, cast.supervisor, solved=False, content="not_content", words="没修好")
    issue = fresh(issue)
    assert (issue.state, issue.redos, issue.unit) == ("accepted", 1, cast.roads)
    assert issue.events.last().note == "没修好" and issue.events.last().reason == "not_content"
    issue = move(issue, "finish", cast.department_handler, note="又修了一次", outcome="solved")
    issue = move(issue, "verify", cast.supervisor)
    answer(issue, cast.supervisor, solved=True, content="not_content")
    issue = fresh(issue)
    assert (issue.state, issue.redos, issue.unit) == ("arbitration", 2, cast.district)
    issue = move(issue, "arbitrate", cast.district_office, note="换水利局", unit=cast.water)
    issue = move(issue, "accept", cast.outside_handler)
    issue = move(issue, "finish", cast.outside_handler, note="修好", outcome="solved")
    issue = move(issue, "verify", cast.supervisor)
    answer(issue, cast.supervisor)
    assert move(fresh(issue), "close", cast.supervisor).outcome == "solved"


def test_the_handling_unit_cannot_call_its_own_issue_back(cast):
    issue = issue_at(cast, "verified", household=make_household(cast))
    before = snapshot(issue)
    for person in (cast.department_handler, cast.department_head, cast.visitor, cast.leader):
        with pytest.raises(PermissionDenied):
            answer(issue, person)
    assert snapshot(issue) == before


def test_an_issue_is_signed_off_unasked_only_after_three_days_of_trying(cast):
    issue = issue_at(cast, "verified", household=make_household(cast))
    for days in (0, 0, 1, 2):
        assert "close" not in names(issue, cast.supervisor)
        answer(fresh(issue), cast.supervisor, reached="no_answer", contacted=None, solved=None, content="")
        call = issue.call_backs.last()
        CallBack.objects.filter(pk=call.pk).update(at=timezone.now() - timedelta(days=days))
    assert "close" in names(issue, cast.supervisor)


def test_a_child_open_blocks_its_parent(cast):
    parent, child = issue_at(cast, "accepted"), issue_at(cast, "verified")
    Issue.objects.filter(pk=child.pk).update(parent=parent)
    assert "finish" not in names(parent, cast.department_handler)
    move(child, "close", cast.supervisor)
    assert "finish" in names(parent, cast.department_handler)


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
    Issue.objects.filter(pk=issue.pk).update(dispatched_at=timezone.now() - timedelta(days=60))
    issue.refresh_from_db()
    moved = move(issue, "dispatch", cast.district_office, note="属水利", unit=cast.water)
    assert moved.dispatched_at == issue.dispatched_at and moved.due_on < timezone.localdate()
    assert moved.unit == cast.water and "属水利" in moved.rule_text and moved.rule is None


def test_an_issue_sent_back_is_open_again_with_the_same_due_day(cast):
    issue = issue_at(cast, "done")
    redone = move(issue, "redo", cast.supervisor, note="群众反映未修好", reason="not_done")
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
    module = importlib.import_module("issues.migrations.0012_closed_loop_guard")
    return set(re.findall(r"\('(\w+)', '(\w+)'\)", module.GUARD))


def test_the_database_knows_the_same_moves_as_the_table():
    assert trigger_pairs() == {(source.value, target.value) for source, target in workflow.pairs()}


@pytest.mark.parametrize("source", State)
@pytest.mark.parametrize("target", State)
def test_the_database_refuses_a_state_no_move_leads_to(cast, source, target):
    if source == target or (source.value, target.value) in trigger_pairs():
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
    state = State(issue.state)
    assert issue.unit_id and issue.due_on
    assert issue.dispatched_at is not None or state in ("new", "merged", "refused")
    assert issue.accepted_at is not None or state in ("new", "assigned", "returned", "arbitration", "merged", "refused")
    done = state in ("done", "verified", "closed")
    assert (issue.done_at is not None) == (issue.done_by is not None) == done
    assert (issue.outcome != "") == (done or state == "merged")
    assert (issue.verified_at is not None) == (state in ("verified", "closed"))
    assert (issue.closed_at is not None) == (issue.closed_by is not None) == (state == "closed")
    times = [issue.dispatched_at, issue.done_at, issue.verified_at, issue.closed_at]
    known = [time for time in times if time]
    assert known == sorted(known)
    if issue.done_by:
        assert issue.done_by_id not in (issue.verified_by_id, issue.closed_by_id)
    check_clock(issue)


def check_clock(issue):
    """The ledger of segments has no gap and no overlap, and its end is what the state says."""
    segments = list(issue.segments.order_by("started_at", "pk"))
    for one, two in itertools.pairwise(segments):
        assert one.ended_at is not None and one.ended_at <= two.started_at
    clock = workflow.CLOCK[State(issue.state)]
    if clock in ("running", "paused", "reviewing"):
        assert (segments[-1].kind, segments[-1].unit_id, segments[-1].ended_at) == (clock, issue.unit_id, None)
    else:
        assert all(segment.ended_at for segment in segments)


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
