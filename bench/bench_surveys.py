"""Surveys: do 95 % intervals cover, what estimating costs, and the page of results at 500 000 responses × 8 answers.

.venv/bin/python -m bench.run surveys
"""

from __future__ import annotations

import os
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench import seed, seed_surveys
from bench.figure import Figure
from outreach.models import Unit, User
from surveys import estimate, tallying
from surveys.models import Round, Tally
from surveys.result_files import export_responses

RESPONSES = int(os.environ.get("BENCH_RESPONSES", "500000"))
EXPORTED = min(RESPONSES, 100_000)
RUNS = 2000
PLAIN = """SELECT e.key, e.value, count(*) FROM surveys_response r CROSS JOIN LATERAL jsonb_each(r.answers) e
    WHERE r.round_id = %s GROUP BY 1, 2"""


def measure() -> Iterator[Figure]:
    """Measure; a round of each hundredth response lies beside the large one."""
    settings.ALLOWED_HOSTS = ["*"]
    for name, share in coverage(random.Random(1)).items():
        yield Figure(f"surveys_coverage_{name}", share, "%", ">=", 93)
        yield Figure(f"surveys_coverage_{name}_at_most", share, "%", "<=", 97)
    yield Figure("surveys_estimate_of_20_townships", estimate_townships(random.Random(2)), "s", "<=", 1)
    call_command("collectstatic", interactive=False, verbosity=0)
    place = seed.district(townships=20, villages=400, households=400, visits_each=1, issues=1, counted=False)
    small = seed_surveys.add(place.unit, place.leader, RESPONSES // 100, "小批次")
    start = time.perf_counter()
    large = seed_surveys.add(place.unit, place.leader, RESPONSES)
    yield Figure("surveys_seed_and_count", time.perf_counter() - start, "s", "<=", 300)
    yield Figure("surveys_counts_kept", Tally.objects.filter(round=large).count(), "rows", "<=", 200_000)
    (few, short), (many, long, worst) = page(place.leader, small)[:2], page(place.leader, large)
    yield Figure("surveys_result_page_queries", many, "queries", "<=", 8)
    yield Figure("surveys_result_page_queries_more_than_at_a_hundredth", many - few, "queries", "<=", 0)
    yield Figure("surveys_result_page_p95", 1000 * worst, "ms", "<=", 1000)
    yield Figure("surveys_result_page_to_page_at_a_hundredth", long / short, "x", "<=", 1.5)
    plain = seconds(lambda: plain_read(large), 3)
    yield Figure("surveys_plain_aggregate", plain, "s", ">=", 0)
    yield Figure("surveys_plain_aggregate_to_page", plain / long, "x", ">=", 5)
    yield Figure("surveys_compare_page_p95", 1000 * page(place.leader, large, "result_breakdown")[2], "ms", "<=", 1000)
    start = time.perf_counter()
    assert tallying.differences(small) == []
    yield Figure("surveys_proof_of_the_counts_at_a_hundredth", time.perf_counter() - start, "s", "<=", 30)
    exported = small if RESPONSES // 100 >= EXPORTED else seed_surveys.add(place.unit, place.leader, EXPORTED, "导出")
    rows, took, peak = export(exported, place.unit, place.leader)
    yield Figure("surveys_export_rows", rows, "rows", ">=", EXPORTED)
    yield Figure("surveys_export", took, "s", "<=", 60)
    yield Figure("surveys_export_memory", peak / 1e6, "MB", "<=", 50)


def coverage(chance: random.Random) -> dict[str, float]:
    """Return in how many of a hundred samples the interval holds the truth: of a share in a simple sample, of a share
    in a stratified sample with unequal weights, of a mean in a sample of clusters."""
    population = [
        (stratum, float(chance.random() < p)) for stratum, p in (("A", 0.9), ("B", 0.7)) for _ in range(20_000)
    ]
    truth = sum(value for _stratum, value in population) / len(population)
    strata = {name: [value for stratum, value in population if stratum == name] for name in "AB"}
    villages = [[chance.gauss(70 + chance.gauss(0, 4), 12) for _person in range(30)] for _village in range(2000)]
    mean = sum(map(sum, villages)) / (30 * len(villages))
    held = {"simple_share": 0, "stratified_share": 0, "clustered_mean": 0}
    for _run in range(RUNS):
        drawn = chance.sample(population, 200)
        simple = estimate.simple(200)
        low, high = estimate.wilson(estimate.proportion(simple, [value == 1 for _stratum, value in drawn]))
        held["simple_share"] += low <= truth <= high
        parts = {"A": chance.sample(strata["A"], 60), "B": chance.sample(strata["B"], 140)}
        rows = [(name, value) for name, values in parts.items() for value in values]
        weights = [20_000 / len(parts[name]) for name, _value in rows]
        stage = estimate.Stage([name for name, _value in rows], range(len(rows)))
        low, high = estimate.wilson(
            estimate.proportion(estimate.Sample(weights, (stage,)), [value == 1 for _name, value in rows])
        )
        held["stratified_share"] += low <= truth <= high
        picked = chance.sample(range(len(villages)), 25)
        people = [(village, value) for village in picked for value in chance.sample(villages[village], 8)]
        stage = estimate.Stage([0] * len(people), [village for village, _value in people])
        found = estimate.mean(estimate.Sample([1.0] * len(people), (stage,)), [value for _village, value in people])
        held["clustered_mean"] += found.interval[0] <= mean <= found.interval[1]
    return {name: 100 * count / RUNS for name, count in held.items()}


def estimate_townships(chance: random.Random) -> float:
    """Return the seconds to estimate an index of 13 items for 20 townships of 200 each, with rank bands."""
    size = 20 * 200
    township = [row // 200 for row in range(size)]
    sample = estimate.Sample(
        [chance.uniform(0.5, 2) for _row in range(size)],
        (estimate.Stage(township, [row // 10 for row in range(size)]),),
    )
    items = {f"q{number}": [float(chance.choice([0, 2, 5, 8, 10])) for _row in range(size)] for number in range(13)}
    start = time.perf_counter()
    found = {name: estimate.index(sample, items, [each == name for each in township]) for name in range(20)}
    estimate.rank_ranges(found)
    assert all(one.standard_error > 0 for one in found.values())
    return time.perf_counter() - start


def page(user: User, survey_round: Round, name: str = "result_overview", times: int = 20) -> tuple[int, float, float]:
    """Return a page's queries, and its median and 95th percentile in seconds."""
    client = Client()
    client.force_login(user)
    url = reverse(f"surveys:{name}", args=[survey_round.pk])
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
        count = len(queries)  # the next request forgets them
    taken = sorted(seconds(lambda: client.get(url), 1) for _turn in range(times))
    return count, taken[times // 2], taken[int(0.95 * times)]


def seconds(work: Callable[[], object], times: int) -> float:
    """Return the shortest of several runs."""
    best = float("inf")
    for _turn in range(times):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def plain_read(survey_round: Round) -> None:
    """Count the answers by item and value as SQL would without the counts that are kept."""
    with connection.cursor() as cursor:
        cursor.execute(PLAIN, [survey_round.pk])
        cursor.fetchall()


def export(survey_round: Round, district: Unit, by: User) -> tuple[int, float, int]:
    """Stream the answers; return rows, seconds and the most memory Python held, in bytes."""
    tracemalloc.start()
    start = time.perf_counter()
    rows = sum(1 for _line in export_responses(survey_round=survey_round, place=district, by=by)) - 1
    took, (_now, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return rows, took, peak
