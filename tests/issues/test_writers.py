"""Fifty people write to one issue at once, over real connections: nothing is lost, nobody gets a fault."""

from __future__ import annotations

import re
import threading
from html import unescape

import pytest
import requests
from django.db import connection

from issues import actions, facts, verify
from issues.actions import ConflictError
from issues.models import Category, Issue, KindLimit
from tests.cast import PASSWORD, make_cast
from tests.issues.make import issue_at

WRITERS = 50


@pytest.fixture
def shipped(transactional_db):
    """The rows the migrations made, which a transactional test may find emptied."""
    if not KindLimit.objects.exists():
        kinds = ("need", "dispute", "hazard", "suggestion", "consultation")
        KindLimit.objects.bulk_create([KindLimit(kind=kind, workdays=7) for kind in kinds])
        Category.objects.create(code="13", name="其他问题")


def all_at_once(calls):
    """Run the calls in threads that start together; return what each returned or raised."""
    results = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(index, call):
        try:
            barrier.wait(timeout=120)
            results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=180)
    return results


def wishes(number: int) -> dict:
    """What the writer changes: a third of them the text, a third the kind, a third the urgency."""
    return [{"text": f"第{number}人改的内容"}, {"kind": ["hazard", "dispute"][number % 2]}, {"is_urgent": True}][
        number % 3
    ]


def nothing_lost(issue: Issue, saved: list[dict]) -> None:
    """Every change that was said to be saved stands in the chained history, and the last one of each field holds."""
    now = Issue.objects.get(pk=issue.pk)
    changes = [event.detail["changes"] for event in now.events.filter(move="edit").order_by("seq")]
    written = [(name, pair[1]) for change in changes for name, pair in change.items()]
    for wish in saved:
        assert all(pair in written for pair in wish.items()), wish
    assert all(getattr(now, facts.FIELDS[name]) == value for name, value in dict(written).items())
    moves = now.events.exclude(move="edit").filter(seq__gt=issue.event_count).count()
    assert now.version == issue.version + len(changes) + moves
    assert verify.read_through().faults == []


def test_fifty_writers_through_the_actions_lose_nothing(shipped):
    cast = make_cast()
    issue = issue_at(cast, "accepted")
    seen = facts.of(issue)

    def writer(number):
        if number % 10 == 9:
            move = {"move": "progress", "note": f"进展{number}", "by": cast.department_handler}
            return lambda: actions.move_issue(issue=issue, version=issue.version, **move)
        return lambda: actions.correct_issue(issue=issue, by=cast.district_office, base=seen, fields=wishes(number))

    results = all_at_once([writer(number) for number in range(WRITERS)])
    assert all(isinstance(result, Issue | ConflictError) for result in results), results
    saved = [wishes(n) for n, result in enumerate(results) if isinstance(result, Issue) and n % 10 != 9]
    assert {name for wish in saved for name in wish} == {"text", "kind", "is_urgent"}, "disjoint changes are merged"
    nothing_lost(issue, saved)


@pytest.mark.django_db(transaction=True)
def test_fifty_writers_through_the_browser_are_merged_or_told_and_keep_their_draft(shipped, live_server):
    live_server.thread.httpd.socket.listen(128)  # the test server turns the eleventh waiting caller away
    cast = make_cast()
    issue = issue_at(cast, "accepted")
    edit, move = f"{live_server.url}/issues/{issue.pk}/edit/", f"{live_server.url}/issues/{issue.pk}/move/progress/"
    sessions = {name: signed_in(live_server.url, name) for name in ("O001", "H001")}
    page = requests.get(edit, cookies=sessions["O001"], timeout=60).text
    base = unescape(re.search(r'name="base" value="([^"]+)"', page)[1])
    shown = {"text": issue.text, "category": issue.category_id, "kind": issue.kind, "place": issue.place_id}
    shown |= {"household": "", "no_household": "on", "note": "", "base": base}

    def send(number):
        who = "H001" if number % 10 == 9 else "O001"
        cookies = sessions[who]
        values = {"version": issue.version, "note": f"草稿{number}"} if who == "H001" else {**shown, **wishes(number)}
        form = {**values, "csrfmiddlewaretoken": cookies["csrftoken"]}
        url = move if who == "H001" else edit
        headers = {"Referer": live_server.url}
        return requests.post(url, form, cookies=cookies, headers=headers, allow_redirects=False, timeout=120)

    results = all_at_once([lambda number=number: send(number) for number in range(WRITERS)])
    assert all(isinstance(answer, requests.Response) for answer in results), results
    assert {answer.status_code for answer in results} <= {302, 409}, [answer.status_code for answer in results]
    saved = []
    for number, answer in enumerate(results):
        is_move = number % 10 == 9
        if answer.status_code == 302:
            saved += [] if is_move else [wishes(number)]
        elif is_move:
            assert f"草稿{number}" in answer.text
        elif "text" in wishes(number):
            assert wishes(number)["text"] in answer.text
        else:
            assert 'value="dispute"' in answer.text and "<table" in answer.text
    assert {name for wish in saved for name in wish} == {"text", "kind", "is_urgent"}
    nothing_lost(issue, saved)


def signed_in(url: str, staff_number: str) -> dict[str, str]:
    """Log in as a browser does; return the cookies."""
    session = requests.Session()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', session.get(f"{url}/login/", timeout=60).text)[1]
    answer = session.post(
        f"{url}/login/",
        {"login": staff_number, "password": PASSWORD, "csrfmiddlewaretoken": token},
        headers={"Referer": url},
        allow_redirects=False,
        timeout=60,
    )
    assert answer.status_code == 302, answer.text[:300]
    session.get(f"{url}/issues/", timeout=60)
    return session.cookies.get_dict()
