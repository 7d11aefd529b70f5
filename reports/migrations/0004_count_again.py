"""Count every day again: what counts as ended changed with the closed loop."""

from django.db import migrations

AGAIN = """
INSERT INTO reports_dirtyday (campaign_id, unit_id, day) SELECT campaign_id, unit_id, day FROM reports_daycount;
"""


class Migration(migrations.Migration):
    dependencies = [("reports", "0003_closed_loop"), ("issues", "0012_closed_loop_guard")]
    operations = [migrations.RunSQL(AGAIN, migrations.RunSQL.noop)]
