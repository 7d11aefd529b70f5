"""A published version never changes, and a response never does: what was asked and answered stays as it was."""

from django.db import migrations

FREEZE = """
CREATE FUNCTION surveys_version_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL AND (TG_OP = 'DELETE' OR OLD.* IS DISTINCT FROM NEW.*) THEN
        RAISE EXCEPTION 'version % of questionnaire % is published: % refused', OLD.number, OLD.questionnaire_id, TG_OP
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER surveys_version_frozen BEFORE UPDATE OR DELETE ON surveys_version
    FOR EACH ROW EXECUTE FUNCTION surveys_version_frozen();

CREATE FUNCTION surveys_response_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.round_id, OLD.unit_id, OLD.channel, OLD.week, OLD.answers, OLD.stratum, OLD.cluster, OLD.weight)
        IS DISTINCT FROM
       (NEW.round_id, NEW.unit_id, NEW.channel, NEW.week, NEW.answers, NEW.stratum, NEW.cluster, NEW.weight) THEN
        RAISE EXCEPTION 'a response is not changed after it was given' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER surveys_response_frozen BEFORE UPDATE ON surveys_response
    FOR EACH ROW EXECUTE FUNCTION surveys_response_frozen();
"""
THAW = """
DROP TRIGGER surveys_response_frozen ON surveys_response;
DROP FUNCTION surveys_response_frozen();
DROP TRIGGER surveys_version_frozen ON surveys_version;
DROP FUNCTION surveys_version_frozen();
"""


class Migration(migrations.Migration):
    dependencies = [("surveys", "0001_questionnaires_and_rounds")]
    operations = [migrations.RunSQL(FREEZE, THAW)]
