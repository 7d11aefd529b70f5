

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('outreach', '0002_audit_append_only'),
    ]

    operations = [
        migrations.CreateModel(
            name='DirtyDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('campaign_id', models.BigIntegerField()),
                ('unit_id', models.BigIntegerField()),
                ('day', models.DateField(null=True)),
            ],
            options={
                'verbose_name': 'dirty day',
            },
        ),
        migrations.CreateModel(
            name='Freshness',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('counted_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='reports_freshness_one_row')],
            },
        ),
        migrations.CreateModel(
            name='DayCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('covered', models.PositiveIntegerField(default=0)),
                ('met', models.PositiveIntegerField(default=0)),
                ('visits', models.PositiveIntegerField(default=0)),
                ('issues_raised', models.PositiveIntegerField(default=0)),
                ('issues_solved', models.PositiveIntegerField(default=0)),
                ('issues_explained', models.PositiveIntegerField(default=0)),
                ('issues_not_accepted', models.PositiveIntegerField(default=0)),
                ('issues_otherwise', models.PositiveIntegerField(default=0)),
                ('open_due', models.PositiveIntegerField(default=0)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='outreach.campaign')),
                ('unit', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='outreach.unit')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('campaign', 'unit', 'day'), name='reports_daycount_once')],
            },
        ),
        migrations.CreateModel(
            name='RosterCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('households', models.PositiveIntegerField(default=0)),
                ('off_roster', models.PositiveIntegerField(default=0)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='outreach.campaign')),
                ('unit', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='outreach.unit')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('campaign', 'unit'), name='reports_rostercount_once')],
            },
        ),
    ]
