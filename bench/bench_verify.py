"""Reading every history through, hash by hash, against reading the same rows and doing nothing with them.

.venv/bin/python -m bench.run verify
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from bench import seed
from bench.figure import Figure
from issues import chain, facts, verify
from issues.models import Issue, IssueEvent

ISSUES = 20_000
STEPS = ("open", "dispatch", "accept", "progress", "finish", "verify")
RUNS = 3


def measure() -> Iterator[Figure]:
    """Yield events checked a second, and how many times a plain read of the same rows that takes."""
    place = seed.district(households=ISSUES, issues=ISSUES, visits_each=0, townships=5, villages=50)
    add_histories(place.visitor.pk, place.unit.pk)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE issues_issueevent")
        cursor.execute("VACUUM ANALYZE issues_issue")
    reading = verify.read_through()
    assert reading.fault_count == 0 and reading.events == ISSUES * len(STEPS), reading.faults[:3]
    checked, plain = least(verify.read_through), least(read_plainly)
    yield Figure("verify_events_per_second", reading.events / checked, "events/s", ">=", 15_000)
    yield Figure("verify_to_plain_read_ratio", checked / plain, "×", "<=", 6)


def add_histories(person: int, unit: int) -> None:
    """Give each issue six chained steps; the database's own guards look at each."""
    started = datetime(2026, 3, 2, tzinfo=UTC)
    for start in range(0, ISSUES, 5_000):
        events = []
        for issue in Issue.objects.order_by("pk")[start : start + 5_000]:
            previous = chain.GENESIS
            for seq, move in enumerate(STEPS, 1):
                event = IssueEvent(
                    issue=issue,
                    seq=seq,
                    at=started + timedelta(hours=seq),
                    by_id=person,
                    by_unit_id=unit,
                    move=move,
                    from_state="" if seq == 1 else issue.state,
                    to_state=issue.state,
                    from_unit_id=None if seq == 1 else issue.unit_id,
                    to_unit_id=issue.unit_id,
                    note="已到现场查看，待配件到货后更换" if seq in (4, 5) else "",
                    detail={"facts": facts.of(issue)} if seq == 1 else {},
                    previous_hash=previous,
                )
                previous = event.hash = chain.digest(event.canonical())
                events.append(event)
        IssueEvent.objects.bulk_create(events, batch_size=5_000)


def read_plainly() -> None:
    """Fetch the rows that the check reads, and drop them."""
    for _rows in verify.histories():
        pass


def least(call: Callable[[], Any]) -> float:
    """Return the seconds of the quickest of RUNS: the one a busy machine disturbed least."""
    times = []
    for _run in range(RUNS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
