"""Frozen scores: what is kept, what never changes, who approves, what a revision does."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from outreach.access import Role
from outreach.models import AuditEvent, Notification
from reports.actions import snapshots
from reports.models import Snapshot
from reports.models.snapshots import digest_of
from reports.schemes import SchemeContent, canonical
from reports.scoring import Adjustment, Reading, Scoreboard, UnitReadings, score
from reports.snapshot_alarms import snapshot_alarms
from reports.tasks import replay_snapshots, take_daily_snapshots
from tests.cast import make_user
from tests.reports.frozen import LAST, START, content, granted_appeal, make_scheme, make_work, publish, take
from tests.reports.rows import make_duty

D = Decimal
pytestmark = pytest.mark.django_db


@pytest.fixture
def scheme(cast):
    return make_scheme(cast, make_work(cast))


@pytest.fixture
def snapshot(cast, scheme):
    return take(cast, scheme)


@pytest.fixture
def second_office(cast):
    return make_user("O002", "朱群办", Role.DISTRICT_OFFICE, cast.district)


def test_snapshot_holds_the_scores_and_all_they_were_made_of(cast, scheme, snapshot):
    board = snapshot.board
    assert [(unit.name, unit.total, unit.rank) for unit in board.groups[0].units] == [
        ("白鹭镇", D("85.00"), 1),
        ("青溪镇", D("50.00"), 2),
    ]
    assert {group.key for group in board.groups} == {
        "townships",
        "departments",
        "villages:439900101",
        "villages:439900102",
    }
    assert snapshot.counts["439900101"]["to_visit"] == 4
    assert snapshot.overdue == {"439900D08": [snapshot.overdue["439900D08"][0]]}
    assert snapshot.state == "draft" and snapshot.taken_by == cast.district_office
    assert AuditEvent.objects.filter(action="snapshot.take", target=f"reports.snapshot:{snapshot.pk}").count() == 1
    assert Notification.objects.count() == 0


def test_replay_gives_the_same_after_the_rows_and_the_scheme_went_on(cast, scheme, snapshot):
    make_duty(scheme.campaign, cast.shiqiao, covered_on=START)
    scheme.state, scheme.retired_at, scheme.retired_by = "retired", timezone.now(), cast.leader
    scheme.save()
    assert list(snapshots.differences()) == []
    out = StringIO()
    call_command("replay_snapshots", "--check", stdout=out)
    assert out.getvalue() == "1 snapshots hold.\n"
    replay_snapshots()
    assert snapshot_alarms(cast.district_office) == []
    again = Snapshot.objects.get(pk=snapshot.pk)
    assert digest_of(again.inputs, snapshots.result_of(again.inputs)) == snapshot.digest


def test_replay_names_a_snapshot_that_was_forged_past_the_trigger(cast, snapshot):
    forged = deepcopy(snapshot.result)
    forged["groups"][0]["units"][1]["total"] = "99"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        Snapshot.objects.filter(pk=snapshot.pk).update(result=forged)
        assert list(snapshots.differences()) == [
            f"snapshot {snapshot.pk}: its contents do not have the digest {snapshot.digest}"
        ]
        # whoever forges the digest too is found by scoring again
        Snapshot.objects.filter(pk=snapshot.pk).update(digest=digest_of(snapshot.inputs, forged))
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert "scored again it gives" in next(iter(snapshots.differences()))
    replay_snapshots()
    assert [alarm.title for alarm in snapshot_alarms(cast.district_office)] == ["冻结的得分"]
    assert snapshot_alarms(cast.township_admin) == []
    with pytest.raises(CommandError, match="1 snapshots"):
        call_command("replay_snapshots", "--check", stdout=StringIO())


def test_snapshot_of_earlier_rules_is_replayed_by_them_and_told_from_a_forged_one(cast, snapshot, monkeypatch):
    assert snapshot.inputs["engine"] == 1

    def changed(scheme, units):
        return score(replace(scheme, full=D(50)), units)

    monkeypatch.setattr(snapshots, "ENGINE", 2)
    monkeypatch.setattr(snapshots, "ENGINES", {1: score, 2: changed})
    assert list(snapshots.compare()) == []
    monkeypatch.setattr(snapshots, "ENGINES", {2: changed})
    told = f"snapshot {snapshot.pk}: engine changed from 1 to 2; its digest holds"
    assert list(snapshots.compare()) == [(told, False)]
    assert snapshots.prove() == [] and not snapshots.last_proof_failed()
    # rules that never were are no excuse
    inputs = {**snapshot.inputs, "engine": 7}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        Snapshot.objects.filter(pk=snapshot.pk).update(inputs=inputs, digest=digest_of(inputs, snapshot.result))
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert [is_fault for _line, is_fault in snapshots.compare()] == [True]
    assert snapshots.prove() and snapshots.last_proof_failed()


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": {}},
        {"result": {}},
        {"digest": "0" * 64},
        {"first": date(2020, 1, 1)},
        {"kind": "final"},
        {"as_of": timezone.now()},
        {"taken_by": None},
        {"revised_why": "x"},
        {"state": "published"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_database_refuses_to_change_what_is_frozen(snapshot, change):
    with pytest.raises(DatabaseError), transaction.atomic():
        Snapshot.objects.filter(pk=snapshot.pk).update(**change)


def test_database_refuses_to_delete_a_snapshot_and_to_bring_one_back(cast, snapshot):
    with pytest.raises(DatabaseError), transaction.atomic():
        snapshot.delete()
    snapshots.withdraw(snapshot=snapshot, why="数据有误", by=cast.district_office)
    with pytest.raises(DatabaseError), transaction.atomic():
        Snapshot.objects.filter(pk=snapshot.pk).update(
            state="draft", withdrawn_at=None, withdrawn_by=None, withdrawn_why=""
        )


def test_scores_are_frozen_by_a_published_scheme_of_past_days_alone(cast, scheme):
    today = timezone.localdate()
    arguments = {"campaign": scheme.campaign, "scheme": scheme, "kind": "manual", "by": cast.district_office}
    for first, last in ((LAST, START), (START, today + timedelta(days=1)), (START - timedelta(days=900), LAST)):
        with pytest.raises(ValidationError):
            snapshots.take(**arguments, first=first, last=last, today=today)
    scheme.state, scheme.retired_at, scheme.retired_by = "retired", timezone.now(), cast.leader
    scheme.save()
    with pytest.raises(ValidationError):
        take(cast, scheme)
    with pytest.raises(PermissionDenied):
        take(cast, scheme, by=cast.township_admin)
    assert not Snapshot.objects.exists()


def test_who_took_a_snapshot_does_not_approve_it(cast, snapshot, second_office):
    with pytest.raises(ValidationError):
        snapshots.approve(snapshot=snapshot, by=cast.district_office)
    with pytest.raises(IntegrityError), transaction.atomic():
        Snapshot.objects.filter(pk=snapshot.pk).update(
            state="approved", approved_at=timezone.now(), approved_by=cast.district_office
        )
    snapshots.approve(snapshot=snapshot, by=second_office)
    snapshot.refresh_from_db()
    assert (snapshot.state, snapshot.approved_by) == ("approved", second_office)
    with pytest.raises(ValidationError):
        snapshots.approve(snapshot=snapshot, by=cast.leader)


def test_publishing_tells_the_units_once_and_begins_the_days_of_appeal(cast, snapshot):
    with pytest.raises(ValidationError):
        snapshots.publish(snapshot=snapshot, by=cast.leader, today=timezone.localdate())
    snapshots.approve(snapshot=snapshot, by=cast.leader)
    friday = date(2026, 11, 27)
    snapshots.publish(snapshot=snapshot, by=cast.leader, today=friday)
    snapshot.refresh_from_db()
    assert snapshot.appeals_until == date(2026, 12, 4)
    told = Notification.objects.filter(key=f"snapshot:{snapshot.pk}:published")
    assert {row.user for row in told} == {cast.township_admin, cast.outside_admin, cast.department_head}
    assert all("镇" not in row.title and row.text == "" for row in told)


def test_draft_shows_to_those_who_freeze_approve_and_decide_alone(cast, snapshot):
    for person in (cast.district_office, cast.leader, cast.supervisor):
        assert snapshot in Snapshot.objects.visible_to(person)
    for person in (cast.township_admin, cast.department_head, cast.village_clerk, cast.publicity, cast.system_admin):
        assert snapshot not in Snapshot.objects.visible_to(person)
    publish(cast, snapshot)
    for person in (cast.township_admin, cast.department_head, cast.village_clerk, cast.publicity):
        assert snapshot in Snapshot.objects.visible_to(person)
    assert snapshot not in Snapshot.objects.visible_to(cast.system_admin)


def test_daily_snapshot_is_taken_once_a_working_day_quietly(cast, scheme, monkeypatch):
    monday, sunday = date(2026, 3, 9), date(2026, 3, 8)
    assert snapshots.take_daily(today=sunday) == []
    taken = snapshots.take_daily(today=monday)
    assert [(row.kind, row.first, row.last, row.taken_by) for row in taken] == [("daily", START, sunday, None)]
    assert snapshots.take_daily(today=monday) == []
    with pytest.raises(IntegrityError), transaction.atomic():
        Snapshot.objects.create(
            campaign=scheme.campaign,
            scheme=scheme,
            kind="daily",
            first=START,
            last=sunday,
            as_of=timezone.now(),
            inputs={},
            result={},
            digest="x",
        )
    assert Notification.objects.count() == 0
    take_daily_snapshots()  # today the campaign of the tests is over
    assert Snapshot.objects.count() == 1


# ---- revisions


def test_revision_works_in_what_was_granted_and_leaves_the_old_one_as_it_was(cast, scheme, snapshot):
    publish(cast, snapshot)
    with pytest.raises(ValidationError):
        snapshots.revise(snapshot=snapshot, why="无申诉", by=cast.district_office)
    granted_appeal(cast, snapshot)
    make_duty(scheme.campaign, cast.shiqiao, covered_on=START)  # what happens later does not come in
    frozen = deepcopy((snapshot.inputs, snapshot.result, snapshot.digest))
    revision = snapshots.revise(snapshot=snapshot, why="申诉更正", by=cast.district_office)
    before, after = snapshot.board.unit("439900101"), revision.board.unit("439900101")
    assert (before.total, after.total) == (D("50.00"), D("55.00"))
    line = after.line("=solution")
    assert (line.kind, line.marks, line.label) == ("appeal", D("5.00"), "问题解决率")
    assert revision.board.unit("439900102") == snapshot.board.unit("439900102")
    assert (revision.revises, revision.root, revision.revision) == (snapshot, snapshot, 1)
    old = Snapshot.objects.get(pk=snapshot.pk)
    assert (old.inputs, old.result, old.digest) == frozen
    assert old in Snapshot.objects.published()
    publish(cast, revision)
    assert list(Snapshot.objects.published()) == [revision]
    assert list(snapshots.differences()) == []


def test_line_of_revisions_does_not_fork_and_keeps_what_was_withdrawn(cast, snapshot):
    publish(cast, snapshot)
    granted_appeal(cast, snapshot)
    first = snapshots.revise(snapshot=snapshot, why="申诉更正", by=cast.district_office)
    with pytest.raises(ValidationError):
        snapshots.revise(snapshot=snapshot, why="再来一次", by=cast.district_office)
    with pytest.raises(ValidationError):
        snapshots.withdraw(snapshot=snapshot, why="有修订", by=cast.leader)
    snapshots.withdraw(snapshot=first, why="分值写错", by=cast.district_office)
    second = snapshots.revise(snapshot=snapshot, why="申诉更正", by=cast.district_office)
    assert [(row.revision, row.state) for row in Snapshot.objects.order_by("revision")] == [
        (0, "published"),
        (1, "withdrawn"),
        (2, "draft"),
    ]
    assert second.root == snapshot


def test_published_scores_are_withdrawn_by_who_may_publish_and_the_units_are_told(cast, snapshot, second_office):
    publish(cast, snapshot)
    with pytest.raises(ValidationError):
        snapshots.withdraw(snapshot=snapshot, why="  ", by=cast.leader)
    snapshots.withdraw(snapshot=snapshot, why="期间取错", by=cast.leader)
    snapshot.refresh_from_db()
    assert (snapshot.state, snapshot.withdrawn_why) == ("withdrawn", "期间取错")
    assert Notification.objects.filter(key=f"snapshot:{snapshot.pk}:withdrawn", user=cast.township_admin).exists()
    assert snapshot in Snapshot.objects.visible_to(cast.township_admin)
    assert not Snapshot.objects.published().exists()


def test_granted_marks_that_carry_count_in_later_snapshots_of_these_days(cast, scheme, snapshot):
    publish(cast, snapshot)
    granted_appeal(cast, snapshot, carries=True)
    later = take(cast, scheme, last=LAST + timedelta(days=7))
    assert later.board.unit("439900101").line("=solution").marks == D("5.00")
    revision = snapshots.revise(snapshot=snapshot, why="申诉更正", by=cast.district_office)
    assert revision.board.unit("439900101").line("=solution").marks == D("5.00")


# ---- what holds whatever the figures

NUMBERS = st.integers(0, 40)


@st.composite
def units(draw):
    count = draw(st.integers(1, 6))
    found = []
    for number in range(count):
        readings = {}
        for key in ("coverage", "solution"):
            whole = draw(NUMBERS)
            part = draw(st.integers(0, whole))
            value = (D(100 * part) / whole).quantize(D("0.01")) if whole else None
            readings[key] = Reading(part, whole, value)
        extra = draw(st.lists(st.decimals(D("0.01"), D(9), places=2), max_size=2))
        entries = tuple(
            Adjustment(draw(st.sampled_from(["praise", "=coverage"])), points, "注", index)
            for index, points in enumerate(extra)
        )
        found.append(UnitReadings(f"4399001{number:02d}", f"镇{number}", number, "townships", readings, entries))
    return found


@given(units(), st.randoms(use_true_random=False))
@hypothesis_settings(max_examples=150, deadline=None)
def test_any_replay_gives_the_same_and_order_of_units_changes_nothing(made, random):
    frozen = {"scheme": content().to_json(), "units": [unit.to_json() for unit in made]}
    result = snapshots.result_of(frozen)
    # through the database's JSON, as a replay reads it
    stored = {"scheme": SchemeContent.from_json(frozen["scheme"]).to_json(), "units": frozen["units"]}
    assert canonical(snapshots.result_of(stored)) == canonical(result)
    assert canonical(Scoreboard.from_json(result).to_json()) == canonical(result)
    shuffled = list(made)
    random.shuffle(shuffled)
    assert canonical(score(content(), shuffled).to_json()) == canonical(result)
    ranks = [unit.rank for unit in Scoreboard.from_json(result).groups[0].units if unit.rank is not None]
    totals = [unit.total for unit in Scoreboard.from_json(result).groups[0].units if unit.rank is not None]
    assert ranks == [1 + sum(other > total for other in totals) for total in totals]
