"""Triggers that note which issues and households changed, and the days of duties that the new counts need
(docs/decisions/0006-rollups.md). What the recount of a day reads by gets an index."""

from importlib import import_module

from django.db import migrations

first = import_module("reports.migrations.0002_dirty_log")
local_day = first.local_day

MEETING = "outcome IN ('met', 'partly_met')"

ASSIGNMENTS = (
    {
        "id": "id",
        "campaign_id": "campaign_id",
        "household_id": "household_id",
        "off_roster": "state = 'off_roster'",
        "unreachable": "state = 'unreachable'",
        "covered_on": "covered_on",
        "met": "state = 'met'",
        "make_up_on": "CASE WHEN state = 'make_up' THEN due_on END",
        "again_on": f"CASE WHEN attempts >= 2 AND state NOT IN ('to_visit', 'make_up') THEN"
        f" {local_day('last_visit_at')} END",
    },
    f"""
    {first.HOLD}
    {first.LOG} marked.campaign_id, marked.village_id, key.day
    FROM (
        SELECT changed.*, household.village_id, count(*) OVER (
            PARTITION BY changed.id, changed.campaign_id, changed.household_id, changed.off_roster,
            changed.unreachable) = 1 AS roster
        FROM {first.LOCATED}
    ) marked
    CROSS JOIN LATERAL (
        VALUES (NULL::date, marked.roster), (marked.covered_on, marked.covered_on IS NOT NULL),
               (marked.make_up_on, marked.make_up_on IS NOT NULL), (marked.again_on, marked.again_on IS NOT NULL)
    ) key (day, is_stale)
    WHERE key.is_stale;
    INSERT INTO reports_dirtycase (campaign_id, household_id, units, days)
    SELECT DISTINCT campaign_id, household_id, '{{{{}}}}'::bigint[], '{{{{}}}}'::date[] FROM (
        SELECT changed.*, count(*) OVER (
            PARTITION BY changed.id, changed.campaign_id, changed.household_id, changed.off_roster) = 1 AS roster
        FROM ({{changed}}) changed
    ) marked WHERE marked.roster;
""",
)

VISITS = (
    {
        "uuid": "uuid",
        "campaign_id": "campaign_id",
        "household_id": "household_id",
        "day": local_day("visited_at"),
        "outcome": "outcome",
        "standard_id": "standard_id",
    },
    f"""
    {first.HOLD}
    {first.LOG} changed.campaign_id, household.village_id, changed.day FROM {first.LOCATED}
    WHERE changed.campaign_id IS NOT NULL;
    INSERT INTO reports_dirtycase (campaign_id, household_id, units, days)
    SELECT campaign_id, household_id, '{{{{}}}}'::bigint[], array_agg(DISTINCT day) FROM ({{changed}}) changed
    WHERE campaign_id IS NOT NULL AND {MEETING} GROUP BY campaign_id, household_id;
""",
)

HOUSEHOLDS = (
    {"id": "id", "village_id": "village_id", "roster_state": "roster_state", "is_priority": "priority > 0"},
    f"""
    PERFORM 1 FROM households_household WHERE id IN (SELECT id FROM ({{changed}}) changed) ORDER BY id FOR UPDATE;
    {first.LOG} key.campaign_id, changed.village_id, key.day
    FROM ({{changed}}) changed
    JOIN (
        SELECT household_id, campaign_id, NULL::date AS day FROM visits_assignment
        UNION ALL
        SELECT household_id, campaign_id, key.day FROM visits_assignment
        CROSS JOIN LATERAL (VALUES (covered_on), (due_on), ({local_day("last_visit_at")})) key (day)
        WHERE key.day IS NOT NULL
        UNION ALL
        SELECT household_id, campaign_id, {local_day("visited_at")} FROM visits_visit WHERE campaign_id IS NOT NULL
    ) key ON key.household_id = changed.id;
""",
)


def case(units="", days="", where="true", campaign="NULL::bigint"):
    return f"""
    INSERT INTO reports_dirtycase (campaign_id, issue_id, units, days)
    SELECT {campaign}, issue_id, ARRAY[{units}]::bigint[], ARRAY[{days}]::date[] FROM ({{changed}}) changed
    WHERE {where};
"""


