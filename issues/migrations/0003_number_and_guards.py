"""The numbers' sequence, and what the database itself refuses: a state no move leads to, a changed history."""

from django.db import migrations

# The pairs of workflow.MOVES when this was written; tests/issues/test_workflow.py checks that they still are.
CREATE = """
CREATE SEQUENCE issues_issue_number;

CREATE FUNCTION issues_issue_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('new', 'assigned'), ('assigned', 'accepted'), ('accepted', 'done'), ('done', 'closed'), ('done', 'accepted')
    ) THEN
        RAISE EXCEPTION 'issue %: no move leads from % to %', OLD.number, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER issues_issue_moves BEFORE UPDATE OF state ON issues_issue
    FOR EACH ROW EXECUTE FUNCTION issues_issue_guard();

CREATE FUNCTION issues_issueevent_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of an issue is append-only: % refused', TG_OP USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER issues_issueevent_no_change BEFORE UPDATE OR DELETE ON issues_issueevent
    FOR EACH ROW EXECUTE FUNCTION issues_issueevent_refuse();
"""
DROP = """
DROP TRIGGER issues_issueevent_no_change ON issues_issueevent;
DROP FUNCTION issues_issueevent_refuse();
DROP TRIGGER issues_issue_moves ON issues_issue;
DROP FUNCTION issues_issue_guard();
DROP SEQUENCE issues_issue_number;
"""


class Migration(migrations.Migration):
    dependencies = [("issues", "0002_limits_and_times")]
    operations = [migrations.RunSQL(CREATE, DROP)]
