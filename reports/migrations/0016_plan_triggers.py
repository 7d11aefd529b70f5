"""What a row alone cannot say: the owner holds a post in the unit, shares add up, history stays as it was written."""

from django.db import migrations

OWNED = ("reports_worktask", "reports_deduction", "reports_shortfall")

OWNER = """
CREATE FUNCTION reports_check_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM outreach_membership WHERE id = NEW.person_id AND unit_id = NEW.unit_id) THEN
        RAISE EXCEPTION 'The person in charge holds no post in the responsible unit.'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_owner_in_unit';
    END IF;
    RETURN NEW;
END $$;
"""
# deferred, because a deduction and its shares are written one after the other
SHARES = """
CREATE FUNCTION reports_check_shares() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    which bigint;
    whole numeric;
    parts numeric;
BEGIN
    IF TG_TABLE_NAME = 'reports_deduction' THEN
        which := NEW.id;
    ELSIF TG_OP = 'DELETE' THEN
        which := OLD.deduction_id;
    ELSE
        which := NEW.deduction_id;
    END IF;
    SELECT points INTO whole FROM reports_deduction WHERE id = which;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(sum(points), 0) INTO parts FROM reports_deductionshare WHERE deduction_id = which;
    IF parts <> whole THEN
        RAISE EXCEPTION 'The shares (%) do not add up to the points deducted (%).', parts, whole
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reports_deduction_shares_add_up';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER reports_deduction_shares AFTER INSERT OR UPDATE OF points ON reports_deduction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION reports_check_shares();
CREATE CONSTRAINT TRIGGER reports_deductionshare_shares AFTER INSERT OR UPDATE OR DELETE ON reports_deductionshare
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION reports_check_shares();
"""
HISTORY = """
CREATE FUNCTION reports_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER reports_taskevent_append_only BEFORE UPDATE OR DELETE ON reports_taskevent
    FOR EACH ROW EXECUTE FUNCTION reports_refuse_change();
"""
UNDO = """
DROP TRIGGER reports_taskevent_append_only ON reports_taskevent;
DROP FUNCTION reports_refuse_change();
DROP TRIGGER reports_deductionshare_shares ON reports_deductionshare;
DROP TRIGGER reports_deduction_shares ON reports_deduction;
DROP FUNCTION reports_check_shares();
"""


class Migration(migrations.Migration):
    dependencies = [("reports", "0015_plans")]

    operations = [
        migrations.RunSQL(OWNER, "DROP FUNCTION reports_check_owner();"),
        *(
            migrations.RunSQL(
                f"CREATE TRIGGER {table}_owner BEFORE INSERT OR UPDATE OF unit_id, person_id ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION reports_check_owner();",
                f"DROP TRIGGER {table}_owner ON {table};",
            )
            for table in OWNED
        ),
        migrations.RunSQL(SHARES + HISTORY, UNDO),
    ]
