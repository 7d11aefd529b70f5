"""What the database itself refuses: changing what a published scheme says, bringing one back, deleting one."""

from django.db import migrations

CREATE = """
CREATE FUNCTION reports_scheme_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'draft' THEN
        RETURN COALESCE(NEW, OLD);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'scheme %: a published scheme is kept', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.campaign_id, NEW.name, NEW.version, NEW.content, NEW.published_at, NEW.published_by_id)
        IS DISTINCT FROM
        (OLD.campaign_id, OLD.name, OLD.version, OLD.content, OLD.published_at, OLD.published_by_id)
        OR NOT (NEW.state = OLD.state OR (OLD.state = 'published' AND NEW.state = 'retired'))
    THEN
        RAISE EXCEPTION 'scheme %: what is published does not change', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reports_scheme_frozen BEFORE UPDATE OR DELETE ON reports_scheme
    FOR EACH ROW EXECUTE FUNCTION reports_scheme_guard();
"""
DROP = """
DROP TRIGGER reports_scheme_frozen ON reports_scheme;
DROP FUNCTION reports_scheme_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("reports", "0005_schemes")]
    operations = [migrations.RunSQL(CREATE, DROP)]
