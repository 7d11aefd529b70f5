"""The sweep of reminders at 300 000 issues against a get_or_create loop over the same rows, and a repeat with no news.

.venv/bin/python -m bench.run reminders
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.urls import reverse
from django.utils import timezone

from bench import seed
from bench.figure import Figure
from issues import reminders
from issues.models import Issue, Reminder
from outreach import calendar
from outreach.access import Role
from outreach.models import Notification, Unit

ISSUES = 300_000
HOUSEHOLDS = 20_000
SAMPLE = 2_000  # reminders the loop writes; its time a row is that of any row
REPEATS = 3


def measure() -> Iterator[Figure]:
    """Yield how many times faster a reminder is by the sweep than by the loop, and the share a repeat costs."""
    place = seed.district(households=HOUSEHOLDS, issues=ISSUES, visits_each=0)
    for number, township in enumerate(Unit.objects.townships()):
        seed.add_person(f"B-T{number}", Role.TOWNSHIP_ADMIN, township)
    seed.add_person("B-OFFICE", Role.DISTRICT_OFFICE, place.unit)
    now = working_moment()
    reverse("issues:list")  # loads all views, which is no part of a sweep
    first = timed(now)
    added = Reminder.objects.count()
    assert added > ISSUES // 20, f"only {added} reminders: this measures nothing"
    assert Notification.objects.count() == added
    with connection.cursor() as cursor:  # as autovacuum does within a minute
        cursor.execute("ANALYZE issues_reminder")
        cursor.execute("ANALYZE outreach_notification")
    repeat = min(timed(now) for _time in range(REPEATS))
    assert Reminder.objects.count() == added
    each = loop()
    yield Figure("sweep_reminders", added, "rows", ">=", ISSUES // 20)
    yield Figure("sweep_us_a_row", first / added * 1e6, "µs", "<=", 200)
    yield Figure("sweep_loop_us_a_row", each * 1e6, "µs", ">=", 0)
    yield Figure("sweep_ratio", each / (first / added), "×", ">=", 80)
    yield Figure("sweep_repeat_share", repeat / first, "of the first", "<=", 0.3)


def working_moment() -> datetime:
    """Return ten o'clock of today or the next working day: on a day off nobody is reminded."""
    day = calendar.add_workdays(timezone.localdate(), 0)
    noon = timezone.localtime().replace(hour=10, minute=0, second=0, microsecond=0)
    return noon + (day - timezone.localdate())


def timed(now: datetime) -> float:
    """Return the seconds of one sweep."""
    start = time.perf_counter()
    reminders.sweep(now)
    return time.perf_counter() - start


def loop() -> float:
    """Return the seconds a reminder takes where each is a get_or_create with its notification, as is often written;
    over a sample of the rows the sweep wrote, which are taken away first."""
    rows = list(Reminder.objects.order_by("pk").values_list("issue", "rung", "stamp", "user")[:SAMPLE])
    issues = Issue.objects.in_bulk({row[0] for row in rows})
    Reminder.objects.filter(issue__in=issues).delete()
    Notification.objects.all().delete()
    start = time.perf_counter()
    for issue_id, rung, stamp, user_id in rows:
        issue = issues[issue_id]
        _row, is_new = Reminder.objects.get_or_create(issue=issue, rung=rung, stamp=stamp, user_id=user_id)
        if is_new:
            Notification.objects.get_or_create(
                user_id=user_id,
                key=f"reminder:{rung}:{issue.pk}:{stamp}",
                defaults={
                    "kind": "issue.reminder",
                    "title": f"问题{issue.number}已逾期",
                    "url": f"/issues/{issue.pk}/",
                    "in_digest": True,
                },
            )
    return (time.perf_counter() - start) / len(rows)
