"""The audit trail cannot be changed or emptied, not even by the program itself."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION outreach_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER outreach_audit_no_change BEFORE UPDATE OR DELETE ON outreach_auditevent
    FOR EACH ROW EXECUTE FUNCTION outreach_audit_refuse();
CREATE TRIGGER outreach_audit_no_truncate BEFORE TRUNCATE ON outreach_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION outreach_audit_refuse();
"""
ALLOW = """
DROP TRIGGER outreach_audit_no_truncate ON outreach_auditevent;
DROP TRIGGER outreach_audit_no_change ON outreach_auditevent;
DROP FUNCTION outreach_audit_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("outreach", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
