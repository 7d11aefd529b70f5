"""What chains the history, and what ties evidence to the step that brought it; filled by the next migration."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("issues", "0015_disputes"),
    ]
    operations = [
        migrations.AddField("issue", "event_count", models.PositiveIntegerField(default=0, editable=False)),
        migrations.AddField(
            "issue", "head_hash", models.CharField(blank=True, default="", editable=False, max_length=64)
        ),
        migrations.AddField("issueevent", "seq", models.PositiveIntegerField(editable=False, null=True)),
        migrations.AddField("issueevent", "detail", models.JSONField(blank=True, default=dict)),
        migrations.AddField(
            "issueevent",
            "previous_hash",
            models.CharField(blank=True, default="", editable=False, max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            "issueevent", "hash", models.CharField(default="", editable=False, max_length=64), preserve_default=False
        ),
        migrations.AddField(
            "attachment",
            "event",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attachments",
                to="issues.issueevent",
            ),
        ),
        migrations.AddField(
            "attachment", "name", models.CharField(blank=True, default="", max_length=100, verbose_name="file name")
        , preserve_default=False),
        migrations.AddField("attachment", "removed_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "attachment",
            "removed_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            "attachment",
            "removed_why",
            models.CharField(blank=True, default="", max_length=200, verbose_name="reason"),
            preserve_default=False,
        ),
        migrations.AlterField("attachment", "content_type", models.CharField(max_length=80)),
        migrations.AlterField(
            "attachment",
            "added_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
