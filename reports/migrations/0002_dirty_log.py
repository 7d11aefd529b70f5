"""Triggers that note, in the transaction of each change, which counts are out of date (docs/decisions/0006-rollups.md).

One INSERT … SELECT DISTINCT per statement, whatever the number of its rows; a statement that changes nothing counted
notes nothing. TRUNCATE notes nothing either: recount after it.
"""

from django.db import migrations

# What a statement changed: the rows before and after, without those that are the same before and after. Grouping and
# not a join: the plan is made at a session's first statement and kept, and a join of two sets without an index, planned
# for one row, would take hours for a bulk update of many.
CHANGED = {
    "INSERT": "SELECT {columns} FROM new_rows",
    "DELETE": "SELECT {columns} FROM old_rows",
    "UPDATE": "SELECT * FROM (SELECT {columns} FROM old_rows UNION ALL SELECT {columns} FROM new_rows) side"
    " GROUP BY {names} HAVING count(*) = 1",
}
ROWS = {
    "INSERT": "NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
}
LOG = "INSERT INTO reports_dirtyday (campaign_id, unit_id, day) SELECT DISTINCT"


def local_day(column):
    return f"({column} AT TIME ZONE 'Asia/Shanghai')::date"


# A household may move to another village while its duty or visit is being written: neither transaction sees the
# other's rows, and the duty's day would be logged for the old village alone. So whoever writes a duty or a visit holds
# the household's row (FOR KEY SHARE: weakly, writers of duties do not wait for each other), and whoever moves a
# household waits for them (FOR UPDATE). The village is read in a statement of its own: the one that waited for the lock
# still sees what it saw before. Lock order for actions that write both: the assignment, then its household.
HOLD = """PERFORM 1 FROM households_household WHERE id IN (SELECT household_id FROM ({changed}) changed)
        ORDER BY id FOR KEY SHARE;"""
LOCATED = "({changed}) changed JOIN households_household household ON household.id = changed.household_id"

# The roster's count is out of date where a duty is new, gone, of another household, or on or off the roster: where its
# rows before and after do not agree in these columns, so that they stand alone.
ASSIGNMENTS = (
    {
        "id": "id",
        "campaign_id": "campaign_id",
        "household_id": "household_id",
        "off_roster": "state = 'off_roster'",
        "covered_on": "covered_on",
        "met": "state = 'met'",
    },
    f"""
    {HOLD}
    {LOG} marked.campaign_id, marked.village_id, key.day
    FROM (
        SELECT changed.campaign_id, household.village_id, changed.covered_on, count(*) OVER (
            PARTITION BY changed.id, changed.campaign_id, changed.household_id, changed.off_roster) = 1 AS roster
        FROM {LOCATED}
    ) marked
    CROSS JOIN LATERAL (
        VALUES (NULL::date, marked.roster), (marked.covered_on, marked.covered_on IS NOT NULL)
    ) key (day, is_stale)
    WHERE key.is_stale;
""",
)

VISITS = (
    {
        "uuid": "uuid",
        "campaign_id": "campaign_id",
        "household_id": "household_id",
        "day": local_day("visited_at"),
    },
    f"""
    {HOLD}
    {LOG} changed.campaign_id, household.village_id, changed.day FROM {LOCATED} WHERE changed.campaign_id IS NOT NULL;
""",
)

ISSUES = (
    {
        "id": "id",
        "campaign_id": "campaign_id",
        "place_id": "place_id",
        "state": "state",
        "outcome": "outcome",
        "raised_on": local_day("recorded_at"),
        "done_on": local_day("done_at"),
        "due_on": "due_on",
    },
    f"""
    {LOG} changed.campaign_id, changed.place_id, key.day
    FROM ({{changed}}) changed
    CROSS JOIN LATERAL (VALUES (raised_on), (done_on), (due_on)) key (day)
    WHERE changed.campaign_id IS NOT NULL AND key.day IS NOT NULL;
""",
)

# Old and new village of every duty and visit of the household. A new household has neither, so INSERT logs nothing.
HOUSEHOLDS = (
    {"id": "id", "village_id": "village_id", "roster_state": "roster_state"},
    f"""
    PERFORM 1 FROM households_household WHERE id IN (SELECT id FROM ({{changed}}) changed) ORDER BY id FOR UPDATE;
    {LOG} key.campaign_id, changed.village_id, key.day
    FROM ({{changed}}) changed
    JOIN (
        SELECT household_id, campaign_id, NULL::date AS day FROM visits_assignment
        UNION ALL
        SELECT household_id, campaign_id, covered_on FROM visits_assignment WHERE covered_on IS NOT NULL
        UNION ALL
        SELECT household_id, campaign_id, {local_day("visited_at")} FROM visits_visit WHERE campaign_id IS NOT NULL
    ) key ON key.household_id = changed.id;
""",
)

TRIGGERS = (
    ("visits_assignment", "assignments", ASSIGNMENTS, ("INSERT", "UPDATE", "DELETE")),
    ("visits_visit", "visits", VISITS, ("INSERT", "UPDATE", "DELETE")),
    ("issues_issue", "issues", ISSUES, ("INSERT", "UPDATE", "DELETE")),
    ("households_household", "households", HOUSEHOLDS, ("UPDATE", "DELETE")),
)


def create():
    for table, what, (columns, body), operations in TRIGGERS:
        selected = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
        for operation in operations:
            name = f"reports_log_{what}_{operation.lower()}"
            changed = CHANGED[operation].format(columns=selected, names=", ".join(columns))
            # Households and duties are looked up by index, also where the kept plan was made at a bulk statement.
            yield f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    {body.format(changed=changed)}
    RETURN NULL;
END $$;
CREATE TRIGGER {name} AFTER {operation} ON {table} REFERENCING {ROWS[operation]}
    FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


def drop():
    for table, what, _function, operations in TRIGGERS:
        for operation in operations:
            name = f"reports_log_{what}_{operation.lower()}"
            yield f"DROP TRIGGER {name} ON {table};\nDROP FUNCTION {name}();\n"


# What a recount of a day reads.
INDEX = """
CREATE INDEX reports_assignment_covered ON visits_assignment (campaign_id, covered_on)
    INCLUDE (household_id, state) WHERE covered_on IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0001_initial"),
        ("households", "0001_initial"),
        ("issues", "0001_initial"),
        ("visits", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL("".join(create()), "".join(drop())),
        migrations.RunSQL(INDEX, "DROP INDEX reports_assignment_covered"),
    ]
