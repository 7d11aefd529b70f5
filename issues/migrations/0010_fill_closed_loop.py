"""Give issues of before the loop what the loop asks of them: a limit, a verifier, and their clock's ledger."""

from django.db import migrations

FILL = """
UPDATE issues_issue issue SET limit_workdays = coalesce(
    category.workdays, parent.workdays,
    CASE WHEN issue.is_urgent THEN kind.urgent_workdays ELSE kind.workdays END, 7)
FROM issues_category category
LEFT JOIN issues_category parent ON parent.id = category.parent_id, issues_kindlimit kind
WHERE category.id = issue.category_id AND kind.kind = issue.kind;

UPDATE issues_issue SET verified_at = closed_at, verified_by_id = closed_by_id WHERE state = 'closed';

INSERT INTO issues_issuesegment (issue_id, unit_id, kind, started_at, ended_at)
SELECT id, coalesce(done_by_unit_id, unit_id), 'running', dispatched_at, done_at
FROM issues_issue WHERE dispatched_at IS NOT NULL;

INSERT INTO issues_issuesegment (issue_id, unit_id, kind, started_at, ended_at)
SELECT id, unit_id, 'reviewing', done_at, closed_at FROM issues_issue WHERE done_at IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("issues", "0009_closed_loop")]
    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
