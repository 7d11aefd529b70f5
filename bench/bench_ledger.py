"""The ledger at 300 000 issues: each tab and an issue's page, its queries, 95th percentile and plain SQL; and in the
same run django-helpdesk's ticket list and ticket form at 100 000 tickets, in the same PostgreSQL.

.venv/bin/python -m bench.run ledger

django-helpdesk is installed from the package registry into an environment of its own in this measurement's folder;
where that fails, so does the measurement. Its list is what one sees after opening it: the page, and the rows the page
asks for. Ours is the whole district's, as the district office opens it. Both lists show what is still open: 120 000 of
our 300 000 issues, and of theirs all 100 000, or it would have to look at a third of what we look at.
"""

from __future__ import annotations

import json
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import seed
from bench.bench_issues import spread
from bench.figure import Figure
from issues.models import Category, Issue, KindLimit
from outreach import embedded
from outreach.models import Unit, User

ISSUES, SMALL = 300_000, 1_000
HOUSEHOLDS = 100_000
RUNS = 25
PEER = "django-helpdesk==2.6.1"
TICKETS, PEER_RUNS = 100_000, 15
TABS = ("", "open", "closed", "all")

# the first page of what is open, in a reach, by hand
PLAIN = """
SELECT i.id, i.number, i.text, i.due_on, i.state, i.is_urgent, i.version, c.name, pc.name, p.name, pp.name, u.name,
       h.head_name
FROM issues_issue i JOIN issues_category c ON c.id = i.category_id LEFT JOIN issues_category pc ON pc.id = c.parent_id
JOIN outreach_unit p ON p.id = i.place_id LEFT JOIN outreach_unit pp ON pp.id = p.parent_id
JOIN outreach_unit u ON u.id = i.unit_id LEFT JOIN households_household h ON h.id = i.household_id
WHERE i.state IN ('new', 'assigned', 'accepted', 'returned', 'arbitration', 'paused', 'reported')
  AND (p.code LIKE %(code)s OR u.code LIKE %(code)s)
ORDER BY i.due_on, i.id LIMIT 30
"""


def measure() -> Iterator[Figure]:
    """Yield for each reader and tab the p95 and the queries more than at SMALL; then the comparison."""
    call_command("collectstatic", interactive=False, verbosity=0)  # pages name their files by it
    few = {name: queries_of(call) for name, call in pages(district(SMALL)).items()}
    people = district(ISSUES)
    timings: dict[str, float] = {}
    for name, call in pages(people).items():
        queries, times = queries_of(call), timed(call, RUNS)
        timings[name] = statistics.median(times)
        yield Figure(f"ledger_{name}_p95", percentile(times) * 1000, "ms", "<=", 250)
        yield Figure(f"ledger_{name}_queries", queries, "queries", "<=", 32)
        # the issue whose page is measured is another one in the large district: it may have one thing more beside it
        slack = 1 if name.endswith("_detail") else 0
        yield Figure(f"ledger_{name}_more_queries", queries - few[name], "queries", "<=", slack)
    for name, person in people.items():
        plain = statistics.median(timed(partial(read_plain, person), RUNS))
        yield Figure(f"ledger_{name}_over_plain_sql", timings[f"{name}_open"] / plain, "×", "<=", 60)
    office = client_of(people["district"])
    place, category = Unit.objects.villages()[0].pk, Category.objects.get(code="B-LIGHT").pk
    record = partial(make, office, place, category)
    create = statistics.median(timed(record, PEER_RUNS))
    yield Figure("ledger_create_queries", queries_of(record), "queries", "<=", 30)
    again = partial(make_again, office, place, category)
    asked = statistics.median(timed(again, PEER_RUNS))
    yield Figure("ledger_create_asked_queries", queries_of(again), "queries", "<=", 60)
    peer = measure_peer()
    yield Figure("helpdesk_list_ms", peer["list"][1] * 1000, "ms", ">=", 0)
    yield Figure("helpdesk_list_queries", peer["list"][0], "queries", ">=", 0)
    yield Figure("helpdesk_create_ms", peer["create"][1] * 1000, "ms", ">=", 0)
    yield Figure("helpdesk_create_queries", peer["create"][0], "queries", ">=", 0)
    yield Figure("ledger_list_ms", timings["district_open"] * 1000, "ms", ">=", 0)
    yield Figure("ledger_create_ms", create * 1000, "ms", ">=", 0)
    yield Figure("ledger_create_asked_ms", asked * 1000, "ms", ">=", 0)
    yield Figure("ledger_vs_helpdesk_list", peer["list"][1] / timings["district_open"], "×", ">=", 10)
    yield Figure("ledger_vs_helpdesk_create", peer["create"][1] / create, "×", ">=", 2)


