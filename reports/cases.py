"""What is counted of issues, one definition for each figure: the rollup sums it, and the rows behind it are read by it.

A case is one row of some table that says something of an issue: that it was sent to a unit, reported done, asked about.
Each case has a place (where the issue arose), a holder (the unit it is charged to) and a day; so every figure is kept
twice, by place and by holder. Lateness is that of issues/clock.py: a unit is late where it held the issue, the clock
running, on a working day after the due day, which an approved extension moves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import IntEnum
from functools import cache
from typing import Any

from django.db.models import Q
from django.db.models.expressions import RawSQL

from issues import workflow
from outreach import calendar
from outreach.models import Campaign

SIGN_WORKDAYS = 1
HELP_WORKDAYS = 5
ANSWER_WORKDAYS = 3


class Side(IntEnum):
    """By which unit a case is counted."""

    PLACE = 1
    HOLDER = 2


def local_day(moment: str) -> str:
    """Return SQL for the district's day of a moment."""
    return f"({moment} AT TIME ZONE 'Asia/Shanghai')::date"


def number_of(day: str) -> str:
    """Return SQL for the number of the last working day up to `day`: a difference of two counts working days."""
    return f"cal.n[({day}) - cal.base + 1]"


# the working days' numbers, day by day from `base` on: a table in the statement, as the calendar's package is no table
CALENDAR = "(SELECT %(workdays)s::int[] AS n, %(workdays_from)s::date AS base) cal"

# an issue's running stretches, each with the days that are its own: who hands an issue on gives the day away
STRETCHES = f"""(
    SELECT stretch.unit_id, {local_day("stretch.started_at")} AS first_day,
           least({local_day("stretch.ended_at")},
                 lead({local_day("stretch.started_at")}) OVER (ORDER BY stretch.started_at, stretch.id) - 1) AS last_day
    FROM issues_issuesegment stretch WHERE stretch.issue_id = issue.id AND stretch.kind = 'running'
) own"""
IS_LATE = f"{number_of('own.last_day')} > {number_of('greatest(issue.due_on, own.first_day - 1)')}"

# who had reported the result that was asked about
REVIEWED = """(
    SELECT review.unit_id FROM issues_issuesegment review
    WHERE review.issue_id = issue.id AND review.kind = 'reviewing' AND review.started_at <= {moment}
    ORDER BY review.started_at DESC, review.id DESC LIMIT 1
)"""

REDO_MOVES = ("redo", "redo_up")
RETURN_MOVES = ("return", "appeal")


@dataclass(frozen=True)
class Part:
    """One kind of case: FROM and WHERE in `source`, the unit it is charged to in `holder`; SQL throughout.

    `moment` is the timestamp of which the day is taken, or `day` a date. `columns` name the figures: which cases each
    counts, as a condition; where it differs by side, a pair (by place, by holder).
    """

    holder: str
    source: str
    columns: Mapping[str, str | tuple[str, str]]
    moment: str = ""
    day: str = ""

    @property
    def day_sql(self) -> str:
        """The case's day."""
        return self.day or local_day(self.moment)

    def unit_sql(self, side: Side) -> str:
        """The unit it is counted by."""
        return "issue.place_id" if side == Side.PLACE else self.holder

    def condition(self, column: str, side: Side) -> str:
        """Which of the cases a figure counts."""
        found = self.columns[column]
        return found if isinstance(found, str) else found[side - 1]

    def within_days(self) -> str:
        """The condition of a recount of some days: the range serves an index, the set is exact."""
        exact = f"{self.day_sql} = ANY(%(days)s::date[])"
        if self.day:
            return exact
        return (
            f"{self.moment} >= %(first_day)s::date::timestamp AT TIME ZONE 'Asia/Shanghai'"
            f" AND {self.moment} < (%(last_day)s::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' AND {exact}"
        )


def _running(alias: str = "issue") -> str:
    return f"{alias}.state IN ({_listed(workflow.RUNNING_STATES)})"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


