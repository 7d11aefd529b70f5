"""What the database itself refuses: an event that does not follow the head, a head that no event made."""

import django.db.models.deletion
from django.db import migrations, models

CREATE = """
CREATE FUNCTION issues_issueevent_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE issues_issue SET event_count = NEW.seq, head_hash = NEW.hash
    WHERE id = NEW.issue_id AND event_count = NEW.seq - 1 AND head_hash = NEW.previous_hash;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'step % does not follow the last one of issue %', NEW.seq, NEW.issue_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER issues_issueevent_link AFTER INSERT ON issues_issueevent
    FOR EACH ROW EXECUTE FUNCTION issues_issueevent_follow();

CREATE FUNCTION issues_issue_keep_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.event_count <> OLD.event_count + 1 OR NOT EXISTS (
        SELECT 1 FROM issues_issueevent
        WHERE issue_id = NEW.id AND seq = NEW.event_count AND hash = NEW.head_hash AND previous_hash = OLD.head_hash
    ) THEN
        RAISE EXCEPTION 'the head of issue % is moved by its events alone', OLD.number
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER issues_issue_head BEFORE UPDATE OF event_count, head_hash ON issues_issue FOR EACH ROW
    WHEN (OLD.event_count <> NEW.event_count OR OLD.head_hash <> NEW.head_hash)
    EXECUTE FUNCTION issues_issue_keep_head();
"""
DROP = """
DROP TRIGGER issues_issue_head ON issues_issue;
DROP FUNCTION issues_issue_keep_head();
DROP TRIGGER issues_issueevent_link ON issues_issueevent;
DROP FUNCTION issues_issueevent_follow();
"""


class Migration(migrations.Migration):
    dependencies = [("issues", "0017_chain_events")]
    operations = [
        migrations.AlterField("issueevent", "seq", models.PositiveIntegerField(editable=False)),
        migrations.AddConstraint(
            "issueevent", models.UniqueConstraint(fields=("issue", "seq"), name="issues_event_seq")
        ),
        migrations.AlterField(
            "attachment",
            "event",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="attachments", to="issues.issueevent"
            ),
        ),
        migrations.RemoveConstraint("attachment", "issues_attachment_once"),
        migrations.AddConstraint(
            "attachment",
            models.UniqueConstraint(
                condition=models.Q(("removed_at", None)), fields=("issue", "sha256"), name="issues_attachment_once"
            ),
        ),
        migrations.AddConstraint(
            "attachment",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("removed_at__isnull", True), ("removed_by__isnull", True), ("removed_why", "")),
                    models.Q(
                        ("removed_at__isnull", False),
                        ("removed_by__isnull", False),
                        models.Q(("removed_why", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="issues_attachment_removed_by_whom",
            ),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