def district(issues: int) -> dict[str, User]:
    """Write a district of so many issues; return a person for each view of it."""
    place = seed.district(households=min(issues * 3, HOUSEHOLDS), issues=issues, visits_each=0)
    for kind in ("need", "dispute", "hazard", "suggestion", "consultation"):
        KindLimit.objects.create(kind=kind, workdays=7)
    people = spread(place.unit)
    return {name: people[name] for name in ("district", "township", "department")}


def client_of(person: User) -> Client:
    """A client logged in as `person`."""
    client = Client()
    client.force_login(person)
    return client


def pages(people: dict[str, User]) -> dict[str, Callable[[], None]]:
    """What is measured, by name: each tab and an issue's page for each person."""
    calls: dict[str, Callable[[], None]] = {}
    for name, person in people.items():
        client = client_of(person)
        for tab in TABS:
            calls[f"{name}_{tab or 'default'}"] = partial(
                open_page, client, f"/issues/?state={tab}" if tab else "/issues/"
            )
        issue = Issue.objects.visible_to(person).filter(state="accepted").order_by("pk").last()
        assert issue is not None, name
        calls[f"{name}_detail"] = partial(open_page, client, f"/issues/{issue.pk}/")
    return calls


def open_page(client: Client, path: str) -> None:
    """Read a page."""
    assert client.get(path).status_code == 200, path


def make(client: Client, place: int, category: int) -> None:
    """Record an issue that looks like no other through its form: the look for others is part of it, and finds none."""
    text = "".join(chr(0x4E00 + draw) for draw in random.sample(range(5_000), 25))
    response = client.post("/issues/new/", {"place": place, "category": category, "kind": "need", "text": text})
    assert response.status_code == 302, response.content[:2000]


def make_again(client: Client, place: int, category: int) -> None:
    """Record an issue that looks like others, which the program shows first, and confirm that it is another."""
    fields = {"place": place, "category": category, "kind": "need", "text": "村口路灯不亮，晚上出门看不见路"}
    response = client.post("/issues/new/", fields)
    if response.status_code == 302:  # the first there is
        response = client.post("/issues/new/", fields)
    assert response.status_code == 409, response.content[:2000]
    seen = re.search(r'name="seen" value="([^"]*)"', response.content.decode())
    assert seen is not None
    response = client.post("/issues/new/", {**fields, "seen": seen[1]})
    assert response.status_code == 302, response.content[:2000]


def read_plain(person: User) -> None:
    """Read what the page of the open ones shows, by one statement."""
    assert person.post is not None
    with connection.cursor() as cursor:
        cursor.execute(PLAIN, {"code": person.post.unit.code + "%"})
        assert len(cursor.fetchall()) == 30


def queries_of(call: Callable[[], None]) -> int:
    """Count the queries of a call that is warm."""
    call()
    with CaptureQueriesContext(connection) as captured:
        call()
        return len(captured)


def timed(call: Callable[[], None], runs: int) -> list[float]:
    """The seconds of each of `runs` calls."""
    times = []
    for _run in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def percentile(times: list[float]) -> float:
    """The 95th percentile."""
    return sorted(times)[int(len(times) * 0.95) - 1]


def measure_peer() -> dict[str, tuple[int, float]]:
    """Install django-helpdesk, give it a database of its own beside ours, and let it measure itself (peer_helpdesk.py).

    Exits with what to do where the registry does not have it.
    """
    folder = embedded.var_dir() / "helpdesk"
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        PEER,
        "psycopg2-binary==2.9.13",
    ]
    done = subprocess.run([*install, "Django==5.2.19"], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{PEER} cannot be installed, so nothing is compared. Is the package registry there?\n{done.stderr}")
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS helpdesk")
        cursor.execute("CREATE DATABASE helpdesk TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
    ours = connection.settings_dict
    database = {key: str(ours[key]) for key in ("USER", "PASSWORD", "HOST", "PORT")} | {"NAME": "helpdesk"}
    script = Path(__file__).with_name("peer_helpdesk.py")
    command = [str(python), str(script), json.dumps(database), str(folder), str(TICKETS), str(PEER_RUNS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{PEER} could not be measured:\n{result.stderr[-4000:]}")
    return json.loads(result.stdout)