PARTS = (
    # sent to a unit, and signed for by it or sent back within a working day
    Part(
        holder="event.to_unit_id",
        moment="event.at",
        source=f"""issues_issueevent event JOIN issues_issue issue ON issue.id = event.issue_id CROSS JOIN {CALENDAR}
            LEFT JOIN LATERAL (
                SELECT later.move, {local_day("later.at")} AS day FROM issues_issueevent later
                WHERE later.issue_id = event.issue_id AND later.seq > event.seq AND later.from_state = 'assigned'
                  AND (later.to_state <> 'assigned' OR later.to_unit_id <> event.to_unit_id)
                ORDER BY later.seq LIMIT 1
            ) answer ON true
            WHERE event.to_state = 'assigned'
              AND (event.from_state <> 'assigned' OR event.from_unit_id IS DISTINCT FROM event.to_unit_id)""",
        columns={
            "received": "true",
            "signed_in_time": f"answer.move IN ('accept', {_listed(RETURN_MOVES)})"
            f" AND {number_of('answer.day')} - {number_of(local_day('event.at'))} <= {SIGN_WORKDAYS}",
            "signed_late": f"answer.move IN ('accept', {_listed(RETURN_MOVES)})"
            f" AND {number_of('answer.day')} - {number_of(local_day('event.at'))} > {SIGN_WORKDAYS}",
            "unsigned": "answer.move IS NULL",
        },
    ),
    # sent back as not mine; wrongly where it was sent to the same unit again
    Part(
        holder="event.from_unit_id",
        moment="event.at",
        source=f"""issues_issueevent event JOIN issues_issue issue ON issue.id = event.issue_id
            LEFT JOIN LATERAL (
                SELECT later.to_unit_id FROM issues_issueevent later
                WHERE later.issue_id = event.issue_id AND later.seq > event.seq AND later.to_state = 'assigned'
                ORDER BY later.seq LIMIT 1
            ) again ON true
            WHERE event.move IN ({_listed(RETURN_MOVES)})""",
        columns={"returned": "true", "returned_wrongly": "again.to_unit_id = event.from_unit_id"},
    ),
    # each time it was reported done, and whether that was undone later
    Part(
        holder="event.from_unit_id",
        moment="event.at",
        source=f"""issues_issueevent event JOIN issues_issue issue ON issue.id = event.issue_id
            LEFT JOIN LATERAL (
                SELECT later.move FROM issues_issueevent later
                WHERE later.issue_id = event.issue_id AND later.seq > event.seq
                  AND (later.move IN ({_listed(REDO_MOVES)}) OR later.to_state = 'done' AND later.from_state <> 'done')
                ORDER BY later.seq LIMIT 1
            ) next ON true
            WHERE event.to_state = 'done' AND event.from_state <> 'done'""",
        columns={"finished": "true", "redone": f"next.move IN ({_listed(REDO_MOVES)})"},
    ),
    # what stands as done, and how it ended
    Part(
        holder="issue.done_by_unit_id",
        moment="issue.done_at",
        source=f"""issues_issue issue CROSS JOIN {CALENDAR} LEFT JOIN LATERAL (
                SELECT bool_or(own.unit_id = issue.done_by_unit_id) AS by_holder, true AS by_any
                FROM {STRETCHES} WHERE {IS_LATE} HAVING count(*) > 0
            ) late ON {local_day("issue.done_at")} > issue.due_on
            WHERE issue.done_at IS NOT NULL""",
        columns={
            "done": "true",
            "done_on_time": ("late.by_any IS NULL", "late.by_holder IS NOT TRUE"),
            "ended_solved": "issue.state = 'closed' AND issue.outcome = 'solved'",
            "ended_explained": "issue.state = 'closed' AND issue.outcome = 'explained'",
            "ended_not_accepted": "issue.state = 'closed' AND issue.outcome = 'not_accepted'",
            "ended_otherwise": "issue.state = 'closed' AND issue.outcome NOT IN ('solved', 'explained',"
            " 'not_accepted')",
            "reviewed": "issue.state <> 'closed'",
            "solvable_ended": "issue.state = 'closed' AND issue.solvability = 'solvable'",
            "solvable_solved": "issue.state = 'closed' AND issue.solvability = 'solvable' AND issue.outcome = 'solved'",
        },
    ),
    # held past the due day and handed on: the unit's own lateness, whoever finished it
    Part(
        holder="passed.unit_id",
        day="issue.due_on",
        source=f"""issues_issue issue CROSS JOIN {CALENDAR} CROSS JOIN LATERAL (
                SELECT DISTINCT own.unit_id FROM {STRETCHES} WHERE {IS_LATE}
            ) passed
            WHERE (issue.done_at IS NULL OR {local_day("issue.done_at")} > issue.due_on)
              AND passed.unit_id IS DISTINCT FROM issue.done_by_unit_id
              AND NOT ({_running()} AND passed.unit_id = issue.unit_id)""",
        columns={"passed_late": ("false", "true")},
    ),
    # open with the clock running, by due day: "overdue" changes without a write
    Part(
        holder="issue.unit_id",
        day="issue.due_on",
        source=f"issues_issue issue WHERE {_running()}",
        columns={"running": "true", "solvable_running": "issue.solvability = 'solvable'"},
    ),
    # of each round of asking the resident the last valid answer, else the last attempt
    Part(
        holder=REVIEWED.format(moment="call.at"),
        moment="call.at",
        source="""issues_callback call JOIN issues_issue issue ON issue.id = call.issue_id
            WHERE NOT EXISTS (
                SELECT FROM issues_callback other
                WHERE other.issue_id = call.issue_id AND other.round = call.round AND other.id <> call.id
                  AND (other.reached = 'reached' AND (call.reached <> 'reached' OR other.id > call.id)
                       OR other.reached <> 'reached' AND call.reached <> 'reached' AND other.id > call.id)
            )""",
        columns={
            "asked": "call.reached = 'reached'",
            "said_contacted": "call.contacted",
            "said_solved": "call.solved",
            "said_content": "call.content = 'content'",
            "said_mostly": "call.content = 'mostly'",
            "said_not_content": "call.content = 'not_content'",
            "not_reached": "call.reached <> 'reached'",
        },
    ),
    # looked at again a month or three later
    Part(
        holder=REVIEWED.format(moment="look.closed_at"),
        moment="look.done_at",
        source="""issues_lookback look JOIN issues_issue issue ON issue.id = look.issue_id
            WHERE look.result IN ('holds', 'relapsed')""",
        columns={"looked_at": "true", "held_up": "look.result = 'holds'"},
    ),
    # asked to help another unit
    Part(
        holder="help.unit_id",
        moment="help.asked_at",
        source=f"""issues_helpingunit help JOIN issues_issue issue ON issue.id = help.issue_id CROSS JOIN {CALENDAR}
            WHERE true""",
        columns={
            "help_in_time": f"{number_of(local_day('help.answered_at'))} - {number_of(local_day('help.asked_at'))}"
            f" <= {HELP_WORKDAYS}",
            "help_late": f"{number_of(local_day('help.answered_at'))} - {number_of(local_day('help.asked_at'))}"
            f" > {HELP_WORKDAYS}",
            "help_open": "help.answered_at IS NULL",
        },
    ),
    # what the resident is to hear
    Part(
        holder="told.to_unit_id",
        moment="message.made_at",
        source="""issues_residentmessage message JOIN issues_issue issue ON issue.id = message.issue_id
            JOIN issues_issueevent told ON told.id = message.event_id WHERE message.state <> 'overtaken'""",
        columns={
            "answered": "message.state IN ('sent', 'told')",
            "unanswered": "message.state NOT IN ('sent', 'told')",
        },
    ),
)
COLUMNS = tuple(column for part in PARTS for column in part.columns)
PART_OF = {column: part for part in PARTS for column in part.columns}


