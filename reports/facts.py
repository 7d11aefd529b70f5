"""Counted facts: the rollups kept from the dirty log, their recount from the rows, and their reading by unit.

The invariant, true in every snapshot of the database: where a rollup differs from a count of the rows, the log names
the unit and day. `differences` checks just that, so it may run while people work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, Sum
from django.utils import timezone

from issues import workflow
from outreach.models import Campaign, Unit
from reports import cases
from reports.days import DAY_COLUMNS, DAYS, REPEAT_COLUMNS, REPEATS, ROSTER, ROSTER_COLUMNS, TOUCHED_HOUSEHOLDS
from reports.indicators import Facts
from reports.models import DayCount, DirtyCase, DirtyDay, Freshness, RosterCount

# One recount at a time, whatever the number of workers.
RECOUNT_LOCK = 4_399_021

# No longer anybody's to be late with, and not done either: stopped from above, reported upward, merged, not taken up.
ASIDE_STATES = tuple(
    state for state in workflow.State if state not in (*workflow.RUNNING_STATES, *workflow.REVIEW_STATES, "closed")
)


@dataclass(frozen=True)
class _Rollup:
    """A rollup table: the query that counts it from the rows, the columns of its key and of its counts. `asked`: the
    part of the key by which the log names what to count again; `logged`: which keys it names, as unit_id and day."""

    table: str
    query: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    logged: str
    asked: tuple[str, ...] = ("unit_id", "day")

    def write(self, campaign: Campaign, keys: Collection[tuple[Any, ...]] | None) -> None:
        """Count the campaign's `keys` (None: all of them) from the rows and bring the table in line."""
        asked, key = ", ".join(self.asked), ", ".join(self.key)
        arrays = ", ".join(
            "%(key_units)s::bigint[]" if name == "unit_id" else "%(key_days)s::date[]" for name in self.asked
        )
        is_asked = " AND ".join(f"old.{name} = asked.{name}" for name in self.asked)
        is_counted = " AND ".join(f"old.{name} = counted.{name}" for name in self.key)
        sql = f"""
            WITH asked AS MATERIALIZED (SELECT * FROM unnest({arrays}) asked ({asked})),
            counted AS MATERIALIZED (
                SELECT counted.* FROM ({self.query}) counted
                WHERE %(everything)s OR ({asked}) IN (SELECT {asked} FROM asked)
            ),
            gone AS (
                DELETE FROM {self.table} old
                WHERE old.campaign_id = %(campaign)s
                  AND (%(everything)s OR EXISTS (SELECT FROM asked WHERE {is_asked}))
                  AND NOT EXISTS (SELECT FROM counted WHERE {is_counted})
            )
            INSERT INTO {self.table} AS old (campaign_id, {key}, {", ".join(self.columns)})
            SELECT %(campaign)s, {key}, {", ".join(self.columns)} FROM counted
            ON CONFLICT (campaign_id, {key}) DO UPDATE
            SET {", ".join(f"{name} = excluded.{name}" for name in self.columns)}
            WHERE ({", ".join(f"old.{name}" for name in self.columns)})
                IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in self.columns)})
        """
        with connection.cursor() as cursor:
            cursor.execute(sql, _parameters(campaign, keys))

    def differences(self, campaign: Campaign) -> list[tuple[Any, ...]]:
        """Return (key …, rollup's counts or None, rows' counts or None) for each key that differs and is not in the
        log. One statement, so one snapshot."""
        key, counts = ", ".join(self.key), ", ".join(self.columns)
        named = " AND ".join(f"log.{name} = differs.{name}" for name in self.asked)
        sql = f"""
            WITH kept AS (SELECT {key}, ARRAY[{counts}]::bigint[] AS kept FROM {self.table}
                          WHERE campaign_id = %(campaign)s),
            counted AS (SELECT {key}, ARRAY[{counts}]::bigint[] AS counted FROM ({self.query}) live),
            log AS MATERIALIZED ({self.logged.format(which="true")})
            SELECT {key}, kept, counted FROM (
                SELECT {key}, kept, counted FROM kept FULL JOIN counted USING ({key})
                WHERE kept IS DISTINCT FROM counted
            ) differs
            WHERE NOT EXISTS (SELECT FROM log WHERE log.campaign_id = %(campaign)s AND {named})
            ORDER BY {key}
        """
        with connection.cursor() as cursor:
            cursor.execute(sql, _parameters(campaign, None))
            return cursor.fetchall()


