"""The ledger: filters, saved filters, columns, the unit's turn, bulk actions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from issues import bulk_forms, columns
from issues.models import HelpingUnit, Issue, LedgerLayout, SavedFilter
from outreach.models import AuditEvent
from tests.issues.make import category, issue_at, move

pytestmark = pytest.mark.django_db

LIST = "/issues/"


def numbers(response):
    """The numbers of the issues a list shows, in order."""
    return [row["issue"].number for row in response.context["rows"]]


def key(issue):
    return f"{issue.pk}.{Issue.objects.get(pk=issue.pk).version}"


def test_the_further_filters_narrow_and_each_has_a_chip_that_takes_it_off(cast, login):
    wanted, other = issue_at(cast, "accepted"), issue_at(cast, "accepted", holder=cast.water)
    now = timezone.now()
    Issue.objects.filter(pk=wanted.pk).update(
        is_urgent=True, supervised_at=now, supervised_by=cast.supervisor, redos=1, solvability="policy"
    )
    HelpingUnit.objects.create(issue=wanted, unit=cast.water, asked_by=cast.department_handler, question="配合")
    Issue.objects.filter(pk=other.pk).update(due_on=timezone.localdate() + timedelta(days=60))
    client = login(cast.district_office)
    soon = (timezone.localdate() + timedelta(days=40)).isoformat()
    for query in (
        {"urgent": "on"},
        {"supervised": "on"},
        {"redone": "on"},
        {"solvability": "policy"},
        {"helper": cast.water.pk},
        {"due_to": soon},
    ):
        response = client.get(LIST, query)
        assert numbers(response) == [wanted.number], query
        (chip,) = response.context["form"].chips()
        assert set(numbers(client.get(LIST + chip.url))) == {wanted.number, other.number}
    assert numbers(client.get(LIST, {"due_from": soon})) == [other.number]
    assert numbers(login(cast.department_handler).get(LIST, {"held": "on"})) == [wanted.number]


def test_signed_off_days_are_a_range_with_both_ends(cast, login):
    closed = issue_at(cast, "closed")
    client, today = login(cast.district_office), timezone.localdate()
    day = {"state": "closed"}
    assert numbers(client.get(LIST, {**day, "closed_from": today, "closed_to": today})) == [closed.number]
    assert numbers(client.get(LIST, {**day, "closed_from": today + timedelta(days=1)})) == []


def test_my_unit_s_turn_holds_exactly_what_the_unit_must_do_next(cast, login):
    states = {state: issue_at(cast, state) for state in ("new", "assigned", "accepted", "done", "verified", "closed")}
    helped = issue_at(cast, "accepted", holder=cast.water)
    HelpingUnit.objects.create(issue=helped, unit=cast.roads, asked_by=cast.outside_handler, question="配合")
    asked = move(
        issue_at(cast, "accepted", holder=cast.water),
        "ask_time",
        cast.outside_handler,
        workdays=3,
        reason="procedure",
        note="等材料",
    )
    # handlers land on it; who decides and verifies chooses it
    assert set(numbers(login(cast.department_handler).get(LIST))) == {
        states["assigned"].number,
        states["accepted"].number,
        helped.number,
    }
    turn = {"state": "todo"}
    assert set(numbers(login(cast.district_office).get(LIST, turn))) == {
        asked.number,
        states["done"].number,
        states["verified"].number,
    }
    assert numbers(login(cast.township_admin).get(LIST, turn))  # what waits for dispatch lies with the township
    assert states["new"].number in numbers(login(cast.township_admin).get(LIST, turn))
    assert numbers(login(cast.outside_admin).get(LIST, turn)) == []


def test_the_list_sorts_by_the_header_chosen_both_ways(cast, login):
    first, second = issue_at(cast), issue_at(cast)
    client = login(cast.district_office)
    assert numbers(client.get(LIST, {"sort": "number"})) == [first.number, second.number]
    assert numbers(client.get(LIST, {"sort": "-number"})) == [second.number, first.number]
    for column in columns.COLUMNS:
        if column.order:
            assert len(numbers(client.get(LIST, {"sort": f"-{column.key}"}))) == 2
    assert client.get(LIST, {"sort": "text"}).status_code == 200


def test_chosen_columns_are_kept_for_the_person_and_leave_with_the_workbook(cast, login):
    issue_at(cast)
    client = login(cast.district_office)
    assert client.post(f"{LIST}columns/", {"columns": ["number", "rubbish"]}).status_code == 422
    client.post(f"{LIST}columns/", {"columns": ["state", "number", "helpers"]})
    assert [column.key for column in client.get(LIST).context["columns"]] == ["number", "helpers", "state"]
    assert len(login(cast.supervisor).get(LIST).context["columns"]) == len(columns.LISTED)
    client.post(f"{LIST}columns/", {"default": "1"})
    assert not LedgerLayout.objects.exists()


def test_every_column_costs_the_same_queries_for_1_and_for_20_rows(cast, login, connection_queries):
    client = login(cast.district_office)
    client.post(f"{LIST}columns/", {"columns": [column.key for column in columns.COLUMNS]})

    def helped():
        issue = issue_at(cast, "accepted")
        HelpingUnit.objects.create(issue=issue, unit=cast.water, asked_by=cast.department_handler, question="配合")

    helped()
    few = connection_queries(lambda: client.get(LIST))
    for _number in range(19):
        helped()
    assert connection_queries(lambda: client.get(LIST)) == few
    assert len(numbers(client.get(LIST))) == 20


def test_a_saved_filter_is_private_until_it_is_shared_with_the_unit(cast, login):
    mine, colleague = login(cast.department_head), login(cast.department_handler)
    saved = f"{LIST}filters/?urgent=on&state=open"
    mine.post(saved, {"name": "加急的"})
    row = SavedFilter.objects.get()
    assert (row.name, row.query, row.unit) == ("加急的", "state=open&urgent=on", cast.roads)
    assert [entry["filter"].name for entry in mine.get(LIST).context["saved"]] == ["加急的"]
    assert colleague.get(LIST).context["saved"] == []
    mine.post(saved, {"name": "加急的", "is_shared": "on"})
    assert [entry["filter"].name for entry in colleague.get(LIST).context["saved"]] == ["加急的"]
    assert login(cast.outside_handler).get(LIST).context["saved"] == []
    colleague.post(f"{LIST}filters/delete/", {"saved": row.pk})
    assert SavedFilter.objects.count() == 1  # not his to delete
    mine.post(f"{LIST}filters/delete/", {"saved": row.pk})
    assert not SavedFilter.objects.exists()


def test_filters_are_kept_up_to_a_number(cast, login, monkeypatch):
    monkeypatch.setattr(SavedFilter, "MAX_EACH", 1)
    client = login(cast.leader)
    client.post(f"{LIST}filters/?urgent=on", {"name": "一"})
    assert client.post(f"{LIST}filters/?urgent=on", {"name": "二"}).status_code == 422
    assert SavedFilter.objects.get().name == "一"


# ---- many at once ----


def test_a_bulk_action_asks_first_and_then_goes_through_each_issue_s_own_action(cast, login):
    issues = [issue_at(cast) for _number in range(3)]
    client = login(cast.department_handler)
    rows = [key(issue) for issue in issues]
    assert client.post(f"{LIST}bulk/", {"action": "accept", "rows": rows}).status_code == 200
    assert set(Issue.objects.values_list("state", flat=True)) == {"assigned"}
    response = client.post(f"{LIST}bulk/", {"action": "accept", "rows": rows, "go": "1"})
    assert response.status_code == 302
    assert set(Issue.objects.values_list("state", flat=True)) == {"accepted"}


def test_each_refused_issue_of_a_bulk_action_says_why(cast, login):
    good, stale, wrong, foreign = issue_at(cast), issue_at(cast), issue_at(cast, "accepted"), issue_at(cast, "new")
    rows = [key(good), f"{stale.pk}.1", key(wrong), key(foreign), "999999.1", "junk", "1.x"]
    client = login(cast.department_handler)
    response = client.post(f"{LIST}bulk/", {"action": "accept", "rows": rows, "go": "1"})
    assert response.status_code == 200
    results = {result.number: result for result in response.context["results"]}
    assert results[good.number].is_done and not results[stale.number].is_done and not results[wrong.number].is_done
    assert "重新查看" in results[stale.number].text
    # what is not his to see is counted, not named
    assert foreign.number not in results and response.context["gone"] == 2
    assert (response.context["done"], response.context["refused"]) == (1, 4)
    good.refresh_from_db()
    stale.refresh_from_db()
    assert (good.state, stale.state) == ("accepted", "assigned")


def test_all_filtered_stands_for_what_the_filters_let_through_up_to_a_number(cast, login, monkeypatch):
    urgent, other = issue_at(cast), issue_at(cast)
    Issue.objects.filter(pk=urgent.pk).update(is_urgent=True)
    client = login(cast.district_office)
    response = client.post(f"{LIST}bulk/?urgent=on", {"action": "urge", "scope": "all"})
    assert [row.issue.pk for row in response.context["chosen"]] == [urgent.pk]
    monkeypatch.setattr("issues.bulk_views.MAX_BULK", 1)
    assert client.post(f"{LIST}bulk/", {"action": "urge", "scope": "all"}).status_code == 422
    assert client.post(f"{LIST}bulk/", {"action": "urge", "rows": [key(urgent), key(other)]}).status_code == 422
    assert client.post(f"{LIST}bulk/", {"action": "urge"}).status_code == 422
    assert client.post(f"{LIST}bulk/", {"action": "rubbish", "rows": [key(urgent)]}).status_code == 422


def test_a_bulk_action_needs_the_action_s_own_permission(cast, login):
    issue = issue_at(cast)
    for action in bulk_forms.BULK_ACTIONS:
        status = login(cast.visitor).post(f"{LIST}bulk/", {"action": action.name, "rows": [key(issue)]}).status_code
        assert status == (422 if action.name == "slips" else 403), action.name  # he does not see the issue


def test_category_and_urgency_are_set_for_many_and_the_due_day_follows_from_the_same_dispatch(cast, login):
    issue = issue_at(cast, "accepted")
    dispatched, version = issue.dispatched_at, issue.version
    client = login(cast.district_office)
    form = {"action": "edit", "rows": [key(issue)], "go": "1"}
    assert client.post(f"{LIST}bulk/", form).status_code == 422
    client.post(f"{LIST}bulk/", {**form, "category": category("路灯照明").pk, "urgent": "yes"})
    after = Issue.objects.get(pk=issue.pk)
    assert (after.category, after.is_urgent, after.state) == (category("路灯照明"), True, "accepted")
    assert (after.dispatched_at, after.version) == (dispatched, version + 1)
    assert after.due_on < issue.due_on
    event = after.events.last()
    assert event.move == "edit" and "category" in str(event.detail)
    # the holder may not loosen his own deadline
    assert login(cast.department_handler).post(f"{LIST}bulk/", {**form, "urgent": "no"}).status_code == 403


def test_chosen_issues_leave_as_a_workbook_and_it_is_audited(cast, login):
    issue_at(cast)
    issue = issue_at(cast)
    response = login(cast.district_office).post(f"{LIST}bulk/", {"action": "export", "rows": [key(issue)]})
    assert "spreadsheetml" in response["Content-Type"]
    assert AuditEvent.objects.get(action="issue.export").detail["rows"] == 1
