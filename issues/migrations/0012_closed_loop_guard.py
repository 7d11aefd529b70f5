"""What the database itself refuses: a state no move of the closed loop leads to."""

from django.db import migrations

# The pairs of workflow.pairs() when this was written; tests/issues/test_workflow.py checks that they still are.
GUARD = """
CREATE OR REPLACE FUNCTION issues_issue_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('accepted', 'arbitration'), ('accepted', 'done'), ('accepted', 'merged'), ('accepted', 'paused'),
        ('accepted', 'reported'), ('accepted', 'returned'), ('arbitration', 'assigned'),
        ('assigned', 'accepted'), ('assigned', 'arbitration'), ('assigned', 'merged'),
        ('assigned', 'returned'), ('closed', 'accepted'), ('closed', 'arbitration'), ('done', 'accepted'),
        ('done', 'arbitration'), ('done', 'verified'), ('merged', 'accepted'), ('merged', 'assigned'),
        ('merged', 'new'), ('merged', 'returned'), ('new', 'assigned'), ('new', 'merged'), ('new', 'refused'),
        ('paused', 'accepted'), ('refused', 'new'), ('refused', 'returned'),
        ('reported', 'accepted'), ('reported', 'done'), ('returned', 'assigned'), ('returned', 'merged'),
        ('returned', 'refused'), ('verified', 'accepted'), ('verified', 'arbitration'), ('verified', 'closed')
    ) THEN
        RAISE EXCEPTION 'issue %: no move leads from % to %', OLD.number, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("issues", "0011_closed_loop_rules")]
    operations = [migrations.RunSQL(GUARD, migrations.RunSQL.noop)]
