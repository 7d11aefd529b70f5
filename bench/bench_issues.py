"""The ledger, an issue's page and a search at 1 000 and at 100 000 issues: as many queries, and not twice as long.

.venv/bin/python -m bench.run issues
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import seed
from bench.figure import Figure
from issues.models import Issue, KindLimit
from outreach.access import Role
from outreach.models import Unit, User

SMALL, LARGE = 1_000, 100_000
HOUSEHOLDS_EACH = 3  # households for each issue, up to MAX_HOUSEHOLDS
MAX_HOUSEHOLDS = 30_000
RUNS = 25
# Few enough that a township has a full page of open issues at SMALL too: a page of 2 rows is no measure for one of 30.
TOWNSHIPS, VILLAGES = 5, 10
DEPARTMENTS = 11
RARE = 5  # issues of the department that has nearly none


def measure() -> Iterator[Figure]:
    """Yield for each reader and page the queries more at LARGE than at SMALL (none) and the ratio of the times."""
    call_command("collectstatic", interactive=False, verbosity=0)  # pages name their files by it
    small, large = readings(SMALL), readings(LARGE)
    for name, (queries, seconds) in large.items():
        base_queries, base_seconds = small[name]
        yield Figure(f"issues_{name}_more_queries", queries - base_queries, "queries", "<=", 0)
        yield Figure(f"issues_{name}_time_ratio", seconds / base_seconds, "×", "<=", 2)
        yield Figure(f"issues_{name}_ms", seconds * 1000, "ms", "<=", 500)


def readings(issues: int) -> dict[str, tuple[int, float]]:
    """Write a district of so many issues; return name → (queries, seconds) of each page."""
    place = seed.district(
        households=min(issues * HOUSEHOLDS_EACH, MAX_HOUSEHOLDS),
        issues=issues,
        visits_each=0,
        townships=TOWNSHIPS,
        villages=VILLAGES,
    )
    for kind in ("need", "dispute", "hazard", "suggestion", "consultation"):
        KindLimit.objects.create(kind=kind, workdays=7)
    people = spread(place.unit)
    result = {}
    for name, person in people.items():
        client = Client()
        client.force_login(person)
        result[f"list_{name}"] = read(client, "/issues/")
        if name in ("district", "township"):
            result[f"closed_{name}"] = read(client, "/issues/?state=closed&page=20")
        issue = Issue.objects.visible_to(person).order_by("pk").last()
        assert issue is not None, name
        result[f"detail_{name}"] = read(client, f"/issues/{issue.pk}/")
    return result


def spread(district: Unit) -> dict[str, User]:
    """Hand two thirds of the issues to departments, one of which holds next to none; return a person for each view."""
    units = [
        Unit.objects.create(code=f"439900D{n:02}", name=f"区第{n}局", kind="department", parent=district, sort_order=n)
        for n in range(1, DEPARTMENTS + 1)
    ]
    first = units[0].pk
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE issues_issue SET unit_id = %s + 1 + id %% %s WHERE id %% 3 > 0 AND id > %s",
            [first, DEPARTMENTS - 1, RARE],
        )
        cursor.execute("UPDATE issues_issue SET unit_id = %s WHERE id <= %s", [first, RARE])
        cursor.execute("VACUUM ANALYZE issues_issue")
        cursor.execute("ANALYZE outreach_unit")
    township = Unit.objects.townships()[0]
    village = Unit.objects.villages()[0]
    posts = {
        "district": (Role.DISTRICT_OFFICE, district),
        "township": (Role.TOWNSHIP_ADMIN, township),
        "village": (Role.VILLAGE_CLERK, village),
        "department": (Role.DEPARTMENT_HEAD, units[1]),
        "rare": (Role.DEPARTMENT_HEAD, units[0]),
    }
    return {name: seed.add_person(f"B-{name}", role, unit) for name, (role, unit) in posts.items()}


def read(client: Client, path: str) -> tuple[int, float]:
    """Return the queries and the seconds of a page: the least of RUNS, which a busy machine disturbs least."""
    for _warm in range(2):
        assert client.get(path).status_code == 200, path
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    times = []
    for _run in range(RUNS):
        start = time.perf_counter()
        client.get(path)
        times.append(time.perf_counter() - start)
    return len(captured), min(times)
