"""Due days counted again when the calendar changes, and the card that says how they came about."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from issues import actions
from issues.clock_views import clock_card
from issues.models import Category, Issue, IssueEvent, KindLimit
from issues.tasks import recompute_deadlines
from outreach import calendar
from outreach.models import CalendarDay
from tests.issues.make import issue_at, move

pytestmark = pytest.mark.django_db

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Days:
    """Moves the program's clock: everything that asks for now is told the noon of a chosen day."""

    def __init__(self, monkeypatch):
        self.monkeypatch = monkeypatch

    def stand_on(self, day, hour=12):
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)
        self.monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


@pytest.fixture
def days(monkeypatch):
    return Days(monkeypatch)


def close_the_office(issue):
    """Make the working day after the dispatch a holiday, as a notice that comes late does."""
    day = calendar.add_workdays(timezone.localdate(issue.dispatched_at), 1)
    CalendarDay.objects.create(day=day, is_workday=False, name="临时放假")


def test_a_holiday_entered_later_moves_the_due_day_of_open_issues_once(cast):
    issue, finished = issue_at(cast, "accepted"), issue_at(cast, "done")
    before, judged_by = issue.due_on, finished.due_on
    close_the_office(issue)
    (difference,) = actions.recompute_deadlines()
    issue.refresh_from_db()
    finished.refresh_from_db()
    assert issue.due_on == calendar.add_workdays(before, 1) == difference.after and difference.before == before
    assert (issue.due_version, issue.version, finished.due_on) == (2, 3, judged_by)
    event = IssueEvent.objects.filter(issue=issue).latest("pk")
    assert (event.move, event.actor, event.by, event.note) == (
        "recompute",
        "system",
        None,
        f"{before} → {issue.due_on}",
    )
    assert actions.recompute_deadlines() == []
    assert IssueEvent.objects.filter(issue=issue, move="recompute").count() == 1


def test_other_limits_of_kinds_and_categories_leave_open_issues_alone(cast):
    issue = issue_at(cast, "accepted")
    KindLimit.objects.update(workdays=30)
    Category.objects.update(workdays=20)
    assert actions.recompute_deadlines() == []
    assert Issue.objects.get(pk=issue.pk).due_on == issue.due_on


def test_check_says_what_differs_and_changes_nothing(cast):
    issue = issue_at(cast, "accepted")
    call_command("recompute_deadlines", check=True, stdout=StringIO())
    close_the_office(issue)
    out = StringIO()
    with pytest.raises(CommandError, match="1 due days differ"):
        call_command("recompute_deadlines", check=True, stdout=out)
    assert issue.number in out.getvalue()
    assert Issue.objects.get(pk=issue.pk).due_on == issue.due_on
    call_command("recompute_deadlines", stdout=StringIO())
    call_command("recompute_deadlines", check=True, stdout=StringIO())


def test_the_nightly_task_reports_each_difference_and_the_second_run_has_none(cast, caplog):
    issue = issue_at(cast, "assigned")
    close_the_office(issue)
    recompute_deadlines()
    assert [issue.number in record.getMessage() for record in caplog.records if record.name == "issues.tasks"] == [True]
    caplog.clear()
    recompute_deadlines()
    assert [record for record in caplog.records if record.name == "issues.tasks"] == []


def test_the_differences_cost_the_same_number_of_queries_for_one_and_many(cast, connection_queries):
    issue_at(cast, "assigned")
    few = connection_queries(lambda: list(actions.deadline_differences()))
    for _n in range(5):
        issue_at(cast, "accepted")
    assert connection_queries(lambda: list(actions.deadline_differences())) == few


# ---- the card ----


def test_the_card_tells_the_limit_the_extension_the_pause_and_who_held_it_how_long(cast, days):
    days.stand_on(date(2026, 11, 2))  # a Monday; November has no holiday
    issue = issue_at(cast, "accepted")
    days.stand_on(date(2026, 11, 4))
    issue = move(issue, "ask_time", cast.department_handler, workdays=2, reason="procedure", note="等检测报告")
    issue = move(issue, "grant", cast.district_office)
    asked = {"until": date(2026, 11, 20), "reason": "weather", "note": "等雨停"}
    issue = move(issue, "ask_pause", cast.department_handler, **asked)
    issue = move(issue, "pause", cast.district_office)
    assert issue.due_on == date(2026, 11, 13)
    assert clock_card(issue)["late"] == 0
    days.stand_on(date(2026, 11, 9))
    issue = move(issue, "resume", cast.department_handler, note="雨停了")
    assert issue.due_on == date(2026, 11, 17)  # the 5th and 6th stood still
    days.stand_on(date(2026, 11, 12))
    issue = move(issue, "return", cast.department_handler, reason="not_mine", note="属水利局")
    issue = move(issue, "dispatch", cast.district_office, unit=cast.water, note="改交水利局")
    days.stand_on(date(2026, 11, 19))
    card = clock_card(issue)
    texts = " ".join(f"{label}={value}" for label, value in card["facts"])
    for part in ("2026-11-02", "7 个工作日", "2 个工作日", "2026-11-17", "超期 2 个工作日"):
        assert part in texts
    by_name = {row["name"]: (row["held"], row["late"]) for row in card["units"]}
    assert by_name == {"区交通运输局": (5, 0), "区水利局": (6, 2)}
    assert [row["tone"] for row in card["segments"]].count("warn") == 1


def test_the_card_stands_on_the_page_and_costs_the_same_whatever_happened(cast, login, connection_queries):
    client = login(cast.district_office)
    new, old = issue_at(cast, "new"), issue_at(cast, "arbitration")
    page = client.get(f"/issues/{old.pk}/").content.decode()
    assert "时限" in page and "个工作日" in page
    assert connection_queries(lambda: clock_card(new)) == connection_queries(lambda: clock_card(old)) == 2


@pytest.mark.parametrize("state", ["new", "assigned", "paused", "reported", "done", "closed", "merged", "refused"])
def test_the_card_has_a_sentence_for_every_state(cast, state):
    facts = dict(clock_card(issue_at(cast, state))["facts"])
    assert facts["办理期限"] and facts["目前"]


def test_who_is_late_stays_late_after_reporting_done(cast, days):
    days.stand_on(date(2026, 11, 2))
    issue = issue_at(cast, "accepted")
    days.stand_on(issue.due_on + timedelta(days=7))
    issue = move(issue, "finish", cast.department_handler, outcome="solved", note="已修好")
    late = clock_card(issue)["late"]
    days.stand_on(issue.due_on + timedelta(days=30))
    assert clock_card(issue)["late"] == late == 5
