"""The chain of histories: what is written holds, and what is falsified is found."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from issues import actions, chain, verify
from issues.models import Attachment, Issue, IssueEvent
from outreach import audit
from outreach.models import AuditEvent
from tests.issues.chains import KINDS, PAIRS, behind_the_program, chained_issues, falsify
from tests.issues.make import issue_at, move
from tests.issues.papers import pdf, upload
from tests.issues.test_attachments import picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def found() -> set[int]:
    """The issues with a fault."""
    return {fault.issue for fault in verify.read_through().faults}


def test_the_canonical_form_never_changes():
    text = chain.canonical(
        number="2026000001",
        seq=2,
        previous="ab",
        at=datetime(2026, 4, 17, 9, 30, tzinfo=UTC),
        actor="staff",
        by=7,
        by_unit=3,
        move="finish",
        from_state="accepted",
        to_state="done",
        from_unit=3,
        to_unit=3,
        reason="",
        note="已修好\n“路灯”",
        detail=chain.plain({"files": ["ff"], "changes": {"is_urgent": [False, True], "household": [None, 5]}}),
    )
    assert text == (
        '{"actor":"staff","at":"2026-04-17T09:30:00.000000+00:00","by":7,"by_unit":3,"detail":{"changes":{"household":'
        '[null,5],"is_urgent":[false,true]},"files":["ff"]},"from_state":"accepted","from_unit":3,"issue":"2026000001",'
        '"move":"finish","note":"已修好\\n“路灯”","previous":"ab","reason":"","seq":2,"to_state":"done","to_unit":3}'
    )
    assert chain.digest(text) == hashlib.sha256(text.encode()).hexdigest()
    with pytest.raises(TypeError):
        chain.plain({"workdays": 1.5})


def test_every_step_is_chained_and_the_issue_keeps_the_head(cast, media):
    issue = issue_at(cast, "accepted", photos=[picture()])
    issue = move(issue, "finish", cast.department_handler, note="已修好", outcome="solved", evidence=[upload(pdf())])
    events = list(issue.events.order_by("seq"))
    assert [(event.seq, event.move) for event in events] == [(1, "open"), (2, "dispatch"), (3, "accept"), (4, "finish")]
    assert [event.previous_hash for event in events] == ["", *(event.hash for event in events[:-1])]
    assert all(event.hash == hashlib.sha256(event.canonical().encode()).hexdigest() for event in events)
    assert (issue.event_count, issue.head_hash) == (4, events[-1].hash)
    issue.refresh_from_db()
    assert (issue.event_count, issue.head_hash) == (4, events[-1].hash)
    assert events[0].detail["facts"]["text"] == "村口路灯不亮" and len(events[0].detail["files"]) == 1
    assert events[3].detail == {"files": [hashlib.sha256(pdf()).hexdigest()], "solvability": "solvable"}
    assert json.loads(events[3].canonical())["detail"] == events[3].detail
    assert verify.read_through().faults == []


def test_the_database_refuses_a_step_that_does_not_follow_and_a_head_nobody_made(cast):
    issue = issue_at(cast, "accepted")
    event = issue.events.order_by("-seq").first()
    for changes in ({"seq": 5}, {"previous_hash": "0" * 64}, {"seq": 3}):
        copy = IssueEvent.objects.get(pk=event.pk)
        copy.pk, copy.seq, copy.previous_hash = None, issue.event_count + 1, issue.head_hash
        for name, value in changes.items():
            setattr(copy, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save(force_insert=True)
    for changes in ({"event_count": 2}, {"head_hash": ""}, {"event_count": 4, "head_hash": "0" * 64}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Issue.objects.filter(pk=issue.pk).update(**changes)
    for change in (lambda: IssueEvent.objects.filter(pk=event.pk).update(note="x"), lambda: event.delete()):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    issue.text = "改"
    issue.event_count, issue.head_hash = 1, ""
    with pytest.raises(IntegrityError), transaction.atomic():
        issue.save()
    assert verify.read_through().faults == []


def test_a_thousand_falsified_histories_are_all_found_and_no_other(cast):
    draw = random.Random(20261124)
    issues = chained_issues(cast, 1400)
    steps: dict[int, list[IssueEvent]] = {issue.pk: [] for issue in issues}
    for event in IssueEvent.objects.select_related("issue").order_by("issue_id", "seq"):
        steps[event.issue_id].append(event)
    clean = verify.read_through()
    assert (clean.faults, clean.issues, clean.events) == ([], 1400, IssueEvent.objects.count())
    left = list(steps)
    draw.shuffle(left)
    touched = set()
    with behind_the_program() as cursor:
        for number in range(1000):
            kind = KINDS[number % len(KINDS)]
            own = left.pop()
            other = left.pop() if kind in PAIRS else left[0]
            falsify(cursor, kind, steps[own], steps[other], draw)
            touched |= {own, other} if kind in PAIRS else {own}
    assert len(touched) >= 1000 and left, "a thousand histories changed, and some left as they were"
    reading = verify.read_through()
    assert {fault.issue for fault in reading.faults} == touched
    assert reading.fault_count == len(reading.faults)


@pytest.mark.parametrize("kind", KINDS)
def test_each_way_of_falsifying_is_found_where_it_was_done(cast, kind):
    issues = chained_issues(cast, 5)
    steps = [list(issue.events.select_related("issue").order_by("seq")) for issue in issues]
    with behind_the_program() as cursor:
        falsify(cursor, kind, steps[2], steps[4], random.Random(kind))
    assert found() == ({issues[2].pk, issues[4].pk} if kind in PAIRS else {issues[2].pk})


@pytest.mark.parametrize(
    ("table", "change", "what"),
    [
        ("issue", "text = '一切都好'", verify.FACTS.format(names="text")),
        ("issue", "category_id = (SELECT min(id) FROM issues_category)", verify.FACTS.format(names="category")),
        ("issue", "is_urgent = true", verify.FACTS.format(names="is_urgent")),
        ("issue", "state = 'arbitration'", verify.STATE),
        ("issue", "unit_id = place_id", verify.STATE),
        ("issue", "event_count = 7", verify.HEAD),
        ("issue", "head_hash = md5('')", verify.HEAD),
        ("issue", "number = 'X1'", verify.CHANGED),
        ("attachment", "sha256 = repeat('0', 64)", verify.FILES),
    ],
)
def test_an_issue_or_file_that_differs_from_its_history_is_found(cast, media, table, change, what):
    issue = issue_at(cast, "accepted", photos=[picture()])
    issue_at(cast, "accepted", photos=[picture(size=(50, 60))])
    key = "id" if table == "issue" else "issue_id"
    with behind_the_program() as cursor:
        cursor.execute(f"UPDATE issues_{table} SET {change} WHERE {key} = %s", [issue.pk])
        assert cursor.rowcount == 1
    faults = verify.read_through().faults
    assert {fault.issue for fault in faults} == {issue.pk} and what in {fault.what for fault in faults}


def test_a_file_without_a_step_and_a_step_without_its_file_are_found(cast, media):
    one, two = (issue_at(cast, photos=[picture(size=(size, 90))]) for size in (80, 90))
    issue_at(cast, photos=[picture()])
    with behind_the_program() as cursor:
        cursor.execute("DELETE FROM issues_attachment WHERE issue_id = %s", [one.pk])
    photo = Attachment.objects.get(issue=two)
    photo.pk, photo.sha256 = None, "1" * 64
    photo.save()
    assert {(fault.issue, fault.what) for fault in verify.read_through().faults} == {
        (one.pk, verify.FILES),
        (two.pk, verify.FILES),
    }


def test_steps_of_an_issue_that_is_gone_are_found(cast):
    issues = chained_issues(cast, 2)
    with behind_the_program() as cursor:
        cursor.execute("DELETE FROM issues_issue WHERE id = %s", [issues[0].pk])
    faults = verify.read_through().faults
    assert {(fault.issue, fault.what) for fault in faults} == {(issues[0].pk, verify.NO_ISSUE)}
    assert len(faults) == issues[0].events.count()


def cut_off(issue: Issue) -> None:
    """Take the last step away and put the head right, as if it had never been."""
    before = issue.events.order_by("seq")[issue.events.count() - 2]
    with behind_the_program() as cursor:
        cursor.execute("DELETE FROM issues_issueevent WHERE issue_id = %s AND seq > %s", [issue.pk, before.seq])
        cursor.execute(
            "UPDATE issues_issue SET event_count = %s, head_hash = %s, state = %s, unit_id = %s WHERE id = %s",
            [before.seq, before.hash, before.to_state, before.to_unit_id, issue.pk],
        )


def test_a_history_cut_off_with_its_head_put_right_is_found_by_the_seal(cast, capsys):
    issues = chained_issues(cast, 3)
    call_command("verify_issues")
    sealed = AuditEvent.objects.get(action="issue.seal")
    assert sealed.detail["issues"] == 3 and sealed.detail["events"] == IssueEvent.objects.count()
    assert sealed.detail["digest"] in capsys.readouterr().out
    move(issue_at(cast, "new"), "dispatch", cast.district_office, note="属其职责", unit=cast.roads)
    call_command("verify_issues")  # what came after the seal is no fault
    cut_off(issues[1])
    assert verify.read_through().faults == [], "the chains alone cannot tell"
    with pytest.raises(CommandError):
        call_command("verify_issues")
    assert actions.last_proof_failed()
    assert "last seal" in AuditEvent.objects.get(action="issue.verify_failed").detail["first"][0]
    with pytest.raises(CommandError):  # and it stays so
        call_command("verify_issues")
    call_command("verify_issues", seal_anew="从备份恢复")
    assert AuditEvent.objects.filter(action="issue.seal").latest("pk").detail["reason"] == "从备份恢复"
    assert not actions.last_proof_failed()
    call_command("verify_issues")
    assert list(audit.broken_events()) == []


def test_all_histories_removed_is_found_by_the_seal(cast):
    chained_issues(cast, 2)
    call_command("verify_issues")
    with behind_the_program() as cursor:
        for table in ("issueevent", "issuesegment", "issue"):
            cursor.execute(f"DELETE FROM issues_{table}")
    assert verify.read_through().faults == []
    with pytest.raises(CommandError):
        call_command("verify_issues")


def test_a_fault_cannot_be_sealed_away(cast):
    issues = chained_issues(cast, 2)
    with behind_the_program() as cursor:
        cursor.execute("UPDATE issues_issueevent SET note = 'x' WHERE issue_id = %s AND seq = 2", [issues[0].pk])
    with pytest.raises(CommandError):
        call_command("verify_issues", seal_anew="算了")
    assert not AuditEvent.objects.filter(action="issue.seal").exists()
    event = AuditEvent.objects.get(action="issue.verify_failed")
    assert event.detail["faults"] == 1 and issues[0].number in event.detail["first"][0]
