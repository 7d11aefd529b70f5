"""What the database itself refuses: changing what a snapshot froze, bringing one back, deleting one."""

from django.db import migrations

CREATE = """
CREATE FUNCTION reports_snapshot_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'snapshot %: frozen scores are kept', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.campaign_id, NEW.scheme_id, NEW.kind, NEW.first, NEW.last, NEW.as_of, NEW.inputs, NEW.result, NEW.digest,
        NEW.taken_at, NEW.taken_by_id, NEW.revises_id, NEW.root_id, NEW.revision, NEW.revised_why)
        IS DISTINCT FROM
       (OLD.campaign_id, OLD.scheme_id, OLD.kind, OLD.first, OLD.last, OLD.as_of, OLD.inputs, OLD.result, OLD.digest,
        OLD.taken_at, OLD.taken_by_id, OLD.revises_id, OLD.root_id, OLD.revision, OLD.revised_why)
    THEN
        RAISE EXCEPTION 'snapshot %: what is frozen does not change', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF NOT (NEW.state = OLD.state
            OR (OLD.state = 'draft' AND NEW.state IN ('approved', 'withdrawn'))
            OR (OLD.state = 'approved' AND NEW.state IN ('published', 'withdrawn'))
            OR (OLD.state = 'published' AND NEW.state = 'withdrawn'))
        OR (OLD.approved_at IS NOT NULL AND (NEW.approved_at, NEW.approved_by_id)
            IS DISTINCT FROM (OLD.approved_at, OLD.approved_by_id))
        OR (OLD.published_at IS NOT NULL AND (NEW.published_at, NEW.published_by_id, NEW.appeals_until)
            IS DISTINCT FROM (OLD.published_at, OLD.published_by_id, OLD.appeals_until))
        OR (OLD.withdrawn_at IS NOT NULL AND (NEW.withdrawn_at, NEW.withdrawn_by_id, NEW.withdrawn_why)
            IS DISTINCT FROM (OLD.withdrawn_at, OLD.withdrawn_by_id, OLD.withdrawn_why))
    THEN
        RAISE EXCEPTION 'snapshot %: what was decided does not change', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reports_snapshot_frozen BEFORE UPDATE OR DELETE ON reports_snapshot
    FOR EACH ROW EXECUTE FUNCTION reports_snapshot_guard();

CREATE FUNCTION reports_appeal_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'appeal %: appeals are kept', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state <> 'filed'
        OR (NEW.snapshot_id, NEW.unit_id, NEW.line, NEW.statement, NEW.filed_at, NEW.filed_by_id)
        IS DISTINCT FROM (OLD.snapshot_id, OLD.unit_id, OLD.line, OLD.statement, OLD.filed_at, OLD.filed_by_id)
    THEN
        RAISE EXCEPTION 'appeal %: what was filed or decided does not change', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reports_appeal_kept BEFORE UPDATE OR DELETE ON reports_appeal
    FOR EACH ROW EXECUTE FUNCTION reports_appeal_guard();
"""
DROP = """
DROP TRIGGER reports_appeal_kept ON reports_appeal;
DROP FUNCTION reports_appeal_guard();
DROP TRIGGER reports_snapshot_frozen ON reports_snapshot;
DROP FUNCTION reports_snapshot_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("reports", "0007_snapshots")]
    operations = [migrations.RunSQL(CREATE, DROP)]
