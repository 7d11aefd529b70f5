"""Counted facts: the rollups kept from the dirty log, their recount from the rows, and their reading by unit.

The invariant, true in every snapshot of the database: where a rollup differs from a count of the rows, the log names
the unit and day. `differences` checks just that, so it may run while people work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, Sum
from django.utils import timezone

from issues import workflow
from outreach.models import Campaign, Unit
from reports.indicators import Facts
from reports.models import DayCount, DirtyDay, Freshness, RosterCount

# One recount at a time, whatever the number of workers.
RECOUNT_LOCK = 4_399_021

# The definitions, in one place: refresh, recount and check read them with other filters. A household counts as long
# as it is on the roster: one verified empty or moved leaves the numerator together with the denominator.
ON_ROSTER = "assignment.state <> 'off_roster' AND household.roster_state = 'in_residence'"

ROSTER = f"""
    SELECT household.village_id AS unit_id,
           count(*) AS households,
           count(*) FILTER (WHERE NOT ({ON_ROSTER})) AS off_roster
    FROM visits_assignment assignment
    JOIN households_household household ON household.id = assignment.household_id
    WHERE assignment.campaign_id = %(campaign)s
      AND (%(everything)s OR household.village_id = ANY(%(units)s::bigint[]))
    GROUP BY household.village_id
