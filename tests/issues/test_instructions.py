"""Difficult issues: which are on the list, the leader's instruction, the unit's answer, and that it is settled."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from issues import difficult
from issues.actions import ConflictError, instructions
from issues.models import DifficultMark, HelpingUnit, Instruction, Issue
from outreach import calendar
from outreach.access import Role
from outreach.models import LeaderLink, Notification
from tests.cast import make_user
from tests.issues.make import issue_at, move

pytestmark = pytest.mark.django_db

LIST = reverse("issues:difficult")


def give(issue, by, unit, seen=None, **fields) -> Instruction:
    values = {"text": "一周内拿出方案", "due_on": timezone.localdate() + timedelta(days=7), "to_unit": unit}
    return instructions.give_instruction(issue=issue, by=by, seen=seen, **{**values, **fields})


def rows_of(client, tab) -> set[int]:
    return {row["issue"].pk for row in client.get(LIST, {"tab": tab}).context["rows"]}


def make_late(issue, workdays) -> None:
    """Let the issue be due so that exactly `workdays` working days have passed since."""
    day = timezone.localdate()
    while calendar.workdays_between(day, timezone.localdate()) < workdays:
        day -= timedelta(days=1)
    Issue.objects.filter(pk=issue.pk).update(due_on=day)


def test_from_the_mark_to_the_settled_instruction(cast, login):
    issue = issue_at(cast, "accepted")
    leader, office, roads = login(cast.leader), login(cast.district_office), login(cast.department_handler)
    url = reverse("issues:detail", args=[issue.pk])
    assert rows_of(leader, "waiting") == set()
    office.post(reverse("issues:difficult_mark", args=[issue.pk]), {"reason": "牵涉三个部门"})
    assert rows_of(leader, "waiting") == {issue.pk}
    assert "牵涉三个部门" in leader.get(LIST).content.decode()

    due = timezone.localdate() + timedelta(days=5)
    sent = {"text": "三日内会商", "to_unit": cast.roads.pk, "due_on": due.isoformat(), "seen": "", "back": "list"}
    response = leader.post(reverse("issues:instruct", args=[issue.pk]), sent)
    assert response["Location"] == LIST
    given = Instruction.objects.get()
    assert (given.text, given.to_unit, given.due_on, given.by) == ("三日内会商", cast.roads, due, cast.leader)
    assert (rows_of(leader, "waiting"), rows_of(leader, "given")) == (set(), {issue.pk})
    told = Notification.objects.filter(user=cast.department_handler, key=f"instruction:{given.pk}:given").get()
    assert "三日内会商" not in told.title + told.text

    assert "三日内会商" in roads.get(url).content.decode()
    answered = roads.post(
        reverse("issues:instruct_answer", args=[issue.pk]), {"answer": "已会商，月底开工", "seen": given.pk}
    )
    assert answered["Location"] == url
    assert rows_of(leader, "answered") == {issue.pk}
    assert Notification.objects.filter(user=cast.leader, key=f"instruction:{given.pk}:answered").exists()

    again = {"text": "开工后报进度", "to_unit": cast.roads.pk, "due_on": due.isoformat(), "seen": given.pk}
    leader.post(reverse("issues:instruct", args=[issue.pk]), again)
    first, second = Instruction.objects.order_by("pk")
    assert (first.is_current, second.is_current, second.answered_at) == (False, True, None)
    assert rows_of(leader, "given") == {issue.pk}
    instructions.answer_instruction(issue=issue, by=cast.department_head, answer="已开工", seen=second.pk)
    leader.post(reverse("issues:instruct_settle", args=[issue.pk]), {"seen": second.pk})
    second.refresh_from_db()
    assert second.settled_by == cast.leader
    assert rows_of(leader, "settled") == {issue.pk}
    steps = list(issue.events.order_by("seq").values_list("move", flat=True))[-6:]
    assert steps == [
        *("difficult", "instruct", "instruct_answer", "instruct_again", "instruct_answer", "instruct_settle"),
    ]
    page = leader.get(url).content.decode()
    assert [word for word in ("已会商，月底开工", "已开工", "领导再次批示", "领导批示") if word not in page] == []


def test_rules_put_issues_on_the_list(cast, login):
    today = timezone.localdate()
    ordinary, supervised, redone, late, nearly, paused = (issue_at(cast, "accepted") for _n in range(6))
    move(supervised, "supervise", cast.supervisor, note="本周办结")
    Issue.objects.filter(pk=redone.pk).update(redos=2)
    make_late(late, 11)
    make_late(nearly, 10)
    paused = issue_at(cast, "paused")
    make_late(paused, 30)
    client = login(cast.leader)
    assert rows_of(client, "waiting") == {supervised.pk, redone.pk, late.pk}
    late.refresh_from_db()
    assert calendar.workdays_between(late.due_on, today) == 11
    assert difficult.reasons(late, difficult.cutoff_of(today)) == ["超期10个工作日以上"]
    assert ordinary.pk not in rows_of(client, "waiting")


@pytest.mark.parametrize("count", [0, 1, 5, 10, 30])
def test_the_cutoff_is_the_last_day_more_than_so_many_working_days_ago(count, db):
    today = timezone.localdate()
    day = calendar.more_than_workdays_ago(today, count)
    assert calendar.workdays_between(day, today) == count + 1
    assert calendar.workdays_between(day + timedelta(days=1), today) <= count


def test_who_may_do_what(cast):
    issue = issue_at(cast, "accepted")
    for person in (cast.district_office, cast.supervisor, cast.township_admin, cast.department_head):
        with pytest.raises(PermissionDenied):
            give(issue, person, cast.roads)
    for person in (cast.leader, cast.supervisor, cast.department_handler, cast.village_clerk, cast.outside_admin):
        with pytest.raises(PermissionDenied):
            instructions.mark_difficult(issue=issue, by=person, reason="难")
    given = give(issue, cast.leader, cast.roads)
    for person in (cast.outside_handler, cast.township_admin, cast.village_clerk, cast.leader, cast.district_office):
        with pytest.raises(PermissionDenied):
            instructions.answer_instruction(issue=issue, by=person, answer="办了", seen=given.pk)
    instructions.answer_instruction(issue=issue, by=cast.department_handler, answer="办了", seen=given.pk)
    for person in (cast.department_handler, cast.district_office):
        with pytest.raises(PermissionDenied):
            instructions.settle_instruction(issue=issue, by=person, seen=given.pk)
    for person in (cast.district_office, cast.township_admin, cast.department_head):
        instructions.mark_difficult(issue=issue, by=person, reason="难")
        instructions.unmark_difficult(issue=issue, by=person)
    assert not DifficultMark.objects.exists()


def test_only_units_that_see_the_issue_are_asked(cast):
    issue = issue_at(cast, "accepted")
    assert difficult.units_for(issue) == [cast.roads, cast.shiqiao, cast.qingxi]
    for unit in (cast.water, cast.bailu, cast.district, None):
        with pytest.raises(ValidationError) as refused:
            give(issue, cast.leader, unit)
        assert set(refused.value.message_dict) == {"to_unit"}
    HelpingUnit.objects.create(issue=issue, unit=cast.water, asked_by=cast.department_handler, question="查水管")
    given = give(issue, cast.leader, cast.water)
    instructions.answer_instruction(issue=issue, by=cast.outside_handler, answer="已查", seen=given.pk)
    assert Instruction.objects.get().answered_by == cast.outside_handler


def test_what_is_missing_is_said_by_field_and_nothing_is_kept(cast, login):
    issue = issue_at(cast, "accepted")
    yesterday = timezone.localdate() - timedelta(days=1)
    for wrong, field in (({"text": " "}, "text"), ({"due_on": yesterday}, "due_on"), ({"due_on": None}, "due_on")):
        with pytest.raises(ValidationError) as refused:
            give(issue, cast.leader, cast.roads, **wrong)
        assert set(refused.value.message_dict) == {field}
    response = login(cast.leader).post(
        reverse("issues:instruct", args=[issue.pk]), {"text": "办好此事", "to_unit": cast.water.pk, "due_on": "x"}
    )
    assert response.status_code == 422
    assert "办好此事" in response.content.decode()
    assert not Instruction.objects.exists()
    assert not issue.events.filter(move="instruct").exists()


def test_a_double_click_writes_once_and_keeps_what_was_typed(cast, login):
    issue = issue_at(cast, "accepted")
    leader, roads = login(cast.leader), login(cast.department_handler)
    due = (timezone.localdate() + timedelta(days=5)).isoformat()
    sent = {"text": "三日内会商", "to_unit": cast.roads.pk, "due_on": due, "seen": ""}
    url = reverse("issues:instruct", args=[issue.pk])
    assert leader.post(url, sent).status_code == 302
    second = leader.post(url, sent)
    assert second.status_code == 409
    assert "三日内会商" in second.content.decode()
    given = Instruction.objects.get()
    answer = {"answer": "已会商", "seen": given.pk}
    statuses = [roads.post(reverse("issues:instruct_answer", args=[issue.pk]), answer).status_code for _n in "12"]
    assert statuses == [302, 409]
    settle = [leader.post(reverse("issues:instruct_settle", args=[issue.pk]), answer).status_code for _n in "12"]
    assert settle == [302, 409]
    assert issue.events.filter(move__startswith="instruct").count() == 3
    with pytest.raises(ConflictError):
        give(issue, cast.leader, cast.roads, seen=None)


def test_settling_before_the_answer_is_refused_by_the_program_and_the_database(cast):
    issue = issue_at(cast, "accepted")
    given = give(issue, cast.leader, cast.roads)
    with pytest.raises(ValidationError):
        instructions.settle_instruction(issue=issue, by=cast.leader, seen=given.pk)
    now = timezone.now()
    for wrong in ({"settled_at": now, "settled_by": cast.leader}, {"answered_at": now}, {"answer": "办了"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Instruction.objects.filter(pk=given.pk).update(**wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        Instruction.objects.create(
            issue=issue, by=cast.leader, text="再办", to_unit=cast.roads, due_on=timezone.localdate()
        )


def test_an_ended_issue_takes_no_instruction_and_leaves_the_waiting_tab(cast, login):
    issue = issue_at(cast, "accepted")
    instructions.mark_difficult(issue=issue, by=cast.district_office, reason="难")
    issue = move(issue, "finish", cast.department_handler, note="修好了", outcome="solved")
    issue = move(issue, "verify", cast.supervisor)
    issue = move(issue, "close", cast.supervisor)
    assert rows_of(login(cast.leader), "waiting") == set()
    with pytest.raises(ValidationError):
        give(issue, cast.leader, cast.roads)


def test_an_overdue_answer_stands_in_red_with_a_word(cast, login):
    issue = issue_at(cast, "accepted")
    given = give(issue, cast.leader, cast.roads)
    Instruction.objects.filter(pk=given.pk).update(due_on=timezone.localdate() - timedelta(days=3))
    response = login(cast.leader).get(LIST, {"tab": "given"})
    assert response.context["rows"][0]["mark"]["tone"] == "bad"
    assert "答复超期 3 天" in response.content.decode()


def test_the_list_shows_only_what_one_sees(cast, login):
    issue = issue_at(cast, "accepted")
    instructions.mark_difficult(issue=issue, by=cast.district_office, reason="难")
    give(issue, cast.leader, cast.roads)
    assert rows_of(login(cast.department_head), "given") == {issue.pk}
    for stranger in (cast.outside_admin, cast.outside_handler):
        assert rows_of(login(stranger), "given") == set()
        answer = login(stranger).post(reverse("issues:instruct_answer", args=[issue.pk]), {"answer": "办了"})
        assert answer.status_code == 404


@pytest.mark.parametrize("tab", ["waiting", "given"])
def test_the_list_costs_the_same_for_one_row_and_for_sixty(cast, login, connection_queries, tab):
    client = login(cast.leader)

    def add():
        issue = issue_at(cast, "accepted")
        DifficultMark.objects.create(issue=issue, reason="难", marked_by=cast.district_office)
        HelpingUnit.objects.create(issue=issue, unit=cast.water, asked_by=cast.department_handler, question="查")
        if tab == "given":
            give(issue, cast.leader, cast.roads)
        return issue

    add()
    client.get(LIST, {"tab": tab})
    one = connection_queries(lambda: client.get(LIST, {"tab": tab}))
    for _n in range(59):
        add()
    assert connection_queries(lambda: client.get(LIST, {"tab": tab})) == one
    assert len(rows_of(client, tab)) == 30


def test_judging_otherwise_than_the_holder_needs_a_note_and_shows_both(cast, login):
    issue = issue_at(cast, "accepted")
    issue = move(issue, "finish", cast.department_handler, note="无政策", outcome="explained", solvability="policy")
    with pytest.raises(ValidationError) as refused:
        move(issue, "verify", cast.supervisor, solvability="solvable")
    assert set(refused.value.message_dict) == {"note"}
    issue.refresh_from_db()
    assert (issue.state, issue.solvability) == ("done", "policy")
    issue = move(issue, "verify", cast.supervisor, solvability="solvable", note="去年已有补助政策")
    assert issue.solvability == "solvable"
    names = [cast.department_handler.name, cast.supervisor.name]
    page = login(cast.supervisor).get(reverse("issues:detail", args=[issue.pk]))
    assert [(row["label"], row["word"]) for row in page.context["judgements"]] == [
        ("判定", "受政策所限"),
        ("复核", "能解决"),
    ]
    assert [name for name in names if name not in page.content.decode()] == []


def test_agreeing_with_the_holder_needs_no_note(cast):
    issue = issue_at(cast, "done")
    assert move(issue, "verify", cast.supervisor, solvability="solvable").state == "verified"


def test_only_the_author_or_a_leader_of_the_unit_takes_the_answer(cast, login):
    issue = issue_at(cast, "accepted")
    given = give(issue, cast.leader, cast.roads)
    instructions.answer_instruction(issue=issue, by=cast.department_handler, answer="已办", seen=given.pk)
    other = make_user("L002", "李副区长", Role.LEADER, cast.district)
    client, url = login(other), reverse("issues:instruct_settle", args=[issue.pk])
    assert url not in client.get(LIST, {"tab": "answered"}).content.decode()
    assert client.post(url, {"seen": given.pk}).status_code == 403
    given.refresh_from_db()
    assert given.settled_at is None
    LeaderLink.objects.create(leader=other.post, unit=cast.roads)
    assert url in client.get(LIST, {"tab": "answered"}).content.decode()
    assert client.post(url, {"seen": given.pk}).status_code == 302
    given.refresh_from_db()
    assert given.settled_by == other
