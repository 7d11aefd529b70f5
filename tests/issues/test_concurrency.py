from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client

from issues import actions
from issues.actions import ConflictError
from issues.models import Category, Issue, IssueEvent, KindLimit
from tests.cast import make_cast
from tests.issues.make import issue_at


@pytest.fixture
def shipped(transactional_db):
    """The rows the migrations made, which a transactional test may find emptied."""
    if not KindLimit.objects.exists():
        KindLimit.objects.bulk_create([KindLimit(kind=kind, workdays=7) for kind in ("need", "hazard")])
        Category.objects.create(code="13", name="其他问题")


def at_once(*calls):
    """Run the calls in threads that start together; return what each returned or raised."""
    results = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(index, call):
        try:
            barrier.wait()
            results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def test_of_two_people_moving_an_issue_at_once_one_wins_and_the_other_is_told(shipped):
    cast = make_cast()
    issue = issue_at(cast, "accepted")
    version = issue.version

    def finish(who, outcome):
        return lambda: actions.move_issue(
            issue=issue, move="finish", by=who, note=outcome, outcome=outcome, solvability="solvable", version=version
        )

    results = at_once(finish(cast.department_handler, "solved"), finish(cast.department_head, "explained"))
    won = [result for result in results if isinstance(result, Issue)]
    assert len(won) == 1 and sum(isinstance(result, ConflictError) for result in results) == 1
    issue.refresh_from_db()
    assert (issue.state, issue.outcome, issue.result) == ("done", won[0].outcome, won[0].outcome)
    assert issue.version == version + 1
    assert IssueEvent.objects.filter(issue=issue, move="finish").count() == 1


def test_issues_opened_at_once_have_numbers_of_their_own(shipped):
    cast = make_cast()
    category = Category.objects.get(name="其他问题")

    def open_one():
        return actions.open_issue(by=cast.visitor, category=category, kind="need", text="井盖丢失", place=cast.shiqiao)

    issues = at_once(*[open_one] * 8)
    assert len({issue.number for issue in issues}) == 8 == Issue.objects.count()


def test_a_form_sent_twice_at_once_is_recorded_once_and_asked_about(shipped):
    cast = make_cast()
    fields = {
        "place": cast.shiqiao.pk,
        "category": Category.objects.get(name="其他问题").pk,
        "kind": "need",
        "text": "村口水渠堵了",
    }

    def send():
        client = Client()
        client.force_login(cast.village_clerk)
        return client.post("/issues/new/", fields)

    answers = at_once(send, send)
    assert sorted(answer.status_code for answer in answers) == [302, 409]
    asked = next(answer for answer in answers if answer.status_code == 409).content.decode()
    assert "村口水渠堵了" in asked and Issue.objects.get().number in asked
