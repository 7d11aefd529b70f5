"""manage.py verify_audit: read the audit chain through and name every break."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from outreach import audit
from outreach.models import AuditEvent


class Command(BaseCommand):
    help = "Check the hash chain of the audit trail; exit status 1 where it does not hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--head", help="the head an earlier run printed: finds events removed from the end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each break, then fail; or say how many events hold."""
        broken = list(audit.broken_events())
        for pk, fault in broken:
            self.stderr.write(f"audit event {pk}: {fault}")
        if options["head"] and not AuditEvent.objects.filter(hash=options["head"]).exists():
            raise CommandError(f"The event with the hash {options['head']} is gone: the trail was cut off.")
        if broken:
            raise CommandError(f"{len(broken)} places where the audit chain does not hold.")
        last = AuditEvent.objects.order_by("-pk").values_list("hash", flat=True).first()
        self.stdout.write(f"{AuditEvent.objects.count()} audit events hold; head {last or '-'}")
