"""The ladder of reminders (domain.md §4): one set-based sweep, run by Celery on working days.

Working days are counted here, once, into dates around today; the database compares dates. Each (issue, rung, occasion,
person) is written once, by a unique constraint; the notifications are written in the same statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from issues import workflow
from issues.models import Issue, Reminder, Rung
from issues.recipients import DISPATCH_STATES, Posts
from outreach import calendar
from outreach.models import Notification, Unit

SWEEP_LOCK = 4_399_030

# How many working days late, first and last, and whose turn it then is. Disjoint, so that what is found late at once
# (the program stood still, a deadline was entered afterwards) climbs to its own rung and does not ring them all.
LATE: tuple[tuple[Rung, int, int | None, str], ...] = (
    (Rung.LATE_1, 1, 2, "holder"),
    (Rung.LATE_3, 3, 4, "holder"),
    (Rung.HEAD, 5, 6, "head"),
    (Rung.LEADER, 7, 9, "leader"),
    (Rung.PROPOSE, 10, None, "office"),
)
BEFORE = ((Rung.BEFORE_2, 2), (Rung.BEFORE_1, 1), (Rung.TODAY, 0))
ACCEPT_WITHIN = 1  # working days
REVIEW_WITHIN = 3
EVER = date(2000, 1, 1)


@dataclass(frozen=True)
class Span:
    """Issues due from `first` to `last` stand on `rung`, and `duty` says who is reminded."""

    rung: Rung
    first: date
    last: date
    duty: str


def back(today: date, count: int, table: calendar.Overrides) -> date:
    """Return the `count`-th working day before `today`; 0 gives `today`."""
    day = today
    while count:
        day -= timedelta(days=1)
        count -= calendar.is_workday(day, table)
    return day


def spans(today: date, table: calendar.Overrides) -> list[Span]:
    """Return the rungs as days: every due day from long ago to 2 working days ahead lies in exactly one of them.

    A due day that is no working day belongs to the last working day before it.
    """
    day = timedelta(days=1)
    ahead = [today, *(calendar.add_workdays(today, count, table) for count in (1, 2, 3))]
    found = [Span(rung, ahead[count], ahead[count + 1] - day, "holder") for rung, count in BEFORE]
    for rung, least, most, duty in LATE:
        first = EVER if most is None else back(today, most, table)
        found.append(Span(rung, first, back(today, least - 1, table) - day, duty))
    return found


@transaction.atomic
def sweep(now: datetime | None = None) -> int:
    """Remind everybody who is to be reminded today and was not yet; return how many reminders were added.

    Nothing on days off. Safe to run at any time and any number of times.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    table = calendar.overrides()
    if not calendar.is_workday(today, table):
        return 0
    targets = duties(Posts(), Unit.objects.values_list("pk", "code"))
    with connection.cursor() as cursor, translation.override(settings.LANGUAGE_CODE):
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SWEEP_LOCK])
        # Planned over an empty table the anti-join would read it for every row, while the statement itself fills it.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(SWEEP, parameters(now, spans(today, table), targets, table))
        added = int(cursor.rowcount)
        cursor.execute("SET LOCAL enable_nestloop = on")
        return added


def duties(posts: Posts, units: Iterable[tuple[int, str]]) -> list[tuple[int, str, int]]:
    """Return (unit id, duty, user id) for everybody who has a duty towards issues held by a unit."""
    found: list[tuple[int, str, int]] = []
    for pk, code in units:
        people = {
            "handle": posts.handlers(code),
            "dispatch": posts.dispatchers(code),
            "head": posts.heads(code),
            "leader": posts.leaders(code),
            "office": posts.office(code),
            "verify": posts.verifiers(code),
        }
        found += [(pk, duty, user) for duty, users in people.items() for user in users]
    return found


def parameters(
    now: datetime, days: list[Span], targets: list[tuple[int, str, int]], table: calendar.Overrides
) -> dict[str, Any]:
    """Return what SWEEP asks for."""
    today = timezone.localdate(now)
    return {
        "now": now,
        "zone": settings.TIME_ZONE,
        "rungs": [span.rung.value for span in days],
        "firsts": [span.first for span in days],
        "lasts": [span.last for span in days],
        "duties": [span.duty for span in days],
        "units": [unit for unit, _duty, _user in targets],
        "unit_duties": [duty for _unit, duty, _user in targets],
        "users": [user for _unit, _duty, user in targets],
        "titled": [rung.value for rung in Rung],
        # %% of a translated text would be a placeholder: the number is put in by the database
        "titles": [str(title) for title in titles().values()],
        "prefix": reverse("issues:list"),
        "running": [state.value for state in workflow.RUNNING_STATES],
        "dispatching": [state.value for state in DISPATCH_STATES],
        "furthest": max(span.last for span in days),
        "accept_before": back(today, ACCEPT_WITHIN, table),
        "review_before": back(today, REVIEW_WITHIN, table),
    }


