"""A draw is kept for good: neither it nor what was drawn changes; only how far the calls have come does."""

from django.db import migrations

KEEP = """
CREATE FUNCTION surveys_draw_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a sample drawn is kept as it is: % refused', TG_OP USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER surveys_draw_kept BEFORE UPDATE OR DELETE ON surveys_draw
    FOR EACH ROW EXECUTE FUNCTION surveys_draw_kept();
CREATE TRIGGER surveys_drawframe_kept BEFORE UPDATE OR DELETE ON surveys_drawframe
    FOR EACH ROW EXECUTE FUNCTION surveys_draw_kept();

CREATE FUNCTION surveys_drawn_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND (OLD.draw_id, OLD.key, OLD.stratum, OLD.cluster, OLD.position, OLD.probability, OLD.of_clusters,
             OLD.of_members, OLD.unit_id, OLD.turn)
            IS NOT DISTINCT FROM
            (NEW.draw_id, NEW.key, NEW.stratum, NEW.cluster, NEW.position, NEW.probability, NEW.of_clusters,
             NEW.of_members, NEW.unit_id, NEW.turn)
        -- a household may leave the roster, and numbers are forgotten after the round
        AND (NEW.household_id IS NULL OR NEW.household_id = OLD.household_id)
        AND (NEW.contact = '' OR NEW.contact = OLD.contact)
        AND (OLD.state = 'open' OR NEW.state = 'over') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what was drawn is kept as it is: % refused', TG_OP USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER surveys_drawn_kept BEFORE UPDATE OR DELETE ON surveys_drawn
    FOR EACH ROW EXECUTE FUNCTION surveys_drawn_kept();
"""
LET_GO = """
DROP TRIGGER surveys_drawn_kept ON surveys_drawn;
DROP FUNCTION surveys_drawn_kept();
DROP TRIGGER surveys_drawframe_kept ON surveys_drawframe;
DROP TRIGGER surveys_draw_kept ON surveys_draw;
DROP FUNCTION surveys_draw_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("surveys", "0004_samples")]
    operations = [migrations.RunSQL(KEEP, LET_GO)]
