"""What the phone costs in a small and in a large district: list, household page, save; and assigning 100 000 at once.

The visitor has 300 households in both; the queries must be the same, and the time must not grow with the district.
"""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.core.management import call_command
from django.db import connection, reset_queries
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench import seed
from bench.figure import Figure
from outreach.access import Role
from outreach.models import Campaign
from visits import actions
from visits.models import Assignment, VisitStandard

SMALL, LARGE = 1_000, 100_000
MINE = 300
REQUESTS = 25
MAX_RATIO = 1.5
MAX_QUERIES = {"list": 8, "household": 16, "save": 28}
MAX_MILLISECONDS = {"list": 150, "household": 150, "save": 200}
MAX_ASSIGN_SECONDS = 60


def prepare(households: int) -> seed.District:
    """Write a district; the visitor keeps MINE households spread over one village's doors, somebody else the rest."""
    district = seed.district(households=households, issues=households // 10)
    today = timezone.localdate()
    Campaign.objects.update(starts_on=min(seed.STARTS_ON, today), ends_on=today + timedelta(days=30))
    VisitStandard.objects.create(campaign=district.campaign)
    other = seed.add_person("B-OTHER", Role.VISITOR, district.unit)
    mine = list(Assignment.objects.order_by("household__village", "pk").values_list("pk", flat=True)[:MINE])
    Assignment.objects.exclude(pk__in=mine).update(visitor=other)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return district


def measured(call: Callable[[int], HttpResponse]) -> tuple[int, float]:
    """Return the queries of one request, and the milliseconds a quarter of REQUESTS stayed below: what else runs on
    the machine makes some of them slower, none faster."""
    for number in range(3):
        call(number)
    reset_queries()  # a full log counts nothing more
    with CaptureQueriesContext(connection) as context:
        call(3)
        queries = len(context)  # at once: the next request empties the log
    times = []
    for number in range(4, 4 + REQUESTS):
        start = time.perf_counter()
        response = call(number)
        times.append((time.perf_counter() - start) * 1000)
        assert response.status_code in (200, 302), response.content[:500]
    return queries, statistics.quantiles(times, n=4)[0]


def phone(district: seed.District) -> dict[str, tuple[int, float]]:
    """Measure the three requests of a visitor."""
    client = Client()
    client.force_login(district.visitor)
    doors = list(Assignment.objects.of_visitor(district.visitor).order_by("pk").values_list("household", flat=True))

    def save(number: int) -> HttpResponse:
        form = {
            "uuid": str(uuid.uuid4()),
            "campaign": district.campaign.pk,
            "outcome": "nobody_home",
            "problem": "no",
            "visited_at": timezone.now().isoformat(),
        }
        return client.post(f"/phone/{doors[number]}/", form, headers={"Accept": "application/json"})  # type: ignore[return-value]

    results = {
        "household": measured(lambda number: client.get(f"/phone/{doors[number]}/")),  # type: ignore[arg-type, return-value]
        "save": measured(save),
    }
    client.get("/phone/")  # shows the messages of what was saved, once
    results["list"] = measured(lambda _number: client.get("/phone/"))  # type: ignore[arg-type, return-value]
    return results


def measure() -> Iterator[Figure]:
    """Yield queries and times at both sizes, their ratio, and the seconds to assign the large district anew."""
    call_command("collectstatic", interactive=False, verbosity=0)
    district = prepare(SMALL)
    small = phone(district)
    district = prepare(LARGE)
    large = phone(district)
    for name, limit in MAX_QUERIES.items():
        yield Figure(f"{name}_queries_small", small[name][0], "queries", "<=", limit)
        yield Figure(f"{name}_queries_large", large[name][0], "queries", "<=", small[name][0])
        yield Figure(f"{name}_time_small", small[name][1], "ms", "<=", MAX_MILLISECONDS[name])
        yield Figure(f"{name}_time_large", large[name][1], "ms", "<=", MAX_MILLISECONDS[name])
        yield Figure(f"{name}_time_ratio", large[name][1] / small[name][1], "×", "<=", MAX_RATIO)
    admin = seed.add_person("B-ADMIN", Role.TOWNSHIP_ADMIN, district.unit)
    visitors = [seed.add_person(f"B-V{number}", Role.VISITOR, district.unit) for number in range(300)]
    selection = actions.Selection(
        campaign=district.campaign, unit=district.unit, include_assigned=True, include_visited=True
    )
    start = time.perf_counter()
    changed = actions.assign_evenly(selection=selection, visitors=visitors, by=admin)
    yield Figure("assign_evenly_households", changed, "households", ">=", LARGE * 0.9)
    yield Figure("assign_evenly_time", time.perf_counter() - start, "s", "<=", MAX_ASSIGN_SECONDS)
