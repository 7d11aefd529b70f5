"""What the people in charge are told where a snapshot does not give what it gave."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from outreach.access import Permission, permissions_of
from outreach.alarms import Alarm
from outreach.models import User
from reports.actions.snapshots import last_proof_failed

WATCHERS = {Permission.SNAPSHOT_MAKE, Permission.SETTINGS_EDIT}


def snapshot_alarms(user: User) -> list[Alarm]:
    """Tell those who freeze scores, and the system administrator, that the last proof failed. Costs a query."""
    may = permissions_of(user)
    if not may & WATCHERS or not last_proof_failed():
        return []
    text = _(
        "The nightly check scored the snapshots again and found one that does not give what it gave. Nothing was "
        "repaired. The system administrator runs manage.py replay_snapshots, which names it, and compares with a "
        "backup."
    )
    url, label = "", ""
    if Permission.RANKING_VIEW in may:
        url, label = reverse("reports:snapshot_list"), _("Score snapshots")
    return [Alarm(title=_("Frozen scores"), text=text, url=url, label=label)]
