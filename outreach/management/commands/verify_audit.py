"""manage.py verify_audit: read the audit chain through and name every break."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from outreach import audit
from outreach.models import AuditEvent


class Command(BaseCommand):
    help = "Check the hash chain of the audit trail; exit status 1 where it does not hold."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each break, then fail; or say how many events hold."""
        broken = list(audit.broken_events())
        for pk, fault in broken:
            self.stderr.write(f"audit event {pk}: {fault}")
        if broken:
            raise CommandError(f"{len(broken)} places where the audit chain does not hold.")
        last = AuditEvent.objects.order_by("-pk").values_list("hash", flat=True).first()
        self.stdout.write(f"{AuditEvent.objects.count()} audit events hold; head {last or '-'}")