def titles() -> dict[Rung, str]:
    """Return what each rung says; {number} stands for the issue's."""
    return {
        Rung.BEFORE_2: _("Issue {number} is due in 2 working days"),
        Rung.BEFORE_1: _("Issue {number} is due in 1 working day"),
        Rung.TODAY: _("Issue {number} is due today"),
        Rung.LATE_1: _("Issue {number} is late"),
        Rung.LATE_3: _("Issue {number} is 3 working days late"),
        Rung.HEAD: _("Issue {number} is 5 working days late: for the unit's head"),
        Rung.LEADER: _("Issue {number} is 7 working days late: for the linked leader"),
        Rung.PROPOSE: _("Issue {number} is 10 working days late: supervision is proposed"),
        Rung.UNACCEPTED: _("Issue {number} has waited over 1 working day to be accepted"),
        Rung.UNVERIFIED: _("Issue {number} has waited over 3 working days for verification"),
        Rung.UNCALLED: _("Issue {number} has waited over 3 working days for the call-back"),
    }


def told(issue: Issue) -> list[dict[str, object]]:
    """Return who was reminded of an issue at which rung and when, newest first, for its page: one query."""
    rows: dict[tuple[str, int], dict[str, object]] = {}
    marks = Reminder.objects.filter(issue=issue).select_related("user").order_by("-pk")
    for mark in marks[:200]:
        row = rows.setdefault(
            (mark.rung, mark.stamp), {"label": mark.get_rung_display(), "at": mark.reminded_at, "names": []}
        )
        names = row["names"]
        assert isinstance(names, list)
        names.append(mark.user.name)
    return list(rows.values())


SWEEP = f"""
WITH span AS (
    SELECT * FROM unnest(%(rungs)s::text[], %(firsts)s::date[], %(lasts)s::date[], %(duties)s::text[])
        AS span(rung, first, last, duty)
), target AS (
    SELECT * FROM unnest(%(units)s::bigint[], %(unit_duties)s::text[], %(users)s::bigint[])
        AS target(unit_id, duty, user_id)
), due AS (
    SELECT issue.id AS issue_id, issue.unit_id, span.rung, issue.due_version AS stamp,
        CASE WHEN span.duty <> 'holder' THEN span.duty
            WHEN issue.state = ANY(%(dispatching)s) THEN 'dispatch' ELSE 'handle' END AS duty
    FROM issues_issue issue JOIN span ON issue.due_on BETWEEN span.first AND span.last
    WHERE issue.state = ANY(%(running)s) AND issue.due_on <= %(furthest)s
        AND NOT (span.rung = 'propose' AND issue.supervised_at IS NOT NULL)
    UNION ALL
    SELECT issue.id, issue.unit_id,
        CASE issue.state WHEN 'assigned' THEN 'unaccepted' WHEN 'done' THEN 'unverified' ELSE 'uncalled' END,
        segment.id,
        CASE issue.state WHEN 'assigned' THEN 'handle' ELSE 'verify' END
    FROM issues_issuesegment segment JOIN issues_issue issue ON issue.id = segment.issue_id
    WHERE segment.ended_at IS NULL AND (
        (issue.state = 'assigned' AND (segment.started_at AT TIME ZONE %(zone)s)::date < %(accept_before)s)
        OR (issue.state = 'done' AND (issue.done_at AT TIME ZONE %(zone)s)::date < %(review_before)s)
        OR (issue.state = 'verified' AND (issue.verified_at AT TIME ZONE %(zone)s)::date < %(review_before)s)
    )
), added AS (
    INSERT INTO {Reminder._meta.db_table} (issue_id, rung, stamp, user_id, reminded_at)
    SELECT due.issue_id, due.rung, due.stamp, target.user_id, %(now)s
    FROM due JOIN target ON target.unit_id = due.unit_id AND target.duty = due.duty
    WHERE NOT EXISTS (
        SELECT FROM {Reminder._meta.db_table} old
        WHERE old.issue_id = due.issue_id AND old.rung = due.rung AND old.stamp = due.stamp
            AND old.user_id = target.user_id
    )
    ON CONFLICT DO NOTHING
    RETURNING issue_id, rung, stamp, user_id
), title AS (
    SELECT * FROM unnest(%(titled)s::text[], %(titles)s::text[]) AS title(rung, words)
)
INSERT INTO {Notification._meta.db_table}
    (user_id, kind, title, text, url, key, in_digest, is_urgent, created_at)
SELECT added.user_id, 'issue.reminder', replace(title.words, '{{number}}', issue.number), '',
    %(prefix)s || issue.id || '/', 'reminder:' || added.rung || ':' || issue.id || ':' || added.stamp,
    true, false, %(now)s
FROM added JOIN issues_issue issue ON issue.id = added.issue_id JOIN title ON title.rung = added.rung
ON CONFLICT DO NOTHING
"""