def query() -> str:
    """Return the SQL that counts a campaign's cases: side, unit_id, day and COLUMNS. For parameters see facts.py."""
    sums = ", ".join(f"sum({column}) AS {column}" for column in COLUMNS)
    union = "\nUNION ALL\n".join(map(_counted, PARTS))
    return f"SELECT side, unit_id, day, {sums} FROM ({union}) part GROUP BY side, unit_id, day"


def _counted(part: Part) -> str:
    """Return the SQL that counts the cases of a part, each by its place and by its holder: in one reading of the rows,
    which is what takes time."""
    found, counts = [], []
    for column in COLUMNS:
        if column not in part.columns:
            counts.append(f"0 AS {column}")
            continue
        sides = {int(side): part.condition(column, side) for side in Side}
        if len(set(sides.values())) == 1:
            found.append(f"({sides[1]}) AS {column}")
            counts.append(f"count(*) FILTER (WHERE counted.{column}) AS {column}")
        else:
            found += [f"({condition}) AS {column}_{side}" for side, condition in sides.items()]
            by_side = f"CASE side.side WHEN 1 THEN counted.{column}_1 ELSE counted.{column}_2 END"
            counts.append(f"count(*) FILTER (WHERE {by_side}) AS {column}")
    return f"""
        SELECT side.side, side.unit_id, counted.day, {", ".join(counts)}
        FROM (
            SELECT issue.place_id AS place_id, {part.holder} AS holder_id, {part.day_sql} AS day, {", ".join(found)}
            FROM {part.source} AND issue.campaign_id = %(campaign)s AND (%(everything)s OR ({part.within_days()}
                AND (issue.place_id = ANY(%(units)s::bigint[]) OR {part.holder} = ANY(%(units)s::bigint[]))))
        ) counted
        CROSS JOIN LATERAL (
            VALUES (1::smallint, counted.place_id), (2::smallint, counted.holder_id)
        ) side (side, unit_id)
        WHERE side.unit_id IS NOT NULL AND counted.day IS NOT NULL
        GROUP BY 1, 2, 3"""


