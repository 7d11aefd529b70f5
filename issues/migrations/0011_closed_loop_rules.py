from django.db import migrations, models
import django.db.models.expressions


class Migration(migrations.Migration):

    dependencies = [
        ('issues', '0010_fill_closed_loop'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='issue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('accepted_at__isnull', True), ('dispatched_at__isnull', True), ('state', 'new')), models.Q(('accepted_at__isnull', True), ('dispatched_at__isnull', False), ('state', 'assigned')), models.Q(('dispatched_at__isnull', False), ('state__in', ['returned', 'arbitration'])), models.Q(('accepted_at__isnull', False), ('dispatched_at__isnull', False), ('state__in', ['accepted', 'paused', 'reported', 'done', 'verified', 'closed'])), ('state__in', ['merged', 'refused']), _connector='OR'), name='issues_issue_times_of_state'),
        ),
        migrations.AddConstraint(
            model_name='issue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('done_at__isnull', False), ('done_by__isnull', False), ('done_by_unit__isnull', False), ('state__in', ['done', 'verified', 'closed']), models.Q(('outcome', ''), _negated=True)), models.Q(models.Q(('state__in', ['done', 'verified', 'closed']), _negated=True), ('done_at__isnull', True), ('done_by__isnull', True), ('done_by_unit__isnull', True), models.Q(models.Q(('outcome', 'duplicate'), ('state', 'merged')), models.Q(models.Q(('state', 'merged'), _negated=True), ('outcome', '')), _connector='OR')), _connector='OR'), name='issues_issue_done_by_whom'),
        ),
        migrations.AddConstraint(
            model_name='issue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['verified', 'closed']), ('verified_at__isnull', False), ('verified_by__isnull', False)), models.Q(models.Q(('state__in', ['verified', 'closed']), _negated=True), ('verified_at__isnull', True), ('verified_by__isnull', True)), _connector='OR'), name='issues_issue_verified_by_whom'),
        ),
        migrations.AddConstraint(
            model_name='issue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('verified_by', models.F('done_by')), _negated=True), models.Q(('closed_by', models.F('done_by')), _negated=True)), name='issues_issue_judged_by_others', violation_error_message='Nobody verifies or signs off their own work.'),
        ),
        migrations.AddConstraint(
            model_name='issue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('merged_into__isnull', False), ('state', 'merged')), models.Q(models.Q(('state', 'merged'), _negated=True), ('merged_into__isnull', True)), _connector='OR'), name='issues_issue_merged_where'),
        ),
        migrations.AddConstraint(
            model_name='issue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('merged_into', models.F('id')), _negated=True), models.Q(('parent', models.F('id')), _negated=True)), name='issues_issue_not_its_own'),
        ),
        migrations.AddConstraint(
            model_name='issue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('request', ''), ('requested_until__isnull', True), ('requested_workdays__isnull', True)), models.Q(('request', 'time'), ('requested_until__isnull', True), ('requested_workdays__isnull', False), ('state', 'accepted')), models.Q(('request', 'pause'), ('requested_until__isnull', False), ('requested_workdays__isnull', True), ('state', 'accepted')), _connector='OR'), name='issues_issue_request_of_state'),
        ),
        migrations.AddConstraint(
            model_name='issue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('paused_until__isnull', False), ('state', 'paused')), models.Q(models.Q(('state', 'paused'), _negated=True), ('paused_until__isnull', True)), _connector='OR'), name='issues_issue_paused_until'),
        ),
        migrations.AddConstraint(
            model_name='issue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('supervised_at__isnull', True), ('supervised_by__isnull', True)), models.Q(('supervised_at__isnull', False), ('supervised_by__isnull', False)), _connector='OR'), name='issues_issue_supervised_by_whom'),
        ),
        migrations.AddConstraint(
            model_name='issueevent',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('actor', 'staff'), ('by__isnull', False), ('by_unit__isnull', False)), models.Q(models.Q(('actor', 'staff'), _negated=True), ('by__isnull', True), ('by_unit__isnull', True)), _connector='OR'), name='issues_event_by_whom'),
        ),
        migrations.AddConstraint(
            model_name='callback',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('contacted__isnull', False), ('reached', 'reached'), ('solved__isnull', False), models.Q(('content', ''), _negated=True)), models.Q(models.Q(('reached', 'reached'), _negated=True), ('contacted__isnull', True), ('content', ''), ('solved__isnull', True)), _connector='OR'), name='issues_callback_answers_when_reached', violation_error_message='All three questions are answered, or none.'),
        ),
        migrations.AddConstraint(
            model_name='callback',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('by__isnull', True), ('by_unit__isnull', True), ('channel', 'page')), models.Q(models.Q(('channel', 'page'), _negated=True), ('by__isnull', False), ('by_unit__isnull', False)), _connector='OR'), name='issues_callback_by_whom'),
        ),
        migrations.AddConstraint(
            model_name='helpingunit',
            constraint=models.UniqueConstraint(condition=models.Q(('answered_at', None)), fields=('issue', 'unit'), name='issues_helping_unit_asked_once'),
        ),
        migrations.AddConstraint(
            model_name='helpingunit',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answered_at__isnull', True), ('answered_by__isnull', True)), models.Q(('answered_at__isnull', False), ('answered_by__isnull', False)), _connector='OR'), name='issues_helping_unit_answered_by_whom'),
        ),
        migrations.AddConstraint(
            model_name='issuesegment',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('issue',), name='issues_segment_one_open'),
        ),
        migrations.AddConstraint(
            model_name='issuesegment',
            constraint=models.CheckConstraint(condition=models.Q(('ended_at', None), ('ended_at__gte', models.F('started_at')), _connector='OR'), name='issues_segment_forward'),
        ),
        migrations.AddConstraint(
            model_name='issuesegment',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['running', 'paused', 'reviewing'])), name='issues_segment_kind'),
        ),
        migrations.AddConstraint(
            model_name='upwardreport',
            constraint=models.UniqueConstraint(condition=models.Q(('answered_at', None)), fields=('issue',), name='issues_upward_one_open'),
        ),
    ]