"""
ROSTER_COLUMNS = ("households", "off_roster")


def _local_day(column: str) -> str:
    return f"({column} AT TIME ZONE 'Asia/Shanghai')::date"


def _within_days(moment: str) -> str:
    """Return the condition on a moment: the range serves the index, the set is exact."""
    return f"""(%(everything)s OR (
        {moment} >= %(first_day)s::date::timestamp AT TIME ZONE 'Asia/Shanghai'
        AND {moment} < (%(last_day)s::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
        AND {_local_day(moment)} = ANY(%(days)s::date[])))"""


DAYS = f"""
    SELECT unit_id, day,
           sum(covered) AS covered, sum(met) AS met, sum(visits) AS visits, sum(raised) AS issues_raised,
           sum(solved) AS issues_solved, sum(explained) AS issues_explained,
           sum(not_accepted) AS issues_not_accepted, sum(otherwise) AS issues_otherwise,
           sum(in_review) AS issues_in_review, sum(set_aside) AS issues_set_aside, sum(open_due) AS open_due
    FROM (
        SELECT household.village_id AS unit_id, assignment.covered_on AS day, count(*) AS covered,
               count(*) FILTER (WHERE assignment.state = 'met') AS met,
               0 AS visits, 0 AS raised, 0 AS solved, 0 AS explained, 0 AS not_accepted, 0 AS otherwise,
               0 AS in_review, 0 AS set_aside, 0 AS open_due
        FROM visits_assignment assignment
        JOIN households_household household ON household.id = assignment.household_id
        WHERE assignment.campaign_id = %(campaign)s AND assignment.covered_on IS NOT NULL AND {ON_ROSTER}
          AND (%(everything)s OR (household.village_id = ANY(%(units)s::bigint[])
                                  AND assignment.covered_on = ANY(%(days)s::date[])))
        GROUP BY 1, 2
        UNION ALL
        SELECT household.village_id, {_local_day("visit.visited_at")}, 0, 0, count(*), 0, 0, 0, 0, 0, 0, 0, 0
        FROM visits_visit visit
        JOIN households_household household ON household.id = visit.household_id
        WHERE visit.campaign_id = %(campaign)s
          AND (%(everything)s OR household.village_id = ANY(%(units)s::bigint[]))
          AND {_within_days("visit.visited_at")}
        GROUP BY 1, 2
        UNION ALL
        SELECT issue.place_id, {_local_day("issue.recorded_at")}, 0, 0, 0, count(*), 0, 0, 0, 0, 0, 0, 0
        FROM issues_issue issue
        WHERE issue.campaign_id = %(campaign)s
          AND (%(everything)s OR issue.place_id = ANY(%(units)s::bigint[]))
          AND {_within_days("issue.recorded_at")}
        GROUP BY 1, 2
        UNION ALL
        SELECT issue.place_id, {_local_day("issue.done_at")}, 0, 0, 0, 0,
               count(*) FILTER (WHERE issue.state = 'closed' AND issue.outcome = 'solved'),
               count(*) FILTER (WHERE issue.state = 'closed' AND issue.outcome = 'explained'),
               count(*) FILTER (WHERE issue.state = 'closed' AND issue.outcome = 'not_accepted'),
               count(*) FILTER (WHERE issue.state = 'closed'
                                AND issue.outcome NOT IN ('solved', 'explained', 'not_accepted')),
               count(*) FILTER (WHERE issue.state = ANY(%(review_states)s)), 0, 0
        FROM issues_issue issue
        WHERE issue.campaign_id = %(campaign)s AND issue.done_at IS NOT NULL
          AND (%(everything)s OR issue.place_id = ANY(%(units)s::bigint[]))
          AND {_within_days("issue.done_at")}
        GROUP BY 1, 2
        UNION ALL
        SELECT issue.place_id, issue.due_on, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               count(*) FILTER (WHERE issue.state = ANY(%(aside_states)s)),
               count(*) FILTER (WHERE issue.state = ANY(%(running_states)s))
        FROM issues_issue issue
        WHERE issue.campaign_id = %(campaign)s AND issue.state = ANY(%(running_states)s || %(aside_states)s)
          AND (%(everything)s OR (issue.place_id = ANY(%(units)s::bigint[])
                                  AND issue.due_on = ANY(%(days)s::date[])))
        GROUP BY 1, 2
    ) part
    GROUP BY unit_id, day
"""
DAY_COLUMNS = (
    "covered",
    "met",
    "visits",
    "issues_raised",
    "issues_solved",
    "issues_explained",
    "issues_not_accepted",
    "issues_otherwise",
    "issues_in_review",
    "issues_set_aside",
    "open_due",
)

# No longer anybody's to be late with, and not done either: stopped from above, reported upward, merged, not taken up.
ASIDE_STATES = tuple(
    state for state in workflow.State if state not in (*workflow.RUNNING_STATES, *workflow.REVIEW_STATES, "closed")
)


@dataclass(frozen=True)
class _Rollup:
    """A rollup table: the query that counts it from the rows, and the columns of its key and its counts."""

    table: str
    query: str
    key: tuple[str, ...]
    columns: tuple[str, ...]

    def write(self, campaign_id: int, keys: list[tuple[Any, ...]] | None) -> None:
        """Count the campaign's `keys` (None: all of them) from the rows and bring the table in line."""
        key = ", ".join(self.key)
        same_key = " AND ".join(f"old.{name} = {{0}}.{name}" for name in self.key)
        arrays = ", ".join(
            "%(key_units)s::bigint[]" if name == "unit_id" else "%(key_days)s::date[]" for name in self.key
        )
        sql = f"""
            WITH asked AS (SELECT * FROM unnest({arrays}) asked ({key})),
            counted AS MATERIALIZED (
                SELECT counted.* FROM ({self.query}) counted
                WHERE %(everything)s OR ({key}) IN (SELECT {key} FROM asked)
            ),
            gone AS (
                DELETE FROM {self.table} old
                WHERE old.campaign_id = %(campaign)s
                  AND (%(everything)s OR EXISTS (SELECT FROM asked WHERE {same_key.format("asked")}))
                  AND NOT EXISTS (SELECT FROM counted WHERE {same_key.format("counted")})
            )
            INSERT INTO {self.table} AS old (campaign_id, {key}, {", ".join(self.columns)})
            SELECT %(campaign)s, {key}, {", ".join(self.columns)} FROM counted
            ON CONFLICT (campaign_id, {key}) DO UPDATE
            SET {", ".join(f"{name} = excluded.{name}" for name in self.columns)}
            WHERE ({", ".join(f"old.{name}" for name in self.columns)})
                IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in self.columns)})
        """
        with connection.cursor() as cursor:
            cursor.execute(sql, _parameters(campaign_id, keys))

    def differences(self, campaign_id: int) -> list[tuple[Any, ...]]:
        """Return (key …, rollup's counts or None, rows' counts or None) for each key that differs and is not in the
        log. One statement, so one snapshot."""
        key = ", ".join(self.key)
        logged = " AND ".join(f"log.{name} IS NOT DISTINCT FROM {name}" for name in self.key)
        if "day" not in self.key:
            logged += " AND log.day IS NULL"
        counts = ", ".join(self.columns)
        sql = f"""
            WITH kept AS (SELECT {key}, ARRAY[{counts}]::bigint[] AS kept FROM {self.table}
                          WHERE campaign_id = %(campaign)s),
            counted AS (SELECT {key}, ARRAY[{counts}]::bigint[] AS counted FROM ({self.query}) live)
            SELECT {key}, kept, counted FROM kept FULL JOIN counted USING ({key})
            WHERE kept IS DISTINCT FROM counted
              AND NOT EXISTS (SELECT FROM reports_dirtyday log WHERE log.campaign_id = %(campaign)s AND {logged})
            ORDER BY {key}
        """
        with connection.cursor() as cursor:
            cursor.execute(sql, _parameters(campaign_id, None))
            return cursor.fetchall()


ROSTERS = _Rollup("reports_rostercount", ROSTER, ("unit_id",), ROSTER_COLUMNS)
DAY_COUNTS = _Rollup("reports_daycount", DAYS, ("unit_id", "day"), DAY_COLUMNS)


def _parameters(campaign_id: int, keys: list[tuple[Any, ...]] | None) -> dict[str, Any]:
    days = sorted({key[1] for key in keys or () if len(key) > 1})
    return {
        "campaign": campaign_id,
        "everything": keys is None,
        "key_units": [key[0] for key in keys or ()],
        "key_days": [key[1] for key in keys or () if len(key) > 1],
        "units": sorted({key[0] for key in keys or ()}),
        "days": days,
        "first_day": days[0] if days else None,
        "last_day": days[-1] if days else None,
        "running_states": list(workflow.RUNNING_STATES),
        "review_states": list(workflow.REVIEW_STATES),
        "aside_states": list(ASIDE_STATES),
    }


def refresh(limit: int = 100_000) -> int | None:
    """Take up to `limit` entries of the log, oldest first, and count their units and days again from the rows.

    Returns the number of entries taken, or None where another worker is at it. Safe to run twice and in parallel: the
    entries go in the transaction that wrote their counts, and what is logged meanwhile stays for the next time.
    """
    # taken before the log is read: what was committed by now is in the log, or counted already
    began = timezone.now()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [RECOUNT_LOCK])
            if not cursor.fetchone()[0]:
                return None
            # Each later statement sees at least what this one saw, so the rows behind every entry taken here.
            cursor.execute(
                "DELETE FROM reports_dirtyday"
                " WHERE id = ANY(ARRAY(SELECT id FROM reports_dirtyday ORDER BY id LIMIT %s))"
                " RETURNING campaign_id, unit_id, day",
                [limit],
            )
            entries = cursor.fetchall()
        rosters: dict[int, set[tuple[int]]] = defaultdict(set)
        days: dict[int, set[tuple[int, date]]] = defaultdict(set)
        for campaign_id, unit_id, day in entries:
            if day is None:
                rosters[campaign_id].add((unit_id,))
            else:
                days[campaign_id].add((unit_id, day))
        for campaign_id, units in sorted(rosters.items()):
            ROSTERS.write(campaign_id, sorted(units))
        for campaign_id, keys in sorted(days.items()):
            DAY_COUNTS.write(campaign_id, sorted(keys))
        if len(entries) < limit:
            _set_fresh(began)
    return len(entries)


