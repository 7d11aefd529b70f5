"""Counted facts: the rollups kept from the dirty log, their recount from the rows, and their reading by unit.

The invariant, true in every snapshot of the database: where a rollup differs from a count of the rows, the log names
the unit and day. `differences` checks just that, so it may run while people work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, Sum
from django.utils import timezone

from issues import workflow
from outreach.calendar import overrides
from outreach.models import Campaign, Unit
from reports import cases
from reports.days import (
    DAY_COLUMNS,
    DAYS,
    REPEAT_COLUMNS,
    REPEATS,
    ROSTER,
    ROSTER_COLUMNS,
    TOUCHED_DAYS,
    TOUCHED_REPEATS,
)
from reports.indicators import COUNTS, Facts
from reports.models import CaseCount, DayCount, DirtyCase, DirtyDay, Freshness, RepeatCount, RosterCount

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
DAY_COUNTS = _Rollup("reports_daycount", DAYS, ("unit_id", "day"), DAY_COLUMNS, f"{_LOGGED_DAYS} UNION {TOUCHED_DAYS}")
REPEAT_COUNTS = _Rollup(
    "reports_repeatcount",
    REPEATS,
    ("unit_id", "day", "before"),
    REPEAT_COLUMNS,
    f"{_LOGGED_DAYS} UNION {TOUCHED_REPEATS}",
)
CASE_COUNTS = _Rollup("reports_casecount", cases.query(), ("side", "unit_id", "day"), cases.COLUMNS, cases.TOUCHED)
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
        if days or touched:
            Freshness.objects.update(changed_at=timezone.now())
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
        Freshness.objects.update(changed_at=timezone.now())


def _campaigns(campaign: Campaign | None) -> list[Campaign]:
    return [campaign] if campaign is not None else list(Campaign.objects.order_by("pk"))


def _set_fresh(moment: datetime) -> None:
    Freshness.objects.update_or_create(pk=1, defaults={"counted_at": moment})


def differences(campaign: Campaign | None = None) -> list[str]:
    """Return a line for every rollup that differs from a count of the rows, though the log does not name it."""
    lines = []
    for each in _campaigns(campaign):
        for rollup in ROLLUPS:
            nothing = [0] * len(rollup.columns)
            for *key, kept, counted in rollup.differences(each):
                differing = [
                    f"{column} {has} in the rollup, {should} in the rows"
                    for column, has, should in zip(rollup.columns, kept or nothing, counted or nothing, strict=True)
                    if has != should
                ]
                lines.append(
                    f"campaign {each.pk} {rollup.table} {' '.join(map(str, key))}: "
                    + (", ".join(differing) or "nothing there to count")
                )
    return lines


# what is read of DayCount: a period's own meetings take the place of the counted visits (see read)
_DAY_NAMES = tuple(
    name for name in DAY_COLUMNS if not name.startswith("seen") and name not in ("make_up_due", "open_due")
)
_IN_PERIOD = {"covered": "seen", "met": "seen_finished", "priority_covered": "seen_priority"}


def read(
    campaign: Campaign, units: Iterable[Unit], today: date, *, first: date | None = None, last: date | None = None
) -> dict[str, Facts]:
    """Return unit code → its facts as of `today`, for each of `units` that has rollups and each unit above it.

    Of the days from `first` to `last`, both included; None: no limit. Since the campaign began a household is covered
    by its counted visit; in a period that begins later, by any meeting in it that counts, be it the first or not: each
    household once. Two queries at any size, three for a period. `units`: those of the campaign's district.
    """
    codes = {unit.pk: unit.code for unit in units}
    totals = _Totals(codes, COUNTS)
    rosters = RosterCount.objects.filter(campaign=campaign)
    totals.add(rosters.values_list("unit_id", *ROSTER_COLUMNS), tuple(ROSTER_COLUMNS))
    columns = {f"sum_{name}": Sum(name if first is None else _IN_PERIOD.get(name, name)) for name in _DAY_NAMES}
    columns["overdue"] = Sum("open_due", filter=Q(day__lt=today), default=0)
    columns["not_due"] = Sum("open_due", filter=Q(day__gte=today), default=0)
    columns["make_up_overdue"] = Sum("make_up_due", filter=Q(day__lt=today), default=0)
    days = DayCount.objects.filter(campaign=campaign).filter(_days("day", first, last)).values("unit_id")
    names = tuple(name.removeprefix("sum_") for name in columns)
    totals.add(days.annotate(**columns).values_list("unit_id", *columns), names)
    if first is not None:
        repeats = RepeatCount.objects.filter(campaign=campaign, before__gte=first).filter(_days("day", first, last))
        again = {f"again_{name}": Sum(name) for name in _IN_PERIOD.values()}
        counted = repeats.values("unit_id").annotate(**again).values_list("unit_id", *again)
        totals.add(counted, tuple(_IN_PERIOD), sign=-1)
    named: dict[str, dict[str, Any]] = {
        code: dict(zip(COUNTS, total, strict=True)) for code, total in totals.found.items()
    }
    return {code: Facts(**total) for code, total in named.items()}


def read_cases(
    campaign: Campaign, units: Iterable[Unit], today: date, *, first: date | None, last: date | None
) -> dict[cases.Side, dict[str, dict[str, int]]]:
    """Return side → unit code → the sums of cases.SUMS; units, period and units above as in `read`. Two queries."""
    table = overrides()
    columns = {}
    for key, each in cases.SUMS.items():
        until = each.until(today, table) if each.until else None
        due = None if until is None else Q(day__lte=until)
        columns[f"sum_{key}"] = Sum(each.column, filter=due, default=0)
    names = tuple(cases.SUMS)
    codes = {unit.pk: unit.code for unit in units}
    totals = {side: _Totals(codes, names) for side in cases.Side}
    rows = CaseCount.objects.filter(campaign=campaign).filter(_days("day", first, last)).values("side", "unit_id")
    for side, *row in rows.annotate(**columns).values_list("side", "unit_id", *columns):
        totals[cases.Side(side)].add([row], names)
    return {
        side: {code: dict(zip(names, total, strict=True)) for code, total in each.found.items()}
        for side, each in totals.items()
    }


def _days(column: str, first: date | None, last: date | None) -> Q:
    found = Q() if first is None else Q(**{f"{column}__gte": first})
    return found if last is None else found & Q(**{f"{column}__lte": last})


class _Totals:
    """Sums by unit code and level. Plain lists: a district has 400 villages, each counting at three levels."""

    def __init__(self, codes: Mapping[int, str], names: Sequence[str]) -> None:
        self.found: dict[str, list[int]] = {}
        self._levels = {pk: levels(code) for pk, code in codes.items()}
        self._positions = {name: position for position, name in enumerate(names)}

    def add(self, rows: Iterable[Sequence[int]], names: Sequence[str], sign: int = 1) -> None:
        """Add (or take off) rows of unit id and the counts of `names`."""
        positions = [self._positions[name] for name in names]
        for unit_id, *counts in rows:
            for code in self._levels.get(unit_id, ()):
                total = self.found.get(code)
                if total is None:
                    total = self.found[code] = [0] * len(self._positions)
                for position, count in zip(positions, counts, strict=True):
                    total[position] += sign * count


def levels(code: str) -> set[str]:
    """Return the codes of the unit and those above it: the district, a township or department, a village or office."""
    return {code[:6], code[:9], code} if code else set()


def counted_at() -> datetime | None:
    """Return the moment up to which the rollups hold everything; None before the first count."""
    return Freshness.objects.values_list("counted_at", flat=True).first()
