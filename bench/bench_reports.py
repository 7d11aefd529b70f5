"""The ranking of a whole district, 1 million households, against the plain read of its rollups and against counting the
rows; what the log of changes costs those who write; how long a campaign day's recount takes.

.venv/bin/python -m bench.run reports
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench import bench_ranking as ranking
from bench import seed
from bench.figure import Figure
from outreach.models import Campaign, Unit, User
from reports import facts, readings

HOUSEHOLDS = int(os.environ.get("BENCH_HOUSEHOLDS", "1000000"))
ISSUES = HOUSEHOLDS * 3 // 10
READ_DAYS = f"""SELECT unit_id, {", ".join(f"sum({name})" for name in facts.DAY_COLUMNS)} FROM reports_daycount
    WHERE campaign_id = %s GROUP BY unit_id"""
READ_ROSTER = f"SELECT unit_id, {', '.join(facts.ROSTER_COLUMNS)} FROM reports_rostercount WHERE campaign_id = %s"


def measure() -> Iterator[Figure]:
    """Measure; a campaign of each hundredth household lies beside the large one."""
    settings.ALLOWED_HOSTS = ["*"]
    call_command("collectstatic", interactive=False, verbosity=0)
    start = time.perf_counter()
    call_command("seed_bench", households=HOUSEHOLDS, issues=ISSUES, responses=0, replace=True)
    yield Figure("reports_seed_of_a_district", time.perf_counter() - start, "s", "<=", 600)
    place = seed.District(
        unit=Unit.objects.get(code="439900"),
        campaign=Campaign.objects.get(),
        leader=User.objects.get(staff_number="B-LEADER"),
        visitor=User.objects.get(staff_number="B-VISITOR"),
    )
    small = ranking.pilot(place)
    empty = Campaign.objects.create(
        name="空", district=place.unit, starts_on=seed.STARTS_ON, ends_on=place.campaign.ends_on, state="open"
    )
    queries = [f"?campaign={campaign.pk}" for campaign in (empty, small, place.campaign)]
    (_, bare), (few, short), (many, long) = ranking.pages(place, queries)
    read = ranking.seconds(lambda: plain_read(place.campaign))
    yield Figure("reports_ranking_queries", many, "queries", "<=", 12)
    yield Figure("reports_ranking_queries_more_than_at_a_hundredth", many - few, "queries", "<=", 0)
    yield Figure("reports_ranking_page", 1000 * long, "ms", "<=", 1000)
    yield Figure("reports_ranking_page_to_plain_read_and_empty_page", long / (read + bare), "x", "<=", 2)
    yield Figure("reports_ranking_page_to_page_at_a_hundredth", long / short, "x", "<=", 1.2)
    by_rows = ranking.naive(place)
    yield Figure("reports_naive_aggregate", by_rows, "s", ">=", 0)
    yield Figure("reports_naive_aggregate_to_page", by_rows / long, "x", ">=", 50)
    today = timezone.localdate()
    with CaptureQueriesContext(connection) as captured:
        readings.read(place.campaign, first=None, last=today, today=today)
    yield Figure("reports_all_readings_queries", len(captured), "queries", "<=", 6)
    all_read = ranking.seconds(lambda: readings.read(place.campaign, first=None, last=today, today=today), 5)
    yield Figure("reports_all_readings", 1000 * all_read, "ms", "<=", 1000)
    yield Figure("reports_recount_of_a_campaign_day", recount_day(place), "s", "<=", 5)
    yield Figure("reports_recount_of_all_rosters", recount_rosters(place), "s", "<=", 5)
    start = time.perf_counter()
    assert facts.differences() == []
    yield Figure("reports_proof_of_every_rollup", time.perf_counter() - start, "s", "<=", 600)
    for writers in (1, ranking.WRITERS):
        share = ranking.log_cost(place, writers, recount=drain)
        yield Figure(f"reports_writes_with_log_{writers}_writers", share, "x", ">=", 0.8)


def plain_read(campaign: Campaign) -> None:
    """Read the rollups of a ranking as SQL, and drop them."""
    with connection.cursor() as cursor:
        for sql in (READ_ROSTER, READ_DAYS):
            cursor.execute(sql, [campaign.pk])
            cursor.fetchall()


def recount_day(place: seed.District) -> float:
    """Return the seconds to count a full day again, the last of the visits: every village's households, visits and
    issues, what was logged of the households met on it, and every issue that was reported done on it with all the days
    it counts for."""
    day = seed.STARTS_ON + timedelta(days=seed.DAYS - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reports_dirtyday (campaign_id, unit_id, day)"
            " SELECT %s, id, %s FROM outreach_unit WHERE kind = 'village'",
            [place.campaign.pk, day],
        )
        cursor.execute(
            "INSERT INTO reports_dirtycase (issue_id, units, days) SELECT id, '{}', '{}' FROM issues_issue"
            " WHERE campaign_id = %s AND (done_at AT TIME ZONE 'Asia/Shanghai')::date = %s",
            [place.campaign.pk, day],
        )
        cursor.execute(
            "INSERT INTO reports_dirtycase (campaign_id, household_id, units, days)"
            " SELECT DISTINCT campaign_id, household_id, '{}'::bigint[], ARRAY[%s]::date[] FROM visits_visit"
            " WHERE campaign_id = %s AND outcome IN ('met', 'partly_met')"
            " AND (visited_at AT TIME ZONE 'Asia/Shanghai')::date = %s",
            [day, place.campaign.pk, day],
        )
    start = time.perf_counter()
    drain()
    return time.perf_counter() - start


def recount_rosters(place: seed.District) -> float:
    """Return the seconds to count every village's roster again, as after an import of the whole district."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reports_dirtyday (campaign_id, unit_id, day)"
            " SELECT %s, id, NULL FROM outreach_unit WHERE kind = 'village'",
            [place.campaign.pk],
        )
    start = time.perf_counter()
    drain()
    return time.perf_counter() - start


def drain() -> None:
    """Work the logs off."""
    while facts.refresh():
        pass