ISSUES = (
    {
        "issue_id": "id",
        "campaign_id": "campaign_id",
        "place_id": "place_id",
        "unit_id": "unit_id",
        "done_by_unit_id": "done_by_unit_id",
        "state": "state",
        "outcome": "outcome",
        "solvability": "solvability",
        "due_on": "due_on",
        "done_on": local_day("done_at"),
    },
    case("place_id, unit_id, done_by_unit_id", "due_on, done_on", campaign="campaign_id"),
)
SEGMENTS = (
    {
        "id": "id",
        "issue_id": "issue_id",
        "unit_id": "unit_id",
        "kind": "kind",
        "started_at": "started_at",
        "ended_at": "ended_at",
    },
    case("unit_id"),
)
EVENTS = (
    {
        "issue_id": "issue_id",
        "from_unit_id": "from_unit_id",
        "to_unit_id": "to_unit_id",
        "day": local_day("at"),
        "counts": "to_state IN ('assigned', 'done') OR from_state = 'assigned'"
        " OR move IN ('return', 'appeal', 'redo', 'redo_up')",
    },
    case("from_unit_id, to_unit_id", "day", "counts"),
)
HELPERS = (
    {
        "id": "id",
        "issue_id": "issue_id",
        "unit_id": "unit_id",
        "asked_on": local_day("asked_at"),
        "answered_on": local_day("answered_at"),
    },
    case("unit_id", "asked_on"),
)
CALLS = (
    {
        "id": "id",
        "issue_id": "issue_id",
        "round": "round",
        "reached": "reached",
        "contacted": "contacted",
        "solved": "solved",
        "content": "content",
        "at": "at",
    },
    case("", local_day("at")),
)
LOOKS = (
    {
        "id": "id",
        "issue_id": "issue_id",
        "closed_at": "closed_at",
        "result": "result",
        "done_on": local_day("done_at"),
    },
    case("", "done_on", "result <> ''"),
)
MESSAGES = (
    {
        "id": "id",
        "issue_id": "issue_id",
        "event_id": "event_id",
        "state": "state",
        "made_on": local_day("made_at"),
    },
    case("", "made_on"),
)
ALL = ("INSERT", "UPDATE", "DELETE")
AGAIN = (
    ("visits_assignment", "assignments", ASSIGNMENTS, ALL),
    ("visits_visit", "visits", VISITS, ALL),
    ("households_household", "households", HOUSEHOLDS, ("UPDATE", "DELETE")),
)
NEW = (
    ("issues_issue", "cases", ISSUES, ALL),
    ("issues_issuesegment", "segments", SEGMENTS, ALL),
    ("issues_issueevent", "events", EVENTS, ("INSERT", "DELETE")),  # a step never changes
    ("issues_helpingunit", "helpers", HELPERS, ALL),
    ("issues_callback", "calls", CALLS, ALL),
    ("issues_lookback", "looks", LOOKS, ALL),
    ("issues_residentmessage", "messages", MESSAGES, ALL),
)


def create(triggers):
    for table, what, (columns, body), operations in triggers:
        selected = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
        for operation in operations:
            name = f"reports_log_{what}_{operation.lower()}"
            changed = first.CHANGED[operation].format(columns=selected, names=", ".join(columns))
            yield f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    {body.format(changed=changed)}
    RETURN NULL;
END $$;
CREATE TRIGGER {name} AFTER {operation} ON {table} REFERENCING {first.ROWS[operation]}
    FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


def drop(triggers):
    for table, what, _function, operations in triggers:
        for operation in operations:
            name = f"reports_log_{what}_{operation.lower()}"
            yield f"DROP TRIGGER {name} ON {table};\nDROP FUNCTION {name}();\n"


BEFORE = tuple(each for each in first.TRIGGERS if each[1] != "issues")

# What a recount of a day reads; the histories are written in order, so that an index of ranges does.
INDEXES = {
    "reports_assignment_make_up": "visits_assignment (campaign_id, due_on) WHERE state = 'make_up'",
    "reports_assignment_again": "visits_assignment (campaign_id, last_visit_at)"
    " WHERE attempts >= 2 AND state NOT IN ('to_visit', 'make_up')",
    "reports_issue_done": "issues_issue (done_at) WHERE done_at IS NOT NULL",
    "reports_event_at": "issues_issueevent USING brin (at)",
    "reports_message_made": "issues_residentmessage USING brin (made_at)",
}

# Everything is counted again once, by the next refresh; a new installation has nothing to count.
RECOUNT = """
INSERT INTO reports_dirtyday (campaign_id, unit_id, day) SELECT DISTINCT campaign_id, unit_id, NULL::date
    FROM reports_rostercount;
INSERT INTO reports_dirtyday (campaign_id, unit_id, day) SELECT campaign_id, unit_id, day FROM reports_daycount;
INSERT INTO reports_dirtyday (campaign_id, unit_id, day)
    SELECT DISTINCT assignment.campaign_id, household.village_id, assignment.due_on
    FROM visits_assignment assignment JOIN households_household household ON household.id = assignment.household_id
    WHERE assignment.due_on IS NOT NULL;
INSERT INTO reports_dirtycase (campaign_id, issue_id, units, days)
    SELECT NULL, id, '{}', '{}' FROM issues_issue WHERE campaign_id IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0009_facts"),
        ("issues", "0023_special_projects"),
        ("visits", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(
            "".join((*drop(BEFORE), *create(AGAIN), *create(NEW))),
            "".join((*drop(NEW), *drop(AGAIN), *(sql for sql in first.create() if "reports_log_issues" not in sql))),
        ),
        migrations.RunSQL(
            [f"CREATE INDEX {name} ON {what}" for name, what in INDEXES.items()],
            [f"DROP INDEX {name}" for name in INDEXES],
        ),
        migrations.RunSQL(RECOUNT, migrations.RunSQL.noop),
    ]
