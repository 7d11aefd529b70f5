"""What is counted of households, visits and places, as SQL: the roster, a place's day, and households seen again.

Refresh, recount and check read these with other filters; see facts.py for the parameters. A household counts as long as
it is on the roster: one verified empty or moved leaves the numerator together with the denominator.
"""

from __future__ import annotations

from reports.cases import local_day
from visits.attempts import MET_OUTCOMES, State

ON_ROSTER = "assignment.state <> 'off_roster' AND household.roster_state = 'in_residence'"
DUTIES = """visits_assignment assignment JOIN households_household household ON household.id = assignment.household_id
    WHERE assignment.campaign_id = %(campaign)s"""

ROSTER_COLUMNS = {
    "households": "true",
    "off_roster": f"NOT ({ON_ROSTER})",
    "priority": f"{ON_ROSTER} AND household.priority > 0",
    "unreachable": f"{ON_ROSTER} AND assignment.state = 'unreachable'",
}
ROSTER = f"""
    SELECT household.village_id AS unit_id,
           {", ".join(f"count(*) FILTER (WHERE {sql}) AS {name}" for name, sql in ROSTER_COLUMNS.items())}
    FROM {DUTIES} AND (%(everything)s OR household.village_id = ANY(%(units)s::bigint[]))
    GROUP BY household.village_id
"""


def within_days(moment: str) -> str:
    """Return the condition on a moment: the range serves the index, the set is exact."""
    return f"""({moment} >= %(first_day)s::date::timestamp AT TIME ZONE 'Asia/Shanghai'
        AND {moment} < (%(last_day)s::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
        AND {local_day(moment)} = ANY(%(days)s::date[]))"""


def _part(unit: str, day: str, counts: dict[str, str], source: str, within: str) -> str:
    columns = ", ".join(f"{counts.get(name, '0')} AS {name}" for name in DAY_COLUMNS)
    return f"""SELECT {unit} AS unit_id, {day} AS day, {columns} FROM {source}
        AND (%(everything)s OR ({unit} = ANY(%(units)s::bigint[]) AND {within})) GROUP BY 1, 2"""


def _count(condition: str) -> str:
    return f"count(*) FILTER (WHERE {condition})"


# gone to again and settled: tried more than once, and nothing more to be done at the door
SETTLED_AGAIN = "assignment.attempts >= 2 AND assignment.state NOT IN ('to_visit', 'make_up')"
ON_LAST_DAY = local_day("assignment.last_visit_at")

# A household's days with a meeting that counts by the standard of its moment, each with the day before it that had one.
# `finished`: the same of meetings where the talk was finished, among themselves.
VALID = f"""visit.outcome = ANY(coalesce(standard.counted_outcomes,
    ARRAY[{", ".join(f"'{outcome}'" for outcome in sorted(MET_OUTCOMES))}]::varchar[]))"""
# Of a recount of some days: the households met on them (`near`), with all their meetings.
MEETINGS = f"""(
    SELECT meeting.household_id, meeting.village_id, meeting.is_priority, meeting.day, kind.name AS kind,
           lag(meeting.day) OVER (PARTITION BY kind.name, meeting.household_id ORDER BY meeting.day) AS before
    FROM (
        SELECT visit.household_id, household.village_id, household.priority > 0 AS is_priority,
               {local_day("visit.visited_at")} AS day, bool_or(visit.outcome = 'met') AS is_finished
        FROM visits_visit visit
        JOIN visits_assignment assignment
            ON assignment.campaign_id = visit.campaign_id AND assignment.household_id = visit.household_id
        JOIN households_household household ON household.id = visit.household_id
        LEFT JOIN visits_visitstandard standard ON standard.id = visit.standard_id
        WHERE visit.campaign_id = %(campaign)s AND {ON_ROSTER} AND {VALID}
          AND (%(everything)s OR visit.household_id IN (
              SELECT near.household_id FROM visits_visit near
              JOIN households_household home ON home.id = near.household_id
              WHERE near.campaign_id = %(campaign)s AND near.outcome IN ('met', 'partly_met')
                AND home.village_id = ANY(%(units)s::bigint[])
                AND {within_days("near.visited_at")}))
        GROUP BY 1, 2, 3, 4
    ) meeting
    JOIN (VALUES ('seen'), ('finished')) kind (name) ON kind.name = 'seen' OR meeting.is_finished
) meeting"""

