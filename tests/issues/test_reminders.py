"""The ladder of reminders: who is reminded at which rung, once, on working days, and never of anybody's words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from issues import recipients, reminders
from issues.models import Issue, Reminder
from outreach import calendar
from outreach.access import Role
from outreach.models import Delivery, LeaderLink, Notification, PersonalChannel
from outreach.notify import packing
from tests.cast import make_user
from tests.issues.make import issue_at, move

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 25)  # a Wednesday
NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
LEAK = "张三家住石桥村一组1号，电话13900009999，身份证439900199001011234"


def workdays(count: int) -> date:
    """The working day `count` working days from TODAY; before it where negative."""
    return reminders.back(TODAY, -count, {}) if count < 0 else calendar.add_workdays(TODAY, count, {})


def due(cast, day: date, state: str = "accepted", **fields) -> Issue:
    """An issue of the roads department due on `day`, lying unattended nowhere."""
    issue = issue_at(cast, state, **fields)
    Issue.objects.filter(pk=issue.pk).update(due_on=day)
    issue.segments.filter(ended_at=None).update(started_at=NOW)
    issue.refresh_from_db()
    Notification.objects.all().delete()
    return issue


def reminded(issue: Issue) -> set[tuple[str, int]]:
    return set(Reminder.objects.filter(issue=issue).values_list("rung", "user"))


@pytest.mark.parametrize(
    ("count", "rung", "who"),
    [
        (3, None, []),
        (2, "before_2", ["department_handler", "department_head"]),
        (1, "before_1", ["department_handler", "department_head"]),
        (0, "today", ["department_handler", "department_head"]),
        (-1, "late_1", ["department_handler", "department_head"]),
        (-2, "late_1", ["department_handler", "department_head"]),
        (-3, "late_3", ["department_handler", "department_head"]),
        (-4, "late_3", ["department_handler", "department_head"]),
        (-5, "head", ["department_head"]),
        (-6, "head", ["department_head"]),
        (-7, "leader", ["leader"]),
        (-9, "leader", ["leader"]),
        (-10, "propose", ["district_office", "supervisor"]),
        (-60, "propose", ["district_office", "supervisor"]),
    ],
)
def test_each_rung_reaches_whose_turn_it_is(cast, count, rung, who):
    LeaderLink.objects.create(leader=cast.leader.post, unit=cast.roads)
    issue = due(cast, workdays(count))
    assert reminders.sweep(NOW) == len(who)
    assert reminded(issue) == {(rung, getattr(cast, name).pk) for name in who}
    assert set(Notification.objects.values_list("user", "in_digest", "url")) == {
        (getattr(cast, name).pk, True, reverse("issues:detail", args=[issue.pk])) for name in who
    }


def test_every_due_day_up_to_two_working_days_ahead_stands_on_exactly_one_rung():
    first = date(2026, 1, 1)
    for today in (first + timedelta(days=n) for n in range(365)):
        if not calendar.is_workday(today, {}):
            continue
        found = reminders.spans(today, {})
        for due_on in (today + timedelta(days=n) for n in range(-40, 4)):
            hits = [span.rung for span in found if span.first <= due_on <= span.last]
            late = calendar.workdays_between(due_on, today, {})
            expected = {2: "before_2", 1: "before_1", 0: "today"}.get(-late) if late <= 0 else None
            expected = expected or next(
                (rung for rung, least, most, _duty in reminders.LATE if late >= least and late <= (most or 999)), None
            )
            if due_on >= today and not calendar.is_workday(due_on, {}):
                assert len(hits) <= 1  # belongs to the working day before it
            else:
                assert hits == ([expected] if expected else []), (today, due_on)


def test_nobody_is_reminded_twice_of_one_deadline_but_of_a_new_one(cast):
    issue = due(cast, TODAY)
    assert reminders.sweep(NOW) == 2
    assert reminders.sweep(NOW) == 0
    Issue.objects.filter(pk=issue.pk).update(due_version=issue.due_version + 1)
    assert reminders.sweep(NOW) == 2
    assert Reminder.objects.count() == Notification.objects.count() == 4


def test_a_new_colleague_hears_of_it_too(cast):
    issue = due(cast, TODAY)
    reminders.sweep(NOW)
    late = make_user("H003", "新承办", Role.DEPARTMENT_HANDLER, cast.roads)
    assert reminders.sweep(NOW) == 1
    assert ("today", late.pk) in reminded(issue)


def test_nobody_is_reminded_on_a_day_off(cast):
    due(cast, date(2026, 10, 1))
    assert reminders.sweep(datetime(2026, 10, 1, 2, tzinfo=UTC)) == 0
    assert reminders.sweep(datetime(2026, 10, 10, 2, tzinfo=UTC)) == 2  # a Saturday worked


@pytest.mark.parametrize("state", ["paused", "reported", "closed", "merged", "refused"])
def test_an_issue_that_stands_still_or_has_ended_is_not_reminded_of(cast, state):
    issue = due(cast, workdays(-3), state)
    reminders.sweep(NOW)
    assert reminded(issue) == set()


def test_before_dispatch_those_who_dispatch_are_reminded(cast):
    issue = due(cast, TODAY, "new", by=cast.visitor)
    reminders.sweep(NOW)
    assert reminded(issue) == {("today", cast.township_admin.pk)}


def test_supervision_is_proposed_only_where_there_is_none(cast):
    issue = due(cast, workdays(-12))
    issue = move(issue, "supervise", cast.supervisor, note="限三日办结")
    reminders.sweep(NOW)
    assert reminded(issue) == set()
    assert Issue.objects.get(pk=issue.pk).supervised_by == cast.supervisor


def test_where_no_leader_is_linked_the_district_office_is_told(cast):
    issue = due(cast, workdays(-8))
    reminders.sweep(NOW)
    assert reminded(issue) == {("leader", cast.district_office.pk), ("leader", cast.supervisor.pk)}


def test_who_does_not_accept_within_a_working_day_is_reminded_once_for_each_holder(cast):
    issue = due(cast, workdays(3), "assigned")
    issue.segments.update(started_at=NOW - timedelta(days=1))
    assert reminders.sweep(NOW) == 0
    issue.segments.update(started_at=NOW - timedelta(days=2))
    assert (reminders.sweep(NOW), reminders.sweep(NOW)) == (2, 0)
    assert {rung for rung, _user in reminded(issue)} == {"unaccepted"}


@pytest.mark.parametrize(
    ("state", "field", "rung"), [("done", "done_at", "unverified"), ("verified", "verified_at", "uncalled")]
)
def test_what_lies_over_three_working_days_in_review_reminds_those_who_judge(cast, state, field, rung):
    issue = due(cast, workdays(3), state)
    Issue.objects.filter(pk=issue.pk).update(**{field: NOW - timedelta(days=5)})
    assert reminders.sweep(NOW) == 0  # Friday to Wednesday: three working days
    Issue.objects.filter(pk=issue.pk).update(**{field: NOW - timedelta(days=6)})
    reminders.sweep(NOW)
    assert reminded(issue) == {(rung, cast.district_office.pk), (rung, cast.supervisor.pk)}


def test_step_tells_whom_the_table_names_and_not_who_took_it(cast):
    issue = issue_at(cast, "new", by=cast.visitor)
    Notification.objects.all().delete()
    issue = move(issue, "dispatch", cast.township_admin, note="属其职责", unit=cast.roads)
    told = Notification.objects.values_list("user", flat=True)
    assert set(told) == {cast.department_handler.pk, cast.department_head.pk, cast.visitor.pk}
    assert {row.title for row in Notification.objects.all()} == {f"问题{issue.number}：分派（青溪镇）"}
    Notification.objects.all().delete()
    move(issue, "accept", cast.department_handler)
    assert list(told.all()) == [cast.visitor.pk]


def test_refused_step_tells_nobody(cast):
    issue = issue_at(cast, "assigned")
    Notification.objects.all().delete()
    with pytest.raises(PermissionDenied):
        move(issue, "accept", cast.outside_handler)
    assert not Notification.objects.exists()


def test_no_word_of_the_resident_is_in_any_notice_or_message(cast):
    for user in cast.people().values():
        PersonalChannel.objects.create(user=user, kind="sms", sealed="x")
    issue = issue_at(cast, "done", text=LEAK, by=cast.visitor)
    issue = move(issue, "redo", cast.district_office, note=LEAK, reason="not_done")
    move(issue, "progress", cast.department_handler, note=LEAK)
    Issue.objects.filter(pk=issue.pk).update(due_on=TODAY)
    reminders.sweep(NOW)
    packing.pack(NOW)
    words = [
        *Notification.objects.values_list("title", "text", "url", "key"),
        *Delivery.objects.values_list("title", "text"),
    ]
    assert len(words) > 10
    for secret in ("张三", "一组1号", "13900009999", "439900199001011234"):
        assert secret not in str(words)


def test_issue_s_page_shows_who_was_reminded_of_what(cast, login):
    issue = due(cast, workdays(-5))
    reminders.sweep(NOW)
    page = login(cast.leader).get(reverse("issues:detail", args=[issue.pk])).content.decode()
    assert cast.department_head.name in page
    assert "逾期，已提醒单位负责人" in page


def test_codes_lead_upward_to_the_district():
    assert list(recipients.chain("439900101201")) == ["439900101201", "439900101", "439900"]
    assert list(recipients.chain("439900D0812")) == ["439900D0812", "439900D08", "439900"]
