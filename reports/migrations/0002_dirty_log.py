"""Triggers that note, in the transaction of each change, which counts are out of date (docs/decisions/0004-rollups.md).

One INSERT … SELECT DISTINCT per statement, whatever the number of its rows. TRUNCATE notes nothing: recount after it.
"""

from django.db import migrations

# A change is what differs between the rows before and after; a statement that changes nothing counted logs nothing.
CHANGED = {
    "INSERT": "SELECT {columns} FROM new_rows",
    "DELETE": "SELECT {columns} FROM old_rows",
    "UPDATE": "(SELECT {columns} FROM old_rows EXCEPT SELECT {columns} FROM new_rows)"
    " UNION ALL (SELECT {columns} FROM new_rows EXCEPT SELECT {columns} FROM old_rows)",
}
ROWS = {
    "INSERT": "NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
}
LOG = "INSERT INTO reports_dirtyday (campaign_id, unit_id, day)"


def local_day(column):
    return f"({column} AT TIME ZONE 'Asia/Shanghai')::date"


# A household may move to another village while its duty or visit is being written: neither transaction sees the
# other's rows, and the duty's day would be logged for the old village alone. So whoever writes a duty or a visit holds
# the household's row (weakly: writers of duties do not wait for each other), and whoever moves a household waits for
# them (HOUSEHOLDS below). Lock order for actions that write both: the assignment first, then its household.
HOLD_HOUSEHOLDS = """
    PERFORM 1 FROM households_household WHERE id IN (SELECT household_id FROM ({changed}) changed)
        ORDER BY id FOR KEY SHARE;
    IF NOT FOUND THEN RETURN NULL; END IF;
"""

ASSIGNMENT_COLUMNS = "id, campaign_id, household_id, state = 'off_roster' AS off_roster"
ASSIGNMENTS = (
    f"{ASSIGNMENT_COLUMNS}, covered_on, state = 'met' AS met",
    HOLD_HOUSEHOLDS
    + f"""
    {LOG}
    SELECT DISTINCT key.campaign_id, household.village_id, key.day
    FROM (
        SELECT campaign_id, household_id, NULL::date AS day FROM ({{roster_changed}}) changed
        UNION ALL
        SELECT campaign_id, household_id, covered_on FROM ({{changed}}) changed WHERE covered_on IS NOT NULL
    ) key
    JOIN households_household household ON household.id = key.household_id;
""",
)

VISITS = (
    f"uuid, campaign_id, household_id, {local_day('visited_at')} AS day",
    HOLD_HOUSEHOLDS
    + f"""
    {LOG}
    SELECT DISTINCT changed.campaign_id, household.village_id, changed.day
    FROM ({{changed}}) changed
    JOIN households_household household ON household.id = changed.household_id
    WHERE changed.campaign_id IS NOT NULL;
""",
)

ISSUES = (
    f"id, campaign_id, place_id, state, outcome, due_on,"
    f" {local_day('recorded_at')} AS raised_on, {local_day('done_at')} AS done_on",
    f"""
    {LOG}
    SELECT DISTINCT changed.campaign_id, changed.place_id, key.day
    FROM ({{changed}}) changed
    CROSS JOIN LATERAL (VALUES (raised_on), (done_on), (due_on)) key (day)
    WHERE changed.campaign_id IS NOT NULL AND key.day IS NOT NULL;
""",
)

# Old and new village of every duty and visit of the household. A new household has neither, so INSERT logs nothing.
HOUSEHOLDS = (
    "id, village_id, roster_state",
    f"""
    PERFORM 1 FROM households_household WHERE id IN (SELECT id FROM ({{changed}}) changed) ORDER BY id FOR UPDATE;
    {LOG}
    SELECT DISTINCT key.campaign_id, changed.village_id, key.day
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
        for operation in operations:
            name = f"reports_log_{what}_{operation.lower()}"
            changed = CHANGED[operation].format(columns=columns)
            roster_changed = CHANGED[operation].format(columns=ASSIGNMENT_COLUMNS)
            yield f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{body.format(changed=changed, roster_changed=roster_changed)}
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