_LOGGED_DAYS = "SELECT campaign_id, unit_id, day FROM reports_dirtyday WHERE day IS NOT NULL"
ROSTERS = _Rollup(
    "reports_rostercount",
    ROSTER,
    ("unit_id",),
    tuple(ROSTER_COLUMNS),
    "SELECT campaign_id, unit_id FROM reports_dirtyday WHERE day IS NULL",
    asked=("unit_id",),
)
DAY_COUNTS = _Rollup(
    "reports_daycount", DAYS, ("unit_id", "day"), DAY_COLUMNS, f"{_LOGGED_DAYS} UNION {TOUCHED_HOUSEHOLDS}"
)
REPEAT_COUNTS = _Rollup(
    "reports_repeatcount",
    REPEATS,
    ("unit_id", "day", "before"),
    REPEAT_COLUMNS,
    f"{_LOGGED_DAYS} UNION {TOUCHED_HOUSEHOLDS}",
)
CASE_COUNTS = _Rollup(
    "reports_casecount", cases.query(), ("side", "unit_id", "day"), cases.COLUMNS, cases.TOUCHED
)
ROLLUPS = (ROSTERS, DAY_COUNTS, REPEAT_COUNTS, CASE_COUNTS)


def _parameters(campaign: Campaign, keys: Collection[tuple[Any, ...]] | None) -> dict[str, Any]:
    days = sorted({key[1] for key in keys or () if len(key) > 1})
    return {
        "campaign": campaign.pk,
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
        **cases.workdays(campaign),
    }


def refresh(limit: int = 100_000) -> int | None:
    """Take up to `limit` entries of each log, oldest first, and count what they name again from the rows.

    Returns the largest number of entries taken from one log, or None where another worker is at it. Safe to run twice
    and in parallel: the entries go in the transaction that wrote their counts, and what is logged meanwhile stays for
    the next time.
    """
    # taken before the log is read: what was committed by now is in the log, or counted already
    began = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [RECOUNT_LOCK])
        if not cursor.fetchone()[0]:
            return None
        # Each later statement sees at least what these saw, so the rows behind every entry taken here.
        taken = []
        for table in ("reports_dirtyday", "reports_dirtycase"):
            cursor.execute(f"SELECT id FROM {table} ORDER BY id LIMIT %s", [limit])
            taken.append([pk for (pk,) in cursor.fetchall()])
        days, touched = taken
        campaigns = {campaign.pk: campaign for campaign in Campaign.objects.all()}
        for rollup in ROLLUPS if days or touched else ():
            for campaign_id, keys in sorted(_logged(rollup, days, touched).items()):
                # what is left of a campaign that was deleted went with it
                if campaign_id in campaigns:
                    rollup.write(campaigns[campaign_id], sorted(keys))
        for table, ids in zip(("reports_dirtyday", "reports_dirtycase"), taken, strict=True):
            cursor.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [ids])
        if max(map(len, taken)) < limit:
            _set_fresh(began)
    return max(map(len, taken))


def _logged(rollup: _Rollup, days: list[int], touched: list[int]) -> dict[int, set[tuple[Any, ...]]]:
    """Return campaign → keys that the entries of the two logs, by id, name in a rollup."""
    sql = rollup.logged.replace("FROM reports_dirtyday WHERE", "FROM reports_dirtyday WHERE id = ANY(%(days)s) AND")
    with connection.cursor() as cursor:
        cursor.execute(sql.format(which="id = ANY(%(touched)s)"), {"days": days, "touched": touched})
        keys: dict[int, set[tuple[Any, ...]]] = defaultdict(set)
        for campaign_id, *key in cursor.fetchall():
            keys[campaign_id].add(tuple(key))
    return keys


def recount_all(campaign: Campaign | None = None) -> None:
    """Count one campaign, or every campaign, again from the rows; waits for a refresh that is running."""
    began = timezone.now()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RECOUNT_LOCK])
        log = DirtyDay.objects.all() if campaign is None else DirtyDay.objects.filter(campaign_id=campaign.pk)
        log.delete()
        if campaign is None:  # an issue's entry may concern two campaigns
            DirtyCase.objects.all().delete()
        for each in _campaigns(campaign):
            for rollup in ROLLUPS:
                rollup.write(each, None)
        if not DirtyDay.objects.exists() and not DirtyCase.objects.exists():
            _set_fresh(began)


def _campaigns(campaign: Campaign | None) -> list[Campaign]:
    return [campaign] if campaign is not None else list(Campaign.objects.order_by("pk"))


def _set_fresh(moment: datetime) -> None:
    Freshness.objects.update_or_create(pk=1, defaults={"counted_at": moment})


def differences(campaign: Campaign | None = None) -> list[str]:
    """Return a line for every rollup that differs from a count of the rows, though the log does not name it."""
    lines = []
    for each in _campaigns(campaign):
        for rollup in ROLLUPS:
            for *key, kept, counted in rollup.differences(each):
                lines.append(
                    f"campaign {each.pk} {rollup.table} {' '.join(map(str, key))}:"
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
    """Return the codes of the unit and the units above it: the district, a township or department, its village or office."""
    return {code[:6], code[:9], code} if code else set()


def counted_at() -> datetime | None:
    """Return the moment up to which the rollups hold everything; None before the first count."""
    return Freshness.objects.values_list("counted_at", flat=True).first()
