"""What the database itself refuses: changing or deleting a bulletin that was issued, or a version that was saved."""

from django.db import migrations

CREATE = """
CREATE FUNCTION reports_bulletin_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'bulletin %: bulletins are kept', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF NOT (NEW.state = OLD.state
            OR (OLD.state = 'draft' AND NEW.state IN ('issued', 'discarded'))
            OR (OLD.state = 'issued' AND NEW.state = 'withdrawn'))
        OR (OLD.state <> 'draft'
            AND (NEW.snapshot_id, NEW.compared_with_id, NEW.kind, NEW.title, NEW.sections, NEW.rules, NEW.version,
                 NEW.sha256, NEW.annex_sha256, NEW.issued_at, NEW.issued_by_id)
            IS DISTINCT FROM
                (OLD.snapshot_id, OLD.compared_with_id, OLD.kind, OLD.title, OLD.sections, OLD.rules, OLD.version,
                 OLD.sha256, OLD.annex_sha256, OLD.issued_at, OLD.issued_by_id))
        OR (OLD.state = 'withdrawn' AND (NEW.withdrawn_at, NEW.withdrawn_by_id, NEW.withdrawn_why)
            IS DISTINCT FROM (OLD.withdrawn_at, OLD.withdrawn_by_id, OLD.withdrawn_why))
    THEN
        RAISE EXCEPTION 'bulletin %: what was issued does not change', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reports_bulletin_kept BEFORE UPDATE OR DELETE ON reports_bulletin
    FOR EACH ROW EXECUTE FUNCTION reports_bulletin_guard();

CREATE FUNCTION reports_bulletinversion_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'bulletin version %: what was saved is kept', OLD.id USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER reports_bulletinversion_kept BEFORE UPDATE OR DELETE ON reports_bulletinversion
    FOR EACH ROW EXECUTE FUNCTION reports_bulletinversion_guard();
"""
DROP = """
DROP TRIGGER reports_bulletinversion_kept ON reports_bulletinversion;
DROP FUNCTION reports_bulletinversion_guard();
DROP TRIGGER reports_bulletin_kept ON reports_bulletin;
DROP FUNCTION reports_bulletin_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("reports", "0011_bulletins")]

    operations = [migrations.RunSQL(CREATE, DROP)]