@dataclass(frozen=True)
class Sum:
    """Cases added up: those of `column`, without those that also count in `less`, whose day is not after `until`."""

    column: str
    less: str = ""
    until: Callable[[date, calendar.Overrides], date] | None = None


def _yesterday(today: date, table: calendar.Overrides) -> date:
    return today - timedelta(days=1)


def _workdays_ago(count: int) -> Callable[[date, calendar.Overrides], date]:
    return lambda today, table: calendar.more_than_workdays_ago(today, count, table)


# what is read of a unit, by key: the columns as they are, and those of which only what is due counts
SUMS: dict[str, Sum] = {
    **{column: Sum(column) for column in COLUMNS if column not in ("unsigned", "help_open", "unanswered")},
    "overdue": Sum("running", until=_yesterday),
    "solvable_overdue": Sum("solvable_running", until=_yesterday),
    "unsigned": Sum("unsigned", until=_workdays_ago(SIGN_WORKDAYS)),
    "help_overdue": Sum("help_open", until=_workdays_ago(HELP_WORKDAYS)),
    "unanswered": Sum("unanswered", until=_workdays_ago(ANSWER_WORKDAYS)),
}


def sum_of(key: str) -> Sum:
    """Return the sum of that key; "a-b" is the cases of a that are not also of b."""
    name, _, less = key.partition("-")
    return replace(SUMS[name], less=less)


def rows(
    sums: Iterable[Sum],
    side: Side,
    *,
    campaign: Campaign,
    units: Sequence[int],
    first: date | None,
    last: date | None,
    today: date,
) -> Q:
    """Return the condition on issues of which `sums` count cases, of `units` (ids) and days. An issue of two cases is
    one row."""
    table = calendar.overrides()
    found = Q(pk__in=[])
    for each in sums:
        part = PART_OF[each.column]
        until = each.until(today, table) if each.until else None
        given: dict[str, Any] = {
            "campaign": campaign.pk,
            "units": list(units),
            "first": first,
            "last": min((day for day in (last, until) if day is not None), default=None),
            **workdays(campaign),
        }
        unit, condition = part.unit_sql(side), f"({part.condition(each.column, side)})"
        if each.less:
            condition += f" AND ({part.condition(each.less, side)}) IS NOT TRUE"
        sql = (
            f"SELECT issue.id FROM {part.source} AND issue.campaign_id = %(campaign)s"
            f" AND {unit} = ANY(%(units)s::bigint[]) AND {condition} AND {part.day_sql} IS NOT NULL"
            f" AND (%(first)s::date IS NULL OR {part.day_sql} >= %(first)s::date)"
            f" AND (%(last)s::date IS NULL OR {part.day_sql} <= %(last)s::date)"
        )
        found |= Q(pk__in=RawSQL(*positional(sql, given)))
    return found