DAY_COLUMNS = (
    "covered",
    "met",
    "priority_covered",
    "seen",
    "seen_finished",
    "seen_priority",
    "make_up_done",
    "make_up_due",
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
_PARTS = (
    _part(
        "household.village_id",
        "assignment.covered_on",
        {
            "covered": "count(*)",
            "met": _count("assignment.state = 'met'"),
            "priority_covered": _count("household.priority > 0"),
        },
        f"{DUTIES} AND assignment.covered_on IS NOT NULL AND {ON_ROSTER}",
        "assignment.covered_on = ANY(%(days)s::date[])",
    ),
    _part(
        "household.village_id",
        local_day("visit.visited_at"),
        {
            "seen": "count(DISTINCT visit.household_id)",
            "seen_finished": "count(DISTINCT visit.household_id) FILTER (WHERE visit.outcome = 'met')",
            "seen_priority": "count(DISTINCT visit.household_id) FILTER (WHERE household.priority > 0)",
        },
        f"""visits_visit visit
        JOIN visits_assignment assignment
            ON assignment.campaign_id = visit.campaign_id AND assignment.household_id = visit.household_id
        JOIN households_household household ON household.id = visit.household_id
        LEFT JOIN visits_visitstandard standard ON standard.id = visit.standard_id
        WHERE visit.campaign_id = %(campaign)s AND {ON_ROSTER} AND {VALID}""",
        within_days("visit.visited_at"),
    ),
    _part(
        "household.village_id",
        ON_LAST_DAY,
        {"make_up_done": "count(*)"},
        f"{DUTIES} AND {SETTLED_AGAIN} AND assignment.last_visit_at IS NOT NULL AND {ON_ROSTER}",
        within_days("assignment.last_visit_at"),
    ),
    _part(
        "household.village_id",
        "assignment.due_on",
        {"make_up_due": "count(*)"},
        f"{DUTIES} AND assignment.state = '{State.MAKE_UP}' AND {ON_ROSTER}",
        "assignment.due_on = ANY(%(days)s::date[])",
    ),
    _part(
        "household.village_id",
        local_day("visit.visited_at"),
        {"visits": "count(*)"},
        "visits_visit visit JOIN households_household household ON household.id = visit.household_id"
        " WHERE visit.campaign_id = %(campaign)s",
        within_days("visit.visited_at"),
    ),
    _part(
        "issue.place_id",
        local_day("issue.recorded_at"),
        {"issues_raised": "count(*)"},
        "issues_issue issue WHERE issue.campaign_id = %(campaign)s",
        within_days("issue.recorded_at"),
    ),
    _part(
        "issue.place_id",
        local_day("issue.done_at"),
        {
            "issues_solved": _count("issue.state = 'closed' AND issue.outcome = 'solved'"),
            "issues_explained": _count("issue.state = 'closed' AND issue.outcome = 'explained'"),
            "issues_not_accepted": _count("issue.state = 'closed' AND issue.outcome = 'not_accepted'"),
            "issues_otherwise": _count(
                "issue.state = 'closed' AND issue.outcome NOT IN ('solved', 'explained', 'not_accepted')"
            ),
            "issues_in_review": _count("issue.state = ANY(%(review_states)s)"),
        },
        "issues_issue issue WHERE issue.campaign_id = %(campaign)s AND issue.done_at IS NOT NULL",
        within_days("issue.done_at"),
    ),
    _part(
        "issue.place_id",
        "issue.due_on",
        {
            "issues_set_aside": _count("issue.state = ANY(%(aside_states)s)"),
            "open_due": _count("issue.state = ANY(%(running_states)s)"),
        },
        "issues_issue issue WHERE issue.campaign_id = %(campaign)s"
        " AND issue.state = ANY(%(running_states)s || %(aside_states)s)",
        "issue.due_on = ANY(%(days)s::date[])",
    ),
)
DAYS = f"""
    SELECT unit_id, day, {", ".join(f"sum({name}) AS {name}" for name in DAY_COLUMNS)}
    FROM ({" UNION ALL ".join(_PARTS)}) part
    GROUP BY unit_id, day
"""

# Households met on a day that had been met on a day before: what a sum of days counts twice, where both lie within it.
REPEAT_COLUMNS = ("seen", "seen_finished", "seen_priority")
REPEATS = f"""
    SELECT meeting.village_id AS unit_id, meeting.day, meeting.before,
           {_count("meeting.kind = 'seen'")} AS seen, {_count("meeting.kind = 'finished'")} AS seen_finished,
           {_count("meeting.kind = 'seen' AND meeting.is_priority")} AS seen_priority
    FROM {MEETINGS}
    WHERE meeting.before IS NOT NULL
      AND (%(everything)s OR (meeting.village_id = ANY(%(units)s::bigint[]) AND meeting.day = ANY(%(days)s::date[])))
    GROUP BY 1, 2, 3
"""


# The days on which a household counts otherwise than before: those logged; all its meetings where its duty came onto
# the roster or left it (an entry without days).
def _touched(meetings: str, keys: str) -> str:
    """Return SQL for campaign, village and day of what the entries {which} name: `keys` of them and their meetings."""
    return f"""(
    WITH logged AS MATERIALIZED (
        SELECT campaign_id, household_id, days FROM reports_dirtycase WHERE household_id IS NOT NULL AND {{which}}),
    meeting AS MATERIALIZED (
        SELECT logged.campaign_id, logged.household_id, logged.days, visit.outcome,
               {local_day("visit.visited_at")} AS day
        FROM logged JOIN visits_visit visit USING (campaign_id, household_id)
        LEFT JOIN visits_visitstandard standard ON standard.id = visit.standard_id
        WHERE {VALID} AND {meetings}),
    key AS (
        SELECT campaign_id, household_id, unnest(days) AS day FROM logged
        UNION SELECT campaign_id, household_id, day FROM meeting WHERE cardinality(days) = 0
        {keys})
    SELECT key.campaign_id, household.village_id AS unit_id, key.day
    FROM key JOIN households_household household ON household.id = key.household_id)"""


def _next(kind: str) -> str:
    return f"""UNION SELECT meeting.campaign_id, meeting.household_id, min(meeting.day)
        FROM meeting CROSS JOIN LATERAL unnest(meeting.days) changed (day)
        WHERE meeting.day > changed.day AND {kind}
        GROUP BY meeting.campaign_id, meeting.household_id, changed.day"""


TOUCHED_DAYS = _touched("cardinality(logged.days) = 0", "")
# And the next meeting after each, and the next where the talk was finished: the day before it is another one now.
TOUCHED_REPEATS = _touched("true", f"{_next('true')} " + _next("meeting.outcome = 'met'"))