def recount_all(campaign: Campaign | None = None) -> None:
    """Count one campaign, or every campaign, again from the rows; waits for a refresh that is running."""
    began = timezone.now()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RECOUNT_LOCK])
        log = DirtyDay.objects.all() if campaign is None else DirtyDay.objects.filter(campaign_id=campaign.pk)
        log.delete()
        for campaign_id in _campaign_ids(campaign):
            ROSTERS.write(campaign_id, None)
            DAY_COUNTS.write(campaign_id, None)
        if not DirtyDay.objects.exists():
            _set_fresh(began)


def _campaign_ids(campaign: Campaign | None) -> list[int]:
    if campaign is not None:
        return [campaign.pk]
    return list(Campaign.objects.order_by("pk").values_list("pk", flat=True))


def _set_fresh(moment: datetime) -> None:
    Freshness.objects.update_or_create(pk=1, defaults={"counted_at": moment})


def differences(campaign: Campaign | None = None) -> list[str]:
    """Return a line for every rollup that differs from a count of the rows, though the log does not name it."""
    lines = []
    for campaign_id in _campaign_ids(campaign):
        for rollup in (ROSTERS, DAY_COUNTS):
            for *key, kept, counted in rollup.differences(campaign_id):
                lines.append(
                    f"campaign {campaign_id} {rollup.table} {' '.join(map(str, key))}:"
                    f" {', '.join(rollup.columns)}: rollup {kept or 'none'}, rows {counted or 'none'}"
                )
    return lines


def read(
    campaign: Campaign, units: Iterable[Unit], today: date, *, first: date | None = None, last: date | None = None
) -> dict[str, Facts]:
    """Return unit code → its facts as of `today`, for each of `units` that has rollups and each unit above it.

    Of the days from `first` to `last`, both included; None: no limit. Two queries at any size. `units`: those of the
    campaign's district.
    """
    codes = {unit.pk: unit.code for unit in units}
    rosters = RosterCount.objects.filter(campaign=campaign).values_list("unit_id", *ROSTER_COLUMNS)
    columns = {f"sum_{name}": Sum(name) for name in DAY_COLUMNS if name != "open_due"}
    columns["overdue"] = Sum("open_due", filter=Q(day__lt=today), default=0)
    columns["not_due"] = Sum("open_due", filter=Q(day__gte=today), default=0)
    counted = DayCount.objects.filter(campaign=campaign)
    if first is not None:
        counted = counted.filter(day__gte=first)
    if last is not None:
        counted = counted.filter(day__lte=last)
    days = counted.values("unit_id").annotate(**columns)
    # plain lists until the end: a district has 400 villages, each counting at three levels
    names = (*ROSTER_COLUMNS, *(name.removeprefix("sum_") for name in columns))
    totals: dict[str, list[int]] = {}
    for start, rows in ((0, rosters), (len(ROSTER_COLUMNS), days.values_list("unit_id", *columns))):
        for unit_id, *counts in rows:
            for code in levels(codes.get(unit_id, "")):
                total = totals.setdefault(code, [0] * len(names))
                for position, count in enumerate(counts, start):
                    total[position] += count
    return {code: Facts(**dict(zip(names, total, strict=True))) for code, total in totals.items()}


def levels(code: str) -> set[str]:
    """Return the codes of the unit and the units above it; a department stands in no township."""
    if not code:
        return set()
    return {code[:6], code} if "D" in code else {code[:6], code[:9], code}


def counted_at() -> datetime | None:
    """Return the moment up to which the rollups hold everything; None before the first count."""
    return Freshness.objects.values_list("counted_at", flat=True).first()