def positional(sql: str, given: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """Return the statement with its %(name)s written as %s, and the parameters in their order."""
    names = re.findall(r"%\((\w+)\)s", sql)
    return re.sub(r"%\(\w+\)s", "%s", sql), [given[name] for name in names]


def workdays(campaign: Campaign) -> dict[str, Any]:
    """Return the parameters of CALENDAR: from two years before the campaign to two years after it."""
    base = date(campaign.starts_on.year - 2, 1, 1)
    table = calendar.overrides()
    return {
        "workdays": list(_numbers(base, date(campaign.ends_on.year + 3, 1, 1), frozenset(table.items()))),
        "workdays_from": base,
    }


@cache
def _numbers(base: date, end: date, table: frozenset[tuple[date, bool]]) -> tuple[int, ...]:
    """The number of working days up to each day from `base` on; kept, as the calendar changes once a year."""
    overrides, count, numbers = dict(table), 0, []
    for n in range((end - base).days):
        count += calendar.is_workday(base + timedelta(days=n), overrides)
        numbers.append(count)
    return tuple(numbers)


# Every unit and day a logged issue counts for, or did before it changed: what the log says, and what the rows say now.
# The one is crossed with the other, so that no two changes at once can leave a count behind that neither of them saw.
TOUCHED = f"""
    WITH logged AS MATERIALIZED (SELECT issue_id, campaign_id, units, days FROM reports_dirtycase
                            WHERE issue_id IS NOT NULL AND {{which}}),
    ids AS MATERIALIZED (SELECT DISTINCT issue_id FROM logged),
    campaigns AS (
        SELECT issue_id, campaign_id FROM logged WHERE campaign_id IS NOT NULL
        UNION SELECT issue.id, issue.campaign_id FROM ids JOIN issues_issue issue ON issue.id = ids.issue_id
              WHERE issue.campaign_id IS NOT NULL
    ),
    units AS (
        SELECT issue_id, unnest(units) AS unit_id FROM logged
        UNION SELECT issue.id, unnest(ARRAY[issue.place_id, issue.unit_id, issue.done_by_unit_id])
              FROM ids JOIN issues_issue issue ON issue.id = ids.issue_id
        UNION SELECT issue_id, unit_id FROM ids JOIN issues_issuesegment stretch USING (issue_id)
        UNION SELECT issue_id, unnest(ARRAY[event.from_unit_id, event.to_unit_id])
              FROM ids JOIN issues_issueevent event USING (issue_id)
        UNION SELECT issue_id, unit_id FROM ids JOIN issues_helpingunit help USING (issue_id)
    ),
    days AS (
        SELECT issue_id, unnest(days) AS day FROM logged
        UNION SELECT issue.id, unnest(ARRAY[issue.due_on, {local_day("issue.done_at")}])
              FROM ids JOIN issues_issue issue ON issue.id = ids.issue_id
        UNION SELECT issue_id, {local_day("event.at")} FROM ids JOIN issues_issueevent event USING (issue_id)
              WHERE event.to_state IN ('assigned', 'done') OR event.move IN ({_listed(RETURN_MOVES)})
        UNION SELECT issue_id, {local_day("call.at")} FROM ids JOIN issues_callback call USING (issue_id)
        UNION SELECT issue_id, {local_day("look.done_at")} FROM ids JOIN issues_lookback look USING (issue_id)
        UNION SELECT issue_id, {local_day("help.asked_at")} FROM ids JOIN issues_helpingunit help USING (issue_id)
        UNION SELECT issue_id, {local_day("message.made_at")}
              FROM ids JOIN issues_residentmessage message USING (issue_id)
    )
    SELECT DISTINCT campaigns.campaign_id, units.unit_id, days.day
    FROM campaigns JOIN units USING (issue_id) JOIN days USING (issue_id)
    WHERE units.unit_id IS NOT NULL AND days.day IS NOT NULL
"""
